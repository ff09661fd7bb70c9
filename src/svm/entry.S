/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * entry: the world switch, AMD64 manual vol. 2, 15.5 and 15.17.
 *
 * From CLGI to STGI neither interrupts nor NMIs nor SMIs are taken, so the host never
 * runs on guest FS, GS, TR or LDTR. Inside that span RFLAGS.IF is set: with
 * V_INTR_MASKING the host's IF at VMRUN is what lets a physical interrupt end the guest.
 * VMRUN and #VMEXIT switch RIP, RSP, RAX, RFLAGS, CRs, EFER, IDTR, GDTR and the visible
 * segments; VMLOAD and VMSAVE switch FS, GS, TR, LDTR and the SYSCALL and SYSENTER MSRs;
 * the other general registers are ours.
 */
#include <linux/linkage.h>
#include <asm/asm.h>
#include <asm/nospec-branch.h>
#include <compat.h>

/* Offsets into vcpu->gpr: instruction encoding, RAX (0) and RSP (4) live in the VMCB. */
#define RCX 8*1
#define RDX 8*2
#define RBX 8*3
#define RBP 8*5
#define RSI 8*6
#define RDI 8*7
#define R8  8*8
#define R9  8*9
#define R10 8*10
#define R11 8*11
#define R12 8*12
#define R13 8*13
#define R14 8*14
#define R15 8*15

.section .noinstr.text, "ax"

/**
 * svm_enter - run the guest until the next exit
 * @gpr: (rdi) u64[16], vcpu->gpr
 * @vmcb_pa: (rsi) physical address of the guest's VMCB
 * @host_pa: (rdx) physical address of this CPU's VMSAVE area for the host
 *
 * IRQs off at call and return.
 */
SYM_FUNC_START(svm_enter)
	push	%rbp
	push	%r15
	push	%r14
	push	%r13
	push	%r12
	push	%rbx
	push	%rdx
	push	%rdi

	mov	%rsi, %rax
	clgi
	sti
	vmload	%rax

	mov	RCX(%rdi), %rcx
	mov	RDX(%rdi), %rdx
	mov	RBX(%rdi), %rbx
	mov	RBP(%rdi), %rbp
	mov	RSI(%rdi), %rsi
	mov	R8(%rdi), %r8
	mov	R9(%rdi), %r9
	mov	R10(%rdi), %r10
	mov	R11(%rdi), %r11
	mov	R12(%rdi), %r12
	mov	R13(%rdi), %r13
	mov	R14(%rdi), %r14
	mov	R15(%rdi), %r15
	mov	RDI(%rdi), %rdi

	/* Last memory read before the guest: buffers hold nothing of the host's. Clobbers ZF. */
	COMPAT_VM_CLEAR_CPU_BUFFERS
	vmrun	%rax
	vmsave	%rax

	mov	(%rsp), %rax
	mov	%rcx, RCX(%rax)
	mov	%rdx, RDX(%rax)
	mov	%rbx, RBX(%rax)
	mov	%rbp, RBP(%rax)
	mov	%rsi, RSI(%rax)
	mov	%rdi, RDI(%rax)
	mov	%r8, R8(%rax)
	mov	%r9, R9(%rax)
	mov	%r10, R10(%rax)
	mov	%r11, R11(%rax)
	mov	%r12, R12(%rax)
	mov	%r13, R13(%rax)
	mov	%r14, R14(%rax)
	mov	%r15, R15(%rax)

	mov	8(%rsp), %rax
	vmload	%rax

	/* Before the first RET: return predictions of the guest's making must not be followed. */
	FILL_RETURN_BUFFER %rax, RSB_CLEAR_LOOPS, X86_FEATURE_RSB_VMEXIT
	/* Retbleed and SRSO, likewise before the first RET, with the host's state in place. */
	COMPAT_UNTRAIN_RET_VM

	/* No guest value survives in a register that speculation could use as an address. */
	xor	%ecx, %ecx
	xor	%edx, %edx
	xor	%ebx, %ebx
	xor	%ebp, %ebp
	xor	%esi, %esi
	xor	%edi, %edi
	xor	%r8d, %r8d
	xor	%r9d, %r9d
	xor	%r10d, %r10d
	xor	%r11d, %r11d
	xor	%r12d, %r12d
	xor	%r13d, %r13d
	xor	%r14d, %r14d
	xor	%r15d, %r15d

	cli
	stgi

	add	$16, %rsp
	pop	%rbx
	pop	%r12
	pop	%r13
	pop	%r14
	pop	%r15
	pop	%rbp
	RET
SYM_FUNC_END(svm_enter)
