/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * decode: from instruction bytes to a struct vie, and to a length. Free of
 * hardware and of kernel context; the same file runs in the module, in KUnit
 * and in user space. Nothing here takes a lock, allocates, sleeps or keeps
 * state outside its arguments, so every function may be called in any context.
 */
#ifndef VMM_X86_DECODE_H
#define VMM_X86_DECODE_H

#include <linux/types.h>
#include <machine/vmm.h>

#define INSN_MAX_LENGTH	VIE_INST_SIZE	/* longest instruction, bytes */
#define INSN_NO_REG	0xff		/* struct insn: no such register */

/* How an opcode is introduced. */
enum insn_encoding {
	INSN_LEGACY,
	INSN_VEX,
	INSN_EVEX,
	INSN_XOP,
	INSN_3DNOW,
};

/*
 * struct vie_op.op_type: what the emulator does. The numbers stay clear of the
 * low ones that other emulators use for theirs, so that a foreign copy refuses
 * the instruction and does not carry out another one. The groups of eight are in
 * the order of the reg field of their opcode group.
 */
enum vie_op_type {
	VIE_OP_NONE = 0,

	VIE_OP_MOV = 0x40,	/* also MOVZX */
	VIE_OP_MOVSX,
	VIE_OP_MOVBE,
	VIE_OP_MOVSREG,		/* segment register to memory */
	VIE_OP_NOP,		/* prefetches, cache line flushes, hints */
	VIE_OP_SETCC,
	VIE_OP_CMOVCC,
	VIE_OP_PUSH,
	VIE_OP_POP,

	VIE_OP_ADD = 0x50,
	VIE_OP_OR,
	VIE_OP_ADC,
	VIE_OP_SBB,
	VIE_OP_AND,
	VIE_OP_SUB,
	VIE_OP_XOR,
	VIE_OP_CMP,
	VIE_OP_ROL = 0x58,
	VIE_OP_ROR,
	VIE_OP_RCL,
	VIE_OP_RCR,
	VIE_OP_SHL,
	VIE_OP_SHR,
	VIE_OP_SAL,		/* the undocumented twin of SHL */
	VIE_OP_SAR,
	VIE_OP_TEST = 0x60,
	VIE_OP_NOT = 0x62,
	VIE_OP_NEG,
	VIE_OP_INC,
	VIE_OP_DEC,
	VIE_OP_SHLD,
	VIE_OP_SHRD,
	VIE_OP_BT = 0x68,
	VIE_OP_BTS,
	VIE_OP_BTR,
	VIE_OP_BTC,
	VIE_OP_ANDN,
	VIE_OP_BEXTR,
	VIE_OP_BZHI,
	VIE_OP_BLSR,
	VIE_OP_BLSMSK,
	VIE_OP_BLSI,
	VIE_OP_SHLX,
	VIE_OP_SHRX,
	VIE_OP_SARX,
	VIE_OP_RORX,
	VIE_OP_BSF,
	VIE_OP_BSR,
	VIE_OP_POPCNT,

	VIE_OP_MUL = 0x80,	/* one operand: the product in rDX:rAX */
	VIE_OP_IMUL1,
	VIE_OP_DIV,
	VIE_OP_IDIV,
	VIE_OP_IMUL,		/* two and three operands */

	VIE_OP_XCHG = 0x88,
	VIE_OP_XADD,
	VIE_OP_CMPXCHG,
	VIE_OP_CMPXCHG_PAIR,	/* CMPXCHG8B, CMPXCHG16B */

	VIE_OP_MOVS = 0x90,
	VIE_OP_CMPS,
	VIE_OP_STOS,
	VIE_OP_LODS,
	VIE_OP_SCAS,

	VIE_OP_SIMD_MOV = 0x98,	/* a load clears what it does not fill of 128 bits */
	VIE_OP_SIMD_LOW,	/* a load fills bits 63:0 and keeps 127:64 */
	VIE_OP_SIMD_HIGH,	/* bits 127:64, a load keeps 63:0 */
};

/*
 * struct vie_op.op_flags. The memory operand's size and what happens to it, and
 * where the other operand is.
 */
#define VIE_MSIZE_OP		0	/* vie.opsize */
#define VIE_MSIZE_1		1
#define VIE_MSIZE_2		2
#define VIE_MSIZE_4		3
#define VIE_MSIZE_8		4
#define VIE_MSIZE_16		5
#define VIE_MSIZE_PAIR		6	/* twice vie.opsize */
#define VIE_MSIZE_VEC		7	/* 16, or 32 with VEX.L */
#define VIE_MSIZE_MASK		0x0007
#define VIE_READ		0x0008	/* the memory operand is read */
#define VIE_WRITE		0x0010	/* the memory operand is written */
#define VIE_TO_REG		0x0020	/* the register is the destination */
#define VIE_ALIGNED		0x0040	/* #GP unless aligned to its size */
#define VIE_BYTE		0x0080	/* operand size 1 */
#define VIE_DEF64		0x0100	/* operand size 8, or 2, in 64-bit mode */
#define VIE_SIZE_W		0x0200	/* operand size 8 or 4 by W alone */
#define VIE_SRC_REG		0x0000	/* vie.reg */
#define VIE_SRC_IMM		0x0400	/* vie.immediate */
#define VIE_SRC_ONE		0x0800
#define VIE_SRC_CL		0x0c00
#define VIE_SRC_ACC		0x1000	/* AL, AX, EAX or RAX */
#define VIE_SRC_VVVV		0x1400	/* vie.vex_reg */
#define VIE_SRC_MASK		0x1c00
#define VIE_BITSTRING		0x2000	/* vie.reg is a bit offset */
#define VIE_DST_VVVV		0x4000	/* vie.vex_reg is the destination */
#define VIE_MEM_IMPLIED		0x8000	/* no ModRM: a string, or moffs */

/**
 * vie_init - prepare a struct vie for vie_decode()
 * @vie: filled in completely
 * @bytes: what was fetched at the instruction pointer; may be NULL if @num_valid
 *	is 0
 * @num_valid: how many, 0 to VIE_INST_SIZE; more are ignored
 */
void vie_init(struct vie *vie, const u8 *bytes, unsigned int num_valid);

/**
 * vie_restart - back to the state after vie_init(), to decode again
 * @vie: keeps its bytes
 */
void vie_restart(struct vie *vie);

/**
 * vie_decode - decode one instruction that accesses memory
 * @vie: from vie_init(); decoded again from its first byte on every call
 * @cpu_mode: mode of the vCPU at the fault
 * @cs_d: CS.D; ignored in 64-bit mode
 *
 * Knows the instructions that vie_emulate() carries out, with a memory operand.
 *
 * Return: 0: vie->decoded is 1, vie->num_processed is the length in bytes.
 * -EAGAIN: the bytes end before the instruction does. -EOPNOTSUPP: not one of
 * those. -EINVAL: not an instruction (over 15 bytes, an undefined opcode, LOCK
 * where it is not allowed): the processor would have raised #UD or #GP. After
 * an error @vie is as after vie_init().
 * Rule: SDM vol. 2, chapter 2 and appendix A; APM vol. 3, chapter 1 and
 * appendix A.
 */
int vie_decode(struct vie *vie, enum vm_cpu_mode cpu_mode, bool cs_d);

/**
 * vie_is_plain_mov - a MOV of 32 bits in 64-bit code, without special cases
 * @vie: decoded
 * @cpu_mode: for which
 *
 * One between memory and a register (vie->reg), or of a constant to memory, whose address is that of
 * ModRM with 64 bits and no segment base: base, index, scale and displacement.
 */
bool vie_is_plain_mov(const struct vie *vie, enum vm_cpu_mode cpu_mode);

/**
 * insn_length - length of any instruction
 * @bytes: what was fetched at the instruction pointer
 * @num_valid: how many; not one byte behind them, nor behind the 15th, is read
 * @cpu_mode: mode of the vCPU
 * @cs_d: CS.D; ignored in 64-bit mode
 *
 * All opcode maps, incl. VEX, EVEX, XOP and 3DNow. Used where the processor does
 * not save the next RIP, which are AMD's older ones; so near branches follow
 * AMD's rule (prefix 66 means a 16-bit displacement in 64-bit mode as well).
 *
 * Return: 1 to 15; -EAGAIN if @num_valid bytes do not hold all of it; -EINVAL if
 * no instruction starts so: an opcode or an encoding that no processor defines,
 * a LOCK prefix on what cannot be locked, or more than 15 bytes. What is
 * undefined by its ModRM byte alone may be given a length.
 */
int insn_length(const u8 *bytes, unsigned int num_valid, enum vm_cpu_mode cpu_mode, bool cs_d);

/*
 * An instruction taken to pieces, whatever it does. What a CPU without decode
 * assists leaves to be found, and what vie_decode() starts from.
 */
struct insn {
	u8 length;
	u8 prefix_len;		/* legacy and REX prefixes */
	u8 map;			/* 0: one byte, 1: 0F, 2: 0F 38, 3: 0F 3A; 5, 6: EVEX; 8 to 10: XOP */
	u8 opcode;		/* in that map; 3DNow: 0F in map 1, its suffix in imm */
	bool has_modrm;
	u8 mod, reg, rm;	/* reg and rm with REX.R and REX.B, or their VEX counterparts */
	u8 rex;			/* the REX prefix, 0: none */
	bool opsize_override, addrsize_override;
	bool rep, repne;	/* F3 or F2, the last one counts: never both */
	bool lock;
	u8 segment;		/* enum vm_reg_name of an override in effect, or 0xff */

	bool long_mode;		/* decoded for 64-bit mode */
	u8 encoding;		/* enum insn_encoding */
	u8 ext;			/* W, R, X, B as in the low bits of REX, from REX or VEX */
	u8 pp;			/* mandatory prefix: 0 none, 1 66, 2 F3, 3 F2 */
	u8 vvvv;		/* VEX, EVEX, XOP: as encoded, complement undone */
	u8 vector_len;		/* 0: 128, 1: 256, 2: 512 bits */

	u8 opsize;		/* 2, 4 or 8, before defaults of single instructions */
	u8 addrsize;		/* 2, 4 or 8 */

	u8 base, index;		/* register number 0 to 15, or INSN_NO_REG */
	u8 sib;			/* as encoded; 0: none */
	bool rip_relative;	/* no base: displacement from the next instruction */
	u8 disp_bytes;		/* 0, 1, 2, 4, and 8 for an absolute address (A0 to A3) */
	u8 imm_bytes;		/* all immediates together: 0, 1, 2, 3, 4, 6 or 8 */
	s64 disp;		/* sign-extended; EVEX: not scaled */
	s64 imm;		/* sign-extended from imm_bytes */
};

/**
 * insn_decode - insn_length(), and the pieces
 * @insn: out; valid if the return value is above 0
 *
 * Parameters and return value otherwise as insn_length().
 */
int insn_decode(struct insn *insn, const u8 *bytes, unsigned int num_valid,
		enum vm_cpu_mode cpu_mode, bool cs_d);

/**
 * insn_register - name of a general register by its number in an encoding
 * @number: 0 (RAX) to 15 (R15); higher bits are ignored
 */
enum vm_reg_name insn_register(unsigned int number);

#endif
