// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <elf.h>
#include <string.h>

#include "complain.h"
#include "kernel.h"

#define MIB		(1UL << 20)
#define PAGE_SIZE	4096UL

static unsigned long mib_round_up(uint64_t bytes)
{
	return (bytes + MIB - 1) / MIB;
}

int initrd_plan(struct kernel_plan *plan, uint64_t limit_gpa)
{
	uint64_t top_gpa = limit_gpa < plan->lowmem ? limit_gpa : plan->lowmem;

	plan->end_gpa = (plan->end_gpa + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1);
	if (plan->initrd == NULL)
		return 0;
	if (top_gpa < plan->end_gpa || plan->initrd->size > top_gpa - plan->end_gpa)
		return complain(
			"%s (%lu MiB) does not fit behind the kernel, which ends at %lu MiB of %lu: give more memory with -m",
			plan->initrd->path, mib_round_up(plan->initrd->size),
			mib_round_up(plan->end_gpa), mib_round_up(top_gpa));
	plan->initrd_gpa = (top_gpa - plan->initrd->size) & ~(PAGE_SIZE - 1);
	return 0;
}

int kernel_plan(struct kernel_plan *plan, const struct file *kernel, const struct file *initrd,
		const char *cmdline, size_t lowmem)
{
	static const unsigned char gzip_magic[] = { 0x1f, 0x8b };

	memset(plan, 0, sizeof(*plan));
	plan->kernel = kernel;
	plan->initrd = initrd;
	plan->cmdline = cmdline;
	plan->lowmem = lowmem;
	if (strlen(cmdline) >= CMDLINE_ROOM)
		return complain("the kernel's command line has %zu bytes: more than %lu do not fit",
				strlen(cmdline), CMDLINE_ROOM - 1);
	if (kernel->size >= SELFMAG && memcmp(kernel->data, ELFMAG, SELFMAG) == 0)
		return elf_plan(plan);
	if (kernel->size >= sizeof(gzip_magic) &&
	    memcmp(kernel->data, gzip_magic, sizeof(gzip_magic)) == 0)
		return complain("%s is compressed: unpack it first, with \"zcat\"", kernel->path);
	return bzimage_plan(plan);
}

void kernel_place(const struct kernel_plan *plan, const struct memory *memory, uint64_t rsdp_gpa)
{
	strcpy(memory_at(memory, CMDLINE_GPA, CMDLINE_ROOM), plan->cmdline);
	if (plan->initrd != NULL)
		memcpy(memory_at(memory, plan->initrd_gpa, plan->initrd->size), plan->initrd->data,
		       plan->initrd->size);
	plan->place(plan, memory, rsdp_gpa);
}
