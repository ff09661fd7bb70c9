// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * memseg: segments of guest memory.
 *
 * A segment is an unlinked shmem file on a tmpfs mount of our own. From that come
 * demand-zero pages, huge pages, NUMA policy, charging to the cgroup of whoever
 * touches a page first, and user mappings like any other. The kernel, the nested
 * table and user mappings all find a page through the file, so they agree on which
 * page it is as long as no page leaves the file. That is why the file can neither
 * be truncated nor punched (see memseg_create_file()). Whatever happens to it, a
 * page that the guest can reach is referenced by the nested table and is not freed.
 */
#define pr_fmt(fmt) "vmm: " fmt
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/mount.h>
#include <linux/pagemap.h>
#include <linux/rcupdate.h>
#include <linux/shmem_fs.h>
#include <linux/string.h>
#include <compat_mm.h>

#include "gpt.h"
#include "mem_priv.h"

static unsigned long memseg_limit_mb;
module_param_named(memory_limit, memseg_limit_mb, ulong, 0444);
MODULE_PARM_DESC(memory_limit, "memory that all VMs together may take, in MiB; 0: the host's, less an eighth or 2048 MiB, whichever is less");

static struct vfsmount *memseg_mnt;	/* constant after load */

/* ---- The mount ---- */

/*
 * VMs outlive processes, so that killing a process gives none of their memory back:
 * without a limit they could leave the host with nothing that helps. At the limit,
 * VM_RUN and requests get ENOMEM, and a program that touches a new page SIGBUS.
 */
static unsigned long memseg_limit(void)
{
	unsigned long ram_mb = totalram_pages() >> (20 - PAGE_SHIFT);

	return memseg_limit_mb ?: ram_mb - min(ram_mb / 8, 2048UL);
}

static struct vfsmount *memseg_mount(const char *options)
{
	struct file_system_type *type = get_fs_type("tmpfs");
	char data[64];

	if (!type)
		return ERR_PTR(-ENODEV);
	snprintf(data, sizeof(data), "size=%luM%s", memseg_limit(), options);	/* the parser cuts it up */
	/* SB_KERNMOUNT: reached by the files made on it alone. */
	return vfs_kern_mount(type, SB_KERNMOUNT, type->name, data);
}

int mem_module_init(void)
{
	struct vfsmount *mnt = memseg_mount(",huge=within_size");

	if (IS_ERR(mnt)) {
		pr_notice("no huge pages for guest memory (tmpfs: error %ld), guests run on 4 KiB pages\n",
			  PTR_ERR(mnt));
		mnt = memseg_mount("");
	}
	if (IS_ERR(mnt))
		return PTR_ERR(mnt);
	/* User mappings come from /dev, but remap_file_pages(2) asks the file's own mount. */
	mnt->mnt_sb->s_iflags |= SB_I_NOEXEC;
	memseg_mnt = mnt;
	return 0;
}

void mem_module_exit(void)
{
	kern_unmount(memseg_mnt);
	rcu_barrier();	/* nested tables on their way to table_free_rcu_cb() */
}

/* ---- Segments ---- */

static struct file *memseg_create_file(int segid, u64 len)
{
	struct address_space *mapping;
	struct file *file;
	char name[32];

	snprintf(name, sizeof(name), "vmm-segment-%d", segid);
	/* VM_NORESERVE: commit memory when it is touched. A segment may have holes of any size. */
	file = shmem_file_setup_with_mnt(memseg_mnt, name, len, VM_NORESERVE);
	if (IS_ERR(file))
		return file;

	/*
	 * The nested table holds pages for as long as they are mapped. Not movable:
	 * such pages must not come from areas that the kernel wants to empty (CMA,
	 * memory to be unplugged). Unevictable: reclaim need not look at them.
	 */
	mapping = file->f_mapping;
	mapping_set_gfp_mask(mapping, GFP_HIGHUSER);
	mapping_set_unevictable(mapping);
	/*
	 * A program with a mapping could take pages out of the file by MADV_REMOVE,
	 * and root by truncating /proc/PID/map_files/...: the guest would keep the
	 * old page while everybody else sees a new one. Immutable: EPERM for both.
	 */
	inode_set_flags(file_inode(file), S_IMMUTABLE, S_IMMUTABLE);
	return file;
}

/* -EEXIST: there is just such a segment. -EINVAL: there is another one. */
static int memseg_check_free(const struct memseg *seg, u64 len, const char *name)
{
	if (!seg->file)
		return 0;
	return seg->len == len && memseg_is_sysmem(seg) == !name[0] ? -EEXIST : -EINVAL;
}

int memseg_alloc(struct vm_mem *mem, int segid, u64 len, const char *name)
{
	struct memseg *seg;
	struct file *file;
	int ret;

	lockdep_assert_held_write(&mem->lock);
	if (strnlen(name, VM_MAX_SUFFIXLEN + 1) > VM_MAX_SUFFIXLEN)
		return -ENAMETOOLONG;
	if (segid < 0 || segid >= MEM_MAX_SEGS || !len || !PAGE_ALIGNED(len))
		return -EINVAL;
	seg = &mem->segs[segid];
	ret = memseg_check_free(seg, len, name);
	if (ret)
		return ret;
	file = memseg_create_file(segid, len);
	if (IS_ERR(file))
		return PTR_ERR(file);

	spin_lock(&mem->map_lock);
	seg->file = file;
	seg->len = len;
	strscpy_pad(seg->name, name, sizeof(seg->name));
	spin_unlock(&mem->map_lock);
	return 0;
}

void memseg_free(struct vm_mem *mem, int segid)
{
	struct memseg *seg;
	struct file *file;

	if (segid < 0 || segid >= MEM_MAX_SEGS)
		return;
	seg = &mem->segs[segid];
	spin_lock(&mem->map_lock);
	file = seg->file;
	memset(seg, 0, sizeof(*seg));
	spin_unlock(&mem->map_lock);
	if (file)
		fput(file);
}

u64 mem_touched_bytes(struct vm_mem *mem)
{
	u64 pages = 0;
	int i;

	spin_lock(&mem->map_lock);
	for (i = 0; i < MEM_MAX_SEGS; i++)
		if (mem->segs[i].file)
			pages += READ_ONCE(mem->segs[i].file->f_mapping->nrpages);
	spin_unlock(&mem->map_lock);
	return pages << PAGE_SHIFT;
}

int memseg_get(struct vm_mem *mem, int segid, u64 *len, char *name)
{
	const struct memseg *seg;

	if (segid < 0 || segid >= MEM_MAX_SEGS)
		return -EINVAL;
	seg = &mem->segs[segid];
	*len = seg->len;
	if (seg->file)
		memcpy(name, seg->name, sizeof(seg->name));
	return 0;
}

struct page *memseg_read_page(struct file *file, u64 off)
{
	struct address_space *mapping = file->f_mapping;
	/* A shortage ends in an error for this VM, not in the killing of a process. */
	gfp_t gfp = mapping_gfp_mask(mapping) | __GFP_RETRY_MAYFAIL | __GFP_NOWARN;
	struct page *page = shmem_read_mapping_page_gfp(mapping, off >> PAGE_SHIFT, gfp);

	if (!IS_ERR(page))
		return page;
	if (PTR_ERR(page) == -EIO || PTR_ERR(page) == -EHWPOISON)
		return ERR_PTR(-EFAULT);
	return ERR_PTR(-ENOMEM);	/* also -ENOSPC: the limit, or the overcommit policy */
}

/* ---- User mappings ---- */

int memseg_check_vma(const struct vm_area_struct *vma)
{
	/*
	 * VM_MAYSHARE is MAP_SHARED; VM_SHARED is clear where the descriptor is
	 * read-only. A private copy would stop following the guest at the first write.
	 */
	if (!(vma->vm_flags & VM_MAYSHARE) || (vma->vm_flags & VM_EXEC))
		return -EINVAL;
	return 0;
}

int memseg_mmap_file(struct file *file, u64 off, struct vm_area_struct *vma)
{
	int ret;

	vm_flags_clear(vma, VM_MAYEXEC);
	vma->vm_pgoff = off >> PAGE_SHIFT;
	ret = call_mmap(file, vma);
	if (ret)
		return ret;
	vma_set_file(vma, file);
	return 0;
}

int memseg_mmap(struct vm_mem *mem, int segid, struct vm_area_struct *vma)
{
	u64 off = (u64)vma->vm_pgoff << PAGE_SHIFT;
	u64 len = vma->vm_end - vma->vm_start;
	struct file *file = NULL;
	u64 seg_len = 0;
	int ret;

	ret = memseg_check_vma(vma);
	if (ret)
		return ret;
	if (segid < 0 || segid >= MEM_MAX_SEGS)
		return -EINVAL;

	spin_lock(&mem->map_lock);
	if (mem->segs[segid].file) {
		file = get_file(mem->segs[segid].file);
		seg_len = mem->segs[segid].len;
	}
	spin_unlock(&mem->map_lock);
	if (!file)
		return -ENXIO;
	/* vm_pgoff << PAGE_SHIFT may have wrapped only if the offset is beyond any segment. */
	if (vma->vm_pgoff >= seg_len >> PAGE_SHIFT || len > seg_len - off)
		ret = -EINVAL;
	else
		ret = memseg_mmap_file(file, off, vma);
	fput(file);
	return ret;
}

/* ---- A VM's memory ---- */

int vm_mem_init(struct vm_mem *mem, const struct pte_format *format)
{
	struct gpt *gpt = gpt_create(format);

	memset(mem, 0, sizeof(*mem));
	init_rwsem(&mem->lock);
	spin_lock_init(&mem->map_lock);
	INIT_LIST_HEAD(&mem->devices);
	mem->max_maps = VM_MAX_MEMMAPS;
	if (IS_ERR(gpt))
		return PTR_ERR(gpt);
	mem->gpt = gpt;
	return 0;
}

void vm_mem_stop(struct vm_mem *mem)
{
	WRITE_ONCE(mem->stopped, true);
}

void vm_mem_fini(struct vm_mem *mem)
{
	int i;

	spin_lock(&mem->map_lock);
	memset(mem->maps, 0, sizeof(mem->maps));
	spin_unlock(&mem->map_lock);
	if (mem->gpt)
		gpt_destroy(mem->gpt);
	mem->gpt = NULL;
	for (i = 0; i < MEM_MAX_SEGS; i++)
		memseg_free(mem, i);
}
