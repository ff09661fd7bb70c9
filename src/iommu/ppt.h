/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * ppt: PCI functions given to virtual machines. The room knows guest memory and the interrupt
 * fabric of a VM, and nothing else of it.
 */
#ifndef VMM_IOMMU_PPT_H
#define VMM_IOMMU_PPT_H

#include <linux/types.h>
#include <vmm_linux.h>

struct irq;
struct ppt_vm;
struct vm_mem;

/*
 * Parse the pptdevs parameters, reserve devices, register the driver. Process context, at load and
 * unload.
 */
int ppt_module_init(void);
void ppt_module_exit(void);

/* A function's address, as user space gave it: nothing is checked. */
struct ppt_addr {
	u32 domain, bus, slot, func;
};

/*
 * What one VM has: no device yet. @name, @mem and @irq are the VM's, and stay until
 * ppt_vm_destroy(). ERR_PTR(-ENOMEM). Process context.
 */
struct ppt_vm *ppt_vm_create(const char *name, struct vm_mem *mem, struct irq *irq);
/* Every device leaves, as with ppt_unbind(). No vCPU runs. NULL is fine. Sleeps. */
void ppt_vm_destroy(struct ppt_vm *pv);
void ppt_vm_reset(struct ppt_vm *pv);	/* VM_REINIT: the same, but it may have devices again */

/*
 * The requests, semantics.md 28. -ENOENT: no such function, or the driver does not have it. -EBUSY:
 * another VM has it, or none where this one has to. All sleep. @addr: any values.
 *
 * ppt_bind(): lock: mem exclusive. -EPERM: neither CAP_SYS_ADMIN nor granted. -ENXIO: no IOMMU, no
 * interrupt remapping, reserved memory. -EBUSY: also a group shared with a host driver, no reset
 * since the last VM. -ENOMEM. The log tells which. ppt_unbind(): lock: mem exclusive.
 */
int ppt_bind(struct ppt_vm *pv, const struct ppt_addr *addr);
int ppt_unbind(struct ppt_vm *pv, const struct ppt_addr *addr);

/*
 * All vCPUs frozen. -EINVAL: not aligned, not within one memory BAR of the function, on its MSI-X
 * table, or the guest's address space is not free there; -ENOSPC: PPT_SEGMENTS are there; -ENOMEM.
 * Unmap: -ENOENT.
 */
int ppt_map_mmio(struct ppt_vm *pv, const struct ppt_addr *addr, u64 gpa, u64 len, u64 hpa);
int ppt_unmap_mmio(struct ppt_vm *pv, const struct ppt_addr *addr, u64 gpa, u64 len);

/* -EINVAL, -EBUSY (the other kind is on), -ENOSPC, -ENXIO. @numvec, @idx: any values. */
int ppt_setup_msi(struct ppt_vm *pv, const struct ppt_addr *addr, u64 msi_addr, u64 msi_data,
		  int numvec);
int ppt_setup_msix(struct ppt_vm *pv, const struct ppt_addr *addr, int idx, u64 msi_addr,
		   u64 msi_data, u32 vector_control);
int ppt_disable_msix(struct ppt_vm *pv, const struct ppt_addr *addr);
/*
 * INTx to I/O APIC pin @pin of the guest, or off if it is -1. -EINVAL: no INTx, no such pin;
 * -EBUSY: MSI or MSI-X is on.
 */
int ppt_setup_intx(struct ppt_vm *pv, const struct ppt_addr *addr, int pin);

/* Fill irqs, flags and regions. */
int ppt_info(struct ppt_vm *pv, const struct ppt_addr *addr, struct vml_ppt_info *info);
/*
 * Config space and BARs, *@val in the low @width (1, 2, 4, 8) bytes. -EINVAL: outside, unaligned;
 * -EPERM: on the MSI-X table.
 */
int ppt_access(struct ppt_vm *pv, const struct ppt_addr *addr, u32 region, u64 offset, u32 width,
	       bool write, u64 *val);
/* -EOPNOTSUPP: no method; -EAGAIN. */
int ppt_reset(struct ppt_vm *pv, const struct ppt_addr *addr);
/*
 * Descriptor @fd of an eventfd is signalled when the device is taken away; -1: none. -EBADF,
 * -EINVAL.
 */
int ppt_set_event(struct ppt_vm *pv, const struct ppt_addr *addr, int fd);

/*
 * The guest has ended a level-triggered interrupt of I/O APIC pin @pin. Any context, no chip lock
 * held.
 */
void ppt_pin_eoi(struct ppt_vm *pv, unsigned int pin);

#endif
