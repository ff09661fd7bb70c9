/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The PCI bus: a host bridge, and nothing else. */
#ifndef VMMRUN_PCI_H
#define VMMRUN_PCI_H

void pci_create(void);

#endif
