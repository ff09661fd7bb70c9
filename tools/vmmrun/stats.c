// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "complain.h"
#include "cpu.h"
#include "machine.h"
#include "stats.h"

/*
 * Adds all vCPUs' values into an array of *COUNT for the caller to free, or NULL after a complaint.
 */
static uint64_t *stats_sum(struct machine *machine, int *count)
{
	uint64_t *sums = NULL, *values;
	int entries;

	*count = 0;
	for (int id = 0; id < machine->options->cpus; id++) {
		values = vm_get_stats(machine->cpus[id].vcpu, NULL, &entries);
		if (sums == NULL && values != NULL) {
			sums = calloc((size_t)entries + 1, sizeof(sums[0]));
			*count = entries;
		}
		if (values == NULL || sums == NULL) {
			complain("reading the statistics of vCPU %d failed: %s", id,
				 strerror(errno));
			free(sums);
			return NULL;
		}
		for (int i = 0; i < *count && i < entries; i++)
			sums[i] += values[i];
	}
	return sums;
}

void stats_print(struct machine *machine, const struct timespec *start)
{
	struct timespec now;
	const char *desc;
	uint64_t *sums;
	double seconds;
	int count;

	clock_gettime(CLOCK_MONOTONIC, &now);
	seconds =
		(double)(now.tv_sec - start->tv_sec) + (double)(now.tv_nsec - start->tv_nsec) / 1e9;
	fprintf(stderr, "%s: %s, after %.3f seconds, on %d vCPU%s\n", machine->options->name,
		machine->end_text != NULL ? machine->end_text : "did not run", seconds,
		machine->options->cpus, machine->options->cpus == 1 ? "" : "s");
	sums = stats_sum(machine, &count);
	for (int i = 0; sums != NULL && i < count; i++) {
		desc = vm_get_stat_desc(machine->ctx, i);
		if (sums[i] != 0 && desc != NULL)
			fprintf(stderr, "%-50s %20lu\n", desc, (unsigned long)sums[i]);
	}
	free(sums);
}
