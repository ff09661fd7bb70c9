/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * backend: the one door to vmx/ and svm/. A backend turns processor state
 * into registers, and hardware exits into a neutral struct vm_exit; it decides
 * alone only what concerns nobody else (interrupt windows, CPUID, MSRs that
 * it knows). kunit/ has a third backend, without hardware.
 */
#ifndef VMM_BACKEND_H
#define VMM_BACKEND_H

#include <linux/types.h>
#include <machine/vmm.h>

struct pte_format;
struct vcpu;
struct vm;

/*
 * What became of an exit. Every exit handler, vendor or neutral, answers with one of these or
 * with -errno, which ends VM_RUN.
 */
enum verdict {
	VERDICT_RESUME,		/* handled: enter the guest again */
	VERDICT_NEUTRAL,	/* vcpu->exit describes it: src/exit.c decides */
	VERDICT_USER,		/* vcpu->exit goes out of VM_RUN */
};

/* Segments of struct vcpu_hw_state. */
enum { HW_ES, HW_CS, HW_SS, HW_DS, HW_FS, HW_GS, HW_TR, HW_LDTR, HW_GDTR, HW_IDTR, HW_SEGMENTS };

/*
 * As the guest sees it, except for @attrib, which has the form of the vendor's control
 * structure.
 */
struct vcpu_hw_state {
	u64 cr0, cr3, cr4, efer;
	u64 rflags, dr6, dr7;
	u64 star, lstar, cstar, sfmask, kernel_gs_base;
	u64 sysenter_cs, sysenter_esp, sysenter_eip;
	u64 pat;
	struct vcpu_hw_segment {
		u64 base;
		u32 limit;
		u32 attrib;
		u16 selector;
	} segments[HW_SEGMENTS];
	u8 cpl;
	u8 trap_length;		/* of the INT3 or INTO that left with BPT and is to be delivered */
	bool int_shadow;
	bool nmi_blocked;
};

struct backend {
	const char *name;		/* "svm", "vmx" */
	const char *feature;		/* "AMD-V", "VT-x": for messages */
	const char *kvm_module;		/* who else may hold the hardware */
	bool intel;			/* CPUID and MSR flavour */
	const struct pte_format *pte_format;

	/*
	 * Is the CPU able? 0, or -ENODEV after one line in the log that names the missing feature or
	 * firmware switch. Reads facts once, allocates. Process context, at module load.
	 */
	int (*setup)(void);
	void (*teardown)(void);
	/*
	 * This CPU: switch virtualization on. -EBUSY: somebody else has it. On that CPU, IRQs
	 * off.
	 */
	int (*cpu_enable)(void);
	void (*cpu_disable)(void);

	/* Process context, may sleep; -ENOMEM. */
	int (*vm_init)(struct vm *vm);
	void (*vm_fini)(struct vm *vm);
	int (*vcpu_init)(struct vcpu *vcpu);
	void (*vcpu_fini)(struct vcpu *vcpu);
	/* State of semantics.md 6.4. vCPU frozen. */
	void (*vcpu_reset)(struct vcpu *vcpu);

	/* The vCPU arrives on, or leaves, this CPU. Own thread, preemption off, IRQs on. */
	void (*vcpu_load)(struct vcpu *vcpu);
	void (*vcpu_put)(struct vcpu *vcpu);
	/*
	 * Enter the guest until something is left to decide. Loaded, preemption off, IRQs on at call
	 * and return. Returns VERDICT_RESUME when the vCPU has to look at its requests
	 * (vcpu_entry_blocked()), VERDICT_NEUTRAL or VERDICT_USER with vcpu->exit filled, or -errno.
	 */
	int (*run)(struct vcpu *vcpu);
	/*
	 * Nobody claims the last exit: turn vcpu->exit into the vendor's own record
	 * (VM_EXITCODE_SVM, _VMX).
	 */
	void (*exit_unclaimed)(struct vcpu *vcpu);

	/*
	 * vCPU frozen (or own thread), preemptible or not. @reg: enum vm_reg_name except the general
	 * registers, CR2 and DR0-3, which vcpu.c keeps. 0, or -EINVAL: no such register here.
	 */
	int (*reg_get)(struct vcpu *vcpu, int reg, u64 *val);
	int (*reg_set)(struct vcpu *vcpu, int reg, u64 val);
	/*
	 * ES CS SS DS FS GS TR LDTR GDTR IDTR in VMCS access-rights layout; selectors are
	 * registers. -EINVAL.
	 */
	int (*desc_get)(struct vcpu *vcpu, int reg, struct seg_desc *desc);
	int (*desc_set)(struct vcpu *vcpu, int reg, const struct seg_desc *desc);
	/* All of vcpu_paging() at once. NULL: it asks for each register. */
	void (*paging)(struct vcpu *vcpu, struct vm_guest_paging *paging);
	/*
	 * semantics.md section 13, IPI_EXIT aside: -ENOENT not supported, -EINVAL bad value.
	 * vCPU frozen.
	 */
	int (*cap_get)(struct vcpu *vcpu, int cap, int *val);
	int (*cap_set)(struct vcpu *vcpu, int cap, int val);

	/*
	 * Snapshot: what the backend keeps of the guest's registers. Frozen. state_valid: NULL if
	 * state_restore may be given @state, else what is wrong with it; it has been found right as
	 * far as the rules are those of both vendors.
	 */
	void (*state_save)(struct vcpu *vcpu, struct vcpu_hw_state *state);
	const char *(*state_valid)(const struct vcpu_hw_state *state);
	void (*state_restore)(struct vcpu *vcpu, const struct vcpu_hw_state *state);
};

extern const struct backend svm_backend;
extern const struct backend vmx_backend;

#endif
