// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * apic: what the processor does of the local APIC by itself (Intel manual vol. 3, chapter 30), in
 * three steps of which each needs the one before.
 *
 * Nothing: CR8 exits, interrupts are injected (intr.c).
 *
 * TPR shadow: MOV to and from CR8 act on the virtual-APIC page; one that lets a pending interrupt
 * through exits.
 *
 * Virtual-interrupt delivery (vmx_caps.apic_virtual): pending interrupts are in the page as well,
 * and the processor delivers them when RFLAGS.IF, TPR and what is in service allow it, without
 * interrupt windows. In x2APIC mode, where registers are MSRs, it also reads them from the page, and
 * carries out writes to TPR, EOI and SELF IPI: a guest's timer interrupt costs no exit but those of
 * the host's timer and of the next deadline. Register pages are no MSRs: in xAPIC mode accesses are
 * emulated as without all this.
 *
 * dev/vlapic.c fills the page and reads it. What is posted while the guest runs takes the way that
 * it takes on other processors: an exit, and the next entry takes it along.
 */
#include <linux/mm.h>
#include <asm/apicdef.h>
#include "../dev/vlapic.h"
#include "vmx.h"

#define PROC2_APIC_MODE		(PROC2_X2APIC | PROC2_APIC_REGISTERS)

void vmx_apic_reset(struct vcpu *vcpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	int i;

	memset(vmx->virtual_apic, 0, PAGE_SIZE);
	vmx->vmcs_tpr_threshold = 0;
	vmx->vmcs_intr_status = 0;
	vmx->vmcs_x2apic = false;
	memset(vmx->vmcs_eoi_exits, 0, sizeof(vmx->vmcs_eoi_exits));
	if (!(vmx->proc & PROC_TPR_SHADOW))
		return;
	vmcs_write(VMCS_VIRTUAL_APIC, __pa(vmx->virtual_apic));
	vmcs_write(VMCS_TPR_THRESHOLD, 0);
	if (!vmx_caps.apic_virtual)
		return;
	vlapic_attach_page(vcpu->vlapic, vmx->virtual_apic);
	vmcs_write(VMCS_GUEST_INTR_STATUS, 0);
	for (i = 0; i < ARRAY_SIZE(vmx->vmcs_eoi_exits); i++)
		vmcs_write(VMCS_EOI_EXIT_BITMAP + 2 * i, 0);
}

/* --- TPR shadow ------------------------------------------------------- */

static u32 *page_tpr(struct vmx_vcpu *vmx)
{
	return vmx->virtual_apic + APIC_TASKPRI;
}

static void tpr_in(struct vcpu *vcpu, struct vmx_vcpu *vmx)
{
	*page_tpr(vmx) = vlapic_cr8_read(vcpu->vlapic) << 4;
	vmcs_update32(VMCS_TPR_THRESHOLD, &vmx->vmcs_tpr_threshold,
		      vlapic_tpr_threshold(vcpu->vlapic));
}

static void tpr_out(struct vcpu *vcpu, struct vmx_vcpu *vmx)
{
	u32 cr8 = *page_tpr(vmx) >> 4 & 0xf;

	if (cr8 != vlapic_cr8_read(vcpu->vlapic))
		vlapic_cr8_write(vcpu->vlapic, cr8);
}

/* --- virtual-interrupt delivery --------------------------------------- */

/* Mode and MSR bitmap go together: MSRs that do not exit in xAPIC mode would be the host's. */
static void mode_update(struct vmx_vcpu *vmx, bool x2apic)
{
	vmx_set_proc2(vmx, PROC2_APIC_MODE, x2apic);
	vmcs_write(VMCS_MSR_BITMAP, vmx_msr_bitmap_pa(x2apic));
	vmx->vmcs_x2apic = x2apic;
}

/* The I/O APIC waits for the EOI of a level-triggered interrupt. */
static void eoi_exits_update(struct vcpu *vcpu, struct vmx_vcpu *vmx)
{
	const unsigned long *level = vlapic_level_vectors(vcpu->vlapic);
	int i;

	for (i = 0; i < ARRAY_SIZE(vmx->vmcs_eoi_exits); i++)
		vmcs_update(VMCS_EOI_EXIT_BITMAP + 2 * i, &vmx->vmcs_eoi_exits[i],
			    READ_ONCE(level[i]));
}

static void interrupts_in(struct vcpu *vcpu, struct vmx_vcpu *vmx)
{
	bool x2apic = vlapic_x2apic(vcpu->vlapic);
	u32 status = vlapic_page_load(vcpu->vlapic, !vcpu->mask_hwintr);

	if (unlikely(vmx->vmcs_x2apic != x2apic))
		mode_update(vmx, x2apic);
	if (status)
		eoi_exits_update(vcpu, vmx);
	vmcs_update32(VMCS_GUEST_INTR_STATUS, &vmx->vmcs_intr_status, status);
}

void vmx_apic_in(struct vcpu *vcpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);

	if (vmx_caps.apic_virtual)
		interrupts_in(vcpu, vmx);
	else if (vmx->proc & PROC_TPR_SHADOW)
		tpr_in(vcpu, vmx);
}

void vmx_apic_out(struct vcpu *vcpu, bool entered)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);

	if (vmx_caps.apic_virtual) {
		if (likely(entered))
			vmx->vmcs_intr_status = vmcs_read(VMCS_GUEST_INTR_STATUS);
		vlapic_page_save(vcpu->vlapic, vmx->vmcs_intr_status);
	} else if (vmx->proc & PROC_TPR_SHADOW) {
		tpr_out(vcpu, vmx);
	}
}

/* --- exits: the instruction is done and RIP behind it ------------------- */

int vmx_exit_eoi(struct vcpu *vcpu)
{
	vcpu->exit.exitcode = VM_EXITCODE_IOAPIC_EOI;
	vcpu->exit.rip = vcpu->exit_rip;
	vcpu->exit.inst_length = 0;
	vcpu->exit.u.ioapic_eoi.vector = (u8)to_vmx(vcpu)->exit.qualification;
	return VERDICT_NEUTRAL;
}

/* In x2APIC mode only SELF IPI exits like this, for the vectors below 16, which are illegal. */
int vmx_exit_apic_write(struct vcpu *vcpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);

	if (vmx->exit.qualification != APIC_SELF_IPI) {
		vmx_exit_unclaimed(vcpu);
		return VERDICT_USER;
	}
	vlapic_msr_write(vcpu->vlapic, APIC_BASE_MSR + (APIC_SELF_IPI >> 4),
			 *(u32 *)(vmx->virtual_apic + APIC_SELF_IPI));
	return VERDICT_RESUME;
}
