// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Sections 1 to 5: a new machine, its nodes, and its memory. */
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "harness.h"

static int fd_of(struct machine *m)
{
	return vm_get_device_fd(m->ctx);
}

static void node_path(const struct machine *m, char *path, size_t size)
{
	snprintf(path, size, VMM_DEV_PREFIX "%s", m->name);
}

/* --- section 1 -------------------------------------------------------------------------------- */

/* Any number of opens; closing changes nothing. */
TEST(s01_1_opens_and_closes)
{
	struct machine *m = machine_create(1);
	char path[256];
	int fds[200];

	node_path(m, path, sizeof(path));
	reg_set(m, 0, VM_REG_GUEST_RBX, 0x1234);
	for (int i = 0; i < 200; i++) {
		fds[i] = open(path, O_RDWR | O_CLOEXEC);
		EXPECT(fds[i] >= 0);
	}
	for (int i = 0; i < 200; i++)
		close(fds[i]);
	vm_close(m->ctx);
	EXPECT(machine_exists(m->name));
	m = machine_open_again(m);
	EXPECT_EQ(reg_get(m, 0, VM_REG_GUEST_RBX), 0x1234);
	EXPECT_EQ(reg_get(m, 0, VM_REG_GUEST_CR0), 0x60000010);
}

/* A new machine has nothing in it. */
TEST(s01_3_new_machine)
{
	struct machine *m = machine_create_bare();
	struct vm_memmap map = { .gpa = 0 };
	uint16_t sockets, cores, threads, limit;
	unsigned int maxcpu = 0;
	FILE *file = fopen("/proc/sys/hw/vmm/maxcpu", "r");
	char name[32];
	time_t time;
	cpuset_t set;
	size_t len;
	int pins;

	for (int id = 0; id < VM_MAX_MEMSEGS; id++) {
		OK(vm_get_memseg(m->ctx, id, &len, name, sizeof(name)));
		EXPECT_EQ(len, 0);
	}
	EXPECT_ERRNO(ioctl(fd_of(m), VM_MMAP_GETNEXT, &map), ENOENT);
	OK(vm_active_cpus(m->ctx, &set));
	EXPECT_EQ(CPU_COUNT(&set), 0);
	OK(vm_suspended_cpus(m->ctx, &set));
	EXPECT_EQ(CPU_COUNT(&set), 0);
	OK(vm_debug_cpus(m->ctx, &set));
	EXPECT_EQ(CPU_COUNT(&set), 0);
	OK(vm_get_topology(m->ctx, &sockets, &cores, &threads, &limit));
	EXPECT_EQ(sockets, 1);
	EXPECT_EQ(cores, 1);
	EXPECT_EQ(threads, 1);
	EXPECT(file != NULL && fscanf(file, "%u", &maxcpu) == 1);
	EXPECT_EQ(limit, maxcpu);
	OK(vm_ioapic_pincount(m->ctx, &pins));
	EXPECT_EQ(pins, 32);
	OK(vm_rtc_gettime(m->ctx, &time));
	EXPECT(time >= 0 && time < 10);
}

static int sysctl_write(const char *which, const char *text, size_t size)
{
	char path[64];
	ssize_t got;
	int fd, error;

	snprintf(path, sizeof(path), "/proc/sys/hw/vmm/%s", which);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	EXPECT(fd >= 0);
	got = write(fd, text, size);
	error = errno;
	close(fd);
	errno = error;
	return got == (ssize_t)size ? 0 : -1;
}

/* Both doors lead to the same machines. */
TEST(s01_3_sysctl_and_vmmctl)
{
	char name[64];
	struct vmctx *ctx;

	machine_name(name, sizeof(name));
	OK(sysctl_write("create", name, strlen(name)));
	EXPECT_ERRNO(sysctl_write("create", name, strlen(name)), EEXIST);
	EXPECT_ERRNO(vm_create(name), EEXIST);
	ctx = vm_open(name);
	EXPECT(ctx != NULL);
	OK(sysctl_write("destroy", name, strlen(name)));
	EXPECT_ERRNO(vm_reinit(ctx), ENXIO);
	EXPECT_ERRNO(sysctl_write("destroy", name, strlen(name)), EINVAL);
	OK(vm_create(name));
	OK(sysctl_write("destroy", name, strlen(name)));
	EXPECT(!machine_exists(name));
}

/* 1.3, 2: a name that is too long for the buffer, and the errors of names. */
TEST(s01_3_sysctl_errors)
{
	static const char *const bad[] = { "a b", "a\"b", "", ".", "..", "a/b", "a/", "/a" };
	char name[4000];

	memset(name, 'x', sizeof(name));
	EXPECT_ERRNO(sysctl_write("create", name, VM_MAX_NAMELEN + 1), EINVAL);
	EXPECT_ERRNO(sysctl_write("create", name, sizeof(name)), EINVAL);
	EXPECT_ERRNO(sysctl_write("destroy", name, sizeof(name)), EINVAL);
	for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (*bad[i])
			EXPECT_ERRNO(sysctl_write("create", bad[i], strlen(bad[i])), EINVAL);
		else
			EXPECT_ERRNO(sysctl_write("create", "\n", 1), EINVAL);
	}
	EXPECT_ERRNO(sysctl_write("destroy", "no.such.machine", 15), EINVAL);
}

/* 1.5: a thread in VM_RUN leaves when its machine goes, whoever destroys it and by which door. */
SNIPPET(spin, 64, "jmp .");

TEST(s01_5_destroy_by_sysctl_while_running)
{
	struct machine *m = machine_create(1);
	struct runner r;
	uint64_t start;

	snippet_start(m, 0, &spin);
	runner_start(&r, m, 0);
	usleep(20000);
	start = now_ns();
	OK(sysctl_write("destroy", m->name, strlen(m->name)));
	EXPECT(now_ns() - start < 1500000000ull);
	runner_join(&r, 3);
	EXPECT(r.error == ENXIO || r.exit.exitcode == VM_EXITCODE_SUSPENDED);
}

/* --- section 5 ---------------------------------------------------------------------------------- */

static int memseg_alloc(struct machine *m, int segid, size_t len, const char *name)
{
	struct vm_memseg arg = { .segid = segid, .len = len };

	memcpy(arg.name, name, strlen(name));
	return ioctl(fd_of(m), VM_ALLOC_MEMSEG, &arg);
}

/* 5.1: no meaning in the ids: a name makes device memory, none makes system memory, under every id. */
TEST(s05_1_ids_have_no_meaning)
{
	struct machine *m = machine_create_bare();
	uint8_t byte;
	char path[256];
	int fd;

	OK(memseg_alloc(m, 0, 0x1000, "dev"));
	OK(memseg_alloc(m, 3, 0x2000, ""));
	OK(vm_mmap_memseg(m->ctx, 0x10000, 3, 0, 0x2000, PROT_READ | PROT_WRITE));
	EXPECT(mmap(NULL, 0x2000, PROT_READ, MAP_SHARED, fd_of(m), 0x10000) != MAP_FAILED);
	OK(vm_mmap_memseg(m->ctx, 0x20000, 0, 0, 0x1000, PROT_READ));
	EXPECT(mmap(NULL, 0x1000, PROT_READ, MAP_SHARED, fd_of(m), 0x20000) == MAP_FAILED);
	EXPECT_EQ(errno, EINVAL);
	EXPECT_EQ(pread(fd_of(m), &byte, 1, 0x20000), 1);
	snprintf(path, sizeof(path), VMM_IO_PREFIX "%s.dev", m->name);
	fd = open(path, O_RDWR);
	EXPECT(fd >= 0);
}

/* 5.2: a mapping with WIRED is listed so; without memory for it there is none. The module was loaded with memory_limit=128. */
TEST(s05_2_wired)
{
	struct machine *m = machine_create_bare();
	struct vm_memmap map = { .gpa = 0, .segid = 0, .len = 0x200000, .prot = PROT_READ, .flags = VM_MEMMAP_F_WIRED };

	OK(memseg_alloc(m, 0, 0x10000000, ""));
	OK(ioctl(fd_of(m), VM_MMAP_MEMSEG, &map));
	memset(&map, 0, sizeof(map));
	OK(ioctl(fd_of(m), VM_MMAP_GETNEXT, &map));
	EXPECT_EQ(map.flags, VM_MEMMAP_F_WIRED);
	map = (struct vm_memmap){ .gpa = 0x100000000, .len = 0x10000000, .prot = PROT_READ, .flags = VM_MEMMAP_F_WIRED };
	EXPECT_ERRNO(ioctl(fd_of(m), VM_MMAP_MEMSEG, &map), ENOMEM);
	map.gpa = 0x100000000;
	EXPECT_ERRNO(ioctl(fd_of(m), VM_MMAP_GETNEXT, &map), ENOENT);
	/* The range and the slot are free again. */
	for (uint64_t i = 1; i < VM_MAX_MEMMAPS; i++)
		OK(vm_mmap_memseg(m->ctx, 0x100000000 + i * 0x1000, 0, 0, 0x1000, PROT_READ));
}

/* 5.2: eight mappings, of the 15 form's machines twenty-two; any part of any segment, several times too. */
TEST(s05_2_same_part_twice)
{
	struct machine *m = machine_create_bare();
	uint8_t *a, *b;

	OK(memseg_alloc(m, 0, 0x10000, ""));
	OK(vm_mmap_memseg(m->ctx, 0, 0, 0x1000, 0x2000, PROT_READ | PROT_WRITE));
	OK(vm_mmap_memseg(m->ctx, 0x100000, 0, 0x2000, 0x1000, PROT_READ | PROT_WRITE));
	a = mmap(NULL, 0x2000, PROT_READ | PROT_WRITE, MAP_SHARED, fd_of(m), 0);
	b = mmap(NULL, 0x1000, PROT_READ | PROT_WRITE, MAP_SHARED, fd_of(m), 0x100000);
	EXPECT(a != MAP_FAILED && b != MAP_FAILED);
	a[0x1005] = 0x42;
	EXPECT_EQ(b[5], 0x42);
	/* The last page of the address space. */
	OK(vm_mmap_memseg(m->ctx, 0x7ffffffff000, 0, 0, 0x1000, PROT_READ));
	OK(vm_munmap_memseg(m->ctx, 0x7ffffffff000, 0x1000));
}

/* 5.3, 5.4: offsets and lengths. */
TEST(s05_3_mmap_offsets)
{
	struct machine *m = machine_create_bare();
	char path[256];
	int seg;

	OK(memseg_alloc(m, 0, 0x10000, ""));
	OK(memseg_alloc(m, 1, 0x4000, "rom"));
	OK(vm_mmap_memseg(m->ctx, 0x10000, 0, 0, 0x10000, PROT_READ | PROT_WRITE));
	snprintf(path, sizeof(path), VMM_IO_PREFIX "%s.rom", m->name);
	seg = open(path, O_RDWR | O_CLOEXEC);
	EXPECT(seg >= 0);
#define REFUSED(fd, len, off, want)	do {									\
		EXPECT(mmap(NULL, len, PROT_READ, MAP_SHARED, fd, (off_t)(off)) == MAP_FAILED);			\
		EXPECT_EQ(errno, want);										\
	} while (0)
	REFUSED(fd_of(m), 0x1000, 0, ENOENT);
	REFUSED(fd_of(m), 0x1000, 0x20000, ENOENT);
	REFUSED(fd_of(m), 0x2000, 0xf000, ENOENT);
	REFUSED(fd_of(m), 0x11000, 0x10000, ENOENT);
	REFUSED(fd_of(m), 0, 0x10000, EINVAL);
	REFUSED(seg, 0, 0, EINVAL);
	REFUSED(seg, 0x5000, 0, EINVAL);
	REFUSED(seg, 0x1000, 0x4000, EINVAL);
	REFUSED(seg, 0x2000, 0x3000, EINVAL);
	/* A segment's node does not ask for a mapping in the guest; the last page of each will do. */
	EXPECT(mmap(NULL, 0x1000, PROT_READ, MAP_SHARED, seg, 0x3000) != MAP_FAILED);
	EXPECT(mmap(NULL, 0x1000, PROT_READ, MAP_SHARED, fd_of(m), 0x1f000) != MAP_FAILED);
}

/* 5.5: page by page, through three pages and two mappings, from any offset. What the guest may not write, pwrite does not either. */
TEST(s05_5_across_mappings)
{
	struct machine *m = machine_create_bare();
	uint8_t out[0x3000], in[0x3000];

	OK(memseg_alloc(m, 0, 0x10000, ""));
	OK(vm_mmap_memseg(m->ctx, 0, 0, 0x4000, 0x1000, PROT_READ | PROT_WRITE));
	OK(vm_mmap_memseg(m->ctx, 0x1000, 0, 0, 0x2000, PROT_READ | PROT_WRITE));
	OK(vm_mmap_memseg(m->ctx, 0x3000, 0, 0x8000, 0x1000, PROT_READ));
	for (unsigned int i = 0; i < sizeof(out); i++)
		out[i] = (uint8_t)(i * 7 + (i >> 8));
	EXPECT_EQ(pwrite(fd_of(m), out, 0x2ffd, 3), 0x2ffd);
	EXPECT_EQ(pread(fd_of(m), in, 0x2ffd, 3), 0x2ffd);
	EXPECT(memcmp(in, out, 0x2ffd) == 0);
	EXPECT_EQ(pread(fd_of(m), in, 0x10, 0x3000), 0x10);
	EXPECT_EQ(pwrite(fd_of(m), out, 0x10, 0x3000), -1);
	EXPECT_EQ(errno, EFAULT);
	EXPECT_EQ(pwrite(fd_of(m), out, 0x20, 0x2ff0), 0x10);		/* what comes before counts */
}

/* Section 33: FreeBSD 15's segments: ids up to 10, and more mappings once one was made its way. */
TEST(s33_segments_of_15)
{
	struct machine *m = machine_create_bare();
	struct vm_memseg_15 seg = { .segid = 8, .len = 0x1000, .name = "bootrom" };
	unsigned int maps = 0;

	OK(ioctl(fd_of(m), VM_GET_MEMSEG_15, &seg));	/* on a new machine: not allocated */
	EXPECT_EQ(seg.len, 0);
	seg = (struct vm_memseg_15){ .segid = 8, .len = 0x1000, .name = "bootrom" };
	OK(ioctl(fd_of(m), VM_ALLOC_MEMSEG_15, &seg));
	EXPECT_ERRNO(ioctl(fd_of(m), VM_ALLOC_MEMSEG_15, &seg), EEXIST);
	seg = (struct vm_memseg_15){ .segid = 8 };
	OK(ioctl(fd_of(m), VM_GET_MEMSEG_15, &seg));
	EXPECT_EQ(seg.len, 0x1000);
	EXPECT(strcmp(seg.name, "bootrom") == 0);
	seg = (struct vm_memseg_15){ .segid = 7, .len = 0x10000 };
	OK(ioctl(fd_of(m), VM_ALLOC_MEMSEG_15, &seg));
	OK(vm_mmap_memseg(m->ctx, 0xfffff000, 8, 0, 0x1000, PROT_READ));
	for (maps = 1; maps < VM_MAX_MEMMAPS_15; maps++)
		OK(vm_mmap_memseg(m->ctx, maps * 0x100000, 7, 0, 0x1000, PROT_READ));
	EXPECT_ERRNO(vm_mmap_memseg(m->ctx, 0x40000000, 7, 0, 0x1000, PROT_READ), ENOSPC);
	EXPECT_ERRNO(memseg_alloc(m, 8, 0x2000, "x"), EINVAL);
}

/* The form of FreeBSD 12: the same segments under a longer field. */
TEST(s33_segments_of_12)
{
	struct machine *m = machine_create_bare();
	struct vm_memseg_fbsd12 seg = { .segid = 2, .len = 0x3000, .name = "fifteen.bytes.x" };
	char path[256], name[32];
	size_t len;

	OK(ioctl(fd_of(m), VM_ALLOC_MEMSEG_FBSD12, &seg));
	EXPECT_ERRNO(ioctl(fd_of(m), VM_ALLOC_MEMSEG_FBSD12, &seg), EEXIST);
	OK(vm_get_memseg(m->ctx, 2, &len, name, sizeof(name)));
	EXPECT_EQ(len, 0x3000);
	EXPECT(strcmp(name, "fifteen.bytes.x") == 0);
	snprintf(path, sizeof(path), VMM_IO_PREFIX "%s.fifteen.bytes.x", m->name);
	EXPECT_EQ(access(path, F_OK), 0);
	memset(&seg, 0xa5, sizeof(seg));
	seg.segid = 2;
	OK(ioctl(fd_of(m), VM_GET_MEMSEG_FBSD12, &seg));
	EXPECT_EQ(seg.len, 0x3000);
	EXPECT(strcmp(seg.name, "fifteen.bytes.x") == 0);
	seg = (struct vm_memseg_fbsd12){ .segid = 0, .len = 0x1000 };
	OK(ioctl(fd_of(m), VM_ALLOC_MEMSEG_FBSD12, &seg));
	EXPECT_ERRNO(memseg_alloc(m, 0, 0x1000, ""), EEXIST);
}
