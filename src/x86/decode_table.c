// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <linux/kernel.h>
#include <linux/types.h>

#include "decode_table.h"

/*
 * Attributes, one opcode a cell, sixteen a row: SDM vol. 2, appendix A, tables
 * APM vol. 3, appendix A, tables.
 *
 * M ModRM, B imm8, W imm16, Z imm16 or imm32, V up to imm64, O moffs, F far
 * pointer, L lockable, 6 not in 64-bit mode, XX undefined, __ nothing follows.
 */
#define XX	INSN_UNDEFINED
#define __	0
#define M_	INSN_MODRM
#define ML	(INSN_MODRM | INSN_LOCKABLE)
#define MB	(INSN_MODRM | INSN_IMM_8)
#define MZ	(INSN_MODRM | INSN_IMM_Z)
#define BL	(MB | INSN_LOCKABLE)
#define ZL	(MZ | INSN_LOCKABLE)
#define B6L	(BL | INSN_NOT64)
#define B_	INSN_IMM_8
#define W_	INSN_IMM_16
#define Z_	INSN_IMM_Z
#define V_	INSN_IMM_V
#define O_	INSN_IMM_MOFFS
#define WB	INSN_IMM_16_8
#define F6	(INSN_IMM_FAR | INSN_NOT64)
#define I6	INSN_NOT64
#define M6	(INSN_MODRM | INSN_NOT64)
#define B6	(INSN_IMM_8 | INSN_NOT64)

const u8 insn_attr_map0[256] = {
	ML, ML, M_, M_, B_, Z_, I6, I6, ML, ML, M_, M_, B_, Z_, I6, XX,		/* 00 */
	ML, ML, M_, M_, B_, Z_, I6, I6, ML, ML, M_, M_, B_, Z_, I6, I6,		/* 10 */
	ML, ML, M_, M_, B_, Z_, XX, I6, ML, ML, M_, M_, B_, Z_, XX, I6,		/* 20 */
	ML, ML, M_, M_, B_, Z_, XX, I6, M_, M_, M_, M_, B_, Z_, XX, I6,		/* 30 */
	I6, I6, I6, I6, I6, I6, I6, I6, I6, I6, I6, I6, I6, I6, I6, I6,		/* 40 */
	__, __, __, __, __, __, __, __, __, __, __, __, __, __, __, __,		/* 50 */
	I6, I6, M6, M_, XX, XX, XX, XX, Z_, MZ, B_, MB, __, __, __, __,		/* 60 */
	B_, B_, B_, B_, B_, B_, B_, B_, B_, B_, B_, B_, B_, B_, B_, B_,		/* 70 */
	BL, ZL, B6L, BL, M_, M_, ML, ML, M_, M_, M_, M_, M_, M_, M_, M_,	/* 80 */
	__, __, __, __, __, __, __, __, __, __, F6, __, __, __, __, __,		/* 90 */
	O_, O_, O_, O_, __, __, __, __, B_, Z_, __, __, __, __, __, __,		/* a0 */
	B_, B_, B_, B_, B_, B_, B_, B_, V_, V_, V_, V_, V_, V_, V_, V_,		/* b0 */
	MB, MB, W_, __, M6, M6, MB, MZ, WB, __, W_, __, __, B_, I6, __,		/* c0 */
	M_, M_, M_, M_, B6, B6, I6, __, M_, M_, M_, M_, M_, M_, M_, M_,		/* d0 */
	B_, B_, B_, B_, B_, B_, B_, B_, Z_, Z_, F6, B_, __, __, __, __,		/* e0 */
	XX, __, XX, XX, __, __, ML, ML, __, __, __, __, __, __, ML, ML,		/* f0 */
};

const u8 insn_attr_map1[256] = {
	M_, M_, M_, M_, XX, __, __, __, __, __, XX, __, XX, M_, __, MB,		/* 00 */
	M_, M_, M_, M_, M_, M_, M_, M_, M_, M_, M_, M_, M_, M_, M_, M_,		/* 10 */
	ML, M_, ML, M_, XX, XX, XX, XX, M_, M_, M_, M_, M_, M_, M_, M_,		/* 20 */
	__, __, __, __, __, __, XX, __, XX, XX, XX, XX, XX, XX, XX, XX,		/* 30 */
	M_, M_, M_, M_, M_, M_, M_, M_, M_, M_, M_, M_, M_, M_, M_, M_,		/* 40 */
	M_, M_, M_, M_, M_, M_, M_, M_, M_, M_, M_, M_, M_, M_, M_, M_,		/* 50 */
	M_, M_, M_, M_, M_, M_, M_, M_, M_, M_, M_, M_, M_, M_, M_, M_,		/* 60 */
	MB, MB, MB, MB, M_, M_, M_, __, M_, M_, XX, XX, M_, M_, M_, M_,		/* 70 */
	Z_, Z_, Z_, Z_, Z_, Z_, Z_, Z_, Z_, Z_, Z_, Z_, Z_, Z_, Z_, Z_,		/* 80 */
	M_, M_, M_, M_, M_, M_, M_, M_, M_, M_, M_, M_, M_, M_, M_, M_,		/* 90 */
	__, __, __, M_, MB, M_, M_, M_, __, __, __, ML, MB, M_, M_, M_,		/* a0 */
	ML, ML, M_, ML, M_, M_, M_, M_, M_, M_, BL, ML, M_, M_, M_, M_,		/* b0 */
	ML, ML, MB, M_, MB, MB, MB, ML, __, __, __, __, __, __, __, __,		/* c0 */
	M_, M_, M_, M_, M_, M_, M_, M_, M_, M_, M_, M_, M_, M_, M_, M_,		/* d0 */
	M_, M_, M_, M_, M_, M_, M_, M_, M_, M_, M_, M_, M_, M_, M_, M_,		/* e0 */
	M_, M_, M_, M_, M_, M_, M_, M_, M_, M_, M_, M_, M_, M_, M_, M_,		/* f0 */
};

/*
 * What the emulator does. Opcodes whose meaning no mandatory prefix changes have
 * a table by opcode; the others are rows of vie_rows.
 */
#define OP(type, flags)		{ .op_type = VIE_OP_##type, .op_flags = (flags) }
#define R_	VIE_READ
#define W1	VIE_WRITE
#define RW	(VIE_READ | VIE_WRITE)
#define TO	(VIE_READ | VIE_TO_REG)
#define BY	VIE_BYTE
#define IM	VIE_SRC_IMM
#define IMPL	VIE_MEM_IMPLIED

/* Stands for eight rows of vie_groups, by the reg field. */
#define OP_TYPE_GROUP		0xff
#define GROUP(n)		{ .op_type = OP_TYPE_GROUP, .op_byte = (n) }

enum {
	GROUP_1_BYTE, GROUP_1,			/* 80 82; 81 83 */
	GROUP_2_IMM_BYTE, GROUP_2_IMM,		/* C0, C1 */
	GROUP_2_ONE_BYTE, GROUP_2_ONE,		/* D0, D1 */
	GROUP_2_CL_BYTE, GROUP_2_CL,		/* D2, D3 */
	GROUP_3_BYTE, GROUP_3,			/* F6, F7 */
	GROUP_4, GROUP_5,			/* FE, FF */
	GROUP_1A,				/* 8F */
	GROUP_11_BYTE, GROUP_11,		/* C6, C7 */
	GROUP_8,				/* 0F BA */
	GROUP_9,				/* 0F C7 */
};

#define GROUP_1_ROWS(f) {							\
	OP(ADD, RW | IM | (f)), OP(OR, RW | IM | (f)), OP(ADC, RW | IM | (f)),	\
	OP(SBB, RW | IM | (f)), OP(AND, RW | IM | (f)), OP(SUB, RW | IM | (f)),	\
	OP(XOR, RW | IM | (f)), OP(CMP, R_ | IM | (f)) }
#define GROUP_2_ROWS(f) {							\
	OP(ROL, RW | (f)), OP(ROR, RW | (f)), OP(RCL, RW | (f)),		\
	OP(RCR, RW | (f)), OP(SHL, RW | (f)), OP(SHR, RW | (f)),		\
	OP(SAL, RW | (f)), OP(SAR, RW | (f)) }
#define GROUP_3_ROWS(f) {							\
	OP(TEST, R_ | IM | (f)), OP(TEST, R_ | IM | (f)), OP(NOT, RW | (f)),	\
	OP(NEG, RW | (f)), OP(MUL, R_ | (f)), OP(IMUL1, R_ | (f)),		\
	OP(DIV, R_ | (f)), OP(IDIV, R_ | (f)) }

static const struct vie_op vie_groups[][8] = {
	[GROUP_1_BYTE] = GROUP_1_ROWS(BY),
	[GROUP_1] = GROUP_1_ROWS(0),
	[GROUP_2_IMM_BYTE] = GROUP_2_ROWS(BY | IM),
	[GROUP_2_IMM] = GROUP_2_ROWS(IM),
	[GROUP_2_ONE_BYTE] = GROUP_2_ROWS(BY | VIE_SRC_ONE),
	[GROUP_2_ONE] = GROUP_2_ROWS(VIE_SRC_ONE),
	[GROUP_2_CL_BYTE] = GROUP_2_ROWS(BY | VIE_SRC_CL),
	[GROUP_2_CL] = GROUP_2_ROWS(VIE_SRC_CL),
	[GROUP_3_BYTE] = GROUP_3_ROWS(BY),
	[GROUP_3] = GROUP_3_ROWS(0),
	[GROUP_4] = { OP(INC, RW | BY), OP(DEC, RW | BY) },
	[GROUP_5] = { OP(INC, RW), OP(DEC, RW), [6] = OP(PUSH, R_ | VIE_DEF64) },
	[GROUP_1A] = { OP(POP, W1 | VIE_DEF64) },
	[GROUP_11_BYTE] = { OP(MOV, W1 | IM | BY) },
	[GROUP_11] = { OP(MOV, W1 | IM) },
	[GROUP_8] = { [4] = OP(BT, R_ | IM), OP(BTS, RW | IM), OP(BTR, RW | IM),
		      OP(BTC, RW | IM) },
	[GROUP_9] = { [1] = OP(CMPXCHG_PAIR, RW | VIE_SIZE_W | VIE_MSIZE_PAIR) },
};

/* The six forms of an arithmetic operation; those with an accumulator have no memory operand. */
#define ALU_ROWS(opcode, type, m)						\
	[(opcode) + 0] = OP(type, (m) | BY), [(opcode) + 1] = OP(type, (m)),	\
	[(opcode) + 2] = OP(type, TO | BY), [(opcode) + 3] = OP(type, TO)

static const struct vie_op vie_map0[256] = {
	ALU_ROWS(0x00, ADD, RW),
	ALU_ROWS(0x08, OR, RW),
	ALU_ROWS(0x10, ADC, RW),
	ALU_ROWS(0x18, SBB, RW),
	ALU_ROWS(0x20, AND, RW),
	ALU_ROWS(0x28, SUB, RW),
	ALU_ROWS(0x30, XOR, RW),
	ALU_ROWS(0x38, CMP, R_),
	[0x63] = OP(MOVSX, TO | VIE_MSIZE_4),		/* MOVSXD; ARPL elsewhere */
	[0x69] = OP(IMUL, TO | IM),
	[0x6b] = OP(IMUL, TO | IM),
	[0x80] = GROUP(GROUP_1_BYTE),
	[0x81] = GROUP(GROUP_1),
	[0x82] = GROUP(GROUP_1_BYTE),
	[0x83] = GROUP(GROUP_1),
	[0x84] = OP(TEST, R_ | BY),
	[0x85] = OP(TEST, R_),
	[0x86] = OP(XCHG, RW | BY),
	[0x87] = OP(XCHG, RW),
	[0x88] = OP(MOV, W1 | BY),
	[0x89] = OP(MOV, W1),
	[0x8a] = OP(MOV, TO | BY),
	[0x8b] = OP(MOV, TO),
	[0x8c] = OP(MOVSREG, W1 | VIE_MSIZE_2),
	[0x8f] = GROUP(GROUP_1A),
	[0xa0] = OP(MOV, TO | VIE_SRC_ACC | BY | IMPL),
	[0xa1] = OP(MOV, TO | VIE_SRC_ACC | IMPL),
	[0xa2] = OP(MOV, W1 | VIE_SRC_ACC | BY | IMPL),
	[0xa3] = OP(MOV, W1 | VIE_SRC_ACC | IMPL),
	[0xa4] = OP(MOVS, RW | BY | IMPL),
	[0xa5] = OP(MOVS, RW | IMPL),
	[0xa6] = OP(CMPS, R_ | BY | IMPL),
	[0xa7] = OP(CMPS, R_ | IMPL),
	[0xaa] = OP(STOS, W1 | BY | IMPL),
	[0xab] = OP(STOS, W1 | IMPL),
	[0xac] = OP(LODS, R_ | BY | IMPL),
	[0xad] = OP(LODS, R_ | IMPL),
	[0xae] = OP(SCAS, R_ | BY | IMPL),
	[0xaf] = OP(SCAS, R_ | IMPL),
	[0xc0] = GROUP(GROUP_2_IMM_BYTE),
	[0xc1] = GROUP(GROUP_2_IMM),
	[0xc6] = GROUP(GROUP_11_BYTE),
	[0xc7] = GROUP(GROUP_11),
	[0xd0] = GROUP(GROUP_2_ONE_BYTE),
	[0xd1] = GROUP(GROUP_2_ONE),
	[0xd2] = GROUP(GROUP_2_CL_BYTE),
	[0xd3] = GROUP(GROUP_2_CL),
	[0xf6] = GROUP(GROUP_3_BYTE),
	[0xf7] = GROUP(GROUP_3),
	[0xfe] = GROUP(GROUP_4),
	[0xff] = GROUP(GROUP_5),
};

#define BITS	VIE_BITSTRING

static const struct vie_op vie_map1[256] = {
	[0x0d] = OP(NOP, 0),				/* PREFETCH, PREFETCHW */
	[0x18] = OP(NOP, 0),				/* PREFETCHh */
	[0x19] = OP(NOP, 0),
	[0x1c ... 0x1f] = OP(NOP, 0),			/* CLDEMOTE, hints, NOP */
	[0x40 ... 0x4f] = OP(CMOVCC, TO),
	[0x90 ... 0x9f] = OP(SETCC, W1 | BY),
	[0xa3] = OP(BT, R_ | BITS),
	[0xa4] = OP(SHLD, RW | IM),
	[0xa5] = OP(SHLD, RW | VIE_SRC_CL),
	[0xab] = OP(BTS, RW | BITS),
	[0xac] = OP(SHRD, RW | IM),
	[0xad] = OP(SHRD, RW | VIE_SRC_CL),
	[0xaf] = OP(IMUL, TO),
	[0xb0] = OP(CMPXCHG, RW | BY),
	[0xb1] = OP(CMPXCHG, RW),
	[0xb3] = OP(BTR, RW | BITS),
	[0xb6] = OP(MOV, TO | VIE_MSIZE_1),		/* MOVZX */
	[0xb7] = OP(MOV, TO | VIE_MSIZE_2),
	[0xba] = GROUP(GROUP_8),
	[0xbb] = OP(BTC, RW | BITS),
	[0xbe] = OP(MOVSX, TO | VIE_MSIZE_1),
	[0xbf] = OP(MOVSX, TO | VIE_MSIZE_2),
	[0xc0] = OP(XADD, RW | BY),
	[0xc1] = OP(XADD, RW),
	[0xc7] = GROUP(GROUP_9),
};

/* Rows by encoding, map, opcode, mandatory prefix, and where they matter reg and vector length. */
struct vie_row {
	u8 encodings;		/* mask of ENC_* */
	u8 map, opcode;
	u8 prefixes;		/* mask of PP_* */
	u8 reg;			/* 0 to 7, or ANY */
	u8 vector_len;		/* 0, or ANY */
	struct vie_op op;
};

#define ENC_L	BIT(INSN_LEGACY)
#define ENC_V	BIT(INSN_VEX)
#define ENC_LV	(ENC_L | ENC_V)
#define PP_NO	BIT(0)
#define PP_66	BIT(1)
#define PP_F3	BIT(2)
#define PP_F2	BIT(3)
#define ANY	0xff

#define ROW(enc, map, opcode, pp, reg, len, type, flags)	\
	{ enc, map, opcode, pp, reg, len, OP(type, flags) }
#define SSE(opcode, pp, len, type, flags)	ROW(ENC_LV, 1, opcode, pp, ANY, len, type, flags)
#define VEC	VIE_MSIZE_VEC
#define VVVV	VIE_SRC_VVVV

static const struct vie_row vie_rows[] = {
	/* SSE, SSE2, SSE3, SSE4.1 and their AVX forms */
	SSE(0x10, PP_NO | PP_66, ANY, SIMD_MOV, TO | VEC),		/* MOVUPS, MOVUPD */
	SSE(0x10, PP_F3, ANY, SIMD_MOV, TO | VIE_MSIZE_4),		/* MOVSS */
	SSE(0x10, PP_F2, ANY, SIMD_MOV, TO | VIE_MSIZE_8),		/* MOVSD */
	SSE(0x11, PP_NO | PP_66, ANY, SIMD_MOV, W1 | VEC),
	SSE(0x11, PP_F3, ANY, SIMD_MOV, W1 | VIE_MSIZE_4),
	SSE(0x11, PP_F2, ANY, SIMD_MOV, W1 | VIE_MSIZE_8),
	SSE(0x12, PP_NO | PP_66, 0, SIMD_LOW, TO | VVVV | VIE_MSIZE_8),	/* MOVLPS, MOVLPD */
	SSE(0x13, PP_NO | PP_66, 0, SIMD_LOW, W1 | VIE_MSIZE_8),
	SSE(0x16, PP_NO | PP_66, 0, SIMD_HIGH, TO | VVVV | VIE_MSIZE_8), /* MOVHPS, MOVHPD */
	SSE(0x17, PP_NO | PP_66, 0, SIMD_HIGH, W1 | VIE_MSIZE_8),
	SSE(0x28, PP_NO | PP_66, ANY, SIMD_MOV, TO | VEC | VIE_ALIGNED), /* MOVAPS, MOVAPD */
	SSE(0x29, PP_NO | PP_66, ANY, SIMD_MOV, W1 | VEC | VIE_ALIGNED),
	SSE(0x2b, PP_NO | PP_66, ANY, SIMD_MOV, W1 | VEC | VIE_ALIGNED), /* MOVNTPS, MOVNTPD */
	ROW(ENC_L, 1, 0x2b, PP_F3, ANY, 0, SIMD_MOV, W1 | VIE_MSIZE_4),	/* MOVNTSS */
	ROW(ENC_L, 1, 0x2b, PP_F2, ANY, 0, SIMD_MOV, W1 | VIE_MSIZE_8),	/* MOVNTSD */
	SSE(0x6e, PP_66, 0, SIMD_MOV, TO | VIE_SIZE_W),			/* MOVD, MOVQ */
	SSE(0x6f, PP_66, ANY, SIMD_MOV, TO | VEC | VIE_ALIGNED),	/* MOVDQA */
	SSE(0x6f, PP_F3, ANY, SIMD_MOV, TO | VEC),			/* MOVDQU */
	SSE(0x7e, PP_66, 0, SIMD_MOV, W1 | VIE_SIZE_W),
	SSE(0x7e, PP_F3, 0, SIMD_MOV, TO | VIE_MSIZE_8),		/* MOVQ */
	SSE(0x7f, PP_66, ANY, SIMD_MOV, W1 | VEC | VIE_ALIGNED),
	SSE(0x7f, PP_F3, ANY, SIMD_MOV, W1 | VEC),
	SSE(0xd6, PP_66, 0, SIMD_MOV, W1 | VIE_MSIZE_8),
	SSE(0xe7, PP_66, ANY, SIMD_MOV, W1 | VEC | VIE_ALIGNED),	/* MOVNTDQ */
	SSE(0xf0, PP_F2, ANY, SIMD_MOV, TO | VEC),			/* LDDQU */
	ROW(ENC_LV, 2, 0x2a, PP_66, ANY, ANY, SIMD_MOV, TO | VEC | VIE_ALIGNED), /* MOVNTDQA */

	/* General registers */
	ROW(ENC_L, 1, 0xae, PP_NO | PP_66, 7, 0, NOP, 0),		/* CLFLUSH, CLFLUSHOPT */
	ROW(ENC_L, 1, 0xae, PP_66, 6, 0, NOP, 0),			/* CLWB */
	ROW(ENC_L, 1, 0xb8, PP_F3, ANY, 0, POPCNT, TO),
	ROW(ENC_L, 1, 0xbc, PP_NO | PP_66 | PP_F2, ANY, 0, BSF, TO),
	ROW(ENC_L, 1, 0xbd, PP_NO | PP_66 | PP_F2, ANY, 0, BSR, TO),
	ROW(ENC_L, 1, 0xc3, PP_NO, ANY, 0, MOV, W1 | VIE_SIZE_W),	/* MOVNTI */
	ROW(ENC_L, 2, 0xf0, PP_NO | PP_66, ANY, 0, MOVBE, TO),
	ROW(ENC_L, 2, 0xf1, PP_NO | PP_66, ANY, 0, MOVBE, W1),
	ROW(ENC_L, 2, 0xf9, PP_NO, ANY, 0, MOV, W1 | VIE_SIZE_W),	/* MOVDIRI */
	ROW(ENC_V, 2, 0xf2, PP_NO, ANY, 0, ANDN, TO | VVVV | VIE_SIZE_W),
	ROW(ENC_V, 2, 0xf3, PP_NO, 1, 0, BLSR, R_ | VIE_DST_VVVV | VIE_SIZE_W),
	ROW(ENC_V, 2, 0xf3, PP_NO, 2, 0, BLSMSK, R_ | VIE_DST_VVVV | VIE_SIZE_W),
	ROW(ENC_V, 2, 0xf3, PP_NO, 3, 0, BLSI, R_ | VIE_DST_VVVV | VIE_SIZE_W),
	ROW(ENC_V, 2, 0xf5, PP_NO, ANY, 0, BZHI, TO | VVVV | VIE_SIZE_W),
	ROW(ENC_V, 2, 0xf7, PP_NO, ANY, 0, BEXTR, TO | VVVV | VIE_SIZE_W),
	ROW(ENC_V, 2, 0xf7, PP_66, ANY, 0, SHLX, TO | VVVV | VIE_SIZE_W),
	ROW(ENC_V, 2, 0xf7, PP_F3, ANY, 0, SARX, TO | VVVV | VIE_SIZE_W),
	ROW(ENC_V, 2, 0xf7, PP_F2, ANY, 0, SHRX, TO | VVVV | VIE_SIZE_W),
	ROW(ENC_V, 3, 0xf0, PP_F2, ANY, 0, RORX, TO | IM | VIE_SIZE_W),
};

static bool row_matches(const struct vie_row *row, const struct insn *insn)
{
	if (row->map != insn->map || row->opcode != insn->opcode)
		return false;
	if (!(row->encodings & BIT(insn->encoding)) || !(row->prefixes & BIT(insn->pp)))
		return false;
	if (row->reg != ANY && row->reg != (insn->reg & 7))
		return false;
	return row->vector_len == ANY || row->vector_len == insn->vector_len;
}

static const struct vie_op *row_find(const struct insn *insn)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(vie_rows); i++)
		if (row_matches(&vie_rows[i], insn))
			return &vie_rows[i].op;
	return NULL;
}

const struct vie_op *vie_op_find(const struct insn *insn)
{
	const struct vie_op *op = NULL;

	if (insn->encoding == INSN_LEGACY && insn->map == 0)
		op = &vie_map0[insn->opcode];
	else if (insn->encoding == INSN_LEGACY && insn->map == 1)
		op = &vie_map1[insn->opcode];

	if (op && op->op_type == OP_TYPE_GROUP)
		op = &vie_groups[op->op_byte][insn->reg & 7];
	if (op && op->op_type != VIE_OP_NONE)
		return op;
	return row_find(insn);
}
