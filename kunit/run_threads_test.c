// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * run: several threads that are vCPUs: freezing, kicks, HLT, halt detection, the suspend barrier,
 * the end (semantics.md 4, 10, 11, 1.5).
 */
#include <kunit/test.h>
#include <linux/bits.h>
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/sched/signal.h>
#include <asm/processor-flags.h>
#include "dev/vatpic.h"
#include "dev/vlapic.h"
#include "fake_vm.h"
#include "pause.h"
#include "timebase.h"

#define NMI	(VM_INTINFO_VALID | VM_INTINFO_NMI | 2)
#define INTR	(VM_INTINFO_VALID | VM_INTINFO_HWINTR)

#define CLI	0
#define STI	X86_EFLAGS_IF

/* HLT with IF as in @flags; a program with HALT_EXIT on. */
#define HLT(flags)								\
	FAKE_NEUTRAL(VM_EXITCODE_HLT, 1, .rip = 0x1000, .u.hlt = { .rflags = (flags) })

/* An APIC that accepts interrupts; the guest has RFLAGS.IF as in @flags. vCPU held. */
static void guest_setup(struct vcpu *vcpu, u64 flags)
{
	u64 svr = 0x1ff;

	vlapic_mmio(vcpu->vlapic, 0xf0, true, 4, &svr);
	vcpu_reg_set(vcpu, VM_REG_GUEST_RFLAGS, flags | X86_EFLAGS_FIXED);
}

/* A thread in HLT, asleep. */
static struct fake_thread *halted_thread(struct kunit *test, unsigned int id, u64 flags,
					 const struct fake_exit *script, unsigned int len)
{
	struct vcpu *vcpu = fake_vcpu_held(test, id);
	struct fake_thread *thread;

	guest_setup(vcpu, flags);
	fake_script(vcpu, script, len);
	fake_vcpu_release(test, vcpu);
	thread = fake_thread_start(test, vcpu, 0);
	KUNIT_ASSERT_TRUE(test, fake_vcpu_reaches(vcpu, VCPU_SLEEPING));
	return thread;
}

/* A thread that is in the guest and stays there. */
static struct fake_thread *guest_thread(struct kunit *test, unsigned int id,
					unsigned long come_back)
{
	struct vcpu *vcpu = fake_vcpu_held(test, id);
	struct fake_thread *thread;

	fake_script(vcpu, NULL, 0);
	to_fake(vcpu)->stays = true;
	fake_vcpu_release(test, vcpu);
	thread = fake_thread_start(test, vcpu, come_back);
	KUNIT_ASSERT_TRUE(test, fake_vcpu_reaches(vcpu, VCPU_RUNNING));
	return thread;
}

/* The same while the VM is paused: it sleeps. */
static struct fake_thread *guest_thread_paused(struct kunit *test, unsigned int id)
{
	struct vcpu *vcpu = fake_vcpu_held(test, id);
	struct fake_thread *thread;

	fake_script(vcpu, NULL, 0);
	to_fake(vcpu)->stays = true;
	fake_vcpu_release(test, vcpu);
	thread = fake_thread_start(test, vcpu, 0);
	KUNIT_ASSERT_TRUE(test, fake_vcpu_reaches(vcpu, VCPU_SLEEPING));
	return thread;
}

static void expect_exit(struct kunit *test, struct fake_thread *thread, unsigned int code)
{
	KUNIT_EXPECT_TRUE(test, fake_thread_ends(thread));
	KUNIT_EXPECT_EQ(test, thread->err, 0);
	KUNIT_EXPECT_EQ(test, thread->exit.exitcode, code);
}

static void expect_suspended(struct kunit *test, struct fake_thread *thread, int how)
{
	expect_exit(test, thread, VM_EXITCODE_SUSPENDED);
	KUNIT_EXPECT_EQ(test, thread->exit.u.suspended.how, how);
	KUNIT_EXPECT_EQ(test, thread->exit.inst_length, 0);
	KUNIT_EXPECT_EQ(test, vcpu_run(thread->vcpu), -EINVAL);
}

/* How often VM_RUN has come back and was called again. */
static unsigned int times_left(struct fake_thread *thread)
{
	return READ_ONCE(thread->exits[VM_EXITCODE_REQIDLE]) +
	       READ_ONCE(thread->exits[VM_EXITCODE_BOGUS]);
}

/* One of the last entries had this event. */
static bool was_injected(struct vcpu *vcpu, u64 event)
{
	int i;

	for (i = 0; i < FAKE_ENTRIES; i++)
		if (READ_ONCE(to_fake(vcpu)->entries[i].event) == event)
			return true;
	return false;
}

/* --- freezing ------------------------------------------------------------------------ */

static void freeze_takes_a_running_vcpu(struct kunit *test)
{
	struct fake_thread *thread = guest_thread(test, 0, 0);
	struct vcpu *vcpu = thread->vcpu;
	unsigned int entries;
	int i;

	for (i = 1; i <= 20; i++) {
		KUNIT_ASSERT_TRUE(test, fake_vcpu_reaches(vcpu, VCPU_RUNNING));
		fake_vcpu_hold(test, vcpu);
		KUNIT_EXPECT_EQ(test, vcpu->state, VCPU_FROZEN);
		KUNIT_EXPECT_FALSE(test, vcpu->loaded);
		KUNIT_EXPECT_GE(test, times_left(thread), i);
		entries = to_fake(vcpu)->nentries;
		schedule_timeout_uninterruptible(1);
		KUNIT_EXPECT_EQ(test, to_fake(vcpu)->nentries, entries);
		fake_vcpu_release(test, vcpu);
	}
	KUNIT_EXPECT_GT(test, to_fake(vcpu)->kicks, 0);
	KUNIT_EXPECT_FALSE(test, completion_done(&thread->done));
}

/* From HLT the vCPU comes as well, and goes on behind it. */
static void freeze_takes_a_halted_vcpu(struct kunit *test)
{
	const struct fake_exit script[] = { HLT(STI), FAKE_END };
	struct fake_thread *thread = halted_thread(test, 0, STI, script, ARRAY_SIZE(script));
	struct vcpu *vcpu = thread->vcpu;

	fake_vcpu_hold(test, vcpu);
	KUNIT_EXPECT_EQ(test, READ_ONCE(thread->exits[VM_EXITCODE_REQIDLE]), 1);
	KUNIT_EXPECT_EQ(test, vcpu->exit.rip, 0x1001);
	fake_vcpu_release(test, vcpu);
	expect_exit(test, thread, VM_EXITCODE_PAUSE);
	KUNIT_EXPECT_EQ(test, fake_last_entry(vcpu)->rip, 0x1001);
}

#define CONTENDERS	3
#define CONTENTIONS	200

struct contender {
	struct vcpu *vcpu;
	int *owners;
	unsigned int violations, errors;
};

static int contender_main(void *arg)
{
	struct contender *me = arg;
	int i;

	for (i = 0; i < CONTENTIONS; i++) {
		if (vcpu_freeze(me->vcpu)) {
			me->errors++;
			continue;
		}
		me->violations += READ_ONCE(*me->owners) != 0 || me->vcpu->loaded;
		WRITE_ONCE(*me->owners, 1);
		cpu_relax();
		if (!(i % 16))
			cond_resched();
		WRITE_ONCE(*me->owners, 0);
		vcpu_thaw(me->vcpu);
	}
	while (!kthread_should_stop())
		schedule_timeout_interruptible(1);
	return 0;
}

/* One owner at a time, whoever asks, and everybody's turn comes while the guest goes on running. */
static void freeze_has_one_owner(struct kunit *test)
{
	struct fake_thread *thread = guest_thread(test, 0, 0);
	struct contender contenders[CONTENDERS] = {};
	struct task_struct *tasks[CONTENDERS];
	int owners = 0, i;

	for (i = 0; i < CONTENDERS; i++) {
		contenders[i] = (struct contender){ .vcpu = thread->vcpu, .owners = &owners };
		tasks[i] = kthread_run(contender_main, &contenders[i], "contender/%d", i);
	}
	for (i = 0; i < CONTENDERS; i++) {
		if (!IS_ERR(tasks[i]))
			kthread_stop(tasks[i]);
		KUNIT_EXPECT_FALSE(test, IS_ERR(tasks[i]));
		KUNIT_EXPECT_EQ(test, contenders[i].violations, 0);
		KUNIT_EXPECT_EQ(test, contenders[i].errors, 0);
	}
	KUNIT_EXPECT_FALSE(test, completion_done(&thread->done));
}

static void freeze_all_stops_every_vcpu(struct kunit *test)
{
	const struct fake_exit script[] = { HLT(STI), FAKE_END };
	struct vm *vm = fake_vm(test);
	struct fake_thread *running = guest_thread(test, 0, 0);
	struct fake_thread *halted = halted_thread(test, 1, STI, script, ARRAY_SIZE(script));
	struct vcpu *idle = fake_vcpu(test, 5);

	KUNIT_ASSERT_EQ(test, vm_freeze_all(vm), 0);
	KUNIT_EXPECT_EQ(test, running->vcpu->state, VCPU_FROZEN);
	KUNIT_EXPECT_EQ(test, halted->vcpu->state, VCPU_FROZEN);
	KUNIT_EXPECT_EQ(test, idle->state, VCPU_FROZEN);
	vm_thaw_all(vm);
	KUNIT_EXPECT_EQ(test, idle->state, VCPU_IDLE);
	KUNIT_EXPECT_TRUE(test, fake_vcpu_reaches(running->vcpu, VCPU_RUNNING));
	expect_exit(test, halted, VM_EXITCODE_PAUSE);
}

/* --- kicks --------------------------------------------------------------------------- */

static void kick_brings_an_interrupt_in(struct kunit *test)
{
	struct vcpu *vcpu = fake_vcpu_held(test, 0);
	int i;

	guest_setup(vcpu, STI);
	to_fake(vcpu)->stays = true;
	fake_vcpu_release(test, vcpu);
	fake_thread_start(test, vcpu, 0);
	for (i = 0x40; i < 0x100; i += 0x10) {
		KUNIT_ASSERT_TRUE(test, fake_vcpu_reaches(vcpu, VCPU_RUNNING));
		vlapic_set_irr(vcpu->vlapic, i, false);
		KUNIT_EXPECT_TRUE(test, fake_happens(was_injected(vcpu, INTR | i)));
	}
	KUNIT_EXPECT_EQ(test, READ_ONCE(vcpu->stats[VMEXIT_REQIDLE]), 0);
}

static void kick_brings_an_nmi_in(struct kunit *test)
{
	struct fake_thread *thread = guest_thread(test, 0, 0);
	struct vcpu *vcpu = thread->vcpu;

	set_bit(EVENT_NMI, &vcpu->events.flags);
	vcpu_notify(vcpu);
	KUNIT_EXPECT_TRUE(test, fake_happens(was_injected(vcpu, NMI)));
}

static void signal_ends_vm_run(struct kunit *test)
{
	struct fake_thread *thread = guest_thread(test, 0, 0);
	int i;

	for (i = 1; i <= 5; i++) {
		KUNIT_ASSERT_TRUE(test, fake_vcpu_reaches(thread->vcpu, VCPU_RUNNING));
		send_sig(SIGUSR1, thread->task, 1);
		KUNIT_EXPECT_TRUE(test,
				  fake_happens(READ_ONCE(thread->exits[VM_EXITCODE_BOGUS]) >= i));
	}
	KUNIT_EXPECT_FALSE(test, completion_done(&thread->done));
}

/* --- HLT ----------------------------------------------------------------------------- */

static void hlt_wakes_for_an_interrupt(struct kunit *test)
{
	const struct fake_exit script[] = { HLT(STI), FAKE_END };
	struct fake_thread *thread = halted_thread(test, 0, STI, script, ARRAY_SIZE(script));
	struct vcpu *vcpu = thread->vcpu;

	KUNIT_EXPECT_TRUE(test, fake_thread_lasts(thread));
	vlapic_set_irr(vcpu->vlapic, 0x55, false);
	expect_exit(test, thread, VM_EXITCODE_PAUSE);
	KUNIT_EXPECT_EQ(test, fake_last_entry(vcpu)->event, INTR | 0x55);
	KUNIT_EXPECT_EQ(test, fake_last_entry(vcpu)->rip, 0x1001);
	KUNIT_EXPECT_EQ(test, to_fake(vcpu)->nentries, 2);
}

static void hlt_does_not_sleep_with_an_interrupt_pending(struct kunit *test)
{
	struct vcpu *vcpu = fake_vcpu_held(test, 0);

	guest_setup(vcpu, STI);
	FAKE_SCRIPT(vcpu, { .verdict = VERDICT_NEUTRAL, .exit = { .exitcode = VM_EXITCODE_HLT,
			    .inst_length = 1, .u.hlt = { .rflags = STI } } }, FAKE_END);
	/* It arrives when the guest has entered HLT. */
	to_fake(vcpu)->regs[VM_REG_GUEST_RFLAGS] = X86_EFLAGS_FIXED;
	vlapic_set_irr(vcpu->vlapic, 0x55, false);
	KUNIT_EXPECT_EQ(test, fake_run_once(vcpu), VM_EXITCODE_PAUSE);
	KUNIT_EXPECT_EQ(test, to_fake(vcpu)->nentries, 2);
}

static void hlt_wakes_for_the_apic_timer(struct kunit *test)
{
	const struct fake_exit script[] = { HLT(STI), FAKE_END };
	struct fake_thread *thread = halted_thread(test, 0, STI, script, ARRAY_SIZE(script));
	struct vcpu *vcpu = thread->vcpu;
	u64 lvt = 0x61, divide = 0xb, count = 1000000;

	fake_vcpu_hold(test, vcpu);
	vlapic_mmio(vcpu->vlapic, 0x320, true, 4, &lvt);
	vlapic_mmio(vcpu->vlapic, 0x3e0, true, 4, &divide);
	vlapic_mmio(vcpu->vlapic, 0x380, true, 4, &count);
	fake_script(vcpu, script, ARRAY_SIZE(script));
	fake_vcpu_release(test, vcpu);
	KUNIT_ASSERT_TRUE(test, fake_vcpu_reaches(vcpu, VCPU_SLEEPING));
	KUNIT_EXPECT_TRUE(test, fake_thread_lasts(thread));
	fake_clock_run(NSEC_PER_SEC);
	expect_exit(test, thread, VM_EXITCODE_PAUSE);
	KUNIT_EXPECT_EQ(test, fake_last_entry(vcpu)->event, INTR | 0x61);
}

static void hlt_wakes_for_the_8259(struct kunit *test)
{
	const struct fake_exit script[] = { HLT(STI), FAKE_END };
	struct vm *vm = fake_vm(test);
	struct fake_thread *thread;
	static const u8 init[][2] = {
		{ 0x20, 0x11 }, { 0x21, 0x30 }, { 0x21, 0x04 }, { 0x21, 0x01 }, { 0x21, 0x00 },
	};
	u64 extint = 0x700;
	u32 val;
	int i;

	for (i = 0; i < ARRAY_SIZE(init); i++) {
		val = init[i][1];
		KUNIT_ASSERT_EQ(test, bus_port_access(&vm->bus, false, init[i][0], 1, &val), 0);
	}
	thread = halted_thread(test, 0, STI, script, ARRAY_SIZE(script));
	fake_vcpu_hold(test, thread->vcpu);
	vlapic_mmio(thread->vcpu->vlapic, 0x350, true, 4, &extint);
	fake_script(thread->vcpu, script, ARRAY_SIZE(script));
	fake_vcpu_release(test, thread->vcpu);
	KUNIT_ASSERT_TRUE(test, fake_vcpu_reaches(thread->vcpu, VCPU_SLEEPING));
	KUNIT_EXPECT_EQ(test, irq_isa_pulse(&vm->irq, 5, -1), 0);
	expect_exit(test, thread, VM_EXITCODE_PAUSE);
	KUNIT_EXPECT_EQ(test, fake_last_entry(thread->vcpu)->event, INTR | 0x35);
}

static void hlt_wakes_for_an_nmi(struct kunit *test)
{
	static const u64 flags[] = { STI, CLI };
	const struct fake_exit script[] = { HLT(STI), FAKE_END };
	const struct fake_exit script_cli[] = { HLT(CLI), FAKE_END };
	struct fake_thread *thread;
	int i;

	vmm_halt_detection = false;
	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		thread = halted_thread(test, 0, flags[i], flags[i] ? script : script_cli, 2);
		KUNIT_EXPECT_TRUE(test, fake_thread_lasts(thread));
		irq_deliver(&fake_vm(test)->irq, &(struct irq_msg){ .delmode = APIC_DELMODE_NMI });
		expect_exit(test, thread, VM_EXITCODE_PAUSE);
		KUNIT_EXPECT_EQ(test, fake_last_entry(thread->vcpu)->event, NMI);
	}
}

static void hlt_sleeps_on_below_the_task_priority(struct kunit *test)
{
	const struct fake_exit script[] = { HLT(STI), FAKE_END };
	struct fake_thread *thread = halted_thread(test, 0, STI, script, ARRAY_SIZE(script));
	struct vcpu *vcpu = thread->vcpu;

	fake_vcpu_hold(test, vcpu);
	vlapic_cr8_write(vcpu->vlapic, 8);
	fake_script(vcpu, script, ARRAY_SIZE(script));
	fake_vcpu_release(test, vcpu);
	KUNIT_ASSERT_TRUE(test, fake_vcpu_reaches(vcpu, VCPU_SLEEPING));
	vlapic_set_irr(vcpu->vlapic, 0x8f, false);
	KUNIT_EXPECT_TRUE(test, fake_thread_lasts(thread));
	vlapic_set_irr(vcpu->vlapic, 0x90, false);
	expect_exit(test, thread, VM_EXITCODE_PAUSE);
	KUNIT_EXPECT_EQ(test, fake_last_entry(vcpu)->event, INTR | 0x90);
}

static void hlt_with_interrupts_off_ignores_them(struct kunit *test)
{
	const struct fake_exit script[] = { HLT(CLI), FAKE_END };
	struct fake_thread *thread;

	vmm_halt_detection = false;
	thread = halted_thread(test, 0, CLI, script, ARRAY_SIZE(script));
	vlapic_set_irr(thread->vcpu->vlapic, 0x55, false);
	KUNIT_EXPECT_TRUE(test, fake_thread_lasts(thread));
	KUNIT_EXPECT_EQ(test, thread->vcpu->state, VCPU_SLEEPING);
	KUNIT_EXPECT_EQ(test, vm_suspend(fake_vm(test), VM_SUSPEND_RESET), 0);
	expect_suspended(test, thread, VM_SUSPEND_RESET);
}

static void hlt_ends_with_a_signal(struct kunit *test)
{
	const struct fake_exit script[] = { HLT(STI), FAKE_END };
	struct fake_thread *thread = halted_thread(test, 0, STI, script, ARRAY_SIZE(script));

	send_sig(SIGUSR1, thread->task, 1);
	expect_exit(test, thread, VM_EXITCODE_PAUSE);
	KUNIT_EXPECT_GE(test, thread->exits[VM_EXITCODE_BOGUS], 1);
	KUNIT_EXPECT_EQ(test, fake_last_entry(thread->vcpu)->rip, 0x1001);
}

static void hlt_counts_idle_time(struct kunit *test)
{
	const struct fake_exit script[] = { HLT(STI), FAKE_END };
	struct fake_thread *thread = halted_thread(test, 0, STI, script, ARRAY_SIZE(script));

	msleep(100);
	vlapic_set_irr(thread->vcpu->vlapic, 0x55, false);
	expect_exit(test, thread, VM_EXITCODE_PAUSE);
	KUNIT_EXPECT_GE(test, thread->vcpu->stats[VCPU_IDLE_TICKS], HZ / 20);
}

/* --- halt detection ------------------------------------------------------------------ */

static void halt_of_all_suspends(struct kunit *test)
{
	const struct fake_exit script[] = { HLT(CLI), FAKE_END };
	struct fake_thread *threads[3];
	struct vcpu *last;
	int i;

	last = fake_vcpu(test, 2);
	for (i = 0; i < 2; i++)
		threads[i] = halted_thread(test, i, CLI, script, ARRAY_SIZE(script));
	KUNIT_EXPECT_TRUE(test, fake_thread_lasts(threads[0]));
	KUNIT_EXPECT_EQ(test, fake_vm(test)->suspend, VM_SUSPEND_NONE);

	fake_vcpu_hold(test, last);
	fake_script(last, script, ARRAY_SIZE(script));
	fake_vcpu_release(test, last);
	threads[2] = fake_thread_start(test, last, 0);
	for (i = 0; i < 3; i++)
		expect_suspended(test, threads[i], VM_SUSPEND_HALT);
}

static void halt_of_some_does_not(struct kunit *test)
{
	const struct fake_exit script_cli[] = { HLT(CLI), FAKE_END };
	const struct fake_exit script[] = { HLT(STI), FAKE_END };
	struct fake_thread *off, *on;

	fake_vcpu(test, 1);
	off = halted_thread(test, 0, CLI, script_cli, ARRAY_SIZE(script_cli));
	on = halted_thread(test, 1, STI, script, ARRAY_SIZE(script));
	KUNIT_EXPECT_TRUE(test, fake_thread_lasts(off));
	KUNIT_EXPECT_TRUE(test, fake_thread_lasts(on));
	KUNIT_EXPECT_EQ(test, fake_vm(test)->suspend, VM_SUSPEND_NONE);
}

static void halt_is_not_detected_when_switched_off(struct kunit *test)
{
	const struct fake_exit script[] = { HLT(CLI), FAKE_END };
	struct fake_thread *thread;

	vmm_halt_detection = false;
	thread = halted_thread(test, 0, CLI, script, ARRAY_SIZE(script));
	KUNIT_EXPECT_TRUE(test, fake_thread_lasts(thread));
	KUNIT_EXPECT_EQ(test, fake_vm(test)->suspend, VM_SUSPEND_NONE);
}

/* A vCPU that has been woken is no longer one of those that wait for ever. */
static void halt_forgets_who_woke(struct kunit *test)
{
	const struct fake_exit script_cli[] = { HLT(CLI) };
	const struct fake_exit script[] = { HLT(CLI), FAKE_END };
	struct fake_thread *first, *second;

	fake_vcpu(test, 1);
	first = halted_thread(test, 0, CLI, script, ARRAY_SIZE(script));
	set_bit(EVENT_NMI, &first->vcpu->events.flags);
	vcpu_notify(first->vcpu);
	expect_exit(test, first, VM_EXITCODE_PAUSE);
	second = halted_thread(test, 1, CLI, script_cli, ARRAY_SIZE(script_cli));
	KUNIT_EXPECT_TRUE(test, fake_thread_lasts(second));
	KUNIT_EXPECT_EQ(test, fake_vm(test)->suspend, VM_SUSPEND_NONE);
}

static void nmi_arrives(struct vcpu *vcpu)
{
	set_bit(EVENT_NMI, &vcpu->events.flags);
	vcpu_notify(vcpu);
}

/* An NMI that is pending when HLT is executed ends it: nothing to detect. */
static void halt_with_an_nmi_pending_does_not_suspend(struct kunit *test)
{
	struct vcpu *vcpu = fake_vcpu_held(test, 0);

	FAKE_SCRIPT(vcpu, { .verdict = VERDICT_NEUTRAL, .guest = nmi_arrives,
			    .exit = { .exitcode = VM_EXITCODE_HLT, .inst_length = 1 } }, FAKE_END);
	KUNIT_EXPECT_EQ(test, fake_run_once(vcpu), VM_EXITCODE_PAUSE);
	KUNIT_EXPECT_EQ(test, fake_last_entry(vcpu)->event, NMI);
	KUNIT_EXPECT_EQ(test, vcpu->vm->suspend, VM_SUSPEND_NONE);
}

/* --- the suspend barrier ------------------------------------------------------------- */

static void barrier_waits_for_all_active(struct kunit *test)
{
	const struct fake_exit script[] = { HLT(STI), FAKE_END };
	struct vm *vm = fake_vm(test);
	struct fake_thread *threads[4];
	struct vcpu *late = fake_vcpu(test, 3);
	int i;

	threads[0] = guest_thread(test, 0, 0);
	threads[1] = guest_thread(test, 1, 0);
	threads[2] = halted_thread(test, 2, STI, script, ARRAY_SIZE(script));
	KUNIT_EXPECT_EQ(test, vm_suspend(vm, VM_SUSPEND_POWEROFF), 0);
	KUNIT_EXPECT_EQ(test, vm_suspend(vm, VM_SUSPEND_RESET), -EALREADY);
	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_TRUE(test, fake_thread_lasts(threads[i]));
	KUNIT_EXPECT_EQ(test, bitmap_weight(vm->suspended, VM_MAXCPU), 3);

	threads[3] = fake_thread_start(test, late, 0);
	for (i = 0; i < 4; i++)
		expect_suspended(test, threads[i], VM_SUSPEND_POWEROFF);
	KUNIT_EXPECT_TRUE(test, bitmap_equal(vm->suspended, vm->irq.active, VM_MAXCPU));
}

/* Also for one that is activated when the reason has been given. */
static void barrier_takes_latecomers(struct kunit *test)
{
	struct vm *vm = fake_vm(test);
	struct fake_thread *first;
	struct vcpu *late = vm_vcpu(vm, 1);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, late);
	first = guest_thread(test, 0, 0);
	KUNIT_EXPECT_EQ(test, vm_suspend(vm, VM_SUSPEND_RESET), 0);
	expect_suspended(test, first, VM_SUSPEND_RESET);
	KUNIT_EXPECT_EQ(test, vm_activate_vcpu(late), 0);
	expect_suspended(test, fake_thread_start(test, late, 0), VM_SUSPEND_RESET);
}

static void barrier_lets_ioctls_in(struct kunit *test)
{
	struct vm *vm = fake_vm(test);
	struct vcpu *late = fake_vcpu(test, 1);
	struct fake_thread *thread = guest_thread(test, 0, 0);
	int i;

	vm_suspend(vm, VM_SUSPEND_RESET);
	for (i = 1; i <= 3; i++) {
		KUNIT_ASSERT_TRUE(test, fake_vcpu_reaches(thread->vcpu, VCPU_SLEEPING));
		fake_vcpu_hold(test, thread->vcpu);
		KUNIT_EXPECT_EQ(test, READ_ONCE(thread->exits[VM_EXITCODE_REQIDLE]), i);
		KUNIT_EXPECT_FALSE(test, test_bit(0, vm->suspended));
		fake_vcpu_release(test, thread->vcpu);
	}
	KUNIT_ASSERT_TRUE(test, fake_vcpu_reaches(thread->vcpu, VCPU_SLEEPING));
	send_sig(SIGUSR1, thread->task, 1);
	KUNIT_EXPECT_TRUE(test, fake_happens(READ_ONCE(thread->exits[VM_EXITCODE_BOGUS]) > 0));
	KUNIT_EXPECT_TRUE(test, fake_thread_lasts(thread));
	expect_suspended(test, fake_thread_start(test, late, 0), VM_SUSPEND_RESET);
	expect_suspended(test, thread, VM_SUSPEND_RESET);
}

/* VM_REINIT of a stopped VM, and all over again. */
static void barrier_serves_again_after_reinit(struct kunit *test)
{
	struct vm *vm = fake_vm(test);
	struct fake_thread *threads[2];
	int round, i;

	for (round = 0; round < 3; round++) {
		for (i = 0; i < 2; i++)
			threads[i] = guest_thread(test, i, 0);
		KUNIT_EXPECT_EQ(test, fake_reinit_running(vm), -EBUSY);
		vm_suspend(vm, VM_SUSPEND_RESET);
		for (i = 0; i < 2; i++)
			expect_suspended(test, threads[i], VM_SUSPEND_RESET);

		KUNIT_EXPECT_EQ(test, fake_reinit_running(vm), 0);
		KUNIT_EXPECT_TRUE(test, bitmap_empty(vm->suspended, VM_MAXCPU));
		KUNIT_EXPECT_TRUE(test, bitmap_empty(vm->irq.active, VM_MAXCPU));
		KUNIT_EXPECT_TRUE(test, bitmap_empty(vm->irq.startup, VM_MAXCPU));
		KUNIT_EXPECT_TRUE(test, bitmap_empty(vm->debug, VM_MAXCPU));
		KUNIT_EXPECT_EQ(test, vm->suspend, VM_SUSPEND_NONE);
	}
}

/* --- the debug set ------------------------------------------------------------------- */

static void debug_set_keeps_the_guest_from_running(struct kunit *test)
{
	struct fake_thread *thread = guest_thread(test, 0, BIT(VM_EXITCODE_DEBUG));
	struct vm *vm = fake_vm(test);
	struct vcpu *vcpu = thread->vcpu;
	unsigned int entries;

	KUNIT_EXPECT_EQ(test, vm_debug_vcpus(vm, 0, true), 0);
	KUNIT_EXPECT_TRUE(test, fake_happens(READ_ONCE(thread->exits[VM_EXITCODE_DEBUG]) > 2));
	entries = READ_ONCE(to_fake(vcpu)->nentries);
	msleep(20);
	KUNIT_EXPECT_EQ(test, READ_ONCE(to_fake(vcpu)->nentries), entries);
	KUNIT_EXPECT_EQ(test, vm_debug_vcpus(vm, 0, false), 0);
	KUNIT_EXPECT_TRUE(test, fake_vcpu_reaches(vcpu, VCPU_RUNNING));
}

static void debug_set_checks_its_members(struct kunit *test)
{
	struct vm *vm = fake_vm(test);

	fake_vcpu(test, 0);
	fake_vcpu(test, 2);
	KUNIT_EXPECT_EQ(test, vm_debug_vcpus(vm, 1, true), -EINVAL);
	KUNIT_EXPECT_EQ(test, vm_debug_vcpus(vm, FAKE_VCPUS, true), -EINVAL);
	KUNIT_EXPECT_EQ(test, vm_debug_vcpus(vm, -2, true), -EINVAL);
	KUNIT_EXPECT_EQ(test, vm_debug_vcpus(vm, 0, false), -EINVAL);
	KUNIT_EXPECT_TRUE(test, bitmap_empty(vm->debug, VM_MAXCPU));
	KUNIT_EXPECT_EQ(test, vm_debug_vcpus(vm, -1, true), 0);
	KUNIT_EXPECT_EQ(test, vm->debug[0], 0x5);
	KUNIT_EXPECT_EQ(test, vm_debug_vcpus(vm, 2, false), 0);
	KUNIT_EXPECT_EQ(test, vm_debug_vcpus(vm, 2, false), -EINVAL);
	KUNIT_EXPECT_EQ(test, vm->debug[0], 0x1);
	KUNIT_EXPECT_EQ(test, vm_debug_vcpus(vm, -1, false), 0);
	KUNIT_EXPECT_TRUE(test, bitmap_empty(vm->debug, VM_MAXCPU));
}

static void debug_set_ends_hlt(struct kunit *test)
{
	const struct fake_exit script[] = { HLT(STI), FAKE_END };
	struct fake_thread *thread = halted_thread(test, 0, STI, script, ARRAY_SIZE(script));

	KUNIT_EXPECT_EQ(test, vm_debug_vcpus(fake_vm(test), 0, true), 0);
	expect_exit(test, thread, VM_EXITCODE_DEBUG);
	KUNIT_EXPECT_EQ(test, thread->exit.rip, 0x1001);
}

/* --- INIT ---------------------------------------------------------------------------- */

static void init_reaches_a_running_vcpu(struct kunit *test)
{
	struct vcpu *vcpu = fake_vcpu_held(test, 0);
	struct vm *vm = fake_vm(test);

	guest_setup(vcpu, STI);
	to_fake(vcpu)->stays = true;
	fake_vcpu_release(test, vcpu);
	fake_thread_start(test, vcpu, 0);
	KUNIT_ASSERT_TRUE(test, fake_vcpu_reaches(vcpu, VCPU_RUNNING));
	irq_deliver(&vm->irq, &(struct irq_msg){ .delmode = APIC_DELMODE_INIT });
	KUNIT_EXPECT_TRUE(test, fake_happens(!vlapic_enabled(vcpu->vlapic)));
	KUNIT_EXPECT_TRUE(test, test_bit(0, vm->irq.startup));
	KUNIT_EXPECT_TRUE(test, fake_vcpu_reaches(vcpu, VCPU_RUNNING));
}

/* --- the end ------------------------------------------------------------------------- */

/*
 * Destruction from any state takes a second at most, and says how to the threads that were inside.
 */
static void destroy_is_bounded(struct kunit *test)
{
	const struct fake_exit script[] = { HLT(STI), FAKE_END };
	const struct fake_exit script_cli[] = { HLT(CLI), FAKE_END };
	struct vm *vm = fake_vm(test);
	struct fake_thread *threads[3];
	unsigned long start;
	int i;

	fake_vcpu(test, 7);		/* active, and never run */
	threads[0] = guest_thread(test, 0, BIT(VM_EXITCODE_DEBUG));
	threads[1] = halted_thread(test, 1, STI, script, ARRAY_SIZE(script));
	threads[2] = halted_thread(test, 2, CLI, script_cli, ARRAY_SIZE(script_cli));
	start = jiffies;
	vm_destroy(vm);
	KUNIT_EXPECT_LT(test, jiffies - start, HZ);
	for (i = 0; i < 3; i++) {
		KUNIT_EXPECT_TRUE(test, fake_thread_ends(threads[i]));
		if (threads[i]->err)
			KUNIT_EXPECT_EQ(test, threads[i]->err, -ENXIO);
		else
			KUNIT_EXPECT_EQ(test, threads[i]->exit.exitcode, VM_EXITCODE_SUSPENDED);
	}
	KUNIT_EXPECT_EQ(test, vm_enter(vm), -ENXIO);
}

static void destroy_empties_the_barrier(struct kunit *test)
{
	struct vm *vm = fake_vm(test);
	struct fake_thread *thread;

	fake_vcpu(test, 1);		/* active, and never run: the barrier cannot complete */
	thread = guest_thread(test, 0, 0);
	vm_suspend(vm, VM_SUSPEND_RESET);
	KUNIT_ASSERT_TRUE(test, fake_vcpu_reaches(thread->vcpu, VCPU_SLEEPING));
	vm_destroy(vm);
	KUNIT_EXPECT_TRUE(test, fake_thread_ends(thread));
}

static void dead_vm_stops_its_vcpus(struct kunit *test)
{
	const struct fake_exit script[] = { HLT(STI), FAKE_END };
	struct vm *vm = fake_vm(test);
	struct fake_thread *threads[3];
	int i;

	threads[0] = guest_thread(test, 0, 0);
	threads[1] = halted_thread(test, 1, STI, script, ARRAY_SIZE(script));
	threads[2] = guest_thread(test, 2, 0);
	vm_mark_dead(vm, "test");
	for (i = 0; i < 3; i++) {
		KUNIT_EXPECT_TRUE(test, fake_thread_ends(threads[i]));
		KUNIT_EXPECT_EQ(test, threads[i]->err, -EIO);
	}
}

/* --- pause ------------------------------------------------------------------------------- */

static void pause_keeps_threads_in_vm_run(struct kunit *test)
{
	struct fake_thread *running = guest_thread(test, 0, 0);
	const struct fake_exit script[] = { HLT(STI), FAKE_END };
	struct fake_thread *halted = halted_thread(test, 1, STI, script, ARRAY_SIZE(script));
	struct vm *vm = fake_vm(test);
	unsigned int entries;
	u64 now_ns;

	KUNIT_EXPECT_EQ(test, vm_resume(vm), -EALREADY);
	KUNIT_EXPECT_EQ(test, vm_pause(vm), 0);
	KUNIT_EXPECT_EQ(test, vm_pause(vm), -EALREADY);
	KUNIT_EXPECT_EQ(test, running->vcpu->state, VCPU_SLEEPING);
	entries = to_fake(running->vcpu)->nentries;
	now_ns = vclock_now_ns(&vm->clock);
	fake_clock_run(NSEC_PER_SEC);
	KUNIT_EXPECT_EQ(test, vclock_now_ns(&vm->clock), now_ns);
	KUNIT_EXPECT_TRUE(test, fake_thread_lasts(running));
	KUNIT_EXPECT_TRUE(test, fake_thread_lasts(halted));
	KUNIT_EXPECT_EQ(test, to_fake(running->vcpu)->nentries, entries);
	/* What would start time otherwise does not. */
	timebase_start(vm);
	KUNIT_EXPECT_TRUE(test, vm->time_stopped);
	/* An interrupt wakes nobody before the end. */
	vlapic_set_irr(halted->vcpu->vlapic, 0x41, false);
	KUNIT_EXPECT_TRUE(test, fake_thread_lasts(halted));
	KUNIT_EXPECT_EQ(test, vm_resume(vm), 0);
	KUNIT_EXPECT_FALSE(test, vm->time_stopped);
	expect_exit(test, halted, VM_EXITCODE_PAUSE);
	KUNIT_EXPECT_TRUE(test, was_injected(halted->vcpu, INTR | 0x41));
	KUNIT_EXPECT_TRUE(test, fake_vcpu_reaches(running->vcpu, VCPU_RUNNING));
}

static void pause_lets_ioctls_in(struct kunit *test)
{
	struct fake_thread *thread = guest_thread(test, 0, 0);
	struct vm *vm = fake_vm(test);

	KUNIT_EXPECT_EQ(test, vm_pause(vm), 0);
	fake_vcpu_hold(test, thread->vcpu);
	KUNIT_EXPECT_EQ(test, READ_ONCE(thread->exits[VM_EXITCODE_REQIDLE]), 1);
	fake_vcpu_release(test, thread->vcpu);
	KUNIT_EXPECT_TRUE(test, fake_vcpu_reaches(thread->vcpu, VCPU_SLEEPING));
	KUNIT_EXPECT_EQ(test, vm_suspend(vm, VM_SUSPEND_POWEROFF), 0);
	expect_suspended(test, thread, VM_SUSPEND_POWEROFF);
}

/* A vCPU that comes to be in a pause has it too, and the TSC of the others. */
static void pause_takes_new_vcpus(struct kunit *test)
{
	struct vcpu *first = fake_vcpu(test, 0), *second;
	struct vm *vm = fake_vm(test);
	struct fake_thread *thread;

	KUNIT_EXPECT_EQ(test, vm_pause(vm), 0);
	fake_clock_run(NSEC_PER_SEC);
	thread = guest_thread_paused(test, 1);
	second = thread->vcpu;
	KUNIT_EXPECT_TRUE(test, fake_thread_lasts(thread));
	KUNIT_EXPECT_EQ(test, to_fake(second)->nentries, 0);
	KUNIT_EXPECT_EQ(test, vm_resume(vm), 0);
	KUNIT_EXPECT_TRUE(test, fake_vcpu_reaches(second, VCPU_RUNNING));
	KUNIT_EXPECT_EQ(test, second->tsc_offset, first->tsc_offset);
	KUNIT_EXPECT_EQ(test, fake_vcpu(test, 2)->tsc_offset, first->tsc_offset);
}

static struct kunit_case run_threads_test_cases[] = {
	KUNIT_CASE(freeze_takes_a_running_vcpu),
	KUNIT_CASE(freeze_takes_a_halted_vcpu),
	KUNIT_CASE(freeze_has_one_owner),
	KUNIT_CASE(freeze_all_stops_every_vcpu),
	KUNIT_CASE(kick_brings_an_interrupt_in),
	KUNIT_CASE(kick_brings_an_nmi_in),
	KUNIT_CASE(signal_ends_vm_run),
	KUNIT_CASE(hlt_wakes_for_an_interrupt),
	KUNIT_CASE(hlt_does_not_sleep_with_an_interrupt_pending),
	KUNIT_CASE(hlt_wakes_for_the_apic_timer),
	KUNIT_CASE(hlt_wakes_for_the_8259),
	KUNIT_CASE(hlt_wakes_for_an_nmi),
	KUNIT_CASE(hlt_sleeps_on_below_the_task_priority),
	KUNIT_CASE(hlt_with_interrupts_off_ignores_them),
	KUNIT_CASE(hlt_ends_with_a_signal),
	KUNIT_CASE(hlt_counts_idle_time),
	KUNIT_CASE(halt_of_all_suspends),
	KUNIT_CASE(halt_of_some_does_not),
	KUNIT_CASE(halt_is_not_detected_when_switched_off),
	KUNIT_CASE(halt_forgets_who_woke),
	KUNIT_CASE(halt_with_an_nmi_pending_does_not_suspend),
	KUNIT_CASE(barrier_waits_for_all_active),
	KUNIT_CASE(barrier_takes_latecomers),
	KUNIT_CASE(barrier_lets_ioctls_in),
	KUNIT_CASE(barrier_serves_again_after_reinit),
	KUNIT_CASE(debug_set_keeps_the_guest_from_running),
	KUNIT_CASE(debug_set_checks_its_members),
	KUNIT_CASE(debug_set_ends_hlt),
	KUNIT_CASE(init_reaches_a_running_vcpu),
	KUNIT_CASE(pause_keeps_threads_in_vm_run),
	KUNIT_CASE(pause_lets_ioctls_in),
	KUNIT_CASE(pause_takes_new_vcpus),
	KUNIT_CASE(destroy_is_bounded),
	KUNIT_CASE(destroy_empties_the_barrier),
	KUNIT_CASE(dead_vm_stops_its_vcpus),
	{}
};

static struct kunit_suite run_threads_test_suite = {
	.name = "vmm-run-threads",
	.suite_init = fake_suite_init,
	.suite_exit = fake_suite_exit,
	.init = fake_vm_test_init,
	.exit = fake_vm_test_exit,
	.test_cases = run_threads_test_cases,
};
kunit_test_suite(run_threads_test_suite);
