/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
	.section .rodata
	.globl	payload_image, payload_image_end
payload_image:
	.incbin	IMAGE
payload_image_end:

	.section .note.GNU-stack, "", @progbits
