// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* A machine in a file: what comes back, and that a file with any byte flipped or cut gives nothing. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <machine/vmm_snapshot.h>
#include <vmlapi.h>

#include "../vmmrun/console.h"
#include "../vmmrun/crc.h"
#include "../vmmrun/i8042.h"
#include "../vmmrun/inout.h"
#include "../vmmrun/machine.h"
#include "../vmmrun/pci.h"
#include "../vmmrun/pm.h"
#include "../vmmrun/snapshot.h"
#include "test.h"
#include "../vmmrun/uart.h"

#define RECORD_BYTES	40

static struct options options = { .name = "saved", .cmdline = "some words", .cpus = 1,
				  .memory = FAKE_MEMORY, .x2apic = true };
static struct machine machine;
static unsigned int records_put;	/* a bit a kind */
static int clock_starts;
static char path[64], spoilt[80];

/* The kernel: its records are their kind, over and over. */
int vm_snapshot_req(struct vmctx *ctx, struct vm_snapshot_meta *meta)
{
	(void)ctx;
	if (meta->op == VM_SNAPSHOT_SAVE) {
		memset(meta->buffer.buf, meta->dev_req, RECORD_BYTES);
		meta->buffer.buf_rem -= RECORD_BYTES;
		return 0;
	}
	CHECK_EQUAL(meta->buffer.buf_rem, RECORD_BYTES);
	CHECK_EQUAL(meta->buffer.buf[RECORD_BYTES - 1], meta->dev_req);
	records_put |= 1u << meta->dev_req;
	return 0;
}

int vm_restore_time(struct vmctx *ctx)
{
	(void)ctx;
	clock_starts++;
	return 0;
}

int vm_suspend_all_cpus(struct vmctx *ctx)
{
	(void)ctx;
	return 0;
}

static void machine_fake(struct cpu *cpu)
{
	machine = (struct machine){
		.options = &options,
		.end = MACHINE_RUNNING,
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.pause_change = PTHREAD_COND_INITIALIZER,
		.cpus = cpu,
		.parked = 1,
		.features = VML_FEATURE_PVCLOCK,
		.memory = { .base = fake.memory, .lowmem = FAKE_MEMORY },
		.end_fd = eventfd(0, EFD_NONBLOCK),
	};
	cpu->machine = &machine;
	pci_create();
	pm_create(&machine);
	i8042_create(&machine);
	machine.uart = uart_create(&machine, 0x3f8, 4);
	CHECK(machine.uart != NULL);
}

static uint8_t *file_get(const char *from, size_t *size)
{
	struct stat stat;
	uint8_t *data;
	int fd = open(from, O_RDONLY);

	CHECK(fd >= 0);
	CHECK_EQUAL(fstat(fd, &stat), 0);
	*size = (size_t)stat.st_size;
	data = malloc(*size);
	CHECK_EQUAL(read(fd, data, *size), *size);
	close(fd);
	return data;
}

static void byte_put(int fd, size_t at, uint8_t byte)
{
	CHECK_EQUAL(pwrite(fd, &byte, 1, (off_t)at), 1);
}

static bool opens(void)
{
	struct options read = { 0 };
	struct snapshot snapshot;
	bool good = snapshot_open(&snapshot, spoilt, &read) == 0;

	snapshot_close(&snapshot);
	return good;
}

static void test_round_trip(void)
{
	struct options read = { 0 };
	struct snapshot snapshot;
	uint32_t value = 0x80000004;

	memset(fake.memory + 0x3000, 0x5a, 0x1800);
	fake.memory[FAKE_MEMORY - 1] = 7;
	inout_access(0xcf8, false, 4, value);
	inout_access(0x3ff, false, 1, 0xa5);
	uart_receive(machine.uart, 'q');
	snapshot_save(&machine);
	CHECK_EQUAL(machine.end, MACHINE_SAVED);
	CHECK_EQUAL(fake.suspends, 1);

	memset(fake.memory, 0, FAKE_MEMORY);
	inout_access(0xcf8, false, 4, 0);
	inout_access(0x3ff, false, 1, 0);
	CHECK_EQUAL(inout_access(0x3f8, true, 1, 0), 'q');
	CHECK_EQUAL(snapshot_open(&snapshot, path, &read), 0);
	CHECK_EQUAL(strcmp(read.name, "saved"), 0);
	CHECK_EQUAL(strcmp(read.cmdline, "some words"), 0);
	CHECK_EQUAL(read.cpus, 1);
	CHECK_EQUAL(read.memory, FAKE_MEMORY);
	CHECK(read.x2apic && !read.ignore_msrs);
	CHECK_EQUAL(read.features, VML_FEATURE_PVCLOCK);
	CHECK_EQUAL(snapshot_restore(&snapshot, &machine), 0);
	snapshot_close(&snapshot);
	CHECK_EQUAL(records_put, 0x7ee);	/* 1 to 10, but for VM_MEM */
	CHECK_EQUAL(clock_starts, 1);
	CHECK_EQUAL(fake.memory[0x2fff], 0);
	CHECK_EQUAL(fake.memory[0x3000], 0x5a);
	CHECK_EQUAL(fake.memory[0x47ff], 0x5a);
	CHECK_EQUAL(fake.memory[0x4800], 0);
	CHECK_EQUAL(fake.memory[FAKE_MEMORY - 1], 7);
	CHECK_EQUAL(inout_access(0xcf8, true, 4, 0), value);
	CHECK_EQUAL(inout_access(0x3ff, true, 1, 0), 0xa5);
	CHECK_EQUAL(inout_access(0x3f8, true, 1, 0), 'q');
}

static void test_spoilt(void)
{
	size_t size;
	uint8_t *data = file_get(path, &size);

	int fd = open(spoilt, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	CHECK(fd >= 0);
	CHECK_EQUAL(write(fd, data, size), size);
	CHECK(opens());
	for (size_t at = 0; at < size; at++) {
		byte_put(fd, at, (uint8_t)(data[at] ^ 1 << at % 8));
		CHECK(!opens());
		byte_put(fd, at, data[at]);
	}
	CHECK(opens());
	byte_put(fd, size, 0);
	CHECK(!opens());
	for (size_t at = size; at-- > 0;) {
		CHECK_EQUAL(ftruncate(fd, (off_t)at), 0);
		CHECK(!opens());
	}
	close(fd);
	free(data);
}

int main(void)
{
	struct cpu *cpu = fake_cpu();

	CHECK_EQUAL(crc32(0, "123456789", 9), 0xcbf43926);
	CHECK_EQUAL(crc32(crc32(0, "12345", 5), "6789", 4), 0xcbf43926);
	CHECK_EQUAL(console_signals_init(), 0);
	snprintf(path, sizeof(path), "%s/test_snapshot.%d",
		 access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp", (int)getpid());
	snprintf(spoilt, sizeof(spoilt), "%s.spoilt", path);
	options.save = path;
	machine_fake(cpu);
	test_round_trip();
	/* Thousands of complaints, all the same. */
	CHECK(freopen("/dev/null", "w", stderr) != NULL);
	test_spoilt();
	unlink(path);
	unlink(spoilt);
	free(machine.uart);
	free(fake.memory);
	return 0;
}
