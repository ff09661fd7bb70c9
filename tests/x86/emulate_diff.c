// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * vie_emulate() against Unicorn, in real, 32-bit and 64-bit mode, and against the
 * processor itself, in 64-bit mode: the same instruction from the same random
 * state; afterwards registers, flags and memory are the same, but for flags that
 * the manual leaves undefined.
 *
 * Every opcode that vie_decode() knows comes up with all its operand sizes; the
 * addresses are made to fall into a window of memory by choice of the base
 * register or of the displacement, pages crossed included.
 *
 * usage: emulate_diff BATCHES SEED unicorn|native
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <asm/processor-flags.h>
#include <linux/kernel.h>

#include "alu.h"
#include "decode.h"
#include "emulate.h"
#include "oracle.h"
#include "random.h"
#include "vcpu.h"

u64 random_state;

#define WINDOW_EDGE	0x800		/* room at both ends, for strings and bit strings */

#define STATUS	(X86_EFLAGS_CF | X86_EFLAGS_PF | X86_EFLAGS_AF | X86_EFLAGS_ZF |	\
		 X86_EFLAGS_SF | X86_EFLAGS_OF)

static const struct mode modes[] = {
	{ .name = "64", .cpu_mode = CPU_MODE_64BIT, .code = CODE, .window = 0x40000 },
	{ .name = "32", .cpu_mode = CPU_MODE_PROTECTED, .cs_d = true, .code = CODE_REAL, .window = 0x4000 },
	{ .name = "real", .cpu_mode = CPU_MODE_REAL, .code = CODE_REAL, .window = 0x4000 },
};

static const struct oracle *const oracles[] = { &unicorn_oracle, &native_oracle };
static const struct oracle *oracle;

static struct test_vcpu before, ours, theirs;
static unsigned long long passed, failed, skipped;
static unsigned long long done_by_type[256];

static const enum vm_reg_name registers[] = {
	VM_REG_GUEST_RAX, VM_REG_GUEST_RCX, VM_REG_GUEST_RDX, VM_REG_GUEST_RBX,
	VM_REG_GUEST_RSP, VM_REG_GUEST_RBP, VM_REG_GUEST_RSI, VM_REG_GUEST_RDI,
	VM_REG_GUEST_R8, VM_REG_GUEST_R9, VM_REG_GUEST_R10, VM_REG_GUEST_R11,
	VM_REG_GUEST_R12, VM_REG_GUEST_R13, VM_REG_GUEST_R14, VM_REG_GUEST_R15,
};

/*
 * Instructions
 */

/* VEX with what is likely: unused vvvv, 128 bits; a move of vector registers or a BMI opcode. */
static void vex_make(u8 *bytes)
{
	static const u8 moves[] = { 0x10, 0x11, 0x12, 0x13, 0x16, 0x17, 0x28, 0x29, 0x2b, 0x6e, 0x6f,
				    0x7e, 0x7f, 0xd6, 0xe7, 0xf0 };
	u8 map = 1 + random_below(3);
	u8 p1 = random_u64() >> 56;

	if (random_below(2))
		p1 = (p1 | 0x78) & ~0x04;
	else if (random_below(2))
		p1 |= 0x78;
	if (map == 1 && random_below(2)) {
		bytes[0] = 0xc5;
		bytes[1] = p1;
		bytes[2] = moves[random_below(sizeof(moves))];
		return;
	}
	bytes[0] = 0xc4;
	bytes[1] = (bytes[1] & 0xe0) | map;
	bytes[2] = p1;
	if (map == 1)
		bytes[3] = moves[random_below(sizeof(moves))];
	else if (map == 2)
		bytes[3] = random_below(6) ? 0xf0 + random_below(8) : 0x2a;
	else
		bytes[3] = 0xf0;
}

/* Prefixes, then an opcode; what comes after is random, and vie_decode() says if it is one of ours. */
static void bytes_make(const struct mode *mode, u8 *bytes)
{
	static const u8 segments[] = { 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65 };
	unsigned int at = 0, i;

	for (i = 0; i < VIE_INST_SIZE; i++)
		bytes[i] = random_u64() >> 56;
	if (oracle == &native_oracle && !random_below(8)) {
		vex_make(bytes);
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

static bool trial_decode(struct trial *t)
{
	u8 bytes[VIE_INST_SIZE];

	bytes_make(t->mode, bytes);
	vie_init(&t->vie, bytes, VIE_INST_SIZE);
	return !vie_decode(&t->vie, t->mode->cpu_mode, t->mode->cs_d);
}

/*
 * State
 */

static void state_make(const struct trial *t)
{
	const struct mode *mode = t->mode;
	bool real = mode->cpu_mode == CPU_MODE_REAL;
	u64 value;
	size_t i;
	int seg;

	test_vcpu_reset(&before);
	for (i = 0; i < ARRAY_SIZE(registers); i++)
		before.reg[registers[i]] = is_64(mode) ? random_value() : (u32)random_value();
	before.reg[VM_REG_GUEST_RFLAGS] = 2 | (random_u64() & (STATUS | X86_EFLAGS_DF));
	before.reg[VM_REG_GUEST_RIP] = mode->code;
	for (i = 0; i < 16; i++)
		for (seg = 0; seg < 32; seg++)
			before.simd[i][seg] = random_u64() >> 56;
	for (i = mode->window; i < mode->window + WINDOW_BYTES; i += 8) {
		value = random_value();
		memcpy(before.memory + i, &value, 8);
	}
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
	if (oracle->adapt)
		oracle->adapt(t, &before);
}

static int msize(const struct vie *vie)
{
	static const u8 sizes[] = { 0, 1, 2, 4, 8, 16 };
	unsigned int code = vie->op.op_flags & VIE_MSIZE_MASK;

	if (code == VIE_MSIZE_OP)
		return vie->opsize;
	if (code == VIE_MSIZE_PAIR)
		return 2 * vie->opsize;
	return code == VIE_MSIZE_VEC ? 16 << vie->vex_l : sizes[code];
}

static u64 target_make(const struct trial *t)
{
	const struct vie *vie = &t->vie;
	u64 target = t->mode->window + WINDOW_EDGE + random_below(WINDOW_BYTES - 2 * WINDOW_EDGE);
	bool pair16 = (vie->op.op_flags & VIE_MSIZE_MASK) == VIE_MSIZE_PAIR && vie->opsize == 8;

	if (!random_below(8))
		target = (target & ~4095ULL) - random_below(16);	/* across a page, or nearly */
	/* Unicorn does not check this; where it is checked, see some faults as well. */
	if (((vie->op.op_flags & VIE_ALIGNED) || pair16) &&
	    (oracle == &unicorn_oracle || random_below(4)))
		target &= ~(u64)(msize(vie) - 1);
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
	u64 dst = target_make(t) - segment_base(t->mode, VM_REG_GUEST_ES);

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
	u64 stack = t->mode->window + random_below(WINDOW_EDGE / 2) + 16;

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
		return displacement_set(t, offset - t->mode->code - vie->num_processed);
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

	state_make(t);
	t->target = target_make(t);
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

static int our_run(const struct trial *t)
{
	struct vm_guest_paging paging = { .cpu_mode = t->mode->cpu_mode,
					  .paging_mode = is_64(t->mode) ? PAGING_MODE_64 : PAGING_MODE_FLAT };
	size_t window = t->mode->window;
	u64 gpa = t->target;
	int ret, calls = 0;

	memcpy(&ours.reg, &before.reg, sizeof(before.reg));
	memcpy(&ours.desc, &before.desc, sizeof(before.desc));
	memcpy(&ours.simd, &before.simd, sizeof(before.simd));
	memcpy(ours.memory + window, before.memory + window, WINDOW_BYTES);
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

static void report(const struct trial *t, const char *what, u64 have, u64 want)
{
	unsigned int i;

	if (failed++ >= 20)
		return;
	printf("emulate: %s:", t->mode->name);
	for (i = 0; i < t->vie.num_processed; i++)
		printf(" %02x", t->vie.inst[i]);
	printf(" (op %#x, size %u): %s: have %llx, %s says %llx\n", t->vie.op.op_type,
	       t->vie.opsize, what, have, oracle->name, want);
}

static bool registers_agree(const struct trial *t)
{
	u64 mask = is_64(t->mode) ? ~0ULL : 0xffffffff;
	u64 flags = ~undefined_flags(&t->vie) & (STATUS | X86_EFLAGS_DF);
	u64 ours_flags = ours.reg[VM_REG_GUEST_RFLAGS] & flags;
	u64 their_flags = theirs.reg[VM_REG_GUEST_RFLAGS] & flags;
	char name[24];
	size_t i;

	for (i = 0; i < (is_64(t->mode) ? 16 : 8); i++) {
		if (!((ours.reg[registers[i]] ^ theirs.reg[registers[i]]) & mask))
			continue;
		snprintf(name, sizeof(name), "register %zu", i);
		report(t, name, ours.reg[registers[i]], theirs.reg[registers[i]]);
		return false;
	}
	if (ours_flags != their_flags) {
		report(t, "flags", ours_flags, their_flags);
		return false;
	}
	return true;
}

static bool rest_agrees(const struct trial *t)
{
	size_t i;

	for (i = 0; i < 16; i++)
		if (memcmp(ours.simd[i], theirs.simd[i], 32)) {
			report(t, "SIMD register", i, i);
			return false;
		}
	for (i = t->mode->window; i < t->mode->window + WINDOW_BYTES; i++)
		if (ours.memory[i] != theirs.memory[i]) {
			report(t, "memory", ours.memory[i], theirs.memory[i]);
			return false;
		}
	return true;
}

/* A read-modify-write is one read and one write, more only across a page. */
static bool accesses_right(const struct trial *t)
{
	const struct vie *vie = &t->vie;
	bool crosses = (t->target & 4095) + msize(vie) > 4096;

	if ((vie->op.op_type >= VIE_OP_MOVS && vie->op.op_type <= VIE_OP_SCAS) ||
	    vie->op.op_type == VIE_OP_PUSH ||
	    vie->op.op_type == VIE_OP_POP || crosses)
		return true;
	return ours.reads == !!(vie->op.op_flags & VIE_READ) &&
	       ours.writes == !!(vie->op.op_flags & VIE_WRITE);
}

/* Both or neither fault: ours #DE or, for alignment, #GP. */
static bool faults_agree(int ret, int their_ret)
{
	if (!ret && !their_ret)
		return true;
	return ret == EMUL_FAULTED && their_ret && (ours.injected == 0 || ours.injected == 13);
}

static void compare(const struct trial *t, int ret, int their_ret)
{
	if (ours.bad)
		report(t, "breach of struct emul_ops", ours.bad, 0);
	else if (!faults_agree(ret, their_ret))
		report(t, "result", ret, their_ret);
	else if (!ret && !accesses_right(t))
		report(t, "accesses", ours.reads << 8 | ours.writes, 0);
	else if (registers_agree(t) && rest_agrees(t))
		passed++;
	done_by_type[t->vie.op.op_type]++;
}

/* Where the operand really is, once everything is chosen; false: not where anything may be tried. */
static bool trial_settle(struct trial *t)
{
	struct vm_guest_paging paging = { .cpu_mode = t->mode->cpu_mode };
	u64 window = t->mode->window, gla;

	dividend_make(t);
	if (vie_operand_gla(&t->vie, &paging, VM_PROT_READ, 1, &test_vcpu_ops, &before, &gla) ||
	    gla < window || gla + 32 > window + WINDOW_BYTES)
		return false;
	t->target = gla;
	comparand_make(t, gla);
	/* Code segments cannot be written, which the oracles' flat one leaves unsaid. */
	if (t->mode->cpu_mode == CPU_MODE_PROTECTED && t->vie.segment_register == VM_REG_GUEST_CS &&
	    (t->vie.op.op_flags & VIE_WRITE))
		return false;
	return !is_result_undefined(&t->vie, gla) && oracle->knows(t);
}

static void trial_run(const struct mode *mode)
{
	struct trial t = { .mode = mode };
	int their_ret;

	while (!trial_decode(&t))
		;
	if (!trial_make(&t) || !trial_settle(&t)) {
		skipped++;
		return;
	}
	memcpy(theirs.reg, before.reg, sizeof(theirs.reg));
	memcpy(theirs.simd, before.simd, sizeof(theirs.simd));
	their_ret = oracle->run(&t, &before, &theirs);
	compare(&t, our_run(&t), their_ret);
}

#define ENOUGH		20	/* trials of each operation, at least */
#define BATCHES_MAX	1000	/* and how much longer to wait for them */

/* Should @type come up? The two oracles together know all. */
static bool is_expected(unsigned int type)
{
	switch (type) {
	case VIE_OP_NOP:
	case VIE_OP_MOVBE:
	case VIE_OP_ANDN ... VIE_OP_RORX:
	case VIE_OP_POPCNT:
		return oracle->has_extension && oracle->has_extension(type);
	case VIE_OP_MOV:
	case VIE_OP_MOVSX:
	case VIE_OP_MOVSREG:
	case VIE_OP_SETCC ... VIE_OP_POP:
	case VIE_OP_ADD ... VIE_OP_TEST:
	case VIE_OP_NOT ... VIE_OP_BTC:
	case VIE_OP_BSF:
	case VIE_OP_BSR:
	case VIE_OP_MUL ... VIE_OP_IMUL:
	case VIE_OP_XCHG ... VIE_OP_CMPXCHG_PAIR:
	case VIE_OP_MOVS ... VIE_OP_SCAS:
	case VIE_OP_SIMD_MOV ... VIE_OP_SIMD_HIGH:
		return true;
	}
	return false;
}

static bool is_covered(void)
{
	unsigned int type;

	for (type = 0; type < ARRAY_SIZE(done_by_type); type++)
		if (is_expected(type) && done_by_type[type] < ENOUGH)
			return false;
	return true;
}

/* An operation that hardly came up has not been tested. */
static void check_coverage(void)
{
	unsigned int type;

	for (type = 0; type < ARRAY_SIZE(done_by_type); type++) {
		if (!is_expected(type) || done_by_type[type] >= ENOUGH)
			continue;
		failed++;
		printf("emulate: operation %#x came up only %llu times\n", type, done_by_type[type]);
	}
}

int main(int argc, char **argv)
{
	size_t i, mode_count;
	int round, batch = 0, batches;

	for (i = 0; argc == 4 && i < ARRAY_SIZE(oracles); i++)
		if (!strcmp(argv[3], oracles[i]->name))
			oracle = oracles[i];
	if (!oracle) {
		fprintf(stderr, "usage: emulate_diff BATCHES SEED unicorn|native\n");
		return 2;
	}
	random_state = strtoull(argv[2], NULL, 0) * 2 + 1;
	batches = atoi(argv[1]);
	mode_count = oracle == &native_oracle ? 1 : ARRAY_SIZE(modes);
	oracle->setup();
	do {
		for (round = 0; round < 200; round++)
			for (i = 0; i < mode_count; i++)
				trial_run(&modes[i]);
	} while (++batch < batches || (!is_covered() && batch < batches + BATCHES_MAX));
	check_coverage();
	printf("emulate: %s: %llu instructions; %llu more could not be tried\n", oracle->name,
	       passed + failed, skipped);
	printf("%llu passed, %llu failed\n", passed, failed);
	return failed != 0;
}
