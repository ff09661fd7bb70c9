// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * vmmrun: a small monitor for vmm(4). Runs a Linux kernel in a virtual machine, with this terminal
 * as its console.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "acpi.h"
#include "bootstate.h"
#include "cmos.h"
#include "complain.h"
#include "console.h"
#include "file.h"
#include "i8042.h"
#include "kernel.h"
#include "machine.h"
#include "mptable.h"
#include "options.h"
#include "passthru.h"
#include "pci.h"
#include "pm.h"
#include "snapshot.h"
#include "stats.h"
#include "uart.h"

#define COM1_PORT		0x3f8
#define COM1_IRQ		4
#define HPET_CAPS_USUAL		0x80860701	/* of a machine that does not exist */
#define XAPIC_CPUS_MAX		255
#define MPTABLE_ALIGN		16

/* Writes ACPI and MP tables to AREA, TABLES_ROOM bytes that are zero and will be at TABLES_GPA. */
static int tables_build(struct acpi *acpi, uint8_t *area, int cpus, uint32_t hpet_caps)
{
	size_t at;

	*acpi = (struct acpi){ .base = area, .gpa = TABLES_GPA, .room = TABLES_ROOM };
	if (acpi_build(acpi, cpus, hpet_caps) != 0)
		return -1;
	at = (acpi->used + MPTABLE_ALIGN - 1) / MPTABLE_ALIGN * MPTABLE_ALIGN;
	if (mptable_build(area + at, TABLES_GPA + at, TABLES_ROOM - at, cpus) == 0)
		return complain(
			"the tables for that many processors do not fit below 1 MiB: give fewer with -c");
	return 0;
}

static int tables_dump(const struct options *options)
{
	uint8_t *area = calloc(1, TABLES_ROOM);
	struct acpi acpi;
	int error;

	if (area == NULL)
		return complain("out of memory");
	error = tables_build(&acpi, area, options->cpus, HPET_CAPS_USUAL);
	if (error == 0)
		error = acpi_dump(&acpi, options->dump_acpi);
	free(area);
	return error;
}

/* pci before pm: they share a port, and pm is to have it. */
static int devices_create(struct machine *machine)
{
	pci_create();
	pm_create(machine);
	i8042_create(machine);
	machine->uart = uart_create(machine, COM1_PORT, COM1_IRQ);
	if (machine->uart == NULL)
		return -1;
	if (passthru_create(machine) != 0)
		return -1;
	return cmos_fill(machine);
}

static int memory_fill(struct machine *machine, const struct kernel_plan *plan)
{
	struct acpi acpi;
	uint32_t hpet_caps;

	if (vm_get_hpet_capabilities(machine->ctx, &hpet_caps) != 0)
		return complain("asking for the HPET's capabilities failed: %s", strerror(errno));
	if (tables_build(&acpi, memory_at(&machine->memory, TABLES_GPA, TABLES_ROOM),
			 machine->options->cpus, hpet_caps) != 0)
		return -1;
	memory_bda_write(&machine->memory);
	bootstate_place(&machine->memory, plan->state.mode);
	kernel_place(plan, &machine->memory, TABLES_GPA);
	return 0;
}

/* What a machine begins with: a kernel, or a snapshot. One of them is NULL. */
static int machine_fill(struct machine *machine, const struct kernel_plan *plan,
			const struct snapshot *snapshot)
{
	if (snapshot != NULL)
		return snapshot_restore(snapshot, machine);
	return memory_fill(machine, plan);
}

/* The machine's whole life. */
static enum machine_end machine_live(const struct options *options, const struct kernel_plan *plan,
				     const struct snapshot *snapshot)
{
	enum machine_end end = MACHINE_ERROR;
	struct machine machine;
	struct timespec start;

	if (machine_create(&machine, options) == 0 && devices_create(&machine) == 0 &&
	    machine_fill(&machine, plan, snapshot) == 0) {
		clock_gettime(CLOCK_MONOTONIC, &start);
		console_raw();
		end = machine_run(&machine, plan != NULL ? &plan->state : NULL);
		console_restore();
		if (end == MACHINE_ERROR && machine.end_text != NULL)
			complain("%s: %s", options->name, machine.end_text);
		if (options->stats)
			stats_print(&machine, &start);
	}
	machine_destroy(&machine);
	return end;
}

static enum machine_end run(const struct options *options)
{
	size_t lowmem = options->memory < LOWMEM_MAX ? options->memory : LOWMEM_MAX;
	struct file kernel = { 0 }, initrd = { 0 };
	enum machine_end end = MACHINE_ERROR;
	struct kernel_plan plan;

	if (options->cpus > XAPIC_CPUS_MAX && !options->x2apic) {
		complain("%d processors need x2APIC: add -x, or give at most -c %d", options->cpus,
			 XAPIC_CPUS_MAX);
		return MACHINE_ERROR;
	}
	if (file_read(&kernel, options->kernel, "kernel") == 0 &&
	    (options->initrd == NULL ||
	     file_read(&initrd, options->initrd, "initial ramdisk") == 0) &&
	    kernel_plan(&plan, &kernel, options->initrd != NULL ? &initrd : NULL, options->cmdline,
			lowmem) == 0 &&
	    console_signals_init() == 0)
		end = machine_live(options, &plan, NULL);
	file_free(&kernel);
	file_free(&initrd);
	return end;
}

/* The file says what the machine is like; the command line, what it is called and where it is saved. */
static enum machine_end run_restored(struct options *options)
{
	enum machine_end end = MACHINE_ERROR;
	struct snapshot snapshot;

	if (snapshot_open(&snapshot, options->restore, options) == 0 && console_signals_init() == 0)
		end = machine_live(options, NULL, &snapshot);
	snapshot_close(&snapshot);
	return end;
}

int main(int argc, char **argv)
{
	struct options options;

	switch (options_parse(&options, argc, argv)) {
	case OPTIONS_DONE:
		return 0;
	case OPTIONS_BAD:
		return MACHINE_ERROR;
	case OPTIONS_RUN:
		break;
	}
	if (options.dump_acpi != NULL)
		return tables_dump(&options) == 0 ? 0 : MACHINE_ERROR;
	return options.restore != NULL ? run_restored(&options) : run(&options);
}
