/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* ACPI tables. */
#ifndef VMMRUN_ACPI_H
#define VMMRUN_ACPI_H

#include <stddef.h>
#include <stdint.h>

#define ACPI_TABLES_MAX	8

struct acpi {
	uint8_t		*base;		/* where the tables are written */
	uint64_t	gpa;		/* the same place for the guest, 16-byte aligned */
	size_t		room;		/* bytes at base */
	size_t		used;
	int		count;
	struct {
		char	name[5];	/* the table's signature in lower case, as file name */
		size_t	offset;		/* from base */
		size_t	size;
	} tables[ACPI_TABLES_MAX];
};

/*
 * Writes all tables for CPUS processors and a HPET whose capability register has HPET_CAPS as its
 * low half. The first is the RSDP, at acpi->gpa. ACPI has base, gpa and room set; the memory is
 * zero. 0, or -1 after a complaint.
 */
int acpi_build(struct acpi *acpi, int cpus, uint32_t hpet_caps);

/* Writes each table into DIRECTORY, as NAME.dat. 0, or -1 after a complaint. */
int acpi_dump(const struct acpi *acpi, const char *directory);

#endif
