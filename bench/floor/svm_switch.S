/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include <linux/linkage.h>
#include <asm/asm.h>
#include <asm/nospec-branch.h>
#include <mark.h>

/*
 * void floor_svm_switch(u64 *gpr, u64 vmcb_pa, u64 host_pa): into the guest and out again, with all registers exchanged and nothing
 * else. IRQs off.
 */
SYM_FUNC_START(floor_svm_switch)
	.byte	0x0f, 0x1f, 0x84, 0x00
	.long	MARK(MARK_BEGIN, 0)
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
	vmload	%rax
	mov	8*1(%rdi), %rcx
	mov	8*2(%rdi), %rdx
	mov	8*3(%rdi), %rbx
	mov	8*5(%rdi), %rbp
	mov	8*6(%rdi), %rsi
	mov	8*8(%rdi), %r8
	mov	8*9(%rdi), %r9
	mov	8*10(%rdi), %r10
	mov	8*11(%rdi), %r11
	mov	8*12(%rdi), %r12
	mov	8*13(%rdi), %r13
	mov	8*14(%rdi), %r14
	mov	8*15(%rdi), %r15
	mov	8*7(%rdi), %rdi
	vmrun	%rax
	vmsave	%rax
	mov	(%rsp), %rax
	mov	%rcx, 8*1(%rax)
	mov	%rdx, 8*2(%rax)
	mov	%rbx, 8*3(%rax)
	mov	%rbp, 8*5(%rax)
	mov	%rsi, 8*6(%rax)
	mov	%rdi, 8*7(%rax)
	mov	%r8, 8*8(%rax)
	mov	%r9, 8*9(%rax)
	mov	%r10, 8*10(%rax)
	mov	%r11, 8*11(%rax)
	mov	%r12, 8*12(%rax)
	mov	%r13, 8*13(%rax)
	mov	%r14, 8*14(%rax)
	mov	%r15, 8*15(%rax)
	mov	8(%rsp), %rax
	vmload	%rax
	stgi
	add	$16, %rsp
	pop	%rbx
	pop	%r12
	pop	%r13
	pop	%r14
	pop	%r15
	pop	%rbp
	.byte	0x0f, 0x1f, 0x84, 0x00
	.long	MARK(MARK_END, 0)
	RET
SYM_FUNC_END(floor_svm_switch)
