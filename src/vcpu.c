// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/task_work.h>
#include "backend.h"
#include "dev/vlapic.h"
#include "vcpu.h"
#include "vm.h"
#include "x86/fpu.h"
#include "x86/paging.h"

#define CPUID_XSTATE	0xd	/* the leaf that depends on XCR0 */

static_assert(VLAPIC_IPI_RECV - VLAPIC_GRATUITOUS_EOI + 1 == VLAPIC_STAT_LAST,
	      "the vlapic counts into a slice of vcpu->stats");

struct vcpu *vcpu_create(struct vm *vm, unsigned int id)
{
	struct vcpu *vcpu = kzalloc(sizeof(*vcpu), GFP_KERNEL_ACCOUNT);
	int err;

	if (!vcpu)
		return ERR_PTR(-ENOMEM);
	vcpu->vm = vm;
	vcpu->id = id;
	vcpu->last_cpu = -1;
	raw_spin_lock_init(&vcpu->lock);
	INIT_LIST_HEAD(&vcpu->waiters);

	vcpu->fpu = guest_fpu_create();
	if (IS_ERR(vcpu->fpu)) {
		err = PTR_ERR(vcpu->fpu);
		goto err_free;
	}
	err = vm->backend->vcpu_init(vcpu);
	if (err)
		goto err_fpu;
	vcpu->vlapic = vlapic_create(&vm->irq, &vm->clock, id,
				     &vcpu->stats[VLAPIC_GRATUITOUS_EOI]);
	if (IS_ERR(vcpu->vlapic)) {
		err = PTR_ERR(vcpu->vlapic);
		goto err_backend;
	}
	vcpu_reset(vcpu);
	return vcpu;

err_backend:
	vm->backend->vcpu_fini(vcpu);
err_fpu:
	guest_fpu_destroy(vcpu->fpu);
err_free:
	kfree(vcpu);
	return ERR_PTR(err);
}

void vcpu_destroy(struct vcpu *vcpu)
{
	vlapic_destroy(vcpu->vlapic);
	vcpu->vm->backend->vcpu_fini(vcpu);
	guest_fpu_destroy(vcpu->fpu);
	if (vcpu->task)
		put_task_struct(vcpu->task);
	kfree(vcpu);
}

void vcpu_reset(struct vcpu *vcpu)
{
	memset(vcpu->gpr, 0, sizeof(vcpu->gpr));
	memset(vcpu->dr, 0, sizeof(vcpu->dr));
	memset(&vcpu->events, 0, sizeof(vcpu->events));
	memset(&vcpu->exit, 0, sizeof(vcpu->exit));
	memset(vcpu->stats, 0, sizeof(vcpu->stats));
	vcpu->cr2 = 0;
	vcpu->nextrip = 0;
	vcpu->exit_rip = 0;
	vcpu->tsc_offset = 0;
	vcpu->pvclock_msr = 0;
	vcpu->mask_hwintr = false;
	vcpu->halt_exit = false;
	clear_bit(VCPU_REQ_INIT, &vcpu->requests);
	vcpu->cpuid = (struct cpuid_vcpu){ .apic_id = vcpu->id, .xcr0 = XFEATURE_MASK_FP };
	x86_msrs_reset(&vcpu->msrs);
	guest_fpu_reset(vcpu->fpu);
	vlapic_set_ipi_exit(vcpu->vlapic, false);
	vlapic_set_x2apic_state(vcpu->vlapic, X2APIC_DISABLED);
	vlapic_reset(vcpu->vlapic);
	vcpu->vm->backend->vcpu_reset(vcpu);
}

/*
 * Owners come in the order in which they asked: whoever lets go of a vCPU that somebody
 * waits for hands it over, still FROZEN. A thread that calls VM_RUN again at once gets in
 * line behind the ioctl that made it leave; and so that the guest gets on while there is
 * always somebody in line, a VM_RUN that has waited for its turn makes room for the next
 * when the guest has made an exit of its own, or for a tick has not. (To have entered it is
 * not enough: the IPI that comes with the wish of the thread before can end that at once, time
 * after time.) Those in line repeat their wish until they are granted it.
 */
#define TURN_JIFFIES	2	/* a tick, and what is left of the present one */

struct vcpu_waiter {
	struct list_head link;		/* vcpu->lock */
	struct task_struct *task;
	bool granted;			/* vcpu->lock; read by the waiter */
};

/* False: another owner has it, and @waiter is in line. */
static bool vcpu_freeze_or_queue(struct vcpu *vcpu, struct vcpu_waiter *waiter)
{
	unsigned long flags;
	bool idle;

	raw_spin_lock_irqsave(&vcpu->lock, flags);
	idle = vcpu->state == VCPU_IDLE;
	if (idle)
		WRITE_ONCE(vcpu->state, VCPU_FROZEN);
	else
		list_add_tail(&waiter->link, &vcpu->waiters);
	raw_spin_unlock_irqrestore(&vcpu->lock, flags);
	return idle;
}

/* A fatal signal: out of the line, or, if it was our turn already, the next one's. */
static void vcpu_freeze_abandon(struct vcpu *vcpu, struct vcpu_waiter *waiter)
{
	unsigned long flags;
	bool granted;

	raw_spin_lock_irqsave(&vcpu->lock, flags);
	granted = waiter->granted;
	if (!granted)
		list_del(&waiter->link);
	raw_spin_unlock_irqrestore(&vcpu->lock, flags);
	if (granted)
		vcpu_thaw(vcpu);
}

int vcpu_freeze(struct vcpu *vcpu)
{
	struct vcpu_waiter waiter = { .task = current };

	might_sleep();
	if (vcpu_freeze_or_queue(vcpu, &waiter)) {
		vcpu->turn_owed = false;
		return 0;
	}
	for (;;) {
		if (!READ_ONCE(waiter.granted))
			vcpu_request(vcpu, VCPU_REQ_IDLE);
		/* Orders the state before the look; pairs with wake_up_process() in vcpu_thaw(). */
		set_current_state(TASK_KILLABLE);
		if (READ_ONCE(waiter.granted) || fatal_signal_pending(current))
			break;
		schedule_timeout(1);
	}
	__set_current_state(TASK_RUNNING);
	/* Taking the lock also waits for vcpu_thaw() to be done with waiter, which is on our stack. */
	if (fatal_signal_pending(current)) {
		vcpu_freeze_abandon(vcpu, &waiter);
		return -EINTR;
	}
	raw_spin_lock_irq(&vcpu->lock);
	raw_spin_unlock_irq(&vcpu->lock);
	vcpu->turn_owed = true;
	vcpu->turn_until = jiffies + TURN_JIFFIES;
	return 0;
}

void vcpu_thaw(struct vcpu *vcpu)
{
	struct vcpu_waiter *waiter;
	unsigned long flags;

	raw_spin_lock_irqsave(&vcpu->lock, flags);
	waiter = list_first_entry_or_null(&vcpu->waiters, struct vcpu_waiter, link);
	if (waiter) {
		list_del(&waiter->link);
		WRITE_ONCE(waiter->granted, true);
		wake_up_process(waiter->task);
	} else {
		WRITE_ONCE(vcpu->state, VCPU_IDLE);
	}
	/* The wish has come true. Whoever else is in line will repeat it. */
	clear_bit(VCPU_REQ_IDLE, &vcpu->requests);
	raw_spin_unlock_irqrestore(&vcpu->lock, flags);
}

void vcpu_notify(struct vcpu *vcpu)
{
	unsigned long flags;
	int state;

	/* Pairs with vcpu_announce_running() and with set_current_state() in the sleepers. */
	smp_mb();
	state = READ_ONCE(vcpu->state);
	if (state != VCPU_RUNNING && state != VCPU_SLEEPING)
		return;

	raw_spin_lock_irqsave(&vcpu->lock, flags);
	if (vcpu->task) {
		if (state == VCPU_RUNNING)
			kick_process(vcpu->task);
		else
			wake_up_process(vcpu->task);
	}
	raw_spin_unlock_irqrestore(&vcpu->lock, flags);
}

void vcpu_request(struct vcpu *vcpu, enum vcpu_request request)
{
	set_bit(request, &vcpu->requests);
	vcpu_notify(vcpu);
}

bool vcpu_test_clear_request(struct vcpu *vcpu, enum vcpu_request request)
{
	return test_bit(request, &vcpu->requests) &&
	       test_and_clear_bit(request, &vcpu->requests);
}

void vcpu_adopt_thread(struct vcpu *vcpu)
{
	struct task_struct *old = vcpu->task;
	unsigned long flags;

	if (old == current)
		return;
	get_task_struct(current);
	raw_spin_lock_irqsave(&vcpu->lock, flags);
	vcpu->task = current;
	raw_spin_unlock_irqrestore(&vcpu->lock, flags);
	if (old)
		put_task_struct(old);
}

static bool over_memory_high(void)
{
#ifdef CONFIG_MEMCG
	return current->memcg_nr_pages_over_high;
#else
	return false;
#endif
}

/*
 * TIF_NOTIFY_RESUME is set whenever a thread with restartable sequences, as glibc gives each one, has
 * slept. Those have time until it returns to user space, and modules have no way to see to them; task
 * work and a memory cgroup over its limit do not wait.
 */
bool vcpu_resume_work_pending(void)
{
	return task_work_pending(current) || over_memory_high();
}

/* Not loaded yet. */
void vcpu_load_slow(struct vcpu *vcpu)
{
	int cpu;

	guest_fpu_load(vcpu->fpu, vcpu->cpuid.xcr0);
	cpu = smp_processor_id();
	if (vcpu->last_cpu != cpu)
		vcpu_stat_inc(vcpu, VCPU_MIGRATIONS);
	vcpu->vm->backend->vcpu_load(vcpu);
	vcpu->last_cpu = cpu;
	vcpu->runtime_from = rdtsc();
	vcpu->loaded = true;
}

void vcpu_put(struct vcpu *vcpu)
{
	if (!vcpu->loaded)
		return;
	vcpu->loaded = false;
	vcpu_count_runtime(vcpu);
	vcpu->vm->backend->vcpu_put(vcpu);
	vcpu->cpuid.xcr0 = guest_fpu_save(vcpu->fpu);
}

int vcpu_gpr_index(int reg)
{
	static const s8 index[] = {
		[VM_REG_GUEST_RAX] = GPR_RAX, [VM_REG_GUEST_RBX] = GPR_RBX,
		[VM_REG_GUEST_RCX] = GPR_RCX, [VM_REG_GUEST_RDX] = GPR_RDX,
		[VM_REG_GUEST_RSI] = GPR_RSI, [VM_REG_GUEST_RDI] = GPR_RDI,
		[VM_REG_GUEST_RBP] = GPR_RBP, [VM_REG_GUEST_R8] = GPR_R8,
		[VM_REG_GUEST_R9] = GPR_R9, [VM_REG_GUEST_R10] = GPR_R10,
		[VM_REG_GUEST_R11] = GPR_R11, [VM_REG_GUEST_R12] = GPR_R12,
		[VM_REG_GUEST_R13] = GPR_R13, [VM_REG_GUEST_R14] = GPR_R14,
		[VM_REG_GUEST_R15] = GPR_R15,
	};

	if (reg == VM_REG_GUEST_RSP)
		return GPR_RSP;
	return reg >= 0 && reg < ARRAY_SIZE(index) ? index[reg] : -1;
}

/* Storage of a register that vcpu.c keeps, or NULL: the backend's. */
static u64 *vcpu_reg_slot(struct vcpu *vcpu, int reg)
{
	int gpr = vcpu_gpr_index(reg);

	if (gpr >= 0)
		return &vcpu->gpr[gpr];
	switch (reg) {
	case VM_REG_GUEST_CR2:
		return &vcpu->cr2;
	case VM_REG_GUEST_DR0:
	case VM_REG_GUEST_DR1:
	case VM_REG_GUEST_DR2:
	case VM_REG_GUEST_DR3:
		return &vcpu->dr[reg - VM_REG_GUEST_DR0];
	default:
		return NULL;
	}
}

int vcpu_reg_get(struct vcpu *vcpu, int reg, u64 *val)
{
	u64 *slot = vcpu_reg_slot(vcpu, reg);

	if (slot) {
		*val = *slot;
		return 0;
	}
	switch (reg) {
	case VM_REG_GUEST_RIP:
		*val = vcpu->exit_rip;
		return 0;
	case VM_REG_GUEST_TPR:
		*val = vlapic_cr8_read(vcpu->vlapic);
		return 0;
	default:
		return vcpu->vm->backend->reg_get(vcpu, reg, val);
	}
}

void vcpu_set_rip(struct vcpu *vcpu, u64 rip)
{
	/* An STI or MOV SS protects the instruction behind it, not another one (semantics.md section 9). */
	if (rip != vcpu->exit_rip)
		vcpu->vm->backend->reg_set(vcpu, VM_REG_GUEST_INTR_SHADOW, 0);
	vcpu->exit_rip = rip;
	vcpu->nextrip = rip;
}

int vcpu_reg_set(struct vcpu *vcpu, int reg, u64 val)
{
	u64 *slot = vcpu_reg_slot(vcpu, reg);

	if (slot) {
		*slot = val;
		return 0;
	}
	switch (reg) {
	case VM_REG_GUEST_RIP:
		vcpu_set_rip(vcpu, val);
		return 0;
	case VM_REG_GUEST_TPR:
		if (val > 15)
			return -EINVAL;
		vlapic_cr8_write(vcpu->vlapic, val);
		return 0;
	default:
		return vcpu->vm->backend->reg_set(vcpu, reg, val);
	}
}

int vcpu_inject_exception(struct vcpu *vcpu, int vector, bool has_error, u32 error, bool restart)
{
	u64 cr0 = 0;
	int err;

	vcpu->vm->backend->reg_get(vcpu, VM_REG_GUEST_CR0, &cr0);
	err = event_set_exception(&vcpu->events, vector, has_error, error, !(cr0 & X86_CR0_PE));
	if (err)
		return err;
	/* A fault is delivered before the instruction that an STI or MOV SS would protect. */
	vcpu->vm->backend->reg_set(vcpu, VM_REG_GUEST_INTR_SHADOW, 0);
	if (restart)
		vcpu->nextrip = vcpu->exit_rip;
	return 0;
}

void vcpu_inject_fault(struct vcpu *vcpu, int vector, bool has_error, u32 error)
{
	/*
	 * One exception is consumed at each entry, before the next exit can raise another. Only
	 * while VM_CAP_MASK_HWINTR holds events back can one still be there; then it stays, and
	 * the instruction, executed again, raises its own again.
	 */
	if (vcpu_inject_exception(vcpu, vector, has_error, error, true))
		vcpu->nextrip = vcpu->exit_rip;
}

void vcpu_paging(struct vcpu *vcpu, struct vm_guest_paging *paging)
{
	const struct backend *backend = vcpu->vm->backend;
	u64 cr0 = 0, cr4 = 0, efer = 0;
	struct seg_desc cs = {}, ss = {};

	if (backend->paging) {
		backend->paging(vcpu, paging);
		return;
	}
	backend->reg_get(vcpu, VM_REG_GUEST_CR0, &cr0);
	backend->reg_get(vcpu, VM_REG_GUEST_CR3, &paging->cr3);
	backend->reg_get(vcpu, VM_REG_GUEST_CR4, &cr4);
	backend->reg_get(vcpu, VM_REG_GUEST_EFER, &efer);
	backend->desc_get(vcpu, VM_REG_GUEST_CS, &cs);
	backend->desc_get(vcpu, VM_REG_GUEST_SS, &ss);
	paging->cpl = (ss.access >> 5) & 3;
	paging->cpu_mode = x86_cpu_mode(cr0, efer, cs.access);
	paging->paging_mode = x86_paging_mode(cr0, cr4, efer);
}

u64 vcpu_cr4_allowed(const struct vcpu *vcpu, u64 hardware)
{
	return vcpu->vm->cpuid.wide ? hardware : hardware & ~(u64)(X86_CR4_UMIP | X86_CR4_PKE);
}

void vcpu_cpuid(struct vcpu *vcpu)
{
	struct cpuid_result regs;

	if ((u32)vcpu->gpr[GPR_RAX] == CPUID_XSTATE && vcpu->loaded)
		vcpu->cpuid.xcr0 = guest_fpu_get_xcr0();
	cpuid_emulate(&vmm_cpuid_host, &vcpu->vm->cpuid, &vcpu->cpuid, (u32)vcpu->gpr[GPR_RAX],
		      (u32)vcpu->gpr[GPR_RCX], &regs, &vmm_xcpuids);
	vcpu->gpr[GPR_RAX] = regs.eax;
	vcpu->gpr[GPR_RBX] = regs.ebx;
	vcpu->gpr[GPR_RCX] = regs.ecx;
	vcpu->gpr[GPR_RDX] = regs.edx;
}
