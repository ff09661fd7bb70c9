// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * ppt: the PCI driver that holds functions for virtual machines, and who owns which.
 *
 * A function comes to the driver by driver_override alone: there is no id table. While it is bound
 * and belongs to no VM, nothing uses it: bus mastering is off, and its group stays with the host.
 *
 * A VM takes a function (ppt_bind()) in the order in which every step can still be undone:
 * permission; the group is claimed and attached to a page table that holds the guest's memory; the
 * function is reset, so that nothing is left of who had it before; it changes hands. It goes back
 * (ppt_release()) in the order in which nothing reaches memory that somebody else has by then: bus
 * mastering off, interrupts off, registers out of the guest's sight, reset, group detached. Guest
 * memory is freed later still, by the VM.
 *
 * The device may be taken away while a VM has it: the driver is unbound, or the device pulled out.
 * Its callback comes with the device lock held, which is why nobody here waits for a device lock.
 * The release is the same, and the vCPUs run on: they find nothing where the registers were.
 */
#define pr_fmt(fmt) "vmm: " fmt
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/err.h>
#include <linux/eventfd.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/sysfs.h>
#include <compat_pci.h>
#include "ppt_priv.h"
#include "sysctl.h"

static bool ppt_unsafe_noreset;
module_param_named(unsafe_noreset, ppt_unsafe_noreset, bool, 0644);
MODULE_PARM_DESC(unsafe_noreset, "give a device that cannot be reset to another VM, with what the last one left in it");

static DEFINE_MUTEX(registry_lock);
static LIST_HEAD(registry);		/* registry_lock: struct ppt_dev */

/* --- references ------------------------------------------------------- */

static void ppt_dev_free(struct kref *kref)
{
	struct ppt_dev *ppt = container_of(kref, struct ppt_dev, kref);

	kfree(ppt->saved);
	pci_dev_put(ppt->pdev);
	mutex_destroy(&ppt->lock);
	kfree(ppt);
}

static void ppt_dev_put(struct ppt_dev *ppt)
{
	kref_put(&ppt->kref, ppt_dev_free);
}

static void ppt_vm_free(struct kref *kref)
{
	kfree(container_of(kref, struct ppt_vm, kref));
}

static struct ppt_dev *ppt_dev_get(const struct ppt_addr *addr)
{
	struct ppt_dev *ppt, *found = NULL;

	if (addr->bus > 255 || addr->slot > 31 || addr->func > 7)
		return NULL;
	mutex_lock(&registry_lock);
	list_for_each_entry(ppt, &registry, link) {
		if (pci_domain_nr(ppt->pdev->bus) == addr->domain &&
		    ppt->pdev->bus->number == addr->bus &&
		    ppt->pdev->devfn == PCI_DEVFN(addr->slot, addr->func)) {
			found = ppt;
			kref_get(&found->kref);
			break;
		}
	}
	mutex_unlock(&registry_lock);
	return found;
}

struct ppt_dev *ppt_dev_lock(struct ppt_vm *pv, const struct ppt_addr *addr)
{
	struct ppt_dev *ppt = ppt_dev_get(addr);

	if (!ppt)
		return ERR_PTR(-ENOENT);
	mutex_lock(&ppt->lock);
	if (ppt->owner == pv)
		return ppt;
	ppt_dev_unlock(ppt);
	return ERR_PTR(-EBUSY);
}

void ppt_dev_unlock(struct ppt_dev *ppt)
{
	mutex_unlock(&ppt->lock);
	ppt_dev_put(ppt);
}

bool ppt_has(struct pci_dev *pdev)
{
	return READ_ONCE(pdev->dev.driver) == &ppt_driver.driver;
}

void ppt_owner_name(struct pci_dev *pdev, char *buf, size_t size)
{
	struct ppt_dev *ppt;

	*buf = '\0';
	mutex_lock(&registry_lock);
	list_for_each_entry(ppt, &registry, link)
		if (ppt->pdev == pdev && ppt->owner)
			strscpy(buf, ppt->owner->name, size);
	mutex_unlock(&registry_lock);
}

static void ppt_owner_set(struct ppt_dev *ppt, struct ppt_vm *owner)
{
	mutex_lock(&registry_lock);
	ppt->owner = owner;
	mutex_unlock(&registry_lock);
}

/* --- a VM's side ------------------------------------------------------ */

struct ppt_vm *ppt_vm_create(const char *name, struct vm_mem *mem, struct irq *irq)
{
	struct ppt_vm *pv = kzalloc(sizeof(*pv), GFP_KERNEL_ACCOUNT);

	if (!pv)
		return ERR_PTR(-ENOMEM);
	kref_init(&pv->kref);
	pv->name = name;
	pv->mem = mem;
	pv->irq = irq;
	mutex_init(&pv->lock);
	INIT_LIST_HEAD(&pv->devices);
	INIT_LIST_HEAD(&pv->groups);
	INIT_LIST_HEAD(&pv->domains);
	raw_spin_lock_init(&pv->intx_lock);
	INIT_LIST_HEAD(&pv->intx);
	return pv;
}

/*
 * The device leaves its VM. pv->lock held. What has been configured goes as well: the state that is
 * restored is the one from before the VM had it.
 */
static void ppt_release(struct ppt_vm *pv, struct ppt_dev *ppt, bool device_locked)
{
	struct pci_dev *pdev = ppt->pdev;

	lockdep_assert_held(&pv->lock);
	mutex_lock(&ppt->lock);
	pci_clear_master(pdev);
	ppt_irqs_release(ppt);
	ppt_bars_release(ppt);
	ppt->dirty = ppt_dev_reset(ppt, device_locked) != 0;
	if (ppt->saved && pci_device_is_present(pdev)) {
		pci_load_saved_state(pdev, ppt->saved);
		pci_restore_state(pdev);
		pci_clear_master(pdev);
	}
	pci_disable_device(pdev);
	ppt_domain_detach(pv, ppt);
	if (ppt->event)
		eventfd_ctx_put(ppt->event);
	ppt->event = NULL;
	list_del_init(&ppt->vm_link);
	ppt_owner_set(ppt, NULL);
	mutex_unlock(&ppt->lock);
}

void ppt_vm_reset(struct ppt_vm *pv)
{
	struct ppt_dev *ppt, *next;

	mutex_lock(&pv->lock);
	list_for_each_entry_safe(ppt, next, &pv->devices, vm_link)
		ppt_release(pv, ppt, false);
	mutex_unlock(&pv->lock);
}

void ppt_vm_destroy(struct ppt_vm *pv)
{
	if (IS_ERR_OR_NULL(pv))
		return;
	ppt_vm_reset(pv);
	kref_put(&pv->kref, ppt_vm_free);
}

/* --- bind and unbind -------------------------------------------------- */

static bool ppt_may_bind(const struct ppt_dev *ppt)
{
	return ns_capable(&init_user_ns, CAP_SYS_ADMIN) ||
	       (uid_valid(ppt->granted) && uid_eq(ppt->granted, current_euid()));
}

static int ppt_check_free(struct ppt_dev *ppt)
{
	lockdep_assert_held(&ppt->lock);
	if (ppt->gone)
		return -ENOENT;
	if (!ppt_may_bind(ppt))
		return -EPERM;
	return ppt->owner ? -EBUSY : 0;
}

/* Nothing may be left in the device of what another VM had in it. */
static int ppt_reset_before(struct ppt_dev *ppt)
{
	struct pci_dev *pdev = ppt->pdev;
	int err = ppt_dev_reset(ppt, false);

	if (err == -EAGAIN)
		return -EBUSY;
	if (!err) {
		ppt->dirty = false;
		return 0;
	}
	if (!ppt->dirty || ppt_unsafe_noreset) {
		pr_warn_ratelimited("%s has no reset method that works; state of last guest may leak\n",
				    pci_name(pdev));
		return 0;
	}
	pr_info_ratelimited("%s refused: another VM has had it, and it cannot be reset (bind it to ppt anew, or unsafe_noreset=1)\n",
			    pci_name(pdev));
	return -EBUSY;
}

/* Decoding on, state of now kept for the way back. */
static int ppt_power_up(struct ppt_dev *ppt)
{
	struct pci_dev *pdev = ppt->pdev;
	int err = pci_set_power_state(pdev, PCI_D0) ?: pci_enable_device(pdev);

	if (err)
		return -ENXIO;
	pci_clear_master(pdev);
	kfree(ppt->saved);
	ppt->saved = NULL;
	if (!pci_save_state(pdev))
		ppt->saved = pci_store_saved_state(pdev);
	return 0;
}

static int ppt_take(struct ppt_vm *pv, struct ppt_dev *ppt)
{
	int err = ppt_check_free(ppt) ?: ppt_power_up(ppt);

	if (err)
		return err;
	err = ppt_domain_attach(pv, ppt);
	if (err)
		goto err_disable;
	err = ppt_reset_before(ppt);
	if (err)
		goto err_detach;
	pci_clear_master(ppt->pdev);
	ppt->dirty = true;
	list_add_tail(&ppt->vm_link, &pv->devices);
	ppt_owner_set(ppt, pv);
	return 0;

err_detach:
	ppt_domain_detach(pv, ppt);
err_disable:
	pci_disable_device(ppt->pdev);
	return err;
}

int ppt_bind(struct ppt_vm *pv, const struct ppt_addr *addr)
{
	struct ppt_dev *ppt = ppt_dev_get(addr);
	int err;

	if (!ppt)
		return -ENOENT;
	mutex_lock(&pv->lock);
	mutex_lock(&ppt->lock);
	err = ppt_take(pv, ppt);
	ppt_dev_unlock(ppt);
	mutex_unlock(&pv->lock);
	return err;
}

int ppt_unbind(struct ppt_vm *pv, const struct ppt_addr *addr)
{
	struct ppt_dev *ppt = ppt_dev_get(addr);
	int err = -EBUSY;

	if (!ppt)
		return -ENOENT;
	mutex_lock(&pv->lock);
	if (ppt->owner == pv) {
		ppt_release(pv, ppt, false);
		err = 0;
	}
	mutex_unlock(&pv->lock);
	ppt_dev_put(ppt);
	return err;
}

/* --- what else a VM may ask of its device ----------------------------- */

int ppt_reset(struct ppt_vm *pv, const struct ppt_addr *addr)
{
	struct ppt_dev *ppt = ppt_dev_lock(pv, addr);
	int err;

	if (IS_ERR(ppt))
		return PTR_ERR(ppt);
	err = ppt_dev_reset(ppt, false);
	ppt_dev_unlock(ppt);
	return err == -ENOTTY ? -EOPNOTSUPP : err;
}

int ppt_set_event(struct ppt_vm *pv, const struct ppt_addr *addr, int fd)
{
	struct eventfd_ctx *event = fd == -1 ? NULL : eventfd_ctx_fdget(fd);
	struct ppt_dev *ppt;

	if (IS_ERR(event))
		return PTR_ERR(event);
	ppt = ppt_dev_lock(pv, addr);
	if (!IS_ERR(ppt)) {
		swap(ppt->event, event);
		ppt_dev_unlock(ppt);
	}
	if (event)
		eventfd_ctx_put(event);
	return PTR_ERR_OR_ZERO(ppt);
}

static u32 region_flags(const struct pci_dev *pdev, unsigned int bar)
{
	unsigned long flags = pci_resource_flags(pdev, bar);
	u32 out = VML_PPT_REGION_READ | VML_PPT_REGION_WRITE;

	if (flags & IORESOURCE_IO)
		out |= VML_PPT_REGION_IO;
	if (flags & IORESOURCE_MEM_64)
		out |= VML_PPT_REGION_64;
	if (flags & IORESOURCE_PREFETCH)
		out |= VML_PPT_REGION_PREFETCH;
	return out;
}

static void regions_info(struct pci_dev *pdev, struct vml_ppt_info *info)
{
	unsigned int bar;

	for (bar = 0; bar < PCI_STD_NUM_BARS; bar++) {
		if (!pci_resource_len(pdev, bar))
			continue;
		info->regions[bar].len = pci_resource_len(pdev, bar);
		info->regions[bar].flags = region_flags(pdev, bar);
		if (pci_resource_flags(pdev, bar) & IORESOURCE_MEM)
			info->regions[bar].hpa = pci_resource_start(pdev, bar);
	}
	info->regions[VML_PPT_REGION_CONFIG].len = pdev->cfg_size;
	info->regions[VML_PPT_REGION_CONFIG].flags = VML_PPT_REGION_READ | VML_PPT_REGION_WRITE;
}

int ppt_info(struct ppt_vm *pv, const struct ppt_addr *addr, struct vml_ppt_info *info)
{
	struct ppt_dev *ppt = ppt_dev_lock(pv, addr);
	unsigned int bar = 0;
	u64 offset, bytes;

	if (IS_ERR(ppt))
		return PTR_ERR(ppt);
	memset(info->irqs, 0, sizeof(info->irqs));
	memset(info->regions, 0, sizeof(info->regions));
	ppt_irqs_info(ppt->pdev, info->irqs);
	regions_info(ppt->pdev, info);
	info->msix_bar = -1;
	if (ppt_msix_table(ppt->pdev, &bar, &offset, &bytes)) {
		info->msix_bar = bar;
		info->msix_offset = offset;
	}
	ppt_dev_unlock(ppt);
	return 0;
}

int ppt_access(struct ppt_vm *pv, const struct ppt_addr *addr, u32 region, u64 offset, u32 width,
	       bool write, u64 *val)
{
	struct ppt_dev *ppt;
	int err = -EINVAL;

	if (!is_power_of_2(width) || width > sizeof(*val) || !IS_ALIGNED(offset, width))
		return -EINVAL;
	ppt = ppt_dev_lock(pv, addr);
	if (IS_ERR(ppt))
		return PTR_ERR(ppt);
	if (region == VML_PPT_REGION_CONFIG)
		err = ppt_config_access(ppt, offset, width, write, val);
	else if (region < PCI_STD_NUM_BARS)
		err = ppt_bar_access(ppt, region, offset, width, write, val);
	ppt_dev_unlock(ppt);
	return err;
}

/* --- sysfs ------------------------------------------------------------ */

static ssize_t ppt_uid_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	struct ppt_dev *ppt = dev_get_drvdata(dev);

	if (!uid_valid(ppt->granted))
		return sysfs_emit(buf, "none\n");
	return sysfs_emit(buf, "%u\n", from_kuid(&init_user_ns, ppt->granted));
}

static ssize_t ppt_uid_store(struct device *dev, struct device_attribute *attr, const char *buf,
			     size_t count)
{
	struct ppt_dev *ppt = dev_get_drvdata(dev);
	kuid_t uid = INVALID_UID;
	unsigned int number;

	if (!ns_capable(&init_user_ns, CAP_SYS_ADMIN))
		return -EPERM;
	if (!sysfs_streq(buf, "none")) {
		if (kstrtouint(buf, 0, &number))
			return -EINVAL;
		uid = make_kuid(&init_user_ns, number);
		if (!uid_valid(uid))
			return -EINVAL;
	}
	mutex_lock(&ppt->lock);
	ppt->granted = uid;
	mutex_unlock(&ppt->lock);
	return count;
}
static DEVICE_ATTR_RW(ppt_uid);

static ssize_t ppt_vm_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	char name[VM_MAX_NAMELEN + 1];

	ppt_owner_name(to_pci_dev(dev), name, sizeof(name));
	return sysfs_emit(buf, "%s\n", name);
}
static DEVICE_ATTR_RO(ppt_vm);

static struct attribute *ppt_attrs[] = {
	&dev_attr_ppt_uid.attr,
	&dev_attr_ppt_vm.attr,
	NULL,
};
ATTRIBUTE_GROUPS(ppt);

/* --- the driver ------------------------------------------------------- */

static struct ppt_dev *ppt_dev_alloc(struct pci_dev *pdev)
{
	struct ppt_dev *ppt = kzalloc(sizeof(*ppt), GFP_KERNEL);

	if (!ppt)
		return NULL;
	kref_init(&ppt->kref);
	mutex_init(&ppt->lock);
	INIT_LIST_HEAD(&ppt->vm_link);
	ppt->pdev = pci_dev_get(pdev);
	ppt->granted = INVALID_UID;
	snprintf(ppt->irq_name, sizeof(ppt->irq_name), "ppt %s", pci_name(pdev));
	ppt_irqs_init(ppt);
	ppt_config_init(ppt);
	return ppt;
}

/* The PCI core keeps the device in D0 from here to ppt_remove(). */
static int ppt_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct ppt_dev *ppt;

	if (pdev->hdr_type != PCI_HEADER_TYPE_NORMAL) {
		pci_info(pdev, "vmm: a bridge cannot be passed through\n");
		return -EINVAL;
	}
	ppt = ppt_dev_alloc(pdev);
	if (!ppt)
		return -ENOMEM;
	pci_set_drvdata(pdev, ppt);
	mutex_lock(&registry_lock);
	list_add_tail(&ppt->link, &registry);
	atomic_inc(&ppt_devices);
	mutex_unlock(&registry_lock);
	return 0;
}

/* Nobody binds it any more; the VM that has it, with a reference. */
static struct ppt_vm *ppt_close(struct ppt_dev *ppt)
{
	struct ppt_vm *pv;

	mutex_lock(&ppt->lock);
	ppt->gone = true;
	pv = ppt->owner;
	if (pv)
		kref_get(&pv->kref);
	mutex_unlock(&ppt->lock);
	return pv;
}

static void ppt_take_away(struct ppt_vm *pv, struct ppt_dev *ppt)
{
	mutex_lock(&pv->lock);
	/* The VM may have let go of it meanwhile. */
	if (ppt->owner == pv) {
		pr_notice("%s is taken away from VM \"%s\"\n", pci_name(ppt->pdev), pv->name);
		if (ppt->event)
			compat_eventfd_signal(ppt->event);
		ppt_release(pv, ppt, true);
	}
	mutex_unlock(&pv->lock);
	kref_put(&pv->kref, ppt_vm_free);
}

static void ppt_remove(struct pci_dev *pdev)
{
	struct ppt_dev *ppt = pci_get_drvdata(pdev);
	struct ppt_vm *pv = ppt_close(ppt);

	if (pv)
		ppt_take_away(pv, ppt);
	mutex_lock(&ppt->lock);
	/* A VM that let go of it while we held the device lock could not reset it. */
	if (ppt->dirty)
		ppt_dev_reset(ppt, true);
	mutex_unlock(&ppt->lock);
	mutex_lock(&registry_lock);
	list_del(&ppt->link);
	atomic_dec(&ppt_devices);
	mutex_unlock(&registry_lock);
	pci_set_drvdata(pdev, NULL);
	ppt_dev_put(ppt);
}

/* What a VM's driver has put into the device cannot be saved and brought back from here. */
static int ppt_prepare(struct device *dev)
{
	char name[VM_MAX_NAMELEN + 1];

	ppt_owner_name(to_pci_dev(dev), name, sizeof(name));
	if (!*name)
		return 0;
	pr_notice("suspend blocked: VM \"%s\" has passthrough device %s\n", name, dev_name(dev));
	return -EBUSY;
}

static const struct dev_pm_ops ppt_pm_ops = {
	.prepare = ppt_prepare,
};

/* driverctl(8) looks for a module of the driver's name. */
MODULE_ALIAS("ppt");

/* Nothing matches but driver_override. */
static const struct pci_device_id ppt_ids[] = {
	{ }
};

struct pci_driver ppt_driver = {
	.name = "ppt",
	.id_table = ppt_ids,
	.probe = ppt_probe,
	.remove = ppt_remove,
	.driver.pm = &ppt_pm_ops,
	.dev_groups = ppt_groups,
	.driver_managed_dma = true,
};

int ppt_module_init(void)
{
	int err = claim_init();

	if (err)
		return err;
	err = pci_register_driver(&ppt_driver);
	if (err) {
		claim_exit();
		return err;
	}
	claim_settle();
	return 0;
}

/* Not reached while a VM has a device: it has the module, too. */
void ppt_module_exit(void)
{
	claim_exit();
	pci_unregister_driver(&ppt_driver);
}
