// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * PCI configuration mechanism #1 (PCI Local Bus Specification 3.0, 3.2.2.3.2). Bus 0 has a host bridge
 * in slot 0, and in other slots what pci_function_add() was told. Functions that are not there read all ones.
 */
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#include "inout.h"
#include "pci.h"
#include "snapshot.h"

#define ADDRESS_PORT		0xcf8
#define DATA_PORT		0xcfc
#define ADDRESS_ENABLE		0x80000000u
#define ADDRESS_MASK		0x80fffffcu

#define REGISTER_MASK		0xfcu
#define SLOT_SHIFT		11
#define SLOTS			32u

#define CONFIG_SIZE		256

#define COMMAND_OFFSET		0x04
#define COMMAND_MASK		0x0007		/* I/O, memory, bus master */

/* The vendor and device numbers by which bhyve's guests know their host bridge. */
static struct {
	pthread_mutex_t	lock;
	uint32_t	address;		/* under lock */
	uint8_t		bridge[CONFIG_SIZE];	/* under lock; configuration of 0:0.0 */
} pci = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.bridge = {
		[0x00] = 0x75, [0x01] = 0x12,	/* vendor */
		[0x02] = 0x75, [0x03] = 0x12,	/* device */
		[0x0a] = 0x00, [0x0b] = 0x06,	/* class: host bridge */
	},
};

/*
 * Only 4-byte accesses reach the address register. Its second byte is also the reset register's
 * port, for which pm.c registers later.
 */
static void address_access(void *device, unsigned int offset, bool in, unsigned int bytes,
			   uint32_t *value)
{
	(void)device;
	(void)offset;
	(void)bytes;
	pthread_mutex_lock(&pci.lock);
	if (in)
		*value = pci.address;
	else
		pci.address = *value & ADDRESS_MASK;
	pthread_mutex_unlock(&pci.lock);
}

static void bridge_write(unsigned int reg, unsigned int bytes, uint32_t value)
{
	for (unsigned int i = 0; i < bytes; i++, reg++, value >>= 8)
		if (reg == COMMAND_OFFSET)
			pci.bridge[reg] = value & COMMAND_MASK;
}

static void bridge_access(void *device, unsigned int reg, bool in, unsigned int bytes, uint32_t *value)
{
	(void)device;
	pthread_mutex_lock(&pci.lock);
	if (in)
		memcpy(value, pci.bridge + reg, bytes);
	else
		bridge_write(reg, bytes, *value);
	pthread_mutex_unlock(&pci.lock);
}

/* By slot; function 0 of bus 0. Constant once the vCPUs run. */
static struct {
	pci_handler	*handler;
	void		*device;
} functions[SLOTS] = { { bridge_access, NULL } };

void pci_function_add(unsigned int slot, pci_handler *handler, void *device)
{
	functions[slot].handler = handler;
	functions[slot].device = device;
}

static void data_access(void *device, unsigned int offset, bool in, unsigned int bytes,
			uint32_t *value)
{
	uint32_t address, slot;

	(void)device;
	pthread_mutex_lock(&pci.lock);
	address = pci.address;
	pthread_mutex_unlock(&pci.lock);
	slot = address >> SLOT_SHIFT & (SLOTS - 1);
	if ((address & ~REGISTER_MASK) == (ADDRESS_ENABLE | slot << SLOT_SHIFT) && functions[slot].handler != NULL)
		functions[slot].handler(functions[slot].device, (address & REGISTER_MASK) + offset, in, bytes, value);
	else
		*value = 0xffffffff;
}

void pci_create(void)
{
	inout_register(ADDRESS_PORT, 4, 4, address_access, NULL);
	inout_register(DATA_PORT, 4, 1 | 2 | 4, data_access, NULL);
}

/* As it lies in a snapshot: what a guest can change. */
struct pci_state {
	uint32_t	address;
	uint32_t	command;
};

static void pci_save(struct machine *machine, void *buf)
{
	struct pci_state state = { pci.address, pci.bridge[COMMAND_OFFSET] };

	(void)machine;
	memcpy(buf, &state, sizeof(state));
}

static bool pci_valid(const void *buf)
{
	struct pci_state state;

	memcpy(&state, buf, sizeof(state));
	return !(state.address & ~ADDRESS_MASK) && !(state.command & ~(uint32_t)COMMAND_MASK);
}

static void pci_restore(struct machine *machine, const void *buf)
{
	struct pci_state state;

	(void)machine;
	memcpy(&state, buf, sizeof(state));
	pci.address = state.address;
	pci.bridge[COMMAND_OFFSET] = (uint8_t)state.command;
}

const struct snapshot_part pci_part = { "pci", sizeof(struct pci_state), pci_save, pci_valid,
					pci_restore };
