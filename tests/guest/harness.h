/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Tests of the loaded module, host side: machines, starting states, the run loop, and what a test says about itself.
 *
 * Each test runs in a process of its own, which is killed when its time is up; machines it leaves behind are destroyed by the runner. A check that
 * fails ends that process, from whichever thread. So tests need no cleaning up, and functions here return no errors: they fail the test.
 */
#ifndef HARNESS_H
#define HARNESS_H

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <vmm_linux.h>
#include <vmmapi.h>

#include "protocol.h"

/* --- tests --------------------------------------------------------------------- */

struct test {
	const char	*name;			/* begins with the row of the catalogue of bug classes that it belongs to, if any: e01_... */
	void		(*run)(void);
	unsigned int	seconds;		/* it is killed after; 0: 30 */
};

#define TEST_TIMED(test_name, limit)											\
	static void test_##test_name(void);										\
	static const struct test test_struct_##test_name = { #test_name, test_##test_name, limit };			\
	static const struct test *const test_entry_##test_name __attribute__((used, section("tests"))) = &test_struct_##test_name; \
	static void test_##test_name(void)
#define TEST(test_name)		TEST_TIMED(test_name, 0)

_Noreturn void test_fail(const char *file, int line, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* What it is at, for the runner to say if it never comes back. */
void test_step(const char *format, ...) __attribute__((format(printf, 1, 2)));
_Noreturn void test_skip(const char *format, ...) __attribute__((format(printf, 1, 2)));

#define FAIL(...)		test_fail(__FILE__, __LINE__, __VA_ARGS__)
#define EXPECT(condition)	do { if (!(condition)) FAIL("not so: %s", #condition); } while (0)
#define EXPECT_EQ(a, b)													\
	do {														\
		uint64_t a_ = (uint64_t)(a), b_ = (uint64_t)(b);							\
		if (a_ != b_)												\
			FAIL("%s is %#lx, should be %s, %#lx", #a, (unsigned long)a_, #b, (unsigned long)b_);		\
	} while (0)
/* A call that returns 0, or one that returns -1 with errno WANT. */
#define OK(call)		do { if ((call) != 0) FAIL("%s: %s", #call, strerror(errno)); } while (0)
#define EXPECT_ERRNO(call, want)	expect_errno(__FILE__, __LINE__, #call, (call) == 0 ? 0 : errno, want)
void	expect_errno(const char *file, int line, const char *call, int got, int want);

/* Calls CONDITION until it holds, at most SECONDS. */
#define EXPECT_WITHIN(seconds, condition)										\
	do {														\
		uint64_t end_ = now_ns() + (uint64_t)((seconds) * 1e9);							\
		while (!(condition)) {											\
			if (now_ns() > end_)										\
				FAIL("not within %g s: %s", (double)(seconds), #condition);				\
			usleep(1000);											\
		}													\
	} while (0)
uint64_t now_ns(void);

/* --- machines ------------------------------------------------------------------ */

#define MACHINE_VALUES_MAX	4096

struct machine {
	struct vmctx	*ctx;
	char		name[64];
	int		vcpus;
	struct vcpu	*vcpu[GUEST_VCPUS_MAX];
	uint8_t		*mem;			/* MEMORY_BYTES at gpa 0, shared with the guest; the same memory ... */
	uint64_t	values[MACHINE_VALUES_MAX];	/* what the guest handed over by PORT_VALUE */
	unsigned int	value_count;
	uint32_t	input;			/* what PORT_INPUT answers */
	cpuset_t	ipi_targets;		/* of the last IPI exit */
};

/* A name no other test or process uses. The runner destroys what is left under names with its prefix. */
void	machine_name(char *name, size_t size);
/* Creates, opens, gives memory with payload, GDT, TSS and page tables. VCPUS of them active, with HALT_EXIT. */
struct machine *machine_create(int vcpus);
/* The same, with flags of vm_openf in addition to VMMAPI_OPEN_CREATE. */
struct machine *machine_create_flags(int vcpus, int flags);
void	machine_destroy(struct machine *m);
/* A machine without memory and active vCPUs. */
struct machine *machine_create_bare(void);
/* Another handle of the same machine, with memory and vCPUs. */
struct machine *machine_open_again(const struct machine *m);
bool	machine_exists(const char *name);

/* What a payload symbol is called, and where. */
struct guest_symbol {
	const char	*name;
	uint64_t	gpa;
};
uint64_t guest_symbol(const char *name);
/* A variable of the payload, in this process. */
#define GUEST_VARIABLE(m, type, name)	((volatile type *)((m)->mem + guest_symbol(name)))

/* --- a few instructions ---------------------------------------------------------- */

/* SNIPPET(name, 16 | 32 | 64, "instructions"): position-independent, made for CODE_GPA. */
#define SNIPPET(snippet_name, bits, text)										\
	extern const uint8_t snippet_name##_begin[] __attribute__((visibility("hidden")));				\
	extern const uint8_t snippet_name##_end[] __attribute__((visibility("hidden")));				\
	__asm__(".pushsection .rodata\n" #snippet_name "_begin:\n.code" #bits "\n" text "\n.code64\n" #snippet_name "_end:\n.popsection");	\
	static const struct snippet snippet_name = { snippet_name##_begin, snippet_name##_end, bits }

struct snippet {
	const uint8_t	*begin, *end;
	int		bits;
};

/* Copies it to CODE_GPA and sets the vCPU up to run it, in the mode it was written for. */
void	snippet_start(struct machine *m, int id, const struct snippet *snippet);
void	snippet_start_at(struct machine *m, int id, const struct snippet *snippet, uint64_t gpa);

/* --- starting states ---------------------------------------------------------------- */

enum mode { MODE_REAL, MODE_PROTECTED, MODE_LONG };

/* All registers as after reset, then MODE with flat segments (real mode: all zero), stack and RIP. Long mode: paging, SSE. */
void	vcpu_start(struct machine *m, int id, enum mode mode, uint64_t rip);
/* Long mode, in GUEST_MAIN(name) of the payload. */
void	vcpu_start_main(struct machine *m, int id, const char *name);
/* Puts the payload's AP start code at GPA, below 1 MiB; it calls GUEST_MAIN(name) in 64-bit mode. */
void	ap_prepare(struct machine *m, uint64_t gpa, const char *name);

uint64_t reg_get(struct machine *m, int id, int reg);
void	reg_set(struct machine *m, int id, int reg, uint64_t val);

/* --- running ------------------------------------------------------------------------- */

/* One VM_RUN. Returns 0 or an errno. */
int	vcpu_run_once(struct machine *m, int id, struct vm_exit *exit);

enum outcome {
	GUEST_PASS,			/* the payload returned */
	GUEST_SYNC,			/* it called sync(); the step is in exit->u.inout.eax */
	GUEST_EXIT,			/* any exit that is not of the protocol */
};

/* Runs until one of these; BOGUS, REQIDLE and values are dealt with. The guest's failures, and errors of VM_RUN, fail the test. */
enum outcome vcpu_run(struct machine *m, int id, struct vm_exit *exit);

#define EXPECT_PASS(m, id)		expect_pass(__FILE__, __LINE__, m, id)
#define EXPECT_SYNC(m, id, step)	expect_sync(__FILE__, __LINE__, m, id, step)
/* Returns the exit. */
#define EXPECT_EXIT(m, id, code)	expect_exit(__FILE__, __LINE__, m, id, code)
void	expect_pass(const char *file, int line, struct machine *m, int id);
void	expect_sync(const char *file, int line, struct machine *m, int id, uint32_t step);
struct vm_exit expect_exit(const char *file, int line, struct machine *m, int id, enum vm_exitcode code);

const char *exit_name(int exitcode);

/* What a thread of its own does with a vCPU: vcpu_run() to the end, which is an exit that is no sync. */
struct runner {
	struct machine	*m;
	int		id;
	pthread_t	thread;
	struct vm_exit	exit;		/* the last one */
	int		error;		/* or the errno that ended it */
	volatile int	done;
};

/* Runs until an exit that is none of BOGUS, REQIDLE, DEBUG and the protocol's, or until VM_RUN fails. */
void	runner_start(struct runner *r, struct machine *m, int id);
void	runner_join(struct runner *r, double seconds);

/* --- the host -------------------------------------------------------------------------- */

bool	host_is_amd(void);
/* QEMU without KVM, some of whose processor's features do less than real ones. */
bool	host_is_tcg(void);
/* This thread's, where the kernel has protection keys on. */
uint32_t host_pkru(void);
/* Sum of a vCPU's statistic, by its description; fails the test if there is none. */
uint64_t stat_get(struct machine *m, int id, const char *description);
/* Host-physical address of a page of this process, or 0 where the kernel does not tell. */
uint64_t host_pa(const void *page);
/* /dev/cpu/CPU/msr, or -1 where that is not to be had. */
int	host_msr_open(int cpu);
/* The calling thread stays on CPU. */
void	pin_to_cpu(int cpu);
/* What was written to the kernel log since, for lines with TEXT in them. log_mark() begins anew. */
void	log_mark(void);
bool	log_contains(const char *text);

#endif /* HARNESS_H */
