// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * ELF kernels with a PVH entry point (Xen's "x86/HVM direct boot ABI"): a note tells the 32-bit
 * entry, and EBX points to a description of memory, command line and initial ramdisk.
 */
#include <elf.h>
#include <stdbool.h>
#include <string.h>

#include "complain.h"
#include "kernel.h"

#define NOTE_NAME		"Xen"
#define NOTE_PHYS32_ENTRY	18
#define START_MAGIC		0x336ec578u
#define START_VERSION		1

struct start_info {
	uint32_t	magic;
	uint32_t	version;
	uint32_t	flags;
	uint32_t	nr_modules;
	uint64_t	modlist_gpa;
	uint64_t	cmdline_gpa;
	uint64_t	rsdp_gpa;
	uint64_t	memmap_gpa;		/* since version 1 */
	uint32_t	memmap_entries;
	uint32_t	reserved;
};

struct start_module {
	uint64_t	gpa;
	uint64_t	size;
	uint64_t	cmdline_gpa;
	uint64_t	reserved;
};

struct start_range {
	uint64_t	gpa;
	uint64_t	size;
	uint32_t	type;
	uint32_t	reserved;
};

/* All that lies at START_INFO_GPA. */
struct start_area {
	struct start_info	info;
	struct start_module	initrd;
	struct start_range	ranges[MEMORY_RANGES_MAX];
};

/* The file's headers in the wider of the two classes. */
struct elf {
	const struct file	*file;
	bool			wide;		/* ELFCLASS64 */
	uint64_t		phoff;
	unsigned int		phnum;
	unsigned int		phentsize;
};

static bool file_has(const struct file *file, uint64_t offset, uint64_t len)
{
	return offset <= file->size && len <= file->size - offset;
}

static int elf_open(struct elf *elf, const struct file *file)
{
	Elf64_Ehdr wide;
	Elf32_Ehdr narrow;

	elf->file = file;
	elf->wide = file->size > EI_CLASS && file->data[EI_CLASS] == ELFCLASS64;
	if (file->size < sizeof(wide))
		return complain(
			"%s is too short for an ELF kernel: was it downloaded or copied to its end?",
			file->path);
	memcpy(&wide, file->data, sizeof(wide));
	memcpy(&narrow, file->data, sizeof(narrow));
	if (file->data[EI_DATA] != ELFDATA2LSB ||
	    wide.e_machine != (elf->wide ? EM_X86_64 : EM_386))
		return complain("%s is an ELF file for another processor: give a kernel for x86",
				file->path);
	elf->phoff = elf->wide ? wide.e_phoff : narrow.e_phoff;
	elf->phnum = elf->wide ? wide.e_phnum : narrow.e_phnum;
	elf->phentsize = elf->wide ? wide.e_phentsize : narrow.e_phentsize;
	if (elf->phentsize < (elf->wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr)))
		return complain(
			"%s has no program headers: give a linked kernel (vmlinux), not an object file",
			file->path);
	if (!file_has(file, elf->phoff, (uint64_t)elf->phnum * elf->phentsize))
		return complain(
			"%s is cut off in its program headers: was it downloaded or copied to its end?",
			file->path);
	return 0;
}

static void elf_segment(const struct elf *elf, unsigned int index, Elf64_Phdr *segment)
{
	const uint8_t *at = elf->file->data + elf->phoff + (size_t)index * elf->phentsize;
	Elf32_Phdr narrow;

	if (elf->wide) {
		memcpy(segment, at, sizeof(*segment));
		return;
	}
	memcpy(&narrow, at, sizeof(narrow));
	*segment = (Elf64_Phdr){
		.p_type = narrow.p_type,
		.p_offset = narrow.p_offset,
		.p_paddr = narrow.p_paddr,
		.p_filesz = narrow.p_filesz,
		.p_memsz = narrow.p_memsz,
		.p_align = narrow.p_align,
	};
}

/* Looks for the entry point in one segment of notes, which lies within the file. */
static bool notes_entry(const struct file *file, const Elf64_Phdr *segment, uint64_t *entry)
{
	uint64_t at = segment->p_offset, end = segment->p_offset + segment->p_filesz;
	uint64_t align = segment->p_align == 8 ? 8 : 4, desc;
	Elf64_Nhdr note;
	uint32_t narrow;

	while (end - at >= sizeof(note)) {
		memcpy(&note, file->data + at, sizeof(note));
		desc = at + (sizeof(note) + (uint64_t)note.n_namesz + align - 1) / align * align;
		if (desc > end || note.n_descsz > end - desc)
			return false;
		if (note.n_type == NOTE_PHYS32_ENTRY && note.n_namesz == sizeof(NOTE_NAME) &&
		    note.n_descsz >= sizeof(narrow) &&
		    memcmp(file->data + at + sizeof(note), NOTE_NAME, sizeof(NOTE_NAME)) == 0) {
			memcpy(&narrow, file->data + desc, sizeof(narrow));
			*entry = narrow;
			return true;
		}
		at = desc + ((uint64_t)note.n_descsz + align - 1) / align * align;
		if (at > end)
			return false;
	}
	return false;
}

static int segment_check(struct kernel_plan *plan, const Elf64_Phdr *segment)
{
	const char *path = plan->kernel->path;
	uint64_t end_gpa = segment->p_paddr + segment->p_memsz;

	if (segment->p_memsz == 0 && segment->p_filesz == 0)
		return 0;
	if (segment->p_filesz > segment->p_memsz || end_gpa < segment->p_paddr ||
	    segment->p_paddr < KERNEL_GPA_MIN)
		return complain("%s asks to be loaded at %#lx: only memory above 1 MiB is free",
				path, (unsigned long)segment->p_paddr);
	if (end_gpa > plan->lowmem)
		return complain(
			"%s needs memory up to %lu MiB, the machine has %lu MiB there: give more with -m",
			path, (unsigned long)((end_gpa + 0xfffff) >> 20),
			(unsigned long)(plan->lowmem >> 20));
	if (end_gpa > plan->end_gpa)
		plan->end_gpa = end_gpa;
	return 0;
}

static int segments_plan(struct kernel_plan *plan, const struct elf *elf)
{
	Elf64_Phdr segment;
	bool found = false;

	for (unsigned int i = 0; i < elf->phnum; i++) {
		elf_segment(elf, i, &segment);
		if (segment.p_type != PT_LOAD && segment.p_type != PT_NOTE)
			continue;
		if (!file_has(elf->file, segment.p_offset, segment.p_filesz))
			return complain("%s is cut off: was it downloaded or copied to its end?",
					elf->file->path);
		if (segment.p_type == PT_LOAD && segment_check(plan, &segment) != 0)
			return -1;
		if (segment.p_type == PT_NOTE && !found)
			found = notes_entry(elf->file, &segment, &plan->state.rip);
	}
	if (!found)
		return complain(
			"%s is an ELF file without a PVH entry point: build the kernel with CONFIG_PVH=y, or give its bzImage (vmlinuz)",
			elf->file->path);
	if (plan->end_gpa == 0)
		return complain("%s has nothing to load: give a linked kernel (vmlinux)",
				elf->file->path);
	return 0;
}

static void start_area_fill(struct start_area *area, const struct kernel_plan *plan,
			    const struct memory *memory, uint64_t rsdp_gpa)
{
	struct memory_range ranges[MEMORY_RANGES_MAX];
	int count = memory_ranges(memory, ranges);

	memset(area, 0, sizeof(*area));
	area->info.magic = START_MAGIC;
	area->info.version = START_VERSION;
	area->info.cmdline_gpa = CMDLINE_GPA;
	area->info.rsdp_gpa = rsdp_gpa;
	area->info.memmap_gpa = START_INFO_GPA + offsetof(struct start_area, ranges);
	area->info.memmap_entries = (uint32_t)count;
	for (int i = 0; i < count; i++)
		area->ranges[i] = (struct start_range){ .gpa = ranges[i].gpa,
							.size = ranges[i].size,
							.type = ranges[i].type };
	if (plan->initrd == NULL)
		return;
	area->info.nr_modules = 1;
	area->info.modlist_gpa = START_INFO_GPA + offsetof(struct start_area, initrd);
	area->initrd.gpa = plan->initrd_gpa;
	area->initrd.size = plan->initrd->size;
}

/* What a segment has beyond its bytes in the file is zero, as all memory of a new machine. */
static void elf_place(const struct kernel_plan *plan, const struct memory *memory,
		      uint64_t rsdp_gpa)
{
	Elf64_Phdr segment;
	struct elf elf;

	(void)elf_open(&elf, plan->kernel);
	for (unsigned int i = 0; i < elf.phnum; i++) {
		elf_segment(&elf, i, &segment);
		if (segment.p_type == PT_LOAD && segment.p_filesz != 0)
			memcpy(memory_at(memory, segment.p_paddr, segment.p_filesz),
			       plan->kernel->data + segment.p_offset, segment.p_filesz);
	}
	start_area_fill(memory_at(memory, START_INFO_GPA, sizeof(struct start_area)), plan, memory,
			rsdp_gpa);
}

int elf_plan(struct kernel_plan *plan)
{
	struct elf elf;

	if (elf_open(&elf, plan->kernel) != 0 || segments_plan(plan, &elf) != 0)
		return -1;
	if (initrd_plan(plan, plan->lowmem) != 0)
		return -1;
	plan->state.mode = BOOT_PROTECTED;
	plan->state.rbx = START_INFO_GPA;
	plan->place = elf_place;
	return 0;
}
