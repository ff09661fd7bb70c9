// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * exit: neutral handling of exits, one short function each (semantics.md section 8).
 *
 * When a handler is called, vcpu->nextrip already points past the instruction, by
 * exit.inst_length; a handler that wants it executed again sets it back.
 */
#include <linux/bitmap.h>
#include <asm/msr-index.h>
#include "dev/vioapic.h"
#include "dev/vlapic.h"
#include "gla.h"
#include "mem/pte_format.h"
#include "run.h"
#include "vm.h"
#include "x86/decode.h"
#include "x86/emulate.h"
#include "x86/fpu.h"

typedef int (*exit_fn)(struct vcpu *vcpu);

static int exit_restart(struct vcpu *vcpu)
{
	vcpu->nextrip = vcpu->exit_rip;
	return VERDICT_RESUME;
}

static int exit_user(struct vcpu *vcpu)
{
	return VERDICT_USER;
}

static int exit_ud(struct vcpu *vcpu)
{
	vcpu_inject_ud(vcpu);
	return VERDICT_RESUME;
}

static int exit_gp(struct vcpu *vcpu)
{
	vcpu_inject_gp(vcpu);
	return VERDICT_RESUME;
}

/* --- ports ------------------------------------------------------------ */

static int exit_inout(struct vcpu *vcpu)
{
	const struct vm_inout *inout = &vcpu->exit.u.inout;
	u64 *rax = &vcpu->gpr[GPR_RAX];
	u32 val = inout->eax;
	int err;

	err = bus_port_access(&vcpu->vm->bus, inout->in, inout->port, inout->bytes, &val);
	if (err == -ENOENT && !inout->in &&
	    ioeventfd_write(&vcpu->vm->eventfds, true, inout->port, inout->bytes, val))
		return VERDICT_RESUME;
	if (err)
		return err == -ENOENT ? VERDICT_USER : err;
	if (!inout->in)
		return VERDICT_RESUME;
	/* Byte and word keep the rest of RAX, a doubleword zero-extends. */
	if (inout->bytes == 4)
		*rax = val;
	else
		*rax = (*rax & ~GENMASK_ULL(8 * inout->bytes - 1, 0)) |
		       (val & GENMASK_ULL(8 * inout->bytes - 1, 0));
	return VERDICT_RESUME;
}

/* --- INIT and SIPI ---------------------------------------------------- */

/* What a write to ICR left to user space (semantics.md section 11). The instruction is done. */
static int exit_ipi(struct vcpu *vcpu)
{
	const struct vlapic_ipi *ipi = vlapic_ipi(vcpu->vlapic);
	struct vm_exit *exit = &vcpu->exit;

	memset(&exit->u, 0, sizeof(exit->u));
	if (vlapic_ipi_exit(vcpu->vlapic)) {
		exit->exitcode = VM_EXITCODE_IPI;
		exit->u.ipi.mode = ipi->mode;
		exit->u.ipi.vector = ipi->vector;
	} else {
		exit->exitcode = VM_EXITCODE_SPINUP_AP;
		exit->u.spinup_ap.vcpu = find_first_bit(ipi->targets, VM_MAXCPU);
		exit->u.spinup_ap.rip = (u64)ipi->vector << PAGE_SHIFT;
	}
	return VERDICT_USER;
}

/* The processor has carried out the EOI of a level-triggered interrupt, up to here. */
static int exit_ioapic_eoi(struct vcpu *vcpu)
{
	vioapic_eoi(vcpu->vm->irq.vioapic, vcpu->exit.u.ioapic_eoi.vector);
	return VERDICT_RESUME;
}

/* --- MSRs ------------------------------------------------------------- */

static bool msr_is_apic(u32 msr)
{
	return msr == MSR_IA32_APICBASE || (msr >= 0x800 && msr <= 0xbff);
}

static unsigned int guest_phys_bits(struct vcpu *vcpu)
{
	return boot_cpu_data.x86_phys_bits;
}

static int msr_read(struct vcpu *vcpu, u32 msr, u64 *val)
{
	int err;

	if (msr_is_apic(msr))
		return vlapic_msr_read(vcpu->vlapic, msr, val);
	switch (msr) {
	case MSR_IA32_TSC_DEADLINE:
		*val = vlapic_tsc_deadline_read(vcpu->vlapic);
		return 0;
	case MSR_IA32_TSC:
		*val = rdtsc() + vcpu->tsc_offset;
		return 0;
	default:
		err = x86_msr_read(&vcpu->msrs, msr, val);
		return err == -ENOENT ? pvmsr_read(vcpu, msr, val) : err;
	}
}

static int exit_rdmsr(struct vcpu *vcpu)
{
	u64 val;
	int err = msr_read(vcpu, vcpu->exit.u.msr.code, &val);

	if (err == -ENOENT)
		return VERDICT_USER;
	if (err)
		return exit_gp(vcpu);
	vcpu->gpr[GPR_RAX] = (u32)val;
	vcpu->gpr[GPR_RDX] = val >> 32;
	return VERDICT_RESUME;
}

/*
 * TSC and TSC_ADJUST move together (manual vol. 3, 18.17.3). The backend loads tsc_offset at
 * entry.
 */
static void tsc_offset_add(struct vcpu *vcpu, u64 delta)
{
	u64 deadline = vlapic_tsc_deadline_read(vcpu->vlapic);

	vcpu->tsc_offset += delta;
	/* An armed deadline stands in guest TSC: it comes earlier or later now. */
	if (deadline)
		vlapic_tsc_deadline_write(vcpu->vlapic, deadline, vcpu->tsc_offset,
					  vcpu->vm->cpuid.tsc_khz);
	pvmsr_tsc_moved(vcpu);
}

static int msr_write(struct vcpu *vcpu, u32 msr, u64 val)
{
	u64 delta;
	int err;

	if (msr_is_apic(msr))
		return vlapic_msr_write(vcpu->vlapic, msr, val);
	switch (msr) {
	case MSR_IA32_TSC_DEADLINE:
		return vlapic_tsc_deadline_write(vcpu->vlapic, val, vcpu->tsc_offset,
						 vcpu->vm->cpuid.tsc_khz);
	case MSR_IA32_TSC:
		delta = val - (rdtsc() + vcpu->tsc_offset);
		tsc_offset_add(vcpu, delta);
		vcpu->msrs.tsc_adjust += delta;
		return 0;
	case MSR_IA32_TSC_ADJUST:
		tsc_offset_add(vcpu, val - vcpu->msrs.tsc_adjust);
		vcpu->msrs.tsc_adjust = val;
		return 0;
	default:
		err = x86_msr_write(&vcpu->msrs, msr, val, guest_phys_bits(vcpu));
		return err == -ENOENT ? pvmsr_write(vcpu, msr, val) : err;
	}
}

static int exit_wrmsr(struct vcpu *vcpu)
{
	int err = msr_write(vcpu, vcpu->exit.u.msr.code, vcpu->exit.u.msr.wval);

	switch (err) {
	case 0:
		return VERDICT_RESUME;
	case VLAPIC_IPI_EXIT:
		return exit_ipi(vcpu);
	case -ENOENT:
	case -EPERM:
		return VERDICT_USER;
	default:
		return exit_gp(vcpu);
	}
}

/* --- HLT -------------------------------------------------------------- */

static int exit_hlt(struct vcpu *vcpu)
{
	bool interrupts_enabled = vcpu->exit.u.hlt.rflags & X86_EFLAGS_IF;

	vcpu_put(vcpu);
	vcpu_halt(vcpu, interrupts_enabled);
	return VERDICT_RESUME;
}

/* --- nested faults and emulation -------------------------------------- */

struct emul_ctx {
	struct vcpu *vcpu;
	struct vm_guest_paging paging;
	bool ipi;		/* the access was an ICR write that leaves with an exit */
};

static int emul_reg_get(void *ctx, enum vm_reg_name reg, u64 *val)
{
	return vcpu_reg_get(((struct emul_ctx *)ctx)->vcpu, reg, val);
}

static int emul_reg_set(void *ctx, enum vm_reg_name reg, u64 val)
{
	return vcpu_reg_set(((struct emul_ctx *)ctx)->vcpu, reg, val);
}

static int emul_desc_get(void *ctx, enum vm_reg_name reg, struct seg_desc *desc)
{
	struct vcpu *vcpu = ((struct emul_ctx *)ctx)->vcpu;

	return vcpu->vm->backend->desc_get(vcpu, reg, desc);
}

static int emul_simd_get(void *ctx, unsigned int index, void *buf, int bytes)
{
	struct vcpu *vcpu = ((struct emul_ctx *)ctx)->vcpu;

	vcpu_put(vcpu);
	return guest_fpu_simd_get(vcpu->fpu, index, buf, bytes);
}

static int emul_simd_set(void *ctx, unsigned int index, const void *buf, int bytes)
{
	struct vcpu *vcpu = ((struct emul_ctx *)ctx)->vcpu;

	vcpu_put(vcpu);
	return guest_fpu_simd_set(vcpu->fpu, index, buf, bytes);
}

/* Chips have registers of at most 8 bytes: a wider access is several, in ascending order. */
static int emul_chip(struct emul_ctx *ctx, u64 gpa, u8 *buf, int bytes, bool write)
{
	struct vcpu *vcpu = ctx->vcpu;
	int done, piece, err;
	u64 val;

	for (done = 0; done < bytes; done += piece) {
		piece = min_t(int, bytes - done, sizeof(val));
		val = 0;
		if (write)
			memcpy(&val, buf + done, piece);
		err = bus_mmio_access(&vcpu->vm->bus, vcpu->id, gpa + done, write, piece, &val);
		if (err < 0)
			return err;
		if (err == VLAPIC_IPI_EXIT)
			ctx->ipi = true;
		if (!write)
			memcpy(buf + done, &val, piece);
	}
	return 0;
}

/* True: an ioeventfd has taken the write. Wider than its datum, a write matches none. */
static bool emul_ioeventfd(struct vcpu *vcpu, u64 gpa, const void *buf, int bytes)
{
	u64 val = 0;

	memcpy(&val, buf, min_t(size_t, bytes, sizeof(val)));
	return ioeventfd_write(&vcpu->vm->eventfds, false, gpa, bytes, val);
}

/*
 * A kernel chip, an eventfd, or memory. MMIO that belongs to user space ends the emulation:
 * -EOPNOTSUPP.
 */
static int emul_phys(struct emul_ctx *ctx, u64 gpa, void *buf, int bytes, bool write)
{
	struct vcpu *vcpu = ctx->vcpu;
	struct mem_hold hold;
	void *addr;

	if (bus_window_has(&vcpu->vm->bus, gpa))
		return emul_chip(ctx, gpa, buf, bytes, write);
	if (write && emul_ioeventfd(vcpu, gpa, buf, bytes))
		return 0;
	vcpu_put(vcpu);
	addr = mem_hold(&vcpu->vm->mem, gpa, bytes, write ? GPT_PROT_WRITE : GPT_PROT_READ, &hold);
	if (!addr)
		return -EOPNOTSUPP;
	if (write)
		memcpy(addr, buf, bytes);
	else
		memcpy(buf, addr, bytes);
	mem_release(&hold, write);
	return 0;
}

static int emul_phys_read(void *ctx, u64 gpa, void *buf, int bytes)
{
	return emul_phys(ctx, gpa, buf, bytes, false);
}

static int emul_phys_write(void *ctx, u64 gpa, const void *buf, int bytes)
{
	return emul_phys(ctx, gpa, (void *)buf, bytes, true);
}

static int emul_translate(void *ctx, u64 gla, int prot, u64 *gpa)
{
	struct emul_ctx *emul = ctx;
	struct paging_fault fault;
	int err = gla_translate(emul->vcpu, &emul->paging, gla, prot, true, gpa, &fault);

	if (err != PAGING_FAULT)
		return err;
	gla_inject(emul->vcpu, &fault);
	return EMUL_FAULTED;
}

static int emul_inject(void *ctx, int vector, bool has_error, u32 error)
{
	vcpu_inject_fault(((struct emul_ctx *)ctx)->vcpu, vector, has_error, error);
	return 0;
}

static const struct emul_ops exit_emul_ops = {
	.reg_get = emul_reg_get,
	.reg_set = emul_reg_set,
	.desc_get = emul_desc_get,
	.simd_get = emul_simd_get,
	.simd_set = emul_simd_set,
	.phys_read = emul_phys_read,
	.phys_write = emul_phys_write,
	.translate = emul_translate,
	.inject = emul_inject,
};

static int exit_emulate(struct vcpu *vcpu)
{
	const u64 gpa = vcpu->exit.u.inst_emul.gpa;
	struct emul_ctx ctx = { .vcpu = vcpu, .paging = vcpu->exit.u.inst_emul.paging };
	u64 nextrip = vcpu->nextrip;
	int err = vie_emulate(&vcpu->exit.u.inst_emul.vie, gpa, &ctx.paging, &exit_emul_ops, &ctx);

	switch (err) {
	case 0:
		/*
		 * The instruction may have set RIP's register copy through an injected fault
		 * only.
		 */
		vcpu->nextrip = nextrip;
		return ctx.ipi ? exit_ipi(vcpu) : VERDICT_RESUME;
	case EMUL_FAULTED:
	case EMUL_RESTART:
	case -EAGAIN:
		return exit_restart(vcpu);
	case -EOPNOTSUPP:
		return VERDICT_USER;
	default:
		return err;
	}
}

/* The instruction ends on a page that could not be fetched: raise what the fetch there raises. */
static int exit_fetch_rest(struct vcpu *vcpu, const struct vm_guest_paging *paging, u64 gla)
{
	struct paging_fault fault;
	u64 gpa;
	int err = gla_translate(vcpu, paging, gla, VM_PROT_READ | VM_PROT_EXECUTE, true, &gpa,
				&fault);

	if (err != PAGING_FAULT)
		return -EFAULT;
	gla_inject(vcpu, &fault);
	return VERDICT_RESUME;
}

/* As gla_fetch(). From the CPU come fewer bytes where it could not fetch the rest. */
static int exit_fetch(struct vcpu *vcpu, const struct vm_guest_paging *paging, u64 gla, u8 *bytes)
{
	if (vcpu->insn_count != VIE_INST_SIZE)
		return gla_fetch(vcpu, paging, gla, bytes, VIE_INST_SIZE);
	memcpy(bytes, vcpu->insn_bytes, VIE_INST_SIZE);
	return VIE_INST_SIZE;
}

/*
 * The same bytes in the same mode are the same instruction: guests touch their chips from a
 * few places, again and again. Where it would be remembered:
 */
static struct vcpu_decoded *decoded_slot(struct vcpu *vcpu, const u8 *bytes)
{
	return &vcpu->decoded[(bytes[0] ^ bytes[1] ^ bytes[2]) % VCPU_DECODED];
}

/* @bytes: VIE_INST_SIZE, of which those behind @num_valid are 0 */
static int exit_decode(struct vcpu *vcpu, const u8 *bytes, unsigned int num_valid)
{
	struct vie *vie = &vcpu->exit.u.inst_emul.vie;
	enum vm_cpu_mode mode = vcpu->exit.u.inst_emul.paging.cpu_mode;
	bool cs_d = vcpu->exit.u.inst_emul.cs_d;
	struct vcpu_decoded *last = decoded_slot(vcpu, bytes);
	int err;

	if (last->vie.decoded && last->mode == mode && last->cs_d == cs_d &&
	    last->vie.num_processed <= num_valid &&
	    !memcmp(last->vie.inst, bytes, last->vie.num_processed)) {
		*vie = last->vie;
		memcpy(vie->inst, bytes, VIE_INST_SIZE);	/* what is behind it may be other bytes */
		vie->num_valid = num_valid;
		return 0;
	}
	vie_init(vie, bytes, num_valid);
	err = vie_decode(vie, mode, cs_d);
	if (!err)
		*last = (struct vcpu_decoded){ .vie = *vie, .mode = mode, .cs_d = cs_d,
					       .plain_mov = vie_is_plain_mov(vie, mode) };
	return err;
}

/* As vcpu_reg_get() for what a plain MOV addresses with; @reg: VM_REG_LAST: none, 0. */
static u64 address_part(const struct vcpu *vcpu, const struct vie *vie, int reg)
{
	int gpr;

	if (reg == VM_REG_LAST)
		return 0;
	if (reg == VM_REG_GUEST_RIP)
		return vcpu->exit_rip + vie->num_processed;
	gpr = vcpu_gpr_index(reg);
	return gpr < 0 ? 0 : vcpu->gpr[gpr];
}

/* The bytes at RIP, 15 of them, if they are to be had without a walk. Or NULL. */
static const u8 *insn_at_hand(struct vcpu *vcpu, const struct vm_guest_paging *paging)
{
	const u8 *bytes;

	if (vcpu->insn_count == VIE_INST_SIZE)
		return vcpu->insn_bytes;
	bytes = gla_window_find(vcpu, paging, vcpu->exit_rip);
	return bytes && offset_in_page(bytes) <= PAGE_SIZE - VIE_INST_SIZE ? bytes : NULL;
}

/* The chip at @gpa, by a plain MOV. As exit_emulate(). */
static int chip_mov(struct vcpu *vcpu, const struct vie *vie, u64 gpa)
{
	bool write = vie->op.op_flags & VIE_WRITE;
	u64 *reg = &vcpu->gpr[vie->reg], val = 0;
	int err;

	if (write)
		val = (vie->op.op_flags & VIE_SRC_MASK) == VIE_SRC_IMM ? (u32)vie->immediate :
									 (u32)*reg;
	/* Also where VM_RUN fails because of it, the guest goes on behind the instruction. */
	vcpu->exit.inst_length = vie->num_processed;
	vcpu->nextrip = vcpu->exit_rip + vie->num_processed;
	err = bus_mmio_access(&vcpu->vm->bus, vcpu->id, gpa, write, sizeof(u32), &val);
	if (err < 0)
		return err;
	if (!write)
		*reg = val;
	return err == VLAPIC_IPI_EXIT ? exit_ipi(vcpu) : VERDICT_RESUME;
}

/*
 * What vie_emulate() does, for what accesses to chips nearly always are: a MOV of 32 bits between
 * a register or a constant and the memory at the fault, in 64-bit code of the guest's kernel, whose
 * bytes have been decoded before. Then vcpu->exit need not be made for user space, and nothing but
 * the address is left to look at (see the top of emulate.c: the bytes may be others than those that
 * faulted). False: it is something else.
 */
static bool exit_plain_mov(struct vcpu *vcpu, u64 gpa, int *verdict)
{
	const struct vcpu_decoded *decoded;
	struct vm_guest_paging paging;
	const struct vie *vie;
	const u8 *bytes;
	u64 gla;

	if (!IS_ALIGNED(gpa, sizeof(u32)))
		return false;
	vcpu_paging(vcpu, &paging);
	if (paging.cpu_mode != CPU_MODE_64BIT || paging.cpl == 3)
		return false;
	bytes = insn_at_hand(vcpu, &paging);
	if (!bytes)
		return false;
	decoded = decoded_slot(vcpu, bytes);
	vie = &decoded->vie;
	if (!decoded->plain_mov || memcmp(vie->inst, bytes, vie->num_processed))
		return false;
	gla = address_part(vcpu, vie, vie->base_register) +
	      (address_part(vcpu, vie, vie->index_register) << vie->ss) + vie->displacement;
	if (((gla ^ gpa) & ~PAGE_MASK) || !x86_is_canonical(gla, false))
		return false;
	vcpu_stat_inc(vcpu, VMEXIT_INST_EMUL);
	*verdict = chip_mov(vcpu, vie, gpa);
	return true;
}

/*
 * An access to what is no memory. vcpu->exit is rebuilt from PAGING to INST_EMUL: fetch,
 * decode, and emulate if the address is one of our chips' (@chip).
 */
static int exit_inst_emul(struct vcpu *vcpu, u64 gpa, bool chip)
{
	struct vm_exit *exit = &vcpu->exit;
	struct vie *vie = &exit->u.inst_emul.vie;
	struct vm_guest_paging *paging = &exit->u.inst_emul.paging;
	u8 bytes[VIE_INST_SIZE] = {};
	struct seg_desc cs;
	u64 gla;
	int got, err;

	vcpu_stat_inc(vcpu, VMEXIT_INST_EMUL);
	vcpu->vm->backend->desc_get(vcpu, VM_REG_GUEST_CS, &cs);
	memset(&exit->u, 0, sizeof(exit->u));
	exit->exitcode = VM_EXITCODE_INST_EMUL;
	exit->u.inst_emul.gpa = gpa;
	exit->u.inst_emul.gla = ~0ULL;
	exit->u.inst_emul.cs_d = !!(cs.access & BIT(14));
	vcpu_paging(vcpu, paging);
	if (paging->cpu_mode != CPU_MODE_64BIT)
		exit->u.inst_emul.cs_base = cs.base;

	gla = exit->u.inst_emul.cs_base + exit->rip;
	if (paging->cpu_mode != CPU_MODE_64BIT)
		gla = (u32)gla;
	got = exit_fetch(vcpu, paging, gla, bytes);
	if (got <= 0)
		return got ?: VERDICT_RESUME;

	err = exit_decode(vcpu, bytes, got);
	if (err == -EAGAIN)
		return exit_fetch_rest(vcpu, paging, gla + got);
	if (err)
		return VERDICT_USER;
	exit->inst_length = vie->num_processed;
	vcpu->nextrip = exit->rip + exit->inst_length;
	if (chip || ioeventfd_wants(&vcpu->vm->eventfds, gpa))
		return exit_emulate(vcpu);
	return VERDICT_USER;
}

static int exit_paging(struct vcpu *vcpu)
{
	u64 gpa = vcpu->exit.u.paging.gpa;
	int prot = vcpu->exit.u.paging.fault_type;
	bool chip;
	int err;

	if (memmap_find(&vcpu->vm->mem, gpa)) {
		vcpu_put(vcpu);
		err = mem_fault(&vcpu->vm->mem, gpa, prot);
		if (!err) {
			vcpu_stat_inc(vcpu, VMEXIT_NESTED_FAULT);
			return exit_restart(vcpu);
		}
		if (err != -ENOENT)
			return -EFAULT;
	}
	if (prot & VM_PROT_EXECUTE) {
		vcpu->vm->backend->exit_unclaimed(vcpu);
		return VERDICT_USER;
	}
	chip = bus_window_has(&vcpu->vm->bus, gpa);
	if (chip && exit_plain_mov(vcpu, gpa, &err))
		return err;
	return exit_inst_emul(vcpu, gpa, chip);
}

/* --- the table -------------------------------------------------------- */

static const exit_fn exit_handlers[VM_EXITCODE_MAX] = {
	[VM_EXITCODE_INOUT] = exit_inout,
	[VM_EXITCODE_VMX] = exit_user,
	[VM_EXITCODE_BOGUS] = exit_user,
	[VM_EXITCODE_RDMSR] = exit_rdmsr,
	[VM_EXITCODE_WRMSR] = exit_wrmsr,
	[VM_EXITCODE_HLT] = exit_hlt,
	[VM_EXITCODE_MTRAP] = exit_user,
	[VM_EXITCODE_PAUSE] = exit_user,
	[VM_EXITCODE_PAGING] = exit_paging,
	[VM_EXITCODE_IOAPIC_EOI] = exit_ioapic_eoi,
	[VM_EXITCODE_INOUT_STR] = exit_user,
	[VM_EXITCODE_TASK_SWITCH] = exit_user,
	[VM_EXITCODE_MONITOR] = exit_ud,
	[VM_EXITCODE_MWAIT] = exit_ud,
	[VM_EXITCODE_SVM] = exit_user,
	[VM_EXITCODE_VMINSN] = exit_ud,
	[VM_EXITCODE_BPT] = exit_user,
	[VM_EXITCODE_DB] = exit_user,
};

int exit_handle(struct vcpu *vcpu)
{
	unsigned int code = vcpu->exit.exitcode;
	exit_fn fn;

	/* The frequent ones, without an indirect branch and what defends it. */
	if (code == VM_EXITCODE_INOUT)
		return exit_inout(vcpu);
	if (code == VM_EXITCODE_PAGING)
		return exit_paging(vcpu);
	fn = code < VM_EXITCODE_MAX ? exit_handlers[code] : NULL;
	if (unlikely(!fn)) {
		vm_mark_dead(vcpu->vm, "exit code without a handler");
		return -EIO;
	}
	return fn(vcpu);
}
