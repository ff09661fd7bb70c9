// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * Every single and pair of bit flips of CR0, CR4 and EFER, from every mode a
 * guest can be in, against the rules as a list of forbidden patterns. Catalogue
 * row E-12.
 */
#include <errno.h>
#include <kunit/test.h>

#include "../../src/x86/msr.h"
#include "random.h"

#define PE	(1ULL << 0)
#define WP	(1ULL << 16)
#define NW	(1ULL << 29)
#define CD	(1ULL << 30)
#define PG	(1ULL << 31)
#define PAE	(1ULL << 5)
#define LA57	(1ULL << 12)
#define PCIDE	(1ULL << 17)
#define CET	(1ULL << 23)
#define SCE	(1ULL << 0)
#define LME	(1ULL << 8)
#define LMA	(1ULL << 10)
#define NXE	(1ULL << 11)

#define CR4_ALLOWED	0x00b726ffULL	/* VME to OSXMMEXCPT, LA57, FSGSBASE, PCIDE, OSXSAVE, SMEP, SMAP, CET */
#define EFER_ALLOWED	(SCE | LME | LMA | NXE)

/* What a rule looks at. */
enum field { NONE, OLD, NEW, CR0, CR3, CR4, EFER, CSL, FIELDS };

struct condition {
	enum field field;
	u64 mask;
	u64 value;		/* ANY_BIT: some bit of the mask is set */
};

#define ANY_BIT		(~0ULL)
#define IS_SET(bit)	(bit), (bit)
#define IS_CLEAR(bit)	(bit), 0

/* #GP if all conditions of a pattern hold. */
struct pattern {
	const char *why;
	struct condition condition[4];
};

static const struct pattern cr0_patterns[] = {
	{ "SDM 2.5: bits 63-32", { { NEW, 0xffffffff00000000, ANY_BIT } } },
	{ "SDM 2.5: PG without PE", { { NEW, IS_SET(PG) }, { NEW, IS_CLEAR(PE) } } },
	{ "SDM 2.5: NW without CD", { { NEW, IS_SET(NW) }, { NEW, IS_CLEAR(CD) } } },
	{ "SDM 4.1.2: long mode without PAE",
	  { { OLD, IS_CLEAR(PG) }, { NEW, IS_SET(PG) }, { EFER, IS_SET(LME) }, { CR4, IS_CLEAR(PAE) } } },
	{ "SDM 9.8.5: long mode with CS.L",
	  { { OLD, IS_CLEAR(PG) }, { NEW, IS_SET(PG) }, { EFER, IS_SET(LME) }, { CSL, 1, 1 } } },
	{ "SDM 4.1.2: PG cleared with PCIDE", { { OLD, IS_SET(PG) }, { NEW, IS_CLEAR(PG) }, { CR4, IS_SET(PCIDE) } } },
	{ "SDM 4.1.2: PG cleared in 64-bit mode",
	  { { OLD, IS_SET(PG) }, { NEW, IS_CLEAR(PG) }, { EFER, IS_SET(LMA) }, { CSL, 1, 1 } } },
	{ "SDM 2.5: CET without WP", { { NEW, IS_CLEAR(WP) }, { CR4, IS_SET(CET) } } },
	{ NULL }
};

static const struct pattern cr4_patterns[] = {
	{ "reserved bits", { { NEW, ~CR4_ALLOWED, ANY_BIT } } },
	{ "SDM 4.1.2: PAE cleared in long mode", { { NEW, IS_CLEAR(PAE) }, { EFER, IS_SET(LMA) } } },
	{ "SDM 4.1.2: LA57 set in long mode", { { OLD, IS_CLEAR(LA57) }, { NEW, IS_SET(LA57) }, { EFER, IS_SET(LMA) } } },
	{ "SDM 4.1.2: LA57 cleared in long mode", { { OLD, IS_SET(LA57) }, { NEW, IS_CLEAR(LA57) }, { EFER, IS_SET(LMA) } } },
	{ "SDM 4.10.1: PCIDE outside long mode", { { OLD, IS_CLEAR(PCIDE) }, { NEW, IS_SET(PCIDE) }, { EFER, IS_CLEAR(LMA) } } },
	{ NULL }
};

static const struct pattern cr4_context_patterns[] = {
	{ "SDM 4.10.1: PCIDE with a PCID", { { OLD, IS_CLEAR(PCIDE) }, { NEW, IS_SET(PCIDE) }, { CR3, 0xfff, ANY_BIT } } },
	{ "SDM 2.5: CET without WP", { { NEW, IS_SET(CET) }, { CR0, IS_CLEAR(WP) } } },
	{ NULL }
};

static const struct pattern efer_patterns[] = {
	{ "reserved bits", { { NEW, ~EFER_ALLOWED, ANY_BIT } } },
	{ "APM 3.1.7: LME set while paging", { { OLD, IS_CLEAR(LME) }, { NEW, IS_SET(LME) }, { CR0, IS_SET(PG) } } },
	{ "APM 3.1.7: LME cleared while paging", { { OLD, IS_SET(LME) }, { NEW, IS_CLEAR(LME) }, { CR0, IS_SET(PG) } } },
	{ "APM 3.1.7: LMA dropped", { { NEW, IS_SET(LME) }, { NEW, IS_CLEAR(LMA) }, { CR0, IS_SET(PG) } } },
	{ "APM 3.1.7: LMA without LME", { { NEW, IS_CLEAR(LME) }, { NEW, IS_SET(LMA) } } },
	{ "APM 3.1.7: LMA without paging", { { NEW, IS_SET(LMA) }, { CR0, IS_CLEAR(PG) } } },
	{ NULL }
};

static bool condition_holds(const struct condition *condition, const u64 *fields)
{
	u64 bits = fields[condition->field] & condition->mask;

	if (condition->field == NONE)
		return true;
	return condition->value == ANY_BIT ? bits != 0 : bits == condition->value;
}

static const char *forbidden_by(const struct pattern *pattern, const u64 *fields)
{
	int i;

	for (; pattern->why; pattern++) {
		for (i = 0; i < 4 && condition_holds(&pattern->condition[i], fields); i++)
			;
		if (i == 4)
			return pattern->why;
	}
	return NULL;
}

struct mode {
	const char *name;
	u64 cr0, cr3, cr4, efer;
	bool cs_l;
};

static const struct mode guest_modes[] = {
	{ "reset", 0x60000010, 0, 0, 0, false },
	{ "real", 0x10, 0, 0, 0, false },
	{ "protected", PE | 0x10, 0x1000, 0, 0, false },
	{ "protected, PAE and LME prepared", PE | 0x10, 0x1000, PAE, LME, false },
	{ "protected, LME alone", PE | 0x10, 0x1000, 0, LME | NXE, false },
	{ "32-bit paging", PG | PE | WP, 0x1000, 0x10, 0, false },
	{ "PAE paging", PG | PE, 0x1020, PAE | 0x10, NXE, false },
	{ "64-bit", PG | PE | WP | 0x33, 0x1000, PAE | 0x640, LME | LMA | SCE | NXE, true },
	{ "64-bit, CR3 with flags", PG | PE | WP, 0x1018, PAE, LME | LMA, true },
	{ "64-bit, PCIDs", PG | PE | WP, 0x1003, PAE | PCIDE, LME | LMA, true },
	{ "64-bit, LA57", PG | PE | WP, 0x1000, PAE | LA57, LME | LMA, true },
	{ "64-bit, LA57 and PCIDs", PG | PE, 0x1000, PAE | LA57 | PCIDE, LME | LMA, true },
	{ "64-bit, CET", PG | PE | WP, 0x1000, PAE | CET, LME | LMA, true },
	{ "64-bit, caches off", PG | PE | WP | CD | NW, 0x1000, PAE, LME | LMA, true },
	{ "compatibility", PG | PE | WP, 0x1000, PAE, LME | LMA, false },
	{ "compatibility, PCIDs", PG | PE | WP, 0x1000, PAE | PCIDE, LME | LMA, false },
	{ "LA57 prepared", PE, 0x1000, PAE | LA57, LME, false },
};

enum which { WHICH_CR0, WHICH_CR4, WHICH_CR4_CONTEXT, WHICH_EFER };

static const struct pattern *const patterns[] = { cr0_patterns, cr4_patterns, cr4_context_patterns, efer_patterns };

static int check(enum which which, const struct mode *mode, u64 old, u64 new)
{
	switch (which) {
	case WHICH_CR0:
		return x86_cr0_check(old, new, mode->cr4, mode->efer, mode->cs_l);
	case WHICH_CR4:
		return x86_cr4_check(old, new, mode->efer, CR4_ALLOWED);
	case WHICH_CR4_CONTEXT:
		return x86_cr4_check_context(old, new, mode->cr0, mode->cr3);
	default:
		return x86_efer_check(old, new, mode->cr0, NXE);
	}
}

static u64 old_value(enum which which, const struct mode *mode)
{
	if (which == WHICH_CR0)
		return mode->cr0;
	return which == WHICH_EFER ? mode->efer : mode->cr4;
}

static unsigned int refused, accepted;

static void write_compare(struct kunit *test, enum which which, const struct mode *mode, u64 new)
{
	u64 old = old_value(which, mode);
	u64 fields[FIELDS] = {
		[OLD] = old, [NEW] = new, [CR0] = mode->cr0, [CR3] = mode->cr3,
		[CR4] = mode->cr4, [EFER] = mode->efer, [CSL] = mode->cs_l,
	};
	const char *why = forbidden_by(patterns[which], fields);

	KUNIT_EXPECT_EQ_MSG(test, check(which, mode, old, new), why ? -EINVAL : 0, "register %d, %s: 0x%llx to 0x%llx (%s)", which,
			    mode->name, old, new, why ? why : "allowed");
	refused += why != NULL;
	accepted += why == NULL;
}

static void flips_compare(struct kunit *test, enum which which)
{
	unsigned int m, i, j;

	refused = 0;
	accepted = 0;
	for (m = 0; m < sizeof(guest_modes) / sizeof(guest_modes[0]); m++) {
		u64 old = old_value(which, &guest_modes[m]);

		write_compare(test, which, &guest_modes[m], old);
		for (i = 0; i < 64; i++) {
			write_compare(test, which, &guest_modes[m], old ^ 1ULL << i);
			for (j = 0; j < i; j++)
				write_compare(test, which, &guest_modes[m], old ^ 1ULL << i ^ 1ULL << j);
		}
	}
	printf("  %u refused, %u allowed\n", refused, accepted);
	KUNIT_EXPECT_TRUE(test, refused && accepted);
}

static void e12_cr0_flips(struct kunit *test)
{
	flips_compare(test, WHICH_CR0);
}

static void e12_cr4_flips(struct kunit *test)
{
	flips_compare(test, WHICH_CR4);
}

static void e12_cr4_context_flips(struct kunit *test)
{
	flips_compare(test, WHICH_CR4_CONTEXT);
}

static void e12_efer_flips(struct kunit *test)
{
	flips_compare(test, WHICH_EFER);
}

/* The bits that have rules, all at once and at random. */
static void e12_random_writes(struct kunit *test)
{
	u64 random = 0x853c49e6748fea9b;
	unsigned int i, m, which;
	u64 new;

	for (i = 0; i < 1000000; i++) {
		m = random_below(&random, sizeof(guest_modes) / sizeof(guest_modes[0]));
		which = random_below(&random, 4);
		new = random_u64(&random);
		if (which == WHICH_CR0)
			new &= 0xe005003f;
		else if (which == WHICH_EFER)
			new &= EFER_ALLOWED;
		else
			new &= CR4_ALLOWED;
		write_compare(test, which, &guest_modes[m], new);
	}
}

static struct kunit_case control_oracle_cases[] = {
	KUNIT_CASE(e12_cr0_flips),
	KUNIT_CASE(e12_cr4_flips),
	KUNIT_CASE(e12_cr4_context_flips),
	KUNIT_CASE(e12_efer_flips),
	KUNIT_CASE(e12_random_writes),
	{ }
};

static struct kunit_suite control_oracle = { .name = "control-oracle", .test_cases = control_oracle_cases };
kunit_test_suite(control_oracle);
