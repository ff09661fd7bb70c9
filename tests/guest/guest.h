/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The payload's library: freestanding, 64-bit mode, identity mapping of the first 4 GiB, one vCPU unless a test starts more.
 */
#ifndef GUEST_H
#define GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GUEST_MAIN(name)	void guest_main_##name(void); void guest_main_##name(void)

/* --- instructions ---------------------------------------------------------- */

static inline void out8(uint16_t port, uint8_t val) { asm volatile("outb %0, %1" : : "a"(val), "Nd"(port)); }
static inline void out16(uint16_t port, uint16_t val) { asm volatile("outw %0, %1" : : "a"(val), "Nd"(port)); }
static inline void out32(uint16_t port, uint32_t val) { asm volatile("outl %0, %1" : : "a"(val), "Nd"(port) : "memory"); }
static inline uint8_t in8(uint16_t port) { uint8_t val; asm volatile("inb %1, %0" : "=a"(val) : "Nd"(port)); return val; }
static inline uint16_t in16(uint16_t port) { uint16_t val; asm volatile("inw %1, %0" : "=a"(val) : "Nd"(port)); return val; }
static inline uint32_t in32(uint16_t port) { uint32_t val; asm volatile("inl %1, %0" : "=a"(val) : "Nd"(port) : "memory"); return val; }

static inline uint64_t rdmsr(uint32_t msr)
{
	uint32_t lo, hi;

	asm volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr));
	return lo | (uint64_t)hi << 32;
}

static inline void wrmsr(uint32_t msr, uint64_t val)
{
	asm volatile("wrmsr" : : "a"((uint32_t)val), "d"((uint32_t)(val >> 32)), "c"(msr) : "memory");
}

static inline uint64_t rdtsc(void)
{
	uint32_t lo, hi;

	asm volatile("rdtsc" : "=a"(lo), "=d"(hi));
	return lo | (uint64_t)hi << 32;
}

struct cpuid { uint32_t eax, ebx, ecx, edx; };

static inline struct cpuid cpuid(uint32_t leaf, uint32_t subleaf)
{
	struct cpuid r;

	asm volatile("cpuid" : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx) : "a"(leaf), "c"(subleaf));
	return r;
}

#define CONTROL_REGISTER(cr)												\
	static inline uint64_t read_##cr(void) { uint64_t v; asm volatile("mov %%" #cr ", %0" : "=r"(v)); return v; }	\
	static inline void write_##cr(uint64_t v) { asm volatile("mov %0, %%" #cr : : "r"(v) : "memory"); }
CONTROL_REGISTER(cr0)
CONTROL_REGISTER(cr2)
CONTROL_REGISTER(cr3)
CONTROL_REGISTER(cr4)
CONTROL_REGISTER(cr8)
CONTROL_REGISTER(dr0)
CONTROL_REGISTER(dr6)
CONTROL_REGISTER(dr7)

static inline void sti(void) { asm volatile("sti" : : : "memory"); }
static inline void cli(void) { asm volatile("cli" : : : "memory"); }
static inline void pause(void) { asm volatile("pause" : : : "memory"); }
/* Takes the interrupts that are pending. (Not PAUSE: QEMU lets the shadow of STI go on behind it.) */
static inline void sti_cli(void) { asm volatile("sti; nop; nop; cli" : : : "memory"); }
/* Sleeps until an interrupt came, which cannot slip in between. Interrupts are off afterwards. */
static inline void sti_hlt_cli(void) { asm volatile("sti; hlt; cli" : : : "memory"); }

#define MMIO(width)															\
	static inline uint##width##_t mmio_read##width(uint64_t gpa) { return *(volatile uint##width##_t *)gpa; }			\
	static inline void mmio_write##width(uint64_t gpa, uint##width##_t val) { *(volatile uint##width##_t *)gpa = val; }
MMIO(8)
MMIO(16)
MMIO(32)
MMIO(64)

/* --- talking to the host ----------------------------------------------------- */

/* Hands VAL to the host. */
static inline void value(uint64_t val) { asm volatile("outl %%eax, %w1" : : "a"(val), "Nd"((uint16_t)PORT_VALUE) : "memory"); }
/* The host's half of the test goes on; returns when it runs this vCPU again. */
static inline void sync(uint32_t step) { out32(PORT_SYNC, step); }
static inline uint32_t input(void) { return in32(PORT_INPUT); }

_Noreturn void guest_pass(void);
_Noreturn void guest_fail(unsigned int line, const char *text, uint64_t got, uint64_t want);

#define CHECK(cond)		do { if (!(cond)) guest_fail(__LINE__, #cond, 0, 1); } while (0)
#define CHECK_EQ(a, b)																\
	do { uint64_t a_ = (uint64_t)(a), b_ = (uint64_t)(b); if (a_ != b_) guest_fail(__LINE__, #a " == " #b, a_, b_); } while (0)

/* --- exceptions and interrupts ------------------------------------------------ */

enum vector { VEC_DE, VEC_DB, VEC_NMI, VEC_BP, VEC_OF, VEC_BR, VEC_UD, VEC_NM, VEC_DF, VEC_TS = 10, VEC_NP, VEC_SS, VEC_GP, VEC_PF, VEC_MF = 16,
	      VEC_AC, VEC_MC, VEC_XF };

struct frame {
	uint64_t	gpr[15];		/* r15 to r8, rdi, rsi, rbp, rdx, rcx, rbx, rax */
	uint64_t	vector;
	uint64_t	error;
	uint64_t	rip, cs, rflags, rsp, ss;
};
#define FRAME_RCX	12
#define FRAME_RAX	14

typedef void (*handler_fn)(struct frame *frame);

/* An exception or interrupt without handler fails the test, inside guest_try() it ends that. */
void handler_set(unsigned int vector, handler_fn handler);

/* The last fault that guest_try() caught. */
extern volatile uint64_t fault_error, fault_rip;
/* Calls FN(ARG). Returns -1, or the vector of the exception it raised, unless that has a handler. Not to be nested. */
int guest_try(void (*fn)(uint64_t arg), uint64_t arg);

/* -1, or the vector. */
int rdmsr_try(uint32_t msr, uint64_t *val);
int wrmsr_try(uint32_t msr, uint64_t val);

/* The IDT, to be changed at will: 256 gates of 16 bytes. */
extern uint64_t guest_idt[512];
/* The running vCPU's number. */
uint32_t vcpu_self(void);

/* --- local APIC ----------------------------------------------------------------- */

#define APIC_GPA	0xfee00000ull
enum { APIC_ID = 0x20, APIC_VERSION = 0x30, APIC_TPR = 0x80, APIC_PPR = 0xa0, APIC_EOI = 0xb0, APIC_LDR = 0xd0, APIC_DFR = 0xe0,
       APIC_SVR = 0xf0, APIC_ISR = 0x100, APIC_TMR = 0x180, APIC_IRR = 0x200, APIC_ESR = 0x280, APIC_ICR = 0x300, APIC_ICR_HIGH = 0x310,
       APIC_LVT_TIMER_REG = 0x320, APIC_LVT_LINT0_REG = 0x350, APIC_LVT_LINT1_REG = 0x360, APIC_LVT_ERROR_REG = 0x370,
       APIC_TIMER_ICR = 0x380, APIC_TIMER_CCR = 0x390, APIC_TIMER_DCR = 0x3e0, APIC_SELF_IPI = 0x3f0 };
#define MSR_TSC		0x10u
#define MSR_APIC_BASE	0x1bu
#define MSR_TSC_DEADLINE 0x6e0u
#define MSR_X2APIC(reg)	(0x800u + ((reg) >> 4))

static inline uint32_t apic_read(uint32_t reg) { return mmio_read32(APIC_GPA + reg); }
static inline void apic_write(uint32_t reg, uint32_t val) { mmio_write32(APIC_GPA + reg, val); }
static inline void apic_enable(void) { apic_write(APIC_SVR, 0x1ff); }

#endif /* GUEST_H */
