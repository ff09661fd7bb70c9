// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * One pass over the bytes, left to right, as the processor makes it: prefixes,
 * opcode with its map, ModRM, SIB, displacement, immediate. insn_decode() is that
 * pass; it knows of each opcode no more than what follows it (decode_table.c), so
 * that it can measure every instruction. vie_decode() looks the result up in the
 * tables of what the emulator carries out.
 *
 * The bytes are the guest's and may be anything, and they may stop anywhere:
 * scan_byte() is the only place that reads them. It refuses to go beyond the
 * 15th byte, where the processor raises #GP (SDM vol. 2, 2.3.11), before it says
 * that more are needed.
 *
 * Rule: SDM vol. 2, chapter 2 and appendix A; APM vol. 3, chapter 1 and appendix A.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/string.h>
#include <linux/types.h>

#include "decode.h"
#include "decode_table.h"

#define REX_B	0x1
#define REX_X	0x2
#define REX_R	0x4
#define REX_W	0x8

/* Register numbers as encoded. */
#define RBX	3
#define RSP	4
#define RBP	5
#define RSI	6
#define RDI	7

struct scan {
	struct insn *insn;
	const u8 *bytes;
	unsigned int num_valid;
	unsigned int pos;	/* next byte */
	bool real_mode;
	bool cs_d;
	u8 attr;		/* INSN_*, known once the opcode is */
};

static int scan_peek(const struct scan *s, u8 *byte)
{
	if (s->pos >= INSN_MAX_LENGTH)
		return -EINVAL;
	if (s->pos >= s->num_valid)
		return -EAGAIN;
	*byte = s->bytes[s->pos];
	return 0;
}

static int scan_byte(struct scan *s, u8 *byte)
{
	int err = scan_peek(s, byte);

	if (!err)
		s->pos++;
	return err;
}

/* A little-endian number of @count bytes, 0 to 8, sign-extended. */
static int scan_number(struct scan *s, unsigned int count, s64 *number)
{
	unsigned int i;
	u64 value = 0;
	u8 byte = 0;
	int err;

	for (i = 0; i < count; i++) {
		err = scan_byte(s, &byte);
		if (err)
			return err;
		value |= (u64)byte << (8 * i);
	}
	if (count && count < 8 && (byte & 0x80))
		value |= ~0ULL << (8 * count);
	*number = (s64)value;
	return 0;
}

/* In 64-bit mode ES, CS, SS and DS have no base and no limit: overrides by them do nothing. */
static void prefix_segment(struct insn *insn, u8 segment)
{
	if (!insn->long_mode || segment == VM_REG_GUEST_FS || segment == VM_REG_GUEST_GS)
		insn->segment = segment;
}

static bool prefix_legacy(struct insn *insn, u8 byte)
{
	switch (byte) {
	case 0x26:
		prefix_segment(insn, VM_REG_GUEST_ES);
		return true;
	case 0x2e:
		prefix_segment(insn, VM_REG_GUEST_CS);
		return true;
	case 0x36:
		prefix_segment(insn, VM_REG_GUEST_SS);
		return true;
	case 0x3e:
		prefix_segment(insn, VM_REG_GUEST_DS);
		return true;
	case 0x64:
		prefix_segment(insn, VM_REG_GUEST_FS);
		return true;
	case 0x65:
		prefix_segment(insn, VM_REG_GUEST_GS);
		return true;
	case 0x66:
		insn->opsize_override = true;
		return true;
	case 0x67:
		insn->addrsize_override = true;
		return true;
	case 0xf0:
		insn->lock = true;
		return true;
	case 0xf2:
	case 0xf3:
		insn->repne = byte == 0xf2;
		insn->rep = byte == 0xf3;
		return true;
	}
	return false;
}

/* A REX prefix counts only directly before the opcode (SDM vol. 2, 2.2.1). */
static int scan_prefixes(struct scan *s)
{
	struct insn *insn = s->insn;
	u8 byte;
	int err;

	for (;;) {
		err = scan_peek(s, &byte);
		if (err)
			return err;
		if (insn->long_mode && (byte & 0xf0) == 0x40)
			insn->rex = byte;
		else if (prefix_legacy(insn, byte))
			insn->rex = 0;
		else
			break;
		s->pos++;
	}
	insn->prefix_len = s->pos;
	insn->ext = insn->rex & 0xf;
	if (insn->repne)
		insn->pp = 3;
	else if (insn->rep)
		insn->pp = 2;
	else if (insn->opsize_override)
		insn->pp = 1;
	return 0;
}

static void sizes_set(struct scan *s)
{
	struct insn *insn = s->insn;

	if (insn->long_mode) {
		insn->addrsize = insn->addrsize_override ? 4 : 8;
		insn->opsize = insn->opsize_override ? 2 : 4;
		if (insn->ext & REX_W)
			insn->opsize = 8;
	} else {
		insn->addrsize = s->cs_d != insn->addrsize_override ? 4 : 2;
		insn->opsize = s->cs_d != insn->opsize_override ? 4 : 2;
	}
}

static bool has_vex_imm8(u8 opcode)
{
	switch (opcode) {
	case 0x70 ... 0x73:
	case 0xc2:
	case 0xc4 ... 0xc6:
		return true;
	}
	return false;
}

/* VEX and EVEX agree on what follows, but for VZEROUPPER, which EVEX has not. */
static u8 vector_attr(const struct insn *insn)
{
	if (insn->map == 3)
		return INSN_MODRM | INSN_IMM_8;
	if (insn->map != 1)
		return INSN_MODRM;
	if (insn->opcode == 0x77)
		return insn->encoding == INSN_VEX ? 0 : INSN_UNDEFINED;
	return has_vex_imm8(insn->opcode) ? INSN_MODRM | INSN_IMM_8 : INSN_MODRM;
}

static u8 xop_attr(const struct insn *insn)
{
	switch (insn->map) {
	case 8:
		return INSN_MODRM | INSN_IMM_8;
	case 9:
		return INSN_MODRM;
	case 10:
		return INSN_MODRM | INSN_IMM_32;
	}
	return INSN_UNDEFINED;
}

/* The part that VEX3, XOP and EVEX share: ~R ~X ~B map, then W ~vvvv L pp. */
static void vector_fields(struct insn *insn, u8 p0, u8 p1)
{
	insn->ext = (~p0 >> 5) & (REX_R | REX_X | REX_B);
	insn->ext |= (p1 & 0x80) ? REX_W : 0;
	insn->vvvv = (~p1 >> 3) & 0xf;
	insn->pp = p1 & 3;
	/* Outside 64-bit mode there are eight registers, and W is ignored. */
	if (!insn->long_mode)
		insn->ext = 0;
}

static int scan_vex2(struct scan *s)
{
	struct insn *insn = s->insn;
	u8 p1;
	int err;

	err = scan_byte(s, &p1);
	if (err)
		return err;
	insn->map = 1;
	/* Here the top bit is ~R, and the other bits are those of the longer form. */
	vector_fields(insn, (p1 & 0x80) | 0x60, p1 & 0x7f);
	insn->vector_len = (p1 >> 2) & 1;
	return 0;
}

static int scan_vex3(struct scan *s)
{
	struct insn *insn = s->insn;
	u8 p0, p1;
	int err;

	err = scan_byte(s, &p0);
	if (!err)
		err = scan_byte(s, &p1);
	if (err)
		return err;
	insn->map = p0 & 0x1f;
	vector_fields(insn, p0, p1);
	insn->vector_len = (p1 >> 2) & 1;
	if (insn->encoding == INSN_VEX && (insn->map < 1 || insn->map > 3))
		return -EINVAL;
	return 0;
}

static int scan_evex(struct scan *s)
{
	struct insn *insn = s->insn;
	u8 p0, p1, p2;
	int err;

	err = scan_byte(s, &p0);
	if (!err)
		err = scan_byte(s, &p1);
	if (!err)
		err = scan_byte(s, &p2);
	if (err)
		return err;
	insn->map = p0 & 7;
	vector_fields(insn, p0, p1);
	insn->vector_len = (p2 >> 5) & 3;
	if ((p0 & 0x08) || !(p1 & 0x04) || insn->map == 0 || insn->map == 4 || insn->map == 7)
		return -EINVAL;
	return 0;
}

/*
 * LES, LDS, BOUND and POP share their first byte with VEX, EVEX and XOP; the next
 * one tells. Real mode has none of the three.
 */
static int scan_introducer(const struct scan *s, u8 first, u8 *encoding)
{
	u8 next;
	int err;

	*encoding = INSN_LEGACY;
	if (first != 0xc4 && first != 0xc5 && first != 0x62 && first != 0x8f)
		return 0;
	err = scan_peek(s, &next);
	if (err)
		return err;
	if (first == 0x8f) {
		if (next & 0x38)	/* POP is reg 0 alone */
			*encoding = INSN_XOP;
	} else if (s->insn->long_mode || next >= 0xc0) {
		*encoding = first == 0x62 ? INSN_EVEX : INSN_VEX;
	}
	return 0;
}

static int scan_vector(struct scan *s, u8 first)
{
	struct insn *insn = s->insn;
	int err;

	if (s->real_mode || insn->rex || insn->pp || insn->opsize_override || insn->lock)
		return -EINVAL;
	if (first == 0x62)
		err = scan_evex(s);
	else if (first == 0xc5)
		err = scan_vex2(s);
	else
		err = scan_vex3(s);
	if (!err)
		err = scan_byte(s, &insn->opcode);
	if (err)
		return err;
	s->attr = insn->encoding == INSN_XOP ? xop_attr(insn) : vector_attr(insn);
	return 0;
}

static u8 map1_attr(const struct insn *insn)
{
	/* The two exceptions to "a mandatory prefix changes nothing about the length". */
	if (insn->opcode == 0x78 && (insn->pp == 1 || insn->pp == 3))
		return INSN_MODRM | INSN_IMM_8_8;
	if (insn->opcode == 0xb8 && insn->pp != 2)
		return INSN_UNDEFINED;
	return insn_attr_map1[insn->opcode];
}

static int scan_escape(struct scan *s)
{
	struct insn *insn = s->insn;
	int err;

	err = scan_byte(s, &insn->opcode);
	if (err)
		return err;
	if (insn->opcode == 0x38 || insn->opcode == 0x3a) {
		insn->map = insn->opcode == 0x38 ? 2 : 3;
		s->attr = INSN_MODRM | (insn->map == 3 ? INSN_IMM_8 : 0);
		return scan_byte(s, &insn->opcode);
	}
	insn->map = 1;
	if (insn->opcode == 0x0f)
		insn->encoding = INSN_3DNOW;
	s->attr = map1_attr(insn);
	return 0;
}

static int scan_opcode(struct scan *s)
{
	struct insn *insn = s->insn;
	u8 first;
	int err;

	err = scan_byte(s, &first);
	if (!err)
		err = scan_introducer(s, first, &insn->encoding);
	if (err)
		return err;
	if (insn->encoding != INSN_LEGACY)
		return scan_vector(s, first);
	if (first == 0x0f)
		return scan_escape(s);
	insn->opcode = first;
	s->attr = insn_attr_map0[first];
	return 0;
}

/* MOV to and from control and debug registers: mod is ignored (SDM vol. 2, MOV). */
static bool is_mov_special(const struct insn *insn)
{
	return insn->encoding == INSN_LEGACY && insn->map == 1 && (insn->opcode & 0xfc) == 0x20;
}

static void modrm_16(struct insn *insn)
{
	static const u8 bases[8] = { RBX, RBX, RBP, RBP, RSI, RDI, RBP, RBX };
	static const u8 indexes[4] = { RSI, RDI, RSI, RDI };
	unsigned int rm = insn->rm & 7;

	if (insn->mod == 0 && rm == 6) {
		insn->disp_bytes = 2;
		return;
	}
	insn->base = bases[rm];
	if (rm < 4)
		insn->index = indexes[rm];
	insn->disp_bytes = insn->mod;	/* 0, 1 or 2 */
}

static int scan_sib(struct scan *s)
{
	struct insn *insn = s->insn;
	unsigned int index;
	int err;

	err = scan_byte(s, &insn->sib);
	if (err)
		return err;
	index = ((insn->sib >> 3) & 7) | ((insn->ext & REX_X) ? 8 : 0);
	if (index != RSP)
		insn->index = index;
	if (insn->mod == 0 && (insn->sib & 7) == RBP)
		insn->disp_bytes = 4;
	else
		insn->base = (insn->sib & 7) | ((insn->ext & REX_B) ? 8 : 0);
	return 0;
}

static int modrm_32(struct scan *s)
{
	struct insn *insn = s->insn;

	if (insn->mod == 1)
		insn->disp_bytes = 1;
	else if (insn->mod == 2)
		insn->disp_bytes = 4;

	if ((insn->rm & 7) == RSP)
		return scan_sib(s);
	if (insn->mod == 0 && (insn->rm & 7) == RBP) {
		insn->disp_bytes = 4;
		insn->rip_relative = insn->long_mode;
		return 0;
	}
	insn->base = insn->rm;
	return 0;
}

static int scan_modrm(struct scan *s)
{
	struct insn *insn = s->insn;
	u8 modrm;
	int err;

	if (!(s->attr & INSN_MODRM))
		return 0;
	err = scan_byte(s, &modrm);
	if (err)
		return err;
	insn->has_modrm = true;
	insn->mod = modrm >> 6;
	insn->reg = ((modrm >> 3) & 7) | ((insn->ext & REX_R) ? 8 : 0);
	insn->rm = (modrm & 7) | ((insn->ext & REX_B) ? 8 : 0);
	if (is_mov_special(insn))
		insn->mod = 3;
	if (insn->mod == 3)
		return 0;
	if (insn->addrsize == 2)
		modrm_16(insn);
	else
		err = modrm_32(s);
	return err ? err : scan_number(s, insn->disp_bytes, &insn->disp);
}

/* TEST alone of group 3 has an immediate. */
static bool is_group3_test(const struct insn *insn)
{
	return insn->encoding == INSN_LEGACY && insn->map == 0 && (insn->opcode & 0xfe) == 0xf6 &&
	       !(insn->reg & 6);
}

static unsigned int imm_bytes(const struct scan *s)
{
	const struct insn *insn = s->insn;
	unsigned int z_bytes = insn->opsize == 2 ? 2 : 4;

	if (is_group3_test(insn))
		return insn->opcode & 1 ? z_bytes : 1;
	switch (s->attr & INSN_IMM_MASK) {
	case INSN_IMM_8:
		return 1;
	case INSN_IMM_16:
	case INSN_IMM_8_8:
		return 2;
	case INSN_IMM_Z:
		return z_bytes;
	case INSN_IMM_V:
		return insn->opsize;
	case INSN_IMM_16_8:
		return 3;
	case INSN_IMM_FAR:
		return z_bytes + 2;
	case INSN_IMM_32:
		return 4;
	}
	return 0;
}

static int scan_immediate(struct scan *s)
{
	struct insn *insn = s->insn;

	if ((s->attr & INSN_IMM_MASK) == INSN_IMM_MOFFS) {
		insn->disp_bytes = insn->addrsize;
		return scan_number(s, insn->disp_bytes, &insn->disp);
	}
	insn->imm_bytes = imm_bytes(s);
	return scan_number(s, insn->imm_bytes, &insn->imm);
}

/* Which reg fields of a group may be locked; all, if it is not a group. */
static u8 lock_reg_mask(const struct insn *insn)
{
	if (insn->map == 1) {
		if (insn->opcode == 0xba)
			return 0xe0;	/* BTS BTR BTC */
		return insn->opcode == 0xc7 ? 0x02 : 0xff;	/* CMPXCHG8B */
	}
	switch (insn->opcode) {
	case 0x80 ... 0x83:
		return 0x7f;		/* not CMP */
	case 0xf6:
	case 0xf7:
		return 0x0c;		/* NOT NEG */
	case 0xfe:
	case 0xff:
		return 0x03;		/* INC DEC */
	}
	return 0xff;
}

/* SDM vol. 2, LOCK. AMD reads LOCK MOV CR0 as MOV CR8 (APM vol. 3, MOV CRn). */
static bool is_lock_legal(const struct scan *s)
{
	const struct insn *insn = s->insn;

	if (insn->encoding != INSN_LEGACY || !(s->attr & INSN_LOCKABLE))
		return false;
	if (is_mov_special(insn))
		return insn->reg == 0;
	return insn->mod != 3 && (lock_reg_mask(insn) & BIT(insn->reg & 7));
}

int insn_decode(struct insn *insn, const u8 *bytes, unsigned int num_valid,
		enum vm_cpu_mode cpu_mode, bool cs_d)
{
	struct scan s = {
		.insn = insn,
		.bytes = bytes,
		.num_valid = num_valid,
		.real_mode = cpu_mode == CPU_MODE_REAL,
		.cs_d = cs_d,
	};
	int err;

	*insn = (struct insn){
		.long_mode = cpu_mode == CPU_MODE_64BIT,
		.segment = 0xff,
		.base = INSN_NO_REG,
		.index = INSN_NO_REG,
	};
	err = scan_prefixes(&s);
	if (!err)
		err = scan_opcode(&s);
	if (err)
		return err;
	if ((s.attr & INSN_UNDEFINED) || ((s.attr & INSN_NOT64) && insn->long_mode))
		return -EINVAL;

	sizes_set(&s);
	err = scan_modrm(&s);
	if (!err)
		err = scan_immediate(&s);
	if (err)
		return err;
	if (insn->lock && !is_lock_legal(&s))
		return -EINVAL;
	insn->length = s.pos;
	return insn->length;
}

int insn_length(const u8 *bytes, unsigned int num_valid, enum vm_cpu_mode cpu_mode, bool cs_d)
{
	struct insn insn;

	return insn_decode(&insn, bytes, num_valid, cpu_mode, cs_d);
}

enum vm_reg_name insn_register(unsigned int number)
{
	static const u8 names[16] = {
		VM_REG_GUEST_RAX, VM_REG_GUEST_RCX, VM_REG_GUEST_RDX, VM_REG_GUEST_RBX,
		VM_REG_GUEST_RSP, VM_REG_GUEST_RBP, VM_REG_GUEST_RSI, VM_REG_GUEST_RDI,
		VM_REG_GUEST_R8, VM_REG_GUEST_R9, VM_REG_GUEST_R10, VM_REG_GUEST_R11,
		VM_REG_GUEST_R12, VM_REG_GUEST_R13, VM_REG_GUEST_R14, VM_REG_GUEST_R15,
	};

	return names[number & 15];
}

void vie_init(struct vie *vie, const u8 *bytes, unsigned int num_valid)
{
	memset(vie, 0, sizeof(*vie));
	if (num_valid > VIE_INST_SIZE)
		num_valid = VIE_INST_SIZE;
	if (num_valid)
		memcpy(vie->inst, bytes, num_valid);
	vie->num_valid = num_valid;
	vie_restart(vie);
}

void vie_restart(struct vie *vie)
{
	size_t keep = offsetof(struct vie, num_processed);

	memset((u8 *)vie + keep, 0, sizeof(*vie) - keep);
	vie->base_register = VM_REG_LAST;
	vie->index_register = VM_REG_LAST;
	vie->segment_register = VM_REG_LAST;
}

static u8 vie_opsize(const struct insn *insn, u16 flags)
{
	if (flags & VIE_BYTE)
		return 1;
	if (flags & VIE_SIZE_W)
		return insn->ext & REX_W ? 8 : 4;
	if ((flags & VIE_DEF64) && insn->long_mode && insn->opsize == 4)
		return 8;
	return insn->opsize;
}

/* Is this form of a known operation one the processor has? */
static int vie_check(const struct insn *insn, const struct vie_op *op)
{
	u16 flags = op->op_flags;

	if (!(flags & VIE_MEM_IMPLIED) && insn->mod == 3)
		return -EOPNOTSUPP;	/* no memory operand */
	if (insn->encoding == INSN_LEGACY && insn->map == 0 && insn->opcode == 0x63 &&
	    !insn->long_mode)
		return -EOPNOTSUPP;	/* ARPL */
	if (op->op_type == VIE_OP_MOVSREG && (insn->reg & 7) > 5)
		return -EINVAL;
	/* A VEX.vvvv that names no operand must be 1111b (SDM vol. 2, 2.3.5.6). */
	if (insn->encoding == INSN_VEX && insn->vvvv && !(flags & VIE_DST_VVVV) &&
	    (flags & VIE_SRC_MASK) != VIE_SRC_VVVV)
		return -EINVAL;
	return 0;
}

static bool is_string_to_es(u8 op_type)
{
	return op_type == VIE_OP_STOS || op_type == VIE_OP_SCAS;
}

static bool is_string(u8 op_type)
{
	return op_type >= VIE_OP_MOVS && op_type <= VIE_OP_SCAS;
}

static void vie_set_prefixes(struct vie *vie, const struct insn *insn)
{
	vie->rex_w = !!(insn->ext & REX_W);
	vie->rex_r = !!(insn->ext & REX_R);
	vie->rex_x = !!(insn->ext & REX_X);
	vie->rex_b = !!(insn->ext & REX_B);
	vie->rex_present = !!insn->rex;
	vie->repz_present = insn->rep;
	vie->repnz_present = insn->repne;
	vie->opsize_override = insn->opsize_override;
	vie->addrsize_override = insn->addrsize_override;
	vie->segment_override = insn->segment != 0xff;
	vie->vex_present = insn->encoding == INSN_VEX;
	vie->vex_l = insn->vector_len;
	vie->vex_reg = insn->long_mode ? insn->vvvv : insn->vvvv & 7;
	vie->vex_pp = vie->vex_present ? insn->pp : 0;
}

static void vie_set_address(struct vie *vie, const struct insn *insn)
{
	bool on_stack = insn->base == RSP || insn->base == RBP;

	vie->mod = insn->mod;
	vie->reg = insn->reg;
	vie->rm = insn->rm;
	vie->disp_bytes = insn->disp_bytes;
	vie->displacement = insn->disp;
	vie->ss = insn->sib >> 6;
	vie->scale = 1 << vie->ss;
	if (insn->base != INSN_NO_REG) {
		vie->base = insn->base;
		vie->base_register = insn_register(insn->base);
	} else if (insn->rip_relative) {
		vie->base_register = VM_REG_GUEST_RIP;
	}
	if (insn->index != INSN_NO_REG) {
		vie->index = insn->index;
		vie->index_register = insn_register(insn->index);
	}
	if (vie->segment_override)
		vie->segment_register = insn->segment;
	else
		vie->segment_register = on_stack ? VM_REG_GUEST_SS : VM_REG_GUEST_DS;
}

/* The operand that the address of a string instruction is told by: the source, or the only one. */
static void vie_set_string(struct vie *vie)
{
	if (!is_string(vie->op.op_type))
		return;
	vie->base_register = VM_REG_GUEST_RSI;
	if (is_string_to_es(vie->op.op_type)) {
		vie->base_register = VM_REG_GUEST_RDI;
		vie->segment_register = VM_REG_GUEST_ES;
	}
}

int vie_decode(struct vie *vie, enum vm_cpu_mode cpu_mode, bool cs_d)
{
	const struct vie_op *op;
	struct insn insn;
	int ret;

	vie_restart(vie);
	if (vie->num_valid > VIE_INST_SIZE)
		return -EINVAL;
	ret = insn_decode(&insn, vie->inst, vie->num_valid, cpu_mode, cs_d);
	if (ret < 0)
		return ret;
	op = vie_op_find(&insn);
	if (!op)
		return -EOPNOTSUPP;
	ret = vie_check(&insn, op);
	if (ret)
		return ret;

	vie->op = *op;
	vie->op.op_byte = insn.opcode;
	vie->addrsize = insn.addrsize;
	vie->opsize = vie_opsize(&insn, op->op_flags);
	vie_set_prefixes(vie, &insn);
	vie_set_address(vie, &insn);
	vie_set_string(vie);
	vie->imm_bytes = insn.imm_bytes;
	vie->immediate = insn.imm;
	vie->num_processed = insn.length;
	vie->decoded = 1;
	return 0;
}

bool vie_is_plain_mov(const struct vie *vie, enum vm_cpu_mode cpu_mode)
{
	u16 flags = vie->op.op_flags, source = flags & VIE_SRC_MASK;

	return cpu_mode == CPU_MODE_64BIT && vie->op.op_type == VIE_OP_MOV && vie->opsize == 4 &&
	       vie->addrsize == 8 && !vie->segment_override &&
	       !(flags & (VIE_MSIZE_MASK | VIE_MEM_IMPLIED)) &&
	       (source == VIE_SRC_REG || source == VIE_SRC_IMM);
}
