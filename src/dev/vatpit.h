/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* vatpit: the 8254 timer (semantics.md section 19). */
#ifndef VMM_DEV_VATPIT_H
#define VMM_DEV_VATPIT_H

#include <linux/types.h>

struct bus;
struct irq;
struct vclock;
struct vatpit;
struct record;

struct vatpit *vatpit_create(struct irq *irq, struct vclock *clock);	/* ERR_PTR(-ENOMEM); process context */
/* Waits for the timer's callback: process context, no chip lock held, nobody uses it any more. */
void vatpit_destroy(struct vatpit *vatpit);
void vatpit_reset(struct vatpit *vatpit);	/* VM_REINIT: as created */
void vatpit_connect(struct vatpit *vatpit, struct bus *bus);	/* registers its ports */

/*
 * Save it into @record, or load it from there: completely if the record is right, else not at all.
 * vCPUs frozen, clock stopped; any context otherwise.
 */
void vatpit_snapshot(struct vatpit *vatpit, struct record *record);

#endif
