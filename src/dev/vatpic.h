/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* vatpic: the pair of 8259 interrupt controllers (semantics.md section 18). */
#ifndef VMM_DEV_VATPIC_H
#define VMM_DEV_VATPIC_H

#include <linux/types.h>

struct bus;
struct irq;
struct vclock;
struct vatpic;

struct vatpic *vatpic_create(struct irq *irq);	/* ERR_PTR(-ENOMEM) */
void vatpic_destroy(struct vatpic *vatpic);	/* process context, no chip lock held */
void vatpic_reset(struct vatpic *vatpic);	/* VM_REINIT */
void vatpic_connect(struct vatpic *vatpic, struct bus *bus);	/* registers its ports or window */

/* Input outside 0..15: -EINVAL. Any context. */
int vatpic_assert(struct vatpic *vatpic, int irq);
int vatpic_deassert(struct vatpic *vatpic, int irq);
int vatpic_pulse(struct vatpic *vatpic, int irq);
/* ELCR bit; level for inputs 0, 1, 2, 8, 13: -EINVAL. */
int vatpic_set_trigger(struct vatpic *vatpic, int irq, bool level);
/* INTA cycle: the vector to inject as ExtINT (pending_vector), then what the acknowledge changes (intr_accepted). Own vCPU thread, IRQs off. */
int vatpic_pending_vector(struct vatpic *vatpic);	/* -1: none */
void vatpic_intr_accepted(struct vatpic *vatpic, int vector);

#endif
