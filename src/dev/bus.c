// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <linux/bits.h>
#include <linux/bug.h>
#include <linux/errno.h>
#include <linux/nospec.h>
#include <linux/string.h>
#include "bus.h"

void bus_init(struct bus *bus)
{
	memset(bus, 0, sizeof(*bus));
}

void bus_port_register(struct bus *bus, u16 port, unsigned int count, bus_port_fn fn, void *chip)
{
	if (WARN_ON_ONCE(port + count > BUS_PORTS))
		return;
	while (count--)
		bus->ports[port++] = (struct bus_port){ .fn = fn, .chip = chip };
}

void bus_window_register(struct bus *bus, u64 base_gpa, u64 size, bus_mmio_fn fn, void *chip)
{
	if (WARN_ON_ONCE(bus->nwindows == BUS_WINDOWS))
		return;
	bus->windows[bus->nwindows++] = (struct bus_window){
		.base_gpa = base_gpa,
		.size = size,
		.fn = fn,
		.chip = chip,
	};
}

int bus_port_access(struct bus *bus, bool in, u16 port, int bytes, u32 *val)
{
	const struct bus_port *owner;
	int err;

	if (port >= BUS_PORTS)
		return -ENOENT;
	owner = &bus->ports[array_index_nospec(port, BUS_PORTS)];
	if (!owner->fn)
		return -ENOENT;
	err = owner->fn(owner->chip, in, port, bytes, val);
	if (!err && in)
		*val &= GENMASK(8 * bytes - 1, 0);
	return err;
}

bool bus_port_has(const struct bus *bus, u64 port)
{
	return port < BUS_PORTS && bus->ports[array_index_nospec(port, BUS_PORTS)].fn;
}

static const struct bus_window *bus_window_find(const struct bus *bus, u64 gpa)
{
	unsigned int i;

	for (i = 0; i < bus->nwindows; i++) {
		if (gpa - bus->windows[i].base_gpa < bus->windows[i].size)
			return &bus->windows[i];
	}
	return NULL;
}

bool bus_window_has(const struct bus *bus, u64 gpa)
{
	return bus_window_find(bus, gpa);
}

int bus_mmio_access(struct bus *bus, unsigned int vcpuid, u64 gpa, bool write, int bytes, u64 *val)
{
	const struct bus_window *window = bus_window_find(bus, gpa);
	int verdict;

	if (!window || bytes < 1 || bytes > (int)sizeof(*val))
		return -EINVAL;
	if (!write)
		*val = 0;
	verdict = window->fn(window->chip, vcpuid, gpa - window->base_gpa, write, bytes, val);
	if (!write)
		*val &= GENMASK_ULL(8 * bytes - 1, 0);
	return verdict;
}
