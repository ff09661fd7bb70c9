// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* The first steps of a vCPU: modes, port and memory exits, CPUID, MSRs. */
#include "test.h"

#define HOLE_GPA	0xd0000000ull		/* neither memory nor a chip; below 4 GiB, so that the page tables reach it */

#ifdef GUEST

/* --- what CPUID says ------------------------------------------------------------- */

#define CPUID1_ECX_MONITOR	(1u << 3)
#define CPUID1_ECX_VMX		(1u << 5)
#define CPUID1_ECX_EST		(1u << 7)
#define CPUID1_ECX_XSAVE	(1u << 26)
#define CPUID1_ECX_OSXSAVE	(1u << 27)
#define CPUID1_ECX_HYPERVISOR	(1u << 31)
#define CPUID1_EDX_NEEDED	((1u << 7) | (1u << 12) | (1u << 14) | (1u << 9))	/* MCE, MTRR, MCA, APIC */
#define CR4_OSXSAVE		(1u << 18)

static void cpuid_check_1(void)
{
	struct cpuid r = cpuid(1, 0);

	CHECK_EQ(r.ebx >> 24, vcpu_self());
	CHECK(r.ecx & CPUID1_ECX_HYPERVISOR);
	CHECK_EQ(r.ecx & (CPUID1_ECX_VMX | CPUID1_ECX_MONITOR | CPUID1_ECX_EST), 0);
	CHECK_EQ(r.edx & CPUID1_EDX_NEEDED, CPUID1_EDX_NEEDED);
	CHECK_EQ(r.ecx & CPUID1_ECX_OSXSAVE, 0);
	if (!(r.ecx & CPUID1_ECX_XSAVE))
		return;
	write_cr4(read_cr4() | CR4_OSXSAVE);
	CHECK(cpuid(1, 0).ecx & CPUID1_ECX_OSXSAVE);
	write_cr4(read_cr4() & ~(uint64_t)CR4_OSXSAVE);
	CHECK_EQ(cpuid(1, 0).ecx & CPUID1_ECX_OSXSAVE, 0);
}

static bool cpuid_equal(struct cpuid a, struct cpuid b)
{
	return a.eax == b.eax && a.ebx == b.ebx && a.ecx == b.ecx && a.edx == b.edx;
}

GUEST_MAIN(cpuid)
{
	struct cpuid r = cpuid(0x40000000, 0), max;

	CHECK_EQ(r.eax, 0x40000000);
	CHECK_EQ(r.ebx, 0x76796862);			/* "bhyve bhyve " */
	CHECK_EQ(r.ecx, 0x68622065);
	CHECK_EQ(r.edx, 0x20657679);
	CHECK(cpuid_equal(cpuid(0x40000001, 0), r));
	CHECK(cpuid_equal(cpuid(0x7fffffff, 0), r));
	cpuid_check_1();

	max = cpuid(cpuid(0, 0).eax, 0);
	CHECK(cpuid_equal(cpuid(cpuid(0, 0).eax + 1, 0), max));
	max = cpuid(cpuid(0x80000000, 0).eax, 0);
	CHECK(cpuid_equal(cpuid(0x8fffffff, 0), max));

	CHECK_EQ(cpuid(0x80000001, 0).ecx & (1u << 2), 0);		/* SVM */
	CHECK_EQ(cpuid(0x80000007, 0).edx & ~(1u << 8), 0);		/* only the invariant TSC */
	r = cpuid(0xa, 0);
	CHECK_EQ(r.eax | r.ebx | r.ecx | r.edx, 0);
	r = cpuid(7, 1);
	CHECK_EQ(r.eax | r.ebx | r.ecx | r.edx, 0);
}

/* The upper halves of all four registers are cleared. */
GUEST_MAIN(cpuid_halves)
{
	uint64_t a = ~0ull << 32, b = ~0ull, c = ~0ull << 32, d = ~0ull;

	asm volatile("cpuid" : "+a"(a), "+b"(b), "+c"(c), "+d"(d));
	CHECK_EQ((a | b | c | d) >> 32, 0);
}

GUEST_MAIN(cpuid_topology)
{
	struct cpuid r = cpuid(1, 0);

	CHECK_EQ(r.ebx >> 24, vcpu_self());
	CHECK_EQ((r.ebx >> 16) & 0xff, 4);		/* 2 cores of 2 threads a package */
}

/* --- modes ----------------------------------------------------------------------- */

static uint64_t fpu_sum(void)
{
	double sum = 0;
	uint64_t result;

	/* Without compiler support: 1 + 2 + ... + 10 in XMM, and on the x87 stack. */
	asm volatile("mov $10, %%ecx; pxor %%xmm0, %%xmm0; pxor %%xmm2, %%xmm2;"
		     "1: cvtsi2sd %%ecx, %%xmm1; addsd %%xmm1, %%xmm0; dec %%ecx; jnz 1b;"
		     "fninit; fldz; mov $10, %%ecx; 2: mov %%ecx, (%1); fiaddl (%1); dec %%ecx; jnz 2b; fstpl (%1);"
		     "addsd (%1), %%xmm0; cvtsd2si %%xmm0, %0"
		     : "=r"(result) : "r"(&sum) : "ecx", "memory");
	return result;
}

GUEST_MAIN(long_mode)
{
	CHECK(rdmsr(0xc0000080) & 0x400);		/* EFER.LMA */
	CHECK_EQ(read_cr3(), PAGE_TABLES_GPA);
	CHECK_EQ(read_cr0() & 0x80000001, 0x80000001);
	CHECK_EQ(fpu_sum(), 110);
	CHECK_EQ(input(), 0xfeedface);
	value(0x123456789abcdef0);
	value(read_cr0());
}

/* --- MSRs --------------------------------------------------------------------------- */

GUEST_MAIN(msrs)
{
	uint64_t val;

	CHECK_EQ(rdmsr(MSR_APIC_BASE), 0xfee00900);	/* at its place, enabled, bootstrap processor */
	CHECK_EQ(rdmsr(0x277), 0x0007040600070406);	/* PAT after reset */
	wrmsr(0x277, 0x0606060606060606);
	CHECK_EQ(rdmsr(0x277), 0x0606060606060606);
	CHECK_EQ(wrmsr_try(0x277, 0x0202020202020202), VEC_GP);
	CHECK_EQ(rdmsr(0x277), 0x0606060606060606);
	wrmsr(0x277, 0x0007040600070406);
	CHECK_EQ(rdmsr(0xfe), 0x50a);			/* MTRRcap: WC, fixed, 10 variable */
	CHECK_EQ(wrmsr_try(0xfe, 0), VEC_GP);
	CHECK_EQ(rdmsr(0x179) | rdmsr(0x17a), 0);
	CHECK_EQ(rdmsr(0x250), 0);
	wrmsr(0x250, 0x0606060606060606);
	CHECK_EQ(rdmsr(0x250), 0x0606060606060606);
	wrmsr(0xc0000100, SCRATCH_GPA);
	*(volatile uint64_t *)SCRATCH_GPA = 0xf5ba5e;
	asm volatile("mov %%fs:0, %0" : "=r"(val) : : "memory");
	CHECK_EQ(val, 0xf5ba5e);
	CHECK_EQ(rdmsr(0xc0000100), SCRATCH_GPA);
	CHECK_EQ(rdmsr(0xc0000080), 0xd00 & rdmsr(0xc0000080));	/* nothing but LME, LMA and perhaps NXE: SVME hidden */
}

GUEST_MAIN(msr_exits)
{
	uint32_t lo, hi;

	asm volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(0x12345));
	CHECK_EQ(lo, 0x11111111);
	CHECK_EQ(hi, 0x22222222);
	wrmsr(0x12345, 0x3333333344444444);
	CHECK_EQ(wrmsr_try(0x12345, 1), VEC_GP);
	CHECK_EQ(fault_error, 0);
	wrmsr(0x12345, 2);
}

#else

/* --- ports --------------------------------------------------------------------------- */

SNIPPET(out_three, 64,
	"mov $0x1234, %edx; mov $0x55667788, %eax;"
	"out %al, (%dx);"		/* at 10, 1 byte long */
	"out %ax, (%dx);"		/* at 11, 2 bytes long */
	"out %eax, $0xee;"		/* at 13, 2 bytes long */
	"hlt");

TEST(basic_out_exits)
{
	static const struct { unsigned int offset, length, bytes, port; } want[] = {
		{ 10, 1, 1, 0x1234 }, { 11, 2, 2, 0x1234 }, { 13, 2, 4, 0xee },
	};
	struct machine *m = machine_create(1);
	struct vm_exit exit;

	snippet_start(m, 0, &out_three);
	for (int i = 0; i < 3; i++) {
		exit = EXPECT_EXIT(m, 0, VM_EXITCODE_INOUT);
		EXPECT_EQ(exit.rip, CODE_GPA + want[i].offset);
		EXPECT_EQ(exit.inst_length, want[i].length);
		EXPECT_EQ(exit.u.inout.bytes, want[i].bytes);
		EXPECT_EQ(exit.u.inout.port, want[i].port);
		EXPECT_EQ(exit.u.inout.in, 0);
		EXPECT_EQ(exit.u.inout.string, 0);
		EXPECT_EQ(exit.u.inout.rep, 0);
		EXPECT_EQ(exit.u.inout.eax, 0x55667788);
		/* The register is the instruction that exited, not where the guest goes on. */
		EXPECT_EQ(reg_get(m, 0, VM_REG_GUEST_RIP), exit.rip);
	}
}

SNIPPET(in_three, 64,
	"mov $0x1234, %edx; mov $-1, %rax;"
	"in (%dx), %al; mov %rax, %rbx;"
	"mov $-1, %rax; in (%dx), %ax; mov %rax, %rcx;"
	"mov $-1, %rax; in (%dx), %eax; mov %rax, %rsi;"
	"out %al, (%dx)");

/* How user space completes an IN: all of RAX, made from eax and the datum. */
TEST(basic_in_completion)
{
	struct machine *m = machine_create(1);
	struct vm_exit exit;
	uint64_t mask;

	snippet_start(m, 0, &in_three);
	for (int bytes = 1; bytes <= 4; bytes *= 2) {
		exit = EXPECT_EXIT(m, 0, VM_EXITCODE_INOUT);
		EXPECT_EQ(exit.u.inout.in, 1);
		EXPECT_EQ(exit.u.inout.bytes, bytes);
		EXPECT_EQ(exit.u.inout.eax, 0xffffffff);
		mask = bytes == 4 ? 0xffffffff : (1ull << (8 * bytes)) - 1;
		reg_set(m, 0, VM_REG_GUEST_RAX, (exit.u.inout.eax & ~mask) | (0x11223344 & mask));
	}
	EXPECT_EXIT(m, 0, VM_EXITCODE_INOUT);
	EXPECT_EQ(reg_get(m, 0, VM_REG_GUEST_RBX), 0xffffff44);
	EXPECT_EQ(reg_get(m, 0, VM_REG_GUEST_RCX), 0xffff3344);
	EXPECT_EQ(reg_get(m, 0, VM_REG_GUEST_RSI), 0x11223344);
}

/* VM_RESTART_INSTRUCTION, and a set of RIP, decide where the guest goes on. */
TEST(basic_resume_point)
{
	struct machine *m = machine_create(1);
	struct vm_exit exit;

	snippet_start(m, 0, &out_three);
	exit = EXPECT_EXIT(m, 0, VM_EXITCODE_INOUT);
	EXPECT_EQ(exit.rip, CODE_GPA + 10);
	OK(vm_restart_instruction(m->vcpu[0]));
	exit = EXPECT_EXIT(m, 0, VM_EXITCODE_INOUT);
	EXPECT_EQ(exit.rip, CODE_GPA + 10);
	reg_set(m, 0, VM_REG_GUEST_RIP, CODE_GPA + 13);
	exit = EXPECT_EXIT(m, 0, VM_EXITCODE_INOUT);
	EXPECT_EQ(exit.rip, CODE_GPA + 13);
	reg_set(m, 0, VM_REG_GUEST_RIP, CODE_GPA);
	exit = EXPECT_EXIT(m, 0, VM_EXITCODE_INOUT);
	EXPECT_EQ(exit.rip, CODE_GPA + 10);
}

/* Registers come and go unchanged through a run. */
TEST(basic_registers_kept)
{
	static const int regs[] = { VM_REG_GUEST_RBX, VM_REG_GUEST_RCX, VM_REG_GUEST_RSI, VM_REG_GUEST_RDI, VM_REG_GUEST_RBP, VM_REG_GUEST_R8,
		VM_REG_GUEST_R9, VM_REG_GUEST_R10, VM_REG_GUEST_R11, VM_REG_GUEST_R12, VM_REG_GUEST_R13, VM_REG_GUEST_R14, VM_REG_GUEST_R15,
		VM_REG_GUEST_RSP, VM_REG_GUEST_CR2, VM_REG_GUEST_DR0, VM_REG_GUEST_DR1, VM_REG_GUEST_DR2, VM_REG_GUEST_DR3,
		VM_REG_GUEST_FS_BASE, VM_REG_GUEST_GS_BASE, VM_REG_GUEST_KGS_BASE };
	struct machine *m = machine_create(1);

	snippet_start(m, 0, &out_three);
	for (unsigned int i = 0; i < sizeof(regs) / sizeof(regs[0]); i++)
		reg_set(m, 0, regs[i], 0x1000100010001ull * (i + 1) & 0x7fffffffffff);
	EXPECT_EXIT(m, 0, VM_EXITCODE_INOUT);
	EXPECT_EXIT(m, 0, VM_EXITCODE_INOUT);
	for (unsigned int i = 0; i < sizeof(regs) / sizeof(regs[0]); i++)
		if (reg_get(m, 0, regs[i]) != (0x1000100010001ull * (i + 1) & 0x7fffffffffff))
			FAIL("register %d came back as %#lx", regs[i], (unsigned long)reg_get(m, 0, regs[i]));
}

/* --- modes ------------------------------------------------------------------------------ */

SNIPPET(real_mode, 16,
	"mov $0x1000, %ax; mov %ax, %ds; mov $0x20, %bx; movw $0x4321, (%bx);"	/* segment * 16 + offset */
	"smsw %ax; mov $0x1234, %dx; out %ax, (%dx)");

TEST(basic_real_mode)
{
	struct machine *m = machine_create(1);
	struct vm_exit exit;
	uint16_t written;

	snippet_start(m, 0, &real_mode);
	exit = EXPECT_EXIT(m, 0, VM_EXITCODE_INOUT);
	EXPECT_EQ(exit.u.inout.bytes, 2);
	EXPECT_EQ(exit.u.inout.eax & 1, 0);
	memcpy(&written, m->mem + 0x10020, 2);
	EXPECT_EQ(written, 0x4321);
}

SNIPPET(protected_mode, 32,
	"mov $0x100000, %esp; push $0x1234; pop %edx; mov %cr0, %eax; out %eax, (%dx)");

TEST(basic_protected_mode)
{
	struct machine *m = machine_create(1);
	struct vm_exit exit;

	snippet_start(m, 0, &protected_mode);
	exit = EXPECT_EXIT(m, 0, VM_EXITCODE_INOUT);
	EXPECT_EQ(exit.u.inout.bytes, 4);
	EXPECT_EQ(exit.u.inout.eax & 0x80000001, 1);
	EXPECT_EQ(exit.u.inout.port, 0x1234);
}

TEST(basic_long_mode)
{
	struct machine *m = machine_create(1);

	m->input = 0xfeedface;
	vcpu_start_main(m, 0, "long_mode");
	EXPECT_PASS(m, 0);
	EXPECT_EQ(m->value_count, 2);
	EXPECT_EQ(m->values[0], 0x123456789abcdef0);
	EXPECT_EQ(m->values[1], reg_get(m, 0, VM_REG_GUEST_CR0));
}

SNIPPET(reset_vector, 16, "mov $0x1234, %dx; mov %cs, %ax; out %ax, (%dx); jmp .");

/* The state after reset, code in a ROM below 4 GiB. */
TEST(basic_reset_vector)
{
	struct machine *m = machine_create(1);
	struct vm_exit exit;
	uint8_t *rom = vm_create_devmem(m->ctx, VM_BOOTROM, "bootrom", 0x10000);

	EXPECT(rom != (void *)-1);
	memcpy(rom + 0xfff0, reset_vector.begin, (size_t)(reset_vector.end - reset_vector.begin));
	OK(vm_mmap_memseg(m->ctx, 0xffff0000, VM_BOOTROM, 0, 0x10000, VM_PROT_READ | VM_PROT_EXECUTE));
	OK(vcpu_reset(m->vcpu[0]));
	exit = EXPECT_EXIT(m, 0, VM_EXITCODE_INOUT);
	EXPECT_EQ(exit.u.inout.eax & 0xffff, 0xf000);
	EXPECT_EQ(exit.rip, 0xfff5);
}

SNIPPET(mode_climb, 16,
	"cli; mov $0x20, %eax; mov %eax, %cr4; mov $0x2000, %eax; mov %eax, %cr3;"
	"mov $0xc0000080, %ecx; rdmsr; or $0x100, %eax; wrmsr;"
	"mov %cr0, %eax; or $0x80000001, %eax; mov %eax, %cr0;"
	"ljmpl $0x18, $0x8100");
SNIPPET(mode_climbed, 64,
	"mov $0xc0000080, %ecx; rdmsr; mov $0x1234, %edx; out %eax, (%dx)");

/* The guest itself goes from real mode to 64-bit mode, as boot loaders do. */
TEST(basic_mode_climb)
{
	struct machine *m = machine_create(1);
	struct vm_exit exit;

	memcpy(m->mem + 0x8100, mode_climbed.begin, (size_t)(mode_climbed.end - mode_climbed.begin));
	snippet_start(m, 0, &mode_climb);
	OK(vm_set_desc(m->vcpu[0], VM_REG_GUEST_GDTR, GDT_GPA, GDT_BYTES - 1, 0));
	exit = EXPECT_EXIT(m, 0, VM_EXITCODE_INOUT);
	EXPECT_EQ(exit.u.inout.eax & 0x500, 0x500);
	EXPECT_EQ(reg_get(m, 0, VM_REG_GUEST_EFER) & 0x1500, 0x500);
	EXPECT_EQ(reg_get(m, 0, VM_REG_GUEST_CS), 0x18);
}

/* --- memory exits ------------------------------------------------------------------------- */

static void expect_mmio(const struct vm_exit *exit, uint64_t gpa, int length, int opsize)
{
	EXPECT_EQ(exit->u.inst_emul.gpa, gpa);
	EXPECT_EQ(exit->u.inst_emul.vie.decoded, 1);
	EXPECT_EQ(exit->inst_length, length);
	EXPECT_EQ(exit->u.inst_emul.vie.num_processed, length);
	EXPECT_EQ(exit->u.inst_emul.vie.opsize, opsize);
}

SNIPPET(mmio_three, 64,
	"mov $0xd0000000, %ebx; mov $0x1122334455667788, %rax;"	/* 5 + 10 bytes */
	"mov %eax, 0x10(%rbx);"						/* at 15, 3 bytes long */
	"mov 0x18(%rbx), %rcx;"						/* at 18, 4 bytes long */
	"movzbl 0x21(%rbx), %esi;"					/* at 22, 4 bytes long */
	"out %al, $0x80");

TEST(mmio_exits)
{
	struct machine *m = machine_create(1);
	struct vm_exit exit;

	snippet_start(m, 0, &mmio_three);
	exit = EXPECT_EXIT(m, 0, VM_EXITCODE_INST_EMUL);
	EXPECT_EQ(exit.rip, CODE_GPA + 15);
	expect_mmio(&exit, HOLE_GPA + 0x10, 3, 4);
	EXPECT_EQ(exit.u.inst_emul.vie.op.op_byte, 0x89);
	EXPECT_EQ(exit.u.inst_emul.paging.cr3, PAGE_TABLES_GPA);
	EXPECT_EQ(exit.u.inst_emul.paging.cpl, 0);
	EXPECT_EQ(exit.u.inst_emul.paging.cpu_mode, CPU_MODE_64BIT);
	EXPECT_EQ(exit.u.inst_emul.paging.paging_mode, PAGING_MODE_64);
	if (host_is_amd())
		EXPECT_EQ(exit.u.inst_emul.gla, ~0ull);
	exit = EXPECT_EXIT(m, 0, VM_EXITCODE_INST_EMUL);
	EXPECT_EQ(exit.rip, CODE_GPA + 18);
	expect_mmio(&exit, HOLE_GPA + 0x18, 4, 8);
	EXPECT_EQ(exit.u.inst_emul.vie.op.op_byte, 0x8b);
	reg_set(m, 0, VM_REG_GUEST_RCX, 0xaabb);
	exit = EXPECT_EXIT(m, 0, VM_EXITCODE_INST_EMUL);
	EXPECT_EQ(exit.rip, CODE_GPA + 22);
	EXPECT_EQ(exit.u.inst_emul.gpa, HOLE_GPA + 0x21);
	EXPECT_EQ(exit.inst_length, 4);
	EXPECT_EXIT(m, 0, VM_EXITCODE_INOUT);
	EXPECT_EQ(reg_get(m, 0, VM_REG_GUEST_RCX), 0xaabb);
}

SNIPPET(mmio_32, 32, "mov $0xd0000000, %ebx; mov %al, %es:4(%ebx,%ecx,2); out %al, $0x80");
SNIPPET(mmio_16, 16, "mov $0xd000, %bx; mov %bx, %ds; movw $0x1234, 0x10; out %al, $0x80");

/* Without paging, in protected and in real mode: the decoder is told which. */
TEST(mmio_exits_unpaged)
{
	struct machine *m = machine_create(1);
	struct vm_exit exit;

	snippet_start(m, 0, &mmio_32);
	exit = EXPECT_EXIT(m, 0, VM_EXITCODE_INST_EMUL);
	expect_mmio(&exit, HOLE_GPA + 4, 5, 1);
	EXPECT_EQ(exit.u.inst_emul.cs_d, 1);
	EXPECT_EQ(exit.u.inst_emul.paging.cpu_mode, CPU_MODE_PROTECTED);
	EXPECT_EQ(exit.u.inst_emul.paging.paging_mode, PAGING_MODE_FLAT);

	snippet_start(m, 0, &mmio_16);
	OK(vm_munmap_memseg(m->ctx, 0, MEMORY_BYTES));
	OK(vm_mmap_memseg(m->ctx, 0, VM_SYSMEM, 0, 0x80000, VM_PROT_ALL));
	exit = EXPECT_EXIT(m, 0, VM_EXITCODE_INST_EMUL);
	expect_mmio(&exit, 0xd0010, 6, 2);
	EXPECT_EQ(exit.u.inst_emul.cs_d, 0);
	EXPECT_EQ(exit.u.inst_emul.paging.cpu_mode, CPU_MODE_REAL);
	EXPECT_EXIT(m, 0, VM_EXITCODE_INOUT);
}

SNIPPET(fetch_hole, 64, "mov $0xd0000000, %eax; jmp *%rax");

/* Running into a hole is no access to emulate. */
TEST(mmio_fetch_from_hole)
{
	struct machine *m = machine_create(1);

	snippet_start(m, 0, &fetch_hole);
	EXPECT_EXIT(m, 0, host_is_amd() ? VM_EXITCODE_SVM : VM_EXITCODE_VMX);
}

SNIPPET(rom_write, 64, "mov $0xc0000000, %ebx; movl $1, (%rbx); mov (%rbx), %eax; out %eax, $0x80");

/* M-04: a segment mapped without write permission stays as it is. */
TEST(m04_rom_write)
{
	struct machine *m = machine_create(1);
	uint32_t *rom = vm_create_devmem(m->ctx, VM_BOOTROM, "rom", 0x1000);
	struct vm_exit exit;
	enum outcome outcome;

	EXPECT(rom != (void *)-1);
	rom[0] = 0x600d;
	OK(vm_mmap_memseg(m->ctx, 0xc0000000, VM_BOOTROM, 0, 0x1000, VM_PROT_READ | VM_PROT_EXECUTE));
	snippet_start(m, 0, &rom_write);
	outcome = vcpu_run(m, 0, &exit);
	EXPECT_EQ(outcome, GUEST_EXIT);
	EXPECT_EQ(rom[0], 0x600d);
	if (exit.exitcode == VM_EXITCODE_INST_EMUL)
		exit = EXPECT_EXIT(m, 0, VM_EXITCODE_INOUT);
	EXPECT_EQ(exit.exitcode, VM_EXITCODE_INOUT);
	EXPECT_EQ(exit.u.inout.eax, 0x600d);
}

/* --- string I/O ------------------------------------------------------------------------------ */

SNIPPET(outs_rep, 64,
	"mov $0xa100, %esi; mov $5, %ecx; mov $0x1234, %edx; cld; rep outsb;"
	"std; mov $0xa200, %esi; outsl;"
	"mov $0xa300, %edi; mov $7, %ecx; cld; addr32 rep insw;"
	"out %al, $0x80");

static struct vm_exit expect_string(struct machine *m, int in, int bytes, int rep, uint64_t index, uint64_t count, int addrsize)
{
	struct vm_exit exit = EXPECT_EXIT(m, 0, VM_EXITCODE_INOUT_STR);
	const struct vm_inout_str *s = &exit.u.inout_str;

	EXPECT_EQ(s->inout.string, 1);
	EXPECT_EQ(s->inout.in, in);
	EXPECT_EQ(s->inout.bytes, bytes);
	EXPECT_EQ(s->inout.rep, rep);
	EXPECT_EQ(s->inout.port, 0x1234);
	EXPECT_EQ(s->index, index);
	EXPECT_EQ(s->count, count);
	EXPECT_EQ(s->addrsize, addrsize);
	EXPECT_EQ(s->paging.cr3, PAGE_TABLES_GPA);
	EXPECT_EQ(s->paging.cpu_mode, CPU_MODE_64BIT);
	EXPECT_EQ(s->paging.paging_mode, PAGING_MODE_64);
	EXPECT_EQ(s->seg_name, in ? VM_REG_GUEST_ES : VM_REG_GUEST_DS);
	EXPECT_EQ(s->cr0, reg_get(m, 0, VM_REG_GUEST_CR0));
	return exit;
}

TEST(inout_string_exits)
{
	struct machine *m = machine_create(1);
	struct vm_exit exit;

	snippet_start(m, 0, &outs_rep);
	exit = expect_string(m, 0, 1, 1, 0xa100, 5, 8);
	EXPECT_EQ(exit.inst_length, 2);
	EXPECT_EQ(exit.u.inout_str.rflags & 0x400, 0);
	/* What user space does after some of the iterations. */
	reg_set(m, 0, VM_REG_GUEST_RSI, 0xa103);
	reg_set(m, 0, VM_REG_GUEST_RCX, 2);
	OK(vm_restart_instruction(m->vcpu[0]));
	expect_string(m, 0, 1, 1, 0xa103, 2, 8);
	reg_set(m, 0, VM_REG_GUEST_RSI, 0xa105);
	reg_set(m, 0, VM_REG_GUEST_RCX, 0);
	exit = expect_string(m, 0, 4, 0, 0xa200, 1, 8);
	EXPECT_EQ(exit.u.inout_str.rflags & 0x400, 0x400);
	EXPECT_EQ(exit.inst_length, 1);
	expect_string(m, 1, 2, 1, 0xa300, 7, 4);
	EXPECT_EXIT(m, 0, VM_EXITCODE_INOUT);
}

SNIPPET(outs_real, 16, "mov $0x1000, %ax; mov %ax, %fs; mov $0x30, %si; mov $0x1234, %dx; fs outsw; out %al, $0x80");

TEST(inout_string_real_mode)
{
	struct machine *m = machine_create(1);
	struct vm_exit exit;

	snippet_start(m, 0, &outs_real);
	exit = EXPECT_EXIT(m, 0, VM_EXITCODE_INOUT_STR);
	EXPECT_EQ(exit.u.inout_str.seg_name, VM_REG_GUEST_FS);
	EXPECT_EQ(exit.u.inout_str.seg_desc.base, 0x10000);
	EXPECT_EQ(exit.u.inout_str.index, 0x30);
	EXPECT_EQ(exit.u.inout_str.addrsize, 2);
	EXPECT_EQ(exit.u.inout_str.paging.cpu_mode, CPU_MODE_REAL);
	EXPECT_EQ(exit.u.inout_str.paging.paging_mode, PAGING_MODE_FLAT);
	EXPECT_EQ(exit.inst_length, 2);
}

/* --- CPUID, MSRs ------------------------------------------------------------------------------- */

TEST(basic_cpuid)
{
	struct machine *m = machine_create(1);

	vcpu_start_main(m, 0, "cpuid");
	EXPECT_PASS(m, 0);
	vcpu_start_main(m, 0, "cpuid_halves");
	EXPECT_PASS(m, 0);
}

TEST(basic_cpuid_topology)
{
	struct machine *m = machine_create(4);
	uint16_t sockets, cores, threads, limit;

	OK(vm_set_topology(m->ctx, 1, 2, 2, 0));
	OK(vm_get_topology(m->ctx, &sockets, &cores, &threads, &limit));
	EXPECT_EQ(sockets * 10000 + cores * 100 + threads, 10202);
	EXPECT_ERRNO(vm_set_topology(m->ctx, (uint16_t)(limit + 1), 1, 1, 0), EINVAL);
	EXPECT_ERRNO(vm_set_topology(m->ctx, 0xffff, 0xffff, 0xffff, 0), EINVAL);
	for (int id = 0; id < 4; id++) {
		vcpu_start_main(m, id, "cpuid_topology");
		EXPECT_PASS(m, id);
	}
}

TEST(basic_msrs)
{
	struct machine *m = machine_create(1);

	m->input = host_is_tcg();
	vcpu_start_main(m, 0, "msrs");
	EXPECT_PASS(m, 0);
}

TEST(basic_msr_exits)
{
	struct machine *m = machine_create(1);
	struct vm_exit exit;

	vcpu_start_main(m, 0, "msr_exits");
	exit = EXPECT_EXIT(m, 0, VM_EXITCODE_RDMSR);
	EXPECT_EQ(exit.u.msr.code, 0x12345);
	EXPECT_EQ(exit.inst_length, 2);
	reg_set(m, 0, VM_REG_GUEST_RAX, 0x11111111);
	reg_set(m, 0, VM_REG_GUEST_RDX, 0x22222222);
	exit = EXPECT_EXIT(m, 0, VM_EXITCODE_WRMSR);
	EXPECT_EQ(exit.u.msr.code, 0x12345);
	EXPECT_EQ(exit.u.msr.wval, 0x3333333344444444);
	exit = EXPECT_EXIT(m, 0, VM_EXITCODE_WRMSR);
	EXPECT_EQ(exit.u.msr.wval, 1);
	OK(vm_inject_exception(m->vcpu[0], 13, 1, 0, 1));
	exit = EXPECT_EXIT(m, 0, VM_EXITCODE_WRMSR);
	EXPECT_EQ(exit.u.msr.wval, 2);
	EXPECT_PASS(m, 0);
}

#endif
