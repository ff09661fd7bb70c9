// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Machines in a known state, and all of it that user space can see. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <vmmapi.h>

#include "matrix.h"

#define NEED(condition, what)	do { if (!(condition)) die(s, what); } while (0)

_Noreturn static void die(const struct subject *s, const char *what)
{
	printf("not ok matrix: machine %s: %s: %s\n", s->name, what, strerror(errno));
	fflush(stdout);
	_exit(1);
}

/* ---- making one ---- */

static int run_once(int fd, int id, struct vm_exit *exit)
{
	cpuset_t set;
	struct vm_run run = { .cpuid = id, .cpuset = &set, .cpusetsize = sizeof(set), .vm_exit = exit };

	return ioctl(fd, VM_RUN, &run) == 0 ? 0 : errno;
}

static void *run_thread(void *arg)
{
	struct subject *s = arg;
	struct vm_exit exit;
	int error;

	do
		error = run_once(s->fd, 0, &exit);
	while (error == 0 && (exit.exitcode == VM_EXITCODE_REQIDLE || exit.exitcode == VM_EXITCODE_BOGUS));
	s->ran_out = error ? -error : (int)exit.exitcode + 1;
	return NULL;
}

static void vcpu_prepare(struct subject *s, struct vmctx *ctx, int id)
{
	struct vcpu *vcpu = vm_vcpu_open(ctx, id);

	NEED(vcpu != NULL, "a vCPU's handle");
	NEED(vm_set_capability(vcpu, VM_CAP_UNRESTRICTED_GUEST, 1) == 0, "unrestricted guest");
	NEED(vcpu_reset(vcpu) == 0, "a vCPU's reset");
	NEED(vm_set_desc(vcpu, VM_REG_GUEST_CS, 0, 0xffff, 0x9b) == 0 && vm_set_register(vcpu, VM_REG_GUEST_CS, 0) == 0, "CS");
	NEED(vm_set_register(vcpu, VM_REG_GUEST_RIP, CODE_GPA) == 0, "RIP");
	NEED(id == 2 || vm_activate_cpu(vcpu) == 0, "activating a vCPU");
}

static void memory_prepare(struct subject *s, struct vmctx *ctx)
{
	struct vm_memseg ram = { .segid = 0, .len = SYSMEM_BYTES }, rom = { .segid = 1, .len = DEVMEM_BYTES, .name = "rom" };
	char path[256];

	NEED(ioctl(s->fd, VM_ALLOC_MEMSEG, &ram) == 0 && ioctl(s->fd, VM_ALLOC_MEMSEG, &rom) == 0, "segments");
	NEED(vm_mmap_memseg(ctx, 0, 0, 0, SYSMEM_MAPPED, PROT_READ | PROT_WRITE | PROT_EXEC) == 0, "mapping memory");
	NEED(vm_mmap_memseg(ctx, DEVMEM_GPA, 1, 0, DEVMEM_BYTES, PROT_READ) == 0, "mapping device memory");
	s->mem = mmap(NULL, SYSMEM_MAPPED, PROT_READ | PROT_WRITE, MAP_SHARED, s->fd, 0);
	NEED(s->mem != MAP_FAILED, "mapping it here");
	snprintf(path, sizeof(path), VMM_IO_PREFIX "%s.rom", s->name);
	s->seg_fd = open(path, O_RDWR | O_CLOEXEC);
	NEED(s->seg_fd >= 0, "the segment's node");
	memcpy(s->mem + CODE_GPA, "\xeb\xfe", 2);	/* jmp . */
}

static bool suspended_is(const struct subject *s, uint64_t want)
{
	uint64_t bits[16] = { 0 };
	struct vm_cpuset arg = { .which = VM_SUSPENDED_CPUS, .cpusetsize = sizeof(bits), .cpus = (cpuset_t *)bits };

	return ioctl(s->fd, VM_GET_CPUS, &arg) == 0 && bits[0] == want;
}

static bool suspended_comes_to(const struct subject *s, uint64_t want)
{
	for (int i = 0; i < 3000; i++) {
		if (suspended_is(s, want))
			return true;
		usleep(1000);
	}
	return false;
}

static void threads_start(struct subject *s, struct vmctx *ctx)
{
	struct vm_exit exit;
	pthread_t thread;

	NEED(pthread_create(&thread, NULL, run_thread, s) == 0, "a thread");
	usleep(20000);
	if (s->state == STATE_RUNNING)
		return;
	NEED(vm_suspend(ctx, VM_SUSPEND_POWEROFF) == 0, "suspending it");
	if (s->state == STATE_SUSPENDED) {
		NEED(suspended_comes_to(s, 1), "vCPU 0 does not come to the barrier");
		return;
	}
	while (run_once(s->fd, 1, &exit) == 0 && exit.exitcode != VM_EXITCODE_SUSPENDED)
		;
	pthread_join(thread, NULL);
	NEED(s->ran_out == VM_EXITCODE_SUSPENDED + 1 && exit.exitcode == VM_EXITCODE_SUSPENDED, "both vCPUs suspended");
}

void subject_create(struct subject *s, const char *name, enum state state)
{
	uint16_t sockets, cores, threads, limit;
	struct vmctx *ctx, *other;

	*s = (struct subject){ .name = name, .state = state, .fd = -1, .seg_fd = -1 };
	ctx = vm_openf(name, VMMAPI_OPEN_CREATE);
	NEED(ctx != NULL, "creating it");
	s->fd = vm_get_device_fd(ctx);
	NEED(vm_get_topology(ctx, &sockets, &cores, &threads, &limit) == 0 && limit == VCPU_LIMIT, "hw.vmm.maxcpu has to be 16");
	memory_prepare(s, ctx);
	for (int id = 0; id < 3; id++)
		vcpu_prepare(s, ctx, id);
	if (state == STATE_DESTROYED) {
		other = vm_open(name);
		NEED(other != NULL, "opening it again");
		vm_destroy(other);
	} else if (state != STATE_FRESH) {
		threads_start(s, ctx);
	}
}

bool subject_still(const struct subject *s, char *why, size_t size)
{
	static const uint64_t suspended[STATES] = { 0, 0, 1, 3, 0 };

	if (s->state == STATE_DESTROYED)
		return true;
	if ((s->state == STATE_RUNNING || s->state == STATE_SUSPENDED) && s->ran_out != 0) {
		if (s->ran_out < 0)
			snprintf(why, size, "VM_RUN of vCPU 0 has failed: %s", strerror(-s->ran_out));
		else
			snprintf(why, size, "VM_RUN of vCPU 0 has come back with exit code %d", s->ran_out - 1);
		return false;
	}
	snprintf(why, size, "the suspended set is another one");
	return suspended_comes_to(s, suspended[s->state]);
}

/* ---- what is to be seen ---- */

static void cpus_take(const struct subject *s, int which, uint8_t *set)
{
	struct vm_cpuset arg = { .which = which, .cpusetsize = 128, .cpus = (cpuset_t *)set };

	NEED(ioctl(s->fd, VM_GET_CPUS, &arg) == 0, "VM_GET_CPUS");
}

/* The registers that this processor has. */
static unsigned int registers_known(const struct subject *s, int *numbers)
{
	static unsigned int count;
	static int known[VM_REG_LAST];

	if (count == 0) {
		for (int reg = 0; reg < VM_REG_LAST; reg++) {
			struct vm_register arg = { .cpuid = 1, .regnum = reg };

			if (ioctl(s->fd, VM_GET_REGISTER, &arg) == 0)
				known[count++] = reg;
		}
	}
	memcpy(numbers, known, sizeof(known));
	return count;
}

static void vcpus_take(const struct subject *s, struct light *light, int first)
{
	int numbers[VM_REG_LAST];

	for (int id = first; id < 2; id++) {
		struct vm_register_set set = { .cpuid = id, .count = registers_known(s, numbers), .regnums = numbers, .regvals = light->regs[id] };
		struct vm_intinfo info = { .vcpuid = id };
		struct vm_x2apic x2apic = { .cpuid = id };

		NEED(ioctl(s->fd, VM_GET_REGISTER_SET, &set) == 0, "VM_GET_REGISTER_SET");
		NEED(ioctl(s->fd, VM_GET_INTINFO, &info) == 0, "VM_GET_INTINFO");
		NEED(ioctl(s->fd, VM_GET_X2APIC_STATE, &x2apic) == 0, "VM_GET_X2APIC_STATE");
		light->intinfo[id][0] = info.info1;
		light->intinfo[id][1] = info.info2;
		light->x2apic[id] = x2apic.state;
	}
}

void light_take(const struct subject *s, struct light *light)
{
	memset(light, 0, sizeof(*light));
	if (s->state == STATE_DESTROYED)
		return;
	/* To look at a vCPU that runs is to stop it. */
	vcpus_take(s, light, s->state == STATE_RUNNING || s->state == STATE_SUSPENDED ? 1 : 0);
	cpus_take(s, VM_ACTIVE_CPUS, light->active);
	cpus_take(s, VM_DEBUG_CPUS, light->debug);
	NEED(ioctl(s->fd, VM_GET_TOPOLOGY, &light->topology) == 0, "VM_GET_TOPOLOGY");
}

static uint32_t device_read(const struct subject *s, int id, uint64_t gpa)
{
	struct vm_readwrite_kernemu_device arg = { .vcpuid = id, .access_width = 2, .gpa = gpa };

	NEED(ioctl(s->fd, VM_GET_KERNEMU_DEV, &arg) == 0, "VM_GET_KERNEMU_DEV");
	return (uint32_t)arg.value;
}

static void devices_take(const struct subject *s, struct full *full)
{
	struct vm_readwrite_kernemu_device select = { .vcpuid = 1, .access_width = 2, .gpa = 0xfec00000 };

	for (unsigned int i = 0; i < 0x10 + 2 * 32; i++) {
		select.value = i;
		NEED(ioctl(s->fd, VM_SET_KERNEMU_DEV, &select) == 0, "VM_SET_KERNEMU_DEV");
		full->ioapic[i] = device_read(s, 1, 0xfec00010);
	}
	for (unsigned int i = 0; i < 0x200 / 4; i++)
		full->hpet[i] = device_read(s, 1, 0xfed00000 + 4 * i);
	for (int id = 0; id < 2; id++)
		for (unsigned int i = 0; i < 64; i++)
			full->lapic[id][i] = device_read(s, id, 0xfee00000 + 16 * i);
	for (int i = 14; i < 128; i++) {
		struct vm_rtc_data arg = { .offset = i };

		NEED(ioctl(s->fd, VM_RTC_READ, &arg) == 0, "VM_RTC_READ");
		full->nvram[i] = i == 0x32 ? 0 : arg.value;		/* the century: the clock goes on */
	}
}

static void memory_take(const struct subject *s, struct full *full)
{
	uint64_t next = 0;

	for (int i = 0; i < VM_MAX_MEMSEGS; i++) {
		full->segs[i].segid = i;
		NEED(ioctl(s->fd, VM_GET_MEMSEG, &full->segs[i]) == 0, "VM_GET_MEMSEG");
	}
	for (int i = 0; i < VM_MAX_MEMMAPS; i++) {
		full->maps[i].gpa = next;
		if (ioctl(s->fd, VM_MMAP_GETNEXT, &full->maps[i]) != 0)
			break;
		next = full->maps[i].gpa + full->maps[i].len;
	}
	for (unsigned int i = 0; i < SYSMEM_MAPPED / 16; i += 8)
		full->memory = full->memory * 31 + *(uint64_t *)(s->mem + i);
}

static void vcpu_take(const struct subject *s, struct full *full, int id)
{
	static const int numbers[10] = { VM_REG_GUEST_ES, VM_REG_GUEST_CS, VM_REG_GUEST_SS, VM_REG_GUEST_DS, VM_REG_GUEST_FS, VM_REG_GUEST_GS,
		VM_REG_GUEST_TR, VM_REG_GUEST_LDTR, VM_REG_GUEST_GDTR, VM_REG_GUEST_IDTR };

	for (int i = 0; i < 10; i++) {
		struct vm_seg_desc arg = { .cpuid = id, .regnum = numbers[i] };

		NEED(ioctl(s->fd, VM_GET_SEGMENT_DESCRIPTOR, &arg) == 0, "VM_GET_SEGMENT_DESCRIPTOR");
		full->desc[id][i] = arg.desc;
	}
	for (int i = 0; i < VM_CAP_MAX; i++) {
		struct vm_capability arg = { .cpuid = id, .captype = i };

		full->caps[id][i] = ioctl(s->fd, VM_GET_CAPABILITY, &arg) == 0 ? arg.capval : -errno;
	}
}

void full_take(const struct subject *s, struct full *full)
{
	char why[128];

	memset(full, 0, sizeof(*full));
	if (s->state == STATE_DESTROYED)
		return;
	light_take(s, &full->light);
	vcpus_take(s, &full->light, 0);
	for (int id = 0; id < 2; id++)
		vcpu_take(s, full, id);
	memory_take(s, full);
	devices_take(s, full);
	/* Reading vCPU 0 has made it leave the barrier for a moment. */
	(void)subject_still(s, why, sizeof(why));
	cpus_take(s, VM_SUSPENDED_CPUS, full->suspended);
}

#define DIFFERENT(a, b, field, what)	do { if (memcmp(&(a)->field, &(b)->field, sizeof((a)->field)) != 0) return what; } while (0)

const char *light_difference(const struct light *a, const struct light *b)
{
	DIFFERENT(a, b, regs[0], "a register of vCPU 0");
	DIFFERENT(a, b, regs[1], "a register of vCPU 1");
	DIFFERENT(a, b, intinfo, "pending events");
	DIFFERENT(a, b, active, "the active set");
	DIFFERENT(a, b, debug, "the debug set");
	DIFFERENT(a, b, topology, "the topology");
	DIFFERENT(a, b, x2apic, "the x2APIC state");
	return NULL;
}

const char *full_difference(const struct full *a, const struct full *b)
{
	DIFFERENT(a, b, suspended, "the suspended set");
	DIFFERENT(a, b, desc, "a segment descriptor");
	DIFFERENT(a, b, caps, "a capability");
	DIFFERENT(a, b, segs, "a memory segment");
	DIFFERENT(a, b, maps, "the memory map");
	DIFFERENT(a, b, memory, "the guest's memory");
	DIFFERENT(a, b, ioapic, "the I/O APIC");
	DIFFERENT(a, b, lapic, "a local APIC");
	DIFFERENT(a, b, hpet, "the HPET");
	DIFFERENT(a, b, nvram, "the RTC's memory");
	return light_difference(&a->light, &b->light);
}
