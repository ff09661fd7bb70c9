/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* vlapic_timer: a local APIC's timer: one-shot, periodic, TSC deadline. Private to vlapic.c. */
#ifndef VMM_DEV_VLAPIC_TIMER_H
#define VMM_DEV_VLAPIC_TIMER_H

#include <linux/spinlock.h>
#include <linux/types.h>
#include "vtimer.h"

struct vlapic;

#define VLAPIC_TIMER_HZ		134217728	/* 2^27, before the divider */

/* Bits 18-17 of the timer's LVT entry. */
enum vlapic_timer_mode {
	VLAPIC_TIMER_ONESHOT,
	VLAPIC_TIMER_PERIODIC,
	VLAPIC_TIMER_DEADLINE,
	VLAPIC_TIMER_RESERVED,		/* counts down once */
};

struct vlapic_timer {
	struct vlapic *vlapic;		/* constant */
	struct vtimer vtimer;
	raw_spinlock_t lock;		/* the rest; written by the vCPU's thread and the callback */
	enum vlapic_timer_mode mode;
	u32 initial_count;
	u8 divide_config;		/* as the register has it */
	u8 shift;			/* log2 of the divider that was loaded with the count */
	bool armed;
	u64 expires_ns;			/* armed: guest clock time */
	u32 expires_frac;		/* its fraction, see vlapic_timer.c */
	u64 period_ns;			/* armed, not DEADLINE: what was loaded, at least a tick */
	u64 deadline_tsc;		/* armed in mode DEADLINE, else 0; read without the lock */
};

/* What a snapshot keeps; the mode is that of the LVT entry. */
struct vlapic_timer_state {
	enum vlapic_timer_mode mode;
	u32 initial_count;
	u8 divide_config;
	u8 shift;
	bool armed;
	u64 expires_in_ns;
	u32 expires_frac;
	u64 period_ns;
	u64 deadline_tsc;
};

void vlapic_timer_init(struct vlapic_timer *timer, struct vclock *clock, struct vlapic *vlapic);
/* Process context; waits for the callback. */
void vlapic_timer_destroy(struct vlapic_timer *timer);

/*
 * All of these: the vCPU's thread, or anybody while it is frozen; no sleeping. When one of them
 * has stopped the timer, no interrupt of it arrives any more.
 */
void vlapic_timer_reset(struct vlapic_timer *timer);
/* Entering or leaving DEADLINE disarms and clears the count (SDM vol. 3 section 11.5.4.1). */
void vlapic_timer_set_mode(struct vlapic_timer *timer, enum vlapic_timer_mode mode);
/* Initial count; starts the timer, 0 stops it. Ignored in mode DEADLINE. */
void vlapic_timer_set_count(struct vlapic_timer *timer, u32 count);
u32 vlapic_timer_count(struct vlapic_timer *timer);
u32 vlapic_timer_current_count(struct vlapic_timer *timer);
/* Bits 3, 1 and 0 of the divide configuration; used from the next load of the count on. */
void vlapic_timer_set_divide(struct vlapic_timer *timer, u32 config);
u32 vlapic_timer_divide(struct vlapic_timer *timer);
/* Software disable stops; software enable restarts a periodic timer. */
void vlapic_timer_stop(struct vlapic_timer *timer);
void vlapic_timer_restart(struct vlapic_timer *timer);
/* vlapic_tsc_deadline_write(), vlapic_tsc_deadline_read(). */
int vlapic_timer_set_deadline(struct vlapic_timer *timer, u64 deadline_tsc, u64 tsc_offset,
			      u32 tsc_khz);
u64 vlapic_timer_deadline(struct vlapic_timer *timer);
/* vCPU frozen, clock stopped. Restoring takes a state that was found valid. */
void vlapic_timer_save(struct vlapic_timer *timer, struct vlapic_timer_state *state);
bool vlapic_timer_state_valid(const struct vlapic_timer_state *state);
void vlapic_timer_restore(struct vlapic_timer *timer, const struct vlapic_timer_state *state);

#endif
