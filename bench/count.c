// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * count: a TCG plugin for QEMU. Counts what is executed between two markers, host and guest alike.
 *
 * A marker is an eight-byte NOP whose displacement says what it means (mark.h), so the measured programs run anywhere. Until the
 * first marker nothing is instrumented but the translation, and the emulated host boots at its usual speed. From then on every
 * instruction calls back. A window is what lies between MARK_BEGIN and MARK_END, whatever processor executes it; its counts are
 * kept under the number of the last MARK_SELECT. What guests execute does not count: from VMRUN to the instruction behind it.
 *
 * Output, lines of words separated by tabs:
 *   sample ID TOTAL CLASS...	one window
 *   class NAME...		what the columns of CLASS are
 *   insn ID ADDRESS HITS	the window of the fewest instructions of ID, instruction by instruction
 *
 * Argument: out=FILE. QEMU 7.2's plugin interface is declared here, for Debian packages no header of it.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mark.h"

/* --- the interface ---------------------------------------------------------- */

typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
struct qemu_info;
enum qemu_plugin_cb_flags { QEMU_PLUGIN_CB_NO_REGS };
typedef void (*qemu_plugin_vcpu_udata_cb_t)(unsigned int cpu, void *data);
typedef void (*qemu_plugin_udata_cb_t)(qemu_plugin_id_t id, void *data);
typedef void (*qemu_plugin_simple_cb_t)(qemu_plugin_id_t id);
typedef void (*qemu_plugin_vcpu_tb_trans_cb_t)(qemu_plugin_id_t id, struct qemu_plugin_tb *tb);

void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id, qemu_plugin_vcpu_tb_trans_cb_t cb);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn, qemu_plugin_vcpu_udata_cb_t cb,
					    enum qemu_plugin_cb_flags flags, void *data);
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t id, qemu_plugin_udata_cb_t cb, void *data);
void qemu_plugin_reset(qemu_plugin_id_t id, qemu_plugin_simple_cb_t cb);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t index);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);

extern const int qemu_plugin_version;
const int qemu_plugin_version = 1;
int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info *info, int argc, char **argv);

/* --- what costs more than an instruction --------------------------------------- */

#define CLASSES(X)	X(none) X(rdmsr) X(wrmsr) X(crwrite) X(drwrite) X(xsetbv) X(xsave) X(xrstor) X(locked) X(vmrun) X(vmload) X(vmsave) \
			X(vmread) X(vmwrite) X(vmptrld) X(inv) X(rdtsc) X(pio)
enum class {
#define CLASS_ENUM(name) CLASS_##name,
	CLASSES(CLASS_ENUM)
#undef CLASS_ENUM
	CLASS_COUNT
};

static enum class class_0f01(uint8_t modrm)
{
	switch (modrm) {
	case 0xd1: return CLASS_xsetbv;
	case 0xc2: case 0xc3: case 0xd8: return CLASS_vmrun;		/* VMLAUNCH, VMRESUME, VMRUN */
	case 0xda: return CLASS_vmload;
	case 0xdb: return CLASS_vmsave;
	case 0xf9: return CLASS_rdtsc;
	case 0xdf: return CLASS_inv;					/* INVLPGA */
	}
	return (modrm & 0x38) == 0x38 && modrm < 0xc0 ? CLASS_inv : CLASS_none;
}

static enum class class_0f(const uint8_t *op, size_t left)
{
	uint8_t modrm = left > 1 ? op[1] : 0, reg = modrm >> 3 & 7;
	bool memory = modrm < 0xc0;

	switch (op[0]) {
	case 0x01: return class_0f01(modrm);
	case 0x22: return CLASS_crwrite;
	case 0x23: return CLASS_drwrite;
	case 0x30: return CLASS_wrmsr;
	case 0x31: return CLASS_rdtsc;
	case 0x32: return CLASS_rdmsr;
	case 0x38: return modrm >= 0x80 && modrm <= 0x82 ? CLASS_inv : CLASS_none;
	case 0x78: return CLASS_vmread;
	case 0x79: return CLASS_vmwrite;
	case 0xae:
		if (!memory)
			return CLASS_none;
		return reg == 0 || reg == 4 || reg == 6 ? CLASS_xsave : reg == 1 || reg == 5 ? CLASS_xrstor : CLASS_none;
	case 0xc7:
		if (!memory)
			return CLASS_none;
		return reg == 3 ? CLASS_xrstor : reg == 4 || reg == 5 ? CLASS_xsave : reg == 6 ? CLASS_vmptrld : CLASS_none;
	}
	return CLASS_none;
}

static bool is_prefix(uint8_t byte)
{
	return byte == 0x66 || byte == 0x67 || byte == 0xf2 || byte == 0xf3 || byte == 0x2e || byte == 0x36 || byte == 0x3e ||
	       byte == 0x26 || byte == 0x64 || byte == 0x65;
}

static enum class class_of(const uint8_t *op, size_t left)
{
	for (; left > 1 && is_prefix(*op); left--)
		op++;
	if (*op == 0xf0)
		return CLASS_locked;
	if (left > 1 && (*op & 0xf0) == 0x40)
		op++, left--;
	if (left > 1 && (*op == 0x86 || *op == 0x87) && op[1] < 0xc0)
		return CLASS_locked;		/* XCHG with memory */
	if ((*op >= 0xe4 && *op <= 0xe7) || (*op >= 0xec && *op <= 0xef))
		return CLASS_pio;
	return left > 1 && *op == 0x0f ? class_0f(op + 1, left - 1) : CLASS_none;
}

/* --- instructions, by address ---------------------------------------------------- */

#define SLOTS		(1u << 20)
#define TOUCHED_MAX	(1u << 18)

struct slot {
	uint64_t address;
	uint64_t window;		/* the last window that executed it ... */
	uint32_t hits;			/* ... and how often */
	enum class class;
};

static struct slot *slots[SLOTS];	/* open addressing by address */

static struct slot *slot_get(uint64_t address, enum class class)
{
	uint32_t i = (uint32_t)((address * 0x9e3779b97f4a7c15ull) >> 44);

	while (slots[i] && (slots[i]->address != address || slots[i]->class != class))
		i = (i + 1) % SLOTS;
	if (!slots[i]) {
		slots[i] = calloc(1, sizeof(*slots[i]));
		slots[i]->address = address;
		slots[i]->class = class;
	}
	return slots[i];
}

/* --- windows ----------------------------------------------------------------------- */

struct hit {
	uint64_t address;
	uint32_t hits;
};

/* The smallest window under an id. */
struct profile {
	uint64_t total;
	unsigned int count;
	struct hit *hits;
};

static FILE *out;
static bool armed, recording;
static unsigned int id;
static uint64_t window, total, classes[CLASS_COUNT];
static struct slot *touched[TOUCHED_MAX];
static unsigned int ntouched;
static struct profile profiles[MARK_IDS];

#define CPUS_MAX	16
#define VMRUN_BYTES	3

/* Where the host goes on, while that processor is in a guest. Nobody executes at 0. */
static uint64_t host_rip[CPUS_MAX];

/* In a guest? It has nothing where the host has modules. */
static bool in_guest(unsigned int cpu, const struct slot *slot)
{
	uint64_t *rip = &host_rip[cpu % CPUS_MAX];

	if (!*rip && slot->class == CLASS_vmrun)
		*rip = slot->address + VMRUN_BYTES;
	else if (*rip == slot->address)
		*rip = 0;
	else
		return *rip;
	return false;
}

static void on_insn(unsigned int cpu, void *data)
{
	struct slot *slot = data;

	if (in_guest(cpu, slot) || !recording)
		return;
	total++;
	if (slot->window != window) {
		slot->window = window;
		slot->hits = 0;
		if (ntouched < TOUCHED_MAX)
			touched[ntouched++] = slot;
	}
	slot->hits++;
	classes[slot->class]++;
}

static void window_begin(void)
{
	if (id == MARK_NONE)
		return;
	window++;
	total = 0;
	ntouched = 0;
	memset(classes, 0, sizeof(classes));
	recording = true;
}

static void profile_keep(struct profile *profile)
{
	if (profile->hits && profile->total <= total)
		return;
	free(profile->hits);
	profile->total = total;
	profile->count = ntouched;
	profile->hits = calloc(ntouched + 1, sizeof(*profile->hits));
	for (unsigned int i = 0; i < ntouched; i++)
		profile->hits[i] = (struct hit){ touched[i]->address, touched[i]->hits };
}

static void window_end(void)
{
	if (!recording)
		return;
	recording = false;
	fprintf(out, "sample\t%u\t%llu", id, (unsigned long long)total);
	for (int i = 1; i < CLASS_COUNT; i++)
		fprintf(out, "\t%llu", (unsigned long long)classes[i]);
	fputc('\n', out);
	profile_keep(&profiles[id]);
}

static void on_trans(qemu_plugin_id_t plugin, struct qemu_plugin_tb *tb);
static void on_exit_(qemu_plugin_id_t plugin, void *data);

/* A reset forgets them all. */
static void callbacks_register(qemu_plugin_id_t plugin)
{
	qemu_plugin_register_vcpu_tb_trans_cb(plugin, on_trans);
	qemu_plugin_register_atexit_cb(plugin, on_exit_, NULL);
}

static qemu_plugin_id_t plugin_id;

static void on_mark(unsigned int cpu, void *data)
{
	uint32_t mark = (uint32_t)(uintptr_t)data;

	(void)cpu;
	switch (MARK_KIND(mark)) {
	case MARK_SELECT:
		id = MARK_ID(mark);
		if (!armed) {
			armed = true;
			qemu_plugin_reset(plugin_id, callbacks_register);
		}
		break;
	case MARK_BEGIN:
		window_begin();
		break;
	case MARK_END:
		window_end();
		break;
	}
}

static bool is_mark(const uint8_t *op, size_t size, uint32_t *mark)
{
	static const uint8_t nop[] = { 0x0f, 0x1f, 0x84, 0x00 };

	if (size != sizeof(nop) + sizeof(*mark) || memcmp(op, nop, sizeof(nop)) != 0)
		return false;
	memcpy(mark, op + sizeof(nop), sizeof(*mark));
	return (*mark & MARK_MASK) == MARK_MAGIC;
}

static void on_trans(qemu_plugin_id_t plugin, struct qemu_plugin_tb *tb)
{
	size_t count = qemu_plugin_tb_n_insns(tb);

	(void)plugin;
	for (size_t i = 0; i < count; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
		size_t size = qemu_plugin_insn_size(insn);
		const uint8_t *op;
		uint32_t mark;

		if (!armed && size != 8)
			continue;
		op = qemu_plugin_insn_data(insn);
		if (is_mark(op, size, &mark))
			qemu_plugin_register_vcpu_insn_exec_cb(insn, on_mark, QEMU_PLUGIN_CB_NO_REGS, (void *)(uintptr_t)mark);
		else if (armed)
			qemu_plugin_register_vcpu_insn_exec_cb(insn, on_insn, QEMU_PLUGIN_CB_NO_REGS,
							       slot_get(qemu_plugin_insn_vaddr(insn), class_of(op, size)));
	}
}

/* --- life ---------------------------------------------------------------------------- */

static void on_exit_(qemu_plugin_id_t plugin, void *data)
{
	(void)plugin;
	(void)data;
	for (unsigned int i = 0; i < MARK_IDS; i++)
		for (unsigned int k = 0; k < profiles[i].count; k++)
			fprintf(out, "insn\t%u\t%llx\t%u\n", i, (unsigned long long)profiles[i].hits[k].address, profiles[i].hits[k].hits);
	fclose(out);
}

int qemu_plugin_install(qemu_plugin_id_t plugin, const struct qemu_info *info, int argc, char **argv)
{
	(void)info;
	if (argc != 1 || strncmp(argv[0], "out=", 4) != 0 || !(out = fopen(argv[0] + 4, "w"))) {
		fprintf(stderr, "count: expected out=FILE, and that it can be written\n");
		return -1;
	}
	fputs("class", out);
#define CLASS_NAME(name) if (CLASS_##name) fputs("\t" #name, out);
	CLASSES(CLASS_NAME)
	fputc('\n', out);
	plugin_id = plugin;
	callbacks_register(plugin);
	return 0;
}
