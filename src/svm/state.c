// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* state: registers and descriptors between the API's form and the VMCB's. */
#include <linux/string.h>
#include <asm/processor-flags.h>
#include <asm/trapnr.h>
#include "../x86/msr.h"
#include "../x86/paging.h"
#include "svm.h"

#define CR0_FORCED_CLEAR	(X86_CR0_CD | X86_CR0_NW)	/* semantics.md section 25 */
#define PAT_RESET		0x0007040600070406ULL
#define DR6_RESET		0xffff0ff0
#define DR7_RESET		0x400

/* --- reset ------------------------------------------------------------ */

static const u16 always_intercepted[] = {
	INTERCEPT_INTR, INTERCEPT_NMI, INTERCEPT_SMI, INTERCEPT_INIT, INTERCEPT_CR0_SEL_WRITE,
	INTERCEPT_RDPMC, INTERCEPT_CPUID, INTERCEPT_RSM, INTERCEPT_INVD, INTERCEPT_INVLPGA,
	INTERCEPT_IOIO, INTERCEPT_MSR, INTERCEPT_TASK_SWITCH, INTERCEPT_FERR_FREEZE,
	INTERCEPT_SHUTDOWN, INTERCEPT_VMRUN, INTERCEPT_VMMCALL, INTERCEPT_VMLOAD,
	INTERCEPT_VMSAVE, INTERCEPT_STGI, INTERCEPT_CLGI, INTERCEPT_SKINIT, INTERCEPT_RDTSCP,
	INTERCEPT_ICEBP, INTERCEPT_MONITOR, INTERCEPT_MWAIT, INTERCEPT_MWAIT_ARMED,
	INTERCEPT_XSETBV, INTERCEPT_RDPRU, INTERCEPT_INVLPGB, INTERCEPT_INVLPGB_ILLEGAL,
	INTERCEPT_MCOMMIT, INTERCEPT_TLBSYNC,
	INTERCEPT_CR_WRITE(4),
	/* DR0 to DR3 are not switched, and DR7 decides whether they are loaded (run.c). */
	INTERCEPT_DR_READ(0), INTERCEPT_DR_READ(1), INTERCEPT_DR_READ(2), INTERCEPT_DR_READ(3),
	INTERCEPT_DR_WRITE(0), INTERCEPT_DR_WRITE(1), INTERCEPT_DR_WRITE(2), INTERCEPT_DR_WRITE(3),
	INTERCEPT_DR_WRITE(5), INTERCEPT_DR_WRITE(7),
	/*
	 * Their delivery can loop for ever without another chance to leave (CVE-2015-5307,
	 * CVE-2015-8104).
	 */
	INTERCEPT_EXCEPTION(X86_TRAP_DB), INTERCEPT_EXCEPTION(X86_TRAP_AC),
	INTERCEPT_EXCEPTION(X86_TRAP_MC),
};

/* NMI and the vectors that are no exceptions. */
#define NOT_EXCEPTIONS	(BIT(X86_TRAP_NMI) | BIT(X86_TRAP_OLD_MF) | GENMASK(31, 22) | BIT(15) | BIT(20))

static void reset_control(struct vcpu *vcpu, struct vmcb *vmcb)
{
	struct vmcb_control *control = &vmcb->control;
	int i;

	for (i = 0; i < ARRAY_SIZE(always_intercepted); i++)
		vmcb_intercept(vmcb, always_intercepted[i], true);
	if (vmm_trap_wbinvd)
		vmcb_intercept(vmcb, INTERCEPT_WBINVD, true);
	if (vmm_trace_guest_exceptions)
		control->intercepts[2] |= ~NOT_EXCEPTIONS;
	control->iopm_pa = svm_iopm_pa();
	control->msrpm_pa = svm_msrpm_pa();
	control->int_ctl = INT_CTL_V_INTR_MASKING;
	control->np_ctl = NP_ENABLE;
	control->nested_cr3 = ((struct svm_vm *)vcpu->vm->backend_vm)->nested_cr3;
}

static void set_cr0(struct vcpu *vcpu, u64 val);

void svm_vcpu_reset(struct vcpu *vcpu)
{
	struct svm_vcpu *svm = to_svm(vcpu);
	struct vmcb *vmcb = svm->vmcb;

	memset(vmcb, 0, sizeof(*vmcb));
	svm->asid_generation = 0;
	svm->state_unchecked = true;
	svm->nmi_blocked = false;
	svm->nmi_nudged = false;
	svm->step = false;
	svm->trap_length = 0;
	reset_control(vcpu, vmcb);
	vmcb->state.efer = EFER_SVME;
	vmcb->state.dr6 = DR6_RESET;
	vmcb->state.dr7 = DR7_RESET;
	vmcb->state.pat = PAT_RESET;
	vmcb->state.rflags = X86_EFLAGS_FIXED;
	set_cr0(vcpu, X86_CR0_CD | X86_CR0_NW | X86_CR0_ET);
}

/* --- control registers ------------------------------------------------ */

static void flush_tlb(struct vcpu *vcpu)
{
	to_svm(vcpu)->asid_generation = 0;
}

/*
 * While what the guest believes of CD and NW differs from the VMCB, reads have to be
 * intercepted as well, and all writes; else only writes that change more than TS and MP.
 */
static void set_cr0(struct vcpu *vcpu, u64 val)
{
	struct svm_vcpu *svm = to_svm(vcpu);
	bool shadowed = val & CR0_FORCED_CLEAR;

	svm->cr0 = val;
	svm->vmcb->state.cr0 = val & ~CR0_FORCED_CLEAR;
	vmcb_intercept(svm->vmcb, INTERCEPT_CR_READ(0), shadowed);
	vmcb_intercept(svm->vmcb, INTERCEPT_CR_WRITE(0), shadowed);
	vmcb_dirty(svm->vmcb, CLEAN_CR);
	flush_tlb(vcpu);
}

static u64 get_cr0(struct vcpu *vcpu)
{
	struct svm_vcpu *svm = to_svm(vcpu);

	/* TS and MP change without us while CR0 is not shadowed. */
	return svm->vmcb->state.cr0 | (svm->cr0 & CR0_FORCED_CLEAR);
}

/* PDPTEs and LMA follow from the new value; with NPT hardware loads PDPTEs by itself. */
int svm_set_cr0(struct vcpu *vcpu, u64 val)
{
	struct vmcb_state *state = &to_vmcb(vcpu)->state;
	u64 old = get_cr0(vcpu);

	val |= X86_CR0_ET;
	if (x86_cr0_check(old, val, state->cr4, state->efer, state->cs.attrib & BIT(9)))
		return -EINVAL;
	if (state->efer & EFER_LME) {
		if (!(old & X86_CR0_PG) && (val & X86_CR0_PG))
			state->efer |= EFER_LMA;
		else if ((old & X86_CR0_PG) && !(val & X86_CR0_PG))
			state->efer &= ~EFER_LMA;
	}
	set_cr0(vcpu, val);
	return 0;
}

int svm_set_cr4(struct vcpu *vcpu, u64 val)
{
	struct vmcb *vmcb = to_vmcb(vcpu);

	if (x86_cr4_check(vmcb->state.cr4, val, vmcb->state.efer,
			  vcpu_cr4_allowed(vcpu, svm_caps.cr4_allowed)) ||
	    x86_cr4_check_context(vmcb->state.cr4, val, vmcb->state.cr0, vmcb->state.cr3))
		return -EINVAL;
	vmcb->state.cr4 = val;
	vcpu_note_cr4(vcpu, val);
	vmcb_dirty(vmcb, CLEAN_CR);
	flush_tlb(vcpu);
	return 0;
}

int svm_set_efer(struct vcpu *vcpu, u64 val)
{
	struct vmcb *vmcb = to_vmcb(vcpu);
	u64 old = vmcb->state.efer & ~EFER_SVME;

	if (x86_efer_check(old, val, vmcb->state.cr0, svm_caps.efer_allowed))
		return -EINVAL;
	/* LMA is the processor's: a write leaves it alone. */
	vmcb->state.efer = (val & ~EFER_LMA) | (old & EFER_LMA) | EFER_SVME;
	vmcb_dirty(vmcb, CLEAN_CR);
	flush_tlb(vcpu);
	return 0;
}

/* --- segments --------------------------------------------------------- */

static struct vmcb_segment *segment(struct vmcb *vmcb, int reg)
{
	switch (reg) {
	case VM_REG_GUEST_ES: return &vmcb->state.es;
	case VM_REG_GUEST_CS: return &vmcb->state.cs;
	case VM_REG_GUEST_SS: return &vmcb->state.ss;
	case VM_REG_GUEST_DS: return &vmcb->state.ds;
	case VM_REG_GUEST_FS: return &vmcb->state.fs;
	case VM_REG_GUEST_GS: return &vmcb->state.gs;
	case VM_REG_GUEST_TR: return &vmcb->state.tr;
	case VM_REG_GUEST_LDTR: return &vmcb->state.ldtr;
	case VM_REG_GUEST_GDTR: return &vmcb->state.gdtr;
	case VM_REG_GUEST_IDTR: return &vmcb->state.idtr;
	default: return NULL;
	}
}

static bool is_table(int reg)
{
	return reg == VM_REG_GUEST_GDTR || reg == VM_REG_GUEST_IDTR;
}

/*
 * VMCS access rights keep the high bits at 12 to 15 and have one for "unusable"; the VMCB packs
 * them, and P says it.
 */
#define ACCESS_UNUSABLE		BIT(16)

static u32 attrib_to_access(u16 attrib)
{
	u32 access = (attrib & 0xff) | (attrib & 0xf00) << 4;

	return attrib & BIT(7) ? access : access | ACCESS_UNUSABLE;
}

static u16 access_to_attrib(u32 access)
{
	u16 attrib = (access & 0xff) | (access >> 4 & 0xf00);

	return access & ACCESS_UNUSABLE ? 0 : attrib;
}

int svm_desc_get(struct vcpu *vcpu, int reg, struct seg_desc *desc)
{
	const struct vmcb_segment *seg = segment(to_vmcb(vcpu), reg);

	if (!seg)
		return -EINVAL;
	desc->base = seg->base;
	desc->limit = seg->limit;
	desc->access = is_table(reg) ? 0 : attrib_to_access(seg->attrib);
	return 0;
}

int svm_desc_set(struct vcpu *vcpu, int reg, const struct seg_desc *desc)
{
	struct vmcb *vmcb = to_vmcb(vcpu);
	struct vmcb_segment *seg = segment(vmcb, reg);

	if (!seg)
		return -EINVAL;
	to_svm(vcpu)->state_unchecked = true;
	seg->base = desc->base;
	seg->limit = desc->limit;
	if (!is_table(reg))
		seg->attrib = access_to_attrib(desc->access);
	/* The VMCB keeps CPL apart; SS.DPL is what the API calls it (manual: 15.5.1). */
	if (reg == VM_REG_GUEST_SS)
		vmcb->state.cpl = desc->access >> 5 & 3;
	vmcb_dirty(vmcb, CLEAN_SEG | CLEAN_DT);
	return 0;
}

/*
 * What VMRUN refuses (AMD64 manual vol. 2, 15.5.1), asked before it once user space has written
 * registers: QEMU's processor runs into the void instead, and hidden features stay hidden.
 */
bool svm_state_consistent(struct vcpu *vcpu)
{
	const struct vmcb_state *state = &to_vmcb(vcpu)->state;
	bool paging = state->cr0 & X86_CR0_PG;
	bool long_mode = (state->efer & EFER_LME) && paging;

	if ((state->efer & ~(svm_caps.efer_allowed | EFER_SVME)) ||
	    (state->cr4 & ~svm_caps.cr4_allowed))
		return false;
	if (state->cr0 >> 32 || state->dr6 >> 32 || state->dr7 >> 32 || state->cr3 >> 52)
		return false;
	if (paging && !(state->cr0 & X86_CR0_PE))
		return false;
	if (long_mode && !(state->cr4 & X86_CR4_PAE))
		return false;
	/* CS.L and CS.D. */
	if (long_mode && (state->cs.attrib & BIT(9)) && (state->cs.attrib & BIT(10)))
		return false;
	return x86_pat_valid(state->pat);
}

/* --- registers -------------------------------------------------------- */

static u64 *plain_slot(struct vmcb *vmcb, int reg)
{
	switch (reg) {
	case VM_REG_GUEST_CR3: return &vmcb->state.cr3;
	case VM_REG_GUEST_DR6: return &vmcb->state.dr6;
	case VM_REG_GUEST_DR7: return &vmcb->state.dr7;
	case VM_REG_GUEST_FS_BASE: return &vmcb->state.fs.base;
	case VM_REG_GUEST_GS_BASE: return &vmcb->state.gs.base;
	case VM_REG_GUEST_KGS_BASE: return &vmcb->state.kernel_gs_base;
	default: return NULL;
	}
}

/*
 * Raw VMCB bytes by VMCB_ACCESS(offset, width), for the debugger (semantics.md 6.1): guest state
 * and exit fields only. Control fields hold host addresses and are nobody's business (catalogue E-04).
 */
static int raw_get(const struct vmcb *vmcb, u32 ident, u64 *val)
{
	u32 offset = ident & 0xfff, bytes = ident >> 16 & 0xf;

	if (bytes != 1 && bytes != 2 && bytes != 4 && bytes != 8)
		return -EINVAL;
	if (ident & ~(0x80000000U | 0xf0000 | 0xfff) || offset + bytes > sizeof(*vmcb))
		return -EINVAL;
	if (!(offset >= offsetof(struct vmcb, control.exitcode) &&
	      offset + bytes <= offsetof(struct vmcb, control.np_ctl)) &&
	    offset < offsetof(struct vmcb, state))
		return -EINVAL;
	*val = 0;
	memcpy(val, (const u8 *)vmcb + offset, bytes);
	return 0;
}

int svm_reg_get(struct vcpu *vcpu, int reg, u64 *val)
{
	struct vmcb *vmcb = to_vmcb(vcpu);
	const u64 *slot = plain_slot(vmcb, reg);

	if (reg < 0)
		return raw_get(vmcb, reg, val);
	if (slot) {
		*val = *slot;
		return 0;
	}
	switch (reg) {
	case VM_REG_GUEST_CR0:
		*val = get_cr0(vcpu);
		return 0;
	case VM_REG_GUEST_CR4:
		*val = vmcb->state.cr4;
		return 0;
	case VM_REG_GUEST_EFER:
		*val = vmcb->state.efer & ~EFER_SVME;
		return 0;
	case VM_REG_GUEST_RFLAGS:
		*val = vmcb->state.rflags;
		if (to_svm(vcpu)->step && !to_svm(vcpu)->step_guest_tf)
			*val &= ~(u64)X86_EFLAGS_TF;
		return 0;
	case VM_REG_GUEST_INTR_SHADOW:
		*val = !!(vmcb->control.int_shadow & INTERRUPT_SHADOW);
		return 0;
	case VM_REG_GUEST_ES ... VM_REG_GUEST_TR:
		*val = segment(vmcb, reg)->selector;
		return 0;
	default:
		return -EINVAL;
	}
}

int svm_reg_set(struct vcpu *vcpu, int reg, u64 val)
{
	struct vmcb *vmcb = to_vmcb(vcpu);
	u64 *slot = plain_slot(vmcb, reg);

	to_svm(vcpu)->state_unchecked = true;
	if (slot) {
		*slot = val;
		vmcb->control.clean = 0;
		flush_tlb(vcpu);
		return 0;
	}
	switch (reg) {
	case VM_REG_GUEST_CR0:
		set_cr0(vcpu, val);
		return 0;
	case VM_REG_GUEST_CR4:
		vmcb->state.cr4 = val & ~X86_CR4_VMXE;
		vcpu_note_cr4(vcpu, val);
		vmcb_dirty(vmcb, CLEAN_CR);
		flush_tlb(vcpu);
		return 0;
	case VM_REG_GUEST_EFER:
		vmcb->state.efer = val | EFER_SVME;
		vmcb_dirty(vmcb, CLEAN_CR);
		flush_tlb(vcpu);
		return 0;
	case VM_REG_GUEST_RFLAGS:
		vmcb->state.rflags = val | X86_EFLAGS_FIXED;
		if (to_svm(vcpu)->step) {
			to_svm(vcpu)->step_guest_tf = val & X86_EFLAGS_TF;
			vmcb->state.rflags |= X86_EFLAGS_TF;
		}
		return 0;
	case VM_REG_GUEST_INTR_SHADOW:
		vmcb->control.int_shadow = val ? INTERRUPT_SHADOW : 0;
		return 0;
	case VM_REG_GUEST_ES ... VM_REG_GUEST_TR:
		segment(vmcb, reg)->selector = val;
		vmcb_dirty(vmcb, CLEAN_SEG);
		return 0;
	case VM_REG_GUEST_ENTRY_INST_LENGTH:
		return 0;		/* VMX's; ignored here (semantics.md 6.1) */
	default:
		return -EINVAL;
	}
}

void svm_paging(struct vcpu *vcpu, struct vm_guest_paging *paging)
{
	const struct vmcb_state *state = &to_vmcb(vcpu)->state;

	paging->cr3 = state->cr3;
	paging->cpl = state->ss.attrib >> 5 & 3;
	paging->cpu_mode = x86_cpu_mode(state->cr0, state->efer, attrib_to_access(state->cs.attrib));
	paging->paging_mode = x86_paging_mode(state->cr0, state->cr4, state->efer);
}
