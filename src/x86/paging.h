/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* paging: the guest's own page tables, walked in software (semantics.md section 14). */
#ifndef VMM_X86_PAGING_H
#define VMM_X86_PAGING_H

#include <linux/types.h>
#include <machine/vmm.h>

struct paging_ops {
	/*
	 * @bytes 4 or 8 at a guest-physical address, naturally aligned, read in
	 * one piece. 0, or -EFAULT: not in guest memory, or -EAGAIN: not without
	 * sleeping.
	 */
	int (*read)(void *ctx, u64 gpa, void *buf, int bytes);
	/*
	 * Atomic compare and exchange of an entry of @bytes 4 or 8. 0 done, 1
	 * lost the race, -errno. May be NULL if @set_ad is never true.
	 */
	int (*cmpxchg)(void *ctx, u64 gpa, u64 old, u64 val, int bytes);
};

/* What the guest would get instead of a translation. */
struct paging_fault {
	u8 vector;		/* 14 #PF, 13 #GP (non-canonical) */
	u32 error_code;		/* #PF: PAGING_PF_*; #GP: 0 */
	u64 cr2;		/* #PF only: the linear address */
};

/* Error code of a page fault (SDM vol. 3, 4.7; APM vol. 2, 8.4.2). */
#define PAGING_PF_PRESENT	0x01	/* 0: an entry was not present; 1: rights or a reserved bit */
#define PAGING_PF_WRITE		0x02	/* the access was a write */
#define PAGING_PF_USER		0x04	/* the access came from CPL 3 */
#define PAGING_PF_RSVD		0x08	/* a reserved bit was set in an entry */
#define PAGING_PF_FETCH		0x10	/* the access was an instruction fetch */

#define PAGING_MAX_LOADS	5	/* entries one attempt reads at most */
#define PAGING_MAX_ATTEMPTS	64	/* lost races before -EAGAIN */

#define PAGING_FAULT		1

/**
 * paging_translate - guest-linear to guest-physical, by the guest's tables
 * @paging: CR3, CPL and modes; need not be what the vCPU has now
 * @gla: linear address; 32-bit and PAE paging use its low 32 bits
 * @prot: VM_PROT_* of the access; any mixture
 * @set_ad: set accessed bits on every level and, for writes, the dirty bit, as
 *	the processor would; only on a translation that succeeds
 * @ops: access to guest-physical memory
 * @ctx: handed to @ops
 * @gpa: out, on 0
 * @fault: out, on PAGING_FAULT
 *
 * Context: any that @ops allows; takes no locks, does not allocate. Reads at
 * most PAGING_MAX_LOADS entries an attempt.
 * Return: 0; PAGING_FAULT; -EINVAL for an unknown paging mode; -EAGAIN after
 * PAGING_MAX_ATTEMPTS lost races; or the -errno of @ops (-EFAULT: a table is
 * not in guest memory).
 * Rule: semantics.md section 14; SDM vol. 3, chapter 4; APM vol. 2, chapter 5.
 */
int paging_translate(const struct vm_guest_paging *paging, u64 gla, int prot, bool set_ad,
		     const struct paging_ops *ops, void *ctx, u64 *gpa, struct paging_fault *fault);

/**
 * x86_cpu_mode - execution mode from register values
 * @cr0: CR0
 * @efer: EFER; LMA decides, not LME
 * @cs_access: access rights of CS in VMCS layout (L is bit 13)
 *
 * Context: any. Rule: SDM vol. 3, 2.2; APM vol. 2, 1.3.
 */
enum vm_cpu_mode x86_cpu_mode(u64 cr0, u64 efer, u32 cs_access);

/**
 * x86_paging_mode - paging mode from register values
 *
 * Context: any. Rule: SDM vol. 3, 4.1.1; APM vol. 2, 5.1.
 */
enum vm_paging_mode x86_paging_mode(u64 cr0, u64 cr4, u64 efer);

/**
 * x86_is_canonical - are all bits above the linear width copies of the top one
 * @addr: 64-bit linear address
 * @la57: 57-bit linear addresses (CR4.LA57), else 48-bit
 *
 * Context: any. Rule: SDM vol. 1, 3.3.7.1; APM vol. 2, 5.3.1.
 */
bool x86_is_canonical(u64 addr, bool la57);

#endif
