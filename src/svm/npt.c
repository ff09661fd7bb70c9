// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * npt: the algebra of nested page-table entries, AMD64 manual vol. 2, 15.25. Nested walks count
 * as user accesses.
 */
#include <linux/mm.h>
#include <linux/slab.h>
#include <asm/io.h>
#include <asm/pgtable.h>
#include "../mem/gpt.h"
#include "../mem/pte_format.h"
#include "svm.h"

#define NPT_PRESENT	BIT_ULL(0)
#define NPT_WRITE	BIT_ULL(1)
#define NPT_USER	BIT_ULL(2)
#define NPT_CACHE_OFF	BIT_ULL(4)
#define NPT_ACCESSED	BIT_ULL(5)
#define NPT_DIRTY	BIT_ULL(6)
#define NPT_LARGE	BIT_ULL(7)
#define NPT_NX		BIT_ULL(63)

static u64 npt_table(u64 table_hpa)
{
	return table_hpa | NPT_PRESENT | NPT_WRITE | NPT_USER;
}

static u64 npt_leaf(u64 page_hpa, int prot, unsigned int level)
{
	u64 pte = page_hpa | NPT_PRESENT | NPT_USER;

	if (prot & GPT_PROT_WRITE)
		pte |= NPT_WRITE;
	if (!(prot & GPT_PROT_EXEC))
		pte |= NPT_NX;
	if (level)
		pte |= NPT_LARGE;
	return pte;
}

/* The host's PAT entry 2, uncached-minus: the guest's own PAT may make it write-combining. */
static u64 npt_device_leaf(u64 hpa, int prot, unsigned int level)
{
	return npt_leaf(hpa, prot, level) | NPT_CACHE_OFF;
}

static bool npt_is_present(u64 pte)
{
	return pte & NPT_PRESENT;
}

static bool npt_is_leaf(u64 pte, unsigned int level)
{
	return !level || (pte & NPT_LARGE);
}

static int npt_prot(u64 pte)
{
	return GPT_PROT_READ | (pte & NPT_WRITE ? GPT_PROT_WRITE : 0) |
	       (pte & NPT_NX ? 0 : GPT_PROT_EXEC);
}

struct pte_format npt_format = {
	.table = npt_table,
	.leaf = npt_leaf,
	.device_leaf = npt_device_leaf,
	.is_present = npt_is_present,
	.is_leaf = npt_is_leaf,
	.prot = npt_prot,
	.accessed_mask = NPT_ACCESSED,
	.dirty_mask = NPT_DIRTY,
	.write_mask = NPT_WRITE,
};

void npt_format_init(void)
{
	npt_format.max_leaf_level = npt_enable_superpage;
}

/* The nested walk has as many levels as the host's own: a fifth one goes on top. */
int svm_vm_init(struct vm *vm)
{
	struct svm_vm *svm = kzalloc(sizeof(*svm), GFP_KERNEL_ACCOUNT);
	u64 root = gpt_root_hpa(vm->mem.gpt);

	if (!svm)
		return -ENOMEM;
	svm->nested_cr3 = root;
	if (pgtable_l5_enabled()) {
		svm->la57_root = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);
		if (!svm->la57_root) {
			kfree(svm);
			return -ENOMEM;
		}
		*(u64 *)page_address(svm->la57_root) = npt_table(root);
		svm->nested_cr3 = page_to_phys(svm->la57_root);
	}
	vm->backend_vm = svm;
	return 0;
}

void svm_vm_fini(struct vm *vm)
{
	struct svm_vm *svm = vm->backend_vm;

	if (svm->la57_root)
		__free_page(svm->la57_root);
	kfree(svm);
}
