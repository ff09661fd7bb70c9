/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What the files of this room tell each other. */
#ifndef VMM_IOMMU_PPT_PRIV_H
#define VMM_IOMMU_PPT_PRIV_H

#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/spinlock.h>
#include <linux/uidgid.h>
#include <linux/workqueue.h>
#include "../mem/mem.h"
#include "ppt.h"

#define PPT_SEGMENTS	7	/* parts of BARs that a guest sees of one function */
#define PPT_CONFIG_BYTES 256	/* of config space, that may be written at all */

struct eventfd_ctx;
struct iommu_domain;
struct iommu_group;
struct irq;
struct pci_saved_state;

/*
 * Locks, outermost first: the VM's mem.lock, its vCPUs frozen, ppt_vm.lock, ppt_dev.lock,
 * registry_lock (ppt.c). The driver's callbacks come with the device lock held, and take
 * ppt_vm.lock; so whoever has that only ever tries for a device lock.
 */
struct ppt_vm {
	struct kref kref;
	const char *name;		/* of the VM; constant */
	struct vm_mem *mem;		/* constant */
	struct irq *irq;		/* constant */
	struct mutex lock;
	bool closed;			/* lock: the VM goes */
	struct list_head devices;	/* lock: struct ppt_dev */
	struct list_head groups;	/* lock: struct ppt_group */
	struct list_head domains;	/* lock: struct ppt_domain */
	raw_spinlock_t intx_lock;
	struct list_head intx;		/* intx_lock: struct ppt_intx */
};

/* A page table for devices, with all of the VM's memory. More than one if IOMMUs differ. */
struct ppt_domain {
	struct list_head link;		/* ppt_vm.lock, as all of these */
	struct iommu_domain *domain;
	unsigned int groups;
};

struct ppt_group {
	struct list_head link;
	struct iommu_group *group;
	struct ppt_domain *domain;
	unsigned int devices;
};

/* One MSI or MSI-X vector. */
struct ppt_vector {
	raw_spinlock_t lock;
	u64 addr, data;			/* lock: where the guest wants it */
	struct irq *irq;		/* constant: the VM's fabric */
	bool armed;			/* ppt_dev.lock: a handler is installed */
};

/* The INTx pin, level-triggered: to a pin of the guest's I/O APIC, or as a message. */
struct ppt_intx {
	struct list_head link;		/* ppt_vm.intx_lock; pins only */
	struct pci_dev *pdev;		/* constant while on, as the next five */
	struct irq *irq;
	int pin;			/* -1: as the message */
	u64 addr, data;
	bool maskable;			/* at the device; else by the host's interrupt controller */
	raw_spinlock_t lock;
	bool masked;			/* lock */
	bool asserted;			/* lock: the guest's pin */
	bool on;			/* lock */
	struct delayed_work retry;	/* message only: look again */
};

enum ppt_irq_mode { PPT_IRQ_OFF, PPT_IRQ_MSI, PPT_IRQ_MSIX, PPT_IRQ_MESSAGE, PPT_IRQ_INTX };

struct ppt_segment {
	struct mem_device device;
	bool used;
};

struct ppt_dev {
	struct kref kref;
	struct list_head link;		/* registry_lock */
	struct pci_dev *pdev;		/* constant, referenced */
	char irq_name[32];		/* constant */
	struct mutex lock;		/* everything below */
	struct ppt_vm *owner;		/* owner->lock, lock, registry_lock; to look, one of them */
	struct list_head vm_link;	/* owner->lock */
	struct ppt_group *group;	/* owner->lock */
	kuid_t granted;			/* who may bind it besides the administrator */
	bool gone;			/* the driver loses it */
	bool dirty;			/* a VM has used it and it was not reset since */
	struct pci_saved_state *saved;	/* configuration before a VM had it */
	struct eventfd_ctx *event;

	struct ppt_segment segments[PPT_SEGMENTS];
	void __iomem *bars[PCI_STD_NUM_BARS];	/* mapped on first access */

	enum ppt_irq_mode irq_mode;
	unsigned int vectors;
	struct ppt_vector *vector;
	struct ppt_intx intx;

	u8 writable[PPT_CONFIG_BYTES];	/* bits of config space that a monitor may write */
	u8 clearable[PPT_CONFIG_BYTES];	/* bits there that are cleared by writing 1 */
};

/*
 * ppt.c. The function at @addr with its lock and a reference, if @pv owns it. ERR_PTR(-ENOENT,
 * -EBUSY).
 */
struct ppt_dev *ppt_dev_lock(struct ppt_vm *pv, const struct ppt_addr *addr);
void ppt_dev_unlock(struct ppt_dev *ppt);
/* Is @pdev ours? */
bool ppt_has(struct pci_dev *pdev);
/* Name of the VM that has @pdev into @buf, empty if none has. */
void ppt_owner_name(struct pci_dev *pdev, char *buf, size_t size);

/*
 * ppt_reset.c. ppt->lock held. @device_locked: the caller holds the device lock. 0, -ENOTTY: no
 * method, -EAGAIN, -EIO.
 */
int ppt_dev_reset(struct ppt_dev *ppt, bool device_locked);

/* domain.c. pv->lock and mem.lock (exclusive) held for attach, pv->lock for detach. */
int ppt_domain_attach(struct ppt_vm *pv, struct ppt_dev *ppt);
void ppt_domain_detach(struct ppt_vm *pv, struct ppt_dev *ppt);

/* ppt_bar.c, ppt_irq.c. ppt->lock held. Everything off; vCPUs may run. */
void ppt_bars_release(struct ppt_dev *ppt);
void ppt_irqs_release(struct ppt_dev *ppt);
bool ppt_msix_table(struct pci_dev *pdev, unsigned int *bar, u64 *offset, u64 *bytes);
void ppt_irqs_info(struct pci_dev *pdev, u32 irqs[3]);
int ppt_bar_access(struct ppt_dev *ppt, unsigned int bar, u64 offset, u32 width, bool write,
		   u64 *val);
void ppt_irqs_init(struct ppt_dev *ppt);

/* ppt_config.c. */
void ppt_config_init(struct ppt_dev *ppt);
int ppt_config_access(struct ppt_dev *ppt, u64 offset, u32 width, bool write, u64 *val);

/* claim.c: the pptdevs parameters. Before and after the driver is registered; and at unload. */
int claim_init(void);
void claim_settle(void);
void claim_exit(void);

/* host_use.c. Does the host live on @pdev? Then @why says what is there. Sleeps. */
bool host_uses(struct pci_dev *pdev, char *why, size_t size);

extern struct pci_driver ppt_driver;

#endif
