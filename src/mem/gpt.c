// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * gpt: the nested page-table tree and its iterator.
 *
 * The tree
 * --------
 * Four levels of 4 KiB tables with 512 entries of 8 bytes, as both EPT and NPT
 * walk them. Level 3 is the root, an entry of level n translates
 * 4 KiB << 9 * n, and a leaf may stand at level 0 (4 KiB) or level 1 (2 MiB).
 * What an entry looks like is the business of struct pte_format; the tree only
 * relies on two things that both formats share: bits 51:12 are an address
 * (minus the low bits that a larger leaf does not have), and an entry of zero
 * is absent.
 *
 * An entry goes from absent to table or leaf, and back to absent, but never
 * from one present value to another, except that a leaf's accessed and dirty bits
 * come and go, and where there is no dirty bit, its permission to write. So
 * whoever has read a present entry may act on it.
 *
 * References
 * ----------
 * Every leaf owns one reference on the page it maps, given to it by gpt_map()
 * and dropped by gpt_unmap() and gpt_destroy(). The tree knows no files: a page
 * stays valid for the guest whatever becomes of the file it came from. A leaf
 * that maps a device's registers (GPT_DEVICE, a bit that hardware ignores in both
 * formats) has no page and no reference.
 *
 * Who may run at the same time
 * ----------------------------
 * - Maps race with maps: several vCPUs fault at once, on the same page or
 *   below the same missing table. Entries are installed with cmpxchg(); the
 *   loser frees its table and goes on below the winner's, or gives its page
 *   back (-EEXIST).
 * - Look-ups take no lock. A table is complete (zeroed) before the entry that
 *   points to it becomes visible, and nobody removes it under the reader.
 * - Removals come alone: the caller has frozen every vCPU, so there is neither a
 *   map nor a look-up nor a hold in flight, and no processor walks the tree.
 *   That is why references are dropped at once, before any TLB is flushed.
 * - Device leaves may go at any time (gpt_zap_device()), for a device can be pulled
 *   out. They hold no page and nobody looks behind them, so nothing is dropped
 *   with them, and the tables above stay. The caller makes the processors leave the
 *   guest. A table that a removal frees meanwhile is still there until the grace
 *   period has passed.
 * - gpt_walk_entries() is the exception: a debugging aid for anybody at any
 *   time. It reads under RCU, and tables are freed after a grace period.
 *
 * Dirty pages
 * -----------
 * Hardware sets a leaf's dirty bit, and so does whoever writes in the guest's
 * stead (gpt_mark_dirty()), after the write. gpt_harvest() reads the bits and
 * may clear them. A format without dirty bits has leaves that may be written
 * count as dirty, and clearing takes the permission away until the next fault.
 *
 * Generation
 * ----------
 * A processor may keep translations of a removed leaf, and pointers to a removed
 * table, under the tag (EP4TA, ASID) that it last used for this tree. They are
 * harmless until the guest runs there again. gpt_unmap() counts the generation
 * up before the vCPUs are released, and so does a harvest that clears: a
 * processor that knows a page as dirty does not say so again. A backend remembers
 * the generation of its last flush for each tag and processor, and flushes before
 * entry when the two differ. The first generation is 1, so that "0: never flushed
 * here" forces a flush for a new tree too, whose root may have the address of an
 * old one's.
 */
#include <linux/atomic.h>
#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/mem_encrypt.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "gpt.h"

#define GPT_ROOT_LEVEL	3
#define GPT_INDEX_BITS	9
#define GPT_ENTRIES	(1 << GPT_INDEX_BITS)
#define GPT_DEVICE	BIT_ULL(55)
#define GPT_GPA_BITS	(PAGE_SHIFT + (GPT_ROOT_LEVEL + 1) * GPT_INDEX_BITS)

/*
 * A shortage ends in -ENOMEM for the VM that asked, not in the killing of
 * somebody else; the tables are charged to the cgroup of whoever touches.
 */
#define GPT_GFP	(GFP_KERNEL_ACCOUNT | __GFP_ZERO | __GFP_RETRY_MAYFAIL | __GFP_NOWARN)

/* [I] immutable after creation, [X] changed only with every vCPU frozen, [A] atomic */
struct gpt {
	const struct pte_format *format;	/* [I] */
	u64 *root;				/* [I] the table of level 3; its entries: cmpxchg */
	atomic64_t generation;			/* [A] see above */
	atomic64_t mapped_bytes;		/* [A] sum of all leaves */
};

/*
 * The way from the root towards the entry that translates one address. It only
 * goes down: iter_start() stands at the root's entry, each iter_descend() one
 * level lower, until an entry is a leaf or absent.
 */
struct gpt_iter {
	const struct gpt *gpt;
	u64 gpa;		/* the address looked for; below 1 << GPT_GPA_BITS */
	unsigned int level;	/* of the entry: GPT_ROOT_LEVEL down to 0 */
	u64 *entry;		/* where the walk stands */
	u64 pte;		/* *entry, read once: others may fill an absent entry meanwhile */
};

static unsigned int level_shift(unsigned int level)
{
	return PAGE_SHIFT + level * GPT_INDEX_BITS;
}

static u64 level_bytes(unsigned int level)
{
	return BIT_ULL(level_shift(level));
}

static unsigned int level_index(u64 gpa, unsigned int level)
{
	return (gpa >> level_shift(level)) & (GPT_ENTRIES - 1);
}

u64 gpt_leaf_hpa(u64 pte, unsigned int level)
{
	return __sme_clr(pte) & GENMASK_ULL(51, level_shift(level));
}

static bool pte_is_present(const struct gpt *gpt, u64 pte)
{
	return gpt->format->is_present(pte);
}

/* @pte is present. */
static bool pte_is_leaf(const struct gpt *gpt, u64 pte, unsigned int level)
{
	return level == 0 || gpt->format->is_leaf(pte, level);
}

static u64 *pte_table(u64 pte)
{
	return __va(gpt_leaf_hpa(pte, 0));
}

/* ---- Tables ---- */

static u64 *table_alloc(void)
{
	return (u64 *)__get_free_page(GPT_GFP);
}

static void table_free(u64 *table)
{
	free_page((unsigned long)table);
}

static void table_free_rcu_cb(struct rcu_head *head)
{
	__free_page(container_of(head, struct page, rcu_head));
}

/* For a table that has been part of the tree: gpt_walk_entries() may be reading it. */
static void table_free_rcu(u64 *table)
{
	call_rcu(&virt_to_page(table)->rcu_head, table_free_rcu_cb);
}

static bool table_is_empty(const u64 *table)
{
	return !memchr_inv(table, 0, PAGE_SIZE);
}

/* ---- Iterator ---- */

static void iter_enter(struct gpt_iter *it, u64 *table)
{
	it->entry = &table[level_index(it->gpa, it->level)];
	it->pte = READ_ONCE(*it->entry);
}

static void iter_start(struct gpt_iter *it, const struct gpt *gpt, u64 gpa)
{
	it->gpt = gpt;
	it->gpa = gpa;
	it->level = GPT_ROOT_LEVEL;
	iter_enter(it, gpt->root);
}

/* One level down. False, and no move: the entry is a leaf or absent. */
static bool iter_descend(struct gpt_iter *it)
{
	if (!pte_is_present(it->gpt, it->pte) || pte_is_leaf(it->gpt, it->pte, it->level))
		return false;
	it->level--;
	iter_enter(it, pte_table(it->pte));
	return true;
}

/* Put an empty table below an absent entry, unless somebody else puts something there first. */
static int iter_add_table(struct gpt_iter *it)
{
	u64 *table = table_alloc();

	if (!table)
		return -ENOMEM;
	if (cmpxchg64(it->entry, 0, it->gpt->format->table(__pa(table))))
		table_free(table);
	it->pte = READ_ONCE(*it->entry);
	return 0;
}

/* Down to the entry of @level, with tables made on the way. -EEXIST: a leaf stands in the way. */
static int iter_descend_to(struct gpt_iter *it, unsigned int level)
{
	int ret;

	while (it->level > level) {
		if (!pte_is_present(it->gpt, it->pte)) {
			ret = iter_add_table(it);
			if (ret)
				return ret;
		}
		if (!iter_descend(it))
			return -EEXIST;
	}
	return 0;
}

/* ---- Tree ---- */

struct gpt *gpt_create(const struct pte_format *format)
{
	struct gpt *gpt = kzalloc(sizeof(*gpt), GFP_KERNEL_ACCOUNT);

	if (!gpt)
		return ERR_PTR(-ENOMEM);
	gpt->root = table_alloc();
	if (!gpt->root) {
		kfree(gpt);
		return ERR_PTR(-ENOMEM);
	}
	gpt->format = format;
	atomic64_set(&gpt->generation, 1);
	return gpt;
}

u64 gpt_root_hpa(const struct gpt *gpt)
{
	return __pa(gpt->root);
}

u64 gpt_generation(const struct gpt *gpt)
{
	return atomic64_read(&gpt->generation);
}

u64 gpt_mapped_bytes(const struct gpt *gpt)
{
	return atomic64_read(&gpt->mapped_bytes);
}

int gpt_map(struct gpt *gpt, u64 gpa, struct page *page, int prot, unsigned int level)
{
	u64 hpa = page_to_phys(page);
	struct gpt_iter it;
	int ret;

	if (level > gpt->format->max_leaf_level || gpa >> GPT_GPA_BITS ||
	    !IS_ALIGNED(gpa | hpa, level_bytes(level)))
		return -EINVAL;

	iter_start(&it, gpt, gpa);
	ret = iter_descend_to(&it, level);
	if (ret)
		return ret;
	if (cmpxchg64(it.entry, 0, gpt->format->leaf(hpa, prot, level)))
		return -EEXIST;
	atomic64_add(level_bytes(level), &gpt->mapped_bytes);
	return 0;
}

bool gpt_leaf_is_device(u64 pte)
{
	return pte & GPT_DEVICE;
}

static void leaf_remove(struct gpt *gpt, u64 *entry, unsigned int level)
{
	u64 pte = READ_ONCE(*entry);
	u64 hpa = gpt_leaf_hpa(pte, level);

	WRITE_ONCE(*entry, 0);
	if (gpt_leaf_is_device(pte) || !pte)
		return;
	atomic64_sub(level_bytes(level), &gpt->mapped_bytes);
	put_page(pfn_to_page(PHYS_PFN(hpa)));
}

/*
 * Remove what @table of @level maps in [gpa, end), and tables that end up empty.
 * True: @table itself is empty now. Recursion ends at level 0.
 */
static bool table_unmap(struct gpt *gpt, u64 *table, unsigned int level, u64 gpa, u64 end)
{
	u64 *entry, *lower, pte, next;

	for (; gpa < end; gpa = next) {
		next = min(end, ALIGN_DOWN(gpa, level_bytes(level)) + level_bytes(level));
		entry = &table[level_index(gpa, level)];
		pte = READ_ONCE(*entry);
		if (!pte_is_present(gpt, pte))
			continue;
		if (pte_is_leaf(gpt, pte, level)) {
			leaf_remove(gpt, entry, level);
			continue;
		}
		lower = pte_table(pte);
		if (table_unmap(gpt, lower, level - 1, gpa, next)) {
			WRITE_ONCE(*entry, 0);
			table_free_rcu(lower);
		}
		cond_resched();
	}
	return table_is_empty(table);
}

void gpt_unmap(struct gpt *gpt, u64 gpa, u64 len)
{
	table_unmap(gpt, gpt->root, GPT_ROOT_LEVEL, gpa, gpa + len);
	atomic64_inc(&gpt->generation);
}

/* ---- Device leaves ---- */

static int device_leaf_map(struct gpt *gpt, u64 gpa, u64 hpa, unsigned int level)
{
	struct gpt_iter it;
	int ret;

	iter_start(&it, gpt, gpa);
	ret = iter_descend_to(&it, level);
	if (ret)
		return ret;
	if (cmpxchg64(it.entry, 0, gpt->format->device_leaf(hpa, GPT_PROT_READ | GPT_PROT_WRITE,
							    level) | GPT_DEVICE))
		return -EEXIST;
	return 0;
}

/* The largest leaf that may stand at @gpa: 2 MiB where a table does not stand there already. */
static u64 device_leaf_map_largest(struct gpt *gpt, u64 gpa, u64 hpa, u64 len, int *err)
{
	if (gpt_maps_large(gpt) && len >= level_bytes(1) && IS_ALIGNED(gpa | hpa, level_bytes(1))) {
		*err = device_leaf_map(gpt, gpa, hpa, 1);
		if (*err != -EEXIST)
			return level_bytes(1);
	}
	*err = device_leaf_map(gpt, gpa, hpa, 0);
	return level_bytes(0);
}

int gpt_map_device(struct gpt *gpt, u64 gpa, u64 hpa, u64 len)
{
	u64 done, step;
	int err;

	for (done = 0; done < len; done += step) {
		step = device_leaf_map_largest(gpt, gpa + done, hpa + done, len - done, &err);
		if (err) {
			gpt_zap_device(gpt, gpa, done);
			return err;
		}
		cond_resched();
	}
	return 0;
}

static u64 device_leaf_zap(struct gpt *gpt, u64 gpa)
{
	struct gpt_iter it;
	u64 bytes;

	rcu_read_lock();
	iter_start(&it, gpt, gpa);
	while (iter_descend(&it))
		;
	bytes = level_bytes(it.level);
	if (pte_is_present(gpt, it.pte) && gpt_leaf_is_device(it.pte))
		WRITE_ONCE(*it.entry, 0);
	rcu_read_unlock();
	return bytes;
}

void gpt_zap_device(struct gpt *gpt, u64 gpa, u64 len)
{
	u64 end = gpa + len, bytes;

	while (gpa < end) {
		bytes = device_leaf_zap(gpt, gpa);
		gpa = ALIGN_DOWN(gpa, bytes) + bytes;
		cond_resched();
	}
	atomic64_inc(&gpt->generation);
}

void gpt_destroy(struct gpt *gpt)
{
	table_unmap(gpt, gpt->root, GPT_ROOT_LEVEL, 0, BIT_ULL(GPT_GPA_BITS));
	table_free_rcu(gpt->root);
	kfree(gpt);
}

u64 gpt_lookup_entry(const struct gpt *gpt, u64 gpa, unsigned int *level, u64 **entry)
{
	struct gpt_iter it;

	if (gpa >> GPT_GPA_BITS)
		return 0;
	iter_start(&it, gpt, gpa);
	while (iter_descend(&it))
		;
	if (!pte_is_present(gpt, it.pte))
		return 0;
	*level = it.level;
	*entry = it.entry;
	return it.pte;
}

u64 gpt_lookup(const struct gpt *gpt, u64 gpa, unsigned int *level)
{
	u64 *entry;

	return gpt_lookup_entry(gpt, gpa, level, &entry);
}

/* ---- Dirty pages ---- */

static void entry_set(u64 *entry, u64 bits)
{
	atomic64_or(bits, (atomic64_t *)entry);
}

/* Those of a leaf that has been written. */
static u64 dirty_bits(const struct gpt *gpt)
{
	return gpt->format->dirty_mask ?: gpt->format->write_mask;
}

void gpt_mark_dirty(const struct gpt *gpt, u64 *entry)
{
	entry_set(entry, dirty_bits(gpt));
}

void gpt_allow_write(struct gpt *gpt, u64 gpa)
{
	unsigned int level;
	u64 *entry;

	if (!gpt->format->dirty_mask && gpt_lookup_entry(gpt, gpa, &level, &entry))
		entry_set(entry, gpt->format->write_mask);
}

static void table_harvest(struct gpt *gpt, u64 *table, unsigned int level, u64 gpa, u64 end,
			  const struct gpt_harvest *harvest)
{
	u64 *entry, pte, next, leaf_gpa;

	for (; gpa < end; gpa = next) {
		leaf_gpa = ALIGN_DOWN(gpa, level_bytes(level));
		next = min(end, leaf_gpa + level_bytes(level));
		entry = &table[level_index(gpa, level)];
		pte = READ_ONCE(*entry);
		if (!pte_is_present(gpt, pte))
			continue;
		if (!pte_is_leaf(gpt, pte, level)) {
			table_harvest(gpt, pte_table(pte), level - 1, gpa, next, harvest);
			cond_resched();
			continue;
		}
		if (!(pte & dirty_bits(gpt)) || gpt_leaf_is_device(pte))
			continue;
		harvest->found(harvest->ctx, gpa, next - gpa);
		/* The rest of a larger leaf has to be told too, before it may be forgotten. */
		if (harvest->clear && next - gpa == level_bytes(level))
			WRITE_ONCE(*entry, pte & ~dirty_bits(gpt));
	}
}

void gpt_harvest(struct gpt *gpt, u64 gpa, u64 end, const struct gpt_harvest *harvest)
{
	end = min(end, BIT_ULL(GPT_GPA_BITS));
	table_harvest(gpt, gpt->root, GPT_ROOT_LEVEL, gpa, end, harvest);
	if (harvest->clear)
		atomic64_inc(&gpt->generation);
}

int gpt_entry_prot(const struct gpt *gpt, u64 pte)
{
	return gpt->format->prot(pte);
}

bool gpt_maps_large(const struct gpt *gpt)
{
	return gpt->format->max_leaf_level > 0;
}

int gpt_walk_entries(const struct gpt *gpt, u64 gpa, u64 entries[4])
{
	struct gpt_iter it;
	int num = 0;

	if (gpa >> GPT_GPA_BITS)
		return 0;
	rcu_read_lock();
	iter_start(&it, gpt, gpa);
	do {
		entries[num++] = it.pte;
	} while (iter_descend(&it));
	rcu_read_unlock();
	return num;
}
