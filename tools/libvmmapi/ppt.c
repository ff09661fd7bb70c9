// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* PCI devices passed through. */
#include <string.h>
#include <sys/ioctl.h>

#include "internal.h"

static int pptdev_request(struct vmctx *ctx, unsigned long request, int bus, int slot, int func)
{
	struct vm_pptdev arg = { .bus = bus, .slot = slot, .func = func };

	return ioctl(ctx->fd, request, &arg);
}

int vm_assign_pptdev(struct vmctx *ctx, int bus, int slot, int func)
{
	return pptdev_request(ctx, VM_BIND_PPTDEV, bus, slot, func);
}

int vm_unassign_pptdev(struct vmctx *ctx, int bus, int slot, int func)
{
	return pptdev_request(ctx, VM_UNBIND_PPTDEV, bus, slot, func);
}

int vm_map_pptdev_mmio(struct vmctx *ctx, int bus, int slot, int func, vm_paddr_t gpa, size_t len,
		       vm_paddr_t hpa)
{
	struct vm_pptdev_mmio arg;

	memset(&arg, 0, sizeof(arg));
	arg.bus = bus;
	arg.slot = slot;
	arg.func = func;
	arg.gpa = gpa;
	arg.hpa = hpa;
	arg.len = len;
	return ioctl(ctx->fd, VM_MAP_PPTDEV_MMIO, &arg);
}

int vm_unmap_pptdev_mmio(struct vmctx *ctx, int bus, int slot, int func, vm_paddr_t gpa, size_t len)
{
	struct vm_pptdev_mmio arg;

	memset(&arg, 0, sizeof(arg));
	arg.bus = bus;
	arg.slot = slot;
	arg.func = func;
	arg.gpa = gpa;
	arg.len = len;
	return ioctl(ctx->fd, VM_UNMAP_PPTDEV_MMIO, &arg);
}

int vm_setup_pptdev_msi(struct vmctx *ctx, int bus, int slot, int func, uint64_t addr, uint64_t msg,
			int numvec)
{
	struct vm_pptdev_msi arg;

	memset(&arg, 0, sizeof(arg));
	arg.bus = bus;
	arg.slot = slot;
	arg.func = func;
	arg.numvec = numvec;
	arg.msg = msg;
	arg.addr = addr;
	return ioctl(ctx->fd, VM_PPTDEV_MSI, &arg);
}

int vm_setup_pptdev_msix(struct vmctx *ctx, int bus, int slot, int func, int idx, uint64_t addr,
			 uint64_t msg, uint32_t vector_control)
{
	struct vm_pptdev_msix arg;

	memset(&arg, 0, sizeof(arg));
	arg.bus = bus;
	arg.slot = slot;
	arg.func = func;
	arg.idx = idx;
	arg.msg = msg;
	arg.vector_control = vector_control;
	arg.addr = addr;
	return ioctl(ctx->fd, VM_PPTDEV_MSIX, &arg);
}

int vm_disable_pptdev_msix(struct vmctx *ctx, int bus, int slot, int func)
{
	return pptdev_request(ctx, VM_PPTDEV_DISABLE_MSIX, bus, slot, func);
}
