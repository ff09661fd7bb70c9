// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * Kernel files: good ones, and every way of being bad that was thought of. An argument is a real
 * bzImage to load as well.
 */
#include <asm/bootparam.h>
#include <elf.h>
#include <string.h>

#include "../vmmrun/kernel.h"
#include "test.h"

#define LOWMEM		(64UL << 20)
#define IMAGE_SIZE	0x4000
#define SETUP_SIZE	(5 * 512)

static struct memory memory;
static uint8_t image[IMAGE_SIZE];
static uint8_t ramdisk[10000];

static struct file kernel_file = { .path = "kernel", .data = image, .size = sizeof(image) };
static struct file initrd_file = { .path = "initrd", .data = ramdisk, .size = sizeof(ramdisk) };

static struct setup_header *bzimage_make(void)
{
	struct setup_header *header = (struct setup_header *)(image + 0x1f1);

	memset(image, 0, sizeof(image));
	memset(image + SETUP_SIZE, 0x90, sizeof(image) - SETUP_SIZE);
	header->setup_sects = 4;
	header->syssize = (sizeof(image) - SETUP_SIZE) / 16;
	header->boot_flag = 0xaa55;
	header->jump = 0x66eb;
	header->header = 0x53726448;
	header->version = 0x020f;
	header->loadflags = LOADED_HIGH;
	header->initrd_addr_max = 0x7fffffff;
	header->kernel_alignment = 0x200000;
	header->relocatable_kernel = 1;
	header->xloadflags = XLF_KERNEL_64;
	header->cmdline_size = 2047;
	header->pref_address = 0x1000000;
	header->init_size = 0x800000;
	kernel_file.size = sizeof(image);
	return header;
}

static int plan_try(struct kernel_plan *plan, size_t lowmem)
{
	return kernel_plan(plan, &kernel_file, &initrd_file, "console=ttyS0", lowmem);
}

static void test_bzimage(void)
{
	struct setup_header *header = bzimage_make();
	struct boot_params *params;
	struct kernel_plan plan;

	CHECK(plan_try(&plan, LOWMEM) == 0);
	CHECK_EQUAL(plan.state.mode, BOOT_LONG);
	CHECK_EQUAL(plan.state.rip, 0x1000200);
	CHECK_EQUAL(plan.state.rsi, ZERO_PAGE_GPA);
	CHECK_EQUAL(plan.initrd_gpa, LOWMEM - 0x3000);
	kernel_place(&plan, &memory, 0xf0000);
	params = memory_at(&memory, ZERO_PAGE_GPA, sizeof(*params));
	CHECK_EQUAL(params->acpi_rsdp_addr, 0xf0000);
	CHECK_EQUAL(params->hdr.ramdisk_image, plan.initrd_gpa);
	CHECK_EQUAL(params->hdr.ramdisk_size, sizeof(ramdisk));
	CHECK_EQUAL(params->e820_entries, 4);
	CHECK_EQUAL(params->e820_table[3].addr + params->e820_table[3].size, LOWMEM);
	CHECK(strcmp(memory.base + params->hdr.cmd_line_ptr, "console=ttyS0") == 0);
	CHECK(memcmp(memory.base + 0x1000000, image + SETUP_SIZE, sizeof(image) - SETUP_SIZE) == 0);
	CHECK(memcmp(memory.base + plan.initrd_gpa, ramdisk, sizeof(ramdisk)) == 0);

	CHECK(plan_try(&plan, 12UL << 20) == 0);	/* too small for the preferred address */
	CHECK_EQUAL(plan.load_gpa, 0x200000);
	header->relocatable_kernel = 0;
	CHECK(plan_try(&plan, 12UL << 20) != 0);
	CHECK(plan_try(&plan, 24UL << 20) != 0);	/* no room for the ramdisk */
	header->xloadflags = 0;
	CHECK(plan_try(&plan, LOWMEM) == 0);
	CHECK_EQUAL(plan.state.mode, BOOT_PROTECTED);
	CHECK_EQUAL(plan.state.rip, 0x1000000);
	header->initrd_addr_max = 0x2000000 - 1;
	CHECK(plan_try(&plan, LOWMEM) == 0);
	CHECK_EQUAL(plan.initrd_gpa, 0x2000000 - 0x3000);
}

static void test_bzimage_bad(void)
{
	struct setup_header *header;
	struct kernel_plan plan;
	char text[3000];

	for (size_t size = 1; size < sizeof(image); size += size < 0x400 ? 1 : 0x100) {
		uint8_t *exact;

		bzimage_make();
		exact = malloc(size); /* of this very size, for the address sanitizer */
		memcpy(exact, image, size);
		kernel_file.data = exact;
		kernel_file.size = size;
		CHECK(plan_try(&plan, LOWMEM) != 0);
		kernel_file.data = image;
		free(exact);
	}
	header = bzimage_make();
	header->boot_flag = 0;
	CHECK(plan_try(&plan, LOWMEM) != 0);
	header = bzimage_make();
	header->version = 0x0205;
	CHECK(plan_try(&plan, LOWMEM) != 0);
	header = bzimage_make();
	header->loadflags = 0;
	CHECK(plan_try(&plan, LOWMEM) != 0);
	header = bzimage_make();
	header->syssize = 0;
	CHECK(plan_try(&plan, LOWMEM) != 0);
	header = bzimage_make();
	header->pref_address = ~0ull - 0x1000;
	header->kernel_alignment = 0x80000000;
	CHECK(plan_try(&plan, LOWMEM) != 0);
	header = bzimage_make();
	header->pref_address = 0x1000;
	CHECK(plan_try(&plan, LOWMEM) == 0);
	CHECK_EQUAL(plan.load_gpa, 0x200000);
	bzimage_make();
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	CHECK(kernel_plan(&plan, &kernel_file, NULL, text, LOWMEM) != 0);
}

/*
 * An ELF kernel: two segments to load, one of them with zeros behind its bytes, and one of notes.
 */
static void elf_make(Elf64_Ehdr **ehdr, Elf64_Phdr **phdr)
{
	static const uint32_t note[] = { 4, 4, 18, 0x006e6558, 0x1000040 };

	memset(image, 0, sizeof(image));
	memset(image + 0x1000, 0xcc, 0x1000);
	*ehdr = (Elf64_Ehdr *)image;
	*phdr = (Elf64_Phdr *)(image + sizeof(**ehdr));
	memcpy((*ehdr)->e_ident, ELFMAG, SELFMAG);
	(*ehdr)->e_ident[EI_CLASS] = ELFCLASS64;
	(*ehdr)->e_ident[EI_DATA] = ELFDATA2LSB;
	(*ehdr)->e_machine = EM_X86_64;
	(*ehdr)->e_phoff = sizeof(**ehdr);
	(*ehdr)->e_phnum = 3;
	(*ehdr)->e_phentsize = sizeof(**phdr);
	(*phdr)[0] = (Elf64_Phdr){ .p_type = PT_LOAD,
				   .p_offset = 0x1000,
				   .p_paddr = 0x1000000,
				   .p_filesz = 0x1000,
				   .p_memsz = 0x1000 };
	(*phdr)[1] = (Elf64_Phdr){ .p_type = PT_LOAD,
				   .p_offset = 0x1800,
				   .p_paddr = 0x1100000,
				   .p_filesz = 0x80,
				   .p_memsz = 0x9000 };
	(*phdr)[2] = (Elf64_Phdr){
		.p_type = PT_NOTE, .p_offset = 0x3000, .p_filesz = sizeof(note), .p_align = 4
	};
	memcpy(image + 0x3000, note, sizeof(note));
	kernel_file.size = sizeof(image);
}

static void test_elf(void)
{
	struct kernel_plan plan;
	Elf64_Ehdr *ehdr;
	Elf64_Phdr *phdr;
	uint32_t *start;

	elf_make(&ehdr, &phdr);
	CHECK(plan_try(&plan, LOWMEM) == 0);
	CHECK_EQUAL(plan.state.mode, BOOT_PROTECTED);
	CHECK_EQUAL(plan.state.rip, 0x1000040);
	CHECK_EQUAL(plan.end_gpa, 0x1109000);
	kernel_place(&plan, &memory, 0xf0000);
	start = memory_at(&memory, plan.state.rbx, 56);
	CHECK_EQUAL(start[0], 0x336ec578);
	CHECK_EQUAL(start[3], 1);
	CHECK_EQUAL(start[8], 0xf0000);
	CHECK(memcmp(memory.base + 0x1000000, image + 0x1000, 0x1000) == 0);
	CHECK(kernel_plan(&plan, &kernel_file, NULL, "", LOWMEM) == 0);
}

static void test_elf_bad(void)
{
	struct kernel_plan plan;
	Elf64_Ehdr *ehdr;
	Elf64_Phdr *phdr;

	for (size_t size = 4; size < 0x3014; size += size < 0x200 ? 1 : 0x100) {
		uint8_t *exact;

		elf_make(&ehdr, &phdr);
		exact = malloc(size);
		memcpy(exact, image, size);
		kernel_file.data = exact;
		kernel_file.size = size;
		CHECK(plan_try(&plan, LOWMEM) != 0);
		kernel_file.data = image;
		free(exact);
	}
	elf_make(&ehdr, &phdr);
	phdr[2].p_type = PT_NULL;
	CHECK(plan_try(&plan, LOWMEM) != 0);
	elf_make(&ehdr, &phdr);
	phdr[0].p_paddr = 0x1000;
	CHECK(plan_try(&plan, LOWMEM) != 0);
	elf_make(&ehdr, &phdr);
	phdr[0].p_paddr = ~0ull - 0x800;
	CHECK(plan_try(&plan, LOWMEM) != 0);
	elf_make(&ehdr, &phdr);
	phdr[0].p_memsz = 0;
	CHECK(plan_try(&plan, LOWMEM) != 0);
	elf_make(&ehdr, &phdr);
	phdr[0].p_offset = ~0ull;
	CHECK(plan_try(&plan, LOWMEM) != 0);
	elf_make(&ehdr, &phdr);
	ehdr->e_phoff = ~0ull - 8;
	CHECK(plan_try(&plan, LOWMEM) != 0);
	elf_make(&ehdr, &phdr);
	ehdr->e_machine = EM_AARCH64;
	CHECK(plan_try(&plan, LOWMEM) != 0);
	elf_make(&ehdr, &phdr);
	((uint32_t *)(image + 0x3000))[0] = 0xffffffff;	/* name longer than the file */
	CHECK(plan_try(&plan, LOWMEM) != 0);
	elf_make(&ehdr, &phdr);
	((uint32_t *)(image + 0x3000))[1] = 0xfffffffc;
	CHECK(plan_try(&plan, LOWMEM) != 0);
}

static void test_ranges(void)
{
	struct memory_range ranges[MEMORY_RANGES_MAX];
	struct memory big = { .lowmem = LOWMEM_MAX, .highmem = 1UL << 30 };
	int count = memory_ranges(&big, ranges);

	CHECK_EQUAL(count, 5);
	for (int i = 1; i < count; i++)
		CHECK(ranges[i].gpa >= ranges[i - 1].gpa + ranges[i - 1].size);
	CHECK_EQUAL(ranges[4].gpa, HIGHMEM_GPA);
	CHECK_EQUAL(ranges[4].size, 1UL << 30);
	CHECK(memory_at(&big, LOWMEM_MAX - 1, 2) == NULL);
	CHECK(memory_at(&big, HIGHMEM_GPA - 1, 1) == NULL);
	CHECK(memory_at(&big, ~0ul, 2) == NULL);
}

static void test_real(const char *path)
{
	struct kernel_plan plan;
	struct file file;

	CHECK(file_read(&file, path, "kernel") == 0);
	CHECK(kernel_plan(&plan, &file, NULL, "", 512UL << 20) == 0);
	printf("%s: load at %#lx, %zu bytes from %#zx, needs up to %#lx, entry %#lx\n", path,
	       (unsigned long)plan.load_gpa, plan.load_size, plan.load_offset,
	       (unsigned long)plan.end_gpa, (unsigned long)plan.state.rip);
	file_free(&file);
}

int main(int argc, char **argv)
{
	/* every refusal complains, which is not for the reader of a test */
	if (freopen("/dev/null", "w", stderr) == NULL)
		return 1;
	memory.base = calloc(1, LOWMEM);
	memory.lowmem = LOWMEM;
	for (size_t i = 0; i < sizeof(ramdisk); i++)
		ramdisk[i] = (uint8_t)i;
	test_bzimage();
	test_bzimage_bad();
	test_elf();
	test_elf_bad();
	test_ranges();
	if (argc > 1)
		test_real(argv[1]);
	free(memory.base);
	return 0;
}
