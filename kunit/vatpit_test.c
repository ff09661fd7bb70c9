// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* src/dev/vatpit.c: directed vectors from the 8254 data sheet and semantics.md section 19. */
#include <kunit/test.h>
#include <linux/module.h>

#include "../src/dev/vatpit.h"
#include "legacy_board.h"

#define PIT_HZ		1193182
#define CONTROL		0x43
#define CW(channel, mode)	((channel) << 6 | 0x30 | (mode) << 1)
#define MODE0		0
#define MODE2		2
#define MODE3		3
#define MODE4		4
#define BCD		1

static struct vatpit *pit;
static u64 pit_ticks;		/* where pit_run_to() has got to */

static int pit_init(struct kunit *test)
{
	struct board *board;

	board_init(test);
	board = test->priv;
	pit = vatpit_create(&board->irq, &board->clock);
	KUNIT_ASSERT_FALSE(test, IS_ERR(pit));
	vatpit_connect(pit, &board->bus);
	board_pic_init(board, 0x03);
	board_route_pin(board, 2);
	pit_ticks = 0;
	return 0;
}

static void pit_exit(struct kunit *test)
{
	vatpit_destroy(pit);
	board_exit(test);
}

/* Go to that tick of the chip's clock, counted from its creation. */
static void pit_run_to(u64 ticks)
{
	hand_clock_run(vtimer_ticks_to_ns(ticks, PIT_HZ) - vtimer_ticks_to_ns(pit_ticks, PIT_HZ));
	pit_ticks = ticks;
}

static void pit_run(u64 ticks)
{
	pit_run_to(pit_ticks + ticks);
}

static void pit_load(struct board *board, int channel, u16 count)
{
	board_out(board, 0x40 + channel, count & 0xff);
	board_out(board, 0x40 + channel, count >> 8);
}

/* Programmed, and run up to the tick that loads the count. */
static void pit_start(struct board *board, int channel, u8 mode_bcd, u16 count)
{
	board_out(board, CONTROL, CW(channel, 0) | mode_bcd);
	pit_load(board, channel, count);
	pit_run(1);
}

static u16 pit_count(struct board *board, int channel)
{
	u16 low = board_in(board, 0x40 + channel);

	return low | board_in(board, 0x40 + channel) << 8;
}

static u8 pit_status(struct board *board, int channel)
{
	board_out(board, CONTROL, 0xe0 | 2 << channel);
	return board_in(board, 0x40 + channel);
}

static void pit_refuses(struct kunit *test)
{
	struct board *board = test->priv;
	u32 val = 0;
	int cw, port;

	for (cw = 0; cw < 256; cw++) {
		int access = cw >> 4 & 3, mode = cw >> 1 & 7;
		bool good = cw >> 6 == 3 || access == 0 || (access == 3 && mode != 1 && mode != 5);

		KUNIT_EXPECT_EQ_MSG(test, board_out(board, CONTROL, cw), good ? 0 : -EIO, "0x%x", cw);
	}
	KUNIT_EXPECT_EQ(test, board_in(board, CONTROL), -EIO);
	for (port = 0x40; port <= 0x43; port++) {
		KUNIT_EXPECT_EQ(test, bus_port_access(&board->bus, true, port, 2, &val), -EIO);
		KUNIT_EXPECT_EQ(test, bus_port_access(&board->bus, false, port, 4, &val), -EIO);
	}
	KUNIT_EXPECT_EQ(test, bus_port_access(&board->bus, true, 0x61, 2, &val), -EIO);
}

static void pit_mode0(struct kunit *test)
{
	struct board *board = test->priv;

	pit_start(board, 0, MODE0 << 1, 1000);
	KUNIT_EXPECT_EQ(test, pit_count(board, 0), 1000);
	KUNIT_EXPECT_EQ(test, pit_status(board, 0), 0x30);
	pit_run(999);
	KUNIT_EXPECT_EQ(test, pit_count(board, 0), 1);
	KUNIT_EXPECT_EQ(test, board->nmis, 0);
	pit_run(1);
	KUNIT_EXPECT_EQ(test, board->nmis, 1);
	KUNIT_EXPECT_EQ(test, board_inta(board), BOARD_MASTER_BASE);
	KUNIT_EXPECT_EQ(test, pit_status(board, 0), 0xb0);
	KUNIT_EXPECT_EQ(test, pit_count(board, 0), 0);
	pit_run(1);
	KUNIT_EXPECT_EQ(test, pit_count(board, 0), 0xffff);
	pit_run(1000000);
	KUNIT_EXPECT_EQ(test, board->nmis, 1);
	/* A new count starts over; its first byte stops the old one. */
	board_out(board, 0x40, 0x10);
	KUNIT_EXPECT_EQ(test, pit_status(board, 0), 0x30);
	pit_run(500);
	board_out(board, 0x40, 0x00);
	pit_run(16);
	KUNIT_EXPECT_EQ(test, board->nmis, 1);
	pit_run(1);
	KUNIT_EXPECT_EQ(test, board->nmis, 2);
}

static void pit_mode2(struct kunit *test)
{
	struct board *board = test->priv;

	pit_start(board, 0, MODE2 << 1, 1000);
	KUNIT_EXPECT_EQ(test, pit_count(board, 0), 1000);
	KUNIT_EXPECT_EQ(test, pit_status(board, 0), 0xb4);
	pit_run(999);
	KUNIT_EXPECT_EQ(test, pit_count(board, 0), 1);
	KUNIT_EXPECT_EQ(test, pit_status(board, 0), 0x34);	/* low for one tick */
	KUNIT_EXPECT_EQ(test, board->nmis, 0);
	pit_run(1);
	KUNIT_EXPECT_EQ(test, board->nmis, 1);
	KUNIT_EXPECT_EQ(test, pit_count(board, 0), 1000);
	pit_run(99 * 1000);
	KUNIT_EXPECT_EQ(test, board->nmis, 100);
	/* A new count waits for the end of the period. */
	pit_run(400);
	pit_load(board, 0, 5000);
	KUNIT_EXPECT_EQ(test, pit_status(board, 0), 0xf4);
	KUNIT_EXPECT_EQ(test, pit_count(board, 0), 600);
	pit_run(600);
	KUNIT_EXPECT_EQ(test, board->nmis, 101);
	KUNIT_EXPECT_EQ(test, pit_status(board, 0), 0xb4);
	KUNIT_EXPECT_EQ(test, pit_count(board, 0), 5000);
	pit_run(4999);
	KUNIT_EXPECT_EQ(test, board->nmis, 101);
	pit_run(1);
	KUNIT_EXPECT_EQ(test, board->nmis, 102);
	/* A control word stops it. */
	board_out(board, CONTROL, CW(0, MODE2));
	pit_run(100000);
	KUNIT_EXPECT_EQ(test, board->nmis, 102);
}

/* Values of the data sheet's figure: 4 2 4 2, and 4 2 0 4 2 for a count of 5. */
static void pit_mode3(struct kunit *test)
{
	static const u8 even[] = { 4, 2, 4, 2 }, odd[] = { 4, 2, 0, 4, 2 };
	struct board *board = test->priv;
	int i;

	pit_start(board, 1, MODE3 << 1, 4);
	for (i = 0; i < 12; i++) {
		KUNIT_EXPECT_EQ(test, pit_count(board, 1), even[i % 4]);
		KUNIT_EXPECT_EQ(test, pit_status(board, 1), i % 4 < 2 ? 0xb6 : 0x36);
		pit_run(1);
	}
	pit_start(board, 1, 7 << 1, 5);				/* bit 2 of the mode does not matter */
	for (i = 0; i < 15; i++) {
		KUNIT_EXPECT_EQ(test, pit_count(board, 1), odd[i % 5]);
		KUNIT_EXPECT_EQ(test, pit_status(board, 1), i % 5 < 3 ? 0xbe : 0x3e);
		pit_run(1);
	}
	pit_start(board, 0, MODE3 << 1, 1000);
	pit_run(10 * 1000);
	KUNIT_EXPECT_EQ(test, board->nmis, 10);
	/* A new count from the end of the half period: 500 high, then 1000 low. */
	pit_run(100);
	pit_load(board, 0, 2000);
	pit_run(400);
	KUNIT_EXPECT_EQ(test, pit_count(board, 0), 2000);
	KUNIT_EXPECT_EQ(test, pit_status(board, 0), 0x36);
	pit_run(999);
	KUNIT_EXPECT_EQ(test, board->nmis, 10);
	pit_run(1);
	KUNIT_EXPECT_EQ(test, board->nmis, 11);
	KUNIT_EXPECT_EQ(test, pit_status(board, 0), 0xb6);
	pit_run(2000);
	KUNIT_EXPECT_EQ(test, board->nmis, 12);
}

static void pit_mode4(struct kunit *test)
{
	struct board *board = test->priv;

	pit_start(board, 0, MODE4 << 1, 1000);
	KUNIT_EXPECT_EQ(test, pit_status(board, 0), 0xb8);
	pit_run(1000);
	KUNIT_EXPECT_EQ(test, pit_status(board, 0), 0x38);	/* the strobe */
	KUNIT_EXPECT_EQ(test, board->nmis, 0);
	pit_run(1);
	KUNIT_EXPECT_EQ(test, pit_status(board, 0), 0xb8);
	KUNIT_EXPECT_EQ(test, board->nmis, 1);
	KUNIT_EXPECT_EQ(test, pit_count(board, 0), 0xffff);
	pit_run(200000);
	KUNIT_EXPECT_EQ(test, board->nmis, 1);
	pit_load(board, 0, 10);
	pit_run(20);
	KUNIT_EXPECT_EQ(test, board->nmis, 2);
}

static void pit_latch(struct kunit *test)
{
	struct board *board = test->priv;

	pit_start(board, 2, MODE2 << 1, 0x1234);
	board_out(board, CONTROL, 0x80);
	pit_run(0x100);
	board_out(board, CONTROL, 0x80);			/* latched already */
	KUNIT_EXPECT_EQ(test, pit_count(board, 2), 0x1234);
	KUNIT_EXPECT_EQ(test, pit_count(board, 2), 0x1134);
	/* Status and count at once: status first. */
	board_out(board, CONTROL, 0xc8);
	pit_run(0x34);
	KUNIT_EXPECT_EQ(test, board_in(board, 0x42), 0xb4);
	KUNIT_EXPECT_EQ(test, pit_count(board, 2), 0x1134);
	KUNIT_EXPECT_EQ(test, pit_count(board, 2), 0x1100);
	/* Both bytes belong together, however long that takes. */
	KUNIT_EXPECT_EQ(test, board_in(board, 0x42), 0x00);
	pit_run(1);
	KUNIT_EXPECT_EQ(test, board_in(board, 0x42), 0x11);
	/* All channels by one command. */
	pit_start(board, 1, MODE2 << 1, 0x4321);
	board_out(board, CONTROL, 0xdc);
	pit_run(5);
	KUNIT_EXPECT_EQ(test, pit_count(board, 1), 0x4321);
}

static void pit_bcd(struct kunit *test)
{
	struct board *board = test->priv;

	pit_start(board, 2, MODE0 << 1 | BCD, 0x1000);
	KUNIT_EXPECT_EQ(test, pit_count(board, 2), 0x1000);
	pit_run(1);
	KUNIT_EXPECT_EQ(test, pit_count(board, 2), 0x0999);
	KUNIT_EXPECT_EQ(test, pit_status(board, 2), 0x31);
	pit_run(999);
	KUNIT_EXPECT_EQ(test, pit_count(board, 2), 0x0000);
	KUNIT_EXPECT_EQ(test, pit_status(board, 2), 0xb1);
	pit_run(1);
	KUNIT_EXPECT_EQ(test, pit_count(board, 2), 0x9999);
	pit_start(board, 2, MODE2 << 1 | BCD, 0);
	KUNIT_EXPECT_EQ(test, pit_count(board, 2), 0x0000);	/* 10000 */
	pit_run(1);
	KUNIT_EXPECT_EQ(test, pit_count(board, 2), 0x9999);
	pit_run(9999);
	KUNIT_EXPECT_EQ(test, pit_count(board, 2), 0x0000);
}

static void pit_zero_and_idle(struct kunit *test)
{
	struct board *board = test->priv;

	KUNIT_EXPECT_EQ(test, pit_count(board, 1), 11932);
	pit_run(11931);
	KUNIT_EXPECT_EQ(test, pit_count(board, 1), 1);
	pit_run(1);
	KUNIT_EXPECT_EQ(test, pit_count(board, 1), 11932);
	pit_start(board, 0, MODE2 << 1, 0);
	KUNIT_EXPECT_EQ(test, pit_count(board, 0), 0xffff);
	pit_run(65535 * 3);
	KUNIT_EXPECT_EQ(test, board->nmis, 3);
	pit_start(board, 0, MODE2 << 1, 1);
	KUNIT_EXPECT_EQ(test, pit_count(board, 0), 1);
	pit_start(board, 0, MODE3 << 1, 1);
	KUNIT_EXPECT_EQ(test, pit_count(board, 0), 0);
}

static void pit_port_b(struct kunit *test)
{
	struct board *board = test->priv;

	KUNIT_EXPECT_EQ(test, board_in(board, 0x61), 0);
	KUNIT_EXPECT_EQ(test, board_out(board, 0x61, 0xff), 0);
	KUNIT_EXPECT_EQ(test, board_in(board, 0x61), 0);
	pit_start(board, 2, MODE0 << 1, 100);
	pit_run(99);
	KUNIT_EXPECT_EQ(test, board_in(board, 0x61), 0);
	pit_run(1);
	KUNIT_EXPECT_EQ(test, board_in(board, 0x61), 0x20);
	board_out(board, 0x61, 0);
	KUNIT_EXPECT_EQ(test, board_in(board, 0x61), 0x20);
	pit_start(board, 2, MODE3 << 1, 100);
	KUNIT_EXPECT_EQ(test, board_in(board, 0x61), 0);	/* shown in mode 0 only */
}

/* D-02: the shortest periods, and a host that was busy. */
static void d02_pit_storm(struct kunit *test)
{
	struct board *board = test->priv;
	u16 count;

	for (count = 1; count < 130; count++) {
		pit_start(board, 0, MODE2 << 1, count);
		board->nmis = 0;
		hand_clock_run(100000000);
		KUNIT_EXPECT_LE(test, board->nmis, 1001);
		KUNIT_EXPECT_LE(test, 490, board->nmis);
		board_out(board, CONTROL, CW(0, MODE0));
	}
	pit_start(board, 0, MODE2 << 1, 1193);
	board->nmis = 0;
	hand.fired = 0;
	hand_clock_jump(1000000000);
	KUNIT_EXPECT_EQ(test, board->nmis, 1);
	KUNIT_EXPECT_EQ(test, hand.fired, 1);
	vatpit_reset(pit);
	hand_clock_run(1000000000);
	KUNIT_EXPECT_EQ(test, board->nmis, 1);
}

/* What was due goes out first: the guest that looks late sees OUT high and has its interrupt. */
static void pit_looks_late(struct kunit *test)
{
	struct board *board = test->priv;

	pit_start(board, 0, MODE0 << 1, 1000);
	hand.now_ns += 10000000;
	KUNIT_EXPECT_EQ(test, pit_status(board, 0), 0xb0);
	KUNIT_EXPECT_EQ(test, board->nmis, 1);
	hand_clock_run(0);
	KUNIT_EXPECT_EQ(test, board->nmis, 1);
}

static struct kunit_case vatpit_cases[] = {
	KUNIT_CASE(pit_refuses),
	KUNIT_CASE(pit_mode0),
	KUNIT_CASE(pit_mode2),
	KUNIT_CASE(pit_mode3),
	KUNIT_CASE(pit_mode4),
	KUNIT_CASE(pit_latch),
	KUNIT_CASE(pit_bcd),
	KUNIT_CASE(pit_zero_and_idle),
	KUNIT_CASE(pit_port_b),
	KUNIT_CASE(d02_pit_storm),
	KUNIT_CASE(pit_looks_late),
	{}
};

static struct kunit_suite vatpit_suite = {
	.name = "vmm-dev-vatpit",
	.init = pit_init,
	.exit = pit_exit,
	.test_cases = vatpit_cases,
};
kunit_test_suite(vatpit_suite);

MODULE_LICENSE("Dual BSD/GPL");
