// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * Keyboard controller (Intel 8042 as in the PC/AT) with nothing plugged in: its self test passes,
 * its two port tests too, what is sent to a device is never answered. Its use is the reset line.
 */
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#include "i8042.h"
#include "inout.h"
#include "machine.h"
#include "snapshot.h"

#define DATA_PORT		0x60
#define COMMAND_PORT		0x64

#define STATUS_OUTPUT_FULL	0x01
#define STATUS_SYSTEM		0x04
#define STATUS_COMMAND		0x08
#define STATUS_UNLOCKED		0x10

#define CONFIG_SYSTEM		0x04
#define CONFIG_KBD_OFF		0x10
#define CONFIG_AUX_OFF		0x20

#define OUTPUT_NO_RESET		0x01
#define OUTPUT_A20		0x02

enum {
	CMD_READ_RAM = 0x20,		/* to 0x3f */
	CMD_WRITE_RAM = 0x60,		/* to 0x7f */
	CMD_AUX_OFF = 0xa7,
	CMD_AUX_ON = 0xa8,
	CMD_AUX_TEST = 0xa9,
	CMD_SELF_TEST = 0xaa,
	CMD_KBD_TEST = 0xab,
	CMD_KBD_OFF = 0xad,
	CMD_KBD_ON = 0xae,
	CMD_READ_OUTPUT = 0xd0,
	CMD_WRITE_OUTPUT = 0xd1,
	CMD_PULSE = 0xf0,		/* to 0xff: bit 0 clear pulses the reset line */
};

/* All under lock, except machine. */
static struct {
	struct machine	*machine;
	pthread_mutex_t	lock;
	uint8_t		ram[32];	/* byte 0 is the configuration */
	uint8_t		output;		/* what the data port gives */
	bool		output_full;
	bool		last_command;	/* the last write went to the command port */
	uint8_t		data_for;	/* command that waits for a data byte, or 0 */
} kbc = { .lock = PTHREAD_MUTEX_INITIALIZER,
	  .ram = { CONFIG_SYSTEM | CONFIG_KBD_OFF | CONFIG_AUX_OFF } };

static void answer(uint8_t byte)
{
	kbc.output = byte;
	kbc.output_full = true;
}

static void reset(void)
{
	vm_suspend(kbc.machine->ctx, VM_SUSPEND_RESET);
}

static void command(uint8_t cmd)
{
	kbc.data_for = 0;
	if (cmd >= CMD_READ_RAM && cmd < CMD_READ_RAM + sizeof(kbc.ram))
		answer(kbc.ram[cmd - CMD_READ_RAM]);
	else if (cmd >= CMD_WRITE_RAM && cmd < CMD_WRITE_RAM + sizeof(kbc.ram))
		kbc.data_for = cmd;
	else if (cmd >= CMD_PULSE && !(cmd & OUTPUT_NO_RESET))
		reset();
	switch (cmd) {
	case CMD_AUX_OFF:
		kbc.ram[0] |= CONFIG_AUX_OFF;
		break;
	case CMD_AUX_ON:
		kbc.ram[0] &= (uint8_t)~CONFIG_AUX_OFF;
		break;
	case CMD_SELF_TEST:
		answer(0x55);
		break;
	case CMD_AUX_TEST:
	case CMD_KBD_TEST:
		answer(0x00);
		break;
	case CMD_KBD_OFF:
		kbc.ram[0] |= CONFIG_KBD_OFF;
		break;
	case CMD_KBD_ON:
		kbc.ram[0] &= (uint8_t)~CONFIG_KBD_OFF;
		break;
	case CMD_READ_OUTPUT:
		answer(OUTPUT_NO_RESET | OUTPUT_A20);
		break;
	case CMD_WRITE_OUTPUT:
		kbc.data_for = cmd;
		break;
	default:
		break;
	}
}

static void data(uint8_t byte)
{
	if (kbc.data_for == CMD_WRITE_OUTPUT && !(byte & OUTPUT_NO_RESET))
		reset();
	else if (kbc.data_for >= CMD_WRITE_RAM && kbc.data_for < CMD_WRITE_RAM + sizeof(kbc.ram))
		kbc.ram[kbc.data_for - CMD_WRITE_RAM] = byte;
	kbc.data_for = 0;
}

static uint8_t status(void)
{
	return (uint8_t)(STATUS_UNLOCKED | (kbc.ram[0] & CONFIG_SYSTEM ? STATUS_SYSTEM : 0) |
			 (kbc.last_command ? STATUS_COMMAND : 0) |
			 (kbc.output_full ? STATUS_OUTPUT_FULL : 0));
}

static void data_access(void *device, unsigned int offset, bool in, unsigned int bytes,
			uint32_t *value)
{
	(void)device;
	(void)offset;
	(void)bytes;
	pthread_mutex_lock(&kbc.lock);
	if (in) {
		*value = kbc.output;
		kbc.output_full = false;
	} else {
		kbc.last_command = false;
		data((uint8_t)*value);
	}
	pthread_mutex_unlock(&kbc.lock);
}

static void command_access(void *device, unsigned int offset, bool in, unsigned int bytes,
			   uint32_t *value)
{
	(void)device;
	(void)offset;
	(void)bytes;
	pthread_mutex_lock(&kbc.lock);
	if (in) {
		*value = status();
	} else {
		kbc.last_command = true;
		command((uint8_t)*value);
	}
	pthread_mutex_unlock(&kbc.lock);
}

void i8042_create(struct machine *machine)
{
	kbc.machine = machine;
	inout_register(DATA_PORT, 1, 1, data_access, NULL);
	inout_register(COMMAND_PORT, 1, 1, command_access, NULL);
}

/* As it lies in a snapshot. */
struct i8042_state {
	uint8_t	ram[32];
	uint8_t	output, output_full, last_command, data_for;
};

static void i8042_save(struct machine *machine, void *buf)
{
	struct i8042_state state = {
		.output = kbc.output, .output_full = kbc.output_full,
		.last_command = kbc.last_command, .data_for = kbc.data_for,
	};

	(void)machine;
	memcpy(state.ram, kbc.ram, sizeof(state.ram));
	memcpy(buf, &state, sizeof(state));
}

static bool i8042_valid(const void *buf)
{
	struct i8042_state state;

	memcpy(&state, buf, sizeof(state));
	return state.output_full <= 1 && state.last_command <= 1 &&
	       (state.data_for == 0 || state.data_for == CMD_WRITE_OUTPUT ||
		(state.data_for >= CMD_WRITE_RAM &&
		 state.data_for < CMD_WRITE_RAM + sizeof(state.ram)));
}

static void i8042_restore(struct machine *machine, const void *buf)
{
	struct i8042_state state;

	(void)machine;
	memcpy(&state, buf, sizeof(state));
	memcpy(kbc.ram, state.ram, sizeof(kbc.ram));
	kbc.output = state.output;
	kbc.output_full = state.output_full;
	kbc.last_command = state.last_command;
	kbc.data_for = state.data_for;
}

const struct snapshot_part i8042_part = { "i8042", sizeof(struct i8042_state), i8042_save,
					  i8042_valid, i8042_restore };
