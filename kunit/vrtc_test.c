// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* src/dev/vrtc.c: directed vectors from the MC146818A data sheet and semantics.md section 22. */
#include <kunit/test.h>
#include <linux/limits.h>
#include <linux/module.h>

#include "../src/dev/vrtc.h"
#include "legacy_board.h"

#define REG_A		10
#define REG_B		11
#define REG_C		12
#define REG_D		13
#define CENTURY		0x32
#define SET		0x80
#define PIE		0x40
#define AIE		0x20
#define UIE		0x10
#define BINARY		0x04
#define H24		0x02
#define LAST_SECOND	253402300799LL

static struct vrtc *rtc;

static int rtc_init(struct kunit *test)
{
	struct board *board;

	board_init(test);
	board = test->priv;
	rtc = vrtc_create(&board->irq, &board->clock);
	KUNIT_ASSERT_FALSE(test, IS_ERR(rtc));
	vrtc_connect(rtc, &board->bus);
	board_route_pin(board, 8);
	vrtc_flag_broken_time = true;
	return 0;
}

static void rtc_exit(struct kunit *test)
{
	vrtc_destroy(rtc);
	board_exit(test);
	vrtc_flag_broken_time = true;
}

static int rtc_read(struct board *board, u8 reg)
{
	board_out(board, 0x70, reg);
	return board_in(board, 0x71);
}

static int rtc_write(struct board *board, u8 reg, u8 val)
{
	board_out(board, 0x70, reg);
	return board_out(board, 0x71, val);
}

/* Seconds, minutes, hours, day of week, day, month, year, century; @expected as the guest reads them. */
static void rtc_expect_date(struct kunit *test, const u8 *expected)
{
	static const u8 regs[] = { 0, 2, 4, 6, 7, 8, 9, CENTURY };
	int i;

	for (i = 0; i < ARRAY_SIZE(regs); i++)
		KUNIT_EXPECT_EQ_MSG(test, rtc_read(test->priv, regs[i]), expected[i], "register %d", regs[i]);
}

static void rtc_reset_state(struct kunit *test)
{
	static const u8 epoch[] = { 0x00, 0x00, 0x00, 5, 0x01, 0x01, 0x70, 0x19 };
	struct board *board = test->priv;
	u32 val = 0;

	rtc_expect_date(test, epoch);
	KUNIT_EXPECT_EQ(test, rtc_read(board, REG_A), 0x20);
	KUNIT_EXPECT_EQ(test, rtc_read(board, REG_B), H24);
	KUNIT_EXPECT_EQ(test, rtc_read(board, REG_C), 0);
	KUNIT_EXPECT_EQ(test, rtc_read(board, REG_D), 0x80);
	KUNIT_EXPECT_EQ(test, board_in(board, 0x70), 0xff);
	KUNIT_EXPECT_EQ(test, vrtc_get_time(rtc), 0);
	KUNIT_EXPECT_EQ(test, bus_port_access(&board->bus, true, 0x71, 2, &val), -EIO);
	KUNIT_EXPECT_EQ(test, bus_port_access(&board->bus, false, 0x70, 4, &val), -EIO);
	rtc_write(board, REG_C, 0xff);
	rtc_write(board, REG_D, 0);
	KUNIT_EXPECT_EQ(test, rtc_read(board, REG_C), 0);
	KUNIT_EXPECT_EQ(test, rtc_read(board, REG_D), 0x80);
}

static void rtc_calendar(struct kunit *test)
{
	static const struct {
		s64 secs;
		u8 regs[8];		/* one second later */
	} cases[] = {
		{ 951782399, { 0x00, 0x00, 0x00, 3, 0x29, 0x02, 0x00, 0x20 } },	/* leap year 2000 */
		{ 951868799, { 0x00, 0x00, 0x00, 4, 0x01, 0x03, 0x00, 0x20 } },
		{ 946684799, { 0x00, 0x00, 0x00, 7, 0x01, 0x01, 0x00, 0x20 } },	/* the century */
		{ 4107542399LL, { 0x00, 0x00, 0x00, 2, 0x01, 0x03, 0x00, 0x21 } },	/* 2100 is none */
		{ 1709164799, { 0x00, 0x00, 0x00, 5, 0x29, 0x02, 0x24, 0x20 } },
		{ 1735689598, { 0x59, 0x59, 0x23, 3, 0x31, 0x12, 0x24, 0x20 } },
		{ LAST_SECOND - 1, { 0x59, 0x59, 0x23, 6, 0x31, 0x12, 0x99, 0x99 } },
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		KUNIT_EXPECT_EQ(test, vrtc_set_time(rtc, cases[i].secs), 0);
		KUNIT_EXPECT_EQ(test, vrtc_get_time(rtc), cases[i].secs);
		hand_clock_run(NSEC_PER_SEC - 1);
		KUNIT_EXPECT_EQ(test, vrtc_get_time(rtc), cases[i].secs);
		hand_clock_run(1);
		KUNIT_EXPECT_EQ(test, vrtc_get_time(rtc), cases[i].secs + 1);
		rtc_expect_date(test, cases[i].regs);
	}
}

static void rtc_formats(struct kunit *test)
{
	struct board *board = test->priv;
	int hour;

	for (hour = 0; hour < 24; hour++) {
		int h12 = hour % 12 ? hour % 12 : 12;

		vrtc_set_time(rtc, 1709164799 / 86400 * 86400 + hour * 3600);
		rtc_write(board, REG_B, H24);
		KUNIT_EXPECT_EQ(test, rtc_read(board, 4), hour / 10 * 16 + hour % 10);
		rtc_write(board, REG_B, H24 | BINARY);
		KUNIT_EXPECT_EQ(test, rtc_read(board, 4), hour);
		rtc_write(board, REG_B, BINARY);
		KUNIT_EXPECT_EQ(test, rtc_read(board, 4), h12 + (hour < 12 ? 0 : 0x80));
		rtc_write(board, REG_B, 0);
		KUNIT_EXPECT_EQ(test, rtc_read(board, 4), h12 / 10 * 16 + h12 % 10 + (hour < 12 ? 0 : 0x80));
		KUNIT_EXPECT_EQ(test, rtc_read(board, 7), 0x28);
		KUNIT_EXPECT_EQ(test, rtc_read(board, CENTURY), 0x20);
	}
	rtc_write(board, REG_B, BINARY | 1);			/* daylight saving: a bit */
	KUNIT_EXPECT_EQ(test, rtc_read(board, REG_B), BINARY | 1);
	KUNIT_EXPECT_EQ(test, rtc_read(board, 9), 24);
	KUNIT_EXPECT_EQ(test, rtc_read(board, CENTURY), 20);
}

static void rtc_guest_sets(struct kunit *test)
{
	static const u8 expected[] = { 0x01, 0x00, 0x00, 2, 0x01, 0x01, 0x00, 0x20 };
	struct board *board = test->priv;

	rtc_write(board, REG_B, SET | H24);
	rtc_write(board, 0, 0x59);
	rtc_write(board, 2, 0x59);
	rtc_write(board, 4, 0x23);
	rtc_write(board, 6, 1);					/* a Friday, but it may be called Sunday */
	rtc_write(board, 7, 0x31);
	rtc_write(board, 8, 0x12);
	rtc_write(board, 9, 0x99);
	rtc_write(board, CENTURY, 0x19);
	hand_clock_run(10 * NSEC_PER_SEC);
	KUNIT_EXPECT_EQ(test, vrtc_get_time(rtc), 946684799);
	KUNIT_EXPECT_EQ(test, vrtc_set_time(rtc, 5), -EBUSY);
	KUNIT_EXPECT_EQ(test, vrtc_set_time(rtc, 946684799), 0);
	KUNIT_EXPECT_EQ(test, rtc_write(board, REG_B, H24), 0);
	hand_clock_run(2 * NSEC_PER_SEC);
	rtc_expect_date(test, expected);
	/* Without SET, byte by byte; through dates that do not exist. */
	KUNIT_EXPECT_EQ(test, rtc_write(board, 7, 0x31), 0);
	KUNIT_EXPECT_EQ(test, rtc_write(board, 8, 0x02), 0);
	KUNIT_EXPECT_EQ(test, vrtc_get_time(rtc), -1);
	KUNIT_EXPECT_EQ(test, rtc_write(board, 7, 0x28), 0);
	KUNIT_EXPECT_EQ(test, vrtc_get_time(rtc), 951696001);
}

/* 29 February: only where there is one. */
static void rtc_leap_years(struct kunit *test)
{
	static const struct { u8 century, year; bool leap; } cases[] = {
		{ 0x19, 0x00, false }, { 0x20, 0x00, true }, { 0x21, 0x00, false }, { 0x20, 0x23, false },
		{ 0x20, 0x24, true }, { 0x24, 0x00, true }, { 0x00, 0x00, true }, { 0x99, 0x96, true },
	};
	struct board *board = test->priv;
	int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		rtc_write(board, REG_B, SET | H24);
		rtc_write(board, CENTURY, cases[i].century);
		rtc_write(board, 9, cases[i].year);
		rtc_write(board, 8, 0x02);
		rtc_write(board, 7, 0x29);
		KUNIT_EXPECT_EQ_MSG(test, rtc_write(board, REG_B, H24), cases[i].leap ? 0 : -EIO,
				    "%x%x", cases[i].century, cases[i].year);
		hand_clock_run(86400 * NSEC_PER_SEC);
		KUNIT_EXPECT_EQ(test, rtc_read(board, 8), cases[i].leap ? 0x03 : 0x02);
		KUNIT_EXPECT_EQ(test, rtc_read(board, 7), cases[i].leap ? 0x01 : 0x29);
	}
}

static void rtc_broken(struct kunit *test)
{
	struct board *board = test->priv;
	int flag;

	for (flag = 0; flag < 2; flag++) {
		vrtc_flag_broken_time = flag;
		vrtc_set_time(rtc, 1000000000);
		rtc_write(board, REG_B, SET | H24);
		rtc_write(board, 8, 0x13);
		KUNIT_EXPECT_EQ(test, rtc_write(board, REG_B, H24), flag ? -EIO : 0);
		KUNIT_EXPECT_EQ(test, vrtc_get_time(rtc), -1);
		KUNIT_EXPECT_EQ(test, rtc_read(board, 8), 0x13);
		KUNIT_EXPECT_EQ(test, rtc_write(board, CENTURY, 0x21), flag ? -EIO : 0);
		hand_clock_run(5 * NSEC_PER_SEC);
		KUNIT_EXPECT_EQ(test, rtc_read(board, 0), 0x40);
		KUNIT_EXPECT_EQ(test, rtc_write(board, 8, 0x12), 0);
		KUNIT_EXPECT_NE(test, vrtc_get_time(rtc), -1);
	}
	KUNIT_EXPECT_EQ(test, vrtc_set_time(rtc, -1), 0);
	KUNIT_EXPECT_EQ(test, vrtc_get_time(rtc), -1);
	KUNIT_EXPECT_EQ(test, vrtc_set_time(rtc, 7), 0);
	KUNIT_EXPECT_EQ(test, vrtc_get_time(rtc), 7);
}

/* D-08: no time leads out of the calendar. */
static void d08_rtc_set_time(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, vrtc_set_time(rtc, -2), -EINVAL);
	KUNIT_EXPECT_EQ(test, vrtc_set_time(rtc, S64_MIN), -EINVAL);
	KUNIT_EXPECT_EQ(test, vrtc_set_time(rtc, S64_MAX), -EINVAL);
	KUNIT_EXPECT_EQ(test, vrtc_set_time(rtc, LAST_SECOND + 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, vrtc_set_time(rtc, LAST_SECOND), 0);
	hand_clock_run(NSEC_PER_SEC);
	KUNIT_EXPECT_EQ(test, rtc_read(test->priv, 9), 0x00);
	KUNIT_EXPECT_EQ(test, rtc_read(test->priv, CENTURY), 0x00);
}

static void rtc_nvram(struct kunit *test)
{
	struct board *board = test->priv;
	int offset;
	u8 val;

	for (offset = -3; offset < 260; offset++) {
		bool readable = offset >= 0 && offset < 128;
		bool writable = readable && offset >= 14 && offset != CENTURY;

		KUNIT_EXPECT_EQ(test, vrtc_nvram_read(rtc, offset, &val), readable ? 0 : -EINVAL);
		KUNIT_EXPECT_EQ(test, vrtc_nvram_write(rtc, offset, offset ^ 0x5a),
				writable ? 0 : -EINVAL);
		if (writable) {
			KUNIT_EXPECT_EQ(test, rtc_read(board, offset), offset ^ 0x5a);
			KUNIT_EXPECT_EQ(test, rtc_read(board, offset | 0x80), offset ^ 0x5a);
		}
	}
	KUNIT_EXPECT_EQ(test, vrtc_nvram_read(rtc, INT_MAX, &val), -EINVAL);
	KUNIT_EXPECT_EQ(test, vrtc_nvram_write(rtc, INT_MIN, 0), -EINVAL);
	rtc_write(board, 0x40, 0xa5);
	KUNIT_EXPECT_EQ(test, vrtc_nvram_read(rtc, 0x40, &val), 0);
	KUNIT_EXPECT_EQ(test, val, 0xa5);
	hand_clock_run(3 * NSEC_PER_SEC);
	KUNIT_EXPECT_EQ(test, vrtc_nvram_read(rtc, 0, &val), 0);
	KUNIT_EXPECT_EQ(test, val, 0x03);
	KUNIT_EXPECT_EQ(test, vrtc_nvram_read(rtc, REG_C, &val), 0);
	KUNIT_EXPECT_EQ(test, val, 0x10);
	KUNIT_EXPECT_EQ(test, rtc_read(board, REG_C), 0x10);	/* still there, and now gone */
	KUNIT_EXPECT_EQ(test, rtc_read(board, REG_C), 0x00);
}

static void rtc_periodic(struct kunit *test)
{
	static const u16 hz[] = { 0, 256, 128, 8192, 4096, 2048, 1024, 512, 256, 128, 64, 32, 16, 8, 4, 2 };
	struct board *board = test->priv;
	int rate, i, expected;

	rtc_write(board, REG_B, H24 | PIE);
	for (rate = 0; rate < 16; rate++) {
		rtc_write(board, REG_A, 0x20 | rate);
		vrtc_set_time(rtc, 0);
		rtc_read(board, REG_C);
		board->nmis = 0;
		expected = hz[rate];
		for (i = 0; i < expected; i++) {
			hand_clock_run((NSEC_PER_SEC + hz[rate] - 1) / hz[rate]);
			KUNIT_EXPECT_EQ_MSG(test, board->nmis, i + 1, "rate %d", rate);
			KUNIT_EXPECT_EQ(test, rtc_read(board, REG_C) & 0xe0, 0xc0);
		}
		/* Not acknowledged: nothing follows, and the host does not tick for it. */
		hand.fired = 0;
		hand_clock_run(2 * NSEC_PER_SEC);
		KUNIT_EXPECT_LE(test, hand.fired, 1);
	}
}

static void rtc_update_ended(struct kunit *test)
{
	struct board *board = test->priv;

	rtc_write(board, REG_B, H24 | UIE);
	hand_clock_run(NSEC_PER_SEC - 1);
	KUNIT_EXPECT_EQ(test, board->nmis, 0);
	hand_clock_run(1);
	KUNIT_EXPECT_EQ(test, board->nmis, 1);
	KUNIT_EXPECT_EQ(test, rtc_read(board, REG_C), 0x90);
	hand_clock_run(NSEC_PER_SEC);
	KUNIT_EXPECT_EQ(test, board->nmis, 2);
	/* SET takes the enable away, and there are no updates. */
	rtc_write(board, REG_B, H24 | UIE | SET);
	KUNIT_EXPECT_EQ(test, rtc_read(board, REG_B), H24 | SET);
	rtc_read(board, REG_C);
	hand_clock_run(2 * NSEC_PER_SEC);
	KUNIT_EXPECT_EQ(test, rtc_read(board, REG_C), 0);
	/* Enabling what has happened already interrupts at once; disabling takes IRQF back. */
	rtc_write(board, REG_B, H24);
	hand_clock_run(NSEC_PER_SEC);
	KUNIT_EXPECT_EQ(test, board->nmis, 2);
	rtc_write(board, REG_B, H24 | UIE);
	KUNIT_EXPECT_EQ(test, board->nmis, 3);
	rtc_write(board, REG_B, H24);
	KUNIT_EXPECT_EQ(test, rtc_read(board, REG_C), 0x10);
}

static void rtc_alarm(struct kunit *test)
{
	struct board *board = test->priv;
	s64 midnight = 1709164800;
	int i;

	vrtc_set_time(rtc, midnight);
	rtc_write(board, 1, 0x30);
	rtc_write(board, 3, 0x15);
	rtc_write(board, 5, 0x06);
	rtc_write(board, REG_B, H24 | AIE);
	for (i = 0; i < 3; i++) {
		vrtc_set_time(rtc, midnight + 6 * 3600 + 15 * 60 + 29);
		board->nmis = 0;
		hand_clock_run(NSEC_PER_SEC);
		KUNIT_EXPECT_EQ(test, board->nmis, 1);
		KUNIT_EXPECT_EQ(test, rtc_read(board, REG_C), 0xb0);
		hand_clock_run(86399 * NSEC_PER_SEC);
		KUNIT_EXPECT_EQ(test, board->nmis, 1);
		hand_clock_run(NSEC_PER_SEC);
		KUNIT_EXPECT_EQ(test, board->nmis, 2);
		rtc_read(board, REG_C);
	}
	/* Any hour, any minute; then a value that no clock shows. */
	rtc_write(board, 5, 0xff);
	rtc_write(board, 3, 0xc0);
	vrtc_set_time(rtc, midnight);
	rtc_read(board, REG_C);
	board->nmis = 0;
	for (i = 0; i < 5; i++) {
		hand_clock_run(60 * NSEC_PER_SEC);
		rtc_read(board, REG_C);
	}
	KUNIT_EXPECT_EQ(test, board->nmis, 5);
	rtc_write(board, 1, 0x60);
	rtc_read(board, REG_C);
	hand_clock_run(2 * 86400 * NSEC_PER_SEC);
	KUNIT_EXPECT_EQ(test, rtc_read(board, REG_C), 0x10);
	/* Twelve hours: 1 pm. */
	rtc_write(board, REG_B, AIE);
	rtc_write(board, 1, 0);
	rtc_write(board, 3, 0);
	rtc_write(board, 5, 0x81);
	vrtc_set_time(rtc, midnight + 3599);
	rtc_read(board, REG_C);
	board->nmis = 0;
	hand_clock_run(NSEC_PER_SEC);
	KUNIT_EXPECT_EQ(test, board->nmis, 0);
	hand_clock_run(12 * 3600 * NSEC_PER_SEC);
	KUNIT_EXPECT_EQ(test, board->nmis, 1);
}

static void rtc_divider(struct kunit *test)
{
	struct board *board = test->priv;

	vrtc_set_time(rtc, 100);
	hand_clock_run(300000000);
	rtc_write(board, REG_A, 0x76);
	hand_clock_run(10 * NSEC_PER_SEC);
	KUNIT_EXPECT_EQ(test, vrtc_get_time(rtc), 100);
	KUNIT_EXPECT_EQ(test, rtc_read(board, REG_C), 0);
	KUNIT_EXPECT_EQ(test, vrtc_set_time(rtc, 200), 0);	/* only SET is the guest's own business */
	KUNIT_EXPECT_EQ(test, rtc_write(board, REG_A, 0x26), 0);
	hand_clock_run(NSEC_PER_SEC / 2 - 1);			/* first update after half a second */
	KUNIT_EXPECT_EQ(test, vrtc_get_time(rtc), 200);
	hand_clock_run(1);
	KUNIT_EXPECT_EQ(test, vrtc_get_time(rtc), 201);
	hand_clock_run(NSEC_PER_SEC);
	KUNIT_EXPECT_EQ(test, vrtc_get_time(rtc), 202);
	rtc_write(board, REG_A, 0x66);
	rtc_write(board, 7, 0x32);
	KUNIT_EXPECT_EQ(test, rtc_write(board, REG_A, 0x26), -EIO);
	KUNIT_EXPECT_EQ(test, vrtc_get_time(rtc), -1);
}

static void rtc_update_in_progress(struct kunit *test)
{
	struct board *board = test->priv;

	vrtc_set_time(rtc, 0);
	hand_clock_run(997700000);
	KUNIT_EXPECT_EQ(test, rtc_read(board, REG_A), 0x20);
	hand_clock_run(100000);
	KUNIT_EXPECT_EQ(test, rtc_read(board, REG_A), 0xa0);
	KUNIT_EXPECT_EQ(test, rtc_read(board, 0), 0);
	hand_clock_run(2199999);
	KUNIT_EXPECT_EQ(test, rtc_read(board, REG_A), 0xa0);
	hand_clock_run(1);
	KUNIT_EXPECT_EQ(test, rtc_read(board, REG_A), 0x20);
	KUNIT_EXPECT_EQ(test, rtc_read(board, 0), 1);
	hand_clock_run(999000000);
	rtc_write(board, REG_B, H24 | SET);
	KUNIT_EXPECT_EQ(test, rtc_read(board, REG_A), 0x20);
	rtc_write(board, REG_A, 0xff);				/* the bit is read-only */
	KUNIT_EXPECT_EQ(test, rtc_read(board, REG_A), 0x7f);
}

static void rtc_reinit(struct kunit *test)
{
	struct board *board = test->priv;

	vrtc_set_time(rtc, 1000);
	rtc_write(board, REG_A, 0x26);
	rtc_write(board, REG_B, H24 | PIE | AIE | UIE | BINARY);
	rtc_write(board, 0x20, 0x77);
	vrtc_reset(rtc);
	board->nmis = 0;
	hand.fired = 0;
	hand_clock_run(2 * NSEC_PER_SEC);
	KUNIT_EXPECT_EQ(test, hand.fired, 0);
	KUNIT_EXPECT_EQ(test, board->nmis, 0);
	KUNIT_EXPECT_EQ(test, vrtc_get_time(rtc), 1002);
	KUNIT_EXPECT_EQ(test, rtc_read(board, REG_B), H24 | BINARY);
	KUNIT_EXPECT_EQ(test, rtc_read(board, 0x20), 0x77);
}

static struct kunit_case vrtc_cases[] = {
	KUNIT_CASE(rtc_reset_state),
	KUNIT_CASE(rtc_calendar),
	KUNIT_CASE(rtc_formats),
	KUNIT_CASE(rtc_guest_sets),
	KUNIT_CASE(rtc_leap_years),
	KUNIT_CASE(rtc_broken),
	KUNIT_CASE(d08_rtc_set_time),
	KUNIT_CASE(rtc_nvram),
	KUNIT_CASE(rtc_periodic),
	KUNIT_CASE(rtc_update_ended),
	KUNIT_CASE(rtc_alarm),
	KUNIT_CASE(rtc_divider),
	KUNIT_CASE(rtc_update_in_progress),
	KUNIT_CASE(rtc_reinit),
	{}
};

static struct kunit_suite vrtc_suite = {
	.name = "vmm-dev-vrtc",
	.init = rtc_init,
	.exit = rtc_exit,
	.test_cases = vrtc_cases,
};
kunit_test_suite(vrtc_suite);

MODULE_LICENSE("Dual BSD/GPL");
