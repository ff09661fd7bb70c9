// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <string.h>

#include "memory.h"

#define BDA_EBDA_SEGMENT	0x0e		/* offsets in the BIOS data area */
#define BDA_BASE_MEMORY_KIB	0x13

void *memory_at(const struct memory *memory, uint64_t gpa, size_t len)
{
	if (gpa < memory->lowmem && len <= memory->lowmem - gpa)
		return memory->base + gpa;
	if (gpa >= HIGHMEM_GPA && gpa - HIGHMEM_GPA < memory->highmem &&
	    len <= memory->highmem - (gpa - HIGHMEM_GPA))
		return memory->base + gpa;
	return NULL;
}

static int range_add(struct memory_range *ranges, int count, uint64_t gpa, uint64_t end_gpa,
		     uint32_t type)
{
	if (gpa >= end_gpa)
		return count;
	ranges[count] = (struct memory_range){ .gpa = gpa, .size = end_gpa - gpa, .type = type };
	return count + 1;
}

int memory_ranges(const struct memory *memory, struct memory_range ranges[MEMORY_RANGES_MAX])
{
	int count = 0;

	count = range_add(ranges, count, 0, EBDA_GPA, RANGE_RAM);
	count = range_add(ranges, count, EBDA_GPA, 0xa0000, RANGE_RESERVED);
	count = range_add(ranges, count, TABLES_GPA, TABLES_GPA + TABLES_ROOM, RANGE_RESERVED);
	count = range_add(ranges, count, KERNEL_GPA_MIN, memory->lowmem, RANGE_RAM);
	count = range_add(ranges, count, HIGHMEM_GPA, HIGHMEM_GPA + memory->highmem, RANGE_RAM);
	return count;
}

void memory_bda_write(const struct memory *memory)
{
	uint16_t ebda_segment = EBDA_GPA >> 4, base_memory_kib = EBDA_GPA >> 10;
	char *bda = memory_at(memory, BDA_GPA, 0x100);

	memcpy(bda + BDA_EBDA_SEGMENT, &ebda_segment, sizeof(ebda_segment));
	memcpy(bda + BDA_BASE_MEMORY_KIB, &base_memory_kib, sizeof(base_memory_kib));
}
