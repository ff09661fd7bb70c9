/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* vcpu: registers and memory in plain C behind struct emul_ops, for programs that test the emulator. */
#ifndef X86_TEST_VCPU_H
#define X86_TEST_VCPU_H

#include <linux/types.h>
#include <machine/vmm.h>

#include "emulate.h"

#define VCPU_MEMORY	0x100000	/* bytes of guest memory, from address 0; linear = physical */

struct test_vcpu {
	u64 reg[VM_REG_LAST];
	struct seg_desc desc[VM_REG_LAST];
	u8 simd[16][32];
	u8 memory[VCPU_MEMORY];

	int injected;		/* vector, or -1 */
	unsigned int reads, writes;	/* accesses to memory */
	unsigned int bad;	/* accesses that break the rules of struct emul_ops */
};

extern const struct emul_ops test_vcpu_ops;

/* Registers 0, flat segments, SIMD on, nothing injected; memory stays. */
void test_vcpu_reset(struct test_vcpu *vcpu);

#endif
