/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What a vCPU's exits ask for. */
#ifndef VMMRUN_EXIT_H
#define VMMRUN_EXIT_H

#include "cpu.h"

struct exit_handler {
	enum cpu_verdict	(*handle)(struct cpu *cpu, struct vm_exit *exit);
	bool			unlocked;	/* touches other vCPUs: called without the lock */
};

/* The handler of cpu->exit; never NULL. */
const struct exit_handler *exit_handler(const struct vm_exit *exit);

/* Name of an exit code, for people. */
const char *exit_name(int exitcode);

/* The handlers that have a file of their own. */
enum cpu_verdict inout_str_emulate(struct cpu *cpu, struct vm_exit *exit);	/* inout_str.c */
enum cpu_verdict mmio_emulate(struct cpu *cpu, struct vm_exit *exit);		/* mmio.c */
enum cpu_verdict msr_read(struct cpu *cpu, struct vm_exit *exit);		/* msr.c */
enum cpu_verdict msr_write(struct cpu *cpu, struct vm_exit *exit);
enum cpu_verdict task_switch_emulate(struct cpu *cpu, struct vm_exit *exit);	/* task_switch.c */

/* A request on the vCPU failed that never should: complains, naming WHAT. */
enum cpu_verdict exit_request_failed(struct cpu *cpu, const char *what);

#endif
