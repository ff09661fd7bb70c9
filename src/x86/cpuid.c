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
#define F7_ECX_VAES		BIT(9)
#define F7_ECX_VPCLMULQDQ	BIT(10)
#define F7_ECX_RDPID		BIT(22)
#define F7_EDX_MD_CLEAR		BIT(10)

/* Leaf 0xD */
#define FD_1_EAX_XSAVEOPT	BIT(0)
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
	u32 subleaf;
};

/* A leaf's rule: answer = (host & pass) | force, then finished by @finish. */
struct cpuid_row {
	bool ruled;
	bool one_subleaf;	/* zeros for ECX other than 0 */
	struct cpuid_result pass, force;
	void (*finish)(const struct cpuid_query *query, struct cpuid_result *regs);
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

static void finish_00000000(const struct cpuid_query *query, struct cpuid_result *regs)
{
	regs->eax = query->host->basic_max;
}

static void finish_00000001(const struct cpuid_query *query, struct cpuid_result *regs)
{
	const struct cpuid_policy *policy = query->policy;
	const struct cpuid_vcpu *vcpu = query->vcpu;

	regs->ebx |= min(threads_per_package(policy), 0xffu) << 16;
	regs->ebx |= vcpu->apic_id << 24;
	if (!policy->xcr0_permitted)
		regs->ecx &= ~F1_ECX_XSAVE;
	if (!simd_ymm(query))
		regs->ecx &= ~(F1_ECX_AVX | F1_ECX_FMA | F1_ECX_F16C);
	if (vcpu->x2apic)
		regs->ecx |= F1_ECX_X2APIC;
	if (policy->tsc_deadline)
		regs->ecx |= F1_ECX_TSC_DEADLINE;
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

static void finish_00000007(const struct cpuid_query *query, struct cpuid_result *regs)
{
	if (!query->vcpu->invpcid)
		regs->ebx &= ~F7_EBX_INVPCID;
	if (!query->vcpu->rdpid)
		regs->ecx &= ~F7_ECX_RDPID;
	if (!simd_ymm(query)) {
		regs->ebx &= ~F7_EBX_AVX2;
		regs->ecx &= ~(F7_ECX_VAES | F7_ECX_VPCLMULQDQ);
	}
	if (!simd_zmm(query))
		regs->ebx &= ~F7_EBX_AVX512;
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
	regs->edx = query->vcpu->apic_id;
	if (level < ARRAY_SIZE(threads)) {
		level = array_index_nospec(level, ARRAY_SIZE(threads));
		regs->eax = id_bits(threads[level]);
		regs->ebx = threads[level];
		regs->ecx |= (level + 1) << 8;
	}
}

/* Subleaf 0: what XCR0 may have, and the sizes for what it has and for all of that. */
static void xsave_main(const struct cpuid_query *query, struct cpuid_result *regs)
{
	u64 permitted = query->policy->xcr0_permitted;

	regs->eax &= permitted;
	regs->ebx = cpuid_xsave_bytes(query->host, query->vcpu->xcr0 & permitted);
	regs->ecx = query->policy->xsave_max_bytes;
	regs->edx &= permitted >> 32;
}

static void finish_0000000d(const struct cpuid_query *query, struct cpuid_result *regs)
{
	u64 permitted = query->policy->xcr0_permitted;
	u32 xsaveopt = regs->eax & FD_1_EAX_XSAVEOPT;

	if (permitted && query->subleaf == 0) {
		xsave_main(query, regs);
	} else if (permitted && query->subleaf == 1) {
		regs_clear(regs);
		regs->eax = xsaveopt;
	} else if (query->subleaf < 64 && (permitted & BIT_ULL(query->subleaf))) {
		regs->ecx &= FD_N_ECX_ALIGN;
		regs->edx = 0;
	} else {
		regs_clear(regs);
	}
}

static void finish_80000000(const struct cpuid_query *query, struct cpuid_result *regs)
{
	regs->eax = query->host->ext_max;
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

static void finish_8000001e(const struct cpuid_query *query, struct cpuid_result *regs)
{
	const struct cpuid_policy *policy = query->policy;
	u32 id = query->vcpu->apic_id;
	u32 threads = max_t(u32, policy->threads, 1);

	if (policy->vendor != CPUID_AMD || host_family(query->host) < 0x16)
		return;
	regs->eax = id;
	regs->ebx = min(threads - 1, 0xffu) << 8 | ((id >> id_bits(threads)) & 0xff);
	regs->ecx = (id >> id_bits(threads_per_package(policy))) & 0xff;
}

#define ALL			(~0u)
#define PASS			{ .ruled = true, .pass = { ALL, ALL, ALL, ALL } }
#define ZERO			{ .ruled = true }
#define FINISH(function)	{ .ruled = true, .pass = { ALL, ALL, ALL, ALL }, .finish = (function) }
#define SYNTHESIZE(function)	{ .ruled = true, .finish = (function) }

static const struct cpuid_row basic_rows[CPUID_CACHE_LEAVES] = {
	[0x00] = FINISH(finish_00000000),
	[0x01] = {
		.ruled = true,
		.pass = { ALL, 0x0000ffff, F1_ECX_PASS, F1_EDX_PASS },
		.force = { 0, 0, F1_ECX_HYPERVISOR, F1_EDX_FORCE },
		.finish = finish_00000001,
	},
	[0x02] = PASS,
	[0x03] = PASS,
	[0x04] = { .ruled = true, .pass = { GENMASK(13, 0), ALL, ALL, ALL }, .finish = finish_00000004 },
	[0x05] = ZERO,
	[0x06] = { .ruled = true, .force = { .eax = F6_EAX_ARAT } },
	[0x07] = {
		.ruled = true,
		.one_subleaf = true,
		.pass = { 0, F7_EBX_PASS, F7_ECX_VAES | F7_ECX_VPCLMULQDQ | F7_ECX_RDPID, F7_EDX_MD_CLEAR },
		.finish = finish_00000007,
	},
	[0x09] = ZERO,
	[0x0a] = ZERO,
	[0x0b] = SYNTHESIZE(finish_0000000b),
	[0x0d] = FINISH(finish_0000000d),
	[0x0f] = ZERO,
	[0x10] = ZERO,
	[0x12] = ZERO,
	[0x14] = ZERO,
	[0x15] = ZERO,
	[0x19 ... 0x29] = ZERO,
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
	[0x1e] = SYNTHESIZE(finish_8000001e),
	[0x1f] = ZERO,
	[0x20] = ZERO,
	[0x21] = { .ruled = true, .pass = { .eax = F821_EAX_PASS } },
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

/* The evaluator */

static u32 leaf_clamp(const struct cpuid_host *host, u32 leaf)
{
	if (leaf >= EXT_BASE)
		return min(leaf, host->ext_max);
	if (leaf >= HYPERVISOR_BASE)
		return HYPERVISOR_BASE;
	return min(leaf, host->basic_max);
}

static void hypervisor_leaf(struct cpuid_result *regs)
{
	regs->eax = HYPERVISOR_BASE;
	memcpy(&regs->ebx, "bhyv", 4);
	memcpy(&regs->ecx, "e bh", 4);
	memcpy(&regs->edx, "yve ", 4);
}

static void row_evaluate(const struct cpuid_row *row, const struct cpuid_query *query, struct cpuid_result *regs)
{
	if (row->one_subleaf && query->subleaf) {
		regs_clear(regs);
		return;
	}
	regs->eax = (regs->eax & row->pass.eax) | row->force.eax;
	regs->ebx = (regs->ebx & row->pass.ebx) | row->force.ebx;
	regs->ecx = (regs->ecx & row->pass.ecx) | row->force.ecx;
	regs->edx = (regs->edx & row->pass.edx) | row->force.edx;
	if (row->finish)
		row->finish(query, regs);
}

void cpuid_emulate(const struct cpuid_host *host, const struct cpuid_policy *policy,
		   const struct cpuid_vcpu *vcpu, u32 leaf, u32 subleaf,
		   struct cpuid_result *regs, u64 *unruled)
{
	const struct cpuid_query query = { .host = host, .policy = policy, .vcpu = vcpu, .subleaf = subleaf };
	const struct cpuid_row *rows;
	u32 index;

	leaf = leaf_clamp(host, leaf);
	if (leaf == HYPERVISOR_BASE) {
		hypervisor_leaf(regs);
		return;
	}
	cpuid_host_leaf(host, leaf, subleaf, regs);
	rows = leaf >= EXT_BASE ? ext_rows : basic_rows;
	/* leaf_clamp() left at most CPUID_CACHE_LEAVES of each range. */
	index = array_index_nospec(leaf & ~EXT_BASE, CPUID_CACHE_LEAVES);
	if (rows[index].ruled)
		row_evaluate(&rows[index], &query, regs);
	else
		(*unruled)++;
}
