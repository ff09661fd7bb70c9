// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <machine/vmm_snapshot.h>
#include <vmlapi.h>

#include "complain.h"
#include "cpu.h"
#include "crc.h"
#include "i8042.h"
#include "machine.h"
#include "pci.h"
#include "pm.h"
#include "snapshot.h"
#include "uart.h"

#define MAGIC			"VMMRUN"
#define VERSION			1

#define PAGE			4096UL
#define RUN_MAX			(1UL << 20)	/* bytes of memory in a chunk */
#define RECORD_MAX		(32UL << 20)

/* All numbers little-endian, as the machine's are. */
struct file_header {
	char		magic[8];
	uint32_t	version;
	uint32_t	chunks;		/* with the last */
	uint64_t	bytes;		/* of the whole file */
	uint32_t	reserved;
	uint32_t	crc;		/* of the header before it */
};

enum chunk_kind { CHUNK_MACHINE = 1, CHUNK_RECORD, CHUNK_DEVICE, CHUNK_MEMORY, CHUNK_END };

struct chunk {
	uint32_t	kind;
	uint32_t	id;		/* RECORD: enum snapshot_req; DEVICE: index into parts */
	uint64_t	at;		/* MEMORY: gpa */
	uint64_t	bytes;		/* that follow */
	uint32_t	crc;		/* of them */
	uint32_t	header_crc;	/* of the chunk's header before it */
};

#define FLAG_X2APIC		1
#define FLAG_IGNORE_MSRS	2
#define FLAG_PVCLOCK		4
#define FLAG_WIDE_CPUID		8
#define FLAGS			(FLAG_X2APIC | FLAG_IGNORE_MSRS | FLAG_PVCLOCK | FLAG_WIDE_CPUID)

struct machine_chunk {
	char		name[VM_MAX_NAMELEN + 1];
	uint8_t		padding[2];
	uint32_t	cpus;
	uint32_t	flags;
	uint64_t	memory;		/* bytes */
	uint8_t		waiting[VM_MAXCPU / 8];	/* a bit a vCPU: for its STARTUP IPI */
	char		cmdline[2048];	/* for people */
};

_Static_assert(sizeof(struct file_header) == 32, "no gaps");
_Static_assert(sizeof(struct chunk) == 32, "no gaps");
_Static_assert(sizeof(struct machine_chunk) ==
		       VM_MAX_NAMELEN + 1 + 2 + 4 + 4 + 8 + VM_MAXCPU / 8 + 2048,
	       "no gaps");

static const struct {
	enum snapshot_req	req;
	const char		*name;
} records[] = {
	{ STRUCT_VHPET, "HPET" },      { STRUCT_VATPIT, "8254" },  { STRUCT_VRTC, "clock" },
	{ STRUCT_VPMTMR, "PM timer" }, { STRUCT_VATPIC, "8259" },  { STRUCT_VIOAPIC, "I/O APIC" },
	{ STRUCT_VLAPIC, "local APICs" }, { STRUCT_VM, "processors" },
	{ STRUCT_VMCX, "registers" },
};
#define RECORDS		(sizeof(records) / sizeof(records[0]))

static const struct snapshot_part *const parts[] = { &uart_part, &pm_part, &pci_part,
						     &i8042_part };
#define PARTS		(sizeof(parts) / sizeof(parts[0]))

/*
 * Writing
 */

struct writer {
	const char	*path;
	int		fd;
	uint32_t	chunks;
	uint64_t	bytes;
};

static int write_failed(const struct writer *writer)
{
	return complain("%s: writing failed: %s. The machine was not saved", writer->path,
			strerror(errno));
}

static int write_all(struct writer *writer, const void *data, size_t len)
{
	const char *at = data;

	while (len > 0) {
		ssize_t done = write(writer->fd, at, len);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return write_failed(writer);
		at += done;
		len -= (size_t)done;
		writer->bytes += (size_t)done;
	}
	return 0;
}

static int chunk_write(struct writer *writer, enum chunk_kind kind, uint32_t id, uint64_t at,
		       const void *data, size_t len)
{
	struct chunk chunk = {
		.kind = kind, .id = id, .at = at, .bytes = len, .crc = crc32(0, data, len)
	};

	chunk.header_crc = crc32(0, &chunk, offsetof(struct chunk, header_crc));
	writer->chunks++;
	if (write_all(writer, &chunk, sizeof(chunk)) != 0)
		return -1;
	return write_all(writer, data, len);
}

static int machine_write(struct writer *writer, const struct machine *machine)
{
	const struct options *options = machine->options;
	struct machine_chunk chunk = {
		.cpus = (uint32_t)options->cpus,
		.flags = (options->x2apic ? FLAG_X2APIC : 0u) |
			 (options->ignore_msrs ? FLAG_IGNORE_MSRS : 0u) |
			 (machine->features & VML_FEATURE_PVCLOCK ? FLAG_PVCLOCK : 0u) |
			 (machine->features & VML_FEATURE_WIDE_CPUID ? FLAG_WIDE_CPUID : 0u),
		.memory = options->memory,
	};

	snprintf(chunk.name, sizeof(chunk.name), "%s", options->name);
	snprintf(chunk.cmdline, sizeof(chunk.cmdline), "%s", options->cmdline);
	for (int id = 0; id < options->cpus; id++)
		if (machine->cpus[id].waiting)
			chunk.waiting[id / 8] |= (uint8_t)(1 << id % 8);
	return chunk_write(writer, CHUNK_MACHINE, 0, 0, &chunk, sizeof(chunk));
}

/* The record, in a buffer that grows until it fits. */
static uint8_t *record_get(struct machine *machine, enum snapshot_req req, size_t *len)
{
	struct vm_snapshot_meta meta;
	uint8_t *buf = NULL, *grown;

	for (size_t room = 64 << 10; room <= RECORD_MAX; room *= 2) {
		grown = realloc(buf, room);
		if (grown == NULL)
			break;
		buf = grown;
		meta = (struct vm_snapshot_meta){
			.dev_req = req,
			.op = VM_SNAPSHOT_SAVE,
			.buffer = { .buf_start = buf, .buf_size = room, .buf = buf, .buf_rem = room },
		};
		if (vm_snapshot_req(machine->ctx, &meta) == 0) {
			*len = room - meta.buffer.buf_rem;
			return buf;
		}
		if (errno != E2BIG)
			break;
	}
	free(buf);
	return NULL;
}

static int records_write(struct writer *writer, struct machine *machine)
{
	uint8_t *buf;
	size_t len;
	int error;

	for (size_t i = 0; i < RECORDS; i++) {
		buf = record_get(machine, records[i].req, &len);
		if (buf == NULL)
			return complain("saving the state of the %s failed: %s", records[i].name,
					strerror(errno));
		error = chunk_write(writer, CHUNK_RECORD, records[i].req, 0, buf, len);
		free(buf);
		if (error != 0)
			return -1;
	}
	return 0;
}

static int parts_write(struct writer *writer, struct machine *machine)
{
	uint8_t state[256];

	for (uint32_t i = 0; i < PARTS; i++) {
		memset(state, 0, sizeof(state));
		parts[i]->save(machine, state);
		if (chunk_write(writer, CHUNK_DEVICE, i, 0, state, parts[i]->size) != 0)
			return -1;
	}
	return 0;
}

static bool page_is_zero(const char *page)
{
	return page[0] == 0 && memcmp(page, page + 1, PAGE - 1) == 0;
}

static int range_write(struct writer *writer, const char *base, uint64_t gpa, size_t size)
{
	size_t at = 0, len;

	while (at < size) {
		if (page_is_zero(base + gpa + at)) {
			at += PAGE;
			continue;
		}
		for (len = PAGE; len < RUN_MAX && at + len < size; len += PAGE)
			if (page_is_zero(base + gpa + at + len))
				break;
		if (chunk_write(writer, CHUNK_MEMORY, 0, gpa + at, base + gpa + at, len) != 0)
			return -1;
		at += len;
	}
	return 0;
}

static int header_write(struct writer *writer)
{
	struct file_header header = {
		.magic = MAGIC, .version = VERSION, .chunks = writer->chunks, .bytes = writer->bytes
	};

	header.crc = crc32(0, &header, offsetof(struct file_header, crc));
	if (pwrite(writer->fd, &header, sizeof(header), 0) != sizeof(header))
		return write_failed(writer);
	return 0;
}

/* The header comes last, so that a file which was not finished is none. */
static int file_fill(struct writer *writer, struct machine *machine)
{
	const struct memory *memory = &machine->memory;
	struct file_header none = { 0 };

	if (write_all(writer, &none, sizeof(none)) != 0 || machine_write(writer, machine) != 0 ||
	    records_write(writer, machine) != 0 || parts_write(writer, machine) != 0 ||
	    range_write(writer, memory->base, 0, memory->lowmem) != 0 ||
	    range_write(writer, memory->base, HIGHMEM_GPA, memory->highmem) != 0 ||
	    chunk_write(writer, CHUNK_END, 0, 0, NULL, 0) != 0 || header_write(writer) != 0)
		return -1;
	if (fsync(writer->fd) != 0)
		return write_failed(writer);
	return 0;
}

/* Under another name until it is whole: an older file of this name is replaced, or stays. */
static int file_make(struct machine *machine, const char *path)
{
	struct writer writer = { .path = path };
	char part[PATH_MAX];
	int error;

	if (snprintf(part, sizeof(part), "%s.part", path) >= (int)sizeof(part))
		return complain("%s: the path is too long", path);
	writer.fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (writer.fd < 0)
		return write_failed(&writer);
	error = file_fill(&writer, machine);
	close(writer.fd);
	if (error == 0 && rename(part, path) != 0)
		error = write_failed(&writer);
	if (error != 0)
		unlink(part);
	return error;
}

void snapshot_save(struct machine *machine)
{
	const char *path = machine->options->save;

	if (path == NULL) {
		complain("nowhere to save the machine to: start it with --save FILE");
		return;
	}
	if (machine_pause(machine) != 0)
		return;
	if (file_make(machine, path) == 0)
		machine_stop(machine, MACHINE_SAVED, "saved");
	else
		machine_unpause(machine);
}

/*
 * Reading
 */

static int damaged(const struct snapshot *snapshot, size_t at, const char *what)
{
	return complain("%s: not restored: %s, at byte %zu. The file is damaged: take another copy",
			snapshot->path, what, at);
}

static struct chunk chunk_at(const struct snapshot *snapshot, size_t at)
{
	struct chunk chunk;

	memcpy(&chunk, snapshot->data + at, sizeof(chunk));
	return chunk;
}

static int header_check(const struct snapshot *snapshot)
{
	struct file_header header;

	if (snapshot->size < sizeof(header))
		return damaged(snapshot, snapshot->size, "it ends within its header");
	memcpy(&header, snapshot->data, sizeof(header));
	if (memcmp(header.magic, MAGIC, sizeof(MAGIC)) != 0)
		return complain("%s: not restored: it is not a machine that vmmrun saved",
				snapshot->path);
	if (header.crc != crc32(0, &header, offsetof(struct file_header, crc)))
		return damaged(snapshot, 0, "the header's checksum is wrong");
	if (header.version != VERSION)
		return complain(
			"%s: not restored: version %u of the format, where this vmmrun knows %u. Take the vmmrun that saved it",
			snapshot->path, header.version, VERSION);
	if (header.bytes != snapshot->size)
		return complain("%s: not restored: it has %zu bytes and should have %llu. Take another copy",
				snapshot->path, snapshot->size, (unsigned long long)header.bytes);
	return 0;
}

/* The chunk at AT is whole. */
static int chunk_check(const struct snapshot *snapshot, size_t at)
{
	struct chunk chunk;

	if (snapshot->size - at < sizeof(chunk))
		return damaged(snapshot, at, "it ends within a chunk's header");
	chunk = chunk_at(snapshot, at);
	if (chunk.header_crc != crc32(0, &chunk, offsetof(struct chunk, header_crc)))
		return damaged(snapshot, at, "a chunk's header has a wrong checksum");
	if (chunk.bytes > snapshot->size - at - sizeof(chunk))
		return damaged(snapshot, at, "it ends within a chunk");
	if (chunk.crc != crc32(0, snapshot->data + at + sizeof(chunk), chunk.bytes))
		return damaged(snapshot, at, "a chunk has a wrong checksum");
	return 0;
}

/* What has to be there once, and the memory so far. */
struct census {
	bool		machine;
	unsigned int	records[RECORDS];
	unsigned int	parts[PARTS];
	uint64_t	memory_end_gpa;
	struct memory	memory;
	bool		end;
};

static bool machine_check(struct census *census, const struct chunk *chunk, const uint8_t *data,
			  struct machine_chunk *machine)
{
	if (census->machine || chunk->bytes != sizeof(*machine))
		return false;
	memcpy(machine, data, sizeof(*machine));
	census->machine = true;
	census->memory.lowmem = machine->memory < LOWMEM_MAX ? machine->memory : LOWMEM_MAX;
	census->memory.highmem = machine->memory - census->memory.lowmem;
	return machine->cpus >= 1 && machine->cpus <= VM_MAXCPU && machine->memory != 0 &&
	       machine->memory % PAGE == 0 && machine->memory <= 1UL << 46 &&
	       !(machine->flags & ~FLAGS) &&
	       memchr(machine->name, 0, sizeof(machine->name)) != NULL &&
	       memchr(machine->cmdline, 0, sizeof(machine->cmdline)) != NULL;
}

static bool record_check(struct census *census, const struct chunk *chunk)
{
	for (size_t i = 0; i < RECORDS; i++)
		if (records[i].req == chunk->id)
			return census->records[i]++ == 0;
	return false;
}

static bool part_check(struct census *census, const struct chunk *chunk, const uint8_t *data)
{
	return chunk->id < PARTS && census->parts[chunk->id]++ == 0 &&
	       chunk->bytes == parts[chunk->id]->size && parts[chunk->id]->valid(data);
}

/* Ascending, in whole pages, and within the machine's memory. */
static bool memory_check(struct census *census, const struct chunk *chunk)
{
	const struct memory *memory = &census->memory;
	uint64_t gpa = chunk->at, bytes = chunk->bytes;

	if (gpa < census->memory_end_gpa || bytes == 0 || (gpa | bytes) % PAGE != 0)
		return false;
	census->memory_end_gpa = gpa + bytes;
	if (gpa < HIGHMEM_GPA)
		return gpa <= memory->lowmem && bytes <= memory->lowmem - gpa;
	return gpa - HIGHMEM_GPA <= memory->highmem &&
	       bytes <= memory->highmem - (gpa - HIGHMEM_GPA);
}

static bool content_check(struct census *census, const struct chunk *chunk, const uint8_t *data,
			  struct machine_chunk *machine)
{
	if (census->end || (!census->machine && chunk->kind != CHUNK_MACHINE))
		return false;
	switch (chunk->kind) {
	case CHUNK_MACHINE:
		return machine_check(census, chunk, data, machine);
	case CHUNK_RECORD:
		return record_check(census, chunk);
	case CHUNK_DEVICE:
		return part_check(census, chunk, data);
	case CHUNK_MEMORY:
		return memory_check(census, chunk);
	case CHUNK_END:
		census->end = true;
		return chunk->bytes == 0;
	default:
		return false;
	}
}

static bool census_complete(const struct census *census)
{
	for (size_t i = 0; i < RECORDS; i++)
		if (census->records[i] != 1)
			return false;
	for (size_t i = 0; i < PARTS; i++)
		if (census->parts[i] != 1)
			return false;
	return census->end;
}

static int chunks_check(const struct snapshot *snapshot, struct machine_chunk *machine)
{
	struct census census = { 0 };
	struct chunk chunk;

	for (size_t at = sizeof(struct file_header); at < snapshot->size;
	     at += sizeof(chunk) + chunk.bytes) {
		if (chunk_check(snapshot, at) != 0)
			return -1;
		chunk = chunk_at(snapshot, at);
		if (!content_check(&census, &chunk, snapshot->data + at + sizeof(chunk), machine))
			return damaged(snapshot, at, "a chunk says what cannot be");
	}
	if (!census_complete(&census))
		return damaged(snapshot, snapshot->size, "something is missing");
	return 0;
}

static int file_map(struct snapshot *snapshot)
{
	struct stat stat;
	void *data;
	int fd = open(snapshot->path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return complain("%s: %s", snapshot->path, strerror(errno));
	if (fstat(fd, &stat) != 0 || !S_ISREG(stat.st_mode) || stat.st_size == 0) {
		close(fd);
		return complain("%s: not restored: it is empty, or not a file", snapshot->path);
	}
	data = mmap(NULL, (size_t)stat.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	if (data == MAP_FAILED)
		return complain("%s: reading it failed: %s", snapshot->path, strerror(errno));
	snapshot->data = data;
	snapshot->size = (size_t)stat.st_size;
	return 0;
}

int snapshot_open(struct snapshot *snapshot, const char *path, struct options *options)
{
	struct machine_chunk machine;

	*snapshot = (struct snapshot){ .path = path };
	if (file_map(snapshot) != 0 || header_check(snapshot) != 0 ||
	    chunks_check(snapshot, &machine) != 0)
		return -1;
	snapshot->name = strdup(machine.name);
	snapshot->cmdline = strdup(machine.cmdline);
	if (snapshot->name == NULL || snapshot->cmdline == NULL)
		return complain("out of memory");
	if (options->name == NULL)
		options->name = snapshot->name;
	options->cmdline = snapshot->cmdline;
	options->cpus = (int)machine.cpus;
	options->memory = machine.memory;
	options->x2apic = machine.flags & FLAG_X2APIC;
	options->ignore_msrs = machine.flags & FLAG_IGNORE_MSRS;
	options->features = (machine.flags & FLAG_PVCLOCK ? VML_FEATURE_PVCLOCK : 0) |
			    (machine.flags & FLAG_WIDE_CPUID ? VML_FEATURE_WIDE_CPUID : 0);
	return 0;
}

void snapshot_close(struct snapshot *snapshot)
{
	if (snapshot->data != NULL)
		munmap((void *)snapshot->data, snapshot->size);
	free(snapshot->name);
	free(snapshot->cmdline);
}

/*
 * Restoring
 */

static const char *record_name(uint32_t req)
{
	for (size_t i = 0; i < RECORDS; i++)
		if (records[i].req == req)
			return records[i].name;
	return "?";
}

static int record_put(const struct snapshot *snapshot, struct machine *machine, uint32_t req,
		      const uint8_t *data, size_t len)
{
	struct vm_snapshot_meta meta = {
		.dev_req = req,
		.op = VM_SNAPSHOT_RESTORE,
		.buffer = { .buf_start = (uint8_t *)data, .buf_size = len, .buf = (uint8_t *)data,
			    .buf_rem = len },
	};

	if (vm_snapshot_req(machine->ctx, &meta) != 0)
		return complain(
			"%s: not restored: the kernel refused the state of the %s: %s. \"dmesg | grep vmm:\" tells why",
			snapshot->path, record_name(req), strerror(errno));
	return 0;
}

/* The vCPUs that run leave the debug set, the others enter it. */
static int waiting_restore(const struct snapshot *snapshot, struct machine *machine,
			   const struct machine_chunk *chunk)
{
	for (int id = 0; id < machine->options->cpus; id++) {
		struct cpu *cpu = &machine->cpus[id];
		bool waiting = chunk->waiting[id / 8] >> id % 8 & 1;

		if (waiting == cpu->waiting)
			continue;
		if ((waiting ? vm_suspend_cpu(cpu->vcpu) : vm_resume_cpu(cpu->vcpu)) != 0)
			return complain("%s: not restored: starting vCPU %d failed: %s",
					snapshot->path, id, strerror(errno));
		cpu->waiting = waiting;
	}
	return 0;
}

static int chunk_restore(const struct snapshot *snapshot, struct machine *machine,
			 const struct chunk *chunk, const uint8_t *data)
{
	struct machine_chunk description;

	switch (chunk->kind) {
	case CHUNK_MACHINE:
		memcpy(&description, data, sizeof(description));
		return waiting_restore(snapshot, machine, &description);
	case CHUNK_RECORD:
		return record_put(snapshot, machine, chunk->id, data, chunk->bytes);
	case CHUNK_DEVICE:
		parts[chunk->id]->restore(machine, data);
		return 0;
	case CHUNK_MEMORY:
		memcpy(memory_at(&machine->memory, chunk->at, chunk->bytes), data, chunk->bytes);
		return 0;
	default:
		return 0;
	}
}

int snapshot_restore(const struct snapshot *snapshot, struct machine *machine)
{
	struct chunk chunk;

	for (size_t at = sizeof(struct file_header); at < snapshot->size;
	     at += sizeof(chunk) + chunk.bytes) {
		chunk = chunk_at(snapshot, at);
		if (chunk_restore(snapshot, machine, &chunk,
				  snapshot->data + at + sizeof(chunk)) != 0)
			return -1;
	}
	if (vm_restore_time(machine->ctx) != 0)
		return complain("%s: not restored: starting the clock failed: %s", snapshot->path,
				strerror(errno));
	return 0;
}
