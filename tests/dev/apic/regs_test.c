// SPDX-License-Identifier: BSD-2-Clause
/* Registers of the local APIC: SDM vol. 3 tables 11-1 and 11-6, semantics.md section 16. */
#include "test.h"

/* Each register once, as the manual has it. A write of ~0 in xAPIC mode leaves @ones readable. */
static const struct {
	unsigned int reg;
	bool x_read, x_write, x2_read, x2_write;
	u32 ones;		/* xAPIC: bits that can be set; others read as @fixed */
	u32 fixed;
	u64 x2_reserved;	/* x2APIC: #GP if any is set */
} manual[] = {
#define RO	true, false, true, false
#define RW	true, true, true, true
	{ R_ID, RO },
	{ R_VERSION, RO, .fixed = 0x00060014 },
	{ R_TPR, RW, 0xff, 0, ~0xffULL },
	{ R_APR, true, false, false, false },
	{ R_PPR, RO },
	{ R_EOI, false, true, false, true, 0, 0, ~0ULL },
	{ R_RRD, true, false, false, false },
	{ R_LDR, true, true, true, false, 0xff000000 },
	{ R_DFR, true, true, false, false, 0xf0000000, 0x0fffffff },
	{ R_SVR, RW, 0x3ff, 0, ~0x3ffULL },
	{ R_ISR + 0, RO }, { R_ISR + 1, RO }, { R_ISR + 2, RO }, { R_ISR + 3, RO },
	{ R_ISR + 4, RO }, { R_ISR + 5, RO }, { R_ISR + 6, RO }, { R_ISR + 7, RO },
	{ R_TMR + 0, RO }, { R_TMR + 1, RO }, { R_TMR + 2, RO }, { R_TMR + 3, RO },
	{ R_TMR + 4, RO }, { R_TMR + 5, RO }, { R_TMR + 6, RO }, { R_TMR + 7, RO },
	{ R_IRR + 0, RO }, { R_IRR + 1, RO }, { R_IRR + 2, RO }, { R_IRR + 3, RO },
	{ R_IRR + 4, RO }, { R_IRR + 5, RO }, { R_IRR + 6, RO }, { R_IRR + 7, RO },
	{ R_ESR, RW, 0, 0, ~0ULL },
	{ R_CMCI, RW, 0x107ff, 0, ~0x117ffULL },
	/* All ones is a reserved delivery mode: nothing is sent. */
	{ R_ICR, RW, 0xccfff, 0, 0xfff32000ULL },
	{ R_ICR2, true, true, false, false, 0xff000000 },
	{ R_TIMER, RW, 0x700ff, 0, ~0x710ffULL },
	{ R_THERMAL, RW, 0x107ff, 0, ~0x117ffULL },
	{ R_PMC, RW, 0x107ff, 0, ~0x117ffULL },
	{ R_LINT0, RW, 0x1a7ff, 0, ~0x1f7ffULL },
	{ R_LINT1, RW, 0x1a7ff, 0, ~0x1f7ffULL },
	{ R_ERROR, RW, 0x100ff, 0, ~0x110ffULL },
	{ R_COUNT, RW, 0xffffffff, 0, 0xffffffff00000000ULL },
	{ R_CURRENT, RO },
	{ R_DIVIDE, RW, 0xb, 0, ~0xbULL },
	{ R_SELF, false, false, false, true, 0, 0, ~0xffULL },
};

static int manual_find(unsigned int reg)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(manual); i++)
		if (manual[i].reg == reg)
			return i;
	return -1;
}

static void check_reset_state(struct vlapic *vlapic, unsigned int id)
{
	bool x2 = vlapic_x2apic(vlapic);
	unsigned int i;

	CHECK_EQ(lapic_get(vlapic, R_ID), x2 ? id : id << 24);
	CHECK_EQ(lapic_get(vlapic, R_VERSION), 0x00060014);
	CHECK_EQ(lapic_get(vlapic, R_TPR), 0);
	CHECK_EQ(lapic_get(vlapic, R_PPR), 0);
	CHECK_EQ(lapic_get(vlapic, R_LDR), x2 ? (id >> 4) << 16 | 1 << (id & 15) : 0);
	CHECK_EQ(lapic_get(vlapic, R_SVR), 0xff);
	for (i = 0; i < 24; i++)
		CHECK_EQ(lapic_get(vlapic, R_ISR + i), 0);
	CHECK_EQ(lapic_get(vlapic, R_ESR), 0);
	CHECK_EQ(lapic_get(vlapic, R_CMCI), 0x10000);
	for (i = R_TIMER; i <= R_ERROR; i++)
		CHECK_EQ(lapic_get(vlapic, i), 0x10000);
	CHECK_EQ(lapic_get(vlapic, R_ICR), 0);
	CHECK_EQ(lapic_get(vlapic, R_COUNT), 0);
	CHECK_EQ(lapic_get(vlapic, R_CURRENT), 0);
	CHECK_EQ(lapic_get(vlapic, R_DIVIDE), 0);
	if (!x2) {
		CHECK_EQ(lapic_get(vlapic, R_DFR), 0xffffffff);
		CHECK_EQ(lapic_get(vlapic, R_APR), 0);
		CHECK_EQ(lapic_get(vlapic, R_ICR2), 0);
		CHECK_EQ(lapic_get(vlapic, R_RRD), 0);
	}
	CHECK(!vlapic_enabled(vlapic));
	CHECK_EQ(vlapic_pending_intr(vlapic), -1);
	CHECK_EQ(vlapic_cr8_read(vlapic), 0);
	CHECK_EQ(vlapic_tsc_deadline_read(vlapic), 0);
	CHECK_EQ(clock_armed(), 0);
}

/* Everything that a guest can leave behind. */
static void lapic_make_dirty(struct vlapic *vlapic)
{
	lapic_enable(vlapic);
	lapic_put(vlapic, R_TPR, 0x25);
	lapic_put(vlapic, R_CMCI, 0x33);
	lapic_put(vlapic, R_TIMER, 0x20000 | 0x40);
	lapic_put(vlapic, R_ERROR, 0x41);
	lapic_put(vlapic, R_DIVIDE, 0xb);
	lapic_put(vlapic, R_COUNT, 100000000);
	vlapic_set_irr(vlapic, 0x90, true);
	vlapic_intr_accepted(vlapic, vlapic_pending_intr(vlapic));
	vlapic_set_irr(vlapic, 0xa0, false);
	vlapic_set_irr(vlapic, 3, false);
	lapic_put(vlapic, R_ESR, 0);
	vlapic_set_irr(vlapic, 3, false);
	if (!vlapic_x2apic(vlapic)) {
		lapic_put(vlapic, R_LDR, 0x01000000);
		lapic_put(vlapic, R_DFR, 0);
		lapic_put(vlapic, R_ICR2, 0x02000000);
	}
	lapic_put(vlapic, R_ICR, 0x000c00f0);
}

static void test_reset(void)
{
	struct board *board = board_create(300, 300 - 250, 20);
	unsigned int id, mode;

	for (id = 0; id < 50; id++)
		check_reset_state(board_vlapic(board, id), id);
	for (id = 0; id < 50; id += 7) {
		struct vlapic *vlapic = board_vlapic(board, id);

		for (mode = X2APIC_DISABLED; mode <= X2APIC_ENABLED; mode++) {
			CHECK_EQ(vlapic_set_x2apic_state(vlapic, mode), 0);
			lapic_make_dirty(vlapic);
			vlapic_set_ipi_exit(vlapic, true);
			vlapic_reset(vlapic);
			check_reset_state(vlapic, id);
			CHECK(vlapic_x2apic(vlapic) == (mode == X2APIC_ENABLED));
			CHECK(vlapic_ipi_exit(vlapic));
			lapic_put(vlapic, R_ESR, 0);
			CHECK_EQ(lapic_get(vlapic, R_ESR), 0);
		}
		CHECK_EQ(vlapic_set_x2apic_state(vlapic, X2APIC_DISABLED), 0);
	}
	board_destroy(board);
}

static void test_page_bits(void)
{
	struct board *board = board_create(VCPUS, 2, 2);
	struct vlapic *vlapic = board_vlapic(board, 0);
	unsigned int i;

	lapic_enable(vlapic);
	for (i = 0; i < ARRAY_SIZE(manual); i++) {
		unsigned int reg = manual[i].reg;
		u32 before;

		if (reg == R_SELF || reg == R_EOI)
			continue;
		before = lapic_get(vlapic, reg);
		lapic_put(vlapic, reg, 0xffffffff);
		CHECK_AT(lapic_get(vlapic, reg) == (manual[i].x_write ?
			 (manual[i].ones | manual[i].fixed) : before), "register %#x", reg);
		lapic_put(vlapic, reg, 0);
		CHECK_AT(lapic_get(vlapic, reg) == (manual[i].x_write ? manual[i].fixed : before),
			 "register %#x", reg);
		/* SVR went to 0: the LVT is masked while it is. */
		if (reg == R_SVR)
			lapic_enable(vlapic);
	}
	board_destroy(board);
}

/* Reads of 1, 2 and 8 bytes give the bytes of the 4-byte register. */
static void test_page_widths(void)
{
	struct board *board = board_create(VCPUS, 4, 4);
	struct vlapic *vlapic = board_vlapic(board, 3);
	u64 val;

	CHECK_EQ(vlapic_mmio(vlapic, 0x23, false, 1, &val), 0);
	CHECK_EQ(val, 3);
	CHECK_EQ(vlapic_mmio(vlapic, 0x22, false, 2, &val), 0);
	CHECK_EQ(val, 0x300);
	CHECK_EQ(vlapic_mmio(vlapic, 0x20, false, 8, &val), 0);
	CHECK_EQ(val, 0x3000000);
	CHECK_EQ(vlapic_mmio(vlapic, 0x30, false, 1, &val), 0);
	CHECK_EQ(val, 0x14);
	board_destroy(board);
}

static void test_x2apic_msrs(void)
{
	struct board *board = board_create(VCPUS, 2, 2);
	struct vlapic *vlapic = board_vlapic(board, 0);
	unsigned int msr, bit;
	u64 val;

	CHECK_EQ(vlapic_set_x2apic_state(vlapic, X2APIC_ENABLED), 0);
	vlapic_set_ipi_exit(vlapic, true);
	for (msr = 0x800; msr <= 0xbff; msr++) {
		int i = manual_find(msr - 0x800);

		CHECK_AT(vlapic_msr_read(vlapic, msr, &val) ==
			 (i >= 0 && manual[i].x2_read ? 0 : -EINVAL), "MSR %#x", msr);
		for (bit = 0; bit < 64; bit++) {
			bool valid = i >= 0 && manual[i].x2_write &&
				     !(manual[i].x2_reserved >> bit & 1);
			int ret = vlapic_msr_write(vlapic, msr, 1ULL << bit);

			if (msr == 0x830 && valid)
				CHECK_AT(ret != -EINVAL, "ICR bit %u", bit);
			else
				CHECK_AT(ret == (valid ? 0 : -EINVAL), "MSR %#x bit %u", msr, bit);
		}
		CHECK_AT(vlapic_msr_write(vlapic, msr, 0) ==
			 (i >= 0 && manual[i].x2_write ? 0 : -EINVAL), "MSR %#x", msr);
	}
	/* ICR is 64 bits wide and keeps its destination. */
	CHECK_EQ(vlapic_msr_write(vlapic, 0x830, 0x1234567800000031ULL), 0);
	CHECK_EQ(vlapic_msr_read(vlapic, 0x830, &val), 0);
	CHECK_EQ(val, 0x1234567800000031ULL);
	/* The page is gone. */
	val = 5;
	CHECK_EQ(vlapic_mmio(vlapic, 0x20, false, 4, &val), 0);
	CHECK_EQ(val, 0);
	val = 0xa5;
	CHECK_EQ(vlapic_mmio(vlapic, 0x80, true, 4, &val), 0);
	CHECK_EQ(lapic_get(vlapic, R_TPR), 0);
	board_destroy(board);
}

static void test_xapic_msrs(void)
{
	struct board *board = board_create(VCPUS, 2, 2);
	struct vlapic *vlapic = board_vlapic(board, 1);
	unsigned int msr;
	u64 val;

	lapic_enable(vlapic);
	for (msr = 0x800; msr <= 0xbff; msr++) {
		val = 1;
		CHECK_EQ(vlapic_msr_read(vlapic, msr, &val), 0);
		CHECK_EQ(val, 0);
		CHECK_EQ(vlapic_msr_write(vlapic, msr, ~0ULL), 0);
	}
	CHECK_EQ(lapic_get(vlapic, R_TPR), 0);
	CHECK_EQ(lapic_get(vlapic, R_SVR), 0x1ff);
	for (msr = 0; msr < 0x2000; msr++) {
		if (msr == 0x1b || (msr >= 0x800 && msr <= 0xbff))
			continue;
		CHECK_EQ(vlapic_msr_read(vlapic, msr, &val), -ENOENT);
		CHECK_EQ(vlapic_msr_write(vlapic, msr, 0), -ENOENT);
	}
	CHECK_EQ(vlapic_msr_read(vlapic, 0xffffffff, &val), -ENOENT);
	board_destroy(board);
}

static void test_apicbase(void)
{
	struct board *board = board_create(VCPUS, 2, 2);
	unsigned int id, mode, bit;
	u64 val;

	for (id = 0; id < 2; id++) {
		struct vlapic *vlapic = board_vlapic(board, id);

		for (mode = 0; mode < 2; mode++) {
			u64 want = 0xfee00800 | (id ? 0 : 0x100) | (mode ? 0x400 : 0);

			CHECK_EQ(vlapic_set_x2apic_state(vlapic, mode), 0);
			CHECK_EQ(vlapic_msr_read(vlapic, 0x1b, &val), 0);
			CHECK_EQ(val, want);
			CHECK_EQ(vlapic_apicbase(vlapic), want);
			CHECK_EQ(vlapic_msr_write(vlapic, 0x1b, want), 0);
			for (bit = 0; bit < 64; bit++)
				CHECK_EQ(vlapic_msr_write(vlapic, 0x1b, want ^ 1ULL << bit),
					 -ENOENT);
		}
		CHECK_EQ(vlapic_set_x2apic_state(vlapic, X2APIC_STATE_LAST), -EINVAL);
		CHECK_EQ(vlapic_set_x2apic_state(vlapic, (enum x2apic_state)-1), -EINVAL);
		CHECK(vlapic_x2apic(vlapic));
	}
	board_destroy(board);
}

static void test_error_status(void)
{
	struct board *board = board_create(VCPUS, 2, 2);
	struct vlapic *vlapic = board_vlapic(board, 0);
	u64 *stats = board->stats[0];
	u64 val;

	lapic_enable(vlapic);
	lapic_put(vlapic, R_ERROR, 0xe0);

	/* Received: reported by a write of ESR, one interrupt until then. */
	CHECK(vlapic_set_irr(vlapic, 15, false));
	CHECK_EQ(lapic_get(vlapic, R_ESR), 0);
	CHECK(set_has(vlapic, R_IRR, 0xe0));
	CHECK(!set_has(vlapic, R_IRR, 15));
	CHECK(vlapic_set_irr(vlapic, 0, true));
	CHECK_EQ(stats[VLAPIC_STAT_INTR_ERROR], 1);
	lapic_put(vlapic, R_ESR, 0xff);
	CHECK_EQ(lapic_get(vlapic, R_ESR), 0x40);
	lapic_put(vlapic, R_ESR, 0);
	CHECK_EQ(lapic_get(vlapic, R_ESR), 0);

	/* Sent. */
	lapic_put(vlapic, R_ICR, 0x4000f | 0x4000);
	CHECK_EQ(stats[VLAPIC_STAT_INTR_ERROR], 2);
	lapic_put(vlapic, R_ESR, 0);
	CHECK_EQ(lapic_get(vlapic, R_ESR), 0x20);

	/* Registers that are not there, in xAPIC mode. */
	CHECK_EQ(vlapic_mmio(vlapic, 0x40, false, 4, &val), 0);
	CHECK_EQ(val, 0);
	lapic_put(vlapic, R_ESR, 0);
	CHECK_EQ(lapic_get(vlapic, R_ESR), 0x80);
	val = 0;
	CHECK_EQ(vlapic_mmio(vlapic, 0x400, true, 4, &val), 0);
	CHECK_EQ(vlapic_mmio(vlapic, 0x3f0, true, 4, &val), 0);
	lapic_put(vlapic, R_ESR, 0);
	CHECK_EQ(lapic_get(vlapic, R_ESR), 0x80);
	lapic_put(vlapic, R_VERSION, 1);
	CHECK_EQ(lapic_get(vlapic, R_EOI), 0);
	lapic_put(vlapic, R_ESR, 0);
	CHECK_EQ(lapic_get(vlapic, R_ESR), 0);

	/* SELF_IPI, in x2APIC mode; an error vector that is itself illegal does not recurse. */
	CHECK_EQ(vlapic_set_x2apic_state(vlapic, X2APIC_ENABLED), 0);
	lapic_put(vlapic, R_ERROR, 0x05);
	lapic_put(vlapic, R_SELF, 0x0f);
	lapic_put(vlapic, R_ESR, 0);
	CHECK_EQ(lapic_get(vlapic, R_ESR), 0x60);
	lapic_put(vlapic, R_SELF, 0x10);
	CHECK(set_has(vlapic, R_IRR, 0x10));
	lapic_put(vlapic, R_ESR, 0);
	CHECK_EQ(lapic_get(vlapic, R_ESR), 0);
	board_destroy(board);
}

static void test_software_disable(void)
{
	struct board *board = board_create(VCPUS, 1, 1);
	struct vlapic *vlapic = board_vlapic(board, 0);
	static const unsigned int lvts[] = { R_CMCI, R_TIMER, R_THERMAL, R_PMC, R_LINT0, R_LINT1,
					     R_ERROR };
	unsigned int i;

	CHECK(!vlapic_set_irr(vlapic, 0x80, false));
	CHECK(!vlapic_set_irr(vlapic, 1, false));
	CHECK(!set_has(vlapic, R_IRR, 0x80));
	for (i = 0; i < ARRAY_SIZE(lvts); i++) {
		lapic_put(vlapic, lvts[i], 0x55);
		CHECK_EQ(lapic_get(vlapic, lvts[i]), 0x10055);
	}
	lapic_enable(vlapic);
	CHECK(vlapic_enabled(vlapic));
	for (i = 0; i < ARRAY_SIZE(lvts); i++) {
		CHECK_EQ(lapic_get(vlapic, lvts[i]), 0x10055);
		lapic_put(vlapic, lvts[i], 0x55);
		CHECK_EQ(lapic_get(vlapic, lvts[i]), 0x55);
	}
	CHECK(vlapic_set_irr(vlapic, 0x80, false));
	CHECK_EQ(board->house.notify[0], 1);
	CHECK(vlapic_set_irr(vlapic, 0x80, false));
	CHECK_EQ(board->house.notify[0], 1);

	/* What is pending stays deliverable (SDM vol. 3 section 11.4.7.2). */
	lapic_put(vlapic, R_SVR, 0xff);
	for (i = 0; i < ARRAY_SIZE(lvts); i++)
		CHECK_EQ(lapic_get(vlapic, lvts[i]), 0x10055);
	CHECK_EQ(vlapic_pending_intr(vlapic), 0x80);
	lapic_put(vlapic, R_ESR, 0);
	CHECK_EQ(lapic_get(vlapic, R_ESR), 0);
	board_destroy(board);
}

/* TPR, PPR, APR, CR8 and the threshold for every TPR, with and without something in service. */
static void test_priorities(void)
{
	static const int levels[] = { -1, 0x10, 0x1f, 0x20, 0x5a, 0x80, 0xe3, 0xff };
	unsigned int i, j, tpr;

	for (i = 0; i < ARRAY_SIZE(levels); i++)
	for (j = 0; j < ARRAY_SIZE(levels); j++) {
		int served = levels[i], waiting = levels[j];
		struct board *board = board_create(VCPUS, 1, 1);
		struct vlapic *vlapic = board_vlapic(board, 0);

		lapic_enable(vlapic);
		if (served >= 0) {
			vlapic_set_irr(vlapic, served, false);
			CHECK_EQ(vlapic_pending_intr(vlapic), served);
			vlapic_intr_accepted(vlapic, served);
		}
		if (waiting >= 0)
			vlapic_set_irr(vlapic, waiting, false);
		for (tpr = 0; tpr < 256; tpr++) {
			int tclass = tpr / 16, sclass = served < 0 ? 0 : served / 16;
			int wclass = waiting < 0 ? 0 : waiting / 16, most;
			bool open;

			lapic_put(vlapic, R_TPR, tpr);
			CHECK_EQ(lapic_get(vlapic, R_TPR), tpr);
			CHECK_EQ(lapic_get(vlapic, R_PPR), tclass >= sclass ? tpr : sclass * 16);
			CHECK_EQ(vlapic_cr8_read(vlapic), tclass);
			most = tclass > sclass ? tclass : sclass;
			open = wclass > most;
			CHECK_EQ(vlapic_pending_intr(vlapic), open ? waiting : -1);
			if (wclass > sclass && !open)
				CHECK_EQ(vlapic_tpr_threshold(vlapic), wclass);
			else
				CHECK_EQ(vlapic_tpr_threshold(vlapic), 0);
			if (tclass >= wclass && tclass > sclass)
				CHECK_EQ(lapic_get(vlapic, R_APR), tpr);
			else
				CHECK_EQ(lapic_get(vlapic, R_APR),
					 16 * (wclass > most ? wclass : most));
		}
		vlapic_cr8_write(vlapic, 9);
		CHECK_EQ(lapic_get(vlapic, R_TPR), 0x90);
		vlapic_cr8_write(vlapic, 0xfff0);
		CHECK_EQ(lapic_get(vlapic, R_TPR), 0);
		board_destroy(board);
	}
}

/* D-01: every offset, width and direction, with random data. */
static void d01_vlapic_page(void)
{
	static const int widths[] = { 0, 1, 2, 3, 4, 7, 8, 9, 16, -1, INT_MIN };
	struct board *board = board_create(VCPUS, 5, 3);
	unsigned int round, mode, w, write;
	u64 offset, val, datum;

	for (round = 0; round < 4; round++)
	for (mode = 0; mode < 2; mode++)
	for (offset = 0; offset < 0x1010; offset++)
	for (w = 0; w < ARRAY_SIZE(widths); w++)
	for (write = 0; write < 2; write++) {
		struct vlapic *vlapic = board_vlapic(board, 1);
		int bytes = widths[w], ret, want;

		vlapic_set_x2apic_state(vlapic, mode);
		vlapic_set_ipi_exit(vlapic, round & 1);
		datum = random_u64() >> random_below(64);
		val = datum;
		ret = vlapic_mmio(vlapic, offset, write, bytes, &val);
		if (mode)
			want = 0;
		else if (offset > 0xfff || bytes < 1 || bytes > 8)
			want = -EINVAL;
		else if (write)
			want = bytes == 4 && offset % 16 == 0 ? 0 : -EINVAL;
		else
			want = offset % 16 < 4 ? 0 : -EINVAL;
		if (want == 0 && write && offset == 0x300 && !mode)
			CHECK_AT(ret == 0 || ret == -EPERM || ret == VLAPIC_IPI_EXIT, "%d", ret);
		else
			CHECK_AT(ret == want, "offset %#lx bytes %d write %u: %d", offset, bytes,
				 write, ret);
		if (write)
			CHECK_EQ(val, datum);
		else if (mode || ret)
			CHECK_EQ(val, 0);
		else if (bytes < 8)
			CHECK_AT(val >> (bytes * 8) == 0, "%#lx", val);
	}
	for (offset = 1; offset; offset <<= 1)
		for (write = 0; write < 2; write++) {
			vlapic_set_x2apic_state(board_vlapic(board, 1), X2APIC_DISABLED);
			val = 0;
			CHECK_EQ(vlapic_mmio(board_vlapic(board, 1), offset << 12 | 0x20, write, 4,
					     &val), offset << 12 ? -EINVAL : 0);
		}
	board_destroy(board);
}

static void d01_vlapic_msrs(void)
{
	struct board *board = board_create(VCPUS, 5, 3);
	struct vlapic *vlapic = board_vlapic(board, 2);
	unsigned int i;
	u64 val;

	for (i = 0; i < 1000000; i++) {
		u32 msr = random_below(16) ? 0x7f0 + random_below(0x420) : (u32)random_u64();
		int ret;

		if (!random_below(64))
			vlapic_set_x2apic_state(vlapic, random_below(2));
		vlapic_set_ipi_exit(vlapic, random_below(2));
		if (random_below(2)) {
			ret = vlapic_msr_read(vlapic, msr, &val);
			CHECK_AT(ret == 0 || ret == -ENOENT || ret == -EINVAL, "%d", ret);
			if (ret)
				CHECK_EQ(val, 0);
		} else {
			ret = vlapic_msr_write(vlapic, msr, random_u64() >> random_below(64));
			CHECK_AT(ret == 0 || ret == -ENOENT || ret == -EINVAL ||
				 ret == VLAPIC_IPI_EXIT, "%d", ret);
		}
	}
	board_destroy(board);
}

const struct test regs_tests[] = {
	{ "reset state", test_reset },
	{ "page: writable bits", test_page_bits },
	{ "page: read widths", test_page_widths },
	{ "x2APIC MSRs: access and reserved bits", test_x2apic_msrs },
	{ "x2APIC MSRs in xAPIC mode", test_xapic_msrs },
	{ "APIC base", test_apicbase },
	{ "error status register", test_error_status },
	{ "software disable", test_software_disable },
	{ "priorities", test_priorities },
	{ "d01_vlapic_page", d01_vlapic_page },
	{ "d01_vlapic_msrs", d01_vlapic_msrs },
	{}
};
