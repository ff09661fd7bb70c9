// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * cpuid: what CPUID answers to a guest.
 *
 * Theory. A leaf is a row: which bits of the host's answer pass, which are
 * set whatever the host says, and, for what depends on the VM or the vCPU, a
 * short function that finishes the answer. Rows are allow-lists: a feature that
 * a later processor brings stays hidden until somebody has made sure that its
 * state is switched, its MSRs are emulated and its instructions are safe. Leaves
 * without a row pass through and are counted.
 *
 * Between a row's finish() and its state(), which puts in what a vCPU's registers
 * decide, user space has its say: struct cpuid_rules.
 *
 * Hidden on top of semantics.md section 24, because the module does not switch,
 * emulate or offer what stands behind it: context id, SDBG, xTPR, DCA and PBE
 * of leaf 1 (each is switched on by an MSR that guests do not have); AVX and what
 * builds on it where XCR0 cannot have it; leaves 5 (MONITOR), 9 (DCA), 0x12 (SGX),
 * 0x14 (processor trace), 0x19 (key locker), 0x1A (hybrid: a vCPU moves between
 * cores), 0x1B (PCONFIG), 0x1C (LBR), 0x1D and 0x1E (AMX), 0x1F (topology of the
 * host), 0x20 to 0x29 (HRESET, TDX, architectural PMU, AVX10, resource director);
 * AMD's SKINIT, WDT, LWP, extended APIC space, data breakpoint masks and extension,
 * and leaves 0x8000000A (SVM), 0x8000001B (IBS), 0x8000001C (LWP), 0x8000001F
 * (memory encryption), 0x80000020, 0x80000022, 0x80000023, 0x80000025 and
 * 0x80000026; 57-bit linear addresses in 0x80000008.
 */
#include <linux/bits.h>
#include <linux/bitops.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/nospec.h>
#include <linux/string.h>

#include "cpuid.h"

#define EXT_BASE		0x80000000u
#define HYPERVISOR_BASE		0x40000000u
#define PVCLOCK_BASE		0x40000100u
#define PVCLOCK_FEATURES	0x40000101u

/* Leaf 0x40000101: MSRs 0x4b564d00 and 0x4b564d01; their clock never goes back between vCPUs */
#define FPV_EAX			(BIT(3) | BIT(24))

/* Leaf 1 */
#define F1_ECX_FMA		BIT(12)
#define F1_ECX_X2APIC		BIT(21)
#define F1_ECX_TSC_DEADLINE	BIT(24)
#define F1_ECX_XSAVE		BIT(26)
#define F1_ECX_OSXSAVE		BIT(27)
#define F1_ECX_AVX		BIT(28)
#define F1_ECX_F16C		BIT(29)
#define F1_ECX_HYPERVISOR	BIT(31)
/* SSE3 PCLMUL; SSSE3 FMA CX16; PCID SSE4.1 SSE4.2; MOVBE POPCNT; AES XSAVE AVX F16C RDRAND */
#define F1_ECX_PASS		(BIT(0) | BIT(1) | BIT(9) | F1_ECX_FMA | BIT(13) | BIT(17) | BIT(19) | BIT(20) | \
				 BIT(22) | BIT(23) | BIT(25) | F1_ECX_XSAVE | F1_ECX_AVX | F1_ECX_F16C | BIT(30))
#define F1_EDX_MCE		BIT(7)
#define F1_EDX_MTRR		BIT(12)
#define F1_EDX_MCA		BIT(14)
#define F1_EDX_HTT		BIT(28)
#define F1_EDX_FORCE		(F1_EDX_MCE | F1_EDX_MTRR | F1_EDX_MCA | F1_EDX_HTT)
/* FPU to APIC; SEP to PSE36; CLFSH; MMX to SS. Without PSN, DS, ACPI, TM, PBE. */
#define F1_EDX_PASS		(GENMASK(9, 0) | GENMASK(17, 11) | BIT(19) | GENMASK(27, 23))

/* Leaf 6 */
#define F6_EAX_ARAT		BIT(2)

/* Leaf 7 */
#define F7_EBX_AVX2		BIT(5)
#define F7_EBX_INVPCID		BIT(10)
#define F7_EBX_AVX512		(BIT(16) | BIT(17) | BIT(26) | BIT(27) | BIT(28) | BIT(30) | BIT(31))
/* FSGSBASE; BMI1 HLE AVX2; SMEP BMI2 ERMS INVPCID RTM; AVX512F AVX512DQ RDSEED; SMAP; AVX512PF/ER/CD SHA AVX512BW/VL */
#define F7_EBX_PASS		(BIT(0) | BIT(3) | BIT(4) | F7_EBX_AVX2 | BIT(7) | BIT(8) | BIT(9) | F7_EBX_INVPCID | \
				 BIT(11) | BIT(18) | BIT(20) | BIT(29) | F7_EBX_AVX512)
/* FDP_EXCPTN_ONLY, no FCS and FDS; ADX; CLFLUSHOPT CLWB */
#define F7_EBX_WIDE		(BIT(6) | BIT(13) | BIT(19) | BIT(23) | BIT(24))
#define F7_ECX_PKU		BIT(3)
#define F7_ECX_OSPKE		BIT(4)
/* VBMI, VBMI2, VNNI BITALG, VPOPCNTDQ */
#define F7_ECX_WIDE_ZMM		(BIT(1) | BIT(6) | BIT(11) | BIT(12) | BIT(14))
/* PREFETCHWT1; UMIP PKU; GFNI; CLDEMOTE; MOVDIRI MOVDIR64B */
#define F7_ECX_WIDE		(BIT(0) | BIT(2) | F7_ECX_PKU | BIT(8) | BIT(25) | BIT(27) | BIT(28) | F7_ECX_WIDE_ZMM)
/* 4VNNIW 4FMAPS; VP2INTERSECT; AVX512_FP16 */
#define F7_EDX_WIDE_ZMM		(BIT(2) | BIT(3) | BIT(8) | BIT(23))
/* FSRM; SERIALIZE; TSXLDTRK */
#define F7_EDX_WIDE		(BIT(4) | BIT(14) | BIT(16) | F7_EDX_WIDE_ZMM)
/* Subleaf 1. SHA512 SM3 SM4; AVX_VNNI; AVX_IFMA */
#define F71_EAX_WIDE_YMM	(GENMASK(2, 0) | BIT(4) | BIT(23))
#define F71_EAX_WIDE_ZMM	BIT(5)
/* CMPCCXADD; FZLRM FSRS FSRCS */
#define F71_EAX_WIDE		(BIT(7) | GENMASK(12, 10) | F71_EAX_WIDE_YMM | F71_EAX_WIDE_ZMM)
/* AVX_VNNI_INT8 AVX_NE_CONVERT; AVX_VNNI_INT16 */
#define F71_EDX_WIDE_YMM	(BIT(4) | BIT(5) | BIT(10))
#define F71_EDX_WIDE		(BIT(14) | F71_EDX_WIDE_YMM)	/* and PREFETCHI */
#define F7_ECX_VAES		BIT(9)
#define F7_ECX_VPCLMULQDQ	BIT(10)
#define F7_ECX_RDPID		BIT(22)
#define F7_EDX_MD_CLEAR		BIT(10)

/* Leaf 0xD */
#define FD_1_EAX_XSAVEOPT	BIT(0)
#define FD_1_EAX_XSAVEC		BIT(1)
#define FD_1_EAX_WIDE		(FD_1_EAX_XSAVEC | BIT(2))	/* and XGETBV with ECX 1; XSAVES needs an MSR */
#define FD_N_ECX_ALIGN		BIT(1)

/* Leaf 0x80000001 */
#define F81_ECX_XOP		BIT(11)
#define F81_ECX_FMA4		BIT(16)
/* LAHF CMP_LEGACY; CR8 LZCNT SSE4A MISALIGNSSE PREFETCHW; XOP FMA4 TCE; TBM TOPOEXT */
#define F81_ECX_PASS		(GENMASK(1, 0) | GENMASK(8, 4) | F81_ECX_XOP | F81_ECX_FMA4 | BIT(17) | BIT(21) | BIT(22))
#define F81_EDX_RDTSCP		BIT(27)
/* The AMD copy of leaf 1, SYSCALL, MP, NX, MMXEXT, FFXSR, 1 GiB pages, RDTSCP, LM, 3DNow! */
#define F81_EDX_PASS		(GENMASK(9, 0) | GENMASK(17, 11) | GENMASK(20, 19) | GENMASK(27, 22) | GENMASK(31, 29))

/* Leaf 0x80000007 */
#define F87_EDX_TSC_INVARIANT	BIT(8)

/* Leaf 0x80000008: CLZERO IRPERF XSAVEERPTR; Intel: WBNOINVD */
#define F88_EBX_AMD		(BIT(0) | BIT(1) | BIT(2))
#define F88_EBX_INTEL		BIT(9)

/* Leaf 0x80000021: NO_NESTED_DATA_BP LFENCE_SERIALIZING NULL_SEL_CLEARS_BASE SRSO_NO SRSO_USER_KERNEL_NO */
#define F821_EAX_PASS		(BIT(0) | BIT(2) | BIT(6) | BIT(29) | BIT(30))
#define F821_EAX_WIDE		(BIT(10) | BIT(11) | BIT(20))	/* FSRS FSRCS; PREFETCHI */

/* Cache leaves 4 and 0x8000001D, EAX */
#define CACHE_TYPE		GENMASK(4, 0)
#define CACHE_TYPE_DATA		1
#define CACHE_TYPE_UNIFIED	3
#define CACHE_LEVEL(eax)	(((eax) >> 5) & 7)
#define CACHE_SHARING_MAX	0xfffu
#define CACHE_CORES_MAX		0x3fu
#define CACHE_SELF_INIT		BIT(8)

#define XCR0_YMM		BIT_ULL(2)
#define XCR0_ZMM		GENMASK_ULL(7, 5)
#define XCR0_PKRU		BIT_ULL(9)
#define XSAVE_HEADER_END	576u	/* legacy region and XSAVE header */

/* Leaves whose answer depends on ECX, and where their subleaves are in host->sub. */
enum {
	SUB_4,
	SUB_7 = SUB_4 + 8,
	SUB_D = SUB_7 + 4,
	SUB_17 = SUB_D + 64,
	SUB_18 = SUB_17 + 4,
	SUB_8000001D = SUB_18 + 24,
	SUB_END = SUB_8000001D + 8
};
static_assert(SUB_END == CPUID_CACHE_SUBLEAVES);

static const struct {
	u32 leaf, first, end;
} subleaves[] = {
	{ 0x4, SUB_4, SUB_7 },
	{ 0x7, SUB_7, SUB_D },
	{ 0xd, SUB_D, SUB_17 },
	{ 0x17, SUB_17, SUB_18 },
	{ 0x18, SUB_18, SUB_8000001D },
	{ 0x8000001d, SUB_8000001D, SUB_END },
};

/* One CPUID instruction of a guest. */
struct cpuid_query {
	const struct cpuid_host *host;
	const struct cpuid_policy *policy;
	const struct cpuid_vcpu *vcpu;
	u32 leaf, subleaf;
};

/*
 * A leaf's row: answer = (host & pass) | force, then finished by @finish. @state: what the vCPU's
 * registers decide, on top of user space's rules.
 */
struct cpuid_row {
	bool ruled;
	struct cpuid_result pass, force;
	struct cpuid_result wide;	/* passes as well where the policy is wide */
	void (*finish)(const struct cpuid_query *query, struct cpuid_result *regs);
	void (*state)(const struct cpuid_query *query, struct cpuid_result *regs);
};

static void regs_clear(struct cpuid_result *regs)
{
	*regs = (struct cpuid_result){ 0 };
}

/* 1 to 0xffff: more fits no field. */
static u32 threads_per_package(const struct cpuid_policy *policy)
{
	return clamp((u32)policy->cores * policy->threads, 1u, 0xffffu);
}

/* Bits of an APIC id that tell @count things apart. */
static u32 id_bits(u32 count)
{
	return count > 1 ? order_base_2(count) : 0;
}

static bool simd_ymm(const struct cpuid_query *query)
{
	return query->policy->xcr0_permitted & XCR0_YMM;
}

static bool simd_zmm(const struct cpuid_query *query)
{
	return simd_ymm(query) && (query->policy->xcr0_permitted & XCR0_ZMM) == XCR0_ZMM;
}

/*
 * Leaves come in ranges, each with its highest one in EAX of its first: basic, extended, and 256
 * at a time those of hypervisors.
 */
static u32 range_base(u32 leaf)
{
	if (leaf >= EXT_BASE)
		return EXT_BASE;
	return leaf >= HYPERVISOR_BASE ? leaf & ~0xffu : 0;
}

/* 0 for a range of hypervisors' that is not there. */
static u32 leaf_highest_default(const struct cpuid_query *query, u32 base)
{
	switch (base) {
	case 0:
		return query->host->basic_max;
	case EXT_BASE:
		return query->host->ext_max;
	case HYPERVISOR_BASE:
		return HYPERVISOR_BASE;
	case PVCLOCK_BASE:
		return query->policy->pvclock ? PVCLOCK_FEATURES : 0;
	default:
		return 0;
	}
}

/* The highest leaf of the range that starts at @base, of which a rule may be the reason. */
static u32 leaf_highest(const struct cpuid_query *query, u32 base)
{
	const struct cpuid_rules *rules = query->policy->rules;
	u32 highest = leaf_highest_default(query, base);
	unsigned int i;

	for (i = 0; rules && i < rules->count; i++)
		if (range_base(rules->rule[i].leaf) == base)
			highest = max(highest, rules->rule[i].leaf);
	return highest;
}

static void finish_00000000(const struct cpuid_query *query, struct cpuid_result *regs)
{
	regs->eax = leaf_highest(query, 0);
}

static void finish_00000001(const struct cpuid_query *query, struct cpuid_result *regs)
{
	const struct cpuid_policy *policy = query->policy;

	regs->ebx |= min(threads_per_package(policy), 0xffu) << 16;
	if (!policy->xcr0_permitted)
		regs->ecx &= ~F1_ECX_XSAVE;
	if (!simd_ymm(query))
		regs->ecx &= ~(F1_ECX_AVX | F1_ECX_FMA | F1_ECX_F16C);
	if (query->vcpu->x2apic)
		regs->ecx |= F1_ECX_X2APIC;
	if (policy->tsc_deadline)
		regs->ecx |= F1_ECX_TSC_DEADLINE;
}

static void state_00000001(const struct cpuid_query *query, struct cpuid_result *regs)
{
	const struct cpuid_vcpu *vcpu = query->vcpu;

	regs->ebx = (regs->ebx & GENMASK(23, 0)) | vcpu->apic_id << 24;
	regs->ecx &= ~F1_ECX_OSXSAVE;
	if (vcpu->osxsave && (regs->ecx & F1_ECX_XSAVE))
		regs->ecx |= F1_ECX_OSXSAVE;
}

/* Level 3 and up belong to the package, the others to the core. */
static u32 cache_sharing(const struct cpuid_policy *policy, u32 level)
{
	u32 sharers = level >= 3 ? threads_per_package(policy) : max_t(u32, policy->threads, 1);

	return min(sharers - 1, CACHE_SHARING_MAX) << 14;
}

static void finish_00000004(const struct cpuid_query *query, struct cpuid_result *regs)
{
	u32 cores = max_t(u32, query->policy->cores, 1);

	if (!(regs->eax & CACHE_TYPE)) {
		regs_clear(regs);
		return;
	}
	regs->eax |= cache_sharing(query->policy, CACHE_LEVEL(regs->eax));
	regs->eax |= min(cores - 1, CACHE_CORES_MAX) << 26;
}

/* Without a vector length, none of the instructions for it. */
static void simd_hide(const struct cpuid_query *query, u32 *reg, u32 ymm_bits, u32 zmm_bits)
{
	if (!simd_ymm(query))
		*reg &= ~ymm_bits;
	if (!simd_zmm(query))
		*reg &= ~zmm_bits;
}

/* Subleaf 1 is there for a wide policy only, and the row's masks are those of subleaf 0. */
static void finish_00000007_1(const struct cpuid_query *query, struct cpuid_result *regs)
{
	cpuid_host_leaf(query->host, 7, 1, regs);
	regs->eax &= F71_EAX_WIDE;
	regs->ebx = 0;
	regs->ecx = 0;
	regs->edx &= F71_EDX_WIDE;
	simd_hide(query, &regs->eax, F71_EAX_WIDE_YMM, F71_EAX_WIDE_ZMM);
	simd_hide(query, &regs->edx, F71_EDX_WIDE_YMM, 0);
}

static void finish_00000007(const struct cpuid_query *query, struct cpuid_result *regs)
{
	if (query->subleaf == 1 && query->policy->wide) {
		finish_00000007_1(query, regs);
		return;
	}
	if (query->subleaf) {
		regs_clear(regs);
		return;
	}
	regs->eax = min(regs->eax, 1u);
	if (!query->vcpu->invpcid)
		regs->ebx &= ~F7_EBX_INVPCID;
	if (!query->vcpu->rdpid)
		regs->ecx &= ~F7_ECX_RDPID;
	if (!(query->policy->xcr0_permitted & XCR0_PKRU))
		regs->ecx &= ~F7_ECX_PKU;
	simd_hide(query, &regs->ebx, F7_EBX_AVX2, F7_EBX_AVX512);
	simd_hide(query, &regs->ecx, F7_ECX_VAES | F7_ECX_VPCLMULQDQ, F7_ECX_WIDE_ZMM);
	simd_hide(query, &regs->edx, 0, F7_EDX_WIDE_ZMM);
}

static void state_00000007(const struct cpuid_query *query, struct cpuid_result *regs)
{
	if (query->subleaf)
		return;
	regs->ecx &= ~F7_ECX_OSPKE;
	if (query->vcpu->ospke && (regs->ecx & F7_ECX_PKU))
		regs->ecx |= F7_ECX_OSPKE;
}

/* Extended topology, Intel: level 0 threads of a core, level 1 threads of a package. */
static void finish_0000000b(const struct cpuid_query *query, struct cpuid_result *regs)
{
	const struct cpuid_policy *policy = query->policy;
	u32 threads[2] = { max_t(u32, policy->threads, 1), threads_per_package(policy) };
	u32 level = query->subleaf;

	if (policy->vendor != CPUID_INTEL || !policy->leaf_b)
		return;
	regs->ecx = level & 0xff;
	if (level < ARRAY_SIZE(threads)) {
		level = array_index_nospec(level, ARRAY_SIZE(threads));
		regs->eax = id_bits(threads[level]);
		regs->ebx = threads[level];
		regs->ecx |= (level + 1) << 8;
	}
}

/* The vCPU's id, at every level; where there is no such topology and no rule makes one, nothing. */
static void state_0000000b(const struct cpuid_query *query, struct cpuid_result *regs)
{
	if (regs->eax || regs->ebx || regs->ecx)
		regs->edx = query->vcpu->apic_id;
	else if (query->policy->vendor == CPUID_INTEL && query->policy->leaf_b &&
		 query->leaf == 0xb)
		regs->edx = query->vcpu->apic_id;
}

/* Subleaf 0: what XCR0 may have, and the sizes for what it has and for all of that. */
static void xsave_main(const struct cpuid_query *query, struct cpuid_result *regs)
{
	u64 permitted = query->policy->xcr0_permitted;

	regs->eax &= permitted;
	regs->ebx = 0;
	regs->ecx = query->policy->xsave_max_bytes;
	regs->edx &= permitted >> 32;
}

/* Size of an area in compacted format: SDM vol. 1, 13.4.3. */
static u32 xsavec_bytes(const struct cpuid_host *host, u64 xcr0)
{
	u32 bytes = XSAVE_HEADER_END;
	struct cpuid_result regs;
	u32 component;

	for (component = 2; component < 63; component++) {
		if (!(xcr0 & BIT_ULL(component)))
			continue;
		cpuid_host_leaf(host, 0xd, component, &regs);
		if (regs.ecx & FD_N_ECX_ALIGN)
			bytes = (bytes + 63) & ~63u;
		bytes += regs.eax;
	}
	return bytes;
}

static void finish_0000000d(const struct cpuid_query *query, struct cpuid_result *regs)
{
	u64 permitted = query->policy->xcr0_permitted;
	u32 shown = FD_1_EAX_XSAVEOPT | (query->policy->wide ? FD_1_EAX_WIDE : 0);
	u32 instructions = regs->eax & shown;

	if (permitted && query->subleaf == 0) {
		xsave_main(query, regs);
	} else if (permitted && query->subleaf == 1) {
		regs_clear(regs);
		regs->eax = instructions;
	} else if (query->subleaf < 64 && (permitted & BIT_ULL(query->subleaf))) {
		regs->ecx &= FD_N_ECX_ALIGN;
		regs->edx = 0;
	} else {
		regs_clear(regs);
	}
}

/* The sizes for what XCR0 has now. */
static void state_0000000d(const struct cpuid_query *query, struct cpuid_result *regs)
{
	u64 xcr0 = query->vcpu->xcr0 & query->policy->xcr0_permitted;

	if (!query->policy->xcr0_permitted)
		return;
	if (query->subleaf == 0)
		regs->ebx = cpuid_xsave_bytes(query->host, xcr0);
	else if (query->subleaf == 1 && (regs->eax & FD_1_EAX_XSAVEC))
		regs->ebx = xsavec_bytes(query->host, xcr0);
}

static void finish_80000000(const struct cpuid_query *query, struct cpuid_result *regs)
{
	regs->eax = leaf_highest(query, EXT_BASE);
}

static void finish_80000001(const struct cpuid_query *query, struct cpuid_result *regs)
{
	if (!simd_ymm(query))
		regs->ecx &= ~(F81_ECX_XOP | F81_ECX_FMA4);
	if (!query->vcpu->rdtscp)
		regs->edx &= ~F81_EDX_RDTSCP;
}

static void finish_80000007(const struct cpuid_query *query, struct cpuid_result *regs)
{
	if (!query->policy->tsc_invariant)
		regs->edx = 0;
}

static void finish_80000008(const struct cpuid_query *query, struct cpuid_result *regs)
{
	u32 linear_bits = min((regs->eax >> 8) & 0xff, 48u);
	u32 threads = threads_per_package(query->policy);

	regs->eax = (regs->eax & ~0xff00u) | linear_bits << 8;
	if (query->policy->vendor != CPUID_AMD) {
		regs->ebx &= F88_EBX_INTEL;
		return;
	}
	regs->ebx &= F88_EBX_AMD;
	regs->ecx = min(id_bits(threads), 0xfu) << 12 | min(threads - 1, 0xffu);
}

/* The three caches that an AMD guest sees, and their geometry where the host does not tell. */
static const struct {
	u32 type;
	struct cpuid_result geometry;	/* EBX ways and line, ECX sets, EDX bit 1: inclusive */
} amd_caches[] = {
	{ CACHE_TYPE_DATA, { .ebx = 7u << 22 | 63, .ecx = 63 } },	/* 32 KiB */
	{ CACHE_TYPE_UNIFIED, { .ebx = 7u << 22 | 63, .ecx = 1023, .edx = BIT(1) } },	/* 512 KiB */
	{ CACHE_TYPE_UNIFIED, { .ebx = 15u << 22 | 63, .ecx = 8191 } },	/* 8 MiB */
};

/* Replaces @geometry by what the host says of its cache of that level and type. */
static void host_cache_geometry(const struct cpuid_host *host, u32 level, u32 type, struct cpuid_result *geometry)
{
	struct cpuid_result regs;
	u32 subleaf;

	for (subleaf = 0; subleaf < 8; subleaf++) {
		cpuid_host_leaf(host, EXT_BASE + 0x1d, subleaf, &regs);
		if ((regs.eax & CACHE_TYPE) == type && CACHE_LEVEL(regs.eax) == level) {
			*geometry = regs;
			return;
		}
	}
}

static void finish_8000001d(const struct cpuid_query *query, struct cpuid_result *regs)
{
	u32 index = query->subleaf;
	u32 level = index + 1;

	regs_clear(regs);
	if (query->policy->vendor != CPUID_AMD || index >= ARRAY_SIZE(amd_caches))
		return;
	index = array_index_nospec(index, ARRAY_SIZE(amd_caches));
	*regs = amd_caches[index].geometry;
	host_cache_geometry(query->host, level, amd_caches[index].type, regs);
	regs->eax = amd_caches[index].type | level << 5 | CACHE_SELF_INIT | cache_sharing(query->policy, level);
	regs->edx &= GENMASK(1, 0);
}

static u32 host_family(const struct cpuid_host *host)
{
	u32 eax = host->basic[1].eax;
	u32 family = (eax >> 8) & 0xf;

	return family == 0xf ? family + ((eax >> 20) & 0xff) : family;
}

static bool has_8000001e(const struct cpuid_query *query)
{
	return query->policy->vendor == CPUID_AMD && host_family(query->host) >= 0x16;
}

static void finish_8000001e(const struct cpuid_query *query, struct cpuid_result *regs)
{
	u32 threads = max_t(u32, query->policy->threads, 1);

	if (has_8000001e(query))
		regs->ebx = min(threads - 1, 0xffu) << 8;
}

/* Ids of APIC, core and node; a rule may have changed what else there is. */
static void state_8000001e(const struct cpuid_query *query, struct cpuid_result *regs)
{
	const struct cpuid_policy *policy = query->policy;
	u32 id = query->vcpu->apic_id;
	u32 threads = max_t(u32, policy->threads, 1);

	if (!has_8000001e(query))
		return;
	regs->eax = id;
	regs->ebx = (regs->ebx & ~0xffu) | ((id >> id_bits(threads)) & 0xff);
	regs->ecx = (regs->ecx & ~0xffu) | ((id >> id_bits(threads_per_package(policy))) & 0xff);
}

#define ALL			(~0u)
#define PASS			{ .ruled = true, .pass = { ALL, ALL, ALL, ALL } }
#define ZERO			{ .ruled = true }
#define FINISH(function)	{ .ruled = true, .pass = { ALL, ALL, ALL, ALL }, .finish = (function) }
#define SYNTHESIZE(function)	{ .ruled = true, .finish = (function) }
#define WITH_STATE(leaf)	{ .ruled = true, .finish = finish_##leaf, .state = state_##leaf }

static const struct cpuid_row basic_rows[CPUID_CACHE_LEAVES] = {
	[0x00] = FINISH(finish_00000000),
	[0x01] = {
		.ruled = true,
		.pass = { ALL, 0x0000ffff, F1_ECX_PASS, F1_EDX_PASS },
		.force = { 0, 0, F1_ECX_HYPERVISOR, F1_EDX_FORCE },
		.finish = finish_00000001,
		.state = state_00000001,
	},
	[0x02] = PASS,
	[0x03] = PASS,
	[0x04] = { .ruled = true, .pass = { GENMASK(13, 0), ALL, ALL, ALL }, .finish = finish_00000004 },
	[0x05] = ZERO,
	[0x06] = { .ruled = true, .force = { .eax = F6_EAX_ARAT } },
	[0x07] = {
		.ruled = true,
		.pass = { 0, F7_EBX_PASS, F7_ECX_VAES | F7_ECX_VPCLMULQDQ | F7_ECX_RDPID, F7_EDX_MD_CLEAR },
		.wide = { ALL, F7_EBX_WIDE, F7_ECX_WIDE, F7_EDX_WIDE },
		.finish = finish_00000007,
		.state = state_00000007,
	},
	[0x09] = ZERO,
	[0x0a] = ZERO,
	[0x0b] = WITH_STATE(0000000b),
	[0x0d] = {
		.ruled = true,
		.pass = { ALL, ALL, ALL, ALL },
		.finish = finish_0000000d,
		.state = state_0000000d,
	},
	[0x0f] = ZERO,
	[0x10] = ZERO,
	[0x12] = ZERO,
	[0x14] = ZERO,
	[0x15] = ZERO,
	[0x19 ... 0x1e] = ZERO,
	[0x1f] = { .ruled = true, .state = state_0000000b },
	[0x20 ... 0x29] = ZERO,
};

static const struct cpuid_row ext_rows[CPUID_CACHE_LEAVES] = {
	[0x00] = FINISH(finish_80000000),
	[0x01] = { .ruled = true, .pass = { ALL, ALL, F81_ECX_PASS, F81_EDX_PASS }, .finish = finish_80000001 },
	[0x02] = PASS,
	[0x03] = PASS,
	[0x04] = PASS,
	[0x06] = PASS,
	[0x07] = { .ruled = true, .pass = { .edx = F87_EDX_TSC_INVARIANT }, .finish = finish_80000007 },
	[0x08] = { .ruled = true, .pass = { ALL, F88_EBX_AMD | F88_EBX_INTEL, 0, 0 }, .finish = finish_80000008 },
	[0x0a] = ZERO,
	[0x1b] = ZERO,
	[0x1c] = ZERO,
	[0x1d] = SYNTHESIZE(finish_8000001d),
	[0x1e] = WITH_STATE(8000001e),
	[0x1f] = ZERO,
	[0x20] = ZERO,
	[0x21] = {
		.ruled = true,
		.pass = { .eax = F821_EAX_PASS },
		.wide = { .eax = F821_EAX_WIDE },
	},
	[0x22] = ZERO,
	[0x23] = ZERO,
	[0x25] = ZERO,
	[0x26] = ZERO,
};

/* The host's own answers */

/*
 * Where subleaf @subleaf of @leaf is in host->sub: an index, -1 for a leaf
 * without subleaves (every ECX gets the same answer), CPUID_CACHE_SUBLEAVES for
 * a subleaf beyond what is cached.
 */
static int subleaf_slot(u32 leaf, u32 subleaf)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(subleaves); i++) {
		if (subleaves[i].leaf == leaf)
			return subleaf < subleaves[i].end - subleaves[i].first ?
			       subleaves[i].first + subleaf : CPUID_CACHE_SUBLEAVES;
	}
	return -1;
}

static void cache_fill_range(struct cpuid_host *host, struct cpuid_result *cache, u32 base, u32 *max_leaf)
{
	u32 i, count;

	host->query(base, 0, &cache[0]);
	count = min(cache[0].eax - base, CPUID_CACHE_LEAVES - 1u);
	*max_leaf = base + count;
	for (i = 1; i <= count; i++)
		host->query(base + i, 0, &cache[i]);
}

static bool host_has_leaf(const struct cpuid_host *host, u32 leaf)
{
	return leaf >= EXT_BASE ? leaf <= host->ext_max : leaf <= host->basic_max;
}

static void cache_fill_subleaves(struct cpuid_host *host)
{
	u32 i, slot;

	for (i = 0; i < ARRAY_SIZE(subleaves); i++) {
		if (!host_has_leaf(host, subleaves[i].leaf))
			continue;
		for (slot = subleaves[i].first; slot < subleaves[i].end; slot++)
			host->query(subleaves[i].leaf, slot - subleaves[i].first, &host->sub[slot]);
	}
}

int cpuid_cache_init(struct cpuid_host *host)
{
	struct cpuid_result regs;

	if (!host->query)
		return -EINVAL;
	host->query(EXT_BASE, 0, &regs);
	if (regs.eax < EXT_BASE)
		return -ENODEV;
	memset(host->basic, 0, sizeof(host->basic));
	memset(host->ext, 0, sizeof(host->ext));
	memset(host->sub, 0, sizeof(host->sub));
	cache_fill_range(host, host->basic, 0, &host->basic_max);
	cache_fill_range(host, host->ext, EXT_BASE, &host->ext_max);
	cache_fill_subleaves(host);
	return 0;
}

void cpuid_host_leaf(const struct cpuid_host *host, u32 leaf, u32 subleaf, struct cpuid_result *regs)
{
	const struct cpuid_result *range = leaf >= EXT_BASE ? host->ext : host->basic;
	u32 index = leaf & ~EXT_BASE;
	int slot = subleaf_slot(leaf, subleaf);

	regs_clear(regs);
	if (!host_has_leaf(host, leaf) || index >= CPUID_CACHE_LEAVES)
		return;
	if (slot < 0)
		*regs = range[array_index_nospec(index, CPUID_CACHE_LEAVES)];
	else if (slot < CPUID_CACHE_SUBLEAVES)
		*regs = host->sub[array_index_nospec(slot, CPUID_CACHE_SUBLEAVES)];
}

u32 cpuid_xsave_bytes(const struct cpuid_host *host, u64 xcr0)
{
	u32 bytes = XSAVE_HEADER_END;
	struct cpuid_result regs;
	u32 component;

	for (component = 2; component < 63; component++) {
		if (!(xcr0 & BIT_ULL(component)))
			continue;
		cpuid_host_leaf(host, 0xd, component, &regs);
		bytes = max(bytes, regs.eax + regs.ebx);
	}
	return bytes;
}

/* A bit of CR4, and the bit of CPUID that it needs. */
static const struct {
	u8 cr4_bit, cpuid_bit;
	u8 leaf;
	bool ecx;			/* else EBX */
} cr4_needs[] = {
	{ 11, 2, 7, true },		/* UMIP */
	{ 16, 0, 7, false },		/* FSGSBASE */
	{ 17, 17, 1, true },		/* PCIDE */
	{ 20, 7, 7, false },		/* SMEP */
	{ 21, 20, 7, false },		/* SMAP */
};

#define CR4_ALWAYS	GENMASK_ULL(10, 0)	/* VME to OSXMMEXCPT */
#define CR4_OSXSAVE	BIT_ULL(18)
#define CR4_PKE		BIT_ULL(22)

u64 cpuid_cr4_supported(const struct cpuid_host *host, u64 xcr0)
{
	u64 cr4 = CR4_ALWAYS | (xcr0 ? CR4_OSXSAVE : 0) | (xcr0 & XCR0_PKRU ? CR4_PKE : 0);
	struct cpuid_result regs;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cr4_needs); i++) {
		cpuid_host_leaf(host, cr4_needs[i].leaf, 0, &regs);
		if ((cr4_needs[i].ecx ? regs.ecx : regs.ebx) & BIT(cr4_needs[i].cpuid_bit))
			cr4 |= BIT_ULL(cr4_needs[i].cr4_bit);
	}
	return cr4;
}

/* The evaluator */

/* The leaf that answers: of a range, the highest for those beyond it; of a hypervisor's, the first of all. */
static u32 leaf_clamp(const struct cpuid_query *query, u32 leaf)
{
	u32 base = range_base(leaf);
	u32 highest = leaf_highest(query, base);

	if (base == 0 || base == EXT_BASE)
		return min(leaf, highest);
	return leaf <= highest ? leaf : HYPERVISOR_BASE;
}

static void signature_set(struct cpuid_result *regs, const char *signature)
{
	memcpy(&regs->ebx, signature, 4);
	memcpy(&regs->ecx, signature + 4, 4);
	memcpy(&regs->edx, signature + 8, 4);
}

/* @query->leaf is in a range of hypervisors' leaves, and at most its highest. */
static void hypervisor_leaf(const struct cpuid_query *query, struct cpuid_result *regs)
{
	u32 leaf = query->leaf;

	regs_clear(regs);
	if (leaf == range_base(leaf))
		regs->eax = leaf_highest(query, leaf);
	if (leaf == HYPERVISOR_BASE)
		signature_set(regs, "bhyve bhyve ");
	else if (leaf == PVCLOCK_BASE && query->policy->pvclock)
		signature_set(regs, "KVMKVMKVM\0\0");
	else if (leaf == PVCLOCK_FEATURES && query->policy->pvclock)
		regs->eax = FPV_EAX;
}

static void regs_mask(struct cpuid_result *regs, const struct cpuid_result *keep,
		      const struct cpuid_result *set)
{
	regs->eax = (regs->eax & keep->eax) | set->eax;
	regs->ebx = (regs->ebx & keep->ebx) | set->ebx;
	regs->ecx = (regs->ecx & keep->ecx) | set->ecx;
	regs->edx = (regs->edx & keep->edx) | set->edx;
}

static void row_evaluate(const struct cpuid_row *row, const struct cpuid_query *query, struct cpuid_result *regs)
{
	struct cpuid_result pass = row->pass;
	static const struct cpuid_result all = { ALL, ALL, ALL, ALL };

	if (query->policy->wide)
		regs_mask(&pass, &all, &row->wide);
	regs_mask(regs, &pass, &row->force);
	if (row->finish)
		row->finish(query, regs);
}

static void rules_apply(const struct cpuid_query *query, struct cpuid_result *regs)
{
	const struct cpuid_rules *rules = query->policy->rules;
	const struct cpuid_rule *rule;

	for (rule = rules->rule; rule < rules->rule + rules->count; rule++)
		if (rule->leaf == query->leaf &&
		    (!rule->one_subleaf || rule->subleaf == query->subleaf))
			regs_mask(regs, &rule->keep, &rule->set);
}

/* The row of @leaf, or NULL: it is in a hypervisor's range, or beyond what is cached. */
static const struct cpuid_row *row_find(u32 leaf)
{
	const struct cpuid_row *rows = leaf >= EXT_BASE ? ext_rows : basic_rows;
	u32 index = leaf & ~EXT_BASE;

	if (index >= CPUID_CACHE_LEAVES)
		return NULL;
	return &rows[array_index_nospec(index, CPUID_CACHE_LEAVES)];
}

void cpuid_emulate(const struct cpuid_host *host, const struct cpuid_policy *policy,
		   const struct cpuid_vcpu *vcpu, u32 leaf, u32 subleaf,
		   struct cpuid_result *regs, u64 *unruled)
{
	struct cpuid_query query = { .host = host, .policy = policy, .vcpu = vcpu, .subleaf = subleaf };
	const struct cpuid_row *row;

	query.leaf = leaf_clamp(&query, leaf);
	row = row_find(query.leaf);
	cpuid_host_leaf(host, query.leaf, subleaf, regs);
	if (range_base(query.leaf) != 0 && range_base(query.leaf) != EXT_BASE)
		hypervisor_leaf(&query, regs);
	else if (row && row->ruled)
		row_evaluate(row, &query, regs);
	else if (host_has_leaf(host, query.leaf))
		(*unruled)++;
	if (policy->rules)
		rules_apply(&query, regs);
	if (row && row->state)
		row->state(&query, regs);
}
