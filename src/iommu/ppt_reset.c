// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * ppt_reset: every way that Linux knows to reset a function, in the order of its reset_method; and
 * where there is none, its whole slot or bus, if all that is on it is ours and idle.
 *
 * pci_try_reset_function() gives up when the device lock is taken. That is so while the
 * driver is being unbound, and that path resets under the lock itself.
 */
#include <linux/delay.h>
#include <linux/errno.h>
#include "ppt_priv.h"

#define RESET_TRIES	20
#define RESET_RETRY_MS	20

/* Configuration as it was, but nothing goes out of the device. */
static int reset_function_locked(struct pci_dev *pdev)
{
	int err;

	pci_save_state(pdev);
	err = __pci_reset_function_locked(pdev);
	pci_restore_state(pdev);
	return err;
}

static int reset_function(struct ppt_dev *ppt)
{
	int tries, err = -EAGAIN;

	for (tries = 0; tries < RESET_TRIES && err == -EAGAIN; tries++) {
		if (tries)
			msleep(RESET_RETRY_MS);
		err = pci_try_reset_function(ppt->pdev);
	}
	return err;
}

struct bus_users {
	struct ppt_dev *ppt;
	bool others;
};

static int bus_user_check(struct pci_dev *pdev, void *data)
{
	struct bus_users *users = data;
	char name[VM_MAX_NAMELEN + 1];

	if (pdev == users->ppt->pdev)
		return 0;
	ppt_owner_name(pdev, name, sizeof(name));
	users->others |= !ppt_has(pdev) || *name;
	return users->others;
}

/*
 * Functions that share a bus without a bridge between share its group as well, unless the device
 * promises isolation; so another VM does not get hold of one meanwhile, and the trylocks inside
 * keep drivers from coming and going.
 */
static int reset_bus(struct ppt_dev *ppt)
{
	struct bus_users users = { .ppt = ppt };
	struct pci_dev *pdev = ppt->pdev;

	if (pci_is_root_bus(pdev->bus))
		return -ENOTTY;
	pci_walk_bus(pdev->bus, bus_user_check, &users);
	if (users.others)
		return -ENOTTY;
	return pci_reset_bus(pdev);
}

int ppt_dev_reset(struct ppt_dev *ppt, bool device_locked)
{
	struct pci_dev *pdev = ppt->pdev;
	int err;

	lockdep_assert_held(&ppt->lock);
	if (!pci_device_is_present(pdev))
		return 0;
	pci_wait_for_pending_transaction(pdev);
	if (device_locked)
		return reset_function_locked(pdev);
	err = reset_function(ppt);
	if (err == -ENOTTY)
		err = reset_bus(ppt);
	return err;
}
