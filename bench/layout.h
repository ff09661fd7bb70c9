/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What payload and host agree on. 64-bit mode, the first 4 GiB mapped as they are, by pages of 2 MiB.
 */
#ifndef LAYOUT_H
#define LAYOUT_H

#define PORT_DONE	0x2f0		/* OUT: the payload is done */
#define PORT_USER	0x2f4		/* IN: answered by the host program */
#define USER_VALUE	0x5a		/* what it answers, here and at MMIO_USER_GPA */
#define PORT_PIT	0x40
#define PORT_PM_TIMER	0x408

#define GDT_GPA		0x1000
#define PAGE_TABLES_GPA	0x2000		/* PML4, PDPT, four PDs */
#define SHARED_GPA	0x10000		/* struct shared */
#define SHARED_RECEIVED_GPA	(SHARED_GPA + 264)
#define STACK_TOP(id)	(0x20000 + ((id) + 1) * 0x2000)
#define PAYLOAD_GPA	0x100000
#define LOW_BYTES	0x200000	/* what all of this needs */
#define TOUCH_GPA	0x20000000	/* memory that nobody has touched: pages of 4 KiB ... */
#define TOUCH_LARGE_GPA	0x8000000	/* ... and of 2 MiB */
#define TOUCH_BYTES	0x100000
#define MEMORY_BYTES	0x10000000
#define MMIO_USER_GPA	0xd0000000
#define APIC_GPA	0xfee00000

#define SEL_CODE	0x08
#define SEL_DATA	0x10
#define VCPUS_MAX	16

#define WARMUP		8
#define SAMPLES		32
#define DEADLINE_TICKS	400000		/* a timer is armed for so long */
#define SETTLE_TICKS	300000		/* a processor is left alone for so long, to fall asleep */

#ifndef __ASSEMBLER__
#include <stdint.h>

/* At SHARED_GPA. */
struct shared {
	uint64_t	ticks[SAMPLES];		/* TSC from before to behind, an operation each */
	uint32_t	count;			/* of them */
	uint32_t	op;			/* which operation: index into the payload's table */
	volatile uint32_t received;		/* interrupts that vCPU 1 has taken */
	volatile uint32_t ready;		/* vCPU 1 waits */
	volatile uint32_t stop;			/* vCPU 1 is to end */
	uint64_t	touch_gpa;		/* from here on ... */
	uint64_t	touch_step;		/* ... a page each of this size */
};
_Static_assert(__builtin_offsetof(struct shared, received) == SHARED_RECEIVED_GPA - SHARED_GPA, "entry.S counts there");
#endif

#endif /* LAYOUT_H */
