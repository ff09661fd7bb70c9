// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* The small devices behind ports: power management, reset, keyboard controller, PCI; and MSRs. */
#include <string.h>

#include "../vmmrun/exit.h"
#include "../vmmrun/i8042.h"
#include "../vmmrun/inout.h"
#include "../vmmrun/pci.h"
#include "../vmmrun/pm.h"
#include "test.h"

static uint32_t in(uint16_t port, unsigned int bytes)
{
	return inout_access(port, true, bytes, 0);
}

static void out(uint16_t port, unsigned int bytes, uint32_t value)
{
	inout_access(port, false, bytes, value);
}

static void test_nobody(void)
{
	CHECK_EQUAL(in(0x1234, 1), 0xff);
	CHECK_EQUAL(in(0x1234, 2), 0xffff);
	CHECK_EQUAL(in(0xffff, 4), 0xffffffff);
	out(0x80, 1, 0x12);
	CHECK_EQUAL(in(0x80, 1), 0xff);
}

static void test_acpi(void)
{
	CHECK_EQUAL(in(0x404, 2), 0);
	out(0x402, 2, 0x100);
	pm_power_button();
	CHECK_EQUAL(in(0x400, 2), 0x100);
	CHECK_EQUAL(in(0x400, 4), 0x01000100);
	CHECK_EQUAL(fake.irq_level[9], 0);
	out(0xb2, 1, 0xa0);
	CHECK_EQUAL(in(0x404, 2), 1);
	CHECK_EQUAL(fake.irq_level[9], 1);
}

static void test_sci(void)
{
	out(0x400, 2, 0x100);
	CHECK_EQUAL(fake.irq_level[9], 0);
	CHECK_EQUAL(in(0x400, 2), 0);
	pm_power_button();
	CHECK_EQUAL(fake.irq_level[9], 1);
	out(0x401, 1, 0x01);
	CHECK_EQUAL(fake.irq_level[9], 0);
	pm_power_button();
	out(0x402, 2, 0);
	CHECK_EQUAL(fake.irq_level[9], 0);
	out(0x400, 2, 0xffff);
}

static void test_sleep(void)
{
	out(0x404, 2, 0x2001 | 4 << 10);	/* another sleep state */
	CHECK_EQUAL(fake.suspends, 0);
	out(0x404, 2, 0x0001 | 5 << 10);	/* type without enable */
	CHECK_EQUAL(fake.suspends, 0);
	out(0x404, 2, 0x2001 | 5 << 10);
	CHECK_EQUAL(fake.suspends, 1);
	CHECK_EQUAL(fake.how, VM_SUSPEND_POWEROFF);
	CHECK_EQUAL(in(0x404, 2), 0x1401);
}

static void reset_expect(int count)
{
	CHECK_EQUAL(fake.suspends, count);
	CHECK_EQUAL(fake.how, VM_SUSPEND_RESET);
}

static void test_reset(void)
{
	fake.suspends = 0;
	out(0xcf9, 1, 0x02);
	CHECK_EQUAL(fake.suspends, 0);
	out(0xcf9, 1, 0x06);
	reset_expect(1);
	CHECK_EQUAL(in(0xcf9, 1), 0x02);
	CHECK_EQUAL(in(0x92, 1), 0x02);
	out(0x92, 1, 0x03);
	reset_expect(2);
	out(0x64, 1, 0xfe);
	reset_expect(3);
	out(0x64, 1, 0xd1);
	out(0x60, 1, 0xfe);
	reset_expect(4);
	out(0x64, 1, 0xff);
	CHECK_EQUAL(fake.suspends, 4);
}

static void test_i8042(void)
{
	out(0x64, 1, 0xaa);
	CHECK_EQUAL(in(0x64, 1) & 0x01, 1);
	CHECK_EQUAL(in(0x60, 1), 0x55);
	CHECK_EQUAL(in(0x64, 1) & 0x03, 0);
	out(0x64, 1, 0x60);
	out(0x60, 1, 0x47);
	out(0x64, 1, 0x20);
	CHECK_EQUAL(in(0x60, 1), 0x47);
}

static void test_pci(void)
{
	out(0xcf8, 4, 0x80000000);
	CHECK_EQUAL(in(0xcf8, 4), 0x80000000);
	CHECK_EQUAL(in(0xcfc, 4), 0x12751275);
	CHECK_EQUAL(in(0xcfe, 2), 0x1275);
	out(0xcf8, 4, 0x80000008);
	CHECK_EQUAL(in(0xcff, 1), 0x06);
	out(0xcfc, 4, 0);
	CHECK_EQUAL(in(0xcfc, 4), 0x06000000);
	out(0xcf8, 4, 0x800000fc);
	CHECK_EQUAL(in(0xcfd, 4) & 0xffffff, 0);	/* beyond the last port: split into bytes */
	out(0xcf8, 4, 0x80000800);
	CHECK_EQUAL(in(0xcfc, 4), 0xffffffff);
	out(0xcf8, 4, 0x00000000);
	CHECK_EQUAL(in(0xcfc, 4), 0xffffffff);
	out(0xcfb, 1, 0x01);
	CHECK_EQUAL(in(0xcf8, 4), 0);
}

static void test_msr(struct cpu *cpu)
{
	struct vm_exit *exit = &cpu->exit;

	fake.exceptions = 0;
	exit->u.msr.code = 0x8b;
	fake.regs[VM_REG_GUEST_RAX] = 1;
	fake.regs[VM_REG_GUEST_RDX] = 1;
	CHECK_EQUAL(msr_read(cpu, exit), CPU_CONTINUE);
	CHECK_EQUAL(fake.regs[VM_REG_GUEST_RAX] | fake.regs[VM_REG_GUEST_RDX], 0);
	CHECK_EQUAL(fake.exceptions, 0);
	exit->u.msr.code = 0x12345678;
	CHECK_EQUAL(msr_read(cpu, exit), CPU_CONTINUE);
	CHECK_EQUAL(fake.exceptions, 1);
	CHECK_EQUAL(fake.vector, 13);
	CHECK_EQUAL(fake.error_valid, 1);
	CHECK_EQUAL(fake.restart, 1);
	CHECK_EQUAL(msr_write(cpu, exit), CPU_CONTINUE);
	CHECK_EQUAL(fake.exceptions, 2);
}

int main(void)
{
	struct cpu *cpu = fake_cpu();

	pci_create();
	pm_create(cpu->machine);
	i8042_create(cpu->machine);
	test_nobody();
	test_acpi();
	test_sci();
	test_sleep();
	test_reset();
	test_i8042();
	test_pci();
	test_msr(cpu);
	free(fake.memory);
	return 0;
}
