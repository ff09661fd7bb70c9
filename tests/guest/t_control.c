// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* What other threads do to a vCPU that runs, sleeps or waits. */
#include "test.h"

/* The bound for everything that has to interrupt a guest. On real hardware it is a tenth; this is for emulated hosts on busy machines. */
#define PROMPT_SECONDS	1.0

#ifdef GUEST

GUEST_MAIN(count_forever)
{
	for (uint64_t i = 0;; i++)
		asm volatile("mov %0, %%rbx" : : "r"(i) : "rbx");
}

GUEST_MAIN(count_out)
{
	for (uint64_t i = 1;; i++)
		out32(0x1234, (uint32_t)i);
}

GUEST_MAIN(reinit_dirty)
{
	apic_enable();
	apic_write(APIC_TPR, 0x20);
	out8(0x43, 0x34);
	out8(0x40, 0);
	out8(0x40, 0x80);
	mmio_write32(0xfec00000, 0x14);
	mmio_write32(0xfec00010, 0x12345);
	mmio_write32(0xfed00010, 1);
	wrmsr(0x277, 0x0606060606060606);
	*(volatile uint64_t *)SCRATCH_GPA = 0x5ca7c4;
	*(volatile uint64_t *)0xc0000000 = 0xdeb1ce;
}

GUEST_MAIN(reinit_clean)
{
	CHECK_EQ(apic_read(APIC_SVR), 0xff);
	CHECK_EQ(apic_read(APIC_TPR), 0);
	mmio_write32(0xfec00000, 0x14);
	CHECK_EQ(mmio_read32(0xfec00010), 0x10000);
	CHECK_EQ(mmio_read32(0xfed00010), 0);
	CHECK_EQ(mmio_read32(0xfed000f0), 0);
	CHECK_EQ(rdmsr(0x277), 0x0007040600070406);
	CHECK_EQ(*(volatile uint64_t *)SCRATCH_GPA, 0x5ca7c4);
}

#else

#include <sys/ioctl.h>
#include <sys/wait.h>

SNIPPET(cli_hlt, 64, "1: cli; hlt; jmp 1b");
SNIPPET(sti_hlt, 64, "1: sti; hlt; jmp 1b");
SNIPPET(pause_loop, 64, "1: pause; jmp 1b");
SNIPPET(self_loop, 64, "1: jmp 1b");
SNIPPET(cli_self_loop, 64, "cli; 1: jmp 1b");
SNIPPET(page_loop, 64, "mov $0xd0000000, %ebx; 1: mov 0xfee00030 - 0xd0000000(%rbx), %eax; jmp 1b");
SNIPPET(rep_loop, 64, "1: mov $0x800000, %edi; mov %edi, %esi; mov $0x100000, %ecx; rep movsb; jmp 1b");

static const struct {
	const char *name;
	const struct snippet *snippet;
} busy_guests[] = {
	{ "cli; hlt", &cli_hlt }, { "sti; hlt", &sti_hlt }, { "pause", &pause_loop }, { "jmp .", &self_loop }, { "cli; jmp .", &cli_self_loop },
	{ "APIC reads", &page_loop }, { "rep movsb", &rep_loop },
};
#define BUSY_GUESTS	(sizeof(busy_guests) / sizeof(busy_guests[0]))

/* A second vCPU, active and never run, keeps HLT with interrupts off from being the end. */
static struct machine *busy_machine(const struct snippet *snippet)
{
	struct machine *m = machine_create(2);

	snippet_start(m, 0, snippet);
	return m;
}

static void expect_prompt(const char *guest, const char *what, uint64_t start)
{
	double seconds = (double)(now_ns() - start) / 1e9;

	if (seconds > PROMPT_SECONDS)
		FAIL("guest \"%s\": %s took %.2f s", guest, what, seconds);
}

/* --- E-15: nothing a guest does keeps its thread from being had -------------------- */

TEST_TIMED(e15_busy_guest_destroy, 60)
{
	for (unsigned int i = 0; i < BUSY_GUESTS; i++) {
		struct machine *m = busy_machine(busy_guests[i].snippet);
		struct machine *other = machine_open_again(m);
		struct runner r;
		uint64_t start;

		runner_start(&r, m, 0);
		usleep(50000);
		EXPECT(!r.done);
		start = now_ns();
		vm_destroy(other->ctx);
		expect_prompt(busy_guests[i].name, "destruction", start);
		runner_join(&r, PROMPT_SECONDS);
		/* The thread was inside, and comes out with a SUSPENDED exit, or finds the machine gone. */
		if (r.error != 0 ? r.error != ENXIO : r.exit.exitcode != VM_EXITCODE_SUSPENDED)
			FAIL("guest \"%s\": error %d, exit %s", busy_guests[i].name, r.error, exit_name(r.exit.exitcode));
		EXPECT(!machine_exists(m->name));
		EXPECT_EQ(vcpu_run_once(m, 0, &r.exit), ENXIO);
	}
}

TEST_TIMED(e15_busy_guest_suspend, 60)
{
	for (unsigned int i = 0; i < BUSY_GUESTS; i++) {
		struct machine *m = busy_machine(busy_guests[i].snippet);
		struct runner r, second;
		uint64_t start;

		snippet_start_at(m, 1, &sti_hlt, 0x9000);
		runner_start(&r, m, 0);
		runner_start(&second, m, 1);
		usleep(50000);
		start = now_ns();
		OK(vm_suspend(m->ctx, VM_SUSPEND_RESET));
		expect_prompt(busy_guests[i].name, "VM_SUSPEND itself", start);
		runner_join(&r, PROMPT_SECONDS);
		runner_join(&second, PROMPT_SECONDS);
		expect_prompt(busy_guests[i].name, "suspending", start);
		EXPECT_EQ(r.error, 0);
		EXPECT_EQ(r.exit.exitcode, VM_EXITCODE_SUSPENDED);
		EXPECT_EQ(r.exit.u.suspended.how, VM_SUSPEND_RESET);
		machine_destroy(m);
	}
}

static volatile int signals_taken, bogus_exits;
static volatile int taken_before_run;		/* signals_taken, as the thread went into VM_RUN */
static volatile int thread_stop, thread_stopped;

static void signal_count(int signo)
{
	__atomic_fetch_add(&signals_taken, 1, __ATOMIC_SEQ_CST);
}

static void *run_once_thread(void *arg)
{
	struct machine *m = arg;
	struct vm_exit exit;
	int error;

	while (!thread_stop) {
		taken_before_run = signals_taken;
		error = vcpu_run_once(m, 0, &exit);
		if (error != 0)
			FAIL("VM_RUN: %s", strerror(error));
		if (exit.exitcode != VM_EXITCODE_BOGUS)
			FAIL("exit %s", exit_name(exit.exitcode));
		EXPECT_EQ(exit.inst_length, 0);
		__atomic_fetch_add(&bogus_exits, 1, __ATOMIC_SEQ_CST);
	}
	thread_stopped = 1;
	return NULL;
}

/* One that arrives between two VM_RUNs has no exit of its own, and does not count. */
static void signal_expect_bogus(const char *guest, pthread_t thread)
{
	int bogus = bogus_exits, taken = signals_taken;
	uint64_t start = now_ns();

	pthread_kill(thread, SIGUSR1);
	while (bogus_exits == bogus) {
		if (now_ns() - start > 3000000000ull)
			FAIL("guest \"%s\": no BOGUS after a signal", guest);
		if (taken_before_run > taken)
			return;
		usleep(200);
	}
	expect_prompt(guest, "BOGUS after a signal", start);
}

/* A signal gives BOGUS, never EINTR, and at once. */
TEST_TIMED(e15_signal_gives_bogus, 60)
{
	struct sigaction action = { .sa_handler = signal_count };
	int first;

	OK(sigaction(SIGUSR1, &action, NULL));
	for (unsigned int i = 0; i < BUSY_GUESTS; i++) {
		struct machine *m = busy_machine(busy_guests[i].snippet);
		pthread_t thread;

		first = bogus_exits;
		thread_stop = thread_stopped = 0;
		EXPECT_EQ(pthread_create(&thread, NULL, run_once_thread, m), 0);
		for (int round = 0; round < 5; round++) {
			usleep(30000);
			signal_expect_bogus(busy_guests[i].name, thread);
		}
		EXPECT(bogus_exits > first);
		for (thread_stop = 1; !thread_stopped; usleep(1000))
			pthread_kill(thread, SIGUSR1);
		pthread_join(thread, NULL);
		machine_destroy(m);
	}
}

/* kill -9 of a process whose vCPUs all run. */
TEST_TIMED(e15_busy_guest_kill, 60)
{
	for (unsigned int i = 0; i < BUSY_GUESTS; i++) {
		pid_t pid = fork();
		uint64_t start;

		if (pid == 0) {
			struct machine *m = machine_create_flags(2, VMMAPI_OPEN_CREATE_DESTROY_ON_CLOSE);
			struct runner r[2];

			for (int id = 0; id < 2; id++) {
				snippet_start_at(m, id, busy_guests[i].snippet, id ? 0x9000 : CODE_GPA);
				runner_start(&r[id], m, id);
			}
			pause();
		}
		usleep(200000);
		start = now_ns();
		kill(pid, SIGKILL);
		EXPECT_WITHIN(5, waitpid(pid, NULL, WNOHANG) == pid);
		expect_prompt(busy_guests[i].name, "death after SIGKILL", start);
	}
}

/* --- states of section 4 ------------------------------------------------------------- */

/* Reading a register of a running vCPU forces it out for a moment: the thread sees REQIDLE, the reader no error. */
TEST(reqidle_register_read)
{
	struct machine *m = machine_create(1);
	struct runner r;
	uint64_t last = 0, val;

	vcpu_start_main(m, 0, "count_forever");
	runner_start(&r, m, 0);
	usleep(20000);
	for (int i = 0; i < 100; i++) {
		val = reg_get(m, 0, VM_REG_GUEST_RBX);
		EXPECT(val >= last);
		last = val;
		if (i % 10 == 0)
			usleep(10000);
	}
	EXPECT(last > 0);
	EXPECT(!r.done);
	/* A set of RIP sends it elsewhere. */
	memcpy(m->mem + CODE_GPA, cli_self_loop.begin, (size_t)(cli_self_loop.end - cli_self_loop.begin));
	reg_set(m, 0, VM_REG_GUEST_RIP, CODE_GPA);
	usleep(10000);
	val = reg_get(m, 0, VM_REG_GUEST_RIP);
	EXPECT(val == CODE_GPA || val == CODE_GPA + 1);
}

/* The same while it sleeps in HLT. */
TEST(reqidle_in_hlt)
{
	struct machine *m = busy_machine(&cli_hlt);
	struct runner r;
	uint64_t start;

	runner_start(&r, m, 0);
	usleep(20000);
	for (int i = 0; i < 20; i++) {
		start = now_ns();
		reg_get(m, 0, VM_REG_GUEST_RIP);
		expect_prompt("cli; hlt", "a register read", start);
	}
	EXPECT(!r.done);
}

struct turn {
	struct machine	*m;
	int		rounds;
	int		inside;		/* threads between two exits, by the guest's count */
	uint32_t	*seen;
	volatile int	failed;
};

#define TURN_THREADS	8
#define TURN_ROUNDS	150

static void *turn_thread(void *arg)
{
	struct turn *turn = arg;
	struct vm_exit exit;
	int left = TURN_ROUNDS, error;

	while (left > 0) {
		error = vcpu_run_once(turn->m, 0, &exit);
		if (error != 0)
			FAIL("VM_RUN beside others: %s", strerror(error));
		if (exit.exitcode == VM_EXITCODE_REQIDLE || exit.exitcode == VM_EXITCODE_BOGUS)
			continue;
		if (exit.exitcode != VM_EXITCODE_INOUT || exit.u.inout.port != 0x1234)
			FAIL("exit %s", exit_name(exit.exitcode));
		EXPECT(exit.u.inout.eax >= 1 && exit.u.inout.eax <= TURN_THREADS * TURN_ROUNDS);
		/* Each number once: two threads inside would have the same one. */
		EXPECT_EQ(__atomic_fetch_add(&turn->seen[exit.u.inout.eax], 1, __ATOMIC_SEQ_CST), 0);
		left--;
	}
	return NULL;
}

/* eight threads run one vCPU. They take turns, and none of them fails. */
TEST_TIMED(a03_threads_on_one_vcpu, 120)
{
	struct turn turn = { .m = machine_create(1) };
	pthread_t threads[TURN_THREADS];

	turn.seen = calloc(TURN_THREADS * TURN_ROUNDS + 1, sizeof(*turn.seen));
	vcpu_start_main(turn.m, 0, "count_out");
	for (int i = 0; i < TURN_THREADS; i++)
		EXPECT_EQ(pthread_create(&threads[i], NULL, turn_thread, &turn), 0);
	for (int i = 0; i < TURN_THREADS; i++)
		pthread_join(threads[i], NULL);
	for (int i = 1; i <= TURN_THREADS * TURN_ROUNDS; i++)
		EXPECT_EQ(turn.seen[i], 1);
}

static void *run_one_exit(void *arg)
{
	struct machine *m = arg;
	struct vm_exit exit;

	do {
		OK(vcpu_run_once(m, 0, &exit));
	} while (exit.exitcode == VM_EXITCODE_BOGUS || exit.exitcode == VM_EXITCODE_REQIDLE);
	EXPECT_EQ(exit.exitcode, VM_EXITCODE_INOUT);
	return (void *)(uintptr_t)exit.u.inout.eax;
}

/* Any thread may run a vCPU, one after the other: its FPU and debug state go with it. */
TEST(run_from_many_threads)
{
	struct machine *m = machine_create(1);
	pthread_t thread;
	void *got;

	vcpu_start_main(m, 0, "count_out");
	for (uintptr_t i = 1; i <= 50; i++) {
		EXPECT_EQ(pthread_create(&thread, NULL, run_one_exit, m), 0);
		pthread_join(thread, &got);
		EXPECT_EQ((uintptr_t)got, i);
	}
}

TEST(run_errors)
{
	struct machine *m = machine_create(1);
	struct vm_exit exit;
	struct vm_run run = { .vm_exit = &exit };
	struct vcpu *vcpu = vm_vcpu_open(m->ctx, 1);

	EXPECT_ERRNO(vm_run(vcpu, &run), EINVAL);			/* not active */
	EXPECT_ERRNO(vm_activate_cpu(m->vcpu[0]), EBUSY);
	vm_vcpu_close(vcpu);
	vcpu = vm_vcpu_open(m->ctx, -1);
	EXPECT_ERRNO(vm_run(vcpu, &run), EINVAL);
	EXPECT_ERRNO(vm_activate_cpu(vcpu), EINVAL);
	vm_vcpu_close(vcpu);
	vcpu = vm_vcpu_open(m->ctx, 0x7fffffff);
	EXPECT_ERRNO(vm_run(vcpu, &run), EINVAL);
	vcpu_start_main(m, 0, "count_out");
	run.vm_exit = (void *)8;
	EXPECT_ERRNO(vm_run(m->vcpu[0], &run), EFAULT);
}

/* --- suspend, halt, reinit: sections 10 and 11 ----------------------------------------- */

TEST(suspend_barrier)
{
	struct machine *m = machine_create(3);
	struct runner r[2];
	struct vm_exit exit;
	cpuset_t set;

	for (int id = 0; id < 3; id++)
		snippet_start_at(m, id, id == 1 ? &cli_hlt : &self_loop, CODE_GPA + (uint64_t)id * 256);
	runner_start(&r[0], m, 0);
	runner_start(&r[1], m, 1);
	EXPECT_ERRNO(vm_suspend(m->ctx, VM_SUSPEND_NONE), EINVAL);
	EXPECT_ERRNO(vm_suspend(m->ctx, (enum vm_suspend_how)99), EINVAL);
	EXPECT_ERRNO(vm_reinit(m->ctx), EBUSY);
	OK(vm_suspend(m->ctx, VM_SUSPEND_POWEROFF));
	EXPECT_ERRNO(vm_suspend(m->ctx, VM_SUSPEND_RESET), EALREADY);
	/* Active vCPU 2 has not come: nobody leaves. */
	usleep(300000);
	EXPECT(!r[0].done && !r[1].done);
	EXPECT_ERRNO(vm_reinit(m->ctx), EBUSY);
	exit = EXPECT_EXIT(m, 2, VM_EXITCODE_SUSPENDED);
	EXPECT_EQ(exit.u.suspended.how, VM_SUSPEND_POWEROFF);
	EXPECT_EQ(exit.inst_length, 0);
	for (int id = 0; id < 2; id++) {
		runner_join(&r[id], PROMPT_SECONDS);
		EXPECT_EQ(r[id].error, 0);
		EXPECT_EQ(r[id].exit.exitcode, VM_EXITCODE_SUSPENDED);
		EXPECT_EQ(r[id].exit.u.suspended.how, VM_SUSPEND_POWEROFF);
	}
	OK(vm_suspended_cpus(m->ctx, &set));
	EXPECT_EQ(CPU_COUNT(&set), 3);
	EXPECT_EQ(vcpu_run_once(m, 1, &exit), EINVAL);
}

/* The barrier does not hold up a signal or a request for the vCPU. */
TEST(suspend_barrier_interrupted)
{
	struct machine *m = machine_create(2);
	struct runner r;
	uint64_t start;

	snippet_start(m, 0, &self_loop);
	runner_start(&r, m, 0);
	OK(vm_suspend(m->ctx, VM_SUSPEND_POWEROFF));
	usleep(50000);
	start = now_ns();
	reg_get(m, 0, VM_REG_GUEST_RIP);
	expect_prompt("in the barrier", "a register read", start);
	start = now_ns();
	vm_destroy(machine_open_again(m)->ctx);
	expect_prompt("in the barrier", "destruction", start);
	runner_join(&r, PROMPT_SECONDS);
}

/* All active vCPUs in HLT with interrupts off: nobody is left. */
TEST(halt_detection)
{
	struct machine *m = machine_create(2);
	struct runner r;
	struct vm_exit exit;

	snippet_start(m, 0, &cli_hlt);
	snippet_start_at(m, 1, &cli_hlt, 0x9000);
	runner_start(&r, m, 0);
	usleep(50000);
	EXPECT(!r.done);
	exit = EXPECT_EXIT(m, 1, VM_EXITCODE_SUSPENDED);
	EXPECT_EQ(exit.u.suspended.how, VM_SUSPEND_HALT);
	runner_join(&r, PROMPT_SECONDS);
	EXPECT_EQ(r.exit.u.suspended.how, VM_SUSPEND_HALT);
}

TEST(debug_set)
{
	struct machine *m = machine_create(2);
	struct runner r;
	struct vm_exit exit;
	cpuset_t set;

	snippet_start(m, 0, &self_loop);
	EXPECT_ERRNO(vm_resume_cpu(m->vcpu[0]), EINVAL);
	OK(vm_suspend_cpu(m->vcpu[0]));
	exit = EXPECT_EXIT(m, 0, VM_EXITCODE_DEBUG);
	EXPECT_EQ(exit.inst_length, 0);
	EXPECT_EQ(exit.rip, CODE_GPA);
	OK(vm_debug_cpus(m->ctx, &set));
	EXPECT_EQ(CPU_COUNT(&set), 1);
	OK(vm_resume_cpu(m->vcpu[0]));
	OK(vm_active_cpus(m->ctx, &set));
	EXPECT_EQ(CPU_COUNT(&set), 2);
	OK(vm_suspended_cpus(m->ctx, &set));
	EXPECT_EQ(CPU_COUNT(&set), 0);

	/* It takes a vCPU out of the guest, and out of HLT. */
	runner_start(&r, m, 0);
	OK(vm_suspend_all_cpus(m->ctx));
	OK(vm_debug_cpus(m->ctx, &set));
	EXPECT_EQ(CPU_COUNT(&set), 2);
	EXPECT_WITHIN(PROMPT_SECONDS, __atomic_load_n(&r.exit.exitcode, __ATOMIC_RELAXED) == VM_EXITCODE_DEBUG);
	OK(vm_resume_all_cpus(m->ctx));
	OK(vm_debug_cpus(m->ctx, &set));
	EXPECT_EQ(CPU_COUNT(&set), 0);
	vm_destroy(machine_open_again(m)->ctx);
	runner_join(&r, PROMPT_SECONDS);
}

TEST(reinit)
{
	struct machine *m = machine_create(1);
	struct vm_exit exit;
	cpuset_t set;
	uint64_t *rom = vm_create_devmem(m->ctx, VM_BOOTROM, "rom", 0x1000);

	EXPECT(rom != (void *)-1);
	OK(vm_mmap_memseg(m->ctx, 0xc0000000, VM_BOOTROM, 0, 0x1000, VM_PROT_ALL));
	OK(vm_set_topology(m->ctx, 1, 2, 1, 0));
	vcpu_start_main(m, 0, "reinit_dirty");
	EXPECT_PASS(m, 0);
	EXPECT_EQ(*rom, 0xdeb1ce);
	EXPECT_ERRNO(vm_reinit(m->ctx), EBUSY);
	OK(vm_inject_exception(m->vcpu[0], 13, 1, 0, 0));
	OK(vm_suspend(m->ctx, VM_SUSPEND_RESET));
	EXPECT_EXIT(m, 0, VM_EXITCODE_SUSPENDED);
	EXPECT_EQ(vcpu_run_once(m, 0, &exit), EINVAL);
	OK(vm_reinit(m->ctx));

	/* No vCPU is active, device memory is out of the guest, memory and topology are as they were. */
	OK(vm_active_cpus(m->ctx, &set));
	EXPECT_EQ(CPU_COUNT(&set), 0);
	OK(vm_suspended_cpus(m->ctx, &set));
	EXPECT_EQ(CPU_COUNT(&set), 0);
	EXPECT_EQ(vcpu_run_once(m, 0, &exit), EINVAL);
	EXPECT_ERRNO(vm_munmap_memseg(m->ctx, 0xc0000000, 0x1000), EINVAL);
	EXPECT_EQ(*rom, 0xdeb1ce);
	OK(vm_activate_cpu(m->vcpu[0]));
	OK(vm_set_capability(m->vcpu[0], VM_CAP_UNRESTRICTED_GUEST, 1));
	vcpu_start_main(m, 0, "reinit_clean");
	EXPECT_PASS(m, 0);
	/* It can be suspended once more. */
	OK(vm_suspend(m->ctx, VM_SUSPEND_HALT));
	EXPECT_EQ(EXPECT_EXIT(m, 0, VM_EXITCODE_SUSPENDED).u.suspended.how, VM_SUSPEND_HALT);
}

/* --- running, destroying and reading at once --------------------------------------- */

#define RACE_ROUNDS	30

struct race {
	struct machine	*m, *other;
	volatile int	stop;
};

static void *race_runner(void *arg)
{
	struct race *race = arg;
	struct vm_exit exit;
	int error;

	while (!race->stop) {
		error = vcpu_run_once(race->m, 0, &exit);
		if (error == ENXIO)
			break;
		/* The machine may be suspended by its destruction when the thread is outside. */
		if (error == EINVAL)
			continue;
		if (error != 0)
			FAIL("VM_RUN: %s", strerror(error));
	}
	return NULL;
}

static bool race_error_legal(int error)
{
	return error == 0 || error == ENXIO || error == EINVAL;
}

static void *race_reader(void *arg)
{
	struct race *race = arg;
	struct vm_stats stats;
	uint64_t val;
	uint8_t byte;
	int fd = vm_get_device_fd(race->other->ctx);

	while (!race->stop) {
		memset(&stats, 0, sizeof(stats));
		stats.cpuid = 1;
		if (ioctl(fd, VM_STATS, &stats) != 0 && !race_error_legal(errno))
			FAIL("VM_STATS: %s", strerror(errno));
		if (vm_get_register(race->other->vcpu[0], VM_REG_GUEST_RIP, &val) != 0 && !race_error_legal(errno))
			FAIL("VM_GET_REGISTER: %s", strerror(errno));
		if (pread(fd, &byte, 1, 0x1000) < 0 && !race_error_legal(errno))
			FAIL("pread: %s", strerror(errno));
		if (vm_suspend_cpu(race->other->vcpu[1]) != 0 && !race_error_legal(errno))
			FAIL("VM_SUSPEND_CPU: %s", strerror(errno));
		(void)vm_resume_cpu(race->other->vcpu[1]);
		if (vm_lapic_irq(race->other->vcpu[1], 0x40) != 0 && !race_error_legal(errno))
			FAIL("VM_LAPIC_IRQ: %s", strerror(errno));
	}
	return NULL;
}

static void *race_destroyer(void *arg)
{
	struct vmctx *ctx = vm_open(((struct race *)arg)->m->name);

	if (ctx != NULL)
		vm_destroy(ctx);
	return NULL;
}

TEST_TIMED(a01_run_destroy_read, 120)
{
	for (int round = 0; round < RACE_ROUNDS; round++) {
		struct race race = { .m = machine_create(2) };
		pthread_t runners[2], readers[2], destroyers[2];
		uint64_t start;

		race.other = machine_open_again(race.m);
		vcpu_start_main(race.m, 0, round & 1 ? "count_out" : "count_forever");
		for (int i = 0; i < 2; i++) {
			EXPECT_EQ(pthread_create(&runners[i], NULL, race_runner, &race), 0);
			EXPECT_EQ(pthread_create(&readers[i], NULL, race_reader, &race), 0);
		}
		usleep((useconds_t)(random() % 30000));
		start = now_ns();
		for (int i = 0; i < 2; i++)
			EXPECT_EQ(pthread_create(&destroyers[i], NULL, race_destroyer, &race), 0);
		for (int i = 0; i < 2; i++)
			pthread_join(destroyers[i], NULL);
		EXPECT(!machine_exists(race.m->name));
		expect_prompt("beside readers", "destruction", start);
		race.stop = 1;
		for (int i = 0; i < 2; i++) {
			pthread_join(runners[i], NULL);
			pthread_join(readers[i], NULL);
		}
		expect_prompt("beside readers", "leaving", start);
		vm_close(race.other->ctx);
		vm_close(race.m->ctx);
	}
}

/* --- the creator dies ------------------------------------------------------------------ */

static void creator(const char *name)
{
	struct machine *m = calloc(1, sizeof(*m));
	struct runner r[2];

	/* machine_create() with a name that the parent knows. */
	strcpy(m->name, name);
	for (;;) {
		m->ctx = vm_openf(name, VMMAPI_OPEN_CREATE | VMMAPI_OPEN_CREATE_DESTROY_ON_CLOSE);
		if (m->ctx == NULL)
			_exit(2);
		if (vm_setup_memory(m->ctx, MEMORY_BYTES, VM_MMAP_ALL) != 0)
			_exit(3);
		m->mem = vm_map_gpa(m->ctx, 0, MEMORY_BYTES);
		m->vcpus = 2;
		for (int id = 0; id < 2; id++) {
			m->vcpu[id] = vm_vcpu_open(m->ctx, id);
			OK(vm_activate_cpu(m->vcpu[id]));
			OK(vm_set_capability(m->vcpu[id], VM_CAP_HALT_EXIT, 1));
			memset(m->mem + PAGE_TABLES_GPA, 0, 0x1000);
			memcpy(m->mem + CODE_GPA, cli_self_loop.begin, (size_t)(cli_self_loop.end - cli_self_loop.begin));
			vcpu_start(m, id, MODE_PROTECTED, CODE_GPA);
		}
		for (int id = 0; id < 2; id++)
			runner_start(&r[id], m, id);
		usleep(20000);
		vm_suspend(m->ctx, VM_SUSPEND_POWEROFF);
		for (int id = 0; id < 2; id++)
			pthread_join(r[id].thread, NULL);
		vm_destroy(m->ctx);
	}
}

static int module_references(void)
{
	FILE *file = fopen("/sys/module/vmm/refcnt", "r");
	int references = -1;

	if (file == NULL)
		return -1;
	if (fscanf(file, "%d", &references) != 1)
		references = -1;
	fclose(file);
	return references;
}

#define KILL_ROUNDS	200

TEST_TIMED(a08_creator_killed, 240)
{
	int references = module_references(), status;
	char name[64];
	pid_t pid;

	if (references < 0)
		test_skip("the module has no reference count");
	for (int round = 0; round < KILL_ROUNDS; round++) {
		machine_name(name, sizeof(name));
		pid = fork();
		if (pid == 0)
			creator(name);
		usleep((useconds_t)(random() % 60000));
		EXPECT_EQ(kill(pid, SIGKILL), 0);
		EXPECT_EQ(waitpid(pid, &status, 0), pid);
		if (!WIFSIGNALED(status))
			FAIL("round %d: the creator ended by itself with %d", round, WEXITSTATUS(status));
		EXPECT_WITHIN(PROMPT_SECONDS, !machine_exists(name));
	}
	EXPECT_WITHIN(PROMPT_SECONDS, module_references() == references);
}

#endif
