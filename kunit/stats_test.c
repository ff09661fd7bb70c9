// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* stats: the texts of all counters, and the two that are computed when read (semantics.md 30). */
#include <kunit/test.h>
#include <linux/kernel.h>
#include <linux/sizes.h>
#include <linux/string.h>
#include "fake_vm.h"
#include "stats.h"

#define TEXT_BYTES	sizeof(((struct vm_stat_desc *)NULL)->desc)

static void stat_text(struct kunit *test, int index, char *buf)
{
	memset(buf, 0x7f, TEXT_BYTES);
	KUNIT_ASSERT_EQ_MSG(test, stat_describe(index, buf, TEXT_BYTES), 0, "index %d", index);
}

/*
 * Texts are how programs find a counter: every one has its own, and bhyvectl's ways of asking find
 * some.
 */
static void stats_have_texts_of_their_own(struct kunit *test)
{
	char text[TEXT_BYTES], other[TEXT_BYTES];
	int i, j;

	for (i = 0; i < VCPU_STAT_COUNT; i++) {
		stat_text(test, i, text);
		KUNIT_EXPECT_GT(test, strnlen(text, sizeof(text)), 0);
		KUNIT_EXPECT_LT(test, strnlen(text, sizeof(text)), sizeof(text));
		for (j = 0; j < i; j++) {
			stat_text(test, j, other);
			KUNIT_EXPECT_STRNEQ(test, text, other);
		}
	}
}

static void stats_have_the_known_texts(struct kunit *test)
{
	static const struct { int index; const char *text; } known[] = {
		{ VCPU_TOTAL_RUNTIME, "vcpu total runtime" },
		{ VCPU_IDLE_TICKS, "number of ticks vcpu was idle" },
		{ VMM_MEM_RESIDENT, "Resident memory" },
		{ VMM_MEM_WIRED, "Wired memory" },
	};
	char text[TEXT_BYTES];
	int i;

	for (i = 0; i < ARRAY_SIZE(known); i++) {
		stat_text(test, known[i].index, text);
		KUNIT_EXPECT_STREQ(test, text, known[i].text);
	}
}

/* Seven local vector table entries, told apart by an index in brackets. */
static void stats_number_the_elements_of_arrays(struct kunit *test)
{
	char text[TEXT_BYTES], first[TEXT_BYTES], want[8];
	int i;

	stat_text(test, LVTS_TRIGGERRED, first);
	*strchr(first, '[') = '\0';
	for (i = 0; i < 7; i++) {
		stat_text(test, LVTS_TRIGGERRED + i, text);
		snprintf(want, sizeof(want), "[%d]", i);
		KUNIT_EXPECT_MEMEQ(test, text, first, strlen(first));
		KUNIT_EXPECT_STREQ(test, text + strlen(first), want);
	}
	stat_text(test, LVTS_TRIGGERRED + 7, text);
	KUNIT_EXPECT_NULL(test, strchr(text, '['));
}

static void stats_have_bounds(struct kunit *test)
{
	static const int bad[] = { -1, INT_MIN, VCPU_STAT_COUNT, INT_MAX };
	char text[TEXT_BYTES];
	int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		KUNIT_EXPECT_EQ_MSG(test, stat_describe(bad[i], text, sizeof(text)), -EINVAL,
				    "index %d", bad[i]);
}

static void stats_texts_fit_any_buffer(struct kunit *test)
{
	char text[5] = "....";

	KUNIT_EXPECT_EQ(test, stat_describe(VCPU_TOTAL_RUNTIME, text, 4), 0);
	KUNIT_EXPECT_MEMEQ(test, text, "vcp\0", sizeof(text));
}

/* Of vCPU 0 alone, in bytes, as of now. */
static void stats_show_memory(struct kunit *test)
{
	struct vcpu *first = fake_vcpu(test, 0), *second = fake_vcpu(test, 1);
	struct vm *vm = fake_vm(test);

	stats_refresh(first);
	KUNIT_EXPECT_EQ(test, first->stats[VMM_MEM_RESIDENT], 0);
	KUNIT_EXPECT_EQ(test, first->stats[VMM_MEM_WIRED], 0);
	KUNIT_ASSERT_EQ(test, fake_memory(test, 0, 0, SZ_1M, VM_PROT_ALL), 0);
	KUNIT_ASSERT_EQ(test, mem_fault(&vm->mem, 0x3000, VM_PROT_READ), 0);
	down_read(&vm->mem.lock);
	stats_refresh(first);
	stats_refresh(second);
	up_read(&vm->mem.lock);
	KUNIT_EXPECT_GE(test, first->stats[VMM_MEM_RESIDENT], SZ_4K);
	KUNIT_EXPECT_EQ(test, first->stats[VMM_MEM_WIRED], 0);
	KUNIT_EXPECT_EQ(test, second->stats[VMM_MEM_RESIDENT], 0);

	down_write(&vm->mem.lock);
	KUNIT_EXPECT_EQ(test, memseg_alloc(&vm->mem, 1, SZ_64K, ""), 0);
	KUNIT_EXPECT_EQ(test,
			memmap_map(&vm->mem, SZ_16M, 1, 0, SZ_64K, VM_PROT_READ, VM_MEMMAP_F_WIRED),
			0);
	up_write(&vm->mem.lock);
	down_read(&vm->mem.lock);
	stats_refresh(first);
	up_read(&vm->mem.lock);
	KUNIT_EXPECT_EQ(test, first->stats[VMM_MEM_WIRED], SZ_64K);
	KUNIT_EXPECT_GE(test, first->stats[VMM_MEM_RESIDENT], SZ_64K + SZ_4K);
}

static void stats_start_at_zero(struct kunit *test)
{
	struct vcpu *vcpu = fake_vcpu_held(test, 0);
	int i;

	FAKE_SCRIPT(vcpu, FAKE_NEUTRAL(VM_EXITCODE_RDMSR, 2, .u.msr = { .code = 0x179 }), FAKE_END);
	KUNIT_EXPECT_EQ(test, fake_run_once(vcpu), VM_EXITCODE_PAUSE);
	KUNIT_EXPECT_NE(test, vcpu->stats[VMEXIT_USERSPACE], 0);
	vcpu_reset(vcpu);
	for (i = 0; i < VCPU_STAT_COUNT; i++)
		KUNIT_EXPECT_EQ_MSG(test, vcpu->stats[i], 0, "index %d", i);
}

static struct kunit_case stats_test_cases[] = {
	KUNIT_CASE(stats_have_texts_of_their_own),
	KUNIT_CASE(stats_have_the_known_texts),
	KUNIT_CASE(stats_number_the_elements_of_arrays),
	KUNIT_CASE(stats_have_bounds),
	KUNIT_CASE(stats_texts_fit_any_buffer),
	KUNIT_CASE(stats_show_memory),
	KUNIT_CASE(stats_start_at_zero),
	{}
};

static struct kunit_suite stats_test_suite = {
	.name = "vmm-stats",
	.suite_init = fake_suite_init,
	.suite_exit = fake_suite_exit,
	.init = fake_vm_test_init,
	.exit = fake_vm_test_exit,
	.test_cases = stats_test_cases,
};
kunit_test_suite(stats_test_suite);
