// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * Model-specific registers that the kernel leaves to user space: those that tell of power, heat,
 * microcode and board, which systems read without asking whether they are there. They read as an
 * idle processor would have them, and writes have no effect. All others are the guest's fault.
 */
#include <cpuid.h>
#include <stdbool.h>
#include <string.h>

#include "complain.h"
#include "exit.h"
#include "machine.h"

#define EXCEPTION_GP	13

#define INTEL		0x1
#define AMD		0x2
#define BOTH		(INTEL | AMD)

/* COUNT registers from CODE on. */
struct msr {
	uint32_t	code;
	uint32_t	count;
	unsigned int	vendors;
	uint64_t	value;		/* what a read gives */
	bool		writable;	/* a write is ignored instead of faulting */
};

/*
 * Hypervisor guests find fixed values in HWCR: INVD as WBINVD (bit 4), MONITOR off (bit 9), TSC
 * counts at P0's rate (bit 24).
 */
#define HWCR_VALUE	0x01000210

static const struct msr msrs[] = {
	{ 0x00000017, 1, INTEL, 0, false },		/* PLATFORM_ID */
	{ 0x0000002a, 1, INTEL, 0, true },		/* EBL_CR_POWERON */
	{ 0x00000034, 1, INTEL, 0, false },		/* SMI_COUNT */
	{ 0x0000003a, 1, INTEL, 1, false },		/* FEATURE_CONTROL: locked, all off */
	{ 0x00000079, 1, INTEL, 0, true },		/* BIOS_UPDT_TRIG */
	{ 0x0000008b, 1, BOTH, 0, true },		/* BIOS_SIGN_ID, PATCH_LEVEL */
	{ 0x000000cd, 1, INTEL, 3, false },		/* FSB_FREQ: 100 MHz in the low bits */
	{ 0x000000e2, 1, INTEL, 0, true },		/* PKG_CST_CONFIG_CONTROL */
	{ 0x000000e7, 2, BOTH, 0, true },		/* MPERF, APERF */
	{ 0x0000011e, 1, INTEL, 0, true },		/* BBL_CR_CTL3 */
	{ 0x00000140, 1, INTEL, 0, true },		/* MISC_FEATURES_ENABLES */
	{ 0x00000198, 1, INTEL, 0, false },		/* PERF_STATUS */
	{ 0x00000199, 1, INTEL, 0, true },		/* PERF_CTL */
	{ 0x0000019a, 3, INTEL, 0, true },		/* CLOCK_MODULATION, THERM_* */
	{ 0x000001a2, 1, INTEL, 0, false },		/* TEMPERATURE_TARGET */
	{ 0x000001aa, 1, INTEL, 0, true },		/* MISC_PWR_MGMT */
	{ 0x000001b0, 3, INTEL, 0, true },		/* ENERGY_PERF_BIAS, PACKAGE_THERM_* */
	{ 0x000001d9, 1, BOTH, 0, true },		/* DEBUGCTL */
	{ 0x000001fc, 1, INTEL, 0, true },		/* POWER_CTL */
	{ 0x000003f8, 8, INTEL, 0, false },		/* C-state residencies */
	{ 0x00000606, 1, INTEL, 0, false },		/* RAPL_POWER_UNIT */
	{ 0x0000060a, 4, INTEL, 0, true },		/* package C-state limits and residency */
	{ 0x00000610, 1, INTEL, 0, true },		/* PKG_POWER_LIMIT */
	{ 0x00000611, 4, INTEL, 0, false },		/* PKG_ENERGY_STATUS to PKG_POWER_INFO */
	{ 0x00000618, 5, INTEL, 0, false },		/* DRAM */
	{ 0x00000638, 5, INTEL, 0, false },		/* PP0 */
	{ 0x00000640, 3, INTEL, 0, false },		/* PP1 */
	{ 0x00000648, 5, INTEL, 0, false },		/* configurable TDP */
	{ 0x0000064d, 1, INTEL, 0, false },		/* platform energy */

	{ 0xc0010000, 8, AMD, 0, true },		/* performance counters */
	{ 0xc0010015, 1, AMD, HWCR_VALUE, true },	/* HWCR */
	{ 0xc001001a, 1, AMD, 0, false },		/* TOP_MEM */
	{ 0xc001001d, 1, AMD, 0, false },		/* TOP_MEM2 */
	{ 0xc001001f, 1, AMD, 0, true },		/* NB_CFG */
	{ 0xc0010042, 1, AMD, 0, false },		/* FIDVID_STATUS */
	{ 0xc0010058, 1, AMD, 0, true },		/* MMIO_CFG_BASE */
	{ 0xc0010061, 1, AMD, 0, false },		/* P-state limit */
	{ 0xc0010062, 1, AMD, 0, true },		/* P-state control */
	{ 0xc0010063, 9, AMD, 0, false },		/* P-state status, P-states */
	{ 0xc0010073, 1, AMD, 0, true },		/* C-state base */
	{ 0xc0010299, 3, AMD, 0, false },		/* RAPL: units, core and package energy */
	{ 0xc001100c, 1, AMD, 0, true },		/* node id */
	{ 0xc0011020, 5, AMD, 0, true },		/* LS_CFG, IC_CFG, DC_CFG, BU_CFG */
	{ 0xc0011029, 2, AMD, 0, true },		/* DE_CFG, BU_CFG2 */
};

static unsigned int vendor_get(void)
{
	unsigned int eax, ebx = 0, ecx, edx;

	(void)__get_cpuid(0, &eax, &ebx, &ecx, &edx);
	return ebx == signature_INTEL_ebx ? INTEL : AMD;
}

static const struct msr *msr_find(uint32_t code)
{
	for (size_t i = 0; i < sizeof(msrs) / sizeof(msrs[0]); i++)
		if (code - msrs[i].code < msrs[i].count && (msrs[i].vendors & vendor_get()))
			return &msrs[i];
	return NULL;
}

static enum cpu_verdict fault(struct cpu *cpu)
{
	if (vm_inject_exception(cpu->vcpu, EXCEPTION_GP, 1, 0, 1) != 0)
		return exit_request_failed(cpu, "injecting #GP");
	return CPU_CONTINUE;
}

enum cpu_verdict msr_read(struct cpu *cpu, struct vm_exit *exit)
{
	const struct msr *msr = msr_find(exit->u.msr.code);
	uint64_t value = msr != NULL ? msr->value : 0;

	if (msr == NULL && !cpu->machine->options->ignore_msrs)
		return fault(cpu);
	if (vm_set_register(cpu->vcpu, VM_REG_GUEST_RAX, value & 0xffffffff) != 0 ||
	    vm_set_register(cpu->vcpu, VM_REG_GUEST_RDX, value >> 32) != 0)
		return exit_request_failed(cpu, "writing RAX and RDX");
	return CPU_CONTINUE;
}

enum cpu_verdict msr_write(struct cpu *cpu, struct vm_exit *exit)
{
	const struct msr *msr = msr_find(exit->u.msr.code);

	if (msr == NULL ? !cpu->machine->options->ignore_msrs : !msr->writable)
		return fault(cpu);
	return CPU_CONTINUE;
}
