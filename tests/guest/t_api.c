// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Nodes and requests, without a guest: names, life, memory, errors. */
#include "test.h"
#ifndef GUEST

#include <fcntl.h>
#include <grp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* --- names and life ---------------------------------------------------------------------- */

static int ctl_open(void)
{
	int fd = open(VMM_CTL_PATH, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		FAIL("%s: %s", VMM_CTL_PATH, strerror(errno));
	return fd;
}

/* Names of any length, as far as the field goes. */
static void name_put(char *field, const char *name)
{
	for (size_t i = 0; i <= VM_MAX_NAMELEN && name[i]; i++)
		field[i] = name[i];
}

static int ctl_create(int fd, const char *name, uint32_t flags)
{
	struct vmmctl_vm_create arg = { .flags = flags };

	name_put(arg.name, name);
	return ioctl(fd, VMMCTL_VM_CREATE, &arg);
}

/* For good: user, group, and all further groups. */
static void become_nobody(void)
{
	OK(setgroups(0, NULL));
	OK(setresgid(65534, 65534, 65534));
	OK(setresuid(65534, 65534, 65534));
}

static int ctl_destroy(int fd, const char *name)
{
	struct vmmctl_vm_destroy arg = { .reserved = { 0 } };

	name_put(arg.name, name);
	return ioctl(fd, VMMCTL_VM_DESTROY, &arg);
}

TEST(a06_names_refused)
{
	static const char *const bad[] = {
		"", ".", "..", "../gt", "a/b", "/gt", "gt/", "a b", "a\tb", "a\nb", " gt", "gt ", "a\"b", "gt\001", "\177gt", "a!b",
	};
	int fd = ctl_open();
	char name[VM_MAX_NAMELEN + 2];

	for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (ctl_create(fd, bad[i], 0) == 0)
			FAIL("\"%s\" is taken for a name", bad[i]);
		EXPECT_EQ(errno, EINVAL);
	}
	/* Too long for the library, and for the field, whose last byte is always an end. */
	memset(name, 'x', sizeof(name));
	name[VM_MAX_NAMELEN + 1] = 0;
	EXPECT_ERRNO(vm_create(name), EINVAL);
	EXPECT_EQ(access("/dev/vmm/../gt", F_OK), -1);
}

TEST(a06_names_accepted)
{
	static const char *const good[] = { "%s%n", "a.b", "-", "a:b", "$(x)", "'", "~", "*", "caf\xc3\xa9", "a,b;c&d", "a%2fb", "@" };
	int fd = ctl_open();
	char name[VM_MAX_NAMELEN + 1], prefix[64];
	struct vmctx *ctx;

	machine_name(prefix, sizeof(prefix));
	for (unsigned int i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		snprintf(name, sizeof(name), "%s%s", prefix, good[i]);
		if (ctl_create(fd, name, 0) != 0)
			FAIL("creating \"%s\": %s", name, strerror(errno));
		EXPECT(machine_exists(name));
		EXPECT_ERRNO(ctl_create(fd, name, 0), EEXIST);
		ctx = vm_open(name);
		EXPECT(ctx != NULL);
		vm_close(ctx);
		OK(ctl_destroy(fd, name));
		EXPECT(!machine_exists(name));
		EXPECT_ERRNO(ctl_destroy(fd, name), EINVAL);
	}
	/* The longest one, with the longest segment. */
	memset(name, 'x', VM_MAX_NAMELEN);
	name[VM_MAX_NAMELEN] = 0;
	memcpy(name, prefix, strlen(prefix));
	OK(ctl_create(fd, name, 0));
	ctx = vm_open(name);
	EXPECT(ctx != NULL);
	EXPECT(vm_create_devmem(ctx, VM_BOOTROM, "fifteen.bytes.x", 0x1000) != MAP_FAILED);
	EXPECT_ERRNO(vm_create_devmem(ctx, VM_FRAMEBUFFER, "sixteen.bytes.xx", 0x1000) == MAP_FAILED ? -1 : 0, ENAMETOOLONG);
	vm_destroy(ctx);
	EXPECT(!machine_exists(name));
}

TEST(ctl_arguments)
{
	struct vmmctl_vm_create create;
	struct vmmctl_vm_destroy destroy;
	char name[64];
	int fd = ctl_open(), read_only;

	machine_name(name, sizeof(name));
	EXPECT_ERRNO(ctl_create(fd, name, 2), EINVAL);
	EXPECT_ERRNO(ctl_create(fd, name, 0x80000001), EINVAL);
	for (unsigned int i = 0; i < 15; i++) {
		memset(&create, 0, sizeof(create));
		strcpy(create.name, name);
		create.reserved[i] = 1;
		EXPECT_ERRNO(ioctl(fd, VMMCTL_VM_CREATE, &create), EINVAL);
	}
	OK(ctl_create(fd, name, 0));
	for (unsigned int i = 0; i < 16; i++) {
		memset(&destroy, 0, sizeof(destroy));
		strcpy(destroy.name, name);
		destroy.reserved[i] = 1;
		EXPECT_ERRNO(ioctl(fd, VMMCTL_VM_DESTROY, &destroy), EINVAL);
	}
	EXPECT(machine_exists(name));
	OK(ctl_destroy(fd, name));
	EXPECT_ERRNO(ioctl(fd, VMMCTL_VM_CREATE, (void *)8), EFAULT);
	EXPECT_ERRNO(ioctl(fd, _IO('V', 7)), ENOTTY);
	EXPECT_ERRNO(ioctl(fd, _IOWR('V', 0, int)), ENOTTY);
	EXPECT_ERRNO(ioctl(fd, VM_REINIT), ENOTTY);
	read_only = open(VMM_CTL_PATH, O_RDONLY | O_CLOEXEC);
	EXPECT(read_only < 0 && errno == EPERM);
}

/* A machine outlives its descriptors and its creator, unless made with DESTROY_ON_CLOSE. */
TEST(life_of_a_machine)
{
	char kept[64], transient[64];
	struct vmctx *ctx;
	int fd, status;
	pid_t pid;

	machine_name(kept, sizeof(kept));
	machine_name(transient, sizeof(transient));
	pid = fork();
	if (pid == 0) {
		EXPECT(vm_openf(kept, VMMAPI_OPEN_CREATE) != NULL);
		EXPECT(vm_openf(transient, VMMAPI_OPEN_CREATE | VMMAPI_OPEN_CREATE_DESTROY_ON_CLOSE) != NULL);
		EXPECT(machine_exists(transient));
		_exit(0);
	}
	EXPECT_EQ(waitpid(pid, &status, 0), pid);
	EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	EXPECT(machine_exists(kept));
	EXPECT_WITHIN(1, !machine_exists(transient));
	ctx = vm_open(kept);
	EXPECT(ctx != NULL);
	vm_destroy(ctx);

	/* Several machines of one descriptor, one of them destroyed before. */
	fd = ctl_open();
	OK(ctl_create(fd, kept, VMMCTL_CREATE_DESTROY_ON_CLOSE));
	OK(ctl_create(fd, transient, VMMCTL_CREATE_DESTROY_ON_CLOSE));
	OK(ctl_destroy(fd, kept));
	OK(ctl_create(fd, kept, 0));
	close(fd);
	EXPECT(!machine_exists(transient));
	EXPECT(machine_exists(kept));
}

/* After destruction every operation on an open descriptor is ENXIO, and mapped memory is still there. */
TEST(m07_enxio_after_destroy)
{
	struct machine *m = machine_create(1);
	struct machine *other = machine_open_again(m);
	int fd = vm_get_device_fd(m->ctx), seg_fd, id = 0;
	uint8_t *rom = vm_create_devmem(m->ctx, VM_BOOTROM, "rom", 0x2000);
	char path[256];
	uint8_t byte;
	void *map;

	EXPECT(rom != MAP_FAILED);
	snprintf(path, sizeof(path), VMM_IO_PREFIX "%s.rom", m->name);
	seg_fd = open(path, O_RDWR | O_CLOEXEC);
	EXPECT(seg_fd >= 0);
	m->mem[0x123456] = 0x77;
	rom[5] = 0x66;
	vm_destroy(other->ctx);

	EXPECT(!machine_exists(m->name));
	EXPECT_EQ(access(path, F_OK), -1);
	EXPECT_ERRNO(vm_reinit(m->ctx), ENXIO);
	EXPECT_ERRNO(vm_suspend(m->ctx, VM_SUSPEND_RESET), ENXIO);
	EXPECT_ERRNO(vm_activate_cpu(m->vcpu[0]), ENXIO);
	EXPECT_ERRNO(ioctl(fd, VM_RESTART_INSTRUCTION, &id), ENXIO);
	EXPECT_ERRNO(ioctl(fd, _IO('v', 99)), ENXIO);
	EXPECT_ERRNO(pread(fd, &byte, 1, 0) < 0 ? -1 : 0, ENXIO);
	EXPECT_ERRNO(pwrite(fd, &byte, 1, 0) < 0 ? -1 : 0, ENXIO);
	map = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	EXPECT(map == MAP_FAILED && errno == ENXIO);
	map = mmap(NULL, 4096, PROT_READ, MAP_SHARED, seg_fd, 0);
	EXPECT(map == MAP_FAILED && errno == ENXIO);
	EXPECT_EQ(m->mem[0x123456], 0x77);
	m->mem[0x654321] = 1;
	EXPECT_EQ(rom[5], 0x66);

	/* A machine of the same name is another one. */
	OK(vm_create(m->name));
	EXPECT_ERRNO(vm_reinit(m->ctx), ENXIO);
}

TEST(nodes_of_segments)
{
	struct machine *m = machine_create_bare();
	char path[256];
	struct stat st;
	uint8_t byte = 0;
	void *map;
	int fd;

	EXPECT(vm_create_devmem(m->ctx, VM_BOOTROM, "rom", 0x2000) != MAP_FAILED);
	snprintf(path, sizeof(path), VMM_IO_PREFIX "%s.rom", m->name);
	OK(stat(path, &st));
	EXPECT(S_ISCHR(st.st_mode));
	EXPECT_EQ(st.st_mode & 07777, 0600);
	EXPECT_EQ(st.st_uid, getuid());
	snprintf(path, sizeof(path), VMM_DEV_PREFIX "%s", m->name);
	OK(stat(path, &st));
	EXPECT_EQ(st.st_mode & 07777, 0600);
	EXPECT_EQ(st.st_uid, getuid());

	snprintf(path, sizeof(path), VMM_IO_PREFIX "%s.rom", m->name);
	fd = open(path, O_RDWR | O_CLOEXEC);
	EXPECT(fd >= 0);
	EXPECT(read(fd, &byte, 1) < 0);
	EXPECT(write(fd, &byte, 1) < 0);
	EXPECT_ERRNO(ioctl(fd, VM_REINIT), ENOTTY);
	map = mmap(NULL, 0x2000, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
	EXPECT(map == MAP_FAILED && errno == EINVAL);
	map = mmap(NULL, 0x3000, PROT_READ, MAP_SHARED, fd, 0);
	EXPECT(map == MAP_FAILED && errno == EINVAL);
	map = mmap(NULL, 0x1000, PROT_READ, MAP_SHARED, fd, 0x2000);
	EXPECT(map == MAP_FAILED && errno == EINVAL);
	map = mmap(NULL, 0x1000, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0x1000);
	EXPECT(map != MAP_FAILED);
	/* It never becomes executable. */
	EXPECT_EQ(mprotect(map, 0x1000, PROT_READ | PROT_EXEC), -1);
	EXPECT_EQ(*(uint8_t *)map, 0);
}

/* --- memory: section 5 ------------------------------------------------------------------------ */

static int memseg_alloc(struct vmctx *ctx, int segid, size_t len, const char *name)
{
	struct vm_memseg arg = { .segid = segid, .len = len };

	if (name)
		memcpy(arg.name, name, strnlen(name, sizeof(arg.name)));
	return ioctl(vm_get_device_fd(ctx), VM_ALLOC_MEMSEG, &arg);
}

static int memmap(struct vmctx *ctx, uint64_t gpa, int segid, int64_t off, uint64_t len, int prot, int flags)
{
	struct vm_memmap arg = { .gpa = gpa, .segid = segid, .segoff = off, .len = len, .prot = prot, .flags = flags };

	return ioctl(vm_get_device_fd(ctx), VM_MMAP_MEMSEG, &arg);
}

TEST(m01_memseg_errors)
{
	struct machine *m = machine_create_bare();
	char name[64] = "as it came";
	size_t len = 1;

	OK(vm_get_memseg(m->ctx, 0, &len, name, sizeof(name)));
	EXPECT_EQ(len, 0);
	EXPECT_ERRNO(memseg_alloc(m->ctx, 4, 4096, NULL), EINVAL);
	EXPECT_ERRNO(memseg_alloc(m->ctx, -1, 4096, NULL), EINVAL);
	EXPECT_ERRNO(memseg_alloc(m->ctx, 0, 0, NULL), EINVAL);
	EXPECT_ERRNO(memseg_alloc(m->ctx, 0, 4095, NULL), EINVAL);
	EXPECT_ERRNO(memseg_alloc(m->ctx, 0, 4097, NULL), EINVAL);
	EXPECT_ERRNO(memseg_alloc(m->ctx, 0, 4096, "0123456789abcdef"), ENAMETOOLONG);
	EXPECT_ERRNO(memseg_alloc(m->ctx, 0, 4096, "a/b"), EINVAL);
	EXPECT(memseg_alloc(m->ctx, 1, ~0ull << 12, NULL) == -1);
	OK(memseg_alloc(m->ctx, 0, 0x100000, NULL));
	EXPECT_ERRNO(memseg_alloc(m->ctx, 0, 0x100000, NULL), EEXIST);
	EXPECT_ERRNO(memseg_alloc(m->ctx, 0, 0x101000, NULL), EINVAL);
	EXPECT_ERRNO(memseg_alloc(m->ctx, 0, 0x100000, "x"), EINVAL);
	OK(memseg_alloc(m->ctx, 3, 0x1000, "x"));
	EXPECT_ERRNO(memseg_alloc(m->ctx, 2, 0x1000, "x"), EEXIST);		/* the node is there */
	OK(vm_get_memseg(m->ctx, 2, &len, name, sizeof(name)));
	EXPECT_EQ(len, 0);
	OK(vm_get_memseg(m->ctx, 3, &len, name, sizeof(name)));
	EXPECT_EQ(len, 0x1000);
	EXPECT(strcmp(name, "x") == 0);
	EXPECT_ERRNO(vm_get_memseg(m->ctx, 4, &len, name, sizeof(name)), EINVAL);
	/* Sparse: a terabyte costs nothing until it is touched. */
	OK(memseg_alloc(m->ctx, 1, 1ull << 40, NULL));
}

TEST(m01_memmap_errors)
{
	struct machine *m = machine_create_bare();
	struct vm_memmap next;
	int fd = vm_get_device_fd(m->ctx);

	OK(memseg_alloc(m->ctx, 0, 0x100000, NULL));
	EXPECT_ERRNO(memmap(m->ctx, 0, 0, 0, 0x100000, 0, 0), EINVAL);
	EXPECT_ERRNO(memmap(m->ctx, 0, 0, 0, 0x100000, 8, 0), EINVAL);
	EXPECT_ERRNO(memmap(m->ctx, 0, 0, 0, 0x100000, VM_PROT_ALL, 2), EINVAL);
	EXPECT_ERRNO(memmap(m->ctx, 0, 1, 0, 0x100000, VM_PROT_ALL, 0), EINVAL);
	EXPECT_ERRNO(memmap(m->ctx, 0, 4, 0, 0x100000, VM_PROT_ALL, 0), EINVAL);
	EXPECT_ERRNO(memmap(m->ctx, 0, -1, 0, 0x100000, VM_PROT_ALL, 0), EINVAL);
	EXPECT_ERRNO(memmap(m->ctx, 0, 0, -4096, 0x1000, VM_PROT_ALL, 0), EINVAL);
	EXPECT_ERRNO(memmap(m->ctx, 0, 0, 0, 0x101000, VM_PROT_ALL, 0), EINVAL);
	EXPECT_ERRNO(memmap(m->ctx, 0, 0, 0x1000, 0x100000, VM_PROT_ALL, 0), EINVAL);
	EXPECT_ERRNO(memmap(m->ctx, 0, 0, 0, 0, VM_PROT_ALL, 0), EINVAL);
	EXPECT_ERRNO(memmap(m->ctx, 0, 0, 0x1000, ~0xfffull, VM_PROT_ALL, 0), EINVAL);
	EXPECT_ERRNO(memmap(m->ctx, 1, 0, 0, 0x1000, VM_PROT_ALL, 0), EINVAL);
	EXPECT_ERRNO(memmap(m->ctx, 0, 0, 1, 0x1000, VM_PROT_ALL, 0), EINVAL);
	EXPECT_ERRNO(memmap(m->ctx, 0, 0, 0, 0x1001, VM_PROT_ALL, 0), EINVAL);
	EXPECT_ERRNO(memmap(m->ctx, 1ull << 47, 0, 0, 0x1000, VM_PROT_ALL, 0), EFAULT);
	EXPECT_ERRNO(memmap(m->ctx, (1ull << 47) - 0x1000, 0, 0, 0x2000, VM_PROT_ALL, 0), EFAULT);
	EXPECT_ERRNO(memmap(m->ctx, ~0xfffull, 0, 0, 0x2000, VM_PROT_ALL, 0), EFAULT);

	next.gpa = 0;
	EXPECT_ERRNO(ioctl(fd, VM_MMAP_GETNEXT, &next), ENOENT);
	OK(memmap(m->ctx, 0x10000, 0, 0x2000, 0x3000, VM_PROT_READ, 0));
	EXPECT_ERRNO(memmap(m->ctx, 0x12000, 0, 0, 0x1000, VM_PROT_READ, 0), EFAULT);
	EXPECT_ERRNO(memmap(m->ctx, 0xf000, 0, 0, 0x10000, VM_PROT_READ, 0), EFAULT);
	OK(memmap(m->ctx, 0x13000, 0, 0, 0x1000, VM_PROT_ALL, 0));		/* next to it */
	next.gpa = 0x10001;
	OK(ioctl(fd, VM_MMAP_GETNEXT, &next));
	EXPECT_EQ(next.gpa, 0x13000);
	next.gpa = 0;
	OK(ioctl(fd, VM_MMAP_GETNEXT, &next));
	EXPECT_EQ(next.gpa, 0x10000);
	EXPECT_EQ(next.segoff, 0x2000);
	EXPECT_EQ(next.len, 0x3000);
	EXPECT_EQ(next.prot, VM_PROT_READ);
	EXPECT_EQ(next.flags, 0);
	EXPECT_ERRNO(vm_munmap_memseg(m->ctx, 0x10000, 0x1000), EINVAL);
	EXPECT_ERRNO(vm_munmap_memseg(m->ctx, 0x11000, 0x2000), EINVAL);
	OK(vm_munmap_memseg(m->ctx, 0x10000, 0x3000));
	EXPECT_ERRNO(vm_munmap_memseg(m->ctx, 0x10000, 0x3000), EINVAL);
	for (uint64_t i = 1; i < VM_MAX_MEMMAPS; i++)
		OK(memmap(m->ctx, 0x100000 * i, 0, 0, 0x1000, VM_PROT_ALL, 0));
	EXPECT_ERRNO(memmap(m->ctx, 0x40000000, 0, 0, 0x1000, VM_PROT_ALL, 0), ENOSPC);
	/* Wired, and the memory's statistic tells. */
	OK(vm_munmap_memseg(m->ctx, 0x100000, 0x1000));
	OK(memmap(m->ctx, 0x100000, 0, 0, 0x10000, VM_PROT_ALL, VM_MEMMAP_F_WIRED));
	m->vcpu[0] = vm_vcpu_open(m->ctx, 0);
	EXPECT_EQ(stat_get(m, 0, "Wired memory"), 0x10000);
}

TEST(memory_by_read_and_write)
{
	struct machine *m = machine_create_bare();
	int fd = vm_get_device_fd(m->ctx);
	uint8_t *rom, out[0x3000], in[0x3000];
	void *volatile nowhere = (void *)8;

	OK(memseg_alloc(m->ctx, 0, 0x100000, NULL));
	OK(memmap(m->ctx, 0, 0, 0, 0x10000, VM_PROT_ALL, 0));
	OK(memmap(m->ctx, 0x20000, 0, 0x20000, 0x10000, VM_PROT_ALL, 0));
	rom = vm_create_devmem(m->ctx, VM_BOOTROM, "rom", 0x1000);
	EXPECT(rom != MAP_FAILED);
	OK(memmap(m->ctx, 0xfffff000, VM_BOOTROM, 0, 0x1000, VM_PROT_READ, 0));
	for (unsigned int i = 0; i < sizeof(out); i++)
		out[i] = (uint8_t)(i * 13 + i / 256);
	EXPECT_EQ(pwrite(fd, out, sizeof(out), 0x1234), sizeof(out));
	EXPECT_EQ(pread(fd, in, sizeof(in), 0x1234), sizeof(in));
	EXPECT(memcmp(in, out, sizeof(in)) == 0);
	/* lseek and read go together. */
	EXPECT_EQ(lseek(fd, 0x2234, SEEK_SET), 0x2234);
	EXPECT_EQ(read(fd, in, 16), 16);
	EXPECT_EQ(read(fd, in + 16, 16), 16);
	EXPECT(memcmp(in, out + 0x1000, 32) == 0);
	/* A hole below the end of memory reads as zero, and takes nothing. */
	memset(in, 0xff, sizeof(in));
	EXPECT_EQ(pread(fd, in, 0x1000, 0x18000), 0x1000);
	for (unsigned int i = 0; i < 0x1000; i++)
		EXPECT_EQ(in[i], 0);
	EXPECT_ERRNO(pwrite(fd, out, 1, 0x18000) < 0 ? -1 : 0, EFAULT);
	/* Up to the hole counts. */
	EXPECT_EQ(pwrite(fd, out, 0x2000, 0xf000), 0x1000);
	EXPECT_ERRNO(pread(fd, in, 1, 0x30000) < 0 ? -1 : 0, EFAULT);
	EXPECT_EQ(pread(fd, in, 0x2000, 0x2f000), 0x1000);
	EXPECT(pread(fd, in, 16, -1) < 0);
	EXPECT(pread(fd, in, 16, (off_t)0x7ffffffffffffff8) < 0);
	/* Device memory as well. */
	rom[0x10] = 0x5a;
	EXPECT_EQ(pread(fd, in, 1, 0xfffff010), 1);
	EXPECT_EQ(in[0], 0x5a);
	EXPECT_ERRNO(pread(fd, nowhere, 16, 0) < 0 ? -1 : 0, EFAULT);
}

TEST(memory_by_mmap)
{
	struct machine *m = machine_create_bare();
	int fd = vm_get_device_fd(m->ctx);
	uint8_t *a, *b, byte;
	void *map;

	OK(memseg_alloc(m->ctx, 0, 0x100000, NULL));
	OK(memmap(m->ctx, 0, 0, 0, 0x10000, VM_PROT_ALL, 0));
	OK(memmap(m->ctx, 0x10000, 0, 0x50000, 0x10000, VM_PROT_ALL, 0));
	EXPECT(vm_create_devmem(m->ctx, VM_BOOTROM, "rom", 0x1000) != MAP_FAILED);
	OK(memmap(m->ctx, 0xfffff000, VM_BOOTROM, 0, 0x1000, VM_PROT_READ, 0));
	a = mmap(NULL, 0x8000, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0x4000);
	b = mmap(NULL, 0x1000, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0x13000);
	EXPECT(a != MAP_FAILED && b != MAP_FAILED);
	a[0x10] = 0x11;
	b[0x10] = 0x22;
	EXPECT_EQ(pread(fd, &byte, 1, 0x4010), 1);
	EXPECT_EQ(byte, 0x11);
	EXPECT_EQ(pread(fd, &byte, 1, 0x13010), 1);
	EXPECT_EQ(byte, 0x22);
	map = mmap(NULL, 0x2000, PROT_READ, MAP_SHARED, fd, 0xf000);		/* two mappings */
	EXPECT(map == MAP_FAILED && errno == ENOENT);
	map = mmap(NULL, 0x1000, PROT_READ, MAP_SHARED, fd, 0x20000);
	EXPECT(map == MAP_FAILED && errno == ENOENT);
	map = mmap(NULL, 0x1000, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
	EXPECT(map == MAP_FAILED && errno == EINVAL);
	map = mmap(NULL, 0x1000, PROT_READ, MAP_SHARED, fd, 0xfffff000);
	EXPECT(map == MAP_FAILED && errno == EINVAL);
	EXPECT_EQ(mprotect(a, 0x1000, PROT_READ | PROT_EXEC), -1);
	/* It is the segment that was mapped: it stays when the guest's mapping goes. */
	OK(vm_munmap_memseg(m->ctx, 0, 0x10000));
	EXPECT_EQ(a[0x10], 0x11);
	OK(memmap(m->ctx, 0x80000000, 0, 0, 0x10000, VM_PROT_ALL, 0));
	EXPECT_EQ(pread(fd, &byte, 1, 0x80004010), 1);
	EXPECT_EQ(byte, 0x11);
}

/* M-08: memory is zero before anybody wrote to it. */
TEST(m08_memory_is_zero)
{
	struct machine *m = machine_create_bare();
	uint64_t *mem;

	OK(memseg_alloc(m->ctx, 0, 0x1000000, NULL));
	OK(memmap(m->ctx, 0, 0, 0, 0x1000000, VM_PROT_ALL, 0));
	mem = mmap(NULL, 0x1000000, PROT_READ, MAP_SHARED, vm_get_device_fd(m->ctx), 0);
	EXPECT(mem != MAP_FAILED);
	for (unsigned int i = 0; i < 0x1000000 / 8; i++)
		if (mem[i] != 0)
			FAIL("%#lx at %#x", (unsigned long)mem[i], i * 8);
}

/* M-08: every request fills all it returns; what it does not know it clears. */
TEST(m08_no_stack_bytes_returned)
{
	struct machine *m = machine_create(1);
	int fd = vm_get_device_fd(m->ctx);
	struct vm_stat_desc desc, again;
	struct vm_stats stats;

	for (int i = 0; i < 10; i++) {
		memset(&desc, 0xa5, sizeof(desc));
		memset(&again, 0x5a, sizeof(again));
		desc.index = again.index = i;
		OK(ioctl(fd, VM_STAT_DESC, &desc));
		OK(ioctl(fd, VM_STAT_DESC, &again));
		EXPECT(memcmp(&desc, &again, sizeof(desc)) == 0);
	}
	memset(&stats, 0xa5, sizeof(stats));
	stats.cpuid = 0;
	stats.index = 0;
	OK(ioctl(fd, VM_STATS, &stats));
	EXPECT(stats.num_entries > 0 && stats.num_entries <= MAX_VM_STATS);
	for (int i = stats.num_entries; i < MAX_VM_STATS; i++)
		EXPECT_EQ(stats.statbuf[i], 0);
}

/* --- the rest of the requests ------------------------------------------------------------------------ */

TEST(statistics)
{
	struct machine *m = machine_create(1);
	int fd = vm_get_device_fd(m->ctx), count = 0, entries;
	struct vm_stats stats = { .cpuid = 0 };
	struct vm_stat_desc desc;
	struct timeval tv;

	while (vm_get_stat_desc(m->ctx, count) != NULL)
		count++;
	EXPECT(count > 30);
	EXPECT(vm_get_stats(m->vcpu[0], &tv, &entries) != NULL);
	EXPECT_EQ(entries, count);
	EXPECT(tv.tv_sec > 0);
	stats.index = -1;
	EXPECT_ERRNO(ioctl(fd, VM_STATS, &stats), EINVAL);
	stats.index = count;
	OK(ioctl(fd, VM_STATS, &stats));
	EXPECT_EQ(stats.num_entries, 0);
	stats.index = count + 1;
	EXPECT_ERRNO(ioctl(fd, VM_STATS, &stats), ENOENT);
	stats.index = 0;
	stats.cpuid = -1;
	EXPECT_ERRNO(ioctl(fd, VM_STATS, &stats), EINVAL);
	desc.index = -1;
	EXPECT_ERRNO(ioctl(fd, VM_STAT_DESC, &desc), EINVAL);
	desc.index = 0x7fffffff;
	EXPECT_ERRNO(ioctl(fd, VM_STAT_DESC, &desc), EINVAL);
}

/* A-05: vCPU ids that are none, in every request that takes one. */
TEST(a05_vcpu_ids)
{
	struct machine *m = machine_create(1);
	int fd = vm_get_device_fd(m->ctx);
	uint16_t sockets, cores, threads, limit;
	union {
		int id;
		uint8_t bytes[1024];
	} arg;

	OK(vm_get_topology(m->ctx, &sockets, &cores, &threads, &limit));
	EXPECT(limit >= 1);

	const int bad[] = { -2, -0x7fffffff - 1, 0x7fffffff, limit, limit + 1, 0x10000, -65536 };
	const unsigned long requests[] = { VM_RUN, VM_GET_REGISTER, VM_SET_REGISTER, VM_GET_SEGMENT_DESCRIPTOR, VM_SET_SEGMENT_DESCRIPTOR,
		VM_GET_REGISTER_SET, VM_SET_REGISTER_SET, VM_INJECT_EXCEPTION, VM_GET_CAPABILITY, VM_SET_CAPABILITY, VM_SET_X2APIC_STATE,
		VM_GLA2GPA, VM_GLA2GPA_NOFAULT, VM_ACTIVATE_CPU, VM_SET_INTINFO, VM_GET_INTINFO, VM_RESTART_INSTRUCTION, VM_GET_KERNEMU_DEV,
		VM_SET_KERNEMU_DEV, VM_STATS, VM_INJECT_NMI, VM_LAPIC_IRQ, VM_GET_X2APIC_STATE, VM_LAPIC_LOCAL_IRQ, VM_SUSPEND_CPU,
		VM_RESUME_CPU };

	for (unsigned int r = 0; r < sizeof(requests) / sizeof(requests[0]); r++) {
		for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
			memset(&arg, 0, sizeof(arg));
			arg.id = bad[i];
			if (ioctl(fd, requests[r], &arg) == 0 || errno != EINVAL)
				FAIL("request %#lx with vCPU %d: %s", requests[r], bad[i], strerror(errno));
		}
	}
	for (unsigned int r = 0; r < 23; r++) {
		memset(&arg, 0, sizeof(arg));
		arg.id = -1;
		if (ioctl(fd, requests[r], &arg) == 0 || errno != EINVAL)
			FAIL("request %#lx with vCPU -1: %s", requests[r], strerror(errno));
	}
	/* A STARTUP or interrupt for a vCPU that nobody created creates it, and no more. */
	arg.id = limit - 1;
	memset(arg.bytes + 4, 0, 16);
	OK(ioctl(fd, VM_INJECT_NMI, &arg));
}

/* A-09: every number with every size: known requests aside, ENOTTY, and nothing is copied out. */
TEST(a09_request_words)
{
	struct machine *m = machine_create_bare();
	int fd = vm_get_device_fd(m->ctx);
	static uint8_t arg[16384], before[16384];
	static const unsigned int sizes[] = { 0, 1, 3, 5, 7, 9, 1024, 4096, 16383 };

	memset(before, 0xa5, sizeof(before));
	for (unsigned int nr = 0; nr < 256; nr++) {
		for (unsigned int dir = 0; dir < 4; dir++) {
			for (unsigned int s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
				unsigned long word = _IOC(dir, 'v', nr, sizes[s]);

				if (word == VM_REINIT || word == VMM_FBSD_VM_REINIT)
					continue;
				memcpy(arg, before, sizeof(arg));
				if (ioctl(fd, word, arg) == 0 || errno != ENOTTY)
					FAIL("request %#lx: %s", word, strerror(errno));
				if (memcmp(arg, before, sizeof(arg)) != 0)
					FAIL("request %#lx has written to its argument", word);
			}
		}
	}
	EXPECT_ERRNO(ioctl(fd, _IOWR('w', IOCNUM_GET_REGISTER, struct vm_register), arg), ENOTTY);
	EXPECT_ERRNO(ioctl(fd, _IO(VMM_LINUX_GROUP, 200), arg), ENOTTY);
	EXPECT_ERRNO(ioctl(fd, VMMCTL_VM_CREATE, arg), ENOTTY);
	EXPECT_ERRNO(ioctl(fd, VM_STATS, (void *)8), EFAULT);
}

/* FreeBSD's own words work as well. */
TEST(fbsd_request_words)
{
	struct machine *m = machine_create(1);
	int fd = vm_get_device_fd(m->ctx), pins = 0;
	struct vm_register reg = { .cpuid = 0, .regnum = VM_REG_GUEST_RBX, .regval = 0x1234 };
	struct vm_activate_cpu activate = { 0 };

	OK(ioctl(fd, VMM_FBSD_VM_SET_REGISTER, &reg));
	reg.regval = 0;
	OK(ioctl(fd, VMM_FBSD_VM_GET_REGISTER, &reg));
	EXPECT_EQ(reg.regval, 0x1234);
	OK(ioctl(fd, VMM_FBSD_VM_IOAPIC_PINCOUNT, &pins));
	EXPECT_EQ(pins, 32);
	EXPECT_ERRNO(ioctl(fd, VMM_FBSD_VM_ACTIVATE_CPU, &activate), EBUSY);
	EXPECT_ERRNO(ioctl(fd, VMM_FBSD_VM_REINIT), EBUSY);
}

TEST(capabilities)
{
	static const struct { enum vm_cap_type cap; int get, set; } amd[] = {
		{ VM_CAP_HALT_EXIT, 0, 0 }, { VM_CAP_MTRAP_EXIT, ENOENT, ENOENT }, { VM_CAP_PAUSE_EXIT, 0, 0 }, { VM_CAP_UNRESTRICTED_GUEST, 0, 0 },
		{ VM_CAP_ENABLE_INVPCID, ENOENT, ENOENT }, { VM_CAP_BPT_EXIT, 0, 0 }, { VM_CAP_RDPID, ENOENT, ENOENT },
		{ VM_CAP_RDTSCP, ENOENT, ENOENT }, { VM_CAP_IPI_EXIT, 0, 0 }, { VM_CAP_MASK_HWINTR, 0, 0 }, { VM_CAP_RFLAGS_TF, 0, 0 },
	};
	struct machine *m = machine_create(1);
	struct vcpu *fresh = vm_vcpu_open(m->ctx, 1);
	int val;

	EXPECT_ERRNO(vm_get_capability(m->vcpu[0], VM_CAP_MAX, &val), EINVAL);
	EXPECT_ERRNO(vm_get_capability(m->vcpu[0], (enum vm_cap_type)-1, &val), EINVAL);
	EXPECT_ERRNO(vm_set_capability(m->vcpu[0], VM_CAP_MAX, 1), EINVAL);
	if (!host_is_amd())
		return;
	EXPECT_ERRNO(vm_set_capability(m->vcpu[0], VM_CAP_UNRESTRICTED_GUEST, 0), EINVAL);
	for (unsigned int i = 0; i < sizeof(amd) / sizeof(amd[0]); i++) {
		EXPECT_ERRNO(vm_get_capability(fresh, amd[i].cap, &val), amd[i].get);
		if (amd[i].get == 0)
			EXPECT_EQ(val, amd[i].cap == VM_CAP_UNRESTRICTED_GUEST);
		EXPECT_ERRNO(vm_set_capability(fresh, amd[i].cap, 1), amd[i].set);
		if (amd[i].set != 0)
			continue;
		OK(vm_get_capability(fresh, amd[i].cap, &val));
		EXPECT_EQ(val, 1);
	}
	OK(vm_get_capability(m->vcpu[0], VM_CAP_PAUSE_EXIT, &val));
	EXPECT_EQ(val, 0);				/* only the vCPU that was named */
}

SNIPPET(pause_twice, 64, "pause; nop; pause; out %al, $0x80");

TEST(capability_pause_exit)
{
	struct machine *m = machine_create(1);
	struct vm_exit exit;

	snippet_start(m, 0, &pause_twice);
	OK(vm_set_capability(m->vcpu[0], VM_CAP_PAUSE_EXIT, 1));
	exit = EXPECT_EXIT(m, 0, VM_EXITCODE_PAUSE);
	EXPECT_EQ(exit.rip, CODE_GPA);
	EXPECT_EQ(exit.inst_length, 2);
	OK(vm_set_capability(m->vcpu[0], VM_CAP_PAUSE_EXIT, 0));
	EXPECT_EXIT(m, 0, VM_EXITCODE_INOUT);
}

/* E-14: switched to and fro while the guest runs. */
TEST_TIMED(e14_capability_toggles, 60)
{
	static const enum vm_cap_type caps[] = { VM_CAP_HALT_EXIT, VM_CAP_PAUSE_EXIT, VM_CAP_BPT_EXIT, VM_CAP_IPI_EXIT, VM_CAP_MASK_HWINTR,
		VM_CAP_RFLAGS_TF };
	struct machine *m = machine_create(1);
	struct vm_exit exit;
	struct runner r;

	snippet_start(m, 0, &pause_twice);
	for (int i = 0; i < 600; i++) {
		EXPECT_EQ(vcpu_run_once(m, 0, &exit), 0);
		if (exit.exitcode == VM_EXITCODE_SVM || exit.exitcode == VM_EXITCODE_VMX)
			FAIL("round %d: exit %s", i, exit_name(exit.exitcode));
		if (exit.exitcode == VM_EXITCODE_INOUT)
			reg_set(m, 0, VM_REG_GUEST_RIP, CODE_GPA);
		(void)vm_set_capability(m->vcpu[0], caps[i % 6], i / 6 & 1);
	}
	vcpu_start_main(m, 0, "count_forever");
	for (int i = 0; i < 6; i++)
		(void)vm_set_capability(m->vcpu[0], caps[i], 0);
	runner_start(&r, m, 0);
	/* Not RFLAGS_TF, the last: it ends the run after each instruction. */
	for (int i = 0; i < 400; i++)
		OK(vm_set_capability(m->vcpu[0], caps[i % 5], i / 5 & 1));
	EXPECT(!r.done);
}

/* --- address translation: section 14 ---------------------------------------------------------------- */

TEST(gla2gpa)
{
	struct machine *m = machine_create(1);
	struct vm_guest_paging paging = { .cr3 = 0x200000, .cpl = 0, .cpu_mode = CPU_MODE_64BIT, .paging_mode = PAGING_MODE_64 };
	uint64_t *pml4 = (uint64_t *)(m->mem + 0x200000), *pdpt = pml4 + 512, *pd = pdpt + 512, *pt = pd + 512, gpa, info1, info2;
	int fault;

	vcpu_start(m, 0, MODE_LONG, CODE_GPA);
	pml4[1] = 0x201007;
	pdpt[2] = 0x202007;
	pdpt[3] = 0x40000087;			/* 1 GiB */
	pd[3] = 0x203007;
	pd[4] = 0x600087;			/* 2 MiB, user */
	pt[5] = 0x123001;			/* 4 KiB, kernel, read only */
	pt[6] = 0x124003;
	pml4[2] = 0x7000000003;			/* a table where there is no memory */
#define GLA(a, b, c, d)	((uint64_t)(a) << 39 | (uint64_t)(b) << 30 | (uint64_t)(c) << 21 | (uint64_t)(d) << 12)
	OK(vm_gla2gpa_nofault(m->vcpu[0], &paging, GLA(1, 2, 3, 5) + 0x123, VM_PROT_READ, &gpa, &fault));
	EXPECT_EQ(fault, 0);
	EXPECT_EQ(gpa, 0x123123);
	EXPECT_EQ(pt[5], 0x123001);		/* no accessed bit */
	OK(vm_gla2gpa_nofault(m->vcpu[0], &paging, GLA(1, 2, 4, 7) + 1, VM_PROT_WRITE, &gpa, &fault));
	EXPECT_EQ(gpa, 0x607001);
	OK(vm_gla2gpa_nofault(m->vcpu[0], &paging, GLA(1, 3, 5, 7) + 2, VM_PROT_READ, &gpa, &fault));
	EXPECT_EQ(gpa, 0x40a07002);
	OK(vm_gla2gpa_nofault(m->vcpu[0], &paging, GLA(1, 2, 3, 5), VM_PROT_WRITE, &gpa, &fault));
	EXPECT_EQ(fault, 1);
	OK(vm_gla2gpa_nofault(m->vcpu[0], &paging, GLA(1, 2, 3, 7), VM_PROT_READ, &gpa, &fault));
	EXPECT_EQ(fault, 1);
	OK(vm_gla2gpa_nofault(m->vcpu[0], &paging, 1ull << 47, VM_PROT_READ, &gpa, &fault));
	EXPECT_EQ(fault, 1);
	paging.cpl = 3;
	OK(vm_gla2gpa_nofault(m->vcpu[0], &paging, GLA(1, 2, 3, 5), VM_PROT_READ, &gpa, &fault));
	EXPECT_EQ(fault, 1);
	OK(vm_gla2gpa_nofault(m->vcpu[0], &paging, GLA(1, 2, 4, 5), VM_PROT_READ, &gpa, &fault));
	EXPECT_EQ(fault, 0);
	paging.cpl = 0;
	EXPECT_ERRNO(vm_gla2gpa_nofault(m->vcpu[0], &paging, GLA(2, 0, 0, 0), VM_PROT_READ, &gpa, &fault), EFAULT);

	OK(vm_get_intinfo(m->vcpu[0], &info1, &info2));
	EXPECT_EQ(info1 | info2, 0);		/* nothing injected so far */
	OK(vm_gla2gpa(m->vcpu[0], &paging, GLA(1, 2, 3, 6), VM_PROT_WRITE, &gpa, &fault));
	EXPECT_EQ(fault, 0);
	EXPECT_EQ(pt[6], 0x124063);		/* accessed and dirty */
	EXPECT_EQ(pd[3], 0x203027);
	EXPECT_EQ(pml4[1], 0x201027);
	OK(vm_gla2gpa(m->vcpu[0], &paging, GLA(1, 2, 3, 5), VM_PROT_WRITE, &gpa, &fault));
	EXPECT_EQ(fault, 1);
	OK(vm_get_intinfo(m->vcpu[0], &info1, &info2));
	EXPECT_EQ(info2, 3ull << 32 | VM_INTINFO_VALID | VM_INTINFO_DEL_ERRCODE | VM_INTINFO_HWEXCEPTION | 14);
	EXPECT_EQ(reg_get(m, 0, VM_REG_GUEST_CR2), GLA(1, 2, 3, 5));

	paging.paging_mode = PAGING_MODE_FLAT;
	OK(vm_gla2gpa_nofault(m->vcpu[0], &paging, 0x1234567, VM_PROT_READ, &gpa, &fault));
	EXPECT_EQ(gpa, 0x1234567);
}

/* M-09: who is not the administrator sees no host addresses. */
TEST(m09_nested_entries)
{
	struct machine *m = machine_create(1);
	uint64_t pte[4] = { 0 };
	int count = -1;

	vcpu_start_main(m, 0, "empty_page_touch");
	EXPECT_PASS(m, 0);
	OK(vm_get_gpa_pmap(m->ctx, SCRATCH_GPA, pte, &count));
	EXPECT(count >= 1 && count <= 4);
	EXPECT((pte[count - 1] & 0xffffffffff000) != 0);
	become_nobody();
	OK(vm_get_gpa_pmap(m->ctx, SCRATCH_GPA, pte, &count));
	EXPECT(count >= 1 && count <= 4);
	for (int i = 0; i < count; i++)
		EXPECT_EQ(pte[i] & 0xffffffffff000, 0);
	OK(vm_get_gpa_pmap(m->ctx, ~0ull, pte, &count));
}

/* A machine belongs to who made it: others may not destroy it, nor open it. */
TEST(access_of_other_users)
{
	struct machine *m = machine_create_bare();
	char path[256];
	int ctl = ctl_open();

	snprintf(path, sizeof(path), VMM_DEV_PREFIX "%s", m->name);
	become_nobody();
	EXPECT_EQ(open(path, O_RDWR), -1);
	EXPECT_EQ(errno, EACCES);
	EXPECT(ctl_destroy(ctl, m->name) == -1 && (errno == EPERM || errno == EINVAL));
	EXPECT_EQ(access(VMM_CTL_PATH, R_OK), -1);
	EXPECT_EQ(open(VMM_CTL_PATH, O_RDWR), -1);
}

/* A-07: so many machines a user, and another user still gets one. */
TEST(a07_machines_per_user)
{
	FILE *file = fopen("/proc/sys/hw/vmm/maxvmms", "r");
	char name[64];
	unsigned int limit = 0, made = 0;
	int fd = ctl_open();

	EXPECT(file != NULL && fscanf(file, "%u", &limit) == 1);
	if (limit > 1000)
		test_skip("the limit is %u", limit);
	OK(setresuid(65533, 65533, 0));
	for (;;) {
		machine_name(name, sizeof(name));
		if (ctl_create(fd, name, VMMCTL_CREATE_DESTROY_ON_CLOSE) != 0)
			break;
		made++;
		EXPECT(made <= limit);
	}
	EXPECT_EQ(errno, ENOMEM);
	EXPECT_EQ(made, limit);
	OK(setresuid(-1, 0, -1));
	OK(setresuid(65532, 65532, 0));
	OK(ctl_create(fd, name, VMMCTL_CREATE_DESTROY_ON_CLOSE));
	close(fd);
	EXPECT_WITHIN(1, !machine_exists(name));
}

#else
GUEST_MAIN(empty_page_touch)
{
	*(volatile uint32_t *)SCRATCH_GPA = 1;
}
#endif
