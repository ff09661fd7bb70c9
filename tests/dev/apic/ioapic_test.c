// SPDX-License-Identifier: BSD-2-Clause
/* The I/O APIC: 82093AA data sheet, semantics.md section 17. */
#include "test.h"

#define MASKED		0x10000ULL
#define LEVEL		0x8000ULL
#define REMOTE_IRR	0x4000ULL
#define TO_CPU(n)	((u64)(n) << 56)

static struct board *ioapic_board(void)
{
	struct board *board = board_create(VCPUS, 2, 2);

	lapic_enable(board_vlapic(board, 0));
	lapic_enable(board_vlapic(board, 1));
	return board;
}

/* Take and finish @vector on vCPU @id; false if it is not the one pending. */
static bool serve(struct board *board, unsigned int id, int vector)
{
	struct vlapic *vlapic = board_vlapic(board, id);

	if (vlapic_pending_intr(vlapic) != vector)
		return false;
	vlapic_intr_accepted(vlapic, vector);
	lapic_put(vlapic, R_EOI, 0);
	return true;
}

static bool quiet(struct board *board)
{
	return vlapic_pending_intr(board_vlapic(board, 0)) < 0 &&
	       vlapic_pending_intr(board_vlapic(board, 1)) < 0;
}

static void check_reset(struct board *board)
{
	int pin;

	CHECK_EQ(ioapic_get(board, 0), 0);
	CHECK_EQ(ioapic_get(board, 1), 0x001f0011);
	CHECK_EQ(ioapic_get(board, 2), 0);
	for (pin = 0; pin < 32; pin++)
		CHECK_EQ(ioapic_get_rte(board, pin), MASKED);
}

static void test_registers(void)
{
	struct board *board = ioapic_board();
	unsigned int reg;
	u64 val;

	check_reset(board);
	for (reg = 0; reg < 256; reg++) {
		u32 before = ioapic_get(board, reg), want = before;

		ioapic_put(board, reg, 0xffffffff);
		if (reg == 0)
			want = 0x0f000000;
		else if (reg >= 0x10 && reg < 0x50)
			/* Vector, modes, polarity, trigger, mask; destination. */
			want = reg & 1 ? 0xff000000 : 0x0001afff;
		CHECK_AT(ioapic_get(board, reg) == want, "register %#x: %#x", reg,
			 ioapic_get(board, reg));
		ioapic_put(board, reg, 0);
		if (reg == 0 || (reg >= 0x10 && reg < 0x50))
			want = 0;
		CHECK_EQ(ioapic_get(board, reg), want);
	}
	ioapic_put(board, 0, 0x05000000);
	CHECK_EQ(ioapic_get(board, 2), 0x05000000);

	/* The select register keeps 8 bits. */
	val = 0x12345601;
	vioapic_mmio(board->irq.vioapic, 0, 0x00, true, 4, &val);
	vioapic_mmio(board->irq.vioapic, 0, 0x00, false, 4, &val);
	CHECK_EQ(val, 1);

	vioapic_assert(board->irq.vioapic, 9);
	vioapic_reset(board->irq.vioapic);
	check_reset(board);
	/* The count went as well: not asserted any more. */
	ioapic_put_rte(board, 9, 0x44);
	CHECK(quiet(board));
	board_destroy(board);
}

/* D-01: offset, width, direction, select register. */
static void d01_ioapic(void)
{
	static const int widths[] = { 0, 1, 2, 3, 4, 8, 16, -1 };
	struct board *board = ioapic_board();
	unsigned int i, w, write;
	u64 offset, val, datum;

	for (i = 0; i < 8; i++)
	for (offset = 0; offset < 0x1010; offset++)
	for (w = 0; w < ARRAY_SIZE(widths); w++)
	for (write = 0; write < 2; write++) {
		datum = random_u64() >> random_below(64);
		val = datum;
		CHECK_EQ(vioapic_mmio(board->irq.vioapic, i, offset, write, widths[w], &val), 0);
		if (write)
			CHECK_EQ(val, datum);
		else if (widths[w] != 4 || (offset != 0 && offset != 0x10))
			CHECK_EQ(val, 0);
		else
			CHECK_EQ(val >> 32, 0);
	}
	for (i = 0; i < 200000; i++) {
		ioapic_put(board, random_u64(), random_u64());
		ioapic_get(board, random_u64());
	}
	board_destroy(board);
}

static void test_bad_pins(void)
{
	static const int pins[] = { -1, 32, 33, INT_MAX, INT_MIN };
	struct board *board = ioapic_board();
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(pins); i++) {
		CHECK_EQ(vioapic_assert(board->irq.vioapic, pins[i]), -EINVAL);
		CHECK_EQ(vioapic_deassert(board->irq.vioapic, pins[i]), -EINVAL);
		CHECK_EQ(vioapic_pulse(board->irq.vioapic, pins[i]), -EINVAL);
	}
	for (i = 0; i < 32; i++) {
		CHECK_EQ(vioapic_assert(board->irq.vioapic, i), 0);
		CHECK_EQ(vioapic_deassert(board->irq.vioapic, i), 0);
		CHECK_EQ(vioapic_pulse(board->irq.vioapic, i), 0);
	}
	board_destroy(board);
}

static void test_edge(void)
{
	struct board *board = ioapic_board();
	struct vioapic *vioapic = board->irq.vioapic;

	ioapic_put_rte(board, 4, TO_CPU(1) | 0x55);
	CHECK_EQ(vioapic_assert(vioapic, 4), 0);
	CHECK(serve(board, 1, 0x55));
	CHECK(!set_has(board_vlapic(board, 1), R_TMR, 0x55));
	CHECK(quiet(board));

	/* Twice up and once down is still up. */
	vioapic_assert(vioapic, 4);
	vioapic_deassert(vioapic, 4);
	CHECK(quiet(board));
	vioapic_deassert(vioapic, 4);
	CHECK(quiet(board));
	vioapic_assert(vioapic, 4);
	CHECK(serve(board, 1, 0x55));
	vioapic_deassert(vioapic, 4);

	/* Below zero, without an error: the next assert is no transition to 1. */
	CHECK_EQ(vioapic_deassert(vioapic, 4), 0);
	vioapic_assert(vioapic, 4);
	CHECK(quiet(board));
	vioapic_assert(vioapic, 4);
	CHECK(serve(board, 1, 0x55));
	vioapic_deassert(vioapic, 4);

	vioapic_pulse(vioapic, 4);
	CHECK(serve(board, 1, 0x55));
	vioapic_pulse(vioapic, 4);
	CHECK(serve(board, 1, 0x55));

	/* Masked: lost, unless the pin is still up when the entry is written. */
	ioapic_put_rte(board, 4, MASKED | TO_CPU(1) | 0x55);
	vioapic_pulse(vioapic, 4);
	ioapic_put_rte(board, 4, TO_CPU(1) | 0x55);
	CHECK(quiet(board));
	vioapic_assert(vioapic, 4);
	CHECK(serve(board, 1, 0x55));
	ioapic_put(board, 0x10 + 2 * 4, 0x55);
	CHECK(serve(board, 1, 0x55));
	board_destroy(board);
}

static void test_level(void)
{
	struct board *board = ioapic_board();
	struct vioapic *vioapic = board->irq.vioapic;
	u64 rte = TO_CPU(0) | LEVEL | 0x66;

	ioapic_put_rte(board, 10, rte);
	vioapic_assert(vioapic, 10);
	CHECK_EQ(ioapic_get_rte(board, 10), rte | REMOTE_IRR);
	CHECK(set_has(board_vlapic(board, 0), R_TMR, 0x66));

	/* The EOI ends it; up, it comes again; down, it does not. */
	CHECK(serve(board, 0, 0x66));
	CHECK_EQ(ioapic_get_rte(board, 10), rte | REMOTE_IRR);
	vioapic_deassert(vioapic, 10);
	CHECK(serve(board, 0, 0x66));
	CHECK_EQ(ioapic_get_rte(board, 10), rte);
	CHECK(quiet(board));

	/* Down and up again while it waits for the EOI: once more after it. */
	vioapic_assert(vioapic, 10);
	vioapic_deassert(vioapic, 10);
	vioapic_assert(vioapic, 10);
	vlapic_intr_accepted(board_vlapic(board, 0), 0x66);
	CHECK(quiet(board));
	lapic_put(board_vlapic(board, 0), R_EOI, 0);
	CHECK_EQ(vlapic_pending_intr(board_vlapic(board, 0)), 0x66);
	vioapic_deassert(vioapic, 10);
	CHECK(serve(board, 0, 0x66));

	/* Masked when asserted: fires when unmasked. */
	ioapic_put_rte(board, 10, rte | MASKED);
	vioapic_assert(vioapic, 10);
	CHECK(quiet(board));
	ioapic_put(board, 0x10 + 2 * 10, (u32)rte);
	CHECK_EQ(vlapic_pending_intr(board_vlapic(board, 0)), 0x66);
	/* Written again while it waits: not twice. */
	vlapic_intr_accepted(board_vlapic(board, 0), 0x66);
	ioapic_put(board, 0x10 + 2 * 10, (u32)rte);
	CHECK(quiet(board));
	CHECK(!set_has(board_vlapic(board, 0), R_IRR, 0x66));
	/* Masked before the EOI: the EOI still clears remote IRR, and nothing fires. */
	ioapic_put(board, 0x10 + 2 * 10, (u32)(rte | MASKED));
	lapic_put(board_vlapic(board, 0), R_EOI, 0);
	CHECK_EQ(ioapic_get_rte(board, 10), rte | MASKED);
	CHECK(quiet(board));
	board_destroy(board);
}

/* Two pins on one vector: one EOI serves both. Another vector's EOI serves none. */
static void test_shared_vector(void)
{
	struct board *board = ioapic_board();
	struct vioapic *vioapic = board->irq.vioapic;

	ioapic_put_rte(board, 16, LEVEL | 0x70);
	ioapic_put_rte(board, 17, LEVEL | 0x70);
	ioapic_put_rte(board, 18, LEVEL | 0x71);
	vioapic_assert(vioapic, 16);
	vioapic_pulse(vioapic, 17);
	vioapic_assert(vioapic, 18);
	CHECK(serve(board, 0, 0x71));
	CHECK_EQ(ioapic_get_rte(board, 16), LEVEL | REMOTE_IRR | 0x70);
	CHECK_EQ(ioapic_get_rte(board, 17), LEVEL | REMOTE_IRR | 0x70);
	vioapic_deassert(vioapic, 18);
	CHECK(serve(board, 0, 0x71));
	CHECK_EQ(ioapic_get_rte(board, 18), LEVEL | 0x71);
	CHECK(serve(board, 0, 0x70));
	CHECK_EQ(ioapic_get_rte(board, 16), LEVEL | REMOTE_IRR | 0x70);
	CHECK_EQ(ioapic_get_rte(board, 17), LEVEL | 0x70);
	board_destroy(board);
}

/* An edge entry for a moment clears a remote IRR whose EOI was lost. */
static void test_lost_eoi(void)
{
	struct board *board = ioapic_board();
	struct vioapic *vioapic = board->irq.vioapic;

	ioapic_put_rte(board, 20, LEVEL | 0x72);
	vioapic_assert(vioapic, 20);
	vlapic_intr_accepted(board_vlapic(board, 0), 0x72);
	ioapic_put_rte(board, 20, LEVEL | 0x73);
	lapic_put(board_vlapic(board, 0), R_EOI, 0);
	CHECK_EQ(ioapic_get_rte(board, 20), LEVEL | REMOTE_IRR | 0x73);
	ioapic_put_rte(board, 20, MASKED | 0x73);
	CHECK_EQ(ioapic_get_rte(board, 20), MASKED | 0x73);
	ioapic_put_rte(board, 20, LEVEL | 0x73);
	CHECK_EQ(vlapic_pending_intr(board_vlapic(board, 0)), 0x73);
	board_destroy(board);
}

static void test_modes(void)
{
	struct board *board = ioapic_board();
	struct vioapic *vioapic = board->irq.vioapic;
	struct house *house = &board->house;

	ioapic_put_rte(board, 0, TO_CPU(1) | 0x700);
	vioapic_pulse(vioapic, 0);
	CHECK(house->extint[0] == 0 && house->extint[1] == 1);
	ioapic_put_rte(board, 0, TO_CPU(0xff) | 0x400);
	vioapic_pulse(vioapic, 0);
	CHECK(house->nmi[0] == 1 && house->nmi[1] == 1);
	ioapic_put_rte(board, 0, TO_CPU(0xff) | 0x150);
	vioapic_pulse(vioapic, 0);
	CHECK(serve(board, 0, 0x50));
	CHECK(quiet(board));
	ioapic_put_rte(board, 0, TO_CPU(1) | 0x500);
	vioapic_pulse(vioapic, 0);
	CHECK(house->init[1] == 1 && test_bit(1, board->irq.startup));
	/* SMI, the reserved modes: nobody. */
	ioapic_put_rte(board, 0, TO_CPU(1) | 0x250);
	vioapic_pulse(vioapic, 0);
	ioapic_put_rte(board, 0, TO_CPU(1) | 0x350);
	vioapic_pulse(vioapic, 0);
	ioapic_put_rte(board, 0, TO_CPU(1) | 0x650);
	vioapic_pulse(vioapic, 0);
	CHECK(quiet(board));
	/* Logical, flat. */
	lapic_put(board_vlapic(board, 1), R_LDR, 0x80000000);
	ioapic_put_rte(board, 0, TO_CPU(0x80) | 0x800 | 0x51);
	vioapic_pulse(vioapic, 0);
	CHECK(serve(board, 1, 0x51));
	CHECK(quiet(board));
	board_destroy(board);
}

/* User space may assert for ever. */
static void test_many_asserts(void)
{
	struct board *board = ioapic_board();
	struct vioapic *vioapic = board->irq.vioapic;
	s64 i;

	ioapic_put_rte(board, 3, 0x60);
	for (i = 0; i < (1LL << 20); i++)
		vioapic_assert(vioapic, 3);
	CHECK(serve(board, 0, 0x60));
	for (i = 0; i < (1LL << 20); i++)
		vioapic_deassert(vioapic, 3);
	vioapic_assert(vioapic, 3);
	CHECK(serve(board, 0, 0x60));
	board_destroy(board);
}

const struct test ioapic_tests[] = {
	{ "I/O APIC: registers", test_registers },
	{ "d01_ioapic", d01_ioapic },
	{ "I/O APIC: pins out of range", test_bad_pins },
	{ "I/O APIC: edge", test_edge },
	{ "I/O APIC: level", test_level },
	{ "I/O APIC: shared vector", test_shared_vector },
	{ "I/O APIC: lost EOI", test_lost_eoi },
	{ "I/O APIC: delivery modes", test_modes },
	{ "I/O APIC: many asserts", test_many_asserts },
	{}
};
