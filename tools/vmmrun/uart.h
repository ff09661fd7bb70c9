/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* 16550A UART. */
#ifndef VMMRUN_UART_H
#define VMMRUN_UART_H

#include <stddef.h>
#include <stdint.h>

struct machine;
struct snapshot_part;
struct uart;

/*
 * Makes the UART at ports BASE to BASE + 7 on ISA interrupt IRQ. Its output goes to the console.
 * NULL after a complaint.
 */
struct uart *uart_create(struct machine *machine, uint16_t base, int irq);

/* How many bytes uart_receive will keep. Any thread. */
size_t uart_room(struct uart *uart);

/*
 * A byte arrives on the line. Without room it is lost and the guest told of an overrun. Any thread.
 */
void uart_receive(struct uart *uart, uint8_t byte);

/* Its state in a snapshot. */
extern const struct snapshot_part uart_part;

/* A break arrives on the line. Any thread. */
void uart_break(struct uart *uart);

#endif
