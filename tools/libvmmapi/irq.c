// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Interrupts: local APIC, I/O APIC, ISA, NMI. */
#include <string.h>
#include <sys/ioctl.h>

#include "internal.h"

int vm_lapic_irq(struct vcpu *vcpu, int vector)
{
	struct vm_lapic_irq arg = { .cpuid = vcpu->id, .vector = vector };

	return ioctl(vcpu->ctx->fd, VM_LAPIC_IRQ, &arg);
}

int vm_lapic_local_irq(struct vcpu *vcpu, int vector)
{
	struct vm_lapic_irq arg = { .cpuid = vcpu->id, .vector = vector };

	return ioctl(vcpu->ctx->fd, VM_LAPIC_LOCAL_IRQ, &arg);
}

int vm_lapic_msi(struct vmctx *ctx, uint64_t addr, uint64_t msg)
{
	struct vm_lapic_msi arg = { .msg = msg, .addr = addr };

	return ioctl(ctx->fd, VM_LAPIC_MSI, &arg);
}

static int ioapic_request(struct vmctx *ctx, unsigned long request, int irq)
{
	struct vm_ioapic_irq arg = { .irq = irq };

	return ioctl(ctx->fd, request, &arg);
}

int vm_ioapic_assert_irq(struct vmctx *ctx, int irq)
{
	return ioapic_request(ctx, VM_IOAPIC_ASSERT_IRQ, irq);
}

int vm_ioapic_deassert_irq(struct vmctx *ctx, int irq)
{
	return ioapic_request(ctx, VM_IOAPIC_DEASSERT_IRQ, irq);
}

int vm_ioapic_pulse_irq(struct vmctx *ctx, int irq)
{
	return ioapic_request(ctx, VM_IOAPIC_PULSE_IRQ, irq);
}

int vm_ioapic_pincount(struct vmctx *ctx, int *pincount)
{
	return ioctl(ctx->fd, VM_IOAPIC_PINCOUNT, pincount);
}

static int isa_request(struct vmctx *ctx, unsigned long request, int atpic_irq, int ioapic_irq)
{
	struct vm_isa_irq arg = { .atpic_irq = atpic_irq, .ioapic_irq = ioapic_irq };

	return ioctl(ctx->fd, request, &arg);
}

int vm_isa_assert_irq(struct vmctx *ctx, int atpic_irq, int ioapic_irq)
{
	return isa_request(ctx, VM_ISA_ASSERT_IRQ, atpic_irq, ioapic_irq);
}

int vm_isa_deassert_irq(struct vmctx *ctx, int atpic_irq, int ioapic_irq)
{
	return isa_request(ctx, VM_ISA_DEASSERT_IRQ, atpic_irq, ioapic_irq);
}

int vm_isa_pulse_irq(struct vmctx *ctx, int atpic_irq, int ioapic_irq)
{
	return isa_request(ctx, VM_ISA_PULSE_IRQ, atpic_irq, ioapic_irq);
}

int vm_isa_set_irq_trigger(struct vmctx *ctx, int atpic_irq, enum vm_intr_trigger trigger)
{
	struct vm_isa_irq_trigger arg = { .atpic_irq = atpic_irq, .trigger = trigger };

	return ioctl(ctx->fd, VM_ISA_SET_IRQ_TRIGGER, &arg);
}

int vm_inject_nmi(struct vcpu *vcpu)
{
	struct vm_nmi arg = { .cpuid = vcpu->id };

	return ioctl(vcpu->ctx->fd, VM_INJECT_NMI, &arg);
}
