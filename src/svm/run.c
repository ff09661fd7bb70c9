// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <linux/mm.h>
#include <linux/slab.h>
#include <asm/cpufeature.h>
#include <linux/percpu.h>
#include <asm/debugreg.h>
#include <asm/nospec-branch.h>
#include "../dev/vlapic.h"
#include "../mem/gpt.h"
#include "../run.h"
#include "../trace.h"
#include "svm.h"

static_assert(offsetof(struct vcpu, gpr) == 0, "entry.S is given vcpu->gpr");

DEFINE_PER_CPU(struct svm_cpu, svm_cpus);

/* --- host CPUs -------------------------------------------------------- */

int svm_cpus_init(void)
{
	int i;

	for_each_possible_cpu(i) {
		struct svm_cpu *cpu = per_cpu_ptr(&svm_cpus, i);

		cpu->hsave = (void *)get_zeroed_page(GFP_KERNEL);
		cpu->host = (void *)get_zeroed_page(GFP_KERNEL);
		if (!cpu->hsave || !cpu->host) {
			svm_cpus_exit();
			return -ENOMEM;
		}
		cpu->host_pa = __pa(cpu->host);
	}
	return 0;
}

void svm_cpus_exit(void)
{
	int i;

	for_each_possible_cpu(i) {
		struct svm_cpu *cpu = per_cpu_ptr(&svm_cpus, i);

		free_page((unsigned long)cpu->hsave);
		free_page((unsigned long)cpu->host);
		memset(cpu, 0, sizeof(*cpu));
	}
}

/* --- life of a vCPU --------------------------------------------------- */

/* The interrupt is the point, not what it does. */
static void nudge_nothing(struct irq_work *work)
{
}

int svm_vcpu_init(struct vcpu *vcpu)
{
	struct svm_vcpu *svm = kzalloc(sizeof(*svm), GFP_KERNEL_ACCOUNT);

	if (!svm)
		return -ENOMEM;
	svm->vmcb = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	if (!svm->vmcb) {
		kfree(svm);
		return -ENOMEM;
	}
	svm->vmcb_pa = __pa(svm->vmcb);
	svm->nudge = IRQ_WORK_INIT_HARD(nudge_nothing);
	vcpu->backend = svm;
	return 0;
}

void svm_vcpu_fini(struct vcpu *vcpu)
{
	struct svm_vcpu *svm = to_svm(vcpu);

	irq_work_sync(&svm->nudge);
	free_page((unsigned long)svm->vmcb);
	kfree(svm);
}

static inline void host_vmsave(u64 pa)
{
	asm volatile("vmsave %0" : : "a" (pa) : "memory");
}

void svm_vcpu_load(struct vcpu *vcpu)
{
	struct svm_cpu *cpu = this_cpu_ptr(&svm_cpus);
	struct svm_vcpu *svm = to_svm(vcpu);

	if (vcpu->last_cpu != smp_processor_id()) {
		svm->asid_generation = 0;
		svm->vmcb->control.clean = 0;
	}
	/*
	 * Firmware brings the boot CPU back from sleep without SVME, and no hotplug callback
	 * runs there.
	 */
	if (unlikely(!svm_cpu_is_enabled()))
		svm_cpu_enable();
	/* What entry.S loads back after each exit: valid until this thread leaves the CPU. */
	host_vmsave(cpu->host_pa);
	if (cpu->last_vcpu != vcpu) {
		cpu->last_vcpu = vcpu;
		indirect_branch_prediction_barrier();
	}
}

void svm_vcpu_put(struct vcpu *vcpu)
{
	/* VMSCAPE: the next return to user space must not run on predictions the guest trained. */
	if (cpu_feature_enabled(X86_FEATURE_IBPB_EXIT_TO_USER))
		this_cpu_write(x86_ibpb_exit_to_user, true);
}

/* --- entry ------------------------------------------------------------ */

/*
 * An ASID whose TLB entries are all of this vCPU's current nested tables. Each CPU hands
 * out ASIDs in turn and flushes everything when they run out; a vCPU that needs a flush
 * simply takes the next one (AMD64 manual vol. 2, 15.16).
 */
static void asid_prepare(struct vcpu *vcpu, struct svm_cpu *cpu)
{
	struct svm_vcpu *svm = to_svm(vcpu);
	struct vmcb_control *control = &svm->vmcb->control;
	u64 generation = gpt_generation(vcpu->vm->mem.gpt);

	control->tlb_control = TLB_CONTROL_NONE;
	if (likely(svm->asid_generation == cpu->asid_generation &&
		   svm->gpt_generation == generation))
		return;

	svm->gpt_generation = generation;
	if (svm_caps.flush_by_asid && svm->asid_generation == cpu->asid_generation) {
		control->tlb_control = TLB_CONTROL_FLUSH_ASID;
		return;
	}
	if (++cpu->asid_next >= svm_caps.asids) {
		cpu->asid_next = 1;
		cpu->asid_generation++;
		control->tlb_control = TLB_CONTROL_FLUSH_ALL;
	}
	svm->asid_generation = cpu->asid_generation;
	control->asid = cpu->asid_next;
	vmcb_dirty(svm->vmcb, CLEAN_ASID);
}

static void state_in(struct vcpu *vcpu, struct vmcb *vmcb)
{
	struct vmcb_state *state = &vmcb->state;

	state->rax = vcpu->gpr[GPR_RAX];
	state->rsp = vcpu->gpr[GPR_RSP];
	state->rip = vcpu->nextrip;
	if (state->cr2 != vcpu->cr2) {
		state->cr2 = vcpu->cr2;
		vmcb_dirty(vmcb, CLEAN_CR2);
	}
	if (vmcb->control.tsc_offset != vcpu->tsc_offset) {
		vmcb->control.tsc_offset = vcpu->tsc_offset;
		vmcb_dirty(vmcb, CLEAN_INTERCEPTS);
	}
}

/* Returns what the guest finds in CR8. */
static u32 tpr_in(struct vcpu *vcpu, struct vmcb *vmcb)
{
	u32 tpr = vlapic_cr8_read(vcpu->vlapic);

	if ((vmcb->control.int_ctl & INT_CTL_V_TPR) != tpr) {
		vmcb->control.int_ctl = (vmcb->control.int_ctl & ~INT_CTL_V_TPR) | tpr;
		vmcb_dirty(vmcb, CLEAN_TPR);
	}
	return tpr;
}

/* @tpr_before: from tpr_in() */
static void state_out(struct vcpu *vcpu, struct vmcb *vmcb, u32 tpr_before)
{
	u32 tpr = vmcb->control.int_ctl & INT_CTL_V_TPR;

	vcpu->gpr[GPR_RAX] = vmcb->state.rax;
	vcpu->gpr[GPR_RSP] = vmcb->state.rsp;
	vcpu->exit_rip = vmcb->state.rip;
	vcpu->nextrip = vmcb->state.rip;
	vcpu->cr2 = vmcb->state.cr2;
	if (tpr != tpr_before)
		vlapic_cr8_write(vcpu->vlapic, tpr);
	vmcb->control.clean = svm_caps.vmcb_clean;
}

/*
 * DR0 to DR3 are the only debug registers that VMRUN does not switch. The guest's are
 * loaded while it has a breakpoint enabled; otherwise every access to them is intercepted
 * and the host's may stay. #VMEXIT has cleared DR7, so host breakpoints come back with the rest.
 */
#define DR7_ENABLES	0xff	/* L0, G0 to L3, G3 */

static void debugregs_in(struct vcpu *vcpu, const struct vmcb *vmcb)
{
	if (likely(!(vmcb->state.dr7 & DR7_ENABLES)))
		return;
	set_debugreg(vcpu->dr[0], 0);
	set_debugreg(vcpu->dr[1], 1);
	set_debugreg(vcpu->dr[2], 2);
	set_debugreg(vcpu->dr[3], 3);
}

static void debugregs_out(void)
{
	if (hw_breakpoint_active())
		hw_breakpoint_restore();
}

static void world_switch(struct vcpu *vcpu, struct svm_cpu *cpu)
{
	struct svm_vcpu *svm = to_svm(vcpu);

	debugregs_in(vcpu, svm->vmcb);
	vcpu_context_enter();
	svm_enter(vcpu->gpr, svm->vmcb_pa, cpu->host_pa);
	vcpu_context_exit();
	debugregs_out();
}

int svm_run(struct vcpu *vcpu)
{
	struct vmcb *vmcb = to_vmcb(vcpu);
	struct svm_cpu *cpu;
	u32 tpr;
	int verdict;

	if (unlikely(to_svm(vcpu)->state_unchecked)) {
		if (!svm_state_consistent(vcpu))
			return svm_exit_invalid(vcpu);
		to_svm(vcpu)->state_unchecked = false;
	}
	do {
		vcpu_load(vcpu);	/* the last exit may have put it */
		local_irq_disable();
		vcpu_announce_running(vcpu);
		if (vcpu_entry_blocked(vcpu) || !svm_inject(vcpu)) {
			vcpu_leave_running(vcpu);
			local_irq_enable();
			return VERDICT_RESUME;
		}
		cpu = this_cpu_ptr(&svm_cpus);
		asid_prepare(vcpu, cpu);
		state_in(vcpu, vmcb);
		tpr = tpr_in(vcpu, vmcb);
		if (trace_vmm_inject_enabled() && (vmcb->control.eventinj & VM_INTINFO_VALID))
			trace_vmm_inject(vcpu, vmcb->control.eventinj);
		world_switch(vcpu, cpu);
		state_out(vcpu, vmcb, tpr);
		svm_exit_events(vcpu);
		vcpu_leave_running(vcpu);
		local_irq_enable();
		vcpu_stat_inc(vcpu, VMEXIT_COUNT);
		verdict = svm_exit(vcpu);
	} while (verdict == VERDICT_RESUME);
	return verdict;
}

const struct backend svm_backend = {
	.name = "svm",
	.feature = "AMD-V",
	.kvm_module = "kvm_amd",
	.intel = false,
	.pte_format = &npt_format,
	.setup = svm_setup,
	.teardown = svm_teardown,
	.cpu_enable = svm_cpu_enable,
	.cpu_disable = svm_cpu_disable,
	.vm_init = svm_vm_init,
	.vm_fini = svm_vm_fini,
	.vcpu_init = svm_vcpu_init,
	.vcpu_fini = svm_vcpu_fini,
	.vcpu_reset = svm_vcpu_reset,
	.vcpu_load = svm_vcpu_load,
	.vcpu_put = svm_vcpu_put,
	.run = svm_run,
	.exit_unclaimed = svm_exit_unclaimed,
	.reg_get = svm_reg_get,
	.reg_set = svm_reg_set,
	.desc_get = svm_desc_get,
	.desc_set = svm_desc_set,
	.paging = svm_paging,
	.cap_get = svm_cap_get,
	.cap_set = svm_cap_set,
	.state_save = svm_state_save,
	.state_valid = svm_state_valid,
	.state_restore = svm_state_restore,
};
