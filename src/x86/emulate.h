/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * emulate: carry out a decoded instruction one of whose operands is MMIO.
 * Free of hardware and of kernel context: everything it touches it reaches
 * through struct emul_ops.
 */
#ifndef VMM_X86_EMULATE_H
#define VMM_X86_EMULATE_H

#include <linux/types.h>
#include <machine/vmm.h>

#define EMUL_FAULTED	1	/* an exception is injected: run the guest again at it */
#define EMUL_RESTART	2	/* a REP has iterations left: registers are right, same RIP */

#define EMUL_REP_MAX	64	/* iterations of a REP that one call carries out at most */

/*
 * How the emulator reaches the vCPU. Every callback returns 0 or -errno, which
 * ends the emulation and is returned as it is; one that may return more says so.
 */
struct emul_ops {
	/*
	 * General registers by enum vm_reg_name, RIP, RFLAGS, CR0, CR4 (SIMD
	 * instructions only), and the selectors ES to GS (MOV from one only).
	 */
	int (*reg_get)(void *ctx, enum vm_reg_name reg, u64 *val);
	/* General registers and RFLAGS. */
	int (*reg_set)(void *ctx, enum vm_reg_name reg, u64 val);
	/* ES to GS. */
	int (*desc_get)(void *ctx, enum vm_reg_name reg, struct seg_desc *desc);
	/*
	 * xmm or ymm register @index, @bytes 16 or 32. A set of 16 keeps bits 128
	 * and above, one of 32 clears bits 256 and above. May be NULL: instructions
	 * with such registers are -EOPNOTSUPP.
	 */
	int (*simd_get)(void *ctx, unsigned int index, void *buf, int bytes);
	int (*simd_set)(void *ctx, unsigned int index, const void *buf, int bytes);
	/* 1, 2, 4, 8, 16 or 32 bytes at a guest-physical address, MMIO or memory, on one page. */
	int (*phys_read)(void *ctx, u64 gpa, void *buf, int bytes);
	int (*phys_write)(void *ctx, u64 gpa, const void *buf, int bytes);
	/*
	 * Guest-linear to guest-physical for an access of VM_PROT_* at the vCPU's
	 * CPL. 0, EMUL_FAULTED (fault injected), -errno.
	 */
	int (*translate)(void *ctx, u64 gla, int prot, u64 *gpa);
	/* Inject an exception with restart: #DE, #UD, #NM, #SS, #GP, #AC. */
	int (*inject)(void *ctx, int vector, bool has_error, u32 error);
};

/**
 * vie_emulate - carry out an instruction
 * @vie: as vie_decode() left it, decoded
 * @gpa: the physical address that faulted
 * @paging: modes and CPL at the exit
 * @ops: access to the vCPU; @ctx is handed to each
 *
 * Everything that can fault is checked and translated first, then memory is
 * accessed, then registers and flags change: after any result but 0 and
 * EMUL_RESTART they are what they were, save for the iterations of a REP that
 * are done. A read-modify-write is one read, then one write; where an access
 * crosses a page, or is not of a power of two on its page, each is the fewest
 * pieces that phys_read and phys_write take, from the lower address up. It is
 * atomic only so far as the callbacks are.
 *
 * @gpa stands for the address of the memory operand as long as the offsets into
 * the page agree. At CPL 3, and where they do not, the guest's own tables are
 * asked for the kind of access this instruction makes, and have to give a page
 * that holds @gpa: another vCPU may have put other bytes in place of those that
 * faulted. Addresses of stacks and of strings always come from the tables.
 *
 * Segment limits and rights, canonical addresses, alignment (#AC; #GP for
 * operands that have to be aligned), divide errors and the availability of SIMD
 * registers are checked. RIP, RF and the interrupt shadow are the caller's.
 *
 * At most EMUL_REP_MAX iterations, none beyond the end of a page, no recursion,
 * no allocation. May sleep or take locks exactly as the callbacks do.
 *
 * Return: 0: done, advance RIP by vie->num_processed. EMUL_FAULTED: an exception
 * is injected. EMUL_RESTART: a REP has iterations left. -EAGAIN: the operand is
 * not where the fault was; run the guest again at the same RIP, it will fault
 * again or not. -EOPNOTSUPP: not emulated. -errno of a callback.
 * Rule: SDM vol. 2 (instructions), vol. 3 chapters 5 and 6; APM vol. 3.
 */
int vie_emulate(const struct vie *vie, u64 gpa, const struct vm_guest_paging *paging,
		const struct emul_ops *ops, void *ctx);

/**
 * vie_operand_gla - linear address of the memory operand
 * @vie: decoded; of a string instruction, the source operand or the only one
 * @paging: modes at the exit
 * @prot: VM_PROT_READ, VM_PROT_WRITE or both, for the segment's rights
 * @bytes: size of the access, from 1
 * @ops: reg_get and desc_get are used
 * @gla: out, on 0
 *
 * By segment, base, index, scale and displacement, RIP relative to the end of
 * the instruction, the bit offset of BT and its kin, and the RSP that POP has
 * already incremented; with segment rights and limit, or the canonical check of
 * the first and the last byte.
 *
 * Return: 0; the vector to raise with error code 0, #SS (12) or #GP (13); -errno
 * of a callback.
 * Rule: SDM vol. 3, chapter 5 (limit and type checking), vol. 1, 3.3.7.1.
 */
int vie_operand_gla(const struct vie *vie, const struct vm_guest_paging *paging, int prot,
		    int bytes, const struct emul_ops *ops, void *ctx, u64 *gla);

#endif
