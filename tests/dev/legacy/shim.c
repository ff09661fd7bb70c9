// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* The checks of <linux/shim.h>. */
#include <stdarg.h>
#include <linux/shim.h>

u64 shim_ktime_ns = 1000;

void shim_die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	abort();
}

/* --- locks: which kind was taken while which was held --- */

#define LOCK_KINDS	16
#define LOCK_DEPTH	8

static const char *kinds[LOCK_KINDS];
static bool taken_after[LOCK_KINDS][LOCK_KINDS];
static raw_spinlock_t *held[LOCK_DEPTH];
static unsigned int depth;

static unsigned int lock_kind(const raw_spinlock_t *lock)
{
	unsigned int kind;

	if (!lock->name)
		shim_die("a lock that was never initialised");
	for (kind = 0; kind < LOCK_KINDS; kind++) {
		if (!kinds[kind])
			kinds[kind] = lock->name;
		if (!strcmp(kinds[kind], lock->name))
			return kind;
	}
	shim_die("more than %d kinds of locks", LOCK_KINDS);
}

void shim_lock(raw_spinlock_t *lock)
{
	unsigned int kind = lock_kind(lock), i;

	if (lock->held)
		shim_die("%s taken twice", lock->name);
	for (i = 0; i < depth; i++) {
		unsigned int before = lock_kind(held[i]);

		taken_after[kind][before] = true;
		if (taken_after[before][kind])
			shim_die("%s and %s taken in both orders", kinds[before], kinds[kind]);
	}
	if (depth == LOCK_DEPTH)
		shim_die("more than %d locks held", LOCK_DEPTH);
	held[depth++] = lock;
	lock->held = true;
}

void shim_unlock(raw_spinlock_t *lock)
{
	if (!depth || held[depth - 1] != lock)
		shim_die("%s is not the lock taken last", lock->name);
	depth--;
	lock->held = false;
}

unsigned int shim_locks_held(void)
{
	return depth;
}
