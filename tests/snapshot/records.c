// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * The kernel's records of a saved machine, put into a machine without memory, as they are and
 * spoilt in every way there is:
 *
 *	records FILE [SEED [HOSTILE]]
 *
 * What is restored and saved again is the same, byte for byte. One byte flipped, at each offset,
 * or the end cut, at each length: refused, and nothing has changed. Fields changed at random with
 * checksums that are right, HOSTILE times: refused and nothing has changed, or taken and the vCPUs
 * may run; either way the host lives.
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include <vmlapi.h>
#include <machine/vmm_snapshot.h>

#define NAME		"records"
#define ROOM		(1u << 20)
#define HEADER		32		/* of a record: magic, version, kind, length, checksums */
#define FIELD_HEADER	8
#define REQS		(STRUCT_VRTC + 1)

/* vmmrun's file: a header, and chunks. */
#define FILE_HEADER	32
#define CHUNK_MACHINE	1
#define CHUNK_RECORD	2
#define MACHINE_CPUS	232		/* offset of the number of vCPUs */

struct chunk {
	uint32_t kind, id;
	uint64_t at, bytes;
	uint32_t crc, header_crc;
};

static struct record {
	uint8_t	*data;
	size_t	size;
} records[REQS];

static int cpus;
static struct vmctx *ctx;
static struct vcpu *vcpus[64];
static unsigned long passed, failed;
static uint64_t seed = 1;

static uint64_t random_get(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static void fatal(const char *what)
{
	fprintf(stderr, "records: %s: %s\n", what, strerror(errno));
	exit(2);
}

static void check(bool good, const char *what, int req, size_t at)
{
	if (good) {
		passed++;
		return;
	}
	if (failed++ < 20)
		printf("FAILED: record %d, byte %zu: %s (errno %d)\n", req, at, what, errno);
}

static void file_read(const char *path)
{
	struct chunk chunk;
	FILE *file = fopen(path, "rb");
	uint8_t *data;

	if (file == NULL || fseek(file, FILE_HEADER, SEEK_SET) != 0)
		fatal(path);
	while (fread(&chunk, sizeof(chunk), 1, file) == 1) {
		data = malloc(chunk.bytes + 1);
		if (data == NULL || fread(data, 1, chunk.bytes, file) != chunk.bytes)
			fatal(path);
		if (chunk.kind == CHUNK_MACHINE)
			memcpy(&cpus, data + MACHINE_CPUS, sizeof(cpus));
		if (chunk.kind == CHUNK_RECORD && chunk.id < REQS)
			records[chunk.id] = (struct record){ data, chunk.bytes };
		else
			free(data);
		if (chunk.kind > CHUNK_RECORD)
			break;
	}
	fclose(file);
	if (cpus < 1 || cpus > 64 || records[STRUCT_VMCX].data == NULL) {
		fprintf(stderr, "records: %s has no records\n", path);
		exit(2);
	}
}

static void machine_make(void)
{
	struct vml_info info;

	ctx = vm_openf(NAME, VMMAPI_OPEN_CREATE | VMMAPI_OPEN_CREATE_DESTROY_ON_CLOSE);
	if (ctx == NULL)
		fatal("creating the machine");
	/* As vmmrun has made the machine that the records are of. */
	if (vml_info(ctx, &info) != 0 || vml_set_features(ctx, info.features) != 0)
		fatal("switching features on");
	for (int id = 0; id < cpus; id++) {
		vcpus[id] = vm_vcpu_open(ctx, id);
		if (vcpus[id] == NULL || vm_activate_cpu(vcpus[id]) != 0)
			fatal("activating a vCPU");
	}
}

static void machine_remake(void)
{
	for (int id = 0; id < cpus; id++)
		vm_vcpu_close(vcpus[id]);
	vm_destroy(ctx);
	machine_make();
}

static int request(int req, enum vm_snapshot_op op, uint8_t *data, size_t size, size_t *used)
{
	struct vm_snapshot_meta meta = {
		.dev_req = req,
		.op = op,
		.buffer = { .buf_start = data, .buf_size = size, .buf = data, .buf_rem = size },
	};
	int error = vm_snapshot_req(ctx, &meta);

	if (used != NULL)
		*used = size - meta.buffer.buf_rem;
	return error;
}

static int put(int req, const uint8_t *data, size_t size)
{
	size_t used;
	int error = request(req, VM_SNAPSHOT_RESTORE, (uint8_t *)data, size, &used);

	if (error == 0 && used > size)
		error = -1;
	return error;
}

static bool is_same(int req, const uint8_t *data, size_t size)
{
	static uint8_t buf[ROOM];
	size_t used = 0;

	return request(req, VM_SNAPSHOT_SAVE, buf, sizeof(buf), &used) == 0 && used == size &&
	       memcmp(buf, data, size) == 0;
}

static void all_put(void)
{
	for (int req = 0; req < REQS; req++)
		if (records[req].data != NULL)
			check(put(req, records[req].data, records[req].size) == 0,
			      "not restored as it is", req, 0);
}

static bool all_same(void)
{
	bool same = true;

	for (int req = 0; req < REQS; req++)
		if (records[req].data != NULL)
			same &= is_same(req, records[req].data, records[req].size);
	return same;
}

/* Round trip, sizes, arguments. */
static void test_plain(void)
{
	static uint8_t buf[ROOM];
	size_t size, used;

	all_put();
	for (int req = 0; req < REQS; req++) {
		if (records[req].data == NULL)
			continue;
		size = records[req].size;
		check(is_same(req, records[req].data, size), "not the same again", req, 0);
		check(request(req, VM_SNAPSHOT_SAVE, buf, size - 1, &used) != 0 && errno == E2BIG &&
			      used == 0,
		      "no E2BIG for a buffer too small by one", req, 0);
		check(request(req, VM_SNAPSHOT_SAVE, buf, size, &used) == 0 && used == size,
		      "not saved to a buffer of its size", req, 0);
		check(request(req, VM_SNAPSHOT_SAVE, (uint8_t *)8, size, NULL) != 0 && errno == EFAULT,
		      "saving: no EFAULT", req, 0);
		check(request(req, VM_SNAPSHOT_RESTORE, (uint8_t *)8, size, NULL) != 0 &&
			      errno == EFAULT,
		      "restoring: no EFAULT", req, 0);
		check(request(req, (enum vm_snapshot_op)2, buf, size, NULL) != 0 && errno == EINVAL,
		      "no EINVAL for an unknown operation", req, 0);
	}
	for (int req = -1; req <= 12; req++)
		if (req < 1 || req >= REQS || req == VM_MEM)
			check(request(req, VM_SNAPSHOT_SAVE, buf, sizeof(buf), NULL) != 0 &&
				      errno == EINVAL,
			      "no EINVAL for an unknown record", req, 0);
	/* A record in the place of another. */
	check(put(STRUCT_VATPIC, records[STRUCT_VATPIT].data, records[STRUCT_VATPIT].size) != 0 &&
		      errno == EINVAL,
	      "a record of another kind was taken", STRUCT_VATPIC, 0);
}

/* Cuts, each from a buffer of just that size, so that a sanitizer would see a read beyond. */
static void test_spoilt(int req)
{
	size_t size = records[req].size;
	uint8_t *data = malloc(size);

	for (size_t at = 0; at < size; at++) {
		memcpy(data, records[req].data, size);
		data[at] ^= (uint8_t)(1u << random_get() % 8);
		check(put(req, data, size) != 0 && (errno == EINVAL || errno == E2BIG),
		      "restored with a byte flipped", req, at);
		memcpy(data, records[req].data, size);
		data[at] = (uint8_t)~data[at];
		check(put(req, data, size) != 0 && (errno == EINVAL || errno == E2BIG),
		      "restored with a byte inverted", req, at);
		memcpy(data, records[req].data, at);
		check(put(req, data, at) != 0 && (errno == EINVAL || errno == E2BIG),
		      "restored when cut", req, at);
		if (at % 256 == 0)
			check(all_same(), "refused, and something has changed", req, at);
	}
	check(all_same(), "refused, and something has changed", req, size);
	free(data);
}

/*
 * Hostile records.
 */

static uint32_t crc32(const uint8_t *data, size_t len)
{
	uint32_t crc = ~0u;

	while (len-- > 0) {
		crc ^= *data++;
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
	}
	return ~crc;
}

static void seal(uint8_t *data, size_t size)
{
	uint64_t bytes = size - HEADER;
	uint32_t crc = crc32(data + HEADER, size - HEADER);

	memcpy(data + 16, &bytes, sizeof(bytes));
	memcpy(data + 24, &crc, sizeof(crc));
	crc = crc32(data, 28);
	memcpy(data + 28, &crc, sizeof(crc));
}

static uint64_t value_get(void)
{
	static const uint64_t values[] = { 0, 1, ~0ull, 1ull << 63, ~0ull >> 1, 1ull << 32,
					   0xffffffff, 0x80000000 };

	return random_get() % 2 ? values[random_get() % (sizeof(values) / sizeof(values[0]))] :
				  random_get();
}

/* A start of a field, and its length. */
static size_t field_pick(const uint8_t *data, size_t size, uint32_t *bytes)
{
	size_t at = HEADER, picked = HEADER, count = 0;
	uint32_t len;

	while (at + FIELD_HEADER <= size) {
		memcpy(&len, data + at + 4, sizeof(len));
		if (random_get() % ++count == 0) {
			picked = at;
			*bytes = len;
		}
		at += FIELD_HEADER + len;
	}
	return picked;
}

/* Changes contents in one to three places; sometimes a whole field goes, or comes twice. */
static size_t mangle(uint8_t *data, size_t size)
{
	uint32_t bytes = 0, len;
	uint64_t value;
	size_t at;

	for (unsigned int i = 0; i <= random_get() % 3; i++) {
		at = field_pick(data, size, &bytes);
		switch (random_get() % 12) {
		case 0:
			len = FIELD_HEADER + bytes;
			memmove(data + at, data + at + len, size - at - len);
			return size - len;
		case 1:
			len = FIELD_HEADER + bytes;
			memmove(data + at + len, data + at, size - at);
			return size + len;
		case 2:
			data[at + random_get() % FIELD_HEADER] ^= (uint8_t)random_get();
			return size;
		default:
			value = value_get();
			len = bytes < 8 ? bytes : 8;
			at += FIELD_HEADER + random_get() % (bytes - len + 1) / 8 * 8;
			memcpy(data + at, &value, len);
		}
	}
	return size;
}

static void on_alarm(int signal)
{
	(void)signal;
}

/* Into the guest, for a moment: without memory it comes out at once, if it goes in at all. */
static void run_briefly(void)
{
	struct itimerval soon = { { 0, 2000 }, { 0, 2000 } }, never = { { 0, 0 }, { 0, 0 } };
	struct vm_exit exit;
	cpuset_t set;
	struct vm_run run = { .vm_exit = &exit, .cpuset = &set, .cpusetsize = sizeof(set) };

	setitimer(ITIMER_REAL, &soon, NULL);
	for (int id = 0; id < cpus; id++)
		for (int i = 0; i < 3; i++)
			(void)vm_run(vcpus[id], &run);
	setitimer(ITIMER_REAL, &never, NULL);
}

static void test_hostile(unsigned long tries)
{
	unsigned long taken = 0;

	for (unsigned long i = 0; i < tries; i++) {
		int req = (int)(random_get() % REQS);
		uint8_t *data;
		size_t size;

		if (records[req].data == NULL)
			continue;
		data = malloc(2 * records[req].size + 64);
		memcpy(data, records[req].data, records[req].size);
		size = mangle(data, records[req].size);
		seal(data, size);
		if (put(req, data, size) != 0) {
			check(errno == EINVAL, "a hostile record: not EINVAL", req, i);
			if (i % 16 == 0)
				check(all_same(), "refused, and something has changed", req, i);
		} else {
			taken++;
			check(is_same(req, data, size), "taken, and not the same again", req, i);
			run_briefly();
			machine_remake();
			all_put();
		}
		free(data);
	}
	printf("%lu of %lu hostile records were right by their rules\n", taken, tries);
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = on_alarm };

	if (argc < 2) {
		fprintf(stderr, "usage: records FILE [SEED [HOSTILE]]\n");
		return 2;
	}
	if (argc > 2)
		seed = strtoull(argv[2], NULL, 0) | 1;
	setvbuf(stdout, NULL, _IOLBF, 0);
	sigaction(SIGALRM, &action, NULL);
	file_read(argv[1]);
	machine_make();
	test_plain();
	for (int req = 0; req < REQS; req++)
		if (records[req].data != NULL)
			test_spoilt(req);
	test_hostile(argc > 3 ? strtoul(argv[3], NULL, 0) : 2000);
	vm_destroy(ctx);
	printf("%lu passed, %lu failed\n", passed, failed);
	return failed != 0;
}
