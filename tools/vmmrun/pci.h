/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The PCI bus: a host bridge, and what else there is. */
#ifndef VMMRUN_PCI_H
#define VMMRUN_PCI_H

#include <stdbool.h>
#include <stdint.h>

struct snapshot_part;

void pci_create(void);

/*
 * An access to register REG of a function, BYTES (1, 2, 4) that do not leave a dword. Called by any vCPU thread;
 * *VALUE as for an inout_handler.
 */
typedef void pci_handler(void *device, unsigned int reg, bool in, unsigned int bytes, uint32_t *value);

/* Function 0 of SLOT, 1 to 31. Before the first vCPU runs. */
void pci_function_add(unsigned int slot, pci_handler *handler, void *device);

/* Its state in a snapshot. */
extern const struct snapshot_part pci_part;

#endif
