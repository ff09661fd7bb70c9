// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * memmap: where segments stand in the guest's physical address space.
 *
 * A mapping says what the guest may reach at an address. The nested table is filled
 * from it on demand (fault.c) and emptied with it; a leaf never reaches beyond its
 * mapping, so that a mapping can go without touching its neighbours.
 */
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/lockdep.h>
#include <linux/mm.h>
#include <linux/overflow.h>

#include "gpt.h"
#include "mem_priv.h"

static_assert(GPT_PROT_READ == VM_PROT_READ && GPT_PROT_WRITE == VM_PROT_WRITE &&
	      GPT_PROT_EXEC == VM_PROT_EXECUTE);

const struct memmap *memmap_find(struct vm_mem *mem, u64 gpa)
{
	int i;

	for (i = 0; i < mem->used_maps; i++)
		if (memmap_contains(&mem->maps[i], gpa))
			return &mem->maps[i];
	return NULL;
}

static struct memmap *memmap_find_exact(struct vm_mem *mem, u64 gpa, u64 len)
{
	int i;

	for (i = 0; i < mem->max_maps; i++)
		if (mem->maps[i].len && mem->maps[i].gpa == gpa && mem->maps[i].len == len)
			return &mem->maps[i];
	return NULL;
}

static struct memmap *memmap_find_free(struct vm_mem *mem)
{
	int i;

	for (i = 0; i < mem->max_maps; i++)
		if (!mem->maps[i].len)
			return &mem->maps[i];
	return NULL;
}

bool memmap_range_is_free(struct vm_mem *mem, u64 gpa, u64 len)
{
	struct mem_device *dev;
	bool free = true;
	u64 end;
	int i;

	if (check_add_overflow(gpa, len, &end) || end > MEM_GPA_END)
		return false;
	for (i = 0; i < mem->max_maps; i++)
		if (gpa < mem->maps[i].gpa + mem->maps[i].len && mem->maps[i].gpa < end)
			return false;
	spin_lock(&mem->map_lock);
	list_for_each_entry(dev, &mem->devices, link)
		if (gpa < dev->gpa + dev->len && dev->gpa < end)
			free = false;
	spin_unlock(&mem->map_lock);
	return free;
}

static int memmap_check(struct vm_mem *mem, const struct memmap *map)
{
	u64 end;

	if (!map->prot || (map->prot & ~VM_PROT_ALL) || (map->flags & ~VM_MEMMAP_F_WIRED))
		return -EINVAL;
	if (map->segid < 0 || map->segid >= MEM_MAX_SEGS || !mem->segs[map->segid].file)
		return -EINVAL;
	if ((s64)map->segoff < 0 || check_add_overflow(map->segoff, map->len, &end) ||
	    end <= map->segoff || end > mem->segs[map->segid].len)
		return -EINVAL;
	if (!PAGE_ALIGNED(map->gpa | map->segoff | end))
		return -EINVAL;
	return 0;
}

static void memmap_remove(struct vm_mem *mem, struct memmap *map)
{
	u64 gpa = map->gpa, len = map->len;

	spin_lock(&mem->map_lock);
	memset(map, 0, sizeof(*map));
	while (mem->used_maps && !mem->maps[mem->used_maps - 1].len)
		mem->used_maps--;
	spin_unlock(&mem->map_lock);
	gpt_unmap(mem->gpt, gpa, len);
}

int memmap_map(struct vm_mem *mem, u64 gpa, int segid, s64 segoff, u64 len, int prot, int flags)
{
	struct memmap map = {
		.gpa = gpa, .len = len, .segid = segid, .segoff = segoff, .prot = prot, .flags = flags,
	};
	struct memmap *slot;
	int ret;

	lockdep_assert_held_write(&mem->lock);
	ret = memmap_check(mem, &map);
	if (ret)
		return ret;
	slot = memmap_find_free(mem);
	if (!slot)
		return -ENOSPC;
	if (!memmap_range_is_free(mem, gpa, len))
		return -EFAULT;

	spin_lock(&mem->map_lock);
	*slot = map;
	mem->used_maps = max_t(unsigned int, mem->used_maps, slot - mem->maps + 1);
	spin_unlock(&mem->map_lock);
	if (!(flags & VM_MEMMAP_F_WIRED))
		return 0;
	ret = memmap_populate(mem, slot);
	if (ret)
		memmap_remove(mem, slot);
	return ret;
}

int memmap_unmap(struct vm_mem *mem, u64 gpa, u64 len)
{
	struct memmap *map;

	lockdep_assert_held_write(&mem->lock);
	map = memmap_find_exact(mem, gpa, len);
	if (!map || (map->flags & VM_MEMMAP_F_IOMMU))
		return -EINVAL;
	memmap_remove(mem, map);
	return 0;
}

void vm_mem_reinit(struct vm_mem *mem)
{
	int i;

	lockdep_assert_held_write(&mem->lock);
	for (i = 0; i < mem->max_maps; i++)
		if (mem->maps[i].len && !memseg_is_sysmem(&mem->segs[mem->maps[i].segid]))
			memmap_remove(mem, &mem->maps[i]);
}

int memmap_next(struct vm_mem *mem, struct vm_memmap *mm)
{
	const struct memmap *map, *next = NULL;
	int i;

	for (i = 0; i < mem->max_maps; i++) {
		map = &mem->maps[i];
		if (map->len && map->gpa >= mm->gpa && (!next || map->gpa < next->gpa))
			next = map;
	}
	if (!next)
		return -ENOENT;
	mm->gpa = next->gpa;
	mm->segid = next->segid;
	mm->segoff = next->segoff;
	mm->len = next->len;
	mm->prot = next->prot;
	mm->flags = next->flags;
	return 0;
}

u64 memmap_sysmem_end(struct vm_mem *mem)
{
	const struct memmap *map;
	u64 end = 0;
	int i;

	for (i = 0; i < mem->max_maps; i++) {
		map = &mem->maps[i];
		if (map->len && memseg_is_sysmem(&mem->segs[map->segid]))
			end = max(end, map->gpa + map->len);
	}
	return end;
}

u64 mem_resident_bytes(struct vm_mem *mem)
{
	return gpt_mapped_bytes(mem->gpt);
}

u64 mem_wired_bytes(struct vm_mem *mem)
{
	u64 bytes = 0;
	int i;

	spin_lock(&mem->map_lock);
	for (i = 0; i < mem->max_maps; i++)
		if (mem->maps[i].flags & VM_MEMMAP_F_WIRED)
			bytes += mem->maps[i].len;
	spin_unlock(&mem->map_lock);
	return bytes;
}

/* The file of the one mapping that has [gpa, gpa + len), and the offset in it. map_lock held. */
static struct file *memmap_get_file(struct vm_mem *mem, u64 gpa, u64 len, u64 *off)
{
	const struct memmap *map = memmap_find(mem, gpa);

	lockdep_assert_held(&mem->map_lock);
	if (!map || len > map->len - (gpa - map->gpa))
		return ERR_PTR(-ENOENT);
	if (!memseg_is_sysmem(&mem->segs[map->segid]))
		return ERR_PTR(-EINVAL);
	*off = map->segoff + (gpa - map->gpa);
	return get_file(mem->segs[map->segid].file);
}

int memmap_mmap(struct vm_mem *mem, struct vm_area_struct *vma)
{
	u64 gpa = (u64)vma->vm_pgoff << PAGE_SHIFT;
	struct file *file;
	u64 off;
	int ret;

	ret = memseg_check_vma(vma);
	if (ret)
		return ret;
	if ((s64)gpa < 0 || gpa >> PAGE_SHIFT != vma->vm_pgoff)
		return -EINVAL;

	spin_lock(&mem->map_lock);
	file = memmap_get_file(mem, gpa, vma->vm_end - vma->vm_start, &off);
	spin_unlock(&mem->map_lock);
	if (IS_ERR(file))
		return PTR_ERR(file);
	ret = memseg_mmap_file(file, off, vma);
	fput(file);
	return ret;
}
