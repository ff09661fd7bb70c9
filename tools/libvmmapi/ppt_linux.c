// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* PCI devices passed through, by the requests of <vmm_linux.h>: any PCI domain, config space, BARs, INTx. */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#include <vmm_linux.h>

#include "internal.h"

#define ADDRESS_SET(arg, addr)				\
	do {						\
		memset((arg), 0, sizeof(*(arg)));	\
		(arg)->size = sizeof(*(arg));		\
		(arg)->domain = (addr)->domain;		\
		(arg)->bus = (addr)->bus;		\
		(arg)->slot = (addr)->slot;		\
		(arg)->func = (addr)->func;		\
	} while (0)

static int plain_request(struct vmctx *ctx, unsigned long request, const struct vm_ppt_addr *addr)
{
	struct vml_ppt arg;

	ADDRESS_SET(&arg, addr);
	return ioctl(ctx->fd, request, &arg);
}

int vm_ppt_bind(struct vmctx *ctx, const struct vm_ppt_addr *addr)
{
	return plain_request(ctx, VML_PPT_BIND, addr);
}

int vm_ppt_unbind(struct vmctx *ctx, const struct vm_ppt_addr *addr)
{
	return plain_request(ctx, VML_PPT_UNBIND, addr);
}

int vm_ppt_reset(struct vmctx *ctx, const struct vm_ppt_addr *addr)
{
	return plain_request(ctx, VML_PPT_RESET, addr);
}

int vm_ppt_info(struct vmctx *ctx, const struct vm_ppt_addr *addr, struct vml_ppt_info *info)
{
	ADDRESS_SET(info, addr);
	return ioctl(ctx->fd, VML_PPT_INFO, info);
}

static int mmio_request(struct vmctx *ctx, unsigned long request, const struct vm_ppt_addr *addr,
			vm_paddr_t gpa, size_t len, vm_paddr_t hpa)
{
	struct vml_ppt_mmio arg;

	ADDRESS_SET(&arg, addr);
	arg.gpa = gpa;
	arg.len = len;
	arg.hpa = hpa;
	return ioctl(ctx->fd, request, &arg);
}

int vm_ppt_map(struct vmctx *ctx, const struct vm_ppt_addr *addr, vm_paddr_t gpa, size_t len,
	       vm_paddr_t hpa)
{
	return mmio_request(ctx, VML_PPT_MAP, addr, gpa, len, hpa);
}

int vm_ppt_unmap(struct vmctx *ctx, const struct vm_ppt_addr *addr, vm_paddr_t gpa, size_t len)
{
	return mmio_request(ctx, VML_PPT_UNMAP, addr, gpa, len, 0);
}

int vm_ppt_intx(struct vmctx *ctx, const struct vm_ppt_addr *addr, int pin)
{
	struct vml_ppt_irq arg;

	ADDRESS_SET(&arg, addr);
	arg.index = VML_PPT_IRQ_INTX;
	arg.count = pin >= 0;
	arg.pin = pin >= 0 ? (uint32_t)pin : 0;
	return ioctl(ctx->fd, VML_PPT_IRQ, &arg);
}

int vm_ppt_msi(struct vmctx *ctx, const struct vm_ppt_addr *addr, uint64_t msi_addr, uint64_t msi_data,
	       int vectors)
{
	struct vml_ppt_irq arg;

	ADDRESS_SET(&arg, addr);
	arg.index = VML_PPT_IRQ_MSI;
	arg.count = (uint32_t)vectors;
	arg.addr = msi_addr;
	arg.data = msi_data;
	return ioctl(ctx->fd, VML_PPT_IRQ, &arg);
}

int vm_ppt_msix(struct vmctx *ctx, const struct vm_ppt_addr *addr, int index, uint64_t msi_addr,
		uint64_t msi_data, bool masked)
{
	struct vml_ppt_irq arg;

	ADDRESS_SET(&arg, addr);
	arg.flags = masked ? VML_PPT_IRQ_MASKED : 0;
	arg.index = VML_PPT_IRQ_MSIX;
	arg.start = (uint32_t)index;
	arg.count = 1;
	arg.addr = msi_addr;
	arg.data = msi_data;
	return ioctl(ctx->fd, VML_PPT_IRQ, &arg);
}

int vm_ppt_msix_off(struct vmctx *ctx, const struct vm_ppt_addr *addr)
{
	struct vml_ppt_irq arg;

	ADDRESS_SET(&arg, addr);
	arg.index = VML_PPT_IRQ_MSIX;
	return ioctl(ctx->fd, VML_PPT_IRQ, &arg);
}

int vm_ppt_read(struct vmctx *ctx, const struct vm_ppt_addr *addr, int region, uint64_t offset,
		int width, uint64_t *value)
{
	struct vml_ppt_access arg;

	ADDRESS_SET(&arg, addr);
	arg.region = (uint32_t)region;
	arg.width = (uint32_t)width;
	arg.offset = offset;
	if (ioctl(ctx->fd, VML_PPT_ACCESS, &arg) != 0)
		return -1;
	*value = arg.value;
	return 0;
}

int vm_ppt_write(struct vmctx *ctx, const struct vm_ppt_addr *addr, int region, uint64_t offset,
		 int width, uint64_t value)
{
	struct vml_ppt_access arg;

	ADDRESS_SET(&arg, addr);
	arg.flags = VML_PPT_ACCESS_WRITE;
	arg.region = (uint32_t)region;
	arg.width = (uint32_t)width;
	arg.offset = offset;
	arg.value = value;
	return ioctl(ctx->fd, VML_PPT_ACCESS, &arg);
}

int vm_ppt_event(struct vmctx *ctx, const struct vm_ppt_addr *addr, int fd)
{
	struct vml_ppt_event arg;

	ADDRESS_SET(&arg, addr);
	arg.fd = fd;
	return ioctl(ctx->fd, VML_PPT_EVENT, &arg);
}
