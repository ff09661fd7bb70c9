// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * The RTC against a clock of wheels: each update is a call that turns the second's wheel and, when
 * one has gone round, the next. Far dates are compared with the C library's calendar.
 */
#include <time.h>
#include <linux/module.h>
#include "../../../src/dev/vrtc.h"
#include "fabric.h"
#include "legacy_board.h"
#include "random.h"

#define STEPS		6000
#define LAST_SECOND	253402300799LL

#define B_SET		0x80
#define B_AIE		0x20
#define B_BINARY	0x04
#define B_24H		0x02

static struct vrtc *rtc;

/* The wheels. */
static int second, minute, hour, weekday, day, month, year;
static u8 reg_b, alarm[3];	/* alarm registers: seconds, minutes, hours */
static u8 flags;		/* AF and UF as register C has them */
static u64 phase_ns;		/* since the last update */

static int month_length(void)
{
	static const int lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = year % 4 == 0 && (year % 100 || year % 400 == 0);

	return month == 2 && leap ? 29 : lengths[month - 1];
}

static u8 raw(int val)
{
	return reg_b & B_BINARY ? val : val / 10 * 16 + val % 10;
}

static u8 raw_hour(void)
{
	if (reg_b & B_24H)
		return raw(hour);
	return raw((hour + 11) % 12 + 1) | (hour < 12 ? 0 : 0x80);
}

static bool alarm_byte(u8 byte, u8 now)
{
	return byte >= 0xc0 || byte == now;
}

static void model_update(void)
{
	if (++second == 60) {
		second = 0;
		if (++minute == 60) {
			minute = 0;
			if (++hour == 24) {
				hour = 0;
				weekday = weekday % 7 + 1;
				if (++day > month_length()) {
					day = 1;
					if (++month == 13) {
						month = 1;
						year = (year + 1) % 10000;
					}
				}
			}
		}
	}
	flags |= 0x10;
	if (alarm_byte(alarm[0], raw(second)) && alarm_byte(alarm[1], raw(minute)) &&
	    alarm_byte(alarm[2], raw_hour()))
		flags |= 0x20;
}

static void run(u64 ns)
{
	hand_clock_run(ns);
	phase_ns += ns;
	for (; phase_ns >= NSEC_PER_SEC; phase_ns -= NSEC_PER_SEC)
		model_update();
}

static void set_wheels(s64 secs)
{
	struct tm tm;
	time_t t = secs;

	gmtime_r(&t, &tm);
	second = tm.tm_sec;
	minute = tm.tm_min;
	hour = tm.tm_hour;
	weekday = tm.tm_wday + 1;
	day = tm.tm_mday;
	month = tm.tm_mon + 1;
	year = tm.tm_year + 1900;
}

static s64 wheels_secs(void)
{
	struct tm tm = {
		.tm_sec = second, .tm_min = minute, .tm_hour = hour,
		.tm_mday = day, .tm_mon = month - 1, .tm_year = year - 1900,
	};

	return timegm(&tm);
}

static int get(struct board *board, u8 reg)
{
	board_out(board, 0x70, reg);
	return board_in(board, 0x71);
}

static int put(struct board *board, u8 reg, u8 val)
{
	board_out(board, 0x70, reg);
	return board_out(board, 0x71, val);
}

static void compare(struct kunit *test, int step)
{
	struct board *board = test->priv;
	const struct { u8 reg, val; } bytes[] = {
		{ 0, raw(second) }, { 2, raw(minute) }, { 4, raw_hour() }, { 6, weekday },
		{ 7, raw(day) }, { 8, raw(month) }, { 9, raw(year % 100) }, { 0x32, raw(year / 100) },
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(bytes); i++)
		KUNIT_EXPECT_EQ_MSG(test, get(board, bytes[i].reg), bytes[i].val,
				    "register %d, step %d", bytes[i].reg, step);
	KUNIT_EXPECT_EQ_MSG(test, vrtc_get_time(rtc), wheels_secs(), "step %d", step);
}

static void set_time(struct kunit *test)
{
	s64 secs = random_below(LAST_SECOND + 1);

	/* Where wheels turn: ends of months, years and centuries. */
	if (random_one_in(2))
		secs -= secs % 86400 + 1 + random_below(3);
	if (secs < 0)
		secs = 0;
	KUNIT_EXPECT_EQ(test, vrtc_set_time(rtc, secs), 0);
	set_wheels(secs);
	phase_ns = 0;
}

/* The guest sets a date, maybe another day of the week than the calendar's, while updates are halted. */
static void guest_sets(struct kunit *test)
{
	struct board *board = test->priv;
	u64 stands_ns = random_below(3 * NSEC_PER_SEC);

	KUNIT_EXPECT_EQ(test, put(board, 11, reg_b | B_SET), 0);
	year = random_below(10000);
	month = 1 + random_below(12);
	day = 1 + random_below(month_length());
	hour = random_below(24);
	minute = random_below(60);
	second = random_below(60);
	weekday = 1 + random_below(7);
	put(board, 9, raw(year % 100));
	put(board, 0x32, raw(year / 100));
	put(board, 8, raw(month));
	put(board, 7, raw(day));
	put(board, 6, weekday);
	put(board, 4, raw_hour());
	put(board, 2, raw(minute));
	put(board, 0, raw(second));
	hand_clock_run(stands_ns);
	phase_ns = (phase_ns + stands_ns) % NSEC_PER_SEC;	/* the divider goes on */
	compare(test, -1);
	KUNIT_EXPECT_EQ(test, put(board, 11, reg_b), 0);
}

static void new_alarm(struct board *board)
{
	int i, bound[] = { 60, 60, 24 };

	for (i = 0; i < 3; i++) {
		alarm[i] = raw(random_below(bound[i]));
		if (i == 2 && !(reg_b & B_24H))
			alarm[i] = raw(1 + random_below(12)) | random_below(2) << 7;
		if (random_one_in(3))
			alarm[i] = 0xc0 | random_bits();
		if (random_one_in(10))
			alarm[i] = random_bits();
		put(board, 1 + 2 * i, alarm[i]);
	}
}

static int init(struct kunit *test)
{
	struct board *board;

	board_init(test);
	board = test->priv;
	rtc = vrtc_create(&board->irq, &board->clock);
	vrtc_connect(rtc, &board->bus);
	vrtc_flag_broken_time = true;
	reg_b = B_24H;
	memset(alarm, 0, sizeof(alarm));
	flags = 0;
	phase_ns = 0;
	set_wheels(0);
	return 0;
}

static void fini(struct kunit *test)
{
	vrtc_destroy(rtc);
	board_exit(test);
}

static void rtc_random(struct kunit *test)
{
	struct board *board = test->priv;
	int i;

	for (i = 0; i < STEPS && !test->failures; i++) {
		switch (random_below(12)) {
		case 0:
			set_time(test);
			break;
		case 1:
			guest_sets(test);
			break;
		case 2:
			reg_b = random_bits() & (B_BINARY | B_24H | B_AIE | 1);
			put(board, 11, reg_b);
			new_alarm(board);
			break;
		case 3:
			run(random_below(2 * 86400ULL) * NSEC_PER_SEC);
			break;
		case 4 ... 5:
			run(random_below(7200ULL * NSEC_PER_SEC));
			break;
		case 6:
			KUNIT_EXPECT_EQ_MSG(test, get(board, 12) & 0x30, flags, "flags, step %d", i);
			flags = 0;
			break;
		default:
			run(random_below(2 * NSEC_PER_SEC));
		}
		compare(test, i);
	}
}

/* Days from 1970 to 9999 begin as the C library says: every 17th, so that all dates come by. */
static void rtc_all_days(struct kunit *test)
{
	s64 secs;

	for (secs = 0; secs < LAST_SECOND && !test->failures; secs += 17 * 86400) {
		vrtc_set_time(rtc, secs);
		set_wheels(secs);
		compare(test, secs / 86400);
	}
}

/* Interrupts: while the guest reads register C in time, each update is one, and each alarm. */
static void rtc_interrupts(struct kunit *test)
{
	struct board *board = test->priv;
	unsigned int expected = 0, alarms = 0;
	int i;

	put(board, 11, B_24H | B_AIE);
	for (i = 0; i < 3000 && !test->failures; i++) {
		if (random_one_in(20)) {
			new_alarm(board);
			get(board, 12);
			flags = 0;
			expected = fabric.isa_pulses[8];
		}
		if (random_one_in(4))
			set_time(test);
		get(board, 12);
		flags = 0;
		expected = fabric.isa_pulses[8];
		run(NSEC_PER_SEC);
		expected += flags >> 5 & 1;
		alarms += flags >> 5 & 1;
		KUNIT_EXPECT_EQ_MSG(test, fabric.isa_pulses[8], expected, "round %d", i);
	}
	KUNIT_EXPECT_NE(test, alarms, 0);
}

/* D-08: any byte to any register, in any mode: no error but the documented one, and time stays in bounds. */
static void d08_rtc_bytes(struct kunit *test)
{
	struct board *board = test->priv;
	int index, val, round, err;
	s64 secs;

	for (round = 0; round < 6; round++) {
		for (index = 0; index < 256; index++) {
			for (val = 0; val < 256; val++) {
				vrtc_flag_broken_time = round & 1;
				err = put(board, index, val);
				if (err)
					KUNIT_EXPECT_EQ(test, err, vrtc_flag_broken_time ? -EIO : 0);
				if (round >= 2)
					hand_clock_run(random_below(1 << 28));
				secs = vrtc_get_time(rtc);
				KUNIT_EXPECT_TRUE(test, secs >= -62167219200LL && secs <= LAST_SECOND + 86400);
				get(board, random_below(128));
			}
		}
	}
}

static struct kunit_case cases[] = {
	KUNIT_CASE(rtc_random),
	KUNIT_CASE(rtc_all_days),
	KUNIT_CASE(rtc_interrupts),
	KUNIT_CASE(d08_rtc_bytes),
	{}
};

static struct kunit_suite suite = {
	.name = "model-vrtc",
	.init = init,
	.exit = fini,
	.test_cases = cases,
};
kunit_test_suite(suite);
