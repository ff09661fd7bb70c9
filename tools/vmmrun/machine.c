// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <vmlapi.h>

#include "bootstate.h"
#include "complain.h"
#include "console.h"
#include "cpu.h"
#include "dump.h"
#include "kernel.h"
#include "machine.h"

/* vCPU threads get this long to notice the end. The kernel promises a second. */
#define JOIN_STEP_NS	(50 * 1000 * 1000L)
#define JOIN_STEPS	60

/* And this long to park. */
#define PAUSE_STEP_NS	(20 * 1000 * 1000L)
#define PAUSE_STEPS	250

/* Why there is no machine, in the user's terms. */
static int create_complain(const char *name)
{
	switch (errno) {
	case ENOENT:
	case ENODEV:
		return complain("vmm.ko is not loaded: there is no "
				"/dev/vmmctl. Try \"modprobe vmm\", or \"insmod vmm.ko\"");
	case EACCES:
	case EPERM:
		return complain(
			"/dev/vmmctl: permission denied. Add yourself to the group vmm (\"usermod -aG vmm USER\", then log in again), or be root");
	case EEXIST:
		return complain(
			"there is a machine called %s already. Destroy it with \"vmmctl --vm=%s --destroy\", or take another name",
			name, name);
	case ENXIO:
		return complain(
			"this computer has no VT-x or AMD-V to use. \"dmesg | grep vmm:\" tells why: often it is switched off in the firmware");
	case EBUSY:
		return complain(
			"VT-x or AMD-V is in use by another hypervisor. \"dmesg | grep vmm:\" tells which; for KVM, try \"modprobe -r kvm_intel kvm_amd\"");
	case ENOMEM:
		return complain(
			"out of memory, or of machines: \"sysctl hw.vmm.maxvmms\" tells how many a user may have");
	default:
		return complain(
			"creating the machine %s failed: %s. \"dmesg | grep vmm:\" may tell more",
			name, strerror(errno));
	}
}

static int memory_create(struct machine *machine)
{
	size_t size = machine->options->memory;

	vm_set_lowmem_limit(machine->ctx, LOWMEM_MAX);
	if (vm_setup_memory(machine->ctx, size, VM_MMAP_ALL) != 0)
		return complain("%zu MiB of memory cannot be had: %s. Try less with -m", size >> 20,
				strerror(errno));
	vm_get_guestmem_from_ctx(machine->ctx, &machine->memory.base, &machine->memory.lowmem,
				 &machine->memory.highmem);
	return 0;
}

static int topology_set(struct machine *machine)
{
	uint16_t sockets, cores, threads, maxcpus;

	if (vm_get_topology(machine->ctx, &sockets, &cores, &threads, &maxcpus) == 0 &&
	    machine->options->cpus > maxcpus)
		return complain(
			"%d processors are more than a machine may have here: give at most -c %u, or load the module with a greater maxcpu",
			machine->options->cpus, maxcpus);
	if (vm_set_topology(machine->ctx, 1, (uint16_t)machine->options->cpus, 1, 0) != 0)
		return complain("setting the processor topology failed: %s", strerror(errno));
	return 0;
}

/* A guest that was saved relies on what it had; a new one takes what there is. */
static int features_set(struct machine *machine)
{
	const struct options *options = machine->options;
	struct vml_info info;

	machine->features = options->features;
	if (machine->features == 0)
		return 0;
	if (vml_info(machine->ctx, &info) != 0) {
		if (errno != ENOTTY)
			return complain("asking what the module can do failed: %s", strerror(errno));
		info.features = 0;
	}
	if (options->restore == NULL)
		machine->features &= info.features;
	else if (machine->features & ~info.features)
		return complain(
			"%s: not restored: the guest uses the host's TSC as its clock, and the one of this host is not the same on all processors, or not constant",
			options->restore);
	if (machine->features != 0 && vml_set_features(machine->ctx, machine->features) != 0)
		return complain("switching features on failed: %s", strerror(errno));
	return 0;
}

static int cpus_create(struct machine *machine)
{
	machine->cpus = calloc((size_t)machine->options->cpus, sizeof(machine->cpus[0]));
	if (machine->cpus == NULL)
		return complain("out of memory");
	for (int id = 0; id < machine->options->cpus; id++)
		if (cpu_create(&machine->cpus[id], machine, id) != 0)
			return -1;
	return 0;
}

int machine_create(struct machine *machine, const struct options *options)
{
	int flags = VMMAPI_OPEN_CREATE;

	memset(machine, 0, sizeof(*machine));
	machine->options = options;
	machine->end = MACHINE_RUNNING;
	pthread_mutex_init(&machine->lock, NULL);
	pthread_cond_init(&machine->pause_change, NULL);
	machine->end_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (machine->end_fd < 0)
		return complain("no event descriptor to be had: %s", strerror(errno));
	if (!options->keep)
		flags |= VMMAPI_OPEN_CREATE_DESTROY_ON_CLOSE;
	machine->ctx = vm_openf(options->name, flags);
	if (machine->ctx == NULL)
		return create_complain(options->name);
	if (topology_set(machine) != 0 || features_set(machine) != 0 || memory_create(machine) != 0)
		return -1;
	return cpus_create(machine);
}

static const char *how_text(enum vm_suspend_how how)
{
	switch (how) {
	case VM_SUSPEND_RESET:
		return "the guest asked for a reset";
	case VM_SUSPEND_POWEROFF:
		return "the guest switched itself off";
	case VM_SUSPEND_HALT:
		return "all processors halted with interrupts off";
	case VM_SUSPEND_TRIPLEFAULT:
		return "triple fault";
	default:
		return "the machine was destroyed";
	}
}

static enum machine_end how_end(enum vm_suspend_how how)
{
	switch (how) {
	case VM_SUSPEND_RESET:
		return MACHINE_RESET;
	case VM_SUSPEND_POWEROFF:
		return MACHINE_POWEROFF;
	case VM_SUSPEND_HALT:
		return MACHINE_HALT;
	case VM_SUSPEND_TRIPLEFAULT:
		return MACHINE_TRIPLEFAULT;
	default:
		return MACHINE_ERROR;
	}
}

static bool end_set(struct machine *machine, enum machine_end end, const char *text)
{
	uint64_t one = 1;
	bool first;

	pthread_mutex_lock(&machine->lock);
	first = machine->end == MACHINE_RUNNING;
	if (first) {
		machine->end = end;
		machine->end_text = text;
		pthread_cond_broadcast(&machine->pause_change);
	}
	pthread_mutex_unlock(&machine->lock);
	if (first && write(machine->end_fd, &one, sizeof(one)) < 0)
		complain("waking the main thread failed: %s", strerror(errno));
	return first;
}

void machine_suspended(struct machine *machine, enum vm_suspend_how how)
{
	end_set(machine, how_end(how), how_text(how));
}

void machine_stop(struct machine *machine, enum machine_end end, const char *text)
{
	if (end_set(machine, end, text))
		(void)vm_suspend(machine->ctx, VM_SUSPEND_POWEROFF);
}

bool machine_ending(struct machine *machine)
{
	bool ending;

	pthread_mutex_lock(&machine->lock);
	ending = machine->end != MACHINE_RUNNING;
	pthread_mutex_unlock(&machine->lock);
	return ending;
}

void machine_pause_attend(struct machine *machine)
{
	pthread_mutex_lock(&machine->lock);
	if (machine->pausing) {
		machine->parked++;
		pthread_cond_broadcast(&machine->pause_change);
		while (machine->pausing && machine->end == MACHINE_RUNNING)
			pthread_cond_wait(&machine->pause_change, &machine->lock);
		machine->parked--;
	}
	pthread_mutex_unlock(&machine->lock);
}

static void deadline_set(struct timespec *until, long ns)
{
	clock_gettime(CLOCK_REALTIME, until);
	until->tv_nsec += ns;
	if (until->tv_nsec >= 1000000000) {
		until->tv_nsec -= 1000000000;
		until->tv_sec++;
	}
}

/* Waits a step for all threads to park. */
static bool pause_step(struct machine *machine)
{
	struct timespec until;
	bool all;

	deadline_set(&until, PAUSE_STEP_NS);
	pthread_mutex_lock(&machine->lock);
	while (machine->parked < machine->options->cpus && machine->end == MACHINE_RUNNING)
		if (pthread_cond_timedwait(&machine->pause_change, &machine->lock, &until) != 0)
			break;
	all = machine->parked == machine->options->cpus;
	pthread_mutex_unlock(&machine->lock);
	return all;
}

/*
 * The debug set gets them out of VM_RUN. Over and over: a vCPU may be started, and leave the set,
 * while another still handles the IPI for it.
 */
int machine_pause(struct machine *machine)
{
	bool all = false;

	pthread_mutex_lock(&machine->lock);
	machine->pausing = true;
	pthread_mutex_unlock(&machine->lock);
	for (int step = 0; step < PAUSE_STEPS && !all && !machine_ending(machine); step++) {
		(void)vm_suspend_all_cpus(machine->ctx);
		all = pause_step(machine);
	}
	if (all && !machine_ending(machine))
		return 0;
	if (!machine_ending(machine))
		complain("%s: a processor does not stop: is its output waiting for a reader?",
			 machine->options->name);
	machine_unpause(machine);
	return -1;
}

void machine_unpause(struct machine *machine)
{
	for (int id = 0; id < machine->options->cpus; id++)
		if (!machine->cpus[id].waiting)
			(void)vm_resume_cpu(machine->cpus[id].vcpu);
	pthread_mutex_lock(&machine->lock);
	machine->pausing = false;
	pthread_cond_broadcast(&machine->pause_change);
	pthread_mutex_unlock(&machine->lock);
}

/*
 * One try for every thread, of JOIN_STEP_NS in all. Signals interrupt those that wait for a full
 * pipe or terminal. Returns how many are left.
 */
static int cpus_join_step(struct machine *machine)
{
	struct timespec until;
	int left = 0;

	deadline_set(&until, JOIN_STEP_NS);
	for (int id = 0; id < machine->options->cpus; id++) {
		struct cpu *cpu = &machine->cpus[id];

		if (!cpu->has_thread)
			continue;
		if (pthread_timedjoin_np(cpu->thread, NULL, &until) == 0) {
			cpu->has_thread = false;
			continue;
		}
		pthread_kill(cpu->thread, SIGUSR1);
		left++;
	}
	return left;
}

static int cpus_join(struct machine *machine)
{
	int left = 0;

	for (int step = 0; step < JOIN_STEPS; step++) {
		left = cpus_join_step(machine);
		if (left == 0)
			return 0;
	}
	return left;
}

/*
 * Threads that do not come back are forced out of the kernel by the destruction of the machine
 * under them.
 */
static void cpus_force(struct machine *machine)
{
	struct vmctx *second = vm_open(machine->options->name);

	complain("%s: processors do not stop; destroying the machine under them",
		 machine->options->name);
	if (second != NULL)
		vm_destroy(second);
	if (cpus_join(machine) != 0) {
		complain("%s: processors still do not stop. \"dmesg | grep vmm:\" may tell why",
			 machine->options->name);
		console_restore();
		_exit(MACHINE_ERROR);
	}
}

enum machine_end machine_run(struct machine *machine, const struct boot_state *state)
{
	if (state != NULL && bootstate_apply(machine->cpus[0].vcpu, state) != 0) {
		complain("setting the registers for the kernel's entry failed: %s",
			 strerror(errno));
		return MACHINE_ERROR;
	}
	for (int id = 0; id < machine->options->cpus; id++) {
		if (cpu_start(&machine->cpus[id]) != 0) {
			machine_stop(machine, MACHINE_ERROR, "error");
			break;
		}
	}
	console_attend(machine);
	if (cpus_join(machine) != 0)
		cpus_force(machine);
	if (machine->end == MACHINE_TRIPLEFAULT)
		for (int id = 0; id < machine->options->cpus; id++)
			dump_cpu(&machine->cpus[id]);
	return machine->end;
}

void machine_destroy(struct machine *machine)
{
	for (int id = 0; machine->cpus != NULL && id < machine->options->cpus; id++)
		if (machine->cpus[id].vcpu != NULL)
			vm_vcpu_close(machine->cpus[id].vcpu);
	free(machine->cpus);
	if (machine->ctx != NULL && machine->options->keep)
		vm_close(machine->ctx);
	else if (machine->ctx != NULL)
		vm_destroy(machine->ctx);
	if (machine->end_fd >= 0)
		close(machine->end_fd);
}
