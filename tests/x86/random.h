/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* random: a generator that gives the same numbers for the same seed everywhere (xorshift64*). */
#ifndef X86_TEST_RANDOM_H
#define X86_TEST_RANDOM_H

#include <linux/types.h>

extern u64 random_state;

static inline u64 random_u64(void)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return random_state * 0x2545f4914f6cdd1dULL;
}

/* 0 to @bound - 1. */
static inline unsigned int random_below(unsigned int bound)
{
	return (random_u64() >> 32) % bound;
}

/* A number of the kind that finds mistakes: small, near a power of two, or any. */
static inline u64 random_value(void)
{
	switch (random_below(8)) {
	case 0:
		return random_below(4);
	case 1:
		return 0ULL - random_below(4);
	case 2:
		return (1ULL << random_below(64)) - random_below(2);
	case 3:
		return 0x8080808080808080ULL ^ (1ULL << random_below(64));
	default:
		return random_u64();
	}
}

#endif
