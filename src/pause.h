/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* pause: a VM that stands still, and its time with it; its threads stay in VM_RUN (VML_PAUSE). */
#ifndef VMM_PAUSE_H
#define VMM_PAUSE_H

struct vm;

/**
 * vm_pause() - stop the guest and its time
 * @vm: the VM, inside vm_enter()
 *
 * When it returns, every vCPU sleeps or is nobody's: none is in the guest, and none is emulating
 * an instruction.
 * Return: 0; -EALREADY: is paused; -EINTR: a fatal signal; -ENXIO, -EIO: the VM went meanwhile.
 * After an error nothing has changed. Process context, sleeps.
 */
int vm_pause(struct vm *vm);
/* Guest and time go on. 0, -EALREADY: is not paused; -EINTR. Process context. */
int vm_resume(struct vm *vm);

#endif
