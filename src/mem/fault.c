// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* fault: fills the nested table from the mappings, one leaf at a time. */
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>

#include "gpt.h"
#include "mem_priv.h"

#define LARGE_SHIFT	21
#define LARGE_BYTES	(1ULL << LARGE_SHIFT)
#define LARGE_LEVEL	1
#define LARGE_ORDER	(LARGE_SHIFT - PAGE_SHIFT)

static u64 memmap_off(const struct memmap *map, u64 gpa)
{
	return map->segoff + (gpa - map->gpa);
}

/*
 * A 2 MiB leaf may stand at @gpa: the 2 MiB around it are in the mapping, they
 * are one folio, and they are aligned in the file (hence in the folio, and in
 * host memory) as they are in the guest. The reference that the leaf holds keeps
 * the folio from being split.
 */
static bool leaf_can_be_large(const struct gpt *gpt, const struct memmap *map, u64 gpa,
			      struct page *page)
{
	u64 start = ALIGN_DOWN(gpa, LARGE_BYTES);

	return gpt_maps_large(gpt) && folio_order(page_folio(page)) >= LARGE_ORDER &&
	       start >= map->gpa && map->gpa + map->len - start >= LARGE_BYTES &&
	       IS_ALIGNED(memmap_off(map, start), LARGE_BYTES);
}

static int leaf_map_large(struct gpt *gpt, const struct memmap *map, u64 gpa, struct page *page)
{
	unsigned long pfn = ALIGN_DOWN(page_to_pfn(page), 1UL << LARGE_ORDER);

	return gpt_map(gpt, ALIGN_DOWN(gpa, LARGE_BYTES), pfn_to_page(pfn), map->prot, LARGE_LEVEL);
}

static int leaf_map(struct gpt *gpt, const struct memmap *map, u64 gpa, struct page *page)
{
	unsigned int level;
	int ret;

	if (leaf_can_be_large(gpt, map, gpa, page)) {
		ret = leaf_map_large(gpt, map, gpa, page);
		/* -EEXIST with nothing at @gpa: some of the 2 MiB are mapped in 4 KiB leaves. */
		if (ret != -EEXIST || gpt_lookup(gpt, gpa, &level))
			return ret;
	}
	return gpt_map(gpt, gpa, page, map->prot, 0);
}

/* Enter the page at @gpa, which is page aligned and in @map. 0, also if it was there; -ENOMEM, -EFAULT. */
static int memmap_populate_page(struct vm_mem *mem, const struct memmap *map, u64 gpa)
{
	struct page *page = memseg_read_page(mem->segs[map->segid].file, memmap_off(map, gpa));
	int ret;

	if (IS_ERR(page))
		return PTR_ERR(page);
	/*
	 * A clean shmem page is one that still has to be zero, and may be dropped.
	 * Dirty once is enough: the mark goes only when the page is written out,
	 * which the reference of the leaf prevents.
	 */
	if (map->prot & VM_PROT_WRITE)
		set_page_dirty(page);
	ret = leaf_map(mem->gpt, map, gpa, page);
	if (!ret)
		return 0;
	put_page(page);
	return ret == -EEXIST ? 0 : ret;
}

bool mem_must_stop(struct vm_mem *mem)
{
	return READ_ONCE(mem->stopped) || fatal_signal_pending(current);
}

int memmap_populate(struct vm_mem *mem, const struct memmap *map)
{
	u64 gpa = map->gpa, end = map->gpa + map->len;
	unsigned int level;
	int ret;

	while (gpa < end) {
		if (mem_must_stop(mem))
			return -EINTR;
		ret = memmap_populate_page(mem, map, gpa);
		if (ret)
			return ret;
		level = 0;
		gpt_lookup(mem->gpt, gpa, &level);
		gpa = level == LARGE_LEVEL ? ALIGN_DOWN(gpa, LARGE_BYTES) + LARGE_BYTES : gpa + PAGE_SIZE;
		cond_resched();
	}
	return 0;
}

int mem_fault(struct vm_mem *mem, u64 gpa, int prot)
{
	const struct memmap *map = memmap_find(mem, gpa);
	int ret;

	if (!map || (map->prot & prot) != prot)
		return -ENOENT;
	ret = memmap_populate_page(mem, map, gpa & PAGE_MASK);
	if (!ret && (prot & GPT_PROT_WRITE))
		gpt_allow_write(mem->gpt, gpa);
	return ret;
}
