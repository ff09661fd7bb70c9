/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What a world switch costs by itself, by processor: svm.c, vmx.c. */
#ifndef FLOOR_H
#define FLOOR_H

#include <linux/types.h>

#define SAMPLES		40

/*
 * @pages: FLOOR_PAGES of them, zero; @ticks: of the TSC, the fewest. -EBUSY: a hypervisor has this processor; -EIO: the guest did not
 * do what it should. Any context but that it disables IRQs.
 */
int floor_svm(void *pages, u64 *ticks);
int floor_vmx(void *pages, u64 *ticks);
#define FLOOR_PAGES_ORDER	2

/* select.S: windows from now on are the floor's. */
asmlinkage void floor_select(void);

#endif /* FLOOR_H */
