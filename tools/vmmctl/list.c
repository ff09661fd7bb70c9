// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* The machines there are: the nodes of /dev/vmm. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vmm_linux.h>

#include "session.h"

/* What can be known of a machine from outside; of others' machines, only the name. */
static void machine_print(const char *name)
{
	struct vmctx *ctx = vm_open(name);
	size_t bytes = 0, len;
	cpuset_t cpus;

	if (ctx == NULL || vm_active_cpus(ctx, &cpus) != 0) {
		printf("%-32s %6s %12s\n", name, "?", "?");
	} else {
		for (int segid = 0; segid < VM_MAX_MEMSEGS; segid++)
			if (vm_get_memseg(ctx, segid, &len, NULL, 0) == 0)
				bytes += len;
		printf("%-32s %6d %8lu MiB\n", name, CPU_COUNT(&cpus),
		       (unsigned long)(bytes >> 20));
	}
	if (ctx != NULL)
		vm_close(ctx);
}

static int entry_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

int machines_list(void)
{
	struct dirent **entries;
	int count;

	count = scandir(VMM_DEV_PREFIX, &entries, entry_visible, alphasort);
	if (count < 0 && errno == ENOENT)
		return 0;
	if (count < 0) {
		fprintf(stderr, "vmmctl: cannot read %s: %s\n", VMM_DEV_PREFIX, strerror(errno));
		return -1;
	}
	printf("%-32s %6s %12s\n", "NAME", "VCPUS", "SEGMENTS");
	for (int i = 0; i < count; i++) {
		machine_print(entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	return 0;
}
