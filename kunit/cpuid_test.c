// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * CPUID of src/x86/cpuid.c: every feature bit by its class, and whole answers for
 * two synthetic hosts, a Haswell desktop and a Zen 3 EPYC.
 */
#include <kunit/test.h>
#include <linux/bits.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/string.h>

#include "../src/x86/cpuid.h"

#define ANY_SUBLEAF	~0u

struct leaf_row {
	u32 leaf, subleaf;	/* ANY_SUBLEAF: ECX does not matter */
	struct cpuid_result regs;
};

/* The host that the query callback answers for. */
static const struct leaf_row *host_rows;
static int host_queries;

static void host_query(u32 leaf, u32 subleaf, struct cpuid_result *regs)
{
	const struct leaf_row *row;

	host_queries++;
	memset(regs, 0, sizeof(*regs));
	for (row = host_rows; row->leaf != ANY_SUBLEAF; row++) {
		if (row->leaf == leaf && (row->subleaf == subleaf || row->subleaf == ANY_SUBLEAF))
			*regs = row->regs;
	}
}

static struct cpuid_host host;	/* too large for a stack */

static void host_load(struct kunit *test, const struct leaf_row *rows)
{
	memset(&host, 0x5a, sizeof(host));
	host.query = host_query;
	host_rows = rows;
	KUNIT_EXPECT_EQ(test, cpuid_cache_init(&host), 0);
}

static const struct leaf_row haswell_rows[] = {
	{ 0x0, ANY_SUBLEAF, { 0xd, 0x756e6547, 0x6c65746e, 0x49656e69 } },
	{ 0x1, ANY_SUBLEAF, { 0x000306c3, 0x02100800, 0x7ffafbbf, 0xbfebfbff } },
	{ 0x2, ANY_SUBLEAF, { 0x76036301, 0x00f0b5ff, 0x00000000, 0x00c10000 } },
	{ 0x4, 0, { 0x1c004121, 0x01c0003f, 0x0000003f, 0 } },
	{ 0x4, 1, { 0x1c004122, 0x01c0003f, 0x0000003f, 0 } },
	{ 0x4, 2, { 0x1c004143, 0x01c0003f, 0x000001ff, 0 } },
	{ 0x4, 3, { 0x1c03c163, 0x03c0003f, 0x00001fff, 0x6 } },
	{ 0x5, ANY_SUBLEAF, { 0x40, 0x40, 0x3, 0x42120 } },
	{ 0x6, ANY_SUBLEAF, { 0x77, 0x2, 0x9, 0 } },
	{ 0x7, 0, { 0, 0x000027ab, 0, 0x9c000400 } },
	{ 0xa, ANY_SUBLEAF, { 0x07300403, 0, 0, 0x603 } },
	{ 0xb, 0, { 0x1, 0x2, 0x100, 0x2 } },
	{ 0xb, 1, { 0x4, 0x8, 0x201, 0x2 } },
	{ 0xd, 0, { 0x7, 0x340, 0x340, 0 } },
	{ 0xd, 1, { 0x1, 0, 0, 0 } },
	{ 0xd, 2, { 0x100, 0x240, 0, 0 } },
	{ 0x80000000, ANY_SUBLEAF, { 0x80000008, 0, 0, 0 } },
	{ 0x80000001, ANY_SUBLEAF, { 0, 0, 0x21, 0x2c100800 } },
	{ 0x80000002, ANY_SUBLEAF, { 0x65746e49, 0x2952286c, 0x726f4320, 0x4d542865 } },
	{ 0x80000003, ANY_SUBLEAF, { 0x37692029, 0x3737342d, 0x50432030, 0x20402055 } },
	{ 0x80000004, ANY_SUBLEAF, { 0x30342e33, 0x007a4847, 0, 0 } },
	{ 0x80000006, ANY_SUBLEAF, { 0, 0, 0x01006040, 0 } },
	{ 0x80000007, ANY_SUBLEAF, { 0, 0, 0, 0x100 } },
	{ 0x80000008, ANY_SUBLEAF, { 0x3027, 0, 0, 0 } },
	{ ANY_SUBLEAF }
};

static const struct leaf_row epyc_rows[] = {
	{ 0x0, ANY_SUBLEAF, { 0x10, 0x68747541, 0x444d4163, 0x69746e65 } },
	{ 0x1, ANY_SUBLEAF, { 0x00a00f11, 0x07100800, 0x7efa320b, 0x178bfbff } },
	{ 0x5, ANY_SUBLEAF, { 0x40, 0x40, 0x3, 0x11 } },
	{ 0x6, ANY_SUBLEAF, { 0x4, 0, 0x1, 0 } },
	{ 0x7, 0, { 0, 0x219c97a9, 0x0040069c, 0x10 } },
	{ 0xb, 0, { 0x1, 0x2, 0x100, 0x7 } },
	{ 0xb, 1, { 0x7, 0x80, 0x201, 0x7 } },
	{ 0xd, 0, { 0x207, 0x988, 0x988, 0 } },
	{ 0xd, 1, { 0xf, 0x348, 0x1800, 0 } },
	{ 0xd, 2, { 0x100, 0x240, 0, 0 } },
	{ 0xd, 9, { 0x8, 0x980, 0, 0 } },
	{ 0xd, 11, { 0x10, 0, 0x1, 0 } },
	{ 0xf, 0, { 0, 0xff, 0, 0x2 } },
	{ 0x10, 0, { 0, 0x2, 0, 0 } },
	{ 0x80000000, ANY_SUBLEAF, { 0x80000023, 0x68747541, 0x444d4163, 0x69746e65 } },
	{ 0x80000001, ANY_SUBLEAF, { 0x00a00f11, 0x40000000, 0x75c237ff, 0x2fd3fbff } },
	{ 0x80000002, ANY_SUBLEAF, { 0x20444d41, 0x43595045, 0x31333720, 0x36312033 } },
	{ 0x80000003, ANY_SUBLEAF, { 0x726f432d, 0x72502065, 0x7365636f, 0x20726f73 } },
	{ 0x80000004, ANY_SUBLEAF, { 0x20202020, 0x20202020, 0x20202020, 0x00202020 } },
	{ 0x80000005, ANY_SUBLEAF, { 0xff40ff40, 0xff40ff40, 0x20080140, 0x20080140 } },
	{ 0x80000006, ANY_SUBLEAF, { 0x48002200, 0x68004200, 0x02006140, 0x01009140 } },
	{ 0x80000007, ANY_SUBLEAF, { 0, 0x3b, 0, 0x6799 } },
	{ 0x80000008, ANY_SUBLEAF, { 0x00003030, 0x191ef657, 0x701f, 0x10000 } },
	{ 0x8000000a, ANY_SUBLEAF, { 0x1, 0x8000, 0, 0x101bbcff } },
	{ 0x80000019, ANY_SUBLEAF, { 0xf048f040, 0xf0400000, 0, 0 } },
	{ 0x8000001a, ANY_SUBLEAF, { 0x6, 0, 0, 0 } },
	{ 0x8000001b, ANY_SUBLEAF, { 0x3ff, 0, 0, 0 } },
	{ 0x8000001c, ANY_SUBLEAF, { 0x1, 0x2, 0x3, 0x4 } },
	{ 0x8000001d, 0, { 0x4121, 0x01c0003f, 0x3f, 0 } },
	{ 0x8000001d, 1, { 0x4122, 0x01c0003f, 0x3f, 0 } },
	{ 0x8000001d, 2, { 0x4143, 0x01c0003f, 0x3ff, 0x2 } },
	{ 0x8000001d, 3, { 0x3c163, 0x03c0003f, 0x7fff, 0x1 } },
	{ 0x8000001e, ANY_SUBLEAF, { 0x7, 0x103, 0, 0 } },
	{ 0x8000001f, ANY_SUBLEAF, { 0x1780f, 0x173, 0x1fd, 0x1 } },
	{ 0x80000020, ANY_SUBLEAF, { 0, 0x2, 0, 0 } },
	{ 0x80000021, ANY_SUBLEAF, { 0x2d, 0, 0, 0 } },
	{ 0x80000022, ANY_SUBLEAF, { 0x7, 0x84106, 0xff, 0 } },
	{ 0x80000023, ANY_SUBLEAF, { 0x1, 0, 0, 0 } },
	{ ANY_SUBLEAF }
};

static const struct cpuid_policy haswell_policy = {
	.vendor = CPUID_INTEL, .sockets = 1, .cores = 4, .threads = 2, .xcr0_permitted = 7, .xsave_max_bytes = 0x340,
	.leaf_b = true, .tsc_invariant = true, .tsc_deadline = true, .tsc_khz = 3400000,
};

static const struct cpuid_vcpu haswell_vcpu = {
	.apic_id = 5, .x2apic = false, .osxsave = true, .xcr0 = 7, .rdtscp = true, .invpcid = true,
};

static const struct cpuid_policy epyc_policy = {
	.vendor = CPUID_AMD, .sockets = 1, .cores = 4, .threads = 2, .xcr0_permitted = 7, .xsave_max_bytes = 0x340,
	.leaf_b = true, .tsc_invariant = true, .tsc_deadline = true, .tsc_khz = 3000000,
};

static const struct cpuid_vcpu epyc_vcpu = { .apic_id = 5, .x2apic = true, .osxsave = true, .xcr0 = 3 };

struct golden {
	u32 leaf, subleaf;
	struct cpuid_result regs;
	u64 unruled;
};

static const struct golden haswell_golden[] = {
	{ 0x0, 0, { 0xd, 0x756e6547, 0x6c65746e, 0x49656e69 } },
	{ 0x1, 0, { 0x000306c3, 0x05080800, 0xffda3203, 0x1f8bfbff } },
	{ 0x1, 7, { 0x000306c3, 0x05080800, 0xffda3203, 0x1f8bfbff } },
	{ 0x2, 0, { 0x76036301, 0x00f0b5ff, 0x00000000, 0x00c10000 } },
	{ 0x3, 0, { 0 } },
	{ 0x4, 0, { 0x0c004121, 0x01c0003f, 0x0000003f, 0 } },
	{ 0x4, 1, { 0x0c004122, 0x01c0003f, 0x0000003f, 0 } },
	{ 0x4, 2, { 0x0c004143, 0x01c0003f, 0x000001ff, 0 } },
	{ 0x4, 3, { 0x0c01c163, 0x03c0003f, 0x00001fff, 0x6 } },
	{ 0x4, 4, { 0 } },
	{ 0x4, 0xffffffff, { 0 } },
	{ 0x5, 0, { 0 } },
	{ 0x6, 0, { 0x4 } },
	{ 0x7, 0, { 0, 0x7a9, 0, 0x400 } },
	{ 0x7, 1, { 0 } },
	{ 0x7, 0x80000000, { 0 } },
	{ 0x8, 0, { 0 }, 1 },
	{ 0x9, 0, { 0 } },
	{ 0xa, 0, { 0 } },
	{ 0xb, 0, { 1, 2, 0x100, 5 } },
	{ 0xb, 1, { 3, 8, 0x201, 5 } },
	{ 0xb, 2, { 0, 0, 0x002, 5 } },
	{ 0xb, 0x1ff, { 0, 0, 0x0ff, 5 } },
	{ 0xc, 0, { 0 }, 1 },
	{ 0xd, 0, { 0x7, 0x340, 0x340, 0 } },
	{ 0xd, 1, { 0x1 } },
	{ 0xd, 2, { 0x100, 0x240, 0, 0 } },
	{ 0xd, 3, { 0 } },
	{ 0xd, 64, { 0 } },
	{ 0xe, 1, { 0x1 } },			/* clamped to 0xd */
	{ 0x3fffffff, 2, { 0x100, 0x240, 0, 0 } },
	{ 0x40000000, 0, { 0x40000000, 0x76796862, 0x68622065, 0x20657679 } },
	{ 0x40000001, 0, { 0x40000000, 0x76796862, 0x68622065, 0x20657679 } },
	{ 0x7fffffff, 0, { 0x40000000, 0x76796862, 0x68622065, 0x20657679 } },
	{ 0x80000000, 0, { 0x80000008 } },
	{ 0x80000001, 0, { 0, 0, 0x21, 0x2c100800 } },
	{ 0x80000002, 0, { 0x65746e49, 0x2952286c, 0x726f4320, 0x4d542865 } },
	{ 0x80000003, 0, { 0x37692029, 0x3737342d, 0x50432030, 0x20402055 } },
	{ 0x80000004, 0, { 0x30342e33, 0x007a4847, 0, 0 } },
	{ 0x80000005, 0, { 0 }, 1 },
	{ 0x80000006, 0, { 0, 0, 0x01006040, 0 } },
	{ 0x80000007, 0, { 0, 0, 0, 0x100 } },
	{ 0x80000008, 0, { 0x3027 } },
	{ 0x80000009, 0, { 0x3027 } },		/* clamped */
	{ 0x8000001e, 0, { 0x3027 } },
	{ 0xffffffff, 0, { 0x3027 } },
};

static const struct golden epyc_golden[] = {
	{ 0x0, 0, { 0x10, 0x68747541, 0x444d4163, 0x69746e65 } },
	{ 0x1, 0, { 0x00a00f11, 0x05080800, 0xfffa3203, 0x178bfbff } },
	{ 0x2, 0, { 0 } },
	{ 0x4, 0, { 0 } },
	{ 0x5, 0, { 0 } },
	{ 0x6, 0, { 0x4 } },
	{ 0x7, 0, { 0, 0x201403a9, 0x600, 0 } },
	{ 0xb, 0, { 0 } },
	{ 0xb, 1, { 0 } },
	{ 0xd, 0, { 0x7, 0x240, 0x340, 0 } },
	{ 0xd, 1, { 0x1 } },
	{ 0xd, 2, { 0x100, 0x240, 0, 0 } },
	{ 0xd, 9, { 0 } },
	{ 0xd, 11, { 0 } },
	{ 0xf, 0, { 0 } },
	{ 0x10, 0, { 0 } },
	{ 0x11, 0, { 0 } },
	{ 0x40000000, 0, { 0x40000000, 0x76796862, 0x68622065, 0x20657679 } },
	{ 0x80000000, 0, { 0x80000023, 0x68747541, 0x444d4163, 0x69746e65 } },
	{ 0x80000001, 0, { 0x00a00f11, 0x40000000, 0x004201f3, 0x27d3fbff } },
	{ 0x80000002, 0, { 0x20444d41, 0x43595045, 0x31333720, 0x36312033 } },
	{ 0x80000005, 0, { 0xff40ff40, 0xff40ff40, 0x20080140, 0x20080140 }, 1 },
	{ 0x80000006, 0, { 0x48002200, 0x68004200, 0x02006140, 0x01009140 } },
	{ 0x80000007, 0, { 0, 0, 0, 0x100 } },
	{ 0x80000008, 0, { 0x3030, 0x7, 0x3007, 0 } },
	{ 0x8000000a, 0, { 0 } },
	{ 0x80000019, 0, { 0xf048f040, 0xf0400000, 0, 0 }, 1 },
	{ 0x8000001a, 0, { 0x6 }, 1 },
	{ 0x8000001b, 0, { 0 } },
	{ 0x8000001c, 0, { 0 } },
	{ 0x8000001d, 0, { 0x4121, 0x01c0003f, 0x3f, 0 } },
	{ 0x8000001d, 1, { 0x4143, 0x01c0003f, 0x3ff, 0x2 } },
	{ 0x8000001d, 2, { 0x1c163, 0x03c0003f, 0x7fff, 0x1 } },
	{ 0x8000001d, 3, { 0 } },
	{ 0x8000001e, 0, { 0x5, 0x102, 0, 0 } },
	{ 0x8000001f, 0, { 0 } },
	{ 0x80000020, 0, { 0 } },
	{ 0x80000021, 0, { 0x5 } },
	{ 0x80000022, 0, { 0 } },
	{ 0x80000023, 0, { 0 } },
	{ 0x80000024, 0, { 0 } },
};

static void golden_verify(struct kunit *test, const struct golden *golden, int count,
			  const struct cpuid_policy *policy, const struct cpuid_vcpu *vcpu)
{
	struct cpuid_result regs;
	u64 unruled;
	int i;

	for (i = 0; i < count; i++, golden++) {
		u32 leaf = golden->leaf, subleaf = golden->subleaf;

		unruled = 41;
		memset(&regs, 0xa5, sizeof(regs));
		cpuid_emulate(&host, policy, vcpu, leaf, subleaf, &regs, &unruled);
		KUNIT_EXPECT_EQ_MSG(test, regs.eax, golden->regs.eax, "EAX of 0x%x.0x%x", leaf, subleaf);
		KUNIT_EXPECT_EQ_MSG(test, regs.ebx, golden->regs.ebx, "EBX of 0x%x.0x%x", leaf, subleaf);
		KUNIT_EXPECT_EQ_MSG(test, regs.ecx, golden->regs.ecx, "ECX of 0x%x.0x%x", leaf, subleaf);
		KUNIT_EXPECT_EQ_MSG(test, regs.edx, golden->regs.edx, "EDX of 0x%x.0x%x", leaf, subleaf);
		KUNIT_EXPECT_EQ_MSG(test, unruled, 41 + golden->unruled, "unruled of 0x%x.0x%x", leaf, subleaf);
	}
}

static void cpuid_haswell(struct kunit *test)
{
	int queries;

	host_load(test, haswell_rows);
	queries = host_queries;
	golden_verify(test, haswell_golden, ARRAY_SIZE(haswell_golden), &haswell_policy, &haswell_vcpu);
	KUNIT_EXPECT_EQ(test, host_queries, queries);
}

static void cpuid_epyc(struct kunit *test)
{
	int queries;

	host_load(test, epyc_rows);
	queries = host_queries;
	golden_verify(test, epyc_golden, ARRAY_SIZE(epyc_golden), &epyc_policy, &epyc_vcpu);
	KUNIT_EXPECT_EQ(test, host_queries, queries);
}

/*
 * Every bit of the feature registers, 31 first. P: the host's; -: 0; 1: 1; p:
 * the host's, if the VM or vCPU has what it takes; S: by state alone.
 */
enum reg { EAX, EBX, ECX, EDX };

struct bit_classes {
	u32 leaf;
	enum reg reg;
	const char *classes;
};

static const struct bit_classes common_classes[] = {
	{ 0x1, ECX, "1Ppp ppPS PPSP P-P- --Pp --P- ---- --PP" },
	{ 0x1, EDX, "---1 PPPP P--- P-PP P1P1 P-PP 1PPP PPPP" },
	{ 0x6, EAX, "---- ---- ---- ---- ---- ---- ---- -1--" },
	{ 0x6, EBX, "---- ---- ---- ---- ---- ---- ---- ----" },
	{ 0x6, ECX, "---- ---- ---- ---- ---- ---- ---- ----" },
	{ 0x7, EAX, "---- ---- ---- ---- ---- ---- ---- ----" },
	{ 0x7, EBX, "ppPp pp-- ---P -Ppp ---- PpPP P-pP P--P" },
	{ 0x7, ECX, "---- ---- -p-- ---- ---- -pp- ---- ----" },
	{ 0x7, EDX, "---- ---- ---- ---- ---- -P-- ---- ----" },
	{ 0x80000001, ECX, "---- ---- -PP- --Pp ---- p--P PPPP --PP" },
	{ 0x80000001, EDX, "PPP- pPPP PP-P P-PP PPPP P-PP PPPP PPPP" },
	{ 0x80000007, EAX, "---- ---- ---- ---- ---- ---- ---- ----" },
	{ 0x80000007, EBX, "---- ---- ---- ---- ---- ---- ---- ----" },
	{ 0x80000007, ECX, "---- ---- ---- ---- ---- ---- ---- ----" },
	{ 0x80000007, EDX, "---- ---- ---- ---- ---- ---p ---- ----" },
	{ 0x80000008, EDX, "---- ---- ---- ---- ---- ---- ---- ----" },
	{ 0x80000021, EAX, "-PP- ---- ---- ---- ---- ---- -P-- -P-P" },
};

static const struct bit_classes amd_classes[] = {
	{ 0x80000008, EBX, "---- ---- ---- ---- ---- ---- ---- -PPP" },
};

static const struct bit_classes intel_classes[] = {
	{ 0x80000008, EBX, "---- ---- ---- ---- ---- --P- ---- ----" },
	{ 0x80000008, ECX, "---- ---- ---- ---- ---- ---- ---- ----" },
};

/* Leaves that are 0 whatever the host says and whatever ECX is. */
static const u32 zero_leaves[] = {
	0x5, 0x9, 0xa, 0xf, 0x10, 0x12, 0x14, 0x15, 0x19, 0x1a, 0x1b, 0x1c, 0x1d, 0x1e, 0x1f, 0x20, 0x21, 0x23, 0x24, 0x27, 0x28,
	0x8000000a, 0x8000001b, 0x8000001c, 0x8000001f, 0x80000020, 0x80000022, 0x80000023, 0x80000025, 0x80000026,
};

static u32 host_fill;

static void fill_query(u32 leaf, u32 subleaf, struct cpuid_result *regs)
{
	*regs = (struct cpuid_result){ host_fill, host_fill, host_fill, host_fill };
	if (leaf == 0)
		regs->eax = 0x28;
	if (leaf == 0x80000000)
		regs->eax = 0x80000028;
}

static u32 reg_value(const struct cpuid_result *regs, enum reg reg)
{
	switch (reg) {
	case EAX:
		return regs->eax;
	case EBX:
		return regs->ebx;
	case ECX:
		return regs->ecx;
	default:
		return regs->edx;
	}
}

static bool class_value(char class, bool in_host, bool state)
{
	switch (class) {
	case 'P':
		return in_host;
	case '1':
		return true;
	case 'p':
		return in_host && state;
	case 'S':
		return state;
	default:
		return false;
	}
}

static u32 classes_value(const char *classes, bool in_host, bool state)
{
	u32 value = 0;

	for (; *classes; classes++) {
		if (*classes != ' ')
			value = value << 1 | class_value(*classes, in_host, state);
	}
	return value;
}

static const struct cpuid_vcpu vcpu_all = {
	.x2apic = true, .osxsave = true, .xcr0 = 1, .rdpid = true, .rdtscp = true, .invpcid = true,
};

static const struct cpuid_vcpu vcpu_none = { 0 };

static void classes_verify(struct kunit *test, const struct bit_classes *row, int count,
			   enum cpuid_vendor vendor, bool state)
{
	struct cpuid_policy policy = {
		.vendor = vendor, .sockets = 1, .cores = 1, .threads = 1,
		.xcr0_permitted = state ? 0xe7 : 0, .tsc_invariant = state, .tsc_deadline = state,
	};
	struct cpuid_result regs;
	u64 unruled = 0;
	int i;

	for (i = 0; i < count; i++, row++) {
		cpuid_emulate(&host, &policy, state ? &vcpu_all : &vcpu_none, row->leaf, 0, &regs, &unruled);
		KUNIT_EXPECT_EQ_MSG(test, reg_value(&regs, row->reg), classes_value(row->classes, host_fill, state),
				    "leaf 0x%x, register %d, host 0x%x, state %d", row->leaf, row->reg, host_fill, state);
	}
	KUNIT_EXPECT_EQ(test, unruled, 0);
}

static void zeros_verify(struct kunit *test, const struct cpuid_policy *policy)
{
	static const u32 subleaves[] = { 0, 1, 2, 3, 64, 0xffffffff };
	struct cpuid_result regs;
	u64 unruled = 0;
	int i, j;

	for (i = 0; i < ARRAY_SIZE(zero_leaves); i++) {
		for (j = 0; j < ARRAY_SIZE(subleaves); j++) {
			cpuid_emulate(&host, policy, &vcpu_all, zero_leaves[i], subleaves[j], &regs, &unruled);
			KUNIT_EXPECT_EQ_MSG(test, regs.eax | regs.ebx | regs.ecx | regs.edx, 0, "leaf 0x%x", zero_leaves[i]);
		}
	}
	KUNIT_EXPECT_EQ(test, unruled, 0);
}

static void host_load_fill(struct kunit *test, u32 fill)
{
	host_fill = fill;
	memset(&host, 0, sizeof(host));
	host.query = fill_query;
	KUNIT_EXPECT_EQ(test, cpuid_cache_init(&host), 0);
}

static void cpuid_bits(struct kunit *test)
{
	int on, vendor, state;

	for (on = 0; on < 2; on++) {
		host_load_fill(test, on ? ~0u : 0);
		for (vendor = CPUID_INTEL; vendor <= CPUID_AMD; vendor++) {
			for (state = 0; state < 2; state++)
				classes_verify(test, common_classes, ARRAY_SIZE(common_classes), vendor, state);
		}
		classes_verify(test, intel_classes, ARRAY_SIZE(intel_classes), CPUID_INTEL, true);
		classes_verify(test, amd_classes, ARRAY_SIZE(amd_classes), CPUID_AMD, true);
		zeros_verify(test, &haswell_policy);
		zeros_verify(test, &epyc_policy);
	}
}

static struct cpuid_result emulate(const struct cpuid_policy *policy, const struct cpuid_vcpu *vcpu, u32 leaf, u32 subleaf)
{
	struct cpuid_result regs;
	u64 unruled = 0;

	cpuid_emulate(&host, policy, vcpu, leaf, subleaf, &regs, &unruled);
	return regs;
}

/* AVX-512 needs all of its three components; AVX and its kin need YMM. */
static void cpuid_simd_by_xcr0(struct kunit *test)
{
	struct cpuid_policy policy = haswell_policy;
	struct cpuid_result regs;

	host_load_fill(test, ~0u);
	policy.xcr0_permitted = 0x67;
	regs = emulate(&policy, &vcpu_all, 7, 0);
	KUNIT_EXPECT_EQ(test, regs.ebx, 0x20140fb9);
	KUNIT_EXPECT_EQ(test, regs.ecx, 0x00400600);
	policy.xcr0_permitted = 3;
	regs = emulate(&policy, &vcpu_all, 7, 0);
	KUNIT_EXPECT_EQ(test, regs.ebx, 0x20140f99);
	KUNIT_EXPECT_EQ(test, regs.ecx, 0x00400000);
	regs = emulate(&policy, &vcpu_all, 1, 0);
	KUNIT_EXPECT_EQ(test, regs.ecx, 0xcffa2203 | BIT(21));
	policy.xcr0_permitted = 0;
	regs = emulate(&policy, &vcpu_all, 1, 0);
	KUNIT_EXPECT_EQ(test, regs.ecx, 0xc3fa2203 | BIT(21));
	regs = emulate(&policy, &vcpu_all, 0x80000001, 0);
	KUNIT_EXPECT_EQ(test, regs.ecx, 0x006201f3);
}

/* Sizes and components of XSAVE follow what the guest has, not what the host has. */
static void cpuid_xsave(struct kunit *test)
{
	struct cpuid_policy policy = epyc_policy;
	struct cpuid_vcpu vcpu = epyc_vcpu;
	struct cpuid_result regs;
	u32 subleaf;

	host_load(test, epyc_rows);
	KUNIT_EXPECT_EQ(test, cpuid_xsave_bytes(&host, 0), 576);
	KUNIT_EXPECT_EQ(test, cpuid_xsave_bytes(&host, 3), 576);
	KUNIT_EXPECT_EQ(test, cpuid_xsave_bytes(&host, 7), 0x340);
	KUNIT_EXPECT_EQ(test, cpuid_xsave_bytes(&host, 0x207), 0x988);
	KUNIT_EXPECT_EQ(test, cpuid_xsave_bytes(&host, ~0ULL), 0x988);
	policy.xcr0_permitted = 0x207;
	policy.xsave_max_bytes = 0x988;
	vcpu.xcr0 = 0x205;
	regs = emulate(&policy, &vcpu, 0xd, 0);
	KUNIT_EXPECT_EQ(test, regs.eax, 0x207);
	KUNIT_EXPECT_EQ(test, regs.ebx, 0x988);
	KUNIT_EXPECT_EQ(test, regs.ecx, 0x988);
	regs = emulate(&policy, &vcpu, 0xd, 9);
	KUNIT_EXPECT_EQ(test, regs.eax, 8);
	KUNIT_EXPECT_EQ(test, regs.ebx, 0x980);
	policy.xcr0_permitted = 0;
	for (subleaf = 0; subleaf < 70; subleaf++) {
		regs = emulate(&policy, &vcpu, 0xd, subleaf);
		KUNIT_EXPECT_EQ_MSG(test, regs.eax | regs.ebx | regs.ecx | regs.edx, 0, "subleaf %u", subleaf);
	}
	policy.xcr0_permitted = 7;
	policy.xsave_max_bytes = 0x340;
	vcpu.xcr0 = ~0ULL;
	regs = emulate(&policy, &vcpu, 0xd, 0);
	KUNIT_EXPECT_EQ(test, regs.ebx, 0x340);
}

/* Fields too small for a topology hold their largest value; a missing topology counts as one. */
static void cpuid_topology_limits(struct kunit *test)
{
	struct cpuid_policy policy = haswell_policy;
	struct cpuid_vcpu vcpu = haswell_vcpu;
	struct cpuid_result regs;

	host_load(test, haswell_rows);
	policy.cores = 0xffff;
	policy.threads = 0xffff;
	vcpu.apic_id = 0x12345;
	KUNIT_EXPECT_EQ(test, emulate(&policy, &vcpu, 1, 0).ebx, 0x45ff0800);
	KUNIT_EXPECT_EQ(test, emulate(&policy, &vcpu, 4, 0).eax, 0xffffc121);
	KUNIT_EXPECT_EQ(test, emulate(&policy, &vcpu, 4, 3).eax, 0xffffc163);
	regs = emulate(&policy, &vcpu, 0xb, 1);
	KUNIT_EXPECT_EQ(test, regs.eax, 16);
	KUNIT_EXPECT_EQ(test, regs.ebx, 0xffff);
	KUNIT_EXPECT_EQ(test, regs.edx, 0x12345);
	policy.cores = 0;
	policy.threads = 0;
	KUNIT_EXPECT_EQ(test, emulate(&policy, &vcpu, 1, 0).ebx, 0x45010800);
	KUNIT_EXPECT_EQ(test, emulate(&policy, &vcpu, 4, 3).eax, 0x163);
	regs = emulate(&policy, &vcpu, 0xb, 0);
	KUNIT_EXPECT_EQ(test, regs.eax, 0);
	KUNIT_EXPECT_EQ(test, regs.ebx, 1);
	policy.cores = 3;
	policy.threads = 1;
	regs = emulate(&policy, &vcpu, 0xb, 1);
	KUNIT_EXPECT_EQ(test, regs.eax, 2);
	KUNIT_EXPECT_EQ(test, regs.ebx, 3);
	policy.leaf_b = false;
	regs = emulate(&policy, &vcpu, 0xb, 1);
	KUNIT_EXPECT_EQ(test, regs.eax | regs.ebx | regs.ecx | regs.edx, 0);
}

static void cpuid_topology_amd(struct kunit *test)
{
	struct cpuid_policy policy = epyc_policy;
	struct cpuid_vcpu vcpu = epyc_vcpu;
	struct cpuid_result regs;

	host_load(test, epyc_rows);
	policy.cores = 0xffff;
	policy.threads = 0xffff;
	KUNIT_EXPECT_EQ(test, emulate(&policy, &vcpu, 0x80000008, 0).ecx, 0xf0ff);
	KUNIT_EXPECT_EQ(test, emulate(&policy, &vcpu, 0x8000001d, 2).eax, 0x3ffc163);
	KUNIT_EXPECT_EQ(test, emulate(&policy, &vcpu, 0x8000001e, 0).ebx, 0xff00);
	policy.cores = 2;
	policy.threads = 2;
	policy.sockets = 2;
	vcpu.apic_id = 7;
	regs = emulate(&policy, &vcpu, 0x8000001e, 0);
	KUNIT_EXPECT_EQ(test, regs.eax, 7);
	KUNIT_EXPECT_EQ(test, regs.ebx, 0x103);
	KUNIT_EXPECT_EQ(test, regs.ecx, 1);
	host.basic[1].eax = 0x00600f20;		/* family 0x15 */
	regs = emulate(&policy, &vcpu, 0x8000001e, 0);
	KUNIT_EXPECT_EQ(test, regs.eax | regs.ebx | regs.ecx | regs.edx, 0);
	host.basic[1].eax = 0x00700f01;		/* family 0x16 */
	KUNIT_EXPECT_EQ(test, emulate(&policy, &vcpu, 0x8000001e, 0).eax, 7);
}

/* A host that does not describe its caches: the guest still sees three. */
static void cpuid_caches_default(struct kunit *test)
{
	struct cpuid_result regs;
	u32 index;

	host_load_fill(test, 0);
	for (index = 0; index < 3; index++) {
		regs = emulate(&epyc_policy, &epyc_vcpu, 0x8000001d, index);
		KUNIT_EXPECT_EQ(test, regs.eax & 0x1f, index ? 3 : 1);
		KUNIT_EXPECT_EQ(test, regs.eax >> 5 & 7, index + 1);
		KUNIT_EXPECT_EQ(test, regs.eax >> 14, index == 2 ? 7 : 1);
		KUNIT_EXPECT_EQ(test, regs.ebx & 0xfff, 63);
		KUNIT_EXPECT_NE(test, regs.ecx, 0);
	}
	regs = emulate(&haswell_policy, &haswell_vcpu, 0x8000001d, 0);
	KUNIT_EXPECT_EQ(test, regs.eax | regs.ebx | regs.ecx | regs.edx, 0);
}

static void cpuid_address_widths(struct kunit *test)
{
	host_load(test, haswell_rows);
	host.ext[8].eax = 0x3934;		/* 57 linear bits, 52 physical */
	KUNIT_EXPECT_EQ(test, emulate(&haswell_policy, &haswell_vcpu, 0x80000008, 0).eax, 0x3034);
	host.ext[8].eax = 0x2024;
	KUNIT_EXPECT_EQ(test, emulate(&haswell_policy, &haswell_vcpu, 0x80000008, 0).eax, 0x2024);
}

static void cpuid_state_bits(struct kunit *test)
{
	struct cpuid_policy policy = haswell_policy;
	struct cpuid_vcpu vcpu = haswell_vcpu;

	host_load(test, haswell_rows);
	vcpu.osxsave = false;
	KUNIT_EXPECT_EQ(test, emulate(&policy, &vcpu, 1, 0).ecx, 0xf7da3203);
	vcpu.x2apic = true;
	KUNIT_EXPECT_EQ(test, emulate(&policy, &vcpu, 1, 0).ecx, 0xf7fa3203);
	policy.tsc_deadline = false;
	KUNIT_EXPECT_EQ(test, emulate(&policy, &vcpu, 1, 0).ecx, 0xf6fa3203);
	policy.tsc_invariant = false;
	KUNIT_EXPECT_EQ(test, emulate(&policy, &vcpu, 0x80000007, 0).edx, 0);
	vcpu.rdtscp = false;
	KUNIT_EXPECT_EQ(test, emulate(&policy, &vcpu, 0x80000001, 0).edx, 0x24100800);
	vcpu.invpcid = false;
	KUNIT_EXPECT_EQ(test, emulate(&policy, &vcpu, 7, 0).ebx, 0x3a9);
	vcpu.rdpid = true;			/* the host has none */
	KUNIT_EXPECT_EQ(test, emulate(&policy, &vcpu, 7, 0).ecx, 0);
}

static u32 odd_basic_max, odd_ext_max;

static void odd_query(u32 leaf, u32 subleaf, struct cpuid_result *regs)
{
	*regs = (struct cpuid_result){ leaf, subleaf, 0x11111111, 0x22222222 };
	if (leaf == 0)
		regs->eax = odd_basic_max;
	if (leaf == 0x80000000)
		regs->eax = odd_ext_max;
}

/* Hosts with more leaves than the cache, with hardly any, and with none. */
static void cpuid_cache_limits(struct kunit *test)
{
	struct cpuid_result regs;
	u64 unruled = 0;

	memset(&host, 0, sizeof(host));
	KUNIT_EXPECT_EQ(test, cpuid_cache_init(&host), -EINVAL);
	host.query = odd_query;
	odd_basic_max = 0xffffffff;
	odd_ext_max = 0x7fffffff;
	KUNIT_EXPECT_EQ(test, cpuid_cache_init(&host), -ENODEV);
	odd_ext_max = 0xffffffff;
	KUNIT_EXPECT_EQ(test, cpuid_cache_init(&host), 0);
	KUNIT_EXPECT_EQ(test, emulate(&epyc_policy, &epyc_vcpu, 0, 0).eax, 0x3f);
	KUNIT_EXPECT_EQ(test, emulate(&epyc_policy, &epyc_vcpu, 0x80000000, 0).eax, 0x8000003f);
	cpuid_emulate(&host, &epyc_policy, &epyc_vcpu, 0x3fffffff, 9, &regs, &unruled);
	KUNIT_EXPECT_EQ(test, regs.eax, 0x3f);
	KUNIT_EXPECT_EQ(test, unruled, 1);
	cpuid_emulate(&host, &epyc_policy, &epyc_vcpu, 0xffffffff, 9, &regs, &unruled);
	KUNIT_EXPECT_EQ(test, regs.eax, 0x8000003f);
	KUNIT_EXPECT_EQ(test, unruled, 2);
	cpuid_host_leaf(&host, 0x18, 3, &regs);
	KUNIT_EXPECT_EQ(test, regs.ebx, 3);
	cpuid_host_leaf(&host, 0x40, 0, &regs);
	KUNIT_EXPECT_EQ(test, regs.eax, 0);
	odd_basic_max = 0;
	odd_ext_max = 0x80000000;
	KUNIT_EXPECT_EQ(test, cpuid_cache_init(&host), 0);
	KUNIT_EXPECT_EQ(test, emulate(&epyc_policy, &epyc_vcpu, 1, 0).ecx, 0x11111111);
	KUNIT_EXPECT_EQ(test, emulate(&epyc_policy, &epyc_vcpu, 0x8000001d, 0).eax, 0x80000000);
	cpuid_host_leaf(&host, 0xd, 2, &regs);
	KUNIT_EXPECT_EQ(test, regs.eax | regs.ebx | regs.ecx | regs.edx, 0);
}

/* --- user space's rules, the clock, the wide policy -------------------------------------- */

#define KEEP	{ ~0u, ~0u, ~0u, ~0u }

static struct {
	struct cpuid_rules rules;
	struct cpuid_rule room[4];
} rule_book;

static struct cpuid_policy policy_with(struct cpuid_policy policy, const struct cpuid_rule *rules, unsigned int count)
{
	memcpy(rule_book.room, rules, count * sizeof(*rules));
	rule_book.rules.count = count;
	policy.rules = count ? &rule_book.rules : NULL;
	return policy;
}

/* In order, each on what the one before has left; after the default and before the vCPU's state. */
static void cpuid_rules_order(struct kunit *test)
{
	const struct cpuid_rule rules[] = {
		{ .leaf = 1, .keep = KEEP, .set = { 0, 0xff000000, 1u << 27, 0 } },
		{ .leaf = 1, .keep = { 0, ~0u, ~(1u << 26), ~0u }, .set = { 0x123, 0, 0, 0 } },
		{ .leaf = 4, .subleaf = 1, .one_subleaf = true, .set = { 7, 8, 9, 10 } },
	};
	struct cpuid_policy policy = policy_with(epyc_policy, rules, 3);
	struct cpuid_vcpu vcpu = epyc_vcpu;
	struct cpuid_result plain, regs;

	host_load(test, epyc_rows);
	vcpu.osxsave = true;
	vcpu.apic_id = 5;
	plain = emulate(&epyc_policy, &vcpu, 1, 0);
	regs = emulate(&policy, &vcpu, 1, 0);
	KUNIT_EXPECT_EQ(test, regs.eax, 0x123);
	KUNIT_EXPECT_EQ(test, regs.ebx, plain.ebx);
	KUNIT_EXPECT_EQ(test, regs.ebx >> 24, 5);
	/* Without XSAVE there is no OSXSAVE. */
	KUNIT_EXPECT_EQ(test, regs.ecx, plain.ecx & ~(3u << 26));
	KUNIT_EXPECT_EQ(test, regs.edx, plain.edx);
	KUNIT_EXPECT_EQ(test, emulate(&policy, &vcpu, 4, 1).edx, 10);
	KUNIT_EXPECT_EQ(test, emulate(&policy, &vcpu, 4, 2).edx, emulate(&epyc_policy, &vcpu, 4, 2).edx);
}

/* Each range grows by itself. */
static void cpuid_rules_raise(struct kunit *test)
{
	const struct cpuid_rule rules[] = {
		{ .leaf = 0x7fff, .set = { 1, 0, 0, 0 } },
		{ .leaf = 0x40000102, .set = { 2, 0, 0, 0 } },
		{ .leaf = 0xc0000001, .set = { 3, 0, 0, 0 } },
		{ .leaf = 2, .keep = KEEP },
	};
	struct cpuid_policy policy = policy_with(epyc_policy, rules, 4);
	struct cpuid_vcpu vcpu = epyc_vcpu;

	host_load(test, epyc_rows);
	KUNIT_EXPECT_EQ(test, emulate(&policy, &vcpu, 0, 0).eax, 0x7fff);
	KUNIT_EXPECT_EQ(test, emulate(&policy, &vcpu, 0x7fff, 9).eax, 1);
	KUNIT_EXPECT_EQ(test, emulate(&policy, &vcpu, 0x8000, 0).eax, 1);
	KUNIT_EXPECT_EQ(test, emulate(&policy, &vcpu, 0x7ffe, 0).eax, 0);
	KUNIT_EXPECT_EQ(test, emulate(&policy, &vcpu, 0x40000000, 0).eax, 0x40000000);
	KUNIT_EXPECT_EQ(test, emulate(&policy, &vcpu, 0x40000100, 0).eax, 0x40000102);
	KUNIT_EXPECT_EQ(test, emulate(&policy, &vcpu, 0x40000100, 0).ebx, 0);
	KUNIT_EXPECT_EQ(test, emulate(&policy, &vcpu, 0x40000102, 0).eax, 2);
	KUNIT_EXPECT_EQ(test, emulate(&policy, &vcpu, 0x40000103, 0).eax, 0x40000000);
	KUNIT_EXPECT_EQ(test, emulate(&policy, &vcpu, 0x80000000, 0).eax, 0xc0000001);
	KUNIT_EXPECT_EQ(test, emulate(&policy, &vcpu, 0xffffffff, 0).eax, 3);
}

static void cpuid_pvclock(struct kunit *test)
{
	struct cpuid_policy policy = epyc_policy;
	struct cpuid_vcpu vcpu = epyc_vcpu;
	struct cpuid_result regs;

	host_load(test, epyc_rows);
	policy.pvclock = true;
	regs = emulate(&policy, &vcpu, 0x40000100, 0);
	KUNIT_EXPECT_EQ(test, regs.eax, 0x40000101);
	KUNIT_EXPECT_EQ(test, memcmp(&regs.ebx, "KVMKVMKVM\0\0\0", 12), 0);
	regs = emulate(&policy, &vcpu, 0x40000101, 0);
	KUNIT_EXPECT_EQ(test, regs.eax, 1u << 3 | 1u << 24);
	KUNIT_EXPECT_EQ(test, regs.ebx | regs.ecx | regs.edx, 0);
	KUNIT_EXPECT_EQ(test, emulate(&policy, &vcpu, 0x40000102, 0).eax, 0x40000000);
	KUNIT_EXPECT_EQ(test, emulate(&policy, &vcpu, 0x40000000, 0).eax, 0x40000000);
	KUNIT_EXPECT_EQ(test, emulate(&epyc_policy, &vcpu, 0x40000101, 0).eax, 0x40000000);
}

static const struct leaf_row all_ones_rows[] = {
	{ 0x0, ANY_SUBLEAF, { 0xd, 0, 0, 0 } },
	{ 0x7, ANY_SUBLEAF, { ~0u, ~0u, ~0u, ~0u } },
	{ 0xd, ANY_SUBLEAF, { ~0u, ~0u, ~0u, ~0u } },
	{ 0xd, 2, { 256, 576, 0, 0 } },
	{ 0xd, 5, { 64, 1088, 2, 0 } },
	{ 0xd, 6, { 512, 1152, 0, 0 } },
	{ 0xd, 7, { 1024, 1664, 0, 0 } },
	{ 0x80000000, ANY_SUBLEAF, { 0x80000001, 0, 0, 0 } },
	{ ANY_SUBLEAF }
};

/* Leaf 7 with all that a processor may have, by vector length. */
static void cpuid_wide(struct kunit *test)
{
	struct cpuid_policy policy = epyc_policy;
	struct cpuid_vcpu vcpu = epyc_vcpu;
	struct cpuid_result narrow, wide;

	host_load(test, all_ones_rows);
	policy.xcr0_permitted = 0xe7;
	vcpu.rdpid = vcpu.invpcid = true;
	narrow = emulate(&policy, &vcpu, 7, 0);
	KUNIT_EXPECT_EQ(test, narrow.eax, 0);
	KUNIT_EXPECT_EQ(test, emulate(&policy, &vcpu, 7, 1).eax, 0);
	policy.wide = true;
	wide = emulate(&policy, &vcpu, 7, 0);
	KUNIT_EXPECT_EQ(test, wide.eax, 1);
	KUNIT_EXPECT_EQ(test, wide.ebx & ~narrow.ebx, 1u << 6 | 1u << 13 | 1u << 19 | 1u << 23 | 1u << 24);
	KUNIT_EXPECT_EQ(test, narrow.ebx & ~wide.ebx, 0);
	/* No SGX, PT, MPX, LA57, WAITPKG, key locker, supervisor keys, shadow stacks. */
	KUNIT_EXPECT_EQ(test, wide.ebx & (1u << 2 | 1u << 25 | 1u << 14), 0);
	KUNIT_EXPECT_EQ(test, wide.ecx & (1u << 16 | 1u << 5 | 1u << 7 | 1u << 23 | 1u << 31), 0);
	KUNIT_EXPECT_EQ(test, wide.edx, 1u << 2 | 1u << 3 | 1u << 4 | 1u << 8 | 1u << 10 | 1u << 14 | 1u << 16 | 1u << 23);
	KUNIT_EXPECT_EQ(test, emulate(&policy, &vcpu, 7, 1).eax & 1u << 5, 1u << 5);
	KUNIT_EXPECT_EQ(test, emulate(&policy, &vcpu, 7, 2).eax, 0);
	/* PKU where its state may be, OSPKE by CR4. */
	KUNIT_EXPECT_EQ(test, wide.ecx & 0x18, 0);
	policy.xcr0_permitted = 0x2e7;
	KUNIT_EXPECT_EQ(test, emulate(&policy, &vcpu, 7, 0).ecx & 0x18, 0x8);
	vcpu.ospke = true;
	KUNIT_EXPECT_EQ(test, emulate(&policy, &vcpu, 7, 0).ecx & 0x18, 0x18);
	KUNIT_EXPECT_EQ(test, emulate(&policy, &vcpu, 7, 1).ecx & 0x18, 0);
	policy.wide = false;
	KUNIT_EXPECT_EQ(test, emulate(&policy, &vcpu, 7, 0).ecx & 0x18, 0);
	policy.wide = true;
	policy.xcr0_permitted = 3;
	wide = emulate(&policy, &vcpu, 7, 0);
	KUNIT_EXPECT_EQ(test, wide.edx, 1u << 4 | 1u << 10 | 1u << 14 | 1u << 16);
	KUNIT_EXPECT_EQ(test, emulate(&policy, &vcpu, 7, 1).eax, 1u << 7 | 7u << 10);
}

/* XSAVEC and XGETBV with ECX 1, and the compacted size for what XCR0 has. */
static void cpuid_wide_xsave(struct kunit *test)
{
	struct cpuid_policy policy = epyc_policy;
	struct cpuid_vcpu vcpu = epyc_vcpu;

	host_load(test, all_ones_rows);
	policy.xcr0_permitted = 0xe7;
	vcpu.xcr0 = 0x27;
	KUNIT_EXPECT_EQ(test, emulate(&policy, &vcpu, 0xd, 1).eax, 1);
	KUNIT_EXPECT_EQ(test, emulate(&policy, &vcpu, 0xd, 1).ebx, 0);
	policy.wide = true;
	KUNIT_EXPECT_EQ(test, emulate(&policy, &vcpu, 0xd, 1).eax, 7);
	KUNIT_EXPECT_EQ(test, emulate(&policy, &vcpu, 0xd, 1).ebx, 576 + 256 + 64);
	vcpu.xcr0 = 0x3;
	KUNIT_EXPECT_EQ(test, emulate(&policy, &vcpu, 0xd, 1).ebx, 576);
}

/* VME to OSXMMEXCPT on every processor; what else, by CPUID and XCR0. */
static void cpuid_cr4(struct kunit *test)
{
	host_load(test, epyc_rows);
	KUNIT_EXPECT_EQ(test, cpuid_cr4_supported(&host, 0), 0x330fffull);
	KUNIT_EXPECT_EQ(test, cpuid_cr4_supported(&host, 7), 0x370fffull);
	KUNIT_EXPECT_EQ(test, cpuid_cr4_supported(&host, 0x207), 0x770fffull);
	/* No SMAP and no UMIP there. */
	host_load(test, haswell_rows);
	KUNIT_EXPECT_EQ(test, cpuid_cr4_supported(&host, 7), 0x1707ffull);
}

static struct kunit_case cpuid_test_cases[] = {
	KUNIT_CASE(cpuid_haswell),
	KUNIT_CASE(cpuid_epyc),
	KUNIT_CASE(cpuid_bits),
	KUNIT_CASE(cpuid_simd_by_xcr0),
	KUNIT_CASE(cpuid_xsave),
	KUNIT_CASE(cpuid_topology_limits),
	KUNIT_CASE(cpuid_topology_amd),
	KUNIT_CASE(cpuid_caches_default),
	KUNIT_CASE(cpuid_address_widths),
	KUNIT_CASE(cpuid_state_bits),
	KUNIT_CASE(cpuid_cache_limits),
	KUNIT_CASE(cpuid_rules_order),
	KUNIT_CASE(cpuid_rules_raise),
	KUNIT_CASE(cpuid_pvclock),
	KUNIT_CASE(cpuid_wide),
	KUNIT_CASE(cpuid_wide_xsave),
	KUNIT_CASE(cpuid_cr4),
	{ }
};

static struct kunit_suite cpuid_test_suite = {
	.name = "vmm-x86-cpuid",
	.test_cases = cpuid_test_cases,
};
kunit_test_suite(cpuid_test_suite);

MODULE_LICENSE("Dual BSD/GPL");
