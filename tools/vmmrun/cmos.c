// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <errno.h>
#include <string.h>
#include <time.h>

#include "cmos.h"
#include "complain.h"
#include "machine.h"

#define KIB			1024UL
#define MIB			(1024 * KIB)

/* Offsets in the chip's memory; multi-byte numbers have their low byte first. */
#define CMOS_BASE_KIB		0x15		/* below 1 MiB */
#define CMOS_EXTENDED_KIB	0x17		/* above 1 MiB, at most 64 MiB - 1 KiB */
#define CMOS_EXTENDED2_KIB	0x30
#define CMOS_ABOVE_16M		0x34		/* in 64 KiB, up to 4 GiB */
#define CMOS_ABOVE_4G		0x5b		/* in 64 KiB */

static int number_write(struct machine *machine, int offset, int bytes, uint64_t value)
{
	for (int i = 0; i < bytes; i++)
		if (vm_rtc_write(machine->ctx, offset + i, (uint8_t)(value >> (8 * i))) != 0)
			return complain("writing the clock chip's memory failed: %s",
					strerror(errno));
	return 0;
}

int cmos_fill(struct machine *machine)
{
	uint64_t lowmem = machine->memory.lowmem, highmem = machine->memory.highmem;
	uint64_t extended = (lowmem - MIB) / KIB,
		 above16m = lowmem > 16 * MIB ? (lowmem - 16 * MIB) / (64 * KIB) : 0;

	if (extended > 0xfc00)
		extended = 0xfc00;
	if (number_write(machine, CMOS_BASE_KIB, 2, EBDA_GPA / KIB) != 0 ||
	    number_write(machine, CMOS_EXTENDED_KIB, 2, extended) != 0 ||
	    number_write(machine, CMOS_EXTENDED2_KIB, 2, extended) != 0 ||
	    number_write(machine, CMOS_ABOVE_16M, 2, above16m) != 0 ||
	    number_write(machine, CMOS_ABOVE_4G, 3, highmem / (64 * KIB)) != 0)
		return -1;
	if (vm_rtc_settime(machine->ctx, time(NULL)) != 0)
		return complain("setting the machine's clock failed: %s", strerror(errno));
	return 0;
}
