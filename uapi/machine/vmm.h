/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vmm(4): registers, events, capabilities, and the record that VM_RUN returns. Requests and their
 * arguments: <machine/vmm_dev.h>.
 *
 * Names, values and layouts are those of FreeBSD 14.3 on amd64. "[8]" stands for semantics.md
 * section 8.
 */
#ifndef _MACHINE_VMM_H_
#define _MACHINE_VMM_H_

#include "vmm_types.h"

/*
 * Names [1.2]
 */

#ifndef SPECNAMELEN
#define SPECNAMELEN		255		/* longest name of a node below /dev, bytes */
#endif
#define VM_MAX_PREFIXLEN	10		/* kept for "vmm/" and "vmm.io/" */
#define VM_MAX_SUFFIXLEN	15		/* longest name of a device memory segment, bytes */
#define VM_MIN_NAMELEN		6		/* the least VM_MAX_NAMELEN could ever be */
/* longest VM name: 229 bytes */
#define VM_MAX_NAMELEN		(SPECNAMELEN - VM_MAX_PREFIXLEN - VM_MAX_SUFFIXLEN - 1)

#define VM_MAXCPU		1024		/* bound of hw.vmm.maxcpu */

/*
 * Why a VM was suspended: vm_suspend.how, vm_exit.u.suspended.how [10]
 */
enum vm_suspend_how {
	VM_SUSPEND_NONE,			/* not suspended; as a request: EINVAL */
	VM_SUSPEND_RESET,			/* the guest asked for a reset */
	VM_SUSPEND_POWEROFF,			/* the guest switched itself off */
	VM_SUSPEND_HALT,			/* every vCPU halted with interrupts off */
	VM_SUSPEND_TRIPLEFAULT,			/* a fault while delivering a double fault */
	VM_SUSPEND_LAST				/* bound */
};

/*
 * Registers: vm_register.regnum, vm_seg_desc.regnum, vm_register_set.regnums [6]
 *
 * A register of the other vendor's processors only, or a number at or above VM_REG_LAST: EINVAL.
 */
enum vm_reg_name {
	VM_REG_GUEST_RAX,
	VM_REG_GUEST_RBX,
	VM_REG_GUEST_RCX,
	VM_REG_GUEST_RDX,
	VM_REG_GUEST_RSI,
	VM_REG_GUEST_RDI,
	VM_REG_GUEST_RBP,
	VM_REG_GUEST_R8,
	VM_REG_GUEST_R9,
	VM_REG_GUEST_R10,
	VM_REG_GUEST_R11,
	VM_REG_GUEST_R12,
	VM_REG_GUEST_R13,
	VM_REG_GUEST_R14,
	VM_REG_GUEST_R15,
	VM_REG_GUEST_CR0,			/* as the guest believes it to be */
	VM_REG_GUEST_CR3,			/* a set drops the vCPU's cached translations */
	VM_REG_GUEST_CR4,			/* as the guest believes it to be */
	VM_REG_GUEST_DR7,
	VM_REG_GUEST_RSP,
	VM_REG_GUEST_RIP,			/* a set moves the resume point as well [9] */
	VM_REG_GUEST_RFLAGS,
	VM_REG_GUEST_ES,			/* ES to TR: the selector, 0 to 0xffff */
	VM_REG_GUEST_CS,
	VM_REG_GUEST_SS,
	VM_REG_GUEST_DS,
	VM_REG_GUEST_FS,
	VM_REG_GUEST_GS,
	VM_REG_GUEST_LDTR,
	VM_REG_GUEST_TR,
	VM_REG_GUEST_IDTR,			/* by VM_GET/SET_SEGMENT_DESCRIPTOR only */
	VM_REG_GUEST_GDTR,			/* by VM_GET/SET_SEGMENT_DESCRIPTOR only */
	VM_REG_GUEST_EFER,
	VM_REG_GUEST_CR2,
	VM_REG_GUEST_PDPTE0,			/* PDPTE0 to 3: Intel only */
	VM_REG_GUEST_PDPTE1,
	VM_REG_GUEST_PDPTE2,
	VM_REG_GUEST_PDPTE3,
	VM_REG_GUEST_INTR_SHADOW,		/* 1 after STI, MOV SS; Intel: a set takes 0 only */
	VM_REG_GUEST_DR0,
	VM_REG_GUEST_DR1,
	VM_REG_GUEST_DR2,
	VM_REG_GUEST_DR3,
	VM_REG_GUEST_DR6,
	VM_REG_GUEST_ENTRY_INST_LENGTH,		/* bytes; AMD: sets are ignored, a get is EINVAL */
	VM_REG_GUEST_FS_BASE,
	VM_REG_GUEST_GS_BASE,
	VM_REG_GUEST_KGS_BASE,			/* MSR KERNEL_GS_BASE */
	VM_REG_GUEST_TPR,			/* CR8: task priority / 16, 0 to 15 */
	VM_REG_LAST				/* bound */
};

/*
 * Raw fields of the processor's control structure, as a negative register number, for
 * VM_GET_REGISTER alone (a set: EINVAL) [6.1]. Guest state and read-only exit fields can be read by
 * every owner of a VM; host state and control fields: EINVAL without CAP_SYS_ADMIN.
 */
#ifndef VMCS_IDENT
#define VMCS_IDENT(encoding)	/* Intel: the VMCS field with this encoding */		\
	((int)((encoding) | 0x80000000U))
#endif
#ifndef VMCB_ACCESS
#define VMCB_ACCESS(offset, width)	/* AMD: 1, 2, 4 or 8 bytes of the VMCB */	\
	((int)(0x80000000U | (((unsigned int)(width) & 0xfU) << 16) |			\
	       ((unsigned int)(offset) & 0xfffU)))
#endif

/*
 * Mode of a vCPU's local APIC: vm_x2apic.state [16]
 */
enum x2apic_state {
	X2APIC_DISABLED,			/* xAPIC: registers at 0xfee00000; a new vCPU */
	X2APIC_ENABLED,				/* x2APIC: registers as MSRs 0x800 to 0xbff */
	X2APIC_STATE_LAST			/* bound */
};

/*
 * Events: vm_intinfo.info1 and info2 [12]. Bits 63 to 32: the error code.
 */
#define VM_INTINFO_VECTOR(info)	((info) & 0xff)	/* bits 7 to 0: vector */
#define VM_INTINFO_DEL_ERRCODE	0x800		/* has an error code */
#define VM_INTINFO_RSVD		0x7ffff000	/* must be 0 */
#define VM_INTINFO_VALID	0x80000000	/* there is an event; else the rest is ignored */
#define VM_INTINFO_TYPE		0x700		/* mask; one of the four below */
#define VM_INTINFO_HWINTR	(0 << 8)	/* external interrupt */
#define VM_INTINFO_NMI		(2 << 8)	/* NMI; the vector must be 2 */
#define VM_INTINFO_HWEXCEPTION	(3 << 8)	/* exception; the vector must be below 32 */
#define VM_INTINFO_SWINTR	(4 << 8)	/* INT n */

/*
 * Capabilities of one vCPU: vm_capability.captype [13]. All are off (0) at first unless noted;
 * absent on this processor: ENOENT.
 */
enum vm_cap_type {
	VM_CAP_HALT_EXIT,			/* HLT sleeps in the kernel; off: in the guest */
	VM_CAP_MTRAP_EXIT,			/* exit MTRAP after every instruction; Intel */
	VM_CAP_PAUSE_EXIT,			/* exit PAUSE */
	VM_CAP_UNRESTRICTED_GUEST,		/* no paging needed; AMD: 1, a set of 0 is EINVAL */
	VM_CAP_ENABLE_INVPCID,			/* offer INVPCID, in CPUID as well; Intel */
	VM_CAP_BPT_EXIT,			/* exit BPT on INT3 */
	VM_CAP_RDPID,				/* 1 if RDPID is offered; get only; Intel */
	VM_CAP_RDTSCP,				/* 1 if RDTSCP is offered; get only; Intel */
	VM_CAP_IPI_EXIT,			/* exit IPI, for INIT and STARTUP; off: SPINUP_AP */
	VM_CAP_MASK_HWINTR,			/* hold back all events, to step; Intel: set only */
	VM_CAP_RFLAGS_TF,			/* exit DB after every instruction; AMD */
	VM_CAP_MAX				/* bound */
};

/*
 * Trigger mode of a pair of interrupt inputs: vm_isa_irq_trigger.trigger [15]
 */
enum vm_intr_trigger {
	EDGE_TRIGGER,
	LEVEL_TRIGGER
};

/*
 * Delivery modes, as in bits 10 to 8 of the interrupt command register: vm_exit.u.ipi.mode. An IPI
 * exit has INIT or STARTUP [11].
 */
#ifndef APIC_DELMODE_FIXED
#define APIC_DELMODE_FIXED	0x00000000
#define APIC_DELMODE_LOWPRIO	0x00000100
#define APIC_DELMODE_SMI	0x00000200
#define APIC_DELMODE_RR		0x00000300	/* remote read */
#define APIC_DELMODE_NMI	0x00000400
#define APIC_DELMODE_INIT	0x00000500
#define APIC_DELMODE_STARTUP	0x00000600
#define APIC_DELMODE_RESV	0x00000700
#endif

/*
 * Entries of the local vector table: vm_lapic_irq.vector of VM_LAPIC_LOCAL_IRQ [12]
 */
#ifndef APIC_LVT_LINT0
#define APIC_LVT_LINT0		0
#define APIC_LVT_LINT1		1
#define APIC_LVT_TIMER		2
#define APIC_LVT_ERROR		3
#define APIC_LVT_PMC		4
#define APIC_LVT_THERMAL	5
#define APIC_LVT_CMCI		6
#endif

/*
 * Segment or descriptor-table register [6.3]
 */
struct seg_desc {
	uint64_t	base;			/* linear address */
	uint32_t	limit;			/* last valid offset, bytes, whatever G says */
	uint32_t	access;			/* SEG_DESC_*; GDTR and IDTR: ignored, read as 0 */
};
VMM_ASSERT_SIZE(struct seg_desc, 16);

#define SEG_DESC_TYPE(access)		((access) & 0x001f)			/* S, type */
#define SEG_DESC_DPL(access)		(((access) >> 5) & 0x3)		/* privilege level */
#define SEG_DESC_PRESENT(access)	(((access) & 0x0080) ? 1 : 0)
#define SEG_DESC_DEF32(access)		(((access) & 0x4000) ? 1 : 0)	/* D/B */
#define SEG_DESC_GRANULARITY(access)	(((access) & 0x8000) ? 1 : 0)	/* G */
#define SEG_DESC_UNUSABLE(access)	(((access) & 0x10000) ? 1 : 0)	/* null selector */

/*
 * How the guest translates addresses: from CR0, CR4 and EFER at the exit, or as the caller of
 * VM_GLA2GPA wants it [14]
 */
enum vm_cpu_mode {
	CPU_MODE_REAL,				/* CR0.PE = 0 */
	CPU_MODE_PROTECTED,			/* CR0.PE = 1, EFER.LMA = 0 */
	CPU_MODE_COMPATIBILITY,			/* EFER.LMA = 1, CS.L = 0 */
	CPU_MODE_64BIT				/* EFER.LMA = 1, CS.L = 1 */
};

enum vm_paging_mode {
	PAGING_MODE_FLAT,			/* no paging: physical address = linear address */
	PAGING_MODE_32,				/* 2 levels, 4 KiB and 4 MiB pages */
	PAGING_MODE_PAE,			/* 3 levels, 4 KiB and 2 MiB pages */
	PAGING_MODE_64,				/* 4 levels, 4 KiB, 2 MiB and 1 GiB pages */
	PAGING_MODE_64_LA57			/* 5 levels */
};

struct vm_guest_paging {
	uint64_t		cr3;
	int			cpl;		/* current privilege level, 0 to 3 */
	enum vm_cpu_mode	cpu_mode;
	enum vm_paging_mode	paging_mode;
};
VMM_ASSERT_SIZE(struct vm_guest_paging, 24);

/*
 * A decoded instruction, carried by INST_EMUL exits: the kernel's decoder fills it, a user-space
 * copy of the emulator consumes it. To everything else its fields are opaque [8]
 */
#define VIE_INST_SIZE		15		/* longest instruction, bytes */

struct vie_op {
	uint8_t		op_byte;		/* last byte of the opcode */
	uint8_t		op_type;		/* the decoder's number for the operation */
	uint16_t	op_flags;
};
VMM_ASSERT_SIZE(struct vie_op, 4);

struct vie {
	uint8_t		inst[VIE_INST_SIZE];	/* instruction bytes */
	uint8_t		num_valid;		/* how many of them were fetched, 0 to 15 */

	/* From here on: the decoder's work, cleared when it starts over. */
	uint8_t		num_processed;		/* bytes consumed; in the end, the length */

	uint8_t		addrsize:4,		/* address size, bytes: 2, 4 or 8 */
			opsize:4;		/* operand size, bytes: 1, 2, 4 or 8 */
	uint8_t		rex_w:1,		/* REX or VEX bits */
			rex_r:1,
			rex_x:1,
			rex_b:1,
			rex_present:1,
			repz_present:1,		/* prefix f3 */
			repnz_present:1,	/* prefix f2 */
			opsize_override:1;	/* prefix 66 */
	uint8_t		addrsize_override:1,	/* prefix 67 */
			segment_override:1,	/* prefix 26, 2e, 36, 3e, 64 or 65 */
			mod:2,			/* ModRM */
			reg:4;			/* with the REX bit */
	uint8_t		rm:4,			/* with the REX bit */
			ss:2,			/* SIB scale, log2 */
			vex_present:1,
			vex_l:1;
	uint8_t		index:4,		/* SIB, with the REX bits */
			base:4;
	uint8_t		disp_bytes;		/* 0, 1, 2, 4 or 8 */
	uint8_t		imm_bytes;		/* 0, 1, 2, 4 or 8 */
	uint8_t		scale;			/* 1, 2, 4 or 8 */
	uint8_t		vex_reg:4,		/* VEX.vvvv: a second source operand */
			vex_pp:2,		/* VEX.pp: the implied prefix */
			_sparebits:2;
	uint8_t		_sparebytes[2];

	int		base_register;		/* enum vm_reg_name; VM_REG_LAST: none */
	int		index_register;		/* enum vm_reg_name; VM_REG_LAST: none */
	int		segment_register;	/* enum vm_reg_name, if segment_override */

	int64_t		displacement;		/* sign-extended */
	int64_t		immediate;		/* sign-extended */

	uint8_t		decoded;		/* 1 when all of this is valid */
	uint8_t		_sparebyte;

	struct vie_op	op;
};
VMM_ASSERT_SIZE(struct vie, 64);

/*
 * Exits: what VM_RUN returns [8]
 *
 * "kernel": settled in the kernel, never seen by a program. In all others, rip is the address of
 * the instruction that exited and inst_length its length; codes marked "-" have inst_length 0, and
 * rip is where the guest resumes.
 */
enum vm_exitcode {
	VM_EXITCODE_INOUT,		/* u.inout: IN or OUT, no device in the kernel */
	VM_EXITCODE_VMX,		/* u.vmx: exit nobody claimed, failed entry; fatal */
	VM_EXITCODE_BOGUS,		/* - a signal, or similar; call VM_RUN again */
	VM_EXITCODE_RDMSR,		/* u.msr: RDMSR the kernel does not emulate */
	VM_EXITCODE_WRMSR,		/* u.msr: WRMSR the kernel does not emulate */
	VM_EXITCODE_HLT,		/* kernel */
	VM_EXITCODE_MTRAP,		/* - one instruction done; VM_CAP_MTRAP_EXIT */
	VM_EXITCODE_PAUSE,		/* PAUSE; VM_CAP_PAUSE_EXIT */
	VM_EXITCODE_PAGING,		/* kernel: first access to a page of mapped memory */
	VM_EXITCODE_INST_EMUL,		/* u.inst_emul: access to neither memory nor device */
	VM_EXITCODE_SPINUP_AP,		/* u.spinup_ap: STARTUP; no VM_CAP_IPI_EXIT */
	VM_EXITCODE_DEPRECATED1,	/* never */
	VM_EXITCODE_RENDEZVOUS,		/* kernel */
	VM_EXITCODE_IOAPIC_EOI,		/* kernel */
	VM_EXITCODE_SUSPENDED,		/* - u.suspended: every active vCPU has stopped [10] */
	VM_EXITCODE_INOUT_STR,		/* u.inout_str: INS or OUTS, on any port */
	VM_EXITCODE_TASK_SWITCH,	/* u.task_switch: the program performs all of it */
	VM_EXITCODE_MONITOR,		/* kernel: #UD */
	VM_EXITCODE_MWAIT,		/* kernel: #UD */
	VM_EXITCODE_SVM,		/* u.svm: exit nobody claimed, invalid VMCB; fatal */
	VM_EXITCODE_REQIDLE,		/* - a request wants this vCPU; call VM_RUN again [4] */
	VM_EXITCODE_DEBUG,		/* - in the debug set: VM_SUSPEND_CPU [11] */
	VM_EXITCODE_VMINSN,		/* kernel: #UD */
	VM_EXITCODE_BPT,		/* - u.bpt: INT3; VM_CAP_BPT_EXIT */
	VM_EXITCODE_IPI,		/* u.ipi: INIT or STARTUP; VM_CAP_IPI_EXIT [11] */
	VM_EXITCODE_DB,			/* u.dbg: one instruction done; VM_CAP_RFLAGS_TF */
	VM_EXITCODE_MAX			/* bound */
};

/* To complete an IN, write RAX: the low bytes from the device, the rest from eax. */
struct vm_inout {
	uint16_t	bytes:3,		/* 1, 2 or 4 */
			in:1,			/* 1: IN or INS */
			string:1,		/* 1: first member of a struct vm_inout_str */
			rep:1;			/* REP prefix */
	uint16_t	port;
	uint32_t	eax;			/* guest EAX at the exit: the datum of an OUT */
};
VMM_ASSERT_SIZE(struct vm_inout, 8);

/*
 * The program checks limits, translates, moves data, updates RSI or RDI and RCX, and restarts the
 * instruction while iterations remain.
 */
struct vm_inout_str {
	struct vm_inout		inout;		/* must stay first */
	struct vm_guest_paging	paging;
	uint64_t		rflags;		/* bit 10 (DF): direction */
	uint64_t		cr0;
	uint64_t		index;		/* RSI (OUTS) or RDI (INS) */
	uint64_t		count;		/* RCX with REP, else 1 */
	int			addrsize;	/* 2, 4 or 8 bytes of index and count are used */
	enum vm_reg_name	seg_name;	/* INS: ES; OUTS: the effective segment */
	struct seg_desc		seg_desc;	/* of seg_name */
};
VMM_ASSERT_SIZE(struct vm_inout_str, 88);

enum task_switch_reason {
	TSR_CALL,				/* CALL */
	TSR_IRET,				/* IRET with NT set */
	TSR_JMP,				/* JMP */
	TSR_IDT_GATE				/* task gate in the IDT */
};

/*
 * After a switch during event delivery, the program clears that event: VM_SET_INTINFO, info1 = 0.
 */
struct vm_task_switch {
	uint16_t		tsssel;		/* selector of the new TSS */
	int			ext;		/* 1: external event, inst_length is 0 */
	uint32_t		errcode;	/* for the new task's stack, if errcode_valid */
	int			errcode_valid;
	enum task_switch_reason	reason;
	struct vm_guest_paging	paging;
};
VMM_ASSERT_SIZE(struct vm_task_switch, 48);

struct vm_exit {
	enum vm_exitcode	exitcode;
	int			inst_length;	/* bytes, 0 to 15; 0: unknown or do not advance */
	uint64_t		rip;
	union {
		struct vm_inout		inout;
		struct vm_inout_str	inout_str;
		struct {
			uint64_t	gpa;
			int		fault_type;	/* one of VM_PROT_READ, _WRITE, _EXECUTE */
		} paging;
		/*
		 * vie.decoded = 1: the guest resumes behind the instruction. 0: the kernel could
		 * not decode it, inst_length is 0, and the program sets RIP itself.
		 */
		struct {
			uint64_t	gpa;
			uint64_t	gla;		/* linear address; AMD: all ones */
			uint64_t	cs_base;
			int		cs_d;		/* CS.D: 1 for 32-bit code */
			struct vm_guest_paging	paging;
			struct vie	vie;
		} inst_emul;
		/* If status is 0, the next two are valid; else the last two. */
		struct {
			int		status;			/* 0: entry worked */
			uint32_t	exit_reason;		/* else all ones */
			uint64_t	exit_qualification;	/* else all ones */
			int		inst_type;		/* VMLAUNCH or VMRESUME */
			int		inst_error;		/* VM-instruction error */
		} vmx;
		/* From the VMCB. */
		struct {
			uint64_t	exitcode;
			uint64_t	exitinfo1;
			uint64_t	exitinfo2;
		} svm;
		/* For the guest: write this to ENTRY_INST_LENGTH, inject #BP without restart. */
		struct {
			int		inst_length;	/* of the breakpoint instruction, bytes */
		} bpt;
		struct {
			int		trace_trap;		/* 1: single step */
			int		pushf_intercept;	/* 1: PUSHF; the rest is valid */
			int		tf_shadow_val;		/* the guest's own TF, 0 or 1 */
			struct vm_guest_paging	paging;
		} dbg;
		/* RDMSR: write RAX and RDX, or inject #GP with restart. */
		struct {
			uint32_t	code;		/* ECX: number of the register */
			uint64_t	wval;		/* WRMSR: EDX:EAX */
		} msr;
		struct {
			int		vcpu;		/* id of the vCPU to start */
			uint64_t	rip;		/* vector << 12 */
		} spinup_ap;
		struct {
			uint64_t	rflags;
			uint64_t	intr_status;	/* Intel: guest interrupt status */
		} hlt;
		struct {
			int		vector;
		} ioapic_eoi;
		struct {
			enum vm_suspend_how	how;
		} suspended;
		/* The targets are in the CPU set of struct vm_run. */
		struct {
			uint32_t	mode;		/* APIC_DELMODE_INIT or _STARTUP */
			uint8_t		vector;		/* STARTUP: start address >> 12 */
		} ipi;
		struct vm_task_switch	task_switch;
	} u;
};
VMM_ASSERT_SIZE(struct vm_exit, 136);

#endif /* _MACHINE_VMM_H_ */
