/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A stand-in for the interrupt fabric: as much of irq.h, vioapic.h and vlapic.h as the chips here
 * call, and a count of what they did. I/O APIC pins count asserts; an entry that is not masked and
 * asks for NMI hands the pin's edges to the house, like a message and LINT0 that mean ExtINT.
 */
#ifndef LEGACY_FABRIC_H
#define LEGACY_FABRIC_H

#include <linux/shim.h>

struct fabric {
	unsigned int isa_pulses[16];
	unsigned int lint0;
	unsigned int messages;
	u64 message_addr;
	u32 message_data;
	unsigned int pin_edges[32];
	int pin_count[32];
};

extern struct fabric fabric;

#endif
