// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * The test module: what src/main.c sets up, as far as it needs neither hardware nor device nodes.
 */
#include <linux/module.h>
#include <asm/processor.h>
#include "ioctl.h"
#include "vm.h"
#include "x86/fpu.h"

unsigned int vmm_maxcpu = 8;
unsigned int vmm_maxvmms = 8;
bool vmm_halt_detection = true;
bool vmm_trace_guest_exceptions;
bool vmm_trap_wbinvd;
bool vmm_cpuid_leaf_b = true;
u64 vmm_xcpuids;
struct cpuid_host vmm_cpuid_host;

static void host_cpuid(u32 leaf, u32 subleaf, struct cpuid_result *regs)
{
	cpuid_count(leaf, subleaf, &regs->eax, &regs->ebx, &regs->ecx, &regs->edx);
}

/* The suites run when this has returned. */
static int __init vmm_kunit_init(void)
{
	fpu_module_init();
	ioctl_module_init();
	vmm_cpuid_host.query = host_cpuid;
	return cpuid_cache_init(&vmm_cpuid_host);
}

static void __exit vmm_kunit_exit(void)
{
}

module_init(vmm_kunit_init);
module_exit(vmm_kunit_exit);

MODULE_DESCRIPTION("KUnit suites of vmm");
MODULE_AUTHOR("The vmm for Linux authors");
MODULE_LICENSE("Dual BSD/GPL");
