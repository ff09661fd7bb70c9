// SPDX-License-Identifier: BSD-2-Clause
/* The timer of the local APIC. Times are recomputed here with 128-bit integers. */
#include "test.h"

#define HZ		134217728ULL
#define VECTOR		0x40
#define MASKED	0x10000
#define ONESHOT		0x00000
#define PERIODIC	0x20000
#define DEADLINE	0x40000

typedef unsigned __int128 u128;

static const u32 counts[] = { 1, 2, 3, 7, 100, 999, 12345, 0x10000, 1048577, 0x7fffffff,
			      0xfffffffe, 0xffffffff };

/* SDM vol. 3 figure 11-10, by the figure. */
static unsigned int divider(unsigned int config)
{
	switch (config & 0xb) {
	case 0x0: return 2;
	case 0x1: return 4;
	case 0x2: return 8;
	case 0x3: return 16;
	case 0x8: return 32;
	case 0x9: return 64;
	case 0xa: return 128;
	default: return 1;
	}
}

static u64 ticks_ns(u64 ticks)
{
	return (u128)ticks * 1000000000 / HZ;
}

static struct board *timer_board(void)
{
	struct board *board = board_create(VCPUS, 1, 1);

	lapic_enable(board_vlapic(board, 0));
	return board;
}

/* Consume the timer's interrupt; true if there was one. */
static bool take(struct vlapic *vlapic)
{
	int vector = vlapic_pending_intr(vlapic);

	if (vector < 0)
		return false;
	CHECK_EQ(vector, VECTOR);
	vlapic_intr_accepted(vlapic, vector);
	lapic_put(vlapic, R_EOI, 0);
	return true;
}

static void check_near(u64 got, u64 want, u64 slack)
{
	u64 diff = got > want ? got - want : want - got;

	CHECK_AT(diff <= slack, "%lu, wanted %lu", got, want);
}

/* The count at @elapsed_ns after a load, rounded as a counter shows it. */
static void check_current(struct vlapic *vlapic, u32 count, unsigned int div, u64 elapsed_ns)
{
	u64 passed = (u128)elapsed_ns * HZ / 1000000000 / div;
	u32 current = lapic_get(vlapic, R_CURRENT);

	CHECK_AT(current <= count, "%u of %u", current, count);
	check_near(current, passed >= count ? 0 : count - passed, 1);
}

static void test_oneshot(void)
{
	struct board *board = timer_board();
	struct vlapic *vlapic = board_vlapic(board, 0);
	unsigned int config, c, step;

	lapic_put(vlapic, R_TIMER, ONESHOT | VECTOR);
	for (config = 0; config < 16; config++)
	for (c = 0; c < ARRAY_SIZE(counts); c++) {
		unsigned int div = divider(config);
		u64 start = clock_now_ns, length = ticks_ns((u64)counts[c] * div);

		lapic_put(vlapic, R_DIVIDE, config);
		CHECK_EQ(lapic_get(vlapic, R_DIVIDE), config & 0xb);
		lapic_put(vlapic, R_COUNT, counts[c]);
		CHECK_EQ(lapic_get(vlapic, R_COUNT), counts[c]);
		check_near(clock_next(), start + length, 1);
		for (step = 0; step < 8; step++) {
			u64 elapsed = length / 8 * step;

			clock_run(start + elapsed);
			if (clock_armed())
				check_current(vlapic, counts[c], div, elapsed);
		}
		clock_run(start + length - 1);
		if (clock_armed())
			CHECK(lapic_get(vlapic, R_CURRENT) >= 1 && !take(vlapic));
		clock_run(start + length + 1);
		CHECK_EQ(clock_armed(), 0);
		CHECK_EQ(lapic_get(vlapic, R_CURRENT), 0);
		CHECK_EQ(lapic_get(vlapic, R_COUNT), counts[c]);
		CHECK(take(vlapic));
		clock_run(clock_now_ns + 10 * length);
		CHECK(!take(vlapic));
	}
	CHECK_EQ(board->stats[0][VLAPIC_STAT_INTR_TIMER], 16 * ARRAY_SIZE(counts));
	CHECK_EQ(board->stats[0][VLAPIC_STAT_LVT + APIC_LVT_TIMER], 16 * ARRAY_SIZE(counts));
	board_destroy(board);
}

/* D-02: no count and no divider makes callbacks more often than every 100 us; longer periods do not drift. */
static void d02_periodic(void)
{
	struct board *board = timer_board();
	struct vlapic *vlapic = board_vlapic(board, 0);
	unsigned int config, c, i;

	lapic_put(vlapic, R_TIMER, PERIODIC | VECTOR);
	for (config = 0; config < 16; config++)
	for (c = 0; c < ARRAY_SIZE(counts); c++) {
		u64 ticks = (u64)counts[c] * divider(config), start = clock_now_ns;
		bool floored = ticks_ns(ticks) < VTIMER_MIN_PERIOD_NS;

		lapic_put(vlapic, R_DIVIDE, config);
		lapic_put(vlapic, R_COUNT, counts[c]);
		for (i = 1; i <= 50; i++) {
			u64 want = floored ? i * VTIMER_MIN_PERIOD_NS : ticks_ns(i * ticks);

			check_near(clock_next(), start + want, 1);
			clock_run(clock_next());
			CHECK(take(vlapic));
		}
		CHECK(lapic_get(vlapic, R_CURRENT) <= counts[c]);
	}
	lapic_put(vlapic, R_COUNT, 0);
	CHECK_EQ(clock_armed(), 0);
	CHECK_EQ(lapic_get(vlapic, R_CURRENT), 0);
	board_destroy(board);
}

/* A million periods of the 1 kHz that a guest would choose: no drift at all. */
static void test_drift(void)
{
	struct board *board = timer_board();
	struct vlapic *vlapic = board_vlapic(board, 0);
	u64 start = clock_now_ns, i;

	lapic_put(vlapic, R_TIMER, PERIODIC | VECTOR);
	lapic_put(vlapic, R_DIVIDE, 0xb);
	lapic_put(vlapic, R_COUNT, HZ / 1000);
	for (i = 0; i < 1000000; i++)
		clock_run(clock_next());
	check_near(clock_now_ns - start, ticks_ns(1000000 * (HZ / 1000)), 1);
	board_destroy(board);
}

static void test_late_periodic(void)
{
	struct board *board = timer_board();
	struct vlapic *vlapic = board_vlapic(board, 0);
	u64 period = ticks_ns(HZ / 100), start = clock_now_ns;

	lapic_put(vlapic, R_TIMER, PERIODIC | VECTOR);
	lapic_put(vlapic, R_DIVIDE, 0xb);
	lapic_put(vlapic, R_COUNT, HZ / 100);

	/* Half a period late: the next one is on time. */
	clock_set(start + period + period / 2);
	check_current(vlapic, HZ / 100, 1, period / 2);
	clock_fire();
	CHECK(take(vlapic));
	check_near(clock_next(), start + 2 * period, 2);
	check_current(vlapic, HZ / 100, 1, period / 2);

	/* Ten periods late: one interrupt, and a new time base. */
	clock_set(start + 12 * period + period / 4);
	check_current(vlapic, HZ / 100, 1, period / 4);
	clock_fire();
	CHECK(take(vlapic));
	CHECK_EQ(clock_fired, 2);
	check_near(clock_next(), start + 13 * period + period / 4, 2);
	check_current(vlapic, HZ / 100, 1, 0);
	board_destroy(board);
}

static void test_divider_reload(void)
{
	struct board *board = timer_board();
	struct vlapic *vlapic = board_vlapic(board, 0);
	u64 start = clock_now_ns, period = ticks_ns(HZ / 100);

	lapic_put(vlapic, R_TIMER, PERIODIC | VECTOR);
	lapic_put(vlapic, R_DIVIDE, 0xb);
	lapic_put(vlapic, R_COUNT, HZ / 100);
	clock_run(start + period / 2);
	lapic_put(vlapic, R_DIVIDE, 0x1);
	check_near(clock_next(), start + period, 1);
	check_current(vlapic, HZ / 100, 1, period / 2);
	clock_run(clock_next());
	check_near(clock_next(), start + ticks_ns(5 * (HZ / 100)), 2);
	check_current(vlapic, HZ / 100, 4, 0);
	board_destroy(board);
}

static void test_mode_change(void)
{
	struct board *board = timer_board();
	struct vlapic *vlapic = board_vlapic(board, 0);
	u64 start = clock_now_ns, period = ticks_ns(HZ / 100);

	lapic_put(vlapic, R_DIVIDE, 0xb);

	/* One-shot to periodic keeps the count running, and goes on; and back. */
	lapic_put(vlapic, R_TIMER, ONESHOT | VECTOR);
	lapic_put(vlapic, R_COUNT, HZ / 100);
	lapic_put(vlapic, R_TIMER, PERIODIC | VECTOR);
	clock_run(start + period + 2);
	CHECK(take(vlapic));
	check_near(clock_next(), start + 2 * period, 2);
	lapic_put(vlapic, R_TIMER, ONESHOT | VECTOR);
	clock_run(start + 10 * period);
	CHECK(take(vlapic));
	CHECK_EQ(clock_fired, 2);

	/* One-shot of one tick made periodic is held to the floor from its first reload. */
	lapic_put(vlapic, R_COUNT, 1);
	lapic_put(vlapic, R_TIMER, PERIODIC | VECTOR);
	clock_run(clock_next());
	CHECK_EQ(clock_next(), clock_now_ns + VTIMER_MIN_PERIOD_NS);

	/* Masked: counts, and is silent. */
	CHECK(take(vlapic));
	lapic_put(vlapic, R_TIMER, MASKED | PERIODIC | VECTOR);
	lapic_put(vlapic, R_COUNT, HZ / 100);
	clock_run(clock_now_ns + 3 * period);
	CHECK(!take(vlapic));
	CHECK_EQ(clock_armed(), 1);

	/* Into deadline mode and out of it: disarmed, count gone. */
	lapic_put(vlapic, R_TIMER, DEADLINE | VECTOR);
	CHECK_EQ(clock_armed(), 0);
	CHECK_EQ(lapic_get(vlapic, R_COUNT), 0);
	lapic_put(vlapic, R_COUNT, 1000);
	CHECK_EQ(lapic_get(vlapic, R_COUNT), 0);
	CHECK_EQ(clock_armed(), 0);
	CHECK_EQ(vlapic_tsc_deadline_write(vlapic, 1000000, 0, 1000), 0);
	CHECK_EQ(vlapic_tsc_deadline_read(vlapic), 1000000);
	CHECK_EQ(lapic_get(vlapic, R_CURRENT), 0);
	lapic_put(vlapic, R_TIMER, PERIODIC | VECTOR);
	CHECK_EQ(clock_armed(), 0);
	CHECK_EQ(vlapic_tsc_deadline_read(vlapic), 0);

	/* The reserved mode counts down once. */
	lapic_put(vlapic, R_TIMER, PERIODIC | DEADLINE | VECTOR);
	lapic_put(vlapic, R_COUNT, 100);
	clock_run(clock_next());
	CHECK(take(vlapic));
	CHECK_EQ(clock_armed(), 0);
	board_destroy(board);
}

static void test_disable_enable(void)
{
	struct board *board = timer_board();
	struct vlapic *vlapic = board_vlapic(board, 0);
	u64 period = ticks_ns(HZ / 100), start;

	lapic_put(vlapic, R_DIVIDE, 0xb);
	lapic_put(vlapic, R_TIMER, PERIODIC | VECTOR);
	lapic_put(vlapic, R_COUNT, HZ / 100);
	lapic_put(vlapic, R_SVR, 0xff);
	CHECK_EQ(clock_armed(), 0);
	CHECK_EQ(lapic_get(vlapic, R_CURRENT), 0);
	clock_run(clock_now_ns + 5 * period / 2);
	CHECK_EQ(clock_fired, 0);
	lapic_enable(vlapic);
	CHECK_EQ(lapic_get(vlapic, R_TIMER), MASKED | PERIODIC | VECTOR);
	check_near(clock_next(), clock_now_ns + period, 1);

	/* A one-shot is not started again; nor is what was never started. */
	lapic_put(vlapic, R_TIMER, ONESHOT | VECTOR);
	lapic_put(vlapic, R_SVR, 0xff);
	lapic_enable(vlapic);
	CHECK_EQ(clock_armed(), 0);
	lapic_put(vlapic, R_TIMER, PERIODIC | VECTOR);
	lapic_put(vlapic, R_COUNT, 0);
	lapic_put(vlapic, R_SVR, 0xff);
	lapic_enable(vlapic);
	CHECK_EQ(clock_armed(), 0);

	/* A callback that began before the timer was stopped, moved or reset says nothing. */
	lapic_put(vlapic, R_TIMER, ONESHOT | VECTOR);
	lapic_put(vlapic, R_COUNT, HZ / 100);
	start = clock_now_ns;
	clock_last->fire(clock_last);
	CHECK(!take(vlapic));
	check_near(clock_next(), start + period, 1);
	clock_set(start + 2 * period);
	lapic_put(vlapic, R_COUNT, 0);
	clock_last->fire(clock_last);
	CHECK(!take(vlapic));
	lapic_put(vlapic, R_COUNT, HZ / 100);
	clock_set(start + 4 * period);
	vlapic_reset(vlapic);
	lapic_enable(vlapic);
	lapic_put(vlapic, R_TIMER, ONESHOT | VECTOR);
	clock_last->fire(clock_last);
	CHECK(!take(vlapic));
	CHECK_EQ(clock_armed(), 0);
	board_destroy(board);
}

/* --- TSC deadline --------------------------------------------------------- */

static void check_deadline(struct vlapic *vlapic, u64 host_tsc, u64 offset, u64 deadline, u32 khz)
{
	u64 guest_now = host_tsc + offset, start = clock_now_ns;
	u64 delta = deadline > guest_now ? deadline - guest_now : 0;
	u128 ns = ((u128)delta * 1000000 + khz - 1) / khz;
	u128 never = (u128)(1ULL << 40) * 1000000;

	clock_tsc = host_tsc;
	CHECK_EQ(vlapic_tsc_deadline_write(vlapic, deadline, offset, khz), 0);
	CHECK_EQ(vlapic_tsc_deadline_read(vlapic), deadline);
	if (!deadline) {
		CHECK_EQ(clock_armed(), 0);
		return;
	}
	CHECK_EQ(clock_armed(), 1);
	if (ns < never) {
		CHECK_AT(clock_next() == start + (u64)ns, "%lu for %lu cycles at %u kHz",
			 clock_next() - start, delta, khz);
	} else {
		CHECK(clock_next() >= start + (u64)never &&
		      clock_next() <= start + (u64)never + 1000000);
	}
}

static void test_deadline_times(void)
{
	static const u32 khzs[] = { 1, 7, 1000, 999999, 1000000, 2400000, 3792891, 0xffffffff };
	static const u64 deltas[] = { 0, 1, 2, 999, 2400000, 1ULL << 32, 123456789012345ULL,
				      1ULL << 62, ~0ULL >> 1, ~0ULL - 5 };
	static const u64 offsets[] = { 0, 12345, -12345ULL, 1ULL << 63, -1ULL << 40 };
	struct board *board = timer_board();
	struct vlapic *vlapic = board_vlapic(board, 0);
	unsigned int k, d, o, i;

	lapic_put(vlapic, R_TIMER, DEADLINE | VECTOR);
	for (k = 0; k < ARRAY_SIZE(khzs); k++)
	for (d = 0; d < ARRAY_SIZE(deltas); d++)
	for (o = 0; o < ARRAY_SIZE(offsets); o++)
		check_deadline(vlapic, 1000000000000ULL, offsets[o],
			       1000000000000ULL + offsets[o] + deltas[d], khzs[k]);
	for (i = 0; i < 200000; i++)
		check_deadline(vlapic, random_u64() >> random_below(64),
			       random_u64() >> random_below(64),
			       random_u64() >> random_below(64), 1 + (u32)random_u64() / 2);
	board_destroy(board);
}

static void test_deadline_use(void)
{
	struct board *board = timer_board();
	struct vlapic *vlapic = board_vlapic(board, 0);

	/* Another mode: reads 0, ignores. */
	CHECK_EQ(vlapic_tsc_deadline_write(vlapic, 1000, 0, 1000000), 0);
	CHECK_EQ(vlapic_tsc_deadline_read(vlapic), 0);
	CHECK_EQ(clock_armed(), 0);
	CHECK_EQ(vlapic_tsc_deadline_write(vlapic, 1000, 0, 0), -EINVAL);

	lapic_put(vlapic, R_TIMER, DEADLINE | VECTOR);
	clock_tsc = 5000;
	CHECK_EQ(vlapic_tsc_deadline_write(vlapic, 1005000, 0, 1000000), 0);
	clock_run(clock_now_ns + 999999);
	CHECK(!take(vlapic));
	clock_run(clock_now_ns + 1);
	CHECK(take(vlapic));
	CHECK_EQ(vlapic_tsc_deadline_read(vlapic), 0);
	CHECK_EQ(clock_armed(), 0);

	/* The past fires at once, 0 disarms, re-arming moves. */
	CHECK_EQ(vlapic_tsc_deadline_write(vlapic, 1, 0, 1000000), 0);
	clock_fire();
	CHECK(take(vlapic));
	CHECK_EQ(vlapic_tsc_deadline_write(vlapic, 2000000, 0, 1000000), 0);
	CHECK_EQ(vlapic_tsc_deadline_write(vlapic, 1000000, 0, 1000000), 0);
	CHECK_EQ(clock_next(), clock_now_ns + 995000);
	CHECK_EQ(vlapic_tsc_deadline_write(vlapic, 0, 0, 1000000), 0);
	CHECK_EQ(clock_armed(), 0);
	clock_set(clock_now_ns + 5000000);
	clock_last->fire(clock_last);
	CHECK(!take(vlapic));

	/* The LVT entry written again in the same mode leaves it armed. */
	CHECK_EQ(vlapic_tsc_deadline_write(vlapic, 2000000, 0, 1000000), 0);
	lapic_put(vlapic, R_TIMER, MASKED | DEADLINE | VECTOR);
	CHECK_EQ(vlapic_tsc_deadline_read(vlapic), 2000000);
	CHECK_EQ(clock_armed(), 1);

	/* Software disable stops it for good. */
	lapic_put(vlapic, R_SVR, 0xff);
	CHECK_EQ(vlapic_tsc_deadline_read(vlapic), 0);
	lapic_enable(vlapic);
	CHECK_EQ(clock_armed(), 0);
	board_destroy(board);
}

const struct test timer_tests[] = {
	{ "one-shot: counts and dividers", test_oneshot },
	{ "d02_periodic", d02_periodic },
	{ "periodic: drift", test_drift },
	{ "periodic: late", test_late_periodic },
	{ "divider takes effect on reload", test_divider_reload },
	{ "mode changes", test_mode_change },
	{ "disable, enable, stale callbacks", test_disable_enable },
	{ "TSC deadline: times", test_deadline_times },
	{ "TSC deadline: use", test_deadline_use },
	{}
};
