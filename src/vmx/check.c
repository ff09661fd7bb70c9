// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * check: why VM entry refuses a guest state. The processor says only that it does; this walks
 * the rules of the manual's vol. 3, "Checks on the Guest State Area", in the manual's order,
 * and names the first field that breaks one. Functions of a snapshot: no hardware needed.
 */
#include <linux/kernel.h>
#include <asm/processor-flags.h>
#include "../x86/msr.h"
#include "vmx.h"

/* One field against one rule; the finding is that of the first that fails. */
#define CHECK(cond, name, val, text)						\
	do {									\
		if (!(cond))							\
			return (struct vmx_finding){ name, text, val };		\
	} while (0)

#define NOTHING	((struct vmx_finding){})

static bool canonical(const struct vmx_guest_state *s, u64 address)
{
	unsigned int unused = 64 - s->linear_bits;

	return (u64)((s64)(address << unused) >> unused) == address;
}

static bool long_mode(const struct vmx_guest_state *s)
{
	return s->entry_controls & ENTRY_LONG_MODE;
}

static bool virtual_8086(const struct vmx_guest_state *s)
{
	return s->rflags & X86_EFLAGS_VM;
}

static bool injects(const struct vmx_guest_state *s, u32 type)
{
	return (s->entry_intr_info & VM_INTINFO_VALID) &&
	       (s->entry_intr_info & VM_INTINFO_TYPE) == type;
}

/* --- control registers, debug registers, MSRs ------------------------- */

/* NW and CD are not looked at: entry leaves them alone. */
#define CR0_UNCHECKED	(X86_CR0_NW | X86_CR0_CD)

static bool cr_fixed(u64 cr, u64 fixed0, u64 fixed1, u64 exempt)
{
	return !(fixed0 & ~cr & ~exempt) && !(cr & ~fixed1 & ~exempt);
}

static struct vmx_finding check_control_registers(const struct vmx_guest_state *s)
{
	u64 free = CR0_UNCHECKED | (s->unrestricted ? X86_CR0_PE | X86_CR0_PG : 0);

	CHECK(cr_fixed(s->cr0, s->cr0_fixed0, s->cr0_fixed1, free), "CR0", s->cr0,
	      "a bit is not as IA32_VMX_CR0_FIXED0 and FIXED1 want it");
	CHECK(!(s->cr0 & X86_CR0_PG) || (s->cr0 & X86_CR0_PE), "CR0", s->cr0, "PG needs PE");
	CHECK(cr_fixed(s->cr4, s->cr4_fixed0, s->cr4_fixed1, 0), "CR4", s->cr4,
	      "a bit is not as IA32_VMX_CR4_FIXED0 and FIXED1 want it");
	CHECK(!(s->cr4 & X86_CR4_CET) || (s->cr0 & X86_CR0_WP), "CR4", s->cr4, "CET needs CR0.WP");
	if (long_mode(s)) {
		CHECK(s->cr0 & X86_CR0_PG, "CR0", s->cr0, "IA-32e mode needs PG");
		CHECK(s->cr4 & X86_CR4_PAE, "CR4", s->cr4, "IA-32e mode needs PAE");
	} else {
		CHECK(!(s->cr4 & X86_CR4_PCIDE), "CR4", s->cr4, "PCIDE needs IA-32e mode");
	}
	CHECK(!(s->cr3 >> s->physical_bits), "CR3", s->cr3, "wider than a physical address");
	return NOTHING;
}

#define DEBUGCTL_RESERVED	(GENMASK_ULL(63, 16) | GENMASK_ULL(5, 3))
#define EFER_KNOWN		(EFER_SCE | EFER_LME | EFER_LMA | EFER_NX)

static struct vmx_finding check_debug_and_msrs(const struct vmx_guest_state *s)
{
	bool lma = s->efer & EFER_LMA;

	if (s->entry_controls & ENTRY_LOAD_DEBUG) {
		CHECK(!(s->debugctl & DEBUGCTL_RESERVED), "IA32_DEBUGCTL", s->debugctl,
		      "a reserved bit is set");
		CHECK(!(s->dr7 >> 32), "DR7", s->dr7, "bits 63 to 32 must be 0");
	}
	CHECK(canonical(s, s->sysenter_esp), "IA32_SYSENTER_ESP", s->sysenter_esp, "not canonical");
	CHECK(canonical(s, s->sysenter_eip), "IA32_SYSENTER_EIP", s->sysenter_eip, "not canonical");
	if (s->entry_controls & ENTRY_LOAD_PAT)
		CHECK(x86_pat_valid(s->pat), "IA32_PAT", s->pat, "a byte is no memory type");
	if (s->entry_controls & ENTRY_LOAD_EFER) {
		CHECK(!(s->efer & ~(u64)EFER_KNOWN), "IA32_EFER", s->efer, "a reserved bit is set");
		CHECK(lma == long_mode(s), "IA32_EFER", s->efer,
		      "LMA differs from the entry control \"IA-32e mode guest\"");
		CHECK(!(s->cr0 & X86_CR0_PG) || lma == !!(s->efer & EFER_LME), "IA32_EFER", s->efer,
		      "with paging LMA must equal LME");
	}
	return NOTHING;
}

/* --- segment registers ------------------------------------------------ */

static const struct { const char *selector, *base, *limit, *access; } segment_names[VMCS_SEGMENTS] = {
#define SEGMENT(s) [VMCS_##s] = { #s " selector", #s " base", #s " limit", #s " access rights" }
	SEGMENT(ES), SEGMENT(CS), SEGMENT(SS), SEGMENT(DS),
	SEGMENT(FS), SEGMENT(GS), SEGMENT(LDTR), SEGMENT(TR),
#undef SEGMENT
};

#define ACCESS_TYPE(access)	((access) & 0xf)
#define ACCESS_S		BIT(4)
#define ACCESS_L		BIT(13)
#define ACCESS_RESERVED		(GENMASK(31, 17) | GENMASK(11, 8))

#define TYPE_ACCESSED		BIT(0)
#define TYPE_READABLE		BIT(1)
#define TYPE_CODE		BIT(3)

static bool usable(const struct vmx_guest_state *s, enum vmcs_segment seg)
{
	return !(s->seg[seg].access & ACCESS_UNUSABLE);
}

static unsigned int dpl(const struct vmx_guest_state *s, enum vmcs_segment seg)
{
	return SEG_DESC_DPL(s->seg[seg].access);
}

static unsigned int rpl(const struct vmx_guest_state *s, enum vmcs_segment seg)
{
	return s->seg[seg].selector & 3;
}

#define SELECTOR_TI	BIT(2)

static struct vmx_finding check_selectors(const struct vmx_guest_state *s)
{
	CHECK(!(s->seg[VMCS_TR].selector & SELECTOR_TI), "TR selector", s->seg[VMCS_TR].selector,
	      "TI must be 0");
	CHECK(!usable(s, VMCS_LDTR) || !(s->seg[VMCS_LDTR].selector & SELECTOR_TI), "LDTR selector",
	      s->seg[VMCS_LDTR].selector, "TI must be 0");
	if (!virtual_8086(s) && !s->unrestricted)
		CHECK(rpl(s, VMCS_SS) == rpl(s, VMCS_CS), "SS selector", s->seg[VMCS_SS].selector,
		      "RPL must equal that of CS");
	return NOTHING;
}

static struct vmx_finding check_segment_base(const struct vmx_guest_state *s, enum vmcs_segment seg)
{
	const char *name = segment_names[seg].base;
	u64 base = s->seg[seg].base;

	if (virtual_8086(s) && seg <= VMCS_GS)
		CHECK(base == (u64)s->seg[seg].selector << 4, name, base,
		      "in virtual-8086 mode it must be the selector times 16");
	switch (seg) {
	case VMCS_LDTR:
		CHECK(!usable(s, seg) || canonical(s, base), name, base, "not canonical");
		break;
	case VMCS_TR:
	case VMCS_FS:
	case VMCS_GS:
		CHECK(canonical(s, base), name, base, "not canonical");
		break;
	case VMCS_CS:
		CHECK(!(base >> 32), name, base, "bits 63 to 32 must be 0");
		break;
	default:
		CHECK(!usable(s, seg) || !(base >> 32), name, base, "bits 63 to 32 must be 0");
	}
	return NOTHING;
}

static struct vmx_finding check_segment_v86(const struct vmx_guest_state *s, enum vmcs_segment seg)
{
	CHECK(s->seg[seg].limit == 0xffff, segment_names[seg].limit, s->seg[seg].limit,
	      "in virtual-8086 mode it must be 0xffff");
	CHECK(s->seg[seg].access == 0xf3, segment_names[seg].access, s->seg[seg].access,
	      "in virtual-8086 mode they must be 0xf3");
	return NOTHING;
}

/* P, the reserved bits, and G as the limit wants it: for every segment that is usable. */
static struct vmx_finding check_access_common(const struct vmx_guest_state *s, enum vmcs_segment seg)
{
	const char *name = segment_names[seg].access;
	u32 access = s->seg[seg].access, limit = s->seg[seg].limit;

	CHECK(SEG_DESC_PRESENT(access), name, access, "P must be 1");
	CHECK(!(access & ACCESS_RESERVED), name, access, "a reserved bit is set");
	CHECK((limit & 0xfff) == 0xfff || !SEG_DESC_GRANULARITY(access), name, access,
	      "G must be 0 with a limit whose bits 11 to 0 are not all 1");
	CHECK(!(limit & 0xfff00000) || SEG_DESC_GRANULARITY(access), name, access,
	      "G must be 1 with a limit above 0xfffff");
	return NOTHING;
}

static struct vmx_finding check_cs_access(const struct vmx_guest_state *s)
{
	const char *name = "CS access rights";
	u32 access = s->seg[VMCS_CS].access;

	switch (ACCESS_TYPE(access)) {
	case 3:
		CHECK(s->unrestricted, name, access, "a data segment needs unrestricted guest");
		CHECK(dpl(s, VMCS_CS) == 0, name, access, "DPL must be 0 with a data segment");
		break;
	case 9:
	case 11:
		CHECK(dpl(s, VMCS_CS) == dpl(s, VMCS_SS), name, access, "DPL must equal that of SS");
		break;
	case 13:
	case 15:
		CHECK(dpl(s, VMCS_CS) <= dpl(s, VMCS_SS), name, access,
		      "DPL must not be above that of SS");
		break;
	default:
		CHECK(false, name, access, "the type must be accessed code");
	}
	CHECK(access & ACCESS_S, name, access, "S must be 1");
	CHECK(!long_mode(s) || !(access & ACCESS_L) || !SEG_DESC_DEF32(access), name, access,
	      "D must be 0 in 64-bit code");
	return NOTHING;
}

static struct vmx_finding check_ss_access(const struct vmx_guest_state *s)
{
	const char *name = "SS access rights";
	u32 access = s->seg[VMCS_SS].access, type = ACCESS_TYPE(access);
	bool at_0 = ACCESS_TYPE(s->seg[VMCS_CS].access) == 3 || !(s->cr0 & X86_CR0_PE);

	if (usable(s, VMCS_SS)) {
		CHECK(type == 3 || type == 7, name, access, "the type must be accessed, writable data");
		CHECK(access & ACCESS_S, name, access, "S must be 1");
	}
	if (!s->unrestricted)
		CHECK(dpl(s, VMCS_SS) == rpl(s, VMCS_SS), name, access, "DPL must equal RPL");
	CHECK(!at_0 || dpl(s, VMCS_SS) == 0, name, access,
	      "DPL must be 0 in real mode, or where CS is a data segment");
	return NOTHING;
}

static struct vmx_finding check_data_access(const struct vmx_guest_state *s, enum vmcs_segment seg)
{
	const char *name = segment_names[seg].access;
	u32 access = s->seg[seg].access, type = ACCESS_TYPE(access);

	CHECK(type & TYPE_ACCESSED, name, access, "the type must be accessed");
	CHECK(!(type & TYPE_CODE) || (type & TYPE_READABLE), name, access, "code must be readable");
	CHECK(access & ACCESS_S, name, access, "S must be 1");
	if (!s->unrestricted && type <= 11)
		CHECK(dpl(s, seg) >= rpl(s, seg), name, access, "DPL must not be below RPL");
	return NOTHING;
}

static struct vmx_finding check_segment_access(const struct vmx_guest_state *s, enum vmcs_segment seg)
{
	struct vmx_finding found;

	if (seg == VMCS_CS)
		found = check_cs_access(s);
	else if (seg == VMCS_SS)
		found = check_ss_access(s);
	else
		found = usable(s, seg) ? check_data_access(s, seg) : NOTHING;
	if (!found.field && (seg == VMCS_CS || usable(s, seg)))
		found = check_access_common(s, seg);
	return found;
}

static struct vmx_finding check_tr(const struct vmx_guest_state *s)
{
	u32 access = s->seg[VMCS_TR].access, type = ACCESS_TYPE(access);

	CHECK(type == 11 || (type == 3 && !long_mode(s)), "TR access rights", access,
	      "the type must be a busy TSS, in IA-32e mode a 64-bit one");
	CHECK(!(access & ACCESS_S), "TR access rights", access, "S must be 0");
	CHECK(usable(s, VMCS_TR), "TR access rights", access, "TR must be usable");
	return check_access_common(s, VMCS_TR);
}

static struct vmx_finding check_ldtr(const struct vmx_guest_state *s)
{
	u32 access = s->seg[VMCS_LDTR].access;

	if (!usable(s, VMCS_LDTR))
		return NOTHING;
	CHECK(ACCESS_TYPE(access) == 2, "LDTR access rights", access, "the type must be an LDT");
	CHECK(!(access & ACCESS_S), "LDTR access rights", access, "S must be 0");
	return check_access_common(s, VMCS_LDTR);
}

static struct vmx_finding check_segments(const struct vmx_guest_state *s)
{
	struct vmx_finding found = check_selectors(s);
	enum vmcs_segment seg;

	for (seg = 0; seg < VMCS_SEGMENTS && !found.field; seg++)
		found = check_segment_base(s, seg);
	for (seg = 0; seg <= VMCS_GS && !found.field; seg++)
		found = virtual_8086(s) ? check_segment_v86(s, seg) : check_segment_access(s, seg);
	if (!found.field)
		found = check_tr(s);
	if (!found.field)
		found = check_ldtr(s);
	return found;
}

static struct vmx_finding check_tables(const struct vmx_guest_state *s)
{
	CHECK(canonical(s, s->gdtr_base), "GDTR base", s->gdtr_base, "not canonical");
	CHECK(canonical(s, s->idtr_base), "IDTR base", s->idtr_base, "not canonical");
	CHECK(!(s->gdtr_limit >> 16), "GDTR limit", s->gdtr_limit, "bits 31 to 16 must be 0");
	CHECK(!(s->idtr_limit >> 16), "IDTR limit", s->idtr_limit, "bits 31 to 16 must be 0");
	return NOTHING;
}

/* --- RIP, RFLAGS, and what is no register ----------------------------- */

#define RFLAGS_RESERVED		(GENMASK_ULL(63, 22) | BIT_ULL(15) | BIT_ULL(5) | BIT_ULL(3))

static struct vmx_finding check_rip_rflags(const struct vmx_guest_state *s)
{
	if (long_mode(s) && (s->seg[VMCS_CS].access & ACCESS_L))
		CHECK(canonical(s, s->rip), "RIP", s->rip, "not canonical");
	else
		CHECK(!(s->rip >> 32), "RIP", s->rip, "bits 63 to 32 must be 0 outside of 64-bit code");
	CHECK(!(s->rflags & RFLAGS_RESERVED), "RFLAGS", s->rflags, "a reserved bit is set");
	CHECK(s->rflags & X86_EFLAGS_FIXED, "RFLAGS", s->rflags, "bit 1 must be 1");
	CHECK(!virtual_8086(s) || (!long_mode(s) && (s->cr0 & X86_CR0_PE)), "RFLAGS", s->rflags,
	      "VM must be 0 in IA-32e mode and in real mode");
	CHECK(!injects(s, VM_INTINFO_HWINTR) || (s->rflags & X86_EFLAGS_IF), "RFLAGS", s->rflags,
	      "IF must be 1 where an external interrupt is injected");
	return NOTHING;
}

/* May the event be injected into a processor that is not active? */
static bool wakes(const struct vmx_guest_state *s)
{
	u8 vector = VM_INTINFO_VECTOR(s->entry_intr_info);
	bool machine_check = injects(s, VM_INTINFO_HWEXCEPTION) && vector == 18;

	if (!(s->entry_intr_info & VM_INTINFO_VALID))
		return true;
	switch (s->activity) {
	case ACTIVITY_HLT:
		return injects(s, VM_INTINFO_HWINTR) || injects(s, VM_INTINFO_NMI) || machine_check ||
		       (injects(s, VM_INTINFO_HWEXCEPTION) && vector == 1);
	case ACTIVITY_SHUTDOWN:
		return injects(s, VM_INTINFO_NMI) || machine_check;
	default:
		return s->activity == ACTIVITY_ACTIVE;
	}
}

static struct vmx_finding check_activity(const struct vmx_guest_state *s)
{
	CHECK(s->activity <= ACTIVITY_WAIT_SIPI && (s->activity_supported & BIT(s->activity)),
	      "activity state", s->activity, "the processor has no such state");
	CHECK(s->activity != ACTIVITY_HLT || dpl(s, VMCS_SS) == 0, "activity state", s->activity,
	      "HLT needs SS.DPL 0");
	CHECK(s->activity == ACTIVITY_ACTIVE || !(s->interruptibility & BLOCKED_SHADOW),
	      "activity state", s->activity, "must be active with blocking by STI or MOV SS");
	CHECK(wakes(s), "activity state", s->activity, "the injected event does not end it");
	return NOTHING;
}

static struct vmx_finding check_interruptibility(const struct vmx_guest_state *s)
{
	const char *name = "interruptibility state";
	u32 state = s->interruptibility;

	CHECK(!(state & GENMASK(31, 5)), name, state, "a reserved bit is set");
	CHECK((state & BLOCKED_SHADOW) != BLOCKED_SHADOW, name, state,
	      "blocking by STI and by MOV SS exclude each other");
	CHECK(!(state & BLOCKED_BY_STI) || (s->rflags & X86_EFLAGS_IF), name, state,
	      "blocking by STI needs RFLAGS.IF");
	CHECK(!(state & BLOCKED_SHADOW) || !injects(s, VM_INTINFO_HWINTR), name, state,
	      "blocking by STI or MOV SS where an external interrupt is injected");
	CHECK(!(state & BLOCKED_BY_MOV_SS) || !injects(s, VM_INTINFO_NMI), name, state,
	      "blocking by MOV SS where an NMI is injected");
	CHECK(!(state & BLOCKED_BY_SMI), name, state, "blocking by SMI outside of SMM");
	CHECK(!(state & BLOCKED_BY_NMI) || !injects(s, VM_INTINFO_NMI) ||
	      !(s->pin_controls & PIN_VIRTUAL_NMIS), name, state,
	      "blocking by NMI where an NMI is injected");
	CHECK(!(state & BLOCKED_ENCLAVE) || !(state & BLOCKED_BY_MOV_SS), name, state,
	      "an enclave's interruption with blocking by MOV SS");
	return NOTHING;
}

#define PENDING_DEBUG_RESERVED	(GENMASK_ULL(63, 17) | BIT_ULL(15) | BIT_ULL(13) | GENMASK_ULL(11, 4))
#define DEBUGCTL_BTF		BIT_ULL(1)

static struct vmx_finding check_pending_debug(const struct vmx_guest_state *s)
{
	const char *name = "pending debug exceptions";
	u64 pending = s->pending_debug;
	bool step = (s->rflags & X86_EFLAGS_TF) && !(s->debugctl & DEBUGCTL_BTF);
	bool held = (s->interruptibility & BLOCKED_SHADOW) || s->activity == ACTIVITY_HLT;

	CHECK(!(pending & PENDING_DEBUG_RESERVED), name, pending, "a reserved bit is set");
	CHECK(!held || step == !!(pending & PENDING_DEBUG_BS), name, pending,
	      "with blocking by STI or MOV SS, or in HLT, BS must be as RFLAGS.TF");
	if (pending & PENDING_DEBUG_RTM) {
		CHECK((pending & ~PENDING_DEBUG_RTM) == PENDING_DEBUG_ENABLED, name, pending,
		      "RTM must have bit 12 beside it and no other");
		CHECK(!(s->interruptibility & BLOCKED_BY_MOV_SS), name, pending,
		      "RTM with blocking by MOV SS");
	}
	return NOTHING;
}

#define PDPTE_PRESENT	BIT_ULL(0)
#define PDPTE_RESERVED	(GENMASK_ULL(8, 5) | GENMASK_ULL(2, 1))

static struct vmx_finding check_pdptes(const struct vmx_guest_state *s)
{
	static const char * const names[] = { "PDPTE0", "PDPTE1", "PDPTE2", "PDPTE3" };
	int i;

	if (!(s->cr0 & X86_CR0_PG) || !(s->cr4 & X86_CR4_PAE) || long_mode(s))
		return NOTHING;
	for (i = 0; i < 4; i++)
		CHECK(!(s->pdpte[i] & PDPTE_PRESENT) ||
		      !(s->pdpte[i] & PDPTE_RESERVED || s->pdpte[i] >> s->physical_bits),
		      names[i], s->pdpte[i], "a reserved bit is set");
	return NOTHING;
}

static struct vmx_finding check_link_pointer(const struct vmx_guest_state *s)
{
	CHECK(s->link_pointer == ~0ULL, "VMCS link pointer", s->link_pointer, "must be all ones");
	return NOTHING;
}

struct vmx_finding vmx_check_guest_state(const struct vmx_guest_state *state)
{
	static struct vmx_finding (* const checks[])(const struct vmx_guest_state *s) = {
		check_control_registers, check_debug_and_msrs, check_segments, check_tables,
		check_rip_rflags, check_activity, check_interruptibility, check_pending_debug,
		check_link_pointer, check_pdptes,
	};
	struct vmx_finding found = NOTHING;
	int i;

	for (i = 0; i < ARRAY_SIZE(checks) && !found.field; i++)
		found = checks[i](state);
	return found;
}
