// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <stdio.h>
#include <string.h>

#include "cpu.h"
#include "dump.h"
#include "exit.h"
#include "machine.h"

#define INSTRUCTION_BYTES	16

struct name {
	int		reg;
	const char	*name;
};

static const struct name registers[] = {
	{ VM_REG_GUEST_RAX, "rax" },
	{ VM_REG_GUEST_RBX, "rbx" },
	{ VM_REG_GUEST_RCX, "rcx" },
	{ VM_REG_GUEST_RDX, "rdx" },
	{ VM_REG_GUEST_RSI, "rsi" },
	{ VM_REG_GUEST_RDI, "rdi" },
	{ VM_REG_GUEST_RBP, "rbp" },
	{ VM_REG_GUEST_RSP, "rsp" },
	{ VM_REG_GUEST_R8, "r8" },
	{ VM_REG_GUEST_R9, "r9" },
	{ VM_REG_GUEST_R10, "r10" },
	{ VM_REG_GUEST_R11, "r11" },
	{ VM_REG_GUEST_R12, "r12" },
	{ VM_REG_GUEST_R13, "r13" },
	{ VM_REG_GUEST_R14, "r14" },
	{ VM_REG_GUEST_R15, "r15" },
	{ VM_REG_GUEST_RIP, "rip" },
	{ VM_REG_GUEST_RFLAGS, "rflags" },
	{ VM_REG_GUEST_CR0, "cr0" },
	{ VM_REG_GUEST_CR2, "cr2" },
	{ VM_REG_GUEST_CR3, "cr3" },
	{ VM_REG_GUEST_CR4, "cr4" },
	{ VM_REG_GUEST_EFER, "efer" },
	{ VM_REG_GUEST_TPR, "cr8" },
	{ VM_REG_GUEST_DR6, "dr6" },
	{ VM_REG_GUEST_DR7, "dr7" },
	{ VM_REG_GUEST_KGS_BASE, "kgsbase" },
	{ VM_REG_GUEST_INTR_SHADOW, "shadow" },
};

static const struct name segments[] = {
	{ VM_REG_GUEST_CS, "cs" }, { VM_REG_GUEST_SS, "ss" },	  { VM_REG_GUEST_DS, "ds" },
	{ VM_REG_GUEST_ES, "es" }, { VM_REG_GUEST_FS, "fs" },	  { VM_REG_GUEST_GS, "gs" },
	{ VM_REG_GUEST_TR, "tr" }, { VM_REG_GUEST_LDTR, "ldtr" },
};

static const struct name tables[] = { { VM_REG_GUEST_GDTR, "gdtr" },
				      { VM_REG_GUEST_IDTR, "idtr" } };

#define COUNT(array)	(sizeof(array) / sizeof((array)[0]))

static void registers_print(struct vcpu *vcpu)
{
	uint64_t value;

	for (size_t i = 0; i < COUNT(registers); i++) {
		if (vm_get_register(vcpu, registers[i].reg, &value) == 0)
			fprintf(stderr, "%8s %016lx", registers[i].name, (unsigned long)value);
		else
			fprintf(stderr, "%8s %16s", registers[i].name, "?");
		fputs(i % 4 == 3 || i + 1 == COUNT(registers) ? "\n" : " ", stderr);
	}
}

static void segments_print(struct vcpu *vcpu)
{
	struct seg_desc desc;
	uint64_t selector;

	for (size_t i = 0; i < COUNT(segments); i++)
		if (vm_get_register(vcpu, segments[i].reg, &selector) == 0 &&
		    vm_get_seg_desc(vcpu, segments[i].reg, &desc) == 0)
			fprintf(stderr, "%8s %04lx base %016lx limit %08x access %05x\n",
				segments[i].name, (unsigned long)selector, (unsigned long)desc.base,
				desc.limit, desc.access);
	for (size_t i = 0; i < COUNT(tables); i++)
		if (vm_get_seg_desc(vcpu, tables[i].reg, &desc) == 0)
			fprintf(stderr, "%8s      base %016lx limit %08x\n", tables[i].name,
				(unsigned long)desc.base, desc.limit);
}

/* How the vCPU translates addresses, from its control registers. */
static int paging_get(struct vcpu *vcpu, struct vm_guest_paging *paging, uint64_t *cs_base)
{
	static const int wanted[] = { VM_REG_GUEST_CR0, VM_REG_GUEST_CR3, VM_REG_GUEST_CR4,
				      VM_REG_GUEST_EFER };
	uint64_t values[COUNT(wanted)];
	struct seg_desc cs;

	if (vm_get_register_set(vcpu, COUNT(wanted), wanted, values) != 0 ||
	    vm_get_seg_desc(vcpu, VM_REG_GUEST_CS, &cs) != 0)
		return -1;
	memset(paging, 0, sizeof(*paging));
	paging->cr3 = values[1];
	paging->cpu_mode = !(values[0] & 1)	? CPU_MODE_REAL :
			   !(values[3] & 0x400) ? CPU_MODE_PROTECTED :
			   cs.access & 0x2000	? CPU_MODE_64BIT :
						  CPU_MODE_COMPATIBILITY;
	if (!(values[0] & 0x80000000))
		paging->paging_mode = PAGING_MODE_FLAT;
	else if (!(values[2] & 0x20))
		paging->paging_mode = PAGING_MODE_32;
	else if (!(values[3] & 0x400))
		paging->paging_mode = PAGING_MODE_PAE;
	else
		paging->paging_mode = values[2] & 0x1000 ? PAGING_MODE_64_LA57 : PAGING_MODE_64;
	*cs_base = paging->cpu_mode == CPU_MODE_64BIT ? 0 : cs.base;
	return 0;
}

static void instruction_print(struct cpu *cpu)
{
	struct vm_guest_paging paging;
	uint64_t cs_base, gla, gpa, rip;
	const uint8_t *byte;
	int fault;

	if (vm_get_register(cpu->vcpu, VM_REG_GUEST_RIP, &rip) != 0 ||
	    paging_get(cpu->vcpu, &paging, &cs_base) != 0)
		return;
	fputs("    code", stderr);
	for (int i = 0; i < INSTRUCTION_BYTES; i++) {
		gla = cs_base + rip + (uint64_t)i;
		if (vm_gla2gpa_nofault(cpu->vcpu, &paging, gla, VM_PROT_READ, &gpa, &fault) != 0 ||
		    fault)
			break;
		byte = vm_map_gpa(cpu->machine->ctx, gpa, 1);
		if (byte == NULL)
			break;
		fprintf(stderr, " %02x", *byte);
	}
	fputc('\n', stderr);
}

void dump_cpu(struct cpu *cpu)
{
	flockfile(stderr);
	fprintf(stderr, "vCPU %d: last exit %d (%s), rip %#lx, instruction length %d\n", cpu->id,
		(int)cpu->exit.exitcode, exit_name((int)cpu->exit.exitcode),
		(unsigned long)cpu->exit.rip, cpu->exit.inst_length);
	registers_print(cpu->vcpu);
	segments_print(cpu->vcpu);
	instruction_print(cpu);
	funlockfile(stderr);
}
