/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* bus: which chip owns a port or an MMIO window, and the one way to reach it. */
#ifndef VMM_DEV_BUS_H
#define VMM_DEV_BUS_H

#include <linux/types.h>

/*
 * One access to a port. @val holds the datum of an OUT, and takes that of an
 * IN (only the low @bytes count). Returns 0, or -EIO when the chip refuses
 * the access (width, direction, programming), semantics.md section 15.
 * Context: vCPU thread, preemption may be off: no sleeping.
 */
typedef int (*bus_port_fn)(void *chip, bool in, u16 port, int bytes, u32 *val);

/*
 * One access to an MMIO window, @offset (below its size, so that the access may run over the
 * end) from its base, by vCPU @vcpuid, @bytes 1 to 8. @val is the datum of a write, and takes
 * that of a read, where it comes in as 0. Returns 0 or -EINVAL, or >0: a verdict of the chip's
 * own. Context: as bus_port_fn.
 */
typedef int (*bus_mmio_fn)(void *chip, unsigned int vcpuid, u64 offset, bool write,
			   int bytes, u64 *val);

#define BUS_PORTS	0x500	/* ports at or above this have no chip in the kernel */
#define BUS_WINDOWS	4

struct bus_port { bus_port_fn fn; void *chip; };
struct bus_window { u64 base_gpa; u64 size; bus_mmio_fn fn; void *chip; };

struct bus {				/* written while the VM is built, then constant */
	struct bus_port ports[BUS_PORTS];
	struct bus_window windows[BUS_WINDOWS];
	unsigned int nwindows;
};

/* Building: process context, one thread. Ports and windows of two chips do not overlap. */
void bus_init(struct bus *bus);
void bus_port_register(struct bus *bus, u16 port, unsigned int count, bus_port_fn fn, void *chip);
void bus_window_register(struct bus *bus, u64 base_gpa, u64 size, bus_mmio_fn fn, void *chip);

/*
 * The chip's answer, or -ENOENT: no chip here, user space decides. The first port of a wide access
 * names the chip. @bytes: 1, 2 or 4; on success of an IN, @val has no bits above them. Context: as
 * bus_port_fn.
 */
int bus_port_access(struct bus *bus, bool in, u16 port, int bytes, u32 *val);
/* True if @port is a chip's. Any context. */
bool bus_port_has(const struct bus *bus, u64 port);
/* True if [gpa, gpa + 1) lies in a window. Any context. */
bool bus_window_has(const struct bus *bus, u64 gpa);
/*
 * The chip's answer, or -EINVAL: no window here, or @bytes is not 1 to 8. After a read, @val has no
 * bits above @bytes. Context: as bus_port_fn.
 */
int bus_mmio_access(struct bus *bus, unsigned int vcpuid, u64 gpa, bool write, int bytes, u64 *val);

#endif
