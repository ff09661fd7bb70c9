// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * libvmmapi against a kernel made of open() and ioctl(): which requests it makes, in which order,
 * and what it makes of the answers.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <vmm_linux.h>

#include "../libvmmapi/internal.h"
#include "test.h"

#define GUARD	(4UL << 20)

static struct {
	int			memory_fd;
	char			paths[16][64];
	int			path_count;
	int			ctl_errno;	/* open() of /dev/vmmctl fails with it */
	struct vm_memseg	segs[VM_MAX_MEMSEGS];
	struct vm_memmap	maps[VM_MAX_MEMMAPS];
	int			map_count;
	uint64_t		regs[VM_REG_LAST];
	bool			reg_set[VM_REG_LAST];
	struct seg_desc		descs[VM_REG_LAST];
	int			stats;		/* how many there are */
	struct vmmctl_vm_create	create;
	int			created, destroyed, reinits;
} kernel;

int open(const char *path, int flags, ...)
{
	(void)flags;
	strncpy(kernel.paths[kernel.path_count++ % 16], path, 63);
	if (strcmp(path, VMM_CTL_PATH) == 0 && kernel.ctl_errno != 0) {
		errno = kernel.ctl_errno;
		return -1;
	}
	if (strncmp(path, "/proc/", 6) == 0)
		return (int)syscall(SYS_openat, AT_FDCWD, "/dev/null", O_RDWR, 0);
	return dup(kernel.memory_fd);
}

static int getnext(struct vm_memmap *map)
{
	struct vm_memmap *best = NULL;

	for (int i = 0; i < kernel.map_count; i++)
		if (kernel.maps[i].gpa >= map->gpa &&
		    (best == NULL || kernel.maps[i].gpa < best->gpa))
			best = &kernel.maps[i];
	if (best == NULL) {
		errno = ENOENT;
		return -1;
	}
	*map = *best;
	return 0;
}

static int stats(struct vm_stats *arg)
{
	int left = kernel.stats - arg->index;

	if (left < 0) {
		errno = ENOENT;
		return -1;
	}
	arg->num_entries = left < MAX_VM_STATS ? left : MAX_VM_STATS;
	for (int i = 0; i < arg->num_entries; i++)
		arg->statbuf[i] = (uint64_t)(arg->index + i);
	return 0;
}

static int seg_get(struct vm_memseg *arg)
{
	struct vm_memseg *seg = &kernel.segs[arg->segid];

	arg->len = seg->len;
	if (seg->len != 0)
		memcpy(arg->name, seg->name, sizeof(arg->name));
	return 0;
}

int ioctl(int fd, unsigned long request, ...)
{
	struct vm_seg_desc *desc;
	struct vm_register *reg;
	va_list args;
	void *arg;

	(void)fd;
	va_start(args, request);
	arg = va_arg(args, void *);
	va_end(args);
	reg = arg;
	desc = arg;
	switch (request) {
	case VMMCTL_VM_CREATE:
		memcpy(&kernel.create, arg, sizeof(kernel.create));
		errno = EEXIST;
		return kernel.created++ ? -1 : 0;
	case VMMCTL_VM_DESTROY:
		kernel.destroyed++;
		return 0;
	case VM_REINIT:
		kernel.reinits++;
		return 0;
	case VM_GET_MEMSEG:
		return seg_get(arg);
	case VM_ALLOC_MEMSEG:
		memcpy(&kernel.segs[((struct vm_memseg *)arg)->segid], arg,
		       sizeof(struct vm_memseg));
		return ftruncate(kernel.memory_fd, (off_t)((struct vm_memseg *)arg)->len);
	case VM_MMAP_GETNEXT:
		return getnext(arg);
	case VM_MMAP_MEMSEG:
		memcpy(&kernel.maps[kernel.map_count++], arg, sizeof(struct vm_memmap));
		return 0;
	case VM_SET_REGISTER:
		kernel.regs[reg->regnum] = reg->regval;
		kernel.reg_set[reg->regnum] = true;
		return 0;
	case VM_SET_SEGMENT_DESCRIPTOR:
		kernel.descs[desc->regnum] = desc->desc;
		return 0;
	case VM_STATS:
		return stats(arg);
	default:
		errno = ENOTTY;
		return -1;
	}
}

static void kernel_make(void)
{
	memset(&kernel, 0, sizeof(kernel));
	kernel.memory_fd = memfd_create("memory", 0);
	CHECK(kernel.memory_fd >= 0);
}

static void test_parse(void)
{
	static const struct {
		const char	*text;
		size_t		size;
	} good[] = {
		{ "512", 512UL << 20 }, { "512m", 512UL << 20 },
		{ "3G", 3UL << 30 },	{ "1048576", 1UL << 20 },
		{ "4096k", 4UL << 20 }, { "1048577", 1048577 },
		{ "2t", 2UL << 40 },	{ "7b", 7 },
	};
	static const char *const bad[] = {
		"", "m", "-1", " 1", "1x", "1mm", "16e", "99999999999999999999", "99999999999g"
	};
	size_t size;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		CHECK(vm_parse_memsize(good[i].text, &size) == 0);
		CHECK_EQUAL(size, good[i].size);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK(vm_parse_memsize(bad[i], &size) == -1);
}

static void test_life(void)
{
	struct vmctx *ctx;

	kernel_make();
	CHECK(vm_create("m") == 0);
	CHECK(strcmp(kernel.paths[0], "/dev/vmmctl") == 0);
	CHECK(strcmp(kernel.create.name, "m") == 0);
	CHECK_EQUAL(kernel.create.flags, 0);
	CHECK(vm_create("m") == -1 && errno == EEXIST);
	CHECK(vm_create("") == -1 && errno == EINVAL);
	CHECK(vm_openf("m", VMMAPI_OPEN_CREATE) == NULL && errno == EEXIST);
	ctx = vm_openf("m", VMMAPI_OPEN_CREATE | VMMAPI_OPEN_REINIT);
	CHECK(ctx != NULL);
	CHECK_EQUAL(kernel.reinits, 1);
	CHECK(strcmp(vm_get_name(ctx), "m") == 0);
	vm_destroy(ctx);
	CHECK_EQUAL(kernel.destroyed, 1);
	kernel.created = 0;
	ctx = vm_openf("n", VMMAPI_OPEN_CREATE | VMMAPI_OPEN_CREATE_DESTROY_ON_CLOSE);
	CHECK(ctx != NULL && ctx->ctl_fd >= 0);
	CHECK_EQUAL(kernel.create.flags, VMMCTL_CREATE_DESTROY_ON_CLOSE);
	vm_close(ctx);
	CHECK(vm_openf("n", 0x80) == NULL && errno == EINVAL);
	close(kernel.memory_fd);
}

static void test_sysctl(void)
{
	kernel_make();
	kernel.ctl_errno = ENOENT;
	CHECK(vm_create("m") == 0);
	CHECK(strcmp(kernel.paths[1], "/proc/sys/hw/vmm/create") == 0);
	kernel.path_count = 0;
	vm_destroy(vm_open("m"));
	CHECK(strcmp(kernel.paths[0], "/dev/vmm/m") == 0);
	CHECK(strcmp(kernel.paths[2], "/proc/sys/hw/vmm/destroy") == 0);
	kernel.ctl_errno = EACCES;
	CHECK(vm_create("m") == -1 && errno == EACCES);
	close(kernel.memory_fd);
}

static void test_memory(void)
{
	const size_t high = 16UL << 20, low = 3UL << 30;
	struct vmctx *ctx;
	char *base;

	kernel_make();
	ctx = vm_open("m");
	CHECK(vm_setup_memory(ctx, low + high, VM_MMAP_SPARSE) == -1 && errno == EINVAL);
	CHECK(vm_setup_memory(ctx, low + high, VM_MMAP_ALL) == 0);
	CHECK_EQUAL(kernel.segs[VM_SYSMEM].len, (4UL << 30) + high);
	CHECK_EQUAL(kernel.map_count, 2);
	CHECK_EQUAL(kernel.maps[0].gpa, 4UL << 30);
	CHECK_EQUAL(kernel.maps[0].segoff, 4UL << 30);
	CHECK_EQUAL(kernel.maps[0].prot, PROT_READ | PROT_WRITE | PROT_EXEC);
	CHECK_EQUAL(kernel.maps[1].gpa, 0);
	CHECK_EQUAL(kernel.maps[1].len, low);
	CHECK_EQUAL(vm_get_highmem_size(ctx), high);

	base = vm_map_gpa(ctx, 0, low);
	CHECK(base != NULL && (uintptr_t)base % (2UL << 20) == 0);
	CHECK(vm_map_gpa(ctx, 0, low + 1) == NULL);
	CHECK(vm_map_gpa(ctx, low - 1, 2) == NULL);
	CHECK(vm_map_gpa(ctx, low, 1) == NULL);
	CHECK(vm_map_gpa(ctx, (4UL << 30) - 1, 2) == NULL);
	CHECK(vm_map_gpa(ctx, 4UL << 30, high) == base + (4UL << 30));
	CHECK(vm_map_gpa(ctx, (4UL << 30) + high - 1, 2) == NULL);
	CHECK(vm_map_gpa(ctx, ~0UL, ~0UL) == NULL);
	CHECK_EQUAL(vm_rev_map_gpa(ctx, base + 12345), 12345);
	CHECK_EQUAL(vm_rev_map_gpa(ctx, base + low), ~0UL);
	CHECK_EQUAL(vm_rev_map_gpa(ctx, base - 1), ~0UL);
	memset((char *)vm_map_gpa(ctx, 4UL << 30, 4096), 1, 4096);

	/* The machine of another process, or after a reinit: nothing new is made. */
	CHECK(vm_setup_memory(ctx, low + high, VM_MMAP_ALL) == 0);
	CHECK_EQUAL(kernel.map_count, 2);
	CHECK(vm_setup_memory(ctx, low + high + 4096, VM_MMAP_ALL) == -1 && errno == EINVAL);
	CHECK(vm_mmap_memseg(ctx, 0, VM_SYSMEM, 4096, low, PROT_READ) == -1 && errno == EEXIST);
	munmap(base - GUARD, GUARD + (4UL << 30) + high + GUARD);
	vm_close(ctx);
	close(kernel.memory_fd);
}

static void test_devmem(void)
{
	struct vmctx *ctx;
	char *rom;

	kernel_make();
	ctx = vm_open("m");
	CHECK(vm_create_devmem(ctx, VM_BOOTROM, "", 4096) == MAP_FAILED && errno == EINVAL);
	CHECK(vm_create_devmem(ctx, VM_BOOTROM, "sixteen bytes  x", 4096) == MAP_FAILED &&
	      errno == ENAMETOOLONG);
	rom = vm_create_devmem(ctx, VM_BOOTROM, "bootrom", 65536);
	CHECK(rom != MAP_FAILED);
	CHECK(strcmp(kernel.paths[1], "/dev/vmm.io/m.bootrom") == 0);
	CHECK(strcmp(kernel.segs[VM_BOOTROM].name, "bootrom") == 0);
	rom[65535] = 1;
	munmap(rom - GUARD, GUARD + 65536 + GUARD);
	vm_close(ctx);
	close(kernel.memory_fd);
}

static void test_reset(void)
{
	struct vmctx *ctx;
	struct vcpu *vcpu;

	kernel_make();
	ctx = vm_open("m");
	vcpu = vm_vcpu_open(ctx, 0);
	CHECK(vcpu_reset(vcpu) == 0);
	CHECK_EQUAL(kernel.regs[VM_REG_GUEST_RIP], 0xfff0);
	CHECK_EQUAL(kernel.regs[VM_REG_GUEST_RFLAGS], 2);
	CHECK_EQUAL(kernel.regs[VM_REG_GUEST_CR0], 0x60000010);
	CHECK_EQUAL(kernel.regs[VM_REG_GUEST_CS], 0xf000);
	CHECK_EQUAL(kernel.descs[VM_REG_GUEST_CS].base, 0xffff0000);
	CHECK_EQUAL(kernel.descs[VM_REG_GUEST_CS].limit, 0xffff);
	CHECK_EQUAL(kernel.descs[VM_REG_GUEST_CS].access, 0x93);
	CHECK_EQUAL(kernel.descs[VM_REG_GUEST_TR].access, 0x8b);
	CHECK_EQUAL(kernel.descs[VM_REG_GUEST_IDTR].limit, 0xffff);
	CHECK(kernel.regs[VM_REG_GUEST_RDX] != 0);
	for (int reg = VM_REG_GUEST_RAX; reg <= VM_REG_GUEST_TR; reg++)
		CHECK(kernel.reg_set[reg]);
	vm_vcpu_close(vcpu);
	vm_close(ctx);
	close(kernel.memory_fd);
}

static void test_stats(void)
{
	static const int counts[] = { 0, 1, 63, 64, 65, 128, 200 };
	struct vmctx *ctx;
	struct vcpu *vcpu;
	uint64_t *values;
	int entries;

	kernel_make();
	ctx = vm_open("m");
	vcpu = vm_vcpu_open(ctx, 0);
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		kernel.stats = counts[i];
		values = vm_get_stats(vcpu, NULL, &entries);
		CHECK(values != NULL);
		CHECK_EQUAL(entries, counts[i]);
		for (int j = 0; j < entries; j++)
			CHECK_EQUAL(values[j], j);
	}
	vm_vcpu_close(vcpu);
	vm_close(ctx);
	close(kernel.memory_fd);
}

static void test_names(void)
{
	for (int type = 0; type < VM_CAP_MAX; type++)
		CHECK_EQUAL(vm_capability_name2type(vm_capability_type2name(type)), type);
	CHECK_EQUAL(vm_capability_name2type("nothing"), -1);
	CHECK(vm_capability_type2name(-1) == NULL && vm_capability_type2name(VM_CAP_MAX) == NULL);
}

int main(void)
{
	test_parse();
	test_life();
	test_sysctl();
	test_memory();
	test_devmem();
	test_reset();
	test_stats();
	test_names();
	return 0;
}
