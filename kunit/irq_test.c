// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* src/dev/irq.c: messages, destinations, ISA lines; semantics.md sections 11, 12, 15 and 16. */
#include <kunit/test.h>
#include <linux/module.h>

#include "apic_board.h"

/* vCPUs that have @vector next; they finish it. */
static unsigned long board_takers(struct board *board, int vector)
{
	unsigned long set = 0;
	int id;

	for (id = 0; id < BOARD_EXIST; id++)
		if (lapic_serve(board->cpu[id]) == vector)
			set |= BIT(id);
	return set;
}

static void irq_msi_destinations(struct kunit *test)
{
	static const struct { u64 addr, data; unsigned long takers; } messages[] = {
		{ 0xfee02000, 0x50, 0x4 },	/* physical */
		{ 0xfee02004, 0x50, 0x4 },	/* one bit alone is not logical */
		{ 0xfee02008, 0x50, 0x4 },
		{ 0xfee0500c, 0x50, 0x5 },	/* logical */
		{ 0xfeeff00c, 0x50, 0x7 },	/* everybody */
		{ 0xfeeff000, 0x50, 0x7 },
		{ 0xfee03000, 0x50, 0x0 },	/* inactive */
		{ 0xfee05000, 0x50, 0x0 },	/* no APIC */
		{ 0xfeefe000, 0x50, 0x0 },	/* out of range */
		{ 0xfee0600c, 0x150, 0x2 },	/* lowest priority */
		{ 0xfeeff000, 0x150, 0x1 },
		{ 0xfee0800c, 0x150, 0x0 },
		{ 0xfee00000, 0xfffffffffffff850, 0x1 },
		{ 0xfee00000, 0x250, 0x0 },	/* dropped */
		{ 0xfee00000, 0x350, 0x0 },
		{ 0xfee00000, 0x450, 0x0 },
		{ 0xfee00000, 0x550, 0x0 },
		{ 0xfee00000, 0x650, 0x0 },
	};
	struct board *board = test->priv;
	int i;

	for (i = 0; i < ARRAY_SIZE(messages); i++) {
		KUNIT_EXPECT_EQ(test, irq_msi(&board->irq, messages[i].addr, messages[i].data), 0);
		KUNIT_EXPECT_EQ_MSG(test, board_takers(board, 0x50), messages[i].takers,
				    "address %#llx data %#llx", messages[i].addr, messages[i].data);
	}
	KUNIT_EXPECT_FALSE(test, lapic_has(board->cpu[0], R_TMR, 0x50));
	KUNIT_EXPECT_EQ(test, board->nmi[0] + board->init[0] + board->extint[0], 0);
	KUNIT_EXPECT_EQ(test, irq_msi(&board->irq, 0xfee01000, 0x700), 0);
	KUNIT_EXPECT_EQ(test, board->extint[1], 1);
	KUNIT_EXPECT_EQ(test, irq_msi(&board->irq, 0xfed02000, 0x50), -EINVAL);
	KUNIT_EXPECT_EQ(test, irq_msi(&board->irq, 0, 0x50), -EINVAL);
}

static void d05_destination_bounds(struct kunit *test)
{
	static const u32 dests[] = { 3, 4, 5, 6, 0xff, 0x100, 0x3ff, 0x400, 0x10001, 0x7fffffff,
				     0xfffffffe };
	struct board *board = test->priv;
	unsigned long *targets;
	int i, id;

	targets = kunit_kzalloc(test, BITS_TO_LONGS(VM_MAXCPU) * sizeof(long), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, targets);
	/* Active, but no APIC; beyond the machine's limit. */
	set_bit(5, board->irq.active);
	set_bit(1023, board->irq.active);
	for (i = 0; i < ARRAY_SIZE(dests); i++) {
		irq_dest_resolve(&board->irq, dests[i], false, true, targets);
		KUNIT_EXPECT_TRUE_MSG(test, bitmap_empty(targets, VM_MAXCPU), "%#x", dests[i]);
	}
	irq_dest_resolve(&board->irq, 0xffffffff, true, true, targets);
	KUNIT_EXPECT_EQ(test, targets[0], 0x7);
	KUNIT_EXPECT_EQ(test, bitmap_weight(targets, VM_MAXCPU), 3);
	for (id = 0; id < BOARD_EXIST; id++)
		lapic_put(board->cpu[id], R_DFR, 0);
	lapic_put(board->cpu[1], R_LDR, 0x72000000);
	irq_dest_resolve(&board->irq, 0x73, true, false, targets);
	KUNIT_EXPECT_EQ(test, targets[0], 0x2);
	irq_dest_resolve(&board->irq, 0x62, true, false, targets);
	KUNIT_EXPECT_EQ(test, targets[0], 0);
	KUNIT_EXPECT_NULL(test, irq_vlapic(&board->irq, 5));
	KUNIT_EXPECT_NULL(test, irq_vlapic(&board->irq, BOARD_MAX));
	KUNIT_EXPECT_NULL(test, irq_vlapic(&board->irq, ~0U));
}

static void irq_startup(struct kunit *test)
{
	struct board *board = test->priv;
	DECLARE_BITMAP(targets, VM_MAXCPU) = { 0x3f };

	KUNIT_EXPECT_FALSE(test, irq_take_startup(&board->irq, targets));
	irq_send_init(&board->irq, 2);
	irq_send_init(&board->irq, 5);
	KUNIT_EXPECT_EQ(test, board->init[2], 1);
	KUNIT_EXPECT_EQ(test, board->init[5], 0);
	targets[0] = 0x3e;
	KUNIT_EXPECT_TRUE(test, irq_take_startup(&board->irq, targets));
	KUNIT_EXPECT_EQ(test, targets[0], 0x24);
	targets[0] = 0x3e;
	KUNIT_EXPECT_FALSE(test, irq_take_startup(&board->irq, targets));
	KUNIT_EXPECT_EQ(test, targets[0], 0);
	irq_send_init(&board->irq, 1);
	irq_reset(&board->irq);
	KUNIT_EXPECT_TRUE(test, bitmap_empty(board->irq.startup, VM_MAXCPU));
	KUNIT_EXPECT_TRUE(test, bitmap_empty(board->irq.active, VM_MAXCPU));
}

/* The 8259 accepts and drops until it is programmed; the pin behind it works. */
static void irq_isa_lines(struct kunit *test)
{
	struct board *board = test->priv;
	struct irq *irq = &board->irq;

	ioapic_put_rte(board, 4, 0x8000 | 0x62);
	KUNIT_EXPECT_EQ(test, irq_isa_assert(irq, 5, 4), 0);
	KUNIT_EXPECT_EQ(test, lapic_serve(board->cpu[0]), 0x62);
	KUNIT_EXPECT_EQ(test, irq_isa_deassert(irq, 5, 4), 0);
	KUNIT_EXPECT_EQ(test, lapic_serve(board->cpu[0]), 0x62);
	KUNIT_EXPECT_EQ(test, lapic_serve(board->cpu[0]), -1);
	KUNIT_EXPECT_EQ(test, irq_isa_pulse(irq, 5, 4), 0);
	KUNIT_EXPECT_EQ(test, lapic_serve(board->cpu[0]), 0x62);
	KUNIT_EXPECT_EQ(test, irq_isa_pulse(irq, 5, -1), 0);
	KUNIT_EXPECT_EQ(test, lapic_serve(board->cpu[0]), -1);
	KUNIT_EXPECT_EQ(test, irq_isa_pulse(irq, 16, 4), -EINVAL);
	KUNIT_EXPECT_EQ(test, lapic_serve(board->cpu[0]), -1);
	KUNIT_EXPECT_EQ(test, irq_isa_pulse(irq, 5, 32), -EINVAL);
	KUNIT_EXPECT_EQ(test, irq_isa_pulse(irq, 5, -2), -EINVAL);
}

static void irq_limits(struct kunit *test)
{
	struct irq irq = {};

	KUNIT_EXPECT_EQ(test, irq_init(&irq, &board_ops, NULL, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, irq_init(&irq, &board_ops, NULL, VM_MAXCPU + 1), -EINVAL);
	irq_fini(&irq);
	KUNIT_EXPECT_EQ(test, irq_init(&irq, &board_ops, NULL, VM_MAXCPU), 0);
	KUNIT_EXPECT_EQ(test, irq_msi(&irq, 0xfeeff000, 0x50), 0);
	irq_fini(&irq);
}

static struct kunit_case irq_cases[] = {
	KUNIT_CASE(irq_msi_destinations),
	KUNIT_CASE(d05_destination_bounds),
	KUNIT_CASE(irq_startup),
	KUNIT_CASE(irq_isa_lines),
	KUNIT_CASE(irq_limits),
	{}
};

static struct kunit_suite irq_suite = {
	.name = "vmm-dev-irq",
	.init = board_init,
	.exit = board_exit,
	.test_cases = irq_cases,
};
kunit_test_suite(irq_suite);

MODULE_LICENSE("Dual BSD/GPL");
