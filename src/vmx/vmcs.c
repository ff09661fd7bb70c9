// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * vmcs: where each VMCS is.
 *
 * A processor may keep parts of a VMCS to itself from VMPTRLD until VMCLEAR, so a VMCS may be
 * active on one CPU at a time, and VMREAD and VMWRITE reach only the one that is current
 * there. VMCLEAR writes it back and costs the next entry a VMLAUNCH, so it is not done each
 * time a vCPU leaves its CPU, but when it is wanted elsewhere: by interrupt to the CPU that
 * has it. vmx->cpu and the list of active ones change on that CPU with IRQs off; whoever has
 * the vCPU may read vmx->cpu. From vmcs_make_current() to vmcs_done() preemption is off, and
 * what was made current stays so.
 */
#define pr_fmt(fmt) "vmm: " fmt
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/percpu.h>
#include <linux/printk.h>
#include <linux/smp.h>
#include <linux/string.h>
#include "vmx.h"

void vmcs_access_failed(const char *what, unsigned long field)
{
	u64 error = 0;

	vmx_insn_vmread(VMCS_INSTRUCTION_ERROR, &error);
	pr_err_ratelimited("VMCS %s of field %#lx failed (error %llu): please report this processor\n",
			   what, field, error);
}

/* On the CPU where it is active, IRQs off. */
static void clear_here(struct vmx_vcpu *vmx)
{
	struct vmx_cpu *cpu = this_cpu_ptr(&vmx_cpus);

	vmx_insn_vmclear(__pa(vmx->vmcs));
	if (cpu->current_vcpu == vmx)
		cpu->current_vcpu = NULL;
	list_del(&vmx->active_link);
	vmx->launched = false;
	/* Whoever sees it free may VMPTRLD it: only behind VMCLEAR. */
	smp_store_release(&vmx->cpu, -1);
}

static void clear_by_interrupt(void *arg)
{
	struct vmx_vcpu *vmx = arg;

	if (vmx->cpu == smp_processor_id())
		clear_here(vmx);
}

/* Afterwards it is active nowhere. A CPU that goes offline clears its own first. vCPU frozen, IRQs on. */
static void clear_anywhere(struct vmx_vcpu *vmx)
{
	int cpu = smp_load_acquire(&vmx->cpu);

	if (cpu >= 0)
		smp_call_function_single(cpu, clear_by_interrupt, vmx, 1);
}

void vmcs_clear_all(void)
{
	struct vmx_cpu *cpu = this_cpu_ptr(&vmx_cpus);
	struct vmx_vcpu *vmx, *next;

	list_for_each_entry_safe(vmx, next, &cpu->active, active_link)
		clear_here(vmx);
}

int vmcs_create(struct vmx_vcpu *vmx)
{
	vmx->vmcs = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	if (!vmx->vmcs)
		return -ENOMEM;
	vmx->vmcs->revision = vmx_caps.revision;
	vmx->cpu = -1;
	return 0;
}

void vmcs_destroy(struct vmx_vcpu *vmx)
{
	clear_anywhere(vmx);
	free_page((unsigned long)vmx->vmcs);
}

void vmcs_wipe(struct vmx_vcpu *vmx)
{
	clear_anywhere(vmx);
	memset(vmx->vmcs, 0, sizeof(*vmx->vmcs));
	vmx->vmcs->revision = vmx_caps.revision;
}

bool vmcs_is_current(const struct vmx_vcpu *vmx)
{
	return this_cpu_read(vmx_cpus.current_vcpu) == vmx;
}

static bool activate_here(struct vmx_vcpu *vmx, struct vmx_cpu *cpu)
{
	/* Before its first VMPTRLD on a CPU a VMCS must have been cleared; once more does no harm. */
	vmx_insn_vmclear(__pa(vmx->vmcs));
	if (!vmx_insn_vmptrld(__pa(vmx->vmcs)))
		return false;
	cpu->current_vcpu = vmx;
	list_add(&vmx->active_link, &cpu->active);
	vmx->launched = false;
	smp_store_release(&vmx->cpu, smp_processor_id());
	return true;
}

bool vmcs_make_current(struct vmx_vcpu *vmx)
{
	struct vmx_cpu *cpu = this_cpu_ptr(&vmx_cpus);
	unsigned long flags;
	bool ok = true;

	if (vmx->cpu != smp_processor_id())
		clear_anywhere(vmx);

	local_irq_save(flags);
	/* Off while the machine slept: see vmx_yielding. */
	if (unlikely(!cpu->enabled) && vmx_cpu_enable()) {
		ok = false;
	} else if (vmx->cpu < 0) {
		ok = activate_here(vmx, cpu);
	} else if (cpu->current_vcpu != vmx) {
		ok = vmx_insn_vmptrld(__pa(vmx->vmcs));
		if (ok)
			cpu->current_vcpu = vmx;
	}
	cpu->busy += ok;
	local_irq_restore(flags);
	return ok;
}

void vmcs_done(void)
{
	struct vmx_cpu *cpu = this_cpu_ptr(&vmx_cpus);
	unsigned long flags;

	WRITE_ONCE(cpu->busy, cpu->busy - 1);
	/* In this order against the interrupt that finds the CPU busy and leaves it to us. */
	barrier();
	if (likely(!READ_ONCE(vmx_yielding)) || cpu->busy)
		return;
	local_irq_save(flags);
	vmx_cpu_disable();
	local_irq_restore(flags);
}

bool vmcs_get(struct vcpu *vcpu)
{
	if (vcpu->loaded)
		return vmcs_is_current(to_vmx(vcpu));
	preempt_disable();
	if (vmcs_make_current(to_vmx(vcpu)))
		return true;
	preempt_enable();
	return false;
}

void vmcs_put(struct vcpu *vcpu)
{
	if (vcpu->loaded)
		return;
	vmcs_done();
	preempt_enable();
}
