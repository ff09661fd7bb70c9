// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * hold: the kernel's own short access to guest pages.
 *
 * mem_hold() and mem_hold_nosleep() go through the nested table, so they see just
 * what the guest sees. read(2) and write(2) run beside the vCPUs and beside changes
 * of the map; they go through the segment's file, which they keep, page by page.
 */
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/io.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/uaccess.h>

#include "gpt.h"
#include "mem_priv.h"

void *mem_hold_nosleep(struct vm_mem *mem, u64 gpa, size_t len, int prot, struct mem_hold *hold)
{
	unsigned int level;
	u64 pte, hpa;

	if (len > PAGE_SIZE - offset_in_page(gpa))
		return NULL;
	pte = gpt_lookup_entry(mem->gpt, gpa, &level, &hold->entry);
	if (!pte || gpt_leaf_is_device(pte) || (gpt_entry_prot(mem->gpt, pte) & prot) != prot)
		return NULL;
	hpa = gpt_leaf_hpa(pte, level) + (gpa & ((PAGE_SIZE << 9 * level) - 1));
	/* The leaf's own reference cannot go away under us: removals keep out vCPU threads and the lock's holders. */
	hold->gpt = mem->gpt;
	hold->page = pfn_to_page(PHYS_PFN(hpa));
	get_page(hold->page);
	return page_address(hold->page) + offset_in_page(hpa);
}

void *mem_hold(struct vm_mem *mem, u64 gpa, size_t len, int prot, struct mem_hold *hold)
{
	void *addr = mem_hold_nosleep(mem, gpa, len, prot, hold);

	if (addr || mem_fault(mem, gpa, prot))
		return addr;
	return mem_hold_nosleep(mem, gpa, len, prot, hold);
}

void mem_release(struct mem_hold *hold, bool dirtied)
{
	if (dirtied) {
		set_page_dirty(hold->page);
		gpt_mark_dirty(hold->gpt, hold->entry);
	}
	put_page(hold->page);
	hold->page = NULL;
}

/* ---- read(2), write(2) ---- */

/* The file behind @gpa, if the guest may access it as @prot says, and the offset in it; NULL: a hole. */
static struct file *mem_get_file(struct vm_mem *mem, u64 gpa, int prot, u64 *off)
{
	const struct memmap *map;
	struct file *file = NULL;

	spin_lock(&mem->map_lock);
	map = memmap_find(mem, gpa);
	if (map && (map->prot & prot) == prot) {
		file = get_file(mem->segs[map->segid].file);
		*off = map->segoff + (gpa - map->gpa);
	}
	spin_unlock(&mem->map_lock);
	return file;
}

static u64 mem_sysmem_end(struct vm_mem *mem)
{
	u64 end;

	spin_lock(&mem->map_lock);
	end = memmap_sysmem_end(mem);
	spin_unlock(&mem->map_lock);
	return end;
}

/*
 * A page of guest memory with a reference, found through its file; NULL: a hole.
 * Marked dirty beforehand: afterwards the VM and its files may go at any time.
 */
static struct page *mem_get_page(struct vm_mem *mem, u64 gpa, int prot)
{
	struct page *page;
	struct file *file;
	u64 off;

	file = mem_get_file(mem, gpa, prot, &off);
	if (!file)
		return NULL;
	page = memseg_read_page(file, off);
	if (!IS_ERR(page) && (prot & VM_PROT_WRITE))
		set_page_dirty(page);
	fput(file);
	return page;
}

/*
 * The copiers of mem_transfer(): @len bytes at @gpa, within a page, and the user's
 * buffer. They return bytes done, fewer than @len if the buffer ends, or an errno.
 */
typedef ssize_t (*mem_copy_fn)(struct vm_mem *mem, u64 gpa, void __user *buf, size_t len);

static ssize_t mem_copy_out(struct vm_mem *mem, u64 gpa, void __user *buf, size_t len)
{
	struct page *page = mem_get_page(mem, gpa, VM_PROT_READ);
	size_t left;

	if (IS_ERR(page))
		return PTR_ERR(page);
	if (!page)
		return gpa < mem_sysmem_end(mem) ? len - clear_user(buf, len) : -EFAULT;
	left = copy_to_user(buf, page_address(page) + offset_in_page(gpa), len);
	put_page(page);
	return len - left;
}

static ssize_t mem_copy_in(struct vm_mem *mem, u64 gpa, void __user *buf, size_t len)
{
	struct page *page = mem_get_page(mem, gpa, VM_PROT_WRITE);
	size_t left;

	if (IS_ERR(page))
		return PTR_ERR(page);
	if (!page)
		return -EFAULT;
	left = copy_from_user(page_address(page) + offset_in_page(gpa), buf, len);
	put_page(page);
	return len - left;
}

static ssize_t mem_transfer(struct vm_mem *mem, u64 gpa, void __user *buf, size_t len, mem_copy_fn copy)
{
	size_t done = 0, chunk;
	ssize_t ret = 0;

	while (done < len) {
		chunk = min_t(size_t, len - done, PAGE_SIZE - offset_in_page(gpa));
		ret = mem_must_stop(mem) ? -EINTR : copy(mem, gpa, buf + done, chunk);
		if (ret < 0)
			break;
		done += ret;
		gpa += ret;
		if (ret < chunk) {
			ret = -EFAULT;
			break;
		}
		cond_resched();
	}
	return done ? done : ret;
}

ssize_t mem_read_user(struct vm_mem *mem, u64 gpa, char __user *buf, size_t len)
{
	return mem_transfer(mem, gpa, buf, len, mem_copy_out);
}

ssize_t mem_write_user(struct vm_mem *mem, u64 gpa, const char __user *buf, size_t len)
{
	return mem_transfer(mem, gpa, (void __user *)buf, len, mem_copy_in);
}
