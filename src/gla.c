// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <linux/mm.h>
#include <linux/string.h>
#include "gla.h"
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

static int pte_read(void *ctx, u64 gpa, void *buf, int bytes)
{
	struct mem_hold hold;
	void *addr = vcpu_hold(ctx, gpa, bytes, GPT_PROT_READ, &hold);

	if (!addr)
		return -EFAULT;
	/* One load of an aligned entry: another vCPU may be writing it. */
	if (bytes == 8)
		*(u64 *)buf = READ_ONCE(*(u64 *)addr);
	else
		*(u32 *)buf = READ_ONCE(*(u32 *)addr);
	mem_release(&hold, false);
	return 0;
}

static int pte_cmpxchg(void *ctx, u64 gpa, u64 old, u64 val, int bytes)
{
	struct mem_hold hold;
	void *addr = vcpu_hold(ctx, gpa, bytes, GPT_PROT_READ | GPT_PROT_WRITE, &hold);
	bool won;

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
	return paging_translate(paging, gla, prot, set_ad, &gla_paging_ops, vcpu, gpa, fault);
}

void gla_inject(struct vcpu *vcpu, const struct paging_fault *fault)
{
	if (fault->vector == 14)
		vcpu->cr2 = fault->cr2;
	vcpu_inject_fault(vcpu, fault->vector, true, fault->error_code);
}

/* Bytes from one page: as many as asked; -EFAULT; PAGING_FAULT. */
static int fetch_in_page(struct vcpu *vcpu, const struct vm_guest_paging *paging, u64 gla,
			 u8 *buf, unsigned int len, struct paging_fault *fault)
{
	struct mem_hold hold;
	void *addr;
	u64 gpa;
	int err;

	err = gla_translate(vcpu, paging, gla, VM_PROT_READ | VM_PROT_EXECUTE, true, &gpa, fault);
	if (err)
		return err;
	addr = vcpu_hold(vcpu, gpa, len, GPT_PROT_READ, &hold);
	if (!addr)
		return -EFAULT;
	memcpy(buf, addr, len);
	mem_release(&hold, false);
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
