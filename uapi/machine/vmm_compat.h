/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vmm(4): the forms that requests have in other FreeBSD releases. A program written for 14.3 needs
 * none of them, and sees none: nothing here is included by the other headers of this directory.
 *
 * Names end in the release they belong to where 14.3 uses the same name for something else.
 * "[5.1]" stands for semantics.md section 5.1; lock classes are explained in <machine/vmm_dev.h>.
 */
#ifndef _MACHINE_VMM_COMPAT_H_
#define _MACHINE_VMM_COMPAT_H_

#include "vmm_dev.h"
#include "vmm_snapshot.h"

/*
 * FreeBSD 12: longer segment names [3.1, 5.1]
 *
 * VM_ALLOC_MEMSEG_FBSD12, VM_GET_MEMSEG_FBSD12: lock class, effect and errors as VM_ALLOC_MEMSEG
 * and VM_GET_MEMSEG.
 */
struct vm_memseg_fbsd12 {
	int		segid;		/* in: 0 to 3 */
	size_t		len;		/* ALLOC in, GET out: bytes */
	char		name[64];	/* ALLOC in, GET out: up to 15 bytes and a 0 */
};
VMM_ASSERT_SIZE(struct vm_memseg_fbsd12, 80);

#define VM_ALLOC_MEMSEG_FBSD12	_IOW('v', IOCNUM_ALLOC_MEMSEG, struct vm_memseg_fbsd12)
#define VM_GET_MEMSEG_FBSD12	_IOWR('v', IOCNUM_GET_MEMSEG, struct vm_memseg_fbsd12)

/*
 * FreeBSD 13: the exit is part of VM_RUN's argument, with at most 256 targets of an IPI [7]
 *
 * VM_RUN_13: lock class, effect and errors as VM_RUN.
 */
struct vm_exit_ipi_13 {
	uint32_t	mode;		/* as vm_exit.u.ipi.mode */
	uint8_t		vector;		/* as vm_exit.u.ipi.vector */
	uint64_t	dmask[4];	/* targets: vCPU n is bit n % 64 of word n / 64 */
};
VMM_ASSERT_SIZE(struct vm_exit_ipi_13, 40);

struct vm_exit_13 {
	uint32_t	exitcode;	/* enum vm_exitcode */
	int32_t		inst_length;
	uint64_t	rip;
	uint64_t	u[15];		/* the bytes of vm_exit.u; IPI: a struct vm_exit_ipi_13 */
};
VMM_ASSERT_SIZE(struct vm_exit_13, 136);

struct vm_run_13 {
	int		cpuid;		/* in: vCPU id */
	struct vm_exit_13	vm_exit;	/* out */
};
VMM_ASSERT_SIZE(struct vm_run_13, 144);

#define VM_RUN_13		_IOWR('v', IOCNUM_RUN, struct vm_run_13)

/*
 * FreeBSD 13: statistics from index 0 [30]
 *
 * VM_STATS_OLD: lock class look-up; no error of its own.
 */
struct vm_stats_old {
	int		cpuid;		/* in: vCPU id */
	int		num_entries;	/* out: how many are valid, 0 to 64 */
	struct vmm_timeval	tv;	/* out: the time of day */
	uint64_t	statbuf[MAX_VM_STATS];	/* out */
};
VMM_ASSERT_SIZE(struct vm_stats_old, 536);

#define VM_STATS_OLD		_IOWR('v', IOCNUM_VM_STATS, struct vm_stats_old)

/*
 * FreeBSD 13: snapshot request with a pointer in front [31]
 *
 * VM_SNAPSHOT_REQ_OLD: lock class, effect and errors as VM_SNAPSHOT_REQ.
 */
struct vm_snapshot_meta_old {
	void VMM_USER		*ctx;		/* ignored */
	void VMM_USER		*dev_data;	/* this and the rest: as struct vm_snapshot_meta */
	const char VMM_USER	*dev_name;
	enum snapshot_req	dev_req;
	struct vm_snapshot_buffer	buffer;
	enum vm_snapshot_op	op;
};
VMM_ASSERT_SIZE(struct vm_snapshot_meta_old, 72);

#define VM_SNAPSHOT_REQ_OLD	_IOWR('v', IOCNUM_SNAPSHOT_REQ, struct vm_snapshot_meta_old)

/*
 * FreeBSD 15: up to eight segments of system memory, one a guest NUMA domain [5.1, 33]
 *
 * VM_ALLOC_MEMSEG_15: as VM_ALLOC_MEMSEG, and place the segment's pages by ds_policy.
 *	memory. EINVAL: also an unusable ds_mask or ds_policy. ERANGE: ds_mask_size. EFAULT:
 *	ds_mask.
 * VM_GET_MEMSEG_15: as VM_GET_MEMSEG.
 *	map.
 */
#define VM_MAXMEMDOM_15		8	/* guest NUMA domains */
#define VM_MAX_MEMSEGS_15	11	/* segment ids are 0 to 10 */
#define VM_MAX_MEMMAPS_15	22	/* mappings a VM can have */

enum {
	VM_SYSMEM_15		= 0,	/* 0 to 7: system memory */
	VM_MAXSYSMEM_15		= 8,	/* bound of those */
	VM_BOOTROM_15		= 8,	/* 8 to 10: device memory */
	VM_FRAMEBUFFER_15	= 9,
	VM_PCIROM_15		= 10,
	VM_MEMSEG_END_15	= 11	/* bound */
};

/* The smallest set that is accepted, up to 32 bytes are. Host NUMA domain n is bit n. */
typedef struct vmm_domainset {
	unsigned long	__bits[1];
} domainset_t;
VMM_ASSERT_SIZE(domainset_t, 8);

struct vm_memseg_15 {
	int		segid;		/* in: 0 to 10 */
	size_t		len;		/* ALLOC in, GET out: bytes */
	char		name[VM_MAX_SUFFIXLEN + 1];	/* as vm_memseg.name */
	domainset_t VMM_USER	*ds_mask;	/* ALLOC in: host NUMA domains; NULL: any */
	size_t		ds_mask_size;	/* ALLOC in: bytes at ds_mask, 8 to 32 */
	int		ds_policy;	/* ALLOC in: DOMAINSET_POLICY_*; 0: none */
};
VMM_ASSERT_SIZE(struct vm_memseg_15, 56);

#define VM_ALLOC_MEMSEG_15	_IOW('v', IOCNUM_ALLOC_MEMSEG, struct vm_memseg_15)
#define VM_GET_MEMSEG_15	_IOWR('v', IOCNUM_GET_MEMSEG, struct vm_memseg_15)

/* FreeBSD 15's names for the 14.3 form, with 14.3's segment ids. */
#define VM_ALLOC_MEMSEG_14	VM_ALLOC_MEMSEG
#define VM_GET_MEMSEG_14	VM_GET_MEMSEG

/* FreeBSD 15: the VM is being destroyed; a further value of enum vm_suspend_how [33] */
#define VM_SUSPEND_DESTROY_15	5
#define VM_SUSPEND_LAST_15	6	/* bound */

/*
 * FreeBSD 15: requests of /dev/vmmctl [1.4, 1.5]. They take no lock of a VM.
 *
 * VMMCTL_VM_CREATE: make a VM and its node /dev/vmm/NAME.
 *	EINVAL: name (empty, too long, or with characters a node cannot have); flags; reserved.
 *	EEXIST: there is one of that name. ENXIO: no usable virtualization hardware. EBUSY:
 *	somebody else has that hardware; the kernel log says who. ENOMEM: hw.vmm.maxvmms VMs of
 *	this user are there, or no memory. Else the error of making the node.
 */
struct vmmctl_vm_create {
	char		name[VM_MAX_NAMELEN + 1];	/* in: 1 to 229 bytes and a 0 */
	uint32_t	flags;		/* in: VMMCTL_CREATE_* */
	int		reserved[15];	/* in: 0 */
};
VMM_ASSERT_SIZE(struct vmmctl_vm_create, 296);
#define VMMCTL_CREATE_DESTROY_ON_CLOSE	0x1	/* the VM goes when this descriptor is closed */
#define VMMCTL_FLAGS_MASK		0x1	/* all flags there are */

/*
 * VMMCTL_VM_DESTROY: stop a VM and remove it. Descriptors of it that are still open give ENXIO
 * from then on.
 *	EINVAL: no such VM, not the caller's, or being destroyed already; reserved.
 */
struct vmmctl_vm_destroy {
	char		name[VM_MAX_NAMELEN + 1];	/* in: as above */
	int		reserved[16];	/* in: 0 */
};
VMM_ASSERT_SIZE(struct vmmctl_vm_destroy, 296);

#define VMMCTL_VM_CREATE	_IOWR('V', 0, struct vmmctl_vm_create)
#define VMMCTL_VM_DESTROY	_IOWR('V', 1, struct vmmctl_vm_destroy)

#endif /* _MACHINE_VMM_COMPAT_H_ */
