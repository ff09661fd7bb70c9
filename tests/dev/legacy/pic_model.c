// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * The 8259 pair against a model that is written the other way round: every input is a record, the
 * priorities are a list that is turned by hand, and INT is a wire that is looked at after each step.
 * The same random programming goes to both, and all that a guest or the house can see is compared.
 */
#include <linux/module.h>
#include "fabric.h"
#include "legacy_board.h"
#include "random.h"

#define STEPS	400000

struct input {
	int count;
	bool level;
	bool edge;		/* latched */
	bool masked;
	bool service;
};

struct model {
	struct input in[8];
	int order[8];		/* highest priority first */
	int expected_icw;	/* 0, 2, 3, 4 */
	bool ever;		/* ICW4 was seen once */
	int base;
	bool aeoi, rotate_aeoi, sfnm, smm, poll, read_isr;
};

static struct model master, slave;
static bool wire;		/* the master's INT */
static unsigned int rises;

static void model_start(struct model *m)
{
	int i;

	for (i = 0; i < 8; i++) {
		m->in[i].edge = m->in[i].masked = m->in[i].service = false;
		m->order[i] = i;
	}
	m->aeoi = m->rotate_aeoi = m->sfnm = m->smm = m->poll = m->read_isr = false;
}

static void model_reset(struct model *m)
{
	memset(m, 0, sizeof(*m));
	model_start(m);
}

static int model_winner(struct model *m);

static bool model_requests(struct model *m, int pin)
{
	if (m == &master && pin == 2)
		return model_winner(&slave) >= 0;
	return m->in[pin].level ? m->in[pin].count > 0 : m->in[pin].edge;
}

/* In service, as far as priorities are concerned. */
static bool model_serves(struct model *m, int pin)
{
	return m->in[pin].service && !(m->smm && m->in[pin].masked);
}

static int model_winner(struct model *m)
{
	int i, j;

	if (!m->ever || m->expected_icw)
		return -1;
	for (i = 0; i < 8; i++) {
		int pin = m->order[i];
		bool blocked = false;

		if (!model_requests(m, pin) || m->in[pin].masked)
			continue;
		for (j = 0; j <= i; j++) {
			bool own_slave = j == i && m == &master && m->sfnm && pin == 2;

			if (model_serves(m, m->order[j]) && !own_slave)
				blocked = true;
		}
		return blocked ? -1 : pin;
	}
	return -1;
}

/* Turn the list until @pin is its last. */
static void model_lowest(struct model *m, int pin)
{
	while (m->order[7] != pin) {
		int first = m->order[0];

		memmove(&m->order[0], &m->order[1], sizeof(m->order) - sizeof(m->order[0]));
		m->order[7] = first;
	}
}

static void model_ack(struct model *m, int pin)
{
	m->in[pin].edge = false;
	m->in[pin].service = !m->aeoi || m->in[pin].service;
	if (m->aeoi && m->rotate_aeoi)
		model_lowest(m, pin);
}

static void model_wire(bool dropped)
{
	bool now = model_winner(&master) >= 0;

	if (now && (!wire || dropped))
		rises++;
	wire = now;
}

static int model_vector(void)
{
	int pin = model_winner(&master);

	if (!master.ever)
		return -1;
	if (pin < 0)
		return master.base + 7;
	return pin == 2 ? slave.base + model_winner(&slave) : master.base + pin;
}

/* Acknowledge of the vector that is pending at this moment. */
static void model_inta(void)
{
	int pin = model_winner(&master);

	if (!master.ever)
		return;
	if (pin < 0) {
		/* The spurious vector: only a real request of input 7 goes into service with it. */
		if (model_requests(&master, 7))
			model_ack(&master, 7);
	} else {
		if (pin == 2)
			model_ack(&slave, model_winner(&slave));
		model_ack(&master, pin);
	}
	model_wire(true);
}

static void model_eoi(struct model *m, u8 val)
{
	int pin = val & 7, i;

	if (!(val & 0x40)) {
		pin = -1;
		for (i = 7; i >= 0; i--) {
			if (model_serves(m, m->order[i]))
				pin = m->order[i];
		}
	}
	if (pin < 0)
		return;
	m->in[pin].service = false;
	if (val & 0x80)
		model_lowest(m, pin);
}

static int model_command(struct model *m, u8 val)
{
	if (val & 0x10) {
		if ((val & 3) != 1)
			return -EIO;
		model_start(m);
		m->expected_icw = 2;
	} else if (val & 0x08) {
		if ((val & 0x60) == 0x60)
			m->smm = true;
		else if ((val & 0x60) == 0x40)
			m->smm = false;
		m->poll = val & 4;
		if ((val & 3) == 3)
			m->read_isr = true;
		else if ((val & 3) == 2)
			m->read_isr = false;
	} else if (val & 0x20) {
		model_eoi(m, val);
	} else if (val >> 5 == 6) {
		model_lowest(m, val & 7);
	} else if (val >> 5 == 4 || val >> 5 == 0) {
		m->rotate_aeoi = val >> 5;
	}
	return 0;
}

static int model_data(struct model *m, u8 val)
{
	int i;

	switch (m->expected_icw) {
	case 2:
		m->base = val & ~7;
		m->expected_icw = 3;
		break;
	case 3:
		m->expected_icw = 4;
		break;
	case 4:
		if (!(val & 1))
			return -EIO;
		m->aeoi = val & 2;
		m->sfnm = val & 0x10;
		m->expected_icw = 0;
		m->ever = true;
		break;
	default:
		for (i = 0; i < 8; i++)
			m->in[i].masked = val >> i & 1;
	}
	return 0;
}

static int model_out(u16 port, u8 val)
{
	struct model *m = port >= 0xa0 ? &slave : &master;
	int err = port & 1 ? model_data(m, val) : model_command(m, val);

	model_wire(false);
	return err;
}

static int model_in(u16 port)
{
	struct model *m = port >= 0xa0 ? &slave : &master;
	int i, val = 0;

	if (m->poll) {
		m->poll = false;
		i = model_winner(m);
		if (i >= 0) {
			model_ack(m, i);
			val = 0x80 | i;
		}
		model_wire(i >= 0 && m == &master);
		return val;
	}
	for (i = 0; i < 8; i++) {
		bool bit = port & 1 ? m->in[i].masked :
			   m->read_isr ? m->in[i].service : model_requests(m, i);

		val |= bit << i;
	}
	return val;
}

static void model_elcr(struct model *m, u8 val)
{
	int i;

	val &= m == &master ? 0xf8 : 0xde;
	for (i = 0; i < 8; i++) {
		m->in[i].level = val >> i & 1;
		if (m->in[i].level)
			m->in[i].edge = false;
	}
	model_wire(false);
}

static void model_line(int irq, bool up, bool down)
{
	struct model *m = irq < 8 ? &master : &slave;
	struct input *in = &m->in[irq & 7];

	if (m->ever) {
		if (up && ++in->count == 1 && !in->level)
			in->edge = true;
		if (down)
			in->count--;
	}
	model_wire(false);
}

/* --- steps ---------------------------------------------------------------- */

static u16 random_port(void)
{
	static const u16 ports[] = { 0x20, 0x21, 0xa0, 0xa1 };

	return ports[random_below(4)];
}

static void step_initialise(struct kunit *test, u16 command)
{
	u8 words[] = { 0x11, random_bits(), random_bits(), random_bits() | 1 };
	int i;

	for (i = 0; i < 4; i++)
		KUNIT_EXPECT_EQ(test, board_out(test->priv, command + !!i, words[i]),
				model_out(command + !!i, words[i]));
}

static void step_out(struct kunit *test)
{
	u16 port = random_port();
	u8 val = random_bits();

	/* ICW1 is rare, and so are masks that shut everything out. */
	if (!(port & 1) && !random_one_in(20))
		val &= ~0x10;
	if (port & 1)
		val &= random_bits();
	KUNIT_EXPECT_EQ(test, board_out(test->priv, port, val), model_out(port, val));
}

static void step_line(struct kunit *test)
{
	struct board *board = test->priv;
	int irq = random_below(16), what = random_below(4);
	struct input *in = irq < 8 ? &master.in[irq] : &slave.in[irq - 8];

	if (what == 0 && in->count < 3) {
		vatpic_assert(board->irq.vatpic, irq);
		model_line(irq, true, false);
	} else if (what == 1 && in->count > -2) {
		vatpic_deassert(board->irq.vatpic, irq);
		model_line(irq, false, true);
	} else {
		vatpic_pulse(board->irq.vatpic, irq);
		model_line(irq, true, true);
	}
}

static void step_trigger(struct kunit *test)
{
	struct board *board = test->priv;
	u8 val = random_bits() & random_bits();
	int which = random_below(2);

	board_out(board, 0x4d0 + which, val);
	model_elcr(which ? &slave : &master, val);
}

static void step(struct kunit *test)
{
	u16 port;

	switch (random_below(16)) {
	case 0 ... 5:
		step_line(test);
		break;
	case 6 ... 8:
		step_out(test);
		break;
	case 9 ... 10:
		port = random_port();
		KUNIT_EXPECT_EQ_MSG(test, board_in(test->priv, port), model_in(port), "port 0x%x", port);
		break;
	case 11 ... 14:
		board_inta(test->priv);
		model_inta();
		break;
	default:
		if (random_one_in(8))
			step_trigger(test);
		else if (random_one_in(50))
			step_initialise(test, random_one_in(2) ? 0x20 : 0xa0);
	}
}

static int init(struct kunit *test)
{
	board_init(test);
	model_reset(&master);
	model_reset(&slave);
	wire = false;
	rises = 0;
	return 0;
}

/* D-07. */
static void d07_pic_random(struct kunit *test)
{
	struct board *board = test->priv;
	int i;

	for (i = 0; i < STEPS && !test->failures; i++) {
		if (i % 5000 == 1000) {
			step_initialise(test, 0x20);
			step_initialise(test, 0xa0);
			/* The model's INTA takes the winner; with one base for both a vector has two meanings. */
			if (master.base == slave.base)
				continue;
		}
		step(test);
		if (master.ever && slave.ever && master.base == slave.base)
			step_initialise(test, 0xa0);
		KUNIT_EXPECT_EQ_MSG(test, vatpic_pending_vector(board->irq.vatpic), model_vector(),
				    "vector, step %d", i);
		KUNIT_EXPECT_EQ_MSG(test, fabric.lint0, rises, "LINT0, step %d", i);
		KUNIT_EXPECT_EQ_MSG(test, fabric.pin_edges[0], rises, "pin 0, step %d", i);
	}
}

/* Every pair of words at the two ports of a chip, from a running state: nothing breaks, reads agree. */
static void d07_pic_words(struct kunit *test)
{
	static const u16 ports[][2] = { { 0x20, 0x20 }, { 0x20, 0x21 }, { 0xa0, 0xa1 }, { 0xa1, 0xa0 } };
	struct board *board = test->priv;
	int words, i, port;

	for (words = 0; words < 0x10000 && !test->failures; words++) {
		for (i = 0; i < 4; i++) {
			if (!(words & 0xff)) {
				step_initialise(test, 0x20);
				step_initialise(test, 0xa0);
			}
			board_out(board, ports[i][0], words & 0xff);
			model_out(ports[i][0], words & 0xff);
			board_out(board, ports[i][1], words >> 8);
			model_out(ports[i][1], words >> 8);
			vatpic_pulse(board->irq.vatpic, words & 15);
			model_line(words & 15, true, true);
			for (port = 0; port < 4; port++) {
				u16 p = (port & 2 ? 0xa0 : 0x20) + (port & 1);

				KUNIT_EXPECT_EQ_MSG(test, board_in(board, p), model_in(p), "0x%x", words);
			}
		}
	}
}

static struct kunit_case cases[] = {
	KUNIT_CASE(d07_pic_random),
	KUNIT_CASE(d07_pic_words),
	{}
};

static struct kunit_suite suite = {
	.name = "model-vatpic",
	.init = init,
	.exit = board_exit,
	.test_cases = cases,
};
kunit_test_suite(suite);
