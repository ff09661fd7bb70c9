/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The first vCPU's state at the kernel's entry point. */
#ifndef VMMRUN_BOOTSTATE_H
#define VMMRUN_BOOTSTATE_H

#include <vmmapi.h>

#include "kernel.h"

/* Writes page tables and descriptors for MODE to their places in MEMORY. */
void bootstate_place(const struct memory *memory, enum boot_mode mode);

/* Sets VCPU's registers for STATE. 0, or -1 with errno. */
int bootstate_apply(struct vcpu *vcpu, const struct boot_state *state);

#endif
