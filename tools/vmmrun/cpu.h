/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Virtual processors, one thread each.
 *
 * A vCPU that waits for a STARTUP IPI is in the kernel's debug set: its thread gets DEBUG exits and
 * sleeps between them, so that it still takes part when all vCPUs have to meet. Whoever executes
 * the IPI sets up the target's registers. The target may have returned from VM_RUN with an exit by
 * then, of a life that is over: such an exit is recognized by the generation and dropped.
 */
#ifndef VMMRUN_CPU_H
#define VMMRUN_CPU_H

#include <pthread.h>
#include <stdbool.h>

#include <vmmapi.h>

struct machine;

/* (i) constant once the thread runs; (t) the vCPU's own thread; [l] lock. */
struct cpu {
	struct machine	*machine;	/* (i) */
	struct vcpu	*vcpu;		/* (i) */
	int		id;		/* (i) */
	pthread_t	thread;		/* (i) */
	bool		has_thread;	/* main thread only: started and not joined */
	pthread_mutex_t	lock;		/* held while an exit is handled or others set registers */
	pthread_cond_t	wake;		/* the wait for a STARTUP IPI may be over */
	unsigned int	generation;	/* [l] counts INIT and STARTUP */
	bool		waiting;	/* [l] for a STARTUP IPI */
	struct vm_exit	exit;		/* (t) */
	cpuset_t	targets;	/* (t) of an IPI exit */
};

/* What becomes of a vCPU after one of its exits. */
enum cpu_verdict {
	CPU_CONTINUE,
	CPU_DEAD,			/* the exit cannot be handled; it was complained about */
	CPU_GONE,			/* the machine has stopped */
};

/*
 * Opens and activates vCPU ID, with the capabilities a monitor wants. 0, or -1 after a complaint.
 */
int cpu_create(struct cpu *cpu, struct machine *machine, int id);

/*
 * Starts the thread; the first vCPU runs, the others wait for a STARTUP IPI. 0, or -1 after a
 * complaint.
 */
int cpu_start(struct cpu *cpu);

/* Another vCPU's thread: CPU waits from now on (INIT), or starts in real mode at RIP (STARTUP). */
void cpu_init(struct cpu *cpu);
int cpu_startup(struct cpu *cpu, uint64_t rip);

#endif
