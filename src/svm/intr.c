// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * intr: which event the next VMRUN delivers, and how we get back when one that has to
 * wait can go (semantics.md section 12; AMD64 manual vol. 2, 15.20 and 15.21).
 *
 * Interrupts wait for a window: a dummy virtual interrupt that is intercepted. NMIs do
 * not look at RFLAGS.IF, so they get a nudge instead: an interrupt to ourselves that
 * ends the guest after the instruction, or the event delivery, that is in the way.
 */
#include <asm/trapnr.h>
#include "../dev/vatpic.h"
#include "../dev/vlapic.h"
#include "svm.h"

#define EVENTINJ_NMI	(VM_INTINFO_VALID | VM_INTINFO_NMI | 2)
#define EVENTINJ_INTR	(VM_INTINFO_VALID | VM_INTINFO_HWINTR)

void svm_intr_window(struct vcpu *vcpu, bool on)
{
	struct vmcb *vmcb = to_vmcb(vcpu);

	if (vmcb_intercepts(vmcb, INTERCEPT_VINTR) == on)
		return;
	vmcb_intercept(vmcb, INTERCEPT_VINTR, on);
	if (on)
		vmcb->control.int_ctl |= INT_CTL_V_IRQ | INT_CTL_V_IGN_TPR;
	else
		vmcb->control.int_ctl &= ~(INT_CTL_V_IRQ | INT_CTL_V_IGN_TPR);
	vmcb->control.int_vector = 0;
	vmcb_dirty(vmcb, CLEAN_TPR);
}

/*
 * Once only: where an emulator or a CPU takes the interrupt before the instruction, a
 * second one would keep the guest from ever executing it.
 */
static void nmi_nudge(struct svm_vcpu *svm)
{
	if (!svm->nmi_nudged)
		irq_work_queue(&svm->nudge);
	svm->nmi_nudged = !svm->nmi_nudged;
}

static void inject_nmi(struct vcpu *vcpu)
{
	struct svm_vcpu *svm = to_svm(vcpu);
	struct vmcb_control *control = &svm->vmcb->control;

	if (svm->nmi_blocked)
		return;			/* IRET is intercepted */
	if ((control->eventinj & VM_INTINFO_VALID) || (control->int_shadow & INTERRUPT_SHADOW)) {
		nmi_nudge(svm);
		return;
	}
	clear_bit(EVENT_NMI, &vcpu->events.flags);
	control->eventinj = EVENTINJ_NMI;
	svm->nmi_blocked = true;
	svm->nmi_nudged = false;
	vmcb_intercept(svm->vmcb, INTERCEPT_IRET, true);
	vcpu_stat_inc(vcpu, VCPU_NMI_COUNT);
}

void svm_nmi_unblock(struct vcpu *vcpu)
{
	struct svm_vcpu *svm = to_svm(vcpu);

	svm->nmi_blocked = false;
	vmcb_intercept(svm->vmcb, INTERCEPT_IRET, false);
	/* The IRET itself has still to run before the next NMI: let a shadow hold it back. */
	svm->vmcb->control.int_shadow |= INTERRUPT_SHADOW;
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

static bool interrupts_blocked(const struct vmcb *vmcb)
{
	return (vmcb->control.eventinj & VM_INTINFO_VALID) ||
	       (vmcb->control.int_shadow & INTERRUPT_SHADOW) ||
	       !(vmcb->state.rflags & X86_EFLAGS_IF);
}

static void inject_intr(struct vcpu *vcpu)
{
	struct vmcb *vmcb = to_vmcb(vcpu);
	bool extint = test_bit(EVENT_EXTINT, &vcpu->events.flags);
	int vector = extint ? -1 : vlapic_pending_intr(vcpu->vlapic);

	if (!extint && vector < 0) {
		svm_intr_window(vcpu, false);
		return;
	}
	if (interrupts_blocked(vmcb)) {
		svm_intr_window(vcpu, true);
		return;
	}
	if (extint)
		vector = extint_vector(vcpu);
	else
		vlapic_intr_accepted(vcpu->vlapic, vector);
	if (vector >= 0)
		vmcb->control.eventinj = EVENTINJ_INTR | vector;
	/* After an ExtINT the next source is looked at as soon as it could be delivered. */
	svm_intr_window(vcpu, extint);
}

/* A pending interrupt that only TPR holds back: the guest's MOV to CR8 must tell us. */
static void watch_tpr(struct vcpu *vcpu)
{
	struct vmcb *vmcb = to_vmcb(vcpu);
	bool watch = vlapic_tpr_threshold(vcpu->vlapic) > 0;

	if (vmcb_intercepts(vmcb, INTERCEPT_CR_WRITE(8)) != watch)
		vmcb_intercept(vmcb, INTERCEPT_CR_WRITE(8), watch);
}

/*
 * #BP and #OF are traps: the handler returns behind the INT3 or INTO. Hardware takes that
 * address from nextrip where it saves one, else from RIP.
 */
static void inject_trap_length(struct vcpu *vcpu, u64 info)
{
	struct svm_vcpu *svm = to_svm(vcpu);
	u8 vector = info;

	if ((info & VM_INTINFO_TYPE) != VM_INTINFO_HWEXCEPTION ||
	    (vector != X86_TRAP_BP && vector != X86_TRAP_OF) || !svm->trap_length)
		return;
	if (svm_caps.nrip_save)
		svm->vmcb->control.nextrip = vcpu->nextrip + svm->trap_length;
	else
		vcpu->nextrip += svm->trap_length;
	svm->trap_length = 0;
}

/* No event and no interrupt, of whatever priority, and nothing watches out for one. */
static bool nothing_to_inject(struct vcpu *vcpu)
{
	const struct vmcb *vmcb = to_vmcb(vcpu);

	return !event_pending(&vcpu->events) && !READ_ONCE(vcpu->events.flags) &&
	       !vlapic_requesting(vcpu->vlapic) && !vmcb_intercepts(vmcb, INTERCEPT_VINTR) &&
	       !vmcb_intercepts(vmcb, INTERCEPT_CR_WRITE(8));
}

bool svm_inject(struct vcpu *vcpu)
{
	struct vmcb_control *control = &to_vmcb(vcpu)->control;
	u64 info;

	control->eventinj = 0;
	/*
	 * An STI or MOV SS protects one instruction. If that was intercepted and is done, the HLT
	 * behind an STI above all, what it held back can go at once.
	 */
	if (vcpu->nextrip != vcpu->exit_rip)
		control->int_shadow &= ~INTERRUPT_SHADOW;
	if (vcpu->mask_hwintr || likely(nothing_to_inject(vcpu)))
		return true;
	switch (event_consume(&vcpu->events, &info)) {
	case EVENT_TRIPLE_FAULT:
		vm_suspend(vcpu->vm, VM_SUSPEND_TRIPLEFAULT);
		return false;
	case EVENT_INJECT:
		inject_trap_length(vcpu, info);
		control->eventinj = info;
		vcpu_stat_inc(vcpu, VCPU_INTINFO_INJECTED);
		break;
	case EVENT_NONE:
		break;
	}
	if (test_bit(EVENT_NMI, &vcpu->events.flags))
		inject_nmi(vcpu);
	inject_intr(vcpu);
	watch_tpr(vcpu);
	return true;
}

void svm_exit_event(struct vcpu *vcpu, u64 info)
{
	struct svm_vcpu *svm = to_svm(vcpu);

	vcpu_stat_inc(vcpu, VCPU_EXITINTINFO);
	/*
	 * A software interrupt or trap whose delivery was interrupted starts over by executing
	 * the instruction again: RIP still points at it.
	 */
	if ((info & VM_INTINFO_TYPE) == VM_INTINFO_SWINTR)
		return;
	if ((info & VM_INTINFO_TYPE) == VM_INTINFO_NMI)
		svm->nmi_blocked = true;
	vcpu->events.exitintinfo = info & ~(u64)VM_INTINFO_RSVD;
}
