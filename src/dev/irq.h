/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * irq: the interrupt fabric of one VM. Chips raise lines and send messages
 * here; it knows the I/O APIC, the 8259 pair and every local APIC, and tells
 * the house (through irq_host_ops) which vCPU has to look.
 *
 * Lock order: 8259, then I/O APIC, then the local APICs (which take interrupts
 * without a lock), then irq_host_ops. A local APIC that passes an EOI on to the
 * I/O APIC holds no lock.
 */
#ifndef VMM_DEV_IRQ_H
#define VMM_DEV_IRQ_H

#include <linux/bitmap.h>
#include <linux/types.h>
#include <machine/vmm.h>

struct vioapic;
struct vatpic;
struct vlapic;

/* Delivery mode 7 of an MSI, an I/O APIC entry or a LINT entry; reserved in the ICR. */
#define APIC_DELMODE_EXTINT	APIC_DELMODE_RESV

/*
 * What the fabric asks of the house. Called from any context, maybe with raw
 * locks held and IRQs off; they may take the vCPU's own lock and nothing else of
 * the VM. @vcpuid: below maxcpus, its local APIC exists.
 */
struct irq_host_ops {
	/* Its vlapic may have something deliverable. */
	void (*vcpu_notify)(void *host, unsigned int vcpuid);
	/* Make an NMI pending, and notify. */
	void (*vcpu_nmi)(void *host, unsigned int vcpuid);
	/* The 8259 wants ExtINT there, and notify. */
	void (*vcpu_extint)(void *host, unsigned int vcpuid);
	/* INIT arrived: the vCPU's own thread calls vlapic_reset() before its next guest entry. */
	void (*vcpu_init)(void *host, unsigned int vcpuid);
	/*
	 * Level-triggered interrupts of I/O APIC pins @ended have ended; @let_go of them were held up
	 * by vioapic_assert_until_eoi(). No chip lock is held. May be NULL.
	 */
	void (*pins_eoi)(void *host, u32 ended, u32 let_go);
};

struct irq {
	const struct irq_host_ops *ops;		/* constant */
	void *host;				/* constant */
	unsigned int maxcpus;			/* constant: vCPU limit of the VM */
	/* [maxcpus]; an entry is published once (smp_store_release), cleared at destruction */
	struct vlapic **vlapics;
	struct vioapic *vioapic;		/* constant once the VM is built */
	struct vatpic *vatpic;			/* constant once the VM is built */
	DECLARE_BITMAP(active, VM_MAXCPU);	/* atomic bits: vCPUs activated */
	DECLARE_BITMAP(startup, VM_MAXCPU);	/* atomic bits: waiting for SIPI */
};

/**
 * irq_init() - an empty fabric: no chip, no local APIC, nobody active
 * @irq: zeroed storage
 * @ops: the house
 * @host: first argument of every op
 * @maxcpus: 1 to VM_MAXCPU
 * Return: 0, -EINVAL or -ENOMEM. Process context.
 */
int irq_init(struct irq *irq, const struct irq_host_ops *ops, void *host, unsigned int maxcpus);
/* Also after a failed irq_init(), or on zeroed storage. All chips and local APICs are gone. */
void irq_fini(struct irq *irq);
/* VM_REINIT: empties both sets. All vCPUs frozen. */
void irq_reset(struct irq *irq);

/* The local APIC of @vcpuid, or NULL: out of range, or that vCPU does not exist. Any context. */
struct vlapic *irq_vlapic(struct irq *irq, unsigned int vcpuid);

/* A message on the (imagined) APIC bus. */
struct irq_msg {
	u32 dest;		/* 8 bits, or 32 from an x2APIC ICR */
	bool logical;
	bool x2apic_dest;	/* dest is 32 bits wide: broadcast is ~0 */
	bool level;
	u8 vector;
	u32 delmode;		/* APIC_DELMODE_* in ICR position */
};

/**
 * irq_deliver() - deliver a message as hardware would
 * @irq: the fabric
 * @msg: fixed, lowest priority (the lowest-numbered match), NMI, ExtINT or INIT; SMI, remote read
 *       and STARTUP have no receiver and vanish, as do messages that match no active vCPU
 *
 * Any context. Semantics.md section 16, SDM vol. 3 section 11.6.2.
 */
void irq_deliver(struct irq *irq, const struct irq_msg *msg);

/**
 * irq_dest_resolve() - targets of a destination among the vCPUs that have an APIC and are active
 * @irq: the fabric
 * @dest: MDA; 0xff, or ~0 if @x2apic_dest, is everybody
 * @logical: match LDR and DFR instead of the APIC id
 * @x2apic_dest: @dest has 32 bits, else 8
 * @targets: VM_MAXCPU bits, overwritten
 *
 * Any context.
 */
void irq_dest_resolve(struct irq *irq, u32 dest, bool logical, bool x2apic_dest,
		      unsigned long *targets);

/*
 * INIT for @vcpuid (below maxcpus, need not exist): it waits for SIPI from here on, and an
 * active one is told. Any context. Semantics.md section 11.
 */
void irq_send_init(struct irq *irq, unsigned int vcpuid);
/*
 * STARTUP: reduce @targets to those that wait for one, and end their wait; a vCPU is handed
 * to one caller only. True if any is left. Any context.
 */
bool irq_take_startup(struct irq *irq, unsigned long *targets);

/**
 * irq_msi() - a write to the message window
 * @irq: the fabric
 * @addr: bits 19-12 destination, logical if bits 3 and 2 are both set
 * @data: bits 10-8 delivery mode: fixed, lowest priority, ExtINT, others are dropped; bits 7-0
 *        vector; always edge
 * Return: 0, or -EINVAL if address bits 31-20 are not 0xfee. Any context. Semantics.md section 12.
 */
int irq_msi(struct irq *irq, u64 addr, u64 data);
/* Address bits 31-20 are 0xfee. */
bool irq_msi_valid(u64 addr);

/*
 * ISA lines: 8259 input 0 to 15 and, unless @ioapic_pin is -1, an I/O APIC pin. -EINVAL for an
 * input out of range, and nothing has happened; -EINVAL for a pin out of range, and the 8259
 * part has been done (semantics.md section 15). Any context.
 */
int irq_isa_assert(struct irq *irq, int atpic_irq, int ioapic_pin);
int irq_isa_deassert(struct irq *irq, int atpic_irq, int ioapic_pin);
int irq_isa_pulse(struct irq *irq, int atpic_irq, int ioapic_pin);

#endif
