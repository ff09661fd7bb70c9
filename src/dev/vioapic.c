// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <linux/bitops.h>
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include "irq.h"
#include "record.h"
#include "vioapic.h"

/* Offsets in the window, 82093AA section 3.1. */
#define IOAPIC_SELECT		0x00
#define IOAPIC_WINDOW		0x10

/* Registers behind the window, section 3.2. */
#define IOAPIC_ID		0x00
#define IOAPIC_VER		0x01
#define IOAPIC_ARB		0x02
#define IOAPIC_RTE		0x10		/* two registers a pin, low half first */

#define IOAPIC_ID_MASK		0x0f000000
#define IOAPIC_VERSION		(0x11 | (VIOAPIC_PINS - 1) << 16)

/* Redirection entry, section 3.2.4. */
#define RTE_VECTOR		0xffULL
#define RTE_DELMODE		0x700ULL
#define RTE_LOGICAL		BIT_ULL(11)
#define RTE_REMOTE_IRR		BIT_ULL(14)	/* read-only, kept in vioapic->remote_irr */
#define RTE_LEVEL		BIT_ULL(15)
#define RTE_MASKED		BIT_ULL(16)
#define RTE_DEST_SHIFT		56
/* Vector, modes, polarity, trigger, mask and destination; delivery status is always idle. */
#define RTE_WRITABLE		0xff0000000001afffULL

struct vioapic {
	struct irq *irq;		/* constant */
	raw_spinlock_t lock;		/* everything below */
	u32 id;
	u8 select;
	u32 until_eoi;			/* a bit a pin: one of its asserts ends with the next EOI */
	u32 remote_irr;			/* a bit a pin: level interrupt sent, EOI not yet seen */
	u64 rte[VIOAPIC_PINS];		/* writable bits only */
	int asserts[VIOAPIC_PINS];	/* asserts minus deasserts, may be negative */
};

struct vioapic *vioapic_create(struct irq *irq)
{
	struct vioapic *vioapic = kzalloc(sizeof(*vioapic), GFP_KERNEL_ACCOUNT);

	if (!vioapic)
		return ERR_PTR(-ENOMEM);
	vioapic->irq = irq;
	raw_spin_lock_init(&vioapic->lock);
	vioapic_reset(vioapic);
	irq->vioapic = vioapic;
	return vioapic;
}

void vioapic_destroy(struct vioapic *vioapic)
{
	vioapic->irq->vioapic = NULL;
	kfree(vioapic);
}

void vioapic_reset(struct vioapic *vioapic)
{
	unsigned long flags;
	int pin;

	raw_spin_lock_irqsave(&vioapic->lock, flags);
	vioapic->id = 0;
	vioapic->select = 0;
	vioapic->until_eoi = 0;
	vioapic->remote_irr = 0;
	for (pin = 0; pin < VIOAPIC_PINS; pin++) {
		vioapic->rte[pin] = RTE_MASKED;
		vioapic->asserts[pin] = 0;
	}
	raw_spin_unlock_irqrestore(&vioapic->lock, flags);
}

/* Send the pin's message, unless it is masked or its last one still waits for an EOI. */
static void vioapic_fire(struct vioapic *vioapic, int pin)
{
	u64 rte = vioapic->rte[pin];
	struct irq_msg msg = {
		.dest = rte >> RTE_DEST_SHIFT,
		.logical = rte & RTE_LOGICAL,
		.level = rte & RTE_LEVEL,
		.vector = rte & RTE_VECTOR,
		.delmode = rte & RTE_DELMODE,
	};

	lockdep_assert_held(&vioapic->lock);
	if ((rte & RTE_MASKED) || (vioapic->remote_irr & BIT(pin)))
		return;
	if (msg.level)
		vioapic->remote_irr |= BIT(pin);
	irq_deliver(vioapic->irq, &msg);
}

/* --- pins ------------------------------------------------------------- */

static void vioapic_pin_up(struct vioapic *vioapic, int pin)
{
	/* The count saturates: user space may assert for ever. */
	if (vioapic->asserts[pin] == INT_MAX)
		return;
	if (++vioapic->asserts[pin] == 1)
		vioapic_fire(vioapic, pin);
}

static void vioapic_pin_down(struct vioapic *vioapic, int pin)
{
	if (vioapic->asserts[pin] != INT_MIN)
		vioapic->asserts[pin]--;
}

static int vioapic_pin_change(struct vioapic *vioapic, int pin, bool up, bool down)
{
	unsigned long flags;

	if (pin < 0 || pin >= VIOAPIC_PINS)
		return -EINVAL;
	raw_spin_lock_irqsave(&vioapic->lock, flags);
	if (up)
		vioapic_pin_up(vioapic, pin);
	if (down)
		vioapic_pin_down(vioapic, pin);
	raw_spin_unlock_irqrestore(&vioapic->lock, flags);
	return 0;
}

int vioapic_assert(struct vioapic *vioapic, int pin)
{
	return vioapic_pin_change(vioapic, pin, true, false);
}

int vioapic_deassert(struct vioapic *vioapic, int pin)
{
	return vioapic_pin_change(vioapic, pin, false, true);
}

int vioapic_pulse(struct vioapic *vioapic, int pin)
{
	return vioapic_pin_change(vioapic, pin, true, true);
}

void vioapic_assert_until_eoi(struct vioapic *vioapic, unsigned int pin)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&vioapic->lock, flags);
	if (!(vioapic->until_eoi & BIT(pin))) {
		vioapic->until_eoi |= BIT(pin);
		vioapic_pin_up(vioapic, pin);
	}
	raw_spin_unlock_irqrestore(&vioapic->lock, flags);
}

/* True if it was up. */
static bool vioapic_let_go(struct vioapic *vioapic, unsigned int pin)
{
	lockdep_assert_held(&vioapic->lock);
	if (!(vioapic->until_eoi & BIT(pin)))
		return false;
	vioapic->until_eoi &= ~BIT(pin);
	vioapic_pin_down(vioapic, pin);
	return true;
}

void vioapic_deassert_until_eoi(struct vioapic *vioapic, unsigned int pin)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&vioapic->lock, flags);
	vioapic_let_go(vioapic, pin);
	raw_spin_unlock_irqrestore(&vioapic->lock, flags);
}

void vioapic_eoi(struct vioapic *vioapic, u8 vector)
{
	const struct irq_host_ops *ops = vioapic->irq->ops;
	unsigned long flags, waiting;
	u32 ended = 0, let_go = 0;
	unsigned int pin;

	raw_spin_lock_irqsave(&vioapic->lock, flags);
	waiting = vioapic->remote_irr;
	for_each_set_bit(pin, &waiting, VIOAPIC_PINS) {
		if ((vioapic->rte[pin] & RTE_VECTOR) != vector)
			continue;
		vioapic->remote_irr &= ~BIT(pin);
		ended |= BIT(pin);
		if (vioapic_let_go(vioapic, pin))
			let_go |= BIT(pin);
		if (vioapic->asserts[pin] > 0)
			vioapic_fire(vioapic, pin);
	}
	raw_spin_unlock_irqrestore(&vioapic->lock, flags);
	if (ended && ops->pins_eoi)
		ops->pins_eoi(vioapic->irq->host, ended, let_go);
}

/* --- registers -------------------------------------------------------- */

/* The pin whose entry register @reg is half of, or -1. */
static int vioapic_reg_pin(u8 reg)
{
	int pin = (reg - IOAPIC_RTE) / 2;

	return reg >= IOAPIC_RTE && pin < VIOAPIC_PINS ? pin : -1;
}

static u32 vioapic_reg_read(struct vioapic *vioapic, u8 reg)
{
	int pin = vioapic_reg_pin(reg);
	u64 rte;

	switch (reg) {
	case IOAPIC_ID:
	case IOAPIC_ARB:
		return vioapic->id;
	case IOAPIC_VER:
		return IOAPIC_VERSION;
	}
	if (pin < 0)
		return 0;
	rte = vioapic->rte[pin];
	if (vioapic->remote_irr & BIT(pin))
		rte |= RTE_REMOTE_IRR;
	return reg & 1 ? rte >> 32 : rte;
}

static void vioapic_rte_write(struct vioapic *vioapic, int pin, bool high, u32 val)
{
	u64 rte = vioapic->rte[pin];

	rte = high ? (u32)rte | (u64)val << 32 : (rte & ~0xffffffffULL) | val;
	vioapic->rte[pin] = rte & RTE_WRITABLE;
	/*
	 * This version has no EOI register: software that lost track of an EOI makes the
	 * entry edge-triggered for a moment to be rid of remote IRR.
	 */
	if (!(rte & RTE_LEVEL))
		vioapic->remote_irr &= ~BIT(pin);
	if (vioapic->asserts[pin] > 0)
		vioapic_fire(vioapic, pin);
}

static void vioapic_reg_write(struct vioapic *vioapic, u8 reg, u32 val)
{
	int pin = vioapic_reg_pin(reg);

	if (reg == IOAPIC_ID)
		vioapic->id = val & IOAPIC_ID_MASK;
	else if (pin >= 0)
		vioapic_rte_write(vioapic, pin, reg & 1, val);
}

static u32 vioapic_read(struct vioapic *vioapic, u64 offset)
{
	switch (offset) {
	case IOAPIC_SELECT:
		return vioapic->select;
	case IOAPIC_WINDOW:
		return vioapic_reg_read(vioapic, vioapic->select);
	default:
		return 0;
	}
}

static void vioapic_write(struct vioapic *vioapic, u64 offset, u32 val)
{
	switch (offset) {
	case IOAPIC_SELECT:
		vioapic->select = val;
		break;
	case IOAPIC_WINDOW:
		vioapic_reg_write(vioapic, vioapic->select, val);
		break;
	}
}

int vioapic_mmio(void *chip, unsigned int vcpuid, u64 offset, bool write, int bytes, u64 *val)
{
	struct vioapic *vioapic = chip;
	unsigned long flags;

	if (bytes != 4) {
		if (!write)
			*val = 0;
		return 0;
	}
	raw_spin_lock_irqsave(&vioapic->lock, flags);
	if (write)
		vioapic_write(vioapic, offset, *val);
	else
		*val = vioapic_read(vioapic, offset);
	raw_spin_unlock_irqrestore(&vioapic->lock, flags);
	return 0;
}

/* --- snapshot --------------------------------------------------------- */

enum { FIELD_ID = 1, FIELD_SELECT, FIELD_REMOTE_IRR, FIELD_RTE, FIELD_ASSERTS, FIELD_UNTIL_EOI };

static bool vioapic_state_valid(const struct vioapic *state)
{
	int pin;

	for (pin = 0; pin < VIOAPIC_PINS; pin++) {
		if (state->rte[pin] & ~RTE_WRITABLE)
			return false;
		if ((state->remote_irr & BIT(pin)) && !(state->rte[pin] & RTE_LEVEL))
			return false;
	}
	return !(state->id & ~IOAPIC_ID_MASK);
}

static void vioapic_fields(struct vioapic *state, struct record *record)
{
	record_number(record, FIELD_ID, 0, state->id, IOAPIC_ID_MASK);
	record_number(record, FIELD_SELECT, 0, state->select, 0xff);
	record_number(record, FIELD_REMOTE_IRR, 0, state->remote_irr, 0xffffffff);
	record_bytes(record, FIELD_RTE, 0, state->rte, sizeof(state->rte));
	record_bytes(record, FIELD_ASSERTS, 0, state->asserts, sizeof(state->asserts));
	record_number(record, FIELD_UNTIL_EOI, 0, state->until_eoi, 0xffffffff);
	record_check(record, FIELD_RTE, 0, vioapic_state_valid(state), "not what the chip can hold");
}

/* The messages that the entries stand for have been sent already: none goes out here. */
void vioapic_snapshot(struct vioapic *vioapic, struct record *record)
{
	struct vioapic state = {};
	unsigned long flags;

	raw_spin_lock_irqsave(&vioapic->lock, flags);
	state.id = vioapic->id;
	state.select = vioapic->select;
	state.remote_irr = vioapic->remote_irr;
	state.until_eoi = vioapic->until_eoi;
	memcpy(state.rte, vioapic->rte, sizeof(state.rte));
	memcpy(state.asserts, vioapic->asserts, sizeof(state.asserts));
	vioapic_fields(&state, record);
	if (record_loaded(record)) {
		vioapic->id = state.id;
		vioapic->select = state.select;
		vioapic->remote_irr = state.remote_irr;
		vioapic->until_eoi = state.until_eoi;
		memcpy(vioapic->rte, state.rte, sizeof(state.rte));
		memcpy(vioapic->asserts, state.asserts, sizeof(state.asserts));
	}
	raw_spin_unlock_irqrestore(&vioapic->lock, flags);
}
