// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * msr: MSRs that are the same on both vendors, and what a guest may write to
 * the control registers. MTRRs and PAT are storage only: memory typing comes
 * from the nested page tables.
 */
#include <linux/bits.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/nospec.h>
#include <linux/string.h>

#include "msr.h"

#define IA32_TSC_ADJUST		0x3b
#define IA32_MTRRCAP		0xfe
#define IA32_MCG_CAP		0x179
#define IA32_MCG_STATUS		0x17a
#define IA32_MTRR_PHYSBASE0	0x200
#define IA32_MTRR_FIX64K	0x250
#define IA32_MTRR_FIX16K	0x258
#define IA32_MTRR_FIX4K		0x268
#define IA32_PAT		0x277
#define IA32_MTRR_DEF_TYPE	0x2ff

#define MTRRCAP_FIX		BIT_ULL(8)
#define MTRRCAP_WC		BIT_ULL(10)
#define MTRR_DEF_RSVD		(GENMASK_ULL(63, 12) | GENMASK_ULL(9, 8))
#define MTRR_BASE_RSVD		GENMASK_ULL(11, 8)
#define MTRR_MASK_RSVD		GENMASK_ULL(10, 0)

#define PAT_RESET		0x0007040600070406ULL

/* Encodings of memory types: UC 0, WC 1, WT 4, WP 5, WB 6, and in the PAT UC- 7. */
#define MEMTYPES_MTRR		(BIT(0) | BIT(1) | BIT(4) | BIT(5) | BIT(6))
#define MEMTYPES_PAT		(MEMTYPES_MTRR | BIT(7))

#define CR0_PE			BIT_ULL(0)
#define CR0_WP			BIT_ULL(16)
#define CR0_NW			BIT_ULL(29)
#define CR0_CD			BIT_ULL(30)
#define CR0_PG			BIT_ULL(31)

#define CR4_PAE			BIT_ULL(5)
#define CR4_LA57		BIT_ULL(12)
#define CR4_PCIDE		BIT_ULL(17)
#define CR4_CET			BIT_ULL(23)
#define CR3_PCID		GENMASK_ULL(11, 0)

#define EFER_SCE		BIT_ULL(0)
#define EFER_LME		BIT_ULL(8)
#define EFER_LMA		BIT_ULL(10)

#define XCR0_X87		BIT_ULL(0)
#define XCR0_SSE		BIT_ULL(1)
#define XCR0_AVX		BIT_ULL(2)
#define XCR0_MPX		GENMASK_ULL(4, 3)
#define XCR0_AVX512		GENMASK_ULL(7, 5)
#define XCR0_AMX		GENMASK_ULL(18, 17)

void x86_msrs_reset(struct x86_msrs *msrs)
{
	memset(msrs, 0, sizeof(*msrs));
	msrs->pat = PAT_RESET;
}

static bool memtype_valid(u8 type, unsigned int types)
{
	return type < 8 && (types & BIT(type));
}

/* Each of the eight bytes of @val is one of @types. */
static bool memtypes_valid(u64 val, unsigned int types)
{
	int i;

	for (i = 0; i < 8; i++, val >>= 8) {
		if (!memtype_valid(val, types))
			return false;
	}
	return true;
}

bool x86_pat_valid(u64 pat)
{
	return memtypes_valid(pat, MEMTYPES_PAT);
}

/* Storage of a fixed-range MTRR, or NULL. */
static u64 *mtrr_fixed(struct x86_msrs *msrs, u32 msr)
{
	switch (msr) {
	case IA32_MTRR_FIX64K:
		return &msrs->mtrr_fixed64k;
	case IA32_MTRR_FIX16K ... IA32_MTRR_FIX16K + 1:
		return &msrs->mtrr_fixed16k[array_index_nospec(msr - IA32_MTRR_FIX16K, 2)];
	case IA32_MTRR_FIX4K ... IA32_MTRR_FIX4K + 7:
		return &msrs->mtrr_fixed4k[array_index_nospec(msr - IA32_MTRR_FIX4K, 8)];
	default:
		return NULL;
	}
}

/* Storage of a variable-range MTRR, base or mask, or NULL. */
static u64 *mtrr_variable(struct x86_msrs *msrs, u32 msr)
{
	u32 index = (msr - IA32_MTRR_PHYSBASE0) / 2;

	if (msr < IA32_MTRR_PHYSBASE0 || index >= X86_MTRR_VAR_COUNT)
		return NULL;
	index = array_index_nospec(index, X86_MTRR_VAR_COUNT);
	return msr & 1 ? &msrs->mtrr_var[index].mask : &msrs->mtrr_var[index].base;
}

/* Storage of a register that reads back what was written, or NULL. */
static u64 *msr_storage(struct x86_msrs *msrs, u32 msr)
{
	u64 *mtrr;

	switch (msr) {
	case IA32_TSC_ADJUST:
		return &msrs->tsc_adjust;
	case IA32_PAT:
		return &msrs->pat;
	case IA32_MTRR_DEF_TYPE:
		return &msrs->mtrr_def_type;
	default:
		mtrr = mtrr_fixed(msrs, msr);
		return mtrr ? mtrr : mtrr_variable(msrs, msr);
	}
}

int x86_msr_read(const struct x86_msrs *msrs, u32 msr, u64 *val)
{
	const u64 *storage;

	switch (msr) {
	case IA32_MCG_CAP:
	case IA32_MCG_STATUS:
		*val = 0;
		return 0;
	case IA32_MTRRCAP:
		*val = MTRRCAP_WC | MTRRCAP_FIX | X86_MTRR_VAR_COUNT;
		return 0;
	}
	/* The lookup is shared with writes; nothing is written through it here. */
	storage = msr_storage((struct x86_msrs *)msrs, msr);
	if (!storage)
		return -ENOENT;
	*val = *storage;
	return 0;
}

static bool mtrr_variable_valid(u32 msr, u64 val, unsigned int phys_bits)
{
	if (phys_bits < 64 && val >> phys_bits)
		return false;
	if (msr & 1)
		return !(val & MTRR_MASK_RSVD);
	return !(val & MTRR_BASE_RSVD) && memtype_valid(val, MEMTYPES_MTRR);
}

/* For a register that msr_storage() knows. */
static bool msr_value_valid(u32 msr, u64 val, unsigned int phys_bits)
{
	switch (msr) {
	case IA32_TSC_ADJUST:
		return true;
	case IA32_PAT:
		return x86_pat_valid(val);
	case IA32_MTRR_DEF_TYPE:
		return !(val & MTRR_DEF_RSVD) && memtype_valid(val, MEMTYPES_MTRR);
	case IA32_MTRR_FIX64K ... IA32_MTRR_FIX4K + 7:
		return memtypes_valid(val, MEMTYPES_MTRR);
	default:
		return mtrr_variable_valid(msr, val, phys_bits);
	}
}

int x86_msr_write(struct x86_msrs *msrs, u32 msr, u64 val, unsigned int phys_bits)
{
	u64 *storage;

	switch (msr) {
	case IA32_MCG_CAP:
	case IA32_MCG_STATUS:
		return 0;
	case IA32_MTRRCAP:
		return -EINVAL;
	}
	storage = msr_storage(msrs, msr);
	if (!storage)
		return -ENOENT;
	if (!msr_value_valid(msr, val, phys_bits))
		return -EINVAL;
	*storage = val;
	return 0;
}

int x86_efer_check(u64 old_efer, u64 new_efer, u64 cr0, u64 host_efer_mask)
{
	bool paging = cr0 & CR0_PG;
	bool lme = new_efer & EFER_LME;
	bool lma = new_efer & EFER_LMA;

	if (new_efer & ~(host_efer_mask | EFER_SCE | EFER_LME | EFER_LMA))
		return -EINVAL;
	if (paging && ((old_efer ^ new_efer) & EFER_LME))
		return -EINVAL;
	if (lma != (lme && paging))
		return -EINVAL;
	return 0;
}

/* Setting CR0.PG with EFER.LME enters long mode: SDM vol. 3, 9.8.5. */
static bool long_mode_enterable(u64 cr4, bool cs_l)
{
	return (cr4 & CR4_PAE) && !cs_l;
}

/* Clearing CR0.PG: not from 64-bit mode, not with PCIDs (SDM vol. 3, 4.1.2). */
static bool paging_leavable(u64 cr4, u64 efer, bool cs_l)
{
	return !(cr4 & CR4_PCIDE) && !((efer & EFER_LMA) && cs_l);
}

int x86_cr0_check(u64 old_cr0, u64 new_cr0, u64 cr4, u64 efer, bool cs_l)
{
	u64 set = new_cr0 & ~old_cr0;
	u64 cleared = old_cr0 & ~new_cr0;

	if (new_cr0 >> 32)
		return -EINVAL;
	if ((new_cr0 & CR0_PG) && !(new_cr0 & CR0_PE))
		return -EINVAL;
	if ((new_cr0 & CR0_NW) && !(new_cr0 & CR0_CD))
		return -EINVAL;
	if ((set & CR0_PG) && (efer & EFER_LME) && !long_mode_enterable(cr4, cs_l))
		return -EINVAL;
	if ((cleared & CR0_PG) && !paging_leavable(cr4, efer, cs_l))
		return -EINVAL;
	if (!(new_cr0 & CR0_WP) && (cr4 & CR4_CET))
		return -EINVAL;
	return 0;
}

int x86_cr4_check(u64 old_cr4, u64 new_cr4, u64 efer, u64 allowed)
{
	u64 set = new_cr4 & ~old_cr4;
	bool long_mode = efer & EFER_LMA;

	if (new_cr4 & ~allowed)
		return -EINVAL;
	if (long_mode && !(new_cr4 & CR4_PAE))
		return -EINVAL;
	if (long_mode && ((old_cr4 ^ new_cr4) & CR4_LA57))
		return -EINVAL;
	if (!long_mode && (set & CR4_PCIDE))
		return -EINVAL;
	return 0;
}

int x86_cr4_check_context(u64 old_cr4, u64 new_cr4, u64 cr0, u64 cr3)
{
	u64 set = new_cr4 & ~old_cr4;

	if ((set & CR4_PCIDE) && (cr3 & CR3_PCID))
		return -EINVAL;
	if ((new_cr4 & CR4_CET) && !(cr0 & CR0_WP))
		return -EINVAL;
	return 0;
}

/* Of the bits in @group, @xcr0 has all or none. */
static bool xcr0_whole(u64 xcr0, u64 group)
{
	return !(xcr0 & group) || (xcr0 & group) == group;
}

int x86_xcr0_check(u64 xcr0, u64 permitted)
{
	if (xcr0 & ~permitted)
		return -EINVAL;
	if (!(xcr0 & XCR0_X87))
		return -EINVAL;
	if ((xcr0 & XCR0_AVX) && !(xcr0 & XCR0_SSE))
		return -EINVAL;
	if ((xcr0 & XCR0_AVX512) && !(xcr0 & XCR0_AVX))
		return -EINVAL;
	if (!xcr0_whole(xcr0, XCR0_AVX512) || !xcr0_whole(xcr0, XCR0_MPX) || !xcr0_whole(xcr0, XCR0_AMX))
		return -EINVAL;
	return 0;
}
