/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * pvclock: what a guest finds in memory at the addresses that it has written to MSRs 0x4b564d00
 * and 0x4b564d01. Linux: Documentation/virt/kvm/x86/msr.rst.
 */
#ifndef VMM_X86_PVCLOCK_H
#define VMM_X86_PVCLOCK_H

#include <linux/types.h>

#define PVCLOCK_MSR_WALL	0x4b564d00u	/* address, a multiple of 4 */
#define PVCLOCK_MSR_SYSTEM	0x4b564d01u	/* the same, and bit 0: on */
#define PVCLOCK_ON		1u

#define PVCLOCK_FLAG_STABLE	1	/* the vCPUs' pages are one clock that never goes back */

/* Guest time is ns + (((TSC - tsc) << shift) * mul >> 32); a negative shift is one to the right. */
struct pvclock_page {
	u32 version;		/* odd while the others change */
	u32 pad0;
	u64 tsc;		/* guest's TSC at ... */
	u64 ns;			/* ... this guest time */
	u32 mul;
	s8 shift;
	u8 flags;		/* PVCLOCK_FLAG_* */
	u8 pad[2];
};

/* Time of day at guest time 0. */
struct pvclock_wall {
	u32 version;
	u32 sec;
	u32 nsec;
};

/* The page, version 0, for a TSC of @khz (1 or more). Any context. */
void pvclock_fill(struct pvclock_page *page, u64 tsc, u64 ns, u32 khz);
/* Guest time that @page gives for @tsc, which is at least page->tsc. Any context. */
u64 pvclock_read_ns(const struct pvclock_page *page, u64 tsc);
/* @real_ns: time of day; @ns: guest time at the same moment, at most @real_ns. Any context. */
void pvclock_wall_fill(struct pvclock_wall *wall, u64 real_ns, u64 ns);

#endif
