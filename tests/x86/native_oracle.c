// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * The processor this runs on as an oracle, in 64-bit mode. The instruction is
 * copied to its address, all general and vector registers and the flags are
 * loaded, it is jumped to, and everything is stored again. The state lives at a
 * fixed address in the low 2 GiB, where instructions reach it without a register.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <asm/prctl.h>
#include <linux/kernel.h>

#include "decode.h"
#include "oracle.h"
#include "random.h"

#define STATE	0x20000000

/* Offsets are known to the assembly below. */
struct native_state {
	u64 gpr[16];		/* 0: in the order of the encoding */
	u64 rflags;		/* 128 */
	u64 host_rsp;		/* 136 */
	u64 entry;		/* 144: the instruction */
	u64 exit;		/* 152 */
	u64 pad[12];
	u8 ymm[16][32];		/* 256 */
};

static struct native_state *const state = (struct native_state *)STATE;

void native_enter(void);
void native_exit(void);

asm(".pushsection .text\n"
    ".macro each_gpr op\n"
    "	\\op %rax, 0\n \\op %rcx, 1\n \\op %rdx, 2\n \\op %rbx, 3\n"
    "	\\op %rsp, 4\n \\op %rbp, 5\n \\op %rsi, 6\n \\op %rdi, 7\n"
    "	\\op %r8, 8\n \\op %r9, 9\n \\op %r10, 10\n \\op %r11, 11\n"
    "	\\op %r12, 12\n \\op %r13, 13\n \\op %r14, 14\n \\op %r15, 15\n"
    ".endm\n"
    ".macro load reg, n\n	movq 0x20000000 + 8 * \\n, \\reg\n .endm\n"
    ".macro save reg, n\n	movq \\reg, 0x20000000 + 8 * \\n\n .endm\n"
    ".macro each_ymm op\n"
    "	.irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n \\op \\n\n .endr\n"
    ".endm\n"
    ".macro vload n\n	vmovdqu 0x20000100 + 32 * \\n, %ymm\\n\n .endm\n"
    ".macro vsave n\n	vmovdqu %ymm\\n, 0x20000100 + 32 * \\n\n .endm\n"
    ".globl native_enter\n"
    "native_enter:\n"
    "	push %rbx\n push %rbp\n push %r12\n push %r13\n push %r14\n push %r15\n"
    "	mov %rsp, 0x20000088\n"
    "	each_ymm vload\n"
    "	pushq 0x20000080\n"
    "	popfq\n"
    "	each_gpr load\n"
    "	jmp *0x20000090\n"
    ".globl native_exit\n"
    "native_exit:\n"
    "	each_gpr save\n"
    "	mov 0x20000088, %rsp\n"
    "	pushfq\n"
    "	popq 0x20000080\n"
    "	cld\n"
    "	each_ymm vsave\n"
    "	vzeroupper\n"
    "	pop %r15\n pop %r14\n pop %r13\n pop %r12\n pop %rbp\n pop %rbx\n"
    "	ret\n"
    ".popsection\n");

static sigjmp_buf after_fault;
static u64 fs_base;

/* A faulting instruction has changed nothing, or as many iterations as its registers tell. */
static void on_fault(int signal, siginfo_t *info, void *context)
{
	static const int order[16] = { REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI,
				       REG_RDI, REG_R8, REG_R9, REG_R10, REG_R11, REG_R12, REG_R13,
				       REG_R14, REG_R15 };
	const greg_t *gregs = ((ucontext_t *)context)->uc_mcontext.gregs;
	int i;

	(void)info;
	if ((u64)gregs[REG_RIP] != state->entry) {
		fprintf(stderr, "emulate_diff: signal %d outside the instruction\n", signal);
		_exit(1);
	}
	for (i = 0; i < 16; i++)
		state->gpr[i] = gregs[order[i]];
	state->rflags = gregs[REG_EFL];
	asm volatile("cld");
	siglongjmp(after_fault, 1);
}

static void map_at(u64 address, size_t bytes, int prot)
{
	void *at = (void *)address;

	if (mmap(at, bytes, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == at)
		return;
	perror("emulate_diff: cannot map memory at a fixed address");
	exit(1);
}

static void native_setup(void)
{
	static u8 stack[65536];
	stack_t alternate = { .ss_sp = stack, .ss_size = sizeof(stack) };
	struct sigaction action = { .sa_sigaction = on_fault,
				    .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER };
	static const int signals[] = { SIGFPE, SIGSEGV, SIGBUS, SIGILL, SIGTRAP };
	size_t i;

	map_at(STATE, sizeof(*state), PROT_READ | PROT_WRITE);
	map_at(0x20000, VCPU_MEMORY - 0x20000, PROT_READ | PROT_WRITE | PROT_EXEC);
	sigaltstack(&alternate, NULL);
	for (i = 0; i < ARRAY_SIZE(signals); i++)
		sigaction(signals[i], &action, NULL);
	syscall(SYS_arch_prctl, ARCH_GET_FS, &fs_base);
	state->entry = CODE;
	state->exit = (u64)native_exit;
}

/* @reg: 1 EBX, 2 ECX. src/x86/ has a header of its own under the compiler's name for this. */
static bool has_cpuid(unsigned int leaf, int reg, unsigned int bit)
{
	unsigned int eax = leaf & 0x80000000, ebx, ecx, edx;

	asm("cpuid" : "+a"(eax), "=b"(ebx), "=c"(ecx), "=d"(edx));
	if (eax < leaf)
		return false;
	eax = leaf;
	ecx = 0;
	asm("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
	return ((reg == 1 ? ebx : ecx) >> bit) & 1;
}

static bool has_feature(const struct vie *vie)
{
	switch (vie->op.op_type) {
	case VIE_OP_MOVBE:
		return has_cpuid(1, 2, 22);
	case VIE_OP_POPCNT:
		return has_cpuid(1, 2, 23);
	case VIE_OP_ANDN:
	case VIE_OP_BEXTR:
	case VIE_OP_BLSR ... VIE_OP_BLSI:
		return __builtin_cpu_supports("bmi");
	case VIE_OP_BZHI:
	case VIE_OP_SHLX ... VIE_OP_RORX:
		return __builtin_cpu_supports("bmi2");
	case VIE_OP_MOV:
		return vie->op.op_byte != 0xf9 || has_cpuid(7, 2, 27);	/* MOVDIRI */
	case VIE_OP_NOP:
		return vie->op.op_byte != 0xae;		/* CLWB and CLFLUSHOPT are not everywhere */
	case VIE_OP_SIMD_MOV:
		/* MOVNTSS and MOVNTSD are SSE4a. */
		return vie->op.op_byte != 0x2b || !(vie->repz_present || vie->repnz_present) ||
		       has_cpuid(0x80000001, 2, 6);
	}
	return true;
}

static bool native_has_extension(u8 op_type)
{
	const struct vie vie = { .op.op_type = op_type };

	return has_feature(&vie);
}

/* A locked access across cache lines stops every processor, and may be made a fault. */
static bool is_split_lock(const struct trial *t)
{
	bool locks = t->vie.op.op_type == VIE_OP_XCHG;
	unsigned int i;

	for (i = 0; i < t->vie.num_processed && !locks; i++)
		locks = t->vie.inst[i] == 0xf0;
	return locks && t->target % 64 > 48;
}

static bool native_knows(const struct trial *t)
{
	return has_feature(&t->vie) && !is_split_lock(t);
}

static void native_adapt(const struct trial *t, struct test_vcpu *before)
{
	u64 gs_base = random_u64() >> 20;

	(void)t;
	syscall(SYS_arch_prctl, ARCH_SET_GS, gs_base);
	before->desc[VM_REG_GUEST_GS].base = gs_base;
	before->desc[VM_REG_GUEST_FS].base = fs_base;
	for (int i = VM_REG_GUEST_ES; i <= VM_REG_GUEST_GS; i++)
		before->reg[i] = 0;
	asm("mov %%cs, %0" : "=r"(before->reg[VM_REG_GUEST_CS]));
	asm("mov %%ss, %0" : "=r"(before->reg[VM_REG_GUEST_SS]));
}

static void native_write_code(const struct trial *t)
{
	static const u8 jump[] = { 0xff, 0x24, 0x25, 0x98, 0x00, 0x00, 0x20 };	/* jmp *0x20000098 */
	u8 *code = (u8 *)t->mode->code;

	memcpy(code, t->vie.inst, t->vie.num_processed);
	memcpy(code + t->vie.num_processed, jump, sizeof(jump));
}

static int native_run(const struct trial *t, const struct test_vcpu *before, struct test_vcpu *after)
{
	volatile int fault = 0;
	int i;

	memcpy((void *)t->mode->window, before->memory + t->mode->window, WINDOW_BYTES);
	for (i = 0; i < 16; i++)
		state->gpr[i] = before->reg[insn_register(i)];
	state->rflags = before->reg[VM_REG_GUEST_RFLAGS] | 0x200;
	memcpy(state->ymm, before->simd, sizeof(state->ymm));
	native_write_code(t);
	if (sigsetjmp(after_fault, 1) == 0)
		native_enter();
	else
		fault = ORACLE_FAULT;
	for (i = 0; i < 16; i++)
		after->reg[insn_register(i)] = state->gpr[i];
	after->reg[VM_REG_GUEST_RFLAGS] = state->rflags;
	memcpy(after->simd, state->ymm, sizeof(state->ymm));
	memcpy(after->memory + t->mode->window, (void *)t->mode->window, WINDOW_BYTES);
	return fault;
}

const struct oracle native_oracle = {
	.name = "native",
	.setup = native_setup,
	.knows = native_knows,
	.has_extension = native_has_extension,
	.adapt = native_adapt,
	.run = native_run,
};
