// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* AMD-V: real mode, without nested paging. */
#include <linux/errno.h>
#include <linux/io.h>
#include <linux/kernel.h>
#include <asm/msr.h>
#include <svm/vmcb.h>
#include "floor.h"

#define CPUID_BYTES	2

asmlinkage void floor_svm_switch(u64 *gpr, u64 vmcb_pa, u64 host_pa);

static void segment_set(struct vmcb_segment *segment, u16 attrib, u64 base)
{
	*segment = (struct vmcb_segment){ .attrib = attrib, .limit = 0xffff, .base = base };
}

static void guest_set(struct vmcb *vmcb, u64 code_pa)
{
	struct vmcb_state *state = &vmcb->state;

	vmcb_intercept(vmcb, INTERCEPT_CPUID, true);
	vmcb_intercept(vmcb, INTERCEPT_VMRUN, true);
	vmcb_intercept(vmcb, INTERCEPT_SHUTDOWN, true);
	vmcb->control.asid = 1;
	segment_set(&state->cs, 0x9b, code_pa);
	segment_set(&state->ds, 0x93, 0);
	state->es = state->ds;
	state->ss = state->ds;
	state->fs = state->ds;
	state->gs = state->ds;
	segment_set(&state->tr, 0x8b, 0);
	segment_set(&state->ldtr, 0x82, 0);
	segment_set(&state->gdtr, 0, 0);
	segment_set(&state->idtr, 0, 0);
	state->efer = EFER_SVME;
	state->cr0 = X86_CR0_ET;
	state->rflags = X86_EFLAGS_FIXED;
	state->dr6 = 0xffff0ff0;
	state->dr7 = 0x400;
}

/* @ticks: the fewest */
static int measure(struct vmcb *vmcb, u64 host_pa, u64 *ticks)
{
	u64 gpr[16] = {}, start;
	int i;

	floor_select();
	*ticks = U64_MAX;
	for (i = 0; i < SAMPLES; i++) {
		start = rdtsc();
		floor_svm_switch(gpr, __pa(vmcb), host_pa);
		*ticks = min(*ticks, rdtsc() - start);
		if (vmcb->control.exitcode != EXIT_CPUID)
			return -EIO;
		vmcb->state.rip = 0;
	}
	return 0;
}

int floor_svm(void *pages, u64 *ticks)
{
	static const u8 code[CPUID_BYTES] = { 0x0f, 0xa2 };
	struct vmcb *vmcb = pages, *host = pages + PAGE_SIZE;
	u64 efer, hsave;
	unsigned long flags;
	int err;

	memcpy(pages + 3 * PAGE_SIZE, code, sizeof(code));
	guest_set(vmcb, __pa(pages + 3 * PAGE_SIZE));
	local_irq_save(flags);
	rdmsrl(MSR_EFER, efer);
	rdmsrl(MSR_VM_HSAVE_PA, hsave);
	if (efer & EFER_SVME) {
		local_irq_restore(flags);
		return -EBUSY;
	}
	wrmsrl(MSR_EFER, efer | EFER_SVME);
	wrmsrl(MSR_VM_HSAVE_PA, __pa(pages + 2 * PAGE_SIZE));
	asm volatile("vmsave %0" : : "a" (__pa(host)) : "memory");
	err = measure(vmcb, __pa(host), ticks);
	wrmsrl(MSR_VM_HSAVE_PA, hsave);
	wrmsrl(MSR_EFER, efer);
	local_irq_restore(flags);
	return err;
}
