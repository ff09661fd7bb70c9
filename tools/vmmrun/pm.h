/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* ACPI power management, and the ports that reset a PC. */
#ifndef VMMRUN_PM_H
#define VMMRUN_PM_H

#include <stdint.h>

struct machine;
struct snapshot_part;

/* What the ACPI tables tell of them. */
#define PM_SCI_IRQ		9
#define PM1_EVENT_PORT		0x400
#define PM1_CONTROL_PORT	0x404
#define PM_TIMER_PORT		0x408		/* in the kernel */
#define PM_SMI_PORT		0xb2
#define PM_ACPI_ENABLE		0xa0
#define PM_ACPI_DISABLE		0xa1
#define PM_RESET_PORT		0xcf9
#define PM_RESET_VALUE		0x06
#define PM_SLEEP_TYPE_OFF	5

void pm_create(struct machine *machine);

/* Its state in a snapshot. */
extern const struct snapshot_part pm_part;

/* The power button is pressed: the guest finds out through its SCI. Any thread. */
void pm_power_button(void);

#endif
