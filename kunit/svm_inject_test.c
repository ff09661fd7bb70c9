// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * svm: which event an entry delivers, and how the backend comes back for one that has to wait
 * (semantics.md 12; AMD64 manual vol. 2, 15.20, 15.21).
 */
#include <kunit/test.h>
#include <linux/bits.h>
#include <linux/irqflags.h>
#include <linux/kernel.h>
#include <asm/trapnr.h>
#include "dev/vlapic.h"
#include "svm_fixture.h"

#define NMI		(VM_INTINFO_VALID | VM_INTINFO_NMI | 2)
#define INTR(vector)	(VM_INTINFO_VALID | VM_INTINFO_HWINTR | (vector))
#define FAULT(vector)	(VM_INTINFO_VALID | VM_INTINFO_HWEXCEPTION | (vector))

/* vCPU 0 with its APIC on; RFLAGS.IF and the interrupt shadow as given. */
static struct vcpu *inject_vcpu(struct kunit *test)
{
	struct vcpu *vcpu = svm_vcpu_at(test, NULL, 0);
	u64 svr = 0x1ff;

	vlapic_mmio(vcpu->vlapic, 0xf0, true, 4, &svr);
	return vcpu;
}

static void guest_blocks(struct vcpu *vcpu, bool interrupts, bool shadow)
{
	to_vmcb(vcpu)->state.rflags = X86_EFLAGS_FIXED | (interrupts ? 0 : X86_EFLAGS_IF);
	to_vmcb(vcpu)->control.int_shadow = shadow;
}

/* Before VMRUN: the event of this entry. */
static u64 inject(struct kunit *test, struct vcpu *vcpu)
{
	bool entered;

	local_irq_disable();
	entered = svm_inject(vcpu);
	local_irq_enable();
	KUNIT_EXPECT_TRUE(test, entered);
	return to_vmcb(vcpu)->control.eventinj;
}

/* 15.21.4: a virtual interrupt that is intercepted before it is taken. */
static bool window_armed(struct vcpu *vcpu)
{
	const struct vmcb_control *control = &to_vmcb(vcpu)->control;

	return (control->intercepts[3] & BIT(4)) && (control->int_ctl & BIT(8));
}

static bool iret_intercepted(struct vcpu *vcpu)
{
	return to_vmcb(vcpu)->control.intercepts[3] & BIT(20);
}

static void nothing_pending_injects_nothing(struct kunit *test)
{
	struct vcpu *vcpu = inject_vcpu(test);
	int i;

	for (i = 0; i < 4; i++) {
		guest_blocks(vcpu, i & 1, i & 2);
		KUNIT_EXPECT_EQ(test, inject(test, vcpu), 0);
		KUNIT_EXPECT_FALSE(test, window_armed(vcpu));
		KUNIT_EXPECT_FALSE(test, iret_intercepted(vcpu));
	}
}

static void interrupts_wait_for_a_window(struct kunit *test)
{
	struct vcpu *vcpu = inject_vcpu(test);
	int i;

	for (i = 1; i < 4; i++) {
		guest_blocks(vcpu, i & 1, i & 2);
		vlapic_set_irr(vcpu->vlapic, 0x50, false);
		KUNIT_EXPECT_EQ(test, inject(test, vcpu), 0);
		KUNIT_EXPECT_TRUE(test, window_armed(vcpu));
		/* The window opens. */
		svm_vmexit(vcpu, EXIT_VINTR, 0, 0, 0);
		KUNIT_EXPECT_EQ(test, svm_exit(vcpu), VERDICT_RESUME);
		guest_blocks(vcpu, false, false);
		KUNIT_EXPECT_EQ(test, inject(test, vcpu), INTR(0x50));
		KUNIT_EXPECT_FALSE(test, window_armed(vcpu));
		KUNIT_EXPECT_EQ(test, inject(test, vcpu), 0);
		vlapic_mmio(vcpu->vlapic, 0xb0, true, 4, &(u64){ 0 });	/* EOI */
	}
}

/* The shadow of an STI is that of the HLT behind it, and over when that is done. */
static void interrupts_go_behind_sti_hlt(struct kunit *test)
{
	struct vcpu *vcpu = inject_vcpu(test);

	guest_blocks(vcpu, false, true);
	vlapic_set_irr(vcpu->vlapic, 0x50, false);
	vcpu->nextrip = vcpu->exit_rip + 1;
	KUNIT_EXPECT_EQ(test, inject(test, vcpu), INTR(0x50));
	KUNIT_EXPECT_FALSE(test, window_armed(vcpu));
}

static void interrupts_go_by_priority(struct kunit *test)
{
	struct vcpu *vcpu = inject_vcpu(test);

	guest_blocks(vcpu, false, false);
	vlapic_set_irr(vcpu->vlapic, 0x50, false);
	vlapic_set_irr(vcpu->vlapic, 0x90, false);
	vlapic_cr8_write(vcpu->vlapic, 6);
	KUNIT_EXPECT_EQ(test, inject(test, vcpu), INTR(0x90));
	vlapic_mmio(vcpu->vlapic, 0xb0, true, 4, &(u64){ 0 });
	/* What TPR alone holds back is watched for: a write to CR8 exits. */
	KUNIT_EXPECT_EQ(test, inject(test, vcpu), 0);
	KUNIT_EXPECT_TRUE(test, to_vmcb(vcpu)->control.intercepts[0] & BIT(16 + 8));
	vlapic_cr8_write(vcpu->vlapic, 0);
	KUNIT_EXPECT_EQ(test, inject(test, vcpu), INTR(0x50));
	KUNIT_EXPECT_FALSE(test, to_vmcb(vcpu)->control.intercepts[0] & BIT(16 + 8));
}

static void exceptions_come_first(struct kunit *test)
{
	struct vcpu *vcpu = inject_vcpu(test);

	guest_blocks(vcpu, false, false);
	vcpu_inject_exception(vcpu, X86_TRAP_GP, true, 0x18, true);
	set_bit(EVENT_NMI, &vcpu->events.flags);
	vlapic_set_irr(vcpu->vlapic, 0x50, false);
	KUNIT_EXPECT_EQ(test, inject(test, vcpu),
			FAULT(X86_TRAP_GP) | VM_INTINFO_DEL_ERRCODE | 0x18ULL << 32);
	KUNIT_EXPECT_TRUE(test, test_bit(EVENT_NMI, &vcpu->events.flags));
	KUNIT_EXPECT_TRUE(test, window_armed(vcpu));
	KUNIT_EXPECT_EQ(test, inject(test, vcpu), NMI);
	KUNIT_EXPECT_FALSE(test, test_bit(EVENT_NMI, &vcpu->events.flags));
	KUNIT_EXPECT_TRUE(test, window_armed(vcpu));
	KUNIT_EXPECT_EQ(test, inject(test, vcpu), INTR(0x50));
}

/* RFLAGS.IF does not matter to it; the shadow does. */
static void nmis_ignore_the_interrupt_flag(struct kunit *test)
{
	struct vcpu *vcpu = inject_vcpu(test);

	guest_blocks(vcpu, true, true);
	set_bit(EVENT_NMI, &vcpu->events.flags);
	KUNIT_EXPECT_EQ(test, inject(test, vcpu), 0);
	KUNIT_EXPECT_TRUE(test, test_bit(EVENT_NMI, &vcpu->events.flags));
	guest_blocks(vcpu, true, false);
	KUNIT_EXPECT_EQ(test, inject(test, vcpu), NMI);
}

/*
 * One at a time: the next when the handler has executed its IRET, and not before that is through.
 */
static void nmis_wait_for_iret(struct kunit *test)
{
	struct vcpu *vcpu = inject_vcpu(test);

	guest_blocks(vcpu, false, false);
	set_bit(EVENT_NMI, &vcpu->events.flags);
	KUNIT_EXPECT_EQ(test, inject(test, vcpu), NMI);
	KUNIT_EXPECT_TRUE(test, iret_intercepted(vcpu));
	set_bit(EVENT_NMI, &vcpu->events.flags);
	KUNIT_EXPECT_EQ(test, inject(test, vcpu), 0);
	/* Interrupts go on meanwhile. */
	vlapic_set_irr(vcpu->vlapic, 0x50, false);
	KUNIT_EXPECT_EQ(test, inject(test, vcpu), INTR(0x50));

	svm_vmexit(vcpu, EXIT_IRET, 0, 0, 0);
	KUNIT_EXPECT_EQ(test, svm_exit(vcpu), VERDICT_RESUME);
	KUNIT_EXPECT_EQ(test, vcpu->nextrip, CODE_RIP);
	KUNIT_EXPECT_FALSE(test, iret_intercepted(vcpu));
	KUNIT_EXPECT_EQ(test, inject(test, vcpu), 0);
	guest_blocks(vcpu, false, false);
	KUNIT_EXPECT_EQ(test, inject(test, vcpu), NMI);
	KUNIT_EXPECT_EQ(test, vcpu->stats[VCPU_NMI_COUNT], 2);
}

/* ExtINT before the APIC; after it a window, to look at the next source. */
static void extint_comes_before_the_apic(struct kunit *test)
{
	static const u8 init[][2] = {
		{ 0x20, 0x11 }, { 0x21, 0x30 }, { 0x21, 0x04 }, { 0x21, 0x01 }, { 0x21, 0x00 },
	};
	struct vcpu *vcpu = inject_vcpu(test);
	u64 extint = 0x700;
	u32 val;
	int i;

	vlapic_mmio(vcpu->vlapic, 0x350, true, 4, &extint);
	for (i = 0; i < ARRAY_SIZE(init); i++) {
		val = init[i][1];
		bus_port_access(&vcpu->vm->bus, false, init[i][0], 1, &val);
	}
	guest_blocks(vcpu, false, false);
	vlapic_set_irr(vcpu->vlapic, 0x50, false);
	irq_isa_pulse(&vcpu->vm->irq, 4, -1);
	KUNIT_EXPECT_EQ(test, inject(test, vcpu), INTR(0x34));
	KUNIT_EXPECT_TRUE(test, window_armed(vcpu));
	KUNIT_EXPECT_EQ(test, inject(test, vcpu), INTR(0x50));
	KUNIT_EXPECT_EQ(test, vcpu->stats[VCPU_EXTINT_COUNT], 1);
}

/* VM_CAP_MASK_HWINTR: no event at all, and none is lost. */
static void masked_events_stay(struct kunit *test)
{
	struct vcpu *vcpu = inject_vcpu(test);

	guest_blocks(vcpu, false, false);
	svm_cap_set(vcpu, VM_CAP_MASK_HWINTR, 1);
	vcpu_inject_exception(vcpu, X86_TRAP_UD, false, 0, true);
	set_bit(EVENT_NMI, &vcpu->events.flags);
	vlapic_set_irr(vcpu->vlapic, 0x50, false);
	KUNIT_EXPECT_EQ(test, inject(test, vcpu), 0);
	svm_cap_set(vcpu, VM_CAP_MASK_HWINTR, 0);
	KUNIT_EXPECT_EQ(test, inject(test, vcpu), FAULT(X86_TRAP_UD));
	KUNIT_EXPECT_EQ(test, inject(test, vcpu), NMI);
	KUNIT_EXPECT_EQ(test, inject(test, vcpu), INTR(0x50));
}

static void double_fault_of_a_double_fault_suspends(struct kunit *test)
{
	struct vcpu *vcpu = inject_vcpu(test);
	bool entered;

	vcpu->events.exitintinfo = FAULT(X86_TRAP_DF) | VM_INTINFO_DEL_ERRCODE;
	vcpu_inject_exception(vcpu, X86_TRAP_GP, true, 0, true);
	local_irq_disable();
	entered = svm_inject(vcpu);
	local_irq_enable();
	KUNIT_EXPECT_FALSE(test, entered);
	KUNIT_EXPECT_EQ(test, to_vmcb(vcpu)->control.eventinj, 0);
	KUNIT_EXPECT_EQ(test, vcpu->vm->suspend, VM_SUSPEND_TRIPLEFAULT);
}

/* A delivery that the exit interrupted is made again; software events by executing them again. */
static void interrupted_deliveries_are_made_again(struct kunit *test)
{
	static const struct { u64 info; bool again; } table[] = {
		{ INTR(0x50), true }, { NMI, true }, { FAULT(X86_TRAP_UD), true },
		{ FAULT(X86_TRAP_PF) | VM_INTINFO_DEL_ERRCODE | 6ULL << 32, true },
		{ VM_INTINFO_VALID | VM_INTINFO_SWINTR | 0x80, false },
		{ INTR(0x50) & 0xff, false },
	};
	struct vcpu *vcpu = inject_vcpu(test);
	int i;

	for (i = 0; i < ARRAY_SIZE(table); i++) {
		to_vmcb(vcpu)->control.exitintinfo = table[i].info;
		svm_exit_events(vcpu);
		KUNIT_EXPECT_EQ_MSG(test, vcpu->events.exitintinfo,
				    table[i].again ? table[i].info : 0, "0x%llx", table[i].info);
		KUNIT_EXPECT_EQ(test, inject(test, vcpu), table[i].again ? table[i].info : 0);
	}
	KUNIT_EXPECT_EQ(test, vcpu->stats[VCPU_EXITINTINFO], 5);
}

/* A #BP or #OF that goes on to the guest returns behind its INT3 or INTO. */
static void traps_return_behind_the_instruction(struct kunit *test)
{
	static const u8 int3[] = { 0xcc };
	struct vcpu *vcpu = inject_vcpu(test);
	int nrips;

	fake_poke(test, CODE_RIP, int3, 1);
	for (nrips = 0; nrips < 2; nrips++) {
		svm_caps.nrip_save = nrips;
		svm_vmexit(vcpu, EXIT_EXCEPTION + X86_TRAP_BP, 0, 0, nrips ? CODE_RIP + 1 : 0);
		KUNIT_EXPECT_EQ(test, svm_exit(vcpu), VERDICT_USER);
		vcpu_reg_set(vcpu, VM_REG_GUEST_ENTRY_INST_LENGTH, 1);
		KUNIT_EXPECT_EQ(test, vcpu_inject_exception(vcpu, X86_TRAP_BP, false, 0, false), 0);
		KUNIT_EXPECT_EQ(test, inject(test, vcpu), FAULT(X86_TRAP_BP));
		if (nrips)
			KUNIT_EXPECT_EQ(test, to_vmcb(vcpu)->control.nextrip, CODE_RIP + 1);
		else
			KUNIT_EXPECT_EQ(test, vcpu->nextrip, CODE_RIP + 1);
	}
}

static struct kunit_case svm_inject_test_cases[] = {
	KUNIT_CASE(nothing_pending_injects_nothing),
	KUNIT_CASE(interrupts_wait_for_a_window),
	KUNIT_CASE(interrupts_go_behind_sti_hlt),
	KUNIT_CASE(interrupts_go_by_priority),
	KUNIT_CASE(exceptions_come_first),
	KUNIT_CASE(nmis_ignore_the_interrupt_flag),
	KUNIT_CASE(nmis_wait_for_iret),
	KUNIT_CASE(extint_comes_before_the_apic),
	KUNIT_CASE(masked_events_stay),
	KUNIT_CASE(double_fault_of_a_double_fault_suspends),
	KUNIT_CASE(interrupted_deliveries_are_made_again),
	KUNIT_CASE(traps_return_behind_the_instruction),
	{}
};

static struct kunit_suite svm_inject_test_suite = {
	.name = "vmm-svm-inject",
	.suite_init = svm_suite_init,
	.suite_exit = svm_suite_exit,
	.init = svm_test_init,
	.exit = fake_vm_test_exit,
	.test_cases = svm_inject_test_cases,
};
kunit_test_suite(svm_inject_test_suite);
