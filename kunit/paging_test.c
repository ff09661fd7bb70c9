// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* The guest page walk of src/x86/paging.c: directed vectors, I-05 of the catalogue. */
#include <kunit/test.h>
#include <linux/bits.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/module.h>

#include "../src/x86/paging.h"

#define P	0x001ULL
#define W	0x002ULL
#define U	0x004ULL
#define A	0x020ULL
#define D	0x040ULL
#define PS	0x080ULL
#define NX	BIT_ULL(63)
#define PWU	(P | W | U)

#define RD	VM_PROT_READ
#define WR	VM_PROT_WRITE
#define EX	VM_PROT_EXECUTE

#define MAX_ENTRIES	5

struct entry {
	u64 gpa, val;
};

/* Guest memory: a few page-table entries, and nothing else. */
struct memory {
	struct entry entry[MAX_ENTRIES];
	int bytes;		/* size of every access there may be */
	int reads, exchanges;
	int lose;		/* exchanges that another CPU wins */
	int write_error;
	bool odd_access;
};

static struct entry *memory_find(struct memory *memory, u64 gpa, int bytes)
{
	int i;

	if (bytes != memory->bytes || gpa % bytes)
		memory->odd_access = true;
	for (i = 0; i < MAX_ENTRIES; i++) {
		if (memory->entry[i].val && memory->entry[i].gpa == gpa)
			return &memory->entry[i];
	}
	return NULL;
}

static int memory_read(void *ctx, u64 gpa, void *buf, int bytes)
{
	struct memory *memory = ctx;
	struct entry *entry = memory_find(memory, gpa, bytes);

	memory->reads++;
	if (!entry)
		return -EFAULT;
	if (bytes == 8)
		*(u64 *)buf = entry->val;
	else
		*(u32 *)buf = entry->val;
	return 0;
}

static int memory_cmpxchg(void *ctx, u64 gpa, u64 old, u64 val, int bytes)
{
	struct memory *memory = ctx;
	struct entry *entry = memory_find(memory, gpa, bytes);

	memory->exchanges++;
	if (memory->write_error)
		return memory->write_error;
	if (!entry)
		return -EFAULT;
	if (memory->lose) {
		memory->lose--;
		return 1;
	}
	if (entry->val != old)
		return 1;
	entry->val = val;
	return 0;
}

static const struct paging_ops memory_ops = { .read = memory_read, .cmpxchg = memory_cmpxchg };

/*
 * Linear addresses with another index on every level. 32-bit: 1, 2. PAE: 3, 5,
 * 7. 64-bit: 1, 2, 3, 4. LA57: 6 above that.
 */
#define GLA_32		0x00402345ULL
#define GLA_PAE		0xc0a07123ULL
#define GLA_64		0x0000008080604567ULL
#define GLA_57		0x0006008080604567ULL

#define OK		0
#define PF		PAGING_FAULT
#define GP		13
#define NO_ADDRESS	~0ULL

struct walk_case {
	const char *name;
	enum vm_paging_mode mode;
	u64 cr3, gla;
	int prot, cpl;
	struct entry entry[MAX_ENTRIES];
	int ret;		/* OK, PF, GP or -errno */
	u64 result;		/* gpa or error code */
};

#define M32	PAGING_MODE_32
#define MPAE	PAGING_MODE_PAE
#define M64	PAGING_MODE_64
#define M57	PAGING_MODE_64_LA57

/* Tables at 0x1000, 0x2000, … from the root down, the page at 0x9000; every test changes little of that. */
#define E32(pde, pte)			{ { 0x1004, (pde) }, { 0x2008, (pte) } }
#define EPAE(pdpte, pde, pte)		{ { 0x1018, (pdpte) }, { 0x2028, (pde) }, { 0x3038, (pte) } }
#define E64(pml4e, pdpte, pde, pte)	{ { 0x1008, (pml4e) }, { 0x2010, (pdpte) }, { 0x3018, (pde) }, { 0x4020, (pte) } }
#define E57(pml5e, pml4e, pdpte, pde, pte)							\
	{ { 0x8030, (pml5e) }, { 0x1008, (pml4e) }, { 0x2010, (pdpte) }, { 0x3018, (pde) }, { 0x4020, (pte) } }

static const struct walk_case walk_cases[] = {
	{ "flat", PAGING_MODE_FLAT, 0x1000, 0xfedcba9876543210, RD, 3, { }, OK, 0xfedcba9876543210 },

	/* 32-bit: SDM vol. 3, tables 4-4 to 4-6 */
	{ "32: 4 KiB", M32, 0x1000, GLA_32, RD, 3, E32(0x2000 | PWU, 0x9000 | PWU), OK, 0x9345 },
	{ "32: CR3 flags and high half ignored", M32, 0xffffffff00001fff, GLA_32, RD, 3,
	  E32(0x2000 | PWU, 0x9000 | PWU), OK, 0x9345 },
	{ "32: address wraps at 4 GiB", M32, 0x1000, 0xffff000000000000 | GLA_32, RD, 3,
	  E32(0x2000 | PWU, 0x9000 | PWU), OK, 0x9345 },
	{ "32: highest page", M32, 0x1000, GLA_32, RD, 3, E32(0x2000 | PWU, 0xfffff000 | PWU), OK, 0xfffff345 },
	{ "32: bit 7 of a PTE is PAT", M32, 0x1000, GLA_32, RD, 3, E32(0x2000 | PWU, 0x9000 | PWU | PS), OK, 0x9345 },
	{ "32: 4 MiB", M32, 0x1000, GLA_32, RD, 3, E32(0x0cc00000 | PWU | PS, 0), OK, 0x0cc02345 },
	{ "32: 4 MiB above 4 GiB", M32, 0x1000, GLA_32, RD, 3, E32(0x0cdfe000 | PWU | PS, 0), OK, 0xff0cc02345 },
	{ "32: 4 MiB, address bit 32", M32, 0x1000, GLA_32, RD, 3, E32(0x0cc02000 | PWU | PS, 0), OK, 0x10cc02345 },
	{ "32: 4 MiB, bit 12 is PAT", M32, 0x1000, GLA_32, RD, 3, E32(0x0cc01000 | PWU | PS, 0), OK, 0x0cc02345 },
	{ "32: 4 MiB, bit 21", M32, 0x1000, GLA_32, RD, 0, E32(0x0ce00000 | PWU | PS, 0), PF, 0x9 },
	{ "32: no PDE", M32, 0x1000, GLA_32, WR, 3, E32(0x2000 | W | U, 0x9000 | PWU), PF, 0x6 },
	{ "32: no PTE", M32, 0x1000, GLA_32, RD, 0, E32(0x2000 | PWU, 0x9000), PF, 0 },
	{ "32: fetch has no bit of its own", M32, 0x1000, GLA_32, EX, 3, E32(0x2000 | PWU, 0x9000), PF, 0x4 },
	{ "32: page is read-only", M32, 0x1000, GLA_32, WR, 0, E32(0x2000 | PWU, 0x9000 | P | U), PF, 0x3 },
	{ "32: table is read-only", M32, 0x1000, GLA_32, WR, 0, E32(0x2000 | P | U, 0x9000 | PWU), PF, 0x3 },
	{ "32: page table not in memory", M32, 0x1000, GLA_32, RD, 0, E32(0x5000 | PWU, 0x9000 | PWU), -EFAULT },
	{ "32: page directory not in memory", M32, 0x7000, GLA_32, RD, 0, E32(0x2000 | PWU, 0x9000 | PWU), -EFAULT },

	/* PAE: tables 4-8 to 4-11 */
	{ "pae: 4 KiB", MPAE, 0x1000, GLA_PAE, RD, 3, EPAE(0x2000 | P, 0x3000 | PWU, 0x9000 | PWU), OK, 0x9123 },
	{ "pae: PDPTEs on 32 bytes", MPAE, 0xabcdef0100000fff, GLA_PAE, RD, 3,
	  { { 0x0ff8, 0x2000 | P }, { 0x2028, 0x3000 | PWU }, { 0x3038, 0x9000 | PWU } }, OK, 0x9123 },
	{ "pae: address wraps at 4 GiB", MPAE, 0x1000, 0x5500000000 | GLA_PAE, RD, 3,
	  EPAE(0x2000 | P, 0x3000 | PWU, 0x9000 | PWU), OK, 0x9123 },
	{ "pae: page at the top", MPAE, 0x1000, GLA_PAE, RD, 3,
	  EPAE(0x2000 | P, 0x3000 | PWU, 0x000ffffffffff000 | PWU), OK, 0x000ffffffffff123 },
	{ "pae: 2 MiB", MPAE, 0x1000, GLA_PAE, RD, 3, EPAE(0x2000 | P, 0x5600000 | PWU | PS, 0), OK, 0x5607123 },
	{ "pae: 2 MiB, bit 12 is PAT", MPAE, 0x1000, GLA_PAE, RD, 3, EPAE(0x2000 | P, 0x5601000 | PWU | PS, 0), OK, 0x5607123 },
	{ "pae: 2 MiB, bit 13", MPAE, 0x1000, GLA_PAE, RD, 3, EPAE(0x2000 | P, 0x5602000 | PWU | PS, 0), PF, 0xd },
	{ "pae: 2 MiB, bit 20", MPAE, 0x1000, GLA_PAE, RD, 3, EPAE(0x2000 | P, 0x5700000 | PWU | PS, 0), PF, 0xd },
	{ "pae: PDPTE bit 1", MPAE, 0x1000, GLA_PAE, RD, 0, EPAE(0x2000 | P | W, 0x3000 | PWU, 0x9000 | PWU), PF, 0x9 },
	{ "pae: PDPTE bit 2", MPAE, 0x1000, GLA_PAE, RD, 0, EPAE(0x2000 | P | U, 0x3000 | PWU, 0x9000 | PWU), PF, 0x9 },
	{ "pae: PDPTE bit 5", MPAE, 0x1000, GLA_PAE, RD, 0, EPAE(0x2000 | P | A, 0x3000 | PWU, 0x9000 | PWU), PF, 0x9 },
	{ "pae: PDPTE bit 7", MPAE, 0x1000, GLA_PAE, WR, 0, EPAE(0x2000 | P | PS, 0x3000 | PWU, 0x9000 | PWU), PF, 0xb },
	{ "pae: PDPTE bit 8", MPAE, 0x1000, GLA_PAE, RD, 0, EPAE(0x2100 | P, 0x3000 | PWU, 0x9000 | PWU), PF, 0x9 },
	{ "pae: PDPTE bit 63", MPAE, 0x1000, GLA_PAE, RD, 0, EPAE(0x2000 | P | NX, 0x3000 | PWU, 0x9000 | PWU), PF, 0x9 },
	{ "pae: PDPTE bits 3, 4, 9-11", MPAE, 0x1000, GLA_PAE, RD, 3, EPAE(0x2e18 | P, 0x3000 | PWU, 0x9000 | PWU), OK, 0x9123 },
	{ "pae: PDE bit 52", MPAE, 0x1000, GLA_PAE, RD, 0,
	  EPAE(0x2000 | P, BIT_ULL(52) | 0x3000 | PWU, 0x9000 | PWU), PF, 0x9 },
	{ "pae: PTE bit 62", MPAE, 0x1000, GLA_PAE, EX, 3,
	  EPAE(0x2000 | P, 0x3000 | PWU, BIT_ULL(62) | 0x9000 | PWU), PF, 0x1d },
	{ "pae: no PDPTE", MPAE, 0x1000, GLA_PAE, RD, 3, EPAE(0x2000, 0x3000 | PWU, 0x9000 | PWU), PF, 0x4 },
	{ "pae: user needs every level but the first", MPAE, 0x1000, GLA_PAE, RD, 3,
	  EPAE(0x2000 | P, 0x3000 | P | W, 0x9000 | PWU), PF, 0x5 },

	/* Four levels: tables 4-14 to 4-20 */
	{ "64: 4 KiB", M64, 0x1000, GLA_64, RD, 3,
	  E64(0x2000 | PWU, 0x3000 | PWU, 0x4000 | PWU, 0x9000 | PWU), OK, 0x9567 },
	{ "64: CR3 flags ignored", M64, 0xfff0000000001fff, GLA_64, RD, 3,
	  E64(0x2000 | PWU, 0x3000 | PWU, 0x4000 | PWU, 0x9000 | PWU), OK, 0x9567 },
	{ "64: ignored and protection-key bits", M64, 0x1000, GLA_64, RD, 3,
	  E64(0x7ff0000000002f58 | PWU, 0x7ff0000000003f58 | PWU, 0x7ff0000000004f58 | PWU, 0x7ff0000000009fd8 | PWU),
	  OK, 0x9567 },
	{ "64: page at the top", M64, 0x1000, GLA_64, RD, 3,
	  E64(0x2000 | PWU, 0x3000 | PWU, 0x4000 | PWU, 0x000ffffffffff000 | PWU), OK, 0x000ffffffffff567 },
	{ "64: 2 MiB", M64, 0x1000, GLA_64, RD, 3,
	  E64(0x2000 | PWU, 0x3000 | PWU, 0xa00000 | PWU | PS, 0), OK, 0xa04567 },
	{ "64: 2 MiB, bit 12 is PAT", M64, 0x1000, GLA_64, RD, 3,
	  E64(0x2000 | PWU, 0x3000 | PWU, 0xa01000 | PWU | PS, 0), OK, 0xa04567 },
	{ "64: 2 MiB, bit 13", M64, 0x1000, GLA_64, RD, 3,
	  E64(0x2000 | PWU, 0x3000 | PWU, 0xa02000 | PWU | PS, 0), PF, 0xd },
	{ "64: 1 GiB", M64, 0x1000, GLA_64, RD, 3,
	  E64(0x2000 | PWU, 0x5c0000000 | PWU | PS, 0, 0), OK, 0x5c0604567 },
	{ "64: 1 GiB, bit 29", M64, 0x1000, GLA_64, RD, 3,
	  E64(0x2000 | PWU, 0x5e0000000 | PWU | PS, 0, 0), PF, 0xd },
	{ "64: PS in the PML4E", M64, 0x1000, GLA_64, RD, 3,
	  E64(0x2000 | PWU | PS, 0x3000 | PWU, 0x4000 | PWU, 0x9000 | PWU), PF, 0xd },
	{ "64: not present comes before rights above", M64, 0x1000, GLA_64, WR, 3,
	  E64(0x2000 | P, 0x3000 | P, 0x4000 | P, 0x9000), PF, 0x6 },
	{ "64: reserved bit comes before rights", M64, 0x1000, GLA_64, WR, 3,
	  E64(0x2000 | P, 0x3000 | P, 0xa02000 | P | PS, 0), PF, 0xf },
	{ "64: PML4E not for users", M64, 0x1000, GLA_64, RD, 3,
	  E64(0x2000 | P | W, 0x3000 | PWU, 0x4000 | PWU, 0x9000 | PWU), PF, 0x5 },
	{ "64: PDPTE not for users", M64, 0x1000, GLA_64, RD, 3,
	  E64(0x2000 | PWU, 0x3000 | P | W, 0x4000 | PWU, 0x9000 | PWU), PF, 0x5 },
	{ "64: PDE not for users", M64, 0x1000, GLA_64, RD, 3,
	  E64(0x2000 | PWU, 0x3000 | PWU, 0x4000 | P | W, 0x9000 | PWU), PF, 0x5 },
	{ "64: PTE not for users", M64, 0x1000, GLA_64, WR, 3,
	  E64(0x2000 | PWU, 0x3000 | PWU, 0x4000 | PWU, 0x9000 | P | W), PF, 0x7 },
	{ "64: CPL 2 is a supervisor", M64, 0x1000, GLA_64, WR, 2, E64(0x2000 | P | W, 0x3000 | P | W, 0x4000 | P | W,
	  0x9000 | P | W), OK, 0x9567 },
	{ "64: PML4E read-only", M64, 0x1000, GLA_64, WR, 0,
	  E64(0x2000 | P | U, 0x3000 | PWU, 0x4000 | PWU, 0x9000 | PWU), PF, 0x3 },
	{ "64: execute-disable is not checked", M64, 0x1000, GLA_64, EX, 3,
	  E64(NX | 0x2000 | PWU, NX | 0x3000 | PWU, NX | 0x4000 | PWU, NX | 0x9000 | PWU), OK, 0x9567 },
	{ "64: fetch from a hole", M64, 0x1000, GLA_64, EX, 3,
	  E64(0x2000 | PWU, 0x3000 | PWU, 0x4000 | PWU, 0x9000), PF, 0x14 },
	{ "64: lowest non-canonical", M64, 0x1000, 0x0000800000000000, RD, 0, { }, GP, 0 },
	{ "64: highest non-canonical", M64, 0x1000, 0xffff7fffffffffff, RD, 0, { }, GP, 0 },
	{ "64: lowest of the upper half", M64, 0x1000, 0xffff800000000000, RD, 0,
	  { { 0x1800, 0x2000 | PWU }, { 0x2000, 0xc0000000 | PWU | PS } }, OK, 0xc0000000 },
	{ "64: a five-level address", M64, 0x1000, GLA_57, RD, 0, { }, GP, 0 },
	{ "64: PDPT not in memory", M64, 0x1000, GLA_64, RD, 0, { { 0x1008, 0x2000 | PWU } }, -EFAULT },

	/* Five levels */
	{ "57: 4 KiB", M57, 0x8000, GLA_57, RD, 3,
	  E57(0x1000 | PWU, 0x2000 | PWU, 0x3000 | PWU, 0x4000 | PWU, 0x9000 | PWU), OK, 0x9567 },
	{ "57: PS in the PML5E", M57, 0x8000, GLA_57, RD, 3,
	  E57(0x1000 | PWU | PS, 0x2000 | PWU, 0x3000 | PWU, 0x4000 | PWU, 0x9000 | PWU), PF, 0xd },
	{ "57: PS in the PML4E", M57, 0x8000, GLA_57, RD, 3,
	  E57(0x1000 | PWU, 0x2000 | PWU | PS, 0x3000 | PWU, 0x4000 | PWU, 0x9000 | PWU), PF, 0xd },
	{ "57: PML5E read-only", M57, 0x8000, GLA_57, WR, 0,
	  E57(0x1000 | P | U, 0x2000 | PWU, 0x3000 | PWU, 0x4000 | PWU, 0x9000 | PWU), PF, 0x3 },
	{ "57: lowest non-canonical", M57, 0x8000, 0x0100000000000000, RD, 0, { }, GP, 0 },
	{ "57: highest non-canonical", M57, 0x8000, 0xfeffffffffffffff, RD, 0, { }, GP, 0 },

	{ "unknown mode", (enum vm_paging_mode)5, 0x1000, GLA_64, RD, 0, { }, -EINVAL },
	{ "mode out of range", (enum vm_paging_mode)-1, 0x1000, GLA_64, RD, 0, { }, -EINVAL },
};

static void memory_load(struct memory *memory, const struct walk_case *walk)
{
	int i;

	*memory = (struct memory){ .bytes = walk->mode == M32 ? 4 : 8 };
	for (i = 0; i < MAX_ENTRIES; i++)
		memory->entry[i] = walk->entry[i];
}

static int walk_translate(struct memory *memory, const struct walk_case *walk, bool set_ad,
			  u64 *gpa, struct paging_fault *fault)
{
	struct vm_guest_paging paging = {
		.cr3 = walk->cr3, .cpl = walk->cpl, .cpu_mode = CPU_MODE_64BIT, .paging_mode = walk->mode,
	};

	return paging_translate(&paging, walk->gla, walk->prot, set_ad, &memory_ops, memory, gpa, fault);
}

static u64 walk_cr2(const struct walk_case *walk)
{
	return walk->mode == M32 || walk->mode == MPAE ? walk->gla & 0xffffffff : walk->gla;
}

static void walk_verify(struct kunit *test, const struct walk_case *walk, bool set_ad)
{
	struct paging_fault fault = { 0 };
	struct memory memory;
	u64 gpa = NO_ADDRESS;
	int ret;

	memory_load(&memory, walk);
	ret = walk_translate(&memory, walk, set_ad, &gpa, &fault);
	KUNIT_EXPECT_EQ_MSG(test, ret, walk->ret == GP ? PAGING_FAULT : walk->ret, "%s", walk->name);
	KUNIT_EXPECT_EQ_MSG(test, gpa, walk->ret == OK ? walk->result : NO_ADDRESS, "%s", walk->name);
	if (ret == PAGING_FAULT) {
		KUNIT_EXPECT_EQ_MSG(test, fault.vector, walk->ret == GP ? 13 : 14, "%s", walk->name);
		KUNIT_EXPECT_EQ_MSG(test, fault.error_code, walk->result, "%s", walk->name);
		KUNIT_EXPECT_EQ_MSG(test, fault.cr2, walk->ret == GP ? 0 : walk_cr2(walk), "%s", walk->name);
	}
	KUNIT_EXPECT_LE_MSG(test, memory.reads, PAGING_MAX_LOADS, "%s", walk->name);
	KUNIT_EXPECT_FALSE_MSG(test, memory.odd_access, "%s", walk->name);
	if (!set_ad || walk->ret != OK)
		KUNIT_EXPECT_EQ_MSG(test, memory.exchanges, 0, "%s", walk->name);
}

static void paging_walks(struct kunit *test)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(walk_cases); i++) {
		walk_verify(test, &walk_cases[i], false);
		walk_verify(test, &walk_cases[i], true);
	}
}

/* After a translation: A where the format has it, D on the leaf of a write. */
struct mark_case {
	struct walk_case walk;
	u64 after[MAX_ENTRIES];
	int exchanges;
};

static const struct mark_case mark_cases[] = {
	{ { "32, read", M32, 0x1000, GLA_32, RD, 3, E32(0x2000 | PWU, 0x9000 | PWU) },
	  { 0x2000 | PWU | A, 0x9000 | PWU | A }, 2 },
	{ { "32, write", M32, 0x1000, GLA_32, WR, 3, E32(0x2000 | PWU, 0x9000 | PWU) },
	  { 0x2000 | PWU | A, 0x9000 | PWU | A | D }, 2 },
	{ { "32, write to 4 MiB", M32, 0x1000, GLA_32, WR, 3, E32(0xcc00000 | PWU | PS, 0) },
	  { 0xcc00000 | PWU | PS | A | D }, 1 },
	{ { "pae, write: the PDPTE has no A", MPAE, 0x1000, GLA_PAE, WR, 3, EPAE(0x2000 | P, 0x3000 | PWU, 0x9000 | PWU) },
	  { 0x2000 | P, 0x3000 | PWU | A, 0x9000 | PWU | A | D }, 2 },
	{ { "64, write", M64, 0x1000, GLA_64, WR, 0, E64(0x2000 | PWU, 0x3000 | PWU, 0x4000 | PWU, 0x9000 | PWU) },
	  { 0x2000 | PWU | A, 0x3000 | PWU | A, 0x4000 | PWU | A, 0x9000 | PWU | A | D }, 4 },
	{ { "64, execute", M64, 0x1000, GLA_64, EX, 0, E64(0x2000 | PWU, 0x3000 | PWU, 0x4000 | PWU, 0x9000 | PWU) },
	  { 0x2000 | PWU | A, 0x3000 | PWU | A, 0x4000 | PWU | A, 0x9000 | PWU | A }, 4 },
	{ { "64, only D missing", M64, 0x1000, GLA_64, WR, 0,
	    E64(0x2000 | PWU | A, 0x3000 | PWU | A, 0x4000 | PWU | A, 0x9000 | PWU | A) },
	  { 0x2000 | PWU | A, 0x3000 | PWU | A, 0x4000 | PWU | A, 0x9000 | PWU | A | D }, 1 },
	{ { "64, nothing missing", M64, 0x1000, GLA_64, WR, 0,
	    E64(0x2000 | PWU | A, 0x3000 | PWU | A, 0x4000 | PWU | A, 0x9000 | PWU | A | D) },
	  { 0x2000 | PWU | A, 0x3000 | PWU | A, 0x4000 | PWU | A, 0x9000 | PWU | A | D }, 0 },
	{ { "57, write to 1 GiB", M57, 0x8000, GLA_57, WR, 3,
	    E57(0x1000 | PWU, 0x2000 | PWU, 0x5c0000000 | PWU | PS, 0, 0) },
	  { 0x1000 | PWU | A, 0x2000 | PWU | A, 0x5c0000000 | PWU | PS | A | D }, 3 },
};

static void paging_marks(struct kunit *test)
{
	const struct mark_case *mark;
	struct paging_fault fault;
	struct memory memory;
	int i, j;
	u64 gpa;

	for (i = 0; i < ARRAY_SIZE(mark_cases); i++) {
		mark = &mark_cases[i];
		memory_load(&memory, &mark->walk);
		KUNIT_EXPECT_EQ_MSG(test, walk_translate(&memory, &mark->walk, true, &gpa, &fault), 0, "%s", mark->walk.name);
		for (j = 0; j < MAX_ENTRIES; j++)
			KUNIT_EXPECT_EQ_MSG(test, memory.entry[j].val, mark->after[j], "%s, %d", mark->walk.name, j);
		KUNIT_EXPECT_EQ_MSG(test, memory.exchanges, mark->exchanges, "%s", mark->walk.name);
	}
}

static const struct walk_case race_case = {
	"race", M64, 0x1000, GLA_64, WR, 0, E64(0x2000 | PWU, 0x3000 | PWU, 0x4000 | PWU, 0x9000 | PWU), OK, 0x9567,
};

/* A lost race starts the walk again, from the root. */
static void paging_lost_race(struct kunit *test)
{
	struct paging_fault fault;
	struct memory memory;
	u64 gpa = 0;

	memory_load(&memory, &race_case);
	memory.lose = 3;
	KUNIT_EXPECT_EQ(test, walk_translate(&memory, &race_case, true, &gpa, &fault), 0);
	KUNIT_EXPECT_EQ(test, gpa, race_case.result);
	KUNIT_EXPECT_EQ(test, memory.reads, 4 * 4);
	KUNIT_EXPECT_EQ(test, memory.exchanges, 3 + 4);
}

/* A guest that never lets us win does not keep us for ever. */
static void paging_endless_race(struct kunit *test)
{
	struct paging_fault fault;
	struct memory memory;
	u64 gpa = NO_ADDRESS;

	memory_load(&memory, &race_case);
	memory.lose = 1 << 30;
	KUNIT_EXPECT_EQ(test, walk_translate(&memory, &race_case, true, &gpa, &fault), -EAGAIN);
	KUNIT_EXPECT_EQ(test, gpa, NO_ADDRESS);
	KUNIT_EXPECT_LE(test, memory.reads, PAGING_MAX_ATTEMPTS * PAGING_MAX_LOADS);
	KUNIT_EXPECT_EQ(test, memory.exchanges, PAGING_MAX_ATTEMPTS);
}

static void paging_write_error(struct kunit *test)
{
	struct paging_fault fault;
	struct memory memory;
	u64 gpa = NO_ADDRESS;

	memory_load(&memory, &race_case);
	memory.write_error = -EFAULT;
	KUNIT_EXPECT_EQ(test, walk_translate(&memory, &race_case, true, &gpa, &fault), -EFAULT);
	KUNIT_EXPECT_EQ(test, gpa, NO_ADDRESS);
	KUNIT_EXPECT_EQ(test, memory.exchanges, 1);
}

#define PE	BIT_ULL(0)
#define PG	BIT_ULL(31)
#define PAE	BIT_ULL(5)
#define LA57	BIT_ULL(12)
#define LME	BIT_ULL(8)
#define LMA	BIT_ULL(10)
#define CS_L	BIT(13)

static void paging_modes(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, x86_cpu_mode(0, LME | LMA, CS_L), CPU_MODE_REAL);
	KUNIT_EXPECT_EQ(test, x86_cpu_mode(PE, LME, CS_L), CPU_MODE_PROTECTED);
	KUNIT_EXPECT_EQ(test, x86_cpu_mode(PE | PG, LME | LMA, 0), CPU_MODE_COMPATIBILITY);
	KUNIT_EXPECT_EQ(test, x86_cpu_mode(PE | PG, LME | LMA, CS_L), CPU_MODE_64BIT);
	KUNIT_EXPECT_EQ(test, x86_paging_mode(PE, PAE | LA57, LME), PAGING_MODE_FLAT);
	KUNIT_EXPECT_EQ(test, x86_paging_mode(PE | PG, 0, 0), PAGING_MODE_32);
	KUNIT_EXPECT_EQ(test, x86_paging_mode(PE | PG, PAE | LA57, 0), PAGING_MODE_PAE);
	KUNIT_EXPECT_EQ(test, x86_paging_mode(PE | PG, PAE, LME | LMA), PAGING_MODE_64);
	KUNIT_EXPECT_EQ(test, x86_paging_mode(PE | PG, PAE | LA57, LME | LMA), PAGING_MODE_64_LA57);
}

static void paging_canonical(struct kunit *test)
{
	KUNIT_EXPECT_TRUE(test, x86_is_canonical(0, false));
	KUNIT_EXPECT_TRUE(test, x86_is_canonical(~0ULL, false));
	KUNIT_EXPECT_TRUE(test, x86_is_canonical(0x00007fffffffffff, false));
	KUNIT_EXPECT_FALSE(test, x86_is_canonical(0x0000800000000000, false));
	KUNIT_EXPECT_TRUE(test, x86_is_canonical(0x0000800000000000, true));
	KUNIT_EXPECT_TRUE(test, x86_is_canonical(0x00ffffffffffffff, true));
	KUNIT_EXPECT_FALSE(test, x86_is_canonical(0x0100000000000000, true));
	KUNIT_EXPECT_TRUE(test, x86_is_canonical(0xff00000000000000, true));
	KUNIT_EXPECT_FALSE(test, x86_is_canonical(0xff00000000000000, false));
}

static struct kunit_case paging_test_cases[] = {
	KUNIT_CASE(paging_walks),
	KUNIT_CASE(paging_marks),
	KUNIT_CASE(paging_lost_race),
	KUNIT_CASE(paging_endless_race),
	KUNIT_CASE(paging_write_error),
	KUNIT_CASE(paging_modes),
	KUNIT_CASE(paging_canonical),
	{ }
};

static struct kunit_suite paging_test_suite = {
	.name = "vmm-x86-paging",
	.test_cases = paging_test_cases,
};
kunit_test_suite(paging_test_suite);

MODULE_LICENSE("Dual BSD/GPL");
