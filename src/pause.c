// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * pause: VCPU_REQ_PAUSE makes a vCPU's thread sleep in VM_RUN instead of entering the guest.
 *
 * A vCPU announces RUNNING before it looks at its requests, so one that is seen at rest with the
 * request set does not enter any more, whatever it does: wake for another request, leave, come
 * back. Time is stopped after that, under vcpus_lock, which keeps snapshots and new vCPUs out.
 */
#include <linux/delay.h>
#include <linux/errno.h>
#include <linux/sched/signal.h>
#include "pause.h"
#include "timebase.h"
#include "vm.h"

#define REST_POLL_MIN_US	20
#define REST_POLL_MAX_US	200

/* Not in guest mode, and not between two entries, where it might emulate an instruction. */
static bool vcpu_is_at_rest(const struct vcpu *vcpu)
{
	/* What its owner did before is done. Pairs with vcpu_leave_running() and vcpu_thaw(). */
	int state = smp_load_acquire(&vcpu->state);

	return state == VCPU_IDLE || state == VCPU_SLEEPING;
}

static int vcpu_wait_for_rest(struct vcpu *vcpu)
{
	while (!vcpu_is_at_rest(vcpu)) {
		if (fatal_signal_pending(current))
			return -EINTR;
		if (percpu_ref_is_dying(&vcpu->vm->ops))
			return -ENXIO;
		if (READ_ONCE(vcpu->vm->dead))
			return -EIO;
		usleep_range(REST_POLL_MIN_US, REST_POLL_MAX_US);
	}
	return 0;
}

static void pause_request(struct vm *vm)
{
	struct vcpu *vcpu;
	unsigned int id;

	lockdep_assert_held(&vm->vcpus_lock);
	vm->pausing = true;
	vm_for_each_vcpu(vm, vcpu, id)
		vcpu_request(vcpu, VCPU_REQ_PAUSE);
}

static void pause_withdraw(struct vm *vm)
{
	struct vcpu *vcpu;
	unsigned int id;

	lockdep_assert_held(&vm->vcpus_lock);
	vm->pausing = false;
	vm_for_each_vcpu(vm, vcpu, id) {
		clear_bit(VCPU_REQ_PAUSE, &vcpu->requests);
		vcpu_notify(vcpu);
	}
}

/* vcpus_lock is not held: whoever freezes vCPUs meanwhile comes to an end, and lets them go. */
static int pause_wait(struct vm *vm)
{
	struct vcpu *vcpu;
	unsigned int id;
	int err;

	vm_for_each_vcpu(vm, vcpu, id) {
		err = vcpu_wait_for_rest(vcpu);
		if (err)
			return err;
	}
	return 0;
}

static int pause_locked(struct vm *vm)
{
	int err;

	lockdep_assert_held(&vm->pause_lock);
	if (vm->paused)
		return -EALREADY;
	if (mutex_lock_killable(&vm->vcpus_lock))
		return -EINTR;
	pause_request(vm);
	mutex_unlock(&vm->vcpus_lock);
	err = pause_wait(vm);
	mutex_lock(&vm->vcpus_lock);
	if (err)
		pause_withdraw(vm);
	else
		timebase_pause(vm);
	mutex_unlock(&vm->vcpus_lock);
	return err;
}

int vm_pause(struct vm *vm)
{
	int err;

	if (mutex_lock_killable(&vm->pause_lock))
		return -EINTR;
	err = pause_locked(vm);
	mutex_unlock(&vm->pause_lock);
	return err;
}

int vm_resume(struct vm *vm)
{
	int err = -EALREADY;

	if (mutex_lock_killable(&vm->pause_lock))
		return -EINTR;
	if (vm->paused) {
		err = mutex_lock_killable(&vm->vcpus_lock);
		if (!err) {
			timebase_resume(vm);
			pause_withdraw(vm);
			mutex_unlock(&vm->vcpus_lock);
		}
	}
	mutex_unlock(&vm->pause_lock);
	return err;
}
