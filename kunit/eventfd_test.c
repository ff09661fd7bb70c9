// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* src/eventfd.c: which writes an ioeventfd matches, and which it could. */
#include <kunit/test.h>
#include <linux/errno.h>
#include <linux/module.h>

#include "eventfd.h"

static void ioeventfd_match_length(struct kunit *test)
{
	static const unsigned int lengths[] = { 1, 2, 4, 8 };
	struct ioeventfd_match match = { .addr = 0x1000 };
	int i, j;

	for (i = 0; i < ARRAY_SIZE(lengths); i++) {
		match.len = 0;
		KUNIT_EXPECT_TRUE(test, ioeventfd_matches(&match, lengths[i], 5));
		match.len = lengths[i];
		for (j = 0; j < ARRAY_SIZE(lengths); j++)
			KUNIT_EXPECT_EQ(test, ioeventfd_matches(&match, lengths[j], 5), i == j);
	}
	match.len = 0;
	KUNIT_EXPECT_TRUE(test, ioeventfd_matches(&match, 16, 5));
}

static void ioeventfd_match_datum(struct kunit *test)
{
	struct ioeventfd_match match = { .len = 2, .has_datum = true, .datum = 0xfedc };

	KUNIT_EXPECT_TRUE(test, ioeventfd_matches(&match, 2, 0xfedc));
	/* Only the bytes that are written count. */
	KUNIT_EXPECT_TRUE(test, ioeventfd_matches(&match, 2, 0x1234fedc));
	KUNIT_EXPECT_FALSE(test, ioeventfd_matches(&match, 2, 0xfedd));
	KUNIT_EXPECT_FALSE(test, ioeventfd_matches(&match, 4, 0xfedc));
	match.len = 8;
	match.datum = ~0ULL;
	KUNIT_EXPECT_TRUE(test, ioeventfd_matches(&match, 8, ~0ULL));
	KUNIT_EXPECT_FALSE(test, ioeventfd_matches(&match, 8, ~0ULL >> 1));
	match.datum = 0;
	KUNIT_EXPECT_TRUE(test, ioeventfd_matches(&match, 8, 0));
	KUNIT_EXPECT_FALSE(test, ioeventfd_matches(&match, 8, 1));
}

static int check(u64 addr, u32 len, bool pio, bool has_datum, u64 datum)
{
	const struct ioeventfd_match match = { addr, len, pio, has_datum, datum };

	return ioeventfd_match_check(&match);
}

static void ioeventfd_match_limits(struct kunit *test)
{
	u32 len;

	for (len = 0; len < 40; len++) {
		KUNIT_EXPECT_EQ(test, !check(0x1000, len, false, false, 0),
				len == 0 || len == 1 || len == 2 || len == 4 || len == 8);
		KUNIT_EXPECT_EQ(test, !check(0x1000, len, true, false, 0),
				len == 0 || len == 1 || len == 2 || len == 4);
	}
	KUNIT_EXPECT_EQ(test, check(~0ULL, 1, false, false, 0), 0);
	KUNIT_EXPECT_EQ(test, check(~0ULL, 0, false, false, 0), 0);
	KUNIT_EXPECT_EQ(test, check(~0ULL, 2, false, false, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, check(0xffff, 1, true, false, 0), 0);
	KUNIT_EXPECT_EQ(test, check(0xfffe, 2, true, false, 0), 0);
	KUNIT_EXPECT_EQ(test, check(0xffff, 2, true, false, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, check(0x10000, 0, true, false, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, check(0x1000, 0, false, true, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, check(0x1000, 1, false, true, 0xff), 0);
	KUNIT_EXPECT_EQ(test, check(0x1000, 1, false, true, 0x100), -EINVAL);
	KUNIT_EXPECT_EQ(test, check(0x1000, 8, false, true, ~0ULL), 0);
}

static struct kunit_case eventfd_test_cases[] = {
	KUNIT_CASE(ioeventfd_match_length),
	KUNIT_CASE(ioeventfd_match_datum),
	KUNIT_CASE(ioeventfd_match_limits),
	{ }
};

static struct kunit_suite eventfd_test_suite = {
	.name = "vmm-eventfd",
	.test_cases = eventfd_test_cases,
};
kunit_test_suite(eventfd_test_suite);
