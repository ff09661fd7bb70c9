// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * vmm-floor: what a world switch costs by itself, on a processor that no hypervisor uses. Loading it runs a guest of one
 * instruction, CPUID, and writes the fewest ticks of the TSC to the log; it never stays.
 */
#include <linux/errno.h>
#include <linux/gfp.h>
#include <linux/module.h>
#include <asm/cpufeature.h>
#include "floor.h"

static int __init floor_init(void)
{
	int (*measure)(void *pages, u64 *ticks);
	unsigned long pages;
	u64 ticks;
	int err;

	if (boot_cpu_has(X86_FEATURE_SVM))
		measure = floor_svm;
	else if (boot_cpu_has(X86_FEATURE_VMX))
		measure = floor_vmx;
	else
		return -ENODEV;
	pages = __get_free_pages(GFP_KERNEL | __GFP_ZERO, FLOOR_PAGES_ORDER);
	if (!pages)
		return -ENOMEM;
	err = measure((void *)pages, &ticks);
	free_pages(pages, FLOOR_PAGES_ORDER);
	if (err)
		return err;
	pr_notice("vmm-floor: world switch %llu\n", ticks);
	return -ECANCELED;
}
module_init(floor_init);

MODULE_LICENSE("Dual BSD/GPL");
MODULE_DESCRIPTION("What a world switch costs by itself");
