// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * A record is restored in four steps, of which only the last changes anything:
 * it is copied in; its header and checksums are looked at; with all vCPUs
 * frozen its fields are taken into copies, each checked; the copies replace
 * the state. A record from a hostile hand has right checksums, so the host
 * relies on the checks of the fields alone.
 *
 * Times in records are told from the moment at which time was stopped, so that
 * records may come in any order and to a VM whose clock shows anything.
 *
 * What is not in any record: what the monitor sets up before a restore as it did
 * before the first run (memory, topology, capabilities, the active and the debug
 * set), statistics, and the last exit, of which user space has its own copy.
 */
#define pr_fmt(fmt) "vmm: " fmt
#include <linux/bitmap.h>
#include <linux/crc32.h>
#include <linux/mm.h>
#include <linux/nospec.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <asm/processor-flags.h>
#include "dev/record.h"
#include "dev/vatpic.h"
#include "dev/vatpit.h"
#include "dev/vhpet.h"
#include "dev/vioapic.h"
#include "dev/vlapic.h"
#include "dev/vpmtmr.h"
#include "dev/vrtc.h"
#include "snapshot.h"
#include "timebase.h"
#include "vm.h"
#include "x86/fpu.h"

static_assert(sizeof(struct snapshot_header) == 32);
static_assert(offsetof(struct snapshot_header, header_crc) == 28, "it comes last");

/* --- the vCPUs of a record -------------------------------------------- */

/* Field @id: a bit a vCPU; a record is of exactly those that exist here. */
static void record_vcpus(struct vm *vm, u16 id, struct record *record)
{
	DECLARE_BITMAP(here, VM_MAXCPU) = {};
	DECLARE_BITMAP(vcpus, VM_MAXCPU);
	struct vcpu *vcpu;
	unsigned int i;

	vm_for_each_vcpu(vm, vcpu, i)
		__set_bit(i, here);
	bitmap_copy(vcpus, here, VM_MAXCPU);
	record_bytes(record, id, 0, vcpus, sizeof(vcpus));
	record_check(record, id, 0, bitmap_equal(vcpus, here, VM_MAXCPU),
		     "the vCPUs are not those that exist here");
}

/* --- VMCX: registers -------------------------------------------------- */

enum {
	CX_VENDOR = 1, CX_VCPUS, CX_GPR, CX_CR2, CX_DR, CX_CONTROL, CX_FLAGS_DEBUG, CX_SYSCALL,
	CX_SYSENTER, CX_PAT, CX_SEGMENTS, CX_CPL, CX_TRAP_LENGTH, CX_INT_SHADOW, CX_NMI_BLOCKED,
};

/* A segment as it lies in the record. */
struct cx_segment {
	u64 base;
	u32 limit;
	u32 attrib;
	u64 selector;
};

struct cx_state {
	u64 gpr[GPR_COUNT];
	u64 cr2;
	u64 dr[4];
	struct vcpu_hw_state hw;
};

#define RFLAGS_RSVD	(GENMASK_ULL(63, 22) | BIT_ULL(15) | BIT_ULL(5) | BIT_ULL(3))

/* Rules of both vendors; NULL: right. */
static const char *hw_state_valid(const struct vcpu_hw_state *hw)
{
	if (hw->cr0 >> 32 || ((hw->cr0 & X86_CR0_PG) && !(hw->cr0 & X86_CR0_PE)) ||
	    ((hw->cr0 & X86_CR0_NW) && !(hw->cr0 & X86_CR0_CD)))
		return "CR0 is no state of a processor";
	if (hw->cr3 & GENMASK_ULL(63, 52))
		return "CR3 has reserved bits";
	if (!(hw->rflags & X86_EFLAGS_FIXED) || (hw->rflags & RFLAGS_RSVD))
		return "RFLAGS is no state of a processor";
	if (hw->dr6 >> 32 || hw->dr7 >> 32)
		return "DR6 or DR7 has reserved bits";
	if (!x86_pat_valid(hw->pat))
		return "PAT has a memory type that does not exist";
	return NULL;
}

static void record_segments(struct vcpu_hw_segment *segments, u16 id, struct record *record)
{
	struct cx_segment field[HW_SEGMENTS];
	bool fits = true;
	int i;

	for (i = 0; i < HW_SEGMENTS; i++)
		field[i] = (struct cx_segment){ segments[i].base, segments[i].limit,
						segments[i].attrib, segments[i].selector };
	record_bytes(record, CX_SEGMENTS, id, field, sizeof(field));
	for (i = 0; i < HW_SEGMENTS; i++) {
		segments[i] = (struct vcpu_hw_segment){ field[i].base, field[i].limit,
							field[i].attrib, field[i].selector };
		fits &= field[i].selector <= U16_MAX;
	}
	record_check(record, CX_SEGMENTS, id, fits, "a selector is out of range");
}

static void record_hw_state(struct vcpu_hw_state *hw, u16 id, struct record *record)
{
	u64 control[] = { hw->cr0, hw->cr3, hw->cr4, hw->efer };
	u64 flags_debug[] = { hw->rflags, hw->dr6, hw->dr7 };
	u64 syscall[] = { hw->star, hw->lstar, hw->cstar, hw->sfmask, hw->kernel_gs_base };
	u64 sysenter[] = { hw->sysenter_cs, hw->sysenter_esp, hw->sysenter_eip };

	record_bytes(record, CX_CONTROL, id, control, sizeof(control));
	record_bytes(record, CX_FLAGS_DEBUG, id, flags_debug, sizeof(flags_debug));
	record_bytes(record, CX_SYSCALL, id, syscall, sizeof(syscall));
	record_bytes(record, CX_SYSENTER, id, sysenter, sizeof(sysenter));
	record_u64(record, CX_PAT, id, &hw->pat, U64_MAX);
	record_segments(hw->segments, id, record);
	record_number(record, CX_CPL, id, hw->cpl, 3);
	record_number(record, CX_TRAP_LENGTH, id, hw->trap_length, 15);
	record_flag(record, CX_INT_SHADOW, id, hw->int_shadow);
	record_flag(record, CX_NMI_BLOCKED, id, hw->nmi_blocked);
	hw->cr0 = control[0], hw->cr3 = control[1], hw->cr4 = control[2], hw->efer = control[3];
	hw->rflags = flags_debug[0], hw->dr6 = flags_debug[1], hw->dr7 = flags_debug[2];
	hw->star = syscall[0], hw->lstar = syscall[1], hw->cstar = syscall[2];
	hw->sfmask = syscall[3], hw->kernel_gs_base = syscall[4];
	hw->sysenter_cs = sysenter[0], hw->sysenter_esp = sysenter[1];
	hw->sysenter_eip = sysenter[2];
}

static void cx_save(struct vcpu *vcpu, struct cx_state *state)
{
	memcpy(state->gpr, vcpu->gpr, sizeof(state->gpr));
	state->cr2 = vcpu->cr2;
	memcpy(state->dr, vcpu->dr, sizeof(state->dr));
	vcpu->vm->backend->state_save(vcpu, &state->hw);
}

static void cx_restore(struct vcpu *vcpu, const struct cx_state *state)
{
	memcpy(vcpu->gpr, state->gpr, sizeof(state->gpr));
	vcpu->cr2 = state->cr2;
	memcpy(vcpu->dr, state->dr, sizeof(state->dr));
	vcpu->vm->backend->state_restore(vcpu, &state->hw);
}

static void cx_fields(struct vm *vm, struct cx_state *state, u16 id, struct record *record)
{
	const char *why;

	record_bytes(record, CX_GPR, id, state->gpr, sizeof(state->gpr));
	record_u64(record, CX_CR2, id, &state->cr2, U64_MAX);
	record_bytes(record, CX_DR, id, state->dr, sizeof(state->dr));
	record_hw_state(&state->hw, id, record);
	why = hw_state_valid(&state->hw) ?: vm->backend->state_valid(&state->hw);
	record_check(record, CX_CONTROL, id, !why, why);
}

static int vmcx_snapshot(struct vm *vm, struct record *record)
{
	u64 vendor = vm->backend->intel;
	struct cx_state *states;
	struct vcpu *vcpu;
	unsigned int id;

	if (!vm->backend->state_save)
		return -EOPNOTSUPP;
	states = kvcalloc(vm->maxcpus, sizeof(*states), GFP_KERNEL_ACCOUNT);
	if (!states)
		return -ENOMEM;
	record_u64(record, CX_VENDOR, 0, &vendor, 1);
	record_check(record, CX_VENDOR, 0, vendor == vm->backend->intel,
		     "it comes from a processor of another vendor");
	record_vcpus(vm, CX_VCPUS, record);
	vm_for_each_vcpu(vm, vcpu, id) {
		cx_save(vcpu, &states[id]);
		cx_fields(vm, &states[id], id, record);
	}
	if (record_loaded(record))
		vm_for_each_vcpu(vm, vcpu, id)
			cx_restore(vcpu, &states[id]);
	kvfree(states);
	return 0;
}

/* --- VM: the rest of the vCPUs ---------------------------------------- */

enum {
	VM_VCPUS = 1, VM_XSAVE, VM_TSC_KHZ, VM_NEXTRIP, VM_EXIT_RIP, VM_EXITINTINFO, VM_EXCEPTION,
	VM_EVENT_FLAGS, VM_INIT_PENDING, VM_TSC, VM_MSRS, VM_XCR0, VM_FPU, VM_STARTUP,
	VM_PVCLOCK, VM_PVCLOCK_MSR,
};

struct vm_vcpu_state {
	u64 nextrip, exit_rip;
	struct vcpu_events events;
	bool init_pending;
	u64 tsc;
	struct x86_msrs msrs;
	u64 xcr0;
	u64 pvclock_msr;
	const void *fpu;	/* in the record */
};

#define EVENT_FLAGS	(BIT(EVENT_NMI) | BIT(EVENT_EXTINT))

static bool events_valid(const struct vcpu_events *events)
{
	struct vcpu_events checked = {};
	u64 exception = events->exception;

	if (events->exitintinfo && (!(events->exitintinfo & VM_INTINFO_VALID) ||
				    event_set_intinfo(&checked, events->exitintinfo)))
		return false;
	if (!exception)
		return true;
	return (exception & VM_INTINFO_VALID) &&
	       (exception & VM_INTINFO_TYPE) == VM_INTINFO_HWEXCEPTION &&
	       !event_set_intinfo(&checked, exception);
}

/* The registers of x86_msrs, by number and in the order of the record. */
static const u32 snapshot_msrs[] = {
	0x3b, 0x277, 0x2ff, 0x250, 0x258, 0x259, 0x268, 0x269, 0x26a, 0x26b, 0x26c, 0x26d, 0x26e,
	0x26f, 0x200, 0x201, 0x202, 0x203, 0x204, 0x205, 0x206, 0x207, 0x208, 0x209, 0x20a, 0x20b,
	0x20c, 0x20d, 0x20e, 0x20f, 0x210, 0x211, 0x212, 0x213,
};
static_assert(ARRAY_SIZE(snapshot_msrs) == 14 + 2 * X86_MTRR_VAR_COUNT);

/* They go through the doors that the guest's own accesses take. */
static void record_msrs(struct x86_msrs *msrs, u16 id, struct record *record)
{
	u64 vals[ARRAY_SIZE(snapshot_msrs)];
	bool valid = true;
	int i;

	for (i = 0; i < ARRAY_SIZE(vals); i++)
		x86_msr_read(msrs, snapshot_msrs[i], &vals[i]);
	record_bytes(record, VM_MSRS, id, vals, sizeof(vals));
	if (!record_is_loading(record))
		return;
	for (i = 0; i < ARRAY_SIZE(vals); i++)
		valid &= !x86_msr_write(msrs, snapshot_msrs[i], vals[i],
					boot_cpu_data.x86_phys_bits);
	record_check(record, VM_MSRS, id, valid, "an MSR has a value that it cannot have");
}

static void record_fpu(struct vcpu *vcpu, struct vm_vcpu_state *state, struct record *record)
{
	void *area;

	record_u64(record, VM_XCR0, vcpu->id, &state->xcr0, U64_MAX);
	/* Without XSAVE there is no XCR0, and its reset value stands. */
	record_check(record, VM_XCR0, vcpu->id,
		     !x86_xcr0_check(state->xcr0, vcpu->vm->cpuid.xcr0_permitted ?:
						  XFEATURE_MASK_FP),
		     "XCR0 has components that guests do not get here");
	area = record_field(record, VM_FPU, vcpu->id, fpu_xsave_bytes());
	if (!area)
		return;
	if (record_is_loading(record))
		record_check(record, VM_FPU, vcpu->id, guest_fpu_valid(area),
			     "its header or MXCSR would fault");
	else
		guest_fpu_export(vcpu->fpu, area);
	state->fpu = area;
}

static void vcpu_state_save(struct vcpu *vcpu, struct vm_vcpu_state *state)
{
	state->nextrip = vcpu->nextrip;
	state->exit_rip = vcpu->exit_rip;
	state->events = vcpu->events;
	state->events.flags = READ_ONCE(vcpu->events.flags);
	state->init_pending = test_bit(VCPU_REQ_INIT, &vcpu->requests);
	state->tsc = timebase_tsc(vcpu);
	state->msrs = vcpu->msrs;
	state->xcr0 = vcpu->cpuid.xcr0;
	state->pvclock_msr = vcpu->pvclock_msr;
}

static void vcpu_state_restore(struct vcpu *vcpu, const struct vm_vcpu_state *state)
{
	vcpu->nextrip = state->nextrip;
	vcpu->exit_rip = state->exit_rip;
	vcpu->events.exitintinfo = state->events.exitintinfo;
	vcpu->events.exception = state->events.exception;
	WRITE_ONCE(vcpu->events.flags, state->events.flags);
	assign_bit(VCPU_REQ_INIT, &vcpu->requests, state->init_pending);
	timebase_set_tsc(vcpu, state->tsc);
	vcpu->msrs = state->msrs;
	vcpu->cpuid.xcr0 = state->xcr0;
	vcpu->pvclock_msr = state->pvclock_msr;
	guest_fpu_import(vcpu->fpu, state->fpu);
}

static void vcpu_state_fields(struct vcpu *vcpu, struct vm_vcpu_state *state,
			      struct record *record)
{
	struct vcpu_events *events = &state->events;
	u16 id = vcpu->id;

	record_u64(record, VM_NEXTRIP, id, &state->nextrip, U64_MAX);
	record_u64(record, VM_EXIT_RIP, id, &state->exit_rip, U64_MAX);
	record_u64(record, VM_EXITINTINFO, id, &events->exitintinfo, U64_MAX);
	record_u64(record, VM_EXCEPTION, id, &events->exception, U64_MAX);
	record_number(record, VM_EVENT_FLAGS, id, events->flags, EVENT_FLAGS);
	record_check(record, VM_EXCEPTION, id, events_valid(events), "no event that can be");
	record_flag(record, VM_INIT_PENDING, id, state->init_pending);
	record_u64(record, VM_TSC, id, &state->tsc, U64_MAX);
	record_msrs(&state->msrs, id, record);
	record_u64(record, VM_PVCLOCK_MSR, id, &state->pvclock_msr, U64_MAX);
	record_check(record, VM_PVCLOCK_MSR, id, !state->pvclock_msr || vcpu->vm->cpuid.pvclock,
		     "the guest had VML_FEATURE_PVCLOCK, switch it on before");
	record_fpu(vcpu, state, record);
}

/* What a guest that was started elsewhere relies on: the same FPU, and a TSC of the same speed. */
static void record_host(struct vm *vm, struct record *record)
{
	u64 xsave[2] = { fpu_xcr0_permitted(true), fpu_xsave_bytes() }, here[2] = { xsave[0], xsave[1] };
	u64 khz = vm->cpuid.tsc_khz;

	record_bytes(record, VM_XSAVE, 0, xsave, sizeof(xsave));
	record_check(record, VM_XSAVE, 0, !memcmp(xsave, here, sizeof(xsave)),
		     "the FPU state is of another processor");
	record_u64(record, VM_TSC_KHZ, 0, &khz, U32_MAX);
	/* Calibration errs by less than 0.1 %. */
	record_check(record, VM_TSC_KHZ, 0,
		     abs((s64)khz - (s64)vm->cpuid.tsc_khz) <= vm->cpuid.tsc_khz / 1000,
		     "the TSC had another frequency");
}

static void record_startup(struct vm *vm, unsigned long *startup, struct record *record)
{
	bitmap_copy(startup, vm->irq.startup, VM_MAXCPU);
	record_bytes(record, VM_STARTUP, 0, startup, BITS_TO_LONGS(VM_MAXCPU) * sizeof(long));
	record_check(record, VM_STARTUP, 0,
		     find_next_bit(startup, VM_MAXCPU, vm->maxcpus) >= VM_MAXCPU,
		     "a vCPU waits that cannot exist here");
}

/*
 * Its address of the time of day; and, if its pair has been taken, how long ago that was, which is
 * what the pages in the guest's memory say.
 */
static void record_pvclock(struct vm *vm, struct pvmsr_clock *clock, struct record *record)
{
	u64 fields[4] = { vm->pvclock.wall, vm->pvclock.taken };

	if (vm->pvclock.taken) {
		fields[2] = vm->time_stopped_tsc - vm->pvclock.host_tsc;
		fields[3] = vm->pvclock.ns;
	}
	record_bytes(record, VM_PVCLOCK, 0, fields, sizeof(fields));
	record_check(record, VM_PVCLOCK, 0,
		     fields[1] == 1 || (!fields[1] && !fields[2] && !fields[3]),
		     "no clock that can be");
	*clock = (struct pvmsr_clock){
		.wall = fields[0],
		.taken = fields[1],
		.host_tsc = vm->time_stopped_tsc - fields[2],
		.ns = fields[3],
	};
}

static int vm_snapshot(struct vm *vm, struct record *record)
{
	struct pvmsr_clock pvclock;
	struct vm_vcpu_state *states = kvcalloc(vm->maxcpus, sizeof(*states), GFP_KERNEL_ACCOUNT);
	DECLARE_BITMAP(startup, VM_MAXCPU);
	struct vcpu *vcpu;
	unsigned int id;

	if (!states)
		return -ENOMEM;
	record_vcpus(vm, VM_VCPUS, record);
	record_host(vm, record);
	vm_for_each_vcpu(vm, vcpu, id) {
		vcpu_state_save(vcpu, &states[id]);
		vcpu_state_fields(vcpu, &states[id], record);
	}
	record_startup(vm, startup, record);
	record_pvclock(vm, &pvclock, record);
	if (record_loaded(record)) {
		vm_for_each_vcpu(vm, vcpu, id)
			vcpu_state_restore(vcpu, &states[id]);
		bitmap_copy(vm->irq.startup, startup, VM_MAXCPU);
		vm->pvclock = pvclock;
	}
	kvfree(states);
	return 0;
}

/* --- which record ----------------------------------------------------- */

#define CHIP(chip)								\
static int chip##_request(struct vm *vm, struct record *record)			\
{										\
	chip##_snapshot(vm->chip, record);					\
	return 0;								\
}
CHIP(vioapic)
CHIP(vhpet)
CHIP(vatpic)
CHIP(vatpit)
CHIP(vpmtmr)
CHIP(vrtc)

static int vlapic_request(struct vm *vm, struct record *record)
{
	int err = vlapics_snapshot(&vm->irq, record);
	struct vcpu *vcpu;
	unsigned int id;

	/* CPUID tells of the mode, which may be another now. */
	vm_for_each_vcpu(vm, vcpu, id)
		vcpu->cpuid.x2apic = vlapic_x2apic(vcpu->vlapic);
	return err;
}

static const struct snapshot_row {
	const char *name;
	int (*request)(struct vm *vm, struct record *record);
} rows[] = {
	[STRUCT_VIOAPIC] = { "VIOAPIC", vioapic_request },
	[STRUCT_VM] = { "VM", vm_snapshot },
	[STRUCT_VLAPIC] = { "VLAPIC", vlapic_request },
	[STRUCT_VHPET] = { "VHPET", vhpet_request },
	[STRUCT_VMCX] = { "VMCX", vmcx_snapshot },
	[STRUCT_VATPIC] = { "VATPIC", vatpic_request },
	[STRUCT_VATPIT] = { "VATPIT", vatpit_request },
	[STRUCT_VPMTMR] = { "VPMTMR", vpmtmr_request },
	[STRUCT_VRTC] = { "VRTC", vrtc_request },
};

static const struct snapshot_row *row_find(u32 req)
{
	if (req >= ARRAY_SIZE(rows))
		return NULL;
	req = array_index_nospec(req, ARRAY_SIZE(rows));
	return rows[req].request ? &rows[req] : NULL;
}

static int row_refuse(struct vm *vm, const struct snapshot_row *row, const char *why)
{
	pr_info_ratelimited("vm %s: snapshot record %s not restored: %s\n", vm->name, row->name, why);
	return -EINVAL;
}

/* --- saving ----------------------------------------------------------- */

static void header_make(struct snapshot_header *header, u32 req, u64 bytes)
{
	*header = (struct snapshot_header){
		.magic = SNAPSHOT_MAGIC,
		.version = SNAPSHOT_VERSION,
		.req = req,
		.bytes = bytes,
		.crc = ~crc32_le(~0U, (u8 *)(header + 1), bytes),
	};
	header->header_crc = ~crc32_le(~0U, (u8 *)header, sizeof(*header) - sizeof(u32));
}

/* Measured, then made. All vCPUs frozen. */
static int record_make(struct vm *vm, const struct snapshot_row *row, u32 req,
		       struct snapshot_header **made)
{
	struct snapshot_header *header;
	struct record record = {};
	int err;

	timebase_stop(vm);
	err = row->request(vm, &record);
	if (err)
		return err;
	header = kvzalloc(sizeof(*header) + record.at, GFP_KERNEL_ACCOUNT);
	if (!header)
		return -ENOMEM;
	record = (struct record){ .out = (u8 *)(header + 1), .size = record.at };
	err = row->request(vm, &record);
	if (err) {
		kvfree(header);
		return err;
	}
	header_make(header, req, record.at);
	*made = header;
	return 0;
}

static void buffer_advance(struct vm_snapshot_buffer *buffer, size_t bytes)
{
	buffer->buf += bytes;
	buffer->buf_rem -= bytes;
}

static int snapshot_save(struct vm *vm, const struct snapshot_row *row,
			 struct vm_snapshot_meta *meta)
{
	struct snapshot_header *header = NULL;
	size_t bytes;
	int err;

	err = vm_freeze_all(vm);
	if (err)
		return err;
	err = record_make(vm, row, meta->dev_req, &header);
	vm_thaw_all(vm);
	if (err)
		return err;
	bytes = sizeof(*header) + header->bytes;
	if (meta->buffer.buf_rem < bytes)
		err = -E2BIG;
	else if (copy_to_user(meta->buffer.buf, header, bytes))
		err = -EFAULT;
	else
		buffer_advance(&meta->buffer, bytes);
	kvfree(header);
	return err;
}

/* --- restoring -------------------------------------------------------- */

/* NULL: it is whole, and of this kind. */
static const char *header_valid(const struct snapshot_header *header, u32 req)
{
	if (memcmp(header->magic, SNAPSHOT_MAGIC, sizeof(header->magic)))
		return "it is no record of this module";
	if (header->header_crc != ~crc32_le(~0U, (const u8 *)header, sizeof(*header) - sizeof(u32)))
		return "its header is damaged";
	if (header->version != SNAPSHOT_VERSION)
		return "its version is not one that this module knows: use the module that saved it";
	if (header->req != req)
		return "it is another record";
	if (header->bytes > SNAPSHOT_BYTES_MAX)
		return "it is longer than any";
	return NULL;
}

static int record_apply(struct vm *vm, const struct snapshot_row *row, const u8 *fields,
			size_t bytes)
{
	struct record record = { .in = fields, .size = bytes };
	int err;

	err = vm_freeze_all(vm);
	if (err)
		return err;
	timebase_stop(vm);
	err = row->request(vm, &record);
	vm_thaw_all(vm);
	if (!err && record.error) {
		pr_info_ratelimited("vm %s: snapshot record %s not restored: field %u of %u: %s\n",
				    vm->name, row->name, record.error_id, record.error_instance,
				    record.error);
		err = -EINVAL;
	}
	return err;
}

static int fields_restore(struct vm *vm, const struct snapshot_row *row,
			  const struct snapshot_header *header, const u8 __user *user)
{
	u8 *fields = kvmalloc(header->bytes + 1, GFP_KERNEL_ACCOUNT);	/* of none, too, there is an address */
	int err;

	if (!fields)
		return -ENOMEM;
	if (copy_from_user(fields, user, header->bytes))
		err = -EFAULT;
	else if (header->crc != ~crc32_le(~0U, fields, header->bytes))
		err = row_refuse(vm, row, "its contents are damaged");
	else
		err = record_apply(vm, row, fields, header->bytes);
	kvfree(fields);
	return err;
}

static int snapshot_restore(struct vm *vm, const struct snapshot_row *row,
			    struct vm_snapshot_meta *meta)
{
	const u8 __user *user = meta->buffer.buf;
	struct snapshot_header header;
	const char *why;
	int err;

	if (meta->buffer.buf_rem < sizeof(header)) {
		row_refuse(vm, row, "the buffer ends in its header");
		return -E2BIG;
	}
	if (copy_from_user(&header, user, sizeof(header)))
		return -EFAULT;
	why = header_valid(&header, meta->dev_req);
	if (why)
		return row_refuse(vm, row, why);
	if (meta->buffer.buf_rem - sizeof(header) < header.bytes) {
		row_refuse(vm, row, "the buffer ends before it does");
		return -E2BIG;
	}
	err = fields_restore(vm, row, &header, user + sizeof(header));
	if (!err)
		buffer_advance(&meta->buffer, sizeof(header) + header.bytes);
	return err;
}

int snapshot_request(struct vm *vm, struct vm_snapshot_meta *meta)
{
	const struct snapshot_row *row = row_find(meta->dev_req);

	if (!row)
		return -EINVAL;
	switch (meta->op) {
	case VM_SNAPSHOT_SAVE:
		return snapshot_save(vm, row, meta);
	case VM_SNAPSHOT_RESTORE:
		return snapshot_restore(vm, row, meta);
	default:
		return -EINVAL;
	}
}
