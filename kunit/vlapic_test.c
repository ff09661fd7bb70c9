// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* src/dev/vlapic.c, vlapic_timer.c: directed vectors from SDM vol. 3 chapter 11, semantics.md 16. */
#include <kunit/test.h>
#include <linux/module.h>

#include "apic_board.h"

#define HZ_TIMER	134217728U
#define ONESHOT		0x00000
#define PERIODIC	0x20000
#define DEADLINE	0x40000
#define MASKED		0x10000
#define VECTOR		0x40

/* --- registers ------------------------------------------------------------ */

static void lapic_reset_state(struct kunit *test)
{
	static const struct { unsigned int reg; u32 val; } state[] = {
		{ R_VERSION, 0x00060014 }, { R_TPR, 0 }, { R_APR, 0 }, { R_PPR, 0 }, { R_LDR, 0 },
		{ R_DFR, 0xffffffff }, { R_SVR, 0xff }, { R_ESR, 0 }, { R_CMCI, MASKED },
		{ R_ICR, 0 }, { R_ICR2, 0 }, { R_TIMER, MASKED }, { R_THERMAL, MASKED },
		{ R_PMC, MASKED }, { R_LINT0, MASKED }, { R_LINT1, MASKED }, { R_ERROR, MASKED },
		{ R_COUNT, 0 }, { R_CURRENT, 0 }, { R_DIVIDE, 0 },
	};
	struct board *board = test->priv;
	struct vlapic *vlapic = board->cpu[3];
	int i;

	lapic_put(vlapic, R_TPR, 0x33);
	lapic_put(vlapic, R_DFR, 0);
	lapic_put(vlapic, R_TIMER, PERIODIC | VECTOR);
	lapic_put(vlapic, R_COUNT, 1000000);
	vlapic_set_irr(vlapic, 0x80, true);
	vlapic_intr_accepted(vlapic, 0x80);
	vlapic_set_irr(vlapic, 0x90, true);
	vlapic_set_irr(vlapic, 3, true);
	vlapic_set_ipi_exit(vlapic, true);

	vlapic_reset(vlapic);
	for (i = 0; i < ARRAY_SIZE(state); i++)
		KUNIT_EXPECT_EQ_MSG(test, lapic_get(vlapic, state[i].reg), state[i].val,
				    "register %#x", state[i].reg);
	for (i = 0; i < 24; i++)
		KUNIT_EXPECT_EQ(test, lapic_get(vlapic, R_ISR + i), 0);
	KUNIT_EXPECT_EQ(test, lapic_get(vlapic, R_ID), 0x03000000);
	KUNIT_EXPECT_TRUE(test, vlapic_ipi_exit(vlapic));
	KUNIT_EXPECT_EQ(test, vlapic_pending_intr(vlapic), -1);
	lapic_put(vlapic, R_ESR, 0);
	KUNIT_EXPECT_EQ(test, lapic_get(vlapic, R_ESR), 0);
}

static void lapic_writable_bits(struct kunit *test)
{
	static const struct { unsigned int reg; u32 ones, zeros; } bits[] = {
		{ R_ID, 0x01000000, 0x01000000 }, { R_VERSION, 0x00060014, 0x00060014 },
		{ R_TPR, 0xff, 0 }, { R_LDR, 0xff000000, 0 }, { R_DFR, 0xffffffff, 0x0fffffff },
		{ R_SVR, 0x3ff, 0 }, { R_CMCI, 0x107ff, MASKED }, { R_ICR, 0xccfff, 0 },
		{ R_ICR2, 0xff000000, 0 }, { R_TIMER, 0x700ff, MASKED },
		{ R_THERMAL, 0x107ff, MASKED }, { R_PMC, 0x107ff, MASKED },
		{ R_LINT0, 0x1a7ff, MASKED }, { R_LINT1, 0x1a7ff, MASKED },
		{ R_ERROR, 0x100ff, MASKED }, { R_COUNT, 0xffffffff, 0 }, { R_CURRENT, 0, 0 },
		{ R_DIVIDE, 0xb, 0 }, { R_IRR, 0, 0 }, { R_ISR + 7, 0, 0 }, { R_TMR + 3, 0, 0 },
	};
	struct board *board = test->priv;
	struct vlapic *vlapic = board->cpu[1];
	int i;

	for (i = 0; i < ARRAY_SIZE(bits); i++) {
		lapic_put(vlapic, bits[i].reg, 0xffffffff);
		KUNIT_EXPECT_EQ_MSG(test, lapic_get(vlapic, bits[i].reg), bits[i].ones,
				    "register %#x", bits[i].reg);
		/* Zero in SVR disables: from there on the LVT is masked. */
		lapic_put(vlapic, bits[i].reg, 0);
		KUNIT_EXPECT_EQ_MSG(test, lapic_get(vlapic, bits[i].reg), bits[i].zeros,
				    "register %#x", bits[i].reg);
	}
}

static void lapic_alignment(struct kunit *test)
{
	struct board *board = test->priv;
	struct vlapic *vlapic = board->cpu[2];
	u64 val = 0;

	KUNIT_EXPECT_EQ(test, vlapic_mmio(vlapic, 0x84, true, 4, &val), -EINVAL);
	KUNIT_EXPECT_EQ(test, vlapic_mmio(vlapic, 0x80, true, 2, &val), -EINVAL);
	KUNIT_EXPECT_EQ(test, vlapic_mmio(vlapic, 0x80, true, 8, &val), -EINVAL);
	KUNIT_EXPECT_EQ(test, vlapic_mmio(vlapic, 0x84, false, 4, &val), -EINVAL);
	KUNIT_EXPECT_EQ(test, vlapic_mmio(vlapic, 0x1020, false, 4, &val), -EINVAL);
	KUNIT_EXPECT_EQ(test, vlapic_mmio(vlapic, 0x23, false, 1, &val), 0);
	KUNIT_EXPECT_EQ(test, val, 2);
	KUNIT_EXPECT_EQ(test, vlapic_mmio(vlapic, 0x20, false, 8, &val), 0);
	KUNIT_EXPECT_EQ(test, val, 0x02000000);
}

static void lapic_x2apic(struct kunit *test)
{
	static const struct { u32 msr; u64 val; int read, write; } msrs[] = {
		{ 0x800, 0, -EINVAL, -EINVAL },	{ 0x802, 2, 0, -EINVAL },
		{ 0x803, 0x60014, 0, -EINVAL },	{ 0x808, 0xff, 0, 0 },
		{ 0x808, 0x100, 0, -EINVAL },	{ 0x809, 0, -EINVAL, -EINVAL },
		{ 0x80a, 0, 0, -EINVAL },	{ 0x80b, 0, -EINVAL, 0 },
		{ 0x80b, 1, -EINVAL, -EINVAL },	{ 0x80d, 4, 0, -EINVAL },
		{ 0x80e, 0, -EINVAL, -EINVAL },	{ 0x80f, 0x1ff, 0, 0 },
		{ 0x80f, 0x11ff, 0, -EINVAL },	{ 0x810, 0, 0, -EINVAL },
		{ 0x828, 0, 0, 0 },		{ 0x828, 1, 0, -EINVAL },
		{ 0x82f, 0x107ff, 0, 0 },	{ 0x82f, 0x8000, 0, -EINVAL },
		{ 0x830, 0x500000031ULL, 0, 0 }, { 0x830, 0x100000, 0, -EINVAL },
		{ 0x831, 0, -EINVAL, -EINVAL },	{ 0x832, 0x400f0, 0, 0 },
		{ 0x832, 0x80000, 0, -EINVAL },	{ 0x835, 0x8700, 0, 0 },
		{ 0x837, 0x400, 0, -EINVAL },	{ 0x838, 1ULL << 32, 0, -EINVAL },
		{ 0x839, 0, 0, -EINVAL },	{ 0x83e, 0xb, 0, 0 },
		{ 0x83e, 4, 0, -EINVAL },	{ 0x83f, 0x55, -EINVAL, 0 },
		{ 0x83f, 0x155, -EINVAL, -EINVAL }, { 0x840, 0, -EINVAL, -EINVAL },
		{ 0xbff, 0, -EINVAL, -EINVAL },	{ 0x7ff, 0, -ENOENT, -ENOENT },
		{ 0xc00, 0, -ENOENT, -ENOENT },
	};
	struct board *board = test->priv;
	struct vlapic *vlapic = board->cpu[2];
	u64 val;
	int i;

	for (i = 0x800; i <= 0xbff; i++) {
		KUNIT_EXPECT_EQ(test, vlapic_msr_read(vlapic, i, &val), 0);
		KUNIT_EXPECT_EQ(test, val, 0);
		KUNIT_EXPECT_EQ(test, vlapic_msr_write(vlapic, i, ~0ULL), 0);
	}
	KUNIT_EXPECT_EQ(test, vlapic_set_x2apic_state(vlapic, X2APIC_STATE_LAST), -EINVAL);
	KUNIT_EXPECT_EQ(test, vlapic_set_x2apic_state(vlapic, X2APIC_ENABLED), 0);
	for (i = 0; i < ARRAY_SIZE(msrs); i++) {
		KUNIT_EXPECT_EQ_MSG(test, vlapic_msr_write(vlapic, msrs[i].msr, msrs[i].val),
				    msrs[i].write, "MSR %#x = %#llx", msrs[i].msr, msrs[i].val);
		KUNIT_EXPECT_EQ_MSG(test, vlapic_msr_read(vlapic, msrs[i].msr, &val), msrs[i].read,
				    "MSR %#x", msrs[i].msr);
		if (!msrs[i].read && !msrs[i].write)
			KUNIT_EXPECT_EQ_MSG(test, val, msrs[i].val, "MSR %#x", msrs[i].msr);
	}
	KUNIT_EXPECT_EQ(test, vlapic_pending_intr(vlapic), -1);
	vlapic_msr_write(vlapic, 0x808, 0);
	KUNIT_EXPECT_EQ(test, vlapic_pending_intr(vlapic), 0x55);
	KUNIT_EXPECT_EQ(test, lapic_get(vlapic, R_ID), 0);
}

static void lapic_apicbase(struct kunit *test)
{
	struct board *board = test->priv;
	u64 val;

	KUNIT_EXPECT_EQ(test, vlapic_msr_read(board->cpu[0], 0x1b, &val), 0);
	KUNIT_EXPECT_EQ(test, val, 0xfee00900);
	KUNIT_EXPECT_EQ(test, vlapic_apicbase(board->cpu[1]), 0xfee00800);
	vlapic_set_x2apic_state(board->cpu[1], X2APIC_ENABLED);
	KUNIT_EXPECT_EQ(test, vlapic_apicbase(board->cpu[1]), 0xfee00c00);
	KUNIT_EXPECT_EQ(test, vlapic_msr_write(board->cpu[0], 0x1b, 0xfee00900), 0);
	KUNIT_EXPECT_EQ(test, vlapic_msr_write(board->cpu[0], 0x1b, 0xfee00d00), -ENOENT);
	KUNIT_EXPECT_EQ(test, vlapic_msr_write(board->cpu[0], 0x1b, 0), -ENOENT);
}

/* --- interrupts ----------------------------------------------------------- */

static void lapic_nesting(struct kunit *test)
{
	struct board *board = test->priv;
	struct vlapic *vlapic = board->cpu[0];

	vlapic_set_irr(vlapic, 0x31, false);
	vlapic_set_irr(vlapic, 0x3f, false);
	KUNIT_EXPECT_EQ(test, vlapic_pending_intr(vlapic), 0x3f);
	vlapic_intr_accepted(vlapic, 0x3f);
	/* The same class waits; a higher one does not. */
	KUNIT_EXPECT_EQ(test, vlapic_pending_intr(vlapic), -1);
	vlapic_set_irr(vlapic, 0x40, false);
	KUNIT_EXPECT_EQ(test, vlapic_pending_intr(vlapic), 0x40);
	vlapic_intr_accepted(vlapic, 0x40);
	KUNIT_EXPECT_EQ(test, lapic_get(vlapic, R_PPR), 0x40);
	lapic_put(vlapic, R_EOI, 0);
	KUNIT_EXPECT_EQ(test, lapic_get(vlapic, R_PPR), 0x30);
	lapic_put(vlapic, R_EOI, 0);
	KUNIT_EXPECT_EQ(test, vlapic_pending_intr(vlapic), 0x31);
	KUNIT_EXPECT_EQ(test, lapic_serve(vlapic), 0x31);
	KUNIT_EXPECT_EQ(test, board->notify[0], 3);
	lapic_put(vlapic, R_EOI, 0);
	KUNIT_EXPECT_EQ(test, board->stats[0][VLAPIC_STAT_GRATUITOUS_EOI], 1);
}

static void lapic_task_priority(struct kunit *test)
{
	struct board *board = test->priv;
	struct vlapic *vlapic = board->cpu[0];

	lapic_put(vlapic, R_TPR, 0x55);
	KUNIT_EXPECT_EQ(test, vlapic_cr8_read(vlapic), 5);
	KUNIT_EXPECT_EQ(test, vlapic_tpr_threshold(vlapic), 0);
	vlapic_set_irr(vlapic, 0x5f, false);
	KUNIT_EXPECT_EQ(test, vlapic_pending_intr(vlapic), -1);
	KUNIT_EXPECT_EQ(test, vlapic_tpr_threshold(vlapic), 5);
	vlapic_cr8_write(vlapic, 4);
	KUNIT_EXPECT_EQ(test, lapic_get(vlapic, R_TPR), 0x40);
	KUNIT_EXPECT_EQ(test, vlapic_pending_intr(vlapic), 0x5f);
	KUNIT_EXPECT_EQ(test, vlapic_tpr_threshold(vlapic), 0);
	vlapic_intr_accepted(vlapic, 0x5f);
	/* Held by what is in service: no TPR would let it through. */
	vlapic_set_irr(vlapic, 0x51, false);
	KUNIT_EXPECT_EQ(test, vlapic_tpr_threshold(vlapic), 0);
	KUNIT_EXPECT_EQ(test, lapic_get(vlapic, R_APR), 0x50);
}

static void lapic_errors(struct kunit *test)
{
	struct board *board = test->priv;
	struct vlapic *vlapic = board->cpu[0];

	lapic_put(vlapic, R_ERROR, 0xe0);
	KUNIT_EXPECT_TRUE(test, vlapic_set_irr(vlapic, 15, false));
	KUNIT_EXPECT_EQ(test, lapic_serve(vlapic), 0xe0);
	vlapic_set_irr(vlapic, 14, false);
	KUNIT_EXPECT_EQ(test, lapic_serve(vlapic), -1);
	lapic_put(vlapic, R_ESR, 0);
	KUNIT_EXPECT_EQ(test, lapic_get(vlapic, R_ESR), 0x40);
	lapic_put(vlapic, R_ICR, 0x4400f);
	lapic_get(vlapic, 0x04);
	lapic_put(vlapic, R_ESR, 0);
	KUNIT_EXPECT_EQ(test, lapic_get(vlapic, R_ESR), 0xa0);
	KUNIT_EXPECT_EQ(test, board->stats[0][VLAPIC_STAT_INTR_ERROR], 2);
}

static void lapic_disabled(struct kunit *test)
{
	struct board *board = test->priv;
	struct vlapic *vlapic = board->cpu[0];

	lapic_put(vlapic, R_THERMAL, 0x60);
	lapic_put(vlapic, R_SVR, 0xff);
	KUNIT_EXPECT_FALSE(test, vlapic_enabled(vlapic));
	KUNIT_EXPECT_FALSE(test, vlapic_set_irr(vlapic, 0x80, false));
	KUNIT_EXPECT_EQ(test, lapic_get(vlapic, R_THERMAL), MASKED | 0x60);
	KUNIT_EXPECT_EQ(test, vlapic_trigger_lvt(vlapic, APIC_LVT_LINT0), 0);
	KUNIT_EXPECT_EQ(test, vlapic_trigger_lvt(vlapic, APIC_LVT_LINT1), 0);
	KUNIT_EXPECT_EQ(test, vlapic_trigger_lvt(vlapic, 7), 0);
	KUNIT_EXPECT_EQ(test, board->extint[0], 1);
	KUNIT_EXPECT_EQ(test, board->nmi[0], 1);
	KUNIT_EXPECT_EQ(test, board->notify[0], 0);
}

static void lapic_lvt(struct kunit *test)
{
	struct board *board = test->priv;
	struct vlapic *vlapic = board->cpu[0];
	u64 *stats = board->stats[0];

	KUNIT_EXPECT_EQ(test, vlapic_trigger_lvt(vlapic, APIC_LVT_LINT0), 0);
	KUNIT_EXPECT_EQ(test, board->extint[0], 0);
	lapic_put(vlapic, R_LINT0, 0x700);
	lapic_put(vlapic, R_LINT1, 0x400);
	lapic_put(vlapic, R_CMCI, 0x61);
	lapic_put(vlapic, R_PMC, 0x262);
	KUNIT_EXPECT_EQ(test, vlapic_trigger_lvt(vlapic, APIC_LVT_LINT0), 0);
	KUNIT_EXPECT_EQ(test, vlapic_trigger_lvt(vlapic, APIC_LVT_LINT1), 0);
	KUNIT_EXPECT_EQ(test, vlapic_trigger_lvt(vlapic, APIC_LVT_CMCI), 0);
	KUNIT_EXPECT_EQ(test, vlapic_trigger_lvt(vlapic, APIC_LVT_PMC), 0);
	KUNIT_EXPECT_EQ(test, vlapic_trigger_lvt(vlapic, 7), -EINVAL);
	KUNIT_EXPECT_EQ(test, vlapic_trigger_lvt(vlapic, -1), -EINVAL);
	KUNIT_EXPECT_EQ(test, board->extint[0], 1);
	KUNIT_EXPECT_EQ(test, board->nmi[0], 1);
	KUNIT_EXPECT_EQ(test, lapic_serve(vlapic), 0x61);
	KUNIT_EXPECT_EQ(test, lapic_serve(vlapic), -1);
	KUNIT_EXPECT_EQ(test, stats[VLAPIC_STAT_INTR_CMC], 1);
	KUNIT_EXPECT_EQ(test, stats[VLAPIC_STAT_LVT + APIC_LVT_CMCI], 1);
	KUNIT_EXPECT_EQ(test, stats[VLAPIC_STAT_LVT + APIC_LVT_LINT0], 1);
	KUNIT_EXPECT_EQ(test, stats[VLAPIC_STAT_LVT + APIC_LVT_PMC], 0);
}

/* --- ICR: vCPU 1 sends ---------------------------------------------------- */

struct icr_case {
	u32 dest, icr;
	bool ipi_exit;
	unsigned long waiting;		/* before */
	int ret;
	unsigned long targets;		/* of the exit */
	unsigned long irr, nmi, init;	/* who got it */
	unsigned long waiting_then;
};

static const struct icr_case icr_cases[] = {
	/* Fixed: to one, self, all, others, logical, inactive, absent; de-assert is nothing. */
	{ 2, 0x00050, .irr = 0x4 },
	{ 1, 0x00050, .irr = 0x2 },
	{ 0, 0x40050, .irr = 0x2 },
	{ 0, 0x80050, .irr = 0x7 },
	{ 0, 0xc0050, .irr = 0x5 },
	{ 0xff, 0x00050, .irr = 0x7 },
	{ 0x0d, 0x00850, .irr = 0x5 },
	{ 3, 0x00050 },
	{ 5, 0x00050 },
	{ 0xc8, 0x00050 },
	{ 2, 0x0c050, .irr = 0x4 },
	{ 2, 0x08050 },
	/* NMI: others or the field only. */
	{ 2, 0x00400, .nmi = 0x4 },
	{ 0, 0xc0400, .nmi = 0x5 },
	{ 0, 0x40400 },
	{ 0, 0x80400 },
	/* Modes without a receiver, and combinations that are ignored. */
	{ 2, 0x00150, .ret = -EPERM },
	{ 2, 0x00250, .ret = -EPERM },
	{ 2, 0x00350, .ret = -EPERM },
	{ 2, 0x40150 },
	{ 2, 0x0c350 },
	{ 2, 0x00750 },
	/* INIT: e17, the value that stopped another hypervisor, is the first. */
	{ 0, 0xc4500, true, 0, VLAPIC_IPI_EXIT, 0x5, .init = 0x5, .waiting_then = 0x5 },
	{ 2, 0x04500, true, 0, VLAPIC_IPI_EXIT, 0x4, .init = 0x4, .waiting_then = 0x4 },
	{ 2, 0x08500, true },
	{ 3, 0x04500, true },
	{ 2, 0x44500, true },
	{ 2, 0x04500, false, .init = 0x4, .waiting_then = 0x4 },
	{ 5, 0x04500, false, .waiting_then = 0x20 },
	{ 6, 0x04500, false },
	{ 1, 0x04500, false },
	{ 0, 0xc4500, false },
	{ 4, 0x04d00, false },
	/* STARTUP: who waits, once. */
	{ 2, 0x0069a, true, 0x6, VLAPIC_IPI_EXIT, 0x4, .waiting_then = 0x2 },
	{ 0, 0xc069a, true, 0x2d, VLAPIC_IPI_EXIT, 0x5, .waiting_then = 0x28 },
	{ 2, 0x0069a, true },
	{ 2, 0x4069a, true, 0x4, .waiting_then = 0x4 },
	{ 5, 0x0069a, false, 0x30, VLAPIC_IPI_EXIT, 0x20, .waiting_then = 0x10 },
	{ 1, 0x0069a, false, 0x02, .waiting_then = 0x02 },
};

static void icr_check(struct kunit *test, const struct icr_case *c)
{
	struct board *board = test->priv;
	struct vlapic *sender = board->cpu[1];
	unsigned long irr = 0, nmi = 0, init = 0;
	int id, ret;

	memset(board->nmi, 0, sizeof(board->nmi));
	memset(board->init, 0, sizeof(board->init));
	vlapic_set_ipi_exit(sender, c->ipi_exit);
	board->irq.startup[0] = c->waiting;
	lapic_put(sender, R_ICR2, c->dest << 24);
	ret = lapic_put(sender, R_ICR, c->icr);
	for (id = 0; id < BOARD_EXIST; id++) {
		irr |= (unsigned long)(lapic_serve(board->cpu[id]) == 0x50) << id;
		nmi |= (unsigned long)board->nmi[id] << id;
		init |= (unsigned long)board->init[id] << id;
	}
	KUNIT_EXPECT_EQ_MSG(test, ret, c->ret, "ICR %#x to %#x", c->icr, c->dest);
	if (ret == VLAPIC_IPI_EXIT) {
		KUNIT_EXPECT_EQ(test, vlapic_ipi(sender)->targets[0], c->targets);
		KUNIT_EXPECT_EQ(test, vlapic_ipi(sender)->mode, c->icr & 0x700);
		KUNIT_EXPECT_EQ(test, vlapic_ipi(sender)->vector, c->icr & 0xff);
	}
	KUNIT_EXPECT_EQ_MSG(test, irr, c->irr, "ICR %#x to %#x", c->icr, c->dest);
	KUNIT_EXPECT_EQ_MSG(test, nmi, c->nmi, "ICR %#x to %#x", c->icr, c->dest);
	KUNIT_EXPECT_EQ_MSG(test, init, c->init, "ICR %#x to %#x", c->icr, c->dest);
	KUNIT_EXPECT_EQ_MSG(test, board->irq.startup[0], c->waiting_then, "ICR %#x to %#x",
			    c->icr, c->dest);
}

static void e17_icr(struct kunit *test)
{
	struct board *board = test->priv;
	u64 sent = 0, received = 0;
	int i;

	for (i = 0; i < ARRAY_SIZE(icr_cases); i++)
		icr_check(test, &icr_cases[i]);
	sent = board->stats[1][VLAPIC_STAT_IPI_SEND];
	for (i = 0; i < BOARD_EXIST; i++)
		received += board->stats[i][VLAPIC_STAT_IPI_RECV];
	KUNIT_EXPECT_EQ(test, sent, 14);
	KUNIT_EXPECT_EQ(test, received, 14);
}

static void e17_icr_x2apic(struct kunit *test)
{
	struct board *board = test->priv;
	int id;

	for (id = 0; id < BOARD_EXIST; id++)
		vlapic_set_x2apic_state(board->cpu[id], X2APIC_ENABLED);
	/* Cluster 0, vCPUs 0 and 2; cluster 1; 8-bit broadcast is vCPU 255 here. */
	KUNIT_EXPECT_EQ(test, vlapic_msr_write(board->cpu[1], 0x830, 0x500000850ULL), 0);
	KUNIT_EXPECT_EQ(test, vlapic_msr_write(board->cpu[1], 0x830, 0x1000500000852ULL), 0);
	KUNIT_EXPECT_EQ(test, vlapic_msr_write(board->cpu[1], 0x830, 0xff00000053ULL), 0);
	KUNIT_EXPECT_EQ(test, vlapic_pending_intr(board->cpu[0]), 0x50);
	KUNIT_EXPECT_EQ(test, vlapic_pending_intr(board->cpu[1]), -1);
	KUNIT_EXPECT_EQ(test, vlapic_pending_intr(board->cpu[2]), 0x50);
	KUNIT_EXPECT_EQ(test, vlapic_msr_write(board->cpu[1], 0x830, 0xffffffff00000061ULL), 0);
	for (id = 0; id < BOARD_ACTIVE; id++)
		KUNIT_EXPECT_EQ(test, vlapic_pending_intr(board->cpu[id]), 0x61);
	/* Lowest priority leaves as a WRMSR exit. */
	KUNIT_EXPECT_EQ(test, vlapic_msr_write(board->cpu[1], 0x830, 0x161), -ENOENT);
}

/* --- the timer ------------------------------------------------------------ */

static void timer_oneshot(struct kunit *test)
{
	static const u8 shifts[] = { 1, 2, 3, 4, [8] = 5, 6, 7, 0 };
	struct board *board = test->priv;
	struct vlapic *vlapic = board->cpu[0];
	int config;

	lapic_put(vlapic, R_TIMER, ONESHOT | VECTOR);
	for (config = 0; config < ARRAY_SIZE(shifts); config++) {
		u64 length_ns = 1000000ULL << shifts[config];

		if (config & 4)
			continue;
		lapic_put(vlapic, R_DIVIDE, config);
		lapic_put(vlapic, R_COUNT, HZ_TIMER / 1000);
		hand_clock_run(length_ns / 2);
		KUNIT_EXPECT_GE(test, lapic_get(vlapic, R_CURRENT), HZ_TIMER / 2000 - 1);
		KUNIT_EXPECT_LE(test, lapic_get(vlapic, R_CURRENT), HZ_TIMER / 2000 + 1);
		hand_clock_run(length_ns / 2 - 1000);
		KUNIT_EXPECT_EQ(test, lapic_serve(vlapic), -1);
		hand_clock_run(1000);
		KUNIT_EXPECT_EQ_MSG(test, lapic_serve(vlapic), VECTOR, "divide %#x", config);
		KUNIT_EXPECT_EQ(test, lapic_get(vlapic, R_CURRENT), 0);
		hand_clock_run(length_ns * 3);
		KUNIT_EXPECT_EQ(test, lapic_serve(vlapic), -1);
	}
	KUNIT_EXPECT_EQ(test, board->stats[0][VLAPIC_STAT_INTR_TIMER], 8);
}

/* Exact over ten minutes; D-02: the shortest period there is; behind, it starts anew. */
static void d02_timer_periodic(struct kunit *test)
{
	struct board *board = test->priv;
	struct vlapic *vlapic = board->cpu[0];
	int config;

	lapic_put(vlapic, R_TIMER, PERIODIC | VECTOR);
	lapic_put(vlapic, R_DIVIDE, 0xb);
	lapic_put(vlapic, R_COUNT, HZ_TIMER / 256);
	hand_clock_run(600 * NSEC_PER_SEC);
	KUNIT_EXPECT_EQ(test, hand.fired, 600 * 256);
	hand_clock_jump(NSEC_PER_SEC);
	KUNIT_EXPECT_EQ(test, hand.fired, 600 * 256 + 1);

	lapic_put(vlapic, R_COUNT, 1);
	for (config = 0; config < 16; config++) {
		hand.fired = 0;
		lapic_put(vlapic, R_DIVIDE, config);
		lapic_put(vlapic, R_COUNT, 1);
		hand_clock_run(10 * VTIMER_MIN_PERIOD_NS);
		KUNIT_EXPECT_EQ_MSG(test, hand.fired, 10, "divide %#x", config);
		KUNIT_EXPECT_LE(test, lapic_get(vlapic, R_CURRENT), 1);
	}
	lapic_put(vlapic, R_COUNT, 0);
	KUNIT_EXPECT_LT(test, hand_clock_next(U64_MAX), 0);
	KUNIT_EXPECT_EQ(test, lapic_serve(vlapic), VECTOR);
}

static void timer_disabled(struct kunit *test)
{
	struct board *board = test->priv;
	struct vlapic *vlapic = board->cpu[0];

	lapic_put(vlapic, R_DIVIDE, 0xb);
	lapic_put(vlapic, R_TIMER, PERIODIC | VECTOR);
	lapic_put(vlapic, R_COUNT, HZ_TIMER / 1000);
	lapic_put(vlapic, R_SVR, 0xff);
	KUNIT_EXPECT_LT(test, hand_clock_next(U64_MAX), 0);
	lapic_put(vlapic, R_SVR, 0x1ff);
	KUNIT_EXPECT_GE(test, hand_clock_next(U64_MAX), 0);
	/* Masked it counts, in silence. */
	hand_clock_run(5000000);
	KUNIT_EXPECT_EQ(test, hand.fired, 5);
	KUNIT_EXPECT_EQ(test, lapic_serve(vlapic), -1);
}

/* The host TSC of the hand clock goes at 2 GHz. */
static void timer_deadline(struct kunit *test)
{
	struct board *board = test->priv;
	struct vlapic *vlapic = board->cpu[0];
	u64 tsc = hand_tsc(), offset = -tsc;

	KUNIT_EXPECT_EQ(test, vlapic_tsc_deadline_write(vlapic, 2000, offset, 2000000), 0);
	KUNIT_EXPECT_EQ(test, vlapic_tsc_deadline_read(vlapic), 0);
	KUNIT_EXPECT_EQ(test, vlapic_tsc_deadline_write(vlapic, 2000, offset, 0), -EINVAL);
	lapic_put(vlapic, R_TIMER, DEADLINE | VECTOR);
	KUNIT_EXPECT_EQ(test, vlapic_tsc_deadline_write(vlapic, 2000001, offset, 2000000), 0);
	KUNIT_EXPECT_EQ(test, vlapic_tsc_deadline_read(vlapic), 2000001);
	KUNIT_EXPECT_EQ(test, lapic_get(vlapic, R_CURRENT), 0);
	hand_clock_run(1000000);
	KUNIT_EXPECT_EQ(test, lapic_serve(vlapic), -1);
	hand_clock_run(1);
	KUNIT_EXPECT_EQ(test, lapic_serve(vlapic), VECTOR);
	KUNIT_EXPECT_EQ(test, vlapic_tsc_deadline_read(vlapic), 0);

	vlapic_tsc_deadline_write(vlapic, 1, offset, 2000000);
	hand_clock_run(0);
	KUNIT_EXPECT_EQ(test, lapic_serve(vlapic), VECTOR);
	vlapic_tsc_deadline_write(vlapic, ~0ULL, offset, 1);
	KUNIT_EXPECT_GE(test, hand_clock_next(U64_MAX), 0);
	lapic_put(vlapic, R_TIMER, PERIODIC | VECTOR);
	KUNIT_EXPECT_EQ(test, vlapic_tsc_deadline_read(vlapic), 0);
	KUNIT_EXPECT_LT(test, hand_clock_next(U64_MAX), 0);
}

/* --- the virtual-APIC page (Intel manual vol. 3, 30.1) ------------------------- */

static u8 apic_page[VLAPIC_PAGE_SIZE] __aligned(8);

static u32 *page_at(unsigned int reg)
{
	return (u32 *)(apic_page + (reg << 4));
}

static bool page_vector(unsigned int first_reg, u8 vector)
{
	return *page_at(first_reg + vector / 32) & BIT(vector % 32);
}

/* As a processor does it: 30.2.2, with what it looks at left out. */
static u16 page_deliver(u8 vector, u8 next)
{
	*page_at(R_IRR + vector / 32) &= ~BIT(vector % 32);
	*page_at(R_ISR + vector / 32) |= BIT(vector % 32);
	return vector << 8 | next;
}

static struct vlapic *paged_vlapic(struct kunit *test)
{
	struct board *board = test->priv;

	memset(apic_page, 0, sizeof(apic_page));
	vlapic_attach_page(board->cpu[1], apic_page);
	return board->cpu[1];
}

static void page_takes_interrupts_along(struct kunit *test)
{
	struct vlapic *vlapic = paged_vlapic(test);
	unsigned int notified = ((struct board *)test->priv)->notify[1];

	KUNIT_EXPECT_EQ(test, vlapic_page_load(vlapic, true), 0);
	vlapic_page_save(vlapic, 0);
	vlapic_set_irr(vlapic, 0x41, false);
	vlapic_set_irr(vlapic, 0x91, true);
	KUNIT_EXPECT_EQ(test, vlapic_page_load(vlapic, true), 0x91);
	KUNIT_EXPECT_TRUE(test, page_vector(R_IRR, 0x41) && page_vector(R_IRR, 0x91));
	KUNIT_EXPECT_TRUE(test, page_vector(R_TMR, 0x91) && !page_vector(R_TMR, 0x41));
	KUNIT_EXPECT_TRUE(test, test_bit(0x91, vlapic_level_vectors(vlapic)));
	/* Another of the same vector finds nobody waiting, and notifies. */
	KUNIT_EXPECT_FALSE(test, vlapic_requesting(vlapic));
	vlapic_set_irr(vlapic, 0x41, false);
	KUNIT_EXPECT_EQ(test, ((struct board *)test->priv)->notify[1], notified + 3);
	/* None was delivered: all are pending as before. */
	vlapic_page_save(vlapic, 0x91);
	KUNIT_EXPECT_FALSE(test, page_vector(R_IRR, 0x41) || page_vector(R_IRR, 0x91));
	KUNIT_EXPECT_EQ(test, lapic_serve(vlapic), 0x91);
	KUNIT_EXPECT_EQ(test, lapic_serve(vlapic), 0x41);
	KUNIT_EXPECT_EQ(test, lapic_serve(vlapic), -1);
}

static void page_brings_service_back(struct kunit *test)
{
	struct vlapic *vlapic = paged_vlapic(test);

	vlapic_set_irr(vlapic, 0x41, false);
	vlapic_set_irr(vlapic, 0x45, false);
	vlapic_set_irr(vlapic, 0x91, false);
	vlapic_page_load(vlapic, true);
	vlapic_page_save(vlapic, page_deliver(0x91, 0x45));
	KUNIT_EXPECT_TRUE(test, lapic_has(vlapic, R_ISR, 0x91));
	KUNIT_EXPECT_EQ(test, lapic_get(vlapic, R_PPR), 0x90);
	KUNIT_EXPECT_EQ(test, vlapic_pending_intr(vlapic), -1);
	/* An EOI by the owner, for one that an emulated access made: the page hears of it. */
	KUNIT_EXPECT_EQ(test, vlapic_page_load(vlapic, true), 0x9145);
	vlapic_page_save(vlapic, 0x9145);
	lapic_put(vlapic, R_EOI, 0);
	KUNIT_EXPECT_EQ(test, vlapic_page_load(vlapic, true), 0x45);
	KUNIT_EXPECT_FALSE(test, page_vector(R_ISR, 0x91));
	/* An EOI by the processor, after one that is served inside another. */
	page_deliver(0x45, 0x41);
	*page_at(R_ISR + 2) &= ~BIT(5);
	vlapic_page_save(vlapic, page_deliver(0x41, 0));
	KUNIT_EXPECT_FALSE(test, lapic_has(vlapic, R_ISR, 0x45));
	KUNIT_EXPECT_TRUE(test, lapic_has(vlapic, R_ISR, 0x41));
	/* And the last one. */
	KUNIT_EXPECT_EQ(test, vlapic_page_load(vlapic, true), 0x4100);
	*page_at(R_ISR + 2) = 0;
	vlapic_page_save(vlapic, 0);
	KUNIT_EXPECT_FALSE(test, lapic_has(vlapic, R_ISR, 0x41));
	KUNIT_EXPECT_EQ(test, lapic_get(vlapic, R_PPR), 0);
	KUNIT_EXPECT_EQ(test, vlapic_page_load(vlapic, true), 0);
}

static void page_keeps_masked_interrupts_out(struct kunit *test)
{
	struct vlapic *vlapic = paged_vlapic(test);

	vlapic_set_irr(vlapic, 0x41, false);
	KUNIT_EXPECT_EQ(test, vlapic_page_load(vlapic, false), 0);
	KUNIT_EXPECT_FALSE(test, page_vector(R_IRR, 0x41));
	vlapic_page_save(vlapic, 0);
	KUNIT_EXPECT_EQ(test, vlapic_page_load(vlapic, true), 0x41);
	vlapic_page_save(vlapic, page_deliver(0x41, 0));
	vlapic_set_irr(vlapic, 0x42, false);
	/* What is in service is the processor's all the same. */
	KUNIT_EXPECT_EQ(test, vlapic_page_load(vlapic, false), 0x4100);
	KUNIT_EXPECT_TRUE(test, page_vector(R_ISR, 0x41) && !page_vector(R_IRR, 0x42));
	vlapic_page_save(vlapic, 0x4100);
	KUNIT_EXPECT_TRUE(test, vlapic_requesting(vlapic));
}

static void page_has_the_tpr(struct kunit *test)
{
	struct vlapic *vlapic = paged_vlapic(test);

	lapic_put(vlapic, R_TPR, 0x35);
	vlapic_page_load(vlapic, true);
	KUNIT_EXPECT_EQ(test, *page_at(R_TPR), 0x35);
	*page_at(R_TPR) = 0x72;
	vlapic_page_save(vlapic, 0);
	KUNIT_EXPECT_EQ(test, lapic_get(vlapic, R_TPR), 0x72);
	KUNIT_EXPECT_EQ(test, lapic_get(vlapic, R_PPR), 0x72);
}

static void page_forgets_with_a_reset(struct kunit *test)
{
	struct vlapic *vlapic = paged_vlapic(test);

	vlapic_set_irr(vlapic, 0x41, false);
	vlapic_set_irr(vlapic, 0x51, false);
	vlapic_page_load(vlapic, true);
	vlapic_page_save(vlapic, page_deliver(0x51, 0x41));
	vlapic_reset(vlapic);
	KUNIT_EXPECT_EQ(test, vlapic_page_load(vlapic, true), 0);
	KUNIT_EXPECT_FALSE(test, page_vector(R_ISR, 0x51) || page_vector(R_IRR, 0x41));
}

/* Every register for which MSR reads need no exit, against what the exit would have said. */
static void expect_page(struct kunit *test, struct vlapic *vlapic, const char *after)
{
	unsigned int reg;
	u64 val, there;

	vlapic_page_load(vlapic, true);
	vlapic_page_save(vlapic, 0);
	for (reg = 0; reg < VLAPIC_PAGE_SIZE >> 4; reg++) {
		if (!vlapic_page_has(reg) || reg == R_PPR)
			continue;
		there = reg == R_ICR ? *(u64 *)page_at(reg) : *page_at(reg);
		KUNIT_EXPECT_EQ(test, vlapic_msr_read(vlapic, 0x800 + reg, &val), 0);
		KUNIT_EXPECT_EQ_MSG(test, there, val, "register %#x after %s", reg, after);
	}
}

static void page_follows_the_registers(struct kunit *test)
{
	static const struct { unsigned int reg; u64 val; } writes[] = {
		{ R_SVR, 0x1ef }, { R_TIMER, 0x20040 }, { R_LINT0, 0x8700 }, { R_LINT1, 0x400 },
		{ R_ERROR, 0x1fe }, { R_THERMAL, 0x100fa }, { R_PMC, 0x400 }, { R_CMCI, 0xf1 },
		{ R_DIVIDE, 0xb }, { R_COUNT, 123456 }, { R_ICR, 0x3000000fdULL }, { R_ESR, 0 },
		{ R_TPR, 0x20 }, { R_SVR, 0xef },
	};
	struct vlapic *vlapic = paged_vlapic(test);
	int i;

	vlapic_set_x2apic_state(vlapic, X2APIC_ENABLED);
	expect_page(test, vlapic, "the change to x2APIC mode");
	for (i = 0; i < ARRAY_SIZE(writes); i++) {
		vlapic_msr_write(vlapic, 0x800 + writes[i].reg, writes[i].val);
		expect_page(test, vlapic, "a write");
	}
	vlapic_reset(vlapic);
	expect_page(test, vlapic, "a reset");
	/* There is nothing to read of these: no such register, writable only, or counting. */
	KUNIT_EXPECT_FALSE(test, vlapic_page_has(0) || vlapic_page_has(R_EOI) || vlapic_page_has(R_DFR) ||
				 vlapic_page_has(R_ICR2) || vlapic_page_has(R_CURRENT) ||
				 vlapic_page_has(R_SELF) || vlapic_page_has(0x40) || vlapic_page_has(0xff));
}

static struct kunit_case vlapic_cases[] = {
	KUNIT_CASE(lapic_reset_state),
	KUNIT_CASE(lapic_writable_bits),
	KUNIT_CASE(lapic_alignment),
	KUNIT_CASE(lapic_x2apic),
	KUNIT_CASE(lapic_apicbase),
	KUNIT_CASE(lapic_nesting),
	KUNIT_CASE(lapic_task_priority),
	KUNIT_CASE(lapic_errors),
	KUNIT_CASE(lapic_disabled),
	KUNIT_CASE(lapic_lvt),
	KUNIT_CASE(e17_icr),
	KUNIT_CASE(e17_icr_x2apic),
	KUNIT_CASE(timer_oneshot),
	KUNIT_CASE(d02_timer_periodic),
	KUNIT_CASE(timer_disabled),
	KUNIT_CASE(timer_deadline),
	KUNIT_CASE(page_takes_interrupts_along),
	KUNIT_CASE(page_brings_service_back),
	KUNIT_CASE(page_keeps_masked_interrupts_out),
	KUNIT_CASE(page_has_the_tpr),
	KUNIT_CASE(page_forgets_with_a_reset),
	KUNIT_CASE(page_follows_the_registers),
	{}
};

static struct kunit_suite vlapic_suite = {
	.name = "vmm-dev-vlapic",
	.init = board_init,
	.exit = board_exit,
	.test_cases = vlapic_cases,
};
kunit_test_suite(vlapic_suite);

MODULE_LICENSE("Dual BSD/GPL");
