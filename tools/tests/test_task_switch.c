// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * Hardware task switches between two 32-bit tasks: what is saved, what is loaded, and every check
 * on the way.
 */
#include <string.h>

#include "../vmmrun/exit.h"
#include "test.h"

#define GDT		0x1000u
#define OLD_TSS		0x2000u
#define NEW_TSS		0x3000u
#define NEW_STACK	0x5000u

/* Selectors. */
#define CODE		0x08
#define DATA		0x10
#define OLD_SEL		0x18
#define NEW_SEL		0x20
#define CODE3		0x28
#define DATA3		0x30
#define LDT_SEL		0x38

#define NT		0x4000u

/* Offsets in a 32-bit TSS. */
enum {
	LINK = 0,
	CR3 = 28,
	EIP = 32,
	EFLAGS = 36,
	EAX = 40,
	ESP = 56,
	ES = 72,
	CS = 76,
	SS = 80,
	DS = 84,
	FS = 88,
	GS = 92,
	LDT = 96,
	TRAP = 100
};

static struct cpu *cpu;

static void put32(uint64_t gpa, uint32_t value)
{
	memcpy(fake.memory + gpa, &value, sizeof(value));
}

static uint32_t get32(uint64_t gpa)
{
	uint32_t value;

	memcpy(&value, fake.memory + gpa, sizeof(value));
	return value;
}

static void desc_put(uint16_t selector, uint32_t base, uint32_t limit, uint32_t access)
{
	uint64_t desc = (limit & 0xffff) | (uint64_t)(base & 0xffffff) << 16 |
			(uint64_t)(access & 0xff) << 40 | (uint64_t)(limit & 0xf0000) << 32 |
			(uint64_t)(access & 0xf000) << 40 | (uint64_t)(base & 0xff000000) << 32;

	memcpy(fake.memory + GDT + selector, &desc, sizeof(desc));
}

static uint8_t desc_type(uint16_t selector)
{
	return (uint8_t)fake.memory[GDT + selector + 5];
}

static void machine_make(enum task_switch_reason reason)
{
	bool back = reason == TSR_IRET;

	cpu = fake_cpu();
	fake.descs[VM_REG_GUEST_GDTR] = (struct seg_desc){ .base = GDT, .limit = 0x3f };
	fake.descs[VM_REG_GUEST_TR] =
		(struct seg_desc){ .base = OLD_TSS, .limit = 0x67, .access = 0x8b };
	fake.regs[VM_REG_GUEST_TR] = OLD_SEL;
	fake.regs[VM_REG_GUEST_CR0] = 0x11;
	fake.regs[VM_REG_GUEST_DR7] = 0x455;
	fake.regs[VM_REG_GUEST_RFLAGS] = 0x202 | NT;
	fake.regs[VM_REG_GUEST_RAX] = 0xaaaa;
	fake.regs[VM_REG_GUEST_CS] = CODE;
	fake.regs[VM_REG_GUEST_GS] = DATA;
	desc_put(CODE, 0, 0xfffff, 0xc09a);
	desc_put(DATA, 0, 0xfffff, 0xc092);
	desc_put(CODE3, 0, 0xfffff, 0xc0fa);
	desc_put(DATA3, 0, 0xfffff, 0xc0f2);
	desc_put(OLD_SEL, OLD_TSS, 0x67, 0x8b);
	desc_put(NEW_SEL, NEW_TSS, 0x67, back ? 0x8b : 0x89);
	desc_put(LDT_SEL, 0x6000, 0x0f, 0x82);
	put32(NEW_TSS + LINK, 0xffff0000);
	put32(NEW_TSS + EIP, 0x4000);
	put32(NEW_TSS + EFLAGS, 0x2);
	put32(NEW_TSS + EAX, 0xbbbb);
	put32(NEW_TSS + ESP, NEW_STACK);
	put32(NEW_TSS + CS, CODE);
	for (int seg = SS; seg <= FS; seg += 4)
		put32(NEW_TSS + (uint32_t)seg, DATA);
	put32(NEW_TSS + ES, DATA);
	cpu->exit.exitcode = VM_EXITCODE_TASK_SWITCH;
	cpu->exit.rip = 0x700;
	cpu->exit.inst_length = reason == TSR_IDT_GATE ? 0 : 7;
	cpu->exit.u.task_switch = (struct vm_task_switch){ .tsssel = NEW_SEL,
							   .ext = reason == TSR_IDT_GATE,
							   .reason = reason };
	cpu->exit.u.task_switch.paging.cpu_mode = CPU_MODE_PROTECTED;
}

static void new_task_check(void)
{
	CHECK_EQUAL(fake.exceptions, 0);
	CHECK_EQUAL(fake.regs[VM_REG_GUEST_RIP], 0x4000);
	CHECK_EQUAL(fake.regs[VM_REG_GUEST_RAX], 0xbbbb);
	CHECK_EQUAL(fake.regs[VM_REG_GUEST_TR], NEW_SEL);
	CHECK_EQUAL(fake.descs[VM_REG_GUEST_TR].access, 0x8b);
	CHECK_EQUAL(fake.descs[VM_REG_GUEST_TR].base, NEW_TSS);
	CHECK_EQUAL(fake.regs[VM_REG_GUEST_CR0], 0x19);
	CHECK_EQUAL(fake.regs[VM_REG_GUEST_DR7], 0x400);
	CHECK_EQUAL(fake.descs[VM_REG_GUEST_CS].access, 0xc09b);
	CHECK_EQUAL(fake.descs[VM_REG_GUEST_SS].access, 0xc093);
	CHECK_EQUAL(fake.descs[VM_REG_GUEST_SS].limit, 0xffffffff);
	CHECK_EQUAL(fake.descs[VM_REG_GUEST_GS].access, 0x10000);
	CHECK_EQUAL(desc_type(CODE), 0x9b);
}

static void test_call(void)
{
	machine_make(TSR_CALL);
	CHECK_EQUAL(task_switch_emulate(cpu, &cpu->exit), CPU_CONTINUE);
	new_task_check();
	CHECK_EQUAL(fake.regs[VM_REG_GUEST_RFLAGS], 0x2 | NT);
	CHECK_EQUAL(get32(NEW_TSS + LINK) & 0xffff, OLD_SEL);
	CHECK_EQUAL(desc_type(OLD_SEL), 0x8b);
	CHECK_EQUAL(desc_type(NEW_SEL), 0x8b);
	CHECK_EQUAL(get32(OLD_TSS + EIP), 0x707);
	CHECK_EQUAL(get32(OLD_TSS + EFLAGS), 0x202 | NT);
	CHECK_EQUAL(get32(OLD_TSS + EAX), 0xaaaa);
	CHECK_EQUAL(get32(OLD_TSS + CS), CODE);
	CHECK_EQUAL(get32(OLD_TSS + GS), DATA);
}

static void test_jmp(void)
{
	machine_make(TSR_JMP);
	CHECK_EQUAL(task_switch_emulate(cpu, &cpu->exit), CPU_CONTINUE);
	new_task_check();
	CHECK_EQUAL(fake.regs[VM_REG_GUEST_RFLAGS], 0x2);
	CHECK_EQUAL(get32(NEW_TSS + LINK), 0xffff0000);
	CHECK_EQUAL(desc_type(OLD_SEL), 0x89);
	CHECK_EQUAL(desc_type(NEW_SEL), 0x8b);
}

static void test_iret(void)
{
	machine_make(TSR_IRET);
	CHECK_EQUAL(task_switch_emulate(cpu, &cpu->exit), CPU_CONTINUE);
	new_task_check();
	CHECK_EQUAL(desc_type(OLD_SEL), 0x89);
	CHECK_EQUAL(get32(OLD_TSS + EFLAGS), 0x202);
}

static void test_gate(void)
{
	machine_make(TSR_IDT_GATE);
	cpu->exit.u.task_switch.errcode = 0x1234;
	cpu->exit.u.task_switch.errcode_valid = 1;
	CHECK_EQUAL(task_switch_emulate(cpu, &cpu->exit), CPU_CONTINUE);
	new_task_check();
	CHECK_EQUAL(get32(OLD_TSS + EIP), 0x700);
	CHECK_EQUAL(fake.regs[VM_REG_GUEST_RSP], NEW_STACK - 4);
	CHECK_EQUAL(get32(NEW_STACK - 4), 0x1234);
	CHECK(fake.intinfo_set && fake.intinfo == 0);
}

static void test_trap(void)
{
	machine_make(TSR_JMP);
	put32(NEW_TSS + TRAP, 1);
	CHECK_EQUAL(task_switch_emulate(cpu, &cpu->exit), CPU_CONTINUE);
	CHECK_EQUAL(fake.vector, 1);
	CHECK_EQUAL(fake.restart, 0);
	CHECK_EQUAL(fake.regs[VM_REG_GUEST_DR6] & 0x8000, 0x8000);
}

static void test_vm86(void)
{
	machine_make(TSR_IRET);
	put32(NEW_TSS + EFLAGS, 0x20002);
	put32(NEW_TSS + CS, 0x1234);
	CHECK_EQUAL(task_switch_emulate(cpu, &cpu->exit), CPU_CONTINUE);
	CHECK_EQUAL(fake.exceptions, 0);
	CHECK_EQUAL(fake.descs[VM_REG_GUEST_CS].base, 0x12340);
	CHECK_EQUAL(fake.descs[VM_REG_GUEST_CS].access, 0xf3);
}

static void test_narrow(void)
{
	machine_make(TSR_JMP);
	desc_put(NEW_SEL, NEW_TSS, 0x2b, 0x81);
	memset(fake.memory + NEW_TSS, 0, 104);
	put32(NEW_TSS + 14, 0x00024000);	/* IP, FLAGS */
	put32(NEW_TSS + 18, 0xbbbb);		/* AX */
	put32(NEW_TSS + 26, NEW_STACK << 0);	/* SP */
	put32(NEW_TSS + 34, DATA | CODE << 16);	/* ES, CS */
	put32(NEW_TSS + 38, DATA | DATA << 16);	/* SS, DS */
	CHECK_EQUAL(task_switch_emulate(cpu, &cpu->exit), CPU_CONTINUE);
	CHECK_EQUAL(fake.exceptions, 0);
	CHECK_EQUAL(fake.regs[VM_REG_GUEST_RIP], 0x4000);
	CHECK_EQUAL(fake.regs[VM_REG_GUEST_RAX], 0xbbbb);
	CHECK_EQUAL(fake.descs[VM_REG_GUEST_TR].access, 0x83);
	CHECK_EQUAL(fake.descs[VM_REG_GUEST_FS].access, 0x10000);
}

/* A fault before the commitment: nothing has changed, the instruction is to be repeated. */
static void early_fault(int vector, uint32_t error_code)
{
	CHECK_EQUAL(task_switch_emulate(cpu, &cpu->exit), CPU_CONTINUE);
	CHECK_EQUAL(fake.exceptions, 1);
	CHECK_EQUAL(fake.vector, vector);
	CHECK_EQUAL(fake.error_code, error_code);
	CHECK_EQUAL(fake.restart, 1);
	CHECK_EQUAL(fake.regs[VM_REG_GUEST_RAX], 0xaaaa);
	CHECK_EQUAL(desc_type(OLD_SEL), 0x8b);
	CHECK_EQUAL(get32(OLD_TSS + EIP), 0);
}

static void test_early_faults(void)
{
	machine_make(TSR_CALL);
	cpu->exit.u.task_switch.tsssel = NEW_SEL | 4;
	early_fault(13, NEW_SEL | 4);
	machine_make(TSR_CALL);
	cpu->exit.u.task_switch.tsssel = 0x40;
	early_fault(13, 0x40);
	machine_make(TSR_IRET);
	cpu->exit.u.task_switch.tsssel = 0x40;
	early_fault(10, 0x40);
	machine_make(TSR_CALL);
	desc_put(NEW_SEL, NEW_TSS, 0x67, 0x8b);		/* busy */
	early_fault(13, NEW_SEL);
	machine_make(TSR_IRET);
	desc_put(NEW_SEL, NEW_TSS, 0x67, 0x89);		/* not busy */
	early_fault(10, NEW_SEL);
	machine_make(TSR_CALL);
	desc_put(NEW_SEL, NEW_TSS, 0x67, 0x09);		/* not present */
	early_fault(11, NEW_SEL);
	machine_make(TSR_CALL);
	desc_put(NEW_SEL, NEW_TSS, 0x66, 0x89);		/* too short */
	early_fault(10, NEW_SEL);
	machine_make(TSR_IDT_GATE);
	desc_put(NEW_SEL, NEW_TSS, 0x66, 0x89);
	early_fault(10, NEW_SEL | 1);
	machine_make(TSR_CALL);
	fake.fault_from = NEW_TSS;
	fake.fault_to = NEW_TSS + 1;
	early_fault(14, 0);
	machine_make(TSR_JMP);
	fake.fault_from = OLD_TSS + 0x60;
	fake.fault_to = OLD_TSS + 0x61;
	early_fault(14, 0);
}

/* A fault behind the commitment: in the new task, at its first instruction. */
static void late_fault(int vector, uint32_t error_code)
{
	CHECK_EQUAL(task_switch_emulate(cpu, &cpu->exit), CPU_CONTINUE);
	CHECK_EQUAL(fake.exceptions, 1);
	CHECK_EQUAL(fake.vector, vector);
	CHECK_EQUAL(fake.error_code, error_code);
	CHECK_EQUAL(fake.restart, 0);
	CHECK_EQUAL(fake.regs[VM_REG_GUEST_RIP], 0x4000);
	CHECK_EQUAL(fake.regs[VM_REG_GUEST_TR], NEW_SEL);
}

static void test_late_faults(void)
{
	machine_make(TSR_CALL);
	put32(NEW_TSS + CS, 0);
	late_fault(10, 0);
	machine_make(TSR_CALL);
	put32(NEW_TSS + CS, DATA);
	late_fault(10, DATA);
	machine_make(TSR_CALL);
	put32(NEW_TSS + SS, DATA3);			/* wrong privilege */
	late_fault(10, DATA3);
	machine_make(TSR_CALL);
	put32(NEW_TSS + CS, CODE3 | 3);
	late_fault(10, DATA);				/* SS with the old privilege */
	machine_make(TSR_CALL);
	desc_put(CODE, 0, 0xfffff, 0xc01a);
	late_fault(11, CODE);
	machine_make(TSR_CALL);
	put32(NEW_TSS + LDT, CODE);
	late_fault(10, CODE);
	machine_make(TSR_CALL);
	put32(NEW_TSS + DS, 0xc);			/* in an LDT that is not there */
	late_fault(10, 0xc);
	machine_make(TSR_CALL);
	put32(NEW_TSS + LDT, LDT_SEL);
	put32(NEW_TSS + DS, 0x14);			/* beyond the LDT's limit */
	late_fault(10, 0x14);
	machine_make(TSR_CALL);
	desc_put(CODE, 0, 0x3fff, 0x409a);
	late_fault(13, 0);
}

int main(void)
{
	test_call();
	test_jmp();
	test_iret();
	test_gate();
	test_trap();
	test_vm86();
	test_narrow();
	test_early_faults();
	test_late_faults();
	free(fake.memory);
	return 0;
}
