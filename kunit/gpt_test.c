// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* gpt: mapping, look-up, removal, races, a random run against a model, and the references of it all. */
#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/prandom.h>
#include <linux/sizes.h>

#include "fake_pte_format.h"
#include "mem/gpt.h"

#define RW	(GPT_PROT_READ | GPT_PROT_WRITE)
#define RWX	(RW | GPT_PROT_EXEC)
#define GPA_LIMIT	BIT_ULL(48)

struct gpt_fixture {
	struct gpt *gpt;
	struct page *small;	/* 4 KiB; the fixture's own reference makes its count 1 */
	struct page *large;	/* 2 MiB, likewise */
};

static int gpt_test_init(struct kunit *test)
{
	struct gpt_fixture *fx = kunit_kzalloc(test, sizeof(*fx), GFP_KERNEL);

	if (!fx)
		return -ENOMEM;
	fx->gpt = gpt_create(&fake_pte_format);
	fx->small = alloc_page(GFP_KERNEL);
	fx->large = alloc_pages(GFP_KERNEL | __GFP_COMP, 9);
	test->priv = fx;
	return IS_ERR(fx->gpt) || !fx->small || !fx->large ? -ENOMEM : 0;
}

/* Every test ends with the tree gone and all of its references given back. */
static void gpt_test_exit(struct kunit *test)
{
	struct gpt_fixture *fx = test->priv;

	if (!fx)
		return;
	if (!IS_ERR_OR_NULL(fx->gpt))
		gpt_destroy(fx->gpt);
	if (fx->small) {
		KUNIT_EXPECT_EQ(test, page_count(fx->small), 1);
		put_page(fx->small);
	}
	if (fx->large) {
		KUNIT_EXPECT_EQ(test, page_count(fx->large), 1);
		put_page(fx->large);
	}
}

/* Map with a reference of the leaf's own; given back on failure as callers do. */
static int map_page(struct gpt *gpt, u64 gpa, struct page *page, int prot, unsigned int level)
{
	int ret;

	get_page(page);
	ret = gpt_map(gpt, gpa, page, prot, level);
	if (ret)
		put_page(page);
	return ret;
}

static bool is_mapped(struct gpt *gpt, u64 gpa)
{
	unsigned int level;

	return gpt_lookup(gpt, gpa, &level) != 0;
}

static void gpt_maps_small_pages(struct kunit *test)
{
	static const u64 gpas[] = {
		0, SZ_4K, SZ_2M - SZ_4K, SZ_2M, SZ_1G - SZ_4K, SZ_1G, 0xfee00000, SZ_4G,
		BIT_ULL(39) - SZ_4K, BIT_ULL(39), BIT_ULL(47) - SZ_4K, GPA_LIMIT - SZ_4K,
	};
	struct gpt_fixture *fx = test->priv;
	unsigned int level;
	u64 pte;
	int i;

	for (i = 0; i < ARRAY_SIZE(gpas); i++) {
		KUNIT_EXPECT_FALSE(test, is_mapped(fx->gpt, gpas[i]));
		KUNIT_EXPECT_EQ(test, map_page(fx->gpt, gpas[i], fx->small, RW, 0), 0);
		level = 7;
		pte = gpt_lookup(fx->gpt, gpas[i] + SZ_4K - 1, &level);
		KUNIT_EXPECT_EQ(test, level, 0u);
		KUNIT_EXPECT_EQ(test, gpt_leaf_hpa(pte, level), (u64)page_to_phys(fx->small));
		KUNIT_EXPECT_EQ(test, gpt_entry_prot(fx->gpt, pte), RW);
		KUNIT_EXPECT_EQ(test, map_page(fx->gpt, gpas[i], fx->small, RW, 0), -EEXIST);
		KUNIT_EXPECT_EQ(test, page_count(fx->small), i + 2);
		KUNIT_EXPECT_EQ(test, gpt_mapped_bytes(fx->gpt), (u64)(i + 1) * SZ_4K);
	}
	KUNIT_EXPECT_FALSE(test, is_mapped(fx->gpt, 2 * SZ_4K));
	KUNIT_EXPECT_FALSE(test, is_mapped(fx->gpt, SZ_4G + SZ_4K));
}

static void gpt_refuses_what_it_cannot_map(struct kunit *test)
{
	struct gpt_fixture *fx = test->priv;

	KUNIT_EXPECT_EQ(test, map_page(fx->gpt, 1, fx->small, RW, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, map_page(fx->gpt, GPA_LIMIT, fx->small, RW, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, map_page(fx->gpt, ~0ULL << 12, fx->small, RW, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, map_page(fx->gpt, SZ_4K, fx->large, RW, 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, map_page(fx->gpt, SZ_2M, fx->large + 1, RW, 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, map_page(fx->gpt, 0, fx->large, RW, 2), -EINVAL);
	KUNIT_EXPECT_EQ(test, gpt_mapped_bytes(fx->gpt), 0ULL);
	KUNIT_EXPECT_EQ(test, page_count(fx->large), 1);
}

/* Addresses that the tree has no bits for must not wrap around to others. */
static void gpt_does_not_alias(struct kunit *test)
{
	struct gpt_fixture *fx = test->priv;
	u64 entries[4];

	KUNIT_EXPECT_EQ(test, map_page(fx->gpt, SZ_4K, fx->small, RW, 0), 0);
	KUNIT_EXPECT_FALSE(test, is_mapped(fx->gpt, GPA_LIMIT + SZ_4K));
	KUNIT_EXPECT_FALSE(test, is_mapped(fx->gpt, BIT_ULL(63) + SZ_4K));
	KUNIT_EXPECT_EQ(test, gpt_walk_entries(fx->gpt, GPA_LIMIT + SZ_4K, entries), 0);
}

static void gpt_maps_large_pages(struct kunit *test)
{
	struct gpt_fixture *fx = test->priv;
	unsigned int level = 7;
	u64 pte;

	KUNIT_EXPECT_TRUE(test, gpt_maps_large(fx->gpt));
	KUNIT_EXPECT_EQ(test, map_page(fx->gpt, SZ_4G, fx->large, RWX, 1), 0);
	pte = gpt_lookup(fx->gpt, SZ_4G + SZ_2M - 1, &level);
	KUNIT_EXPECT_EQ(test, level, 1u);
	KUNIT_EXPECT_EQ(test, gpt_leaf_hpa(pte, level), (u64)page_to_phys(fx->large));
	KUNIT_EXPECT_EQ(test, gpt_entry_prot(fx->gpt, pte), RWX);
	KUNIT_EXPECT_EQ(test, gpt_mapped_bytes(fx->gpt), (u64)SZ_2M);
	KUNIT_EXPECT_EQ(test, page_count(fx->large), 2);
	KUNIT_EXPECT_FALSE(test, is_mapped(fx->gpt, SZ_4G - 1));
	KUNIT_EXPECT_FALSE(test, is_mapped(fx->gpt, SZ_4G + SZ_2M));

	KUNIT_EXPECT_EQ(test, map_page(fx->gpt, SZ_4G, fx->large, RWX, 1), -EEXIST);
	KUNIT_EXPECT_EQ(test, map_page(fx->gpt, SZ_4G + SZ_4K, fx->small, RWX, 0), -EEXIST);
}

static void gpt_large_leaf_needs_an_empty_place(struct kunit *test)
{
	struct gpt_fixture *fx = test->priv;

	KUNIT_EXPECT_EQ(test, map_page(fx->gpt, SZ_2M + SZ_4K, fx->small, RW, 0), 0);
	KUNIT_EXPECT_EQ(test, map_page(fx->gpt, SZ_2M, fx->large, RW, 1), -EEXIST);
	gpt_unmap(fx->gpt, SZ_2M + SZ_4K, SZ_4K);
	KUNIT_EXPECT_EQ(test, map_page(fx->gpt, SZ_2M, fx->large, RW, 1), 0);
	/* Removed as a whole, however little of it is asked for. */
	gpt_unmap(fx->gpt, SZ_2M + SZ_4K, SZ_4K);
	KUNIT_EXPECT_FALSE(test, is_mapped(fx->gpt, SZ_2M));
	KUNIT_EXPECT_EQ(test, page_count(fx->large), 1);
}

static void gpt_unmaps_just_the_range(struct kunit *test)
{
	struct gpt_fixture *fx = test->priv;
	const u64 base = SZ_1G - 4 * SZ_4K;
	u64 generation = gpt_generation(fx->gpt);
	int i;

	KUNIT_EXPECT_EQ(test, generation, 1ULL);
	for (i = 0; i < 8; i++)
		KUNIT_EXPECT_EQ(test, map_page(fx->gpt, base + i * SZ_4K, fx->small, RW, 0), 0);
	KUNIT_EXPECT_EQ(test, gpt_generation(fx->gpt), generation);

	gpt_unmap(fx->gpt, base + 2 * SZ_4K, 4 * SZ_4K);
	KUNIT_EXPECT_GT(test, gpt_generation(fx->gpt), generation);
	for (i = 0; i < 8; i++)
		KUNIT_EXPECT_EQ(test, is_mapped(fx->gpt, base + i * SZ_4K), i < 2 || i >= 6);
	KUNIT_EXPECT_EQ(test, page_count(fx->small), 5);
	KUNIT_EXPECT_EQ(test, gpt_mapped_bytes(fx->gpt), 4ULL * SZ_4K);

	gpt_unmap(fx->gpt, 0, BIT_ULL(47));
	KUNIT_EXPECT_EQ(test, page_count(fx->small), 1);
	KUNIT_EXPECT_EQ(test, gpt_mapped_bytes(fx->gpt), 0ULL);
}

static void gpt_walk_shows_the_way(struct kunit *test)
{
	struct gpt_fixture *fx = test->priv;
	unsigned int level;
	u64 entries[4];

	KUNIT_EXPECT_EQ(test, gpt_walk_entries(fx->gpt, 0, entries), 1);
	KUNIT_EXPECT_EQ(test, entries[0], 0ULL);

	KUNIT_EXPECT_EQ(test, map_page(fx->gpt, SZ_4K, fx->small, RW, 0), 0);
	KUNIT_EXPECT_EQ(test, map_page(fx->gpt, SZ_2M, fx->large, RW, 1), 0);
	KUNIT_EXPECT_EQ(test, gpt_walk_entries(fx->gpt, SZ_4K, entries), 4);
	KUNIT_EXPECT_EQ(test, entries[3], gpt_lookup(fx->gpt, SZ_4K, &level));
	KUNIT_EXPECT_EQ(test, gpt_walk_entries(fx->gpt, 0, entries), 4);
	KUNIT_EXPECT_EQ(test, entries[3], 0ULL);
	KUNIT_EXPECT_EQ(test, gpt_walk_entries(fx->gpt, SZ_2M, entries), 3);
	KUNIT_EXPECT_EQ(test, entries[2], gpt_lookup(fx->gpt, SZ_2M, &level));

	/* Tables that end up empty are gone. */
	gpt_unmap(fx->gpt, 0, SZ_4M);
	KUNIT_EXPECT_EQ(test, gpt_walk_entries(fx->gpt, SZ_4K, entries), 1);
	KUNIT_EXPECT_EQ(test, entries[0], 0ULL);
}

/* ---- Races of maps ---- */

#define RACERS		4
#define RACE_PAGES	1024	/* each below a table of its own, missing at the start */

struct racer {
	struct gpt *gpt;
	struct page *page;
	struct completion *start, *done;
	int won, lost, other;
};

static int racer_run(void *data)
{
	struct racer *racer = data;
	int i, ret;

	wait_for_completion(racer->start);
	for (i = 0; i < RACE_PAGES; i++) {
		ret = map_page(racer->gpt, BIT_ULL(40) + (u64)i * SZ_2M, racer->page, RW, 0);
		if (!ret)
			racer->won++;
		else if (ret == -EEXIST)
			racer->lost++;
		else
			racer->other++;
	}
	complete(racer->done);
	return 0;
}

static void gpt_maps_race(struct kunit *test)
{
	struct gpt_fixture *fx = test->priv;
	DECLARE_COMPLETION_ONSTACK(start);
	DECLARE_COMPLETION_ONSTACK(done);
	struct racer racers[RACERS] = {};
	int i, started = 0, won = 0;

	for (i = 0; i < RACERS; i++) {
		racers[i] = (struct racer){ .gpt = fx->gpt, .page = fx->small, .start = &start, .done = &done };
		if (!IS_ERR(kthread_run(racer_run, &racers[i], "gpt-racer")))
			started++;
	}
	complete_all(&start);
	for (i = 0; i < started; i++)
		wait_for_completion(&done);

	KUNIT_EXPECT_EQ(test, started, RACERS);
	for (i = 0; i < RACERS; i++) {
		KUNIT_EXPECT_EQ(test, racers[i].other, 0);
		KUNIT_EXPECT_EQ(test, racers[i].won + racers[i].lost, RACE_PAGES);
		won += racers[i].won;
	}
	KUNIT_EXPECT_EQ(test, won, RACE_PAGES);
	KUNIT_EXPECT_EQ(test, page_count(fx->small), RACE_PAGES + 1);
	KUNIT_EXPECT_EQ(test, gpt_mapped_bytes(fx->gpt), (u64)RACE_PAGES * SZ_4K);
}

/* ---- A random run against a model ---- */

/*
 * The model: three stretches of 4 MiB in different corners, each split over two upper
 * tables, page by page: 0 absent, 1 small, 2 part of a large leaf.
 */
#define MODEL_PAGES	1024
#define MODEL_STEPS	20000

static const u64 model_bases[] = { 0, SZ_1G - SZ_2M, BIT_ULL(47) - SZ_4M };

struct model {
	u8 state[ARRAY_SIZE(model_bases)][MODEL_PAGES];
	int small_leaves, large_leaves;
};

static void model_step_map(struct kunit *test, struct model *model, int base, int page, bool large)
{
	struct gpt_fixture *fx = test->priv;
	u8 *state = model->state[base];
	int first = large ? round_down(page, 512) : page;
	u64 gpa = model_bases[base] + (u64)first * SZ_4K;
	int want = 0, ret;

	if (large ? memchr_inv(&state[first], 0, 512) != NULL : state[first])
		want = -EEXIST;
	ret = map_page(fx->gpt, gpa, large ? fx->large : fx->small, RW, large);
	KUNIT_EXPECT_EQ(test, ret, want);
	if (ret)
		return;
	memset(&state[first], large ? 2 : 1, large ? 512 : 1);
	if (large)
		model->large_leaves++;
	else
		model->small_leaves++;
}

static void model_step_unmap(struct kunit *test, struct model *model, int base, int page, int num)
{
	struct gpt_fixture *fx = test->priv;
	u8 *state = model->state[base];
	int i;

	num = min(num, MODEL_PAGES - page);
	gpt_unmap(fx->gpt, model_bases[base] + (u64)page * SZ_4K, (u64)num * SZ_4K);
	for (i = page; i < page + num; i++) {
		if (state[i] == 1) {
			state[i] = 0;
			model->small_leaves--;
		} else if (state[i] == 2) {
			memset(&state[round_down(i, 512)], 0, 512);
			model->large_leaves--;
		}
	}
}

static void model_check(struct kunit *test, struct model *model)
{
	struct gpt_fixture *fx = test->priv;
	int base, page, wrong = 0;
	unsigned int level;
	u64 pte;

	for (base = 0; base < ARRAY_SIZE(model_bases); base++) {
		for (page = 0; page < MODEL_PAGES; page++) {
			pte = gpt_lookup(fx->gpt, model_bases[base] + (u64)page * SZ_4K, &level);
			if (model->state[base][page] != (pte ? level + 1 : 0))
				wrong++;
		}
	}
	KUNIT_EXPECT_EQ(test, wrong, 0);
	KUNIT_EXPECT_EQ(test, page_count(fx->small), model->small_leaves + 1);
	KUNIT_EXPECT_EQ(test, page_count(fx->large), model->large_leaves + 1);
	KUNIT_EXPECT_EQ(test, gpt_mapped_bytes(fx->gpt),
			(u64)model->small_leaves * SZ_4K + (u64)model->large_leaves * SZ_2M);
}

static void gpt_agrees_with_a_model(struct kunit *test)
{
	struct model *model = kunit_kzalloc(test, sizeof(*model), GFP_KERNEL);
	struct rnd_state rnd;
	int step, base, page;
	u32 op;

	KUNIT_ASSERT_NOT_NULL(test, model);
	prandom_seed_state(&rnd, 14);
	for (step = 0; step < MODEL_STEPS; step++) {
		op = prandom_u32_state(&rnd);
		base = (op >> 8) % ARRAY_SIZE(model_bases);
		page = prandom_u32_state(&rnd) % MODEL_PAGES;
		switch (op % 16) {
		case 0:
			model_step_unmap(test, model, base, page, 1 + (op >> 16) % MODEL_PAGES);
			break;
		case 1 ... 4:
			model_step_map(test, model, base, page, true);
			break;
		default:
			model_step_map(test, model, base, page, false);
			break;
		}
		if (step % 200 == 0)
			model_check(test, model);
	}
	model_check(test, model);
}

/* What a harvest has told of: how many pages, and the sum of their addresses. */
struct told {
	u64 pages, sum;
};

static void tell(void *ctx, u64 gpa, u64 bytes)
{
	struct told *told = ctx;

	for (; bytes; bytes -= SZ_4K, gpa += SZ_4K) {
		told->pages++;
		told->sum += gpa;
	}
}

static struct told harvest(struct gpt *gpt, u64 gpa, u64 end, bool clear)
{
	struct told told = {};
	const struct gpt_harvest harvest = { .found = tell, .ctx = &told, .clear = clear };

	gpt_harvest(gpt, gpa, end, &harvest);
	return told;
}

static void mark(struct kunit *test, struct gpt *gpt, u64 gpa)
{
	unsigned int level;
	u64 *entry;

	KUNIT_ASSERT_NE(test, gpt_lookup_entry(gpt, gpa, &level, &entry), 0ULL);
	gpt_mark_dirty(gpt, entry);
}

static void gpt_harvests_what_was_written(struct kunit *test)
{
	struct gpt_fixture *fx = test->priv;
	const u64 base = SZ_1G - 4 * SZ_4K;
	u64 generation = gpt_generation(fx->gpt);
	struct told told;
	int i;

	for (i = 0; i < 8; i++)
		KUNIT_EXPECT_EQ(test, map_page(fx->gpt, base + i * SZ_4K, fx->small, RW, 0), 0);
	KUNIT_EXPECT_EQ(test, harvest(fx->gpt, 0, GPA_LIMIT, false).pages, 0ULL);
	mark(test, fx->gpt, base + SZ_4K + 5);
	mark(test, fx->gpt, base + 6 * SZ_4K);
	told = harvest(fx->gpt, 0, U64_MAX, false);
	KUNIT_EXPECT_EQ(test, told.pages, 2ULL);
	KUNIT_EXPECT_EQ(test, told.sum, 2 * base + 7 * SZ_4K);
	KUNIT_EXPECT_EQ(test, gpt_generation(fx->gpt), generation);
	/* The end does not belong to it, the start does. */
	KUNIT_EXPECT_EQ(test, harvest(fx->gpt, base + 2 * SZ_4K, base + 6 * SZ_4K, true).pages, 0ULL);
	KUNIT_EXPECT_GT(test, gpt_generation(fx->gpt), generation);
	KUNIT_EXPECT_EQ(test, harvest(fx->gpt, base + 6 * SZ_4K, base + 7 * SZ_4K, true).pages, 1ULL);
	KUNIT_EXPECT_EQ(test, harvest(fx->gpt, 0, GPA_LIMIT, true).sum, base + SZ_4K);
	KUNIT_EXPECT_EQ(test, harvest(fx->gpt, 0, GPA_LIMIT, true).pages, 0ULL);
	KUNIT_EXPECT_EQ(test, harvest(fx->gpt, GPA_LIMIT, U64_MAX, true).pages, 0ULL);
	/* What is mapped is what was. */
	KUNIT_EXPECT_TRUE(test, is_mapped(fx->gpt, base + SZ_4K));
	KUNIT_EXPECT_EQ(test, page_count(fx->small), 9);
}

/* A large leaf is told of in parts, and forgotten as a whole only. */
static void gpt_harvests_large_pages(struct kunit *test)
{
	struct gpt_fixture *fx = test->priv;

	KUNIT_EXPECT_EQ(test, map_page(fx->gpt, SZ_4G, fx->large, RW, 1), 0);
	mark(test, fx->gpt, SZ_4G + SZ_4K);
	KUNIT_EXPECT_EQ(test, harvest(fx->gpt, SZ_4G + SZ_1M, SZ_4G + SZ_1G, true).pages, 256ULL);
	KUNIT_EXPECT_EQ(test, harvest(fx->gpt, SZ_4G, SZ_4G + SZ_4K, true).pages, 1ULL);
	KUNIT_EXPECT_EQ(test, harvest(fx->gpt, 0, GPA_LIMIT, true).pages, 512ULL);
	KUNIT_EXPECT_EQ(test, harvest(fx->gpt, 0, GPA_LIMIT, true).pages, 0ULL);
}

/* Without a dirty bit, the permission to write is one: taken away, and given back by a fault. */
static void gpt_harvests_without_dirty_bits(struct kunit *test)
{
	struct gpt_fixture *fx = test->priv;
	struct gpt *gpt = gpt_create(&fake_pte_format_plain);
	unsigned int level;

	KUNIT_ASSERT_FALSE(test, IS_ERR(gpt));
	KUNIT_EXPECT_EQ(test, map_page(gpt, SZ_4K, fx->small, RW, 0), 0);
	KUNIT_EXPECT_EQ(test, map_page(gpt, 2 * SZ_4K, fx->small, GPT_PROT_READ, 0), 0);
	KUNIT_EXPECT_EQ(test, harvest(gpt, 0, GPA_LIMIT, true).sum, (u64)SZ_4K);
	KUNIT_EXPECT_EQ(test, harvest(gpt, 0, GPA_LIMIT, true).pages, 0ULL);
	KUNIT_EXPECT_EQ(test, gpt_entry_prot(gpt, gpt_lookup(gpt, SZ_4K, &level)), GPT_PROT_READ);
	gpt_allow_write(gpt, SZ_4K);
	KUNIT_EXPECT_EQ(test, gpt_entry_prot(gpt, gpt_lookup(gpt, SZ_4K, &level)), RW);
	KUNIT_EXPECT_EQ(test, harvest(gpt, 0, GPA_LIMIT, false).sum, (u64)SZ_4K);
	gpt_destroy(gpt);
}

static struct kunit_case gpt_test_cases[] = {
	KUNIT_CASE(gpt_maps_small_pages),
	KUNIT_CASE(gpt_refuses_what_it_cannot_map),
	KUNIT_CASE(gpt_does_not_alias),
	KUNIT_CASE(gpt_maps_large_pages),
	KUNIT_CASE(gpt_large_leaf_needs_an_empty_place),
	KUNIT_CASE(gpt_unmaps_just_the_range),
	KUNIT_CASE(gpt_walk_shows_the_way),
	KUNIT_CASE(gpt_maps_race),
	KUNIT_CASE(gpt_harvests_what_was_written),
	KUNIT_CASE(gpt_harvests_large_pages),
	KUNIT_CASE(gpt_harvests_without_dirty_bits),
	KUNIT_CASE(gpt_agrees_with_a_model),
	{}
};

static struct kunit_suite gpt_test_suite = {
	.name = "vmm-gpt",
	.init = gpt_test_init,
	.exit = gpt_test_exit,
	.test_cases = gpt_test_cases,
};
kunit_test_suite(gpt_test_suite);
