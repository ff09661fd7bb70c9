/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Guest memory as the loaders see it, and where they put what.
 *
 * Below 1 MiB everything that is made before the first instruction has its place. The kernel
 * reclaims what the memory map calls RAM:
 *
 *	0x000400	BIOS data area: base memory size, segment of the EBDA
 *	0x001000	page tables for the 64-bit entry: 4 GiB, one to one
 *	0x007000	boot parameters ("zero page") of a bzImage
 *	0x008000	descriptor table
 *	0x009000	start information of a PVH kernel
 *	0x020000	command line
 *	0x09fc00	reserved: EBDA
 *	0x0f0000	reserved: MP table, ACPI tables
 *	0x100000	the kernel, then the initial ramdisk at the end of low memory
 */
#ifndef VMMRUN_MEMORY_H
#define VMMRUN_MEMORY_H

#include <stddef.h>
#include <stdint.h>

#define BDA_GPA			0x400UL
#define PAGE_TABLES_GPA		0x1000UL
#define ZERO_PAGE_GPA		0x7000UL
#define GDT_GPA			0x8000UL
#define START_INFO_GPA		0x9000UL
#define CMDLINE_GPA		0x20000UL
#define CMDLINE_ROOM		0x10000UL
#define EBDA_GPA		0x9fc00UL
#define TABLES_GPA		0xf0000UL
#define TABLES_ROOM		0x10000UL
#define KERNEL_GPA_MIN		0x100000UL

#define LOWMEM_MAX		(3UL << 30)
#define HIGHMEM_GPA		(4UL << 30)

struct memory {
	char	*base;			/* where gpa 0 is */
	size_t	lowmem;			/* bytes at gpa 0 */
	size_t	highmem;		/* bytes at HIGHMEM_GPA */
};

/* Address of LEN bytes at GPA, or NULL where not all of them are memory. */
void *memory_at(const struct memory *memory, uint64_t gpa, size_t len);

/* Types of memory ranges, as BIOS call e820 numbers them. */
#define RANGE_RAM		1
#define RANGE_RESERVED		2

struct memory_range {
	uint64_t	gpa;
	uint64_t	size;		/* bytes */
	uint32_t	type;
};

#define MEMORY_RANGES_MAX	6

/* The memory map told to the guest: fills RANGES in ascending order, returns their number. */
int memory_ranges(const struct memory *memory, struct memory_range ranges[MEMORY_RANGES_MAX]);

/* What a BIOS would leave in its data area. */
void memory_bda_write(const struct memory *memory);

#endif
