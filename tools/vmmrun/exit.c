// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <errno.h>
#include <sched.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

#include "complain.h"
#include "exit.h"
#include "inout.h"
#include "machine.h"

/*
 * How long a vCPU that waits for its STARTUP IPI stays out of the kernel at a time. A meeting of
 * all vCPUs may have to wait as long.
 */
#define STARTUP_WAIT_NS	(20 * 1000 * 1000)

#define EXCEPTION_BP	3

enum cpu_verdict exit_request_failed(struct cpu *cpu, const char *what)
{
	complain("vCPU %d: %s failed: %s", cpu->id, what, strerror(errno));
	return CPU_DEAD;
}

static enum cpu_verdict handle_inout(struct cpu *cpu, struct vm_exit *exit)
{
	const struct vm_inout *io = &exit->u.inout;
	uint32_t mask = io->bytes == 4 ? 0xffffffff : (1u << (8 * io->bytes)) - 1;
	uint32_t value;

	value = inout_access(io->port, io->in, io->bytes, io->eax & mask);
	if (!io->in)
		return CPU_CONTINUE;
	if (vm_set_register(cpu->vcpu, VM_REG_GUEST_RAX, (io->eax & ~mask) | value) != 0)
		return exit_request_failed(cpu, "writing RAX");
	return CPU_CONTINUE;
}

static enum cpu_verdict handle_nothing(struct cpu *cpu, struct vm_exit *exit)
{
	(void)cpu;
	(void)exit;
	return CPU_CONTINUE;
}

static enum cpu_verdict handle_pause(struct cpu *cpu, struct vm_exit *exit)
{
	(void)cpu;
	(void)exit;
	sched_yield();
	return CPU_CONTINUE;
}

static enum cpu_verdict handle_suspended(struct cpu *cpu, struct vm_exit *exit)
{
	machine_suspended(cpu->machine, exit->u.suspended.how);
	return CPU_GONE;
}

static enum cpu_verdict handle_debug(struct cpu *cpu, struct vm_exit *exit)
{
	struct timespec until;

	(void)exit;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += STARTUP_WAIT_NS;
	if (until.tv_nsec >= 1000000000) {
		until.tv_nsec -= 1000000000;
		until.tv_sec++;
	}
	pthread_cond_timedwait(&cpu->wake, &cpu->lock, &until);
	return CPU_CONTINUE;
}

/* The guest gets its breakpoint: a trap, reported behind the instruction. */
static enum cpu_verdict handle_bpt(struct cpu *cpu, struct vm_exit *exit)
{
	if (vm_set_register(cpu->vcpu, VM_REG_GUEST_ENTRY_INST_LENGTH,
			    (uint64_t)exit->u.bpt.inst_length) != 0)
		return exit_request_failed(cpu, "writing ENTRY_INST_LENGTH");
	if (vm_inject_exception(cpu->vcpu, EXCEPTION_BP, 0, 0, 0) != 0)
		return exit_request_failed(cpu, "injecting #BP");
	return CPU_CONTINUE;
}

static enum cpu_verdict handle_ipi(struct cpu *cpu, struct vm_exit *exit)
{
	struct machine *machine = cpu->machine;

	for (int id = 0; id < machine->options->cpus; id++) {
		if (!CPU_ISSET((size_t)id, &cpu->targets))
			continue;
		if (exit->u.ipi.mode == APIC_DELMODE_INIT)
			cpu_init(&machine->cpus[id]);
		else if (cpu_startup(&machine->cpus[id], (uint64_t)exit->u.ipi.vector << 12) != 0)
			return CPU_DEAD;
	}
	return CPU_CONTINUE;
}

static enum cpu_verdict handle_spinup_ap(struct cpu *cpu, struct vm_exit *exit)
{
	struct machine *machine = cpu->machine;
	int id = exit->u.spinup_ap.vcpu;

	if (id < 0 || id >= machine->options->cpus)
		return CPU_CONTINUE;
	return cpu_startup(&machine->cpus[id], exit->u.spinup_ap.rip) == 0 ? CPU_CONTINUE :
									     CPU_DEAD;
}

static enum cpu_verdict handle_vmx(struct cpu *cpu, struct vm_exit *exit)
{
	if (exit->u.vmx.status != 0)
		complain("vCPU %d: the processor refused to enter the guest: instruction error %d",
			 cpu->id, exit->u.vmx.inst_error);
	else
		complain("vCPU %d: VMX exit nobody handles: reason %u, qualification %#lx", cpu->id,
			 exit->u.vmx.exit_reason, (unsigned long)exit->u.vmx.exit_qualification);
	return CPU_DEAD;
}

static enum cpu_verdict handle_svm(struct cpu *cpu, struct vm_exit *exit)
{
	complain("vCPU %d: SVM exit nobody handles: code %#lx, information %#lx and %#lx", cpu->id,
		 (unsigned long)exit->u.svm.exitcode, (unsigned long)exit->u.svm.exitinfo1,
		 (unsigned long)exit->u.svm.exitinfo2);
	return CPU_DEAD;
}

static enum cpu_verdict handle_unexpected(struct cpu *cpu, struct vm_exit *exit)
{
	complain("vCPU %d: unexpected exit %d (%s)", cpu->id, (int)exit->exitcode,
		 exit_name((int)exit->exitcode));
	return CPU_DEAD;
}

/* Codes without a row are settled in the kernel. */
static const struct exit_handler handlers[VM_EXITCODE_MAX] = {
	[VM_EXITCODE_INOUT] = { handle_inout, false },
	[VM_EXITCODE_VMX] = { handle_vmx, false },
	[VM_EXITCODE_BOGUS] = { handle_nothing, false },
	[VM_EXITCODE_RDMSR] = { msr_read, false },
	[VM_EXITCODE_WRMSR] = { msr_write, false },
	[VM_EXITCODE_MTRAP] = { handle_nothing, false },
	[VM_EXITCODE_PAUSE] = { handle_pause, false },
	[VM_EXITCODE_INST_EMUL] = { mmio_emulate, false },
	[VM_EXITCODE_SPINUP_AP] = { handle_spinup_ap, true },
	[VM_EXITCODE_SUSPENDED] = { handle_suspended, false },
	[VM_EXITCODE_INOUT_STR] = { inout_str_emulate, false },
	[VM_EXITCODE_TASK_SWITCH] = { task_switch_emulate, false },
	[VM_EXITCODE_SVM] = { handle_svm, false },
	[VM_EXITCODE_REQIDLE] = { handle_nothing, false },
	[VM_EXITCODE_DEBUG] = { handle_debug, false },
	[VM_EXITCODE_BPT] = { handle_bpt, false },
	[VM_EXITCODE_IPI] = { handle_ipi, true },
	[VM_EXITCODE_DB] = { handle_nothing, false },
};

static const struct exit_handler unexpected = { handle_unexpected, false };

const struct exit_handler *exit_handler(const struct vm_exit *exit)
{
	if ((unsigned int)exit->exitcode >= VM_EXITCODE_MAX ||
	    handlers[exit->exitcode].handle == NULL)
		return &unexpected;
	return &handlers[exit->exitcode];
}

static const char *const names[] = {
	[VM_EXITCODE_INOUT] = "INOUT",
	[VM_EXITCODE_VMX] = "VMX",
	[VM_EXITCODE_BOGUS] = "BOGUS",
	[VM_EXITCODE_RDMSR] = "RDMSR",
	[VM_EXITCODE_WRMSR] = "WRMSR",
	[VM_EXITCODE_HLT] = "HLT",
	[VM_EXITCODE_MTRAP] = "MTRAP",
	[VM_EXITCODE_PAUSE] = "PAUSE",
	[VM_EXITCODE_PAGING] = "PAGING",
	[VM_EXITCODE_INST_EMUL] = "INST_EMUL",
	[VM_EXITCODE_SPINUP_AP] = "SPINUP_AP",
	[VM_EXITCODE_DEPRECATED1] = "DEPRECATED1",
	[VM_EXITCODE_RENDEZVOUS] = "RENDEZVOUS",
	[VM_EXITCODE_IOAPIC_EOI] = "IOAPIC_EOI",
	[VM_EXITCODE_SUSPENDED] = "SUSPENDED",
	[VM_EXITCODE_INOUT_STR] = "INOUT_STR",
	[VM_EXITCODE_TASK_SWITCH] = "TASK_SWITCH",
	[VM_EXITCODE_MONITOR] = "MONITOR",
	[VM_EXITCODE_MWAIT] = "MWAIT",
	[VM_EXITCODE_SVM] = "SVM",
	[VM_EXITCODE_REQIDLE] = "REQIDLE",
	[VM_EXITCODE_DEBUG] = "DEBUG",
	[VM_EXITCODE_VMINSN] = "VMINSN",
	[VM_EXITCODE_BPT] = "BPT",
	[VM_EXITCODE_IPI] = "IPI",
	[VM_EXITCODE_DB] = "DB",
};

_Static_assert(sizeof(names) / sizeof(names[0]) == VM_EXITCODE_MAX, "an exit code has no name");

const char *exit_name(int exitcode)
{
	return exitcode >= 0 && exitcode < VM_EXITCODE_MAX ? names[exitcode] : "unknown";
}
