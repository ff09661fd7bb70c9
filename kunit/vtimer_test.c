// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* src/dev/vtimer.c: the clock that can stand, its timers, and the arithmetic of ticks. */
#include <kunit/test.h>
#include <linux/kernel.h>
#include <linux/module.h>

#include "hand_clock.h"

#define MS	1000000ULL

struct rig {
	struct vclock clock;
	struct vtimer timers[3];
	unsigned int fires[3];
	u64 fired_at_ns[3];
	u64 rearm_ns;			/* timer 0 arms itself so much later */
};

static struct rig rig;

static void rig_fire(struct vtimer *timer)
{
	int i = timer - rig.timers;

	rig.fires[i]++;
	rig.fired_at_ns[i] = vclock_now_ns(&rig.clock);
	if (i == 0 && rig.rearm_ns)
		vtimer_arm(timer, rig.fired_at_ns[i] + rig.rearm_ns);
}

static int rig_init(struct kunit *test)
{
	int i;

	memset(&rig, 0, sizeof(rig));
	hand_clock_reset();
	vclock_init(&rig.clock, &hand_clock_source);
	for (i = 0; i < ARRAY_SIZE(rig.timers); i++)
		vtimer_init(&rig.timers[i], &rig.clock, rig_fire);
	return 0;
}

static void vtimer_fires_once(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, vclock_now_ns(&rig.clock), 0);
	vtimer_arm(&rig.timers[0], 2 * MS);
	vtimer_arm(&rig.timers[1], MS);
	hand_clock_run(MS - 1);
	KUNIT_EXPECT_EQ(test, rig.fires[0] + rig.fires[1], 0);
	hand_clock_run(10 * MS);
	KUNIT_EXPECT_EQ(test, rig.fires[0], 1);
	KUNIT_EXPECT_EQ(test, rig.fires[1], 1);
	KUNIT_EXPECT_EQ(test, rig.fired_at_ns[0], 2 * MS);
	KUNIT_EXPECT_EQ(test, rig.fired_at_ns[1], MS);
	KUNIT_EXPECT_TRUE(test, list_empty(&rig.clock.timers));
}

static void vtimer_moves(struct kunit *test)
{
	vtimer_arm(&rig.timers[0], MS);
	vtimer_arm(&rig.timers[0], 3 * MS);
	hand_clock_run(2 * MS);
	KUNIT_EXPECT_EQ(test, rig.fires[0], 0);
	vtimer_arm(&rig.timers[0], MS);		/* in the past */
	hand_clock_run(0);
	KUNIT_EXPECT_EQ(test, rig.fires[0], 1);
	KUNIT_EXPECT_EQ(test, rig.fired_at_ns[0], 2 * MS);
	hand_clock_run(5 * MS);
	KUNIT_EXPECT_EQ(test, rig.fires[0], 1);
}

static void vtimer_cancels(struct kunit *test)
{
	vtimer_arm(&rig.timers[0], MS);
	vtimer_cancel(&rig.timers[0]);
	vtimer_cancel(&rig.timers[0]);
	hand_clock_run(5 * MS);
	KUNIT_EXPECT_EQ(test, rig.fires[0], 0);
	KUNIT_EXPECT_EQ(test, hand.fired, 0);
}

/* A report that was on its way when the timer was cancelled, moved or paused. */
static void vtimer_stale_report(struct kunit *test)
{
	vtimer_expire(&rig.timers[0]);
	KUNIT_EXPECT_EQ(test, rig.fires[0], 0);
	vtimer_arm(&rig.timers[0], MS);
	hand_disarm(&rig.timers[0]);		/* the source lost it: the report must bring it back */
	vtimer_expire(&rig.timers[0]);
	KUNIT_EXPECT_EQ(test, rig.fires[0], 0);
	hand_clock_run(MS);
	KUNIT_EXPECT_EQ(test, rig.fires[0], 1);
	vtimer_arm(&rig.timers[0], MS);
	vclock_pause(&rig.clock);
	vtimer_expire(&rig.timers[0]);
	KUNIT_EXPECT_EQ(test, rig.fires[0], 1);
	vclock_resume(&rig.clock);
	hand_clock_run(0);
	KUNIT_EXPECT_EQ(test, rig.fires[0], 2);
}

static void vclock_stands(struct kunit *test)
{
	vtimer_arm(&rig.timers[0], 5 * MS);
	hand_clock_run(2 * MS);
	vclock_pause(&rig.clock);
	vclock_pause(&rig.clock);
	vtimer_arm(&rig.timers[1], 3 * MS);
	hand_clock_run(100 * MS);
	KUNIT_EXPECT_EQ(test, vclock_now_ns(&rig.clock), 2 * MS);
	KUNIT_EXPECT_EQ(test, hand.fired, 0);
	vclock_resume(&rig.clock);
	vclock_resume(&rig.clock);
	KUNIT_EXPECT_EQ(test, vclock_now_ns(&rig.clock), 2 * MS);
	hand_clock_run(10 * MS);
	KUNIT_EXPECT_EQ(test, rig.fired_at_ns[0], 5 * MS);
	KUNIT_EXPECT_EQ(test, rig.fired_at_ns[1], 3 * MS);
	KUNIT_EXPECT_EQ(test, vclock_now_ns(&rig.clock), 12 * MS);
}

static void vtimer_destroyed_stays_so(struct kunit *test)
{
	rig.rearm_ns = MS;
	vtimer_arm(&rig.timers[0], MS);
	hand_clock_run(3 * MS);
	KUNIT_EXPECT_EQ(test, rig.fires[0], 3);
	vtimer_destroy(&rig.timers[0]);
	vtimer_arm(&rig.timers[0], 4 * MS);	/* what a callback that was running would do */
	KUNIT_EXPECT_TRUE(test, list_empty(&rig.clock.timers));
	vclock_pause(&rig.clock);
	vclock_resume(&rig.clock);
	hand_clock_run(10 * MS);
	KUNIT_EXPECT_EQ(test, rig.fires[0], 3);
}

/* The furthest expiry does not wrap into the past. */
static void vtimer_far(struct kunit *test)
{
	vtimer_arm(&rig.timers[0], U64_MAX);
	hand_clock_run(1000 * MS);
	KUNIT_EXPECT_EQ(test, rig.fires[0], 0);
	vtimer_cancel(&rig.timers[0]);
}

static void vtimer_ticks(struct kunit *test)
{
	static const u32 hz[] = { 1, 32768, 1193182, 3579545, 16777216, 134217728, 999999999 };
	u64 ticks, ns;
	int i, shift;

	for (i = 0; i < ARRAY_SIZE(hz); i++) {
		KUNIT_EXPECT_EQ(test, vtimer_ns_to_ticks(NSEC_PER_SEC, hz[i]), hz[i]);
		KUNIT_EXPECT_EQ(test, vtimer_ticks_to_ns(hz[i], hz[i]), NSEC_PER_SEC);
		KUNIT_EXPECT_EQ(test, vtimer_ticks_to_ns(0, hz[i]), 0);
		KUNIT_EXPECT_EQ(test, vtimer_ticks_to_ns(U64_MAX, hz[i]), U64_MAX);
		for (shift = 0; shift < 34; shift++) {
			ticks = (1ULL << shift) + 1;
			ns = vtimer_ticks_to_ns(ticks, hz[i]);
			KUNIT_EXPECT_EQ(test, vtimer_ns_to_ticks(ns, hz[i]), ticks);
			KUNIT_EXPECT_EQ(test, vtimer_ns_to_ticks(ns - 1, hz[i]), ticks - 1);
		}
	}
}

static void vtimer_next_due_rules(struct kunit *test)
{
	/* On time, late within a period, late by many, exactly on a later one. */
	KUNIT_EXPECT_EQ(test, vtimer_next_due(1000, 100, 1000, 50), 1100);
	KUNIT_EXPECT_EQ(test, vtimer_next_due(1000, 100, 1099, 50), 1100);
	KUNIT_EXPECT_EQ(test, vtimer_next_due(1000, 100, 1100, 50), 1200);
	KUNIT_EXPECT_EQ(test, vtimer_next_due(1000, 100, 123456, 50), 123500);
	/* Below the floor: multiples of the period, no closer than the floor. */
	KUNIT_EXPECT_EQ(test, vtimer_next_due(1000, 1, 1000, 50), 1050);
	KUNIT_EXPECT_EQ(test, vtimer_next_due(1000, 7, 1000, 50), 1056);
	KUNIT_EXPECT_EQ(test, vtimer_next_due(1000, 7, 1003, 50), 1056);
	KUNIT_EXPECT_EQ(test, vtimer_next_due(1000, 7, 1007, 50), 1063);
	KUNIT_EXPECT_EQ(test, vtimer_next_due(1000, 50, 1001, 50), 1050);
}

static struct kunit_case vtimer_cases[] = {
	KUNIT_CASE(vtimer_fires_once),
	KUNIT_CASE(vtimer_moves),
	KUNIT_CASE(vtimer_cancels),
	KUNIT_CASE(vtimer_stale_report),
	KUNIT_CASE(vclock_stands),
	KUNIT_CASE(vtimer_destroyed_stays_so),
	KUNIT_CASE(vtimer_far),
	KUNIT_CASE(vtimer_ticks),
	KUNIT_CASE(vtimer_next_due_rules),
	{}
};

static struct kunit_suite vtimer_suite = {
	.name = "vmm-dev-vtimer",
	.init = rig_init,
	.test_cases = vtimer_cases,
};
kunit_test_suite(vtimer_suite);

MODULE_LICENSE("Dual BSD/GPL");
