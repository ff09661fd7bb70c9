// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * vmx: what a guest may do without an exit, bit by bit: the MSR bitmap (catalogue E-11), the
 * controls of a fresh VMCS (E-01, E-03, E-13), and which VMCS fields the API shows (E-04). Bits and
 * numbers are written down here anew, from the Intel manual's vol. 3, chapter 25 and appendix B.
 */
#include <kunit/test.h>
#include <linux/bits.h>
#include <linux/kernel.h>
#include "vmx_fixture.h"

/* --- the MSR bitmap --------------------------------------------------------------------- */

/*
 * Directly: what the VMCS holds, or what is switched with a vCPU (semantics.md section 23). STAR and
 * its like exit when they are written, which they are once; TSC_AUX as well.
 */
static const struct { u32 msr; bool read, write; } allowed_msrs[] = {
	{ 0xc0000100, true, true },	/* FS_BASE */
	{ 0xc0000101, true, true },	/* GS_BASE */
	{ 0xc0000102, true, true },	/* KERNEL_GS_BASE */
	{ 0xc0000080, true, true },	/* EFER */
	{ 0x174, true, true },		/* SYSENTER_CS */
	{ 0x175, true, true },		/* SYSENTER_ESP */
	{ 0x176, true, true },		/* SYSENTER_EIP */
	{ 0xc0000081, true, false },	/* STAR */
	{ 0xc0000082, true, false },	/* LSTAR */
	{ 0xc0000083, true, false },	/* CSTAR */
	{ 0xc0000084, true, false },	/* FMASK */
	{ 0x10, true, false },		/* TSC */
	{ 0xc0000103, true, false },	/* TSC_AUX, where RDTSCP is enabled */
};

/* Registers that a local APIC in x2APIC mode has (table 11-6), but the one that counts: what reads find in a page. */
static bool apic_register_readable(unsigned int reg)
{
	switch (reg) {
	case 0x02: case 0x03: case 0x08: case 0x0a: case 0x0d: case 0x0f:
	case 0x10 ... 0x28: case 0x2f: case 0x30: case 0x32 ... 0x38: case 0x3e:
		return true;
	default:
		return false;
	}
}

static bool apic_register_virtual(u32 msr, bool write)
{
	if (msr < 0x800 || msr > 0x8ff)
		return false;
	/* TPR, EOI, SELF IPI */
	return write ? msr == 0x808 || msr == 0x80b || msr == 0x83f :
		       apic_register_readable(msr - 0x800);
}

static bool msr_intercepted(u32 msr, bool write)
{
	int i;

	if (msr == 0xc0000103 && !(vmx_caps.proc2 & BIT(3)))
		return true;
	for (i = 0; i < ARRAY_SIZE(allowed_msrs); i++)
		if (allowed_msrs[i].msr == msr)
			return !(write ? allowed_msrs[i].write : allowed_msrs[i].read);
	return true;
}

/* 25.6.9: reads of 0 to 1FFF, of C0000000 to C0001FFF, then writes of both: 1 KiB each. */
static void check_bitmap(struct kunit *test, bool x2apic)
{
	const u8 *map = vmx_msr_bitmap(x2apic);
	unsigned int bit, wrong = 0;
	u32 msr;

	for (bit = 0; bit < PAGE_SIZE * 8; bit++) {
		bool write = bit & 0x4000;

		msr = (bit & 0x2000 ? 0xc0000000 : 0) + (bit & 0x1fff);
		if (!!(map[bit / 8] & BIT(bit % 8)) ==
		    (msr_intercepted(msr, write) && !(x2apic && apic_register_virtual(msr, write))))
			continue;
		if (wrong++ < 10)
			KUNIT_FAIL(test, "MSR 0x%x, %s", msr, bit & 0x4000 ? "write" : "read");
	}
	KUNIT_EXPECT_EQ(test, wrong, 0);
}

static void bitmap_is_as_the_table_says(struct kunit *test)
{
	check_bitmap(test, false);
}

static void bitmap_of_virtual_apics_lets_registers_through(struct kunit *test)
{
	check_bitmap(test, true);
}

static void bitmap_bit_finds_its_msr(struct kunit *test)
{
	static const struct { u32 msr; int read, write; } table[] = {
		{ 0, 0, 0x4000 }, { 0x10, 0x10, 0x4010 }, { 0x1fff, 0x1fff, 0x5fff },
		{ 0x2000, -1, -1 }, { 0xbfffffff, -1, -1 }, { 0xc0000000, 0x2000, 0x6000 },
		{ 0xc0001fff, 0x3fff, 0x7fff }, { 0xc0002000, -1, -1 }, { ~0U, -1, -1 },
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(table); i++) {
		KUNIT_EXPECT_EQ(test, vmx_msr_bitmap_bit(table[i].msr, false), table[i].read);
		KUNIT_EXPECT_EQ(test, vmx_msr_bitmap_bit(table[i].msr, true), table[i].write);
	}
}

/* --- a fresh VMCS ----------------------------------------------------------------------- */

static void reset_exits_are_on(struct kunit *test)
{
	static const struct { unsigned int field, bit; const char *what; } must[] = {
		{ 0x4000, 0, "external interrupts" }, { 0x4000, 3, "NMIs" },
		{ 0x4000, 5, "virtual NMIs" }, { 0x4002, 10, "MWAIT" }, { 0x4002, 11, "RDPMC" },
		{ 0x4002, 23, "MOV DR" }, { 0x4002, 24, "ports" }, { 0x4002, 28, "MSR bitmap" },
		{ 0x4002, 29, "MONITOR" }, { 0x4002, 31, "secondary controls" },
		{ 0x401e, 1, "EPT" }, { 0x401e, 7, "unrestricted guest" }, { 0x401e, 5, "VPID" },
		{ 0x401e, 15, "ENCLS" }, { 0x401e, 28, "ENCLV" },
		{ 0x4004, 1, "#DB" }, { 0x4004, 17, "#AC" }, { 0x4004, 18, "#MC" },
	};
	struct vcpu *vcpu = fake_vcpu_held(test, 0);
	int i, round;

	for (round = 0; round < 2; round++) {
		for (i = 0; i < ARRAY_SIZE(must); i++)
			KUNIT_EXPECT_TRUE_MSG(test, fake_vmcs_get(to_vmx(vcpu), must[i].field) &
					      BIT(must[i].bit),
					      "%s, round %d", must[i].what, round);
		/* What a program can switch does not take any of it away. */
		vmx_cap_set(vcpu, VM_CAP_HALT_EXIT, 1);
		vmx_cap_set(vcpu, VM_CAP_HALT_EXIT, 0);
		vmx_cap_set(vcpu, VM_CAP_PAUSE_EXIT, 1);
		vmx_cap_set(vcpu, VM_CAP_PAUSE_EXIT, 0);
		vmx_cap_set(vcpu, VM_CAP_MTRAP_EXIT, 1);
		vmx_cap_set(vcpu, VM_CAP_MTRAP_EXIT, 0);
		vmx_cap_set(vcpu, VM_CAP_BPT_EXIT, 1);
		vmx_cap_set(vcpu, VM_CAP_BPT_EXIT, 0);
		vmx_cap_set(vcpu, VM_CAP_UNRESTRICTED_GUEST, 1);
		vmx_cap_set(vcpu, VM_CAP_UNRESTRICTED_GUEST, 0);
		vmx_cap_set(vcpu, VM_CAP_ENABLE_INVPCID, 1);
		vmx_cap_set(vcpu, VM_CAP_ENABLE_INVPCID, 0);
		vmx_cap_set(vcpu, VM_CAP_MASK_HWINTR, 1);
		vmx_cap_set(vcpu, VM_CAP_MASK_HWINTR, 0);
	}
}

static void capabilities_are_their_controls(struct kunit *test)
{
	static const struct { int cap; unsigned int field, bit; } table[] = {
		{ VM_CAP_HALT_EXIT, 0x4002, 7 }, { VM_CAP_PAUSE_EXIT, 0x4002, 30 },
		{ VM_CAP_MTRAP_EXIT, 0x4002, 27 }, { VM_CAP_BPT_EXIT, 0x4004, 3 },
		{ VM_CAP_ENABLE_INVPCID, 0x401e, 12 },
	};
	struct vcpu *vcpu = fake_vcpu_held(test, 0);
	u64 before;
	int i;

	for (i = 0; i < ARRAY_SIZE(table); i++) {
		before = fake_vmcs_get(to_vmx(vcpu), table[i].field);
		KUNIT_EXPECT_FALSE(test, before & BIT(table[i].bit));
		KUNIT_EXPECT_EQ(test, vmx_cap_set(vcpu, table[i].cap, 1), 0);
		KUNIT_EXPECT_EQ(test, fake_vmcs_get(to_vmx(vcpu), table[i].field),
				before | BIT(table[i].bit));
		KUNIT_EXPECT_EQ(test, vmx_cap_set(vcpu, table[i].cap, 0), 0);
		KUNIT_EXPECT_EQ(test, fake_vmcs_get(to_vmx(vcpu), table[i].field), before);
	}
	/* A processor without them. */
	vmx_caps.proc_allowed = ~(u32)(BIT(27) | BIT(30) | BIT(7));
	vmx_caps.proc2_allowed = ~(u32)BIT(12);
	for (i = 0; i < ARRAY_SIZE(table); i++)
		KUNIT_EXPECT_EQ(test, vmx_cap_set(vcpu, table[i].cap, 1),
				table[i].cap == VM_CAP_BPT_EXIT ? 0 : -ENOENT);
}

static void reset_points_at_what_it_needs(struct kunit *test)
{
	struct vcpu *vcpu = fake_vcpu_held(test, 0);
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	u64 eptp = fake_vmcs_get(vmx, 0x201a);

	KUNIT_EXPECT_EQ(test, fake_vmcs_get(vmx, 0x2004), vmx_msr_bitmap_pa(false));
	KUNIT_EXPECT_TRUE(test, IS_ALIGNED(vmx_msr_bitmap_pa(false), PAGE_SIZE));
	/* Write-back, four levels, accessed and dirty bits. */
	KUNIT_EXPECT_EQ(test, eptp & 0xfff, 6 | 3 << 3 | BIT(6));
	KUNIT_EXPECT_NE(test, eptp >> 12, 0);
	KUNIT_EXPECT_EQ(test, fake_vmcs_get(vmx, 0x2800), ~0ULL);
	/* Lists of MSRs to load or store: none. */
	KUNIT_EXPECT_EQ(test, fake_vmcs_get(vmx, 0x400e) | fake_vmcs_get(vmx, 0x4010) |
			fake_vmcs_get(vmx, 0x4014), 0);
	/* Fixed bits of the control registers belong to the host. */
	KUNIT_EXPECT_EQ(test, fake_vmcs_get(vmx, 0x6000), X86_CR0_NE | X86_CR0_CD | X86_CR0_NW);
	KUNIT_EXPECT_TRUE(test, fake_vmcs_get(vmx, 0x6002) & X86_CR4_VMXE);
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
	KUNIT_EXPECT_EQ(test, fake_vmcs_get(to_vmx(vcpu), 0x2804), 0x0007040600070406ULL);
}

/* What the module writes by itself, entry takes: with a monitor's segments nothing is wrong. */
static void states_of_monitors_are_right(struct kunit *test)
{
	struct vcpu *vcpu = vmx_vcpu_at(test, NULL, 0);
	struct vmx_guest_state *state = kunit_kzalloc(test, sizeof(*state), GFP_KERNEL);
	bool got;
	int mode;

	KUNIT_ASSERT_NOT_NULL(test, state);
	for (mode = 0; mode < 2; mode++) {
		if (mode) {
			vmx_go_64bit(vcpu);
			vmx_reg_set(vcpu, VM_REG_GUEST_CR0, X86_CR0_PE | X86_CR0_PG | X86_CR0_ET);
			vmx_reg_set(vcpu, VM_REG_GUEST_CR4, X86_CR4_PAE);
		}
		got = vmcs_get(vcpu);
		if (got) {
			vmx_guest_state_read(vcpu, state);
			vmcs_put(vcpu);
		}
		KUNIT_EXPECT_TRUE(test, got);
		KUNIT_EXPECT_EQ(test, !!(state->entry_controls & BIT(9)), mode);
		KUNIT_EXPECT_STREQ_MSG(test, vmx_check_guest_state(state).field ?: "", "",
				       "mode %d", mode);
	}
	vmx_reg_set(vcpu, VM_REG_GUEST_DR7, BIT_ULL(40));
	got = vmcs_get(vcpu);
	if (got) {
		vmx_guest_state_read(vcpu, state);
		vmcs_put(vcpu);
	}
	KUNIT_EXPECT_STREQ(test, vmx_check_guest_state(state).field ?: "", "DR7");
}

/* --- control registers ------------------------------------------------------------------ */

/* What the guest reads is what it wrote; what it runs with has the bits that VMX needs. */
static void control_registers_have_two_faces(struct kunit *test)
{
	struct vcpu *vcpu = vmx_vcpu_at(test, NULL, 0);
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	u64 val;

	vmx_reg_set(vcpu, VM_REG_GUEST_CR0, X86_CR0_PE | X86_CR0_CD | X86_CR0_NW | X86_CR0_ET);
	vmx_reg_get(vcpu, VM_REG_GUEST_CR0, &val);
	KUNIT_EXPECT_EQ(test, val, X86_CR0_PE | X86_CR0_CD | X86_CR0_NW | X86_CR0_ET);
	KUNIT_EXPECT_EQ(test, fake_vmcs_get(vmx, 0x6800), X86_CR0_PE | X86_CR0_NE | X86_CR0_ET);
	vmx_reg_set(vcpu, VM_REG_GUEST_CR4, X86_CR4_PAE | X86_CR4_MCE);
	vmx_reg_get(vcpu, VM_REG_GUEST_CR4, &val);
	KUNIT_EXPECT_EQ(test, val, X86_CR4_PAE | X86_CR4_MCE);
	KUNIT_EXPECT_EQ(test, fake_vmcs_get(vmx, 0x6804), X86_CR4_PAE | X86_CR4_MCE | X86_CR4_VMXE);
	/* A bit of the guest's own that it changed without an exit. */
	fake_vmcs_set(vmx, 0x6800, X86_CR0_PE | X86_CR0_NE | X86_CR0_ET | X86_CR0_TS);
	vmx_reg_get(vcpu, VM_REG_GUEST_CR0, &val);
	KUNIT_EXPECT_EQ(test, val, X86_CR0_PE | X86_CR0_CD | X86_CR0_NW | X86_CR0_ET | X86_CR0_TS);
}

/* --- registers by number (E-04) --------------------------------------------------------- */

static void registers_are_a_closed_list(struct kunit *test)
{
	struct vcpu *vcpu = fake_vcpu_held(test, 0);
	u64 val;
	int reg;

	for (reg = 0; reg < 65536; reg++)
		if (!!vcpu_reg_get(vcpu, reg, &val) != (reg >= VM_REG_LAST))
			if (reg != VM_REG_GUEST_IDTR && reg != VM_REG_GUEST_GDTR)
				KUNIT_FAIL(test, "get of register %d", reg);
	for (reg = VM_REG_LAST; reg < 65536; reg++)
		KUNIT_EXPECT_EQ(test, vcpu_reg_set(vcpu, reg, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, vcpu_reg_get(vcpu, VM_REG_GUEST_IDTR, &val), -EINVAL);
	KUNIT_EXPECT_EQ(test, vcpu_reg_get(vcpu, VM_REG_GUEST_GDTR, &val), -EINVAL);
}

/* Bit 31 and an encoding: guest state and exit information, no controls and no host state. */
static void raw_vmcs_shows_guest_state_only(struct kunit *test)
{
	struct vcpu *vcpu = fake_vcpu_held(test, 0);
	unsigned int field, type, wrong = 0;
	u64 val, want;
	bool shown;
	int err;

	fake_vmcs_set(to_vmx(vcpu), 0x6400, 0x1234567890abcdefULL);	/* exit qualification */
	fake_vmcs_set(to_vmx(vcpu), 0x6c16, 0xffffffff81000000ULL);	/* host RIP */
	for (field = 0; field < 0x10000; field++) {
		type = field >> 10 & 3;
		/* The fake has 32 fields of each kind, and no 16-bit read-only ones. */
		shown = !(field & ~0x6ffeU) && (type == 1 || type == 2) &&
			(field >> 1 & 0x1ff) < 32 && !(type == 1 && !(field >> 13 & 3));
		err = vmx_reg_get(vcpu, (int)(BIT(31) | field), &val);
		want = shown ? fake_vmcs_get(to_vmx(vcpu), field) : 0;
		if (err != (shown ? 0 : -EINVAL) || (!err && val != want))
			if (wrong++ < 10)
				KUNIT_FAIL(test, "field 0x%x: %d", field, err);
	}
	KUNIT_EXPECT_EQ(test, vmx_reg_get(vcpu, (int)(BIT(31) | BIT(16) | 0x6400), &val), -EINVAL);
	KUNIT_EXPECT_EQ(test, vmx_reg_get(vcpu, -1, &val), -EINVAL);
	KUNIT_EXPECT_EQ(test, vmx_reg_set(vcpu, (int)(BIT(31) | 0x681e), 0), -EINVAL);
}

static void descriptors_keep_their_rights(struct kunit *test)
{
	struct vcpu *vcpu = fake_vcpu_held(test, 0);
	struct seg_desc in = { .base = 0x123456789abcULL, .limit = 0xfedcb }, out;
	int reg, bit;

	for (reg = VM_REG_GUEST_ES; reg <= VM_REG_GUEST_TR; reg++) {
		for (bit = 0; bit <= 16; bit++) {
			in.access = BIT(bit);
			KUNIT_EXPECT_EQ(test, vmx_desc_set(vcpu, reg, &in), 0);
			KUNIT_EXPECT_EQ(test, vmx_desc_get(vcpu, reg, &out), 0);
			KUNIT_EXPECT_MEMEQ(test, &in, &out, sizeof(in));
		}
	}
	for (reg = -2; reg < 65536; reg++)
		if (reg < VM_REG_GUEST_ES || reg > VM_REG_GUEST_GDTR)
			KUNIT_EXPECT_EQ(test, vmx_desc_get(vcpu, reg, &out), -EINVAL);
}

static struct kunit_case vmx_maps_test_cases[] = {
	KUNIT_CASE(bitmap_is_as_the_table_says),
	KUNIT_CASE(bitmap_of_virtual_apics_lets_registers_through),
	KUNIT_CASE(bitmap_bit_finds_its_msr),
	KUNIT_CASE(reset_exits_are_on),
	KUNIT_CASE(capabilities_are_their_controls),
	KUNIT_CASE(reset_points_at_what_it_needs),
	KUNIT_CASE(reset_state),
	KUNIT_CASE(states_of_monitors_are_right),
	KUNIT_CASE(control_registers_have_two_faces),
	KUNIT_CASE(registers_are_a_closed_list),
	KUNIT_CASE(raw_vmcs_shows_guest_state_only),
	KUNIT_CASE(descriptors_keep_their_rights),
	{}
};

static struct kunit_suite vmx_maps_test_suite = {
	.name = "vmm-vmx-maps",
	.suite_init = vmx_suite_init,
	.suite_exit = vmx_suite_exit,
	.init = vmx_test_init,
	.exit = vmx_test_exit,
	.test_cases = vmx_maps_test_cases,
};
kunit_test_suite(vmx_maps_test_suite);
