/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What the guest finds at ports that neither hypervisor's kernel half has: board.c, the same on both. */
#ifndef BOARD_H
#define BOARD_H

#include <stdbool.h>
#include <stdint.h>

/* BYTES bytes at PORT; all ones where nothing is. */
uint32_t board_in(uint16_t port, unsigned int bytes);
/* True: the guest is done. */
bool board_out(uint16_t port, uint32_t val);
/* Whether what the guest writes to its console goes to stderr. */
extern bool board_console;

#endif /* BOARD_H */
