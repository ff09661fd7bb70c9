// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Events of src/x86/event.c: every pair against the manual's tables, and what the requests refuse. */
#include <kunit/test.h>
#include <linux/bits.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/module.h>

#include "../src/x86/event.h"

#define VALID		0x80000000ULL
#define HAS_ERROR	0x800ULL
#define TYPE_INTR	0x000ULL
#define TYPE_NMI	0x200ULL
#define TYPE_EXCEPTION	0x300ULL
#define TYPE_SWINTR	0x400ULL
#define DOUBLE_FAULT	(VALID | HAS_ERROR | TYPE_EXCEPTION | 8)
#define EXCEPTION(vector)	(VALID | TYPE_EXCEPTION | (vector))

/*
 * SDM vol. 3, table 6-4, "Interrupt and Exception Classes", by vector: benign,
 * contributory, page fault; D is the double fault itself. Vectors without a
 * meaning are benign.
 */
static const char exception_class[] = "cbbbbbbbDbccccpbbbbbpbbbbbbbbbbb";

enum verdict { SERIAL, DOUBLE, SHUTDOWN };

/* Table 6-5, "Conditions for Generating a Double Fault": rows are the first event, columns the second. */
static enum verdict verdict_by_table(char first, char second)
{
	static const char rows[] = "bcpD", columns[] = "bcp";
	static const enum verdict table[4][3] = {
		/*	     benign	contributory	page fault */
		/* b */	{ SERIAL,	SERIAL,		SERIAL },
		/* c */	{ SERIAL,	DOUBLE,		SERIAL },
		/* p */	{ SERIAL,	DOUBLE,		DOUBLE },
		/* D */	{ SHUTDOWN,	SHUTDOWN,	SHUTDOWN },
	};
	int row, column;

	for (row = 0; rows[row] != first; row++)
		;
	for (column = 0; columns[column] != second; column++)
		;
	return table[row][column];
}

static void pair_verify(struct kunit *test, u64 first, char first_class, unsigned int vector)
{
	u64 second = EXCEPTION(vector) | HAS_ERROR | 0xabcdULL << 32;
	struct vcpu_events events = { .exitintinfo = first, .exception = second, .flags = BIT(EVENT_NMI) };
	enum verdict verdict = verdict_by_table(first_class, exception_class[vector]);
	enum event_kind kind;
	u64 info = 0;

	kind = event_consume(&events, &info);
	KUNIT_EXPECT_EQ_MSG(test, kind, verdict == SHUTDOWN ? EVENT_TRIPLE_FAULT : EVENT_INJECT,
			    "0x%llx then %u", first, vector);
	if (verdict != SHUTDOWN)
		KUNIT_EXPECT_EQ_MSG(test, info, verdict == DOUBLE ? DOUBLE_FAULT : second, "0x%llx then %u", first, vector);
	KUNIT_EXPECT_EQ(test, events.exitintinfo, 0);
	KUNIT_EXPECT_EQ(test, events.exception, 0);
	KUNIT_EXPECT_EQ(test, events.flags, BIT(EVENT_NMI));
}

/* All first events, of every type and vector, times all exceptions that can be injected. */
static void event_pairs(struct kunit *test)
{
	unsigned int vector, first, type;

	for (vector = 0; vector < 32; vector++) {
		if (vector == 8)
			continue;
		for (first = 0; first < 32; first++)
			pair_verify(test, EXCEPTION(first), exception_class[first], vector);
		for (type = 0; type < 8; type++) {
			for (first = 0; first < 256 && type != 3; first++)
				pair_verify(test, VALID | type << 8 | first, 'b', vector);
		}
	}
}

static void event_alone(struct kunit *test)
{
	u64 events_in[] = { EXCEPTION(14) | HAS_ERROR | 2ULL << 32, EXCEPTION(8), VALID | TYPE_NMI | 2, VALID | 0xff,
			    VALID | TYPE_SWINTR | 0x80 };
	struct vcpu_events events = { 0 };
	u64 info;
	int i;

	KUNIT_EXPECT_FALSE(test, event_pending(&events));
	KUNIT_EXPECT_EQ(test, event_consume(&events, &info), EVENT_NONE);
	for (i = 0; i < ARRAY_SIZE(events_in); i++) {
		events.exitintinfo = events_in[i];
		KUNIT_EXPECT_TRUE(test, event_pending(&events));
		KUNIT_EXPECT_EQ(test, event_consume(&events, &info), EVENT_INJECT);
		KUNIT_EXPECT_EQ(test, info, events_in[i]);
		events.exception = events_in[i];
		KUNIT_EXPECT_TRUE(test, event_pending(&events));
		KUNIT_EXPECT_EQ(test, event_consume(&events, &info), EVENT_INJECT);
		KUNIT_EXPECT_EQ(test, info, events_in[i]);
		KUNIT_EXPECT_FALSE(test, event_pending(&events));
		KUNIT_EXPECT_EQ(test, event_consume(&events, &info), EVENT_NONE);
	}
}

/* Without the valid bit there is no event, whatever else is set. */
static void event_invalid_is_none(struct kunit *test)
{
	struct vcpu_events events = { .exitintinfo = ~VALID, .exception = EXCEPTION(13) };
	u64 info;

	KUNIT_EXPECT_EQ(test, event_consume(&events, &info), EVENT_INJECT);
	KUNIT_EXPECT_EQ(test, info, EXCEPTION(13));
	events.exitintinfo = ~VALID;
	events.exception = ~VALID;
	KUNIT_EXPECT_FALSE(test, event_pending(&events));
	KUNIT_EXPECT_EQ(test, event_consume(&events, &info), EVENT_NONE);
	KUNIT_EXPECT_EQ(test, events.exitintinfo, 0);
}

static bool intinfo_valid(unsigned int type, unsigned int vector)
{
	switch (type) {
	case 2:
		return vector == 2;
	case 3:
		return vector < 32;
	default:
		return true;
	}
}

static void event_intinfo_types(struct kunit *test)
{
	unsigned int type, vector;
	u64 info;

	for (type = 0; type < 8; type++) {
		for (vector = 0; vector < 256; vector++) {
			struct vcpu_events events = { .exitintinfo = EXCEPTION(1) };
			bool valid = intinfo_valid(type, vector);

			info = VALID | HAS_ERROR | type << 8 | vector | 0xfffffff1ULL << 32;
			KUNIT_EXPECT_EQ_MSG(test, event_set_intinfo(&events, info), valid ? 0 : -EINVAL, "0x%llx", info);
			KUNIT_EXPECT_EQ_MSG(test, events.exitintinfo, valid ? info : EXCEPTION(1), "0x%llx", info);
		}
	}
}

static void event_intinfo_reserved(struct kunit *test)
{
	struct vcpu_events events = { .exitintinfo = EXCEPTION(1) };
	int bit;

	for (bit = 12; bit < 31; bit++) {
		KUNIT_EXPECT_EQ_MSG(test, event_set_intinfo(&events, EXCEPTION(3) | BIT_ULL(bit)), -EINVAL, "bit %d", bit);
		KUNIT_EXPECT_EQ(test, events.exitintinfo, EXCEPTION(1));
	}
	KUNIT_EXPECT_EQ(test, event_set_intinfo(&events, ~VALID), 0);
	KUNIT_EXPECT_EQ(test, events.exitintinfo, 0);
}

static void event_exception_vectors(struct kunit *test)
{
	static const int bad[] = { -1, 8, 32, 255, 256, 0x7fffffff, -0x7fffffff - 1 };
	struct vcpu_events events = { 0 };
	int i, vector;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		KUNIT_EXPECT_EQ_MSG(test, event_set_exception(&events, bad[i], false, 0, false), -EINVAL, "%d", bad[i]);
		KUNIT_EXPECT_EQ(test, events.exception, 0);
	}
	for (vector = 0; vector < 32; vector++) {
		if (vector == 8)
			continue;
		events.exception = 0;
		KUNIT_EXPECT_EQ_MSG(test, event_set_exception(&events, vector, false, 0x55, false), 0, "%d", vector);
		KUNIT_EXPECT_EQ(test, events.exception, EXCEPTION(vector));
		KUNIT_EXPECT_EQ(test, event_set_exception(&events, vector, false, 0, false), -EBUSY);
		KUNIT_EXPECT_EQ(test, event_set_exception(&events, 8, false, 0, false), -EINVAL);
		KUNIT_EXPECT_EQ(test, events.exception, EXCEPTION(vector));
	}
}

static void event_exception_error_code(struct kunit *test)
{
	struct vcpu_events events = { 0 };

	KUNIT_EXPECT_EQ(test, event_set_exception(&events, 14, true, 0xfffffff7, false), 0);
	KUNIT_EXPECT_EQ(test, events.exception, EXCEPTION(14) | HAS_ERROR | 0xfffffff7ULL << 32);
	events.exception = 0;
	KUNIT_EXPECT_EQ(test, event_set_exception(&events, 13, true, 0x10, true), 0);
	KUNIT_EXPECT_EQ(test, events.exception, EXCEPTION(13));
	KUNIT_EXPECT_EQ(test, events.exitintinfo, 0);
}

static struct kunit_case event_test_cases[] = {
	KUNIT_CASE(event_pairs),
	KUNIT_CASE(event_alone),
	KUNIT_CASE(event_invalid_is_none),
	KUNIT_CASE(event_intinfo_types),
	KUNIT_CASE(event_intinfo_reserved),
	KUNIT_CASE(event_exception_vectors),
	KUNIT_CASE(event_exception_error_code),
	{ }
};

static struct kunit_suite event_test_suite = {
	.name = "vmm-x86-event",
	.test_cases = event_test_cases,
};
kunit_test_suite(event_test_suite);

MODULE_LICENSE("Dual BSD/GPL");
