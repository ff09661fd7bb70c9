// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* The thin host program on vmm.ko, by libvmmapi. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <vmm_linux.h>
#include <vmmapi.h>

#include "hyper.h"
#include "layout.h"

struct machine {
	struct vmctx *ctx;
	uint8_t *mem;
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
	OK(vm_setup_memory(m->ctx, bytes, VM_MMAP_ALL));
	m->mem = vm_map_gpa(m->ctx, 0, LOW_BYTES);
	if (flags & MACHINE_TOUCH) {
		if (vm_create_devmem(m->ctx, VM_BOOTROM, "touch", TOUCH_BYTES) == (void *)-1)
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

static void segment_set(struct machine *m, unsigned int id, int reg, uint16_t selector, uint64_t base, uint32_t limit, uint32_t access)
{
	OK(vm_set_desc(m->vcpu[id], reg, base, limit, access));
	OK(vm_set_register(m->vcpu[id], reg, selector));
}

static void vmm_start(struct machine *m, unsigned int id, uint64_t rip, uint64_t rsp)
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

static void mmio_answer(struct vcpu *vcpu, const struct vm_exit *exit)
{
	const struct vie *vie = &exit->u.inst_emul.vie;

	if (exit->u.inst_emul.gpa != MMIO_USER_GPA || vie->op.op_byte != MOV_R32_RM32)
		die("vmm: access to %#lx by opcode %#x", (unsigned long)exit->u.inst_emul.gpa, vie->op.op_byte);
	OK(vm_set_register(vcpu, gpr[vie->reg], USER_VALUE));
}

/* True: the payload is done. */
static int port_answer(struct vcpu *vcpu, const struct vm_exit *exit)
{
	const struct vm_inout *io = &exit->u.inout;

	if (io->in)
		OK(vm_set_register(vcpu, VM_REG_GUEST_RAX, (io->eax & ~0xffu) | USER_VALUE));
	else if (io->port == PORT_DONE)
		return 1;
	return 0;
}

static void vmm_run(struct machine *m, unsigned int id)
{
	struct vcpu *vcpu = m->vcpu[id];
	struct vm_exit exit;
	cpuset_t cpus;
	struct vm_run run = { .cpuset = &cpus, .cpusetsize = sizeof(cpus), .vm_exit = &exit };

	for (;;) {
		OK(vm_run(vcpu, &run));
		switch (exit.exitcode) {
		case VM_EXITCODE_INOUT:
			if (port_answer(vcpu, &exit))
				return;
			break;
		case VM_EXITCODE_INST_EMUL:
			mmio_answer(vcpu, &exit);
			break;
		case VM_EXITCODE_BOGUS:
		case VM_EXITCODE_REQIDLE:
			break;
		default:
			die("vmm: exit %d at %#lx", exit.exitcode, (unsigned long)exit.rip);
		}
	}
}

static void vmm_destroy(struct machine *m)
{
	for (unsigned int id = 0; id < m->vcpus; id++)
		vm_vcpu_close(m->vcpu[id]);
	vm_destroy(m->ctx);
	free(m);
}

const struct hyper on_vmm = {
	.name = "vmm", .create = vmm_create, .memory = vmm_memory, .start = vmm_start, .run = vmm_run, .destroy = vmm_destroy,
};
