// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * Hardware task switches, all of them (Intel SDM volume 3, "Task Switching"; the order of checks is
 * that of the table "Exception Conditions Checked During a Task Switch").
 *
 * What fails before the commitment faults in the old task, at the instruction that switched. What
 * fails behind it faults in the new task, before its first instruction. The processor has checked
 * privilege, and a task gate where there was one, before it left the guest.
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "complain.h"
#include "exit.h"
#include "machine.h"

enum {
	EXCEPTION_DB = 1,
	EXCEPTION_TS = 10,
	EXCEPTION_NP = 11,
	EXCEPTION_SS = 12,
	EXCEPTION_GP = 13,
};

#define CR0_TS		0x08ul
#define CR0_PG		0x80000000ul
#define RFLAGS_RESERVED	0x2ul
#define RFLAGS_NT	0x4000ul
#define RFLAGS_VM	0x20000ul
#define DR7_LOCAL	0x55ul		/* L0 to L3 */
#define DR6_BT		0x8000ul

#define SELECTOR_RPL	3
#define SELECTOR_TI	4
#define SELECTOR_INDEX	0xfff8

/* Descriptor types, with the S bit. */
#define TYPE_MASK	0x1f
#define TYPE_TSS16	0x01
#define TYPE_LDT	0x02
#define TYPE_BUSY	0x02		/* in a TSS's type */
#define TYPE_TSS32	0x09
#define TYPE_ACCESSED	0x01
#define TYPE_RW		0x02		/* data: writable; code: readable */
#define TYPE_CONFORMING	0x04
#define TYPE_CODE	0x08
#define TYPE_S		0x10

#define ACCESS_UNUSABLE	0x10000u
#define ACCESS_VM86	0xf3u		/* present, DPL 3, read/write data */

#define DESC_BUSY	(1ul << 41)	/* in a descriptor */
#define DESC_ACCESSED	(1ul << 40)

struct tss32 {
	uint16_t	link, reserved0;
	uint32_t	esp0;
	uint16_t	ss0, reserved1;
	uint32_t	esp1;
	uint16_t	ss1, reserved2;
	uint32_t	esp2;
	uint16_t	ss2, reserved3;
	uint32_t	cr3;
	uint32_t	eip;
	uint32_t	eflags;
	uint32_t	general[8];	/* EAX ECX EDX EBX ESP EBP ESI EDI */
	struct {
		uint16_t	selector, reserved;
	} segments[6];			/* ES CS SS DS FS GS */
	uint16_t	ldt, reserved4;
	uint16_t	trap;		/* bit 0: debug exception at the switch */
	uint16_t	io_map;
};

struct tss16 {
	uint16_t	link;
	uint16_t	sp0, ss0, sp1, ss1, sp2, ss2;
	uint16_t	ip;
	uint16_t	flags;
	uint16_t	general[8];
	uint16_t	segments[4];	/* ES CS SS DS */
	uint16_t	ldt;
};

_Static_assert(sizeof(struct tss32) == 104, "32-bit TSS");
_Static_assert(sizeof(struct tss16) == 44, "16-bit TSS");

enum { SEG_ES, SEG_CS, SEG_SS, SEG_DS, SEG_FS, SEG_GS, SEGS };

static const int general_regs[8] = {
	VM_REG_GUEST_RAX, VM_REG_GUEST_RCX, VM_REG_GUEST_RDX, VM_REG_GUEST_RBX,
	VM_REG_GUEST_RSP, VM_REG_GUEST_RBP, VM_REG_GUEST_RSI, VM_REG_GUEST_RDI,
};

static const int segment_regs[SEGS] = {
	VM_REG_GUEST_ES, VM_REG_GUEST_CS, VM_REG_GUEST_SS,
	VM_REG_GUEST_DS, VM_REG_GUEST_FS, VM_REG_GUEST_GS,
};

/*
 * How a step came out. After STEP_FAULT an exception waits in the kernel, and the vCPU only has to
 * run.
 */
enum step {
	STEP_DONE,
	STEP_FAULT,
	STEP_DEAD,
};

/* The task that a TSS describes, in the wider form. */
struct task {
	uint16_t	selector;	/* of the TSS */
	uint64_t	desc;		/* of the TSS, as in the GDT */
	struct seg_desc	tss;		/* the same, taken apart */
	bool		wide;		/* 32-bit TSS */
	bool		trap;
	uint16_t	link;
	uint16_t	ldt;
	uint32_t	cr3;
	uint32_t	eip;
	uint32_t	eflags;
	uint32_t	general[8];
	uint16_t	segments[SEGS];
};

struct task_switch {
	struct cpu			*cpu;
	const struct vm_task_switch	*what;
	struct vm_guest_paging		paging;		/* the processor's own: CPL 0 */
	struct seg_desc			gdt;
	bool				committed;	/* faults belong to the new task */
	uint64_t			eip;		/* where the old task goes on */
	struct task			old, new;
};

static enum step dead(struct task_switch *sw, const char *what)
{
	exit_request_failed(sw->cpu, what);
	return STEP_DEAD;
}

static enum step fault(struct task_switch *sw, int vector, uint32_t error_code)
{
	if (vm_inject_exception(sw->cpu->vcpu, vector, 1, error_code | (sw->what->ext ? 1 : 0),
				!sw->committed) != 0)
		return dead(sw, "injecting a fault of a task switch");
	return STEP_FAULT;
}

static enum step linear_copy(struct task_switch *sw, uint64_t gla, void *buffer, size_t len,
			     bool write)
{
	struct iovec iov[2];
	int faulted;

	if (vm_copy_setup(sw->cpu->vcpu, &sw->paging, gla & 0xffffffff, len,
			  write ? VM_PROT_WRITE : VM_PROT_READ, iov, 2, &faulted) != 0)
		return dead(sw, "reaching a table of a task switch");
	if (faulted)
		return STEP_FAULT;
	if (write)
		vm_copyout(buffer, iov, len);
	else
		vm_copyin(iov, buffer, len);
	return STEP_DONE;
}

/* Faults on what linear_copy will write later, while nothing is written yet. */
static enum step linear_reach(struct task_switch *sw, uint64_t gla, size_t len)
{
	struct iovec iov[2];
	int faulted;

	if (vm_copy_setup(sw->cpu->vcpu, &sw->paging, gla & 0xffffffff, len, VM_PROT_WRITE, iov, 2,
			  &faulted) != 0)
		return dead(sw, "reaching a table of a task switch");
	return faulted ? STEP_FAULT : STEP_DONE;
}

static void desc_parse(uint64_t desc, struct seg_desc *seg)
{
	uint32_t limit = (uint32_t)((desc & 0xffff) | (desc >> 32 & 0xf0000));

	seg->base = (desc >> 16 & 0xffffff) | (desc >> 32 & 0xff000000);
	seg->access = (uint32_t)(desc >> 40 & 0xf0ff);
	seg->limit = SEG_DESC_GRANULARITY(seg->access) ? limit << 12 | 0xfff : limit;
}

/*
 * Reads, or writes back, the descriptor that SELECTOR names in TABLE. Beyond the table's limit:
 * VECTOR.
 */
static enum step desc_copy(struct task_switch *sw, const struct seg_desc *table, uint16_t selector,
			   uint64_t *desc, int vector, bool write)
{
	if ((selector & SELECTOR_INDEX) + 7u > table->limit)
		return fault(sw, vector, selector & ~SELECTOR_RPL);
	return linear_copy(sw, table->base + (selector & SELECTOR_INDEX), desc, sizeof(*desc),
			   write);
}

/* The new task's TSS: where it is, and whether it may be used now. */
static enum step new_tss_check(struct task_switch *sw)
{
	struct task *new = &sw->new;
	int vector = sw->what->reason == TSR_IRET ? EXCEPTION_TS : EXCEPTION_GP;
	uint32_t code, type;
	enum step step;

	new->selector = sw->what->tsssel;
	code = new->selector & ~(uint32_t)SELECTOR_RPL;
	if (code == 0 || (new->selector & SELECTOR_TI))
		return fault(sw, vector, code);
	step = desc_copy(sw, &sw->gdt, new->selector, &new->desc, vector, false);
	if (step != STEP_DONE)
		return step;
	desc_parse(new->desc, &new->tss);
	type = new->tss.access & TYPE_MASK;
	if (sw->what->reason == TSR_IRET)
		type ^= TYPE_BUSY;
	if (type != TYPE_TSS16 && type != TYPE_TSS32)
		return fault(sw, vector, code);
	if (!SEG_DESC_PRESENT(new->tss.access))
		return fault(sw, EXCEPTION_NP, code);
	new->wide = type == TYPE_TSS32;
	if (new->tss.limit < (new->wide ? sizeof(struct tss32) : sizeof(struct tss16)) - 1)
		return fault(sw, EXCEPTION_TS, code);
	return STEP_DONE;
}

static enum step old_tss_check(struct task_switch *sw)
{
	struct task *old = &sw->old;
	uint64_t selector;

	if (vm_get_register(sw->cpu->vcpu, VM_REG_GUEST_TR, &selector) != 0 ||
	    vm_get_seg_desc(sw->cpu->vcpu, VM_REG_GUEST_TR, &old->tss) != 0)
		return dead(sw, "reading TR");
	old->selector = (uint16_t)selector;
	old->wide = (old->tss.access & TYPE_MASK & ~TYPE_BUSY) == TYPE_TSS32;
	if (old->tss.limit < (old->wide ? sizeof(struct tss32) : sizeof(struct tss16)) - 1)
		return fault(sw, EXCEPTION_TS, sw->new.selector & ~SELECTOR_RPL);
	return STEP_DONE;
}

static void task_from_wide(struct task *task, const struct tss32 *tss)
{
	task->link = tss->link;
	task->ldt = tss->ldt;
	task->trap = tss->trap & 1;
	task->cr3 = tss->cr3;
	task->eip = tss->eip;
	task->eflags = tss->eflags;
	memcpy(task->general, tss->general, sizeof(task->general));
	for (int i = 0; i < SEGS; i++)
		task->segments[i] = tss->segments[i].selector;
}

/*
 * A 16-bit TSS leaves the upper halves of the registers and FS and GS undefined: 0 here, null
 * selectors.
 */
static void task_from_narrow(struct task *task, const struct tss16 *tss)
{
	task->link = tss->link;
	task->ldt = tss->ldt;
	task->eip = tss->ip;
	task->eflags = tss->flags;
	for (int i = 0; i < 8; i++)
		task->general[i] = tss->general[i];
	for (int i = 0; i <= SEG_DS; i++)
		task->segments[i] = tss->segments[i];
}

static enum step new_tss_read(struct task_switch *sw)
{
	struct tss32 wide;
	struct tss16 narrow;
	enum step step;

	if (sw->new.wide) {
		step = linear_copy(sw, sw->new.tss.base, &wide, sizeof(wide), false);
		if (step == STEP_DONE)
			task_from_wide(&sw->new, &wide);
	} else {
		step = linear_copy(sw, sw->new.tss.base, &narrow, sizeof(narrow), false);
		if (step == STEP_DONE)
			task_from_narrow(&sw->new, &narrow);
	}
	return step;
}

static enum step old_registers_read(struct task_switch *sw)
{
	struct vcpu *vcpu = sw->cpu->vcpu;
	struct task *old = &sw->old;
	uint64_t value;

	for (int i = 0; i < 8; i++) {
		if (vm_get_register(vcpu, general_regs[i], &value) != 0)
			return dead(sw, "reading a register");
		old->general[i] = (uint32_t)value;
	}
	for (int i = 0; i < SEGS; i++) {
		if (vm_get_register(vcpu, segment_regs[i], &value) != 0)
			return dead(sw, "reading a segment register");
		old->segments[i] = (uint16_t)value;
	}
	if (vm_get_register(vcpu, VM_REG_GUEST_RFLAGS, &value) != 0)
		return dead(sw, "reading RFLAGS");
	old->eip = (uint32_t)sw->eip;
	old->eflags = (uint32_t)value;
	if (sw->what->reason == TSR_IRET)
		old->eflags &= ~(uint32_t)RFLAGS_NT;
	return STEP_DONE;
}

static enum step tables_reach(struct task_switch *sw)
{
	const struct task *tasks[] = { &sw->old, &sw->new };
	enum step step = STEP_DONE;

	for (int i = 0; i < 2 && step == STEP_DONE; i++) {
		step = linear_reach(sw, tasks[i]->tss.base,
				    tasks[i]->wide ? sizeof(struct tss32) : sizeof(struct tss16));
		if (step == STEP_DONE)
			step = linear_reach(sw,
					    sw->gdt.base + (tasks[i]->selector & SELECTOR_INDEX),
					    sizeof(uint64_t));
	}
	return step;
}

/*
 * The part of a TSS that changes at a switch: from EIP to the last segment. Link, stacks, CR3 and
 * LDT stay.
 */
static enum step old_tss_write(struct task_switch *sw)
{
	const size_t wide_from = offsetof(struct tss32, eip), wide_to = offsetof(struct tss32, ldt);
	const size_t narrow_from = offsetof(struct tss16, ip),
		     narrow_to = offsetof(struct tss16, ldt);
	const struct task *old = &sw->old;
	struct tss32 wide = { .eip = old->eip, .eflags = old->eflags };
	struct tss16 narrow = { .ip = (uint16_t)old->eip, .flags = (uint16_t)old->eflags };

	memcpy(wide.general, old->general, sizeof(wide.general));
	for (int i = 0; i < SEGS; i++)
		wide.segments[i].selector = old->segments[i];
	for (int i = 0; i < 8; i++)
		narrow.general[i] = (uint16_t)old->general[i];
	for (int i = 0; i <= SEG_DS; i++)
		narrow.segments[i] = old->segments[i];
	if (old->wide)
		return linear_copy(sw, old->tss.base + wide_from, (char *)&wide + wide_from,
				   wide_to - wide_from, true);
	return linear_copy(sw, old->tss.base + narrow_from, (char *)&narrow + narrow_from,
			   narrow_to - narrow_from, true);
}

/* JMP and IRET leave the old task: it is free to be entered again. */
static enum step old_busy_clear(struct task_switch *sw)
{
	enum step step;
	uint64_t desc;

	if (sw->what->reason != TSR_JMP && sw->what->reason != TSR_IRET)
		return STEP_DONE;
	step = desc_copy(sw, &sw->gdt, sw->old.selector, &desc, EXCEPTION_TS, false);
	if (step != STEP_DONE)
		return step;
	desc &= ~DESC_BUSY;
	return desc_copy(sw, &sw->gdt, sw->old.selector, &desc, EXCEPTION_TS, true);
}

/* CALL and events nest the new task in the old one. */
static enum step new_link_write(struct task_switch *sw)
{
	if (sw->what->reason != TSR_CALL && sw->what->reason != TSR_IDT_GATE)
		return STEP_DONE;
	sw->new.eflags |= RFLAGS_NT;
	return linear_copy(sw, sw->new.tss.base, &sw->old.selector, sizeof(sw->old.selector), true);
}

static enum step new_busy_set(struct task_switch *sw)
{
	sw->new.desc |= DESC_BUSY;
	desc_parse(sw->new.desc, &sw->new.tss);
	return desc_copy(sw, &sw->gdt, sw->new.selector, &sw->new.desc, EXCEPTION_TS, true);
}

static int segment_load(struct task_switch *sw, int reg, uint16_t selector,
			const struct seg_desc *desc)
{
	if (vm_set_desc(sw->cpu->vcpu, reg, desc->base, desc->limit, desc->access) != 0)
		return -1;
	return vm_set_register(sw->cpu->vcpu, reg, selector);
}

/*
 * With PAE, loading CR3 loads the four page-directory pointers with it. AMD processors read them
 * when they use them, and refuse.
 */
static int pdptes_load(struct task_switch *sw)
{
	static const int regs[] = { VM_REG_GUEST_PDPTE0, VM_REG_GUEST_PDPTE1, VM_REG_GUEST_PDPTE2,
				    VM_REG_GUEST_PDPTE3 };
	const uint64_t *pdptes =
		vm_map_gpa(sw->cpu->machine->ctx, sw->new.cr3 & ~0x1fu, sizeof(uint64_t[4]));

	if (sw->paging.paging_mode != PAGING_MODE_PAE || pdptes == NULL)
		return 0;
	for (int i = 0; i < 4; i++)
		if (vm_set_register(sw->cpu->vcpu, regs[i], pdptes[i]) != 0)
			return errno == EINVAL ? 0 : -1;
	return 0;
}

static int control_load(struct task_switch *sw)
{
	struct vcpu *vcpu = sw->cpu->vcpu;
	uint64_t cr0, dr7;

	if (vm_get_register(vcpu, VM_REG_GUEST_CR0, &cr0) != 0 ||
	    vm_set_register(vcpu, VM_REG_GUEST_CR0, cr0 | CR0_TS) != 0)
		return -1;
	if (vm_get_register(vcpu, VM_REG_GUEST_DR7, &dr7) != 0 ||
	    vm_set_register(vcpu, VM_REG_GUEST_DR7, dr7 & ~DR7_LOCAL) != 0)
		return -1;
	if (!sw->new.wide || !(cr0 & CR0_PG))
		return 0;
	sw->paging.cr3 = sw->new.cr3;
	if (vm_set_register(vcpu, VM_REG_GUEST_CR3, sw->new.cr3) != 0)
		return -1;
	return pdptes_load(sw);
}

/* Everything that needs no check. All segments are null until they are loaded. */
static int registers_load(struct task_switch *sw)
{
	static const struct seg_desc null = { .access = ACCESS_UNUSABLE };
	struct vcpu *vcpu = sw->cpu->vcpu;
	const struct task *new = &sw->new;

	if (control_load(sw) != 0 ||
	    segment_load(sw, VM_REG_GUEST_TR, new->selector &(uint16_t)~SELECTOR_RPL, &new->tss) !=
		    0)
		return -1;
	for (int i = 0; i < 8; i++)
		if (vm_set_register(vcpu, general_regs[i], new->general[i]) != 0)
			return -1;
	for (int i = 0; i < SEGS; i++)
		if (i != SEG_CS && i != SEG_SS && segment_load(sw, segment_regs[i], 0, &null) != 0)
			return -1;
	if (segment_load(sw, VM_REG_GUEST_LDTR, new->ldt, &null) != 0)
		return -1;
	if (vm_set_register(vcpu, VM_REG_GUEST_RFLAGS, new->eflags | RFLAGS_RESERVED) != 0)
		return -1;
	return vm_set_register(vcpu, VM_REG_GUEST_RIP, new->eip);
}

static enum step ldt_load(struct task_switch *sw, struct seg_desc *ldt)
{
	uint32_t code = sw->new.ldt & ~(uint32_t)SELECTOR_RPL;
	enum step step;
	uint64_t desc;

	memset(ldt, 0, sizeof(*ldt));
	ldt->access = ACCESS_UNUSABLE;
	if (code == 0)
		return STEP_DONE;
	if (sw->new.ldt & SELECTOR_TI)
		return fault(sw, EXCEPTION_TS, code);
	step = desc_copy(sw, &sw->gdt, sw->new.ldt, &desc, EXCEPTION_TS, false);
	if (step != STEP_DONE)
		return step;
	desc_parse(desc, ldt);
	if ((ldt->access & TYPE_MASK) != TYPE_LDT || !SEG_DESC_PRESENT(ldt->access))
		return fault(sw, EXCEPTION_TS, code);
	if (segment_load(sw, VM_REG_GUEST_LDTR, sw->new.ldt, ldt) != 0)
		return dead(sw, "writing LDTR");
	return STEP_DONE;
}

/*
 * Whether the segment's type and privilege suit the register it goes to. The new CPL is that of
 * CS's selector.
 */
static bool segment_suits(int seg, uint16_t selector, uint16_t cs, uint32_t access)
{
	int dpl = SEG_DESC_DPL(access), rpl = selector & SELECTOR_RPL, cpl = cs & SELECTOR_RPL;
	bool code = access & TYPE_CODE;

	if (!(access & TYPE_S))
		return false;
	switch (seg) {
	case SEG_CS:
		return code && (access & TYPE_CONFORMING ? dpl <= cpl : dpl == cpl);
	case SEG_SS:
		return !code && (access & TYPE_RW) && dpl == cpl && rpl == cpl;
	default:
		if (code && !(access & TYPE_RW))
			return false;
		return (code && (access & TYPE_CONFORMING)) || (dpl >= cpl && dpl >= rpl);
	}
}

static enum step segment_switch(struct task_switch *sw, int seg, const struct seg_desc *ldt)
{
	uint16_t selector = sw->new.segments[seg];
	const struct seg_desc *table = selector & SELECTOR_TI ? ldt : &sw->gdt;
	uint32_t code = selector & ~(uint32_t)SELECTOR_RPL;
	struct seg_desc desc = { .access = ACCESS_UNUSABLE };
	enum step step;
	uint64_t raw;

	if (code == 0 && (seg == SEG_CS || seg == SEG_SS))
		return fault(sw, EXCEPTION_TS, 0);
	if (code != 0) {
		if (SEG_DESC_UNUSABLE(table->access))
			return fault(sw, EXCEPTION_TS, code);
		step = desc_copy(sw, table, selector, &raw, EXCEPTION_TS, false);
		if (step != STEP_DONE)
			return step;
		desc_parse(raw, &desc);
		if (!segment_suits(seg, selector, sw->new.segments[SEG_CS], desc.access))
			return fault(sw, EXCEPTION_TS, code);
		if (!SEG_DESC_PRESENT(desc.access))
			return fault(sw, seg == SEG_SS ? EXCEPTION_SS : EXCEPTION_NP, code);
		raw |= DESC_ACCESSED;
		desc.access |= TYPE_ACCESSED;
		step = desc_copy(sw, table, selector, &raw, EXCEPTION_TS, true);
		if (step != STEP_DONE)
			return step;
	}
	return segment_load(sw, segment_regs[seg], selector, &desc) == 0 ?
		       STEP_DONE :
		       dead(sw, "writing a segment register");
}

static enum step segments_vm86(struct task_switch *sw)
{
	struct seg_desc desc = { .limit = 0xffff, .access = ACCESS_VM86 };

	for (int i = 0; i < SEGS; i++) {
		desc.base = (uint64_t)sw->new.segments[i] << 4;
		if (segment_load(sw, segment_regs[i], sw->new.segments[i], &desc) != 0)
			return dead(sw, "writing a segment register");
	}
	return STEP_DONE;
}

/* CS first: its privilege level is what the others are measured with. */
static enum step segments_switch(struct task_switch *sw)
{
	static const int order[SEGS] = { SEG_CS, SEG_SS, SEG_DS, SEG_ES, SEG_FS, SEG_GS };
	enum step step = STEP_DONE;
	struct seg_desc ldt;

	step = ldt_load(sw, &ldt);
	if (step != STEP_DONE)
		return step;
	if (sw->new.eflags & RFLAGS_VM)
		return segments_vm86(sw);
	for (int i = 0; i < SEGS && step == STEP_DONE; i++)
		step = segment_switch(sw, order[i], &ldt);
	return step;
}

/* The error code of the exception that switched, on the new task's stack. */
static enum step error_code_push(struct task_switch *sw)
{
	unsigned int bytes = sw->new.wide ? 4 : 2;
	uint32_t code = sw->what->errcode, esp, mask;
	struct seg_desc ss;
	enum step step;

	if (!sw->what->errcode_valid)
		return STEP_DONE;
	if (vm_get_seg_desc(sw->cpu->vcpu, VM_REG_GUEST_SS, &ss) != 0)
		return dead(sw, "reading SS");
	mask = SEG_DESC_DEF32(ss.access) ? 0xffffffff : 0xffff;
	esp = (sw->new.general[4] - bytes) & mask;
	if ((ss.access & (TYPE_CODE | TYPE_CONFORMING)) == TYPE_CONFORMING ?
		    esp <= ss.limit :
		    esp > ss.limit || bytes - 1 > ss.limit - esp)
		return fault(sw, EXCEPTION_SS, 0);
	sw->paging.cpl = SEG_DESC_DPL(ss.access);
	step = linear_copy(sw, ss.base + esp, &code, bytes, true);
	if (step != STEP_DONE)
		return step;
	if (vm_set_register(sw->cpu->vcpu, VM_REG_GUEST_RSP, (sw->new.general[4] & ~mask) | esp) !=
	    0)
		return dead(sw, "writing RSP");
	return STEP_DONE;
}

static enum step eip_check(struct task_switch *sw)
{
	struct seg_desc cs;

	if (vm_get_seg_desc(sw->cpu->vcpu, VM_REG_GUEST_CS, &cs) != 0)
		return dead(sw, "reading CS");
	return sw->new.eip <= cs.limit ? STEP_DONE : fault(sw, EXCEPTION_GP, 0);
}

static enum step trap_raise(struct task_switch *sw)
{
	uint64_t dr6;

	if (!sw->new.trap)
		return STEP_DONE;
	if (vm_get_register(sw->cpu->vcpu, VM_REG_GUEST_DR6, &dr6) != 0 ||
	    vm_set_register(sw->cpu->vcpu, VM_REG_GUEST_DR6, dr6 | DR6_BT) != 0)
		return dead(sw, "writing DR6");
	if (vm_inject_exception(sw->cpu->vcpu, EXCEPTION_DB, 0, 0, 0) != 0)
		return dead(sw, "injecting #DB");
	return STEP_FAULT;
}

/* The event that came through a task gate is delivered by the switch itself. */
static enum step event_drop(struct task_switch *sw)
{
	if (sw->what->reason != TSR_IDT_GATE || vm_set_intinfo(sw->cpu->vcpu, 0) == 0)
		return STEP_DONE;
	return dead(sw, "dropping the event of a task switch");
}

static enum step commit(struct task_switch *sw)
{
	sw->committed = true;
	return registers_load(sw) == 0 ? STEP_DONE : dead(sw, "writing the new task's registers");
}

/* In this order; what fails ends it. */
static enum step (*const steps[])(struct task_switch *sw) = {
	new_tss_check, old_tss_check, new_tss_read, tables_reach, old_registers_read,
	old_busy_clear, old_tss_write, new_link_write, new_busy_set,
	event_drop, commit,
	segments_switch, eip_check, error_code_push, trap_raise,
};

enum cpu_verdict task_switch_emulate(struct cpu *cpu, struct vm_exit *exit)
{
	struct task_switch sw = { .cpu = cpu,
				  .what = &exit->u.task_switch,
				  .paging = exit->u.task_switch.paging };
	enum step step = STEP_DONE;

	sw.paging.cpl = 0;
	sw.eip = exit->rip + (uint64_t)exit->inst_length;
	if (vm_get_seg_desc(cpu->vcpu, VM_REG_GUEST_GDTR, &sw.gdt) != 0)
		return exit_request_failed(cpu, "reading GDTR");
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]) && step == STEP_DONE; i++)
		step = steps[i](&sw);
	return step == STEP_DEAD ? CPU_DEAD : CPU_CONTINUE;
}
