/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* vlapic: the local APIC of one vCPU (semantics.md section 16; SDM vol. 3 chapter 11). */
#ifndef VMM_DEV_VLAPIC_H
#define VMM_DEV_VLAPIC_H

#include <linux/bitmap.h>
#include <linux/types.h>
#include <machine/vmm.h>

struct irq;
struct vclock;
struct vlapic;
struct record;

#define VLAPIC_BASE_GPA		0xfee00000ULL
#define VLAPIC_PAGE_SIZE	0x1000

/* Verdict of a write to ICR: the sender must leave with an IPI (or SPINUP_AP) exit; see vlapic_ipi(). */
#define VLAPIC_IPI_EXIT		1

struct vlapic_ipi {
	u32 mode;				/* APIC_DELMODE_INIT or _STARTUP */
	u8 vector;
	DECLARE_BITMAP(targets, VM_MAXCPU);	/* never empty; exactly one without IPI_EXIT */
};

/* Statistics that the vlapic counts; the house points it at its counters. */
enum vlapic_stat {
	VLAPIC_STAT_GRATUITOUS_EOI,
	VLAPIC_STAT_INTR_ERROR,
	VLAPIC_STAT_INTR_TIMER,
	VLAPIC_STAT_INTR_CMC,
	VLAPIC_STAT_LVT,			/* 7 elements follow, one an LVT index */
	VLAPIC_STAT_IPI_SEND = VLAPIC_STAT_LVT + 7,
	VLAPIC_STAT_IPI_RECV,
	VLAPIC_STAT_LAST,
};

/**
 * vlapic_create() - a local APIC in reset state, xAPIC mode, IPI_EXIT off
 * @irq: the VM's fabric; irq->vlapics[@vcpuid] is published
 * @clock: of its timer
 * @vcpuid: below irq->maxcpus; also the APIC id
 * @stats: array of VLAPIC_STAT_LAST counters, never NULL; incremented from any context, losses
 *         allowed
 * Return: the APIC, or ERR_PTR(-ENOMEM). Process context.
 */
struct vlapic *vlapic_create(struct irq *irq, struct vclock *clock, unsigned int vcpuid,
			     u64 *stats);
/*
 * Takes it out of irq->vlapics and waits for its timer. Process context; whoever could send it
 * an interrupt (chips with timers, devices, ioctls) has ended.
 */
void vlapic_destroy(struct vlapic *vlapic);
/*
 * INIT or VM_REINIT: registers to their reset values (semantics.md section 16), nothing pending
 * or in service. x2APIC state and IPI_EXIT are the house's settings and stay. Own thread or
 * vCPU frozen.
 */
void vlapic_reset(struct vlapic *vlapic);

/**
 * vlapic_mmio() - access to the register page
 * @vlapic: of the accessing vCPU
 * @offset: from VLAPIC_BASE_GPA. Writes: multiple of 16; reads: with the low two bits dropped,
 *          multiple of 16
 * @write: direction
 * @bytes: 1 to 8; a write takes 4
 * @val: the datum of a write; takes that of a read, zero-extended
 * Return: 0; -EINVAL width or alignment; -EPERM ICR with a delivery mode that nobody receives
 * (lowest priority, SMI, remote read); VLAPIC_IPI_EXIT. In x2APIC mode the page is not there:
 * reads 0, ignores writes, returns 0.
 *
 * Own thread (or vCPU frozen), IRQs may be on, no sleeping.
 */
int vlapic_mmio(struct vlapic *vlapic, u64 offset, bool write, int bytes, u64 *val);

/**
 * vlapic_msr_read(), vlapic_msr_write() - APIC base 0x1b and the x2APIC registers 0x800-0xbff
 * @vlapic: of the accessing vCPU
 * @msr: any MSR number
 * @val: 64 bits
 * Return: 0; -ENOENT: leave it to user space as an RDMSR/WRMSR exit (another MSR, another APIC
 * base, an ICR that vlapic_mmio() answers with -EPERM); -EINVAL: #GP (absent register, wrong
 * direction, reserved bit, in x2APIC mode); VLAPIC_IPI_EXIT. In xAPIC mode 0x800-0xbff read 0
 * and ignore writes.
 *
 * Own thread, IRQs may be on, no sleeping.
 */
int vlapic_msr_read(struct vlapic *vlapic, u32 msr, u64 *val);
int vlapic_msr_write(struct vlapic *vlapic, u32 msr, u64 val);

/**
 * vlapic_tsc_deadline_write() - IA32_TSC_DEADLINE (MSR 0x6e0)
 * @vlapic: of the accessing vCPU
 * @deadline_tsc: guest TSC; 0 disarms, one that has passed fires at once
 * @tsc_offset: guest TSC minus host TSC
 * @tsc_khz: frequency of both
 * Return: 0, also when the timer is in another mode and the write is ignored; -EINVAL if
 * @tsc_khz is 0. Own thread, no sleeping.
 */
int vlapic_tsc_deadline_write(struct vlapic *vlapic, u64 deadline_tsc, u64 tsc_offset,
			      u32 tsc_khz);
/* The armed deadline; 0 when it has fired, or in another mode. Own thread. */
u64 vlapic_tsc_deadline_read(struct vlapic *vlapic);

/*
 * CR8, 0 to 15: bits 7-4 of TPR. A write clears the others; its bits above 3 are ignored. Own
 * thread or frozen.
 */
u64 vlapic_cr8_read(struct vlapic *vlapic);
void vlapic_cr8_write(struct vlapic *vlapic, u64 cr8);
/* What the write that returned VLAPIC_IPI_EXIT sent; valid until the next write. Own thread. */
const struct vlapic_ipi *vlapic_ipi(struct vlapic *vlapic);

/* Is there anything in IRR, deliverable or not? Any context, hot. */
bool vlapic_requesting(const struct vlapic *vlapic);
/* Highest deliverable vector, or -1. Own thread, IRQs off, hot. */
int vlapic_pending_intr(struct vlapic *vlapic);
/* The vector, the last answer of vlapic_pending_intr(), was injected: IRR to ISR. Own thread. */
void vlapic_intr_accepted(struct vlapic *vlapic, int vector);
/*
 * If TPR alone holds back the highest pending vector: its class (1 to 15); it gets through as
 * soon as TPR's class is below that. Else 0. Own thread.
 */
int vlapic_tpr_threshold(struct vlapic *vlapic);

/*
 * The virtual-APIC page, which a processor that virtualizes APIC registers and delivers interrupts by
 * itself reads and writes while the guest runs (Intel manual vol. 3, 30.1). Between vlapic_page_load()
 * and vlapic_page_save() TPR, ISR and the interrupts that were taken along are in the page, and no
 * function that is the owner's may be called; the rest of the time the page follows the registers.
 */
/* @page: 4 KiB that are there as long as @vlapic, or NULL: none, as at first. vCPU frozen. */
void vlapic_attach_page(struct vlapic *vlapic, void *page);
/**
 * vlapic_page_load() - hand the page over to the processor
 * @vlapic: has a page
 * @deliver: take pending interrupts along; else they stay here
 * Return: the guest interrupt status: bits 7-0 the highest vector to be delivered, 15-8 the highest
 * in service, 0 where there is none. Own thread, RUNNING announced, IRQs off, hot.
 */
u16 vlapic_page_load(struct vlapic *vlapic, bool deliver);
/* And back. @status: the guest interrupt status as the exit has left it. Own thread, IRQs off, hot. */
void vlapic_page_save(struct vlapic *vlapic, u16 status);
/* 256 bits, one a vector: those that came in as level-triggered. Any context. */
const unsigned long *vlapic_level_vectors(const struct vlapic *vlapic);
/* Does the page answer a read of x2APIC register MSR 0x800 + @reg as vlapic_msr_read() would? */
bool vlapic_page_has(unsigned int reg);

/**
 * vlapic_set_irr() - accept a fixed interrupt, and notify the vCPU
 * @vlapic: the receiver
 * @vector: below 16: a receive-illegal-vector error instead
 * @level: trigger mode: what TMR will say of this vector
 * Return: false if the APIC is software-disabled and the interrupt was dropped. Any context.
 */
bool vlapic_set_irr(struct vlapic *vlapic, u8 vector, bool level);

/**
 * vlapic_trigger_lvt() - an event at a local source
 * @vlapic: the receiver
 * @index: APIC_LVT_*
 * Return: 0; -EINVAL for an unknown index, unless the APIC is software-disabled: then LINT0 is
 * ExtINT, LINT1 is NMI, and others are nothing. Any context. Semantics.md section 12.
 */
int vlapic_trigger_lvt(struct vlapic *vlapic, int index);

/* Not software-disabled (SVR bit 8). Any context. */
bool vlapic_enabled(struct vlapic *vlapic);
bool vlapic_x2apic(struct vlapic *vlapic);	/* any context */
u64 vlapic_apicbase(struct vlapic *vlapic);	/* MSR 0x1b, any context */
/* Rewrites id, LDR and DFR. vCPU frozen; 0, or -EINVAL for a value that is no state. */
int vlapic_set_x2apic_state(struct vlapic *vlapic, enum x2apic_state state);
/* Capability IPI_EXIT. vCPU frozen, or own thread. */
void vlapic_set_ipi_exit(struct vlapic *vlapic, bool on);
bool vlapic_ipi_exit(struct vlapic *vlapic);

/*
 * Destination match by this APIC's LDR and DFR; @dest: 8 bits, or 32 for one in x2APIC mode.
 * Broadcasts and physical destinations are irq.c's. Any context.
 */
bool vlapic_match_logical(struct vlapic *vlapic, u32 dest);

/**
 * vlapics_snapshot() - save every local APIC of @irq into @record, or load them from there
 * @irq: the fabric
 * @record: of the same vCPUs; if it is wrong anywhere nothing is changed
 * Return: 0, whatever @record says, or -ENOMEM. All vCPUs frozen, clock stopped; sleeps.
 */
int vlapics_snapshot(struct irq *irq, struct record *record);

#endif
