/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * vcpu: one virtual CPU, from first use to the VM's destruction, and the
 * states that decide who may touch it.
 *
 * State is the lock. IDLE: nobody's. FROZEN: owned by one ioctl (or by the thread inside VM_RUN,
 * between guest entries), which may read and write everything marked [f]. RUNNING: in guest mode,
 * same owner. SLEEPING: the owner waits in HLT, at the suspend barrier or for the end of a pause.
 * Moves: IDLE <-> FROZEN under vcpu->lock; FROZEN <-> RUNNING and FROZEN <-> SLEEPING by the owner
 * alone.
 *
 * Whoever wants the owner's attention sets a bit in vcpu->requests (or makes an
 * interrupt pending) and calls vcpu_notify(). The owner announces RUNNING, then
 * looks at requests and interrupts, then enters; the notifier writes first, then
 * looks at the state: one of the two always sees the other.
 */
#ifndef VMM_VCPU_H
#define VMM_VCPU_H

#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/list.h>
#include <asm/msr.h>
#include <asm/processor-flags.h>
#include <machine/vmm.h>
#include "gla.h"
#include "stats.h"
#include "x86/cpuid.h"
#include "x86/event.h"
#include "x86/msr.h"

struct guest_fpu;
struct vlapic;
struct vm;

enum vcpu_state { VCPU_IDLE, VCPU_FROZEN, VCPU_RUNNING, VCPU_SLEEPING };

/* Bits of vcpu->requests. */
enum vcpu_request {
	VCPU_REQ_IDLE,		/* an ioctl waits for the vCPU: VM_RUN leaves with REQIDLE */
	VCPU_REQ_SUSPEND,	/* the VM is suspended: to the barrier */
	VCPU_REQ_DEBUG,		/* in the debug set: VM_RUN leaves with DEBUG */
	VCPU_REQ_INIT,		/* INIT arrived: reset the local APIC */
	VCPU_REQ_DYING,		/* the VM is being destroyed: VM_RUN leaves at once */
	VCPU_REQ_PAUSE,		/* the VM is paused: sleep, but answer the other requests */
};

/* Index of a general register in vcpu->gpr: its number in instruction encoding. */
enum { GPR_RAX, GPR_RCX, GPR_RDX, GPR_RBX, GPR_RSP, GPR_RBP, GPR_RSI, GPR_RDI,
       GPR_R8, GPR_R9, GPR_R10, GPR_R11, GPR_R12, GPR_R13, GPR_R14, GPR_R15, GPR_COUNT };

/* An instruction that the emulator has decoded before. */
struct vcpu_decoded {
	struct vie vie;			/* vie.decoded: there is one */
	u8 mode;			/* enum vm_cpu_mode */
	bool cs_d;
	bool plain_mov;			/* vie_is_plain_mov() */
};
#define VCPU_DECODED	8

struct vcpu {
	/* Touched on every exit, first. */
	u64 gpr[GPR_COUNT];		/* [f] offsets known to entry.S */
	unsigned long requests;		/* atomic bits, enum vcpu_request */
	int state;			/* enum vcpu_state, see above */
	bool loaded;			/* [f] guest FPU and backend state are on this CPU, preemption off */
	bool turn_owed;			/* [f] has waited in line, and the guest has not got on since */
	unsigned long turn_until;	/* [f] but in jiffies it has had its turn all the same */
	bool mask_hwintr;		/* [f] VM_CAP_MASK_HWINTR: inject nothing */
	int last_cpu;			/* [f] host CPU it was last loaded on, -1 none */
	u64 nextrip;			/* [f] where the guest resumes, semantics.md section 9 */
	u64 exit_rip;			/* [f] RIP at the last exit */
	struct vcpu_events events;	/* [f], its flags atomic */
	struct vm_exit exit;		/* [f] the exit under way, later the record for user space */
	u8 insn_count;			/* [f] PAGING exit: instruction bytes that the CPU handed over */
	u8 insn_bytes[VIE_INST_SIZE];	/* [f] those */

	struct vm *vm;			/* constant */
	unsigned int id;		/* constant */
	void *backend;			/* constant: struct svm_vcpu, struct vmx_vcpu */
	struct vlapic *vlapic;		/* constant */
	struct guest_fpu *fpu;		/* constant pointer; contents [f] */
	u64 cr2;			/* [f] */
	u64 dr[4];			/* [f] DR0 to DR3 */
	u64 tsc_offset;			/* [f] guest TSC minus host TSC */
	u64 runtime_from;		/* [f] while loaded: host TSC up to which its runtime is counted */
	struct x86_msrs msrs;		/* [f] */
	u64 pvclock_msr;		/* [f] MSR 0x4b564d01 */
	u32 pvclock_version;		/* [f] of the next page */
	struct cpuid_vcpu cpuid;	/* [f] what CPUID answers depend on */
	bool halt_exit;			/* [f] VM_CAP_HALT_EXIT */
	struct gla_window window;	/* [f] where its instructions are */
	struct vcpu_decoded decoded[VCPU_DECODED];	/* [f] by a hash of their first bytes */

	raw_spinlock_t lock;		/* IDLE <-> FROZEN; task */
	struct task_struct *task;	/* lock: thread that last was in VM_RUN, referenced */
	struct list_head waiters;	/* lock: threads that want to own it, in order */

	u64 stats[VCPU_STAT_COUNT];	/* by the owner; IPI_RECV and memory by others, losses allowed */
};

#define vcpu_stat_inc(vcpu, stat)	((vcpu)->stats[stat]++)

/* -ENOMEM. Called once per id under vm->vcpus_lock. */
struct vcpu *vcpu_create(struct vm *vm, unsigned int id);
void vcpu_destroy(struct vcpu *vcpu);		/* no thread can reach it any more */
void vcpu_reset(struct vcpu *vcpu);		/* VM_REINIT and creation: state of semantics.md 6.4. Frozen. */

/* Wait until IDLE, then own it. 0, or -EINTR on a fatal signal. Sleeps. */
int vcpu_freeze(struct vcpu *vcpu);
void vcpu_thaw(struct vcpu *vcpu);
/* Make the owner look. Any context. */
void vcpu_notify(struct vcpu *vcpu);
void vcpu_request(struct vcpu *vcpu, enum vcpu_request request);	/* set and notify */
bool vcpu_test_clear_request(struct vcpu *vcpu, enum vcpu_request request);

/* By the owner. RUNNING is announced with IRQs off, before pending work is looked at. */
static inline void vcpu_announce_running(struct vcpu *vcpu)
{
	smp_store_mb(vcpu->state, VCPU_RUNNING);
}

static inline void vcpu_leave_running(struct vcpu *vcpu)
{
	smp_store_release(&vcpu->state, VCPU_FROZEN);
}

#define VCPU_HOST_WORK	(_TIF_NEED_RESCHED | _TIF_SIGPENDING | _TIF_NOTIFY_SIGNAL)

bool vcpu_resume_work_pending(void);	/* TIF_NOTIFY_RESUME is set: for a reason that cannot wait? */

/* True if the thread owes the host a signal, a reschedule or other work. */
static inline bool vcpu_host_work_pending(void)
{
	unsigned long flags = read_thread_flags();

	if (flags & VCPU_HOST_WORK)
		return true;
	return unlikely(flags & _TIF_NOTIFY_RESUME) && vcpu_resume_work_pending();
}

/*
 * True if the guest must not be entered now: a request, a signal, the scheduler. IRQs off,
 * RUNNING announced.
 */
static inline bool vcpu_entry_blocked(struct vcpu *vcpu)
{
	return READ_ONCE(vcpu->requests) || vcpu_host_work_pending();
}

/* The calling thread is the vCPU from now on. Frozen. */
void vcpu_adopt_thread(struct vcpu *vcpu);

/*
 * Bring guest FPU and backend state onto this CPU, or take them off. Idempotent; between the
 * two preemption is off and nothing may sleep.
 */
void vcpu_load_slow(struct vcpu *vcpu);
static inline void vcpu_load(struct vcpu *vcpu)
{
	if (unlikely(!vcpu->loaded))
		vcpu_load_slow(vcpu);
}
void vcpu_put(struct vcpu *vcpu);
/* While loaded: what has run up to now shows in the statistics. Those are for others to read at any time. */
static inline void vcpu_count_runtime(struct vcpu *vcpu)
{
	u64 now = rdtsc();

	vcpu->stats[VCPU_TOTAL_RUNTIME] += now - vcpu->runtime_from;
	vcpu->runtime_from = now;
}

/* Registers as the API names them; frozen. 0 or -EINVAL. */
int vcpu_reg_get(struct vcpu *vcpu, int reg, u64 *val);
int vcpu_reg_set(struct vcpu *vcpu, int reg, u64 val);
/* The guest goes on at @rip, and RIP reads so; ends an interrupt shadow. Frozen or own thread. */
void vcpu_set_rip(struct vcpu *vcpu, u64 rip);
/* GPR index of enum vm_reg_name, or -1. */
int vcpu_gpr_index(int reg);

/*
 * VM_INJECT_EXCEPTION (semantics.md section 12): 0, -EINVAL vector, -EBUSY one is pending.
 * Frozen.
 */
int vcpu_inject_exception(struct vcpu *vcpu, int vector, bool has_error, u32 error, bool restart);
/* Inject with restart, as a fault found by software would be. Own thread, at most once an exit. */
void vcpu_inject_fault(struct vcpu *vcpu, int vector, bool has_error, u32 error);
static inline void vcpu_inject_ud(struct vcpu *vcpu) { vcpu_inject_fault(vcpu, 6, false, 0); }
static inline void vcpu_inject_gp(struct vcpu *vcpu) { vcpu_inject_fault(vcpu, 13, true, 0); }

/* The guest's paging mode and privilege as its registers say now. Own thread or frozen. */
void vcpu_paging(struct vcpu *vcpu, struct vm_guest_paging *paging);
/*
 * Bits of CR4 that this guest may set, of those that the hardware has: what CPUID hides is not to
 * be had by writing CR4 either. Any context.
 */
u64 vcpu_cr4_allowed(const struct vcpu *vcpu, u64 hardware);
/* The guest's CR4 is @cr4 now: CPUID shows some of it. Own thread or frozen. */
static inline void vcpu_note_cr4(struct vcpu *vcpu, u64 cr4)
{
	vcpu->cpuid.osxsave = cr4 & X86_CR4_OSXSAVE;
	vcpu->cpuid.ospke = cr4 & X86_CR4_PKE;
}

/* CPUID by the guest's EAX and ECX into its registers; RIP is the caller's. Own thread. */
void vcpu_cpuid(struct vcpu *vcpu);

#endif
