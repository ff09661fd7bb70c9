// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Register states in which a FreeBSD kernel is entered by its loader. */
#include <errno.h>
#include <string.h>

#include "internal.h"

#define CR0_PE		0x00000001u
#define CR0_NE		0x00000020u
#define CR0_PG		0x80000000u
#define CR4_PAE		0x00000020u
#define EFER_LME	0x00000100u
#define EFER_LMA	0x00000400u
#define RFLAGS_RESERVED	0x2u

#define GDT_ENTRIES	3
#define SELECTOR_CODE	(1 << 3)
#define SELECTOR_DATA	(2 << 3)

#define ACCESS_CODE64	0xa09bu		/* G, L, present, execute/read, accessed */
#define ACCESS_CODE32	0xc09bu		/* G, D, present, execute/read, accessed */
#define ACCESS_DATA	0xc093u		/* G, B, present, read/write, accessed */
#define ACCESS_TSS_BUSY	0x008bu
#define ACCESS_UNUSABLE	0x10000u

static const uint64_t gdt64[GDT_ENTRIES] = { 0, 0x00af9b000000ffff, 0x00cf93000000ffff };
static const uint64_t gdt32[GDT_ENTRIES] = { 0, 0x00cf9b000000ffff, 0x00cf93000000ffff };

static int segment_set(struct vcpu *vcpu, int reg, uint16_t selector, uint32_t limit,
		       uint32_t access)
{
	if (vm_set_desc(vcpu, reg, 0, limit, access) != 0)
		return -1;
	return vm_set_register(vcpu, reg, selector);
}

static int segments_set(struct vcpu *vcpu, uint64_t gdtbase, uint32_t code_access)
{
	static const int data_segments[] = { VM_REG_GUEST_SS, VM_REG_GUEST_DS, VM_REG_GUEST_ES,
					     VM_REG_GUEST_FS, VM_REG_GUEST_GS };

	if (segment_set(vcpu, VM_REG_GUEST_CS, SELECTOR_CODE, 0xffffffff, code_access) != 0)
		return -1;
	for (size_t i = 0; i < sizeof(data_segments) / sizeof(data_segments[0]); i++)
		if (segment_set(vcpu, data_segments[i], SELECTOR_DATA, 0xffffffff, ACCESS_DATA) !=
		    0)
			return -1;
	if (segment_set(vcpu, VM_REG_GUEST_TR, 0, 0, ACCESS_TSS_BUSY) != 0)
		return -1;
	if (segment_set(vcpu, VM_REG_GUEST_LDTR, 0, 0, ACCESS_UNUSABLE) != 0)
		return -1;
	return vm_set_desc(vcpu, VM_REG_GUEST_GDTR, gdtbase, GDT_ENTRIES * sizeof(uint64_t) - 1, 0);
}

static int registers_set(struct vcpu *vcpu, const int *regs, const uint64_t *values, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (vm_set_register(vcpu, regs[i], values[i]) != 0)
			return -1;
	return 0;
}

int vm_setup_freebsd_registers(struct vcpu *vcpu, uint64_t rip, uint64_t cr3, uint64_t gdtbase,
			       uint64_t rsp)
{
	static const int regs[] = {
		VM_REG_GUEST_EFER,   VM_REG_GUEST_CR4, VM_REG_GUEST_CR3, VM_REG_GUEST_CR0,
		VM_REG_GUEST_RFLAGS, VM_REG_GUEST_RSP, VM_REG_GUEST_RIP,
	};
	const uint64_t values[] = {
		EFER_LME | EFER_LMA, CR4_PAE, cr3, CR0_PG | CR0_PE | CR0_NE,
		RFLAGS_RESERVED,     rsp,     rip,
	};

	if (registers_set(vcpu, regs, values, sizeof(regs) / sizeof(regs[0])) != 0)
		return -1;
	return segments_set(vcpu, gdtbase, ACCESS_CODE64);
}

int vm_setup_freebsd_registers_i386(struct vcpu *vcpu, uint32_t eip, uint32_t gdtbase, uint32_t esp)
{
	static const int regs[] = {
		VM_REG_GUEST_EFER,   VM_REG_GUEST_CR4, VM_REG_GUEST_CR3, VM_REG_GUEST_CR0,
		VM_REG_GUEST_RFLAGS, VM_REG_GUEST_RSP, VM_REG_GUEST_RIP,
	};
	const uint64_t values[] = { 0, 0, 0, CR0_PE | CR0_NE, RFLAGS_RESERVED, esp, eip };
	void *gdt;

	gdt = vm_map_gpa(vcpu->ctx, gdtbase, sizeof(gdt32));
	if (gdt == NULL) {
		errno = EFAULT;
		return -1;
	}
	memcpy(gdt, gdt32, sizeof(gdt32));
	if (registers_set(vcpu, regs, values, sizeof(regs) / sizeof(regs[0])) != 0)
		return -1;
	return segments_set(vcpu, gdtbase, ACCESS_CODE32);
}

void vm_setup_freebsd_gdt(uint64_t *gdtr)
{
	memcpy(gdtr, gdt64, sizeof(gdt64));
}
