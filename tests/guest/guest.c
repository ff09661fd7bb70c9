// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "protocol.h"
#include "guest.h"

uint64_t guest_idt[512] __attribute__((aligned(4096)));
volatile uint64_t fault_error, fault_rip;

static handler_fn handlers[256];
static bool idt_filled;

/* entry.S */
extern uint8_t interrupt_stubs[], guest_try_landing[];
extern uint64_t guest_try_rsp;
void guest_interrupt(struct frame *frame);
void guest_start(void (*main_fn)(void));
#define STUB_BYTES	16

/* The compiler may ask for these. */
void *memset(void *to, int c, size_t n);
void *memcpy(void *to, const void *from, size_t n);

void *memset(void *to, int c, size_t n)
{
	uint8_t *p = to;

	while (n--)
		*p++ = (uint8_t)c;
	return to;
}

void *memcpy(void *to, const void *from, size_t n)
{
	uint8_t *p = to;
	const uint8_t *q = from;

	while (n--)
		*p++ = *q++;
	return to;
}

void guest_pass(void)
{
	for (;;)
		out32(PORT_RESULT, 0);
}

void guest_fail(unsigned int line, const char *text, uint64_t got, uint64_t want)
{
	struct report *report = (struct report *)REPORT_GPA;
	unsigned int i;

	report->line = line;
	report->got = got;
	report->want = want;
	for (i = 0; text[i] && i < sizeof(report->text) - 1; i++)
		report->text[i] = text[i];
	report->text[i] = 0;
	for (;;)
		out32(PORT_RESULT, 1);
}

static void idt_fill(void)
{
	for (unsigned int v = 0; v < 256; v++) {
		uint64_t stub = (uint64_t)interrupt_stubs + v * STUB_BYTES;

		guest_idt[2 * v] = (stub & 0xffff) | SEL_CODE64 << 16 | 0x8e00ull << 32 | (stub >> 16 & 0xffff) << 48;
		guest_idt[2 * v + 1] = stub >> 32;
	}
}

static void idt_load(void)
{
	struct { uint16_t limit; uint64_t base; } __attribute__((packed)) idtr = { sizeof(guest_idt) - 1, (uint64_t)guest_idt };

	asm volatile("lidt %0" : : "m"(idtr));
}

void guest_start(void (*main_fn)(void))
{
	if (!idt_filled) {
		idt_filled = true;
		idt_fill();
	}
	idt_load();
	main_fn();
	guest_pass();
}

void handler_set(unsigned int vector, handler_fn handler)
{
	handlers[vector] = handler;
}

static void unexpected(const struct frame *frame)
{
	static char text[] = "unexpected vector 0x??, its RIP and error code";

	text[20] = "0123456789abcdef"[frame->vector >> 4 & 15];
	text[21] = "0123456789abcdef"[frame->vector & 15];
	guest_fail(0, text, frame->rip, frame->error);
}

void guest_interrupt(struct frame *frame)
{
	if (handlers[frame->vector]) {
		handlers[frame->vector](frame);
		return;
	}
	if (!guest_try_rsp || frame->vector >= 32)
		unexpected(frame);
	fault_error = frame->error;
	fault_rip = frame->rip;
	frame->gpr[FRAME_RAX] = frame->vector;
	frame->rip = (uint64_t)guest_try_landing;
	frame->cs = SEL_CODE64;
	frame->ss = SEL_DATA;
	frame->rsp = guest_try_rsp;
	frame->rflags = 2;
}

static uint64_t msr_val;

static void rdmsr_do(uint64_t msr)
{
	msr_val = rdmsr((uint32_t)msr);
}

static void wrmsr_do(uint64_t msr)
{
	wrmsr((uint32_t)msr, msr_val);
}

int rdmsr_try(uint32_t msr, uint64_t *val)
{
	int vector = guest_try(rdmsr_do, msr);

	*val = msr_val;
	return vector;
}

int wrmsr_try(uint32_t msr, uint64_t val)
{
	msr_val = val;
	return guest_try(wrmsr_do, msr);
}

/* Each vCPU has a task register of its own. */
uint32_t vcpu_self(void)
{
	uint16_t selector;

	asm volatile("str %0" : "=r"(selector));
	return (selector - SEL_TSS(0)) / 16;
}
