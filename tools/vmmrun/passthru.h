/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* PCI devices of the host in the machine. */
#ifndef VMMRUN_PASSTHRU_H
#define VMMRUN_PASSTHRU_H

#include <stdbool.h>
#include <stdint.h>

struct machine;

#define PASSTHRU_MAX	8

/*
 * Binds the functions of options->passthru and puts them on the PCI bus. Before the first vCPU runs,
 * after memory is there. 0, or -1 after a complaint.
 */
int passthru_create(struct machine *machine);

/*
 * An access to guest-physical memory where nothing is: true if it belongs to a function's registers, and has been
 * carried out. Any vCPU thread.
 */
bool passthru_mmio(uint64_t gpa, bool write, void *buffer, int bytes);

/* Reads TEXT as a function's address. 0, or -1 after a complaint. */
struct vm_ppt_addr;
int passthru_parse(const char *text, struct vm_ppt_addr *addr);

#endif
