// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * Where the kernel fetches an instruction that it has to measure: by the guest's tables as they are now. One address holds, in turn, CPUID
 * without and with a prefix; whoever went by what was there before would resume in the middle of an instruction.
 */
#include "test.h"

#ifdef GUEST

#define CODE_GLA	0x40000000ull		/* the second GiB, which has no memory of its own */
#define ROUNDS		6
#define PTE_FLAGS	7ull			/* present, writable, user */

static uint8_t code[2][4096] __attribute__((aligned(4096)));
static uint64_t tables[2][512] __attribute__((aligned(4096)));
static uint64_t roots[2][3][512] __attribute__((aligned(4096)));	/* PML4, PDPT, PD */

static const uint8_t plain[] = { 0x0f, 0xa2, 0xb8, 0, 0, 0, 0, 0xc3 };			/* cpuid; mov $0, %eax; ret */
static const uint8_t prefixed[] = { 0x66, 0x0f, 0xa2, 0xb8, 1, 0, 0, 0, 0xc3 };	/* the same with a prefix, and 1 */

static uint64_t *const pd = (uint64_t *)(PAGE_TABLES_GPA + 0x3000);	/* of the second GiB */

static void code_place(unsigned int page, bool prefix)
{
	const uint8_t *from = prefix ? prefixed : plain;

	for (size_t i = 0; i < sizeof(prefixed); i++)
		((volatile uint8_t *)code[page])[i] = i < (prefix ? sizeof(prefixed) : sizeof(plain)) ? from[i] : 0x90;
}

static void tables_place(void)
{
	code_place(0, false);
	code_place(1, true);
	tables[0][0] = (uint64_t)code[0] | PTE_FLAGS;
	tables[1][0] = (uint64_t)code[1] | PTE_FLAGS;
	pd[0] = (uint64_t)tables[0] | PTE_FLAGS;
}

static void flush(void)
{
	asm volatile("invlpg (%0)" : : "r"(CODE_GLA) : "memory");
}

static uint32_t code_call(void)
{
	uint32_t which;

	asm volatile("call *%1" : "=a"(which) : "r"(CODE_GLA), "a"(0) : "rbx", "rcx", "rdx", "memory", "cc");
	return which;
}

GUEST_MAIN(fetch_entry_changes)
{
	tables_place();
	for (unsigned int i = 0; i < ROUNDS; i++) {
		tables[0][0] = (uint64_t)code[i & 1] | PTE_FLAGS;
		flush();
		CHECK_EQ(code_call(), i & 1);
		CHECK_EQ(code_call(), i & 1);
	}
}

GUEST_MAIN(fetch_table_changes)
{
	tables_place();
	for (unsigned int i = 0; i < ROUNDS; i++) {
		pd[0] = (uint64_t)tables[i & 1] | PTE_FLAGS;
		flush();
		CHECK_EQ(code_call(), i & 1);
		CHECK_EQ(code_call(), i & 1);
	}
}

GUEST_MAIN(fetch_code_changes)
{
	tables_place();
	for (unsigned int i = 0; i < ROUNDS; i++) {
		code_place(0, i & 1);
		CHECK_EQ(code_call(), i & 1);
		CHECK_EQ(code_call(), i & 1);
	}
}

/* Two sets of tables, which agree on the first GiB. */
GUEST_MAIN(fetch_root_changes)
{
	uint64_t *pdpt = (uint64_t *)(PAGE_TABLES_GPA + 0x1000);

	tables_place();
	for (unsigned int i = 0; i < 2; i++) {
		roots[i][0][0] = (uint64_t)roots[i][1] | PTE_FLAGS;
		roots[i][1][0] = pdpt[0];
		roots[i][1][1] = (uint64_t)roots[i][2] | PTE_FLAGS;
		roots[i][2][0] = (uint64_t)tables[i] | PTE_FLAGS;
	}
	for (unsigned int i = 0; i < ROUNDS; i++) {
		write_cr3((uint64_t)roots[i & 1][0]);
		CHECK_EQ(code_call(), i & 1);
		CHECK_EQ(code_call(), i & 1);
	}
}

/* The last byte of a page, and the first of the next. */
GUEST_MAIN(fetch_across_pages)
{
	static const uint8_t last = 0x0f, first[] = { 0xa2, 0xb8, 2, 0, 0, 0, 0xc3 };
	uint32_t which;

	tables_place();
	tables[0][1] = (uint64_t)code[1] | PTE_FLAGS;
	((volatile uint8_t *)code[0])[4095] = last;
	for (size_t i = 0; i < sizeof(first); i++)
		((volatile uint8_t *)code[1])[i] = first[i];
	CHECK_EQ(code_call(), 0);
	for (unsigned int i = 0; i < ROUNDS; i++) {
		asm volatile("call *%1" : "=a"(which) : "r"(CODE_GLA + 4095), "a"(0) : "rbx", "rcx", "rdx", "memory", "cc");
		CHECK_EQ(which, 2);
	}
}

#else

static void run(const char *name)
{
	struct machine *m = machine_create(1);

	vcpu_start_main(m, 0, name);
	EXPECT_PASS(m, 0);
}

TEST(fetch_entry_changes) { run("fetch_entry_changes"); }
TEST(fetch_table_changes) { run("fetch_table_changes"); }
TEST(fetch_code_changes) { run("fetch_code_changes"); }
TEST(fetch_root_changes) { run("fetch_root_changes"); }
TEST(fetch_across_pages) { run("fetch_across_pages"); }

#endif
