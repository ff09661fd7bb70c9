/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The port bus: who answers to which I/O port. */
#ifndef VMMRUN_INOUT_H
#define VMMRUN_INOUT_H

#include <stdbool.h>
#include <stdint.h>

struct cpu;
struct vm_exit;

/*
 * One access to a port of DEVICE. OFFSET is the port less the first port registered. BYTES is a
 * width the device registered for. In: *VALUE is to be filled, high bytes 0. Out: *VALUE is the
 * datum. Called by any vCPU thread; the device has its own lock.
 */
typedef void inout_handler(void *device, unsigned int offset, bool in, unsigned int bytes,
			   uint32_t *value);

/*
 * COUNT ports from PORT on belong to DEVICE. WIDTHS is the sum of the access widths (1, 2, 4) that
 * HANDLER takes; others, and accesses that reach beyond the last port, are split. Of two
 * registrations for one port the later one has it.
 */
void inout_register(uint16_t port, unsigned int count, unsigned int widths, inout_handler *handler,
		    void *device);

/* Performs one access. Ports nobody registered read all ones. */
uint32_t inout_access(uint16_t port, bool in, unsigned int bytes, uint32_t value);

#endif
