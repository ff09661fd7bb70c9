// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "timebase.h"
#include "vm.h"

void timebase_init(struct vm *vm)
{
	raw_spin_lock_init(&vm->time_lock);
}

static void time_stop_locked(struct vm *vm)
{
	lockdep_assert_held(&vm->time_lock);
	if (vm->time_stopped)
		return;
	vclock_pause(&vm->clock);
	vm->time_stopped_tsc = vm->clock.source->tsc();
	WRITE_ONCE(vm->time_stopped, true);
}

void timebase_stop(struct vm *vm)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&vm->time_lock, flags);
	time_stop_locked(vm);
	raw_spin_unlock_irqrestore(&vm->time_lock, flags);
}

static void time_start_locked(struct vm *vm)
{
	struct vcpu *vcpu;
	unsigned int id;
	u64 stood;

	lockdep_assert_held(&vm->time_lock);
	if (!vm->time_stopped || vm->paused)
		return;
	stood = vm->clock.source->tsc() - vm->time_stopped_tsc;
	vm->tsc_base -= stood;
	vm->pvclock.host_tsc += stood;
	vm_for_each_vcpu(vm, vcpu, id)
		vcpu->tsc_offset -= stood;
	vclock_resume(&vm->clock);
	/* Pairs with the look in run_once(): whoever finds it false has the offsets. */
	smp_store_release(&vm->time_stopped, false);
}

/*
 * Of several vCPUs that come here at once, the first moves everybody's offset; the others have not
 * entered the guest since time was stopped and wait for the lock.
 */
void timebase_start(struct vm *vm)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&vm->time_lock, flags);
	time_start_locked(vm);
	raw_spin_unlock_irqrestore(&vm->time_lock, flags);
}

void timebase_pause(struct vm *vm)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&vm->time_lock, flags);
	time_stop_locked(vm);
	vm->paused = true;
	raw_spin_unlock_irqrestore(&vm->time_lock, flags);
}

void timebase_resume(struct vm *vm)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&vm->time_lock, flags);
	vm->paused = false;
	time_start_locked(vm);
	raw_spin_unlock_irqrestore(&vm->time_lock, flags);
}

void timebase_join(struct vcpu *vcpu)
{
	struct vm *vm = vcpu->vm;
	unsigned long flags;

	raw_spin_lock_irqsave(&vm->time_lock, flags);
	vcpu->tsc_offset = vm->tsc_base;
	smp_store_release(&vm->vcpus[vcpu->id], vcpu);
	raw_spin_unlock_irqrestore(&vm->time_lock, flags);
}

u64 timebase_tsc(const struct vcpu *vcpu)
{
	return vcpu->vm->time_stopped_tsc + vcpu->tsc_offset;
}

void timebase_set_tsc(struct vcpu *vcpu, u64 tsc)
{
	vcpu->tsc_offset = tsc - vcpu->vm->time_stopped_tsc;
}
