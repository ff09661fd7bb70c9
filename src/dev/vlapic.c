// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * The local APIC, xAPIC and x2APIC.
 *
 * Who writes what. A local APIC has one owner, the vCPU's thread, and many
 * senders: other vCPUs, the I/O APIC, timers, devices of the host. A sender
 * sets bits in IRR and TMR with atomic operations and looks at a few registers
 * (SVR, LDR, DFR, LVT) that the owner publishes with WRITE_ONCE(); it takes no
 * lock here and waits for nobody. Everything else, ISR and the priorities
 * above all, is the owner's own.
 *
 * TMR is set from the trigger mode of the message that is accepted, before
 * its IRR bit, so that the owner, who finds the IRR bit first, sees the right
 * one. Two sources of opposite trigger modes that share a vector confuse each
 * other, as they do on hardware.
 *
 * The owner recomputes the processor priority whenever TPR or ISR changes, so
 * that the question asked before each guest entry, vlapic_pending_intr(), is a
 * scan of four words and a comparison.
 *
 * Numbers and names of registers follow the SDM, vol. 3, tables 11-1 and 11-6:
 * the register at offset n << 4 of the page is MSR 0x800 + n.
 */
#include <linux/atomic.h>
#include <linux/bitops.h>
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/slab.h>
#include "irq.h"
#include "record.h"
#include "vioapic.h"
#include "vlapic.h"
#include "vlapic_timer.h"

/* Register numbers. */
enum {
	LAPIC_ID = 0x02,
	LAPIC_VERSION = 0x03,
	LAPIC_TPR = 0x08,
	LAPIC_APR = 0x09,
	LAPIC_PPR = 0x0a,
	LAPIC_EOI = 0x0b,
	LAPIC_RRD = 0x0c,
	LAPIC_LDR = 0x0d,
	LAPIC_DFR = 0x0e,
	LAPIC_SVR = 0x0f,
	LAPIC_ISR = 0x10,		/* eight each */
	LAPIC_TMR = 0x18,
	LAPIC_IRR = 0x20,
	LAPIC_ESR = 0x28,
	LAPIC_LVT_CMCI = 0x2f,
	LAPIC_ICR = 0x30,
	LAPIC_ICR_HIGH = 0x31,
	LAPIC_LVT_TIMER = 0x32,
	LAPIC_LVT_THERMAL = 0x33,
	LAPIC_LVT_PMC = 0x34,
	LAPIC_LVT_LINT0 = 0x35,
	LAPIC_LVT_LINT1 = 0x36,
	LAPIC_LVT_ERROR = 0x37,
	LAPIC_TIMER_COUNT = 0x38,
	LAPIC_TIMER_CURRENT = 0x39,
	LAPIC_TIMER_DIVIDE = 0x3e,
	LAPIC_SELF_IPI = 0x3f,
	LAPIC_REGS = 0x40,
};

#define MSR_APICBASE		0x1b
#define MSR_X2APIC_FIRST	0x800
#define MSR_X2APIC_LAST		0xbff

#define APICBASE_BSP		BIT(8)
#define APICBASE_X2APIC		BIT(10)
#define APICBASE_ENABLED	BIT(11)

#define LVT_COUNT		(APIC_LVT_CMCI + 1)
#define VERSION_VALUE		(0x14 | (LVT_COUNT - 1) << 16)

#define VECTOR_FIRST		16	/* below: illegal in a fixed interrupt */

#define SVR_ENABLE		BIT(8)
#define SVR_RESET		0xff
#define SVR_WRITABLE		0x3ff	/* vector, enable, focus checking */

#define DFR_FLAT		0xf
#define DFR_CLUSTER		0x0

#define ESR_SEND_ILLEGAL	BIT(5)
#define ESR_RECEIVE_ILLEGAL	BIT(6)
#define ESR_ILLEGAL_REGISTER	BIT(7)

#define LVT_VECTOR		0xff
#define LVT_DELMODE		0x700
#define LVT_MASKED		BIT(16)
#define LVT_TIMER_MODE_SHIFT	17
#define LVT_READ_ONLY		(BIT(12) | BIT(14))	/* status, remote IRR: always 0 */

#define ICR_VECTOR		0xff
#define ICR_DELMODE		0x700
#define ICR_LOGICAL		BIT(11)
#define ICR_BUSY		BIT(12)		/* delivery status: always idle */
#define ICR_ASSERT		BIT(14)
#define ICR_LEVEL		BIT(15)
#define ICR_SHORTHAND		(3 << 18)
#define ICR_DEST_FIELD		(0 << 18)
#define ICR_DEST_SELF		(1 << 18)
#define ICR_DEST_ALL		(2 << 18)
#define ICR_DEST_OTHERS		(3 << 18)
#define ICR_LOW_WRITABLE	0x000cdfffULL
#define ICR_HIGH_WRITABLE	0xff000000		/* xAPIC */

/* 256 bits, one a vector. */
#define VECTOR_WORDS		BITS_TO_LONGS(256)

/*
 * owner: the vCPU's thread, or whoever has it frozen. [w]: written by the owner with
 * WRITE_ONCE(), read in any context with READ_ONCE().
 */
struct vlapic {
	/* Looked at before every guest entry. */
	unsigned long irr[VECTOR_WORDS];	/* atomic bits, any context */
	u8 ppr;					/* owner */
	u8 tpr;					/* owner */
	u8 isrv;				/* owner: highest vector in service, 0 none */
	bool x2apic;				/* [w] */
	bool ipi_exit;				/* owner */
	u32 svr;				/* [w] */
	u32 lvt[LVT_COUNT];			/* [w] indexed by APIC_LVT_* */
	u32 ldr;				/* [w] */
	u32 dfr;				/* [w] */
	unsigned long tmr[VECTOR_WORDS];	/* atomic bits, any context */
	unsigned long isr[VECTOR_WORDS];	/* owner */

	struct irq *irq;			/* constant */
	u64 *stats;				/* constant pointer; any context, losses allowed */
	unsigned int vcpuid;			/* constant */

	u8 *page;				/* constant while it runs: virtual-APIC page, or NULL */
	u8 page_isrv;				/* owner: highest vector of ISR in the page, 0 none */

	atomic_t esr_pending;			/* errors since the last write to ESR */
	u32 esr;				/* owner: those before it */
	u64 icr;				/* owner */
	struct vlapic_ipi ipi;			/* owner */
	struct vlapic_timer timer;
};

static void vlapic_count(struct vlapic *vlapic, enum vlapic_stat stat)
{
	u64 *counter = &vlapic->stats[stat];

	WRITE_ONCE(*counter, READ_ONCE(*counter) + 1);
}

bool vlapic_enabled(struct vlapic *vlapic)
{
	return READ_ONCE(vlapic->svr) & SVR_ENABLE;
}

bool vlapic_x2apic(struct vlapic *vlapic)
{
	return READ_ONCE(vlapic->x2apic);
}

/* --- priorities: IRR, ISR, TPR, PPR ----------------------------------- */

/* Highest vector of a 256-bit set, or -1. */
static int vector_highest(const unsigned long *set)
{
	int i;

	for (i = VECTOR_WORDS - 1; i >= 0; i--) {
		unsigned long word = READ_ONCE(set[i]);

		if (word)
			return i * BITS_PER_LONG + __fls(word);
	}
	return -1;
}

static u32 vector_dword(const unsigned long *set, unsigned int dword)
{
	return READ_ONCE(set[dword * 32 / BITS_PER_LONG]) >> (dword * 32 % BITS_PER_LONG);
}

/* SDM vol. 3 section 11.8.3.1. */
static void vlapic_update_ppr(struct vlapic *vlapic)
{
	if (vlapic->tpr >> 4 >= vlapic->isrv >> 4)
		vlapic->ppr = vlapic->tpr;
	else
		vlapic->ppr = vlapic->isrv & 0xf0;
}

static void vlapic_set_tpr(struct vlapic *vlapic, u8 tpr)
{
	vlapic->tpr = tpr;
	vlapic_update_ppr(vlapic);
}

static void vlapic_set_isrv(struct vlapic *vlapic, int vector)
{
	vlapic->isrv = max(vector, 0);
	vlapic_update_ppr(vlapic);
}

/* Arbitration priority, SDM vol. 3 section 11.6.2.4. */
static u32 vlapic_apr(struct vlapic *vlapic)
{
	int irrv = max(vector_highest(vlapic->irr), 0) >> 4;
	int isrv = vlapic->isrv >> 4;
	int tpr = vlapic->tpr >> 4;

	if (tpr >= irrv && tpr > isrv)
		return vlapic->tpr;
	return max3(tpr, isrv, irrv) << 4;
}

bool vlapic_requesting(const struct vlapic *vlapic)
{
	unsigned long any = 0;
	int i;

	for (i = 0; i < VECTOR_WORDS; i++)
		any |= READ_ONCE(vlapic->irr[i]);
	return any;
}

int vlapic_pending_intr(struct vlapic *vlapic)
{
	int vector = vector_highest(vlapic->irr);

	return vector >> 4 > vlapic->ppr >> 4 ? vector : -1;
}

void vlapic_intr_accepted(struct vlapic *vlapic, int vector)
{
	clear_bit(vector, vlapic->irr);
	__set_bit(vector, vlapic->isr);
	/* It was above PPR, hence above everything in service. */
	vlapic_set_isrv(vlapic, vector);
}

int vlapic_tpr_threshold(struct vlapic *vlapic)
{
	int class = vector_highest(vlapic->irr) >> 4;

	return class > vlapic->isrv >> 4 && class <= vlapic->tpr >> 4 ? class : 0;
}

static void vlapic_eoi(struct vlapic *vlapic)
{
	u8 vector = vlapic->isrv;

	if (!vector) {
		vlapic_count(vlapic, VLAPIC_STAT_GRATUITOUS_EOI);
		return;
	}
	__clear_bit(vector, vlapic->isr);
	vlapic_set_isrv(vlapic, vector_highest(vlapic->isr));
	if (test_bit(vector, vlapic->tmr))
		vioapic_eoi(vlapic->irq->vioapic, vector);
}

u64 vlapic_cr8_read(struct vlapic *vlapic)
{
	return vlapic->tpr >> 4;
}

void vlapic_cr8_write(struct vlapic *vlapic, u64 cr8)
{
	vlapic_set_tpr(vlapic, (cr8 & 0xf) << 4);
}

/* --- reception -------------------------------------------------------- */

static void vlapic_count_lvt(struct vlapic *vlapic, int index)
{
	vlapic_count(vlapic, VLAPIC_STAT_LVT + index);
	switch (index) {
	case APIC_LVT_TIMER:
		vlapic_count(vlapic, VLAPIC_STAT_INTR_TIMER);
		break;
	case APIC_LVT_ERROR:
		vlapic_count(vlapic, VLAPIC_STAT_INTR_ERROR);
		break;
	case APIC_LVT_CMCI:
		vlapic_count(vlapic, VLAPIC_STAT_INTR_CMC);
		break;
	}
}

/* A legal vector, at an APIC that is enabled. */
static void vlapic_accept(struct vlapic *vlapic, u8 vector, bool level)
{
	struct irq *irq = vlapic->irq;

	if (test_bit(vector, vlapic->tmr) != level)
		assign_bit(vector, vlapic->tmr, level);
	/* Whoever set the bit before notifies; and the full barrier is needed in either case. */
	if (!test_and_set_bit(vector, vlapic->irr))
		irq->ops->vcpu_notify(irq->host, vlapic->vcpuid);
}

/*
 * The error interrupt comes with the first error, then not until ESR is written (SDM vol. 3
 * section 11.5.3). If its own vector is illegal, that is one error more and nothing else.
 */
static void vlapic_raise_error(struct vlapic *vlapic, u32 error)
{
	u32 lvt = READ_ONCE(vlapic->lvt[APIC_LVT_ERROR]);
	u8 vector = lvt & LVT_VECTOR;

	if (atomic_fetch_or(error, &vlapic->esr_pending) || (lvt & LVT_MASKED))
		return;
	if (vector < VECTOR_FIRST)
		atomic_or(ESR_RECEIVE_ILLEGAL, &vlapic->esr_pending);
	else
		vlapic_accept(vlapic, vector, false);
	vlapic_count_lvt(vlapic, APIC_LVT_ERROR);
}

bool vlapic_set_irr(struct vlapic *vlapic, u8 vector, bool level)
{
	if (!vlapic_enabled(vlapic))
		return false;
	if (vector < VECTOR_FIRST)
		vlapic_raise_error(vlapic, ESR_RECEIVE_ILLEGAL);
	else
		vlapic_accept(vlapic, vector, level);
	return true;
}

static void vlapic_fire_lvt(struct vlapic *vlapic, int index)
{
	u32 lvt = READ_ONCE(vlapic->lvt[index]);
	struct irq *irq = vlapic->irq;

	if (lvt & LVT_MASKED)
		return;
	switch (lvt & LVT_DELMODE) {
	case APIC_DELMODE_FIXED:
		vlapic_set_irr(vlapic, lvt & LVT_VECTOR, false);
		break;
	case APIC_DELMODE_NMI:
		irq->ops->vcpu_nmi(irq->host, vlapic->vcpuid);
		break;
	case APIC_DELMODE_EXTINT:
		irq->ops->vcpu_extint(irq->host, vlapic->vcpuid);
		break;
	default:
		return;
	}
	vlapic_count_lvt(vlapic, index);
}

int vlapic_trigger_lvt(struct vlapic *vlapic, int index)
{
	struct irq *irq = vlapic->irq;

	if (!vlapic_enabled(vlapic)) {
		/* The pins are those of a processor without APIC. */
		if (index == APIC_LVT_LINT0)
			irq->ops->vcpu_extint(irq->host, vlapic->vcpuid);
		else if (index == APIC_LVT_LINT1)
			irq->ops->vcpu_nmi(irq->host, vlapic->vcpuid);
		return 0;
	}
	if (index < 0 || index >= LVT_COUNT)
		return -EINVAL;
	vlapic_fire_lvt(vlapic, index);
	return 0;
}

/* --- destinations ----------------------------------------------------- */

/* SDM vol. 3 sections 11.6.2.2 (flat, cluster) and 11.12.10.2 (x2APIC). */
bool vlapic_match_logical(struct vlapic *vlapic, u32 dest)
{
	u32 ldr = READ_ONCE(vlapic->ldr);

	if (vlapic_x2apic(vlapic))
		return dest >> 16 == ldr >> 16 && (dest & ldr & 0xffff);
	if (dest > 0xff)
		return false;
	switch (READ_ONCE(vlapic->dfr) >> 28) {
	case DFR_FLAT:
		return dest & (ldr >> 24);
	case DFR_CLUSTER:
		return dest >> 4 == ldr >> 28 && (dest & (ldr >> 24) & 0xf);
	default:
		return false;
	}
}

/* --- ICR: sending ----------------------------------------------------- */

/* Combinations that hardware ignores: SDM vol. 3 table 11-3, semantics.md section 16. */
static bool icr_valid(u32 icr)
{
	u32 shorthand = icr & ICR_SHORTHAND;
	bool others = shorthand == ICR_DEST_FIELD || shorthand == ICR_DEST_OTHERS;
	bool edge = !(icr & ICR_LEVEL);
	bool trigger = edge || (icr & ICR_ASSERT);

	switch (icr & ICR_DELMODE) {
	case APIC_DELMODE_FIXED:
		return trigger;
	case APIC_DELMODE_LOWPRIO:
	case APIC_DELMODE_SMI:
	case APIC_DELMODE_NMI:
	case APIC_DELMODE_INIT:
		return trigger && others;
	case APIC_DELMODE_STARTUP:
		return others;
	case APIC_DELMODE_RR:
		return edge && shorthand == ICR_DEST_FIELD;
	default:
		return false;
	}
}

static u32 vlapic_icr_dest(struct vlapic *vlapic)
{
	return vlapic->icr >> (vlapic->x2apic ? 32 : 56);
}

static void vlapic_icr_targets(struct vlapic *vlapic, unsigned long *targets)
{
	struct irq *irq = vlapic->irq;

	switch (vlapic->icr & ICR_SHORTHAND) {
	case ICR_DEST_FIELD:
		irq_dest_resolve(irq, vlapic_icr_dest(vlapic), vlapic->icr & ICR_LOGICAL,
				 vlapic->x2apic, targets);
		return;
	case ICR_DEST_SELF:
		bitmap_zero(targets, VM_MAXCPU);
		__set_bit(vlapic->vcpuid, targets);
		return;
	}
	irq_dest_resolve(irq, ~0U, false, true, targets);
	if ((vlapic->icr & ICR_SHORTHAND) == ICR_DEST_OTHERS)
		__clear_bit(vlapic->vcpuid, targets);
}

static void vlapic_send_fixed_one(struct vlapic *vlapic, unsigned int target, u8 vector)
{
	struct vlapic *receiver = irq_vlapic(vlapic->irq, target);

	/* The trigger mode of an IPI means nothing: it is an edge (SDM vol. 3 section 11.6.1). */
	vlapic_set_irr(receiver, vector, false);
	vlapic_count(vlapic, VLAPIC_STAT_IPI_SEND);
	vlapic_count(receiver, VLAPIC_STAT_IPI_RECV);
}

static int vlapic_send_fixed(struct vlapic *vlapic)
{
	u8 vector = vlapic->icr & ICR_VECTOR;
	DECLARE_BITMAP(targets, VM_MAXCPU);
	unsigned int id;

	if (vector < VECTOR_FIRST) {
		vlapic_raise_error(vlapic, ESR_SEND_ILLEGAL);
		return 0;
	}
	vlapic_icr_targets(vlapic, targets);
	for_each_set_bit(id, targets, vlapic->irq->maxcpus)
		vlapic_send_fixed_one(vlapic, id, vector);
	return 0;
}

static int vlapic_send_nmi(struct vlapic *vlapic)
{
	DECLARE_BITMAP(targets, VM_MAXCPU);
	struct irq *irq = vlapic->irq;
	unsigned int id;

	vlapic_icr_targets(vlapic, targets);
	for_each_set_bit(id, targets, irq->maxcpus)
		irq->ops->vcpu_nmi(irq->host, id);
	return 0;
}

/*
 * Targets of INIT and STARTUP. Without IPI_EXIT user space activates a vCPU when it is started:
 * the destination need not be active, but has to be one other vCPU by its id (semantics.md
 * section 11).
 */
static void vlapic_start_targets(struct vlapic *vlapic, unsigned long *targets)
{
	u32 dest = vlapic_icr_dest(vlapic);

	if (vlapic->ipi_exit) {
		vlapic_icr_targets(vlapic, targets);
		return;
	}
	bitmap_zero(targets, VM_MAXCPU);
	if (!(vlapic->icr & (ICR_SHORTHAND | ICR_LOGICAL)) && dest < vlapic->irq->maxcpus &&
	    dest != vlapic->vcpuid)
		__set_bit(dest, targets);
}

static int vlapic_send_init(struct vlapic *vlapic)
{
	struct vlapic_ipi *ipi = &vlapic->ipi;
	struct irq *irq = vlapic->irq;
	unsigned int id;

	vlapic_start_targets(vlapic, ipi->targets);
	for_each_set_bit(id, ipi->targets, irq->maxcpus)
		irq_send_init(irq, id);
	ipi->mode = APIC_DELMODE_INIT;
	ipi->vector = vlapic->icr & ICR_VECTOR;
	return vlapic->ipi_exit && !bitmap_empty(ipi->targets, VM_MAXCPU) ? VLAPIC_IPI_EXIT : 0;
}

static int vlapic_send_startup(struct vlapic *vlapic)
{
	struct vlapic_ipi *ipi = &vlapic->ipi;

	vlapic_start_targets(vlapic, ipi->targets);
	ipi->mode = APIC_DELMODE_STARTUP;
	ipi->vector = vlapic->icr & ICR_VECTOR;
	return irq_take_startup(vlapic->irq, ipi->targets) ? VLAPIC_IPI_EXIT : 0;
}

static int vlapic_icr_send(struct vlapic *vlapic)
{
	if (!icr_valid(vlapic->icr))
		return 0;
	switch (vlapic->icr & ICR_DELMODE) {
	case APIC_DELMODE_FIXED:
		return vlapic_send_fixed(vlapic);
	case APIC_DELMODE_NMI:
		return vlapic_send_nmi(vlapic);
	case APIC_DELMODE_INIT:
		return vlapic_send_init(vlapic);
	case APIC_DELMODE_STARTUP:
		return vlapic_send_startup(vlapic);
	default:
		return -EPERM;
	}
}

const struct vlapic_ipi *vlapic_ipi(struct vlapic *vlapic)
{
	return &vlapic->ipi;
}

void vlapic_set_ipi_exit(struct vlapic *vlapic, bool on)
{
	vlapic->ipi_exit = on;
}

bool vlapic_ipi_exit(struct vlapic *vlapic)
{
	return vlapic->ipi_exit;
}

static void vlapic_self_ipi(struct vlapic *vlapic, u8 vector)
{
	if (vector < VECTOR_FIRST)
		vlapic_raise_error(vlapic, ESR_SEND_ILLEGAL);
	else
		vlapic_send_fixed_one(vlapic, vlapic->vcpuid, vector);
}

/* --- registers -------------------------------------------------------- */

/*
 * What exists in which mode. XR, XW: readable, writable in xAPIC mode; R2, W2: in x2APIC mode
 * (SDM vol. 3 table 11-6). A register that exists takes a write of the wrong direction silently in
 * xAPIC mode and with #GP in x2APIC mode. @writable: bits a write may set; others are dropped in
 * xAPIC mode and are #GP in x2APIC mode.
 */
#define XR	BIT(0)
#define XW	BIT(1)
#define R2	BIT(2)
#define W2	BIT(3)

/* @lvt: 0, or of which LVT entry it is the register. */
#define LVT(name)	(APIC_LVT_##name + 1)

static const struct lapic_reg {
	u8 access;
	u32 writable;
	u8 lvt;
} lapic_regs[LAPIC_REGS] = {
	[LAPIC_ID]		= { XR | R2 },
	[LAPIC_VERSION]		= { XR | R2 },
	[LAPIC_TPR]		= { XR | XW | R2 | W2, 0xff },
	[LAPIC_APR]		= { XR },
	[LAPIC_PPR]		= { XR | R2 },
	[LAPIC_EOI]		= { XW | W2, 0 },
	[LAPIC_RRD]		= { XR },
	[LAPIC_LDR]		= { XR | XW | R2, 0xff000000 },
	[LAPIC_DFR]		= { XR | XW, 0xf0000000 },
	[LAPIC_SVR]		= { XR | XW | R2 | W2, SVR_WRITABLE },
	[LAPIC_ISR ... LAPIC_ISR + 7] = { XR | R2 },
	[LAPIC_TMR ... LAPIC_TMR + 7] = { XR | R2 },
	[LAPIC_IRR ... LAPIC_IRR + 7] = { XR | R2 },
	[LAPIC_ESR]		= { XR | XW | R2 | W2, 0 },
	[LAPIC_LVT_CMCI]	= { XR | XW | R2 | W2, 0x117ff, LVT(CMCI) },
	[LAPIC_ICR]		= { XR | XW | R2 | W2, ICR_LOW_WRITABLE },
	[LAPIC_ICR_HIGH]	= { XR | XW, ICR_HIGH_WRITABLE },
	[LAPIC_LVT_TIMER]	= { XR | XW | R2 | W2, 0x710ff, LVT(TIMER) },
	[LAPIC_LVT_THERMAL]	= { XR | XW | R2 | W2, 0x117ff, LVT(THERMAL) },
	[LAPIC_LVT_PMC]		= { XR | XW | R2 | W2, 0x117ff, LVT(PMC) },
	[LAPIC_LVT_LINT0]	= { XR | XW | R2 | W2, 0x1f7ff, LVT(LINT0) },
	[LAPIC_LVT_LINT1]	= { XR | XW | R2 | W2, 0x1f7ff, LVT(LINT1) },
	[LAPIC_LVT_ERROR]	= { XR | XW | R2 | W2, 0x110ff, LVT(ERROR) },
	[LAPIC_TIMER_COUNT]	= { XR | XW | R2 | W2, 0xffffffff },
	[LAPIC_TIMER_CURRENT]	= { XR | R2 },
	[LAPIC_TIMER_DIVIDE]	= { XR | XW | R2 | W2, 0xb },
	[LAPIC_SELF_IPI]	= { W2, 0xff },
};

static const struct lapic_reg *lapic_reg_find(unsigned int reg)
{
	static const struct lapic_reg absent;

	return reg < LAPIC_REGS ? &lapic_regs[reg] : &absent;
}

/* A register that is readable in the current mode. */
static u64 vlapic_reg_read(struct vlapic *vlapic, unsigned int reg)
{
	u8 lvt = lapic_regs[reg].lvt;

	if (lvt)
		return vlapic->lvt[lvt - 1];
	switch (reg) {
	case LAPIC_ID:
		return vlapic->x2apic ? vlapic->vcpuid : vlapic->vcpuid << 24;
	case LAPIC_VERSION:
		return VERSION_VALUE;
	case LAPIC_TPR:
		return vlapic->tpr;
	case LAPIC_APR:
		return vlapic_apr(vlapic);
	case LAPIC_PPR:
		return vlapic->ppr;
	case LAPIC_LDR:
		return vlapic->ldr;
	case LAPIC_DFR:
		return vlapic->dfr;
	case LAPIC_SVR:
		return vlapic->svr;
	case LAPIC_ISR ... LAPIC_ISR + 7:
		return vector_dword(vlapic->isr, reg - LAPIC_ISR);
	case LAPIC_TMR ... LAPIC_TMR + 7:
		return vector_dword(vlapic->tmr, reg - LAPIC_TMR);
	case LAPIC_IRR ... LAPIC_IRR + 7:
		return vector_dword(vlapic->irr, reg - LAPIC_IRR);
	case LAPIC_ESR:
		return vlapic->esr;
	case LAPIC_ICR:
		return vlapic->icr;
	case LAPIC_ICR_HIGH:
		return vlapic->icr >> 32;
	case LAPIC_TIMER_COUNT:
		return vlapic_timer_count(&vlapic->timer);
	case LAPIC_TIMER_CURRENT:
		return vlapic_timer_current_count(&vlapic->timer);
	case LAPIC_TIMER_DIVIDE:
		return vlapic_timer_divide(&vlapic->timer);
	default:			/* RRD: no remote read was ever sent */
		return 0;
	}
}

/* --- the virtual-APIC page -------------------------------------------- */

/*
 * What a processor that virtualizes the APIC may change, TPR, ISR and IRR, goes into the page when the
 * guest is entered and comes back when it is left. Senders never look there: what they post meanwhile
 * waits in IRR here, and is noticed as for any vCPU that runs. All other registers the processor only
 * reads; they are copied when the owner has changed them.
 */

static u32 *page_reg(struct vlapic *vlapic, unsigned int reg)
{
	return (u32 *)(vlapic->page + (reg << 4));
}

/* A word of a 256-bit register: two doublewords, 16 bytes apart. */
static void page_put_vectors(struct vlapic *vlapic, unsigned int reg, int word, u64 vectors)
{
	*page_reg(vlapic, reg + 2 * word) = vectors;
	*page_reg(vlapic, reg + 2 * word + 1) = vectors >> 32;
}

static u64 page_get_vectors(struct vlapic *vlapic, unsigned int reg, int word)
{
	return *page_reg(vlapic, reg + 2 * word) | (u64)*page_reg(vlapic, reg + 2 * word + 1) << 32;
}

bool vlapic_page_has(unsigned int reg)
{
	return (lapic_reg_find(reg)->access & R2) && reg != LAPIC_TIMER_CURRENT;
}

static bool page_follows(unsigned int reg)
{
	switch (reg) {
	case LAPIC_TPR:
	case LAPIC_PPR:
	case LAPIC_ISR ... LAPIC_IRR + 7:
		return false;
	default:
		return vlapic_page_has(reg);
	}
}

static void vlapic_page_update(struct vlapic *vlapic, unsigned int reg)
{
	if (!vlapic->page || !page_follows(reg))
		return;
	/* The one register of 64 bits, in x2APIC mode. */
	if (reg == LAPIC_ICR)
		*(u64 *)page_reg(vlapic, reg) = vlapic->icr;
	else
		*page_reg(vlapic, reg) = vlapic_reg_read(vlapic, reg);
}

static void vlapic_page_update_all(struct vlapic *vlapic)
{
	unsigned int reg;

	for (reg = 0; vlapic->page && reg < LAPIC_REGS; reg++)
		vlapic_page_update(vlapic, reg);
}

void vlapic_attach_page(struct vlapic *vlapic, void *page)
{
	vlapic->page = page;
	vlapic->page_isrv = 0;
	vlapic_page_update_all(vlapic);
}

static void page_load_vectors(struct vlapic *vlapic, bool deliver, int word)
{
	u64 pending = 0;

	/* Cleared before TMR is read, which senders set before IRR. */
	if (deliver && READ_ONCE(vlapic->irr[word]))
		pending = xchg(&vlapic->irr[word], 0);
	page_put_vectors(vlapic, LAPIC_IRR, word, pending);
	page_put_vectors(vlapic, LAPIC_ISR, word, vlapic->isr[word]);
	page_put_vectors(vlapic, LAPIC_TMR, word, READ_ONCE(vlapic->tmr[word]));
}

static u8 page_irrv(struct vlapic *vlapic)
{
	int word;

	for (word = VECTOR_WORDS - 1; word >= 0; word--) {
		u64 vectors = page_get_vectors(vlapic, LAPIC_IRR, word);

		if (vectors)
			return word * BITS_PER_LONG + __fls(vectors);
	}
	return 0;
}

u16 vlapic_page_load(struct vlapic *vlapic, bool deliver)
{
	int word;

	*page_reg(vlapic, LAPIC_TPR) = vlapic->tpr;
	deliver = deliver && vlapic_requesting(vlapic);
	if (!deliver && !vlapic->isrv && !vlapic->page_isrv)
		return 0;
	for (word = 0; word < VECTOR_WORDS; word++)
		page_load_vectors(vlapic, deliver, word);
	return page_irrv(vlapic) | vlapic->isrv << 8;
}

static void page_save_irr(struct vlapic *vlapic)
{
	int word, bit;

	for (word = 0; word < VECTOR_WORDS; word++) {
		unsigned long pending = page_get_vectors(vlapic, LAPIC_IRR, word);

		for_each_set_bit(bit, &pending, BITS_PER_LONG)
			set_bit(word * BITS_PER_LONG + bit, vlapic->irr);
		page_put_vectors(vlapic, LAPIC_IRR, word, 0);
	}
}

static void page_save_isr(struct vlapic *vlapic)
{
	int word;

	for (word = 0; word < VECTOR_WORDS; word++)
		vlapic->isr[word] = page_get_vectors(vlapic, LAPIC_ISR, word);
	vlapic_set_isrv(vlapic, vector_highest(vlapic->isr));
}

void vlapic_page_save(struct vlapic *vlapic, u16 status)
{
	u8 tpr = *page_reg(vlapic, LAPIC_TPR);

	if (tpr != vlapic->tpr)
		vlapic_set_tpr(vlapic, tpr);
	/* RVI and SVI are the highest bits of IRR and ISR: without them there are none. */
	if (status & 0xff)
		page_save_irr(vlapic);
	if (status >> 8 || vlapic->isrv)
		page_save_isr(vlapic);
	vlapic->page_isrv = status >> 8;
}

const unsigned long *vlapic_level_vectors(const struct vlapic *vlapic)
{
	return vlapic->tmr;
}

/* --- writes ----------------------------------------------------------- */

static void vlapic_lvt_write(struct vlapic *vlapic, int index, u32 val)
{
	val &= ~LVT_READ_ONLY;
	if (!vlapic_enabled(vlapic))
		val |= LVT_MASKED;
	if (index == APIC_LVT_TIMER)
		vlapic_timer_set_mode(&vlapic->timer, val >> LVT_TIMER_MODE_SHIFT & 3);
	WRITE_ONCE(vlapic->lvt[index], val);
}

static void vlapic_mask_lvts(struct vlapic *vlapic)
{
	int i;

	for (i = 0; i < LVT_COUNT; i++)
		WRITE_ONCE(vlapic->lvt[i], vlapic->lvt[i] | LVT_MASKED);
}

static void vlapic_svr_write(struct vlapic *vlapic, u32 val)
{
	u32 changed = vlapic->svr ^ val;

	WRITE_ONCE(vlapic->svr, val);
	if (!(changed & SVR_ENABLE))
		return;
	if (val & SVR_ENABLE) {
		vlapic_timer_restart(&vlapic->timer);
	} else {
		vlapic_timer_stop(&vlapic->timer);
		vlapic_mask_lvts(vlapic);
		vlapic_page_update_all(vlapic);
	}
}

/* ICR as a whole, or its low half: either sends. */
static int vlapic_icr_write(struct vlapic *vlapic, u64 val)
{
	vlapic->icr = val & ~(u64)ICR_BUSY;
	vlapic_page_update(vlapic, LAPIC_ICR);
	return vlapic_icr_send(vlapic);
}

/* A register that is writable in the current mode; @val has writable bits only. */
static int vlapic_reg_write(struct vlapic *vlapic, unsigned int reg, u32 val)
{
	u8 lvt = lapic_regs[reg].lvt;

	if (lvt) {
		vlapic_lvt_write(vlapic, lvt - 1, val);
		vlapic_page_update(vlapic, reg);
		return 0;
	}
	switch (reg) {
	case LAPIC_TPR:
		vlapic_set_tpr(vlapic, val);
		break;
	case LAPIC_EOI:
		vlapic_eoi(vlapic);
		break;
	case LAPIC_LDR:
		WRITE_ONCE(vlapic->ldr, val);
		break;
	case LAPIC_DFR:
		WRITE_ONCE(vlapic->dfr, val | 0x0fffffff);
		break;
	case LAPIC_SVR:
		vlapic_svr_write(vlapic, val);
		break;
	case LAPIC_ESR:
		vlapic->esr = atomic_xchg(&vlapic->esr_pending, 0);
		break;
	case LAPIC_ICR:
		return vlapic_icr_write(vlapic, (vlapic->icr & ~0xffffffffULL) | val);
	case LAPIC_ICR_HIGH:
		vlapic->icr = (u32)vlapic->icr | (u64)val << 32;
		break;
	case LAPIC_TIMER_COUNT:
		vlapic_timer_set_count(&vlapic->timer, val);
		break;
	case LAPIC_TIMER_DIVIDE:
		vlapic_timer_set_divide(&vlapic->timer, val);
		break;
	case LAPIC_SELF_IPI:
		vlapic_self_ipi(vlapic, val);
		break;
	}
	vlapic_page_update(vlapic, reg);
	return 0;
}

/* --- the page --------------------------------------------------------- */

static int vlapic_page_read(struct vlapic *vlapic, u64 offset, int bytes, u64 *val)
{
	unsigned int reg = offset >> 4, byte = offset & 3;
	const struct lapic_reg *info = lapic_reg_find(reg);
	u64 mask = bytes < 8 ? BIT_ULL(bytes * 8) - 1 : ~0ULL;

	if (offset & 0xc)
		return -EINVAL;
	if (!info->access || info->access == W2)
		vlapic_raise_error(vlapic, ESR_ILLEGAL_REGISTER);
	else if (info->access & XR)
		*val = (u64)(u32)vlapic_reg_read(vlapic, reg) >> (byte * 8) & mask;
	return 0;
}

static int vlapic_page_write(struct vlapic *vlapic, u64 offset, int bytes, u32 val)
{
	unsigned int reg = offset >> 4;
	const struct lapic_reg *info = lapic_reg_find(reg);

	if (bytes != 4 || (offset & 0xf))
		return -EINVAL;
	if (info->access & XW)
		return vlapic_reg_write(vlapic, reg, val & info->writable);
	if (!(info->access & XR))
		vlapic_raise_error(vlapic, ESR_ILLEGAL_REGISTER);
	return 0;
}

int vlapic_mmio(struct vlapic *vlapic, u64 offset, bool write, int bytes, u64 *val)
{
	if (!write)
		*val = 0;
	if (vlapic->x2apic)
		return 0;
	if (offset >= VLAPIC_PAGE_SIZE || bytes < 1 || bytes > 8)
		return -EINVAL;
	return write ? vlapic_page_write(vlapic, offset, bytes, *val) :
		       vlapic_page_read(vlapic, offset, bytes, val);
}

/* --- MSRs ------------------------------------------------------------- */

u64 vlapic_apicbase(struct vlapic *vlapic)
{
	return VLAPIC_BASE_GPA | APICBASE_ENABLED | (vlapic->vcpuid ? 0 : APICBASE_BSP) |
	       (vlapic_x2apic(vlapic) ? APICBASE_X2APIC : 0);
}

int vlapic_msr_read(struct vlapic *vlapic, u32 msr, u64 *val)
{
	unsigned int reg = msr - MSR_X2APIC_FIRST;

	*val = 0;
	if (msr == MSR_APICBASE) {
		*val = vlapic_apicbase(vlapic);
		return 0;
	}
	if (msr < MSR_X2APIC_FIRST || msr > MSR_X2APIC_LAST)
		return -ENOENT;
	if (!vlapic->x2apic)
		return 0;
	if (!(lapic_reg_find(reg)->access & R2))
		return -EINVAL;
	*val = vlapic_reg_read(vlapic, reg);
	return 0;
}

static int vlapic_x2apic_write(struct vlapic *vlapic, unsigned int reg, u64 val)
{
	const struct lapic_reg *info = lapic_reg_find(reg);
	u64 writable = info->writable;
	int ret;

	if (reg == LAPIC_ICR)
		writable |= 0xffffffffULL << 32;
	if (!(info->access & W2) || (val & ~writable))
		return -EINVAL;
	if (reg != LAPIC_ICR)
		return vlapic_reg_write(vlapic, reg, val);
	ret = vlapic_icr_write(vlapic, val);
	return ret == -EPERM ? -ENOENT : ret;
}

int vlapic_msr_write(struct vlapic *vlapic, u32 msr, u64 val)
{
	if (msr == MSR_APICBASE)
		return val == vlapic_apicbase(vlapic) ? 0 : -ENOENT;
	if (msr < MSR_X2APIC_FIRST || msr > MSR_X2APIC_LAST)
		return -ENOENT;
	return vlapic->x2apic ? vlapic_x2apic_write(vlapic, msr - MSR_X2APIC_FIRST, val) : 0;
}

int vlapic_tsc_deadline_write(struct vlapic *vlapic, u64 deadline_tsc, u64 tsc_offset, u32 tsc_khz)
{
	return vlapic_timer_set_deadline(&vlapic->timer, deadline_tsc, tsc_offset, tsc_khz);
}

u64 vlapic_tsc_deadline_read(struct vlapic *vlapic)
{
	return vlapic_timer_deadline(&vlapic->timer);
}

/* --- snapshot --------------------------------------------------------- */

enum {
	FIELD_VCPUS = 1, FIELD_X2APIC, FIELD_TPR, FIELD_SVR, FIELD_LVT, FIELD_LDR, FIELD_DFR,
	FIELD_IRR, FIELD_ISR, FIELD_TMR, FIELD_ESR, FIELD_ESR_PENDING, FIELD_ICR, FIELD_INITIAL_COUNT,
	FIELD_DIVIDE_CONFIG, FIELD_SHIFT, FIELD_ARMED, FIELD_EXPIRES_IN_NS, FIELD_EXPIRES_FRAC,
	FIELD_PERIOD_NS, FIELD_DEADLINE_TSC,
};

#define ESR_BITS		0xff
#define VECTORS_ILLEGAL		(BIT(VECTOR_FIRST) - 1)	/* in the first word of a set */

struct vlapic_state {
	bool x2apic;
	u8 tpr;
	u32 svr;
	u32 lvt[LVT_COUNT];
	u32 ldr;
	u32 dfr;
	unsigned long irr[VECTOR_WORDS];
	unsigned long isr[VECTOR_WORDS];
	unsigned long tmr[VECTOR_WORDS];
	u32 esr;
	u32 esr_pending;
	u64 icr;
	struct vlapic_timer_state timer;
};

static void vlapic_save(struct vlapic *vlapic, struct vlapic_state *state)
{
	state->x2apic = vlapic->x2apic;
	state->tpr = vlapic->tpr;
	state->svr = vlapic->svr;
	memcpy(state->lvt, vlapic->lvt, sizeof(state->lvt));
	state->ldr = vlapic->ldr;
	state->dfr = vlapic->dfr;
	memcpy(state->irr, vlapic->irr, sizeof(state->irr));
	memcpy(state->isr, vlapic->isr, sizeof(state->isr));
	memcpy(state->tmr, vlapic->tmr, sizeof(state->tmr));
	state->esr = vlapic->esr;
	state->esr_pending = atomic_read(&vlapic->esr_pending);
	state->icr = vlapic->icr;
	vlapic_timer_save(&vlapic->timer, &state->timer);
}

/* Interrupts that come in from outside meanwhile are those of a machine that is replaced. */
static void vlapic_restore(struct vlapic *vlapic, const struct vlapic_state *state)
{
	int i;

	WRITE_ONCE(vlapic->x2apic, state->x2apic);
	WRITE_ONCE(vlapic->svr, state->svr);
	for (i = 0; i < LVT_COUNT; i++)
		WRITE_ONCE(vlapic->lvt[i], state->lvt[i]);
	WRITE_ONCE(vlapic->ldr, state->ldr);
	WRITE_ONCE(vlapic->dfr, state->dfr);
	for (i = 0; i < VECTOR_WORDS; i++) {
		WRITE_ONCE(vlapic->tmr[i], state->tmr[i]);
		WRITE_ONCE(vlapic->irr[i], state->irr[i]);
		vlapic->isr[i] = state->isr[i];
	}
	vlapic->tpr = state->tpr;
	vlapic_set_isrv(vlapic, vector_highest(vlapic->isr));
	vlapic->esr = state->esr;
	atomic_set(&vlapic->esr_pending, state->esr_pending);
	vlapic->icr = state->icr;
	vlapic_timer_restore(&vlapic->timer, &state->timer);
	vlapic_page_update_all(vlapic);
}

static bool vlapic_lvt_valid(const struct vlapic_state *state)
{
	const struct lapic_reg *reg;

	for (reg = lapic_regs; reg < lapic_regs + LAPIC_REGS; reg++) {
		if (reg->lvt && (state->lvt[reg->lvt - 1] & ~(reg->writable & ~LVT_READ_ONLY)))
			return false;
	}
	return true;
}

static bool vlapic_dest_valid(const struct vlapic_state *state, u32 id)
{
	if (state->x2apic)
		return state->ldr == (id >> 4 << 16 | 1 << (id & 0xf)) && state->dfr == ~0U;
	return !(state->ldr & ~lapic_regs[LAPIC_LDR].writable) && (state->dfr | 0xf0000000) == ~0U;
}

static bool vlapic_state_valid(const struct vlapic_state *state, u32 id)
{
	u64 icr_high = state->x2apic ? 0xffffffff : ICR_HIGH_WRITABLE;
	u64 icr = (icr_high << 32 | ICR_LOW_WRITABLE) & ~(u64)ICR_BUSY;

	if ((state->irr[0] | state->isr[0] | state->tmr[0]) & VECTORS_ILLEGAL)
		return false;
	return vlapic_lvt_valid(state) && vlapic_dest_valid(state, id) && !(state->icr & ~icr) &&
	       vlapic_timer_state_valid(&state->timer);
}

static void vlapic_timer_fields(struct vlapic_timer_state *state, u16 id, struct record *record)
{
	record_number(record, FIELD_INITIAL_COUNT, id, state->initial_count, 0xffffffff);
	record_number(record, FIELD_DIVIDE_CONFIG, id, state->divide_config, 0xb);
	record_number(record, FIELD_SHIFT, id, state->shift, 7);
	record_flag(record, FIELD_ARMED, id, state->armed);
	record_u64(record, FIELD_EXPIRES_IN_NS, id, &state->expires_in_ns, VCLOCK_AGE_MAX_NS);
	record_number(record, FIELD_EXPIRES_FRAC, id, state->expires_frac, 0xffffffff);
	record_u64(record, FIELD_PERIOD_NS, id, &state->period_ns, VCLOCK_AGE_MAX_NS);
	record_u64(record, FIELD_DEADLINE_TSC, id, &state->deadline_tsc, ~0ULL);
}

static void vlapic_fields(struct vlapic_state *state, u16 id, struct record *record)
{
	record_flag(record, FIELD_X2APIC, id, state->x2apic);
	record_number(record, FIELD_TPR, id, state->tpr, 0xff);
	record_number(record, FIELD_SVR, id, state->svr, SVR_WRITABLE);
	record_bytes(record, FIELD_LVT, id, state->lvt, sizeof(state->lvt));
	record_number(record, FIELD_LDR, id, state->ldr, 0xffffffff);
	record_number(record, FIELD_DFR, id, state->dfr, 0xffffffff);
	record_bytes(record, FIELD_IRR, id, state->irr, sizeof(state->irr));
	record_bytes(record, FIELD_ISR, id, state->isr, sizeof(state->isr));
	record_bytes(record, FIELD_TMR, id, state->tmr, sizeof(state->tmr));
	record_number(record, FIELD_ESR, id, state->esr, ESR_BITS);
	record_number(record, FIELD_ESR_PENDING, id, state->esr_pending, ESR_BITS);
	record_u64(record, FIELD_ICR, id, &state->icr, ~0ULL);
	vlapic_timer_fields(&state->timer, id, record);
	if (record_is_loading(record))
		state->timer.mode = state->lvt[APIC_LVT_TIMER] >> LVT_TIMER_MODE_SHIFT & 3;
	record_check(record, FIELD_LVT, id, vlapic_state_valid(state, id),
		     "not what the chip can hold");
}

int vlapics_snapshot(struct irq *irq, struct record *record)
{
	struct vlapic_state *states = kvcalloc(irq->maxcpus, sizeof(*states), GFP_KERNEL_ACCOUNT);
	DECLARE_BITMAP(here, VM_MAXCPU) = {};
	DECLARE_BITMAP(vcpus, VM_MAXCPU);
	struct vlapic *vlapic;
	unsigned int id;

	if (!states)
		return -ENOMEM;
	for (id = 0; id < irq->maxcpus; id++) {
		vlapic = irq_vlapic(irq, id);
		if (vlapic) {
			__set_bit(id, here);
			vlapic_save(vlapic, &states[id]);
		}
	}
	memcpy(vcpus, here, sizeof(vcpus));
	record_bytes(record, FIELD_VCPUS, 0, vcpus, sizeof(vcpus));
	record_check(record, FIELD_VCPUS, 0, !memcmp(vcpus, here, sizeof(vcpus)),
		     "the vCPUs are not those that exist here");
	for_each_set_bit(id, here, irq->maxcpus)
		vlapic_fields(&states[id], id, record);
	if (record_loaded(record))
		for_each_set_bit(id, here, irq->maxcpus)
			vlapic_restore(irq_vlapic(irq, id), &states[id]);
	kvfree(states);
	return 0;
}

/* --- life ------------------------------------------------------------- */

/* LDR and DFR as they are before software writes them. */
static void vlapic_reset_dest(struct vlapic *vlapic)
{
	u32 id = vlapic->vcpuid;

	WRITE_ONCE(vlapic->ldr, vlapic->x2apic ? id >> 4 << 16 | 1 << (id & 0xf) : 0);
	WRITE_ONCE(vlapic->dfr, 0xffffffff);
}

int vlapic_set_x2apic_state(struct vlapic *vlapic, enum x2apic_state state)
{
	if (state != X2APIC_DISABLED && state != X2APIC_ENABLED)
		return -EINVAL;
	WRITE_ONCE(vlapic->x2apic, state == X2APIC_ENABLED);
	vlapic_reset_dest(vlapic);
	vlapic_page_update_all(vlapic);
	return 0;
}

void vlapic_reset(struct vlapic *vlapic)
{
	int i;

	/* First of all, so that nothing new comes in. */
	WRITE_ONCE(vlapic->svr, SVR_RESET);
	for (i = 0; i < LVT_COUNT; i++)
		WRITE_ONCE(vlapic->lvt[i], LVT_MASKED);
	vlapic_timer_reset(&vlapic->timer);
	for (i = 0; i < VECTOR_WORDS; i++) {
		WRITE_ONCE(vlapic->irr[i], 0);
		WRITE_ONCE(vlapic->tmr[i], 0);
		vlapic->isr[i] = 0;
	}
	vlapic_set_tpr(vlapic, 0);
	vlapic_set_isrv(vlapic, -1);
	vlapic_reset_dest(vlapic);
	atomic_set(&vlapic->esr_pending, 0);
	vlapic->esr = 0;
	vlapic->icr = 0;
	vlapic_page_update_all(vlapic);
}

struct vlapic *vlapic_create(struct irq *irq, struct vclock *clock, unsigned int vcpuid, u64 *stats)
{
	struct vlapic *vlapic = kzalloc(sizeof(*vlapic), GFP_KERNEL_ACCOUNT);

	if (!vlapic)
		return ERR_PTR(-ENOMEM);
	vlapic->irq = irq;
	vlapic->stats = stats;
	vlapic->vcpuid = vcpuid;
	vlapic_timer_init(&vlapic->timer, clock, vlapic);
	vlapic_reset(vlapic);
	/* Pairs with irq_vlapic(). */
	smp_store_release(&irq->vlapics[vcpuid], vlapic);
	return vlapic;
}

void vlapic_destroy(struct vlapic *vlapic)
{
	WRITE_ONCE(vlapic->irq->vlapics[vlapic->vcpuid], NULL);
	vlapic_timer_destroy(&vlapic->timer);
	kfree(vlapic);
}
