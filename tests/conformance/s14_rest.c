// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Sections 14, 15, 22, 26, 27 and 30: what the other tests leave. */
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <x86intrin.h>

#include "harness.h"

static int fd_of(struct machine *m)
{
	return vm_get_device_fd(m->ctx);
}

/* --- section 14 ------------------------------------------------------------------------------ */

static struct vm_guest_paging paging_of(enum vm_paging_mode mode, uint64_t cr3, int cpl)
{
	return (struct vm_guest_paging){ .cr3 = cr3, .cpl = cpl, .cpu_mode = mode == PAGING_MODE_64 || mode == PAGING_MODE_64_LA57 ?
		CPU_MODE_64BIT : CPU_MODE_PROTECTED, .paging_mode = mode };
}

static void expect_gpa(struct machine *m, enum vm_paging_mode mode, uint64_t gla, int prot, int cpl, uint64_t want)
{
	struct vm_guest_paging paging = paging_of(mode, 0x200000, cpl);
	uint64_t gpa = 0;
	int fault = -1;

	OK(vm_gla2gpa_nofault(m->vcpu[0], &paging, gla, prot, &gpa, &fault));
	if (want == ~0ull) {
		EXPECT_EQ(fault, 1);
		return;
	}
	EXPECT_EQ(fault, 0);
	EXPECT_EQ(gpa, want);
}

TEST(s14_two_levels)
{
	struct machine *m = machine_create(1);
	uint32_t *pd = (uint32_t *)(m->mem + 0x200000), *pt = (uint32_t *)(m->mem + 0x201000);

	pd[1] = 0x201007;
	pd[2] = 0x00800083;				/* 4 MiB, kernel, writable */
	pd[3] = 0x7000007;				/* a table outside memory */
	pt[5] = 0x123005;				/* user, read only */
	expect_gpa(m, PAGING_MODE_32, 0x405678, PROT_READ, 3, 0x123678);
	expect_gpa(m, PAGING_MODE_32, 0x405678, PROT_WRITE, 0, ~0ull);	/* whatever CR0.WP */
	expect_gpa(m, PAGING_MODE_32, 0x405678, PROT_EXEC, 3, 0x123678);
	expect_gpa(m, PAGING_MODE_32, 0x406678, PROT_READ, 0, ~0ull);
	expect_gpa(m, PAGING_MODE_32, 0x812345, PROT_WRITE, 0, 0x812345);
	expect_gpa(m, PAGING_MODE_32, 0x812345, PROT_READ, 3, ~0ull);
	EXPECT_EQ(pt[5], 0x123005);
	{
		struct vm_guest_paging paging = paging_of(PAGING_MODE_32, 0x200000, 0);
		uint64_t gpa;
		int fault;

		EXPECT_ERRNO(vm_gla2gpa_nofault(m->vcpu[0], &paging, 0xc00000, PROT_READ, &gpa, &fault), EFAULT);
		OK(vm_gla2gpa(m->vcpu[0], &paging, 0x812345, PROT_WRITE, &gpa, &fault));
		EXPECT_EQ(pd[2], 0x008000e3);		/* accessed and dirty */
	}
}

TEST(s14_pae)
{
	struct machine *m = machine_create(1);
	uint64_t *pdpt = (uint64_t *)(m->mem + 0x200000), *pd = (uint64_t *)(m->mem + 0x201000), *pt = (uint64_t *)(m->mem + 0x202000);

	pdpt[3] = 0x201001;
	pd[511] = 0x202007;
	pd[510] = 0xa00087;
	pt[511] = 0x123007;
	expect_gpa(m, PAGING_MODE_PAE, 0xffffffff, PROT_WRITE, 3, 0x123fff);
	expect_gpa(m, PAGING_MODE_PAE, 0xffd12345, PROT_READ, 3, 0xb12345);
	expect_gpa(m, PAGING_MODE_PAE, 0x1000, PROT_READ, 0, ~0ull);
}

TEST(s14_five_levels)
{
	struct machine *m = machine_create(1);
	uint64_t *pml5 = (uint64_t *)(m->mem + 0x200000), *pml4 = pml5 + 512, *pdpt = pml4 + 512;

	pml5[3] = 0x201007;
	pml4[1] = 0x202007;
	pdpt[2] = 0x40000087;				/* 1 GiB */
	expect_gpa(m, PAGING_MODE_64_LA57, 3ull << 48 | 1ull << 39 | 2ull << 30 | 0x1234567, PROT_READ, 3, 0x41234567);
	expect_gpa(m, PAGING_MODE_64_LA57, 1ull << 56, PROT_READ, 0, ~0ull);	/* not canonical */
	/* A large page higher up is a reserved bit. */
	pml4[2] = 0x40000087;
	expect_gpa(m, PAGING_MODE_64_LA57, 3ull << 48 | 2ull << 39, PROT_READ, 0, ~0ull);
}

/* The first form injects what the guest would get: #GP for a non-canonical address, without CR2. */
TEST(s14_general_protection)
{
	struct machine *m = machine_create(1);
	struct vm_guest_paging paging = paging_of(PAGING_MODE_64, PAGE_TABLES_GPA, 0);
	uint64_t gpa, info1, info2;
	int fault;

	vcpu_start(m, 0, MODE_LONG, CODE_GPA);
	reg_set(m, 0, VM_REG_GUEST_CR2, 0x777);
	OK(vm_gla2gpa(m->vcpu[0], &paging, 1ull << 47, PROT_READ, &gpa, &fault));
	EXPECT_EQ(fault, 1);
	OK(vm_get_intinfo(m->vcpu[0], &info1, &info2));
	EXPECT_EQ(info2, VM_INTINFO_VALID | VM_INTINFO_DEL_ERRCODE | VM_INTINFO_HWEXCEPTION | 13);
	EXPECT_EQ(reg_get(m, 0, VM_REG_GUEST_CR2), 0x777);
}

/* --- section 15: MMIO windows and strings ---------------------------------------------------------- */

SNIPPET(string_on_pic, 64, "mov $0x21, %edx; mov $0xa000, %esi; outsb; out %al, $0x80");

TEST(s15_string_io_goes_out)
{
	struct machine *m = machine_create(1);
	struct vm_exit exit;

	snippet_start(m, 0, &string_on_pic);
	EXPECT_EQ(vcpu_run(m, 0, &exit), GUEST_EXIT);
	/* A processor without decode assistance may do no better than an unclaimed exit. */
	if (!(host_is_amd() && exit.exitcode == VM_EXITCODE_SVM))
		EXPECT_EQ(exit.exitcode, VM_EXITCODE_INOUT_STR);
}

/* The windows of the chips are exact: the next byte is user space's. */
SNIPPET(past_hpet, 64, "mov $0xfed00400, %ebx; mov (%rbx), %eax; mov $0xfec01000, %ebx; mov (%rbx), %eax; mov $0xfee01000, %ebx; mov (%rbx), %eax;"
	"mov $0xfed003f8, %ebx; mov (%rbx), %eax; mov $0xfec00ffc, %ebx; mov (%rbx), %eax; out %al, $0x80");

TEST(s15_windows_are_exact)
{
	static const uint64_t outside[] = { 0xfed00400, 0xfec01000, 0xfee01000 };
	struct machine *m = machine_create(1);
	struct vm_exit exit;

	snippet_start(m, 0, &past_hpet);
	for (unsigned int i = 0; i < 3; i++) {
		exit = EXPECT_EXIT(m, 0, VM_EXITCODE_INST_EMUL);
		EXPECT_EQ(exit.u.inst_emul.gpa, outside[i]);
	}
	EXPECT_EXIT(m, 0, VM_EXITCODE_INOUT);
}

/* --- section 22 ------------------------------------------------------------------------------------- */

/* The guest holds the clock (SET): no other time, but the same. NVRAM is not bound by that. */
SNIPPET(rtc_set, 64, "mov $0x0b, %al; out %al, $0x70; mov $0x82, %al; out %al, $0x71; out %al, $0x80;"
	"mov $0x0b, %al; out %al, $0x70; mov $0x02, %al; out %al, $0x71; out %al, $0x80");

TEST(s22_settime_while_held)
{
	struct machine *m = machine_create(1);
	time_t now;

	OK(vm_rtc_settime(m->ctx, 1400000000));
	snippet_start(m, 0, &rtc_set);
	EXPECT_EXIT(m, 0, VM_EXITCODE_INOUT);
	EXPECT_ERRNO(vm_rtc_settime(m->ctx, 1300000000), EBUSY);
	OK(vm_rtc_gettime(m->ctx, &now));
	OK(vm_rtc_settime(m->ctx, now));
	OK(vm_rtc_write(m->ctx, 0x40, 1));
	EXPECT_EXIT(m, 0, VM_EXITCODE_INOUT);
	OK(vm_rtc_settime(m->ctx, 1300000000));
	OK(vm_rtc_gettime(m->ctx, &now));
	EXPECT(now >= 1300000000 && now < 1300000010);
}

TEST(s22_nvram)
{
	struct machine *m = machine_create_bare();
	uint8_t byte;

	for (int i = 14; i < 128; i++)
		if (i != 0x32)
			OK(vm_rtc_write(m->ctx, i, (uint8_t)(i ^ 0x5a)));
	for (int i = 14; i < 128; i++) {
		OK(vm_rtc_read(m->ctx, i, &byte));
		if (i != 0x32)
			EXPECT_EQ(byte, (uint8_t)(i ^ 0x5a));
	}
	/* Date bytes are refreshed: 2017-07-14 02:40:00, in BCD; broken is -1. */
	OK(vm_rtc_settime(m->ctx, 1500000000));
	OK(vm_rtc_read(m->ctx, 9, &byte));
	EXPECT_EQ(byte, 0x17);
	OK(vm_rtc_read(m->ctx, 8, &byte));
	EXPECT_EQ(byte, 0x07);
	OK(vm_rtc_read(m->ctx, 7, &byte));
	EXPECT_EQ(byte, 0x14);
	OK(vm_rtc_read(m->ctx, 4, &byte));
	EXPECT_EQ(byte, 0x02);
	OK(vm_rtc_read(m->ctx, 2, &byte));
	EXPECT_EQ(byte, 0x40);
	OK(vm_rtc_read(m->ctx, 0x32, &byte));
	EXPECT_EQ(byte, 0x20);
	OK(vm_rtc_read(m->ctx, 10, &byte));
	EXPECT_EQ(byte & 0x7f, 0x20);
	{
		time_t now = 5;

		OK(vm_rtc_settime(m->ctx, -1));
		OK(vm_rtc_gettime(m->ctx, &now));
		EXPECT_EQ(now, -1);
	}
}

/* --- section 26 --------------------------------------------------------------------------------------- */

SNIPPET(read_tsc, 64, "rdtsc; shl $32, %rdx; or %rdx, %rax; mov %rax, %rbx; out %al, $0x80");

/* Guests see the host's TSC. */
TEST(s26_no_offset)
{
	struct machine *m = machine_create(1);
	uint64_t before, after, guest;

	pin_to_cpu(0);
	for (int i = 0; i < 10; i++) {
		snippet_start(m, 0, &read_tsc);
		before = __rdtsc();
		EXPECT_EXIT(m, 0, VM_EXITCODE_INOUT);
		after = __rdtsc();
		guest = reg_get(m, 0, VM_REG_GUEST_RBX);
		EXPECT(before <= guest && guest <= after);
	}
}

/* --- section 27 --------------------------------------------------------------------------------------- */

TEST(s27_topology)
{
	struct machine *m = machine_create_bare();
	uint16_t sockets, cores, threads, limit;

	OK(vm_get_topology(m->ctx, &sockets, &cores, &threads, &limit));
	OK(vm_set_topology(m->ctx, limit, 1, 1, 0));
	OK(vm_set_topology(m->ctx, 1, limit, 1, 3));			/* maxcpus is ignored */
	OK(vm_set_topology(m->ctx, 1, 1, limit, 0xffff));
	OK(vm_set_topology(m->ctx, 2, (uint16_t)(limit / 4), 2, 1));
	OK(vm_get_topology(m->ctx, &sockets, &cores, &threads, &limit));
	EXPECT_EQ(sockets, 2);
	EXPECT_EQ(cores, limit / 4);
	EXPECT_EQ(threads, 2);
	EXPECT_EQ(limit, 16);
	/* Not checked against vCPUs in use. */
	m->vcpu[0] = vm_vcpu_open(m->ctx, 5);
	OK(vm_activate_cpu(m->vcpu[0]));
	OK(vm_set_topology(m->ctx, 1, 1, 1, 0));
}

/* --- section 30 --------------------------------------------------------------------------------------- */

SNIPPET(touch_8m, 64, "mov $0x800000, %edi; mov $0x800000, %ecx; xor %eax, %eax; rep stosb; out %al, $0x80");

/* Memory is told of vCPU 0 only; the old form is the new one from index 0. */
TEST(s30_forms_and_memory)
{
	struct machine *m = machine_create(2);
	struct vm_stats stats = { .cpuid = 1, .index = 0 }, tail = { .cpuid = 1, .index = 5 };
	struct vm_stats_old old = { .cpuid = 1 };

	EXPECT_EQ(stat_get(m, 0, "Resident memory"), 0);
	snippet_start(m, 0, &touch_8m);
	EXPECT_EXIT(m, 0, VM_EXITCODE_INOUT);
	EXPECT(stat_get(m, 0, "Resident memory") >= 0x800000);
	EXPECT_EQ(stat_get(m, 1, "Resident memory"), 0);
	EXPECT_EQ(stat_get(m, 0, "Wired memory"), 0);
	OK(ioctl(fd_of(m), VM_STATS, &stats));
	OK(ioctl(fd_of(m), VM_STATS_OLD, &old));
	OK(ioctl(fd_of(m), VM_STATS, &tail));
	EXPECT_EQ(old.num_entries, stats.num_entries);
	EXPECT_EQ(tail.num_entries, stats.num_entries - 5);
	EXPECT(memcmp(old.statbuf, stats.statbuf, sizeof(old.statbuf)) == 0);
	EXPECT(memcmp(tail.statbuf, stats.statbuf + 5, (size_t)tail.num_entries * 8) == 0);
	EXPECT(old.tv.tv_sec > 0);
}

SNIPPET(out_loop, 64, "1: out %al, $0x80; jmp 1b");

/* Counted per vCPU, and gone with reinit. */
TEST(s30_counted_and_reset)
{
	struct machine *m = machine_create(2);

	snippet_start(m, 0, &out_loop);
	for (int i = 0; i < 20; i++)
		EXPECT_EXIT(m, 0, VM_EXITCODE_INOUT);
	EXPECT(stat_get(m, 0, "total number of vm exits") >= 20);
	EXPECT(stat_get(m, 0, "number of vm exits handled in userspace") >= 20);
	EXPECT_EQ(stat_get(m, 1, "total number of vm exits"), 0);
	OK(vm_suspend(m->ctx, VM_SUSPEND_RESET));
	{
		struct runner r;

		runner_start(&r, m, 0);
		EXPECT_EXIT(m, 1, VM_EXITCODE_SUSPENDED);
		runner_join(&r, 3);
	}
	OK(vm_reinit(m->ctx));
	EXPECT_EQ(stat_get(m, 0, "total number of vm exits"), 0);
}
