// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * vm: names, creation and what undoes it when it fails, the registry, destruction, vCPUs on first
 * use (semantics.md 1, 3.3, 6.4).
 */
#include <kunit/test.h>
#include <linux/bits.h>
#include <linux/completion.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/string.h>
#include <asm/processor-flags.h>
#include "dev/vlapic.h"
#include "fake_vm.h"

/* --- names --------------------------------------------------------------------------- */

static void vm_names_have_rules(struct kunit *test)
{
	static const char *const bad[] = {
		"", ".", "..", "a b", "a\tb", "a\nb", "a\"b", "a/b", "/", " ",
	};
	static const char *const good[] = { "a", "a.b", "...", "-", "a-b_c+d,e:f", "voil\xc3\xa0" };
	struct vm *vm;
	int i, err;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		KUNIT_EXPECT_EQ_MSG(test, vm_create(bad[i], NULL), -EINVAL, "'%s'", bad[i]);
	for (i = 0; i < ARRAY_SIZE(good); i++) {
		err = vm_create(good[i], &vm);
		KUNIT_EXPECT_EQ_MSG(test, err, 0, "'%s'", good[i]);
		if (err)
			continue;
		KUNIT_EXPECT_STREQ(test, vm->name, good[i]);
		KUNIT_EXPECT_EQ(test, vm_destroy_by_name(good[i]), 0);
		vm_put(vm);
	}
}

static void vm_names_have_229_bytes(struct kunit *test)
{
	char *name = kunit_kzalloc(test, 400, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, name);
	memset(name, 'x', 229);
	KUNIT_EXPECT_EQ(test, vm_create(name, NULL), 0);
	KUNIT_EXPECT_EQ(test, vm_create(name, NULL), -EEXIST);
	KUNIT_EXPECT_EQ(test, vm_destroy_by_name(name), 0);
	name[229] = 'x';
	KUNIT_EXPECT_EQ(test, vm_create(name, NULL), -EINVAL);
	KUNIT_EXPECT_EQ(test, vm_destroy_by_name(name), -EINVAL);
	memset(name, 'x', 399);
	KUNIT_EXPECT_EQ(test, vm_create(name, NULL), -EINVAL);
	KUNIT_EXPECT_EQ(test, vm_destroy_by_name(name), -EINVAL);
}

/* Plain bytes, upper and lower case apart. */
static void vm_names_are_bytes(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, vm_create("kunit", NULL), -EEXIST);
	KUNIT_EXPECT_EQ(test, vm_create("KUNIT", NULL), 0);
	KUNIT_EXPECT_EQ(test, vm_destroy_by_name("Kunit"), -EINVAL);
	KUNIT_EXPECT_EQ(test, vm_destroy_by_name("KUNIT"), 0);
	KUNIT_EXPECT_EQ(test, vm_destroy_by_name("KUNIT"), -EINVAL);
}

/* --- creation ------------------------------------------------------------------------ */

static void vm_create_hands_errors_on(struct kunit *test)
{
	static const int errors[] = { -EBUSY, -ENOMEM, -EEXIST };
	int i;

	for (i = 0; i < ARRAY_SIZE(errors); i++) {
		fake_house.hardware_err = errors[i];
		KUNIT_EXPECT_EQ(test, vm_create("other", NULL), errors[i]);
		fake_house.hardware_err = 0;
		fake_house.node_err = errors[i];
		KUNIT_EXPECT_EQ(test, vm_create("other", NULL), errors[i]);
		fake_house.node_err = 0;
		/* The fixture's VM alone is left. */
		KUNIT_EXPECT_EQ(test, fake_house.hardware_users, 1);
		KUNIT_EXPECT_EQ(test, atomic_read(&fake_vms), 1);
		KUNIT_EXPECT_EQ(test, vm_destroy_by_name("other"), -EINVAL);
	}
	KUNIT_EXPECT_EQ(test, vm_create("other", NULL), 0);
	KUNIT_EXPECT_EQ(test, vm_destroy_by_name("other"), 0);
}

static void vm_create_counts_per_user(struct kunit *test)
{
	unsigned int limit = vmm_maxvmms, i;
	char name[8];

	vmm_maxvmms = 4;
	for (i = 1; i < 4; i++) {
		snprintf(name, sizeof(name), "vm%u", i);
		KUNIT_EXPECT_EQ(test, vm_create(name, NULL), 0);
	}
	KUNIT_EXPECT_EQ(test, vm_create("vm4", NULL), -ENOMEM);
	KUNIT_EXPECT_EQ(test, vm_destroy_by_name("vm2"), 0);
	KUNIT_EXPECT_EQ(test, vm_create("vm4", NULL), 0);
	KUNIT_EXPECT_EQ(test, vm_create("vm2", NULL), -ENOMEM);
	for (i = 1; i <= 4; i++) {
		snprintf(name, sizeof(name), "vm%u", i);
		KUNIT_EXPECT_EQ(test, vm_destroy_by_name(name), i == 2 ? -EINVAL : 0);
	}
	vmm_maxvmms = limit;
}

static void vm_is_found_by_minor(struct kunit *test)
{
	struct vm *vm = fake_vm(test), *other, *found;

	KUNIT_ASSERT_EQ(test, vm_create("other", &other), 0);
	KUNIT_EXPECT_NE(test, vm->minor, other->minor);
	found = vm_get_by_minor(other->minor);
	KUNIT_EXPECT_PTR_EQ(test, found, other);
	if (found)
		vm_put(found);
	KUNIT_EXPECT_EQ(test, vm_destroy_by_name("other"), 0);
	KUNIT_EXPECT_NULL(test, vm_get_by_minor(other->minor));
	KUNIT_EXPECT_NULL(test, vm_get_by_minor(-1));
	KUNIT_EXPECT_NULL(test, vm_get_by_minor(VMM_MINORS));
	vm_put(other);
}

/* Nothing in it, everybody off, one socket, core and thread. */
static void vm_starts_empty(struct kunit *test)
{
	struct vm *vm = fake_vm(test);
	struct vm_memmap map = {};
	unsigned int i;

	for (i = 0; i < vm->maxcpus; i++)
		KUNIT_EXPECT_NULL(test, vm_vcpu_find(vm, i));
	KUNIT_EXPECT_NULL(test, vm_vcpu_find(vm, vm->maxcpus));
	KUNIT_EXPECT_NULL(test, vm_vcpu_find(vm, ~0U));
	KUNIT_EXPECT_TRUE(test, bitmap_empty(vm->irq.active, VM_MAXCPU));
	KUNIT_EXPECT_TRUE(test, bitmap_empty(vm->suspended, VM_MAXCPU));
	KUNIT_EXPECT_TRUE(test, bitmap_empty(vm->debug, VM_MAXCPU));
	KUNIT_EXPECT_EQ(test, vm->cpuid.sockets * vm->cpuid.cores * vm->cpuid.threads, 1);
	down_read(&vm->mem.lock);
	KUNIT_EXPECT_EQ(test, memmap_next(&vm->mem, &map), -ENOENT);
	up_read(&vm->mem.lock);
	/* Both sets are empty, hence equal. */
	KUNIT_EXPECT_EQ(test, fake_reinit(vm), 0);
}

/* --- destruction --------------------------------------------------------------------- */

static void vm_destroy_ends_operations(struct kunit *test)
{
	struct vm *vm;

	KUNIT_ASSERT_EQ(test, vm_create("other", &vm), 0);
	KUNIT_EXPECT_EQ(test, vm_enter(vm), 0);
	vm_leave(vm);
	vm_destroy(vm);
	KUNIT_EXPECT_EQ(test, vm_enter(vm), -ENXIO);
	vm_destroy(vm);		/* once is enough */
	KUNIT_EXPECT_EQ(test, vm_enter(vm), -ENXIO);
	vm_put(vm);
}

struct leaver {
	struct vm *vm;
	struct completion leave;
};

static int leaver_main(void *arg)
{
	struct leaver *leaver = arg;

	wait_for_completion(&leaver->leave);
	vm_leave(leaver->vm);
	while (!kthread_should_stop())
		schedule_timeout_interruptible(1);
	return 0;
}

/*
 * An operation that its own caller holds up does not hold up destruction; what it uses goes when
 * it ends.
 */
static void vm_destroy_does_not_wait_for_ever(struct kunit *test)
{
	struct leaver leaver;
	struct task_struct *task;
	unsigned long start;

	KUNIT_ASSERT_EQ(test, vm_create("other", &leaver.vm), 0);
	init_completion(&leaver.leave);
	KUNIT_ASSERT_EQ(test, vm_enter(leaver.vm), 0);
	task = kthread_run(leaver_main, &leaver, "leaver");
	KUNIT_ASSERT_FALSE(test, IS_ERR(task));
	start = jiffies;
	vm_destroy(leaver.vm);
	KUNIT_EXPECT_LT(test, jiffies - start, 3 * HZ);
	KUNIT_EXPECT_EQ(test, vm_enter(leaver.vm), -ENXIO);
	KUNIT_EXPECT_EQ(test, atomic_read(&fake_vms), 2);
	complete(&leaver.leave);
	KUNIT_EXPECT_TRUE(test, fake_happens(atomic_read(&fake_vms) == 1));
	kthread_stop(task);
	vm_put(leaver.vm);
}

/* The name is free as soon as destruction has returned. */
static void vm_names_are_free_again(struct kunit *test)
{
	int i;

	for (i = 0; i < 20; i++) {
		KUNIT_EXPECT_EQ(test, vm_create("again", NULL), 0);
		KUNIT_EXPECT_EQ(test, vm_destroy_by_name("again"), 0);
	}
}

static void vm_dead_is_said_once(struct kunit *test)
{
	struct vm *vm = fake_vm(test);
	struct vcpu *vcpu = fake_vcpu(test, 0);

	vm_mark_dead(vm, "test");
	KUNIT_EXPECT_TRUE(test, vm->dead);
	KUNIT_EXPECT_TRUE(test, test_bit(VCPU_REQ_DYING, &vcpu->requests));
	clear_bit(VCPU_REQ_DYING, &vcpu->requests);
	vm_mark_dead(vm, "test");
	KUNIT_EXPECT_FALSE(test, test_bit(VCPU_REQ_DYING, &vcpu->requests));
}

/* --- vCPUs --------------------------------------------------------------------------- */

static void vcpu_is_made_on_first_use(struct kunit *test)
{
	struct vm *vm = fake_vm(test);
	struct vcpu *vcpu = vm_vcpu(vm, 5);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, vcpu);
	KUNIT_EXPECT_EQ(test, vcpu->id, 5);
	KUNIT_EXPECT_PTR_EQ(test, vm_vcpu(vm, 5), vcpu);
	KUNIT_EXPECT_PTR_EQ(test, vm_vcpu_find(vm, 5), vcpu);
	KUNIT_EXPECT_NULL(test, vm_vcpu_find(vm, 4));
	KUNIT_EXPECT_FALSE(test, test_bit(5, vm->irq.active));
	KUNIT_EXPECT_EQ(test, atomic_read(&fake_vcpus), 1);
	KUNIT_EXPECT_EQ(test, PTR_ERR(vm_vcpu(vm, -1)), -EINVAL);
	KUNIT_EXPECT_EQ(test, PTR_ERR(vm_vcpu(vm, vm->maxcpus)), -EINVAL);
	KUNIT_EXPECT_EQ(test, PTR_ERR(vm_vcpu(vm, INT_MAX)), -EINVAL);
	KUNIT_EXPECT_EQ(test, PTR_ERR(vm_vcpu(vm, INT_MIN)), -EINVAL);
}

#define RACERS	4

struct racer {
	struct vm *vm;
	struct completion *start;
	struct vcpu *vcpus[FAKE_VCPUS];
};

static int racer_main(void *arg)
{
	struct racer *racer = arg;
	int id;

	wait_for_completion(racer->start);
	for (id = 0; id < FAKE_VCPUS; id++)
		racer->vcpus[id] = vm_vcpu(racer->vm, id);
	while (!kthread_should_stop())
		schedule_timeout_interruptible(1);
	return 0;
}

static void vcpu_is_made_once(struct kunit *test)
{
	struct racer *racers = kunit_kcalloc(test, RACERS, sizeof(*racers), GFP_KERNEL);
	struct task_struct *tasks[RACERS];
	struct completion start;
	int i, id;

	KUNIT_ASSERT_NOT_NULL(test, racers);
	init_completion(&start);
	for (i = 0; i < RACERS; i++) {
		racers[i].vm = fake_vm(test);
		racers[i].start = &start;
		tasks[i] = kthread_run(racer_main, &racers[i], "racer/%d", i);
	}
	complete_all(&start);
	for (i = 0; i < RACERS; i++) {
		/* Not before it has begun: a thread that is stopped before never runs at all. */
		if (!IS_ERR(tasks[i])) {
			KUNIT_EXPECT_TRUE(test,
					  fake_happens(READ_ONCE(racers[i].vcpus[FAKE_VCPUS - 1])));
			kthread_stop(tasks[i]);
		}
		for (id = 0; id < FAKE_VCPUS; id++)
			KUNIT_EXPECT_PTR_EQ(test, racers[i].vcpus[id],
					    vm_vcpu_find(fake_vm(test), id));
	}
	KUNIT_EXPECT_EQ(test, atomic_read(&fake_vcpus), FAKE_VCPUS);
}

static void vcpu_is_not_made_while_all_are_frozen(struct kunit *test)
{
	struct vm *vm = fake_vm(test);
	struct completion start;
	struct racer *racer = kunit_kzalloc(test, sizeof(*racer), GFP_KERNEL);
	struct task_struct *task;

	KUNIT_ASSERT_NOT_NULL(test, racer);
	fake_vcpu(test, 0);
	init_completion(&start);
	*racer = (struct racer){ .vm = vm, .start = &start };
	KUNIT_ASSERT_EQ(test, vm_freeze_all(vm), 0);
	task = kthread_run(racer_main, racer, "racer");
	complete_all(&start);
	KUNIT_EXPECT_TRUE(test, IS_ERR(task) || fake_happens(READ_ONCE(racer->vcpus[0])));
	schedule_timeout_uninterruptible(HZ / 20);
	KUNIT_EXPECT_NULL(test, vm_vcpu_find(vm, 1));
	vm_thaw_all(vm);
	if (!IS_ERR(task)) {
		KUNIT_EXPECT_TRUE(test, fake_happens(READ_ONCE(racer->vcpus[1])));
		KUNIT_EXPECT_TRUE(test, fake_happens(READ_ONCE(racer->vcpus[FAKE_VCPUS - 1])));
		kthread_stop(task);
	}
}

/* None when the VM goes; those that there are go with it. */
static void vcpu_is_not_made_when_the_vm_goes(struct kunit *test)
{
	struct vm *vm;

	KUNIT_ASSERT_EQ(test, vm_create("other", &vm), 0);
	KUNIT_EXPECT_NOT_ERR_OR_NULL(test, vm_vcpu(vm, 0));
	vm_destroy(vm);
	KUNIT_EXPECT_EQ(test, atomic_read(&fake_vcpus), 0);
	KUNIT_EXPECT_EQ(test, PTR_ERR(vm_vcpu(vm, 1)), -EINVAL);
	vm_put(vm);
}

/* 6.4, as far as it is not the backend's; and that again after VM_REINIT. */
static void vcpu_starts_in_its_fresh_state(struct kunit *test)
{
	static const int zero[] = {
		VM_REG_GUEST_RAX, VM_REG_GUEST_RSP, VM_REG_GUEST_R15, VM_REG_GUEST_RIP,
		VM_REG_GUEST_CR2, VM_REG_GUEST_DR0, VM_REG_GUEST_DR3, VM_REG_GUEST_TPR,
	};
	struct vcpu *vcpu = fake_vcpu_held(test, 0);
	u64 val, svr = 0x1ff;
	int i, round;

	for (round = 0; round < 2; round++) {
		for (i = 0; i < ARRAY_SIZE(zero); i++) {
			val = ~0ULL;
			KUNIT_EXPECT_EQ(test, vcpu_reg_get(vcpu, zero[i], &val), 0);
			KUNIT_EXPECT_EQ_MSG(test, val, 0, "register %d, round %d", zero[i], round);
			vcpu_reg_set(vcpu, zero[i], 5);
		}
		KUNIT_EXPECT_EQ(test, vcpu->cpuid.xcr0, 1);
		KUNIT_EXPECT_EQ(test, vcpu->msrs.pat, 0x0007040600070406ULL);
		KUNIT_EXPECT_EQ(test, vcpu->msrs.mtrr_def_type, 0);
		KUNIT_EXPECT_EQ(test, vcpu->tsc_offset, 0);
		KUNIT_EXPECT_FALSE(test, vlapic_x2apic(vcpu->vlapic));
		KUNIT_EXPECT_FALSE(test, vlapic_enabled(vcpu->vlapic));
		KUNIT_EXPECT_FALSE(test, vlapic_ipi_exit(vcpu->vlapic));
		KUNIT_EXPECT_FALSE(test, event_pending(&vcpu->events));
		KUNIT_EXPECT_EQ(test, vcpu->events.flags, 0);
		KUNIT_EXPECT_NULL(test, memchr_inv(vcpu->stats, 0, sizeof(vcpu->stats)));

		vlapic_set_x2apic_state(vcpu->vlapic, X2APIC_ENABLED);
		vlapic_set_ipi_exit(vcpu->vlapic, true);
		vlapic_mmio(vcpu->vlapic, 0xf0, true, 4, &svr);
		vcpu_inject_exception(vcpu, 13, true, 0, false);
		set_bit(EVENT_NMI, &vcpu->events.flags);
		vcpu->cpuid.xcr0 = 7;
		vcpu->msrs.pat = 0;
		vcpu->tsc_offset = 12345;
		vcpu_request(vcpu, VCPU_REQ_INIT);
		vm_suspend(vcpu->vm, VM_SUSPEND_RESET);
		fake_run_once(vcpu);
		KUNIT_EXPECT_EQ(test, fake_reinit(vcpu->vm), 0);
		KUNIT_EXPECT_EQ(test, vcpu->requests, 0);
	}
}

static struct kunit_case vm_test_cases[] = {
	KUNIT_CASE(vm_names_have_rules),
	KUNIT_CASE(vm_names_have_229_bytes),
	KUNIT_CASE(vm_names_are_bytes),
	KUNIT_CASE(vm_create_hands_errors_on),
	KUNIT_CASE(vm_create_counts_per_user),
	KUNIT_CASE(vm_is_found_by_minor),
	KUNIT_CASE(vm_starts_empty),
	KUNIT_CASE(vm_destroy_ends_operations),
	KUNIT_CASE(vm_destroy_does_not_wait_for_ever),
	KUNIT_CASE(vm_names_are_free_again),
	KUNIT_CASE(vm_dead_is_said_once),
	KUNIT_CASE(vcpu_is_made_on_first_use),
	KUNIT_CASE(vcpu_is_made_once),
	KUNIT_CASE(vcpu_is_not_made_while_all_are_frozen),
	KUNIT_CASE(vcpu_is_not_made_when_the_vm_goes),
	KUNIT_CASE(vcpu_starts_in_its_fresh_state),
	{}
};

static struct kunit_suite vm_test_suite = {
	.name = "vmm-vm",
	.suite_init = fake_suite_init,
	.suite_exit = fake_suite_exit,
	.init = fake_vm_test_init,
	.exit = fake_vm_test_exit,
	.test_cases = vm_test_cases,
};
kunit_test_suite(vm_test_suite);
