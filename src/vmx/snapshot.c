// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* snapshot: the guest's registers in the VMCS, and what goes with them. */
#include <asm/page.h>
#include "../x86/msr.h"
#include "vmx.h"

#define ATTRIB_MASK	(GENMASK(16, 12) | GENMASK(7, 0))	/* of access rights */

static const u8 segment_regs[HW_SEGMENTS] = {
	[HW_ES] = VM_REG_GUEST_ES, [HW_CS] = VM_REG_GUEST_CS, [HW_SS] = VM_REG_GUEST_SS,
	[HW_DS] = VM_REG_GUEST_DS, [HW_FS] = VM_REG_GUEST_FS, [HW_GS] = VM_REG_GUEST_GS,
	[HW_TR] = VM_REG_GUEST_TR, [HW_LDTR] = VM_REG_GUEST_LDTR,
	[HW_GDTR] = VM_REG_GUEST_GDTR, [HW_IDTR] = VM_REG_GUEST_IDTR,
};

static bool has_selector(int i)
{
	return i != HW_GDTR && i != HW_IDTR;
}

static void segments_save(struct vcpu *vcpu, struct vcpu_hw_state *state)
{
	int i;

	for (i = 0; i < HW_SEGMENTS; i++) {
		struct seg_desc desc = {};
		u64 selector = 0;

		vmx_desc_get(vcpu, segment_regs[i], &desc);
		if (has_selector(i))
			vmx_reg_get(vcpu, segment_regs[i], &selector);
		state->segments[i] = (struct vcpu_hw_segment){
			.base = desc.base,
			.limit = desc.limit,
			.attrib = desc.access & ATTRIB_MASK,
			.selector = selector,
		};
	}
	state->cpl = SEG_DESC_DPL(state->segments[HW_SS].attrib);
}

static void segments_restore(struct vcpu *vcpu, const struct vcpu_hw_state *state)
{
	int i;

	for (i = 0; i < HW_SEGMENTS; i++) {
		const struct vcpu_hw_segment *from = &state->segments[i];
		const struct seg_desc desc = { from->base, from->limit, from->attrib };

		vmx_desc_set(vcpu, segment_regs[i], &desc);
		if (has_selector(i))
			vmx_reg_set(vcpu, segment_regs[i], from->selector);
	}
}

/* Registers that have a door of their own. */
static const struct { u16 state, reg; } plain[] = {
#define PLAIN(field, reg)	{ offsetof(struct vcpu_hw_state, field), VM_REG_GUEST_##reg }
	PLAIN(cr0, CR0), PLAIN(cr3, CR3), PLAIN(cr4, CR4), PLAIN(efer, EFER),
	PLAIN(rflags, RFLAGS), PLAIN(dr6, DR6), PLAIN(dr7, DR7),
	PLAIN(kernel_gs_base, KGS_BASE),
};

void vmx_state_save(struct vcpu *vcpu, struct vcpu_hw_state *state)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	int i;

	for (i = 0; i < ARRAY_SIZE(plain); i++)
		vmx_reg_get(vcpu, plain[i].reg, (u64 *)((u8 *)state + plain[i].state));
	segments_save(vcpu, state);
	state->star = vmx->star;
	state->lstar = vmx->lstar;
	state->cstar = vmx->cstar;
	state->sfmask = vmx->sfmask;
	state->pat = vcpu->msrs.pat;
	state->trap_length = vmx->inst_length;
	state->int_shadow = vmx->interruptibility & BLOCKED_SHADOW;
	state->nmi_blocked = vmx->interruptibility & BLOCKED_BY_NMI;
	if (!vmcs_get(vcpu))
		return;
	state->sysenter_cs = vmcs_read(VMCS_GUEST_SYSENTER_CS);
	state->sysenter_esp = vmcs_read(VMCS_GUEST_SYSENTER_ESP);
	state->sysenter_eip = vmcs_read(VMCS_GUEST_SYSENTER_EIP);
	vmcs_put(vcpu);
}

static bool canonical(u64 address)
{
	return __is_canonical_address(address, boot_cpu_data.x86_virt_bits);
}

const char *vmx_state_valid(const struct vcpu_hw_state *state)
{
	int i;

	if (state->cr4 & ~vmx_caps.cr4_allowed)
		return "CR4 has bits that this processor does not offer";
	/* These are written to MSRs of the processor, which would refuse them. */
	if (!canonical(state->lstar) || !canonical(state->cstar) ||
	    !canonical(state->kernel_gs_base))
		return "LSTAR, CSTAR or KERNEL_GS_BASE is not canonical";
	if (state->sfmask >> 32)
		return "SF_MASK has reserved bits";
	if (state->trap_length > VIE_INST_SIZE)
		return "no instruction is that long";
	/* What the VMCS has no place for would be lost. */
	if (state->sysenter_cs >> 32)
		return "SYSENTER_CS has reserved bits";
	for (i = 0; i < HW_SEGMENTS; i++)
		if (state->segments[i].attrib & ~(has_selector(i) ? ATTRIB_MASK : 0))
			return "a segment has attributes that do not exist";
	if (state->cpl != SEG_DESC_DPL(state->segments[HW_SS].attrib))
		return "CPL is not the DPL of SS";
	return NULL;
}

void vmx_state_restore(struct vcpu *vcpu, const struct vcpu_hw_state *state)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	int i;

	for (i = 0; i < ARRAY_SIZE(plain); i++)
		vmx_reg_set(vcpu, plain[i].reg, *(const u64 *)((const u8 *)state + plain[i].state));
	segments_restore(vcpu, state);
	vmx->star = state->star;
	vmx->lstar = state->lstar;
	vmx->cstar = state->cstar;
	vmx->sfmask = state->sfmask;
	vmx->inst_length = state->trap_length;
	/* Which of the two it was is not recorded; blocking by STI needs interrupts enabled. */
	vmx->interruptibility = 0;
	if (state->int_shadow)
		vmx->interruptibility = state->rflags & X86_EFLAGS_IF ? BLOCKED_BY_STI :
								       BLOCKED_BY_MOV_SS;
	if (state->nmi_blocked)
		vmx->interruptibility |= BLOCKED_BY_NMI;
	vmx->activity = ACTIVITY_ACTIVE;
	vmx->pdptes_stale = true;
	vcpu->msrs.pat = state->pat;
	if (!vmcs_get(vcpu))
		return;
	vmcs_write(VMCS_GUEST_SYSENTER_CS, state->sysenter_cs);
	vmcs_write(VMCS_GUEST_SYSENTER_ESP, state->sysenter_esp);
	vmcs_write(VMCS_GUEST_SYSENTER_EIP, state->sysenter_eip);
	vmcs_put(vcpu);
}
