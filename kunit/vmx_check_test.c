// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * vmx: the checker of guest states names the field at fault, for each rule of the Intel manual's
 * vol. 3, "Checks on the Guest State Area" (26.3.1). States that the manual allows, up to the
 * edges of its rules, and for each rule states that break nothing else. Bits and numbers are
 * written down here anew.
 */
#include <kunit/test.h>
#include <linux/bits.h>
#include <linux/kernel.h>
#include <linux/string.h>
#include "vmx/vmx.h"

enum { ES, CS, SS, DS, FS, GS, LDTR, TR };

#define UNUSABLE	0x10000
#define LONG_MODE	BIT(9)		/* entry controls */
#define LOADS		(BIT(2) | BIT(14) | BIT(15))	/* debug controls, PAT, EFER */
#define VIRTUAL_NMIS	BIT(5)

#define EVENT(type, vector)	(BIT(31) | (type) << 8 | (vector))
#define INTR		EVENT(0, 0x50)
#define NMI		EVENT(2, 2)
#define FAULT(vector)	EVENT(3, vector)

/* --- states that are right ------------------------------------------------------------ */

static void state_common(struct vmx_guest_state *s)
{
	*s = (struct vmx_guest_state){
		.pat = 0x0007040600070406ULL, .dr7 = 0x400, .rip = 0x1000, .rsp = 0x2000,
		.rflags = 2, .link_pointer = ~0ULL, .entry_controls = LOADS,
		.pin_controls = VIRTUAL_NMIS, .unrestricted = true,
		.gdtr_limit = 0xffff, .idtr_limit = 0xffff,
		/* Of a processor with VMX: PE, NE, PG and VMXE are 1. */
		.cr0_fixed0 = 0x80000021, .cr0_fixed1 = 0xffffffff,
		.cr4_fixed0 = 0x2000, .cr4_fixed1 = 0xf7ffff,
		.physical_bits = 39, .linear_bits = 48, .activity_supported = 0xf,
	};
}

static void segments(struct vmx_guest_state *s, u32 code, u32 data, u32 limit, u32 tr)
{
	int i;

	for (i = ES; i <= GS; i++) {
		s->seg[i].access = i == CS ? code : data;
		s->seg[i].limit = limit;
		s->seg[i].selector = i == CS ? 0x08 : 0x10;
	}
	s->seg[LDTR].access = UNUSABLE;
	s->seg[TR].access = tr;
	s->seg[TR].limit = 0x67;
}

static void state_long(struct vmx_guest_state *s)
{
	state_common(s);
	s->cr0 = 0x80000031;
	s->cr3 = 0x5000;
	s->cr4 = 0x2020;
	s->efer = 0xd00;
	s->entry_controls |= LONG_MODE;
	segments(s, 0xa09b, 0xc093, 0xffffffff, 0x8b);
}

static void state_real(struct vmx_guest_state *s)
{
	state_common(s);
	s->cr0 = 0x30;
	s->cr4 = 0x2000;
	segments(s, 0x9b, 0x93, 0xffff, 0x8b);
}

/* PAE paging. */
static void state_pae(struct vmx_guest_state *s)
{
	state_common(s);
	s->cr0 = 0x80000031;
	s->cr3 = 0x5020;
	s->cr4 = 0x2020;
	s->pdpte[0] = 0x6001;
	segments(s, 0xc09b, 0xc093, 0xffffffff, 0x8b);
}

static void state_v86(struct vmx_guest_state *s)
{
	int i;

	state_pae(s);
	s->rflags = 0x20002;
	segments(s, 0xf3, 0xf3, 0xffff, 0x8b);
	for (i = ES; i <= GS; i++)
		s->seg[i].base = (u64)s->seg[i].selector << 4;
}

/* Without the control "unrestricted guest", at CPL 3. */
static void state_restricted(struct vmx_guest_state *s)
{
	int i;

	state_pae(s);
	s->unrestricted = false;
	segments(s, 0xc0fb, 0xc0f3, 0xffffffff, 0x8b);
	for (i = ES; i <= GS; i++)
		s->seg[i].selector |= 3;
}

enum base { LONG, REAL, PAE, V86, RESTRICTED };
static void (* const states[])(struct vmx_guest_state *s) = {
	state_long, state_real, state_pae, state_v86, state_restricted,
};

/* --- changes to them ------------------------------------------------------------------- */

struct write {
	u16 offset;
	u8 bytes;
	u64 val;
};

#define W(member, val)	{ offsetof(struct vmx_guest_state, member),			\
			  sizeof_field(struct vmx_guest_state, member), (u64)(val) }

struct change {
	enum base base;
	struct write writes[4];		/* up to one of no bytes */
	const char *field;		/* that is named; NULL: nothing is wrong */
};

static void change_apply(const struct change *change, struct vmx_guest_state *s)
{
	const struct write *w;

	states[change->base](s);
	for (w = change->writes; w < change->writes + ARRAY_SIZE(change->writes) && w->bytes; w++)
		memcpy((u8 *)s + w->offset, &w->val, w->bytes);	/* little endian */
}

static void changes_check(struct kunit *test, const struct change *changes, int count)
{
	struct vmx_guest_state *s = kunit_kzalloc(test, sizeof(*s), GFP_KERNEL);
	struct vmx_finding found;
	int i;

	KUNIT_ASSERT_NOT_NULL(test, s);
	for (i = 0; i < count; i++) {
		change_apply(&changes[i], s);
		found = vmx_check_guest_state(s);
		if (!changes[i].field != !found.field ||
		    (found.field && strcmp(found.field, changes[i].field)))
			KUNIT_FAIL(test, "case %d: found %s (%s), want %s", i,
				   found.field ?: "nothing", found.rule ?: "",
				   changes[i].field ?: "nothing");
		if (found.field)
			KUNIT_EXPECT_NOT_NULL(test, found.rule);
	}
}

#define CHANGES_CHECK(test, ...)							\
	do {										\
		static const struct change changes[] = { __VA_ARGS__ };			\
											\
		changes_check(test, changes, ARRAY_SIZE(changes));			\
	} while (0)

/* --- the rules, in the manual's order --------------------------------------------------- */

static void states_that_are_right(struct kunit *test)
{
	CHANGES_CHECK(test, { LONG }, { REAL }, { PAE }, { V86 }, { RESTRICTED });
}

/* 26.3.1.1 */
static void control_registers(struct kunit *test)
{
	CHANGES_CHECK(test,
		{ LONG, { W(cr0, 0x80000011) }, "CR0" },	/* NE, of FIXED0 */
		{ LONG, { W(cr0, 0x180000031) }, "CR0" },	/* above FIXED1 */
		{ LONG, { W(cr0, 0xe0000031) } },		/* CD and NW are free */
		{ REAL, { W(cr0, 0x80000030) }, "CR0" },	/* PG without PE */
		{ RESTRICTED, { W(cr0, 0x31) }, "CR0" },	/* PG is not free there */
		{ LONG, { W(cr4, 0x20) }, "CR4" },		/* VMXE, of FIXED0 */
		{ LONG, { W(cr4, 0x1002020) }, "CR4" },		/* above FIXED1 */
		{ LONG, { W(cr4, 0x802020) }, "CR4" },		/* CET without WP */
		{ LONG, { W(cr4, 0x802020), W(cr0, 0x80010031) } },
		{ LONG, { W(cr0, 0x31) }, "CR0" },		/* IA-32e mode without PG */
		{ LONG, { W(cr4, 0x2000) }, "CR4" },		/* and without PAE */
		{ PAE, { W(cr4, 0x22020) }, "CR4" },		/* PCIDE without it */
		{ LONG, { W(cr4, 0x22020) } },
		{ LONG, { W(cr3, BIT_ULL(39)) }, "CR3" },
		{ LONG, { W(cr3, BIT_ULL(38) | 0xfff) } },
	);
}

static void debug_registers(struct kunit *test)
{
	CHANGES_CHECK(test,
		{ LONG, { W(debugctl, BIT(3)) }, "IA32_DEBUGCTL" },
		{ LONG, { W(debugctl, BIT(5)) }, "IA32_DEBUGCTL" },
		{ LONG, { W(debugctl, BIT(16)) }, "IA32_DEBUGCTL" },
		{ LONG, { W(debugctl, BIT_ULL(63)) }, "IA32_DEBUGCTL" },
		{ LONG, { W(debugctl, 0xffc3) } },
		{ LONG, { W(dr7, BIT_ULL(32)) }, "DR7" },
		{ LONG, { W(dr7, 0xffffffff) } },
		/* Not looked at where they are not loaded. */
		{ LONG, { W(dr7, ~0ULL), W(debugctl, ~0ULL), W(entry_controls, 0xc200) } },
	);
}

static void msrs(struct kunit *test)
{
	CHANGES_CHECK(test,
		{ LONG, { W(sysenter_esp, 0x800000000000) }, "IA32_SYSENTER_ESP" },
		{ LONG, { W(sysenter_eip, 0xffff7fffffffffff) }, "IA32_SYSENTER_EIP" },
		{ LONG, { W(sysenter_esp, 0x7fffffffffff), W(sysenter_eip, 0xffff800000000000) } },
		{ LONG, { W(pat, 0x02) }, "IA32_PAT" },
		{ LONG, { W(pat, 0x0300000000000000) }, "IA32_PAT" },
		{ LONG, { W(pat, 0x08) }, "IA32_PAT" },
		{ LONG, { W(pat, 0x0706050401000706) } },
		{ LONG, { W(pat, 0x02), W(entry_controls, 0x8204) } },
		{ LONG, { W(efer, 0xd02) }, "IA32_EFER" },
		{ LONG, { W(efer, 0x1d00) }, "IA32_EFER" },
		{ LONG, { W(efer, 0xd01) } },
		{ LONG, { W(efer, 0x100) }, "IA32_EFER" },	/* LMA is not as the control */
		{ PAE, { W(efer, 0x500) }, "IA32_EFER" },
		{ LONG, { W(efer, 0x400) }, "IA32_EFER" },	/* LMA without LME, paging on */
		{ PAE, { W(efer, 0x100) }, "IA32_EFER" },
		{ REAL, { W(efer, 0x100) } },			/* paging off: LME may be set */
		{ LONG, { W(efer, ~0ULL), W(entry_controls, 0x4204) } },
	);
}

/* 26.3.1.2 */
static void selectors(struct kunit *test)
{
	CHANGES_CHECK(test,
		{ LONG, { W(seg[TR].selector, 4) }, "TR selector" },
		{ LONG, { W(seg[LDTR].selector, 4), W(seg[LDTR].access, 0x82) }, "LDTR selector" },
		{ LONG, { W(seg[LDTR].selector, 4) } },
		{ RESTRICTED, { W(seg[SS].selector, 0x10) }, "SS selector" },
		{ PAE, { W(seg[SS].selector, 0x13) } },
	);
}

static void segment_bases(struct kunit *test)
{
	CHANGES_CHECK(test,
		{ V86, { W(seg[ES].base, 0x101) }, "ES base" },
		{ V86, { W(seg[CS].base, 0) }, "CS base" },
		{ V86, { W(seg[GS].base, 0) }, "GS base" },
		{ LONG, { W(seg[TR].base, 0x800000000000) }, "TR base" },
		{ LONG, { W(seg[FS].base, 0x800000000000) }, "FS base" },
		{ LONG, { W(seg[GS].base, 0x800000000000) }, "GS base" },
		{ LONG, { W(seg[GS].base, 0x800000000000), W(seg[GS].access, UNUSABLE) }, "GS base" },
		{ LONG, { W(seg[FS].base, 0xffff800000000000), W(seg[GS].base, 0x7fffffffffff) } },
		{ LONG, { W(seg[LDTR].base, 0x800000000000), W(seg[LDTR].access, 0x82) }, "LDTR base" },
		{ LONG, { W(seg[LDTR].base, 0x800000000000) } },
		{ LONG, { W(seg[CS].base, BIT_ULL(32)) }, "CS base" },
		{ LONG, { W(seg[SS].base, BIT_ULL(32)) }, "SS base" },
		{ LONG, { W(seg[DS].base, BIT_ULL(32)) }, "DS base" },
		{ LONG, { W(seg[ES].base, BIT_ULL(32)) }, "ES base" },
		{ LONG, { W(seg[ES].base, BIT_ULL(32)), W(seg[ES].access, UNUSABLE) } },
		{ LONG, { W(seg[CS].base, 0xffffffff) } },
	);
}

static void segments_of_virtual_8086(struct kunit *test)
{
	CHANGES_CHECK(test,
		{ V86, { W(seg[ES].limit, 0xfffff) }, "ES limit" },
		{ V86, { W(seg[CS].limit, 0xfffe) }, "CS limit" },
		{ V86, { W(seg[DS].access, 0x93) }, "DS access rights" },
		{ V86, { W(seg[CS].access, 0x9b) }, "CS access rights" },
		{ V86, { W(seg[GS].access, UNUSABLE) }, "GS access rights" },
	);
}

static void code_segment(struct kunit *test)
{
	static const char name[] = "CS access rights";

	CHANGES_CHECK(test,
		{ LONG, { W(seg[CS].access, 0xa099) } },		/* execute only */
		{ LONG, { W(seg[CS].access, 0xa09a) }, name },		/* not accessed */
		{ LONG, { W(seg[CS].access, 0xa098) }, name },
		{ PAE, { W(seg[CS].access, 0xc091) }, name },		/* read-only data */
		{ PAE, { W(seg[CS].access, 0xc093) } },			/* data: unrestricted only */
		{ RESTRICTED, { W(seg[CS].access, 0xc093) }, name },
		{ PAE, { W(seg[CS].access, 0xc0f3), W(seg[SS].access, 0xc0f3) }, name },
		{ LONG, { W(seg[CS].access, 0xa0fb) }, name },		/* DPL 3, SS has 0 */
		{ LONG, { W(seg[CS].access, 0xa0fb), W(seg[SS].access, 0xc0f3) } },
		{ LONG, { W(seg[CS].access, 0xa09f), W(seg[SS].access, 0xc0f3) } },	/* conforming */
		{ LONG, { W(seg[CS].access, 0xa0ff) }, name },
		{ LONG, { W(seg[CS].access, 0xa08b) }, name },		/* S */
		{ LONG, { W(seg[CS].access, 0xa01b) }, name },		/* P */
		{ LONG, { W(seg[CS].access, 0xa19b) }, name },		/* reserved */
		{ LONG, { W(seg[CS].access, 0xa89b) }, name },
		{ LONG, { W(seg[CS].access, 0x2a09b) }, name },
		{ LONG, { W(seg[CS].access, 0xe09b) }, name },		/* L and D */
		{ PAE, { W(seg[CS].access, 0xe09b) } },			/* L counts in IA-32e mode */
		{ LONG, { W(seg[CS].limit, 0xfffffffe) }, name },	/* G with a low bit off */
		{ LONG, { W(seg[CS].access, 0x209b) }, name },		/* no G with a high bit on */
		{ LONG, { W(seg[CS].access, 0x209b), W(seg[CS].limit, 0xfffff) } },
	);
}

static void stack_segment(struct kunit *test)
{
	static const char name[] = "SS access rights";

	CHANGES_CHECK(test,
		{ LONG, { W(seg[SS].access, UNUSABLE) } },
		{ LONG, { W(seg[SS].access, 0xc097) } },		/* expands down */
		{ LONG, { W(seg[SS].access, 0xc091) }, name },		/* read only */
		{ LONG, { W(seg[SS].access, 0xc092) }, name },
		{ LONG, { W(seg[SS].access, 0xc09b) }, name },
		{ LONG, { W(seg[SS].access, 0xc083) }, name },
		{ LONG, { W(seg[SS].access, 0xc013) }, name },
		{ LONG, { W(seg[SS].access, 0xc193) }, name },
		{ LONG, { W(seg[SS].limit, 0xfffffffe) }, name },
		{ LONG, { W(seg[SS].access, 0x93) }, name },
		{ RESTRICTED, { W(seg[SS].access, 0xc0d3), W(seg[CS].access, 0xc0df) }, name },	/* DPL is not RPL */
		{ REAL, { W(seg[SS].access, 0xf3), W(seg[CS].access, 0xfb) }, name },
		{ PAE, { W(seg[SS].access, 0xc0f3), W(seg[CS].access, 0xc093) }, name },
		/* An unusable one has a DPL all the same. */
		{ REAL, { W(seg[SS].access, UNUSABLE | 0x60), W(seg[CS].access, 0xfb) }, name },
	);
}

static void data_segments(struct kunit *test)
{
	CHANGES_CHECK(test,
		{ LONG, { W(seg[DS].access, UNUSABLE), W(seg[ES].access, UNUSABLE),
			  W(seg[FS].access, UNUSABLE), W(seg[GS].access, UNUSABLE) } },
		{ LONG, { W(seg[DS].access, 0xc091), W(seg[ES].access, 0xa09b) } },
		{ LONG, { W(seg[ES].access, 0xc092) }, "ES access rights" },	/* not accessed */
		{ LONG, { W(seg[DS].access, 0xc099) }, "DS access rights" },	/* code, not readable */
		{ LONG, { W(seg[FS].access, 0xc083) }, "FS access rights" },
		{ LONG, { W(seg[GS].access, 0xc013) }, "GS access rights" },
		{ LONG, { W(seg[DS].access, 0xc893) }, "DS access rights" },
		{ LONG, { W(seg[ES].limit, 0xfffffffe) }, "ES access rights" },
		{ LONG, { W(seg[FS].access, 0x4093) }, "FS access rights" },
		{ RESTRICTED, { W(seg[DS].access, 0xc0d3) }, "DS access rights" },	/* DPL below RPL */
		{ RESTRICTED, { W(seg[DS].access, 0xc0df) } },			/* conforming code may */
		{ PAE, { W(seg[DS].selector, 0x13) } },
	);
}

static void task_register(struct kunit *test)
{
	static const char name[] = "TR access rights";

	CHANGES_CHECK(test,
		{ LONG, { W(seg[TR].access, 0x83) }, name },		/* 16 bits, IA-32e mode */
		{ PAE, { W(seg[TR].access, 0x83) } },
		{ PAE, { W(seg[TR].access, 0x81) }, name },		/* not busy */
		{ PAE, { W(seg[TR].access, 0x89) }, name },
		{ LONG, { W(seg[TR].access, 0x9b) }, name },
		{ LONG, { W(seg[TR].access, 0x0b) }, name },
		{ LONG, { W(seg[TR].access, UNUSABLE | 0x8b) }, name },
		{ LONG, { W(seg[TR].access, 0x18b) }, name },
		{ LONG, { W(seg[TR].access, 0x808b) }, name },		/* G with this limit */
		{ LONG, { W(seg[TR].limit, 0x100067) }, name },
	);
}

static void ldt_register(struct kunit *test)
{
	static const char name[] = "LDTR access rights";

	CHANGES_CHECK(test,
		{ LONG, { W(seg[LDTR].access, 0x82), W(seg[LDTR].limit, 0xffff) } },
		{ LONG, { W(seg[LDTR].access, 0x83) }, name },
		{ LONG, { W(seg[LDTR].access, 0x92) }, name },
		{ LONG, { W(seg[LDTR].access, 0x02) }, name },
		{ LONG, { W(seg[LDTR].access, 0x182) }, name },
		{ LONG, { W(seg[LDTR].access, 0x8082) }, name },
		{ LONG, { W(seg[LDTR].access, 0x82), W(seg[LDTR].limit, 0x100fff) }, name },
	);
}

/* 26.3.1.3 */
static void descriptor_tables(struct kunit *test)
{
	CHANGES_CHECK(test,
		{ LONG, { W(gdtr_base, 0x800000000000) }, "GDTR base" },
		{ LONG, { W(idtr_base, 0xfffe800000000000) }, "IDTR base" },
		{ LONG, { W(gdtr_limit, 0x10000) }, "GDTR limit" },
		{ LONG, { W(idtr_limit, 0x80000000) }, "IDTR limit" },
		{ LONG, { W(gdtr_base, 0xffff800000000000), W(idtr_limit, 0) } },
	);
}

/* 26.3.1.4 */
static void rip_and_rflags(struct kunit *test)
{
	CHANGES_CHECK(test,
		{ LONG, { W(rip, 0x7fffffffffff) } },
		{ LONG, { W(rip, 0xffff800000000000) } },
		{ LONG, { W(rip, 0x800000000000) }, "RIP" },
		{ LONG, { W(rip, BIT_ULL(32)), W(seg[CS].access, 0xc09b) }, "RIP" },	/* compatibility mode */
		{ PAE, { W(rip, BIT_ULL(32)) }, "RIP" },
		{ PAE, { W(rip, 0xffffffff) } },
		{ PAE, { W(rip, BIT_ULL(32)), W(seg[CS].access, 0xe09b) }, "RIP" },
		{ LONG, { W(rflags, 0) }, "RFLAGS" },
		{ LONG, { W(rflags, 2 | BIT(3)) }, "RFLAGS" },
		{ LONG, { W(rflags, 2 | BIT(5)) }, "RFLAGS" },
		{ LONG, { W(rflags, 2 | BIT(15)) }, "RFLAGS" },
		{ LONG, { W(rflags, 2 | BIT(22)) }, "RFLAGS" },
		{ LONG, { W(rflags, 2 | BIT_ULL(63)) }, "RFLAGS" },
		{ LONG, { W(rflags, 0x1d7fd7) } },
		{ LONG, { W(entry_intr_info, INTR) }, "RFLAGS" },
		{ LONG, { W(entry_intr_info, INTR), W(rflags, 0x202) } },
		{ LONG, { W(entry_intr_info, NMI) } },
	);
}

/* Whose segments are checked first by other rules: all of them as virtual-8086 mode wants them. */
static void virtual_8086_has_its_modes(struct kunit *test)
{
	struct vmx_guest_state *s = kunit_kzalloc(test, sizeof(*s), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, s);
	state_v86(s);
	s->entry_controls |= LONG_MODE;
	s->efer = 0xd00;
	KUNIT_EXPECT_STREQ(test, vmx_check_guest_state(s).field, "RFLAGS");
	state_v86(s);
	s->cr0 = 0x30;
	KUNIT_EXPECT_STREQ(test, vmx_check_guest_state(s).field, "RFLAGS");
}

/* 26.3.1.5 */
static void activity_state(struct kunit *test)
{
	static const char name[] = "activity state";

	CHANGES_CHECK(test,
		{ LONG, { W(activity, 1) } },
		{ LONG, { W(activity, 2) } },
		{ LONG, { W(activity, 3) } },
		{ LONG, { W(activity, 4) }, name },
		{ LONG, { W(activity, ~0) }, name },
		{ LONG, { W(activity, 2), W(activity_supported, 3) }, name },
		{ LONG, { W(activity, 1), W(seg[SS].access, 0xc0f3), W(seg[CS].access, 0xa0fb) }, name },
		{ LONG, { W(activity, 2), W(interruptibility, 2) }, name },
		{ LONG, { W(activity, 1), W(interruptibility, 1), W(rflags, 0x202) }, name },
		{ LONG, { W(activity, 1), W(entry_intr_info, INTR), W(rflags, 0x202) } },
		{ LONG, { W(activity, 1), W(entry_intr_info, NMI) } },
		{ LONG, { W(activity, 1), W(entry_intr_info, FAULT(1)) } },
		{ LONG, { W(activity, 1), W(entry_intr_info, FAULT(18)) } },
		{ LONG, { W(activity, 1), W(entry_intr_info, FAULT(13)) }, name },
		{ LONG, { W(activity, 1), W(entry_intr_info, EVENT(4, 0x80)) }, name },
		{ LONG, { W(activity, 2), W(entry_intr_info, NMI) } },
		{ LONG, { W(activity, 2), W(entry_intr_info, FAULT(18)) } },
		{ LONG, { W(activity, 2), W(entry_intr_info, FAULT(1)) }, name },
		{ LONG, { W(activity, 2), W(entry_intr_info, INTR), W(rflags, 0x202) }, name },
		{ LONG, { W(activity, 3), W(entry_intr_info, NMI) }, name },
	);
}

static void interruptibility_state(struct kunit *test)
{
	static const char name[] = "interruptibility state";

	CHANGES_CHECK(test,
		{ LONG, { W(interruptibility, BIT(5)) }, name },
		{ LONG, { W(interruptibility, BIT(31)) }, name },
		{ LONG, { W(interruptibility, 3), W(rflags, 0x202) }, name },
		{ LONG, { W(interruptibility, 1) }, name },		/* STI without IF */
		{ LONG, { W(interruptibility, 1), W(rflags, 0x202) } },
		{ LONG, { W(interruptibility, 2) } },
		{ LONG, { W(interruptibility, 1), W(rflags, 0x202), W(entry_intr_info, INTR) }, name },
		{ LONG, { W(interruptibility, 2), W(rflags, 0x202), W(entry_intr_info, INTR) }, name },
		{ LONG, { W(interruptibility, 2), W(entry_intr_info, NMI) }, name },
		{ LONG, { W(interruptibility, 2), W(entry_intr_info, FAULT(13)) } },
		{ LONG, { W(interruptibility, 4) }, name },		/* SMI */
		{ LONG, { W(interruptibility, 8) } },
		{ LONG, { W(interruptibility, 8), W(entry_intr_info, NMI) }, name },
		{ LONG, { W(interruptibility, 8), W(entry_intr_info, NMI), W(pin_controls, 0) } },
		{ LONG, { W(interruptibility, 0x12) }, name },		/* enclave and MOV SS */
	);
}

static void pending_debug_exceptions(struct kunit *test)
{
	static const char name[] = "pending debug exceptions";

	CHANGES_CHECK(test,
		{ LONG, { W(pending_debug, BIT(4)) }, name },
		{ LONG, { W(pending_debug, BIT(13)) }, name },
		{ LONG, { W(pending_debug, BIT(15)) }, name },
		{ LONG, { W(pending_debug, BIT_ULL(17)) }, name },
		{ LONG, { W(pending_debug, BIT_ULL(63)) }, name },
		{ LONG, { W(pending_debug, 0x500f) } },
		/* Held back: BS as TF, without BTF. */
		{ LONG, { W(interruptibility, 2), W(rflags, 0x102) }, name },
		{ LONG, { W(interruptibility, 2), W(rflags, 0x102), W(pending_debug, BIT(14)) } },
		{ LONG, { W(interruptibility, 2), W(pending_debug, BIT(14)) }, name },
		{ LONG, { W(interruptibility, 1), W(rflags, 0x302) }, name },
		{ LONG, { W(activity, 1), W(rflags, 0x102) }, name },
		{ LONG, { W(interruptibility, 2), W(rflags, 0x102), W(debugctl, 2) } },
		{ LONG, { W(interruptibility, 2), W(rflags, 0x102), W(debugctl, 2),
			  W(pending_debug, BIT(14)) }, name },
		{ LONG, { W(rflags, 0x102) } },
		/* RTM stands beside bit 12 alone. */
		{ LONG, { W(pending_debug, BIT(16) | BIT(12)) } },
		{ LONG, { W(pending_debug, BIT(16)) }, name },
		{ LONG, { W(pending_debug, BIT(16) | BIT(12) | BIT(0)) }, name },
		{ LONG, { W(pending_debug, BIT(16) | BIT(12)), W(interruptibility, 2) }, name },
	);
}

static void link_pointer(struct kunit *test)
{
	CHANGES_CHECK(test,
		{ LONG, { W(link_pointer, 0) }, "VMCS link pointer" },
		{ LONG, { W(link_pointer, 0x1000) }, "VMCS link pointer" },
	);
}

/* 26.3.1.6 */
static void pdptes(struct kunit *test)
{
	CHANGES_CHECK(test,
		{ PAE, { W(pdpte[0], 0x6003) }, "PDPTE0" },
		{ PAE, { W(pdpte[1], 0x7021) }, "PDPTE1" },
		{ PAE, { W(pdpte[2], 0x7101) }, "PDPTE2" },
		{ PAE, { W(pdpte[3], BIT_ULL(39) | 1) }, "PDPTE3" },
		{ PAE, { W(pdpte[3], BIT_ULL(63) | 1) }, "PDPTE3" },
		{ PAE, { W(pdpte[3], (BIT_ULL(39) - 0x1000) | 0xe19) } },
		{ PAE, { W(pdpte[0], ~1ULL) } },		/* not present */
		/* Without PAE paging there are none. */
		{ LONG, { W(pdpte[0], ~0ULL) } },
		{ REAL, { W(pdpte[0], ~0ULL), W(cr4, 0x2020) } },
		{ PAE, { W(pdpte[0], ~0ULL), W(cr4, 0x2000) } },
	);
}

/* What injected events do not make: a field that is not valid injects nothing. */
static void invalid_event_is_none(struct kunit *test)
{
	CHANGES_CHECK(test,
		{ LONG, { W(entry_intr_info, 0x50) } },
		{ LONG, { W(entry_intr_info, 0x202), W(interruptibility, 8) } },
		{ LONG, { W(entry_intr_info, 0x30d), W(activity, 3) } },
	);
}

static struct kunit_case vmx_check_test_cases[] = {
	KUNIT_CASE(states_that_are_right),
	KUNIT_CASE(control_registers),
	KUNIT_CASE(debug_registers),
	KUNIT_CASE(msrs),
	KUNIT_CASE(selectors),
	KUNIT_CASE(segment_bases),
	KUNIT_CASE(segments_of_virtual_8086),
	KUNIT_CASE(code_segment),
	KUNIT_CASE(stack_segment),
	KUNIT_CASE(data_segments),
	KUNIT_CASE(task_register),
	KUNIT_CASE(ldt_register),
	KUNIT_CASE(descriptor_tables),
	KUNIT_CASE(rip_and_rflags),
	KUNIT_CASE(virtual_8086_has_its_modes),
	KUNIT_CASE(activity_state),
	KUNIT_CASE(interruptibility_state),
	KUNIT_CASE(pending_debug_exceptions),
	KUNIT_CASE(link_pointer),
	KUNIT_CASE(pdptes),
	KUNIT_CASE(invalid_event_is_none),
	{}
};

static struct kunit_suite vmx_check_test_suite = {
	.name = "vmm-vmx-check",
	.test_cases = vmx_check_test_cases,
};

kunit_test_suite(vmx_check_test_suite);
