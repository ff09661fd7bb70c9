/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* vrtc: the MC146818 clock with 128 bytes of NVRAM (semantics.md section 22). */
#ifndef VMM_DEV_VRTC_H
#define VMM_DEV_VRTC_H

#include <linux/types.h>

struct bus;
struct irq;
struct vclock;
struct vrtc;
struct record;

/* Shows 1970-01-01 00:00:00; ERR_PTR(-ENOMEM); process context. */
struct vrtc *vrtc_create(struct irq *irq, struct vclock *clock);
/* Waits for the timer's callback: process context, no chip lock held, nobody uses it any more. */
void vrtc_destroy(struct vrtc *vrtc);
void vrtc_reset(struct vrtc *vrtc);	/* VM_REINIT: interrupts off; time, mode and NVRAM stay */
void vrtc_connect(struct vrtc *vrtc, struct bus *bus);	/* registers its ports */

/* VM_RTC_READ and _WRITE, VM_RTC_GETTIME and _SETTIME (semantics.md section 22); any context. */

/* @offset 0-127, else -EINVAL. Reading register C this way clears nothing. */
int vrtc_nvram_read(struct vrtc *vrtc, int offset, u8 *val);
/* @offset 14-127 without the century, else -EINVAL. */
int vrtc_nvram_write(struct vrtc *vrtc, int offset, u8 val);
/* Seconds since 1970; -1: the date is none, the clock stands. */
s64 vrtc_get_time(struct vrtc *vrtc);
/*
 * @secs: from 1970 to the end of 9999, else -EINVAL; or -1: stop the clock as an invalid date does.
 * -EBUSY: the guest has updates halted (register B, SET), and @secs is not the time at which it stands.
 */
int vrtc_set_time(struct vrtc *vrtc, s64 secs);

/* Module parameter: an invalid date fails the port write that puts it into force. */
extern bool vrtc_flag_broken_time;

/*
 * Save it into @record, or load it from there: completely if the record is right, else not at all.
 * vCPUs frozen, clock stopped; any context otherwise.
 */
void vrtc_snapshot(struct vrtc *vrtc, struct record *record);

#endif
