// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* The UART as a driver sees it: registers, interrupts, FIFO, loopback. */
#include <string.h>
#include <unistd.h>

#include "../vmmrun/console.h"
#include "../vmmrun/inout.h"
#include "../vmmrun/uart.h"
#include "test.h"

#define BASE	0x3f8
#define IRQ	4

static struct uart *uart;
static char written[64];
static unsigned int written_count;

/* In place of console.c's. */
void console_put(struct machine *machine, uint8_t byte)
{
	(void)machine;
	written[written_count++ % sizeof(written)] = (char)byte;
}

void console_room(void)
{
}

static uint8_t in(unsigned int reg)
{
	return (uint8_t)inout_access((uint16_t)(BASE + reg), true, 1, 0);
}

static void out(unsigned int reg, uint8_t value)
{
	inout_access((uint16_t)(BASE + reg), false, 1, value);
}

static void test_registers(void)
{
	CHECK_EQUAL(in(5), 0x60);
	CHECK_EQUAL(in(2), 0x01);
	CHECK_EQUAL(in(6), 0xb0);
	out(7, 0x5a);
	CHECK_EQUAL(in(7), 0x5a);
	out(3, 0x80);
	out(0, 0x01);
	out(1, 0x02);
	CHECK_EQUAL(in(0), 0x01);
	CHECK_EQUAL(in(1), 0x02);
	out(3, 0x03);
	CHECK_EQUAL(in(1), 0x00);
	out(1, 0xff);
	CHECK_EQUAL(in(1), 0x0f);
	out(1, 0);
	/* a word access to two registers is two byte accesses */
	CHECK_EQUAL(inout_access(BASE + 3, true, 2, 0), 0x0003);
}

static void test_transmit(void)
{
	written_count = 0;
	out(1, 0);
	(void)in(2);
	out(0, 'a');
	CHECK_EQUAL(written_count, 1);
	CHECK_EQUAL(written[0], 'a');
	CHECK_EQUAL(fake.irq_level[IRQ], 0);
	out(1, 0x02);
	CHECK_EQUAL(fake.irq_level[IRQ], 1);
	CHECK_EQUAL(in(2) & 0x0f, 0x02);
	CHECK_EQUAL(fake.irq_level[IRQ], 0);
	CHECK_EQUAL(in(2) & 0x0f, 0x01);
	out(0, 'b');
	CHECK_EQUAL(fake.irq_level[IRQ], 1);
	out(1, 0);
	CHECK_EQUAL(fake.irq_level[IRQ], 0);
}

static void test_receive(void)
{
	out(2, 0x01 | 0x80);		/* FIFOs on, trigger at 8 */
	CHECK_EQUAL(in(2), 0xc1);
	out(1, 0x01);
	CHECK_EQUAL(uart_room(uart), 16);
	uart_receive(uart, 'x');
	CHECK_EQUAL(fake.irq_level[IRQ], 1);
	CHECK_EQUAL(in(2), 0xcc);
	for (int i = 1; i < 8; i++)
		uart_receive(uart, (uint8_t)('x' + i));
	CHECK_EQUAL(in(2), 0xc4);
	CHECK_EQUAL(in(5), 0x61);
	CHECK_EQUAL(in(0), 'x');
	for (int i = 1; i < 8; i++)
		CHECK_EQUAL(in(0), 'x' + i);
	CHECK_EQUAL(in(5), 0x60);
	CHECK_EQUAL(fake.irq_level[IRQ], 0);
}

static void test_overrun_and_break(void)
{
	out(1, 0x05);
	for (int i = 0; i < 17; i++)
		uart_receive(uart, (uint8_t)i);
	CHECK_EQUAL(uart_room(uart), 0);
	CHECK_EQUAL(in(2), 0xc6);
	CHECK_EQUAL(in(5), 0x63);
	CHECK_EQUAL(in(2), 0xc4);
	out(2, 0x03);
	CHECK_EQUAL(uart_room(uart), 16);
	uart_break(uart);
	CHECK_EQUAL(in(5), 0xf1);
	CHECK_EQUAL(in(5), 0x61);
	CHECK_EQUAL(in(0), 0);
	out(1, 0);
	CHECK_EQUAL(fake.irq_level[IRQ], 0);
}

static void test_loopback(void)
{
	written_count = 0;
	out(4, 0x10 | 0x0a);
	CHECK_EQUAL(in(6) & 0xf0, 0x90);
	CHECK_EQUAL(uart_room(uart), 0);
	out(0, 'l');
	CHECK_EQUAL(written_count, 0);
	CHECK_EQUAL(in(0), 'l');
	out(4, 0x08);
	CHECK_EQUAL(in(6) & 0xf0, 0xb0);
	CHECK_EQUAL(in(6) & 0x0f, 0);
	out(2, 0);
	CHECK_EQUAL(in(2), 0x01);
	CHECK_EQUAL(uart_room(uart), 1);
}

int main(void)
{
	struct cpu *cpu = fake_cpu();

	uart = uart_create(cpu->machine, BASE, IRQ);
	CHECK(uart != NULL);
	test_registers();
	test_transmit();
	test_receive();
	test_overrun_and_break();
	test_loopback();
	free(fake.memory);
	return 0;
}
