// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * The least that Linux needs in order to boot: a serial port without interrupts, and a clock chip that stands (vmm has one in the
 * kernel, and asks only where it does not).
 */
#include <stdio.h>

#include "board.h"
#include "layout.h"

#define UART_PORT	0x3f8
#define UART_REGS	8
#define UART_DATA	0
#define UART_IER	1
#define UART_IIR	2
#define UART_LCR	3
#define UART_MCR	4
#define UART_LSR	5
#define UART_MSR	6
#define LCR_DLAB	0x80
#define MCR_LOOP	0x10
#define IIR_NONE	0x01
#define LSR_IDLE	0x60		/* transmitter and its register empty */
#define MSR_THERE	0xb0		/* DCD, DSR, CTS */

#define RTC_INDEX	0x70
#define RTC_DATA	0x71

bool board_console;
static uint8_t uart[UART_REGS], uart_divisor[2], rtc_index;

static uint8_t uart_modem(void)
{
	uint8_t mcr = uart[UART_MCR];

	if (!(mcr & MCR_LOOP))
		return MSR_THERE;
	return (uint8_t)((mcr & 1) << 5 | (mcr & 2) << 3 | (mcr & 4) << 4 | (mcr & 8) << 4);
}

static uint8_t uart_read(unsigned int reg)
{
	if (reg <= UART_IER && (uart[UART_LCR] & LCR_DLAB))
		return uart_divisor[reg];
	switch (reg) {
	case UART_DATA: return 0;
	case UART_IIR: return IIR_NONE;
	case UART_LSR: return LSR_IDLE;
	case UART_MSR: return uart_modem();
	}
	return uart[reg];
}

static void uart_write(unsigned int reg, uint8_t val)
{
	if (reg <= UART_IER && (uart[UART_LCR] & LCR_DLAB))
		uart_divisor[reg] = val;
	else if (reg == UART_DATA && board_console)
		fputc(val, stderr);
	else if (reg == UART_IER)
		uart[reg] = val & 0x0f;
	else if (reg != UART_DATA)
		uart[reg] = val;
}

/* 2020-01-01, 00:00:00, BCD. */
static uint8_t rtc_read(void)
{
	static const uint8_t regs[] = { 0, 0, 0, 0, 0, 0, 0x03, 0x01, 0x01, 0x20, 0x26, 0x02, 0x00, 0x80 };

	return rtc_index < sizeof(regs) ? regs[rtc_index] : rtc_index == 0x32 ? 0x20 : 0;
}

uint32_t board_in(uint16_t port, unsigned int bytes)
{
	unsigned int reg = (unsigned int)port - UART_PORT;

	if (port == PORT_USER)
		return USER_VALUE;
	if (reg < UART_REGS)
		return uart_read(reg);
	if (port == RTC_DATA)
		return rtc_read();
	return bytes == 1 ? 0xff : bytes == 2 ? 0xffff : 0xffffffff;
}

bool board_out(uint16_t port, uint32_t val)
{
	unsigned int reg = (unsigned int)port - UART_PORT;

	if (port == PORT_DONE)
		return true;
	if (reg < UART_REGS)
		uart_write(reg, (uint8_t)val);
	else if (port == RTC_INDEX)
		rtc_index = val & 0x7f;
	return false;
}
