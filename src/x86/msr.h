/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * msr: MSRs that are the same on both vendors: MTRR, PAT, MCG, APIC aside (semantics.md section 23); what a guest may write
 * to EFER, CR0, CR4, XCR0 (section 25).
 */
#ifndef VMM_X86_MSR_H
#define VMM_X86_MSR_H

#include <linux/types.h>

#define X86_MTRR_VAR_COUNT	10

/* One a vCPU. Used by its own thread, or with the vCPU frozen. */
struct x86_msrs {
	u64 mtrr_def_type;
	u64 mtrr_fixed64k, mtrr_fixed16k[2], mtrr_fixed4k[8];
	struct { u64 base, mask; } mtrr_var[X86_MTRR_VAR_COUNT];
	u64 pat;
	u64 tsc_adjust;		/* stored; the backend adds a write's difference to the TSC offset */
	u64 misc_enable;	/* the backend's alone: its value comes from the host */
};

/**
 * x86_msrs_reset - the state of a fresh vCPU: PAT at its reset value, all else 0
 *
 * Rule: semantics.md section 6.4; SDM vol. 3, 9.1 and 11.12.4.
 */
void x86_msrs_reset(struct x86_msrs *msrs);

/**
 * x86_msr_read - MCG_CAP, MCG_STATUS, MTRRs, PAT, TSC_ADJUST
 * @msr: ECX
 * @val: out, on 0
 *
 * Context: see struct x86_msrs; takes no locks, does not sleep.
 * Return: 0; -ENOENT: no rule here, ask the backend or user space.
 * Rule: semantics.md section 23.
 */
int x86_msr_read(const struct x86_msrs *msrs, u32 msr, u64 *val);

/**
 * x86_msr_write - the same registers, written by the guest
 * @msr: ECX
 * @val: EDX:EAX
 * @phys_bits: physical address width of the guest in bits, 32 to 52 (CPUID
 *	0x80000008 EAX bits 7-0); bits above it are reserved in variable MTRRs
 *
 * Context: see struct x86_msrs; takes no locks, does not sleep.
 * Return: 0; -ENOENT: no rule here; -EINVAL: #GP, and nothing was stored.
 * Rule: semantics.md section 23; SDM vol. 3, 11.11 and 11.12; APM vol. 2, 7.7 and 7.8.
 */
int x86_msr_write(struct x86_msrs *msrs, u32 msr, u64 val, unsigned int phys_bits);

/* Eight valid memory types: 0, 1, 4, 5, 6, 7 each (SDM vol. 3, 11.12.2). Any context. */
bool x86_pat_valid(u64 pat);

/*
 * May the guest put this value there? Each returns 0, or -EINVAL: #GP. Any
 * context. Values are the guest's view, not what hardware runs with.
 */

/**
 * x86_efer_check - WRMSR to EFER
 * @old_efer: value before
 * @new_efer: value to be written
 * @cr0: CR0; LME must not change while PG is set
 * @host_efer_mask: bits the guest may have set; SCE, LME and LMA need not be in it
 *
 * LMA has to be written as LME and CR0.PG imply it. LMSLE, where a backend
 * wants an exit for it, is looked at before.
 * Rule: semantics.md section 23; APM vol. 2, 3.1.7; SDM vol. 3, 2.2.1.
 */
int x86_efer_check(u64 old_efer, u64 new_efer, u64 cr0, u64 host_efer_mask);

/**
 * x86_cr0_check - MOV to CR0, LMSW, CLTS
 * @old_cr0: value before
 * @new_cr0: value to be written; reserved bits 31-0 do not matter to hardware
 * @cr4: PAE, PCIDE and CET decide
 * @efer: LME and LMA decide
 * @cs_l: L bit of the current CS
 *
 * Rule: SDM vol. 3, 2.5, 4.1.2 and 9.8.5; APM vol. 2, 3.1.1, 14.6 and 14.7.
 */
int x86_cr0_check(u64 old_cr0, u64 new_cr0, u64 cr4, u64 efer, bool cs_l);

/**
 * x86_cr4_check - MOV to CR4, by CR4 and EFER alone
 * @old_cr4: value before
 * @new_cr4: value to be written
 * @efer: LMA decides
 * @allowed: bits that this guest's CPUID offers; all others are reserved
 *
 * x86_cr4_check_context() has the rest.
 * Rule: SDM vol. 3, 2.5 and 4.1.2; APM vol. 2, 3.1.3.
 */
int x86_cr4_check(u64 old_cr4, u64 new_cr4, u64 efer, u64 allowed);

/**
 * x86_cr4_check_context - MOV to CR4, the rules that need CR0 and CR3
 * @cr0: CET needs WP
 * @cr3: PCIDE needs bits 11-0 clear
 *
 * Rule: SDM vol. 3, 2.5 and 4.10.1.
 */
int x86_cr4_check_context(u64 old_cr4, u64 new_cr4, u64 cr0, u64 cr3);

/**
 * x86_xcr0_check - XSETBV with ECX 0
 * @xcr0: value to be written
 * @permitted: components that the host saves for guests
 *
 * CPL, CR4.OSXSAVE and ECX are the caller's to check.
 * Rule: semantics.md section 25; SDM vol. 1, 13.3; APM vol. 2, 11.5.2.
 */
int x86_xcr0_check(u64 xcr0, u64 permitted);

#endif
