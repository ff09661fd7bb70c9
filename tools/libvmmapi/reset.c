// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * The processor's state after power-on (Intel SDM volume 3, table "IA-32 and Intel 64 Processor
 * States Following Power-up, Reset, or INIT").
 */
#include <cpuid.h>

#include "internal.h"

#define ACCESS_CODE	0x93u		/* present, read/write data: what CS has after reset */
#define ACCESS_DATA	0x93u
#define ACCESS_LDT	0x82u
#define ACCESS_TSS_BUSY	0x8bu

static const struct {
	int		reg;
	uint64_t	value;
} reset_registers[] = {
	{ VM_REG_GUEST_EFER, 0 },
	{ VM_REG_GUEST_CR0, 0x60000010 },
	{ VM_REG_GUEST_CR4, 0 },
	{ VM_REG_GUEST_CR3, 0 },
	{ VM_REG_GUEST_CR2, 0 },
	{ VM_REG_GUEST_RFLAGS, 0x2 },
	{ VM_REG_GUEST_RIP, 0xfff0 },
	{ VM_REG_GUEST_RAX, 0 },
	{ VM_REG_GUEST_RBX, 0 },
	{ VM_REG_GUEST_RCX, 0 },
	{ VM_REG_GUEST_RSI, 0 },
	{ VM_REG_GUEST_RDI, 0 },
	{ VM_REG_GUEST_RBP, 0 },
	{ VM_REG_GUEST_RSP, 0 },
	{ VM_REG_GUEST_R8, 0 },
	{ VM_REG_GUEST_R9, 0 },
	{ VM_REG_GUEST_R10, 0 },
	{ VM_REG_GUEST_R11, 0 },
	{ VM_REG_GUEST_R12, 0 },
	{ VM_REG_GUEST_R13, 0 },
	{ VM_REG_GUEST_R14, 0 },
	{ VM_REG_GUEST_R15, 0 },
	{ VM_REG_GUEST_DR0, 0 },
	{ VM_REG_GUEST_DR1, 0 },
	{ VM_REG_GUEST_DR2, 0 },
	{ VM_REG_GUEST_DR3, 0 },
	{ VM_REG_GUEST_DR6, 0xffff0ff0 },
	{ VM_REG_GUEST_DR7, 0x400 },
	{ VM_REG_GUEST_KGS_BASE, 0 },
	{ VM_REG_GUEST_INTR_SHADOW, 0 },
};

static const struct {
	int		reg;
	uint16_t	selector;
	uint64_t	base;
	uint32_t	access;
} reset_segments[] = {
	{ VM_REG_GUEST_CS, 0xf000, 0xffff0000, ACCESS_CODE },
	{ VM_REG_GUEST_SS, 0, 0, ACCESS_DATA },
	{ VM_REG_GUEST_DS, 0, 0, ACCESS_DATA },
	{ VM_REG_GUEST_ES, 0, 0, ACCESS_DATA },
	{ VM_REG_GUEST_FS, 0, 0, ACCESS_DATA },
	{ VM_REG_GUEST_GS, 0, 0, ACCESS_DATA },
	{ VM_REG_GUEST_LDTR, 0, 0, ACCESS_LDT },
	{ VM_REG_GUEST_TR, 0, 0, ACCESS_TSS_BUSY },
};

/* RDX holds the processor's signature, which guests see as the host has it. */
static uint64_t processor_signature(void)
{
	unsigned int eax = 0, ebx, ecx, edx;

	(void)__get_cpuid(1, &eax, &ebx, &ecx, &edx);
	return eax;
}

static int segments_reset(struct vcpu *vcpu)
{
	for (size_t i = 0; i < sizeof(reset_segments) / sizeof(reset_segments[0]); i++) {
		if (vm_set_desc(vcpu, reset_segments[i].reg, reset_segments[i].base, 0xffff,
				reset_segments[i].access) != 0)
			return -1;
		if (vm_set_register(vcpu, reset_segments[i].reg, reset_segments[i].selector) != 0)
			return -1;
	}
	if (vm_set_desc(vcpu, VM_REG_GUEST_GDTR, 0, 0xffff, 0) != 0)
		return -1;
	return vm_set_desc(vcpu, VM_REG_GUEST_IDTR, 0, 0xffff, 0);
}

int vcpu_reset(struct vcpu *vcpu)
{
	for (size_t i = 0; i < sizeof(reset_registers) / sizeof(reset_registers[0]); i++)
		if (vm_set_register(vcpu, reset_registers[i].reg, reset_registers[i].value) != 0)
			return -1;
	if (vm_set_register(vcpu, VM_REG_GUEST_RDX, processor_signature()) != 0)
		return -1;
	return segments_reset(vcpu);
}
