// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * The whole board under whatever a guest may do: every port, offset, width and random values, with
 * time going on; then how often the host's timers fire for it, and what is left when chips go.
 */
#include <linux/module.h>
#include "../../../src/dev/vatpit.h"
#include "../../../src/dev/vhpet.h"
#include "../../../src/dev/vpmtmr.h"
#include "../../../src/dev/vrtc.h"
#include "fabric.h"
#include "legacy_board.h"
#include "random.h"

static struct vatpit *pit;
static struct vhpet *hpet;
static struct vpmtmr *pmtmr;
static struct vrtc *rtc;

static void chips_create(struct board *board)
{
	pit = vatpit_create(&board->irq, &board->clock);
	hpet = vhpet_create(&board->irq, &board->clock);
	pmtmr = vpmtmr_create(&board->clock);
	rtc = vrtc_create(&board->irq, &board->clock);
}

static void chips_destroy(void)
{
	vrtc_destroy(rtc);
	vpmtmr_destroy(pmtmr);
	vhpet_destroy(hpet);
	vatpit_destroy(pit);
}

static int init(struct kunit *test)
{
	struct board *board;

	board_init(test);
	board = test->priv;
	chips_create(board);
	vatpit_connect(pit, &board->bus);
	vhpet_connect(hpet, &board->bus);
	vpmtmr_connect(pmtmr, &board->bus);
	vrtc_connect(rtc, &board->bus);
	return 0;
}

static void fini(struct kunit *test)
{
	chips_destroy();
	board_exit(test);
}

/* A chip that answers with more than was asked for. */
static int loud_port(void *chip, bool in, u16 port, int bytes, u32 *val)
{
	if (in)
		*val = 0xfedc0000 | port;
	return 0;
}

static int loud_window(void *chip, unsigned int vcpuid, u64 offset, bool write, int bytes, u64 *val)
{
	if (!write)
		*val = *val ? 0 : 0xfedcba9800000000ULL | offset;
	return vcpuid;
}

static void bus_routes(struct kunit *test)
{
	struct board *board = test->priv;
	int bytes;
	u64 val;
	u32 p;

	bus_init(&board->bus);
	bus_port_register(&board->bus, 0x4fe, 2, loud_port, board);
	bus_window_register(&board->bus, 0x1000, 0x10, loud_window, board);
	bus_window_register(&board->bus, U64_MAX - 0xf, 0x10, loud_window, board);
	for (bytes = 1; bytes <= 4; bytes *= 2) {
		KUNIT_EXPECT_EQ(test, bus_port_access(&board->bus, true, 0x4ff, bytes, &p), 0);
		KUNIT_EXPECT_EQ(test, p, 0xfedc04ff & (u32)(0xffffffffULL >> (32 - 8 * bytes)));
	}
	KUNIT_EXPECT_EQ(test, bus_port_access(&board->bus, true, 0x4fd, 1, &p), -ENOENT);
	KUNIT_EXPECT_EQ(test, bus_port_access(&board->bus, true, 0x500, 1, &p), -ENOENT);
	for (bytes = 1; bytes <= 8; bytes++) {
		val = 77;
		KUNIT_EXPECT_EQ(test, bus_mmio_access(&board->bus, 3, 0x100f, false, bytes, &val), 3);
		KUNIT_EXPECT_EQ(test, val, 0xfedcba980000000fULL & (~0ULL >> (64 - 8 * bytes)));
	}
	KUNIT_EXPECT_FALSE(test, bus_window_has(&board->bus, 0xfff));
	KUNIT_EXPECT_FALSE(test, bus_window_has(&board->bus, 0x1010));
	KUNIT_EXPECT_TRUE(test, bus_window_has(&board->bus, U64_MAX));
	KUNIT_EXPECT_FALSE(test, bus_window_has(&board->bus, 0));
}

/* semantics.md section 15. */
static bool port_has_chip(u16 port)
{
	static const u16 ports[] = {
		0x20, 0x21, 0xa0, 0xa1, 0x4d0, 0x4d1, 0x40, 0x41, 0x42, 0x43, 0x61, 0x70, 0x71, 0x408,
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(ports); i++) {
		if (port == ports[i])
			return true;
	}
	return false;
}

static void d01_ports(struct kunit *test)
{
	struct board *board = test->priv;
	int port, bytes, in, round, err;
	u32 val;

	for (port = 0; port < 0x10000; port++) {
		for (bytes = 1; bytes <= 4; bytes *= 2) {
			for (in = 0; in < 2; in++) {
				val = 0x5a5a5a5a;
				err = bus_port_access(&board->bus, in, port, bytes, &val);
				if (!port_has_chip(port))
					KUNIT_EXPECT_EQ_MSG(test, err, -ENOENT, "port 0x%x", port);
				else if (bytes != (port == 0x408 ? 4 : 1))
					KUNIT_EXPECT_EQ_MSG(test, err, -EIO, "port 0x%x", port);
				if (err)
					KUNIT_EXPECT_EQ(test, val, 0x5a5a5a5a);
			}
		}
	}
	for (round = 0; round < 300000; round++) {
		u16 p = random_below(0x500);

		while (!port_has_chip(p))
			p = random_below(0x500);
		val = random_bits();
		in = random_below(2);
		bytes = 1 << random_below(3);
		err = bus_port_access(&board->bus, in, p, bytes, &val);
		KUNIT_EXPECT_TRUE(test, err == 0 || err == -EIO);
		if (in && !err && bytes == 1)
			KUNIT_EXPECT_LE(test, val, 0xff);
		if (random_one_in(8))
			hand_clock_run(random_below(1 << random_below(28)));
		if (random_one_in(16))
			board_inta(board);
	}
}

static void d01_windows(struct kunit *test)
{
	struct board *board = test->priv;
	int offset, bytes, write, round, verdict;
	u64 val;

	for (round = 0; round < 40; round++) {
		for (offset = 0; offset < 0x1000; offset++) {
			for (bytes = 0; bytes <= 9; bytes++) {
				bool window = offset < VHPET_SIZE && bytes >= 1 && bytes <= 8;

				write = random_below(2);
				val = random_bits();
				verdict = bus_mmio_access(&board->bus, 0, VHPET_BASE_GPA + offset,
							  write, bytes, &val);
				KUNIT_EXPECT_EQ(test, verdict, window ? 0 : -EINVAL);
				if (window && !write && bytes < 8)
					KUNIT_EXPECT_EQ(test, val >> (8 * bytes), 0);
				if (window && !write && ((bytes != 4 && bytes != 8) || offset % bytes))
					KUNIT_EXPECT_EQ(test, val, 0);
			}
		}
		hand_clock_run(random_below(1 << 28));
	}
	verdict = bus_mmio_access(&board->bus, 0, U64_MAX, false, 8, &val);
	KUNIT_EXPECT_EQ(test, verdict, -EINVAL);
	verdict = bus_mmio_access(&board->bus, 0, VHPET_BASE_GPA - 1, true, 8, &val);
	KUNIT_EXPECT_EQ(test, verdict, -EINVAL);
}

/* Program everything at random. */
static void scramble(struct board *board)
{
	int i;

	for (i = 0; i < 200; i++) {
		u64 val = random_bits() >> random_below(64);
		unsigned int offset = random_below(0x200) & ~3;

		bus_mmio_access(&board->bus, 0, VHPET_BASE_GPA + offset, true, 4, &val);
		board_out(board, 0x40 + random_below(4), random_bits() >> random_below(64));
		board_out(board, 0x70, random_below(14));
		board_out(board, 0x71, random_bits());
	}
	for (i = 0; i < 8; i++) {
		u64 config = random_bits() & 0x7e4e;

		bus_mmio_access(&board->bus, 0, VHPET_BASE_GPA + 0x100 + 0x20 * i, true, 4, &config);
	}
	board_out(board, 0x70, 10);
	board_out(board, 0x71, 0x20 | random_below(16));
}

/* D-02: 10 kHz for the HPET, as much for the 8254, and the RTC tells once. */
static void d02_storm(struct kunit *test)
{
	struct board *board = test->priv;
	unsigned int most = 0;
	u64 enable = 1;
	int i;

	for (i = 0; i < 300; i++) {
		scramble(board);
		bus_mmio_access(&board->bus, 0, VHPET_BASE_GPA + 0x10, true, 4, &enable);
		hand_clock_run(0);
		hand.fired = 0;
		hand_clock_run(NSEC_PER_SEC / 10);
		KUNIT_EXPECT_LE(test, hand.fired, 2 * 1000 + 32);
		most = max(most, hand.fired);
		/* A host that was away for an hour: no timer fires more than once for it. */
		hand.fired = 0;
		hand_clock_jump(3600 * NSEC_PER_SEC);
		KUNIT_EXPECT_LE(test, hand.fired, 10);
	}
	KUNIT_EXPECT_LE(test, 500, most);	/* the storm was one */
}

/* D-03: chips go while everything is armed, and what their callbacks would do then does nothing. */
static void d03_teardown(struct kunit *test)
{
	struct board *board = test->priv;
	int i;

	for (i = 0; i < 500; i++) {
		scramble(board);
		hand_clock_run(random_below(1 << 24));
		if (random_one_in(4))
			vclock_pause(&board->clock);
		if (random_one_in(4))
			vclock_resume(&board->clock);
		chips_destroy();
		KUNIT_EXPECT_TRUE(test, list_empty(&board->clock.timers));
		vclock_resume(&board->clock);
		hand.fired = 0;
		hand_clock_run(NSEC_PER_SEC);
		KUNIT_EXPECT_EQ(test, hand.fired, 0);
		bus_init(&board->bus);
		vatpic_connect(board->irq.vatpic, &board->bus);
		chips_create(board);
		vatpit_connect(pit, &board->bus);
		vhpet_connect(hpet, &board->bus);
		vpmtmr_connect(pmtmr, &board->bus);
		vrtc_connect(rtc, &board->bus);
	}
}

/* VM_REINIT: nothing goes on, no pin stays up. */
static void reinit(struct kunit *test)
{
	struct board *board = test->priv;
	int i, pin;

	for (i = 0; i < 300; i++) {
		scramble(board);
		hand_clock_run(random_below(1 << 28));
		vpmtmr_reset(pmtmr);
		vatpit_reset(pit);
		vhpet_reset(hpet);
		vatpic_reset(board->irq.vatpic);
		vrtc_reset(rtc);
		for (pin = 0; pin < 32; pin++)
			KUNIT_EXPECT_EQ(test, fabric.pin_count[pin], 0);
		hand.fired = 0;
		hand_clock_run(NSEC_PER_SEC);
		KUNIT_EXPECT_EQ(test, hand.fired, 0);
	}
}

static struct kunit_case cases[] = {
	KUNIT_CASE(bus_routes),
	KUNIT_CASE(d01_ports),
	KUNIT_CASE(d01_windows),
	KUNIT_CASE(d02_storm),
	KUNIT_CASE(d03_teardown),
	KUNIT_CASE(reinit),
	{}
};

static struct kunit_suite suite = {
	.name = "board",
	.init = init,
	.exit = fini,
	.test_cases = cases,
};
kunit_test_suite(suite);
