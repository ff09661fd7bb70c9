// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * An instruction goes through four steps, always in this order:
 *
 * 1. where: effective address, segment, alignment, translation of everything
 *    that is not at the faulting address. Steps that can fault the guest.
 * 2. read the operands.
 * 3. compute (alu.c), on plain numbers.
 * 4. write memory, then registers, then RFLAGS. MMIO has side effects and cannot
 *    be taken back, so nothing after the first access may fault the guest.
 *
 * A memory operand is a struct operand: one range of guest-physical addresses,
 * or two where it crosses a page. How an operand is found is the business of the
 * first section; what is done with it, of one short function per kind of
 * instruction; vie_emulate() picks that function.
 *
 * The instruction bytes are fetched after the exit, and another vCPU can have
 * changed them since (a TOCTOU that has let user code write where it may not).
 * Therefore the operand's address is computed anew and compared with the one that
 * faulted, and for user code its rights are checked anew: operand_locate().
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/string.h>
#include <linux/types.h>
#include <asm/processor-flags.h>

#include "alu.h"
#include "decode.h"
#include "emulate.h"

#define PAGE_BYTES	4096
#define PAGE_OFFSET_MASK	(PAGE_BYTES - 1)
#define SIMD_BYTES	32

#define VECTOR_DE	0
#define VECTOR_UD	6
#define VECTOR_NM	7
#define VECTOR_SS	12
#define VECTOR_GP	13
#define VECTOR_AC	17

struct emul {
	const struct vie *vie;
	const struct vm_guest_paging *paging;
	const struct emul_ops *ops;
	void *ctx;
	u64 gpa;		/* where the fault was */
	int size;		/* operand size, bytes */
	int mem_size;		/* memory operand's size, bytes */
	int prot;		/* VM_PROT_* of the memory operand */
};

/* A memory operand: bytes[0] at gpa[0], and bytes[1] at gpa[1] if it crosses a page. */
struct operand {
	u64 gpa[2];
	int bytes[2];
};

/* A segment, as far as addressing in it is concerned. In 64-bit mode most are not looked at. */
struct segment {
	enum vm_reg_name name;
	struct seg_desc desc;
};

static int emul_raise(struct emul *e, int vector)
{
	bool has_error = vector >= VECTOR_SS;	/* of those we raise: #SS, #GP, #AC */
	int err = e->ops->inject(e->ctx, vector, has_error, 0);

	return err ? err : EMUL_FAULTED;
}

/*
 * Registers
 */

/* AH, CH, DH and BH are numbers 4 to 7 without a REX prefix. */
static bool is_high_byte(const struct vie *vie, unsigned int number, int size)
{
	return size == 1 && !vie->rex_present && number >= 4 && number < 8;
}

static int reg_read(struct emul *e, unsigned int number, int size, u64 *value)
{
	bool high = is_high_byte(e->vie, number, size);
	int err;

	err = e->ops->reg_get(e->ctx, insn_register(high ? number - 4 : number), value);
	if (err)
		return err;
	if (high)
		*value >>= 8;
	*value &= alu_mask(size);
	return 0;
}

/* 4 bytes clear the upper half of the register, fewer leave the rest of it alone. */
static int reg_write(struct emul *e, unsigned int number, int size, u64 value)
{
	bool high = is_high_byte(e->vie, number, size);
	enum vm_reg_name name = insn_register(high ? number - 4 : number);
	u64 mask = alu_mask(size);
	u64 old;
	int err;

	value &= mask;
	if (size < 4) {
		err = e->ops->reg_get(e->ctx, name, &old);
		if (err)
			return err;
		if (high) {
			mask <<= 8;
			value <<= 8;
		}
		value |= old & ~mask;
	}
	return e->ops->reg_set(e->ctx, name, value);
}

/* rAX and rDX are never meant as high bytes here. */
static int named_read(struct emul *e, enum vm_reg_name name, int size, u64 *value)
{
	int err = e->ops->reg_get(e->ctx, name, value);

	if (!err)
		*value &= alu_mask(size);
	return err;
}

static int named_write(struct emul *e, enum vm_reg_name name, int size, u64 value)
{
	u64 old = 0;
	int err;

	if (size < 4) {
		err = e->ops->reg_get(e->ctx, name, &old);
		if (err)
			return err;
		old &= ~alu_mask(size);
	}
	return e->ops->reg_set(e->ctx, name, old | (value & alu_mask(size)));
}

static int rflags_read(struct emul *e, u64 *rflags)
{
	return e->ops->reg_get(e->ctx, VM_REG_GUEST_RFLAGS, rflags);
}

static int rflags_write(struct emul *e, u64 rflags)
{
	return e->ops->reg_set(e->ctx, VM_REG_GUEST_RFLAGS, rflags);
}

/* The operand that is not in memory. */
static int source_read(struct emul *e, u64 *value)
{
	const struct vie *vie = e->vie;

	switch (vie->op.op_flags & VIE_SRC_MASK) {
	case VIE_SRC_IMM:
		*value = (u64)vie->immediate;
		return 0;
	case VIE_SRC_ONE:
		*value = 1;
		return 0;
	case VIE_SRC_CL:
		return named_read(e, VM_REG_GUEST_RCX, 1, value);
	case VIE_SRC_ACC:
		return named_read(e, VM_REG_GUEST_RAX, e->size, value);
	case VIE_SRC_VVVV:
		return reg_read(e, vie->vex_reg, e->size, value);
	default:
		return reg_read(e, vie->reg, e->size, value);
	}
}

/*
 * Addresses
 */

static bool is_long_mode(const struct vm_guest_paging *paging)
{
	return paging->cpu_mode == CPU_MODE_64BIT;
}

/* Linear addresses have 32 bits outside 64-bit mode; there they wrap (SDM vol. 1, 3.3.5). */
static u64 gla_wrap(const struct vm_guest_paging *paging, u64 gla)
{
	return is_long_mode(paging) ? gla : (u32)gla;
}

static bool is_canonical(const struct vm_guest_paging *paging, u64 gla)
{
	int shift = paging->paging_mode == PAGING_MODE_64_LA57 ? 64 - 57 : 64 - 48;

	return (u64)((s64)(gla << shift) >> shift) == gla;
}

/* Offsets @first to @last against limit and direction (SDM vol. 3, 5.3). */
static bool is_in_limit(const struct seg_desc *desc, u64 first, u64 last)
{
	u64 top;

	/* Only data segments expand down: S, not code, E. */
	if ((desc->access & 0x1c) != 0x14)
		return last <= desc->limit;
	top = SEG_DESC_DEF32(desc->access) ? 0xffffffff : 0xffff;
	return first > desc->limit && last <= top;
}

/* May the segment be used so (SDM vol. 3, 5.4.1)? Real mode never asks. */
static bool is_access_allowed(const struct seg_desc *desc, int prot)
{
	bool code = desc->access & 0x8;
	bool readable_or_writable = desc->access & 0x2;

	if (SEG_DESC_UNUSABLE(desc->access) || !SEG_DESC_PRESENT(desc->access))
		return false;
	if ((prot & VM_PROT_WRITE) && (code || !readable_or_writable))
		return false;
	return !(prot & VM_PROT_READ) || !code || readable_or_writable;
}

static int segment_get(const struct vm_guest_paging *paging, const struct emul_ops *ops, void *ctx,
		       enum vm_reg_name name, struct segment *segment)
{
	segment->name = name;
	memset(&segment->desc, 0, sizeof(segment->desc));
	if (is_long_mode(paging) && name != VM_REG_GUEST_FS && name != VM_REG_GUEST_GS)
		return 0;
	return ops->desc_get(ctx, name, &segment->desc);
}

/* Linear address of @bytes at @offset: 0, or the vector to raise. */
static int segment_gla(const struct vm_guest_paging *paging, const struct segment *segment,
		       u64 offset, int prot, int bytes, u64 *gla)
{
	int vector = segment->name == VM_REG_GUEST_SS ? VECTOR_SS : VECTOR_GP;
	u64 last = offset + bytes - 1;

	if (is_long_mode(paging)) {
		*gla = segment->desc.base + offset;
		last = *gla + bytes - 1;
		return is_canonical(paging, *gla) && is_canonical(paging, last) ? 0 : vector;
	}
	if (paging->cpu_mode != CPU_MODE_REAL && !is_access_allowed(&segment->desc, prot))
		return vector;
	if (!is_in_limit(&segment->desc, offset, last))
		return vector;
	*gla = gla_wrap(paging, segment->desc.base + offset);
	return 0;
}

/* BT and its kin: the bit offset in a register is signed, and moves the operand by its own size. */
static int bitstring_offset(const struct vie *vie, const struct emul_ops *ops, void *ctx,
			    u64 *offset)
{
	s64 bits;
	u64 value;
	int err;

	*offset = 0;
	if (!(vie->op.op_flags & VIE_BITSTRING) || !vie->opsize)
		return 0;
	err = ops->reg_get(ctx, insn_register(vie->reg), &value);
	if (err)
		return err;
	bits = alu_sign_extend(vie->opsize, value);
	*offset = (u64)((bits >> 3) & ~(s64)(vie->opsize - 1));
	return 0;
}

/* What is added to the base register: RIP has moved on, POP has moved RSP. */
static u64 base_bias(const struct vie *vie)
{
	if (vie->base_register == VM_REG_GUEST_RIP)
		return vie->num_processed;
	if (vie->base_register == VM_REG_GUEST_RSP && vie->op.op_type == VIE_OP_POP)
		return vie->opsize;
	return 0;
}

static int effective_address(const struct vie *vie, const struct emul_ops *ops, void *ctx,
			     u64 *address)
{
	u64 base = 0, index = 0, bits;
	int err;

	if (vie->base_register != VM_REG_LAST) {
		err = ops->reg_get(ctx, vie->base_register, &base);
		if (err)
			return err;
	}
	if (vie->index_register != VM_REG_LAST) {
		err = ops->reg_get(ctx, vie->index_register, &index);
		if (err)
			return err;
	}
	err = bitstring_offset(vie, ops, ctx, &bits);
	if (err)
		return err;
	*address = base + base_bias(vie) + (index << vie->ss) + (u64)vie->displacement + bits;
	*address &= alu_mask(vie->addrsize);
	return 0;
}

int vie_operand_gla(const struct vie *vie, const struct vm_guest_paging *paging, int prot,
		    int bytes, const struct emul_ops *ops, void *ctx, u64 *gla)
{
	struct segment segment;
	u64 offset;
	int err;

	err = effective_address(vie, ops, ctx, &offset);
	if (!err)
		err = segment_get(paging, ops, ctx, vie->segment_register, &segment);
	if (err)
		return err;
	return segment_gla(paging, &segment, offset, prot, bytes, gla);
}

/* #AC: only at CPL 3, with AM and AC set (SDM vol. 3, 6.15, interrupt 17). */
static int alignment_check(struct emul *e, u64 gla, int bytes)
{
	u64 cr0, rflags;
	int err;

	if (e->paging->cpl != 3 || bytes > 8 || !(gla & (bytes - 1)))
		return 0;
	err = e->ops->reg_get(e->ctx, VM_REG_GUEST_CR0, &cr0);
	if (!err)
		err = rflags_read(e, &rflags);
	if (err)
		return err;
	if ((cr0 & X86_CR0_AM) && (rflags & X86_EFLAGS_AC))
		return emul_raise(e, VECTOR_AC);
	return 0;
}

/*
 * Operands in memory
 */

static void operand_split(struct operand *op, u64 gla, int bytes)
{
	int room = PAGE_BYTES - (int)(gla & PAGE_OFFSET_MASK);

	op->bytes[0] = bytes < room ? bytes : room;
	op->bytes[1] = bytes - op->bytes[0];
}

/* Translate part @part of an operand that operand_split() has cut. */
static int operand_translate(struct emul *e, struct operand *op, int part, u64 gla, int prot)
{
	if (part)
		gla = gla_wrap(e->paging, gla + op->bytes[0]);
	if (!op->bytes[part])
		return 0;
	return e->ops->translate(e->ctx, gla, prot, &op->gpa[part]);
}

/* An operand wherever the guest's tables say. */
static int operand_map(struct emul *e, u64 gla, int bytes, int prot, struct operand *op)
{
	int err;

	operand_split(op, gla, bytes);
	err = operand_translate(e, op, 0, gla, prot);
	return err ? err : operand_translate(e, op, 1, gla, prot);
}

static bool is_same_page(u64 a, u64 b)
{
	return !((a ^ b) & ~(u64)PAGE_OFFSET_MASK);
}

/* Does the operand touch the page that faulted? */
static bool operand_is_faulting(const struct emul *e, const struct operand *op)
{
	if (is_same_page(op->gpa[0], e->gpa))
		return true;
	return op->bytes[1] && is_same_page(op->gpa[1], e->gpa);
}

/* The operand that faulted: at e->gpa if that agrees with its address, see the top of the file. */
static int operand_locate(struct emul *e, u64 gla, struct operand *op)
{
	int err;

	if (e->paging->cpl != 3 && !((gla ^ e->gpa) & PAGE_OFFSET_MASK)) {
		operand_split(op, gla, e->mem_size);
		op->gpa[0] = e->gpa;
		return operand_translate(e, op, 1, gla, e->prot);
	}
	err = operand_map(e, gla, e->mem_size, e->prot, op);
	if (err)
		return err;
	return operand_is_faulting(e, op) ? 0 : -EAGAIN;
}

/* Moves that say so, and CMPXCHG16B. */
static bool must_be_aligned(const struct emul *e)
{
	u16 flags = e->vie->op.op_flags;

	return (flags & VIE_ALIGNED) ||
	       ((flags & VIE_MSIZE_MASK) == VIE_MSIZE_PAIR && e->mem_size == 16);
}

/* Step 1 for the ModRM operand. */
static int operand_find(struct emul *e, struct operand *op)
{
	u64 gla;
	int err;

	err = vie_operand_gla(e->vie, e->paging, e->prot, e->mem_size, e->ops, e->ctx, &gla);
	if (err > 0)
		return emul_raise(e, err);
	if (err)
		return err;
	if (must_be_aligned(e) && (gla & (e->mem_size - 1)))
		return emul_raise(e, VECTOR_GP);
	err = alignment_check(e, gla, e->mem_size);
	return err ? err : operand_locate(e, gla, op);
}

static int power_of_two_below(int bytes)
{
	int piece = SIMD_BYTES;

	while (piece > bytes)
		piece /= 2;
	return piece;
}

static int phys_access(struct emul *e, u64 gpa, u8 *buf, int bytes, bool write)
{
	int err, piece;

	for (; bytes > 0; bytes -= piece, gpa += piece, buf += piece) {
		piece = power_of_two_below(bytes);
		if (write)
			err = e->ops->phys_write(e->ctx, gpa, buf, piece);
		else
			err = e->ops->phys_read(e->ctx, gpa, buf, piece);
		if (err)
			return err;
	}
	return 0;
}

static int operand_access(struct emul *e, const struct operand *op, void *buf, bool write)
{
	int err;

	err = phys_access(e, op->gpa[0], buf, op->bytes[0], write);
	if (!err && op->bytes[1])
		err = phys_access(e, op->gpa[1], (u8 *)buf + op->bytes[0], op->bytes[1], write);
	return err;
}

/* Up to 8 bytes, little-endian as the host is. */
static int operand_read(struct emul *e, const struct operand *op, u64 *value)
{
	*value = 0;
	return operand_access(e, op, value, false);
}

static int operand_write(struct emul *e, const struct operand *op, u64 value)
{
	return operand_access(e, op, &value, true);
}

/*
 * Moves
 */

static u64 byte_swap(int size, u64 value)
{
	return __builtin_bswap64(value) >> (64 - 8 * size);
}

static int emulate_load(struct emul *e)
{
	const struct vie *vie = e->vie;
	struct operand op;
	u64 value;
	int err;

	err = operand_find(e, &op);
	if (!err)
		err = operand_read(e, &op, &value);
	if (err)
		return err;
	if (vie->op.op_type == VIE_OP_MOVSX)
		value = (u64)alu_sign_extend(e->mem_size, value);
	else if (vie->op.op_type == VIE_OP_MOVBE)
		value = byte_swap(e->size, value);
	if ((vie->op.op_flags & VIE_SRC_MASK) == VIE_SRC_ACC)
		return named_write(e, VM_REG_GUEST_RAX, e->size, value);
	return reg_write(e, vie->reg, e->size, value);
}

static int emulate_store(struct emul *e)
{
	struct operand op;
	u64 value;
	int err;

	err = source_read(e, &value);
	if (!err)
		err = operand_find(e, &op);
	if (err)
		return err;
	if (e->vie->op.op_type == VIE_OP_MOVBE)
		value = byte_swap(e->size, value);
	return operand_write(e, &op, value);
}

static int emulate_mov(struct emul *e)
{
	return e->vie->op.op_flags & VIE_TO_REG ? emulate_load(e) : emulate_store(e);
}

static int emulate_store_selector(struct emul *e)
{
	static const u8 names[8] = {
		VM_REG_GUEST_ES, VM_REG_GUEST_CS, VM_REG_GUEST_SS,
		VM_REG_GUEST_DS, VM_REG_GUEST_FS, VM_REG_GUEST_GS,
	};
	unsigned int number = e->vie->reg & 7;
	struct operand op;
	u64 value;
	int err;

	if (number > 5)
		return -EOPNOTSUPP;
	err = e->ops->reg_get(e->ctx, names[number], &value);
	if (!err)
		err = operand_find(e, &op);
	return err ? err : operand_write(e, &op, value);
}

static int emulate_setcc(struct emul *e)
{
	struct operand op;
	u64 rflags;
	int err;

	err = rflags_read(e, &rflags);
	if (!err)
		err = operand_find(e, &op);
	return err ? err : operand_write(e, &op, alu_condition(e->vie->op.op_byte, rflags));
}

/* The load happens in any case, and a 4-byte destination loses its upper half in any case. */
static int emulate_cmovcc(struct emul *e)
{
	struct operand op;
	u64 rflags, value, old;
	int err;

	err = rflags_read(e, &rflags);
	if (!err)
		err = reg_read(e, e->vie->reg, e->size, &old);
	if (!err)
		err = operand_find(e, &op);
	if (!err)
		err = operand_read(e, &op, &value);
	if (err)
		return err;
	if (!alu_condition(e->vie->op.op_byte, rflags))
		value = old;
	return reg_write(e, e->vie->reg, e->size, value);
}

/*
 * Arithmetic
 */

static bool has_no_result(u8 op_type)
{
	return op_type == VIE_OP_CMP || op_type == VIE_OP_TEST || op_type == VIE_OP_BT;
}

/* Memory on the right: reg = reg op mem; with a third operand the register is only written. */
static int emulate_to_reg(struct emul *e)
{
	const struct vie *vie = e->vie;
	bool three = (vie->op.op_flags & VIE_SRC_MASK) != VIE_SRC_REG;
	u64 rflags, source, value, result;
	struct operand op;
	int err;

	err = rflags_read(e, &rflags);
	if (!err)
		err = source_read(e, &source);
	if (!err)
		err = operand_find(e, &op);
	if (!err)
		err = operand_read(e, &op, &value);
	if (err)
		return err;
	if (three)
		result = alu_compute(vie->op.op_type, e->size, value, source, &rflags);
	else
		result = alu_compute(vie->op.op_type, e->size, source, value, &rflags);
	if (!has_no_result(vie->op.op_type))
		err = reg_write(e, vie->reg, e->size, result);
	return err ? err : rflags_write(e, rflags);
}

/* Memory on the left: mem = mem op source. Also BLSR and its kin, whose result goes to VEX.vvvv. */
static int emulate_to_memory(struct emul *e)
{
	const struct vie *vie = e->vie;
	u64 rflags, source, value, result;
	struct operand op;
	int err;

	err = rflags_read(e, &rflags);
	if (!err)
		err = source_read(e, &source);
	if (!err)
		err = operand_find(e, &op);
	if (!err)
		err = operand_read(e, &op, &value);
	if (err)
		return err;
	result = alu_compute(vie->op.op_type, e->size, value, source, &rflags);
	if (vie->op.op_flags & VIE_WRITE)
		err = operand_write(e, &op, result);
	else if (vie->op.op_flags & VIE_DST_VVVV)
		err = reg_write(e, vie->vex_reg, e->size, result);
	return err ? err : rflags_write(e, rflags);
}

static int emulate_alu(struct emul *e)
{
	return e->vie->op.op_flags & VIE_TO_REG ? emulate_to_reg(e) : emulate_to_memory(e);
}

static int emulate_shift_double(struct emul *e)
{
	const struct vie *vie = e->vie;
	u64 rflags, count, source, value, result;
	struct operand op;
	int err;

	err = rflags_read(e, &rflags);
	if (!err)
		err = source_read(e, &count);
	if (!err)
		err = reg_read(e, vie->reg, e->size, &source);
	if (!err)
		err = operand_find(e, &op);
	if (!err)
		err = operand_read(e, &op, &value);
	if (err)
		return err;
	result = alu_shift_double(vie->op.op_type, e->size, value, source, count, &rflags);
	err = operand_write(e, &op, result);
	return err ? err : rflags_write(e, rflags);
}

/* rDX:rAX, but AX where the operands are bytes. */
static int double_read(struct emul *e, u64 *low, u64 *high)
{
	int err;

	if (e->size == 1) {
		err = named_read(e, VM_REG_GUEST_RAX, 2, low);
		if (err)
			return err;
		*high = *low >> 8;
		*low &= 0xff;
		return 0;
	}
	err = named_read(e, VM_REG_GUEST_RAX, e->size, low);
	return err ? err : named_read(e, VM_REG_GUEST_RDX, e->size, high);
}

static int double_write(struct emul *e, u64 low, u64 high)
{
	int err;

	if (e->size == 1)
		return named_write(e, VM_REG_GUEST_RAX, 2, high << 8 | low);
	err = named_write(e, VM_REG_GUEST_RAX, e->size, low);
	return err ? err : named_write(e, VM_REG_GUEST_RDX, e->size, high);
}

static int emulate_multiply(struct emul *e)
{
	u64 rflags, low, high, value;
	struct operand op;
	int err;

	err = rflags_read(e, &rflags);
	if (!err)
		err = double_read(e, &low, &high);
	if (!err)
		err = operand_find(e, &op);
	if (!err)
		err = operand_read(e, &op, &value);
	if (err)
		return err;
	alu_multiply(e->vie->op.op_type, e->size, low, value, &low, &high, &rflags);
	err = double_write(e, low, high);
	return err ? err : rflags_write(e, rflags);
}

/* The one exception to "nothing after the first access may fault": the operand is what faults. */
static int emulate_divide(struct emul *e)
{
	u64 low, high, value;
	struct operand op;
	int err;

	err = double_read(e, &low, &high);
	if (!err)
		err = operand_find(e, &op);
	if (!err)
		err = operand_read(e, &op, &value);
	if (err)
		return err;
	if (!alu_divide(e->vie->op.op_type, e->size, &low, &high, value))
		return emul_raise(e, VECTOR_DE);
	return double_write(e, low, high);
}

static int emulate_multiply_to_reg(struct emul *e)
{
	u64 rflags, source, value, low, high;
	struct operand op;
	int err;

	err = rflags_read(e, &rflags);
	if (!err)
		err = source_read(e, &source);
	if (!err)
		err = operand_find(e, &op);
	if (!err)
		err = operand_read(e, &op, &value);
	if (err)
		return err;
	alu_multiply(VIE_OP_IMUL1, e->size, value, source, &low, &high, &rflags);
	err = reg_write(e, e->vie->reg, e->size, low);
	return err ? err : rflags_write(e, rflags);
}

/*
 * Exchanges
 */

static int emulate_xchg(struct emul *e)
{
	u64 source, value;
	struct operand op;
	int err;

	err = source_read(e, &source);
	if (!err)
		err = operand_find(e, &op);
	if (!err)
		err = operand_read(e, &op, &value);
	if (!err)
		err = operand_write(e, &op, source);
	return err ? err : reg_write(e, e->vie->reg, e->size, value);
}

static int emulate_xadd(struct emul *e)
{
	u64 rflags, source, value, sum;
	struct operand op;
	int err;

	err = rflags_read(e, &rflags);
	if (!err)
		err = source_read(e, &source);
	if (!err)
		err = operand_find(e, &op);
	if (!err)
		err = operand_read(e, &op, &value);
	if (err)
		return err;
	sum = alu_compute(VIE_OP_ADD, e->size, value, source, &rflags);
	err = operand_write(e, &op, sum);
	if (!err)
		err = reg_write(e, e->vie->reg, e->size, value);
	return err ? err : rflags_write(e, rflags);
}

/* There is a write in any case: of the old value, if it was not the one expected (SDM vol. 2). */
static int emulate_cmpxchg(struct emul *e)
{
	u64 rflags, source, expected, value;
	struct operand op;
	bool equal;
	int err;

	err = rflags_read(e, &rflags);
	if (!err)
		err = source_read(e, &source);
	if (!err)
		err = named_read(e, VM_REG_GUEST_RAX, e->size, &expected);
	if (!err)
		err = operand_find(e, &op);
	if (!err)
		err = operand_read(e, &op, &value);
	if (err)
		return err;
	alu_compute(VIE_OP_CMP, e->size, expected, value, &rflags);
	equal = rflags & X86_EFLAGS_ZF;
	err = operand_write(e, &op, equal ? source : value);
	if (!err && !equal)
		err = named_write(e, VM_REG_GUEST_RAX, e->size, value);
	return err ? err : rflags_write(e, rflags);
}

/* A pair of registers as the two halves of a number in memory. */
static int pair_read(struct emul *e, enum vm_reg_name low, enum vm_reg_name high, u8 *buf)
{
	u64 value;
	int err;

	err = named_read(e, low, e->size, &value);
	if (err)
		return err;
	memcpy(buf, &value, e->size);
	err = named_read(e, high, e->size, &value);
	if (err)
		return err;
	memcpy(buf + e->size, &value, e->size);
	return 0;
}

static int pair_write(struct emul *e, const u8 *buf)
{
	u64 low = 0, high = 0;
	int err;

	memcpy(&low, buf, e->size);
	memcpy(&high, buf + e->size, e->size);
	err = named_write(e, VM_REG_GUEST_RAX, e->size, low);
	return err ? err : named_write(e, VM_REG_GUEST_RDX, e->size, high);
}

static int emulate_cmpxchg_pair(struct emul *e)
{
	u8 value[16], expected[16], source[16];
	struct operand op;
	u64 rflags;
	bool equal;
	int err;

	err = rflags_read(e, &rflags);
	if (!err)
		err = pair_read(e, VM_REG_GUEST_RAX, VM_REG_GUEST_RDX, expected);
	if (!err)
		err = pair_read(e, VM_REG_GUEST_RBX, VM_REG_GUEST_RCX, source);
	if (!err)
		err = operand_find(e, &op);
	if (!err)
		err = operand_access(e, &op, value, false);
	if (err)
		return err;
	equal = !memcmp(value, expected, e->mem_size);
	err = operand_access(e, &op, equal ? source : value, true);
	if (!err && !equal)
		err = pair_write(e, value);
	rflags &= ~(u64)X86_EFLAGS_ZF;
	return err ? err : rflags_write(e, rflags | (equal ? X86_EFLAGS_ZF : 0));
}

/*
 * Stack
 */

/* Bytes of rSP that count: by mode, and by the B bit of SS. */
static int stack_size(const struct emul *e, const struct segment *ss)
{
	if (is_long_mode(e->paging))
		return 8;
	return SEG_DESC_DEF32(ss->desc.access) ? 4 : 2;
}

/*
 * The stack slot that PUSH (@below) or POP uses, and rSP as it will be. All of the
 * slot is checked and translated, nothing accessed.
 */
static int stack_find(struct emul *e, bool below, int prot, struct operand *op, u64 *new_rsp)
{
	struct segment ss;
	u64 rsp, slot, gla, mask;
	int err;

	err = segment_get(e->paging, e->ops, e->ctx, VM_REG_GUEST_SS, &ss);
	if (!err)
		err = e->ops->reg_get(e->ctx, VM_REG_GUEST_RSP, &rsp);
	if (err)
		return err;
	mask = alu_mask(stack_size(e, &ss));
	slot = (below ? rsp - e->size : rsp) & mask;
	*new_rsp = (rsp & ~mask) | ((below ? slot : slot + e->size) & mask);
	err = segment_gla(e->paging, &ss, slot, prot, e->size, &gla);
	if (err)
		return emul_raise(e, err);
	err = alignment_check(e, gla, e->size);
	return err ? err : operand_map(e, gla, e->size, prot, op);
}

static int emulate_push(struct emul *e)
{
	struct operand op, slot;
	u64 value, new_rsp;
	int err;

	err = operand_find(e, &op);
	if (!err)
		err = stack_find(e, true, VM_PROT_WRITE, &slot, &new_rsp);
	if (!err)
		err = operand_read(e, &op, &value);
	if (!err)
		err = operand_write(e, &slot, value);
	return err ? err : e->ops->reg_set(e->ctx, VM_REG_GUEST_RSP, new_rsp);
}

static int emulate_pop(struct emul *e)
{
	struct operand op, slot;
	u64 value, new_rsp;
	int err;

	err = stack_find(e, false, VM_PROT_READ, &slot, &new_rsp);
	if (!err)
		err = operand_find(e, &op);
	if (!err)
		err = operand_read(e, &slot, &value);
	if (!err)
		err = operand_write(e, &op, value);
	return err ? err : e->ops->reg_set(e->ctx, VM_REG_GUEST_RSP, new_rsp);
}

/*
 * Strings
 *
 * A call carries out iterations as long as they stay on the pages of the first
 * one, whose translation holds for them; the segment checks are made for each.
 */

/* One of the two operands of a string instruction. */
struct string_end {
	bool used;
	struct segment segment;
	enum vm_reg_name reg;
	u64 reg_value;		/* in full */
	int prot;
	bool mapped;
	u64 page_gla, page_gpa;	/* if mapped */
	struct operand op;	/* of this iteration */
};

struct string {
	struct string_end src, dst;
	u64 count;		/* iterations left */
	u64 rcx;		/* in full */
	u64 rflags;
	bool rep;
};

#define STRING_STOP	3	/* inside: the next element is not on the first one's pages */

static int string_end_setup(struct emul *e, struct string_end *end, enum vm_reg_name segment,
			    enum vm_reg_name reg, int prot)
{
	int err;

	end->used = true;
	end->reg = reg;
	end->prot = prot;
	err = segment_get(e->paging, e->ops, e->ctx, segment, &end->segment);
	return err ? err : e->ops->reg_get(e->ctx, reg, &end->reg_value);
}

static int string_setup(struct emul *e, struct string *s)
{
	const struct vie *vie = e->vie;
	u8 type = vie->op.op_type;
	int dst_prot = type == VIE_OP_MOVS || type == VIE_OP_STOS ? VM_PROT_WRITE : VM_PROT_READ;
	int err = 0;

	memset(s, 0, sizeof(*s));
	s->rep = vie->repz_present || vie->repnz_present;
	if (type == VIE_OP_MOVS || type == VIE_OP_CMPS || type == VIE_OP_LODS)
		err = string_end_setup(e, &s->src, vie->segment_register, VM_REG_GUEST_RSI,
				       VM_PROT_READ);
	if (!err && type != VIE_OP_LODS)
		err = string_end_setup(e, &s->dst, VM_REG_GUEST_ES, VM_REG_GUEST_RDI, dst_prot);
	if (!err)
		err = e->ops->reg_get(e->ctx, VM_REG_GUEST_RCX, &s->rcx);
	if (!err)
		err = rflags_read(e, &s->rflags);
	s->count = s->rep ? s->rcx & alu_mask(vie->addrsize) : 1;
	return err;
}

/* Step 1 for one end. An element that crosses a page is an iteration for itself. */
static int string_end_find(struct emul *e, struct string_end *end, bool first)
{
	u64 offset = end->reg_value & alu_mask(e->vie->addrsize);
	u64 gla;
	int err;

	if (!end->used)
		return 0;
	err = segment_gla(e->paging, &end->segment, offset, end->prot, e->size, &gla);
	if (err)
		return emul_raise(e, err);
	err = alignment_check(e, gla, e->size);
	if (err)
		return err;
	if (first) {
		err = operand_map(e, gla, e->size, end->prot, &end->op);
		end->mapped = !err && !end->op.bytes[1];
		end->page_gla = gla & ~(u64)PAGE_OFFSET_MASK;
		end->page_gpa = end->op.gpa[0] & ~(u64)PAGE_OFFSET_MASK;
		return err;
	}
	operand_split(&end->op, gla, e->size);
	if (!end->mapped || end->op.bytes[1] || !is_same_page(gla, end->page_gla))
		return STRING_STOP;
	end->op.gpa[0] = end->page_gpa | (gla & PAGE_OFFSET_MASK);
	return 0;
}

static int string_find(struct emul *e, struct string *s, bool first)
{
	int err;

	err = string_end_find(e, &s->src, first);
	if (!err)
		err = string_end_find(e, &s->dst, first);
	if (err || !first)
		return err;
	if (s->src.used && operand_is_faulting(e, &s->src.op))
		return 0;
	if (s->dst.used && operand_is_faulting(e, &s->dst.op))
		return 0;
	return -EAGAIN;
}

/* One element, once it is known where it is. */
static int string_element(struct emul *e, struct string *s)
{
	u64 a, b = 0;
	int err;

	switch (e->vie->op.op_type) {
	case VIE_OP_MOVS:
		err = operand_read(e, &s->src.op, &a);
		return err ? err : operand_write(e, &s->dst.op, a);
	case VIE_OP_STOS:
		err = named_read(e, VM_REG_GUEST_RAX, e->size, &a);
		return err ? err : operand_write(e, &s->dst.op, a);
	case VIE_OP_LODS:
		err = operand_read(e, &s->src.op, &a);
		return err ? err : named_write(e, VM_REG_GUEST_RAX, e->size, a);
	case VIE_OP_CMPS:
		err = operand_read(e, &s->src.op, &a);
		break;
	default:
		err = named_read(e, VM_REG_GUEST_RAX, e->size, &a);
		break;
	}
	if (!err)
		err = operand_read(e, &s->dst.op, &b);
	if (!err)
		alu_compute(VIE_OP_CMP, e->size, a, b, &s->rflags);
	return err;
}

/* REPE goes on while ZF, REPNE while not; the other three know REP alone. */
static bool string_ends(const struct emul *e, const struct string *s)
{
	bool zf = s->rflags & X86_EFLAGS_ZF;

	if (e->vie->op.op_type != VIE_OP_CMPS && e->vie->op.op_type != VIE_OP_SCAS)
		return false;
	return e->vie->repz_present ? !zf : zf;
}

/* A register used with @addrsize bytes, moved by @by. */
static u64 string_advance(int addrsize, u64 value, u64 by)
{
	u64 mask = alu_mask(addrsize);

	/* 4 bytes clear the upper half, as any 4-byte result. */
	if (addrsize == 4)
		return (value + by) & mask;
	return (value & ~mask) | ((value + by) & mask);
}

static int string_commit(struct emul *e, const struct string *s, u64 done)
{
	int err = 0;

	if (!done)
		return 0;
	if (s->src.used)
		err = e->ops->reg_set(e->ctx, s->src.reg, s->src.reg_value);
	if (!err && s->dst.used)
		err = e->ops->reg_set(e->ctx, s->dst.reg, s->dst.reg_value);
	if (!err && s->rep)
		err = e->ops->reg_set(e->ctx, VM_REG_GUEST_RCX,
				      string_advance(e->vie->addrsize, s->rcx, -done));
	if (!err && (e->vie->op.op_type == VIE_OP_CMPS || e->vie->op.op_type == VIE_OP_SCAS))
		err = rflags_write(e, s->rflags);
	return err;
}

static int string_iterate(struct emul *e, struct string *s, u64 *done)
{
	u64 step = s->rflags & X86_EFLAGS_DF ? -(u64)e->size : (u64)e->size;
	int addrsize = e->vie->addrsize;
	int err;

	for (*done = 0; s->count && *done < EMUL_REP_MAX;) {
		err = string_find(e, s, !*done);
		if (!err)
			err = string_element(e, s);
		if (err)
			return err;
		s->src.reg_value = string_advance(addrsize, s->src.reg_value, step);
		s->dst.reg_value = string_advance(addrsize, s->dst.reg_value, step);
		s->count--;
		++*done;
		if (s->rep && string_ends(e, s))
			s->count = 0;
	}
	return 0;
}

static int emulate_string(struct emul *e)
{
	struct string s;
	u64 done;
	int err, commit_err;

	err = string_setup(e, &s);
	if (err)
		return err;
	err = string_iterate(e, &s, &done);
	commit_err = string_commit(e, &s, done);
	if (err == STRING_STOP)
		err = 0;
	if (err || commit_err)
		return err ? err : commit_err;
	return s.count ? EMUL_RESTART : 0;
}

/*
 * SIMD
 */

/* #UD and #NM by control registers (SDM vol. 3, table 13-1 and 2.6; vol. 2, 2.7). */
static int simd_check(struct emul *e)
{
	bool vex = e->vie->vex_present;
	u64 cr0, cr4;
	int err;

	if (!e->ops->simd_get || !e->ops->simd_set)
		return -EOPNOTSUPP;
	err = e->ops->reg_get(e->ctx, VM_REG_GUEST_CR0, &cr0);
	if (!err)
		err = e->ops->reg_get(e->ctx, VM_REG_GUEST_CR4, &cr4);
	if (err)
		return err;
	if (vex ? !(cr4 & X86_CR4_OSXSAVE) : (cr0 & X86_CR0_EM) || !(cr4 & X86_CR4_OSFXSR))
		return emul_raise(e, VECTOR_UD);
	return cr0 & X86_CR0_TS ? emul_raise(e, VECTOR_NM) : 0;
}

/* The half that MOVLPS or MOVHPS leaves alone: the destination's, with VEX the second operand's. */
static int simd_merge(struct emul *e, u8 *buf)
{
	const struct vie *vie = e->vie;
	unsigned int number = vie->vex_present ? vie->vex_reg : vie->reg;
	u8 old[16];
	int err;

	if (vie->op.op_type == VIE_OP_SIMD_MOV)
		return 0;
	err = e->ops->simd_get(e->ctx, number, old, sizeof(old));
	if (err)
		return err;
	if (vie->op.op_type == VIE_OP_SIMD_HIGH) {
		memcpy(buf + 8, buf, 8);
		memcpy(buf, old, 8);
	} else {
		memcpy(buf + 8, old + 8, 8);
	}
	return 0;
}

static int simd_load(struct emul *e)
{
	u8 buf[SIMD_BYTES] = { 0 };
	struct operand op;
	int err;

	err = operand_find(e, &op);
	if (!err)
		err = operand_access(e, &op, buf, false);
	if (!err)
		err = simd_merge(e, buf);
	if (err)
		return err;
	/* A VEX form clears what it does not load, a legacy one does not reach above 128 bits. */
	return e->ops->simd_set(e->ctx, e->vie->reg, buf, e->vie->vex_present ? 32 : 16);
}

static int simd_store(struct emul *e)
{
	bool high = e->vie->op.op_type == VIE_OP_SIMD_HIGH;
	u8 buf[SIMD_BYTES];
	struct operand op;
	int err;

	err = e->ops->simd_get(e->ctx, e->vie->reg, buf, e->mem_size > 16 ? 32 : 16);
	if (!err)
		err = operand_find(e, &op);
	return err ? err : operand_access(e, &op, high ? buf + 8 : buf, true);
}

static int emulate_simd(struct emul *e)
{
	int err = simd_check(e);

	if (err)
		return err;
	return e->vie->op.op_flags & VIE_TO_REG ? simd_load(e) : simd_store(e);
}

/*
 * Which is it?
 */

static int emulate_misc(struct emul *e)
{
	switch (e->vie->op.op_type) {
	case VIE_OP_MOVSREG:
		return emulate_store_selector(e);
	case VIE_OP_NOP:
		return 0;
	case VIE_OP_SETCC:
		return emulate_setcc(e);
	case VIE_OP_CMOVCC:
		return emulate_cmovcc(e);
	case VIE_OP_PUSH:
		return emulate_push(e);
	case VIE_OP_POP:
		return emulate_pop(e);
	case VIE_OP_XCHG:
		return emulate_xchg(e);
	case VIE_OP_XADD:
		return emulate_xadd(e);
	case VIE_OP_CMPXCHG:
		return emulate_cmpxchg(e);
	case VIE_OP_CMPXCHG_PAIR:
		return emulate_cmpxchg_pair(e);
	}
	return -EOPNOTSUPP;
}

static int emulate(struct emul *e)
{
	switch (e->vie->op.op_type) {
	case VIE_OP_MOV:
	case VIE_OP_MOVSX:
	case VIE_OP_MOVBE:
		return emulate_mov(e);
	case VIE_OP_ADD ... VIE_OP_TEST:
	case VIE_OP_NOT ... VIE_OP_DEC:
	case VIE_OP_BT ... VIE_OP_POPCNT:
		return emulate_alu(e);
	case VIE_OP_SHLD:
	case VIE_OP_SHRD:
		return emulate_shift_double(e);
	case VIE_OP_MUL:
	case VIE_OP_IMUL1:
		return emulate_multiply(e);
	case VIE_OP_DIV:
	case VIE_OP_IDIV:
		return emulate_divide(e);
	case VIE_OP_IMUL:
		return emulate_multiply_to_reg(e);
	case VIE_OP_MOVS ... VIE_OP_SCAS:
		return emulate_string(e);
	case VIE_OP_SIMD_MOV ... VIE_OP_SIMD_HIGH:
		return emulate_simd(e);
	}
	return emulate_misc(e);
}

static int memory_size(const struct vie *vie)
{
	switch (vie->op.op_flags & VIE_MSIZE_MASK) {
	case VIE_MSIZE_1:
		return 1;
	case VIE_MSIZE_2:
		return 2;
	case VIE_MSIZE_4:
		return 4;
	case VIE_MSIZE_8:
		return 8;
	case VIE_MSIZE_16:
		return 16;
	case VIE_MSIZE_PAIR:
		return 2 * vie->opsize;
	case VIE_MSIZE_VEC:
		return vie->vex_l ? 32 : 16;
	}
	return vie->opsize;
}

/* A struct vie may not be from vie_decode(): sizes are shifted by, so they are checked. */
static bool is_size(unsigned int bytes)
{
	return bytes == 1 || bytes == 2 || bytes == 4 || bytes == 8;
}

int vie_emulate(const struct vie *vie, u64 gpa, const struct vm_guest_paging *paging,
		const struct emul_ops *ops, void *ctx)
{
	struct emul e = {
		.vie = vie,
		.paging = paging,
		.ops = ops,
		.ctx = ctx,
		.gpa = gpa,
		.size = vie->opsize,
	};

	if (!vie->decoded || !is_size(vie->opsize) || !is_size(vie->addrsize))
		return -EOPNOTSUPP;
	e.mem_size = memory_size(vie);
	if (vie->op.op_flags & VIE_READ)
		e.prot |= VM_PROT_READ;
	if (vie->op.op_flags & VIE_WRITE)
		e.prot |= VM_PROT_WRITE;
	return emulate(&e);
}
