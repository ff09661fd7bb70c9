// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * Linux's bzImage, by the boot protocol (Documentation/arch/x86/boot.rst): a real-mode setup part,
 * of which only the header is used, and the protected-mode kernel, entered at its first byte in
 * 32-bit mode or 0x200 behind it in 64-bit mode.
 */
#include <asm/bootparam.h>
#include <stdbool.h>
#include <string.h>

#include "complain.h"
#include "kernel.h"

#define SETUP_HEADER_OFFSET	0x1f1u
#define BOOT_FLAG		0xaa55
#define HEADER_MAGIC		0x53726448u	/* "HdrS" */
#define SECTOR			512u
#define SETUP_SECTORS_DEFAULT	4		/* what 0 stands for */
#define ENTRY64_OFFSET		0x200
#define LOADER_UNDEFINED	0xff
#define VIDEO_MODE_NORMAL	0xffff
#define INITRD_MAX_DEFAULT	0x37ffffffUL

#define PROTOCOL_OLDEST		0x0206		/* the first with cmdline_size */
#define PROTOCOL_PREF_ADDRESS	0x020a
#define PROTOCOL_XLOADFLAGS	0x020c

static void header_get(const struct file *kernel, struct setup_header *header)
{
	size_t end, room = kernel->size - SETUP_HEADER_OFFSET;

	/*
	 * Byte 0x201 is the distance from 0x202 to the header's end; what a newer protocol has is
	 * not there in an older file.
	 */
	end = 0x202 + kernel->data[0x201];
	memset(header, 0, sizeof(*header));
	if (end - SETUP_HEADER_OFFSET < room)
		room = end - SETUP_HEADER_OFFSET;
	memcpy(header, kernel->data + SETUP_HEADER_OFFSET,
	       room < sizeof(*header) ? room : sizeof(*header));
}

static int header_check(const struct kernel_plan *plan, struct setup_header *header)
{
	const char *path = plan->kernel->path;

	if (plan->kernel->size < SETUP_HEADER_OFFSET + sizeof(*header))
		return complain(
			"%s is too short for a Linux kernel: was it downloaded or copied to its end?",
			path);
	header_get(plan->kernel, header);
	if (header->boot_flag != BOOT_FLAG || header->header != HEADER_MAGIC)
		return complain(
			"%s is neither a bzImage nor an ELF file: give vmlinuz, or vmlinux with a PVH entry",
			path);
	if (header->version < PROTOCOL_OLDEST)
		return complain(
			"%s speaks version %d.%02d of the boot protocol: 2.06 (Linux 2.6.22) is the oldest that works",
			path, header->version >> 8, header->version & 0xff);
	if (!(header->loadflags & LOADED_HIGH))
		return complain("%s is a zImage, to be loaded below 1 MiB: build a bzImage", path);
	if (strlen(plan->cmdline) > header->cmdline_size)
		return complain("the kernel's command line has %zu bytes: %s takes at most %u",
				strlen(plan->cmdline), path, header->cmdline_size);
	return 0;
}

/* Which part of the file is the protected-mode kernel. */
static int payload_plan(struct kernel_plan *plan, const struct setup_header *header)
{
	unsigned int sectors =
		header->setup_sects != 0 ? header->setup_sects : SETUP_SECTORS_DEFAULT;

	plan->load_offset = (sectors + 1) * SECTOR;
	plan->load_size = (size_t)header->syssize * 16;
	if (plan->load_size == 0 || plan->load_offset + plan->load_size > plan->kernel->size + 15)
		return complain(
			"%s is cut off: its header tells of %zu bytes, it has %zu. Was it downloaded or copied to its end?",
			plan->kernel->path, plan->load_offset + plan->load_size,
			plan->kernel->size);
	if (plan->load_size > plan->kernel->size - plan->load_offset)
		plan->load_size = plan->kernel->size - plan->load_offset;
	return 0;
}

static bool load_fits(const struct kernel_plan *plan, uint64_t gpa, uint64_t need)
{
	return gpa >= KERNEL_GPA_MIN && gpa < plan->lowmem && need <= plan->lowmem - gpa;
}

/*
 * Where the kernel wants to be, or, where memory ends before that, at the lowest address that its
 * alignment allows.
 */
static int address_plan(struct kernel_plan *plan, const struct setup_header *header)
{
	uint64_t align, need = plan->load_size;

	plan->load_gpa = KERNEL_GPA_MIN;
	if (header->version >= PROTOCOL_PREF_ADDRESS) {
		plan->load_gpa = header->pref_address;
		if (header->init_size > need)
			need = header->init_size;
		align = header->kernel_alignment;
		if (!load_fits(plan, plan->load_gpa, need) && header->relocatable_kernel &&
		    align != 0)
			plan->load_gpa = (KERNEL_GPA_MIN + align - 1) / align * align;
	}
	if (!load_fits(plan, plan->load_gpa, need))
		return complain(
			"%s needs memory from %lu to %lu MiB, the machine has %lu MiB there: give more with -m",
			plan->kernel->path, (unsigned long)(plan->load_gpa >> 20),
			(unsigned long)((plan->load_gpa + need + 0xfffff) >> 20),
			(unsigned long)(plan->lowmem >> 20));
	plan->end_gpa = plan->load_gpa + need;
	return 0;
}

static void e820_fill(struct boot_params *params, const struct memory *memory)
{
	struct memory_range ranges[MEMORY_RANGES_MAX];
	int count = memory_ranges(memory, ranges);

	for (int i = 0; i < count; i++)
		params->e820_table[i] = (struct boot_e820_entry){ .addr = ranges[i].gpa,
								  .size = ranges[i].size,
								  .type = ranges[i].type };
	params->e820_entries = (uint8_t)count;
}

static void bzimage_place(const struct kernel_plan *plan, const struct memory *memory,
			  uint64_t rsdp_gpa)
{
	struct boot_params *params = memory_at(memory, ZERO_PAGE_GPA, sizeof(*params));

	memset(params, 0, sizeof(*params));
	header_get(plan->kernel, &params->hdr);
	params->hdr.type_of_loader = LOADER_UNDEFINED;
	params->hdr.vid_mode = VIDEO_MODE_NORMAL;
	params->hdr.code32_start = (uint32_t)plan->load_gpa;
	params->hdr.cmd_line_ptr = CMDLINE_GPA;
	params->hdr.setup_data = 0;
	params->hdr.ramdisk_image = 0;
	params->hdr.ramdisk_size = 0;
	if (plan->initrd != NULL) {
		params->hdr.ramdisk_image = (uint32_t)plan->initrd_gpa;
		params->hdr.ramdisk_size = (uint32_t)plan->initrd->size;
	}
	params->acpi_rsdp_addr = rsdp_gpa;
	params->alt_mem_k = (uint32_t)((memory->lowmem - KERNEL_GPA_MIN) >> 10);
	e820_fill(params, memory);
	memcpy(memory_at(memory, plan->load_gpa, plan->load_size),
	       plan->kernel->data + plan->load_offset, plan->load_size);
}

int bzimage_plan(struct kernel_plan *plan)
{
	struct setup_header header;
	uint64_t initrd_max;

	if (header_check(plan, &header) != 0 || payload_plan(plan, &header) != 0 ||
	    address_plan(plan, &header) != 0)
		return -1;
	initrd_max = header.initrd_addr_max != 0 ? header.initrd_addr_max : INITRD_MAX_DEFAULT;
	if (initrd_plan(plan, initrd_max + 1) != 0)
		return -1;
	plan->state.mode = BOOT_PROTECTED;
	plan->state.rip = plan->load_gpa;
	if (header.version >= PROTOCOL_XLOADFLAGS && (header.xloadflags & XLF_KERNEL_64)) {
		plan->state.mode = BOOT_LONG;
		plan->state.rip = plan->load_gpa + ENTRY64_OFFSET;
	}
	plan->state.rsi = ZERO_PAGE_GPA;
	plan->place = bzimage_place;
	return 0;
}
