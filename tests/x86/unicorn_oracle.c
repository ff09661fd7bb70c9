// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * Unicorn 2.0 as an oracle, in real, 32-bit and 64-bit mode. It is QEMU 5.0 with a
 * fixed set of CPU features; what it has not is left to native_oracle.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/kernel.h>
#include <unicorn/unicorn.h>

#include "decode.h"
#include "oracle.h"

/* uc32 of 0: not outside 64-bit mode. */
static const struct {
	enum vm_reg_name name;
	int uc64, uc32;
} registers[] = {
	{ VM_REG_GUEST_RAX, UC_X86_REG_RAX, UC_X86_REG_EAX },
	{ VM_REG_GUEST_RBX, UC_X86_REG_RBX, UC_X86_REG_EBX },
	{ VM_REG_GUEST_RCX, UC_X86_REG_RCX, UC_X86_REG_ECX },
	{ VM_REG_GUEST_RDX, UC_X86_REG_RDX, UC_X86_REG_EDX },
	{ VM_REG_GUEST_RSI, UC_X86_REG_RSI, UC_X86_REG_ESI },
	{ VM_REG_GUEST_RDI, UC_X86_REG_RDI, UC_X86_REG_EDI },
	{ VM_REG_GUEST_RBP, UC_X86_REG_RBP, UC_X86_REG_EBP },
	{ VM_REG_GUEST_RSP, UC_X86_REG_RSP, UC_X86_REG_ESP },
	{ VM_REG_GUEST_RFLAGS, UC_X86_REG_EFLAGS, UC_X86_REG_EFLAGS },
	{ VM_REG_GUEST_R8, UC_X86_REG_R8, 0 },
	{ VM_REG_GUEST_R9, UC_X86_REG_R9, 0 },
	{ VM_REG_GUEST_R10, UC_X86_REG_R10, 0 },
	{ VM_REG_GUEST_R11, UC_X86_REG_R11, 0 },
	{ VM_REG_GUEST_R12, UC_X86_REG_R12, 0 },
	{ VM_REG_GUEST_R13, UC_X86_REG_R13, 0 },
	{ VM_REG_GUEST_R14, UC_X86_REG_R14, 0 },
	{ VM_REG_GUEST_R15, UC_X86_REG_R15, 0 },
};

static uc_engine *engines[CPU_MODE_64BIT + 1];	/* by enum vm_cpu_mode */
static u8 memory[VCPU_MEMORY] __attribute__((aligned(4096)));

static int uc_register(const struct mode *mode, size_t i)
{
	return is_64(mode) ? registers[i].uc64 : registers[i].uc32;
}

static void engine_open(enum vm_cpu_mode cpu_mode, uc_mode mode)
{
	uc_engine **uc = &engines[cpu_mode];
	uc_err err = uc_open(UC_ARCH_X86, mode, uc);

	if (!err)
		err = uc_mem_map_ptr(*uc, 0, VCPU_MEMORY, UC_PROT_ALL, memory);
	if (!err)
		return;
	fprintf(stderr, "emulate_diff: cannot set up Unicorn: %s\n", uc_strerror(err));
	exit(1);
}

static void unicorn_setup(void)
{
	engine_open(CPU_MODE_REAL, UC_MODE_16);
	engine_open(CPU_MODE_PROTECTED, UC_MODE_32);
	engine_open(CPU_MODE_64BIT, UC_MODE_64);
}

/*
 * QEMU 5.0 lets a REX prefix live on behind other prefixes, lets the overrides
 * that mean nothing in 64-bit mode take back those that do, and F2 win over F3.
 */
static bool has_odd_prefixes(const struct trial *t)
{
	unsigned int i, segments = 0, rex = 0;
	bool f2 = false, f3 = false;
	struct insn insn;

	if (insn_decode(&insn, t->vie.inst, t->vie.num_valid, t->mode->cpu_mode, t->mode->cs_d) < 0)
		return true;
	for (i = 0; i < insn.prefix_len; i++) {
		u8 byte = t->vie.inst[i];

		rex += (byte & 0xf0) == 0x40;
		segments += (byte & 0xe7) == 0x26 || (byte & 0xfe) == 0x64;
		f2 |= byte == 0xf2;
		f3 |= byte == 0xf3;
	}
	return (f2 && f3) || (is_64(t->mode) && (segments > 1 || rex > !!insn.rex));
}

static bool unicorn_knows(const struct trial *t)
{
	const struct vie *vie = &t->vie;

	if (vie->vex_present || has_odd_prefixes(t))
		return false;
	switch (vie->op.op_type) {
	case VIE_OP_NEG:
		return !memchr(vie->inst, 0xf0, vie->num_processed);	/* wrong flags with LOCK */
	case VIE_OP_SIMD_MOV ... VIE_OP_SIMD_HIGH:
		/* It has no SSE in real mode, and lets 66 win over F2 and F3. */
		return t->mode->cpu_mode != CPU_MODE_REAL &&
		       !(vie->opsize_override && (vie->repz_present || vie->repnz_present));
	case VIE_OP_SHLD:
	case VIE_OP_SHRD:
		/* It forgets the immediate where addresses count from the end of the instruction. */
		return vie->base_register != VM_REG_GUEST_RIP || !vie->imm_bytes;
	case VIE_OP_MOV:
		/* It takes C6 and C7 with REX.R for something else, and has no MOVDIRI. */
		return vie->op.op_byte != 0xf9 && ((vie->op.op_byte & 0xfe) != 0xc6 || !vie->rex_r);
	case VIE_OP_TEST:
		return vie->op.op_byte < 0xf6 || !(vie->reg & 7);	/* not the twin, F6 /1 */
	case VIE_OP_MOVBE:
	case VIE_OP_POPCNT:
	case VIE_OP_NOP:
		return false;
	}
	return true;
}

static void unicorn_load(const struct trial *t, const struct test_vcpu *before)
{
	static const int segments[] = { UC_X86_REG_ES, UC_X86_REG_CS, UC_X86_REG_SS,
					UC_X86_REG_DS, UC_X86_REG_FS, UC_X86_REG_GS };
	uc_engine *uc = engines[t->mode->cpu_mode];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(registers); i++)
		if (uc_register(t->mode, i))
			uc_reg_write(uc, uc_register(t->mode, i), &before->reg[registers[i].name]);
	for (i = 0; i < (is_64(t->mode) ? 16 : 8); i++)
		uc_reg_write(uc, UC_X86_REG_XMM0 + i, before->simd[i]);
	if (t->mode->cpu_mode == CPU_MODE_REAL)
		for (i = 0; i < ARRAY_SIZE(segments); i++)
			uc_reg_write(uc, segments[i], &before->reg[VM_REG_GUEST_ES + i]);
	if (is_64(t->mode)) {
		uc_reg_write(uc, UC_X86_REG_FS_BASE, &before->desc[VM_REG_GUEST_FS].base);
		uc_reg_write(uc, UC_X86_REG_GS_BASE, &before->desc[VM_REG_GUEST_GS].base);
	}
}

static void unicorn_store(const struct trial *t, struct test_vcpu *after)
{
	uc_engine *uc = engines[t->mode->cpu_mode];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(registers); i++)
		if (uc_register(t->mode, i)) {
			after->reg[registers[i].name] = 0;
			uc_reg_read(uc, uc_register(t->mode, i), &after->reg[registers[i].name]);
		}
	for (i = 0; i < (is_64(t->mode) ? 16 : 8); i++)
		uc_reg_read(uc, UC_X86_REG_XMM0 + i, after->simd[i]);
	memcpy(after->memory + t->mode->window, memory + t->mode->window, WINDOW_BYTES);
}

static int unicorn_run(const struct trial *t, const struct test_vcpu *before, struct test_vcpu *after)
{
	const struct mode *mode = t->mode;
	uc_engine *uc = engines[mode->cpu_mode];
	u64 rip = 0;
	uc_err err;

	memcpy(memory + mode->window, before->memory + mode->window, WINDOW_BYTES);
	uc_mem_write(uc, mode->code, t->vie.inst, VIE_INST_SIZE);
	uc_ctl_remove_cache(uc, mode->code, mode->code + 32);
	unicorn_load(t, before);
	err = uc_emu_start(uc, mode->code, mode->code + t->vie.num_processed, 0, 0);
	unicorn_store(t, after);
	/* It writes EAX, and with it zeroes above, where CMPXCHG finds its operands equal and leaves RAX alone. */
	if (t->vie.op.op_type == VIE_OP_CMPXCHG && t->vie.opsize == 4 &&
	    after->reg[VM_REG_GUEST_RAX] == (u32)before->reg[VM_REG_GUEST_RAX])
		after->reg[VM_REG_GUEST_RAX] = before->reg[VM_REG_GUEST_RAX];
	/* A divide error shows in nothing but that the instruction is still to come. */
	uc_reg_read(uc, is_64(mode) ? UC_X86_REG_RIP : UC_X86_REG_EIP, &rip);
	return err || rip == mode->code ? ORACLE_FAULT : 0;
}

const struct oracle unicorn_oracle = {
	.name = "unicorn",
	.setup = unicorn_setup,
	.knows = unicorn_knows,
	.run = unicorn_run,
};
