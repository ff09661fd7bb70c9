// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * run: the loop of VM_RUN on one vCPU: requests before entry, verdicts, where the guest resumes
 * (semantics.md 7, 9, 10).
 */
#include <kunit/test.h>
#include <linux/bits.h>
#include <linux/kernel.h>
#include <linux/preempt.h>
#include <linux/sched/signal.h>
#include <asm/processor-flags.h>
#include "dev/vlapic.h"
#include "fake_vm.h"

#define EXCEPTION(vector)	(VM_INTINFO_VALID | VM_INTINFO_HWEXCEPTION | (vector))

/* A signal for this thread, and its end. */
static void signal_raise(void)
{
	allow_signal(SIGUSR1);
	send_sig(SIGUSR1, current, 1);
}

static void signal_take(void)
{
	flush_signals(current);
	disallow_signal(SIGUSR1);
}

static u64 reg(struct vcpu *vcpu, int reg)
{
	u64 val = 0xdead;

	vcpu_reg_get(vcpu, reg, &val);
	return val;
}

/* --- who may run --------------------------------------------------------------------- */

static void run_needs_an_active_vcpu(struct kunit *test)
{
	struct vcpu *vcpu = vm_vcpu(fake_vm(test), 3);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, vcpu);
	fake_vcpu_hold(test, vcpu);
	FAKE_SCRIPT(vcpu, FAKE_END);
	KUNIT_EXPECT_EQ(test, fake_run_once(vcpu), -EINVAL);
	KUNIT_EXPECT_EQ(test, to_fake(vcpu)->nentries, 0);
	KUNIT_EXPECT_EQ(test, vm_activate_vcpu(vcpu), 0);
	KUNIT_EXPECT_EQ(test, vm_activate_vcpu(vcpu), -EBUSY);
	KUNIT_EXPECT_EQ(test, fake_run_once(vcpu), VM_EXITCODE_PAUSE);
}

static void run_ends_for_good_when_suspended(struct kunit *test)
{
	struct vcpu *vcpu = fake_vcpu_held(test, 0);
	int how;

	for (how = VM_SUSPEND_RESET; how <= VM_SUSPEND_TRIPLEFAULT; how++) {
		KUNIT_EXPECT_EQ(test, vm_suspend(vcpu->vm, how), 0);
		KUNIT_EXPECT_EQ(test, vm_suspend(vcpu->vm, VM_SUSPEND_RESET), -EALREADY);
		KUNIT_EXPECT_EQ(test, fake_run_once(vcpu), VM_EXITCODE_SUSPENDED);
		KUNIT_EXPECT_EQ(test, vcpu->exit.u.suspended.how, how);
		KUNIT_EXPECT_EQ(test, fake_run_once(vcpu), -EINVAL);

		KUNIT_EXPECT_EQ(test, fake_reinit(vcpu->vm), 0);
		KUNIT_EXPECT_EQ(test, fake_run_once(vcpu), -EINVAL);
		KUNIT_EXPECT_EQ(test, vm_activate_vcpu(vcpu), 0);
	}
	FAKE_SCRIPT(vcpu, FAKE_END);
	KUNIT_EXPECT_EQ(test, fake_run_once(vcpu), VM_EXITCODE_PAUSE);
}

static void run_suspend_checks_the_reason(struct kunit *test)
{
	struct vm *vm = fake_vm(test);
	static const int bad[] = { 0, -1, VM_SUSPEND_DESTROY_15 + 1, INT_MAX, INT_MIN };
	int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		KUNIT_EXPECT_EQ_MSG(test, vm_suspend(vm, bad[i]), -EINVAL, "how %d", bad[i]);
	KUNIT_EXPECT_EQ(test, vm->suspend, VM_SUSPEND_NONE);
}

/* --- requests, in their order -------------------------------------------------------- */

enum { WITH_IDLE = 1, WITH_SIGNAL = 2, WITH_DEBUG = 4, WITH_ALL = 7 };

static void raise(struct vcpu *vcpu, unsigned int what)
{
	if (what & WITH_IDLE)
		vcpu_request(vcpu, VCPU_REQ_IDLE);
	if (what & WITH_SIGNAL)
		signal_raise();
	if (what & WITH_DEBUG)
		vm_debug_vcpus(vcpu->vm, vcpu->id, true);
}

/* The guest did not run, and will where it would have. */
static void expect_not_entered(struct kunit *test, struct vcpu *vcpu, int code, int want, u64 rip)
{
	KUNIT_EXPECT_EQ(test, code, want);
	KUNIT_EXPECT_EQ(test, vcpu->exit.inst_length, 0);
	KUNIT_EXPECT_EQ(test, vcpu->exit.rip, rip);
	KUNIT_EXPECT_EQ(test, vcpu->nextrip, rip);
	KUNIT_EXPECT_EQ(test, to_fake(vcpu)->nentries, 0);
}

static void expect_requests(struct kunit *test, struct vcpu *vcpu, unsigned int what)
{
	int i;

	if (what & WITH_IDLE)
		expect_not_entered(test, vcpu, fake_run_once(vcpu), VM_EXITCODE_REQIDLE, 0x1000);
	for (i = 0; (what & WITH_SIGNAL) && i < 2; i++)
		expect_not_entered(test, vcpu, fake_run_once(vcpu), VM_EXITCODE_BOGUS, 0x1000);
	if (what & WITH_SIGNAL)
		signal_take();
	for (i = 0; (what & WITH_DEBUG) && i < 2; i++)
		expect_not_entered(test, vcpu, fake_run_once(vcpu), VM_EXITCODE_DEBUG, 0x1000);
	if (what & WITH_DEBUG)
		KUNIT_EXPECT_EQ(test, vm_debug_vcpus(vcpu->vm, vcpu->id, false), 0);
}

static void run_answers_requests_in_order(struct kunit *test)
{
	struct vcpu *vcpu = fake_vcpu_held(test, 0);
	unsigned int what;

	for (what = 0; what <= WITH_ALL; what++) {
		FAKE_SCRIPT(vcpu, FAKE_END);
		vcpu_reg_set(vcpu, VM_REG_GUEST_RIP, 0x1000);
		raise(vcpu, what);
		expect_requests(test, vcpu, what);
		KUNIT_EXPECT_EQ_MSG(test, fake_run_once(vcpu), VM_EXITCODE_PAUSE, "requests %u",
				    what);
		KUNIT_EXPECT_EQ(test, fake_last_entry(vcpu)->rip, 0x1000);
	}
	KUNIT_EXPECT_EQ(test, vcpu->stats[VMEXIT_REQIDLE], 4);
	KUNIT_EXPECT_GE(test, vcpu->stats[VMEXIT_ASTPENDING], 8);
}

static void run_answers_suspend_first(struct kunit *test)
{
	struct vcpu *vcpu = fake_vcpu_held(test, 0);

	FAKE_SCRIPT(vcpu, FAKE_END);
	vcpu_reg_set(vcpu, VM_REG_GUEST_RIP, 0x1000);
	raise(vcpu, WITH_ALL);
	vm_suspend(vcpu->vm, VM_SUSPEND_POWEROFF);
	expect_not_entered(test, vcpu, fake_run_once(vcpu), VM_EXITCODE_SUSPENDED, 0x1000);
	KUNIT_EXPECT_EQ(test, vcpu->exit.u.suspended.how, VM_SUSPEND_POWEROFF);
	signal_take();
}

/*
 * Requests that come while the guest runs: the exit under way is finished, then they are answered.
 */
static void request_all(struct vcpu *vcpu)
{
	vcpu_request(vcpu, VCPU_REQ_IDLE);
	vm_debug_vcpus(vcpu->vm, vcpu->id, true);
}

static void run_sees_requests_made_in_the_guest(struct kunit *test)
{
	struct vcpu *vcpu = fake_vcpu_held(test, 0);

	FAKE_SCRIPT(vcpu,
		    { .verdict = VERDICT_NEUTRAL, .guest = request_all,
		      .exit = { .exitcode = VM_EXITCODE_RDMSR, .inst_length = 2, .rip = 0x2000,
				.u.msr.code = 0x179 } },
		    FAKE_END);
	KUNIT_EXPECT_EQ(test, fake_run_once(vcpu), VM_EXITCODE_REQIDLE);
	KUNIT_EXPECT_EQ(test, vcpu->exit.rip, 0x2002);
	KUNIT_EXPECT_EQ(test, vcpu->exit.inst_length, 0);
	KUNIT_EXPECT_EQ(test, fake_run_once(vcpu), VM_EXITCODE_DEBUG);
	KUNIT_EXPECT_EQ(test, vcpu->exit.rip, 0x2002);
	KUNIT_EXPECT_EQ(test, to_fake(vcpu)->nentries, 1);
	KUNIT_EXPECT_EQ(test, vm_debug_vcpus(vcpu->vm, -1, false), 0);
	KUNIT_EXPECT_EQ(test, fake_run_once(vcpu), VM_EXITCODE_PAUSE);
	KUNIT_EXPECT_EQ(test, fake_last_entry(vcpu)->rip, 0x2002);
}

/* An exit that user space gets is not held back by requests. */
static void run_delivers_an_exit_before_requests(struct kunit *test)
{
	struct vcpu *vcpu = fake_vcpu_held(test, 0);

	FAKE_SCRIPT(vcpu, { .verdict = VERDICT_USER, .guest = request_all,
			    .exit = { .exitcode = VM_EXITCODE_BPT, .rip = 0x2000 } });
	KUNIT_EXPECT_EQ(test, fake_run_once(vcpu), VM_EXITCODE_BPT);
	KUNIT_EXPECT_EQ(test, fake_run_once(vcpu), VM_EXITCODE_REQIDLE);
	KUNIT_EXPECT_EQ(test, fake_run_once(vcpu), VM_EXITCODE_DEBUG);
}

static void signal_here(struct vcpu *vcpu)
{
	signal_raise();
}

static void run_sees_signals_made_in_the_guest(struct kunit *test)
{
	struct vcpu *vcpu = fake_vcpu_held(test, 0);

	FAKE_SCRIPT(vcpu, FAKE_RESUME(signal_here), FAKE_END);
	vcpu_reg_set(vcpu, VM_REG_GUEST_RIP, 0x1000);
	KUNIT_EXPECT_EQ(test, fake_run_once(vcpu), VM_EXITCODE_BOGUS);
	KUNIT_EXPECT_EQ(test, vcpu->exit.inst_length, 0);
	KUNIT_EXPECT_EQ(test, vcpu->exit.rip, 0x1000);
	signal_take();
	KUNIT_EXPECT_EQ(test, fake_run_once(vcpu), VM_EXITCODE_PAUSE);
	KUNIT_EXPECT_EQ(test, to_fake(vcpu)->nentries, 2);
}

static void resched_here(struct vcpu *vcpu)
{
	set_tsk_need_resched(current);
	set_preempt_need_resched();
}

/*
 * The scheduler gets the CPU before the next entry; VM_RUN may come back with BOGUS for it or not.
 */
static void run_yields_to_the_scheduler(struct kunit *test)
{
	struct vcpu *vcpu = fake_vcpu_held(test, 0);
	int code = 0, i;

	FAKE_SCRIPT(vcpu, FAKE_RESUME(resched_here), FAKE_RESUME(resched_here), FAKE_END);
	for (i = 0; i < 3; i++) {
		KUNIT_EXPECT_EQ(test, vcpu_run(vcpu), 0);
		code = vcpu->exit.exitcode;
		if (code != VM_EXITCODE_BOGUS)
			break;
		cond_resched();
	}
	KUNIT_EXPECT_EQ(test, code, VM_EXITCODE_PAUSE);
	KUNIT_EXPECT_EQ(test, to_fake(vcpu)->nentries, 3);
}

static void run_resets_the_apic_on_init(struct kunit *test)
{
	struct vcpu *vcpu = fake_vcpu_held(test, 0);
	u64 svr = 0x1ff;

	vlapic_mmio(vcpu->vlapic, 0xf0, true, 4, &svr);
	KUNIT_ASSERT_TRUE(test, vlapic_enabled(vcpu->vlapic));
	irq_send_init(&vcpu->vm->irq, 0);
	KUNIT_EXPECT_TRUE(test, vlapic_enabled(vcpu->vlapic));
	FAKE_SCRIPT(vcpu, FAKE_END);
	KUNIT_EXPECT_EQ(test, fake_run_once(vcpu), VM_EXITCODE_PAUSE);
	KUNIT_EXPECT_FALSE(test, vlapic_enabled(vcpu->vlapic));
	KUNIT_EXPECT_EQ(test, vcpu->requests, 0);
}

/* --- verdicts ------------------------------------------------------------------------ */

static void run_hands_the_record_out_unchanged(struct kunit *test)
{
	struct vcpu *vcpu = fake_vcpu_held(test, 0);
	struct vm_exit want = {
		.exitcode = VM_EXITCODE_TASK_SWITCH,
		.inst_length = 5,
		.rip = 0xfffffff0,
	};
	struct fake_exit script = { .verdict = VERDICT_USER };

	memset(&want.u, 0xa5, sizeof(want.u));
	script.exit = want;
	fake_script(vcpu, &script, 1);
	KUNIT_EXPECT_EQ(test, fake_run_once(vcpu), VM_EXITCODE_TASK_SWITCH);
	KUNIT_EXPECT_MEMEQ(test, &vcpu->exit, &want, sizeof(want));
	KUNIT_EXPECT_EQ(test, vcpu->stats[VMEXIT_USERSPACE], 1);
}

static void run_hands_errors_out(struct kunit *test)
{
	static const int errors[] = { -EFAULT, -EIO, -ENOMEM, -EINVAL };
	struct vcpu *vcpu = fake_vcpu_held(test, 0);
	int i;

	for (i = 0; i < ARRAY_SIZE(errors); i++) {
		FAKE_SCRIPT(vcpu, FAKE_ERROR(errors[i]));
		KUNIT_EXPECT_EQ(test, fake_run_once(vcpu), errors[i]);
		KUNIT_EXPECT_FALSE(test, vcpu->loaded);
	}
	KUNIT_EXPECT_EQ(test, vcpu->stats[VMEXIT_USERSPACE], 0);
	KUNIT_EXPECT_FALSE(test, vcpu->vm->dead);
}

/* Codes that only the run loop itself may make, and such as there are none of. */
static void run_stops_at_an_impossible_exit(struct kunit *test)
{
	static const unsigned int codes[] = {
		VM_EXITCODE_DEPRECATED1, VM_EXITCODE_RENDEZVOUS, VM_EXITCODE_SUSPENDED,
		VM_EXITCODE_REQIDLE, VM_EXITCODE_DEBUG, VM_EXITCODE_MAX, 0x7fffffff, 0xffffffff,
	};
	struct vcpu *vcpu = fake_vcpu_held(test, 0);
	int i;

	for (i = 0; i < ARRAY_SIZE(codes); i++) {
		FAKE_SCRIPT(vcpu, FAKE_NEUTRAL(codes[i], 0));
		KUNIT_EXPECT_EQ_MSG(test, fake_run_once(vcpu), -EIO, "code %u", codes[i]);
		KUNIT_EXPECT_TRUE(test, vcpu->vm->dead);
		KUNIT_EXPECT_EQ(test, fake_run_once(vcpu), -EIO);
		vcpu->vm->dead = false;
		clear_bit(VCPU_REQ_DYING, &vcpu->requests);
	}
	KUNIT_EXPECT_EQ(test, to_fake(vcpu)->nentries, 1);
}

/* Preemption, the FPU and the backend's state are put back whichever way VM_RUN ends. */
static void run_unloads_at_the_end(struct kunit *test)
{
	struct vcpu *vcpu = fake_vcpu_held(test, 0);
	struct fake_vcpu *fake = to_fake(vcpu);
	int preempt = preempt_count();

	FAKE_SCRIPT(vcpu, FAKE_END, FAKE_ERROR(-EFAULT), FAKE_NEUTRAL(VM_EXITCODE_RENDEZVOUS, 0));
	while (fake_run_once(vcpu) != -EIO) {
		KUNIT_EXPECT_EQ(test, preempt_count(), preempt);
		KUNIT_EXPECT_FALSE(test, irqs_disabled());
		KUNIT_EXPECT_EQ(test, vcpu->state, VCPU_FROZEN);
	}
	KUNIT_EXPECT_EQ(test, fake->nentries, 3);
	KUNIT_EXPECT_GE(test, fake->loads, 3);
	KUNIT_EXPECT_EQ(test, fake->loads, fake->puts);
	KUNIT_EXPECT_EQ(test, preempt_count(), preempt);
}

/* Exits that neutral code settles do not take the vCPU off the CPU. */
static void run_stays_loaded_between_exits(struct kunit *test)
{
	struct vcpu *vcpu = fake_vcpu_held(test, 0);
	unsigned int loads, tries;

	/* Unless the host has work just then. */
	for (tries = 0, loads = 0; tries < 10 && loads != 1; tries++) {
		FAKE_SCRIPT(vcpu, FAKE_NEUTRAL(VM_EXITCODE_RDMSR, 2, .u.msr = { .code = 0x179 }),
			    FAKE_NEUTRAL(VM_EXITCODE_WRMSR, 2, .u.msr = { .code = 0x17a }),
			    FAKE_END);
		loads = to_fake(vcpu)->loads;
		KUNIT_EXPECT_EQ(test, fake_run_once(vcpu), VM_EXITCODE_PAUSE);
		KUNIT_EXPECT_EQ(test, to_fake(vcpu)->nentries, 3);
		loads = to_fake(vcpu)->loads - loads;
	}
	KUNIT_EXPECT_EQ(test, loads, 1);
}

static void run_counts_migrations(struct kunit *test)
{
	struct vcpu *vcpu = fake_vcpu_held(test, 0);
	int i;

	KUNIT_EXPECT_EQ(test, vcpu->last_cpu, -1);
	migrate_disable();
	for (i = 0; i < 3; i++) {
		FAKE_SCRIPT(vcpu, FAKE_END);
		KUNIT_EXPECT_EQ(test, fake_run_once(vcpu), VM_EXITCODE_PAUSE);
		KUNIT_EXPECT_EQ(test, vcpu->stats[VCPU_MIGRATIONS], 1);
		KUNIT_EXPECT_EQ(test, vcpu->last_cpu, raw_smp_processor_id());
	}
	vcpu->last_cpu = nr_cpu_ids;
	FAKE_SCRIPT(vcpu, FAKE_END);
	KUNIT_EXPECT_EQ(test, fake_run_once(vcpu), VM_EXITCODE_PAUSE);
	KUNIT_EXPECT_EQ(test, vcpu->stats[VCPU_MIGRATIONS], 2);
	migrate_enable();
}

/* --- events at the entry ------------------------------------------------------------- */

static void run_triple_fault_suspends(struct kunit *test)
{
	struct vcpu *vcpu = fake_vcpu_held(test, 0);

	FAKE_SCRIPT(vcpu, FAKE_END);
	vcpu->events.exitintinfo = EXCEPTION(8) | VM_INTINFO_DEL_ERRCODE;
	vcpu_inject_exception(vcpu, 13, true, 0, true);
	KUNIT_EXPECT_EQ(test, fake_run_once(vcpu), VM_EXITCODE_SUSPENDED);
	KUNIT_EXPECT_EQ(test, vcpu->exit.u.suspended.how, VM_SUSPEND_TRIPLEFAULT);
	KUNIT_EXPECT_EQ(test, to_fake(vcpu)->nentries, 0);
}

/* What did not come to the entry is still pending at the next. */
static void run_keeps_events_while_requests_are_answered(struct kunit *test)
{
	struct vcpu *vcpu = fake_vcpu_held(test, 0);

	FAKE_SCRIPT(vcpu, FAKE_END);
	vcpu->events.exitintinfo = EXCEPTION(14) | VM_INTINFO_DEL_ERRCODE;
	vcpu_request(vcpu, VCPU_REQ_IDLE);
	KUNIT_EXPECT_EQ(test, fake_run_once(vcpu), VM_EXITCODE_REQIDLE);
	KUNIT_EXPECT_EQ(test, vcpu->events.exitintinfo, EXCEPTION(14) | VM_INTINFO_DEL_ERRCODE);
	KUNIT_EXPECT_EQ(test, fake_run_once(vcpu), VM_EXITCODE_PAUSE);
	KUNIT_EXPECT_EQ(test, fake_last_entry(vcpu)->event, EXCEPTION(14) | VM_INTINFO_DEL_ERRCODE);
	KUNIT_EXPECT_EQ(test, vcpu->events.exitintinfo, 0);
}

/* A VM_RUN that had to wait for the vCPU enters the guest once, whoever else is in line by then. */
static void run_takes_its_turn(struct kunit *test)
{
	struct vcpu *vcpu = fake_vcpu_held(test, 0);

	FAKE_SCRIPT(vcpu, { .verdict = VERDICT_RESUME }, FAKE_END);
	vcpu->turn_owed = true;
	vcpu->turn_until = jiffies + HZ;
	vcpu_request(vcpu, VCPU_REQ_IDLE);
	KUNIT_EXPECT_EQ(test, fake_run_once(vcpu), VM_EXITCODE_PAUSE);
	KUNIT_EXPECT_EQ(test, to_fake(vcpu)->nentries, 2);
	vcpu_request(vcpu, VCPU_REQ_IDLE);
	KUNIT_EXPECT_EQ(test, fake_run_once(vcpu), VM_EXITCODE_REQIDLE);
}

/* --- where the guest resumes (section 9) --------------------------------------------- */

static void nextrip_is_behind_the_instruction(struct kunit *test)
{
	struct vcpu *vcpu = fake_vcpu_held(test, 0);

	FAKE_SCRIPT(vcpu, FAKE_USER(VM_EXITCODE_PAUSE, 2, .rip = 0x1000), FAKE_END);
	KUNIT_EXPECT_EQ(test, fake_run_once(vcpu), VM_EXITCODE_PAUSE);
	KUNIT_EXPECT_EQ(test, vcpu->exit.rip, 0x1000);
	KUNIT_EXPECT_EQ(test, vcpu->exit.inst_length, 2);
	KUNIT_EXPECT_EQ(test, reg(vcpu, VM_REG_GUEST_RIP), 0x1000);
	KUNIT_EXPECT_EQ(test, fake_run_once(vcpu), VM_EXITCODE_PAUSE);
	KUNIT_EXPECT_EQ(test, fake_last_entry(vcpu)->rip, 0x1002);
}

static void nextrip_follows_a_set_of_rip(struct kunit *test)
{
	struct vcpu *vcpu = fake_vcpu_held(test, 0);

	FAKE_SCRIPT(vcpu, FAKE_USER(VM_EXITCODE_PAUSE, 2, .rip = 0x1000), FAKE_END);
	KUNIT_EXPECT_EQ(test, fake_run_once(vcpu), VM_EXITCODE_PAUSE);
	KUNIT_EXPECT_EQ(test, vcpu_reg_set(vcpu, VM_REG_GUEST_RIP, 0x3333), 0);
	KUNIT_EXPECT_EQ(test, reg(vcpu, VM_REG_GUEST_RIP), 0x3333);
	KUNIT_EXPECT_EQ(test, fake_run_once(vcpu), VM_EXITCODE_PAUSE);
	KUNIT_EXPECT_EQ(test, fake_last_entry(vcpu)->rip, 0x3333);
}

static void nextrip_goes_back_for_a_fault(struct kunit *test)
{
	struct vcpu *vcpu = fake_vcpu_held(test, 0);
	int restart;

	for (restart = 0; restart < 2; restart++) {
		FAKE_SCRIPT(vcpu, FAKE_USER(VM_EXITCODE_RDMSR, 2, .rip = 0x1000), FAKE_END);
		KUNIT_EXPECT_EQ(test, fake_run_once(vcpu), VM_EXITCODE_RDMSR);
		KUNIT_EXPECT_EQ(test, vcpu_inject_exception(vcpu, 13, true, 0, restart), 0);
		KUNIT_EXPECT_EQ(test, fake_run_once(vcpu), VM_EXITCODE_PAUSE);
		KUNIT_EXPECT_EQ(test, fake_last_entry(vcpu)->rip, restart ? 0x1000 : 0x1002);
		KUNIT_EXPECT_EQ(test, fake_last_entry(vcpu)->event & 0xff, 13);
	}
}

/* STI and MOV SS hold interrupts back for one instruction, not longer. */
static void shadow_ends_with_its_instruction(struct kunit *test)
{
	struct vcpu *vcpu = fake_vcpu_held(test, 0);
	struct fake_vcpu *fake = to_fake(vcpu);

	FAKE_SCRIPT(vcpu, FAKE_USER(VM_EXITCODE_PAUSE, 2, .rip = 0x1000), FAKE_END);
	KUNIT_EXPECT_EQ(test, fake_run_once(vcpu), VM_EXITCODE_PAUSE);
	fake->regs[VM_REG_GUEST_INTR_SHADOW] = 1;
	KUNIT_EXPECT_EQ(test, fake_run_once(vcpu), VM_EXITCODE_PAUSE);
	KUNIT_EXPECT_FALSE(test, fake_last_entry(vcpu)->shadow);

	/* Not executed yet: it still holds. */
	FAKE_SCRIPT(vcpu, FAKE_USER(VM_EXITCODE_PAUSE, 0, .rip = 0x1000), FAKE_END);
	KUNIT_EXPECT_EQ(test, fake_run_once(vcpu), VM_EXITCODE_PAUSE);
	fake->regs[VM_REG_GUEST_INTR_SHADOW] = 1;
	KUNIT_EXPECT_EQ(test, fake_run_once(vcpu), VM_EXITCODE_PAUSE);
	KUNIT_EXPECT_TRUE(test, fake_last_entry(vcpu)->shadow);
}

/*
 * Also where VM_RUN left and came back in between, and no guest instruction was executed
 * meanwhile.
 */
static void shadow_ends_beside_requests(struct kunit *test)
{
	static const int requests[] = { VCPU_REQ_IDLE, VCPU_REQ_DEBUG };
	struct vcpu *vcpu = fake_vcpu_held(test, 0);
	struct fake_vcpu *fake = to_fake(vcpu);
	int i;

	for (i = 0; i < ARRAY_SIZE(requests); i++) {
		FAKE_SCRIPT(vcpu, FAKE_USER(VM_EXITCODE_PAUSE, 2, .rip = 0x1000), FAKE_END);
		KUNIT_EXPECT_EQ(test, fake_run_once(vcpu), VM_EXITCODE_PAUSE);
		fake->regs[VM_REG_GUEST_INTR_SHADOW] = 1;
		vcpu_request(vcpu, requests[i]);
		fake_run_once(vcpu);
		clear_bit(requests[i], &vcpu->requests);
		KUNIT_EXPECT_EQ(test, fake_run_once(vcpu), VM_EXITCODE_PAUSE);
		KUNIT_EXPECT_FALSE_MSG(test, fake_last_entry(vcpu)->shadow, "request %d",
				       requests[i]);
	}
}

/* A program that sets RIP has finished or replaced the instruction. */
static void shadow_ends_with_a_set_of_rip(struct kunit *test)
{
	struct vcpu *vcpu = fake_vcpu_held(test, 0);

	FAKE_SCRIPT(vcpu, FAKE_USER(VM_EXITCODE_INST_EMUL, 0, .rip = 0x1000), FAKE_END);
	KUNIT_EXPECT_EQ(test, fake_run_once(vcpu), VM_EXITCODE_INST_EMUL);
	to_fake(vcpu)->regs[VM_REG_GUEST_INTR_SHADOW] = 1;
	vcpu_reg_set(vcpu, VM_REG_GUEST_RIP, 0x1003);
	KUNIT_EXPECT_EQ(test, fake_run_once(vcpu), VM_EXITCODE_PAUSE);
	KUNIT_EXPECT_FALSE(test, fake_last_entry(vcpu)->shadow);
}

static void shadow_ends_with_an_injected_fault(struct kunit *test)
{
	struct vcpu *vcpu = fake_vcpu_held(test, 0);

	to_fake(vcpu)->regs[VM_REG_GUEST_INTR_SHADOW] = 1;
	KUNIT_EXPECT_EQ(test, vcpu_inject_exception(vcpu, 6, false, 0, true), 0);
	KUNIT_EXPECT_EQ(test, reg(vcpu, VM_REG_GUEST_INTR_SHADOW), 0);
}

static struct kunit_case run_test_cases[] = {
	KUNIT_CASE(run_needs_an_active_vcpu),
	KUNIT_CASE(run_ends_for_good_when_suspended),
	KUNIT_CASE(run_suspend_checks_the_reason),
	KUNIT_CASE(run_answers_requests_in_order),
	KUNIT_CASE(run_answers_suspend_first),
	KUNIT_CASE(run_sees_requests_made_in_the_guest),
	KUNIT_CASE(run_delivers_an_exit_before_requests),
	KUNIT_CASE(run_sees_signals_made_in_the_guest),
	KUNIT_CASE(run_yields_to_the_scheduler),
	KUNIT_CASE(run_resets_the_apic_on_init),
	KUNIT_CASE(run_hands_the_record_out_unchanged),
	KUNIT_CASE(run_hands_errors_out),
	KUNIT_CASE(run_stops_at_an_impossible_exit),
	KUNIT_CASE(run_unloads_at_the_end),
	KUNIT_CASE(run_stays_loaded_between_exits),
	KUNIT_CASE(run_counts_migrations),
	KUNIT_CASE(run_triple_fault_suspends),
	KUNIT_CASE(run_keeps_events_while_requests_are_answered),
	KUNIT_CASE(run_takes_its_turn),
	KUNIT_CASE(nextrip_is_behind_the_instruction),
	KUNIT_CASE(nextrip_follows_a_set_of_rip),
	KUNIT_CASE(nextrip_goes_back_for_a_fault),
	KUNIT_CASE(shadow_ends_with_its_instruction),
	KUNIT_CASE(shadow_ends_beside_requests),
	KUNIT_CASE(shadow_ends_with_a_set_of_rip),
	KUNIT_CASE(shadow_ends_with_an_injected_fault),
	{}
};

static struct kunit_suite run_test_suite = {
	.name = "vmm-run",
	.suite_init = fake_suite_init,
	.suite_exit = fake_suite_exit,
	.init = fake_vm_test_init,
	.exit = fake_vm_test_exit,
	.test_cases = run_test_cases,
};
kunit_test_suite(run_test_suite);
