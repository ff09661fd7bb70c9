// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * paging: the guest's own page tables, walked in software.
 *
 * Theory. Every paging mode of x86 is the same walk with other numbers: from
 * CR3 down, a few bits of the linear address select an entry, the entry holds
 * the address of the next table or, at the last level or with the PS bit, of
 * the page. So a mode is a row of numbers (struct paging_format) over an array
 * of levels (struct paging_level), and there is one walker.
 *
 * A translation has two passes. The first reads the entries, at most one a
 * level, and remembers them. It stops at an entry that is not present or has a
 * reserved bit set: no translation exists, whatever the rights on the way were
 * (SDM vol. 3, 4.7). Rights are the AND over all levels and are checked when
 * the leaf has been found. The second pass sets accessed and dirty bits by
 * compare and exchange against exactly the entries that were checked; when one
 * of them has changed meanwhile, the whole translation starts again, so rights
 * never come from one state of the tables and bits go to another. A table that
 * points at itself, as some guests have, makes the walk lose that race once
 * against its own mark, and win the next time.
 *
 * Not known here, and therefore not checked: the guest's physical address
 * width (address bits up to 51 are taken as they come), EFER.NXE and the
 * execute-disable bit, CR0.WP, CR4.PSE (taken as set), SMEP, SMAP, protection
 * keys.
 */
#include <linux/bits.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/nospec.h>

#include "paging.h"

#define PTE_P			BIT_ULL(0)
#define PTE_RW			BIT_ULL(1)
#define PTE_US			BIT_ULL(2)
#define PTE_A			BIT_ULL(5)
#define PTE_D			BIT_ULL(6)
#define PTE_PS			BIT_ULL(7)

#define CR0_PE			BIT_ULL(0)
#define CR0_PG			BIT_ULL(31)
#define CR4_PAE			BIT_ULL(5)
#define CR4_LA57		BIT_ULL(12)
#define EFER_LMA		BIT_ULL(10)
#define CS_ACCESS_L		BIT(13)

#define VECTOR_GP		13
#define VECTOR_PF		14

struct paging_level {
	u8 shift;		/* lowest bit of the linear address that indexes this level */
	u8 index_bits;
	bool large;		/* PS makes the entry a leaf */
	bool flags;		/* the entry has R/W, U/S and A bits */
	u64 rsvd;		/* must be 0 in an entry without PS, or at the last level */
	u64 rsvd_large;		/* must be 0 in a leaf by PS */
};

struct paging_format {
	const struct paging_level *levels;	/* root first */
	u8 nlevels;
	u8 entry_bytes;
	u64 cr3_mask;		/* address of the root table in CR3 */
	u64 addr_mask;		/* address of the next table or page in an entry */
	u64 gla_mask;
};

/* 32-bit entries. Bit 21 of a 4 MiB entry is reserved, bits 20-13 are physical address bits 39-32 (PSE-36). */
static const struct paging_level levels_32[] = {
	{ .shift = 22, .index_bits = 10, .large = true, .flags = true, .rsvd_large = BIT_ULL(21) },
	{ .shift = 12, .index_bits = 10, .flags = true },
};

/* Bits 62-52 are reserved in every PAE entry; a PDPTE has no rights, and PS and A are reserved there. */
#define PAE_RSVD		GENMASK_ULL(62, 52)
#define PDPTE_RSVD		(GENMASK_ULL(63, 52) | GENMASK_ULL(8, 5) | GENMASK_ULL(2, 1))

static const struct paging_level levels_pae[] = {
	{ .shift = 30, .index_bits = 2, .rsvd = PDPTE_RSVD },
	{ .shift = 21, .index_bits = 9, .large = true, .flags = true,
	  .rsvd = PAE_RSVD, .rsvd_large = PAE_RSVD | GENMASK_ULL(20, 13) },
	{ .shift = 12, .index_bits = 9, .flags = true, .rsvd = PAE_RSVD },
};

/* Four-level paging starts at the second row. */
static const struct paging_level levels_64[] = {
	{ .shift = 48, .index_bits = 9, .flags = true, .rsvd = PTE_PS },
	{ .shift = 39, .index_bits = 9, .flags = true, .rsvd = PTE_PS },
	{ .shift = 30, .index_bits = 9, .large = true, .flags = true, .rsvd_large = GENMASK_ULL(29, 13) },
	{ .shift = 21, .index_bits = 9, .large = true, .flags = true, .rsvd_large = GENMASK_ULL(20, 13) },
	{ .shift = 12, .index_bits = 9, .flags = true },
};

#define ADDR_52			GENMASK_ULL(51, 12)

static const struct paging_format formats[] = {
	[PAGING_MODE_32] = {
		.levels = levels_32, .nlevels = 2, .entry_bytes = 4, .cr3_mask = GENMASK_ULL(31, 12),
		.addr_mask = GENMASK_ULL(31, 12), .gla_mask = GENMASK_ULL(31, 0),
	},
	[PAGING_MODE_PAE] = {
		.levels = levels_pae, .nlevels = 3, .entry_bytes = 8, .cr3_mask = GENMASK_ULL(31, 5),
		.addr_mask = ADDR_52, .gla_mask = GENMASK_ULL(31, 0),
	},
	[PAGING_MODE_64] = {
		.levels = levels_64 + 1, .nlevels = 4, .entry_bytes = 8, .cr3_mask = ADDR_52,
		.addr_mask = ADDR_52, .gla_mask = ~0ULL,
	},
	[PAGING_MODE_64_LA57] = {
		.levels = levels_64, .nlevels = 5, .entry_bytes = 8, .cr3_mask = ADDR_52,
		.addr_mask = ADDR_52, .gla_mask = ~0ULL,
	},
};

struct paging_step {
	u64 gpa;		/* where the entry is */
	u64 entry;		/* what was read there */
};

/* One attempt at a translation. */
struct paging_walk {
	const struct vm_guest_paging *paging;
	const struct paging_format *format;
	const struct paging_ops *ops;
	void *ctx;
	struct paging_fault *fault;
	u64 gla;
	int prot;
	int nsteps;		/* the last step is the leaf, once the walk is done */
	struct paging_step step[PAGING_MAX_LOADS];
};

static_assert(ARRAY_SIZE(levels_64) <= PAGING_MAX_LOADS);

bool x86_is_canonical(u64 addr, bool la57)
{
	int shift = 64 - (la57 ? 57 : 48);

	return (u64)((s64)(addr << shift) >> shift) == addr;
}

enum vm_cpu_mode x86_cpu_mode(u64 cr0, u64 efer, u32 cs_access)
{
	if (!(cr0 & CR0_PE))
		return CPU_MODE_REAL;
	if (!(efer & EFER_LMA))
		return CPU_MODE_PROTECTED;
	return cs_access & CS_ACCESS_L ? CPU_MODE_64BIT : CPU_MODE_COMPATIBILITY;
}

enum vm_paging_mode x86_paging_mode(u64 cr0, u64 cr4, u64 efer)
{
	if (!(cr0 & CR0_PG))
		return PAGING_MODE_FLAT;
	if (!(cr4 & CR4_PAE))
		return PAGING_MODE_32;
	if (!(efer & EFER_LMA))
		return PAGING_MODE_PAE;
	return cr4 & CR4_LA57 ? PAGING_MODE_64_LA57 : PAGING_MODE_64;
}

/*
 * The fetch bit exists only with an execute-disable bit, which 32-bit entries
 * have no room for; in the other modes EFER.NXE is taken as set.
 */
static int walk_fault(struct paging_walk *walk, u32 error_code)
{
	if (walk->prot & VM_PROT_WRITE)
		error_code |= PAGING_PF_WRITE;
	if (walk->paging->cpl == 3)
		error_code |= PAGING_PF_USER;
	if ((walk->prot & VM_PROT_EXECUTE) && walk->format->entry_bytes == 8)
		error_code |= PAGING_PF_FETCH;
	*walk->fault = (struct paging_fault){
		.vector = VECTOR_PF, .error_code = error_code, .cr2 = walk->gla,
	};
	return PAGING_FAULT;
}

static int entry_read(struct paging_walk *walk, u64 gpa, u64 *entry)
{
	u32 entry32 = 0;
	int err;

	if (walk->format->entry_bytes == 8)
		return walk->ops->read(walk->ctx, gpa, entry, 8);
	err = walk->ops->read(walk->ctx, gpa, &entry32, 4);
	*entry = entry32;
	return err;
}

static bool entry_is_leaf(const struct paging_level *level, u64 entry)
{
	return level->shift == 12 || (level->large && (entry & PTE_PS));
}

/* First pass: fills step[] from the root to the leaf. 0, PAGING_FAULT or -errno. */
static int walk_down(struct paging_walk *walk)
{
	const struct paging_format *format = walk->format;
	u64 table_gpa = walk->paging->cr3 & format->cr3_mask;
	const struct paging_level *level = format->levels;
	struct paging_step *step;
	bool leaf;
	u64 index;
	int err;

	for (walk->nsteps = 0; walk->nsteps < format->nlevels; level++) {
		step = &walk->step[walk->nsteps++];
		index = (walk->gla >> level->shift) & (BIT_ULL(level->index_bits) - 1);
		step->gpa = table_gpa + index * format->entry_bytes;
		err = entry_read(walk, step->gpa, &step->entry);
		if (err)
			return err;
		if (!(step->entry & PTE_P))
			return walk_fault(walk, 0);
		leaf = entry_is_leaf(level, step->entry);
		if (step->entry & (leaf && level->large ? level->rsvd_large : level->rsvd))
			return walk_fault(walk, PAGING_PF_PRESENT | PAGING_PF_RSVD);
		if (leaf)
			break;
		table_gpa = step->entry & format->addr_mask;
	}
	return 0;
}

static int walk_check_rights(struct paging_walk *walk)
{
	u64 rights = PTE_RW | PTE_US;
	int i;

	for (i = 0; i < walk->nsteps; i++) {
		if (walk->format->levels[i].flags)
			rights &= walk->step[i].entry;
	}
	if (walk->paging->cpl == 3 && !(rights & PTE_US))
		return walk_fault(walk, PAGING_PF_PRESENT);
	if ((walk->prot & VM_PROT_WRITE) && !(rights & PTE_RW))
		return walk_fault(walk, PAGING_PF_PRESENT);
	return 0;
}

/* Second pass: 0, 1 for a lost race, or -errno. */
static int walk_set_ad(struct paging_walk *walk)
{
	struct paging_step *step;
	u64 want;
	int i, err;

	for (i = 0; i < walk->nsteps; i++) {
		if (!walk->format->levels[i].flags)
			continue;
		step = &walk->step[i];
		want = step->entry | PTE_A;
		if (i == walk->nsteps - 1 && (walk->prot & VM_PROT_WRITE))
			want |= PTE_D;
		if (want == step->entry)
			continue;
		err = walk->ops->cmpxchg(walk->ctx, step->gpa, step->entry, want, walk->format->entry_bytes);
		if (err)
			return err;
	}
	return 0;
}

static u64 walk_gpa(const struct paging_walk *walk)
{
	u64 entry = walk->step[walk->nsteps - 1].entry;
	u8 shift = walk->format->levels[walk->nsteps - 1].shift;
	u64 offset_mask = BIT_ULL(shift) - 1;
	u64 gpa = (entry & walk->format->addr_mask & ~offset_mask) | (walk->gla & offset_mask);

	if (walk->format->entry_bytes == 4 && shift == 22)
		gpa |= ((entry >> 13) & 0xff) << 32;
	return gpa;
}

static int walk_run(struct paging_walk *walk, bool set_ad, u64 *gpa)
{
	int attempt, err;

	for (attempt = 0; attempt < PAGING_MAX_ATTEMPTS; attempt++) {
		err = walk_down(walk);
		if (!err)
			err = walk_check_rights(walk);
		if (err)
			return err;
		err = set_ad ? walk_set_ad(walk) : 0;
		if (err < 0)
			return err;
		if (!err) {
			*gpa = walk_gpa(walk);
			return 0;
		}
	}
	return -EAGAIN;
}

int paging_translate(const struct vm_guest_paging *paging, u64 gla, int prot, bool set_ad,
		     const struct paging_ops *ops, void *ctx, u64 *gpa, struct paging_fault *fault)
{
	struct paging_walk walk = {
		.paging = paging, .ops = ops, .ctx = ctx, .fault = fault, .prot = prot,
	};
	unsigned int mode = paging->paging_mode;

	if (mode == PAGING_MODE_FLAT) {
		*gpa = gla;
		return 0;
	}
	if (mode >= ARRAY_SIZE(formats))
		return -EINVAL;
	if (mode >= PAGING_MODE_64 && !x86_is_canonical(gla, mode == PAGING_MODE_64_LA57)) {
		*fault = (struct paging_fault){ .vector = VECTOR_GP };
		return PAGING_FAULT;
	}
	walk.format = &formats[array_index_nospec(mode, ARRAY_SIZE(formats))];
	walk.gla = gla & walk.format->gla_mask;
	return walk_run(&walk, set_ad, gpa);
}
