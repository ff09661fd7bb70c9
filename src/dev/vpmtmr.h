/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* vpmtmr: the ACPI PM timer (semantics.md section 21). It has no interrupt. */
#ifndef VMM_DEV_VPMTMR_H
#define VMM_DEV_VPMTMR_H

#include <linux/types.h>

struct bus;
struct vclock;
struct vpmtmr;
struct record;

struct vpmtmr *vpmtmr_create(struct vclock *clock);	/* shows 0; ERR_PTR(-ENOMEM); process context */
void vpmtmr_destroy(struct vpmtmr *vpmtmr);	/* process context, nobody uses it any more */
void vpmtmr_reset(struct vpmtmr *vpmtmr);	/* VM_REINIT, vCPUs frozen: shows 0 */
void vpmtmr_connect(struct vpmtmr *vpmtmr, struct bus *bus);	/* registers its port */

/*
 * Save it into @record, or load it from there: completely if the record is right, else not at all.
 * vCPUs frozen, clock stopped; any context otherwise.
 */
void vpmtmr_snapshot(struct vpmtmr *vpmtmr, struct record *record);

#endif
