// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <linux/mm.h>
#include <linux/string.h>
#include "gla.h"
#include "mem/gpt.h"
#include "mem/mem.h"
#include "mem/pte_format.h"
#include "vcpu.h"
#include "vm.h"

/*
 * Guest memory under a vCPU: first what the nested table already maps, which needs no
 * sleep; else the vCPU is taken off the CPU and the page populated.
 */
static void *vcpu_hold(struct vcpu *vcpu, u64 gpa, size_t len, int prot, struct mem_hold *hold)
{
	struct vm_mem *mem = &vcpu->vm->mem;
	void *addr = mem_hold_nosleep(mem, gpa, len, prot, hold);

	if (addr)
		return addr;
	vcpu_put(vcpu);
	return mem_hold(mem, gpa, len, prot, hold);
}

struct gla_walk {
	struct vcpu *vcpu;
	struct gla_window *record;	/* takes what is read on the way; NULL: not wanted, or no more */
};

static void walk_record(struct gla_walk *walk, const u64 *entry, u64 val)
{
	struct gla_window *record = walk->record;

	if (record->nentries == PAGING_MAX_LOADS) {
		walk->record = NULL;
		return;
	}
	record->entry[record->nentries] = entry;
	record->val[record->nentries++] = val;
}

static int pte_read(void *ctx, u64 gpa, void *buf, int bytes)
{
	struct gla_walk *walk = ctx;
	struct mem_hold hold;
	void *addr = vcpu_hold(walk->vcpu, gpa, bytes, GPT_PROT_READ, &hold);

	if (!addr)
		return -EFAULT;
	/* One load of an aligned entry: another vCPU may be writing it. */
	if (bytes == 8) {
		*(u64 *)buf = READ_ONCE(*(u64 *)addr);
		if (walk->record)
			walk_record(walk, addr, *(u64 *)buf);
	} else {
		*(u32 *)buf = READ_ONCE(*(u32 *)addr);
		walk->record = NULL;
	}
	mem_release(&hold, false);
	return 0;
}

static int pte_cmpxchg(void *ctx, u64 gpa, u64 old, u64 val, int bytes)
{
	struct gla_walk *walk = ctx;
	struct mem_hold hold;
	void *addr = vcpu_hold(walk->vcpu, gpa, bytes, GPT_PROT_READ | GPT_PROT_WRITE, &hold);
	bool won;

	walk->record = NULL;		/* its values are those of before */
	if (!addr)
		return -EFAULT;
	if (bytes == 8)
		won = cmpxchg64((u64 *)addr, old, val) == old;
	else
		won = cmpxchg((u32 *)addr, (u32)old, (u32)val) == (u32)old;
	mem_release(&hold, won);
	return !won;
}

static const struct paging_ops gla_paging_ops = {
	.read = pte_read,
	.cmpxchg = pte_cmpxchg,
};

int gla_translate(struct vcpu *vcpu, const struct vm_guest_paging *paging, u64 gla, int prot,
		  bool set_ad, u64 *gpa, struct paging_fault *fault)
{
	struct gla_walk walk = { .vcpu = vcpu };

	return paging_translate(paging, gla, prot, set_ad, &gla_paging_ops, &walk, gpa, fault);
}

void gla_inject(struct vcpu *vcpu, const struct paging_fault *fault)
{
	if (fault->vector == 14)
		vcpu->cr2 = fault->cr2;
	vcpu_inject_fault(vcpu, fault->vector, true, fault->error_code);
}

const u8 *gla_window_find(struct vcpu *vcpu, const struct vm_guest_paging *paging, u64 gla)
{
	const struct gla_window *window = &vcpu->window;
	unsigned int i;

	if (window->gla != (gla & PAGE_MASK) || window->cr3 != paging->cr3 ||
	    window->generation != gpt_generation(vcpu->vm->mem.gpt) ||
	    window->cpl != paging->cpl || window->paging_mode != paging->paging_mode)
		return NULL;
	for (i = 0; i < window->nentries; i++) {
		if (READ_ONCE(*window->entry[i]) != window->val[i])
			return NULL;
	}
	return window->page + offset_in_page(gla);
}

/* @walk found the page that @addr is in. */
static void window_set(struct gla_walk *walk, const struct vm_guest_paging *paging, u64 gla,
		       const void *addr)
{
	struct gla_window *window = &walk->vcpu->window;

	if (!walk->record)
		return;
	window->generation = gpt_generation(walk->vcpu->vm->mem.gpt);
	window->cr3 = paging->cr3;
	window->gla = gla & PAGE_MASK;
	window->page = PTR_ALIGN_DOWN(addr, PAGE_SIZE);
	window->cpl = paging->cpl;
	window->paging_mode = paging->paging_mode;
}

/* Bytes from one page: as many as asked; -EFAULT; PAGING_FAULT. */
static int fetch_by_walk(struct vcpu *vcpu, const struct vm_guest_paging *paging, u64 gla,
			 u8 *buf, unsigned int len, struct paging_fault *fault)
{
	struct gla_walk walk = { .vcpu = vcpu, .record = &vcpu->window };
	struct mem_hold hold;
	void *addr;
	u64 gpa;
	int err;

	vcpu->window.generation = 0;
	vcpu->window.nentries = 0;
	err = paging_translate(paging, gla, VM_PROT_READ | VM_PROT_EXECUTE, true, &gla_paging_ops,
			       &walk, &gpa, fault);
	if (err)
		return err;
	addr = vcpu_hold(vcpu, gpa, len, GPT_PROT_READ, &hold);
	if (!addr)
		return -EFAULT;
	memcpy(buf, addr, len);
	window_set(&walk, paging, gla, addr);
	mem_release(&hold, false);
	return 0;
}

static int fetch_in_page(struct vcpu *vcpu, const struct vm_guest_paging *paging, u64 gla,
			 u8 *buf, unsigned int len, struct paging_fault *fault)
{
	const u8 *bytes = gla_window_find(vcpu, paging, gla);

	if (!bytes)
		return fetch_by_walk(vcpu, paging, gla, buf, len, fault);
	memcpy(buf, bytes, len);
	return 0;
}

int gla_fetch(struct vcpu *vcpu, const struct vm_guest_paging *paging, u64 gla, u8 *buf,
	      unsigned int len)
{
	unsigned int first = min_t(unsigned int, len, PAGE_SIZE - offset_in_page(gla));
	struct paging_fault fault;
	int err;

	err = fetch_in_page(vcpu, paging, gla, buf, first, &fault);
	if (err == PAGING_FAULT) {
		gla_inject(vcpu, &fault);
		return 0;
	}
	if (err)
		return err;
	if (first == len ||
	    fetch_in_page(vcpu, paging, gla + first, buf + first, len - first, &fault))
		return first;
	return len;
}
