/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The part of KUnit that the suites of this room use, for a program: the same
 * files run in the kernel and, with the sanitizers of user space, in one process.
 */
#ifndef X86_SHIM_KUNIT_TEST_H
#define X86_SHIM_KUNIT_TEST_H

#include <stdio.h>
#include <linux/types.h>

struct kunit {
	const char *name;
	unsigned long long passed, failed;	/* expectations */
};

struct kunit_case {
	void (*run_case)(struct kunit *test);
	const char *name;
};

struct kunit_suite {
	const char *name;
	struct kunit_case *test_cases;
	struct kunit_suite *next;
};

void suite_register(struct kunit_suite *suite);

#define KUNIT_CASE(function)	{ .run_case = (function), .name = #function }

#define kunit_test_suites(suite)						\
	static void __attribute__((constructor)) suite_constructor(void)	\
	{									\
		suite_register(suite);						\
	}

/* @message: the rest is not printed, for the kernel's formats are more than a program's. */
#define SHIM_EXPECT(test, holds, format, ...) do {				\
	if (holds) {								\
		(test)->passed++;						\
	} else if ((test)->failed++ < 20) {					\
		printf("%s: %s:%d: " format "\n", (test)->name, __FILE__, __LINE__, ##__VA_ARGS__); \
	}									\
} while (0)

#define KUNIT_EXPECT_EQ(test, left, right) do {					\
	long long left_value = (long long)(left);				\
	long long right_value = (long long)(right);				\
	SHIM_EXPECT(test, left_value == right_value,				\
		    #left " is %#llx, expected %#llx", left_value, right_value); \
} while (0)

#define KUNIT_EXPECT_EQ_MSG(test, left, right, format, number, ...) do {	\
	long long left_value = (long long)(left);				\
	long long right_value = (long long)(right);				\
	SHIM_EXPECT(test, left_value == right_value,				\
		    #left " is %#llx, expected %#llx: number %zu", left_value, right_value, \
		    (size_t)(number));						\
} while (0)

#define KUNIT_EXPECT_TRUE(test, condition)	KUNIT_EXPECT_EQ(test, !!(condition), 1)
#define KUNIT_EXPECT_FALSE(test, condition)	KUNIT_EXPECT_EQ(test, !!(condition), 0)

#endif
