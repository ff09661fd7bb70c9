/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * fake_vm: whole machines for suites: src/vm.c on the fake backend, with its nodes in /dev, the
 * virtualization hardware and the clock replaced; and threads that are vCPUs.
 *
 * A suite has fake_suite_init/exit and fake_vm_test_init/exit as its functions. Each test then has a
 * VM in test->priv, and at its end everything is taken down whatever state it was left in, and
 * counted.
 */
#ifndef KUNIT_FAKE_VM_H
#define KUNIT_FAKE_VM_H

#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/sched.h>
#include <linux/types.h>
#include "fake_backend.h"
#include "run.h"
#include "vm.h"

#define FAKE_VCPUS	8		/* vmm_maxcpu of the test module */

/* What stands in for src/chardev.c and src/hardware.c. */
struct fake_house {
	int hardware_err;		/* what hardware_get() answers */
	int node_err;			/* what chardev_add_vm() answers */
	unsigned int hardware_users;
	unsigned int nodes;
};
extern struct fake_house fake_house;

/* A thread that calls VM_RUN for one vCPU. */
struct fake_thread {
	struct vcpu *vcpu;
	struct task_struct *task;	/* NULL: not started */
	struct completion done;
	unsigned long come_back;	/* BIT(exit code): VM_RUN is called again */
	unsigned int exits[VM_EXITCODE_MAX];	/* how often it returned with each */
	/* After done: */
	int err;			/* of the last VM_RUN */
	struct vm_exit exit;		/* if err is 0 */
};

struct fake_vm {
	struct vm *vm;
	struct fake_thread threads[FAKE_VCPUS];
	bool held[FAKE_VCPUS];
};

int fake_suite_init(struct kunit_suite *suite);
void fake_suite_exit(struct kunit_suite *suite);
int fake_vm_test_init(struct kunit *test);
void fake_vm_test_exit(struct kunit *test);
/* The same, on another backend; its setup() is the suite's business. */
int fake_vm_test_init_on(struct kunit *test, const struct backend *backend);

static inline struct vm *fake_vm(struct kunit *test)
{
	return ((struct fake_vm *)test->priv)->vm;
}

/* vCPU @id, made, activated and not frozen; the test ends if it cannot be had. */
struct vcpu *fake_vcpu(struct kunit *test, unsigned int id);
/* The same, and frozen by the test. */
struct vcpu *fake_vcpu_held(struct kunit *test, unsigned int id);
void fake_vcpu_hold(struct kunit *test, struct vcpu *vcpu);
void fake_vcpu_release(struct kunit *test, struct vcpu *vcpu);

/*
 * VM_RUN without the ioctl, by the test, of a vCPU that it holds; again if it comes back with BOGUS
 * for the scheduler's sake. The exit code, or -errno.
 */
int fake_run_once(struct vcpu *vcpu);
/* VM_REINIT without the ioctl; the test holds every vCPU, or none. */
int fake_reinit(struct vm *vm);
int fake_reinit_running(struct vm *vm);

/*
 * A thread for @vcpu, whose VM_RUN is called until it ends other than with REQIDLE, BOGUS or
 * @come_back.
 */
struct fake_thread *fake_thread_start(struct kunit *test, struct vcpu *vcpu,
				      unsigned long come_back);
/* True if it has ended, in time. */
bool fake_thread_ends(struct fake_thread *thread);
/* True if it has not ended, and will not by itself (waited for 50 ms). */
bool fake_thread_lasts(struct fake_thread *thread);
/* Wait until the vCPU is in that state; false after some seconds. */
bool fake_vcpu_reaches(struct vcpu *vcpu, enum vcpu_state state);
/* True @condition, in some seconds. */
#define fake_happens(condition)						\
({									\
	unsigned long limit = jiffies + 10 * HZ;			\
									\
	while (!(condition) && time_before(jiffies, limit))		\
		schedule_timeout_uninterruptible(1);			\
	(condition);							\
})

/* Nanoseconds pass, and timers that come due fire. Process context. */
void fake_clock_run(u64 ns);

/*
 * Memory: segment @segid of @bytes at @gpa, all rights in @prot; contents through fake_poke(). 0
 * or -errno.
 */
int fake_memory(struct kunit *test, int segid, u64 gpa, u64 bytes, int prot);
int fake_poke(struct kunit *test, u64 gpa, const void *bytes, size_t len);

#endif
