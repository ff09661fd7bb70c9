// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * msr: which MSRs and ports the guest reaches without an exit, and the MSRs that are
 * AMD's own (semantics.md section 23; AMD64 manual vol. 2, 15.10 and 15.11).
 */
#include <linux/gfp.h>
#include <linux/mm.h>
#include <asm/msr-index.h>
#include "../x86/msr.h"
#include "svm.h"

/* Two bits an MSR: read, write; 1 intercepts. Three ranges of 2 KiB. */
#define MSRPM_ORDER	1
#define MSRPM_BYTES	(PAGE_SIZE << MSRPM_ORDER)
/* A bit a port, and the 12 bits behind 64 Ki ports that a doubleword access at 0xffff looks at. */
#define IOPM_ORDER	2
#define IOPM_BYTES	(PAGE_SIZE << IOPM_ORDER)

static u8 *msrpm, *iopm;		/* constant after load */

/*
 * Bit number of the read permission, or -1 for an MSR that the map does not cover: always
 * intercepted.
 */
int svm_msrpm_bit(u32 msr)
{
	if (msr <= 0x1fff)
		return 2 * msr;
	if (msr >= 0xc0000000 && msr <= 0xc0001fff)
		return 0x4000 + 2 * (msr - 0xc0000000);
	if (msr >= 0xc0010000 && msr <= 0xc0011fff)
		return 0x8000 + 2 * (msr - 0xc0010000);
	return -1;
}

enum { DIRECT_READ = 1, DIRECT_WRITE = 2 };

/*
 * VMLOAD, VMSAVE and VMRUN switch all of these but the TSC, which the guest only reads, with its
 * offset. EFER is not among them: its SVME bit would show. Nor is PAT: hardware keeps the guest's
 * in the VMCB, but QEMU's processor has only one, the host's.
 */
static const struct { u32 msr; int direct; } direct_msrs[] = {
	{ MSR_FS_BASE, DIRECT_READ | DIRECT_WRITE },
	{ MSR_GS_BASE, DIRECT_READ | DIRECT_WRITE },
	{ MSR_KERNEL_GS_BASE, DIRECT_READ | DIRECT_WRITE },
	{ MSR_STAR, DIRECT_READ | DIRECT_WRITE },
	{ MSR_LSTAR, DIRECT_READ | DIRECT_WRITE },
	{ MSR_CSTAR, DIRECT_READ | DIRECT_WRITE },
	{ MSR_SYSCALL_MASK, DIRECT_READ | DIRECT_WRITE },
	{ MSR_IA32_SYSENTER_CS, DIRECT_READ | DIRECT_WRITE },
	{ MSR_IA32_SYSENTER_ESP, DIRECT_READ | DIRECT_WRITE },
	{ MSR_IA32_SYSENTER_EIP, DIRECT_READ | DIRECT_WRITE },
	{ MSR_IA32_TSC, DIRECT_READ },
};

static u8 *map_alloc(unsigned int order, size_t bytes)
{
	u8 *map = (void *)__get_free_pages(GFP_KERNEL, order);

	if (map)
		memset(map, 0xff, bytes);
	return map;
}

int svm_msrs_init(void)
{
	int i, bit;

	msrpm = map_alloc(MSRPM_ORDER, MSRPM_BYTES);
	iopm = map_alloc(IOPM_ORDER, IOPM_BYTES);
	if (!msrpm || !iopm) {
		svm_msrs_exit();
		return -ENOMEM;
	}
	for (i = 0; i < ARRAY_SIZE(direct_msrs); i++) {
		bit = svm_msrpm_bit(direct_msrs[i].msr);
		msrpm[bit / 8] &= ~(direct_msrs[i].direct << (bit % 8));
	}
	return 0;
}

void svm_msrs_exit(void)
{
	free_pages((unsigned long)msrpm, MSRPM_ORDER);
	free_pages((unsigned long)iopm, IOPM_ORDER);
	msrpm = NULL;
	iopm = NULL;
}

u64 svm_msrpm_pa(void)
{
	return __pa(msrpm);
}

u64 svm_iopm_pa(void)
{
	return __pa(iopm);
}

const u8 *svm_msrpm(void)
{
	return msrpm;
}

const u8 *svm_iopm(void)
{
	return iopm;
}

/* LMSLE: not offered; user space is shown the attempt (semantics.md section 23). */
#define EFER_LONG_MODE_SEGMENT_LIMIT	BIT_ULL(13)

#define MSR_LS_CFG2		0xc0011002	/* CPUID feature override, read by Windows */
#define MSR_CPUID_FEATURES	0xc0011004
#define MSR_EXT_FEATURES	0xc0011005

/* MSRs of AMD's that read 0 and ignore writes. */
static bool msr_is_quiet(u32 msr)
{
	switch (msr) {
	case MSR_AMD64_SYSCFG:
	case MSR_K8_INT_PENDING_MSG:
	case MSR_LS_CFG2:
	case MSR_CPUID_FEATURES:
	case MSR_EXT_FEATURES:
		return true;
	default:
		return false;
	}
}

/* 0; -ENOENT: neutral code or user space knows; -EINVAL: #GP. */
static int msr_read(struct vcpu *vcpu, u32 msr, u64 *val)
{
	switch (msr) {
	case MSR_EFER:
		return svm_reg_get(vcpu, VM_REG_GUEST_EFER, val);
	case MSR_IA32_CR_PAT:
		*val = to_vmcb(vcpu)->state.pat;
		return 0;
	default:
		if (!msr_is_quiet(msr))
			return -ENOENT;
		*val = 0;
		return 0;
	}
}

static int msr_write(struct vcpu *vcpu, u32 msr, u64 val)
{
	switch (msr) {
	case MSR_EFER:
		return svm_set_efer(vcpu, val);
	case MSR_IA32_CR_PAT:
		if (!x86_pat_valid(val))
			return -EINVAL;
		to_vmcb(vcpu)->state.pat = val;
		vmcb_dirty(to_vmcb(vcpu), CLEAN_NP);
		return 0;
	case MSR_AMD64_PATCH_LOADER:
		return 0;
	default:
		return msr_is_quiet(msr) ? 0 : -ENOENT;
	}
}

int svm_exit_msr(struct vcpu *vcpu)
{
	struct vm_exit *exit = &vcpu->exit;
	bool write = to_vmcb(vcpu)->control.exitinfo1;
	u32 msr = vcpu->gpr[GPR_RCX];
	u64 val = (u32)vcpu->gpr[GPR_RAX] | vcpu->gpr[GPR_RDX] << 32;
	int err;

	vcpu_stat_inc(vcpu, write ? VMEXIT_WRMSR : VMEXIT_RDMSR);
	err = svm_skip_two_byte(vcpu, write ? OPCODE_WRMSR : OPCODE_RDMSR);
	if (err)
		return err < 0 ? err : VERDICT_RESUME;

	if (write && msr == MSR_EFER && (val & EFER_LONG_MODE_SEGMENT_LIMIT)) {
		svm_exit_unclaimed(vcpu);
		return VERDICT_USER;
	}
	err = write ? msr_write(vcpu, msr, val) : msr_read(vcpu, msr, &val);
	if (err == -ENOENT) {
		exit->exitcode = write ? VM_EXITCODE_WRMSR : VM_EXITCODE_RDMSR;
		exit->inst_length = vcpu->nextrip - vcpu->exit_rip;
		exit->rip = vcpu->exit_rip;
		exit->u.msr.code = msr;
		exit->u.msr.wval = write ? val : 0;
		return VERDICT_NEUTRAL;
	}
	if (err) {
		vcpu_inject_gp(vcpu);
	} else if (!write) {
		vcpu->gpr[GPR_RAX] = (u32)val;
		vcpu->gpr[GPR_RDX] = val >> 32;
	}
	return VERDICT_RESUME;
}
