// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * vmx: which event an entry delivers, and how the backend comes back for one that has to wait
 * (semantics.md 12; Intel manual vol. 3, 25.8.3, 26.6 and 27.2.4).
 */
#include <kunit/test.h>
#include <linux/bits.h>
#include <linux/irqflags.h>
#include <linux/kernel.h>
#include <asm/trapnr.h>
#include "dev/vlapic.h"
#include "vmx_fixture.h"

#define NMI		0x80000202U
#define INTR(vector)	(0x80000000U | (vector))
#define FAULT(vector)	(0x80000300U | (vector))
#define WITH_ERROR	0x800U
#define SWINTR(vector)	(0x80000400U | (vector))
#define INT1		0x80000501U
#define TRAP(vector)	(0x80000600U | (vector))

#define BY_STI		1
#define BY_MOV_SS	2
#define BY_NMI		8

/* vCPU 0 with its APIC on. */
static struct vcpu *inject_vcpu(struct kunit *test)
{
	struct vcpu *vcpu = vmx_vcpu_at(test, NULL, 0);
	u64 svr = 0x1ff;

	vlapic_mmio(vcpu->vlapic, 0xf0, true, 4, &svr);
	return vcpu;
}

static void guest_blocks(struct vcpu *vcpu, bool interrupts, u32 interruptibility)
{
	to_vmx(vcpu)->rflags = X86_EFLAGS_FIXED | (interrupts ? 0 : X86_EFLAGS_IF);
	to_vmx(vcpu)->interruptibility = interruptibility;
	to_vmx(vcpu)->vmcs_interruptibility = interruptibility;
}

static void eoi(struct vcpu *vcpu)
{
	vlapic_mmio(vcpu->vlapic, 0xb0, true, 4, &(u64){ 0 });
}

/* Before VM entry: the event of this entry; 0: none. */
static u32 inject(struct kunit *test, struct vcpu *vcpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	bool entered = false, got = vmcs_get(vcpu);

	if (got) {
		/* As every exit leaves it. */
		fake_vmcs_set(vmx, VMCS_ENTRY_INTR_INFO, 0);
		local_irq_disable();
		entered = vmx_inject(vcpu);
		local_irq_enable();
		vmcs_put(vcpu);
	}
	KUNIT_EXPECT_TRUE(test, got && entered);
	KUNIT_EXPECT_EQ(test, vmx->entry_event, fake_vmcs_get(vmx, VMCS_ENTRY_INTR_INFO));
	vmx->vmcs_rip = vcpu->nextrip;
	return vmx->entry_event;
}

static bool window(struct vcpu *vcpu)
{
	return fake_vmcs_get(to_vmx(vcpu), VMCS_PROC_CONTROLS) & BIT(2);
}

static bool nmi_window(struct vcpu *vcpu)
{
	return fake_vmcs_get(to_vmx(vcpu), VMCS_PROC_CONTROLS) & BIT(22);
}

static void vmexit(struct kunit *test, struct vcpu *vcpu, u32 reason)
{
	int verdict = -EIO;

	vmx_vmexit(vcpu, reason, 0, 0);
	if (vmcs_get(vcpu)) {
		verdict = vmx_exit(vcpu);
		vmcs_put(vcpu);
	}
	KUNIT_EXPECT_EQ(test, verdict, VERDICT_RESUME);
}

static void nothing_pending_injects_nothing(struct kunit *test)
{
	struct vcpu *vcpu = inject_vcpu(test);
	int i;

	for (i = 0; i < 6; i++) {
		guest_blocks(vcpu, i & 1, i >> 1);
		KUNIT_EXPECT_EQ(test, inject(test, vcpu), 0);
		KUNIT_EXPECT_FALSE(test, window(vcpu) || nmi_window(vcpu));
	}
}

static void interrupts_wait_for_a_window(struct kunit *test)
{
	static const struct { bool disabled; u32 by; } blocked[] = {
		{ true, 0 }, { false, BY_STI }, { false, BY_MOV_SS }, { true, BY_MOV_SS },
	};
	struct vcpu *vcpu = inject_vcpu(test);
	int i;

	for (i = 0; i < ARRAY_SIZE(blocked); i++) {
		guest_blocks(vcpu, blocked[i].disabled, blocked[i].by);
		vlapic_set_irr(vcpu->vlapic, 0x50, false);
		KUNIT_EXPECT_EQ(test, inject(test, vcpu), 0);
		KUNIT_EXPECT_TRUE(test, window(vcpu));
		vmexit(test, vcpu, EXIT_INTERRUPT_WINDOW);
		KUNIT_EXPECT_FALSE(test, window(vcpu));
		guest_blocks(vcpu, false, 0);
		KUNIT_EXPECT_EQ(test, inject(test, vcpu), INTR(0x50));
		KUNIT_EXPECT_FALSE(test, window(vcpu));
		KUNIT_EXPECT_EQ(test, inject(test, vcpu), 0);
		eoi(vcpu);
	}
	/* NMI blocking is no matter of theirs. */
	guest_blocks(vcpu, false, BY_NMI);
	vlapic_set_irr(vcpu->vlapic, 0x50, false);
	KUNIT_EXPECT_EQ(test, inject(test, vcpu), INTR(0x50));
}

/* What TPR holds back needs no window: the TPR threshold is for that. */
static void interrupts_go_by_priority(struct kunit *test)
{
	struct vcpu *vcpu = inject_vcpu(test);

	guest_blocks(vcpu, false, 0);
	vlapic_set_irr(vcpu->vlapic, 0x50, false);
	vlapic_set_irr(vcpu->vlapic, 0x90, false);
	vlapic_cr8_write(vcpu->vlapic, 6);
	KUNIT_EXPECT_EQ(test, inject(test, vcpu), INTR(0x90));
	eoi(vcpu);
	KUNIT_EXPECT_EQ(test, inject(test, vcpu), 0);
	KUNIT_EXPECT_FALSE(test, window(vcpu));
	KUNIT_EXPECT_EQ(test, vlapic_tpr_threshold(vcpu->vlapic), 5);
	vlapic_cr8_write(vcpu->vlapic, 0);
	KUNIT_EXPECT_EQ(test, inject(test, vcpu), INTR(0x50));
}

static void exceptions_come_first(struct kunit *test)
{
	struct vcpu *vcpu = inject_vcpu(test);

	guest_blocks(vcpu, false, 0);
	vcpu_inject_exception(vcpu, X86_TRAP_GP, true, 0x18, true);
	set_bit(EVENT_NMI, &vcpu->events.flags);
	vlapic_set_irr(vcpu->vlapic, 0x50, false);
	KUNIT_EXPECT_EQ(test, inject(test, vcpu), FAULT(X86_TRAP_GP) | WITH_ERROR);
	KUNIT_EXPECT_EQ(test, fake_vmcs_get(to_vmx(vcpu), VMCS_ENTRY_INTR_ERROR), 0x18);
	KUNIT_EXPECT_TRUE(test, nmi_window(vcpu) && window(vcpu));
	KUNIT_EXPECT_EQ(test, inject(test, vcpu), NMI);
	KUNIT_EXPECT_FALSE(test, nmi_window(vcpu));
	KUNIT_EXPECT_TRUE(test, window(vcpu));
	KUNIT_EXPECT_EQ(test, inject(test, vcpu), INTR(0x50));
	KUNIT_EXPECT_FALSE(test, window(vcpu));
}

/* RFLAGS.IF does not matter to an NMI; MOV SS does. Entry must not have blocking by STI (26.3.1.5). */
static void nmis_ignore_the_interrupt_flag(struct kunit *test)
{
	struct vcpu *vcpu = inject_vcpu(test);

	guest_blocks(vcpu, true, BY_MOV_SS);
	set_bit(EVENT_NMI, &vcpu->events.flags);
	KUNIT_EXPECT_EQ(test, inject(test, vcpu), 0);
	KUNIT_EXPECT_TRUE(test, nmi_window(vcpu));
	vmexit(test, vcpu, EXIT_NMI_WINDOW);
	KUNIT_EXPECT_FALSE(test, nmi_window(vcpu));
	guest_blocks(vcpu, true, 0);
	KUNIT_EXPECT_EQ(test, inject(test, vcpu), NMI);
	set_bit(EVENT_NMI, &vcpu->events.flags);
	guest_blocks(vcpu, false, BY_STI);
	KUNIT_EXPECT_EQ(test, inject(test, vcpu), NMI);
	KUNIT_EXPECT_EQ(test, to_vmx(vcpu)->interruptibility & BY_STI, 0);
}

/* The processor keeps account of it: virtual NMIs. */
static void nmis_wait_for_iret(struct kunit *test)
{
	struct vcpu *vcpu = inject_vcpu(test);

	guest_blocks(vcpu, false, BY_NMI);
	set_bit(EVENT_NMI, &vcpu->events.flags);
	KUNIT_EXPECT_EQ(test, inject(test, vcpu), 0);
	KUNIT_EXPECT_TRUE(test, nmi_window(vcpu));
	/* Interrupts go on meanwhile. */
	vlapic_set_irr(vcpu->vlapic, 0x50, false);
	KUNIT_EXPECT_EQ(test, inject(test, vcpu), INTR(0x50));
	guest_blocks(vcpu, false, 0);
	KUNIT_EXPECT_EQ(test, inject(test, vcpu), NMI);
	KUNIT_EXPECT_FALSE(test, nmi_window(vcpu));
}

static void masked_events_stay(struct kunit *test)
{
	struct vcpu *vcpu = inject_vcpu(test);

	guest_blocks(vcpu, false, 0);
	vlapic_set_irr(vcpu->vlapic, 0x50, false);
	set_bit(EVENT_NMI, &vcpu->events.flags);
	vcpu_inject_exception(vcpu, X86_TRAP_UD, false, 0, true);
	vmx_cap_set(vcpu, VM_CAP_MASK_HWINTR, 1);
	KUNIT_EXPECT_EQ(test, inject(test, vcpu), 0);
	vmx_cap_set(vcpu, VM_CAP_MASK_HWINTR, 0);
	KUNIT_EXPECT_EQ(test, inject(test, vcpu), FAULT(X86_TRAP_UD));
	KUNIT_EXPECT_EQ(test, inject(test, vcpu), NMI);
	KUNIT_EXPECT_EQ(test, inject(test, vcpu), INTR(0x50));
}

/* --- deliveries that an exit interrupted ---------------------------------------------------- */

static void exit_during(struct vcpu *vcpu, u32 idt_info, u32 idt_error, u32 length)
{
	vmx_vmexit(vcpu, EXIT_EPT_VIOLATION, 0, length);
	to_vmx(vcpu)->exit.idt_info = idt_info;
	to_vmx(vcpu)->exit.idt_error = idt_error;
	vmx_exit_events(vcpu);
}

static void interrupted_deliveries_are_made_again(struct kunit *test)
{
	static const u32 events[] = {
		INTR(0x31), FAULT(X86_TRAP_UD), FAULT(X86_TRAP_PF) | WITH_ERROR, SWINTR(0x80),
		TRAP(X86_TRAP_BP), TRAP(X86_TRAP_OF), INT1,
	};
	struct vcpu *vcpu = inject_vcpu(test);
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	int i;

	guest_blocks(vcpu, false, 0);
	for (i = 0; i < ARRAY_SIZE(events); i++) {
		/* Bit 12 is not defined there. */
		exit_during(vcpu, events[i] | BIT(12), 6, 2);
		KUNIT_EXPECT_EQ(test, inject(test, vcpu), events[i]);
		if (events[i] & WITH_ERROR)
			KUNIT_EXPECT_EQ(test, fake_vmcs_get(vmx, VMCS_ENTRY_INTR_ERROR), 6);
		/* Types 4, 5 and 6 return behind the instruction. */
		if ((events[i] >> 8 & 7) >= 4)
			KUNIT_EXPECT_EQ(test, fake_vmcs_get(vmx, VMCS_ENTRY_INST_LENGTH), 2);
		KUNIT_EXPECT_EQ(test, inject(test, vcpu), 0);
	}
}

/* An NMI that begins again must not be blocked by its own beginning. */
static void interrupted_nmi_begins_unblocked(struct kunit *test)
{
	struct vcpu *vcpu = inject_vcpu(test);

	guest_blocks(vcpu, false, BY_NMI);
	exit_during(vcpu, NMI, 0, 0);
	KUNIT_EXPECT_EQ(test, inject(test, vcpu), NMI);
	KUNIT_EXPECT_EQ(test, to_vmx(vcpu)->interruptibility & BY_NMI, 0);
}

/* 27.2.3, 27.2.1: bit 12 says that an IRET had unblocked NMIs; it will be executed again. */
static void faulting_iret_blocks_nmis_again(struct kunit *test)
{
	static const struct { u32 reason, intr_info; u64 qualification; bool blocks; } table[] = {
		{ EXIT_EXCEPTION_NMI, FAULT(X86_TRAP_GP) | BIT(12), 0, true },
		{ EXIT_EXCEPTION_NMI, FAULT(X86_TRAP_GP), BIT(12), false },
		{ EXIT_EXCEPTION_NMI, FAULT(X86_TRAP_DF) | BIT(12), 0, false },
		{ EXIT_EPT_VIOLATION, 0, BIT(12), true },
		{ EXIT_EPT_VIOLATION, BIT(12), 0, false },
		{ EXIT_CPUID, BIT(12), BIT(12), false },
	};
	struct vcpu *vcpu = inject_vcpu(test);
	int i;

	for (i = 0; i < ARRAY_SIZE(table); i++) {
		guest_blocks(vcpu, false, 0);
		vmx_vmexit(vcpu, table[i].reason, table[i].qualification, 0);
		to_vmx(vcpu)->exit.intr_info = table[i].intr_info;
		vmx_exit_events(vcpu);
		KUNIT_EXPECT_EQ_MSG(test, !!(to_vmx(vcpu)->interruptibility & BY_NMI),
				    table[i].blocks, "row %d", i);
	}
}

/*
 * Virtual NMIs are blocked where the entry was told so ("Guest Non-Register State") or injects an
 * NMI ("Details of Event Injection"), and until an IRET.
 */
static void only_an_nmi_blocks_nmis(struct kunit *test)
{
	static const struct { u32 entered, event, saved, left; } table[] = {
		{ 0, 0, BY_NMI, 0 },
		{ 0, 0, BY_NMI | BY_STI, BY_STI },
		{ 0, INTR(0x50), BY_NMI, 0 },
		{ BY_STI, FAULT(X86_TRAP_UD), BY_NMI | BY_MOV_SS, BY_MOV_SS },
		{ 0, NMI, BY_NMI, BY_NMI },
		{ 0, NMI, BY_NMI | BY_STI, BY_NMI | BY_STI },
		{ BY_NMI, 0, BY_NMI, BY_NMI },
		{ BY_NMI, INTR(0x50), BY_NMI, BY_NMI },
		/* IRET. */
		{ BY_NMI, 0, 0, 0 },
		{ 0, NMI, 0, 0 },
	};
	struct vcpu *vcpu = inject_vcpu(test);
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	int i;

	for (i = 0; i < ARRAY_SIZE(table); i++) {
		guest_blocks(vcpu, false, table[i].entered);
		vmx->entry_event = table[i].event;
		vmx_vmexit(vcpu, EXIT_CPUID, 0, 2);
		vmx->vmcs_interruptibility = table[i].saved;
		vmx_exit_events(vcpu);
		KUNIT_EXPECT_EQ_MSG(test, vmx->interruptibility, table[i].left, "row %d", i);
		/* The VMCS is known to have what it was given. */
		KUNIT_EXPECT_EQ_MSG(test, vmx->vmcs_interruptibility, table[i].saved, "row %d", i);
	}
}

static void second_fault_makes_a_double_fault(struct kunit *test)
{
	struct vcpu *vcpu = inject_vcpu(test);

	guest_blocks(vcpu, false, 0);
	exit_during(vcpu, FAULT(X86_TRAP_PF) | WITH_ERROR, 2, 0);
	vcpu_inject_exception(vcpu, X86_TRAP_GP, true, 0x10, true);
	KUNIT_EXPECT_EQ(test, inject(test, vcpu), FAULT(X86_TRAP_DF) | WITH_ERROR);
	KUNIT_EXPECT_EQ(test, fake_vmcs_get(to_vmx(vcpu), VMCS_ENTRY_INTR_ERROR), 0);
}

static void fault_of_a_double_fault_suspends(struct kunit *test)
{
	struct vcpu *vcpu = inject_vcpu(test);
	bool entered = true;

	exit_during(vcpu, FAULT(X86_TRAP_DF) | WITH_ERROR, 0, 0);
	vcpu_inject_exception(vcpu, X86_TRAP_GP, true, 0, true);
	if (vmcs_get(vcpu)) {
		local_irq_disable();
		entered = vmx_inject(vcpu);
		local_irq_enable();
		vmcs_put(vcpu);
	}
	KUNIT_EXPECT_FALSE(test, entered);
	KUNIT_EXPECT_EQ(test, vcpu->vm->suspend, VM_SUSPEND_TRIPLEFAULT);
}

/* --- traps --------------------------------------------------------------------------------- */

/* INT3 that left with BPT and comes back through the API as an exception: a trap. */
static void breakpoints_are_traps(struct kunit *test)
{
	struct vcpu *vcpu = inject_vcpu(test);

	guest_blocks(vcpu, false, 0);
	vmx_vmexit(vcpu, EXIT_EXCEPTION_NMI, 0, 1);
	vcpu_reg_set(vcpu, VM_REG_GUEST_ENTRY_INST_LENGTH, 2);
	KUNIT_EXPECT_EQ(test, vcpu_inject_exception(vcpu, X86_TRAP_BP, false, 0, false), 0);
	KUNIT_EXPECT_EQ(test, inject(test, vcpu), TRAP(X86_TRAP_BP));
	KUNIT_EXPECT_EQ(test, fake_vmcs_get(to_vmx(vcpu), VMCS_ENTRY_INST_LENGTH), 2);
}

/* 26.2.1.3: a length of 0 only where VMX_MISC bit 30 allows it. */
static void length_is_never_0_where_it_must_not(struct kunit *test)
{
	struct vcpu *vcpu = inject_vcpu(test);
	int zero;

	guest_blocks(vcpu, false, 0);
	for (zero = 0; zero < 2; zero++) {
		vmx_caps.zero_length_trap = zero;
		vmx_vmexit(vcpu, EXIT_CPUID, 0, 0);
		vcpu_reg_set(vcpu, VM_REG_GUEST_ENTRY_INST_LENGTH, 0);
		vcpu_inject_exception(vcpu, X86_TRAP_OF, false, 0, false);
		KUNIT_EXPECT_EQ(test, inject(test, vcpu), TRAP(X86_TRAP_OF));
		KUNIT_EXPECT_EQ(test, fake_vmcs_get(to_vmx(vcpu), VMCS_ENTRY_INST_LENGTH), !zero);
	}
}

/* --- what an instruction that was carried out ends -------------------------------------------- */

static void skipped_instruction_ends_the_shadow(struct kunit *test)
{
	struct vcpu *vcpu = inject_vcpu(test);

	guest_blocks(vcpu, false, BY_STI);
	vlapic_set_irr(vcpu->vlapic, 0x50, false);
	/* Nothing was skipped: it holds. */
	vmx_vmexit(vcpu, EXIT_EXTERNAL_INTERRUPT, 0, 0);
	KUNIT_EXPECT_EQ(test, inject(test, vcpu), 0);
	KUNIT_EXPECT_EQ(test, to_vmx(vcpu)->interruptibility, BY_STI);
	vmx_vmexit(vcpu, EXIT_CPUID, 0, 2);
	vmx_skip(vcpu);
	KUNIT_EXPECT_EQ(test, inject(test, vcpu), INTR(0x50));
	KUNIT_EXPECT_EQ(test, to_vmx(vcpu)->interruptibility, 0);
}

static void skipped_instruction_traps_with_tf(struct kunit *test)
{
	struct vcpu *vcpu = inject_vcpu(test);
	u64 dr6;

	to_vmx(vcpu)->rflags = X86_EFLAGS_FIXED | X86_EFLAGS_TF;
	vmx_vmexit(vcpu, EXIT_CPUID, 0, 2);
	vmx_skip(vcpu);
	KUNIT_EXPECT_EQ(test, inject(test, vcpu), FAULT(X86_TRAP_DB));
	vcpu_reg_get(vcpu, VM_REG_GUEST_DR6, &dr6);
	KUNIT_EXPECT_TRUE(test, dr6 & BIT(14));
	/* Where it faulted instead, the fault is all there is. */
	vmx_vmexit(vcpu, EXIT_WRMSR, 0, 2);
	vmx_skip(vcpu);
	vcpu_inject_gp(vcpu);
	KUNIT_EXPECT_EQ(test, inject(test, vcpu), FAULT(X86_TRAP_GP) | WITH_ERROR);
}

/* What an event ends, besides waiting: HLT. */
static void event_makes_the_vcpu_active(struct kunit *test)
{
	struct vcpu *vcpu = inject_vcpu(test);

	guest_blocks(vcpu, false, 0);
	to_vmx(vcpu)->activity = ACTIVITY_HLT;
	vlapic_set_irr(vcpu->vlapic, 0x50, false);
	KUNIT_EXPECT_EQ(test, inject(test, vcpu), INTR(0x50));
	KUNIT_EXPECT_EQ(test, to_vmx(vcpu)->activity, ACTIVITY_ACTIVE);
}

static struct kunit_case vmx_inject_test_cases[] = {
	KUNIT_CASE(nothing_pending_injects_nothing),
	KUNIT_CASE(interrupts_wait_for_a_window),
	KUNIT_CASE(interrupts_go_by_priority),
	KUNIT_CASE(exceptions_come_first),
	KUNIT_CASE(nmis_ignore_the_interrupt_flag),
	KUNIT_CASE(nmis_wait_for_iret),
	KUNIT_CASE(masked_events_stay),
	KUNIT_CASE(interrupted_deliveries_are_made_again),
	KUNIT_CASE(interrupted_nmi_begins_unblocked),
	KUNIT_CASE(faulting_iret_blocks_nmis_again),
	KUNIT_CASE(only_an_nmi_blocks_nmis),
	KUNIT_CASE(second_fault_makes_a_double_fault),
	KUNIT_CASE(fault_of_a_double_fault_suspends),
	KUNIT_CASE(breakpoints_are_traps),
	KUNIT_CASE(length_is_never_0_where_it_must_not),
	KUNIT_CASE(skipped_instruction_ends_the_shadow),
	KUNIT_CASE(skipped_instruction_traps_with_tf),
	KUNIT_CASE(event_makes_the_vcpu_active),
	{}
};

static struct kunit_suite vmx_inject_test_suite = {
	.name = "vmm-vmx-inject",
	.suite_init = vmx_suite_init,
	.suite_exit = vmx_suite_exit,
	.init = vmx_test_init,
	.exit = vmx_test_exit,
	.test_cases = vmx_inject_test_cases,
};
kunit_test_suite(vmx_inject_test_suite);
