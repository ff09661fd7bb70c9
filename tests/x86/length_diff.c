// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * insn_decode() against Zydis: the same length for whatever Zydis decodes, in all
 * modes. First every opcode of every map, with every ModRM byte and the prefixes
 * that change lengths; then random bytes.
 *
 * What Zydis refuses may have a length here (its tables know which ModRM bytes
 * are undefined), but never more than 15, and the converse may not be. The bytes
 * end at a page that cannot be read, so that one too many is a crash.
 *
 * usage: length_diff BATCHES SEED	(how long the random part takes)
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <Zydis/Zydis.h>

#include <linux/kernel.h>

#include "decode.h"
#include "random.h"

u64 random_state;

struct mode {
	const char *name;
	enum vm_cpu_mode cpu_mode;
	bool cs_d;
	ZydisMachineMode machine;
	ZydisStackWidth stack;
	ZydisDecoder decoder;
};

static struct mode modes[] = {
	{ .name = "64", .cpu_mode = CPU_MODE_64BIT, .machine = ZYDIS_MACHINE_MODE_LONG_64,
	  .stack = ZYDIS_STACK_WIDTH_64 },
	{ .name = "compat32", .cpu_mode = CPU_MODE_COMPATIBILITY, .cs_d = true,
	  .machine = ZYDIS_MACHINE_MODE_LONG_COMPAT_32, .stack = ZYDIS_STACK_WIDTH_32 },
	{ .name = "protected32", .cpu_mode = CPU_MODE_PROTECTED, .cs_d = true,
	  .machine = ZYDIS_MACHINE_MODE_LEGACY_32, .stack = ZYDIS_STACK_WIDTH_32 },
	{ .name = "protected16", .cpu_mode = CPU_MODE_PROTECTED, .cs_d = false,
	  .machine = ZYDIS_MACHINE_MODE_LEGACY_16, .stack = ZYDIS_STACK_WIDTH_16 },
	{ .name = "real", .cpu_mode = CPU_MODE_REAL, .cs_d = false,
	  .machine = ZYDIS_MACHINE_MODE_REAL_16, .stack = ZYDIS_STACK_WIDTH_16 },
};

static unsigned long long passed, failed, refused_there_only;
static u8 *guard;	/* the first byte that cannot be read */

static void guard_setup(void)
{
	size_t page = sysconf(_SC_PAGESIZE);
	u8 *pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (pages == MAP_FAILED || mprotect(pages + page, page, PROT_NONE)) {
		perror("length_diff: no memory for the guard page");
		exit(1);
	}
	guard = pages + page;
}

static void decoders_setup(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		ZydisDecoderInit(&modes[i].decoder, modes[i].machine, modes[i].stack);
		ZydisDecoderEnableMode(&modes[i].decoder, ZYDIS_DECODER_MODE_AMD_BRANCHES, 1);
		ZydisDecoderEnableMode(&modes[i].decoder, ZYDIS_DECODER_MODE_KNC, 0);
	}
}

static void report(const struct mode *mode, const u8 *bytes, unsigned int count, int ours, int zydis)
{
	unsigned int i;

	if (failed++ >= 20)
		return;
	printf("length: %s:", mode->name);
	for (i = 0; i < count; i++)
		printf(" %02x", bytes[i]);
	printf(": have %d, Zydis says %d\n", ours, zydis);
}

/* Knights Corner, a coprocessor that had no virtualization, gave VEX opcodes to jumps of its own. */
static bool is_knights_corner(ZydisISASet set)
{
	return set >= ZYDIS_ISA_SET_KNCE && set <= ZYDIS_ISA_SET_KNCV;
}

/* The length by Zydis; -EAGAIN for too few bytes, -EINVAL for anything else. */
static int zydis_length(const struct mode *mode, const u8 *bytes, unsigned int count)
{
	ZydisDecodedInstruction instruction;
	ZyanStatus status;

	status = ZydisDecoderDecodeInstruction(&mode->decoder, NULL, bytes, count, &instruction);
	if (ZYAN_SUCCESS(status))
		return is_knights_corner(instruction.meta.isa_set) ? -EINVAL : instruction.length;
	return status == ZYDIS_STATUS_NO_MORE_DATA ? -EAGAIN : -EINVAL;
}

static int our_length(const struct mode *mode, const u8 *bytes, unsigned int count)
{
	return insn_length(bytes, count, mode->cpu_mode, mode->cs_d);
}

/* @bytes, of which there are enough for any instruction. */
static void check(const struct mode *mode, const u8 *bytes, unsigned int count)
{
	int zydis = zydis_length(mode, bytes, count);
	u8 *end = guard - count;
	int ours;

	memcpy(end, bytes, count);
	ours = our_length(mode, end, count);
	if (zydis > 0 ? ours != zydis : ours > INSN_MAX_LENGTH || ours == 0) {
		report(mode, bytes, count, ours, zydis);
		return;
	}
	if (zydis <= 0 && ours > 0)
		refused_there_only++;
	passed++;
}

/* The same bytes, cut short anywhere: more are asked for, until they are enough. */
static void check_cut(const struct mode *mode, const u8 *bytes, unsigned int count)
{
	int whole = our_length(mode, bytes, count);
	unsigned int cut;
	int ours;

	for (cut = 0; cut < count; cut++) {
		memcpy(guard - cut, bytes, cut);
		ours = our_length(mode, guard - cut, cut);
		if (whole > 0 && ours != (cut < (unsigned int)whole ? -EAGAIN : whole))
			report(mode, bytes, cut, ours, whole);
		else if (whole < 0 && ours != whole && ours != -EAGAIN)
			report(mode, bytes, cut, ours, whole);
		else
			passed++;
	}
}

struct lead {
	u8 count;
	u8 bytes[5];
};

static const struct lead prefixes[] = {
	{ 0, { 0 } }, { 1, { 0x66 } }, { 1, { 0xf2 } }, { 1, { 0xf3 } }, { 1, { 0x67 } }, { 1, { 0xf0 } },
	{ 1, { 0x48 } }, { 1, { 0x4f } }, { 2, { 0x66, 0x48 } }, { 2, { 0x48, 0x66 } },
	{ 2, { 0x66, 0xf2 } }, { 2, { 0xf3, 0x67 } }, { 2, { 0x64, 0xf0 } }, { 2, { 0xf2, 0x4f } },
};

static const struct lead maps[] = {
	{ 0, { 0 } }, { 1, { 0x0f } }, { 2, { 0x0f, 0x38 } }, { 2, { 0x0f, 0x3a } },
};

/* Every ModRM byte, each with a SIB byte that has a base and one that has none. */
static void sweep_modrm(const struct mode *mode, u8 *bytes, unsigned int at)
{
	unsigned int modrm;

	for (modrm = 0; modrm < 256; modrm++) {
		bytes[at] = modrm;
		bytes[at + 1] = 0x25;
		check(mode, bytes, 20);
		if ((modrm & 7) == 4) {
			bytes[at + 1] = 0x8b;
			check(mode, bytes, 20);
		}
	}
}

static void sweep_opcodes(const struct mode *mode, const struct lead *first, const struct lead *second)
{
	unsigned int opcode, at = 0;
	u8 bytes[20];

	memset(bytes, 0x11, sizeof(bytes));
	memcpy(bytes, first->bytes, first->count);
	at += first->count;
	memcpy(bytes + at, second->bytes, second->count);
	at += second->count;
	for (opcode = 0; opcode < 256; opcode++) {
		bytes[at] = opcode;
		sweep_modrm(mode, bytes, at + 1);
	}
}

/* The introducer's own fields: all maps, prefixes, W and L; registers and vvvv by a few values. */
static void sweep_vector(const struct mode *mode)
{
	static const struct lead none = { 0, { 0 } };
	static const u8 evex_p2[] = { 0x08, 0x28, 0x48, 0x0f };
	unsigned int map, p1, i;
	struct lead lead;

	for (p1 = 0; p1 < 8; p1++) {
		lead = (struct lead){ 2, { 0xc5, 0xf8 | p1 } };
		sweep_opcodes(mode, &none, &lead);
	}
	for (map = 0; map < 5; map++)
		for (i = 0; i < 8; i++) {
			p1 = 0x78 | (i & 7) | ((i & 1) << 7);
			lead = (struct lead){ 3, { 0xc4, 0xe0 | map, p1 } };
			sweep_opcodes(mode, &none, &lead);
		}
	for (map = 8; map < 12; map++)
		for (p1 = 0; p1 < 2; p1++) {
			lead = (struct lead){ 3, { 0x8f, 0xe0 | map, 0x78 | p1 << 7 } };
			sweep_opcodes(mode, &none, &lead);
		}
	for (map = 0; map < 8; map++)
		for (i = 0; i < 16; i++) {
			p1 = 0x7c | (i & 3) | ((i & 4) << 5);
			lead = (struct lead){ 4, { 0x62, 0xf0 | map, p1, evex_p2[(i & 8) / 8] } };
			sweep_opcodes(mode, &none, &lead);
		}
}

static void sweep(const struct mode *mode)
{
	size_t i, j;

	for (i = 0; i < ARRAY_SIZE(prefixes); i++)
		for (j = 0; j < ARRAY_SIZE(maps); j++)
			sweep_opcodes(mode, &prefixes[i], &maps[j]);
	sweep_vector(mode);
}

/* Bytes as programs have them more often than chance would: prefixes, escapes, introducers. */
static void random_bytes(u8 *bytes, unsigned int count)
{
	static const u8 common[] = {
		0x66, 0x67, 0xf0, 0xf2, 0xf3, 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65,
		0x40, 0x48, 0x4f, 0x41, 0x0f, 0x0f, 0x0f, 0xc4, 0xc5, 0x62, 0x8f,
	};
	unsigned int i, lead = random_below(8);

	for (i = 0; i < count; i++)
		bytes[i] = i < lead && random_below(4) ? common[random_below(sizeof(common))] :
			   random_u64() >> 56;
	if (!random_below(16))
		memset(bytes, common[random_below(sizeof(common))], random_below(count));
}

static void fuzz(unsigned int batches)
{
	unsigned int round, i;
	u8 bytes[20];

	while (batches--) {
		for (round = 0; round < 10000; round++) {
			random_bytes(bytes, sizeof(bytes));
			for (i = 0; i < ARRAY_SIZE(modes); i++)
				check(&modes[i], bytes, sizeof(bytes));
			if (round % 8 == 0)
				check_cut(&modes[round / 8 % ARRAY_SIZE(modes)], bytes, sizeof(bytes));
		}
	}
}

int main(int argc, char **argv)
{
	size_t i;

	if (argc != 3) {
		fprintf(stderr, "usage: length_diff BATCHES SEED\n");
		return 2;
	}
	random_state = strtoull(argv[2], NULL, 0) * 2 + 1;
	guard_setup();
	decoders_setup();
	for (i = 0; i < ARRAY_SIZE(modes); i++)
		sweep(&modes[i]);
	fuzz(atoi(argv[1]));
	printf("length: %llu byte strings, of which Zydis alone refuses %llu\n", passed + failed,
	       refused_there_only);
	printf("%llu passed, %llu failed\n", passed, failed);
	return failed != 0;
}
