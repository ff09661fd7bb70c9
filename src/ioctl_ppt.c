// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* The requests of passthrough: FreeBSD's, and ours with PCI domains. */
#include <linux/pci.h>
#include <linux/vfio.h>
#include <vmm_linux.h>
#include "ioctl.h"
#include "iommu/ppt.h"
#include "vm.h"

static_assert(VML_PPT_REGION_BAR0 == VFIO_PCI_BAR0_REGION_INDEX);
static_assert(VML_PPT_REGION_CONFIG == VFIO_PCI_CONFIG_REGION_INDEX);
static_assert(VML_PPT_REGION_READ == VFIO_REGION_INFO_FLAG_READ);
static_assert(VML_PPT_REGION_WRITE == VFIO_REGION_INFO_FLAG_WRITE);
static_assert(VML_PPT_IRQ_INTX == VFIO_PCI_INTX_IRQ_INDEX);
static_assert(VML_PPT_IRQ_MSI == VFIO_PCI_MSI_IRQ_INDEX);
static_assert(VML_PPT_IRQ_MSIX == VFIO_PCI_MSIX_IRQ_INDEX);

/* Every argument of FreeBSD's has the three in a row; negative ones become too large. */
#define ADDR_OF(dev)	{ .bus = (dev)->bus, .slot = (dev)->slot, .func = (dev)->func }
#define ADDR_OF_OURS(dev) \
	{ .domain = (dev)->domain, .bus = (dev)->bus, .slot = (dev)->slot, .func = (dev)->func }

int op_bind_pptdev(struct vm *vm, struct vcpu *vcpu, void *arg)
{
	const struct vm_pptdev *dev = arg;
	const struct ppt_addr addr = ADDR_OF(dev);

	return ppt_bind(vm->ppt, &addr);
}

int op_unbind_pptdev(struct vm *vm, struct vcpu *vcpu, void *arg)
{
	const struct vm_pptdev *dev = arg;
	const struct ppt_addr addr = ADDR_OF(dev);

	return ppt_unbind(vm->ppt, &addr);
}

int op_map_pptdev_mmio(struct vm *vm, struct vcpu *vcpu, void *arg)
{
	const struct vm_pptdev_mmio *mmio = arg;
	const struct ppt_addr addr = ADDR_OF(mmio);

	return ppt_map_mmio(vm->ppt, &addr, mmio->gpa, mmio->len, mmio->hpa);
}

int op_unmap_pptdev_mmio(struct vm *vm, struct vcpu *vcpu, void *arg)
{
	const struct vm_pptdev_mmio *mmio = arg;
	const struct ppt_addr addr = ADDR_OF(mmio);

	return ppt_unmap_mmio(vm->ppt, &addr, mmio->gpa, mmio->len);
}

int op_pptdev_msi(struct vm *vm, struct vcpu *vcpu, void *arg)
{
	const struct vm_pptdev_msi *msi = arg;
	const struct ppt_addr addr = ADDR_OF(msi);

	return ppt_setup_msi(vm->ppt, &addr, msi->addr, msi->msg, msi->numvec);
}

int op_pptdev_msix(struct vm *vm, struct vcpu *vcpu, void *arg)
{
	const struct vm_pptdev_msix *msix = arg;
	const struct ppt_addr addr = ADDR_OF(msix);

	return ppt_setup_msix(vm->ppt, &addr, msix->idx, msix->addr, msix->msg,
			      msix->vector_control);
}

int op_pptdev_disable_msix(struct vm *vm, struct vcpu *vcpu, void *arg)
{
	const struct vm_pptdev *dev = arg;
	const struct ppt_addr addr = ADDR_OF(dev);

	return ppt_disable_msix(vm->ppt, &addr);
}

/* --- ours ------------------------------------------------------------- */

int op_ppt_bind(struct vm *vm, struct vcpu *vcpu, void *arg)
{
	const struct vml_ppt *dev = arg;
	const struct ppt_addr addr = ADDR_OF_OURS(dev);

	return dev->flags ? -EOPNOTSUPP : ppt_bind(vm->ppt, &addr);
}

int op_ppt_unbind(struct vm *vm, struct vcpu *vcpu, void *arg)
{
	const struct vml_ppt *dev = arg;
	const struct ppt_addr addr = ADDR_OF_OURS(dev);

	return dev->flags ? -EOPNOTSUPP : ppt_unbind(vm->ppt, &addr);
}

int op_ppt_info(struct vm *vm, struct vcpu *vcpu, void *arg)
{
	struct vml_ppt_info *info = arg;
	const struct ppt_addr addr = ADDR_OF_OURS(info);

	return info->flags ? -EOPNOTSUPP : ppt_info(vm->ppt, &addr, info);
}

int op_ppt_map(struct vm *vm, struct vcpu *vcpu, void *arg)
{
	const struct vml_ppt_mmio *mmio = arg;
	const struct ppt_addr addr = ADDR_OF_OURS(mmio);

	if (mmio->flags)
		return -EOPNOTSUPP;
	return ppt_map_mmio(vm->ppt, &addr, mmio->gpa, mmio->len, mmio->hpa);
}

int op_ppt_unmap(struct vm *vm, struct vcpu *vcpu, void *arg)
{
	const struct vml_ppt_mmio *mmio = arg;
	const struct ppt_addr addr = ADDR_OF_OURS(mmio);

	if (mmio->flags)
		return -EOPNOTSUPP;
	return ppt_unmap_mmio(vm->ppt, &addr, mmio->gpa, mmio->len);
}

int op_ppt_irq(struct vm *vm, struct vcpu *vcpu, void *arg)
{
	const struct vml_ppt_irq *irq = arg;
	const struct ppt_addr addr = ADDR_OF_OURS(irq);
	u32 masked = irq->flags & VML_PPT_IRQ_MASKED;

	if (irq->flags & ~VML_PPT_IRQ_MASKED)
		return -EOPNOTSUPP;
	if (irq->count > INT_MAX || irq->start > INT_MAX || irq->pin > INT_MAX)
		return -EINVAL;
	switch (irq->index) {
	case VML_PPT_IRQ_INTX:
		if (irq->count > 1)
			return -EINVAL;
		return ppt_setup_intx(vm->ppt, &addr, irq->count ? (int)irq->pin : -1);
	case VML_PPT_IRQ_MSI:
		return ppt_setup_msi(vm->ppt, &addr, irq->addr, irq->data, irq->count);
	case VML_PPT_IRQ_MSIX:
		if (irq->count > 1)
			return -EINVAL;
		if (!irq->count)
			return ppt_disable_msix(vm->ppt, &addr);
		return ppt_setup_msix(vm->ppt, &addr, irq->start, irq->addr, irq->data, masked);
	default:
		return -EINVAL;
	}
}

int op_ppt_access(struct vm *vm, struct vcpu *vcpu, void *arg)
{
	struct vml_ppt_access *access = arg;
	const struct ppt_addr addr = ADDR_OF_OURS(access);

	if (access->flags & ~VML_PPT_ACCESS_WRITE)
		return -EOPNOTSUPP;
	return ppt_access(vm->ppt, &addr, access->region, access->offset, access->width,
			  access->flags & VML_PPT_ACCESS_WRITE, &access->value);
}

int op_ppt_reset(struct vm *vm, struct vcpu *vcpu, void *arg)
{
	const struct vml_ppt *dev = arg;
	const struct ppt_addr addr = ADDR_OF_OURS(dev);

	return dev->flags ? -EOPNOTSUPP : ppt_reset(vm->ppt, &addr);
}

int op_ppt_event(struct vm *vm, struct vcpu *vcpu, void *arg)
{
	const struct vml_ppt_event *event = arg;
	const struct ppt_addr addr = ADDR_OF_OURS(event);

	if (event->flags || event->reserved)
		return -EOPNOTSUPP;
	return ppt_set_event(vm->ppt, &addr, event->fd);
}
