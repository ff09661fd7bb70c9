// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* What the guest does: each operation WARMUP + SAMPLES times, with a marker and the TSC on both sides. */
#include <stddef.h>

#include "layout.h"
#include "mark.h"
#include "ops.h"

#define VECTOR_ARRIVAL	0x40
#define VECTOR_PARTNER	0x41

#define MSR_TSC_ADJUST	0x3b
#define MSR_APIC_BASE	0x1b
#define MSR_TSC_DEADLINE 0x6e0
#define X2APIC(reg)	(0x800 + ((reg) >> 4))
#define APIC_BASE_X2	0xc00
#define APIC_EOI	0xb0
#define APIC_SVR	0xf0
#define APIC_ICR	0x300
#define APIC_ICR_HIGH	0x310
#define APIC_LVT_TIMER	0x320
#define APIC_SELF_IPI	0x3f0
#define LVT_DEADLINE	(2u << 17)
#define ICR_SELF	(1u << 18)

void payload_main(unsigned int id);
extern char on_arrival[], on_partner[];		/* entry.S */
volatile uint64_t arrival;
int arrival_traced;			/* for entry.S, which ends the trace */
int apic_is_x2;

static struct shared *const shared = (struct shared *)SHARED_GPA;
static uint64_t idt[2 * 256] __attribute__((aligned(16)));

/* --- instructions -------------------------------------------------------------- */

static inline uint64_t rdtsc(void)
{
	uint32_t low, high;

	asm volatile("rdtsc" : "=a"(low), "=d"(high) : : "memory");
	return low | (uint64_t)high << 32;
}

static inline uint64_t rdmsr(uint32_t msr)
{
	uint32_t low, high;

	asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
	return low | (uint64_t)high << 32;
}

static inline void wrmsr(uint32_t msr, uint64_t val)
{
	asm volatile("wrmsr" : : "a"((uint32_t)val), "d"((uint32_t)(val >> 32)), "c"(msr) : "memory");
}

static inline void cpuid(uint32_t leaf, uint32_t regs[4])
{
	asm volatile("cpuid" : "=a"(regs[0]), "=b"(regs[1]), "=c"(regs[2]), "=d"(regs[3]) : "a"(leaf), "c"(0));
}

static inline uint8_t in8(uint16_t port)
{
	uint8_t val;

	asm volatile("inb %1, %0" : "=a"(val) : "Nd"(port));
	return val;
}

static inline uint32_t in32(uint16_t port)
{
	uint32_t val;

	asm volatile("inl %1, %0" : "=a"(val) : "Nd"(port));
	return val;
}

static inline void pause(void)
{
	asm volatile("pause" : : : "memory");
}

static inline volatile uint32_t *mmio(uint64_t gpa)
{
	return (volatile uint32_t *)gpa;
}

static void settle(void)
{
	uint64_t end = rdtsc() + SETTLE_TICKS;

	while (rdtsc() < end)
		pause();
}

/* --- measuring -------------------------------------------------------------------- */

static void ticks_note(unsigned int i, uint64_t ticks)
{
	if (i < WARMUP)
		return;
	shared->ticks[i - WARMUP] = ticks;
	shared->count = i - WARMUP + 1;
}

static int is_traced(unsigned int i)
{
	return i >= WARMUP + SAMPLES - TRACED;
}

#define EACH(i)		for (unsigned int i = 0; i < WARMUP + SAMPLES; i++)

#define MEASURE(what)						\
	EACH(i) {						\
		uint64_t start, end;				\
		trace_mark(is_traced(i));			\
		start = rdtsc();				\
		mark_begin();					\
		what;						\
		mark_end();					\
		end = rdtsc();					\
		trace_mark(is_traced(i));			\
		ticks_note(i, end - start);			\
	}

/* WHAT brings about an interrupt, whose handler notes when it arrived and ends the window. */
#define MEASURE_ARRIVAL(what, wait)				\
	EACH(i) {						\
		uint64_t start;					\
		arrival = 0;					\
		arrival_traced = is_traced(i);			\
		trace_mark(arrival_traced);			\
		start = rdtsc();				\
		mark_begin();					\
		what;						\
		while (!arrival)				\
			wait;					\
		ticks_note(i, arrival - start);			\
	}

/* --- interrupts --------------------------------------------------------------------- */

static void gate_set(unsigned int vector, const char *handler)
{
	uint64_t address = (uint64_t)handler;

	idt[2 * vector] = (address & 0xffff) | SEL_CODE << 16 | 0x8e00ull << 32 | (address >> 16 & 0xffff) << 48;
	idt[2 * vector + 1] = address >> 32;
}

static void interrupts_on(void)
{
	struct { uint16_t limit; uint64_t base; } __attribute__((packed)) idtr = { sizeof(idt) - 1, (uint64_t)idt };

	gate_set(VECTOR_ARRIVAL, on_arrival);
	gate_set(VECTOR_PARTNER, on_partner);
	asm volatile("lidt %0; sti" : : "m"(idtr));
}

static void xapic_on(void)
{
	*mmio(APIC_GPA + APIC_SVR) = 0x1ff;
}

static void x2apic_on(void)
{
	apic_is_x2 = 1;
	wrmsr(MSR_APIC_BASE, rdmsr(MSR_APIC_BASE) | APIC_BASE_X2);
	wrmsr(X2APIC(APIC_SVR), 0x1ff);
}

/* --- operations ----------------------------------------------------------------------- */

static void op_nothing(void)
{
	MEASURE();
}

static void op_cpuid(void)
{
	MEASURE(asm volatile("cpuid" : : "a"(0), "c"(0) : "rbx", "rdx"));
}

static void op_rdmsr_tsc_adjust(void)
{
	MEASURE(rdmsr(MSR_TSC_ADJUST));
}

static void op_wrmsr_tsc_adjust(void)
{
	uint64_t val = rdmsr(MSR_TSC_ADJUST);

	MEASURE(wrmsr(MSR_TSC_ADJUST, val));
}

static void op_rdmsr_apic_base(void)
{
	MEASURE(rdmsr(MSR_APIC_BASE));
}

static void op_in_pit(void)
{
	MEASURE(in8(PORT_PIT));
}

static void op_in_pm_timer(void)
{
	MEASURE(in32(PORT_PM_TIMER));
}

static void op_in_user(void)
{
	MEASURE(in8(PORT_USER));
}

static void op_mmio_user(void)
{
	MEASURE(*mmio(MMIO_USER_GPA));
}

static void op_xapic_eoi(void)
{
	xapic_on();
	MEASURE(*mmio(APIC_GPA + APIC_EOI) = 0);
}

static void op_xapic_self_ipi(void)
{
	xapic_on();
	interrupts_on();
	MEASURE_ARRIVAL(*mmio(APIC_GPA + APIC_ICR) = ICR_SELF | VECTOR_ARRIVAL, );
}

static void op_x2apic_self_ipi(void)
{
	x2apic_on();
	interrupts_on();
	MEASURE_ARRIVAL(wrmsr(X2APIC(APIC_SELF_IPI), VECTOR_ARRIVAL), );
}

static void ipi_send(void)
{
	wrmsr(X2APIC(APIC_ICR), 1ull << 32 | VECTOR_PARTNER);
}

static void ipi_send_and_wait(void)
{
	uint32_t before = shared->received;

	ipi_send();
	while (shared->received == before)
		pause();
}

/*
 * With interrupts enabled, though none come: Bochs lets nobody interrupt the host while a guest has them disabled, and KVM, when one
 * vCPU's APIC changes its mode, waits for the processors of all.
 */
static void op_ipi(void)
{
	x2apic_on();
	interrupts_on();
	while (!shared->ready)
		pause();
	EACH(i) {
		uint64_t start, end;

		settle();
		trace_mark(is_traced(i));
		start = rdtsc();
		mark_begin();
		ipi_send_and_wait();
		mark_end();
		end = rdtsc();
		trace_mark(is_traced(i));
		ticks_note(i, end - start);
	}
	/* Whoever does not sleep may be gone before it arrives. */
	shared->stop = 1;
	ipi_send();
}

static void op_ipi_running(void)
{
	op_ipi();
}

static void op_ipi_halted(void)
{
	op_ipi();
}

/* Time past the deadline; the instructions of the whole are for count.c to tell. */
static void op_deadline(void)
{
	x2apic_on();
	interrupts_on();
	wrmsr(X2APIC(APIC_LVT_TIMER), LVT_DEADLINE | VECTOR_ARRIVAL);
	EACH(i) {
		uint64_t start;

		asm volatile("cli");
		arrival = 0;
		arrival_traced = is_traced(i);
		trace_mark(arrival_traced);
		start = rdtsc();
		mark_begin();
		wrmsr(MSR_TSC_DEADLINE, start + DEADLINE_TICKS);
		asm volatile("sti; hlt");
		while (!arrival)
			pause();
		ticks_note(i, arrival - start - DEADLINE_TICKS);
	}
}

static void op_touch(uint64_t gpa, uint64_t step)
{
	EACH(i) {
		/* The instructions of a clearing of 2 MiB would be too many. */
		int traced = is_traced(i) && step <= 0x1000;
		uint64_t start, end;

		trace_mark(traced);
		start = rdtsc();
		mark_begin();
		*(volatile uint8_t *)gpa = 1;
		mark_end();
		end = rdtsc();
		trace_mark(traced);
		ticks_note(i, end - start);
		gpa += step;
	}
}

static void op_touch_4k(void)
{
	op_touch(TOUCH_GPA, 0x1000);
}

static void op_touch_2m(void)
{
	op_touch(TOUCH_LARGE_GPA, 0x200000);
}

/* --- partners ---------------------------------------------------------------------------- */

static void partner_halted(void)
{
	while (!shared->stop)
		asm volatile("sti; hlt; cli" : : : "memory");
}

static void partner_running(void)
{
	while (!shared->stop)
		asm volatile("" : : : "memory");
}

/* --- the door ------------------------------------------------------------------------------ */

enum op {
#define OP_ENUM(symbol, text, vcpus, flags) OP_##symbol,
	GUEST_OPS(OP_ENUM)
#undef OP_ENUM
};

static void (*const ops[])(void) = {
#define OP_ROW(symbol, text, vcpus, flags) op_##symbol,
	GUEST_OPS(OP_ROW)
#undef OP_ROW
};

static void partner_main(void)
{
	x2apic_on();
	interrupts_on();
	shared->ready = 1;
	if (shared->op == OP_ipi_halted)
		partner_halted();
	else
		partner_running();
}

#define CPUID_1_ECX_XSAVE	(1u << 26)
#define CR4_OSXSAVE		(1ul << 18)
#define XCR0_X87_SSE_AVX	7

/* As every system does: with what it has switched on a processor keeps more state, which is for the host to exchange. */
static void xsave_on(void)
{
	uint32_t regs[4];
	uint64_t cr4;

	cpuid(1, regs);
	if (!(regs[2] & CPUID_1_ECX_XSAVE))
		return;
	asm volatile("mov %%cr4, %0" : "=r"(cr4));
	asm volatile("mov %0, %%cr4" : : "r"(cr4 | CR4_OSXSAVE));
	cpuid(0xd, regs);
	asm volatile("xsetbv" : : "a"(regs[0] & XCR0_X87_SSE_AVX), "d"(0), "c"(0));
}

void payload_main(unsigned int id)
{
	xsave_on();
	if (id == 0)
		ops[shared->op]();
	else
		partner_main();
}
