/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "layout.h"
#include "mark.h"

	.section .text.entry, "ax"
	.code64

/* Where the host starts a vCPU, its stack in RSP: vCPU 0 runs the operation, others are its partners. EDI: the vCPU's number. */
	.globl	payload_entry
payload_entry:
	and	$~15, %rsp
	call	payload_main
1:	mov	$PORT_DONE, %edx
	out	%eax, %dx
	jmp	1b

/* An interrupt's arrival ends the window. */
	.globl	on_arrival
on_arrival:
	.byte	0x0f, 0x1f, 0x84, 0x00
	.long	MARK(MARK_END, 0)
	push	%rax
	push	%rdx
	push	%rcx
	rdtsc
	shl	$32, %rdx
	or	%rdx, %rax
	mov	%rax, arrival(%rip)
	cmpl	$0, arrival_traced(%rip)
	je	3f
	TRACE_MARK
3:
	mov	apic_is_x2(%rip), %ecx
	test	%ecx, %ecx
	jz	1f
	mov	$0x80b, %ecx
	xor	%eax, %eax
	xor	%edx, %edx
	wrmsr
	jmp	2f
1:	mov	$(APIC_GPA + 0xb0), %eax
	movl	$0, (%rax)
2:	pop	%rcx
	pop	%rdx
	pop	%rax
	iretq

/* On the partner: says so, and lets the other processor go on at once where processors take turns. */
	.globl	on_partner
on_partner:
	push	%rax
	push	%rdx
	push	%rcx
	lock incl SHARED_RECEIVED_GPA
	pause
	mov	$0x80b, %ecx
	xor	%eax, %eax
	xor	%edx, %edx
	wrmsr
	pop	%rcx
	pop	%rdx
	pop	%rax
	iretq

	.section .note.GNU-stack, "", @progbits
