// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Instructions that access addresses where nothing is. */
#include <string.h>

#include "../../src/x86/decode.h"
#include "../vmmrun/exit.h"
#include "test.h"

#define HOLE	0xd0000000ul
#define RIP	0x7000ul

static struct cpu *cpu;

/*
 * A 64-bit guest executes CODE, whose memory operand is at RBX = GPA. The kernel did not decode it.
 */
static void exit_make(const void *code, unsigned int length, uint64_t gpa)
{
	cpu = fake_cpu();
	for (int reg = VM_REG_GUEST_RAX; reg <= VM_REG_GUEST_R15; reg++)
		fake.regs[reg] = 0x1111111111111111ul;
	fake.regs[VM_REG_GUEST_RBX] = gpa;
	for (int reg = VM_REG_GUEST_ES; reg <= VM_REG_GUEST_GS; reg++)
		fake.descs[reg] =
			(struct seg_desc){ .limit = 0xffffffff,
					   .access = reg == VM_REG_GUEST_CS ? 0xa09b : 0xc093 };
	cpu->exit.exitcode = VM_EXITCODE_INST_EMUL;
	cpu->exit.rip = RIP;
	cpu->exit.u.inst_emul.gpa = gpa;
	cpu->exit.u.inst_emul.gla = gpa;
	cpu->exit.u.inst_emul.paging.cpu_mode = CPU_MODE_64BIT;
	cpu->exit.u.inst_emul.paging.paging_mode = PAGING_MODE_64;
	memcpy(cpu->exit.u.inst_emul.vie.inst, code, length);
	cpu->exit.u.inst_emul.vie.num_valid = VIE_INST_SIZE;
}

static void run(unsigned int length)
{
	CHECK_EQUAL(mmio_emulate(cpu, &cpu->exit), CPU_CONTINUE);
	CHECK_EQUAL(fake.exceptions, 0);
	CHECK_EQUAL(fake.regs[VM_REG_GUEST_RIP], RIP + length);
}

static void test_moves(void)
{
	exit_make("\x8b\x03", 2, HOLE);			/* mov eax, [rbx] */
	run(2);
	CHECK_EQUAL(fake.regs[VM_REG_GUEST_RAX], 0xffffffff);
	exit_make("\x48\x8b\x03", 3, HOLE);		/* mov rax, [rbx] */
	run(3);
	CHECK_EQUAL(fake.regs[VM_REG_GUEST_RAX], ~0ul);
	exit_make("\x8a\x23", 2, HOLE);			/* mov ah, [rbx] */
	run(2);
	CHECK_EQUAL(fake.regs[VM_REG_GUEST_RAX], 0x111111111111ff11);
	exit_make("\x66\x44\x8b\x0b", 4, HOLE);		/* mov r9w, [rbx] */
	run(4);
	CHECK_EQUAL(fake.regs[VM_REG_GUEST_R9], 0x111111111111ffff);
	exit_make("\x0f\xb6\x0b", 3, HOLE);		/* movzx ecx, byte [rbx] */
	run(3);
	CHECK_EQUAL(fake.regs[VM_REG_GUEST_RCX], 0xff);
	exit_make("\x89\x03", 2, HOLE);			/* mov [rbx], eax */
	run(2);
	exit_make("\xc7\x03\x01\x02\x03\x04", 6, HOLE);	/* mov dword [rbx], imm */
	run(6);
}

static void test_memory_to_hole(void)
{
	exit_make("\xa4", 1, HOLE);			/* movsb, from memory to nowhere */
	fake.regs[VM_REG_GUEST_RSI] = 0x2000;
	fake.regs[VM_REG_GUEST_RDI] = HOLE;
	run(1);
	CHECK_EQUAL(fake.regs[VM_REG_GUEST_RSI], 0x2001);
	CHECK_EQUAL(fake.regs[VM_REG_GUEST_RDI], HOLE + 1);

	exit_make("\xa4", 1, HOLE);			/* movsb, from nowhere to memory */
	fake.regs[VM_REG_GUEST_RSI] = HOLE;
	fake.regs[VM_REG_GUEST_RDI] = 0x2000;
	run(1);
	CHECK_EQUAL((uint8_t)fake.memory[0x2000], 0xff);
}

static void test_hole_to_kernel_device(void)
{
	exit_make("\xa5", 1, HOLE);			/* movsd, from nowhere to the I/O APIC */
	fake.regs[VM_REG_GUEST_RSI] = HOLE;
	fake.regs[VM_REG_GUEST_RDI] = 0xfec00010;
	run(1);
	CHECK_EQUAL(fake.kernel_gpa, 0xfec00010);
	CHECK_EQUAL(fake.kernel_size, 4);
	CHECK_EQUAL(fake.kernel_value, 0xffffffff);
}

static void test_fault(void)
{
	exit_make("\xa4", 1, HOLE);			/* movsb: the other operand faults */
	fake.regs[VM_REG_GUEST_RSI] = HOLE;
	fake.regs[VM_REG_GUEST_RDI] = 0x3000;
	fake.fault_from = 0x3000;
	fake.fault_to = 0x4000;
	fake.regs[VM_REG_GUEST_RIP] = RIP;
	CHECK_EQUAL(mmio_emulate(cpu, &cpu->exit), CPU_CONTINUE);
	CHECK_EQUAL(fake.vector, 14);
	CHECK_EQUAL(fake.regs[VM_REG_GUEST_RIP], RIP);
	CHECK_EQUAL(fake.regs[VM_REG_GUEST_RDI], 0x3000);
}

static void test_repeat(void)
{
	unsigned int exits = 0;

	exit_make("\xf3\xaa", 2, HOLE);			/* rep stosb */
	fake.regs[VM_REG_GUEST_RDI] = HOLE;
	fake.regs[VM_REG_GUEST_RCX] = 5;
	while (fake.regs[VM_REG_GUEST_RCX] != 0 && exits++ < 5)
		CHECK_EQUAL(mmio_emulate(cpu, &cpu->exit), CPU_CONTINUE);
	CHECK_EQUAL(fake.regs[VM_REG_GUEST_RCX], 0);
	CHECK_EQUAL(fake.regs[VM_REG_GUEST_RDI], HOLE + 5);
}

/* Where the kernel has decoded, it has moved the resume point as well. */
static void test_decoded(void)
{
	struct vie *vie;

	exit_make("\x8b\x03", 2, HOLE);
	vie = &cpu->exit.u.inst_emul.vie;
	vie_init(vie, (const u8 *)"\x8b\x03\x90\x90\x90\x90\x90\x90\x90\x90\x90\x90\x90\x90\x90",
		 VIE_INST_SIZE);
	CHECK_EQUAL(vie_decode(vie, CPU_MODE_64BIT, false), 0);
	CHECK_EQUAL(mmio_emulate(cpu, &cpu->exit), CPU_CONTINUE);
	CHECK_EQUAL(fake.regs[VM_REG_GUEST_RAX], 0xffffffff);
	CHECK_EQUAL(fake.regs[VM_REG_GUEST_RIP], 0);
}

static void test_unknown(void)
{
	exit_make("\x0f\xae\x03", 3, HOLE);		/* fxsave [rbx] */
	CHECK_EQUAL(mmio_emulate(cpu, &cpu->exit), CPU_DEAD);
}

int main(void)
{
	test_moves();
	test_memory_to_hole();
	test_hole_to_kernel_device();
	test_fault();
	test_repeat();
	test_decoded();
	test_unknown();
	free(fake.memory);
	return 0;
}
