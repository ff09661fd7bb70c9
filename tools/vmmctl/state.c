// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * The machine's state beyond registers and memory: vCPUs, capabilities, events, clock, statistics;
 * and the requests that change it.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "session.h"

static int stats_get(struct session *session, int index, const char *arg)
{
	const char *desc;
	uint64_t *values;
	int count;

	(void)index;
	(void)arg;
	values = vm_get_stats(session->vcpu, NULL, &count);
	if (values == NULL)
		return request_failed("statistics");
	printf("vcpu%d stats:\n", session->cpu);
	for (int i = 0; i < count; i++) {
		desc = vm_get_stat_desc(session->ctx, i);
		if (desc != NULL)
			printf("%-40s\t%lu\n", desc, (unsigned long)values[i]);
	}
	return 0;
}

static int cpus_get(struct session *session, int which, const char *arg)
{
	static const char *const names[] = { [VM_ACTIVE_CPUS] = "active",
					     [VM_SUSPENDED_CPUS] = "suspended",
					     [VM_DEBUG_CPUS] = "debug" };
	static int (*const functions[])(struct vmctx * ctx, cpuset_t * cpus) = {
		[VM_ACTIVE_CPUS] = vm_active_cpus,
		[VM_SUSPENDED_CPUS] = vm_suspended_cpus,
		[VM_DEBUG_CPUS] = vm_debug_cpus,
	};
	cpuset_t cpus;

	(void)arg;
	if (functions[which](session->ctx, &cpus) != 0)
		return request_failed("the set of vCPUs");
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

	(void)index;
	(void)arg;
	if (vm_get_topology(session->ctx, &sockets, &cores, &threads, &maxcpus) != 0)
		return request_failed("the topology");
	printf("cpu_topology:\tsockets=%u cores=%u threads=%u maxcpus=%u\n", sockets, cores,
	       threads, maxcpus);
	return 0;
}

static int capability_show(struct session *session, int type)
{
	int value;

	if (vm_get_capability(session->vcpu, (enum vm_cap_type)type, &value) == 0)
		printf("Capability \"%s\" is %s on vcpu %d\n", vm_capability_type2name(type),
		       value ? "set" : "not set", session->cpu);
	else if (errno == ENOENT)
		printf("Capability \"%s\" is not available on vcpu %d\n",
		       vm_capability_type2name(type), session->cpu);
	else
		return request_failed(vm_capability_type2name(type));
	return 0;
}

static int capability_type(const struct session *session)
{
	int type = session->capname != NULL ? vm_capability_name2type(session->capname) : -1;

	if (type < 0) {
		fprintf(stderr, "vmmctl: %s: name a capability with --capname, one of:",
			session->capname != NULL ? session->capname : "no capability");
		for (int i = 0; i < VM_CAP_MAX; i++)
			fprintf(stderr, " %s", vm_capability_type2name(i));
		fputc('\n', stderr);
	}
	return type;
}

static int capability_get(struct session *session, int index, const char *arg)
{
	int type, error = 0;

	(void)index;
	(void)arg;
	if (session->capname != NULL) {
		type = capability_type(session);
		return type < 0 ? -1 : capability_show(session, type);
	}
	for (type = 0; type < VM_CAP_MAX; type++)
		error |= capability_show(session, type);
	return error;
}

static int capability_set(struct session *session, int index, const char *arg)
{
	int type = capability_type(session);
	uint64_t value;

	(void)index;
	if (type < 0 || number_parse(arg, 1, &value) != 0)
		return -1;
	if (vm_set_capability(session->vcpu, (enum vm_cap_type)type, (int)value) != 0)
		return request_failed(session->capname);
	return 0;
}

static int intinfo_get(struct session *session, int index, const char *arg)
{
	uint64_t info[2];

	(void)index;
	(void)arg;
	if (vm_get_intinfo(session->vcpu, &info[0], &info[1]) != 0)
		return request_failed("pending events");
	printf("pending\t\t0x%016lx 0x%016lx\n", (unsigned long)info[0], (unsigned long)info[1]);
	return 0;
}

static int x2apic_get(struct session *session, int index, const char *arg)
{
	enum x2apic_state state;

	(void)index;
	(void)arg;
	if (vm_get_x2apic_state(session->vcpu, &state) != 0)
		return request_failed("the local APIC's mode");
	printf("x2apic_state[%d]\t%d\n", session->cpu, (int)state);
	return 0;
}

static int x2apic_set(struct session *session, int index, const char *arg)
{
	uint64_t state;

	(void)index;
	if (number_parse(arg, X2APIC_STATE_LAST - 1, &state) != 0)
		return -1;
	return vm_set_x2apic_state(session->vcpu, (enum x2apic_state)state) == 0 ?
		       0 :
		       request_failed("the local APIC's mode");
}

static int rtc_time_get(struct session *session, int index, const char *arg)
{
	char text[64];
	struct tm tm;
	time_t secs;

	(void)index;
	(void)arg;
	if (vm_rtc_gettime(session->ctx, &secs) != 0)
		return request_failed("the clock");
	if (secs == (time_t)-1 || gmtime_r(&secs, &tm) == NULL ||
	    strftime(text, sizeof(text), "%F %T UTC", &tm) == 0)
		strcpy(text, "no valid date");
	printf("rtc time 0x%lx: %s\n", (unsigned long)secs, text);
	return 0;
}

static int rtc_time_set(struct session *session, int index, const char *arg)
{
	uint64_t secs;

	(void)index;
	if (number_parse(arg, INT64_MAX, &secs) != 0)
		return -1;
	return vm_rtc_settime(session->ctx, (time_t)secs) == 0 ? 0 : request_failed("the clock");
}

static int rtc_nvram_get(struct session *session, int index, const char *arg)
{
	uint8_t value;

	(void)index;
	(void)arg;
	if (vm_rtc_read(session->ctx, session->rtc_offset, &value) != 0)
		return request_failed("the clock's memory");
	printf("rtc nvram[%03d]: 0x%02x\n", session->rtc_offset, value);
	return 0;
}

static int rtc_nvram_set(struct session *session, int index, const char *arg)
{
	uint64_t value;

	(void)index;
	if (number_parse(arg, UINT8_MAX, &value) != 0)
		return -1;
	return vm_rtc_write(session->ctx, session->rtc_offset, (uint8_t)value) == 0 ?
		       0 :
		       request_failed("the clock's memory");
}

static int nmi_inject(struct session *session, int index, const char *arg)
{
	(void)index;
	(void)arg;
	return vm_inject_nmi(session->vcpu) == 0 ? 0 : request_failed("injecting the NMI");
}

static int lvt_assert(struct session *session, int index, const char *arg)
{
	uint64_t entry;

	(void)index;
	if (number_parse(arg, APIC_LVT_CMCI, &entry) != 0)
		return -1;
	return vm_lapic_local_irq(session->vcpu, (int)entry) == 0 ?
		       0 :
		       request_failed("the local interrupt");
}

static int suspend(struct session *session, int how, const char *arg)
{
	(void)arg;
	if (vm_suspend(session->ctx, (enum vm_suspend_how)how) == 0)
		return 0;
	if (errno == EALREADY) {
		fprintf(stderr, "vmmctl: %s is stopping already\n", session->name);
		return -1;
	}
	return request_failed("stopping the machine");
}

static int pptdev_unassign(struct session *session, int index, const char *arg)
{
	int bus, slot, func, end;

	(void)index;
	if (sscanf(arg, "%d/%d/%d%n", &bus, &slot, &func, &end) != 3 || arg[end] != '\0') {
		fprintf(stderr,
			"vmmctl: \"%s\" is no device: give bus/slot/function in decimal, as 10/0/0\n",
			arg);
		return -1;
	}
	return vm_unassign_pptdev(session->ctx, bus, slot, func) == 0 ?
		       0 :
		       request_failed("taking the device back");
}

int state_show(struct session *session)
{
	int error = 0;

	for (int which = VM_ACTIVE_CPUS; which <= VM_DEBUG_CPUS; which++)
		error |= cpus_get(session, which, NULL);
	error |= topology_get(session, 0, NULL) | x2apic_get(session, 0, NULL) |
		 intinfo_get(session, 0, NULL) | rtc_time_get(session, 0, NULL);
	session->capname = NULL;
	return error | capability_get(session, 0, NULL) | stats_get(session, 0, NULL);
}

const struct action *state_actions(int *count)
{
	static const struct action actions[] = {
		{ "get-stats", false, stats_get, 0 },
		{ "get-active-cpus", false, cpus_get, VM_ACTIVE_CPUS },
		{ "get-suspended-cpus", false, cpus_get, VM_SUSPENDED_CPUS },
		{ "get-debug-cpus", false, cpus_get, VM_DEBUG_CPUS },
		{ "get-cpu-topology", false, topology_get, 0 },
		{ "getcap", false, capability_get, 0 },
		{ "setcap", true, capability_set, 0 },
		{ "get-intinfo", false, intinfo_get, 0 },
		{ "get-x2apic-state", false, x2apic_get, 0 },
		{ "set-x2apic-state", true, x2apic_set, 0 },
		{ "get-rtc-time", false, rtc_time_get, 0 },
		{ "set-rtc-time", true, rtc_time_set, 0 },
		{ "get-rtc-nvram", false, rtc_nvram_get, 0 },
		{ "set-rtc-nvram", true, rtc_nvram_set, 0 },
		{ "inject-nmi", false, nmi_inject, 0 },
		{ "assert-lapic-lvt", true, lvt_assert, 0 },
		{ "force-reset", false, suspend, VM_SUSPEND_RESET },
		{ "force-poweroff", false, suspend, VM_SUSPEND_POWEROFF },
		{ "unassign-pptdev", true, pptdev_unassign, 0 },
	};

	*count = (int)(sizeof(actions) / sizeof(actions[0]));
	return actions;
}
