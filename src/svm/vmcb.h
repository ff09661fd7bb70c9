/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * vmcb: the virtual machine control block, AMD64 manual vol. 2, appendix B, and the numbers of
 * appendix C.
 */
#ifndef VMM_SVM_VMCB_H
#define VMM_SVM_VMCB_H

#include <linux/build_bug.h>
#include <linux/bits.h>
#include <linux/mm.h>
#include <linux/stddef.h>
#include <linux/types.h>

/* Intercepts: word of vmcb->intercepts and bit, as 32 * word + bit. */
#define INTERCEPT(word, bit)		(32 * (word) + (bit))
#define INTERCEPT_CR_READ(n)		INTERCEPT(0, n)
#define INTERCEPT_CR_WRITE(n)		INTERCEPT(0, 16 + (n))
#define INTERCEPT_DR_READ(n)		INTERCEPT(1, n)
#define INTERCEPT_DR_WRITE(n)		INTERCEPT(1, 16 + (n))
#define INTERCEPT_EXCEPTION(n)		INTERCEPT(2, n)
enum svm_intercept {
	INTERCEPT_INTR = INTERCEPT(3, 0), INTERCEPT_NMI, INTERCEPT_SMI, INTERCEPT_INIT,
	INTERCEPT_VINTR, INTERCEPT_CR0_SEL_WRITE, INTERCEPT_IDTR_READ, INTERCEPT_GDTR_READ,
	INTERCEPT_LDTR_READ, INTERCEPT_TR_READ, INTERCEPT_IDTR_WRITE, INTERCEPT_GDTR_WRITE,
	INTERCEPT_LDTR_WRITE, INTERCEPT_TR_WRITE, INTERCEPT_RDTSC, INTERCEPT_RDPMC,
	INTERCEPT_PUSHF, INTERCEPT_POPF, INTERCEPT_CPUID, INTERCEPT_RSM, INTERCEPT_IRET,
	INTERCEPT_INTN, INTERCEPT_INVD, INTERCEPT_PAUSE, INTERCEPT_HLT, INTERCEPT_INVLPG,
	INTERCEPT_INVLPGA, INTERCEPT_IOIO, INTERCEPT_MSR, INTERCEPT_TASK_SWITCH,
	INTERCEPT_FERR_FREEZE, INTERCEPT_SHUTDOWN,
	INTERCEPT_VMRUN = INTERCEPT(4, 0), INTERCEPT_VMMCALL, INTERCEPT_VMLOAD, INTERCEPT_VMSAVE,
	INTERCEPT_STGI, INTERCEPT_CLGI, INTERCEPT_SKINIT, INTERCEPT_RDTSCP, INTERCEPT_ICEBP,
	INTERCEPT_WBINVD, INTERCEPT_MONITOR, INTERCEPT_MWAIT, INTERCEPT_MWAIT_ARMED,
	INTERCEPT_XSETBV, INTERCEPT_RDPRU, INTERCEPT_EFER_WRITE_DONE,
	INTERCEPT_INVLPGB = INTERCEPT(5, 0), INTERCEPT_INVLPGB_ILLEGAL, INTERCEPT_INVPCID,
	INTERCEPT_MCOMMIT, INTERCEPT_TLBSYNC,
};
#define INTERCEPT_WORDS			6

/* vmcb->int_ctl */
#define INT_CTL_V_TPR			GENMASK(3, 0)
#define INT_CTL_V_IRQ			BIT(8)
#define INT_CTL_V_IGN_TPR		BIT(20)
#define INT_CTL_V_INTR_MASKING		BIT(24)

#define TLB_CONTROL_NONE		0
#define TLB_CONTROL_FLUSH_ALL		1
#define TLB_CONTROL_FLUSH_ASID		3

#define NP_ENABLE			BIT(0)
#define INTERRUPT_SHADOW		BIT(0)

/* vmcb->clean: groups that have not changed since the last VMRUN. */
#define CLEAN_INTERCEPTS		BIT(0)
#define CLEAN_IOPM			BIT(1)
#define CLEAN_ASID			BIT(2)
#define CLEAN_TPR			BIT(3)
#define CLEAN_NP			BIT(4)
#define CLEAN_CR			BIT(5)
#define CLEAN_DR			BIT(6)
#define CLEAN_DT			BIT(7)
#define CLEAN_SEG			BIT(8)
#define CLEAN_CR2			BIT(9)
#define CLEAN_LBR			BIT(10)
#define CLEAN_AVIC			BIT(11)
#define CLEAN_CET			BIT(12)
#define CLEAN_ALL			GENMASK(12, 0)

/*
 * Event injection and EXITINTINFO share VM_INTINFO's layout: vector, type, error-code valid,
 * valid, error code.
 */

enum svm_exitcode {
	EXIT_CR_READ = 0x00, EXIT_CR_WRITE = 0x10, EXIT_DR_READ = 0x20, EXIT_DR_WRITE = 0x30,
	EXIT_EXCEPTION = 0x40,
	EXIT_INTR = 0x60, EXIT_NMI, EXIT_SMI, EXIT_INIT, EXIT_VINTR, EXIT_CR0_SEL_WRITE,
	EXIT_RDPMC = 0x6f, EXIT_PUSHF, EXIT_POPF, EXIT_CPUID, EXIT_RSM, EXIT_IRET, EXIT_INTN,
	EXIT_INVD, EXIT_PAUSE, EXIT_HLT, EXIT_INVLPG, EXIT_INVLPGA, EXIT_IOIO, EXIT_MSR,
	EXIT_TASK_SWITCH, EXIT_FERR_FREEZE, EXIT_SHUTDOWN,
	EXIT_VMRUN = 0x80, EXIT_VMMCALL, EXIT_VMLOAD, EXIT_VMSAVE, EXIT_STGI, EXIT_CLGI,
	EXIT_SKINIT, EXIT_RDTSCP, EXIT_ICEBP, EXIT_WBINVD, EXIT_MONITOR, EXIT_MWAIT,
	EXIT_MWAIT_ARMED, EXIT_XSETBV, EXIT_RDPRU, EXIT_EFER_WRITE_DONE,
	EXIT_INVLPGB = 0xa0, EXIT_INVLPGB_ILLEGAL, EXIT_INVPCID, EXIT_MCOMMIT, EXIT_TLBSYNC,
	EXIT_COUNT,
	EXIT_NPF = 0x400,
};
#define EXIT_INVALID			(~0ULL)

/* EXITINFO1 of EXIT_IOIO */
#define IOIO_IN				BIT(0)
#define IOIO_STRING			BIT(2)
#define IOIO_REP			BIT(3)
#define IOIO_BYTES(info)		(((info) >> 4) & 7)
#define IOIO_ADDR_BYTES(info)		((((info) >> 7) & 7) << 1)
#define IOIO_SEGMENT(info)		(((info) >> 10) & 7)
#define IOIO_PORT(info)			((u16)((info) >> 16))

/* EXITINFO1 of EXIT_NPF: page-fault error code of the nested walk */
#define NPF_WRITE			BIT(1)
#define NPF_RESERVED			BIT(3)
#define NPF_FETCH			BIT(4)
#define NPF_WALK			BIT_ULL(33)	/* on a page of the guest's own page tables */

/* Segment attributes: access-rights bits 0-7 and 12-15 of a descriptor, packed. */
struct vmcb_segment {
	u16 selector;
	u16 attrib;
	u32 limit;
	u64 base;
} __packed;

struct vmcb_control {
	u32 intercepts[INTERCEPT_WORDS];	/* 000 */
	u32 reserved_018[9];
	u16 pause_threshold;			/* 03c */
	u16 pause_count;
	u64 iopm_pa;				/* 040 */
	u64 msrpm_pa;
	u64 tsc_offset;				/* 050 */
	u32 asid;
	u8 tlb_control;
	u8 reserved_05d[3];
	u32 int_ctl;				/* 060 */
	u32 int_vector;
	u64 int_shadow;
	u64 exitcode;				/* 070 */
	u64 exitinfo1;
	u64 exitinfo2;				/* 080 */
	u64 exitintinfo;
	u64 np_ctl;				/* 090 */
	u64 avic_bar;
	u64 ghcb_pa;				/* 0a0 */
	u64 eventinj;
	u64 nested_cr3;				/* 0b0 */
	u64 lbr_ctl;
	u32 clean;				/* 0c0 */
	u32 reserved_0c4;
	u64 nextrip;
	u8 inst_len;				/* 0d0 */
	u8 inst_bytes[15];
	u8 reserved_0e0[0x320];
} __packed;

struct vmcb_state {
	struct vmcb_segment es, cs, ss, ds, fs, gs, gdtr, ldtr, idtr, tr;	/* 400 */
	u8 reserved_4a0[0x2b];
	u8 cpl;					/* 4cb */
	u32 reserved_4cc;
	u64 efer;				/* 4d0 */
	u8 reserved_4d8[0x70];
	u64 cr4;				/* 548 */
	u64 cr3;
	u64 cr0;
	u64 dr7;				/* 560 */
	u64 dr6;
	u64 rflags;				/* 570 */
	u64 rip;
	u8 reserved_580[0x58];
	u64 rsp;				/* 5d8 */
	u64 s_cet, ssp, isst_addr;
	u64 rax;				/* 5f8 */
	u64 star;				/* 600 */
	u64 lstar, cstar, sfmask, kernel_gs_base;
	u64 sysenter_cs, sysenter_esp, sysenter_eip;
	u64 cr2;				/* 640 */
	u8 reserved_648[0x20];
	u64 pat;				/* 668 */
	u64 debugctl;				/* 670 */
	u64 last_branch[4];
	u8 reserved_698[0x968];
} __packed;

struct vmcb {
	struct vmcb_control control;
	struct vmcb_state state;
} __packed;

static_assert(sizeof(struct vmcb) == PAGE_SIZE);
static_assert(offsetof(struct vmcb, control.iopm_pa) == 0x040);
static_assert(offsetof(struct vmcb, control.int_ctl) == 0x060);
static_assert(offsetof(struct vmcb, control.exitcode) == 0x070);
static_assert(offsetof(struct vmcb, control.nested_cr3) == 0x0b0);
static_assert(offsetof(struct vmcb, control.inst_len) == 0x0d0);
static_assert(offsetof(struct vmcb, state.cpl) == 0x4cb);
static_assert(offsetof(struct vmcb, state.efer) == 0x4d0);
static_assert(offsetof(struct vmcb, state.cr4) == 0x548);
static_assert(offsetof(struct vmcb, state.rflags) == 0x570);
static_assert(offsetof(struct vmcb, state.rsp) == 0x5d8);
static_assert(offsetof(struct vmcb, state.rax) == 0x5f8);
static_assert(offsetof(struct vmcb, state.cr2) == 0x640);
static_assert(offsetof(struct vmcb, state.pat) == 0x668);

static inline void vmcb_intercept(struct vmcb *vmcb, unsigned int intercept, bool on)
{
	u32 *word = &vmcb->control.intercepts[intercept / 32];

	if (on)
		*word |= BIT(intercept % 32);
	else
		*word &= ~BIT(intercept % 32);
	vmcb->control.clean &= ~CLEAN_INTERCEPTS;
}

static inline bool vmcb_intercepts(const struct vmcb *vmcb, unsigned int intercept)
{
	return vmcb->control.intercepts[intercept / 32] & BIT(intercept % 32);
}

/* A field of @group was written: hardware must read it again. */
static inline void vmcb_dirty(struct vmcb *vmcb, u32 group)
{
	vmcb->control.clean &= ~group;
}

#endif
