/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * fpu: the guest's x87, SSE and extended state, and XCR0. The kernel's own
 * FPU section (kernel_fpu_begin) is held while a vCPU is loaded: it saves the
 * thread's state, keeps everybody else off and preemption off. It needs no
 * symbol that later kernels reserve for KVM.
 */
#ifndef VMM_X86_FPU_H
#define VMM_X86_FPU_H

#include <linux/types.h>
#include <asm/fpu/xcr.h>
#include <linux/mm.h>
#include <asm/fpu/types.h>

struct guest_fpu;

/* Facts of the host CPU, read once at module load. */
void fpu_module_init(void);
/* Components a guest may enable, @wide: with a wide CPUID; 0 without XSAVE. */
u64 fpu_xcr0_permitted(bool wide);
u32 fpu_xsave_bytes(void);		/* size of the standard-format area for all of them */

struct guest_fpu *guest_fpu_create(void);	/* ERR_PTR(-ENOMEM) */
void guest_fpu_destroy(struct guest_fpu *fpu);
void guest_fpu_reset(struct guest_fpu *fpu);	/* state after INIT; XCR0 is the vCPU's. Frozen. */
/* Own thread. Between load and save preemption is off. @xcr0: the guest's. */
void guest_fpu_load(struct guest_fpu *fpu, u64 xcr0);
/*
 * Returns the guest's XCR0. It is read from the processor, not remembered: QEMU's (7.2) executes
 * a guest's XSETBV in spite of the intercept.
 */
u64 guest_fpu_save(struct guest_fpu *fpu);
/* While loaded: XCR0 as the guest has it. */
u64 guest_fpu_get_xcr0(void);
/* While loaded: the guest writes XCR0. @xcr0 has passed x86_xcr0_check(). */
void guest_fpu_set_xcr0(struct guest_fpu *fpu, u64 xcr0);
/* Not loaded: bytes of xmm (16) or ymm (32) register @index. */
int guest_fpu_simd_get(struct guest_fpu *fpu, unsigned int index, void *buf, int bytes);
int guest_fpu_simd_set(struct guest_fpu *fpu, unsigned int index, const void *buf, int bytes);

/* Not loaded: the whole state, fpu_xsave_bytes() in standard format, for snapshots. */
void guest_fpu_export(struct guest_fpu *fpu, void *buf);
/* Would XRSTOR take @buf without a fault? Any context. */
bool guest_fpu_valid(const void *buf);
void guest_fpu_import(struct guest_fpu *fpu, const void *buf);	/* @buf is valid */

#endif
