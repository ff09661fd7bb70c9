/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What a BIOS leaves in the clock chip, which is in the kernel: memory sizes and the time. */
#ifndef VMMRUN_CMOS_H
#define VMMRUN_CMOS_H

struct machine;

/* 0, or -1 after a complaint. */
int cmos_fill(struct machine *machine);

#endif
