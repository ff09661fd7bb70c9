// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * The machine's state beyond registers and memory: vCPUs, capabilities, events, statistics; and
 * the requests that change it.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <vmlapi.h>

#include "answer.h"
#include "complain.h"
#include "session.h"

static int stats_get(struct session *session, int index, const char *arg)
{
	struct json_object *answer = NULL;
	const char *desc;
	uint64_t *values;
	int count;

	(void)index;
	(void)arg;
	values = vm_get_stats(session->vcpu, NULL, &count);
	if (values == NULL)
		return request_failed(session, "statistics");
	if (session->json != NULL)
		answer = answer_object(session->json, "stats");
	else
		printf("vcpu%d stats:\n", session->cpu);
	for (int i = 0; i < count; i++) {
		desc = vm_get_stat_desc(session->ctx, i);
		if (desc == NULL)
			continue;
		if (answer != NULL)
			answer_number(answer, desc, values[i]);
		else
			printf("%-40s\t%lu\n", desc, (unsigned long)values[i]);
	}
	return 0;
}

static void cpus_answer(struct session *session, const char *name, const cpuset_t *cpus)
{
	struct json_object *answer;
	char key[32];

	snprintf(key, sizeof(key), "%s_cpus", name);
	answer = json_object_new_array();
	json_object_object_add(session->json, key, answer);
	for (size_t id = 0; id < VM_MAXCPU; id++)
		if (CPU_ISSET(id, cpus))
			json_object_array_add(answer, json_object_new_int((int)id));
}

static int cpus_get(struct session *session, int which, const char *arg)
{
	static const char *const names[] = { [VM_ACTIVE_CPUS] = "active",
					     [VM_SUSPENDED_CPUS] = "suspended",
					     [VM_DEBUG_CPUS] = "debug" };
	static int (*const functions[])(struct vmctx *ctx, cpuset_t *cpus) = {
		[VM_ACTIVE_CPUS] = vm_active_cpus,
		[VM_SUSPENDED_CPUS] = vm_suspended_cpus,
		[VM_DEBUG_CPUS] = vm_debug_cpus,
	};
	cpuset_t cpus;

	(void)arg;
	if (functions[which](session->ctx, &cpus) != 0)
		return request_failed(session, "the set of vCPUs");
	if (session->json != NULL) {
		cpus_answer(session, names[which], &cpus);
		return 0;
	}
	printf("%s cpus:\t", names[which]);
	for (size_t id = 0; id < VM_MAXCPU; id++)
		if (CPU_ISSET(id, &cpus))
			printf(" %zu", id);
	printf("\n");
	return 0;
}

static int topology_get(struct session *session, int index, const char *arg)
{
	uint16_t sockets, cores, threads, maxcpus;
	struct json_object *answer;

	(void)index;
	(void)arg;
	if (vm_get_topology(session->ctx, &sockets, &cores, &threads, &maxcpus) != 0)
		return request_failed(session, "the topology");
	if (session->json == NULL) {
		printf("cpu_topology:\tsockets=%u cores=%u threads=%u maxcpus=%u\n", sockets,
		       cores, threads, maxcpus);
		return 0;
	}
	answer = answer_object(session->json, "cpu_topology");
	answer_number(answer, "sockets", sockets);
	answer_number(answer, "cores", cores);
	answer_number(answer, "threads", threads);
	answer_number(answer, "maxcpus", maxcpus);
	return 0;
}

/* VALUE: 0, 1, or -1: the processor has no such thing. */
static void capability_answer(struct session *session, int type, int value)
{
	const char *name = vm_capability_type2name(type);

	if (session->json != NULL)
		json_object_object_add(answer_object(session->json, "capabilities"), name,
				       value < 0 ? NULL : json_object_new_boolean(value));
	else
		printf("Capability \"%s\" is %s on vcpu %d\n", name,
		       value < 0 ? "not available" :
		       value	 ? "set" :
				   "not set",
		       session->cpu);
}

static int capability_show(struct session *session, int type)
{
	int value;

	if (vm_get_capability(session->vcpu, (enum vm_cap_type)type, &value) == 0)
		capability_answer(session, type, value != 0);
	else if (errno == ENOENT)
		capability_answer(session, type, -1);
	else
		return request_failed(session, vm_capability_type2name(type));
	return 0;
}

static int capability_type(const struct session *session)
{
	int type = session->capname != NULL ? vm_capability_name2type(session->capname) : -1;
	char names[512];
	size_t used = 0;

	if (type >= 0)
		return type;
	for (int i = 0; i < VM_CAP_MAX && used < sizeof(names); i++)
		used += (size_t)snprintf(names + used, sizeof(names) - used, " %s",
					 vm_capability_type2name(i));
	if (session->capname != NULL)
		return complain("there is no capability \"%s\". Those that there are:%s",
				session->capname, names);
	return complain("which capability? Name it with --capname, one of:%s", names);
}

static int capabilities_show(struct session *session)
{
	int error = 0;

	for (int type = 0; type < VM_CAP_MAX; type++)
		error |= capability_show(session, type);
	return error;
}

static int capability_get(struct session *session, int index, const char *arg)
{
	int type;

	(void)index;
	(void)arg;
	if (session->capname == NULL)
		return capabilities_show(session);
	type = capability_type(session);
	return type < 0 ? -1 : capability_show(session, type);
}

static int capability_set(struct session *session, int index, const char *arg)
{
	int type = capability_type(session);
	uint64_t value;

	(void)index;
	if (type < 0 || number_parse("setcap", arg, 1, &value) != 0)
		return -1;
	if (vm_set_capability(session->vcpu, (enum vm_cap_type)type, (int)value) == 0)
		return 0;
	if (errno == ENOENT)
		return complain("%s: this processor does not have that capability, or it cannot be set",
				session->capname);
	return request_failed(session, session->capname);
}

static int intinfo_get(struct session *session, int index, const char *arg)
{
	uint64_t info[2];

	(void)index;
	(void)arg;
	if (vm_get_intinfo(session->vcpu, &info[0], &info[1]) != 0)
		return request_failed(session, "pending events");
	if (session->json != NULL) {
		struct json_object *answer = answer_object(session->json, "intinfo");

		answer_hex(answer, "interrupted", info[0]);
		answer_hex(answer, "pending", info[1]);
	} else {
		printf("pending\t\t0x%016lx 0x%016lx\n", (unsigned long)info[0],
		       (unsigned long)info[1]);
	}
	return 0;
}

static int x2apic_get(struct session *session, int index, const char *arg)
{
	enum x2apic_state state;

	(void)index;
	(void)arg;
	if (vm_get_x2apic_state(session->vcpu, &state) != 0)
		return request_failed(session, "the local APIC's mode");
	if (session->json != NULL)
		answer_number(session->json, "x2apic_state", (uint64_t)state);
	else
		printf("x2apic_state[%d]\t%d\n", session->cpu, (int)state);
	return 0;
}

static int x2apic_set(struct session *session, int index, const char *arg)
{
	uint64_t state;

	(void)index;
	if (number_parse("set-x2apic-state", arg, X2APIC_STATE_LAST - 1, &state) != 0)
		return -1;
	return vm_set_x2apic_state(session->vcpu, (enum x2apic_state)state) == 0 ?
		       0 :
		       request_failed(session, "the local APIC's mode");
}

static int nmi_inject(struct session *session, int index, const char *arg)
{
	(void)index;
	(void)arg;
	return vm_inject_nmi(session->vcpu) == 0 ? 0 :
						   request_failed(session, "injecting the NMI");
}

static int lvt_assert(struct session *session, int index, const char *arg)
{
	uint64_t entry;

	(void)index;
	if (number_parse("assert-lapic-lvt", arg, APIC_LVT_CMCI, &entry) != 0)
		return -1;
	return vm_lapic_local_irq(session->vcpu, (int)entry) == 0 ?
		       0 :
		       request_failed(session, "the local interrupt");
}

static int suspend(struct session *session, int how, const char *arg)
{
	(void)arg;
	if (vm_suspend(session->ctx, (enum vm_suspend_how)how) == 0)
		return 0;
	if (errno == EALREADY)
		return complain(
			"the machine %s is stopping already. Destroy it with --destroy, or let its monitor start it anew",
			session->name);
	return request_failed(session, "stopping the machine");
}

static int pause_or_resume(struct session *session, int resume, const char *arg)
{
	(void)arg;
	if ((resume ? vml_resume : vml_pause)(session->ctx) == 0)
		return 0;
	if (errno == EALREADY)
		return complain(resume ? "the machine %s is not paused" :
					 "the machine %s is paused already. Let it go on with --resume",
				session->name);
	return request_failed(session, resume ? "resuming the machine" : "pausing the machine");
}

/* NUMBER/NUMBER/NUMBER in decimal, each at most the limit of its place. */
static bool device_parse(const char *text, int *numbers)
{
	static const int limits[] = { 255, 31, 7 };

	for (int i = 0; i < 3; i++) {
		int number = 0, digits = 0;

		for (; isdigit((unsigned char)*text) && digits < 4; text++, digits++)
			number = number * 10 + (*text - '0');
		if (digits == 0 || number > limits[i] || *text != (i < 2 ? '/' : '\0'))
			return false;
		text++;
		numbers[i] = number;
	}
	return true;
}

static int pptdev_unassign(struct session *session, int index, const char *arg)
{
	int numbers[3];

	(void)index;
	if (!device_parse(arg, numbers))
		return complain(
			"--unassign-pptdev=%s: that is no device. Give bus/slot/function in decimal, as 10/0/0",
			arg);
	return vm_unassign_pptdev(session->ctx, numbers[0], numbers[1], numbers[2]) == 0 ?
		       0 :
		       request_failed(session, "taking the device back");
}

int state_show(struct session *session)
{
	int error = 0;

	for (int which = VM_ACTIVE_CPUS; which <= VM_DEBUG_CPUS; which++)
		error |= cpus_get(session, which, NULL);
	return error | topology_get(session, 0, NULL) | x2apic_get(session, 0, NULL) |
	       intinfo_get(session, 0, NULL) | capabilities_show(session) |
	       stats_get(session, 0, NULL);
}

const struct action *state_actions(int *count)
{
	static const struct action actions[] = {
		{ "get-stats", NULL, 0, stats_get, 0 },
		{ "get-active-cpus", NULL, 0, cpus_get, VM_ACTIVE_CPUS },
		{ "get-suspended-cpus", NULL, 0, cpus_get, VM_SUSPENDED_CPUS },
		{ "get-debug-cpus", NULL, 0, cpus_get, VM_DEBUG_CPUS },
		{ "get-cpu-topology", NULL, 0, topology_get, 0 },
		{ "getcap", NULL, 0, capability_get, 0 },
		{ "setcap", "0|1", 1, capability_set, 0 },
		{ "get-intinfo", NULL, 0, intinfo_get, 0 },
		{ "get-x2apic-state", NULL, 0, x2apic_get, 0 },
		{ "set-x2apic-state", "0|1", X2APIC_STATE_LAST - 1, x2apic_set, 0 },
		{ "inject-nmi", NULL, 0, nmi_inject, 0 },
		{ "assert-lapic-lvt", "ENTRY", APIC_LVT_CMCI, lvt_assert, 0 },
		{ "pause", NULL, 0, pause_or_resume, false },
		{ "resume", NULL, 0, pause_or_resume, true },
		{ "force-reset", NULL, 0, suspend, VM_SUSPEND_RESET },
		{ "force-poweroff", NULL, 0, suspend, VM_SUSPEND_POWEROFF },
		{ "unassign-pptdev", "BUS/SLOT/FUNC", 0, pptdev_unassign, 0 },
	};

	*count = (int)(sizeof(actions) / sizeof(actions[0]));
	return actions;
}
