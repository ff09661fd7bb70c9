/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* MultiProcessor tables, for guests that do without ACPI. */
#ifndef VMMRUN_MPTABLE_H
#define VMMRUN_MPTABLE_H

#include <stddef.h>
#include <stdint.h>

/*
 * Writes the floating pointer to BASE, which the guest sees at GPA (16-byte aligned), and the table
 * behind it, for CPUS processors, of which the first 255 can be named. Returns the bytes used, or 0
 * if ROOM is too little.
 */
size_t mptable_build(uint8_t *base, uint64_t gpa, size_t room, int cpus);

#endif
