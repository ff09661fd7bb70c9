/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* vioapic: the I/O APIC (82093AA with 32 pins; semantics.md section 17). */
#ifndef VMM_DEV_VIOAPIC_H
#define VMM_DEV_VIOAPIC_H

#include <linux/types.h>

struct irq;
struct vioapic;
struct record;

#define VIOAPIC_BASE_GPA	0xfec00000ULL
#define VIOAPIC_SIZE		0x1000
#define VIOAPIC_PINS		32

/* In reset state; sets irq->vioapic. ERR_PTR(-ENOMEM). Process context. */
struct vioapic *vioapic_create(struct irq *irq);
/* No line and no EOI can reach it any more. */
void vioapic_destroy(struct vioapic *vioapic);
/* VM_REINIT: all entries masked, all counts 0. */
void vioapic_reset(struct vioapic *vioapic);

/*
 * A pin counts its asserts and deasserts, and fires when the count goes from 0 to 1; pulse is
 * one of each. Pin outside 0..31: -EINVAL. Any context.
 */
int vioapic_assert(struct vioapic *vioapic, int pin);
int vioapic_deassert(struct vioapic *vioapic, int pin);
int vioapic_pulse(struct vioapic *vioapic, int pin);

/*
 * One assert of @pin (below VIOAPIC_PINS) that ends with the EOI of its interrupt, which
 * irq_host_ops.pins_eoi() then tells; again before that: nothing more. Or taken back before. Any
 * context.
 */
void vioapic_assert_until_eoi(struct vioapic *vioapic, unsigned int pin);
void vioapic_deassert_until_eoi(struct vioapic *vioapic, unsigned int pin);

/*
 * A local APIC finished a level-triggered vector: pins that waited and are up fire again. No locks
 * held.
 */
void vioapic_eoi(struct vioapic *vioapic, u8 vector);

/* A bus_mmio_fn: 4 bytes at 0x00 (select) and 0x10 (window); else reads 0, drops writes. Always 0. */
int vioapic_mmio(void *vioapic, unsigned int vcpuid, u64 offset, bool write, int bytes,
		 u64 *val);

/*
 * Save it into @record, or load it from there: completely if the record is right, else not at all.
 * vCPUs frozen, clock stopped; any context otherwise.
 */
void vioapic_snapshot(struct vioapic *vioapic, struct record *record);

#endif
