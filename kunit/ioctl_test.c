// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * ioctl: the door. All requests by word, size and lock class (abi/ioctls.tsv), what the classes do
 * to vCPUs (semantics.md 3.3, 4), and the requests that keep something for the vCPU or hand it out
 * (5 to 7, 10 to 15, 27, 30).
 */
#include <kunit/test.h>
#include <linux/bits.h>
#include <linux/fs.h>
#include <linux/kernel.h>
#include <linux/mman.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <asm/processor-flags.h>
#include "dev/vlapic.h"
#include "fake_vm.h"
#include "ioctl.h"

/* --- the list ------------------------------------------------------------------------ */

enum {
	NONE = CLASS_NONE,
	ONE = CLASS_VCPU,
	MEMORY = CLASS_MEM_WRITE,
	ALL = CLASS_ALL_VCPUS,
	MAP = CLASS_MEM_READ,
	FIND = CLASS_FIND,
	FIND_OR_ALL = CLASS_FIND_OR_ALL,
};

struct request {
	const char *name;
	u32 fbsd_word;		/* of the list */
	int class;
};

/* From the list's command words and classes; number, size and direction follow from the word. */
static const struct request core_requests[] = {
	{ "VM_RUN", 0x80207601, ONE },
	{ "VM_RUN_13", 0xc0907601, ONE },
	{ "VM_SET_CAPABILITY", 0x80107602, ONE },
	{ "VM_GET_CAPABILITY", 0xc0107603, ONE },
	{ "VM_SUSPEND", 0x80047604, NONE },
	{ "VM_REINIT", 0x20007605, MEMORY },
	{ "VM_GET_GPA_PMAP", 0xc030760c, NONE },
	{ "VM_GLA2GPA", 0xc038760d, ONE },
	{ "VM_ALLOC_MEMSEG", 0x8020760e, MEMORY },
	{ "VM_ALLOC_MEMSEG of 15", 0x8038760e, NONE },	/* locks behind the look at the mask */
	{ "VM_ALLOC_MEMSEG_FBSD12", 0x8050760e, MEMORY },
	{ "VM_GET_MEMSEG", 0xc020760f, MAP },
	{ "VM_GET_MEMSEG of 15", 0xc038760f, MAP },
	{ "VM_GET_MEMSEG_FBSD12", 0xc050760f, MAP },
	{ "VM_MMAP_MEMSEG", 0x80287610, MEMORY },
	{ "VM_MMAP_GETNEXT", 0xc0287611, MAP },
	{ "VM_GLA2GPA_NOFAULT", 0xc0387612, ONE },
	{ "VM_MUNMAP_MEMSEG", 0x80107613, MEMORY },
	{ "VM_SET_REGISTER", 0x80107614, ONE },
	{ "VM_GET_REGISTER", 0xc0107615, ONE },
	{ "VM_SET_SEGMENT_DESCRIPTOR", 0x80187616, ONE },
	{ "VM_GET_SEGMENT_DESCRIPTOR", 0xc0187617, ONE },
	{ "VM_SET_REGISTER_SET", 0x80187618, ONE },
	{ "VM_GET_REGISTER_SET", 0xc0187619, ONE },
	{ "VM_GET_KERNEMU_DEV", 0xc018761a, ONE },
	{ "VM_SET_KERNEMU_DEV", 0x8018761b, ONE },
	{ "VM_GET_INTINFO", 0xc018761c, ONE },
	{ "VM_SET_INTINFO", 0x8018761d, ONE },
	{ "VM_INJECT_EXCEPTION", 0x8014761e, ONE },
	{ "VM_LAPIC_IRQ", 0x8008761f, FIND },
	{ "VM_INJECT_NMI", 0x80047620, FIND },
	{ "VM_IOAPIC_ASSERT_IRQ", 0x80047621, NONE },
	{ "VM_IOAPIC_DEASSERT_IRQ", 0x80047622, NONE },
	{ "VM_IOAPIC_PULSE_IRQ", 0x80047623, NONE },
	{ "VM_LAPIC_MSI", 0x80107624, NONE },
	{ "VM_LAPIC_LOCAL_IRQ", 0x80087625, FIND_OR_ALL },
	{ "VM_IOAPIC_PINCOUNT", 0x40047626, NONE },
	{ "VM_RESTART_INSTRUCTION", 0x80047627, ONE },
	{ "VM_STATS", 0xc2207632, FIND },
	{ "VM_STATS_OLD", 0xc2187632, FIND },
	{ "VM_STAT_DESC", 0xc0847633, NONE },
	{ "VM_SET_X2APIC_STATE", 0x8008763c, ONE },
	{ "VM_GET_X2APIC_STATE", 0xc008763d, FIND },
	{ "VM_GET_HPET_CAPABILITIES", 0x4004763e, NONE },
	{ "VM_SET_TOPOLOGY", 0x8008763f, NONE },
	{ "VM_GET_TOPOLOGY", 0x40087640, NONE },
	{ "VM_ISA_ASSERT_IRQ", 0x80087650, NONE },
	{ "VM_ISA_DEASSERT_IRQ", 0x80087651, NONE },
	{ "VM_ISA_PULSE_IRQ", 0x80087652, NONE },
	{ "VM_ISA_SET_IRQ_TRIGGER", 0x80087653, NONE },
	{ "VM_ACTIVATE_CPU", 0x8004765a, ONE },
	{ "VM_GET_CPUS", 0x8010765b, NONE },
	{ "VM_SUSPEND_CPU", 0x8004765c, FIND_OR_ALL },
	{ "VM_RESUME_CPU", 0x8004765d, FIND_OR_ALL },
	{ "VM_RTC_READ", 0xc0087664, NONE },
	{ "VM_RTC_WRITE", 0x80087665, NONE },
	{ "VM_RTC_SETTIME", 0x80087666, NONE },
	{ "VM_RTC_GETTIME", 0x40087667, NONE },
};

static const struct request passthrough_requests[] = {
	{ "VM_BIND_PPTDEV", 0x800c7628, MEMORY },
	{ "VM_UNBIND_PPTDEV", 0x800c7629, MEMORY },
	{ "VM_MAP_PPTDEV_MMIO", 0x8028762a, ALL },
	{ "VM_PPTDEV_MSI", 0x8028762b, NONE },
	{ "VM_PPTDEV_MSIX", 0x8030762c, NONE },
	{ "VM_PPTDEV_DISABLE_MSIX", 0x800c762d, NONE },
	{ "VM_UNMAP_PPTDEV_MMIO", 0x8028762e, ALL },
};

/* The first two stop all vCPUs themselves, with the caller's buffer copied before and after. */
static const struct request snapshot_requests[] = {
	{ "VM_SNAPSHOT_REQ", 0xc0407671, NONE },
	{ "VM_SNAPSHOT_REQ_OLD", 0xc0487671, NONE },
	{ "VM_RESTORE_TIME", 0xc0047673, ALL },
};

/*
 * The same request in Linux's words (semantics.md 35): write 1, read 2 in bits 31-30, size in
 * 29-16.
 */
static u32 linux_word(u32 fbsd_word)
{
	u32 dir = (fbsd_word & BIT(31) ? 1 : 0) | (fbsd_word & BIT(30) ? 2 : 0);

	return dir << 30 | (fbsd_word >> 16 & 0x1fff) << 16 | (fbsd_word & 0xffff);
}

static const struct ioctl_row *row_of(u32 fbsd_word)
{
	unsigned int i;

	for (i = 0; i < ioctl_nrows; i++)
		if (ioctl_rows[i].fbsd_word == fbsd_word)
			return &ioctl_rows[i];
	return NULL;
}

static unsigned int rows_expect(struct kunit *test, const struct request *requests,
				unsigned int count)
{
	unsigned int i, found = 0;

	for (i = 0; i < count; i++) {
		const struct ioctl_row *row = row_of(requests[i].fbsd_word);

		if (!row)
			continue;
		found++;
		KUNIT_EXPECT_EQ_MSG(test, row->word, linux_word(requests[i].fbsd_word), "%s",
				    requests[i].name);
		KUNIT_EXPECT_EQ_MSG(test, (int)row->class, requests[i].class, "%s",
				    requests[i].name);
		KUNIT_EXPECT_NOT_NULL_MSG(test, row->fn, "%s", requests[i].name);
		KUNIT_EXPECT_LE_MSG(test, _IOC_SIZE(row->word), IOCTL_ARG_MAX, "%s",
				    requests[i].name);
	}
	return found;
}

static void table_has_every_request(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(core_requests); i++)
		KUNIT_EXPECT_NOT_NULL_MSG(test, row_of(core_requests[i].fbsd_word), "%s",
					  core_requests[i].name);
	KUNIT_EXPECT_EQ(test, rows_expect(test, core_requests, ARRAY_SIZE(core_requests)),
			ARRAY_SIZE(core_requests));
}

/* All or none: a build may leave the group out. */
static void group_verify(struct kunit *test, const struct request *requests, unsigned int count)
{
	unsigned int found = rows_expect(test, requests, count);

	if (!found)
		kunit_skip(test, "not in this build");
	KUNIT_EXPECT_EQ(test, found, count);
}

static void table_has_passthrough_requests(struct kunit *test)
{
	group_verify(test, passthrough_requests, ARRAY_SIZE(passthrough_requests));
}

static void table_has_snapshot_requests(struct kunit *test)
{
	group_verify(test, snapshot_requests, ARRAY_SIZE(snapshot_requests));
}

static bool listed(const struct request *requests, unsigned int count, u32 fbsd_word)
{
	while (count--)
		if (requests[count].fbsd_word == fbsd_word)
			return true;
	return false;
}

#define LISTED(requests, word)	listed(requests, ARRAY_SIZE(requests), word)

/*
 * No row that is not on the list; numbers together and ascending, as the look-up needs it; no word
 * twice.
 */
static void table_has_nothing_else(struct kunit *test)
{
	unsigned int i, j;

	for (i = 0; i < ioctl_nrows; i++) {
		u32 word = ioctl_rows[i].fbsd_word;

		KUNIT_EXPECT_TRUE_MSG(test, LISTED(core_requests, word) ||
				      LISTED(passthrough_requests, word) ||
				      LISTED(snapshot_requests, word),
				      "0x%x is not on the list", word);
		if (i)
			KUNIT_EXPECT_LE(test, ioctl_rows[i - 1].word & 0xff,
					ioctl_rows[i].word & 0xff);
		for (j = 0; j < i; j++) {
			KUNIT_EXPECT_NE(test, ioctl_rows[j].word, ioctl_rows[i].word);
			KUNIT_EXPECT_NE(test, ioctl_rows[j].fbsd_word, ioctl_rows[i].fbsd_word);
			KUNIT_EXPECT_NE(test, ioctl_rows[j].word, ioctl_rows[i].fbsd_word);
			KUNIT_EXPECT_NE(test, ioctl_rows[j].fbsd_word, ioctl_rows[i].word);
		}
	}
}

/* --- the door ------------------------------------------------------------------------ */

/* A descriptor of the VM, and memory of the process that has it. */
struct door {
	struct file *file;
	void __user *user;
};

#define USER_BYTES	(4 * PAGE_SIZE)

static struct door door_open(struct kunit *test)
{
	struct door door = { .file = kunit_kzalloc(test, sizeof(struct file), GFP_KERNEL) };
	unsigned long addr;

	KUNIT_ASSERT_NOT_NULL(test, door.file);
	door.file->private_data = fake_vm(test);
	addr = kunit_vm_mmap(test, NULL, 0, USER_BYTES, PROT_READ | PROT_WRITE,
			     MAP_ANONYMOUS | MAP_PRIVATE, 0);
	KUNIT_ASSERT_NE(test, addr, 0);
	KUNIT_ASSERT_LT(test, addr, TASK_SIZE);
	door.user = (void __user *)addr;
	return door;
}

/* One request, its argument at the start of the process's memory. */
static long request(struct door *door, u32 word, void *arg, size_t size)
{
	long err;

	if (copy_to_user(door->user, arg, size))
		return -ENXIO - 1000;
	err = ioctl_vm(door->file, word, (unsigned long)door->user);
	if (copy_from_user(arg, door->user, size))
		return -ENXIO - 1000;
	return err;
}
#define REQUEST(door, word, arg)	request(door, word, &(arg), sizeof(arg))

static bool word_known(u32 word)
{
	unsigned int i;

	for (i = 0; i < ioctl_nrows; i++)
		if (ioctl_rows[i].word == word || ioctl_rows[i].fbsd_word == word)
			return true;
	return false;
}

/* Whatever else a request says to an argument full of ones, it is found. */
static void door_finds_both_families(struct kunit *test)
{
	struct door door = door_open(test);
	u8 arg[IOCTL_ARG_MAX];
	unsigned int i;

	for (i = 0; i < ioctl_nrows; i++) {
		if (ioctl_rows[i].word == VM_REINIT)
			continue;
		memset(arg, 0xff, sizeof(arg));
		KUNIT_EXPECT_NE_MSG(test, REQUEST(&door, ioctl_rows[i].word, arg), -ENOTTY, "0x%x",
				    ioctl_rows[i].word);
		memset(arg, 0xff, sizeof(arg));
		KUNIT_EXPECT_NE_MSG(test, REQUEST(&door, ioctl_rows[i].fbsd_word, arg), -ENOTTY,
				    "0x%x", ioctl_rows[i].fbsd_word);
	}
	KUNIT_EXPECT_EQ(test, REQUEST(&door, VM_REINIT, arg), 0);
	KUNIT_EXPECT_EQ(test, REQUEST(&door, VMM_FBSD_VM_REINIT, arg), 0);
}

/* Every number with other sizes, directions and groups, and every word with one bit turned. */
static void door_refuses_unknown_words(struct kunit *test)
{
	static const u32 sizes[] = { 0, 1, 4, 8, 12, 16, 24, 32, 40, 56, 132, 544, 545, 0x1fff };
	struct door door = door_open(test);
	unsigned long user = (unsigned long)door.user;
	const struct ioctl_row *row;
	unsigned int nr, i, dir, bit;
	u8 arg[IOCTL_ARG_MAX] = {};
	u32 word;

	for (nr = 0; nr < 256; nr++) {
		for (i = 0; i < ARRAY_SIZE(sizes) * 8; i++) {
			dir = i % 8;
			word = dir << 29 | sizes[i / 8] << 16 | 'v' << 8 | nr;
			if (!word_known(word))
				KUNIT_EXPECT_EQ_MSG(test, ioctl_vm(door.file, word, user), -ENOTTY,
						    "0x%x", word);
		}
	}
	for (i = 0; i < ioctl_nrows * 2; i++) {
		for (bit = 0; bit < 32; bit++) {
			row = &ioctl_rows[i / 2];
			word = (i % 2 ? row->word : row->fbsd_word) ^ BIT(bit);
			if (!word_known(word))
				KUNIT_EXPECT_EQ_MSG(test, REQUEST(&door, word, arg), -ENOTTY,
						    "0x%x", word);
		}
	}
	KUNIT_EXPECT_EQ(test, ioctl_vm(door.file, VMMCTL_VM_CREATE, (unsigned long)door.user),
			-ENOTTY);
	KUNIT_EXPECT_EQ(test, ioctl_vm(door.file, 0, 0), -ENOTTY);
	KUNIT_EXPECT_EQ(test, ioctl_vm(door.file, ~0U, 0), -ENOTTY);
}

static void door_copies_the_argument(struct kunit *test)
{
	struct door door = door_open(test);
	struct vm_stat_desc desc = { .index = 0 };
	u64 end = (u64)door.user + USER_BYTES;
	int pins[3] = { 7, 7, 7 };

	/* Nowhere to read it from, and (when half of it is there) nowhere to write it to. */
	KUNIT_EXPECT_EQ(test, ioctl_vm(door.file, VM_STAT_DESC, 0), -EFAULT);
	KUNIT_EXPECT_EQ(test, ioctl_vm(door.file, VM_STAT_DESC, end - sizeof(desc) + 1), -EFAULT);
	KUNIT_EXPECT_EQ(test, ioctl_vm(door.file, VM_STAT_DESC, end - sizeof(desc)), 0);
	KUNIT_EXPECT_EQ(test, ioctl_vm(door.file, VM_STAT_DESC, ~0UL - 8), -EFAULT);
	KUNIT_EXPECT_EQ(test, ioctl_vm(door.file, VM_IOAPIC_PINCOUNT, 0), -EFAULT);
	/* As much as the request has, not more. */
	KUNIT_EXPECT_EQ(test, REQUEST(&door, VM_IOAPIC_PINCOUNT, pins), 0);
	KUNIT_EXPECT_EQ(test, pins[0], 32);
	KUNIT_EXPECT_EQ(test, pins[1], 7);
	/* Nothing on an error. */
	desc.index = -1;
	strscpy(desc.desc, "untouched");
	KUNIT_EXPECT_EQ(test, REQUEST(&door, VM_STAT_DESC, desc), -EINVAL);
	KUNIT_EXPECT_STREQ(test, desc.desc, "untouched");
}

static bool class_has_vcpu(int class)
{
	return class == ONE || class == FIND || class == FIND_OR_ALL;
}

static void door_checks_the_vcpu(struct kunit *test)
{
	static const int bad[] = { -2, INT_MIN, INT_MAX, FAKE_VCPUS, -1 };
	struct door door = door_open(test);
	u8 arg[IOCTL_ARG_MAX];
	unsigned int i, j;

	for (i = 0; i < ioctl_nrows; i++) {
		for (j = 0; j < ARRAY_SIZE(bad) && class_has_vcpu(ioctl_rows[i].class); j++) {
			if (bad[j] == -1 && (int)ioctl_rows[i].class == FIND_OR_ALL)
				continue;
			memset(arg, 0, sizeof(arg));
			memcpy(arg, &bad[j], sizeof(int));
			KUNIT_EXPECT_EQ_MSG(test, REQUEST(&door, ioctl_rows[i].word, arg), -EINVAL,
					    "0x%x, vCPU %d", ioctl_rows[i].word, bad[j]);
		}
	}
	for (i = 0; i < FAKE_VCPUS; i++)
		KUNIT_EXPECT_NULL(test, vm_vcpu_find(fake_vm(test), i));
}

static void door_closes_with_the_vm(struct kunit *test)
{
	struct door door = door_open(test);
	u8 arg[IOCTL_ARG_MAX] = {};
	unsigned int i;

	vm_mark_dead(fake_vm(test), "test");
	for (i = 0; i < ioctl_nrows; i++)
		KUNIT_EXPECT_EQ(test, REQUEST(&door, ioctl_rows[i].word, arg), -EIO);
	vm_destroy(fake_vm(test));
	for (i = 0; i < ioctl_nrows; i++)
		KUNIT_EXPECT_EQ(test, REQUEST(&door, ioctl_rows[i].word, arg), -ENXIO);
}

/* --- lock classes, seen from a vCPU in its guest ------------------------------------- */

/* vCPU 0, in its guest. */
static struct fake_thread *running_thread(struct kunit *test)
{
	struct vcpu *vcpu = fake_vcpu_held(test, 0);

	fake_script(vcpu, NULL, 0);
	to_fake(vcpu)->stays = true;
	fake_vcpu_release(test, vcpu);
	return fake_thread_start(test, vcpu, BIT(VM_EXITCODE_DEBUG));
}

/* How often it leaves its guest for a request. */
static unsigned int leaves_guest_for(struct kunit *test, struct door *door,
				     struct fake_thread *thread, u32 word, void *arg, size_t size)
{
	unsigned int before;

	KUNIT_ASSERT_TRUE(test, fake_vcpu_reaches(thread->vcpu, VCPU_RUNNING));
	before = READ_ONCE(thread->exits[VM_EXITCODE_REQIDLE]);
	request(door, word, arg, size);
	return READ_ONCE(thread->exits[VM_EXITCODE_REQIDLE]) - before;
}

static void classes_stop_vcpus_or_not(struct kunit *test)
{
	struct door door = door_open(test);
	struct fake_thread *thread = running_thread(test);
	u8 arg[IOCTL_ARG_MAX];
	unsigned int i, left;
	int class;

	for (i = 0; i < ioctl_nrows; i++) {
		class = ioctl_rows[i].class;
		/* These run the vCPU here, or would change how it runs. */
		if (ioctl_rows[i].word == VM_RUN || ioctl_rows[i].word == VM_RUN_13)
			continue;
		/* Zeroes: vCPU 0, which runs. */
		memset(arg, 0, sizeof(arg));
		left = leaves_guest_for(test, &door, thread, ioctl_rows[i].word, arg, sizeof(arg));
		/* It looks at its caller's memory first, and takes class B's locks by itself. */
		if (ioctl_rows[i].word == VM_ALLOC_MEMSEG_15)
			class = MEMORY;
		if (class == ONE || class == ALL || class == MEMORY)
			KUNIT_EXPECT_GT_MSG(test, left, 0, "0x%x", ioctl_rows[i].word);
		else
			KUNIT_EXPECT_EQ_MSG(test, left, 0, "0x%x", ioctl_rows[i].word);
		if (ioctl_rows[i].word == VM_SUSPEND_CPU)
			vm_debug_vcpus(fake_vm(test), -1, false);
	}
	KUNIT_EXPECT_FALSE(test, completion_done(&thread->done));
}

static void classes_snapshots_stop_vcpus(struct kunit *test)
{
	struct door door = door_open(test);
	struct fake_thread *thread = running_thread(test);
	struct vm_snapshot_meta meta = {
		.dev_req = STRUCT_VLAPIC,
		.op = VM_SNAPSHOT_SAVE,
		.buffer = { .buf = door.user + PAGE_SIZE, .buf_rem = PAGE_SIZE },
	};

	if (!row_of(VMM_FBSD_VM_SNAPSHOT_REQ))
		kunit_skip(test, "not in this build");
	KUNIT_EXPECT_GT(test, leaves_guest_for(test, &door, thread, VM_SNAPSHOT_REQ, &meta,
					       sizeof(meta)), 0);
	KUNIT_EXPECT_LT(test, meta.buffer.buf_rem, PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, (u64)meta.buffer.buf - (u64)door.user - PAGE_SIZE,
			PAGE_SIZE - meta.buffer.buf_rem);
	meta.dev_req = VM_MEM;
	KUNIT_EXPECT_EQ(test, REQUEST(&door, VM_SNAPSHOT_REQ, meta), -EINVAL);
	meta.dev_req = STRUCT_VLAPIC;
	meta.buffer.buf_rem = 1;
	KUNIT_EXPECT_EQ(test, REQUEST(&door, VM_SNAPSHOT_REQ, meta), -E2BIG);
	KUNIT_EXPECT_FALSE(test, completion_done(&thread->done));
}

/* --- VM_RUN -------------------------------------------------------------------------- */

#define RECORD_AT	PAGE_SIZE	/* in the process's memory */
#define CPUSET_AT	(2 * PAGE_SIZE)

static long run_request(struct door *door, size_t cpuset_bytes)
{
	struct vm_run run = {
		.cpuid = 0,
		.cpuset = door->user + CPUSET_AT,
		.cpusetsize = cpuset_bytes,
		.vm_exit = door->user + RECORD_AT,
	};

	return REQUEST(door, VM_RUN, run);
}

static void script_set(struct kunit *test, struct vcpu *vcpu, const struct fake_exit *script,
		       unsigned int len)
{
	fake_vcpu_hold(test, vcpu);
	fake_script(vcpu, script, len);
	fake_vcpu_release(test, vcpu);
}

static void run_returns_the_record(struct kunit *test)
{
	const struct fake_exit script[] = { FAKE_USER(VM_EXITCODE_SVM, 3, .rip = 0x1234,
						      .u.svm = { 1, 2, 0xfedcba9876543210ULL }) };
	struct door door = door_open(test);
	struct vcpu *vcpu = fake_vcpu(test, 0);
	u8 cpus[256];
	struct vm_exit exit;

	script_set(test, vcpu, script, 1);
	memset(cpus, 0x5a, 256);
	KUNIT_ASSERT_EQ(test, copy_to_user(door.user + CPUSET_AT, cpus, 256), 0);
	KUNIT_EXPECT_EQ(test, run_request(&door, 256), 0);
	KUNIT_ASSERT_EQ(test, copy_from_user(&exit, door.user + RECORD_AT, sizeof(exit)), 0);
	KUNIT_EXPECT_MEMEQ(test, &exit, &script[0].exit, sizeof(exit));
	/* The CPU set is for IPI exits alone. */
	KUNIT_ASSERT_EQ(test, copy_from_user(cpus, door.user + CPUSET_AT, 256), 0);
	KUNIT_EXPECT_NULL(test, memchr_inv(cpus, 0x5a, 256));
}

/* An INIT to vCPU 2 by x2APIC, with IPI_EXIT on. */
static struct vcpu *ipi_setup(struct kunit *test)
{
	static const struct fake_exit script[] = {
		FAKE_NEUTRAL(VM_EXITCODE_WRMSR, 2, .rip = 0x1000,
			     .u.msr = { .code = 0x830,
					.wval = 2ULL << 32 | APIC_DELMODE_INIT | BIT(14) }),
	};
	struct vcpu *vcpu = fake_vcpu(test, 0);

	fake_vcpu(test, 2);
	vlapic_set_x2apic_state(vcpu->vlapic, X2APIC_ENABLED);
	vlapic_set_ipi_exit(vcpu->vlapic, true);
	script_set(test, vcpu, script, 1);
	return vcpu;
}

/* As much of the set as fits, zeroes behind its 128 bytes, nothing behind the user's size. */
static void run_returns_the_ipi_targets(struct kunit *test)
{
	static const size_t sizes[] = { 0, 1, 8, 127, 128, 129, 256 };
	struct door door = door_open(test);
	u8 cpus[300];
	int i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		ipi_setup(test);
		memset(cpus, 0x5a, sizeof(cpus));
		KUNIT_ASSERT_EQ(test, copy_to_user(door.user + CPUSET_AT, cpus, sizeof(cpus)), 0);
		KUNIT_EXPECT_EQ(test, run_request(&door, sizes[i]), 0);
		KUNIT_ASSERT_EQ(test, copy_from_user(cpus, door.user + CPUSET_AT, sizeof(cpus)), 0);
		if (sizes[i])
			KUNIT_EXPECT_EQ(test, cpus[0], 4);
		if (sizes[i] > 1)
			KUNIT_EXPECT_NULL(test, memchr_inv(cpus + 1, 0, sizes[i] - 1));
		KUNIT_EXPECT_NULL(test, memchr_inv(cpus + sizes[i], 0x5a, sizeof(cpus) - sizes[i]));
	}
}

static void run_checks_its_pointers(struct kunit *test)
{
	const struct fake_exit script[] = { FAKE_END };
	struct door door = door_open(test);
	struct vm_run run = { .vm_exit = door.user + USER_BYTES - sizeof(struct vm_exit) + 1 };
	struct vcpu *vcpu;

	script_set(test, fake_vcpu(test, 0), script, 1);
	KUNIT_EXPECT_EQ(test, REQUEST(&door, VM_RUN, run), -EFAULT);
	vcpu = ipi_setup(test);
	run = (struct vm_run){ .vm_exit = door.user + RECORD_AT, .cpusetsize = 128 };
	KUNIT_EXPECT_EQ(test, REQUEST(&door, VM_RUN, run), -EFAULT);
	ipi_setup(test);
	run.cpuset = door.user + USER_BYTES - 128;
	run.cpusetsize = 129;
	KUNIT_EXPECT_EQ(test, REQUEST(&door, VM_RUN, run), -EFAULT);
	KUNIT_EXPECT_EQ(test, vcpu->state, VCPU_IDLE);
}

/*
 * The form of FreeBSD 13: the record is in the argument, with 256 targets behind mode and vector.
 */
static void run_13_has_the_record_inside(struct kunit *test)
{
	struct door door = door_open(test);
	struct vm_run_13 run = { .cpuid = 0 };
	const struct vm_exit_ipi_13 *ipi = (void *)run.vm_exit.u;

	ipi_setup(test);
	KUNIT_EXPECT_EQ(test, REQUEST(&door, VM_RUN_13, run), 0);
	KUNIT_EXPECT_EQ(test, run.vm_exit.exitcode, VM_EXITCODE_IPI);
	KUNIT_EXPECT_EQ(test, run.vm_exit.inst_length, 2);
	KUNIT_EXPECT_EQ(test, run.vm_exit.rip, 0x1000);
	KUNIT_EXPECT_EQ(test, ipi->mode, APIC_DELMODE_INIT);
	KUNIT_EXPECT_EQ(test, ipi->dmask[0], 4);
	KUNIT_EXPECT_EQ(test, ipi->dmask[1] | ipi->dmask[2] | ipi->dmask[3], 0);
}

/* --- registers (section 6) ----------------------------------------------------------- */

static void registers_keep_what_is_set(struct kunit *test)
{
	struct door door = door_open(test);
	int reg;

	for (reg = 0; reg < VM_REG_LAST; reg++) {
		struct vm_register set = { .regnum = reg, .regval = 0x1000 + reg };
		struct vm_register get = { .regnum = reg };

		if (reg == VM_REG_GUEST_TPR || reg == VM_REG_GUEST_INTR_SHADOW)
			set.regval = 1;
		if (REQUEST(&door, VM_SET_REGISTER, set))
			continue;
		KUNIT_EXPECT_EQ_MSG(test, REQUEST(&door, VM_GET_REGISTER, get), 0, "register %d",
				    reg);
		KUNIT_EXPECT_EQ_MSG(test, get.regval, set.regval, "register %d", reg);
	}
}

static void registers_have_bounds(struct kunit *test)
{
	static const int bad[] = { VM_REG_LAST, VM_REG_LAST + 1, 65536, INT_MAX };
	struct door door = door_open(test);
	struct vm_register arg = {};
	int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		arg.regnum = bad[i];
		KUNIT_EXPECT_EQ(test, REQUEST(&door, VM_GET_REGISTER, arg), -EINVAL);
		KUNIT_EXPECT_EQ(test, REQUEST(&door, VM_SET_REGISTER, arg), -EINVAL);
	}
	/* Negative numbers are the backend's to show and nobody's to set. */
	arg.regnum = INT_MIN + 0x70;
	KUNIT_EXPECT_EQ(test, REQUEST(&door, VM_SET_REGISTER, arg), -EINVAL);
	KUNIT_EXPECT_EQ(test, REQUEST(&door, VM_GET_REGISTER, arg), 0);
	KUNIT_EXPECT_EQ(test, arg.regval, FAKE_REG_RAW + 0x70);
	/* IDTR and GDTR are no plain registers. */
	arg.regnum = VM_REG_GUEST_IDTR;
	KUNIT_EXPECT_EQ(test, REQUEST(&door, VM_GET_REGISTER, arg), -EINVAL);
	KUNIT_EXPECT_EQ(test, REQUEST(&door, VM_SET_REGISTER, arg), -EINVAL);
}

static long set_request(struct kunit *test, struct door *door, u32 word, const int *nums, u64 *vals,
			unsigned int count)
{
	struct vm_register_set set = {
		.count = count,
		.regnums = door->user + PAGE_SIZE,
		.regvals = door->user + 2 * PAGE_SIZE,
	};
	long err;

	KUNIT_ASSERT_EQ(test, copy_to_user(door->user + PAGE_SIZE, nums, count * sizeof(*nums)), 0);
	KUNIT_ASSERT_EQ(test, copy_to_user(door->user + 2 * PAGE_SIZE, vals, count * sizeof(*vals)),
			0);
	err = REQUEST(door, word, set);
	KUNIT_ASSERT_EQ(test,
			copy_from_user(vals, door->user + 2 * PAGE_SIZE, count * sizeof(*vals)), 0);
	return err;
}

/* In order up to the first that fails: a get shows nothing then, a set has changed those before. */
static void register_sets_go_in_order(struct kunit *test)
{
	static const int good[] = { VM_REG_GUEST_RAX, VM_REG_GUEST_CR3, VM_REG_GUEST_RSP };
	static const int bad[] = { VM_REG_GUEST_RAX, VM_REG_LAST, VM_REG_GUEST_RSP };
	struct door door = door_open(test);
	u64 vals[3] = { 1, 2, 3 }, seen[3] = {};

	KUNIT_EXPECT_EQ(test, set_request(test, &door, VM_SET_REGISTER_SET, good, vals, 3), 0);
	KUNIT_EXPECT_EQ(test, set_request(test, &door, VM_GET_REGISTER_SET, good, seen, 3), 0);
	KUNIT_EXPECT_MEMEQ(test, vals, seen, sizeof(vals));

	memset64(vals, 77, 3);
	KUNIT_EXPECT_EQ(test, set_request(test, &door, VM_SET_REGISTER_SET, bad, vals, 3), -EINVAL);
	KUNIT_EXPECT_EQ(test, set_request(test, &door, VM_GET_REGISTER_SET, good, seen, 3), 0);
	KUNIT_EXPECT_EQ(test, seen[0], 77);
	KUNIT_EXPECT_EQ(test, seen[2], 3);
	memset64(seen, 55, 3);
	KUNIT_EXPECT_EQ(test, set_request(test, &door, VM_GET_REGISTER_SET, bad, seen, 3), -EINVAL);
	KUNIT_EXPECT_EQ(test, seen[0], 55);
}

static void register_sets_have_bounds(struct kunit *test)
{
	static const u32 words[] = { VM_SET_REGISTER_SET, VM_GET_REGISTER_SET };
	struct door door = door_open(test);
	int i;

	for (i = 0; i < ARRAY_SIZE(words); i++) {
		struct vm_register_set set = {
			.regnums = door.user + PAGE_SIZE,
			.regvals = door.user + 2 * PAGE_SIZE,
		};

		KUNIT_EXPECT_EQ(test, REQUEST(&door, words[i], set), 0);
		set.count = VM_REG_LAST;	/* register 0, 49 times */
		KUNIT_EXPECT_EQ(test, REQUEST(&door, words[i], set), 0);
		set.count = VM_REG_LAST + 1;
		KUNIT_EXPECT_EQ(test, REQUEST(&door, words[i], set), -EINVAL);
		set.count = ~0U;
		KUNIT_EXPECT_EQ(test, REQUEST(&door, words[i], set), -EINVAL);
		set.count = 1;
		set.regnums = NULL;
		KUNIT_EXPECT_EQ(test, REQUEST(&door, words[i], set), -EFAULT);
		set.regnums = door.user + PAGE_SIZE;
		set.regvals = NULL;
		KUNIT_EXPECT_EQ(test, REQUEST(&door, words[i], set), -EFAULT);
	}
}

static void descriptors_are_of_segments_and_tables(struct kunit *test)
{
	struct door door = door_open(test);
	int reg;

	for (reg = -2; reg < VM_REG_LAST + 10; reg++) {
		struct vm_seg_desc set = { .regnum = reg, .desc = { 0x1111, 0x2222, 0x93 } };
		struct vm_seg_desc get = { .regnum = reg };
		int want = reg >= VM_REG_GUEST_ES && reg <= VM_REG_GUEST_GDTR ? 0 : -EINVAL;

		KUNIT_EXPECT_EQ_MSG(test, REQUEST(&door, VM_SET_SEGMENT_DESCRIPTOR, set), want,
				    "%d", reg);
		KUNIT_EXPECT_EQ_MSG(test, REQUEST(&door, VM_GET_SEGMENT_DESCRIPTOR, get), want,
				    "%d", reg);
		if (!want)
			KUNIT_EXPECT_MEMEQ(test, &get, &set, sizeof(get));
	}
}

/* --- capabilities (section 13) ------------------------------------------------------- */

static void capabilities_by_the_table(struct kunit *test)
{
	/* AMD's columns: initial value, or the error of a get; error of a set to 1, and to 0. */
	static const struct { int cap, get, on, off; } table[] = {
		{ VM_CAP_HALT_EXIT, 0, 0, 0 }, { VM_CAP_MTRAP_EXIT, -ENOENT, -ENOENT, -ENOENT },
		{ VM_CAP_PAUSE_EXIT, 0, 0, 0 }, { VM_CAP_UNRESTRICTED_GUEST, 1, 0, -EINVAL },
		{ VM_CAP_ENABLE_INVPCID, -ENOENT, -ENOENT, -ENOENT }, { VM_CAP_BPT_EXIT, 0, 0, 0 },
		{ VM_CAP_RDPID, -ENOENT, -ENOENT, -ENOENT },
		{ VM_CAP_RDTSCP, -ENOENT, -ENOENT, -ENOENT }, { VM_CAP_IPI_EXIT, 0, 0, 0 },
		{ VM_CAP_MASK_HWINTR, 0, 0, 0 }, { VM_CAP_RFLAGS_TF, 0, 0, 0 },
		{ VM_CAP_MAX, -EINVAL, -EINVAL, -EINVAL }, { -1, -EINVAL, -EINVAL, -EINVAL },
		{ INT_MAX, -EINVAL, -EINVAL, -EINVAL },
	};
	struct door door = door_open(test);
	int i, on;

	for (i = 0; i < ARRAY_SIZE(table); i++) {
		struct vm_capability cap = { .captype = table[i].cap, .capval = -5 };

		KUNIT_EXPECT_EQ_MSG(test, REQUEST(&door, VM_GET_CAPABILITY, cap),
				    min(table[i].get, 0), "%d", table[i].cap);
		if (table[i].get >= 0)
			KUNIT_EXPECT_EQ_MSG(test, cap.capval, table[i].get, "%d", table[i].cap);
		for (on = 1; on >= 0; on--) {
			cap.capval = on;
			KUNIT_EXPECT_EQ_MSG(test, REQUEST(&door, VM_SET_CAPABILITY, cap),
					    on ? table[i].on : table[i].off, "%d to %d",
					    table[i].cap, on);
			if (table[i].get)
				continue;
			cap.capval = -5;
			KUNIT_EXPECT_EQ(test, REQUEST(&door, VM_GET_CAPABILITY, cap), 0);
			KUNIT_EXPECT_EQ_MSG(test, cap.capval, on, "%d", table[i].cap);
		}
	}
}

/* --- events (section 12) ------------------------------------------------------------- */

#define GP	(VM_INTINFO_VALID | VM_INTINFO_HWEXCEPTION | 13)

static void events_are_pending_until_entry(struct kunit *test)
{
	struct door door = door_open(test);
	struct vcpu *vcpu = fake_vcpu(test, 0);
	struct vm_exception exc = { .vector = 13, .error_code_valid = 1, .error_code = 0x28 };
	struct vm_intinfo info = {};

	vcpu_reg_set(vcpu, VM_REG_GUEST_CR0, X86_CR0_PE);
	KUNIT_EXPECT_EQ(test, REQUEST(&door, VM_INJECT_EXCEPTION, exc), 0);
	KUNIT_EXPECT_EQ(test, REQUEST(&door, VM_INJECT_EXCEPTION, exc), -EBUSY);
	KUNIT_EXPECT_EQ(test, REQUEST(&door, VM_GET_INTINFO, info), 0);
	KUNIT_EXPECT_EQ(test, info.info1, 0);
	KUNIT_EXPECT_EQ(test, info.info2, GP | VM_INTINFO_DEL_ERRCODE | 0x28ULL << 32);

	info.info1 = VM_INTINFO_VALID | VM_INTINFO_NMI | 2;
	KUNIT_EXPECT_EQ(test, REQUEST(&door, VM_SET_INTINFO, info), 0);
	info.info1 = VM_INTINFO_VALID | VM_INTINFO_NMI | 3;
	KUNIT_EXPECT_EQ(test, REQUEST(&door, VM_SET_INTINFO, info), -EINVAL);
	info.info1 = VM_INTINFO_VALID | BIT(12);
	KUNIT_EXPECT_EQ(test, REQUEST(&door, VM_SET_INTINFO, info), -EINVAL);
	KUNIT_EXPECT_EQ(test, REQUEST(&door, VM_GET_INTINFO, info), 0);
	KUNIT_EXPECT_EQ(test, info.info1, VM_INTINFO_VALID | VM_INTINFO_NMI | 2);
	info.info1 = 0;
	KUNIT_EXPECT_EQ(test, REQUEST(&door, VM_SET_INTINFO, info), 0);
	KUNIT_EXPECT_EQ(test, vcpu->events.exitintinfo, 0);
}

static void exceptions_have_vectors(struct kunit *test)
{
	static const int bad[] = { -1, 8, 32, 256, INT_MAX, INT_MIN };
	struct door door = door_open(test);
	struct vm_exception exc = {};
	int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		exc.vector = bad[i];
		KUNIT_EXPECT_EQ_MSG(test, REQUEST(&door, VM_INJECT_EXCEPTION, exc), -EINVAL, "%d",
				    bad[i]);
	}
}

/*
 * VM_RESTART_INSTRUCTION, and its twin in VM_INJECT_EXCEPTION: the exiting instruction runs again.
 */
static void restart_goes_back(struct kunit *test)
{
	const struct fake_exit script[] = {
		FAKE_USER(VM_EXITCODE_RDMSR, 2, .rip = 0x1000), FAKE_END,
	};
	struct door door = door_open(test);
	struct vcpu *vcpu = fake_vcpu(test, 0);
	struct vm_exception exc = { .vector = 6, .restart_instruction = 1 };
	int id = 0, round;

	for (round = 0; round < 3; round++) {
		script_set(test, vcpu, script, ARRAY_SIZE(script));
		KUNIT_EXPECT_EQ(test, run_request(&door, 0), 0);
		if (round == 1)
			KUNIT_EXPECT_EQ(test, REQUEST(&door, VM_RESTART_INSTRUCTION, id), 0);
		if (round == 2)
			KUNIT_EXPECT_EQ(test, REQUEST(&door, VM_INJECT_EXCEPTION, exc), 0);
		KUNIT_EXPECT_EQ(test, run_request(&door, 0), 0);
		KUNIT_EXPECT_EQ(test, fake_last_entry(vcpu)->rip, round ? 0x1000 : 0x1002);
	}
}

static void lapic_requests_have_bounds(struct kunit *test)
{
	struct door door = door_open(test);
	struct vm_lapic_irq irq = {};
	struct vm_lapic_msi msi = { .addr = 0xfee00000, .msg = 0x40 };
	u64 svr = 0x1ff;

	vlapic_mmio(fake_vcpu(test, 0)->vlapic, 0xf0, true, 4, &svr);
	for (irq.vector = -1; irq.vector < 300; irq.vector++)
		KUNIT_EXPECT_EQ_MSG(test, REQUEST(&door, VM_LAPIC_IRQ, irq),
				    irq.vector < 16 || irq.vector > 255 ? -EINVAL : 0, "vector %d",
				    irq.vector);
	for (irq.vector = -1; irq.vector < 10; irq.vector++)
		KUNIT_EXPECT_EQ_MSG(test, REQUEST(&door, VM_LAPIC_LOCAL_IRQ, irq),
				    irq.vector < 0 || irq.vector > 6 ? -EINVAL : 0, "entry %d",
				    irq.vector);
	KUNIT_EXPECT_EQ(test, REQUEST(&door, VM_LAPIC_MSI, msi), 0);
	msi.addr = 0xfed00000;
	KUNIT_EXPECT_EQ(test, REQUEST(&door, VM_LAPIC_MSI, msi), -EINVAL);
}

/* --- memory, translation, chips (sections 5, 14, 15) --------------------------------- */

static void memsegs_by_the_door(struct kunit *test)
{
	struct door door = door_open(test);
	struct vm_memseg seg = { .segid = 2, .len = 5 };
	struct vm_memmap map = { .segid = 2, .len = 0x4000, .gpa = 0x100000, .prot = VM_PROT_ALL };
	struct vm_munmap unmap = { .gpa = 0x100000, .len = 0x4000 };

	/* Not there: length 0, and the name as it came. */
	memset(seg.name, 'n', sizeof(seg.name));
	KUNIT_EXPECT_EQ(test, REQUEST(&door, VM_GET_MEMSEG, seg), 0);
	KUNIT_EXPECT_EQ(test, seg.len, 0);
	KUNIT_EXPECT_NULL(test, memchr_inv(seg.name, 'n', sizeof(seg.name)));
	seg.len = 0x8000;
	KUNIT_EXPECT_EQ(test, REQUEST(&door, VM_ALLOC_MEMSEG, seg), -ENAMETOOLONG);
	memset(seg.name, 0, sizeof(seg.name));
	KUNIT_EXPECT_EQ(test, REQUEST(&door, VM_MMAP_MEMSEG, map), -EINVAL);
	KUNIT_EXPECT_EQ(test, REQUEST(&door, VM_ALLOC_MEMSEG, seg), 0);
	KUNIT_EXPECT_EQ(test, REQUEST(&door, VM_ALLOC_MEMSEG, seg), -EEXIST);
	seg.len = 0x9000;
	KUNIT_EXPECT_EQ(test, REQUEST(&door, VM_ALLOC_MEMSEG, seg), -EINVAL);
	memset(seg.name, 'n', sizeof(seg.name));
	KUNIT_EXPECT_EQ(test, REQUEST(&door, VM_GET_MEMSEG, seg), 0);
	KUNIT_EXPECT_EQ(test, seg.len, 0x8000);
	KUNIT_EXPECT_NULL(test, memchr_inv(seg.name, 0, sizeof(seg.name)));

	KUNIT_EXPECT_EQ(test, REQUEST(&door, VM_MMAP_MEMSEG, map), 0);
	KUNIT_EXPECT_EQ(test, REQUEST(&door, VM_MMAP_MEMSEG, map), -EFAULT);
	map = (struct vm_memmap){ .gpa = 0x1000 };
	KUNIT_EXPECT_EQ(test, REQUEST(&door, VM_MMAP_GETNEXT, map), 0);
	KUNIT_EXPECT_EQ(test, map.gpa, 0x100000);
	KUNIT_EXPECT_EQ(test, map.len, 0x4000);
	KUNIT_EXPECT_EQ(test, map.segid, 2);
	map.gpa += map.len;
	KUNIT_EXPECT_EQ(test, REQUEST(&door, VM_MMAP_GETNEXT, map), -ENOENT);
	KUNIT_EXPECT_EQ(test, REQUEST(&door, VM_MUNMAP_MEMSEG, unmap), 0);
	KUNIT_EXPECT_EQ(test, REQUEST(&door, VM_MUNMAP_MEMSEG, unmap), -EINVAL);
}

static void memsegs_have_numbers(struct kunit *test)
{
	static const int bad[] = { -1, VM_MAX_MEMSEGS, 11, INT_MAX, INT_MIN };
	struct door door = door_open(test);
	struct vm_memseg seg;
	int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		seg = (struct vm_memseg){ .segid = bad[i], .len = 0x1000 };
		KUNIT_EXPECT_EQ_MSG(test, REQUEST(&door, VM_ALLOC_MEMSEG, seg), -EINVAL, "%d",
				    bad[i]);
		KUNIT_EXPECT_EQ_MSG(test, REQUEST(&door, VM_GET_MEMSEG, seg), -EINVAL, "%d",
				    bad[i]);
	}
}

/* A table of zeroes at 0: a fault; with VM_GLA2GPA the guest's, with _NOFAULT nobody's. */
static void translation_faults_or_not(struct kunit *test)
{
	struct door door = door_open(test);
	struct vcpu *vcpu = fake_vcpu(test, 0);
	struct vm_gla2gpa arg = { .prot = VM_PROT_READ, .gla = 0x12345678 };

	KUNIT_ASSERT_EQ(test, fake_memory(test, 0, 0, 0x10000, VM_PROT_ALL), 0);
	KUNIT_EXPECT_EQ(test, REQUEST(&door, VM_GLA2GPA, arg), 0);
	KUNIT_EXPECT_EQ(test, arg.fault, 0);
	KUNIT_EXPECT_EQ(test, arg.gpa, 0x12345678);

	arg.paging.cpu_mode = CPU_MODE_PROTECTED;
	arg.paging.paging_mode = PAGING_MODE_32;
	KUNIT_EXPECT_EQ(test, REQUEST(&door, VM_GLA2GPA_NOFAULT, arg), 0);
	KUNIT_EXPECT_EQ(test, arg.fault, 1);
	KUNIT_EXPECT_EQ(test, vcpu->events.exception, 0);
	KUNIT_EXPECT_EQ(test, REQUEST(&door, VM_GLA2GPA, arg), 0);
	KUNIT_EXPECT_EQ(test, arg.fault, 1);
	KUNIT_EXPECT_EQ(test, vcpu->events.exception & 0x800003ff,
			VM_INTINFO_VALID | VM_INTINFO_HWEXCEPTION | 14);
	KUNIT_EXPECT_EQ(test, vcpu->cr2, 0x12345678);

	/* The table is not in memory. */
	arg.paging.cr3 = 0xd0000000;
	KUNIT_EXPECT_EQ(test, REQUEST(&door, VM_GLA2GPA_NOFAULT, arg), -EFAULT);
	KUNIT_EXPECT_EQ(test, REQUEST(&door, VM_GLA2GPA, arg), -EFAULT);
}

static void kernemu_reaches_the_chips(struct kunit *test)
{
	static const u64 nowhere[] = { 0, 0xfebfffff, 0xfec01000, 0xfed00400, 0xfee01000, ~0ULL };
	struct door door = door_open(test);
	struct vm_readwrite_kernemu_device dev = { .access_width = 2 };
	int i;

	for (i = 0; i < ARRAY_SIZE(nowhere); i++) {
		dev.gpa = nowhere[i];
		KUNIT_EXPECT_EQ_MSG(test, REQUEST(&door, VM_GET_KERNEMU_DEV, dev), -EINVAL,
				    "0x%llx", dev.gpa);
		KUNIT_EXPECT_EQ_MSG(test, REQUEST(&door, VM_SET_KERNEMU_DEV, dev), -EINVAL,
				    "0x%llx", dev.gpa);
	}
	dev.gpa = 0xfec00000;
	dev.value = 1;
	KUNIT_EXPECT_EQ(test, REQUEST(&door, VM_SET_KERNEMU_DEV, dev), 0);
	dev.gpa = 0xfec00010;
	KUNIT_EXPECT_EQ(test, REQUEST(&door, VM_GET_KERNEMU_DEV, dev), 0);
	KUNIT_EXPECT_EQ(test, dev.value >> 16 & 0xff, 31);
	/* The local APIC is that of the vCPU named. */
	for (i = 0; i < 3; i++) {
		dev.vcpuid = i;
		dev.gpa = 0xfee00020;
		KUNIT_EXPECT_EQ(test, REQUEST(&door, VM_GET_KERNEMU_DEV, dev), 0);
		KUNIT_EXPECT_EQ(test, dev.value >> 24, i);
	}
	for (i = 4; i < 8; i++) {
		dev.access_width = i;
		KUNIT_EXPECT_EQ(test, REQUEST(&door, VM_GET_KERNEMU_DEV, dev), -EINVAL);
	}
}

/* --- sets, topology, statistics (sections 11, 27, 30) -------------------------------- */

static long cpus_request(struct door *door, int which, int size)
{
	struct vm_cpuset set = {
		.which = which,
		.cpusetsize = size,
		.cpus = door->user + CPUSET_AT,
	};

	return REQUEST(door, VM_GET_CPUS, set);
}

static void cpus_are_shown_by_set(struct kunit *test)
{
	struct door door = door_open(test);
	struct vm_activate_cpu cpu = { .vcpuid = 3 };
	unsigned long bits[16];
	int which;

	KUNIT_EXPECT_EQ(test, REQUEST(&door, VM_ACTIVATE_CPU, cpu), 0);
	KUNIT_EXPECT_EQ(test, REQUEST(&door, VM_ACTIVATE_CPU, cpu), -EBUSY);
	KUNIT_EXPECT_EQ(test, REQUEST(&door, VM_SUSPEND_CPU, cpu), 0);
	for (which = VM_ACTIVE_CPUS; which <= VM_DEBUG_CPUS; which++) {
		memset(bits, 0xff, sizeof(bits));
		KUNIT_ASSERT_EQ(test, copy_to_user(door.user + CPUSET_AT, bits, sizeof(bits)), 0);
		KUNIT_EXPECT_EQ(test, cpus_request(&door, which, 128), 0);
		KUNIT_ASSERT_EQ(test, copy_from_user(bits, door.user + CPUSET_AT, sizeof(bits)), 0);
		KUNIT_EXPECT_EQ(test, bits[0], which == VM_SUSPENDED_CPUS ? 0 : BIT(3));
		KUNIT_EXPECT_NULL(test, memchr_inv(bits + 1, 0, sizeof(bits) - 8));
	}
	KUNIT_EXPECT_EQ(test, cpus_request(&door, 3, 128), -EINVAL);
	KUNIT_EXPECT_EQ(test, cpus_request(&door, -1, 128), -EINVAL);
	for (which = -1; which < 300; which++)
		if (which != 128)
			KUNIT_EXPECT_EQ_MSG(test, cpus_request(&door, VM_ACTIVE_CPUS, which),
					    -ERANGE, "%d bytes", which);
}

static void cpus_need_a_place(struct kunit *test)
{
	struct door door = door_open(test);
	struct vm_cpuset set = { .which = VM_ACTIVE_CPUS, .cpusetsize = 128 };

	KUNIT_EXPECT_EQ(test, REQUEST(&door, VM_GET_CPUS, set), -EFAULT);
}

static void topology_is_bounded_by_the_limit(struct kunit *test)
{
	static const struct { u16 sockets, cores, threads; int err; } table[] = {
		{ 2, 2, 2, 0 }, { 1, 8, 1, 0 }, { 1, 1, 1, 0 }, { 3, 3, 1, -EINVAL },
		{ 1, 9, 1, -EINVAL },
		{ 0xffff, 0xffff, 0xffff, -EINVAL }, { 0x8000, 0x8000, 4, -EINVAL },
	};
	struct door door = door_open(test);
	struct vm_cpu_topology arg, last = { 1, 1, 1 };
	int i;

	for (i = 0; i < ARRAY_SIZE(table); i++) {
		arg = (struct vm_cpu_topology){
			table[i].sockets, table[i].cores, table[i].threads, 999,
		};
		KUNIT_EXPECT_EQ(test, REQUEST(&door, VM_SET_TOPOLOGY, arg), table[i].err);
		if (!table[i].err)
			last = arg;
		memset(&arg, 0, sizeof(arg));
		KUNIT_EXPECT_EQ(test, REQUEST(&door, VM_GET_TOPOLOGY, arg), 0);
		KUNIT_EXPECT_EQ(test, arg.sockets, last.sockets);
		KUNIT_EXPECT_EQ(test, arg.cores, last.cores);
		KUNIT_EXPECT_EQ(test, arg.threads, last.threads);
		KUNIT_EXPECT_EQ(test, arg.maxcpus, FAKE_VCPUS);
	}
}

static void stats_come_in_pieces(struct kunit *test)
{
	struct door door = door_open(test);
	struct vm_stats *stats = kunit_kzalloc(test, sizeof(*stats), GFP_KERNEL);
	struct vcpu *vcpu = fake_vcpu(test, 0);
	int i;

	KUNIT_ASSERT_NOT_NULL(test, stats);
	for (i = 0; i < VCPU_STAT_COUNT; i++)
		vcpu->stats[i] = 1000 + i;
	for (i = 0; i <= VCPU_STAT_COUNT; i++) {
		memset(stats, 0xff, sizeof(*stats));
		stats->cpuid = 0;
		stats->index = i;
		KUNIT_EXPECT_EQ(test, request(&door, VM_STATS, stats, sizeof(*stats)), 0);
		KUNIT_EXPECT_EQ(test, stats->num_entries, min(VCPU_STAT_COUNT - i, MAX_VM_STATS));
		if (i < VMM_MEM_RESIDENT)
			KUNIT_EXPECT_EQ(test, stats->statbuf[0], 1000 + i);
		KUNIT_EXPECT_GT(test, stats->tv.tv_sec, 0);
		KUNIT_EXPECT_LT(test, stats->tv.tv_usec, 1000000);
	}
	stats->index = VCPU_STAT_COUNT + 1;
	KUNIT_EXPECT_EQ(test, request(&door, VM_STATS, stats, sizeof(*stats)), -ENOENT);
	stats->index = INT_MAX;
	KUNIT_EXPECT_EQ(test, request(&door, VM_STATS, stats, sizeof(*stats)), -ENOENT);
	stats->index = -1;
	KUNIT_EXPECT_EQ(test, request(&door, VM_STATS, stats, sizeof(*stats)), -EINVAL);
}

static void suspend_requests_check_the_reason(struct kunit *test)
{
	struct door door = door_open(test);
	struct vm_suspend arg = { .how = VM_SUSPEND_NONE };

	KUNIT_EXPECT_EQ(test, REQUEST(&door, VM_SUSPEND, arg), -EINVAL);
	arg.how = VM_SUSPEND_DESTROY_15 + 1;
	KUNIT_EXPECT_EQ(test, REQUEST(&door, VM_SUSPEND, arg), -EINVAL);
	arg.how = VM_SUSPEND_RESET;
	KUNIT_EXPECT_EQ(test, REQUEST(&door, VM_SUSPEND, arg), 0);
	KUNIT_EXPECT_EQ(test, REQUEST(&door, VM_SUSPEND, arg), -EALREADY);
	/* No vCPU is active, so all of them have stopped. */
	KUNIT_EXPECT_EQ(test, REQUEST(&door, VM_REINIT, arg), 0);
	KUNIT_EXPECT_EQ(test, REQUEST(&door, VM_SUSPEND, arg), 0);
}

static struct kunit_case ioctl_test_cases[] = {
	KUNIT_CASE(table_has_every_request),
	KUNIT_CASE(table_has_passthrough_requests),
	KUNIT_CASE(table_has_snapshot_requests),
	KUNIT_CASE(table_has_nothing_else),
	KUNIT_CASE(door_finds_both_families),
	KUNIT_CASE(door_refuses_unknown_words),
	KUNIT_CASE(door_copies_the_argument),
	KUNIT_CASE(door_checks_the_vcpu),
	KUNIT_CASE(door_closes_with_the_vm),
	KUNIT_CASE(classes_stop_vcpus_or_not),
	KUNIT_CASE(classes_snapshots_stop_vcpus),
	KUNIT_CASE(run_returns_the_record),
	KUNIT_CASE(run_returns_the_ipi_targets),
	KUNIT_CASE(run_checks_its_pointers),
	KUNIT_CASE(run_13_has_the_record_inside),
	KUNIT_CASE(registers_keep_what_is_set),
	KUNIT_CASE(registers_have_bounds),
	KUNIT_CASE(register_sets_go_in_order),
	KUNIT_CASE(register_sets_have_bounds),
	KUNIT_CASE(descriptors_are_of_segments_and_tables),
	KUNIT_CASE(capabilities_by_the_table),
	KUNIT_CASE(events_are_pending_until_entry),
	KUNIT_CASE(exceptions_have_vectors),
	KUNIT_CASE(restart_goes_back),
	KUNIT_CASE(lapic_requests_have_bounds),
	KUNIT_CASE(memsegs_by_the_door),
	KUNIT_CASE(memsegs_have_numbers),
	KUNIT_CASE(translation_faults_or_not),
	KUNIT_CASE(kernemu_reaches_the_chips),
	KUNIT_CASE(cpus_are_shown_by_set),
	KUNIT_CASE(cpus_need_a_place),
	KUNIT_CASE(topology_is_bounded_by_the_limit),
	KUNIT_CASE(stats_come_in_pieces),
	KUNIT_CASE(suspend_requests_check_the_reason),
	{}
};

static struct kunit_suite ioctl_test_suite = {
	.name = "vmm-ioctl",
	.suite_init = fake_suite_init,
	.suite_exit = fake_suite_exit,
	.init = fake_vm_test_init,
	.exit = fake_vm_test_exit,
	.test_cases = ioctl_test_cases,
};
kunit_test_suite(ioctl_test_suite);
