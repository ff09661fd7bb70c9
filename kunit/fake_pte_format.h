/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * fake_pte_format: entries like neither EPT's nor NPT's, for tests of what both share. A 2 MiB leaf
 * uses bit 12 for something else than the address, as NPT does, and a 4 KiB leaf is known by its level.
 */
#ifndef VMM_KUNIT_FAKE_PTE_FORMAT_H
#define VMM_KUNIT_FAKE_PTE_FORMAT_H

#include <linux/bits.h>
#include "mem/pte_format.h"

#define FAKE_PRESENT	BIT_ULL(1)
#define FAKE_LEAF	BIT_ULL(5)
#define FAKE_UNCACHED	BIT_ULL(6)
#define FAKE_DIRTY	BIT_ULL(7)
#define FAKE_PROT_SHIFT	52
#define FAKE_LARGE_PAT	BIT_ULL(12)

static u64 fake_pte_table(u64 table_hpa)
{
	return table_hpa | FAKE_PRESENT;
}

static u64 fake_pte_leaf(u64 page_hpa, int prot, unsigned int level)
{
	return page_hpa | FAKE_PRESENT | (u64)prot << FAKE_PROT_SHIFT |
	       (level ? FAKE_LEAF | FAKE_LARGE_PAT : 0);
}

static u64 fake_pte_device_leaf(u64 hpa, int prot, unsigned int level)
{
	return fake_pte_leaf(hpa, prot, level) | FAKE_UNCACHED;
}

static bool fake_pte_is_present(u64 pte)
{
	return pte & FAKE_PRESENT;
}

static bool fake_pte_is_leaf(u64 pte, unsigned int level)
{
	return pte & FAKE_LEAF;
}

static int fake_pte_prot(u64 pte)
{
	return (pte >> FAKE_PROT_SHIFT) & (GPT_PROT_READ | GPT_PROT_WRITE | GPT_PROT_EXEC);
}

static const struct pte_format fake_pte_format = {
	.table = fake_pte_table,
	.leaf = fake_pte_leaf,
	.device_leaf = fake_pte_device_leaf,
	.is_present = fake_pte_is_present,
	.is_leaf = fake_pte_is_leaf,
	.prot = fake_pte_prot,
	.dirty_mask = FAKE_DIRTY,
	.write_mask = (u64)GPT_PROT_WRITE << FAKE_PROT_SHIFT,
	.max_leaf_level = 1,
};

/* The same without a dirty bit. */
static const struct pte_format fake_pte_format_plain __maybe_unused = {
	.table = fake_pte_table,
	.leaf = fake_pte_leaf,
	.is_present = fake_pte_is_present,
	.is_leaf = fake_pte_is_leaf,
	.prot = fake_pte_prot,
	.write_mask = (u64)GPT_PROT_WRITE << FAKE_PROT_SHIFT,
	.max_leaf_level = 1,
};

#endif
