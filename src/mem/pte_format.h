/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* pte_format: what EPT and NPT must each supply so that gpt.c can build their tables. */
#ifndef VMM_MEM_PTE_FORMAT_H
#define VMM_MEM_PTE_FORMAT_H

#include <linux/types.h>

#define GPT_PROT_READ	1	/* same values as VM_PROT_* */
#define GPT_PROT_WRITE	2
#define GPT_PROT_EXEC	4

struct pte_format {
	u64 (*table)(u64 table_hpa);				/* entry that points to a lower table */
	u64 (*leaf)(u64 page_hpa, int prot, unsigned int level);	/* level 0: 4 KiB, 1: 2 MiB, 2: 1 GiB; write-back */
	u64 (*device_leaf)(u64 hpa, int prot, unsigned int level);	/* uncached, write-combining if the guest asks for it */
	bool (*is_present)(u64 pte);
	bool (*is_leaf)(u64 pte, unsigned int level);
	int (*prot)(u64 pte);					/* GPT_PROT_* that the entry grants */
	u64 accessed_mask;					/* 0: not tracked */
	u64 dirty_mask;						/* 0: not tracked, and write_mask is used instead */
	u64 write_mask;						/* grants writing */
	unsigned int max_leaf_level;				/* 1 where 2 MiB leaves may be used, else 0 */
};

#endif
