// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* What a guest may try on the processor, and a program on the vCPU's control structure: rows E-.. of the catalogue. */
#include "test.h"

#define KERNEL_PORT(p)	((p) == 0x20 || (p) == 0x21 || (p) == 0xa0 || (p) == 0xa1 || (p) == 0x4d0 || (p) == 0x4d1 || \
			 ((p) >= 0x40 && (p) <= 0x43) || (p) == 0x61 || (p) == 0x70 || (p) == 0x71 || (p) == 0x408)

#ifdef GUEST

/* --- E-01, E-02: instructions that virtualize ----------------------------------------- */

/* RAX: host-physical address of the canary; RBX: a buffer; RCX, RDX: 0. */
#define INSTRUCTIONS(X)																\
	X(vmrun, "0x0f,0x01,0xd8") X(vmmcall, "0x0f,0x01,0xd9") X(vmload, "0x0f,0x01,0xda") X(vmsave, "0x0f,0x01,0xdb")			\
	X(stgi, "0x0f,0x01,0xdc") X(clgi, "0x0f,0x01,0xdd") X(skinit, "0x0f,0x01,0xde") X(invlpga, "0x0f,0x01,0xdf")			\
	X(invlpgb, "0x0f,0x01,0xfe") X(tlbsync, "0x0f,0x01,0xff") X(rdpru, "0x0f,0x01,0xfd") X(monitorx, "0x0f,0x01,0xfa")		\
	X(mwaitx, "0x0f,0x01,0xfb") X(monitor, "0x0f,0x01,0xc8") X(mwait, "0x0f,0x01,0xc9")						\
	X(vmcall, "0x0f,0x01,0xc1") X(vmlaunch, "0x0f,0x01,0xc2") X(vmresume, "0x0f,0x01,0xc3") X(vmxoff, "0x0f,0x01,0xc4")		\
	X(vmfunc, "0x0f,0x01,0xd4") X(vmclear, "0x66,0x0f,0xc7,0x33") X(vmptrld, "0x0f,0xc7,0x33") X(vmptrst, "0x0f,0xc7,0x3b")	\
	X(vmxon, "0xf3,0x0f,0xc7,0x33") X(vmread, "0x0f,0x78,0x03") X(vmwrite, "0x0f,0x79,0x03") X(invept, "0x66,0x0f,0x38,0x80,0x03")	\
	X(invvpid, "0x66,0x0f,0x38,0x81,0x03") X(getsec, "0x0f,0x37") X(encls, "0x0f,0x01,0xcf") X(enclu, "0x0f,0x01,0xd7")		\
	X(seamcall, "0x66,0x0f,0x01,0xcf") X(tdcall, "0x66,0x0f,0x01,0xcc")

volatile uint64_t canary_hpa;
static uint64_t buffer[512] __attribute__((aligned(4096)));

#define DEFINE(name, bytes)															\
	static void insn_##name(uint64_t rax)													\
	{																	\
		asm volatile(".byte " bytes : "+a"(rax) : "b"(buffer), "c"(0), "d"(0) : "memory");						\
	}
INSTRUCTIONS(DEFINE)

static const struct { const char *name; void (*fn)(uint64_t rax); } instructions[] = {
#define ENTRY(name, bytes) { #name, insn_##name },
	INSTRUCTIONS(ENTRY)
};

GUEST_MAIN(virtualization_instructions)
{
	for (unsigned int i = 0; i < sizeof(instructions) / sizeof(instructions[0]); i++) {
		int vector = guest_try(instructions[i].fn, canary_hpa);

		if (vector != VEC_UD)
			guest_fail(__LINE__, instructions[i].name, (uint64_t)vector, VEC_UD);
	}
	for (unsigned int i = 0; i < 512; i++)
		CHECK_EQ(buffer[i], 0);
	CHECK_EQ(rdmsr(0xc0000080) & (1u << 12), 0);			/* SVME */
	CHECK_EQ(wrmsr_try(0xc0000080, rdmsr(0xc0000080) | 1u << 12), VEC_GP);
}

/* --- E-10, E-11: MSRs ------------------------------------------------------------------- */

volatile uint64_t host_exits;		/* the host counts its RDMSR and WRMSR exits here */

static const struct { uint32_t from, to; } msr_ranges[] = {
	{ 0, 0x1fff }, { 0xc0000000, 0xc0001fff }, { 0xc0010000, 0xc0011fff }, { 0x40000000, 0x400000ff }, { 0x4b564d00, 0x4b564d0f },
	{ 0xfffffff0, 0xffffffff },
};
#define MSR_RANGES	(sizeof(msr_ranges) / sizeof(msr_ranges[0]))

static bool msr_write_survives(uint32_t msr, uint64_t val)
{
	int vector;

	host_exits = 0;
	vector = wrmsr_try(msr, val);
	if (vector != -1 && (vector != VEC_GP || fault_error != 0))
		guest_fail(__LINE__, "a WRMSR works, or raises #GP(0)", (uint64_t)msr << 32 | (uint32_t)vector, VEC_GP);
	return vector == -1 && host_exits == 0;
}

static void msr_write_all(uint32_t msr)
{
	bool kernels = msr_write_survives(msr, 0);

	kernels |= msr_write_survives(msr, ~0ull);
	kernels |= msr_write_survives(msr, 0x8000000000000000);
	kernels |= msr_write_survives(msr, 0x0000800000000000);
	if (!kernels)
		return;
	/* User space did not see it: all the more bits. */
	for (int bit = 0; bit < 64; bit++)
		msr_write_survives(msr, 1ull << bit);
	msr_write_survives(msr, 0);
}

GUEST_MAIN(msr_writes)
{
	for (unsigned int r = 0; r < MSR_RANGES; r++)
		for (uint32_t msr = msr_ranges[r].from;; msr++) {
			msr_write_all(msr);
			if (msr == msr_ranges[r].to)
				break;
		}
}

/* The host compares its own MSRs, and its statistics, at each sync. */
volatile uint32_t msr_number;
volatile int msr_vector;
volatile uint64_t msr_result;

GUEST_MAIN(msr_reads)
{
	uint64_t val = 0;

	for (unsigned int r = 0; r < MSR_RANGES; r++)
		for (uint32_t msr = msr_ranges[r].from;; msr++) {
			msr_number = msr;
			host_exits = 0;
			sync(1);
			msr_vector = rdmsr_try(msr, &val);
			msr_result = val;
			sync(2);
			if (msr == msr_ranges[r].to)
				break;
		}
}

/* E-12: bits of CR0, CR4, EFER and XCR0 that must not be. Nothing but #GP or success, and the host does not notice. */
static void cr0_do(uint64_t val) { write_cr0(val); }
static void cr4_do(uint64_t val) { write_cr4(val); }
static void xcr0_do(uint64_t val) { asm volatile("xsetbv" : : "a"((uint32_t)val), "d"((uint32_t)(val >> 32)), "c"(0)); }
static void xcr1_do(uint64_t val) { asm volatile("xsetbv" : : "a"((uint32_t)val), "d"((uint32_t)(val >> 32)), "c"(1)); }

static void flips_try(void (*fn)(uint64_t), uint64_t good, uint64_t keep)
{
	for (int a = 0; a < 64; a++) {
		for (int b = a; b < 64; b++) {
			uint64_t val = good ^ (1ull << a) ^ (a == b ? 0 : 1ull << b);
			int vector;

			if ((val & keep) != (good & keep))
				continue;
			vector = guest_try(fn, val);
			CHECK(vector == -1 || vector == VEC_GP);
			if (vector == -1)
				CHECK_EQ(guest_try(fn, good), -1);
		}
	}
}

GUEST_MAIN(control_registers)
{
	uint64_t cr0 = read_cr0(), cr4 = read_cr4(), efer = rdmsr(0xc0000080);

	/* Leaving paging, 64-bit mode or protected mode would be the guest's own end. */
	flips_try(cr0_do, cr0, 0x80000001);
	flips_try(cr4_do, cr4, 1u << 5 | 1u << 20 | 1u << 21 | 1u << 12);
	CHECK_EQ(read_cr0(), cr0);
	CHECK_EQ(read_cr4(), cr4);
	CHECK_EQ(guest_try(cr4_do, cr4 & ~(1ull << 5)), VEC_GP);		/* PAE in long mode */
	CHECK_EQ(guest_try(cr0_do, (cr0 & ~1ull)), VEC_GP);			/* paging without protection */
	/* QEMU's processor does not look at the upper half of CR0. */
	if (!input())
		CHECK_EQ(guest_try(cr0_do, cr0 | 1ull << 32), VEC_GP);
	CHECK_EQ(guest_try(cr4_do, cr4 | 1ull << 63), VEC_GP);
	for (int bit = 0; bit < 64; bit++) {
		int vector = wrmsr_try(0xc0000080, efer ^ 1ull << bit);

		CHECK(vector == -1 || vector == VEC_GP);
		if (bit == 8 || bit == 10 || bit == 12 || bit >= 16)		/* LME and LMA under paging, SVME, reserved */
			CHECK(vector == VEC_GP || (bit == 10 && rdmsr(0xc0000080) == efer));
		wrmsr(0xc0000080, efer);
	}

	CHECK_EQ(guest_try(xcr0_do, 1), VEC_UD);				/* CR4.OSXSAVE off */
	if (!(cpuid(1, 0).ecx & (1u << 26)))
		return;
	write_cr4(cr4 | 1u << 18);
	for (uint64_t val = 0; val < 0x400; val++) {
		int vector = guest_try(xcr0_do, val);

		CHECK(vector == -1 || vector == VEC_GP);
		if (!(val & 1) || (val & 6) == 4)
			CHECK_EQ(vector, VEC_GP);
		if (val == 1)
			CHECK_EQ(vector, -1);
	}
	CHECK_EQ(guest_try(xcr0_do, 1ull << 63 | 1), VEC_GP);
	CHECK_EQ(guest_try(xcr0_do, 1ull << 62 | 1), VEC_GP);
	CHECK_EQ(guest_try(xcr1_do, 1), VEC_GP);
	CHECK_EQ(guest_try(xcr0_do, 1), -1);
}

/* --- E-13: ports ---------------------------------------------------------------------------- */

volatile uint32_t sweep_over;

GUEST_MAIN(port_sweep)
{
	for (uint32_t port = 0; port < 0x10000; port++) {
		asm volatile("in %%dx, %%al; in %%dx, %%ax; in %%dx, %%eax; xor %%eax, %%eax; out %%al, %%dx; out %%ax, %%dx; out %%eax, %%dx"
			     : : "d"(port) : "rax", "memory");
	}
	sweep_over = 1;
	out32(PORT_RESULT, 0);
}

/* --- E-03: exceptions that never end ----------------------------------------------------------- */

/* #DB on the write of its own stack frame, which an IST entry puts at the same place each time. */
static volatile unsigned int db_count;

static void db_handler(struct frame *frame)
{
	db_count++;
}

GUEST_MAIN(db_probe)
{
	static volatile uint64_t watched;

	handler_set(VEC_DB, db_handler);
	asm volatile("mov %0, %%dr0; mov %1, %%dr7" : : "r"(&watched), "r"(0x90402ull | 1));	/* DR0: writes of 8 bytes */
	watched = 1;
	asm volatile("mov %0, %%dr7" : : "r"(0x400ull));
	value(db_count);
}

GUEST_MAIN(db_loop)
{
	uint64_t frame = STACK_TOP_IST(0) - 8;		/* SS, the first that is pushed */

	handler_set(VEC_DB, db_handler);
	guest_idt[2 * VEC_DB] |= 1ull << 32;		/* IST 1 */
	asm volatile("mov %0, %%dr0; mov %1, %%dr7" : : "r"(frame), "r"(0x90402ull | 1));
	sync(1);
	*(volatile uint64_t *)frame = 1;
	for (;;)
		asm volatile("movq $2, (%0)" : : "r"(frame) : "memory");
}

#else

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/time.h>

#include <linux/capability.h>
#include <sys/syscall.h>

/* --- E-01 ------------------------------------------------------------------------------------------ */

TEST(e01_virtualization_instructions)
{
	struct machine *m = machine_create(1);
	uint8_t *canary = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0);
	uint64_t hpa;

	EXPECT(canary != MAP_FAILED);
	for (int i = 0; i < 4096; i++)
		canary[i] = (uint8_t)(i * 7 + 1);
	hpa = host_pa(canary);
	if (hpa == 0)
		test_skip("/proc/self/pagemap does not tell physical addresses");
	*GUEST_VARIABLE(m, uint64_t, "canary_hpa") = hpa;
	vcpu_start_main(m, 0, "virtualization_instructions");
	EXPECT_PASS(m, 0);
	EXPECT_EQ(host_pa(canary), hpa);
	for (int i = 0; i < 4096; i++)
		EXPECT_EQ(canary[i], (uint8_t)(i * 7 + 1));
	/* The same address in the guest's own memory was not meant either. */
	EXPECT_EQ(reg_get(m, 0, VM_REG_GUEST_KGS_BASE), 0);
}

/* --- E-03 ------------------------------------------------------------------------------------------- */

SNIPPET(ac_probe, 32, "mov $0xa101, %ebx; mov (%ebx), %eax; out %al, $0x80; jmp .");
SNIPPET(ac_handled, 32, "out %al, $0x81; jmp .");
SNIPPET(ac_loop, 32, "mov $0xaf01, %esp; mov $0xa101, %ebx; 1: mov (%ebx), %eax; jmp 1b");

#define IDT_GPA		0xb000
#define HANDLER_GPA	0x9000

/* Ring 3 in protected mode, alignment checks on, and #AC handled in ring 3, on the same stack. */
static void ac_start(struct machine *m, const struct snippet *snippet)
{
	uint64_t gate = (HANDLER_GPA & 0xffff) | (uint64_t)SEL_CODE32_USER << 16 | 0xee00ull << 32;

	memcpy(m->mem + HANDLER_GPA, ac_handled.begin, (size_t)(ac_handled.end - ac_handled.begin));
	snippet_start(m, 0, snippet);
	for (int v = 0; v < 32; v++)
		memcpy(m->mem + IDT_GPA + v * 8, &gate, 8);
	OK(vm_set_desc(m->vcpu[0], VM_REG_GUEST_IDTR, IDT_GPA, 32 * 8 - 1, 0));
	OK(vm_set_desc(m->vcpu[0], VM_REG_GUEST_CS, 0, 0xffffffff, 0xc0fb));
	reg_set(m, 0, VM_REG_GUEST_CS, SEL_CODE32_USER);
	for (int i = 0; i < 3; i++) {
		static const int data[] = { VM_REG_GUEST_SS, VM_REG_GUEST_DS, VM_REG_GUEST_ES };

		OK(vm_set_desc(m->vcpu[0], data[i], 0, 0xffffffff, 0xc0f3));
		reg_set(m, 0, data[i], SEL_DATA_USER);
	}
	reg_set(m, 0, VM_REG_GUEST_CR0, reg_get(m, 0, VM_REG_GUEST_CR0) | 1u << 18);
	reg_set(m, 0, VM_REG_GUEST_RFLAGS, 2 | 3u << 12 | 1u << 18);
	reg_set(m, 0, VM_REG_GUEST_RSP, 0xb000);
}

/* In the loop or not: it can be signalled, read, and destroyed within a second. */
static void expect_interruptible(struct machine *m)
{
	struct runner r;
	uint64_t start, worst = 0, took;

	runner_start(&r, m, 0);
	usleep(100000);
	for (int i = 0; i < 10; i++) {
		start = now_ns();
		reg_get(m, 0, VM_REG_GUEST_RIP);
		took = now_ns() - start;
		worst = took > worst ? took : worst;
	}
	if (worst > 1000000000)
		FAIL("a register read took %.2f s", (double)worst / 1e9);
	start = now_ns();
	vm_destroy(machine_open_again(m)->ctx);
	if (now_ns() - start > 1000000000)
		FAIL("destruction took %.2f s", (double)(now_ns() - start) / 1e9);
	runner_join(&r, 1);
}

TEST(e03_alignment_check_loop)
{
	struct machine *m = machine_create(2);
	struct vm_exit exit;

	ac_start(m, &ac_probe);
	exit = EXPECT_EXIT(m, 0, VM_EXITCODE_INOUT);
	if (exit.u.inout.port == 0x80)
		test_skip("this processor, an emulated one, does not check alignment");
	EXPECT_EQ(exit.u.inout.port, 0x81);
	ac_start(m, &ac_loop);
	expect_interruptible(m);
}

TEST(e03_debug_exception_loop)
{
	struct machine *m = machine_create(2);

	vcpu_start_main(m, 0, "db_probe");
	EXPECT_PASS(m, 0);
	if (m->values[0] == 0)
		test_skip("data breakpoints do not work here");
	vcpu_start_main(m, 0, "db_loop");
	EXPECT_SYNC(m, 0, 1);
	expect_interruptible(m);
}

/* --- E-04 -------------------------------------------------------------------------------------------- */

#define VMCB_BYTES	4096

static bool register_readable(int reg)
{
	if (reg == VM_REG_GUEST_IDTR || reg == VM_REG_GUEST_GDTR)
		return false;
	if (!host_is_amd())
		return true;
	return !(reg >= VM_REG_GUEST_PDPTE0 && reg <= VM_REG_GUEST_PDPTE3) && reg != VM_REG_GUEST_ENTRY_INST_LENGTH;
}

TEST_TIMED(e04_register_numbers, 120)
{
	struct machine *m = machine_create(1);
	uint64_t val;

	snippet_start(m, 0, &ac_handled);
	for (int reg = 0; reg < VM_REG_LAST; reg++) {
		errno = 0;
		if ((vm_get_register(m->vcpu[0], reg, &val) == 0) != register_readable(reg))
			FAIL("register %d is %s", reg, register_readable(reg) ? "not readable" : "readable");
		if (!register_readable(reg))
			EXPECT_EQ(errno, EINVAL);
	}
	for (int reg = VM_REG_LAST; reg < 65536; reg++) {
		EXPECT_ERRNO(vm_get_register(m->vcpu[0], reg, &val), EINVAL);
		EXPECT_ERRNO(vm_set_register(m->vcpu[0], reg, 0), EINVAL);
	}
	for (int bit = 16; bit < 31; bit++) {
		EXPECT_ERRNO(vm_get_register(m->vcpu[0], 1 << bit, &val), EINVAL);
		EXPECT_ERRNO(vm_set_register(m->vcpu[0], 1 << bit, 0), EINVAL);
	}
	for (int reg = -65536; reg < 0; reg += 3)
		EXPECT_ERRNO(vm_set_register(m->vcpu[0], reg, 0x4141414141414141), EINVAL);
	EXPECT_EXIT(m, 0, VM_EXITCODE_INOUT);
}

/* Byte by byte, as far as it can be read: 256 marks a byte that cannot. */
static void vmcb_read(struct machine *m, uint16_t *bytes)
{
	uint64_t val;

	for (unsigned int offset = 0; offset < VMCB_BYTES; offset++)
		bytes[offset] = vm_get_register(m->vcpu[0], VMCB_ACCESS(offset, 1), &val) == 0 ? (uint16_t)(val & 0xff) : 256;
}

static void capability_drop(void)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2];

	OK(syscall(SYS_capget, &header, data));
	data[CAP_TO_INDEX(CAP_SYS_ADMIN)].effective &= ~CAP_TO_MASK(CAP_SYS_ADMIN);
	OK(syscall(SYS_capset, &header, data));
}

/* Nothing that the API accepts changes the VMCB outside guest state, and without CAP_SYS_ADMIN nothing else can be read. */
TEST_TIMED(e04_vmcb_bytes, 120)
{
	static uint16_t before[VMCB_BYTES], after[VMCB_BYTES];
	struct machine *m;
	unsigned int readable = 0;
	uint64_t val;

	if (!host_is_amd())
		test_skip("this is about AMD's control block");
	m = machine_create(1);
	snippet_start(m, 0, &ac_handled);
	EXPECT_EXIT(m, 0, VM_EXITCODE_INOUT);
	vmcb_read(m, before);
	for (unsigned int offset = 0; offset < VMCB_BYTES; offset++) {
		for (unsigned int width = 0; width < 16; width++) {
			EXPECT_ERRNO(vm_set_register(m->vcpu[0], VMCB_ACCESS(offset, width), 0x4141414141414141), EINVAL);
			/* Odd widths, and accesses beyond its end. */
			if ((width != 1 && width != 2 && width != 4 && width != 8) || offset + width > VMCB_BYTES)
				EXPECT_ERRNO(vm_get_register(m->vcpu[0], VMCB_ACCESS(offset, width), &val), EINVAL);
		}
	}
	for (int bit = 20; bit < 31; bit++)
		EXPECT_ERRNO(vm_get_register(m->vcpu[0], VMCB_ACCESS(0x400, 8) | 1 << bit, &val), EINVAL);
	/* Values that no register takes. */
	for (int reg = 0; reg < VM_REG_LAST; reg++) {
		if (reg == VM_REG_GUEST_RIP || vm_get_register(m->vcpu[0], reg, &val) != 0)
			continue;
		(void)vm_set_register(m->vcpu[0], reg, ~0ull);
		if (vm_set_register(m->vcpu[0], reg, val) != 0)
			FAIL("register %d does not take back its own value %#lx: %s", reg, (unsigned long)val, strerror(errno));
	}
	vmcb_read(m, after);
	/* The control area, but for what a register names: TPR and shadow (0x60 to 0x6f), clean bits (0xc0), nRIP, TLB control (0x58 to 0x5f). */
	for (unsigned int offset = 0; offset < 0x400; offset++) {
		if ((offset >= 0x58 && offset < 0x70) || (offset >= 0xc0 && offset < 0xd0))
			continue;
		if (before[offset] != after[offset])
			FAIL("byte %#x of the control block went from %#x to %#x", offset, before[offset], after[offset]);
	}

	capability_drop();
	for (unsigned int offset = 0; offset < VMCB_BYTES; offset++)
		readable += vm_get_register(m->vcpu[0], VMCB_ACCESS(offset, 1), &val) == 0;
	EXPECT(readable > 0);
	/* Intercepts, permission map addresses, ASID, nested CR3: host addresses and control. */
	for (unsigned int offset = 0; offset < 0x60; offset++)
		EXPECT_ERRNO(vm_get_register(m->vcpu[0], VMCB_ACCESS(offset, 1), &val), EINVAL);
	for (unsigned int offset = 0xb0; offset < 0xb8; offset++)
		EXPECT_ERRNO(vm_get_register(m->vcpu[0], VMCB_ACCESS(offset, 1), &val), EINVAL);
	/* Wide enough to reach one from outside. */
	EXPECT_ERRNO(vm_get_register(m->vcpu[0], VMCB_ACCESS(0xac, 8), &val), EINVAL);
}

static void alarm_nothing(int signo)
{
}

/* From now on VM_RUN comes back with BOGUS every 100 ms at least. */
static void alarms_start(void)
{
	struct sigaction action = { .sa_handler = alarm_nothing };
	struct itimerval timer = { { 0, 100000 }, { 0, 100000 } };

	OK(sigaction(SIGALRM, &action, NULL));
	OK(setitimer(ITIMER_REAL, &timer, NULL));
}

/* What one VM_RUN makes of the state; whatever it is, the machine can be set up again. */
static void invalid_state_run(struct machine *m, const char *what, int number, int bit)
{
	struct vm_exit exit;
	int error;

	test_step("%s %d, bit %d", what, number, bit);
	error = vcpu_run_once(m, 0, &exit);
	if (error != 0 && error != EFAULT && error != EINVAL)
		FAIL("%s %d, bit %d: VM_RUN: %s", what, number, bit, strerror(error));
	if (error == 0 && exit.exitcode == VM_EXITCODE_SUSPENDED) {
		OK(vm_reinit(m->ctx));
		OK(vm_activate_cpu(m->vcpu[0]));
	}
}

/* E-04, E-06: descriptors with whatever in them, control registers that make no sense: an exit or an error, the host goes on. */
TEST_TIMED(e06_invalid_guest_state, 120)
{
	static const int regs[] = { VM_REG_GUEST_EFER, VM_REG_GUEST_CR0, VM_REG_GUEST_CR4, VM_REG_GUEST_DR7, VM_REG_GUEST_DR6,
		VM_REG_GUEST_CR3, VM_REG_GUEST_RFLAGS, VM_REG_GUEST_RIP, VM_REG_GUEST_RSP, VM_REG_GUEST_FS_BASE, VM_REG_GUEST_GS_BASE,
		VM_REG_GUEST_KGS_BASE, VM_REG_GUEST_TPR, VM_REG_GUEST_INTR_SHADOW, VM_REG_GUEST_CS, VM_REG_GUEST_TR };
	static const int segs[] = { VM_REG_GUEST_ES, VM_REG_GUEST_CS, VM_REG_GUEST_SS, VM_REG_GUEST_DS, VM_REG_GUEST_FS, VM_REG_GUEST_GS,
		VM_REG_GUEST_LDTR, VM_REG_GUEST_TR, VM_REG_GUEST_GDTR, VM_REG_GUEST_IDTR };
	struct machine *m = machine_create(1);

	alarms_start();
	for (unsigned int i = 0; i < sizeof(regs) / sizeof(regs[0]); i++) {
		for (int bit = 63; bit >= -1; bit--) {
			snippet_start(m, 0, &ac_handled);
			/* With LME, but without PAE and paging, QEMU's processor forgets to load the host's CR0 at #VMEXIT. */
			reg_set(m, 0, VM_REG_GUEST_CR4, 1u << 5);
			(void)vm_set_register(m->vcpu[0], regs[i], bit < 0 ? ~0ull : reg_get(m, 0, regs[i]) ^ 1ull << bit);
			invalid_state_run(m, "register", regs[i], bit);
		}
	}
	for (unsigned int i = 0; i < sizeof(segs) / sizeof(segs[0]); i++) {
		for (int bit = 31; bit >= -1; bit--) {
			snippet_start(m, 0, &ac_handled);
			(void)vm_set_desc(m->vcpu[0], segs[i], 0, 0xffffffff, bit < 0 ? ~0u : 0xc09b ^ 1u << bit);
			invalid_state_run(m, "segment", segs[i], bit);
		}
	}
	/* After all that it still works. */
	m = machine_create(1);
	snippet_start(m, 0, &ac_handled);
	EXPECT_EXIT(m, 0, VM_EXITCODE_INOUT);
}

/* --- E-10, E-11, E-12 ---------------------------------------------------------------------------------- */

/* MSRs of the host that no guest may change; /dev/cpu/0/msr. */
static const uint32_t host_msrs[] = { 0x1b, 0x277, 0x2ff, 0x1a0, 0x174, 0x175, 0x176, 0x1d9, 0xc0000081, 0xc0000082, 0xc0000083, 0xc0000084,
	0xc0000103, 0xc0010010, 0xc0010015, 0xc0010114, 0xc001001f, 0xc0011029 };
#define HOST_MSRS	(sizeof(host_msrs) / sizeof(host_msrs[0]))

static void host_msrs_read(int fd, uint64_t *vals)
{
	for (unsigned int i = 0; i < HOST_MSRS; i++)
		if (pread(fd, &vals[i], 8, host_msrs[i]) != 8)
			vals[i] = 0;
}

/* EFER.LMSLE on AMD: the hardware's own exit, semantics.md section 23. */
static bool is_lmsle_write(struct machine *m, const struct vm_exit *exit)
{
	return exit->exitcode == VM_EXITCODE_SVM && exit->u.svm.exitcode == 0x7c &&
	       exit->u.svm.exitinfo1 == 1 && (uint32_t)reg_get(m, 0, VM_REG_GUEST_RCX) == 0xc0000080;
}

TEST_TIMED(e10_msr_writes, 600)
{
	struct machine *m = machine_create(1);
	volatile uint64_t *host_exits = GUEST_VARIABLE(m, uint64_t, "host_exits");
	uint64_t before[HOST_MSRS], after[HOST_MSRS];
	struct vm_exit exit;
	int fd;

	pin_to_cpu(0);
	fd = host_msr_open(0);
	if (fd < 0)
		test_skip("no /dev/cpu/0/msr");
	log_mark();
	vcpu_start_main(m, 0, "msr_writes");
	host_msrs_read(fd, before);
	while (vcpu_run(m, 0, &exit) == GUEST_EXIT) {
		if (exit.exitcode != VM_EXITCODE_WRMSR && !is_lmsle_write(m, &exit))
			FAIL("exit %s, RIP %#lx", exit_name(exit.exitcode), (unsigned long)exit.rip);
		++*host_exits;
		if (exit.exitcode == VM_EXITCODE_WRMSR && exit.u.msr.wval == 0)
			continue;
		OK(vm_inject_exception(m->vcpu[0], 13, 1, 0, 1));
	}
	host_msrs_read(fd, after);
	for (unsigned int i = 0; i < HOST_MSRS; i++)
		if (before[i] != after[i])
			FAIL("MSR %#x of the host went from %#lx to %#lx", host_msrs[i], (unsigned long)before[i], (unsigned long)after[i]);
	if (log_contains("MSR access error"))
		FAIL("the host's log has an unchecked MSR access");
}

/* Direct access, which the hardware grants without an exit: section 23, and no more. */
static bool msr_may_be_direct(uint32_t msr)
{
	switch (msr) {
	case 0x10: case 0x174: case 0x175: case 0x176: case 0x277:
	case 0xc0000080: case 0xc0000081: case 0xc0000082: case 0xc0000083: case 0xc0000084:
	case 0xc0000100: case 0xc0000101: case 0xc0000102: case 0xc0000103:
		return true;
	default:
		return false;
	}
}

TEST_TIMED(e11_msr_reads, 600)
{
	struct machine *m = machine_create(1);
	volatile uint32_t *number = GUEST_VARIABLE(m, uint32_t, "msr_number");
	volatile uint64_t *result = GUEST_VARIABLE(m, uint64_t, "msr_result");
	volatile int *vector = GUEST_VARIABLE(m, int, "msr_vector");
	uint64_t exits = 0, before = 0, direct = 0;
	struct vm_exit exit;
	enum outcome outcome;

	vcpu_start_main(m, 0, "msr_reads");
	while ((outcome = vcpu_run(m, 0, &exit)) != GUEST_PASS) {
		if (outcome == GUEST_EXIT) {
			EXPECT_EQ(exit.exitcode, VM_EXITCODE_RDMSR);
			EXPECT_EQ(exit.u.msr.code, *number);
			exits++;
			reg_set(m, 0, VM_REG_GUEST_RAX, 0);
			reg_set(m, 0, VM_REG_GUEST_RDX, 0);
			continue;
		}
		if (exit.u.inout.eax == 1) {
			exits = 0;
			before = stat_get(m, 0, "number of times rdmsr was intercepted");
			continue;
		}
		if (exits == 0 && stat_get(m, 0, "number of times rdmsr was intercepted") == before) {
			direct++;
			if (!msr_may_be_direct(*number))
				FAIL("the guest reads MSR %#x without an exit: %#lx, vector %d", *number, (unsigned long)*result, *vector);
		}
		/* xAPIC mode: 0, and no fault. */
		if (*number >= 0x800 && *number <= 0x8ff)
			EXPECT(exits == 0 && *vector == -1 && *result == 0);
		if (*number == 0x1b)
			EXPECT_EQ(*result, 0xfee00900);
	}
	EXPECT(direct <= 14);
}

TEST(e12_control_registers)
{
	struct machine *m = machine_create(1);
	enum outcome outcome;
	struct vm_exit exit;

	log_mark();
	m->input = host_is_tcg();
	vcpu_start_main(m, 0, "control_registers");
	while ((outcome = vcpu_run(m, 0, &exit)) == GUEST_EXIT) {
		EXPECT(is_lmsle_write(m, &exit));
		OK(vm_inject_exception(m->vcpu[0], 13, 1, 0, 1));
	}
	EXPECT_EQ(outcome, GUEST_PASS);
	EXPECT(!log_contains("MSR access error"));
}

/* --- E-13 ------------------------------------------------------------------------------------------------- */

/* A device in the kernel refused the access; go on behind the instruction. */
static void port_step_over(struct machine *m)
{
	uint64_t rip = reg_get(m, 0, VM_REG_GUEST_RIP);
	const uint8_t *code = m->mem + rip;
	unsigned int length = code[0] == 0x66 ? 2 : 1;

	EXPECT(rip >= IMAGE_GPA && rip < MEMORY_BYTES);
	EXPECT(code[length - 1] >= 0xec && code[length - 1] <= 0xef);
	EXPECT(KERNEL_PORT(reg_get(m, 0, VM_REG_GUEST_RDX) & 0xffff));
	reg_set(m, 0, VM_REG_GUEST_RIP, rip + length);
}

TEST_TIMED(e13_port_sweep, 600)
{
	struct machine *m = machine_create(1);
	volatile uint32_t *over = GUEST_VARIABLE(m, uint32_t, "sweep_over");
	uint8_t *seen = calloc(0x10000, 1);
	struct vm_exit exit;
	int error;

	vcpu_start_main(m, 0, "port_sweep");
	for (;;) {
		error = vcpu_run_once(m, 0, &exit);
		if (error == EIO) {
			port_step_over(m);
			continue;
		}
		if (error != 0)
			FAIL("VM_RUN: %s", strerror(error));
		if (exit.exitcode == VM_EXITCODE_BOGUS)
			continue;
		if (exit.exitcode != VM_EXITCODE_INOUT)
			FAIL("exit %s, RIP %#lx", exit_name(exit.exitcode), (unsigned long)exit.rip);
		if (*over)
			break;
		seen[exit.u.inout.port] |= (uint8_t)((exit.u.inout.bytes & 7) << (exit.u.inout.in ? 0 : 4));
		if (exit.u.inout.in)
			reg_set(m, 0, VM_REG_GUEST_RAX, 0);
	}
	for (unsigned int port = 0; port < 0x10000; port++) {
		if (KERNEL_PORT(port) ? seen[port] != 0 : seen[port] != 0x77)
			FAIL("port %#x: accesses %#x reached user space", port, seen[port]);
	}
}

SNIPPET(string_ports, 64,
	"xor %ebp, %ebp;"
	"1: mov %ebp, %edx; mov $0xa100, %esi; mov $0xa200, %edi; mov $3, %ecx; cld;"
	"rep outsb; mov $3, %ecx; rep outsw; mov $3, %ecx; rep outsl; mov $3, %ecx; rep insb; mov $3, %ecx; rep insw; mov $3, %ecx; rep insl;"
	"std; mov $3, %ecx; rep outsb; insl; cld;"
	"add $0x11, %ebp; cmp $0x10000, %ebp; jb 1b; hlt");

/* Strings go to user space, whatever the port: every 17th, and so 0xffff, from where a wider access would wrap. */
TEST_TIMED(e13_port_strings, 300)
{
	struct machine *m = machine_create(1);
	static const struct { int in, bytes, df; } want[] = {
		{ 0, 1, 0 }, { 0, 2, 0 }, { 0, 4, 0 }, { 1, 1, 0 }, { 1, 2, 0 }, { 1, 4, 0 }, { 0, 1, 1 }, { 1, 4, 1 },
	};
	struct vm_exit exit;

	snippet_start(m, 0, &string_ports);
	for (unsigned int port = 0; port < 0x10000; port += 0x11) {
		for (int i = 0; i < 8; i++) {
			exit = EXPECT_EXIT(m, 0, VM_EXITCODE_INOUT_STR);
			EXPECT_EQ(exit.u.inout_str.inout.port, port);
			EXPECT_EQ(exit.u.inout_str.inout.in, want[i].in);
			EXPECT_EQ(exit.u.inout_str.inout.bytes, want[i].bytes);
			EXPECT_EQ((exit.u.inout_str.rflags >> 10) & 1, want[i].df);
		}
	}
}

SNIPPET(string_kernel_port, 64, "mov $0x21, %edx; mov $0xa100, %esi; outsb; mov $0x70, %edx; mov $0xa100, %edi; insb");

TEST(e13_string_on_kernel_port)
{
	struct machine *m = machine_create(1);
	struct vm_exit exit;

	snippet_start(m, 0, &string_kernel_port);
	exit = EXPECT_EXIT(m, 0, VM_EXITCODE_INOUT_STR);
	EXPECT_EQ(exit.u.inout_str.inout.port, 0x21);
	exit = EXPECT_EXIT(m, 0, VM_EXITCODE_INOUT_STR);
	EXPECT_EQ(exit.u.inout_str.inout.port, 0x70);
}

#endif
