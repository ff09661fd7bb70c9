// SPDX-License-Identifier: BSD-2-Clause
/*
 * E-17: every ICR value to present, inactive, absent and own vCPUs, against
 * an oracle that is written out from semantics.md sections 11 and 16.
 *
 * The board: 8 vCPUs at most; 0 to 4 have an APIC, 0 to 2 are active. vCPU 1
 * sends. In xAPIC mode their logical ids are flat, bit n for vCPU n.
 */
#include "test.h"

#define EXIST	5
#define ACTIVE	3
#define SENDER	1

struct outcome {
	int ret;
	u32 mode;			/* of an IPI exit */
	unsigned int targets;		/* of an IPI exit, a bit a vCPU */
	unsigned int irr, nmi, init;	/* who got it */
	unsigned int waiting;		/* startup set afterwards */
	u32 esr;
};

/* Bits of @dest's vCPUs among the active ones. */
static unsigned int oracle_dest(u64 icr, bool x2)
{
	u32 dest = x2 ? icr >> 32 : icr >> 56;
	unsigned int all = (1 << ACTIVE) - 1;

	switch (icr >> 18 & 3) {
	case 1:
		return 1 << SENDER;
	case 2:
		return all;
	case 3:
		return all & ~(1 << SENDER);
	}
	if (dest == (x2 ? 0xffffffff : 0xff))
		return all;
	if (!(icr & 0x800))
		return dest < ACTIVE ? 1 << dest : 0;
	if (x2)
		return dest >> 16 ? 0 : dest & all;
	return dest & all;
}

static unsigned int oracle_start_dest(u64 icr, bool x2, bool ipi_exit)
{
	u32 dest = x2 ? icr >> 32 : icr >> 56;

	if (ipi_exit)
		return oracle_dest(icr, x2);
	if ((icr >> 18 & 3) || (icr & 0x800) || dest >= VCPUS || dest == SENDER)
		return 0;
	return 1 << dest;
}

static struct outcome oracle(u64 icr, bool x2, bool ipi_exit, unsigned int waiting)
{
	struct outcome out = { .waiting = waiting };
	unsigned int shorthand = icr >> 18 & 3, targets;
	bool to_others = shorthand == 0 || shorthand == 3;
	bool level = icr & 0x8000, assert_bit = icr & 0x4000;
	bool normal = !level || assert_bit;

	switch (icr >> 8 & 7) {
	case 0:	/* fixed */
		if (!normal)
			break;
		if ((icr & 0xff) < 16)
			out.esr = 0x20;
		else
			out.irr = oracle_dest(icr, x2);
		break;
	case 1:	/* lowest priority */
	case 2:	/* SMI */
		if (normal && to_others)
			out.ret = x2 ? -ENOENT : -EPERM;
		break;
	case 3:	/* remote read */
		if (!level && shorthand == 0)
			out.ret = x2 ? -ENOENT : -EPERM;
		break;
	case 4:	/* NMI */
		if (normal && to_others)
			out.nmi = oracle_dest(icr, x2);
		break;
	case 5:	/* INIT */
		if (!normal || !to_others)
			break;
		targets = oracle_start_dest(icr, x2, ipi_exit);
		out.waiting |= targets;
		out.init = targets & ((1 << ACTIVE) - 1);
		if (ipi_exit && targets) {
			out.ret = VLAPIC_IPI_EXIT;
			out.mode = 0x500;
			out.targets = targets;
		}
		break;
	case 6:	/* STARTUP */
		if (!to_others)
			break;
		targets = oracle_start_dest(icr, x2, ipi_exit) & waiting;
		out.waiting &= ~targets;
		if (targets) {
			out.ret = VLAPIC_IPI_EXIT;
			out.mode = 0x600;
			out.targets = targets;
		}
		break;
	}
	return out;
}

static struct board *icr_board(bool x2)
{
	struct board *board = board_create(VCPUS, EXIST, ACTIVE);
	unsigned int id;

	for (id = 0; id < EXIST; id++) {
		struct vlapic *vlapic = board_vlapic(board, id);

		vlapic_set_x2apic_state(vlapic, x2);
		lapic_enable(vlapic);
		if (!x2)
			lapic_put(vlapic, R_LDR, 0x01000000 << id);
	}
	return board;
}

static int icr_write(struct vlapic *vlapic, u64 icr, bool x2)
{
	u64 half = icr >> 32;
	int ret;

	if (x2)
		return vlapic_msr_write(vlapic, 0x830, icr);
	ret = vlapic_mmio(vlapic, 0x310, true, 4, &half);
	CHECK_EQ(ret, 0);
	half = (u32)icr;
	return vlapic_mmio(vlapic, 0x300, true, 4, &half);
}

static void icr_check_exit(struct vlapic *vlapic, u64 icr, const struct outcome *want)
{
	const struct vlapic_ipi *ipi = vlapic_ipi(vlapic);
	unsigned int i;

	CHECK_AT(ipi->mode == want->mode && ipi->vector == (icr & 0xff), "ICR %#lx", icr);
	CHECK_AT(ipi->targets[0] == want->targets, "ICR %#lx: %#lx, wanted %#x", icr,
		 ipi->targets[0], want->targets);
	for (i = 1; i < BITS_TO_LONGS(VM_MAXCPU); i++)
		CHECK_EQ(ipi->targets[i], 0);
}

static void icr_check(struct board *board, u64 icr, bool x2, bool ipi_exit, unsigned int waiting)
{
	struct outcome want = oracle(icr, x2, ipi_exit, waiting);
	struct vlapic *sender = board_vlapic(board, SENDER);
	u8 vector = icr & 0xff;
	unsigned int id;
	int ret;

	memset(&board->house, 0, sizeof(board->house));
	memset(board->stats, 0, sizeof(board->stats));
	board->irq.startup[0] = waiting;
	vlapic_set_ipi_exit(sender, ipi_exit);

	ret = icr_write(sender, icr, x2);
	CHECK_AT(ret == want.ret, "ICR %#lx x2 %d exit %d waiting %#x: %d, wanted %d", icr, x2,
		 ipi_exit, waiting, ret, want.ret);
	if (ret == VLAPIC_IPI_EXIT)
		icr_check_exit(sender, icr, &want);
	CHECK_AT(board->irq.startup[0] == want.waiting, "ICR %#lx: %#lx", icr,
		 board->irq.startup[0]);
	CHECK_EQ(board->stats[SENDER][VLAPIC_STAT_IPI_SEND], __builtin_popcount(want.irr));
	for (id = 0; id < EXIST; id++) {
		struct vlapic *vlapic = board_vlapic(board, id);
		bool got = want.irr >> id & 1;

		CHECK_AT(vlapic_pending_intr(vlapic) == (got ? vector : -1), "ICR %#lx vCPU %u",
			 icr, id);
		CHECK_EQ(board->house.notify[id], got);
		CHECK_EQ(board->stats[id][VLAPIC_STAT_IPI_RECV], got);
		CHECK_EQ(board->house.nmi[id], want.nmi >> id & 1);
		CHECK_AT(board->house.init[id] == (want.init >> id & 1), "ICR %#lx vCPU %u", icr, id);
		CHECK_EQ(board->house.extint[id], 0);
		if (got) {
			CHECK(!set_has(vlapic, R_TMR, vector));
			vlapic_intr_accepted(vlapic, vector);
			lapic_put(vlapic, R_EOI, 0);
		}
		lapic_put(vlapic, R_ESR, 0);
		CHECK_AT(lapic_get(vlapic, R_ESR) == (id == SENDER ? want.esr : 0), "ICR %#lx", icr);
	}
}

static void icr_sweep(bool x2)
{
	static const u8 vectors[] = { 0, 2, 15, 16, 0x31, 0x9f, 0xff };
	/* Own, active, inactive, absent, out of range, several; 32 bits in x2APIC mode. */
	static const u32 dests[] = { 1, 0, 2, 3, 4, 5, 7, 8, 0x0b, 0x1f, 0x40, 0x80, 0xc8, 0xfe, 0xff };
	static const u32 wide_dests[] = { 0x100, 0x3ff, 0x400, 0x10001, 0xff01ff, 0x7fffffff,
					  0x80000000, 0xfffffffe, 0xffffffff };
	static const unsigned int waiting_sets[] = { 0, 0x0f, 0xff, 0x18, 0x02 };
	struct board *board = icr_board(x2);
	unsigned int combo, v, d, w, ipi_exit;
	unsigned int ndests = ARRAY_SIZE(dests) + (x2 ? ARRAY_SIZE(wide_dests) : 0);

	/* combo: delivery mode, logical, assert, level, shorthand: 8 bits. */
	for (combo = 0; combo < 256; combo++)
	for (v = 0; v < ARRAY_SIZE(vectors); v++)
	for (d = 0; d < ndests; d++)
	for (w = 0; w < ARRAY_SIZE(waiting_sets); w++)
	for (ipi_exit = 0; ipi_exit < 2; ipi_exit++) {
		u32 dest = d < ARRAY_SIZE(dests) ? dests[d] : wide_dests[d - ARRAY_SIZE(dests)];
		u64 icr = vectors[v] | (combo & 0xf) << 8 | (combo >> 4 & 3) << 14 |
			  (combo >> 6 & 3) << 18;

		icr |= (u64)dest << (x2 ? 32 : 56);
		icr_check(board, icr, x2, ipi_exit, waiting_sets[w]);
	}
	board_destroy(board);
}

static void e17_icr_xapic(void)
{
	icr_sweep(false);
}

static void e17_icr_x2apic(void)
{
	icr_sweep(true);
}

/* A software-disabled APIC can send, and does not take. */
static void test_icr_disabled(void)
{
	struct board *board = icr_board(false);

	lapic_put(board_vlapic(board, SENDER), R_SVR, 0xff);
	lapic_put(board_vlapic(board, 2), R_SVR, 0xff);
	lapic_put(board_vlapic(board, SENDER), R_ICR, 0x80000 | 0x44);
	CHECK_EQ(vlapic_pending_intr(board_vlapic(board, 0)), 0x44);
	CHECK_EQ(vlapic_pending_intr(board_vlapic(board, 1)), -1);
	CHECK_EQ(vlapic_pending_intr(board_vlapic(board, 2)), -1);
	board_destroy(board);
}

/* The usual start of an AP, and that each is handed out once. */
static void test_startup_once(void)
{
	struct board *board = icr_board(false);
	struct vlapic *bsp = board_vlapic(board, 0), *other = board_vlapic(board, 1);

	vlapic_set_ipi_exit(bsp, true);
	vlapic_set_ipi_exit(other, true);
	CHECK_EQ(icr_write(bsp, 0x000c4500, false), VLAPIC_IPI_EXIT);
	CHECK_EQ(vlapic_ipi(bsp)->targets[0], 0x06);
	CHECK_EQ(icr_write(other, 2ULL << 56 | 0x69a, false), VLAPIC_IPI_EXIT);
	CHECK_EQ(vlapic_ipi(other)->targets[0], 0x04);
	CHECK_EQ(vlapic_ipi(other)->vector, 0x9a);
	CHECK_EQ(icr_write(bsp, 0x000c069a, false), VLAPIC_IPI_EXIT);
	CHECK_EQ(vlapic_ipi(bsp)->targets[0], 0x02);
	CHECK_EQ(icr_write(bsp, 0x000c069a, false), 0);
	board_destroy(board);
}

const struct test icr_tests[] = {
	{ "e17_icr_xapic", e17_icr_xapic },
	{ "e17_icr_x2apic", e17_icr_x2apic },
	{ "ICR of a disabled APIC", test_icr_disabled },
	{ "startup is handed out once", test_startup_once },
	{}
};
