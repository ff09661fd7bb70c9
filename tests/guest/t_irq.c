// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Interrupts, and the chips in the kernel that raise them, as a guest sees them. */
#include "test.h"

#define VECTOR		0x40
#define PM_TIMER_PORT	0x408
#define PM_HZ		3579545u
#define APIC_TIMER_HZ	134217728u
#define HPET_GPA	0xfed00000ull
#define HPET_HZ		16777216u
#define IOAPIC_GPA	0xfec00000ull
/* How much later than it should an interrupt may come on a busy host. */
#define SLACK_MS	3000u

#ifdef GUEST

static volatile unsigned int count;
static volatile uint64_t last_vector;

static void count_eoi(struct frame *frame)
{
	count++;
	last_vector = frame->vector;
	apic_write(APIC_EOI, 0);
}

static uint32_t pm_now(void)
{
	return in32(PM_TIMER_PORT);
}

static uint32_t pm_ms(uint32_t since)
{
	return (uint32_t)((uint64_t)(pm_now() - since) * 1000 / PM_HZ);
}

/* Interrupts are taken meanwhile. */
static void delay_ms(uint32_t ms)
{
	uint32_t start = pm_now();

	sti();
	while (pm_ms(start) < ms)
		pause();
	cli();
}

/* Before a timer is started: what wait_count() counts from. */
static uint32_t mark_pm;

static void mark(void)
{
	mark_pm = pm_now();
}

/* Sleeps until WANTED interrupts came, which takes at least FROM_MS since mark(), and not much more. Returns ms. FROM_MS 0: since now. */
static uint32_t wait_count(unsigned int wanted, uint32_t from_ms)
{
	uint32_t start = from_ms ? mark_pm : pm_now(), ms;

	while (count < wanted) {
		sti_hlt_cli();
		CHECK(pm_ms(start) < from_ms + SLACK_MS);
	}
	ms = pm_ms(start);
	CHECK(ms + 1 >= from_ms);
	return ms;
}

static void expect_quiet(uint32_t ms)
{
	unsigned int before = count;

	delay_ms(ms);
	CHECK_EQ(count, before);
}

static void apic_begin(void)
{
	count = 0;
	handler_set(VECTOR, count_eoi);
	apic_enable();
}

/* --- local APIC ------------------------------------------------------------------ */

GUEST_MAIN(apic_reset_state)
{
	CHECK_EQ(apic_read(APIC_VERSION), 0x00060014);
	CHECK_EQ(apic_read(APIC_ID), vcpu_self() << 24);
	CHECK_EQ(apic_read(APIC_SVR), 0xff);
	CHECK_EQ(apic_read(APIC_DFR), 0xffffffff);
	CHECK_EQ(apic_read(APIC_TPR), 0);
	CHECK_EQ(apic_read(APIC_ESR), 0);
	for (uint32_t lvt = APIC_LVT_TIMER_REG; lvt <= APIC_LVT_ERROR_REG; lvt += 0x10)
		CHECK_EQ(apic_read(lvt), 0x10000);
	CHECK_EQ(apic_read(APIC_TIMER_DCR), 0);
	CHECK_EQ(apic_read(APIC_TIMER_CCR), 0);
	for (uint32_t i = 0; i < 8; i++)
		CHECK_EQ(apic_read(APIC_ISR + 16 * i) | apic_read(APIC_TMR + 16 * i) | apic_read(APIC_IRR + 16 * i), 0);
	/* In xAPIC mode the registers of x2APIC mode read as 0. */
	CHECK_EQ(rdmsr(MSR_X2APIC(APIC_VERSION)), 0);
	wrmsr(MSR_X2APIC(APIC_TPR), 0x50);
	CHECK_EQ(apic_read(APIC_TPR), 0);
}

static void self_ipi(uint32_t vector)
{
	apic_write(APIC_ICR, 0x44000 | vector);		/* shorthand self, assert, fixed */
}

GUEST_MAIN(apic_self_ipi)
{
	apic_begin();
	self_ipi(VECTOR);
	CHECK_EQ(apic_read(APIC_IRR + 16 * (VECTOR / 32)), 1u << (VECTOR % 32));
	CHECK_EQ(count, 0);
	wait_count(1, 0);
	CHECK_EQ(apic_read(APIC_IRR + 16 * (VECTOR / 32)), 0);
	CHECK_EQ(apic_read(APIC_ISR + 16 * (VECTOR / 32)), 0);
}

static volatile uint32_t isr_seen, order[4], order_count;

static void order_handler(struct frame *frame)
{
	order[order_count++ & 3] = (uint32_t)frame->vector;
	isr_seen = apic_read(APIC_ISR + 16 * (uint32_t)(frame->vector / 32));
	apic_write(APIC_EOI, 0);
}

/* The higher vector first; a priority in TPR or CR8 holds back its class and those below. */
GUEST_MAIN(apic_priority)
{
	apic_enable();
	handler_set(0x41, order_handler);
	handler_set(0x52, order_handler);
	handler_set(0x63, order_handler);
	self_ipi(0x41);
	self_ipi(0x63);
	self_ipi(0x52);
	delay_ms(1);
	CHECK_EQ(order_count, 3);
	CHECK_EQ(order[0] << 16 | order[1] << 8 | order[2], 0x635241);
	CHECK_EQ(isr_seen, 1u << 1);

	order_count = 0;
	apic_write(APIC_TPR, 0x50);
	CHECK_EQ(read_cr8(), 5);
	self_ipi(0x52);
	self_ipi(0x63);
	delay_ms(1);
	CHECK_EQ(order_count, 1);
	CHECK_EQ(order[0], 0x63);
	write_cr8(4);
	CHECK_EQ(apic_read(APIC_TPR), 0x40);
	delay_ms(1);
	CHECK_EQ(order_count, 2);
	CHECK_EQ(order[1], 0x52);

	/* Raised while the processor is at rest. */
	write_cr8(15);
	self_ipi(0x63);
	delay_ms(1);
	CHECK_EQ(order_count, 2);
	write_cr8(0);
	delay_ms(1);
	CHECK_EQ(order_count, 3);
}

static void nested_high(struct frame *frame)
{
	order[order_count++ & 3] = (uint32_t)frame->vector;
	apic_write(APIC_EOI, 0);
}

static void nested_low(struct frame *frame)
{
	self_ipi(0x45);		/* same class: has to wait */
	self_ipi(0x71);		/* goes first */
	sti();
	for (int i = 0; i < 100; i++)
		pause();
	cli();
	order[order_count++ & 3] = (uint32_t)frame->vector;
	CHECK_EQ(apic_read(APIC_PPR) & 0xf0, 0x40);
	apic_write(APIC_EOI, 0);
}

GUEST_MAIN(apic_nesting)
{
	apic_enable();
	handler_set(0x41, nested_low);
	handler_set(0x45, nested_high);
	handler_set(0x71, nested_high);
	self_ipi(0x41);
	delay_ms(1);
	CHECK_EQ(order_count, 3);
	CHECK_EQ(order[0] << 16 | order[1] << 8 | order[2], 0x714145);
}

/* A vector below 16 raises an error, not an interrupt. */
GUEST_MAIN(apic_errors)
{
	apic_begin();
	apic_write(APIC_LVT_ERROR_REG, VECTOR);
	self_ipi(5);
	wait_count(1, 0);
	apic_write(APIC_ESR, 0);
	CHECK(apic_read(APIC_ESR) & 0x20);		/* send illegal vector */
	apic_write(APIC_ESR, 0);
	CHECK_EQ(apic_read(APIC_ESR), 0);
}

static void timer_set(uint32_t lvt, uint32_t divider, uint32_t initial)
{
	mark();
	apic_write(APIC_TIMER_DCR, divider);
	apic_write(APIC_LVT_TIMER_REG, lvt);
	apic_write(APIC_TIMER_ICR, initial);
}

#define DIVIDE_1	0xbu
#define DIVIDE_16	0x3u

GUEST_MAIN(apic_timer_oneshot)
{
	uint32_t start;

	apic_begin();
	timer_set(VECTOR, DIVIDE_16, APIC_TIMER_HZ / 16 / 50);		/* 20 ms */
	CHECK(apic_read(APIC_TIMER_CCR) <= APIC_TIMER_HZ / 16 / 50);
	wait_count(1, 19);
	CHECK_EQ(apic_read(APIC_TIMER_CCR), 0);
	expect_quiet(50);

	/* Masked: it counts down, and says nothing. */
	timer_set(VECTOR | 0x10000, DIVIDE_1, APIC_TIMER_HZ / 100);
	start = pm_now();
	while (apic_read(APIC_TIMER_CCR) != 0)
		CHECK(pm_ms(start) < SLACK_MS);
	CHECK(pm_ms(start) >= 9);
	expect_quiet(5);

	/* An initial count of 0 stops it. */
	timer_set(VECTOR, DIVIDE_1, APIC_TIMER_HZ / 20);
	apic_write(APIC_TIMER_ICR, 0);
	CHECK_EQ(apic_read(APIC_TIMER_CCR), 0);
	expect_quiet(80);
}

GUEST_MAIN(apic_timer_periodic)
{
	apic_begin();
	timer_set(VECTOR | 0x20000, DIVIDE_1, APIC_TIMER_HZ / 100);	/* 10 ms */
	wait_count(10, 90);
	CHECK(apic_read(APIC_TIMER_CCR) <= APIC_TIMER_HZ / 100);
	/* Software disable stops it. */
	apic_write(APIC_SVR, 0xff);
	CHECK_EQ(apic_read(APIC_LVT_TIMER_REG) & 0x10000, 0x10000);
	expect_quiet(50);
}

GUEST_MAIN(apic_timer_deadline)
{
	uint64_t start, hz, deadline;
	uint32_t pm;

	value(cpuid(1, 0).ecx >> 24 & 1);
	sync(1);
	apic_begin();
	pm = pm_now();
	start = rdtsc();
	while (pm_ms(pm) < 50)
		pause();
	hz = (rdtsc() - start) * 20;

	apic_write(APIC_LVT_TIMER_REG, VECTOR | 0x40000);
	mark();
	deadline = rdtsc() + hz / 50;			/* 20 ms */
	wrmsr(MSR_TSC_DEADLINE, deadline);
	CHECK_EQ(rdmsr(MSR_TSC_DEADLINE), deadline);
	wait_count(1, 10);
	CHECK(rdtsc() >= deadline);
	CHECK_EQ(rdmsr(MSR_TSC_DEADLINE), 0);
	expect_quiet(30);

	wrmsr(MSR_TSC_DEADLINE, 1);			/* long ago */
	wait_count(2, 0);
	wrmsr(MSR_TSC_DEADLINE, rdtsc() + hz / 20);
	wrmsr(MSR_TSC_DEADLINE, 0);			/* disarmed */
	expect_quiet(80);

	/* In the other modes it is not there, and the initial count not in this one. */
	apic_write(APIC_TIMER_ICR, 1000);
	CHECK_EQ(apic_read(APIC_TIMER_CCR), 0);
	apic_write(APIC_LVT_TIMER_REG, VECTOR);
	wrmsr(MSR_TSC_DEADLINE, rdtsc() + 1000);
	CHECK_EQ(rdmsr(MSR_TSC_DEADLINE), 0);
	expect_quiet(10);
}

/* D-02: periods as short as can be. The guest gets on, and so does the host. */
GUEST_MAIN(apic_timer_storm)
{
	uint32_t start;

	apic_begin();
	for (uint32_t divider = 0; divider < 16; divider++) {
		timer_set(VECTOR | 0x20000, divider, 1);
		start = pm_now();
		sti();
		while (pm_ms(start) < 20)
			pause();
		cli();
		apic_write(APIC_TIMER_ICR, 0);
	}
	CHECK(count > 0);
	/* No interrupt remains under way but one. */
	delay_ms(5);
	expect_quiet(20);
}

static void count_eoi_x2apic(struct frame *frame)
{
	count++;
	last_vector = frame->vector;
	wrmsr(MSR_X2APIC(APIC_EOI), 0);
}

GUEST_MAIN(x2apic)
{
	uint64_t val;

	count = 0;
	CHECK_EQ(rdmsr(MSR_APIC_BASE), 0xfee00c00 | (vcpu_self() == 0 ? 0x100 : 0));
	CHECK_EQ(rdmsr(MSR_X2APIC(APIC_ID)), vcpu_self());
	CHECK_EQ(rdmsr(MSR_X2APIC(APIC_VERSION)), 0x00060014);
	CHECK_EQ(rdmsr(MSR_X2APIC(APIC_LDR)), 1u << (vcpu_self() & 15) | (vcpu_self() >> 4) << 16);
	CHECK(cpuid(1, 0).ecx & (1u << 21));
	CHECK_EQ(apic_read(APIC_VERSION), 0);			/* no register page */
	apic_write(APIC_TPR, 0x70);
	CHECK_EQ(rdmsr(MSR_X2APIC(APIC_TPR)), 0);

	handler_set(VECTOR, count_eoi_x2apic);
	wrmsr(MSR_X2APIC(APIC_SVR), 0x1ff);
	wrmsr(MSR_X2APIC(APIC_SELF_IPI), VECTOR);
	wait_count(1, 0);
	wrmsr(MSR_X2APIC(APIC_ICR), 0x44000 | VECTOR);
	wait_count(2, 0);
	wrmsr(MSR_X2APIC(APIC_ICR), (uint64_t)vcpu_self() << 32 | 0x4000 | VECTOR);
	wait_count(3, 0);
	wrmsr(MSR_X2APIC(APIC_TIMER_DCR), DIVIDE_1);
	wrmsr(MSR_X2APIC(APIC_LVT_TIMER_REG), VECTOR);
	mark();
	wrmsr(MSR_X2APIC(APIC_TIMER_ICR), APIC_TIMER_HZ / 100);
	wait_count(4, 9);

	CHECK_EQ(wrmsr_try(MSR_X2APIC(APIC_EOI), 1), VEC_GP);		/* reserved bit */
	CHECK_EQ(wrmsr_try(MSR_X2APIC(APIC_VERSION), 0), VEC_GP);	/* read only */
	CHECK_EQ(rdmsr_try(MSR_X2APIC(APIC_SELF_IPI), &val), VEC_GP);	/* write only */
	CHECK_EQ(rdmsr_try(MSR_X2APIC(APIC_DFR), &val), VEC_GP);	/* not there */
	CHECK_EQ(rdmsr_try(0x8ff, &val), VEC_GP);
}

/* The host sends interrupts while the processor sleeps, and while it works. */
GUEST_MAIN(irq_from_host)
{
	apic_begin();
	for (unsigned int i = 1; i <= 20; i++) {
		sync(i);
		while (count < i)
			sti_hlt_cli();
	}
	for (unsigned int i = 21; i <= 40; i++) {
		sync(i);
		sti();
		while (count < i)
			pause();
		cli();
	}
}

/* --- I/O APIC, 8259 pair ----------------------------------------------------------- */

static uint32_t ioapic_read(uint32_t reg)
{
	mmio_write32(IOAPIC_GPA, reg);
	return mmio_read32(IOAPIC_GPA + 0x10);
}

static void ioapic_write(uint32_t reg, uint32_t val)
{
	mmio_write32(IOAPIC_GPA, reg);
	mmio_write32(IOAPIC_GPA + 0x10, val);
}

static void ioapic_route(uint32_t pin, uint32_t low)
{
	ioapic_write(0x10 + 2 * pin + 1, vcpu_self() << 24);
	ioapic_write(0x10 + 2 * pin, low);
}

#define RTE_LEVEL	0x8000u
#define RTE_MASKED	0x10000u
#define RTE_REMOTE_IRR	0x4000u

static void level_handler(struct frame *frame)
{
	count++;
	if (count == 2)
		sync(20);		/* the host lowers the line */
	apic_write(APIC_EOI, 0);
}

GUEST_MAIN(ioapic)
{
	apic_begin();
	CHECK_EQ(ioapic_read(1), 0x001f0011);
	CHECK_EQ(ioapic_read(0), 0);
	ioapic_write(0, 0x05000000);
	CHECK_EQ(ioapic_read(0), 0x05000000);
	CHECK_EQ(ioapic_read(2), 0x05000000);
	for (uint32_t pin = 0; pin < 32; pin++) {
		CHECK_EQ(ioapic_read(0x10 + 2 * pin), 0x00010000);
		CHECK_EQ(ioapic_read(0x11 + 2 * pin), 0);	/* reserved bits read 0, as in the data sheet */
	}
	ioapic_write(0x10 + 2 * 9, 0xffffffff);
	CHECK_EQ(ioapic_read(0x10 + 2 * 9) & 0x5000, 0);	/* read-only bits */

	ioapic_route(5, VECTOR);
	sync(1);						/* pulses pin 5 */
	wait_count(1, 0);
	sync(2);						/* raises it twice: one edge */
	wait_count(2, 0);
	expect_quiet(5);
	sync(3);						/* lowers it once, it is still up, raises it: no edge */
	expect_quiet(5);
	sync(4);						/* lowers it for good, pulses it */
	wait_count(3, 0);

	ioapic_route(5, RTE_MASKED | VECTOR);
	sync(5);						/* pulses it: lost */
	ioapic_route(5, VECTOR);
	expect_quiet(5);
	apic_write(APIC_SVR, 0xff);
	sync(6);						/* pulses it: the APIC is off */
	apic_enable();
	expect_quiet(5);
}

GUEST_MAIN(ioapic_level)
{
	apic_begin();
	handler_set(VECTOR, level_handler);
	ioapic_route(6, RTE_LEVEL | VECTOR);
	sync(10);			/* raises pin 6 */
	/* Comes again after each EOI until the line is down. */
	wait_count(2, 0);
	delay_ms(5);
	CHECK_EQ(count, 2);
	CHECK_EQ(ioapic_read(0x10 + 2 * 6) & RTE_REMOTE_IRR, 0);

	/* Raised while masked: it fires when unmasked. */
	ioapic_route(6, RTE_MASKED | RTE_LEVEL | VECTOR);
	sync(11);
	delay_ms(5);
	CHECK_EQ(count, 2);
	ioapic_route(6, RTE_LEVEL | VECTOR);
	CHECK(ioapic_read(0x10 + 2 * 6) & RTE_REMOTE_IRR);
	CHECK_EQ(apic_read(APIC_IRR + 16 * (VECTOR / 32)), 1u << (VECTOR % 32));
	sync(12);			/* lowers it */
	wait_count(3, 0);
	CHECK_EQ(ioapic_read(0x10 + 2 * 6) & RTE_REMOTE_IRR, 0);
}

static void pic_begin(void)
{
	out8(0x20, 0x11);
	out8(0x21, 0x20);
	out8(0x21, 0x04);
	out8(0x21, 0x01);
	out8(0xa0, 0x11);
	out8(0xa1, 0x28);
	out8(0xa1, 0x02);
	out8(0xa1, 0x01);
}

static void pic_mask(uint8_t master, uint8_t slave)
{
	out8(0x21, master);
	out8(0xa1, slave);
}

static void pic_handler(struct frame *frame)
{
	count++;
	last_vector = frame->vector;
	if (frame->vector >= 0x28)
		out8(0xa0, 0x20);
	out8(0x20, 0x20);
}

static void pit_start(uint8_t mode, uint16_t divisor)
{
	mark();
	out8(0x43, 0x30 | mode << 1);
	out8(0x40, divisor & 0xff);
	out8(0x40, divisor >> 8);
}

/* The way without APICs: 8254, 8259, ExtINT. */
GUEST_MAIN(pit_by_pic)
{
	count = 0;
	pic_begin();
	pic_mask(0xfe, 0xff);
	CHECK_EQ(in8(0x21), 0xfe);
	handler_set(0x20, pic_handler);
	pit_start(2, 11932);			/* 10 ms, over and over */
	wait_count(10, 80);
	CHECK_EQ(last_vector, 0x20);
	pic_mask(0xff, 0xff);
	delay_ms(1);
	expect_quiet(30);
	/* What was pending goes first. */
	pit_start(0, 1);
	pic_mask(0xfe, 0xff);
	delay_ms(5);
	count = 0;
	pit_start(0, 23863);			/* once, after 20 ms */
	wait_count(1, 19);
	expect_quiet(50);
}

GUEST_MAIN(pit_by_ioapic)
{
	apic_begin();
	ioapic_route(2, VECTOR);
	pit_start(2, 11932);
	wait_count(10, 80);
	/* The count goes down. */
	out8(0x43, 0x00);
	CHECK((in8(0x40) | in8(0x40) << 8) <= 11932);
}

/* Port 0x61 bit 5 follows channel 2, which kernels measure their clocks with. */
GUEST_MAIN(pit_channel_2)
{
	uint32_t start = pm_now();

	out8(0x61, 1);
	out8(0x43, 0xb0);
	out8(0x42, 11932 & 0xff);
	out8(0x42, 11932 >> 8);
	CHECK_EQ(in8(0x61) & 0x20, 0);
	while (!(in8(0x61) & 0x20))
		CHECK(pm_ms(start) < SLACK_MS);
	CHECK(pm_ms(start) >= 9);
}

/* ISA lines of the host's devices; input 10 is on the slave. */
GUEST_MAIN(isa_lines)
{
	pic_begin();
	pic_mask(0xeb, 0xfb);			/* inputs 2, 4 and 10 open */
	handler_set(0x24, pic_handler);
	handler_set(0x2a, pic_handler);
	sync(1);				/* pulses 4 */
	wait_count(1, 0);
	CHECK_EQ(last_vector, 0x24);
	sync(2);				/* pulses 10 */
	wait_count(2, 0);
	CHECK_EQ(last_vector, 0x2a);
	sync(3);				/* pulses 5, which is masked */
	expect_quiet(5);
	out8(0x20, 0x0a);
	CHECK_EQ(in8(0x20) & 0x20, 0x20);	/* in the request register */
}

/* --- clocks ----------------------------------------------------------------------------- */

GUEST_MAIN(pm_timer)
{
	uint32_t last = pm_now(), now;

	for (int i = 0; i < 1000; i++, last = now) {
		now = pm_now();
		CHECK(now - last < PM_HZ);		/* not backwards */
	}
	value(pm_now());
	sync(1);
	value(pm_now());
	sync(2);
}

static volatile uint32_t hpet_status;

static void hpet_handler(struct frame *frame)
{
	hpet_status = mmio_read32(HPET_GPA + 0x20);
	mmio_write32(HPET_GPA + 0x20, 0xff);
	count_eoi(frame);
}

static uint32_t hpet_now(void)
{
	return mmio_read32(HPET_GPA + 0xf0);
}

GUEST_MAIN(hpet)
{
	uint64_t caps = mmio_read64(HPET_GPA);
	uint32_t start, pm;

	apic_begin();
	handler_set(VECTOR, hpet_handler);
	CHECK_EQ(caps & 0xffffffff, 0x80860701);
	CHECK_EQ(caps >> 32, 59604644);
	CHECK_EQ(hpet_now(), 0);
	mmio_write32(HPET_GPA + 0x10, 1);		/* go */
	start = hpet_now();
	pm = pm_now();
	while (pm_ms(pm) < 50)
		pause();
	start = hpet_now() - start;
	CHECK(start >= HPET_HZ / 1000 * 45);
	CHECK(start <= HPET_HZ / 1000 * (50 + SLACK_MS));

	/* Timer 0, once, edge, pin 24. */
	ioapic_route(24, VECTOR);
	mmio_write64(HPET_GPA + 0x100, 24 << 9 | 1 << 2);
	mark();
	mmio_write32(HPET_GPA + 0x108, hpet_now() + HPET_HZ / 50);
	wait_count(1, 19);
	expect_quiet(30);

	/* Timer 1, periodic, level, pin 25. */
	ioapic_route(25, RTE_LEVEL | VECTOR);
	mmio_write64(HPET_GPA + 0x120, 25 << 9 | 1 << 6 | 1 << 3 | 1 << 2 | 1 << 1);
	mark();
	mmio_write32(HPET_GPA + 0x128, hpet_now() + HPET_HZ / 100);
	mmio_write32(HPET_GPA + 0x128, HPET_HZ / 100);
	wait_count(6, 40);
	CHECK_EQ(hpet_status & 2, 2);
	mmio_write64(HPET_GPA + 0x120, 0);
	delay_ms(2);
	expect_quiet(30);

	/* Timer 2 by message. */
	mmio_write64(HPET_GPA + 0x150, 0xfee00000ull << 32 | VECTOR);
	mmio_write64(HPET_GPA + 0x140, 1 << 14 | 1 << 2);
	count = 0;
	mark();
	mmio_write32(HPET_GPA + 0x148, hpet_now() + HPET_HZ / 50);
	wait_count(1, 19);

	/* Stopped, it holds its value. */
	mmio_write32(HPET_GPA + 0x10, 0);
	start = hpet_now();
	delay_ms(5);
	CHECK_EQ(hpet_now(), start);
}

static uint8_t rtc_read(uint8_t reg)
{
	out8(0x70, reg);
	return in8(0x71);
}

static void rtc_write(uint8_t reg, uint8_t val)
{
	out8(0x70, reg);
	out8(0x71, val);
}

static void rtc_handler(struct frame *frame)
{
	value(rtc_read(0xc));
	count_eoi(frame);
}

GUEST_MAIN(rtc)
{
	CHECK_EQ(rtc_read(0xa) & 0x7f, 0x20);
	CHECK_EQ(rtc_read(0xb) & 0x02, 0x02);
	CHECK_EQ(rtc_read(0xd), 0x80);
	sync(1);				/* sets 2001-09-09 01:46:40, a Sunday */
	CHECK_EQ(rtc_read(9), 0x01);
	CHECK_EQ(rtc_read(8), 0x09);
	CHECK_EQ(rtc_read(7), 0x09);
	CHECK_EQ(rtc_read(6), 1);
	CHECK_EQ(rtc_read(4), 0x01);
	CHECK_EQ(rtc_read(2), 0x46);
	CHECK(rtc_read(0) >= 0x40);
	CHECK_EQ(rtc_read(0x32), 0x20);
	rtc_write(0xb, rtc_read(0xb) | 4);	/* binary */
	CHECK_EQ(rtc_read(2), 46);
	rtc_write(0x40, 0x5a);
	CHECK_EQ(rtc_read(0x50), 0xa5);		/* the host wrote it */
	sync(2);

	/* 512 Hz by the I/O APIC. */
	apic_begin();
	handler_set(VECTOR, rtc_handler);
	ioapic_route(8, VECTOR);
	mark();
	rtc_write(0xa, 0x27);
	rtc_write(0xb, rtc_read(0xb) | 0x40);
	wait_count(10, 15);
	rtc_write(0xb, rtc_read(0xb) & ~0x40);
	rtc_read(0xc);
	delay_ms(5);
	expect_quiet(20);
}

#else

#include <time.h>

static struct machine *run_main(const char *name)
{
	struct machine *m = machine_create(1);

	vcpu_start_main(m, 0, name);
	EXPECT_PASS(m, 0);
	return m;
}

TEST(apic_reset_state) { run_main("apic_reset_state"); }
TEST(apic_self_ipi) { run_main("apic_self_ipi"); }
TEST(apic_priority) { run_main("apic_priority"); }
TEST(apic_nesting) { run_main("apic_nesting"); }
TEST(apic_errors) { run_main("apic_errors"); }
TEST(apic_timer_oneshot) { run_main("apic_timer_oneshot"); }
TEST(apic_timer_periodic) { run_main("apic_timer_periodic"); }
TEST(d02_apic_timer_storm) { run_main("apic_timer_storm"); }
TEST(pit_by_pic) { run_main("pit_by_pic"); }
TEST(pit_by_ioapic) { run_main("pit_by_ioapic"); }
TEST(pit_channel_2) { run_main("pit_channel_2"); }
TEST(hpet) { run_main("hpet"); }

TEST(apic_timer_deadline)
{
	struct machine *m = machine_create(1);

	vcpu_start_main(m, 0, "apic_timer_deadline");
	EXPECT_SYNC(m, 0, 1);
	if (!m->values[0])
		test_skip("CPUID does not offer it");
	EXPECT_PASS(m, 0);
}

TEST(x2apic)
{
	struct machine *m = machine_create(3);
	enum x2apic_state state;

	for (int id = 0; id < 3; id++) {
		OK(vm_get_x2apic_state(m->vcpu[id], &state));
		EXPECT_EQ(state, X2APIC_DISABLED);
		OK(vm_set_x2apic_state(m->vcpu[id], X2APIC_ENABLED));
		OK(vm_get_x2apic_state(m->vcpu[id], &state));
		EXPECT_EQ(state, X2APIC_ENABLED);
		EXPECT_ERRNO(vm_set_x2apic_state(m->vcpu[id], X2APIC_STATE_LAST), EINVAL);
		EXPECT_ERRNO(vm_set_x2apic_state(m->vcpu[id], (enum x2apic_state)-1), EINVAL);
		vcpu_start_main(m, id, "x2apic");
		EXPECT_PASS(m, id);
	}
}

/* Both ways to an interrupt: vm_lapic_irq, and an MSI. */
TEST(irq_from_host)
{
	struct machine *m = machine_create(1);

	vcpu_start_main(m, 0, "irq_from_host");
	for (uint32_t i = 1; i <= 40; i++) {
		EXPECT_SYNC(m, 0, i);
		if (i & 1)
			OK(vm_lapic_irq(m->vcpu[0], VECTOR));
		else
			OK(vm_lapic_msi(m->ctx, 0xfee00000, VECTOR));
	}
	EXPECT_PASS(m, 0);
	EXPECT_ERRNO(vm_lapic_irq(m->vcpu[0], 15), EINVAL);
	EXPECT_ERRNO(vm_lapic_irq(m->vcpu[0], 256), EINVAL);
	EXPECT_ERRNO(vm_lapic_irq(m->vcpu[0], -1), EINVAL);
	EXPECT_ERRNO(vm_lapic_msi(m->ctx, 0xfed00000, VECTOR), EINVAL);
}

static void *irq_sender(void *arg)
{
	struct machine *m = arg;

	for (int i = 0; i < 40; i++) {
		usleep(5000);
		OK(vm_lapic_irq(m->vcpu[0], VECTOR));
		while (!__atomic_load_n(&m->input, __ATOMIC_ACQUIRE))
			usleep(100);
		__atomic_store_n(&m->input, 0, __ATOMIC_RELEASE);
	}
	return NULL;
}

/* From another thread, into a processor that sleeps or spins. */
TEST(irq_from_thread)
{
	struct machine *m = machine_create(1);
	pthread_t thread;

	vcpu_start_main(m, 0, "irq_from_host");
	EXPECT_SYNC(m, 0, 1);
	EXPECT_EQ(pthread_create(&thread, NULL, irq_sender, m), 0);
	for (uint32_t i = 2; i <= 40; i++) {
		EXPECT_SYNC(m, 0, i);
		__atomic_store_n(&m->input, 1, __ATOMIC_RELEASE);
	}
	EXPECT_PASS(m, 0);
	__atomic_store_n(&m->input, 1, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
}

TEST(ioapic)
{
	struct machine *m = machine_create(1);
	int pins;

	OK(vm_ioapic_pincount(m->ctx, &pins));
	EXPECT_EQ(pins, 32);
	EXPECT_ERRNO(vm_ioapic_pulse_irq(m->ctx, 32), EINVAL);
	EXPECT_ERRNO(vm_ioapic_assert_irq(m->ctx, -1), EINVAL);
	EXPECT_ERRNO(vm_ioapic_deassert_irq(m->ctx, 0x7fffffff), EINVAL);

	vcpu_start_main(m, 0, "ioapic");
	EXPECT_SYNC(m, 0, 1);
	OK(vm_ioapic_pulse_irq(m->ctx, 5));
	EXPECT_SYNC(m, 0, 2);
	OK(vm_ioapic_assert_irq(m->ctx, 5));
	OK(vm_ioapic_assert_irq(m->ctx, 5));
	EXPECT_SYNC(m, 0, 3);
	OK(vm_ioapic_deassert_irq(m->ctx, 5));
	OK(vm_ioapic_assert_irq(m->ctx, 5));
	EXPECT_SYNC(m, 0, 4);
	OK(vm_ioapic_deassert_irq(m->ctx, 5));
	OK(vm_ioapic_deassert_irq(m->ctx, 5));
	OK(vm_ioapic_pulse_irq(m->ctx, 5));
	EXPECT_SYNC(m, 0, 5);
	OK(vm_ioapic_pulse_irq(m->ctx, 5));
	EXPECT_SYNC(m, 0, 6);
	OK(vm_ioapic_pulse_irq(m->ctx, 5));
	EXPECT_PASS(m, 0);
}

TEST(ioapic_level)
{
	struct machine *m = machine_create(1);

	vcpu_start_main(m, 0, "ioapic_level");
	EXPECT_SYNC(m, 0, 10);
	OK(vm_ioapic_assert_irq(m->ctx, 6));
	EXPECT_SYNC(m, 0, 20);
	OK(vm_ioapic_deassert_irq(m->ctx, 6));
	EXPECT_SYNC(m, 0, 11);
	OK(vm_ioapic_assert_irq(m->ctx, 6));
	EXPECT_SYNC(m, 0, 12);
	OK(vm_ioapic_deassert_irq(m->ctx, 6));
	EXPECT_PASS(m, 0);
}

TEST(isa_lines)
{
	struct machine *m = machine_create(1);

	EXPECT_ERRNO(vm_isa_pulse_irq(m->ctx, 16, -1), EINVAL);
	EXPECT_ERRNO(vm_isa_pulse_irq(m->ctx, -1, 4), EINVAL);
	EXPECT_ERRNO(vm_isa_pulse_irq(m->ctx, 4, 32), EINVAL);
	EXPECT_ERRNO(vm_isa_set_irq_trigger(m->ctx, 8, LEVEL_TRIGGER), EINVAL);
	EXPECT_ERRNO(vm_isa_set_irq_trigger(m->ctx, 16, EDGE_TRIGGER), EINVAL);
	OK(vm_isa_set_irq_trigger(m->ctx, 8, EDGE_TRIGGER));
	vcpu_start_main(m, 0, "isa_lines");
	EXPECT_SYNC(m, 0, 1);
	OK(vm_isa_pulse_irq(m->ctx, 4, 4));
	EXPECT_SYNC(m, 0, 2);
	OK(vm_isa_pulse_irq(m->ctx, 10, -1));
	EXPECT_SYNC(m, 0, 3);
	OK(vm_isa_assert_irq(m->ctx, 5, -1));
	EXPECT_PASS(m, 0);
}

TEST(pm_timer)
{
	struct machine *m = machine_create(1);
	uint64_t start, ns;
	uint32_t ticks;

	vcpu_start_main(m, 0, "pm_timer");
	EXPECT_SYNC(m, 0, 1);
	start = now_ns();
	usleep(200000);
	EXPECT_SYNC(m, 0, 2);
	ns = now_ns() - start;
	ticks = (uint32_t)(m->values[1] - m->values[0]);
	/* At least the 200 ms; at most what passed until now, and what may lie between the first reading and the start. */
	EXPECT(ticks >= PM_HZ / 5 - 1);
	EXPECT(ticks <= (double)ns / 1e9 * PM_HZ + PM_HZ / 2);
}

TEST(rtc)
{
	struct machine *m = machine_create(1);
	uint8_t byte;
	time_t now;

	OK(vm_rtc_gettime(m->ctx, &now));
	EXPECT(now >= 0 && now < 60);
	vcpu_start_main(m, 0, "rtc");
	EXPECT_SYNC(m, 0, 1);
	OK(vm_rtc_settime(m->ctx, 1000000000));
	OK(vm_rtc_write(m->ctx, 0x50, 0xa5));
	EXPECT_ERRNO(vm_rtc_write(m->ctx, 13, 0), EINVAL);
	EXPECT_ERRNO(vm_rtc_write(m->ctx, 0x32, 0), EINVAL);
	EXPECT_ERRNO(vm_rtc_write(m->ctx, 128, 0), EINVAL);
	EXPECT_ERRNO(vm_rtc_read(m->ctx, 128, &byte), EINVAL);
	EXPECT_ERRNO(vm_rtc_read(m->ctx, -1, &byte), EINVAL);
	EXPECT_SYNC(m, 0, 2);
	OK(vm_rtc_read(m->ctx, 0x40, &byte));
	EXPECT_EQ(byte, 0x5a);
	OK(vm_rtc_gettime(m->ctx, &now));
	EXPECT(now >= 1000000000 && now < 1000000020);
	EXPECT_PASS(m, 0);
	EXPECT(m->value_count >= 10);
	EXPECT_EQ(m->values[0] & 0xc0, 0xc0);		/* register C: interrupt, periodic */
}

/* The chips' registers as an emulator in user space reaches them. */
TEST(kernemu_devices)
{
	struct machine *m = machine_create(1);
	uint64_t val = 0;
	uint32_t caps;

	OK(vm_readwrite_kernemu_device(m->vcpu[0], 0xfee00030, false, 4, &val));
	EXPECT_EQ(val, 0x60014);
	OK(vm_readwrite_kernemu_device(m->vcpu[0], HPET_GPA, false, 8, &val));
	EXPECT_EQ(val, 59604644ull << 32 | 0x80860701);
	OK(vm_get_hpet_capabilities(m->ctx, &caps));
	EXPECT_EQ(caps, 0x80860701);
	val = 1;
	OK(vm_readwrite_kernemu_device(m->vcpu[0], IOAPIC_GPA, true, 4, &val));
	OK(vm_readwrite_kernemu_device(m->vcpu[0], IOAPIC_GPA + 0x10, false, 4, &val));
	EXPECT_EQ(val, 0x001f0011);
	val = 0x1234;
	EXPECT_ERRNO(vm_readwrite_kernemu_device(m->vcpu[0], 0xfee00080, true, 2, &val), EINVAL);
	EXPECT_ERRNO(vm_readwrite_kernemu_device(m->vcpu[0], 0xfee01000, false, 4, &val), EINVAL);
	EXPECT_ERRNO(vm_readwrite_kernemu_device(m->vcpu[0], 0xfed00400, false, 4, &val), EINVAL);
	EXPECT_ERRNO(vm_readwrite_kernemu_device(m->vcpu[0], 0x1000, false, 4, &val), EINVAL);
	EXPECT_ERRNO(vm_readwrite_kernemu_device(m->vcpu[0], 0xfffffffffffffffc, false, 4, &val), EINVAL);
}

#endif
