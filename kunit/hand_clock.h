/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * hand_clock: a vclock_source that goes on only when a test says so, and fires what has come due in
 * the order of time. One clock, one thread; a suite that includes this file has its own.
 */
#ifndef KUNIT_HAND_CLOCK_H
#define KUNIT_HAND_CLOCK_H

#include <linux/kernel.h>
#include "../src/dev/vtimer.h"

#define HAND_TIMERS	32

struct hand_clock {
	u64 now_ns;
	unsigned int fired;		/* expiries reported since the last hand_clock_reset() */
	unsigned int lost;		/* timers that found no room: the test is wrong */
	struct {
		struct vtimer *timer;	/* NULL: free */
		u64 expires_ns;
	} armed[HAND_TIMERS];
};

static struct hand_clock hand;

static u64 hand_now_ns(void)
{
	return hand.now_ns;
}

static u64 hand_tsc(void)
{
	return hand.now_ns * 2;
}

static void hand_disarm(struct vtimer *timer)
{
	int i;

	for (i = 0; i < HAND_TIMERS; i++) {
		if (hand.armed[i].timer == timer)
			hand.armed[i].timer = NULL;
	}
}

static void hand_arm(struct vtimer *timer, u64 expires_host_ns)
{
	int i;

	hand_disarm(timer);
	for (i = 0; i < HAND_TIMERS; i++) {
		if (!hand.armed[i].timer) {
			hand.armed[i].timer = timer;
			hand.armed[i].expires_ns = expires_host_ns;
			return;
		}
	}
	hand.lost++;
}

static const struct vclock_source hand_clock_source = {
	.now_ns = hand_now_ns,
	.tsc = hand_tsc,
	.arm = hand_arm,
	.disarm = hand_disarm,
	.drain = hand_disarm,
};

/* Before vclock_init(): the host has been up for a while. */
static inline void hand_clock_reset(void)
{
	hand = (struct hand_clock){ .now_ns = 5000000123ULL };
}

/* The first timer that is due by @until_ns, or -1. */
static inline int hand_clock_next(u64 until_ns)
{
	int i, first = -1;

	for (i = 0; i < HAND_TIMERS; i++) {
		if (!hand.armed[i].timer || hand.armed[i].expires_ns > until_ns)
			continue;
		if (first < 0 || hand.armed[i].expires_ns < hand.armed[first].expires_ns)
			first = i;
	}
	return first;
}

/* Report the expiry of armed[@i], at the present time or the one it was armed for, if later. */
static inline void hand_clock_fire(int i)
{
	struct vtimer *timer = hand.armed[i].timer;

	if (hand.armed[i].expires_ns > hand.now_ns)
		hand.now_ns = hand.armed[i].expires_ns;
	hand.armed[i].timer = NULL;
	hand.fired++;
	vtimer_expire(timer);
}

/* Go on by @ns. Every timer fires exactly when it is due. */
static inline void hand_clock_run(u64 ns)
{
	u64 until_ns = hand.now_ns + ns;
	int i;

	while ((i = hand_clock_next(until_ns)) >= 0)
		hand_clock_fire(i);
	hand.now_ns = until_ns;
}

/* Go on by @ns while the host is busy: what is due by then fires only then. */
static inline void hand_clock_jump(u64 ns)
{
	int i;

	hand.now_ns += ns;
	while ((i = hand_clock_next(hand.now_ns)) >= 0)
		hand_clock_fire(i);
}

#endif
