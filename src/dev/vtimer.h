/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * vtimer: the one clock and the one timer that every chip uses.
 *
 * A VM has one vclock. It counts nanoseconds of guest time: it runs with the
 * host's monotonic clock while the VM runs and stands still while the VM is
 * paused, so that a frozen guest finds its timers where it left them. Every
 * vtimer belongs to a vclock and is armed in that clock's time.
 */
#ifndef VMM_DEV_VTIMER_H
#define VMM_DEV_VTIMER_H

#include <linux/hrtimer.h>
#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/types.h>

struct vtimer;

/* Where a vclock takes its time from. Tests install a hand-cranked one. */
struct vclock_source {
	u64 (*now_ns)(void);			/* any context */
	u64 (*tsc)(void);			/* host TSC, any context */
	void (*arm)(struct vtimer *timer, u64 expires_host_ns);
	void (*disarm)(struct vtimer *timer);	/* does not wait */
	void (*drain)(struct vtimer *timer);	/* waits for a running callback */
};

extern const struct vclock_source vclock_host;	/* ktime_get, rdtsc_ordered, hrtimer */

struct vclock {
	const struct vclock_source *source;
	raw_spinlock_t lock;
	u64 offset_ns;				/* lock: host time minus guest time */
	u64 paused_at_ns;			/* lock: guest time at which it stands */
	bool paused;				/* lock */
	struct list_head timers;		/* lock: every armed vtimer */
};

void vclock_init(struct vclock *clock, const struct vclock_source *source);
u64 vclock_now_ns(struct vclock *clock);
void vclock_pause(struct vclock *clock);
void vclock_resume(struct vclock *clock);

struct vtimer {
	struct vclock *clock;
	void (*fire)(struct vtimer *timer);	/* hard IRQ context; may re-arm */
	struct hrtimer hrtimer;
	struct list_head link;			/* clock->lock */
	u64 expires_ns;				/* clock->lock: guest time */
	bool armed;				/* clock->lock */
};

/* Shortest period any guest-programmed periodic timer may have. */
#define VTIMER_MIN_PERIOD_NS	100000ULL	/* 10 kHz; catalogue D-02 */

void vtimer_init(struct vtimer *timer, struct vclock *clock,
		 void (*fire)(struct vtimer *timer));
/* Absolute, one shot; an expiry in the past fires as soon as it can. Re-arming moves it. Any context. */
void vtimer_arm(struct vtimer *timer, u64 expires_ns);
/* Does not wait: the callback may still be running, so it re-checks its chip's state under the chip's lock. */
void vtimer_cancel(struct vtimer *timer);
/* Waits for the callback. Process context, without any lock that the callback takes. */
void vtimer_destroy(struct vtimer *timer);

#endif
