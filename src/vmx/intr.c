// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * intr: which event the next entry delivers, and how we get back when one that has to
 * wait can go (semantics.md section 12; Intel manual vol. 3, "Event Injection").
 *
 * Interrupts wait for an interrupt-window exit, NMIs for an NMI-window exit. What an entry injects
 * has been taken out of the vlapic here. Where the processor delivers the vlapic's interrupts by itself
 * (apic.c), those of the 8259 are left.
 */
#include <linux/percpu.h>
#include <asm/cpufeature.h>
#include <asm/debugreg.h>
#include <asm/processor-flags.h>
#include <asm/trapnr.h>
#include "../dev/vatpic.h"
#include "../dev/vlapic.h"
#include "../trace.h"
#include "vmx.h"

#define EVENT_INFO_NMI	(VM_INTINFO_VALID | VM_INTINFO_NMI | X86_TRAP_NMI)
#define EVENT_INFO_INTR	(VM_INTINFO_VALID | VM_INTINFO_HWINTR)

void vmx_intr_window(struct vcpu *vcpu, bool on)
{
	vmx_set_proc(to_vmx(vcpu), PROC_INTERRUPT_WINDOW, on);
}

void vmx_nmi_window(struct vcpu *vcpu, bool on)
{
	vmx_set_proc(to_vmx(vcpu), PROC_NMI_WINDOW, on);
}

/* The error code, if there is one, is in the VMCS already. */
static void entry_event(struct vcpu *vcpu, u64 info)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);

	vmx->entry_event = info;
	vmx->activity = ACTIVITY_ACTIVE;
	vmcs_write(VMCS_ENTRY_INTR_INFO, info);
	trace_vmm_inject(vcpu, info);
}

/* INT n, INT3, INTO and INT1 push the address behind them. */
static bool event_has_length(u32 info)
{
	switch (info & VM_INTINFO_TYPE) {
	case VM_INTINFO_SWINTR:
	case INTR_TYPE_PRIVILEGED_TRAP:
	case INTR_TYPE_TRAP:
		return true;
	default:
		return false;
	}
}

/* #BP and #OF are traps, whatever the API calls them. */
static u32 event_retyped(u32 info)
{
	u8 vector = VM_INTINFO_VECTOR(info);

	if ((info & VM_INTINFO_TYPE) == VM_INTINFO_HWEXCEPTION &&
	    (vector == X86_TRAP_BP || vector == X86_TRAP_OF))
		info = (info & ~(u32)VM_INTINFO_TYPE) | INTR_TYPE_TRAP;
	return info;
}

static void inject_event(struct vcpu *vcpu, u64 info)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	u32 event = event_retyped(info);

	if (event_has_length(event)) {
		if (!vmx->inst_length && !vmx_caps.zero_length_trap)
			vmx->inst_length = 1;
		vmcs_write(VMCS_ENTRY_INST_LENGTH, vmx->inst_length);
	}
	if (event & VM_INTINFO_DEL_ERRCODE)
		vmcs_write(VMCS_ENTRY_INTR_ERROR, info >> 32);
	/* An NMI that starts over begins with NMIs unblocked. */
	if ((event & VM_INTINFO_TYPE) == VM_INTINFO_NMI)
		vmx->interruptibility &= ~(BLOCKED_BY_NMI | BLOCKED_SHADOW);
	entry_event(vcpu, (info & GENMASK_ULL(63, 32)) | event);
	vcpu_stat_inc(vcpu, VCPU_INTINFO_INJECTED);
}

/* STI does not hold an NMI back on every processor; ending its shadow lets all take it. */
static void inject_nmi(struct vcpu *vcpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);

	if (vmx->entry_event || (vmx->interruptibility & (BLOCKED_BY_NMI | BLOCKED_BY_MOV_SS))) {
		vmx_nmi_window(vcpu, true);
		return;
	}
	clear_bit(EVENT_NMI, &vcpu->events.flags);
	vmx->interruptibility &= ~BLOCKED_BY_STI;
	entry_event(vcpu, EVENT_INFO_NMI);
	vmx_nmi_window(vcpu, false);
	vcpu_stat_inc(vcpu, VCPU_NMI_COUNT);
}

/* The vector to deliver as ExtINT, or -1: another vCPU took it. */
static int extint_vector(struct vcpu *vcpu)
{
	int vector;

	clear_bit(EVENT_EXTINT, &vcpu->events.flags);
	if (!vatpic_requesting(vcpu->vm->vatpic))
		return -1;
	vector = vatpic_pending_vector(vcpu->vm->vatpic);
	if (vector >= 0) {
		vatpic_intr_accepted(vcpu->vm->vatpic, vector);
		vcpu_stat_inc(vcpu, VCPU_EXTINT_COUNT);
	}
	return vector;
}

static bool interrupts_blocked(const struct vmx_vcpu *vmx)
{
	return vmx->entry_event || (vmx->interruptibility & BLOCKED_SHADOW) ||
	       !(vmx->rflags & X86_EFLAGS_IF);
}

static void inject_intr(struct vcpu *vcpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	bool extint = test_bit(EVENT_EXTINT, &vcpu->events.flags);
	int vector = extint || vmx_caps.apic_virtual ? -1 : vlapic_pending_intr(vcpu->vlapic);

	if (!extint && vector < 0) {
		vmx_intr_window(vcpu, false);
		return;
	}
	if (interrupts_blocked(vmx)) {
		vmx_intr_window(vcpu, true);
		return;
	}
	if (extint)
		vector = extint_vector(vcpu);
	else
		vlapic_intr_accepted(vcpu->vlapic, vector);
	if (vector >= 0)
		entry_event(vcpu, EVENT_INFO_INTR | vector);
	/* After an ExtINT the next source is looked at as soon as it could be delivered. */
	vmx_intr_window(vcpu, extint);
}

/* With an instruction that was carried out for the guest its shadow is over, and so is HLT. */
static void instruction_done(struct vcpu *vcpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);

	vmx->interruptibility &= ~BLOCKED_SHADOW;
	vmx->activity = ACTIVITY_ACTIVE;
	if (!vmx->step_pending || (vcpu->events.exception & VM_INTINFO_VALID))
		return;
	vmx->dr6 |= DR_STEP;
	vcpu_inject_exception(vcpu, X86_TRAP_DB, false, 0, false);
}

bool vmx_inject(struct vcpu *vcpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	u64 info;

	vmx->entry_event = 0;
	if (vcpu->nextrip != vmx->vmcs_rip)
		instruction_done(vcpu);
	vmx->step_pending = false;
	if (vcpu->mask_hwintr)
		return true;
	switch (event_consume(&vcpu->events, &info)) {
	case EVENT_TRIPLE_FAULT:
		vm_suspend(vcpu->vm, VM_SUSPEND_TRIPLEFAULT);
		return false;
	case EVENT_INJECT:
		inject_event(vcpu, info);
		break;
	case EVENT_NONE:
		break;
	}
	if (test_bit(EVENT_NMI, &vcpu->events.flags))
		inject_nmi(vcpu);
	inject_intr(vcpu);
	return true;
}

/*
 * Virtual NMIs are blocked from before the entry, or by the one that it injected. Bochs 2.7 saves
 * more: there an entry does not end the blocking that another guest has left behind in the processor.
 */
static bool nmis_can_be_blocked(const struct vmx_vcpu *vmx)
{
	return (vmx->interruptibility & BLOCKED_BY_NMI) ||
	       (vmx->entry_event & VM_INTINFO_TYPE) == VM_INTINFO_NMI;
}

/*
 * An IRET that faulted, or whose stack was not mapped, had unblocked NMIs already: as it will
 * be executed again, they are blocked again.
 */
static bool nmi_unblocked_early(const struct vmx_exit_info *exit)
{
	if (exit->reason == EXIT_EXCEPTION_NMI)
		return (exit->intr_info & INTR_NMI_UNBLOCKED) &&
		       VM_INTINFO_VECTOR(exit->intr_info) != X86_TRAP_DF;
	return exit->reason == EXIT_EPT_VIOLATION &&
	       (exit->qualification & EPT_QUAL_NMI_UNBLOCKED);
}

void vmx_exit_events(struct vcpu *vcpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	const struct vmx_exit_info *exit = &vmx->exit;
	u32 interruptibility = vmx->vmcs_interruptibility;

	if (unlikely((interruptibility & BLOCKED_BY_NMI) && !nmis_can_be_blocked(vmx)))
		interruptibility &= ~BLOCKED_BY_NMI;
	vmx->interruptibility = interruptibility;
	if (likely(!(exit->idt_info & VM_INTINFO_VALID))) {
		if (unlikely(nmi_unblocked_early(exit)))
			vmx->interruptibility |= BLOCKED_BY_NMI;
		return;
	}
	vcpu_stat_inc(vcpu, VCPU_EXITINTINFO);
	vcpu->events.exitintinfo = exit->idt_info & ~(u32)VM_INTINFO_RSVD;
	if (exit->idt_info & VM_INTINFO_DEL_ERRCODE)
		vcpu->events.exitintinfo |= (u64)exit->idt_error << 32;
	if (event_has_length(exit->idt_info))
		vmx->inst_length = exit->inst_length;
}
