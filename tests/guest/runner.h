/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* How a test's process tells the runner what happened. */
#ifndef RUNNER_H
#define RUNNER_H

#define MACHINE_PREFIX	"gt."		/* + test_process . process id . serial number */

extern pid_t test_process;		/* in a test: the one that the runner has forked, whose children create machines too */

/* Exit status of a test's process; anything else: it crashed. */
#define VERDICT_PASSED	0
#define VERDICT_FAILED	1
#define VERDICT_SKIPPED	77

/* The reason; the first one stands. */
void verdict_set(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif /* RUNNER_H */
