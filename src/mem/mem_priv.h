/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What the files of this room tell each other. */
#ifndef VMM_MEM_MEM_PRIV_H
#define VMM_MEM_MEM_PRIV_H

#include "mem.h"

struct file;
struct page;
struct vm_area_struct;

#define MEM_GPA_END	(1ULL << MEM_GPA_BITS)

static inline bool memseg_is_sysmem(const struct memseg *seg)
{
	return seg->file && !seg->name[0];
}

static inline bool memmap_contains(const struct memmap *map, u64 gpa)
{
	return gpa >= map->gpa && gpa - map->gpa < map->len;
}

/*
 * The page at @off (bytes) of a segment, allocated and zeroed if need be, with a reference.
 * ERR_PTR: -ENOMEM, -EFAULT (lost to a hardware memory error). Sleeps.
 */
struct page *memseg_read_page(struct file *file, u64 off);

/* Replace @vma's file by the segment's, from @off (bytes). mmap_lock held for writing. */
int memseg_mmap_file(struct file *file, u64 off, struct vm_area_struct *vma);
/* Errors that every mmap of guest memory shares: 0 or -EINVAL. */
int memseg_check_vma(const struct vm_area_struct *vma);

/* [gpa, gpa + len) is in the guest's address space and nothing has a part of it. Every vCPU frozen. */
bool memmap_range_is_free(struct vm_mem *mem, u64 gpa, u64 len);

/* Whatever takes long asks between two pages: the VM goes, or the caller is being killed. */
bool mem_must_stop(struct vm_mem *mem);

/* Enter all of @map's pages into the nested table. 0, -ENOMEM, -EFAULT, -EINTR; some pages may be in then. */
int memmap_populate(struct vm_mem *mem, const struct memmap *map);

#endif
