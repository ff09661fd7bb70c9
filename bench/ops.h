/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The operations: OP(symbol, "text", vCPUs, MACHINE_* of hyper.h). What the guest does is in payload.c, under
 * op_symbol(); what the host does besides is in bench.c.
 */
#ifndef OPS_H
#define OPS_H

#define GUEST_OPS(OP)									\
	OP(nothing, "two readings of the TSC", 1, 0)					\
	OP(cpuid, "CPUID", 1, 0)							\
	OP(rdmsr_tsc_adjust, "RDMSR TSC_ADJUST", 1, 0)					\
	OP(wrmsr_tsc_adjust, "WRMSR TSC_ADJUST", 1, 0)					\
	OP(rdmsr_apic_base, "RDMSR APIC_BASE", 1, 0)					\
	OP(in_pit, "IN 8254, in the kernel", 1, 0)					\
	OP(in_pm_timer, "IN PM timer", 1, 0)						\
	OP(in_user, "IN, in user space", 1, 0)						\
	OP(mmio_user, "MMIO read, in user space", 1, 0)					\
	OP(xapic_eoi, "xAPIC EOI", 1, 0)						\
	OP(xapic_self_ipi, "xAPIC ICR to self, to the handler", 1, 0)			\
	OP(x2apic_self_ipi, "x2APIC SELF IPI, to the handler", 1, MACHINE_X2APIC)	\
	OP(ipi_running, "IPI to a running vCPU, to its handler", 2, MACHINE_X2APIC)	\
	OP(ipi_halted, "IPI to a halted vCPU, to its handler", 2, MACHINE_X2APIC)	\
	OP(deadline, "TSC deadline, HLT, to the handler", 1, MACHINE_X2APIC)		\
	OP(touch_4k, "first touch, 4 KiB", 1, MACHINE_TOUCH)				\
	OP(touch_2m, "first touch, 2 MiB", 1, 0)

#endif
