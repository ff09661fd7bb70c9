/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* sysctl: /proc/sys/hw/vmm, so that sysctl hw.vmm.NAME works as on FreeBSD. */
#ifndef VMM_SYSCTL_H
#define VMM_SYSCTL_H

int sysctl_module_init(void);	/* -ENOMEM */
void sysctl_module_exit(void);

#endif
