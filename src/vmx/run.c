// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <linux/hardirq.h>
#include <linux/mm.h>
#include <linux/percpu.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <asm/cpufeature.h>
#include <asm/debugreg.h>
#include <asm/desc.h>
#include <asm/nospec-branch.h>
#include <asm/special_insns.h>
#include <asm/trapnr.h>
#include <compat_gsseg.h>
#include "../run.h"
#include "vmx.h"

static_assert(offsetof(struct vcpu, gpr) == 0, "entry.S is given vcpu->gpr");
static_assert(VMCS_HOST_RSP == 0x6c14, "entry.S writes it by this number");

DEFINE_PER_CPU(struct vmx_cpu, vmx_cpus);

/* --- host CPUs -------------------------------------------------------- */

int vmx_cpus_init(void)
{
	int i;

	for_each_possible_cpu(i)
		INIT_LIST_HEAD(&per_cpu_ptr(&vmx_cpus, i)->active);
	for_each_possible_cpu(i) {
		struct vmx_cpu *cpu = per_cpu_ptr(&vmx_cpus, i);

		cpu->vmxon = (void *)get_zeroed_page(GFP_KERNEL);
		if (!cpu->vmxon) {
			vmx_cpus_exit();
			return -ENOMEM;
		}
	}
	return 0;
}

void vmx_cpus_exit(void)
{
	int i;

	for_each_possible_cpu(i) {
		struct vmx_cpu *cpu = per_cpu_ptr(&vmx_cpus, i);

		free_page((unsigned long)cpu->vmxon);
		cpu->vmxon = NULL;
	}
}

/* --- life of a vCPU --------------------------------------------------- */

int vmx_vcpu_init(struct vcpu *vcpu)
{
	struct vmx_vcpu *vmx = kzalloc(sizeof(*vmx), GFP_KERNEL_ACCOUNT);

	if (!vmx)
		return -ENOMEM;
	vmx->virtual_apic = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	if (!vmx->virtual_apic || vmcs_create(vmx)) {
		free_page((unsigned long)vmx->virtual_apic);
		kfree(vmx);
		return -ENOMEM;
	}
	vmx_vpid_alloc(vmx);
	vcpu->backend = vmx;
	return 0;
}

void vmx_vcpu_fini(struct vcpu *vcpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);

	vmcs_destroy(vmx);
	vmx_vpid_free(vmx);
	free_page((unsigned long)vmx->virtual_apic);
	kfree(vmx);
}

/* --- host state in the VMCS ------------------------------------------- */

void vmx_write_host_constants(void)
{
	u64 val;

	vmcs_write(VMCS_HOST_CS_SELECTOR, __KERNEL_CS);
	vmcs_write(VMCS_HOST_SS_SELECTOR, __KERNEL_DS);
	/* The thread's own, which may be of a kind that a VMCS does not take, come back in vcpu_put(). */
	vmcs_write(VMCS_HOST_DS_SELECTOR, 0);
	vmcs_write(VMCS_HOST_ES_SELECTOR, 0);
	vmcs_write(VMCS_HOST_FS_SELECTOR, 0);
	vmcs_write(VMCS_HOST_GS_SELECTOR, 0);
	vmcs_write(VMCS_HOST_TR_SELECTOR, GDT_ENTRY_TSS * 8);
	vmcs_write(VMCS_HOST_CR0, read_cr0());
	vmcs_write(VMCS_HOST_RIP, vmx_exit_address());
	rdmsrl(MSR_EFER, val);
	vmcs_write(VMCS_HOST_EFER, val);
	if (vmx_caps.pat) {
		rdmsrl(MSR_IA32_CR_PAT, val);
		vmcs_write(VMCS_HOST_PAT, val);
	}
}

static u64 tss_base(const struct desc_ptr *gdt)
{
	const struct desc_struct *desc = (void *)(gdt->address + GDT_ENTRY_TSS * 8);

	return get_desc_base(desc) | (u64)*(const u32 *)(desc + 1) << 32;
}

/* What differs from CPU to CPU. As the processor has it, which spares us to know how the kernel lays it out. */
static void write_host_cpu(struct vmx_vcpu *vmx)
{
	u64 val;

	vmcs_write(VMCS_HOST_GDTR_BASE, vmx->host_gdt.address);
	vmcs_write(VMCS_HOST_IDTR_BASE, vmx->host_idt.address);
	vmcs_write(VMCS_HOST_TR_BASE, tss_base(&vmx->host_gdt));
	rdmsrl(MSR_GS_BASE, val);
	vmcs_write(VMCS_HOST_GS_BASE, val);
	rdmsrl(MSR_IA32_SYSENTER_CS, val);
	vmcs_write(VMCS_HOST_SYSENTER_CS, val);
	rdmsrl(MSR_IA32_SYSENTER_ESP, val);
	vmcs_write(VMCS_HOST_SYSENTER_ESP, val);
	rdmsrl(MSR_IA32_SYSENTER_EIP, val);
	vmcs_write(VMCS_HOST_SYSENTER_EIP, val);
	vmx->host_cpu = smp_processor_id();
}

/* What an exit leaves otherwise than it was: selectors to 0, limits of GDTR, IDTR and TR. */
static void host_segments_save(struct vmx_vcpu *vmx)
{
	savesegment(fs, vmx->host_fs);
	savesegment(gs, vmx->host_gs);
	savesegment(ds, vmx->host_ds);
	savesegment(es, vmx->host_es);
	store_ldt(vmx->host_ldt);
	native_store_gdt(&vmx->host_gdt);
	store_idt(&vmx->host_idt);
	rdmsrl(MSR_FS_BASE, vmx->host_fs_base);
	rdmsrl(MSR_KERNEL_GS_BASE, vmx->host_kernel_gs_base);
}

static void host_segments_restore(struct vmx_vcpu *vmx)
{
	native_load_gdt(&vmx->host_gdt);
	native_load_idt(&vmx->host_idt);
	invalidate_tss_limit();
	if (unlikely(vmx->host_ldt))
		asm volatile("lldt %0" : : "rm" (vmx->host_ldt));
	if (unlikely(vmx->host_ds | vmx->host_es)) {
		loadsegment(ds, vmx->host_ds);
		loadsegment(es, vmx->host_es);
	}
	/* Loading a selector loads a base with it. */
	if (unlikely(vmx->host_fs)) {
		loadsegment(fs, vmx->host_fs);
		wrmsrl(MSR_FS_BASE, vmx->host_fs_base);
	}
	if (unlikely(vmx->host_gs))
		load_gs_index(vmx->host_gs);
	wrmsrl(MSR_KERNEL_GS_BASE, vmx->host_kernel_gs_base);
}

void vmx_vcpu_load(struct vcpu *vcpu)
{
	struct vmx_cpu *cpu = this_cpu_ptr(&vmx_cpus);
	struct vmx_vcpu *vmx = to_vmx(vcpu);

	vmx->l1d_dirty = true;		/* whatever this CPU has done meanwhile */
	if (vcpu->last_cpu != smp_processor_id())
		vmx->flush_tlb = true;
	vmx->on_cpu = vmcs_make_current(vmx);
	if (unlikely(!vmx->on_cpu))
		return;
	host_segments_save(vmx);
	if (vmx->host_cpu != smp_processor_id())
		write_host_cpu(vmx);
	vmcs_write(VMCS_HOST_FS_BASE, vmx->host_fs_base);
	vmx_msrs_load(vcpu);
	if (cpu->last_vcpu != vcpu) {
		cpu->last_vcpu = vcpu;
		vmx->flush_tlb |= vmx->vpid_shared;
		indirect_branch_prediction_barrier();
	}
}

void vmx_vcpu_put(struct vcpu *vcpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);

	if (unlikely(!vmx->on_cpu))
		return;
	vmx->on_cpu = false;
	vmx_msrs_put(vcpu);
	host_segments_restore(vmx);
	vmcs_done();
	/* VMSCAPE: the next return to user space must not run on predictions the guest trained. */
	if (cpu_feature_enabled(X86_FEATURE_IBPB_EXIT_TO_USER))
		this_cpu_write(x86_ibpb_exit_to_user, true);
}

/* --- entry ------------------------------------------------------------ */

static void state_in(struct vcpu *vcpu, struct vmx_vcpu *vmx)
{
	vmcs_update(VMCS_GUEST_RSP, &vmx->vmcs_rsp, vcpu->gpr[GPR_RSP]);
	vmcs_update(VMCS_GUEST_RIP, &vmx->vmcs_rip, vcpu->nextrip);
	vmcs_update(VMCS_GUEST_RFLAGS, &vmx->vmcs_rflags, vmx->rflags);
	vmcs_update(VMCS_TSC_OFFSET, &vmx->vmcs_tsc_offset, vcpu->tsc_offset);
	vmcs_update32(VMCS_GUEST_INTERRUPTIBILITY, &vmx->vmcs_interruptibility,
		      vmx->interruptibility);
	vmcs_update32(VMCS_GUEST_ACTIVITY, &vmx->vmcs_activity, vmx->activity);
	if (vmx_caps.pat)
		vmcs_update(VMCS_GUEST_PAT, &vmx->vmcs_pat, vcpu->msrs.pat);
	/* These change under a thread: by the scheduler, by what others do to CR4. */
	vmcs_update(VMCS_HOST_CR3, &vmx->vmcs_host_cr3, __read_cr3());
	vmcs_update(VMCS_HOST_CR4, &vmx->vmcs_host_cr4, __read_cr4());
}

static void exit_info_read(struct vmx_exit_info *exit)
{
	if (exit->reason != EXIT_EXTERNAL_INTERRUPT) {
		exit->qualification = vmcs_read(VMCS_EXIT_QUALIFICATION);
		exit->inst_length = vmcs_read(VMCS_EXIT_INST_LENGTH);
	}
	exit->idt_info = vmcs_read(VMCS_IDT_VECTORING_INFO);
	if (unlikely(exit->idt_info & VM_INTINFO_VALID))
		exit->idt_error = vmcs_read(VMCS_IDT_VECTORING_ERROR);
	switch (exit->reason) {
	case EXIT_EXCEPTION_NMI:
		exit->intr_error = vmcs_read(VMCS_EXIT_INTR_ERROR);
		break;
	case EXIT_IO:
		exit->inst_info = vmcs_read(VMCS_EXIT_INST_INFO);
		break;
	case EXIT_EPT_VIOLATION:
	case EXIT_EPT_MISCONFIG:
		exit->guest_physical = vmcs_read(VMCS_GUEST_PHYSICAL);
		break;
	}
}

static void state_out(struct vcpu *vcpu, struct vmx_vcpu *vmx)
{
	/* Guest state that was refused is as we wrote it, and the VMCS is not launched by that. */
	if (unlikely(vmx->exit.reason & EXIT_REASON_ENTRY_FAILED)) {
		vmx->exit.qualification = vmcs_read(VMCS_EXIT_QUALIFICATION);
		vmx->exit.idt_info = 0;
		vcpu->exit_rip = vcpu->nextrip;
		return;
	}
	vmx->launched = true;
	vcpu->gpr[GPR_RSP] = vmx->vmcs_rsp = vmcs_read(VMCS_GUEST_RSP);
	vcpu->exit_rip = vcpu->nextrip = vmx->vmcs_rip = vmcs_read(VMCS_GUEST_RIP);
	vmx->rflags = vmx->vmcs_rflags = vmcs_read(VMCS_GUEST_RFLAGS);
	vmx->vmcs_interruptibility = vmcs_read(VMCS_GUEST_INTERRUPTIBILITY);
	/* Only HLT makes it another than active. */
	if (!(vmx->proc & PROC_HLT))
		vmx->activity = vmx->vmcs_activity = vmcs_read(VMCS_GUEST_ACTIVITY);
	exit_info_read(&vmx->exit);
}

#define INTR_KIND	(VM_INTINFO_VALID | VM_INTINFO_TYPE | 0xff)

/*
 * NMIs and machine checks that ended the guest are the host's, and the exit has consumed them:
 * through its own gates, at once, since the exit has blocked NMIs and any IRET would lift that.
 */
static __always_inline void host_events(struct vmx_exit_info *exit)
{
	exit->reason = vmcs_read(VMCS_EXIT_REASON);
	if (exit->reason == EXIT_EXCEPTION_NMI) {
		exit->intr_info = vmcs_read(VMCS_EXIT_INTR_INFO);
		if ((exit->intr_info & VM_INTINFO_TYPE) == VM_INTINFO_NMI)
			asm volatile("int $2");
		else if ((exit->intr_info & INTR_KIND) ==
			 (VM_INTINFO_VALID | VM_INTINFO_HWEXCEPTION | X86_TRAP_MC))
			asm volatile("int $18");
	} else if (unlikely(EXIT_REASON_BASIC(exit->reason) == EXIT_ENTRY_MACHINE_CHECK)) {
		asm volatile("int $18");
	}
}

/*
 * An exit clears DR7 and DEBUGCTL and leaves DR0 to DR3 as they are. The guest's are loaded
 * while it has a breakpoint enabled; every access of its own to any debug register exits, so
 * otherwise the host's may stay.
 */
#define DR7_ENABLES	0xff	/* L0, G0 to L3, G3 */

static void debugregs_in(struct vcpu *vcpu, const struct vmx_vcpu *vmx)
{
	if (likely(!(vmx->dr7 & DR7_ENABLES)))
		return;
	set_debugreg(vcpu->dr[0], 0);
	set_debugreg(vcpu->dr[1], 1);
	set_debugreg(vcpu->dr[2], 2);
	set_debugreg(vcpu->dr[3], 3);
}

static void debugregs_out(u64 debugctl)
{
	if (hw_breakpoint_active())
		hw_breakpoint_restore();
	if (debugctl)
		wrmsrl(MSR_IA32_DEBUGCTLMSR, debugctl);
}

#define L1D_BYTES	(64 * 1024)
#define L1D_LINE	64

static void l1d_flush(void)
{
	const u8 *pages = vmx_mitigations.l1d_pages;
	int i;

	if (vmx_mitigations.l1d_msr) {
		wrmsrl(MSR_IA32_FLUSH_CMD, L1D_FLUSH);
		return;
	}
	/* First the translations, so that the second round is loads of data alone. */
	for (i = 0; i < L1D_BYTES; i += PAGE_SIZE)
		(void)READ_ONCE(pages[i]);
	rmb();
	for (i = 0; i < L1D_BYTES; i += L1D_LINE)
		(void)READ_ONCE(pages[i]);
	rmb();
}

/* Has this CPU handled an interrupt since it was last asked? */
static bool host_interrupted(void)
{
#if IS_ENABLED(CONFIG_KVM_INTEL)
	bool interrupted = kvm_get_cpu_l1tf_flush_l1d();

	kvm_clear_cpu_l1tf_flush_l1d();
	return interrupted;
#else
	return true;
#endif
}

/* Last thing before the world switch: what the guest's speculation could read is not the host's. */
static void buffers_clear(struct vmx_vcpu *vmx)
{
	bool dirty = vmx->l1d_dirty;

	if (vmx_mitigations.l1d != L1D_NO_FLUSH) {
		dirty |= host_interrupted();
		vmx->l1d_dirty = false;
		if (dirty || vmx_mitigations.l1d == L1D_FLUSH_ALWAYS)
			l1d_flush();
	}
	if (vmx_mitigations.verw_mmio)
		asm volatile("verw %0" : : "m" (x86_verw_sel) : "cc");
}

/* False: the processor refused the instruction. */
static bool world_switch(struct vcpu *vcpu, struct vmx_vcpu *vmx)
{
	u64 debugctl = get_debugctlmsr();
	bool entered;

	debugregs_in(vcpu, vmx);
	if (native_read_cr2() != vcpu->cr2)
		native_write_cr2(vcpu->cr2);
	vcpu_context_enter();
	buffers_clear(vmx);
	entered = vmx_enter(vcpu->gpr, vmx->launched);
	vcpu->cr2 = native_read_cr2();
	if (likely(entered))
		host_events(&vmx->exit);
	vcpu_context_exit();
	debugregs_out(debugctl);
	return entered;
}

/* From here to IRQs on there is no way back. False: the processor refused the instruction. */
static bool run_guest(struct vcpu *vcpu, struct vmx_vcpu *vmx)
{
	bool entered;

	vmx_tlb_prepare(vcpu);
	state_in(vcpu, vmx);
	vmx_apic_in(vcpu);
	entered = world_switch(vcpu, vmx);
	if (likely(entered)) {
		state_out(vcpu, vmx);
		vmx_exit_events(vcpu);
	}
	vmx_apic_out(vcpu, entered);
	return entered;
}

/*
 * What was done for the last exit, if the vCPU has stayed on this CPU all the time: registers of its
 * own and of its chips, by numbers that speculation cannot take out of their tables. Interrupts
 * tell of themselves. The emulator, which follows pointers of the guest's making, does not count.
 */
static bool exit_was_plain(const struct vmx_vcpu *vmx)
{
	u32 reason = vmx->exit.reason;

	return reason == EXIT_RDMSR || reason == EXIT_WRMSR || reason == EXIT_IO;
}

int vmx_run(struct vcpu *vcpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	bool launched, entered;
	int verdict;

	vmx->l1d_dirty |= !exit_was_plain(vmx);
	if (unlikely(vmx->pdptes_stale))
		vmx_pdptes_refresh(vcpu);
	do {
		vcpu_load(vcpu);	/* the last exit may have put it */
		if (unlikely(!vmx->on_cpu))
			return -EBUSY;
		local_irq_disable();
		vcpu_announce_running(vcpu);
		if (vcpu_entry_blocked(vcpu) || !vmx_inject(vcpu)) {
			vcpu_leave_running(vcpu);
			local_irq_enable();
			return VERDICT_RESUME;
		}
		launched = vmx->launched;
		entered = run_guest(vcpu, vmx);
		vcpu_leave_running(vcpu);
		local_irq_enable();
		if (unlikely(!entered))
			return vmx_exit_entry_failed(vcpu, launched);
		vcpu_stat_inc(vcpu, VMEXIT_COUNT);
		verdict = vmx_exit(vcpu);
	} while (verdict == VERDICT_RESUME);
	return verdict;
}

const struct backend vmx_backend = {
	.name = "vmx",
	.feature = "VT-x",
	.kvm_module = "kvm_intel",
	.intel = true,
	.pte_format = &ept_format,
	.setup = vmx_setup,
	.teardown = vmx_teardown,
	.cpu_enable = vmx_cpu_enable,
	.cpu_disable = vmx_cpu_disable,
	.vm_init = vmx_vm_init,
	.vm_fini = vmx_vm_fini,
	.vcpu_init = vmx_vcpu_init,
	.vcpu_fini = vmx_vcpu_fini,
	.vcpu_reset = vmx_vcpu_reset,
	.vcpu_load = vmx_vcpu_load,
	.vcpu_put = vmx_vcpu_put,
	.run = vmx_run,
	.exit_unclaimed = vmx_exit_unclaimed,
	.reg_get = vmx_reg_get,
	.reg_set = vmx_reg_set,
	.desc_get = vmx_desc_get,
	.desc_set = vmx_desc_set,
	.cap_get = vmx_cap_get,
	.cap_set = vmx_cap_set,
	.state_save = vmx_state_save,
	.state_valid = vmx_state_valid,
	.state_restore = vmx_state_restore,
};
