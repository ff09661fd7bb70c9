/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * apic_board: the interrupt fabric of a VM of at most six vCPUs, without the VM. vCPUs 0 to 3 have
 * a local APIC, 0 to 2 are active; all APICs are software-enabled, with flat logical ids. The clock
 * is turned by hand; what the house is asked is counted.
 */
#ifndef KUNIT_APIC_BOARD_H
#define KUNIT_APIC_BOARD_H

#include <kunit/test.h>
#include <linux/bitops.h>
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/slab.h>

#include "../src/dev/irq.h"
#include "../src/dev/vatpic.h"
#include "../src/dev/vioapic.h"
#include "../src/dev/vlapic.h"
#include "hand_clock.h"

#define BOARD_MAX	6
#define BOARD_EXIST	4
#define BOARD_ACTIVE	3

/* Register numbers, SDM vol. 3 table 11-6. */
enum {
	R_ID = 2, R_VERSION = 3, R_TPR = 8, R_APR = 9, R_PPR = 0xa, R_EOI = 0xb, R_LDR = 0xd,
	R_DFR = 0xe, R_SVR = 0xf, R_ISR = 0x10, R_TMR = 0x18, R_IRR = 0x20, R_ESR = 0x28,
	R_CMCI = 0x2f, R_ICR = 0x30, R_ICR2 = 0x31, R_TIMER = 0x32, R_THERMAL = 0x33, R_PMC = 0x34,
	R_LINT0 = 0x35, R_LINT1 = 0x36, R_ERROR = 0x37, R_COUNT = 0x38, R_CURRENT = 0x39,
	R_DIVIDE = 0x3e, R_SELF = 0x3f,
};

struct board {
	struct irq irq;
	struct vclock clock;
	struct vlapic *cpu[BOARD_EXIST];
	u64 stats[BOARD_EXIST][VLAPIC_STAT_LAST];
	unsigned int notify[BOARD_MAX], nmi[BOARD_MAX], extint[BOARD_MAX], init[BOARD_MAX];
	u32 eoi_pins;			/* let go by the last EOI that did so */
	unsigned int eois;		/* how many there were */
};

static void board_notify(void *host, unsigned int id)
{
	((struct board *)host)->notify[id]++;
}

static void board_nmi(void *host, unsigned int id)
{
	((struct board *)host)->nmi[id]++;
}

static void board_extint(void *host, unsigned int id)
{
	((struct board *)host)->extint[id]++;
}

static void board_init_vcpu(void *host, unsigned int id)
{
	((struct board *)host)->init[id]++;
}

static inline void board_pins_eoi(void *host, u32 ended, u32 let_go)
{
	struct board *board = host;

	if (!let_go)
		return;
	board->eoi_pins = let_go & ended;
	board->eois++;
}

static const struct irq_host_ops board_ops = {
	.vcpu_notify = board_notify,
	.vcpu_nmi = board_nmi,
	.vcpu_extint = board_extint,
	.vcpu_init = board_init_vcpu,
	.pins_eoi = board_pins_eoi,
};

/* A 4-byte access to the page, which an APIC in xAPIC mode never refuses. */
static inline u32 lapic_get(struct vlapic *vlapic, unsigned int reg)
{
	u64 val = 0;

	return vlapic_mmio(vlapic, reg << 4, false, 4, &val) ? 0xdeadbeef : val;
}

static inline int lapic_put(struct vlapic *vlapic, unsigned int reg, u32 val)
{
	u64 datum = val;

	return vlapic_mmio(vlapic, reg << 4, true, 4, &datum);
}

static inline bool lapic_has(struct vlapic *vlapic, unsigned int first_reg, u8 vector)
{
	return lapic_get(vlapic, first_reg + vector / 32) & BIT(vector % 32);
}

/* Accept and finish the interrupt that is next: its vector, or -1. */
static inline int lapic_serve(struct vlapic *vlapic)
{
	int vector = vlapic_pending_intr(vlapic);

	if (vector >= 0) {
		vlapic_intr_accepted(vlapic, vector);
		lapic_put(vlapic, R_EOI, 0);
	}
	return vector;
}

static inline u32 ioapic_get(struct board *board, u8 reg)
{
	u64 val = reg;

	vioapic_mmio(board->irq.vioapic, 0, 0x00, true, 4, &val);
	vioapic_mmio(board->irq.vioapic, 0, 0x10, false, 4, &val);
	return val;
}

static inline void ioapic_put(struct board *board, u8 reg, u32 val)
{
	u64 datum = reg;

	vioapic_mmio(board->irq.vioapic, 0, 0x00, true, 4, &datum);
	datum = val;
	vioapic_mmio(board->irq.vioapic, 0, 0x10, true, 4, &datum);
}

static inline u64 ioapic_get_rte(struct board *board, int pin)
{
	return ioapic_get(board, 0x10 + 2 * pin) | (u64)ioapic_get(board, 0x11 + 2 * pin) << 32;
}

/* High half first: the low half unmasks. */
static inline void ioapic_put_rte(struct board *board, int pin, u64 rte)
{
	ioapic_put(board, 0x11 + 2 * pin, rte >> 32);
	ioapic_put(board, 0x10 + 2 * pin, rte & 0xffffffff);
}

static inline int board_init(struct kunit *test)
{
	struct board *board = kzalloc(sizeof(*board), GFP_KERNEL);
	int id;

	KUNIT_ASSERT_NOT_NULL(test, board);
	test->priv = board;
	hand_clock_reset();
	vclock_init(&board->clock, &hand_clock_source);
	KUNIT_ASSERT_EQ(test, irq_init(&board->irq, &board_ops, board, BOARD_MAX), 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR(vioapic_create(&board->irq)));
	KUNIT_ASSERT_FALSE(test, IS_ERR(vatpic_create(&board->irq)));
	for (id = 0; id < BOARD_EXIST; id++) {
		board->cpu[id] = vlapic_create(&board->irq, &board->clock, id, board->stats[id]);
		KUNIT_ASSERT_FALSE(test, IS_ERR(board->cpu[id]));
		KUNIT_EXPECT_PTR_EQ(test, irq_vlapic(&board->irq, id), board->cpu[id]);
		lapic_put(board->cpu[id], R_SVR, 0x1ff);
		lapic_put(board->cpu[id], R_LDR, 0x01000000 << id);
		if (id < BOARD_ACTIVE)
			set_bit(id, board->irq.active);
	}
	return 0;
}

static inline void board_exit(struct kunit *test)
{
	struct board *board = test->priv;
	int id;

	for (id = 0; id < BOARD_EXIST; id++) {
		vlapic_destroy(board->cpu[id]);
		KUNIT_EXPECT_NULL(test, irq_vlapic(&board->irq, id));
	}
	KUNIT_EXPECT_LT(test, hand_clock_next(U64_MAX), 0);
	vatpic_destroy(board->irq.vatpic);
	vioapic_destroy(board->irq.vioapic);
	irq_fini(&board->irq);
	KUNIT_EXPECT_EQ(test, hand.lost, 0);
	kfree(board);
}

#endif
