// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * count-guest NAME [CPUS]: a machine whose vCPUs each count in memory, vCPU i in the 32-bit word at gpa 0x2000 + 4 * i, and do nothing else. Prints
 * "running" once they do. Ends with 0 when the machine is suspended or destroyed, with 1 and a line on stderr for anything that such a guest cannot do.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <vmmapi.h>

#define MEMORY		(2UL << 20)
#define CODE_GPA	0x1000
#define COUNTERS_GPA	0x2000
#define CPUS_MAX	16

/* Real mode: inc dword [bx]; jmp back. */
static const unsigned char code[] = { 0x66, 0xff, 0x07, 0xeb, 0xfb };

static void __attribute__((noreturn)) die(const char *what)
{
	fprintf(stderr, "count-guest: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void vcpu_set_up(struct vcpu *vcpu)
{
	if (vcpu_reset(vcpu) != 0 || vm_set_register(vcpu, VM_REG_GUEST_RIP, CODE_GPA) != 0 ||
	    vm_set_register(vcpu, VM_REG_GUEST_CS, 0) != 0 || vm_set_desc(vcpu, VM_REG_GUEST_CS, 0, 0xffff, 0x9b) != 0 ||
	    vm_set_register(vcpu, VM_REG_GUEST_RBX, COUNTERS_GPA + 4 * (uint64_t)vcpu_id(vcpu)) != 0)
		die("registers");
	/* Always on where there is no such capability. */
	(void)vm_set_capability(vcpu, VM_CAP_UNRESTRICTED_GUEST, 1);
	if (vm_activate_cpu(vcpu) != 0)
		die("activating");
}

static void *vcpu_thread(void *arg)
{
	struct vcpu *vcpu = arg;
	struct vm_exit exit_record;
	cpuset_t cpus;
	struct vm_run run = { .vm_exit = &exit_record, .cpuset = &cpus, .cpusetsize = sizeof(cpus) };

	for (;;) {
		if (vm_run(vcpu, &run) != 0) {
			if (errno == ENXIO)
				return NULL;
			die("VM_RUN");
		}
		switch (exit_record.exitcode) {
		case VM_EXITCODE_BOGUS:
		case VM_EXITCODE_REQIDLE:
			break;
		case VM_EXITCODE_DEBUG:
			usleep(1000);
			break;
		case VM_EXITCODE_SUSPENDED:
			return NULL;
		default:
			fprintf(stderr, "count-guest: vCPU %d left with exit code %d at rip %#lx\n", vcpu_id(vcpu), (int)exit_record.exitcode,
				(unsigned long)exit_record.rip);
			exit(1);
		}
	}
}

int main(int argc, char **argv)
{
	int cpus = argc > 2 ? atoi(argv[2]) : 1;
	pthread_t threads[CPUS_MAX];
	struct vmctx *ctx;

	if (argc < 2 || cpus < 1 || cpus > CPUS_MAX) {
		fprintf(stderr, "usage: count-guest NAME [CPUS]\n");
		return 1;
	}
	if (vm_create(argv[1]) != 0)
		die("creating");
	ctx = vm_open(argv[1]);
	if (ctx == NULL || vm_setup_memory(ctx, MEMORY, VM_MMAP_ALL) != 0)
		die("memory");
	memcpy(vm_map_gpa(ctx, CODE_GPA, sizeof(code)), code, sizeof(code));
	for (int i = 0; i < cpus; i++) {
		struct vcpu *vcpu = vm_vcpu_open(ctx, i);

		vcpu_set_up(vcpu);
		if (pthread_create(&threads[i], NULL, vcpu_thread, vcpu) != 0)
			die("thread");
	}
	puts("running");
	fflush(stdout);
	for (int i = 0; i < cpus; i++)
		pthread_join(threads[i], NULL);
	return 0;
}
