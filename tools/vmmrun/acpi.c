// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * ACPI tables, version 5.0 of the specification. The DSDT comes from dsdt.asl, the others depend on
 * the machine and are made here.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "acpi.h"
#include "complain.h"
#include "pm.h"

#include "dsdt.hex"

#define PACKED		__attribute__((packed))

#define LAPIC_GPA	0xfee00000u
#define IOAPIC_GPA	0xfec00000u
#define HPET_GPA	0xfed00000u

#define CENTURY_OFFSET	0x32		/* in the clock chip's memory */
#define APIC_ID_XAPIC_MAX	254	/* 255 is broadcast */

struct table_header {
	char		signature[4];
	uint32_t	length;
	uint8_t		revision;
	uint8_t		checksum;
	char		oem_id[6];
	char		oem_table_id[8];
	uint32_t	oem_revision;
	char		creator_id[4];
	uint32_t	creator_revision;
} PACKED;

/* Generic address. */
struct gas {
	uint8_t		space;		/* GAS_* */
	uint8_t		bits;
	uint8_t		bit_offset;
	uint8_t		access;		/* 1 byte, 2 word, 3 dword */
	uint64_t	address;
} PACKED;

#define GAS_MEMORY	0
#define GAS_IO		1

struct rsdp {
	char		signature[8];
	uint8_t		checksum;	/* of the first 20 bytes */
	char		oem_id[6];
	uint8_t		revision;
	uint32_t	rsdt_gpa;
	uint32_t	length;
	uint64_t	xsdt_gpa;
	uint8_t		extended_checksum;
	uint8_t		reserved[3];
} PACKED;

struct facs {
	char		signature[4];
	uint32_t	length;
	uint32_t	hardware_signature;
	uint32_t	waking_vector;
	uint32_t	global_lock;
	uint32_t	flags;
	uint64_t	x_waking_vector;
	uint8_t		version;
	uint8_t		reserved[31];
} PACKED;

struct fadt {
	struct table_header	header;
	uint32_t		facs_gpa;
	uint32_t		dsdt_gpa;
	uint8_t			reserved0;
	uint8_t			profile;
	uint16_t		sci_irq;
	uint32_t		smi_port;
	uint8_t			acpi_enable;
	uint8_t			acpi_disable;
	uint8_t			s4bios_req;
	uint8_t			pstate_control;
	uint32_t pm1a_event, pm1b_event, pm1a_control, pm1b_control, pm2_control, pm_timer, gpe0,
		gpe1;
	uint8_t pm1_event_len, pm1_control_len, pm2_control_len, pm_timer_len, gpe0_len, gpe1_len,
		gpe1_base;
	uint8_t			cst_control;
	uint16_t		c2_latency;
	uint16_t		c3_latency;
	uint16_t		flush_size;
	uint16_t		flush_stride;
	uint8_t			duty_offset;
	uint8_t			duty_width;
	uint8_t			day_alarm;
	uint8_t			month_alarm;
	uint8_t			century;
	uint16_t		boot_arch;
	uint8_t			reserved1;
	uint32_t		flags;
	struct gas		reset;
	uint8_t			reset_value;
	uint16_t		arm_boot_arch;
	uint8_t			minor_revision;
	uint64_t		x_facs_gpa;
	uint64_t		x_dsdt_gpa;
	struct gas x_pm1a_event, x_pm1b_event, x_pm1a_control, x_pm1b_control, x_pm2_control,
		x_pm_timer, x_gpe0, x_gpe1;
	struct gas		sleep_control, sleep_status;
} PACKED;

#define FADT_WBINVD		(1u << 0)
#define FADT_PROC_C1		(1u << 2)
#define FADT_NO_SLEEP_BUTTON	(1u << 5)
#define FADT_NO_RTC_WAKE	(1u << 6)
#define FADT_TIMER_32BIT	(1u << 8)
#define FADT_RESET		(1u << 10)
#define FADT_APIC_PHYSICAL	(1u << 19)

#define BOOT_LEGACY_DEVICES	(1u << 0)
#define BOOT_NO_VGA		(1u << 2)

struct madt {
	struct table_header	header;
	uint32_t		lapic_gpa;
	uint32_t		flags;		/* bit 0: there are 8259s too */
} PACKED;

struct madt_lapic {
	uint8_t		type, length;		/* 0, 8 */
	uint8_t		processor;
	uint8_t		apic_id;
	uint32_t	flags;			/* bit 0: enabled */
} PACKED;

struct madt_ioapic {
	uint8_t		type, length;		/* 1, 12 */
	uint8_t		id;
	uint8_t		reserved;
	uint32_t	gpa;
	uint32_t	first_gsi;
} PACKED;

struct madt_override {
	uint8_t		type, length;		/* 2, 10 */
	uint8_t		bus, irq;
	uint32_t	gsi;
	uint16_t	flags;			/* polarity in bits 0-1, trigger in bits 2-3 */
} PACKED;

struct madt_nmi {
	uint8_t		type, length;		/* 4, 6 */
	uint8_t		processor;		/* 0xff: all */
	uint16_t	flags;
	uint8_t		lint;
} PACKED;

struct madt_x2apic {
	uint8_t		type, length;		/* 9, 16 */
	uint16_t	reserved;
	uint32_t	apic_id;
	uint32_t	flags;
	uint32_t	processor;
} PACKED;

struct madt_x2apic_nmi {
	uint8_t		type, length;		/* 10, 12 */
	uint16_t	flags;
	uint32_t	processor;		/* all ones: all */
	uint8_t		lint;
	uint8_t		reserved[3];
} PACKED;

#define MADT_EDGE_HIGH		0x5
#define MADT_LEVEL_LOW		0xf

struct hpet {
	struct table_header	header;
	uint32_t		id;
	struct gas		address;
	uint8_t			number;
	uint16_t		min_tick;	/* main counter ticks between periodic interrupts */
	uint8_t			attributes;
} PACKED;

_Static_assert(sizeof(struct table_header) == 36, "ACPI table header");
_Static_assert(sizeof(struct rsdp) == 36, "RSDP");
_Static_assert(sizeof(struct facs) == 64, "FACS");
_Static_assert(sizeof(struct fadt) == 268, "FADT");
_Static_assert(sizeof(struct madt) == 44, "MADT");
_Static_assert(sizeof(struct hpet) == 56, "HPET");

static uint8_t checksum(const void *data, size_t size)
{
	const uint8_t *byte = data;
	uint8_t sum = 0;

	while (size-- > 0)
		sum += *byte++;
	return (uint8_t)-sum;
}

/* Room for SIZE bytes, or NULL after a complaint. */
static void *room_take(struct acpi *acpi, size_t size, size_t align)
{
	size_t at = (acpi->used + align - 1) / align * align;

	if (at > acpi->room || size > acpi->room - at) {
		complain(
			"the ACPI tables for that many processors do not fit into %zu KiB: give fewer with -c",
			acpi->room / 1024);
		return NULL;
	}
	acpi->used = at + size;
	return acpi->base + at;
}

static uint64_t table_gpa(const struct acpi *acpi, const void *table)
{
	return acpi->gpa + (size_t)((const uint8_t *)table - acpi->base);
}

static void table_record(struct acpi *acpi, const char *name, const void *table, size_t size)
{
	strcpy(acpi->tables[acpi->count].name, name);
	acpi->tables[acpi->count].offset = (size_t)((const uint8_t *)table - acpi->base);
	acpi->tables[acpi->count].size = size;
	acpi->count++;
}

static void *table_begin(struct acpi *acpi, const char *signature, uint8_t revision, size_t size)
{
	struct table_header *header = room_take(acpi, size, 16);

	if (header == NULL)
		return NULL;
	memcpy(header->signature, signature, 4);
	header->length = (uint32_t)size;
	header->revision = revision;
	memcpy(header->oem_id, "VMM   ", 6);
	memcpy(header->oem_table_id, "VMM     ", 8);
	memcpy(header->oem_table_id + 3, signature, 4);
	header->oem_revision = 1;
	memcpy(header->creator_id, "VMM ", 4);
	header->creator_revision = 1;
	return header;
}

static void table_end(struct acpi *acpi, void *table)
{
	struct table_header *header = table;
	char name[5] = { 0 };

	header->checksum = checksum(header, header->length);
	for (int i = 0; i < 4; i++)
		name[i] = (char)tolower((unsigned char)header->signature[i]);
	table_record(acpi, name, header, header->length);
}

static struct gas port(uint32_t number, uint8_t bits)
{
	return (struct gas){ .space = GAS_IO,
			     .bits = bits,
			     .access = bits == 8  ? 1 :
				       bits == 16 ? 2 :
						    3,
			     .address = number };
}

static struct facs *facs_build(struct acpi *acpi)
{
	struct facs *facs = room_take(acpi, sizeof(*facs), 64);

	if (facs == NULL)
		return NULL;
	memcpy(facs->signature, "FACS", 4);
	facs->length = sizeof(*facs);
	facs->version = 2;
	table_record(acpi, "facs", facs, sizeof(*facs));
	return facs;
}

static void *dsdt_build(struct acpi *acpi)
{
	void *dsdt = room_take(acpi, sizeof(dsdt_aml_code), 16);

	if (dsdt == NULL)
		return NULL;
	memcpy(dsdt, dsdt_aml_code, sizeof(dsdt_aml_code));
	table_record(acpi, "dsdt", dsdt, sizeof(dsdt_aml_code));
	return dsdt;
}

static void fadt_blocks(struct fadt *fadt)
{
	fadt->pm1a_event = PM1_EVENT_PORT;
	fadt->pm1_event_len = 4;
	fadt->x_pm1a_event = port(PM1_EVENT_PORT, 32);
	fadt->x_pm1a_event.access = 2;
	fadt->pm1a_control = PM1_CONTROL_PORT;
	fadt->pm1_control_len = 2;
	fadt->x_pm1a_control = port(PM1_CONTROL_PORT, 16);
	fadt->pm_timer = PM_TIMER_PORT;
	fadt->pm_timer_len = 4;
	fadt->x_pm_timer = port(PM_TIMER_PORT, 32);
	fadt->reset = port(PM_RESET_PORT, 8);
	fadt->reset_value = PM_RESET_VALUE;
}

static void *fadt_build(struct acpi *acpi, const void *facs, const void *dsdt)
{
	struct fadt *fadt = table_begin(acpi, "FACP", 5, sizeof(*fadt));

	if (fadt == NULL)
		return NULL;
	fadt->facs_gpa = (uint32_t)table_gpa(acpi, facs);
	fadt->dsdt_gpa = (uint32_t)table_gpa(acpi, dsdt);
	fadt->x_dsdt_gpa = fadt->dsdt_gpa;
	fadt->sci_irq = PM_SCI_IRQ;
	fadt->smi_port = PM_SMI_PORT;
	fadt->acpi_enable = PM_ACPI_ENABLE;
	fadt->acpi_disable = PM_ACPI_DISABLE;
	fadt->c2_latency = 101;			/* above 100: no C2; above 1000: no C3 */
	fadt->c3_latency = 1001;
	fadt->century = CENTURY_OFFSET;
	fadt->boot_arch = BOOT_LEGACY_DEVICES | BOOT_NO_VGA;
	/* VM_LAPIC_MSI knows logical destinations only with the redirection hint, which Linux does not set. */
	fadt->flags = FADT_WBINVD | FADT_PROC_C1 | FADT_NO_SLEEP_BUTTON | FADT_NO_RTC_WAKE |
		      FADT_TIMER_32BIT | FADT_RESET | FADT_APIC_PHYSICAL;
	fadt_blocks(fadt);
	table_end(acpi, fadt);
	return fadt;
}

static size_t madt_size(int cpus)
{
	size_t size = sizeof(struct madt) + sizeof(struct madt_ioapic) +
		      2 * sizeof(struct madt_override) + sizeof(struct madt_nmi);

	for (int id = 0; id < cpus; id++)
		size += id <= APIC_ID_XAPIC_MAX ? sizeof(struct madt_lapic) :
						  sizeof(struct madt_x2apic);
	if (cpus > APIC_ID_XAPIC_MAX + 1)
		size += sizeof(struct madt_x2apic_nmi);
	return size;
}

static uint8_t *madt_put(uint8_t *at, const void *entry, size_t size)
{
	memcpy(at, entry, size);
	return at + size;
}

static uint8_t *madt_processors(uint8_t *at, int cpus)
{
	for (int id = 0; id < cpus; id++) {
		struct madt_lapic lapic = { .length = sizeof(lapic),
					    .processor = (uint8_t)id,
					    .apic_id = (uint8_t)id,
					    .flags = 1 };
		struct madt_x2apic x2apic = { .type = 9,
					      .length = sizeof(x2apic),
					      .apic_id = (uint32_t)id,
					      .flags = 1,
					      .processor = (uint32_t)id };

		if (id <= APIC_ID_XAPIC_MAX)
			at = madt_put(at, &lapic, sizeof(lapic));
		else
			at = madt_put(at, &x2apic, sizeof(x2apic));
	}
	return at;
}

static void *madt_build(struct acpi *acpi, int cpus)
{
	const struct madt_ioapic ioapic = { .type = 1,
					    .length = sizeof(ioapic),
					    .gpa = IOAPIC_GPA };
	const struct madt_override timer = {
		.type = 2, .length = sizeof(timer), .irq = 0, .gsi = 2
	};
	const struct madt_override sci = { .type = 2,
					   .length = sizeof(sci),
					   .irq = PM_SCI_IRQ,
					   .gsi = PM_SCI_IRQ,
					   .flags = MADT_LEVEL_LOW };
	const struct madt_nmi nmi = { .type = 4,
				      .length = sizeof(nmi),
				      .processor = 0xff,
				      .flags = MADT_EDGE_HIGH,
				      .lint = 1 };
	const struct madt_x2apic_nmi x2nmi = {
		.type = 10,
		.length = sizeof(x2nmi),
		.processor = 0xffffffff,
		.flags = MADT_EDGE_HIGH,
		.lint = 1,
	};
	struct madt *madt = table_begin(acpi, "APIC", 3, madt_size(cpus));
	uint8_t *at;

	if (madt == NULL)
		return NULL;
	madt->lapic_gpa = LAPIC_GPA;
	madt->flags = 1;
	at = madt_processors((uint8_t *)(madt + 1), cpus);
	at = madt_put(at, &ioapic, sizeof(ioapic));
	at = madt_put(at, &timer, sizeof(timer));
	at = madt_put(at, &sci, sizeof(sci));
	at = madt_put(at, &nmi, sizeof(nmi));
	if (cpus > APIC_ID_XAPIC_MAX + 1)
		madt_put(at, &x2nmi, sizeof(x2nmi));
	table_end(acpi, madt);
	return madt;
}

static void *hpet_build(struct acpi *acpi, uint32_t caps)
{
	struct hpet *hpet = table_begin(acpi, "HPET", 1, sizeof(*hpet));

	if (hpet == NULL)
		return NULL;
	hpet->id = caps;
	hpet->address = (struct gas){ .space = GAS_MEMORY, .bits = 64, .address = HPET_GPA };
	hpet->min_tick = 128;
	table_end(acpi, hpet);
	return hpet;
}

/* The two root tables differ in the width of their entries, which follow the header. */
static void *root_build(struct acpi *acpi, const char *signature, size_t entry_size,
			void *const *tables, size_t count)
{
	struct table_header *root =
		table_begin(acpi, signature, 1, sizeof(*root) + count * entry_size);
	uint8_t *at = (uint8_t *)(root + 1);
	uint64_t gpa;

	if (root == NULL)
		return NULL;
	for (size_t i = 0; i < count; i++, at += entry_size) {
		gpa = table_gpa(acpi, tables[i]);
		memcpy(at, &gpa, entry_size);
	}
	table_end(acpi, root);
	return root;
}

static void rsdp_fill(struct acpi *acpi, struct rsdp *rsdp, const void *rsdt, const void *xsdt)
{
	memcpy(rsdp->signature, "RSD PTR ", 8);
	memcpy(rsdp->oem_id, "VMM   ", 6);
	rsdp->revision = 2;
	rsdp->rsdt_gpa = (uint32_t)table_gpa(acpi, rsdt);
	rsdp->length = sizeof(*rsdp);
	rsdp->xsdt_gpa = table_gpa(acpi, xsdt);
	rsdp->checksum = checksum(rsdp, offsetof(struct rsdp, length));
	rsdp->extended_checksum = checksum(rsdp, sizeof(*rsdp));
	table_record(acpi, "rsdp", rsdp, sizeof(*rsdp));
}

int acpi_build(struct acpi *acpi, int cpus, uint32_t hpet_caps)
{
	struct rsdp *rsdp;
	void *tables[3], *facs, *dsdt, *rsdt, *xsdt;

	acpi->used = 0;
	acpi->count = 0;
	rsdp = room_take(acpi, sizeof(*rsdp), 16);
	facs = rsdp != NULL ? facs_build(acpi) : NULL;
	dsdt = facs != NULL ? dsdt_build(acpi) : NULL;
	if (dsdt == NULL)
		return -1;
	tables[0] = fadt_build(acpi, facs, dsdt);
	tables[1] = tables[0] != NULL ? madt_build(acpi, cpus) : NULL;
	tables[2] = tables[1] != NULL ? hpet_build(acpi, hpet_caps) : NULL;
	if (tables[2] == NULL)
		return -1;
	rsdt = root_build(acpi, "RSDT", sizeof(uint32_t), tables, 3);
	xsdt = rsdt != NULL ? root_build(acpi, "XSDT", sizeof(uint64_t), tables, 3) : NULL;
	if (xsdt == NULL)
		return -1;
	rsdp_fill(acpi, rsdp, rsdt, xsdt);
	return 0;
}

static int table_dump(const struct acpi *acpi, int index, const char *directory)
{
	size_t size = acpi->tables[index].size;
	char path[PATH_MAX];
	ssize_t written;
	int fd;

	if (snprintf(path, sizeof(path), "%s/%s.dat", directory, acpi->tables[index].name) >=
	    (int)sizeof(path))
		return complain("the directory name %s is too long", directory);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (fd < 0)
		return complain("cannot create %s: %s", path, strerror(errno));
	written = write(fd, acpi->base + acpi->tables[index].offset, size);
	if (close(fd) != 0 || written != (ssize_t)size)
		return complain("cannot write %s: %s", path, strerror(errno));
	return 0;
}

int acpi_dump(const struct acpi *acpi, const char *directory)
{
	for (int i = 0; i < acpi->count; i++)
		if (table_dump(acpi, i, directory) != 0)
			return -1;
	return 0;
}
