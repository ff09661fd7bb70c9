/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * insn: the instructions of VMX but for VMLAUNCH and VMRESUME (Intel manual vol. 3, chapter 31),
 * and its capability MSRs (appendix A). kunit/ has a header of the same name, found before this
 * one, which does them on memory.
 */
#ifndef VMM_VMX_INSN_H
#define VMM_VMX_INSN_H

#include <linux/errno.h>
#include <linux/types.h>
#include <asm/asm.h>
#include <asm/msr.h>

/* The other operand of INVEPT and INVVPID is one of these. */
enum vmx_inv_type { VMX_INV_CONTEXT = 1, VMX_INV_ALL = 2 };

/* One of the MSRs from IA32_VMX_BASIC on; the processor has it. */
static inline u64 vmx_capability(u32 msr)
{
	u64 val;

	rdmsrl(msr, val);
	return val;
}

/* 0; -EIO: refused, or a fault. CR4.VMXE is set. */
static inline int vmx_insn_vmxon(u64 region_hpa)
{
	asm goto("1: vmxon %0\n\t"
		 "jbe %l[failed]\n\t"
		 _ASM_EXTABLE(1b, %l[failed])
		 : : "m" (region_hpa) : "memory", "cc" : failed);
	return 0;
failed:
	return -EIO;
}

static inline void vmx_insn_vmxoff(void)
{
	asm volatile("vmxoff" : : : "cc", "memory");
}

static inline void vmx_insn_vmclear(u64 vmcs_hpa)
{
	asm volatile("vmclear %0" : : "m" (vmcs_hpa) : "memory", "cc");
}

/* False: that is no VMCS. */
static inline bool vmx_insn_vmptrld(u64 vmcs_hpa)
{
	bool failed;

	asm volatile("vmptrld %1" : "=@ccbe" (failed) : "m" (vmcs_hpa) : "memory");
	return !failed;
}

/* False: no such field on this processor, or there is no current VMCS. */
static inline bool vmx_insn_vmread(unsigned long field, u64 *val)
{
	bool failed;

	asm volatile("vmread %2, %0" : "=rm" (*val), "=@ccbe" (failed) : "r" (field));
	return !failed;
}

static inline bool vmx_insn_vmwrite(unsigned long field, u64 val)
{
	bool failed;

	asm volatile("vmwrite %1, %2" : "=@ccbe" (failed) : "rm" (val), "r" (field) : "memory");
	return !failed;
}

static inline void vmx_insn_invept(enum vmx_inv_type type, u64 eptp)
{
	struct { u64 eptp, zero; } desc = { eptp, 0 };

	asm volatile("invept %0, %1" : : "m" (desc), "r" ((unsigned long)type) : "memory", "cc");
}

static inline void vmx_insn_invvpid(enum vmx_inv_type type, u16 vpid)
{
	struct { u64 vpid, gla; } desc = { vpid, 0 };

	asm volatile("invvpid %0, %1" : : "m" (desc), "r" ((unsigned long)type) : "memory", "cc");
}

#endif
