// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * claim: devices that the parameters pptdevs, pptdevs2 and pptdevs3 reserve.
 *
 * A device is reserved by its driver_override, which the driver core asks before any driver's id
 * table: devices that are there when the module is loaded get it before the driver ppt is
 * registered, later ones from a bus notifier, when they are added and before drivers are tried. A
 * device whose driver was faster stays with it, unless ppt_force=1 and the host can do without it.
 *
 * The override is set first and the driver looked at afterwards: a driver that binds meanwhile
 * is seen, and one that comes later is not let in.
 */
#define pr_fmt(fmt) "vmm: " fmt
#include <linux/device.h>
#include <linux/module.h>
#include <linux/notifier.h>
#include <linux/pci.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <compat_pci.h>
#include "ppt_priv.h"
#include "pptdevs.h"

#define OVERRIDE_BYTES	64

static char *claim_texts[3];
module_param_named(pptdevs, claim_texts[0], charp, 0444);
MODULE_PARM_DESC(pptdevs, "PCI functions to reserve for passthrough, separated by space, comma or semicolon: bus/slot/func in decimal, or [domain:]bus:slot.func in hexadecimal");
module_param_named(pptdevs2, claim_texts[1], charp, 0444);
MODULE_PARM_DESC(pptdevs2, "more of pptdevs");
module_param_named(pptdevs3, claim_texts[2], charp, 0444);
MODULE_PARM_DESC(pptdevs3, "more of pptdevs");

static bool ppt_force;
module_param(ppt_force, bool, 0444);
MODULE_PARM_DESC(ppt_force, "take devices of pptdevs from their host driver, unless a mounted file system or the default route needs them");

struct claim {
	struct pptdevs_entry entry;	/* constant after load; its text is the parameter's */
	const char *param;		/* constant */
	bool found;			/* a device had that address; told at load */
};

static struct claim *claims;		/* constant after load */
static unsigned int claim_count;

static struct claim *claim_find(struct pci_dev *pdev)
{
	const struct pptdevs_entry *entry;
	unsigned int i;

	for (i = 0; i < claim_count; i++) {
		entry = &claims[i].entry;
		if (entry->domain == pci_domain_nr(pdev->bus) && entry->bus == pdev->bus->number &&
		    PCI_DEVFN(entry->slot, entry->func) == pdev->devfn)
			return &claims[i];
	}
	return NULL;
}

/* --- the parameters --------------------------------------------------- */

static int claim_add(const struct pptdevs_entry *entry, const char *param)
{
	struct claim *more = krealloc_array(claims, claim_count + 1, sizeof(*claims), GFP_KERNEL);

	if (!more)
		return -ENOMEM;
	claims = more;
	claims[claim_count++] = (struct claim){ .entry = *entry, .param = param };
	return 0;
}

static int claims_parse(const char *text, const char *param)
{
	struct pptdevs_entry entry;
	int ret, err;

	while ((ret = pptdevs_next(&text, &entry))) {
		if (ret < 0) {
			pr_warn("%s: \"%.*s\" is no device: write bus/slot/func in decimal, or [domain:]bus:slot.func in hexadecimal as lspci does\n",
				param, entry.len, entry.text);
			continue;
		}
		err = claim_add(&entry, param);
		if (err)
			return err;
	}
	return 0;
}

/* --- reserving -------------------------------------------------------- */

/* Somebody wants another driver for this device: -EBUSY, unless we are to use force. */
static int claim_override(struct pci_dev *pdev)
{
	char other[OVERRIDE_BYTES];

	compat_override_get(pdev, other, sizeof(other));
	if (*other && strcmp(other, ppt_driver.name) && !ppt_force) {
		pr_info("%s has driver_override %s: left alone\n", pci_name(pdev), other);
		return -EBUSY;
	}
	return compat_override_set(pdev, ppt_driver.name);
}

/* The driver that has @pdev, if it is not ours. NULL: none. */
static const char *claim_rival(struct pci_dev *pdev)
{
	struct device_driver *driver;
	const char *name = NULL;

	/* The lock is held while a driver probes: it has got it, or will not get it. */
	device_lock(&pdev->dev);
	driver = pdev->dev.driver;
	if (driver && driver != &ppt_driver.driver)
		name = driver->name;
	device_unlock(&pdev->dev);
	return name;
}

static void claim_present(struct pci_dev *pdev)
{
	const char *rival;

	if (claim_override(pdev))
		return;
	rival = claim_rival(pdev);
	if (!rival) {
		pr_info("%s is reserved for passthrough\n", pci_name(pdev));
		return;
	}
	if (ppt_force)
		return;
	compat_override_set(pdev, "");
	pr_info("%s is held by %s: left alone (load vmm before %s, or ppt_force=1)\n",
		pci_name(pdev), rival, rival);
}

/*
 * On the way into the bus: no driver has been tried yet. The device may or may not be locked here.
 */
static int claim_notify(struct notifier_block *block, unsigned long action, void *data)
{
	struct pci_dev *pdev = to_pci_dev(data);
	struct claim *claim;

	if (action != BUS_NOTIFY_ADD_DEVICE)
		return NOTIFY_DONE;
	claim = claim_find(pdev);
	if (!claim)
		return NOTIFY_DONE;
	claim->found = true;
	if (!compat_override_set(pdev, ppt_driver.name))
		pr_info("%s is reserved for passthrough\n", pci_name(pdev));
	return NOTIFY_OK;
}

static struct notifier_block claim_block = {
	.notifier_call = claim_notify,
};

int claim_init(void)
{
	static const char *const names[] = { "pptdevs", "pptdevs2", "pptdevs3" };
	struct pci_dev *pdev = NULL;
	struct claim *claim;
	int i, err;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		err = claim_texts[i] ? claims_parse(claim_texts[i], names[i]) : 0;
		if (err) {
			kfree(claims);
			return err;
		}
	}
	err = bus_register_notifier(&pci_bus_type, &claim_block);
	if (err) {
		kfree(claims);
		return err;
	}
	for_each_pci_dev(pdev) {
		claim = claim_find(pdev);
		if (!claim)
			continue;
		claim->found = true;
		claim_present(pdev);
	}
	return 0;
}

/* --- once the driver is there ----------------------------------------- */

static void claim_take(struct pci_dev *pdev)
{
	const char *rival = claim_rival(pdev);
	char why[64];

	if (!rival)
		return;
	if (host_uses(pdev, why, sizeof(why))) {
		compat_override_set(pdev, "");
		pr_warn("%s in use by %s (%s): left alone\n", pci_name(pdev), rival, why);
		return;
	}
	pr_info("%s is taken from %s for passthrough\n", pci_name(pdev), rival);
	device_release_driver(&pdev->dev);
	if (device_attach(&pdev->dev) != 1)
		pr_warn("%s does not bind to ppt\n", pci_name(pdev));
}

/* A decimal entry of which the digits, read as lspci would, do name a device? */
static bool claim_meant_hex(const struct pptdevs_entry *entry)
{
	unsigned int bus = entry->bus / 100 * 256 + entry->bus / 10 % 10 * 16 + entry->bus % 10;
	unsigned int slot = entry->slot / 10 * 16 + entry->slot % 10;
	struct pci_dev *pdev;

	if (!entry->decimal || bus > 255 || slot > 31 || (bus == entry->bus && slot == entry->slot))
		return false;
	pdev = pci_get_domain_bus_and_slot(0, bus, PCI_DEVFN(slot, entry->func));
	if (pdev)
		pr_warn("pptdevs: %s is %u/%u/%u in decimal\n", pci_name(pdev), bus, slot,
			entry->func);
	pci_dev_put(pdev);
	return pdev;
}

void claim_settle(void)
{
	struct pci_dev *pdev = NULL;
	unsigned int i;

	for (i = 0; i < claim_count; i++) {
		if (claims[i].found)
			continue;
		pr_warn("%s: \"%.*s\" matches no device (%s)\n", claims[i].param,
			claims[i].entry.len, claims[i].entry.text, claims[i].entry.decimal ? "decimal bus/slot/func" :
			"hexadecimal [domain:]bus:slot.func");
		claim_meant_hex(&claims[i].entry);
	}
	if (!ppt_force)
		return;
	for_each_pci_dev(pdev)
		if (claim_find(pdev))
			claim_take(pdev);
}

/* Devices that we have reserved are free again, for whoever is asked to probe them. */
void claim_exit(void)
{
	struct pci_dev *pdev = NULL;
	char name[OVERRIDE_BYTES];

	bus_unregister_notifier(&pci_bus_type, &claim_block);
	for_each_pci_dev(pdev) {
		if (!claim_find(pdev))
			continue;
		compat_override_get(pdev, name, sizeof(name));
		if (!strcmp(name, ppt_driver.name))
			compat_override_set(pdev, "");
	}
	kfree(claims);
	claims = NULL;
	claim_count = 0;
}
