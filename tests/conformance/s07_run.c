// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Sections 7 to 9: VM_RUN, its exits, and where the guest resumes. */
#include <sys/ioctl.h>

#include "harness.h"

#define ICR_LOW		0xfee00300u
#define ICR_HIGH	0xfee00310u
#define HOLE_GPA	0xd0000000ull

SNIPPET(out_two, 64, "mov $0x1234, %edx; out %al, (%dx); nop; out %eax, $0xee; hlt");	/* at 5, 1 byte long; at 7, 2 bytes long */

static int run_raw(struct machine *m, cpuset_t *set, size_t size, struct vm_exit *exit)
{
	struct vm_run run = { .cpuid = 0, .cpuset = set, .cpusetsize = size, .vm_exit = exit };

	return ioctl(vm_get_device_fd(m->ctx), VM_RUN, &run);
}

/* vCPU 0 sends INIT to vCPU 1: an IPI exit, with the CPU set. Its APIC may be off for that. */
SNIPPET(send_init, 64, "mov $0xfee00310, %eax; movl $0x01000000, (%rax); mov $0xfee00300, %eax; movl $0x4500, (%rax); out %al, $0x80");

static struct machine *init_sender(void)
{
	struct machine *m = machine_create(2);

	OK(vm_set_capability(m->vcpu[0], VM_CAP_IPI_EXIT, 1));
	snippet_start(m, 0, &send_init);
	return m;
}

static void expect_init(const struct vm_exit *exit)
{
	EXPECT_EQ(exit->exitcode, VM_EXITCODE_IPI);
	EXPECT_EQ(exit->u.ipi.mode, APIC_DELMODE_INIT);
}

static bool host_exit(const struct vm_exit *exit)
{
	return exit->exitcode == VM_EXITCODE_BOGUS || exit->exitcode == VM_EXITCODE_REQIDLE;
}

/* min(size, 128) bytes of the set, and zeros behind those: no more than the caller has. */
TEST(s07_ipi_cpu_set_sizes)
{
	static const size_t sizes[] = { 0, 1, 7, 8, 100, 127, 128, 129, 200, 4096 };

	for (unsigned int i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct machine *m = init_sender();
		uint8_t set[8192];
		struct vm_exit exit;

		memset(set, 0xa5, sizeof(set));
		do
			OK(run_raw(m, (cpuset_t *)set, sizes[i], &exit));
		while (host_exit(&exit));
		expect_init(&exit);
		for (size_t byte = 0; byte < sizeof(set); byte++) {
			uint8_t want = byte >= sizes[i] ? 0xa5 : byte == 0 ? 1 << 1 : 0;

			if (set[byte] != want)
				FAIL("size %zu: byte %zu of the set is %#x, should be %#x", sizes[i], byte, set[byte], want);
		}
		machine_destroy(m);
	}
}

TEST(s07_ipi_cpu_set_fault)
{
	struct machine *m = init_sender();
	struct vm_exit exit = { .exitcode = VM_EXITCODE_BOGUS };
	int error;

	do
		error = run_raw(m, (cpuset_t *)8, sizeof(cpuset_t), &exit) == 0 ? 0 : errno;
	while (error == 0 && host_exit(&exit));
	EXPECT_EQ(error, EFAULT);
}

/* For other exits the buffer is not touched, and need not be there. */
TEST(s07_other_exits_leave_the_cpu_set)
{
	struct machine *m = machine_create(1);
	struct vm_exit exit;
	cpuset_t set, before;

	memset(&set, 0xa5, sizeof(set));
	before = set;
	snippet_start(m, 0, &out_two);
	do
		OK(run_raw(m, &set, sizeof(set), &exit));
	while (host_exit(&exit));
	EXPECT_EQ(exit.exitcode, VM_EXITCODE_INOUT);
	EXPECT(memcmp(&set, &before, sizeof(set)) == 0);
	do
		OK(run_raw(m, (cpuset_t *)8, sizeof(set), &exit));
	while (host_exit(&exit));
	EXPECT_EQ(exit.exitcode, VM_EXITCODE_INOUT);
	EXPECT_EQ(exit.u.inout.port, 0xee);
}

/* The 13 form: the record is in the argument, an IPI's targets are 256 bits at offset 8 of the union. */
TEST(s07_run_13)
{
	struct machine *m = init_sender();
	struct vm_run_13 run;
	struct vm_inout inout;
	const struct vm_exit_ipi_13 *ipi = (const struct vm_exit_ipi_13 *)run.vm_exit.u;

	do {
		memset(&run, 0xa5, sizeof(run));
		run.cpuid = 0;
		OK(ioctl(vm_get_device_fd(m->ctx), VM_RUN_13, &run));
	} while (run.vm_exit.exitcode == VM_EXITCODE_BOGUS || run.vm_exit.exitcode == VM_EXITCODE_REQIDLE);
	EXPECT_EQ(run.vm_exit.exitcode, VM_EXITCODE_IPI);
	EXPECT_EQ(ipi->mode, APIC_DELMODE_INIT);
	EXPECT_EQ(ipi->dmask[0], 2);
	EXPECT_EQ(ipi->dmask[1] | ipi->dmask[2] | ipi->dmask[3], 0);
	EXPECT_EQ((uintptr_t)ipi->dmask - (uintptr_t)run.vm_exit.u, 8);
	do
		OK(ioctl(vm_get_device_fd(m->ctx), VM_RUN_13, &run));
	while (run.vm_exit.exitcode == VM_EXITCODE_BOGUS || run.vm_exit.exitcode == VM_EXITCODE_REQIDLE);
	EXPECT_EQ(run.vm_exit.exitcode, VM_EXITCODE_INOUT);
	memcpy(&inout, run.vm_exit.u, sizeof(inout));
	EXPECT_EQ(inout.port, 0x80);
	EXPECT_EQ(run.vm_exit.inst_length, 2);
}

/* Before each entry, in this order: suspended, idle wanted, the thread has to leave, debug set. */
TEST(s07_suspended_before_debug)
{
	struct machine *m = machine_create(1);

	snippet_start(m, 0, &out_two);
	OK(vm_suspend_cpu(m->vcpu[0]));
	EXPECT_EXIT(m, 0, VM_EXITCODE_DEBUG);
	OK(vm_suspend(m->ctx, VM_SUSPEND_RESET));
	EXPECT_EQ(EXPECT_EXIT(m, 0, VM_EXITCODE_SUSPENDED).u.suspended.how, VM_SUSPEND_RESET);
}

/* A port that a chip in the kernel has, in a width that it refuses. */
SNIPPET(pic_word, 64, "mov $0x20, %edx; out %ax, (%dx); out %al, $0x80");
SNIPPET(pit_long, 64, "in $0x40, %eax; out %al, $0x80");
SNIPPET(pm_byte, 64, "mov $0x408, %edx; in (%dx), %al; out %al, $0x80");
SNIPPET(pm_write, 64, "mov $0x408, %edx; out %eax, (%dx); out %al, $0x80");
SNIPPET(pit_control_read, 64, "in $0x43, %al; out %al, $0x80");

TEST(s07_refused_port_is_eio)
{
	static const struct snippet *const guests[] = { &pic_word, &pit_long, &pm_byte, &pm_write, &pit_control_read };
	struct machine *m = machine_create(1);
	struct vm_exit exit;
	int error;

	for (unsigned int i = 0; i < sizeof(guests) / sizeof(guests[0]); i++) {
		snippet_start(m, 0, guests[i]);
		do
			error = vcpu_run_once(m, 0, &exit);
		while (error == 0 && host_exit(&exit));
		if (error != EIO)
			FAIL("guest %u: %s", i, error ? strerror(error) : exit_name(exit.exitcode));
	}
}

/* --- exits ------------------------------------------------------------------------------- */

SNIPPET(msr_unknown, 64, "mov $0x12345678, %ecx; rdmsr; mov $0x11223344, %eax; mov $0x55667788, %edx; wrmsr; out %al, $0x80");

TEST(s08_msr_exits)
{
	struct machine *m = machine_create(1);
	struct vm_exit exit;

	snippet_start(m, 0, &msr_unknown);
	exit = EXPECT_EXIT(m, 0, VM_EXITCODE_RDMSR);
	EXPECT_EQ(exit.u.msr.code, 0x12345678);
	EXPECT_EQ(exit.rip, CODE_GPA + 5);
	EXPECT_EQ(exit.inst_length, 2);
	exit = EXPECT_EXIT(m, 0, VM_EXITCODE_WRMSR);
	EXPECT_EQ(exit.u.msr.code, 0x12345678);
	EXPECT_EQ(exit.u.msr.wval, 0x5566778811223344);
	EXPECT_EQ(exit.inst_length, 2);
	EXPECT_EXIT(m, 0, VM_EXITCODE_INOUT);
}

/* HLT never comes to user space. What ends the sleep finds the guest behind it. */
SNIPPET(hlt_twice, 64, "cli; hlt; hlt; out %al, $0x80");		/* at 1, and at 2 */

static void *debug_later(void *arg)
{
	struct machine *m = arg;

	usleep(50000);
	OK(vm_suspend_cpu(m->vcpu[0]));
	return NULL;
}

TEST(s08_hlt_stays_in_the_kernel)
{
	struct machine *m = machine_create(2);		/* the second keeps halt detection away */
	struct vm_exit exit;
	pthread_t thread;

	snippet_start(m, 0, &hlt_twice);
	for (unsigned int i = 0; i < 2; i++) {
		EXPECT_EQ(pthread_create(&thread, NULL, debug_later, m), 0);
		exit = EXPECT_EXIT(m, 0, VM_EXITCODE_DEBUG);
		pthread_join(thread, NULL);
		EXPECT_EQ(exit.rip, CODE_GPA + 2 + i);
		OK(vm_resume_cpu(m->vcpu[0]));
	}
	EXPECT_EXIT(m, 0, VM_EXITCODE_INOUT);
}

/* An instruction that the decoder does not know: vie.decoded 0, inst_length 0, and the resume point stays. */
SNIPPET(mmio_unknown, 64, "mov $0xd0000000, %ebx; fildl (%rbx); out %al, $0x80");

TEST(s08_undecoded_access)
{
	struct machine *m = machine_create(1);
	struct vm_exit exit;

	snippet_start(m, 0, &mmio_unknown);
	for (int i = 0; i < 2; i++) {
		exit = EXPECT_EXIT(m, 0, VM_EXITCODE_INST_EMUL);
		EXPECT_EQ(exit.u.inst_emul.vie.decoded, 0);
		EXPECT_EQ(exit.u.inst_emul.gpa, HOLE_GPA);
		EXPECT_EQ(exit.inst_length, 0);
		EXPECT_EQ(exit.rip, CODE_GPA + 5);
	}
	reg_set(m, 0, VM_REG_GUEST_RIP, exit.rip + 2);
	EXPECT_EXIT(m, 0, VM_EXITCODE_INOUT);
}

/* --- where the guest resumes ---------------------------------------------------------------- */

/* The resume point after an exit is behind the instruction, RIP is the instruction; an exit that the thread makes by itself shows the former. */
TEST(s09_thread_exits_show_the_resume_point)
{
	struct machine *m = machine_create(1);
	struct vm_exit exit;

	snippet_start(m, 0, &out_two);
	exit = EXPECT_EXIT(m, 0, VM_EXITCODE_INOUT);
	EXPECT_EQ(exit.rip, CODE_GPA + 5);
	EXPECT_EQ(reg_get(m, 0, VM_REG_GUEST_RIP), CODE_GPA + 5);
	OK(vm_suspend_cpu(m->vcpu[0]));
	exit = EXPECT_EXIT(m, 0, VM_EXITCODE_DEBUG);
	EXPECT_EQ(exit.rip, CODE_GPA + 6);
	EXPECT_EQ(exit.inst_length, 0);
	EXPECT_EQ(reg_get(m, 0, VM_REG_GUEST_RIP), CODE_GPA + 6);
	/* Once more makes no difference. */
	exit = EXPECT_EXIT(m, 0, VM_EXITCODE_DEBUG);
	EXPECT_EQ(exit.rip, CODE_GPA + 6);
	OK(vm_resume_cpu(m->vcpu[0]));
	exit = EXPECT_EXIT(m, 0, VM_EXITCODE_INOUT);
	EXPECT_EQ(exit.u.inout.port, 0xee);
	EXPECT_EQ(exit.rip, CODE_GPA + 7);
	EXPECT_EQ(exit.inst_length, 2);
}

/* A restart after such an exit is a restart from the resume point: nothing is executed twice. */
TEST(s09_restart_behind_a_thread_exit)
{
	struct machine *m = machine_create(1);
	struct vm_exit exit;

	snippet_start(m, 0, &out_two);
	EXPECT_EXIT(m, 0, VM_EXITCODE_INOUT);
	OK(vm_suspend_cpu(m->vcpu[0]));
	EXPECT_EXIT(m, 0, VM_EXITCODE_DEBUG);
	OK(vm_restart_instruction(m->vcpu[0]));
	OK(vm_resume_cpu(m->vcpu[0]));
	exit = EXPECT_EXIT(m, 0, VM_EXITCODE_INOUT);
	EXPECT_EQ(exit.u.inout.port, 0xee);
}

SNIPPET(mmio_store, 64, "mov $0xd0000000, %ebx; mov %eax, 0x10(%rbx); out %al, $0x80");	/* at 5, 3 bytes long */

/* A decoded access has advanced the resume point; a restart brings it again. */
TEST(s09_restart_of_an_emulated_access)
{
	struct machine *m = machine_create(1);
	struct vm_exit exit;

	snippet_start(m, 0, &mmio_store);
	for (int i = 0; i < 3; i++) {
		exit = EXPECT_EXIT(m, 0, VM_EXITCODE_INST_EMUL);
		EXPECT_EQ(exit.rip, CODE_GPA + 5);
		EXPECT_EQ(exit.inst_length, 3);
		EXPECT_EQ(exit.u.inst_emul.vie.decoded, 1);
		OK(vm_restart_instruction(m->vcpu[0]));
	}
	EXPECT_EXIT(m, 0, VM_EXITCODE_INST_EMUL);
	EXPECT_EXIT(m, 0, VM_EXITCODE_INOUT);
}

/* An access that the kernel emulates ends with the guest behind it: the next exit is the next instruction's. */
SNIPPET(apic_then_out, 64, "mov $0xfee00020, %ebx; mov (%rbx), %eax; out %eax, $0x80");

TEST(s09_behind_an_access_of_the_kernel)
{
	struct machine *m = machine_create(1);
	struct vm_exit exit;

	snippet_start(m, 0, &apic_then_out);
	exit = EXPECT_EXIT(m, 0, VM_EXITCODE_INOUT);
	EXPECT_EQ(exit.rip, CODE_GPA + 7);
	EXPECT_EQ(exit.u.inout.eax, 0);
}

/* VM_SET_REGISTER of RIP moves the resume point, and takes the shadow of an STI with it. */
SNIPPET(sti_out, 64, "sti; out %al, $0x80; nop; out %al, $0x81");

TEST(s09_moved_rip_drops_the_shadow)
{
	struct machine *m = machine_create(1);
	struct vm_exit exit;

	snippet_start(m, 0, &sti_out);
	EXPECT_EXIT(m, 0, VM_EXITCODE_INOUT);
	reg_set(m, 0, VM_REG_GUEST_RIP, CODE_GPA + 3);
	EXPECT_EQ(reg_get(m, 0, VM_REG_GUEST_RIP), CODE_GPA + 3);
	EXPECT_EQ(reg_get(m, 0, VM_REG_GUEST_INTR_SHADOW), 0);
	exit = EXPECT_EXIT(m, 0, VM_EXITCODE_INOUT);
	EXPECT_EQ(exit.u.inout.port, 0x81);
}

/* Section 34: what a monitor counts on after any exit. */
TEST(s34_after_any_exit)
{
	static const int registers[] = { VM_REG_GUEST_RAX, VM_REG_GUEST_RDX, VM_REG_GUEST_RIP, VM_REG_GUEST_CR2 };
	static const struct snippet *const guests[] = { &out_two, &mmio_store, &mmio_unknown, &msr_unknown, &send_init };
	struct machine *m = machine_create(2);
	struct vm_exit exit;

	OK(vm_set_capability(m->vcpu[0], VM_CAP_IPI_EXIT, 1));
	for (unsigned int i = 0; i < sizeof(guests) / sizeof(guests[0]); i++) {
		snippet_start(m, 0, guests[i]);
		EXPECT_EQ(vcpu_run(m, 0, &exit), GUEST_EXIT);
		for (unsigned int r = 0; r < 4; r++)
			OK(vm_set_register(m->vcpu[0], registers[r], reg_get(m, 0, registers[r])));
		OK(vm_inject_exception(m->vcpu[0], 13, 1, 0, 1));
		/* For the next round: what was injected is taken back by a reset of the vCPU's machine. */
		machine_destroy(m);
		m = machine_create(2);
		OK(vm_set_capability(m->vcpu[0], VM_CAP_IPI_EXIT, 1));
	}
}
