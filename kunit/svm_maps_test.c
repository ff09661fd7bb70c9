// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * svm: what a guest may do without an exit, bit by bit: the permission maps (catalogue E-11, E-13),
 * the intercepts of a fresh VMCB (E-01, E-03), and which VMCB bytes the API shows (E-04). Bits and
 * numbers are written down here anew, from the AMD64 manual vol. 2, 15.10, 15.11 and appendix B.
 */
#include <kunit/test.h>
#include <linux/bits.h>
#include <linux/kernel.h>
#include <linux/string.h>
#include "svm_fixture.h"

/* --- the MSR permission map ---------------------------------------------------------- */

/*
 * MSRs that semantics.md section 23 gives to an AMD guest directly, but for two: EFER would show SVME,
 * and hardware takes any value for the guest's PAT.
 */
static const struct { u32 msr; bool read, write; } allowed_msrs[] = {
	{ 0xc0000100, true, true },	/* FS_BASE */
	{ 0xc0000101, true, true },	/* GS_BASE */
	{ 0xc0000102, true, true },	/* KERNEL_GS_BASE */
	{ 0xc0000081, true, true },	/* STAR */
	{ 0xc0000082, true, true },	/* LSTAR */
	{ 0xc0000083, true, true },	/* CSTAR */
	{ 0xc0000084, true, true },	/* SF_MASK */
	{ 0x174, true, true },		/* SYSENTER_CS */
	{ 0x175, true, true },		/* SYSENTER_ESP */
	{ 0x176, true, true },		/* SYSENTER_EIP */
	{ 0x10, true, false },		/* TSC */
};
static_assert(ARRAY_SIZE(allowed_msrs) <= 12);

/* 15.11: three ranges of 2 KiB each, two bits an MSR, the fourth 2 KiB reserved. */
static const u32 msrpm_ranges[] = { 0x00000000, 0xc0000000, 0xc0010000 };
#define MSRPM_BYTES		8192
#define RANGE_MSRS		8192

static bool msr_intercepted(u32 msr, bool write)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(allowed_msrs); i++)
		if (allowed_msrs[i].msr == msr)
			return !(write ? allowed_msrs[i].write : allowed_msrs[i].read);
	return true;
}

static void msrpm_is_as_the_table_says(struct kunit *test)
{
	const u8 *map = svm_msrpm();
	unsigned int range, index, write, bit, wrong = 0, open = 0;
	u32 msr;

	for (range = 0; range < ARRAY_SIZE(msrpm_ranges); range++) {
		for (index = 0; index < RANGE_MSRS * 2; index++) {
			msr = msrpm_ranges[range] + index / 2;
			write = index & 1;
			bit = range * RANGE_MSRS * 2 + index;
			open += !(map[bit / 8] & BIT(bit % 8));
			if (!!(map[bit / 8] & BIT(bit % 8)) == msr_intercepted(msr, write))
				continue;
			if (wrong++ < 10)
				KUNIT_FAIL(test, "MSR 0x%x, %s", msr, write ? "write" : "read");
		}
	}
	KUNIT_EXPECT_EQ(test, wrong, 0);
	KUNIT_EXPECT_EQ(test, open, 2 * ARRAY_SIZE(allowed_msrs) - 1);
}

static void msrpm_tail_intercepts(struct kunit *test)
{
	KUNIT_EXPECT_NULL(test, memchr_inv(svm_msrpm() + 3 * 2048, 0xff, MSRPM_BYTES - 3 * 2048));
}

static void msrpm_bit_finds_its_msr(struct kunit *test)
{
	unsigned int range, index;

	for (range = 0; range < ARRAY_SIZE(msrpm_ranges); range++) {
		for (index = 0; index < RANGE_MSRS; index += index < 4 ? 1 : 1021)
			KUNIT_EXPECT_EQ(test, svm_msrpm_bit(msrpm_ranges[range] + index),
					range * 2048 * 8 + index * 2);
		KUNIT_EXPECT_EQ(test, svm_msrpm_bit(msrpm_ranges[range] + RANGE_MSRS - 1),
				range * 2048 * 8 + (RANGE_MSRS - 1) * 2);
		KUNIT_EXPECT_EQ(test, svm_msrpm_bit(msrpm_ranges[range] + RANGE_MSRS), -1);
	}
	KUNIT_EXPECT_EQ(test, svm_msrpm_bit(0xbfffffff), -1);
	KUNIT_EXPECT_EQ(test, svm_msrpm_bit(0xc000ffff), -1);
	KUNIT_EXPECT_EQ(test, svm_msrpm_bit(0xffffffff), -1);
}

/* --- the I/O permission map ---------------------------------------------------------- */

/* 15.10.1: 64 Ki ports, and three bits behind the last. */
static void iopm_intercepts_every_port(struct kunit *test)
{
	KUNIT_EXPECT_NULL(test, memchr_inv(svm_iopm(), 0xff, 65536 / 8));
	KUNIT_EXPECT_EQ(test, svm_iopm()[65536 / 8] & 7, 7);
}

static void maps_are_aligned_for_hardware(struct kunit *test)
{
	KUNIT_EXPECT_TRUE(test, IS_ALIGNED(svm_msrpm_pa(), PAGE_SIZE));
	KUNIT_EXPECT_TRUE(test, IS_ALIGNED(svm_iopm_pa(), PAGE_SIZE));
	KUNIT_EXPECT_PTR_EQ(test, __va(svm_msrpm_pa()), (void *)svm_msrpm());
	KUNIT_EXPECT_PTR_EQ(test, __va(svm_iopm_pa()), (void *)svm_iopm());
}

/* --- a fresh VMCB -------------------------------------------------------------------- */

static u32 vmcb_word(struct vmcb *vmcb, unsigned int offset)
{
	u32 word;

	memcpy(&word, (u8 *)vmcb + offset, sizeof(word));
	return word;
}

/* Appendix B: 008 exceptions, 00C and 010 instructions, 014 more of them. */
static void reset_intercepts_svm_instructions(struct kunit *test)
{
	static const struct { unsigned int offset, bit; const char *what; } must[] = {
		{ 0x10, 0, "VMRUN" }, { 0x10, 1, "VMMCALL" }, { 0x10, 2, "VMLOAD" },
		{ 0x10, 3, "VMSAVE" }, { 0x10, 4, "STGI" }, { 0x10, 5, "CLGI" },
		{ 0x10, 6, "SKINIT" }, { 0x0c, 26, "INVLPGA" }, { 0x14, 0, "INVLPGB" },
		{ 0x14, 1, "illegal INVLPGB" }, { 0x14, 4, "TLBSYNC" }, { 0x14, 3, "MCOMMIT" },
		{ 0x10, 14, "RDPRU" }, { 0x10, 10, "MONITOR" }, { 0x10, 11, "MWAIT" },
		{ 0x10, 12, "MWAIT, armed" }, { 0x10, 13, "XSETBV" }, { 0x10, 8, "ICEBP" },
		{ 0x0c, 0, "INTR" }, { 0x0c, 1, "NMI" }, { 0x0c, 2, "SMI" }, { 0x0c, 3, "INIT" },
		{ 0x0c, 15, "RDPMC" }, { 0x0c, 18, "CPUID" }, { 0x0c, 19, "RSM" },
		{ 0x0c, 22, "INVD" },
		{ 0x0c, 27, "I/O" }, { 0x0c, 28, "MSR" }, { 0x0c, 29, "task switch" },
		{ 0x0c, 30, "FERR freeze" }, { 0x0c, 31, "shutdown" },
		{ 0x08, 1, "#DB" }, { 0x08, 17, "#AC" }, { 0x08, 18, "#MC" },
	};
	struct vcpu *vcpu = fake_vcpu_held(test, 0);
	int i, round;

	for (round = 0; round < 2; round++) {
		for (i = 0; i < ARRAY_SIZE(must); i++)
			KUNIT_EXPECT_TRUE_MSG(test, vmcb_word(to_vmcb(vcpu), must[i].offset) &
					      BIT(must[i].bit),
					      "%s, round %d", must[i].what, round);
		/* What a program can switch does not take any of it away. */
		svm_cap_set(vcpu, VM_CAP_HALT_EXIT, 1);
		svm_cap_set(vcpu, VM_CAP_HALT_EXIT, 0);
		svm_cap_set(vcpu, VM_CAP_PAUSE_EXIT, 1);
		svm_cap_set(vcpu, VM_CAP_PAUSE_EXIT, 0);
		svm_cap_set(vcpu, VM_CAP_BPT_EXIT, 1);
		svm_cap_set(vcpu, VM_CAP_BPT_EXIT, 0);
		svm_cap_set(vcpu, VM_CAP_RFLAGS_TF, 1);
		svm_cap_set(vcpu, VM_CAP_RFLAGS_TF, 0);
		svm_cap_set(vcpu, VM_CAP_MASK_HWINTR, 1);
		svm_cap_set(vcpu, VM_CAP_MASK_HWINTR, 0);
	}
}

static void reset_points_at_the_maps(struct kunit *test)
{
	const struct vmcb_control *control = &to_vmcb(fake_vcpu_held(test, 0))->control;

	KUNIT_EXPECT_EQ(test, control->msrpm_pa, svm_msrpm_pa());
	KUNIT_EXPECT_EQ(test, control->iopm_pa, svm_iopm_pa());
	KUNIT_EXPECT_EQ(test, control->np_ctl & 1, 1);
	KUNIT_EXPECT_NE(test, control->nested_cr3, 0);
	/* V_INTR_MASKING: the guest's IF and TPR are not the host's. */
	KUNIT_EXPECT_TRUE(test, control->int_ctl & BIT(24));
	/* Neither AVIC nor its backing pages, nor a GHCB. */
	KUNIT_EXPECT_FALSE(test, control->int_ctl & BIT(31));
	KUNIT_EXPECT_EQ(test, control->avic_bar, 0);
	KUNIT_EXPECT_EQ(test, control->ghcb_pa, 0);
	KUNIT_EXPECT_EQ(test, control->lbr_ctl, 0);
}

/* semantics.md 6.4. */
static void reset_state(struct kunit *test)
{
	static const struct { int reg; u64 val; } want[] = {
		{ VM_REG_GUEST_CR0, 0x60000010 }, { VM_REG_GUEST_CR4, 0 }, { VM_REG_GUEST_EFER, 0 },
		{ VM_REG_GUEST_DR6, 0xffff0ff0 }, { VM_REG_GUEST_DR7, 0x400 },
		{ VM_REG_GUEST_INTR_SHADOW, 0 },
	};
	struct vcpu *vcpu = fake_vcpu_held(test, 0);
	u64 val;
	int i;

	for (i = 0; i < ARRAY_SIZE(want); i++) {
		val = ~0ULL;
		KUNIT_EXPECT_EQ(test, vcpu_reg_get(vcpu, want[i].reg, &val), 0);
		KUNIT_EXPECT_EQ_MSG(test, val, want[i].val, "register %d", want[i].reg);
	}
	/* The enable bit that VMRUN insists on is there, and hidden. */
	KUNIT_EXPECT_TRUE(test, to_vmcb(vcpu)->state.efer & BIT(12));
	KUNIT_EXPECT_EQ(test, to_vmcb(vcpu)->state.pat, 0x0007040600070406ULL);
}

/* --- registers by number (E-04) ------------------------------------------------------ */

/* The numbers that there are on AMD, by semantics.md 6.1. */
static bool reg_is_there(int reg)
{
	switch (reg) {
	case VM_REG_GUEST_IDTR:
	case VM_REG_GUEST_GDTR:
	case VM_REG_GUEST_PDPTE0:
	case VM_REG_GUEST_PDPTE1:
	case VM_REG_GUEST_PDPTE2:
	case VM_REG_GUEST_PDPTE3:
	case VM_REG_GUEST_ENTRY_INST_LENGTH:
		return false;
	default:
		return reg >= 0 && reg < VM_REG_LAST;
	}
}

static void registers_are_a_closed_list(struct kunit *test)
{
	struct vcpu *vcpu = fake_vcpu_held(test, 0);
	u64 val;
	int reg;

	for (reg = 0; reg < 65536; reg++) {
		if (!!vcpu_reg_get(vcpu, reg, &val) != reg_is_there(reg))
			continue;
		KUNIT_FAIL(test, "get of register %d", reg);
	}
	for (reg = VM_REG_LAST; reg < 65536; reg++)
		KUNIT_EXPECT_EQ(test, vcpu_reg_set(vcpu, reg, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, vcpu_reg_set(vcpu, VM_REG_GUEST_ENTRY_INST_LENGTH, 3), 0);
}

/*
 * Bytes 070 to 08F (exit code and information) and the state save area; all else holds the host's
 * business.
 */
static bool raw_is_shown(unsigned int offset, unsigned int bytes)
{
	return (offset >= 0x70 && offset + bytes <= 0x90) ||
	       (offset >= 0x400 && offset + bytes <= 4096);
}

static void raw_vmcb_shows_guest_state_only(struct kunit *test)
{
	struct vcpu *vcpu = fake_vcpu_held(test, 0);
	unsigned int offset, bytes, wrong = 0;
	u64 val, want;

	memset((u8 *)to_vmcb(vcpu) + 0x70, 0xa7, 0x20);
	for (offset = 0; offset < 4096; offset++) {
		for (bytes = 0; bytes < 16; bytes++) {
			bool shown = is_power_of_2(bytes) && bytes <= 8 &&
				     raw_is_shown(offset, bytes);
			int err = svm_reg_get(vcpu, VMCB_ACCESS(offset, bytes), &val);

			want = 0;
			if (shown)
				memcpy(&want, (u8 *)to_vmcb(vcpu) + offset, bytes);
			if (err != (shown ? 0 : -EINVAL) || (!err && val != want))
				wrong++;
		}
	}
	KUNIT_EXPECT_EQ(test, wrong, 0);
	KUNIT_EXPECT_EQ(test, svm_reg_get(vcpu, VMCB_ACCESS(0x70, 8) | (int)BIT(20), &val),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, svm_reg_get(vcpu, VMCB_ACCESS(0x70, 8) | (int)BIT(12), &val),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, svm_reg_get(vcpu, -1, &val), -EINVAL);
	KUNIT_EXPECT_EQ(test, svm_reg_get(vcpu, INT_MIN, &val), -EINVAL);
}

/* Access rights survive the way to the VMCB's form and back (6.3). */
static void descriptors_keep_their_rights(struct kunit *test)
{
	struct vcpu *vcpu = fake_vcpu_held(test, 0);
	struct seg_desc in = { .base = 0x123456789abcULL, .limit = 0xfedcb }, out;
	int reg, bit;

	for (reg = VM_REG_GUEST_ES; reg <= VM_REG_GUEST_TR; reg++) {
		for (bit = 0; bit < 16; bit++) {
			in.access = BIT(bit) | BIT(7);
			if (bit >= 8 && bit < 12)
				continue;
			KUNIT_EXPECT_EQ(test, svm_desc_set(vcpu, reg, &in), 0);
			KUNIT_EXPECT_EQ(test, svm_desc_get(vcpu, reg, &out), 0);
			KUNIT_EXPECT_MEMEQ(test, &in, &out, sizeof(in));
		}
		in.access = BIT(16);
		KUNIT_EXPECT_EQ(test, svm_desc_set(vcpu, reg, &in), 0);
		KUNIT_EXPECT_EQ(test, svm_desc_get(vcpu, reg, &out), 0);
		KUNIT_EXPECT_TRUE(test, out.access & BIT(16));
		KUNIT_EXPECT_FALSE(test, out.access & BIT(7));
	}
	for (reg = -2; reg < 65536; reg++)
		if (reg < VM_REG_GUEST_ES || reg > VM_REG_GUEST_GDTR)
			KUNIT_EXPECT_EQ(test, svm_desc_get(vcpu, reg, &out), -EINVAL);
}

static struct kunit_case svm_maps_test_cases[] = {
	KUNIT_CASE(msrpm_is_as_the_table_says),
	KUNIT_CASE(msrpm_tail_intercepts),
	KUNIT_CASE(msrpm_bit_finds_its_msr),
	KUNIT_CASE(iopm_intercepts_every_port),
	KUNIT_CASE(maps_are_aligned_for_hardware),
	KUNIT_CASE(reset_intercepts_svm_instructions),
	KUNIT_CASE(reset_points_at_the_maps),
	KUNIT_CASE(reset_state),
	KUNIT_CASE(registers_are_a_closed_list),
	KUNIT_CASE(raw_vmcb_shows_guest_state_only),
	KUNIT_CASE(descriptors_keep_their_rights),
	{}
};

static struct kunit_suite svm_maps_test_suite = {
	.name = "vmm-svm-maps",
	.suite_init = svm_suite_init,
	.suite_exit = svm_suite_exit,
	.init = svm_test_init,
	.exit = fake_vm_test_exit,
	.test_cases = svm_maps_test_cases,
};
kunit_test_suite(svm_maps_test_suite);
