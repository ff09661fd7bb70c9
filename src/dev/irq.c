// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <linux/bitops.h>
#include <linux/errno.h>
#include <linux/slab.h>
#include "irq.h"
#include "vatpic.h"
#include "vioapic.h"
#include "vlapic.h"

int irq_init(struct irq *irq, const struct irq_host_ops *ops, void *host, unsigned int maxcpus)
{
	if (!maxcpus || maxcpus > VM_MAXCPU)
		return -EINVAL;
	irq->ops = ops;
	irq->host = host;
	irq->maxcpus = maxcpus;
	irq->vlapics = kcalloc(maxcpus, sizeof(*irq->vlapics), GFP_KERNEL_ACCOUNT);
	if (!irq->vlapics)
		return -ENOMEM;
	irq_reset(irq);
	return 0;
}

void irq_fini(struct irq *irq)
{
	kfree(irq->vlapics);
	irq->vlapics = NULL;
}

void irq_reset(struct irq *irq)
{
	bitmap_zero(irq->active, VM_MAXCPU);
	bitmap_zero(irq->startup, VM_MAXCPU);
}

struct vlapic *irq_vlapic(struct irq *irq, unsigned int vcpuid)
{
	/* Pairs with vlapic_create(). */
	return vcpuid < irq->maxcpus ? smp_load_acquire(&irq->vlapics[vcpuid]) : NULL;
}

/* --- destinations ----------------------------------------------------- */

static struct vlapic *irq_active_vlapic(struct irq *irq, unsigned int vcpuid)
{
	return vcpuid < irq->maxcpus && test_bit(vcpuid, irq->active) ?
	       irq_vlapic(irq, vcpuid) : NULL;
}

static bool irq_dest_broadcast(u32 dest, bool x2apic_dest)
{
	return dest == (x2apic_dest ? 0xffffffff : 0xff);
}

void irq_dest_resolve(struct irq *irq, u32 dest, bool logical, bool x2apic_dest,
		      unsigned long *targets)
{
	bool everybody = irq_dest_broadcast(dest, x2apic_dest);
	unsigned int id;

	bitmap_zero(targets, VM_MAXCPU);
	if (!everybody && !logical) {
		/* An APIC id is a vCPU id. */
		if (irq_active_vlapic(irq, dest))
			__set_bit(dest, targets);
		return;
	}
	for_each_set_bit(id, irq->active, irq->maxcpus) {
		struct vlapic *vlapic = irq_vlapic(irq, id);

		if (vlapic && (everybody || vlapic_match_logical(vlapic, dest)))
			__set_bit(id, targets);
	}
}

/* --- delivery --------------------------------------------------------- */

void irq_send_init(struct irq *irq, unsigned int vcpuid)
{
	set_bit(vcpuid, irq->startup);
	if (irq_active_vlapic(irq, vcpuid))
		irq->ops->vcpu_init(irq->host, vcpuid);
}

bool irq_take_startup(struct irq *irq, unsigned long *targets)
{
	bool any = false;
	unsigned int id;

	for_each_set_bit(id, targets, irq->maxcpus) {
		if (test_and_clear_bit(id, irq->startup))
			any = true;
		else
			__clear_bit(id, targets);
	}
	return any;
}

static void irq_deliver_one(struct irq *irq, unsigned int vcpuid, struct vlapic *vlapic,
			    const struct irq_msg *msg)
{
	switch (msg->delmode) {
	case APIC_DELMODE_FIXED:
	case APIC_DELMODE_LOWPRIO:
		vlapic_set_irr(vlapic, msg->vector, msg->level);
		break;
	case APIC_DELMODE_NMI:
		irq->ops->vcpu_nmi(irq->host, vcpuid);
		break;
	case APIC_DELMODE_EXTINT:
		irq->ops->vcpu_extint(irq->host, vcpuid);
		break;
	case APIC_DELMODE_INIT:
		irq_send_init(irq, vcpuid);
		break;
	}
}

static void irq_deliver_many(struct irq *irq, const struct irq_msg *msg)
{
	DECLARE_BITMAP(targets, VM_MAXCPU);
	unsigned int id;

	irq_dest_resolve(irq, msg->dest, msg->logical, msg->x2apic_dest, targets);
	for_each_set_bit(id, targets, irq->maxcpus) {
		irq_deliver_one(irq, id, irq_vlapic(irq, id), msg);
		if (msg->delmode == APIC_DELMODE_LOWPRIO)
			return;
	}
}

void irq_deliver(struct irq *irq, const struct irq_msg *msg)
{
	struct vlapic *vlapic;

	if (msg->logical || irq_dest_broadcast(msg->dest, msg->x2apic_dest)) {
		irq_deliver_many(irq, msg);
		return;
	}
	vlapic = irq_active_vlapic(irq, msg->dest);
	if (vlapic)
		irq_deliver_one(irq, msg->dest, vlapic, msg);
}

#define MSI_ADDR_BASE_MASK	0xfff00000
#define MSI_ADDR_BASE		0xfee00000
#define MSI_ADDR_LOGICAL	0x0c		/* redirection hint and destination mode */

bool irq_msi_valid(u64 addr)
{
	return (addr & MSI_ADDR_BASE_MASK) == MSI_ADDR_BASE;
}

int irq_msi(struct irq *irq, u64 addr, u64 data)
{
	struct irq_msg msg = {
		.dest = (addr >> 12) & 0xff,
		.logical = (addr & MSI_ADDR_LOGICAL) == MSI_ADDR_LOGICAL,
		.vector = data & 0xff,
		.delmode = data & 0x700,
	};

	if (!irq_msi_valid(addr))
		return -EINVAL;
	switch (msg.delmode) {
	case APIC_DELMODE_FIXED:
	case APIC_DELMODE_LOWPRIO:
	case APIC_DELMODE_EXTINT:
		irq_deliver(irq, &msg);
	}
	return 0;
}

/* --- ISA lines -------------------------------------------------------- */

static int irq_isa(struct irq *irq, int atpic_irq, int ioapic_pin,
		   int (*atpic_fn)(struct vatpic *vatpic, int irq),
		   int (*ioapic_fn)(struct vioapic *vioapic, int pin))
{
	int err = atpic_fn(irq->vatpic, atpic_irq);

	if (err || ioapic_pin == -1)
		return err;
	return ioapic_fn(irq->vioapic, ioapic_pin);
}

int irq_isa_assert(struct irq *irq, int atpic_irq, int ioapic_pin)
{
	return irq_isa(irq, atpic_irq, ioapic_pin, vatpic_assert, vioapic_assert);
}

int irq_isa_deassert(struct irq *irq, int atpic_irq, int ioapic_pin)
{
	return irq_isa(irq, atpic_irq, ioapic_pin, vatpic_deassert, vioapic_deassert);
}

int irq_isa_pulse(struct irq *irq, int atpic_irq, int ioapic_pin)
{
	return irq_isa(irq, atpic_irq, ioapic_pin, vatpic_pulse, vioapic_pulse);
}
