// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * ppt_bar: a function's registers, in the guest's address space and for the monitor.
 *
 * Host physical addresses come from user space, and nothing is believed: a part must lie within one
 * memory BAR of this very function, and off the pages that hold its MSI-X table, for whoever writes
 * that table sends interrupts of the host. Decoding stays enabled for as long as a VM has the
 * function; a guest that disables it has its parts unmapped by the monitor.
 */
#include <linux/err.h>
#include <linux/io.h>
#include <linux/io-64-nonatomic-lo-hi.h>
#include <linux/nospec.h>
#include "ppt_priv.h"

#define MSIX_ENTRY_BYTES	16

bool ppt_msix_table(struct pci_dev *pdev, unsigned int *bar, u64 *offset, u64 *bytes)
{
	int entries = pci_msix_vec_count(pdev);
	u32 table;

	if (entries <= 0)
		return false;
	pci_read_config_dword(pdev, pdev->msix_cap + PCI_MSIX_TABLE, &table);
	*bar = table & PCI_MSIX_TABLE_BIR;
	*offset = table & PCI_MSIX_TABLE_OFFSET;
	*bytes = (u64)entries * MSIX_ENTRY_BYTES;
	return *bar < PCI_STD_NUM_BARS;
}

/*
 * True if [offset, offset + len) of BAR @bar has a part of the table, its ends moved out to
 * multiples of @align.
 */
static bool bar_touches_msix_table(struct pci_dev *pdev, unsigned int bar, u64 offset,
				   u64 len, u64 align)
{
	u64 table, bytes;
	unsigned int at;

	if (!ppt_msix_table(pdev, &at, &table, &bytes) || at != bar)
		return false;
	return offset < ALIGN(table + bytes, align) && ALIGN_DOWN(table, align) < offset + len;
}

/* [hpa, hpa + len) is in one memory BAR, and the guest may have it. */
static bool bar_has(struct pci_dev *pdev, u64 hpa, u64 len)
{
	unsigned int bar;
	u64 start;

	for (bar = 0; bar < PCI_STD_NUM_BARS; bar++) {
		if (!(pci_resource_flags(pdev, bar) & IORESOURCE_MEM) ||
		    !pci_resource_len(pdev, bar))
			continue;
		start = pci_resource_start(pdev, bar);
		if (hpa < start || hpa + len - 1 > pci_resource_end(pdev, bar))
			continue;
		return !bar_touches_msix_table(pdev, bar, hpa - start, len, PAGE_SIZE);
	}
	return false;
}

static bool range_is_valid(u64 addr, u64 len)
{
	return len && PAGE_ALIGNED(addr | len) && addr + len > addr;
}

static struct ppt_segment *segment_free(struct ppt_dev *ppt)
{
	int i;

	for (i = 0; i < PPT_SEGMENTS; i++)
		if (!ppt->segments[i].used)
			return &ppt->segments[i];
	return NULL;
}

static int segment_map(struct ppt_dev *ppt, u64 gpa, u64 len, u64 hpa)
{
	struct ppt_segment *segment = segment_free(ppt);
	int err;

	if (!bar_has(ppt->pdev, hpa, len))
		return -EINVAL;
	if (!segment)
		return -ENOSPC;
	err = mem_device_map(ppt->owner->mem, &segment->device, gpa, hpa, len);
	segment->used = !err;
	return err;
}

int ppt_map_mmio(struct ppt_vm *pv, const struct ppt_addr *addr, u64 gpa, u64 len, u64 hpa)
{
	struct ppt_dev *ppt;
	int err;

	if (!range_is_valid(gpa, len) || !range_is_valid(hpa, len))
		return -EINVAL;
	ppt = ppt_dev_lock(pv, addr);
	if (IS_ERR(ppt))
		return PTR_ERR(ppt);
	err = segment_map(ppt, gpa, len, hpa);
	ppt_dev_unlock(ppt);
	return err;
}

static int segment_unmap(struct ppt_dev *ppt, u64 gpa, u64 len)
{
	struct ppt_segment *segment;
	int i;

	for (i = 0; i < PPT_SEGMENTS; i++) {
		segment = &ppt->segments[i];
		if (!segment->used || segment->device.gpa != gpa || segment->device.len != len)
			continue;
		mem_device_unmap(ppt->owner->mem, &segment->device);
		segment->used = false;
		return 0;
	}
	return -ENOENT;
}

int ppt_unmap_mmio(struct ppt_vm *pv, const struct ppt_addr *addr, u64 gpa, u64 len)
{
	struct ppt_dev *ppt = ppt_dev_lock(pv, addr);
	int err;

	if (IS_ERR(ppt))
		return PTR_ERR(ppt);
	err = segment_unmap(ppt, gpa, len);
	ppt_dev_unlock(ppt);
	return err;
}

void ppt_bars_release(struct ppt_dev *ppt)
{
	int i;

	lockdep_assert_held(&ppt->lock);
	for (i = 0; i < PPT_SEGMENTS; i++) {
		if (ppt->segments[i].used)
			mem_device_zap(ppt->owner->mem, &ppt->segments[i].device);
		ppt->segments[i].used = false;
	}
	for (i = 0; i < PCI_STD_NUM_BARS; i++) {
		if (ppt->bars[i])
			pci_iounmap(ppt->pdev, ppt->bars[i]);
		ppt->bars[i] = NULL;
	}
}

/* --- for the monitor -------------------------------------------------- */

static u64 bar_read(void __iomem *at, u32 width)
{
	switch (width) {
	case 1:
		return ioread8(at);
	case 2:
		return ioread16(at);
	case 4:
		return ioread32(at);
	default:
		return ioread64(at);
	}
}

static void bar_write(void __iomem *at, u32 width, u64 val)
{
	switch (width) {
	case 1:
		iowrite8(val, at);
		break;
	case 2:
		iowrite16(val, at);
		break;
	case 4:
		iowrite32(val, at);
		break;
	default:
		iowrite64(val, at);
	}
}

int ppt_bar_access(struct ppt_dev *ppt, unsigned int bar, u64 offset, u32 width, bool write,
		   u64 *val)
{
	struct pci_dev *pdev = ppt->pdev;

	lockdep_assert_held(&ppt->lock);
	bar = array_index_nospec(bar, PCI_STD_NUM_BARS);
	if (offset >= pci_resource_len(pdev, bar) || width > pci_resource_len(pdev, bar) - offset)
		return -EINVAL;
	if ((pci_resource_flags(pdev, bar) & IORESOURCE_IO) && width == 8)
		return -EINVAL;
	if (bar_touches_msix_table(pdev, bar, offset, width, 1))
		return -EPERM;
	if (!ppt->bars[bar])
		ppt->bars[bar] = pci_iomap(pdev, bar, 0);
	if (!ppt->bars[bar])
		return -ENOMEM;
	if (write)
		bar_write(ppt->bars[bar] + offset, width, *val);
	else
		*val = bar_read(ppt->bars[bar] + offset, width);
	return 0;
}
