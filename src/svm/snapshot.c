// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* snapshot: the guest's registers in the VMCB, and what goes with them. */
#include "../x86/msr.h"
#include "svm.h"

#define ATTRIB_MASK	0xfff	/* the 12 bits that the VMCB packs */

static struct vmcb_segment *segment(struct vmcb *vmcb, int i)
{
	struct vmcb_segment *const segments[HW_SEGMENTS] = {
		[HW_ES] = &vmcb->state.es, [HW_CS] = &vmcb->state.cs, [HW_SS] = &vmcb->state.ss,
		[HW_DS] = &vmcb->state.ds, [HW_FS] = &vmcb->state.fs, [HW_GS] = &vmcb->state.gs,
		[HW_TR] = &vmcb->state.tr, [HW_LDTR] = &vmcb->state.ldtr,
		[HW_GDTR] = &vmcb->state.gdtr, [HW_IDTR] = &vmcb->state.idtr,
	};

	return segments[i];
}

static void segments_save(struct vmcb *vmcb, struct vcpu_hw_state *state)
{
	int i;

	for (i = 0; i < HW_SEGMENTS; i++) {
		const struct vmcb_segment *seg = segment(vmcb, i);

		state->segments[i] = (struct vcpu_hw_segment){
			.base = seg->base,
			.limit = seg->limit,
			.attrib = seg->attrib & ATTRIB_MASK,
			.selector = seg->selector,
		};
	}
	state->cpl = vmcb->state.cpl & 3;
}

static void segments_restore(struct vmcb *vmcb, const struct vcpu_hw_state *state)
{
	int i;

	for (i = 0; i < HW_SEGMENTS; i++) {
		const struct vcpu_hw_segment *from = &state->segments[i];

		*segment(vmcb, i) = (struct vmcb_segment){
			.base = from->base,
			.limit = from->limit,
			.attrib = from->attrib,
			.selector = from->selector,
		};
	}
	vmcb->state.cpl = state->cpl;
}

/* Where the VMCB keeps a register as it is. */
static const struct { u16 state, vmcb; } plain[] = {
#define PLAIN(field)	{ offsetof(struct vcpu_hw_state, field), offsetof(struct vmcb_state, field) }
	PLAIN(cr3), PLAIN(cr4), PLAIN(dr6), PLAIN(dr7), PLAIN(star), PLAIN(lstar), PLAIN(cstar),
	PLAIN(sfmask), PLAIN(kernel_gs_base), PLAIN(sysenter_cs), PLAIN(sysenter_esp),
	PLAIN(sysenter_eip), PLAIN(pat),
};

void svm_state_save(struct vcpu *vcpu, struct vcpu_hw_state *state)
{
	struct svm_vcpu *svm = to_svm(vcpu);
	struct vmcb *vmcb = svm->vmcb;
	int i;

	for (i = 0; i < ARRAY_SIZE(plain); i++)
		*(u64 *)((u8 *)state + plain[i].state) =
			*(u64 *)((u8 *)&vmcb->state + plain[i].vmcb);
	svm_reg_get(vcpu, VM_REG_GUEST_CR0, &state->cr0);
	svm_reg_get(vcpu, VM_REG_GUEST_EFER, &state->efer);
	svm_reg_get(vcpu, VM_REG_GUEST_RFLAGS, &state->rflags);
	segments_save(vmcb, state);
	state->trap_length = svm->trap_length;
	state->int_shadow = vmcb->control.int_shadow & INTERRUPT_SHADOW;
	state->nmi_blocked = svm->nmi_blocked;
}

const char *svm_state_valid(const struct vcpu_hw_state *state)
{
	int i;

	if (state->cr4 & ~svm_caps.cr4_allowed)
		return "CR4 has bits that this processor does not offer";
	if (x86_efer_check(state->efer, state->efer, state->cr0, svm_caps.efer_allowed))
		return "EFER does not fit CR0, or has bits that this processor does not offer";
	for (i = 0; i < HW_SEGMENTS; i++)
		if (state->segments[i].attrib & ~ATTRIB_MASK)
			return "a segment has attributes that do not exist";
	return NULL;
}

void svm_state_restore(struct vcpu *vcpu, const struct vcpu_hw_state *state)
{
	struct svm_vcpu *svm = to_svm(vcpu);
	struct vmcb *vmcb = svm->vmcb;
	int i;

	for (i = 0; i < ARRAY_SIZE(plain); i++)
		*(u64 *)((u8 *)&vmcb->state + plain[i].vmcb) =
			*(const u64 *)((const u8 *)state + plain[i].state);
	/* These go through the doors that derive intercepts and shadows. */
	svm_reg_set(vcpu, VM_REG_GUEST_CR0, state->cr0);
	svm_reg_set(vcpu, VM_REG_GUEST_CR4, state->cr4);
	svm_reg_set(vcpu, VM_REG_GUEST_EFER, state->efer);
	svm_reg_set(vcpu, VM_REG_GUEST_RFLAGS, state->rflags);
	svm_reg_set(vcpu, VM_REG_GUEST_INTR_SHADOW, state->int_shadow);
	segments_restore(vmcb, state);
	svm->trap_length = state->trap_length;
	svm->nmi_blocked = state->nmi_blocked;
	svm->nmi_nudged = false;
	vmcb_intercept(vmcb, INTERCEPT_IRET, state->nmi_blocked);
	vmcb->control.clean = 0;
	svm->asid_generation = 0;
}
