/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* vrtc: the MC146818 clock with 128 bytes of NVRAM (semantics.md section 22). */
#ifndef VMM_DEV_VRTC_H
#define VMM_DEV_VRTC_H

#include <linux/types.h>

struct bus;
struct irq;
struct vclock;
struct vrtc;

struct vrtc *vrtc_create(struct irq *irq, struct vclock *clock);	/* ERR_PTR(-ENOMEM) */
void vrtc_destroy(struct vrtc *vrtc);	/* process context, no chip lock held */
void vrtc_reset(struct vrtc *vrtc);	/* VM_REINIT */
void vrtc_connect(struct vrtc *vrtc, struct bus *bus);	/* registers its ports or window */

/* semantics.md section 22; any process context. */
int vrtc_nvram_read(struct vrtc *vrtc, int offset, u8 *val);	/* -EINVAL */
int vrtc_nvram_write(struct vrtc *vrtc, int offset, u8 val);	/* -EINVAL */
s64 vrtc_get_time(struct vrtc *vrtc);				/* seconds since 1970, -1: broken */
int vrtc_set_time(struct vrtc *vrtc, s64 secs);			/* -EBUSY, -EINVAL */
extern bool vrtc_flag_broken_time;				/* module parameter */

#endif
