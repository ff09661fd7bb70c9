// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Sections 10 and 11: suspending, halting, reinit, the sets of vCPUs, INIT and STARTUP. */
#include <sys/ioctl.h>

#include "harness.h"

SNIPPET(spin, 64, "jmp .");
SNIPPET(halt, 64, "cli; hlt; out %al, $0x80");

static uint64_t set_of(struct machine *m, int which)
{
	uint64_t bits[16];
	struct vm_cpuset arg = { .which = which, .cpusetsize = sizeof(bits), .cpus = (cpuset_t *)bits };

	OK(ioctl(vm_get_device_fd(m->ctx), VM_GET_CPUS, &arg));
	for (int i = 1; i < 16; i++)
		EXPECT_EQ(bits[i], 0);
	return bits[0];
}

/* --- section 10 ------------------------------------------------------------------------------ */

/* Each reason comes out as it went in; the first one stays. */
TEST(s10_reasons)
{
	static const enum vm_suspend_how all[] = { VM_SUSPEND_RESET, VM_SUSPEND_POWEROFF, VM_SUSPEND_HALT, VM_SUSPEND_TRIPLEFAULT };
	struct machine *m = machine_create(1);
	struct vm_exit exit;

	for (unsigned int i = 0; i < 4; i++) {
		OK(vm_suspend(m->ctx, all[i]));
		for (unsigned int j = 0; j < 4; j++)
			EXPECT_ERRNO(vm_suspend(m->ctx, all[j]), EALREADY);
		EXPECT_ERRNO(vm_suspend(m->ctx, VM_SUSPEND_NONE), EINVAL);
		exit = EXPECT_EXIT(m, 0, VM_EXITCODE_SUSPENDED);
		EXPECT_EQ(exit.u.suspended.how, all[i]);
		EXPECT_EQ(exit.inst_length, 0);
		EXPECT_EQ(vcpu_run_once(m, 0, &exit), EINVAL);
		OK(vm_reinit(m->ctx));
		OK(vm_activate_cpu(m->vcpu[0]));
	}
}

/* One that is activated later is asked to come to the barrier as well; one that is active and never runs holds it up. */
TEST(s10_activated_after_the_suspend)
{
	struct machine *m = machine_create(1);
	struct runner r;
	struct vcpu *late = vm_vcpu_open(m->ctx, 1);

	m->vcpu[1] = late;
	m->vcpus = 2;
	snippet_start(m, 0, &spin);
	OK(vm_activate_cpu(late));
	runner_start(&r, m, 0);
	OK(vm_suspend(m->ctx, VM_SUSPEND_POWEROFF));
	usleep(100000);
	EXPECT(!r.done);
	EXPECT_EQ(EXPECT_EXIT(m, 1, VM_EXITCODE_SUSPENDED).u.suspended.how, VM_SUSPEND_POWEROFF);
	runner_join(&r, 3);
	EXPECT_EQ(r.exit.exitcode, VM_EXITCODE_SUSPENDED);
	EXPECT_EQ(set_of(m, VM_SUSPENDED_CPUS), 3);
	/* Suspended and all out; now a third: VM_REINIT has to wait for it. */
	late = vm_vcpu_open(m->ctx, 2);
	OK(vm_activate_cpu(late));
	EXPECT_ERRNO(vm_reinit(m->ctx), EBUSY);
	m->vcpu[2] = late;
	m->vcpus = 3;
	EXPECT_EXIT(m, 2, VM_EXITCODE_SUSPENDED);
	OK(vm_reinit(m->ctx));
}

/* vCPUs of the debug set are required too: their user keeps calling VM_RUN. */
TEST(s10_debug_vcpus_are_required)
{
	struct machine *m = machine_create(2);
	struct runner r;

	snippet_start(m, 0, &spin);
	OK(vm_suspend_cpu(m->vcpu[1]));
	EXPECT_EXIT(m, 1, VM_EXITCODE_DEBUG);
	runner_start(&r, m, 0);
	OK(vm_suspend(m->ctx, VM_SUSPEND_RESET));
	usleep(100000);
	EXPECT(!r.done);
	EXPECT_EXIT(m, 1, VM_EXITCODE_SUSPENDED);
	runner_join(&r, 3);
	EXPECT_EQ(r.exit.exitcode, VM_EXITCODE_SUSPENDED);
	EXPECT_EQ(set_of(m, VM_DEBUG_CPUS), 2);
}

/* VM_SUSPEND comes back before anybody has stopped, and works on a machine that nobody runs. */
TEST(s10_suspend_waits_for_nobody)
{
	struct machine *m = machine_create(2);
	uint64_t start = now_ns();

	OK(vm_suspend(m->ctx, VM_SUSPEND_HALT));
	EXPECT(now_ns() - start < 1000000000ull);
	EXPECT_EQ(set_of(m, VM_SUSPENDED_CPUS), 0);
	EXPECT_ERRNO(vm_reinit(m->ctx), EBUSY);
}

/* A machine with one vCPU, interrupts off, HLT: over. With HALT_EXIT off, HLT runs in the processor and nobody counts it. */
TEST(s10_halt_detection_of_one)
{
	struct machine *m = machine_create(1);
	struct vm_exit exit;

	snippet_start(m, 0, &halt);
	exit = EXPECT_EXIT(m, 0, VM_EXITCODE_SUSPENDED);
	EXPECT_EQ(exit.u.suspended.how, VM_SUSPEND_HALT);
	EXPECT_ERRNO(vm_suspend(m->ctx, VM_SUSPEND_RESET), EALREADY);
}

TEST(s10_halt_exit_off)
{
	struct machine *m = machine_create(1);
	struct runner r;

	snippet_start(m, 0, &halt);
	OK(vm_set_capability(m->vcpu[0], VM_CAP_HALT_EXIT, 0));
	runner_start(&r, m, 0);
	usleep(200000);
	EXPECT_EQ(set_of(m, VM_SUSPENDED_CPUS), 0);
	OK(vm_suspend(m->ctx, VM_SUSPEND_POWEROFF));
	runner_join(&r, 3);
	/* SVM keeps no halted state: the next interrupt of the host may have sent the guest on. */
	if (r.exit.exitcode == VM_EXITCODE_INOUT && host_is_amd())
		EXPECT_EQ(r.exit.rip, CODE_GPA + 2);
	else
		EXPECT_EQ(r.exit.exitcode, VM_EXITCODE_SUSPENDED);
}

/* A pending NMI wakes: that is no halt. Here its delivery is a triple fault, for want of an IDT. */
TEST(s10_nmi_is_no_halt)
{
	struct machine *m = machine_create(1);

	snippet_start(m, 0, &halt);
	OK(vm_inject_nmi(m->vcpu[0]));
	EXPECT(EXPECT_EXIT(m, 0, VM_EXITCODE_SUSPENDED).u.suspended.how != VM_SUSPEND_HALT);
}

TEST(s10_reinit_of_a_fresh_machine)
{
	struct machine *m = machine_create_bare();

	OK(vm_reinit(m->ctx));			/* both sets are empty */
	OK(vm_reinit(m->ctx));
	m->vcpu[0] = vm_vcpu_open(m->ctx, 0);
	OK(vm_activate_cpu(m->vcpu[0]));
	EXPECT_ERRNO(vm_reinit(m->ctx), EBUSY);
}

static uint64_t device_read(struct machine *m, uint64_t gpa, int size)
{
	uint64_t val = 0;

	OK(vm_readwrite_kernemu_device(m->vcpu[0], gpa, false, size, &val));
	return val;
}

static void device_write(struct machine *m, uint64_t gpa, int size, uint64_t val)
{
	OK(vm_readwrite_kernemu_device(m->vcpu[0], gpa, true, size, &val));
}

/* All that reinit resets, and all that it keeps. */
TEST(s10_reinit_effect)
{
	struct machine *m = machine_create(2);
	uint16_t sockets, cores, threads, limit;
	enum x2apic_state x2apic;
	struct vm_exit exit;
	uint8_t byte;
	time_t time;
	size_t len;
	char name[64];
	uint8_t *rom = vm_create_devmem(m->ctx, VM_BOOTROM, "rom", 0x1000);

	EXPECT(rom != (void *)-1);
	rom[1] = 0x11;
	m->mem[0x9000] = 0x22;
	OK(vm_mmap_memseg(m->ctx, 0xc0000000, VM_BOOTROM, 0, 0x1000, VM_PROT_READ));
	OK(vm_set_topology(m->ctx, 1, 1, 2, 0));
	OK(vm_rtc_settime(m->ctx, 1500000000));
	OK(vm_rtc_write(m->ctx, 0x40, 0x33));
	device_write(m, 0xfec00000, 4, 0x10 + 2 * 7);
	device_write(m, 0xfec00010, 4, 0x10041);
	device_write(m, 0xfed00100, 8, 0x4);			/* HPET timer 0: interrupts on */
	device_write(m, 0xfee000f0, 4, 0x1ff);
	OK(vm_set_x2apic_state(m->vcpu[1], X2APIC_ENABLED));
	OK(vm_suspend_cpu(m->vcpu[1]));
	OK(vm_suspend(m->ctx, VM_SUSPEND_RESET));
	EXPECT_ERRNO(vm_reinit(m->ctx), EBUSY);
	/* Both are needed at the barrier. */
	{
		struct runner r;

		runner_start(&r, m, 0);
		EXPECT_EXIT(m, 1, VM_EXITCODE_SUSPENDED);
		runner_join(&r, 3);
	}
	OK(vm_reinit(m->ctx));

	EXPECT_EQ(set_of(m, VM_ACTIVE_CPUS) | set_of(m, VM_DEBUG_CPUS) | set_of(m, VM_SUSPENDED_CPUS), 0);
	device_write(m, 0xfec00000, 4, 0x10 + 2 * 7);
	EXPECT_EQ(device_read(m, 0xfec00010, 4), 0x10000);
	EXPECT_EQ(device_read(m, 0xfed00100, 8) & 4, 0);
	EXPECT_EQ(device_read(m, 0xfee000f0, 4), 0xff);
	OK(vm_get_x2apic_state(m->vcpu[1], &x2apic));
	EXPECT_EQ(x2apic, X2APIC_DISABLED);
	EXPECT_ERRNO(vm_munmap_memseg(m->ctx, 0xc0000000, 0x1000), EINVAL);
	OK(vm_munmap_memseg(m->ctx, 0, MEMORY_BYTES));		/* system memory was still mapped */
	OK(vm_mmap_memseg(m->ctx, 0, VM_SYSMEM, 0, MEMORY_BYTES, VM_PROT_ALL));
	OK(vm_get_memseg(m->ctx, VM_BOOTROM, &len, name, sizeof(name)));
	EXPECT_EQ(len, 0x1000);
	EXPECT_EQ(rom[1], 0x11);
	EXPECT_EQ(m->mem[0x9000], 0x22);
	OK(vm_get_topology(m->ctx, &sockets, &cores, &threads, &limit));
	EXPECT_EQ(threads, 2);
	OK(vm_rtc_gettime(m->ctx, &time));
	EXPECT(time >= 1500000000 && time < 1500000060);
	OK(vm_rtc_read(m->ctx, 0x40, &byte));
	EXPECT_EQ(byte, 0x33);
	EXPECT_EQ(vcpu_run_once(m, 0, &exit), EINVAL);
	/* The reason is forgotten. */
	OK(vm_suspend(m->ctx, VM_SUSPEND_HALT));
}

/* --- section 11: the sets ----------------------------------------------------------------------- */

TEST(s11_sets)
{
	struct machine *m = machine_create_bare();

	m->vcpus = 8;
	for (int id = 0; id < 8; id++)
		m->vcpu[id] = vm_vcpu_open(m->ctx, id);
	EXPECT_EQ(set_of(m, VM_ACTIVE_CPUS), 0);
	OK(vm_activate_cpu(m->vcpu[3]));
	OK(vm_activate_cpu(m->vcpu[6]));
	EXPECT_ERRNO(vm_activate_cpu(m->vcpu[3]), EBUSY);
	EXPECT_EQ(set_of(m, VM_ACTIVE_CPUS), 0x48);
	EXPECT_EQ(set_of(m, VM_SUSPENDED_CPUS) | set_of(m, VM_DEBUG_CPUS), 0);
	EXPECT_ERRNO(vm_suspend_cpu(m->vcpu[2]), EINVAL);
	OK(vm_suspend_cpu(m->vcpu[6]));
	OK(vm_suspend_cpu(m->vcpu[6]));			/* is in it already */
	EXPECT_EQ(set_of(m, VM_DEBUG_CPUS), 0x40);
	EXPECT_ERRNO(vm_resume_cpu(m->vcpu[3]), EINVAL);
	OK(vm_suspend_all_cpus(m->ctx));
	EXPECT_EQ(set_of(m, VM_DEBUG_CPUS), 0x48);
	/* "debug set = active set": one that is activated later is not in it. */
	OK(vm_activate_cpu(m->vcpu[0]));
	EXPECT_EQ(set_of(m, VM_DEBUG_CPUS), 0x48);
	OK(vm_resume_cpu(m->vcpu[3]));
	EXPECT_ERRNO(vm_resume_cpu(m->vcpu[3]), EINVAL);
	EXPECT_EQ(set_of(m, VM_DEBUG_CPUS), 0x40);
	OK(vm_resume_all_cpus(m->ctx));
	EXPECT_EQ(set_of(m, VM_DEBUG_CPUS), 0);
	OK(vm_resume_all_cpus(m->ctx));
	EXPECT_EQ(set_of(m, VM_ACTIVE_CPUS), 0x49);
}

/* --- section 11: INIT and STARTUP ------------------------------------------------------------------ */

/* Writes ICR values from a table at 0xa000: high, low, ...; ends with high = -1. Each is followed by OUT to port 0x80. */
SNIPPET(icr_table, 64,
	"mov $0xa000, %esi; mov $0xfee00000, %ebx;"
	"1: mov (%rsi), %eax; cmp $-1, %eax; je 2f; mov %eax, 0x310(%rbx); mov 4(%rsi), %eax; mov %eax, 0x300(%rbx);"
	"add $8, %esi; out %al, $0x80; jmp 1b;"
	"2: out %al, $0x81");

#define TO(id)		((uint32_t)(id) << 24)
#define INIT		0x4500u
#define INIT_DEASSERT	0x8500u
#define STARTUP		0x4600u
#define OTHERS		0xc0000u
#define SELF		0x40000u

static struct machine *icr_machine(int vcpus, int ipi_exit, const uint32_t *table, size_t bytes)
{
	struct machine *m = machine_create(vcpus);

	OK(vm_set_capability(m->vcpu[0], VM_CAP_IPI_EXIT, ipi_exit));
	snippet_start(m, 0, &icr_table);
	memcpy(m->mem + SCRATCH_GPA, table, bytes);
	memset(m->mem + SCRATCH_GPA + bytes, 0xff, 4);
	return m;
}

static void expect_ipi(struct machine *m, uint32_t mode, uint64_t targets)
{
	struct vm_exit exit = EXPECT_EXIT(m, 0, VM_EXITCODE_IPI);

	EXPECT_EQ(exit.u.ipi.mode, mode);
	for (unsigned int id = 0; id < 64; id++)
		EXPECT_EQ(CPU_ISSET(id, &m->ipi_targets) != 0, targets >> id & 1);
}

static void expect_none(struct machine *m)
{
	EXPECT_EQ(EXPECT_EXIT(m, 0, VM_EXITCODE_INOUT).u.inout.port, 0x80);
}

TEST(s11_startup_needs_an_init)
{
	static const uint32_t table[] = {
		TO(1), STARTUP | 8,			/* nobody waits for it: no exit */
		TO(1), INIT,
		TO(1), INIT_DEASSERT,			/* ignored */
		TO(1), STARTUP | 9,
		TO(1), STARTUP | 10,			/* the second one: no exit */
		TO(2), INIT,
		0, STARTUP | OTHERS | 11,		/* reduced to who waits */
	};
	struct machine *m = icr_machine(4, 1, table, sizeof(table));

	expect_none(m);
	expect_ipi(m, APIC_DELMODE_INIT, 1 << 1);
	expect_none(m);
	expect_none(m);
	expect_ipi(m, APIC_DELMODE_STARTUP, 1 << 1);
	expect_none(m);
	expect_none(m);
	expect_ipi(m, APIC_DELMODE_INIT, 1 << 2);
	expect_none(m);
	expect_ipi(m, APIC_DELMODE_STARTUP, 1 << 2);
	expect_none(m);
	EXPECT_EQ(EXPECT_EXIT(m, 0, VM_EXITCODE_INOUT).u.inout.port, 0x81);
}

/* With IPI_EXIT the destination is restricted to active vCPUs; the reserved shorthand "self" is none for INIT. */
TEST(s11_init_targets)
{
	static const uint32_t table[] = {
		TO(5), INIT,				/* not active */
		0, INIT | SELF,
		TO(0xff), INIT | OTHERS,
	};
	struct machine *m = icr_machine(3, 1, table, sizeof(table));

	expect_none(m);
	expect_none(m);
	expect_ipi(m, APIC_DELMODE_INIT, 6);
}

/* Without it no INIT exits, a STARTUP exits for a vCPU that need not be active, with where it begins. */
TEST(s11_spinup)
{
	static const uint32_t table[] = {
		TO(7), INIT,
		TO(7), STARTUP | 0x9a,
		TO(7), STARTUP | 0x9b,
	};
	struct machine *m = icr_machine(1, 0, table, sizeof(table));
	struct vm_exit exit;

	expect_none(m);
	exit = EXPECT_EXIT(m, 0, VM_EXITCODE_SPINUP_AP);
	EXPECT_EQ(exit.u.spinup_ap.vcpu, 7);
	EXPECT_EQ(exit.u.spinup_ap.rip, 0x9a000);
	expect_none(m);
	expect_none(m);
	EXPECT_EQ(EXPECT_EXIT(m, 0, VM_EXITCODE_INOUT).u.inout.port, 0x81);
}

/* INIT resets the APIC of an active target. */
TEST(s11_init_resets_the_apic)
{
	static const uint32_t table[] = { TO(1), INIT };
	struct machine *m = icr_machine(2, 1, table, sizeof(table));
	uint64_t val = 0x1ff;

	OK(vm_readwrite_kernemu_device(m->vcpu[1], 0xfee000f0, true, 4, &val));
	OK(vm_suspend_cpu(m->vcpu[1]));
	expect_ipi(m, APIC_DELMODE_INIT, 2);
	EXPECT_EXIT(m, 1, VM_EXITCODE_DEBUG);
	OK(vm_readwrite_kernemu_device(m->vcpu[1], 0xfee000f0, false, 4, &val));
	EXPECT_EQ(val, 0xff);
}
