/* SPDX-License-Identifier: BSD-2-Clause */
/* A clock that stands still until the test turns it, behind the interface of src/dev/vtimer.h. */
#ifndef CLOCK_H
#define CLOCK_H

#include "vtimer.h"

extern const struct vclock_source clock_source;

extern u64 clock_now_ns;	/* set by clock_set(), clock_run() */
extern u64 clock_tsc;		/* host TSC, set by the test */
extern unsigned long clock_fired;	/* callbacks so far */

/* To @ns without any callback: it is late from here on. */
void clock_set(u64 ns);
/* The callbacks that are due now, earliest first; timers that they arm in the past fire as well. */
void clock_fire(void);
/* To @ns, stopping at every expiry. */
void clock_run(u64 ns);
/* Armed timers; their earliest expiry, or ~0. */
unsigned int clock_armed(void);
u64 clock_next(void);
/* Call timer->fire() as an interrupt would that began before the last change. */
void clock_fire_stale(struct vtimer *timer);
struct vtimer *clock_timer(unsigned int n);	/* n-th since clock_reset() */
void clock_reset(void);

#endif
