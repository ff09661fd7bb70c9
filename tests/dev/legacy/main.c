// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * Runs every suite that was linked in. An argument: the seed of the random ones. Exit status 1 if a
 * case failed.
 */
#include <kunit/test.h>
#include "random.h"

static struct kunit_suite *suites, **suites_end = &suites;

u64 random_seed = 0x8254825982540146ULL;

void kunit_register(struct kunit_suite *suite)
{
	*suites_end = suite;
	suites_end = &suite->next;
}

static bool case_passes(const struct kunit_suite *suite, const struct kunit_case *c)
{
	struct kunit test = { .name = c->name };

	random_restart();
	if (suite->init)
		suite->init(&test);
	c->run_case(&test);
	if (suite->exit)
		suite->exit(&test);
	if (shim_locks_held())
		shim_die("%s: a lock was not released", c->name);
	printf("%s %s.%s\n", test.failures ? "FAIL" : "ok", suite->name, c->name);
	if (test.failures)
		printf("%u expectations failed\n", test.failures);
	return !test.failures;
}

int main(int argc, char **argv)
{
	unsigned int passed = 0, failed = 0;
	struct kunit_suite *suite;
	struct kunit_case *c;

	setvbuf(stdout, NULL, _IOLBF, 0);	/* what ran is told even if a sanitizer ends it */
	if (argc > 1)
		random_seed = strtoull(argv[1], NULL, 0);
	for (suite = suites; suite; suite = suite->next) {
		for (c = suite->test_cases; c->run_case; c++) {
			if (case_passes(suite, c))
				passed++;
			else
				failed++;
		}
	}
	printf("seed 0x%llx\n", random_seed);
	printf("%u passed, %u failed\n", passed, failed);
	return failed ? 1 : 0;
}
