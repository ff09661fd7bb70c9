/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* vpmtmr: the ACPI PM timer (semantics.md section 21). */
#ifndef VMM_DEV_VPMTMR_H
#define VMM_DEV_VPMTMR_H

#include <linux/types.h>

struct bus;
struct irq;
struct vclock;
struct vpmtmr;

struct vpmtmr *vpmtmr_create(struct vclock *clock);	/* ERR_PTR(-ENOMEM) */
void vpmtmr_destroy(struct vpmtmr *vpmtmr);	/* process context, no chip lock held */
void vpmtmr_reset(struct vpmtmr *vpmtmr);	/* VM_REINIT */
void vpmtmr_connect(struct vpmtmr *vpmtmr, struct bus *bus);	/* registers its ports or window */


#endif
