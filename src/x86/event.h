/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* event: which event a vCPU gets next: merging of an interrupted delivery with a new exception (semantics.md section 12). */
#ifndef VMM_X86_EVENT_H
#define VMM_X86_EVENT_H

#include <linux/types.h>
#include <machine/vmm.h>

/*
 * Pending events of one vCPU, in VM_INTINFO format.
 * [F] whoever has the vCPU frozen, or its own thread; [A] anyone, atomic bit operations
 */
struct vcpu_events {
	u64 exitintinfo;	/* [F] delivery that the last exit interrupted; 0: none */
	u64 exception;		/* [F] one injected exception; 0: none */
	unsigned long flags;	/* [A] bits EVENT_NMI, EVENT_EXTINT */
};
#define EVENT_NMI	0
#define EVENT_EXTINT	1

enum event_kind {
	EVENT_NONE,
	EVENT_INJECT,
	EVENT_TRIPLE_FAULT	/* the VM is to be suspended, how = VM_SUSPEND_TRIPLEFAULT */
};

/**
 * event_consume - merge what is pending into what is to be injected
 * @events: exitintinfo and exception are taken out, whatever the verdict
 * @info: out, on EVENT_INJECT: the event in VM_INTINFO format
 *
 * NMI, ExtINT and APIC interrupts come after this, and only if it said
 * EVENT_NONE. Not to be called while VM_CAP_MASK_HWINTR is on.
 *
 * Context: the vCPU's own thread before an entry; no locks, IRQs on or off.
 * Rule: semantics.md section 12; SDM vol. 3, 6.15, "Interrupt 8"; APM vol. 2, 8.2.9.
 */
enum event_kind event_consume(struct vcpu_events *events, u64 *info);

/**
 * event_pending - is there anything for event_consume() to do
 *
 * Context: vCPU frozen, or its own thread.
 */
static inline bool event_pending(const struct vcpu_events *events)
{
	return (events->exitintinfo | events->exception) & VM_INTINFO_VALID;
}

/**
 * event_set_intinfo - VM_SET_INTINFO: replace the interrupted delivery
 * @info: VM_INTINFO format; without VM_INTINFO_VALID: no event
 *
 * Also for what a backend found in its exit record. Event types beyond the four
 * of VM_INTINFO_TYPE are the processor's to judge at the entry.
 *
 * Context: vCPU frozen, or its own thread.
 * Return: 0, or -EINVAL and nothing changed: reserved bits, NMI with a vector
 * other than 2, exception with a vector above 31. Rule: semantics.md section 12.
 */
int event_set_intinfo(struct vcpu_events *events, u64 info);

/**
 * event_set_exception - VM_INJECT_EXCEPTION: make an exception pending
 * @vector: 0 to 31, not 8
 * @has_error: deliver @error_code with it
 * @real_mode: CR0.PE is clear: there are no error codes
 *
 * The caller clears the interrupt shadow and arranges for a restart.
 *
 * Context: vCPU frozen, or its own thread.
 * Return: 0; -EINVAL: vector; -EBUSY: one is pending. Rule: semantics.md section 12.
 */
int event_set_exception(struct vcpu_events *events, int vector, bool has_error, u32 error_code, bool real_mode);

#endif
