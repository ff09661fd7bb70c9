// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * The instruction emulator, src/x86/emulate.c: order and number of accesses,
 * strings, faults, pages and swapped instruction bytes. I-03, I-04 and I-06 of
 * the catalogue. What instructions compute is compared with other
 * implementations by tests/x86.
 */
#include <kunit/test.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/string.h>
#include <asm/processor-flags.h>

#include "../src/x86/decode.h"
#include "../src/x86/emulate.h"

#define R(name)		VM_REG_GUEST_##name

/*
 * Eight pages: linear page n at LINEAR + n * 4 KiB is physical page order[n]
 * behind PHYSICAL. The last linear page but one cannot be written, the last is
 * not there.
 */
#define LINEAR		0x10000ULL
#define PHYSICAL	0xfee00000ULL
#define PAGES		8
#define READ_ONLY	(LINEAR + 6 * 4096)
#define ABSENT		(LINEAR + 7 * 4096)
#define LOG_MAX		256

static const u8 order[PAGES] = { 3, 5, 1, 0, 4, 2, 6, 7 };

struct access {
	u64 gpa;
	int bytes;
	bool write;
};

struct fake {
	u64 reg[VM_REG_LAST];
	struct seg_desc desc[VM_REG_LAST];
	u8 simd[16][32];
	u8 memory[PAGES * 4096];	/* by physical address */
	struct vm_guest_paging paging;
	bool cs_d;

	struct access log[LOG_MAX];
	unsigned int accesses, translations, sets;
	int fail_after;		/* the access after this many fails; -1: none */
	int vector;		/* injected, or -1 */
};

static struct fake fake;

static u64 gpa_of(u64 gla)
{
	return PHYSICAL + order[(gla - LINEAR) / 4096] * 4096 + (gla & 4095);
}

static u8 *at(u64 gla)
{
	return fake.memory + (gpa_of(gla) - PHYSICAL);
}

static int fake_reg_get(void *ctx, enum vm_reg_name reg, u64 *val)
{
	if ((unsigned int)reg >= VM_REG_LAST)
		return -EINVAL;
	*val = fake.reg[reg];
	return 0;
}

static int fake_reg_set(void *ctx, enum vm_reg_name reg, u64 val)
{
	if ((unsigned int)reg >= VM_REG_LAST)
		return -EINVAL;
	fake.reg[reg] = val;
	fake.sets++;
	return 0;
}

static int fake_desc_get(void *ctx, enum vm_reg_name reg, struct seg_desc *desc)
{
	if ((unsigned int)reg >= VM_REG_LAST)
		return -EINVAL;
	*desc = fake.desc[reg];
	return 0;
}

static int fake_simd_get(void *ctx, unsigned int index, void *buf, int bytes)
{
	memcpy(buf, fake.simd[index & 15], bytes);
	return 0;
}

static int fake_simd_set(void *ctx, unsigned int index, const void *buf, int bytes)
{
	memcpy(fake.simd[index & 15], buf, bytes);
	fake.sets++;
	return 0;
}

static int fake_access(u64 gpa, int bytes, bool write)
{
	if (fake.fail_after >= 0 && fake.accesses >= fake.fail_after)
		return -EIO;
	if (gpa < PHYSICAL || gpa + bytes > PHYSICAL + sizeof(fake.memory) || fake.accesses >= LOG_MAX)
		return -EFAULT;
	fake.log[fake.accesses++] = (struct access){ gpa, bytes, write };
	return 0;
}

static int fake_phys_read(void *ctx, u64 gpa, void *buf, int bytes)
{
	int err = fake_access(gpa, bytes, false);

	if (!err)
		memcpy(buf, fake.memory + (gpa - PHYSICAL), bytes);
	return err;
}

static int fake_phys_write(void *ctx, u64 gpa, const void *buf, int bytes)
{
	int err = fake_access(gpa, bytes, true);

	if (!err)
		memcpy(fake.memory + (gpa - PHYSICAL), buf, bytes);
	return err;
}

static int fake_translate(void *ctx, u64 gla, int prot, u64 *gpa)
{
	fake.translations++;
	if (gla < LINEAR || gla >= ABSENT || (gla >= READ_ONLY && (prot & VM_PROT_WRITE))) {
		fake.vector = 14;
		return EMUL_FAULTED;
	}
	*gpa = gpa_of(gla);
	return 0;
}

static int fake_inject(void *ctx, int vector, bool has_error, u32 error)
{
	fake.vector = vector;
	return 0;
}

static const struct emul_ops fake_ops = {
	.reg_get = fake_reg_get,
	.reg_set = fake_reg_set,
	.desc_get = fake_desc_get,
	.simd_get = fake_simd_get,
	.simd_set = fake_simd_set,
	.phys_read = fake_phys_read,
	.phys_write = fake_phys_write,
	.translate = fake_translate,
	.inject = fake_inject,
};

/* A supervisor with flat segments; memory is 0x00, 0x01, … by physical address. */
static void setup(enum vm_cpu_mode cpu_mode)
{
	unsigned int i;

	memset(&fake, 0, sizeof(fake));
	for (i = 0; i < sizeof(fake.memory); i++)
		fake.memory[i] = i;
	for (i = VM_REG_GUEST_ES; i <= VM_REG_GUEST_GS; i++)
		fake.desc[i] = (struct seg_desc){ .limit = 0xffffffff, .access = 0xc093 };
	fake.desc[R(CS)].access = 0xc09b;
	fake.reg[R(CR0)] = X86_CR0_PE | X86_CR0_PG;
	fake.reg[R(CR4)] = X86_CR4_OSFXSR | X86_CR4_OSXSAVE;
	fake.reg[R(RFLAGS)] = X86_EFLAGS_FIXED;
	fake.paging.cpu_mode = cpu_mode;
	fake.paging.paging_mode = cpu_mode == CPU_MODE_64BIT ? PAGING_MODE_64 : PAGING_MODE_32;
	fake.cs_d = cpu_mode == CPU_MODE_PROTECTED;
	fake.fail_after = -1;
	fake.vector = -1;
}

/* Decode and emulate with the fault at @gpa; what was counted before is forgotten. */
static int run_at(u64 gpa, const char *bytes, unsigned int count)
{
	struct vie vie;
	int ret;

	fake.accesses = 0;
	fake.translations = 0;
	fake.sets = 0;
	fake.vector = -1;
	vie_init(&vie, (const u8 *)bytes, count);
	ret = vie_decode(&vie, fake.paging.cpu_mode, fake.cs_d);
	if (ret)
		return ret;
	return vie_emulate(&vie, gpa, &fake.paging, &fake_ops, NULL);
}

#define RUN_AT(gpa, bytes)	run_at(gpa, bytes, sizeof(bytes) - 1)

/* The fault is at the linear address in RBX, or RDI for strings. */
#define RUN(bytes)		RUN_AT(gpa_of(fake.reg[R(RBX)]), bytes)
#define RUN_STRING(bytes)	RUN_AT(gpa_of(fake.reg[R(RDI)]), bytes)

static void setup_operand(u64 gla)
{
	setup(CPU_MODE_64BIT);
	fake.reg[R(RBX)] = gla;
}

static void expect_access(struct kunit *test, unsigned int index, u64 gla, int bytes, bool write)
{
	KUNIT_EXPECT_EQ(test, fake.log[index].gpa, gpa_of(gla));
	KUNIT_EXPECT_EQ(test, fake.log[index].bytes, bytes);
	KUNIT_EXPECT_EQ(test, fake.log[index].write, write);
}

static u64 memory_u64(u64 gla)
{
	u64 value;

	memcpy(&value, at(gla), sizeof(value));
	return value;
}

/*
 * Moves
 */

static void emulate_moves(struct kunit *test)
{
	setup_operand(LINEAR + 0x80);
	fake.reg[R(RAX)] = 0x1122334455667788;

	KUNIT_EXPECT_EQ(test, RUN("\x8b\x03"), 0);		/* mov eax, [rbx] */
	KUNIT_EXPECT_EQ(test, fake.reg[R(RAX)], 0x83828180);
	KUNIT_EXPECT_EQ(test, fake.accesses, 1);
	KUNIT_EXPECT_EQ(test, fake.translations, 0);
	expect_access(test, 0, LINEAR + 0x80, 4, false);

	fake.reg[R(RAX)] = 0x1122334455667788;
	KUNIT_EXPECT_EQ(test, RUN("\x66\x8b\x03"), 0);		/* mov ax, [rbx] */
	KUNIT_EXPECT_EQ(test, fake.reg[R(RAX)], 0x1122334455668180);
	KUNIT_EXPECT_EQ(test, RUN("\x8a\x23"), 0);		/* mov ah, [rbx] */
	KUNIT_EXPECT_EQ(test, fake.reg[R(RAX)], 0x1122334455668080);
	fake.reg[R(RSP)] = 0x1234;
	KUNIT_EXPECT_EQ(test, RUN("\x40\x8a\x23"), 0);		/* mov spl, [rbx] */
	KUNIT_EXPECT_EQ(test, fake.reg[R(RSP)], 0x1280);
	KUNIT_EXPECT_EQ(test, RUN("\x48\x0f\xbe\x03"), 0);	/* movsx rax, byte [rbx] */
	KUNIT_EXPECT_EQ(test, fake.reg[R(RAX)], 0xffffffffffffff80);
	KUNIT_EXPECT_EQ(test, RUN("\x66\x0f\xb6\x03"), 0);	/* movzx ax, byte [rbx] */
	KUNIT_EXPECT_EQ(test, fake.reg[R(RAX)], 0xffffffffffff0080);
	KUNIT_EXPECT_EQ(test, RUN("\x48\x63\x03"), 0);		/* movsxd rax, [rbx] */
	KUNIT_EXPECT_EQ(test, fake.reg[R(RAX)], 0xffffffff83828180);

	KUNIT_EXPECT_EQ(test, RUN("\x48\xc7\x03\xfe\xff\xff\xff"), 0);	/* mov qword [rbx], -2 */
	KUNIT_EXPECT_EQ(test, memory_u64(LINEAR + 0x80), 0xfffffffffffffffe);
	KUNIT_EXPECT_EQ(test, fake.accesses, 1);
	expect_access(test, 0, LINEAR + 0x80, 8, true);
	KUNIT_EXPECT_EQ(test, fake.sets, 0);
	fake.reg[R(FS)] = 0x33;
	KUNIT_EXPECT_EQ(test, RUN("\x48\x8c\x23"), 0);		/* mov [rbx], fs: two bytes */
	KUNIT_EXPECT_EQ(test, memory_u64(LINEAR + 0x80), 0xffffffffffff0033);
}

static void emulate_rip_relative(struct kunit *test)
{
	setup(CPU_MODE_64BIT);
	fake.reg[R(RIP)] = LINEAR + 0x100;
	/* and dword [rip + 0x10], 0x0f: from the end of the instruction, immediate included */
	KUNIT_EXPECT_EQ(test, RUN_AT(gpa_of(LINEAR + 0x117), "\x83\x25\x10\x00\x00\x00\x0f"), 0);
	KUNIT_EXPECT_EQ(test, memory_u64(LINEAR + 0x117) & 0xffffffff, 0x07);
	expect_access(test, 0, LINEAR + 0x117, 4, false);
}

/* One read, then one write; and nothing of it shows if either fails. */
static void emulate_read_modify_write(struct kunit *test)
{
	static const char *const bytes[] = {
		"\x0f\xc1\x03",		/* xadd [rbx], eax */
		"\x0f\xb1\x0b",		/* cmpxchg [rbx], ecx */
		"\x0f\xc7\x0b",		/* cmpxchg8b [rbx] */
		"\xd1\x13\x90",		/* rcl dword [rbx], 1 */
		"\x0f\xab\x03",		/* bts [rbx], eax */
		"\x87\x03\x90",		/* xchg [rbx], eax */
		"\x01\x03\x90",		/* add [rbx], eax */
		"\xf7\x1b\x90",		/* neg dword [rbx] */
	};
	u64 before[VM_REG_LAST];
	size_t i;
	int fail;

	for (i = 0; i < ARRAY_SIZE(bytes); i++) {
		setup_operand(LINEAR + 0x80);
		fake.reg[R(RAX)] = 5;
		KUNIT_EXPECT_EQ_MSG(test, run_at(gpa_of(LINEAR + 0x80), bytes[i], 3), 0, "row %zu", i);
		KUNIT_EXPECT_EQ_MSG(test, fake.accesses, 2, "row %zu", i);
		KUNIT_EXPECT_EQ_MSG(test, fake.log[0].write, false, "row %zu", i);
		KUNIT_EXPECT_EQ_MSG(test, fake.log[1].write, true, "row %zu", i);
		KUNIT_EXPECT_EQ_MSG(test, fake.log[1].gpa, gpa_of(LINEAR + 0x80), "row %zu", i);
		for (fail = 0; fail < 2; fail++) {
			setup_operand(LINEAR + 0x80);
			fake.reg[R(RAX)] = 5;
			fake.fail_after = fail;
			memcpy(before, fake.reg, sizeof(before));
			KUNIT_EXPECT_EQ_MSG(test, run_at(gpa_of(LINEAR + 0x80), bytes[i], 3), -EIO,
					    "row %zu", i);
			KUNIT_EXPECT_EQ_MSG(test, memcmp(before, fake.reg, sizeof(before)), 0,
					    "row %zu", i);
			KUNIT_EXPECT_EQ_MSG(test, fake.sets, 0, "row %zu", i);
		}
	}
}

static void emulate_flags(struct kunit *test)
{
	const u64 status = X86_EFLAGS_CF | X86_EFLAGS_PF | X86_EFLAGS_AF | X86_EFLAGS_ZF |
			   X86_EFLAGS_SF | X86_EFLAGS_OF;

	setup_operand(LINEAR + 0x80);
	fake.reg[R(RFLAGS)] |= X86_EFLAGS_IF;
	*at(LINEAR + 0x80) = 0x7f;
	KUNIT_EXPECT_EQ(test, RUN("\xfe\x03"), 0);		/* inc byte [rbx] */
	KUNIT_EXPECT_EQ(test, fake.reg[R(RFLAGS)] & status,
			X86_EFLAGS_OF | X86_EFLAGS_SF | X86_EFLAGS_AF);
	KUNIT_EXPECT_EQ(test, RUN("\x80\x03\x80"), 0);		/* add byte [rbx], 0x80 */
	KUNIT_EXPECT_EQ(test, fake.reg[R(RFLAGS)] & status,
			X86_EFLAGS_OF | X86_EFLAGS_CF | X86_EFLAGS_ZF | X86_EFLAGS_PF);
	KUNIT_EXPECT_EQ(test, RUN("\xfe\x0b"), 0);		/* dec: CF stays */
	KUNIT_EXPECT_EQ(test, fake.reg[R(RFLAGS)] & status,
			X86_EFLAGS_CF | X86_EFLAGS_SF | X86_EFLAGS_AF | X86_EFLAGS_PF);
	KUNIT_EXPECT_EQ(test, RUN("\xf6\x13"), 0);		/* not: all stay */
	KUNIT_EXPECT_EQ(test, fake.reg[R(RFLAGS)] & status,
			X86_EFLAGS_CF | X86_EFLAGS_SF | X86_EFLAGS_AF | X86_EFLAGS_PF);
	KUNIT_EXPECT_EQ(test, fake.reg[R(RFLAGS)] & X86_EFLAGS_IF, X86_EFLAGS_IF);
	KUNIT_EXPECT_EQ(test, RUN("\x0f\x92\x03"), 0);		/* setc [rbx] */
	KUNIT_EXPECT_EQ(test, *at(LINEAR + 0x80), 1);
}

static void emulate_divide_error(struct kunit *test)
{
	setup_operand(LINEAR + 0x80);
	memset(at(LINEAR + 0x80), 0, 8);
	fake.reg[R(RAX)] = 7;
	KUNIT_EXPECT_EQ(test, RUN("\xf7\x33"), EMUL_FAULTED);	/* div dword [rbx] */
	KUNIT_EXPECT_EQ(test, fake.vector, 0);
	KUNIT_EXPECT_EQ(test, fake.reg[R(RAX)], 7);
	*at(LINEAR + 0x80) = 2;
	fake.reg[R(RDX)] = 2;					/* a quotient of 33 bits */
	KUNIT_EXPECT_EQ(test, RUN("\xf7\x33"), EMUL_FAULTED);
	fake.reg[R(RDX)] = 0;
	KUNIT_EXPECT_EQ(test, RUN("\xf7\x33"), 0);
	KUNIT_EXPECT_EQ(test, fake.reg[R(RAX)], 3);
	KUNIT_EXPECT_EQ(test, fake.reg[R(RDX)], 1);
}

/*
 * Pages
 */

static void emulate_page_crossing(struct kunit *test)
{
	const u64 edge = LINEAR + 4096;

	/* 3 bytes and 5 bytes: 2 + 1, 4 + 1, in ascending order */
	setup_operand(edge - 3);
	KUNIT_EXPECT_EQ(test, RUN("\x48\x8b\x03"), 0);
	KUNIT_EXPECT_EQ(test, fake.accesses, 4);
	expect_access(test, 0, edge - 3, 2, false);
	expect_access(test, 1, edge - 1, 1, false);
	expect_access(test, 2, edge, 4, false);
	expect_access(test, 3, edge + 4, 1, false);
	KUNIT_EXPECT_EQ(test, fake.reg[R(RAX)], 0x0403020100fffefd);
	KUNIT_EXPECT_EQ(test, fake.translations, 1);		/* of the second page */

	/* The fault is that of the second page */
	setup_operand(edge - 2);
	fake.reg[R(RAX)] = 0xa1b2c3d4;
	KUNIT_EXPECT_EQ(test, RUN_AT(gpa_of(edge), "\x89\x03"), 0);
	KUNIT_EXPECT_EQ(test, fake.accesses, 2);
	expect_access(test, 0, edge - 2, 2, true);
	expect_access(test, 1, edge, 2, true);

	/* The second page cannot be written: not one byte is, on the first either */
	setup_operand(READ_ONLY - 2);
	KUNIT_EXPECT_EQ(test, RUN("\x89\x03"), EMUL_FAULTED);
	KUNIT_EXPECT_EQ(test, fake.vector, 14);
	KUNIT_EXPECT_EQ(test, fake.accesses, 0);
}

/* Other bytes than those that faulted. */
static void emulate_swapped(struct kunit *test)
{
	/* Another operand, on another page */
	setup_operand(LINEAR + 0x84);
	KUNIT_EXPECT_EQ(test, RUN_AT(gpa_of(LINEAR + 4096 + 0x80), "\x8b\x03"), -EAGAIN);
	KUNIT_EXPECT_EQ(test, fake.accesses, 0);
	KUNIT_EXPECT_EQ(test, fake.sets, 0);
	/* Another operand on the same page: it is the instruction that counts */
	KUNIT_EXPECT_EQ(test, RUN_AT(gpa_of(LINEAR + 0x80), "\x8b\x03"), 0);
	expect_access(test, 0, LINEAR + 0x84, 4, false);

	/* At CPL 3 the tables are always asked, and for this kind of access */
	setup_operand(READ_ONLY + 0x80);
	fake.paging.cpl = 3;
	KUNIT_EXPECT_EQ(test, RUN("\x8b\x03"), 0);
	KUNIT_EXPECT_EQ(test, RUN("\x89\x03"), EMUL_FAULTED);
	KUNIT_EXPECT_EQ(test, fake.vector, 14);
	KUNIT_EXPECT_EQ(test, fake.accesses, 0);
	KUNIT_EXPECT_EQ(test, RUN("\x01\x03"), EMUL_FAULTED);
	KUNIT_EXPECT_EQ(test, fake.accesses, 0);
	KUNIT_EXPECT_EQ(test, RUN_AT(gpa_of(LINEAR + 0x80), "\x8b\x03"), -EAGAIN);
	KUNIT_EXPECT_EQ(test, fake.accesses, 0);

	/* A string with neither end at the fault */
	setup(CPU_MODE_64BIT);
	fake.reg[R(RSI)] = LINEAR + 4096;
	fake.reg[R(RDI)] = LINEAR + 2 * 4096;
	KUNIT_EXPECT_EQ(test, RUN_AT(gpa_of(LINEAR), "\xa5"), -EAGAIN);
	KUNIT_EXPECT_EQ(test, fake.accesses, 0);
	KUNIT_EXPECT_EQ(test, RUN_AT(gpa_of(LINEAR + 4096), "\xa5"), 0);
	KUNIT_EXPECT_EQ(test, RUN_AT(gpa_of(LINEAR + 2 * 4096), "\xa5"), 0);
}

/*
 * Segments and alignment
 */

struct segment_vector {
	enum vm_cpu_mode cpu_mode;
	enum vm_reg_name segment;
	u32 limit, access;
	u64 offset;		/* in EBX, BX; the base makes LINEAR of it */
	u8 count, bytes[5];
	int vector;		/* -1: none */
};

#define PM	CPU_MODE_PROTECTED
#define RM	CPU_MODE_REAL

static const struct segment_vector segment_vectors[] = {
	{ PM, R(DS), 0x1003, 0x4093, 0x1000, 2, { 0x8b, 0x03 }, -1 },
	{ PM, R(DS), 0x1002, 0x4093, 0x1000, 2, { 0x8b, 0x03 }, 13 },
	{ PM, R(SS), 0x1002, 0x4093, 0x1000, 3, { 0x36, 0x8b, 0x03 }, 12 },
	{ PM, R(DS), 0xffffffff, 0xc093, 0xfffffffe, 2, { 0x8b, 0x03 }, 13 },	/* wraps */
	{ PM, R(DS), 0xffff, 0x4091, 0x1000, 2, { 0x8b, 0x03 }, -1 },	/* read only */
	{ PM, R(DS), 0xffff, 0x4091, 0x1000, 2, { 0x89, 0x03 }, 13 },
	{ PM, R(DS), 0xffff, 0x4091, 0x1000, 2, { 0x01, 0x03 }, 13 },
	{ PM, R(CS), 0xffff, 0x409b, 0x1000, 3, { 0x2e, 0x8b, 0x03 }, -1 },	/* code, readable */
	{ PM, R(CS), 0xffff, 0x409b, 0x1000, 3, { 0x2e, 0x89, 0x03 }, 13 },
	{ PM, R(CS), 0xffff, 0x4099, 0x1000, 3, { 0x2e, 0x8b, 0x03 }, 13 },	/* not readable */
	{ PM, R(FS), 0xffff, 0x14093, 0x1000, 3, { 0x64, 0x8b, 0x03 }, 13 },	/* unusable */
	{ PM, R(FS), 0xffff, 0x4013, 0x1000, 3, { 0x64, 0x8b, 0x03 }, 13 },	/* not present */
	{ PM, R(DS), 0x1fff, 0x4097, 0x2000, 2, { 0x8b, 0x03 }, -1 },	/* expands down */
	{ PM, R(DS), 0x1fff, 0x4097, 0x1fff, 2, { 0x8b, 0x03 }, 13 },
	{ PM, R(DS), 0x1fff, 0x0097, 0xfffe, 2, { 0x8b, 0x03 }, 13 },	/* to 64 KiB */
	{ PM, R(DS), 0x1fff, 0x4097, 0xfffe, 2, { 0x8b, 0x03 }, -1 },
	{ RM, R(DS), 0xffff, 0x93, 0xfffe, 2, { 0x8b, 0x07 }, -1 },
	{ RM, R(DS), 0xffff, 0x93, 0xffff, 2, { 0x8b, 0x07 }, 13 },
	{ RM, R(SS), 0xffff, 0x93, 0xffff, 3, { 0x36, 0x8b, 0x07 }, 12 },
	{ RM, R(DS), 0xffff, 0x93, 0x10000, 3, { 0x67, 0x8b, 0x03 }, 13 },
	{ RM, R(CS), 0xffff, 0x9b, 0x1000, 3, { 0x2e, 0x89, 0x07 }, -1 },	/* rights do not count */
};

static void emulate_segments(struct kunit *test)
{
	const struct segment_vector *v;
	size_t i;
	int ret;

	for (i = 0; i < ARRAY_SIZE(segment_vectors); i++) {
		v = &segment_vectors[i];
		setup(v->cpu_mode);
		fake.reg[R(RBX)] = v->offset;
		fake.desc[v->segment] = (struct seg_desc){ (u32)(LINEAR - v->offset), v->limit, v->access };
		ret = run_at(gpa_of(LINEAR), (const char *)v->bytes, v->count);
		KUNIT_EXPECT_EQ_MSG(test, ret, v->vector < 0 ? 0 : EMUL_FAULTED, "row %zu", i);
		KUNIT_EXPECT_EQ_MSG(test, fake.vector, v->vector, "row %zu", i);
		KUNIT_EXPECT_EQ_MSG(test, !!fake.accesses, v->vector < 0, "row %zu", i);
	}
}

static void emulate_canonical(struct kunit *test)
{
	setup(CPU_MODE_64BIT);
	fake.reg[R(RBX)] = 0x0000800000000000;
	KUNIT_EXPECT_EQ(test, RUN_AT(PHYSICAL, "\x8b\x03"), EMUL_FAULTED);
	KUNIT_EXPECT_EQ(test, fake.vector, 13);
	fake.reg[R(RBX)] = 0x00007ffffffffffe;			/* its last byte is not */
	KUNIT_EXPECT_EQ(test, RUN_AT(PHYSICAL + 0xffe, "\x8b\x03"), EMUL_FAULTED);
	KUNIT_EXPECT_EQ(test, fake.vector, 13);
	fake.reg[R(RBP)] = 0x0000800000000000;
	KUNIT_EXPECT_EQ(test, RUN_AT(PHYSICAL, "\x8b\x45\x00"), EMUL_FAULTED);
	KUNIT_EXPECT_EQ(test, fake.vector, 12);
	/* With 57 bits it is canonical; limits of segments do not count, the base of GS does */
	fake.paging.paging_mode = PAGING_MODE_64_LA57;
	KUNIT_EXPECT_EQ(test, RUN_AT(PHYSICAL, "\x8b\x45\x00"), 0);
	fake.desc[R(GS)] = (struct seg_desc){ .base = LINEAR, .access = 0x10000 };
	fake.desc[R(DS)] = (struct seg_desc){ .base = 0x5555, .access = 0x10000 };
	fake.reg[R(RBX)] = 0x80;
	KUNIT_EXPECT_EQ(test, RUN_AT(gpa_of(LINEAR + 0x80), "\x65\x8b\x03"), 0);
	fake.reg[R(RBX)] = LINEAR + 0x80;
	KUNIT_EXPECT_EQ(test, RUN("\x3e\x8b\x03"), 0);
}

static void emulate_alignment(struct kunit *test)
{
	setup_operand(LINEAR + 0x81);
	fake.paging.cpl = 3;
	fake.reg[R(CR0)] |= X86_CR0_AM;
	KUNIT_EXPECT_EQ(test, RUN("\x8b\x03"), 0);
	fake.reg[R(RFLAGS)] |= X86_EFLAGS_AC;
	KUNIT_EXPECT_EQ(test, RUN("\x8b\x03"), EMUL_FAULTED);
	KUNIT_EXPECT_EQ(test, fake.vector, 17);
	KUNIT_EXPECT_EQ(test, RUN("\x8a\x03"), 0);		/* a byte is always aligned */
	KUNIT_EXPECT_EQ(test, RUN("\x0f\x10\x03"), 0);		/* movups need not be */
	fake.paging.cpl = 0;
	KUNIT_EXPECT_EQ(test, RUN("\x8b\x03"), 0);

	KUNIT_EXPECT_EQ(test, RUN("\x0f\x28\x03"), EMUL_FAULTED);	/* movaps */
	KUNIT_EXPECT_EQ(test, fake.vector, 13);
	KUNIT_EXPECT_EQ(test, RUN("\x0f\x10\x03"), 0);			/* movups */
	KUNIT_EXPECT_EQ(test, RUN("\x48\x0f\xc7\x0b"), EMUL_FAULTED);	/* cmpxchg16b */
	KUNIT_EXPECT_EQ(test, fake.vector, 13);
	KUNIT_EXPECT_EQ(test, RUN("\x0f\xc7\x0b"), 0);			/* cmpxchg8b */
	fake.reg[R(RBX)] = LINEAR + 0x90;
	KUNIT_EXPECT_EQ(test, RUN("\x0f\x28\x03"), 0);
	KUNIT_EXPECT_EQ(test, RUN("\xc5\xfc\x28\x03"), EMUL_FAULTED);	/* vmovaps ymm: 32 */
	KUNIT_EXPECT_EQ(test, RUN("\x48\x0f\xc7\x0b"), 0);
}

/*
 * Stack
 */

static void emulate_stack(struct kunit *test)
{
	setup_operand(LINEAR + 0x80);
	fake.reg[R(RSP)] = LINEAR + 0x1008;
	KUNIT_EXPECT_EQ(test, RUN("\xff\x33"), 0);		/* push qword [rbx] */
	KUNIT_EXPECT_EQ(test, fake.reg[R(RSP)], LINEAR + 0x1000);
	KUNIT_EXPECT_EQ(test, memory_u64(LINEAR + 0x1000), memory_u64(LINEAR + 0x80));

	/* pop [rsp + 0x78]: by the RSP that is already one up */
	KUNIT_EXPECT_EQ(test, RUN_AT(gpa_of(LINEAR + 0x1080), "\x8f\x44\x24\x78"), 0);
	KUNIT_EXPECT_EQ(test, fake.reg[R(RSP)], LINEAR + 0x1008);
	expect_access(test, 0, LINEAR + 0x1000, 8, false);
	expect_access(test, 1, LINEAR + 0x1080, 8, true);

	/* The stack cannot be written: the operand, which may be MMIO, is not even read */
	fake.reg[R(RSP)] = READ_ONLY + 8;
	KUNIT_EXPECT_EQ(test, RUN("\xff\x33"), EMUL_FAULTED);
	KUNIT_EXPECT_EQ(test, fake.vector, 14);
	KUNIT_EXPECT_EQ(test, fake.accesses, 0);
	KUNIT_EXPECT_EQ(test, fake.reg[R(RSP)], READ_ONLY + 8);
	fake.reg[R(RSP)] = 0x0000800000000000;
	KUNIT_EXPECT_EQ(test, RUN("\xff\x33"), EMUL_FAULTED);
	KUNIT_EXPECT_EQ(test, fake.vector, 14);			/* below it is canonical */
	KUNIT_EXPECT_EQ(test, RUN("\x8f\x03"), EMUL_FAULTED);
	KUNIT_EXPECT_EQ(test, fake.vector, 12);

	/* A 16-bit stack wraps in SP alone */
	setup(CPU_MODE_PROTECTED);
	fake.reg[R(RBX)] = LINEAR + 0x80;
	fake.desc[R(SS)] = (struct seg_desc){ (u32)(LINEAR - 0xfffc), 0xffff, 0x93 };
	fake.reg[R(RSP)] = 0x120000;
	KUNIT_EXPECT_EQ(test, RUN("\xff\x33"), 0);
	KUNIT_EXPECT_EQ(test, fake.reg[R(RSP)], 0x12fffc);
}

/*
 * Strings
 */

static void setup_string(u64 rsi, u64 rdi, u64 rcx)
{
	setup(CPU_MODE_64BIT);
	fake.reg[R(RSI)] = rsi;
	fake.reg[R(RDI)] = rdi;
	fake.reg[R(RCX)] = rcx;
	fake.reg[R(RAX)] = 0xaabbccdd;
}

static void emulate_rep_bound(struct kunit *test)
{
	unsigned int calls = 1;

	/* Not more than EMUL_REP_MAX a call, whatever RCX is */
	setup_string(0, LINEAR, ~0ULL);
	KUNIT_EXPECT_EQ(test, RUN_STRING("\xf3\xab"), EMUL_RESTART);
	KUNIT_EXPECT_EQ(test, fake.accesses, EMUL_REP_MAX);
	KUNIT_EXPECT_EQ(test, fake.reg[R(RCX)], ~0ULL - EMUL_REP_MAX);
	KUNIT_EXPECT_EQ(test, fake.reg[R(RDI)], LINEAR + 4 * EMUL_REP_MAX);
	KUNIT_EXPECT_EQ(test, fake.translations, 1);

	setup_string(0, LINEAR, 130);
	while (RUN_STRING("\xf3\xab") == EMUL_RESTART && calls < 10)
		calls++;
	KUNIT_EXPECT_EQ(test, calls, 3);
	KUNIT_EXPECT_EQ(test, fake.reg[R(RCX)], 0);
	KUNIT_EXPECT_EQ(test, fake.reg[R(RDI)], LINEAR + 520);
	KUNIT_EXPECT_EQ(test, memory_u64(LINEAR + 512), 0xaabbccddaabbccdd);
	KUNIT_EXPECT_EQ(test, *at(LINEAR + 520), 0x08);

	/* Nothing to do */
	setup_string(0, LINEAR, 0);
	KUNIT_EXPECT_EQ(test, RUN_STRING("\xf3\xab"), 0);
	KUNIT_EXPECT_EQ(test, fake.accesses, 0);
	KUNIT_EXPECT_EQ(test, fake.sets, 0);
	KUNIT_EXPECT_EQ(test, RUN_STRING("\xab"), 0);		/* without REP RCX does not count */
	KUNIT_EXPECT_EQ(test, fake.accesses, 1);
	KUNIT_EXPECT_EQ(test, fake.reg[R(RCX)], 0);
}

static void emulate_rep_pages(struct kunit *test)
{
	/* The page ends: five elements, then the one across, then the rest */
	setup_string(0, LINEAR + 4096 - 22, 10);
	KUNIT_EXPECT_EQ(test, RUN_STRING("\xf3\xab"), EMUL_RESTART);
	KUNIT_EXPECT_EQ(test, fake.reg[R(RCX)], 5);
	KUNIT_EXPECT_EQ(test, RUN_STRING("\xf3\xab"), EMUL_RESTART);
	KUNIT_EXPECT_EQ(test, fake.accesses, 2);
	KUNIT_EXPECT_EQ(test, fake.reg[R(RCX)], 4);
	KUNIT_EXPECT_EQ(test, RUN_STRING("\xf3\xab"), 0);
	KUNIT_EXPECT_EQ(test, fake.reg[R(RCX)], 0);
	KUNIT_EXPECT_EQ(test, fake.reg[R(RDI)], LINEAR + 4096 + 18);

	/* Downwards */
	setup_string(LINEAR + 4096 + 4, LINEAR + 2 * 4096 + 0x100, 4);
	fake.reg[R(RFLAGS)] |= X86_EFLAGS_DF;
	KUNIT_EXPECT_EQ(test, RUN_STRING("\xf3\xa5"), EMUL_RESTART);
	KUNIT_EXPECT_EQ(test, fake.reg[R(RCX)], 2);
	KUNIT_EXPECT_EQ(test, fake.reg[R(RSI)], LINEAR + 4096 - 4);
	KUNIT_EXPECT_EQ(test, RUN_STRING("\xf3\xa5"), 0);
	KUNIT_EXPECT_EQ(test, fake.reg[R(RDI)], LINEAR + 2 * 4096 + 0xf0);
	KUNIT_EXPECT_EQ(test, memory_u64(LINEAR + 2 * 4096 + 0xf4), 0xfffefdfcfbfaf9f8);

	/* The destination runs into a page that cannot be written: what is done stays done */
	setup_string(LINEAR, READ_ONLY - 8, 5);
	KUNIT_EXPECT_EQ(test, RUN_STRING("\xf3\xa5"), EMUL_RESTART);
	KUNIT_EXPECT_EQ(test, fake.reg[R(RCX)], 3);
	KUNIT_EXPECT_EQ(test, RUN_STRING("\xf3\xa5"), EMUL_FAULTED);
	KUNIT_EXPECT_EQ(test, fake.vector, 14);
	KUNIT_EXPECT_EQ(test, fake.accesses, 0);
	KUNIT_EXPECT_EQ(test, fake.reg[R(RCX)], 3);
	KUNIT_EXPECT_EQ(test, fake.reg[R(RSI)], LINEAR + 8);

	/* An access fails in the middle */
	setup_string(0, LINEAR, 5);
	fake.fail_after = 2;
	KUNIT_EXPECT_EQ(test, RUN_STRING("\xf3\xab"), -EIO);
	KUNIT_EXPECT_EQ(test, fake.reg[R(RCX)], 3);
	KUNIT_EXPECT_EQ(test, fake.reg[R(RDI)], LINEAR + 8);
}

static void emulate_rep_comparisons(struct kunit *test)
{
	/* repe cmpsb: equal but for the fourth byte */
	setup_string(LINEAR + 0x10, LINEAR + 4096 + 0x10, 20);
	*at(LINEAR + 0x13) = 0xee;
	KUNIT_EXPECT_EQ(test, RUN_STRING("\xf3\xa6"), 0);
	KUNIT_EXPECT_EQ(test, fake.reg[R(RCX)], 16);
	KUNIT_EXPECT_EQ(test, fake.reg[R(RSI)], LINEAR + 0x14);
	KUNIT_EXPECT_EQ(test, fake.reg[R(RFLAGS)] & X86_EFLAGS_ZF, 0);
	/* The source is compared with the destination, not the other way round */
	KUNIT_EXPECT_EQ(test, fake.reg[R(RFLAGS)] & X86_EFLAGS_CF, 0);

	/* repne scasb: found at the end of what is left */
	setup_string(0, LINEAR + 0x10, 4);
	fake.reg[R(RAX)] = 0x13;
	KUNIT_EXPECT_EQ(test, RUN_STRING("\xf2\xae"), 0);
	KUNIT_EXPECT_EQ(test, fake.reg[R(RCX)], 0);
	KUNIT_EXPECT_EQ(test, fake.reg[R(RFLAGS)] & X86_EFLAGS_ZF, X86_EFLAGS_ZF);
	/* not found */
	setup_string(0, LINEAR + 0x10, 100);
	fake.reg[R(RAX)] = 0x05;
	KUNIT_EXPECT_EQ(test, RUN_STRING("\xf2\xae"), EMUL_RESTART);
	KUNIT_EXPECT_EQ(test, fake.reg[R(RCX)], 36);
	KUNIT_EXPECT_EQ(test, RUN_STRING("\xf2\xae"), 0);
	KUNIT_EXPECT_EQ(test, fake.reg[R(RFLAGS)] & X86_EFLAGS_ZF, 0);
	/* REP LODS: the last one stays in RAX */
	setup_string(LINEAR + 0x20, 0, 3);
	KUNIT_EXPECT_EQ(test, RUN_AT(gpa_of(LINEAR + 0x20), "\xf3\xad"), 0);
	KUNIT_EXPECT_EQ(test, fake.reg[R(RAX)], 0x2b2a2928);
}

static void emulate_string_widths(struct kunit *test)
{
	/* 32-bit addresses clear the upper halves of what they update */
	setup_string(0, 0xffffffff00000000 | LINEAR, 0x500000002);
	KUNIT_EXPECT_EQ(test, RUN_AT(gpa_of(LINEAR), "\x67\xf3\xab"), 0);
	KUNIT_EXPECT_EQ(test, fake.reg[R(RDI)], LINEAR + 8);
	KUNIT_EXPECT_EQ(test, fake.reg[R(RCX)], 0);
	KUNIT_EXPECT_EQ(test, fake.accesses, 2);

	/* 16-bit addresses wrap at 64 KiB and leave the upper halves */
	setup(CPU_MODE_REAL);
	fake.desc[R(ES)] = (struct seg_desc){ LINEAR, 0xffff, 0x93 };
	fake.reg[R(RDI)] = 0x777f0ffe;
	fake.reg[R(RCX)] = 0x11110001;
	KUNIT_EXPECT_EQ(test, RUN_AT(gpa_of(LINEAR + 0xffe), "\xf3\xab"), 0);
	KUNIT_EXPECT_EQ(test, fake.reg[R(RDI)], 0x777f1000);
	KUNIT_EXPECT_EQ(test, fake.reg[R(RCX)], 0x11110000);
	fake.reg[R(RDI)] = 0xffff;
	fake.reg[R(RCX)] = 1;
	KUNIT_EXPECT_EQ(test, RUN_AT(PHYSICAL, "\xf3\xab"), EMUL_FAULTED);
	KUNIT_EXPECT_EQ(test, fake.vector, 13);
	/* Overrides are for the source alone */
	fake.desc[R(FS)] = (struct seg_desc){ LINEAR + 0x40, 0xffff, 0x93 };
	fake.reg[R(RSI)] = 1;
	fake.reg[R(RDI)] = 0x80;
	KUNIT_EXPECT_EQ(test, RUN_AT(gpa_of(LINEAR + 0x80), "\x64\xa4"), 0);
	KUNIT_EXPECT_EQ(test, *at(LINEAR + 0x80), 0x41);
}

/*
 * SIMD
 */

static void emulate_simd_registers(struct kunit *test)
{
	static const u8 zeros[16];

	setup_operand(LINEAR + 0x80);
	memset(fake.simd, 0xcc, sizeof(fake.simd));
	KUNIT_EXPECT_EQ(test, RUN("\x0f\x10\x03"), 0);		/* movups xmm0, [rbx] */
	KUNIT_EXPECT_EQ(test, memcmp(fake.simd[0], at(LINEAR + 0x80), 16), 0);
	KUNIT_EXPECT_EQ(test, fake.simd[0][16], 0xcc);
	KUNIT_EXPECT_EQ(test, fake.accesses, 1);
	KUNIT_EXPECT_EQ(test, RUN("\xf3\x0f\x10\x03"), 0);	/* movss: the rest of 128 bits is 0 */
	KUNIT_EXPECT_EQ(test, memcmp(fake.simd[0], at(LINEAR + 0x80), 4), 0);
	KUNIT_EXPECT_EQ(test, memcmp(fake.simd[0] + 4, zeros, 12), 0);
	KUNIT_EXPECT_EQ(test, fake.simd[0][16], 0xcc);
	KUNIT_EXPECT_EQ(test, RUN("\x0f\x16\x0b"), 0);		/* movhps xmm1, [rbx] */
	KUNIT_EXPECT_EQ(test, fake.simd[1][0], 0xcc);
	KUNIT_EXPECT_EQ(test, memcmp(fake.simd[1] + 8, at(LINEAR + 0x80), 8), 0);
	KUNIT_EXPECT_EQ(test, RUN("\xc5\xf8\x10\x13"), 0);	/* vmovups xmm2: all above is 0 */
	KUNIT_EXPECT_EQ(test, memcmp(fake.simd[2], at(LINEAR + 0x80), 16), 0);
	KUNIT_EXPECT_EQ(test, memcmp(fake.simd[2] + 16, zeros, 16), 0);
	KUNIT_EXPECT_EQ(test, RUN("\xc5\xfe\x6f\x1b"), 0);	/* vmovdqu ymm3 */
	KUNIT_EXPECT_EQ(test, memcmp(fake.simd[3], at(LINEAR + 0x80), 32), 0);
	KUNIT_EXPECT_EQ(test, fake.accesses, 1);
	expect_access(test, 0, LINEAR + 0x80, 32, false);
	KUNIT_EXPECT_EQ(test, RUN("\x66\x0f\x7e\x0b"), 0);	/* movd [rbx], xmm1 */
	KUNIT_EXPECT_EQ(test, memory_u64(LINEAR + 0x80), 0x87868584cccccccc);
}

static void emulate_simd_available(struct kunit *test)
{
	setup_operand(LINEAR + 0x80);
	fake.reg[R(CR0)] |= X86_CR0_TS;
	KUNIT_EXPECT_EQ(test, RUN("\x0f\x10\x03"), EMUL_FAULTED);
	KUNIT_EXPECT_EQ(test, fake.vector, 7);
	KUNIT_EXPECT_EQ(test, fake.accesses, 0);
	KUNIT_EXPECT_EQ(test, RUN("\x0f\xc3\x03"), 0);		/* movnti uses none */
	fake.reg[R(CR0)] ^= X86_CR0_TS | X86_CR0_EM;
	KUNIT_EXPECT_EQ(test, RUN("\x0f\x10\x03"), EMUL_FAULTED);
	KUNIT_EXPECT_EQ(test, fake.vector, 6);
	fake.reg[R(CR0)] ^= X86_CR0_EM;
	fake.reg[R(CR4)] = X86_CR4_OSFXSR;
	KUNIT_EXPECT_EQ(test, RUN("\x0f\x10\x03"), 0);
	KUNIT_EXPECT_EQ(test, RUN("\xc5\xf8\x10\x03"), EMUL_FAULTED);
	KUNIT_EXPECT_EQ(test, fake.vector, 6);
	fake.reg[R(CR4)] = X86_CR4_OSXSAVE;
	KUNIT_EXPECT_EQ(test, RUN("\xc5\xf8\x10\x03"), 0);
	KUNIT_EXPECT_EQ(test, RUN("\x0f\x10\x03"), EMUL_FAULTED);
}

static void emulate_simd_absent(struct kunit *test)
{
	struct emul_ops ops = fake_ops;
	struct vie vie;

	setup_operand(LINEAR + 0x80);
	ops.simd_get = NULL;
	ops.simd_set = NULL;
	vie_init(&vie, (const u8 *)"\x0f\x10\x03", 3);
	KUNIT_EXPECT_EQ(test, vie_decode(&vie, CPU_MODE_64BIT, false), 0);
	KUNIT_EXPECT_EQ(test, vie_emulate(&vie, gpa_of(LINEAR + 0x80), &fake.paging, &ops, NULL),
			-EOPNOTSUPP);
}

/* A struct vie from anywhere is refused or carried out, and stays within its bounds. */
static void emulate_any_vie(struct kunit *test)
{
	struct vie vie;
	unsigned int i;
	u32 seed = 1;
	u8 *byte;

	for (i = 0; i < 20000; i++) {
		setup_operand(LINEAR + 0x80);
		for (byte = (u8 *)&vie; byte < (u8 *)(&vie + 1); byte++) {
			seed = seed * 1664525 + 1013904223;
			*byte = seed >> 24;
		}
		vie.decoded = 1;
		vie.addrsize = 8;
		if (i % 2)
			vie.opsize = 1 << (i / 2 % 4);
		if (i % 3)
			vie.base_register = R(RBX);
		if (i % 5)
			vie.index_register = VM_REG_LAST;
		vie_emulate(&vie, gpa_of(LINEAR + 0x80), &fake.paging, &fake_ops, NULL);
		KUNIT_EXPECT_TRUE(test, fake.accesses <= 2 * EMUL_REP_MAX + 2);
	}
	vie_init(&vie, NULL, 0);
	KUNIT_EXPECT_EQ(test, vie_emulate(&vie, 0, &fake.paging, &fake_ops, NULL), -EOPNOTSUPP);
}

static struct kunit_case emulate_test_cases[] = {
	KUNIT_CASE(emulate_moves),
	KUNIT_CASE(emulate_rip_relative),
	KUNIT_CASE(emulate_read_modify_write),
	KUNIT_CASE(emulate_flags),
	KUNIT_CASE(emulate_divide_error),
	KUNIT_CASE(emulate_page_crossing),
	KUNIT_CASE(emulate_swapped),
	KUNIT_CASE(emulate_segments),
	KUNIT_CASE(emulate_canonical),
	KUNIT_CASE(emulate_alignment),
	KUNIT_CASE(emulate_stack),
	KUNIT_CASE(emulate_rep_bound),
	KUNIT_CASE(emulate_rep_pages),
	KUNIT_CASE(emulate_rep_comparisons),
	KUNIT_CASE(emulate_string_widths),
	KUNIT_CASE(emulate_simd_registers),
	KUNIT_CASE(emulate_simd_available),
	KUNIT_CASE(emulate_simd_absent),
	KUNIT_CASE(emulate_any_vie),
	{ }
};

static struct kunit_suite emulate_test_suite = {
	.name = "vmm-x86-emulate",
	.test_cases = emulate_test_cases,
};
kunit_test_suites(&emulate_test_suite);

MODULE_LICENSE("Dual BSD/GPL");
