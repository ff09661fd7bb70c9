// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* src/dev/vioapic.c: directed vectors from the 82093AA data sheet and semantics.md section 17. */
#include <kunit/test.h>
#include <linux/module.h>

#include "apic_board.h"

#define MASKED		0x10000ULL
#define LEVEL		0x8000ULL
#define REMOTE_IRR	0x4000ULL
#define TO_CPU(n)	((u64)(n) << 56)

static void ioapic_registers(struct kunit *test)
{
	struct board *board = test->priv;
	int reg;

	KUNIT_EXPECT_EQ(test, ioapic_get(board, 1), 0x001f0011);
	for (reg = 0; reg < VIOAPIC_PINS; reg++)
		KUNIT_EXPECT_EQ(test, ioapic_get_rte(board, reg), MASKED);
	for (reg = 0; reg < 256; reg++) {
		u32 before = ioapic_get(board, reg), want = before;

		ioapic_put(board, reg, 0xffffffff);
		if (reg == 0)
			want = 0x0f000000;
		else if (reg >= 0x10 && reg < 0x50)
			want = reg & 1 ? 0xff000000 : 0x1afff;
		KUNIT_EXPECT_EQ_MSG(test, ioapic_get(board, reg), want, "register %#x", reg);
	}
	KUNIT_EXPECT_EQ(test, ioapic_get(board, 2), 0x0f000000);
	vioapic_reset(board->irq.vioapic);
	KUNIT_EXPECT_EQ(test, ioapic_get(board, 0), 0);
	KUNIT_EXPECT_EQ(test, ioapic_get_rte(board, 31), MASKED);
}

static void d01_ioapic_window(struct kunit *test)
{
	static const int widths[] = { 0, 1, 2, 4, 8, 16, -1 };
	struct board *board = test->priv;
	u64 offset, val;
	int i;

	ioapic_put(board, 0, 0x05000000);
	for (i = 0; i < ARRAY_SIZE(widths); i++) {
		for (offset = 0; offset < VIOAPIC_SIZE + 16; offset++) {
			if (widths[i] == 4 && (offset == 0 || offset == 0x10))
				continue;
			val = 0xff;
			KUNIT_EXPECT_EQ(test, vioapic_mmio(board->irq.vioapic, 0, offset, true,
							   widths[i], &val), 0);
			KUNIT_EXPECT_EQ(test, vioapic_mmio(board->irq.vioapic, 0, offset, false,
							   widths[i], &val), 0);
			KUNIT_EXPECT_EQ(test, val, 0);
		}
	}
	KUNIT_EXPECT_EQ(test, ioapic_get(board, 0), 0x05000000);
}

static void ioapic_pin_range(struct kunit *test)
{
	static const int pins[] = { -1, 32, INT_MAX, INT_MIN };
	struct board *board = test->priv;
	int i;

	for (i = 0; i < ARRAY_SIZE(pins); i++) {
		KUNIT_EXPECT_EQ(test, vioapic_assert(board->irq.vioapic, pins[i]), -EINVAL);
		KUNIT_EXPECT_EQ(test, vioapic_deassert(board->irq.vioapic, pins[i]), -EINVAL);
		KUNIT_EXPECT_EQ(test, vioapic_pulse(board->irq.vioapic, pins[i]), -EINVAL);
	}
	KUNIT_EXPECT_EQ(test, vioapic_pulse(board->irq.vioapic, 31), 0);
}

static void ioapic_edge(struct kunit *test)
{
	struct board *board = test->priv;
	struct vioapic *vioapic = board->irq.vioapic;

	ioapic_put_rte(board, 4, TO_CPU(1) | 0x55);
	vioapic_assert(vioapic, 4);
	KUNIT_EXPECT_FALSE(test, lapic_has(board->cpu[1], R_TMR, 0x55));
	KUNIT_EXPECT_EQ(test, lapic_serve(board->cpu[1]), 0x55);
	KUNIT_EXPECT_EQ(test, lapic_serve(board->cpu[1]), -1);
	/* Twice up and once down is up. */
	vioapic_assert(vioapic, 4);
	vioapic_deassert(vioapic, 4);
	KUNIT_EXPECT_EQ(test, lapic_serve(board->cpu[1]), -1);
	/* Below zero; from there to 0 is no rise. */
	vioapic_deassert(vioapic, 4);
	KUNIT_EXPECT_EQ(test, vioapic_deassert(vioapic, 4), 0);
	vioapic_assert(vioapic, 4);
	KUNIT_EXPECT_EQ(test, lapic_serve(board->cpu[1]), -1);
	vioapic_pulse(vioapic, 4);
	KUNIT_EXPECT_EQ(test, lapic_serve(board->cpu[1]), 0x55);
	/* Masked: lost; written while up: once more. */
	ioapic_put_rte(board, 4, MASKED | 0x55);
	vioapic_pulse(vioapic, 4);
	ioapic_put_rte(board, 4, 0x55);
	KUNIT_EXPECT_EQ(test, lapic_serve(board->cpu[0]), -1);
	vioapic_assert(vioapic, 4);
	KUNIT_EXPECT_EQ(test, lapic_serve(board->cpu[0]), 0x55);
	ioapic_put(board, 0x18, 0x56);
	KUNIT_EXPECT_EQ(test, lapic_serve(board->cpu[0]), 0x56);
}

static void ioapic_level(struct kunit *test)
{
	struct board *board = test->priv;
	struct vioapic *vioapic = board->irq.vioapic;
	struct vlapic *vlapic = board->cpu[0];

	ioapic_put_rte(board, 10, LEVEL | MASKED | 0x66);
	vioapic_assert(vioapic, 10);
	KUNIT_EXPECT_EQ(test, lapic_serve(vlapic), -1);
	ioapic_put(board, 0x10 + 20, LEVEL | 0x66);
	KUNIT_EXPECT_EQ(test, ioapic_get_rte(board, 10), LEVEL | REMOTE_IRR | 0x66);
	KUNIT_EXPECT_TRUE(test, lapic_has(vlapic, R_TMR, 0x66));
	vlapic_intr_accepted(vlapic, 0x66);
	ioapic_put(board, 0x10 + 20, LEVEL | 0x66);
	KUNIT_EXPECT_FALSE(test, lapic_has(vlapic, R_IRR, 0x66));
	lapic_put(vlapic, R_EOI, 0);
	KUNIT_EXPECT_EQ(test, vlapic_pending_intr(vlapic), 0x66);
	vioapic_deassert(vioapic, 10);
	KUNIT_EXPECT_EQ(test, lapic_serve(vlapic), 0x66);
	KUNIT_EXPECT_EQ(test, lapic_serve(vlapic), -1);
	KUNIT_EXPECT_EQ(test, ioapic_get_rte(board, 10), LEVEL | 0x66);
}

/* One EOI for two pins. An entry that changed its vector keeps remote IRR until it is made edge. */
static void ioapic_eoi(struct kunit *test)
{
	struct board *board = test->priv;
	struct vioapic *vioapic = board->irq.vioapic;
	struct vlapic *vlapic = board->cpu[0];

	ioapic_put_rte(board, 16, LEVEL | 0x70);
	ioapic_put_rte(board, 17, LEVEL | 0x70);
	ioapic_put_rte(board, 18, LEVEL | 0x70);
	vioapic_assert(vioapic, 16);
	vioapic_pulse(vioapic, 17);
	vioapic_assert(vioapic, 18);
	ioapic_put(board, 0x10 + 36, LEVEL | 0x71);
	KUNIT_EXPECT_EQ(test, lapic_serve(vlapic), 0x70);
	KUNIT_EXPECT_EQ(test, ioapic_get_rte(board, 16), LEVEL | REMOTE_IRR | 0x70);
	KUNIT_EXPECT_EQ(test, ioapic_get_rte(board, 17), LEVEL | 0x70);
	KUNIT_EXPECT_EQ(test, ioapic_get_rte(board, 18), LEVEL | REMOTE_IRR | 0x71);
	vioapic_deassert(vioapic, 16);
	KUNIT_EXPECT_EQ(test, lapic_serve(vlapic), 0x70);
	ioapic_put(board, 0x10 + 36, MASKED | 0x71);
	ioapic_put(board, 0x10 + 36, LEVEL | 0x71);
	KUNIT_EXPECT_EQ(test, lapic_serve(vlapic), 0x71);
}

/* Up until the EOI, however often it is raised; another's assert keeps the line up. */
static void ioapic_until_eoi(struct kunit *test)
{
	struct board *board = test->priv;
	struct vioapic *vioapic = board->irq.vioapic;
	struct vlapic *vlapic = board->cpu[0];

	ioapic_put_rte(board, 20, LEVEL | 0x66);
	vioapic_assert_until_eoi(vioapic, 20);
	vioapic_assert_until_eoi(vioapic, 20);
	KUNIT_EXPECT_EQ(test, board->eois, 0);
	KUNIT_EXPECT_EQ(test, lapic_serve(vlapic), 0x66);
	KUNIT_EXPECT_EQ(test, board->eois, 1);
	KUNIT_EXPECT_EQ(test, board->eoi_pins, BIT(20));
	KUNIT_EXPECT_EQ(test, lapic_serve(vlapic), -1);
	vioapic_assert(vioapic, 20);
	vioapic_assert_until_eoi(vioapic, 20);
	KUNIT_EXPECT_EQ(test, lapic_serve(vlapic), 0x66);
	KUNIT_EXPECT_EQ(test, lapic_serve(vlapic), 0x66);
	KUNIT_EXPECT_EQ(test, board->eois, 2);
	vioapic_deassert(vioapic, 20);
	KUNIT_EXPECT_EQ(test, lapic_serve(vlapic), 0x66);
	KUNIT_EXPECT_EQ(test, lapic_serve(vlapic), -1);
	/* Taken back before: the one that was sent comes, and no more. */
	vioapic_assert_until_eoi(vioapic, 20);
	vioapic_deassert_until_eoi(vioapic, 20);
	vioapic_deassert_until_eoi(vioapic, 20);
	KUNIT_EXPECT_EQ(test, lapic_serve(vlapic), 0x66);
	KUNIT_EXPECT_EQ(test, lapic_serve(vlapic), -1);
	KUNIT_EXPECT_EQ(test, board->eois, 2);
}

static void ioapic_modes(struct kunit *test)
{
	struct board *board = test->priv;
	struct vioapic *vioapic = board->irq.vioapic;

	ioapic_put_rte(board, 0, TO_CPU(1) | 0x700);
	vioapic_pulse(vioapic, 0);
	KUNIT_EXPECT_EQ(test, board->extint[1], 1);
	ioapic_put_rte(board, 0, TO_CPU(0xff) | 0x400);
	vioapic_pulse(vioapic, 0);
	KUNIT_EXPECT_EQ(test, board->nmi[0] + board->nmi[1] + board->nmi[2], 3);
	KUNIT_EXPECT_EQ(test, board->nmi[3], 0);
	ioapic_put_rte(board, 0, TO_CPU(0x06) | 0x950);
	vioapic_pulse(vioapic, 0);
	KUNIT_EXPECT_EQ(test, lapic_serve(board->cpu[1]), 0x50);
	KUNIT_EXPECT_EQ(test, lapic_serve(board->cpu[2]), -1);
	ioapic_put_rte(board, 0, TO_CPU(2) | 0x500);
	vioapic_pulse(vioapic, 0);
	KUNIT_EXPECT_EQ(test, board->init[2], 1);
	KUNIT_EXPECT_TRUE(test, test_bit(2, board->irq.startup));
}

static struct kunit_case vioapic_cases[] = {
	KUNIT_CASE(ioapic_registers),
	KUNIT_CASE(d01_ioapic_window),
	KUNIT_CASE(ioapic_pin_range),
	KUNIT_CASE(ioapic_edge),
	KUNIT_CASE(ioapic_level),
	KUNIT_CASE(ioapic_eoi),
	KUNIT_CASE(ioapic_until_eoi),
	KUNIT_CASE(ioapic_modes),
	{}
};

static struct kunit_suite vioapic_suite = {
	.name = "vmm-dev-vioapic",
	.init = board_init,
	.exit = board_exit,
	.test_cases = vioapic_cases,
};
kunit_test_suite(vioapic_suite);

MODULE_LICENSE("Dual BSD/GPL");
