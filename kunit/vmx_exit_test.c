// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * vmx: what becomes of each exit: information as the processor leaves it (Intel manual vol. 3,
 * chapter 28 and appendix C), verdicts by semantics.md 8, 9, 23, 25.
 */
#include <kunit/test.h>
#include <linux/bits.h>
#include <linux/kernel.h>
#include <linux/string.h>
#include <asm/msr-index.h>
#include <asm/trapnr.h>
#include "dev/vlapic.h"
#include "vmx_fixture.h"
#include "x86/fpu.h"

#define FAULT(vector)		(VM_INTINFO_VALID | VM_INTINFO_HWEXCEPTION | (vector))
#define FAULT_0(vector)		(FAULT(vector) | VM_INTINFO_DEL_ERRCODE)

/* The guest goes on @length bytes further. */
static void expect_done(struct kunit *test, struct vcpu *vcpu, unsigned int length)
{
	KUNIT_EXPECT_EQ(test, vmx_exit(vcpu), VERDICT_RESUME);
	KUNIT_EXPECT_EQ(test, vcpu->events.exception, 0);
	KUNIT_EXPECT_EQ(test, vcpu->nextrip, CODE_RIP + length);
	KUNIT_EXPECT_EQ(test, vcpu->exit_rip, CODE_RIP);
}

/* The guest gets @event at the instruction. */
static void expect_fault(struct kunit *test, struct vcpu *vcpu, u64 event)
{
	KUNIT_EXPECT_EQ(test, vmx_exit(vcpu), VERDICT_RESUME);
	KUNIT_EXPECT_EQ(test, vcpu->events.exception, event);
	KUNIT_EXPECT_EQ(test, vcpu->nextrip, CODE_RIP);
	vcpu->events.exception = 0;
}

/* An exit that neutral code or user space decides. */
static void expect_exit(struct kunit *test, struct vcpu *vcpu, int verdict, unsigned int code,
			int length)
{
	KUNIT_EXPECT_EQ(test, vmx_exit(vcpu), verdict);
	KUNIT_EXPECT_EQ(test, vcpu->exit.exitcode, code);
	KUNIT_EXPECT_EQ(test, vcpu->exit.rip, CODE_RIP);
	KUNIT_EXPECT_EQ(test, vcpu->exit.inst_length, length);
	KUNIT_EXPECT_EQ(test, vcpu->nextrip, CODE_RIP + length);
}

static void expect_unclaimed(struct kunit *test, struct vcpu *vcpu)
{
	const struct vmx_exit_info *info = &to_vmx(vcpu)->exit;

	expect_exit(test, vcpu, VERDICT_USER, VM_EXITCODE_VMX, 0);
	KUNIT_EXPECT_EQ(test, vcpu->exit.u.vmx.exit_reason, info->reason);
	KUNIT_EXPECT_EQ(test, vcpu->exit.u.vmx.exit_qualification, info->qualification);
	KUNIT_EXPECT_EQ(test, vcpu->exit.u.vmx.status, 0);
}

/* --- instructions ----------------------------------------------------------------------- */

static void insns_that_are_not_there(struct kunit *test)
{
	/*
	 * GETSEC, RSM, VMCALL to VMXON, MWAIT, MONITOR, INVEPT, INVVPID, VMFUNC, ENCLS, ENCLV,
	 * SEAMCALL, TDCALL.
	 */
	static const u8 reasons[] = {
		11, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 36, 39, 50, 53, 59, 60, 70, 76, 77,
	};
	struct vcpu *vcpu = vmx_vcpu_at(test, NULL, 0);
	int i;

	for (i = 0; i < ARRAY_SIZE(reasons); i++) {
		vmx_vmexit(vcpu, reasons[i], 0, 3);
		expect_fault(test, vcpu, FAULT(X86_TRAP_UD));
	}
	vmx_vmexit(vcpu, 15, 0, 2);	/* RDPMC */
	expect_fault(test, vcpu, FAULT_0(X86_TRAP_GP));
}

static void insns_that_are_skipped(struct kunit *test)
{
	struct vcpu *vcpu = vmx_vcpu_at(test, NULL, 0);
	unsigned int length;

	for (length = 1; length <= 15; length++) {
		vmx_vmexit(vcpu, 13, 0, length);	/* INVD */
		expect_done(test, vcpu, length);
		vmx_vmexit(vcpu, 54, 0, length);	/* WBINVD */
		expect_done(test, vcpu, length);
	}
}

/* Outside of 64-bit code RIP has 32 bits. */
static void insns_wrap_with_the_mode(struct kunit *test)
{
	struct vcpu *vcpu = vmx_vcpu_at(test, NULL, 0);
	int mode;

	for (mode = 0; mode < 2; mode++) {
		if (mode)
			vmx_go_64bit(vcpu);
		vmx_vmexit(vcpu, 13, 0, 2);
		vcpu->exit_rip = 0xfffffffe;
		KUNIT_EXPECT_EQ(test, vmx_exit(vcpu), VERDICT_RESUME);
		KUNIT_EXPECT_EQ(test, vcpu->nextrip, mode ? BIT_ULL(32) : 0);
	}
}

static void cpuid_is_answered(struct kunit *test)
{
	struct vcpu *vcpu = vmx_vcpu_at(test, NULL, 0);
	char signature[13] = {};

	memset(vcpu->gpr, 0xff, sizeof(vcpu->gpr));
	vcpu->gpr[GPR_RAX] = 0xffffffff40000000ULL;
	vmx_vmexit(vcpu, 10, 0, 2);
	expect_done(test, vcpu, 2);
	KUNIT_EXPECT_EQ(test, vcpu->gpr[GPR_RAX], 0x40000000);
	KUNIT_EXPECT_EQ(test, (vcpu->gpr[GPR_RBX] | vcpu->gpr[GPR_RCX] | vcpu->gpr[GPR_RDX]) >> 32,
			0);
	memcpy(signature, &vcpu->gpr[GPR_RBX], 4);
	memcpy(signature + 4, &vcpu->gpr[GPR_RCX], 4);
	memcpy(signature + 8, &vcpu->gpr[GPR_RDX], 4);
	KUNIT_EXPECT_STREQ(test, signature, "bhyve bhyve ");
}

/* The processor has looked at OSXSAVE and CPL (28.1.1); the rest is section 25's. */
static void xsetbv_has_conditions(struct kunit *test)
{
	static const struct { u32 ecx; u64 xcr0; bool ok; } table[] = {
		{ 1, 1, false }, { 0, 0, false }, { 0, 2, false }, { 0, 5, false },
		{ 0, BIT_ULL(62) | 1, false }, { 0, 1, true }, { 0, 3, true },
	};
	struct vcpu *vcpu = vmx_vcpu_at(test, NULL, 0);
	int i;

	if (!fpu_xcr0_permitted(false))
		kunit_skip(test, "the CPU has no XSAVE");
	for (i = 0; i < ARRAY_SIZE(table); i++) {
		vcpu->cpuid.xcr0 = 1;
		vcpu->gpr[GPR_RCX] = table[i].ecx | BIT_ULL(40);
		vcpu->gpr[GPR_RAX] = (u32)table[i].xcr0 | BIT_ULL(50);
		vcpu->gpr[GPR_RDX] = table[i].xcr0 >> 32;
		vmx_vmexit(vcpu, 55, 0, 3);
		if (table[i].ok)
			expect_done(test, vcpu, 3);
		else
			expect_fault(test, vcpu, FAULT_0(X86_TRAP_GP));
		KUNIT_EXPECT_EQ(test, vcpu->cpuid.xcr0, table[i].ok ? table[i].xcr0 : 1);
	}
}

/* --- control and debug registers -------------------------------------------------------- */

/* Table 28-3: register, access (0 to, 1 from, 2 CLTS, 3 LMSW), GPR, LMSW's source. */
#define TO_CR(cr, gpr)		((cr) | (gpr) << 8)
#define FROM_CR(cr, gpr)	((cr) | BIT(4) | (gpr) << 8)
#define CLTS			(2 << 4)
#define LMSW(source)		(3 << 4 | (source) << 16)

static u64 cr0_of(struct vcpu *vcpu)
{
	u64 val = 0;

	vcpu_reg_get(vcpu, VM_REG_GUEST_CR0, &val);
	return val;
}

static void cr0_writes_are_checked(struct kunit *test)
{
	static const struct { u64 val; bool ok; } table[] = {
		{ X86_CR0_PE, true }, { X86_CR0_PE | X86_CR0_TS | X86_CR0_MP, true },
		{ X86_CR0_PG, false }, { X86_CR0_PE | X86_CR0_NW, false },
		{ X86_CR0_PE | X86_CR0_CD | X86_CR0_NW, true }, { X86_CR0_PE | X86_CR0_PG, true },
		{ X86_CR0_PE | X86_CR0_PG | X86_CR0_WP, true },
	};
	struct vcpu *vcpu = vmx_vcpu_at(test, NULL, 0);
	u64 before, real;
	int i;

	for (i = 0; i < ARRAY_SIZE(table); i++) {
		vmx_reg_set(vcpu, VM_REG_GUEST_CR0, X86_CR0_PE | X86_CR0_ET);
		before = cr0_of(vcpu);
		vcpu->gpr[GPR_RCX] = table[i].val;
		vmx_vmexit(vcpu, 28, TO_CR(0, GPR_RCX), 3);
		if (table[i].ok)
			expect_done(test, vcpu, 3);
		else
			KUNIT_EXPECT_EQ(test, vmx_exit(vcpu), VERDICT_RESUME);
		KUNIT_EXPECT_EQ(test, vcpu->events.exception,
				table[i].ok ? 0 : FAULT_0(X86_TRAP_GP));
		KUNIT_EXPECT_EQ(test, cr0_of(vcpu),
				table[i].ok ? table[i].val | X86_CR0_ET : before);
		real = fake_vmcs_get(to_vmx(vcpu), VMCS_GUEST_CR0);
		KUNIT_EXPECT_EQ(test, real & (X86_CR0_CD | X86_CR0_NW | X86_CR0_NE), X86_CR0_NE);
	}
}

/* A write that is refused leaves RIP where it was. */
static void refused_writes_are_not_skipped(struct kunit *test)
{
	struct vcpu *vcpu = vmx_vcpu_at(test, NULL, 0);

	vcpu->gpr[GPR_RCX] = X86_CR0_PG;
	vmx_vmexit(vcpu, 28, TO_CR(0, GPR_RCX), 3);
	expect_fault(test, vcpu, FAULT_0(X86_TRAP_GP));
	vcpu->gpr[GPR_RCX] = X86_CR4_VMXE;
	vmx_vmexit(vcpu, 28, TO_CR(4, GPR_RCX), 3);
	expect_fault(test, vcpu, FAULT_0(X86_TRAP_GP));
	vcpu->gpr[GPR_RCX] = 16;
	vmx_vmexit(vcpu, 28, TO_CR(8, GPR_RCX), 4);
	expect_fault(test, vcpu, FAULT_0(X86_TRAP_GP));
}

/* Turning paging on with EFER.LME is the way into long mode; the entry control follows. */
static void cr0_paging_sets_lma(struct kunit *test)
{
	struct vcpu *vcpu = vmx_vcpu_at(test, NULL, 0);
	u64 efer;

	vmx_reg_set(vcpu, VM_REG_GUEST_CR4, X86_CR4_PAE);
	vmx_reg_set(vcpu, VM_REG_GUEST_EFER, EFER_LME);
	vcpu->gpr[GPR_RCX] = X86_CR0_PE | X86_CR0_PG;
	vmx_vmexit(vcpu, 28, TO_CR(0, GPR_RCX), 3);
	expect_done(test, vcpu, 3);
	vmx_reg_get(vcpu, VM_REG_GUEST_EFER, &efer);
	KUNIT_EXPECT_EQ(test, efer, EFER_LME | EFER_LMA);
	KUNIT_EXPECT_TRUE(test, fake_vmcs_get(to_vmx(vcpu), VMCS_ENTRY_CONTROLS) & BIT(9));
	vcpu->gpr[GPR_RCX] = X86_CR0_PE;
	vmx_vmexit(vcpu, 28, TO_CR(0, GPR_RCX), 3);
	expect_done(test, vcpu, 3);
	vmx_reg_get(vcpu, VM_REG_GUEST_EFER, &efer);
	KUNIT_EXPECT_EQ(test, efer, EFER_LME);
	KUNIT_EXPECT_FALSE(test, fake_vmcs_get(to_vmx(vcpu), VMCS_ENTRY_CONTROLS) & BIT(9));
}

/* PAE paging that we turn on for the guest: its four PDPTEs are loaded, and judged. */
static void cr0_paging_loads_pdptes(struct kunit *test)
{
	static const u64 good[4] = { 0x6001, 0x7001, 0, ~1ULL }, bad[4] = { 0x6001, 0x7003, 0, 0 };
	struct vcpu *vcpu = vmx_vcpu_at(test, NULL, 0);
	int i;

	vmx_reg_set(vcpu, VM_REG_GUEST_CR4, X86_CR4_PAE);
	vmx_reg_set(vcpu, VM_REG_GUEST_CR3, 0x5020);
	vcpu->gpr[GPR_RCX] = X86_CR0_PE | X86_CR0_PG;
	fake_poke(test, 0x5020, bad, sizeof(bad));
	vmx_vmexit(vcpu, 28, TO_CR(0, GPR_RCX), 3);
	expect_fault(test, vcpu, FAULT_0(X86_TRAP_GP));
	fake_poke(test, 0x5020, good, sizeof(good));
	vmx_vmexit(vcpu, 28, TO_CR(0, GPR_RCX), 3);
	expect_done(test, vcpu, 3);
	for (i = 0; i < 4; i++)
		KUNIT_EXPECT_EQ(test, fake_vmcs_get(to_vmx(vcpu), VMCS_GUEST_PDPTE0 + 2 * i),
				good[i]);
	vmx_reg_set(vcpu, VM_REG_GUEST_CR0, X86_CR0_PE | X86_CR0_ET);
	vmx_reg_set(vcpu, VM_REG_GUEST_CR3, 0xd0000000);
	vmx_vmexit(vcpu, 28, TO_CR(0, GPR_RCX), 3);
	KUNIT_EXPECT_EQ(test, vmx_exit(vcpu), -EFAULT);
}

/* CLTS clears TS alone; LMSW writes four bits and cannot clear PE. */
static void cr0_has_short_forms(struct kunit *test)
{
	const u64 base = X86_CR0_PE | X86_CR0_ET | X86_CR0_CD | X86_CR0_NW;
	struct vcpu *vcpu = vmx_vcpu_at(test, NULL, 0);

	vmx_reg_set(vcpu, VM_REG_GUEST_CR0, base | X86_CR0_TS | X86_CR0_MP);
	vmx_vmexit(vcpu, 28, CLTS, 2);
	expect_done(test, vcpu, 2);
	KUNIT_EXPECT_EQ(test, cr0_of(vcpu), base | X86_CR0_MP);
	vmx_vmexit(vcpu, 28, LMSW(0xfff0ULL | X86_CR0_TS), 3);
	expect_done(test, vcpu, 3);
	KUNIT_EXPECT_EQ(test, cr0_of(vcpu), base | X86_CR0_TS);
}

static void cr4_writes_are_checked(struct kunit *test)
{
	static const struct { u64 val; bool ok; } table[] = {
		{ X86_CR4_PAE, true }, { X86_CR4_PAE | X86_CR4_OSXSAVE, true },
		{ X86_CR4_PAE | X86_CR4_VMXE, false }, { BIT(30), false }, { X86_CR4_LA57, false },
		{ X86_CR4_PCIDE | X86_CR4_PAE, false }, { X86_CR4_CET, false }, { 0, true },
	};
	struct vcpu *vcpu = vmx_vcpu_at(test, NULL, 0);
	u64 val, last = 0;
	int i;

	for (i = 0; i < ARRAY_SIZE(table); i++) {
		vcpu->gpr[GPR_RDX] = table[i].val;
		vmx_vmexit(vcpu, 28, TO_CR(4, GPR_RDX), 3);
		if (table[i].ok)
			expect_done(test, vcpu, 3);
		else
			expect_fault(test, vcpu, FAULT_0(X86_TRAP_GP));
		if (table[i].ok)
			last = table[i].val;
		vmx_reg_get(vcpu, VM_REG_GUEST_CR4, &val);
		KUNIT_EXPECT_EQ(test, val, last);
		KUNIT_EXPECT_EQ(test, vcpu->cpuid.osxsave, !!(last & X86_CR4_OSXSAVE));
		KUNIT_EXPECT_TRUE(test, fake_vmcs_get(to_vmx(vcpu), VMCS_GUEST_CR4) & X86_CR4_VMXE);
	}
}

static void cr8_is_the_task_priority(struct kunit *test)
{
	struct vcpu *vcpu = vmx_vcpu_at(test, NULL, 0);

	vmx_go_64bit(vcpu);
	vcpu->gpr[GPR_RCX] = 9;
	vmx_vmexit(vcpu, 28, TO_CR(8, GPR_RCX), 4);
	expect_done(test, vcpu, 4);
	KUNIT_EXPECT_EQ(test, vlapic_cr8_read(vcpu->vlapic), 9);
	vmx_vmexit(vcpu, 28, FROM_CR(8, GPR_R15), 4);
	expect_done(test, vcpu, 4);
	KUNIT_EXPECT_EQ(test, vcpu->gpr[GPR_R15], 9);
	/* Those whose exits are off. */
	vmx_vmexit(vcpu, 28, TO_CR(3, GPR_RCX), 3);
	expect_unclaimed(test, vcpu);
	vmx_vmexit(vcpu, 28, FROM_CR(3, GPR_RCX), 3);
	expect_unclaimed(test, vcpu);
}

/* Table 28-4: register, direction in bit 4, GPR. */
#define TO_DR(dr, gpr)		((dr) | (gpr) << 8)
#define FROM_DR(dr, gpr)	((dr) | BIT(4) | (gpr) << 8)

static void debug_registers_are_the_guests(struct kunit *test)
{
	struct vcpu *vcpu = vmx_vcpu_at(test, NULL, 0);
	int dr;

	vmx_go_64bit(vcpu);
	for (dr = 0; dr < 4; dr++) {
		vcpu->gpr[GPR_RCX] = 0xffff800000001000ULL + dr;
		vmx_vmexit(vcpu, 29, TO_DR(dr, GPR_RCX), 3);
		expect_done(test, vcpu, 3);
		vmx_vmexit(vcpu, 29, FROM_DR(dr, GPR_RDX), 3);
		expect_done(test, vcpu, 3);
		KUNIT_EXPECT_EQ(test, vcpu->gpr[GPR_RDX], 0xffff800000001000ULL + dr);
	}
	vcpu->gpr[GPR_RCX] = 0xffffffff;
	vmx_vmexit(vcpu, 29, TO_DR(7, GPR_RCX), 3);
	expect_done(test, vcpu, 3);
	KUNIT_EXPECT_EQ(test, fake_vmcs_get(to_vmx(vcpu), VMCS_GUEST_DR7), 0xffff2fff);
	vmx_reg_set(vcpu, VM_REG_GUEST_DR7, 0x400);
	vcpu->gpr[GPR_RCX] = 0xffffffff;
	vmx_vmexit(vcpu, 29, TO_DR(6, GPR_RCX), 3);
	expect_done(test, vcpu, 3);
	vmx_vmexit(vcpu, 29, FROM_DR(6, GPR_RDX), 3);
	expect_done(test, vcpu, 3);
	KUNIT_EXPECT_EQ(test, vcpu->gpr[GPR_RDX], 0xffffefff);
	for (dr = 6; dr < 8; dr++) {
		vcpu->gpr[GPR_RCX] = BIT_ULL(32);
		vmx_vmexit(vcpu, 29, TO_DR(dr, GPR_RCX), 3);
		expect_fault(test, vcpu, FAULT_0(X86_TRAP_GP));
	}
}

/* The exit comes before every check of the instruction (28.1.3): CPL, CR4.DE, DR7.GD. */
static void debug_registers_are_guarded(struct kunit *test)
{
	struct seg_desc user = { .limit = 0xffffffff, .access = 0xc0f3 }, system = user;
	struct vcpu *vcpu = vmx_vcpu_at(test, NULL, 0);
	u64 val;

	system.access = 0xc093;
	vmx_desc_set(vcpu, VM_REG_GUEST_SS, &user);
	vmx_vmexit(vcpu, 29, FROM_DR(0, GPR_RCX), 3);
	expect_fault(test, vcpu, FAULT_0(X86_TRAP_GP));
	vmx_desc_set(vcpu, VM_REG_GUEST_SS, &system);
	/* DR4 is DR6 without CR4.DE, #UD with it. */
	vmx_vmexit(vcpu, 29, FROM_DR(4, GPR_RCX), 3);
	expect_done(test, vcpu, 3);
	KUNIT_EXPECT_EQ(test, vcpu->gpr[GPR_RCX], 0xffff0ff0);
	vmx_caps.cr4_allowed |= X86_CR4_DE;
	vmx_reg_set(vcpu, VM_REG_GUEST_CR4, X86_CR4_DE);
	vmx_vmexit(vcpu, 29, FROM_DR(5, GPR_RCX), 3);
	expect_fault(test, vcpu, FAULT(X86_TRAP_UD));
	vmx_reg_set(vcpu, VM_REG_GUEST_DR7, 0x400 | BIT(13));
	vmx_vmexit(vcpu, 29, FROM_DR(0, GPR_RCX), 3);
	expect_fault(test, vcpu, FAULT(X86_TRAP_DB));
	vmx_reg_get(vcpu, VM_REG_GUEST_DR6, &val);
	KUNIT_EXPECT_TRUE(test, val & BIT(13));
	vmx_reg_get(vcpu, VM_REG_GUEST_DR7, &val);
	KUNIT_EXPECT_EQ(test, val, 0x400);
}

/* --- MSRs ------------------------------------------------------------------------------- */

static void msr_exit(struct vcpu *vcpu, bool write, u32 msr, u64 val)
{
	vcpu->gpr[GPR_RCX] = msr | BIT_ULL(33);
	vcpu->gpr[GPR_RAX] = (u32)val;
	vcpu->gpr[GPR_RDX] = val >> 32;
	vmx_vmexit(vcpu, write ? 32 : 31, 0, 2);
}

static void msrs_without_a_rule_are_neutral(struct kunit *test)
{
	struct vcpu *vcpu = vmx_vcpu_at(test, NULL, 0);

	msr_exit(vcpu, true, MSR_IA32_TSC, 0x123456789abcdef0ULL);
	expect_exit(test, vcpu, VERDICT_NEUTRAL, VM_EXITCODE_WRMSR, 2);
	KUNIT_EXPECT_EQ(test, vcpu->exit.u.msr.code, MSR_IA32_TSC);
	KUNIT_EXPECT_EQ(test, vcpu->exit.u.msr.wval, 0x123456789abcdef0ULL);
	msr_exit(vcpu, false, 0x12345, 0);
	expect_exit(test, vcpu, VERDICT_NEUTRAL, VM_EXITCODE_RDMSR, 2);
	KUNIT_EXPECT_EQ(test, vcpu->exit.u.msr.code, 0x12345);
}

/* Section 23: performance monitoring and SpeedStep are hidden, as far as MISC_ENABLE tells. */
static void msr_misc_enable_hides_things(struct kunit *test)
{
	struct vcpu *vcpu = vmx_vcpu_at(test, NULL, 0);
	u64 val;

	msr_exit(vcpu, false, 0x1a0, 0);
	expect_done(test, vcpu, 2);
	val = (u32)vcpu->gpr[GPR_RAX] | vcpu->gpr[GPR_RDX] << 32;
	KUNIT_EXPECT_EQ(test, val & (BIT(11) | BIT(12) | BIT(16) | BIT(18)), BIT(11) | BIT(12));
	msr_exit(vcpu, true, 0x1a0, val);
	expect_done(test, vcpu, 2);
	msr_exit(vcpu, true, 0x1a0, val ^ BIT(16));
	expect_exit(test, vcpu, VERDICT_NEUTRAL, VM_EXITCODE_WRMSR, 2);
	/* The ratios of the platform and of turbo: one figure in each place. */
	msr_exit(vcpu, false, 0xce, 0);
	expect_done(test, vcpu, 2);
	KUNIT_EXPECT_EQ(test, vcpu->gpr[GPR_RAX] >> 8 & 0xff, vcpu->gpr[GPR_RDX] >> 8 & 0xff);
}

/* --- exceptions ------------------------------------------------------------------------- */

static void exception_is(struct vcpu *vcpu, u32 info, u32 error, u64 qualification, u32 length)
{
	vmx_vmexit(vcpu, 0, qualification, length);
	to_vmx(vcpu)->exit.intr_info = info | BIT(31);
	to_vmx(vcpu)->exit.intr_error = error;
}

/* What is intercepted for our own sake goes on to the guest as it was. */
static void exceptions_are_reflected(struct kunit *test)
{
	static const u32 with_error = GENMASK(14, 10) | BIT(17) | BIT(21);
	/* NMI, #BP, #OF (traps), #DF, the coprocessor's old one, reserved ones, #MC. */
	static const u32 others = GENMASK(4, 2) | BIT(8) | BIT(9) | BIT(15) | BIT(18) | BIT(20);
	struct vcpu *vcpu = vmx_vcpu_at(test, NULL, 0);
	unsigned int vector;
	bool error;
	u64 want;

	for (vector = 0; vector < 22; vector++) {
		if (BIT(vector) & others)
			continue;
		error = with_error & BIT(vector);
		exception_is(vcpu, 3 << 8 | vector | (error ? BIT(11) : 0), 0x18,
			       vector == 1 ? BIT(14) : 0x7654321000ULL, 0);
		KUNIT_EXPECT_EQ(test, vmx_exit(vcpu), VERDICT_RESUME);
		want = FAULT(vector) | (error ? VM_INTINFO_DEL_ERRCODE | 0x18ULL << 32 : 0);
		KUNIT_EXPECT_EQ_MSG(test, vcpu->events.exception, want, "vector %u", vector);
		KUNIT_EXPECT_EQ(test, vcpu->nextrip, CODE_RIP);
	}
	KUNIT_EXPECT_EQ(test, vcpu->cr2, 0x7654321000ULL);
}

/* 28.2.1: an intercepted #DB has not changed DR6; the qualification says how. */
static void debug_exceptions_reach_dr6(struct kunit *test)
{
	struct vcpu *vcpu = vmx_vcpu_at(test, NULL, 0);
	u64 dr6;

	vmx_reg_set(vcpu, VM_REG_GUEST_DR6, 0xffff0ff0 | BIT(15) | BIT(3));
	exception_is(vcpu, 3 << 8 | 1, 0, BIT(14) | BIT(1), 0);
	KUNIT_EXPECT_EQ(test, vmx_exit(vcpu), VERDICT_RESUME);
	vmx_reg_get(vcpu, VM_REG_GUEST_DR6, &dr6);
	KUNIT_EXPECT_EQ(test, dr6, 0xffff0ff0 | BIT(15) | BIT(14) | BIT(1));
	/* INT1 is a trap that leaves it alone. */
	exception_is(vcpu, 5 << 8 | 1, 0, BIT(0), 1);
	KUNIT_EXPECT_EQ(test, vmx_exit(vcpu), VERDICT_RESUME);
	KUNIT_EXPECT_EQ(test, vcpu->nextrip, CODE_RIP + 1);
	vmx_reg_get(vcpu, VM_REG_GUEST_DR6, &dr6);
	KUNIT_EXPECT_EQ(test, dr6, 0xffff0ff0 | BIT(15) | BIT(14) | BIT(1));
}

static void breakpoints_leave_with_their_length(struct kunit *test)
{
	struct vcpu *vcpu = vmx_vcpu_at(test, NULL, 0);
	unsigned int length;

	vmx_cap_set(vcpu, VM_CAP_BPT_EXIT, 1);
	for (length = 1; length <= 2; length++) {
		exception_is(vcpu, 6 << 8 | 3, 0, 0, length);
		expect_exit(test, vcpu, VERDICT_USER, VM_EXITCODE_BPT, 0);
		KUNIT_EXPECT_EQ(test, vcpu->exit.u.bpt.inst_length, length);
	}
}

static void nmis_were_the_hosts(struct kunit *test)
{
	struct vcpu *vcpu = vmx_vcpu_at(test, NULL, 0);

	exception_is(vcpu, 2 << 8 | 2, 0, 0, 0);
	expect_done(test, vcpu, 0);
	exception_is(vcpu, 3 << 8 | X86_TRAP_MC, 0, 0, 0);
	expect_done(test, vcpu, 0);
}

/* --- ports ------------------------------------------------------------------------------ */

/* Table 28-5: size less 1, direction 3, string 4, REP 5, port 31 to 16. */
static u64 io(u16 port, int bytes, bool in, u64 more)
{
	return (u64)port << 16 | (bytes - 1) | (in ? BIT(3) : 0) | more;
}

static void ports_are_neutral(struct kunit *test)
{
	struct vcpu *vcpu = vmx_vcpu_at(test, NULL, 0);
	int i, bytes, in;

	vcpu->gpr[GPR_RAX] = 0x1122334455667788ULL;
	for (i = 0; i < 6; i++) {
		bytes = 1 << i % 3;
		in = i / 3;
		vmx_vmexit(vcpu, 30, io(0xfff0 + i, bytes, in, BIT(6)), 2);
		expect_exit(test, vcpu, VERDICT_NEUTRAL, VM_EXITCODE_INOUT, 2);
		KUNIT_EXPECT_EQ(test, vcpu->exit.u.inout.port, 0xfff0 + i);
		KUNIT_EXPECT_EQ(test, (int)vcpu->exit.u.inout.bytes, bytes);
		KUNIT_EXPECT_EQ(test, (int)vcpu->exit.u.inout.in, in);
		KUNIT_EXPECT_EQ(test, (int)vcpu->exit.u.inout.string, 0);
		KUNIT_EXPECT_EQ(test, (int)vcpu->exit.u.inout.rep, 0);
		KUNIT_EXPECT_EQ(test, vcpu->exit.u.inout.eax, 0x55667788);
	}
}

#define STRING	BIT(4)
#define REP	BIT(5)
/* Table 28-9: address size in 9 to 7, segment in 17 to 15 (ES CS SS DS FS GS). */
#define STRING_INFO(size, segment)	((size) << 7 | (segment) << 15)

/* By instruction information, and without it by the bytes. */
static void string_ports_say_where(struct kunit *test)
{
	static const u8 fs_outsd[] = { 0x64, 0x6f };
	struct vcpu *vcpu = vmx_vcpu_at(test, fs_outsd, 2);
	struct vm_inout_str *str = &vcpu->exit.u.inout_str;
	int i;

	vcpu->gpr[GPR_RDI] = 0x12345678;
	vcpu->gpr[GPR_RSI] = 0x9abcdef0;
	vcpu->gpr[GPR_RCX] = 0x55550003;
	vmx_vmexit(vcpu, 30, io(0x60, 1, true, STRING | REP), 3);
	to_vmx(vcpu)->exit.inst_info = STRING_INFO(0, 5);	/* INS: ES alone */
	expect_exit(test, vcpu, VERDICT_NEUTRAL, VM_EXITCODE_INOUT_STR, 3);
	KUNIT_EXPECT_EQ(test, (int)str->inout.string, 1);
	KUNIT_EXPECT_EQ(test, (int)str->inout.rep, 1);
	KUNIT_EXPECT_EQ(test, str->addrsize, 2);
	KUNIT_EXPECT_EQ(test, str->index, 0x5678);
	KUNIT_EXPECT_EQ(test, str->count, 3);
	KUNIT_EXPECT_EQ(test, (int)str->seg_name, VM_REG_GUEST_ES);
	for (i = 0; i < 2; i++) {
		vmx_caps.ins_info = i;
		vmx_vmexit(vcpu, 30, io(0x60, 4, false, STRING), 2);
		to_vmx(vcpu)->exit.inst_info = i ? STRING_INFO(1, 4) : 0;
		expect_exit(test, vcpu, VERDICT_NEUTRAL, VM_EXITCODE_INOUT_STR, 2);
		KUNIT_EXPECT_EQ(test, str->addrsize, 4);
		KUNIT_EXPECT_EQ(test, str->index, 0x9abcdef0);
		KUNIT_EXPECT_EQ(test, str->count, 1);
		KUNIT_EXPECT_EQ(test, (int)str->seg_name, VM_REG_GUEST_FS);
		KUNIT_EXPECT_EQ(test, str->seg_desc.limit, 0xffffffff);
	}
}

/* --- the rest --------------------------------------------------------------------------- */

static void halts_and_pauses_are_neutral(struct kunit *test)
{
	struct vcpu *vcpu = vmx_vcpu_at(test, NULL, 0);

	to_vmx(vcpu)->rflags = X86_EFLAGS_IF | X86_EFLAGS_FIXED;
	vmx_vmexit(vcpu, 12, 0, 1);
	expect_exit(test, vcpu, VERDICT_NEUTRAL, VM_EXITCODE_HLT, 1);
	KUNIT_EXPECT_EQ(test, vcpu->exit.u.hlt.rflags, X86_EFLAGS_IF | X86_EFLAGS_FIXED);
	/* A loop of them is nobody's business; each of them is with the capability. */
	vmx_vmexit(vcpu, 40, 0, 2);
	expect_done(test, vcpu, 0);
	vmx_cap_set(vcpu, VM_CAP_PAUSE_EXIT, 1);
	vmx_vmexit(vcpu, 40, 0, 2);
	expect_exit(test, vcpu, VERDICT_NEUTRAL, VM_EXITCODE_PAUSE, 2);
	vmx_vmexit(vcpu, 37, 0, 5);
	expect_exit(test, vcpu, VERDICT_NEUTRAL, VM_EXITCODE_MTRAP, 0);
}

/* Table 28-7: read 0, write 1, fetch 2, linear address 7, the access itself 8. */
static void ept_violations_say_what_was_tried(struct kunit *test)
{
	static const struct { u64 qualification; int type; } table[] = {
		{ BIT(0) | BIT(7) | BIT(8), VM_PROT_READ },
		{ BIT(1) | BIT(7) | BIT(8), VM_PROT_WRITE },
		{ BIT(2) | BIT(7) | BIT(8), VM_PROT_EXECUTE },
		{ BIT(0) | BIT(1) | BIT(7) | BIT(8), VM_PROT_WRITE },
		{ BIT(1) | BIT(7), VM_PROT_WRITE },	/* on the walk, on memory */
	};
	struct vcpu *vcpu = vmx_vcpu_at(test, NULL, 0);
	int i;

	for (i = 0; i < ARRAY_SIZE(table); i++) {
		vmx_vmexit(vcpu, 48, table[i].qualification, 3);
		to_vmx(vcpu)->exit.guest_physical = 0x5008;
		expect_exit(test, vcpu, VERDICT_NEUTRAL, VM_EXITCODE_PAGING, 0);
		KUNIT_EXPECT_EQ(test, vcpu->exit.u.paging.gpa, 0x5008);
		KUNIT_EXPECT_EQ(test, vcpu->exit.u.paging.fault_type, table[i].type);
	}
	/* Page tables on no memory: not an access that could be emulated. */
	vmx_vmexit(vcpu, 48, BIT(0) | BIT(7), 0);
	to_vmx(vcpu)->exit.guest_physical = 0xd0000000;
	expect_unclaimed(test, vcpu);
	vmx_vmexit(vcpu, 49, 0, 0);	/* a misconfiguration is our own mistake */
	expect_unclaimed(test, vcpu);
}

/* Table 28-2: selector, source in 31 and 30: CALL, IRET, JMP, gate. */
static void task_switches_say_why(struct kunit *test)
{
	struct vcpu *vcpu = vmx_vcpu_at(test, NULL, 0);
	const struct vm_task_switch *ts = &vcpu->exit.u.task_switch;

	vmx_vmexit(vcpu, 9, 0x30 | 2ULL << 30, 7);
	expect_exit(test, vcpu, VERDICT_NEUTRAL, VM_EXITCODE_TASK_SWITCH, 7);
	KUNIT_EXPECT_EQ(test, ts->tsssel, 0x30);
	KUNIT_EXPECT_EQ(test, (int)ts->reason, TSR_JMP);
	KUNIT_EXPECT_EQ(test, ts->ext, 0);
	KUNIT_EXPECT_EQ(test, ts->errcode_valid, 0);

	vmx_vmexit(vcpu, 9, 0x38 | 3ULL << 30, 2);
	to_vmx(vcpu)->exit.idt_info = BIT(31) | BIT(11) | 3 << 8 | 13;
	to_vmx(vcpu)->exit.idt_error = 0x1234;
	expect_exit(test, vcpu, VERDICT_NEUTRAL, VM_EXITCODE_TASK_SWITCH, 0);
	KUNIT_EXPECT_EQ(test, (int)ts->reason, TSR_IDT_GATE);
	KUNIT_EXPECT_EQ(test, ts->ext, 1);
	KUNIT_EXPECT_EQ(test, ts->errcode_valid, 1);
	KUNIT_EXPECT_EQ(test, ts->errcode, 0x1234);

	vmx_vmexit(vcpu, 9, 0x38 | 3ULL << 30, 2);	/* INT 0x80 */
	to_vmx(vcpu)->exit.idt_info = BIT(31) | 4 << 8 | 0x80;
	expect_exit(test, vcpu, VERDICT_NEUTRAL, VM_EXITCODE_TASK_SWITCH, 2);
	KUNIT_EXPECT_EQ(test, ts->ext, 0);
}

static void triple_fault_suspends(struct kunit *test)
{
	struct vcpu *vcpu = vmx_vcpu_at(test, NULL, 0);

	vmx_vmexit(vcpu, 2, 0, 0);
	KUNIT_EXPECT_EQ(test, vmx_exit(vcpu), VERDICT_RESUME);
	KUNIT_EXPECT_EQ(test, vcpu->vm->suspend, VM_SUSPEND_TRIPLEFAULT);
}

static void host_events_change_nothing(struct kunit *test)
{
	/* External interrupt, INIT, I/O SMI, SMI, TPR below threshold, preemption timer. */
	static const u8 reasons[] = { 1, 3, 5, 6, 43, 52 };
	struct vcpu *vcpu = vmx_vcpu_at(test, NULL, 0);
	int i;

	for (i = 0; i < ARRAY_SIZE(reasons); i++) {
		vmx_vmexit(vcpu, reasons[i], 0, 0);
		expect_done(test, vcpu, 0);
	}
}

/* Bit 31: the guest was not entered. User space is told, and nothing stays to be injected. */
static void refused_entries_go_out(struct kunit *test)
{
	struct vcpu *vcpu = vmx_vcpu_at(test, NULL, 0);

	vmx_reg_set(vcpu, VM_REG_GUEST_EFER, BIT_ULL(63));
	fake_vmcs_set(to_vmx(vcpu), VMCS_ENTRY_INTR_INFO, BIT(31) | 0x50);
	vmx_vmexit(vcpu, BIT(31) | 33, 3, 0);
	expect_unclaimed(test, vcpu);
	KUNIT_EXPECT_EQ(test, fake_vmcs_get(to_vmx(vcpu), VMCS_ENTRY_INTR_INFO), 0);

	fake_vmcs_set(to_vmx(vcpu), VMCS_INSTRUCTION_ERROR, 7);
	KUNIT_EXPECT_EQ(test, vmx_exit_entry_failed(vcpu, true), VERDICT_USER);
	KUNIT_EXPECT_EQ(test, vcpu->exit.exitcode, VM_EXITCODE_VMX);
	KUNIT_EXPECT_EQ(test, vcpu->exit.u.vmx.status, 2);	/* VMfailValid */
	KUNIT_EXPECT_EQ(test, vcpu->exit.u.vmx.inst_type, 1);	/* VMRESUME */
	KUNIT_EXPECT_EQ(test, vcpu->exit.u.vmx.inst_error, 7);
}

/*
 * Whatever the processor may say, with whatever beside it: an answer, and those without a rule are
 * user space's.
 */
static void every_reason_has_an_answer(struct kunit *test)
{
	static const u64 qualifications[] = { 0, ~0ULL, BIT_ULL(63), 0x3f00ff, 0x1ff };
	static const u32 beyond[] = {
		4, 35, 38, 42, 78, 100, 0xffff, 0x10000, 0x7fffffff, BIT(31) | 34,
	};
	struct vcpu *vcpu = vmx_vcpu_at(test, NULL, 0);
	unsigned int reason;
	int i, verdict;

	for (reason = 1; reason < 80; reason++) {
		/* Windows need the VMCS current, and have their own suite. */
		if (reason == 7 || reason == 8)
			continue;
		for (i = 0; i < ARRAY_SIZE(qualifications); i++) {
			vmx_vmexit(vcpu, reason, qualifications[i], 3);
			verdict = vmx_exit(vcpu);
			KUNIT_EXPECT_GE_MSG(test, verdict, VERDICT_RESUME, "reason %u", reason);
			KUNIT_EXPECT_LE_MSG(test, verdict, VERDICT_USER, "reason %u", reason);
			KUNIT_EXPECT_LE(test, (unsigned int)vcpu->exit.inst_length, 15);
		}
	}
	for (i = 0; i < ARRAY_SIZE(beyond); i++) {
		vmx_vmexit(vcpu, beyond[i], 0x1111, 0);
		expect_unclaimed(test, vcpu);
	}
	KUNIT_EXPECT_FALSE(test, vcpu->vm->dead);
}

static struct kunit_case vmx_exit_test_cases[] = {
	KUNIT_CASE(insns_that_are_not_there),
	KUNIT_CASE(insns_that_are_skipped),
	KUNIT_CASE(insns_wrap_with_the_mode),
	KUNIT_CASE(cpuid_is_answered),
	KUNIT_CASE(xsetbv_has_conditions),
	KUNIT_CASE(cr0_writes_are_checked),
	KUNIT_CASE(refused_writes_are_not_skipped),
	KUNIT_CASE(cr0_paging_sets_lma),
	KUNIT_CASE(cr0_paging_loads_pdptes),
	KUNIT_CASE(cr0_has_short_forms),
	KUNIT_CASE(cr4_writes_are_checked),
	KUNIT_CASE(cr8_is_the_task_priority),
	KUNIT_CASE(debug_registers_are_the_guests),
	KUNIT_CASE(debug_registers_are_guarded),
	KUNIT_CASE(msrs_without_a_rule_are_neutral),
	KUNIT_CASE(msr_misc_enable_hides_things),
	KUNIT_CASE(exceptions_are_reflected),
	KUNIT_CASE(debug_exceptions_reach_dr6),
	KUNIT_CASE(breakpoints_leave_with_their_length),
	KUNIT_CASE(nmis_were_the_hosts),
	KUNIT_CASE(ports_are_neutral),
	KUNIT_CASE(string_ports_say_where),
	KUNIT_CASE(halts_and_pauses_are_neutral),
	KUNIT_CASE(ept_violations_say_what_was_tried),
	KUNIT_CASE(task_switches_say_why),
	KUNIT_CASE(triple_fault_suspends),
	KUNIT_CASE(host_events_change_nothing),
	KUNIT_CASE(refused_entries_go_out),
	KUNIT_CASE(every_reason_has_an_answer),
	{}
};

static struct kunit_suite vmx_exit_test_suite = {
	.name = "vmm-vmx-exit",
	.suite_init = vmx_suite_init,
	.suite_exit = vmx_suite_exit,
	.init = vmx_test_init,
	.exit = vmx_test_exit,
	.test_cases = vmx_exit_test_cases,
};
kunit_test_suite(vmx_exit_test_suite);
