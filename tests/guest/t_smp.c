// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Several vCPUs: starting them, and what they send each other. */
#include "test.h"

#define TRAMPOLINE_GPA	0x9000
#define VECTOR		0x50
#define AP_COUNT	3
#define MOVES		10000

#ifdef GUEST

volatile uint32_t ap_up, ipi_count, nmi_count;

static void ipi_handler(struct frame *frame)
{
	__atomic_fetch_add(&ipi_count, 1, __ATOMIC_SEQ_CST);
	apic_write(APIC_EOI, 0);
}

static void nmi_handler(struct frame *frame)
{
	__atomic_fetch_add(&nmi_count, 1, __ATOMIC_SEQ_CST);
}

static void icr(uint32_t dest, uint32_t low)
{
	apic_write(APIC_ICR_HIGH, dest << 24);
	apic_write(APIC_ICR, low);
	CHECK_EQ(apic_read(APIC_ICR) & 0x1000, 0);	/* no send pending */
}

#define ICR_INIT	0x4500u
#define ICR_STARTUP	0x4600u
#define ICR_NMI		0x4400u
#define ICR_FIXED	0x4000u
#define ICR_LOGICAL	0x0800u
#define ICR_ALL		0x80000u
#define ICR_OTHERS	0xc0000u

/* --- the application processors: report, then answer interrupts ------------------ */

GUEST_MAIN(ap_serve)
{
	CHECK_EQ(apic_read(APIC_ID) >> 24, cpuid(1, 0).ebx >> 24);
	CHECK(!(rdmsr(MSR_APIC_BASE) & 0x100));		/* not the bootstrap processor */
	handler_set(VECTOR, ipi_handler);
	handler_set(VEC_NMI, nmi_handler);
	apic_enable();
	__atomic_fetch_add(&ap_up, 1, __ATOMIC_SEQ_CST);
	for (;;)
		sti_hlt_cli();
}

static void wait_equal(volatile uint32_t *counter, uint32_t wanted)
{
	for (uint64_t i = 0; *counter != wanted; i++) {
		CHECK(i < 2000000000);
		pause();
	}
	for (int i = 0; i < 1000; i++)
		pause();
	CHECK_EQ(*counter, wanted);
}

/* As firmware and kernels do it: INIT, STARTUP, STARTUP. */
GUEST_MAIN(bsp_starts_aps)
{
	handler_set(VECTOR, ipi_handler);
	handler_set(VEC_NMI, nmi_handler);
	apic_enable();
	CHECK(rdmsr(MSR_APIC_BASE) & 0x100);
	for (uint32_t id = 1; id <= AP_COUNT; id++) {
		icr(id, ICR_INIT);
		icr(id, ICR_STARTUP | TRAMPOLINE_GPA >> 12);
		icr(id, ICR_STARTUP | TRAMPOLINE_GPA >> 12);	/* in vain: no longer waiting */
		wait_equal(&ap_up, id);
	}
	sync(1);

	icr(2, ICR_FIXED | VECTOR);
	wait_equal(&ipi_count, 1);
	icr(0, ICR_OTHERS | ICR_FIXED | VECTOR);
	wait_equal(&ipi_count, 1 + AP_COUNT);
	sti();
	icr(0, ICR_ALL | ICR_FIXED | VECTOR);
	wait_equal(&ipi_count, 1 + AP_COUNT + AP_COUNT + 1);
	icr(0xff, ICR_FIXED | VECTOR);
	wait_equal(&ipi_count, 1 + AP_COUNT + 2 * (AP_COUNT + 1));
	cli();
	icr(1, ICR_NMI);
	wait_equal(&nmi_count, 1);
	icr(0, ICR_OTHERS | ICR_NMI);
	wait_equal(&nmi_count, 1 + AP_COUNT);
	sync(2);
}

/* The targets of one INIT and one STARTUP to all others. */
GUEST_MAIN(bsp_starts_all)
{
	apic_enable();
	icr(0, ICR_OTHERS | ICR_INIT);
	sync(1);
	icr(0, ICR_OTHERS | ICR_STARTUP | TRAMPOLINE_GPA >> 12);
	sync(2);
}

/* E-17: every kind of ICR value, to vCPUs that are there, asleep, absent, and itself. All of it may be ignored. */
GUEST_MAIN(icr_matrix)
{
	static const uint8_t dests[] = { 0, 1, 2, 7, 0x40, 0xfe, 0xff };

	handler_set(VECTOR, ipi_handler);
	handler_set(VEC_NMI, nmi_handler);
	apic_enable();
	sync(1);
	for (uint32_t low = 0; low < 1u << 9; low++) {
		uint32_t mode = low & 7, logical = low >> 3 & 1, assert = low >> 4 & 1, level = low >> 5 & 1, shorthand = low >> 6 & 3;
		uint32_t vector = low >> 8 ? 3 : VECTOR;

		for (unsigned int d = 0; d < sizeof(dests); d++) {
			value(dests[d] | (uint64_t)low << 32);
			apic_write(APIC_ICR_HIGH, (uint32_t)dests[d] << 24);
			apic_write(APIC_ICR, mode << 8 | logical << 11 | assert << 14 | level << 15 | shorthand << 18 | vector);
		}
	}
	sync(2);
}

/* --- D-09, D-06: everybody sends to everybody -------------------------------------- */

volatile uint32_t storm_over;

GUEST_MAIN(storm)
{
	uint32_t self = vcpu_self();

	handler_set(VECTOR, ipi_handler);
	apic_enable();
	__atomic_fetch_add(&ap_up, 1, __ATOMIC_SEQ_CST);
	while (ap_up < 4)
		pause();
	for (uint32_t i = 0; i < 500; i++) {
		icr((self + 1 + i % 3) % 4, ICR_FIXED | VECTOR);
		/* A redirection entry changed in its trigger mode: TMR of all is rebuilt. */
		mmio_write32(0xfec00000, 0x10 + 2 * self);
		mmio_write32(0xfec00010, 0x10000 | (i & 1) << 15 | (VECTOR + 1));
		sti_cli();
	}
	__atomic_fetch_add(&storm_over, 1, __ATOMIC_SEQ_CST);
	while (storm_over < 4) {
		sti_cli();
	}
}

/* --- one vCPU, wherever its thread is ------------------------------------------------ */

#define MSR_LSTAR	0xc0000082u
#define MSR_KERNEL_GS_BASE 0xc0000102u

/* Round by round other values in what an entry, a load or nothing but the first load on a CPU brings along. */
GUEST_MAIN(moved)
{
	uint64_t xmm = 0;

	for (uint32_t i = 0; i < MOVES; i++) {
		uint64_t val = 0x0123456789abull ^ (uint64_t)i << 12;

		wrmsr(MSR_KERNEL_GS_BASE, val);
		if (i % 16 == 0)
			wrmsr(MSR_LSTAR, val);
		write_cr2(val);
		asm volatile("movq %0, %%xmm7" : : "r"(val));
		sync(i);
		asm volatile("movq %%xmm7, %0" : "=r"(xmm));
		CHECK_EQ(xmm, val);
		CHECK_EQ(read_cr2(), val);
		CHECK_EQ(rdmsr(MSR_KERNEL_GS_BASE), val);
		CHECK_EQ(rdmsr(MSR_LSTAR), 0x0123456789abull ^ (uint64_t)(i & ~15u) << 12);
	}
}

#else

static bool waiting_in_debug(struct runner *r)
{
	return !__atomic_load_n(&r->done, __ATOMIC_ACQUIRE);
}

/* What a monitor does for a STARTUP: the state after INIT, CS and IP by the vector. */
static void ap_start(struct machine *m, int id, uint64_t rip)
{
	OK(vcpu_reset(m->vcpu[id]));
	OK(vm_set_desc(m->vcpu[id], VM_REG_GUEST_CS, rip, 0xffff, 0x9b));
	reg_set(m, id, VM_REG_GUEST_CS, rip >> 4);
	reg_set(m, id, VM_REG_GUEST_RIP, 0);
}

static void aps_stop(struct machine *m, struct runner *aps)
{
	OK(vm_suspend(m->ctx, VM_SUSPEND_POWEROFF));
	EXPECT_EQ(EXPECT_EXIT(m, 0, VM_EXITCODE_SUSPENDED).u.suspended.how, VM_SUSPEND_POWEROFF);
	for (int id = 1; id <= AP_COUNT; id++) {
		runner_join(&aps[id], 5);
		EXPECT_EQ(aps[id].error, 0);
		EXPECT_EQ(aps[id].exit.exitcode, VM_EXITCODE_SUSPENDED);
		EXPECT_EQ(aps[id].exit.u.suspended.how, VM_SUSPEND_POWEROFF);
	}
}

static void expect_targets(const struct machine *m, unsigned int from, unsigned int to)
{
	for (unsigned int id = 0; id < VM_MAXCPU; id++)
		if ((CPU_ISSET(id, &m->ipi_targets) != 0) != (id >= from && id <= to))
			FAIL("vCPU %u is %s the targets", id, CPU_ISSET(id, &m->ipi_targets) ? "among" : "not among");
}

/* With IPI_EXIT: INIT and STARTUP leave as exits, with the targets. APs wait in the debug set. */
TEST_TIMED(smp_start_ipi_exit, 60)
{
	struct machine *m = machine_create(1 + AP_COUNT);
	struct runner aps[1 + AP_COUNT];
	struct vm_exit exit;

	ap_prepare(m, TRAMPOLINE_GPA, "ap_serve");
	for (int id = 0; id <= AP_COUNT; id++)
		OK(vm_set_capability(m->vcpu[id], VM_CAP_IPI_EXIT, 1));
	for (int id = 1; id <= AP_COUNT; id++) {
		OK(vm_suspend_cpu(m->vcpu[id]));
		runner_start(&aps[id], m, id);
	}
	vcpu_start_main(m, 0, "bsp_starts_aps");
	for (unsigned int id = 1; id <= AP_COUNT; id++) {
		exit = EXPECT_EXIT(m, 0, VM_EXITCODE_IPI);
		EXPECT_EQ(exit.u.ipi.mode, APIC_DELMODE_INIT);
		expect_targets(m, id, id);
		exit = EXPECT_EXIT(m, 0, VM_EXITCODE_IPI);
		EXPECT_EQ(exit.u.ipi.mode, APIC_DELMODE_STARTUP);
		EXPECT_EQ(exit.u.ipi.vector, TRAMPOLINE_GPA >> 12);
		expect_targets(m, id, id);
		EXPECT(waiting_in_debug(&aps[id]));
		ap_start(m, (int)id, TRAMPOLINE_GPA);
		OK(vm_resume_cpu(m->vcpu[id]));
	}
	EXPECT_SYNC(m, 0, 1);
	EXPECT_SYNC(m, 0, 2);
	aps_stop(m, aps);
}

TEST_TIMED(smp_start_all_ipi_exit, 60)
{
	struct machine *m = machine_create(1 + AP_COUNT);
	struct vm_exit exit;

	OK(vm_set_capability(m->vcpu[0], VM_CAP_IPI_EXIT, 1));
	for (int id = 1; id <= AP_COUNT; id++)
		OK(vm_suspend_cpu(m->vcpu[id]));
	vcpu_start_main(m, 0, "bsp_starts_all");
	exit = EXPECT_EXIT(m, 0, VM_EXITCODE_IPI);
	EXPECT_EQ(exit.u.ipi.mode, APIC_DELMODE_INIT);
	expect_targets(m, 1, AP_COUNT);
	EXPECT_SYNC(m, 0, 1);
	exit = EXPECT_EXIT(m, 0, VM_EXITCODE_IPI);
	EXPECT_EQ(exit.u.ipi.mode, APIC_DELMODE_STARTUP);
	expect_targets(m, 1, AP_COUNT);
	EXPECT_SYNC(m, 0, 2);
}

/* Without it: a SPINUP_AP exit for each STARTUP, of a vCPU that need not be active yet. */
TEST_TIMED(smp_start_spinup_ap, 60)
{
	struct machine *m = machine_create(1);
	struct runner aps[1 + AP_COUNT];
	struct vm_exit exit;
	int id;

	ap_prepare(m, TRAMPOLINE_GPA, "ap_serve");
	vcpu_start_main(m, 0, "bsp_starts_aps");
	for (id = 1; id <= AP_COUNT; id++) {
		exit = EXPECT_EXIT(m, 0, VM_EXITCODE_SPINUP_AP);
		EXPECT_EQ(exit.u.spinup_ap.vcpu, id);
		EXPECT_EQ(exit.u.spinup_ap.rip, TRAMPOLINE_GPA);
		m->vcpu[id] = vm_vcpu_open(m->ctx, id);
		OK(vm_activate_cpu(m->vcpu[id]));
		OK(vm_set_capability(m->vcpu[id], VM_CAP_HALT_EXIT, 1));
		OK(vm_set_capability(m->vcpu[id], VM_CAP_UNRESTRICTED_GUEST, 1));
		ap_start(m, id, TRAMPOLINE_GPA);
		runner_start(&aps[id], m, id);
	}
	m->vcpus = 1 + AP_COUNT;
	EXPECT_SYNC(m, 0, 1);
	EXPECT_SYNC(m, 0, 2);
	aps_stop(m, aps);
}

/* E-17: the whole matrix, whatever comes of it: no error of VM_RUN but the one of the odd modes, and the machine still works. */
TEST_TIMED(e17_icr_matrix, 60)
{
	struct machine *m = machine_create(2);
	struct vm_exit exit;
	bool over = false;
	uint64_t rip;
	int error;

	for (int ipi_exit = 0; ipi_exit < 2; ipi_exit++, over = false) {
		OK(vm_set_capability(m->vcpu[0], VM_CAP_IPI_EXIT, ipi_exit));
		vcpu_start_main(m, 0, "icr_matrix");
		EXPECT_SYNC(m, 0, 1);
		while (!over) {
			error = vcpu_run_once(m, 0, &exit);
			if (error == EPERM) {
				/* Lowest priority, SMI, remote read: user space may go on behind the write. */
				rip = reg_get(m, 0, VM_REG_GUEST_RIP);
				EXPECT(rip >= IMAGE_GPA && rip < MEMORY_BYTES);
				continue;
			}
			if (error != 0)
				FAIL("VM_RUN: %s", strerror(error));
			switch (exit.exitcode) {
			case VM_EXITCODE_INOUT:
				over = exit.u.inout.port == PORT_SYNC;
				EXPECT(exit.u.inout.port != PORT_RESULT);
				break;
			case VM_EXITCODE_IPI:
				EXPECT_EQ(ipi_exit, 1);
				EXPECT(CPU_COUNT(&m->ipi_targets) > 0);
				break;
			case VM_EXITCODE_SPINUP_AP:
				EXPECT_EQ(ipi_exit, 0);
				break;
			case VM_EXITCODE_BOGUS:
			case VM_EXITCODE_REQIDLE:
				break;
			default:
				FAIL("exit %s", exit_name(exit.exitcode));
			}
		}
	}
}

/* D-09: vCPUs that send to each other and change the I/O APIC, while the host reads registers and stops all of them. */
TEST_TIMED(d09_rendezvous_storm, 120)
{
	struct machine *m = machine_create(4);
	struct runner runners[4];
	bool all_done = false;
	uint64_t rounds = 0;

	for (int id = 0; id < 4; id++)
		vcpu_start_main(m, id, "storm");
	for (int id = 0; id < 4; id++)
		runner_start(&runners[id], m, id);
	while (!all_done) {
		uint64_t start = now_ns();

		for (int id = 0; id < 4; id++)
			reg_get(m, id, VM_REG_GUEST_RIP);
		/* Freezes all. */
		OK(vm_mmap_memseg(m->ctx, 0x40000000, VM_SYSMEM, 0, 0x1000, VM_PROT_READ));
		OK(vm_munmap_memseg(m->ctx, 0x40000000, 0x1000));
		if (now_ns() - start > 3000000000ull)
			FAIL("round %lu took %.1f s", (unsigned long)rounds, (double)(now_ns() - start) / 1e9);
		rounds++;
		all_done = true;
		for (int id = 0; id < 4; id++)
			all_done &= __atomic_load_n(&runners[id].done, __ATOMIC_ACQUIRE) != 0;
	}
	for (int id = 0; id < 4; id++) {
		runner_join(&runners[id], 1);
		EXPECT_EQ(runners[id].error, 0);
		if (runners[id].exit.exitcode == VM_EXITCODE_SUSPENDED)
			FAIL("vCPU %d: suspended, how %d, RIP 0x%lx", id, runners[id].exit.u.suspended.how,
			     (unsigned long)runners[id].exit.rip);
		EXPECT_EQ(runners[id].exit.exitcode, VM_EXITCODE_INOUT);
		EXPECT_EQ(runners[id].exit.u.inout.port, PORT_RESULT);
	}
}

/* The thread goes to the next CPU at each exit. */
TEST_TIMED(smp_moved_at_each_exit, 300)
{
	int cpus = (int)sysconf(_SC_NPROCESSORS_ONLN);
	struct machine *m = machine_create(1);
	uint64_t moves;

	if (cpus < 2)
		test_skip("one CPU");
	vcpu_start_main(m, 0, "moved");
	for (uint32_t i = 0; i < MOVES; i++) {
		test_step("exit %u", i);
		pin_to_cpu((int)i % cpus);
		EXPECT_SYNC(m, 0, i);
	}
	EXPECT_PASS(m, 0);
	moves = stat_get(m, 0, "vcpu migration across host cpus");
	if (moves < MOVES - 1)
		FAIL("%lu moves", (unsigned long)moves);
}

#endif
