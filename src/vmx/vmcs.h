/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* vmcs: the virtual-machine control structure, Intel manual vol. 3, chapter 25, and the numbers of its appendices B and C. */
#ifndef VMM_VMX_VMCS_H
#define VMM_VMX_VMCS_H

#include <linux/bits.h>
#include <linux/build_bug.h>
#include <linux/compiler.h>
#include <linux/mm.h>
#include <linux/types.h>
#include <vmx/insn.h>

/* The processor keeps what it likes behind the first two words. */
struct vmcs {
	u32 revision;
	u32 abort;
	u8 data[PAGE_SIZE - 8];
};
static_assert(sizeof(struct vmcs) == PAGE_SIZE);

/* Segments in the order in which their fields are numbered, two apart. */
enum vmcs_segment {
	VMCS_ES, VMCS_CS, VMCS_SS, VMCS_DS, VMCS_FS, VMCS_GS, VMCS_LDTR, VMCS_TR,
	VMCS_SEGMENTS,
};

/*
 * Encodings: bits 0 high half of a 64-bit field, 9-1 index, 11-10 type, 14-13 width.
 * Manual vol. 3, appendix B.
 */
enum vmcs_encoding {
	VMCS_VPID			= 0x0000,

	VMCS_GUEST_SELECTOR		= 0x0800,	/* + 2 * enum vmcs_segment */
	VMCS_GUEST_INTR_STATUS		= 0x0810,

	VMCS_HOST_ES_SELECTOR		= 0x0c00,
	VMCS_HOST_CS_SELECTOR		= 0x0c02,
	VMCS_HOST_SS_SELECTOR		= 0x0c04,
	VMCS_HOST_DS_SELECTOR		= 0x0c06,
	VMCS_HOST_FS_SELECTOR		= 0x0c08,
	VMCS_HOST_GS_SELECTOR		= 0x0c0a,
	VMCS_HOST_TR_SELECTOR		= 0x0c0c,

	VMCS_MSR_BITMAP			= 0x2004,
	VMCS_EXIT_MSR_STORE		= 0x2006,
	VMCS_EXIT_MSR_LOAD		= 0x2008,
	VMCS_ENTRY_MSR_LOAD		= 0x200a,
	VMCS_TSC_OFFSET			= 0x2010,
	VMCS_VIRTUAL_APIC		= 0x2012,
	VMCS_EPTP			= 0x201a,
	VMCS_EOI_EXIT_BITMAP		= 0x201c,	/* 4 of them, two apart */
	VMCS_ENCLS_BITMAP		= 0x202e,
	VMCS_ENCLV_BITMAP		= 0x2036,

	VMCS_GUEST_PHYSICAL		= 0x2400,

	VMCS_GUEST_LINK_POINTER		= 0x2800,
	VMCS_GUEST_DEBUGCTL		= 0x2802,
	VMCS_GUEST_PAT			= 0x2804,
	VMCS_GUEST_EFER			= 0x2806,
	VMCS_GUEST_PDPTE0		= 0x280a,	/* PDPTE1 to 3 follow, two apart */

	VMCS_HOST_PAT			= 0x2c00,
	VMCS_HOST_EFER			= 0x2c02,

	VMCS_PIN_CONTROLS		= 0x4000,
	VMCS_PROC_CONTROLS		= 0x4002,
	VMCS_EXCEPTION_BITMAP		= 0x4004,
	VMCS_PAGE_FAULT_MASK		= 0x4006,
	VMCS_PAGE_FAULT_MATCH		= 0x4008,
	VMCS_CR3_TARGET_COUNT		= 0x400a,
	VMCS_EXIT_CONTROLS		= 0x400c,
	VMCS_EXIT_MSR_STORE_COUNT	= 0x400e,
	VMCS_EXIT_MSR_LOAD_COUNT	= 0x4010,
	VMCS_ENTRY_CONTROLS		= 0x4012,
	VMCS_ENTRY_MSR_LOAD_COUNT	= 0x4014,
	VMCS_ENTRY_INTR_INFO		= 0x4016,
	VMCS_ENTRY_INTR_ERROR		= 0x4018,
	VMCS_ENTRY_INST_LENGTH		= 0x401a,
	VMCS_TPR_THRESHOLD		= 0x401c,
	VMCS_PROC_CONTROLS_2		= 0x401e,
	VMCS_PLE_GAP			= 0x4020,
	VMCS_PLE_WINDOW			= 0x4022,

	VMCS_INSTRUCTION_ERROR		= 0x4400,
	VMCS_EXIT_REASON		= 0x4402,
	VMCS_EXIT_INTR_INFO		= 0x4404,
	VMCS_EXIT_INTR_ERROR		= 0x4406,
	VMCS_IDT_VECTORING_INFO		= 0x4408,
	VMCS_IDT_VECTORING_ERROR	= 0x440a,
	VMCS_EXIT_INST_LENGTH		= 0x440c,
	VMCS_EXIT_INST_INFO		= 0x440e,

	VMCS_GUEST_LIMIT		= 0x4800,	/* + 2 * enum vmcs_segment */
	VMCS_GUEST_GDTR_LIMIT		= 0x4810,
	VMCS_GUEST_IDTR_LIMIT		= 0x4812,
	VMCS_GUEST_ACCESS		= 0x4814,	/* + 2 * enum vmcs_segment */
	VMCS_GUEST_INTERRUPTIBILITY	= 0x4824,
	VMCS_GUEST_ACTIVITY		= 0x4826,
	VMCS_GUEST_SYSENTER_CS		= 0x482a,
	VMCS_GUEST_TIMER		= 0x482e,

	VMCS_HOST_SYSENTER_CS		= 0x4c00,

	VMCS_CR0_MASK			= 0x6000,
	VMCS_CR4_MASK			= 0x6002,
	VMCS_CR0_SHADOW			= 0x6004,
	VMCS_CR4_SHADOW			= 0x6006,

	VMCS_EXIT_QUALIFICATION		= 0x6400,
	VMCS_GUEST_LINEAR		= 0x640a,

	VMCS_GUEST_CR0			= 0x6800,
	VMCS_GUEST_CR3			= 0x6802,
	VMCS_GUEST_CR4			= 0x6804,
	VMCS_GUEST_BASE			= 0x6806,	/* + 2 * enum vmcs_segment */
	VMCS_GUEST_GDTR_BASE		= 0x6816,
	VMCS_GUEST_IDTR_BASE		= 0x6818,
	VMCS_GUEST_DR7			= 0x681a,
	VMCS_GUEST_RSP			= 0x681c,
	VMCS_GUEST_RIP			= 0x681e,
	VMCS_GUEST_RFLAGS		= 0x6820,
	VMCS_GUEST_PENDING_DEBUG	= 0x6822,
	VMCS_GUEST_SYSENTER_ESP		= 0x6824,
	VMCS_GUEST_SYSENTER_EIP		= 0x6826,

	VMCS_HOST_CR0			= 0x6c00,
	VMCS_HOST_CR3			= 0x6c02,
	VMCS_HOST_CR4			= 0x6c04,
	VMCS_HOST_FS_BASE		= 0x6c06,
	VMCS_HOST_GS_BASE		= 0x6c08,
	VMCS_HOST_TR_BASE		= 0x6c0a,
	VMCS_HOST_GDTR_BASE		= 0x6c0c,
	VMCS_HOST_IDTR_BASE		= 0x6c0e,
	VMCS_HOST_SYSENTER_ESP		= 0x6c10,
	VMCS_HOST_SYSENTER_EIP		= 0x6c12,
	VMCS_HOST_RSP			= 0x6c14,	/* written in entry.S */
	VMCS_HOST_RIP			= 0x6c16,
};

/* Parts of an encoding. */
#define VMCS_ENCODING_VALID		(GENMASK(14, 13) | GENMASK(11, 0))
#define VMCS_ENCODING_HIGH		BIT(0)
#define VMCS_ENCODING_TYPE(field)	(((field) >> 10) & 3)
enum { VMCS_TYPE_CONTROL, VMCS_TYPE_EXIT, VMCS_TYPE_GUEST, VMCS_TYPE_HOST };

/* Pin-based controls. */
#define PIN_EXTERNAL_INTERRUPT		BIT(0)
#define PIN_NMI				BIT(3)
#define PIN_VIRTUAL_NMIS		BIT(5)
#define PIN_PREEMPTION_TIMER		BIT(6)

/* Primary processor-based controls. */
#define PROC_INTERRUPT_WINDOW		BIT(2)
#define PROC_TSC_OFFSET			BIT(3)
#define PROC_HLT			BIT(7)
#define PROC_INVLPG			BIT(9)
#define PROC_MWAIT			BIT(10)
#define PROC_RDPMC			BIT(11)
#define PROC_RDTSC			BIT(12)
#define PROC_CR3_LOAD			BIT(15)
#define PROC_CR3_STORE			BIT(16)
#define PROC_CR8_LOAD			BIT(19)
#define PROC_CR8_STORE			BIT(20)
#define PROC_TPR_SHADOW			BIT(21)
#define PROC_NMI_WINDOW			BIT(22)
#define PROC_MOV_DR			BIT(23)
#define PROC_UNCONDITIONAL_IO		BIT(24)
#define PROC_IO_BITMAPS			BIT(25)
#define PROC_MONITOR_TRAP		BIT(27)
#define PROC_MSR_BITMAPS		BIT(28)
#define PROC_MONITOR			BIT(29)
#define PROC_PAUSE			BIT(30)
#define PROC_SECONDARY			BIT(31)

/* Secondary processor-based controls. */
#define PROC2_EPT			BIT(1)
#define PROC2_RDTSCP			BIT(3)
#define PROC2_X2APIC			BIT(4)
#define PROC2_VPID			BIT(5)
#define PROC2_WBINVD			BIT(6)
#define PROC2_UNRESTRICTED		BIT(7)
#define PROC2_APIC_REGISTERS		BIT(8)
#define PROC2_INTR_DELIVERY		BIT(9)
#define PROC2_PAUSE_LOOP		BIT(10)
#define PROC2_INVPCID			BIT(12)
#define PROC2_ENCLS			BIT(15)
#define PROC2_CONCEAL_PT		BIT(19)
#define PROC2_ENCLV			BIT(28)

/* Exit controls. */
#define EXIT_SAVE_DEBUG			BIT(2)
#define EXIT_HOST_64BIT			BIT(9)
#define EXIT_ACK_INTERRUPT		BIT(15)
#define EXIT_LOAD_PAT			BIT(19)
#define EXIT_SAVE_EFER			BIT(20)
#define EXIT_LOAD_EFER			BIT(21)
#define EXIT_CONCEAL_PT			BIT(24)

/* Entry controls. */
#define ENTRY_LOAD_DEBUG		BIT(2)
#define ENTRY_LONG_MODE			BIT(9)
#define ENTRY_SMM			BIT(10)
#define ENTRY_DUAL_MONITOR_OFF		BIT(11)
#define ENTRY_LOAD_PAT			BIT(14)
#define ENTRY_LOAD_EFER			BIT(15)
#define ENTRY_CONCEAL_PT		BIT(17)

/* Guest interruptibility state. */
#define BLOCKED_BY_STI			BIT(0)
#define BLOCKED_BY_MOV_SS		BIT(1)
#define BLOCKED_BY_SMI			BIT(2)
#define BLOCKED_BY_NMI			BIT(3)
#define BLOCKED_ENCLAVE			BIT(4)
#define BLOCKED_SHADOW			(BLOCKED_BY_STI | BLOCKED_BY_MOV_SS)

/* Guest activity state. */
enum { ACTIVITY_ACTIVE, ACTIVITY_HLT, ACTIVITY_SHUTDOWN, ACTIVITY_WAIT_SIPI };

/* Guest pending debug exceptions; qualification of a #DB has them where DR6 does. */
#define PENDING_DEBUG_BREAKPOINTS	GENMASK_ULL(3, 0)
#define PENDING_DEBUG_ENABLED		BIT_ULL(12)
#define PENDING_DEBUG_BS		BIT_ULL(14)
#define PENDING_DEBUG_RTM		BIT_ULL(16)

/*
 * Entry interruption information, exit interruption information and IDT-vectoring
 * information share VM_INTINFO's layout but for the types that only VMX has.
 */
#define INTR_TYPE_PRIVILEGED_TRAP	(5 << 8)	/* INT1 */
#define INTR_TYPE_TRAP			(6 << 8)	/* INT3, INTO */
#define INTR_NMI_UNBLOCKED		BIT(12)		/* an IRET had ended NMI blocking before it faulted */

/* A segment's access rights: SEG_DESC_* of the API. */
#define ACCESS_UNUSABLE			BIT(16)

/* Basic exit reasons. */
enum vmx_exit_reason {
	EXIT_EXCEPTION_NMI, EXIT_EXTERNAL_INTERRUPT, EXIT_TRIPLE_FAULT, EXIT_INIT, EXIT_SIPI,
	EXIT_IO_SMI, EXIT_SMI, EXIT_INTERRUPT_WINDOW, EXIT_NMI_WINDOW, EXIT_TASK_SWITCH,
	EXIT_CPUID, EXIT_GETSEC, EXIT_HLT, EXIT_INVD, EXIT_INVLPG, EXIT_RDPMC, EXIT_RDTSC,
	EXIT_RSM, EXIT_VMCALL, EXIT_VMCLEAR, EXIT_VMLAUNCH, EXIT_VMPTRLD, EXIT_VMPTRST,
	EXIT_VMREAD, EXIT_VMRESUME, EXIT_VMWRITE, EXIT_VMXOFF, EXIT_VMXON, EXIT_CR, EXIT_DR,
	EXIT_IO, EXIT_RDMSR, EXIT_WRMSR, EXIT_INVALID_GUEST_STATE, EXIT_MSR_LOAD,
	EXIT_MWAIT = 36, EXIT_MONITOR_TRAP,
	EXIT_MONITOR = 39, EXIT_PAUSE, EXIT_ENTRY_MACHINE_CHECK,
	EXIT_TPR_BELOW_THRESHOLD = 43, EXIT_APIC_ACCESS, EXIT_EOI, EXIT_GDTR_IDTR,
	EXIT_LDTR_TR, EXIT_EPT_VIOLATION, EXIT_EPT_MISCONFIG, EXIT_INVEPT, EXIT_RDTSCP,
	EXIT_PREEMPTION_TIMER, EXIT_INVVPID, EXIT_WBINVD, EXIT_XSETBV, EXIT_APIC_WRITE,
	EXIT_RDRAND, EXIT_INVPCID, EXIT_VMFUNC, EXIT_ENCLS, EXIT_RDSEED, EXIT_PML_FULL,
	EXIT_XSAVES, EXIT_XRSTORS, EXIT_PCONFIG, EXIT_SPP, EXIT_UMWAIT, EXIT_TPAUSE,
	EXIT_LOADIWKEY, EXIT_ENCLV,
	EXIT_ENQCMD_PASID = 72, EXIT_ENQCMDS_PASID, EXIT_BUS_LOCK, EXIT_INST_TIMEOUT,
	EXIT_SEAMCALL, EXIT_TDCALL,
	EXIT_COUNT,
};
static_assert(EXIT_EPT_VIOLATION == 48 && EXIT_ENCLV == 70 && EXIT_TDCALL == 77);

#define EXIT_REASON_BASIC(reason)	((u16)(reason))
#define EXIT_REASON_ENTRY_FAILED	BIT(31)

/* Qualification of EXIT_CR */
#define CR_QUAL_REGISTER(qual)		((qual) & 0xf)
#define CR_QUAL_ACCESS(qual)		(((qual) >> 4) & 3)
#define CR_QUAL_GPR(qual)		(((qual) >> 8) & 0xf)
#define CR_QUAL_LMSW(qual)		((u16)((qual) >> 16))
enum { CR_ACCESS_MOV_TO, CR_ACCESS_MOV_FROM, CR_ACCESS_CLTS, CR_ACCESS_LMSW };

/* Qualification of EXIT_DR */
#define DR_QUAL_REGISTER(qual)		((qual) & 7)
#define DR_QUAL_READ			BIT_ULL(4)
#define DR_QUAL_GPR(qual)		(((qual) >> 8) & 0xf)

/* Qualification of EXIT_IO */
#define IO_QUAL_BYTES(qual)		(((qual) & 7) + 1)
#define IO_QUAL_IN			BIT_ULL(3)
#define IO_QUAL_STRING			BIT_ULL(4)
#define IO_QUAL_REP			BIT_ULL(5)
#define IO_QUAL_PORT(qual)		((u16)((qual) >> 16))

/* Instruction information of INS and OUTS */
#define INS_INFO_ADDR_BYTES(info)	(2 << (((info) >> 7) & 7))
#define INS_INFO_SEGMENT(info)		(((info) >> 15) & 7)

/* Qualification of EXIT_TASK_SWITCH */
#define TASK_QUAL_SELECTOR(qual)	((u16)(qual))
#define TASK_QUAL_SOURCE(qual)		(((qual) >> 30) & 3)	/* in the order of enum task_switch_reason */

/* Qualification of EXIT_EPT_VIOLATION */
#define EPT_QUAL_WRITE			BIT_ULL(1)
#define EPT_QUAL_FETCH			BIT_ULL(2)
#define EPT_QUAL_GLA_VALID		BIT_ULL(7)
#define EPT_QUAL_TRANSLATED		BIT_ULL(8)	/* the access itself, not the walk to it */
#define EPT_QUAL_NMI_UNBLOCKED		BIT_ULL(12)

/* --- access to the current VMCS; preemption off ----------------------------------------- */

void vmcs_access_failed(const char *what, unsigned long field);

static inline u64 vmcs_read(unsigned long field)
{
	u64 val = 0;

	if (unlikely(!vmx_insn_vmread(field, &val)))
		vmcs_access_failed("read", field);
	return val;
}

static inline void vmcs_write(unsigned long field, u64 val)
{
	if (unlikely(!vmx_insn_vmwrite(field, val)))
		vmcs_access_failed("write", field);
}

/* @vmcs: what the field holds. */
static inline void vmcs_update(unsigned long field, u64 *vmcs, u64 val)
{
	if (*vmcs == val)
		return;
	vmcs_write(field, val);
	*vmcs = val;
}

static inline void vmcs_update32(unsigned long field, u32 *vmcs, u32 val)
{
	if (*vmcs == val)
		return;
	vmcs_write(field, val);
	*vmcs = val;
}

static inline unsigned long vmcs_segment_field(enum vmcs_encoding first, enum vmcs_segment seg)
{
	return first + 2 * seg;
}

/* --- is the guest state one that VM entry takes? (check.c) ------------------------------- */

/* What the rules of the manual's "Checks on the Guest State Area" look at. */
struct vmx_guest_state {
	u64 cr0, cr3, cr4, efer, pat, dr7, debugctl;
	u64 rip, rsp, rflags;
	u64 sysenter_esp, sysenter_eip;
	u64 pdpte[4];
	u64 pending_debug, link_pointer;
	struct { u16 selector; u32 limit, access; u64 base; } seg[VMCS_SEGMENTS];
	u64 gdtr_base, idtr_base;
	u32 gdtr_limit, idtr_limit;
	u32 interruptibility, activity;
	/* Controls that decide which rules hold. */
	u32 entry_controls, pin_controls, entry_intr_info;
	bool unrestricted;
	/* Of this processor. */
	u64 cr0_fixed0, cr0_fixed1, cr4_fixed0, cr4_fixed1;
	unsigned int physical_bits, linear_bits;
	u64 activity_supported;		/* bit n: activity state n */
};

struct vmx_finding {
	const char *field;	/* NULL: nothing wrong */
	const char *rule;	/* what it breaks */
	u64 value;
};

/* The first field, in the manual's order, that VM entry would refuse. Any context. */
struct vmx_finding vmx_check_guest_state(const struct vmx_guest_state *state);

#endif
