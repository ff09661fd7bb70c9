// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* mem: segments, mappings, faults, holds, and what programs see of them by mmap, read and write. */
#include <kunit/test.h>
#include <linux/anon_inodes.h>
#include <linux/err.h>
#include <linux/falloc.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <linux/uaccess.h>

#include "fake_pte_format.h"
#include "mem/gpt.h"
#include "mem/mem.h"

#define RW	(VM_PROT_READ | VM_PROT_WRITE)
#define RX	(VM_PROT_READ | VM_PROT_EXECUTE)
#define RWX	VM_PROT_ALL
#define WIRED	VM_MEMMAP_F_WIRED
#define GPA_LIMIT	BIT_ULL(47)
#define HIGH	0xffe00000ULL	/* where tests put device memory */

/* Segments are made and mapped as the ioctl dispatcher does it. */
static int seg_alloc(struct kunit *test, int segid, u64 len, const char *name)
{
	struct vm_mem *mem = test->priv;
	int ret;

	down_write(&mem->lock);
	ret = memseg_alloc(mem, segid, len, name);
	up_write(&mem->lock);
	return ret;
}

static int map(struct kunit *test, u64 gpa, int segid, s64 segoff, u64 len, int prot, int flags)
{
	struct vm_mem *mem = test->priv;
	int ret;

	down_write(&mem->lock);
	ret = memmap_map(mem, gpa, segid, segoff, len, prot, flags);
	up_write(&mem->lock);
	return ret;
}

static int unmap(struct kunit *test, u64 gpa, u64 len)
{
	struct vm_mem *mem = test->priv;
	int ret;

	down_write(&mem->lock);
	ret = memmap_unmap(mem, gpa, len);
	up_write(&mem->lock);
	return ret;
}

static void reinit(struct kunit *test)
{
	struct vm_mem *mem = test->priv;

	down_write(&mem->lock);
	vm_mem_reinit(mem);
	up_write(&mem->lock);
}

/* One u64 of guest memory, through a hold. */
static bool poke(struct kunit *test, u64 gpa, u64 value)
{
	struct mem_hold hold;
	u64 *addr = mem_hold(test->priv, gpa, sizeof(value), VM_PROT_WRITE, &hold);

	if (!addr)
		return false;
	*addr = value;
	mem_release(&hold, true);
	return true;
}

static u64 peek(struct kunit *test, u64 gpa)
{
	struct mem_hold hold;
	u64 *addr = mem_hold(test->priv, gpa, sizeof(u64), VM_PROT_READ, &hold);
	u64 value;

	if (!addr)
		return 0xdeadULL;
	value = *addr;
	mem_release(&hold, false);
	return value;
}

static int memseg_suite_init(struct kunit_suite *suite)
{
	return mem_module_init();
}

static void memseg_suite_exit(struct kunit_suite *suite)
{
	mem_module_exit();
}

static int memseg_test_init(struct kunit *test)
{
	struct vm_mem *mem = kunit_kzalloc(test, sizeof(*mem), GFP_KERNEL);

	if (!mem || vm_mem_init(mem, &fake_pte_format))
		return -ENOMEM;
	test->priv = mem;
	return 0;
}

static void memseg_test_exit(struct kunit *test)
{
	if (test->priv)
		vm_mem_fini(test->priv);
}

/* ---- Segments [5.1] ---- */

static void memseg_alloc_checks_its_arguments(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, seg_alloc(test, -1, SZ_4K, ""), -EINVAL);
	KUNIT_EXPECT_EQ(test, seg_alloc(test, MEM_MAX_SEGS, SZ_4K, ""), -EINVAL);
	KUNIT_EXPECT_EQ(test, seg_alloc(test, INT_MAX, SZ_4K, ""), -EINVAL);
	KUNIT_EXPECT_EQ(test, seg_alloc(test, 0, 0, ""), -EINVAL);
	KUNIT_EXPECT_EQ(test, seg_alloc(test, 0, SZ_4K - 1, ""), -EINVAL);
	KUNIT_EXPECT_EQ(test, seg_alloc(test, 0, SZ_4K + 1, ""), -EINVAL);
	KUNIT_EXPECT_EQ(test, seg_alloc(test, 0, U64_MAX, ""), -EINVAL);
	KUNIT_EXPECT_EQ(test, seg_alloc(test, 0, SZ_4K, "sixteen-letters-"), -ENAMETOOLONG);
	KUNIT_EXPECT_EQ(test, seg_alloc(test, 0, SZ_4K, "fifteen-letters"), 0);
}

static void memseg_alloc_refuses_a_second(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, seg_alloc(test, 0, SZ_1M, ""), 0);
	KUNIT_EXPECT_EQ(test, seg_alloc(test, 0, SZ_1M, ""), -EEXIST);
	KUNIT_EXPECT_EQ(test, seg_alloc(test, 0, SZ_2M, ""), -EINVAL);
	KUNIT_EXPECT_EQ(test, seg_alloc(test, 0, SZ_1M, "dev"), -EINVAL);
	KUNIT_EXPECT_EQ(test, seg_alloc(test, 1, SZ_1M, "dev"), 0);
	KUNIT_EXPECT_EQ(test, seg_alloc(test, 1, SZ_1M, "dev"), -EEXIST);
	KUNIT_EXPECT_EQ(test, seg_alloc(test, 1, SZ_1M, "other"), -EEXIST);
	KUNIT_EXPECT_EQ(test, seg_alloc(test, 1, SZ_1M, ""), -EINVAL);
}

/* Sizes that no host has: a segment costs what is touched of it, or is refused with an error. */
static void memseg_alloc_takes_any_size(struct kunit *test)
{
	static const u64 lens[] = { BIT_ULL(62), BIT_ULL(63), U64_MAX & PAGE_MASK, S64_MAX & PAGE_MASK };
	int i, ret;

	KUNIT_EXPECT_EQ(test, seg_alloc(test, 0, BIT_ULL(40), ""), 0);
	KUNIT_EXPECT_EQ(test, map(test, 0, 0, 0, BIT_ULL(40), RWX, 0), 0);
	KUNIT_EXPECT_TRUE(test, poke(test, BIT_ULL(40) - 8, 14));
	KUNIT_EXPECT_EQ(test, peek(test, BIT_ULL(40) - 8), 14ULL);
	KUNIT_EXPECT_LE(test, mem_resident_bytes(test->priv), (u64)SZ_2M);
	for (i = 0; i < ARRAY_SIZE(lens); i++) {
		ret = seg_alloc(test, 1, lens[i], "huge");
		KUNIT_EXPECT_TRUE(test, ret == 0 || ret == -EINVAL || ret == -ENOMEM);
		memseg_free(test->priv, 1);
	}
}

static void memseg_get_describes(struct kunit *test)
{
	char name[VM_MAX_SUFFIXLEN + 1];
	u64 len = 1;

	memset(name, 'x', sizeof(name));
	KUNIT_EXPECT_EQ(test, memseg_get(test->priv, -1, &len, name), -EINVAL);
	KUNIT_EXPECT_EQ(test, memseg_get(test->priv, MEM_MAX_SEGS, &len, name), -EINVAL);
	KUNIT_EXPECT_EQ(test, memseg_get(test->priv, 0, &len, name), 0);
	KUNIT_EXPECT_EQ(test, len, 0ULL);
	KUNIT_EXPECT_PTR_EQ(test, memchr_inv(name, 'x', sizeof(name)), NULL);

	KUNIT_EXPECT_EQ(test, seg_alloc(test, 0, SZ_1M, ""), 0);
	KUNIT_EXPECT_EQ(test, seg_alloc(test, 1, SZ_2M, "rom"), 0);
	KUNIT_EXPECT_EQ(test, memseg_get(test->priv, 0, &len, name), 0);
	KUNIT_EXPECT_EQ(test, len, (u64)SZ_1M);
	KUNIT_EXPECT_PTR_EQ(test, memchr_inv(name, 0, sizeof(name)), NULL);
	memset(name, 'x', sizeof(name));
	KUNIT_EXPECT_EQ(test, memseg_get(test->priv, 1, &len, name), 0);
	KUNIT_EXPECT_EQ(test, len, (u64)SZ_2M);
	KUNIT_EXPECT_STREQ(test, name, "rom");
	KUNIT_EXPECT_PTR_EQ(test, memchr_inv(name + 3, 0, sizeof(name) - 3), NULL);
}

static void memseg_free_makes_room(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, seg_alloc(test, 1, SZ_4K, "one"), 0);
	memseg_free(test->priv, 1);
	memseg_free(test->priv, 1);
	memseg_free(test->priv, -1);
	memseg_free(test->priv, MEM_MAX_SEGS);
	KUNIT_EXPECT_EQ(test, seg_alloc(test, 1, SZ_8K, "two"), 0);
}

/* The file that everybody finds the pages through can lose none of them. */
static void memseg_pages_stay_in_the_file(struct kunit *test)
{
	struct vm_mem *mem = test->priv;
	struct file *file;

	KUNIT_EXPECT_EQ(test, seg_alloc(test, 0, SZ_1M, ""), 0);
	KUNIT_EXPECT_EQ(test, map(test, 0, 0, 0, SZ_1M, RWX, 0), 0);
	KUNIT_EXPECT_TRUE(test, poke(test, SZ_64K, 14));
	file = mem->segs[0].file;
	KUNIT_EXPECT_EQ(test, vfs_fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, SZ_1M), -EPERM);
	KUNIT_EXPECT_EQ(test, vfs_fallocate(file, 0, 0, SZ_2M), -EPERM);
	KUNIT_EXPECT_NE(test, vfs_truncate(&file->f_path, 0), 0);
	KUNIT_EXPECT_EQ(test, peek(test, SZ_64K), 14ULL);
}

/* ---- Mappings [5.2] ---- */

static void memmap_checks_its_arguments(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, seg_alloc(test, 0, SZ_1M, ""), 0);
	KUNIT_EXPECT_EQ(test, map(test, 0, 0, 0, SZ_1M, 0, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, map(test, 0, 0, 0, SZ_1M, 8, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, map(test, 0, 0, 0, SZ_1M, -1, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, map(test, 0, 0, 0, SZ_1M, RW, VM_MEMMAP_F_IOMMU), -EINVAL);
	KUNIT_EXPECT_EQ(test, map(test, 0, 0, 0, SZ_1M, RW, 4), -EINVAL);
	KUNIT_EXPECT_EQ(test, map(test, 0, -1, 0, SZ_1M, RW, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, map(test, 0, 1, 0, SZ_1M, RW, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, map(test, 0, VM_MAX_MEMSEGS, 0, SZ_1M, RW, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, map(test, 0, 0, -SZ_4K, SZ_4K, RW, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, map(test, 0, 0, S64_MIN, SZ_4K, RW, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, map(test, 0, 0, 0, 0, RW, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, map(test, 0, 0, 0, SZ_1M + SZ_4K, RW, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, map(test, 0, 0, SZ_4K, SZ_1M, RW, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, map(test, 0, 0, SZ_1M, SZ_4K, RW, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, map(test, 0, 0, SZ_4K, U64_MAX & PAGE_MASK, RW, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, map(test, 0, 0, SZ_4K, (U64_MAX & PAGE_MASK) - SZ_4K, RW, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, map(test, 1, 0, 0, SZ_4K, RW, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, map(test, 0, 0, 1, SZ_4K - 1, RW, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, map(test, 0, 0, 0, SZ_4K - 1, RW, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, map(test, 0, 0, 0, SZ_1M, RW, 0), 0);
}

static void memmap_keeps_to_the_address_space(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, seg_alloc(test, 0, SZ_1M, ""), 0);
	KUNIT_EXPECT_EQ(test, map(test, GPA_LIMIT, 0, 0, SZ_4K, RW, 0), -EFAULT);
	KUNIT_EXPECT_EQ(test, map(test, GPA_LIMIT - SZ_4K, 0, 0, SZ_8K, RW, 0), -EFAULT);
	KUNIT_EXPECT_EQ(test, map(test, BIT_ULL(52), 0, 0, SZ_4K, RW, 0), -EFAULT);
	KUNIT_EXPECT_EQ(test, map(test, BIT_ULL(63), 0, 0, SZ_4K, RW, 0), -EFAULT);
	KUNIT_EXPECT_EQ(test, map(test, U64_MAX & PAGE_MASK, 0, 0, SZ_4K, RW, 0), -EFAULT);
	KUNIT_EXPECT_EQ(test, map(test, U64_MAX & PAGE_MASK, 0, 0, SZ_8K, RW, 0), -EFAULT);
	KUNIT_EXPECT_EQ(test, map(test, GPA_LIMIT - SZ_4K, 0, 0, SZ_4K, RW, 0), 0);
	KUNIT_EXPECT_TRUE(test, poke(test, GPA_LIMIT - 8, 14));
	KUNIT_EXPECT_EQ(test, mem_fault(test->priv, GPA_LIMIT, VM_PROT_READ), -ENOENT);
	KUNIT_EXPECT_EQ(test, mem_fault(test->priv, U64_MAX, VM_PROT_READ), -ENOENT);
}

/* What a mapping of a 1 TiB segment at an empty address space has to answer, in 128 bits. */
static int map_oracle(u64 gpa, s64 segoff, u64 len)
{
	unsigned __int128 end = (unsigned __int128)(u64)segoff + len;

	if (segoff < 0 || !len || end > BIT_ULL(40) || ((gpa | (u64)segoff | (u64)end) & ~PAGE_MASK))
		return -EINVAL;
	return (unsigned __int128)gpa + len > GPA_LIMIT ? -EFAULT : 0;
}

static void memmap_survives_every_boundary(struct kunit *test)
{
	static const u64 edges[] = { 0, SZ_4K, SZ_2M, SZ_4G, BIT_ULL(39), BIT_ULL(40), BIT_ULL(47), BIT_ULL(48),
				     BIT_ULL(52), BIT_ULL(63), U64_MAX & PAGE_MASK };
	static const s64 steps[] = { 0, -1, 1, -SZ_4K, SZ_4K };
	const int num = ARRAY_SIZE(edges) * ARRAY_SIZE(steps);
	int g, o, l, ret, wrong = 0;
	u64 gpa, off, len;

	KUNIT_EXPECT_EQ(test, seg_alloc(test, 0, BIT_ULL(40), ""), 0);
	for (g = 0; g < num; g++) {
		gpa = edges[g / ARRAY_SIZE(steps)] + steps[g % ARRAY_SIZE(steps)];
		for (o = 0; o < num; o++) {
			off = edges[o / ARRAY_SIZE(steps)] + steps[o % ARRAY_SIZE(steps)];
			for (l = 0; l < num; l++) {
				len = edges[l / ARRAY_SIZE(steps)] + steps[l % ARRAY_SIZE(steps)];
				ret = map(test, gpa, 0, off, len, RW, 0);
				wrong += ret != map_oracle(gpa, off, len);
				wrong += unmap(test, gpa, len) != (ret ? -EINVAL : 0);
			}
		}
	}
	KUNIT_EXPECT_EQ(test, wrong, 0);
}

static void memmap_refuses_overlap(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, seg_alloc(test, 0, SZ_1M, ""), 0);
	KUNIT_EXPECT_EQ(test, map(test, SZ_1M, 0, 0, SZ_1M, RW, 0), 0);
	KUNIT_EXPECT_EQ(test, map(test, SZ_1M, 0, 0, SZ_1M, RW, 0), -EFAULT);
	KUNIT_EXPECT_EQ(test, map(test, SZ_1M - SZ_4K, 0, 0, SZ_8K, RW, 0), -EFAULT);
	KUNIT_EXPECT_EQ(test, map(test, SZ_2M - SZ_4K, 0, 0, SZ_8K, RW, 0), -EFAULT);
	KUNIT_EXPECT_EQ(test, map(test, SZ_1M + SZ_4K, 0, 0, SZ_4K, RW, 0), -EFAULT);
	KUNIT_EXPECT_EQ(test, map(test, SZ_1M - SZ_4K, 0, 0, SZ_4K, RW, 0), 0);
	KUNIT_EXPECT_EQ(test, map(test, SZ_2M, 0, 0, SZ_4K, RW, 0), 0);
}

static void memmap_has_so_many_slots(struct kunit *test)
{
	int i;

	KUNIT_EXPECT_EQ(test, seg_alloc(test, 0, SZ_1M, ""), 0);
	for (i = 0; i < VM_MAX_MEMMAPS; i++)
		KUNIT_EXPECT_EQ(test, map(test, (u64)i * SZ_1M, 0, 0, SZ_4K, RW, 0), 0);
	KUNIT_EXPECT_EQ(test, map(test, SZ_1G, 0, 0, SZ_4K, RW, 0), -ENOSPC);
	/* The slots are looked at before the range, the arguments before both. */
	KUNIT_EXPECT_EQ(test, map(test, 0, 0, 0, SZ_4K, RW, 0), -ENOSPC);
	KUNIT_EXPECT_EQ(test, map(test, 0, 0, 0, SZ_4K, 0, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, unmap(test, SZ_1M, SZ_4K), 0);
	KUNIT_EXPECT_EQ(test, map(test, SZ_1G, 0, 0, SZ_4K, RW, 0), 0);
}

static void memmap_unmaps_what_was_mapped(struct kunit *test)
{
	struct vm_mem *mem = test->priv;

	KUNIT_EXPECT_EQ(test, seg_alloc(test, 0, SZ_1M, ""), 0);
	KUNIT_EXPECT_EQ(test, unmap(test, 0, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, map(test, SZ_1M, 0, 0, SZ_1M, RW, 0), 0);
	KUNIT_EXPECT_TRUE(test, poke(test, SZ_1M, 14));
	KUNIT_EXPECT_EQ(test, unmap(test, SZ_1M, SZ_4K), -EINVAL);
	KUNIT_EXPECT_EQ(test, unmap(test, SZ_1M + SZ_4K, SZ_1M - SZ_4K), -EINVAL);
	KUNIT_EXPECT_EQ(test, unmap(test, SZ_1M, SZ_2M), -EINVAL);
	mem->maps[0].flags |= VM_MEMMAP_F_IOMMU;
	KUNIT_EXPECT_EQ(test, unmap(test, SZ_1M, SZ_1M), -EINVAL);
	mem->maps[0].flags &= ~VM_MEMMAP_F_IOMMU;
	KUNIT_EXPECT_EQ(test, unmap(test, SZ_1M, SZ_1M), 0);
	KUNIT_EXPECT_EQ(test, unmap(test, SZ_1M, SZ_1M), -EINVAL);
	KUNIT_EXPECT_FALSE(test, poke(test, SZ_1M, 15));
	KUNIT_EXPECT_EQ(test, mem_resident_bytes(mem), 0ULL);
	/* The segment keeps its contents. */
	KUNIT_EXPECT_EQ(test, map(test, 0, 0, 0, SZ_1M, RW, 0), 0);
	KUNIT_EXPECT_EQ(test, peek(test, 0), 14ULL);
}

static void memmap_lists_in_order(struct kunit *test)
{
	struct vm_memmap mm = { .gpa = 0 };

	KUNIT_EXPECT_EQ(test, memmap_next(test->priv, &mm), -ENOENT);
	KUNIT_EXPECT_EQ(test, memmap_sysmem_end(test->priv), 0ULL);
	KUNIT_EXPECT_EQ(test, seg_alloc(test, 0, SZ_4M, ""), 0);
	KUNIT_EXPECT_EQ(test, seg_alloc(test, 1, SZ_2M, "rom"), 0);
	KUNIT_EXPECT_EQ(test, map(test, HIGH, 1, SZ_4K, SZ_64K, RX, 0), 0);
	KUNIT_EXPECT_EQ(test, map(test, SZ_2M, 0, 0, SZ_2M, RWX, WIRED), 0);
	KUNIT_EXPECT_EQ(test, map(test, 0, 0, SZ_2M, SZ_1M, RW, 0), 0);

	KUNIT_EXPECT_EQ(test, memmap_next(test->priv, &mm), 0);
	KUNIT_EXPECT_EQ(test, mm.gpa, 0ULL);
	KUNIT_EXPECT_EQ(test, mm.segoff, (vm_ooffset_t)SZ_2M);
	KUNIT_EXPECT_EQ(test, mm.prot, RW);
	KUNIT_EXPECT_EQ(test, mm.flags, 0);
	mm.gpa += mm.len;
	KUNIT_EXPECT_EQ(test, memmap_next(test->priv, &mm), 0);
	KUNIT_EXPECT_EQ(test, mm.gpa, (u64)SZ_2M);
	KUNIT_EXPECT_EQ(test, mm.flags, WIRED);
	mm.gpa += mm.len;
	KUNIT_EXPECT_EQ(test, memmap_next(test->priv, &mm), 0);
	KUNIT_EXPECT_EQ(test, mm.gpa, HIGH);
	KUNIT_EXPECT_EQ(test, mm.segid, 1);
	KUNIT_EXPECT_EQ(test, (u64)mm.len, (u64)SZ_64K);
	mm.gpa++;
	KUNIT_EXPECT_EQ(test, memmap_next(test->priv, &mm), -ENOENT);
	KUNIT_EXPECT_EQ(test, memmap_sysmem_end(test->priv), (u64)SZ_4M);
	KUNIT_EXPECT_PTR_EQ(test, memmap_find(test->priv, SZ_1M), NULL);
	KUNIT_EXPECT_PTR_NE(test, memmap_find(test->priv, SZ_1M - 1), NULL);
}

static void memmap_reinit_drops_device_memory(struct kunit *test)
{
	u64 len = 0;
	char name[VM_MAX_SUFFIXLEN + 1];

	KUNIT_EXPECT_EQ(test, seg_alloc(test, 0, SZ_1M, ""), 0);
	KUNIT_EXPECT_EQ(test, seg_alloc(test, 1, SZ_1M, "rom"), 0);
	KUNIT_EXPECT_EQ(test, map(test, 0, 0, 0, SZ_1M, RWX, 0), 0);
	KUNIT_EXPECT_EQ(test, map(test, HIGH, 1, 0, SZ_1M, RWX, 0), 0);
	KUNIT_EXPECT_TRUE(test, poke(test, 0, 14));
	KUNIT_EXPECT_TRUE(test, poke(test, HIGH, 15));
	reinit(test);
	KUNIT_EXPECT_EQ(test, peek(test, 0), 14ULL);
	KUNIT_EXPECT_FALSE(test, poke(test, HIGH, 16));
	KUNIT_EXPECT_EQ(test, memseg_get(test->priv, 1, &len, name), 0);
	KUNIT_EXPECT_EQ(test, len, (u64)SZ_1M);
	KUNIT_EXPECT_EQ(test, map(test, HIGH, 1, 0, SZ_1M, RX, 0), 0);
	KUNIT_EXPECT_EQ(test, peek(test, HIGH), 15ULL);
}

static void memmap_wires_at_once(struct kunit *test)
{
	struct vm_mem *mem = test->priv;

	KUNIT_EXPECT_EQ(test, seg_alloc(test, 0, SZ_8M, ""), 0);
	KUNIT_EXPECT_EQ(test, map(test, SZ_4K, 0, SZ_4K, SZ_8M - SZ_8K, RW, WIRED), 0);
	KUNIT_EXPECT_EQ(test, mem_resident_bytes(mem), (u64)SZ_8M - SZ_8K);
	KUNIT_EXPECT_EQ(test, mem_wired_bytes(mem), (u64)SZ_8M - SZ_8K);
	KUNIT_EXPECT_EQ(test, unmap(test, SZ_4K, SZ_8M - SZ_8K), 0);
	KUNIT_EXPECT_EQ(test, mem_resident_bytes(mem), 0ULL);
	KUNIT_EXPECT_EQ(test, mem_wired_bytes(mem), 0ULL);
}

/* A VM that is being destroyed does not finish the wiring it has begun. */
static void memmap_stops_wiring(struct kunit *test)
{
	struct vm_mem *mem = test->priv;

	KUNIT_EXPECT_EQ(test, seg_alloc(test, 0, SZ_8M, ""), 0);
	vm_mem_stop(mem);
	KUNIT_EXPECT_EQ(test, map(test, 0, 0, 0, SZ_8M, RW, WIRED), -EINTR);
	KUNIT_EXPECT_EQ(test, mem_resident_bytes(mem), 0ULL);
	KUNIT_EXPECT_EQ(test, mem_wired_bytes(mem), 0ULL);
	KUNIT_EXPECT_PTR_EQ(test, memmap_find(mem, 0), NULL);
}

/* ---- Faults ---- */

static void mem_fault_tells_memory_from_mmio(struct kunit *test)
{
	struct vm_mem *mem = test->priv;
	u64 generation = gpt_generation(mem->gpt);
	unsigned int level;

	KUNIT_EXPECT_EQ(test, seg_alloc(test, 0, SZ_1M, ""), 0);
	KUNIT_EXPECT_EQ(test, map(test, SZ_1M, 0, 0, SZ_1M, RX, 0), 0);
	KUNIT_EXPECT_EQ(test, mem_fault(mem, 0, VM_PROT_READ), -ENOENT);
	KUNIT_EXPECT_EQ(test, mem_fault(mem, SZ_1M - 1, VM_PROT_READ), -ENOENT);
	KUNIT_EXPECT_EQ(test, mem_fault(mem, SZ_2M, VM_PROT_READ), -ENOENT);
	KUNIT_EXPECT_EQ(test, mem_fault(mem, SZ_1M, VM_PROT_WRITE), -ENOENT);
	KUNIT_EXPECT_EQ(test, mem_fault(mem, SZ_1M, RW), -ENOENT);
	KUNIT_EXPECT_EQ(test, mem_resident_bytes(mem), 0ULL);

	KUNIT_EXPECT_EQ(test, mem_fault(mem, SZ_1M + 5, VM_PROT_EXECUTE), 0);
	KUNIT_EXPECT_EQ(test, mem_fault(mem, SZ_1M + 6, VM_PROT_READ), 0);
	KUNIT_EXPECT_EQ(test, mem_resident_bytes(mem), (u64)SZ_4K);
	KUNIT_EXPECT_EQ(test, gpt_entry_prot(mem->gpt, gpt_lookup(mem->gpt, SZ_1M, &level)), RX);
	/* Nothing was taken away. */
	KUNIT_EXPECT_EQ(test, gpt_generation(mem->gpt), generation);
	KUNIT_EXPECT_EQ(test, unmap(test, SZ_1M, SZ_1M), 0);
	KUNIT_EXPECT_GT(test, gpt_generation(mem->gpt), generation);
}

static unsigned int fault_level(struct kunit *test, u64 gpa)
{
	struct vm_mem *mem = test->priv;
	unsigned int level = 7;

	KUNIT_EXPECT_EQ(test, mem_fault(mem, gpa, VM_PROT_READ), 0);
	KUNIT_EXPECT_NE(test, gpt_lookup(mem->gpt, gpa, &level), 0ULL);
	return level;
}

static void mem_fault_maps_large(struct kunit *test)
{
	struct vm_mem *mem = test->priv;
	unsigned int level;

	KUNIT_EXPECT_EQ(test, seg_alloc(test, 0, SZ_16M, ""), 0);
	KUNIT_EXPECT_EQ(test, map(test, SZ_4M, 0, SZ_2M, SZ_4M, RWX, 0), 0);
	level = fault_level(test, SZ_4M + SZ_2M + 5 * SZ_4K);
	if (level != 1)
		kunit_skip(test, "no huge page to be had");
	KUNIT_EXPECT_EQ(test, mem_resident_bytes(mem), (u64)SZ_2M);
	KUNIT_EXPECT_EQ(test, fault_level(test, SZ_8M - 1), 1u);
	KUNIT_EXPECT_EQ(test, mem_resident_bytes(mem), (u64)SZ_2M);

	/* Memory and guest disagree about alignment. */
	KUNIT_EXPECT_EQ(test, map(test, SZ_1G + SZ_4K, 0, SZ_8M, SZ_4M, RWX, 0), 0);
	KUNIT_EXPECT_EQ(test, fault_level(test, SZ_1G + SZ_2M), 0u);
	/* The mapping has not all of the 2 MiB, at its start and at its end. */
	KUNIT_EXPECT_EQ(test, map(test, SZ_2G + SZ_4K, 0, SZ_8M + SZ_4K, SZ_4M - SZ_8K, RWX, 0), 0);
	KUNIT_EXPECT_EQ(test, fault_level(test, SZ_2G + SZ_4K), 0u);
	KUNIT_EXPECT_EQ(test, fault_level(test, SZ_2G + SZ_4M - SZ_8K), 0u);
	KUNIT_EXPECT_EQ(test, fault_level(test, SZ_2G + SZ_2M - SZ_4K), 0u);
	/* The same pages, twice, in leaves of both sizes: each has its own reference. */
	KUNIT_EXPECT_EQ(test, map(test, SZ_4G, 0, SZ_8M, SZ_4M, RWX, 0), 0);
	KUNIT_EXPECT_EQ(test, fault_level(test, SZ_4G), 1u);
	KUNIT_EXPECT_TRUE(test, poke(test, SZ_4G + SZ_4K, 14));
	KUNIT_EXPECT_EQ(test, unmap(test, SZ_4G, SZ_4M), 0);
	KUNIT_EXPECT_EQ(test, peek(test, SZ_2G + SZ_4K), 14ULL);
}

static void mem_contents_start_at_zero(struct kunit *test)
{
	u64 gpa, wrong = 0;

	KUNIT_EXPECT_EQ(test, seg_alloc(test, 0, SZ_2M, ""), 0);
	KUNIT_EXPECT_EQ(test, map(test, 0, 0, 0, SZ_2M, RW, 0), 0);
	for (gpa = 0; gpa < SZ_2M; gpa += 8)
		wrong += peek(test, gpa) != 0;
	KUNIT_EXPECT_EQ(test, wrong, 0ULL);
}

/* ---- Holds ---- */

static void mem_holds_pages(struct kunit *test)
{
	struct vm_mem *mem = test->priv;
	struct mem_hold hold, second;
	u8 *addr;

	KUNIT_EXPECT_EQ(test, seg_alloc(test, 0, SZ_1M, ""), 0);
	KUNIT_EXPECT_EQ(test, map(test, SZ_1M, 0, 0, SZ_1M, RX, 0), 0);
	KUNIT_EXPECT_PTR_EQ(test, mem_hold(mem, 0, 1, VM_PROT_READ, &hold), NULL);
	KUNIT_EXPECT_PTR_EQ(test, mem_hold(mem, SZ_1M, 1, VM_PROT_WRITE, &hold), NULL);
	KUNIT_EXPECT_PTR_EQ(test, mem_hold_nosleep(mem, SZ_1M, 1, VM_PROT_READ, &hold), NULL);
	KUNIT_EXPECT_PTR_EQ(test, mem_hold(mem, SZ_1M + SZ_4K - 1, 2, VM_PROT_READ, &hold), NULL);
	KUNIT_EXPECT_PTR_EQ(test, mem_hold(mem, SZ_1M, SZ_4K + 1, VM_PROT_READ, &hold), NULL);
	KUNIT_EXPECT_PTR_EQ(test, mem_hold(mem, SZ_1M, SIZE_MAX, VM_PROT_READ, &hold), NULL);

	addr = mem_hold(mem, SZ_1M + 16, SZ_4K - 16, VM_PROT_READ, &hold);
	KUNIT_ASSERT_NOT_NULL(test, addr);
	KUNIT_EXPECT_PTR_EQ(test, mem_hold_nosleep(mem, SZ_1M + 17, 1, VM_PROT_READ, &second), (void *)(addr + 1));
	KUNIT_EXPECT_PTR_EQ(test, mem_hold_nosleep(mem, SZ_1M, 1, VM_PROT_WRITE, &hold), NULL);
	mem_release(&second, false);
	/* A hold outlives the mapping and the VM. */
	KUNIT_EXPECT_EQ(test, unmap(test, SZ_1M, SZ_1M), 0);
	memseg_free(mem, 0);
	KUNIT_EXPECT_EQ(test, *addr, 0);
	mem_release(&hold, false);
}

static void mem_aliases_agree(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, seg_alloc(test, 0, SZ_4M, ""), 0);
	KUNIT_EXPECT_EQ(test, map(test, 0, 0, 0, SZ_4M, RW, 0), 0);
	KUNIT_EXPECT_EQ(test, map(test, SZ_1G + SZ_4K, 0, SZ_2M, SZ_2M, RW, 0), 0);
	KUNIT_EXPECT_TRUE(test, poke(test, SZ_2M + SZ_64K + 8, 14));
	KUNIT_EXPECT_EQ(test, peek(test, SZ_1G + SZ_4K + SZ_64K + 8), 14ULL);
	KUNIT_EXPECT_TRUE(test, poke(test, SZ_1G + SZ_4K + SZ_1M, 15));
	KUNIT_EXPECT_EQ(test, peek(test, SZ_2M + SZ_1M), 15ULL);
}

/* ---- read and write [5.5] ---- */

/* A user buffer; the first call also gives the test's thread a user address space. */
static char __user *user_buffer(struct kunit *test, size_t len)
{
	unsigned long addr = kunit_vm_mmap(test, NULL, 0, len, PROT_READ | PROT_WRITE,
					   MAP_PRIVATE | MAP_ANONYMOUS, 0);

	return addr && !IS_ERR_VALUE(addr) ? (char __user *)addr : NULL;
}

static u8 user_byte(const char __user *at)
{
	u8 byte = 0xee;

	return copy_from_user(&byte, at, 1) ? 0xdd : byte;
}

/* 8 KiB of memory, a hole of 8 KiB, 4 KiB read-only, 4 KiB not readable; then nothing. A ROM higher up. */
static void rw_layout(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, seg_alloc(test, 0, SZ_1M, ""), 0);
	KUNIT_EXPECT_EQ(test, seg_alloc(test, 1, SZ_4K, "rom"), 0);
	KUNIT_EXPECT_EQ(test, map(test, 0, 0, 0, SZ_8K, RW, 0), 0);
	KUNIT_EXPECT_EQ(test, map(test, 4 * SZ_4K, 0, 4 * SZ_4K, SZ_4K, RX, 0), 0);
	KUNIT_EXPECT_EQ(test, map(test, 5 * SZ_4K, 0, 5 * SZ_4K, SZ_4K, VM_PROT_WRITE, 0), 0);
	KUNIT_EXPECT_EQ(test, map(test, HIGH, 1, 0, SZ_4K, RW, 0), 0);
}

static void mem_reads_across_holes(struct kunit *test)
{
	struct vm_mem *mem = test->priv;
	char __user *buf = user_buffer(test, SZ_64K);

	KUNIT_ASSERT_TRUE(test, buf != NULL);
	rw_layout(test);
	KUNIT_EXPECT_TRUE(test, poke(test, SZ_8K - 8, 0x1122334455667788));
	KUNIT_EXPECT_EQ(test, clear_user(buf, SZ_64K), 0ul);
	KUNIT_EXPECT_EQ(test, copy_to_user(buf + 9, "x", 1), 0ul);

	KUNIT_EXPECT_EQ(test, mem_read_user(mem, SZ_8K - 8, buf, 0), (ssize_t)0);
	KUNIT_EXPECT_EQ(test, mem_read_user(mem, SZ_8K - 8, buf, 16), (ssize_t)16);
	KUNIT_EXPECT_EQ(test, user_byte(buf), 0x88);
	KUNIT_EXPECT_EQ(test, user_byte(buf + 7), 0x11);
	KUNIT_EXPECT_EQ(test, user_byte(buf + 9), 0);
	/* To the end of system memory, counted up to there. */
	KUNIT_EXPECT_EQ(test, mem_read_user(mem, 0, buf, SZ_64K), (ssize_t)(6 * SZ_4K));
	KUNIT_EXPECT_EQ(test, mem_read_user(mem, 5 * SZ_4K, buf, SZ_4K), (ssize_t)SZ_4K);
	KUNIT_EXPECT_EQ(test, mem_read_user(mem, 6 * SZ_4K, buf, 1), (ssize_t)-EFAULT);
	KUNIT_EXPECT_EQ(test, mem_read_user(mem, BIT_ULL(47), buf, 1), (ssize_t)-EFAULT);
	KUNIT_EXPECT_EQ(test, mem_read_user(mem, U64_MAX, buf, 2), (ssize_t)-EFAULT);
	/* Device memory, which is above the end of system memory. */
	KUNIT_EXPECT_EQ(test, mem_read_user(mem, HIGH + 1, buf, SZ_64K), (ssize_t)SZ_4K - 1);
}

static void mem_writes_up_to_holes(struct kunit *test)
{
	struct vm_mem *mem = test->priv;
	char __user *buf = user_buffer(test, SZ_64K);

	KUNIT_ASSERT_TRUE(test, buf != NULL);
	rw_layout(test);
	KUNIT_EXPECT_EQ(test, copy_to_user(buf, "0123456789abcdef", 16), 0ul);
	KUNIT_EXPECT_EQ(test, mem_write_user(mem, SZ_4K - 8, buf, 16), (ssize_t)16);
	KUNIT_EXPECT_EQ(test, peek(test, SZ_4K - 8), 0x3736353433323130ULL);
	KUNIT_EXPECT_EQ(test, peek(test, SZ_4K), 0x6665646362613938ULL);
	KUNIT_EXPECT_EQ(test, mem_write_user(mem, SZ_8K - 8, buf, 16), (ssize_t)8);
	KUNIT_EXPECT_EQ(test, mem_write_user(mem, SZ_8K, buf, 16), (ssize_t)-EFAULT);
	KUNIT_EXPECT_EQ(test, mem_write_user(mem, 4 * SZ_4K, buf, 16), (ssize_t)-EFAULT);
	KUNIT_EXPECT_EQ(test, peek(test, 4 * SZ_4K), 0ULL);
	KUNIT_EXPECT_EQ(test, mem_write_user(mem, 5 * SZ_4K, buf, 16), (ssize_t)16);
	KUNIT_EXPECT_EQ(test, mem_write_user(mem, HIGH, buf, 16), (ssize_t)16);
	KUNIT_EXPECT_EQ(test, peek(test, HIGH), 0x3736353433323130ULL);
}

static void mem_transfers_stop_at_the_buffer_end(struct kunit *test)
{
	struct vm_mem *mem = test->priv;
	char __user *buf = user_buffer(test, SZ_8K);

	KUNIT_ASSERT_TRUE(test, buf != NULL);
	rw_layout(test);
	KUNIT_EXPECT_EQ(test, vm_munmap((unsigned long)buf + SZ_4K, SZ_4K), 0);
	KUNIT_EXPECT_EQ(test, mem_read_user(mem, 0, buf + SZ_4K - 8, 16), (ssize_t)8);
	KUNIT_EXPECT_EQ(test, mem_read_user(mem, SZ_8K, buf + SZ_4K - 8, 16), (ssize_t)8);
	KUNIT_EXPECT_EQ(test, mem_write_user(mem, 0, buf + SZ_4K - 8, 16), (ssize_t)8);
	KUNIT_EXPECT_EQ(test, mem_read_user(mem, 0, buf + SZ_4K, 16), (ssize_t)-EFAULT);
	KUNIT_EXPECT_EQ(test, mem_write_user(mem, 0, buf + SZ_4K, 16), (ssize_t)-EFAULT);
}

/* ---- mmap [5.3, 5.4] ---- */

static int node_mmap(struct file *file, struct vm_area_struct *vma)
{
	return memmap_mmap(file->private_data, vma);
}

static int seg_node_mmap(struct file *file, struct vm_area_struct *vma)
{
	return memseg_mmap(file->private_data, 1, vma);
}

static const struct file_operations node_fops = { .mmap = node_mmap };
static const struct file_operations seg_node_fops = { .mmap = seg_node_mmap };

/* A mapping's address, or an errno; it goes with the test's address space. */
static long user_mmap(struct kunit *test, const struct file_operations *fops, int open_flags,
		      unsigned long len, int prot, int flags, u64 off)
{
	struct file *file = anon_inode_getfile("vmm-test", fops, test->priv, open_flags);
	unsigned long addr;

	if (IS_ERR(file))
		return PTR_ERR(file);
	file->f_mode |= FMODE_LSEEK | FMODE_PREAD | FMODE_PWRITE;
	addr = vm_mmap(file, 0, len, prot, flags, off);
	fput(file);
	return addr;
}

static long node_map(struct kunit *test, unsigned long len, int prot, u64 off)
{
	return user_mmap(test, &node_fops, O_RDWR, len, prot, MAP_SHARED, off);
}

static long seg_node_map(struct kunit *test, unsigned long len, int prot, u64 off)
{
	return user_mmap(test, &seg_node_fops, O_RDWR, len, prot, MAP_SHARED, off);
}

static void mmap_layout(struct kunit *test)
{
	/* An address space for this thread. */
	KUNIT_EXPECT_TRUE(test, user_buffer(test, SZ_4K) != NULL);
	KUNIT_EXPECT_EQ(test, seg_alloc(test, 0, SZ_8M, ""), 0);
	KUNIT_EXPECT_EQ(test, seg_alloc(test, 1, SZ_1M, "fb"), 0);
	KUNIT_EXPECT_EQ(test, map(test, 0, 0, 0, SZ_4M, RWX, 0), 0);
	KUNIT_EXPECT_EQ(test, map(test, SZ_4M, 0, SZ_4M, SZ_4M, RWX, 0), 0);
	KUNIT_EXPECT_EQ(test, map(test, HIGH, 1, 0, SZ_1M, RWX, 0), 0);
}

static void mmap_checks_its_arguments(struct kunit *test)
{
	const int rw = PROT_READ | PROT_WRITE;

	mmap_layout(test);
	KUNIT_EXPECT_EQ(test, node_map(test, SZ_4K, PROT_READ | PROT_EXEC, 0), (long)-EINVAL);
	KUNIT_EXPECT_EQ(test, user_mmap(test, &node_fops, O_RDWR, SZ_4K, rw, MAP_PRIVATE, 0), (long)-EINVAL);
	KUNIT_EXPECT_EQ(test, node_map(test, SZ_4K, rw, SZ_8M), (long)-ENOENT);
	KUNIT_EXPECT_EQ(test, node_map(test, SZ_4K, rw, BIT_ULL(47)), (long)-ENOENT);
	KUNIT_EXPECT_EQ(test, node_map(test, SZ_4M + SZ_4K, rw, 0), (long)-ENOENT);
	KUNIT_EXPECT_EQ(test, node_map(test, SZ_8K, rw, SZ_4M - SZ_4K), (long)-ENOENT);
	KUNIT_EXPECT_EQ(test, node_map(test, SZ_8M, rw, SZ_4M), (long)-ENOENT);
	KUNIT_EXPECT_EQ(test, node_map(test, SZ_4K, rw, HIGH), (long)-EINVAL);
	KUNIT_EXPECT_LT(test, node_map(test, SZ_4K, rw, BIT_ULL(63)), 0L);

	KUNIT_EXPECT_EQ(test, seg_node_map(test, SZ_4K, PROT_EXEC, 0), (long)-EINVAL);
	KUNIT_EXPECT_EQ(test, seg_node_map(test, SZ_4K, rw, SZ_1M), (long)-EINVAL);
	KUNIT_EXPECT_EQ(test, seg_node_map(test, SZ_8K, rw, SZ_1M - SZ_4K), (long)-EINVAL);
	KUNIT_EXPECT_EQ(test, seg_node_map(test, SZ_2M, rw, 0), (long)-EINVAL);
	KUNIT_EXPECT_EQ(test, seg_node_map(test, SZ_4K, rw, BIT_ULL(52)), (long)-EINVAL);
	memseg_free(test->priv, 1);
	KUNIT_EXPECT_EQ(test, seg_node_map(test, SZ_4K, rw, 0), (long)-ENXIO);
}

static void mmap_shows_guest_memory(struct kunit *test)
{
	u64 __user *ram, *fb;
	u64 value = 0;
	long addr;

	mmap_layout(test);
	addr = node_map(test, SZ_1M, PROT_READ | PROT_WRITE, SZ_4M + SZ_64K);
	KUNIT_ASSERT_GT(test, addr, 0L);
	ram = (u64 __user *)addr;
	addr = seg_node_map(test, SZ_64K, PROT_READ | PROT_WRITE, SZ_4K);
	KUNIT_ASSERT_GT(test, addr, 0L);
	fb = (u64 __user *)addr;

	KUNIT_EXPECT_TRUE(test, poke(test, SZ_4M + SZ_64K + 8, 14));
	KUNIT_EXPECT_EQ(test, get_user(value, &ram[1]), 0);
	KUNIT_EXPECT_EQ(test, value, 14ULL);
	KUNIT_EXPECT_EQ(test, put_user(15ULL, &ram[SZ_128K / 8]), 0);
	KUNIT_EXPECT_EQ(test, peek(test, SZ_4M + SZ_64K + SZ_128K), 15ULL);
	KUNIT_EXPECT_EQ(test, put_user(16ULL, &fb[0]), 0);
	KUNIT_EXPECT_EQ(test, peek(test, HIGH + SZ_4K), 16ULL);

	/* The program's mapping stays when the guest's goes, and when the VM goes. */
	KUNIT_EXPECT_EQ(test, unmap(test, SZ_4M, SZ_4M), 0);
	KUNIT_EXPECT_EQ(test, get_user(value, &ram[SZ_128K / 8]), 0);
	KUNIT_EXPECT_EQ(test, value, 15ULL);
	vm_mem_fini(test->priv);
	KUNIT_EXPECT_EQ(test, get_user(value, &fb[0]), 0);
	KUNIT_EXPECT_EQ(test, value, 16ULL);
	KUNIT_EXPECT_EQ(test, get_user(value, &ram[SZ_64K / 8]), 0);
	KUNIT_EXPECT_EQ(test, value, 0ULL);
	KUNIT_EXPECT_EQ(test, vm_mem_init(test->priv, &fake_pte_format), 0);
}

/* A descriptor opened for reading gives a mapping that cannot be written. */
static void mmap_respects_the_descriptor(struct kunit *test)
{
	long addr;

	mmap_layout(test);
	KUNIT_EXPECT_EQ(test, user_mmap(test, &node_fops, O_RDONLY, SZ_4K, PROT_READ | PROT_WRITE, MAP_SHARED, 0),
			(long)-EACCES);
	addr = user_mmap(test, &node_fops, O_RDONLY, SZ_4K, PROT_READ, MAP_SHARED, 0);
	KUNIT_ASSERT_GT(test, addr, 0L);
	KUNIT_EXPECT_TRUE(test, poke(test, 0, 14));
	KUNIT_EXPECT_EQ(test, user_byte((char __user *)addr), 14);
	KUNIT_EXPECT_NE(test, put_user(1ULL, (u64 __user *)addr), 0);
}

static void mmap_vma_is_ordinary(struct kunit *test)
{
	struct vm_mem *mem = test->priv;
	struct vm_area_struct *vma;
	long addr;

	mmap_layout(test);
	addr = node_map(test, SZ_1M, PROT_READ | PROT_WRITE, SZ_4M);
	KUNIT_ASSERT_GT(test, addr, 0L);
	mmap_read_lock(current->mm);
	vma = find_vma(current->mm, addr);
	KUNIT_EXPECT_PTR_EQ(test, vma->vm_file, mem->segs[0].file);
	KUNIT_EXPECT_EQ(test, vma->vm_pgoff, (unsigned long)SZ_4M >> PAGE_SHIFT);
	KUNIT_EXPECT_EQ(test, vma->vm_flags & (VM_IO | VM_PFNMAP | VM_MIXEDMAP | VM_EXEC | VM_MAYEXEC), 0ul);
	mmap_read_unlock(current->mm);
}

static struct kunit_case memseg_test_cases[] = {
	KUNIT_CASE(memseg_alloc_checks_its_arguments),
	KUNIT_CASE(memseg_alloc_refuses_a_second),
	KUNIT_CASE(memseg_alloc_takes_any_size),
	KUNIT_CASE(memseg_get_describes),
	KUNIT_CASE(memseg_free_makes_room),
	KUNIT_CASE(memseg_pages_stay_in_the_file),
	KUNIT_CASE(memmap_checks_its_arguments),
	KUNIT_CASE(memmap_keeps_to_the_address_space),
	KUNIT_CASE(memmap_survives_every_boundary),
	KUNIT_CASE(memmap_refuses_overlap),
	KUNIT_CASE(memmap_has_so_many_slots),
	KUNIT_CASE(memmap_unmaps_what_was_mapped),
	KUNIT_CASE(memmap_lists_in_order),
	KUNIT_CASE(memmap_reinit_drops_device_memory),
	KUNIT_CASE(memmap_wires_at_once),
	KUNIT_CASE(memmap_stops_wiring),
	KUNIT_CASE(mem_fault_tells_memory_from_mmio),
	KUNIT_CASE(mem_fault_maps_large),
	KUNIT_CASE(mem_contents_start_at_zero),
	KUNIT_CASE(mem_holds_pages),
	KUNIT_CASE(mem_aliases_agree),
	KUNIT_CASE(mem_reads_across_holes),
	KUNIT_CASE(mem_writes_up_to_holes),
	KUNIT_CASE(mem_transfers_stop_at_the_buffer_end),
	KUNIT_CASE(mmap_checks_its_arguments),
	KUNIT_CASE(mmap_shows_guest_memory),
	KUNIT_CASE(mmap_respects_the_descriptor),
	KUNIT_CASE(mmap_vma_is_ordinary),
	{}
};

static struct kunit_suite memseg_test_suite = {
	.name = "vmm-mem",
	.suite_init = memseg_suite_init,
	.suite_exit = memseg_suite_exit,
	.init = memseg_test_init,
	.exit = memseg_test_exit,
	.test_cases = memseg_test_cases,
};
kunit_test_suite(memseg_test_suite);
