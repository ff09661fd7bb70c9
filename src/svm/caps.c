// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#define pr_fmt(fmt) "vmm: " fmt
#include <linux/printk.h>
#include <asm/cpufeature.h>
#include <asm/msr.h>
#include <asm/processor-flags.h>
#include <asm/trapnr.h>
#include "../dev/vlapic.h"
#include "../x86/cpuid.h"
#include "../x86/fpu.h"
#include "svm.h"

#define EFER_TRANSLATION_CACHE_EXT	BIT_ULL(15)
#define VM_CR_SVMDIS		BIT_ULL(4)	/* AMD64 manual vol. 2, 15.30.1 */

struct svm_caps svm_caps;

static u64 efer_allowed(void)
{
	u64 allowed = EFER_SCE | EFER_LME | EFER_LMA;

	if (boot_cpu_has(X86_FEATURE_NX))
		allowed |= EFER_NX;
	if (boot_cpu_has(X86_FEATURE_FXSR_OPT))
		allowed |= EFER_FFXSR;
	if (cpuid_ecx(0x80000001) & BIT(17))
		allowed |= EFER_TRANSLATION_CACHE_EXT;
	return allowed;
}

/* CPUID 0x8000000A EDX */
#define FEATURE_NPT		BIT(0)
#define FEATURE_NRIP_SAVE	BIT(3)
#define FEATURE_VMCB_CLEAN	BIT(5)
#define FEATURE_FLUSH_BY_ASID	BIT(6)
#define FEATURE_DECODE_ASSISTS	BIT(7)
#define FEATURE_PAUSE_FILTER	BIT(10)

/* The kernel's command line may have hidden one, and so may ours. */
static bool usable(unsigned int cpu_feature, u32 feature)
{
	return boot_cpu_has(cpu_feature) && (svm_caps.features & feature);
}

static void features_read(u32 edx)
{
	struct svm_caps *caps = &svm_caps;

	caps->features = edx & svm_features;
	caps->nrip_save = usable(X86_FEATURE_NRIPS, FEATURE_NRIP_SAVE);
	caps->decode_assists = usable(X86_FEATURE_DECODEASSISTS, FEATURE_DECODE_ASSISTS);
	caps->flush_by_asid = usable(X86_FEATURE_FLUSHBYASID, FEATURE_FLUSH_BY_ASID);
	caps->pause_filter = usable(X86_FEATURE_PAUSEFILTER, FEATURE_PAUSE_FILTER);
	svm_vmcb_clean &= CLEAN_ALL;
	caps->vmcb_clean = usable(X86_FEATURE_VMCBCLEAN, FEATURE_VMCB_CLEAN) ? svm_vmcb_clean : 0;
}

static int caps_read(void)
{
	u32 eax, ebx, ecx, edx;
	u64 vm_cr;

	if (!rdmsrl_safe(MSR_VM_CR, &vm_cr) && (vm_cr & VM_CR_SVMDIS)) {
		pr_warn("AMD-V is disabled by firmware (VM_CR.SVMDIS): enable SVM in the firmware setup; VM creation will fail\n");
		return -ENODEV;
	}
	cpuid(0x8000000a, &eax, &ebx, &ecx, &edx);
	features_read(edx);
	if (!usable(X86_FEATURE_NPT, FEATURE_NPT)) {
		pr_warn("SVM nested paging missing on this CPU: VM creation will fail\n");
		return -ENODEV;
	}
	svm_caps.asids = svm_num_asids ? min(svm_num_asids, ebx) : ebx;
	svm_caps.efer_allowed = efer_allowed();
	svm_caps.cr4_allowed = cpuid_cr4_supported(&vmm_cpuid_host, fpu_xcr0_permitted(true));
	if (svm_caps.asids < 2) {
		pr_warn("SVM has no ASID for guests (the CPU has %u, svm_num_asids=%u): VM creation will fail\n",
			ebx, svm_num_asids);
		return -ENODEV;
	}
	if (!svm_caps.nrip_save)
		pr_info("NRIP save missing, using software decode (slower)\n");
	return 0;
}

int svm_setup(void)
{
	int err = caps_read();

	if (err)
		return err;
	npt_format_init();
	err = svm_msrs_init();
	if (err)
		return err;
	err = svm_cpus_init();
	if (err)
		svm_msrs_exit();
	return err;
}

void svm_teardown(void)
{
	svm_cpus_exit();
	svm_msrs_exit();
}

int svm_cpu_enable(void)
{
	struct svm_cpu *cpu = this_cpu_ptr(&svm_cpus);
	u64 efer;

	rdmsrl(MSR_EFER, efer);
	if (efer & EFER_SVME)
		return -EBUSY;
	wrmsrl(MSR_EFER, efer | EFER_SVME);
	wrmsrl(MSR_VM_HSAVE_PA, __pa(cpu->hsave));
	cpu->enabled = true;
	/*
	 * What the TLB holds under our ASIDs from an earlier time is unknown: start a
	 * generation.
	 */
	cpu->asid_generation++;
	cpu->asid_next = svm_caps.asids;
	cpu->last_vcpu = NULL;
	return 0;
}

bool svm_cpu_is_enabled(void)
{
	u64 efer;

	rdmsrl(MSR_EFER, efer);
	return efer & EFER_SVME;
}

void svm_cpu_disable(void)
{
	struct svm_cpu *cpu = this_cpu_ptr(&svm_cpus);
	u64 efer;

	if (!cpu->enabled)
		return;
	cpu->enabled = false;
	wrmsrl(MSR_VM_HSAVE_PA, 0);
	rdmsrl(MSR_EFER, efer);
	wrmsrl(MSR_EFER, efer & ~EFER_SVME);
}

/* --- capabilities of a vCPU (semantics.md section 13) ----------------- */

int svm_cap_get(struct vcpu *vcpu, int cap, int *val)
{
	struct vmcb *vmcb = to_vmcb(vcpu);

	switch (cap) {
	case VM_CAP_PAUSE_EXIT:
		*val = vmcb_intercepts(vmcb, INTERCEPT_PAUSE);
		return 0;
	case VM_CAP_UNRESTRICTED_GUEST:
		*val = 1;
		return 0;
	case VM_CAP_BPT_EXIT:
		*val = vmcb_intercepts(vmcb, INTERCEPT_EXCEPTION(X86_TRAP_BP));
		return 0;
	case VM_CAP_MASK_HWINTR:
		*val = vcpu->mask_hwintr;
		return 0;
	case VM_CAP_RFLAGS_TF:
		*val = to_svm(vcpu)->step;
		return 0;
	default:
		return -ENOENT;
	}
}

static int cap_set_step(struct vcpu *vcpu, bool on)
{
	struct svm_vcpu *svm = to_svm(vcpu);
	struct vmcb *vmcb = svm->vmcb;

	if (on == svm->step)
		return 0;
	svm->step = on;
	if (on) {
		svm->step_guest_tf = vmcb->state.rflags & X86_EFLAGS_TF;
		vmcb->state.rflags |= X86_EFLAGS_TF;
	} else {
		vmcb->state.rflags &= ~X86_EFLAGS_TF;
		if (svm->step_guest_tf)
			vmcb->state.rflags |= X86_EFLAGS_TF;
	}
	vmcb_intercept(vmcb, INTERCEPT_PUSHF, on);
	vmcb_intercept(vmcb, INTERCEPT_POPF, on);
	return 0;
}

int svm_cap_set(struct vcpu *vcpu, int cap, int val)
{
	struct vmcb *vmcb = to_vmcb(vcpu);

	switch (cap) {
	case VM_CAP_HALT_EXIT:
		vcpu->halt_exit = val;
		vmcb_intercept(vmcb, INTERCEPT_HLT, val);
		return 0;
	case VM_CAP_PAUSE_EXIT:
		vmcb_intercept(vmcb, INTERCEPT_PAUSE, val);
		return 0;
	case VM_CAP_UNRESTRICTED_GUEST:
		return val ? 0 : -EINVAL;
	case VM_CAP_BPT_EXIT:
		if (!vmm_trace_guest_exceptions)
			vmcb_intercept(vmcb, INTERCEPT_EXCEPTION(X86_TRAP_BP), val);
		return 0;
	case VM_CAP_MASK_HWINTR:
		vcpu->mask_hwintr = val;
		return 0;
	case VM_CAP_RFLAGS_TF:
		return cap_set_step(vcpu, val);
	default:
		return -ENOENT;
	}
}
