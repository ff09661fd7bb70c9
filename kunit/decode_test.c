// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* The instruction decoder, src/x86/decode.c: directed vectors, I-01 of the catalogue. */
#include <kunit/test.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/string.h>

#include "../src/x86/decode.h"

enum mode { M64, M32, M16, MREAL };

static const enum vm_cpu_mode cpu_modes[] = {
	[M64] = CPU_MODE_64BIT,
	[M32] = CPU_MODE_PROTECTED,
	[M16] = CPU_MODE_COMPATIBILITY,
	[MREAL] = CPU_MODE_REAL,
};

static bool mode_cs_d(enum mode mode)
{
	return mode == M32;
}

/* Bytes behind those given are ones that would change the result if they were read. */
struct length_vector {
	enum mode mode;
	u8 count;		/* bytes that there are */
	int want;
	u8 bytes[17];
};

static const struct length_vector length_vectors[] = {
	{ M64, 1, 1, { 0x90 } },
	{ M64, 2, 2, { 0x0f, 0xa2 } },					/* CPUID */
	{ M64, 3, 3, { 0x0f, 0x01, 0xd8 } },				/* VMRUN */
	{ M64, 2, 2, { 0x0f, 0x30 } },					/* WRMSR */
	{ M64, 10, 10, { 0x48, 0xb8, 1, 2, 3, 4, 5, 6, 7, 8 } },		/* MOV rax, imm64 */
	{ M64, 6, 6, { 0x40, 0xb8, 1, 2, 3, 4 } },
	{ M64, 9, 9, { 0xa1, 1, 2, 3, 4, 5, 6, 7, 8 } },			/* MOV eax, moffs64 */
	{ M64, 6, 6, { 0x67, 0xa1, 1, 2, 3, 4 } },
	{ M32, 5, 5, { 0xa1, 1, 2, 3, 4 } },
	{ MREAL, 3, 3, { 0xa1, 1, 2 } },
	{ M64, 4, 4, { 0xc8, 1, 2, 3 } },				/* ENTER */
	{ M32, 7, 7, { 0x9a, 1, 2, 3, 4, 5, 6 } },			/* CALL far */
	{ MREAL, 5, 5, { 0x9a, 1, 2, 3, 4 } },
	{ M64, 7, -EINVAL, { 0x9a, 1, 2, 3, 4, 5, 6 } },
	{ M64, 5, 5, { 0xe8, 1, 2, 3, 4 } },
	{ M64, 4, 4, { 0x66, 0xe8, 1, 2 } },				/* AMD's rule */
	{ M64, 3, 3, { 0xf6, 0xc0, 1 } },				/* TEST al, imm8 */
	{ M64, 2, 2, { 0xf6, 0xd0 } },					/* NOT al */
	{ M64, 6, 6, { 0xf7, 0xc8, 1, 2, 3, 4 } },			/* TEST, the second encoding */
	{ M64, 3, 3, { 0x0f, 0x20, 0xc0 } },				/* MOV rax, cr0 */
	{ M64, 3, 3, { 0x0f, 0x22, 0x04 } },				/* mod 0 counts as 3 */
	{ M64, 7, 7, { 0x8b, 0x04, 0x25, 1, 2, 3, 4 } },			/* SIB without base */
	{ M64, 6, 6, { 0x8b, 0x05, 1, 2, 3, 4 } },			/* RIP relative */
	{ MREAL, 4, 4, { 0x8b, 0x06, 1, 2 } },				/* disp16 */
	{ MREAL, 2, 2, { 0x8b, 0x04 } },					/* [si], no SIB */
	{ MREAL, 4, 4, { 0x67, 0x8b, 0x04, 0x24 } },
	{ M64, 4, 4, { 0x66, 0x0f, 0x79, 0xc1 } },			/* EXTRQ by register */
	{ M64, 6, 6, { 0x66, 0x0f, 0x78, 0xc1, 1, 2 } },			/* EXTRQ: two immediates */
	{ M64, 3, 3, { 0x0f, 0x78, 0xc1 } },				/* VMREAD */
	{ M64, 4, 4, { 0x0f, 0x0f, 0xc1, 0x9e } },			/* PFADD */
	{ M64, 5, 5, { 0x66, 0x0f, 0x38, 0x00, 0xc1 } },			/* PSHUFB */
	{ M64, 6, 6, { 0x66, 0x0f, 0x3a, 0x0f, 0xc1, 1 } },		/* PALIGNR */
	{ M64, 3, 3, { 0xc5, 0xf8, 0x77 } },				/* VZEROUPPER */
	{ M64, 4, 4, { 0xc5, 0xf8, 0x10, 0x00 } },			/* VMOVUPS */
	{ M64, 6, 6, { 0xc4, 0xe3, 0x7b, 0xf0, 0xc1, 1 } },		/* RORX */
	{ M64, 4, -EINVAL, { 0x66, 0xc5, 0xf8, 0x77 } },
	{ M64, 4, -EINVAL, { 0x48, 0xc5, 0xf8, 0x77 } },
	{ M64, 5, -EINVAL, { 0xc4, 0xe4, 0x78, 0x10, 0x00 } },		/* map 4 */
	{ M32, 2, 2, { 0xc5, 0x00 } },					/* LDS */
	{ M32, 3, 3, { 0xc5, 0xf8, 0x77 } },
	{ MREAL, 3, -EINVAL, { 0xc5, 0xf8, 0x77 } },
	{ M64, 6, 6, { 0x62, 0xf1, 0x7c, 0x48, 0x10, 0x00 } },		/* VMOVUPS zmm */
	{ M64, 7, 7, { 0x62, 0xf1, 0x7c, 0x48, 0x10, 0x40, 0x01 } },	/* disp8, scaled or not */
	{ M64, 6, -EINVAL, { 0x62, 0xf1, 0x78, 0x48, 0x10, 0x00 } },	/* the fixed bit is 0 */
	{ M32, 2, 2, { 0x62, 0x00 } },					/* BOUND */
	{ M64, 5, 5, { 0x8f, 0xe9, 0x78, 0x01, 0xc9 } },			/* XOP map 9: BLCFILL */
	{ M64, 9, 9, { 0x8f, 0xea, 0x78, 0x10, 0xc0, 1, 2, 3, 4 } },	/* map 10: BEXTR imm32 */
	{ M64, 2, 2, { 0x8f, 0x00 } },					/* POP [rax] */
	{ M64, 5, -EINVAL, { 0x8f, 0x60, 0, 0, 0 } },			/* neither POP nor XOP */
	{ M64, 1, -EINVAL, { 0x06 } },
	{ M32, 1, 1, { 0x06 } },
	{ M64, 2, 2, { 0x0f, 0x0b } },					/* UD2 */
	{ M64, 2, -EINVAL, { 0x0f, 0x04 } },
	{ M64, 3, 3, { 0xf0, 0x01, 0x00 } },
	{ M64, 3, -EINVAL, { 0xf0, 0x01, 0xc0 } },			/* LOCK on a register */
	{ M64, 3, -EINVAL, { 0xf0, 0x8b, 0x00 } },			/* on a load */
	{ M64, 4, -EINVAL, { 0xf0, 0x83, 0x38, 1 } },			/* on CMP */
	{ M64, 4, 4, { 0xf0, 0x0f, 0xc7, 0x08 } },			/* CMPXCHG8B */
	{ M64, 4, 4, { 0xf0, 0x0f, 0x20, 0xc0 } },			/* AMD: MOV eax, cr8 */
	/* 15 bytes, the last possible length, and one more */
	{ M64, 15, 15, { 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
			 0x66, 0x90 } },
	{ M64, 16, -EINVAL, { 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
			      0x66, 0x66, 0x66, 0x90 } },
	{ M64, 16, -EINVAL, { 0x67, 0x67, 0x67, 0x67, 0x67, 0x67, 0x67, 0x67, 0x67, 0x67, 0x81, 0x00, 1, 2,
			      3, 4 } },
	{ M64, 15, 15, { 0x64, 0x67, 0xf0, 0x48, 0x81, 0x84, 0x25, 1, 2, 3, 4, 5, 6, 7, 8 } },
	{ M64, 16, -EINVAL, { 0x64, 0x67, 0xf0, 0x2e, 0x48, 0x81, 0x84, 0x25, 1, 2, 3, 4, 5, 6, 7, 8 } },
	/* too few */
	{ M64, 0, -EAGAIN, { 0x90 } },
	{ M64, 1, -EAGAIN, { 0x66, 0x90 } },
	{ M64, 1, -EAGAIN, { 0x0f, 0xa2 } },
	{ M64, 2, -EAGAIN, { 0x0f, 0x38, 0xf0, 0x00 } },
	{ M64, 1, -EAGAIN, { 0x8b, 0x00 } },
	{ M64, 2, -EAGAIN, { 0x8b, 0x04, 0x24 } },
	{ M64, 6, -EAGAIN, { 0x8b, 0x04, 0x25, 1, 2, 3, 4 } },
	{ M64, 9, -EAGAIN, { 0x48, 0xb8, 1, 2, 3, 4, 5, 6, 7, 8 } },
	{ M64, 14, -EAGAIN, { 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
			      0x66, 0x90 } },
};

static void decode_lengths(struct kunit *test)
{
	const struct length_vector *v;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(length_vectors); i++) {
		v = &length_vectors[i];
		KUNIT_EXPECT_EQ_MSG(test, insn_length(v->bytes, v->count, cpu_modes[v->mode],
						      mode_cs_d(v->mode)),
				    v->want, "vector %zu: %*ph", i, v->count, v->bytes);
	}
}

static int decode64(struct insn *insn, const char *bytes, unsigned int count)
{
	return insn_decode(insn, (const u8 *)bytes, count, CPU_MODE_64BIT, false);
}

static void decode_pieces(struct kunit *test)
{
	struct insn insn;

	/* MOV r8, CR8: REX.R and REX.B reach the register numbers */
	KUNIT_EXPECT_EQ(test, decode64(&insn, "\x45\x0f\x20\xc0", 4), 4);
	KUNIT_EXPECT_EQ(test, insn.map, 1);
	KUNIT_EXPECT_EQ(test, insn.opcode, 0x20);
	KUNIT_EXPECT_EQ(test, insn.reg, 8);
	KUNIT_EXPECT_EQ(test, insn.rm, 8);
	KUNIT_EXPECT_EQ(test, insn.mod, 3);
	KUNIT_EXPECT_EQ(test, insn.prefix_len, 1);
	KUNIT_EXPECT_EQ(test, insn.rex, 0x45);

	/* REX is void in front of another prefix */
	KUNIT_EXPECT_EQ(test, decode64(&insn, "\x45\x66\x0f\x20\xc0", 5), 5);
	KUNIT_EXPECT_EQ(test, insn.rex, 0);
	KUNIT_EXPECT_EQ(test, insn.reg, 0);
	KUNIT_EXPECT_TRUE(test, insn.opsize_override);

	/* REP OUTSB with overrides: FS counts in 64-bit mode, SS does not take it back */
	KUNIT_EXPECT_EQ(test, decode64(&insn, "\x64\x36\xf3\x67\x6e", 5), 5);
	KUNIT_EXPECT_EQ(test, insn.segment, VM_REG_GUEST_FS);
	KUNIT_EXPECT_TRUE(test, insn.rep);
	KUNIT_EXPECT_FALSE(test, insn.repne);
	KUNIT_EXPECT_EQ(test, insn.addrsize, 4);
	KUNIT_EXPECT_FALSE(test, insn.has_modrm);
	KUNIT_EXPECT_EQ(test, insn_decode(&insn, (const u8 *)"\x64\x36\x6e", 3, CPU_MODE_PROTECTED, true), 3);
	KUNIT_EXPECT_EQ(test, insn.segment, VM_REG_GUEST_SS);

	/* The last of F2 and F3 counts */
	KUNIT_EXPECT_EQ(test, decode64(&insn, "\xf3\xf2\x6c", 3), 3);
	KUNIT_EXPECT_TRUE(test, insn.repne);
	KUNIT_EXPECT_FALSE(test, insn.rep);

	/* INVLPG [r13 + r12 * 8 - 2] */
	KUNIT_EXPECT_EQ(test, decode64(&insn, "\x43\x0f\x01\x7c\xe5\xfe", 6), 6);
	KUNIT_EXPECT_EQ(test, insn.reg, 7);
	KUNIT_EXPECT_EQ(test, insn.base, 13);
	KUNIT_EXPECT_EQ(test, insn.index, 12);
	KUNIT_EXPECT_EQ(test, insn.sib >> 6, 3);
	KUNIT_EXPECT_EQ(test, insn.disp, -2);
}

/* What struct vie says of the memory operand. */
struct vie_vector {
	enum mode mode;
	u8 count;
	u8 bytes[VIE_INST_SIZE];
	u8 op_type, opsize, addrsize;
	int base, index, segment;
	u8 scale;
	s64 displacement, immediate;
};

#define NONE	VM_REG_LAST
#define R(name)	VM_REG_GUEST_##name

static const struct vie_vector vie_vectors[] = {
	{ M64, 2, { 0x8b, 0x03 }, VIE_OP_MOV, 4, 8, R(RBX), NONE, R(DS), 1, 0, 0 },
	{ M64, 3, { 0x48, 0x89, 0x03 }, VIE_OP_MOV, 8, 8, R(RBX), NONE, R(DS), 1, 0, 0 },
	{ M64, 3, { 0x66, 0x89, 0x03 }, VIE_OP_MOV, 2, 8, R(RBX), NONE, R(DS), 1, 0, 0 },
	{ M64, 3, { 0x88, 0x45, 0xf0 }, VIE_OP_MOV, 1, 8, R(RBP), NONE, R(SS), 1, -16, 0 },
	{ M64, 7, { 0x43, 0xc6, 0x84, 0xec, 4, 3, 2, 1, 0x80 }, 0, 0, 0, 0, 0, 0, 0, 0, 0 },
	{ M64, 9, { 0x43, 0xc6, 0x84, 0xec, 4, 3, 2, 1, 0x80 }, VIE_OP_MOV, 1, 8, R(R12), R(R13), R(DS), 8,
	  0x01020304, -128 },
	{ M64, 7, { 0x81, 0x24, 0x24, 0, 0, 0, 0x80 }, VIE_OP_AND, 4, 8, R(RSP), NONE, R(SS), 1, 0,
	  -0x80000000LL },
	{ M64, 6, { 0x8b, 0x05, 0xfc, 0xff, 0xff, 0xff }, VIE_OP_MOV, 4, 8, R(RIP), NONE, R(DS), 1, -4, 0 },
	{ M64, 7, { 0x65, 0x8b, 0x05, 4, 0, 0, 0 }, VIE_OP_MOV, 4, 8, R(RIP), NONE, R(GS), 1, 4, 0 },
	{ M64, 7, { 0x8b, 0x04, 0xcd, 0, 0, 0, 0xfe }, VIE_OP_MOV, 4, 8, NONE, R(RCX), R(DS), 8,
	  -0x2000000, 0 },
	{ M32, 6, { 0x8b, 0x05, 0, 0, 0xe0, 0xfe }, VIE_OP_MOV, 4, 4, NONE, NONE, R(DS), 1, -0x1200000, 0 },
	{ M32, 5, { 0xa3, 0xb0, 0, 0xe0, 0xfe }, VIE_OP_MOV, 4, 4, NONE, NONE, R(DS), 1, -0x11fff50, 0 },
	{ M64, 9, { 0xa0, 1, 2, 3, 4, 5, 6, 7, 0x88 }, VIE_OP_MOV, 1, 8, NONE, NONE, R(DS), 1,
	  (s64)0x8807060504030201ULL, 0 },
	{ MREAL, 3, { 0x8a, 0x42, 0x10 }, VIE_OP_MOV, 1, 2, R(RBP), R(RSI), R(SS), 1, 0x10, 0 },
	{ MREAL, 2, { 0x8b, 0x00 }, VIE_OP_MOV, 2, 2, R(RBX), R(RSI), R(DS), 1, 0, 0 },
	{ MREAL, 5, { 0x26, 0x8b, 0x0e, 0xfe, 0xff }, VIE_OP_MOV, 2, 2, NONE, NONE, R(ES), 1, -2, 0 },
	{ M16, 3, { 0x66, 0x8b, 0x07 }, VIE_OP_MOV, 4, 2, R(RBX), NONE, R(DS), 1, 0, 0 },
	{ M64, 4, { 0x48, 0x0f, 0xb6, 0x03 }, VIE_OP_MOV, 8, 8, R(RBX), NONE, R(DS), 1, 0, 0 },
	{ M64, 4, { 0x48, 0x0f, 0xbf, 0x03 }, VIE_OP_MOVSX, 8, 8, R(RBX), NONE, R(DS), 1, 0, 0 },
	{ M64, 3, { 0x48, 0x63, 0x03 }, VIE_OP_MOVSX, 8, 8, R(RBX), NONE, R(DS), 1, 0, 0 },
	{ M64, 3, { 0x83, 0x3b, 0xff }, VIE_OP_CMP, 4, 8, R(RBX), NONE, R(DS), 1, 0, -1 },
	{ M64, 3, { 0xf6, 0x03, 0x80 }, VIE_OP_TEST, 1, 8, R(RBX), NONE, R(DS), 1, 0, -128 },
	{ M64, 2, { 0xff, 0x33 }, VIE_OP_PUSH, 8, 8, R(RBX), NONE, R(DS), 1, 0, 0 },
	{ M64, 3, { 0x66, 0x8f, 0x03 }, VIE_OP_POP, 2, 8, R(RBX), NONE, R(DS), 1, 0, 0 },
	{ M32, 2, { 0xff, 0x33 }, VIE_OP_PUSH, 4, 4, R(RBX), NONE, R(DS), 1, 0, 0 },
	{ M64, 2, { 0xf3, 0xab }, VIE_OP_STOS, 4, 8, R(RDI), NONE, R(ES), 1, 0, 0 },
	{ M64, 4, { 0x64, 0xf3, 0x48, 0xa5 }, VIE_OP_MOVS, 8, 8, R(RSI), NONE, R(FS), 1, 0, 0 },
	{ M64, 4, { 0xf0, 0x48, 0x0f, 0xc7, 0x0b }, 0, 0, 0, 0, 0, 0, 0, 0, 0 },
	{ M64, 5, { 0xf0, 0x48, 0x0f, 0xc7, 0x0b }, VIE_OP_CMPXCHG_PAIR, 8, 8, R(RBX), NONE, R(DS), 1, 0, 0 },
	{ M64, 4, { 0x66, 0x0f, 0xc7, 0x0b }, VIE_OP_CMPXCHG_PAIR, 4, 8, R(RBX), NONE, R(DS), 1, 0, 0 },
	{ M64, 4, { 0x66, 0x0f, 0x6f, 0x03 }, VIE_OP_SIMD_MOV, 2, 8, R(RBX), NONE, R(DS), 1, 0, 0 },
	{ M64, 4, { 0xc5, 0xfe, 0x7f, 0x03 }, VIE_OP_SIMD_MOV, 4, 8, R(RBX), NONE, R(DS), 1, 0, 0 },
	{ M64, 5, { 0xc4, 0xe2, 0xe0, 0xf7, 0x03 }, VIE_OP_BEXTR, 8, 8, R(RBX), NONE, R(DS), 1, 0, 0 },
};

static void decode_vies(struct kunit *test)
{
	const struct vie_vector *v;
	struct vie vie;
	size_t i;
	int ret;

	for (i = 0; i < ARRAY_SIZE(vie_vectors); i++) {
		v = &vie_vectors[i];
		vie_init(&vie, v->bytes, v->count);
		ret = vie_decode(&vie, cpu_modes[v->mode], mode_cs_d(v->mode));
		if (v->op_type == VIE_OP_NONE) {
			KUNIT_EXPECT_EQ_MSG(test, ret, -EAGAIN, "vector %zu", i);
			KUNIT_EXPECT_EQ_MSG(test, vie.decoded, 0, "vector %zu", i);
			continue;
		}
		KUNIT_EXPECT_EQ_MSG(test, ret, 0, "vector %zu", i);
		KUNIT_EXPECT_EQ_MSG(test, vie.decoded, 1, "vector %zu", i);
		KUNIT_EXPECT_EQ_MSG(test, vie.num_processed, v->count, "vector %zu", i);
		KUNIT_EXPECT_EQ_MSG(test, vie.op.op_type, v->op_type, "vector %zu", i);
		KUNIT_EXPECT_EQ_MSG(test, (u8)vie.opsize, v->opsize, "vector %zu", i);
		KUNIT_EXPECT_EQ_MSG(test, (u8)vie.addrsize, v->addrsize, "vector %zu", i);
		KUNIT_EXPECT_EQ_MSG(test, vie.base_register, v->base, "vector %zu", i);
		KUNIT_EXPECT_EQ_MSG(test, vie.index_register, v->index, "vector %zu", i);
		KUNIT_EXPECT_EQ_MSG(test, vie.segment_register, v->segment, "vector %zu", i);
		KUNIT_EXPECT_EQ_MSG(test, vie.scale, v->scale, "vector %zu", i);
		KUNIT_EXPECT_EQ_MSG(test, vie.displacement, v->displacement, "vector %zu", i);
		KUNIT_EXPECT_EQ_MSG(test, vie.immediate, v->immediate, "vector %zu", i);
	}
}

/* Not ours, or not an instruction. */
static const struct length_vector refused_vectors[] = {
	{ M64, 2, -EOPNOTSUPP, { 0x8b, 0xc0 } },				/* no memory operand */
	{ M64, 2, -EOPNOTSUPP, { 0x8d, 0x03 } },				/* LEA */
	{ M64, 2, -EOPNOTSUPP, { 0x8e, 0x03 } },				/* MOV to a segment register */
	{ M32, 2, -EOPNOTSUPP, { 0x63, 0x03 } },				/* ARPL */
	{ M64, 2, -EOPNOTSUPP, { 0xd9, 0x03 } },				/* FLD */
	{ M64, 2, -EOPNOTSUPP, { 0xff, 0x13 } },				/* CALL [rbx] */
	{ M64, 1, -EOPNOTSUPP, { 0x90 } },
	{ M64, 3, -EOPNOTSUPP, { 0x0f, 0x6f, 0x03 } },			/* MMX */
	{ M64, 4, -EOPNOTSUPP, { 0xf3, 0x0f, 0xbd, 0x03 } },		/* LZCNT */
	{ M64, 3, -EOPNOTSUPP, { 0x0f, 0xae, 0x03 } },			/* FXSAVE */
	{ M64, 6, -EOPNOTSUPP, { 0x62, 0xf1, 0x7c, 0x48, 0x10, 0x03 } },
	{ M64, 3, -EINVAL, { 0xf0, 0x89, 0x03 } },			/* LOCK MOV */
	{ M64, 2, -EINVAL, { 0x8c, 0x3b } },				/* MOV [rbx], segment 7 */
	{ M64, 4, -EINVAL, { 0xc5, 0xf0, 0x10, 0x03 } },			/* a VEX.vvvv not used */
	{ M64, 2, -EINVAL, { 0x82, 0x03 } },
};

static void decode_refuses(struct kunit *test)
{
	const struct length_vector *v;
	struct vie vie, fresh;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(refused_vectors); i++) {
		v = &refused_vectors[i];
		vie_init(&vie, v->bytes, v->count);
		fresh = vie;
		KUNIT_EXPECT_EQ_MSG(test, vie_decode(&vie, cpu_modes[v->mode], mode_cs_d(v->mode)),
				    v->want, "vector %zu", i);
		/* The bytes are kept, and nothing is half decoded. */
		KUNIT_EXPECT_EQ_MSG(test, memcmp(&vie, &fresh, sizeof(vie)), 0, "vector %zu", i);
	}
}

/* Decoding again, in the same mode and in another, starts from the bytes alone. */
static void decode_restarts(struct kunit *test)
{
	static const u8 bytes[] = { 0x48, 0x8b, 0x43, 0x08 };
	struct vie vie, first;

	vie_init(&vie, bytes, sizeof(bytes));
	KUNIT_EXPECT_EQ(test, vie_decode(&vie, CPU_MODE_64BIT, false), 0);
	first = vie;
	KUNIT_EXPECT_EQ(test, vie_decode(&vie, CPU_MODE_64BIT, false), 0);
	KUNIT_EXPECT_EQ(test, memcmp(&vie, &first, sizeof(vie)), 0);
	/* DEC EAX has no memory operand */
	KUNIT_EXPECT_EQ(test, vie_decode(&vie, CPU_MODE_PROTECTED, true), -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, vie.decoded, 0);
	KUNIT_EXPECT_EQ(test, vie_decode(&vie, CPU_MODE_64BIT, false), 0);
	vie_restart(&vie);
	KUNIT_EXPECT_EQ(test, vie.decoded, 0);
	KUNIT_EXPECT_EQ(test, vie.num_valid, 4);
	KUNIT_EXPECT_EQ(test, memcmp(vie.inst, bytes, sizeof(bytes)), 0);
}

static void decode_init_bounds(struct kunit *test)
{
	u8 bytes[20] = { 0x90 };
	struct vie vie;

	vie_init(&vie, bytes, sizeof(bytes));
	KUNIT_EXPECT_EQ(test, vie.num_valid, VIE_INST_SIZE);
	vie_init(&vie, NULL, 0);
	KUNIT_EXPECT_EQ(test, vie_decode(&vie, CPU_MODE_64BIT, false), -EAGAIN);
	/* A count that no vie_init() leaves is not believed. */
	vie.num_valid = 255;
	KUNIT_EXPECT_EQ(test, vie_decode(&vie, CPU_MODE_64BIT, false), -EINVAL);
}

static struct kunit_case decode_test_cases[] = {
	KUNIT_CASE(decode_lengths),
	KUNIT_CASE(decode_pieces),
	KUNIT_CASE(decode_vies),
	KUNIT_CASE(decode_refuses),
	KUNIT_CASE(decode_restarts),
	KUNIT_CASE(decode_init_bounds),
	{ }
};

static struct kunit_suite decode_test_suite = {
	.name = "vmm-x86-decode",
	.test_cases = decode_test_cases,
};
kunit_test_suites(&decode_test_suite);

MODULE_LICENSE("Dual BSD/GPL");
