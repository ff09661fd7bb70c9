// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <linux/kernel.h>
#include <linux/types.h>
#include <asm/processor-flags.h>

#include "alu.h"

#define CF	X86_EFLAGS_CF
#define PF	X86_EFLAGS_PF
#define AF	X86_EFLAGS_AF
#define ZF	X86_EFLAGS_ZF
#define SF	X86_EFLAGS_SF
#define OF	X86_EFLAGS_OF
#define STATUS_FLAGS	(CF | PF | AF | ZF | SF | OF)

u64 alu_mask(int size)
{
	return ~0ULL >> (64 - 8 * size);
}

s64 alu_sign_extend(int size, u64 value)
{
	return (s64)(value << (64 - 8 * size)) >> (64 - 8 * size);
}

static bool sign_bit(int size, u64 value)
{
	return (value >> (8 * size - 1)) & 1;
}

static void flag_set(u64 *rflags, u64 flag, bool on)
{
	*rflags = on ? *rflags | flag : *rflags & ~flag;
}

static bool is_parity_even(u64 value)
{
	value ^= value >> 4;
	/* Bit n is the odd parity of the number n. */
	return !((0x6996 >> (value & 0xf)) & 1);
}

static void flags_result(u64 *rflags, int size, u64 result)
{
	flag_set(rflags, ZF, !(result & alu_mask(size)));
	flag_set(rflags, SF, sign_bit(size, result));
	flag_set(rflags, PF, is_parity_even(result & 0xff));
}

static u64 compute_add(int size, u64 a, u64 b, bool carry, u64 *rflags)
{
	u64 sum = a + b + carry;

	flag_set(rflags, CF, sign_bit(size, (a & b) | ((a | b) & ~sum)));
	flag_set(rflags, OF, sign_bit(size, ~(a ^ b) & (a ^ sum)));
	flag_set(rflags, AF, (a ^ b ^ sum) & 0x10);
	flags_result(rflags, size, sum);
	return sum;
}

static u64 compute_sub(int size, u64 a, u64 b, bool borrow, u64 *rflags)
{
	u64 difference = a - b - borrow;

	flag_set(rflags, CF, sign_bit(size, (~a & b) | (~(a ^ b) & difference)));
	flag_set(rflags, OF, sign_bit(size, (a ^ b) & (a ^ difference)));
	flag_set(rflags, AF, (a ^ b ^ difference) & 0x10);
	flags_result(rflags, size, difference);
	return difference;
}

static u64 compute_logic(int size, u64 result, u64 *rflags)
{
	*rflags &= ~(u64)(CF | OF | AF);
	flags_result(rflags, size, result);
	return result;
}

/* INC and DEC leave CF alone. */
static u64 compute_step(enum vie_op_type op, int size, u64 value, u64 *rflags)
{
	u64 carry = *rflags & CF;

	if (op == VIE_OP_INC)
		value = compute_add(size, value, 1, false, rflags);
	else
		value = compute_sub(size, value, 1, false, rflags);
	flag_set(rflags, CF, carry);
	return value;
}

static unsigned int shift_count(int size, u64 count)
{
	return count & (size == 8 ? 63 : 31);
}

/* ROL and ROR change CF and OF alone, and only if the count is not 0. */
static u64 compute_rotate(enum vie_op_type op, int size, u64 value, u64 src, u64 *rflags)
{
	unsigned int bits = 8 * size;
	unsigned int count = shift_count(size, src);
	unsigned int left = (op == VIE_OP_ROL ? count : bits - count % bits) % bits;
	bool top, next;

	if (!count)
		return value;
	value &= alu_mask(size);
	if (left)
		value = (value << left) | (value >> (bits - left));
	top = sign_bit(size, value);
	next = (value >> (bits - 2)) & 1;
	flag_set(rflags, CF, op == VIE_OP_ROL ? value & 1 : top);
	flag_set(rflags, OF, op == VIE_OP_ROL ? top ^ (value & 1) : top ^ next);
	return value;
}

/* RCL and RCR: CF is one more bit of the operand. */
static u64 compute_rotate_carry(enum vie_op_type op, int size, u64 value, u64 src, u64 *rflags)
{
	unsigned int count = shift_count(size, src) % (8 * size + 1);
	bool carry = *rflags & CF;
	bool out;

	value &= alu_mask(size);
	if (!count)
		return value;
	while (count--) {
		if (op == VIE_OP_RCL) {
			out = sign_bit(size, value);
			value = ((value << 1) | carry) & alu_mask(size);
		} else {
			out = value & 1;
			value = (value >> 1) | ((u64)carry << (8 * size - 1));
		}
		carry = out;
	}
	flag_set(rflags, CF, carry);
	if (op == VIE_OP_RCL)
		flag_set(rflags, OF, sign_bit(size, value) ^ carry);
	else
		flag_set(rflags, OF, sign_bit(size, value) ^ sign_bit(size, value << 1));
	return value;
}

/* A shift by the width or more, which 1 and 2 byte operands can have, leaves 0 or the sign. */
static u64 shift_left(u64 value, unsigned int count)
{
	return count < 64 ? value << count : 0;
}

static u64 shift_right(int size, u64 value, unsigned int count, bool arithmetic)
{
	if (arithmetic)
		return alu_sign_extend(size, value) >> (count < 64 ? count : 63);
	return count < 64 ? (value & alu_mask(size)) >> count : 0;
}

static u64 compute_shift(enum vie_op_type op, int size, u64 value, u64 src, u64 *rflags)
{
	unsigned int count = shift_count(size, src);
	bool arithmetic = op == VIE_OP_SAR;
	bool carry, overflow;
	u64 result;

	if (!count)
		return value;
	if (op == VIE_OP_SHL || op == VIE_OP_SAL) {
		result = shift_left(value & alu_mask(size), count);
		carry = sign_bit(size, shift_left(value & alu_mask(size), count - 1));
		overflow = sign_bit(size, result) ^ carry;
	} else {
		result = shift_right(size, value, count, arithmetic);
		carry = shift_right(size, value, count - 1, arithmetic) & 1;
		overflow = !arithmetic && sign_bit(size, value);
	}
	flag_set(rflags, CF, carry);
	flag_set(rflags, OF, overflow);
	flags_result(rflags, size, result);
	return result;
}

u64 alu_shift_double(enum vie_op_type op, int size, u64 dst, u64 src, u64 count, u64 *rflags)
{
	unsigned int bits = 8 * size;
	unsigned int by = shift_count(size, count);
	u64 result;
	bool carry;

	dst &= alu_mask(size);
	src &= alu_mask(size);
	if (!by || by > bits)	/* more than 16 bits of 16: undefined; nothing moves */
		return dst;
	if (op == VIE_OP_SHLD) {
		result = shift_left(dst, by) | (src >> (bits - by));
		carry = (dst >> (bits - by)) & 1;
	} else {
		result = (by < 64 ? dst >> by : 0) | shift_left(src, bits - by);
		carry = (dst >> (by - 1)) & 1;
	}
	result &= alu_mask(size);
	flag_set(rflags, CF, carry);
	flag_set(rflags, OF, sign_bit(size, dst ^ result));
	flags_result(rflags, size, result);
	return result;
}

static u64 compute_bit(enum vie_op_type op, int size, u64 value, u64 src, u64 *rflags)
{
	u64 bit = 1ULL << (src & (8 * size - 1));

	flag_set(rflags, CF, value & bit);
	switch (op) {
	case VIE_OP_BTS:
		return value | bit;
	case VIE_OP_BTR:
		return value & ~bit;
	case VIE_OP_BTC:
		return value ^ bit;
	default:
		return value;
	}
}

static u64 compute_scan(enum vie_op_type op, int size, u64 dst, u64 src, u64 *rflags)
{
	src &= alu_mask(size);
	flag_set(rflags, ZF, !src);
	if (!src)
		return dst;
	return op == VIE_OP_BSF ? __builtin_ctzll(src) : 63 - __builtin_clzll(src);
}

static u64 compute_popcnt(int size, u64 src, u64 *rflags)
{
	unsigned int count = 0;

	src &= alu_mask(size);
	*rflags &= ~(u64)STATUS_FLAGS;
	flag_set(rflags, ZF, !src);
	for (; src; src &= src - 1)
		count++;
	return count;
}

/* BMI1 and BMI2 field operations clear OF; CF tells of a limit passed. */
static u64 compute_field(enum vie_op_type op, int size, u64 value, u64 control, u64 *rflags)
{
	unsigned int bits = 8 * size;
	unsigned int start = control & 0xff;
	unsigned int length = (control >> 8) & 0xff;
	u64 result;

	if (op == VIE_OP_BZHI) {
		result = start < bits ? value & ((1ULL << start) - 1) : value;
		flag_set(rflags, CF, start >= bits);
		flag_set(rflags, SF, sign_bit(size, result));
	} else {
		result = start < bits ? (value & alu_mask(size)) >> start : 0;
		if (length < 64)
			result &= (1ULL << length) - 1;
		flag_set(rflags, CF, false);
	}
	flag_set(rflags, OF, false);
	flag_set(rflags, ZF, !(result & alu_mask(size)));
	return result;
}

static u64 compute_lowest_bit(enum vie_op_type op, int size, u64 src, u64 *rflags)
{
	u64 result;

	src &= alu_mask(size);
	if (op == VIE_OP_BLSR)
		result = src & (src - 1);
	else if (op == VIE_OP_BLSMSK)
		result = src ^ (src - 1);
	else
		result = src & -src;
	result &= alu_mask(size);
	flag_set(rflags, CF, op == VIE_OP_BLSI ? src : !src);
	flag_set(rflags, OF, false);
	flag_set(rflags, ZF, !result);
	flag_set(rflags, SF, sign_bit(size, result));
	return result;
}

/* The shifts and rotates of BMI2, which leave the flags alone. */
static u64 compute_shift_x(enum vie_op_type op, int size, u64 value, u64 src)
{
	u64 flags = 0;

	if (op == VIE_OP_RORX)
		return compute_rotate(VIE_OP_ROR, size, value, src, &flags);
	if (op == VIE_OP_SHLX)
		return shift_left(value, shift_count(size, src));
	return shift_right(size, value, shift_count(size, src), op == VIE_OP_SARX);
}

static u64 compute_arithmetic(enum vie_op_type op, int size, u64 dst, u64 src, u64 *rflags)
{
	bool carry = *rflags & CF;

	switch (op) {
	case VIE_OP_ADD:
	case VIE_OP_ADC:
		return compute_add(size, dst, src, op == VIE_OP_ADC && carry, rflags);
	case VIE_OP_SUB:
	case VIE_OP_CMP:
	case VIE_OP_SBB:
		return compute_sub(size, dst, src, op == VIE_OP_SBB && carry, rflags);
	case VIE_OP_OR:
		return compute_logic(size, dst | src, rflags);
	case VIE_OP_XOR:
		return compute_logic(size, dst ^ src, rflags);
	default:	/* AND, TEST */
		return compute_logic(size, dst & src, rflags);
	}
}

static u64 compute(enum vie_op_type op, int size, u64 dst, u64 src, u64 *rflags)
{
	switch (op) {
	case VIE_OP_ROL:
	case VIE_OP_ROR:
		return compute_rotate(op, size, dst, src, rflags);
	case VIE_OP_RCL:
	case VIE_OP_RCR:
		return compute_rotate_carry(op, size, dst, src, rflags);
	case VIE_OP_SHL:
	case VIE_OP_SAL:
	case VIE_OP_SHR:
	case VIE_OP_SAR:
		return compute_shift(op, size, dst, src, rflags);
	case VIE_OP_NOT:
		return ~dst;
	case VIE_OP_NEG:
		return compute_sub(size, 0, dst, false, rflags);
	case VIE_OP_INC:
	case VIE_OP_DEC:
		return compute_step(op, size, dst, rflags);
	case VIE_OP_BT ... VIE_OP_BTC:
		return compute_bit(op, size, dst, src, rflags);
	case VIE_OP_ANDN:
		return compute_logic(size, ~src & dst, rflags);
	case VIE_OP_BEXTR:
	case VIE_OP_BZHI:
		return compute_field(op, size, dst, src, rflags);
	case VIE_OP_BLSR ... VIE_OP_BLSI:
		return compute_lowest_bit(op, size, dst, rflags);
	case VIE_OP_SHLX ... VIE_OP_RORX:
		return compute_shift_x(op, size, dst, src);
	case VIE_OP_BSF:
	case VIE_OP_BSR:
		return compute_scan(op, size, dst, src, rflags);
	case VIE_OP_POPCNT:
		return compute_popcnt(size, src, rflags);
	default:
		return compute_arithmetic(op, size, dst, src, rflags);
	}
}

u64 alu_compute(enum vie_op_type op, int size, u64 dst, u64 src, u64 *rflags)
{
	return compute(op, size, dst, src, rflags) & alu_mask(size);
}

void alu_multiply(enum vie_op_type op, int size, u64 a, u64 b, u64 *low, u64 *high, u64 *rflags)
{
	unsigned int bits = 8 * size;
	unsigned __int128 product;
	bool wide;

	if (op == VIE_OP_MUL)
		product = (unsigned __int128)(a & alu_mask(size)) * (b & alu_mask(size));
	else
		product = (__int128)alu_sign_extend(size, a) * alu_sign_extend(size, b);
	*low = (u64)product & alu_mask(size);
	*high = (u64)(product >> bits) & alu_mask(size);

	if (op == VIE_OP_MUL)
		wide = *high != 0;
	else
		wide = *high != (sign_bit(size, *low) ? alu_mask(size) : 0);
	flag_set(rflags, CF, wide);
	flag_set(rflags, OF, wide);
	flags_result(rflags, size, *low);
}

/* Long division, bit by bit: @high < @divisor, so that the quotient fits. */
static u64 divide_unsigned(unsigned int bits, u64 high, u64 low, u64 divisor, u64 *remainder)
{
	u64 quotient = 0;
	unsigned int i;
	bool carry;

	for (i = bits; i-- > 0;) {
		carry = high >> 63;
		high = (high << 1) | ((low >> i) & 1);
		quotient <<= 1;
		if (carry || high >= divisor) {
			high -= divisor;
			quotient |= 1;
		}
	}
	*remainder = high;
	return quotient;
}

/* The 2 * @size byte number @high:@low, negated. */
static void negate_double(int size, u64 *low, u64 *high)
{
	*low = -*low & alu_mask(size);
	*high = (~*high + !*low) & alu_mask(size);
}

bool alu_divide(enum vie_op_type op, int size, u64 *low, u64 *high, u64 divisor)
{
	u64 mask = alu_mask(size);
	u64 limit = mask;
	u64 lo = *low & mask;
	u64 hi = *high & mask;
	u64 div = divisor & mask;
	bool negative = false, negative_rest = false;
	u64 quotient, rest;

	if (op == VIE_OP_IDIV) {
		negative_rest = sign_bit(size, hi);
		negative = negative_rest != sign_bit(size, div);
		if (negative_rest)
			negate_double(size, &lo, &hi);
		if (sign_bit(size, div))
			div = -div & mask;
		/* The quotient's magnitude: 2^(n-1) is in range for a negative one alone. */
		limit = (mask >> 1) + negative;
	}
	if (!div || hi >= div)
		return false;
	quotient = divide_unsigned(8 * size, hi, lo, div, &rest);
	if (quotient > limit)
		return false;
	*low = (negative ? -quotient : quotient) & mask;
	*high = (negative_rest ? -rest : rest) & mask;
	return true;
}

bool alu_condition(unsigned int cc, u64 rflags)
{
	bool sign_differs = !(rflags & SF) != !(rflags & OF);
	bool met;

	switch ((cc >> 1) & 7) {
	case 0:
		met = rflags & OF;
		break;
	case 1:
		met = rflags & CF;
		break;
	case 2:
		met = rflags & ZF;
		break;
	case 3:
		met = rflags & (CF | ZF);
		break;
	case 4:
		met = rflags & SF;
		break;
	case 5:
		met = rflags & PF;
		break;
	case 6:
		met = sign_differs;
		break;
	default:
		met = sign_differs || (rflags & ZF);
		break;
	}
	return met != (cc & 1);
}
