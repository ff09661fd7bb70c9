// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * Accesses to guest-physical addresses where there is neither memory nor a device: reads give all ones, writes are lost. Systems probe such
 * addresses with plain moves, so those are what is emulated; anything else there ends the machine.
 */
#include <stdbool.h>
#include <string.h>

#include "complain.h"
#include "exit.h"
#include "machine.h"

/* A move between a register and memory, as far as it matters when the memory reads all ones. */
struct move {
	unsigned int	length;		/* of the instruction, bytes */
	bool		load;		/* memory to register */
	bool		sign;		/* a narrow load is sign-extended */
	int		reg;		/* number in the instruction, 0 to 15 */
	bool		high;		/* AH, CH, DH or BH */
	unsigned int	bytes;		/* read from memory */
	unsigned int	reg_bytes;	/* written to the register */
};

/* Prefixes, and the bytes behind them. */
struct cursor {
	const uint8_t	*bytes;
	unsigned int	at, count;
	bool		long_mode;
	bool		operand16;	/* operand size 16 bits unless REX.W */
	unsigned int	address_bytes;
	uint8_t		rex;
};

static const int registers[] = {
	VM_REG_GUEST_RAX, VM_REG_GUEST_RCX, VM_REG_GUEST_RDX, VM_REG_GUEST_RBX, VM_REG_GUEST_RSP, VM_REG_GUEST_RBP, VM_REG_GUEST_RSI,
	VM_REG_GUEST_RDI, VM_REG_GUEST_R8, VM_REG_GUEST_R9, VM_REG_GUEST_R10, VM_REG_GUEST_R11, VM_REG_GUEST_R12, VM_REG_GUEST_R13,
	VM_REG_GUEST_R14, VM_REG_GUEST_R15,
};

/* The next byte; behind the last one, one that is no opcode here. */
static uint8_t byte_take(struct cursor *cursor)
{
	unsigned int at = cursor->at++;

	return at < cursor->count ? cursor->bytes[at] : 0x0e;
}

static void prefixes_take(struct cursor *cursor, bool code32)
{
	bool override_operand = false, override_address = false;
	uint8_t byte;

	for (;;) {
		byte = byte_take(cursor);
		if (byte == 0x66)
			override_operand = true;
		else if (byte == 0x67)
			override_address = true;
		else if (cursor->at > cursor->count || memchr("\x26\x2e\x36\x3e\x64\x65\xf2\xf3", byte, 8) == NULL)
			break;
	}
	if (cursor->long_mode && (byte & 0xf0) == 0x40)
		cursor->rex = byte;
	else
		cursor->at--;
	cursor->operand16 = (cursor->long_mode || code32) == override_operand;
	if (cursor->long_mode)
		cursor->address_bytes = override_address ? 4 : 8;
	else
		cursor->address_bytes = code32 != override_address ? 4 : 2;
}

static unsigned int operand_bytes(const struct cursor *cursor)
{
	return cursor->rex & 8 ? 8 : cursor->operand16 ? 2 : 4;
}

/* Skips ModRM's memory operand, and gives its register field. */
static int modrm_take(struct cursor *cursor)
{
	uint8_t modrm = byte_take(cursor), sib = 0;
	unsigned int mod = modrm >> 6, rm = modrm & 7;

	if (cursor->address_bytes == 2) {
		cursor->at += mod == 1 ? 1 : mod == 2 || (mod == 0 && rm == 6) ? 2 : 0;
	} else {
		if (rm == 4)
			sib = byte_take(cursor);
		if (mod == 2 || (mod == 0 && (rm == 5 || (rm == 4 && (sib & 7) == 5))))
			cursor->at += 4;
		else if (mod == 1)
			cursor->at += 1;
	}
	return (modrm >> 3 & 7) | (cursor->rex & 4 ? 8 : 0);
}

/* Two-byte opcodes: MOVZX and MOVSX. */
static bool extension_decode(struct cursor *cursor, struct move *move)
{
	uint8_t opcode = byte_take(cursor);

	if ((opcode & 0xf6) != 0xb6)
		return false;
	move->load = true;
	move->sign = opcode & 8;
	move->bytes = opcode & 1 ? 2 : 1;
	move->reg_bytes = operand_bytes(cursor);
	move->reg = modrm_take(cursor);
	return true;
}

static bool opcode_decode(struct cursor *cursor, struct move *move)
{
	uint8_t opcode = byte_take(cursor);

	if (opcode == 0x0f)
		return extension_decode(cursor, move);
	move->bytes = opcode & 1 ? operand_bytes(cursor) : 1;
	move->reg_bytes = move->bytes;
	if ((opcode & 0xfc) == 0x88) {			/* register and memory */
		move->load = opcode & 2;
		move->reg = modrm_take(cursor);
		move->high = move->bytes == 1 && cursor->rex == 0 && move->reg >= 4;
	} else if ((opcode & 0xfc) == 0xa0) {		/* accumulator and memory */
		move->load = !(opcode & 2);
		cursor->at += cursor->address_bytes;
	} else if ((opcode & 0xfe) == 0xc6) {		/* immediate to memory */
		modrm_take(cursor);
		cursor->at += move->bytes == 8 ? 4 : move->bytes;
	} else {
		return false;
	}
	return true;
}

static bool move_decode(struct move *move, const struct vm_exit *exit)
{
	struct cursor cursor = {
		.bytes = exit->u.inst_emul.vie.inst, .count = exit->u.inst_emul.vie.num_valid,
		.long_mode = exit->u.inst_emul.paging.cpu_mode == CPU_MODE_64BIT,
	};

	memset(move, 0, sizeof(*move));
	if (cursor.count > VIE_INST_SIZE)
		return false;
	prefixes_take(&cursor, exit->u.inst_emul.cs_d);
	if (!opcode_decode(&cursor, move) || cursor.at > cursor.count)
		return false;
	move->length = cursor.at;
	return true;
}

static int load(struct vcpu *vcpu, const struct move *move)
{
	int reg = registers[move->high ? move->reg - 4 : move->reg], shift = move->high ? 8 : 0;
	uint64_t mask = move->reg_bytes == 8 ? ~0ul : (1ul << (8 * move->reg_bytes)) - 1;
	uint64_t value = move->sign || move->bytes == 8 ? ~0ul : (1ul << (8 * move->bytes)) - 1, old = 0;

	if (move->reg_bytes < 4 && vm_get_register(vcpu, reg, &old) != 0)
		return -1;
	return vm_set_register(vcpu, reg, (old & ~(mask << shift)) | (value & mask) << shift);
}

enum cpu_verdict mmio_emulate(struct cpu *cpu, struct vm_exit *exit)
{
	struct move move;

	if (!move_decode(&move, exit)) {
		complain("vCPU %d: an instruction other than a move accesses guest-physical address %#lx, where nothing is", cpu->id,
			 (unsigned long)exit->u.inst_emul.gpa);
		return CPU_DEAD;
	}
	if (move.load && load(cpu->vcpu, &move) != 0)
		return exit_request_failed(cpu, "writing a register");
	if (!exit->u.inst_emul.vie.decoded && vm_set_register(cpu->vcpu, VM_REG_GUEST_RIP, exit->rip + move.length) != 0)
		return exit_request_failed(cpu, "writing RIP");
	return CPU_CONTINUE;
}
