/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "mark.h"

/* void mark_select(unsigned int id): runs the marker of that id. A marker's number is part of the instruction, so there is one for each. */
	.globl	mark_select
mark_select:
	TRACE_MARK
	mov	%edi, %edi
	shl	$4, %rdi
	lea	table(%rip), %rax
	add	%rdi, %rax
	jmp	*%rax

	.balign	16
table:
	id = 0
	.rept	MARK_IDS
	.balign	16
	.byte	0x0f, 0x1f, 0x84, 0x00
	.long	MARK_MAGIC + MARK_SELECT * 0x1000 + id
	TRACE_MARK
	ret
	id = id + 1
	.endr

	.section .note.GNU-stack, "", @progbits
