// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * Nothing counts here. A channel knows the tick at which its count was loaded,
 * and everything the guest can see (counting element, OUT, the next interrupt)
 * is computed from that and the present tick. Ticks are those of the VM's
 * clock at 1193182 Hz: integers, so that the guest's reads, OUT and interrupts
 * agree to the tick and a periodic channel does not drift.
 *
 * The gates are tied high, and modes 1 and 5, which need a gate's edge, are
 * refused; so are accesses to one byte only (semantics.md section 19).
 *
 * A count is loaded by the tick after the write of its second byte. In modes 2
 * and 3 a count written on the run waits for the end of the period or half
 * period: channel->next.
 *
 * Lock order: vatpit->lock, then the interrupt fabric and clock->lock.
 * What a mode does is from the data sheet (Intel 231164), "Mode Definitions".
 */
#include <linux/bits.h>
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include "bus.h"
#include "irq.h"
#include "record.h"
#include "vatpit.h"
#include "vtimer.h"

#define PIT_PORT		0x40		/* three channels, then control */
#define PIT_CONTROL		3
#define PIT_PORT_B		0x61
#define PORT_B_OUT2		BIT(5)

#define PIT_HZ			1193182
#define PIT_CHANNELS		3
#define PIT_IRQ			0
#define PIT_IOAPIC_PIN		2
#define PIT_FLOOR_TICKS		(VTIMER_MIN_PERIOD_NS * PIT_HZ / NSEC_PER_SEC + 1)
#define PIT_IDLE_COUNT		((PIT_HZ + 50) / 100)	/* how a channel without a count reads */

/* Control word. */
#define CW_SELECT(cw)		((cw) >> 6)
#define CW_SELECT_READBACK	3
#define CW_ACCESS(cw)		((cw) >> 4 & 3)
#define CW_ACCESS_LATCH		0
#define CW_ACCESS_WORD		3
#define CW_MODE(cw)		((cw) >> 1 & 7)
#define CW_BCD			BIT(0)
#define CW_PROGRAMMED		0x3f		/* access, mode and BCD: what the status shows */
/* Read-back command: both in negative logic; bits 1 to 3 select channels. */
#define READBACK_NO_COUNT	BIT(5)
#define READBACK_NO_STATUS	BIT(4)
#define READBACK_CHANNEL(n)	BIT((n) + 1)
#define STATUS_OUT		BIT(7)
#define STATUS_NULL		BIT(6)

enum pit_mode {
	PIT_TERMINAL_COUNT = 0,
	PIT_RATE = 2,
	PIT_SQUARE = 3,
	PIT_STROBE = 4,
};

struct pit_channel {		/* all under vatpit->lock */
	u8 control;		/* as programmed, CW_PROGRAMMED */
	enum pit_mode mode;
	bool bcd;
	bool loaded;		/* a count was written since the control word */
	bool idle;		/* none was, but it was read: start is when that began */
	u32 count;		/* 1 to 65535 */
	u64 start;		/* tick that loads, or loaded, count */
	bool next_pending;
	bool next_low;		/* next begins with the low half of its square wave */
	u32 next;		/* count that follows */
	u64 next_at;		/* from this tick on */
	bool held;		/* mode 0, between two bytes: it stands at held_value */
	u16 held_value;
	bool write_high;	/* the next byte written is the high one */
	u8 write_low;
	bool read_high;		/* the next byte read is the high one, of read_value */
	bool count_latched;	/* read_value is what a latch command found */
	u16 read_value;
	bool status_latched;
	u8 status;
};

struct vatpit {
	struct irq *irq;	/* constant */
	struct vclock *clock;	/* constant */
	struct vtimer timer;	/* channel 0's next interrupt */
	raw_spinlock_t lock;
	struct pit_channel channels[PIT_CHANNELS];	/* lock */
	bool due_pending;	/* lock: channel 0 has an interrupt to come */
	u64 due;		/* lock: at this tick */
};

static u64 vatpit_now(struct vatpit *vatpit)
{
	return vtimer_ns_to_ticks(vclock_now_ns(vatpit->clock), PIT_HZ);
}

/* --- the counting element --------------------------------------------- */

static bool channel_periodic(const struct pit_channel *channel)
{
	return channel->mode == PIT_RATE || channel->mode == PIT_SQUARE;
}

/* Has the count been loaded? start may lie before tick 0 of the clock: only differences count. */
static bool channel_started(const struct pit_channel *channel, u64 now)
{
	return (s64)(now - channel->start) >= 0;
}

static u64 channel_elapsed(const struct pit_channel *channel, u64 now)
{
	return channel_started(channel, now) ? now - channel->start : 0;
}

/* Ticks for which a square wave of @count is high; it is low for the rest. */
static u32 square_high(u32 count)
{
	return (count + 1) / 2;
}

/* By two, from the count or, if that is odd, one below; then the high half has a tick more, at 0. */
static u32 square_value(u32 count, u32 phase)
{
	if (phase >= square_high(count))
		phase -= square_high(count);
	return (count & ~1U) - 2 * phase;
}

static u32 channel_value(const struct pit_channel *channel, u64 now)
{
	u64 elapsed = channel_elapsed(channel, now);
	u32 wrap = channel->bcd ? 10000 : 0x10000;

	if (!channel->loaded)
		return PIT_IDLE_COUNT - elapsed % PIT_IDLE_COUNT;
	switch (channel->mode) {
	case PIT_RATE:
		return channel->count - elapsed % channel->count;
	case PIT_SQUARE:
		return square_value(channel->count, elapsed % channel->count);
	default:
		return (channel->count + wrap - elapsed % wrap) % wrap;
	}
}

static bool channel_out(const struct pit_channel *channel, u64 now)
{
	u64 elapsed = channel_elapsed(channel, now);

	if (!channel->loaded || channel->held)
		return channel->mode != PIT_TERMINAL_COUNT;
	switch (channel->mode) {
	case PIT_TERMINAL_COUNT:
		return elapsed >= channel->count;
	case PIT_RATE:
		return elapsed % channel->count + 1 != channel->count;
	case PIT_SQUARE:
		return elapsed % channel->count < square_high(channel->count);
	default:
		return elapsed != channel->count;
	}
}

/* A count that waits takes over when its tick has come. */
static void channel_advance(struct pit_channel *channel, u64 now)
{
	if (!channel->next_pending || now < channel->next_at)
		return;
	channel->count = channel->next;
	channel->start = channel->next_at;
	if (channel->next_low)
		channel->start -= square_high(channel->next);
	channel->next_pending = false;
}

/* Tick of the next rising edge of OUT that a count brings about, after @now. False: there is none. */
static bool channel_next_rise(const struct pit_channel *channel, u64 now, u64 *tick)
{
	if (!channel->loaded || channel->held)
		return false;
	*tick = channel->start + channel->count;
	if (channel->mode == PIT_STROBE)
		++*tick;
	if (!channel_periodic(channel))
		return *tick > now;
	if (channel->next_pending)
		*tick = channel->next_at +
			(channel->next_low ? channel->next - square_high(channel->next) : 0);
	else
		*tick += channel_elapsed(channel, now) / channel->count * channel->count;
	return true;
}

/* --- channel 0's interrupt -------------------------------------------- */

static void vatpit_schedule(struct vatpit *vatpit, bool due_pending, u64 due)
{
	vatpit->due_pending = due_pending;
	vatpit->due = due;
	if (due_pending)
		vtimer_arm(&vatpit->timer, vtimer_ticks_to_ns(due, PIT_HZ));
	else
		vtimer_cancel(&vatpit->timer);
}

/* After channel 0 was programmed. */
static void vatpit_reschedule(struct vatpit *vatpit, u64 now)
{
	u64 due = 0;
	bool due_pending = channel_next_rise(&vatpit->channels[0], now, &due);

	vatpit_schedule(vatpit, due_pending, due);
}

/* After an interrupt: a period below the floor is thinned out. */
static void vatpit_schedule_next(struct vatpit *vatpit, u64 now)
{
	const struct pit_channel *channel = &vatpit->channels[0];
	u64 due = 0;
	bool due_pending = channel_periodic(channel) && channel_next_rise(channel, now, &due);

	if (due_pending && !channel->next_pending)
		due = vtimer_next_due(due - channel->count, channel->count, now, PIT_FLOOR_TICKS);
	vatpit_schedule(vatpit, due_pending, due);
}

/* Bring all channels to @now; an interrupt that is due goes out before anything else happens. */
static void vatpit_advance(struct vatpit *vatpit, u64 now)
{
	int i;

	lockdep_assert_held(&vatpit->lock);
	for (i = 0; i < PIT_CHANNELS; i++)
		channel_advance(&vatpit->channels[i], now);
	if (vatpit->due_pending && now >= vatpit->due) {
		vatpit_schedule_next(vatpit, now);
		irq_isa_pulse(vatpit->irq, PIT_IRQ, PIT_IOAPIC_PIN);
	}
}

static void vatpit_fire(struct vtimer *timer)
{
	struct vatpit *vatpit = container_of(timer, struct vatpit, timer);
	unsigned long flags;

	raw_spin_lock_irqsave(&vatpit->lock, flags);
	vatpit_advance(vatpit, vatpit_now(vatpit));
	raw_spin_unlock_irqrestore(&vatpit->lock, flags);
}

/* --- reads ------------------------------------------------------------ */

static u16 count_to_bcd(u32 count)
{
	return count / 1000 % 10 << 12 | count / 100 % 10 << 8 | count / 10 % 10 << 4 | count % 10;
}

static u16 channel_sample(struct pit_channel *channel, u64 now)
{
	u32 value;

	if (channel->held)
		return channel->held_value;
	if (!channel->loaded && !channel->idle) {
		channel->idle = true;
		channel->start = now;
	}
	value = channel_value(channel, now);
	return channel->bcd ? count_to_bcd(value) : value;
}

static void channel_latch_count(struct pit_channel *channel, u64 now)
{
	if (channel->count_latched)
		return;
	channel->read_value = channel_sample(channel, now);
	channel->count_latched = true;
}

static void channel_latch_status(struct pit_channel *channel, u64 now)
{
	bool waiting = channel->loaded ? !channel_started(channel, now) : !channel->idle;

	if (channel->status_latched)
		return;
	channel->status = channel->control;
	if (channel_out(channel, now))
		channel->status |= STATUS_OUT;
	if (waiting || channel->next_pending)
		channel->status |= STATUS_NULL;
	channel->status_latched = true;
}

/* Status first, then two bytes of a latched count, or of the count as the low byte was read. */
static u8 channel_read(struct pit_channel *channel, u64 now)
{
	if (channel->status_latched) {
		channel->status_latched = false;
		return channel->status;
	}
	if (!channel->read_high) {
		if (!channel->count_latched)
			channel->read_value = channel_sample(channel, now);
		channel->read_high = true;
		return channel->read_value;
	}
	channel->read_high = false;
	channel->count_latched = false;
	return channel->read_value >> 8;
}

/* --- writes ----------------------------------------------------------- */

static u32 bcd_to_count(u16 bcd)
{
	return (bcd >> 12) * 1000 + (bcd >> 8 & 15) * 100 + (bcd >> 4 & 15) * 10 + (bcd & 15);
}

/* 0 stands for the largest count: 10000 in BCD, and in binary 65535 (semantics.md section 19). */
static u32 channel_count(const struct pit_channel *channel, u16 word)
{
	if (channel->bcd)
		return bcd_to_count(word) ?: 10000;
	return word ?: 0xffff;
}

/* When a count written to a running periodic channel takes over. */
static void channel_defer(struct pit_channel *channel, u32 count, u64 now)
{
	u64 phase = channel_elapsed(channel, now) % channel->count;
	u32 high = square_high(channel->count);

	channel->next = count;
	channel->next_pending = true;
	channel->next_low = channel->mode == PIT_SQUARE && phase < high;
	channel->next_at = now - phase + (channel->next_low ? high : channel->count);
}

static void channel_load(struct pit_channel *channel, u16 word, u64 now)
{
	u32 count = channel_count(channel, word);

	channel->held = false;
	if (channel_periodic(channel) && channel->loaded && channel_started(channel, now)) {
		channel_defer(channel, count, now);
		return;
	}
	channel->loaded = true;
	channel->count = count;
	channel->start = now + 1;
}

static void channel_write(struct pit_channel *channel, u8 val, u64 now)
{
	if (channel->write_high) {
		channel->write_high = false;
		channel_load(channel, channel->write_low | val << 8, now);
		return;
	}
	channel->write_high = true;
	channel->write_low = val;
	/* Mode 0: the first byte stops counting and sets OUT low. */
	if (channel->mode == PIT_TERMINAL_COUNT && channel->loaded) {
		channel->held_value = channel_sample(channel, now);
		channel->held = true;
	}
}

/* Bit 2 of the mode does not matter in modes 2 and 3. */
static u8 control_mode(u8 cw)
{
	return CW_MODE(cw) & 2 ? CW_MODE(cw) & 3 : CW_MODE(cw);
}

static int channel_control(struct pit_channel *channel, u8 cw, u64 now)
{
	u8 mode = control_mode(cw);

	if (CW_ACCESS(cw) == CW_ACCESS_LATCH) {
		channel_latch_count(channel, now);
		return 0;
	}
	if (CW_ACCESS(cw) != CW_ACCESS_WORD || mode == 1 || mode == 5)
		return -EIO;
	*channel = (struct pit_channel){
		.control = cw & CW_PROGRAMMED,
		.mode = mode,
		.bcd = cw & CW_BCD,
	};
	return 0;
}

static void vatpit_readback(struct vatpit *vatpit, u8 cw, u64 now)
{
	int i;

	for (i = 0; i < PIT_CHANNELS; i++) {
		if (!(cw & READBACK_CHANNEL(i)))
			continue;
		if (!(cw & READBACK_NO_COUNT))
			channel_latch_count(&vatpit->channels[i], now);
		if (!(cw & READBACK_NO_STATUS))
			channel_latch_status(&vatpit->channels[i], now);
	}
}

static int vatpit_control(struct vatpit *vatpit, u8 cw, u64 now)
{
	u8 select = CW_SELECT(cw);
	int err;

	if (select == CW_SELECT_READBACK) {
		vatpit_readback(vatpit, cw, now);
		return 0;
	}
	err = channel_control(&vatpit->channels[select], cw, now);
	if (!err && select == 0 && CW_ACCESS(cw) != CW_ACCESS_LATCH)
		vatpit_reschedule(vatpit, now);
	return err;
}

static int vatpit_access(struct vatpit *vatpit, bool in, unsigned int reg, u32 *val)
{
	u64 now = vatpit_now(vatpit);

	vatpit_advance(vatpit, now);
	if (reg == PIT_CONTROL)
		return in ? -EIO : vatpit_control(vatpit, *val, now);
	if (in) {
		*val = channel_read(&vatpit->channels[reg], now);
		return 0;
	}
	channel_write(&vatpit->channels[reg], *val, now);
	if (reg == 0)
		vatpit_reschedule(vatpit, now);
	return 0;
}

/* --- ports ------------------------------------------------------------ */

static int vatpit_port(void *chip, bool in, u16 port, int bytes, u32 *val)
{
	struct vatpit *vatpit = chip;
	unsigned long flags;
	int err;

	if (bytes != 1)
		return -EIO;
	raw_spin_lock_irqsave(&vatpit->lock, flags);
	err = vatpit_access(vatpit, in, port & 3, val);
	raw_spin_unlock_irqrestore(&vatpit->lock, flags);
	return err;
}

/* Shows OUT of channel 2 in mode 0, and nothing else; writes have no effect. */
static int vatpit_port_b(void *chip, bool in, u16 port, int bytes, u32 *val)
{
	struct vatpit *vatpit = chip;
	const struct pit_channel *channel = &vatpit->channels[2];
	unsigned long flags;

	if (bytes != 1)
		return -EIO;
	if (!in)
		return 0;
	raw_spin_lock_irqsave(&vatpit->lock, flags);
	*val = channel->mode == PIT_TERMINAL_COUNT && channel_out(channel, vatpit_now(vatpit)) ?
	       PORT_B_OUT2 : 0;
	raw_spin_unlock_irqrestore(&vatpit->lock, flags);
	return 0;
}

/* --- snapshot --------------------------------------------------------- */

/* Ticks are told from the present one on: elapsed back from it, others ahead of it. */
enum {
	FIELD_CONTROL = 1, FIELD_LOADED, FIELD_IDLE, FIELD_COUNT, FIELD_ELAPSED, FIELD_NEXT_PENDING,
	FIELD_NEXT_LOW, FIELD_NEXT, FIELD_NEXT_IN, FIELD_HELD, FIELD_HELD_VALUE, FIELD_WRITE_HIGH,
	FIELD_WRITE_LOW, FIELD_READ_HIGH, FIELD_COUNT_LATCHED, FIELD_READ_VALUE,
	FIELD_STATUS_LATCHED, FIELD_STATUS, FIELD_DUE_PENDING, FIELD_DUE_IN,
};

#define PIT_COUNT_MAX		0xffff
#define PIT_AHEAD_MAX		(4 * PIT_COUNT_MAX)	/* more than two periods */

static bool channel_state_valid(const struct pit_channel *channel)
{
	if (channel->control &&
	    (CW_ACCESS(channel->control) != CW_ACCESS_WORD || channel->mode == 1 ||
	     channel->mode == 5))
		return false;
	return (!channel->loaded || channel->count) && (!channel->next_pending || channel->next);
}

/* The longest a channel can have counted, in ticks; one less: its count is about to be loaded. */
#define PIT_ELAPSED_MAX		((VCLOCK_AGE_MAX_NS / NSEC_PER_SEC) * PIT_HZ)

static void channel_fields(struct pit_channel *channel, u16 n, u64 now, struct record *record)
{
	u64 elapsed = now + 1 - channel->start;
	u64 next_in = channel->next_pending ? channel->next_at - now : 0;

	record_number(record, FIELD_CONTROL, n, channel->control, CW_PROGRAMMED);
	record_flag(record, FIELD_LOADED, n, channel->loaded);
	record_flag(record, FIELD_IDLE, n, channel->idle);
	record_number(record, FIELD_COUNT, n, channel->count, PIT_COUNT_MAX);
	record_u64(record, FIELD_ELAPSED, n, &elapsed, PIT_ELAPSED_MAX);
	record_flag(record, FIELD_NEXT_PENDING, n, channel->next_pending);
	record_flag(record, FIELD_NEXT_LOW, n, channel->next_low);
	record_number(record, FIELD_NEXT, n, channel->next, PIT_COUNT_MAX);
	record_u64(record, FIELD_NEXT_IN, n, &next_in, PIT_AHEAD_MAX);
	record_flag(record, FIELD_HELD, n, channel->held);
	record_number(record, FIELD_HELD_VALUE, n, channel->held_value, 0xffff);
	record_flag(record, FIELD_WRITE_HIGH, n, channel->write_high);
	record_number(record, FIELD_WRITE_LOW, n, channel->write_low, 0xff);
	record_flag(record, FIELD_READ_HIGH, n, channel->read_high);
	record_flag(record, FIELD_COUNT_LATCHED, n, channel->count_latched);
	record_number(record, FIELD_READ_VALUE, n, channel->read_value, 0xffff);
	record_flag(record, FIELD_STATUS_LATCHED, n, channel->status_latched);
	record_number(record, FIELD_STATUS, n, channel->status, 0xff);
	if (!record_is_loading(record))
		return;
	channel->mode = control_mode(channel->control);
	channel->bcd = channel->control & CW_BCD;
	channel->start = now + 1 - elapsed;
	channel->next_at = now + next_in;
	record_check(record, FIELD_CONTROL, n, channel_state_valid(channel),
		     "not what the chip can hold");
	record_check(record, FIELD_NEXT_IN, n, channel->next_pending == (next_in > 0),
		     "does not fit NEXT_PENDING");
}

void vatpit_snapshot(struct vatpit *vatpit, struct record *record)
{
	struct pit_channel channels[PIT_CHANNELS];
	u64 now, due_in;
	unsigned long flags;
	bool due_pending;
	int i;

	raw_spin_lock_irqsave(&vatpit->lock, flags);
	now = vatpit_now(vatpit);
	due_pending = vatpit->due_pending;
	due_in = due_pending && vatpit->due > now ? vatpit->due - now : 0;
	for (i = 0; i < PIT_CHANNELS; i++) {
		channels[i] = vatpit->channels[i];
		channel_advance(&channels[i], now);
		channel_fields(&channels[i], i, now, record);
	}
	record_flag(record, FIELD_DUE_PENDING, 0, due_pending);
	record_u64(record, FIELD_DUE_IN, 0, &due_in, PIT_AHEAD_MAX);
	record_check(record, FIELD_DUE_IN, 0, due_pending || !due_in, "does not fit DUE_PENDING");
	if (record_loaded(record)) {
		memcpy(vatpit->channels, channels, sizeof(channels));
		vatpit_schedule(vatpit, due_pending, now + due_in);
	}
	raw_spin_unlock_irqrestore(&vatpit->lock, flags);
}

/* --- life ------------------------------------------------------------- */

void vatpit_reset(struct vatpit *vatpit)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&vatpit->lock, flags);
	memset(vatpit->channels, 0, sizeof(vatpit->channels));
	vatpit_schedule(vatpit, false, 0);
	raw_spin_unlock_irqrestore(&vatpit->lock, flags);
}

struct vatpit *vatpit_create(struct irq *irq, struct vclock *clock)
{
	struct vatpit *vatpit = kzalloc(sizeof(*vatpit), GFP_KERNEL_ACCOUNT);

	if (!vatpit)
		return ERR_PTR(-ENOMEM);
	vatpit->irq = irq;
	vatpit->clock = clock;
	raw_spin_lock_init(&vatpit->lock);
	vtimer_init(&vatpit->timer, clock, vatpit_fire);
	vatpit_reset(vatpit);
	return vatpit;
}

void vatpit_destroy(struct vatpit *vatpit)
{
	vtimer_destroy(&vatpit->timer);
	kfree(vatpit);
}

void vatpit_connect(struct vatpit *vatpit, struct bus *bus)
{
	bus_port_register(bus, PIT_PORT, PIT_CHANNELS + 1, vatpit_port, vatpit);
	bus_port_register(bus, PIT_PORT_B, 1, vatpit_port_b, vatpit);
}
