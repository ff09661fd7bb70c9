// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "complain.h"
#include "cpu.h"
#include "dump.h"
#include "exit.h"
#include "machine.h"

#define REAL_MODE_ACCESS	0x93u
#define REAL_MODE_LIMIT		0xffffu

/* A capability that the processor may lack. */
static int capability_want(struct cpu *cpu, enum vm_cap_type cap)
{
	if (vm_set_capability(cpu->vcpu, cap, 1) == 0 || errno == ENOENT)
		return 0;
	return complain("vCPU %d: setting capability %s failed: %s", cpu->id,
			vm_capability_type2name((int)cap), strerror(errno));
}

static int capabilities_set(struct cpu *cpu)
{
	static const enum vm_cap_type wanted[] = { VM_CAP_HALT_EXIT, VM_CAP_UNRESTRICTED_GUEST,
						   VM_CAP_IPI_EXIT };

	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		if (capability_want(cpu, wanted[i]) != 0)
			return -1;
	(void)vm_set_capability(cpu->vcpu, VM_CAP_ENABLE_INVPCID, 1);
	return 0;
}

int cpu_create(struct cpu *cpu, struct machine *machine, int id)
{
	pthread_condattr_t attr;

	cpu->machine = machine;
	cpu->id = id;
	pthread_mutex_init(&cpu->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&cpu->wake, &attr);
	pthread_condattr_destroy(&attr);
	cpu->vcpu = vm_vcpu_open(machine->ctx, id);
	if (cpu->vcpu == NULL)
		return complain("out of memory");
	if (vm_activate_cpu(cpu->vcpu) != 0)
		return complain("activating vCPU %d failed: %s", id, strerror(errno));
	if (capabilities_set(cpu) != 0)
		return -1;
	if (vm_set_x2apic_state(cpu->vcpu,
				machine->options->x2apic ? X2APIC_ENABLED : X2APIC_DISABLED) != 0)
		return complain("vCPU %d: setting the mode of the local APIC failed: %s", id,
				strerror(errno));
	if (vcpu_reset(cpu->vcpu) != 0)
		return complain("vCPU %d: setting the registers failed: %s", id, strerror(errno));
	cpu->waiting = id != 0;
	if (cpu->waiting && vm_suspend_cpu(cpu->vcpu) != 0)
		return complain("vCPU %d: holding it until its start failed: %s", id,
				strerror(errno));
	return 0;
}

static enum cpu_verdict exit_handle(struct cpu *cpu, unsigned int generation)
{
	const struct exit_handler *handler = exit_handler(&cpu->exit);
	enum cpu_verdict verdict = CPU_CONTINUE;

	if (handler->unlocked)
		return handler->handle(cpu, &cpu->exit);
	pthread_mutex_lock(&cpu->lock);
	if (generation == cpu->generation || cpu->exit.exitcode == VM_EXITCODE_SUSPENDED)
		verdict = handler->handle(cpu, &cpu->exit);
	pthread_mutex_unlock(&cpu->lock);
	return verdict;
}

static unsigned int generation_get(struct cpu *cpu)
{
	unsigned int generation;

	pthread_mutex_lock(&cpu->lock);
	generation = cpu->generation;
	pthread_mutex_unlock(&cpu->lock);
	return generation;
}

/* A dead vCPU still takes part in the stop of all: VM_RUN until it tells of that, or fails. */
static void stop_attend(struct cpu *cpu, struct vm_run *run)
{
	while (vm_run(cpu->vcpu, run) == 0)
		if (cpu->exit.exitcode == VM_EXITCODE_SUSPENDED)
			return;
}

static void run_failed(struct cpu *cpu)
{
	if (machine_ending(cpu->machine))
		return;
	complain("vCPU %d: VM_RUN failed: %s%s", cpu->id, strerror(errno),
		 errno == EIO ? " (\"dmesg | grep vmm:\" may say more)" : "");
	dump_cpu(cpu);
}

static void *cpu_thread(void *arg)
{
	struct cpu *cpu = arg;
	struct vm_run run = { .vm_exit = &cpu->exit,
			      .cpuset = &cpu->targets,
			      .cpusetsize = sizeof(cpu->targets) };
	enum cpu_verdict verdict = CPU_CONTINUE;
	unsigned int generation;

	while (verdict == CPU_CONTINUE) {
		machine_pause_attend(cpu->machine);
		generation = generation_get(cpu);
		if (vm_run(cpu->vcpu, &run) != 0) {
			run_failed(cpu);
			verdict = CPU_DEAD;
			break;
		}
		verdict = exit_handle(cpu, generation);
		if (verdict == CPU_DEAD && !machine_ending(cpu->machine))
			dump_cpu(cpu);
	}
	if (verdict == CPU_DEAD) {
		machine_stop(cpu->machine, MACHINE_ERROR, "error");
		stop_attend(cpu, &run);
	}
	return NULL;
}

int cpu_start(struct cpu *cpu)
{
	int error = pthread_create(&cpu->thread, NULL, cpu_thread, cpu);

	if (error != 0)
		return complain("cannot start a thread for vCPU %d: %s", cpu->id, strerror(error));
	cpu->has_thread = true;
	return 0;
}

void cpu_init(struct cpu *cpu)
{
	pthread_mutex_lock(&cpu->lock);
	cpu->generation++;
	cpu->waiting = true;
	(void)vm_suspend_cpu(cpu->vcpu);
	pthread_mutex_unlock(&cpu->lock);
}

static int startup_registers_set(struct cpu *cpu, uint64_t rip)
{
	if (vcpu_reset(cpu->vcpu) != 0)
		return -1;
	if (vm_set_desc(cpu->vcpu, VM_REG_GUEST_CS, rip & ~0xfffUL, REAL_MODE_LIMIT,
			REAL_MODE_ACCESS) != 0)
		return -1;
	if (vm_set_register(cpu->vcpu, VM_REG_GUEST_CS, rip >> 4 & 0xff00) != 0)
		return -1;
	return vm_set_register(cpu->vcpu, VM_REG_GUEST_RIP, rip & 0xfff);
}

int cpu_startup(struct cpu *cpu, uint64_t rip)
{
	int error;

	pthread_mutex_lock(&cpu->lock);
	cpu->generation++;
	cpu->waiting = false;
	error = startup_registers_set(cpu, rip);
	if (error == 0 && vm_resume_cpu(cpu->vcpu) != 0 && errno != EINVAL)
		error = -1;
	if (error != 0)
		complain("vCPU %d: starting it failed: %s", cpu->id, strerror(errno));
	pthread_cond_signal(&cpu->wake);
	pthread_mutex_unlock(&cpu->lock);
	return error;
}
