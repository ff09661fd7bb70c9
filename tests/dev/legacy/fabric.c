// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <linux/shim.h>
#include "../../../src/dev/irq.h"
#include "../../../src/dev/vatpic.h"
#include "../../../src/dev/vioapic.h"
#include "../../../src/dev/vlapic.h"
#include "fabric.h"

#define RTE_MASKED	0x10000
#define DELMODE		0x700
#define DELMODE_NMI	0x400
#define DELMODE_EXTINT	0x700

struct fabric fabric;

struct vioapic {
	raw_spinlock_t lock;
	struct irq *irq;
	u8 select;
	u32 rte[VIOAPIC_PINS];		/* lower halves */
};

struct vlapic {
	struct irq *irq;
	unsigned int vcpuid;
};

/* --- irq.h --- */

int irq_init(struct irq *irq, const struct irq_host_ops *ops, void *host, unsigned int maxcpus)
{
	irq->ops = ops;
	irq->host = host;
	irq->maxcpus = maxcpus;
	irq->vlapics = calloc(maxcpus, sizeof(*irq->vlapics));
	memset(&fabric, 0, sizeof(fabric));
	return irq->vlapics ? 0 : -ENOMEM;
}

void irq_fini(struct irq *irq)
{
	free(irq->vlapics);
}

struct vlapic *irq_vlapic(struct irq *irq, unsigned int vcpuid)
{
	return vcpuid < irq->maxcpus ? irq->vlapics[vcpuid] : NULL;
}

int irq_isa_pulse(struct irq *irq, int atpic_irq, int ioapic_pin)
{
	int err = vatpic_pulse(irq->vatpic, atpic_irq);

	if (err)
		return err;
	fabric.isa_pulses[atpic_irq]++;
	return ioapic_pin == -1 ? 0 : vioapic_pulse(irq->vioapic, ioapic_pin);
}

int irq_msi(struct irq *irq, u64 addr, u64 data)
{
	if ((addr & 0xfff00000) != 0xfee00000)
		return -EINVAL;
	fabric.messages++;
	fabric.message_addr = addr;
	fabric.message_data = data;
	if ((data & DELMODE) == DELMODE_EXTINT)
		irq->ops->vcpu_extint(irq->host, 0);
	return 0;
}

/* --- vioapic.h --- */

struct vioapic *vioapic_create(struct irq *irq)
{
	struct vioapic *vioapic = calloc(1, sizeof(*vioapic));
	int pin;

	raw_spin_lock_init(&vioapic->lock);
	vioapic->irq = irq;
	for (pin = 0; pin < VIOAPIC_PINS; pin++)
		vioapic->rte[pin] = RTE_MASKED;
	irq->vioapic = vioapic;
	return vioapic;
}

void vioapic_destroy(struct vioapic *vioapic)
{
	free(vioapic);
}

static int vioapic_change(struct vioapic *vioapic, int pin, bool up, bool down)
{
	unsigned long flags;

	if (pin < 0 || pin >= VIOAPIC_PINS)
		return -EINVAL;
	raw_spin_lock_irqsave(&vioapic->lock, flags);
	if (up && ++fabric.pin_count[pin] == 1) {
		fabric.pin_edges[pin]++;
		if ((vioapic->rte[pin] & (RTE_MASKED | DELMODE)) == DELMODE_NMI)
			vioapic->irq->ops->vcpu_nmi(vioapic->irq->host, 0);
	}
	if (down)
		fabric.pin_count[pin]--;
	raw_spin_unlock_irqrestore(&vioapic->lock, flags);
	return 0;
}

int vioapic_assert(struct vioapic *vioapic, int pin)
{
	return vioapic_change(vioapic, pin, true, false);
}

int vioapic_deassert(struct vioapic *vioapic, int pin)
{
	return vioapic_change(vioapic, pin, false, true);
}

int vioapic_pulse(struct vioapic *vioapic, int pin)
{
	return vioapic_change(vioapic, pin, true, true);
}

int vioapic_mmio(void *chip, unsigned int vcpuid, u64 offset, bool write, int bytes, u64 *val)
{
	struct vioapic *vioapic = chip;

	if (offset == 0x00)
		vioapic->select = *val;
	else if (vioapic->select >= 0x10 && !(vioapic->select & 1))
		vioapic->rte[(vioapic->select - 0x10) / 2 % VIOAPIC_PINS] = *val;
	return 0;
}

/* --- vlapic.h --- */

struct vlapic *vlapic_create(struct irq *irq, struct vclock *clock, unsigned int vcpuid, u64 *stats)
{
	struct vlapic *vlapic = calloc(1, sizeof(*vlapic));

	vlapic->irq = irq;
	vlapic->vcpuid = vcpuid;
	irq->vlapics[vcpuid] = vlapic;
	return vlapic;
}

void vlapic_destroy(struct vlapic *vlapic)
{
	vlapic->irq->vlapics[vlapic->vcpuid] = NULL;
	free(vlapic);
}

int vlapic_trigger_lvt(struct vlapic *vlapic, int index)
{
	fabric.lint0 += index == APIC_LVT_LINT0;
	vlapic->irq->ops->vcpu_extint(vlapic->irq->host, vlapic->vcpuid);
	return 0;
}
