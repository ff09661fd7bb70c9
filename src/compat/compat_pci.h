/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* compat_pci: driver_override has moved from struct pci_dev to struct device; iommu_map() and domains have changed. */
#ifndef VMM_COMPAT_PCI_H
#define VMM_COMPAT_PCI_H

#include <linux/eventfd.h>
#include <linux/iommu.h>
#include <linux/pci.h>
#include <linux/string.h>

#ifdef HAVE_DEVICE_DRIVER_OVERRIDE
static inline int compat_override_set(struct pci_dev *pdev, const char *name)
{
	return __device_set_driver_override(&pdev->dev, name, strlen(name));
}

/* Empty: none. */
static inline void compat_override_get(struct pci_dev *pdev, char *buf, size_t size)
{
	spin_lock(&pdev->dev.driver_override.lock);
	strscpy(buf, pdev->dev.driver_override.name ?: "", size);
	spin_unlock(&pdev->dev.driver_override.lock);
}
#else
static inline int compat_override_set(struct pci_dev *pdev, const char *name)
{
	return driver_set_override(&pdev->dev, &pdev->driver_override, name, strlen(name));
}

static inline void compat_override_get(struct pci_dev *pdev, char *buf, size_t size)
{
	device_lock(&pdev->dev);
	strscpy(buf, pdev->driver_override ?: "", size);
	device_unlock(&pdev->dev);
}
#endif

#ifdef HAVE_IOMMU_PAGING_DOMAIN_ALLOC
#define compat_iommu_domain_alloc(dev)	iommu_paging_domain_alloc(dev)
#else
static inline struct iommu_domain *compat_iommu_domain_alloc(struct device *dev)
{
	return iommu_domain_alloc(dev->bus) ?: ERR_PTR(-ENOMEM);
}
#endif

#ifdef HAVE_IOMMU_MAP_GFP
#define compat_iommu_map(domain, iova, hpa, len, prot) \
	iommu_map(domain, iova, hpa, len, prot, GFP_KERNEL_ACCOUNT)
#else
#define compat_iommu_map(domain, iova, hpa, len, prot)	iommu_map(domain, iova, hpa, len, prot)
#endif

/* Can @dev, a member of @group, send no interrupts but those that the host has given it? */
#ifdef HAVE_IOMMU_ISOLATED_MSI
#define compat_isolated_msi(group, dev)	iommu_group_has_isolated_msi(group)
#else
#define compat_isolated_msi(group, dev)	device_iommu_capable(dev, IOMMU_CAP_INTR_REMAP)
#endif

#ifdef HAVE_EVENTFD_SIGNAL_PLAIN
#define compat_eventfd_signal(ctx)	eventfd_signal(ctx)
#else
#define compat_eventfd_signal(ctx)	eventfd_signal(ctx, 1)
#endif

#endif
