/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* vhpet: the HPET, 8 timers (semantics.md section 20). */
#ifndef VMM_DEV_VHPET_H
#define VMM_DEV_VHPET_H

#include <linux/types.h>

struct bus;
struct irq;
struct vclock;
struct vhpet;

struct vhpet *vhpet_create(struct irq *irq, struct vclock *clock);	/* ERR_PTR(-ENOMEM) */
void vhpet_destroy(struct vhpet *vhpet);	/* process context, no chip lock held */
void vhpet_reset(struct vhpet *vhpet);	/* VM_REINIT */
void vhpet_connect(struct vhpet *vhpet, struct bus *bus);	/* registers its ports or window */

#define VHPET_BASE_GPA	0xfed00000ULL
#define VHPET_SIZE	1024

u32 vhpet_capabilities(void);	/* low 32 bits of the capability register */
/* a bus_mmio_fn */
int vhpet_mmio(void *vhpet, unsigned int vcpuid, u64 offset, bool write, int bytes, u64 *val);

#endif
