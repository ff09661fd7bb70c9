// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * ppt_irq: interrupts of a function, delivered to the guest.
 *
 * MSI and MSI-X vectors are the host's; each handler sends the message that the guest has
 * programmed, as VM_LAPIC_MSI would. The vectors of MSI-X are all allocated at first use; the table
 * in the device is written by the host alone, and a vector without a handler is masked there.
 *
 * INTx is level-triggered, and may be shared with devices of the host: the handler masks it at the
 * device (or, where a device cannot do that, in the interrupt controller, and then the line must
 * not be shared), raises the guest's pin, and unmasks when the guest has ended the interrupt, or
 * raises it anew if the device still asks. A device without MSI whose monitor wants a message gets
 * one at each rise; as nobody tells when that is done, the line is looked at again after a while.
 */
#include <linux/err.h>
#include <linux/interrupt.h>
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/nospec.h>
#include <linux/slab.h>
#include "../dev/irq.h"
#include "../dev/vioapic.h"
#include "ppt_priv.h"

#define MSI_VECTORS_MAX		32
#define MSIX_MASKED		1
#define MESSAGE_RETRY_JIFFIES	1

/* --- vectors ---------------------------------------------------------- */

/* Hard interrupt context. */
static irqreturn_t vector_handler(int line, void *data)
{
	struct ppt_vector *vector = data;
	u64 addr, msg;

	raw_spin_lock(&vector->lock);
	addr = vector->addr;
	msg = vector->data;
	raw_spin_unlock(&vector->lock);
	irq_msi(vector->irq, addr, msg);
	return IRQ_HANDLED;
}

static void vector_set(struct ppt_vector *vector, u64 addr, u64 data)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&vector->lock, flags);
	vector->addr = addr;
	vector->data = data;
	raw_spin_unlock_irqrestore(&vector->lock, flags);
}

static int vector_arm(struct ppt_dev *ppt, unsigned int index)
{
	struct ppt_vector *vector = &ppt->vector[index];

	if (vector->armed)
		return 0;
	/* irq_msi() takes raw locks and is quick: no thread for it on a kernel that likes them. */
	if (request_irq(pci_irq_vector(ppt->pdev, index), vector_handler, IRQF_NO_THREAD,
			ppt->irq_name, vector))
		return -ENXIO;
	vector->armed = true;
	return 0;
}

static void vector_disarm(struct ppt_dev *ppt, unsigned int index)
{
	struct ppt_vector *vector = &ppt->vector[index];

	if (!vector->armed)
		return;
	free_irq(pci_irq_vector(ppt->pdev, index), vector);
	vector->armed = false;
}

static void vectors_free(struct ppt_dev *ppt)
{
	unsigned int i;

	for (i = 0; i < ppt->vectors; i++)
		vector_disarm(ppt, i);
	pci_free_irq_vectors(ppt->pdev);
	kvfree(ppt->vector);
	ppt->vector = NULL;
	ppt->vectors = 0;
	ppt->irq_mode = PPT_IRQ_OFF;
}

static int vectors_alloc(struct ppt_dev *ppt, unsigned int count, unsigned int kind)
{
	unsigned int i;

	ppt->vector = kvcalloc(count, sizeof(*ppt->vector), GFP_KERNEL_ACCOUNT);
	if (!ppt->vector)
		return -ENOSPC;
	if (pci_alloc_irq_vectors(ppt->pdev, count, count, kind) < 0) {
		kvfree(ppt->vector);
		ppt->vector = NULL;
		return -ENOSPC;
	}
	for (i = 0; i < count; i++) {
		raw_spin_lock_init(&ppt->vector[i].lock);
		ppt->vector[i].irq = ppt->owner->irq;
	}
	ppt->vectors = count;
	return 0;
}

/* --- INTx ------------------------------------------------------------- */

static void intx_raise(struct ppt_intx *intx)
{
	lockdep_assert_held(&intx->lock);
	if (intx->pin < 0) {
		irq_msi(intx->irq, intx->addr, intx->data);
		schedule_delayed_work(&intx->retry, MESSAGE_RETRY_JIFFIES);
	} else {
		vioapic_assert(intx->irq->vioapic, intx->pin);
		intx->asserted = true;
	}
}

static bool intx_mask(struct ppt_intx *intx)
{
	lockdep_assert_held(&intx->lock);
	if (!intx->on || intx->masked)
		return false;
	if (!intx->maskable)
		disable_irq_nosync(intx->pdev->irq);
	else if (!pci_check_and_mask_intx(intx->pdev))
		return false;
	intx->masked = true;
	return true;
}

/* False: the device still asks, and stays masked. */
static bool intx_unmask(struct ppt_intx *intx)
{
	lockdep_assert_held(&intx->lock);
	if (intx->maskable && !pci_check_and_unmask_intx(intx->pdev))
		return false;
	intx->masked = false;
	if (!intx->maskable)
		enable_irq(intx->pdev->irq);
	return true;
}

static irqreturn_t intx_handler(int line, void *data)
{
	struct ppt_intx *intx = data;
	irqreturn_t ret = IRQ_NONE;

	raw_spin_lock(&intx->lock);
	if (intx_mask(intx)) {
		intx_raise(intx);
		ret = IRQ_HANDLED;
	}
	raw_spin_unlock(&intx->lock);
	return ret;
}

/* The guest is done, or was given time to be. */
static void intx_resample(struct ppt_intx *intx)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&intx->lock, flags);
	if (intx->on && intx->masked) {
		if (intx->asserted)
			vioapic_deassert(intx->irq->vioapic, intx->pin);
		intx->asserted = false;
		if (!intx_unmask(intx))
			intx_raise(intx);
	}
	raw_spin_unlock_irqrestore(&intx->lock, flags);
}

static void intx_retry(struct work_struct *work)
{
	intx_resample(container_of(to_delayed_work(work), struct ppt_intx, retry));
}

void ppt_pin_eoi(struct ppt_vm *pv, unsigned int pin)
{
	struct ppt_intx *intx;
	unsigned long flags;

	raw_spin_lock_irqsave(&pv->intx_lock, flags);
	list_for_each_entry(intx, &pv->intx, link)
		if (intx->pin == pin)
			intx_resample(intx);
	raw_spin_unlock_irqrestore(&pv->intx_lock, flags);
}

static void intx_list(struct ppt_vm *pv, struct ppt_intx *intx, bool add)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&pv->intx_lock, flags);
	if (add)
		list_add(&intx->link, &pv->intx);
	else
		list_del_init(&intx->link);
	raw_spin_unlock_irqrestore(&pv->intx_lock, flags);
}

/* Masked until the last step, so that the line cannot be raised without somebody to lower it. */
static int intx_start(struct ppt_dev *ppt, int pin, u64 addr, u64 data)
{
	struct ppt_intx *intx = &ppt->intx;
	unsigned long flags;

	intx->irq = ppt->owner->irq;
	intx->pin = pin;
	intx->addr = addr;
	intx->data = data;
	intx->maskable = !ppt->pdev->broken_intx_masking;
	intx->asserted = false;
	intx->masked = true;
	if (intx->maskable)
		pci_intx(ppt->pdev, 0);
	if (request_irq(ppt->pdev->irq, intx_handler,
			IRQF_NO_THREAD | (intx->maskable ? IRQF_SHARED : IRQF_NO_AUTOEN),
			ppt->irq_name, intx))
		return -ENXIO;
	if (!intx->maskable)
		pci_intx(ppt->pdev, 1);
	if (pin >= 0)
		intx_list(ppt->owner, intx, true);
	raw_spin_lock_irqsave(&intx->lock, flags);
	intx->on = true;
	if (!intx_unmask(intx))
		intx_raise(intx);
	raw_spin_unlock_irqrestore(&intx->lock, flags);
	return 0;
}

static void intx_stop(struct ppt_dev *ppt)
{
	struct ppt_intx *intx = &ppt->intx;
	unsigned long flags;

	if (intx->pin >= 0)
		intx_list(ppt->owner, intx, false);
	raw_spin_lock_irqsave(&intx->lock, flags);
	intx->on = false;
	pci_intx(ppt->pdev, 0);
	if (intx->asserted)
		vioapic_deassert(intx->irq->vioapic, intx->pin);
	intx->asserted = false;
	raw_spin_unlock_irqrestore(&intx->lock, flags);
	/*
	 * Whether it is enabled, or disabled for good, does not matter to the next who requests it.
	 */
	free_irq(ppt->pdev->irq, intx);
	cancel_delayed_work_sync(&intx->retry);
	ppt->irq_mode = PPT_IRQ_OFF;
}

static bool intx_exists(struct pci_dev *pdev)
{
	u8 pin;

	return pdev->irq && !pci_read_config_byte(pdev, PCI_INTERRUPT_PIN, &pin) && pin;
}

/* --- the requests ----------------------------------------------------- */

void ppt_irqs_init(struct ppt_dev *ppt)
{
	ppt->intx.pdev = ppt->pdev;
	raw_spin_lock_init(&ppt->intx.lock);
	INIT_DELAYED_WORK(&ppt->intx.retry, intx_retry);
	INIT_LIST_HEAD(&ppt->intx.link);
}

void ppt_irqs_release(struct ppt_dev *ppt)
{
	lockdep_assert_held(&ppt->lock);
	switch (ppt->irq_mode) {
	case PPT_IRQ_OFF:
		break;
	case PPT_IRQ_MSI:
	case PPT_IRQ_MSIX:
		vectors_free(ppt);
		break;
	case PPT_IRQ_MESSAGE:
	case PPT_IRQ_INTX:
		intx_stop(ppt);
		break;
	}
}

void ppt_irqs_info(struct pci_dev *pdev, u32 irqs[3])
{
	irqs[VML_PPT_IRQ_INTX] = intx_exists(pdev);
	irqs[VML_PPT_IRQ_MSI] = max(pci_msi_vec_count(pdev), 0);
	irqs[VML_PPT_IRQ_MSIX] = max(pci_msix_vec_count(pdev), 0);
}

static int msi_start(struct ppt_dev *ppt, u64 addr, u64 data, unsigned int numvec)
{
	unsigned int i;
	int err;

	err = vectors_alloc(ppt, numvec, PCI_IRQ_MSI);
	if (err)
		return err;
	ppt->irq_mode = PPT_IRQ_MSI;
	for (i = 0; i < numvec; i++) {
		vector_set(&ppt->vector[i], addr, data + i);
		err = vector_arm(ppt, i);
		if (err) {
			vectors_free(ppt);
			return err;
		}
	}
	return 0;
}

static int message_start(struct ppt_dev *ppt, u64 addr, u64 data, int numvec)
{
	int err;

	if (numvec != 1 || !intx_exists(ppt->pdev))
		return -EINVAL;
	err = intx_start(ppt, -1, addr, data);
	if (!err)
		ppt->irq_mode = PPT_IRQ_MESSAGE;
	return err;
}

static int msi_setup(struct ppt_dev *ppt, u64 addr, u64 data, int numvec)
{
	int available = pci_msi_vec_count(ppt->pdev);

	if (ppt->irq_mode == PPT_IRQ_MSIX || ppt->irq_mode == PPT_IRQ_INTX)
		return -EBUSY;
	if (available > 0 && numvec > available)
		return -EINVAL;
	ppt_irqs_release(ppt);
	if (!numvec)
		return 0;
	if (available > 0)
		return msi_start(ppt, addr, data, numvec);
	return message_start(ppt, addr, data, numvec);
}

int ppt_setup_msi(struct ppt_vm *pv, const struct ppt_addr *addr, u64 msi_addr, u64 msi_data,
		  int numvec)
{
	struct ppt_dev *ppt;
	int err;

	if (numvec < 0 || numvec > MSI_VECTORS_MAX)
		return -EINVAL;
	ppt = ppt_dev_lock(pv, addr);
	if (IS_ERR(ppt))
		return PTR_ERR(ppt);
	err = msi_setup(ppt, msi_addr, msi_data, numvec);
	ppt_dev_unlock(ppt);
	return err;
}

static int msix_setup(struct ppt_dev *ppt, int idx, u64 addr, u64 data, u32 control)
{
	int count = pci_msix_vec_count(ppt->pdev), err;

	if (ppt->irq_mode != PPT_IRQ_OFF && ppt->irq_mode != PPT_IRQ_MSIX)
		return -EBUSY;
	if (idx < 0 || idx >= count)
		return -EINVAL;
	if (ppt->irq_mode == PPT_IRQ_OFF) {
		err = vectors_alloc(ppt, count, PCI_IRQ_MSIX);
		if (err)
			return err;
		ppt->irq_mode = PPT_IRQ_MSIX;
	}
	idx = array_index_nospec(idx, ppt->vectors);
	vector_set(&ppt->vector[idx], addr, data);
	if (!(control & MSIX_MASKED))
		return vector_arm(ppt, idx);
	vector_disarm(ppt, idx);
	return 0;
}

int ppt_setup_msix(struct ppt_vm *pv, const struct ppt_addr *addr, int idx, u64 msi_addr,
		   u64 msi_data, u32 vector_control)
{
	struct ppt_dev *ppt = ppt_dev_lock(pv, addr);
	int err;

	if (IS_ERR(ppt))
		return PTR_ERR(ppt);
	err = msix_setup(ppt, idx, msi_addr, msi_data, vector_control);
	ppt_dev_unlock(ppt);
	return err;
}

int ppt_disable_msix(struct ppt_vm *pv, const struct ppt_addr *addr)
{
	struct ppt_dev *ppt = ppt_dev_lock(pv, addr);

	if (IS_ERR(ppt))
		return PTR_ERR(ppt);
	if (ppt->irq_mode == PPT_IRQ_MSIX)
		vectors_free(ppt);
	ppt_dev_unlock(ppt);
	return 0;
}

static int intx_setup(struct ppt_dev *ppt, int pin)
{
	int err;

	if (ppt->irq_mode == PPT_IRQ_INTX)
		intx_stop(ppt);
	if (ppt->irq_mode != PPT_IRQ_OFF)
		return -EBUSY;
	if (pin == -1)
		return 0;
	if (!intx_exists(ppt->pdev))
		return -EINVAL;
	err = intx_start(ppt, pin, 0, 0);
	if (!err)
		ppt->irq_mode = PPT_IRQ_INTX;
	return err;
}

int ppt_setup_intx(struct ppt_vm *pv, const struct ppt_addr *addr, int pin)
{
	struct ppt_dev *ppt;
	int err;

	if (pin < -1 || pin >= VIOAPIC_PINS)
		return -EINVAL;
	ppt = ppt_dev_lock(pv, addr);
	if (IS_ERR(ppt))
		return PTR_ERR(ppt);
	err = intx_setup(ppt, pin);
	ppt_dev_unlock(ppt);
	return err;
}
