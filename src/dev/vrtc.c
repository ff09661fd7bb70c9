// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * The divider chain is computed from the VM's clock, in ticks of its 32768 Hz
 * crystal: a tick count whose multiples of 32768 are the updates, and whose
 * smaller powers of two are the periodic interrupts. The time of day is a
 * number of seconds at one update; the ten date registers are made from it when
 * somebody looks, and it is made from them when the guest writes one.
 *
 * Time stands while the guest holds the divider or the updates (SET), or after
 * it wrote a date that does not exist: then the registers are plain bytes.
 *
 * Flags of register C are collected when somebody looks, for the span since the
 * last look: so they are set whether or not they may interrupt, without a host
 * timer. The timer runs only for the next event that would raise IRQF. Once
 * IRQF is up nothing is left to tell until the guest reads register C, so a
 * guest that does not cannot make the host tick.
 *
 * Daylight saving is a bit that is stored and no more.
 *
 * Lock order: vrtc->lock, then the interrupt fabric and clock->lock.
 * What registers and bits do is from the MC146818A data sheet.
 */
#include <linux/bits.h>
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/minmax.h>
#include <linux/nospec.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include "bus.h"
#include "irq.h"
#include "record.h"
#include "vrtc.h"
#include "vtimer.h"

bool vrtc_flag_broken_time = true;

#define RTC_PORT_INDEX		0x70
#define RTC_PORT_DATA		0x71
#define RTC_IRQ			8
#define RTC_IOAPIC_PIN		8
#define RTC_BYTES		128
#define RTC_INDEX		0x7f		/* bit 7 of the index port is the NMI mask, elsewhere */

#define RTC_SECOND		0
#define RTC_SECOND_ALARM	1
#define RTC_MINUTE		2
#define RTC_MINUTE_ALARM	3
#define RTC_HOUR		4
#define RTC_HOUR_ALARM		5
#define RTC_DAY_OF_WEEK		6		/* 1 is Sunday */
#define RTC_DAY			7
#define RTC_MONTH		8
#define RTC_YEAR		9
#define RTC_A			10
#define RTC_B			11
#define RTC_C			12
#define RTC_D			13
#define RTC_NVRAM		14		/* from here on, except for: */
#define RTC_CENTURY		0x32

#define A_UIP			BIT(7)
#define A_DIVIDER		0x70
#define A_DIVIDER_32K		0x20		/* any other: held, or for another crystal */
#define A_RATE			0x0f

#define B_SET			BIT(7)
#define B_PIE			BIT(6)		/* the three enables are where C has their flags */
#define B_AIE			BIT(5)
#define B_UIE			BIT(4)
#define B_SQWE			BIT(3)
#define B_BINARY		BIT(2)
#define B_24H			BIT(1)
#define B_ENABLES		(B_PIE | B_AIE | B_UIE)

#define C_IRQF			BIT(7)
#define C_PF			BIT(6)
#define C_AF			BIT(5)
#define C_UF			BIT(4)

#define D_VALID			BIT(7)		/* power good */

#define HOUR_PM			BIT(7)		/* in 12-hour mode */
#define ALARM_ANY		0xc0		/* both bits set in an alarm register: any value */

#define RTC_HZ			32768
#define RTC_UPDATE_TICKS	73		/* UIP: 244 + 1984 us before the registers change */
#define RTC_RELEASE_TICKS	(RTC_HZ / 2)	/* first update after the divider is let go: in half a second */

#define SECS_PER_DAY		86400
#define RTC_SECS_MAX		253402300799LL	/* 9999-12-31 23:59:59 */

struct vrtc {
	struct irq *irq;	/* constant */
	struct vclock *clock;	/* constant */
	struct vtimer timer;	/* the next event that raises IRQF */
	raw_spinlock_t lock;	/* everything below */
	u8 index;
	u8 regs[RTC_BYTES];	/* those of the date are current only while it stands; see vrtc_refresh() */
	bool broken;		/* the date in regs does not exist */
	u64 base_ns;		/* the chain: it was at base_ticks at this time */
	u32 base_ticks;		/* 0 to RTC_HZ - 1 */
	s64 base_secs;		/* if it counts: time of day from tick 0 to the first update */
	int weekday_shift;	/* guest's day of week minus the calendar's, 0-6 */
	u64 seen_ticks;		/* events up to here are in register C */
	s64 seen_secs;		/* time of day there */
};

static bool vrtc_divider_runs(const struct vrtc *vrtc)
{
	return (vrtc->regs[RTC_A] & A_DIVIDER) == A_DIVIDER_32K;
}

static bool vrtc_updates_halted(const struct vrtc *vrtc)
{
	return vrtc->regs[RTC_B] & B_SET;
}

/* Does the time of day go on? If not, the date registers hold it. */
static bool vrtc_counts(const struct vrtc *vrtc)
{
	return vrtc_divider_runs(vrtc) && !vrtc_updates_halted(vrtc) && !vrtc->broken;
}

static u64 vrtc_ticks(const struct vrtc *vrtc)
{
	if (!vrtc_divider_runs(vrtc))
		return vrtc->base_ticks;
	return vrtc->base_ticks +
	       vtimer_ns_to_ticks(vclock_now_ns(vrtc->clock) - vrtc->base_ns, RTC_HZ);
}

/* --- calendar --------------------------------------------------------- */

/*
 * Gregorian, from year 0 on, as days since 1970-01-01. The sums are made in years that begin in
 * March, so that the leap day is the last, and count from March of the year -400.
 */
#define DAYS_IN_400_YEARS	146097
#define DAYS_TO_1970		(719468 + DAYS_IN_400_YEARS)

static s64 days_from_date(int year, int month, int day)
{
	int march_year = year + 400 - (month < 3);
	int march_month = (month + 9) % 12;

	return march_year * 365LL + march_year / 4 - march_year / 100 + march_year / 400 +
	       (march_month * 153 + 2) / 5 + day - 1 - DAYS_TO_1970;
}

static void date_from_days(s64 days, int *year, int *month, int *day)
{
	u32 d = days + DAYS_TO_1970;
	u32 of_era = d % DAYS_IN_400_YEARS;
	u32 year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	u32 of_year = of_era - (year_of_era * 365 + year_of_era / 4 - year_of_era / 100);
	u32 march_month = (of_year * 5 + 2) / 153;

	*day = of_year - (march_month * 153 + 2) / 5 + 1;
	*month = (march_month + 2) % 12 + 1;
	*year = d / DAYS_IN_400_YEARS * 400 + year_of_era + (*month < 3) - 400;
}

static int days_in_month(int year, int month)
{
	if (month == 2)
		return 28 + (year % 4 == 0 && (year % 100 != 0 || year % 400 == 0));
	return 30 + ((month + month / 8) & 1);
}

/* Division that rounds down: the guest may set a date before 1970. */
static s64 secs_to_days(s64 secs, u32 *time_of_day)
{
	u64 from_year_0 = secs + (s64)DAYS_TO_1970 * SECS_PER_DAY;

	*time_of_day = from_year_0 % SECS_PER_DAY;
	return (s64)(from_year_0 / SECS_PER_DAY) - DAYS_TO_1970;
}

/* --- registers of date and time --------------------------------------- */

static u8 field_encode(const struct vrtc *vrtc, u32 val)
{
	if (vrtc->regs[RTC_B] & B_BINARY)
		return val;
	return val / 10 << 4 | val % 10;
}

/* -1: not from @low to @high, or not a BCD number. */
static int field_decode(const struct vrtc *vrtc, u8 raw, int low, int high)
{
	int val = raw;

	if (!(vrtc->regs[RTC_B] & B_BINARY)) {
		if ((raw & 15) > 9 || raw >> 4 > 9)
			return -1;
		val = (raw >> 4) * 10 + (raw & 15);
	}
	return val < low || val > high ? -1 : val;
}

static u8 hour_encode(const struct vrtc *vrtc, u32 hour)
{
	if (vrtc->regs[RTC_B] & B_24H)
		return field_encode(vrtc, hour);
	return field_encode(vrtc, hour % 12 ?: 12) | (hour >= 12 ? HOUR_PM : 0);
}

static int hour_decode(const struct vrtc *vrtc, u8 raw)
{
	int hour;

	if (vrtc->regs[RTC_B] & B_24H)
		return field_decode(vrtc, raw, 0, 23);
	hour = field_decode(vrtc, raw & ~HOUR_PM, 1, 12);
	if (hour < 0)
		return -1;
	return hour % 12 + (raw & HOUR_PM ? 12 : 0);
}

/* 0 is Sunday; 1970-01-01 was a Thursday. */
static int weekday_from_days(s64 days)
{
	return (u64)(days + DAYS_TO_1970 + 3) % 7;
}

static void vrtc_encode(struct vrtc *vrtc, s64 secs)
{
	int year, month, day;
	u8 *regs = vrtc->regs;
	u32 time;
	s64 days = secs_to_days(secs, &time);

	date_from_days(days, &year, &month, &day);
	regs[RTC_SECOND] = field_encode(vrtc, time % 60);
	regs[RTC_MINUTE] = field_encode(vrtc, time / 60 % 60);
	regs[RTC_HOUR] = hour_encode(vrtc, time / 3600);
	regs[RTC_DAY_OF_WEEK] = (weekday_from_days(days) + vrtc->weekday_shift) % 7 + 1;
	regs[RTC_DAY] = field_encode(vrtc, day);
	regs[RTC_MONTH] = field_encode(vrtc, month);
	regs[RTC_YEAR] = field_encode(vrtc, year % 100);
	regs[RTC_CENTURY] = field_encode(vrtc, year / 100 % 100);
}

static bool vrtc_decode(const struct vrtc *vrtc, s64 *secs)
{
	const u8 *regs = vrtc->regs;
	int second = field_decode(vrtc, regs[RTC_SECOND], 0, 59);
	int minute = field_decode(vrtc, regs[RTC_MINUTE], 0, 59);
	int hour = hour_decode(vrtc, regs[RTC_HOUR]);
	int day = field_decode(vrtc, regs[RTC_DAY], 1, 31);
	int month = field_decode(vrtc, regs[RTC_MONTH], 1, 12);
	int year = field_decode(vrtc, regs[RTC_YEAR], 0, 99);
	int century = field_decode(vrtc, regs[RTC_CENTURY], 0, 99);

	if (second < 0 || minute < 0 || hour < 0 || day < 0 || month < 0 || year < 0 || century < 0)
		return false;
	year += century * 100;
	if (day > days_in_month(year, month))
		return false;
	*secs = days_from_date(year, month, day) * SECS_PER_DAY +
		hour * 3600 + minute * 60 + second;
	return true;
}

/* The day of the week is a counter of its own: the guest may have any day follow any date. */
static int vrtc_weekday_shift(const struct vrtc *vrtc, s64 secs)
{
	u8 weekday = vrtc->regs[RTC_DAY_OF_WEEK];
	u32 time;

	if (weekday < 1 || weekday > 7)
		return 0;
	return (weekday - 1 + 7 - weekday_from_days(secs_to_days(secs, &time))) % 7;
}

/* --- the time of day -------------------------------------------------- */

static s64 vrtc_secs(const struct vrtc *vrtc)
{
	return vrtc->base_secs + (s64)(vrtc_ticks(vrtc) / RTC_HZ);
}

static bool reg_is_date(u8 reg)
{
	switch (reg) {
	case RTC_SECOND:
	case RTC_MINUTE:
	case RTC_HOUR:
	case RTC_DAY_OF_WEEK:
	case RTC_DAY:
	case RTC_MONTH:
	case RTC_YEAR:
	case RTC_CENTURY:
		return true;
	default:
		return false;
	}
}

/* Make the date registers show the present. */
static void vrtc_refresh(struct vrtc *vrtc)
{
	if (vrtc_counts(vrtc))
		vrtc_encode(vrtc, vrtc_secs(vrtc));
}

/* @secs is the time at the present tick; no event lies between. */
static void vrtc_set_secs(struct vrtc *vrtc, s64 secs)
{
	vrtc->broken = false;
	vrtc->seen_ticks = vrtc_ticks(vrtc);
	vrtc->seen_secs = secs;
	vrtc->base_secs = secs - (s64)(vrtc->seen_ticks / RTC_HZ);
}

/* What the date registers say is the time now. False: they say nothing. */
static bool vrtc_take_date(struct vrtc *vrtc)
{
	s64 secs;

	if (!vrtc_decode(vrtc, &secs)) {
		vrtc->broken = true;
		return false;
	}
	vrtc->weekday_shift = vrtc_weekday_shift(vrtc, secs);
	vrtc_set_secs(vrtc, secs);
	return true;
}

/* --- events ----------------------------------------------------------- */

/* In ticks: rates 1 and 2 repeat 8 and 9, 3 to 15 are 8192 Hz down to 2 Hz; 0: none. */
static u32 vrtc_period(const struct vrtc *vrtc)
{
	u32 rate = vrtc->regs[RTC_A] & A_RATE;

	if (!rate)
		return 0;
	return 1 << (rate < 3 ? rate + 6 : rate - 1);
}

/* @alarm: decoded register, -1 if it is not a value of the clock. */
static bool alarm_matches(u8 raw, int alarm, u32 val)
{
	return (raw & ALARM_ANY) == ALARM_ANY || alarm == (int)val;
}

/* Seconds from @time_of_day to the next alarm, 1 to a day; 0: it never comes. */
static u32 vrtc_alarm_delay(const struct vrtc *vrtc, u32 time_of_day)
{
	const u8 *regs = vrtc->regs;
	int second = field_decode(vrtc, regs[RTC_SECOND_ALARM], 0, 59);
	int minute = field_decode(vrtc, regs[RTC_MINUTE_ALARM], 0, 59);
	int hour = hour_decode(vrtc, regs[RTC_HOUR_ALARM]);
	u32 delay, time;

	for (delay = 1; delay <= SECS_PER_DAY;) {
		time = (time_of_day + delay) % SECS_PER_DAY;
		if (!alarm_matches(regs[RTC_HOUR_ALARM], hour, time / 3600))
			delay += 3600 - time % 3600;
		else if (!alarm_matches(regs[RTC_MINUTE_ALARM], minute, time / 60 % 60))
			delay += 60 - time % 60;
		else if (!alarm_matches(regs[RTC_SECOND_ALARM], second, time % 60))
			delay++;
		else
			return delay;
	}
	return 0;
}

/* Time of the first alarm after @secs. False: it never comes. */
static bool vrtc_next_alarm(const struct vrtc *vrtc, s64 secs, s64 *alarm_secs)
{
	u32 time, delay;

	secs_to_days(secs, &time);
	delay = vrtc_alarm_delay(vrtc, time);
	*alarm_secs = secs + delay;
	return delay;
}

/* Enter into register C what has happened since the last look. Comes first in every operation. */
static void vrtc_collect(struct vrtc *vrtc)
{
	u64 ticks = vrtc_ticks(vrtc);
	u32 period = vrtc_period(vrtc);
	s64 secs, alarm_secs;

	lockdep_assert_held(&vrtc->lock);
	if (!vrtc_divider_runs(vrtc))
		return;
	if (period && ticks / period != vrtc->seen_ticks / period)
		vrtc->regs[RTC_C] |= C_PF;
	vrtc->seen_ticks = ticks;
	if (!vrtc_counts(vrtc))
		return;
	secs = vrtc->base_secs + (s64)(ticks / RTC_HZ);
	if (secs == vrtc->seen_secs)
		return;
	vrtc->regs[RTC_C] |= C_UF;
	if (vrtc_next_alarm(vrtc, vrtc->seen_secs, &alarm_secs) && alarm_secs <= secs)
		vrtc->regs[RTC_C] |= C_AF;
	vrtc->seen_secs = secs;
}

/* The tick of the next event that may interrupt; U64_MAX: none. */
static u64 vrtc_next_event(const struct vrtc *vrtc)
{
	u32 period = vrtc_period(vrtc);
	u8 b = vrtc->regs[RTC_B];
	u64 next = U64_MAX;
	s64 alarm_secs;

	if (!vrtc_divider_runs(vrtc))
		return U64_MAX;
	if ((b & B_PIE) && period)
		next = (vrtc->seen_ticks / period + 1) * period;
	if (!vrtc_counts(vrtc))
		return next;
	if (b & B_UIE)
		next = min(next, (vrtc->seen_ticks / RTC_HZ + 1) * RTC_HZ);
	if ((b & B_AIE) && vrtc_next_alarm(vrtc, vrtc->seen_secs, &alarm_secs))
		next = min(next, (u64)(alarm_secs - vrtc->base_secs) * RTC_HZ);
	return next;
}

/* IRQF follows flags and enables; its rise is the interrupt. Comes last in every operation. */
static void vrtc_settle(struct vrtc *vrtc)
{
	u8 *c = &vrtc->regs[RTC_C];
	u64 next = U64_MAX;

	lockdep_assert_held(&vrtc->lock);
	if (!(*c & vrtc->regs[RTC_B] & B_ENABLES)) {
		*c &= ~C_IRQF;
		next = vrtc_next_event(vrtc);
	} else if (!(*c & C_IRQF)) {
		*c |= C_IRQF;
		irq_isa_pulse(vrtc->irq, RTC_IRQ, RTC_IOAPIC_PIN);
	}
	if (next == U64_MAX)
		vtimer_cancel(&vrtc->timer);
	else
		vtimer_arm(&vrtc->timer,
			   vrtc->base_ns + vtimer_ticks_to_ns(next - vrtc->base_ticks, RTC_HZ));
}

static void vrtc_fire(struct vtimer *timer)
{
	struct vrtc *vrtc = container_of(timer, struct vrtc, timer);
	unsigned long flags;

	raw_spin_lock_irqsave(&vrtc->lock, flags);
	vrtc_collect(vrtc);
	vrtc_settle(vrtc);
	raw_spin_unlock_irqrestore(&vrtc->lock, flags);
}

/* --- register access -------------------------------------------------- */

/* Where the guest puts a date into force that does not exist. */
static int vrtc_date_verdict(bool good)
{
	return good || !vrtc_flag_broken_time ? 0 : -EIO;
}

static int vrtc_write_a(struct vrtc *vrtc, u8 val)
{
	bool ran = vrtc_divider_runs(vrtc);

	vrtc_refresh(vrtc);
	vrtc->regs[RTC_A] = val & ~A_UIP;
	if (ran || !vrtc_divider_runs(vrtc))
		return 0;
	vrtc->base_ns = vclock_now_ns(vrtc->clock);
	vrtc->base_ticks = RTC_RELEASE_TICKS;
	vrtc->seen_ticks = RTC_RELEASE_TICKS;
	return vrtc_updates_halted(vrtc) ? 0 : vrtc_date_verdict(vrtc_take_date(vrtc));
}

/*
 * A new format applies to what the chip puts into the registers from now on. With SET that is the
 * time at which it stands; what the guest wrote while it stood is not converted.
 */
static int vrtc_write_b(struct vrtc *vrtc, u8 val)
{
	bool counted = vrtc_counts(vrtc), halted = vrtc_updates_halted(vrtc);

	if (!halted && (val & B_SET))
		val &= ~B_UIE;		/* by the rise of SET */
	vrtc->regs[RTC_B] = val;
	if (counted)
		vrtc_encode(vrtc, vrtc_secs(vrtc));
	if (!halted || vrtc_updates_halted(vrtc) || !vrtc_divider_runs(vrtc))
		return 0;
	return vrtc_date_verdict(vrtc_take_date(vrtc));
}

/*
 * Without SET, each byte takes effect by itself, and from one date to another there may be some
 * that do not exist: only the century, which comes last, is held to it.
 */
static int vrtc_write_date(struct vrtc *vrtc, u8 reg, u8 val)
{
	bool good;

	vrtc_refresh(vrtc);
	vrtc->regs[reg] = val;
	if (vrtc_updates_halted(vrtc) || !vrtc_divider_runs(vrtc))
		return 0;
	good = vrtc_take_date(vrtc);
	return reg == RTC_CENTURY ? vrtc_date_verdict(good) : 0;
}

static int vrtc_write_reg(struct vrtc *vrtc, u8 reg, u8 val)
{
	switch (reg) {
	case RTC_A:
		return vrtc_write_a(vrtc, val);
	case RTC_B:
		return vrtc_write_b(vrtc, val);
	case RTC_C:
	case RTC_D:
		return 0;
	default:
		if (reg_is_date(reg))
			return vrtc_write_date(vrtc, reg, val);
		vrtc->regs[reg] = val;
		return 0;
	}
}

static u8 vrtc_read_reg(struct vrtc *vrtc, u8 reg)
{
	bool updating = vrtc_counts(vrtc) &&
			vrtc->seen_ticks % RTC_HZ >= RTC_HZ - RTC_UPDATE_TICKS;

	vrtc_refresh(vrtc);
	if (reg == RTC_A && updating)
		return vrtc->regs[reg] | A_UIP;
	return vrtc->regs[reg];
}

static int vrtc_access_data(struct vrtc *vrtc, bool in, u32 *val)
{
	int err = 0;

	vrtc_collect(vrtc);
	if (!in) {
		err = vrtc_write_reg(vrtc, vrtc->index, *val);
	} else {
		/* An event that this very read clears has raised IRQF all the same. */
		vrtc_settle(vrtc);
		*val = vrtc_read_reg(vrtc, vrtc->index);
		if (vrtc->index == RTC_C)
			vrtc->regs[RTC_C] = 0;
	}
	vrtc_settle(vrtc);
	return err;
}

static int vrtc_port(void *chip, bool in, u16 port, int bytes, u32 *val)
{
	struct vrtc *vrtc = chip;
	unsigned long flags;
	int err = 0;

	if (bytes != 1)
		return -EIO;
	raw_spin_lock_irqsave(&vrtc->lock, flags);
	if (port == RTC_PORT_DATA)
		err = vrtc_access_data(vrtc, in, val);
	else if (in)
		*val = 0xff;
	else
		vrtc->index = *val & RTC_INDEX;
	raw_spin_unlock_irqrestore(&vrtc->lock, flags);
	return err;
}

/* --- for user space --------------------------------------------------- */

int vrtc_nvram_read(struct vrtc *vrtc, int offset, u8 *val)
{
	unsigned long flags;

	if (offset < 0 || offset >= RTC_BYTES)
		return -EINVAL;
	raw_spin_lock_irqsave(&vrtc->lock, flags);
	vrtc_collect(vrtc);
	vrtc_settle(vrtc);
	*val = vrtc_read_reg(vrtc, array_index_nospec(offset, RTC_BYTES));
	raw_spin_unlock_irqrestore(&vrtc->lock, flags);
	return 0;
}

int vrtc_nvram_write(struct vrtc *vrtc, int offset, u8 val)
{
	unsigned long flags;

	if (offset < RTC_NVRAM || offset == RTC_CENTURY || offset >= RTC_BYTES)
		return -EINVAL;
	raw_spin_lock_irqsave(&vrtc->lock, flags);
	vrtc->regs[array_index_nospec(offset, RTC_BYTES)] = val;
	raw_spin_unlock_irqrestore(&vrtc->lock, flags);
	return 0;
}

static s64 vrtc_get_time_locked(const struct vrtc *vrtc)
{
	s64 secs;

	lockdep_assert_held(&vrtc->lock);
	if (vrtc_counts(vrtc))
		return vrtc_secs(vrtc);
	return !vrtc->broken && vrtc_decode(vrtc, &secs) ? secs : -1;
}

s64 vrtc_get_time(struct vrtc *vrtc)
{
	unsigned long flags;
	s64 secs;

	raw_spin_lock_irqsave(&vrtc->lock, flags);
	secs = vrtc_get_time_locked(vrtc);
	raw_spin_unlock_irqrestore(&vrtc->lock, flags);
	return secs;
}

/* That second begins now, or when the guest lets the divider go. */
static void vrtc_restart_at(struct vrtc *vrtc, s64 secs)
{
	vrtc->weekday_shift = 0;
	vrtc->base_ns = vclock_now_ns(vrtc->clock);
	vrtc->base_ticks = 0;
	vrtc_set_secs(vrtc, secs);
	vrtc_encode(vrtc, secs);
}

int vrtc_set_time(struct vrtc *vrtc, s64 secs)
{
	unsigned long flags;
	int err = 0;

	if (secs < -1 || secs > RTC_SECS_MAX)
		return -EINVAL;
	raw_spin_lock_irqsave(&vrtc->lock, flags);
	vrtc_collect(vrtc);
	if (secs == -1) {
		vrtc_refresh(vrtc);
		vrtc->broken = true;
	} else if (!vrtc_updates_halted(vrtc)) {
		vrtc_restart_at(vrtc, secs);
	} else if (secs != vrtc_get_time_locked(vrtc)) {
		err = -EBUSY;
	}
	vrtc_settle(vrtc);
	raw_spin_unlock_irqrestore(&vrtc->lock, flags);
	return err;
}

/* --- snapshot --------------------------------------------------------- */

enum {
	FIELD_INDEX = 1, FIELD_REGS, FIELD_BROKEN, FIELD_AGE_NS, FIELD_BASE_TICKS, FIELD_BASE_SECS,
	FIELD_WEEKDAY_SHIFT, FIELD_SEEN_TICKS, FIELD_SEEN_SECS,
};

/* The chip's state, apart from what is constant and the host's. */
struct vrtc_state {
	u8 index;
	u8 regs[RTC_BYTES];
	bool broken;
	u64 age_ns;		/* since base_ns */
	u32 base_ticks;
	s64 base_secs;
	int weekday_shift;
	u64 seen_ticks;
	s64 seen_secs;
};

#define RTC_TICKS_MAX	((VCLOCK_AGE_MAX_NS / NSEC_PER_SEC + 1) * RTC_HZ)
#define RTC_SECS_BIAS	(1LL << 40)	/* dates lie from the year 0 on: numbers from before 1970 are negative */

static void vrtc_save(const struct vrtc *vrtc, u64 now_ns, struct vrtc_state *state)
{
	state->index = vrtc->index;
	memcpy(state->regs, vrtc->regs, sizeof(state->regs));
	state->broken = vrtc->broken;
	state->age_ns = now_ns - vrtc->base_ns;
	state->base_ticks = vrtc->base_ticks;
	state->base_secs = vrtc->base_secs;
	state->weekday_shift = vrtc->weekday_shift;
	state->seen_ticks = vrtc->seen_ticks;
	state->seen_secs = vrtc->seen_secs;
}

static void vrtc_restore(struct vrtc *vrtc, u64 now_ns, const struct vrtc_state *state)
{
	vrtc->index = state->index;
	memcpy(vrtc->regs, state->regs, sizeof(state->regs));
	vrtc->broken = state->broken;
	vrtc->base_ns = now_ns - state->age_ns;
	vrtc->base_ticks = state->base_ticks;
	vrtc->base_secs = state->base_secs;
	vrtc->weekday_shift = state->weekday_shift;
	vrtc->seen_ticks = state->seen_ticks;
	vrtc->seen_secs = state->seen_secs;
}

/*
 * What is seen lies between base and present, and time of day and ticks go together: the next event
 * is computed from them.
 */
static bool vrtc_state_valid(const struct vrtc_state *state)
{
	u64 now = state->base_ticks + vtimer_ns_to_ticks(state->age_ns, RTC_HZ);
	bool runs = (state->regs[RTC_A] & A_DIVIDER) == A_DIVIDER_32K;
	bool counts = runs && !(state->regs[RTC_B] & B_SET) && !state->broken;

	if ((state->regs[RTC_A] & A_UIP) || (runs && state->seen_ticks < state->base_ticks) ||
	    (runs && state->seen_ticks > now))
		return false;
	return !counts ||
	       state->seen_secs == state->base_secs + (s64)(state->seen_ticks / RTC_HZ);
}

static void vrtc_fields(struct vrtc_state *state, struct record *record)
{
	u64 base_secs = state->base_secs + RTC_SECS_BIAS;
	u64 seen_secs = state->seen_secs + RTC_SECS_BIAS;

	record_number(record, FIELD_INDEX, 0, state->index, RTC_INDEX);
	record_bytes(record, FIELD_REGS, 0, state->regs, sizeof(state->regs));
	record_flag(record, FIELD_BROKEN, 0, state->broken);
	record_u64(record, FIELD_AGE_NS, 0, &state->age_ns, VCLOCK_AGE_MAX_NS);
	record_number(record, FIELD_BASE_TICKS, 0, state->base_ticks, RTC_HZ - 1);
	record_u64(record, FIELD_BASE_SECS, 0, &base_secs, 2 * RTC_SECS_BIAS);
	record_number(record, FIELD_WEEKDAY_SHIFT, 0, state->weekday_shift, 6);
	record_u64(record, FIELD_SEEN_TICKS, 0, &state->seen_ticks, RTC_TICKS_MAX);
	record_u64(record, FIELD_SEEN_SECS, 0, &seen_secs, 2 * RTC_SECS_BIAS);
	state->base_secs = base_secs - RTC_SECS_BIAS;
	state->seen_secs = seen_secs - RTC_SECS_BIAS;
	record_check(record, FIELD_SEEN_TICKS, 0, vrtc_state_valid(state), "not what the chip can hold");
}

/* As vrtc_settle(), but an event whose time has come already waits for the clock to go on. */
static void vrtc_rearm(struct vrtc *vrtc, u64 now_ns)
{
	bool told = vrtc->regs[RTC_C] & vrtc->regs[RTC_B] & B_ENABLES;
	u64 next = told ? U64_MAX : vrtc_next_event(vrtc);
	u64 expires_ns;

	if (next == U64_MAX) {
		vtimer_cancel(&vrtc->timer);
		return;
	}
	expires_ns = vrtc->base_ns + vtimer_ticks_to_ns(next - vrtc->base_ticks, RTC_HZ);
	vtimer_arm(&vrtc->timer, (s64)(expires_ns - now_ns) > 0 ? expires_ns : now_ns);
}

void vrtc_snapshot(struct vrtc *vrtc, struct record *record)
{
	u64 now_ns = vclock_now_ns(vrtc->clock);
	struct vrtc_state state;
	unsigned long flags;

	raw_spin_lock_irqsave(&vrtc->lock, flags);
	vrtc_save(vrtc, now_ns, &state);
	vrtc_fields(&state, record);
	if (record_loaded(record)) {
		vrtc_restore(vrtc, now_ns, &state);
		vrtc_rearm(vrtc, now_ns);
	}
	raw_spin_unlock_irqrestore(&vrtc->lock, flags);
}

/* --- life ------------------------------------------------------------- */

void vrtc_reset(struct vrtc *vrtc)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&vrtc->lock, flags);
	vrtc_collect(vrtc);
	vrtc->index = 0;
	vrtc->regs[RTC_B] &= ~(B_ENABLES | B_SQWE);
	vrtc->regs[RTC_C] = 0;
	vrtc_settle(vrtc);
	raw_spin_unlock_irqrestore(&vrtc->lock, flags);
}

struct vrtc *vrtc_create(struct irq *irq, struct vclock *clock)
{
	struct vrtc *vrtc = kzalloc(sizeof(*vrtc), GFP_KERNEL_ACCOUNT);

	if (!vrtc)
		return ERR_PTR(-ENOMEM);
	vrtc->irq = irq;
	vrtc->clock = clock;
	raw_spin_lock_init(&vrtc->lock);
	vtimer_init(&vrtc->timer, clock, vrtc_fire);
	vrtc->regs[RTC_A] = A_DIVIDER_32K;
	vrtc->regs[RTC_B] = B_24H;
	vrtc->regs[RTC_D] = D_VALID;
	vrtc_restart_at(vrtc, 0);
	return vrtc;
}

void vrtc_destroy(struct vrtc *vrtc)
{
	vtimer_destroy(&vrtc->timer);
	kfree(vrtc);
}

void vrtc_connect(struct vrtc *vrtc, struct bus *bus)
{
	bus_port_register(bus, RTC_PORT_INDEX, 2, vrtc_port, vrtc);
}
