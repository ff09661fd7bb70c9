// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* state: registers and descriptors between the API's form and the VMCS's. */
#include <linux/string.h>
#include <asm/msr.h>
#include <asm/processor-flags.h>
#include <asm/trapnr.h>
#include "../mem/mem.h"
#include "../x86/msr.h"
#include "vmx.h"

#define CR0_RESET	(X86_CR0_CD | X86_CR0_NW | X86_CR0_ET)
#define PAT_RESET	0x0007040600070406ULL
#define DR6_RESET	0xffff0ff0
#define DR7_RESET	0x400

/* --- controls --------------------------------------------------------- */

static void set_control(unsigned long field, u32 *copy, u32 bit, bool on)
{
	u32 val = on ? *copy | bit : *copy & ~bit;

	if (val == *copy)
		return;
	*copy = val;
	vmcs_write(field, val);
}

void vmx_set_proc(struct vmx_vcpu *vmx, u32 bit, bool on)
{
	set_control(VMCS_PROC_CONTROLS, &vmx->proc, bit, on);
}

void vmx_set_proc2(struct vmx_vcpu *vmx, u32 bit, bool on)
{
	set_control(VMCS_PROC_CONTROLS_2, &vmx->proc2, bit, on);
}

void vmx_set_exception(struct vmx_vcpu *vmx, unsigned int vector, bool on)
{
	set_control(VMCS_EXCEPTION_BITMAP, &vmx->exceptions, BIT(vector), on);
}

static void set_long_mode(struct vmx_vcpu *vmx, bool on)
{
	/* Exits keep this control as EFER.LMA is: the copy may be old. */
	vmx->entry = vmcs_read(VMCS_ENTRY_CONTROLS);
	set_control(VMCS_ENTRY_CONTROLS, &vmx->entry, ENTRY_LONG_MODE, on);
}

/* --- reset ------------------------------------------------------------ */

/* Their delivery can loop for ever without another chance to leave (CVE-2015-5307, CVE-2015-8104). */
#define ALWAYS_INTERCEPTED	(BIT(X86_TRAP_DB) | BIT(X86_TRAP_AC) | BIT(X86_TRAP_MC))
/* NMI and the vectors that are no exceptions. */
#define NOT_EXCEPTIONS	(BIT(X86_TRAP_NMI) | BIT(X86_TRAP_OLD_MF) | GENMASK(31, 22) | BIT(15) | BIT(20))

#define PLE_GAP_CYCLES		128	/* PAUSEs closer than this are one loop */
#define PLE_WINDOW_CYCLES	4096	/* a loop longer than this exits */

static void reset_copies(struct vmx_vcpu *vmx)
{
	vmx->proc = vmx_caps.proc;
	vmx->proc2 = vmx_caps.proc2;
	vmx->entry = vmx_caps.entry;
	vmx->exceptions = ALWAYS_INTERCEPTED;
	if (vmm_trace_guest_exceptions)
		vmx->exceptions |= ~NOT_EXCEPTIONS;
	vmx->rflags = vmx->vmcs_rflags = X86_EFLAGS_FIXED;
	vmx->vmcs_rip = vmx->vmcs_rsp = 0;
	vmx->interruptibility = vmx->vmcs_interruptibility = 0;
	vmx->activity = vmx->vmcs_activity = ACTIVITY_ACTIVE;
	vmx->vmcs_tsc_offset = 0;
	vmx->vmcs_pat = PAT_RESET;
	vmx->vmcs_host_cr3 = vmx->vmcs_host_cr4 = 0;
	vmx->entry_event = 0;
	vmx->host_cpu = -1;
	vmx->dr6 = DR6_RESET;
	vmx->dr7 = DR7_RESET;
	vmx->star = vmx->lstar = vmx->cstar = vmx->sfmask = 0;
	vmx->kernel_gs_base = vmx->tsc_aux = 0;
	vmx->inst_length = 0;
	vmx->step_pending = false;
	vmx->pdptes_stale = false;
	vmx->unrestricted = false;
	vmx->bpt_exit = false;
	vmx->flush_tlb = true;
	memset(&vmx->exit, 0, sizeof(vmx->exit));
}

static void reset_controls(struct vcpu *vcpu, struct vmx_vcpu *vmx)
{
	vmcs_write(VMCS_PIN_CONTROLS, vmx_caps.pin);
	vmcs_write(VMCS_PROC_CONTROLS, vmx->proc);
	vmcs_write(VMCS_PROC_CONTROLS_2, vmx->proc2);
	vmcs_write(VMCS_EXIT_CONTROLS, vmx_caps.exit);
	vmcs_write(VMCS_ENTRY_CONTROLS, vmx->entry);
	vmcs_write(VMCS_EXCEPTION_BITMAP, vmx->exceptions);
	vmcs_write(VMCS_PAGE_FAULT_MASK, 0);
	vmcs_write(VMCS_PAGE_FAULT_MATCH, 0);
	vmcs_write(VMCS_CR3_TARGET_COUNT, 0);
	vmcs_write(VMCS_EXIT_MSR_STORE_COUNT, 0);
	vmcs_write(VMCS_EXIT_MSR_LOAD_COUNT, 0);
	vmcs_write(VMCS_ENTRY_MSR_LOAD_COUNT, 0);
	vmcs_write(VMCS_ENTRY_INTR_INFO, 0);
	vmcs_write(VMCS_MSR_BITMAP, vmx_msr_bitmap_pa(false));
	vmcs_write(VMCS_TSC_OFFSET, 0);
	vmcs_write(VMCS_EPTP, to_vmx_vm(vcpu)->eptp);
	vmcs_write(VMCS_CR0_MASK, vmx_caps.cr0_mask);
	vmcs_write(VMCS_CR4_MASK, vmx_caps.cr4_mask);
	if (vmx->vpid)
		vmcs_write(VMCS_VPID, vmx->vpid);
	if (vmx_caps.pin & PIN_PREEMPTION_TIMER)
		vmcs_write(VMCS_GUEST_TIMER, vmx_caps.timer_ticks);
	if (vmx->proc2 & PROC2_PAUSE_LOOP) {
		vmcs_write(VMCS_PLE_GAP, PLE_GAP_CYCLES);
		vmcs_write(VMCS_PLE_WINDOW, PLE_WINDOW_CYCLES);
	}
	if (vmx->proc2 & PROC2_ENCLS)
		vmcs_write(VMCS_ENCLS_BITMAP, ~0ULL);
	if (vmx->proc2 & PROC2_ENCLV)
		vmcs_write(VMCS_ENCLV_BITMAP, ~0ULL);
}

static void set_cr0(u64 val);
static void set_cr4(u64 val);

static void reset_guest(struct vmx_vcpu *vmx)
{
	enum vmcs_segment seg;
	int i;

	for (seg = 0; seg < VMCS_SEGMENTS; seg++) {
		vmcs_write(vmcs_segment_field(VMCS_GUEST_SELECTOR, seg), 0);
		vmcs_write(vmcs_segment_field(VMCS_GUEST_BASE, seg), 0);
		vmcs_write(vmcs_segment_field(VMCS_GUEST_LIMIT, seg), 0);
		vmcs_write(vmcs_segment_field(VMCS_GUEST_ACCESS, seg), ACCESS_UNUSABLE);
	}
	vmcs_write(VMCS_GUEST_GDTR_BASE, 0);
	vmcs_write(VMCS_GUEST_GDTR_LIMIT, 0);
	vmcs_write(VMCS_GUEST_IDTR_BASE, 0);
	vmcs_write(VMCS_GUEST_IDTR_LIMIT, 0);
	for (i = 0; i < 4; i++)
		vmcs_write(VMCS_GUEST_PDPTE0 + 2 * i, 0);
	set_cr0(CR0_RESET);
	vmcs_write(VMCS_GUEST_CR3, 0);
	set_cr4(0);
	vmcs_write(VMCS_GUEST_EFER, 0);
	if (vmx_caps.pat)
		vmcs_write(VMCS_GUEST_PAT, PAT_RESET);
	vmcs_write(VMCS_GUEST_DR7, DR7_RESET);
	vmcs_write(VMCS_GUEST_DEBUGCTL, 0);
	vmcs_write(VMCS_GUEST_PENDING_DEBUG, 0);
	vmcs_write(VMCS_GUEST_RIP, 0);
	vmcs_write(VMCS_GUEST_RSP, 0);
	vmcs_write(VMCS_GUEST_RFLAGS, X86_EFLAGS_FIXED);
	vmcs_write(VMCS_GUEST_INTERRUPTIBILITY, 0);
	vmcs_write(VMCS_GUEST_ACTIVITY, ACTIVITY_ACTIVE);
	vmcs_write(VMCS_GUEST_SYSENTER_CS, 0);
	vmcs_write(VMCS_GUEST_SYSENTER_ESP, 0);
	vmcs_write(VMCS_GUEST_SYSENTER_EIP, 0);
	vmcs_write(VMCS_GUEST_LINK_POINTER, ~0ULL);
}

void vmx_vcpu_reset(struct vcpu *vcpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);

	vmcs_wipe(vmx);
	reset_copies(vmx);
	vcpu->cpuid.rdtscp = vmx_caps.proc2 & PROC2_RDTSCP;
	vcpu->cpuid.rdpid = vcpu->cpuid.rdtscp && boot_cpu_has(X86_FEATURE_RDPID);
	if (!vmcs_get(vcpu)) {
		vm_mark_dead(vcpu->vm, "VT-x is in other hands");
		return;
	}
	reset_controls(vcpu, vmx);
	vmx_apic_reset(vcpu);
	vmx_write_host_constants();
	reset_guest(vmx);
	vmcs_put(vcpu);
}

/* --- control registers ------------------------------------------------ */

/*
 * Bits in the mask are read from the shadow and change by an exit only; the others are the
 * guest's own in the real register.
 */
static u64 cr_value(unsigned long real, unsigned long shadow, u64 mask)
{
	return (vmcs_read(shadow) & mask) | (vmcs_read(real) & ~mask);
}

static void set_cr0(u64 val)
{
	vmcs_write(VMCS_CR0_SHADOW, val);
	vmcs_write(VMCS_GUEST_CR0, (val | vmx_caps.cr0_ones) & ~vmx_caps.cr0_zeros);
}

static void set_cr4(u64 val)
{
	vmcs_write(VMCS_CR4_SHADOW, val);
	vmcs_write(VMCS_GUEST_CR4, (val & vmx_caps.cr4_allowed & ~(u64)X86_CR4_MCE) | vmx_caps.cr4_ones);
}

static u64 get_cr0(void)
{
	return cr_value(VMCS_GUEST_CR0, VMCS_CR0_SHADOW, vmx_caps.cr0_mask);
}

static u64 get_cr4(void)
{
	return cr_value(VMCS_GUEST_CR4, VMCS_CR4_SHADOW, vmx_caps.cr4_mask);
}

/* What a guest's write to a control register depends on, and changes. */
struct control_state {
	u64 cr0, cr3, cr4, efer;
	bool cs_l;
};

static int control_state_read(struct vcpu *vcpu, struct control_state *state)
{
	struct seg_desc cs = {};

	if (!vmcs_get(vcpu))
		return -EBUSY;
	state->cr0 = get_cr0();
	state->cr3 = vmcs_read(VMCS_GUEST_CR3);
	state->cr4 = get_cr4();
	state->efer = vmcs_read(VMCS_GUEST_EFER);
	vmx_desc_get(vcpu, VM_REG_GUEST_CS, &cs);
	state->cs_l = cs.access & BIT(13);
	vmcs_put(vcpu);
	return 0;
}

#define PDPTE_PRESENT	BIT_ULL(0)
#define PDPTE_RESERVED	(GENMASK_ULL(8, 5) | GENMASK_ULL(2, 1))
#define CR0_PAE_BITS	(X86_CR0_CD | X86_CR0_NW | X86_CR0_PG)
#define CR4_PAE_BITS	(X86_CR4_PAE | X86_CR4_PGE | X86_CR4_PSE | X86_CR4_SMEP)

static bool pae_paging(u64 cr0, u64 cr4, u64 efer)
{
	return (cr0 & X86_CR0_PG) && (cr4 & X86_CR4_PAE) && !(efer & EFER_LME);
}

/* 0; -EFAULT: they are not in memory. Puts the vCPU. */
static int pdptes_read(struct vcpu *vcpu, u64 cr3, u64 pdpte[4])
{
	const size_t bytes = 4 * sizeof(*pdpte);
	struct mem_hold hold;
	const void *table;

	vcpu_put(vcpu);
	table = mem_hold(&vcpu->vm->mem, cr3 & GENMASK_ULL(31, 5), bytes, VM_PROT_READ, &hold);
	if (!table)
		return -EFAULT;
	memcpy(pdpte, table, bytes);
	mem_release(&hold, false);
	return 0;
}

static bool pdptes_valid(const u64 pdpte[4])
{
	int i;

	for (i = 0; i < 4; i++)
		if ((pdpte[i] & PDPTE_PRESENT) &&
		    ((pdpte[i] & PDPTE_RESERVED) || pdpte[i] >> boot_cpu_data.x86_phys_bits))
			return false;
	return true;
}

static void pdptes_write(const u64 pdpte[4])
{
	int i;

	for (i = 0; i < 4; i++)
		vmcs_write(VMCS_GUEST_PDPTE0 + 2 * i, pdpte[i]);
}

/* Entries that are not there or not right stay as they are: the processor judges them. */
void vmx_pdptes_refresh(struct vcpu *vcpu)
{
	struct control_state now;
	u64 pdpte[4];

	to_vmx(vcpu)->pdptes_stale = false;
	if (control_state_read(vcpu, &now) || !pae_paging(now.cr0, now.cr4, now.efer) ||
	    pdptes_read(vcpu, now.cr3, pdpte) || !vmcs_get(vcpu))
		return;
	pdptes_write(pdpte);
	vmcs_put(vcpu);
}

/*
 * A write that we carry out for the guest loads the four PDPTEs as its MOV would (manual vol. 3,
 * "PDPTE Registers"). 0; 1: there is nothing to load; -EINVAL: #GP; -EFAULT: not in memory.
 */
static int pdptes_follow(struct vcpu *vcpu, const struct control_state *now, u64 cr0, u64 cr4,
			 u64 pdpte[4])
{
	bool touched = ((cr0 ^ now->cr0) & CR0_PAE_BITS) || ((cr4 ^ now->cr4) & CR4_PAE_BITS);
	int err;

	if (!touched || !pae_paging(cr0, cr4, now->efer))
		return 1;
	err = pdptes_read(vcpu, now->cr3, pdpte);
	if (err)
		return err;
	return pdptes_valid(pdpte) ? 0 : -EINVAL;
}

/* The last step of a write by the guest: cannot fail but for want of VT-x. */
static int control_write(struct vcpu *vcpu, const struct control_state *now, u64 cr0, u64 cr4)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	u64 efer = now->efer, pdpte[4];
	int err = pdptes_follow(vcpu, now, cr0, cr4, pdpte);

	if (err < 0)
		return err;
	if (!vmcs_get(vcpu))
		return -EBUSY;
	if (!err)
		pdptes_write(pdpte);
	if ((efer & EFER_LME) && ((cr0 ^ now->cr0) & X86_CR0_PG)) {
		efer = cr0 & X86_CR0_PG ? efer | EFER_LMA : efer & ~(u64)EFER_LMA;
		vmcs_write(VMCS_GUEST_EFER, efer);
		set_long_mode(vmx, efer & EFER_LMA);
	}
	if (cr0 != now->cr0)
		set_cr0(cr0);
	if (cr4 != now->cr4)
		set_cr4(cr4);
	vmx->flush_tlb = true;
	vmcs_put(vcpu);
	return 0;
}

int vmx_set_cr0(struct vcpu *vcpu, u64 val)
{
	struct control_state now;
	int err = control_state_read(vcpu, &now);

	if (err)
		return err;
	val |= X86_CR0_ET;
	if (x86_cr0_check(now.cr0, val, now.cr4, now.efer, now.cs_l))
		return -EINVAL;
	return control_write(vcpu, &now, val, now.cr4);
}

int vmx_set_cr4(struct vcpu *vcpu, u64 val)
{
	struct control_state now;
	int err = control_state_read(vcpu, &now);

	if (err)
		return err;
	if (x86_cr4_check(now.cr4, val, now.efer, vcpu_cr4_allowed(vcpu, vmx_caps.cr4_allowed)) ||
	    x86_cr4_check_context(now.cr4, val, now.cr0, now.cr3))
		return -EINVAL;
	err = control_write(vcpu, &now, now.cr0, val);
	if (!err)
		vcpu_note_cr4(vcpu, val);
	return err;
}

void vmx_set_dr7(struct vcpu *vcpu, u64 val)
{
	if (!vmcs_get(vcpu))
		return;
	to_vmx(vcpu)->dr7 = val;
	vmcs_write(VMCS_GUEST_DR7, val);
	vmcs_put(vcpu);
}

bool vmx_in_64bit_code(struct vcpu *vcpu)
{
	u64 efer = 0;
	struct seg_desc cs = {};

	vmx_reg_get(vcpu, VM_REG_GUEST_EFER, &efer);
	vmx_desc_get(vcpu, VM_REG_GUEST_CS, &cs);
	return (efer & EFER_LMA) && (cs.access & BIT(13));
}

/* --- segments --------------------------------------------------------- */

/* Or -1: none of those that have a selector. */
static int segment(int reg)
{
	static const s8 index[] = {
		[VM_REG_GUEST_ES - VM_REG_GUEST_ES] = VMCS_ES,
		[VM_REG_GUEST_CS - VM_REG_GUEST_ES] = VMCS_CS,
		[VM_REG_GUEST_SS - VM_REG_GUEST_ES] = VMCS_SS,
		[VM_REG_GUEST_DS - VM_REG_GUEST_ES] = VMCS_DS,
		[VM_REG_GUEST_FS - VM_REG_GUEST_ES] = VMCS_FS,
		[VM_REG_GUEST_GS - VM_REG_GUEST_ES] = VMCS_GS,
		[VM_REG_GUEST_LDTR - VM_REG_GUEST_ES] = VMCS_LDTR,
		[VM_REG_GUEST_TR - VM_REG_GUEST_ES] = VMCS_TR,
	};

	if (reg < VM_REG_GUEST_ES || reg > VM_REG_GUEST_TR)
		return -1;
	return index[reg - VM_REG_GUEST_ES];
}

int vmx_desc_get(struct vcpu *vcpu, int reg, struct seg_desc *desc)
{
	bool gdtr = reg == VM_REG_GUEST_GDTR;
	int seg = segment(reg);

	if (seg < 0 && !gdtr && reg != VM_REG_GUEST_IDTR)
		return -EINVAL;
	if (!vmcs_get(vcpu))
		return -EBUSY;
	if (seg >= 0) {
		desc->base = vmcs_read(vmcs_segment_field(VMCS_GUEST_BASE, seg));
		desc->limit = vmcs_read(vmcs_segment_field(VMCS_GUEST_LIMIT, seg));
		desc->access = vmcs_read(vmcs_segment_field(VMCS_GUEST_ACCESS, seg));
	} else {
		desc->base = vmcs_read(gdtr ? VMCS_GUEST_GDTR_BASE : VMCS_GUEST_IDTR_BASE);
		desc->limit = vmcs_read(gdtr ? VMCS_GUEST_GDTR_LIMIT : VMCS_GUEST_IDTR_LIMIT);
		desc->access = 0;
	}
	vmcs_put(vcpu);
	return 0;
}

int vmx_desc_set(struct vcpu *vcpu, int reg, const struct seg_desc *desc)
{
	bool gdtr = reg == VM_REG_GUEST_GDTR;
	int seg = segment(reg);

	if (seg < 0 && !gdtr && reg != VM_REG_GUEST_IDTR)
		return -EINVAL;
	if (!vmcs_get(vcpu))
		return -EBUSY;
	if (seg >= 0) {
		vmcs_write(vmcs_segment_field(VMCS_GUEST_BASE, seg), desc->base);
		vmcs_write(vmcs_segment_field(VMCS_GUEST_LIMIT, seg), desc->limit);
		vmcs_write(vmcs_segment_field(VMCS_GUEST_ACCESS, seg), desc->access);
	} else {
		vmcs_write(gdtr ? VMCS_GUEST_GDTR_BASE : VMCS_GUEST_IDTR_BASE, desc->base);
		vmcs_write(gdtr ? VMCS_GUEST_GDTR_LIMIT : VMCS_GUEST_IDTR_LIMIT, desc->limit);
	}
	vmcs_put(vcpu);
	return 0;
}

/* --- registers -------------------------------------------------------- */

/* The VMCS field that is nothing but this register, or 0. */
static unsigned long plain_field(int reg)
{
	switch (reg) {
	case VM_REG_GUEST_CR3:
		return VMCS_GUEST_CR3;
	case VM_REG_GUEST_FS_BASE:
		return vmcs_segment_field(VMCS_GUEST_BASE, VMCS_FS);
	case VM_REG_GUEST_GS_BASE:
		return vmcs_segment_field(VMCS_GUEST_BASE, VMCS_GS);
	case VM_REG_GUEST_EFER:
		return VMCS_GUEST_EFER;
	case VM_REG_GUEST_PDPTE0 ... VM_REG_GUEST_PDPTE3:
		return VMCS_GUEST_PDPTE0 + 2 * (reg - VM_REG_GUEST_PDPTE0);
	default:
		return segment(reg) < 0 ? 0 : vmcs_segment_field(VMCS_GUEST_SELECTOR, segment(reg));
	}
}

/*
 * Raw VMCS fields by VMCS_IDENT(encoding), for the debugger (semantics.md 6.1): guest state and
 * exit fields only. The others hold host addresses and are nobody's business (catalogue E-04).
 */
static int raw_get(u32 ident, u64 *val)
{
	u32 encoding = ident & ~BIT(31);
	unsigned int type = VMCS_ENCODING_TYPE(encoding);

	if ((encoding & ~VMCS_ENCODING_VALID) || (encoding & VMCS_ENCODING_HIGH))
		return -EINVAL;
	if (type != VMCS_TYPE_EXIT && type != VMCS_TYPE_GUEST)
		return -EINVAL;
	*val = 0;
	return vmx_insn_vmread(encoding, val) ? 0 : -EINVAL;
}

static int vmcs_reg_get(struct vmx_vcpu *vmx, int reg, u64 *val)
{
	unsigned long field = reg < 0 ? 0 : plain_field(reg);

	if (field) {
		*val = vmcs_read(field);
		return 0;
	}
	switch (reg) {
	case VM_REG_GUEST_CR0:
		*val = get_cr0();
		return 0;
	case VM_REG_GUEST_CR4:
		*val = get_cr4();
		return 0;
	case VM_REG_GUEST_KGS_BASE:
		/* While the vCPU is loaded the guest's is in the CPU. */
		if (vmx->on_cpu)
			rdmsrl(MSR_KERNEL_GS_BASE, vmx->kernel_gs_base);
		*val = vmx->kernel_gs_base;
		return 0;
	default:
		return reg < 0 ? raw_get(reg, val) : -EINVAL;
	}
}

int vmx_reg_get(struct vcpu *vcpu, int reg, u64 *val)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	int err;

	switch (reg) {
	case VM_REG_GUEST_RFLAGS:
		*val = vmx->rflags;
		return 0;
	case VM_REG_GUEST_INTR_SHADOW:
		*val = !!(vmx->interruptibility & BLOCKED_SHADOW);
		return 0;
	case VM_REG_GUEST_DR6:
		*val = vmx->dr6;
		return 0;
	case VM_REG_GUEST_DR7:
		*val = vmx->dr7;
		return 0;
	case VM_REG_GUEST_ENTRY_INST_LENGTH:
		*val = vmx->inst_length;
		return 0;
	}
	if (!vmcs_get(vcpu))
		return -EBUSY;
	err = vmcs_reg_get(vmx, reg, val);
	vmcs_put(vcpu);
	return err;
}

static int set_kernel_gs_base(struct vmx_vcpu *vmx, u64 val)
{
	/* It goes into the MSR, which refuses what is not canonical. */
	if (__is_canonical_address(val, boot_cpu_data.x86_virt_bits) != 1)
		return -EINVAL;
	vmx->kernel_gs_base = val;
	if (vmx->on_cpu)
		wrmsrl(MSR_KERNEL_GS_BASE, val);
	return 0;
}

static int vmcs_reg_set(struct vcpu *vcpu, int reg, u64 val)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	unsigned long field = reg < 0 ? 0 : plain_field(reg);

	if (field)
		vmcs_write(field, val);
	switch (reg) {
	case VM_REG_GUEST_CR0:
		set_cr0(val);
		break;
	case VM_REG_GUEST_CR4:
		set_cr4(val);
		vcpu_note_cr4(vcpu, val);
		break;
	case VM_REG_GUEST_EFER:
		set_long_mode(vmx, val & EFER_LMA);
		break;
	case VM_REG_GUEST_KGS_BASE:
		return set_kernel_gs_base(vmx, val);
	default:
		if (!field)
			return -EINVAL;
	}
	vmx->flush_tlb = true;
	vmx->pdptes_stale = reg < VM_REG_GUEST_PDPTE0 || reg > VM_REG_GUEST_PDPTE3;
	return 0;
}

int vmx_reg_set(struct vcpu *vcpu, int reg, u64 val)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	int err;

	switch (reg) {
	case VM_REG_GUEST_RFLAGS:
		vmx->rflags = val | X86_EFLAGS_FIXED;
		return 0;
	case VM_REG_GUEST_INTR_SHADOW:
		if (val)
			return -EINVAL;
		vmx->interruptibility &= ~BLOCKED_SHADOW;
		return 0;
	case VM_REG_GUEST_DR6:
		vmx->dr6 = val;
		return 0;
	case VM_REG_GUEST_DR7:
		vmx_set_dr7(vcpu, val);
		return 0;
	case VM_REG_GUEST_ENTRY_INST_LENGTH:
		if (val > VIE_INST_SIZE)
			return -EINVAL;
		vmx->inst_length = val;
		return 0;
	}
	if (!vmcs_get(vcpu))
		return -EBUSY;
	err = vmcs_reg_set(vcpu, reg, val);
	vmcs_put(vcpu);
	return err;
}

/* --- for the checker -------------------------------------------------- */

static void guest_segments_read(struct vmx_guest_state *state)
{
	enum vmcs_segment seg;

	for (seg = 0; seg < VMCS_SEGMENTS; seg++) {
		state->seg[seg].selector = vmcs_read(vmcs_segment_field(VMCS_GUEST_SELECTOR, seg));
		state->seg[seg].base = vmcs_read(vmcs_segment_field(VMCS_GUEST_BASE, seg));
		state->seg[seg].limit = vmcs_read(vmcs_segment_field(VMCS_GUEST_LIMIT, seg));
		state->seg[seg].access = vmcs_read(vmcs_segment_field(VMCS_GUEST_ACCESS, seg));
	}
	state->gdtr_base = vmcs_read(VMCS_GUEST_GDTR_BASE);
	state->gdtr_limit = vmcs_read(VMCS_GUEST_GDTR_LIMIT);
	state->idtr_base = vmcs_read(VMCS_GUEST_IDTR_BASE);
	state->idtr_limit = vmcs_read(VMCS_GUEST_IDTR_LIMIT);
}

static void guest_registers_read(struct vmx_guest_state *state)
{
	int i;

	state->cr0 = vmcs_read(VMCS_GUEST_CR0);
	state->cr3 = vmcs_read(VMCS_GUEST_CR3);
	state->cr4 = vmcs_read(VMCS_GUEST_CR4);
	state->efer = vmcs_read(VMCS_GUEST_EFER);
	state->pat = vmx_caps.pat ? vmcs_read(VMCS_GUEST_PAT) : PAT_RESET;
	state->dr7 = vmcs_read(VMCS_GUEST_DR7);
	state->debugctl = vmcs_read(VMCS_GUEST_DEBUGCTL);
	state->rip = vmcs_read(VMCS_GUEST_RIP);
	state->rsp = vmcs_read(VMCS_GUEST_RSP);
	state->rflags = vmcs_read(VMCS_GUEST_RFLAGS);
	state->sysenter_esp = vmcs_read(VMCS_GUEST_SYSENTER_ESP);
	state->sysenter_eip = vmcs_read(VMCS_GUEST_SYSENTER_EIP);
	for (i = 0; i < 4; i++)
		state->pdpte[i] = vmcs_read(VMCS_GUEST_PDPTE0 + 2 * i);
	state->pending_debug = vmcs_read(VMCS_GUEST_PENDING_DEBUG);
	state->link_pointer = vmcs_read(VMCS_GUEST_LINK_POINTER);
	state->interruptibility = vmcs_read(VMCS_GUEST_INTERRUPTIBILITY);
	state->activity = vmcs_read(VMCS_GUEST_ACTIVITY);
}

void vmx_guest_state_read(struct vcpu *vcpu, struct vmx_guest_state *state)
{
	guest_registers_read(state);
	guest_segments_read(state);
	state->entry_controls = vmcs_read(VMCS_ENTRY_CONTROLS);
	state->pin_controls = vmx_caps.pin;
	state->entry_intr_info = to_vmx(vcpu)->entry_event;
	state->unrestricted = vmx_caps.proc2 & PROC2_UNRESTRICTED;
	state->cr0_fixed0 = vmx_caps.cr0_fixed0;
	state->cr0_fixed1 = vmx_caps.cr0_fixed1;
	state->cr4_fixed0 = vmx_caps.cr4_fixed0;
	state->cr4_fixed1 = vmx_caps.cr4_fixed1;
	state->physical_bits = boot_cpu_data.x86_phys_bits;
	state->linear_bits = boot_cpu_data.x86_virt_bits;
	state->activity_supported = vmx_caps.activity_supported;
}
