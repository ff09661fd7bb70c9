// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#define pr_fmt(fmt) "vmm: " fmt
#include <linux/capability.h>
#include <linux/kernel.h>
#include <linux/sysctl.h>
#include <linux/uaccess.h>
#include <asm/irq_vectors.h>
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

int sysctl_bool(COMPAT_CTL_TABLE *table, int write, void *buffer, size_t *lenp, loff_t *ppos)
{
	bool *flag = table->data;
	int value = READ_ONCE(*flag);
	struct ctl_table integer = { .data = &value, .maxlen = sizeof(value),
				     .extra1 = SYSCTL_ZERO, .extra2 = SYSCTL_ONE };
	int err = proc_dointvec_minmax(&integer, write, buffer, lenp, ppos);

	if (!err && write)
		WRITE_ONCE(*flag, value);
	return err;
}

int sysctl_u64(COMPAT_CTL_TABLE *table, int write, void *buffer, size_t *lenp, loff_t *ppos)
{
	return proc_doulongvec_minmax((COMPAT_CTL_TABLE *)table, write, buffer, lenp, ppos);
}

int sysctl_fact(COMPAT_CTL_TABLE *table, int write, void *buffer, size_t *lenp, loff_t *ppos)
{
	sysctl_fact_fn fact = (sysctl_fact_fn)table->data;
	unsigned long value = fact();
	struct ctl_table number = { .data = &value, .maxlen = sizeof(value) };

	return proc_doulongvec_minmax(&number, 0, buffer, lenp, ppos);
}

/* --- what no vendor has to do with ------------------------------------ */

/* Kicks are the scheduler's: vCPU threads are sent the interrupt that makes a CPU reschedule. */
static u64 ipi_vector(void)
{
	return RESCHEDULE_VECTOR;
}

#define SYSCTL_NAME(n, fn)	{ .procname = n, .data = fn, .maxlen = VM_MAX_NAMELEN + 1, \
				  .mode = 0644, .proc_handler = name_handler }

static struct ctl_table vmm_table[] = {
	SYSCTL_NAME("create", create_by_name),
	SYSCTL_NAME("destroy", vm_destroy_by_name),
	SYSCTL_UINT("maxcpu", vmm_maxcpu, 0444),
	SYSCTL_UINT("maxvmms", vmm_maxvmms, 0644),
	SYSCTL_BOOL("halt_detection", vmm_halt_detection, 0444),
	SYSCTL_FACT("ipinum", ipi_vector),
	SYSCTL_BOOL("trace_guest_exceptions", vmm_trace_guest_exceptions, 0444),
	SYSCTL_BOOL("trap_wbinvd", vmm_trap_wbinvd, 0444),
	SYSCTL_U64("bhyve_xcpuids", vmm_xcpuids, 0644),
	COMPAT_CTL_TABLE_END
};

static struct ctl_table topology_table[] = {
	SYSCTL_BOOL("cpuid_leaf_b", vmm_cpuid_leaf_b, 0444),
	COMPAT_CTL_TABLE_END
};

static struct ctl_table vrtc_table[] = {
	SYSCTL_BOOL("flag_broken_time", vrtc_flag_broken_time, 0444),
	COMPAT_CTL_TABLE_END
};

static const struct sysctl_dir generic_sysctls[] = {
	SYSCTL_DIR("hw/vmm", vmm_table),
	SYSCTL_DIR("hw/vmm/topology", topology_table),
	SYSCTL_DIR("hw/vmm/vrtc", vrtc_table),
	{ }
};

/* --- module ----------------------------------------------------------- */

static void wishes_check(const struct sysctl_wish *wish)
{
	for (; wish->param; wish++)
		if (*wish->value != -1 && *wish->value != wish->fact())
			pr_info("parameter %s=%d has no effect: %s\n", wish->param, *wish->value,
				wish->decided_by);
}

static const struct sysctl_dir * const rooms[] = {
	generic_sysctls, iommu_sysctls, vmx_sysctls, svm_sysctls,
};

#define MAX_DIRS	16

static struct ctl_table_header *headers[MAX_DIRS];
static unsigned int header_count;

static int dirs_register(const struct sysctl_dir *dir)
{
	for (; dir->path; dir++) {
		if (header_count == MAX_DIRS)
			return -ENOSPC;
		headers[header_count] = compat_register_sysctl(dir->path, dir->rows, dir->count);
		if (!headers[header_count])
			return -ENOMEM;
		header_count++;
	}
	return 0;
}

int sysctl_module_init(void)
{
	unsigned int i;
	int err;

	for (i = 0; i < ARRAY_SIZE(rooms); i++) {
		err = dirs_register(rooms[i]);
		if (err) {
			sysctl_module_exit();
			return err;
		}
	}
	wishes_check(vmx_wishes);
	wishes_check(iommu_wishes);
	return 0;
}

void sysctl_module_exit(void)
{
	while (header_count)
		unregister_sysctl_table(headers[--header_count]);
}
