// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "random.h"

static u64 state = 1;

void random_restart(void)
{
	state = random_seed ? random_seed : 1;
}

u64 random_bits(void)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (state * 0x2545f4914f6cdd1dULL) >> 8 ^ state << 40;
}
