/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* pptdevs: the text of the module parameters pptdevs, pptdevs2 and pptdevs3. No kernel context. */
#ifndef VMM_IOMMU_PPTDEVS_H
#define VMM_IOMMU_PPTDEVS_H

#include <linux/types.h>

struct pptdevs_entry {
	__u32 domain;		/* 0 in FreeBSD's form */
	__u8 bus, slot, func;
	__u8 decimal;		/* it was in FreeBSD's form */
	const char *text;	/* as it stands there, not terminated */
	unsigned int len;
};

/**
 * pptdevs_next() - the next entry of a list
 * @cursor: where to go on; moved past the entry
 * @entry: text and len are set unless 0 is returned, the numbers if 1 is
 *
 * Entries are separated by any number of spaces, commas and semicolons. An entry is bus/slot/func
 * in decimal (FreeBSD) or [domain:]bus:slot.func in hexadecimal (lspci).
 * Return: 1; 0 at the end; -EINVAL: this entry is malformed, go on with the next. Any context.
 */
int pptdevs_next(const char **cursor, struct pptdevs_entry *entry);

#endif
