/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* A dead vCPU's state, for people. */
#ifndef VMMRUN_DUMP_H
#define VMMRUN_DUMP_H

struct cpu;

/*
 * Prints CPU's last exit, its registers and the instruction bytes at RIP on stderr. The vCPU must
 * not be running.
 */
void dump_cpu(struct cpu *cpu);

#endif
