// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* What host and guest see of each other's registers: rows H-.. of the catalogue. */
#include "test.h"

#define DUMP_GPA	SCRATCH_GPA

/* What the guest's first instructions store, in this order, from DUMP_GPA on. */
#define DUMP_GPR	0x000		/* RAX to R15 without RSP: 15 */
#define DUMP_DR		0x080		/* DR0 to 3, 6, 7 */
#define DUMP_CR		0x0c0		/* CR2, CR8 */
#define DUMP_FX		0x200		/* FXSAVE */
#define DUMP_MSR	0x400		/* the list below */
#define DUMP_YMM	0x800		/* upper halves, where XCR0 has them */
#define DUMP_XCR0	0xc00

#ifdef GUEST

/* Changes all that a guest can change, over and over. */
static void dr_set(uint64_t val)
{
	asm volatile("mov %0, %%dr0; mov %0, %%dr1; mov %0, %%dr2; mov %0, %%dr3" : : "r"(val));
	asm volatile("mov %0, %%dr6" : : "r"(0xffff0ff0ull | 0xe00f));
	asm volatile("mov %0, %%dr7" : : "r"(0x400ull | 0xff));
}

static void xmm_set(void)
{
	asm volatile("pcmpeqd %xmm0, %xmm0; pcmpeqd %xmm1, %xmm1; pcmpeqd %xmm2, %xmm2; pcmpeqd %xmm3, %xmm3; pcmpeqd %xmm4, %xmm4;"
		     "pcmpeqd %xmm5, %xmm5; pcmpeqd %xmm6, %xmm6; pcmpeqd %xmm7, %xmm7; pcmpeqd %xmm8, %xmm8; pcmpeqd %xmm9, %xmm9;"
		     "pcmpeqd %xmm10, %xmm10; pcmpeqd %xmm11, %xmm11; pcmpeqd %xmm12, %xmm12; pcmpeqd %xmm13, %xmm13;"
		     "pcmpeqd %xmm14, %xmm14; pcmpeqd %xmm15, %xmm15");
}

/* AVX on, and ones in the upper halves too. */
static void ymm_set(void)
{
	if ((cpuid(1, 0).ecx & (1u << 28 | 1u << 26)) != (1u << 28 | 1u << 26))
		return;
	write_cr4(read_cr4() | 1u << 18);
	asm volatile("xsetbv" : : "a"(7), "d"(0), "c"(0));
	asm volatile("vcmptrueps %ymm0, %ymm0, %ymm0; vcmptrueps %ymm0, %ymm0, %ymm5; vcmptrueps %ymm0, %ymm0, %ymm15");
}

static void fpu_set(void)
{
	static uint32_t mxcsr = 0x1f80 & ~0x1000u;
	static uint16_t control = 0x027f;

	asm volatile("fninit; fldcw %0; fld1; fldpi; fldl2e; ldmxcsr %1" : : "m"(control), "m"(mxcsr));
}

GUEST_MAIN(scramble)
{
	for (uint32_t i = 0;; i++) {
		dr_set(0x100000 + i);
		fpu_set();
		xmm_set();
		ymm_set();
		wrmsr(0xc0000100, 0x111111);
		wrmsr(0xc0000101, 0x222222);
		wrmsr(0xc0000102, 0x333333);
		wrmsr(0xc0000081, 0x0043001000000000);
		wrmsr(0xc0000082, 0x444444);
		wrmsr(0xc0000083, 0x555555);
		wrmsr(0xc0000084, 0x666666);
		wrmsr(0x174, 0x8);
		wrmsr(0x175, 0x777777);
		wrmsr(0x176, 0x888888);
		wrmsr(0x277, i & 1 ? 0x0606060606060606 : 0x0404040404040404);
		asm volatile("mov %0, %%cr2" : : "r"(0x999999ull));
		sync(i);
	}
}

#else

#include <cpuid.h>
#include <fcntl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <asm/prctl.h>

#define SCRAMBLE_ROUNDS	200

static bool host_has_avx(void)
{
	unsigned int eax, ebx, ecx = 0, edx, lo, hi;

	__get_cpuid(1, &eax, &ebx, &ecx, &edx);
	if (!(ecx & bit_AVX) || !(ecx & bit_OSXSAVE))
		return false;
	__asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
	return (lo & 6) == 6;
}

/* --- H-01: the registers that a program can see, around the system call itself -------------- */

#define FOR_16(X)	X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15)

static long ioctl_between_avx(int fd, unsigned long request, void *arg, const uint8_t (*in)[32], uint8_t (*out)[32])
{
	register long ret __asm__("rax") = SYS_ioctl;

	__asm__ volatile(
#define LOAD(n)		"vmovdqu 32*" #n "(%[in]), %%ymm" #n "\n"
		FOR_16(LOAD)
		"syscall\n"
#define STORE(n)	"vmovdqu %%ymm" #n ", 32*" #n "(%[out])\n"
		FOR_16(STORE)
		"vzeroupper\n"
		: "+r"(ret) : "D"((long)fd), "S"(request), "d"(arg), [in]"r"(in), [out]"r"(out) : "rcx", "r11", "memory");
	return ret;
}

static long ioctl_between_sse(int fd, unsigned long request, void *arg, const uint8_t (*in)[32], uint8_t (*out)[32])
{
	register long ret __asm__("rax") = SYS_ioctl;

	__asm__ volatile(
#define LOAD_SSE(n)	"movdqu 32*" #n "(%[in]), %%xmm" #n "\n"
		FOR_16(LOAD_SSE)
		"syscall\n"
#define STORE_SSE(n)	"movdqu %%xmm" #n ", 32*" #n "(%[out])\n"
		FOR_16(STORE_SSE)
		: "+r"(ret) : "D"((long)fd), "S"(request), "d"(arg), [in]"r"(in), [out]"r"(out) : "rcx", "r11", "memory");
	return ret;
}

/* VM_RUN with all vector registers set, and compared afterwards. */
static void run_with_vectors(struct machine *m, unsigned int round, bool avx)
{
	struct vm_exit exit;
	struct vm_run run = { .cpuid = 0, .cpuset = &m->ipi_targets, .cpusetsize = sizeof(m->ipi_targets), .vm_exit = &exit };
	static uint8_t in[16][32], out[16][32];
	size_t width = avx ? 32 : 16;
	long ret;

	for (unsigned int i = 0; i < 16; i++)
		for (unsigned int j = 0; j < 32; j++)
			in[i][j] = (uint8_t)(round * 17 + i * 32 + j * 3 + 1);
	do {
		ret = (avx ? ioctl_between_avx : ioctl_between_sse)(vm_get_device_fd(m->ctx), VM_RUN, &run, (const uint8_t (*)[32])in, out);
		EXPECT_EQ(ret, 0);
		for (unsigned int i = 0; i < 16; i++)
			if (memcmp(in[i], out[i], width) != 0)
				FAIL("round %u: register %cMM%u has changed", round, avx ? 'Y' : 'X', i);
	} while (exit.exitcode == VM_EXITCODE_BOGUS);
	EXPECT_EQ(exit.exitcode, VM_EXITCODE_INOUT);
	EXPECT_EQ(exit.u.inout.port, PORT_SYNC);
}

TEST_TIMED(h01_vector_registers, 60)
{
	struct machine *m = machine_create(1);
	bool avx = host_has_avx();

	vcpu_start_main(m, 0, "scramble");
	for (unsigned int round = 0; round < SCRAMBLE_ROUNDS; round++) {
		/* Over the CPUs, as far as there are any. */
		pin_to_cpu((int)(round % (unsigned int)sysconf(_SC_NPROCESSORS_ONLN)));
		run_with_vectors(m, round, avx);
	}
}

TEST(h01_x87_and_control)
{
	struct machine *m = machine_create(1);
	uint16_t control = 0x0b7f, got_control, status;
	uint32_t mxcsr = 0x1f80 | 0x6000, got_mxcsr;
	double stack[3] = { 1.5, -2.25, 1e100 }, got[3];
	struct vm_exit exit;

	vcpu_start_main(m, 0, "scramble");
	for (int round = 0; round < 50; round++) {
		__asm__ volatile("fninit; fldcw %0; fldl %1; fldl %2; fldl %3; ldmxcsr %4"
				 : : "m"(control), "m"(stack[0]), "m"(stack[1]), "m"(stack[2]), "m"(mxcsr));
		(void)vcpu_run_once(m, 0, &exit);
		__asm__ volatile("fnstsw %0; fnstcw %1; fstpl %2; fstpl %3; fstpl %4; stmxcsr %5"
				 : "=m"(status), "=m"(got_control), "=m"(got[2]), "=m"(got[1]), "=m"(got[0]), "=m"(got_mxcsr) : : "memory");
		EXPECT_EQ(got_control, control);
		EXPECT_EQ((status >> 11) & 7, 5);
		EXPECT_EQ(got_mxcsr & ~0x3fu, mxcsr);
		for (int i = 0; i < 3; i++)
			if (got[i] != stack[i])
				FAIL("round %d: value %d on the x87 stack went from %g to %g", round, i, stack[i], got[i]);
		__asm__ volatile("fninit; ldmxcsr %0" : : "m"((uint32_t){ 0x1f80 }));
	}
}

TEST(h01_segment_bases_and_keys)
{
	struct machine *m = machine_create(1);
	unsigned int eax, ebx, ecx = 0, edx;
	unsigned long fs, gs, fs_after, gs_after;
	uint64_t keys = 0;
	bool pku;
	struct vm_exit exit;

	__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx);
	pku = ecx & (1u << 4);
	if (pku) {
		__asm__ volatile(".byte 0x0f,0x01,0xef" : : "a"(0x5555555c), "c"(0), "d"(0));
		keys = host_pkru();
	}
	gs = 0x123456789000;
	OK(syscall(SYS_arch_prctl, ARCH_SET_GS, gs));
	OK(syscall(SYS_arch_prctl, ARCH_GET_FS, &fs));
	vcpu_start_main(m, 0, "scramble");
	for (int round = 0; round < 50; round++) {
		EXPECT_EQ(vcpu_run_once(m, 0, &exit), 0);
		OK(syscall(SYS_arch_prctl, ARCH_GET_FS, &fs_after));
		OK(syscall(SYS_arch_prctl, ARCH_GET_GS, &gs_after));
		EXPECT_EQ(fs_after, fs);
		EXPECT_EQ(gs_after, gs);
		if (pku)
			EXPECT_EQ(host_pkru(), keys);
	}
}

/* --- H-01: hardware breakpoints of a debugged process ------------------------------------------ */

static volatile uint64_t watched[4];

static void debuggee(void)
{
	struct machine *m = machine_create(1);
	struct vm_exit exit;

	vcpu_start_main(m, 0, "scramble");
	ptrace(PTRACE_TRACEME, 0, 0, 0);
	raise(SIGSTOP);
	for (int round = 0; round < 5; round++) {
		for (int i = 0; i < 10; i++)
			EXPECT_EQ(vcpu_run_once(m, 0, &exit), 0);
		for (int i = 0; i < 4; i++)
			watched[i] = (uint64_t)round;
	}
	_exit(0);
}

static void breakpoints_set(pid_t pid)
{
	for (int i = 0; i < 4; i++)
		OK(ptrace(PTRACE_POKEUSER, pid, offsetof(struct user, u_debugreg[i]), &watched[i]));
	/* All four: locally enabled, writes of 8 bytes. */
	OK(ptrace(PTRACE_POKEUSER, pid, offsetof(struct user, u_debugreg[7]), 0x99990055ul));
}

TEST_TIMED(h01_debug_registers, 60)
{
	unsigned int hits[4] = { 0, 0, 0, 0 };
	uint64_t dr6;
	int status;
	pid_t pid = fork();

	if (pid == 0)
		debuggee();
	EXPECT_EQ(waitpid(pid, &status, 0), pid);
	EXPECT(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
	breakpoints_set(pid);
	for (;;) {
		OK(ptrace(PTRACE_CONT, pid, 0, 0));
		EXPECT_EQ(waitpid(pid, &status, 0), pid);
		if (!WIFSTOPPED(status))
			break;
		EXPECT_EQ(WSTOPSIG(status), SIGTRAP);
		dr6 = (uint64_t)ptrace(PTRACE_PEEKUSER, pid, offsetof(struct user, u_debugreg[6]), 0);
		for (int i = 0; i < 4; i++)
			hits[i] += (dr6 >> i) & 1;
		OK(ptrace(PTRACE_POKEUSER, pid, offsetof(struct user, u_debugreg[6]), 0));
	}
	EXPECT(WIFEXITED(status));
	if (WEXITSTATUS(status) != 0)
		_exit(WEXITSTATUS(status));	/* it said why */
	for (int i = 0; i < 4; i++)
		EXPECT_EQ(hits[i], 5);
}

/* --- H-01: MSRs of the CPU ------------------------------------------------------------------------ */

static const struct {
	uint32_t	number;
	uint64_t	ignore;		/* bits that lawfully differ */
} host_msrs[] = {
	{ 0x0000001b, 0 }, { 0x0000003a, 0 }, { 0x0000003b, 0 }, { 0x00000048, 0 }, { 0x000000fe, 0 }, { 0x00000122, 0 }, { 0x0000010a, 0 },
	{ 0x00000174, 0 }, { 0x00000175, 0 }, { 0x00000176, 0 }, { 0x00000179, 0 }, { 0x0000017a, 0 }, { 0x000001a0, 0 }, { 0x000001d9, 0 },
	{ 0x00000200, 0 }, { 0x00000201, 0 }, { 0x00000250, 0 }, { 0x00000258, 0 }, { 0x00000268, 0 }, { 0x0000026f, 0 }, { 0x00000277, 0 },
	{ 0x000002ff, 0 }, { 0x000001c4, 0 }, { 0x000001c5, 0 }, { 0x000006a0, 0 }, { 0x000006a2, 0 }, { 0x00000da0, 0 },
	{ 0xc0000080, 1ull << 12 },	/* EFER.SVME: on while machines exist */
	{ 0xc0000081, 0 }, { 0xc0000082, 0 }, { 0xc0000083, 0 }, { 0xc0000084, 0 }, { 0xc0000102, 0 }, { 0xc0000103, 0 },
	{ 0xc0000104, 0 }, { 0xc0010010, 0 }, { 0xc0010015, 0 }, { 0xc001001a, 0 }, { 0xc001001d, 0 }, { 0xc001001f, 0 }, { 0xc0010055, 0 },
	{ 0xc0010114, 0 }, { 0xc0010112, 0 }, { 0xc0010113, 0 }, { 0xc001011f, 0 }, { 0xc0011029, 0 },
};
#define HOST_MSRS	(sizeof(host_msrs) / sizeof(host_msrs[0]))

static void host_msrs_read(int fd, uint64_t *vals)
{
	for (unsigned int i = 0; i < HOST_MSRS; i++)
		if (pread(fd, &vals[i], 8, host_msrs[i].number) != 8)
			vals[i] = 0;
}

TEST_TIMED(h01_host_msrs, 60)
{
	uint64_t before[HOST_MSRS], after[HOST_MSRS];
	struct machine *m;
	struct vm_exit exit;
	int fd, cpus = (int)sysconf(_SC_NPROCESSORS_ONLN);

	for (int cpu = 0; cpu < cpus; cpu++) {
		pin_to_cpu(cpu);
		fd = host_msr_open(cpu);
		if (fd < 0)
			test_skip("no /dev/cpu/%d/msr", cpu);
		/* The thread's own GS base is in KERNEL_GS_BASE while it is in the kernel. */
		OK(syscall(SYS_arch_prctl, ARCH_SET_GS, 0x7e57ull));
		host_msrs_read(fd, before);
		m = machine_create(1);
		vcpu_start_main(m, 0, "scramble");
		for (int round = 0; round < 100; round++) {
			EXPECT_EQ(vcpu_run_once(m, 0, &exit), 0);
			if (round % 10)
				continue;
			host_msrs_read(fd, after);
			for (unsigned int i = 0; i < HOST_MSRS; i++)
				if ((before[i] ^ after[i]) & ~host_msrs[i].ignore)
					FAIL("CPU %d: MSR %#x went from %#lx to %#lx", cpu, host_msrs[i].number, (unsigned long)before[i],
					     (unsigned long)after[i]);
		}
		machine_destroy(m);
		close(fd);
	}
}

/* --- H-02: a guest's first instruction finds the reset state, and nothing of the host ---------------- */

#define PASTE(x)	#x
#define STR(x)		PASTE(x)

SNIPPET(dump_registers, 64,
	"mov %rax, " STR(DUMP_GPA) "+0; mov %rbx, " STR(DUMP_GPA) "+8; mov %rcx, " STR(DUMP_GPA) "+16; mov %rdx, " STR(DUMP_GPA) "+24;"
	"mov %rsi, " STR(DUMP_GPA) "+32; mov %rdi, " STR(DUMP_GPA) "+40; mov %rbp, " STR(DUMP_GPA) "+48; mov %r8, " STR(DUMP_GPA) "+56;"
	"mov %r9, " STR(DUMP_GPA) "+64; mov %r10, " STR(DUMP_GPA) "+72; mov %r11, " STR(DUMP_GPA) "+80; mov %r12, " STR(DUMP_GPA) "+88;"
	"mov %r13, " STR(DUMP_GPA) "+96; mov %r14, " STR(DUMP_GPA) "+104; mov %r15, " STR(DUMP_GPA) "+112;"
	"mov $" STR(DUMP_GPA) ", %ebp; fxsave64 " STR(DUMP_FX) "(%rbp);"
	"mov %dr0, %rax; mov %rax, 0x80(%rbp); mov %dr1, %rax; mov %rax, 0x88(%rbp); mov %dr2, %rax; mov %rax, 0x90(%rbp);"
	"mov %dr3, %rax; mov %rax, 0x98(%rbp); mov %dr6, %rax; mov %rax, 0xa0(%rbp); mov %dr7, %rax; mov %rax, 0xa8(%rbp);"
	"mov %cr2, %rax; mov %rax, 0xc0(%rbp); mov %cr8, %rax; mov %rax, 0xc8(%rbp);"
	/* MSRs: the list that the host placed at 0x9000, ends with 0. */
	"mov $0x9000, %esi; lea " STR(DUMP_MSR) "(%rbp), %rdi;"
	"1: mov (%rsi), %ecx; test %ecx, %ecx; jz 2f; rdmsr; mov %eax, (%rdi); mov %edx, 4(%rdi); add $4, %rsi; add $8, %rdi; jmp 1b; 2:"
	"out %al, $0x80;"
	/* The rest where there is XSAVE, and then AVX: the host runs on only then. */
	"mov %cr4, %rax; or $0x40000, %eax; mov %rax, %cr4; xor %ecx, %ecx; xgetbv; mov %eax, " STR(DUMP_XCR0) "(%rbp);"
	"mov %edx, " STR(DUMP_XCR0) "+4(%rbp); out %al, $0x81;"
	"mov $7, %eax; xor %edx, %edx; xsetbv;"
	"vmovdqu %ymm0, " STR(DUMP_YMM) "+0(%rbp); vmovdqu %ymm1, " STR(DUMP_YMM) "+32(%rbp); vmovdqu %ymm2, " STR(DUMP_YMM) "+64(%rbp);"
	"vmovdqu %ymm7, " STR(DUMP_YMM) "+96(%rbp); vmovdqu %ymm8, " STR(DUMP_YMM) "+128(%rbp); vmovdqu %ymm15, " STR(DUMP_YMM) "+160(%rbp);"
	"out %al, $0x82");

static const struct { uint32_t number; uint64_t want; } guest_msrs[] = {
	{ 0xc0000081, 0 }, { 0xc0000082, 0 }, { 0xc0000083, 0 }, { 0xc0000084, 0 }, { 0xc0000100, 0 }, { 0xc0000101, 0 }, { 0xc0000102, 0 },
	{ 0x174, 0 }, { 0x175, 0 }, { 0x176, 0 }, { 0x277, 0x0007040600070406 }, { 0x2ff, 0 }, { 0x250, 0 }, { 0x200, 0 },
	{ 0xc0000080, 0x500 },
};
#define GUEST_MSRS	(sizeof(guest_msrs) / sizeof(guest_msrs[0]))

static uint64_t dump(const struct machine *m, unsigned int offset)
{
	uint64_t val;

	memcpy(&val, m->mem + DUMP_GPA + offset, sizeof(val));
	return val;
}

static void expect_fresh_fpu(const struct machine *m)
{
	const uint8_t *fx = m->mem + DUMP_GPA + DUMP_FX;
	uint16_t control, status;
	uint32_t mxcsr;

	memcpy(&control, fx, 2);
	memcpy(&status, fx + 2, 2);
	memcpy(&mxcsr, fx + 24, 4);
	EXPECT(control == 0x37f || control == 0x40);
	EXPECT_EQ(status, 0);
	EXPECT_EQ(mxcsr, 0x1f80);
	for (unsigned int i = 6; i < 24; i++)
		if (fx[i] != 0)
			FAIL("byte %u of the FXSAVE area is %#x", i, fx[i]);
	for (unsigned int i = 32; i < 416; i++)
		if (fx[i] != 0)
			FAIL("byte %u of the FXSAVE area, %s, is %#x", i, i < 160 ? "x87 register" : "XMM register", fx[i]);
}

/* Ones in all vector registers of this thread, which then enters the guest. */
static void vectors_fill(bool avx)
{
	static const uint8_t ones[16][32] = { [0 ... 15] = { [0 ... 31] = 0xa5 } };
	static uint8_t out[16][32];

	(void)(avx ? ioctl_between_avx : ioctl_between_sse)(-1, 0, NULL, ones, out);
#define LEAVE(n)	"movdqu (%0), %%xmm" #n "\n"
	__asm__ volatile(FOR_16(LEAVE) : : "r"(ones) : "memory");
}

TEST(h02_first_instruction)
{
	struct machine *m = machine_create(1);
	unsigned int eax, ebx, ecx = 0, edx;
	uint32_t numbers[GUEST_MSRS + 1] = { 0 };
	bool avx = host_has_avx();

	__get_cpuid(1, &eax, &ebx, &ecx, &edx);
	for (unsigned int i = 0; i < GUEST_MSRS; i++)
		numbers[i] = guest_msrs[i].number;
	memcpy(m->mem + 0x9000, numbers, sizeof(numbers));
	memset(m->mem + DUMP_GPA, 0, 0x1000);
	snippet_start(m, 0, &dump_registers);
	vectors_fill(avx);
	EXPECT_EQ(EXPECT_EXIT(m, 0, VM_EXITCODE_INOUT).u.inout.port, 0x80);
	for (unsigned int i = 0; i < 15; i++)
		if (dump(m, DUMP_GPR + 8 * i) != 0)
			FAIL("general register %u is %#lx", i, (unsigned long)dump(m, DUMP_GPR + 8 * i));
	for (unsigned int i = 0; i < 4; i++)
		EXPECT_EQ(dump(m, DUMP_DR + 8 * i), 0);
	EXPECT_EQ(dump(m, DUMP_DR + 0x20), 0xffff0ff0);
	EXPECT_EQ(dump(m, DUMP_DR + 0x28), 0x400);
	EXPECT_EQ(dump(m, DUMP_CR), 0);
	EXPECT_EQ(dump(m, DUMP_CR + 8), 0);
	expect_fresh_fpu(m);
	for (unsigned int i = 0; i < GUEST_MSRS; i++)
		if (dump(m, DUMP_MSR + 8 * i) != guest_msrs[i].want)
			FAIL("MSR %#x is %#lx, should be %#lx", guest_msrs[i].number, (unsigned long)dump(m, DUMP_MSR + 8 * i),
			     (unsigned long)guest_msrs[i].want);
	if (!(ecx & bit_XSAVE))
		return;
	vectors_fill(avx);
	EXPECT_EQ(EXPECT_EXIT(m, 0, VM_EXITCODE_INOUT).u.inout.port, 0x81);
	EXPECT_EQ(dump(m, DUMP_XCR0), 1);
	if (!avx)
		return;
	vectors_fill(avx);
	EXPECT_EQ(EXPECT_EXIT(m, 0, VM_EXITCODE_INOUT).u.inout.port, 0x82);
	for (unsigned int i = 0; i < 6 * 32; i++)
		if (m->mem[DUMP_GPA + DUMP_YMM + i] != 0)
			FAIL("byte %u of the YMM registers is %#x", i, m->mem[DUMP_GPA + DUMP_YMM + i]);
}

SNIPPET(xcr0_change, 64,
	"mov %cr4, %rax; or $0x40000, %eax; mov %rax, %cr4;"
	"mov $7, %eax; xor %edx, %edx; xor %ecx, %ecx; xsetbv; out %al, $0x80;"
	"xor %ecx, %ecx; xgetbv; mov %eax, %esi; vpxor %ymm0, %ymm0, %ymm0;"
	"mov $0xd, %eax; xor %ecx, %ecx; cpuid; mov %ebx, %edi;"
	"mov $3, %eax; xor %edx, %edx; xor %ecx, %ecx; xsetbv;"
	"mov $0xd, %eax; xor %ecx, %ecx; cpuid; mov %ebx, %ebp; out %al, $0x81;"
	"xor %ecx, %ecx; xgetbv; out %al, $0x82");

/* XCR0 is the guest's when it comes back, not what it was when it entered, and CPUID knows it at once. */
TEST(h02_xcr0)
{
	struct machine *m = machine_create(1);
	unsigned int ymm_bytes, ymm_offset, ecx, edx;

	if (!host_has_avx())
		test_skip("no AVX");
	__cpuid_count(0xd, 2, ymm_bytes, ymm_offset, ecx, edx);
	snippet_start(m, 0, &xcr0_change);
	for (uint16_t port = 0x80; port <= 0x82; port++) {
		EXPECT_EQ(EXPECT_EXIT(m, 0, VM_EXITCODE_INOUT).u.inout.port, port);
		vectors_fill(true);
	}
	EXPECT_EQ(reg_get(m, 0, VM_REG_GUEST_RSI), 7);
	EXPECT_EQ(reg_get(m, 0, VM_REG_GUEST_RDI), ymm_offset + ymm_bytes);
	EXPECT_EQ(reg_get(m, 0, VM_REG_GUEST_RBP), 576);
	EXPECT_EQ(reg_get(m, 0, VM_REG_GUEST_RAX), 3);
}

SNIPPET(fpu_write, 64,
	"mov $0x1111, %eax; movd %eax, %xmm0; movd %eax, %xmm15; fninit; fld1; fldpi; out %al, $0x80;"
	"movd %xmm0, %ebx; movd %xmm15, %ecx; fnstsw %ax; mov %eax, %esi; out %al, $0x81");

/* A machine's FPU state is its own: kept over exits, while another runs in the same thread, and after reinit gone. */
TEST(h02_fpu_between_machines)
{
	struct machine *a = machine_create(1), *b = machine_create(1);

	snippet_start(a, 0, &fpu_write);
	EXPECT_EXIT(a, 0, VM_EXITCODE_INOUT);
	snippet_start(b, 0, &dump_registers);
	memset(b->mem + 0x9000, 0, 4);
	EXPECT_EXIT(b, 0, VM_EXITCODE_INOUT);
	expect_fresh_fpu(b);
	EXPECT_EXIT(a, 0, VM_EXITCODE_INOUT);
	EXPECT_EQ(reg_get(a, 0, VM_REG_GUEST_RBX), 0x1111);
	EXPECT_EQ(reg_get(a, 0, VM_REG_GUEST_RCX), 0x1111);
	EXPECT_EQ((reg_get(a, 0, VM_REG_GUEST_RSI) >> 11) & 7, 6);

	OK(vm_suspend(a->ctx, VM_SUSPEND_RESET));
	EXPECT_EXIT(a, 0, VM_EXITCODE_SUSPENDED);
	OK(vm_reinit(a->ctx));
	OK(vm_activate_cpu(a->vcpu[0]));
	OK(vm_set_capability(a->vcpu[0], VM_CAP_UNRESTRICTED_GUEST, 1));
	snippet_start(a, 0, &dump_registers);
	memset(a->mem + 0x9000, 0, 4);
	EXPECT_EXIT(a, 0, VM_EXITCODE_INOUT);
	expect_fresh_fpu(a);
}

#endif
