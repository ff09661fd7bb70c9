// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * Two 8259A as a chipset wires them: the slave's INT is the master's input 2,
 * the trigger mode of each input is a bit of ELCR and not LTIM, and ICW3 is
 * taken but decides nothing, because the cascade cannot be moved.
 *
 * A request is computed, not stored, wherever it can be: a level-triggered
 * input requests while its line is up, the cascade input while the slave has
 * something deliverable. Only edges are latched, until they are acknowledged,
 * so that a pulse is an interrupt. vatpic_update() closes every change: it
 * looks at INT, and on its rising edge tells LINT0 of every active vCPU and
 * pin 0 of the I/O APIC. An acknowledge drops INT first, so that whatever is
 * still deliverable rises anew and is told again.
 *
 * vatpic->lock comes after the locks of the chips that raise lines and before
 * the I/O APIC's; nothing below calls back up.
 *
 * Sections quoted are those of the 8259A data sheet (Intel 231468).
 */
#include <linux/bitops.h>
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include "bus.h"
#include "irq.h"
#include "record.h"
#include "vatpic.h"
#include "vioapic.h"
#include "vlapic.h"

#define PIC_MASTER_CMD		0x20
#define PIC_SLAVE_CMD		0xa0
#define PIC_ELCR		0x4d0		/* master's, then slave's */

#define PIC_INPUTS		16
#define PIC_CASCADE		2		/* master's input */
#define PIC_SPURIOUS		7

/* Written to the command port: ICW1 by its bit 4, else OCW3 by bit 3, else OCW2. */
#define ICW1_INIT		BIT(4)
#define ICW1_SINGLE		BIT(1)
#define ICW1_ICW4		BIT(0)
#define ICW2_BASE		0xf8
#define ICW4_SFNM		BIT(4)
#define ICW4_AEOI		BIT(1)
#define ICW4_8086		BIT(0)
#define OCW2_ROTATE		BIT(7)
#define OCW2_SPECIFIC		BIT(6)
#define OCW2_EOI		BIT(5)
#define OCW3			BIT(3)
#define OCW3_SET_SMM		BIT(6)
#define OCW3_SMM		BIT(5)
#define OCW3_POLL		BIT(2)
#define OCW3_READ		BIT(1)
#define OCW3_READ_ISR		BIT(0)

#define POLL_INTERRUPT		BIT(7)

/* Inputs that may be level-triggered: not the timer, keyboard, cascade, clock and FPU. */
#define ELCR_MASTER		0xf8
#define ELCR_SLAVE		0xde

/* Number of the ICW that the data port expects; 0: none, it is OCW1 there. */
enum pic_icw { PIC_ICW_NONE, PIC_ICW2 = 2, PIC_ICW3, PIC_ICW4 };

struct pic {			/* all under vatpic->lock */
	bool master;		/* constant */
	bool initialised;	/* the guest has been through ICW4 once */
	u8 icw;			/* enum pic_icw */
	u8 base;		/* vector of input 0 */
	u8 imr;
	u8 isr;
	u8 latch;		/* edges not yet acknowledged */
	u8 elcr;
	u8 lowest;		/* input of the lowest priority */
	bool aeoi;
	bool rotate_aeoi;
	bool sfnm;
	bool smm;
	bool poll;		/* the next read is a poll */
	bool read_isr;
	int asserts[8];		/* asserts minus deasserts, may be negative */
};

struct vatpic {
	struct irq *irq;	/* constant */
	raw_spinlock_t lock;
	bool int_out;		/* lock: the master's INT, as told */
	struct pic master;	/* lock */
	struct pic slave;	/* lock */
};

/* --- requests and priority -------------------------------------------- */

static bool pic_running(const struct pic *pic)
{
	return pic->initialised && pic->icw == PIC_ICW_NONE;
}

static int pic_resolve(struct vatpic *vatpic, const struct pic *pic);

static u8 pic_irr(struct vatpic *vatpic, const struct pic *pic)
{
	u8 irr = pic->latch & ~pic->elcr;
	int pin;

	for (pin = 0; pin < 8; pin++) {
		if ((pic->elcr & BIT(pin)) && pic->asserts[pin] > 0)
			irr |= BIT(pin);
	}
	if (pic->master) {
		irr &= ~BIT(PIC_CASCADE);
		if (pic_resolve(vatpic, &vatpic->slave) >= 0)
			irr |= BIT(PIC_CASCADE);
	}
	return irr;
}

/* In-service levels that hold back their own and lower ones: in special mask mode, those not masked. */
static u8 pic_blocking(const struct pic *pic)
{
	return pic->smm ? pic->isr & ~pic->imr : pic->isr;
}

/*
 * The input that INT stands for, or -1. In special fully nested mode the slave may interrupt its
 * own service: its level blocks the lower ones only.
 */
static int pic_resolve(struct vatpic *vatpic, const struct pic *pic)
{
	u8 requests, blocking = pic_blocking(pic);
	int i;

	if (!pic_running(pic))
		return -1;
	requests = pic_irr(vatpic, pic) & ~pic->imr;
	for (i = 1; i <= 8; i++) {
		int pin = (pic->lowest + i) & 7;
		bool nested = pic->master && pic->sfnm && pin == PIC_CASCADE;

		if ((blocking & BIT(pin)) && !nested)
			return -1;
		if (requests & BIT(pin))
			return pin;
		if (blocking & BIT(pin))
			return -1;
	}
	return -1;
}

static void vatpic_tell(struct vatpic *vatpic)
{
	struct irq *irq = vatpic->irq;
	unsigned int id;

	for_each_set_bit(id, irq->active, irq->maxcpus) {
		struct vlapic *vlapic = irq_vlapic(irq, id);

		if (vlapic)
			vlapic_trigger_lvt(vlapic, APIC_LVT_LINT0);
	}
	vioapic_pulse(irq->vioapic, 0);
}

static void vatpic_update(struct vatpic *vatpic)
{
	bool before = vatpic->int_out;

	lockdep_assert_held(&vatpic->lock);
	vatpic->int_out = pic_resolve(vatpic, &vatpic->master) >= 0;
	if (vatpic->int_out && !before)
		vatpic_tell(vatpic);
}

/* --- inputs ----------------------------------------------------------- */

static void pic_line_up(struct pic *pic, int pin)
{
	if (!pic->initialised || pic->asserts[pin] == INT_MAX)
		return;
	if (++pic->asserts[pin] == 1)
		pic->latch |= BIT(pin) & ~pic->elcr;
}

static void pic_line_down(struct pic *pic, int pin)
{
	if (pic->initialised && pic->asserts[pin] != INT_MIN)
		pic->asserts[pin]--;
}

static int vatpic_line_change(struct vatpic *vatpic, int irq, bool up, bool down)
{
	struct pic *pic = irq < 8 ? &vatpic->master : &vatpic->slave;
	unsigned long flags;

	if (irq < 0 || irq >= PIC_INPUTS)
		return -EINVAL;
	raw_spin_lock_irqsave(&vatpic->lock, flags);
	if (up)
		pic_line_up(pic, irq & 7);
	if (down)
		pic_line_down(pic, irq & 7);
	vatpic_update(vatpic);
	raw_spin_unlock_irqrestore(&vatpic->lock, flags);
	return 0;
}

int vatpic_assert(struct vatpic *vatpic, int irq)
{
	return vatpic_line_change(vatpic, irq, true, false);
}

int vatpic_deassert(struct vatpic *vatpic, int irq)
{
	return vatpic_line_change(vatpic, irq, false, true);
}

int vatpic_pulse(struct vatpic *vatpic, int irq)
{
	return vatpic_line_change(vatpic, irq, true, true);
}

/* A latched edge is forgotten, and does not come back when the input is made edge-triggered again. */
static void pic_set_elcr(struct pic *pic, u8 elcr)
{
	pic->elcr = elcr & (pic->master ? ELCR_MASTER : ELCR_SLAVE);
	pic->latch &= ~pic->elcr;
}

int vatpic_set_trigger(struct vatpic *vatpic, int irq, bool level)
{
	struct pic *pic = irq < 8 ? &vatpic->master : &vatpic->slave;
	unsigned long flags;

	if (irq < 0 || irq >= PIC_INPUTS)
		return -EINVAL;
	if (level && !((ELCR_MASTER | ELCR_SLAVE << 8) & BIT(irq)))
		return -EINVAL;
	raw_spin_lock_irqsave(&vatpic->lock, flags);
	pic_set_elcr(pic, level ? pic->elcr | BIT(irq & 7) : pic->elcr & ~BIT(irq & 7));
	vatpic_update(vatpic);
	raw_spin_unlock_irqrestore(&vatpic->lock, flags);
	return 0;
}

/* --- acknowledge ------------------------------------------------------ */

static void pic_acknowledge(struct pic *pic, int pin)
{
	pic->latch &= ~BIT(pin);
	if (!pic->aeoi)
		pic->isr |= BIT(pin);
	else if (pic->rotate_aeoi)
		pic->lowest = pin;
}

bool vatpic_requesting(struct vatpic *vatpic)
{
	unsigned long flags;
	bool requesting;

	raw_spin_lock_irqsave(&vatpic->lock, flags);
	requesting = vatpic->master.initialised && pic_resolve(vatpic, &vatpic->master) >= 0;
	raw_spin_unlock_irqrestore(&vatpic->lock, flags);
	return requesting;
}

int vatpic_pending_vector(struct vatpic *vatpic)
{
	const struct pic *pic = &vatpic->master;
	unsigned long flags;
	int pin, vector = -1;

	raw_spin_lock_irqsave(&vatpic->lock, flags);
	if (pic->initialised) {
		pin = pic_resolve(vatpic, pic);
		if (pin == PIC_CASCADE) {
			pic = &vatpic->slave;
			pin = pic_resolve(vatpic, pic);
		}
		vector = pic->base + (pin < 0 ? PIC_SPURIOUS : pin);
	}
	raw_spin_unlock_irqrestore(&vatpic->lock, flags);
	return vector;
}

/* Which chip gave @vector; if both have that base, the winning input decides. */
static bool vector_is_slaves(struct vatpic *vatpic, int vector)
{
	if ((vector & ICW2_BASE) != vatpic->slave.base)
		return false;
	return vatpic->slave.base != vatpic->master.base ||
	       pic_resolve(vatpic, &vatpic->master) == PIC_CASCADE;
}

/*
 * The guest enters the handler of @vector, and that handler ends with an EOI: its level goes into
 * service even if the request was withdrawn after vatpic_pending_vector(). Level 7 without a
 * request is the spurious one and does not.
 */
static void pic_accept(struct vatpic *vatpic, struct pic *pic, int pin)
{
	if (pin != PIC_SPURIOUS || (pic_irr(vatpic, pic) & BIT(pin)))
		pic_acknowledge(pic, pin);
}

void vatpic_intr_accepted(struct vatpic *vatpic, int vector)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&vatpic->lock, flags);
	if (vector_is_slaves(vatpic, vector)) {
		pic_accept(vatpic, &vatpic->slave, vector & 7);
		pic_acknowledge(&vatpic->master, PIC_CASCADE);
	} else if ((vector & ICW2_BASE) == vatpic->master.base) {
		pic_accept(vatpic, &vatpic->master, vector & 7);
	}
	vatpic->int_out = false;
	vatpic_update(vatpic);
	raw_spin_unlock_irqrestore(&vatpic->lock, flags);
}

/* --- command words ---------------------------------------------------- */

/* Edge sense, mask, service and modes start anew; lines and ELCR are outside. */
static int pic_write_icw1(struct pic *pic, u8 val)
{
	if ((val & ICW1_SINGLE) || !(val & ICW1_ICW4))
		return -EIO;
	pic->icw = PIC_ICW2;
	pic->imr = 0;
	pic->isr = 0;
	pic->latch = 0;
	pic->lowest = 7;
	pic->aeoi = false;
	pic->rotate_aeoi = false;
	pic->sfnm = false;
	pic->smm = false;
	pic->poll = false;
	pic->read_isr = false;
	return 0;
}

static int pic_write_icw4(struct pic *pic, u8 val)
{
	if (!(val & ICW4_8086))
		return -EIO;
	pic->aeoi = val & ICW4_AEOI;
	pic->sfnm = val & ICW4_SFNM;
	pic->icw = PIC_ICW_NONE;
	pic->initialised = true;
	return 0;
}

/* Highest in-service level; one that is masked in special mask mode is not found. -1: none. */
static int pic_in_service(const struct pic *pic)
{
	u8 isr = pic_blocking(pic);
	int i;

	for (i = 1; i <= 8; i++) {
		int pin = (pic->lowest + i) & 7;

		if (isr & BIT(pin))
			return pin;
	}
	return -1;
}

static void pic_write_ocw2(struct pic *pic, u8 val)
{
	bool rotate = val & OCW2_ROTATE;
	int pin = val & 7;

	if (!(val & OCW2_EOI)) {
		if (!(val & OCW2_SPECIFIC))
			pic->rotate_aeoi = rotate;
		else if (rotate)
			pic->lowest = pin;
		return;
	}
	if (!(val & OCW2_SPECIFIC))
		pin = pic_in_service(pic);
	if (pin < 0)
		return;
	pic->isr &= ~BIT(pin);
	if (rotate)
		pic->lowest = pin;
}

static void pic_write_ocw3(struct pic *pic, u8 val)
{
	if (val & OCW3_SET_SMM)
		pic->smm = val & OCW3_SMM;
	if (val & OCW3_READ)
		pic->read_isr = val & OCW3_READ_ISR;
	pic->poll = val & OCW3_POLL;
}

static int pic_write_command(struct pic *pic, u8 val)
{
	if (val & ICW1_INIT)
		return pic_write_icw1(pic, val);
	if (val & OCW3)
		pic_write_ocw3(pic, val);
	else
		pic_write_ocw2(pic, val);
	return 0;
}

static int pic_write_data(struct pic *pic, u8 val)
{
	switch (pic->icw) {
	case PIC_ICW2:
		pic->base = val & ICW2_BASE;
		pic->icw = PIC_ICW3;
		return 0;
	case PIC_ICW3:
		pic->icw = PIC_ICW4;
		return 0;
	case PIC_ICW4:
		return pic_write_icw4(pic, val);
	default:
		pic->imr = val;
		return 0;
	}
}

/* --- ports ------------------------------------------------------------ */

/* A poll is an acknowledge by a read of either port; the master's does not reach the slave. */
static u8 pic_read_poll(struct vatpic *vatpic, struct pic *pic)
{
	int pin = pic_resolve(vatpic, pic);

	pic->poll = false;
	if (pin < 0)
		return 0;
	pic_acknowledge(pic, pin);
	if (pic->master)
		vatpic->int_out = false;
	return POLL_INTERRUPT | pin;
}

static u8 pic_read(struct vatpic *vatpic, struct pic *pic, bool data)
{
	if (pic->poll)
		return pic_read_poll(vatpic, pic);
	if (data)
		return pic->imr;
	return pic->read_isr ? pic->isr : pic_irr(vatpic, pic);
}

static int vatpic_port(void *chip, bool in, u16 port, int bytes, u32 *val)
{
	struct vatpic *vatpic = chip;
	struct pic *pic = port & 0x80 ? &vatpic->slave : &vatpic->master;
	unsigned long flags;
	int err = 0;

	if (bytes != 1)
		return -EIO;
	raw_spin_lock_irqsave(&vatpic->lock, flags);
	if (in)
		*val = pic_read(vatpic, pic, port & 1);
	else
		err = port & 1 ? pic_write_data(pic, *val) : pic_write_command(pic, *val);
	vatpic_update(vatpic);
	raw_spin_unlock_irqrestore(&vatpic->lock, flags);
	return err;
}

static int vatpic_elcr_port(void *chip, bool in, u16 port, int bytes, u32 *val)
{
	struct vatpic *vatpic = chip;
	struct pic *pic = port & 1 ? &vatpic->slave : &vatpic->master;
	unsigned long flags;

	if (bytes != 1)
		return -EIO;
	raw_spin_lock_irqsave(&vatpic->lock, flags);
	if (in)
		*val = pic->elcr;
	else
		pic_set_elcr(pic, *val);
	vatpic_update(vatpic);
	raw_spin_unlock_irqrestore(&vatpic->lock, flags);
	return 0;
}

/* --- snapshot --------------------------------------------------------- */

enum {
	FIELD_INITIALISED = 1, FIELD_ICW, FIELD_BASE, FIELD_IMR, FIELD_ISR, FIELD_LATCH, FIELD_ELCR,
	FIELD_LOWEST, FIELD_AEOI, FIELD_ROTATE_AEOI, FIELD_SFNM, FIELD_SMM, FIELD_POLL,
	FIELD_READ_ISR, FIELD_ASSERTS, FIELD_INT_OUT,
};

static bool pic_state_valid(const struct pic *pic)
{
	u8 level = pic->master ? ELCR_MASTER : ELCR_SLAVE;

	return pic->icw != 1 && !(pic->base & ~ICW2_BASE) && !(pic->elcr & ~level) &&
	       !(pic->latch & pic->elcr);
}

static void pic_fields(struct pic *pic, struct record *record)
{
	u16 chip = !pic->master;

	record_flag(record, FIELD_INITIALISED, chip, pic->initialised);
	record_number(record, FIELD_ICW, chip, pic->icw, PIC_ICW4);
	record_number(record, FIELD_BASE, chip, pic->base, ICW2_BASE);
	record_number(record, FIELD_IMR, chip, pic->imr, 0xff);
	record_number(record, FIELD_ISR, chip, pic->isr, 0xff);
	record_number(record, FIELD_LATCH, chip, pic->latch, 0xff);
	record_number(record, FIELD_ELCR, chip, pic->elcr, 0xff);
	record_number(record, FIELD_LOWEST, chip, pic->lowest, 7);
	record_flag(record, FIELD_AEOI, chip, pic->aeoi);
	record_flag(record, FIELD_ROTATE_AEOI, chip, pic->rotate_aeoi);
	record_flag(record, FIELD_SFNM, chip, pic->sfnm);
	record_flag(record, FIELD_SMM, chip, pic->smm);
	record_flag(record, FIELD_POLL, chip, pic->poll);
	record_flag(record, FIELD_READ_ISR, chip, pic->read_isr);
	record_bytes(record, FIELD_ASSERTS, chip, pic->asserts, sizeof(pic->asserts));
	record_check(record, FIELD_ICW, chip, pic_state_valid(pic), "not what the chip can hold");
}

void vatpic_snapshot(struct vatpic *vatpic, struct record *record)
{
	struct pic master, slave;
	unsigned long flags;
	bool int_out;

	raw_spin_lock_irqsave(&vatpic->lock, flags);
	master = vatpic->master;
	slave = vatpic->slave;
	int_out = vatpic->int_out;
	pic_fields(&master, record);
	pic_fields(&slave, record);
	record_flag(record, FIELD_INT_OUT, 0, int_out);
	if (record_loaded(record)) {
		vatpic->master = master;
		vatpic->slave = slave;
		vatpic->int_out = int_out;
	}
	raw_spin_unlock_irqrestore(&vatpic->lock, flags);
}

/* --- life ------------------------------------------------------------- */

void vatpic_reset(struct vatpic *vatpic)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&vatpic->lock, flags);
	vatpic->master = (struct pic){ .master = true, .lowest = 7 };
	vatpic->slave = (struct pic){ .lowest = 7 };
	vatpic->int_out = false;
	raw_spin_unlock_irqrestore(&vatpic->lock, flags);
}

struct vatpic *vatpic_create(struct irq *irq)
{
	struct vatpic *vatpic = kzalloc(sizeof(*vatpic), GFP_KERNEL_ACCOUNT);

	if (!vatpic)
		return ERR_PTR(-ENOMEM);
	vatpic->irq = irq;
	raw_spin_lock_init(&vatpic->lock);
	vatpic_reset(vatpic);
	irq->vatpic = vatpic;
	return vatpic;
}

void vatpic_destroy(struct vatpic *vatpic)
{
	vatpic->irq->vatpic = NULL;
	kfree(vatpic);
}

void vatpic_connect(struct vatpic *vatpic, struct bus *bus)
{
	bus_port_register(bus, PIC_MASTER_CMD, 2, vatpic_port, vatpic);
	bus_port_register(bus, PIC_SLAVE_CMD, 2, vatpic_port, vatpic);
	bus_port_register(bus, PIC_ELCR, 2, vatpic_elcr_port, vatpic);
}
