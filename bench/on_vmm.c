// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* The thin host program on vmm.ko, by libvmmapi. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <vmm_linux.h>
#include <vmmapi.h>
#include <vmlapi.h>

#include "board.h"
#include "hyper.h"
#include "layout.h"

struct machine {
	struct vmctx *ctx;
	uint8_t *mem, *touch;
	unsigned int vcpus;
	struct vcpu *vcpu[VCPUS_MAX];
};

#define OK(call)	do { if ((call) != 0) die("%s: %s", #call, strerror(errno)); } while (0)

static struct machine *vmm_create(unsigned int vcpus, size_t bytes, unsigned int flags)
{
	static unsigned int serial;
	struct machine *m = calloc(1, sizeof(*m));
	char name[32];

	snprintf(name, sizeof(name), "bench%d.%u", getpid(), serial++);
	m->ctx = vm_openf(name, VMMAPI_OPEN_CREATE | VMMAPI_OPEN_CREATE_DESTROY_ON_CLOSE);
	if (!m->ctx)
		die("creating %s: %s", name, strerror(errno));
	if (flags & MACHINE_LINUX)
		OK(vml_set_features(m->ctx, VML_FEATURE_PVCLOCK | VML_FEATURE_WIDE_CPUID));
	OK(vm_setup_memory(m->ctx, bytes, VM_MMAP_ALL));
	m->mem = vm_map_gpa(m->ctx, 0, LOW_BYTES);
	if (flags & MACHINE_TOUCH) {
		m->touch = vm_create_devmem(m->ctx, VM_BOOTROM, "touch", TOUCH_BYTES);
		if (m->touch == (void *)-1)
			die("vm_create_devmem: %s", strerror(errno));
		OK(vm_mmap_memseg(m->ctx, TOUCH_GPA, VM_BOOTROM, 0, TOUCH_BYTES, VM_PROT_READ | VM_PROT_WRITE));
	}
	m->vcpus = vcpus;
	for (unsigned int id = 0; id < vcpus; id++) {
		m->vcpu[id] = vm_vcpu_open(m->ctx, (int)id);
		OK(vm_activate_cpu(m->vcpu[id]));
		OK(vm_set_capability(m->vcpu[id], VM_CAP_HALT_EXIT, 1));
		OK(vm_set_x2apic_state(m->vcpu[id], flags & MACHINE_X2APIC ? X2APIC_ENABLED : X2APIC_DISABLED));
	}
	return m;
}

static uint8_t *vmm_memory(struct machine *m)
{
	return m->mem;
}

static uint8_t *vmm_touch(struct machine *m)
{
	return m->touch;
}

static void segment_set(struct machine *m, unsigned int id, int reg, uint16_t selector, uint64_t base, uint32_t limit, uint32_t access)
{
	OK(vm_set_desc(m->vcpu[id], reg, base, limit, access));
	OK(vm_set_register(m->vcpu[id], reg, selector));
}

static void vmm_start(struct machine *m, unsigned int id, uint64_t rip, uint64_t rsp, uint64_t rsi)
{
	static const int data[] = { VM_REG_GUEST_DS, VM_REG_GUEST_ES, VM_REG_GUEST_SS, VM_REG_GUEST_FS, VM_REG_GUEST_GS };
	static const struct { int reg; uint64_t val; } regs[] = {
		{ VM_REG_GUEST_EFER, EFER_LONG }, { VM_REG_GUEST_CR4, CR4_LONG }, { VM_REG_GUEST_CR3, PAGE_TABLES_GPA },
		{ VM_REG_GUEST_CR0, CR0_LONG }, { VM_REG_GUEST_RFLAGS, 2 },
	};

	for (size_t i = 0; i < sizeof(regs) / sizeof(regs[0]); i++)
		OK(vm_set_register(m->vcpu[id], regs[i].reg, regs[i].val));
	for (size_t i = 0; i < sizeof(data) / sizeof(data[0]); i++)
		segment_set(m, id, data[i], SEL_DATA, 0, ~0u, ACCESS_DATA);
	segment_set(m, id, VM_REG_GUEST_CS, SEL_CODE, 0, ~0u, ACCESS_CODE);
	segment_set(m, id, VM_REG_GUEST_TR, 0, 0, 0x67, ACCESS_TSS);
	segment_set(m, id, VM_REG_GUEST_LDTR, 0, 0, 0, 0x10000);
	OK(vm_set_desc(m->vcpu[id], VM_REG_GUEST_GDTR, GDT_GPA, GDT_ENTRIES * 8 - 1, 0));
	OK(vm_set_desc(m->vcpu[id], VM_REG_GUEST_IDTR, 0, 0, 0));
	OK(vm_set_register(m->vcpu[id], VM_REG_GUEST_RDI, id));
	OK(vm_set_register(m->vcpu[id], VM_REG_GUEST_RSI, rsi));
	OK(vm_set_register(m->vcpu[id], VM_REG_GUEST_RSP, rsp));
	OK(vm_set_register(m->vcpu[id], VM_REG_GUEST_RIP, rip));
}

/* Registers by their number in an instruction. */
static const int gpr[16] = {
	VM_REG_GUEST_RAX, VM_REG_GUEST_RCX, VM_REG_GUEST_RDX, VM_REG_GUEST_RBX, VM_REG_GUEST_RSP, VM_REG_GUEST_RBP, VM_REG_GUEST_RSI,
	VM_REG_GUEST_RDI, VM_REG_GUEST_R8, VM_REG_GUEST_R9, VM_REG_GUEST_R10, VM_REG_GUEST_R11, VM_REG_GUEST_R12, VM_REG_GUEST_R13,
	VM_REG_GUEST_R14, VM_REG_GUEST_R15,
};

#define MOV_R32_RM32	0x8b

/* What the guest is to find in a register when it goes on. */
struct answer {
	bool there;
	int reg;
	uint64_t val;
};

static void mmio_answer(const struct vm_exit *exit, struct answer *answer)
{
	const struct vie *vie = &exit->u.inst_emul.vie;

	if (exit->u.inst_emul.gpa != MMIO_USER_GPA || vie->op.op_byte != MOV_R32_RM32)
		die("vmm: access to %#lx by opcode %#x", (unsigned long)exit->u.inst_emul.gpa, vie->op.op_byte);
	*answer = (struct answer){ true, gpr[vie->reg], USER_VALUE };
}

/* True: the guest is done. */
static bool port_answer(const struct vm_exit *exit, struct answer *answer)
{
	const struct vm_inout *io = &exit->u.inout;
	uint32_t mask = io->bytes == 4 ? ~0u : (1u << 8 * io->bytes) - 1;

	if (!io->in)
		return board_out(io->port, io->eax & mask);
	*answer = (struct answer){ true, VM_REG_GUEST_RAX, (io->eax & ~mask) | (board_in(io->port, io->bytes) & mask) };
	return false;
}

#define VECTOR_GP	13

static void vmm_run(struct machine *m, unsigned int id)
{
	struct vcpu *vcpu = m->vcpu[id];
	struct vm_exit exit;
	cpuset_t cpus;
	struct vm_run run = { .cpuset = &cpus, .cpusetsize = sizeof(cpus), .vm_exit = &exit };
	struct answer answer = { 0 };

	for (;;) {
		if (answer.there)
			OK(vml_run(vcpu, &run, answer.reg, answer.val));
		else
			OK(vm_run(vcpu, &run));
		answer.there = false;
		switch (exit.exitcode) {
		case VM_EXITCODE_INOUT:
			if (port_answer(&exit, &answer))
				return;
			break;
		case VM_EXITCODE_INST_EMUL:
			mmio_answer(&exit, &answer);
			break;
		case VM_EXITCODE_RDMSR:
		case VM_EXITCODE_WRMSR:
			OK(vm_inject_exception(vcpu, VECTOR_GP, 1, 0, 1));
			break;
		case VM_EXITCODE_BOGUS:
		case VM_EXITCODE_REQIDLE:
			break;
		default:
			die("vmm: exit %d at %#lx", exit.exitcode, (unsigned long)exit.rip);
		}
	}
}

static uint64_t vmm_exits(struct machine *m)
{
	const char *desc;
	int count = 0;
	uint64_t *stats = vm_get_stats(m->vcpu[0], NULL, &count);

	uint64_t exits = 0;

	for (int i = 0; stats && i < count && (desc = vm_get_stat_desc(m->ctx, i)); i++) {
		if (strcmp(desc, "total number of vm exits") == 0)
			exits = stats[i];
		if (board_console && stats[i])
			fprintf(stderr, "%12lu %s\n", (unsigned long)stats[i], desc);
	}
	if (!exits)
		die("no count of exits");
	return exits;
}

static void vmm_destroy(struct machine *m)
{
	for (unsigned int id = 0; id < m->vcpus; id++)
		vm_vcpu_close(m->vcpu[id]);
	vm_destroy(m->ctx);
	free(m);
}

const struct hyper on_vmm = {
	.name = "vmm", .create = vmm_create, .memory = vmm_memory, .touch = vmm_touch, .start = vmm_start, .run = vmm_run,
	.exits = vmm_exits, .destroy = vmm_destroy,
};
