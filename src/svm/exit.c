// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * exit: from the VMCB's exit code to a decision. What concerns only this vCPU is settled
 * here; the rest becomes a neutral vcpu->exit (semantics.md section 8).
 */
#include <linux/bitops.h>
#include <linux/nospec.h>
#include <linux/percpu.h>
#include <asm/cpufeature.h>
#include <asm/debugreg.h>
#include <asm/processor-flags.h>
#include <asm/trapnr.h>
#include "../dev/vlapic.h"
#include "../gla.h"
#include "../trace.h"
#include "../x86/decode.h"
#include "../x86/fpu.h"
#include "../x86/msr.h"
#include "svm.h"

#define OPCODE_HLT	0xf4

typedef int (*svm_exit_fn)(struct vcpu *vcpu);

/* --- where the instruction ends --------------------------------------- */

int svm_fetch_insn(struct vcpu *vcpu, struct insn *insn)
{
	struct vmcb_state *state = &to_vmcb(vcpu)->state;
	struct vm_guest_paging paging;
	u8 bytes[VIE_INST_SIZE];
	u64 gla = vcpu->exit_rip;
	bool cs_d = state->cs.attrib & BIT(10);
	int got, length;

	svm_paging(vcpu, &paging);
	if (paging.cpu_mode != CPU_MODE_64BIT)
		gla = (u32)(gla + state->cs.base);
	got = gla_fetch(vcpu, &paging, gla, bytes, sizeof(bytes));
	if (got <= 0)
		return got ?: 1;
	length = insn_decode(insn, bytes, got, paging.cpu_mode, cs_d);
	/*
	 * Another vCPU may have changed the bytes since they were executed: go and execute
	 * those.
	 */
	if (length < 0)
		return 1;
	return 0;
}

static bool in_64bit_code(struct vcpu *vcpu)
{
	const struct vmcb_state *state = &to_vmcb(vcpu)->state;

	return (state->efer & EFER_LMA) && (state->cs.attrib & BIT(9));
}

/* RIP wraps with the mode: 16 and 32 bits outside of 64-bit code. */
static void skip_bytes(struct vcpu *vcpu, unsigned int length)
{
	vcpu->nextrip = vcpu->exit_rip + length;
	if (!in_64bit_code(vcpu))
		vcpu->nextrip = (u32)vcpu->nextrip;
}

int svm_skip(struct vcpu *vcpu)
{
	const struct vmcb_control *control = &to_vmcb(vcpu)->control;
	struct insn insn;
	int err;

	if (svm_caps.nrip_save && control->nextrip) {
		vcpu->nextrip = control->nextrip;
		return 0;
	}
	err = svm_fetch_insn(vcpu, &insn);
	if (!err)
		skip_bytes(vcpu, insn.length);
	return err;
}

/* In 64-bit code: the byte at RIP, others behind it on its page, without a walk. Or NULL. */
static const u8 *code_at_hand(struct vcpu *vcpu)
{
	const struct vmcb *vmcb = to_vmcb(vcpu);
	struct vm_guest_paging paging;

	paging.cr3 = vmcb->state.cr3;
	paging.cpl = vmcb->state.ss.attrib >> 5 & 3;	/* as svm_paging() has it */
	paging.paging_mode = vmcb->state.cr4 & X86_CR4_LA57 ? PAGING_MODE_64_LA57 : PAGING_MODE_64;
	return gla_window_find(vcpu, &paging, vcpu->exit_rip);
}

/*
 * The same for an instruction that the exit code names, 0F @opcode: in 64-bit code and without
 * prefixes, as it nearly always is, two bytes tell.
 */
int svm_skip_two_byte(struct vcpu *vcpu, u8 opcode)
{
	const u8 *bytes;

	if (svm_caps.nrip_save || !in_64bit_code(vcpu))
		return svm_skip(vcpu);
	bytes = code_at_hand(vcpu);
	if (!bytes || offset_in_page(bytes) == PAGE_SIZE - 1 || bytes[0] != 0x0f ||
	    bytes[1] != opcode)
		return svm_skip(vcpu);
	vcpu->nextrip = vcpu->exit_rip + 2;
	return 0;
}

/* And for one of one byte. */
static int skip_one_byte(struct vcpu *vcpu, u8 opcode)
{
	const u8 *bytes;

	if (svm_caps.nrip_save || !in_64bit_code(vcpu))
		return svm_skip(vcpu);
	bytes = code_at_hand(vcpu);
	if (!bytes || *bytes != opcode)
		return svm_skip(vcpu);
	vcpu->nextrip = vcpu->exit_rip + 1;
	return 0;
}

/* A neutral exit whose instruction is nextrip - rip long. */
static int exit_neutral(struct vcpu *vcpu, enum vm_exitcode code)
{
	vcpu->exit.exitcode = code;
	vcpu->exit.rip = vcpu->exit_rip;
	vcpu->exit.inst_length = vcpu->nextrip - vcpu->exit_rip;
	return VERDICT_NEUTRAL;
}

/* Skips the instruction, then leaves with @code. */
static int exit_neutral_skip(struct vcpu *vcpu, enum vm_exitcode code)
{
	int err = svm_skip(vcpu);

	if (err)
		return err < 0 ? err : VERDICT_RESUME;
	return exit_neutral(vcpu, code);
}

static int exit_skip(struct vcpu *vcpu)
{
	int err = svm_skip(vcpu);

	return err < 0 ? err : VERDICT_RESUME;
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

void svm_exit_unclaimed(struct vcpu *vcpu)
{
	const struct vmcb_control *control = &to_vmcb(vcpu)->control;
	struct vm_exit *exit = &vcpu->exit;

	memset(&exit->u, 0, sizeof(exit->u));
	exit->exitcode = VM_EXITCODE_SVM;
	exit->inst_length = 0;
	exit->rip = vcpu->exit_rip;
	exit->u.svm.exitcode = control->exitcode;
	exit->u.svm.exitinfo1 = control->exitinfo1;
	exit->u.svm.exitinfo2 = control->exitinfo2;
	vcpu->nextrip = vcpu->exit_rip;
	vcpu_stat_inc(vcpu, VMEXIT_UNKNOWN);
}

static int exit_unclaimed(struct vcpu *vcpu)
{
	svm_exit_unclaimed(vcpu);
	return VERDICT_USER;
}

/* As if VMRUN had refused the guest's state. */
int svm_exit_invalid(struct vcpu *vcpu)
{
	struct vmcb_control *control = &to_vmcb(vcpu)->control;

	control->exitcode = EXIT_INVALID;
	control->exitinfo1 = 0;
	control->exitinfo2 = 0;
	vcpu->exit_rip = vcpu->nextrip;
	return exit_unclaimed(vcpu);
}

/* --- events of the host ----------------------------------------------- */

static int exit_host(struct vcpu *vcpu)
{
	return VERDICT_RESUME;		/* taken by the host as soon as STGI or STI allowed it */
}

static int exit_intr(struct vcpu *vcpu)
{
	vcpu_count_runtime(vcpu);	/* of a guest that makes no other exits */
	vcpu_stat_inc(vcpu, VMEXIT_EXTINT);
	return VERDICT_RESUME;
}

static int exit_vintr(struct vcpu *vcpu)
{
	svm_intr_window(vcpu, false);
	vcpu_stat_inc(vcpu, VMEXIT_VINTR);
	return VERDICT_RESUME;
}

static int exit_shutdown(struct vcpu *vcpu)
{
	vm_suspend(vcpu->vm, VM_SUSPEND_TRIPLEFAULT);
	return VERDICT_RESUME;
}

/* --- instructions that are settled here ------------------------------- */

static int exit_cpuid(struct vcpu *vcpu)
{
	int err;

	vcpu_stat_inc(vcpu, VMEXIT_CPUID);
	err = svm_skip_two_byte(vcpu, OPCODE_CPUID);
	if (err)
		return err < 0 ? err : VERDICT_RESUME;
	vcpu_cpuid(vcpu);
	return VERDICT_RESUME;
}

static int exit_iret(struct vcpu *vcpu)
{
	svm_nmi_unblock(vcpu);
	vcpu_stat_inc(vcpu, VMEXIT_NMI_WINDOW);
	return VERDICT_RESUME;
}

static int exit_xsetbv(struct vcpu *vcpu)
{
	const struct vmcb_state *state = &to_vmcb(vcpu)->state;
	u64 xcr0 = (u32)vcpu->gpr[GPR_RAX] | vcpu->gpr[GPR_RDX] << 32;
	int err;

	if (!(state->cr4 & X86_CR4_OSXSAVE))
		return exit_ud(vcpu);
	if (state->cpl || (u32)vcpu->gpr[GPR_RCX] != 0 ||
	    x86_xcr0_check(xcr0, vcpu->vm->cpuid.xcr0_permitted))
		return exit_gp(vcpu);
	err = svm_skip(vcpu);
	if (err)
		return err < 0 ? err : VERDICT_RESUME;
	if (vcpu->loaded)
		guest_fpu_set_xcr0(vcpu->fpu, xcr0);
	vcpu->cpuid.xcr0 = xcr0;
	return VERDICT_RESUME;
}

/* ICEBP is a #DB that no intercept of #DB sees: the trap is delivered behind it. */
static int exit_icebp(struct vcpu *vcpu)
{
	int err = svm_skip(vcpu);

	if (err)
		return err < 0 ? err : VERDICT_RESUME;
	vcpu_inject_exception(vcpu, X86_TRAP_DB, false, 0, false);
	return VERDICT_RESUME;
}

/* --- control and debug registers -------------------------------------- */

#define CR_ASSIST_MOV		BIT_ULL(63)	/* EXITINFO1 with decode assists */

enum cr_insn { CR_MOV_FROM, CR_MOV_TO, CR_CLTS, CR_LMSW, CR_SMSW, CR_UNKNOWN };

struct cr_access {
	enum cr_insn insn;
	unsigned int gpr;
	unsigned int bytes;	/* SMSW: of the destination */
};

/* CLTS, LMSW and SMSW are 0F 06, 0F 01 /6 and 0F 01 /4; only register forms are known here. */
static enum cr_insn cr_insn_kind(const struct insn *insn)
{
	if (insn->map != 1)
		return CR_UNKNOWN;
	switch (insn->opcode) {
	case 0x20:
		return CR_MOV_FROM;
	case 0x22:
		return CR_MOV_TO;
	case 0x06:
		return CR_CLTS;
	case 0x01:
		if (insn->mod != 3)
			return CR_UNKNOWN;
		if ((insn->reg & 7) == 6)
			return CR_LMSW;
		if ((insn->reg & 7) == 4)
			return CR_SMSW;
		fallthrough;
	default:
		return CR_UNKNOWN;
	}
}

/* Which instruction, and which general register; nextrip is moved past it. As svm_skip(). */
static int cr_access_decode(struct vcpu *vcpu, bool write, struct cr_access *access)
{
	const struct vmcb_control *control = &to_vmcb(vcpu)->control;
	struct insn insn;
	int err;

	if (svm_caps.decode_assists && (control->exitinfo1 & CR_ASSIST_MOV)) {
		access->insn = write ? CR_MOV_TO : CR_MOV_FROM;
		access->gpr = control->exitinfo1 & 0xf;
		return svm_skip(vcpu);
	}
	err = svm_fetch_insn(vcpu, &insn);
	if (err)
		return err;
	access->insn = cr_insn_kind(&insn);
	access->gpr = insn.rm;
	access->bytes = insn.rex & 8 ? 8 : insn.opsize_override ? 2 : 4;
	skip_bytes(vcpu, insn.length);
	return 0;
}

static u64 gpr_operand(struct vcpu *vcpu, unsigned int gpr)
{
	u64 val = vcpu->gpr[array_index_nospec(gpr & 15, GPR_COUNT)];

	return in_64bit_code(vcpu) ? val : (u32)val;
}

static int cr0_write(struct vcpu *vcpu, const struct cr_access *access)
{
	u64 cr0, operand = gpr_operand(vcpu, access->gpr);

	svm_reg_get(vcpu, VM_REG_GUEST_CR0, &cr0);
	switch (access->insn) {
	case CR_MOV_TO:
		return svm_set_cr0(vcpu, operand);
	case CR_CLTS:
		return svm_set_cr0(vcpu, cr0 & ~X86_CR0_TS);
	case CR_LMSW:
		/* Bits 0 to 3; PE can be set this way but not cleared. */
		return svm_set_cr0(vcpu, (cr0 & ~0xeULL) | (operand & 0xf));
	default:
		return -EOPNOTSUPP;
	}
}

static int cr8_write(struct vcpu *vcpu, u64 val)
{
	if (val > 15)
		return -EINVAL;
	vlapic_cr8_write(vcpu->vlapic, val);
	return 0;
}

static int exit_cr_write(struct vcpu *vcpu)
{
	u64 code = to_vmcb(vcpu)->control.exitcode;
	unsigned int cr = code == EXIT_CR0_SEL_WRITE ? 0 : code - EXIT_CR_WRITE;
	struct cr_access access;
	int err;

	vcpu_stat_inc(vcpu, VMEXIT_CR_ACCESS);
	err = cr_access_decode(vcpu, true, &access);
	if (err)
		return err < 0 ? err : VERDICT_RESUME;
	switch (cr) {
	case 0:
		err = cr0_write(vcpu, &access);
		break;
	case 4:
		err = svm_set_cr4(vcpu, gpr_operand(vcpu, access.gpr));
		break;
	case 8:
		err = cr8_write(vcpu, gpr_operand(vcpu, access.gpr));
		break;
	default:
		err = -EOPNOTSUPP;
	}
	if (err == -EOPNOTSUPP)
		return exit_unclaimed(vcpu);
	return err ? exit_gp(vcpu) : VERDICT_RESUME;
}

static void gpr_put(struct vcpu *vcpu, unsigned int gpr, u64 val, unsigned int bytes)
{
	u64 *slot = &vcpu->gpr[array_index_nospec(gpr & 15, GPR_COUNT)];

	if (bytes == 2)
		*slot = (*slot & ~0xffffULL) | (u16)val;
	else
		*slot = bytes == 4 ? (u32)val : val;
}

/* Only CR0, while it is shadowed. */
static int exit_cr0_read(struct vcpu *vcpu)
{
	struct cr_access access;
	u64 cr0;
	int err;

	vcpu_stat_inc(vcpu, VMEXIT_CR_ACCESS);
	err = cr_access_decode(vcpu, false, &access);
	if (err)
		return err < 0 ? err : VERDICT_RESUME;
	svm_reg_get(vcpu, VM_REG_GUEST_CR0, &cr0);
	if (access.insn == CR_MOV_FROM)
		gpr_put(vcpu, access.gpr, cr0, in_64bit_code(vcpu) ? 8 : 4);
	else if (access.insn == CR_SMSW)
		gpr_put(vcpu, access.gpr, cr0, access.bytes);
	else
		return exit_unclaimed(vcpu);
	return VERDICT_RESUME;
}

/* Register operand of a MOV DR; as svm_skip(). */
static int dr_access_decode(struct vcpu *vcpu, unsigned int *gpr)
{
	const struct vmcb_control *control = &to_vmcb(vcpu)->control;
	struct insn insn;
	int err;

	if (svm_caps.decode_assists) {
		*gpr = control->exitinfo1 & 0xf;
		return svm_skip(vcpu);
	}
	err = svm_fetch_insn(vcpu, &insn);
	if (err)
		return err;
	*gpr = insn.rm;
	skip_bytes(vcpu, insn.length);
	return 0;
}

static int exit_dr_read(struct vcpu *vcpu)
{
	unsigned int dr = to_vmcb(vcpu)->control.exitcode - EXIT_DR_READ, gpr;
	int err = dr_access_decode(vcpu, &gpr);

	if (err)
		return err < 0 ? err : VERDICT_RESUME;
	gpr_put(vcpu, gpr, vcpu->dr[dr & 3], in_64bit_code(vcpu) ? 8 : 4);
	return VERDICT_RESUME;
}

#define DR7_RESERVED_ONES	BIT(10)
#define DR7_RESERVED_ZEROS	(BIT(12) | BIT(14) | BIT(15))

static int exit_dr_write(struct vcpu *vcpu)
{
	unsigned int dr = to_vmcb(vcpu)->control.exitcode - EXIT_DR_WRITE, gpr;
	u64 val;
	int err = dr_access_decode(vcpu, &gpr);

	if (err)
		return err < 0 ? err : VERDICT_RESUME;
	val = gpr_operand(vcpu, gpr);
	if (dr < 4) {
		vcpu->dr[dr] = val;
		return VERDICT_RESUME;
	}
	if (val >> 32)
		return exit_gp(vcpu);
	svm_reg_set(vcpu, VM_REG_GUEST_DR7, (val & ~DR7_RESERVED_ZEROS) | DR7_RESERVED_ONES);
	return VERDICT_RESUME;
}

/* --- exceptions ------------------------------------------------------- */

/*
 * Single step with a borrowed TF (VM_CAP_RFLAGS_TF). PUSHF would show the borrowed flag and
 * POPF would replace it: both are intercepted, run once without the intercept, and put right
 * in the #DB that follows.
 */
static int exit_step_flags(struct vcpu *vcpu)
{
	struct svm_vcpu *svm = to_svm(vcpu);
	bool pushf = svm->vmcb->control.exitcode == EXIT_PUSHF;

	svm->step_over = pushf ? STEP_PUSHF : STEP_POPF;
	vmcb_intercept(svm->vmcb, pushf ? INTERCEPT_PUSHF : INTERCEPT_POPF, false);
	return VERDICT_RESUME;
}

/* Clear TF in the flags image that PUSHF has just pushed. */
static void step_fix_pushed(struct vcpu *vcpu, const struct vm_guest_paging *paging)
{
	const struct vmcb_state *state = &to_vmcb(vcpu)->state;
	u64 gla = vcpu->gpr[GPR_RSP], gpa;
	struct paging_fault fault;
	struct mem_hold hold;
	u8 *addr;

	if (paging->cpu_mode != CPU_MODE_64BIT) {
		gla &= state->ss.attrib & BIT(10) ? U32_MAX : U16_MAX;
		gla = (u32)(gla + state->ss.base);
	}
	/* TF is bit 0 of the second byte, so one byte is all there is to reach. */
	if (gla_translate(vcpu, paging, gla + 1, VM_PROT_WRITE, true, &gpa, &fault))
		return;
	vcpu_put(vcpu);
	addr = mem_hold(&vcpu->vm->mem, gpa, 1, VM_PROT_WRITE, &hold);
	if (!addr)
		return;
	*addr &= ~BIT(0);
	mem_release(&hold, true);
}

static void step_over_done(struct vcpu *vcpu, struct vm_exit *exit)
{
	struct svm_vcpu *svm = to_svm(vcpu);

	if (svm->step_over == STEP_PUSHF) {
		exit->u.dbg.pushf_intercept = 1;
		exit->u.dbg.tf_shadow_val = svm->step_guest_tf;
		svm_paging(vcpu, &exit->u.dbg.paging);
		if (!svm->step_guest_tf)
			step_fix_pushed(vcpu, &exit->u.dbg.paging);
	} else if (svm->step_over == STEP_POPF) {
		svm->step_guest_tf = svm->vmcb->state.rflags & X86_EFLAGS_TF;
	}
	svm->step_over = STEP_PLAIN;
	vmcb_intercept(svm->vmcb, INTERCEPT_PUSHF, true);
	vmcb_intercept(svm->vmcb, INTERCEPT_POPF, true);
}

static int exit_db(struct vcpu *vcpu)
{
	struct svm_vcpu *svm = to_svm(vcpu);
	struct vm_exit *exit = &vcpu->exit;

	if (!svm->step || !(svm->vmcb->state.dr6 & DR_STEP)) {
		vcpu_inject_exception(vcpu, X86_TRAP_DB, false, 0, false);
		return VERDICT_RESUME;
	}
	memset(&exit->u, 0, sizeof(exit->u));
	exit->u.dbg.trace_trap = 1;
	step_over_done(vcpu, exit);
	if (!svm->step_guest_tf)
		svm->vmcb->state.dr6 &= ~(u64)DR_STEP;
	svm->vmcb->state.rflags |= X86_EFLAGS_TF;
	exit_neutral(vcpu, VM_EXITCODE_DB);
	return VERDICT_USER;
}

static int exit_bp(struct vcpu *vcpu)
{
	struct svm_vcpu *svm = to_svm(vcpu);
	int err = svm_skip(vcpu);

	if (err)
		return err < 0 ? err : VERDICT_RESUME;
	svm->trap_length = vcpu->nextrip - vcpu->exit_rip;
	vcpu->nextrip = vcpu->exit_rip;
	memset(&vcpu->exit.u, 0, sizeof(vcpu->exit.u));
	vcpu->exit.u.bpt.inst_length = svm->trap_length;
	exit_neutral(vcpu, VM_EXITCODE_BPT);
	return VERDICT_USER;
}

/* A machine check that hit while the guest ran is the host's: let its own handler see it. */
static int exit_mc(struct vcpu *vcpu)
{
	asm volatile("int %0" : : "i" (X86_TRAP_MC));
	return VERDICT_RESUME;
}

static int exit_exception(struct vcpu *vcpu)
{
	const struct vmcb_control *control = &to_vmcb(vcpu)->control;
	unsigned int vector = control->exitcode - EXIT_EXCEPTION;
	static const u32 has_error = BIT(X86_TRAP_DF) | BIT(X86_TRAP_TS) | BIT(X86_TRAP_NP) |
				     BIT(X86_TRAP_SS) | BIT(X86_TRAP_GP) | BIT(X86_TRAP_PF) |
				     BIT(X86_TRAP_AC) | BIT(X86_TRAP_CP);

	vcpu_stat_inc(vcpu, VMEXIT_EXCEPTION);
	switch (vector) {
	case X86_TRAP_DB:
		return exit_db(vcpu);
	case X86_TRAP_BP:
		return exit_bp(vcpu);
	case X86_TRAP_MC:
		return exit_mc(vcpu);
	case X86_TRAP_DF:
		/*
		 * Only while exceptions are traced. Vector 8 has no way through the API;
		 * deliver as hardware would.
		 */
		vcpu->events.exitintinfo = VM_INTINFO_VALID | VM_INTINFO_HWEXCEPTION |
					   VM_INTINFO_DEL_ERRCODE | X86_TRAP_DF;
		return VERDICT_RESUME;
	case X86_TRAP_PF:
		vcpu->cr2 = control->exitinfo2;
		break;
	}
	vcpu_inject_exception(vcpu, vector, has_error & BIT(vector), control->exitinfo1, true);
	return VERDICT_RESUME;
}

/* --- what neutral code or user space decides -------------------------- */

static int exit_hlt(struct vcpu *vcpu)
{
	int err;

	vcpu_stat_inc(vcpu, VMEXIT_HLT);
	vcpu->exit.u.hlt.rflags = to_vmcb(vcpu)->state.rflags;
	err = skip_one_byte(vcpu, OPCODE_HLT);
	if (err)
		return err < 0 ? err : VERDICT_RESUME;
	return exit_neutral(vcpu, VM_EXITCODE_HLT);
}

static int exit_pause(struct vcpu *vcpu)
{
	vcpu_stat_inc(vcpu, VMEXIT_PAUSE);
	return exit_neutral_skip(vcpu, VM_EXITCODE_PAUSE);
}

static const u8 segment_regs[] = { VM_REG_GUEST_ES, VM_REG_GUEST_CS, VM_REG_GUEST_SS,
				   VM_REG_GUEST_DS, VM_REG_GUEST_FS, VM_REG_GUEST_GS };

/*
 * INS stores through ES; OUTS reads through DS or an override. Address size and, with decode
 * assists, the segment are in EXITINFO1; QEMU's processor leaves both out. As svm_skip().
 */
static int string_operand(struct vcpu *vcpu, u64 info, int *reg, int *addr_bytes)
{
	unsigned int index = IOIO_SEGMENT(info);
	struct insn insn;
	int err;

	*reg = VM_REG_GUEST_ES;
	*addr_bytes = IOIO_ADDR_BYTES(info);
	if (*addr_bytes && (info & IOIO_IN))
		return 0;
	if (*addr_bytes && svm_caps.decode_assists && index < ARRAY_SIZE(segment_regs)) {
		*reg = segment_regs[array_index_nospec(index, ARRAY_SIZE(segment_regs))];
		return 0;
	}
	err = svm_fetch_insn(vcpu, &insn);
	if (err)
		return err;
	*addr_bytes = insn.addrsize;
	if (!(info & IOIO_IN))
		*reg = insn.segment == 0xff ? VM_REG_GUEST_DS : insn.segment;
	return 0;
}

/* Of addresses of @bytes: 2, 4 or 8. */
static u64 addr_mask(int bytes)
{
	return bytes >= 8 ? ~0ULL : BIT_ULL(8 * bytes) - 1;
}

static int exit_ioio_string(struct vcpu *vcpu, u64 info)
{
	struct vm_inout_str *str = &vcpu->exit.u.inout_str;
	u64 nextrip = vcpu->nextrip;
	int reg, addr_bytes, err = string_operand(vcpu, info, &reg, &addr_bytes);
	u64 mask;

	if (err)
		return err < 0 ? err : VERDICT_RESUME;
	vcpu->nextrip = nextrip;
	svm_paging(vcpu, &str->paging);
	svm_reg_get(vcpu, VM_REG_GUEST_RFLAGS, &str->rflags);
	svm_reg_get(vcpu, VM_REG_GUEST_CR0, &str->cr0);
	str->addrsize = addr_bytes;
	mask = addr_mask(str->addrsize);
	str->index = vcpu->gpr[info & IOIO_IN ? GPR_RDI : GPR_RSI] & mask;
	str->count = info & IOIO_REP ? vcpu->gpr[GPR_RCX] & mask : 1;
	str->seg_name = reg;
	svm_desc_get(vcpu, reg, &str->seg_desc);
	return exit_neutral(vcpu, VM_EXITCODE_INOUT_STR);
}

static int exit_ioio(struct vcpu *vcpu)
{
	const struct vmcb_control *control = &to_vmcb(vcpu)->control;
	struct vm_inout *inout = &vcpu->exit.u.inout;
	u64 info = control->exitinfo1;

	vcpu_stat_inc(vcpu, VMEXIT_INOUT);
	vcpu->nextrip = control->exitinfo2;
	if (info & IOIO_STRING)
		memset(&vcpu->exit.u, 0, sizeof(struct vm_inout_str));
	inout->bytes = IOIO_BYTES(info);
	inout->in = !!(info & IOIO_IN);
	inout->string = !!(info & IOIO_STRING);
	inout->rep = !!(info & IOIO_REP);
	inout->port = IOIO_PORT(info);
	inout->eax = vcpu->gpr[GPR_RAX];
	if (info & IOIO_STRING)
		return exit_ioio_string(vcpu, info);
	return exit_neutral(vcpu, VM_EXITCODE_INOUT);
}

#define TASK_SWITCH_IRET	BIT_ULL(36)
#define TASK_SWITCH_JMP		BIT_ULL(38)
#define TASK_SWITCH_ERRCODE	BIT_ULL(44)

static int exit_task_switch(struct vcpu *vcpu)
{
	const struct vmcb_control *control = &to_vmcb(vcpu)->control;
	struct vm_task_switch *ts = &vcpu->exit.u.task_switch;
	u64 event = control->exitintinfo;
	u32 type = event & VM_INTINFO_TYPE;
	bool vectoring = event & VM_INTINFO_VALID;
	int err = 0;

	memset(&vcpu->exit.u, 0, sizeof(vcpu->exit.u));
	ts->tsssel = control->exitinfo1;
	ts->errcode = control->exitinfo2;
	ts->errcode_valid = !!(control->exitinfo2 & TASK_SWITCH_ERRCODE);
	if (control->exitinfo2 & TASK_SWITCH_IRET)
		ts->reason = TSR_IRET;
	else if (control->exitinfo2 & TASK_SWITCH_JMP)
		ts->reason = TSR_JMP;
	else
		ts->reason = vectoring ? TSR_IDT_GATE : TSR_CALL;
	ts->ext = ts->reason == TSR_IDT_GATE && type != VM_INTINFO_SWINTR;
	svm_paging(vcpu, &ts->paging);
	/* An event from outside points at no instruction. */
	if (!ts->ext)
		err = svm_skip(vcpu);
	if (err)
		return err < 0 ? err : VERDICT_RESUME;
	return exit_neutral(vcpu, VM_EXITCODE_TASK_SWITCH);
}

/* Decode assists: the bytes at RIP, as far as they were fetched (AMD64 manual vol. 2, 15.8.4). */
static void insn_bytes_take(struct vcpu *vcpu)
{
	const struct vmcb_control *control = &to_vmcb(vcpu)->control;

	vcpu->insn_count = 0;
	if (!svm_caps.decode_assists || READ_ONCE(svm_disable_npf_assist))
		return;
	vcpu->insn_count = min_t(u8, control->inst_len & 0xf, sizeof(vcpu->insn_bytes));
	memcpy(vcpu->insn_bytes, control->inst_bytes, vcpu->insn_count);
}

/*
 * The gpa is hardware's. A fault on the walk of the guest's own tables has no access of the
 * guest behind it that could be emulated: on memory it is resolved, elsewhere unclaimed.
 */
static int exit_npf(struct vcpu *vcpu)
{
	const struct vmcb_control *control = &to_vmcb(vcpu)->control;
	u64 info = control->exitinfo1;
	struct vm_exit *exit = &vcpu->exit;

	if ((info & NPF_RESERVED) || ((info & NPF_WALK) &&
				      !memmap_find(&vcpu->vm->mem, control->exitinfo2)))
		return exit_unclaimed(vcpu);
	insn_bytes_take(vcpu);
	exit->u.paging.gpa = control->exitinfo2;
	if (info & NPF_FETCH)
		exit->u.paging.fault_type = VM_PROT_EXECUTE;
	else
		exit->u.paging.fault_type = info & NPF_WRITE ? VM_PROT_WRITE : VM_PROT_READ;
	return exit_neutral(vcpu, VM_EXITCODE_PAGING);
}

/* --- the table -------------------------------------------------------- */

static const svm_exit_fn exit_handlers[EXIT_COUNT] = {
	[EXIT_CR_READ + 0] = exit_cr0_read,
	[EXIT_CR_WRITE + 0] = exit_cr_write,
	[EXIT_CR_WRITE + 4] = exit_cr_write,
	[EXIT_CR_WRITE + 8] = exit_cr_write,
	[EXIT_DR_READ + 0 ... EXIT_DR_READ + 3] = exit_dr_read,
	[EXIT_DR_WRITE + 0 ... EXIT_DR_WRITE + 7] = exit_dr_write,
	[EXIT_EXCEPTION + 0 ... EXIT_EXCEPTION + 31] = exit_exception,
	[EXIT_INTR] = exit_intr,
	[EXIT_NMI] = exit_host,
	[EXIT_SMI] = exit_host,
	[EXIT_INIT] = exit_host,
	[EXIT_VINTR] = exit_vintr,
	[EXIT_CR0_SEL_WRITE] = exit_cr_write,
	[EXIT_RDPMC] = exit_gp,
	[EXIT_PUSHF] = exit_step_flags,
	[EXIT_POPF] = exit_step_flags,
	[EXIT_CPUID] = exit_cpuid,
	[EXIT_RSM] = exit_ud,
	[EXIT_IRET] = exit_iret,
	[EXIT_INVD] = exit_skip,
	[EXIT_PAUSE] = exit_pause,
	[EXIT_HLT] = exit_hlt,
	[EXIT_INVLPGA] = exit_ud,
	[EXIT_IOIO] = exit_ioio,
	[EXIT_MSR] = svm_exit_msr,
	[EXIT_TASK_SWITCH] = exit_task_switch,
	[EXIT_FERR_FREEZE] = exit_host,
	[EXIT_SHUTDOWN] = exit_shutdown,
	[EXIT_VMRUN] = exit_ud,
	[EXIT_VMMCALL] = exit_ud,
	[EXIT_VMLOAD] = exit_ud,
	[EXIT_VMSAVE] = exit_ud,
	[EXIT_STGI] = exit_ud,
	[EXIT_CLGI] = exit_ud,
	[EXIT_SKINIT] = exit_ud,
	[EXIT_RDTSCP] = exit_ud,
	[EXIT_ICEBP] = exit_icebp,
	[EXIT_WBINVD] = exit_skip,
	[EXIT_MONITOR] = exit_ud,
	[EXIT_MWAIT] = exit_ud,
	[EXIT_MWAIT_ARMED] = exit_ud,
	[EXIT_XSETBV] = exit_xsetbv,
	[EXIT_RDPRU] = exit_ud,
	[EXIT_INVLPGB] = exit_ud,
	[EXIT_INVLPGB_ILLEGAL] = exit_ud,
	[EXIT_MCOMMIT] = exit_ud,
	[EXIT_TLBSYNC] = exit_ud,
};

int svm_exit(struct vcpu *vcpu)
{
	const struct vmcb_control *control = &to_vmcb(vcpu)->control;
	u64 code = control->exitcode;
	svm_exit_fn fn = NULL;

	trace_vmm_exit(vcpu, code, control->exitinfo1, control->exitinfo2);
	/* The frequent ones, without an indirect branch and what defends it. */
	if (code == EXIT_MSR)
		return svm_exit_msr(vcpu);
	if (code == EXIT_NPF)
		return exit_npf(vcpu);
	if (code == EXIT_IOIO)
		return exit_ioio(vcpu);
	if (code == EXIT_INTR)
		return exit_intr(vcpu);
	if (code < EXIT_COUNT)
		fn = exit_handlers[array_index_nospec(code, EXIT_COUNT)];
	return fn ? fn(vcpu) : exit_unclaimed(vcpu);
}
