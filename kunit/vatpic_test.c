// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* src/dev/vatpic.c: directed vectors from the 8259A data sheet and semantics.md section 18. */
#include <kunit/test.h>
#include <linux/module.h>

#include "legacy_board.h"

#define AEOI	0x03
#define PLAIN	0x01
#define SFNM	0x11
#define MASTER(pin)	(BOARD_MASTER_BASE + (pin))
#define SLAVE(pin)	(BOARD_SLAVE_BASE + (pin))

static void pic_initialisation(struct kunit *test)
{
	struct board *board = test->priv;

	KUNIT_EXPECT_EQ(test, board_out(board, 0x20, 0x13), -EIO);	/* single */
	KUNIT_EXPECT_EQ(test, board_out(board, 0x20, 0x10), -EIO);	/* without ICW4 */
	KUNIT_EXPECT_EQ(test, board_out(board, 0x20, 0x11), 0);
	KUNIT_EXPECT_EQ(test, board_out(board, 0x21, 0x37), 0);		/* low bits of ICW2 are dropped */
	KUNIT_EXPECT_EQ(test, board_out(board, 0x21, 0xff), 0);
	KUNIT_EXPECT_EQ(test, board_out(board, 0x21, 0x00), -EIO);	/* MCS-80 mode */
	KUNIT_EXPECT_EQ(test, board_out(board, 0x21, 0x01), 0);
	KUNIT_EXPECT_EQ(test, board_in(board, 0x21), 0);
	vatpic_pulse(board->irq.vatpic, 3);
	KUNIT_EXPECT_EQ(test, board_inta(board), 0x33);
}

static void pic_width(struct kunit *test)
{
	static const u16 ports[] = { 0x20, 0x21, 0xa0, 0xa1, 0x4d0, 0x4d1 };
	struct board *board = test->priv;
	u32 val = 0;
	int i;

	for (i = 0; i < ARRAY_SIZE(ports); i++) {
		KUNIT_EXPECT_EQ(test, bus_port_access(&board->bus, true, ports[i], 2, &val), -EIO);
		KUNIT_EXPECT_EQ(test, bus_port_access(&board->bus, false, ports[i], 4, &val), -EIO);
	}
	KUNIT_EXPECT_EQ(test, bus_port_access(&board->bus, true, 0x22, 1, &val), -ENOENT);
	KUNIT_EXPECT_EQ(test, bus_port_access(&board->bus, true, 0xffff, 1, &val), -ENOENT);
}

static void pic_before_initialisation(struct kunit *test)
{
	struct board *board = test->priv;
	struct vatpic *pic = board->irq.vatpic;

	KUNIT_EXPECT_EQ(test, vatpic_pending_vector(pic), -1);
	KUNIT_EXPECT_EQ(test, vatpic_assert(pic, 4), 0);
	KUNIT_EXPECT_EQ(test, vatpic_deassert(pic, 9), 0);
	board_pic_init(board, PLAIN);
	KUNIT_EXPECT_EQ(test, board_in(board, 0x20), 0);
	KUNIT_EXPECT_EQ(test, board->extints, 0);
	vatpic_assert(pic, 4);
	KUNIT_EXPECT_EQ(test, board->extints, 1);
	KUNIT_EXPECT_EQ(test, board_inta(board), MASTER(4));
}

static void pic_input_range(struct kunit *test)
{
	struct board *board = test->priv;
	struct vatpic *pic = board->irq.vatpic;

	KUNIT_EXPECT_EQ(test, vatpic_assert(pic, -1), -EINVAL);
	KUNIT_EXPECT_EQ(test, vatpic_deassert(pic, 16), -EINVAL);
	KUNIT_EXPECT_EQ(test, vatpic_pulse(pic, INT_MIN), -EINVAL);
	KUNIT_EXPECT_EQ(test, vatpic_set_trigger(pic, 16, false), -EINVAL);
	KUNIT_EXPECT_EQ(test, vatpic_set_trigger(pic, -1, true), -EINVAL);
}

/* INT tells LINT0 of the vCPU and pin 0 of the I/O APIC, once a rise. */
static void pic_tells(struct kunit *test)
{
	struct board *board = test->priv;
	struct vatpic *pic = board->irq.vatpic;

	board_pic_init(board, PLAIN);
	board_route_pin(board, 0);
	vatpic_pulse(pic, 5);
	KUNIT_EXPECT_EQ(test, board->extints, 1);
	KUNIT_EXPECT_EQ(test, board->nmis, 1);
	vatpic_pulse(pic, 6);
	vatpic_pulse(pic, 3);
	KUNIT_EXPECT_EQ(test, board->extints, 1);	/* INT is up already */
	KUNIT_EXPECT_EQ(test, board_inta(board), MASTER(3));
	KUNIT_EXPECT_EQ(test, board->extints, 1);	/* 5 is lower */
	board_out(board, 0x20, 0x20);
	KUNIT_EXPECT_EQ(test, board->extints, 2);
	KUNIT_EXPECT_EQ(test, board->nmis, 2);
	KUNIT_EXPECT_EQ(test, board_inta(board), MASTER(5));
	vatpic_pulse(pic, 0);
	KUNIT_EXPECT_EQ(test, board->extints, 3);	/* interrupts the service of 5 */
	clear_bit(0, board->irq.active);
	board_out(board, 0x20, 0x20);
	board_inta(board);
	KUNIT_EXPECT_EQ(test, board->extints, 3);	/* nobody is active */
}

static void pic_priority(struct kunit *test)
{
	struct board *board = test->priv;
	int pin;

	board_pic_init(board, PLAIN);
	for (pin = 15; pin >= 0; pin--)
		vatpic_pulse(board->irq.vatpic, pin);
	KUNIT_EXPECT_EQ(test, board_in(board, 0x20), 0xff);
	KUNIT_EXPECT_EQ(test, board_in(board, 0xa0), 0xff);
	KUNIT_EXPECT_EQ(test, board_inta(board), MASTER(0));
	board_out(board, 0x20, 0x20);
	KUNIT_EXPECT_EQ(test, board_inta(board), MASTER(1));
	board_out(board, 0x20, 0x61);			/* specific */
	for (pin = 0; pin < 8; pin++) {
		KUNIT_EXPECT_EQ(test, board_inta(board), SLAVE(pin));
		board_out(board, 0xa0, 0x20);
		board_out(board, 0x20, 0x20);
	}
	for (pin = 3; pin < 8; pin++) {
		KUNIT_EXPECT_EQ(test, board_inta(board), MASTER(pin));
		board_out(board, 0x20, 0x20);
	}
	KUNIT_EXPECT_EQ(test, board_in(board, 0x20), 0);
}

static void pic_registers(struct kunit *test)
{
	struct board *board = test->priv;

	board_pic_init(board, PLAIN);
	board_out(board, 0x21, 0xf5);
	vatpic_pulse(board->irq.vatpic, 1);
	vatpic_pulse(board->irq.vatpic, 4);
	KUNIT_EXPECT_EQ(test, board_inta(board), MASTER(1));
	KUNIT_EXPECT_EQ(test, board_in(board, 0x20), 0x10);	/* IRR */
	board_out(board, 0x20, 0x0b);
	KUNIT_EXPECT_EQ(test, board_in(board, 0x20), 0x02);	/* ISR */
	board_out(board, 0x20, 0x08);				/* neither: as it was */
	KUNIT_EXPECT_EQ(test, board_in(board, 0x20), 0x02);
	board_out(board, 0x20, 0x0a);
	KUNIT_EXPECT_EQ(test, board_in(board, 0x20), 0x10);
	KUNIT_EXPECT_EQ(test, board_in(board, 0x21), 0xf5);
	board_out(board, 0x20, 0x40);				/* no operation */
	KUNIT_EXPECT_EQ(test, board_in(board, 0x20), 0x10);
}

static void pic_rotation(struct kunit *test)
{
	struct board *board = test->priv;
	struct vatpic *pic = board->irq.vatpic;

	board_pic_init(board, PLAIN);
	board_out(board, 0x20, 0xc4);				/* 4 lowest, so 5 highest */
	vatpic_pulse(pic, 4);
	vatpic_pulse(pic, 5);
	vatpic_pulse(pic, 0);
	KUNIT_EXPECT_EQ(test, board_inta(board), MASTER(5));
	board_out(board, 0x20, 0xa0);				/* rotate on EOI: 5 lowest */
	KUNIT_EXPECT_EQ(test, board_inta(board), MASTER(0));
	board_out(board, 0x20, 0xe0);				/* rotate on specific EOI: 0 lowest */
	vatpic_pulse(pic, 0);
	KUNIT_EXPECT_EQ(test, board_inta(board), MASTER(4));
	board_out(board, 0x20, 0x20);
	KUNIT_EXPECT_EQ(test, board_inta(board), MASTER(0));
}

static void pic_auto_eoi(struct kunit *test)
{
	struct board *board = test->priv;
	struct vatpic *pic = board->irq.vatpic;

	board_pic_init(board, AEOI);
	vatpic_pulse(pic, 6);
	vatpic_pulse(pic, 7);
	KUNIT_EXPECT_EQ(test, board_inta(board), MASTER(6));
	KUNIT_EXPECT_EQ(test, board->extints, 2);		/* 7 follows at once */
	KUNIT_EXPECT_EQ(test, board_inta(board), MASTER(7));
	board_out(board, 0x20, 0x80);				/* rotate in AEOI */
	vatpic_pulse(pic, 3);
	KUNIT_EXPECT_EQ(test, board_inta(board), MASTER(3));
	vatpic_pulse(pic, 1);
	vatpic_pulse(pic, 4);
	KUNIT_EXPECT_EQ(test, board_inta(board), MASTER(4));	/* 3 is lowest, 4 highest */
	board_out(board, 0x20, 0x00);
	KUNIT_EXPECT_EQ(test, board_inta(board), MASTER(1));
	vatpic_pulse(pic, 1);
	vatpic_pulse(pic, 5);
	KUNIT_EXPECT_EQ(test, board_inta(board), MASTER(5));	/* still from 4 on */
}

static void pic_special_mask(struct kunit *test)
{
	struct board *board = test->priv;
	struct vatpic *pic = board->irq.vatpic;

	board_pic_init(board, PLAIN);
	vatpic_pulse(pic, 3);
	KUNIT_EXPECT_EQ(test, board_inta(board), MASTER(3));
	vatpic_pulse(pic, 5);
	KUNIT_EXPECT_EQ(test, vatpic_pending_vector(pic), MASTER(7));	/* spurious: 3 is in service */
	board_out(board, 0x21, 0x08);
	board_out(board, 0x20, 0x68);
	KUNIT_EXPECT_EQ(test, board_inta(board), MASTER(5));
	board_out(board, 0x20, 0x20);				/* does not find 3, which is masked */
	board_out(board, 0x20, 0x0b);
	KUNIT_EXPECT_EQ(test, board_in(board, 0x20), 0x08);
	board_out(board, 0x20, 0x20);
	KUNIT_EXPECT_EQ(test, board_in(board, 0x20), 0x08);
	board_out(board, 0x20, 0x48);				/* mode off */
	board_out(board, 0x20, 0x20);
	KUNIT_EXPECT_EQ(test, board_in(board, 0x20), 0x00);
}

static void pic_special_fully_nested(struct kunit *test)
{
	struct board *board = test->priv;
	struct vatpic *pic = board->irq.vatpic;
	int sfnm;

	for (sfnm = 0; sfnm < 2; sfnm++) {
		board_pic_init(board, sfnm ? SFNM : PLAIN);
		vatpic_pulse(pic, 12);
		KUNIT_EXPECT_EQ(test, board_inta(board), SLAVE(4));
		vatpic_pulse(pic, 3);
		KUNIT_EXPECT_EQ(test, vatpic_pending_vector(pic), MASTER(7));
		vatpic_pulse(pic, 8);
		KUNIT_EXPECT_EQ(test, vatpic_pending_vector(pic), sfnm ? SLAVE(0) : MASTER(7));
	}
}

static void pic_poll(struct kunit *test)
{
	struct board *board = test->priv;
	struct vatpic *pic = board->irq.vatpic;

	board_pic_init(board, PLAIN);
	board_out(board, 0x20, 0x0c);
	KUNIT_EXPECT_EQ(test, board_in(board, 0x20), 0);
	vatpic_pulse(pic, 10);
	board_out(board, 0x20, 0x0c);
	KUNIT_EXPECT_EQ(test, board_in(board, 0x21), 0x82);	/* either port */
	board_out(board, 0xa0, 0x0f);				/* poll wins over read */
	KUNIT_EXPECT_EQ(test, board_in(board, 0xa0), 0x82);
	KUNIT_EXPECT_EQ(test, board_in(board, 0xa0), 0x04);	/* ISR */
	board_out(board, 0xa0, 0x20);
	board_out(board, 0x20, 0x20);
	KUNIT_EXPECT_EQ(test, vatpic_pending_vector(pic), MASTER(7));
}

static void pic_level(struct kunit *test)
{
	struct board *board = test->priv;
	struct vatpic *pic = board->irq.vatpic;

	board_pic_init(board, PLAIN);
	KUNIT_EXPECT_EQ(test, vatpic_set_trigger(pic, 11, true), 0);
	KUNIT_EXPECT_EQ(test, board_in(board, 0x4d1), 0x08);
	vatpic_assert(pic, 11);
	vatpic_assert(pic, 11);
	KUNIT_EXPECT_EQ(test, board_inta(board), SLAVE(3));
	board_out(board, 0xa0, 0x20);
	board_out(board, 0x20, 0x20);
	KUNIT_EXPECT_EQ(test, board->extints, 2);		/* still up */
	vatpic_deassert(pic, 11);
	KUNIT_EXPECT_EQ(test, board_inta(board), SLAVE(3));	/* one of two asserts is left */
	vatpic_deassert(pic, 11);
	board_out(board, 0xa0, 0x20);
	board_out(board, 0x20, 0x20);
	KUNIT_EXPECT_EQ(test, board->extints, 2);
	KUNIT_EXPECT_EQ(test, board_in(board, 0xa0), 0);
	vatpic_pulse(pic, 11);					/* nothing on a level input */
	KUNIT_EXPECT_EQ(test, board_in(board, 0xa0), 0);
	vatpic_assert(pic, 11);
	vatpic_set_trigger(pic, 11, false);			/* no edge seen */
	KUNIT_EXPECT_EQ(test, board_in(board, 0xa0), 0);
}

static void pic_counts(struct kunit *test)
{
	struct board *board = test->priv;
	struct vatpic *pic = board->irq.vatpic;

	board_pic_init(board, PLAIN);
	KUNIT_EXPECT_EQ(test, vatpic_deassert(pic, 6), 0);	/* -1 */
	vatpic_assert(pic, 6);					/* 0: no edge */
	KUNIT_EXPECT_EQ(test, board_in(board, 0x20), 0);
	vatpic_assert(pic, 6);
	KUNIT_EXPECT_EQ(test, board_in(board, 0x20), 0x40);
	KUNIT_EXPECT_EQ(test, board_inta(board), MASTER(6));
	board_out(board, 0x20, 0x20);
	vatpic_pulse(pic, 6);					/* 2, then 1 */
	KUNIT_EXPECT_EQ(test, board_in(board, 0x20), 0);
}

static void pic_elcr(struct kunit *test)
{
	struct board *board = test->priv;
	int pin;

	board_out(board, 0x4d0, 0xff);
	board_out(board, 0x4d1, 0xff);
	KUNIT_EXPECT_EQ(test, board_in(board, 0x4d0), 0xf8);
	KUNIT_EXPECT_EQ(test, board_in(board, 0x4d1), 0xde);
	for (pin = 0; pin < 16; pin++) {
		bool fixed = pin < 3 || pin == 8 || pin == 13;

		KUNIT_EXPECT_EQ(test, vatpic_set_trigger(board->irq.vatpic, pin, true),
				fixed ? -EINVAL : 0);
		KUNIT_EXPECT_EQ(test, vatpic_set_trigger(board->irq.vatpic, pin, false), 0);
	}
	KUNIT_EXPECT_EQ(test, board_in(board, 0x4d0), 0);
	KUNIT_EXPECT_EQ(test, board_in(board, 0x4d1), 0);
	board_pic_init(board, PLAIN);
	board_out(board, 0x4d0, 0x20);
	board_pic_init(board, PLAIN);				/* not ICW1's business */
	KUNIT_EXPECT_EQ(test, board_in(board, 0x4d0), 0x20);
}

/* The request goes between the tell and the INTA: base + 7, which does not go into service. */
static void pic_spurious(struct kunit *test)
{
	struct board *board = test->priv;
	struct vatpic *pic = board->irq.vatpic;

	board_pic_init(board, PLAIN);
	vatpic_set_trigger(pic, 5, true);
	vatpic_assert(pic, 5);
	vatpic_deassert(pic, 5);
	KUNIT_EXPECT_EQ(test, board->extints, 1);
	KUNIT_EXPECT_EQ(test, board_inta(board), MASTER(7));
	board_out(board, 0x20, 0x0b);
	KUNIT_EXPECT_EQ(test, board_in(board, 0x20), 0);
	/* Between the two halves of INTA: the vector is on its way, its handler will send an EOI. */
	vatpic_assert(pic, 5);
	KUNIT_EXPECT_EQ(test, vatpic_pending_vector(pic), MASTER(5));
	vatpic_deassert(pic, 5);
	vatpic_intr_accepted(pic, MASTER(5));
	KUNIT_EXPECT_EQ(test, board_in(board, 0x20), 0x20);
}

/* Guests without care give both chips one base: the winner takes the acknowledge. */
static void pic_same_base(struct kunit *test)
{
	struct board *board = test->priv;
	struct vatpic *pic = board->irq.vatpic;

	board_pic_init(board, PLAIN);
	board_out(board, 0xa0, 0x11);
	board_out(board, 0xa1, BOARD_MASTER_BASE);
	board_out(board, 0xa1, 2);
	board_out(board, 0xa1, PLAIN);
	vatpic_pulse(pic, 1);
	vatpic_pulse(pic, 9);
	board_out(board, 0x20, 0x0b);
	board_out(board, 0xa0, 0x0b);
	KUNIT_EXPECT_EQ(test, board_inta(board), MASTER(1));
	KUNIT_EXPECT_EQ(test, board_in(board, 0x20), 0x02);
	board_out(board, 0x20, 0x20);
	KUNIT_EXPECT_EQ(test, board_inta(board), MASTER(1));
	KUNIT_EXPECT_EQ(test, board_in(board, 0x20), 0x04);
	KUNIT_EXPECT_EQ(test, board_in(board, 0xa0), 0x02);
}

/* ICW1 forgets edges and service; what comes before ICW4 waits for it. */
static void pic_again(struct kunit *test)
{
	struct board *board = test->priv;
	struct vatpic *pic = board->irq.vatpic;

	board_pic_init(board, PLAIN);
	vatpic_pulse(pic, 1);
	board_inta(board);
	vatpic_pulse(pic, 4);
	board_out(board, 0x20, 0x11);
	KUNIT_EXPECT_EQ(test, board_in(board, 0x20), 0);
	vatpic_pulse(pic, 6);
	KUNIT_EXPECT_EQ(test, vatpic_pending_vector(pic), MASTER(7));
	board->extints = 0;
	board_out(board, 0x21, 0x50);
	board_out(board, 0x21, 0x04);
	board_out(board, 0x21, PLAIN);
	KUNIT_EXPECT_EQ(test, board->extints, 1);
	KUNIT_EXPECT_EQ(test, board_inta(board), 0x56);
	vatpic_reset(pic);
	KUNIT_EXPECT_EQ(test, vatpic_pending_vector(pic), -1);
}

static struct kunit_case vatpic_cases[] = {
	KUNIT_CASE(pic_initialisation),
	KUNIT_CASE(pic_width),
	KUNIT_CASE(pic_before_initialisation),
	KUNIT_CASE(pic_input_range),
	KUNIT_CASE(pic_tells),
	KUNIT_CASE(pic_priority),
	KUNIT_CASE(pic_registers),
	KUNIT_CASE(pic_rotation),
	KUNIT_CASE(pic_auto_eoi),
	KUNIT_CASE(pic_special_mask),
	KUNIT_CASE(pic_special_fully_nested),
	KUNIT_CASE(pic_poll),
	KUNIT_CASE(pic_level),
	KUNIT_CASE(pic_counts),
	KUNIT_CASE(pic_elcr),
	KUNIT_CASE(pic_spurious),
	KUNIT_CASE(pic_same_base),
	KUNIT_CASE(pic_again),
	{}
};

static struct kunit_suite vatpic_suite = {
	.name = "vmm-dev-vatpic",
	.init = board_init,
	.exit = board_exit,
	.test_cases = vatpic_cases,
};
kunit_test_suite(vatpic_suite);

MODULE_LICENSE("Dual BSD/GPL");
