/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The part of KUnit that the suites of these chips use, for a program of one thread. */
#ifndef LEGACY_KUNIT_TEST_H
#define LEGACY_KUNIT_TEST_H

#include <linux/shim.h>

struct kunit {
	void *priv;
	const char *name;
	unsigned int failures;		/* expectations that did not hold, in this case */
};

struct kunit_case {
	void (*run_case)(struct kunit *test);
	const char *name;
};

struct kunit_suite {
	const char *name;
	int (*init)(struct kunit *test);	/* before every case */
	void (*exit)(struct kunit *test);
	struct kunit_case *test_cases;
	struct kunit_suite *next;
};

void kunit_register(struct kunit_suite *suite);

#define KUNIT_CASE(function)	{ .run_case = (function), .name = #function }

#define kunit_test_suite(suite)						\
	static void __attribute__((constructor)) suite##_register(void)	\
	{								\
		kunit_register(&suite);					\
	}								\
	struct shim_nothing

#define KUNIT_REPORT_LIMIT	20	/* failures shown of one case */

#define KUNIT_CHECK(test, holds, format, ...) do {				\
	if (!(holds) && (test)->failures++ < KUNIT_REPORT_LIMIT)		\
		printf("%s:%d: " format "\n", __FILE__, __LINE__, ##__VA_ARGS__); \
} while (0)

#define KUNIT_COMPARE(test, left, op, right, format, ...) do {			\
	long long left_value = (long long)(left);				\
	long long right_value = (long long)(right);				\
	KUNIT_CHECK(test, left_value op right_value,				\
		    "expected %s " #op " %s, have 0x%llx and 0x%llx: " format,	\
		    #left, #right, left_value, right_value, ##__VA_ARGS__);	\
} while (0)

#define KUNIT_EXPECT_EQ(test, l, r)		KUNIT_COMPARE(test, l, ==, r, "%s", (test)->name)
#define KUNIT_EXPECT_EQ_MSG(test, l, r, ...)	KUNIT_COMPARE(test, l, ==, r, __VA_ARGS__)
#define KUNIT_EXPECT_NE(test, l, r)		KUNIT_COMPARE(test, l, !=, r, "%s", (test)->name)
#define KUNIT_EXPECT_LE(test, l, r)		KUNIT_COMPARE(test, l, <=, r, "%s", (test)->name)
#define KUNIT_EXPECT_TRUE(test, c)		KUNIT_CHECK(test, c, "expected %s", #c)
#define KUNIT_EXPECT_FALSE(test, c)		KUNIT_CHECK(test, !(c), "expected not %s", #c)

/* The kernel's end the case, these end the program. */
#define KUNIT_ASSERT_TRUE(test, c)	((c) ? (void)0 : shim_die("%s: %s", (test)->name, #c))
#define KUNIT_ASSERT_FALSE(test, c)	KUNIT_ASSERT_TRUE(test, !(c))
#define KUNIT_ASSERT_EQ(test, l, r)	KUNIT_ASSERT_TRUE(test, (l) == (r))
#define KUNIT_ASSERT_NOT_NULL(test, p)	KUNIT_ASSERT_TRUE(test, (p) != NULL)

#endif
