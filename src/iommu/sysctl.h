/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What this room shows under hw.vmm.ppt, hw.vmm.iommu and hw.vmm.amdvi. */
#ifndef VMM_IOMMU_SYSCTL_H
#define VMM_IOMMU_SYSCTL_H

#include <linux/atomic.h>
#include <linux/types.h>

extern atomic_t ppt_devices;		/* functions bound to ppt */
extern bool iommu_initialized;		/* WRITE_ONCE at the first passthrough bind */
extern atomic_t iommu_domain_last;	/* domains that VMs have been given so far */

/*
 * False: passthrough is refused, by the parameter iommu_enable, or amdvi_enable on a host with
 * AMD's IOMMU. *why: then, the parameter to change. Process context.
 */
bool iommu_permitted(const char **why);

#endif
