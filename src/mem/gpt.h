/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * gpt: the nested page-table tree and its iterator, neutral to the entry format.
 * Who may call what at the same time: see the head of gpt.c.
 */
#ifndef VMM_MEM_GPT_H
#define VMM_MEM_GPT_H

#include <linux/types.h>
#include "pte_format.h"

struct gpt;
struct page;

struct gpt *gpt_create(const struct pte_format *format);	/* ERR_PTR(-ENOMEM) */
void gpt_destroy(struct gpt *gpt);			/* no hardware walks it any more; drops references on leaves */
u64 gpt_root_hpa(const struct gpt *gpt);		/* 4-level root table */
/* Counts every change that took a permission away; hardware tags made before it are stale. Starts at 1. */
u64 gpt_generation(const struct gpt *gpt);
/*
 * Install a leaf of 4 KiB << 9*level; takes over the caller's reference on @page (per leaf). Concurrent with
 * other maps, may sleep. 0, -ENOMEM, -EEXIST (somebody was first, or a table stands where a 2 MiB leaf would go;
 * caller keeps its reference), -EINVAL (@gpa or @page not aligned to the leaf, or the format has no such leaf).
 */
int gpt_map(struct gpt *gpt, u64 gpa, struct page *page, int prot, unsigned int level);
/*
 * Map [hpa, hpa + len) of a device at @gpa, all page aligned, readable and writable; no reference is taken. No
 * vCPU runs. 0; -ENOMEM or -EEXIST (something is there), and nothing is mapped.
 */
int gpt_map_device(struct gpt *gpt, u64 gpa, u64 hpa, u64 len);
/*
 * Remove device leaves in the range while vCPUs run, and bump the generation. Processors may use the translations
 * until they next leave the guest. Tables stay. Process context.
 */
void gpt_zap_device(struct gpt *gpt, u64 gpa, u64 len);
/*
 * Remove every leaf in the range and bump the generation. No vCPU runs. A 2 MiB leaf that is only partly in the
 * range goes as a whole.
 */
void gpt_unmap(struct gpt *gpt, u64 gpa, u64 len);
/* Lock-free look-up: leaf entry and its level, or 0 if nothing is mapped. vCPU thread, or removals kept out. */
u64 gpt_lookup(const struct gpt *gpt, u64 gpa, unsigned int *level);
/* The same, and where the entry is: valid as long as the look-up is. */
u64 gpt_lookup_entry(const struct gpt *gpt, u64 gpa, unsigned int *level, u64 **entry);

/* A write has been done to the page of this leaf that no processor's walk has seen. As gpt_lookup(). */
void gpt_mark_dirty(const struct gpt *gpt, u64 *entry);
/* A fault on a page that may be written: a harvest may have taken the permission away. As gpt_map(). */
void gpt_allow_write(struct gpt *gpt, u64 gpa);

struct gpt_harvest {
	void (*found)(void *ctx, u64 gpa, u64 bytes);	/* written: the part of a leaf that is in the range */
	void *ctx;
	bool clear;		/* count anew; a leaf that is only partly in the range stays dirty */
};

/*
 * Tells of every leaf in [gpa, end) that has been written since it was mapped or cleared last, in
 * order. No vCPU runs. With clear, the generation goes up.
 */
void gpt_harvest(struct gpt *gpt, u64 gpa, u64 end, const struct gpt_harvest *harvest);

/* Entries walked for @gpa, root first, up to 4 (VM_GET_GPA_PMAP). Returns how many. Any context. */
int gpt_walk_entries(const struct gpt *gpt, u64 gpa, u64 entries[4]);
u64 gpt_mapped_bytes(const struct gpt *gpt);

/* Of a leaf that gpt_lookup() returned: host address of its first byte, and the GPT_PROT_* it grants. */
u64 gpt_leaf_hpa(u64 pte, unsigned int level);
bool gpt_leaf_is_device(u64 pte);
int gpt_entry_prot(const struct gpt *gpt, u64 pte);
bool gpt_maps_large(const struct gpt *gpt);		/* 2 MiB leaves are allowed */

#endif
