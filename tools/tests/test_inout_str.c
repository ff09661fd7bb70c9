// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* String I/O: what moves, which registers change, which faults come. */
#include <string.h>

#include "../vmmrun/exit.h"
#include "../vmmrun/inout.h"
#include "test.h"

#define PORT	0x200

static uint32_t port_log[4096];
static unsigned int port_count;
static uint32_t port_next;

static void port_access(void *device, unsigned int offset, bool in, unsigned int bytes,
			uint32_t *value)
{
	(void)device;
	(void)offset;
	(void)bytes;
	if (in)
		*value = port_next++;
	else
		port_log[port_count++ % 4096] = *value;
}

/* An exit for a 64-bit guest; the tests change what they are about. */
static struct vm_exit *exit_make(struct cpu **cpu, bool in, unsigned int bytes, uint64_t index,
				 uint64_t count)
{
	struct vm_inout_str *str;

	*cpu = fake_cpu();
	port_count = 0;
	port_next = 1;
	str = &(*cpu)->exit.u.inout_str;
	(*cpu)->exit.exitcode = VM_EXITCODE_INOUT_STR;
	str->inout.bytes = bytes & 7;
	str->inout.in = in;
	str->inout.string = 1;
	str->inout.rep = count != 1;
	str->inout.port = PORT;
	str->paging.cpu_mode = CPU_MODE_64BIT;
	str->paging.paging_mode = PAGING_MODE_64;
	str->index = index;
	str->count = count;
	str->addrsize = 8;
	str->seg_name = in ? VM_REG_GUEST_ES : VM_REG_GUEST_DS;
	str->seg_desc = (struct seg_desc){ .limit = 0xffffffff, .access = 0xc093 };
	return &(*cpu)->exit;
}

static void test_out(void)
{
	struct cpu *cpu;
	struct vm_exit *exit = exit_make(&cpu, false, 1, 0x1000, 5);

	memcpy(fake.memory + 0x1000, "hello", 5);
	CHECK_EQUAL(inout_str_emulate(cpu, exit), CPU_CONTINUE);
	CHECK_EQUAL(port_count, 5);
	CHECK_EQUAL(port_log[4], 'o');
	CHECK_EQUAL(fake.regs[VM_REG_GUEST_RSI], 0x1005);
	CHECK_EQUAL(fake.regs[VM_REG_GUEST_RCX], 0);
	CHECK_EQUAL(fake.restarts, 0);
}

static void test_in_pages(void)
{
	struct cpu *cpu;
	struct vm_exit *exit =
		exit_make(&cpu, true, 4, 0x1ffe, 3); /* the first element lies in two pages */
	uint32_t got[3];

	CHECK_EQUAL(inout_str_emulate(cpu, exit), CPU_CONTINUE);
	memcpy(got, fake.memory + 0x1ffe, sizeof(got));
	CHECK_EQUAL(got[0], 1);
	CHECK_EQUAL(got[2], 3);
	CHECK_EQUAL(fake.regs[VM_REG_GUEST_RDI], 0x200a);
}

static void test_down(void)
{
	struct cpu *cpu;
	struct vm_exit *exit = exit_make(&cpu, true, 2, 0x1004, 3);

	exit->u.inout_str.rflags = 1 << 10;
	CHECK_EQUAL(inout_str_emulate(cpu, exit), CPU_CONTINUE);
	CHECK_EQUAL(fake.memory[0x1004], 1);
	CHECK_EQUAL(fake.memory[0x1000], 3);
	CHECK_EQUAL(fake.regs[VM_REG_GUEST_RDI], 0xffe);
}

static void test_burst(void)
{
	struct cpu *cpu;
	struct vm_exit *exit = exit_make(&cpu, true, 1, 0x1000, 10000);

	CHECK_EQUAL(inout_str_emulate(cpu, exit), CPU_CONTINUE);
	CHECK_EQUAL(fake.regs[VM_REG_GUEST_RCX], 10000 - 4096);
	CHECK_EQUAL(fake.regs[VM_REG_GUEST_RDI], 0x2000);
	CHECK_EQUAL(fake.restarts, 1);
}

static void test_none(void)
{
	struct cpu *cpu;
	struct vm_exit *exit = exit_make(&cpu, true, 1, 0x1000, 0);

	CHECK_EQUAL(inout_str_emulate(cpu, exit), CPU_CONTINUE);
	CHECK_EQUAL(port_next, 1);
	CHECK_EQUAL(fake.regs[VM_REG_GUEST_RDI], 0x1000);
}

/*
 * A page fault in the third element: two are done, no fourth is begun, and the device was not read
 * for the third.
 */
static void test_page_fault(void)
{
	struct cpu *cpu;
	struct vm_exit *exit = exit_make(&cpu, true, 4, 0x1ff8, 5);

	fake.fault_from = 0x2000;
	fake.fault_to = 0x3000;
	CHECK_EQUAL(inout_str_emulate(cpu, exit), CPU_CONTINUE);
	CHECK_EQUAL(fake.exceptions, 1);
	CHECK_EQUAL(fake.vector, 14);
	CHECK_EQUAL(port_next, 3);
	CHECK_EQUAL(fake.regs[VM_REG_GUEST_RDI], 0x2000);
	CHECK_EQUAL(fake.regs[VM_REG_GUEST_RCX], 3);
	CHECK_EQUAL(fake.restarts, 0);
}

static void fault_expect(struct cpu *cpu, int vector)
{
	CHECK_EQUAL(inout_str_emulate(cpu, &cpu->exit), CPU_CONTINUE);
	CHECK_EQUAL(fake.exceptions, 1);
	CHECK_EQUAL(fake.vector, vector);
	CHECK_EQUAL(fake.restart, 1);
	CHECK_EQUAL(port_count, 0);
	CHECK_EQUAL(port_next, 1);
}

static void test_segments(void)
{
	struct cpu *cpu;
	struct vm_exit *exit;

	exit = exit_make(&cpu, true, 1, 0x0000800000000000, 2);		/* not canonical */
	fault_expect(cpu, 13);
	exit = exit_make(&cpu, false, 1, 0x0000800000000000, 2);
	exit->u.inout_str.seg_name = VM_REG_GUEST_SS;
	fault_expect(cpu, 12);
	exit = exit_make(&cpu, true, 4, 0x1001, 2);			/* alignment check */
	exit->u.inout_str.paging.cpl = 3;
	exit->u.inout_str.cr0 = 1 << 18;
	exit->u.inout_str.rflags = 1 << 18;
	fault_expect(cpu, 17);

	exit = exit_make(&cpu, true, 4, 0x0ffd, 2);			/* beyond the limit */
	exit->u.inout_str.paging.cpu_mode = CPU_MODE_PROTECTED;
	exit->u.inout_str.addrsize = 4;
	exit->u.inout_str.seg_desc.limit = 0x0fff;
	fault_expect(cpu, 13);
	exit = exit_make(&cpu, true, 4, 0x1000, 2); /* into a read-only segment */
	exit->u.inout_str.paging.cpu_mode = CPU_MODE_PROTECTED;
	exit->u.inout_str.seg_desc.access = 0xc091;
	fault_expect(cpu, 13);
	exit = exit_make(&cpu, true, 4, 0x0fff, 2); /* below the limit of one that expands down */
	exit->u.inout_str.paging.cpu_mode = CPU_MODE_PROTECTED;
	exit->u.inout_str.seg_desc = (struct seg_desc){ .limit = 0x0fff, .access = 0xc097 };
	fault_expect(cpu, 13);
	exit = exit_make(&cpu, true, 4, 0x1000, 1);
	exit->u.inout_str.paging.cpu_mode = CPU_MODE_PROTECTED;
	exit->u.inout_str.seg_desc = (struct seg_desc){ .limit = 0x0fff, .access = 0xc097 };
	CHECK_EQUAL(inout_str_emulate(cpu, exit), CPU_CONTINUE);
	CHECK_EQUAL(fake.exceptions, 0);
}

/* 16-bit addresses wrap within the segment and leave the upper parts of the registers alone. */
static void test_real_mode(void)
{
	struct cpu *cpu;
	struct vm_exit *exit = exit_make(&cpu, true, 1, 0xffff, 2);

	exit->u.inout_str.paging.cpu_mode = CPU_MODE_REAL;
	exit->u.inout_str.paging.paging_mode = PAGING_MODE_FLAT;
	exit->u.inout_str.addrsize = 2;
	exit->u.inout_str.seg_desc =
		(struct seg_desc){ .base = 0x20000, .limit = 0xffff, .access = 0x93 };
	fake.regs[VM_REG_GUEST_RDI] = 0x1234ffff;
	fake.regs[VM_REG_GUEST_RCX] = 0x56780002;
	CHECK_EQUAL(inout_str_emulate(cpu, exit), CPU_CONTINUE);
	CHECK_EQUAL(fake.memory[0x2ffff], 1);
	CHECK_EQUAL(fake.memory[0x20000], 2);
	CHECK_EQUAL(fake.regs[VM_REG_GUEST_RDI], 0x12340001);
	CHECK_EQUAL(fake.regs[VM_REG_GUEST_RCX], 0x56780000);
}

int main(void)
{
	inout_register(PORT, 4, 1 | 2 | 4, port_access, NULL);
	test_out();
	test_in_pages();
	test_down();
	test_burst();
	test_none();
	test_page_fault();
	test_segments();
	test_real_mode();
	free(fake.memory);
	return 0;
}
