/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * svm_fixture: a VM on the SVM backend whose vCPUs have VMCBs and never enter a guest: what a VMRUN
 * would leave there is written by the test.
 */
#ifndef KUNIT_SVM_FIXTURE_H
#define KUNIT_SVM_FIXTURE_H

#include <linux/sizes.h>
#include <asm/processor-flags.h>
#include "fake_vm.h"
#include "svm/svm.h"

#define CODE_RIP	0x1000ULL	/* where the guest is */

static inline int svm_suite_init(struct kunit_suite *suite)
{
	int err = fake_suite_init(suite);

	if (err)
		return err;
	err = svm_msrs_init();
	if (err)
		fake_suite_exit(suite);
	return err;
}

static inline void svm_suite_exit(struct kunit_suite *suite)
{
	svm_msrs_exit();
	fake_suite_exit(suite);
}

/* A CPU without any of the optional features. */
static inline int svm_test_init(struct kunit *test)
{
	svm_caps = (struct svm_caps){
		.asids = 16,
		.efer_allowed = EFER_SCE | EFER_LME | EFER_LMA | EFER_NX,
		.cr4_allowed = X86_CR4_TSD | X86_CR4_PSE | X86_CR4_PAE | X86_CR4_PGE |
			       X86_CR4_OSFXSR | X86_CR4_OSXSAVE,
	};
	return fake_vm_test_init_on(test, &svm_backend);
}

/* vCPU 0, held, in flat 32-bit code without paging, with @len bytes of @code at CODE_RIP. */
static inline struct vcpu *svm_vcpu_at(struct kunit *test, const void *code, size_t len)
{
	struct seg_desc flat = { .limit = 0xffffffff, .access = 0xc093 };
	struct vcpu *vcpu = fake_vcpu_held(test, 0);
	int reg;

	KUNIT_ASSERT_EQ(test, fake_memory(test, 0, 0, SZ_1M, VM_PROT_ALL), 0);
	if (len)
		KUNIT_ASSERT_EQ(test, fake_poke(test, CODE_RIP, code, len), 0);
	for (reg = VM_REG_GUEST_ES; reg <= VM_REG_GUEST_GS; reg++)
		svm_desc_set(vcpu, reg, &flat);
	flat.access = 0xc09b;
	svm_desc_set(vcpu, VM_REG_GUEST_CS, &flat);
	svm_reg_set(vcpu, VM_REG_GUEST_CR0, X86_CR0_PE | X86_CR0_ET);
	return vcpu;
}

/* 64-bit code at CPL 0; without paging, so that addresses stay simple. */
static inline void svm_go_64bit(struct vcpu *vcpu)
{
	struct seg_desc cs = { .access = 0xa09b };

	svm_desc_set(vcpu, VM_REG_GUEST_CS, &cs);
	svm_reg_set(vcpu, VM_REG_GUEST_EFER, EFER_LME | EFER_LMA);
}

/*
 * As svm_run() finds things after #VMEXIT. @next: RIP behind the instruction, where hardware saves
 * it.
 */
static inline void svm_vmexit(struct vcpu *vcpu, u64 code, u64 info1, u64 info2, u64 next)
{
	struct vmcb_control *control = &to_vmcb(vcpu)->control;

	control->exitcode = code;
	control->exitinfo1 = info1;
	control->exitinfo2 = info2;
	control->exitintinfo = 0;
	control->nextrip = next;
	vcpu->exit_rip = CODE_RIP;
	vcpu->nextrip = CODE_RIP;
	vcpu->events.exception = 0;
	vcpu->events.exitintinfo = 0;
}

#endif
