// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* ACPI and MP tables: sums, places, what they tell. */
#include <string.h>

#include "../vmmrun/acpi.h"
#include "../vmmrun/memory.h"
#include "../vmmrun/mptable.h"
#include "test.h"

static uint8_t area[TABLES_ROOM] __attribute__((aligned(4096)));

static uint8_t sum(const uint8_t *data, size_t size)
{
	uint8_t total = 0;

	while (size-- > 0)
		total += *data++;
	return total;
}

static uint64_t number(const uint8_t *at, size_t size)
{
	uint64_t value = 0;

	memcpy(&value, at, size);
	return value;
}

static const uint8_t *at_gpa(uint64_t gpa)
{
	CHECK(gpa >= TABLES_GPA && gpa < TABLES_GPA + TABLES_ROOM);
	return area + (gpa - TABLES_GPA);
}

/* Follows one root table; returns the MADT. */
static const uint8_t *root_check(const uint8_t *root, const char *signature, size_t entry)
{
	const uint8_t *madt = NULL, *table;
	uint64_t length = number(root + 4, 4);

	CHECK(memcmp(root, signature, 4) == 0);
	CHECK_EQUAL(sum(root, length), 0);
	for (uint64_t at = 36; at < length; at += entry) {
		table = at_gpa(number(root + at, entry));
		CHECK_EQUAL(sum(table, number(table + 4, 4)), 0);
		if (memcmp(table, "APIC", 4) == 0)
			madt = table;
		if (memcmp(table, "FACP", 4) == 0) {
			/* Bit 19: destinations are physical. */
			CHECK(number(table + 112, 4) & 1u << 19);
			CHECK(memcmp(at_gpa(number(table + 36, 4)), "FACS", 4) == 0);
			CHECK_EQUAL(number(table + 36, 4) % 64, 0);
			CHECK(memcmp(at_gpa(number(table + 40, 4)), "DSDT", 4) == 0);
			CHECK_EQUAL(number(table + 140, 8), number(table + 40, 4));
			CHECK_EQUAL(sum(at_gpa(number(table + 40, 4)),
					number(at_gpa(number(table + 40, 4)) + 4, 4)),
				    0);
		}
	}
	CHECK(madt != NULL);
	return madt;
}

static int madt_processors(const uint8_t *madt)
{
	uint64_t length = number(madt + 4, 4), at;
	int count = 0;

	for (at = 44; at < length; at += madt[at + 1]) {
		CHECK(madt[at + 1] >= 2);
		if (madt[at] == 0)
			CHECK_EQUAL(madt[at + 3], count);
		if (madt[at] == 9)
			CHECK_EQUAL(number(madt + at + 4, 4), count);
		count += madt[at] == 0 || madt[at] == 9;
	}
	CHECK_EQUAL(at, length);
	return count;
}

static void mptable_check(const uint8_t *pointer, int cpus)
{
	const uint8_t *header = at_gpa(number(pointer + 4, 4));
	uint64_t length = number(header + 4, 2), at = 44;
	int processors = 0;

	CHECK(memcmp(pointer, "_MP_", 4) == 0);
	CHECK_EQUAL(sum(pointer, 16), 0);
	CHECK(memcmp(header, "PCMP", 4) == 0);
	CHECK_EQUAL(sum(header, length), 0);
	for (uint64_t i = 0; i < number(header + 34, 2); i++) {
		processors += header[at] == 0;
		at += header[at] == 0 ? 20 : 8;
	}
	CHECK_EQUAL(at, length);
	CHECK_EQUAL(processors, cpus);
}

static void test_machine(int cpus)
{
	struct acpi acpi = { .base = area, .gpa = TABLES_GPA, .room = sizeof(area) };
	size_t at, used;

	memset(area, 0, sizeof(area));
	CHECK(acpi_build(&acpi, cpus, 0x80860701) == 0);
	CHECK(memcmp(area, "RSD PTR ", 8) == 0);
	CHECK_EQUAL(sum(area, 20), 0);
	CHECK_EQUAL(sum(area, 36), 0);
	CHECK_EQUAL(madt_processors(root_check(at_gpa(number(area + 16, 4)), "RSDT", 4)), cpus);
	CHECK_EQUAL(madt_processors(root_check(at_gpa(number(area + 24, 8)), "XSDT", 8)), cpus);
	at = (acpi.used + 15) / 16 * 16;
	used = mptable_build(area + at, TABLES_GPA + at, sizeof(area) - at, cpus);
	CHECK(used != 0);
	mptable_check(area + at, cpus < 255 ? cpus : 255);
	CHECK_EQUAL(mptable_build(area + at, TABLES_GPA + at, used - 1, cpus), 0);
}

int main(void)
{
	struct acpi tight = { .base = area, .gpa = TABLES_GPA, .room = 1024 };
	static const int counts[] = { 1, 2, 254, 255, 256, 1024 };

	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		test_machine(counts[i]);
	CHECK(acpi_build(&tight, 1024, 0) != 0);
	return 0;
}
