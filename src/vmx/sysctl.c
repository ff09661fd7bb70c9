// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <linux/moduleparam.h>
#include <asm/cpufeature.h>
#include "../sysctl.h"
#include "vmx.h"

static u64 cr0_zeros(void)
{
	return vmx_caps.initialized ? ~vmx_caps.cr0_fixed1 | vmx_caps.cr0_zeros : 0;
}

static u64 cr4_zeros(void)
{
	return vmx_caps.initialized ? ~vmx_caps.cr4_fixed1 : 0;
}

static u64 l1d_flush(void)
{
	return vmx_mitigations.l1d != L1D_NO_FLUSH;
}

static u64 l1d_flush_sw(void)
{
	return l1d_flush() && !vmx_mitigations.l1d_msr;
}

/* A running vCPU is kicked by the scheduler's interrupt. */
static int posted_interrupt_vector = -1;

static struct ctl_table vmx_table[] = {
	SYSCTL_BOOL("initialized", vmx_caps.initialized, 0444),
	SYSCTL_U64("cr0_ones_mask", vmx_caps.cr0_ones, 0444),
	SYSCTL_FACT("cr0_zeros_mask", cr0_zeros),
	SYSCTL_U64("cr4_ones_mask", vmx_caps.cr4_ones, 0444),
	SYSCTL_FACT("cr4_zeros_mask", cr4_zeros),
	SYSCTL_INT("posted_interrupt_vector", posted_interrupt_vector),
	SYSCTL_UINT("vpid_alloc_failed", vmx_vpid_alloc_failed, 0444),
	SYSCTL_FACT("l1d_flush", l1d_flush),
	SYSCTL_FACT("l1d_flush_sw", l1d_flush_sw),
	SYSCTL_BOOL("no_flush_rsb", vmx_no_flush_rsb, 0644),
	COMPAT_CTL_TABLE_END
};

/* --- hw.vmm.vmx.cap --------------------------------------------------- */

static u64 cap_halt_exit(void)
{
	return !!(vmx_caps.proc_allowed & PROC_HLT);
}

static u64 cap_pause_exit(void)
{
	return !!(vmx_caps.proc_allowed & PROC_PAUSE);
}

static u64 cap_wbinvd_exit(void)
{
	return !!(vmx_caps.proc2_allowed & PROC2_WBINVD);
}

static u64 cap_rdtscp(void)
{
	return !!(vmx_caps.proc2 & PROC2_RDTSCP);
}

static u64 cap_rdpid(void)
{
	return cap_rdtscp() && boot_cpu_has(X86_FEATURE_RDPID);
}

static u64 cap_unrestricted_guest(void)
{
	return !!(vmx_caps.proc2 & PROC2_UNRESTRICTED);
}

static u64 cap_monitor_trap(void)
{
	return !!(vmx_caps.proc_allowed & PROC_MONITOR_TRAP);
}

static u64 cap_invpcid(void)
{
	return !!(vmx_caps.proc2_allowed & PROC2_INVPCID);
}

static u64 cap_tpr_shadowing(void)
{
	return !!(vmx_caps.proc & PROC_TPR_SHADOW);
}

static u64 cap_virtual_interrupt_delivery(void)
{
	return vmx_caps.apic_virtual;
}

static u64 cap_never(void)
{
	return 0;
}

static struct ctl_table cap_table[] = {
	SYSCTL_FACT("halt_exit", cap_halt_exit),
	SYSCTL_FACT("pause_exit", cap_pause_exit),
	SYSCTL_FACT("wbinvd_exit", cap_wbinvd_exit),
	SYSCTL_FACT("rdpid", cap_rdpid),
	SYSCTL_FACT("rdtscp", cap_rdtscp),
	SYSCTL_FACT("unrestricted_guest", cap_unrestricted_guest),
	SYSCTL_FACT("monitor_trap", cap_monitor_trap),
	SYSCTL_FACT("invpcid", cap_invpcid),
	SYSCTL_FACT("tpr_shadowing", cap_tpr_shadowing),
	SYSCTL_FACT("virtual_interrupt_delivery", cap_virtual_interrupt_delivery),
	SYSCTL_FACT("posted_interrupts", cap_never),
	COMPAT_CTL_TABLE_END
};

/* --- hw.vmm.ept ------------------------------------------------------- */

static u64 ept_pmap_flags(void)
{
	if (!vmx_caps.initialized)
		return 0;
	return (vmx_caps.ept_large ? SYSCTL_PMAP_SUPERPAGE : 0) |
	       (vmx_caps.ept_ad ? 0 : SYSCTL_PMAP_EMULATE_AD) |
	       (vmx_caps.ept_exec_only ? SYSCTL_PMAP_EXEC_ONLY : 0);
}

static struct ctl_table ept_table[] = {
	SYSCTL_FACT("pmap_flags", ept_pmap_flags),
	COMPAT_CTL_TABLE_END
};

const struct sysctl_dir vmx_sysctls[] = {
	SYSCTL_DIR("hw/vmm/vmx", vmx_table),
	SYSCTL_DIR("hw/vmm/vmx/cap", cap_table),
	SYSCTL_DIR("hw/vmm/ept", ept_table),
	{ }
};

/* --- tunables that have nothing to tune ------------------------------- */

static int wish_pir = -1;

module_param_named(vmx_cap_posted_interrupts, wish_pir, int, 0444);
MODULE_PARM_DESC(vmx_cap_posted_interrupts, "without effect, a running vCPU is interrupted by the scheduler's interrupt (hw.vmm.vmx.cap.posted_interrupts)");
module_param_named(vmx_use_apic_pir, wish_pir, int, 0444);
MODULE_PARM_DESC(vmx_use_apic_pir, "the same as vmx_cap_posted_interrupts (hw.vmm.vmx.use_apic_pir)");

const struct sysctl_wish vmx_wishes[] = {
	{ "vmx_cap_posted_interrupts", &wish_pir, cap_never,
	  "a running vCPU is interrupted by the scheduler's interrupt" },
	{ }
};
