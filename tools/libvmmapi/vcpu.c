// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Virtual processors: running, registers, capabilities, pending events. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "internal.h"

struct vcpu *vm_vcpu_open(struct vmctx *ctx, int vcpuid)
{
	struct vcpu *vcpu = calloc(1, sizeof(*vcpu));

	if (vcpu == NULL)
		return NULL;
	vcpu->ctx = ctx;
	vcpu->id = vcpuid;
	return vcpu;
}

void vm_vcpu_close(struct vcpu *vcpu)
{
	free(vcpu->stats);
	free(vcpu);
}

int vcpu_id(struct vcpu *vcpu)
{
	return vcpu->id;
}

static int activation_request(struct vcpu *vcpu, unsigned long request)
{
	struct vm_activate_cpu arg = { .vcpuid = vcpu->id };

	return ioctl(vcpu->ctx->fd, request, &arg);
}

int vm_activate_cpu(struct vcpu *vcpu)
{
	return activation_request(vcpu, VM_ACTIVATE_CPU);
}

int vm_suspend_cpu(struct vcpu *vcpu)
{
	return activation_request(vcpu, VM_SUSPEND_CPU);
}

int vm_resume_cpu(struct vcpu *vcpu)
{
	return activation_request(vcpu, VM_RESUME_CPU);
}

int vm_run(struct vcpu *vcpu, struct vm_run *vmrun)
{
	vmrun->cpuid = vcpu->id;
	return ioctl(vcpu->ctx->fd, VM_RUN, vmrun);
}

int vm_set_register(struct vcpu *vcpu, int reg, uint64_t val)
{
	struct vm_register arg = { .cpuid = vcpu->id, .regnum = reg, .regval = val };

	return ioctl(vcpu->ctx->fd, VM_SET_REGISTER, &arg);
}

int vm_get_register(struct vcpu *vcpu, int reg, uint64_t *retval)
{
	struct vm_register arg = { .cpuid = vcpu->id, .regnum = reg };

	if (ioctl(vcpu->ctx->fd, VM_GET_REGISTER, &arg) != 0)
		return -1;
	*retval = arg.regval;
	return 0;
}

static int register_set_request(struct vcpu *vcpu, unsigned long request, unsigned int count,
				const int *regnums, uint64_t *regvals)
{
	struct vm_register_set arg = {
		.cpuid = vcpu->id, .count = count, .regnums = regnums, .regvals = regvals
	};

	return ioctl(vcpu->ctx->fd, request, &arg);
}

int vm_set_register_set(struct vcpu *vcpu, unsigned int count, const int *regnums,
			uint64_t *regvals)
{
	return register_set_request(vcpu, VM_SET_REGISTER_SET, count, regnums, regvals);
}

int vm_get_register_set(struct vcpu *vcpu, unsigned int count, const int *regnums,
			uint64_t *regvals)
{
	return register_set_request(vcpu, VM_GET_REGISTER_SET, count, regnums, regvals);
}

int vm_set_desc(struct vcpu *vcpu, int reg, uint64_t base, uint32_t limit, uint32_t access)
{
	struct vm_seg_desc arg = {
		.cpuid = vcpu->id,
		.regnum = reg,
		.desc = { .base = base, .limit = limit, .access = access },
	};

	return ioctl(vcpu->ctx->fd, VM_SET_SEGMENT_DESCRIPTOR, &arg);
}

int vm_get_seg_desc(struct vcpu *vcpu, int reg, struct seg_desc *seg_desc)
{
	struct vm_seg_desc arg;

	memset(&arg, 0, sizeof(arg));
	arg.cpuid = vcpu->id;
	arg.regnum = reg;
	if (ioctl(vcpu->ctx->fd, VM_GET_SEGMENT_DESCRIPTOR, &arg) != 0)
		return -1;
	*seg_desc = arg.desc;
	return 0;
}

int vm_get_desc(struct vcpu *vcpu, int reg, uint64_t *base, uint32_t *limit, uint32_t *access)
{
	struct seg_desc desc;

	if (vm_get_seg_desc(vcpu, reg, &desc) != 0)
		return -1;
	*base = desc.base;
	*limit = desc.limit;
	*access = desc.access;
	return 0;
}

static const char *const capability_names[] = {
	[VM_CAP_HALT_EXIT] = "hlt_exit",
	[VM_CAP_MTRAP_EXIT] = "mtrap_exit",
	[VM_CAP_PAUSE_EXIT] = "pause_exit",
	[VM_CAP_UNRESTRICTED_GUEST] = "unrestricted_guest",
	[VM_CAP_ENABLE_INVPCID] = "enable_invpcid",
	[VM_CAP_BPT_EXIT] = "bpt_exit",
	[VM_CAP_RDPID] = "rdpid",
	[VM_CAP_RDTSCP] = "rdtscp",
	[VM_CAP_IPI_EXIT] = "ipi_exit",
	[VM_CAP_MASK_HWINTR] = "mask_hwintr",
	[VM_CAP_RFLAGS_TF] = "rflags_tf",
};

_Static_assert(sizeof(capability_names) / sizeof(capability_names[0]) == VM_CAP_MAX,
	       "a capability has no name");

int vm_capability_name2type(const char *capname)
{
	for (int type = 0; type < VM_CAP_MAX; type++)
		if (strcmp(capname, capability_names[type]) == 0)
			return type;
	return -1;
}

const char *vm_capability_type2name(int type)
{
	return type >= 0 && type < VM_CAP_MAX ? capability_names[type] : NULL;
}

int vm_get_capability(struct vcpu *vcpu, enum vm_cap_type cap, int *retval)
{
	struct vm_capability arg = { .cpuid = vcpu->id, .captype = cap };

	if (ioctl(vcpu->ctx->fd, VM_GET_CAPABILITY, &arg) != 0)
		return -1;
	*retval = arg.capval;
	return 0;
}

int vm_set_capability(struct vcpu *vcpu, enum vm_cap_type cap, int val)
{
	struct vm_capability arg = { .cpuid = vcpu->id, .captype = cap, .capval = val };

	return ioctl(vcpu->ctx->fd, VM_SET_CAPABILITY, &arg);
}

int vm_get_x2apic_state(struct vcpu *vcpu, enum x2apic_state *s)
{
	struct vm_x2apic arg = { .cpuid = vcpu->id };

	if (ioctl(vcpu->ctx->fd, VM_GET_X2APIC_STATE, &arg) != 0)
		return -1;
	*s = arg.state;
	return 0;
}

int vm_set_x2apic_state(struct vcpu *vcpu, enum x2apic_state s)
{
	struct vm_x2apic arg = { .cpuid = vcpu->id, .state = s };

	return ioctl(vcpu->ctx->fd, VM_SET_X2APIC_STATE, &arg);
}

int vm_inject_exception(struct vcpu *vcpu, int vector, int errcode_valid, uint32_t errcode,
			int restart_instruction)
{
	struct vm_exception arg = {
		.cpuid = vcpu->id,
		.vector = vector,
		.error_code = errcode,
		.error_code_valid = errcode_valid,
		.restart_instruction = restart_instruction,
	};

	return ioctl(vcpu->ctx->fd, VM_INJECT_EXCEPTION, &arg);
}

int vm_restart_instruction(struct vcpu *vcpu)
{
	int id = vcpu->id;

	return ioctl(vcpu->ctx->fd, VM_RESTART_INSTRUCTION, &id);
}

int vm_get_intinfo(struct vcpu *vcpu, uint64_t *i1, uint64_t *i2)
{
	struct vm_intinfo arg = { .vcpuid = vcpu->id };

	if (ioctl(vcpu->ctx->fd, VM_GET_INTINFO, &arg) != 0)
		return -1;
	*i1 = arg.info1;
	*i2 = arg.info2;
	return 0;
}

int vm_set_intinfo(struct vcpu *vcpu, uint64_t exit_intinfo)
{
	struct vm_intinfo arg = { .vcpuid = vcpu->id, .info1 = exit_intinfo };

	return ioctl(vcpu->ctx->fd, VM_SET_INTINFO, &arg);
}
