/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vmm(4): saving and restoring a VM's state, one record after another. Names and layouts are those
 * of FreeBSD 14.3 on amd64. "[31]" stands for semantics.md section 31, "lock class" for the list
 * at the top of <machine/vmm_dev.h>.
 *
 * The program stops all vCPUs (VM_SUSPEND_CPU, -1), saves or restores every record and the guest's
 * memory through its own mapping, and ends a restore with VM_RESTORE_TIME. What is in a record is
 * the module's own affair; it says its version and its length, and one that is damaged, unknown, or
 * of another set of vCPUs is refused as a whole. From the first request on the guest's time stands,
 * until VM_RESTORE_TIME or until a vCPU enters the guest.
 */
#ifndef _MACHINE_VMM_SNAPSHOT_H_
#define _MACHINE_VMM_SNAPSHOT_H_

#include "vmm_types.h"

/* Records: vm_snapshot_meta.dev_req */
enum snapshot_req {
	STRUCT_VIOAPIC = 1,			/* I/O APIC */
	STRUCT_VM,				/* vCPUs, apart from their registers */
	STRUCT_VLAPIC,				/* local APICs */
	VM_MEM,					/* for programs; as a request: EINVAL */
	STRUCT_VHPET,				/* HPET */
	STRUCT_VMCX,				/* vCPUs: their registers */
	STRUCT_VATPIC,				/* 8259 pair */
	STRUCT_VATPIT,				/* 8254 timer */
	STRUCT_VPMTMR,				/* ACPI PM timer */
	STRUCT_VRTC				/* RTC */
};

enum vm_snapshot_op {
	VM_SNAPSHOT_SAVE,			/* append the record to the buffer */
	VM_SNAPSHOT_RESTORE			/* consume the record from it */
};

struct vm_snapshot_buffer {
	uint8_t VMM_USER	*buf_start;	/* where the buffer starts; for the program */
	size_t			buf_size;	/* bytes; for the program */
	uint8_t VMM_USER	*buf;		/* in/out: the record; moved to its end */
	size_t			buf_rem;	/* in/out: bytes from buf to the end */
};
VMM_ASSERT_SIZE(struct vm_snapshot_buffer, 32);

/*
 * VM_SNAPSHOT_REQ: save or restore one record.
 *	Lock class: all vCPUs. EINVAL: dev_req; op; contents that do not belong there. E2BIG: the
 *	buffer is too small. EFAULT: the buffer. [31]
 */
struct vm_snapshot_meta {
	void VMM_USER		*dev_data;	/* for the program's own devices; ignored */
	const char VMM_USER	*dev_name;	/* for the program's own devices; ignored */
	enum snapshot_req	dev_req;	/* in */
	struct vm_snapshot_buffer	buffer;	/* in/out */
	enum vm_snapshot_op	op;		/* in */
};
VMM_ASSERT_SIZE(struct vm_snapshot_meta, 64);

#endif /* _MACHINE_VMM_SNAPSHOT_H_ */
