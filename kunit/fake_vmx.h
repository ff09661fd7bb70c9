/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * fake_vmx: VMX operation without VMX: VMCSs in memory, one current on each CPU, which may be
 * active on one CPU at a time; capability MSRs as a test has them. VM entry there is none.
 */
#ifndef KUNIT_FAKE_VMX_H
#define KUNIT_FAKE_VMX_H

#include <linux/types.h>
#include "vmx/vmx.h"

#define FAKE_VMX_MSRS	0x14		/* IA32_VMX_BASIC to the last of them */

struct fake_vmx {
	u64 msrs[FAKE_VMX_MSRS];	/* from 0x480 on */
	/* What was executed. */
	unsigned int vmclears, vmptrlds, invepts, invvpids;
	enum vmx_inv_type inv_type;	/* of the last INVEPT or INVVPID */
	u64 inv_eptp;
	u16 inv_vpid;
	/* The first thing that a processor would not have stood for; NULL: nothing. */
	const char *broken;
};
extern struct fake_vmx fake_vmx;

/* All of the above, and no VMCS current or active anywhere. */
void fake_vmx_reset(void);
/* A field of @vmx's VMCS that there is, read-only ones as well, wherever the VMCS is. */
u64 fake_vmcs_get(struct vmx_vcpu *vmx, unsigned long field);
void fake_vmcs_set(struct vmx_vcpu *vmx, unsigned long field, u64 val);
/* The CPU on which it is active, or -1. */
int fake_vmcs_cpu(struct vmx_vcpu *vmx);

#endif
