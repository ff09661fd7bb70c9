/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* vatpic: the pair of 8259 interrupt controllers (semantics.md section 18). */
#ifndef VMM_DEV_VATPIC_H
#define VMM_DEV_VATPIC_H

#include <linux/types.h>

struct bus;
struct irq;
struct vatpic;
struct record;

struct vatpic *vatpic_create(struct irq *irq);	/* sets irq->vatpic; ERR_PTR(-ENOMEM); process context */
void vatpic_destroy(struct vatpic *vatpic);	/* process context, no chip lock held, nobody uses it any more */
void vatpic_reset(struct vatpic *vatpic);	/* VM_REINIT: as created */
void vatpic_connect(struct vatpic *vatpic, struct bus *bus);	/* registers its ports */

/*
 * Inputs 0-15; outside: -EINVAL. They count: a line is up while more asserts than deasserts came,
 * an edge is a count that becomes 1. Until the guest has initialised that chip, changes are dropped
 * with success. Any context; may call into the I/O APIC, the local APICs and irq_host_ops.
 */
int vatpic_assert(struct vatpic *vatpic, int irq);
int vatpic_deassert(struct vatpic *vatpic, int irq);
/* Up and down before anybody can look: an edge, but nothing on an input that is level-triggered. */
int vatpic_pulse(struct vatpic *vatpic, int irq);
/* ELCR bit; level for inputs 0, 1, 2, 8, 13: -EINVAL. Any context. */
int vatpic_set_trigger(struct vatpic *vatpic, int irq, bool level);

/*
 * Level of the master's INT output. ExtINT goes to every vCPU, one of which takes the request:
 * the others look here first, as a processor would at its pin. Any context.
 */
bool vatpic_requesting(struct vatpic *vatpic);

/*
 * INTA cycle in two steps, own vCPU thread, IRQs off: the vector to inject as ExtINT, which changes
 * nothing, then what the acknowledge of that vector changes.
 */
/* Base + 7 if the request has gone meanwhile; -1: the guest never initialised the master. */
int vatpic_pending_vector(struct vatpic *vatpic);
void vatpic_intr_accepted(struct vatpic *vatpic, int vector);

/*
 * Save it into @record, or load it from there: completely if the record is right, else not at all.
 * vCPUs frozen, clock stopped; any context otherwise.
 */
void vatpic_snapshot(struct vatpic *vatpic, struct record *record);

#endif
