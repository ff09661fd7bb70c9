/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What the two halves of a test agree on: ports, and where things are in guest memory.
 */
#ifndef PROTOCOL_H
#define PROTOCOL_H

/* 32-bit OUT, except where said. No chip of the kernel is near these ports. */
#define PORT_RESULT	0x2f0		/* EAX 0: passed; 1: failed, struct report at REPORT_GPA */
#define PORT_VALUE	0x2f4		/* RAX, all of it: a value for the host, kept in order */
#define PORT_SYNC	0x2f8		/* EAX: the guest came to this step; the host goes on with the test */
#define PORT_INPUT	0x2fc		/* IN: a value the host set */

#define GDT_GPA		0x1000
#define TSS_GPA		0x1800		/* one of 104 bytes for each vCPU */
#define TSS_STRIDE	0x80
#define PAGE_TABLES_GPA	0x2000		/* PML4, PDPT, four PDs: 2 MiB pages, identity, user accessible */
#define CODE_GPA	0x8000		/* snippets; below 64 KiB for real mode's sake */
#define SCRATCH_GPA	0xa000		/* for a test's own use, up to STACKS_GPA */
#define REPORT_GPA	0xf000		/* struct report */
#define STACKS_GPA	0x10000		/* STACK_SIZE for each vCPU, and as much again for its IST */
#define STACK_SIZE	0x4000
#define IMAGE_GPA	0x100000	/* the payload */
#define MEMORY_BYTES	0x1000000

#define STACK_TOP(id)		(STACKS_GPA + (2 * (id) + 1) * STACK_SIZE)
#define STACK_TOP_IST(id)	(STACKS_GPA + (2 * (id) + 2) * STACK_SIZE)

#define GUEST_VCPUS_MAX		8

#define SEL_CODE32	0x08
#define SEL_DATA	0x10
#define SEL_CODE64	0x18
#define SEL_DATA_USER	0x33
#define SEL_CODE64_USER	0x3b
#define SEL_CODE32_USER	0x43
#define SEL_CODE16	0x48
#define SEL_TSS(id)	(0x60 + 16 * (id))
#define GDT_BYTES	(SEL_TSS(GUEST_VCPUS_MAX))

#ifndef __ASSEMBLER__
/* A failed check. */
struct report {
	unsigned long long	got;
	unsigned long long	want;
	unsigned int		line;
	char			text[104];
};
#endif

#endif /* PROTOCOL_H */
