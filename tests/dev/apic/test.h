/* SPDX-License-Identifier: BSD-2-Clause */
/* A VM's interrupt fabric with a house that writes down what it is asked, and the checks. */
#ifndef TEST_H
#define TEST_H

#include <stdio.h>
#include <linux/err.h>
#include "clock.h"
#include "irq.h"
#include "vatpic.h"
#include "vioapic.h"
#include "vlapic.h"
#include "vlapic_timer.h"

#define VCPUS	8

/* What the house was asked, by vCPU. */
struct house {
	unsigned int notify[VM_MAXCPU], nmi[VM_MAXCPU], extint[VM_MAXCPU], init[VM_MAXCPU];
};

/* What the 8259 pair was asked. */
struct pic_log {
	unsigned int up, down, pulse;
	int last;
};

struct board {
	struct irq irq;
	struct vclock clock;
	struct house house;
	unsigned int vcpus;
	u64 stats[VM_MAXCPU][VLAPIC_STAT_LAST];
};

extern struct pic_log pic_log;

/* @maxcpus: limit; the first @exist of them have an APIC, the first @active are active. */
struct board *board_create(unsigned int maxcpus, unsigned int exist, unsigned int active);
void board_destroy(struct board *board);
struct vlapic *board_vlapic(struct board *board, unsigned int id);
/* Software-enable it, nothing else. */
void lapic_enable(struct vlapic *vlapic);

/* Registers by number (offset >> 4); the page in xAPIC mode, MSRs in x2APIC mode. Errors are checked. */
u32 lapic_get(struct vlapic *vlapic, unsigned int reg);
void lapic_put(struct vlapic *vlapic, unsigned int reg, u32 val);
u32 ioapic_get(struct board *board, u8 reg);
void ioapic_put(struct board *board, u8 reg, u32 val);
void ioapic_put_rte(struct board *board, int pin, u64 rte);
u64 ioapic_get_rte(struct board *board, int pin);
bool set_has(struct vlapic *vlapic, unsigned int first_reg, u8 vector);

/* Register numbers, SDM vol. 3 table 11-6. */
enum {
	R_ID = 2, R_VERSION = 3, R_TPR = 8, R_APR = 9, R_PPR = 0xa, R_EOI = 0xb, R_RRD = 0xc,
	R_LDR = 0xd, R_DFR = 0xe, R_SVR = 0xf, R_ISR = 0x10, R_TMR = 0x18, R_IRR = 0x20,
	R_ESR = 0x28, R_CMCI = 0x2f, R_ICR = 0x30, R_ICR2 = 0x31, R_TIMER = 0x32, R_THERMAL = 0x33,
	R_PMC = 0x34, R_LINT0 = 0x35, R_LINT1 = 0x36, R_ERROR = 0x37, R_COUNT = 0x38,
	R_CURRENT = 0x39, R_DIVIDE = 0x3e, R_SELF = 0x3f,
};

/* xorshift64*, the same every time. */
u64 random_u64(void);
void random_seed(u64 seed);
static inline u32 random_below(u32 n)
{
	return (random_u64() >> 32) % n;
}

struct test { const char *name; void (*run)(void); };
extern const struct test regs_tests[], icr_tests[], timer_tests[], ioapic_tests[], fabric_tests[],
			 model_tests[], race_tests[];

void test_failed(const char *file, int line, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#define CHECK(condition) \
	do { if (!(condition)) test_failed(__FILE__, __LINE__, "%s", #condition); } while (0)
#define CHECK_EQ(got, want) \
	do { \
		u64 check_got = (got), check_want = (want); \
		if (check_got != check_want) \
			test_failed(__FILE__, __LINE__, "%s is %#lx, wanted %#lx", #got, \
				    check_got, check_want); \
	} while (0)
/* With what led there. */
#define CHECK_AT(condition, format, ...) \
	do { \
		if (!(condition)) \
			test_failed(__FILE__, __LINE__, "%s: " format, #condition, __VA_ARGS__); \
	} while (0)

#endif
