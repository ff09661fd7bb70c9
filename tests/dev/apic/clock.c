// SPDX-License-Identifier: BSD-2-Clause
#include "clock.h"

#define MAX_TIMERS	64

__thread char shim_thread;

u64 clock_now_ns;
u64 clock_tsc;
unsigned long clock_fired;
struct vtimer *clock_last;

static raw_spinlock_t clock_lock;	/* the rest */
static struct { struct vtimer *timer; u64 expires_ns; } armed[MAX_TIMERS];
static unsigned int narmed;
static struct vtimer *firing;

static u64 source_now_ns(void)
{
	return READ_ONCE(clock_now_ns);
}

static u64 source_tsc(void)
{
	return READ_ONCE(clock_tsc);
}

static void clock_remove(struct vtimer *timer)
{
	unsigned int i;

	lockdep_assert_held(&clock_lock);
	for (i = 0; i < narmed; i++)
		if (armed[i].timer == timer)
			armed[i--] = armed[--narmed];
}

static void source_arm(struct vtimer *timer, u64 expires_host_ns)
{
	raw_spin_lock(&clock_lock);
	clock_remove(timer);
	assert(narmed < MAX_TIMERS);
	armed[narmed].timer = timer;
	armed[narmed++].expires_ns = expires_host_ns;
	clock_last = timer;
	raw_spin_unlock(&clock_lock);
}

static void source_disarm(struct vtimer *timer)
{
	raw_spin_lock(&clock_lock);
	clock_remove(timer);
	raw_spin_unlock(&clock_lock);
}

static void source_drain(struct vtimer *timer)
{
	bool busy;

	source_disarm(timer);
	do {
		raw_spin_lock(&clock_lock);
		busy = firing == timer;
		raw_spin_unlock(&clock_lock);
	} while (busy);
}

const struct vclock_source clock_source = {
	.now_ns = source_now_ns,
	.tsc = source_tsc,
	.arm = source_arm,
	.disarm = source_disarm,
	.drain = source_drain,
};

void clock_reset(void)
{
	assert(!narmed);
	clock_now_ns = 0;
	clock_tsc = 0;
	clock_fired = 0;
}

unsigned int clock_armed(void)
{
	return narmed;
}

u64 clock_next(void)
{
	u64 first = ~0ULL;
	unsigned int i;

	for (i = 0; i < narmed; i++)
		if (armed[i].expires_ns < first)
			first = armed[i].expires_ns;
	return first;
}

void clock_set(u64 ns)
{
	assert(ns >= clock_now_ns);
	WRITE_ONCE(clock_now_ns, ns);
}

/* Take the first timer that expires up to @ns; NULL: there is none. */
static struct vtimer *clock_take(u64 ns)
{
	unsigned int i, first = 0;
	struct vtimer *timer;

	lockdep_assert_held(&clock_lock);
	for (i = 1; i < narmed; i++)
		if (armed[i].expires_ns < armed[first].expires_ns)
			first = i;
	if (!narmed || armed[first].expires_ns > ns)
		return NULL;
	if (armed[first].expires_ns > clock_now_ns)
		WRITE_ONCE(clock_now_ns, armed[first].expires_ns);
	timer = armed[first].timer;
	armed[first] = armed[--narmed];
	return timer;
}

static bool clock_fire_one(u64 ns)
{
	raw_spin_lock(&clock_lock);
	firing = clock_take(ns);
	raw_spin_unlock(&clock_lock);
	if (!firing)
		return false;

	clock_fired++;
	vtimer_expire(firing);

	raw_spin_lock(&clock_lock);
	firing = NULL;
	raw_spin_unlock(&clock_lock);
	return true;
}

void clock_fire(void)
{
	clock_run(clock_now_ns);
}

void clock_run(u64 ns)
{
	while (clock_fire_one(ns))
		;
	clock_set(ns);
}
