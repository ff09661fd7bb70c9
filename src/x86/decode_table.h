/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* decode_table: what decode.c knows about opcodes, as data. */
#ifndef VMM_X86_DECODE_TABLE_H
#define VMM_X86_DECODE_TABLE_H

#include <linux/types.h>
#include <machine/vmm.h>

#include "decode.h"

/* Immediates, the low bits of an opcode's attributes. */
#define INSN_IMM_NONE	0
#define INSN_IMM_8	1
#define INSN_IMM_16	2
#define INSN_IMM_Z	3	/* 2 or 4 by operand size */
#define INSN_IMM_V	4	/* 2, 4 or 8 by operand size */
#define INSN_IMM_16_8	5	/* ENTER */
#define INSN_IMM_FAR	6	/* offset by operand size, and a selector */
#define INSN_IMM_MOFFS	7	/* an address of address size */
#define INSN_IMM_32	8
#define INSN_IMM_8_8	9	/* EXTRQ, INSERTQ */
#define INSN_IMM_MASK	0x0f

#define INSN_MODRM	0x10
#define INSN_NOT64	0x20	/* undefined in 64-bit mode */
#define INSN_LOCKABLE	0x40	/* in at least one of its forms */
#define INSN_UNDEFINED	0x80

/* Attributes of the one-byte opcodes and of those behind 0F; prefixes and escapes are undefined. */
extern const u8 insn_attr_map0[256];
extern const u8 insn_attr_map1[256];

/**
 * vie_op_find - what the emulator does with an instruction
 * @insn: from insn_decode()
 *
 * Return: a row of the tables, or NULL: the emulator does not know it.
 */
const struct vie_op *vie_op_find(const struct insn *insn);

#endif
