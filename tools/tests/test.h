/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What a unit test of the tools needs: a check, and a machine without kernel. */
#ifndef TOOLS_TEST_H
#define TOOLS_TEST_H

#include <stdio.h>
#include <stdlib.h>

#include <vmmapi.h>

#include "../vmmrun/cpu.h"
#include "../vmmrun/machine.h"

static inline void __attribute__((noreturn)) check_failed(void)
{
	exit(1);
}

#define CHECK(condition)								\
	do {										\
		if (!(condition)) {							\
			printf("%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);	\
			check_failed();							\
		}									\
	} while (0)

#define CHECK_EQUAL(got, want)								\
	do {										\
		unsigned long got_ = (unsigned long)(got);				\
		unsigned long want_ = (unsigned long)(want);				\
											\
		if (got_ != want_) {							\
			printf("%s:%d: %s is %#lx, not %#lx\n", __FILE__, __LINE__, #got, got_, want_); \
			check_failed();							\
		}									\
	} while (0)

#define FAKE_MEMORY	(1UL << 20)

/*
 * The machine of fake_vmmapi.c: one vCPU, FAKE_MEMORY bytes, linear addresses equal to physical
 * ones. Everything the library is asked for is written down here.
 */
struct fake {
	uint64_t	regs[VM_REG_LAST];
	struct seg_desc	descs[VM_REG_LAST];
	char		*memory;
	uint64_t	fault_from, fault_to;	/* linear addresses that fault */
	int		irq_level[32];		/* asserts less deasserts */
	int		exceptions;		/* how many were injected */
	int		vector, error_valid, restart;	/* the last of them */
	uint32_t	error_code;
	int		restarts;		/* vm_restart_instruction */
	int		suspends, how;
	uint64_t	intinfo;
	bool		intinfo_set;
	uint64_t	kernel_gpa, kernel_value;	/* last access to a device in the kernel */
	int		kernel_size;
};

extern struct fake fake;

/* Clears the fake; returns the vCPU of a machine with OPTIONS. */
struct cpu *fake_cpu(void);

#endif
