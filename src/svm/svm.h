/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* svm: what the files of this folder share. */
#ifndef VMM_SVM_SVM_H
#define VMM_SVM_SVM_H

#include <linux/irq_work.h>
#include <linux/types.h>
#include "../backend.h"
#include "../vcpu.h"
#include "../vm.h"
#include "vmcb.h"

struct insn;

/* What this CPU's SVM has; read once at load (caps.c). */
struct svm_caps {
	bool nrip_save;
	bool decode_assists;
	bool flush_by_asid;
	u32 vmcb_clean;		/* CLEAN_* that may be set */
	u32 features;		/* CPUID 0x8000000A EDX, less what svm_features masks */
	bool pause_filter;
	u32 asids;		/* ASIDs 0 to asids - 1 exist, 0 is the host's */
	u64 efer_allowed;	/* EFER bits a guest may set */
	u64 cr4_allowed;	/* CR4 bits a guest may set: vcpu_cr4_allowed() */
};
extern struct svm_caps svm_caps;

/* params.c; constant after load, but for the one that a sysctl writes */
extern unsigned int svm_vmcb_clean;
extern unsigned int svm_features;
extern bool svm_disable_npf_assist;	/* READ_ONCE */
extern unsigned int svm_num_asids;
extern bool npt_enable_superpage;

int svm_setup(void);
void svm_teardown(void);
int svm_cpu_enable(void);
void svm_cpu_disable(void);
bool svm_cpu_is_enabled(void);
int svm_cap_get(struct vcpu *vcpu, int cap, int *val);
int svm_cap_set(struct vcpu *vcpu, int cap, int val);

/* One host CPU (run.c). */
struct svm_cpu {
	void *hsave;			/* VM_HSAVE_PA: VMRUN keeps host state there */
	struct vmcb *host;		/* VMSAVE area of the host */
	u64 host_pa;
	u64 asid_generation;		/* bumped when the ASIDs have run out */
	u32 asid_next;
	struct vcpu *last_vcpu;		/* only compared, never followed */
	bool enabled;			/* we set EFER.SVME */
};
DECLARE_PER_CPU(struct svm_cpu, svm_cpus);
int svm_cpus_init(void);
void svm_cpus_exit(void);

struct svm_vcpu {
	struct vmcb *vmcb;
	u64 vmcb_pa;
	u64 gpt_generation;		/* nested tables that this vCPU's ASID has seen */
	u64 asid_generation;		/* of the CPU it was given on; 0: needs a new one */
	bool state_unchecked;		/* registers were written from outside: see svm_state_consistent() */
	bool nmi_blocked;		/* an NMI is being handled: until IRET */
	bool nmi_nudged;		/* see intr.c */
	struct irq_work nudge;		/* an interrupt to ourselves: ends the guest soon after entry */
	u8 trap_length;			/* of the INT3 or INTO that left with BPT; 0: none */
	u64 cr0;			/* what the guest believes; the VMCB's has CD and NW clear */
	bool step;			/* VM_CAP_RFLAGS_TF */
	bool step_guest_tf;		/* the guest's own TF while we borrow it */
	enum { STEP_PLAIN, STEP_PUSHF, STEP_POPF } step_over;	/* the instruction under way */
};

struct svm_vm {
	u64 nested_cr3;			/* what VMRUN loads: the GPT root, one level up with LA57 */
	struct page *la57_root;
};

static inline struct svm_vcpu *to_svm(struct vcpu *vcpu)
{
	return vcpu->backend;
}

static inline struct vmcb *to_vmcb(struct vcpu *vcpu)
{
	return to_svm(vcpu)->vmcb;
}

/* entry.S: CLGI to STGI around one VMRUN. @gpr: vcpu->gpr; IRQs off. */
void svm_enter(u64 *gpr, u64 vmcb_pa, u64 host_pa);

/* run.c */
int svm_vcpu_init(struct vcpu *vcpu);
void svm_vcpu_fini(struct vcpu *vcpu);
void svm_vcpu_load(struct vcpu *vcpu);
void svm_vcpu_put(struct vcpu *vcpu);
int svm_run(struct vcpu *vcpu);

/* exit.c: decide on the exit in the VMCB. A verdict or -errno. Loaded, IRQs on. */
int svm_exit(struct vcpu *vcpu);
void svm_exit_unclaimed(struct vcpu *vcpu);
int svm_exit_invalid(struct vcpu *vcpu);	/* VERDICT_USER */
/*
 * Decode the intercepted instruction without hardware's help. 0; -EFAULT; 1: a fault was
 * injected instead.
 */
int svm_fetch_insn(struct vcpu *vcpu, struct insn *insn);

/*
 * RIP goes past the intercepted instruction: by NRIP save, else by decoding it. 0; 1: fetching it
 * raised a fault in the guest, which is to be resumed; -errno ends VM_RUN.
 */
int svm_skip(struct vcpu *vcpu);
int svm_skip_two_byte(struct vcpu *vcpu, u8 opcode);	/* the same for 0F @opcode, faster */
#define OPCODE_WRMSR	0x30
#define OPCODE_RDMSR	0x32
#define OPCODE_CPUID	0xa2

/*
 * intr.c: choose the event for the next VMRUN. False: the VM was suspended instead. IRQs off,
 * RUNNING announced.
 */
bool svm_inject(struct vcpu *vcpu);
void svm_exit_event(struct vcpu *vcpu, u64 info);
/* EXITINTINFO back into vcpu->events. */
static inline void svm_exit_events(struct vcpu *vcpu)
{
	u64 info = to_vmcb(vcpu)->control.exitintinfo;

	if (unlikely(info & VM_INTINFO_VALID))
		svm_exit_event(vcpu, info);
}

void svm_nmi_unblock(struct vcpu *vcpu);	/* IRET was intercepted */
void svm_intr_window(struct vcpu *vcpu, bool on);

/* msr.c */
int svm_msrs_init(void);			/* MSR and I/O permission maps, shared by all VMs */
void svm_msrs_exit(void);
u64 svm_msrpm_pa(void);
u64 svm_iopm_pa(void);
/* For tests: the maps themselves, and an MSR's first bit in the first (-1: not covered). */
const u8 *svm_msrpm(void);
const u8 *svm_iopm(void);
int svm_msrpm_bit(u32 msr);
int svm_exit_msr(struct vcpu *vcpu);

/* state.c */
void svm_vcpu_reset(struct vcpu *vcpu);
int svm_reg_get(struct vcpu *vcpu, int reg, u64 *val);
int svm_reg_set(struct vcpu *vcpu, int reg, u64 val);
int svm_desc_get(struct vcpu *vcpu, int reg, struct seg_desc *desc);
int svm_desc_set(struct vcpu *vcpu, int reg, const struct seg_desc *desc);
void svm_paging(struct vcpu *vcpu, struct vm_guest_paging *paging);
int svm_set_cr0(struct vcpu *vcpu, u64 val);	/* guest MOV CR0: 0 or -EINVAL: #GP */
int svm_set_cr4(struct vcpu *vcpu, u64 val);
int svm_set_efer(struct vcpu *vcpu, u64 val);
bool svm_state_consistent(struct vcpu *vcpu);

/* snapshot.c */
void svm_state_save(struct vcpu *vcpu, struct vcpu_hw_state *state);
const char *svm_state_valid(const struct vcpu_hw_state *state);
void svm_state_restore(struct vcpu *vcpu, const struct vcpu_hw_state *state);

/* npt.c */
extern struct pte_format npt_format;		/* constant after load */
void npt_format_init(void);
int svm_vm_init(struct vm *vm);
void svm_vm_fini(struct vm *vm);

#endif
