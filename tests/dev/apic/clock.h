/* SPDX-License-Identifier: BSD-2-Clause */
/* A source of time that the test turns by hand, behind the vclock of src/dev/vtimer.h. */
#ifndef CLOCK_H
#define CLOCK_H

#include "vtimer.h"

extern const struct vclock_source clock_source;

extern u64 clock_now_ns;		/* host time; moved by clock_set(), clock_run() */
extern u64 clock_tsc;			/* host TSC, set by the test */
extern unsigned long clock_fired;	/* expiries reported so far */

extern struct vtimer *clock_last;	/* armed last; calling its fire() is a callback that could not be taken back any more */

/* To @ns without any callback: whatever is due is late from here on. */
void clock_set(u64 ns);
/* Report what is due now, earliest first, including what the callbacks arm in the past. */
void clock_fire(void);
/* To @ns, stopping at every expiry. */
void clock_run(u64 ns);
/* Armed timers; their earliest expiry, or ~0. */
unsigned int clock_armed(void);
u64 clock_next(void);
/* Back to the start. No timer is armed. */
void clock_reset(void);

#endif
