// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* MSRs and control-register rules of src/x86/msr.c: directed vectors; E-10 and E-12 of the catalogue. */
#include <kunit/test.h>
#include <linux/bits.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/module.h>

#include "../src/x86/msr.h"

#define PHYS_BITS	40

static int write_one(u32 msr, u64 val)
{
	struct x86_msrs msrs;

	x86_msrs_reset(&msrs);
	return x86_msr_write(&msrs, msr, val, PHYS_BITS);
}

static void msr_reset(struct kunit *test)
{
	struct x86_msrs msrs;
	u64 val;
	u32 msr;

	x86_msrs_reset(&msrs);
	for (msr = 0; msr < 0x2000; msr++) {
		val = 0x5555;
		if (x86_msr_read(&msrs, msr, &val)) {
			KUNIT_EXPECT_EQ_MSG(test, val, 0x5555, "0x%x", msr);
			continue;
		}
		if (msr == 0xfe)
			KUNIT_EXPECT_EQ(test, val, 0x50a);
		else if (msr == 0x277)
			KUNIT_EXPECT_EQ(test, val, 0x0007040600070406);
		else
			KUNIT_EXPECT_EQ_MSG(test, val, 0, "0x%x", msr);
	}
}

/* The registers that live here, and no others; reads and writes agree on it. */
static bool msr_is_ours(u32 msr)
{
	static const u32 ranges[][2] = {
		{ 0x3b, 0x3b }, { 0xfe, 0xfe }, { 0x179, 0x17a }, { 0x200, 0x213 }, { 0x250, 0x250 },
		{ 0x258, 0x259 }, { 0x268, 0x26f }, { 0x277, 0x277 }, { 0x2ff, 0x2ff },
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(ranges); i++) {
		if (msr >= ranges[i][0] && msr <= ranges[i][1])
			return true;
	}
	return false;
}

static void msr_known_verify(struct kunit *test, u32 msr)
{
	struct x86_msrs msrs;
	u64 val;

	x86_msrs_reset(&msrs);
	KUNIT_EXPECT_EQ_MSG(test, x86_msr_read(&msrs, msr, &val), msr_is_ours(msr) ? 0 : -ENOENT, "0x%x", msr);
	if (msr == 0xfe)
		KUNIT_EXPECT_EQ(test, x86_msr_write(&msrs, msr, 0, PHYS_BITS), -EINVAL);
	else
		KUNIT_EXPECT_EQ_MSG(test, x86_msr_write(&msrs, msr, 0, PHYS_BITS), msr_is_ours(msr) ? 0 : -ENOENT,
				    "0x%x", msr);
}

static void msr_known(struct kunit *test)
{
	u32 i;

	for (i = 0; i < 0x2000; i++) {
		msr_known_verify(test, i);
		msr_known_verify(test, 0xc0000000 + i);
		msr_known_verify(test, 0xc0010000 + i);
	}
	msr_known_verify(test, 0x80000200);
	msr_known_verify(test, 0xffffffff);
}

/* Every register that stores keeps its own value. */
static void msr_storage(struct kunit *test)
{
	struct x86_msrs msrs;
	u64 val;
	u32 msr;

	x86_msrs_reset(&msrs);
	for (msr = 0x200; msr < 0x214; msr++)
		KUNIT_EXPECT_EQ(test, x86_msr_write(&msrs, msr, (u64)msr << 12 | (msr & 1 ? 0x800 : 6), PHYS_BITS), 0);
	for (msr = 0x200; msr < 0x214; msr++) {
		KUNIT_EXPECT_EQ(test, x86_msr_read(&msrs, msr, &val), 0);
		KUNIT_EXPECT_EQ_MSG(test, val, (u64)msr << 12 | (msr & 1 ? 0x800 : 6), "0x%x", msr);
	}
	KUNIT_EXPECT_EQ(test, x86_msr_write(&msrs, 0x250, 0x0606060606060606, PHYS_BITS), 0);
	KUNIT_EXPECT_EQ(test, x86_msr_write(&msrs, 0x258, 0x0001040506000104, PHYS_BITS), 0);
	KUNIT_EXPECT_EQ(test, x86_msr_write(&msrs, 0x26f, 0x0505050505050505, PHYS_BITS), 0);
	KUNIT_EXPECT_EQ(test, msrs.mtrr_fixed64k, 0x0606060606060606);
	KUNIT_EXPECT_EQ(test, msrs.mtrr_fixed16k[0], 0x0001040506000104);
	KUNIT_EXPECT_EQ(test, msrs.mtrr_fixed16k[1], 0);
	KUNIT_EXPECT_EQ(test, msrs.mtrr_fixed4k[7], 0x0505050505050505);
	KUNIT_EXPECT_EQ(test, x86_msr_write(&msrs, 0x3b, ~0ULL, PHYS_BITS), 0);
	KUNIT_EXPECT_EQ(test, msrs.tsc_adjust, ~0ULL);
	KUNIT_EXPECT_EQ(test, x86_msr_write(&msrs, 0x179, ~0ULL, PHYS_BITS), 0);
	KUNIT_EXPECT_EQ(test, x86_msr_read(&msrs, 0x179, &val), 0);
	KUNIT_EXPECT_EQ(test, val, 0);
}

/* A value that gives #GP leaves the old one. */
static void msr_refused_is_not_stored(struct kunit *test)
{
	struct x86_msrs msrs;

	x86_msrs_reset(&msrs);
	KUNIT_EXPECT_EQ(test, x86_msr_write(&msrs, 0x277, 0x0606060606060602, PHYS_BITS), -EINVAL);
	KUNIT_EXPECT_EQ(test, msrs.pat, 0x0007040600070406);
	KUNIT_EXPECT_EQ(test, x86_msr_write(&msrs, 0x2ff, 0x1c06, PHYS_BITS), -EINVAL);
	KUNIT_EXPECT_EQ(test, msrs.mtrr_def_type, 0);
}

static void msr_def_type_bits(struct kunit *test)
{
	int bit;

	for (bit = 8; bit < 64; bit++)
		KUNIT_EXPECT_EQ_MSG(test, write_one(0x2ff, BIT_ULL(bit)), bit == 10 || bit == 11 ? 0 : -EINVAL, "bit %d", bit);
}

static void msr_variable_bits(struct kunit *test)
{
	int bit;

	for (bit = 8; bit < 64; bit++) {
		KUNIT_EXPECT_EQ_MSG(test, write_one(0x200, BIT_ULL(bit)), bit >= 12 && bit < PHYS_BITS ? 0 : -EINVAL, "base bit %d", bit);
		KUNIT_EXPECT_EQ_MSG(test, write_one(0x213, BIT_ULL(bit)), bit >= 11 && bit < PHYS_BITS ? 0 : -EINVAL, "mask bit %d", bit);
	}
	KUNIT_EXPECT_EQ(test, write_one(0x201, 0x400), -EINVAL);
	KUNIT_EXPECT_EQ(test, write_one(0x201, 0x801), -EINVAL);
}

/* SDM vol. 3, tables 11-8 and 11-10. */
static void msr_memory_types(struct kunit *test)
{
	unsigned int type, byte;
	bool mtrr, pat;

	for (type = 0; type < 256; type++) {
		mtrr = type == 0 || type == 1 || type == 4 || type == 5 || type == 6;
		pat = mtrr || type == 7;
		KUNIT_EXPECT_EQ_MSG(test, write_one(0x2ff, type), mtrr ? 0 : -EINVAL, "default 0x%x", type);
		KUNIT_EXPECT_EQ_MSG(test, write_one(0x200, type), mtrr ? 0 : -EINVAL, "base 0x%x", type);
		for (byte = 0; byte < 8; byte++) {
			KUNIT_EXPECT_EQ_MSG(test, write_one(0x268, (u64)type << byte * 8), mtrr ? 0 : -EINVAL, "fixed 0x%x", type);
			KUNIT_EXPECT_EQ_MSG(test, write_one(0x277, (u64)type << byte * 8), pat ? 0 : -EINVAL, "PAT 0x%x", type);
			KUNIT_EXPECT_EQ(test, x86_pat_valid((u64)type << byte * 8), pat);
		}
	}
}

#define PE	BIT_ULL(0)
#define WP	BIT_ULL(16)
#define NW	BIT_ULL(29)
#define CD	BIT_ULL(30)
#define PG	BIT_ULL(31)
#define PAE	BIT_ULL(5)
#define LA57	BIT_ULL(12)
#define PCIDE	BIT_ULL(17)
#define CET	BIT_ULL(23)
#define SCE	BIT_ULL(0)
#define LME	BIT_ULL(8)
#define LMA	BIT_ULL(10)
#define NXE	BIT_ULL(11)
#define SVME	BIT_ULL(12)

static void msr_efer(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, x86_efer_check(0, SCE | LME | NXE, PE, NXE), 0);
	KUNIT_EXPECT_EQ(test, x86_efer_check(0, NXE, PE, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, x86_efer_check(0, SVME, PE, NXE), -EINVAL);
	KUNIT_EXPECT_EQ(test, x86_efer_check(0, LME, PE | PG, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, x86_efer_check(LME | LMA, LMA, PE | PG, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, x86_efer_check(LME | LMA, 0, PE | PG, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, x86_efer_check(LME | LMA, LME, PE | PG, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, x86_efer_check(LME | LMA, LME | LMA | SCE, PE | PG, 0), 0);
	KUNIT_EXPECT_EQ(test, x86_efer_check(LME, LME | LMA, PE, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, x86_efer_check(LME, 0, PE, 0), 0);
}

static void msr_cr0(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, x86_cr0_check(0x60000010, PE, 0, 0, false), 0);
	KUNIT_EXPECT_EQ(test, x86_cr0_check(PE, PG, 0, 0, false), -EINVAL);
	KUNIT_EXPECT_EQ(test, x86_cr0_check(PE, PE | NW, 0, 0, false), -EINVAL);
	KUNIT_EXPECT_EQ(test, x86_cr0_check(PE, PE | NW | CD, 0, 0, false), 0);
	KUNIT_EXPECT_EQ(test, x86_cr0_check(PE, PE | BIT_ULL(32), 0, 0, false), -EINVAL);
	KUNIT_EXPECT_EQ(test, x86_cr0_check(PE, PE | BIT_ULL(6) | BIT_ULL(28), 0, 0, false), 0);
	KUNIT_EXPECT_EQ(test, x86_cr0_check(PE, PE | PG, 0, 0, false), 0);
	KUNIT_EXPECT_EQ(test, x86_cr0_check(PE, PE | PG, 0, LME, false), -EINVAL);
	KUNIT_EXPECT_EQ(test, x86_cr0_check(PE, PE | PG, PAE, LME, false), 0);
	KUNIT_EXPECT_EQ(test, x86_cr0_check(PE, PE | PG, PAE, LME, true), -EINVAL);
	KUNIT_EXPECT_EQ(test, x86_cr0_check(PE | PG, PE, PAE, LME | LMA, true), -EINVAL);
	KUNIT_EXPECT_EQ(test, x86_cr0_check(PE | PG, PE, PAE, LME | LMA, false), 0);
	KUNIT_EXPECT_EQ(test, x86_cr0_check(PE | PG, PE, PAE | PCIDE, LME | LMA, false), -EINVAL);
	KUNIT_EXPECT_EQ(test, x86_cr0_check(PE | PG | WP, PE | PG, PAE | CET, LME | LMA, true), -EINVAL);
	KUNIT_EXPECT_EQ(test, x86_cr0_check(PE | PG | WP, PE | PG | WP | NW | CD, PAE | CET, LME | LMA, true), 0);
}

static void msr_cr4(struct kunit *test)
{
	u64 all = ~0ULL;

	KUNIT_EXPECT_EQ(test, x86_cr4_check(0, PAE, 0, PAE), 0);
	KUNIT_EXPECT_EQ(test, x86_cr4_check(0, PAE | LA57, 0, PAE), -EINVAL);
	KUNIT_EXPECT_EQ(test, x86_cr4_check(PAE, 0, LME | LMA, all), -EINVAL);
	KUNIT_EXPECT_EQ(test, x86_cr4_check(PAE, 0, LME, all), 0);
	KUNIT_EXPECT_EQ(test, x86_cr4_check(PAE, PAE | LA57, LME | LMA, all), -EINVAL);
	KUNIT_EXPECT_EQ(test, x86_cr4_check(PAE | LA57, PAE, LME | LMA, all), -EINVAL);
	KUNIT_EXPECT_EQ(test, x86_cr4_check(PAE, PAE | LA57, LME, all), 0);
	KUNIT_EXPECT_EQ(test, x86_cr4_check(PAE, PAE | PCIDE, LME, all), -EINVAL);
	KUNIT_EXPECT_EQ(test, x86_cr4_check(PAE, PAE | PCIDE, LME | LMA, all), 0);
	KUNIT_EXPECT_EQ(test, x86_cr4_check_context(PAE, PAE | PCIDE, PE | PG, 0x1000), 0);
	KUNIT_EXPECT_EQ(test, x86_cr4_check_context(PAE, PAE | PCIDE, PE | PG, 0x1008), -EINVAL);
	KUNIT_EXPECT_EQ(test, x86_cr4_check_context(PAE | PCIDE, PAE | PCIDE, PE | PG, 0x1008), 0);
	KUNIT_EXPECT_EQ(test, x86_cr4_check_context(PAE, PAE | CET, PE | PG, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, x86_cr4_check_context(PAE, PAE | CET, PE | PG | WP, 0), 0);
}

/* All values of the bits that have rules: MPX 3-4, AVX-512 5-7, AMX 17-18 as wholes (SDM vol. 1, 13.3). */
static void msr_xcr0(struct kunit *test)
{
	unsigned int low, amx;
	bool valid;
	u64 xcr0;

	for (low = 0; low < 256; low++) {
		for (amx = 0; amx < 4; amx++) {
			xcr0 = low | amx << 17;
			valid = (low & 1) && (low & 6) != 4 && ((low >> 3 & 3) == 0 || (low >> 3 & 3) == 3) &&
				((low >> 5) == 0 || ((low >> 5) == 7 && (low & 6) == 6)) && (amx == 0 || amx == 3);
			KUNIT_EXPECT_EQ_MSG(test, x86_xcr0_check(xcr0, ~0ULL), valid ? 0 : -EINVAL, "0x%llx", xcr0);
			KUNIT_EXPECT_EQ_MSG(test, x86_xcr0_check(xcr0, 7), valid && xcr0 < 8 ? 0 : -EINVAL, "0x%llx of 7", xcr0);
		}
	}
	KUNIT_EXPECT_EQ(test, x86_xcr0_check(BIT_ULL(63) | 7, 7), -EINVAL);
}

static struct kunit_case msr_test_cases[] = {
	KUNIT_CASE(msr_reset),
	KUNIT_CASE(msr_known),
	KUNIT_CASE(msr_storage),
	KUNIT_CASE(msr_refused_is_not_stored),
	KUNIT_CASE(msr_def_type_bits),
	KUNIT_CASE(msr_variable_bits),
	KUNIT_CASE(msr_memory_types),
	KUNIT_CASE(msr_efer),
	KUNIT_CASE(msr_cr0),
	KUNIT_CASE(msr_cr4),
	KUNIT_CASE(msr_xcr0),
	{ }
};

static struct kunit_suite msr_test_suite = {
	.name = "vmm-x86-msr",
	.test_cases = msr_test_cases,
};
kunit_test_suite(msr_test_suite);

MODULE_LICENSE("Dual BSD/GPL");
