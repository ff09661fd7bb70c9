/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Random numbers (xorshift64*), the same in every run of one seed; each case starts anew. */
#ifndef LEGACY_RANDOM_H
#define LEGACY_RANDOM_H

#include <linux/shim.h>

extern u64 random_seed;

void random_restart(void);
u64 random_bits(void);

/* 0 to @n - 1. */
static inline u64 random_below(u64 n)
{
	return random_bits() % n;
}

static inline bool random_one_in(u64 n)
{
	return !random_below(n);
}

#endif
