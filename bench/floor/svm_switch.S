/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include <linux/linkage.h>
#include <asm/asm.h>
#include <asm/nospec-branch.h>
#include "switch.h"

/*
 * void floor_svm_switch(u64 *gpr, u64 vmcb_pa, u64 host_pa): into the guest and out again, with all registers exchanged and nothing
 * else. IRQs off.
 */
SYM_FUNC_START(floor_svm_switch)
	FLOOR_MARK MARK_BEGIN
	FLOOR_PUSH_HOST
	push	%rdx
	push	%rdi
	mov	%rsi, %rax
	clgi
	vmload	%rax
	FLOOR_LOAD_GUEST
	vmrun	%rax
	vmsave	%rax
	mov	(%rsp), %rax
	FLOOR_STORE_GUEST
	mov	8(%rsp), %rax
	vmload	%rax
	stgi
	add	$16, %rsp
	FLOOR_POP_HOST
	FLOOR_MARK MARK_END
	RET
SYM_FUNC_END(floor_svm_switch)
