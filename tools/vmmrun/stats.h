/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The machine's statistics, for people. */
#ifndef VMMRUN_STATS_H
#define VMMRUN_STATS_H

#include <time.h>

struct machine;

/*
 * Prints on stderr how MACHINE ended, how long it ran since START (CLOCK_MONOTONIC), and every
 * statistic that is not 0, summed over the vCPUs.
 */
void stats_print(struct machine *machine, const struct timespec *start);

#endif
