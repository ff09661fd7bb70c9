// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * vmx: where each VMCS is (Intel manual vol. 3, 24.11): current before it is used, active on one
 * CPU at a time, VMCLEAR on the CPU that has it before another may, and VMLAUNCH behind each VMCLEAR.
 * fake_vmx.c notes what a processor would not have stood for.
 */
#include <kunit/test.h>
#include <linux/cpu.h>
#include <linux/cpumask.h>
#include <linux/irqflags.h>
#include <linux/kernel.h>
#include <linux/preempt.h>
#include <linux/smp.h>
#include "vmx_fixture.h"

/* The VMCS is used on some CPU by somebody who has the vCPU. */
static int use_here(void *arg)
{
	struct vcpu *vcpu = arg;
	u64 val = 0;

	if (!vmcs_get(vcpu))
		return -EIO;
	if (fake_vmcs_cpu(to_vmx(vcpu)) != smp_processor_id() || !vmcs_is_current(to_vmx(vcpu)))
		val = 1;
	vmcs_write(VMCS_GUEST_RSP, vmcs_read(VMCS_GUEST_RSP) + 1);
	to_vmx(vcpu)->launched = true;
	vmcs_put(vcpu);
	return val;
}

static void use_on(struct kunit *test, unsigned int cpu, struct vcpu *vcpu)
{
	KUNIT_EXPECT_EQ(test, smp_call_on_cpu(cpu, use_here, vcpu, false), 0);
	KUNIT_EXPECT_EQ(test, fake_vmcs_cpu(to_vmx(vcpu)), cpu);
}

static unsigned int other_cpu(struct kunit *test)
{
	unsigned int cpu = cpumask_next(0, cpu_online_mask);

	if (cpu >= nr_cpu_ids)
		kunit_skip(test, "one CPU");
	return cpu;
}

static void bracket_nests(struct kunit *test)
{
	struct vcpu *vcpu = fake_vcpu_held(test, 0);
	int depth = preempt_count(), inner = -1;
	bool ok = vmcs_get(vcpu);

	if (ok) {
		inner = vmcs_get(vcpu) ? preempt_count() : -1;
		vmcs_put(vcpu);
		ok = vmcs_is_current(to_vmx(vcpu));
		vmcs_put(vcpu);
	}
	KUNIT_EXPECT_TRUE(test, ok);
	KUNIT_EXPECT_GT(test, inner, depth);
	KUNIT_EXPECT_EQ(test, preempt_count(), depth);
}

/* On the same CPU nothing is cleared: the next entry is a VMRESUME. */
static void staying_costs_nothing(struct kunit *test)
{
	struct vcpu *vcpu = fake_vcpu_held(test, 0);
	unsigned int clears, loads;
	int i;

	use_on(test, 0, vcpu);
	clears = fake_vmx.vmclears;
	loads = fake_vmx.vmptrlds;
	for (i = 0; i < 10; i++)
		use_on(test, 0, vcpu);
	KUNIT_EXPECT_EQ(test, fake_vmx.vmclears, clears);
	KUNIT_EXPECT_EQ(test, fake_vmx.vmptrlds, loads);
	KUNIT_EXPECT_TRUE(test, to_vmx(vcpu)->launched);
}

/* Two on one CPU take turns with VMPTRLD alone, and each has its own fields. */
static void two_take_turns(struct kunit *test)
{
	struct vcpu *a = fake_vcpu_held(test, 0), *b = fake_vcpu_held(test, 1);
	unsigned int clears;
	int i;

	use_on(test, 0, a);
	use_on(test, 0, b);
	clears = fake_vmx.vmclears;
	for (i = 0; i < 10; i++) {
		use_on(test, 0, a);
		if (i & 1)
			use_on(test, 0, b);
	}
	KUNIT_EXPECT_EQ(test, fake_vmx.vmclears, clears);
	KUNIT_EXPECT_EQ(test, fake_vmcs_get(to_vmx(a), VMCS_GUEST_RSP), 11);
	KUNIT_EXPECT_EQ(test, fake_vmcs_get(to_vmx(b), VMCS_GUEST_RSP), 6);
}

static void moving_clears_where_it_was(struct kunit *test)
{
	struct vcpu *vcpu = fake_vcpu_held(test, 0);
	unsigned int other = other_cpu(test), clears;
	int i;

	use_on(test, 0, vcpu);
	for (i = 1; i <= 100; i++) {
		clears = fake_vmx.vmclears;
		to_vmx(vcpu)->launched = true;
		cpus_read_lock();
		use_on(test, i & 1 ? other : 0, vcpu);
		cpus_read_unlock();
		/* One there, and one that makes sure here. */
		KUNIT_EXPECT_EQ(test, fake_vmx.vmclears, clears + 2);
	}
	KUNIT_EXPECT_EQ(test, fake_vmcs_get(to_vmx(vcpu), VMCS_GUEST_RSP), 101);
}

static void note_launched(struct vcpu *vcpu, bool *launched)
{
	if (!vmcs_get(vcpu))
		return;
	*launched = to_vmx(vcpu)->launched;
	vmcs_put(vcpu);
}

static int launched_here(void *arg)
{
	bool launched = true;

	note_launched(arg, &launched);
	return launched;
}

static void moved_one_is_launched_anew(struct kunit *test)
{
	struct vcpu *vcpu = fake_vcpu_held(test, 0);
	unsigned int other = other_cpu(test);

	use_on(test, 0, vcpu);
	KUNIT_EXPECT_EQ(test, smp_call_on_cpu(0, launched_here, vcpu, false), true);
	KUNIT_EXPECT_EQ(test, smp_call_on_cpu(other, launched_here, vcpu, false), false);
}

/* A CPU goes offline, or the machine to sleep: what it has of VMCSs goes to memory. */
static int clear_all_here(void *unused)
{
	unsigned long flags;

	local_irq_save(flags);
	vmcs_clear_all();
	local_irq_restore(flags);
	return 0;
}

static void cpu_gives_all_of_them_back(struct kunit *test)
{
	struct vcpu *a = fake_vcpu_held(test, 0), *b = fake_vcpu_held(test, 1);

	use_on(test, 0, a);
	use_on(test, 0, b);
	smp_call_on_cpu(0, clear_all_here, NULL, false);
	KUNIT_EXPECT_EQ(test, fake_vmcs_cpu(to_vmx(a)), -1);
	KUNIT_EXPECT_EQ(test, fake_vmcs_cpu(to_vmx(b)), -1);
	KUNIT_EXPECT_EQ(test, to_vmx(a)->cpu, -1);
	KUNIT_EXPECT_FALSE(test, to_vmx(a)->launched || to_vmx(b)->launched);
	KUNIT_EXPECT_TRUE(test, list_empty(&per_cpu_ptr(&vmx_cpus, 0)->active));
	use_on(test, 0, b);
}

static void reset_takes_it_off_its_cpu(struct kunit *test)
{
	struct vcpu *vcpu = fake_vcpu_held(test, 0);
	unsigned int other = other_cpu(test);

	use_on(test, other, vcpu);
	KUNIT_EXPECT_EQ(test, fake_vmcs_get(to_vmx(vcpu), VMCS_GUEST_RSP), 1);
	vcpu_reset(vcpu);
	KUNIT_EXPECT_EQ(test, fake_vmcs_get(to_vmx(vcpu), VMCS_GUEST_RSP), 0);
	KUNIT_EXPECT_EQ(test, to_vmx(vcpu)->vmcs->revision, REVISION);
	KUNIT_EXPECT_FALSE(test, to_vmx(vcpu)->launched);
}

/* Freed memory is no VMCS of any processor's. */
static void destruction_takes_it_off_its_cpu(struct kunit *test)
{
	struct vmx_vcpu *vmx = kunit_kzalloc(test, sizeof(*vmx), GFP_KERNEL);
	struct vcpu *vcpu = kunit_kzalloc(test, sizeof(*vcpu), GFP_KERNEL);
	unsigned int other = other_cpu(test);

	KUNIT_ASSERT_NOT_NULL(test, vmx);
	KUNIT_ASSERT_NOT_NULL(test, vcpu);
	vcpu->backend = vmx;
	KUNIT_ASSERT_EQ(test, vmcs_create(vmx), 0);
	use_on(test, other, vcpu);
	vmcs_destroy(vmx);
	KUNIT_EXPECT_EQ(test, fake_vmcs_cpu(vmx), -1);
	KUNIT_EXPECT_TRUE(test, list_empty(&per_cpu_ptr(&vmx_cpus, other)->active));
}

/* The processor does not take it: the caller hears of it, with preemption as it was. */
static void refused_vmcs_is_told(struct kunit *test)
{
	struct vcpu *vcpu = fake_vcpu_held(test, 0);
	int depth = preempt_count();
	bool got;

	smp_call_on_cpu(raw_smp_processor_id(), clear_all_here, NULL, false);
	vmcs_wipe(to_vmx(vcpu));
	to_vmx(vcpu)->vmcs->revision++;
	got = vmcs_get(vcpu);
	if (got)
		vmcs_put(vcpu);
	KUNIT_EXPECT_FALSE(test, got);
	KUNIT_EXPECT_EQ(test, preempt_count(), depth);
	to_vmx(vcpu)->vmcs->revision--;
}

/* --- tags ------------------------------------------------------------------------------------ */

static int prepare_here(void *arg)
{
	struct vcpu *vcpu = arg;

	if (!vmcs_get(vcpu))
		return -EIO;
	local_irq_disable();
	vmx_tlb_prepare(vcpu);
	local_irq_enable();
	vmcs_put(vcpu);
	return 0;
}

static void tlb_prepare(struct kunit *test, struct vcpu *vcpu)
{
	KUNIT_EXPECT_EQ(test, smp_call_on_cpu(0, prepare_here, vcpu, false), 0);
}

/* A root that this CPU has not met yet is invalidated once; a vCPU that moved drops its VPID. */
static void tags_are_dropped_once(struct kunit *test)
{
	struct vcpu *vcpu = fake_vcpu_held(test, 0);
	struct vmx_vcpu *vmx = to_vmx(vcpu);

	tlb_prepare(test, vcpu);
	KUNIT_EXPECT_EQ(test, fake_vmx.invepts, 1);
	KUNIT_EXPECT_EQ(test, fake_vmx.inv_type, VMX_INV_CONTEXT);
	KUNIT_EXPECT_EQ(test, fake_vmx.inv_eptp, to_vmx_vm(vcpu)->eptp);
	KUNIT_EXPECT_EQ(test, fake_vmx.invvpids, 0);	/* went along */
	tlb_prepare(test, vcpu);
	KUNIT_EXPECT_EQ(test, fake_vmx.invepts, 1);
	vmx->flush_tlb = true;
	tlb_prepare(test, vcpu);
	KUNIT_EXPECT_EQ(test, fake_vmx.invepts, 1);
	KUNIT_EXPECT_EQ(test, fake_vmx.invvpids, 1);
	KUNIT_EXPECT_EQ(test, fake_vmx.inv_vpid, vmx->vpid);
	KUNIT_EXPECT_FALSE(test, vmx->flush_tlb);
	vmx_caps.invvpid_context = false;
	vmx->flush_tlb = true;
	tlb_prepare(test, vcpu);
	KUNIT_EXPECT_EQ(test, fake_vmx.inv_type, VMX_INV_ALL);
}

static void vpids_are_never_0_and_never_shared(struct kunit *test)
{
	struct vmx_vcpu *a = to_vmx(fake_vcpu_held(test, 0)), *b = to_vmx(fake_vcpu_held(test, 1));

	KUNIT_EXPECT_NE(test, a->vpid, 0);
	KUNIT_EXPECT_NE(test, b->vpid, 0);
	KUNIT_EXPECT_NE(test, a->vpid, b->vpid);
	KUNIT_EXPECT_EQ(test, fake_vmcs_get(a, VMCS_VPID), a->vpid);
	KUNIT_EXPECT_TRUE(test, a->proc2 & BIT(5));
}

static struct kunit_case vmx_vmcs_test_cases[] = {
	KUNIT_CASE(bracket_nests),
	KUNIT_CASE(staying_costs_nothing),
	KUNIT_CASE(two_take_turns),
	KUNIT_CASE(moving_clears_where_it_was),
	KUNIT_CASE(moved_one_is_launched_anew),
	KUNIT_CASE(cpu_gives_all_of_them_back),
	KUNIT_CASE(reset_takes_it_off_its_cpu),
	KUNIT_CASE(destruction_takes_it_off_its_cpu),
	KUNIT_CASE(refused_vmcs_is_told),
	KUNIT_CASE(tags_are_dropped_once),
	KUNIT_CASE(vpids_are_never_0_and_never_shared),
	{}
};

static struct kunit_suite vmx_vmcs_test_suite = {
	.name = "vmm-vmx-vmcs",
	.suite_init = vmx_suite_init,
	.suite_exit = vmx_suite_exit,
	.init = vmx_test_init,
	.exit = vmx_test_exit,
	.test_cases = vmx_vmcs_test_cases,
};
kunit_test_suite(vmx_vmcs_test_suite);
