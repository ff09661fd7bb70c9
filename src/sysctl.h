/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * sysctl: /proc/sys/hw/vmm, so that sysctl hw.vmm.NAME works as on FreeBSD. What a room knows
 * it lists itself, in directories of rows; every row is there on every processor, as on FreeBSD.
 */
#ifndef VMM_SYSCTL_H
#define VMM_SYSCTL_H

#include <linux/kernel.h>
#include <linux/sysctl.h>

int sysctl_module_init(void);	/* -ENOMEM */
void sysctl_module_exit(void);

/* What a row of SYSCTL_FACT shows: decided elsewhere, read when asked. Process context. */
typedef u64 (*sysctl_fact_fn)(void);

int sysctl_fact(COMPAT_CTL_TABLE *table, int write, void *buffer, size_t *lenp, loff_t *ppos);
int sysctl_bool(COMPAT_CTL_TABLE *table, int write, void *buffer, size_t *lenp, loff_t *ppos);
int sysctl_u64(COMPAT_CTL_TABLE *table, int write, void *buffer, size_t *lenp, loff_t *ppos);

/*
 * Rows. @m: 0444, or 0644 for what root may write: numbers that fit, 0 or 1 for a bool; else
 * -EINVAL.
 */
#define SYSCTL_FACT(n, fn)	{ .procname = n, .data = fn, .maxlen = sizeof(u64), .mode = 0444, \
				  .proc_handler = sysctl_fact }
#define SYSCTL_BOOL(n, var, m)	{ .procname = n, .data = &(var), .maxlen = sizeof(bool), \
				  .mode = m, .proc_handler = sysctl_bool }
#define SYSCTL_INT(n, var)	{ .procname = n, .data = &(var), .maxlen = sizeof(int), \
				  .mode = 0444, .proc_handler = proc_dointvec }
#define SYSCTL_UINT(n, var, m)	{ .procname = n, .data = &(var), .maxlen = sizeof(unsigned int), \
				  .mode = m, .proc_handler = proc_douintvec }
#define SYSCTL_U64(n, var, m)	{ .procname = n, .data = &(var), .maxlen = sizeof(u64), .mode = m, \
				  .proc_handler = sysctl_u64 }

/* ept.pmap_flags and npt.pmap_flags: what the nested page tables make use of. */
#define SYSCTL_PMAP_SUPERPAGE	0x100	/* 2 MiB mappings */
#define SYSCTL_PMAP_EMULATE_AD	0x200	/* no accessed and dirty bits by hardware */
#define SYSCTL_PMAP_EXEC_ONLY	0x400	/* mappings that can be executed but not read */

struct sysctl_dir {
	const char *path;
	struct ctl_table *rows;
	size_t count;
};

#define SYSCTL_DIR(p, table)	{ .path = p, .rows = table, .count = ARRAY_SIZE(table) }

/* The rooms' directories; each list ends with a NULL path. */
extern const struct sysctl_dir svm_sysctls[];
extern const struct sysctl_dir vmx_sysctls[];
extern const struct sysctl_dir iommu_sysctls[];

/*
 * A tunable of FreeBSD's that something else decides here: parameters of that name are taken,
 * so that a translated loader.conf loads, and one line says what decides if that differs.
 */
struct sysctl_wish {
	const char *param;
	const int *value;	/* -1: nothing was wished for */
	sysctl_fact_fn fact;
	const char *decided_by;
};

/* Each list ends with a NULL param. */
extern const struct sysctl_wish vmx_wishes[];
extern const struct sysctl_wish iommu_wishes[];

#endif
