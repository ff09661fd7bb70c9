// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <linux/atomic.h>
#include <linux/hardirq.h>
#include <linux/jiffies.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <asm/processor-flags.h>
#include "dev/vatpic.h"
#include "dev/vlapic.h"
#include "fake_backend.h"
#include "fake_pte_format.h"
#include "vm.h"

#define EVENT_OF_NMI		(VM_INTINFO_VALID | VM_INTINFO_NMI | 2)
#define EVENT_OF_INTR(vector)	(VM_INTINFO_VALID | VM_INTINFO_HWINTR | (vector))
#define STAY_LIMIT		(10 * HZ)

atomic_t fake_vms, fake_vcpus;

/* --- promises of backend.h ----------------------------------------------------------- */

static void fake_expect(struct vcpu *vcpu, bool kept, const char *promise)
{
	struct fake_vcpu *fake = to_fake(vcpu);

	if (!kept && !fake->broken)
		fake->broken = promise;
}

/* --- life ---------------------------------------------------------------------------- */

static int fake_vm_init(struct vm *vm)
{
	vm->backend_vm = kzalloc(sizeof(u64), GFP_KERNEL);
	if (!vm->backend_vm)
		return -ENOMEM;
	atomic_inc(&fake_vms);
	return 0;
}

static void fake_vm_fini(struct vm *vm)
{
	kfree(vm->backend_vm);
	atomic_dec(&fake_vms);
}

static int fake_vcpu_init(struct vcpu *vcpu)
{
	vcpu->backend = kzalloc(sizeof(struct fake_vcpu), GFP_KERNEL);
	if (!vcpu->backend)
		return -ENOMEM;
	atomic_inc(&fake_vcpus);
	return 0;
}

static void fake_vcpu_fini(struct vcpu *vcpu)
{
	kfree(vcpu->backend);
	atomic_dec(&fake_vcpus);
}

static void fake_vcpu_reset(struct vcpu *vcpu)
{
	struct fake_vcpu *fake = to_fake(vcpu);

	memset(fake->regs, 0, sizeof(fake->regs));
	memset(fake->descs, 0, sizeof(fake->descs));
	memset(fake->caps, 0, sizeof(fake->caps));
	fake->regs[VM_REG_GUEST_CR0] = X86_CR0_CD | X86_CR0_NW | X86_CR0_ET;
	fake->regs[VM_REG_GUEST_RFLAGS] = X86_EFLAGS_FIXED;
}

static void fake_load(struct vcpu *vcpu)
{
	struct fake_vcpu *fake = to_fake(vcpu);

	fake_expect(vcpu, !preemptible() && !irqs_disabled(), "vcpu_load: preemption off, IRQs on");
	fake_expect(vcpu, fake->loads == fake->puts, "vcpu_load: not loaded yet");
	fake->loads++;
}

static void fake_put(struct vcpu *vcpu)
{
	struct fake_vcpu *fake = to_fake(vcpu);

	fake_expect(vcpu, !preemptible() && !irqs_disabled(), "vcpu_put: preemption off, IRQs on");
	fake->puts++;
	fake_expect(vcpu, fake->loads == fake->puts, "vcpu_put: loaded");
}

/* --- registers ----------------------------------------------------------------------- */

/* Registers that are the backend's. */
static bool fake_has_reg(int reg)
{
	switch (reg) {
	case VM_REG_GUEST_CR0 ... VM_REG_GUEST_DR7:
	case VM_REG_GUEST_RFLAGS ... VM_REG_GUEST_TR:
	case VM_REG_GUEST_EFER:
	case VM_REG_GUEST_INTR_SHADOW:
	case VM_REG_GUEST_DR6:
	case VM_REG_GUEST_FS_BASE ... VM_REG_GUEST_KGS_BASE:
		return true;
	default:
		return false;
	}
}

/* General registers, RIP, CR2, DR0 to 3 and TPR are vcpu.c's. */
static bool is_house_reg(int reg)
{
	switch (reg) {
	case VM_REG_GUEST_RAX ... VM_REG_GUEST_R15:
	case VM_REG_GUEST_RSP:
	case VM_REG_GUEST_RIP:
	case VM_REG_GUEST_CR2:
	case VM_REG_GUEST_DR0 ... VM_REG_GUEST_DR3:
	case VM_REG_GUEST_TPR:
		return true;
	default:
		return false;
	}
}

static int fake_reg_get(struct vcpu *vcpu, int reg, u64 *val)
{
	fake_expect(vcpu, !is_house_reg(reg), "reg_get: not asked for what vcpu.c keeps");
	if (reg < 0) {
		*val = FAKE_REG_RAW + (reg & 0xff);
		return 0;
	}
	if (!fake_has_reg(reg))
		return -EINVAL;
	*val = to_fake(vcpu)->regs[reg];
	return 0;
}

static int fake_reg_set(struct vcpu *vcpu, int reg, u64 val)
{
	fake_expect(vcpu, !is_house_reg(reg), "reg_set: not asked for what vcpu.c keeps");
	fake_expect(vcpu, reg >= 0, "reg_set: no negative number");
	if (!fake_has_reg(reg))
		return -EINVAL;
	to_fake(vcpu)->regs[reg] = val;
	return 0;
}

static bool fake_has_desc(int reg)
{
	switch (reg) {
	case VM_REG_GUEST_ES ... VM_REG_GUEST_GDTR:
		return true;
	default:
		return false;
	}
}

static int fake_desc_get(struct vcpu *vcpu, int reg, struct seg_desc *desc)
{
	if (!fake_has_desc(reg))
		return -EINVAL;
	*desc = to_fake(vcpu)->descs[reg];
	return 0;
}

static int fake_desc_set(struct vcpu *vcpu, int reg, const struct seg_desc *desc)
{
	if (!fake_has_desc(reg))
		return -EINVAL;
	to_fake(vcpu)->descs[reg] = *desc;
	return 0;
}

/* The AMD columns of semantics.md section 13. */
static bool fake_has_cap(int cap)
{
	switch (cap) {
	case VM_CAP_HALT_EXIT:
	case VM_CAP_PAUSE_EXIT:
	case VM_CAP_UNRESTRICTED_GUEST:
	case VM_CAP_BPT_EXIT:
	case VM_CAP_MASK_HWINTR:
	case VM_CAP_RFLAGS_TF:
		return true;
	default:
		return false;
	}
}

static int fake_cap_get(struct vcpu *vcpu, int cap, int *val)
{
	fake_expect(vcpu, cap != VM_CAP_IPI_EXIT, "cap_get: IPI_EXIT is the APIC's");
	if (!fake_has_cap(cap))
		return -ENOENT;
	*val = cap == VM_CAP_UNRESTRICTED_GUEST ? 1 : to_fake(vcpu)->caps[cap];
	return 0;
}

static int fake_cap_set(struct vcpu *vcpu, int cap, int val)
{
	fake_expect(vcpu, cap != VM_CAP_IPI_EXIT, "cap_set: IPI_EXIT is the APIC's");
	if (!fake_has_cap(cap))
		return -ENOENT;
	if (cap == VM_CAP_UNRESTRICTED_GUEST)
		return val ? 0 : -EINVAL;
	to_fake(vcpu)->caps[cap] = val;
	if (cap == VM_CAP_HALT_EXIT)
		vcpu->halt_exit = val;
	if (cap == VM_CAP_MASK_HWINTR)
		vcpu->mask_hwintr = val;
	return 0;
}

/* --- snapshot --------------------------------------------------------------------------- */

/* What of it the fake keeps; the rest is 0. */
static void fake_state_save(struct vcpu *vcpu, struct vcpu_hw_state *state)
{
	const u64 *regs = to_fake(vcpu)->regs;

	*state = (struct vcpu_hw_state){
		.cr0 = regs[VM_REG_GUEST_CR0],
		.cr3 = regs[VM_REG_GUEST_CR3],
		.cr4 = regs[VM_REG_GUEST_CR4],
		.efer = regs[VM_REG_GUEST_EFER],
		.rflags = regs[VM_REG_GUEST_RFLAGS],
		.dr6 = regs[VM_REG_GUEST_DR6],
		.dr7 = regs[VM_REG_GUEST_DR7],
		.int_shadow = regs[VM_REG_GUEST_INTR_SHADOW],
	};
}

static const char *fake_state_valid(const struct vcpu_hw_state *state)
{
	return NULL;
}

static void fake_state_restore(struct vcpu *vcpu, const struct vcpu_hw_state *state)
{
	u64 *regs = to_fake(vcpu)->regs;

	regs[VM_REG_GUEST_CR0] = state->cr0;
	regs[VM_REG_GUEST_CR3] = state->cr3;
	regs[VM_REG_GUEST_CR4] = state->cr4;
	regs[VM_REG_GUEST_EFER] = state->efer;
	regs[VM_REG_GUEST_RFLAGS] = state->rflags;
	regs[VM_REG_GUEST_DR6] = state->dr6;
	regs[VM_REG_GUEST_DR7] = state->dr7;
	regs[VM_REG_GUEST_INTR_SHADOW] = state->int_shadow;
}

/* --- entry --------------------------------------------------------------------------- */

/* Interrupts by RFLAGS.IF and the shadow; APIC interrupts after ExtINT. 0: none. */
static u64 fake_take_intr(struct vcpu *vcpu)
{
	struct fake_vcpu *fake = to_fake(vcpu);
	bool extint = test_bit(EVENT_EXTINT, &vcpu->events.flags);
	int vector = extint ? -1 : vlapic_pending_intr(vcpu->vlapic);

	if (!extint && vector < 0)
		return 0;
	if (!(fake->regs[VM_REG_GUEST_RFLAGS] & X86_EFLAGS_IF) ||
	    fake->regs[VM_REG_GUEST_INTR_SHADOW])
		return 0;
	if (!extint) {
		vlapic_intr_accepted(vcpu->vlapic, vector);
		return EVENT_OF_INTR(vector);
	}
	clear_bit(EVENT_EXTINT, &vcpu->events.flags);
	vector = vatpic_pending_vector(vcpu->vm->vatpic);
	if (vector < 0)
		return 0;
	vatpic_intr_accepted(vcpu->vm->vatpic, vector);
	return EVENT_OF_INTR(vector);
}

/* As section 12 has it. False: triple fault. */
static bool fake_inject(struct vcpu *vcpu, u64 *event)
{
	*event = 0;
	if (vcpu->mask_hwintr)
		return true;
	switch (event_consume(&vcpu->events, event)) {
	case EVENT_TRIPLE_FAULT:
		vm_suspend(vcpu->vm, VM_SUSPEND_TRIPLEFAULT);
		return false;
	case EVENT_INJECT:
		return true;
	case EVENT_NONE:
		break;
	}
	if (test_and_clear_bit(EVENT_NMI, &vcpu->events.flags))
		*event = EVENT_OF_NMI;
	else
		*event = fake_take_intr(vcpu);
	return true;
}

static unsigned int ipis_here(void)
{
	return this_cpu_read(irq_stat.irq_resched_count);
}

/* Until the host has a reason to interrupt the guest. False: nobody wants it for too long. */
static bool fake_stay(struct fake_vcpu *fake, unsigned int ipis_before)
{
	unsigned long limit = jiffies + STAY_LIMIT;

	while (!need_resched()) {
		if (ipis_here() != ipis_before) {
			fake->kicks++;
			return true;
		}
		if (time_after(jiffies, limit))
			return false;
		cpu_relax();
	}
	return true;
}

static void fake_note_entry(struct vcpu *vcpu, u64 event)
{
	struct fake_vcpu *fake = to_fake(vcpu);

	/* Section 9: blocking ends when the guest resumes elsewhere than it left. */
	if (vcpu->nextrip != vcpu->exit_rip)
		fake->regs[VM_REG_GUEST_INTR_SHADOW] = 0;
	fake->entries[fake->nentries++ % FAKE_ENTRIES] = (struct fake_entry){
		.rip = vcpu->nextrip,
		.event = event,
		.shadow = fake->regs[VM_REG_GUEST_INTR_SHADOW],
	};
	vcpu->exit_rip = vcpu->nextrip;
}

/* One entry and exit; IRQs off at the call, on at return. */
static int fake_world_switch(struct vcpu *vcpu, u64 event, unsigned int ipis_before)
{
	struct fake_vcpu *fake = to_fake(vcpu);
	const struct fake_exit *next = NULL;
	int verdict = VERDICT_RESUME;

	if (fake->script_pos < fake->script_len)
		next = &fake->script[fake->script_pos++];
	fake_note_entry(vcpu, event);
	local_irq_enable();
	if (next && next->guest)
		next->guest(vcpu);
	else if (!next && !fake->stays)
		verdict = -ENODATA;
	else if (!next && !fake_stay(fake, ipis_before))
		verdict = -ETIME;
	vcpu_leave_running(vcpu);
	if (!next)
		return verdict;

	if (next->exit.rip)
		vcpu->exit_rip = next->exit.rip;
	vcpu->nextrip = vcpu->exit_rip;
	if (next->verdict == VERDICT_RESUME || next->verdict < 0)
		return next->verdict;
	vcpu->exit = next->exit;
	vcpu->exit.rip = vcpu->exit_rip;
	vcpu->nextrip += next->exit.inst_length;
	return next->verdict;
}

static int fake_run(struct vcpu *vcpu)
{
	unsigned int ipis_before;
	int verdict;
	u64 event;

	fake_expect(vcpu, vcpu->loaded, "run: loaded");
	fake_expect(vcpu, !preemptible() && !irqs_disabled(), "run: preemption off, IRQs on");
	fake_expect(vcpu, vcpu->task == current, "run: the vCPU's own thread");
	do {
		vcpu_load(vcpu);
		local_irq_disable();
		ipis_before = ipis_here();
		fake_expect(vcpu, vcpu->state == VCPU_FROZEN, "run: frozen");
		vcpu_announce_running(vcpu);
		if (vcpu_entry_blocked(vcpu) || !fake_inject(vcpu, &event)) {
			vcpu_leave_running(vcpu);
			local_irq_enable();
			return VERDICT_RESUME;
		}
		verdict = fake_world_switch(vcpu, event, ipis_before);
	} while (verdict == VERDICT_RESUME);
	return verdict;
}

static void fake_exit_unclaimed(struct vcpu *vcpu)
{
	struct vm_exit *exit = &vcpu->exit;

	memset(&exit->u, 0, sizeof(exit->u));
	exit->exitcode = VM_EXITCODE_SVM;
	exit->inst_length = 0;
	exit->rip = vcpu->exit_rip;
	vcpu->nextrip = vcpu->exit_rip;
}

static int fake_setup(void)
{
	return 0;
}

static void fake_nothing(void)
{
}

const struct backend fake_backend = {
	.name = "fake",
	.feature = "no hardware",
	.kvm_module = "kvm_fake",
	.intel = false,
	.pte_format = &fake_pte_format,
	.setup = fake_setup,
	.teardown = fake_nothing,
	.cpu_enable = fake_setup,
	.cpu_disable = fake_nothing,
	.vm_init = fake_vm_init,
	.vm_fini = fake_vm_fini,
	.vcpu_init = fake_vcpu_init,
	.vcpu_fini = fake_vcpu_fini,
	.vcpu_reset = fake_vcpu_reset,
	.vcpu_load = fake_load,
	.vcpu_put = fake_put,
	.run = fake_run,
	.exit_unclaimed = fake_exit_unclaimed,
	.reg_get = fake_reg_get,
	.reg_set = fake_reg_set,
	.desc_get = fake_desc_get,
	.desc_set = fake_desc_set,
	.cap_get = fake_cap_get,
	.cap_set = fake_cap_set,
	.state_save = fake_state_save,
	.state_valid = fake_state_valid,
	.state_restore = fake_state_restore,
};

/* --- for tests ----------------------------------------------------------------------- */

void fake_script(struct vcpu *vcpu, const struct fake_exit *script, unsigned int len)
{
	struct fake_vcpu *fake = to_fake(vcpu);

	fake->script = script;
	fake->script_len = len;
	fake->script_pos = 0;
	fake->nentries = 0;
}

const struct fake_entry *fake_last_entry(struct vcpu *vcpu)
{
	struct fake_vcpu *fake = to_fake(vcpu);

	return &fake->entries[(fake->nentries - 1) % FAKE_ENTRIES];
}
