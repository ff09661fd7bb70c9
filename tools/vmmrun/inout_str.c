// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * INS and OUTS: checks of segment and address as the processor makes them before each iteration,
 * the access, then the registers.
 *
 * An exit stands for the whole instruction with its REP prefix. As many iterations are done at once
 * as fit into BURST_BYTES; for the rest the instruction is started again, so that interrupts come
 * through. A fault in an iteration leaves the registers as the ones before it made them.
 */
#include <errno.h>
#include <string.h>

#include "complain.h"
#include "exit.h"
#include "inout.h"
#include "machine.h"

#define BURST_BYTES	4096u
#define PAGE_SIZE	4096u

#define EXCEPTION_SS	12
#define EXCEPTION_GP	13
#define EXCEPTION_AC	17

#define CR0_AM		(1u << 18)
#define RFLAGS_DF	(1u << 10)
#define RFLAGS_AC	(1u << 18)

#define TYPE_CODE	0x8
#define TYPE_EXPAND	0x4		/* data: expands down */
#define TYPE_WRITE	0x2		/* data: writable; code: readable */

enum step {
	STEP_DONE,
	STEP_FAULT,			/* a fault was injected */
	STEP_DEAD,
};

static uint64_t address_mask(int addrsize)
{
	return addrsize == 8 ? ~0ul : (1ul << (8 * addrsize)) - 1;
}

static enum step fault(struct cpu *cpu, int vector)
{
	if (vm_inject_exception(cpu->vcpu, vector, 1, 0, 1) == 0)
		return STEP_FAULT;
	exit_request_failed(cpu, "injecting a fault");
	return STEP_DEAD;
}

/* The fault that a bad address in this segment gives. */
static int segment_vector(const struct vm_inout_str *str)
{
	return str->seg_name == VM_REG_GUEST_SS ? EXCEPTION_SS : EXCEPTION_GP;
}

static bool offset_in_limit(const struct seg_desc *desc, uint64_t offset, unsigned int bytes)
{
	uint64_t last = offset + bytes - 1, top;

	if ((desc->access & (TYPE_CODE | TYPE_EXPAND)) != TYPE_EXPAND)
		return last <= desc->limit;
	top = SEG_DESC_DEF32(desc->access) ? 0xffffffff : 0xffff;
	return offset > desc->limit && last <= top;
}

static bool segment_allows(const struct vm_inout_str *str)
{
	uint32_t access = str->seg_desc.access;
	bool code = access & TYPE_CODE;

	if (SEG_DESC_UNUSABLE(access) || !SEG_DESC_PRESENT(access))
		return false;
	if (str->paging.cpu_mode == CPU_MODE_REAL)
		return true;
	if (str->inout.in)
		return !code && (access & TYPE_WRITE);
	return !code || (access & TYPE_WRITE);
}

/* 48 bits are canonical, or 57 with five levels of paging. */
static bool address_canonical(const struct vm_guest_paging *paging, uint64_t gla)
{
	int shift = paging->paging_mode == PAGING_MODE_64_LA57 ? 64 - 57 : 64 - 48;

	return (uint64_t)((int64_t)(gla << shift) >> shift) == gla;
}

/* Linear address of the element at the current index, into *GLA, or the vector of the fault. */
static int address_form(const struct vm_inout_str *str, uint64_t *gla)
{
	uint64_t offset = str->index & address_mask(str->addrsize);
	unsigned int bytes = str->inout.bytes;

	if (str->paging.cpu_mode == CPU_MODE_64BIT) {
		*gla = offset;
		if (str->seg_name == VM_REG_GUEST_FS || str->seg_name == VM_REG_GUEST_GS)
			*gla += str->seg_desc.base;
		if (!address_canonical(&str->paging, *gla) ||
		    !address_canonical(&str->paging, *gla + bytes - 1))
			return segment_vector(str);
	} else {
		if (!segment_allows(str) || !offset_in_limit(&str->seg_desc, offset, bytes))
			return segment_vector(str);
		*gla = (str->seg_desc.base + offset) & 0xffffffff;
	}
	if (str->paging.cpl == 3 && (str->cr0 & CR0_AM) && (str->rflags & RFLAGS_AC) &&
	    *gla % bytes != 0)
		return EXCEPTION_AC;
	return 0;
}

/*
 * The page that was translated last, so that a string of many elements asks the kernel once a page.
 */
struct page {
	uint64_t	gla;		/* of its first byte; odd if there is none */
	char		*addr;
};

static enum step element_copy(struct cpu *cpu, struct vm_inout_str *str, struct page *page,
			      uint64_t gla, uint32_t *value)
{
	unsigned int bytes = str->inout.bytes;
	int fault = 0, prot = str->inout.in ? VM_PROT_WRITE : VM_PROT_READ;
	struct iovec iov[2];

	if (page->gla != gla - gla % PAGE_SIZE || gla % PAGE_SIZE + bytes > PAGE_SIZE) {
		if (vm_copy_setup(cpu->vcpu, &str->paging, gla, bytes, prot, iov, 2, &fault) != 0) {
			complain("vCPU %d: string I/O at linear address %#lx reaches no memory: %s",
				 cpu->id, (unsigned long)gla, strerror(errno));
			return STEP_DEAD;
		}
		if (fault)
			return STEP_FAULT;
		page->gla = gla - gla % PAGE_SIZE;
		page->addr = (char *)iov[0].iov_base - gla % PAGE_SIZE;
	} else {
		iov[0].iov_base = page->addr + gla % PAGE_SIZE;
		iov[0].iov_len = bytes;
	}
	if (str->inout.in) {
		*value = inout_access(str->inout.port, true, bytes, 0);
		vm_copyout(value, iov, bytes);
	} else {
		*value = 0;
		vm_copyin(iov, value, bytes);
		inout_access(str->inout.port, false, bytes, *value);
	}
	return STEP_DONE;
}

static enum step element_move(struct cpu *cpu, struct vm_inout_str *str, struct page *page)
{
	unsigned int bytes = str->inout.bytes;
	enum step step;
	uint32_t value;
	uint64_t gla;
	int vector;

	vector = address_form(str, &gla);
	if (vector != 0)
		return fault(cpu, vector);
	step = element_copy(cpu, str, page, gla, &value);
	if (step != STEP_DONE)
		return step;
	str->index += str->rflags & RFLAGS_DF ? -(uint64_t)bytes : bytes;
	str->count--;
	return STEP_DONE;
}

/*
 * Writes the part of register REG that an address size uses: 4 bytes clear the upper half, 2 leave
 * the rest.
 */
static int address_register_set(struct cpu *cpu, int reg, int addrsize, uint64_t value)
{
	uint64_t mask = address_mask(addrsize), old = 0;

	if (addrsize == 2 && vm_get_register(cpu->vcpu, reg, &old) != 0)
		return -1;
	return vm_set_register(cpu->vcpu, reg, (old & ~mask) | (value & mask));
}

static int registers_set(struct cpu *cpu, const struct vm_inout_str *str)
{
	int index = str->inout.in ? VM_REG_GUEST_RDI : VM_REG_GUEST_RSI;

	if (address_register_set(cpu, index, str->addrsize, str->index) != 0)
		return -1;
	if (str->inout.rep)
		return address_register_set(cpu, VM_REG_GUEST_RCX, str->addrsize, str->count);
	return 0;
}

enum cpu_verdict inout_str_emulate(struct cpu *cpu, struct vm_exit *exit)
{
	struct vm_inout_str *str = &exit->u.inout_str;
	struct page page = { .gla = 1 };
	enum step step = STEP_DONE;
	unsigned int moved;

	str->count &= address_mask(str->addrsize);
	for (moved = 0; step == STEP_DONE && str->count != 0 && moved < BURST_BYTES;
	     moved += str->inout.bytes)
		step = element_move(cpu, str, &page);
	if (step == STEP_DEAD)
		return CPU_DEAD;
	if (registers_set(cpu, str) != 0)
		return exit_request_failed(cpu, "writing the string registers");
	if (step == STEP_DONE && str->count != 0 && vm_restart_instruction(cpu->vcpu) != 0)
		return exit_request_failed(cpu, "restarting the instruction");
	return CPU_CONTINUE;
}
