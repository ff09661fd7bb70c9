// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* dirty: which pages the guest has written, as the nested table knows it. */
#include <linux/bitmap.h>
#include <linux/mm.h>
#include <linux/sched.h>

#include "gpt.h"
#include "mem_priv.h"

struct dirty_log {
	u64 gpa;			/* of the bitmap's first bit */
	unsigned long *bitmap;
	u64 pages;
};

static void dirty_found(void *ctx, u64 gpa, u64 bytes)
{
	struct dirty_log *log = ctx;

	bitmap_set(log->bitmap, (gpa - log->gpa) >> PAGE_SHIFT, bytes >> PAGE_SHIFT);
	log->pages += bytes >> PAGE_SHIFT;
}

u64 mem_dirty_harvest(struct vm_mem *mem, u64 gpa, u64 len, bool clear, unsigned long *bitmap)
{
	struct dirty_log log = { .gpa = gpa, .bitmap = bitmap };
	const struct gpt_harvest harvest = { .found = dirty_found, .ctx = &log, .clear = clear };

	gpt_harvest(mem->gpt, gpa, gpa + len, &harvest);
	return log.pages;
}

void mem_dirty_restore(struct vm_mem *mem, u64 gpa, u64 len, const unsigned long *bitmap)
{
	const struct memmap *map;
	unsigned long page;
	unsigned int level;
	u64 *entry, page_gpa;

	lockdep_assert_held(&mem->lock);
	for_each_set_bit(page, bitmap, len >> PAGE_SHIFT) {
		page_gpa = gpa + ((u64)page << PAGE_SHIFT);
		/* By now there may be another mapping, that may not be written. */
		map = memmap_find(mem, page_gpa);
		if (map && (map->prot & VM_PROT_WRITE) &&
		    gpt_lookup_entry(mem->gpt, page_gpa, &level, &entry))
			gpt_mark_dirty(mem->gpt, entry);
		cond_resched();
	}
}
