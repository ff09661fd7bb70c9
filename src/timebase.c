// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "timebase.h"
#include "vm.h"

void timebase_init(struct vm *vm)
{
	raw_spin_lock_init(&vm->time_lock);
}

void timebase_stop(struct vm *vm)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&vm->time_lock, flags);
	if (!vm->time_stopped) {
		vclock_pause(&vm->clock);
		vm->time_stopped_tsc = vm->clock.source->tsc();
		WRITE_ONCE(vm->time_stopped, true);
	}
	raw_spin_unlock_irqrestore(&vm->time_lock, flags);
}

/*
 * Of several vCPUs that come here at once, the first moves everybody's offset; the others have not
 * entered the guest since time was stopped and wait for the lock.
 */
void timebase_start(struct vm *vm)
{
	struct vcpu *vcpu;
	unsigned long flags;
	unsigned int id;
	u64 stood;

	raw_spin_lock_irqsave(&vm->time_lock, flags);
	if (vm->time_stopped) {
		stood = vm->clock.source->tsc() - vm->time_stopped_tsc;
		vm_for_each_vcpu(vm, vcpu, id)
			vcpu->tsc_offset -= stood;
		vclock_resume(&vm->clock);
		/* Pairs with the look in run_once(): whoever finds it false has the offsets. */
		smp_store_release(&vm->time_stopped, false);
	}
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
