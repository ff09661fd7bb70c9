/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* This terminal as the machine's serial line. */
#ifndef VMMRUN_CONSOLE_H
#define VMMRUN_CONSOLE_H

#include <stdint.h>

struct machine;

/*
 * Takes the signals that end the program, in all threads started later. 0, or -1 after a complaint.
 */
int console_signals_init(void);

/*
 * Keys go to the guest one by one from now on, where standard input is a terminal. Undone at exit.
 */
void console_raw(void);

/* Undoes console_raw. From any thread. */
void console_restore(void);

/*
 * Writes a byte from the guest. Any thread; waits while the reader is slow, but not once MACHINE
 * ends.
 */
void console_put(struct machine *machine, uint8_t byte);

/* There is room for input again. Any thread. */
void console_room(void);

/*
 * The main thread's work while the vCPUs run: input, keys of ours, signals. Returns when MACHINE
 * ends.
 */
void console_attend(struct machine *machine);

#endif
