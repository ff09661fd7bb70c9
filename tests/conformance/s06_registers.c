// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Section 6: registers, register sets, descriptors, and a vCPU nobody has touched. */
#include <sys/ioctl.h>

#include "harness.h"

static int fd_of(struct machine *m)
{
	return vm_get_device_fd(m->ctx);
}

/* Plain storage on both kinds of processors; values that every one takes. */
static const struct { int reg; uint64_t val; } plain[] = {
	{ VM_REG_GUEST_RAX, 0x1122334455667788 }, { VM_REG_GUEST_RBX, 2 }, { VM_REG_GUEST_RCX, ~0ull }, { VM_REG_GUEST_RDX, 4 },
	{ VM_REG_GUEST_RSI, 5 }, { VM_REG_GUEST_RDI, 6 }, { VM_REG_GUEST_RBP, 7 }, { VM_REG_GUEST_R8, 8 }, { VM_REG_GUEST_R9, 9 },
	{ VM_REG_GUEST_R10, 10 }, { VM_REG_GUEST_R11, 11 }, { VM_REG_GUEST_R12, 12 }, { VM_REG_GUEST_R13, 13 }, { VM_REG_GUEST_R14, 14 },
	{ VM_REG_GUEST_R15, 0x8000000000000000 }, { VM_REG_GUEST_CR3, 0x12345000 }, { VM_REG_GUEST_DR7, 0x400 }, { VM_REG_GUEST_RSP, 0x7ff0 },
	{ VM_REG_GUEST_RIP, 0x1234 }, { VM_REG_GUEST_RFLAGS, 0x246 }, { VM_REG_GUEST_ES, 0x10 }, { VM_REG_GUEST_CS, 0xf000 },
	{ VM_REG_GUEST_SS, 0x18 }, { VM_REG_GUEST_DS, 0x20 }, { VM_REG_GUEST_FS, 0x28 }, { VM_REG_GUEST_GS, 0x30 }, { VM_REG_GUEST_LDTR, 0x38 },
	{ VM_REG_GUEST_TR, 0x40 }, { VM_REG_GUEST_CR2, 0xffff800012345678 }, { VM_REG_GUEST_DR0, 0x1000 }, { VM_REG_GUEST_DR1, 0x2000 },
	{ VM_REG_GUEST_DR2, 0x3000 }, { VM_REG_GUEST_DR3, 0x4000 }, { VM_REG_GUEST_DR6, 0xffff0ff1 }, { VM_REG_GUEST_FS_BASE, 0x7fff12340000 },
	{ VM_REG_GUEST_GS_BASE, 0xffff888000000000 }, { VM_REG_GUEST_KGS_BASE, 0xffff888000001000 }, { VM_REG_GUEST_TPR, 0xa },
};
#define PLAIN	(sizeof(plain) / sizeof(plain[0]))

/* What one sets, one gets, and no register is another one's. */
TEST(s06_1_registers_are_storage)
{
	struct machine *m = machine_create(1);

	for (unsigned int i = 0; i < PLAIN; i++)
		reg_set(m, 0, plain[i].reg, plain[i].val);
	for (unsigned int i = 0; i < PLAIN; i++)
		if (reg_get(m, 0, plain[i].reg) != plain[i].val)
			FAIL("register %d is %#lx, was set to %#lx", plain[i].reg, (unsigned long)reg_get(m, 0, plain[i].reg),
			     (unsigned long)plain[i].val);
}

/* Get returns what the guest believes: CR0 and CR4 as they were set, bits the hardware forces not among them. */
TEST(s06_1_control_registers_as_the_guest_sees_them)
{
	static const uint64_t cr0[] = { 0x60000010, 0x10, 0x11, 0x31, 0x60000030, 0x80010033 }, cr4[] = { 0, 0x20, 0x620, 0x10 };
	struct machine *m = machine_create(1);

	for (unsigned int i = 0; i < sizeof(cr4) / sizeof(cr4[0]); i++) {
		reg_set(m, 0, VM_REG_GUEST_CR4, cr4[i]);
		EXPECT_EQ(reg_get(m, 0, VM_REG_GUEST_CR4), cr4[i]);
	}
	reg_set(m, 0, VM_REG_GUEST_CR4, 0x20);
	for (unsigned int i = 0; i < sizeof(cr0) / sizeof(cr0[0]); i++) {
		reg_set(m, 0, VM_REG_GUEST_CR0, cr0[i]);
		EXPECT_EQ(reg_get(m, 0, VM_REG_GUEST_CR0), cr0[i]);
	}
	/* The processor's own enable bit is not the guest's. */
	reg_set(m, 0, VM_REG_GUEST_EFER, 0);
	EXPECT_EQ(reg_get(m, 0, VM_REG_GUEST_EFER), 0);
	reg_set(m, 0, VM_REG_GUEST_EFER, 0x500);
	EXPECT_EQ(reg_get(m, 0, VM_REG_GUEST_EFER), 0x500);
}

TEST(s06_1_tpr_is_cr8)
{
	struct machine *m = machine_create(1);
	uint64_t val;

	for (uint64_t tpr = 0; tpr < 16; tpr++) {
		reg_set(m, 0, VM_REG_GUEST_TPR, tpr);
		OK(vm_readwrite_kernemu_device(m->vcpu[0], 0xfee00080, false, 4, &val));
		EXPECT_EQ(val, tpr << 4);
	}
	val = 0x53;
	OK(vm_readwrite_kernemu_device(m->vcpu[0], 0xfee00080, true, 4, &val));
	EXPECT_EQ(reg_get(m, 0, VM_REG_GUEST_TPR), 5);
}

TEST(s06_1_interrupt_shadow)
{
	struct machine *m = machine_create(1);

	EXPECT_EQ(reg_get(m, 0, VM_REG_GUEST_INTR_SHADOW), 0);
	OK(vm_set_register(m->vcpu[0], VM_REG_GUEST_INTR_SHADOW, 0));
	if (host_is_amd()) {
		OK(vm_set_register(m->vcpu[0], VM_REG_GUEST_INTR_SHADOW, 1));
		EXPECT_EQ(reg_get(m, 0, VM_REG_GUEST_INTR_SHADOW), 1);
	} else {
		EXPECT_ERRNO(vm_set_register(m->vcpu[0], VM_REG_GUEST_INTR_SHADOW, 1), EINVAL);
		EXPECT_EQ(reg_get(m, 0, VM_REG_GUEST_INTR_SHADOW), 0);
	}
}

/* Registers of one vendor's processors. */
TEST(s06_1_registers_of_one_vendor)
{
	struct machine *m = machine_create(1);
	uint64_t val;

	if (host_is_amd()) {
		OK(vm_set_register(m->vcpu[0], VM_REG_GUEST_ENTRY_INST_LENGTH, 3));
		EXPECT_ERRNO(vm_get_register(m->vcpu[0], VM_REG_GUEST_ENTRY_INST_LENGTH, &val), EINVAL);
		for (int reg = VM_REG_GUEST_PDPTE0; reg <= VM_REG_GUEST_PDPTE3; reg++) {
			EXPECT_ERRNO(vm_get_register(m->vcpu[0], reg, &val), EINVAL);
			EXPECT_ERRNO(vm_set_register(m->vcpu[0], reg, 0), EINVAL);
		}
		return;
	}
	OK(vm_set_register(m->vcpu[0], VM_REG_GUEST_ENTRY_INST_LENGTH, 3));
	OK(vm_get_register(m->vcpu[0], VM_REG_GUEST_ENTRY_INST_LENGTH, &val));
	for (int reg = VM_REG_GUEST_PDPTE0; reg <= VM_REG_GUEST_PDPTE3; reg++) {
		OK(vm_set_register(m->vcpu[0], reg, 0x1001));
		EXPECT_EQ(reg_get(m, 0, reg), 0x1001);
	}
}

static int set_registers(struct machine *m, unsigned long word, unsigned int count, const int *numbers, uint64_t *values)
{
	struct vm_register_set arg = { .cpuid = 0, .count = count, .regnums = numbers, .regvals = values };

	return ioctl(fd_of(m), word, &arg);
}

TEST(s06_2_register_sets)
{
	static const int three[] = { VM_REG_GUEST_RBX, VM_REG_GUEST_RIP, VM_REG_GUEST_RBX };
	struct machine *m = machine_create(1);
	uint64_t values[VM_REG_LAST] = { 1, 0x5000, 3 }, got[VM_REG_LAST];
	int numbers[VM_REG_LAST];

	/* In order: the last set of RBX stands. As many as there are register numbers, and one number as often as one likes. */
	OK(set_registers(m, VM_SET_REGISTER_SET, 3, three, values));
	EXPECT_EQ(reg_get(m, 0, VM_REG_GUEST_RBX), 3);
	EXPECT_EQ(reg_get(m, 0, VM_REG_GUEST_RIP), 0x5000);
	for (int i = 0; i < VM_REG_LAST; i++) {
		numbers[i] = VM_REG_GUEST_RSI;
		values[i] = (uint64_t)i;
	}
	OK(set_registers(m, VM_SET_REGISTER_SET, VM_REG_LAST, numbers, values));
	OK(set_registers(m, VM_GET_REGISTER_SET, VM_REG_LAST, numbers, got));
	for (int i = 0; i < VM_REG_LAST; i++)
		EXPECT_EQ(got[i], VM_REG_LAST - 1);
}

/* The first that fails ends it: a get has returned nothing then, a set has changed those before. */
TEST(s06_2_first_failure_ends_it)
{
	static const int bad[] = { VM_REG_GUEST_RBX, VM_REG_LAST, VM_REG_GUEST_RCX };
	struct machine *m = machine_create(1);
	uint64_t values[] = { 11, 12, 13 }, got[] = { 7, 7, 7 };

	reg_set(m, 0, VM_REG_GUEST_RBX, 1);
	reg_set(m, 0, VM_REG_GUEST_RCX, 2);
	EXPECT_ERRNO(set_registers(m, VM_GET_REGISTER_SET, 3, bad, got), EINVAL);
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(got[i], 7);
	EXPECT_ERRNO(set_registers(m, VM_SET_REGISTER_SET, 3, bad, values), EINVAL);
	EXPECT_EQ(reg_get(m, 0, VM_REG_GUEST_RBX), 11);
	EXPECT_EQ(reg_get(m, 0, VM_REG_GUEST_RCX), 2);
}

/* Access rights in the layout of the VMCS, whatever the processor keeps. */
TEST(s06_3_descriptors)
{
	static const int segments[] = { VM_REG_GUEST_ES, VM_REG_GUEST_CS, VM_REG_GUEST_SS, VM_REG_GUEST_DS, VM_REG_GUEST_FS, VM_REG_GUEST_GS,
		VM_REG_GUEST_TR, VM_REG_GUEST_LDTR };
	static const uint32_t rights[] = { 0xc093, 0x0093, 0xc0f3, 0xa09b, 0xd093, 0x10000 };
	struct machine *m = machine_create(1);
	uint32_t limit, access;
	uint64_t base;

	for (unsigned int i = 0; i < sizeof(segments) / sizeof(segments[0]); i++) {
		for (unsigned int j = 0; j < sizeof(rights) / sizeof(rights[0]); j++) {
			uint32_t want_limit = rights[j] & 0x8000 ? 0xfffff + (i << 28) + 0xf00000 : 0xff00 + i;

			want_limit |= rights[j] & 0x8000 ? 0xfff : 0;
			OK(vm_set_desc(m->vcpu[0], segments[i], 0x100000 + i * 16, want_limit, rights[j]));
			OK(vm_get_desc(m->vcpu[0], segments[i], &base, &limit, &access));
			EXPECT_EQ(base, 0x100000 + i * 16);
			EXPECT_EQ(limit, want_limit);
			/* Of an unusable one the other bits mean nothing. */
			if (rights[j] & 0x10000)
				EXPECT_EQ(access & 0x10000, 0x10000);
			else
				EXPECT_EQ(access, rights[j]);
		}
	}
	for (int reg = VM_REG_GUEST_IDTR; reg <= VM_REG_GUEST_GDTR; reg++) {
		OK(vm_set_desc(m->vcpu[0], reg, 0xffff800000001000 + (uint64_t)reg, 0xfff, 0));
		OK(vm_get_desc(m->vcpu[0], reg, &base, &limit, &access));
		EXPECT_EQ(base, 0xffff800000001000 + (uint64_t)reg);
		EXPECT_EQ(limit, 0xfff);
	}
	/* Selector and descriptor are two things. */
	reg_set(m, 0, VM_REG_GUEST_ES, 0x77);
	OK(vm_get_desc(m->vcpu[0], VM_REG_GUEST_ES, &base, &limit, &access));
	EXPECT_EQ(base, 0x100000);
	/* FS.base is the same, whichever way one goes. */
	OK(vm_set_desc(m->vcpu[0], VM_REG_GUEST_FS, 0x123456789000, 0xffffffff, 0xc093));
	EXPECT_EQ(reg_get(m, 0, VM_REG_GUEST_FS_BASE), 0x123456789000);
	reg_set(m, 0, VM_REG_GUEST_GS_BASE, 0x223456789000);
	OK(vm_get_desc(m->vcpu[0], VM_REG_GUEST_GS, &base, &limit, &access));
	EXPECT_EQ(base, 0x223456789000);
}

static void expect_fresh(struct machine *m, int id)
{
	uint64_t info1, info2, *stats;
	enum x2apic_state x2apic;
	struct timeval tv;
	int val, entries;

	EXPECT_EQ(reg_get(m, id, VM_REG_GUEST_CR0), 0x60000010);
	EXPECT_EQ(reg_get(m, id, VM_REG_GUEST_CR4), 0);
	EXPECT_EQ(reg_get(m, id, VM_REG_GUEST_DR6), 0xffff0ff0);
	EXPECT_EQ(reg_get(m, id, VM_REG_GUEST_DR7), 0x400);
	EXPECT_EQ(reg_get(m, id, VM_REG_GUEST_INTR_SHADOW), 0);
	EXPECT_EQ(reg_get(m, id, VM_REG_GUEST_TPR), 0);
	OK(vm_get_intinfo(m->vcpu[id], &info1, &info2));
	EXPECT_EQ(info1 | info2, 0);
	OK(vm_get_x2apic_state(m->vcpu[id], &x2apic));
	EXPECT_EQ(x2apic, X2APIC_DISABLED);
	/* Section 13: capabilities are off, apart from what the processor always does. */
	for (int cap = 0; cap < VM_CAP_MAX; cap++)
		if (vm_get_capability(m->vcpu[id], (enum vm_cap_type)cap, &val) == 0)
			EXPECT_EQ(val, cap == VM_CAP_RDPID || cap == VM_CAP_RDTSCP || (cap == VM_CAP_UNRESTRICTED_GUEST && host_is_amd()));
	stats = vm_get_stats(m->vcpu[id], &tv, &entries);
	EXPECT(stats != NULL && entries > 30);
	for (int i = 0; i < entries; i++) {
		const char *what = vm_get_stat_desc(m->ctx, i);

		if (stats[i] != 0 && strstr(what, "memory") == NULL)
			FAIL("\"%s\" of a new vCPU is %lu", what, (unsigned long)stats[i]);
	}
}

/* A vCPU is made by the first request that names it, and is so after reinit again. */
TEST(s06_4_fresh_vcpu)
{
	struct machine *m = machine_create_bare();

	m->vcpus = 2;
	m->vcpu[0] = vm_vcpu_open(m->ctx, 0);
	m->vcpu[1] = vm_vcpu_open(m->ctx, 15);
	expect_fresh(m, 0);
	expect_fresh(m, 1);
	for (int id = 0; id < 2; id++) {
		reg_set(m, id, VM_REG_GUEST_CR0, 0x31);
		reg_set(m, id, VM_REG_GUEST_CR4, 0x20);
		reg_set(m, id, VM_REG_GUEST_DR6, 0xffff0ff1);
		reg_set(m, id, VM_REG_GUEST_TPR, 3);
		OK(vm_set_x2apic_state(m->vcpu[id], X2APIC_ENABLED));
		OK(vm_set_capability(m->vcpu[id], VM_CAP_HALT_EXIT, 1));
		OK(vm_set_capability(m->vcpu[id], VM_CAP_IPI_EXIT, 1));
		OK(vm_set_intinfo(m->vcpu[id], VM_INTINFO_VALID | VM_INTINFO_HWEXCEPTION | 6));
		OK(vm_inject_exception(m->vcpu[id], 13, 1, 0, 0));
	}
	OK(vm_reinit(m->ctx));
	expect_fresh(m, 0);
	expect_fresh(m, 1);
}

/* Section 3.3: the first request of class A, E or F that names a vCPU makes it. One new vCPU each. */
TEST(s03_3_made_on_first_use)
{
	struct machine *m = machine_create_bare();
	struct vcpu *vcpu[16];
	uint64_t info1, info2, val;
	uint32_t limit, access;
	enum x2apic_state state;
	struct timeval tv;
	int entries;

	for (int i = 0; i < 16; i++)
		vcpu[i] = vm_vcpu_open(m->ctx, i);
	OK(vm_get_register(vcpu[0], VM_REG_GUEST_CR0, &val));
	OK(vm_set_register(vcpu[1], VM_REG_GUEST_RAX, 1));
	OK(vm_get_desc(vcpu[2], VM_REG_GUEST_CS, &val, &limit, &access));
	OK(vm_set_capability(vcpu[3], VM_CAP_HALT_EXIT, 1));
	OK(vm_set_x2apic_state(vcpu[4], X2APIC_ENABLED));
	OK(vm_activate_cpu(vcpu[5]));
	OK(vm_get_intinfo(vcpu[6], &info1, &info2));
	OK(vm_restart_instruction(vcpu[7]));
	OK(vm_readwrite_kernemu_device(vcpu[8], 0xfee00020, false, 4, &val));
	EXPECT_EQ(val, 8u << 24);
	EXPECT(vm_get_stats(vcpu[9], &tv, &entries) != NULL);
	OK(vm_inject_nmi(vcpu[10]));
	OK(vm_lapic_irq(vcpu[11], 0x40));
	OK(vm_get_x2apic_state(vcpu[12], &state));
	OK(vm_lapic_local_irq(vcpu[13], APIC_LVT_TIMER));
	EXPECT_ERRNO(vm_suspend_cpu(vcpu[14]), EINVAL);
	EXPECT_ERRNO(vm_resume_cpu(vcpu[15]), EINVAL);
}
