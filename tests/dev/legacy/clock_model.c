// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * vclock and vtimer against a list of dates, with reports of expiry that come late, twice and for
 * timers that have moved; and the host's source on a stand-in for hrtimer.
 */
#include <kunit/test.h>
#include <linux/module.h>
#include "hand_clock.h"
#include "random.h"

#define TIMERS	8
#define STEPS	300000

static struct vclock vclock;
static struct vtimer timers[TIMERS];
static unsigned int fires[TIMERS];

/* The model: guest time, and when each timer is to fire. */
static bool paused;
static u64 guest_ns, due_ns[TIMERS];
static bool armed[TIMERS];
static unsigned int expected[TIMERS];

static void fire(struct vtimer *timer)
{
	if (shim_locks_held())
		shim_die("a callback with a lock held");
	fires[timer - timers]++;
}

static int init(struct kunit *test)
{
	int i;

	hand_clock_reset();
	shim_ktime_ns = 1000;
	vclock_init(&vclock, &hand_clock_source);
	for (i = 0; i < TIMERS; i++) {
		vtimer_init(&timers[i], &vclock, fire);
		fires[i] = expected[i] = 0;
		armed[i] = false;
	}
	paused = false;
	guest_ns = 0;
	return 0;
}

static void model_fire(void)
{
	int i;

	for (i = 0; i < TIMERS; i++) {
		if (!paused && armed[i] && due_ns[i] <= guest_ns) {
			armed[i] = false;
			expected[i]++;
		}
	}
}

static void go_on(u64 ns, bool late)
{
	if (late)
		hand_clock_jump(ns);
	else
		hand_clock_run(ns);
	if (!paused)
		guest_ns += ns;
	model_fire();
}

static void step(void)
{
	int i = random_below(TIMERS);

	switch (random_below(10)) {
	case 0 ... 2:
		due_ns[i] = guest_ns + random_below(3000);
		if (random_one_in(10))
			due_ns[i] = random_below(guest_ns + 1);
		if (random_one_in(20))
			due_ns[i] = U64_MAX - random_below(100);
		armed[i] = true;
		vtimer_arm(&timers[i], due_ns[i]);
		break;
	case 3:
		armed[i] = false;
		vtimer_cancel(&timers[i]);
		break;
	case 4:
		paused = true;
		vclock_pause(&vclock);
		break;
	case 5 ... 6:
		paused = false;
		vclock_resume(&vclock);
		break;
	case 7:
		/* A report out of nowhere. The timer may be due, then it fires now and not again. */
		vtimer_expire(&timers[i]);
		if (!paused && armed[i] && due_ns[i] <= guest_ns) {
			armed[i] = false;
			expected[i]++;
		}
		break;
	default:
		go_on(random_below(2000), random_below(2));
	}
}

static void clock_random(struct kunit *test)
{
	int i, n;

	for (i = 0; i < STEPS && !test->failures; i++) {
		step();
		go_on(0, false);
		KUNIT_EXPECT_EQ_MSG(test, vclock_now_ns(&vclock), guest_ns, "step %d", i);
		for (n = 0; n < TIMERS; n++)
			KUNIT_EXPECT_EQ_MSG(test, fires[n], expected[n], "timer %d, step %d", n, i);
	}
}

static void host_source(struct kunit *test)
{
	struct vtimer *timer = &timers[0];

	vclock_init(&vclock, &vclock_host);
	vtimer_arm(timer, 500);
	KUNIT_EXPECT_TRUE(test, timer->hrtimer.queued);
	KUNIT_EXPECT_EQ(test, timer->hrtimer.expires, 1500);
	shim_ktime_ns = 1499;
	timer->hrtimer.queued = false;
	KUNIT_EXPECT_EQ(test, timer->hrtimer.function(&timer->hrtimer), HRTIMER_NORESTART);
	KUNIT_EXPECT_EQ(test, fires[0], 0);
	KUNIT_EXPECT_TRUE(test, timer->hrtimer.queued);		/* early, so queued again */
	shim_ktime_ns = 1500;
	timer->hrtimer.queued = false;
	timer->hrtimer.function(&timer->hrtimer);
	KUNIT_EXPECT_EQ(test, fires[0], 1);
	KUNIT_EXPECT_FALSE(test, timer->hrtimer.queued);
	vtimer_arm(timer, U64_MAX);
	KUNIT_EXPECT_EQ(test, timer->hrtimer.expires, KTIME_MAX);
	vtimer_cancel(timer);
	KUNIT_EXPECT_FALSE(test, timer->hrtimer.queued);
	vtimer_arm(timer, 600);
	vclock_pause(&vclock);
	KUNIT_EXPECT_FALSE(test, timer->hrtimer.queued);
	shim_ktime_ns = 9000;
	vclock_resume(&vclock);
	KUNIT_EXPECT_EQ(test, timer->hrtimer.expires, 9100);
	vtimer_destroy(timer);
	KUNIT_EXPECT_FALSE(test, timer->hrtimer.queued);
	KUNIT_EXPECT_EQ(test, vclock_host.tsc(), 27000);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(clock_random),
	KUNIT_CASE(host_source),
	{}
};

static struct kunit_suite suite = {
	.name = "model-vclock",
	.init = init,
	.test_cases = cases,
};
kunit_test_suite(suite);
