// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * domain: what a device can reach in memory.
 *
 * The unit that an IOMMU can tell apart is the group. A group is claimed from the host, so that no
 * host driver can bind to a member of it, and attached to a page table in which the guest's system
 * memory, and nothing else, stands at its guest-physical addresses. One such table serves all
 * groups of a VM unless their IOMMUs differ in a way that matters; then each kind has its own.
 *
 * The pages are kept by the nested table (mem_wire()): their mappings cannot go before
 * the last device has, and the VM releases its devices before its memory.
 */
#define pr_fmt(fmt) "vmm: " fmt
#include <linux/capability.h>
#include <linux/err.h>
#include <linux/iommu.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <compat_pci.h>
#include "ppt_priv.h"
#include "sysctl.h"

static bool unsafe_interrupts;
module_param(unsafe_interrupts, bool, 0644);
MODULE_PARM_DESC(unsafe_interrupts, "pass devices through without interrupt remapping: they can send the host any interrupt");

#define refused(pdev, fmt, ...) \
	pr_info_ratelimited("%s refused: " fmt "\n", pci_name(pdev), ##__VA_ARGS__)

/* --- checks before anything is changed -------------------------------- */

static int check_iommu(struct pci_dev *pdev)
{
	const char *why;

	if (!iommu_permitted(&why)) {
		pr_info_ratelimited("no IOMMU: passthrough disabled (the module was loaded with %s)\n",
				    why);
		return -ENXIO;
	}
	/* An IOMMU's driver has a group for each device, and stands behind it. */
	if (device_iommu_mapped(&pdev->dev) &&
	    device_iommu_capable(&pdev->dev, IOMMU_CAP_CACHE_COHERENCY))
		return 0;
	pr_info_ratelimited("no IOMMU: passthrough disabled (enable VT-d/AMD-Vi in firmware, or boot with intel_iommu=on)\n");
	return -ENXIO;
}

static int check_interrupts(struct pci_dev *pdev, struct iommu_group *group)
{
	if (compat_isolated_msi(group, &pdev->dev))
		return 0;
	if (unsafe_interrupts) {
		pr_warn_once("devices are passed through without interrupt remapping: they can send the host any interrupt\n");
		return 0;
	}
	refused(pdev, "no interrupt remapping (unsafe_interrupts=1 overrides)");
	return -ENXIO;
}

/*
 * Nobody pays for memory that is wired for a device but the administrator, or who may lock as much.
 */
static int check_memlock(struct ppt_vm *pv)
{
	u64 bytes = mem_sysmem_bytes(pv->mem), limit = rlimit(RLIMIT_MEMLOCK);

	if (bytes <= limit || capable(CAP_IPC_LOCK))
		return 0;
	pr_info_ratelimited("vm %s: cannot pin %llu MiB (RLIMIT_MEMLOCK %llu KiB)\n", pv->name,
			    bytes >> 20, limit >> 10);
	return -ENOMEM;
}

static int check_region(struct ppt_vm *pv, struct pci_dev *pdev,
			const struct iommu_resv_region *region)
{
	if (region->type == IOMMU_RESV_DIRECT) {
		refused(pdev, "device has reserved memory (RMRR)");
		return -ENXIO;
	}
	if (region->type == IOMMU_RESV_DIRECT_RELAXABLE ||
	    !mem_sysmem_overlaps(pv->mem, region->start, region->start + region->length))
		return 0;
	refused(pdev, "guest memory at %#llx is where the IOMMU has something of its own",
		(u64)region->start);
	return -ENXIO;
}

static int check_reserved(struct ppt_vm *pv, struct pci_dev *pdev, struct iommu_group *group)
{
	struct iommu_resv_region *region, *next;
	LIST_HEAD(regions);
	int err;

	err = iommu_get_group_resv_regions(group, &regions);
	list_for_each_entry_safe(region, next, &regions, list) {
		if (!err)
			err = check_region(pv, pdev, region);
		list_del(&region->list);
		if (region->free)
			region->free(&pdev->dev, region);
		else
			kfree(region);
	}
	return err;
}

/* --- the group -------------------------------------------------------- */

struct in_the_way {
	struct pci_dev *pdev;		/* who is refused */
	int number;			/* of the group */
	bool told;
};

static int tell_in_the_way(struct device *dev, void *data)
{
	struct in_the_way *way = data;
	struct device_driver *driver = READ_ONCE(dev->driver);
	char vm[VM_MAX_NAMELEN + 1] = "";

	if (dev == &way->pdev->dev || !driver)
		return 0;
	if (dev_is_pci(dev) && ppt_has(to_pci_dev(dev)))
		ppt_owner_name(to_pci_dev(dev), vm, sizeof(vm));
	else if (dev_is_pci(dev) && to_pci_driver(driver)->driver_managed_dma)
		return 0;
	else
		strscpy(vm, dev_driver_string(dev), sizeof(vm));
	if (!*vm)
		return 0;
	refused(way->pdev, "IOMMU group %d also contains %s (%s)", way->number, dev_name(dev), vm);
	way->told = true;
	return 1;
}

static void explain_group(struct pci_dev *pdev, struct iommu_group *group)
{
	struct in_the_way way = { .pdev = pdev, .number = iommu_group_id(group) };

	iommu_group_for_each_dev(group, &way, tell_in_the_way);
	if (!way.told)
		refused(pdev, "IOMMU group %d is in use", way.number);
}

static struct ppt_group *group_find(struct ppt_vm *pv, struct iommu_group *group)
{
	struct ppt_group *entry;

	list_for_each_entry(entry, &pv->groups, link)
		if (entry->group == group)
			return entry;
	return NULL;
}

/* --- page tables ------------------------------------------------------ */

static int domain_map_run(void *ctx, u64 gpa, u64 hpa, u64 len, int prot)
{
	int iommu_prot = IOMMU_READ | IOMMU_CACHE;

	if (prot & VM_PROT_WRITE)
		iommu_prot |= IOMMU_WRITE;
	return compat_iommu_map(ctx, gpa, hpa, len, iommu_prot) ? -ENOMEM : 0;
}

static void domain_free(struct ppt_vm *pv, struct ppt_domain *entry)
{
	list_del(&entry->link);
	iommu_domain_free(entry->domain);
	kfree(entry);
	if (list_empty(&pv->domains))
		mem_unwire(pv->mem);
}

static struct ppt_domain *domain_create(struct ppt_vm *pv, struct pci_dev *pdev)
{
	struct ppt_domain *entry = kzalloc(sizeof(*entry), GFP_KERNEL_ACCOUNT);
	int err;

	if (!entry)
		return ERR_PTR(-ENOMEM);
	entry->domain = compat_iommu_domain_alloc(&pdev->dev);
	if (IS_ERR(entry->domain)) {
		err = PTR_ERR(entry->domain) == -ENOMEM ? -ENOMEM : -ENXIO;
		kfree(entry);
		return ERR_PTR(err);
	}
	atomic_inc(&iommu_domain_last);
	list_add_tail(&entry->link, &pv->domains);
	err = mem_wire(pv->mem, domain_map_run, entry->domain);
	if (err) {
		domain_free(pv, entry);
		return ERR_PTR(err);
	}
	return entry;
}

/* To a page table that is there, or else to a new one. */
static int group_attach(struct ppt_vm *pv, struct pci_dev *pdev, struct ppt_group *group)
{
	struct ppt_domain *entry;
	int err;

	list_for_each_entry(entry, &pv->domains, link) {
		if (!iommu_attach_group(entry->domain, group->group))
			goto attached;
	}
	entry = domain_create(pv, pdev);
	if (IS_ERR(entry))
		return PTR_ERR(entry);
	err = iommu_attach_group(entry->domain, group->group);
	if (err) {
		refused(pdev, "the IOMMU does not take it (error %d)", err);
		domain_free(pv, entry);
		return -ENXIO;
	}
attached:
	entry->groups++;
	group->domain = entry;
	return 0;
}

static void group_free(struct ppt_group *group)
{
	iommu_group_put(group->group);
	kfree(group);
}

/* Takes over the reference on @iommu_group if it succeeds. */
static struct ppt_group *group_create(struct ppt_vm *pv, struct pci_dev *pdev,
				      struct iommu_group *iommu_group)
{
	struct ppt_group *group = kzalloc(sizeof(*group), GFP_KERNEL_ACCOUNT);
	int err;

	if (!group)
		return ERR_PTR(-ENOMEM);
	group->group = iommu_group;
	if (iommu_group_claim_dma_owner(iommu_group, pv)) {
		explain_group(pdev, iommu_group);
		kfree(group);
		return ERR_PTR(-EBUSY);
	}
	err = group_attach(pv, pdev, group);
	if (err) {
		iommu_group_release_dma_owner(iommu_group);
		kfree(group);
		return ERR_PTR(err);
	}
	list_add_tail(&group->link, &pv->groups);
	return group;
}

static int group_join(struct ppt_vm *pv, struct ppt_dev *ppt, struct iommu_group *iommu_group)
{
	struct ppt_group *group = group_find(pv, iommu_group);

	if (group) {
		iommu_group_put(iommu_group);
	} else {
		group = group_create(pv, ppt->pdev, iommu_group);
		if (IS_ERR(group)) {
			iommu_group_put(iommu_group);
			return PTR_ERR(group);
		}
	}
	group->devices++;
	ppt->group = group;
	return 0;
}

int ppt_domain_attach(struct ppt_vm *pv, struct ppt_dev *ppt)
{
	struct pci_dev *pdev = ppt->pdev;
	struct iommu_group *group;
	int err;

	lockdep_assert_held(&pv->lock);
	lockdep_assert_held_write(&pv->mem->lock);
	err = check_iommu(pdev);
	if (err)
		return err;
	group = iommu_group_get(&pdev->dev);
	if (!group)
		return -ENXIO;
	err = check_interrupts(pdev, group) ?: check_reserved(pv, pdev, group) ?: check_memlock(pv);
	if (err) {
		iommu_group_put(group);
		return err;
	}
	err = group_join(pv, ppt, group);
	if (!err)
		WRITE_ONCE(iommu_initialized, true);
	return err;
}

void ppt_domain_detach(struct ppt_vm *pv, struct ppt_dev *ppt)
{
	struct ppt_group *group = ppt->group;

	lockdep_assert_held(&pv->lock);
	ppt->group = NULL;
	if (--group->devices)
		return;
	list_del(&group->link);
	iommu_detach_group(group->domain->domain, group->group);
	if (!--group->domain->groups)
		domain_free(pv, group->domain);
	iommu_group_release_dma_owner(group->group);
	group_free(group);
}
