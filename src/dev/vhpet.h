/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* vhpet: the HPET, 8 timers (semantics.md section 20). */
#ifndef VMM_DEV_VHPET_H
#define VMM_DEV_VHPET_H

#include <linux/types.h>

struct bus;
struct irq;
struct vclock;
struct vhpet;
struct record;

#define VHPET_BASE_GPA	0xfed00000ULL
#define VHPET_SIZE	1024

struct vhpet *vhpet_create(struct irq *irq, struct vclock *clock);	/* ERR_PTR(-ENOMEM); process context */
/* Waits for the timers' callbacks: process context, no chip lock held, nobody uses it any more. */
void vhpet_destroy(struct vhpet *vhpet);
/* VM_REINIT: as created. Lowers its pins, so it comes before vioapic_reset(), which forgets them. */
void vhpet_reset(struct vhpet *vhpet);
void vhpet_connect(struct vhpet *vhpet, struct bus *bus);	/* registers its window */

u32 vhpet_capabilities(void);	/* low 32 bits of the capability register */
/* a bus_mmio_fn; always 0: what is not a register, or not an access of one, reads 0 or is dropped */
int vhpet_mmio(void *vhpet, unsigned int vcpuid, u64 offset, bool write, int bytes, u64 *val);

/*
 * Save it into @record, or load it from there: completely if the record is right, else not at all.
 * vCPUs frozen, clock stopped; any context otherwise.
 */
void vhpet_snapshot(struct vhpet *vhpet, struct record *record);

#endif
