/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "protocol.h"

	.section .text.entry, "ax"
	.code64

/*
 * Where the host starts a vCPU. RDI: the test's function in the payload; RSP: this vCPU's stack.
 */
	.globl	guest_entry
guest_entry:
	and	$~15, %rsp
	call	guest_start
	ud2

/* An AP after STARTUP, at a page below 1 MiB where the host copies it: real mode to 64-bit mode. */
	.globl	ap_trampoline, ap_trampoline_end
	.balign	16
ap_trampoline:
	.code16
	cli
	mov	%cs, %ax
	mov	%ax, %ds
	lgdtl	(ap_gdtr - ap_trampoline)
	mov	$0x20, %eax			/* PAE */
	mov	%eax, %cr4
	mov	$PAGE_TABLES_GPA, %eax
	mov	%eax, %cr3
	mov	$0xc0000080, %ecx
	rdmsr
	or	$0x100, %eax			/* LME */
	wrmsr
	mov	%cr0, %eax
	and	$~0x60000000, %eax
	or	$0x80000001, %eax		/* PG, PE */
	mov	%eax, %cr0
	ljmpl	$SEL_CODE64, $ap_start64
	.balign	4
ap_gdtr:
	.word	GDT_BYTES - 1
	.long	GDT_GPA
ap_trampoline_end:
	.code64

ap_start64:
	mov	$SEL_DATA, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %ss
	/* The number of this AP, in the order of arrival: 1, 2, ... */
	mov	$1, %eax
	lock xadd %eax, ap_arrived(%rip)
	inc	%eax
	mov	%eax, %ecx
	shl	$4, %ecx
	add	$SEL_TSS(0), %ecx
	ltr	%cx
	inc	%eax
	shl	$1, %eax
	dec	%eax
	imul	$STACK_SIZE, %rax, %rsp
	add	$STACKS_GPA, %rsp
	mov	ap_main(%rip), %rdi
	call	guest_start
	ud2

/*
 * int guest_try(void (*fn)(uint64_t arg), uint64_t arg)
 */
	.globl	guest_try, guest_try_landing
guest_try:
	push	%rbx
	push	%rbp
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	mov	%rsp, guest_try_rsp(%rip)
	mov	%rdi, %rax
	mov	%rsi, %rdi
	sub	$8, %rsp
	call	*%rax
	add	$8, %rsp
	mov	$-1, %eax
guest_try_landing:
	movq	$0, guest_try_rsp(%rip)
	cld
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbp
	pop	%rbx
	ret

/* 256 stubs of 16 bytes each, all of which leave vector and error code on the stack. */
	.balign	16
	.globl	interrupt_stubs
interrupt_stubs:
	vector = 0
	.rept	256
	.balign	16
	.if (vector == 8) || (vector == 10) || (vector == 11) || (vector == 12) || (vector == 13) || (vector == 14) || (vector == 17)
	.else
	push	$0
	.endif
	push	$vector
	jmp	interrupt_common
	vector = vector + 1
	.endr
	.balign	16

interrupt_common:
	push	%rax
	push	%rbx
	push	%rcx
	push	%rdx
	push	%rbp
	push	%rsi
	push	%rdi
	push	%r8
	push	%r9
	push	%r10
	push	%r11
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	cld
	mov	%rsp, %rdi
	mov	%rsp, %rbp
	and	$~15, %rsp
	call	guest_interrupt
	mov	%rbp, %rsp
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%r11
	pop	%r10
	pop	%r9
	pop	%r8
	pop	%rdi
	pop	%rsi
	pop	%rbp
	pop	%rdx
	pop	%rcx
	pop	%rbx
	pop	%rax
	add	$16, %rsp
	iretq

	.bss
	.balign	8
	.globl	guest_try_rsp, ap_main, ap_arrived
guest_try_rsp:
	.quad	0
ap_main:
	.quad	0
ap_arrived:
	.long	0

	.section .note.GNU-stack, "", @progbits
