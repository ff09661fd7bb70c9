// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * libFuzzer: any bytes, in any mode, with any registers. Nothing is compared; the
 * sanitizers watch, and the rules of struct emul_ops are checked. The first bytes
 * of an input choose mode and registers, the rest is the instruction.
 */
#include <stdlib.h>
#include <string.h>
#include <linux/kernel.h>

#include "decode.h"
#include "emulate.h"
#include "vcpu.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct head {
	u8 mode;
	u8 cpl;
	u16 rflags;
	u64 gpa;
	u64 values[3];
	u8 choice[16];
};

static struct test_vcpu vcpu;

static void registers_set(const struct head *head)
{
	int i;

	test_vcpu_reset(&vcpu);
	for (i = 0; i < 16; i++)
		vcpu.reg[insn_register(i)] = head->values[head->choice[i] % 3] + (head->choice[i] >> 4);
	vcpu.reg[VM_REG_GUEST_RFLAGS] = head->rflags | 2;
}

static void insn_try(const u8 *bytes, size_t size, enum vm_cpu_mode cpu_mode, bool cs_d)
{
	/* Exactly as long as it is said to be, so that one byte too many is seen. */
	u8 *exact = malloc(size ? size : 1);
	struct insn insn;
	int length;

	memcpy(exact, bytes, size);
	length = insn_decode(&insn, exact, size, cpu_mode, cs_d);
	if (length > INSN_MAX_LENGTH || length > (int)size || length == 0)
		abort();
	free(exact);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vm_guest_paging paging = { 0 };
	struct head head;
	struct vie vie;
	bool cs_d;

	if (size < sizeof(head))
		return 0;
	memcpy(&head, data, sizeof(head));
	data += sizeof(head);
	size -= sizeof(head);
	paging.cpu_mode = head.mode & 3;
	paging.cpl = head.cpl & 3;
	cs_d = head.mode & 4;
	insn_try(data, size, paging.cpu_mode, cs_d);
	vie_init(&vie, data, size);
	if (vie_decode(&vie, paging.cpu_mode, cs_d))
		return 0;
	registers_set(&head);
	vie_emulate(&vie, head.gpa % VCPU_MEMORY, &paging, &test_vcpu_ops, &vcpu);
	if (vcpu.reads + vcpu.writes > 2 * EMUL_REP_MAX + 32)
		abort();
	return 0;
}
