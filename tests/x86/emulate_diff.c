// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * vie_emulate() against Unicorn: the same instruction from the same random state,
 * in real, 32-bit and 64-bit mode; afterwards registers, flags and memory are the
 * same, but for flags that the manual leaves undefined.
 *
 * Every opcode that vie_decode() knows comes up with all its operand sizes; the
 * addresses are made to fall into a window of memory by choice of the base
 * register or of the displacement, pages crossed included.
 *
 * usage: emulate_diff SECONDS SEED
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <asm/processor-flags.h>
#include <linux/kernel.h>
#include <unicorn/unicorn.h>

#include "alu.h"
#include "decode.h"
#include "emulate.h"
#include "random.h"
#include "vcpu.h"

u64 random_state;

#define CODE		0x1000		/* where the instruction is put */
#define WINDOW		0x4000		/* memory operands fall into here */
#define WINDOW_BYTES	0x4000
#define WINDOW_EDGE	0x800		/* room at both ends, for strings and bit strings */

#define STATUS	(X86_EFLAGS_CF | X86_EFLAGS_PF | X86_EFLAGS_AF | X86_EFLAGS_ZF |	\
		 X86_EFLAGS_SF | X86_EFLAGS_OF)

struct mode {
	const char *name;
	enum vm_cpu_mode cpu_mode;
	bool cs_d;
	uc_mode uc_mode;
	uc_engine *uc;
};

static struct mode modes[] = {
	{ .name = "64", .cpu_mode = CPU_MODE_64BIT, .uc_mode = UC_MODE_64 },
	{ .name = "32", .cpu_mode = CPU_MODE_PROTECTED, .cs_d = true, .uc_mode = UC_MODE_32 },
	{ .name = "real", .cpu_mode = CPU_MODE_REAL, .uc_mode = UC_MODE_16 },
};

/* One instruction and the state it starts from. */
struct trial {
	struct mode *mode;
	struct vie vie;
	u64 target;		/* linear address of the operand */
};

static struct test_vcpu before, ours, theirs;
static unsigned long long passed, failed, skipped;
static unsigned long long done_by_type[256];

/* In the order of vm_reg_name. */
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

static bool is_64(const struct mode *mode)
{
	return mode->cpu_mode == CPU_MODE_64BIT;
}

static int uc_register(const struct mode *mode, size_t i)
{
	return is_64(mode) ? registers[i].uc64 : registers[i].uc32;
}

static void die(const char *what, uc_err err)
{
	fprintf(stderr, "emulate_diff: %s: %s\n", what, uc_strerror(err));
	exit(1);
}

static void mode_open(struct mode *mode)
{
	uc_err err = uc_open(UC_ARCH_X86, mode->uc_mode, &mode->uc);
	u64 cr4 = 0;

	if (!err)
		err = uc_ctl_set_cpu_model(mode->uc, UC_CPU_X86_EPYC_ROME);
	if (!err)
		err = uc_mem_map_ptr(mode->uc, 0, VCPU_MEMORY, UC_PROT_ALL, theirs.memory);
	if (!err)
		err = uc_reg_read(mode->uc, UC_X86_REG_CR4, &cr4);
	cr4 |= X86_CR4_OSFXSR;
	if (!err)
		err = uc_reg_write(mode->uc, UC_X86_REG_CR4, &cr4);
	if (err)
		die("cannot set up Unicorn", err);
}

/*
 * Instructions
 */

/* Prefixes, then an opcode; what comes after is random, and vie_decode() says if it is one of ours. */
static void bytes_make(const struct mode *mode, u8 *bytes)
{
	static const u8 segments[] = { 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65 };
	unsigned int at = 0, i;

	for (i = 0; i < VIE_INST_SIZE; i++)
		bytes[i] = random_u64() >> 56;
	if (is_64(mode) && !random_below(12)) {
		bytes[at++] = 0xc4;
		bytes[at++] = (bytes[1] & 0xe0) | (2 + random_below(2));
		bytes[at++] = random_u64() >> 56;
		bytes[at++] = 0xf0 + random_below(8);
		return;
	}
	if (!random_below(3))
		bytes[at++] = 0x66;
	if (!random_below(6))
		bytes[at++] = 0x67;
	if (!random_below(4))
		bytes[at++] = 0xf2 + random_below(2);
	if (!random_below(8))
		bytes[at++] = segments[random_below(sizeof(segments))];
	if (!random_below(8))
		bytes[at++] = 0xf0;
	if (is_64(mode) && random_below(2))
		bytes[at++] = 0x40 + random_below(16);
	if (random_below(2))
		bytes[at++] = 0x0f;
	if (at && bytes[at - 1] == 0x0f && !random_below(6))
		bytes[at++] = 0x38;
}

/* Unicorn 2.0 (QEMU 5.0) has not these, or does not do as the manual says. */
static bool is_beyond_unicorn(const struct trial *t)
{
	const struct vie *vie = &t->vie;

	switch (vie->op.op_type) {
	case VIE_OP_SIMD_MOV:
	case VIE_OP_SIMD_LOW:
	case VIE_OP_SIMD_HIGH:
		/* No AVX: native_diff.c. And it lets 66 win over F2 and F3. */
		return vie->vex_present ||
		       (vie->opsize_override && (vie->repz_present || vie->repnz_present));
	case VIE_OP_NOP:
		return true;
	case VIE_OP_TEST:
		return vie->op.op_byte >= 0xf6 && (vie->reg & 7) == 1;	/* the second encoding */
	case VIE_OP_MOV:
		return vie->op.op_byte == 0xf9;	/* MOVDIRI */
	}
	return false;
}

static bool trial_decode(struct trial *t)
{
	u8 bytes[VIE_INST_SIZE];

	bytes_make(t->mode, bytes);
	vie_init(&t->vie, bytes, VIE_INST_SIZE);
	return !vie_decode(&t->vie, t->mode->cpu_mode, t->mode->cs_d) && !is_beyond_unicorn(t);
}

/*
 * State
 */

static void state_make(const struct mode *mode)
{
	bool real = mode->cpu_mode == CPU_MODE_REAL;
	size_t i;
	int seg;

	test_vcpu_reset(&before);
	for (i = 0; i < ARRAY_SIZE(registers); i++)
		before.reg[registers[i].name] = is_64(mode) ? random_value() : (u32)random_value();
	before.reg[VM_REG_GUEST_RFLAGS] = 2 | (random_u64() & (STATUS | X86_EFLAGS_DF));
	before.reg[VM_REG_GUEST_RIP] = CODE;
	for (i = 0; i < 16; i++)
		for (seg = 0; seg < 16; seg++)
			before.simd[i][seg] = random_u64() >> 56;
	for (i = WINDOW; i < WINDOW + WINDOW_BYTES; i += 8)
		*(u64 *)(before.memory + i) = random_value();
	for (seg = VM_REG_GUEST_ES; seg <= VM_REG_GUEST_GS; seg++) {
		if (real && seg != VM_REG_GUEST_CS) {
			before.reg[seg] = random_below(0x200);
			before.desc[seg].base = before.reg[seg] << 4;
		}
		if (real)
			before.desc[seg] = (struct seg_desc){ before.desc[seg].base, 0xffff, 0x93 };
	}
	if (is_64(mode)) {
		before.desc[VM_REG_GUEST_FS].base = random_u64() >> 20;
		before.desc[VM_REG_GUEST_GS].base = random_u64() >> 20;
	}
}

static int msize(const struct vie *vie)
{
	static const u8 sizes[] = { 0, 1, 2, 4, 8, 16, 0, 16 };
	unsigned int code = vie->op.op_flags & VIE_MSIZE_MASK;

	return code == VIE_MSIZE_PAIR ? 2 * vie->opsize : sizes[code] ? sizes[code] : vie->opsize;
}

static u64 target_make(const struct vie *vie)
{
	u64 target = WINDOW + WINDOW_EDGE + random_below(WINDOW_BYTES - 2 * WINDOW_EDGE);
	bool pair16 = (vie->op.op_flags & VIE_MSIZE_MASK) == VIE_MSIZE_PAIR && vie->opsize == 8;

	if (!random_below(8))
		target = (target & ~4095ULL) - random_below(16);	/* across a page, or nearly */
	if ((vie->op.op_flags & VIE_ALIGNED) || pair16)
		target &= ~15ULL;
	return target;
}

static u64 segment_base(const struct mode *mode, int segment)
{
	if (is_64(mode) && segment != VM_REG_GUEST_FS && segment != VM_REG_GUEST_GS)
		return 0;
	return before.desc[segment].base;
}

/* Put @value into the part of a register that addresses use; the rest stays as random as it is. */
static void address_register_set(const struct vie *vie, int reg, u64 value)
{
	u64 mask = alu_mask(vie->addrsize);

	before.reg[reg] = (before.reg[reg] & ~mask) | (value & mask);
}

static bool displacement_set(struct trial *t, u64 value)
{
	struct vie *vie = &t->vie;
	unsigned int at = vie->num_processed - vie->imm_bytes - vie->disp_bytes;
	u8 bytes[VIE_INST_SIZE];

	if (vie->disp_bytes < 2 || (s64)value != alu_sign_extend(vie->disp_bytes, value))
		return false;
	memcpy(bytes, vie->inst, sizeof(bytes));
	memcpy(bytes + at, &value, vie->disp_bytes);
	vie_init(vie, bytes, VIE_INST_SIZE);
	return !vie_decode(vie, t->mode->cpu_mode, t->mode->cs_d);
}

/* In real mode the offset has to be a 16-bit one whatever the address size. */
static bool is_in_segment(const struct trial *t, u64 offset)
{
	return t->mode->cpu_mode != CPU_MODE_REAL || offset < 0xfff0;
}

static bool string_make(struct trial *t)
{
	const struct vie *vie = &t->vie;
	u64 src = t->target - segment_base(t->mode, vie->segment_register);
	u64 dst = target_make(vie) - segment_base(t->mode, VM_REG_GUEST_ES);

	if (vie->op.op_type == VIE_OP_STOS || vie->op.op_type == VIE_OP_SCAS)
		dst = src;
	if (vie->op.op_type == VIE_OP_MOVS && !random_below(4))
		dst = src + random_below(32) - segment_base(t->mode, VM_REG_GUEST_ES) +
		      segment_base(t->mode, vie->segment_register);	/* overlap */
	address_register_set(vie, VM_REG_GUEST_RSI, src);
	address_register_set(vie, VM_REG_GUEST_RDI, dst);
	address_register_set(vie, VM_REG_GUEST_RCX, random_below(200));
	return is_in_segment(t, src) && is_in_segment(t, dst);
}

/* A stack in the window as well, away from the operand. */
static void stack_make(const struct trial *t)
{
	u64 stack = WINDOW + random_below(WINDOW_EDGE / 2) + 16;

	if (!is_64(t->mode))
		stack -= before.desc[VM_REG_GUEST_SS].base;
	before.reg[VM_REG_GUEST_RSP] = t->mode->cpu_mode == CPU_MODE_REAL ? stack & 0xffff : stack;
}

/* Bits from the operand: a few hundred each way. */
static void bitstring_make(const struct vie *vie)
{
	s64 bits = (s64)random_below(4096) - 2048;
	enum vm_reg_name reg = insn_register(vie->reg);
	u64 mask = alu_mask(vie->opsize);

	if (vie->op.op_flags & VIE_BITSTRING)
		before.reg[reg] = (before.reg[reg] & ~mask) | ((u64)bits & mask);
}

/* Make the effective address @offset: by the base register, else by the displacement. */
static bool address_make(struct trial *t, u64 offset)
{
	struct vie *vie = &t->vie;
	bool bits = vie->op.op_flags & VIE_BITSTRING;
	int base = vie->base_register, index = vie->index_register;
	u64 scaled;

	if (bits && (base == (int)insn_register(vie->reg) || index == (int)insn_register(vie->reg)))
		return false;
	if (base == VM_REG_GUEST_RIP)
		return displacement_set(t, offset - CODE - vie->num_processed);
	if (base == VM_REG_LAST && index != VM_REG_LAST) {
		before.reg[index] = random_below(256);
		return displacement_set(t, offset - (before.reg[index] << vie->ss));
	}
	if (base == VM_REG_LAST)
		return displacement_set(t, vie->disp_bytes == 2 ? (u64)(s16)offset : offset);
	if (base == index)
		return false;
	scaled = index == VM_REG_LAST ? 0 : before.reg[index] << vie->ss;
	if (vie->op.op_type == VIE_OP_POP && base == VM_REG_GUEST_RSP)
		offset -= vie->opsize;
	address_register_set(vie, base, offset - scaled - (u64)vie->displacement);
	return true;
}

static bool trial_make(struct trial *t)
{
	struct vie *vie = &t->vie;
	u64 offset;

	state_make(t->mode);
	t->target = target_make(vie);
	if (vie->op.op_type >= VIE_OP_MOVS && vie->op.op_type <= VIE_OP_SCAS)
		return string_make(t);
	if (vie->op.op_type == VIE_OP_PUSH || vie->op.op_type == VIE_OP_POP) {
		stack_make(t);
		if (vie->index_register == VM_REG_GUEST_RSP || vie->base_register == VM_REG_GUEST_RSP)
			return false;
	}
	bitstring_make(vie);
	offset = t->target - segment_base(t->mode, vie->segment_register);
	if (!is_64(t->mode))
		offset = (u32)offset;
	if (vie->addrsize == 4 && offset >> 32)
		return false;
	return is_in_segment(t, offset) && address_make(t, offset);
}

/* Half of the divisions should not fault: let the dividend be small. */
static void dividend_make(const struct trial *t)
{
	if (t->vie.op.op_type != VIE_OP_DIV && t->vie.op.op_type != VIE_OP_IDIV)
		return;
	if (random_below(4) && t->vie.base_register != VM_REG_GUEST_RDX &&
	    t->vie.index_register != VM_REG_GUEST_RDX)
		before.reg[VM_REG_GUEST_RDX] = random_below(3) - 1;
}

/* And half of the comparisons of an exchange should succeed. */
static void comparand_make(const struct trial *t, u64 gla)
{
	const struct vie *vie = &t->vie;
	u64 low = 0, high = 0;

	if (random_below(2) || gla + 16 > VCPU_MEMORY)
		return;
	memcpy(&low, before.memory + gla, vie->opsize);
	memcpy(&high, before.memory + gla + vie->opsize, vie->opsize);
	if (vie->base_register == VM_REG_GUEST_RAX || vie->index_register == VM_REG_GUEST_RAX)
		return;
	if (vie->op.op_type == VIE_OP_CMPXCHG || vie->op.op_type == VIE_OP_CMPXCHG_PAIR)
		before.reg[VM_REG_GUEST_RAX] = low;
	if (vie->op.op_type != VIE_OP_CMPXCHG_PAIR || vie->base_register == VM_REG_GUEST_RDX ||
	    vie->index_register == VM_REG_GUEST_RDX)
		return;
	before.reg[VM_REG_GUEST_RDX] = high;
}

/*
 * The two runs
 */

static void unicorn_load(const struct trial *t)
{
	static const int segments[] = { UC_X86_REG_ES, UC_X86_REG_CS, UC_X86_REG_SS,
					UC_X86_REG_DS, UC_X86_REG_FS, UC_X86_REG_GS };
	uc_engine *uc = t->mode->uc;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(registers); i++)
		if (uc_register(t->mode, i))
			uc_reg_write(uc, uc_register(t->mode, i), &before.reg[registers[i].name]);
	for (i = 0; i < (is_64(t->mode) ? 16 : 8); i++)
		uc_reg_write(uc, UC_X86_REG_XMM0 + i, before.simd[i]);
	if (t->mode->cpu_mode == CPU_MODE_REAL)
		for (i = 0; i < 6; i++)
			uc_reg_write(uc, segments[i], &before.reg[VM_REG_GUEST_ES + i]);
	if (is_64(t->mode)) {
		uc_reg_write(uc, UC_X86_REG_FS_BASE, &before.desc[VM_REG_GUEST_FS].base);
		uc_reg_write(uc, UC_X86_REG_GS_BASE, &before.desc[VM_REG_GUEST_GS].base);
	}
}

static void unicorn_store(const struct trial *t)
{
	uc_engine *uc = t->mode->uc;
	size_t i;

	memcpy(theirs.reg, before.reg, sizeof(theirs.reg));
	memcpy(theirs.simd, before.simd, sizeof(theirs.simd));
	for (i = 0; i < ARRAY_SIZE(registers); i++)
		if (uc_register(t->mode, i)) {
			theirs.reg[registers[i].name] = 0;
			uc_reg_read(uc, uc_register(t->mode, i), &theirs.reg[registers[i].name]);
		}
	for (i = 0; i < (is_64(t->mode) ? 16 : 8); i++)
		uc_reg_read(uc, UC_X86_REG_XMM0 + i, theirs.simd[i]);
}

static uc_err unicorn_run(const struct trial *t)
{
	const struct vie *vie = &t->vie;
	uc_err err;

	memcpy(theirs.memory + WINDOW, before.memory + WINDOW, WINDOW_BYTES);
	memcpy(theirs.memory + CODE, vie->inst, VIE_INST_SIZE);
	uc_ctl_remove_cache(t->mode->uc, CODE, CODE + 32);
	unicorn_load(t);
	err = uc_emu_start(t->mode->uc, CODE, CODE + vie->num_processed, 0, 0);
	unicorn_store(t);
	return err;
}

static int our_run(const struct trial *t)
{
	struct vm_guest_paging paging = { .cpu_mode = t->mode->cpu_mode,
					  .paging_mode = is_64(t->mode) ? PAGING_MODE_64 : PAGING_MODE_FLAT };
	u64 gpa = t->target;
	int ret, calls = 0;

	memcpy(&ours.reg, &before.reg, sizeof(before.reg));
	memcpy(&ours.desc, &before.desc, sizeof(before.desc));
	memcpy(&ours.simd, &before.simd, sizeof(before.simd));
	memcpy(ours.memory + WINDOW, before.memory + WINDOW, WINDOW_BYTES);
	ours.injected = -1;
	ours.bad = 0;
	ours.reads = 0;
	ours.writes = 0;
	vie_operand_gla(&t->vie, &paging, VM_PROT_READ, 1, &test_vcpu_ops, &ours, &gpa);
	do {
		ret = vie_emulate(&t->vie, gpa, &paging, &test_vcpu_ops, &ours);
		vie_operand_gla(&t->vie, &paging, VM_PROT_READ, 1, &test_vcpu_ops, &ours, &gpa);
	} while (ret == EMUL_RESTART && ++calls < 1000);
	return ret;
}

/*
 * The comparison
 */

static u64 undefined_shift(const struct vie *vie, unsigned int raw_count)
{
	unsigned int bits = 8 * vie->opsize;
	unsigned int count = raw_count & (vie->opsize == 8 ? 63 : 31);
	u64 mask = count == 1 ? 0 : X86_EFLAGS_OF;

	if (!count)
		return 0;
	if (vie->op.op_type >= VIE_OP_ROL && vie->op.op_type <= VIE_OP_RCR)
		return mask;
	mask |= X86_EFLAGS_AF;
	if (count >= bits)
		mask |= X86_EFLAGS_CF;
	if (count > bits && (vie->op.op_type == VIE_OP_SHLD || vie->op.op_type == VIE_OP_SHRD))
		mask |= STATUS;
	return mask;
}

static unsigned int shift_count(const struct vie *vie)
{
	switch (vie->op.op_flags & VIE_SRC_MASK) {
	case VIE_SRC_IMM:
		return (u8)vie->immediate;
	case VIE_SRC_CL:
		return (u8)before.reg[VM_REG_GUEST_RCX];
	default:
		return 1;
	}
}

/* Flags that the manual leaves undefined (SDM vol. 1, appendix A; vol. 2). */
static u64 undefined_flags(const struct vie *vie)
{
	switch (vie->op.op_type) {
	case VIE_OP_OR:
	case VIE_OP_AND:
	case VIE_OP_XOR:
	case VIE_OP_TEST:
		return X86_EFLAGS_AF;
	case VIE_OP_MUL:
	case VIE_OP_IMUL1:
	case VIE_OP_IMUL:
		return X86_EFLAGS_SF | X86_EFLAGS_ZF | X86_EFLAGS_AF | X86_EFLAGS_PF;
	case VIE_OP_DIV:
	case VIE_OP_IDIV:
		return STATUS;
	case VIE_OP_BT ... VIE_OP_BTC:
		return STATUS & ~(X86_EFLAGS_CF | X86_EFLAGS_ZF);
	case VIE_OP_BSF:
	case VIE_OP_BSR:
		return STATUS & ~X86_EFLAGS_ZF;
	case VIE_OP_ANDN:
	case VIE_OP_BLSR:
	case VIE_OP_BLSMSK:
	case VIE_OP_BLSI:
	case VIE_OP_BZHI:
		return X86_EFLAGS_AF | X86_EFLAGS_PF;
	case VIE_OP_BEXTR:
		return X86_EFLAGS_AF | X86_EFLAGS_PF | X86_EFLAGS_SF;
	case VIE_OP_SHLD:
	case VIE_OP_SHRD:
	case VIE_OP_ROL ... VIE_OP_SAR:
		return undefined_shift(vie, shift_count(vie));
	}
	return 0;
}

/* SHLD and SHRD of 16 bits by more have no defined result, BSF and BSR of 0 have none. */
static bool is_result_undefined(const struct vie *vie, u64 gla)
{
	u64 value = 0;

	memcpy(&value, before.memory + gla, vie->opsize);
	if (vie->op.op_type == VIE_OP_SHLD || vie->op.op_type == VIE_OP_SHRD)
		return vie->opsize == 2 && (shift_count(vie) & 31) > 16;
	if (vie->op.op_type == VIE_OP_BSF || vie->op.op_type == VIE_OP_BSR)
		return !value;
	return false;
}

static u64 dbg;
static void report(const struct trial *t, const char *what, u64 have, u64 want)
{
	unsigned int i;

	if (failed++ >= 20)
		return;
	printf("[rcx %llx rflags %llx mem %llx] ", (u64)before.reg[VM_REG_GUEST_RCX], before.reg[VM_REG_GUEST_RFLAGS], dbg);
	printf("emulate: %s:", t->mode->name);
	for (i = 0; i < t->vie.num_processed; i++)
		printf(" %02x", t->vie.inst[i]);
	printf(" (op %#x, size %u): %s: have %llx, Unicorn says %llx\n", t->vie.op.op_type,
	       t->vie.opsize, what, have, want);
}

static bool registers_agree(const struct trial *t)
{
	u64 mask = is_64(t->mode) ? ~0ULL : 0xffffffff;
	u64 flags = ~undefined_flags(&t->vie) & (STATUS | X86_EFLAGS_DF);
	char name[24];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(registers); i++) {
		enum vm_reg_name reg = registers[i].name;
		u64 bits = reg == VM_REG_GUEST_RFLAGS ? flags : mask;

		if (!((ours.reg[reg] ^ theirs.reg[reg]) & bits))
			continue;
		snprintf(name, sizeof(name), "register %d", reg);
		report(t, name, ours.reg[reg] & bits, theirs.reg[reg] & bits);
		return false;
	}
	return true;
}

static bool rest_agrees(const struct trial *t)
{
	size_t i;

	for (i = 0; i < 16; i++)
		if (memcmp(ours.simd[i], theirs.simd[i], 16)) {
			report(t, "SIMD register", i, i);
			return false;
		}
	for (i = WINDOW; i < WINDOW + WINDOW_BYTES; i++)
		if (ours.memory[i] != theirs.memory[i]) {
			report(t, "memory", ours.memory[i], theirs.memory[i]);
			return false;
		}
	return true;
}

/* A read-modify-write is one read and one write, more only across a page. */
static bool accesses_right(const struct trial *t, u64 gla)
{
	const struct vie *vie = &t->vie;
	bool crosses = (gla & 4095) + msize(vie) > 4096;

	if (vie->op.op_type >= VIE_OP_MOVS || vie->op.op_type == VIE_OP_PUSH ||
	    vie->op.op_type == VIE_OP_POP || crosses)
		return true;
	return ours.reads == !!(vie->op.op_flags & VIE_READ) &&
	       ours.writes == !!(vie->op.op_flags & VIE_WRITE);
}

static void compare(const struct trial *t, u64 gla, int ret, uc_err uc_ret)
{
	if (ours.bad)
		report(t, "breach of struct emul_ops", ours.bad, 0);
	else if ((ret != 0) != (uc_ret != UC_ERR_OK) || (ret && ours.injected != 0))
		report(t, "result", ret, uc_ret);
	else if (!ret && !accesses_right(t, gla))
		report(t, "accesses", ours.reads << 8 | ours.writes, 0);
	else if (registers_agree(t) && rest_agrees(t))
		passed++;
	done_by_type[t->vie.op.op_type]++;
}

static void trial_run(struct mode *mode)
{
	struct trial t = { .mode = mode };
	struct vm_guest_paging paging = { .cpu_mode = mode->cpu_mode };
	uc_err uc_ret;
	u64 gla;
	int ret;

	while (!trial_decode(&t))
		;
	if (!trial_make(&t)) {
		skipped++;
		return;
	}
	dividend_make(&t);
	if (vie_operand_gla(&t.vie, &paging, VM_PROT_READ, 1, &test_vcpu_ops, &before, &gla) ||
	    gla < WINDOW || gla + 32 > WINDOW + WINDOW_BYTES) {
		skipped++;
		return;
	}
	comparand_make(&t, gla);
	/* Code segments cannot be written, which Unicorn's flat one leaves unsaid. */
	if (mode->cpu_mode == CPU_MODE_PROTECTED && t.vie.segment_register == VM_REG_GUEST_CS &&
	    (t.vie.op.op_flags & VIE_WRITE))
		return;
	if (is_result_undefined(&t.vie, gla)) {
		skipped++;
		return;
	}
	memcpy(&dbg, before.memory+gla, 8);
	uc_ret = unicorn_run(&t);
	ret = our_run(&t);
	compare(&t, gla, ret, uc_ret);
}

/* What never came up has not been tested. */
static void check_coverage(void)
{
	unsigned int type;

	for (type = VIE_OP_MOV; type <= VIE_OP_SIMD_HIGH; type++) {
		bool used = (type <= VIE_OP_POP || type >= VIE_OP_ADD) && type != VIE_OP_NOP &&
			    type != 0x61 && !(type > VIE_OP_POPCNT && type < VIE_OP_MUL) &&
			    !(type > VIE_OP_IMUL && type < VIE_OP_XCHG) &&
			    !(type > VIE_OP_CMPXCHG_PAIR && type < VIE_OP_MOVS) &&
			    !(type > VIE_OP_SCAS && type < VIE_OP_SIMD_MOV);

		if (!used || done_by_type[type] > 20)
			continue;
		failed++;
		printf("emulate: operation %#x came up only %llu times\n", type, done_by_type[type]);
	}
}

int main(int argc, char **argv)
{
	time_t end;
	size_t i;
	int round;

	if (argc != 3) {
		fprintf(stderr, "usage: emulate_diff SECONDS SEED\n");
		return 2;
	}
	random_state = strtoull(argv[2], NULL, 0) * 2 + 1;
	end = time(NULL) + atoi(argv[1]);
	for (i = 0; i < ARRAY_SIZE(modes); i++)
		mode_open(&modes[i]);
	do {
		for (round = 0; round < 200; round++)
			for (i = 0; i < ARRAY_SIZE(modes); i++)
				trial_run(&modes[i]);
	} while (time(NULL) < end);
	check_coverage();
	printf("emulate: %llu instructions, %llu more had no address to choose\n", passed + failed,
	       skipped);
	printf("%llu passed, %llu failed\n", passed, failed);
	for (i = 0; i < ARRAY_SIZE(modes); i++)
		uc_close(modes[i].uc);
	return failed != 0;
}
