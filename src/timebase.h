/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * timebase: a VM's clock and its vCPUs' TSCs, stopped and started together.
 *
 * A snapshot is taken and put back while guest time stands: the first request
 * of either kind stops it, VM_RESTORE_TIME starts it, and so does a vCPU about to
 * enter the guest. So the records of one snapshot agree, no timer fires into a chip
 * that has been saved already, and the guest finds its clocks where it left them.
 *
 * A paused VM is the same, except that nothing but its resumption starts time.
 */
#ifndef VMM_TIMEBASE_H
#define VMM_TIMEBASE_H

#include <linux/types.h>

struct vcpu;
struct vm;

void timebase_init(struct vm *vm);	/* after the clock; it runs */
/* No-op if it stands already. All vCPUs frozen. */
void timebase_stop(struct vm *vm);
/* No-op if it runs, or the VM is paused. No vCPU is in guest mode. Any context. */
void timebase_start(struct vm *vm);
/*
 * Time stands from the one to the other, whoever calls timebase_start(). vcpus_lock held, so that
 * no snapshot is under way; no vCPU is in guest mode, nor between two entries.
 */
void timebase_pause(struct vm *vm);
void timebase_resume(struct vm *vm);
/*
 * Publish a new vCPU in vm->vcpus; its TSC shows what those show that were there from the
 * beginning. vcpus_lock held.
 */
void timebase_join(struct vcpu *vcpu);
/* A vCPU's TSC while time stands. All vCPUs frozen. */
u64 timebase_tsc(const struct vcpu *vcpu);
void timebase_set_tsc(struct vcpu *vcpu, u64 tsc);

#endif
