// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * Accesses to guest-physical addresses where there is no memory: a passed-through device's registers that are not
 * mapped, or nothing, then reads give all ones, and writes are lost. The instruction is carried out by the kernel module's own emulator
 * (src/x86/emulate.c), which asks here for registers and memory. An instruction can have a second
 * operand elsewhere, in memory or on a device in the kernel.
 */
#include <errno.h>
#include <string.h>

#include "../../src/x86/decode.h"
#include "../../src/x86/emulate.h"

#include "complain.h"
#include "exit.h"
#include "machine.h"
#include "passthru.h"

#define ACCESS_MAX	64		/* bytes that one instruction moves */

/* What the kernel answers itself: local APIC, I/O APIC, HPET. */
static const struct {
	uint64_t	gpa, size;
} kernel_devices[] = {
	{ 0xfee00000, 0x1000 },
	{ 0xfec00000, 0x1000 },
	{ 0xfed00000, 0x400 },
};

static bool in_kernel(uint64_t gpa)
{
	for (size_t i = 0; i < sizeof(kernel_devices) / sizeof(kernel_devices[0]); i++)
		if (gpa - kernel_devices[i].gpa < kernel_devices[i].size)
			return true;
	return false;
}

static int ops_reg_get(void *ctx, enum vm_reg_name reg, u64 *value)
{
	struct cpu *cpu = ctx;

	return vm_get_register(cpu->vcpu, (int)reg, value) == 0 ? 0 : -errno;
}

static int ops_reg_set(void *ctx, enum vm_reg_name reg, u64 value)
{
	struct cpu *cpu = ctx;

	return vm_set_register(cpu->vcpu, (int)reg, value) == 0 ? 0 : -errno;
}

static int ops_desc_get(void *ctx, enum vm_reg_name reg, struct seg_desc *desc)
{
	struct cpu *cpu = ctx;

	return vm_get_seg_desc(cpu->vcpu, (int)reg, desc) == 0 ? 0 : -errno;
}

/* The API has no vector registers. */
static int ops_simd_get(void *ctx, unsigned int index, void *buffer, int bytes)
{
	(void)ctx;
	(void)index;
	(void)buffer;
	(void)bytes;
	return -EOPNOTSUPP;
}

static int ops_simd_set(void *ctx, unsigned int index, const void *buffer, int bytes)
{
	(void)ctx;
	(void)index;
	(void)buffer;
	(void)bytes;
	return -EOPNOTSUPP;
}

static int kernel_device_access(struct cpu *cpu, uint64_t gpa, bool write, void *buffer, int bytes)
{
	uint64_t value = 0;

	if (bytes > (int)sizeof(value))
		return -EOPNOTSUPP;
	if (write)
		memcpy(&value, buffer, (size_t)bytes);
	if (vm_readwrite_kernemu_device(cpu->vcpu, gpa, write, bytes, &value) != 0)
		return -errno;
	if (!write)
		memcpy(buffer, &value, (size_t)bytes);
	return 0;
}

static int ops_phys_read(void *ctx, u64 gpa, void *buffer, int bytes)
{
	struct cpu *cpu = ctx;
	const void *memory = vm_map_gpa(cpu->machine->ctx, gpa, (size_t)bytes);

	if (memory == NULL && in_kernel(gpa))
		return kernel_device_access(cpu, gpa, false, buffer, bytes);
	if (memory != NULL)
		memcpy(buffer, memory, (size_t)bytes);
	else if (!passthru_mmio(gpa, false, buffer, bytes))
		memset(buffer, 0xff, (size_t)bytes);
	return 0;
}

static int ops_phys_write(void *ctx, u64 gpa, const void *buffer, int bytes)
{
	struct cpu *cpu = ctx;
	void *memory = vm_map_gpa(cpu->machine->ctx, gpa, (size_t)bytes);
	uint8_t data[ACCESS_MAX];
	uint64_t copy;

	if (bytes > ACCESS_MAX)
		return -EOPNOTSUPP;

	if (memory == NULL && in_kernel(gpa)) {
		if (bytes > (int)sizeof(copy))
			return -EOPNOTSUPP;
		memcpy(&copy, buffer, (size_t)bytes);
		return kernel_device_access(cpu, gpa, true, &copy, bytes);
	}
	memcpy(data, buffer, (size_t)bytes);
	if (memory != NULL)
		memcpy(memory, buffer, (size_t)bytes);
	else
		(void)passthru_mmio(gpa, true, data, bytes);
	return 0;
}

/* The emulator translates with the paging of the exit; the kernel has the same. */
static int ops_translate(void *ctx, u64 gla, int prot, u64 *gpa)
{
	struct cpu *cpu = ctx;
	int fault;

	if (vm_gla2gpa(cpu->vcpu, &cpu->exit.u.inst_emul.paging, gla, prot, gpa, &fault) != 0)
		return -errno;
	return fault ? EMUL_FAULTED : 0;
}

static int ops_inject(void *ctx, int vector, bool has_error, u32 error)
{
	struct cpu *cpu = ctx;

	return vm_inject_exception(cpu->vcpu, vector, has_error, error, 1) == 0 ? 0 : -errno;
}

static const struct emul_ops ops = {
	.reg_get = ops_reg_get,
	.reg_set = ops_reg_set,
	.desc_get = ops_desc_get,
	.simd_get = ops_simd_get,
	.simd_set = ops_simd_set,
	.phys_read = ops_phys_read,
	.phys_write = ops_phys_write,
	.translate = ops_translate,
	.inject = ops_inject,
};

static enum cpu_verdict not_emulated(struct cpu *cpu, const struct vm_exit *exit, int error)
{
	complain(
		"vCPU %d: an instruction that is not emulated accesses guest-physical address %#lx, where nothing is: %s",
		cpu->id, (unsigned long)exit->u.inst_emul.gpa, strerror(error));
	return CPU_DEAD;
}

enum cpu_verdict mmio_emulate(struct cpu *cpu, struct vm_exit *exit)
{
	bool advanced = exit->u.inst_emul.vie.decoded;
	struct vie vie = exit->u.inst_emul.vie;
	int result = 0;

	if (!advanced) {
		vie_init(&vie, exit->u.inst_emul.vie.inst, exit->u.inst_emul.vie.num_valid);
		result =
			vie_decode(&vie, exit->u.inst_emul.paging.cpu_mode, exit->u.inst_emul.cs_d);
	}
	if (result == 0)
		result = vie_emulate(&vie, exit->u.inst_emul.gpa, &exit->u.inst_emul.paging, &ops,
				     cpu);
	if (result < 0)
		return not_emulated(cpu, exit, -result);
	if (result == EMUL_RESTART && vm_restart_instruction(cpu->vcpu) != 0)
		return exit_request_failed(cpu, "restarting the instruction");
	if (result == 0 && !advanced &&
	    vm_set_register(cpu->vcpu, VM_REG_GUEST_RIP, exit->rip + vie.num_processed) != 0)
		return exit_request_failed(cpu, "writing RIP");
	return CPU_CONTINUE;
}
