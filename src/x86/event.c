// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * event: which event a vCPU gets next.
 *
 * Two things can want delivery at an entry: the event whose delivery the last
 * exit interrupted (its IDT or stack was not mapped, say), and an exception
 * raised since, often by that very delivery. The processor would have merged
 * the two; here is the table by which it does.
 */
#include <linux/bits.h>
#include <linux/errno.h>
#include <linux/kernel.h>

#include "event.h"

#define VECTOR_DE	0
#define VECTOR_NMI	2
#define VECTOR_DF	8
#define VECTOR_TS	10
#define VECTOR_NP	11
#define VECTOR_SS	12
#define VECTOR_GP	13
#define VECTOR_PF	14
#define VECTOR_VE	20
#define VECTOR_COUNT	32	/* exceptions; above are interrupts only */

#define INTINFO_DF	(VM_INTINFO_VALID | VM_INTINFO_DEL_ERRCODE | VM_INTINFO_HWEXCEPTION | VECTOR_DF)

enum event_class { EVENT_BENIGN, EVENT_CONTRIBUTORY, EVENT_PAGEFAULT };

#define CONTRIBUTORY	(BIT(VECTOR_DE) | BIT(VECTOR_TS) | BIT(VECTOR_NP) | BIT(VECTOR_SS) | BIT(VECTOR_GP))
#define PAGEFAULT	(BIT(VECTOR_PF) | BIT(VECTOR_VE))

static bool event_is_exception(u64 info)
{
	return (info & VM_INTINFO_TYPE) == VM_INTINFO_HWEXCEPTION;
}

static enum event_class event_classify(u64 info)
{
	unsigned int vector = VM_INTINFO_VECTOR(info);

	if (!event_is_exception(info) || vector >= VECTOR_COUNT)
		return EVENT_BENIGN;
	if (CONTRIBUTORY & BIT(vector))
		return EVENT_CONTRIBUTORY;
	if (PAGEFAULT & BIT(vector))
		return EVENT_PAGEFAULT;
	return EVENT_BENIGN;
}

/* Does @second, raised while @first was being delivered, make a double fault? */
static bool event_doubles(u64 first, u64 second)
{
	switch (event_classify(first)) {
	case EVENT_CONTRIBUTORY:
		return event_classify(second) == EVENT_CONTRIBUTORY;
	case EVENT_PAGEFAULT:
		return event_classify(second) != EVENT_BENIGN;
	default:
		return false;
	}
}

enum event_kind event_consume(struct vcpu_events *events, u64 *info)
{
	u64 first = events->exitintinfo;
	u64 second = events->exception;

	events->exitintinfo = 0;
	events->exception = 0;
	if (!(second & VM_INTINFO_VALID)) {
		*info = first;
		return first & VM_INTINFO_VALID ? EVENT_INJECT : EVENT_NONE;
	}
	*info = second;
	if (!(first & VM_INTINFO_VALID))
		return EVENT_INJECT;
	if (event_is_exception(first) && VM_INTINFO_VECTOR(first) == VECTOR_DF)
		return EVENT_TRIPLE_FAULT;
	if (event_doubles(first, second))
		*info = INTINFO_DF;
	return EVENT_INJECT;
}

int event_set_intinfo(struct vcpu_events *events, u64 info)
{
	u64 type = info & VM_INTINFO_TYPE;
	unsigned int vector = VM_INTINFO_VECTOR(info);

	if (!(info & VM_INTINFO_VALID)) {
		events->exitintinfo = 0;
		return 0;
	}
	if (info & VM_INTINFO_RSVD)
		return -EINVAL;
	if (type == VM_INTINFO_NMI && vector != VECTOR_NMI)
		return -EINVAL;
	if (type == VM_INTINFO_HWEXCEPTION && vector >= VECTOR_COUNT)
		return -EINVAL;
	events->exitintinfo = info;
	return 0;
}

int event_set_exception(struct vcpu_events *events, int vector, bool has_error, u32 error_code, bool real_mode)
{
	u64 info = VM_INTINFO_VALID | VM_INTINFO_HWEXCEPTION;

	if (vector < 0 || vector >= VECTOR_COUNT || vector == VECTOR_DF)
		return -EINVAL;
	if (events->exception & VM_INTINFO_VALID)
		return -EBUSY;
	info |= vector;
	if (has_error && !real_mode)
		info |= VM_INTINFO_DEL_ERRCODE | (u64)error_code << 32;
	events->exception = info;
	return 0;
}
