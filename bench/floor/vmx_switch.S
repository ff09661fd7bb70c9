/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include <linux/linkage.h>
#include <asm/asm.h>
#include <asm/nospec-branch.h>
#include "switch.h"

#define VMCS_HOST_RSP	0x6c14
#define VMCS_HOST_RIP	0x6c16

/*
 * bool floor_vmx_switch(u64 *gpr, bool launched): into the guest and out again, with all registers exchanged and nothing else. IRQs
 * off. The first time, LAUNCHED being false, notes where exits end, which is the same for all that are called with the stack at the
 * same place. False: the processor refused.
 */
SYM_FUNC_START(floor_vmx_switch)
	FLOOR_MARK MARK_BEGIN
	FLOOR_PUSH_HOST
	push	%rdi
	test	%sil, %sil
	jz	.Lfirst
.Lload:
	mov	8*0(%rdi), %rax
	FLOOR_LOAD_GUEST
	jz	.Llaunch
	vmresume
.Lexit:
	push	%rax
	mov	8(%rsp), %rax
	FLOOR_STORE_GUEST
	pop	%rcx
	mov	%rcx, 8*0(%rax)
	pop	%rdi
	FLOOR_POP_HOST
	FLOOR_MARK MARK_END
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
