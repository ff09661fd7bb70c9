// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * An hrtimer cannot be taken back from under a lock that its callback takes:
 * the callback may have begun on another CPU and wait for that lock. So the
 * truth is kept here: armed and expires_ns, under clock->lock. Whatever a
 * source reports is checked against them in vtimer_expire(), and a report that
 * is no longer true changes nothing.
 */
#include <linux/ktime.h>
#include <linux/minmax.h>
#include <linux/overflow.h>
#include <asm/msr.h>
#include "vtimer.h"

/* --- the host's clock ------------------------------------------------- */

static u64 host_now_ns(void)
{
	return ktime_get_ns();
}

static u64 host_tsc(void)
{
	return rdtsc_ordered();
}

static void host_arm(struct vtimer *timer, u64 expires_host_ns)
{
	hrtimer_start(&timer->hrtimer, ns_to_ktime(min_t(u64, expires_host_ns, KTIME_MAX)),
		      HRTIMER_MODE_ABS_HARD);
}

static void host_disarm(struct vtimer *timer)
{
	hrtimer_try_to_cancel(&timer->hrtimer);
}

static void host_drain(struct vtimer *timer)
{
	hrtimer_cancel(&timer->hrtimer);
}

const struct vclock_source vclock_host = {
	.now_ns = host_now_ns,
	.tsc = host_tsc,
	.arm = host_arm,
	.disarm = host_disarm,
	.drain = host_drain,
};

static enum hrtimer_restart host_expired(struct hrtimer *hrtimer)
{
	vtimer_expire(container_of(hrtimer, struct vtimer, hrtimer));
	return HRTIMER_NORESTART;	/* whoever armed it anew has started it already */
}

/* --- the clock -------------------------------------------------------- */

static u64 clock_now(struct vclock *clock)
{
	if (READ_ONCE(clock->paused))
		return READ_ONCE(clock->paused_at_ns);
	return clock->source->now_ns() - READ_ONCE(clock->offset_ns);
}

static u64 clock_now_locked(struct vclock *clock)
{
	lockdep_assert_held(&clock->lock);
	return clock_now(clock);
}

static void clock_start_timer(struct vclock *clock, struct vtimer *timer)
{
	u64 expires_host_ns;

	lockdep_assert_held(&clock->lock);
	if (check_add_overflow(timer->expires_ns, clock->offset_ns, &expires_host_ns))
		expires_host_ns = U64_MAX;
	clock->source->arm(timer, expires_host_ns);
}

void vclock_init(struct vclock *clock, const struct vclock_source *source)
{
	clock->source = source;
	raw_spin_lock_init(&clock->lock);
	seqcount_raw_spinlock_init(&clock->seq, &clock->lock);
	clock->offset_ns = source->now_ns();
	clock->paused_at_ns = 0;
	clock->paused = false;
	INIT_LIST_HEAD(&clock->timers);
}

u64 vclock_now_ns(struct vclock *clock)
{
	unsigned int seq;
	u64 now_ns;

	do {
		seq = read_seqcount_begin(&clock->seq);
		now_ns = clock_now(clock);
	} while (read_seqcount_retry(&clock->seq, seq));
	return now_ns;
}

void vclock_pause(struct vclock *clock)
{
	struct vtimer *timer;
	unsigned long flags;

	raw_spin_lock_irqsave(&clock->lock, flags);
	if (!clock->paused) {
		write_seqcount_begin(&clock->seq);
		WRITE_ONCE(clock->paused_at_ns, clock_now_locked(clock));
		WRITE_ONCE(clock->paused, true);
		write_seqcount_end(&clock->seq);
		list_for_each_entry(timer, &clock->timers, link)
			clock->source->disarm(timer);
	}
	raw_spin_unlock_irqrestore(&clock->lock, flags);
}

void vclock_resume(struct vclock *clock)
{
	struct vtimer *timer;
	unsigned long flags;

	raw_spin_lock_irqsave(&clock->lock, flags);
	if (clock->paused) {
		write_seqcount_begin(&clock->seq);
		WRITE_ONCE(clock->offset_ns, clock->source->now_ns() - clock->paused_at_ns);
		WRITE_ONCE(clock->paused, false);
		write_seqcount_end(&clock->seq);
		list_for_each_entry(timer, &clock->timers, link)
			clock_start_timer(clock, timer);
	}
	raw_spin_unlock_irqrestore(&clock->lock, flags);
}

/* --- the timer -------------------------------------------------------- */

void vtimer_init(struct vtimer *timer, struct vclock *clock,
		 void (*fire)(struct vtimer *timer))
{
	timer->clock = clock;
	timer->fire = fire;
	hrtimer_init(&timer->hrtimer, CLOCK_MONOTONIC, HRTIMER_MODE_ABS_HARD);
	timer->hrtimer.function = host_expired;
	INIT_LIST_HEAD(&timer->link);
	timer->expires_ns = 0;
	timer->armed = false;
	timer->dead = false;
}

static void timer_disarm_locked(struct vtimer *timer)
{
	lockdep_assert_held(&timer->clock->lock);
	timer->armed = false;
	list_del_init(&timer->link);
}

void vtimer_arm(struct vtimer *timer, u64 expires_ns)
{
	struct vclock *clock = timer->clock;
	unsigned long flags;

	raw_spin_lock_irqsave(&clock->lock, flags);
	if (!timer->dead) {
		timer->expires_ns = expires_ns;
		if (!timer->armed)
			list_add_tail(&timer->link, &clock->timers);
		timer->armed = true;
		if (!clock->paused)
			clock_start_timer(clock, timer);
	}
	raw_spin_unlock_irqrestore(&clock->lock, flags);
}

void vtimer_cancel(struct vtimer *timer)
{
	struct vclock *clock = timer->clock;
	unsigned long flags;

	raw_spin_lock_irqsave(&clock->lock, flags);
	if (timer->armed) {
		timer_disarm_locked(timer);
		clock->source->disarm(timer);
	}
	raw_spin_unlock_irqrestore(&clock->lock, flags);
}

void vtimer_destroy(struct vtimer *timer)
{
	struct vclock *clock = timer->clock;
	unsigned long flags;

	raw_spin_lock_irqsave(&clock->lock, flags);
	timer->dead = true;
	timer_disarm_locked(timer);
	raw_spin_unlock_irqrestore(&clock->lock, flags);
	clock->source->drain(timer);
}

void vtimer_expire(struct vtimer *timer)
{
	struct vclock *clock = timer->clock;
	unsigned long flags;
	bool due = false;

	raw_spin_lock_irqsave(&clock->lock, flags);
	if (timer->armed && !clock->paused) {
		due = clock_now_locked(clock) >= timer->expires_ns;
		if (due)
			timer_disarm_locked(timer);
		else
			clock_start_timer(clock, timer);	/* moved after this report had begun */
	}
	raw_spin_unlock_irqrestore(&clock->lock, flags);
	if (due)
		timer->fire(timer);
}
