// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * The 8254 against one that counts: each CLK pulse is a call, the counting element, OUT and the
 * loads are registers that change in it, as the data sheet tells it. No formula is shared.
 */
#include <linux/module.h>
#include "../../../src/dev/vatpit.h"
#include "fabric.h"
#include "legacy_board.h"
#include "random.h"

#define HZ	1193182
#define STEPS	60000

struct counter {
	int mode;		/* 0, 2, 3, 4 */
	bool bcd;
	u8 control;
	int cr;			/* count register */
	bool cr_written;	/* and not yet transferred: the null count flag */
	bool first;		/* nothing was transferred since the control word */
	int ce;			/* counting element */
	bool odd;		/* what it was loaded with */
	bool out;
	bool stopped;		/* mode 0 between the bytes */
	bool done;		/* modes 0 and 4: OUT has done what it does once */
	bool high_byte;
	u8 low;
	unsigned int rises;
};

static struct counter counters[3];
static struct vatpit *pit;
static u64 now_ticks;

static void counter_reload(struct counter *c)
{
	c->odd = c->cr & 1;
	c->ce = c->mode == 3 ? c->cr & ~1 : c->cr;
	c->cr_written = false;
}

static void counter_rise(struct counter *c)
{
	c->out = true;
	c->rises++;
}

static void clock_square(struct counter *c)
{
	/* The half period ends with the pulse after 2; of an odd count, OUT high goes on to 0. */
	int last = c->out && c->odd ? 0 : 2;

	if (c->ce != last) {
		c->ce -= 2;
		return;
	}
	counter_reload(c);
	if (c->out)
		c->out = false;
	else
		counter_rise(c);
}

static void counter_clock(struct counter *c)
{
	if (c->stopped || (c->first && !c->cr_written))
		return;
	if (c->first || (c->cr_written && (c->mode == 0 || c->mode == 4))) {
		counter_reload(c);
		c->first = false;
		c->done = false;
		return;
	}
	switch (c->mode) {
	case 0:
		if (--c->ce == 0 && !c->done) {
			counter_rise(c);
			c->done = true;
		}
		break;
	case 2:
		c->ce--;
		c->out = c->ce != 1;
		if (c->ce == 0) {
			counter_reload(c);
			counter_rise(c);
		}
		break;
	case 3:
		clock_square(c);
		break;
	case 4:
		if (!c->out)
			counter_rise(c);
		if (--c->ce == 0 && !c->done) {
			c->out = false;
			c->done = true;
		}
		break;
	}
	if (c->ce < 0)
		c->ce = c->bcd ? 9999 : 0xffff;
}

static void counter_write(struct counter *c, u8 val)
{
	int word;

	c->high_byte = !c->high_byte;
	if (c->high_byte) {
		c->low = val;
		if (c->mode == 0 && !c->first) {
			c->stopped = true;
			c->out = false;
		}
		/* Also a count that was written, but has not met its pulse yet. */
		if (c->mode == 0 && c->first && c->cr_written)
			c->stopped = true;
		return;
	}
	word = c->low | val << 8;
	if (c->bcd)
		word = (val >> 4) * 1000 + (val & 15) * 100 + (c->low >> 4) * 10 + (c->low & 15);
	if (!word)
		word = c->bcd ? 10000 : 0xffff;
	c->cr = word;
	c->cr_written = true;
	c->stopped = false;
	if (c->mode == 0)
		c->out = false;
	if (c->mode == 4)
		c->out = true;
}

/* --- both ----------------------------------------------------------------- */

static void run(u64 ticks)
{
	u64 i;
	int n;

	hand_clock_run(vtimer_ticks_to_ns(now_ticks + ticks, HZ) - vtimer_ticks_to_ns(now_ticks, HZ));
	now_ticks += ticks;
	for (i = 0; i < ticks; i++) {
		for (n = 0; n < 3; n++)
			counter_clock(&counters[n]);
	}
}

static void program(struct board *board, int n)
{
	static const int modes[] = { 0, 2, 3, 4 };
	struct counter *c = &counters[n];
	u8 mode = modes[random_below(4)];
	u8 cw = n << 6 | 0x30 | mode << 1 | random_one_in(3);

	if ((mode == 2 || mode == 3) && random_one_in(2))
		cw |= 8;
	*c = (struct counter){
		.mode = mode,
		.bcd = cw & 1,
		.control = cw & 0x3f,
		.first = true,
		.out = mode != 0,
		.rises = c->rises,
	};
	board_out(board, 0x43, cw);
}

/* Counts that a periodic channel 0 may interrupt at without being thinned out. */
static u16 random_count(const struct counter *c, int n)
{
	u16 count = random_bits();

	if (random_one_in(2))
		count %= 400;
	if (c->bcd)
		count = count % 10 | count / 10 % 10 << 4 | count / 100 % 10 << 8 | count / 1000 % 10 << 12;
	if (n == 0 && (count < 0x200 || (c->bcd && count < 0x125)))
		count += 0x200;
	/* 1 is no count for these modes (data sheet): values are tested elsewhere. */
	if ((c->mode == 2 || c->mode == 3) && count == 1)
		count = 2;
	return count;
}

static void load(struct board *board, int n)
{
	struct counter *c = &counters[n];
	u16 count = random_count(c, n);

	board_out(board, 0x40 + n, count & 0xff);
	counter_write(c, count & 0xff);
	if (random_one_in(4))
		run(random_below(50));
	board_out(board, 0x40 + n, count >> 8);
	counter_write(c, count >> 8);
}

static int to_bcd(int val)
{
	return val % 10 | val / 10 % 10 << 4 | val / 100 % 10 << 8 | val / 1000 % 10 << 12;
}

static void compare(struct kunit *test, int n)
{
	struct board *board = test->priv;
	struct counter *c = &counters[n];
	int status, count;

	if (c->first)
		return;		/* nothing was loaded: the data sheet says nothing, section 19 does */
	board_out(board, 0x43, 0xc0 | 2 << n);
	status = board_in(board, 0x40 + n);
	count = board_in(board, 0x40 + n);
	count |= board_in(board, 0x40 + n) << 8;
	KUNIT_EXPECT_EQ_MSG(test, status & 0xbf, c->control | c->out << 7, "status of %d, mode %d", n, c->mode);
	if (c->mode == 2 || c->mode == 3)
		KUNIT_EXPECT_EQ_MSG(test, status >> 6 & 1, c->cr_written, "null count of %d", n);
	if (!c->stopped && !(c->cr_written && (c->mode == 0 || c->mode == 4)))
		KUNIT_EXPECT_EQ_MSG(test, count, c->bcd ? to_bcd(c->ce) : c->ce,
				    "count of %d, mode %d, count register %d", n, c->mode, c->cr);
}

static int init(struct kunit *test)
{
	struct board *board;
	int n;

	board_init(test);
	board = test->priv;
	pit = vatpit_create(&board->irq, &board->clock);
	vatpit_connect(pit, &board->bus);
	board_pic_init(board, 3);
	now_ticks = 0;
	memset(counters, 0, sizeof(counters));
	for (n = 0; n < 3; n++)
		program(board, n);
	return 0;
}

static void fini(struct kunit *test)
{
	vatpit_destroy(pit);
	board_exit(test);
}

static void pit_random(struct kunit *test)
{
	struct board *board = test->priv;
	int i, n;

	for (i = 0; i < STEPS && !test->failures; i++) {
		n = random_below(3);
		switch (random_below(10)) {
		case 0:
			program(board, n);
			break;
		case 1:
			load(board, n);
			break;
		case 2:
			run(random_below(2000));
			break;
		case 3 ... 5:
			run(random_below(8));
			break;
		default:
			compare(test, n);
			break;
		}
		KUNIT_EXPECT_EQ_MSG(test, fabric.isa_pulses[0], counters[0].rises,
				    "interrupts, step %d, mode %d", i, counters[0].mode);
		KUNIT_EXPECT_EQ_MSG(test, fabric.pin_edges[2], counters[0].rises, "pin 2, step %d", i);
	}
}

/* Long stretches, so that everything wraps and repeats. */
static void pit_long(struct kunit *test)
{
	struct board *board = test->priv;
	int i, n;

	for (i = 0; i < 150 && !test->failures; i++) {
		for (n = 0; n < 3; n++) {
			program(board, n);
			load(board, n);
		}
		run(1 + random_below(200000));
		for (n = 0; n < 3; n++)
			compare(test, n);
		KUNIT_EXPECT_EQ_MSG(test, fabric.isa_pulses[0], counters[0].rises,
				    "interrupts, round %d, mode %d", i, counters[0].mode);
	}
}

static struct kunit_case cases[] = {
	KUNIT_CASE(pit_random),
	KUNIT_CASE(pit_long),
	{}
};

static struct kunit_suite suite = {
	.name = "model-vatpit",
	.init = init,
	.exit = fini,
	.test_cases = cases,
};
kunit_test_suite(suite);
