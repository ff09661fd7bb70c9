// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* src/dev/vhpet.c: directed vectors from the HPET specification 1.0a and semantics.md section 20. */
#include <kunit/test.h>
#include <linux/module.h>

#include "../src/dev/vhpet.h"
#include "legacy_board.h"

#define HPET_HZ		16777216
#define CAP		0x00
#define CONFIG		0x10
#define STATUS		0x20
#define COUNTER		0xf0
#define T_CONFIG(n)	(0x100 + 0x20 * (n))
#define T_COMPARATOR(n)	(0x108 + 0x20 * (n))
#define T_FSB(n)	(0x110 + 0x20 * (n))

#define LEVEL		0x2
#define ENABLE		0x4
#define PERIODIC	0x8
#define SET_VALUE	0x40
#define ROUTE(pin)	((u64)(pin) << 9)
#define FSB		0x4000

static struct vhpet *hpet;
static u64 hpet_ticks;

static int hpet_init(struct kunit *test)
{
	struct board *board;
	int pin;

	board_init(test);
	board = test->priv;
	hpet = vhpet_create(&board->irq, &board->clock);
	KUNIT_ASSERT_FALSE(test, IS_ERR(hpet));
	vhpet_connect(hpet, &board->bus);
	for (pin = 24; pin < 32; pin++)
		board_route_pin(board, pin);
	hpet_ticks = 0;
	return 0;
}

static void hpet_exit(struct kunit *test)
{
	vhpet_destroy(hpet);
	board_exit(test);
}

static u64 hpet_read(struct board *board, unsigned int reg, int bytes)
{
	u64 val = 0xdeadbeefdeadbeefULL;

	return bus_mmio_access(&board->bus, 0, VHPET_BASE_GPA + reg, false, bytes, &val) ? ~0 : val;
}

static void hpet_write(struct board *board, unsigned int reg, int bytes, u64 val)
{
	bus_mmio_access(&board->bus, 0, VHPET_BASE_GPA + reg, true, bytes, &val);
}

/* Let that many ticks of the counter end. */
static void hpet_run(u64 ticks)
{
	hand_clock_run(vtimer_ticks_to_ns(hpet_ticks + ticks, HPET_HZ) -
		       vtimer_ticks_to_ns(hpet_ticks, HPET_HZ));
	hpet_ticks += ticks;
}

static void hpet_constants(struct kunit *test)
{
	struct board *board = test->priv;
	int n;

	KUNIT_EXPECT_EQ(test, vhpet_capabilities(), 0x80860701U);
	KUNIT_EXPECT_EQ(test, hpet_read(board, CAP, 8), 59604644ULL << 32 | 0x80860701U);
	KUNIT_EXPECT_EQ(test, hpet_read(board, CAP + 4, 4), 59604644);
	hpet_write(board, CAP, 8, 0);
	KUNIT_EXPECT_EQ(test, hpet_read(board, CAP, 4), 0x80860701U);
	for (n = 0; n < 8; n++) {
		KUNIT_EXPECT_EQ(test, hpet_read(board, T_CONFIG(n), 8), 0xff00000000008010ULL);
		KUNIT_EXPECT_EQ(test, hpet_read(board, T_COMPARATOR(n), 8), 0xffffffffU);
	}
	KUNIT_EXPECT_EQ(test, hpet_read(board, T_CONFIG(8), 8), 0);
	hpet_write(board, CONFIG, 8, ~0ULL);			/* no legacy replacement */
	KUNIT_EXPECT_EQ(test, hpet_read(board, CONFIG, 8), 1);
	hpet_write(board, T_CONFIG(3), 8, ~0ULL);
	KUNIT_EXPECT_EQ(test, hpet_read(board, T_CONFIG(3), 8), 0xff0000000000fe5eULL);
	hpet_write(board, T_CONFIG(3), 4, ROUTE(23) | SET_VALUE);
	KUNIT_EXPECT_EQ(test, hpet_read(board, T_CONFIG(3), 4), 0x8010);
	KUNIT_EXPECT_FALSE(test, bus_window_has(&board->bus, VHPET_BASE_GPA - 1));
	KUNIT_EXPECT_TRUE(test, bus_window_has(&board->bus, VHPET_BASE_GPA + VHPET_SIZE - 1));
	KUNIT_EXPECT_FALSE(test, bus_window_has(&board->bus, VHPET_BASE_GPA + VHPET_SIZE));
}

static void hpet_widths(struct kunit *test)
{
	struct board *board = test->priv;
	int bytes;

	hpet_write(board, T_FSB(0), 8, 0x1122334455667788ULL);
	for (bytes = 1; bytes <= 8; bytes++) {
		u64 expected = bytes == 8 ? 0x1122334455667788ULL : bytes == 4 ? 0x55667788 : 0;

		KUNIT_EXPECT_EQ(test, hpet_read(board, T_FSB(0), bytes), expected);
		if (bytes != 4 && bytes != 8)
			hpet_write(board, T_FSB(0), bytes, 0);
	}
	KUNIT_EXPECT_EQ(test, hpet_read(board, T_FSB(0) + 4, 4), 0x11223344);
	KUNIT_EXPECT_EQ(test, hpet_read(board, T_FSB(0) + 4, 8), 0);
	KUNIT_EXPECT_EQ(test, hpet_read(board, T_FSB(0) + 2, 4), 0);
	hpet_write(board, T_FSB(0) + 4, 4, 0xaabbccdd);
	KUNIT_EXPECT_EQ(test, hpet_read(board, T_FSB(0), 8), 0xaabbccdd55667788ULL);
	KUNIT_EXPECT_EQ(test, hpet_read(board, VHPET_SIZE - 4, 8), 0);
	KUNIT_EXPECT_EQ(test, hpet_read(board, 0x118, 8), 0);
}

static void hpet_counter(struct kunit *test)
{
	struct board *board = test->priv;

	hpet_run(1000);
	KUNIT_EXPECT_EQ(test, hpet_read(board, COUNTER, 8), 0);
	hpet_write(board, COUNTER, 8, 0x1234567fffffff0ULL);
	KUNIT_EXPECT_EQ(test, hpet_read(board, COUNTER, 8), 0xfffffff0);
	hpet_write(board, COUNTER + 4, 4, 77);			/* there is no upper half */
	hpet_write(board, CONFIG, 4, 1);
	hpet_ticks = 0;
	hpet_run(0x20);
	KUNIT_EXPECT_EQ(test, hpet_read(board, COUNTER, 8), 0x10);
	hpet_write(board, CONFIG, 4, 0);
	hpet_run(1000);
	KUNIT_EXPECT_EQ(test, hpet_read(board, COUNTER, 4), 0x10);
	hpet_write(board, CONFIG, 4, 1);
	hpet_ticks = 0;
	hpet_run(HPET_HZ);
	KUNIT_EXPECT_EQ(test, hpet_read(board, COUNTER, 4), 0x10 + HPET_HZ);
}

static void hpet_one_shot(struct kunit *test)
{
	struct board *board = test->priv;

	hpet_write(board, T_CONFIG(1), 4, ENABLE | ROUTE(25));
	hpet_write(board, T_COMPARATOR(1), 4, 5000);
	hpet_write(board, CONFIG, 4, 1);
	hpet_run(4999);
	KUNIT_EXPECT_EQ(test, board->nmis, 0);
	hpet_run(1);
	KUNIT_EXPECT_EQ(test, board->nmis, 1);
	KUNIT_EXPECT_EQ(test, hpet_read(board, STATUS, 4), 0);	/* edge */
	hpet_run(0xffffffff);
	KUNIT_EXPECT_EQ(test, board->nmis, 1);
	hpet_run(1);						/* the counter has gone round */
	KUNIT_EXPECT_EQ(test, board->nmis, 2);
	KUNIT_EXPECT_EQ(test, hpet_read(board, T_COMPARATOR(1), 8), 5000);
	/* Equal is due, one behind is a round away. */
	hpet_write(board, T_COMPARATOR(1), 4, 5000);
	hpet_run(1);
	KUNIT_EXPECT_EQ(test, board->nmis, 3);
	hpet_write(board, T_COMPARATOR(1), 4, 5000);
	hpet_run(1000000);
	KUNIT_EXPECT_EQ(test, board->nmis, 3);
	hpet_write(board, T_CONFIG(1), 4, ROUTE(25));
	hpet_write(board, T_COMPARATOR(1), 4, 1006000);
	hpet_run(10000);
	KUNIT_EXPECT_EQ(test, board->nmis, 3);
}

static void hpet_periodic(struct kunit *test)
{
	struct board *board = test->priv;

	hpet_write(board, T_CONFIG(0), 4, ENABLE | PERIODIC | SET_VALUE | ROUTE(24));
	hpet_write(board, T_COMPARATOR(0), 4, 10000);
	KUNIT_EXPECT_EQ(test, hpet_read(board, T_CONFIG(0), 4), 0x8010 | ENABLE | PERIODIC | ROUTE(24));
	hpet_write(board, T_COMPARATOR(0), 4, 3000);		/* the period alone */
	KUNIT_EXPECT_EQ(test, hpet_read(board, T_COMPARATOR(0), 4), 10000);
	hpet_write(board, CONFIG, 4, 1);
	hpet_run(9999);
	KUNIT_EXPECT_EQ(test, board->nmis, 0);
	hpet_run(1);
	KUNIT_EXPECT_EQ(test, board->nmis, 1);
	KUNIT_EXPECT_EQ(test, hpet_read(board, T_COMPARATOR(0), 4), 13000);
	hpet_run(3000 * 50 - 1);
	KUNIT_EXPECT_EQ(test, board->nmis, 50);
	hpet_run(1);
	KUNIT_EXPECT_EQ(test, board->nmis, 51);
	/* A busy host: what was missed stays missed, the phase does not change. */
	hand_clock_jump(vtimer_ticks_to_ns(3000 * 10 + 100, HPET_HZ));
	KUNIT_EXPECT_EQ(test, board->nmis, 52);
	KUNIT_EXPECT_EQ(test, hpet_read(board, T_COMPARATOR(0), 4), 10000 + 3000 * 61);
	/* To one-shot: the comparator stays where it is. */
	hpet_write(board, T_CONFIG(0), 4, ENABLE | ROUTE(24));
	hand_clock_run(NSEC_PER_SEC);
	KUNIT_EXPECT_EQ(test, board->nmis, 53);
	KUNIT_EXPECT_EQ(test, hpet_read(board, T_COMPARATOR(0), 4), 10000 + 3000 * 61);
}

static void hpet_level(struct kunit *test)
{
	struct board *board = test->priv;

	hpet_write(board, T_CONFIG(2), 4, ENABLE | LEVEL | ROUTE(26));
	hpet_write(board, T_COMPARATOR(2), 4, 100);
	hpet_write(board, CONFIG, 4, 1);
	KUNIT_EXPECT_FALSE(test, board_pin_is_up(board, 26));
	hpet_run(100);
	KUNIT_EXPECT_EQ(test, board->nmis, 1);
	KUNIT_EXPECT_EQ(test, hpet_read(board, STATUS, 8), 4);
	KUNIT_EXPECT_TRUE(test, board_pin_is_up(board, 26));
	hpet_write(board, STATUS, 4, 0xfb);
	KUNIT_EXPECT_TRUE(test, board_pin_is_up(board, 26));
	/* Another route: that pin and no more. */
	hpet_write(board, T_CONFIG(2), 4, ENABLE | LEVEL | ROUTE(27));
	KUNIT_EXPECT_FALSE(test, board_pin_is_up(board, 26));
	KUNIT_EXPECT_TRUE(test, board_pin_is_up(board, 27));
	/* Off: no pin, but the status stays. */
	hpet_write(board, T_CONFIG(2), 4, LEVEL | ROUTE(27));
	KUNIT_EXPECT_FALSE(test, board_pin_is_up(board, 27));
	KUNIT_EXPECT_EQ(test, hpet_read(board, STATUS, 4), 4);
	hpet_write(board, T_CONFIG(2), 4, ENABLE | LEVEL | ROUTE(27));
	KUNIT_EXPECT_TRUE(test, board_pin_is_up(board, 27));
	hpet_write(board, STATUS, 4, 4);
	KUNIT_EXPECT_FALSE(test, board_pin_is_up(board, 27));
	KUNIT_EXPECT_EQ(test, hpet_read(board, STATUS, 4), 0);
	/* To edge: the status goes as well. */
	hpet_write(board, T_COMPARATOR(2), 4, 200);
	hpet_run(100);
	KUNIT_EXPECT_TRUE(test, board_pin_is_up(board, 27));
	hpet_write(board, T_CONFIG(2), 4, ENABLE | ROUTE(27));
	KUNIT_EXPECT_FALSE(test, board_pin_is_up(board, 27));
	KUNIT_EXPECT_EQ(test, hpet_read(board, STATUS, 4), 0);
	/* Reset lets go of it. */
	hpet_write(board, T_CONFIG(2), 4, ENABLE | LEVEL | ROUTE(31));
	hpet_write(board, T_COMPARATOR(2), 4, 300);
	hpet_run(100);
	KUNIT_EXPECT_TRUE(test, board_pin_is_up(board, 31));
	vhpet_reset(hpet);
	KUNIT_EXPECT_FALSE(test, board_pin_is_up(board, 31));
}

static void hpet_routes(struct kunit *test)
{
	struct board *board = test->priv;
	int pin;

	hpet_write(board, CONFIG, 4, 1);
	for (pin = 0; pin < 32; pin++) {
		board->nmis = 0;
		hpet_write(board, T_CONFIG(7), 4, ENABLE | ROUTE(pin));
		hpet_write(board, T_COMPARATOR(7), 4, hpet_read(board, COUNTER, 4) + 10);
		hpet_run(20);
		KUNIT_EXPECT_EQ_MSG(test, board->nmis, pin >= 24, "pin %d", pin);
	}
}

/* A message to vCPU 0 that asks for ExtINT: the house sees it. */
static void hpet_message(struct kunit *test)
{
	struct board *board = test->priv;

	hpet_write(board, T_CONFIG(4), 4, ENABLE | LEVEL | FSB | ROUTE(28));
	hpet_write(board, T_FSB(4), 8, 0xfee0000000000700ULL);
	hpet_write(board, T_COMPARATOR(4), 4, 50);
	hpet_write(board, CONFIG, 4, 1);
	hpet_run(50);
	KUNIT_EXPECT_EQ(test, board->extints, 1);
	KUNIT_EXPECT_EQ(test, board->nmis, 0);
	KUNIT_EXPECT_EQ(test, hpet_read(board, STATUS, 4), 0);
	hpet_write(board, T_FSB(4) + 4, 4, 0x12345678);		/* nobody's address */
	hpet_write(board, T_COMPARATOR(4), 4, 100);
	hpet_run(50);
	hpet_write(board, T_FSB(4) + 4, 4, 0xfee00000);
	hpet_write(board, T_CONFIG(4), 4, FSB | ROUTE(28));
	hpet_write(board, T_COMPARATOR(4), 4, 150);
	hpet_run(50);
	KUNIT_EXPECT_EQ(test, board->extints, 1);
	KUNIT_EXPECT_EQ(test, board->nmis, 0);
}

/* The host was late, and the guest stops the counter first: what was due is not lost. */
static void hpet_stop_fires(struct kunit *test)
{
	struct board *board = test->priv;

	hpet_write(board, T_CONFIG(1), 4, ENABLE | ROUTE(25));
	hpet_write(board, T_COMPARATOR(1), 4, 1000);
	hpet_write(board, T_CONFIG(5), 4, ENABLE | ROUTE(29));
	hpet_write(board, T_COMPARATOR(5), 4, 2000);
	hpet_write(board, CONFIG, 4, 1);
	hand.now_ns += vtimer_ticks_to_ns(1500, HPET_HZ);
	hpet_write(board, CONFIG, 4, 0);
	KUNIT_EXPECT_EQ(test, board->nmis, 1);
	hand_clock_run(NSEC_PER_SEC);
	KUNIT_EXPECT_EQ(test, board->nmis, 1);
	KUNIT_EXPECT_EQ(test, hpet_read(board, COUNTER, 4), 1500);
	hpet_write(board, CONFIG, 4, 1);
	hand_clock_run(vtimer_ticks_to_ns(500, HPET_HZ));
	KUNIT_EXPECT_EQ(test, board->nmis, 2);
}

/* A period below the floor is thinned out; as a one-shot timer, the comparator counts again. */
static void hpet_thinned_to_one_shot(struct kunit *test)
{
	struct board *board = test->priv;
	u32 comparator;

	hpet_write(board, T_CONFIG(0), 4, ENABLE | PERIODIC | SET_VALUE | ROUTE(24));
	hpet_write(board, T_COMPARATOR(0), 4, 10);
	hpet_write(board, CONFIG, 4, 1);
	hpet_run(5000);
	KUNIT_EXPECT_NE(test, board->nmis, 0);
	board->nmis = 0;
	hpet_write(board, T_CONFIG(0), 4, ENABLE | ROUTE(24));
	comparator = hpet_read(board, T_COMPARATOR(0), 4);
	KUNIT_EXPECT_EQ(test, comparator, 5010);
	hpet_run(9);
	KUNIT_EXPECT_EQ(test, board->nmis, 0);
	hpet_run(1);
	KUNIT_EXPECT_EQ(test, board->nmis, 1);
	hpet_run(10000);
	KUNIT_EXPECT_EQ(test, board->nmis, 1);
}

/* D-02: all eight timers as fast as they go share one allowance of 10 kHz. */
static void d02_hpet_storm(struct kunit *test)
{
	struct board *board = test->priv;
	u32 period;
	int n;

	hpet_write(board, CONFIG, 4, 1);
	for (period = 0; period < 4000; period += period < 4 ? 1 : 399) {
		for (n = 0; n < 8; n++) {
			hpet_write(board, T_CONFIG(n), 4,
				   ENABLE | PERIODIC | SET_VALUE | ROUTE(24 + n));
			hpet_write(board, T_COMPARATOR(n), 4, hpet_read(board, COUNTER, 4) + 50);
			hpet_write(board, T_COMPARATOR(n), 4, period);
		}
		hand_clock_run(NSEC_PER_SEC / 100);
		hand.fired = 0;
		board->nmis = 0;
		hand_clock_run(NSEC_PER_SEC / 10);
		KUNIT_EXPECT_LE(test, hand.fired, 1008);
		KUNIT_EXPECT_LE(test, board->nmis, 1008);
		if (period)
			KUNIT_EXPECT_LE(test, 500, board->nmis);
	}
	for (n = 1; n < 8; n++)
		hpet_write(board, T_CONFIG(n), 4, 0);
	hpet_write(board, T_COMPARATOR(0), 4, 1);
	board->nmis = 0;
	hand_clock_run(NSEC_PER_SEC / 10);
	KUNIT_EXPECT_LE(test, board->nmis, 1001);
	KUNIT_EXPECT_LE(test, 990, board->nmis);
}

static struct kunit_case vhpet_cases[] = {
	KUNIT_CASE(hpet_constants),
	KUNIT_CASE(hpet_widths),
	KUNIT_CASE(hpet_counter),
	KUNIT_CASE(hpet_one_shot),
	KUNIT_CASE(hpet_periodic),
	KUNIT_CASE(hpet_level),
	KUNIT_CASE(hpet_routes),
	KUNIT_CASE(hpet_message),
	KUNIT_CASE(hpet_stop_fires),
	KUNIT_CASE(hpet_thinned_to_one_shot),
	KUNIT_CASE(d02_hpet_storm),
	{}
};

static struct kunit_suite vhpet_suite = {
	.name = "vmm-dev-vhpet",
	.init = hpet_init,
	.exit = hpet_exit,
	.test_cases = vhpet_cases,
};
kunit_test_suite(vhpet_suite);

MODULE_LICENSE("Dual BSD/GPL");
