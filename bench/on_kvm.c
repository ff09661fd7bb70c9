// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* The thin host program on kvm.ko, by <linux/kvm.h>: interrupt controllers and timers in the kernel, every feature in CPUID. */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "board.h"
#include "hyper.h"
#include "layout.h"

struct machine {
	int kvm, vm;
	uint8_t *mem, *touch;
	size_t bytes;
	unsigned int vcpus;
	int vcpu[VCPUS_MAX];
	struct kvm_run *run[VCPUS_MAX];
	size_t run_bytes;
};

#define CPUID_ENTRIES	256
#define CPUID_1_ECX_TSC_DEADLINE	(1u << 24)
#define CPUID_1_ECX_HYPERVISOR		(1u << 31)	/* without it Linux does not look for KVM's clock */
#define HUGE_BYTES	0x200000ul

/* Returns what ioctl() does. */
#define OK(call)	({ int ret_ = (call); if (ret_ < 0) die("%s: %s", #call, strerror(errno)); ret_; })

static void *memory_map(size_t bytes, int advice)
{
	uint8_t *at = mmap(NULL, bytes + HUGE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0), *aligned;

	if (at == MAP_FAILED)
		die("mmap: %s", strerror(errno));
	aligned = (uint8_t *)(((uintptr_t)at + HUGE_BYTES - 1) & ~(HUGE_BYTES - 1));
	if (aligned != at)
		munmap(at, (size_t)(aligned - at));
	munmap(aligned + bytes, (size_t)(at + HUGE_BYTES - aligned));
	madvise(aligned, bytes, advice);
	return aligned;
}

static void slot_set(struct machine *m, uint32_t slot, uint64_t gpa, size_t bytes, void *at)
{
	struct kvm_userspace_memory_region region = {
		.slot = slot, .guest_phys_addr = gpa, .memory_size = bytes, .userspace_addr = (uintptr_t)at,
	};

	OK(ioctl(m->vm, KVM_SET_USER_MEMORY_REGION, &region));
}

static void cpuid_set(struct machine *m, unsigned int id)
{
	static struct { struct kvm_cpuid2 head; struct kvm_cpuid_entry2 entries[CPUID_ENTRIES]; } cpuid;

	cpuid.head.nent = CPUID_ENTRIES;
	OK(ioctl(m->kvm, KVM_GET_SUPPORTED_CPUID, &cpuid));
	for (uint32_t i = 0; i < cpuid.head.nent; i++)
		if (cpuid.head.entries[i].function == 1)
			cpuid.head.entries[i].ecx |= CPUID_1_ECX_TSC_DEADLINE | CPUID_1_ECX_HYPERVISOR;
	OK(ioctl(m->vcpu[id], KVM_SET_CPUID2, &cpuid));
}

static struct machine *kvm_create(unsigned int vcpus, size_t bytes, unsigned int flags)
{
	struct kvm_pit_config pit = { 0 };
	struct machine *m = calloc(1, sizeof(*m));

	m->kvm = OK(open("/dev/kvm", O_RDWR | O_CLOEXEC));
	m->vm = OK(ioctl(m->kvm, KVM_CREATE_VM, 0));
	OK(ioctl(m->vm, KVM_SET_TSS_ADDR, 0xfffbd000));
	OK(ioctl(m->vm, KVM_CREATE_IRQCHIP, 0));
	OK(ioctl(m->vm, KVM_CREATE_PIT2, &pit));
	m->bytes = bytes;
	m->mem = memory_map(bytes, MADV_HUGEPAGE);
	slot_set(m, 0, 0, bytes, m->mem);
	if (flags & MACHINE_TOUCH) {
		m->touch = memory_map(TOUCH_BYTES, MADV_NOHUGEPAGE);
		slot_set(m, 1, TOUCH_GPA, TOUCH_BYTES, m->touch);
	}
	m->run_bytes = (size_t)OK(ioctl(m->kvm, KVM_GET_VCPU_MMAP_SIZE, 0));
	m->vcpus = vcpus;
	for (unsigned int id = 0; id < vcpus; id++) {
		m->vcpu[id] = OK(ioctl(m->vm, KVM_CREATE_VCPU, id));
		m->run[id] = mmap(NULL, m->run_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, m->vcpu[id], 0);
		cpuid_set(m, id);
	}
	return m;
}

static uint8_t *kvm_memory(struct machine *m)
{
	return m->mem;
}

static uint8_t *kvm_touch(struct machine *m)
{
	return m->touch;
}

static void kvm_start(struct machine *m, unsigned int id, uint64_t rip, uint64_t rsp, uint64_t rsi)
{
	struct kvm_segment code = { .limit = ~0u, .selector = SEL_CODE, .type = 11, .present = 1, .s = 1, .l = 1, .g = 1 };
	struct kvm_segment data = { .limit = ~0u, .selector = SEL_DATA, .type = 3, .present = 1, .s = 1, .db = 1, .g = 1 };
	struct kvm_regs regs = { .rip = rip, .rsp = rsp, .rdi = id, .rsi = rsi, .rflags = 2 };
	struct kvm_mp_state running = { .mp_state = KVM_MP_STATE_RUNNABLE };
	struct kvm_sregs sregs;

	OK(ioctl(m->vcpu[id], KVM_GET_SREGS, &sregs));
	sregs.cs = code;
	sregs.ds = sregs.es = sregs.fs = sregs.gs = sregs.ss = data;
	sregs.gdt.base = GDT_GPA;
	sregs.gdt.limit = GDT_ENTRIES * 8 - 1;
	sregs.cr0 = CR0_LONG;
	sregs.cr3 = PAGE_TABLES_GPA;
	sregs.cr4 = CR4_LONG;
	sregs.efer = EFER_LONG;
	OK(ioctl(m->vcpu[id], KVM_SET_SREGS, &sregs));
	OK(ioctl(m->vcpu[id], KVM_SET_REGS, &regs));
	OK(ioctl(m->vcpu[id], KVM_SET_MP_STATE, &running));
}

/* True: the guest is done. */
static bool port_answer(struct kvm_run *run)
{
	uint8_t *data = (uint8_t *)run + run->io.data_offset;
	uint32_t val = 0;
	bool done = false;

	for (uint32_t i = 0; i < run->io.count; i++, data += run->io.size) {
		if (run->io.direction == KVM_EXIT_IO_IN) {
			val = board_in(run->io.port, run->io.size);
			memcpy(data, &val, run->io.size);
		} else {
			memcpy(&val, data, run->io.size);
			done |= board_out(run->io.port, val);
		}
	}
	return done;
}

static void mmio_answer(struct kvm_run *run)
{
	uint32_t val = USER_VALUE;

	if (run->mmio.phys_addr != MMIO_USER_GPA || run->mmio.is_write)
		die("kvm: access to %#llx", run->mmio.phys_addr);
	memcpy(run->mmio.data, &val, sizeof(val));
}

static void kvm_run(struct machine *m, unsigned int id)
{
	struct kvm_run *run = m->run[id];

	for (;;) {
		if (ioctl(m->vcpu[id], KVM_RUN, 0) < 0 && errno != EINTR)
			die("KVM_RUN: %s", strerror(errno));
		switch (run->exit_reason) {
		case KVM_EXIT_IO:
			if (port_answer(run))
				return;
			break;
		case KVM_EXIT_MMIO:
			mmio_answer(run);
			break;
		case KVM_EXIT_INTR:
			break;
		default:
			die("kvm: exit %u", run->exit_reason);
		}
	}
}

static uint64_t kvm_exits(struct machine *m)
{
	int fd = OK(ioctl(m->vcpu[0], KVM_GET_STATS_FD, 0));
	struct kvm_stats_header head;
	struct kvm_stats_desc *desc;
	uint64_t exits;

	if (pread(fd, &head, sizeof(head), 0) != sizeof(head))
		die("KVM_GET_STATS_FD: no header");
	desc = calloc(1, sizeof(*desc) + head.name_size);
	for (uint32_t i = 0; i < head.num_desc; i++) {
		off_t at = (off_t)(head.desc_offset + i * (sizeof(*desc) + head.name_size));

		if (pread(fd, desc, sizeof(*desc) + head.name_size, at) > 0 && strcmp(desc->name, "exits") == 0 &&
		    pread(fd, &exits, sizeof(exits), head.data_offset + desc->offset) == sizeof(exits)) {
			free(desc);
			close(fd);
			return exits;
		}
	}
	die("KVM_GET_STATS_FD: no count of exits");
}

static void kvm_destroy(struct machine *m)
{
	for (unsigned int id = 0; id < m->vcpus; id++) {
		munmap(m->run[id], m->run_bytes);
		close(m->vcpu[id]);
	}
	close(m->vm);
	munmap(m->mem, m->bytes);
	if (m->touch)
		munmap(m->touch, TOUCH_BYTES);
	close(m->kvm);
	free(m);
}

const struct hyper on_kvm = {
	.name = "KVM", .create = kvm_create, .memory = kvm_memory, .touch = kvm_touch, .start = kvm_start, .run = kvm_run,
	.exits = kvm_exits, .destroy = kvm_destroy,
};
