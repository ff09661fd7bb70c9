// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * matrix [-v] [REQUEST...]
 *
 * The error matrix of the device API (sections 1.5, 3, 4 and 32 of the specification): every request of FreeBSD 14.3 with its older and newer forms,
 * under Linux's word and FreeBSD's, times wrong arguments (cases.tsv), vCPU ids, memory of the argument, sizes, directions and numbers, times the
 * state that the machine is in. Each case has one errno, and leaves the argument and the machine as they were. Prints what fails, and the counts.
 *
 * Rules chosen where the specification leaves two: a destroyed machine answers ENXIO before anything else is looked at (1.5: "every operation"); an
 * unknown request is ENOTTY whatever its argument; then the argument is copied in (EFAULT); then its vCPU is looked up (EINVAL).
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <vmmapi.h>

#include "matrix.h"

#define NOT_TRIED	(-1)
#define FAILURES_SHOWN	60
#define STATE_SECONDS	300
#define IDLE_REQUESTED	"number of times idle was requested at entry"

struct request {
	const char	*name;
	uint32_t	linux_word, fbsd_word;
	unsigned int	size;
	bool		in, out;
	char		class;
	bool		passthrough;
};

struct field_case {
	unsigned int	request;
	const char	*name;
	struct poke	argument[POKES_MAX];
	int		outcome[STATES - 1][2];
	struct poke	result[POKES_MAX];
};

#include "tables.h"

#define REQUESTS	(sizeof(requests) / sizeof(requests[0]))
#define FIELD_CASES	(sizeof(field_cases) / sizeof(field_cases[0]))

static const char *const state_names[STATES] = { "fresh", "running", "suspended", "dead", "destroyed" };

/* Shared with the process of each state. */
static struct tally {
	unsigned int	passed, failed, skipped;
	char		at[256];
} *tally;

static struct subject subject;
static struct light before;
static bool passthrough_missing;
static int verbose;

/* ---- one case ---- */

struct want {
	int	errnos[2];		/* one of these */
	const struct poke *result;	/* of a success */
	bool	copies_part;		/* a copy out that fails half way may have written the first part */
};

static void failed(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void failed(const char *format, ...)
{
	char text[256];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (tally->failed++ < FAILURES_SHOWN)
		printf("not ok matrix %s: %s\n", tally->at, text);
	fflush(stdout);
}

static const char *errno_name(int error)
{
	return error ? strerrorname_np(error) : "success";
}

static void at(const struct request *r, uint32_t word, const char *format, ...) __attribute__((format(printf, 3, 4)));
static void at(const struct request *r, uint32_t word, const char *format, ...)
{
	int used = snprintf(tally->at, sizeof(tally->at), "%s %s%#x: ", state_names[subject.state], r ? r->name : "", r ? 0 : word);
	va_list args;

	if (r)
		used = snprintf(tally->at, sizeof(tally->at), "%s %s (%s): ", state_names[subject.state], r->name,
				word == r->linux_word ? "Linux's word" : word == r->fbsd_word ? "FreeBSD's word" : "another word");
	va_start(args, format);
	vsnprintf(tally->at + used, sizeof(tally->at) - (size_t)used, format, args);
	va_end(args);
	if (verbose)
		fprintf(stderr, "%s\n", tally->at);
}

static bool unchanged(void)
{
	struct light after;
	const char *what;

	light_take(&subject, &after);
	what = light_difference(&before, &after);
	if (what)
		failed("has changed %s", what);
	before = after;
	return !what;
}

/* ARG is where the caller's argument is, so many BYTES of which can be read. */
static void attempt(int fd, uint32_t word, void *arg, size_t bytes, const struct want *want)
{
	uint8_t kept[ARG_MAX];
	int got;

	if (bytes)
		memcpy(kept, arg, bytes);
	got = ioctl(fd, word, arg) == 0 ? 0 : errno;
	if (got != want->errnos[0] && got != want->errnos[1])
		failed("%s, should be %s", errno_name(got), errno_name(want->errnos[0]));
	else if (got != 0 && !want->copies_part && bytes && memcmp(kept, arg, bytes) != 0)
		failed("%s, but the argument has changed", errno_name(got));
	else if (got == 0 && want->result && !arg_matches(arg, want->result))
		failed("succeeds with another result");
	else if (unchanged())
		tally->passed++;
}

static struct want want_errno(int error)
{
	if (subject.state == STATE_DESTROYED)
		error = ENXIO;
	return (struct want){ .errnos = { error, error } };
}

/* False: not to be tried in this state. */
static bool want_field(const struct field_case *c, struct want *want)
{
	if (subject.state == STATE_DESTROYED) {
		*want = want_errno(ENXIO);
		return true;
	}
	*want = (struct want){ .errnos = { c->outcome[subject.state][0], c->outcome[subject.state][1] }, .result = c->result };
	return want->errnos[0] != NOT_TRIED;
}

static uint8_t *build(const struct field_case *c)
{
	arg_build(arg_writable(), c->argument);
	return arg_writable();
}

/* ---- kinds of cases ---- */

static void try_fields(const struct request *r, uint32_t word)
{
	struct want want;

	for (unsigned int i = 0; i < FIELD_CASES; i++) {
		if (&requests[field_cases[i].request] != r || !want_field(&field_cases[i], &want))
			continue;
		at(r, word, "%s", field_cases[i].name);
		attempt(subject.fd, word, build(&field_cases[i]), ARG_MAX, &want);
	}
}

static void try_pointers(const struct request *r, uint32_t word, const struct field_case *base)
{
	static const int kinds[] = { PTR_NULL, PTR_BAD, PTR_KERNEL, PTR_ODD, PTR_WRAP };
	struct want want;

	for (unsigned int i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		want = want_errno(EFAULT);
		if (!r->in && !r->out && !want_field(base, &want))
			continue;
		at(r, word, "argument at %s", ptr_names[kinds[i]]);
		attempt(subject.fd, word, arg_ptr(kinds[i]), 0, &want);
	}
}

static void try_straddling(const struct request *r, uint32_t word, const struct field_case *base)
{
	const size_t there[] = { 1, r->size / 2, r->size - 1 };
	uint8_t content[ARG_MAX];
	struct want want = want_errno(EFAULT);

	if (r->size < 2)
		return;
	want.copies_part = !r->in;
	for (unsigned int i = 0; i < 3; i++) {
		if (i && there[i] == there[i - 1])
			continue;
		at(r, word, "argument of which %zu bytes are there", there[i]);
		arg_build(content, base->argument);
		memcpy(arg_straddling(there[i]), content, there[i]);
		attempt(subject.fd, word, arg_straddling(there[i]), there[i], &want);
	}
}

static void try_read_only(const struct request *r, uint32_t word, const struct field_case *base)
{
	uint8_t content[ARG_MAX];
	struct want want;

	if (!want_field(base, &want))
		return;
	if (r->out && want.errnos[0] == 0)
		want = want_errno(EFAULT);
	want.result = NULL;
	at(r, word, "argument on a read-only page");
	arg_build(content, base->argument);
	attempt(subject.fd, word, arg_read_only(content), ARG_MAX, &want);
}

static void try_ids(const struct request *r, uint32_t word, const struct field_case *base)
{
	static const int ids[] = { -1, -2, -256, -65536, INT_MIN, INT_MIN + 1, VCPU_LIMIT, VCPU_LIMIT + 1, 255, 256, 1023, 1024, 65535, 65536, 0x1000000,
		INT_MAX };
	const struct want want = want_errno(EINVAL);

	for (unsigned int i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		if (!strchr("AEF", r->class) || (r->class == 'F' && ids[i] == -1))
			continue;
		at(r, word, "vCPU %d", ids[i]);
		memcpy(build(base), &ids[i], sizeof(ids[i]));
		attempt(subject.fd, word, arg_writable(), ARG_MAX, &want);
	}
}

static bool word_known(uint32_t word)
{
	for (unsigned int i = 0; i < REQUESTS; i++)
		if (requests[i].linux_word == word || requests[i].fbsd_word == word)
			return true;
	return false;
}

static void try_unknown(const struct request *r, uint32_t word, const struct field_case *base, const char *how)
{
	const struct want want = want_errno(ENOTTY);

	if (word_known(word))
		return;
	at(r, word, "%s, %#x", how, word);
	attempt(subject.fd, word, build(base), ARG_MAX, &want);
	at(r, word, "%s, %#x, argument NULL", how, word);
	attempt(subject.fd, word, NULL, 0, &want);
}

/* Both families keep size, group and number in the same bits, apart from the direction. */
static void try_words(const struct request *r, const struct field_case *base)
{
	const unsigned int sizes[] = { 0, 1, r->size - 1, r->size + 1, r->size + 4, r->size + 8, 0x1fff };
	const uint32_t groups[] = { 'V', 'w', 'u', 0, 0xff };
	const uint32_t words[2] = { r->linux_word, r->fbsd_word };

	for (int f = 0; f < (words[0] == words[1] ? 1 : 2); f++) {
		for (unsigned int i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
			if (sizes[i] <= 0x1fff)
				try_unknown(r, (words[f] & ~0x1fff0000u) | sizes[i] << 16, base, "another size");
		for (uint32_t direction = 0; direction < 8; direction++)
			try_unknown(r, (words[f] & ~0xe0000000u) | direction << 29, base, "another direction");
		for (unsigned int i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
			try_unknown(r, (words[f] & ~0xff00u) | groups[i] << 8, base, "another group");
	}
}

static const struct field_case *base_of(const struct request *r)
{
	for (unsigned int i = 0; i < FIELD_CASES; i++)
		if (&requests[field_cases[i].request] == r)
			return &field_cases[i];
	abort();
}

static bool number_known(uint32_t number)
{
	for (unsigned int i = 0; i < REQUESTS; i++)
		if ((requests[i].linux_word & 0xff) == number)
			return true;
	return false;
}

static void try_numbers(void)
{
	static const uint32_t shapes[] = { 0x00000000, 0x20000000, 0x40040000, 0x80040000, 0xc0040000, 0xc0080000 };
	const struct want want = want_errno(ENOTTY);

	for (uint32_t number = 0; number < 256; number++) {
		if (number_known(number))
			continue;
		for (unsigned int i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
			at(NULL, shapes[i] | 'v' << 8 | number, "unknown number %u", number);
			memset(arg_writable(), 0, ARG_MAX);
			attempt(subject.fd, shapes[i] | 'v' << 8 | number, arg_writable(), ARG_MAX, &want);
		}
	}
}

/* ---- lock classes ---- */

static uint64_t statistic(const char *description)
{
	struct vm_stats stats = { .cpuid = 0 };
	struct vm_stat_desc desc = { .index = 0 };

	while (ioctl(subject.fd, VM_STAT_DESC, &desc) == 0 && strcmp(desc.desc, description) != 0)
		desc.index++;
	if (ioctl(subject.fd, VM_STATS, &stats) != 0 || desc.index >= stats.num_entries)
		failed("there is no statistic \"%s\"", description);
	return stats.statbuf[desc.index];
}

/* Until vCPU 0 has left its guest for the host's sake, and so is inside VM_RUN. */
static void wait_running(void)
{
	uint64_t exits = statistic("total number of vm exits");

	for (int i = 0; i < 2000 && statistic("total number of vm exits") == exits; i++)
		usleep(500);
}

/*
 * 3.3, 4: a request of class A, B or C takes a running vCPU out of its guest, which its thread sees as REQIDLE; the others do not. Taken from the first
 * case that succeeds, if there is one: what is refused may be refused early.
 */
static void try_class(const struct request *r, uint32_t word, const struct field_case *base)
{
	const bool stops = strchr("ABC", r->class) != NULL;
	uint64_t stopped = 0;
	int got = 0;

	for (unsigned int i = 0; i < FIELD_CASES; i++) {
		if (&requests[field_cases[i].request] == r && field_cases[i].outcome[STATE_RUNNING][0] == 0) {
			base = &field_cases[i];
			break;
		}
	}
	/* VM_RUN would take the vCPU over. */
	if (subject.state != STATE_RUNNING || base->outcome[STATE_RUNNING][0] == NOT_TRIED || strncmp(r->name, "VM_RUN", 6) == 0)
		return;
	at(r, word, "class %c, %s", r->class, base->name);
	build(base);
	/* Again where the thread happened to be outside, for a BOGUS. */
	for (int i = 0; i < (stops ? 5 : 1) && stopped == 0; i++) {
		wait_running();
		stopped = statistic(IDLE_REQUESTED);
		got = ioctl(subject.fd, word, arg_writable()) == 0 ? 0 : errno;
		stopped = statistic(IDLE_REQUESTED) - stopped;
	}
	if (got != base->outcome[STATE_RUNNING][0] && got != base->outcome[STATE_RUNNING][1])
		failed("%s", errno_name(got));
	else if ((stopped != 0) != stops)
		failed(stops ? "did not stop the vCPU" : "has stopped the vCPU");
	else
		tally->passed++;
}

/* ---- other nodes ---- */

/* A segment's node has no requests; after the destruction as well: "every operation" is ENXIO then. */
static void try_segment_node(const struct request *r, uint32_t word)
{
	const struct want want = want_errno(ENOTTY);

	at(r, word, "on the segment's node");
	attempt(subject.seg_fd, word, build(base_of(r)), ARG_MAX, &want);
}

static void try_on_vm(uint32_t word, const char *name)
{
	const struct want want = want_errno(ENOTTY);

	at(NULL, word, "%s on a machine's node", name);
	memset(arg_writable(), 0, ARG_MAX);
	attempt(subject.fd, word, arg_writable(), ARG_MAX, &want);
}

/* ---- a request, a state ---- */

static void try_request(const struct request *r, uint32_t word)
{
	const struct field_case *base = base_of(r);

	if (r->passthrough && passthrough_missing) {
		tally->skipped++;
		return;
	}
	try_fields(r, word);
	try_pointers(r, word, base);
	try_straddling(r, word, base);
	try_read_only(r, word, base);
	try_ids(r, word, base);
	try_segment_node(r, word);
	try_class(r, word, base);
}

static bool wanted(const struct request *r, char **names)
{
	if (*names == NULL)
		return true;
	for (; *names; names++)
		if (strcmp(r->name, *names) == 0)
			return true;
	return false;
}

static void still(const struct full *first, const char *name)
{
	const char *what;
	struct full now;
	char why[128];

	snprintf(tally->at, sizeof(tally->at), "%s %s: after all cases", state_names[subject.state], name);
	if (!subject_still(&subject, why, sizeof(why))) {
		failed("%s", why);
		_exit(1);
	}
	full_take(&subject, &now);
	what = full_difference(first, &now);
	if (what)
		failed("%s has changed", what);
	else
		tally->passed++;
	light_take(&subject, &before);
}

/* The requests for passthrough are of one part of the module, and there is no telling from outside why it would be missing. */
static bool passthrough_absent(void)
{
	struct vm_pptdev dev = { .bus = 250, .slot = 31, .func = 7 };

	return subject.state != STATE_DESTROYED && ioctl(subject.fd, VM_UNBIND_PPTDEV, &dev) != 0 && errno == ENOTTY;
}

static void try_state(enum state state, const char *name, char **names)
{
	struct full first;

	subject_create(&subject, name, state);
	passthrough_missing = passthrough_absent();
	full_take(&subject, &first);
	light_take(&subject, &before);
	for (unsigned int i = 0; i < REQUESTS; i++) {
		const struct request *r = &requests[i];

		if (!wanted(r, names))
			continue;
		try_request(r, r->linux_word);
		if (r->fbsd_word != r->linux_word)
			try_request(r, r->fbsd_word);
		try_words(r, base_of(r));
		still(&first, r->name);
	}
	if (*names != NULL)
		return;
	try_on_vm(VMMCTL_VM_CREATE, "VMMCTL_VM_CREATE");
	try_on_vm(VMMCTL_VM_DESTROY, "VMMCTL_VM_DESTROY");
	try_numbers();
	still(&first, "unknown numbers");
}

/* ---- /dev/vmmctl ---- */

static void ctl_attempt(int fd, uint32_t word, void *arg, size_t bytes, int want, const char *format, ...) __attribute__((format(printf, 6, 7)));
static void ctl_attempt(int fd, uint32_t word, void *arg, size_t bytes, int want, const char *format, ...)
{
	uint8_t kept[ARG_MAX];
	va_list args;
	int used = snprintf(tally->at, sizeof(tally->at), "/dev/vmmctl %#x: ", word), got;

	va_start(args, format);
	vsnprintf(tally->at + used, sizeof(tally->at) - (size_t)used, format, args);
	va_end(args);
	if (bytes)
		memcpy(kept, arg, bytes);
	got = ioctl(fd, word, arg) == 0 ? 0 : errno;
	if (got != want)
		failed("%s, should be %s", errno_name(got), errno_name(want));
	else if (bytes && memcmp(kept, arg, bytes) != 0)
		failed("%s, but the argument has changed", errno_name(got));
	else
		tally->passed++;
}

static uint8_t *ctl_argument(const char *name)
{
	uint8_t *arg = arg_writable();

	memset(arg, 0, ARG_MAX);
	memcpy(arg, name, strlen(name));
	return arg;
}

static void ctl_request(int fd, uint32_t word, const char *machine, const char *name, int without)
{
	static const int kinds[] = { PTR_NULL, PTR_BAD, PTR_KERNEL, PTR_ODD, PTR_WRAP };
	static const size_t there[] = { 1, 148, 295 };
	uint8_t *arg;

	for (unsigned int i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		ctl_attempt(fd, word, arg_ptr(kinds[i]), 0, EFAULT, "argument at %s", ptr_names[kinds[i]]);
	for (unsigned int i = 0; i < 3; i++) {
		memset(arg_straddling(there[i]), 'x', there[i]);
		ctl_attempt(fd, word, arg_straddling(there[i]), there[i], EFAULT, "argument of which %zu bytes are there", there[i]);
	}
	ctl_attempt(fd, word, ctl_argument(name), ARG_MAX, without, "the name");
	/* Flags, reserved fields. A destruction that would ignore them finds the machine. */
	for (unsigned int i = 232 / 4; i < 296 / 4; i++) {
		arg = ctl_argument(machine);
		arg[i * 4] = 2;
		ctl_attempt(fd, word, arg, ARG_MAX, EINVAL, "byte %u is 2", i * 4);
	}
	for (unsigned int size = 292; size <= 300; size++)
		if (size != 296)
			ctl_attempt(fd, (word & ~0x1fff0000u) | size << 16, ctl_argument(name), ARG_MAX, ENOTTY, "size %u", size);
	for (uint32_t direction = 0; direction < 6; direction++)
		ctl_attempt(fd, (word & ~0xe0000000u) | direction << 29, ctl_argument(name), ARG_MAX, ENOTTY, "direction %u", direction);
}

static void try_ctl(const char *name)
{
	int fd = open(VMM_CTL_PATH, O_RDWR | O_CLOEXEC);

	if (fd < 0) {
		failed("/dev/vmmctl: %s", strerror(errno));
		return;
	}
	ctl_request(fd, VMMCTL_VM_DESTROY, name, name, EINVAL);
	if (vm_create(name) != 0)
		failed("creating %s: %s", name, strerror(errno));
	ctl_request(fd, VMMCTL_VM_CREATE, name, name, EEXIST);
	ctl_request(fd, VMMCTL_VM_DESTROY, name, "no.such.machine", EINVAL);
	for (unsigned int i = 0; i < REQUESTS; i++) {
		ctl_attempt(fd, requests[i].linux_word, ctl_argument(name), ARG_MAX, ENOTTY, "%s", requests[i].name);
		ctl_attempt(fd, requests[i].fbsd_word, ctl_argument(name), ARG_MAX, ENOTTY, "%s", requests[i].name);
	}
	for (uint32_t number = 2; number < 256; number++)
		ctl_attempt(fd, (VMMCTL_VM_CREATE & ~0xffu) | number, ctl_argument(name), ARG_MAX, ENOTTY, "unknown number %u", number);
}

/* ---- all of it ---- */

static void machine_remove(const char *name)
{
	struct vmctx *ctx = vm_open(name);

	if (ctx != NULL)
		vm_destroy(ctx);
}

/* In a process of its own, which is killed when its time is up. */
static void in_process(int state, char **names)
{
	char name[64];
	int status = 0;
	pid_t pid;

	snprintf(name, sizeof(name), "matrix.%d.%d", getpid(), state);
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		alarm(STATE_SECONDS);
		arg_setup();
		if (state < STATES)
			try_state((enum state)state, name, names);
		else
			try_ctl(name);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	machine_remove(name);
	if (WIFSIGNALED(status))
		failed("ended by signal %d%s", WTERMSIG(status), WTERMSIG(status) == SIGALRM ? ": its time was up" : "");
	else if (WEXITSTATUS(status) != 0)
		tally->failed++;
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "-v") == 0) {
		verbose = 1;
		argv++;
	}
	tally = mmap(NULL, sizeof(*tally), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (tally == MAP_FAILED) {
		perror("matrix: mmap");
		return 2;
	}
	for (int state = 0; state <= STATES; state++)
		if (state < STATES || argv[1] == NULL)
			in_process(state, argv + 1);
	if (tally->skipped)
		printf("skip matrix: %u times a request for passthrough: the module was built without these\n", tally->skipped);
	if (tally->failed > FAILURES_SHOWN)
		printf("... and %u failures more\n", tally->failed - FAILURES_SHOWN);
	printf("%u passed, %u failed", tally->passed, tally->failed);
	if (tally->skipped)
		printf(", %u skipped", tally->skipped);
	putchar('\n');
	return tally->failed ? 1 : 0;
}
