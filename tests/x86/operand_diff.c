// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * vie_decode() against Zydis: what the emulator is told about the memory operand
 * (segment, base, index, scale, displacement, size, read or written) and about
 * the immediate is what Zydis finds; and nothing is decoded that Zydis refuses.
 *
 * usage: operand_diff BATCHES SEED	(how long the random part takes)
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <Zydis/Zydis.h>
#include <linux/kernel.h>

#include "decode.h"
#include "random.h"

u64 random_state;

struct mode {
	const char *name;
	enum vm_cpu_mode cpu_mode;
	bool cs_d;
	ZydisMachineMode machine;
	ZydisStackWidth stack;
	ZydisDecoder decoder;
};

static struct mode modes[] = {
	{ .name = "64", .cpu_mode = CPU_MODE_64BIT, .machine = ZYDIS_MACHINE_MODE_LONG_64,
	  .stack = ZYDIS_STACK_WIDTH_64 },
	{ .name = "protected32", .cpu_mode = CPU_MODE_PROTECTED, .cs_d = true,
	  .machine = ZYDIS_MACHINE_MODE_LEGACY_32, .stack = ZYDIS_STACK_WIDTH_32 },
	{ .name = "compat16", .cpu_mode = CPU_MODE_COMPATIBILITY, .cs_d = false,
	  .machine = ZYDIS_MACHINE_MODE_LONG_COMPAT_16, .stack = ZYDIS_STACK_WIDTH_16 },
	{ .name = "real", .cpu_mode = CPU_MODE_REAL, .cs_d = false,
	  .machine = ZYDIS_MACHINE_MODE_REAL_16, .stack = ZYDIS_STACK_WIDTH_16 },
};

static unsigned long long passed, failed;
static unsigned long long decoded_types[256];

struct found {
	const struct mode *mode;
	const struct vie *vie;
	ZydisDecodedInstruction instruction;
	ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
	const ZydisDecodedOperand *memory;
};

static void report(const struct found *f, const char *what, long long ours, long long zydis)
{
	unsigned int i;

	if (failed++ >= 30)
		return;
	printf("operand: %s:", f->mode->name);
	for (i = 0; i < f->vie->num_processed; i++)
		printf(" %02x", f->vie->inst[i]);
	printf(": %s %s: have %llx, Zydis says %llx\n", ZydisMnemonicGetString(f->instruction.mnemonic),
	       what, ours, zydis);
}

static void expect(const struct found *f, const char *what, long long ours, long long zydis)
{
	if (ours != zydis)
		report(f, what, ours, zydis);
	else
		passed++;
}

/* By the number in the encoding, as both sides count registers of one size. */
static int register_name(ZydisRegister reg)
{
	if (reg == ZYDIS_REGISTER_NONE)
		return VM_REG_LAST;
	if (reg == ZYDIS_REGISTER_RIP || reg == ZYDIS_REGISTER_EIP)
		return VM_REG_GUEST_RIP;
	return insn_register(ZydisRegisterGetId(reg));
}

static int segment_name(ZydisRegister reg)
{
	static const int names[] = { VM_REG_GUEST_ES, VM_REG_GUEST_CS, VM_REG_GUEST_SS,
				     VM_REG_GUEST_DS, VM_REG_GUEST_FS, VM_REG_GUEST_GS };

	return names[ZydisRegisterGetId(reg)];
}

static unsigned int memory_bytes(const struct vie *vie)
{
	static const u8 sizes[] = { 0, 1, 2, 4, 8, 16 };
	unsigned int code = vie->op.op_flags & VIE_MSIZE_MASK;

	if (code == VIE_MSIZE_OP)
		return vie->opsize;
	if (code == VIE_MSIZE_PAIR)
		return 2 * vie->opsize;
	if (code == VIE_MSIZE_VEC)
		return vie->vex_l ? 32 : 16;
	return sizes[code];
}

static bool is_string(const struct vie *vie)
{
	return vie->op.op_type >= VIE_OP_MOVS && vie->op.op_type <= VIE_OP_SCAS;
}

/* The string operand that struct vie tells of is the source, or the only one. */
static const ZydisDecodedOperand *find_memory(const struct found *f)
{
	const ZydisDecodedOperand *best = NULL;
	unsigned int i;

	for (i = 0; i < f->instruction.operand_count; i++) {
		const ZydisDecodedOperand *op = &f->operands[i];

		if (op->type != ZYDIS_OPERAND_TYPE_MEMORY)
			continue;
		/* The stack slots of PUSH and POP are hidden operands. */
		if (op->visibility == ZYDIS_OPERAND_VISIBILITY_HIDDEN && !is_string(f->vie))
			continue;
		if (!best || register_name(op->mem.base) == VM_REG_GUEST_RSI)
			best = op;
	}
	return best;
}

static void check_address(const struct found *f)
{
	const struct vie *vie = f->vie;
	const ZydisDecodedOperandMem *mem = &f->memory->mem;
	int segment = segment_name(mem->segment);

	/* Zydis names what stands there; in 64-bit mode only FS and GS do anything. */
	if (f->mode->cpu_mode != CPU_MODE_64BIT || segment == VM_REG_GUEST_FS ||
	    segment == VM_REG_GUEST_GS)
		expect(f, "segment", vie->segment_register, segment);
	expect(f, "index", vie->index_register, register_name(mem->index));
	if (mem->index != ZYDIS_REGISTER_NONE)
		expect(f, "scale", vie->scale, mem->scale);
	expect(f, "address size", vie->addrsize * 8, f->instruction.address_width);
	/* Zydis 4.0 takes this for R13 without a displacement, with 32-bit addresses alone. */
	if (vie->addrsize == 4 && !vie->mod && mem->base == ZYDIS_REGISTER_R13D)
		return;
	expect(f, "base", vie->base_register, register_name(mem->base));
	if (mem->disp.has_displacement)
		expect(f, "displacement", vie->displacement, mem->disp.value);
	else
		expect(f, "no displacement", vie->displacement, 0);
}

/* What Zydis says of the access, where it says it as the emulator sees it. */
static void check_access(const struct found *f)
{
	const struct vie *vie = f->vie;
	ZydisOperandActions actions = f->memory->actions;

	if (vie->op.op_type == VIE_OP_NOP)
		return;
	/* Read into 16 bits, MOVSXD has 16 bits for Intel and 32 for AMD. */
	if (f->instruction.mnemonic != ZYDIS_MNEMONIC_MOVSXD)
		expect(f, "memory size", memory_bytes(vie) * 8, f->memory->size);
	expect(f, "read", !!(vie->op.op_flags & VIE_READ), !!(actions & ZYDIS_OPERAND_ACTION_MASK_READ));
	if (vie->op.op_type != VIE_OP_MOVS)
		expect(f, "write", !!(vie->op.op_flags & VIE_WRITE),
		       !!(actions & ZYDIS_OPERAND_ACTION_MASK_WRITE));
}

static void check_immediate(const struct found *f)
{
	u64 mask = f->vie->opsize == 8 ? ~0ULL : (1ULL << (8 * f->vie->opsize)) - 1;
	unsigned int i;

	for (i = 0; i < f->instruction.operand_count; i++) {
		const ZydisDecodedOperand *op = &f->operands[i];

		if (op->type != ZYDIS_OPERAND_TYPE_IMMEDIATE ||
		    op->visibility != ZYDIS_OPERAND_VISIBILITY_EXPLICIT)
			continue;
		/* A shift count or a bit number is a byte and no more. */
		if (!op->imm.is_signed)
			mask &= 0xff;
		expect(f, "immediate", f->vie->immediate & mask, op->imm.value.u & mask);
	}
}

static void check(const struct mode *mode, const u8 *bytes)
{
	struct found f = { .mode = mode };
	struct vie vie;
	ZyanStatus status;

	vie_init(&vie, bytes, VIE_INST_SIZE);
	f.vie = &vie;
	if (vie_decode(&vie, mode->cpu_mode, mode->cs_d))
		return;
	decoded_types[vie.op.op_type]++;
	status = ZydisDecoderDecodeFull(&mode->decoder, bytes, VIE_INST_SIZE, &f.instruction,
					f.operands);
	if (!ZYAN_SUCCESS(status)) {
		report(&f, "valid", 1, 0);
		return;
	}
	expect(&f, "length", vie.num_processed, f.instruction.length);
	f.memory = find_memory(&f);
	if (!f.memory) {
		report(&f, "memory operand", 1, 0);
		return;
	}
	check_address(&f);
	check_access(&f);
	check_immediate(&f);
}

static const u8 leads[][3] = {
	{ 0 }, { 1, 0x66 }, { 1, 0xf2 }, { 1, 0xf3 }, { 1, 0x67 }, { 1, 0xf0 }, { 1, 0x64 }, { 1, 0x2e },
	{ 1, 0x48 }, { 1, 0x4f }, { 1, 0x41 }, { 2, 0x66, 0x4a }, { 2, 0x65, 0x66 }, { 2, 0x66, 0xf2 },
};

static const u8 maps[][3] = { { 0 }, { 1, 0x0f }, { 2, 0x0f, 0x38 }, { 2, 0x0f, 0x3a } };

/* @lead and @map: a count, and as many bytes. */
static void sweep_opcode(const struct mode *mode, const u8 *lead, const u8 *map, unsigned int opcode)
{
	u8 bytes[VIE_INST_SIZE + 6];
	unsigned int modrm, at = 0;

	memcpy(bytes, lead + 1, lead[0]);
	at += lead[0];
	memcpy(bytes + at, map + 1, map[0]);
	at += map[0];
	bytes[at++] = opcode;
	for (modrm = 0; modrm < 192; modrm++) {
		bytes[at] = modrm;
		for (unsigned int i = at + 1; i < VIE_INST_SIZE; i++)
			bytes[i] = random_u64() >> 56;
		check(mode, bytes);
	}
}

static void sweep(const struct mode *mode)
{
	static const u8 none[3];
	unsigned int opcode, p1;
	size_t i, j;

	for (i = 0; i < ARRAY_SIZE(leads); i++)
		for (j = 0; j < ARRAY_SIZE(maps); j++)
			for (opcode = 0; opcode < 256; opcode++)
				sweep_opcode(mode, leads[i], maps[j], opcode);
	for (p1 = 0; p1 < 256; p1 += 1 + 7 * (p1 % 8 == 7))
		for (opcode = 0; opcode < 256; opcode++)
			sweep_opcode(mode, none, (u8[3]){ 2, 0xc5, p1 }, opcode);
	/* BMI, and MOVNTDQA */
	for (p1 = 0; p1 < 256; p1++)
		for (opcode = 0xf0; opcode < 0xf9; opcode++)
			for (i = 2; i < 4; i++)
				sweep_opcode(mode, none, (u8[4]){ 3, 0xc4, 0xe0 | i, p1 },
					     opcode < 0xf8 ? opcode : 0x2a);
}

static void random_bytes(u8 *bytes)
{
	static const u8 common[] = { 0x66, 0x67, 0x64, 0x36, 0xf3, 0x48, 0x4c, 0x41, 0x0f, 0xf0, 0xc4 };
	unsigned int i, lead = random_below(5);

	for (i = 0; i < VIE_INST_SIZE; i++)
		bytes[i] = random_u64() >> 56;
	for (i = 0; i < lead; i++)
		bytes[i] = common[random_below(sizeof(common))];
	if (!random_below(8)) {
		bytes[0] = 0xc4;
		bytes[1] = (bytes[1] & 0xe0) | (1 + random_below(3));
	}
}

static void fuzz(unsigned int batches)
{
	u8 bytes[VIE_INST_SIZE];
	unsigned int round;
	size_t i;

	while (batches--) {
		for (round = 0; round < 10000; round++) {
			random_bytes(bytes);
			for (i = 0; i < ARRAY_SIZE(modes); i++)
				check(&modes[i], bytes);
		}
	}
}

/* A type that never came up has not been tested. */
static void check_coverage(void)
{
	static const u8 bounds[][2] = {
		{ VIE_OP_MOV, VIE_OP_SAR }, { VIE_OP_TEST, VIE_OP_TEST }, { VIE_OP_NOT, VIE_OP_POPCNT },
		{ VIE_OP_MUL, VIE_OP_IMUL }, { VIE_OP_XCHG, VIE_OP_CMPXCHG_PAIR },
		{ VIE_OP_MOVS, VIE_OP_SCAS }, { VIE_OP_SIMD_MOV, VIE_OP_SIMD_HIGH },
	};
	unsigned int type;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bounds); i++)
		for (type = bounds[i][0]; type <= bounds[i][1]; type++) {
			if (type > VIE_OP_POP && type < VIE_OP_ADD)
				continue;
			if (decoded_types[type]) {
				passed++;
				continue;
			}
			failed++;
			printf("operand: operation %#x never decoded\n", type);
		}
}

int main(int argc, char **argv)
{
	size_t i;

	if (argc != 3) {
		fprintf(stderr, "usage: operand_diff BATCHES SEED\n");
		return 2;
	}
	random_state = strtoull(argv[2], NULL, 0) * 2 + 1;
	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		ZydisDecoderInit(&modes[i].decoder, modes[i].machine, modes[i].stack);
		ZydisDecoderEnableMode(&modes[i].decoder, ZYDIS_DECODER_MODE_AMD_BRANCHES, 1);
		sweep(&modes[i]);
	}
	fuzz(atoi(argv[1]));
	check_coverage();
	printf("%llu passed, %llu failed\n", passed, failed);
	return failed != 0;
}
