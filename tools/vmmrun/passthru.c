// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * PCI devices of the host in the machine.
 *
 * Registers in memory are mapped into the guest where its BARs say, as long as it has decoding enabled; the page
 * with the MSI-X table, registers smaller than a page, and ports are not, and each access to them comes here. What the guest
 * sees of configuration space is the device's, but for what the host has in its hands: BARs, decoding, the
 * interrupt capabilities and the power state are kept here, in a shadow. Interrupts the kernel delivers by itself once it
 * knows where the guest wants them.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <vmmapi.h>
#include <vmm_linux.h>

#include "../../src/iommu/pptdevs.h"

#include "complain.h"
#include "inout.h"
#include "machine.h"
#include "passthru.h"
#include "pci.h"

#define PAGE		4096UL
#define CONFIG_SIZE	256
#define BARS		6

/* Where BARs are at first: the windows that the DSDT gives the host bridge. */
#define MEMORY_FIRST	0xc0000000UL
#define MEMORY_END	0xfec00000UL
#define PORTS_FIRST	0x2000u
#define PORTS_END	0x10000u

/* On the bus: slot 1 and up, each with a pin of the I/O APIC (dsdt.asl, _PRT). */
#define SLOT_FIRST	1u
#define PIN_OF_SLOT0	16

#define REG_COMMAND	0x04
#define REG_STATUS	0x06
#define REG_HEADER	0x0e
#define REG_BAR0	0x10
#define REG_CARDBUS	0x28
#define REG_ROM		0x30
#define REG_CAPS	0x34
#define REG_LINE	0x3c
#define REG_PIN		0x3d
#define CAPS_FIRST	0x40

#define COMMAND_IO	0x0001
#define COMMAND_MEMORY	0x0002
#define COMMAND_MASTER	0x0004
#define COMMAND_NO_INTX	0x0400
#define COMMAND_SHADOW	0x0547		/* and parity, SERR */
#define STATUS_CAPS	0x10

#define CAP_PM		0x01
#define CAP_MSI		0x05
#define CAP_EXPRESS	0x10
#define CAP_MSIX	0x11

#define PM_CONTROL	4
#define PM_STATE	0x03
#define MSI_CONTROL	2
#define MSI_ENABLE	0x0001
#define MSI_COUNT_SHIFT	4
#define MSI_COUNT	0x0070
#define MSI_64		0x0080
#define MSI_MASKING	0x0100
#define MSIX_CONTROL	2
#define MSIX_ENABLE	0x8000
#define MSIX_MASK_ALL	0x4000
#define MSIX_ENTRY	16
#define MSIX_MASKED	1
#define EXPRESS_CONTROL	8
#define EXPRESS_FLR	0x8000

struct bar {
	uint64_t	len;		/* (i) 0: none, or the upper half of the one before */
	uint64_t	hpa;		/* (i) */
	bool		ports;		/* (i) */
	bool		wide;		/* (i) 64 bits */
	struct {
		uint64_t	offset, len;
	} parts[2];			/* (i) that are mapped */
	int		part_count;	/* (i) */
	uint64_t	gpa;		/* [l] where it is decoded, if it is */
	bool		decoded;	/* [l] */
};

enum irq_mode { IRQ_OFF, IRQ_INTX, IRQ_MSI, IRQ_MSIX };

/* (i) constant once the vCPUs run; [l] lock. */
struct passthru {
	struct vmctx		*ctx;		/* (i) */
	struct vm_ppt_addr	addr;		/* (i) */
	char			name[32];	/* (i) */
	unsigned int		slot;		/* (i) the guest's */
	pthread_mutex_t		lock;
	uint8_t			shadow[CONFIG_SIZE];	/* [l] */
	uint8_t			mask[CONFIG_SIZE];	/* (i) what a guest changes there */
	bool			owned[CONFIG_SIZE];	/* (i) the guest sees the shadow */
	struct bar		bars[BARS];
	unsigned int		msi, msix, express;	/* (i) capabilities, or 0 */
	bool			has_intx;	/* (i) */
	int			msix_bar;	/* (i) */
	uint64_t		msix_offset;	/* (i) */
	unsigned int		msix_count;	/* (i) */
	uint32_t		(*msix_table)[4];	/* [l] address, upper address, data, control */
	enum irq_mode		irq_mode;	/* [l] what the kernel has been told */
	bool			failed;		/* [l] a complaint about interrupts has been made */
	int			event_fd;	/* (i) */
	pthread_t		watcher;
};

static struct passthru devices[PASSTHRU_MAX];
static unsigned int device_count;

static uint16_t shadow16(const struct passthru *device, unsigned int reg)
{
	return (uint16_t)(device->shadow[reg] | device->shadow[reg + 1] << 8);
}

static uint32_t shadow32(const struct passthru *device, unsigned int reg)
{
	return shadow16(device, reg) | (uint32_t)shadow16(device, reg + 2) << 16;
}

static void shadow_put(struct passthru *device, unsigned int reg, unsigned int bytes, uint32_t value, uint32_t mask)
{
	for (unsigned int i = 0; i < bytes; i++, reg++, value >>= 8, mask >>= 8) {
		device->shadow[reg] = (uint8_t)value;
		device->mask[reg] = (uint8_t)mask;
		device->owned[reg] = true;
	}
}

/* A device that has gone reads as all ones, as on a bus. */
static uint64_t region_read(const struct passthru *device, int region, uint64_t offset, unsigned int bytes)
{
	uint64_t value;

	if (vm_ppt_read(device->ctx, &device->addr, region, offset, (int)bytes, &value) != 0)
		return UINT64_MAX;
	return value;
}

static void region_write(const struct passthru *device, int region, uint64_t offset, unsigned int bytes,
			 uint64_t value)
{
	(void)vm_ppt_write(device->ctx, &device->addr, region, offset, (int)bytes, value);
}

static uint32_t config_read(const struct passthru *device, unsigned int reg, unsigned int bytes)
{
	return (uint32_t)region_read(device, VML_PPT_REGION_CONFIG, reg, bytes);
}

/* ---- BARs ---- */

static uint64_t bar_value(const struct passthru *device, int index)
{
	uint32_t low = shadow32(device, REG_BAR0 + 4 * (unsigned int)index);
	uint64_t value = low & (device->bars[index].ports ? ~0x3u : ~0xfu);

	if (device->bars[index].wide)
		value |= (uint64_t)shadow32(device, REG_BAR0 + 4 * (unsigned int)index + 4) << 32;
	return value;
}

static void bar_unmap(struct passthru *device, struct bar *bar)
{
	for (int i = 0; i < bar->part_count; i++)
		(void)vm_ppt_unmap(device->ctx, &device->addr, bar->gpa + bar->parts[i].offset,
				   bar->parts[i].len);
}

/* A BAR that the guest puts over its memory, or where addresses end, is not there. */
static void bar_map(struct passthru *device, struct bar *bar)
{
	for (int i = 0; i < bar->part_count; i++)
		(void)vm_ppt_map(device->ctx, &device->addr, bar->gpa + bar->parts[i].offset,
				 bar->parts[i].len, bar->hpa + bar->parts[i].offset);
}

static void bars_update(struct passthru *device)
{
	uint16_t command = shadow16(device, REG_COMMAND);
	struct bar *bar;
	uint64_t gpa;
	bool decoded;

	for (int i = 0; i < BARS; i++) {
		bar = &device->bars[i];
		if (bar->len == 0)
			continue;
		decoded = command & (bar->ports ? COMMAND_IO : COMMAND_MEMORY);
		gpa = bar_value(device, i);
		if (decoded == bar->decoded && gpa == bar->gpa)
			continue;
		if (bar->decoded)
			bar_unmap(device, bar);
		bar->gpa = gpa;
		bar->decoded = decoded;
		if (bar->decoded)
			bar_map(device, bar);
	}
}

static void part_add(struct bar *bar, uint64_t from, uint64_t to)
{
	if (to <= from)
		return;
	bar->parts[bar->part_count].offset = from;
	bar->parts[bar->part_count].len = to - from;
	bar->part_count++;
}

/* Whole pages, without those of the MSI-X table. */
static void bar_divide(const struct passthru *device, int index, struct bar *bar)
{
	uint64_t end = bar->len / PAGE * PAGE, hole, hole_end;

	if (bar->ports)
		return;
	if (index != device->msix_bar) {
		part_add(bar, 0, end);
		return;
	}
	hole = device->msix_offset / PAGE * PAGE;
	hole_end = (device->msix_offset + device->msix_count * MSIX_ENTRY + PAGE - 1) / PAGE * PAGE;
	part_add(bar, 0, hole < end ? hole : end);
	part_add(bar, hole_end, end);
}

/* Next free place for LEN bytes, a power of two. 0: none. */
static uint64_t window_take(uint64_t *next, uint64_t end, uint64_t len)
{
	uint64_t at = (*next + len - 1) / len * len;

	if (at + len > end || at < *next)
		return 0;
	*next = at + len;
	return at;
}

static int bar_place(struct passthru *device, int index, struct bar *bar, uint32_t flags)
{
	static uint64_t next_memory = MEMORY_FIRST, next_port = PORTS_FIRST;
	unsigned int reg = REG_BAR0 + 4 * (unsigned int)index;
	uint64_t at, size_mask = ~(bar->len - 1);
	uint32_t type;

	if (bar->ports)
		at = window_take(&next_port, PORTS_END, bar->len);
	else
		at = window_take(&next_memory, MEMORY_END, bar->len < PAGE ? PAGE : bar->len);
	if (at == 0)
		return complain("%s: no room for BAR %d, %#lx bytes, below 4 GiB", device->name, index,
				(unsigned long)bar->len);
	type = bar->ports ? 1 : (bar->wide ? 4 : 0) | (flags & VML_PPT_REGION_PREFETCH ? 8 : 0);
	shadow_put(device, reg, 4, (uint32_t)at | type, (uint32_t)size_mask & (bar->ports ? 0xfffc : ~0xfu));
	if (bar->wide)
		shadow_put(device, reg + 4, 4, (uint32_t)(at >> 32), (uint32_t)(size_mask >> 32));
	bar->gpa = at;
	return 0;
}

static int bars_create(struct passthru *device, const struct vml_ppt_info *info)
{
	struct bar *bar;

	shadow_put(device, REG_ROM, 4, 0, 0);
	for (unsigned int i = REG_BAR0; i < REG_CARDBUS; i += 4)
		shadow_put(device, i, 4, 0, 0);
	for (int i = 0; i < BARS; i++) {
		bar = &device->bars[i];
		bar->len = info->regions[i].len;
		if (bar->len == 0)
			continue;
		bar->hpa = info->regions[i].hpa;
		bar->ports = info->regions[i].flags & VML_PPT_REGION_IO;
		bar->wide = info->regions[i].flags & VML_PPT_REGION_64;
		bar_divide(device, i, bar);
		if (bar_place(device, i, bar, info->regions[i].flags) != 0)
			return -1;
	}
	return 0;
}

/* ---- interrupts ---- */

static void irq_failed(struct passthru *device, const char *what)
{
	if (!device->failed)
		complain("%s: setting up %s failed: %s", device->name, what, strerror(errno));
	device->failed = true;
}

static void msix_vector_update(struct passthru *device, unsigned int index)
{
	uint32_t *entry = device->msix_table[index];
	bool masked = (entry[3] & MSIX_MASKED) ||
		      (shadow16(device, device->msix + MSIX_CONTROL) & MSIX_MASK_ALL);

	if (vm_ppt_msix(device->ctx, &device->addr, (int)index, entry[0] | (uint64_t)entry[1] << 32, entry[2],
			masked) != 0)
		irq_failed(device, "an MSI-X vector");
}

static void msix_update(struct passthru *device)
{
	for (unsigned int i = 0; i < device->msix_count; i++)
		msix_vector_update(device, i);
}

static void msi_start(struct passthru *device)
{
	uint16_t control = shadow16(device, device->msi + MSI_CONTROL);
	uint64_t addr = shadow32(device, device->msi + 4);
	unsigned int data_reg = device->msi + 8;

	if (control & MSI_64) {
		addr |= (uint64_t)shadow32(device, device->msi + 8) << 32;
		data_reg += 4;
	}
	if (vm_ppt_msi(device->ctx, &device->addr, addr, shadow16(device, data_reg),
		       1 << ((control & MSI_COUNT) >> MSI_COUNT_SHIFT)) != 0)
		irq_failed(device, "MSI");
}

static enum irq_mode irq_wanted(const struct passthru *device)
{
	uint16_t command = shadow16(device, REG_COMMAND);

	if (device->msix != 0 && (shadow16(device, device->msix + MSIX_CONTROL) & MSIX_ENABLE))
		return IRQ_MSIX;
	if (device->msi != 0 && (shadow16(device, device->msi + MSI_CONTROL) & MSI_ENABLE))
		return IRQ_MSI;
	if (device->has_intx && !(command & COMMAND_NO_INTX) && (command & (COMMAND_IO | COMMAND_MEMORY)))
		return IRQ_INTX;
	return IRQ_OFF;
}

static void irq_stop(struct passthru *device)
{
	switch (device->irq_mode) {
	case IRQ_OFF:
		break;
	case IRQ_INTX:
		(void)vm_ppt_intx(device->ctx, &device->addr, -1);
		break;
	case IRQ_MSI:
		(void)vm_ppt_msi(device->ctx, &device->addr, 0, 0, 0);
		break;
	case IRQ_MSIX:
		(void)vm_ppt_msix_off(device->ctx, &device->addr);
		break;
	}
}

/* CHANGED: the capability in use has been written to. */
static void irq_update(struct passthru *device, bool changed)
{
	enum irq_mode wanted = irq_wanted(device);

	if (wanted == device->irq_mode && !changed)
		return;
	if (wanted != device->irq_mode)
		irq_stop(device);
	else if (wanted == IRQ_INTX)
		return;
	device->irq_mode = wanted;
	if (wanted == IRQ_MSIX)
		msix_update(device);
	else if (wanted == IRQ_MSI)
		msi_start(device);
	else if (wanted == IRQ_INTX &&
		 vm_ppt_intx(device->ctx, &device->addr, PIN_OF_SLOT0 + (int)device->slot) != 0)
		irq_failed(device, "INTx");
}

/* ---- configuration space ---- */

static bool touches(unsigned int reg, unsigned int bytes, unsigned int first, unsigned int size)
{
	return reg < first + size && first < reg + bytes;
}

static void config_read_bytes(struct passthru *device, unsigned int reg, unsigned int bytes, uint32_t *value)
{
	*value = config_read(device, reg, bytes);
	for (unsigned int i = 0; i < bytes; i++)
		if (device->owned[reg + i])
			*value = (*value & ~(0xffu << 8 * i)) | (uint32_t)device->shadow[reg + i] << 8 * i;
}

static bool config_is_owned(const struct passthru *device, unsigned int reg, unsigned int bytes)
{
	for (unsigned int i = 0; i < bytes; i++)
		if (!device->owned[reg + i])
			return false;
	return true;
}

/* Of what is shared by both, the device gets the whole write: the kernel lets through what is its own. */
static void config_write_bytes(struct passthru *device, unsigned int reg, unsigned int bytes, uint32_t value)
{
	uint8_t byte;

	if (!config_is_owned(device, reg, bytes) || touches(reg, bytes, REG_COMMAND, 2))
		region_write(device, VML_PPT_REGION_CONFIG, reg, bytes, value);
	for (unsigned int i = 0; i < bytes; i++, value >>= 8) {
		byte = device->shadow[reg + i];
		device->shadow[reg + i] = (uint8_t)((byte & ~device->mask[reg + i]) |
						    (value & device->mask[reg + i]));
	}
}

static void config_written(struct passthru *device, unsigned int reg, unsigned int bytes, uint32_t value)
{
	bool msix = device->msix != 0 && touches(reg, bytes, device->msix + MSIX_CONTROL, 2);
	bool msi = device->msi != 0 && touches(reg, bytes, device->msi, 16);

	if (touches(reg, bytes, REG_COMMAND, 2) || touches(reg, bytes, REG_BAR0, 4 * BARS))
		bars_update(device);
	if (msix || msi || touches(reg, bytes, REG_COMMAND, 2))
		irq_update(device, msix || msi);
	if (device->express != 0 && reg == device->express + EXPRESS_CONTROL && bytes >= 2 &&
	    (value & EXPRESS_FLR))
		(void)vm_ppt_reset(device->ctx, &device->addr);
}

static void config_access(void *opaque, unsigned int reg, bool in, unsigned int bytes, uint32_t *value)
{
	struct passthru *device = opaque;

	pthread_mutex_lock(&device->lock);
	if (in) {
		config_read_bytes(device, reg, bytes, value);
	} else {
		config_write_bytes(device, reg, bytes, *value);
		config_written(device, reg, bytes, *value);
	}
	pthread_mutex_unlock(&device->lock);
}

/* ---- registers that are not mapped ---- */

static bool msix_table_has(const struct passthru *device, int bar, uint64_t offset)
{
	return bar == device->msix_bar && offset - device->msix_offset < device->msix_count * MSIX_ENTRY;
}

/* Words, aligned (PCI 3.0, 6.8.2). */
static void msix_table_access(struct passthru *device, uint64_t offset, bool write, void *buffer)
{
	unsigned int index = (unsigned int)((offset - device->msix_offset) / MSIX_ENTRY);
	uint32_t *word = &device->msix_table[index][(offset - device->msix_offset) % MSIX_ENTRY / 4];
	uint32_t old = *word;

	if (!write) {
		memcpy(buffer, word, 4);
		return;
	}
	memcpy(word, buffer, 4);
	if (*word != old && device->irq_mode == IRQ_MSIX)
		msix_vector_update(device, index);
}

static void bar_access(struct passthru *device, int bar, uint64_t offset, bool write, void *buffer, unsigned int bytes)
{
	uint64_t value = 0;

	if (write) {
		memcpy(&value, buffer, bytes);
		region_write(device, bar, offset, bytes, value);
		return;
	}
	value = region_read(device, bar, offset, bytes);
	memcpy(buffer, &value, bytes);
}

static unsigned int piece_size(uint64_t offset, unsigned int bytes, bool table)
{
	unsigned int piece = table ? 4 : 8;

	while (piece > bytes || offset % piece != 0)
		piece /= 2;
	return piece;
}

static void bar_access_all(struct passthru *device, int bar, uint64_t offset, bool write, uint8_t *buffer,
			   unsigned int bytes)
{
	unsigned int piece;
	bool table;

	for (; bytes != 0; offset += piece, buffer += piece, bytes -= piece) {
		table = msix_table_has(device, bar, offset);
		piece = piece_size(offset, bytes, table);
		if (table && piece == 4)
			msix_table_access(device, offset, write, buffer);
		else if (!table)
			bar_access(device, bar, offset, write, buffer, piece);
		else if (!write)
			memset(buffer, 0xff, piece);
	}
}

static bool device_access(struct passthru *device, bool ports, uint64_t at, bool write, void *buffer, int bytes)
{
	const struct bar *bar;
	bool found = false;

	pthread_mutex_lock(&device->lock);
	for (int i = 0; i < BARS && !found; i++) {
		bar = &device->bars[i];
		if (bar->len == 0 || bar->ports != ports || !bar->decoded || at - bar->gpa >= bar->len ||
		    bar->len - (at - bar->gpa) < (uint64_t)bytes)
			continue;
		bar_access_all(device, i, at - bar->gpa, write, buffer, (unsigned int)bytes);
		found = true;
	}
	pthread_mutex_unlock(&device->lock);
	return found;
}

bool passthru_mmio(uint64_t gpa, bool write, void *buffer, int bytes)
{
	for (unsigned int i = 0; i < device_count; i++)
		if (device_access(&devices[i], false, gpa, write, buffer, bytes))
			return true;
	return false;
}

static void ports_access(void *unused, unsigned int offset, bool in, unsigned int bytes, uint32_t *value)
{
	(void)unused;
	for (unsigned int i = 0; i < device_count; i++)
		if (device_access(&devices[i], true, PORTS_FIRST + offset, !in, value, (int)bytes))
			return;
	*value = UINT32_MAX;
}

/* ---- creation ---- */

static void msi_create(struct passthru *device, unsigned int at)
{
	uint16_t control = (uint16_t)config_read(device, at + MSI_CONTROL, 2);
	unsigned int size = control & MSI_64 ? 8 : 4;

	device->msi = at;
	control &= (uint16_t)~(MSI_ENABLE | MSI_COUNT | MSI_MASKING);
	shadow_put(device, at + MSI_CONTROL, 2, control, MSI_ENABLE | MSI_COUNT);
	shadow_put(device, at + 4, 4, 0, ~3u);
	if (size == 8)
		shadow_put(device, at + 8, 4, 0, UINT32_MAX);
	shadow_put(device, at + 4 + size, 2, 0, UINT32_MAX);
}

static int msix_create(struct passthru *device, unsigned int at, const struct vml_ppt_info *info)
{
	uint16_t control = (uint16_t)config_read(device, at + MSIX_CONTROL, 2);

	if (info->msix_bar < 0)
		return 0;
	device->msix = at;
	device->msix_bar = info->msix_bar;
	device->msix_offset = info->msix_offset;
	device->msix_count = info->irqs[VML_PPT_IRQ_MSIX];
	device->msix_table = calloc(device->msix_count, sizeof(device->msix_table[0]));
	if (device->msix_table == NULL)
		return complain("out of memory");
	for (unsigned int i = 0; i < device->msix_count; i++)
		device->msix_table[i][3] = MSIX_MASKED;
	control &= (uint16_t)~(MSIX_ENABLE | MSIX_MASK_ALL);
	shadow_put(device, at + MSIX_CONTROL, 2, control, MSIX_ENABLE | MSIX_MASK_ALL);
	return 0;
}

static int capability_create(struct passthru *device, unsigned int at, const struct vml_ppt_info *info)
{
	switch (config_read(device, at, 1)) {
	case CAP_PM:
		/* The state is remembered and nothing else: the device stays awake. */
		shadow_put(device, at + PM_CONTROL, 1, config_read(device, at + PM_CONTROL, 1) & ~PM_STATE, PM_STATE);
		return 0;
	case CAP_MSI:
		msi_create(device, at);
		return 0;
	case CAP_MSIX:
		return msix_create(device, at, info);
	case CAP_EXPRESS:
		device->express = at;
		return 0;
	default:
		return 0;
	}
}

static int capabilities_create(struct passthru *device, const struct vml_ppt_info *info)
{
	unsigned int at, count;

	if (!(config_read(device, REG_STATUS, 2) & STATUS_CAPS))
		return 0;
	at = config_read(device, REG_CAPS, 1) & ~3u;
	for (count = 0; at >= CAPS_FIRST && count < 48; count++) {
		if (capability_create(device, at, info) != 0)
			return -1;
		at = config_read(device, at + 1, 1) & ~3u;
	}
	return 0;
}

static int bind_complain(const struct passthru *device)
{
	switch (errno) {
	case ENOENT:
		return complain("%s is not reserved for passthrough. Try \"vmmctl ppt attach %s\", or pptdevs= of vmm.ko",
				device->name, device->name);
	case EBUSY:
		return complain("%s is in use: by another machine, or its IOMMU group by the host. \"dmesg | grep vmm:\" tells by whom",
				device->name);
	case EPERM:
		return complain("%s: only root passes devices through, or whom root has granted it (echo UID > /sys/bus/pci/devices/%s/ppt_uid)",
				device->name, device->name);
	default:
		return complain("%s cannot be passed through: %s. \"dmesg | grep vmm:\" tells why", device->name,
				strerror(errno));
	}
}

static void *watch(void *opaque)
{
	struct passthru *device = opaque;
	uint64_t count;

	if (read(device->event_fd, &count, sizeof(count)) == sizeof(count))
		complain("%s was taken away by the host; the guest finds all ones there", device->name);
	return NULL;
}

static int watch_create(struct passthru *device)
{
	device->event_fd = eventfd(0, EFD_CLOEXEC);
	if (device->event_fd < 0 || vm_ppt_event(device->ctx, &device->addr, device->event_fd) != 0 ||
	    pthread_create(&device->watcher, NULL, watch, device) != 0)
		return complain("%s: cannot watch for its removal: %s", device->name, strerror(errno));
	pthread_detach(device->watcher);
	return 0;
}

static int device_create(struct passthru *device, struct machine *machine, unsigned int index)
{
	struct vml_ppt_info info;

	device->ctx = machine->ctx;
	device->addr = machine->options->passthru[index];
	device->slot = SLOT_FIRST + index;
	device->msix_bar = -1;
	pthread_mutex_init(&device->lock, NULL);
	snprintf(device->name, sizeof(device->name), "%04x:%02x:%02x.%x", device->addr.domain, device->addr.bus,
		 device->addr.slot, device->addr.func);
	if (vm_ppt_bind(device->ctx, &device->addr) != 0)
		return bind_complain(device);
	if (vm_ppt_info(device->ctx, &device->addr, &info) != 0)
		return complain("%s: asking for its registers failed: %s", device->name, strerror(errno));
	device->has_intx = info.irqs[VML_PPT_IRQ_INTX] != 0;
	shadow_put(device, REG_COMMAND, 2, 0, COMMAND_SHADOW);
	shadow_put(device, REG_HEADER, 1, 0, 0);
	shadow_put(device, REG_LINE, 1, (uint32_t)PIN_OF_SLOT0 + device->slot, 0xff);
	shadow_put(device, REG_PIN, 1, device->has_intx, 0);
	if (capabilities_create(device, &info) != 0 || bars_create(device, &info) != 0 || watch_create(device) != 0)
		return -1;
	pci_function_add(device->slot, config_access, device);
	return 0;
}

int passthru_create(struct machine *machine)
{
	for (unsigned int i = 0; i < machine->options->passthru_count; i++, device_count++)
		if (device_create(&devices[i], machine, i) != 0)
			return -1;
	if (device_count != 0)
		inout_register(PORTS_FIRST, PORTS_END - PORTS_FIRST, 1 | 2 | 4, ports_access, NULL);
	return 0;
}

int passthru_parse(const char *text, struct vm_ppt_addr *addr)
{
	struct pptdevs_entry entry;
	const char *cursor = text;

	if (pptdevs_next(&cursor, &entry) != 1 || *cursor != '\0')
		return complain("\"%s\" is no PCI function: give bus/slot/func in decimal, or [domain:]bus:slot.func in hexadecimal as lspci does",
				text);
	*addr = (struct vm_ppt_addr){ entry.domain, entry.bus, entry.slot, entry.func };
	return 0;
}
