/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The part of KUnit that the suites here use, for a program: the same files run
 * in the kernel and, with the sanitizers of user space, in this one process.
 */
#ifndef X86RULES_KUNIT_TEST_H
#define X86RULES_KUNIT_TEST_H

#include <stdio.h>
#include <linux/types.h>

struct kunit {
	const char *name;
	unsigned int failures;		/* expectations that did not hold, in this case */
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

void x86rules_register(struct kunit_suite *suite);

#define KUNIT_CASE(function)	{ .run_case = (function), .name = #function }

#define kunit_test_suite(suite)							\
	static void __attribute__((constructor)) suite##_register(void)	\
	{									\
		x86rules_register(&suite);					\
	}

#define X86RULES_REPORT_LIMIT	20	/* failures shown of one case */

#define X86RULES_EXPECT(test, holds, format, ...) do {				\
	if (!(holds) && (test)->failures++ < X86RULES_REPORT_LIMIT)		\
		printf("%s:%d: " format "\n", __FILE__, __LINE__, ##__VA_ARGS__); \
} while (0)

#define X86RULES_COMPARE(test, left, op, right, format, ...) do {		\
	long long left_value = (long long)(left);				\
	long long right_value = (long long)(right);				\
	X86RULES_EXPECT(test, left_value op right_value,			\
			"expected " #left " " #op " " #right ", have 0x%llx and 0x%llx: " format, \
			left_value, right_value, ##__VA_ARGS__);		\
} while (0)

#define KUNIT_EXPECT_EQ(test, l, r)		X86RULES_COMPARE(test, l, ==, r, "%s", (test)->name)
#define KUNIT_EXPECT_EQ_MSG(test, l, r, ...)	X86RULES_COMPARE(test, l, ==, r, __VA_ARGS__)
#define KUNIT_EXPECT_NE(test, l, r)		X86RULES_COMPARE(test, l, !=, r, "%s", (test)->name)
#define KUNIT_EXPECT_LE(test, l, r)		X86RULES_COMPARE(test, l, <=, r, "%s", (test)->name)
#define KUNIT_EXPECT_LE_MSG(test, l, r, ...)	X86RULES_COMPARE(test, l, <=, r, __VA_ARGS__)
#define KUNIT_EXPECT_TRUE(test, c)		X86RULES_EXPECT(test, c, "expected " #c)
#define KUNIT_EXPECT_FALSE(test, c)		X86RULES_EXPECT(test, !(c), "expected not " #c)
#define KUNIT_EXPECT_TRUE_MSG(test, c, ...)	X86RULES_EXPECT(test, c, "expected " #c ": " __VA_ARGS__)
#define KUNIT_EXPECT_FALSE_MSG(test, c, ...)	X86RULES_EXPECT(test, !(c), "expected not " #c ": " __VA_ARGS__)

#endif
