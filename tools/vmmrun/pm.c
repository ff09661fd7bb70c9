// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * ACPI power management (ACPI specification, fixed hardware: PM1 event and control registers), and
 * the ports that reset a PC.
 */
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#include "inout.h"
#include "machine.h"
#include "pm.h"
#include "snapshot.h"

#define PM1_POWER_BUTTON	0x0100
#define PM1_ENABLE_MASK		0x0721

#define PM1_SCI_EN		0x0001
#define PM1_SLEEP_ENABLE	0x2000
#define PM1_CONTROL_MASK	0x1e07		/* read back: SCI_EN, BM_RLD, GBL_RLS, SLP_TYP */

#define RESET_CPU		0x04		/* port 0xcf9: reset on the rise of this bit */
#define RESET_STORED		0x0a
#define FAST_RESET		0x01		/* port 0x92 */

/* One machine a process, so one of these. All under lock, except machine. */
static struct {
	struct machine	*machine;
	pthread_mutex_t	lock;
	uint16_t	status, enable, control;
	uint8_t		smi_command, reset, port92;
	bool		asserted;		/* what the SCI is told */
} pm = { .lock = PTHREAD_MUTEX_INITIALIZER, .port92 = 0x02 };

static void sci_update(void)
{
	bool wanted = (pm.control & PM1_SCI_EN) && (pm.status & pm.enable);

	if (wanted == pm.asserted)
		return;
	pm.asserted = wanted;
	if (wanted)
		vm_isa_assert_irq(pm.machine->ctx, PM_SCI_IRQ, PM_SCI_IRQ);
	else
		vm_isa_deassert_irq(pm.machine->ctx, PM_SCI_IRQ, PM_SCI_IRQ);
}

static uint32_t bytes_mask(unsigned int bytes)
{
	return bytes == 4 ? 0xffffffff : (1u << (8 * bytes)) - 1;
}

/*
 * Status in the low half, cleared by writing ones; enable in the high half. Any part of it can be
 * accessed.
 */
static void pm1_event_access(void *device, unsigned int offset, bool in, unsigned int bytes,
			     uint32_t *value)
{
	uint32_t mask = bytes_mask(bytes) << (8 * offset), written = *value << (8 * offset), both;

	(void)device;
	pthread_mutex_lock(&pm.lock);
	both = pm.status | (uint32_t)pm.enable << 16;
	if (in) {
		*value = (both & mask) >> (8 * offset);
	} else {
		pm.status &= (uint16_t)~(written & mask);
		both = (both & ~mask) | (written & mask);
		pm.enable = (uint16_t)(both >> 16) & PM1_ENABLE_MASK;
		sci_update();
	}
	pthread_mutex_unlock(&pm.lock);
}

static void control_write(uint16_t control)
{
	pm.control =
		(uint16_t)((control & PM1_CONTROL_MASK & ~PM1_SCI_EN) | (pm.control & PM1_SCI_EN));
	if ((control & PM1_SLEEP_ENABLE) && ((control >> 10) & 7) == PM_SLEEP_TYPE_OFF)
		vm_suspend(pm.machine->ctx, VM_SUSPEND_POWEROFF);
}

static void pm1_control_access(void *device, unsigned int offset, bool in, unsigned int bytes,
			       uint32_t *value)
{
	uint32_t mask = bytes_mask(bytes) << (8 * offset);

	(void)device;
	pthread_mutex_lock(&pm.lock);
	if (in)
		*value = (pm.control & mask) >> (8 * offset);
	else
		control_write((uint16_t)((pm.control & ~mask) | (*value << (8 * offset) & mask)));
	pthread_mutex_unlock(&pm.lock);
}

static void smi_access(void *device, unsigned int offset, bool in, unsigned int bytes,
		       uint32_t *value)
{
	(void)device;
	(void)offset;
	(void)bytes;
	pthread_mutex_lock(&pm.lock);
	if (in) {
		*value = pm.smi_command;
	} else {
		pm.smi_command = (uint8_t)*value;
		if (*value == PM_ACPI_ENABLE)
			pm.control |= PM1_SCI_EN;
		else if (*value == PM_ACPI_DISABLE)
			pm.control &= (uint16_t)~PM1_SCI_EN;
		sci_update();
	}
	pthread_mutex_unlock(&pm.lock);
}

static void reset_access(void *device, unsigned int offset, bool in, unsigned int bytes,
			 uint32_t *value)
{
	(void)device;
	(void)offset;
	(void)bytes;
	pthread_mutex_lock(&pm.lock);
	if (in) {
		*value = pm.reset;
	} else {
		if (*value & RESET_CPU)
			vm_suspend(pm.machine->ctx, VM_SUSPEND_RESET);
		pm.reset = *value & RESET_STORED;
	}
	pthread_mutex_unlock(&pm.lock);
}

/* System control port A: bit 1 is the A20 gate, which is always open here. */
static void port92_access(void *device, unsigned int offset, bool in, unsigned int bytes,
			  uint32_t *value)
{
	(void)device;
	(void)offset;
	(void)bytes;
	pthread_mutex_lock(&pm.lock);
	if (in) {
		*value = pm.port92;
	} else {
		if ((*value & FAST_RESET) && !(pm.port92 & FAST_RESET))
			vm_suspend(pm.machine->ctx, VM_SUSPEND_RESET);
		pm.port92 = (uint8_t)*value;
	}
	pthread_mutex_unlock(&pm.lock);
}

void pm_create(struct machine *machine)
{
	pm.machine = machine;
	vm_isa_set_irq_trigger(machine->ctx, PM_SCI_IRQ, LEVEL_TRIGGER);
	inout_register(PM1_EVENT_PORT, 4, 1 | 2 | 4, pm1_event_access, NULL);
	inout_register(PM1_CONTROL_PORT, 2, 1 | 2, pm1_control_access, NULL);
	inout_register(PM_SMI_PORT, 1, 1, smi_access, NULL);
	inout_register(PM_RESET_PORT, 1, 1, reset_access, NULL);
	inout_register(0x92, 1, 1, port92_access, NULL);
}

void pm_power_button(void)
{
	pthread_mutex_lock(&pm.lock);
	pm.status |= PM1_POWER_BUTTON;
	sci_update();
	pthread_mutex_unlock(&pm.lock);
}

/* As it lies in a snapshot. */
struct pm_state {
	uint16_t	status, enable, control;
	uint8_t		smi_command, reset, port92, asserted;
};

static void pm_save(struct machine *machine, void *buf)
{
	struct pm_state state = {
		.status = pm.status, .enable = pm.enable, .control = pm.control,
		.smi_command = pm.smi_command, .reset = pm.reset, .port92 = pm.port92,
		.asserted = pm.asserted,
	};

	(void)machine;
	memcpy(buf, &state, sizeof(state));
}

static bool pm_valid(const void *buf)
{
	struct pm_state state;

	memcpy(&state, buf, sizeof(state));
	return !(state.status & ~PM1_POWER_BUTTON) && !(state.enable & ~PM1_ENABLE_MASK) &&
	       !(state.control & ~PM1_CONTROL_MASK) && !(state.reset & ~RESET_STORED) &&
	       state.asserted <= 1;
}

static void pm_restore(struct machine *machine, const void *buf)
{
	struct pm_state state;

	(void)machine;
	memcpy(&state, buf, sizeof(state));
	pm.status = state.status;
	pm.enable = state.enable;
	pm.control = state.control;
	pm.smi_command = state.smi_command;
	pm.reset = state.reset;
	pm.port92 = state.port92;
	pm.asserted = state.asserted;
}

const struct snapshot_part pm_part = { "pm", sizeof(struct pm_state), pm_save, pm_valid,
				       pm_restore };
