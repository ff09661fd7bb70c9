// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * The one file of the module that is compiled here as part of another: what src/vm.c calls in
 * chardev.c and hardware.c, and the clock it gives to its chips, has other names here. Its public
 * functions are those of the test module.
 */
#define chardev_add_vm			fake_chardev_add_vm
#define chardev_remove_vm		fake_chardev_remove_vm
#define hardware_get			fake_hardware_get
#define hardware_put			fake_hardware_put
#define hardware_explain_absence	fake_hardware_explain_absence
#define vclock_host			fake_clock
#include "../src/vm.c"

#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include "fake_vm.h"

struct fake_house fake_house;

int fake_chardev_add_vm(struct vm *vm)
{
	if (fake_house.node_err)
		return fake_house.node_err;
	fake_house.nodes++;
	return 0;
}

void fake_chardev_remove_vm(struct vm *vm)
{
	fake_house.nodes--;
}

int fake_hardware_get(const struct backend *backend)
{
	if (fake_house.hardware_err)
		return fake_house.hardware_err;
	fake_house.hardware_users++;
	return 0;
}

void fake_hardware_put(const struct backend *backend)
{
	fake_house.hardware_users--;
}

void fake_hardware_explain_absence(void)
{
}

/* --- the clock ----------------------------------------------------------------------- */

#define CLOCK_TIMERS	32
#define CLOCK_START_NS	5000000123ULL	/* the host has been up for a while */

static DEFINE_RAW_SPINLOCK(clock_lock);
static u64 clock_now_ns = CLOCK_START_NS;		/* clock_lock to write */
static struct {
	struct vtimer *timer;		/* NULL: free */
	u64 expires_ns;
} clock_armed[CLOCK_TIMERS];				/* clock_lock */

static u64 fake_now_ns(void)
{
	return READ_ONCE(clock_now_ns);
}

static u64 fake_tsc(void)
{
	return fake_now_ns() * 2;
}

/* Of @timer, or (NULL) a free one. */
static int clock_slot(const struct vtimer *timer)
{
	int i;

	for (i = 0; i < CLOCK_TIMERS; i++)
		if (clock_armed[i].timer == timer)
			return i;
	return -1;
}

static void fake_disarm(struct vtimer *timer)
{
	unsigned long flags;
	int i;

	raw_spin_lock_irqsave(&clock_lock, flags);
	i = clock_slot(timer);
	if (i >= 0)
		clock_armed[i].timer = NULL;
	raw_spin_unlock_irqrestore(&clock_lock, flags);
}

static void fake_arm(struct vtimer *timer, u64 expires_host_ns)
{
	unsigned long flags;
	int i;

	raw_spin_lock_irqsave(&clock_lock, flags);
	i = clock_slot(timer);
	if (i < 0)
		i = clock_slot(NULL);
	if (!WARN_ON_ONCE(i < 0)) {
		clock_armed[i].timer = timer;
		clock_armed[i].expires_ns = expires_host_ns;
	}
	raw_spin_unlock_irqrestore(&clock_lock, flags);
}

const struct vclock_source fake_clock = {
	.now_ns = fake_now_ns,
	.tsc = fake_tsc,
	.arm = fake_arm,
	.disarm = fake_disarm,
	.drain = fake_disarm,
};

/*
 * The first that is due by @until_ns, taken out; the clock shows when it was due. NULL: there is
 * none, and the clock shows @until_ns.
 */
static struct vtimer *clock_take_due(u64 until_ns)
{
	struct vtimer *timer = NULL;
	int i, first = -1;

	raw_spin_lock(&clock_lock);
	for (i = 0; i < CLOCK_TIMERS; i++) {
		if (!clock_armed[i].timer || clock_armed[i].expires_ns > until_ns)
			continue;
		if (first < 0 || clock_armed[i].expires_ns < clock_armed[first].expires_ns)
			first = i;
	}
	if (first >= 0) {
		timer = clock_armed[first].timer;
		clock_armed[first].timer = NULL;
		until_ns = clock_armed[first].expires_ns;
	}
	WRITE_ONCE(clock_now_ns, max(clock_now_ns, until_ns));
	raw_spin_unlock(&clock_lock);
	return timer;
}

void fake_clock_run(u64 ns)
{
	u64 until_ns = fake_now_ns() + ns;
	struct vtimer *timer;

	do {
		local_irq_disable();
		timer = clock_take_due(until_ns);
		if (timer)
			vtimer_expire(timer);
		local_irq_enable();
	} while (timer);
}

/* --- life ---------------------------------------------------------------------------- */

int fake_suite_init(struct kunit_suite *suite)
{
	int err = mem_module_init();

	if (err)
		return err;
	err = vm_module_init(&fake_backend);
	if (err)
		mem_module_exit();
	return err;
}

void fake_suite_exit(struct kunit_suite *suite)
{
	vm_module_exit();
	mem_module_exit();
}

int fake_vm_test_init(struct kunit *test)
{
	return fake_vm_test_init_on(test, &fake_backend);
}

int fake_vm_test_init_on(struct kunit *test, const struct backend *backend)
{
	struct fake_vm *fake = kunit_kzalloc(test, sizeof(*fake), GFP_KERNEL);

	if (!fake)
		return -ENOMEM;
	test->priv = fake;
	fake_house = (struct fake_house){};
	vmm_halt_detection = true;
	vm_backend = backend;
	return vm_create("kunit", &fake->vm);
}

static void fake_thread_end(struct fake_thread *thread)
{
	if (!thread->task)
		return;
	kthread_stop(thread->task);
	put_task_struct(thread->task);
	thread->task = NULL;
}

static void fake_vm_end(struct kunit *test, struct fake_vm *fake)
{
	struct vcpu *vcpu;
	unsigned int id;

	vm_for_each_vcpu(fake->vm, vcpu, id) {
		if (fake->held[id])
			fake_vcpu_release(test, vcpu);
		if (vcpu->vm->backend == &fake_backend)
			KUNIT_EXPECT_STREQ_MSG(test, to_fake(vcpu)->broken ?: "", "",
					       "promise to the backend, vCPU %u", id);
	}
	vm_destroy(fake->vm);
	for (id = 0; id < FAKE_VCPUS; id++)
		fake_thread_end(&fake->threads[id]);
	vm_put(fake->vm);
}

void fake_vm_test_exit(struct kunit *test)
{
	struct fake_vm *fake = test->priv;

	if (fake && fake->vm)
		fake_vm_end(test, fake);
	KUNIT_EXPECT_TRUE(test, fake_happens(!READ_ONCE(fake_house.hardware_users)));
	KUNIT_EXPECT_EQ(test, atomic_read(&fake_vms), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&fake_vcpus), 0);
	KUNIT_EXPECT_EQ(test, fake_house.nodes, 0);
	KUNIT_EXPECT_TRUE(test, list_empty(&registry));
	KUNIT_EXPECT_TRUE(test, idr_is_empty(&minors));
}

/* --- vCPUs --------------------------------------------------------------------------- */

struct vcpu *fake_vcpu(struct kunit *test, unsigned int id)
{
	struct vcpu *vcpu = vm_vcpu(fake_vm(test), id);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, vcpu);
	if (!test_bit(id, fake_vm(test)->irq.active))
		KUNIT_ASSERT_EQ(test, vm_activate_vcpu(vcpu), 0);
	return vcpu;
}

void fake_vcpu_hold(struct kunit *test, struct vcpu *vcpu)
{
	struct fake_vm *fake = test->priv;

	KUNIT_ASSERT_EQ(test, vcpu_freeze(vcpu), 0);
	fake->held[vcpu->id] = true;
}

void fake_vcpu_release(struct kunit *test, struct vcpu *vcpu)
{
	struct fake_vm *fake = test->priv;

	fake->held[vcpu->id] = false;
	vcpu_thaw(vcpu);
}

struct vcpu *fake_vcpu_held(struct kunit *test, unsigned int id)
{
	struct vcpu *vcpu = fake_vcpu(test, id);

	fake_vcpu_hold(test, vcpu);
	return vcpu;
}

int fake_run_once(struct vcpu *vcpu)
{
	int err;

	do {
		err = vcpu_run(vcpu);
	} while (!err && vcpu->exit.exitcode == VM_EXITCODE_BOGUS && !signal_pending(current));
	return err ?: (int)vcpu->exit.exitcode;
}

int fake_reinit(struct vm *vm)
{
	int err;

	down_write(&vm->mem.lock);
	err = vm_reinit(vm);
	up_write(&vm->mem.lock);
	return err;
}

int fake_reinit_running(struct vm *vm)
{
	int err;

	down_write(&vm->mem.lock);
	err = vm_freeze_all(vm);
	if (!err) {
		err = vm_reinit(vm);
		vm_thaw_all(vm);
	}
	up_write(&vm->mem.lock);
	return err;
}

bool fake_vcpu_reaches(struct vcpu *vcpu, enum vcpu_state state)
{
	return fake_happens(READ_ONCE(vcpu->state) == state);
}

/* --- threads ------------------------------------------------------------------------- */

/* Before the vCPU is anybody else's: who got it by this exit shall find it counted. */
static void thread_note(struct fake_thread *thread, int err)
{
	unsigned int code = thread->vcpu->exit.exitcode;

	thread->exit = thread->vcpu->exit;
	if (!err && code < VM_EXITCODE_MAX)
		WRITE_ONCE(thread->exits[code], thread->exits[code] + 1);
}

/* What the VM_RUN of a program does. */
static int thread_run_once(struct fake_thread *thread)
{
	struct vcpu *vcpu = thread->vcpu;
	struct vm *vm = vcpu->vm;
	int err = vm_enter(vm);

	if (err)
		return err;
	err = vcpu_freeze(vcpu);
	if (!err) {
		err = vcpu_run(vcpu);
		thread_note(thread, err);
		vcpu_thaw(vcpu);
	}
	vm_leave(vm);
	return err;
}

static int thread_main(void *arg)
{
	struct fake_thread *thread = arg;

	allow_signal(SIGUSR1);
	do {
		thread->err = thread_run_once(thread);
		if (thread->err || thread->exit.exitcode >= VM_EXITCODE_MAX)
			break;
		flush_signals(current);
		cond_resched();
	} while (thread->come_back & BIT(thread->exit.exitcode));
	complete(&thread->done);
	return 0;
}

struct fake_thread *fake_thread_start(struct kunit *test, struct vcpu *vcpu,
				      unsigned long come_back)
{
	struct fake_vm *fake = test->priv;
	struct fake_thread *thread = &fake->threads[vcpu->id];

	fake_thread_end(thread);
	*thread = (struct fake_thread){
		.vcpu = vcpu,
		.come_back = come_back | BIT(VM_EXITCODE_REQIDLE) | BIT(VM_EXITCODE_BOGUS),
	};
	init_completion(&thread->done);
	thread->task = kthread_create(thread_main, thread, "vcpu/%u", vcpu->id);
	if (IS_ERR(thread->task))
		thread->task = NULL;
	KUNIT_ASSERT_NOT_NULL(test, thread->task);
	get_task_struct(thread->task);
	wake_up_process(thread->task);
	return thread;
}

bool fake_thread_ends(struct fake_thread *thread)
{
	if (!wait_for_completion_timeout(&thread->done, 20 * HZ))
		return false;
	complete(&thread->done);	/* for whoever asks again */
	return true;
}

bool fake_thread_lasts(struct fake_thread *thread)
{
	msleep(50);
	return !completion_done(&thread->done);
}

/* --- memory -------------------------------------------------------------------------- */

int fake_memory(struct kunit *test, int segid, u64 gpa, u64 bytes, int prot)
{
	struct vm *vm = fake_vm(test);
	int err;

	down_write(&vm->mem.lock);
	err = memseg_alloc(&vm->mem, segid, bytes, "") ?:
	      memmap_map(&vm->mem, gpa, segid, 0, bytes, prot, 0);
	up_write(&vm->mem.lock);
	return err;
}

int fake_poke(struct kunit *test, u64 gpa, const void *bytes, size_t len)
{
	struct mem_hold hold;
	void *addr = mem_hold(&fake_vm(test)->mem, gpa, len, VM_PROT_READ, &hold);

	if (!addr)
		return -EFAULT;
	memcpy(addr, bytes, len);
	mem_release(&hold, true);
	return 0;
}
