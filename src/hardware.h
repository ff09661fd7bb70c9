/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * hardware: who holds the processors' virtualization extensions: nobody, we, or another
 * hypervisor.
 */
#ifndef VMM_HARDWARE_H
#define VMM_HARDWARE_H

#include "backend.h"

/*
 * Picks the backend that this CPU can run, or NULL after a line in the log that says what is
 * missing. Module load.
 */
const struct backend *hardware_probe(void);
void hardware_release(const struct backend *backend);	/* module unload; NULL is fine */
/* Repeats, rate-limited, why there is no backend. Any context. */
void hardware_explain_absence(void);

/*
 * The first VM switches the extensions on, on every CPU that is or comes online; the last one
 * off. 0; -EBUSY after a line that says who holds them and the ways out; -ENOMEM. Process context.
 */
int hardware_get(const struct backend *backend);
void hardware_put(const struct backend *backend);

#endif
