// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * 16550A UART (National Semiconductor PC16550D data sheet).
 *
 * The line is infinitely fast: a byte that the guest writes is out at once, so the transmitter is
 * always empty. Its interrupt is then a matter of edges: raised by a write and by enabling it,
 * cleared by reading IIR while IIR tells it. The receiver's FIFO timeout is zero: what is there
 * below the trigger level is told as a character timeout right away.
 *
 * As on most virtual machines, OUT2 does not gate the interrupt.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "complain.h"
#include "console.h"
#include "inout.h"
#include "machine.h"
#include "snapshot.h"
#include "uart.h"

#define FIFO_SIZE	16

enum {
	REG_DATA = 0,		/* RBR, THR; DLL with DLAB */
	REG_IER = 1,		/* DLM with DLAB */
	REG_IIR = 2,		/* FCR on writes */
	REG_LCR = 3,
	REG_MCR = 4,
	REG_LSR = 5,
	REG_MSR = 6,
	REG_SCR = 7,
	REGS = 8,
};

#define IER_RX		0x01
#define IER_TX		0x02
#define IER_LINE	0x04
#define IER_MODEM	0x08
#define IER_MASK	0x0f

#define IIR_NONE	0x01
#define IIR_MODEM	0x00
#define IIR_TX		0x02
#define IIR_RX		0x04
#define IIR_LINE	0x06
#define IIR_TIMEOUT	0x0c
#define IIR_FIFOS	0xc0

#define FCR_ENABLE	0x01
#define FCR_RX_RESET	0x02
#define FCR_TRIGGER	0xc0

#define LCR_DLAB	0x80

#define MCR_DTR		0x01
#define MCR_RTS		0x02
#define MCR_OUT1	0x04
#define MCR_OUT2	0x08
#define MCR_LOOP	0x10
#define MCR_MASK	0x1f

#define LSR_DATA	0x01
#define LSR_OVERRUN	0x02
#define LSR_BREAK	0x10
#define LSR_TX_EMPTY	0x60		/* holding register and shift register */
#define LSR_ERRORS	0x1e
#define LSR_FIFO_ERROR	0x80

#define MSR_DELTAS	0x0f
#define MSR_RI_FELL	0x04
#define MSR_CTS		0x10
#define MSR_DSR		0x20
#define MSR_RI		0x40
#define MSR_DCD		0x80

/* (i) constant; all else under lock. */
struct uart {
	struct machine	*machine;	/* (i) */
	int		irq;		/* (i) */
	pthread_mutex_t	lock;
	uint8_t		ier, fcr, lcr, mcr, msr, scr, dll, dlm;
	uint8_t		line_errors;	/* LSR_OVERRUN until LSR is read */
	bool		tx_pending;	/* transmitter interrupt raised and not cleared */
	bool		asserted;	/* what the interrupt line is told */
	struct {
		uint8_t	byte;
		uint8_t	errors;		/* LSR bits that came with it */
	} fifo[FIFO_SIZE];
	unsigned int	fifo_first, fifo_count;
};

static unsigned int fifo_capacity(const struct uart *uart)
{
	return uart->fcr & FCR_ENABLE ? FIFO_SIZE : 1;
}

static unsigned int fifo_trigger(const struct uart *uart)
{
	static const uint8_t levels[] = { 1, 4, 8, 14 };

	return uart->fcr & FCR_ENABLE ? levels[uart->fcr >> 6] : 1;
}

static uint8_t lsr_get(const struct uart *uart)
{
	uint8_t lsr = LSR_TX_EMPTY | uart->line_errors;

	if (uart->fifo_count == 0)
		return lsr;
	lsr |= LSR_DATA | uart->fifo[uart->fifo_first].errors;
	if (uart->fcr & FCR_ENABLE)
		for (unsigned int i = 0; i < uart->fifo_count; i++)
			if (uart->fifo[(uart->fifo_first + i) % FIFO_SIZE].errors)
				lsr |= LSR_FIFO_ERROR;
	return lsr;
}

/* The most urgent interrupt there is, as IIR tells it. */
static uint8_t iir_get(const struct uart *uart)
{
	if ((uart->ier & IER_LINE) && (lsr_get(uart) & LSR_ERRORS))
		return IIR_LINE;
	if ((uart->ier & IER_RX) && uart->fifo_count >= fifo_trigger(uart))
		return IIR_RX;
	if ((uart->ier & IER_RX) && uart->fifo_count > 0)
		return IIR_TIMEOUT;
	if ((uart->ier & IER_TX) && uart->tx_pending)
		return IIR_TX;
	if ((uart->ier & IER_MODEM) && (uart->msr & MSR_DELTAS))
		return IIR_MODEM;
	return IIR_NONE;
}

static void irq_update(struct uart *uart)
{
	bool wanted = iir_get(uart) != IIR_NONE;

	if (wanted == uart->asserted)
		return;
	uart->asserted = wanted;
	if (wanted)
		vm_isa_assert_irq(uart->machine->ctx, uart->irq, uart->irq);
	else
		vm_isa_deassert_irq(uart->machine->ctx, uart->irq, uart->irq);
}

static void fifo_put(struct uart *uart, uint8_t byte, uint8_t errors)
{
	unsigned int at;

	if (uart->fifo_count == fifo_capacity(uart)) {
		uart->line_errors |= LSR_OVERRUN;
		return;
	}
	at = (uart->fifo_first + uart->fifo_count) % FIFO_SIZE;
	uart->fifo[at].byte = byte;
	uart->fifo[at].errors = errors;
	uart->fifo_count++;
}

static uint8_t fifo_get(struct uart *uart)
{
	uint8_t byte;

	if (uart->fifo_count == 0)
		return 0;
	byte = uart->fifo[uart->fifo_first].byte;
	uart->fifo_first = (uart->fifo_first + 1) % FIFO_SIZE;
	uart->fifo_count--;
	if (uart->fifo_count == 0)
		console_room();
	return byte;
}

static void fifo_clear(struct uart *uart)
{
	uart->fifo_count = 0;
	console_room();
}

/* The modem's lines: a terminal that is always there, or in loopback the UART's own outputs. */
static void modem_update(struct uart *uart)
{
	uint8_t old = uart->msr, new = MSR_CTS | MSR_DSR | MSR_DCD;

	if (uart->mcr & MCR_LOOP) {
		new = 0;
		new |= uart->mcr & MCR_RTS ? MSR_CTS : 0;
		new |= uart->mcr & MCR_DTR ? MSR_DSR : 0;
		new |= uart->mcr & MCR_OUT1 ? MSR_RI : 0;
		new |= uart->mcr & MCR_OUT2 ? MSR_DCD : 0;
	}
	uart->msr = (uint8_t)(new | (old & MSR_DELTAS));
	uart->msr |= (uint8_t)(((old ^ new) & (MSR_CTS | MSR_DSR | MSR_DCD)) >> 4);
	if ((old & MSR_RI) && !(new & MSR_RI))
		uart->msr |= MSR_RI_FELL;
}

static uint8_t reg_read(struct uart *uart, unsigned int reg)
{
	uint8_t value;

	switch (reg) {
	case REG_DATA:
		return uart->lcr & LCR_DLAB ? uart->dll : fifo_get(uart);
	case REG_IER:
		return uart->lcr & LCR_DLAB ? uart->dlm : uart->ier;
	case REG_IIR:
		value = iir_get(uart);
		if (value == IIR_TX)
			uart->tx_pending = false;
		return uart->fcr & FCR_ENABLE ? value | IIR_FIFOS : value;
	case REG_LCR:
		return uart->lcr;
	case REG_MCR:
		return uart->mcr;
	case REG_LSR:
		value = lsr_get(uart);
		uart->line_errors = 0;
		if (uart->fifo_count > 0)
			uart->fifo[uart->fifo_first].errors = 0;
		return value;
	case REG_MSR:
		value = uart->msr;
		uart->msr &= (uint8_t)~MSR_DELTAS;
		return value;
	default:
		return uart->scr;
	}
}

static void data_write(struct uart *uart, uint8_t byte)
{
	if (uart->mcr & MCR_LOOP)
		fifo_put(uart, byte, 0);
	else
		console_put(uart->machine, byte);
	uart->tx_pending = true;
}

static void ier_write(struct uart *uart, uint8_t value)
{
	if ((value & IER_TX) && !(uart->ier & IER_TX))
		uart->tx_pending = true;
	uart->ier = value & IER_MASK;
}

/* Switching the FIFOs on or off empties them. Without ENABLE the other bits are not taken. */
static void fcr_write(struct uart *uart, uint8_t value)
{
	if ((value ^ uart->fcr) & FCR_ENABLE)
		fifo_clear(uart);
	if (!(value & FCR_ENABLE)) {
		uart->fcr = 0;
		return;
	}
	if (value & FCR_RX_RESET)
		fifo_clear(uart);
	uart->fcr = value & (FCR_ENABLE | FCR_TRIGGER);
}

static void reg_write(struct uart *uart, unsigned int reg, uint8_t value)
{
	bool dlab = uart->lcr & LCR_DLAB;

	switch (reg) {
	case REG_DATA:
		if (dlab)
			uart->dll = value;
		else
			data_write(uart, value);
		break;
	case REG_IER:
		if (dlab)
			uart->dlm = value;
		else
			ier_write(uart, value);
		break;
	case REG_IIR:
		fcr_write(uart, value);
		break;
	case REG_LCR:
		uart->lcr = value;
		break;
	case REG_MCR:
		uart->mcr = value & MCR_MASK;
		modem_update(uart);
		console_room();
		break;
	case REG_SCR:
		uart->scr = value;
		break;
	default:
		break;		/* LSR and MSR are the chip's own */
	}
}

static void uart_access(void *device, unsigned int reg, bool in, unsigned int bytes,
			uint32_t *value)
{
	struct uart *uart = device;

	(void)bytes;
	pthread_mutex_lock(&uart->lock);
	if (in)
		*value = reg_read(uart, reg);
	else
		reg_write(uart, reg, (uint8_t)*value);
	irq_update(uart);
	pthread_mutex_unlock(&uart->lock);
}

struct uart *uart_create(struct machine *machine, uint16_t base, int irq)
{
	struct uart *uart = calloc(1, sizeof(*uart));

	if (uart == NULL) {
		complain("out of memory");
		return NULL;
	}
	uart->machine = machine;
	uart->irq = irq;
	uart->msr = MSR_CTS | MSR_DSR | MSR_DCD;
	uart->dll = 12;				/* 9600 baud */
	pthread_mutex_init(&uart->lock, NULL);
	inout_register(base, REGS, 1, uart_access, uart);
	return uart;
}

size_t uart_room(struct uart *uart)
{
	size_t room;

	pthread_mutex_lock(&uart->lock);
	room = uart->mcr & MCR_LOOP ? 0 : fifo_capacity(uart) - uart->fifo_count;
	pthread_mutex_unlock(&uart->lock);
	return room;
}

static void line_event(struct uart *uart, uint8_t byte, uint8_t errors)
{
	pthread_mutex_lock(&uart->lock);
	if (!(uart->mcr & MCR_LOOP))
		fifo_put(uart, byte, errors);
	irq_update(uart);
	pthread_mutex_unlock(&uart->lock);
}

void uart_receive(struct uart *uart, uint8_t byte)
{
	line_event(uart, byte, 0);
}

void uart_break(struct uart *uart)
{
	line_event(uart, 0, LSR_BREAK);
}

/* As it lies in a snapshot. */
struct uart_state {
	uint8_t	ier, fcr, lcr, mcr, msr, scr, dll, dlm;
	uint8_t	line_errors, tx_pending, asserted, fifo_count;
	uint8_t	fifo[FIFO_SIZE][2];	/* oldest first: byte, errors */
};

static void uart_save(struct machine *machine, void *buf)
{
	const struct uart *uart = machine->uart;
	struct uart_state state = {
		.ier = uart->ier, .fcr = uart->fcr, .lcr = uart->lcr, .mcr = uart->mcr,
		.msr = uart->msr, .scr = uart->scr, .dll = uart->dll, .dlm = uart->dlm,
		.line_errors = uart->line_errors, .tx_pending = uart->tx_pending,
		.asserted = uart->asserted, .fifo_count = (uint8_t)uart->fifo_count,
	};

	for (unsigned int i = 0; i < uart->fifo_count; i++) {
		state.fifo[i][0] = uart->fifo[(uart->fifo_first + i) % FIFO_SIZE].byte;
		state.fifo[i][1] = uart->fifo[(uart->fifo_first + i) % FIFO_SIZE].errors;
	}
	memcpy(buf, &state, sizeof(state));
}

static bool uart_valid(const void *buf)
{
	struct uart_state state;

	memcpy(&state, buf, sizeof(state));
	return !(state.ier & ~IER_MASK) && !(state.fcr & ~(FCR_ENABLE | FCR_TRIGGER)) &&
	       !(state.mcr & ~MCR_MASK) && !(state.line_errors & ~LSR_ERRORS) &&
	       state.tx_pending <= 1 && state.asserted <= 1 &&
	       state.fifo_count <= (state.fcr & FCR_ENABLE ? FIFO_SIZE : 1);
}

/* Its line is as it was: that is part of the kernel's state. */
static void uart_restore(struct machine *machine, const void *buf)
{
	struct uart *uart = machine->uart;
	struct uart_state state;

	memcpy(&state, buf, sizeof(state));
	uart->ier = state.ier;
	uart->fcr = state.fcr;
	uart->lcr = state.lcr;
	uart->mcr = state.mcr;
	uart->msr = state.msr;
	uart->scr = state.scr;
	uart->dll = state.dll;
	uart->dlm = state.dlm;
	uart->line_errors = state.line_errors;
	uart->tx_pending = state.tx_pending;
	uart->asserted = state.asserted;
	uart->fifo_first = 0;
	uart->fifo_count = state.fifo_count;
	for (unsigned int i = 0; i < state.fifo_count; i++) {
		uart->fifo[i].byte = state.fifo[i][0];
		uart->fifo[i].errors = state.fifo[i][1] & LSR_ERRORS;
	}
}

const struct snapshot_part uart_part = { "uart", sizeof(struct uart_state), uart_save, uart_valid,
					 uart_restore };
