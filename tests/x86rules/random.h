/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Repeatable random numbers: the same seed gives the same run. */
#ifndef X86RULES_RANDOM_H
#define X86RULES_RANDOM_H

#include <linux/types.h>

/* xorshift64*; @state must not be 0. */
static inline u64 random_u64(u64 *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 0x2545f4914f6cdd1dULL;
}

/* 0 to @bound - 1. */
static inline u32 random_below(u64 *state, u32 bound)
{
	return (u32)(random_u64(state) >> 32) % bound;
}

/* True once in @n times. */
static inline bool random_once_in(u64 *state, u32 n)
{
	return random_below(state, n) == 0;
}

#endif
