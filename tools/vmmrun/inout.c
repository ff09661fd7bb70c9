// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <stdlib.h>

#include "inout.h"

#define PORTS		65536
#define REGIONS_MAX	32

struct region {
	uint16_t	first;
	unsigned int	count;
	unsigned int	widths;
	inout_handler	*handler;
	void		*device;
};

/* Filled before the first vCPU runs, constant afterwards. */
static struct region regions[REGIONS_MAX];
static unsigned int region_count;
static uint8_t region_of_port[PORTS];		/* index into regions + 1, or 0 */

void inout_register(uint16_t port, unsigned int count, unsigned int widths, inout_handler *handler,
		    void *device)
{
	if (region_count == REGIONS_MAX || port + count > PORTS)
		abort();
	regions[region_count] = (struct region){ .first = port,
						 .count = count,
						 .widths = widths,
						 .handler = handler,
						 .device = device };
	region_count++;
	for (unsigned int i = 0; i < count; i++)
		region_of_port[port + i] = (uint8_t)region_count;
}

static uint32_t ones(unsigned int bytes)
{
	return bytes == 4 ? 0xffffffff : (1u << (8 * bytes)) - 1;
}

/*
 * As on the ISA bus: a wide access to narrow registers becomes one access for each byte, at
 * ascending ports.
 */
static uint32_t access_split(uint16_t port, bool in, unsigned int bytes, uint32_t value)
{
	uint32_t byte, result = 0;

	for (unsigned int i = 0; i < bytes; i++) {
		byte = inout_access((uint16_t)(port + i), in, 1, (value >> (8 * i)) & 0xff);
		result |= byte << (8 * i);
	}
	return result;
}

uint32_t inout_access(uint16_t port, bool in, unsigned int bytes, uint32_t value)
{
	unsigned int index = region_of_port[port];
	const struct region *region;
	unsigned int offset;

	if (index == 0)
		return ones(bytes);
	region = &regions[index - 1];
	offset = port - region->first;
	if (!(region->widths & bytes) || offset + bytes > region->count)
		return bytes > 1 ? access_split(port, in, bytes, value) : ones(bytes);
	value = in ? 0 : value & ones(bytes);
	region->handler(region->device, offset, in, bytes, &value);
	return value & ones(bytes);
}
