/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Keyboard controller without keyboard. */
#ifndef VMMRUN_I8042_H
#define VMMRUN_I8042_H

struct machine;
struct snapshot_part;

void i8042_create(struct machine *machine);

/* Its state in a snapshot. */
extern const struct snapshot_part i8042_part;

#endif
