/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The machine that this program runs: made, run to its end, destroyed. */
#ifndef VMMRUN_MACHINE_H
#define VMMRUN_MACHINE_H

#include <pthread.h>
#include <stdbool.h>

#include <vmmapi.h>

#include "memory.h"
#include "options.h"

struct boot_state;
struct cpu;
struct uart;

/* How a machine ended; from MACHINE_RESET on, the program's exit status. */
enum machine_end {
	MACHINE_RUNNING = -1,
	MACHINE_RESET,
	MACHINE_POWEROFF,
	MACHINE_HALT,
	MACHINE_TRIPLEFAULT,
	MACHINE_ERROR,
	MACHINE_SAVED,
};

/* (i) constant once the vCPUs run; [l] lock. */
struct machine {
	const struct options	*options;	/* (i) */
	struct vmctx		*ctx;		/* (i) */
	struct memory		memory;		/* (i) */
	uint64_t		features;	/* (i) VML_FEATURE_* that are on */
	struct cpu		*cpus;		/* (i) options->cpus of them */
	struct uart		*uart;		/* (i) the console */
	pthread_mutex_t		lock;
	enum machine_end	end;		/* [l] the first end stands */
	const char		*end_text;	/* [l] how that came, for people */
	int			end_fd;		/* (i) an eventfd, readable from the end on */
	bool			pausing;	/* [l] vCPU threads are to park */
	int			parked;		/* [l] how many have */
	pthread_cond_t		pause_change;	/* [l] one of these, or end, has changed */
};

/* Creates the machine of OPTIONS with memory and topology. 0, or -1 after a complaint. */
int machine_create(struct machine *machine, const struct options *options);

/*
 * Runs it from STATE, or from where it stands if that is NULL, to its end. Returns how it ended. All vCPU threads have gone, unless the
 * kernel does not let them.
 */
enum machine_end machine_run(struct machine *machine, const struct boot_state *state);

/* Destroys it, or lets go of it if it is to be kept. */
void machine_destroy(struct machine *machine);

/*
 * The machine ends as END because of TEXT, unless it is ending already. From any thread. Stops the
 * vCPUs.
 */
void machine_stop(struct machine *machine, enum machine_end end, const char *text);

/* As machine_stop, for an end that the kernel has told of (VM_EXITCODE_SUSPENDED). */
void machine_suspended(struct machine *machine, enum vm_suspend_how how);

bool machine_ending(struct machine *machine);

/*
 * All vCPU threads park, between two exits. Main thread. 0, or -1 after a complaint, or because the
 * machine ends; then they go on.
 */
int machine_pause(struct machine *machine);

/* They go on. */
void machine_unpause(struct machine *machine);

/* A vCPU's thread: parks if that is wanted. */
void machine_pause_attend(struct machine *machine);

#endif
