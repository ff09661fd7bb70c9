/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * entry: the world switch, Intel manual vol. 3, "VM Entries" and "VM Exits".
 *
 * VM entry and VM exit switch RIP, RSP, RFLAGS, the control registers but CR2 and CR8, DR7,
 * all segments, GDTR and IDTR, EFER, PAT and the SYSENTER MSRs; the other general registers
 * are ours. An exit continues behind VMLAUNCH and VMRESUME with RFLAGS clear, where their
 * failure arrives as well, with CF or ZF set: so one path serves both, and what it saves
 * after a failure is what it has just loaded.
 *
 * NMIs are possible throughout: the host's GS, stack and IDT are there at every instruction.
 */
#include <linux/linkage.h>
#include <asm/alternative.h>
#include <asm/asm.h>
#include <asm/msr-index.h>
#include <asm/nospec-branch.h>
#include <asm/percpu.h>
#include <compat.h>

/* Offsets into vcpu->gpr: instruction encoding, RSP (4) lives in the VMCS. */
#define RAX 8*0
#define RCX 8*1
#define RDX 8*2
#define RBX 8*3
#define RBP 8*5
#define RSI 8*6
#define RDI 8*7
#define R8  8*8
#define R9  8*9
#define R10 8*10
#define R11 8*11
#define R12 8*12
#define R13 8*13
#define R14 8*14
#define R15 8*15

#define VMCS_HOST_RSP	0x6c14

/*
 * VERW as the last read of memory before the guest: buffers hold nothing of the host's. The
 * kernel says so for all crossings or for this one. Clobbers ZF.
 */
.macro VMX_CLEAR_CPU_BUFFERS
	ALTERNATIVE_2 "jmp .Lno_verw_\@", "", X86_FEATURE_CLEAR_CPU_BUF, "", X86_FEATURE_CLEAR_CPU_BUF_VM
	verw	x86_verw_sel(%rip)
.Lno_verw_\@:
.endm

/* IBRS that is not enhanced must be written anew behind each exit to hold for the host. */
.macro VMX_RESTORE_IBRS
	ALTERNATIVE "jmp .Lno_ibrs_\@", "", X86_FEATURE_KERNEL_IBRS
	mov	$MSR_IA32_SPEC_CTRL, %ecx
	mov	PER_CPU_VAR(x86_spec_ctrl_current), %rax
	mov	%rax, %rdx
	shr	$32, %rdx
	wrmsr
.Lno_ibrs_\@:
.endm

.section .noinstr.text, "ax"

/**
 * vmx_enter - run the guest until the next exit
 * @gpr: (rdi) u64[16], vcpu->gpr
 * @launched: (sil) VMRESUME, else VMLAUNCH
 *
 * IRQs off at call and return. Returns false (al) if the instruction failed.
 */
SYM_FUNC_START(vmx_enter)
	push	%rbp
	push	%r15
	push	%r14
	push	%r13
	push	%r12
	push	%rbx
	push	%rdi
	push	$0

	mov	$VMCS_HOST_RSP, %eax
	vmwrite	%rsp, %rax

	/* CF says which instruction; nothing below touches it. */
	bt	$0, %esi

	mov	RAX(%rdi), %rax
	mov	RCX(%rdi), %rcx
	mov	RDX(%rdi), %rdx
	mov	RBX(%rdi), %rbx
	mov	RBP(%rdi), %rbp
	mov	RSI(%rdi), %rsi
	mov	R8(%rdi), %r8
	mov	R9(%rdi), %r9
	mov	R10(%rdi), %r10
	mov	R11(%rdi), %r11
	mov	R12(%rdi), %r12
	mov	R13(%rdi), %r13
	mov	R14(%rdi), %r14
	mov	R15(%rdi), %r15
	mov	RDI(%rdi), %rdi

	VMX_CLEAR_CPU_BUFFERS
	jc	.Llaunched
	vmlaunch
	jmp	.Lexit
.Llaunched:
	vmresume
.Lexit:
	seta	(%rsp)

	push	%rax
	mov	16(%rsp), %rax
	mov	%rcx, RCX(%rax)
	mov	%rdx, RDX(%rax)
	mov	%rbx, RBX(%rax)
	mov	%rbp, RBP(%rax)
	mov	%rsi, RSI(%rax)
	mov	%rdi, RDI(%rax)
	mov	%r8, R8(%rax)
	mov	%r9, R9(%rax)
	mov	%r10, R10(%rax)
	mov	%r11, R11(%rax)
	mov	%r12, R12(%rax)
	mov	%r13, R13(%rax)
	mov	%r14, R14(%rax)
	mov	%r15, R15(%rax)
	pop	%rcx
	mov	%rcx, RAX(%rax)

	/*
	 * Before the first RET: return predictions of the guest's making must not be followed. Nor
	 * may a mispredicted branch skip that: where it ends up, LFENCE waits for the truth.
	 */
	cmpb	$0, vmx_no_flush_rsb(%rip)
	jne	.Lno_flush_rsb
	FILL_RETURN_BUFFER %rax, RSB_CLEAR_LOOPS, X86_FEATURE_RSB_VMEXIT, X86_FEATURE_RSB_VMEXIT_LITE
	jmp	.Lrsb_done
.Lno_flush_rsb:
	lfence
.Lrsb_done:
	/* Before the first indirect branch. */
	VMX_RESTORE_IBRS
	/* Nor must the guest's branch history choose among the host's own targets. */
	CLEAR_BRANCH_HISTORY_VMEXIT

	/* No guest value survives in a register that speculation could use as an address. */
	xor	%ecx, %ecx
	xor	%edx, %edx
	xor	%ebx, %ebx
	xor	%ebp, %ebp
	xor	%esi, %esi
	xor	%edi, %edi
	xor	%r8d, %r8d
	xor	%r9d, %r9d
	xor	%r10d, %r10d
	xor	%r11d, %r11d
	xor	%r12d, %r12d
	xor	%r13d, %r13d
	xor	%r14d, %r14d
	xor	%r15d, %r15d

	pop	%rax
	add	$8, %rsp
	pop	%rbx
	pop	%r12
	pop	%r13
	pop	%r14
	pop	%r15
	pop	%rbp
	RET
SYM_FUNC_END(vmx_enter)

/* Where exits continue. The processor goes there by itself: no indirect branch, no ENDBR. */
SYM_FUNC_START(vmx_exit_address)
	lea	.Lexit(%rip), %rax
	RET
SYM_FUNC_END(vmx_exit_address)
