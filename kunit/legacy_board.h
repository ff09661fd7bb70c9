/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * legacy_board: a VM's board without the VM: interrupt fabric, one vCPU's local APIC (software-
 * disabled, as after reset), bus and a hand-cranked clock. A suite adds the chip it is about. What
 * the chips do is seen where the house sees it, in irq_host_ops.
 */
#ifndef KUNIT_LEGACY_BOARD_H
#define KUNIT_LEGACY_BOARD_H

#include <kunit/test.h>
#include <linux/bitops.h>
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/slab.h>

#include "../src/dev/bus.h"
#include "../src/dev/irq.h"
#include "../src/dev/vatpic.h"
#include "../src/dev/vioapic.h"
#include "../src/dev/vlapic.h"
#include "hand_clock.h"

#define BOARD_MASTER_BASE	0x30
#define BOARD_SLAVE_BASE	0x38

struct board {
	struct irq irq;
	struct vclock clock;
	struct bus bus;
	struct vlapic *vlapic;
	u64 stats[VLAPIC_STAT_LAST];
	unsigned int nmis;
	unsigned int extints;
};

static void board_nothing(void *host, unsigned int vcpuid)
{
}

static void board_nmi(void *host, unsigned int vcpuid)
{
	struct board *board = host;

	board->nmis++;
}

static void board_extint(void *host, unsigned int vcpuid)
{
	struct board *board = host;

	board->extints++;
}

static const struct irq_host_ops board_ops = {
	.vcpu_notify = board_nothing,
	.vcpu_nmi = board_nmi,
	.vcpu_extint = board_extint,
	.vcpu_init = board_nothing,
};

static inline int board_out(struct board *board, u16 port, u32 val)
{
	return bus_port_access(&board->bus, false, port, 1, &val);
}

/* The byte, or a negative errno. */
static inline int board_in(struct board *board, u16 port)
{
	u32 val = 0xdeadbeef;
	int err = bus_port_access(&board->bus, true, port, 1, &val);

	return err ? err : (int)val;
}

/* Both 8259s: vectors as above, nothing masked, @icw4 for both. */
static inline void board_pic_init(struct board *board, u8 icw4)
{
	board_out(board, 0x20, 0x11);
	board_out(board, 0x21, BOARD_MASTER_BASE);
	board_out(board, 0x21, 0x04);
	board_out(board, 0x21, icw4);
	board_out(board, 0xa0, 0x11);
	board_out(board, 0xa1, BOARD_SLAVE_BASE);
	board_out(board, 0xa1, 0x02);
	board_out(board, 0xa1, icw4);
}

/* INTA: the vector, acknowledged. */
static inline int board_inta(struct board *board)
{
	int vector = vatpic_pending_vector(board->irq.vatpic);

	if (vector >= 0)
		vatpic_intr_accepted(board->irq.vatpic, vector);
	return vector;
}

/* From now on every interrupt of that I/O APIC pin is one of board->nmis: edge, unmasked, to vCPU 0. */
static inline void board_route_pin(struct board *board, unsigned int pin)
{
	u64 select[] = { 0x10 + 2 * pin + 1, 0x10 + 2 * pin };
	u64 half[] = { 0, 0x400 };
	int i;

	for (i = 0; i < 2; i++) {
		vioapic_mmio(board->irq.vioapic, 0, 0x00, true, 4, &select[i]);
		vioapic_mmio(board->irq.vioapic, 0, 0x10, true, 4, &half[i]);
	}
}

/* Is the pin, which is routed as above, held up? Then one more assert is no edge. */
static inline bool board_pin_is_up(struct board *board, int pin)
{
	unsigned int nmis = board->nmis;

	vioapic_pulse(board->irq.vioapic, pin);
	swap(board->nmis, nmis);
	return nmis == board->nmis;
}

static inline int board_init(struct kunit *test)
{
	struct board *board = kzalloc(sizeof(*board), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, board);
	test->priv = board;
	hand_clock_reset();
	vclock_init(&board->clock, &hand_clock_source);
	bus_init(&board->bus);
	KUNIT_ASSERT_EQ(test, irq_init(&board->irq, &board_ops, board, 1), 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR(vioapic_create(&board->irq)));
	KUNIT_ASSERT_FALSE(test, IS_ERR(vatpic_create(&board->irq)));
	vatpic_connect(board->irq.vatpic, &board->bus);
	board->vlapic = vlapic_create(&board->irq, &board->clock, 0, board->stats);
	KUNIT_ASSERT_FALSE(test, IS_ERR(board->vlapic));
	set_bit(0, board->irq.active);
	return 0;
}

static inline void board_exit(struct kunit *test)
{
	struct board *board = test->priv;

	vlapic_destroy(board->vlapic);
	vatpic_destroy(board->irq.vatpic);
	vioapic_destroy(board->irq.vioapic);
	irq_fini(&board->irq);
	KUNIT_EXPECT_EQ(test, hand.lost, 0);
	kfree(board);
}

#endif
