/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * pvmsr: the two MSRs of VML_FEATURE_PVCLOCK, and the clock of a VM that they lead to.
 *
 * All pages of a VM are made from one pair of TSC and guest time, so that they agree; that pair is
 * taken when the first is made. A vCPU's page differs from it by its TSC's offset. While guest
 * time stands the TSC does too, so a page stays right for good, unless the guest moves its TSC.
 */
#ifndef VMM_PVMSR_H
#define VMM_PVMSR_H

#include <linux/types.h>

struct vcpu;
struct vm;

struct pvmsr_clock {
	bool taken;		/* time_lock: the pair is there */
	u64 host_tsc;		/* time_lock: moves on by what time has stood */
	u64 ns;			/* time_lock: guest time then */
	u64 wall;		/* atomic: MSR 0x4b564d00 */
};

/* The host's TSC is good enough for it. Any context. */
bool pvmsr_host_able(void);
/*
 * A guest's access. 0; -ENOENT: no such MSR, or the feature is off; -EINVAL: #GP. Own thread; may
 * put the vCPU.
 */
int pvmsr_read(struct vcpu *vcpu, u32 msr, u64 *val);
int pvmsr_write(struct vcpu *vcpu, u32 msr, u64 val);
/* vcpu->tsc_offset has changed by the guest's doing. Own thread; may put the vCPU. */
void pvmsr_tsc_moved(struct vcpu *vcpu);
/* VM_REINIT. All vCPUs frozen. */
void pvmsr_reset(struct vm *vm);

#endif
