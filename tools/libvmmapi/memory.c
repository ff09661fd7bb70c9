// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * Guest memory. System memory is one segment in which offset and guest-physical address are the
 * same, so that one address calculation serves both halves; the hole between low and high memory is
 * part of the segment and never touched.
 *
 * In this process the segment lies at ctx->base, inside one reservation of inaccessible address
 * space that also holds the guards:
 *
 *	guard | low memory | hole (inaccessible) | high memory | guard
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <vmm_linux.h>

#include "internal.h"

#define GUARD_SIZE	(4 * MIB)
/* Mappings start on such a boundary, so that 2 MiB pages can serve them. */
#define HUGE_PAGE_SIZE	(2 * MIB)

/* Power of 1024 that a suffix stands for, or -1. */
static int suffix_exponent(const char *suffix)
{
	static const char letters[] = "bkmgtpe";
	const char *found;

	if (suffix[0] == '\0')
		return 0;
	found = strchr(letters, tolower((unsigned char)suffix[0]));
	if (found == NULL || suffix[1] != '\0')
		return -1;
	return (int)(found - letters);
}

int vm_parse_memsize(const char *optarg, size_t *memsize)
{
	unsigned long value;
	int exponent;
	char *end;

	if (!isdigit((unsigned char)optarg[0])) {
		errno = EINVAL;
		return -1;
	}
	errno = 0;
	value = strtoul(optarg, &end, 0);
	if (errno != 0)
		return -1;
	exponent = suffix_exponent(end);
	if (exponent < 0) {
		errno = EINVAL;
		return -1;
	}
	if (*end == '\0' && value < MIB)
		exponent = 2;
	if (value > SIZE_MAX >> (10 * exponent)) {
		errno = ERANGE;
		return -1;
	}
	*memsize = value << (10 * exponent);
	return 0;
}

uint32_t vm_get_lowmem_limit(struct vmctx *ctx)
{
	return ctx->lowmem_limit;
}

void vm_set_lowmem_limit(struct vmctx *ctx, uint32_t limit)
{
	ctx->lowmem_limit = limit;
}

void vm_set_memflags(struct vmctx *ctx, int flags)
{
	ctx->memflags = flags;
}

int vm_get_memflags(struct vmctx *ctx)
{
	return ctx->memflags;
}

size_t vm_get_lowmem_size(struct vmctx *ctx)
{
	return ctx->lowmem;
}

size_t vm_get_highmem_size(struct vmctx *ctx)
{
	return ctx->highmem;
}

int vm_get_guestmem_from_ctx(struct vmctx *ctx, char **base, size_t *lowmem, size_t *highmem)
{
	*base = ctx->base;
	*lowmem = ctx->lowmem;
	*highmem = ctx->highmem;
	return 0;
}

int vm_get_memseg(struct vmctx *ctx, int segid, size_t *lenp, char *name, size_t namesiz)
{
	struct vm_memseg seg;
	size_t name_len;

	memset(&seg, 0, sizeof(seg));
	seg.segid = segid;
	if (ioctl(ctx->fd, VM_GET_MEMSEG, &seg) != 0)
		return -1;
	*lenp = seg.len;
	if (name == NULL || namesiz == 0)
		return 0;
	name_len = strnlen(seg.name, sizeof(seg.name));
	if (name_len >= namesiz) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(name, seg.name, name_len);
	name[name_len] = '\0';
	return 0;
}

/*
 * The segment may be there already, of the same length and name. NAME is empty for system memory.
 */
static int memseg_alloc(struct vmctx *ctx, int segid, size_t len, const char *name)
{
	char old_name[VM_MAX_SUFFIXLEN + 1];
	struct vm_memseg seg;
	size_t old_len;

	if (strlen(name) > VM_MAX_SUFFIXLEN) {
		errno = ENAMETOOLONG;
		return -1;
	}
	if (vm_get_memseg(ctx, segid, &old_len, old_name, sizeof(old_name)) != 0)
		return -1;
	if (old_len != 0) {
		if (old_len == len && strcmp(old_name, name) == 0)
			return 0;
		errno = EINVAL;
		return -1;
	}
	memset(&seg, 0, sizeof(seg));
	seg.segid = segid;
	seg.len = len;
	memcpy(seg.name, name, strlen(name));
	return ioctl(ctx->fd, VM_ALLOC_MEMSEG, &seg);
}

int vm_mmap_getnext(struct vmctx *ctx, vm_paddr_t *gpa, int *segid, vm_ooffset_t *segoff,
		    size_t *len, int *prot, int *flags)
{
	struct vm_memmap map;

	memset(&map, 0, sizeof(map));
	map.gpa = *gpa;
	if (ioctl(ctx->fd, VM_MMAP_GETNEXT, &map) != 0)
		return -1;
	*gpa = map.gpa;
	*segid = map.segid;
	*segoff = map.segoff;
	*len = map.len;
	*prot = map.prot;
	*flags = map.flags;
	return 0;
}

int vm_mmap_memseg(struct vmctx *ctx, vm_paddr_t gpa, int segid, vm_ooffset_t segoff, size_t len,
		   int prot)
{
	struct vm_memmap map = {
		.gpa = gpa, .segid = segid, .segoff = segoff, .len = len, .prot = prot
	};
	struct vm_memmap old;

	if (ctx->memflags & VM_MEM_F_WIRED)
		map.flags |= VM_MEMMAP_F_WIRED;
	memset(&old, 0, sizeof(old));
	old.gpa = gpa;
	if (vm_mmap_getnext(ctx, &old.gpa, &old.segid, &old.segoff, &old.len, &old.prot,
			    &old.flags) == 0 &&
	    old.gpa == gpa) {
		old.flags &= VM_MEMMAP_F_WIRED;
		if (old.segid == segid && old.segoff == segoff && old.len == len &&
		    old.prot == prot && old.flags == map.flags)
			return 0;
		errno = EEXIST;
		return -1;
	}
	return ioctl(ctx->fd, VM_MMAP_MEMSEG, &map);
}

int vm_munmap_memseg(struct vmctx *ctx, vm_paddr_t gpa, size_t len)
{
	struct vm_munmap arg = { .gpa = gpa, .len = len };

	return ioctl(ctx->fd, VM_MUNMAP_MEMSEG, &arg);
}

/*
 * Inaccessible address space for LEN bytes at a 2 MiB boundary and a guard on either side, or
 * MAP_FAILED.
 */
static char *guarded_reserve(size_t len)
{
	size_t whole = GUARD_SIZE + len + GUARD_SIZE;
	char *base, *reservation;
	size_t lead;

	if (whole < len || whole + HUGE_PAGE_SIZE < whole) {
		errno = ENOMEM;
		return MAP_FAILED;
	}
	reservation = mmap(NULL, whole + HUGE_PAGE_SIZE, PROT_NONE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (reservation == MAP_FAILED)
		return MAP_FAILED;
	base = reservation + GUARD_SIZE;
	base = (char *)(((uintptr_t)base + HUGE_PAGE_SIZE - 1) & ~(HUGE_PAGE_SIZE - 1));
	lead = (size_t)(base - GUARD_SIZE - reservation);
	if (lead != 0)
		munmap(reservation, lead);
	if (lead != HUGE_PAGE_SIZE)
		munmap(base + len + GUARD_SIZE, HUGE_PAGE_SIZE - lead);
	return base;
}

static void guarded_release(char *base, size_t len)
{
	int saved = errno;

	munmap(base - GUARD_SIZE, GUARD_SIZE + len + GUARD_SIZE);
	errno = saved;
}

/* The part of system memory at GPA: into the guest, and into this process at BASE + GPA. */
static int sysmem_map(struct vmctx *ctx, char *base, vm_paddr_t gpa, size_t len)
{
	void *addr;

	if (len == 0)
		return 0;
	if (vm_mmap_memseg(ctx, gpa, VM_SYSMEM, (vm_ooffset_t)gpa, len,
			   PROT_READ | PROT_WRITE | PROT_EXEC) != 0)
		return -1;
	addr = mmap(base + gpa, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, ctx->fd,
		    (off_t)gpa);
	if (addr == MAP_FAILED)
		return -1;
	if (!(ctx->memflags & VM_MEM_F_INCORE))
		(void)madvise(addr, len, MADV_DONTDUMP);
	return 0;
}

int vm_setup_memory(struct vmctx *ctx, size_t len, enum vm_mmap_style style)
{
	size_t highmem, lowmem, segment;
	char *base;

	if (style != VM_MMAP_ALL || len == 0 || len % VMM_PAGE_SIZE != 0 || len > SIZE_MAX / 2) {
		errno = EINVAL;
		return -1;
	}
	lowmem = len > ctx->lowmem_limit ? ctx->lowmem_limit : len;
	highmem = len - lowmem;
	segment = highmem != 0 ? HIGHMEM_BASE_GPA + highmem : lowmem;
	if (memseg_alloc(ctx, VM_SYSMEM, segment, "") != 0)
		return -1;
	base = guarded_reserve(segment);
	if (base == MAP_FAILED)
		return -1;
	if (sysmem_map(ctx, base, HIGHMEM_BASE_GPA, highmem) != 0 ||
	    sysmem_map(ctx, base, 0, lowmem) != 0) {
		guarded_release(base, segment);
		return -1;
	}
	ctx->base = base;
	ctx->lowmem = lowmem;
	ctx->highmem = highmem;
	return 0;
}

void *vm_create_devmem(struct vmctx *ctx, int segid, const char *name, size_t len)
{
	char path[sizeof(VMM_IO_PREFIX) + VM_MAX_NAMELEN + 1 + VM_MAX_SUFFIXLEN];
	char *base;
	void *addr;
	int fd;

	if (len == 0 || len % VMM_PAGE_SIZE != 0 || name == NULL || name[0] == '\0') {
		errno = EINVAL;
		return MAP_FAILED;
	}
	if (memseg_alloc(ctx, segid, len, name) != 0)
		return MAP_FAILED;
	snprintf(path, sizeof(path), "%s%s.%s", VMM_IO_PREFIX, ctx->name, name);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return MAP_FAILED;
	base = guarded_reserve(len);
	if (base == MAP_FAILED) {
		close(fd);
		return MAP_FAILED;
	}
	addr = mmap(base, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0);
	if (addr == MAP_FAILED)
		guarded_release(base, len);
	close(fd);
	return addr;
}

void *vm_map_gpa(struct vmctx *ctx, vm_paddr_t gaddr, size_t len)
{
	vm_paddr_t high = gaddr - HIGHMEM_BASE_GPA;

	if (gaddr < ctx->lowmem && len <= ctx->lowmem - gaddr)
		return ctx->base + gaddr;
	if (gaddr >= HIGHMEM_BASE_GPA && high < ctx->highmem && len <= ctx->highmem - high)
		return ctx->base + gaddr;
	return NULL;
}

vm_paddr_t vm_rev_map_gpa(struct vmctx *ctx, void *addr)
{
	uintptr_t offset = (uintptr_t)addr - (uintptr_t)ctx->base;

	if (ctx->base == NULL)
		return (vm_paddr_t)-1;
	if (offset < ctx->lowmem)
		return offset;
	if (offset >= HIGHMEM_BASE_GPA && offset - HIGHMEM_BASE_GPA < ctx->highmem)
		return offset;
	return (vm_paddr_t)-1;
}

int vm_get_gpa_pmap(struct vmctx *ctx, uint64_t gpa, uint64_t *pte, int *num)
{
	struct vm_gpa_pte arg;

	memset(&arg, 0, sizeof(arg));
	arg.gpa = gpa;
	if (ioctl(ctx->fd, VM_GET_GPA_PMAP, &arg) != 0)
		return -1;
	if (arg.ptenum < 0 || (size_t)arg.ptenum > sizeof(arg.pte) / sizeof(arg.pte[0])) {
		errno = EIO;
		return -1;
	}
	memcpy(pte, arg.pte, (size_t)arg.ptenum * sizeof(pte[0]));
	*num = arg.ptenum;
	return 0;
}
