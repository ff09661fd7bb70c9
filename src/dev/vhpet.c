// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * The main counter is computed from the VM's clock. Inside it has 64 bits, of
 * which the guest sees the low 32: so "the next time that the comparator
 * matches" is a number of its own for each timer, hpet_timer.match, above the
 * counter as long as it is to come, and its low 32 bits are the comparator
 * register. A one-shot timer matches again when the visible counter has gone
 * round: it is a periodic one of period 2^32, which makes the two cases one.
 *
 * hpet_timer.due is the match that will interrupt. It is the same, except
 * where the guest asked for more interrupts than the floor allows: then due is
 * a later match, while the comparator register moves on as programmed.
 *
 * Every access first brings the timers to the present: what is due fires
 * before the guest sees or changes anything.
 *
 * Lock order: vhpet->lock, then the interrupt fabric and clock->lock.
 * Sections quoted are those of the IA-PC HPET specification 1.0a.
 */
#include <linux/bits.h>
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include "bus.h"
#include "irq.h"
#include "record.h"
#include "vhpet.h"
#include "vioapic.h"
#include "vtimer.h"

#define HPET_HZ			16777216
#define HPET_PERIOD_FS		59604644ULL	/* 10^15 / HPET_HZ */
#define HPET_TIMERS		8
#define HPET_ROUTES		0xff000000	/* I/O APIC pins a timer may use */
#define HPET_WRAP		BIT_ULL(32)
#define HPET_FLOOR_TICKS	(VTIMER_MIN_PERIOD_NS * HPET_HZ / NSEC_PER_SEC + 1)

/* Registers, section 2.3.1; those of a timer lie HPET_TIMER_SIZE apart. */
#define HPET_CAP		0x000
#define HPET_CONFIG		0x010
#define HPET_STATUS		0x020
#define HPET_COUNTER		0x0f0
#define HPET_TIMER		0x100
#define HPET_TIMER_SIZE		0x20
#define HPET_TIMER_CONFIG	0x00
#define HPET_TIMER_COMPARATOR	0x08
#define HPET_TIMER_FSB		0x10

#define CAP_REVISION		0x01
#define CAP_VENDOR		0x8086U
#define CONFIG_ENABLE		BIT(0)

/* Timer configuration, section 2.3.8. */
#define TIMER_LEVEL		BIT(1)
#define TIMER_INTERRUPT		BIT(2)
#define TIMER_PERIODIC		BIT(3)
#define TIMER_PERIODIC_CAP	BIT(4)
#define TIMER_SET_VALUE		BIT(6)
#define TIMER_ROUTE_SHIFT	9
#define TIMER_ROUTE		(0x1f << TIMER_ROUTE_SHIFT)
#define TIMER_FSB		BIT(14)
#define TIMER_FSB_CAP		BIT(15)
#define TIMER_WRITABLE		(TIMER_LEVEL | TIMER_INTERRUPT | TIMER_PERIODIC | \
				 TIMER_SET_VALUE | TIMER_ROUTE | TIMER_FSB)

struct hpet_timer {
	struct vhpet *vhpet;	/* constant */
	struct vtimer vtimer;
	/* The rest: vhpet->lock. */
	u32 config;		/* TIMER_WRITABLE bits */
	u32 period;		/* in periodic mode; 0: never written */
	u64 match;		/* comparator: when the counter equals it next */
	u64 due;		/* if armed: the match that fires */
	bool armed;
	u64 fsb;		/* message address in the upper half, data in the lower */
	int pin;		/* I/O APIC pin held up; 0: none */
};

struct vhpet {
	struct irq *irq;	/* constant */
	struct vclock *clock;	/* constant */
	raw_spinlock_t lock;
	bool running;		/* lock */
	u64 base;		/* lock: counter when it stopped, or at base_ns if it runs */
	u64 base_ns;		/* lock */
	u32 status;		/* lock: a bit a timer: level interrupt active */
	struct hpet_timer timers[HPET_TIMERS];
};

static u64 vhpet_counter(struct vhpet *vhpet)
{
	u64 elapsed_ns;

	if (!vhpet->running)
		return vhpet->base;
	elapsed_ns = vclock_now_ns(vhpet->clock) - vhpet->base_ns;
	return vhpet->base + vtimer_ns_to_ticks(elapsed_ns, HPET_HZ);
}

u32 vhpet_capabilities(void)
{
	return CAP_VENDOR << 16 | (HPET_TIMERS - 1) << 8 | CAP_REVISION;
}

/* --- interrupts ------------------------------------------------------- */

static u32 timer_status_bit(const struct hpet_timer *timer)
{
	return BIT(timer - timer->vhpet->timers);
}

/* 0: none. A message goes nowhere near the pins. */
static int timer_route(const struct hpet_timer *timer)
{
	if ((timer->config & (TIMER_INTERRUPT | TIMER_FSB)) != TIMER_INTERRUPT)
		return 0;
	return (timer->config & TIMER_ROUTE) >> TIMER_ROUTE_SHIFT;
}

/* Hold up the pin that status and configuration ask for, and no other. */
static void timer_drive_pin(struct hpet_timer *timer)
{
	struct vhpet *vhpet = timer->vhpet;
	int pin = 0;

	if ((timer->config & TIMER_LEVEL) && (vhpet->status & timer_status_bit(timer)))
		pin = timer_route(timer);
	if (pin == timer->pin)
		return;
	if (timer->pin)
		vioapic_deassert(vhpet->irq->vioapic, timer->pin);
	timer->pin = pin;
	if (pin)
		vioapic_assert(vhpet->irq->vioapic, pin);
}

/* A level timer sets its status bit even with interrupts off, section 2.3.8 (Tn_INT_ENB_CNF). */
static void timer_interrupt(struct hpet_timer *timer)
{
	struct irq *irq = timer->vhpet->irq;
	int pin = timer_route(timer);

	if (timer->config & TIMER_FSB) {
		if (timer->config & TIMER_INTERRUPT)
			irq_msi(irq, timer->fsb >> 32, (u32)timer->fsb);
	} else if (timer->config & TIMER_LEVEL) {
		timer->vhpet->status |= timer_status_bit(timer);
		timer_drive_pin(timer);
	} else if (pin) {
		vioapic_pulse(irq->vioapic, pin);
	}
}

/* --- time ------------------------------------------------------------- */

static u64 timer_period(const struct hpet_timer *timer)
{
	return (timer->config & TIMER_PERIODIC) && timer->period ? timer->period : HPET_WRAP;
}

/* The chip's periodic timers share one allowance. */
static u64 vhpet_floor(const struct vhpet *vhpet)
{
	u64 floor = 0;
	int i;

	for (i = 0; i < HPET_TIMERS; i++) {
		if (vhpet->timers[i].armed && timer_period(&vhpet->timers[i]) != HPET_WRAP)
			floor += HPET_FLOOR_TICKS;
	}
	return floor;
}

static void timer_start(struct hpet_timer *timer)
{
	struct vhpet *vhpet = timer->vhpet;
	u64 delay_ns = vtimer_ticks_to_ns(timer->due - vhpet->base, HPET_HZ);

	vtimer_arm(&timer->vtimer, vhpet->base_ns + delay_ns);
}

/* The counter runs and is at @counter: pass the matches up to there. */
static void timer_advance(struct hpet_timer *timer, u64 counter)
{
	u64 period = timer_period(timer);
	bool fires = timer->armed && timer->due <= counter;

	lockdep_assert_held(&timer->vhpet->lock);
	if (timer->match <= counter)
		timer->match = vtimer_next_due(timer->match, period, counter, 0);
	if (!fires)
		return;
	timer->due = vtimer_next_due(timer->match - period, period, counter,
				     vhpet_floor(timer->vhpet));
	timer_start(timer);
	timer_interrupt(timer);
}

static void vhpet_advance(struct vhpet *vhpet, u64 counter)
{
	int i;

	if (!vhpet->running)
		return;
	for (i = 0; i < HPET_TIMERS; i++)
		timer_advance(&vhpet->timers[i], counter);
}

/* Run or stop the host's timer, after whatever decides that has changed. */
static void timer_sync(struct hpet_timer *timer)
{
	bool armed = timer->vhpet->running && (timer->config & (TIMER_INTERRUPT | TIMER_LEVEL));

	if (armed && !timer->armed) {
		timer->due = timer->match;
		timer_start(timer);
	} else if (!armed) {
		vtimer_cancel(&timer->vtimer);
	}
	timer->armed = armed;
}

/* The same, and what was due is so no more: the next match is. */
static void timer_restart(struct hpet_timer *timer)
{
	timer->armed = false;
	timer_sync(timer);
}

static void timer_fire(struct vtimer *vtimer)
{
	struct hpet_timer *timer = container_of(vtimer, struct hpet_timer, vtimer);
	struct vhpet *vhpet = timer->vhpet;
	unsigned long flags;

	raw_spin_lock_irqsave(&vhpet->lock, flags);
	if (vhpet->running)
		timer_advance(timer, vhpet_counter(vhpet));
	raw_spin_unlock_irqrestore(&vhpet->lock, flags);
}

/* --- registers -------------------------------------------------------- */

static u64 timer_read(const struct hpet_timer *timer, unsigned int reg)
{
	switch (reg) {
	case HPET_TIMER_CONFIG:
		return (u64)HPET_ROUTES << 32 | TIMER_PERIODIC_CAP | TIMER_FSB_CAP | timer->config;
	case HPET_TIMER_COMPARATOR:
		return (u32)timer->match;
	case HPET_TIMER_FSB:
		return timer->fsb;
	default:
		return 0;
	}
}

/* A route that is not offered reads back as none; so does the set-value bit of a one-shot timer. */
static void timer_write_config(struct hpet_timer *timer, u32 config)
{
	bool type_changes = (config ^ timer->config) & TIMER_PERIODIC;

	config &= TIMER_WRITABLE;
	if (!(HPET_ROUTES & BIT((config & TIMER_ROUTE) >> TIMER_ROUTE_SHIFT)))
		config &= ~TIMER_ROUTE;
	if (!(config & TIMER_PERIODIC)) {
		config &= ~TIMER_SET_VALUE;
		timer->period = 0;
	}
	timer->config = config;
	if (!(config & TIMER_LEVEL))
		timer->vhpet->status &= ~timer_status_bit(timer);
	timer_drive_pin(timer);
	if (type_changes)
		timer_restart(timer);
	else
		timer_sync(timer);
}

/* Section 2.3.9.2.2: in periodic mode the period, and the comparator only after set-value. */
static void timer_write_comparator(struct hpet_timer *timer, u32 val, u64 counter)
{
	bool periodic = timer->config & TIMER_PERIODIC;

	if (periodic)
		timer->period = val;
	if (!periodic || (timer->config & TIMER_SET_VALUE))
		timer->match = counter + (u32)(val - (u32)counter);
	timer->config &= ~TIMER_SET_VALUE;
	timer_restart(timer);
}

/* @data goes to the bits of @mask: one half of the register, or both. */
static void timer_write(struct hpet_timer *timer, unsigned int reg, u64 data, u64 mask, u64 counter)
{
	switch (reg) {
	case HPET_TIMER_CONFIG:
		if ((u32)mask)
			timer_write_config(timer, data);
		break;
	case HPET_TIMER_COMPARATOR:
		if ((u32)mask)
			timer_write_comparator(timer, data, counter);
		break;
	case HPET_TIMER_FSB:
		timer->fsb = (timer->fsb & ~mask) | (data & mask);
		break;
	}
}

static void vhpet_set_running(struct vhpet *vhpet, bool running, u64 counter)
{
	int i;

	if (running == vhpet->running)
		return;
	vhpet->running = running;
	vhpet->base = counter;
	vhpet->base_ns = vclock_now_ns(vhpet->clock);
	for (i = 0; i < HPET_TIMERS; i++)
		timer_sync(&vhpet->timers[i]);
}

/* The comparators keep their values: each matches when the new counter gets there. */
static void vhpet_set_counter(struct vhpet *vhpet, u32 counter)
{
	int i;

	vhpet->base = counter;
	vhpet->base_ns = vclock_now_ns(vhpet->clock);
	for (i = 0; i < HPET_TIMERS; i++) {
		struct hpet_timer *timer = &vhpet->timers[i];

		timer->match = counter + (u64)(u32)((u32)timer->match - counter);
		timer_restart(timer);
	}
}

static void vhpet_clear_status(struct vhpet *vhpet, u32 bits)
{
	int i;

	vhpet->status &= ~bits;
	for (i = 0; i < HPET_TIMERS; i++)
		timer_drive_pin(&vhpet->timers[i]);
}

static struct hpet_timer *vhpet_timer(struct vhpet *vhpet, unsigned int reg)
{
	unsigned int n = (reg - HPET_TIMER) / HPET_TIMER_SIZE;

	return reg >= HPET_TIMER && n < HPET_TIMERS ? &vhpet->timers[n] : NULL;
}

static u64 vhpet_read(struct vhpet *vhpet, unsigned int reg, u64 counter)
{
	struct hpet_timer *timer = vhpet_timer(vhpet, reg);

	if (timer)
		return timer_read(timer, reg % HPET_TIMER_SIZE);
	switch (reg) {
	case HPET_CAP:
		return HPET_PERIOD_FS << 32 | vhpet_capabilities();
	case HPET_CONFIG:
		return vhpet->running ? CONFIG_ENABLE : 0;
	case HPET_STATUS:
		return vhpet->status;
	case HPET_COUNTER:
		return (u32)counter;
	default:
		return 0;
	}
}

static void vhpet_write(struct vhpet *vhpet, unsigned int reg, u64 data, u64 mask, u64 counter)
{
	struct hpet_timer *timer = vhpet_timer(vhpet, reg);

	if (timer) {
		timer_write(timer, reg % HPET_TIMER_SIZE, data, mask, counter);
		return;
	}
	if (!(u32)mask)
		return;		/* the upper halves of the rest hold nothing that can be written */
	switch (reg) {
	case HPET_CONFIG:
		vhpet_set_running(vhpet, data & CONFIG_ENABLE, counter);
		break;
	case HPET_STATUS:
		vhpet_clear_status(vhpet, data);
		break;
	case HPET_COUNTER:
		vhpet_set_counter(vhpet, data);
		break;
	}
}

int vhpet_mmio(void *chip, unsigned int vcpuid, u64 offset, bool write, int bytes, u64 *val)
{
	struct vhpet *vhpet = chip;
	unsigned int shift = offset & 4 ? 32 : 0;
	unsigned long flags;
	u64 mask, counter;

	if (!write)
		*val = 0;
	if ((bytes != 4 && bytes != 8) || (offset & (bytes - 1)) || offset >= VHPET_SIZE)
		return 0;
	mask = bytes == 8 ? U64_MAX : (u64)U32_MAX << shift;
	raw_spin_lock_irqsave(&vhpet->lock, flags);
	counter = vhpet_counter(vhpet);
	vhpet_advance(vhpet, counter);
	if (write)
		vhpet_write(vhpet, offset & ~7, *val << shift, mask, counter);
	else
		*val = vhpet_read(vhpet, offset & ~7, counter) >> shift;
	raw_spin_unlock_irqrestore(&vhpet->lock, flags);
	return 0;
}

/* --- snapshot --------------------------------------------------------- */

enum {
	FIELD_RUNNING = 1, FIELD_COUNTER, FIELD_STATUS, FIELD_CONFIG, FIELD_PERIOD, FIELD_MATCH,
	FIELD_DUE, FIELD_ARMED, FIELD_FSB, FIELD_PIN,
};

#define HPET_COUNTER_MAX	((VCLOCK_AGE_MAX_NS / NSEC_PER_SEC) * HPET_HZ)
#define HPET_MATCH_MAX		(HPET_COUNTER_MAX + HPET_WRAP)

struct hpet_timer_state {
	u32 config;
	u32 period;
	u64 match;
	u64 due;
	bool armed;
	u64 fsb;
	int pin;
};

/* @counter: present value; the next match lies within one round of it. */
static bool timer_state_valid(const struct hpet_timer_state *state, bool running, u64 counter)
{
	u32 route = (state->config & TIMER_ROUTE) >> TIMER_ROUTE_SHIFT;

	if ((state->config & ~TIMER_WRITABLE) || (route && !(HPET_ROUTES & BIT(route))))
		return false;
	if (state->pin && !(HPET_ROUTES & BIT(state->pin)))
		return false;
	return state->match <= counter + HPET_WRAP && (!state->armed || running);
}

static void timer_fields(struct hpet_timer_state *state, u16 n, bool running, u64 counter,
			 struct record *record)
{
	record_number(record, FIELD_CONFIG, n, state->config, U32_MAX);
	record_number(record, FIELD_PERIOD, n, state->period, U32_MAX);
	record_u64(record, FIELD_MATCH, n, &state->match, HPET_MATCH_MAX);
	record_u64(record, FIELD_DUE, n, &state->due, HPET_MATCH_MAX + HPET_WRAP);
	record_flag(record, FIELD_ARMED, n, state->armed);
	record_u64(record, FIELD_FSB, n, &state->fsb, U64_MAX);
	record_number(record, FIELD_PIN, n, state->pin, 31);
	record_check(record, FIELD_CONFIG, n, timer_state_valid(state, running, counter),
		     "not what the chip can hold");
}

static void timer_save(const struct hpet_timer *timer, struct hpet_timer_state *state)
{
	*state = (struct hpet_timer_state){
		.config = timer->config,
		.period = timer->period,
		.match = timer->match,
		.due = timer->due,
		.armed = timer->armed,
		.fsb = timer->fsb,
		.pin = timer->pin,
	};
}

static void timer_restore(struct hpet_timer *timer, const struct hpet_timer_state *state)
{
	timer->config = state->config;
	timer->period = state->period;
	timer->match = state->match;
	timer->due = state->due;
	timer->armed = state->armed;
	timer->fsb = state->fsb;
	timer->pin = state->pin;
	if (!timer->armed)
		vtimer_cancel(&timer->vtimer);
	else if (timer->due > timer->vhpet->base)
		timer_start(timer);
	else
		vtimer_arm(&timer->vtimer, timer->vhpet->base_ns);
}

static void vhpet_restore(struct vhpet *vhpet, bool running, u64 counter, u32 status,
			  const struct hpet_timer_state *timers)
{
	int i;

	vhpet->running = running;
	vhpet->base = counter;
	vhpet->base_ns = vclock_now_ns(vhpet->clock);
	vhpet->status = status;
	for (i = 0; i < HPET_TIMERS; i++)
		timer_restore(&vhpet->timers[i], &timers[i]);
}

/* The pins are not touched: what they are told is part of the I/O APIC's own state. */
void vhpet_snapshot(struct vhpet *vhpet, struct record *record)
{
	struct hpet_timer_state timers[HPET_TIMERS];
	unsigned long flags;
	bool running;
	u64 counter;
	u32 status;
	int i;

	raw_spin_lock_irqsave(&vhpet->lock, flags);
	running = vhpet->running;
	counter = vhpet_counter(vhpet);
	status = vhpet->status;
	record_flag(record, FIELD_RUNNING, 0, running);
	record_u64(record, FIELD_COUNTER, 0, &counter, HPET_COUNTER_MAX);
	record_number(record, FIELD_STATUS, 0, status, BIT(HPET_TIMERS) - 1);
	for (i = 0; i < HPET_TIMERS; i++) {
		timer_save(&vhpet->timers[i], &timers[i]);
		timer_fields(&timers[i], i, running, counter, record);
	}
	if (record_loaded(record))
		vhpet_restore(vhpet, running, counter, status, timers);
	raw_spin_unlock_irqrestore(&vhpet->lock, flags);
}

/* --- life ------------------------------------------------------------- */

/* Comparators start with all bits set, section 2.3.9. */
static void timer_reset(struct hpet_timer *timer)
{
	vtimer_cancel(&timer->vtimer);
	timer->config = 0;
	timer->period = 0;
	timer->match = U32_MAX;
	timer->armed = false;
	timer->fsb = 0;
	timer_drive_pin(timer);
}

void vhpet_reset(struct vhpet *vhpet)
{
	unsigned long flags;
	int i;

	raw_spin_lock_irqsave(&vhpet->lock, flags);
	vhpet->running = false;
	vhpet->base = 0;
	vhpet->status = 0;
	for (i = 0; i < HPET_TIMERS; i++)
		timer_reset(&vhpet->timers[i]);
	raw_spin_unlock_irqrestore(&vhpet->lock, flags);
}

struct vhpet *vhpet_create(struct irq *irq, struct vclock *clock)
{
	struct vhpet *vhpet = kzalloc(sizeof(*vhpet), GFP_KERNEL_ACCOUNT);
	int i;

	if (!vhpet)
		return ERR_PTR(-ENOMEM);
	vhpet->irq = irq;
	vhpet->clock = clock;
	raw_spin_lock_init(&vhpet->lock);
	for (i = 0; i < HPET_TIMERS; i++) {
		vhpet->timers[i].vhpet = vhpet;
		vtimer_init(&vhpet->timers[i].vtimer, clock, timer_fire);
	}
	vhpet_reset(vhpet);
	return vhpet;
}

void vhpet_destroy(struct vhpet *vhpet)
{
	int i;

	for (i = 0; i < HPET_TIMERS; i++)
		vtimer_destroy(&vhpet->timers[i].vtimer);
	kfree(vhpet);
}

void vhpet_connect(struct vhpet *vhpet, struct bus *bus)
{
	bus_window_register(bus, VHPET_BASE_GPA, VHPET_SIZE, vhpet_mmio, vhpet);
}
