/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * alu: integer operations and what they do to RFLAGS, on plain numbers. @size is
 * the operand size, 1, 2, 4 or 8 bytes; operands may have anything above it,
 * results have zeros there. Where the manual leaves a flag undefined, it gets
 * what the operation makes of it naturally, or stays. Any context.
 *
 * Rule: SDM vol. 1, 3.4.3.1 and the instructions in vol. 2.
 */
#ifndef VMM_X86_ALU_H
#define VMM_X86_ALU_H

#include <linux/types.h>

#include "decode.h"

/* All bits of an operand of @size bytes. */
u64 alu_mask(int size);

/* The low @size bytes of @value as a signed number. */
s64 alu_sign_extend(int size, u64 value);

/**
 * alu_compute - an operation of one or two operands
 * @op: VIE_OP_ADD to VIE_OP_POPCNT, without SHLD and SHRD
 * @dst: destination, and first source if there is one
 * @src: second source; count of shifts, bit number of bit tests, start and length
 *	of BEXTR, index of BZHI
 * @rflags: in and out
 *
 * Return: the result; for CMP, TEST and BT without meaning. BSF and BSR return
 * @dst, with ZF set, if @src is 0.
 */
u64 alu_compute(enum vie_op_type op, int size, u64 dst, u64 src, u64 *rflags);

/**
 * alu_shift_double - SHLD and SHRD
 * @op: VIE_OP_SHLD or VIE_OP_SHRD
 * @src: where the bits that move in come from
 * @count: as in CL or the immediate, not yet reduced
 */
u64 alu_shift_double(enum vie_op_type op, int size, u64 dst, u64 src, u64 count, u64 *rflags);

/**
 * alu_multiply - full product
 * @op: VIE_OP_MUL or VIE_OP_IMUL1
 * @low: out: the low half
 * @high: out: the high half
 */
void alu_multiply(enum vie_op_type op, int size, u64 a, u64 b, u64 *low, u64 *high, u64 *rflags);

/**
 * alu_divide - quotient and remainder of a dividend of twice the size
 * @op: VIE_OP_DIV or VIE_OP_IDIV
 * @low: in: low half of the dividend; out: quotient
 * @high: in: high half; out: remainder
 *
 * Return: false: #DE, a zero divisor or a quotient too large; nothing changed.
 */
bool alu_divide(enum vie_op_type op, int size, u64 *low, u64 *high, u64 divisor);

/* Is condition @cc (low four bits of the opcode of Jcc, SETcc, CMOVcc) true? */
bool alu_condition(unsigned int cc, u64 rflags);

#endif
