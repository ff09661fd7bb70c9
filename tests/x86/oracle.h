/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* oracle: something else that carries out instructions, to compare the emulator with. */
#ifndef X86_TEST_ORACLE_H
#define X86_TEST_ORACLE_H

#include <linux/types.h>
#include <machine/vmm.h>

#include "vcpu.h"

#define CODE		0x30000		/* where the instruction is put; in real mode CODE_REAL */
#define CODE_REAL	0x1000
#define WINDOW_BYTES	0x4000		/* memory that operands fall into, from mode.window */

struct mode {
	const char *name;
	enum vm_cpu_mode cpu_mode;
	bool cs_d;
	u64 code, window;	/* linear addresses */
};

/* One instruction, and where its operand is meant to be. */
struct trial {
	const struct mode *mode;
	struct vie vie;
	u64 target;		/* linear address */
};

#define ORACLE_FAULT	1	/* the instruction faulted */

struct oracle {
	const char *name;
	/* Once, before everything else. */
	void (*setup)(void);
	/* Can it carry out this one, and as the manual says? */
	bool (*knows)(const struct trial *t);
	/* Has it the operations that not every processor has (is_expected())? NULL: no. */
	bool (*has_extension)(u8 op_type);
	/* May change @before (segment bases) to what it can have. NULL: nothing to say. */
	void (*adapt)(const struct trial *t, struct test_vcpu *before);
	/* Run it from @before: registers and the window of @after. 0 or ORACLE_FAULT. */
	int (*run)(const struct trial *t, const struct test_vcpu *before, struct test_vcpu *after);
};

extern const struct oracle unicorn_oracle;
extern const struct oracle native_oracle;

static inline bool is_64(const struct mode *mode)
{
	return mode->cpu_mode == CPU_MODE_64BIT;
}

#endif
