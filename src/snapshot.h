/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* snapshot: VM_SNAPSHOT_REQ, one record of a VM's state at a time (semantics.md section 31). */
#ifndef VMM_SNAPSHOT_H
#define VMM_SNAPSHOT_H

#include <linux/types.h>
#include <machine/vmm_snapshot.h>

struct vm;

/*
 * What a record begins with. Its fields follow; see dev/record.h. Little-endian. @header_crc covers
 * all before it, @crc the fields: both CRC-32 as Ethernet has it.
 */
struct snapshot_header {
	u8 magic[8];		/* SNAPSHOT_MAGIC */
	u32 version;		/* of the records' contents, all of them */
	u32 req;		/* enum snapshot_req */
	u64 bytes;		/* of fields */
	u32 crc;
	u32 header_crc;
};

#define SNAPSHOT_MAGIC		"VMMSNAP"
#define SNAPSHOT_VERSION	1
/* Far more than the largest, 1024 vCPUs with AVX-512. */
#define SNAPSHOT_BYTES_MAX	(16ULL << 20)

/**
 * snapshot_request() - save one record to the caller's buffer, or restore it from there
 * @vm: time stands from here on; see timebase.h
 * @meta: kernel's copy of the request; its buffer is moved on by the record
 * Return: 0; -EINVAL: unknown record or op, or a record that is damaged or does not fit this VM
 * (one line in the log says why); -E2BIG: the buffer is smaller than the record; -EFAULT;
 * -ENOMEM; -EINTR; -EOPNOTSUPP: the backend cannot. Nothing is restored unless all of it is.
 * No locks held; sleeps, and touches user memory with none held.
 */
int snapshot_request(struct vm *vm, struct vm_snapshot_meta *meta);

#endif
