// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * guest-tests [-l] [-v]... [NAME...]
 *
 * Runs all tests, or those whose name begins with a NAME. Prints a line for each, closes with the counts, and exits with 1 if one failed. -l only lists
 * them; -v adds how long each took, -vv what it is at, as far as it says.
 */
#include <dirent.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <sys/wait.h>

#include "harness.h"
#include "runner.h"

#define SECONDS_DEFAULT	60
#define DEBUG_FACTOR	4		/* how much longer on a kernel that watches itself */
#define SECONDS_KILLED	5		/* a killed process has to be gone by then */
#define SECONDS_CLEANUP	10

extern const struct test *const __start_tests[], *const __stop_tests[];

/* Shared with the test's process. */
static struct verdict {
	int	set;
	char	reason[640];
	char	step[128];
} *verdict;

pid_t test_process;
static int verbose;

void verdict_set(const char *format, ...)
{
	va_list args;

	if (__atomic_exchange_n(&verdict->set, 1, __ATOMIC_SEQ_CST))
		return;
	va_start(args, format);
	vsnprintf(verdict->reason, sizeof(verdict->reason), format, args);
	va_end(args);
}

void test_step(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(verdict->step, sizeof(verdict->step), format, args);
	va_end(args);
	if (verbose > 1)
		fprintf(stderr, "%s\n", verdict->step);
}

static void verdict_timeout(unsigned int seconds, const char *also)
{
	int used = snprintf(verdict->reason, sizeof(verdict->reason), "not done after %u s%s", seconds, also);

	if (verdict->step[0])
		snprintf(verdict->reason + used, sizeof(verdict->reason) - (size_t)used, ", at: %s", verdict->step);
}

/* Returns false if it is still there after SECONDS. */
static bool process_wait(pid_t pid, double seconds, int *status)
{
	uint64_t end = now_ns() + (uint64_t)(seconds * 1e9);

	while (waitpid(pid, status, WNOHANG) == 0) {
		if (now_ns() > end)
			return false;
		usleep(2000);
	}
	return true;
}

static void machines_destroy_left(const char *prefix)
{
	DIR *dir = opendir("/dev/vmm");
	struct dirent *entry;
	struct vmctx *ctx;

	if (dir == NULL)
		return;
	while ((entry = readdir(dir)) != NULL) {
		if (strncmp(entry->d_name, prefix, strlen(prefix)) != 0)
			continue;
		ctx = vm_open(entry->d_name);
		if (ctx != NULL)
			vm_destroy(ctx);
	}
	closedir(dir);
}

/* In a process of its own: a destruction that hangs must not hang the runner. */
static bool machines_clean(pid_t test)
{
	char prefix[64];
	int status = 0;
	pid_t pid;

	snprintf(prefix, sizeof(prefix), MACHINE_PREFIX "%d.", test);
	pid = fork();
	if (pid == 0) {
		machines_destroy_left(prefix);
		_exit(0);
	}
	if (process_wait(pid, SECONDS_CLEANUP, &status))
		return true;
	kill(pid, SIGKILL);
	return false;
}

static pid_t test_fork(const struct test *test)
{
	struct rlimit no_core = { 0, 0 };
	pid_t pid;

	verdict->set = 0;
	verdict->reason[0] = verdict->step[0] = 0;
	fflush(stdout);
	pid = fork();
	if (pid != 0)
		return pid;
	setrlimit(RLIMIT_CORE, &no_core);
	test_process = getpid();
	test->run();
	_exit(VERDICT_PASSED);
}

static unsigned int test_seconds(const struct test *test)
{
	unsigned int seconds = test->seconds ? test->seconds : SECONDS_DEFAULT;
	struct utsname host;

	return uname(&host) == 0 && strstr(host.release, "-debug") ? seconds * DEBUG_FACTOR : seconds;
}

/* Returns VERDICT_*, with the reason in verdict->reason. */
static int test_run(const struct test *test)
{
	unsigned int seconds = test_seconds(test);
	pid_t pid = test_fork(test);
	int status = 0;

	if (!process_wait(pid, seconds, &status)) {
		kill(pid, SIGKILL);
		verdict_timeout(seconds, process_wait(pid, SECONDS_KILLED, &status) ? "" : ", and cannot be killed");
		machines_clean(pid);
		return VERDICT_FAILED;
	}
	if (!machines_clean(pid)) {
		snprintf(verdict->reason, sizeof(verdict->reason), "its machines cannot be destroyed within %d s", SECONDS_CLEANUP);
		return VERDICT_FAILED;
	}
	if (WIFSIGNALED(status)) {
		snprintf(verdict->reason, sizeof(verdict->reason), "ended by signal %d", WTERMSIG(status));
		return VERDICT_FAILED;
	}
	return WEXITSTATUS(status) == VERDICT_PASSED || WEXITSTATUS(status) == VERDICT_SKIPPED ? WEXITSTATUS(status) : VERDICT_FAILED;
}

static bool test_wanted(const struct test *test, char **names)
{
	if (*names == NULL)
		return true;
	for (; *names; names++)
		if (strncmp(test->name, *names, strlen(*names)) == 0)
			return true;
	return false;
}

static void tests_list(char **names)
{
	for (const struct test *const *t = __start_tests; t < __stop_tests; t++)
		if (test_wanted(*t, names))
			puts((*t)->name);
}

static int tests_run(char **names)
{
	unsigned int passed = 0, failed = 0, skipped = 0;
	uint64_t start;

	for (const struct test *const *t = __start_tests; t < __stop_tests; t++) {
		if (!test_wanted(*t, names))
			continue;
		start = now_ns();
		switch (test_run(*t)) {
		case VERDICT_PASSED:
			printf("ok %s", (*t)->name);
			passed++;
			break;
		case VERDICT_SKIPPED:
			printf("skip %s: %s", (*t)->name, verdict->reason);
			skipped++;
			break;
		default:
			printf("not ok %s: %s", (*t)->name, verdict->reason);
			failed++;
		}
		if (verbose)
			printf(" (%.2f s)", (double)(now_ns() - start) / 1e9);
		putchar('\n');
		fflush(stdout);
	}
	printf("%u passed, %u failed", passed, failed);
	if (skipped)
		printf(", %u skipped", skipped);
	putchar('\n');
	if (passed + failed + skipped == 0) {
		fprintf(stderr, "guest-tests: no such test; guest-tests -l lists them\n");
		return 1;
	}
	return failed ? 1 : 0;
}

int main(int argc, char **argv)
{
	bool list = false;
	int option;

	while ((option = getopt(argc, argv, "lv")) != -1) {
		if (option == 'l')
			list = true;
		else if (option == 'v')
			verbose++;
		else {
			fprintf(stderr, "usage: guest-tests [-l] [-v] [NAME...]\n");
			return 2;
		}
	}
	if (list) {
		tests_list(argv + optind);
		return 0;
	}
	verdict = mmap(NULL, sizeof(*verdict), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (verdict == MAP_FAILED) {
		perror("guest-tests: mmap");
		return 1;
	}
	return tests_run(argv + optind);
}
