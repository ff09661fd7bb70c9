// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * msr: which MSRs the guest reaches without an exit, those that we switch for it, and the
 * MSRs that are Intel's own (semantics.md section 23; Intel manual vol. 3, "MSR-Bitmap
 * Address"). Ports need no map: all of them exit.
 */
#include <linux/gfp.h>
#include <linux/math64.h>
#include <linux/mm.h>
#include <asm/apicdef.h>
#include <asm/cpufeature.h>
#include <asm/intel-family.h>
#include <asm/msr.h>
#include <asm/tsc.h>
#include "../dev/vlapic.h"
#include "vmx.h"

/* Constant after load; 1 intercepts. */
static u8 *bitmap;
static u8 *bitmap_x2apic;	/* NULL without vmx_caps.apic_virtual */

/* Reads of both ranges, then writes: four times 1 KiB. */
int vmx_msr_bitmap_bit(u32 msr, bool write)
{
	int base = write ? 0x4000 : 0;

	if (msr <= 0x1fff)
		return base + msr;
	if (msr >= 0xc0000000 && msr <= 0xc0001fff)
		return base + 0x2000 + (msr - 0xc0000000);
	return -1;
}

enum { DIRECT_READ = 1, DIRECT_WRITE = 2 };

/*
 * Entry and exit switch the first group, which the VMCS holds. Of those that are switched when
 * a vCPU comes and goes, the ones that a guest writes once at boot exit when written, so that
 * they need not be read back each time. The TSC is read with its offset.
 */
static const struct { u32 msr; int direct; } direct_msrs[] = {
	{ MSR_FS_BASE, DIRECT_READ | DIRECT_WRITE },
	{ MSR_GS_BASE, DIRECT_READ | DIRECT_WRITE },
	{ MSR_IA32_SYSENTER_CS, DIRECT_READ | DIRECT_WRITE },
	{ MSR_IA32_SYSENTER_ESP, DIRECT_READ | DIRECT_WRITE },
	{ MSR_IA32_SYSENTER_EIP, DIRECT_READ | DIRECT_WRITE },
	{ MSR_EFER, DIRECT_READ | DIRECT_WRITE },
	{ MSR_KERNEL_GS_BASE, DIRECT_READ | DIRECT_WRITE },
	{ MSR_STAR, DIRECT_READ },
	{ MSR_LSTAR, DIRECT_READ },
	{ MSR_CSTAR, DIRECT_READ },
	{ MSR_SYSCALL_MASK, DIRECT_READ },
	{ MSR_IA32_TSC, DIRECT_READ },
};

static void bitmap_permit(u8 *bitmap, u32 msr, int direct)
{
	int bit = vmx_msr_bitmap_bit(msr, false);

	if (direct & DIRECT_READ)
		bitmap[bit / 8] &= ~BIT(bit % 8);
	bit = vmx_msr_bitmap_bit(msr, true);
	if (direct & DIRECT_WRITE)
		bitmap[bit / 8] &= ~BIT(bit % 8);
}

static bool has_tsc_aux(void)
{
	return vmx_caps.proc2 & PROC2_RDTSCP;
}

#define MISC_ENABLE_HIDDEN	(MSR_IA32_MISC_ENABLE_ENHANCED_SPEEDSTEP | MSR_IA32_MISC_ENABLE_MWAIT)
#define MISC_ENABLE_SHOWN	(MSR_IA32_MISC_ENABLE_BTS_UNAVAIL | MSR_IA32_MISC_ENABLE_PEBS_UNAVAIL)

static u64 misc_enable, platform_info, turbo_ratio;	/* constant after load */

/* Processors whose ratio counts 133.33 MHz: Nehalem and Westmere. */
static bool bus_clock_133(void)
{
	if (boot_cpu_data.x86_vendor != X86_VENDOR_INTEL || boot_cpu_data.x86 != 6)
		return false;
	switch (boot_cpu_data.x86_model) {
	case 0x1a: case 0x1e: case 0x1f: case 0x2e:
	case 0x25: case 0x2c: case 0x2f:
		return true;
	default:
		return false;
	}
}

static void constants_init(void)
{
	u64 ratio = bus_clock_133() ? (u64)tsc_khz * 3 / 400000 : tsc_khz / 100000;

	rdmsrl_safe(MSR_IA32_MISC_ENABLE, &misc_enable);
	misc_enable = (misc_enable & ~MISC_ENABLE_HIDDEN) | MISC_ENABLE_SHOWN;
	ratio = min_t(u64, ratio, 0xff);
	platform_info = ratio << 8 | ratio << 40;
	turbo_ratio = ratio * 0x0101010101010101ULL;
}

/* APIC registers that the virtual-APIC page answers for, and those whose writes the processor carries out. */
static void bitmap_permit_apic(u8 *bitmap)
{
	unsigned int reg;

	for (reg = 0; reg < VLAPIC_PAGE_SIZE >> 4; reg++)
		if (vlapic_page_has(reg))
			bitmap_permit(bitmap, APIC_BASE_MSR + reg, DIRECT_READ);
	bitmap_permit(bitmap, APIC_BASE_MSR + (APIC_TASKPRI >> 4), DIRECT_WRITE);
	bitmap_permit(bitmap, APIC_BASE_MSR + (APIC_EOI >> 4), DIRECT_WRITE);
	bitmap_permit(bitmap, APIC_BASE_MSR + (APIC_SELF_IPI >> 4), DIRECT_WRITE);
}

static u8 *bitmap_create(void)
{
	u8 *bitmap = (void *)__get_free_page(GFP_KERNEL);
	int i;

	if (!bitmap)
		return NULL;
	memset(bitmap, 0xff, PAGE_SIZE);
	for (i = 0; i < ARRAY_SIZE(direct_msrs); i++)
		bitmap_permit(bitmap, direct_msrs[i].msr, direct_msrs[i].direct);
	if (has_tsc_aux())
		bitmap_permit(bitmap, MSR_TSC_AUX, DIRECT_READ);
	return bitmap;
}

int vmx_msrs_init(void)
{
	bitmap = bitmap_create();
	bitmap_x2apic = vmx_caps.apic_virtual ? bitmap_create() : NULL;
	if (!bitmap || (vmx_caps.apic_virtual && !bitmap_x2apic)) {
		vmx_msrs_exit();
		return -ENOMEM;
	}
	if (bitmap_x2apic)
		bitmap_permit_apic(bitmap_x2apic);
	constants_init();
	return 0;
}

void vmx_msrs_exit(void)
{
	free_page((unsigned long)bitmap);
	free_page((unsigned long)bitmap_x2apic);
	bitmap = bitmap_x2apic = NULL;
}

u64 vmx_msr_bitmap_pa(bool x2apic)
{
	return __pa(vmx_msr_bitmap(x2apic));
}

const u8 *vmx_msr_bitmap(bool x2apic)
{
	return x2apic ? bitmap_x2apic : bitmap;
}

/* --- switching -------------------------------------------------------- */

/* Writing an MSR costs more than comparing, and before a guest sets them up they are all 0. */
static void msr_switch(u32 msr, u64 from, u64 to)
{
	if (from != to)
		wrmsrl(msr, to);
}

void vmx_msrs_load(struct vcpu *vcpu)
{
	const struct vmx_cpu *cpu = this_cpu_ptr(&vmx_cpus);
	struct vmx_vcpu *vmx = to_vmx(vcpu);

	msr_switch(MSR_STAR, cpu->star, vmx->star);
	msr_switch(MSR_LSTAR, cpu->lstar, vmx->lstar);
	msr_switch(MSR_CSTAR, cpu->cstar, vmx->cstar);
	msr_switch(MSR_SYSCALL_MASK, cpu->sfmask, vmx->sfmask);
	if (has_tsc_aux())
		msr_switch(MSR_TSC_AUX, cpu->tsc_aux, vmx->tsc_aux);
	wrmsrl(MSR_KERNEL_GS_BASE, vmx->kernel_gs_base);
}

/* The host's KERNEL_GS_BASE, which a selector load changes, comes back in run.c. */
void vmx_msrs_put(struct vcpu *vcpu)
{
	const struct vmx_cpu *cpu = this_cpu_ptr(&vmx_cpus);
	struct vmx_vcpu *vmx = to_vmx(vcpu);

	msr_switch(MSR_STAR, vmx->star, cpu->star);
	msr_switch(MSR_LSTAR, vmx->lstar, cpu->lstar);
	msr_switch(MSR_CSTAR, vmx->cstar, cpu->cstar);
	msr_switch(MSR_SYSCALL_MASK, vmx->sfmask, cpu->sfmask);
	if (has_tsc_aux())
		msr_switch(MSR_TSC_AUX, vmx->tsc_aux, cpu->tsc_aux);
	rdmsrl(MSR_KERNEL_GS_BASE, vmx->kernel_gs_base);
}

/* Storage of an MSR that is switched by hand, or NULL. */
static u64 *switched_msr(struct vmx_vcpu *vmx, u32 msr)
{
	switch (msr) {
	case MSR_STAR: return &vmx->star;
	case MSR_LSTAR: return &vmx->lstar;
	case MSR_CSTAR: return &vmx->cstar;
	case MSR_SYSCALL_MASK: return &vmx->sfmask;
	case MSR_TSC_AUX: return has_tsc_aux() ? &vmx->tsc_aux : NULL;
	default: return NULL;
	}
}

/* The guest's is in the CPU: the CPU itself judges the value. */
static int switched_msr_write(u64 *slot, u32 msr, u64 val)
{
	if (wrmsrl_safe(msr, val))
		return -EINVAL;
	*slot = val;
	return 0;
}

/* --- exits ------------------------------------------------------------ */

/* 0; -ENOENT: neutral code or user space knows; -EINVAL: #GP. */
static int msr_read(struct vcpu *vcpu, u32 msr, u64 *val)
{
	switch (msr) {
	case MSR_IA32_MISC_ENABLE:
		*val = misc_enable;
		return 0;
	case MSR_PLATFORM_INFO:
		*val = platform_info;
		return 0;
	case MSR_TURBO_RATIO_LIMIT:
	case MSR_TURBO_RATIO_LIMIT1:
		*val = turbo_ratio;
		return 0;
	case MSR_TSC_AUX:
		return -EINVAL;		/* direct if there is one */
	default:
		return -ENOENT;
	}
}

static int msr_write(struct vcpu *vcpu, u32 msr, u64 val)
{
	u64 *slot = switched_msr(to_vmx(vcpu), msr);

	if (slot)
		return switched_msr_write(slot, msr, val);
	switch (msr) {
	case MSR_IA32_MISC_ENABLE:
		return (val ^ misc_enable) & ~MSR_IA32_MISC_ENABLE_XD_DISABLE ? -ENOENT : 0;
	case MSR_TSC_AUX:
		return -EINVAL;
	default:
		return -ENOENT;
	}
}

int vmx_exit_msr(struct vcpu *vcpu)
{
	struct vm_exit *exit = &vcpu->exit;
	bool write = to_vmx(vcpu)->exit.reason == EXIT_WRMSR;
	u32 msr = vcpu->gpr[GPR_RCX];
	u64 val = (u32)vcpu->gpr[GPR_RAX] | vcpu->gpr[GPR_RDX] << 32;
	int err;

	vcpu_stat_inc(vcpu, write ? VMEXIT_WRMSR : VMEXIT_RDMSR);
	vmx_skip(vcpu);
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
