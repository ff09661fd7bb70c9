// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* A Linux kernel in a guest's memory, to be entered in 64-bit mode: Documentation/arch/x86/boot.rst, zero-page.rst. */
#include <asm/bootparam.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "boot.h"
#include "hyper.h"

#define CMDLINE_GPA	0x91000
#define KERNEL_GPA	0x1000000	/* where Debian's want to be: nothing is moved */
#define INITRD_GPA	0x10000000
#define SECTOR		512
#define ENTRY_64	0x200
#define CMDLINE		"console=ttyS0 acpi=off nokaslr panic=-1 rdinit=/bench-init"

#define E820_RAM	1

static const uint8_t *file_map(const char *path, size_t *size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	void *at;

	if (fd < 0 || fstat(fd, &st) < 0)
		die("%s: %s", path, strerror(errno));
	*size = (size_t)st.st_size;
	at = mmap(NULL, *size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
	close(fd);
	if (at == MAP_FAILED)
		die("%s: %s", path, strerror(errno));
	return at;
}

static void e820_add(struct boot_params *params, uint64_t from, uint64_t to)
{
	params->e820_table[params->e820_entries++] = (struct boot_e820_entry){ .addr = from, .size = to - from, .type = E820_RAM };
}

/* The kernel as its own decompressor would leave it; returns where it is entered. PLACE: where it starts, and where that is. */
static uint64_t image_place(uint8_t *mem, const char *path, const char *place)
{
	unsigned long start, entry;
	const uint8_t *image;
	size_t size;

	image = file_map(path, &size);
	if (!place || sscanf(place, "%lx %lx", &start, &entry) != 2 || start + size > INITRD_GPA)
		die("%s: expected to be told where it starts and is entered, below %#x", path, INITRD_GPA);
	memcpy(mem + start, image, size);
	munmap((void *)image, size);
	return entry;
}

uint64_t boot_place(uint8_t *mem, const char *kernel, const char *initrd)
{
	struct boot_params *params = (struct boot_params *)(mem + BOOT_PARAMS_GPA);
	uint64_t entry = KERNEL_GPA + ENTRY_64;
	size_t kernel_size, initrd_size, setup_size;
	const uint8_t *image = file_map(kernel, &kernel_size), *ramdisk = file_map(initrd, &initrd_size);

	memset(params, 0, sizeof(*params));
	memcpy(&params->hdr, image + offsetof(struct boot_params, hdr), sizeof(params->hdr));
	if (params->hdr.header != 0x53726448 || !(params->hdr.xloadflags & XLF_KERNEL_64))
		die("%s: no kernel that can be entered in 64-bit mode", kernel);
	setup_size = (params->hdr.setup_sects ? params->hdr.setup_sects + 1u : 5u) * SECTOR;
	if (setup_size >= kernel_size || INITRD_GPA + initrd_size > BOOT_MEMORY_BYTES)
		die("%s, %s: too short or too large", kernel, initrd);
	if (getenv("BENCH_IMAGE"))
		entry = image_place(mem, getenv("BENCH_IMAGE"), getenv("BENCH_PLACE"));
	else
		memcpy(mem + KERNEL_GPA, image + setup_size, kernel_size - setup_size);
	memcpy(mem + INITRD_GPA, ramdisk, initrd_size);
	sprintf((char *)mem + CMDLINE_GPA, "%s %s", CMDLINE, getenv("BENCH_APPEND") ?: "");
	params->hdr.type_of_loader = 0xff;
	params->hdr.code32_start = KERNEL_GPA;
	params->hdr.cmd_line_ptr = CMDLINE_GPA;
	params->hdr.ramdisk_image = INITRD_GPA;
	params->hdr.ramdisk_size = (uint32_t)initrd_size;
	e820_add(params, 0, 0x9fc00);
	e820_add(params, 0x100000, BOOT_MEMORY_BYTES);
	munmap((void *)image, kernel_size);
	munmap((void *)ramdisk, initrd_size);
	return entry;
}
