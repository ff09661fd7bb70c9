/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What svm_switch.S and vmx_switch.S do alike: registers to and from the stack, and u64 gpr[16] in the order of their encoding. */
#ifndef FLOOR_SWITCH_H
#define FLOOR_SWITCH_H

#include <mark.h>

.macro FLOOR_MARK kind
	.byte	0x0f, 0x1f, 0x84, 0x00
	.long	MARK(\kind, 0)
.endm

.macro FLOOR_PUSH_HOST
	push	%rbp
	push	%r15
	push	%r14
	push	%r13
	push	%r12
	push	%rbx
.endm

.macro FLOOR_POP_HOST
	pop	%rbx
	pop	%r12
	pop	%r13
	pop	%r14
	pop	%r15
	pop	%rbp
.endm

/* All but RAX and RSP, from gpr in RDI. Flags stay. */
.macro FLOOR_LOAD_GUEST
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
.endm

/* All but RAX and RSP, to gpr in RAX. Flags stay. */
.macro FLOOR_STORE_GUEST
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
.endm

#endif /* FLOOR_SWITCH_H */
