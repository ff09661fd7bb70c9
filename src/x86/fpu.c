// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <asm/cpufeature.h>
#include <asm/fpu/api.h>
#include <asm/msr.h>
#include <asm/special_insns.h>
#include "fpu.h"

/*
 * What a guest may turn on; PKRU with a wide CPUID only. The supervisor components are left out: their
 * state is live outside of XSAVE areas, and the guest is not offered them.
 */
#define FPU_GUEST_COMPONENTS \
	(XFEATURE_MASK_FP | XFEATURE_MASK_SSE | XFEATURE_MASK_YMM | XFEATURE_MASK_AVX512)
#define FPU_WIDE_COMPONENTS	(FPU_GUEST_COMPONENTS | XFEATURE_MASK_PKRU)

#define FPU_LEGACY_BYTES	512
#define FPU_HEADER_BYTES	64
#define FPU_FCW_INIT		0x037f
#define FPU_MXCSR_INIT		0x1f80
#define FPU_XMM_OFFSET		160
#define FPU_MXCSR_OFFSET	24
#define FPU_MXCSR_MASK_OFFSET	28
#define FPU_MXCSR_MASK_DEFAULT	0xffbf

struct guest_fpu {
	void *area;		/* standard format, 64-byte aligned */
	size_t size;
	u64 host_xss;		/* while loaded */
	u32 host_pkru;		/* while loaded */
};

static struct {
	u64 host_xcr0;
	u64 components;		/* in the area; 0: FXSAVE only */
	u32 bytes;
	u32 ymm_offset;
	u32 mxcsr_mask;		/* bits that exist */
	bool has_xss;
	bool has_pku;
} facts;

/* SDM vol. 1, 11.6.6: an area of FXSAVE shows it; 0 stands for the bits of the first SSE. */
static u32 mxcsr_mask_read(void)
{
	u8 area[FPU_LEGACY_BYTES] __aligned(16) = {};
	u32 mask;

	kernel_fpu_begin();
	asm volatile("fxsave64 %0" : "=m" (area));
	kernel_fpu_end();
	memcpy(&mask, area + FPU_MXCSR_MASK_OFFSET, sizeof(mask));
	return mask ?: FPU_MXCSR_MASK_DEFAULT;
}

void fpu_module_init(void)
{
	u32 eax, ebx, ecx, edx;
	int component;

	facts.mxcsr_mask = mxcsr_mask_read();
	facts.bytes = FPU_LEGACY_BYTES;
	if (!boot_cpu_has(X86_FEATURE_OSXSAVE))
		return;
	facts.host_xcr0 = xgetbv(XCR_XFEATURE_ENABLED_MASK);
	facts.components = facts.host_xcr0 & FPU_WIDE_COMPONENTS;
	facts.has_xss = boot_cpu_has(X86_FEATURE_XSAVES);
	facts.has_pku = boot_cpu_has(X86_FEATURE_OSPKE);
	facts.bytes = FPU_LEGACY_BYTES + FPU_HEADER_BYTES;
	for (component = 2; component < 63; component++) {
		if (!(facts.components & BIT_ULL(component)))
			continue;
		cpuid_count(0xd, component, &eax, &ebx, &ecx, &edx);
		facts.bytes = max(facts.bytes, eax + ebx);
		if (component == XFEATURE_YMM)
			facts.ymm_offset = ebx;
	}
}

u64 fpu_xcr0_permitted(bool wide)
{
	return facts.components & (wide ? FPU_WIDE_COMPONENTS : FPU_GUEST_COMPONENTS);
}

u32 fpu_xsave_bytes(void)
{
	return facts.bytes;
}

struct guest_fpu *guest_fpu_create(void)
{
	struct guest_fpu *fpu = kzalloc(sizeof(*fpu), GFP_KERNEL_ACCOUNT);

	if (!fpu)
		return ERR_PTR(-ENOMEM);
	fpu->size = PAGE_ALIGN(facts.bytes);
	fpu->area = alloc_pages_exact(fpu->size, GFP_KERNEL_ACCOUNT | __GFP_ZERO);
	if (!fpu->area) {
		kfree(fpu);
		return ERR_PTR(-ENOMEM);
	}
	guest_fpu_reset(fpu);
	return fpu;
}

void guest_fpu_destroy(struct guest_fpu *fpu)
{
	free_pages_exact(fpu->area, fpu->size);
	kfree(fpu);
}

void guest_fpu_reset(struct guest_fpu *fpu)
{
	/*
	 * A zero XSTATE_BV puts every component in its initial state; FXRSTOR and MXCSR want
	 * values.
	 */
	memset(fpu->area, 0, fpu->size);
	*(u16 *)fpu->area = FPU_FCW_INIT;
	*(u32 *)(fpu->area + FPU_MXCSR_OFFSET) = FPU_MXCSR_INIT;
}

/*
 * AMD processors restore the addresses and opcode of the last x87 instruction only while an
 * exception is pending: the other side's would show. Overwrite them with our own.
 */
static void x87_forget_last(void)
{
	static const u32 zero;

	asm volatile("fnclex; emms; fildl %0" : : "m" (zero));
}

static void area_restore(struct guest_fpu *fpu)
{
	x87_forget_last();
	if (facts.components)
		asm volatile("xrstor64 %0" : : "m" (*(u8 (*)[FPU_LEGACY_BYTES])fpu->area),
			     "a" ((u32)facts.components), "d" (0) : "memory");
	else
		asm volatile("fxrstor64 %0" : : "m" (*(u8 (*)[FPU_LEGACY_BYTES])fpu->area));
}

static void area_save(struct guest_fpu *fpu)
{
	if (facts.components)
		asm volatile("xsave64 %0" : "+m" (*(u8 (*)[FPU_LEGACY_BYTES])fpu->area)
			     : "a" ((u32)facts.components), "d" (0) : "memory");
	else
		asm volatile("fxsave64 %0" : "=m" (*(u8 (*)[FPU_LEGACY_BYTES])fpu->area));
}

static void xcr0_switch(u64 from, u64 to)
{
	if (facts.components && from != to)
		xsetbv(XCR_XFEATURE_ENABLED_MASK, to);
}

void guest_fpu_load(struct guest_fpu *fpu, u64 xcr0)
{
	kernel_fpu_begin();
	if (facts.has_pku)
		fpu->host_pkru = rdpkru();
	area_restore(fpu);
	/*
	 * A guest can reach XSAVES and RDPKRU even though CPUID hides them: what they
	 * would show or change must not be the host's.
	 */
	if (facts.has_pku && !(facts.components & XFEATURE_MASK_PKRU))
		wrpkru(0);
	if (facts.has_xss) {
		rdmsrl(MSR_IA32_XSS, fpu->host_xss);
		if (fpu->host_xss)
			wrmsrl(MSR_IA32_XSS, 0);
	}
	xcr0_switch(facts.host_xcr0, xcr0);
}

u64 guest_fpu_get_xcr0(void)
{
	return facts.components ? xgetbv(XCR_XFEATURE_ENABLED_MASK) : XFEATURE_MASK_FP;
}

u64 guest_fpu_save(struct guest_fpu *fpu)
{
	u64 xcr0 = guest_fpu_get_xcr0();

	xcr0_switch(xcr0, facts.host_xcr0);
	area_save(fpu);
	if (facts.has_pku)
		wrpkru(fpu->host_pkru);
	if (facts.has_xss && fpu->host_xss)
		wrmsrl(MSR_IA32_XSS, fpu->host_xss);
	kernel_fpu_end();
	return xcr0;
}

void guest_fpu_set_xcr0(struct guest_fpu *fpu, u64 xcr0)
{
	xsetbv(XCR_XFEATURE_ENABLED_MASK, xcr0);
}

/* Where register @index lies in the area; the upper half of ymm lives elsewhere. */
static void *xmm_slot(struct guest_fpu *fpu, unsigned int index)
{
	return fpu->area + FPU_XMM_OFFSET + index * 16;
}

static void *ymm_high_slot(struct guest_fpu *fpu, unsigned int index)
{
	return fpu->area + facts.ymm_offset + index * 16;
}

static u64 *xstate_bv(struct guest_fpu *fpu)
{
	return fpu->area + FPU_LEGACY_BYTES;
}

static int simd_check(unsigned int index, int bytes)
{
	if (index > 15 || (bytes != 16 && bytes != 32))
		return -EINVAL;
	if (bytes == 32 && !(facts.components & XFEATURE_MASK_YMM))
		return -EINVAL;
	return 0;
}

/* A component that XSTATE_BV calls initial is zero, whatever the area holds. */
static void component_materialize(struct guest_fpu *fpu, u64 mask, void *start, size_t bytes)
{
	if (!facts.components || (*xstate_bv(fpu) & mask))
		return;
	memset(start, 0, bytes);
	*xstate_bv(fpu) |= mask;
}

int guest_fpu_simd_get(struct guest_fpu *fpu, unsigned int index, void *buf, int bytes)
{
	int err = simd_check(index, bytes);

	if (err)
		return err;
	component_materialize(fpu, XFEATURE_MASK_SSE, xmm_slot(fpu, 0), 256);
	memcpy(buf, xmm_slot(fpu, index), 16);
	if (bytes == 32) {
		component_materialize(fpu, XFEATURE_MASK_YMM, ymm_high_slot(fpu, 0), 256);
		memcpy(buf + 16, ymm_high_slot(fpu, index), 16);
	}
	return 0;
}

int guest_fpu_simd_set(struct guest_fpu *fpu, unsigned int index, const void *buf, int bytes)
{
	int err = simd_check(index, bytes);

	if (err)
		return err;
	component_materialize(fpu, XFEATURE_MASK_SSE, xmm_slot(fpu, 0), 256);
	memcpy(xmm_slot(fpu, index), buf, 16);
	if (bytes == 32) {
		component_materialize(fpu, XFEATURE_MASK_YMM, ymm_high_slot(fpu, 0), 256);
		memcpy(ymm_high_slot(fpu, index), buf + 16, 16);
	}
	return 0;
}

/* --- snapshot --------------------------------------------------------- */

void guest_fpu_export(struct guest_fpu *fpu, void *buf)
{
	memcpy(buf, fpu->area, facts.bytes);
}

void guest_fpu_import(struct guest_fpu *fpu, const void *buf)
{
	memcpy(fpu->area, buf, facts.bytes);
}

/* SDM vol. 1, 13.8: standard form, no foreign component; the rest of the header is reserved. */
bool guest_fpu_valid(const void *buf)
{
	const u8 *header = buf + FPU_LEGACY_BYTES;
	u64 components;
	u32 mxcsr;

	memcpy(&mxcsr, buf + FPU_MXCSR_OFFSET, sizeof(mxcsr));
	if (mxcsr & ~facts.mxcsr_mask)
		return false;
	if (!facts.components)
		return true;
	memcpy(&components, header, sizeof(components));
	return !(components & ~facts.components) &&
	       !memchr_inv(header + sizeof(components), 0, FPU_HEADER_BYTES - sizeof(components));
}
