/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * vtimer: the one clock and the one timer that every chip uses.
 *
 * A VM has one vclock. It counts nanoseconds of guest time: it runs with the
 * host's monotonic clock while the VM runs and stands still while the VM is
 * paused, so that a frozen guest finds its timers where it left them. Every
 * vtimer belongs to a vclock and is armed in that clock's time.
 *
 * Lock order: a chip's lock, then clock->lock. A callback runs without
 * clock->lock and takes its chip's lock, so arming and cancelling are allowed
 * everywhere; only vtimer_destroy(), which waits for the callback, is not.
 * Both locks are raw and taken with IRQs off: callbacks come in hard IRQ
 * context, on PREEMPT_RT too.
 */
#ifndef VMM_DEV_VTIMER_H
#define VMM_DEV_VTIMER_H

#include <linux/hrtimer.h>
#include <linux/list.h>
#include <linux/math64.h>
#include <linux/seqlock.h>
#include <linux/spinlock.h>
#include <linux/types.h>

struct vtimer;

/*
 * Where a vclock takes its time from. Tests install a hand-cranked one. The last three are
 * called for timers of this clock only; arm and disarm with clock->lock held. When the time
 * armed for has come, the source calls vtimer_expire() in hard IRQ context or, in a test,
 * wherever no chip's lock is held.
 */
struct vclock_source {
	u64 (*now_ns)(void);			/* never goes back; any context */
	u64 (*tsc)(void);			/* host TSC, any context */
	void (*arm)(struct vtimer *timer, u64 expires_host_ns);	/* once; moves it if armed */
	void (*disarm)(struct vtimer *timer);	/* does not wait */
	void (*drain)(struct vtimer *timer);	/* disarms, and waits for a running callback; may sleep */
};

extern const struct vclock_source vclock_host;	/* ktime_get, rdtsc_ordered, hrtimer */

struct vclock {
	const struct vclock_source *source;	/* constant */
	raw_spinlock_t lock;
	/* These three are written with lock, in a write section of seq, and read with either. */
	seqcount_raw_spinlock_t seq;
	u64 offset_ns;				/* host time minus guest time */
	u64 paused_at_ns;			/* guest time at which it stands */
	bool paused;
	struct list_head timers;		/* lock: every armed vtimer */
};

/* A running clock that shows 0. */
void vclock_init(struct vclock *clock, const struct vclock_source *source);
/* Guest time. Any context. */
u64 vclock_now_ns(struct vclock *clock);
/*
 * Stop, and go on. Either does nothing if that is the state already. Timers keep their
 * guest time; none fires from the return of vclock_pause() on, but a callback that had
 * begun may still be running. Any context, no clock->lock.
 */
void vclock_pause(struct vclock *clock);
void vclock_resume(struct vclock *clock);

struct vtimer {
	struct vclock *clock;			/* constant */
	void (*fire)(struct vtimer *timer);	/* constant; hard IRQ context, no locks held; may re-arm */
	struct hrtimer hrtimer;			/* the source's */
	struct list_head link;			/* clock->lock */
	u64 expires_ns;				/* clock->lock: guest time */
	bool armed;				/* clock->lock */
	bool dead;				/* clock->lock: vtimer_destroy() has begun */
};

/* Restored state: guest time that has passed since something; longer would be nonsense (36 years). */
#define VCLOCK_AGE_MAX_NS	(1ULL << 60)

/* Shortest period any guest-programmed periodic timer may have. */
#define VTIMER_MIN_PERIOD_NS	100000ULL	/* 10 kHz; catalogue D-02 */

/* Process context. */
void vtimer_init(struct vtimer *timer, struct vclock *clock,
		 void (*fire)(struct vtimer *timer));
/* Absolute, one shot; an expiry in the past fires as soon as it can. Re-arming moves it. Any context. */
void vtimer_arm(struct vtimer *timer, u64 expires_ns);
/* Does not wait: the callback may still be running, so it re-checks its chip's state under the chip's lock. */
void vtimer_cancel(struct vtimer *timer);
/*
 * Waits for the callback; arming does nothing from now on, so that a callback which re-arms
 * comes to an end. Process context, without any lock that the callback takes.
 */
void vtimer_destroy(struct vtimer *timer);
/* For sources: the time has come. Fires, unless the timer was moved, cancelled or paused meanwhile. */
void vtimer_expire(struct vtimer *timer);

/*
 * @a * @mul / @div. The kernel's assembly for it does not say that the product is written before
 * @div is read, so the compiler must not know of an @a that equals @div: one register would hold both.
 */
static inline u64 vtimer_mul_div(u64 a, u32 mul, u32 div)
{
	OPTIMIZER_HIDE_VAR(a);
	return mul_u64_u32_div(a, mul, div);
}

/* Ticks of a clock of @hz (below 10^9) that have ended @ns after it started. */
static inline u64 vtimer_ns_to_ticks(u64 ns, u32 hz)
{
	return vtimer_mul_div(ns, hz, NSEC_PER_SEC);
}

/* The first nanosecond at which @ticks have ended; U64_MAX if that is beyond any clock. */
static inline u64 vtimer_ticks_to_ns(u64 ticks, u32 hz)
{
	u64 ns;

	if (ticks / hz >= U64_MAX / NSEC_PER_SEC)
		return U64_MAX;
	ns = vtimer_mul_div(ticks, NSEC_PER_SEC, hz);
	return vtimer_ns_to_ticks(ns, hz) < ticks ? ns + 1 : ns;
}

/*
 * When a periodic timer that was due at @due and fired at @now is due next: a whole number of
 * periods on, after @now. Periods that were missed are not made up for, and one below @floor
 * is thinned out to it. All in one unit, @period not 0, @due <= @now.
 */
static inline u64 vtimer_next_due(u64 due, u64 period, u64 now, u64 floor)
{
	u64 earliest = now + (period < floor ? floor : 1);

	return due + DIV64_U64_ROUND_UP(earliest - due, period) * period;
}

#endif
