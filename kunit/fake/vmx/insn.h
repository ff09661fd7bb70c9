/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* insn: in place of src/vmx/insn.h: kunit/fake_vmx.c does on memory what the processor would do. */
#ifndef VMM_VMX_INSN_H
#define VMM_VMX_INSN_H

#include <linux/types.h>

enum vmx_inv_type { VMX_INV_CONTEXT = 1, VMX_INV_ALL = 2 };

u64 vmx_capability(u32 msr);
int vmx_insn_vmxon(u64 region_hpa);
void vmx_insn_vmxoff(void);
void vmx_insn_vmclear(u64 vmcs_hpa);
bool vmx_insn_vmptrld(u64 vmcs_hpa);
bool vmx_insn_vmread(unsigned long field, u64 *val);
bool vmx_insn_vmwrite(unsigned long field, u64 val);
void vmx_insn_invept(enum vmx_inv_type type, u64 eptp);
void vmx_insn_invvpid(enum vmx_inv_type type, u16 vpid);

#endif
