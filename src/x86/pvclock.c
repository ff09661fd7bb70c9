// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <linux/kernel.h>
#include <linux/math64.h>
#include <linux/string.h>

#include "pvclock.h"

#define NS_PER_MS	1000000ULL
#define NS_PER_S	1000000000U

static_assert(sizeof(struct pvclock_page) == 32);
static_assert(sizeof(struct pvclock_wall) == 12);

/*
 * Nanoseconds of a tick as a fraction of 2^32 with as many bits as fit: mul is 2^31 or more, and
 * the shift makes up for what that is too large or too small.
 */
static void scale(u32 khz, u32 *mul, s8 *shift)
{
	u64 ticks = khz, ns = NS_PER_MS;
	int by = 0;

	while (ns >= ticks) {		/* a tick is a nanosecond or longer */
		ticks <<= 1;
		by++;
	}
	while (ns << 1 < ticks) {
		ns <<= 1;
		by--;
	}
	*mul = div64_u64(ns << 32, ticks);
	*shift = by;
}

void pvclock_fill(struct pvclock_page *page, u64 tsc, u64 ns, u32 khz)
{
	memset(page, 0, sizeof(*page));
	page->tsc = tsc;
	page->ns = ns;
	page->flags = PVCLOCK_FLAG_STABLE;
	scale(khz, &page->mul, &page->shift);
}

u64 pvclock_read_ns(const struct pvclock_page *page, u64 tsc)
{
	u64 ticks = tsc - page->tsc;

	if (page->shift < 0)
		ticks >>= -page->shift;
	else
		ticks <<= page->shift;
	return page->ns + mul_u64_u32_shr(ticks, page->mul, 32);
}

void pvclock_wall_fill(struct pvclock_wall *wall, u64 real_ns, u64 ns)
{
	memset(wall, 0, sizeof(*wall));
	wall->sec = div_u64_rem(real_ns - ns, NS_PER_S, &wall->nsec);
}
