/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * mem: guest memory. Segments (shmem files), the GPA map that places them in
 * the guest, the nested page table that hardware walks, and short holds on
 * guest pages for the kernel's own reads and writes.
 *
 * Locks: mem->lock (rw_semaphore), taken by the ioctl dispatcher: exclusive
 * together with every vCPU frozen to change segments or map (class B), shared
 * to look (class D). A vCPU thread inside VM_RUN takes no lock to fault or
 * hold: its own vCPU is frozen, which keeps every class B request out.
 *
 * mmap(2) comes with the caller's mmap_lock held, and mem->lock may be waiting for
 * a vCPU thread that copies to user memory and so needs that mmap_lock. So mmap
 * must not take mem->lock, and read(2) and write(2), which copy for as long as the
 * user likes, should not. They find segments and mappings under mem->map_lock, a
 * spin lock that every change takes as well, and go on with a reference on the file.
 */
#ifndef VMM_MEM_MEM_H
#define VMM_MEM_MEM_H

#include <linux/list.h>
#include <linux/rwsem.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <machine/vmm.h>
#include <machine/vmm_compat.h>
#include <machine/vmm_dev.h>

struct file;
struct gpt;
struct page;
struct pte_format;
struct vm_area_struct;

#define MEM_GPA_BITS	47	/* guest physical addresses: 0 up to the 47-bit user limit, semantics.md 5.2 */
#define MEM_MAX_SEGS	VM_MAX_MEMSEGS_15	/* 11: both 14.3's 0..3 and 15's ids fit */
#define MEM_MAX_MAPS	VM_MAX_MEMMAPS_15	/* 22 */

struct memseg {
	struct file *file;		/* NULL: unallocated */
	u64 len;
	char name[VM_MAX_SUFFIXLEN + 1];	/* empty: system memory */
};

struct memmap {
	u64 gpa, len;			/* len 0: slot free */
	int segid;
	u64 segoff;
	int prot;			/* VM_PROT_* */
	int flags;			/* VM_MEMMAP_F_* */
};

/* Registers of a passed-through device that the guest sees. */
struct mem_device {
	struct list_head link;		/* vm_mem.map_lock */
	u64 gpa, len;			/* constant while linked */
};

struct vm_mem {
	struct rw_semaphore lock;
	spinlock_t map_lock;		/* innermost; see above */
	struct memseg segs[MEM_MAX_SEGS];	/* change: lock exclusive and map_lock; look: either */
	struct memmap maps[MEM_MAX_MAPS];	/* the same; a vCPU thread looks without */
	struct list_head devices;	/* struct mem_device; map_lock */
	struct gpt *gpt;		/* constant; its own rules, see gpt.c */
	bool stopped;			/* atomic: the VM is being destroyed */
	unsigned int max_maps;		/* lock; 14.3's limit until a segment is made by 15's request */
	unsigned int used_maps;		/* as maps; none of those from here on is in use */
};

/* The module's tmpfs mount (huge=within_size); init/exit of the module. */
int mem_module_init(void);
void mem_module_exit(void);

int vm_mem_init(struct vm_mem *mem, const struct pte_format *format);	/* -ENOMEM */
/* The VM is being destroyed: wiring and transfers under way end after the page at hand (-EINTR). Any context. */
void vm_mem_stop(struct vm_mem *mem);
void vm_mem_fini(struct vm_mem *mem);		/* no vCPU left; drops every page */
void vm_mem_reinit(struct vm_mem *mem);		/* VM_REINIT: unmaps device memory, keeps the rest */

/* Segments (semantics.md 5.1), errnos as there. lock: exclusive. */
int memseg_alloc(struct vm_mem *mem, int segid, u64 len, const char *name);
void memseg_free(struct vm_mem *mem, int segid);	/* undo of a failed node creation, VM destruction */
int memseg_get(struct vm_mem *mem, int segid, u64 *len, char *name);	/* lock: shared */

/*
 * Mappings (semantics.md 5.2). lock: exclusive; caller flushes TLBs by the generation afterwards.
 * memmap_map() with VM_MEMMAP_F_WIRED: -EINTR as well, if the caller is being killed or the VM goes.
 */
int memmap_map(struct vm_mem *mem, u64 gpa, int segid, s64 segoff, u64 len, int prot, int flags);
int memmap_unmap(struct vm_mem *mem, u64 gpa, u64 len);
int memmap_next(struct vm_mem *mem, struct vm_memmap *mm);	/* lock: shared; -ENOENT */
const struct memmap *memmap_find(struct vm_mem *mem, u64 gpa);	/* NULL: a hole */
u64 memmap_sysmem_end(struct vm_mem *mem);	/* end of system memory, exclusive */

/*
 * User mappings (semantics.md 5.3, 5.4); they keep the shmem file, not the VM. mmap_lock held for writing;
 * mem->lock must not be taken. -EINVAL: also MAP_PRIVATE. -ENOENT: no single mapping has the whole range.
 */
int memmap_mmap(struct vm_mem *mem, struct vm_area_struct *vma);	/* offset is the GPA */
int memseg_mmap(struct vm_mem *mem, int segid, struct vm_area_struct *vma);
/*
 * read(2)/write(2) on the VM's node (semantics.md 5.5); returns bytes done, -EFAULT, -ENOMEM, or -EINTR (the
 * caller is being killed, or the VM goes). mem->lock need not be held, and better is not.
 */
ssize_t mem_read_user(struct vm_mem *mem, u64 gpa, char __user *buf, size_t len);
ssize_t mem_write_user(struct vm_mem *mem, u64 gpa, const char __user *buf, size_t len);

/*
 * Nested fault at @gpa for GPT_PROT_* @prot: maps the page (2 MiB where the folio, the
 * alignment and the mapping allow). 0: mapped, run again. -ENOENT: no memory there, or it
 * does not grant @prot: MMIO. -ENOMEM. -EFAULT: the page is lost to a hardware memory error.
 * Sleeps. vCPU thread, or lock held.
 */
int mem_fault(struct vm_mem *mem, u64 gpa, int prot);

/*
 * Kernel address of [gpa, gpa + len), which must not cross a 4 KiB page, with a reference
 * on the page until mem_release(). NULL: not backed or @prot not granted. mem_hold_nosleep()
 * finds only what the nested table already maps, and takes no lock: vCPU thread, preemption
 * may be off. mem_hold() populates.
 */
struct mem_hold {
	struct page *page;
	const struct gpt *gpt;
	u64 *entry;		/* of the nested table */
};
void *mem_hold(struct vm_mem *mem, u64 gpa, size_t len, int prot, struct mem_hold *hold);
void *mem_hold_nosleep(struct vm_mem *mem, u64 gpa, size_t len, int prot, struct mem_hold *hold);
void mem_release(struct mem_hold *hold, bool dirtied);

/*
 * Device registers, device.c. Map [hpa, hpa + len), all page aligned, at @gpa. @dev: not linked; it belongs to the
 * room until it is unmapped. Every vCPU frozen. 0; -EINVAL: outside the guest's address space, or overlaps memory
 * or other registers; -ENOMEM.
 */
int mem_device_map(struct vm_mem *mem, struct mem_device *dev, u64 gpa, u64 hpa, u64 len);
/* Every vCPU frozen. */
void mem_device_unmap(struct vm_mem *mem, struct mem_device *dev);
/* vCPUs may run: when it returns, the guest does not reach the device any more. Process context. */
void mem_device_zap(struct vm_mem *mem, struct mem_device *dev);

/*
 * DMA, wire.c. Populate all system memory and tell @fn of it, in runs that are contiguous on both sides; what is
 * wired for a device cannot be unmapped until mem_unwire(). 0; -ENOMEM, -EFAULT, -EINTR (as memmap_map()), or what
 * @fn returned. lock: exclusive. Sleeps.
 */
typedef int (*mem_run_fn)(void *ctx, u64 gpa, u64 hpa, u64 len, int prot);
int mem_wire(struct vm_mem *mem, mem_run_fn fn, void *ctx);
void mem_unwire(struct vm_mem *mem);
/* True if system memory has a part of [gpa, end). lock: any. */
bool mem_sysmem_overlaps(struct vm_mem *mem, u64 gpa, u64 end);
u64 mem_sysmem_bytes(struct vm_mem *mem);	/* lock: any */

/*
 * Which pages have the guest, and the kernel in its stead, written since the last call with @clear?
 * @gpa, @len: multiples of 4096, @gpa + @len does not wrap. @bitmap: a bit a page, all 0 at call. All
 * vCPUs frozen. Returns the bits that are set. A page that goes with its mapping is forgotten.
 */
u64 mem_dirty_harvest(struct vm_mem *mem, u64 gpa, u64 len, bool clear, unsigned long *bitmap);
/* Count the pages of @bitmap as written again: nobody has got to know. lock: shared. */
void mem_dirty_restore(struct vm_mem *mem, u64 gpa, u64 len, const unsigned long *bitmap);

/* Bytes resident and wired (VMM_MEM_RESIDENT, VMM_MEM_WIRED). Any context. */
u64 mem_resident_bytes(struct vm_mem *mem);
u64 mem_wired_bytes(struct vm_mem *mem);
/* Bytes that the segments have pages for, whoever touched them. Not atomic. */
u64 mem_touched_bytes(struct vm_mem *mem);

#endif
