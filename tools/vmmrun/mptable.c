// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Intel MultiProcessor Specification 1.4. */
#include <cpuid.h>
#include <stdbool.h>
#include <string.h>

#include "mptable.h"
#include "pm.h"

#define PACKED		__attribute__((packed))

#define LAPIC_GPA	0xfee00000u
#define LAPIC_VERSION	0x14
#define IOAPIC_GPA	0xfec00000u
#define IOAPIC_VERSION	0x11
#define IOAPIC_ID	0
#define APIC_ID_ALL	0xff
#define CPUS_MAX	255
#define ISA_BUS		0
#define ISA_IRQS	16
#define ISA_IRQ_TIMER	0
#define ISA_IRQ_CASCADE	2
#define TIMER_PIN	2

struct floating_pointer {
	char		signature[4];
	uint32_t	table_gpa;
	uint8_t		length;			/* in 16 bytes */
	uint8_t		revision;
	uint8_t		checksum;
	uint8_t		features[5];		/* 0: a table follows; virtual wire mode */
} PACKED;

struct mp_header {
	char		signature[4];
	uint16_t	length;			/* with all entries */
	uint8_t		revision;
	uint8_t		checksum;
	char		oem_id[8];
	char		product_id[12];
	uint32_t	oem_table_gpa;
	uint16_t	oem_table_length;
	uint16_t	entries;
	uint32_t	lapic_gpa;
	uint16_t	extended_length;
	uint8_t		extended_checksum;
	uint8_t		reserved;
} PACKED;

struct mp_processor {
	uint8_t		type;			/* 0 */
	uint8_t		apic_id;
	uint8_t		apic_version;
	uint8_t		flags;			/* bit 0 enabled, bit 1 boot processor */
	uint32_t	signature;
	uint32_t	features;
	uint32_t	reserved[2];
} PACKED;

struct mp_bus {
	uint8_t		type;			/* 1 */
	uint8_t		id;
	char		name[6];
} PACKED;

struct mp_ioapic {
	uint8_t		type;			/* 2 */
	uint8_t		id;
	uint8_t		version;
	uint8_t		flags;			/* bit 0 enabled */
	uint32_t	gpa;
} PACKED;

struct mp_interrupt {
	uint8_t		type;			/* MP_IO or MP_LOCAL */
	uint8_t		kind;			/* MP_INT and so on */
	uint16_t	flags;			/* as in the MADT */
	uint8_t		bus;
	uint8_t		irq;
	uint8_t		apic_id;
	uint8_t		pin;
} PACKED;

#define MP_IO		3
#define MP_LOCAL	4
#define MP_INT		0
#define MP_NMI		1
#define MP_EXTINT	3
#define MP_CONFORMS	0x0
#define MP_LEVEL_LOW	0xf

_Static_assert(sizeof(struct floating_pointer) == 16, "MP floating pointer");
_Static_assert(sizeof(struct mp_header) == 44, "MP table header");
_Static_assert(sizeof(struct mp_processor) == 20, "MP processor entry");

/* Where the next entry goes, and how many there are. */
struct cursor {
	uint8_t		*at;
	uint8_t		*end;
	unsigned int	entries;
	bool		full;
};

static void entry_put(struct cursor *cursor, const void *entry, size_t size)
{
	if (size > (size_t)(cursor->end - cursor->at)) {
		cursor->full = true;
		return;
	}
	memcpy(cursor->at, entry, size);
	cursor->at += size;
	cursor->entries++;
}

static uint8_t checksum(const void *data, size_t size)
{
	const uint8_t *byte = data;
	uint8_t sum = 0;

	while (size-- > 0)
		sum += *byte++;
	return (uint8_t)-sum;
}

static void processors_put(struct cursor *cursor, int cpus)
{
	unsigned int eax = 0, ebx, ecx, edx = 0;

	(void)__get_cpuid(1, &eax, &ebx, &ecx, &edx);
	for (int id = 0; id < cpus && id < CPUS_MAX; id++) {
		struct mp_processor entry = {
			.type = 0,
			.apic_id = (uint8_t)id,
			.apic_version = LAPIC_VERSION,
			.flags = id == 0 ? 3 : 1,
			.signature = eax & 0xfff,
			.features = edx,
		};

		entry_put(cursor, &entry, sizeof(entry));
	}
}

static void interrupts_put(struct cursor *cursor)
{
	struct mp_interrupt entry = {
		.type = MP_IO, .kind = MP_INT, .bus = ISA_BUS, .apic_id = IOAPIC_ID
	};

	for (uint8_t irq = 0; irq < ISA_IRQS; irq++) {
		if (irq == ISA_IRQ_CASCADE)
			continue;
		entry.irq = irq;
		entry.pin = irq == ISA_IRQ_TIMER ? TIMER_PIN : irq;
		entry.flags = irq == PM_SCI_IRQ ? MP_LEVEL_LOW : MP_CONFORMS;
		entry_put(cursor, &entry, sizeof(entry));
	}
	entry = (struct mp_interrupt){ .type = MP_LOCAL,
				       .kind = MP_EXTINT,
				       .bus = ISA_BUS,
				       .apic_id = APIC_ID_ALL,
				       .pin = 0 };
	entry_put(cursor, &entry, sizeof(entry));
	entry.kind = MP_NMI;
	entry.pin = 1;
	entry_put(cursor, &entry, sizeof(entry));
}

static void header_fill(struct mp_header *header, const struct cursor *cursor)
{
	memcpy(header->signature, "PCMP", 4);
	header->length = (uint16_t)(cursor->at - (uint8_t *)header);
	header->revision = 4;
	memcpy(header->oem_id, "VMM     ", 8);
	memcpy(header->product_id, "vmmrun      ", 12);
	header->entries = (uint16_t)cursor->entries;
	header->lapic_gpa = LAPIC_GPA;
	header->checksum = checksum(header, header->length);
}

size_t mptable_build(uint8_t *base, uint64_t gpa, size_t room, int cpus)
{
	static const struct mp_bus isa = { .type = 1, .id = ISA_BUS, .name = "ISA   " };
	static const struct mp_ioapic ioapic = {
		.type = 2, .id = IOAPIC_ID, .version = IOAPIC_VERSION, .flags = 1, .gpa = IOAPIC_GPA
	};
	struct floating_pointer *pointer = (struct floating_pointer *)base;
	struct mp_header *header = (struct mp_header *)(pointer + 1);
	struct cursor cursor = { .at = (uint8_t *)(header + 1), .end = base + room };

	if (room < sizeof(*pointer) + sizeof(*header))
		return 0;
	processors_put(&cursor, cpus);
	entry_put(&cursor, &isa, sizeof(isa));
	entry_put(&cursor, &ioapic, sizeof(ioapic));
	interrupts_put(&cursor);
	if (cursor.full)
		return 0;
	header_fill(header, &cursor);
	memcpy(pointer->signature, "_MP_", 4);
	pointer->table_gpa = (uint32_t)(gpa + sizeof(*pointer));
	pointer->length = 1;
	pointer->revision = 4;
	pointer->checksum = checksum(pointer, sizeof(*pointer));
	return (size_t)(cursor.at - base);
}
