// SPDX-License-Identifier: BSD-2-Clause
#include "clock.h"

#define MAX_TIMERS	64

__thread char shim_thread;

u64 clock_now_ns;
u64 clock_tsc;
unsigned long clock_fired;

static struct vtimer *timers[MAX_TIMERS];
static unsigned int ntimers;
static struct vtimer *firing;
static raw_spinlock_t clock_lock;	/* timers, firing, and their armed, expires_ns */

static u64 source_now_ns(void)
{
	return READ_ONCE(clock_now_ns);
}

static u64 source_tsc(void)
{
	return READ_ONCE(clock_tsc);
}

const struct vclock_source clock_source = { .now_ns = source_now_ns, .tsc = source_tsc };

void vclock_init(struct vclock *clock, const struct vclock_source *source)
{
	memset(clock, 0, sizeof(*clock));
	clock->source = source;
}

u64 vclock_now_ns(struct vclock *clock)
{
	return clock->source->now_ns();
}

void vtimer_init(struct vtimer *timer, struct vclock *clock, void (*fire)(struct vtimer *timer))
{
	timer->clock = clock;
	timer->fire = fire;
	timer->armed = false;
	assert(ntimers < MAX_TIMERS);
	timers[ntimers++] = timer;
}

void vtimer_arm(struct vtimer *timer, u64 expires_ns)
{
	raw_spin_lock(&clock_lock);
	timer->expires_ns = expires_ns;
	timer->armed = true;
	raw_spin_unlock(&clock_lock);
}

void vtimer_cancel(struct vtimer *timer)
{
	raw_spin_lock(&clock_lock);
	timer->armed = false;
	raw_spin_unlock(&clock_lock);
}

void vtimer_destroy(struct vtimer *timer)
{
	unsigned int i;
	bool busy;

	vtimer_cancel(timer);
	do {
		raw_spin_lock(&clock_lock);
		busy = firing == timer;
		raw_spin_unlock(&clock_lock);
	} while (busy);
	assert(!timer->armed);
	for (i = 0; i < ntimers && timers[i] != timer; i++)
		;
	assert(i < ntimers);
	timers[i] = timers[--ntimers];
}

void clock_reset(void)
{
	assert(!ntimers);
	clock_now_ns = 1000000000;
	clock_tsc = 0;
	clock_fired = 0;
}

struct vtimer *clock_timer(unsigned int n)
{
	assert(n < ntimers);
	return timers[n];
}

unsigned int clock_armed(void)
{
	unsigned int i, armed = 0;

	for (i = 0; i < ntimers; i++)
		armed += timers[i]->armed;
	return armed;
}

static struct vtimer *clock_earliest(void)
{
	struct vtimer *first = NULL;
	unsigned int i;

	for (i = 0; i < ntimers; i++)
		if (timers[i]->armed && (!first || timers[i]->expires_ns < first->expires_ns))
			first = timers[i];
	return first;
}

u64 clock_next(void)
{
	struct vtimer *first = clock_earliest();

	return first ? first->expires_ns : ~0ULL;
}

void clock_set(u64 ns)
{
	assert(ns >= clock_now_ns);
	WRITE_ONCE(clock_now_ns, ns);
}

/* Fire the first timer that expires up to @ns; false: there is none. */
static bool clock_fire_one(u64 ns)
{
	struct vtimer *timer;

	raw_spin_lock(&clock_lock);
	timer = clock_earliest();
	if (!timer || timer->expires_ns > ns) {
		raw_spin_unlock(&clock_lock);
		return false;
	}
	if (timer->expires_ns > clock_now_ns)
		WRITE_ONCE(clock_now_ns, timer->expires_ns);
	timer->armed = false;
	firing = timer;
	raw_spin_unlock(&clock_lock);

	clock_fired++;
	timer->fire(timer);

	raw_spin_lock(&clock_lock);
	firing = NULL;
	raw_spin_unlock(&clock_lock);
	return true;
}

void clock_fire(void)
{
	while (clock_fire_one(clock_now_ns))
		;
}

void clock_run(u64 ns)
{
	while (clock_fire_one(ns))
		;
	clock_set(ns);
}

void clock_fire_stale(struct vtimer *timer)
{
	timer->fire(timer);
}
