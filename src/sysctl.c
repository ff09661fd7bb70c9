// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <linux/capability.h>
#include <linux/kernel.h>
#include <linux/sysctl.h>
#include <linux/uaccess.h>
#include "dev/vrtc.h"
#include "sysctl.h"
#include "vm.h"

#define PLACEHOLDER	"beavis"	/* what 14.3 answers when create or destroy is read */

typedef int (*name_fn)(const char *name);

static int create_by_name(const char *name)
{
	return vm_create(name, NULL);
}

/* A string that is written: hand it to table->data, a name_fn. */
static int name_handler(COMPAT_CTL_TABLE *table, int write, void *buffer, size_t *lenp,
			loff_t *ppos)
{
	char name[VM_MAX_NAMELEN + 2] = PLACEHOLDER;
	struct ctl_table string = { .data = name, .maxlen = sizeof(name) };
	name_fn fn = (name_fn)table->data;
	int err;

	if (!write)
		return proc_dostring(&string, 0, buffer, lenp, ppos);
	if (!ns_capable(&init_user_ns, CAP_SYS_ADMIN))
		return -EPERM;
	if (*ppos || *lenp > sizeof(name))
		return -EINVAL;
	err = proc_dostring(&string, 1, buffer, lenp, ppos);
	return err ?: fn(name);
}

static int bool_handler(COMPAT_CTL_TABLE *table, int write, void *buffer, size_t *lenp,
			loff_t *ppos)
{
	int value = *(bool *)table->data;
	struct ctl_table integer = { .data = &value, .maxlen = sizeof(value) };

	return proc_dointvec(&integer, 0, buffer, lenp, ppos);
}

static int u64_handler(COMPAT_CTL_TABLE *table, int write, void *buffer, size_t *lenp,
		       loff_t *ppos)
{
	return proc_doulongvec_minmax((COMPAT_CTL_TABLE *)table, write, buffer, lenp, ppos);
}

#define ROW_NAME(n, fn)		{ .procname = n, .data = fn, .maxlen = VM_MAX_NAMELEN + 1, \
				  .mode = 0600, .proc_handler = name_handler }
#define ROW_BOOL(n, var)	{ .procname = n, .data = &(var), .maxlen = sizeof(bool), \
				  .mode = 0444, .proc_handler = bool_handler }
#define ROW_UINT(n, var, m)	{ .procname = n, .data = &(var), .maxlen = sizeof(unsigned int), \
				  .mode = m, .proc_handler = proc_douintvec }
#define ROW_U64(n, var, m)	{ .procname = n, .data = &(var), .maxlen = sizeof(u64), \
				  .mode = m, .proc_handler = u64_handler }

static struct ctl_table vmm_table[] = {
	ROW_NAME("create", create_by_name),
	ROW_NAME("destroy", vm_destroy_by_name),
	ROW_UINT("maxcpu", vmm_maxcpu, 0444),
	ROW_UINT("maxvmms", vmm_maxvmms, 0644),
	ROW_BOOL("halt_detection", vmm_halt_detection),
	ROW_BOOL("trace_guest_exceptions", vmm_trace_guest_exceptions),
	ROW_BOOL("trap_wbinvd", vmm_trap_wbinvd),
	ROW_U64("bhyve_xcpuids", vmm_xcpuids, 0644),
	COMPAT_CTL_TABLE_END
};

static struct ctl_table topology_table[] = {
	ROW_BOOL("cpuid_leaf_b", vmm_cpuid_leaf_b),
	COMPAT_CTL_TABLE_END
};

static struct ctl_table vrtc_table[] = {
	ROW_BOOL("flag_broken_time", vrtc_flag_broken_time),
	COMPAT_CTL_TABLE_END
};

static struct ctl_table_header *headers[3];

int sysctl_module_init(void)
{
	headers[0] = register_sysctl("hw/vmm", vmm_table);
	headers[1] = register_sysctl("hw/vmm/topology", topology_table);
	headers[2] = register_sysctl("hw/vmm/vrtc", vrtc_table);
	if (headers[0] && headers[1] && headers[2])
		return 0;
	sysctl_module_exit();
	return -ENOMEM;
}

void sysctl_module_exit(void)
{
	int i = ARRAY_SIZE(headers);

	while (i-- > 0)
		if (headers[i])
			unregister_sysctl_table(headers[i]);
}
