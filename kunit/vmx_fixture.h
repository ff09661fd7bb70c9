/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * vmx_fixture: a VM on the VMX backend whose vCPUs have VMCSs in memory (fake_vmx.h) and never
 * enter a guest: what an exit would leave is written by the test.
 */
#ifndef KUNIT_VMX_FIXTURE_H
#define KUNIT_VMX_FIXTURE_H

#include <linux/sizes.h>
#include <asm/processor-flags.h>
#include "fake_vm.h"
#include "fake_vmx.h"

#define CODE_RIP	0x1000ULL	/* where the guest is */
#define REVISION	0x12345

/* IA32_VMX_BASIC: write-back VMCSs of 4 KiB, information on INS and OUTS; TRUE MSRs or none. */
#define BASIC_PLAIN	(REVISION | 0x1000ULL << 32 | 6ULL << 50 | BIT_ULL(54))
#define BASIC_TRUE	(BASIC_PLAIN | BIT_ULL(55))

/* Capability MSRs by their last byte: what must be 1 low, what may be 1 high. */
#define MSR_PIN		0x81
#define MSR_PROC	0x82
#define MSR_EXIT	0x83
#define MSR_ENTRY	0x84
#define MSR_PROC2	0x8b
#define MSR_TRUE_PIN	0x8d
#define MSR_TRUE_PROC	0x8e
#define MSR_TRUE_EXIT	0x8f
#define MSR_TRUE_ENTRY	0x90

static inline void msr_set(unsigned int msr, u32 must_be_1, u32 may_be_1)
{
	fake_vmx.msrs[msr - 0x80] = must_be_1 | (u64)may_be_1 << 32;
}

/* A processor with everything: the defaults of appendix A, and all bits may be set. */
static inline void msrs_of_all(void)
{
	fake_vmx.msrs[0] = BASIC_TRUE;
	msr_set(MSR_PIN, 0x16, ~0U);
	msr_set(MSR_PROC, 0x0401e172, ~0U);
	msr_set(MSR_EXIT, 0x36dff, ~0U);
	msr_set(MSR_ENTRY, 0x11ff, ~0U);
	msr_set(MSR_PROC2, 0, ~0U);
	msr_set(MSR_TRUE_PIN, 0x16, ~0U);
	msr_set(MSR_TRUE_PROC, 0x04006172, ~0U);
	msr_set(MSR_TRUE_EXIT, 0x36dfb, ~0U);
	msr_set(MSR_TRUE_ENTRY, 0x11fb, ~0U);
}

static inline int caps_of_all(void)
{
	fake_vmx_reset();
	msrs_of_all();
	vmx_caps = (struct vmx_caps){
		.revision = REVISION, .ins_info = true, .ept_ad = true, .ept_large = true,
		.invept_context = true, .vpid = true, .invvpid_context = true,
		.activity_supported = 0xf,
		.cr0_fixed0 = 0x80000021, .cr0_fixed1 = 0xffffffff,
		.cr4_fixed0 = X86_CR4_VMXE, .cr4_fixed1 = 0xf7ffff,
		.cr0_ones = X86_CR0_NE, .cr0_zeros = X86_CR0_CD | X86_CR0_NW,
		.cr0_mask = X86_CR0_NE | X86_CR0_CD | X86_CR0_NW,
		.cr4_allowed = X86_CR4_TSD | X86_CR4_PSE | X86_CR4_PAE | X86_CR4_PGE |
			       X86_CR4_OSFXSR | X86_CR4_OSXSAVE,
		.cr4_ones = X86_CR4_VMXE | X86_CR4_MCE,
	};
	vmx_caps.cr4_mask = ~(vmx_caps.cr4_allowed & ~(u64)X86_CR4_OSXSAVE);
	return vmx_controls_read(BASIC_TRUE, NULL);
}

static inline int vmx_suite_init(struct kunit_suite *suite)
{
	int cpu, err = fake_suite_init(suite);

	if (err)
		return err;
	vmx_cap_intr_delivery = true;
	err = caps_of_all() ?: vmx_msrs_init();
	if (err)
		goto err_fake;
	err = vmx_cpus_init();
	if (err)
		goto err_msrs;
	for_each_possible_cpu(cpu)
		per_cpu_ptr(&vmx_cpus, cpu)->enabled = true;
	return 0;

err_msrs:
	vmx_msrs_exit();
err_fake:
	fake_suite_exit(suite);
	return err;
}

static inline void vmx_suite_exit(struct kunit_suite *suite)
{
	int cpu;

	for_each_possible_cpu(cpu)
		per_cpu_ptr(&vmx_cpus, cpu)->enabled = false;
	vmx_cpus_exit();
	vmx_msrs_exit();
	vmx_cap_intr_delivery = true;
	fake_suite_exit(suite);
}

static inline int vmx_test_init_with(struct kunit *test, bool intr_delivery)
{
	int err;

	vmx_cap_intr_delivery = intr_delivery;
	err = caps_of_all();
	ept_format_init();
	return err ?: fake_vm_test_init_on(test, &vmx_backend);
}

/* Interrupts are injected. */
static inline int vmx_test_init(struct kunit *test)
{
	return vmx_test_init_with(test, false);
}

static inline void vmx_test_exit(struct kunit *test)
{
	fake_vm_test_exit(test);
	KUNIT_EXPECT_STREQ(test, fake_vmx.broken ?: "", "");
}

/* vCPU 0, held, in flat 32-bit code without paging, with @len bytes of @code at CODE_RIP. */
static inline struct vcpu *vmx_vcpu_at(struct kunit *test, const void *code, size_t len)
{
	struct seg_desc flat = { .limit = 0xffffffff, .access = 0xc093 };
	struct vcpu *vcpu = fake_vcpu_held(test, 0);
	int reg;

	KUNIT_ASSERT_EQ(test, fake_memory(test, 0, 0, SZ_1M, VM_PROT_ALL), 0);
	if (len)
		KUNIT_ASSERT_EQ(test, fake_poke(test, CODE_RIP, code, len), 0);
	for (reg = VM_REG_GUEST_ES; reg <= VM_REG_GUEST_GS; reg++)
		vmx_desc_set(vcpu, reg, &flat);
	flat.access = 0xc09b;
	vmx_desc_set(vcpu, VM_REG_GUEST_CS, &flat);
	flat = (struct seg_desc){ .limit = 0x67, .access = 0x8b };
	vmx_desc_set(vcpu, VM_REG_GUEST_TR, &flat);
	vmx_reg_set(vcpu, VM_REG_GUEST_CR0, X86_CR0_PE | X86_CR0_ET);
	return vcpu;
}

/* 64-bit code at CPL 0; without paging, so that addresses stay simple. */
static inline void vmx_go_64bit(struct vcpu *vcpu)
{
	struct seg_desc cs = { .limit = 0xffffffff, .access = 0xa09b };

	vmx_desc_set(vcpu, VM_REG_GUEST_CS, &cs);
	vmx_reg_set(vcpu, VM_REG_GUEST_EFER, EFER_LME | EFER_LMA);
}

/* As vmx_exit() finds things after an exit. @length: of the instruction, as the processor says. */
static inline void vmx_vmexit(struct vcpu *vcpu, u32 reason, u64 qualification, u32 length)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);

	vmx->exit = (struct vmx_exit_info){
		.reason = reason, .qualification = qualification, .inst_length = length,
	};
	vcpu->exit_rip = CODE_RIP;
	vcpu->nextrip = CODE_RIP;
	vmx->vmcs_rip = CODE_RIP;
	vcpu->events.exception = 0;
	vcpu->events.exitintinfo = 0;
}

#endif
