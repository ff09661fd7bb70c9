// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * The IOMMU is the host's: its own driver sets it up at boot and decides how it is used. So the
 * tunables of FreeBSD's driver show here what is, and the two that switch it decide about
 * passthrough alone.
 */
#include <linux/iommu.h>
#include <linux/moduleparam.h>
#include <linux/pci.h>
#include <linux/pci-ats.h>
#include "../sysctl.h"
#include "sysctl.h"

#define CLASS_IOMMU	0x080600	/* base class, subclass, interface */

atomic_t ppt_devices = ATOMIC_INIT(0);
bool iommu_initialized;
atomic_t iommu_domain_last = ATOMIC_INIT(0);

static bool iommu_enable = true;
module_param_named(iommu_enable, iommu_enable, bool, 0444);
MODULE_PARM_DESC(iommu_enable, "allow passthrough, which needs an IOMMU (hw.vmm.iommu.enable)");

static int amdvi_enable = -1;
module_param_named(amdvi_enable, amdvi_enable, int, 0444);
MODULE_PARM_DESC(amdvi_enable, "allow passthrough behind AMD's IOMMU: 0 no, 1 or -1 where the host has it on (hw.vmm.amdvi.enable)");

/* --- what is ---------------------------------------------------------- */

static u64 amdvi_count(void)
{
	struct pci_dev *dev = NULL;
	unsigned int count = 0;

	while ((dev = pci_get_class(CLASS_IOMMU, dev)))
		count += dev->vendor == PCI_VENDOR_ID_AMD;
	return count;
}

/* Its driver has given devices their groups. */
static bool host_translates(void)
{
	struct pci_dev *dev = NULL;

	for_each_pci_dev(dev)
		if (device_iommu_mapped(&dev->dev)) {
			pci_dev_put(dev);
			return true;
		}
	return false;
}

static u64 amdvi_enabled(void)
{
	return amdvi_enable && amdvi_count() && host_translates();
}

bool iommu_permitted(const char **why)
{
	*why = !iommu_enable ? "iommu_enable=0" : "amdvi_enable=0";
	return iommu_enable && (amdvi_enable || !amdvi_count());
}

static u64 iotlb_enabled(void)
{
	return !pci_ats_disabled();
}

static u64 host_ptp(void)
{
	return !iommu_default_passthrough();
}

/* AMD's driver gives a domain as many levels as its addresses need: four for our 47 bits. */
static u64 ptp_level(void)
{
	return 4;
}

static u64 disable_io_fault(void)
{
	return 0;
}

static u64 devices_bound(void)
{
	return atomic_read(&ppt_devices);
}

static u64 domain_last(void)
{
	return amdvi_count() ? atomic_read(&iommu_domain_last) : 0;
}

static struct ctl_table ppt_table[] = {
	SYSCTL_FACT("devices", devices_bound),
	COMPAT_CTL_TABLE_END
};

static struct ctl_table iommu_table[] = {
	SYSCTL_BOOL("initialized", iommu_initialized, 0444),
	SYSCTL_BOOL("enable", iommu_enable, 0444),
	COMPAT_CTL_TABLE_END
};

static struct ctl_table amdvi_table[] = {
	SYSCTL_FACT("count", amdvi_count),
	SYSCTL_FACT("enable", amdvi_enabled),
	SYSCTL_FACT("iotlb_enabled", iotlb_enabled),
	SYSCTL_FACT("host_ptp", host_ptp),
	SYSCTL_FACT("ptp_level", ptp_level),
	SYSCTL_FACT("disable_io_fault", disable_io_fault),
	SYSCTL_FACT("domain_id", domain_last),
	COMPAT_CTL_TABLE_END
};

const struct sysctl_dir iommu_sysctls[] = {
	SYSCTL_DIR("hw/vmm/ppt", ppt_table),
	SYSCTL_DIR("hw/vmm/iommu", iommu_table),
	SYSCTL_DIR("hw/vmm/amdvi", amdvi_table),
	{ }
};

/* --- what is decided elsewhere ---------------------------------------- */

static int wish_count = -1, wish_iotlb = -1, wish_host_ptp = -1, wish_level = -1, wish_quiet = -1;

module_param_named(amdvi_count, wish_count, int, 0444);
MODULE_PARM_DESC(amdvi_count, "without effect, the firmware says how many there are (hw.vmm.amdvi.count)");
module_param_named(amdvi_iotlb_enabled, wish_iotlb, int, 0444);
MODULE_PARM_DESC(amdvi_iotlb_enabled, "without effect, the kernel's pci=noats decides (hw.vmm.amdvi.iotlb_enabled)");
module_param_named(enable_iotlb, wish_iotlb, int, 0444);
MODULE_PARM_DESC(enable_iotlb, "the same as amdvi_iotlb_enabled (hw.vmm.enable_iotlb)");
module_param_named(amdvi_host_ptp, wish_host_ptp, int, 0444);
MODULE_PARM_DESC(amdvi_host_ptp, "without effect, the kernel's iommu.passthrough= decides (hw.vmm.amdvi.host_ptp)");
module_param_named(amdvi_ptp_level, wish_level, int, 0444);
MODULE_PARM_DESC(amdvi_ptp_level, "without effect, the host's IOMMU driver chooses (hw.vmm.amdvi.ptp_level)");
module_param_named(amdvi_disable_io_fault, wish_quiet, int, 0444);
MODULE_PARM_DESC(amdvi_disable_io_fault, "without effect, the host's IOMMU driver reports faults (hw.vmm.amdvi.disable_io_fault)");

const struct sysctl_wish iommu_wishes[] = {
	{ "amdvi_count", &wish_count, amdvi_count, "the firmware says how many there are" },
	{ "amdvi_iotlb_enabled", &wish_iotlb, iotlb_enabled,
	  "pci=noats on the kernel's command line decides" },
	{ "amdvi_host_ptp", &wish_host_ptp, host_ptp,
	  "iommu.passthrough= on the kernel's command line decides" },
	{ "amdvi_ptp_level", &wish_level, ptp_level, "the host's IOMMU driver chooses" },
	{ "amdvi_disable_io_fault", &wish_quiet, disable_io_fault, "the host's IOMMU driver reports faults" },
	{ }
};
