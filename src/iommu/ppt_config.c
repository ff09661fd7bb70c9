// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * ppt_config: configuration space for a monitor that need not be trusted. All of it can be read.
 * What can be written is listed here, bit by bit, and nothing else reaches the device: not the
 * BARs, not decoding, not INTx masking, MSI or MSI-X, which the host has in its hands; not the
 * power state, not FLR (there is a request for that), nothing of the extended capabilities. A write
 * is one write, of the width that was asked for.
 */
#include <linux/string.h>
#include "ppt_priv.h"

#define CAP_FIRST	PCI_STD_HEADER_SIZEOF
#define CAPS_MAX	((PPT_CONFIG_BYTES - CAP_FIRST) / 4)
#define CAP_HEADER	2	/* bytes: id and next */
#define VNDR_HEADER	3	/* and its length */

static void allow(struct ppt_dev *ppt, unsigned int at, u16 writable, u16 clearable)
{
	if (at + 1 >= PPT_CONFIG_BYTES)
		return;
	ppt->writable[at] |= writable & 0xff;
	ppt->writable[at + 1] |= writable >> 8;
	ppt->clearable[at] |= clearable & 0xff;
	ppt->clearable[at + 1] |= clearable >> 8;
}

static void allow_header(struct ppt_dev *ppt)
{
	allow(ppt, PCI_COMMAND, PCI_COMMAND_MASTER | PCI_COMMAND_SPECIAL | PCI_COMMAND_INVALIDATE |
	      PCI_COMMAND_PARITY | PCI_COMMAND_SERR | PCI_COMMAND_FAST_BACK, 0);
	allow(ppt, PCI_STATUS, 0, PCI_STATUS_PARITY | PCI_STATUS_SIG_TARGET_ABORT |
	      PCI_STATUS_REC_TARGET_ABORT | PCI_STATUS_REC_MASTER_ABORT |
	      PCI_STATUS_SIG_SYSTEM_ERROR | PCI_STATUS_DETECTED_PARITY);
	/*
	 * Cache line size and latency timer: what a driver tunes; the interrupt line means nothing
	 * to hardware.
	 */
	allow(ppt, PCI_CACHE_LINE_SIZE, 0xffff, 0);
	allow(ppt, PCI_INTERRUPT_LINE, 0x00ff, 0);
}

static void allow_express(struct ppt_dev *ppt, unsigned int at)
{
	allow(ppt, at + PCI_EXP_DEVCTL, PCI_EXP_DEVCTL_CERE | PCI_EXP_DEVCTL_NFERE |
	      PCI_EXP_DEVCTL_FERE | PCI_EXP_DEVCTL_URRE | PCI_EXP_DEVCTL_RELAX_EN |
	      PCI_EXP_DEVCTL_NOSNOOP_EN | PCI_EXP_DEVCTL_READRQ, 0);
	allow(ppt, at + PCI_EXP_DEVSTA, 0, PCI_EXP_DEVSTA_CED | PCI_EXP_DEVSTA_NFED |
	      PCI_EXP_DEVSTA_FED | PCI_EXP_DEVSTA_URD);
}

/* The vendor's own registers: the device is behind the IOMMU, whatever they do. */
static void allow_vendor(struct ppt_dev *ppt, unsigned int at)
{
	u8 len = 0;

	pci_read_config_byte(ppt->pdev, at + CAP_HEADER, &len);
	if (len > VNDR_HEADER && at + len <= PPT_CONFIG_BYTES)
		memset(&ppt->writable[at + VNDR_HEADER], 0xff, len - VNDR_HEADER);
}

/* Read VPD, not write it: bit 15 of the address starts a write. */
static void allow_vpd(struct ppt_dev *ppt, unsigned int at)
{
	allow(ppt, at + PCI_VPD_ADDR, PCI_VPD_ADDR_MASK, 0);
}

static void allow_capability(struct ppt_dev *ppt, u8 id, unsigned int at)
{
	switch (id) {
	case PCI_CAP_ID_EXP:
		allow_express(ppt, at);
		break;
	case PCI_CAP_ID_VNDR:
		allow_vendor(ppt, at);
		break;
	case PCI_CAP_ID_VPD:
		allow_vpd(ppt, at);
		break;
	case PCI_CAP_ID_PM:
		allow(ppt, at + PCI_PM_CTRL, 0, PCI_PM_CTRL_PME_STATUS);
		break;
	}
}

/* The list is the device's, so it may be endless. */
void ppt_config_init(struct ppt_dev *ppt)
{
	unsigned int count;
	u8 at = 0, id;
	u16 status;

	allow_header(ppt);
	pci_read_config_word(ppt->pdev, PCI_STATUS, &status);
	if (!(status & PCI_STATUS_CAP_LIST))
		return;
	pci_read_config_byte(ppt->pdev, PCI_CAPABILITY_LIST, &at);
	for (count = 0; count < CAPS_MAX; count++) {
		at &= ~3;
		if (at < CAP_FIRST)
			return;
		pci_read_config_byte(ppt->pdev, at, &id);
		allow_capability(ppt, id, at);
		pci_read_config_byte(ppt->pdev, at + PCI_CAP_LIST_NEXT, &at);
	}
}

static u32 config_read(struct pci_dev *pdev, unsigned int at, u32 width)
{
	u32 dword = ~0;
	u16 word = ~0;
	u8 byte = ~0;

	switch (width) {
	case 1:
		pci_read_config_byte(pdev, at, &byte);
		return byte;
	case 2:
		pci_read_config_word(pdev, at, &word);
		return word;
	default:
		pci_read_config_dword(pdev, at, &dword);
		return dword;
	}
}

static void config_write(struct pci_dev *pdev, unsigned int at, u32 width, u32 val)
{
	switch (width) {
	case 1:
		pci_write_config_byte(pdev, at, val);
		break;
	case 2:
		pci_write_config_word(pdev, at, val);
		break;
	default:
		pci_write_config_dword(pdev, at, val);
	}
}

static void config_write_allowed(struct ppt_dev *ppt, unsigned int at, u32 width, u32 val)
{
	u32 writable = 0, clearable = 0, old;

	if (at + width > PPT_CONFIG_BYTES)
		return;
	memcpy(&writable, &ppt->writable[at], width);
	memcpy(&clearable, &ppt->clearable[at], width);
	if (!writable && !clearable)
		return;
	old = config_read(ppt->pdev, at, width);
	config_write(ppt->pdev, at, width,
		     (old & ~(writable | clearable)) | (val & (writable | clearable)));
}

int ppt_config_access(struct ppt_dev *ppt, u64 offset, u32 width, bool write, u64 *val)
{
	lockdep_assert_held(&ppt->lock);
	if (width > 4 || offset >= ppt->pdev->cfg_size)
		return -EINVAL;
	if (write)
		config_write_allowed(ppt, offset, width, *val);
	else
		*val = config_read(ppt->pdev, offset, width);
	return 0;
}
