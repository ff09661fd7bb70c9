// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#define pr_fmt(fmt) "vmm: " fmt
#include <linux/cpumask.h>
#include <linux/module.h>
#include "chardev.h"
#include "debugfs.h"
#include "dev/vrtc.h"
#include "hardware.h"
#include "ioctl.h"
#include "iommu/ppt.h"
#include "mem/mem.h"
#include "sysctl.h"
#include "vm.h"
#include "x86/fpu.h"

unsigned int vmm_maxcpu;
module_param_named(maxcpu, vmm_maxcpu, uint, 0444);
MODULE_PARM_DESC(maxcpu, "vCPUs a VM may have, 1 to 1024; 0: as many as the host has CPUs (hw.vmm.maxcpu)");

unsigned int vmm_maxvmms;
module_param_named(maxvmms, vmm_maxvmms, uint, 0644);
MODULE_PARM_DESC(maxvmms, "VMs one user may own; 0: four times the host's CPUs (hw.vmm.maxvmms)");

bool vmm_halt_detection = true;
module_param_named(halt_detection, vmm_halt_detection, bool, 0444);
MODULE_PARM_DESC(halt_detection, "suspend a VM with HALT when all its vCPUs are in HLT with interrupts off (hw.vmm.halt_detection)");

bool vmm_trace_guest_exceptions;
module_param_named(trace_guest_exceptions, vmm_trace_guest_exceptions, bool, 0444);
MODULE_PARM_DESC(trace_guest_exceptions, "intercept every guest exception and reflect it (hw.vmm.trace_guest_exceptions)");

bool vmm_trap_wbinvd;
module_param_named(trap_wbinvd, vmm_trap_wbinvd, bool, 0444);
MODULE_PARM_DESC(trap_wbinvd, "intercept WBINVD and ignore it (hw.vmm.trap_wbinvd)");

bool vmm_cpuid_leaf_b = true;
module_param_named(cpuid_leaf_b, vmm_cpuid_leaf_b, bool, 0444);
MODULE_PARM_DESC(cpuid_leaf_b, "give Intel guests a CPUID leaf 0xB made from the topology (hw.vmm.topology.cpuid_leaf_b)");

module_param_named(vrtc_flag_broken_time, vrtc_flag_broken_time, bool, 0444);
MODULE_PARM_DESC(vrtc_flag_broken_time, "an invalid date in the guest's RTC fails the port write (hw.vmm.vrtc.flag_broken_time)");

u64 vmm_xcpuids;
struct cpuid_host vmm_cpuid_host;

static const struct backend *backend;

static void host_cpuid(u32 leaf, u32 subleaf, struct cpuid_result *regs)
{
	cpuid_count(leaf, subleaf, &regs->eax, &regs->ebx, &regs->ecx, &regs->edx);
}

static void limits_init(void)
{
	if (!vmm_maxcpu)
		vmm_maxcpu = num_online_cpus();
	if (vmm_maxcpu > VM_MAXCPU) {
		pr_info("maxcpu=%u is above %u: using %u\n", vmm_maxcpu, VM_MAXCPU, VM_MAXCPU);
		vmm_maxcpu = VM_MAXCPU;
	}
	if (!vmm_maxvmms)
		vmm_maxvmms = 4 * num_online_cpus();
}

static int __init vmm_init(void)
{
	int err;

	limits_init();
	fpu_module_init();
	ioctl_module_init();
	vmm_cpuid_host.query = host_cpuid;
	err = cpuid_cache_init(&vmm_cpuid_host);
	if (err)
		return err;
	err = mem_module_init();
	if (err)
		return err;
	debugfs_module_init();
	backend = hardware_probe();
	err = vm_module_init(backend);
	if (err)
		goto err_hardware;
	err = chardev_module_init();
	if (err)
		goto err_vm;
	err = sysctl_module_init();
	if (err)
		goto err_chardev;
	err = ppt_module_init();
	if (err)
		goto err_sysctl;
	return 0;

err_sysctl:
	sysctl_module_exit();
err_chardev:
	chardev_module_exit();
err_vm:
	vm_module_exit();
err_hardware:
	hardware_release(backend);
	debugfs_module_exit();
	mem_module_exit();
	return err;
}

/*
 * Not reached while a VM exists: each holds a reference on the module (vm_create), so that
 * rmmod is refused with EBUSY.
 */
static void __exit vmm_exit(void)
{
	ppt_module_exit();
	sysctl_module_exit();
	chardev_module_exit();
	vm_module_exit();
	hardware_release(backend);
	debugfs_module_exit();
	mem_module_exit();
}

module_init(vmm_init);
module_exit(vmm_exit);

MODULE_DESCRIPTION("Virtual machine monitor with the device API of FreeBSD's vmm(4)");
MODULE_AUTHOR("The vmm for Linux authors");
MODULE_LICENSE("Dual BSD/GPL");
MODULE_VERSION(VMM_VERSION);
