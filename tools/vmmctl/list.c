// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* The machines there are: the nodes of /dev/vmm. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vmlapi.h>

#include "answer.h"
#include "complain.h"
#include "session.h"

/* What can be known of a machine from outside; of others' machines, only the name. */
struct machine {
	const char	*name;
	bool		known;
	int		cpus;		/* active ones */
	bool		suspended;	/* all of these have stopped for good */
	bool		paused;
	uint64_t	bytes;		/* of all segments */
};

static void machine_look(struct machine *machine)
{
	struct vmctx *ctx = vm_open(machine->name);
	cpuset_t active, suspended;
	struct vml_info info;
	size_t len;

	if (ctx == NULL)
		return;
	if (vm_active_cpus(ctx, &active) == 0 && vm_suspended_cpus(ctx, &suspended) == 0) {
		machine->known = true;
		machine->cpus = CPU_COUNT(&active);
		machine->suspended = machine->cpus > 0 && CPU_EQUAL(&active, &suspended);
		machine->paused = vml_info(ctx, &info) == 0 && (info.flags & VML_INFO_PAUSED);
		for (int segid = 0; segid < VM_MAX_MEMSEGS; segid++)
			if (vm_get_memseg(ctx, segid, &len, NULL, 0) == 0)
				machine->bytes += len;
	}
	vm_close(ctx);
}

static const char *machine_state(const struct machine *machine)
{
	if (!machine->known)
		return "?";
	if (machine->suspended)
		return "stopped";
	if (machine->paused)
		return "paused";
	return machine->cpus == 0 ? "new" : "active";
}

static void machine_print(const struct machine *machine)
{
	if (machine->known)
		printf("%-32s %-8s %6d %8lu MiB\n", machine->name, machine_state(machine),
		       machine->cpus, (unsigned long)(machine->bytes >> 20));
	else
		printf("%-32s %-8s %6s %12s\n", machine->name, "?", "?", "?");
}

static void machine_answer(const struct machine *machine, struct json_object *machines)
{
	struct json_object *answer = json_object_new_object();

	answer_text(answer, "name", machine->name);
	answer_text(answer, "state", machine->known ? machine_state(machine) : NULL);
	if (machine->known) {
		answer_number(answer, "vcpus", (uint64_t)machine->cpus);
		answer_number(answer, "segment_bytes", machine->bytes);
	}
	json_object_array_add(machines, answer);
}

static int entry_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

int machines_list(struct json_object *json)
{
	struct json_object *machines = json != NULL ? answer_array(json, "machines") : NULL;
	struct dirent **entries = NULL;
	int count;

	count = scandir(VMM_DEV_PREFIX, &entries, entry_visible, alphasort);
	if (count < 0 && errno != ENOENT)
		return complain("cannot read %s: %s", VMM_DEV_PREFIX, strerror(errno));
	if (json == NULL)
		printf("%-32s %-8s %6s %12s\n", "NAME", "STATE", "VCPUS", "SEGMENTS");
	for (int i = 0; i < count; i++) {
		struct machine machine = { .name = entries[i]->d_name };

		machine_look(&machine);
		if (json != NULL)
			machine_answer(&machine, machines);
		else
			machine_print(&machine);
		free(entries[i]);
	}
	free(entries);
	return 0;
}
