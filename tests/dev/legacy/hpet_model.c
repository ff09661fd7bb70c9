// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * The HPET against one that compares: 32-bit counter and comparators as they are in the chip, and
 * time passes from one match to the next. Periods are long enough not to be thinned out.
 */
#include <linux/module.h>
#include "../../../src/dev/vhpet.h"
#include "fabric.h"
#include "legacy_board.h"
#include "random.h"

#define HZ		16777216
#define STEPS		150000
#define MIN_PERIOD	14000

#define LEVEL		0x2
#define ENABLE		0x4
#define PERIODIC	0x8
#define SET_VALUE	0x40
#define FSB		0x4000

struct comparator {
	u32 config, value, period;
	u64 fsb;
	unsigned int messages;
};

static struct comparator comparators[8];
static u32 counter, status;
static bool enabled;
static unsigned int edges[32], messages;
static bool pins[32];
static struct vhpet *hpet;
static u64 now_ticks;		/* since the counter was last started or written */

static int route(const struct comparator *c)
{
	int pin = c->config >> 9 & 31;

	return (c->config & ENABLE) && !(c->config & FSB) ? pin : 0;
}

/* Which pins are up, and how many edges that makes. */
static void model_pins(void)
{
	bool want[32] = { false };
	int n, pin;

	for (n = 0; n < 8; n++) {
		if ((comparators[n].config & LEVEL) && (status >> n & 1) && route(&comparators[n]))
			want[route(&comparators[n])] = true;
	}
	for (pin = 24; pin < 32; pin++) {
		edges[pin] += want[pin] && !pins[pin];
		pins[pin] = want[pin];
	}
}

static void model_match(int n)
{
	struct comparator *c = &comparators[n];

	if (c->config & PERIODIC)
		c->value += c->period;
	if (c->config & FSB) {
		messages += !!(c->config & ENABLE);
	} else if (c->config & LEVEL) {
		status |= 1U << n;
		model_pins();
	} else if (route(c) && !pins[route(c)]) {
		edges[route(c)]++;
	}
}

/* A comparator that equals the counter matches in the tick that made it so, not after. */
static void model_run(u64 ticks)
{
	int n, first;

	while (enabled) {
		u64 least = U64_MAX;

		first = -1;
		for (n = 0; n < 8; n++) {
			u32 distance = comparators[n].value - counter;
			u64 until = distance ? distance : 1ULL << 32;

			if (until < least) {
				least = until;
				first = n;
			}
		}
		if (first < 0 || least > ticks)
			break;
		counter += least;
		ticks -= least;
		for (n = 0; n < 8; n++) {
			if (comparators[n].value == counter)
				model_match(n);
		}
	}
	if (enabled)
		counter += ticks;
}

static void run(u64 ticks)
{
	if (enabled) {
		hand_clock_run(vtimer_ticks_to_ns(now_ticks + ticks, HZ) -
			       vtimer_ticks_to_ns(now_ticks, HZ));
		now_ticks += ticks;
	} else {
		hand_clock_run(ticks * 60);
	}
	model_run(ticks);
}

static void put(struct board *board, unsigned int reg, u64 val, int bytes)
{
	bus_mmio_access(&board->bus, 0, VHPET_BASE_GPA + reg, true, bytes, &val);
}

static u64 get(struct board *board, unsigned int reg)
{
	u64 val;

	bus_mmio_access(&board->bus, 0, VHPET_BASE_GPA + reg, false, 8, &val);
	return val;
}

static void write_config(struct board *board, int n)
{
	struct comparator *c = &comparators[n];
	u32 val = random_bits() & 0xffff;

	/* Each timer its own pin, mostly: then edges can be counted. */
	val = (val & ~0x3e00) | (random_one_in(10) ? random_below(32) : 24 + n) << 9;
	if (!random_one_in(4))
		val &= ~FSB;
	put(board, 0x100 + 0x20 * n, val, random_one_in(2) ? 4 : 8);
	val &= 0x7e4e;
	if ((val >> 9 & 31) < 24)
		val &= ~0x3e00;
	if (!(val & PERIODIC)) {
		val &= ~SET_VALUE;
		c->period = 0;
	}
	c->config = val;
	if (!(val & LEVEL))
		status &= ~(1U << n);
	model_pins();
}

/* Never equal to the counter: whether that is a match already is settled elsewhere. */
static void write_comparator(struct board *board, int n)
{
	struct comparator *c = &comparators[n];
	u32 val = counter + 1 + random_below(200000);

	if (random_one_in(8))
		val = random_bits();
	if ((c->config & PERIODIC) && !(c->config & SET_VALUE))
		val = random_one_in(20) ? 0 : MIN_PERIOD + random_below(100000);
	if (val == counter || (val && val < MIN_PERIOD))
		return;
	put(board, 0x108 + 0x20 * n, val, random_one_in(2) ? 4 : 8);
	if (c->config & PERIODIC)
		c->period = val;
	if (!(c->config & PERIODIC) || (c->config & SET_VALUE))
		c->value = val;
	c->config &= ~SET_VALUE;
}

static void write_general(struct board *board)
{
	u32 val = random_bits();
	int n;

	switch (random_below(6)) {
	case 0:
		enabled = val & 1;
		put(board, 0x10, val, 4);
		now_ticks = 0;
		break;
	case 1:
		/* Where no comparator is. */
		for (n = 0; n < 8; n++) {
			if (comparators[n].value == val)
				return;
		}
		put(board, 0xf0, val, 8);
		counter = val;
		now_ticks = 0;
		break;
	default:
		put(board, 0x20, val & random_bits(), 0);	/* not an access: dropped */
		put(board, 0x20, val, 4);
		status &= ~val;
		model_pins();
	}
}

static void compare(struct kunit *test, int step)
{
	struct board *board = test->priv;
	int n;

	KUNIT_EXPECT_EQ_MSG(test, get(board, 0xf0), counter, "counter, step %d", step);
	KUNIT_EXPECT_EQ_MSG(test, get(board, 0x20), status, "status, step %d", step);
	KUNIT_EXPECT_EQ_MSG(test, get(board, 0x10), enabled, "enable, step %d", step);
	for (n = 0; n < 8; n++) {
		KUNIT_EXPECT_EQ_MSG(test, (u32)get(board, 0x100 + 0x20 * n), comparators[n].config | 0x8010,
				    "configuration %d, step %d", n, step);
		KUNIT_EXPECT_EQ_MSG(test, get(board, 0x108 + 0x20 * n), comparators[n].value,
				    "comparator %d, step %d", n, step);
		KUNIT_EXPECT_EQ_MSG(test, fabric.pin_edges[24 + n], edges[24 + n],
				    "pin %d, step %d", 24 + n, step);
		KUNIT_EXPECT_EQ_MSG(test, fabric.pin_count[24 + n] > 0, pins[24 + n],
				    "level of pin %d, step %d", 24 + n, step);
	}
	KUNIT_EXPECT_EQ_MSG(test, fabric.messages, messages, "messages, step %d", step);
}

static int init(struct kunit *test)
{
	struct board *board;
	int n;

	board_init(test);
	board = test->priv;
	hpet = vhpet_create(&board->irq, &board->clock);
	vhpet_connect(hpet, &board->bus);
	memset(comparators, 0, sizeof(comparators));
	memset(edges, 0, sizeof(edges));
	memset(pins, 0, sizeof(pins));
	counter = status = messages = now_ticks = 0;
	enabled = false;
	for (n = 0; n < 8; n++) {
		comparators[n].value = ~0U;
		put(board, 0x110 + 0x20 * n, 0xfee0100000000030ULL, 8);
	}
	return 0;
}

static void fini(struct kunit *test)
{
	vhpet_destroy(hpet);
	board_exit(test);
}

static void hpet_random(struct kunit *test)
{
	struct board *board = test->priv;
	int i;

	for (i = 0; i < STEPS && !test->failures; i++) {
		switch (random_below(12)) {
		case 0 ... 1:
			write_config(board, random_below(8));
			break;
		case 2 ... 4:
			write_comparator(board, random_below(8));
			break;
		case 5:
			write_general(board);
			break;
		case 6:
			run(random_below(1000000));
			break;
		case 7:
			if (random_one_in(500))
				run(random_bits() >> 30);
			break;
		default:
			run(random_below(3000));
		}
		compare(test, i);
	}
}

static struct kunit_case cases[] = {
	KUNIT_CASE(hpet_random),
	{}
};

static struct kunit_suite suite = {
	.name = "model-vhpet",
	.init = init,
	.exit = fini,
	.test_cases = cases,
};
kunit_test_suite(suite);
