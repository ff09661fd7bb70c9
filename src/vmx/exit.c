// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * exit: from the VMCS's exit reason to a decision. What concerns only this vCPU is settled
 * here; the rest becomes a neutral vcpu->exit (semantics.md section 8).
 *
 * A handler that lets the vCPU be put, to fetch or translate, finds its VMCS through
 * vmcs_get() afterwards, and what the exit left in vmx->exit.
 */
#define pr_fmt(fmt) "vmm: " fmt
#include <linux/bitops.h>
#include <linux/nospec.h>
#include <linux/printk.h>
#include <linux/sched.h>
#include <linux/sched/stat.h>
#include <asm/cpu.h>
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
#include "vmx.h"

typedef int (*vmx_exit_fn)(struct vcpu *vcpu);

/* --- where the instruction ends --------------------------------------- */

/* RIP wraps with the mode: 16 and 32 bits outside of 64-bit code. */
void vmx_skip(struct vcpu *vcpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);

	vcpu->nextrip = vcpu->exit_rip + vmx->exit.inst_length;
	if (unlikely((vcpu->nextrip ^ vcpu->exit_rip) >> 32) && !vmx_in_64bit_code(vcpu))
		vcpu->nextrip = (u32)vcpu->nextrip;
	vmx->step_pending = vmx->rflags & X86_EFLAGS_TF;
}

/* Decode the intercepted instruction. 0; -EFAULT; 1: a fault was injected instead, or it is to be executed again. */
static int fetch_insn(struct vcpu *vcpu, struct insn *insn)
{
	struct vm_guest_paging paging;
	u8 bytes[VIE_INST_SIZE];
	u64 gla = vcpu->exit_rip;
	struct seg_desc cs = {};
	int got, length;

	vcpu_paging(vcpu, &paging);
	vmx_desc_get(vcpu, VM_REG_GUEST_CS, &cs);
	if (paging.cpu_mode != CPU_MODE_64BIT)
		gla = (u32)(gla + cs.base);
	got = gla_fetch(vcpu, &paging, gla, bytes, sizeof(bytes));
	if (got <= 0)
		return got ?: 1;
	length = insn_decode(insn, bytes, got, paging.cpu_mode, SEG_DESC_DEF32(cs.access));
	/* Another vCPU may have changed the bytes since they were executed: go and execute those. */
	return length < 0 ? 1 : 0;
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
	vmx_skip(vcpu);
	return exit_neutral(vcpu, code);
}

static int exit_skip(struct vcpu *vcpu)
{
	vmx_skip(vcpu);
	return VERDICT_RESUME;
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

void vmx_exit_unclaimed(struct vcpu *vcpu)
{
	const struct vmx_exit_info *info = &to_vmx(vcpu)->exit;
	struct vm_exit *exit = &vcpu->exit;

	memset(&exit->u, 0, sizeof(exit->u));
	exit->exitcode = VM_EXITCODE_VMX;
	exit->inst_length = 0;
	exit->rip = vcpu->exit_rip;
	exit->u.vmx.exit_reason = info->reason;
	exit->u.vmx.exit_qualification = info->qualification;
	vcpu->nextrip = vcpu->exit_rip;
	vcpu_stat_inc(vcpu, VMEXIT_UNKNOWN);
}

static int exit_unclaimed(struct vcpu *vcpu)
{
	vmx_exit_unclaimed(vcpu);
	return VERDICT_USER;
}

/* --- entries that failed ---------------------------------------------- */

/* Names the field at fault, and takes the event back that was not delivered. */
static void entry_explain(struct vcpu *vcpu)
{
	struct vmx_guest_state state;
	struct vmx_finding finding;

	if (!vmcs_get(vcpu))
		return;
	vmx_guest_state_read(vcpu, &state);
	vmcs_write(VMCS_ENTRY_INTR_INFO, 0);
	vmcs_put(vcpu);
	finding = vmx_check_guest_state(&state);
	if (finding.field)
		pr_err_ratelimited("vm %s vcpu %u: VM entry refused for %s = %#llx: %s\n",
				   vcpu->vm->name, vcpu->id, finding.field, finding.value, finding.rule);
	else
		pr_err_ratelimited("vm %s vcpu %u: VM entry refused, reason %#x, qualification %#llx\n",
				   vcpu->vm->name, vcpu->id, to_vmx(vcpu)->exit.reason,
				   to_vmx(vcpu)->exit.qualification);
}

/* vm_exit.u.vmx.status and inst_type */
enum { VMX_FAIL_INVALID = 1, VMX_FAIL_VALID };
enum { VMX_INST_VMRESUME = 1, VMX_INST_VMLAUNCH };

int vmx_exit_entry_failed(struct vcpu *vcpu, bool was_launched)
{
	struct vm_exit *exit = &vcpu->exit;
	u64 error = 0;

	if (vmcs_get(vcpu)) {
		vmx_insn_vmread(VMCS_INSTRUCTION_ERROR, &error);
		vmcs_write(VMCS_ENTRY_INTR_INFO, 0);
		vmcs_put(vcpu);
	}
	memset(&exit->u, 0, sizeof(exit->u));
	exit->exitcode = VM_EXITCODE_VMX;
	exit->inst_length = 0;
	vcpu->exit_rip = vcpu->nextrip;
	exit->rip = vcpu->exit_rip;
	exit->u.vmx.status = error ? VMX_FAIL_VALID : VMX_FAIL_INVALID;
	exit->u.vmx.exit_reason = ~0U;
	exit->u.vmx.exit_qualification = ~0ULL;
	exit->u.vmx.inst_type = was_launched ? VMX_INST_VMRESUME : VMX_INST_VMLAUNCH;
	exit->u.vmx.inst_error = error;
	pr_err_ratelimited("vm %s vcpu %u: %s failed with VM-instruction error %llu\n", vcpu->vm->name,
			   vcpu->id, was_launched ? "VMRESUME" : "VMLAUNCH", error);
	return VERDICT_USER;
}

static int exit_invalid_state(struct vcpu *vcpu)
{
	entry_explain(vcpu);
	return exit_unclaimed(vcpu);
}

/* --- events of the host ----------------------------------------------- */

static int exit_host(struct vcpu *vcpu)
{
	return VERDICT_RESUME;
}

static int exit_intr(struct vcpu *vcpu)
{
	vcpu_count_runtime(vcpu);	/* of a guest that makes no other exits */
	vcpu_stat_inc(vcpu, VMEXIT_EXTINT);	/* taken by the host as soon as STI allowed it */
	return VERDICT_RESUME;
}

static int exit_intr_window(struct vcpu *vcpu)
{
	vmx_intr_window(vcpu, false);
	vcpu_stat_inc(vcpu, VMEXIT_INTR_WINDOW);
	return VERDICT_RESUME;
}

static int exit_nmi_window(struct vcpu *vcpu)
{
	vmx_nmi_window(vcpu, false);
	vcpu_stat_inc(vcpu, VMEXIT_NMI_WINDOW);
	return VERDICT_RESUME;
}

static int exit_triple_fault(struct vcpu *vcpu)
{
	vm_suspend(vcpu->vm, VM_SUSPEND_TRIPLEFAULT);
	return VERDICT_RESUME;
}

/* --- instructions that are settled here ------------------------------- */

static int exit_cpuid(struct vcpu *vcpu)
{
	vcpu_stat_inc(vcpu, VMEXIT_CPUID);
	vmx_skip(vcpu);
	vcpu_cpuid(vcpu);
	return VERDICT_RESUME;
}

/* The processor has checked OSXSAVE and CPL. */
static int exit_xsetbv(struct vcpu *vcpu)
{
	u64 xcr0 = (u32)vcpu->gpr[GPR_RAX] | vcpu->gpr[GPR_RDX] << 32;

	if ((u32)vcpu->gpr[GPR_RCX] != 0 || x86_xcr0_check(xcr0, vcpu->vm->cpuid.xcr0_permitted))
		return exit_gp(vcpu);
	vmx_skip(vcpu);
	if (vcpu->loaded)
		guest_fpu_set_xcr0(vcpu->fpu, xcr0);
	vcpu->cpuid.xcr0 = xcr0;
	return VERDICT_RESUME;
}

/* --- control and debug registers -------------------------------------- */

static u64 gpr_operand(struct vcpu *vcpu, unsigned int gpr)
{
	u64 val = vcpu->gpr[array_index_nospec(gpr & 15, GPR_COUNT)];

	return vmx_in_64bit_code(vcpu) ? val : (u32)val;
}

static void gpr_put(struct vcpu *vcpu, unsigned int gpr, u64 val)
{
	vcpu->gpr[array_index_nospec(gpr & 15, GPR_COUNT)] =
		vmx_in_64bit_code(vcpu) ? val : (u32)val;
}

static int cr8_write(struct vcpu *vcpu, u64 val)
{
	if (val > 15)
		return -EINVAL;
	vlapic_cr8_write(vcpu->vlapic, val);
	return 0;
}

static int cr_write(struct vcpu *vcpu, unsigned int cr, u64 val)
{
	switch (cr) {
	case 0:
		return vmx_set_cr0(vcpu, val);
	case 4:
		return vmx_set_cr4(vcpu, val);
	case 8:
		return cr8_write(vcpu, val);
	default:
		return -EOPNOTSUPP;
	}
}

/* What the access writes to its register; CLTS and LMSW are about CR0. */
static u64 cr_operand(struct vcpu *vcpu, u64 qual)
{
	u64 cr0 = 0;

	if (CR_QUAL_ACCESS(qual) == CR_ACCESS_MOV_TO)
		return gpr_operand(vcpu, CR_QUAL_GPR(qual));
	vmx_reg_get(vcpu, VM_REG_GUEST_CR0, &cr0);
	if (CR_QUAL_ACCESS(qual) == CR_ACCESS_CLTS)
		return cr0 & ~X86_CR0_TS;
	/* Bits 0 to 3; PE can be set this way but not cleared. */
	return (cr0 & ~0xeULL) | (CR_QUAL_LMSW(qual) & 0xf);
}

static int exit_cr(struct vcpu *vcpu)
{
	u64 qual = to_vmx(vcpu)->exit.qualification;
	unsigned int cr = CR_QUAL_REGISTER(qual);
	int err;

	vcpu_stat_inc(vcpu, VMEXIT_CR_ACCESS);
	vmx_skip(vcpu);
	if (CR_QUAL_ACCESS(qual) == CR_ACCESS_MOV_FROM) {
		if (cr != 8)
			return exit_unclaimed(vcpu);
		gpr_put(vcpu, CR_QUAL_GPR(qual), vlapic_cr8_read(vcpu->vlapic));
		return VERDICT_RESUME;
	}
	err = cr_write(vcpu, cr, cr_operand(vcpu, qual));
	if (err == -EOPNOTSUPP)
		return exit_unclaimed(vcpu);
	if (err == -EINVAL)
		return exit_gp(vcpu);
	return err ?: VERDICT_RESUME;
}

#define DR6_RESERVED_ONES	0xffff0ff0ULL
#define DR6_WRITABLE		(DR_TRAP_BITS | DR_STEP | DR6_GENERAL_DETECT | DR6_TASK)
#define DR6_GENERAL_DETECT	BIT_ULL(13)
#define DR6_TASK		BIT_ULL(15)
#define DR7_GENERAL_DETECT	BIT_ULL(13)
#define DR7_RESERVED_ONES	BIT_ULL(10)
#define DR7_RESERVED_ZEROS	(BIT_ULL(12) | BIT_ULL(14) | BIT_ULL(15))

static u64 dr_read(struct vcpu *vcpu, unsigned int dr)
{
	if (dr < 4)
		return vcpu->dr[array_index_nospec(dr, 4)];
	return dr == 6 ? to_vmx(vcpu)->dr6 : to_vmx(vcpu)->dr7;
}

/* -EINVAL: #GP. */
static int dr_write(struct vcpu *vcpu, unsigned int dr, u64 val)
{
	if (dr < 4) {
		vcpu->dr[array_index_nospec(dr, 4)] = val;
		return 0;
	}
	if (val >> 32)
		return -EINVAL;
	if (dr == 6)
		to_vmx(vcpu)->dr6 = (val & DR6_WRITABLE) | DR6_RESERVED_ONES;
	else
		vmx_set_dr7(vcpu, (val & ~DR7_RESERVED_ZEROS) | DR7_RESERVED_ONES);
	return 0;
}

/* DR7.GD guards the debug registers; the trap that tells of it finds the guard off. */
static int exit_general_detect(struct vcpu *vcpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);

	vmx->dr6 |= DR6_GENERAL_DETECT;
	vmx_set_dr7(vcpu, vmx->dr7 & ~DR7_GENERAL_DETECT);
	vcpu_inject_fault(vcpu, X86_TRAP_DB, false, 0);
	return VERDICT_RESUME;
}

/* This exit comes before every check of the instruction: privilege, CR4.DE, DR7.GD. */
static int exit_dr(struct vcpu *vcpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	u64 qual = vmx->exit.qualification, cr4 = 0;
	unsigned int dr = DR_QUAL_REGISTER(qual), gpr = DR_QUAL_GPR(qual);
	struct seg_desc ss = {};

	vmx_desc_get(vcpu, VM_REG_GUEST_SS, &ss);
	if (SEG_DESC_DPL(ss.access))
		return exit_gp(vcpu);
	if (dr == 4 || dr == 5) {
		vmx_reg_get(vcpu, VM_REG_GUEST_CR4, &cr4);
		if (cr4 & X86_CR4_DE)
			return exit_ud(vcpu);
		dr += 2;
	}
	if (vmx->dr7 & DR7_GENERAL_DETECT)
		return exit_general_detect(vcpu);
	if (qual & DR_QUAL_READ)
		gpr_put(vcpu, gpr, dr_read(vcpu, dr));
	else if (dr_write(vcpu, dr, gpr_operand(vcpu, gpr)))
		return exit_gp(vcpu);
	vmx_skip(vcpu);
	return VERDICT_RESUME;
}

/* --- exceptions ------------------------------------------------------- */

/* An intercepted #DB has not reached DR6; the qualification says what it would have set. */
static int exit_db(struct vcpu *vcpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);

	/* INT1 is a trap that leaves DR6 alone. */
	if ((vmx->exit.intr_info & VM_INTINFO_TYPE) == INTR_TYPE_PRIVILEGED_TRAP)
		vcpu->nextrip = vcpu->exit_rip + vmx->exit.inst_length;
	else
		vmx->dr6 = (vmx->dr6 & ~(u64)DR_TRAP_BITS) |
			   (vmx->exit.qualification & DR6_WRITABLE);
	vcpu_inject_exception(vcpu, X86_TRAP_DB, false, 0, false);
	return VERDICT_RESUME;
}

/* A trap that only tracing intercepted: to the guest as it came. */
static int trap_reflect(struct vcpu *vcpu, u8 vector)
{
	vcpu->events.exitintinfo = VM_INTINFO_VALID | INTR_TYPE_TRAP | vector;
	to_vmx(vcpu)->inst_length = to_vmx(vcpu)->exit.inst_length;
	return VERDICT_RESUME;
}

static int exit_bp(struct vcpu *vcpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);

	if (!vmx->bpt_exit)
		return trap_reflect(vcpu, X86_TRAP_BP);
	vmx->inst_length = vmx->exit.inst_length;
	memset(&vcpu->exit.u, 0, sizeof(vcpu->exit.u));
	vcpu->exit.u.bpt.inst_length = vmx->exit.inst_length;
	exit_neutral(vcpu, VM_EXITCODE_BPT);
	return VERDICT_USER;
}

/*
 * The guest's own alignment checks are for CPL 3 with CR0.AM and RFLAGS.AC. Any other #AC comes
 * from the host's split-lock detection, and is a matter between the host and this thread.
 */
static int exit_ac(struct vcpu *vcpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	struct seg_desc ss = {};
	u64 cr0 = 0;

	vmx_reg_get(vcpu, VM_REG_GUEST_CR0, &cr0);
	vmx_desc_get(vcpu, VM_REG_GUEST_SS, &ss);
	if (boot_cpu_has(X86_FEATURE_SPLIT_LOCK_DETECT) &&
	    !(SEG_DESC_DPL(ss.access) == 3 && (cr0 & X86_CR0_AM) && (vmx->rflags & X86_EFLAGS_AC))) {
		vcpu_put(vcpu);
		handle_guest_split_lock(vcpu->exit_rip);
		return VERDICT_RESUME;
	}
	vcpu_inject_exception(vcpu, X86_TRAP_AC, true, vmx->exit.intr_error, true);
	return VERDICT_RESUME;
}

static int exit_exception(struct vcpu *vcpu)
{
	const struct vmx_exit_info *info = &to_vmx(vcpu)->exit;
	u8 vector = VM_INTINFO_VECTOR(info->intr_info);

	if ((info->intr_info & VM_INTINFO_TYPE) == VM_INTINFO_NMI)
		return VERDICT_RESUME;		/* the host has had it */
	vcpu_stat_inc(vcpu, VMEXIT_EXCEPTION);
	switch (vector) {
	case X86_TRAP_DB:
		return exit_db(vcpu);
	case X86_TRAP_BP:
		return exit_bp(vcpu);
	case X86_TRAP_OF:
		return trap_reflect(vcpu, X86_TRAP_OF);
	case X86_TRAP_MC:
		return VERDICT_RESUME;		/* the host has had it */
	case X86_TRAP_AC:
		return exit_ac(vcpu);
	case X86_TRAP_DF:
		/* Only while exceptions are traced. Vector 8 has no way through the API; deliver as hardware would. */
		vcpu->events.exitintinfo = VM_INTINFO_VALID | VM_INTINFO_HWEXCEPTION |
					   VM_INTINFO_DEL_ERRCODE | X86_TRAP_DF;
		return VERDICT_RESUME;
	case X86_TRAP_PF:
		vcpu->cr2 = info->qualification;
		break;
	}
	vcpu_inject_exception(vcpu, vector, info->intr_info & VM_INTINFO_DEL_ERRCODE,
			      info->intr_error, true);
	return VERDICT_RESUME;
}

/* --- what neutral code or user space decides -------------------------- */

static int exit_hlt(struct vcpu *vcpu)
{
	vcpu_stat_inc(vcpu, VMEXIT_HLT);
	vcpu->exit.u.hlt.rflags = to_vmx(vcpu)->rflags;
	vcpu->exit.u.hlt.intr_status = to_vmx(vcpu)->vmcs_intr_status;
	return exit_neutral_skip(vcpu, VM_EXITCODE_HLT);
}

/* With the capability each PAUSE is user space's; without it the processor has found a loop of them. */
static int exit_pause(struct vcpu *vcpu)
{
	vcpu_stat_inc(vcpu, VMEXIT_PAUSE);
	if (to_vmx(vcpu)->proc & PROC_PAUSE)
		return exit_neutral_skip(vcpu, VM_EXITCODE_PAUSE);
	/* Whoever holds the lock that this vCPU spins on may be waiting for this CPU, if anybody is. */
	if (single_task_running())
		return VERDICT_RESUME;
	vcpu_put(vcpu);
	yield();
	return VERDICT_RESUME;
}

static int exit_monitor_trap(struct vcpu *vcpu)
{
	vcpu_stat_inc(vcpu, VMEXIT_MTRAP);
	return exit_neutral(vcpu, VM_EXITCODE_MTRAP);
}

static const u8 segment_regs[] = { VM_REG_GUEST_ES, VM_REG_GUEST_CS, VM_REG_GUEST_SS,
				   VM_REG_GUEST_DS, VM_REG_GUEST_FS, VM_REG_GUEST_GS };

/* INS stores through ES; OUTS reads through DS or an override. As fetch_insn(). */
static int string_form(struct vcpu *vcpu, struct vm_inout_str *str)
{
	const struct vmx_exit_info *info = &to_vmx(vcpu)->exit;
	struct insn insn;
	unsigned int index = INS_INFO_SEGMENT(info->inst_info);
	int err;

	str->seg_name = VM_REG_GUEST_ES;
	if (vmx_caps.ins_info) {
		str->addrsize = INS_INFO_ADDR_BYTES(info->inst_info);
		if (!str->inout.in)
			str->seg_name = index < ARRAY_SIZE(segment_regs) ?
					segment_regs[array_index_nospec(index, ARRAY_SIZE(segment_regs))] :
					VM_REG_GUEST_DS;
		return 0;
	}
	err = fetch_insn(vcpu, &insn);
	if (err)
		return err;
	str->addrsize = insn.addrsize;
	if (!str->inout.in)
		str->seg_name = insn.segment == INSN_NO_REG ? VM_REG_GUEST_DS : insn.segment;
	return 0;
}

static u64 addr_mask(int bytes)
{
	return bytes >= 8 ? ~0ULL : GENMASK_ULL(8 * bytes - 1, 0);
}

static int exit_io_string(struct vcpu *vcpu)
{
	struct vm_inout_str *str = &vcpu->exit.u.inout_str;
	u64 nextrip = vcpu->nextrip, mask;
	int err = string_form(vcpu, str);

	if (err)
		return err < 0 ? err : VERDICT_RESUME;
	vcpu->nextrip = nextrip;
	vcpu_paging(vcpu, &str->paging);
	str->rflags = to_vmx(vcpu)->rflags;
	vmx_reg_get(vcpu, VM_REG_GUEST_CR0, &str->cr0);
	mask = addr_mask(str->addrsize);
	str->index = vcpu->gpr[str->inout.in ? GPR_RDI : GPR_RSI] & mask;
	str->count = str->inout.rep ? vcpu->gpr[GPR_RCX] & mask : 1;
	vmx_desc_get(vcpu, str->seg_name, &str->seg_desc);
	return exit_neutral(vcpu, VM_EXITCODE_INOUT_STR);
}

static int exit_io(struct vcpu *vcpu)
{
	struct vm_inout *inout = &vcpu->exit.u.inout;
	u64 qual = to_vmx(vcpu)->exit.qualification;

	vcpu_stat_inc(vcpu, VMEXIT_INOUT);
	vmx_skip(vcpu);
	if (qual & IO_QUAL_STRING)
		memset(&vcpu->exit.u, 0, sizeof(struct vm_inout_str));
	inout->bytes = IO_QUAL_BYTES(qual);
	inout->in = !!(qual & IO_QUAL_IN);
	inout->string = !!(qual & IO_QUAL_STRING);
	inout->rep = !!(qual & IO_QUAL_REP);
	inout->port = IO_QUAL_PORT(qual);
	inout->eax = vcpu->gpr[GPR_RAX];
	if (qual & IO_QUAL_STRING)
		return exit_io_string(vcpu);
	return exit_neutral(vcpu, VM_EXITCODE_INOUT);
}

static_assert(TSR_CALL == 0 && TSR_IRET == 1 && TSR_JMP == 2 && TSR_IDT_GATE == 3,
	      "the source of a task switch is numbered as by the processor");

static int exit_task_switch(struct vcpu *vcpu)
{
	const struct vmx_exit_info *info = &to_vmx(vcpu)->exit;
	struct vm_task_switch *ts = &vcpu->exit.u.task_switch;
	u32 type = info->idt_info & VM_INTINFO_TYPE;

	memset(&vcpu->exit.u, 0, sizeof(vcpu->exit.u));
	ts->tsssel = TASK_QUAL_SELECTOR(info->qualification);
	ts->reason = TASK_QUAL_SOURCE(info->qualification);
	if (ts->reason == TSR_IDT_GATE && (info->idt_info & VM_INTINFO_VALID)) {
		ts->ext = type != VM_INTINFO_SWINTR && type != INTR_TYPE_TRAP &&
			  type != INTR_TYPE_PRIVILEGED_TRAP;
		ts->errcode_valid = !!(info->idt_info & VM_INTINFO_DEL_ERRCODE);
		ts->errcode = ts->errcode_valid ? info->idt_error : 0;
	}
	vcpu_paging(vcpu, &ts->paging);
	/* An event from outside points at no instruction. */
	if (!ts->ext)
		vcpu->nextrip = vcpu->exit_rip + info->inst_length;
	return exit_neutral(vcpu, VM_EXITCODE_TASK_SWITCH);
}

/*
 * A fault on the walk of the guest's own tables has no access of the guest behind it that could
 * be emulated: on memory it is resolved, elsewhere unclaimed.
 */
static int exit_ept_violation(struct vcpu *vcpu)
{
	const struct vmx_exit_info *info = &to_vmx(vcpu)->exit;
	const u64 access = EPT_QUAL_GLA_VALID | EPT_QUAL_TRANSLATED;
	struct vm_exit *exit = &vcpu->exit;

	if ((info->qualification & access) != access &&
	    !memmap_find(&vcpu->vm->mem, info->guest_physical))
		return exit_unclaimed(vcpu);
	exit->u.paging.gpa = info->guest_physical;
	if (info->qualification & EPT_QUAL_FETCH)
		exit->u.paging.fault_type = VM_PROT_EXECUTE;
	else
		exit->u.paging.fault_type = info->qualification & EPT_QUAL_WRITE ? VM_PROT_WRITE :
					    VM_PROT_READ;
	return exit_neutral(vcpu, VM_EXITCODE_PAGING);
}

/* --- the table -------------------------------------------------------- */

static const vmx_exit_fn exit_handlers[EXIT_COUNT] = {
	[EXIT_EXCEPTION_NMI] = exit_exception,
	[EXIT_EXTERNAL_INTERRUPT] = exit_intr,
	[EXIT_TRIPLE_FAULT] = exit_triple_fault,
	[EXIT_INIT] = exit_host,
	[EXIT_IO_SMI] = exit_host,
	[EXIT_SMI] = exit_host,
	[EXIT_INTERRUPT_WINDOW] = exit_intr_window,
	[EXIT_NMI_WINDOW] = exit_nmi_window,
	[EXIT_TASK_SWITCH] = exit_task_switch,
	[EXIT_CPUID] = exit_cpuid,
	[EXIT_GETSEC] = exit_ud,
	[EXIT_HLT] = exit_hlt,
	[EXIT_INVD] = exit_skip,
	[EXIT_RDPMC] = exit_gp,
	[EXIT_RSM] = exit_ud,
	[EXIT_VMCALL] = exit_ud,
	[EXIT_VMCLEAR] = exit_ud,
	[EXIT_VMLAUNCH] = exit_ud,
	[EXIT_VMPTRLD] = exit_ud,
	[EXIT_VMPTRST] = exit_ud,
	[EXIT_VMREAD] = exit_ud,
	[EXIT_VMRESUME] = exit_ud,
	[EXIT_VMWRITE] = exit_ud,
	[EXIT_VMXOFF] = exit_ud,
	[EXIT_VMXON] = exit_ud,
	[EXIT_CR] = exit_cr,
	[EXIT_DR] = exit_dr,
	[EXIT_IO] = exit_io,
	[EXIT_RDMSR] = vmx_exit_msr,
	[EXIT_WRMSR] = vmx_exit_msr,
	[EXIT_MWAIT] = exit_ud,
	[EXIT_MONITOR_TRAP] = exit_monitor_trap,
	[EXIT_MONITOR] = exit_ud,
	[EXIT_PAUSE] = exit_pause,
	[EXIT_TPR_BELOW_THRESHOLD] = exit_host,
	[EXIT_EOI] = vmx_exit_eoi,
	[EXIT_EPT_VIOLATION] = exit_ept_violation,
	[EXIT_PREEMPTION_TIMER] = exit_host,
	[EXIT_INVEPT] = exit_ud,
	[EXIT_INVVPID] = exit_ud,
	[EXIT_WBINVD] = exit_skip,
	[EXIT_XSETBV] = exit_xsetbv,
	[EXIT_APIC_WRITE] = vmx_exit_apic_write,
	[EXIT_VMFUNC] = exit_ud,
	[EXIT_ENCLS] = exit_ud,
	[EXIT_ENCLV] = exit_ud,
	[EXIT_SEAMCALL] = exit_ud,
	[EXIT_TDCALL] = exit_ud,
};

int vmx_exit(struct vcpu *vcpu)
{
	const struct vmx_exit_info *info = &to_vmx(vcpu)->exit;
	u32 reason = info->reason;
	vmx_exit_fn fn = NULL;

	trace_vmm_exit(vcpu, reason, info->qualification, info->intr_info);
	if (reason < EXIT_COUNT)
		fn = exit_handlers[array_index_nospec(reason, EXIT_COUNT)];
	else if (reason & EXIT_REASON_ENTRY_FAILED)
		fn = exit_invalid_state;
	return fn ? fn(vcpu) : exit_unclaimed(vcpu);
}
