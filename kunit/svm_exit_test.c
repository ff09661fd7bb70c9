// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * svm: what becomes of each #VMEXIT, with and without NRIP save and decode assists: VMCBs as
 * hardware leaves them (AMD64 manual vol. 2, chapter 15 and appendix C), verdicts by semantics.md 8,
 * 9, 23, 25.
 */
#include <kunit/test.h>
#include <linux/bits.h>
#include <linux/kernel.h>
#include <linux/string.h>
#include <asm/msr-index.h>
#include <asm/trapnr.h>
#include "dev/vlapic.h"
#include "svm_fixture.h"
#include "x86/fpu.h"

#define FAULT(vector)		(VM_INTINFO_VALID | VM_INTINFO_HWEXCEPTION | (vector))
#define FAULT_0(vector)		(FAULT(vector) | VM_INTINFO_DEL_ERRCODE)

/* The guest goes on @length bytes further. */
static void expect_done(struct kunit *test, struct vcpu *vcpu, unsigned int length)
{
	KUNIT_EXPECT_EQ(test, svm_exit(vcpu), VERDICT_RESUME);
	KUNIT_EXPECT_EQ(test, vcpu->events.exception, 0);
	KUNIT_EXPECT_EQ(test, vcpu->nextrip, CODE_RIP + length);
	KUNIT_EXPECT_EQ(test, vcpu->exit_rip, CODE_RIP);
}

/* The guest gets @event at the instruction. */
static void expect_fault(struct kunit *test, struct vcpu *vcpu, u64 event)
{
	KUNIT_EXPECT_EQ(test, svm_exit(vcpu), VERDICT_RESUME);
	KUNIT_EXPECT_EQ(test, vcpu->events.exception, event);
	KUNIT_EXPECT_EQ(test, vcpu->nextrip, CODE_RIP);
	vcpu->events.exception = 0;
}

/* An exit that neutral code or user space decides. */
static void expect_exit(struct kunit *test, struct vcpu *vcpu, int verdict, unsigned int code,
			int length)
{
	KUNIT_EXPECT_EQ(test, svm_exit(vcpu), verdict);
	KUNIT_EXPECT_EQ(test, vcpu->exit.exitcode, code);
	KUNIT_EXPECT_EQ(test, vcpu->exit.rip, CODE_RIP);
	KUNIT_EXPECT_EQ(test, vcpu->exit.inst_length, length);
	KUNIT_EXPECT_EQ(test, vcpu->nextrip, CODE_RIP + length);
}

static void expect_unclaimed(struct kunit *test, struct vcpu *vcpu)
{
	const struct vmcb_control *control = &to_vmcb(vcpu)->control;

	expect_exit(test, vcpu, VERDICT_USER, VM_EXITCODE_SVM, 0);
	KUNIT_EXPECT_EQ(test, vcpu->exit.u.svm.exitcode, control->exitcode);
	KUNIT_EXPECT_EQ(test, vcpu->exit.u.svm.exitinfo1, control->exitinfo1);
	KUNIT_EXPECT_EQ(test, vcpu->exit.u.svm.exitinfo2, control->exitinfo2);
}

/* --- instructions -------------------------------------------------------------------- */

static void insns_that_are_not_there(struct kunit *test)
{
	static const u16 codes[] = {
		EXIT_VMRUN, EXIT_VMMCALL, EXIT_VMLOAD, EXIT_VMSAVE, EXIT_STGI, EXIT_CLGI,
		EXIT_SKINIT, EXIT_INVLPGA, EXIT_INVLPGB, EXIT_INVLPGB_ILLEGAL, EXIT_TLBSYNC,
		EXIT_MCOMMIT, EXIT_RDPRU, EXIT_MONITOR, EXIT_MWAIT, EXIT_MWAIT_ARMED, EXIT_RSM,
		EXIT_RDTSCP,
	};
	struct vcpu *vcpu = svm_vcpu_at(test, NULL, 0);
	int i;

	for (i = 0; i < ARRAY_SIZE(codes); i++) {
		svm_vmexit(vcpu, codes[i], 0, 0, CODE_RIP + 3);
		expect_fault(test, vcpu, FAULT(X86_TRAP_UD));
	}
	svm_vmexit(vcpu, EXIT_RDPMC, 0, 0, 0);
	expect_fault(test, vcpu, FAULT_0(X86_TRAP_GP));
}

/* Prefixes count: the length comes from hardware, or from the bytes. */
static void insns_that_are_skipped(struct kunit *test)
{
	static const struct { u16 code; u8 length, bytes[4]; } insns[] = {
		{ EXIT_INVD, 2, { 0x0f, 0x08 } }, { EXIT_WBINVD, 2, { 0x0f, 0x09 } },
		{ EXIT_WBINVD, 3, { 0x66, 0x0f, 0x09 } },
		{ EXIT_INVD, 4, { 0x2e, 0x66, 0x0f, 0x08 } },
	};
	struct vcpu *vcpu = svm_vcpu_at(test, NULL, 0);
	int i;

	for (i = 0; i < ARRAY_SIZE(insns); i++) {
		fake_poke(test, CODE_RIP, insns[i].bytes, sizeof(insns[i].bytes));
		svm_caps.nrip_save = false;
		svm_vmexit(vcpu, insns[i].code, 0, 0, 0);
		expect_done(test, vcpu, insns[i].length);
		svm_caps.nrip_save = true;
		svm_vmexit(vcpu, insns[i].code, 0, 0, CODE_RIP + 7);
		expect_done(test, vcpu, 7);
		/* Hardware that has saved nothing. */
		svm_vmexit(vcpu, insns[i].code, 0, 0, 0);
		expect_done(test, vcpu, insns[i].length);
	}
}

/* Outside of 64-bit code RIP has 32 bits. */
static void insns_wrap_with_the_mode(struct kunit *test)
{
	static const u8 invd[] = { 0x0f, 0x08 };
	struct vcpu *vcpu = svm_vcpu_at(test, NULL, 0);

	KUNIT_ASSERT_EQ(test, fake_memory(test, 1, 0xfffff000, 0x1000, VM_PROT_ALL), 0);
	KUNIT_ASSERT_EQ(test, fake_poke(test, 0xfffffffe, invd, 2), 0);
	svm_vmexit(vcpu, EXIT_INVD, 0, 0, 0);
	vcpu->exit_rip = 0xfffffffe;
	KUNIT_EXPECT_EQ(test, svm_exit(vcpu), VERDICT_RESUME);
	KUNIT_EXPECT_EQ(test, vcpu->nextrip, 0);
}

static void insns_out_of_memory_fail_vm_run(struct kunit *test)
{
	struct vcpu *vcpu = svm_vcpu_at(test, NULL, 0);

	svm_vmexit(vcpu, EXIT_INVD, 0, 0, 0);
	vcpu->exit_rip = 0xd0000000;
	KUNIT_EXPECT_EQ(test, svm_exit(vcpu), -EFAULT);
}

static void cpuid_is_answered(struct kunit *test)
{
	static const u8 cpuid[] = { 0x0f, 0xa2 };
	struct vcpu *vcpu = svm_vcpu_at(test, cpuid, 2);
	char signature[13] = {};

	memset(vcpu->gpr, 0xff, sizeof(vcpu->gpr));
	vcpu->gpr[GPR_RAX] = 0xffffffff40000000ULL;
	svm_vmexit(vcpu, EXIT_CPUID, 0, 0, 0);
	expect_done(test, vcpu, 2);
	KUNIT_EXPECT_EQ(test, vcpu->gpr[GPR_RAX], 0x40000000);
	KUNIT_EXPECT_EQ(test, (vcpu->gpr[GPR_RBX] | vcpu->gpr[GPR_RCX] | vcpu->gpr[GPR_RDX]) >> 32,
			0);
	memcpy(signature, &vcpu->gpr[GPR_RBX], 4);
	memcpy(signature + 4, &vcpu->gpr[GPR_RCX], 4);
	memcpy(signature + 8, &vcpu->gpr[GPR_RDX], 4);
	KUNIT_EXPECT_STREQ(test, signature, "bhyve bhyve ");
}

/* Who may use it, and for what: section 25. */
static void xsetbv_has_conditions(struct kunit *test)
{
	static const u8 xsetbv[] = { 0x0f, 0x01, 0xd1 };
	static const struct { bool osxsave; u8 cpl; u32 ecx; u64 xcr0; u64 event; } table[] = {
		{ false, 0, 0, 1, FAULT(X86_TRAP_UD) }, { true, 3, 0, 1, FAULT_0(X86_TRAP_GP) },
		{ true, 0, 1, 1, FAULT_0(X86_TRAP_GP) }, { true, 0, 0, 0, FAULT_0(X86_TRAP_GP) },
		{ true, 0, 0, 2, FAULT_0(X86_TRAP_GP) }, { true, 0, 0, 5, FAULT_0(X86_TRAP_GP) },
		{ true, 0, 0, BIT_ULL(62) | 1, FAULT_0(X86_TRAP_GP) }, { true, 0, 0, 1, 0 },
		{ true, 0, 0, 3, 0 },
	};
	struct vcpu *vcpu = svm_vcpu_at(test, xsetbv, 3);
	int i;

	if (!fpu_xcr0_permitted(false))
		kunit_skip(test, "the CPU has no XSAVE");
	for (i = 0; i < ARRAY_SIZE(table); i++) {
		vcpu->cpuid.xcr0 = 1;
		vcpu_reg_set(vcpu, VM_REG_GUEST_CR4, table[i].osxsave ? X86_CR4_OSXSAVE : 0);
		to_vmcb(vcpu)->state.cpl = table[i].cpl;
		vcpu->gpr[GPR_RCX] = table[i].ecx | BIT_ULL(40);
		vcpu->gpr[GPR_RAX] = (u32)table[i].xcr0 | BIT_ULL(50);
		vcpu->gpr[GPR_RDX] = table[i].xcr0 >> 32;
		svm_vmexit(vcpu, EXIT_XSETBV, 0, 0, 0);
		if (table[i].event)
			expect_fault(test, vcpu, table[i].event);
		else
			expect_done(test, vcpu, 3);
		KUNIT_EXPECT_EQ(test, vcpu->cpuid.xcr0, table[i].event ? 1 : table[i].xcr0);
	}
}

/* --- control and debug registers ----------------------------------------------------- */

#define ASSIST_MOV	BIT_ULL(63)	/* 15.8.1: EXITINFO1 of a MOV from or to a CR */

static u64 cr0_of(struct vcpu *vcpu)
{
	u64 val = 0;

	vcpu_reg_get(vcpu, VM_REG_GUEST_CR0, &val);
	return val;
}

static void cr0_writes_are_checked(struct kunit *test)
{
	static const u8 mov_cr0_ecx[] = { 0x0f, 0x22, 0xc1 };
	static const struct { u64 val; bool ok; } table[] = {
		{ X86_CR0_PE, true }, { X86_CR0_PE | X86_CR0_TS | X86_CR0_MP, true },
		{ X86_CR0_PG, false }, { X86_CR0_PE | X86_CR0_NW, false },
		{ X86_CR0_PE | X86_CR0_CD | X86_CR0_NW, true }, { X86_CR0_PE | X86_CR0_PG, true },
		{ X86_CR0_PE | X86_CR0_PG | X86_CR0_WP, true },
	};
	struct vcpu *vcpu = svm_vcpu_at(test, mov_cr0_ecx, 3);
	u64 before;
	int i, assists;

	for (i = 0; i < ARRAY_SIZE(table) * 2; i++) {
		assists = i & 1;
		svm_caps.decode_assists = assists;
		svm_caps.nrip_save = assists;
		svm_reg_set(vcpu, VM_REG_GUEST_CR0, X86_CR0_PE | X86_CR0_ET);
		before = cr0_of(vcpu);
		vcpu->gpr[GPR_RCX] = table[i / 2].val;
		svm_vmexit(vcpu, EXIT_CR_WRITE + 0, assists ? ASSIST_MOV | GPR_RCX : 0, 0,
			   assists ? CODE_RIP + 3 : 0);
		if (table[i / 2].ok)
			expect_done(test, vcpu, 3);
		else
			expect_fault(test, vcpu, FAULT_0(X86_TRAP_GP));
		KUNIT_EXPECT_EQ(test, cr0_of(vcpu),
				table[i / 2].ok ? table[i / 2].val | X86_CR0_ET : before);
		/* What hardware runs with never has the caches off. */
		KUNIT_EXPECT_EQ(test, to_vmcb(vcpu)->state.cr0 & (X86_CR0_CD | X86_CR0_NW), 0);
	}
}

/* Turning paging on with EFER.LME is the way into long mode, and back. */
static void cr0_paging_sets_lma(struct kunit *test)
{
	static const u8 mov_cr0_ecx[] = { 0x0f, 0x22, 0xc1 };
	struct vcpu *vcpu = svm_vcpu_at(test, mov_cr0_ecx, 3);
	u64 efer;

	svm_reg_set(vcpu, VM_REG_GUEST_CR4, X86_CR4_PAE);
	svm_reg_set(vcpu, VM_REG_GUEST_EFER, EFER_LME);
	vcpu->gpr[GPR_RCX] = X86_CR0_PE | X86_CR0_PG;
	svm_vmexit(vcpu, EXIT_CR0_SEL_WRITE, 0, 0, 0);
	expect_done(test, vcpu, 3);
	svm_reg_get(vcpu, VM_REG_GUEST_EFER, &efer);
	KUNIT_EXPECT_EQ(test, efer, EFER_LME | EFER_LMA);
	/* Compatibility mode, paging off; the code is read through no tables from here on. */
	svm_caps.nrip_save = true;
	svm_caps.decode_assists = true;
	vcpu->gpr[GPR_RCX] = X86_CR0_PE;
	svm_vmexit(vcpu, EXIT_CR_WRITE + 0, ASSIST_MOV | GPR_RCX, 0, CODE_RIP + 3);
	expect_done(test, vcpu, 3);
	svm_reg_get(vcpu, VM_REG_GUEST_EFER, &efer);
	KUNIT_EXPECT_EQ(test, efer, EFER_LME);
}

/*
 * CLTS clears TS alone; LMSW writes four bits and cannot clear PE; SMSW shows what the guest
 * wrote.
 */
static void cr0_has_short_forms(struct kunit *test)
{
	static const u8 clts[] = { 0x0f, 0x06 }, lmsw_cx[] = { 0x0f, 0x01, 0xf1 };
	static const u8 smsw_ecx[] = { 0x0f, 0x01, 0xe1 }, smsw_cx[] = { 0x66, 0x0f, 0x01, 0xe1 };
	const u64 base = X86_CR0_PE | X86_CR0_ET | X86_CR0_CD | X86_CR0_NW;
	struct vcpu *vcpu = svm_vcpu_at(test, clts, sizeof(clts));

	svm_reg_set(vcpu, VM_REG_GUEST_CR0, base | X86_CR0_TS | X86_CR0_MP);
	svm_vmexit(vcpu, EXIT_CR_WRITE + 0, 0, 0, 0);
	expect_done(test, vcpu, 2);
	KUNIT_EXPECT_EQ(test, cr0_of(vcpu), base | X86_CR0_MP);

	fake_poke(test, CODE_RIP, lmsw_cx, sizeof(lmsw_cx));
	vcpu->gpr[GPR_RCX] = 0xfffffff0 | X86_CR0_TS;
	svm_vmexit(vcpu, EXIT_CR_WRITE + 0, 0, 0, 0);
	expect_done(test, vcpu, 3);
	KUNIT_EXPECT_EQ(test, cr0_of(vcpu), base | X86_CR0_TS);

	fake_poke(test, CODE_RIP, smsw_ecx, sizeof(smsw_ecx));
	vcpu->gpr[GPR_RCX] = ~0ULL;
	svm_vmexit(vcpu, EXIT_CR_READ + 0, 0, 0, 0);
	expect_done(test, vcpu, 3);
	KUNIT_EXPECT_EQ(test, vcpu->gpr[GPR_RCX], base | X86_CR0_TS);

	fake_poke(test, CODE_RIP, smsw_cx, sizeof(smsw_cx));
	vcpu->gpr[GPR_RCX] = ~0ULL;
	svm_vmexit(vcpu, EXIT_CR_READ + 0, 0, 0, 0);
	expect_done(test, vcpu, 4);
	KUNIT_EXPECT_EQ(test, vcpu->gpr[GPR_RCX], (~0ULL & ~0xffffULL) | (u16)(base | X86_CR0_TS));
}

static void cr4_writes_are_checked(struct kunit *test)
{
	static const u8 mov_cr4_edx[] = { 0x0f, 0x22, 0xe2 };
	static const struct { u64 val; bool ok; } table[] = {
		{ X86_CR4_PAE, true }, { X86_CR4_PAE | X86_CR4_OSXSAVE, true },
		{ X86_CR4_PAE | X86_CR4_VMXE, false }, { BIT(30), false }, { X86_CR4_LA57, false },
		{ X86_CR4_PCIDE | X86_CR4_PAE, false }, { X86_CR4_CET, false }, { 0, true },
	};
	struct vcpu *vcpu = svm_vcpu_at(test, mov_cr4_edx, 3);
	u64 val, last = 0;
	int i;

	for (i = 0; i < ARRAY_SIZE(table); i++) {
		vcpu->gpr[GPR_RDX] = table[i].val;
		svm_vmexit(vcpu, EXIT_CR_WRITE + 4, 0, 0, 0);
		if (table[i].ok)
			expect_done(test, vcpu, 3);
		else
			expect_fault(test, vcpu, FAULT_0(X86_TRAP_GP));
		if (table[i].ok)
			last = table[i].val;
		svm_reg_get(vcpu, VM_REG_GUEST_CR4, &val);
		KUNIT_EXPECT_EQ(test, val, last);
		KUNIT_EXPECT_EQ(test, vcpu->cpuid.osxsave, !!(last & X86_CR4_OSXSAVE));
	}
}

static void cr8_is_the_task_priority(struct kunit *test)
{
	static const u8 mov_cr8_rcx[] = { 0x44, 0x0f, 0x22, 0xc1 };
	struct vcpu *vcpu = svm_vcpu_at(test, mov_cr8_rcx, 4);

	svm_go_64bit(vcpu);
	vcpu->gpr[GPR_RCX] = 9;
	svm_vmexit(vcpu, EXIT_CR_WRITE + 8, 0, 0, 0);
	expect_done(test, vcpu, 4);
	KUNIT_EXPECT_EQ(test, vlapic_cr8_read(vcpu->vlapic), 9);
	vcpu->gpr[GPR_RCX] = 16;
	svm_vmexit(vcpu, EXIT_CR_WRITE + 8, 0, 0, 0);
	expect_fault(test, vcpu, FAULT_0(X86_TRAP_GP));
	vcpu->gpr[GPR_RCX] = BIT_ULL(63);
	svm_vmexit(vcpu, EXIT_CR_WRITE + 8, 0, 0, 0);
	expect_fault(test, vcpu, FAULT_0(X86_TRAP_GP));
	KUNIT_EXPECT_EQ(test, vlapic_cr8_read(vcpu->vlapic), 9);
}

static void debug_registers_are_the_guests(struct kunit *test)
{
	u8 write[] = { 0x0f, 0x23, 0xc1 }, read[] = { 0x0f, 0x21, 0xc2 };
	struct vcpu *vcpu = svm_vcpu_at(test, write, 3);
	int dr;

	svm_go_64bit(vcpu);
	for (dr = 0; dr < 4; dr++) {
		write[2] = 0xc1 | dr << 3;	/* mov drN, rcx */
		read[2] = 0xc2 | dr << 3;	/* mov rdx, drN */
		fake_poke(test, CODE_RIP, write, 3);
		vcpu->gpr[GPR_RCX] = 0xffff800000001000ULL + dr;
		svm_vmexit(vcpu, EXIT_DR_WRITE + dr, 0, 0, 0);
		expect_done(test, vcpu, 3);
		fake_poke(test, CODE_RIP, read, 3);
		svm_vmexit(vcpu, EXIT_DR_READ + dr, 0, 0, 0);
		expect_done(test, vcpu, 3);
		KUNIT_EXPECT_EQ(test, vcpu->gpr[GPR_RDX], 0xffff800000001000ULL + dr);
	}
	KUNIT_EXPECT_EQ(test, vcpu->dr[2], 0xffff800000001002ULL);
}

static void dr7_keeps_its_fixed_bits(struct kunit *test)
{
	static const u8 mov_dr7_rcx[] = { 0x0f, 0x23, 0xf9 };
	struct vcpu *vcpu = svm_vcpu_at(test, mov_dr7_rcx, 3);

	svm_go_64bit(vcpu);
	vcpu->gpr[GPR_RCX] = 0xffffffff;
	svm_vmexit(vcpu, EXIT_DR_WRITE + 7, 0, 0, 0);
	expect_done(test, vcpu, 3);
	KUNIT_EXPECT_EQ(test, to_vmcb(vcpu)->state.dr7 & 0xd400, 0x400);
	vcpu->gpr[GPR_RCX] = BIT_ULL(32);
	svm_vmexit(vcpu, EXIT_DR_WRITE + 7, 0, 0, 0);
	expect_fault(test, vcpu, FAULT_0(X86_TRAP_GP));
}

/* --- MSRs ---------------------------------------------------------------------------- */

static void msr_exit(struct vcpu *vcpu, bool write, u32 msr, u64 val)
{
	vcpu->gpr[GPR_RCX] = msr | BIT_ULL(33);
	vcpu->gpr[GPR_RAX] = (u32)val;
	vcpu->gpr[GPR_RDX] = val >> 32;
	svm_vmexit(vcpu, EXIT_MSR, write, 0, 0);
}

static const u8 wrmsr_rdmsr[] = { 0x0f, 0x30 };	/* as long as RDMSR, 0f 32 */

static void msr_efer_hides_svme(struct kunit *test)
{
	static const struct { u64 val, event; } writes[] = {
		{ EFER_SCE | EFER_NX, 0 }, { EFER_LME, 0 }, { EFER_LMA, FAULT_0(X86_TRAP_GP) },
		{ BIT_ULL(9), FAULT_0(X86_TRAP_GP) }, { BIT_ULL(40), FAULT_0(X86_TRAP_GP) },
		{ EFER_SVME, FAULT_0(X86_TRAP_GP) }, { EFER_FFXSR, FAULT_0(X86_TRAP_GP) },
	};
	struct vcpu *vcpu = svm_vcpu_at(test, wrmsr_rdmsr, 2);
	u64 last = 0;
	int i;

	for (i = 0; i < ARRAY_SIZE(writes); i++) {
		msr_exit(vcpu, true, MSR_EFER, writes[i].val);
		if (writes[i].event)
			expect_fault(test, vcpu, writes[i].event);
		else
			expect_done(test, vcpu, 2);
		if (!writes[i].event)
			last = writes[i].val;
		msr_exit(vcpu, false, MSR_EFER, ~0ULL);
		expect_done(test, vcpu, 2);
		KUNIT_EXPECT_EQ(test, vcpu->gpr[GPR_RAX] | vcpu->gpr[GPR_RDX] << 32, last);
		KUNIT_EXPECT_TRUE(test, to_vmcb(vcpu)->state.efer & EFER_SVME);
	}
}

/*
 * Section 23: a guest that wants segment limits in long mode is somebody to tell user space about.
 */
static void msr_efer_lmsle_is_unclaimed(struct kunit *test)
{
	struct vcpu *vcpu = svm_vcpu_at(test, wrmsr_rdmsr, 2);

	msr_exit(vcpu, true, MSR_EFER, EFER_LMSLE);
	KUNIT_EXPECT_EQ(test, svm_exit(vcpu), VERDICT_USER);
	KUNIT_EXPECT_EQ(test, vcpu->exit.exitcode, VM_EXITCODE_SVM);
	KUNIT_EXPECT_EQ(test, vcpu->exit.u.svm.exitinfo1, 1);
}

static void msr_some_are_quiet(struct kunit *test)
{
	static const u32 quiet[] = { 0xc0010010, 0xc0010055, 0xc0011005, 0xc0011002, 0xc0011004 };
	struct vcpu *vcpu = svm_vcpu_at(test, wrmsr_rdmsr, 2);
	int i;

	for (i = 0; i < ARRAY_SIZE(quiet); i++) {
		msr_exit(vcpu, true, quiet[i], ~0ULL);
		expect_done(test, vcpu, 2);
		msr_exit(vcpu, false, quiet[i], ~0ULL);
		expect_done(test, vcpu, 2);
		KUNIT_EXPECT_EQ(test, vcpu->gpr[GPR_RAX] | vcpu->gpr[GPR_RDX], 0);
	}
	/* Microcode: a write goes nowhere. */
	msr_exit(vcpu, true, 0xc0010020, 0x1000);
	expect_done(test, vcpu, 2);
}

static void msr_pat_is_checked(struct kunit *test)
{
	struct vcpu *vcpu = svm_vcpu_at(test, wrmsr_rdmsr, 2);

	msr_exit(vcpu, true, MSR_IA32_CR_PAT, 0x0706050400010406ULL);
	expect_done(test, vcpu, 2);
	msr_exit(vcpu, true, MSR_IA32_CR_PAT, 0x0706050400010402ULL);
	expect_fault(test, vcpu, FAULT_0(X86_TRAP_GP));
	KUNIT_EXPECT_EQ(test, to_vmcb(vcpu)->state.pat, 0x0706050400010406ULL);
	msr_exit(vcpu, false, MSR_IA32_CR_PAT, 0);
	expect_done(test, vcpu, 2);
	KUNIT_EXPECT_EQ(test, vcpu->gpr[GPR_RAX], 0x00010406);
	KUNIT_EXPECT_EQ(test, vcpu->gpr[GPR_RDX], 0x07060504);
}

static void msr_others_are_neutral(struct kunit *test)
{
	struct vcpu *vcpu = svm_vcpu_at(test, wrmsr_rdmsr, 2);

	msr_exit(vcpu, true, MSR_IA32_TSC, 0x123456789abcdef0ULL);
	expect_exit(test, vcpu, VERDICT_NEUTRAL, VM_EXITCODE_WRMSR, 2);
	KUNIT_EXPECT_EQ(test, vcpu->exit.u.msr.code, MSR_IA32_TSC);
	KUNIT_EXPECT_EQ(test, vcpu->exit.u.msr.wval, 0x123456789abcdef0ULL);
	msr_exit(vcpu, false, 0xc0000103, 0);
	expect_exit(test, vcpu, VERDICT_NEUTRAL, VM_EXITCODE_RDMSR, 2);
	KUNIT_EXPECT_EQ(test, vcpu->exit.u.msr.code, 0xc0000103);
}

/* --- exceptions ---------------------------------------------------------------------- */

/* What is intercepted for our own sake goes on to the guest as it was. */
static void exceptions_are_reflected(struct kunit *test)
{
	static const u32 with_error = GENMASK(14, 10) | BIT(17) | BIT(21);
	/* NMI, #BP, #OF (traps), #DF, the coprocessor's old one, reserved ones, #MC. */
	static const u32 others = GENMASK(4, 2) | BIT(8) | BIT(9) | BIT(15) | BIT(18) | BIT(20);
	struct vcpu *vcpu = svm_vcpu_at(test, NULL, 0);
	unsigned int vector;
	u64 want;

	for (vector = 0; vector < 22; vector++) {
		if (BIT(vector) & others)
			continue;
		svm_vmexit(vcpu, EXIT_EXCEPTION + vector, 0x18, 0x7654321000ULL, 0);
		KUNIT_EXPECT_EQ(test, svm_exit(vcpu), VERDICT_RESUME);
		want = FAULT(vector);
		if (with_error & BIT(vector))
			want |= VM_INTINFO_DEL_ERRCODE | 0x18ULL << 32;
		KUNIT_EXPECT_EQ_MSG(test, vcpu->events.exception, want, "vector %u", vector);
		KUNIT_EXPECT_EQ(test, vcpu->nextrip, CODE_RIP);
		if (vector == X86_TRAP_PF)
			KUNIT_EXPECT_EQ(test, vcpu->cr2, 0x7654321000ULL);
	}
}

static void breakpoints_leave_with_their_length(struct kunit *test)
{
	static const u8 int3[] = { 0xcc }, int_3[] = { 0xcd, 0x03 };
	struct vcpu *vcpu = svm_vcpu_at(test, int3, 1);

	svm_vmexit(vcpu, EXIT_EXCEPTION + X86_TRAP_BP, 0, 0, 0);
	expect_exit(test, vcpu, VERDICT_USER, VM_EXITCODE_BPT, 0);
	KUNIT_EXPECT_EQ(test, vcpu->exit.u.bpt.inst_length, 1);
	fake_poke(test, CODE_RIP, int_3, 2);
	svm_vmexit(vcpu, EXIT_EXCEPTION + X86_TRAP_BP, 0, 0, 0);
	expect_exit(test, vcpu, VERDICT_USER, VM_EXITCODE_BPT, 0);
	KUNIT_EXPECT_EQ(test, vcpu->exit.u.bpt.inst_length, 2);
}

static void single_steps_leave_when_asked_for(struct kunit *test)
{
	struct vcpu *vcpu = svm_vcpu_at(test, NULL, 0);
	u64 rflags;

	KUNIT_EXPECT_EQ(test, svm_cap_set(vcpu, VM_CAP_RFLAGS_TF, 1), 0);
	svm_reg_get(vcpu, VM_REG_GUEST_RFLAGS, &rflags);
	KUNIT_EXPECT_FALSE(test, rflags & X86_EFLAGS_TF);
	KUNIT_EXPECT_TRUE(test, to_vmcb(vcpu)->state.rflags & X86_EFLAGS_TF);
	to_vmcb(vcpu)->state.dr6 |= BIT(14);
	svm_vmexit(vcpu, EXIT_EXCEPTION + X86_TRAP_DB, 0, 0, 0);
	expect_exit(test, vcpu, VERDICT_USER, VM_EXITCODE_DB, 0);
	KUNIT_EXPECT_EQ(test, vcpu->exit.u.dbg.trace_trap, 1);
	KUNIT_EXPECT_EQ(test, vcpu->exit.u.dbg.pushf_intercept, 0);
	KUNIT_EXPECT_EQ(test, svm_cap_set(vcpu, VM_CAP_RFLAGS_TF, 0), 0);
	KUNIT_EXPECT_FALSE(test, to_vmcb(vcpu)->state.rflags & X86_EFLAGS_TF);
}

/* --- ports --------------------------------------------------------------------------- */

static u64 ioio(u16 port, int bytes, bool in, u64 more)
{
	return (u64)port << 16 | (u64)bytes << 4 | in | more;
}

static void ports_are_neutral(struct kunit *test)
{
	struct vcpu *vcpu = svm_vcpu_at(test, NULL, 0);
	int i, bytes, in;

	vcpu->gpr[GPR_RAX] = 0x1122334455667788ULL;
	for (i = 0; i < 6; i++) {
		bytes = 1 << i % 3;
		in = i / 3;
		svm_vmexit(vcpu, EXIT_IOIO, ioio(0xfff0 + i, bytes, in, 0), CODE_RIP + 2, 0);
		expect_exit(test, vcpu, VERDICT_NEUTRAL, VM_EXITCODE_INOUT, 2);
		KUNIT_EXPECT_EQ(test, vcpu->exit.u.inout.port, 0xfff0 + i);
		KUNIT_EXPECT_EQ(test, (int)vcpu->exit.u.inout.bytes, bytes);
		KUNIT_EXPECT_EQ(test, (int)vcpu->exit.u.inout.in, in);
		KUNIT_EXPECT_EQ(test, (int)vcpu->exit.u.inout.string, 0);
		KUNIT_EXPECT_EQ(test, (int)vcpu->exit.u.inout.rep, 0);
		KUNIT_EXPECT_EQ(test, vcpu->exit.u.inout.eax, 0x55667788);
	}
}

#define STRING	BIT(2)
#define REP	BIT(3)
#define ADDR16	BIT(7)
#define ADDR32	BIT(8)
#define ADDR64	BIT(9)

/* rep insb with 16-bit addresses: ES, DI and CX. */
static void string_ports_say_where(struct kunit *test)
{
	static const u8 fs_outsd[] = { 0x64, 0x6f };
	struct vm_inout_str *str;
	struct vcpu *vcpu = svm_vcpu_at(test, fs_outsd, 2);

	str = &vcpu->exit.u.inout_str;
	vcpu->gpr[GPR_RDI] = 0x12345678;
	vcpu->gpr[GPR_RSI] = 0x9abcdef0;
	vcpu->gpr[GPR_RCX] = 0x55550003;
	svm_vmexit(vcpu, EXIT_IOIO, ioio(0x60, 1, true, STRING | REP | ADDR16), CODE_RIP + 3, 0);
	expect_exit(test, vcpu, VERDICT_NEUTRAL, VM_EXITCODE_INOUT_STR, 3);
	KUNIT_EXPECT_EQ(test, (int)str->inout.string, 1);
	KUNIT_EXPECT_EQ(test, (int)str->inout.rep, 1);
	KUNIT_EXPECT_EQ(test, str->addrsize, 2);
	KUNIT_EXPECT_EQ(test, str->index, 0x5678);
	KUNIT_EXPECT_EQ(test, str->count, 3);
	KUNIT_EXPECT_EQ(test, (int)str->seg_name, VM_REG_GUEST_ES);

	/* fs outsd, by the bytes and by decode assists. */
	svm_vmexit(vcpu, EXIT_IOIO, ioio(0x60, 4, false, STRING | ADDR32), CODE_RIP + 2, 0);
	expect_exit(test, vcpu, VERDICT_NEUTRAL, VM_EXITCODE_INOUT_STR, 2);
	KUNIT_EXPECT_EQ(test, str->index, 0x9abcdef0);
	KUNIT_EXPECT_EQ(test, str->count, 1);
	KUNIT_EXPECT_EQ(test, (int)str->seg_name, VM_REG_GUEST_FS);
	KUNIT_EXPECT_EQ(test, str->seg_desc.limit, 0xffffffff);
	svm_caps.decode_assists = true;
	svm_vmexit(vcpu, EXIT_IOIO, ioio(0x60, 4, false, STRING | ADDR64 | 2 << 10), CODE_RIP + 2,
		   0);
	expect_exit(test, vcpu, VERDICT_NEUTRAL, VM_EXITCODE_INOUT_STR, 2);
	KUNIT_EXPECT_EQ(test, (int)str->seg_name, VM_REG_GUEST_SS);
	KUNIT_EXPECT_EQ(test, str->addrsize, 8);
}

/* --- the rest ------------------------------------------------------------------------ */

static void halts_and_pauses_are_neutral(struct kunit *test)
{
	static const u8 hlt[] = { 0xf4 }, pause[] = { 0xf3, 0x90 };
	struct vcpu *vcpu = svm_vcpu_at(test, hlt, 1);

	to_vmcb(vcpu)->state.rflags = X86_EFLAGS_IF | X86_EFLAGS_FIXED;
	svm_vmexit(vcpu, EXIT_HLT, 0, 0, 0);
	expect_exit(test, vcpu, VERDICT_NEUTRAL, VM_EXITCODE_HLT, 1);
	KUNIT_EXPECT_EQ(test, vcpu->exit.u.hlt.rflags, X86_EFLAGS_IF | X86_EFLAGS_FIXED);
	fake_poke(test, CODE_RIP, pause, 2);
	svm_vmexit(vcpu, EXIT_PAUSE, 0, 0, 0);
	expect_exit(test, vcpu, VERDICT_NEUTRAL, VM_EXITCODE_PAUSE, 2);
}

static void nested_faults_say_what_was_tried(struct kunit *test)
{
	/*
	 * EXITINFO1 is a page-fault error code: write 1, reserved 3, fetch 4; 33: on a page table.
	 */
	static const struct { u64 info; int type; } table[] = {
		{ BIT_ULL(32) | BIT(2), VM_PROT_READ },
		{ BIT_ULL(32) | BIT(2) | BIT(1), VM_PROT_WRITE },
		{ BIT_ULL(32) | BIT(2) | BIT(4), VM_PROT_EXECUTE },
		{ BIT_ULL(33) | BIT(2) | BIT(1), VM_PROT_WRITE },
	};
	struct vcpu *vcpu = svm_vcpu_at(test, NULL, 0);
	int i;

	for (i = 0; i < ARRAY_SIZE(table); i++) {
		svm_vmexit(vcpu, EXIT_NPF, table[i].info, 0x5008, 0);
		expect_exit(test, vcpu, VERDICT_NEUTRAL, VM_EXITCODE_PAGING, 0);
		KUNIT_EXPECT_EQ(test, vcpu->exit.u.paging.gpa, 0x5008);
		KUNIT_EXPECT_EQ(test, vcpu->exit.u.paging.fault_type, table[i].type);
	}
	/* Page tables on no memory, and a reserved bit in our own: not the guest's access. */
	svm_vmexit(vcpu, EXIT_NPF, BIT_ULL(33) | BIT(2), 0xd0000000, 0);
	expect_unclaimed(test, vcpu);
	svm_vmexit(vcpu, EXIT_NPF, BIT_ULL(32) | BIT(3), 0x5008, 0);
	expect_unclaimed(test, vcpu);
}

/* Decode assists hand over instruction bytes, unless hw.vmm.svm.disable_npf_assist says no. */
static void nested_faults_bring_instruction_bytes(struct kunit *test)
{
	static const struct { bool assists, disabled; u8 len, count; } table[] = {
		{ true, false, 15, 15 }, { true, false, 3, 3 }, { true, false, 0, 0 },
		{ true, true, 15, 0 }, { false, false, 15, 0 }, { true, false, 0xf0 | 7, 7 },
	};
	struct vcpu *vcpu = svm_vcpu_at(test, NULL, 0);
	u8 *bytes = to_vmcb(vcpu)->control.inst_bytes;
	int i;

	for (i = 0; i < ARRAY_SIZE(table); i++) {
		svm_caps.decode_assists = table[i].assists;
		svm_disable_npf_assist = table[i].disabled;
		memset(bytes, 0x90 + i, VIE_INST_SIZE);
		to_vmcb(vcpu)->control.inst_len = table[i].len;
		svm_vmexit(vcpu, EXIT_NPF, BIT_ULL(32) | BIT(2), 0x5008, 0);
		expect_exit(test, vcpu, VERDICT_NEUTRAL, VM_EXITCODE_PAGING, 0);
		KUNIT_EXPECT_EQ(test, vcpu->insn_count, table[i].count);
		KUNIT_EXPECT_EQ(test, memcmp(vcpu->insn_bytes, bytes, table[i].count), 0);
	}
	svm_disable_npf_assist = false;
}

static void task_switches_say_why(struct kunit *test)
{
	static const u8 ljmp[] = { 0xea, 0, 0, 0, 0, 0x30, 0 };
	const struct vm_task_switch *ts;
	struct vcpu *vcpu = svm_vcpu_at(test, ljmp, sizeof(ljmp));

	ts = &vcpu->exit.u.task_switch;
	/* 15.14.1: selector; 36 IRET, 38 JMP, 44 error code. */
	svm_vmexit(vcpu, EXIT_TASK_SWITCH, 0x30, BIT_ULL(38), 0);
	expect_exit(test, vcpu, VERDICT_NEUTRAL, VM_EXITCODE_TASK_SWITCH, 7);
	KUNIT_EXPECT_EQ(test, ts->tsssel, 0x30);
	KUNIT_EXPECT_EQ(test, (int)ts->reason, TSR_JMP);
	KUNIT_EXPECT_EQ(test, ts->ext, 0);
	KUNIT_EXPECT_EQ(test, ts->errcode_valid, 0);

	svm_vmexit(vcpu, EXIT_TASK_SWITCH, 0x38, BIT_ULL(44) | 0x1234, 0);
	to_vmcb(vcpu)->control.exitintinfo = FAULT_0(13) | 0x1234ULL << 32;
	expect_exit(test, vcpu, VERDICT_NEUTRAL, VM_EXITCODE_TASK_SWITCH, 0);
	KUNIT_EXPECT_EQ(test, (int)ts->reason, TSR_IDT_GATE);
	KUNIT_EXPECT_EQ(test, ts->ext, 1);
	KUNIT_EXPECT_EQ(test, ts->errcode_valid, 1);
	KUNIT_EXPECT_EQ(test, ts->errcode, 0x1234);
}

static void shutdown_suspends(struct kunit *test)
{
	struct vcpu *vcpu = svm_vcpu_at(test, NULL, 0);

	svm_vmexit(vcpu, EXIT_SHUTDOWN, 0, 0, 0);
	KUNIT_EXPECT_EQ(test, svm_exit(vcpu), VERDICT_RESUME);
	KUNIT_EXPECT_EQ(test, vcpu->vm->suspend, VM_SUSPEND_TRIPLEFAULT);
}

static void host_events_change_nothing(struct kunit *test)
{
	static const u16 codes[] = { EXIT_INTR, EXIT_NMI, EXIT_SMI, EXIT_INIT, EXIT_FERR_FREEZE };
	struct vcpu *vcpu = svm_vcpu_at(test, NULL, 0);
	int i;

	for (i = 0; i < ARRAY_SIZE(codes); i++) {
		svm_vmexit(vcpu, codes[i], 0, 0, 0);
		expect_done(test, vcpu, 0);
	}
}

/*
 * Whatever hardware may say, with whatever beside it: an answer, and those without a rule are user
 * space's.
 */
static void every_code_has_an_answer(struct kunit *test)
{
	static const u64 infos[] = { 0, ~0ULL, 0x8000000000000000ULL, 0x0000003f00ffULL };
	static const u64 beyond[] = {
		EXIT_COUNT, 0x3ff, 0x401, 0x402, 0x403, ~0ULL, ~1ULL, BIT_ULL(32),
	};
	struct vcpu *vcpu = svm_vcpu_at(test, NULL, 0);
	unsigned int code;
	int i, verdict;

	for (code = 0; code < EXIT_COUNT; code++) {
		/* One would be handed to the host; the other has cases of its own above. */
		if (code == EXIT_EXCEPTION + X86_TRAP_MC || code == EXIT_IOIO)
			continue;
		for (i = 0; i < ARRAY_SIZE(infos) * 2; i++) {
			svm_caps.nrip_save = i & 1;
			svm_caps.decode_assists = i & 1;
			svm_vmexit(vcpu, code, infos[i / 2], infos[i / 2], i & 1 ? CODE_RIP + 2 : 0);
			verdict = svm_exit(vcpu);
			KUNIT_EXPECT_GE_MSG(test, verdict, VERDICT_RESUME, "code 0x%x", code);
			KUNIT_EXPECT_LE_MSG(test, verdict, VERDICT_USER, "code 0x%x", code);
			KUNIT_EXPECT_LE(test, (unsigned int)vcpu->exit.inst_length, 15);
		}
	}
	for (i = 0; i < ARRAY_SIZE(beyond); i++) {
		svm_vmexit(vcpu, beyond[i], 0x1111, 0x2222, 0);
		expect_unclaimed(test, vcpu);
	}
	KUNIT_EXPECT_FALSE(test, vcpu->vm->dead);
}

static struct kunit_case svm_exit_test_cases[] = {
	KUNIT_CASE(insns_that_are_not_there),
	KUNIT_CASE(insns_that_are_skipped),
	KUNIT_CASE(insns_wrap_with_the_mode),
	KUNIT_CASE(insns_out_of_memory_fail_vm_run),
	KUNIT_CASE(cpuid_is_answered),
	KUNIT_CASE(xsetbv_has_conditions),
	KUNIT_CASE(cr0_writes_are_checked),
	KUNIT_CASE(cr0_paging_sets_lma),
	KUNIT_CASE(cr0_has_short_forms),
	KUNIT_CASE(cr4_writes_are_checked),
	KUNIT_CASE(cr8_is_the_task_priority),
	KUNIT_CASE(debug_registers_are_the_guests),
	KUNIT_CASE(dr7_keeps_its_fixed_bits),
	KUNIT_CASE(msr_efer_hides_svme),
	KUNIT_CASE(msr_efer_lmsle_is_unclaimed),
	KUNIT_CASE(msr_some_are_quiet),
	KUNIT_CASE(msr_pat_is_checked),
	KUNIT_CASE(msr_others_are_neutral),
	KUNIT_CASE(exceptions_are_reflected),
	KUNIT_CASE(breakpoints_leave_with_their_length),
	KUNIT_CASE(single_steps_leave_when_asked_for),
	KUNIT_CASE(ports_are_neutral),
	KUNIT_CASE(string_ports_say_where),
	KUNIT_CASE(halts_and_pauses_are_neutral),
	KUNIT_CASE(nested_faults_say_what_was_tried),
	KUNIT_CASE(nested_faults_bring_instruction_bytes),
	KUNIT_CASE(task_switches_say_why),
	KUNIT_CASE(shutdown_suspends),
	KUNIT_CASE(host_events_change_nothing),
	KUNIT_CASE(every_code_has_an_answer),
	{}
};

static struct kunit_suite svm_exit_test_suite = {
	.name = "vmm-svm-exit",
	.suite_init = svm_suite_init,
	.suite_exit = svm_suite_exit,
	.init = svm_test_init,
	.exit = fake_vm_test_exit,
	.test_cases = svm_exit_test_cases,
};
kunit_test_suite(svm_exit_test_suite);
