// SPDX-License-Identifier: BSD-2-Clause
/*
 * D-06: random operations on four local APICs and the I/O APIC, against a
 * model that keeps a flag for each vector and looks for the highest by
 * counting down. After every operation device and model are equal: registers,
 * what is deliverable, and what the house was told.
 */
#include "test.h"

#define CPUS		4
#define OPS		1000000

struct mcpu {
	bool irr[256], isr[256], tmr[256];
	bool enabled;
	u8 tpr, svr_vector;
	u8 ldr;				/* flat */
	u32 lvt[7];			/* by APIC_LVT_*; timer and error are fixed */
	u32 errors, esr;
	u64 gratuitous;
	unsigned int notify, nmi, extint;
};

struct mpin {
	long count;
	bool masked, level, remote_irr, logical;
	u8 vector, dest, mode;
};

static struct {
	struct mcpu cpu[CPUS];
	struct mpin pin[32];
} m;

static struct board *board;

/* --- the model ------------------------------------------------------------ */

static int m_highest(const bool *set)
{
	int vector;

	for (vector = 255; vector >= 0 && !set[vector]; vector--)
		;
	return vector;
}

static u8 m_ppr(const struct mcpu *cpu)
{
	int isrv = m_highest(cpu->isr);

	if (isrv < 0 || cpu->tpr / 16 >= isrv / 16)
		return cpu->tpr;
	return isrv / 16 * 16;
}

static int m_pending(const struct mcpu *cpu)
{
	int irrv = m_highest(cpu->irr);

	return irrv >= 0 && irrv / 16 > m_ppr(cpu) / 16 ? irrv : -1;
}

static void m_lvt(struct mcpu *cpu, int index);

static void m_error(struct mcpu *cpu, u32 error)
{
	bool first = cpu->errors == 0;

	cpu->errors |= error;
	if (first)
		m_lvt(cpu, APIC_LVT_ERROR);
}

static void m_accept(struct mcpu *cpu, int vector, bool level)
{
	if (!cpu->enabled)
		return;
	if (vector < 16) {
		m_error(cpu, 0x40);
		return;
	}
	if (!cpu->irr[vector])
		cpu->notify++;
	cpu->irr[vector] = true;
	cpu->tmr[vector] = level;
}

static void m_lvt(struct mcpu *cpu, int index)
{
	u32 lvt = cpu->lvt[index];

	if (!cpu->enabled) {
		cpu->extint += index == APIC_LVT_LINT0;
		cpu->nmi += index == APIC_LVT_LINT1;
		return;
	}
	if (lvt & 0x10000)
		return;
	switch (lvt >> 8 & 7) {
	case 0:
		m_accept(cpu, lvt & 0xff, false);
		break;
	case 4:
		cpu->nmi++;
		break;
	case 7:
		cpu->extint++;
		break;
	}
}

static bool m_match(int id, u8 dest, bool logical)
{
	if (dest == 0xff)
		return true;
	return logical ? m.cpu[id].ldr & dest : id == dest;
}

static void m_send(u8 dest, bool logical, u8 mode, u8 vector, bool level)
{
	int id;

	for (id = 0; id < CPUS; id++) {
		if (!m_match(id, dest, logical))
			continue;
		if (mode <= 1)
			m_accept(&m.cpu[id], vector, level);
		else if (mode == 4)
			m.cpu[id].nmi++;
		else if (mode == 7)
			m.cpu[id].extint++;
		if (mode == 1)
			return;
	}
}

static void m_fire(struct mpin *pin)
{
	if (pin->masked || pin->remote_irr)
		return;
	pin->remote_irr = pin->level;
	m_send(pin->dest, pin->logical, pin->mode, pin->vector, pin->level);
}

static void m_eoi(struct mcpu *cpu)
{
	int vector = m_highest(cpu->isr), i;

	if (vector < 0) {
		cpu->gratuitous++;
		return;
	}
	cpu->isr[vector] = false;
	if (!cpu->tmr[vector])
		return;
	for (i = 0; i < 32; i++) {
		struct mpin *pin = &m.pin[i];

		if (!pin->remote_irr || pin->vector != vector)
			continue;
		pin->remote_irr = false;
		if (pin->count > 0)
			m_fire(pin);
	}
}

static u64 m_rte(const struct mpin *pin)
{
	return (u64)pin->dest << 56 | pin->masked << 16 | pin->level << 15 |
	       pin->remote_irr << 14 | pin->logical << 11 | pin->mode << 8 | pin->vector;
}

static void m_half_write(struct mpin *pin, bool high, u32 val)
{
	if (high) {
		pin->dest = val >> 24;
	} else {
		pin->vector = val;
		pin->mode = val >> 8 & 7;
		pin->logical = val >> 11 & 1;
		pin->level = val >> 15 & 1;
		pin->masked = val >> 16 & 1;
	}
	if (!pin->level)
		pin->remote_irr = false;
	if (pin->count > 0)
		m_fire(pin);
}

/* --- comparison ----------------------------------------------------------- */

static bool same_set(struct vlapic *vlapic, unsigned int reg, const bool *set)
{
	unsigned int i, bit;

	for (i = 0; i < 8; i++) {
		u32 want = 0;

		for (bit = 0; bit < 32; bit++)
			want |= (u32)set[i * 32 + bit] << bit;
		if (lapic_get(vlapic, reg + i) != want)
			return false;
	}
	return true;
}

static void compare_cpu(int id, unsigned long op)
{
	struct vlapic *vlapic = board_vlapic(board, id);
	struct mcpu *cpu = &m.cpu[id];

	CHECK_AT(vlapic_pending_intr(vlapic) == m_pending(cpu), "op %lu vCPU %d", op, id);
	CHECK_AT(lapic_get(vlapic, R_PPR) == m_ppr(cpu), "op %lu vCPU %d", op, id);
	CHECK_AT(lapic_get(vlapic, R_TPR) == cpu->tpr, "op %lu vCPU %d", op, id);
	CHECK_AT(same_set(vlapic, R_IRR, cpu->irr), "op %lu vCPU %d", op, id);
	CHECK_AT(same_set(vlapic, R_ISR, cpu->isr), "op %lu vCPU %d", op, id);
	CHECK_AT(same_set(vlapic, R_TMR, cpu->tmr), "op %lu vCPU %d", op, id);
	CHECK_AT(lapic_get(vlapic, R_ESR) == cpu->esr, "op %lu vCPU %d", op, id);
	CHECK_AT(board->house.notify[id] == cpu->notify, "op %lu vCPU %d", op, id);
	CHECK_AT(board->house.nmi[id] == cpu->nmi, "op %lu vCPU %d", op, id);
	CHECK_AT(board->house.extint[id] == cpu->extint, "op %lu vCPU %d", op, id);
	CHECK_AT(board->stats[id][VLAPIC_STAT_GRATUITOUS_EOI] == cpu->gratuitous, "op %lu", op);
}

static void compare_pin(int pin, unsigned long op)
{
	CHECK_AT(ioapic_get_rte(board, pin) == m_rte(&m.pin[pin]), "op %lu pin %d: %#lx, wanted %#lx",
		 op, pin, ioapic_get_rte(board, pin), m_rte(&m.pin[pin]));
}

/* --- operations ----------------------------------------------------------- */

static u8 some_vector(void)
{
	/* Few vectors, so that they meet; now and then an illegal one. */
	return random_below(20) ? 0x30 + 0x17 * random_below(9) : random_below(256);
}

static u8 some_dest(void)
{
	return random_below(3) ? random_below(16) : random_below(256);
}

static void op_accept(int id)
{
	u8 vector = some_vector();
	bool level = random_below(2);

	CHECK(vlapic_set_irr(board_vlapic(board, id), vector, level) == m.cpu[id].enabled);
	m_accept(&m.cpu[id], vector, level);
}

static void op_deliver(int id)
{
	struct vlapic *vlapic = board_vlapic(board, id);
	int vector = m_pending(&m.cpu[id]);

	CHECK_EQ(vlapic_pending_intr(vlapic), vector);
	if (vector < 0)
		return;
	vlapic_intr_accepted(vlapic, vector);
	m.cpu[id].irr[vector] = false;
	m.cpu[id].isr[vector] = true;
}

static void op_eoi(int id)
{
	lapic_put(board_vlapic(board, id), R_EOI, random_u64());
	m_eoi(&m.cpu[id]);
}

static void op_tpr(int id)
{
	u8 tpr = random_below(3) ? random_below(0x40) : random_below(256);

	if (random_below(2)) {
		lapic_put(board_vlapic(board, id), R_TPR, tpr);
		m.cpu[id].tpr = tpr;
	} else {
		vlapic_cr8_write(board_vlapic(board, id), tpr / 16);
		m.cpu[id].tpr = tpr / 16 * 16;
	}
}

static void op_svr(int id)
{
	bool on = random_below(4);
	int i;

	lapic_put(board_vlapic(board, id), R_SVR, on << 8 | 0xff);
	m.cpu[id].enabled = on;
	for (i = 0; i < 7 && !on; i++)
		m.cpu[id].lvt[i] |= 0x10000;
}

static void op_esr(int id)
{
	lapic_put(board_vlapic(board, id), R_ESR, 0);
	m.cpu[id].esr = m.cpu[id].errors;
	m.cpu[id].errors = 0;
}

static void op_lvt_write(int id)
{
	static const unsigned int regs[] = { R_LINT0, R_LINT1, R_TIMER, R_ERROR, R_PMC, R_THERMAL,
					     R_CMCI };
	int index = random_below(7);
	u32 val = (random_below(4) ? 0 : 0x10000) | some_vector();

	if (index != APIC_LVT_TIMER && index != APIC_LVT_ERROR)
		val |= random_below(8) << 8;
	lapic_put(board_vlapic(board, id), regs[index], val);
	m.cpu[id].lvt[index] = val | (m.cpu[id].enabled ? 0 : 0x10000);
	CHECK_EQ(lapic_get(board_vlapic(board, id), regs[index]), m.cpu[id].lvt[index]);
}

static void op_lvt_trigger(int id)
{
	int index = random_below(7);

	CHECK_EQ(vlapic_trigger_lvt(board_vlapic(board, id), index), 0);
	m_lvt(&m.cpu[id], index);
}

static void op_ldr(int id)
{
	m.cpu[id].ldr = random_below(4) ? 1 << id : random_below(256);
	lapic_put(board_vlapic(board, id), R_LDR, (u32)m.cpu[id].ldr << 24);
}

static void op_ipi(int id)
{
	bool logical = random_below(2);
	u8 dest = some_dest(), vector = some_vector();
	u8 mode = random_below(4) ? 0 : 4;

	lapic_put(board_vlapic(board, id), R_ICR2, (u32)dest << 24);
	lapic_put(board_vlapic(board, id), R_ICR, logical << 11 | mode << 8 | vector);
	if (mode == 0 && vector < 16)
		m_error(&m.cpu[id], 0x20);
	else
		m_send(dest, logical, mode, vector, false);
}

static void op_msi(int id)
{
	static const u8 modes[] = { 0, 0, 0, 1, 7, 2, 4, 5 };
	u8 dest = some_dest(), vector = some_vector(), mode = modes[random_below(8)];
	unsigned int hint = random_below(4);

	CHECK_EQ(irq_msi(&board->irq, 0xfee00000 | (u32)dest << 12 | hint << 2, mode << 8 | vector), 0);
	if (mode <= 1 || mode == 7)
		m_send(dest, hint == 3, mode, vector, false);
}

static void op_pin(int id)
{
	int pin = random_below(32), up = random_below(3), down = random_below(2);
	struct mpin *mpin = &m.pin[pin];

	if (up == 1) {
		CHECK_EQ(vioapic_pulse(board->irq.vioapic, pin), 0);
		down = 1;
	} else if (up == 2) {
		CHECK_EQ(vioapic_assert(board->irq.vioapic, pin), 0);
		down = 0;
	} else {
		CHECK_EQ(vioapic_deassert(board->irq.vioapic, pin), 0);
		down = 1;
	}
	if (up && ++mpin->count == 1)
		m_fire(mpin);
	mpin->count -= down;
	compare_pin(pin, 0);
}

/* Bring a pin back to where something happens. */
static void op_pin_settle(int id)
{
	int pin = random_below(32);

	while (m.pin[pin].count > 0) {
		CHECK_EQ(vioapic_deassert(board->irq.vioapic, pin), 0);
		m.pin[pin].count--;
	}
	while (m.pin[pin].count < 0) {
		CHECK_EQ(vioapic_assert(board->irq.vioapic, pin), 0);
		if (++m.pin[pin].count == 1)
			m_fire(&m.pin[pin]);
	}
}

static void op_rte(int id)
{
	static const u8 modes[] = { 0, 0, 0, 0, 1, 1, 4, 7, 2, 3, 6 };
	int pin = random_below(32);
	bool high = random_below(2);
	u32 val;

	if (high)
		val = (u32)some_dest() << 24;
	else
		val = !random_below(3) << 16 | random_below(2) << 15 | random_below(2) << 11 |
		      modes[random_below(ARRAY_SIZE(modes))] << 8 | some_vector();
	ioapic_put(board, 0x10 + 2 * pin + high, val);
	m_half_write(&m.pin[pin], high, val);
	compare_pin(pin, 0);
}

static void (*const ops[])(int id) = {
	op_accept, op_accept, op_deliver, op_deliver, op_deliver, op_deliver, op_eoi, op_eoi, op_eoi,
	op_tpr, op_svr, op_esr, op_lvt_write, op_lvt_trigger, op_ldr, op_ipi, op_msi, op_pin, op_pin,
	op_pin, op_pin_settle, op_rte, op_rte,
};

static void model_init(void)
{
	int id, i;

	memset(&m, 0, sizeof(m));
	for (i = 0; i < 32; i++)
		m.pin[i].masked = true;
	for (id = 0; id < CPUS; id++) {
		lapic_enable(board_vlapic(board, id));
		m.cpu[id].enabled = true;
		for (i = 0; i < 7; i++)
			m.cpu[id].lvt[i] = 0x10000;
	}
}

static void d06_random_ops(void)
{
	unsigned long op;
	int id, pin;

	board = board_create(VCPUS, CPUS, CPUS);
	model_init();
	for (op = 0; op < OPS; op++) {
		id = random_below(CPUS);
		ops[random_below(ARRAY_SIZE(ops))](id);
		compare_cpu(op % CPUS, op);
		compare_cpu(id, op);
		if (op % 64)
			continue;
		for (id = 0; id < CPUS; id++)
			compare_cpu(id, op);
		for (pin = 0; pin < 32; pin++)
			compare_pin(pin, op);
	}
	board_destroy(board);
}

/* A level line that nobody lowers: one interrupt an EOI, and all others get through. */
static void d06_level_storm(void)
{
	struct vlapic *vlapic;
	unsigned int i;

	board = board_create(VCPUS, 1, 1);
	vlapic = board_vlapic(board, 0);
	lapic_enable(vlapic);
	ioapic_put_rte(board, 11, 0x8000 | 0x40);
	vioapic_assert(board->irq.vioapic, 11);
	for (i = 0; i < 100000; i++) {
		CHECK_EQ(vlapic_pending_intr(vlapic), 0x40);
		vlapic_intr_accepted(vlapic, 0x40);
		CHECK_EQ(vlapic_pending_intr(vlapic), -1);
		vlapic_set_irr(vlapic, 0x50, false);
		CHECK_EQ(vlapic_pending_intr(vlapic), 0x50);
		vlapic_intr_accepted(vlapic, 0x50);
		lapic_put(vlapic, R_EOI, 0);
		lapic_put(vlapic, R_EOI, 0);
	}
	CHECK_EQ(board->house.notify[0], 2 * i + 1);
	board_destroy(board);
}

const struct test model_tests[] = {
	{ "d06_random_ops", d06_random_ops },
	{ "d06_level_storm", d06_level_storm },
	{}
};
