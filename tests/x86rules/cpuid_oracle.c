// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * CPUID on random hosts, for random VMs and any EAX and ECX: what must hold
 * whatever the host says. And the same on the processor that runs this program.
 */
#include <cpuid.h>
#include <errno.h>
#include <string.h>
#include <kunit/test.h>

#include "../../src/x86/cpuid.h"
#include "random.h"

#define HOSTS		2000
#define QUESTIONS	600

/* Bits that no guest may see: leaf, register (0: EAX), mask. */
static const struct {
	u32 leaf, reg, mask;
} hidden[] = {
	{ 0x1, 2, 1u << 2 | 1u << 3 | 1u << 4 | 1u << 5 | 1u << 6 | 1u << 7 | 1u << 8 | 1u << 11 | 1u << 15 },
	{ 0x1, 3, 1u << 21 | 1u << 22 | 1u << 29 },
	{ 0x6, 0, ~(1u << 2) },
	{ 0x7, 0, ~0u },
	{ 0x7, 1, 1u << 2 | 1u << 12 | 1u << 14 | 1u << 15 | 1u << 25 },	/* SGX RDT-M MPX RDT-A PT */
	{ 0x7, 2, 1u << 2 | 1u << 3 | 1u << 4 | 1u << 5 | 1u << 7 | 1u << 16 | 1u << 23 | 1u << 30 | 1u << 31 },
	{ 0x7, 3, 1u << 2 | 1u << 20 | 1u << 22 | 1u << 24 | 1u << 25 | 1u << 26 | 1u << 27 | 1u << 29 | 1u << 31 },
	{ 0xa, 0, ~0u },
	{ 0x80000001, 2, 1u << 2 | 1u << 3 | 1u << 10 | 1u << 12 | 1u << 13 | 1u << 15 | 1u << 23 | 1u << 24 | 1u << 29 },
	{ 0x80000007, 3, ~(1u << 8) },
	{ 0x80000008, 1, 1u << 3 | 1u << 4 | 1u << 12 | 1u << 14 | 1u << 15 | 1u << 24 },
	{ 0x8000000a, 3, ~0u },
	{ 0x8000001f, 0, ~0u },
};

static u64 host_seed;
static u32 host_basic_max, host_ext_max;
static unsigned int host_queries;

static void random_query(u32 leaf, u32 subleaf, struct cpuid_result *regs)
{
	u64 random = (host_seed ^ (u64)leaf << 32 ^ subleaf * 0x9e3779b97f4a7c15ULL) | 1;

	host_queries++;
	random_u64(&random);
	regs->eax = random_u64(&random) >> 32;
	regs->ebx = random_u64(&random) >> 32;
	regs->ecx = random_u64(&random) >> 32;
	regs->edx = random_u64(&random) >> 32;
	if (leaf == 0)
		regs->eax = host_basic_max;
	if (leaf == 0x80000000)
		regs->eax = host_ext_max;
}

static void real_query(u32 leaf, u32 subleaf, struct cpuid_result *regs)
{
	host_queries++;
	__cpuid_count(leaf, subleaf, regs->eax, regs->ebx, regs->ecx, regs->edx);
}

static struct cpuid_policy random_policy(u64 *random)
{
	struct cpuid_policy policy = {
		.vendor = random_once_in(random, 2) ? CPUID_AMD : CPUID_INTEL,
		.sockets = random_below(random, 4), .cores = random_below(random, 1 << random_below(random, 17)),
		.threads = random_below(random, 1 << random_below(random, 17)),
		.xcr0_permitted = random_once_in(random, 2) ? 7 : random_u64(random) & random_u64(random),
		.xsave_max_bytes = random_u64(random), .leaf_b = random_once_in(random, 2),
		.tsc_invariant = random_once_in(random, 2), .tsc_deadline = random_once_in(random, 2),
		.wide = random_once_in(random, 2),
	};

	if (random_once_in(random, 4))
		policy.xcr0_permitted = 0;
	return policy;
}

static struct cpuid_vcpu random_vcpu(u64 *random)
{
	return (struct cpuid_vcpu){
		.apic_id = random_u64(random), .x2apic = random_once_in(random, 2), .osxsave = random_once_in(random, 2),
		.xcr0 = random_u64(random), .rdpid = random_once_in(random, 2), .rdtscp = random_once_in(random, 2),
		.invpcid = random_once_in(random, 2), .ospke = random_once_in(random, 2),
	};
}

static u32 random_leaf(u64 *random)
{
	if (random_once_in(random, 8))
		return random_u64(random);
	if (random_once_in(random, 8))
		return 0x40000000 + random_below(random, 4);
	return (random_once_in(random, 2) ? 0x80000000 : 0) + random_below(random, 0x48);
}

static u32 random_subleaf(u64 *random)
{
	return random_once_in(random, 4) ? (u32)random_u64(random) : random_below(random, 70);
}

static u32 reg_of(const struct cpuid_result *regs, u32 reg)
{
	const u32 all[4] = { regs->eax, regs->ebx, regs->ecx, regs->edx };

	return all[reg];
}

static u32 effective_leaf(const struct cpuid_host *host, u32 leaf)
{
	if (leaf >= 0x80000000)
		return leaf > host->ext_max ? host->ext_max : leaf;
	if (leaf >= 0x40000000)
		return 0x40000000;
	return leaf > host->basic_max ? host->basic_max : leaf;
}

static void answer_verify(struct kunit *test, const struct cpuid_host *host, const struct cpuid_policy *policy,
			  const struct cpuid_vcpu *vcpu, u32 leaf, u32 subleaf)
{
	u32 effective = effective_leaf(host, leaf);
	struct cpuid_result regs, again;
	u64 unruled = 0;
	unsigned int i;

	cpuid_emulate(host, policy, vcpu, leaf, subleaf, &regs, &unruled);
	cpuid_emulate(host, policy, vcpu, effective, subleaf, &again, &unruled);
	KUNIT_EXPECT_FALSE_MSG(test, memcmp(&regs, &again, sizeof(regs)), "clamping of 0x%x", leaf);
	KUNIT_EXPECT_TRUE_MSG(test, unruled == 0 || unruled == 2, "0x%x", leaf);
	for (i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++) {
		/* Of leaf 7 a wide policy shows more. */
		if (hidden[i].leaf == effective && !(policy->wide && effective == 7))
			KUNIT_EXPECT_EQ_MSG(test, reg_of(&regs, hidden[i].reg) & hidden[i].mask, 0, "leaf 0x%x register %u", leaf,
					    hidden[i].reg);
	}
	if (effective == 1) {
		KUNIT_EXPECT_EQ(test, regs.ebx >> 24, vcpu->apic_id & 0xff);
		KUNIT_EXPECT_EQ(test, regs.ecx >> 31, 1);
		KUNIT_EXPECT_EQ(test, regs.ecx >> 21 & 1, vcpu->x2apic);
		KUNIT_EXPECT_EQ(test, regs.ecx >> 24 & 1, policy->tsc_deadline);
		/* XSAVE, OSXSAVE, AVX: each needs the one before and a permitted component. */
		KUNIT_EXPECT_TRUE(test, !(regs.ecx >> 26 & 1) || policy->xcr0_permitted);
		KUNIT_EXPECT_TRUE(test, !(regs.ecx >> 27 & 1) || ((regs.ecx >> 26 & 1) && vcpu->osxsave));
		KUNIT_EXPECT_TRUE(test, !(regs.ecx >> 28 & 1) || (policy->xcr0_permitted & 4));
	}
	if (effective == 7 && subleaf == 0) {
		KUNIT_EXPECT_TRUE(test, !(regs.ecx >> 3 & 1) || (policy->wide && (policy->xcr0_permitted >> 9 & 1)));
		KUNIT_EXPECT_EQ(test, regs.ecx >> 4 & 1, (regs.ecx >> 3 & 1) && vcpu->ospke);
	}
	if (effective == 0xd && subleaf == 0) {
		KUNIT_EXPECT_EQ(test, (regs.eax | (u64)regs.edx << 32) & ~policy->xcr0_permitted, 0);
		KUNIT_EXPECT_TRUE(test, !policy->xcr0_permitted || regs.ebx >= 576);
	}
	if (effective == 0xd && subleaf > 1 && (subleaf > 63 || !(policy->xcr0_permitted >> subleaf & 1)))
		KUNIT_EXPECT_EQ(test, regs.eax | regs.ebx | regs.ecx | regs.edx, 0);
	if (effective == 0x80000008)
		KUNIT_EXPECT_LE(test, regs.eax >> 8 & 0xff, 48);
}

static struct cpuid_host host;

static void questions_ask(struct kunit *test, u64 *random)
{
	unsigned int i, queries = host_queries;

	for (i = 0; i < QUESTIONS; i++) {
		struct cpuid_policy policy = random_policy(random);
		struct cpuid_vcpu vcpu = random_vcpu(random);

		answer_verify(test, &host, &policy, &vcpu, random_leaf(random), random_subleaf(random));
	}
	KUNIT_EXPECT_EQ(test, host_queries, queries);
}

static void cpuid_random_hosts(struct kunit *test)
{
	u64 random = 0xda942042e4dd58b5;
	unsigned int i;

	for (i = 0; i < HOSTS; i++) {
		host_seed = random_u64(&random);
		host_basic_max = random_once_in(&random, 8) ? (u32)random_u64(&random) : random_below(&random, 0x48);
		host_ext_max = 0x80000000 + (random_once_in(&random, 8) ? (u32)random_u64(&random) >> 1 : random_below(&random, 0x48));
		memset(&host, 0xa5, sizeof(host));
		host.query = random_query;
		KUNIT_EXPECT_EQ(test, cpuid_cache_init(&host), 0);
		questions_ask(test, &random);
	}
}

static void cpuid_this_processor(struct kunit *test)
{
	u64 random = 0x2545f4914f6cdd1d;

	memset(&host, 0xa5, sizeof(host));
	host.query = real_query;
	host_queries = 0;
	KUNIT_EXPECT_EQ(test, cpuid_cache_init(&host), 0);
	printf("  %u queries to fill the cache\n", host_queries);
	questions_ask(test, &random);
}

static struct kunit_case cpuid_oracle_cases[] = {
	KUNIT_CASE(cpuid_random_hosts),
	KUNIT_CASE(cpuid_this_processor),
	{ }
};

static struct kunit_suite cpuid_oracle = { .name = "cpuid-oracle", .test_cases = cpuid_oracle_cases };
kunit_test_suite(cpuid_oracle);
