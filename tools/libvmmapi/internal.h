/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What the files of libvmmapi share. */
#ifndef LIBVMMAPI_INTERNAL_H
#define LIBVMMAPI_INTERNAL_H

#include "vmmapi.h"

#define GIB			(1024UL * 1024 * 1024)
#define MIB			(1024UL * 1024)
#define VMM_PAGE_SIZE		4096UL

#define HIGHMEM_BASE_GPA	(4 * GIB)
#define LOWMEM_LIMIT_DEFAULT	(3 * GIB)

/* All fields are constant after vm_open and vm_setup_memory, except stat_desc. */
struct vmctx {
	int		fd;			/* /dev/vmm/NAME */
	int		ctl_fd;			/* -1, or what destroys the machine by closing */
	uint32_t	lowmem_limit;
	int		memflags;		/* VM_MEM_F_* */
	size_t		lowmem;			/* bytes at gpa 0 */
	size_t		highmem;		/* bytes at HIGHMEM_BASE_GPA */
	char		*base;			/* where gpa 0 is in this process, or NULL */
	char		stat_desc[128];		/* result of vm_get_stat_desc */
	char		name[VM_MAX_NAMELEN + 1];
};

struct vcpu {
	struct vmctx	*ctx;
	int		id;
	uint64_t	*stats;			/* result of vm_get_stats */
	int		stats_room;		/* elements at stats */
};

#endif /* LIBVMMAPI_INTERNAL_H */
