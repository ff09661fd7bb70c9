/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* vmx: what the files of this folder share. */
#ifndef VMM_VMX_VMX_H
#define VMM_VMX_VMX_H

#include <linux/list.h>
#include <linux/types.h>
#include <asm/desc_defs.h>
#include "../backend.h"
#include "../vcpu.h"
#include "../vm.h"
#include "vmcs.h"

struct insn;

/* What this CPU's VMX has; read once at load (caps.c). */
struct vmx_caps {
	bool initialized;	/* this CPU was found able */
	u32 revision;		/* of the VMCS, its first word */
	u32 pin, proc, proc2, exit, entry;	/* controls that every vCPU starts with */
	u32 pin_allowed, proc_allowed, proc2_allowed;	/* those that may be set */
	u32 timer_ticks;	/* preemption timer, if pin has it */
	bool ins_info;		/* INS and OUTS exits say size and segment */
	bool ept_ad;
	bool ept_exec_only;
	bool ept_large;		/* 2 MiB leaves, where the iTLB allows them */
	bool invept_context;	/* one root at a time */
	bool vpid;
	bool invvpid_context;	/* one VPID at a time */
	bool pat;		/* entry and exit switch it */
	bool apic_virtual;	/* the processor delivers interrupts and has x2APIC mode: apic.c */
	bool zero_length_trap;	/* INT3 may be injected without a length */
	u64 activity_supported;
	u64 cr0_fixed0, cr0_fixed1, cr4_fixed0, cr4_fixed1;
	u64 cr0_mask;		/* CR0 bits that the guest changes by an exit only */
	u64 cr0_ones, cr0_zeros;	/* forced behind its back */
	u64 cr4_allowed;	/* CR4 bits a guest may set: vcpu_cr4_allowed() */
	u64 cr4_mask, cr4_ones;	/* as for CR0 */
};
extern struct vmx_caps vmx_caps;

/* params.c; constant after load, but for the one that a sysctl writes */
extern int vmx_l1d_flush, vmx_l1d_flush_sw;	/* -1: as the kernel's own switches say */
extern bool vmx_no_flush_rsb;
extern bool vmx_cap_tpr_shadowing, vmx_cap_intr_delivery;
extern bool ept_use_superpages, ept_use_hw_ad_bits, ept_use_exec_only;

/* What entry and exit do against leaks through speculation, decided at load by the kernel's switches (caps.c). */
struct vmx_mitigations {
	enum { L1D_NO_FLUSH, L1D_FLUSH_COND, L1D_FLUSH_ALWAYS } l1d;
	bool l1d_msr;		/* IA32_FLUSH_CMD does it, else reading l1d_pages */
	void *l1d_pages;
	bool verw_mmio;		/* VERW for VMs only; where the kernel has it everywhere, entry.S patches it in */
};
extern struct vmx_mitigations vmx_mitigations;

int vmx_setup(void);
void vmx_teardown(void);
int vmx_cpu_enable(void);
void vmx_cpu_disable(void);
/* The machine is about to sleep: CPUs give VMX up whenever no VMCS is in use, and take it again. */
extern bool vmx_yielding;
int vmx_cap_get(struct vcpu *vcpu, int cap, int *val);
int vmx_cap_set(struct vcpu *vcpu, int cap, int val);

/*
 * A control word that has @required, and of @wanted what there is. @msr: the capability MSR,
 * bits that must be 1 low, that may be 1 high. 0, or -ENODEV with the bits of @required that
 * cannot be set, and of @forbidden that cannot be cleared, in *missing. Any context.
 */
int vmx_control_word(u64 msr, u32 required, u32 wanted, u32 forbidden, u32 *word, u32 *missing);
/*
 * The five words that every VMCS starts with, and which bits may be set, into vmx_caps. @basic:
 * IA32_VMX_BASIC. 0, or -ENODEV; then @report has been told each control that is missing.
 */
int vmx_controls_read(u64 basic, void (*report)(const char *control));

struct vmx_vcpu;

/* One host CPU (run.c). By that CPU alone, IRQs off, unless noted. */
struct vmx_cpu {
	struct vmcs *vmxon;		/* constant: VMXON region */
	bool enabled;			/* we set CR4.VMXE and executed VMXON */
	unsigned int busy;		/* depth of vmcs_make_current() to vmcs_done() */
	struct vmx_vcpu *current_vcpu;	/* whose VMCS is the current one */
	struct list_head active;	/* vCPUs whose VMCS may have parts in this CPU */
	struct vcpu *last_vcpu;		/* only compared, never followed */
	/* Of the host; constant while enabled. */
	u64 star, lstar, cstar, sfmask, tsc_aux;
};
DECLARE_PER_CPU(struct vmx_cpu, vmx_cpus);
int vmx_cpus_init(void);
void vmx_cpus_exit(void);

/* What an exit leaves to be read before the VMCS may go off this CPU (run.c). */
struct vmx_exit_info {
	u32 reason;
	u32 inst_length, inst_info;
	u64 qualification;
	u32 intr_info, intr_error;
	u32 idt_info, idt_error;
	u64 guest_physical;
};

struct vmx_vcpu {
	struct vmcs *vmcs;		/* constant */
	void *virtual_apic;		/* constant: page, see apic.c */
	int cpu;			/* where the VMCS is active; -1: nowhere. Written by that CPU */
	struct list_head active_link;	/* vmx_cpu.active */
	bool launched;			/* VMRESUME from now on */

	struct vmx_exit_info exit;
	u16 vpid;
	bool vpid_shared;
	bool flush_tlb;			/* INVVPID before the next entry */
	bool l1d_dirty;			/* host data may be in L1D since the last flush */

	/* Copies of VMCS fields: what it should be, and what it is. */
	u32 proc, proc2, entry, exceptions;
	u64 rflags, vmcs_rflags;
	u64 vmcs_rip, vmcs_rsp;
	u32 interruptibility, vmcs_interruptibility;
	u32 activity, vmcs_activity;
	u64 vmcs_tsc_offset, vmcs_pat;
	u64 vmcs_host_cr3, vmcs_host_cr4;
	u32 vmcs_tpr_threshold, vmcs_intr_status;
	u64 vmcs_eoi_exits[4];
	bool vmcs_x2apic;		/* PROC2_X2APIC, and the MSR bitmap that goes with it */
	u32 entry_event;		/* what the entry under way injects; 0: nothing */
	int host_cpu;			/* whose host state the VMCS has; -1: nobody's */

	u64 dr6;			/* not in the VMCS: the guest reaches it by exits only */
	u64 dr7;
	u64 star, lstar, cstar, sfmask, kernel_gs_base, tsc_aux;	/* the guest's, in the CPU while loaded */
	u32 inst_length;		/* of a trap or software interrupt to be injected */
	bool step_pending;		/* an instruction was skipped with TF set */
	bool pdptes_stale;		/* the host has changed paging: load them before the next entry */
	bool unrestricted;		/* capabilities as set; see vmx_cap_set() */
	bool bpt_exit;

	bool on_cpu;			/* loaded, and in VMX operation */
	/* The host's, while loaded. */
	u16 host_fs, host_gs, host_ds, host_es, host_ldt;
	u64 host_fs_base, host_kernel_gs_base;
	struct desc_ptr host_gdt, host_idt;
};

struct vmx_vm {
	u64 eptp;
	u64 *cpu_generation;		/* [nr_cpu_ids] nested tables that each CPU's TLB has seen; by that CPU */
};

static inline struct vmx_vcpu *to_vmx(struct vcpu *vcpu)
{
	return vcpu->backend;
}

static inline struct vmx_vm *to_vmx_vm(struct vcpu *vcpu)
{
	return vcpu->vm->backend_vm;
}

/*
 * entry.S: one VMLAUNCH or VMRESUME. @gpr: vcpu->gpr; IRQs off, the VMCS is current. False: the
 * instruction failed, VMCS_INSTRUCTION_ERROR says why if there is a current VMCS.
 */
bool vmx_enter(u64 *gpr, bool launched);
u64 vmx_exit_address(void);		/* for VMCS_HOST_RIP */

/* vmcs.c: which CPU has which VMCS. */
int vmcs_create(struct vmx_vcpu *vmx);		/* -ENOMEM */
void vmcs_destroy(struct vmx_vcpu *vmx);
/* Off every CPU, and empty. vCPU frozen, IRQs on. */
void vmcs_wipe(struct vmx_vcpu *vmx);
/*
 * Make it current on this CPU until vmcs_done(); false, and nothing to be done, if VMX is not
 * to be had here. Preemption off, IRQs on.
 */
bool vmcs_make_current(struct vmx_vcpu *vmx);
void vmcs_done(void);
bool vmcs_is_current(const struct vmx_vcpu *vmx);
/* Off this CPU: all of them. IRQs off. */
void vmcs_clear_all(void);
/*
 * Bracket around access to a vCPU's VMCS from any thread that has the vCPU. False, and nothing
 * to give back: VMX is not to be had. vCPU frozen or own thread, IRQs on.
 */
bool vmcs_get(struct vcpu *vcpu);
void vmcs_put(struct vcpu *vcpu);

/* run.c */
int vmx_vcpu_init(struct vcpu *vcpu);
void vmx_vcpu_fini(struct vcpu *vcpu);
void vmx_vcpu_load(struct vcpu *vcpu);
void vmx_vcpu_put(struct vcpu *vcpu);
int vmx_run(struct vcpu *vcpu);
/* Host state that never changes, into the current VMCS. */
void vmx_write_host_constants(void);

/* exit.c: decide on vmx->exit. A verdict or -errno. Loaded, IRQs on. */
int vmx_exit(struct vcpu *vcpu);
void vmx_exit_unclaimed(struct vcpu *vcpu);
/* VMLAUNCH or VMRESUME did not enter the guest. A verdict. Loaded, IRQs on. */
int vmx_exit_entry_failed(struct vcpu *vcpu, bool was_launched);
/* RIP goes past the intercepted instruction. With TF set a single-step trap follows it. */
void vmx_skip(struct vcpu *vcpu);

/* intr.c: choose the event for the next entry. False: the VM was suspended instead. IRQs off, RUNNING announced. */
bool vmx_inject(struct vcpu *vcpu);
/* Interruptibility as it has become; IDT-vectoring information back into vcpu->events. */
void vmx_exit_events(struct vcpu *vcpu);
void vmx_intr_window(struct vcpu *vcpu, bool on);
void vmx_nmi_window(struct vcpu *vcpu, bool on);

/* apic.c */
void vmx_apic_reset(struct vcpu *vcpu);		/* the VMCS is current */
/* What the processor keeps of the local APIC: handed over, and taken back. VMCS current, IRQs off. */
void vmx_apic_in(struct vcpu *vcpu);
void vmx_apic_out(struct vcpu *vcpu, bool entered);
int vmx_exit_eoi(struct vcpu *vcpu);
int vmx_exit_apic_write(struct vcpu *vcpu);

/* msr.c */
int vmx_msrs_init(void);			/* the MSR bitmaps, shared by all VMs */
void vmx_msrs_exit(void);
/* @x2apic: the one with which the processor carries out accesses to APIC registers (apic.c). */
u64 vmx_msr_bitmap_pa(bool x2apic);
/* For tests: the bitmap, and an MSR's bit for reading or writing in it (-1: not covered). */
const u8 *vmx_msr_bitmap(bool x2apic);
int vmx_msr_bitmap_bit(u32 msr, bool write);
int vmx_exit_msr(struct vcpu *vcpu);
void vmx_msrs_load(struct vcpu *vcpu);		/* the guest's into the CPU, and back. Preemption off */
void vmx_msrs_put(struct vcpu *vcpu);

/* state.c */
void vmx_vcpu_reset(struct vcpu *vcpu);
int vmx_reg_get(struct vcpu *vcpu, int reg, u64 *val);
int vmx_reg_set(struct vcpu *vcpu, int reg, u64 val);
int vmx_desc_get(struct vcpu *vcpu, int reg, struct seg_desc *desc);
int vmx_desc_set(struct vcpu *vcpu, int reg, const struct seg_desc *desc);
int vmx_set_cr0(struct vcpu *vcpu, u64 val);	/* guest MOV CR0: 0, -EINVAL: #GP, -EFAULT */
int vmx_set_cr4(struct vcpu *vcpu, u64 val);
bool vmx_in_64bit_code(struct vcpu *vcpu);
/* Load the PDPTEs if the guest has PAE paging. Own thread; puts the vCPU. */
void vmx_pdptes_refresh(struct vcpu *vcpu);
void vmx_set_dr7(struct vcpu *vcpu, u64 val);
/* Controls of the current VMCS. */
void vmx_set_proc(struct vmx_vcpu *vmx, u32 bit, bool on);
void vmx_set_proc2(struct vmx_vcpu *vmx, u32 bit, bool on);
void vmx_set_exception(struct vmx_vcpu *vmx, unsigned int vector, bool on);
/* What VM entry would look at, for vmx_check_guest_state(). The VMCS is current. */
void vmx_guest_state_read(struct vcpu *vcpu, struct vmx_guest_state *state);

/* snapshot.c */
void vmx_state_save(struct vcpu *vcpu, struct vcpu_hw_state *state);
const char *vmx_state_valid(const struct vcpu_hw_state *state);
void vmx_state_restore(struct vcpu *vcpu, const struct vcpu_hw_state *state);

/* ept.c */
extern struct pte_format ept_format;		/* constant after load */
void ept_format_init(void);
int vmx_vm_init(struct vm *vm);
void vmx_vm_fini(struct vm *vm);
/* A VPID of the vCPU's own, or the shared one. */
void vmx_vpid_alloc(struct vmx_vcpu *vmx);
void vmx_vpid_free(struct vmx_vcpu *vmx);
extern unsigned int vmx_vpid_alloc_failed;	/* hw.vmm.vmx.vpid_alloc_failed */
/* Drop what this CPU's TLB has wrong. The VMCS is current, IRQs off. */
void vmx_tlb_prepare(struct vcpu *vcpu);
/* Everything under all tags. In VMX operation, IRQs off. */
void vmx_tlb_flush_all(void);

#endif
