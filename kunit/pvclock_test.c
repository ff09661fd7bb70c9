// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* src/x86/pvclock.c: the pages' contents, for TSCs of all speeds. */
#include <kunit/test.h>
#include <linux/kernel.h>
#include <linux/math64.h>
#include <linux/module.h>
#include <linux/string.h>

#include "../src/x86/pvclock.h"

#define HOUR_NS		3600000000000ULL

/* After an hour, the guest's clock is right to 1 us. */
static void expect_right(struct kunit *test, u32 khz)
{
	u64 ticks = khz * 3600ULL * 1000, ns;
	struct pvclock_page page;

	pvclock_fill(&page, 1000, 77, khz);
	KUNIT_EXPECT_GE_MSG(test, page.mul, 1u << 31, "%u kHz", khz);
	ns = pvclock_read_ns(&page, 1000 + ticks) - 77;
	KUNIT_EXPECT_LT_MSG(test, (u64)abs((s64)(ns - HOUR_NS)), 1000ULL + NSEC_PER_USEC, "%u kHz", khz);
}

static void pvclock_speeds(struct kunit *test)
{
	u32 khz;

	for (khz = 1000; khz < 20000000; khz += khz / 7 + 1)
		expect_right(test, khz);
	expect_right(test, 500000);
	expect_right(test, 1000000);
	expect_right(test, 2000000);
	expect_right(test, 4000000);
}

static void pvclock_contents(struct kunit *test)
{
	struct pvclock_page page;

	memset(&page, 0x5a, sizeof(page));
	pvclock_fill(&page, 0x123456789abcdef0, 42, 2000000);
	KUNIT_EXPECT_EQ(test, page.version, 0);
	KUNIT_EXPECT_EQ(test, page.tsc, 0x123456789abcdef0);
	KUNIT_EXPECT_EQ(test, page.ns, 42);
	KUNIT_EXPECT_EQ(test, page.flags, 1);
	KUNIT_EXPECT_EQ(test, page.pad0 | page.pad[0] | page.pad[1], 0);
	KUNIT_EXPECT_EQ(test, pvclock_read_ns(&page, page.tsc), 42);
	KUNIT_EXPECT_EQ(test, pvclock_read_ns(&page, page.tsc + 2000), 1042);
	/* A TSC that was set back before the page was made: the difference counts. */
	pvclock_fill(&page, -1000ULL, 0, 1000000);
	KUNIT_EXPECT_EQ(test, pvclock_read_ns(&page, 1000), 2000);
}

static void pvclock_wall_time(struct kunit *test)
{
	struct pvclock_wall wall;

	pvclock_wall_fill(&wall, 1700000000123456789, 456789);
	KUNIT_EXPECT_EQ(test, wall.version, 0);
	KUNIT_EXPECT_EQ(test, wall.sec, 1700000000);
	KUNIT_EXPECT_EQ(test, wall.nsec, 123000000);
	pvclock_wall_fill(&wall, 1700000000000000001, 2);
	KUNIT_EXPECT_EQ(test, wall.sec, 1699999999);
	KUNIT_EXPECT_EQ(test, wall.nsec, 999999999);
}

static struct kunit_case pvclock_test_cases[] = {
	KUNIT_CASE(pvclock_speeds),
	KUNIT_CASE(pvclock_contents),
	KUNIT_CASE(pvclock_wall_time),
	{ }
};

static struct kunit_suite pvclock_test_suite = {
	.name = "vmm-x86-pvclock",
	.test_cases = pvclock_test_cases,
};
kunit_test_suite(pvclock_test_suite);

MODULE_LICENSE("Dual BSD/GPL");
