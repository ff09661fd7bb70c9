/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Keyboard controller without keyboard. */
#ifndef VMMRUN_I8042_H
#define VMMRUN_I8042_H

struct machine;

void i8042_create(struct machine *machine);

#endif
