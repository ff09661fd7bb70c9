// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * vmx: interrupts that the processor delivers and APIC registers that it reads by itself (Intel manual
 * vol. 3, chapter 30): what an entry hands over, what an exit brings back, and the exits that are left.
 */
#include <kunit/test.h>
#include <linux/bits.h>
#include <linux/irqflags.h>
#include <linux/kernel.h>
#include <linux/string.h>
#include "dev/vatpic.h"
#include "dev/vioapic.h"
#include "dev/vlapic.h"
#include "run.h"
#include "vmx_fixture.h"

#define INTR_STATUS	0x0810
#define EOI_EXIT(i)	(0x201c + 2 * (i))
#define MSR_BITMAP	0x2004

#define X2APIC_MODE	BIT(4)
#define APIC_REGISTERS	BIT(8)
#define INTR_DELIVERY	BIT(9)

/* Offsets into the virtual-APIC page */
#define PAGE_TPR	0x080
#define PAGE_ISR	0x100
#define PAGE_IRR	0x200
#define PAGE_SELF_IPI	0x3f0

/* vCPU 0 with its APIC on and interrupts enabled. */
static struct vcpu *apic_vcpu(struct kunit *test)
{
	struct vcpu *vcpu = vmx_vcpu_at(test, NULL, 0);

	vlapic_mmio(vcpu->vlapic, 0xf0, true, 4, &(u64){ 0x1ff });
	to_vmx(vcpu)->rflags = X86_EFLAGS_FIXED | X86_EFLAGS_IF;
	return vcpu;
}

static u32 *page_word(struct vcpu *vcpu, unsigned int offset, u8 vector)
{
	return to_vmx(vcpu)->virtual_apic + offset + vector / 32 * 16;
}

static bool page_has(struct vcpu *vcpu, unsigned int offset, u8 vector)
{
	return *page_word(vcpu, offset, vector) & BIT(vector % 32);
}

/* Up to VMLAUNCH: the event that it injects. */
static u32 entry(struct kunit *test, struct vcpu *vcpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);

	KUNIT_ASSERT_TRUE(test, vmcs_get(vcpu));
	fake_vmcs_set(vmx, VMCS_ENTRY_INTR_INFO, 0);
	local_irq_disable();
	KUNIT_EXPECT_TRUE(test, vmx_inject(vcpu));
	vmx_apic_in(vcpu);
	local_irq_enable();
	vmcs_put(vcpu);
	vmx->vmcs_rip = vcpu->nextrip;
	return vmx->entry_event;
}

static void leave(struct kunit *test, struct vcpu *vcpu, bool entered)
{
	KUNIT_ASSERT_TRUE(test, vmcs_get(vcpu));
	local_irq_disable();
	vmx_apic_out(vcpu, entered);
	local_irq_enable();
	vmcs_put(vcpu);
}

/* The processor delivers @vector, behind which @next is the highest that waits, and exits. */
static void deliver_and_leave(struct kunit *test, struct vcpu *vcpu, u8 vector, u8 next)
{
	*page_word(vcpu, PAGE_IRR, vector) &= ~BIT(vector % 32);
	*page_word(vcpu, PAGE_ISR, vector) |= BIT(vector % 32);
	fake_vmcs_set(to_vmx(vcpu), INTR_STATUS, vector << 8 | next);
	leave(test, vcpu, true);
}

static bool window(struct vcpu *vcpu)
{
	return fake_vmcs_get(to_vmx(vcpu), VMCS_PROC_CONTROLS) & BIT(2);
}

static void apic_interrupts_are_not_injected(struct kunit *test)
{
	struct vcpu *vcpu = apic_vcpu(test);
	struct vmx_vcpu *vmx = to_vmx(vcpu);

	KUNIT_EXPECT_EQ(test, fake_vmcs_get(vmx, VMCS_PROC_CONTROLS_2) &
			(X2APIC_MODE | APIC_REGISTERS | INTR_DELIVERY), INTR_DELIVERY);
	KUNIT_EXPECT_EQ(test, entry(test, vcpu), 0);
	KUNIT_EXPECT_EQ(test, fake_vmcs_get(vmx, INTR_STATUS), 0);
	leave(test, vcpu, true);
	vlapic_set_irr(vcpu->vlapic, 0x51, false);
	/* Whether the guest takes interrupts or not is no matter of ours any more. */
	vmx->rflags = X86_EFLAGS_FIXED;
	KUNIT_EXPECT_EQ(test, entry(test, vcpu), 0);
	KUNIT_EXPECT_FALSE(test, window(vcpu));
	KUNIT_EXPECT_EQ(test, fake_vmcs_get(vmx, INTR_STATUS), 0x51);
	KUNIT_EXPECT_TRUE(test, page_has(vcpu, PAGE_IRR, 0x51));
	deliver_and_leave(test, vcpu, 0x51, 0);
	KUNIT_EXPECT_EQ(test, vlapic_pending_intr(vcpu->vlapic), -1);
	KUNIT_EXPECT_EQ(test, entry(test, vcpu), 0);
	KUNIT_EXPECT_EQ(test, fake_vmcs_get(vmx, INTR_STATUS), 0x5100);
}

static void masked_interrupts_stay_here(struct kunit *test)
{
	struct vcpu *vcpu = apic_vcpu(test);

	vlapic_set_irr(vcpu->vlapic, 0x51, false);
	vcpu->mask_hwintr = true;
	KUNIT_EXPECT_EQ(test, entry(test, vcpu), 0);
	KUNIT_EXPECT_EQ(test, fake_vmcs_get(to_vmx(vcpu), INTR_STATUS), 0);
	leave(test, vcpu, true);
	vcpu->mask_hwintr = false;
	entry(test, vcpu);
	KUNIT_EXPECT_EQ(test, fake_vmcs_get(to_vmx(vcpu), INTR_STATUS), 0x51);
}

/* The 8259's are injected as on any processor, and what the page has waits for its turn. */
static void extints_are_injected(struct kunit *test)
{
	struct vcpu *vcpu = apic_vcpu(test);
	struct vm *vm = vcpu->vm;

	to_vmx(vcpu)->rflags = X86_EFLAGS_FIXED;
	vlapic_set_irr(vcpu->vlapic, 0x51, false);
	set_bit(EVENT_EXTINT, &vcpu->events.flags);
	KUNIT_EXPECT_EQ(test, entry(test, vcpu), 0);
	KUNIT_EXPECT_TRUE(test, window(vcpu));
	leave(test, vcpu, true);
	to_vmx(vcpu)->rflags |= X86_EFLAGS_IF;
	KUNIT_EXPECT_FALSE(test, vatpic_requesting(vm->vatpic));
	/* It was another vCPU's meanwhile. */
	KUNIT_EXPECT_EQ(test, entry(test, vcpu), 0);
	leave(test, vcpu, true);
	entry(test, vcpu);
	KUNIT_EXPECT_FALSE(test, window(vcpu));
	KUNIT_EXPECT_EQ(test, fake_vmcs_get(to_vmx(vcpu), INTR_STATUS), 0x51);
}

static void refused_entry_loses_nothing(struct kunit *test)
{
	struct vcpu *vcpu = apic_vcpu(test);

	vlapic_set_irr(vcpu->vlapic, 0x51, false);
	vlapic_cr8_write(vcpu->vlapic, 7);
	entry(test, vcpu);
	/* VMLAUNCH failed and there may be no VMCS to ask. */
	fake_vmcs_set(to_vmx(vcpu), INTR_STATUS, 0);
	leave(test, vcpu, false);
	KUNIT_EXPECT_EQ(test, vlapic_cr8_read(vcpu->vlapic), 7);
	vlapic_cr8_write(vcpu->vlapic, 0);
	KUNIT_EXPECT_EQ(test, vlapic_pending_intr(vcpu->vlapic), 0x51);
}

static void mode_decides_on_registers(struct kunit *test)
{
	struct vcpu *vcpu = apic_vcpu(test);
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	int round;

	for (round = 0; round < 2; round++) {
		vlapic_set_x2apic_state(vcpu->vlapic, X2APIC_ENABLED);
		entry(test, vcpu);
		leave(test, vcpu, true);
		KUNIT_EXPECT_EQ(test, fake_vmcs_get(vmx, VMCS_PROC_CONTROLS_2) &
				(X2APIC_MODE | APIC_REGISTERS), X2APIC_MODE | APIC_REGISTERS);
		KUNIT_EXPECT_EQ(test, fake_vmcs_get(vmx, MSR_BITMAP), vmx_msr_bitmap_pa(true));
		vlapic_set_x2apic_state(vcpu->vlapic, X2APIC_DISABLED);
		entry(test, vcpu);
		leave(test, vcpu, true);
		KUNIT_EXPECT_EQ(test, fake_vmcs_get(vmx, VMCS_PROC_CONTROLS_2) &
				(X2APIC_MODE | APIC_REGISTERS), 0);
		KUNIT_EXPECT_EQ(test, fake_vmcs_get(vmx, MSR_BITMAP), vmx_msr_bitmap_pa(false));
	}
}

static void reset_starts_in_xapic_mode(struct kunit *test)
{
	struct vcpu *vcpu = apic_vcpu(test);
	struct vmx_vcpu *vmx = to_vmx(vcpu);

	vlapic_set_x2apic_state(vcpu->vlapic, X2APIC_ENABLED);
	vlapic_set_irr(vcpu->vlapic, 0x51, true);
	entry(test, vcpu);
	deliver_and_leave(test, vcpu, 0x51, 0);
	vcpu_reset(vcpu);
	KUNIT_EXPECT_EQ(test, fake_vmcs_get(vmx, MSR_BITMAP), vmx_msr_bitmap_pa(false));
	KUNIT_EXPECT_EQ(test, fake_vmcs_get(vmx, INTR_STATUS), 0);
	KUNIT_EXPECT_EQ(test, fake_vmcs_get(vmx, EOI_EXIT(1)), 0);
	KUNIT_EXPECT_FALSE(test, page_has(vcpu, PAGE_ISR, 0x51));
	entry(test, vcpu);
	KUNIT_EXPECT_EQ(test, fake_vmcs_get(vmx, INTR_STATUS), 0);
}

static void eoi_of_levels_exits(struct kunit *test)
{
	struct vcpu *vcpu = apic_vcpu(test);
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	int i;

	vlapic_set_irr(vcpu->vlapic, 0x20, false);
	vlapic_set_irr(vcpu->vlapic, 0x51, true);
	vlapic_set_irr(vcpu->vlapic, 0xfe, true);
	entry(test, vcpu);
	leave(test, vcpu, true);
	KUNIT_EXPECT_EQ(test, fake_vmcs_get(vmx, EOI_EXIT(0)), 0);
	KUNIT_EXPECT_EQ(test, fake_vmcs_get(vmx, EOI_EXIT(1)), BIT_ULL(0x51 - 64));
	KUNIT_EXPECT_EQ(test, fake_vmcs_get(vmx, EOI_EXIT(2)), 0);
	KUNIT_EXPECT_EQ(test, fake_vmcs_get(vmx, EOI_EXIT(3)), BIT_ULL(0xfe - 192));
	/* The next of each is an edge. */
	vlapic_set_irr(vcpu->vlapic, 0x51, false);
	vlapic_set_irr(vcpu->vlapic, 0xfe, false);
	entry(test, vcpu);
	for (i = 0; i < 4; i++)
		KUNIT_EXPECT_EQ(test, fake_vmcs_get(vmx, EOI_EXIT(i)), 0);
}

static int exit_by(struct kunit *test, struct vcpu *vcpu, u32 reason, u64 qualification)
{
	int verdict = -EIO;

	vmx_vmexit(vcpu, reason, qualification, 3);
	if (vmcs_get(vcpu)) {
		verdict = vmx_exit(vcpu);
		vmcs_put(vcpu);
	}
	/* Like a trap, the exit comes behind the instruction. */
	KUNIT_EXPECT_EQ(test, vcpu->nextrip, CODE_RIP);
	return verdict;
}

/* Manual vol. 3, 30.1.4: the qualification is the vector. */
static void eoi_exit_is_for_the_ioapic(struct kunit *test)
{
	struct vcpu *vcpu = apic_vcpu(test);

	KUNIT_EXPECT_EQ(test, exit_by(test, vcpu, 45, 0x51), VERDICT_NEUTRAL);
	KUNIT_EXPECT_EQ(test, vcpu->exit.exitcode, VM_EXITCODE_IOAPIC_EOI);
	KUNIT_EXPECT_EQ(test, vcpu->exit.u.ioapic_eoi.vector, 0x51);
	KUNIT_EXPECT_EQ(test, vcpu->exit.inst_length, 0);
	KUNIT_EXPECT_EQ(test, exit_handle(vcpu), VERDICT_RESUME);
}

/* 30.1.5: vectors below 16 are left to us: an error that ESR tells of. */
static void self_ipi_with_illegal_vector_is_an_error(struct kunit *test)
{
	struct vcpu *vcpu = apic_vcpu(test);
	u64 esr = 0;

	vlapic_set_x2apic_state(vcpu->vlapic, X2APIC_ENABLED);
	entry(test, vcpu);
	leave(test, vcpu, true);
	*page_word(vcpu, PAGE_SELF_IPI, 0) = 7;
	KUNIT_EXPECT_EQ(test, exit_by(test, vcpu, 56, PAGE_SELF_IPI), VERDICT_RESUME);
	vlapic_msr_write(vcpu->vlapic, 0x828, 0);
	KUNIT_EXPECT_EQ(test, vlapic_msr_read(vcpu->vlapic, 0x828, &esr), 0);
	KUNIT_EXPECT_EQ(test, esr, BIT(5));
	KUNIT_EXPECT_FALSE(test, vlapic_requesting(vcpu->vlapic));
	/* No other register exits like this in x2APIC mode. */
	KUNIT_EXPECT_EQ(test, exit_by(test, vcpu, 56, 0x300), VERDICT_USER);
	KUNIT_EXPECT_EQ(test, vcpu->exit.exitcode, VM_EXITCODE_VMX);
}

static void hlt_tells_the_status(struct kunit *test)
{
	struct vcpu *vcpu = apic_vcpu(test);

	vlapic_set_irr(vcpu->vlapic, 0x51, false);
	entry(test, vcpu);
	leave(test, vcpu, true);
	vmx_vmexit(vcpu, EXIT_HLT, 0, 1);
	KUNIT_ASSERT_TRUE(test, vmcs_get(vcpu));
	vmx_exit(vcpu);
	vmcs_put(vcpu);
	KUNIT_EXPECT_EQ(test, vcpu->exit.u.hlt.intr_status, 0x51);
}

static int apic_test_init(struct kunit *test)
{
	return vmx_test_init_with(test, true);
}

static struct kunit_case vmx_apic_test_cases[] = {
	KUNIT_CASE(apic_interrupts_are_not_injected),
	KUNIT_CASE(masked_interrupts_stay_here),
	KUNIT_CASE(extints_are_injected),
	KUNIT_CASE(refused_entry_loses_nothing),
	KUNIT_CASE(mode_decides_on_registers),
	KUNIT_CASE(reset_starts_in_xapic_mode),
	KUNIT_CASE(eoi_of_levels_exits),
	KUNIT_CASE(eoi_exit_is_for_the_ioapic),
	KUNIT_CASE(self_ipi_with_illegal_vector_is_an_error),
	KUNIT_CASE(hlt_tells_the_status),
	{}
};

static struct kunit_suite vmx_apic_test_suite = {
	.name = "vmm-vmx-apic",
	.suite_init = vmx_suite_init,
	.suite_exit = vmx_suite_exit,
	.init = apic_test_init,
	.exit = vmx_test_exit,
	.test_cases = vmx_apic_test_cases,
};
kunit_test_suite(vmx_apic_test_suite);
