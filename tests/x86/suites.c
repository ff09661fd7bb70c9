// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* The KUnit suites of this room, in a program. */
#include <kunit/test.h>

static struct kunit_suite *suites;

void suite_register(struct kunit_suite *suite)
{
	suite->next = suites;
	suites = suite;
}

int main(void)
{
	unsigned long long passed = 0, failed = 0;
	const struct kunit_suite *suite;
	const struct kunit_case *c;

	for (suite = suites; suite; suite = suite->next)
		for (c = suite->test_cases; c->run_case; c++) {
			struct kunit test = { .name = c->name };

			c->run_case(&test);
			passed += test.passed;
			failed += test.failed;
		}
	printf("%llu passed, %llu failed\n", passed, failed);
	return failed != 0;
}
