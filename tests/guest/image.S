/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
	.section .rodata
	.balign	16
	.globl	guest_image, guest_image_end
guest_image:
	.incbin	IMAGE
guest_image_end:
	.section .note.GNU-stack, "", @progbits
