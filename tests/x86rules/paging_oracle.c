// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * Random page tables, walked by src/x86/paging.c and by a second walker that
 * shares nothing with it: one function a mode, written after the figures of SDM
 * vol. 3, chapter 4, with literal bit positions. Catalogue row I-05.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <kunit/test.h>

#include "../../src/x86/paging.h"
#include "random.h"

#define WORLDS			1000	/* sets of page tables of each mode */
#define WALKS			500	/* translations in each */
#define RACED_WALKS		100
#define PAGES			24	/* page 0 is the root */
#define MAX_CHANGES		5

struct world {
	enum vm_paging_mode mode;
	u64 page_gpa[PAGES];
	union {
		u64 entry64[512];
		u32 entry32[1024];
	} page[PAGES];
	u64 random;
};

struct change {
	u64 gpa, old, val;
};

/* What a walk came to, and how it wants the tables changed. */
struct outcome {
	int ret;
	u64 gpa;
	struct paging_fault fault;
	int nchanges;
	struct change change[MAX_CHANGES];
};

/* Where the walker under test works. */
struct session {
	struct world *world;
	struct outcome *log;
	int reads, lost, races_left;
	bool broken;		/* a write that is no setting of A or D, or too many */
};

static void *world_entry(struct world *world, u64 gpa)
{
	int i;

	for (i = 0; i < PAGES; i++) {
		if (world->page_gpa[i] == (gpa & ~0xfffULL))
			return (char *)&world->page[i] + (gpa & 0xfff);
	}
	return NULL;
}

static int world_load(struct world *world, u64 gpa, int bytes, u64 *val)
{
	void *entry = world_entry(world, gpa);

	if (!entry)
		return -EFAULT;
	*val = bytes == 8 ? *(u64 *)entry : *(u32 *)entry;
	return 0;
}

static void world_store(struct world *world, u64 gpa, int bytes, u64 val)
{
	if (bytes == 8)
		*(u64 *)world_entry(world, gpa) = val;
	else
		*(u32 *)world_entry(world, gpa) = val;
}

/* The random world */

static u64 random_flags(u64 *random)
{
	u64 flags = random_u64(random) & 0xf78;		/* PWT PCD A D G and what software may use */

	flags |= random_once_in(random, 24) ? 0 : 0x1;
	flags |= random_once_in(random, 8) ? 0 : 0x2;
	flags |= random_once_in(random, 8) ? 0 : 0x4;
	flags |= random_once_in(random, 4) ? 0x80 : 0;
	return flags;
}

static u64 random_entry(struct world *world)
{
	u64 *random = &world->random;
	u64 target = world->page_gpa[1 + random_below(random, PAGES - 1)];
	u64 entry = random_flags(random);

	if (random_once_in(random, 64))
		target = (random_u64(random) & 0x000ffffffffff000);
	if (entry & 0x80 && !random_once_in(random, 8))
		target &= ~0x3fffe000ULL;		/* large pages of every size, mostly aligned */
	entry |= target;
	if (world->mode == PAGING_MODE_32) {
		if (random_once_in(random, 4))
			entry ^= random_u64(random) & 0x3fe000;
		return entry & 0xffffffff;
	}
	if (random_once_in(random, 16))
		entry |= (u64)1 << (52 + random_below(random, 12));
	return entry;
}

/* A PDPTE of PAE paging would nearly always be refused, were it like the others. */
static u64 random_pdpte(struct world *world)
{
	u64 entry = random_entry(world);

	return random_once_in(&world->random, 16) ? entry : entry & 0x000ffffffffffe19ULL;
}

static void world_create(struct world *world, enum vm_paging_mode mode, u64 seed)
{
	int i, j;

	world->mode = mode;
	world->random = seed;
	for (i = 0; i < PAGES; i++) {
		world->page_gpa[i] = (u64)(i + 1) << 12;
		if (i % 3 == 2)
			world->page_gpa[i] |= (random_u64(&world->random) & 0xff) << 24;
		if (i % 3 == 1 && i && mode != PAGING_MODE_32)
			world->page_gpa[i] |= (random_u64(&world->random) & 0xfffff) << 32;
	}
	for (i = 0; i < PAGES; i++) {
		for (j = 0; mode != PAGING_MODE_32 && j < 512; j++)
			world->page[i].entry64[j] = mode == PAGING_MODE_PAE && i == 0 ? random_pdpte(world) : random_entry(world);
		for (j = 0; mode == PAGING_MODE_32 && j < 1024; j++)
			world->page[i].entry32[j] = random_entry(world);
	}
}

/* The second walker */

struct access {
	struct world *world;
	u64 cr3, la;
	bool user, write, fetch, set_ad;
};

static void outcome_fault(const struct access *access, struct outcome *out, u32 present, u32 reserved, bool has_nx)
{
	out->ret = PAGING_FAULT;
	out->nchanges = 0;
	out->fault.vector = 14;
	out->fault.cr2 = access->la;
	out->fault.error_code = present | (u32)access->write << 1 | (u32)access->user << 2 | reserved << 3 |
				(u32)(access->fetch && has_nx) << 4;
}

/* Loads one entry. True: present, and to be used. */
static bool load_entry(const struct access *access, struct outcome *out, u64 gpa, int bytes, u64 reserved, u64 reserved_if_ps,
		       u64 *entry)
{
	out->ret = world_load(access->world, gpa, bytes, entry);
	if (out->ret)
		return false;
	if ((*entry & 1) == 0) {
		outcome_fault(access, out, 0, 0, bytes == 8);
		return false;
	}
	if ((*entry & reserved) || ((*entry & 0x80) && (*entry & reserved_if_ps))) {
		outcome_fault(access, out, 1, 1, bytes == 8);
		return false;
	}
	return true;
}

static void note_change(const struct access *access, struct outcome *out, u64 gpa, u64 entry, bool leaf)
{
	u64 val = entry | 0x20;

	if (leaf && access->write)
		val |= 0x40;
	if (access->set_ad && val != entry)
		out->change[out->nchanges++] = (struct change){ gpa, entry, val };
}

/* @all: the AND of the entries that have rights. */
static void finish(const struct access *access, struct outcome *out, u64 all, u64 gpa, bool has_nx)
{
	if ((access->user && (all & 4) == 0) || (access->write && (all & 2) == 0)) {
		outcome_fault(access, out, 1, 0, has_nx);
		return;
	}
	out->ret = 0;
	out->gpa = gpa;
}

/* Figures 4-2 to 4-4, tables 4-4 to 4-6. */
static void walk_32bit(const struct access *access, struct outcome *out)
{
	u64 pde_gpa = (access->cr3 & 0xfffff000) + (access->la >> 22) * 4;
	u64 pte_gpa, pde, pte;

	if (!load_entry(access, out, pde_gpa, 4, 0, 0x200000, &pde))
		return;
	note_change(access, out, pde_gpa, pde, pde & 0x80);
	if (pde & 0x80) {
		u64 low = pde & 0xffc00000, high = pde >> 13 & 0xff;

		finish(access, out, pde, high << 32 | low | (access->la & 0x3fffff), false);
		return;
	}
	pte_gpa = (pde & 0xfffff000) + (access->la >> 12 & 0x3ff) * 4;
	if (!load_entry(access, out, pte_gpa, 4, 0, 0, &pte))
		return;
	note_change(access, out, pte_gpa, pte, true);
	finish(access, out, pde & pte, (pte & 0xfffff000) | (access->la & 0xfff), false);
}

/* Figures 4-5 to 4-7, tables 4-8 to 4-11. */
static void walk_pae(const struct access *access, struct outcome *out)
{
	u64 pdpte_gpa = (access->cr3 & 0xffffffe0) + (access->la >> 30) * 8;
	u64 pde_gpa, pte_gpa, pdpte, pde, pte;

	if (!load_entry(access, out, pdpte_gpa, 8, 0xfff00000000001e6, 0, &pdpte))
		return;
	pde_gpa = (pdpte & 0x000ffffffffff000) + (access->la >> 21 & 0x1ff) * 8;
	if (!load_entry(access, out, pde_gpa, 8, 0x7ff0000000000000, 0x1fe000, &pde))
		return;
	note_change(access, out, pde_gpa, pde, pde & 0x80);
	if (pde & 0x80) {
		finish(access, out, pde, (pde & 0x000fffffffe00000) | (access->la & 0x1fffff), true);
		return;
	}
	pte_gpa = (pde & 0x000ffffffffff000) + (access->la >> 12 & 0x1ff) * 8;
	if (!load_entry(access, out, pte_gpa, 8, 0x7ff0000000000000, 0, &pte))
		return;
	note_change(access, out, pte_gpa, pte, true);
	finish(access, out, pde & pte, (pte & 0x000ffffffffff000) | (access->la & 0xfff), true);
}

/* From the PML4 on: figures 4-8 to 4-11, tables 4-15 to 4-20. @all: rights so far. */
static void walk_pml4(const struct access *access, struct outcome *out, u64 pml4, u64 all)
{
	u64 pml4e_gpa = pml4 + (access->la >> 39 & 0x1ff) * 8;
	u64 pdpte_gpa, pde_gpa, pte_gpa, pml4e, pdpte, pde, pte;

	if (!load_entry(access, out, pml4e_gpa, 8, 0x80, 0, &pml4e))
		return;
	note_change(access, out, pml4e_gpa, pml4e, false);
	pdpte_gpa = (pml4e & 0x000ffffffffff000) + (access->la >> 30 & 0x1ff) * 8;
	if (!load_entry(access, out, pdpte_gpa, 8, 0, 0x3fffe000, &pdpte))
		return;
	note_change(access, out, pdpte_gpa, pdpte, pdpte & 0x80);
	if (pdpte & 0x80) {
		finish(access, out, all & pml4e & pdpte, (pdpte & 0x000fffffc0000000) | (access->la & 0x3fffffff), true);
		return;
	}
	pde_gpa = (pdpte & 0x000ffffffffff000) + (access->la >> 21 & 0x1ff) * 8;
	if (!load_entry(access, out, pde_gpa, 8, 0, 0x1fe000, &pde))
		return;
	note_change(access, out, pde_gpa, pde, pde & 0x80);
	if (pde & 0x80) {
		finish(access, out, all & pml4e & pdpte & pde, (pde & 0x000fffffffe00000) | (access->la & 0x1fffff), true);
		return;
	}
	pte_gpa = (pde & 0x000ffffffffff000) + (access->la >> 12 & 0x1ff) * 8;
	if (!load_entry(access, out, pte_gpa, 8, 0, 0, &pte))
		return;
	note_change(access, out, pte_gpa, pte, true);
	finish(access, out, all & pml4e & pdpte & pde & pte, (pte & 0x000ffffffffff000) | (access->la & 0xfff), true);
}

static void walk_pml5(const struct access *access, struct outcome *out)
{
	u64 pml5e_gpa = (access->cr3 & 0x000ffffffffff000) + (access->la >> 48 & 0x1ff) * 8;
	u64 pml5e;

	if (!load_entry(access, out, pml5e_gpa, 8, 0x80, 0, &pml5e))
		return;
	note_change(access, out, pml5e_gpa, pml5e, false);
	walk_pml4(access, out, pml5e & 0x000ffffffffff000, pml5e);
}

static bool canonical(u64 la, int top)
{
	u64 upper = la >> (top - 1);

	return upper == 0 || upper == ~0ULL >> (top - 1);
}

static void walk_reference(struct world *world, const struct vm_guest_paging *paging, u64 la, int prot, bool set_ad,
			   struct outcome *out)
{
	struct access access = {
		.world = world, .cr3 = paging->cr3, .la = la, .user = paging->cpl == 3,
		.write = prot & 2, .fetch = prot & 4, .set_ad = set_ad,
	};

	memset(out, 0, sizeof(*out));
	if (world->mode == PAGING_MODE_32 || world->mode == PAGING_MODE_PAE)
		access.la &= 0xffffffff;
	else if (!canonical(la, world->mode == PAGING_MODE_64 ? 48 : 57)) {
		out->ret = PAGING_FAULT;
		out->fault.vector = 13;
		return;
	}
	switch (world->mode) {
	case PAGING_MODE_32:
		walk_32bit(&access, out);
		break;
	case PAGING_MODE_PAE:
		walk_pae(&access, out);
		break;
	case PAGING_MODE_64:
		walk_pml4(&access, out, access.cr3 & 0x000ffffffffff000, ~0ULL);
		break;
	default:
		walk_pml5(&access, out);
	}
	if (out->ret)
		out->nchanges = 0;
}

/* The walker under test, and the other CPU that gets in its way */

static int session_read(void *ctx, u64 gpa, void *buf, int bytes)
{
	struct session *session = ctx;
	u64 val;
	int err;

	session->reads++;
	err = world_load(session->world, gpa, bytes, &val);
	if (!err)
		memcpy(buf, &val, bytes);
	return err;
}

static int session_cmpxchg(void *ctx, u64 gpa, u64 old, u64 val, int bytes)
{
	struct session *session = ctx;
	struct outcome *log = session->log;
	u64 now;

	if ((old & ~0x60ULL) != (val & ~0x60ULL) || (old & ~val))
		session->broken = true;
	if (session->races_left && random_once_in(&session->world->random, 2)) {
		session->races_left--;
		world_store(session->world, gpa, bytes, random_once_in(&session->world->random, 2) ?
			    old ^ (1ULL << random_below(&session->world->random, 7)) : random_entry(session->world));
	}
	if (world_load(session->world, gpa, bytes, &now))
		return -EFAULT;
	if (now != old) {
		session->lost++;
		return 1;
	}
	world_store(session->world, gpa, bytes, val);
	if (log->nchanges == MAX_CHANGES)
		session->broken = true;
	else
		log->change[log->nchanges++] = (struct change){ gpa, old, val };
	return 0;
}

static const struct paging_ops session_ops = { .read = session_read, .cmpxchg = session_cmpxchg };

static void translate(struct session *session, const struct vm_guest_paging *paging, u64 la, int prot, bool set_ad,
		      struct outcome *out)
{
	memset(out, 0, sizeof(*out));
	session->log = out;
	out->ret = paging_translate(paging, la, prot, set_ad, &session_ops, session, &out->gpa, &out->fault);
}

/* How many outcomes of each kind there were: a test that only sees one kind tests little. */
struct tally {
	unsigned int ok, raced, page_fault, reserved, non_canonical, no_memory, changed;
};

static void tally_add(struct tally *tally, const struct outcome *out)
{
	tally->ok += out->ret == 0;
	tally->page_fault += out->ret == PAGING_FAULT && out->fault.vector == 14;
	tally->reserved += out->ret == PAGING_FAULT && (out->fault.error_code & 8);
	tally->non_canonical += out->ret == PAGING_FAULT && out->fault.vector == 13;
	tally->no_memory += out->ret == -EFAULT;
	tally->changed += out->nchanges > 0;
}

/*
 * Tables may point at themselves, so that one entry is used on two levels. The
 * walker then loses a race against its own first mark; what counts is how the
 * entry ends up.
 */
static void changes_merge(struct outcome *out)
{
	int i, j, kept = 0;

	for (i = 0; i < out->nchanges; i++) {
		for (j = 0; j < kept && out->change[j].gpa != out->change[i].gpa; j++)
			;
		if (j < kept)
			out->change[j].val |= out->change[i].val;
		else
			out->change[kept++] = out->change[i];
	}
	out->nchanges = kept;
}

static bool outcomes_equal(const struct outcome *a, const struct outcome *b)
{
	int i;

	if (a->ret != b->ret || a->gpa != b->gpa || a->nchanges != b->nchanges || a->fault.vector != b->fault.vector ||
	    a->fault.error_code != b->fault.error_code || a->fault.cr2 != b->fault.cr2)
		return false;
	for (i = 0; i < a->nchanges; i++) {
		if (a->change[i].gpa != b->change[i].gpa || a->change[i].old != b->change[i].old ||
		    a->change[i].val != b->change[i].val)
			return false;
	}
	return true;
}

static u64 random_la(u64 *random, enum vm_paging_mode mode)
{
	u64 la = random_u64(random);
	int top = mode == PAGING_MODE_64_LA57 ? 57 : 48;

	if (mode == PAGING_MODE_32 || mode == PAGING_MODE_PAE)
		return random_once_in(random, 8) ? la : la & 0xffffffff;
	if (random_once_in(random, 16))
		return la;
	if (random_once_in(random, 32))
		return (random_once_in(random, 2) ? 0 : ~0ULL) ^ (1ULL << (top - 1 + random_below(random, 3)));
	return (u64)((s64)(la << (64 - top)) >> (64 - top));
}

static struct vm_guest_paging random_paging(struct world *world)
{
	struct vm_guest_paging paging = { .paging_mode = world->mode, .cpl = random_below(&world->random, 4) };

	paging.cr3 = world->page_gpa[0] | (random_u64(&world->random) & 0x18);
	if (random_once_in(&world->random, 2))
		paging.cpl = 3;
	if (world->mode == PAGING_MODE_PAE)
		paging.cr3 |= random_u64(&world->random) & 0xfe0;
	if (world->mode == PAGING_MODE_32 || world->mode == PAGING_MODE_PAE)
		paging.cr3 |= random_u64(&world->random) << 32;
	return paging;
}

static void walks_compare(struct kunit *test, struct world *world, struct tally *tally)
{
	struct outcome want, have;
	struct session session = { .world = world };
	int i, prot;
	bool set_ad;
	u64 la;

	for (i = 0; i < WALKS; i++) {
		struct vm_guest_paging paging = random_paging(world);

		la = random_la(&world->random, world->mode);
		prot = 1 + random_below(&world->random, 7);
		set_ad = random_once_in(&world->random, 2);
		session.reads = 0;
		session.lost = 0;
		walk_reference(world, &paging, la, prot, set_ad, &want);
		translate(&session, &paging, la, prot, set_ad, &have);
		changes_merge(&want);
		changes_merge(&have);
		KUNIT_EXPECT_TRUE_MSG(test, outcomes_equal(&want, &have),
				      "mode %d la 0x%llx prot %d cpl %d: want %d 0x%llx 0x%x, have %d 0x%llx 0x%x", world->mode, la,
				      prot, paging.cpl, want.ret, want.gpa, want.fault.error_code, have.ret, have.gpa,
				      have.fault.error_code);
		KUNIT_EXPECT_FALSE(test, session.broken);
		KUNIT_EXPECT_LE(test, session.reads, PAGING_MAX_LOADS * (1 + session.lost));
		tally_add(tally, &want);
	}
}

/*
 * Another CPU changes entries under the walk. Whatever happened in between, the
 * outcome is that of the tables as they are now, and nothing is left to mark.
 */
static void raced_walks_compare(struct kunit *test, struct world *world, struct tally *tally)
{
	struct outcome want, have;
	struct session session = { .world = world };
	int i, prot;
	u64 la;

	for (i = 0; i < RACED_WALKS; i++) {
		struct vm_guest_paging paging = random_paging(world);

		la = random_la(&world->random, world->mode);
		prot = 1 + random_below(&world->random, 7);
		session.races_left = 4;
		translate(&session, &paging, la, prot, true, &have);
		walk_reference(world, &paging, la, prot, true, &want);
		KUNIT_EXPECT_EQ_MSG(test, have.ret, want.ret, "mode %d la 0x%llx", world->mode, la);
		KUNIT_EXPECT_EQ_MSG(test, have.gpa, want.gpa, "mode %d la 0x%llx", world->mode, la);
		KUNIT_EXPECT_EQ_MSG(test, have.fault.error_code, want.fault.error_code, "mode %d la 0x%llx", world->mode, la);
		KUNIT_EXPECT_EQ_MSG(test, want.nchanges, 0, "mode %d la 0x%llx", world->mode, la);
		tally_add(tally, &have);
		tally->raced += session.races_left < 4;
	}
}

static const enum vm_paging_mode modes[] = { PAGING_MODE_32, PAGING_MODE_PAE, PAGING_MODE_64, PAGING_MODE_64_LA57 };

static void i05_paging_random_tables(struct kunit *test)
{
	struct world *world = malloc(sizeof(*world));
	unsigned int mode, i;

	for (mode = 0; mode < 4; mode++) {
		struct tally tally = { 0 };

		for (i = 0; i < WORLDS; i++) {
			world_create(world, modes[mode], 0x9e3779b97f4a7c15ULL * (i * 4 + mode + 1));
			walks_compare(test, world, &tally);
		}
		printf("  mode %d: %u walks: %u translated, %u page faults (%u reserved), %u non-canonical, %u without memory, %u marked\n",
		       modes[mode], WORLDS * WALKS, tally.ok, tally.page_fault, tally.reserved, tally.non_canonical,
		       tally.no_memory, tally.changed);
		KUNIT_EXPECT_TRUE(test, tally.ok > WORLDS * WALKS / 10 && tally.changed > WORLDS * WALKS / 100);
		KUNIT_EXPECT_TRUE(test, tally.page_fault && tally.no_memory && tally.reserved);
		KUNIT_EXPECT_EQ(test, tally.non_canonical > 0, mode >= 2);
	}
	free(world);
}

static void i05_paging_random_races(struct kunit *test)
{
	struct world *world = malloc(sizeof(*world));
	struct tally tally = { 0 };
	unsigned int mode, i;

	for (mode = 0; mode < 4; mode++) {
		for (i = 0; i < WORLDS; i++) {
			world_create(world, modes[mode], 0xd1342543de82ef95ULL * (i * 4 + mode + 1));
			raced_walks_compare(test, world, &tally);
		}
	}
	printf("  %u walks: %u raced, %u translated\n", 4 * WORLDS * RACED_WALKS, tally.raced, tally.ok);
	KUNIT_EXPECT_TRUE(test, tally.raced > WORLDS * RACED_WALKS / 10);
	free(world);
}

static struct kunit_case paging_oracle_cases[] = {
	KUNIT_CASE(i05_paging_random_tables),
	KUNIT_CASE(i05_paging_random_races),
	{ }
};

static struct kunit_suite paging_oracle = { .name = "paging-oracle", .test_cases = paging_oracle_cases };
kunit_test_suite(paging_oracle);
