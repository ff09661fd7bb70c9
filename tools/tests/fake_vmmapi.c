// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* libvmmapi without a kernel: the functions that vmmrun's emulation uses. */
#include <errno.h>
#include <string.h>

#include "test.h"

struct fake fake;

static struct options options = { .name = "fake", .cpus = 1 };
static struct machine machine = { .options = &options,
				  .end = MACHINE_RUNNING,
				  .lock = PTHREAD_MUTEX_INITIALIZER };
static struct cpu cpu = { .machine = &machine, .lock = PTHREAD_MUTEX_INITIALIZER };

struct cpu *fake_cpu(void)
{
	char *memory = fake.memory != NULL ? fake.memory : malloc(FAKE_MEMORY);

	memset(&fake, 0, sizeof(fake));
	memset(memory, 0, FAKE_MEMORY);
	fake.memory = memory;
	fake.fault_from = ~0ul;
	memset(&cpu.exit, 0, sizeof(cpu.exit));
	return &cpu;
}

int vm_get_register(struct vcpu *vcpu, int reg, uint64_t *value)
{
	(void)vcpu;
	*value = fake.regs[reg];
	return 0;
}

int vm_set_register(struct vcpu *vcpu, int reg, uint64_t value)
{
	(void)vcpu;
	fake.regs[reg] = value;
	return 0;
}

int vm_get_seg_desc(struct vcpu *vcpu, int reg, struct seg_desc *desc)
{
	(void)vcpu;
	*desc = fake.descs[reg];
	return 0;
}

int vm_set_desc(struct vcpu *vcpu, int reg, uint64_t base, uint32_t limit, uint32_t access)
{
	(void)vcpu;
	fake.descs[reg] = (struct seg_desc){ .base = base, .limit = limit, .access = access };
	return 0;
}

int vm_inject_exception(struct vcpu *vcpu, int vector, int errcode_valid, uint32_t errcode,
			int restart)
{
	(void)vcpu;
	fake.exceptions++;
	fake.vector = vector;
	fake.error_valid = errcode_valid;
	fake.error_code = errcode;
	fake.restart = restart;
	return 0;
}

int vm_restart_instruction(struct vcpu *vcpu)
{
	(void)vcpu;
	fake.restarts++;
	return 0;
}

int vm_set_intinfo(struct vcpu *vcpu, uint64_t info)
{
	(void)vcpu;
	fake.intinfo = info;
	fake.intinfo_set = true;
	return 0;
}

void *vm_map_gpa(struct vmctx *ctx, vm_paddr_t gpa, size_t len)
{
	(void)ctx;
	return gpa < FAKE_MEMORY && len <= FAKE_MEMORY - gpa ? fake.memory + gpa : NULL;
}

int vm_copy_setup(struct vcpu *vcpu, struct vm_guest_paging *paging, uint64_t gla, size_t len,
		  int prot, struct iovec *iov, int count, int *fault)
{
	size_t part;

	(void)prot;
	(void)paging;
	*fault = 0;
	for (int i = 0; len > 0; i++, gla += part, len -= part) {
		part = 4096 - gla % 4096 < len ? 4096 - gla % 4096 : len;
		if (gla + part > fake.fault_from && gla < fake.fault_to) {
			*fault = 1;
			return vm_inject_exception(vcpu, 14, 1, 0, 1);
		}
		if (i == count || vm_map_gpa(NULL, gla, part) == NULL) {
			errno = EFAULT;
			return -1;
		}
		iov[i].iov_base = fake.memory + gla;
		iov[i].iov_len = part;
	}
	return 0;
}

int vm_gla2gpa(struct vcpu *vcpu, struct vm_guest_paging *paging, uint64_t gla, int prot,
	       uint64_t *gpa, int *fault)
{
	(void)paging;
	(void)prot;
	*gpa = gla;
	*fault = gla >= fake.fault_from && gla < fake.fault_to;
	return *fault ? vm_inject_exception(vcpu, 14, 1, 0, 1) : 0;
}

int vm_readwrite_kernemu_device(struct vcpu *vcpu, vm_paddr_t gpa, bool write, int size,
				uint64_t *value)
{
	(void)vcpu;
	fake.kernel_gpa = gpa;
	fake.kernel_size = size;
	if (write)
		fake.kernel_value = *value;
	else
		*value = fake.kernel_value;
	return 0;
}

int vm_isa_assert_irq(struct vmctx *ctx, int atpic_irq, int ioapic_irq)
{
	(void)ctx;
	(void)ioapic_irq;
	fake.irq_level[atpic_irq]++;
	return 0;
}

int vm_isa_deassert_irq(struct vmctx *ctx, int atpic_irq, int ioapic_irq)
{
	(void)ctx;
	(void)ioapic_irq;
	fake.irq_level[atpic_irq]--;
	return 0;
}

int vm_isa_set_irq_trigger(struct vmctx *ctx, int atpic_irq, enum vm_intr_trigger trigger)
{
	(void)ctx;
	(void)atpic_irq;
	(void)trigger;
	return 0;
}

int vm_suspend(struct vmctx *ctx, enum vm_suspend_how how)
{
	(void)ctx;
	fake.suspends++;
	fake.how = (int)how;
	return 0;
}
