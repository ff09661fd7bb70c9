/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The emulated host's boot loader where the emulator can only start from a disk: the disk's first four sectors, and after them,
 * each from a sector of its own, what emuhost.d/bochs puts there. The kernel comes uncompressed, as the image of its memory,
 * for an emulated processor would spend most of a minute on decompression; so no KASLR, which decompression brings.
 *
 * Real mode: the kernel's own 16-bit code and its command line are read by the BIOS, and that code is run: it asks the BIOS
 * about memory and the like, enters protected mode and jumps to `code32_start`. That is `load` here (the hook that
 * Documentation/arch/x86/boot.rst, "Advanced boot loader hooks", describes): it reads kernel and initial RAM disk with ATA
 * commands and enters the kernel the way that decompression would have, in 64-bit mode with identity mapping.
 *
 * Symbols from the assembler's command line: SETUP_SECTORS, CMDLINE_LBA, KERNEL_LBA, KERNEL_SECTORS, KERNEL_START,
 * KERNEL_ENTRY, INITRD_LBA, INITRD_SECTORS, INITRD_SIZE.
 */
#define SETUP_LBA	4		/* after the four sectors of this */
#define CMDLINE_SECTORS	4		/* a command line has 2048 bytes with its final NUL */

#define SETUP_SEGMENT	0x1000		/* 16-bit code and data, their heap and stack, the command line: one segment */
#define HEAP_END	0xe000
#define CMDLINE_OFFSET	0xe000
#define PAGE_TABLES	0x8000		/* and the page after it */

#define INITRD		0x10000000	/* above any kernel's end, below 2 GiB */

/* offsets in the 16-bit code's header, of which struct boot_params has a copy at the same place */
#define HDR_VID_MODE		0x1fa
#define HDR_TYPE_OF_LOADER	0x210
#define HDR_LOADFLAGS		0x211
#define HDR_CODE32_START	0x214
#define HDR_RAMDISK_IMAGE	0x218
#define HDR_RAMDISK_SIZE	0x21c
#define HDR_HEAP_END_PTR	0x224
#define HDR_CMD_LINE_PTR	0x228

#define ATA_DATA	0x1f0
#define ATA_COUNT	0x1f2
#define ATA_LBA_LOW	0x1f3
#define ATA_LBA_MID	0x1f4
#define ATA_LBA_HIGH	0x1f5
#define ATA_DEVICE	0x1f6
#define ATA_COMMAND	0x1f7
#define ATA_STATUS	0x1f7
#define ATA_CONTROL	0x3f6
#define ATA_READ	0x20
#define ATA_BUSY	0x80
#define ATA_DATA_READY	0x08
#define ATA_NO_IRQ	0x02

	.text
	.globl	_start
	.code16
_start:					/* at 0:7c00, the disk's BIOS number in dl */
	ljmp	$0, $1f
1:	cli
	xorw	%ax, %ax
	movw	%ax, %ds
	movw	%ax, %ss
	movw	$_start, %sp
	sti
	cld
	movw	$packets, %si
2:	movb	$0x42, %ah		/* extended read */
	int	$0x13
	jc	halt16
	addw	$16, %si
	cmpw	$packets_end, %si
	jb	2b

	movw	$SETUP_SEGMENT, %ax
	movw	%ax, %ds
	movw	$0xffff, HDR_VID_MODE		/* as the BIOS left it */
	movb	$0xff, HDR_TYPE_OF_LOADER	/* none with a number */
	orb	$0x81, HDR_LOADFLAGS		/* loaded high, heap usable */
	movl	$load, HDR_CODE32_START
	movl	$INITRD, HDR_RAMDISK_IMAGE
	movl	$INITRD_SIZE, HDR_RAMDISK_SIZE
	movw	$HEAP_END - 0x200, HDR_HEAP_END_PTR
	movl	$(SETUP_SEGMENT << 4) + CMDLINE_OFFSET, HDR_CMD_LINE_PTR
	cli
	movw	%ax, %es
	movw	%ax, %fs
	movw	%ax, %gs
	movw	%ax, %ss
	movw	$HEAP_END, %sp
	ljmp	$SETUP_SEGMENT + 0x20, $0

halt16:	hlt
	jmp	halt16

	.balign	4
packets:				/* disk address packets: size, sectors, offset, segment, LBA */
	.word	16, 3, loader_rest, 0
	.quad	1
	.word	16, SETUP_SECTORS, 0, SETUP_SEGMENT
	.quad	SETUP_LBA
	.word	16, CMDLINE_SECTORS, CMDLINE_OFFSET, SETUP_SEGMENT
	.quad	CMDLINE_LBA
packets_end:

	.org	0x1fe
	.word	0xaa55
loader_rest:

	.code32
load:					/* flat segments, esi: struct boot_params */
	movl	%esi, %ebp
	movl	$_start, %esp
	cld
	movb	$ATA_NO_IRQ, %al
	movw	$ATA_CONTROL, %dx
	outb	%al, %dx
	movl	$KERNEL_START, %edi
	movl	$KERNEL_LBA, %ebx
	movl	$KERNEL_SECTORS, %esi
	call	read
	movl	$INITRD, %edi
	movl	$INITRD_LBA, %ebx
	movl	$INITRD_SECTORS, %esi
	call	read

	/* the first 512 GiB, of which the first four, in pages of 1 GiB */
	movl	$PAGE_TABLES, %edi
	xorl	%eax, %eax
	movl	$2048, %ecx
	rep stosl
	movl	$PAGE_TABLES + 0x1000 + 3, PAGE_TABLES
	movl	$0x00000083, PAGE_TABLES + 0x1000
	movl	$0x40000083, PAGE_TABLES + 0x1008
	movl	$0x80000083, PAGE_TABLES + 0x1010
	movl	$0xc0000083, PAGE_TABLES + 0x1018
	movl	%cr4, %eax
	orl	$0x20, %eax		/* PAE */
	movl	%eax, %cr4
	movl	$PAGE_TABLES, %eax
	movl	%eax, %cr3
	movl	$0xc0000080, %ecx	/* EFER */
	rdmsr
	orl	$0x100, %eax		/* LME */
	wrmsr
	movl	%cr0, %eax
	orl	$0x80000000, %eax	/* PG */
	movl	%eax, %cr0
	lgdt	gdt_register
	ljmp	$0x10, $1f
	.code64
1:	movl	$0x18, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %ss
	xorl	%eax, %eax
	movl	%eax, %fs
	movl	%eax, %gs
	movl	%ebp, %esi
	movl	$KERNEL_ENTRY, %eax
	jmp	*%rax

	/* reads esi sectors from number ebx on to edi; 256 a command at most */
	.code32
read:	movl	$256, %ecx
	cmpl	%ecx, %esi
	jae	1f
	movl	%esi, %ecx
1:	call	wait
	movb	%cl, %al		/* 0 stands for 256 */
	movw	$ATA_COUNT, %dx
	outb	%al, %dx
	movl	%ebx, %eax
	movw	$ATA_LBA_LOW, %dx
	outb	%al, %dx
	shrl	$8, %eax
	movw	$ATA_LBA_MID, %dx
	outb	%al, %dx
	shrl	$8, %eax
	movw	$ATA_LBA_HIGH, %dx
	outb	%al, %dx
	shrl	$8, %eax
	orb	$0xe0, %al		/* LBA, first device */
	movw	$ATA_DEVICE, %dx
	outb	%al, %dx
	movb	$ATA_READ, %al
	movw	$ATA_COMMAND, %dx
	outb	%al, %dx
	addl	%ecx, %ebx
	subl	%ecx, %esi
2:	call	wait
	testb	$ATA_DATA_READY, %al
	jz	halt			/* an error */
	pushl	%ecx
	movl	$256, %ecx
	movw	$ATA_DATA, %dx
	rep insw
	popl	%ecx
	loop	2b
	testl	%esi, %esi
	jnz	read
	ret

wait:	movw	$ATA_STATUS, %dx
1:	inb	%dx, %al
	testb	$ATA_BUSY, %al
	jnz	1b
	ret

halt:	hlt
	jmp	halt

	.balign	8
gdt:	.quad	0, 0
	.quad	0x00af9b000000ffff	/* 0x10: code, 64 bits */
	.quad	0x00cf93000000ffff	/* 0x18: data */
gdt_end:
gdt_register:
	.word	gdt_end - gdt - 1
	.long	gdt

	.org	4 * 512
