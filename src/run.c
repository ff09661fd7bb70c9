// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * run: what a thread inside VM_RUN does.
 *
 * The way of one exit: the backend enters the guest and comes back with vcpu->exit;
 * exit.c decides; the loop goes round, or out. While the vCPU is loaded, preemption is
 * off and the guest's FPU state is in the registers; everything that may sleep calls
 * vcpu_put() first, and the loop loads again. Requests by other threads, signals and the
 * scheduler are looked at by the backend with IRQs off immediately before entry; it then
 * returns VERDICT_RESUME and run_blocked() sorts out which it was.
 */
#include <linux/jiffies.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include "dev/vlapic.h"
#include "run.h"
#include "timebase.h"
#include "trace.h"
#include "vm.h"

DEFINE_PER_CPU(unsigned long, vcpu_rcu_noted);

/* An exit that the vCPU's thread makes by itself: nothing was executed. */
static int run_exit(struct vcpu *vcpu, enum vm_exitcode code)
{
	vcpu->exit.exitcode = code;
	vcpu->exit.inst_length = 0;
	vcpu->exit.rip = vcpu->nextrip;
	vcpu_set_rip(vcpu, vcpu->nextrip);
	return VERDICT_USER;
}

static int run_exit_suspended(struct vcpu *vcpu)
{
	vcpu->exit.u.suspended.how = READ_ONCE(vcpu->vm->suspend);
	return run_exit(vcpu, VM_EXITCODE_SUSPENDED);
}

static bool barrier_complete(struct vm *vm)
{
	return bitmap_equal(vm->suspended, vm->irq.active, VM_MAXCPU);
}

/* Requests that a vCPU at the barrier answers. */
#define BARRIER_BREAKERS	(BIT(VCPU_REQ_IDLE) | BIT(VCPU_REQ_DYING))

/*
 * The VM is suspended: wait for the other active vCPUs. A thread that has to leave early
 * takes itself out of the set again, unless the barrier has completed under its hands.
 */
static int run_barrier(struct vcpu *vcpu)
{
	struct vm *vm = vcpu->vm;
	long left = 0;

	set_bit(vcpu->id, vm->suspended);
	if (barrier_complete(vm))
		wake_up_all(&vm->barrier);

	WRITE_ONCE(vcpu->state, VCPU_SLEEPING);
	while (!barrier_complete(vm) && left >= 0) {
		if (READ_ONCE(vcpu->requests) & BARRIER_BREAKERS)
			break;
		left = wait_event_interruptible_timeout(vm->barrier, barrier_complete(vm) ||
				READ_ONCE(vcpu->requests) & BARRIER_BREAKERS, HZ);
	}
	vcpu_leave_running(vcpu);

	if (barrier_complete(vm))
		return run_exit_suspended(vcpu);
	clear_bit(vcpu->id, vm->suspended);
	return VERDICT_RESUME;
}

/* The VM is paused: sleep until that is over, or until there is something else to look at. */
static void run_paused(struct vcpu *vcpu)
{
	WRITE_ONCE(vcpu->state, VCPU_SLEEPING);
	for (;;) {
		/* Orders the state before the look; pairs with vcpu_notify(). */
		set_current_state(TASK_INTERRUPTIBLE);
		if (READ_ONCE(vcpu->requests) != BIT(VCPU_REQ_PAUSE) || vcpu_host_work_pending())
			break;
		schedule_timeout(HZ);
	}
	__set_current_state(TASK_RUNNING);
	vcpu_leave_running(vcpu);
}

static bool turn_lasts(const struct vcpu *vcpu)
{
	return vcpu->turn_owed && time_before(jiffies, vcpu->turn_until);
}

/*
 * Why the guest was not entered, in the order of semantics.md section 7. VERDICT_RESUME:
 * nothing left, enter.
 */
static int run_blocked(struct vcpu *vcpu)
{
	unsigned long requests = READ_ONCE(vcpu->requests);
	int verdict;

	if (test_bit(VCPU_REQ_DYING, &requests)) {
		if (READ_ONCE(vcpu->vm->dead))
			return -EIO;
		return run_exit_suspended(vcpu);
	}
	if (vcpu_test_clear_request(vcpu, VCPU_REQ_INIT))
		vlapic_reset(vcpu->vlapic);
	if (test_bit(VCPU_REQ_SUSPEND, &requests)) {
		verdict = run_barrier(vcpu);
		if (verdict != VERDICT_RESUME)
			return verdict;
	}
	if (vcpu_test_clear_request(vcpu, VCPU_REQ_IDLE) && !turn_lasts(vcpu)) {
		vcpu_stat_inc(vcpu, VMEXIT_REQIDLE);
		return run_exit(vcpu, VM_EXITCODE_REQIDLE);
	}
	if (need_resched())
		cond_resched();
	if (vcpu_host_work_pending()) {
		vcpu_stat_inc(vcpu, VMEXIT_ASTPENDING);
		return run_exit(vcpu, VM_EXITCODE_BOGUS);
	}
	if (test_bit(VCPU_REQ_DEBUG, &requests))
		return run_exit(vcpu, VM_EXITCODE_DEBUG);
	if (test_bit(VCPU_REQ_PAUSE, &requests))
		run_paused(vcpu);
	return VERDICT_RESUME;
}

static int run_once(struct vcpu *vcpu)
{
	int verdict;

	if (unlikely(vcpu_entry_blocked(vcpu))) {
		vcpu_put(vcpu);
		verdict = run_blocked(vcpu);
		if (verdict != VERDICT_RESUME)
			return verdict;
	}
	if (unlikely(smp_load_acquire(&vcpu->vm->time_stopped)))
		timebase_start(vcpu->vm);
	vcpu_load(vcpu);
	verdict = vcpu->vm->backend->run(vcpu);
	if (verdict != VERDICT_RESUME)
		vcpu->turn_owed = false;
	if (verdict == VERDICT_NEUTRAL)
		verdict = exit_handle(vcpu);
	return verdict;
}

int vcpu_run(struct vcpu *vcpu)
{
	struct vm *vm = vcpu->vm;
	int verdict;

	if (!test_bit(vcpu->id, vm->irq.active) || test_bit(vcpu->id, vm->suspended))
		return -EINVAL;
	vcpu_adopt_thread(vcpu);
	if (unlikely(!READ_ONCE(vm->has_run)))
		WRITE_ONCE(vm->has_run, true);
	do {
		verdict = run_once(vcpu);
	} while (verdict == VERDICT_RESUME);
	vcpu_put(vcpu);
	trace_vmm_user_exit(vcpu, min(verdict, 0));
	if (verdict < 0)
		return verdict;
	vcpu_stat_inc(vcpu, VMEXIT_USERSPACE);
	return 0;
}

/* --- HLT -------------------------------------------------------------- */

/* Something that wakes a vCPU with interrupts off as well. In a pause it sleeps on. */
static bool vcpu_wake_pending(const struct vcpu *vcpu)
{
	return (READ_ONCE(vcpu->requests) & ~BIT(VCPU_REQ_PAUSE)) ||
	       test_bit(EVENT_NMI, &vcpu->events.flags);
}

static bool halt_over(struct vcpu *vcpu, bool interrupts_enabled)
{
	if (vcpu_wake_pending(vcpu) || vcpu_host_work_pending())
		return true;
	return interrupts_enabled && (test_bit(EVENT_EXTINT, &vcpu->events.flags) ||
				      vlapic_pending_intr(vcpu->vlapic) >= 0);
}

/*
 * All active vCPUs in HLT with interrupts off: only an NMI could wake them, and nobody is left
 * to send one. A vCPU that takes an NMI clears its bit first: whoever sees neither the NMI nor,
 * after that, a cleared bit, sees a vCPU that sleeps.
 */
static void halt_detect(struct vcpu *vcpu)
{
	struct vm *vm = vcpu->vm;
	unsigned int id;

	set_bit(vcpu->id, vm->halted);
	smp_mb__after_atomic();
	for_each_set_bit(id, vm->irq.active, vm->maxcpus)
		if (vcpu_wake_pending(vm->vcpus[id]))
			return;
	smp_rmb();	/* pairs with the barrier in clear_halted() */
	if (bitmap_equal(vm->halted, vm->irq.active, VM_MAXCPU))
		vm_suspend(vm, VM_SUSPEND_HALT);
}

static void clear_halted(struct vcpu *vcpu)
{
	clear_bit(vcpu->id, vcpu->vm->halted);
	smp_mb__after_atomic();	/* before the event that woke it is taken; pairs with halt_detect() */
}

void vcpu_halt(struct vcpu *vcpu, bool interrupts_enabled)
{
	unsigned long start = jiffies;

	WRITE_ONCE(vcpu->state, VCPU_SLEEPING);
	if (!interrupts_enabled && vmm_halt_detection && !halt_over(vcpu, false))
		halt_detect(vcpu);
	for (;;) {
		/* Orders the state before the look; pairs with vcpu_notify(). */
		set_current_state(TASK_INTERRUPTIBLE);
		if (halt_over(vcpu, interrupts_enabled))
			break;
		schedule_timeout(HZ);
	}
	__set_current_state(TASK_RUNNING);
	vcpu_leave_running(vcpu);
	if (!interrupts_enabled)
		clear_halted(vcpu);
	vcpu->stats[VCPU_IDLE_TICKS] += jiffies - start;
}
