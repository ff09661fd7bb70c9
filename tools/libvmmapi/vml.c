// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* The requests that Linux adds. */
#include <string.h>
#include <sys/ioctl.h>

#include "internal.h"
#include "vmlapi.h"

int vml_info(struct vmctx *ctx, struct vml_info *info)
{
	memset(info, 0, sizeof(*info));
	info->size = sizeof(*info);
	return ioctl(ctx->fd, VML_INFO, info);
}

int vml_pause(struct vmctx *ctx)
{
	struct vml_pause arg = { .size = sizeof(arg) };

	return ioctl(ctx->fd, VML_PAUSE, &arg);
}

int vml_resume(struct vmctx *ctx)
{
	struct vml_pause arg = { .size = sizeof(arg) };

	return ioctl(ctx->fd, VML_RESUME, &arg);
}

int vml_set_cpuid(struct vmctx *ctx, const struct vml_cpuid_rule *rules, unsigned int count)
{
	struct vml_cpuid_policy arg = {
		.size = sizeof(arg),
		.rules = (uintptr_t)rules,
		.count = count,
	};

	return ioctl(ctx->fd, VML_SET_CPUID, &arg);
}

int vml_get_cpuid(struct vcpu *vcpu, uint32_t leaf, uint32_t subleaf, uint32_t regs[4])
{
	struct vml_cpuid arg = {
		.size = sizeof(arg),
		.vcpuid = (uint32_t)vcpu->id,
		.leaf = leaf,
		.subleaf = subleaf,
	};

	if (ioctl(vcpu->ctx->fd, VML_GET_CPUID, &arg) != 0)
		return -1;
	regs[0] = arg.eax;
	regs[1] = arg.ebx;
	regs[2] = arg.ecx;
	regs[3] = arg.edx;
	return 0;
}

int vml_set_features(struct vmctx *ctx, uint64_t features)
{
	struct vml_features arg = { .size = sizeof(arg), .features = features };

	return ioctl(ctx->fd, VML_SET_FEATURES, &arg);
}

static int irqfd_pin(struct vmctx *ctx, int fd, unsigned int gsi, int resample_fd, uint32_t flags)
{
	struct vml_irqfd arg = {
		.size = sizeof(arg),
		.flags = flags,
		.fd = fd,
		.gsi = gsi,
		.resample_fd = resample_fd,
	};

	return ioctl(ctx->fd, VML_IRQFD, &arg);
}

static int irqfd_msi(struct vmctx *ctx, int fd, uint64_t addr, uint64_t msg, uint32_t flags)
{
	struct vml_irqfd arg = {
		.size = sizeof(arg),
		.flags = flags | VML_IRQFD_MSI,
		.fd = fd,
		.msi_addr = addr,
		.msi_msg = msg,
	};

	return ioctl(ctx->fd, VML_IRQFD, &arg);
}

int vml_irqfd(struct vmctx *ctx, int fd, unsigned int gsi, int resample_fd)
{
	return irqfd_pin(ctx, fd, gsi, resample_fd, resample_fd == -1 ? 0 : VML_IRQFD_RESAMPLE);
}

int vml_irqfd_msi(struct vmctx *ctx, int fd, uint64_t addr, uint64_t msg)
{
	return irqfd_msi(ctx, fd, addr, msg, 0);
}

int vml_irqfd_deassign(struct vmctx *ctx, int fd, unsigned int gsi)
{
	return irqfd_pin(ctx, fd, gsi, -1, VML_IRQFD_DEASSIGN);
}

int vml_irqfd_msi_deassign(struct vmctx *ctx, int fd, uint64_t addr, uint64_t msg)
{
	return irqfd_msi(ctx, fd, addr, msg, VML_IRQFD_DEASSIGN);
}

int vml_ioeventfd(struct vmctx *ctx, int fd, uint32_t flags, uint64_t addr, uint32_t len, uint64_t datamatch)
{
	struct vml_ioeventfd arg = {
		.size = sizeof(arg),
		.flags = flags,
		.addr = addr,
		.len = len,
		.fd = fd,
		.datamatch = datamatch,
	};

	return ioctl(ctx->fd, VML_IOEVENTFD, &arg);
}

int vml_dirty_log(struct vmctx *ctx, uint64_t gpa, uint64_t len, uint32_t flags, void *bitmap, uint64_t *dirty)
{
	struct vml_dirty_log arg = {
		.size = sizeof(arg),
		.flags = flags,
		.gpa = gpa,
		.len = len,
		.bitmap = (uintptr_t)bitmap,
	};

	if (ioctl(ctx->fd, VML_DIRTY_LOG, &arg) != 0)
		return -1;
	if (dirty != NULL)
		*dirty = arg.dirty_pages;
	return 0;
}

int vml_run(struct vcpu *vcpu, struct vm_run *vmrun, int reg, uint64_t val)
{
	struct vml_run arg = {
		.size = sizeof(arg),
		.vcpuid = (uint32_t)vcpu->id,
		.flags = VML_RUN_SET_REGISTER,
		.regnum = (uint32_t)reg,
		.regval = val,
		.vm_exit = (uintptr_t)vmrun->vm_exit,
		.cpuset = (uintptr_t)vmrun->cpuset,
		.cpusetsize = vmrun->cpusetsize,
	};

	return ioctl(vcpu->ctx->fd, VML_RUN, &arg);
}
