/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include <linux/linkage.h>
#include <asm/asm.h>
#include <asm/nospec-branch.h>
#include <mark.h>

#define VMCS_HOST_RSP	0x6c14
#define VMCS_HOST_RIP	0x6c16

/*
 * bool floor_vmx_switch(u64 *gpr, bool launched): into the guest and out again, with all registers exchanged and nothing else. IRQs
 * off. The first time, LAUNCHED being false, notes where exits end, which is the same for all that are called with the stack at the
 * same place. False: the processor refused.
 */
SYM_FUNC_START(floor_vmx_switch)
	.byte	0x0f, 0x1f, 0x84, 0x00
	.long	MARK(MARK_BEGIN, 0)
	push	%rbp
	push	%r15
	push	%r14
	push	%r13
	push	%r12
	push	%rbx
	push	%rdi
	test	%sil, %sil
	jz	.Lfirst
.Lload:
	mov	8*0(%rdi), %rax
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
	jz	.Llaunch
	vmresume
.Lexit:
	push	%rax
	mov	8(%rsp), %rax
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
	pop	%rcx
	mov	%rcx, 8*0(%rax)
	pop	%rdi
	pop	%rbx
	pop	%r12
	pop	%r13
	pop	%r14
	pop	%r15
	pop	%rbp
	.byte	0x0f, 0x1f, 0x84, 0x00
	.long	MARK(MARK_END, 0)
	/* An exit clears all flags; a refusal sets CF or ZF. */
	seta	%al
	RET
.Lfirst:
	mov	$VMCS_HOST_RSP, %eax
	vmwrite	%rsp, %rax
	lea	.Lexit(%rip), %rcx
	mov	$VMCS_HOST_RIP, %eax
	vmwrite	%rcx, %rax
	test	%sil, %sil
	jmp	.Lload
.Llaunch:
	vmlaunch
	jmp	.Lexit
SYM_FUNC_END(floor_vmx_switch)

/* What the guest executes, again and again, for nobody takes it further. */
SYM_FUNC_START(floor_vmx_guest)
	cpuid
	RET
SYM_FUNC_END(floor_vmx_guest)
