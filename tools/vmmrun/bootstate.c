// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <string.h>

#include "bootstate.h"

#define CR0_PE		0x00000001u
#define CR0_ET		0x00000010u
#define CR0_NE		0x00000020u
#define CR0_PG		0x80000000u
#define CR4_PAE		0x00000020u
#define EFER_LME	0x00000100u
#define EFER_LMA	0x00000400u

#define PTE_PRESENT	0x01ul
#define PTE_WRITE	0x02ul
#define PTE_LARGE	0x80ul
#define PTES		512
#define PAGE_SIZE	4096ul
#define LARGE_PAGE_SIZE	(2ul << 20)
#define MAPPED_GIB	4

/*
 * Linux's boot protocol asks for code at 0x10 and data at 0x18, in either mode; PVH leaves the
 * selectors to the loader. So the code descriptor depends on the mode.
 */
#define SELECTOR_CODE	0x10
#define SELECTOR_DATA	0x18
#define SELECTOR_TSS	0x20

#define DESC_CODE32	0x00cf9b000000fffful	/* flat, present, execute/read, accessed */
#define DESC_CODE64	0x00af9b000000fffful
#define DESC_DATA	0x00cf93000000fffful
#define DESC_TSS_LOW	0x00008b0000000067ul	/* base 0, limit 0x67, busy */

#define ACCESS_CODE32	0xc09bu
#define ACCESS_CODE64	0xa09bu
#define ACCESS_DATA	0xc093u
#define ACCESS_TSS_BUSY	0x008bu
#define ACCESS_UNUSABLE	0x10000u

#define GDT_BYTES	48			/* null, unused, code, data, TSS (16 bytes) */

static void page_tables_place(const struct memory *memory)
{
	uint64_t *tables = memory_at(memory, PAGE_TABLES_GPA, (2 + MAPPED_GIB) * PAGE_SIZE);
	uint64_t *pml4 = tables, *pdpt = tables + PTES, *pd = tables + 2 * PTES;

	memset(tables, 0, 2 * PAGE_SIZE);
	pml4[0] = (PAGE_TABLES_GPA + PAGE_SIZE) | PTE_PRESENT | PTE_WRITE;
	for (uint64_t i = 0; i < MAPPED_GIB; i++)
		pdpt[i] = (PAGE_TABLES_GPA + (2 + i) * PAGE_SIZE) | PTE_PRESENT | PTE_WRITE;
	for (uint64_t i = 0; i < MAPPED_GIB * PTES; i++)
		pd[i] = (i * LARGE_PAGE_SIZE) | PTE_PRESENT | PTE_WRITE | PTE_LARGE;
}

void bootstate_place(const struct memory *memory, enum boot_mode mode)
{
	const uint64_t gdt[GDT_BYTES / 8] = {
		0, 0, mode == BOOT_LONG ? DESC_CODE64 : DESC_CODE32, DESC_DATA, DESC_TSS_LOW, 0
	};

	if (mode == BOOT_LONG)
		page_tables_place(memory);
	memcpy(memory_at(memory, GDT_GPA, sizeof(gdt)), gdt, sizeof(gdt));
}

static int segments_apply(struct vcpu *vcpu, enum boot_mode mode)
{
	const struct {
		int		reg;
		uint16_t	selector;
		uint32_t	limit;
		uint32_t	access;
	} segments[] = {
		{ VM_REG_GUEST_CS, SELECTOR_CODE, 0xffffffff,
		  mode == BOOT_LONG ? ACCESS_CODE64 : ACCESS_CODE32 },
		{ VM_REG_GUEST_DS, SELECTOR_DATA, 0xffffffff, ACCESS_DATA },
		{ VM_REG_GUEST_ES, SELECTOR_DATA, 0xffffffff, ACCESS_DATA },
		{ VM_REG_GUEST_SS, SELECTOR_DATA, 0xffffffff, ACCESS_DATA },
		{ VM_REG_GUEST_FS, SELECTOR_DATA, 0xffffffff, ACCESS_DATA },
		{ VM_REG_GUEST_GS, SELECTOR_DATA, 0xffffffff, ACCESS_DATA },
		{ VM_REG_GUEST_TR, SELECTOR_TSS, 0x67, ACCESS_TSS_BUSY },
		{ VM_REG_GUEST_LDTR, 0, 0, ACCESS_UNUSABLE },
	};

	for (size_t i = 0; i < sizeof(segments) / sizeof(segments[0]); i++) {
		if (vm_set_desc(vcpu, segments[i].reg, 0, segments[i].limit, segments[i].access) !=
		    0)
			return -1;
		if (vm_set_register(vcpu, segments[i].reg, segments[i].selector) != 0)
			return -1;
	}
	if (vm_set_desc(vcpu, VM_REG_GUEST_GDTR, GDT_GPA, GDT_BYTES - 1, 0) != 0)
		return -1;
	return vm_set_desc(vcpu, VM_REG_GUEST_IDTR, 0, 0, 0);
}

static int control_apply(struct vcpu *vcpu, enum boot_mode mode)
{
	uint64_t cr0 = CR0_PE | CR0_ET | CR0_NE;

	if (mode == BOOT_LONG) {
		cr0 |= CR0_PG;
		if (vm_set_register(vcpu, VM_REG_GUEST_EFER, EFER_LME | EFER_LMA) != 0 ||
		    vm_set_register(vcpu, VM_REG_GUEST_CR4, CR4_PAE) != 0 ||
		    vm_set_register(vcpu, VM_REG_GUEST_CR3, PAGE_TABLES_GPA) != 0)
			return -1;
	}
	return vm_set_register(vcpu, VM_REG_GUEST_CR0, cr0);
}

int bootstate_apply(struct vcpu *vcpu, const struct boot_state *state)
{
	if (vcpu_reset(vcpu) != 0 || control_apply(vcpu, state->mode) != 0 ||
	    segments_apply(vcpu, state->mode) != 0)
		return -1;
	if (vm_set_register(vcpu, VM_REG_GUEST_RDX, 0) != 0 ||
	    vm_set_register(vcpu, VM_REG_GUEST_RBX, state->rbx) != 0 ||
	    vm_set_register(vcpu, VM_REG_GUEST_RSI, state->rsi) != 0)
		return -1;
	return vm_set_register(vcpu, VM_REG_GUEST_RIP, state->rip);
}
