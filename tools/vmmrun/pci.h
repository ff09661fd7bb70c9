/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The PCI bus: a host bridge, and nothing else. */
#ifndef VMMRUN_PCI_H
#define VMMRUN_PCI_H

struct snapshot_part;

void pci_create(void);

/* Its state in a snapshot. */
extern const struct snapshot_part pci_part;

#endif
