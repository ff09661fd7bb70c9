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

#define EMUL_FAULTED	1	/* an ops callback injected an exception: run the guest again at it */
#define EMUL_RESTART	2	/* a REP has iterations left: registers are up to date, same RIP again */

struct emul_ops {
	/* General registers by enum vm_reg_name, RIP, RFLAGS, CR0, segment bases by descriptor. 0 or -errno. */
	int (*reg_get)(void *ctx, enum vm_reg_name reg, u64 *val);
	int (*reg_set)(void *ctx, enum vm_reg_name reg, u64 val);
	int (*desc_get)(void *ctx, enum vm_reg_name reg, struct seg_desc *desc);
	/* xmm/ymm register @index, @bytes 16 or 32. */
	int (*simd_get)(void *ctx, unsigned int index, void *buf, int bytes);
	int (*simd_set)(void *ctx, unsigned int index, const void *buf, int bytes);
	/* 1, 2, 4, 8, 16 or 32 bytes at a guest-physical address, MMIO or memory; never crosses a page. 0 or -errno. */
	int (*phys_read)(void *ctx, u64 gpa, void *buf, int bytes);
	int (*phys_write)(void *ctx, u64 gpa, const void *buf, int bytes);
	/* Guest-linear to guest-physical for VM_PROT_*; 0, EMUL_FAULTED (fault injected), -errno. */
	int (*translate)(void *ctx, u64 gla, int prot, u64 *gpa);
	/* Inject an exception with restart (#GP, #SS, #UD, #AC, #PF by translate). */
	int (*inject)(void *ctx, int vector, bool has_error, u32 error);
};

/*
 * @gpa: the physical address that faulted; @paging: mode and CPL at the exit.
 * 0: done, RIP is the caller's to advance. EMUL_FAULTED, EMUL_RESTART as above.
 * -EOPNOTSUPP: this form is not emulated; -errno of a callback.
 */
int vie_emulate(const struct vie *vie, u64 gpa, const struct vm_guest_paging *paging,
		const struct emul_ops *ops, void *ctx);

/* GLA of @vie's memory operand by its segment, base, index and displacement, with the limit and canonical checks (semantics: manual vol. 3, segmentation). 0 or the vector to raise (#GP 13, #SS 12). */
int vie_operand_gla(const struct vie *vie, const struct vm_guest_paging *paging, int prot, int bytes,
		    const struct emul_ops *ops, void *ctx, u64 *gla);

#endif
