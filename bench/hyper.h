/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What the thin host program asks of a hypervisor, the same for both: on_kvm.c, on_vmm.c. Whatever fails ends the program.
 */
#ifndef HYPER_H
#define HYPER_H

#include <stdint.h>
#include <stddef.h>

struct machine;

#define MACHINE_TOUCH	1	/* and TOUCH_BYTES of pages of 4 KiB at TOUCH_GPA */
#define MACHINE_X2APIC	2	/* the guest may switch its local APICs to x2APIC mode */
#define MACHINE_LINUX	4	/* CPUID and clock as a Linux guest is given them by default */

struct hyper {
	const char *name;
	/* With BYTES of memory at gpa 0. */
	struct machine *(*create)(unsigned int vcpus, size_t bytes, unsigned int flags);
	uint8_t *(*memory)(struct machine *m);
	/* MACHINE_TOUCH's, where this program has it. */
	uint8_t *(*touch)(struct machine *m);
	/* 64-bit mode, paging by PAGE_TABLES_GPA, flat segments, interrupts off; EDI is the vCPU's number. */
	void (*start)(struct machine *m, unsigned int id, uint64_t rip, uint64_t rsp, uint64_t rsi);
	/* Runs until the guest is done (board.h), answering what it reads. */
	void (*run)(struct machine *m, unsigned int id);
	/* How often vCPU 0 has left the guest, as the hypervisor counts. */
	uint64_t (*exits)(struct machine *m);
	void (*destroy)(struct machine *m);
};

extern const struct hyper on_kvm, on_vmm;

_Noreturn void die(const char *format, ...) __attribute__((format(printf, 1, 2)));

#define CR0_LONG	0x80010033u	/* PG, WP, NE, ET, MP, PE */
#define CR4_LONG	0x00000620u	/* OSXMMEXCPT, OSFXSR, PAE */
#define EFER_LONG	0x00000501u	/* LMA, LME, SCE, as every system has */
#define GDT_ENTRIES	3
#define GDT_CODE	0x00af9b000000ffffull
#define GDT_DATA	0x00cf93000000ffffull
#define ACCESS_CODE	0xa09b
#define ACCESS_DATA	0xc093
#define ACCESS_TSS	0x8b

#endif /* HYPER_H */
