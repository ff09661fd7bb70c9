/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Loading a kernel, in two steps: the plan checks everything and can fail, before there is a
 * machine; the placing cannot.
 */
#ifndef VMMRUN_KERNEL_H
#define VMMRUN_KERNEL_H

#include <stdint.h>

#include "file.h"
#include "memory.h"

enum boot_mode {
	BOOT_LONG,			/* 64-bit mode, 4 GiB mapped one to one */
	BOOT_PROTECTED,			/* 32-bit protected mode without paging */
};

/* With what the first instruction is executed; other registers are as after reset. */
struct boot_state {
	enum boot_mode	mode;
	uint64_t	rip;
	uint64_t	rbx;
	uint64_t	rsi;
};

struct kernel_plan {
	const struct file	*kernel;
	const struct file	*initrd;	/* or NULL */
	const char		*cmdline;
	size_t			lowmem;		/* bytes of guest memory at gpa 0 */
	uint64_t		end_gpa;	/* behind all that the kernel needs at first */
	uint64_t		initrd_gpa;
	struct boot_state	state;
	void (*place)(const struct kernel_plan *plan, const struct memory *memory,
		      uint64_t rsdp_gpa);

	uint64_t		load_gpa;	/* bzImage: where and what of the file */
	size_t			load_offset;
	size_t			load_size;
};

/*
 * Checks KERNEL, INITRD (or NULL) and CMDLINE against each other and LOWMEM. 0, or -1 after a
 * complaint.
 */
int kernel_plan(struct kernel_plan *plan, const struct file *kernel, const struct file *initrd,
		const char *cmdline, size_t lowmem);

/* Carries PLAN out. MEMORY has at least the plan's lowmem; RSDP_GPA is told to the kernel. */
void kernel_place(const struct kernel_plan *plan, const struct memory *memory, uint64_t rsdp_gpa);

/* The formats. Each: 0, or -1 after a complaint. */
int bzimage_plan(struct kernel_plan *plan);
int elf_plan(struct kernel_plan *plan);

/*
 * Puts the initial ramdisk, if there is one, as high as possible between plan->end_gpa and
 * LIMIT_GPA. 0, or -1 after a complaint.
 */
int initrd_plan(struct kernel_plan *plan, uint64_t limit_gpa);

#endif
