// SPDX-License-Identifier: BSD-2-Clause
/* Messages, destinations, local sources and ISA lines: semantics.md sections 12, 15 and 16. */
#include "test.h"

static struct board *fabric_board(unsigned int maxcpus, unsigned int exist, unsigned int active)
{
	struct board *board = board_create(maxcpus, exist, active);
	unsigned int id;

	for (id = 0; id < exist; id++)
		lapic_enable(board_vlapic(board, id));
	return board;
}

/* vCPUs below 64 that have @vector pending; they finish it. */
static u64 takers(struct board *board, u8 vector)
{
	unsigned int id;
	u64 set = 0;

	for (id = 0; id < board->vcpus && id < 64; id++) {
		struct vlapic *vlapic = board_vlapic(board, id);

		if (vlapic_pending_intr(vlapic) != vector)
			continue;
		vlapic_intr_accepted(vlapic, vector);
		lapic_put(vlapic, R_EOI, 0);
		set |= 1ULL << id;
	}
	return set;
}

static void test_msi(void)
{
	struct board *board = fabric_board(VCPUS, 4, 3);
	struct irq *irq = &board->irq;
	unsigned int id;

	for (id = 0; id < 4; id++)
		lapic_put(board_vlapic(board, id), R_LDR, 0x10000000U << id);
	/* Physical, whatever one of the two logical bits says. */
	CHECK_EQ(irq_msi(irq, 0xfee02000, 0x50), 0);
	CHECK_EQ(takers(board, 0x50), 0x4);
	CHECK_EQ(irq_msi(irq, 0xfee02008, 0x50), 0);
	CHECK_EQ(takers(board, 0x50), 0x4);
	CHECK_EQ(irq_msi(irq, 0xfee02004, 0x50), 0);
	CHECK_EQ(takers(board, 0x50), 0x4);
	CHECK_EQ(irq_msi(irq, 0xfee0300c, 0x50), 0);
	CHECK_EQ(takers(board, 0x50), 0);
	CHECK_EQ(irq_msi(irq, 0xfee3000c, 0x50), 0);
	CHECK_EQ(takers(board, 0x50), 0x3);
	CHECK_EQ(irq_msi(irq, 0xfeeff000, 0x50), 0);
	CHECK_EQ(takers(board, 0x50), 0x7);
	/* Inactive, absent. */
	CHECK_EQ(irq_msi(irq, 0xfee03000, 0x50), 0);
	CHECK_EQ(irq_msi(irq, 0xfee06000, 0x50), 0);
	CHECK_EQ(irq_msi(irq, 0xfee80000, 0x50), 0);
	CHECK_EQ(takers(board, 0x50), 0);
	/* Lowest priority is the lowest number. */
	CHECK_EQ(irq_msi(irq, 0xfee6000c, 0x151), 0);
	CHECK_EQ(takers(board, 0x51), 0x2);
	CHECK_EQ(irq_msi(irq, 0xfee8000c, 0x151), 0);
	CHECK_EQ(takers(board, 0x51), 0);
	/* Always edge; upper data bits say nothing. */
	CHECK_EQ(irq_msi(irq, 0xfee00000, 0xffffffffffffc000ULL | 0x52), 0);
	CHECK(!set_has(board_vlapic(board, 0), R_TMR, 0x52));
	CHECK_EQ(takers(board, 0x52), 0x1);
	/* ExtINT; the others are dropped. */
	CHECK_EQ(irq_msi(irq, 0xfee01000, 0x700), 0);
	CHECK_EQ(board->house.extint[1], 1);
	for (id = 2; id < 7; id++)
		CHECK_EQ(irq_msi(irq, 0xfee01000, id << 8 | 0x53), 0);
	CHECK_EQ(takers(board, 0x53), 0);
	CHECK_EQ(board->house.nmi[1] + board->house.init[1], 0);
	CHECK_EQ(irq->startup[0], 0);
	/* Not the window. */
	CHECK_EQ(irq_msi(irq, 0, 0x50), -EINVAL);
	CHECK_EQ(irq_msi(irq, 0xfed02000, 0x50), -EINVAL);
	CHECK_EQ(irq_msi(irq, 0xfef02000, 0x50), -EINVAL);
	CHECK_EQ(irq_msi(irq, ~0ULL, 0x50), -EINVAL);
	CHECK_EQ(takers(board, 0x50), 0);
	/* An illegal vector is an error at the receiver. */
	CHECK_EQ(irq_msi(irq, 0xfee02000, 0x0c), 0);
	lapic_put(board_vlapic(board, 2), R_ESR, 0);
	CHECK_EQ(lapic_get(board_vlapic(board, 2), R_ESR), 0x40);
	board_destroy(board);
}

/* D-05: every LDR with every destination, in both models. */
static void d05_logical_xapic(void)
{
	struct board *board = fabric_board(VCPUS, 1, 1);
	struct vlapic *vlapic = board_vlapic(board, 0);
	unsigned int ldr, dest, model;

	for (model = 0; model < 16; model++) {
		lapic_put(vlapic, R_DFR, model << 28);
		for (ldr = 0; ldr < 256; ldr++) {
			lapic_put(vlapic, R_LDR, ldr << 24);
			for (dest = 0; dest < 256; dest++) {
				bool want = false;

				if (model == 15)
					want = ldr & dest;
				else if (model == 0)
					want = ldr / 16 == dest / 16 && (ldr % 16 & dest % 16);
				CHECK_AT(vlapic_match_logical(vlapic, dest) == want,
					 "model %u LDR %#x dest %#x", model, ldr, dest);
			}
			CHECK(!vlapic_match_logical(vlapic, 0x100 | ldr));
		}
	}
	board_destroy(board);
}

/* Four clusters: who matches is who the formula names; the rest of the set stays clear. */
static void d05_logical_x2apic(void)
{
	static const u32 edges[] = { 0, 1, 0xff, 0x8000, 0xffff, 0x10000, 0x1ffff, 0x3f8000,
				     0x3fffff, 0x400001, 0x7fffffff, 0xffff8000, 0xfffffffe };
	struct board *board = fabric_board(60, 60, 57);
	DECLARE_BITMAP(targets, VM_MAXCPU);
	unsigned int id, i;

	for (id = 0; id < 60; id++)
		vlapic_set_x2apic_state(board_vlapic(board, id), X2APIC_ENABLED);
	for (i = 0; i < 300000; i++) {
		u32 dest = i < ARRAY_SIZE(edges) ? edges[i] :
			   random_u64() & (random_below(4) ? 0x3ffff : 0xffffffff);

		irq_dest_resolve(&board->irq, dest, true, true, targets);
		for (id = 0; id < 60; id++) {
			bool want = id < 57 && dest >> 16 == id / 16 && (dest >> id % 16 & 1);

			CHECK_AT(test_bit(id, targets) == want, "dest %#x vCPU %u", dest, id);
		}
		CHECK(find_next_bit(targets, VM_MAXCPU, 60) == VM_MAXCPU);
	}
	board_destroy(board);
}

static void d05_destinations(void)
{
	struct board *board = fabric_board(50, 40, 30);
	DECLARE_BITMAP(targets, VM_MAXCPU);
	unsigned int id;
	u32 dest;

	for (dest = 0; dest < 0x800; dest++) {
		irq_dest_resolve(&board->irq, dest, false, true, targets);
		for (id = 0; id < VM_MAXCPU; id++)
			CHECK(test_bit(id, targets) == (id == dest && id < 30));
	}
	irq_dest_resolve(&board->irq, 0xff, false, true, targets);
	CHECK(bitmap_empty(targets, VM_MAXCPU));
	for (id = 0; id < 4; id++) {
		irq_dest_resolve(&board->irq, id & 1 ? 0xff : 0xffffffff, id & 2, !(id & 1),
				 targets);
		CHECK_EQ(targets[0], (1ULL << 30) - 1);
	}
	/* Active without an APIC: not there. Out of the machine's range: not there either. */
	set_bit(45, board->irq.active);
	set_bit(1000, board->irq.active);
	irq_dest_resolve(&board->irq, 0xff, false, false, targets);
	CHECK_EQ(targets[0], (1ULL << 30) - 1);
	CHECK(find_next_bit(targets, VM_MAXCPU, 30) == VM_MAXCPU);
	irq_dest_resolve(&board->irq, 45, false, false, targets);
	CHECK(bitmap_empty(targets, VM_MAXCPU));
	CHECK(!irq_vlapic(&board->irq, 45) && !irq_vlapic(&board->irq, 50));
	CHECK(!irq_vlapic(&board->irq, ~0U));
	board_destroy(board);
}

/* Every LVT entry with every delivery mode, masked and not. */
static void test_lvt(void)
{
	static const unsigned int regs[] = { R_LINT0, R_LINT1, R_TIMER, R_ERROR, R_PMC, R_THERMAL,
					     R_CMCI };
	struct board *board = fabric_board(VCPUS, 1, 1);
	struct vlapic *vlapic = board_vlapic(board, 0);
	struct house *house = &board->house;
	u64 *stats = board->stats[0];
	unsigned int index, mode, masked;

	for (index = 0; index < 7; index++)
	for (mode = 0; mode < 8; mode++)
	for (masked = 0; masked < 2; masked++) {
		bool only_fixed = regs[index] == R_TIMER || regs[index] == R_ERROR;
		unsigned int effective = only_fixed ? 0 : mode;
		bool fixed = effective == 0 && !masked, nmi = effective == 4 && !masked;
		bool extint = effective == 7 && !masked;

		memset(house, 0, sizeof(*house));
		memset(stats, 0, sizeof(board->stats[0]));
		lapic_put(vlapic, regs[index], masked << 16 | mode << 8 | 0x61);
		CHECK_EQ(vlapic_trigger_lvt(vlapic, index), 0);
		CHECK_EQ(takers(board, 0x61), fixed);
		CHECK_EQ(house->nmi[0], nmi);
		CHECK_EQ(house->extint[0], extint);
		CHECK_EQ(stats[VLAPIC_STAT_LVT + index], fixed || nmi || extint);
		CHECK_EQ(stats[VLAPIC_STAT_INTR_TIMER], index == APIC_LVT_TIMER && !masked);
		CHECK_EQ(stats[VLAPIC_STAT_INTR_ERROR], index == APIC_LVT_ERROR && !masked);
		CHECK_EQ(stats[VLAPIC_STAT_INTR_CMC],
			 index == APIC_LVT_CMCI && (fixed || nmi || extint));
		lapic_put(vlapic, regs[index], 0x10000);
	}
	/* A fixed vector below 16. */
	lapic_put(vlapic, R_THERMAL, 0x0e);
	CHECK_EQ(vlapic_trigger_lvt(vlapic, APIC_LVT_THERMAL), 0);
	lapic_put(vlapic, R_ESR, 0);
	CHECK_EQ(lapic_get(vlapic, R_ESR), 0x40);
	CHECK_EQ(vlapic_trigger_lvt(vlapic, 7), -EINVAL);
	CHECK_EQ(vlapic_trigger_lvt(vlapic, -1), -EINVAL);
	CHECK_EQ(vlapic_trigger_lvt(vlapic, INT_MAX), -EINVAL);
	CHECK_EQ(vlapic_trigger_lvt(vlapic, INT_MIN), -EINVAL);

	/* Software-disabled: the two pins are INTR and NMI. */
	memset(house, 0, sizeof(*house));
	lapic_put(vlapic, R_SVR, 0xff);
	CHECK_EQ(vlapic_trigger_lvt(vlapic, APIC_LVT_LINT0), 0);
	CHECK_EQ(vlapic_trigger_lvt(vlapic, APIC_LVT_LINT1), 0);
	for (index = 2; index < 9; index++)
		CHECK_EQ(vlapic_trigger_lvt(vlapic, index), 0);
	CHECK_EQ(house->extint[0], 1);
	CHECK_EQ(house->nmi[0], 1);
	CHECK_EQ(house->notify[0], 0);
	board_destroy(board);
}

/* 8259 input first; an I/O APIC pin out of range is found after it. */
static void test_isa(void)
{
	struct board *board = fabric_board(VCPUS, 1, 1);
	struct irq *irq = &board->irq;

	ioapic_put_rte(board, 4, 0x8000 | 0x62);
	memset(&pic_log, 0, sizeof(pic_log));
	CHECK_EQ(irq_isa_assert(irq, 5, 4), 0);
	CHECK(pic_log.up == 1 && pic_log.last == 5);
	CHECK_EQ(takers(board, 0x62), 1);
	CHECK_EQ(takers(board, 0x62), 1);
	CHECK_EQ(irq_isa_deassert(irq, 6, 4), 0);
	CHECK(pic_log.down == 1 && pic_log.last == 6);
	CHECK_EQ(takers(board, 0x62), 1);
	CHECK_EQ(takers(board, 0x62), 0);
	CHECK_EQ(irq_isa_pulse(irq, 7, 4), 0);
	CHECK(pic_log.pulse == 1 && pic_log.last == 7);
	CHECK_EQ(takers(board, 0x62), 1);
	CHECK_EQ(takers(board, 0x62), 0);

	CHECK_EQ(irq_isa_pulse(irq, 3, -1), 0);
	CHECK_EQ(pic_log.pulse, 2);
	CHECK_EQ(irq_isa_pulse(irq, 16, 4), -EINVAL);
	CHECK_EQ(irq_isa_pulse(irq, -1, 4), -EINVAL);
	CHECK_EQ(pic_log.pulse, 2);
	CHECK_EQ(takers(board, 0x62), 0);
	CHECK_EQ(irq_isa_pulse(irq, 3, 32), -EINVAL);
	CHECK_EQ(irq_isa_pulse(irq, 3, -2), -EINVAL);
	CHECK_EQ(pic_log.pulse, 4);
	board_destroy(board);
}

static void test_fabric_life(void)
{
	struct irq irq = {};
	static const struct irq_host_ops none;

	CHECK_EQ(irq_init(&irq, &none, NULL, 0), -EINVAL);
	CHECK_EQ(irq_init(&irq, &none, NULL, VM_MAXCPU + 1), -EINVAL);
	irq_fini(&irq);
	CHECK_EQ(irq_init(&irq, &none, NULL, VM_MAXCPU), 0);
	set_bit(5, irq.active);
	set_bit(1023, irq.startup);
	irq_reset(&irq);
	CHECK(bitmap_empty(irq.active, VM_MAXCPU) && bitmap_empty(irq.startup, VM_MAXCPU));
	/* Nobody there: nothing happens. */
	CHECK_EQ(irq_msi(&irq, 0xfeeff000, 0x50), 0);
	irq_send_init(&irq, 1023);
	CHECK(test_bit(1023, irq.startup));
	irq_fini(&irq);
}

const struct test fabric_tests[] = {
	{ "MSI", test_msi },
	{ "d05_logical_xapic", d05_logical_xapic },
	{ "d05_logical_x2apic", d05_logical_x2apic },
	{ "d05_destinations", d05_destinations },
	{ "LVT entries", test_lvt },
	{ "ISA lines", test_isa },
	{ "fabric: life", test_fabric_life },
	{}
};
