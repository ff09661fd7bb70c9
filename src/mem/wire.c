// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * wire: memory that devices reach. A device cannot fault, so all of it is populated beforehand; the
 * nested table's references keep the pages, and the mappings stay for as long as a device may
 * use them (VM_MEMMAP_F_IOMMU).
 */
#include <linux/lockdep.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/sched.h>

#include "gpt.h"
#include "mem_priv.h"

static bool memmap_is_sysmem(struct vm_mem *mem, const struct memmap *map)
{
	return map->len && memseg_is_sysmem(&mem->segs[map->segid]);
}

/* The leaf at @gpa: host address there, and how many bytes follow in it. 0: none. */
static u64 leaf_at(struct vm_mem *mem, u64 gpa, u64 *hpa)
{
	unsigned int level;
	u64 pte = gpt_lookup(mem->gpt, gpa, &level);
	u64 bytes, offset;

	if (!pte)
		return 0;
	bytes = PAGE_SIZE << 9 * level;
	offset = gpa & (bytes - 1);
	*hpa = gpt_leaf_hpa(pte, level) + offset;
	return bytes - offset;
}

static int memmap_tell(struct vm_mem *mem, const struct memmap *map, mem_run_fn fn, void *ctx)
{
	u64 gpa = map->gpa, end = map->gpa + map->len;
	u64 run_hpa, hpa, run, len;
	int ret;

	while (gpa < end) {
		if (mem_must_stop(mem))
			return -EINTR;
		run = leaf_at(mem, gpa, &run_hpa);
		if (!run)
			return -EFAULT;
		while (gpa + run < end) {
			len = leaf_at(mem, gpa + run, &hpa);
			if (!len || hpa != run_hpa + run)
				break;
			run += len;
		}
		run = min(run, end - gpa);
		ret = fn(ctx, gpa, run_hpa, run, map->prot);
		if (ret)
			return ret;
		gpa += run;
		cond_resched();
	}
	return 0;
}

static void memmap_flags_set(struct vm_mem *mem, struct memmap *map, int flags)
{
	spin_lock(&mem->map_lock);
	map->flags = flags;
	spin_unlock(&mem->map_lock);
}

int mem_wire(struct vm_mem *mem, mem_run_fn fn, void *ctx)
{
	struct memmap *map;
	int i, ret;

	lockdep_assert_held_write(&mem->lock);
	for (i = 0; i < mem->max_maps; i++) {
		map = &mem->maps[i];
		if (!memmap_is_sysmem(mem, map))
			continue;
		ret = memmap_populate(mem, map) ?: memmap_tell(mem, map, fn, ctx);
		if (ret)
			return ret;
		memmap_flags_set(mem, map, map->flags | VM_MEMMAP_F_WIRED | VM_MEMMAP_F_IOMMU);
	}
	return 0;
}

void mem_unwire(struct vm_mem *mem)
{
	int i;

	spin_lock(&mem->map_lock);
	for (i = 0; i < mem->max_maps; i++)
		mem->maps[i].flags &= ~VM_MEMMAP_F_IOMMU;
	spin_unlock(&mem->map_lock);
}

bool mem_sysmem_overlaps(struct vm_mem *mem, u64 gpa, u64 end)
{
	const struct memmap *map;
	int i;

	for (i = 0; i < mem->max_maps; i++) {
		map = &mem->maps[i];
		if (memmap_is_sysmem(mem, map) && gpa < map->gpa + map->len && map->gpa < end)
			return true;
	}
	return false;
}

u64 mem_sysmem_bytes(struct vm_mem *mem)
{
	u64 bytes = 0;
	int i;

	for (i = 0; i < mem->max_maps; i++)
		if (memmap_is_sysmem(mem, &mem->maps[i]))
			bytes += mem->maps[i].len;
	return bytes;
}
