// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <linux/errno.h>
#include <linux/kernel.h>
#include "stats.h"
#include "vcpu.h"
#include "vm.h"

static const struct {
	const char *desc;
	unsigned int first, elements;
} stat_texts[] = {
#define STAT_TEXT(symbol, elements, desc) { desc, symbol, elements },
	VCPU_STATS(STAT_TEXT)
#undef STAT_TEXT
};

int stat_describe(int index, char *buf, size_t size)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(stat_texts); i++) {
		unsigned int element = index - stat_texts[i].first;

		if (index < 0 || element >= stat_texts[i].elements)
			continue;
		if (stat_texts[i].elements == 1)
			snprintf(buf, size, "%s", stat_texts[i].desc);
		else
			snprintf(buf, size, "%s[%u]", stat_texts[i].desc, element);
		return 0;
	}
	return -EINVAL;
}

void stats_refresh(struct vcpu *vcpu)
{
	if (vcpu->id != 0)
		return;
	WRITE_ONCE(vcpu->stats[VMM_MEM_RESIDENT], mem_resident_bytes(&vcpu->vm->mem));
	WRITE_ONCE(vcpu->stats[VMM_MEM_WIRED], mem_wired_bytes(&vcpu->vm->mem));
}
