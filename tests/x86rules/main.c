// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Runs every suite that was linked in. Exit status 1 if a case failed. */
#include <kunit/test.h>

static struct kunit_suite *suites, **suites_end = &suites;

void x86rules_register(struct kunit_suite *suite)
{
	*suites_end = suite;
	suites_end = &suite->next;
}

int main(void)
{
	unsigned int passed = 0, failed = 0;
	struct kunit_suite *suite;
	struct kunit_case *c;

	for (suite = suites; suite; suite = suite->next) {
		for (c = suite->test_cases; c->run_case; c++) {
			struct kunit test = { .name = c->name };

			c->run_case(&test);
			printf("%s %s.%s\n", test.failures ? "FAIL" : "ok", suite->name, c->name);
			if (test.failures) {
				printf("%u expectations failed\n", test.failures);
				failed++;
			} else {
				passed++;
			}
		}
	}
	printf("%u passed, %u failed\n", passed, failed);
	return failed ? 1 : 0;
}
