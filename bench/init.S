/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The first program of the guest that is booted: says that user space is there, and that it is done. */
#include "layout.h"
#include "mark.h"

#define SYS_IOPL	172
#define SYS_PAUSE	34

	.globl	_start
_start:
	.byte	0x0f, 0x1f, 0x84, 0x00
	.long	MARK(MARK_END, 0)
	mov	$SYS_IOPL, %eax
	mov	$3, %edi
	syscall
	mov	$PORT_DONE, %edx
	out	%eax, %dx
1:	mov	$SYS_PAUSE, %eax
	syscall
	jmp	1b

	.section .note.GNU-stack, "", @progbits
