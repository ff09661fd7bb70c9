// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* The requests that Linux adds: a test a rule of uapi/vmm_linux.h. */
#include "test.h"

#define COUNTER_GPA	SCRATCH_GPA		/* what the guest counts up, for the host to see */
#define TIMER_VECTOR	0x41
#define LINE_VECTOR	0x42
#define LINE_PIN	20
#define IOAPIC_GPA	0xfec00000ull
#define ASK_GPA		(SCRATCH_GPA + 0x100)
#define DOORBELL_GPA	0xd0001000ull		/* no memory, no chip */
#define DOORBELL_PORT	0x600
#define DOORBELL_ROUNDS	100
#define ANSWER_PORT	0x610
#define ANSWER_ROUNDS	20
#define ANSWER(round)	((round) * 0x01010101u)
#define DIRTY_GPA	0xc0000000ull
#define DIRTY_PAGES	256
#define DIRTY_STRIDE	7
#define LARGE_GPA	0xc00000ull		/* of the memory, 2 MiB that nobody uses */
#define PVCLOCK_GPA	0xb00000ull
#define APIC_TIMER_HZ	134217728ull
#define PM_HZ		3579545ull

#ifdef GUEST

/* Hands over TSC, local APIC timer and ACPI timer, over and over. */
GUEST_MAIN(clocks)
{
	apic_enable();
	apic_write(APIC_LVT_TIMER_REG, 0x10000 | TIMER_VECTOR);
	apic_write(0x3e0, 0x3);			/* by 16 */
	apic_write(0x380, 0xffffffff);
	for (;;) {
		value(rdtsc());
		value(0xffffffff - apic_read(0x390));
		value(in32(0x408) & 0xffffffff);
		sync(1);
	}
}

/* Counts for ever, with no exit that it asks for. */
GUEST_MAIN(count)
{
	volatile uint64_t *counter = (volatile uint64_t *)COUNTER_GPA;

	for (;;)
		(*counter)++;
}

static volatile uint32_t timer_fired;

static void on_timer(struct frame *frame)
{
	timer_fired = 1;
	apic_write(APIC_EOI, 0);
}

/* Arms a timer, and says by the counter that it came. */
GUEST_MAIN(timer)
{
	handler_set(TIMER_VECTOR, on_timer);
	apic_enable();
	apic_write(APIC_LVT_TIMER_REG, TIMER_VECTOR);
	apic_write(0x3e0, 0xb);			/* by 1 */
	apic_write(0x380, input());
	*(volatile uint64_t *)COUNTER_GPA = 1;
	while (!timer_fired)
		sti_hlt_cli();
	*(volatile uint64_t *)COUNTER_GPA = 2;
}

/* Sleeps until vector TIMER_VECTOR comes from somewhere. */
GUEST_MAIN(sleep)
{
	handler_set(TIMER_VECTOR, on_timer);
	apic_enable();
	*(volatile uint64_t *)COUNTER_GPA = 1;
	while (!timer_fired)
		sti_hlt_cli();
	*(volatile uint64_t *)COUNTER_GPA = 2;
}

struct ask { uint32_t leaf, subleaf, regs[4]; };

/* Answers what the host asks for in memory. */
GUEST_MAIN(ask_cpuid)
{
	volatile struct ask *ask = (volatile struct ask *)ASK_GPA;

	for (;;) {
		struct cpuid r = cpuid(ask->leaf, ask->subleaf);

		ask->regs[0] = r.eax;
		ask->regs[1] = r.ebx;
		ask->regs[2] = r.ecx;
		ask->regs[3] = r.edx;
		sync(1);
	}
}

static volatile uint32_t lines_taken;

static void on_line(struct frame *frame)
{
	lines_taken++;
	*(volatile uint64_t *)COUNTER_GPA = lines_taken;
	apic_write(APIC_EOI, 0);
}

static void pin_set(unsigned int pin, uint32_t low)
{
	mmio_write32(IOAPIC_GPA, 0x10 + 2 * pin + 1);
	mmio_write32(IOAPIC_GPA + 0x10, 0);
	mmio_write32(IOAPIC_GPA, 0x10 + 2 * pin);
	mmio_write32(IOAPIC_GPA + 0x10, low);
}

/* Counts interrupts of LINE_VECTOR: messages, or those of LINE_PIN, which is an edge or, with input 1, a level. */
GUEST_MAIN(lines)
{
	handler_set(LINE_VECTOR, on_line);
	apic_enable();
	pin_set(LINE_PIN, LINE_VECTOR | (input() ? 0x8000 : 0));
	sync(1);
	for (;;)
		sti_hlt_cli();
}

/* Writes of each kind, over and over, with no step in between that the host sees. */
GUEST_MAIN(doorbells)
{
	sync(1);
	for (int i = 0; i < DOORBELL_ROUNDS; i++) {
		mmio_write32(DOORBELL_GPA, 7);
		mmio_write32(DOORBELL_GPA, 8);
		mmio_write64(DOORBELL_GPA + 8, 0x1122334455667788);
		out16(DOORBELL_PORT, 3);
		out8(DOORBELL_PORT + 4, 0x55);
		out32(DOORBELL_PORT + 4, 0x55);
	}
	sync(2);
}

/* Wants other values each time. */
GUEST_MAIN(answers)
{
	uint32_t val;

	for (uint32_t i = 0; i < ANSWER_ROUNDS; i++)
		CHECK_EQ(in32(ANSWER_PORT) & 0xffffffff, ANSWER(i));
	asm volatile("movl (%1), %0" : "=a"(val) : "r"(DOORBELL_GPA) : "memory");
	CHECK_EQ(val, 0x55667788);
	sync(1);
}

/* Those that are not wanted come out, unchanged. */
GUEST_MAIN(doorbells_unwanted)
{
	mmio_write32(DOORBELL_GPA, 9);
	mmio_write16(DOORBELL_GPA, 7);
	mmio_read32(DOORBELL_GPA);
	out16(DOORBELL_PORT, 4);
	in16(DOORBELL_PORT);
}

static void mmio_to_memory(uint64_t from, uint64_t to)
{
	asm volatile("movsl" : "+S"(from), "+D"(to) : : "memory");
}

/* Writes pages by itself, reads others, and has the kernel write one. */
GUEST_MAIN(dirty)
{
	volatile uint32_t read;

	sync(1);
	for (int i = 0; i < DIRTY_PAGES; i += DIRTY_STRIDE)
		mmio_write32(DIRTY_GPA + i * 4096ull + 12, i);
	for (int i = 1; i < DIRTY_PAGES; i += DIRTY_STRIDE)
		read = mmio_read32(DIRTY_GPA + i * 4096ull);
	sync(2);
	mmio_to_memory(APIC_GPA + APIC_VERSION, DIRTY_GPA + 5 * 4096 + 8);
	sync(3);
	/* What was clean counts anew. */
	mmio_write32(DIRTY_GPA, 1);
	mmio_write32(DIRTY_GPA + 5 * 4096, read);
	sync(4);
}

/* Writes all over, until the host says that it is enough. Each vCPU has its own word in every page. */
GUEST_MAIN(dirty_storm)
{
	volatile uint32_t *stop = (volatile uint32_t *)ASK_GPA;
	uint32_t me = vcpu_self(), random = 12345 + me;

	for (uint32_t i = 1; !*stop; i++) {
		random = random * 1664525 + 1013904223;
		mmio_write32(DIRTY_GPA + (random >> 8) % DIRTY_PAGES * 4096ull + 4 * me, i);
	}
}

/* One page of the large memory. */
GUEST_MAIN(dirty_large)
{
	mmio_write8(LARGE_GPA + 7 * 4096, 1);
}

struct pvclock {
	volatile uint32_t version;
	uint32_t pad0;
	uint64_t tsc, ns;
	uint32_t mul;
	int8_t shift;
	uint8_t flags, pad[2];
};

static uint64_t pvclock_ns(const struct pvclock *page, uint64_t tsc)
{
	uint64_t ticks = tsc - page->tsc;

	ticks = page->shift < 0 ? ticks >> -page->shift : ticks << page->shift;
	return page->ns + (uint64_t)((unsigned __int128)ticks * page->mul >> 32);
}

/* The clock at PVCLOCK_GPA, over and over. */
GUEST_MAIN(pvclock)
{
	const struct pvclock *page = (const struct pvclock *)PVCLOCK_GPA;
	volatile uint32_t *wall = (volatile uint32_t *)(PVCLOCK_GPA + 64);
	uint64_t last = 0, now;

	CHECK_EQ(rdmsr(0x4b564d01), 0);
	wrmsr(0x4b564d00, PVCLOCK_GPA + 64);
	CHECK_EQ(rdmsr(0x4b564d00), PVCLOCK_GPA + 64);
	wrmsr(0x4b564d01, PVCLOCK_GPA | 1);
	CHECK_EQ(rdmsr(0x4b564d01), PVCLOCK_GPA | 1);
	CHECK_EQ(page->version & 1, 0);
	CHECK(page->version != 0);
	CHECK_EQ(page->flags, 1);
	CHECK_EQ(wall[0] & 1, 0);
	value(page->mul);
	value((uint64_t)(int64_t)page->shift);
	value(wall[1]);
	for (;;) {
		now = pvclock_ns(page, rdtsc());
		CHECK(now >= last);
		last = now;
		value(now);
		sync(1);
		if (input() == 1)
			wrmsr(0x10, 0x123456789);		/* the page follows */
	}
}

/* What a guest may not write there. */
GUEST_MAIN(pvclock_faults)
{
	CHECK_EQ(wrmsr_try(0x4b564d01, (PVCLOCK_GPA + 2) | 1), VEC_GP);
	CHECK_EQ(wrmsr_try(0x4b564d01, DOORBELL_GPA | 1), VEC_GP);
	CHECK_EQ(wrmsr_try(0x4b564d00, PVCLOCK_GPA + 1), VEC_GP);
	CHECK_EQ(wrmsr_try(0x4b564d00, ~0ull << 2), VEC_GP);
	CHECK_EQ(rdmsr(0x4b564d01), 0);
	/* Over a page's end it is right as well. */
	wrmsr(0x4b564d01, (PVCLOCK_GPA + 4096 - 12) | 1);
	CHECK_EQ(*(volatile uint8_t *)(PVCLOCK_GPA + 4096 - 12 + 29), 1);
	/* Off: any address. */
	wrmsr(0x4b564d01, 0);
	CHECK_EQ(rdmsr(0x4b564d01), 0);
}

GUEST_MAIN(pvclock_absent)
{
	rdmsr(0x4b564d01);
}

static void cr4_write(uint64_t val) { write_cr4(val); }

/* CR4.UMIP is there if CPUID says so. */
GUEST_MAIN(umip)
{
	const uint64_t umip = 1u << 11;

	value(cpuid(7, 0).ecx >> 2 & 1);
	if (cpuid(7, 0).ecx >> 2 & 1) {
		write_cr4(read_cr4() | umip);
		CHECK_EQ(read_cr4() & umip, umip);
		write_cr4(read_cr4() & ~umip);
	} else {
		CHECK_EQ(guest_try(cr4_write, read_cr4() | umip), VEC_GP);
	}
	CHECK_EQ(read_cr4() & umip, 0);
}

#define PKU_KEY		5
#define PKU_NO_ACCESS	(1u << 2 * PKU_KEY)
#define PKU_GLA		(1ull << 30)	/* GPA 0 once more */

static uint32_t rdpkru(void) { uint32_t eax, edx; asm volatile("rdpkru" : "=a"(eax), "=d"(edx) : "c"(0)); return eax; }
static void wrpkru(uint32_t val) { asm volatile("wrpkru" : : "a"(val), "c"(0), "d"(0) : "memory"); }
static void rdpkru_do(uint64_t arg) { (void)arg; rdpkru(); }
static void gla_read(uint64_t gla) { *(volatile uint8_t *)gla; }

static uint32_t xcr0(void)
{
	uint32_t eax, edx;

	asm volatile("xgetbv" : "=a"(eax), "=d"(edx) : "c"(0));
	return eax;
}

GUEST_MAIN(pku)
{
	uint64_t *pd = (uint64_t *)(PAGE_TABLES_GPA + 0x3000);	/* of the second GiB */
	const uint64_t osxsave = 1u << 18, pke = 1u << 22;

	value(cpuid(7, 0).ecx >> 3 & 1);
	if (!(cpuid(7, 0).ecx >> 3 & 1)) {
		CHECK_EQ(guest_try(cr4_write, read_cr4() | pke), VEC_GP);
		return;
	}
	CHECK_EQ(cpuid(7, 0).ecx >> 4 & 1, 0);
	CHECK_EQ(guest_try(rdpkru_do, 0), VEC_UD);
	write_cr4(read_cr4() | osxsave | pke);
	CHECK_EQ(cpuid(7, 0).ecx >> 4 & 1, 1);
	CHECK_EQ(rdpkru(), 0);
	asm volatile("xsetbv" : : "a"(0x203), "d"(0), "c"(0));
	pd[0] = 0x87 | (uint64_t)PKU_KEY << 59;
	asm volatile("invlpg (%0)" : : "r"(PKU_GLA) : "memory");
	wrpkru(PKU_NO_ACCESS);
	for (uint32_t i = 1; i <= 3; i++) {
		sync(i);
		CHECK_EQ(rdpkru(), PKU_NO_ACCESS);
		CHECK_EQ(xcr0(), 0x203);
		CHECK_EQ(guest_try(gla_read, PKU_GLA), VEC_PF);
		CHECK_EQ(fault_error, 0x21);
	}
	wrpkru(0);
	CHECK_EQ(guest_try(gla_read, PKU_GLA), -1);
}

#else

#include <cpuid.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <vmlapi.h>

static int vml(struct machine *m, unsigned long word, void *arg)
{
	return ioctl(vm_get_device_fd(m->ctx), word, arg);
}

static volatile uint64_t *counter_of(struct machine *m)
{
	return (volatile uint64_t *)(m->mem + COUNTER_GPA);
}

/* --- the rules that all of them keep to ------------------------------------------------- */

TEST(linux_unknown_request)
{
	struct machine *m = machine_create_bare();
	struct vml_pause arg = { .size = sizeof(arg) };

	EXPECT_ERRNO(vml(m, _IO(VMM_LINUX_GROUP, 200), &arg), ENOTTY);
	/* The right number with a size in the word is another word. */
	EXPECT_ERRNO(vml(m, _IOW(VMM_LINUX_GROUP, 1, struct vml_pause), &arg), ENOTTY);
}

TEST(linux_size_first)
{
	struct { struct vml_pause arg; uint32_t more[4]; } longer = { .arg.size = sizeof(longer) };
	struct machine *m = machine_create_bare();
	struct vml_pause arg = { .size = sizeof(arg) };

	arg.size = 4;
	EXPECT_ERRNO(vml(m, VML_PAUSE, &arg), EINVAL);
	arg.size = 0;
	EXPECT_ERRNO(vml(m, VML_PAUSE, &arg), EINVAL);
	/* What the kernel does not know has to be 0. */
	longer.more[3] = 1;
	EXPECT_ERRNO(vml(m, VML_PAUSE, &longer), E2BIG);
	longer.more[3] = 0;
	OK(vml(m, VML_PAUSE, &longer));
	OK(vml(m, VML_RESUME, &longer));
	longer.arg.size = 1 << 20;
	EXPECT_ERRNO(vml(m, VML_PAUSE, &longer), E2BIG);
}

TEST(linux_unknown_flags)
{
	struct machine *m = machine_create_bare();
	struct vml_pause arg = { .size = sizeof(arg), .flags = 1 };
	struct vml_info info = { .size = sizeof(info), .flags = 0x80000000 };

	EXPECT_ERRNO(vml(m, VML_PAUSE, &arg), EOPNOTSUPP);
	EXPECT_ERRNO(vml(m, VML_INFO, &info), EOPNOTSUPP);
	OK(vml_info(m->ctx, &info));
	EXPECT(!(info.flags & VML_INFO_PAUSED));
}

TEST(linux_bad_address)
{
	struct machine *m = machine_create_bare();
	struct vml_info *info = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	EXPECT_ERRNO(vml(m, VML_INFO, NULL), EFAULT);
	EXPECT_ERRNO(vml(m, VML_PAUSE, (void *)-4096l), EFAULT);
	/* The answer has nowhere to go. */
	info->size = sizeof(*info);
	OK(mprotect(info, 4096, PROT_READ));
	EXPECT_ERRNO(vml(m, VML_INFO, info), EFAULT);
}

TEST(linux_after_destruction)
{
	struct machine *m = machine_create_bare(), *other = machine_open_again(m);
	struct vml_info info;

	OK(vml_info(other->ctx, &info));
	vm_destroy(m->ctx);
	EXPECT_ERRNO(vml_info(other->ctx, &info), ENXIO);
	EXPECT_ERRNO(vml_pause(other->ctx), ENXIO);
}

/* --- VML_INFO ------------------------------------------------------------------------------- */

TEST(linux_info)
{
	uint16_t sockets, cores, threads, maxcpus;
	struct machine *m = machine_create(1);
	struct vml_info info, later;
	size_t i;

	OK(vml_info(m->ctx, &info));
	EXPECT_EQ(info.size, sizeof(info));
	EXPECT_EQ(info.requests & 0x3ff, 0x3ff);
	OK(vm_get_topology(m->ctx, &sockets, &cores, &threads, &maxcpus));
	EXPECT_EQ(info.cpus_max, maxcpus);
	EXPECT(info.tsc_khz > 1000);
	EXPECT_EQ(info.features_on, 0);
	/* A page that nobody has touched comes to be. */
	for (i = 0; i < 64; i++)
		m->mem[MEMORY_BYTES - (i + 1) * 4096] = 1;
	OK(vml_info(m->ctx, &later));
	EXPECT(later.touched_bytes > info.touched_bytes);
	EXPECT(later.touched_bytes <= MEMORY_BYTES);
	EXPECT(later.time_ns > info.time_ns);
}

TEST(linux_info_short_struct)
{
	struct { struct vml_info info; uint64_t beyond; } arg = { .info.size = sizeof(arg), .beyond = 0 };
	struct machine *m = machine_create_bare();

	OK(vml(m, VML_INFO, &arg));
	EXPECT_EQ(arg.info.size, sizeof(arg));
	EXPECT(arg.info.tsc_khz != 0);
	EXPECT_EQ(arg.beyond, 0);
}

/* Comes back at once, and the vCPU is not disturbed. */
TEST(linux_info_does_not_wait)
{
	struct machine *m = machine_create(1);
	struct vml_info info;
	struct runner r;
	uint64_t left;

	vcpu_start_main(m, 0, "count");
	runner_start(&r, m, 0);
	EXPECT_WITHIN(10, *counter_of(m) > 1000);
	left = stat_get(m, 0, "number of vm exits handled in userspace");
	for (int i = 0; i < 200; i++)
		OK(vml_info(m->ctx, &info));
	EXPECT(!r.done);
	EXPECT(stat_get(m, 0, "number of vm exits handled in userspace") - left < 50);
}

/* --- VML_PAUSE ------------------------------------------------------------------------------ */

TEST(linux_pause_already)
{
	struct machine *m = machine_create_bare();
	struct vml_info info;

	EXPECT_ERRNO(vml_resume(m->ctx), EALREADY);
	OK(vml_pause(m->ctx));
	EXPECT_ERRNO(vml_pause(m->ctx), EALREADY);
	OK(vml_info(m->ctx, &info));
	EXPECT(info.flags & VML_INFO_PAUSED);
	OK(vml_resume(m->ctx));
	EXPECT_ERRNO(vml_resume(m->ctx), EALREADY);
	OK(vml_info(m->ctx, &info));
	EXPECT(!(info.flags & VML_INFO_PAUSED));
}

/* Nobody is in the guest when it returns, VM_RUN stays, and the guest goes on. */
TEST_TIMED(linux_pause_stops_the_guest, 120)
{
	struct machine *m = machine_create(2);
	struct runner r[2];
	uint64_t seen, left;

	for (int i = 0; i < 2; i++) {
		vcpu_start_main(m, i, "count");
		runner_start(&r[i], m, i);
	}
	for (int round = 0; round < 30; round++) {
		seen = *counter_of(m);
		EXPECT_WITHIN(10, *counter_of(m) > seen + 100);
		OK(vml_pause(m->ctx));
		seen = *counter_of(m);
		left = stat_get(m, 0, "number of vm exits handled in userspace");
		usleep(20000);
		EXPECT_EQ(*counter_of(m), seen);
		EXPECT(!r[0].done && !r[1].done);
		EXPECT_EQ(stat_get(m, 0, "number of vm exits handled in userspace"), left);
		OK(vml_resume(m->ctx));
	}
	seen = *counter_of(m);
	EXPECT_WITHIN(10, *counter_of(m) > seen + 100);
}

/* A vCPU that comes to be in a pause is paused as well. */
TEST(linux_pause_new_vcpu)
{
	struct machine *m = machine_create(2);
	struct runner r;

	OK(vml_pause(m->ctx));
	vcpu_start_main(m, 1, "count");
	runner_start(&r, m, 1);
	usleep(100000);
	EXPECT_EQ(*counter_of(m), 0);
	OK(vml_resume(m->ctx));
	EXPECT_WITHIN(10, *counter_of(m) > 100);
}

static void clocks_read(struct machine *m, uint64_t clocks[3])
{
	m->value_count = 0;
	EXPECT_SYNC(m, 0, 1);
	EXPECT_EQ(m->value_count, 3);
	memcpy(clocks, m->values, 3 * sizeof(*clocks));
}

/* TSC, local APIC timer, ACPI timer and VML_INFO's time stand, and all for as long. */
TEST(linux_pause_time_stands)
{
	struct machine *m = machine_create(1);
	uint64_t before[3], after[3], start, spent_ns;
	struct vml_info info, later;

	vcpu_start_main(m, 0, "clocks");
	clocks_read(m, before);
	clocks_read(m, before);
	start = now_ns();
	OK(vml_pause(m->ctx));
	OK(vml_info(m->ctx, &info));
	sleep(3);
	OK(vml_info(m->ctx, &later));
	EXPECT_EQ(later.time_ns, info.time_ns);
	OK(vml_resume(m->ctx));
	clocks_read(m, after);
	/* All but the three seconds. */
	spent_ns = now_ns() - start - 2900000000ull;
	EXPECT(after[0] > before[0] && after[0] - before[0] < spent_ns * info.tsc_khz / 1000000);
	EXPECT((uint32_t)(after[2] - before[2]) < spent_ns * PM_HZ / 1000000000);
	OK(vml_info(m->ctx, &later));
	EXPECT(later.time_ns - info.time_ns < spent_ns);
	EXPECT(after[1] > before[1] && after[1] - before[1] < spent_ns * (APIC_TIMER_HZ / 16) / 1000000000);
}

/* The clock of day, too. */
TEST(linux_pause_clock_of_day)
{
	struct machine *m = machine_create_bare();
	time_t before, after;

	OK(vm_rtc_settime(m->ctx, 1000000));
	OK(vml_pause(m->ctx));
	OK(vm_rtc_gettime(m->ctx, &before));
	usleep(2500000);
	OK(vm_rtc_gettime(m->ctx, &after));
	EXPECT_EQ(before, after);
	OK(vml_resume(m->ctx));
	EXPECT_WITHIN(3, vm_rtc_gettime(m->ctx, &after) == 0 && after > before);
	EXPECT(after - before <= 2);
}

/* A timer that is armed fires only when the guest's time has come. */
TEST_TIMED(linux_pause_timer, 60)
{
	struct machine *m = machine_create(1);
	struct runner r;

	m->input = 4 * APIC_TIMER_HZ;
	vcpu_start_main(m, 0, "timer");
	runner_start(&r, m, 0);
	EXPECT_WITHIN(10, *counter_of(m) == 1);
	OK(vml_pause(m->ctx));
	sleep(8);
	EXPECT_EQ(*counter_of(m), 1);
	OK(vml_resume(m->ctx));
	EXPECT_EQ(*counter_of(m), 1);
	EXPECT_WITHIN(30, *counter_of(m) == 2);
	runner_join(&r, 10);
}

/* An interrupt that arrives in a pause is delivered afterwards. */
TEST(linux_pause_interrupt)
{
	struct machine *m = machine_create(1);
	struct runner r;

	vcpu_start_main(m, 0, "sleep");
	runner_start(&r, m, 0);
	EXPECT_WITHIN(10, *counter_of(m) == 1);
	usleep(50000);
	OK(vml_pause(m->ctx));
	OK(vm_lapic_irq(m->vcpu[0], TIMER_VECTOR));
	usleep(200000);
	EXPECT_EQ(*counter_of(m), 1);
	EXPECT(!r.done);
	OK(vml_resume(m->ctx));
	EXPECT_WITHIN(10, *counter_of(m) == 2);
	runner_join(&r, 10);
}

/* What makes VM_RUN return does so in a pause as well. */
TEST(linux_pause_vm_run_leaves)
{
	struct machine *m = machine_create(1);
	struct runner r;
	uint64_t rip;

	vcpu_start_main(m, 0, "count");
	runner_start(&r, m, 0);
	EXPECT_WITHIN(10, *counter_of(m) > 100);
	OK(vml_pause(m->ctx));
	/* Requests that want the vCPU get it. */
	rip = reg_get(m, 0, VM_REG_GUEST_RIP);
	EXPECT(rip >= IMAGE_GPA);
	EXPECT_EQ(reg_get(m, 0, VM_REG_GUEST_RIP), rip);
	OK(vm_suspend(m->ctx, VM_SUSPEND_POWEROFF));
	runner_join(&r, 5);
	EXPECT_EQ(r.exit.exitcode, VM_EXITCODE_SUSPENDED);
	OK(vml_resume(m->ctx));
}

static void on_signal(int signal)
{
}

TEST(linux_pause_signal)
{
	struct sigaction action = { .sa_handler = on_signal };
	struct machine *m = machine_create(1);
	struct runner r;
	uint64_t left;

	OK(sigaction(SIGUSR1, &action, NULL));
	vcpu_start_main(m, 0, "count");
	runner_start(&r, m, 0);
	EXPECT_WITHIN(10, *counter_of(m) > 100);
	OK(vml_pause(m->ctx));
	left = stat_get(m, 0, "number of vm exits handled in userspace");
	OK(pthread_kill(r.thread, SIGUSR1));
	EXPECT_WITHIN(5, stat_get(m, 0, "number of vm exits handled in userspace") > left);
	EXPECT(!r.done);
}

/* Destruction does not wait for the end of a pause. */
TEST(linux_pause_destroy)
{
	struct machine *m = machine_create(1), *other = machine_open_again(m);
	struct runner r;
	uint64_t start;

	vcpu_start_main(m, 0, "count");
	runner_start(&r, m, 0);
	EXPECT_WITHIN(10, *counter_of(m) > 100);
	OK(vml_pause(other->ctx));
	start = now_ns();
	vm_destroy(other->ctx);
	EXPECT(now_ns() - start < 1500000000);
	runner_join(&r, 5);
}

/* --- VML_SET_CPUID, VML_GET_CPUID ------------------------------------------------------------ */

struct ask { uint32_t leaf, subleaf, regs[4]; };

static const uint32_t *guest_cpuid(struct machine *m, uint32_t leaf, uint32_t subleaf)
{
	struct ask *ask = (struct ask *)(m->mem + ASK_GPA);

	ask->leaf = leaf;
	ask->subleaf = subleaf;
	EXPECT_SYNC(m, 0, 1);
	return ask->regs;
}

/* What VML_GET_CPUID tells and what the guest reads is one. */
static void cpuid_compare(struct machine *m, uint32_t leaf, uint32_t subleaf)
{
	const uint32_t *regs = guest_cpuid(m, leaf, subleaf);
	uint32_t got[4];

	OK(vml_get_cpuid(m->vcpu[0], leaf, subleaf, got));
	for (int i = 0; i < 4; i++)
		if (got[i] != regs[i])
			FAIL("leaf %#x subleaf %u register %d: %#x, the guest reads %#x", leaf, subleaf, i, got[i], regs[i]);
}

TEST(linux_get_cpuid)
{
	struct machine *m = machine_create(1);
	uint32_t max;

	vcpu_start_main(m, 0, "ask_cpuid");
	max = guest_cpuid(m, 0, 0)[0];
	EXPECT(max >= 0xd);
	for (uint32_t leaf = 0; leaf <= max + 1; leaf++)
		for (uint32_t subleaf = 0; subleaf < 4; subleaf++)
			cpuid_compare(m, leaf, subleaf);
	max = guest_cpuid(m, 0x80000000, 0)[0];
	for (uint32_t leaf = 0x80000000; leaf <= max + 1; leaf++)
		cpuid_compare(m, leaf, 0);
	cpuid_compare(m, 0x40000000, 0);
	cpuid_compare(m, 0x40000100, 0);
}

TEST(linux_get_cpuid_no_vcpu)
{
	struct machine *m = machine_create_bare();
	struct vml_cpuid arg = { .size = sizeof(arg), .vcpuid = 1000 };

	EXPECT_ERRNO(vml(m, VML_GET_CPUID, &arg), EINVAL);
	arg.vcpuid = 0xffffffff;
	EXPECT_ERRNO(vml(m, VML_GET_CPUID, &arg), EINVAL);
	arg.vcpuid = 0;
	OK(vml(m, VML_GET_CPUID, &arg));
	arg.size = sizeof(arg) - 4;
	EXPECT_ERRNO(vml(m, VML_GET_CPUID, &arg), EINVAL);
}

#define KEEP_ALL	{ ~0u, ~0u, ~0u, ~0u }

TEST(linux_set_cpuid)
{
	const struct vml_cpuid_rule rules[] = {
		/* In order: the second sees what the first has left. */
		{ .leaf = 0x80000002, .keep = { 0, 0, 0, 0 }, .set = { 0x41414141, 1, 2, 4 } },
		{ .leaf = 0x80000002, .keep = { 0xff, ~0u, ~0u, ~0u }, .set = { 0x100, 0, 0, 3 } },
		/* A subleaf alone. */
		{ .leaf = 4, .subleaf = 9, .flags = VML_CPUID_SUBLEAF, .keep = KEEP_ALL, .set = { 0, 0, 0x77, 0 } },
		/* RDRAND away; APIC id and OSXSAVE are the vCPU's. */
		{ .leaf = 1, .keep = { ~0u, ~0u, ~(1u << 30), ~0u }, .set = { 0, 0xff000000, 1u << 27, 0 } },
	};
	struct machine *m = machine_create(1);
	const uint32_t *regs;

	OK(vml_set_cpuid(m->ctx, rules, 4));
	vcpu_start_main(m, 0, "ask_cpuid");
	regs = guest_cpuid(m, 0x80000002, 0);
	EXPECT_EQ(regs[0], 0x141);
	EXPECT_EQ(regs[1], 1);
	EXPECT_EQ(regs[2], 2);
	EXPECT_EQ(regs[3], 7);
	EXPECT_EQ(guest_cpuid(m, 4, 9)[2], 0x77);
	EXPECT(guest_cpuid(m, 4, 8)[2] != 0x77);
	regs = guest_cpuid(m, 1, 0);
	EXPECT_EQ(regs[1] >> 24, 0);
	EXPECT_EQ(regs[2] >> 27 & 1, 0);
	EXPECT_EQ(regs[2] >> 30 & 1, 0);
	cpuid_compare(m, 1, 0);
	cpuid_compare(m, 4, 9);
}

TEST(linux_set_cpuid_raises_the_highest)
{
	const struct vml_cpuid_rule rules[] = {
		{ .leaf = 0x33, .set = { 1, 2, 3, 4 } },
		{ .leaf = 0x80000123, .set = { 5, 6, 7, 8 } },
		{ .leaf = 0x40000003, .set = { 9, 0, 0, 0 } },
		{ .leaf = 0x40000201, .set = { 10, 0, 0, 0 } },
	};
	struct machine *m = machine_create(1);
	uint32_t regs[4];

	OK(vml_set_cpuid(m->ctx, rules, 4));
	OK(vml_get_cpuid(m->vcpu[0], 0, 0, regs));
	EXPECT_EQ(regs[0], 0x33);
	OK(vml_get_cpuid(m->vcpu[0], 0x33, 5, regs));
	EXPECT_EQ(regs[3], 4);
	/* Beyond it, the highest answers. */
	OK(vml_get_cpuid(m->vcpu[0], 0x34, 0, regs));
	EXPECT_EQ(regs[1], 2);
	OK(vml_get_cpuid(m->vcpu[0], 0x80000000, 0, regs));
	EXPECT_EQ(regs[0], 0x80000123);
	OK(vml_get_cpuid(m->vcpu[0], 0x80000123, 0, regs));
	EXPECT_EQ(regs[2], 7);
	OK(vml_get_cpuid(m->vcpu[0], 0x40000000, 0, regs));
	EXPECT_EQ(regs[0], 0x40000003);
	EXPECT_EQ(memcmp(&regs[1], "bhyve bhyve ", 12), 0);
	OK(vml_get_cpuid(m->vcpu[0], 0x40000003, 0, regs));
	EXPECT_EQ(regs[0], 9);
	OK(vml_get_cpuid(m->vcpu[0], 0x40000200, 0, regs));
	EXPECT_EQ(regs[0], 0x40000201);
	OK(vml_get_cpuid(m->vcpu[0], 0x40000201, 0, regs));
	EXPECT_EQ(regs[0], 10);
	/* Rules come in place of others. */
	OK(vml_set_cpuid(m->ctx, NULL, 0));
	OK(vml_get_cpuid(m->vcpu[0], 0x40000201, 0, regs));
	EXPECT_EQ(regs[0], 0x40000000);
}

TEST(linux_set_cpuid_errors)
{
	struct vml_cpuid_rule rule = { .leaf = 2, .flags = 2 };
	struct vml_cpuid_rule *many = calloc(VML_CPUID_RULES_MAX + 1, sizeof(*many));
	struct vml_cpuid_policy arg = { .size = sizeof(arg), .count = 1, .rules = 1 };
	struct machine *m = machine_create(1);
	uint32_t before[4], after[4];

	OK(vml_get_cpuid(m->vcpu[0], 2, 0, before));
	EXPECT_ERRNO(vml_set_cpuid(m->ctx, &rule, 1), EOPNOTSUPP);
	rule.flags = 0;
	rule.reserved = 1;
	EXPECT_ERRNO(vml_set_cpuid(m->ctx, &rule, 1), EOPNOTSUPP);
	EXPECT_ERRNO(vml(m, VML_SET_CPUID, &arg), EFAULT);
	arg.reserved = 1;
	EXPECT_ERRNO(vml(m, VML_SET_CPUID, &arg), EOPNOTSUPP);
	EXPECT_ERRNO(vml_set_cpuid(m->ctx, many, VML_CPUID_RULES_MAX + 1), E2BIG);
	OK(vml_get_cpuid(m->vcpu[0], 2, 0, after));
	EXPECT_EQ(memcmp(before, after, sizeof(before)), 0);
	OK(vml_set_cpuid(m->ctx, many, VML_CPUID_RULES_MAX));
	OK(vml_set_cpuid(m->ctx, NULL, 0));
	vcpu_start_main(m, 0, "ask_cpuid");
	EXPECT_SYNC(m, 0, 1);
	EXPECT_ERRNO(vml_set_cpuid(m->ctx, NULL, 0), EBUSY);
}

/* --- VML_SET_FEATURES -------------------------------------------------------------------------- */

TEST(linux_features)
{
	struct machine *m = machine_create(1);
	struct vml_info info;

	OK(vml_info(m->ctx, &info));
	EXPECT(info.features & VML_FEATURE_WIDE_CPUID);
	EXPECT_EQ(info.features_on, 0);
	EXPECT_ERRNO(vml_set_features(m->ctx, 1ull << 63), EOPNOTSUPP);
	OK(vml_set_features(m->ctx, info.features));
	OK(vml_info(m->ctx, &info));
	EXPECT_EQ(info.features_on, info.features);
	OK(vml_set_features(m->ctx, 0));
	OK(vml_info(m->ctx, &info));
	EXPECT_EQ(info.features_on, 0);
	vcpu_start_main(m, 0, "ask_cpuid");
	EXPECT_SYNC(m, 0, 1);
	EXPECT_ERRNO(vml_set_features(m->ctx, info.features), EBUSY);
}

TEST(linux_wide_cpuid)
{
	struct machine *m = machine_create(1);
	uint32_t narrow[4], wide[4], host[4];

	OK(vml_get_cpuid(m->vcpu[0], 7, 0, narrow));
	OK(vml_set_features(m->ctx, VML_FEATURE_WIDE_CPUID));
	OK(vml_get_cpuid(m->vcpu[0], 7, 0, wide));
	__cpuid_count(7, 0, host[0], host[1], host[2], host[3]);
	for (int i = 1; i < 4; i++) {
		/* More, and nothing that the host has not. */
		EXPECT_EQ(narrow[i] & ~wide[i], 0);
		EXPECT_EQ(wide[i] & ~host[i], 0);
	}
	/* ADX and CLFLUSHOPT as the host. */
	EXPECT_EQ(wide[1] >> 19 & 1, host[1] >> 19 & 1);
	EXPECT_EQ(wide[1] >> 23 & 1, host[1] >> 23 & 1);
	EXPECT_EQ(narrow[1] >> 19 & 1, 0);
}

/* UMIP needs more than a bit in CPUID. */
static bool guest_has_umip(uint64_t features)
{
	struct machine *m = machine_create(1);

	OK(vml_set_features(m->ctx, features));
	vcpu_start_main(m, 0, "umip");
	EXPECT_PASS(m, 0);
	EXPECT_EQ(m->value_count, 1);
	return m->values[0];
}

TEST(linux_wide_umip)
{
	uint32_t host[4];

	__cpuid_count(7, 0, host[0], host[1], host[2], host[3]);
	EXPECT(!guest_has_umip(0));
	EXPECT_EQ(guest_has_umip(VML_FEATURE_WIDE_CPUID), host[2] >> 2 & 1);
	if (!(host[2] >> 2 & 1))
		test_skip("the host has no UMIP");
}

/* PKRU is the guest's in the guest and the thread's in the thread, whatever either writes. */
TEST(linux_wide_pku)
{
	struct machine *m = machine_create(1);
	uint32_t host[4], pkru;

	__cpuid_count(7, 0, host[0], host[1], host[2], host[3]);
	vcpu_start_main(m, 0, "pku");
	EXPECT_PASS(m, 0);
	EXPECT_EQ(m->values[0], 0);
	if (!(host[2] >> 4 & 1))
		test_skip("the host has no PKU, or its kernel does not use it");
	m = machine_create(1);
	OK(vml_set_features(m->ctx, VML_FEATURE_WIDE_CPUID));
	vcpu_start_main(m, 0, "pku");
	for (uint32_t i = 1; i <= 3; i++) {
		pkru = 0x55555554 ^ i << 4;
		asm volatile("wrpkru" : : "a"(pkru), "c"(0), "d"(0) : "memory");
		EXPECT_SYNC(m, 0, i);
		EXPECT_EQ(host_pkru(), pkru);
	}
	EXPECT_PASS(m, 0);
	EXPECT_EQ(m->values[0], 1);
}

/* --- VML_IRQFD -------------------------------------------------------------------------------- */

#define MSI_ADDR	0xfee00000ull

static int eventfd_new(void)
{
	int fd = eventfd(0, EFD_NONBLOCK);

	EXPECT(fd >= 0);
	return fd;
}

static void kick(int fd)
{
	uint64_t one = 1;

	EXPECT_EQ(write(fd, &one, sizeof(one)), sizeof(one));
}

/* What it has counted, taken away. */
static uint64_t eventfd_take(int fd)
{
	uint64_t count = 0;

	if (read(fd, &count, sizeof(count)) < 0)
		EXPECT_EQ(errno, EAGAIN);
	return count;
}

/* A guest in HLT that counts interrupts; LEVEL: of a level-triggered pin. */
static struct machine *lines_start(struct runner *r, bool level)
{
	struct machine *m = machine_create(1);

	m->input = level;
	vcpu_start_main(m, 0, "lines");
	EXPECT_SYNC(m, 0, 1);
	runner_start(r, m, 0);
	return m;
}

TEST(linux_irqfd_pin)
{
	struct runner r;
	struct machine *m = lines_start(&r, false);
	int fd = eventfd_new();

	OK(vml_irqfd(m->ctx, fd, LINE_PIN, -1));
	for (uint64_t i = 1; i <= 50; i++) {
		kick(fd);
		EXPECT_WITHIN(10, *counter_of(m) == i);
		/* The count has been taken. */
		EXPECT_EQ(eventfd_take(fd), 0);
	}
	OK(vml_irqfd_deassign(m->ctx, fd, LINE_PIN));
	kick(fd);
	usleep(50000);
	EXPECT_EQ(*counter_of(m), 50);
	EXPECT_EQ(eventfd_take(fd), 1);
}

TEST(linux_irqfd_msi)
{
	struct runner r;
	struct machine *m = lines_start(&r, false);
	int fd = eventfd_new();

	OK(vml_irqfd_msi(m->ctx, fd, MSI_ADDR, LINE_VECTOR));
	for (uint64_t i = 1; i <= 20; i++) {
		kick(fd);
		EXPECT_WITHIN(10, *counter_of(m) == i);
	}
	/* By what it was assigned with. */
	EXPECT_ERRNO(vml_irqfd_deassign(m->ctx, fd, LINE_PIN), ENOENT);
	EXPECT_ERRNO(vml_irqfd_msi_deassign(m->ctx, fd, MSI_ADDR, LINE_VECTOR + 1), ENOENT);
	OK(vml_irqfd_msi_deassign(m->ctx, fd, MSI_ADDR, LINE_VECTOR));
	EXPECT_ERRNO(vml_irqfd_msi_deassign(m->ctx, fd, MSI_ADDR, LINE_VECTOR), ENOENT);
}

/* What has been written before counts. */
TEST(linux_irqfd_written_before)
{
	struct runner r;
	struct machine *m = lines_start(&r, false);
	int fd = eventfd_new();

	kick(fd);
	kick(fd);
	OK(vml_irqfd(m->ctx, fd, LINE_PIN, -1));
	EXPECT_WITHIN(10, *counter_of(m) == 1);
	EXPECT_EQ(eventfd_take(fd), 0);
}

TEST(linux_irqfd_resample)
{
	struct runner r;
	struct machine *m = lines_start(&r, true);
	int fd = eventfd_new(), resample = eventfd_new(), resampled = 0;

	OK(vml_irqfd(m->ctx, fd, LINE_PIN, resample));
	for (int i = 1; i <= 20; i++) {
		kick(fd);
		EXPECT_WITHIN(10, (resampled += (int)eventfd_take(resample)) == i);
		EXPECT_EQ(*counter_of(m), i);
	}
	/* Down again each time: no more than that. */
	usleep(50000);
	EXPECT_EQ(*counter_of(m), 20);
	EXPECT_EQ(eventfd_take(resample), 0);
	OK(vml_irqfd_deassign(m->ctx, fd, LINE_PIN));
}

/* A level that user space asserts as well stays up behind the EOI. */
TEST(linux_irqfd_resample_shared_level)
{
	struct runner r;
	struct machine *m = lines_start(&r, true);
	int fd = eventfd_new(), resample = eventfd_new();
	uint64_t seen;

	OK(vml_irqfd(m->ctx, fd, LINE_PIN, resample));
	OK(vm_ioapic_assert_irq(m->ctx, LINE_PIN));
	kick(fd);
	EXPECT_WITHIN(10, eventfd_take(resample) == 1);
	EXPECT_WITHIN(10, *counter_of(m) > 5);
	OK(vm_ioapic_deassert_irq(m->ctx, LINE_PIN));
	usleep(100000);
	seen = *counter_of(m);
	usleep(100000);
	EXPECT_EQ(*counter_of(m), seen);
	EXPECT_EQ(eventfd_take(resample), 0);
}

TEST(linux_irqfd_errors)
{
	struct machine *m = machine_create(1);
	int fd = eventfd_new(), other = eventfd_new(), no_eventfd = dup(1);
	struct vml_irqfd arg = { .size = sizeof(arg), .fd = fd, .gsi = 5, .reserved = 1 };

	EXPECT_ERRNO(vml_irqfd(m->ctx, -1, 5, -1), EBADF);
	EXPECT_ERRNO(vml_irqfd(m->ctx, 1000, 5, -1), EBADF);
	EXPECT_ERRNO(vml_irqfd(m->ctx, no_eventfd, 5, -1), EINVAL);
	EXPECT_ERRNO(vml_irqfd(m->ctx, fd, 5, 1000), EBADF);
	EXPECT_ERRNO(vml_irqfd(m->ctx, fd, 5, no_eventfd), EINVAL);
	EXPECT_ERRNO(vml_irqfd(m->ctx, fd, 5, fd), EINVAL);
	EXPECT_ERRNO(vml_irqfd(m->ctx, fd, 32, -1), EINVAL);
	EXPECT_ERRNO(vml_irqfd_msi(m->ctx, fd, 0xfed00000, 0x41), EINVAL);
	EXPECT_ERRNO(vml(m, VML_IRQFD, &arg), EOPNOTSUPP);
	arg.reserved = 0;
	arg.flags = 0x8;
	EXPECT_ERRNO(vml(m, VML_IRQFD, &arg), EOPNOTSUPP);
	arg.flags = VML_IRQFD_MSI | VML_IRQFD_RESAMPLE;
	arg.msi_addr = MSI_ADDR;
	arg.resample_fd = other;
	EXPECT_ERRNO(vml(m, VML_IRQFD, &arg), EINVAL);
	EXPECT_ERRNO(vml_irqfd_deassign(m->ctx, fd, 5), ENOENT);
	OK(vml_irqfd(m->ctx, fd, 5, -1));
	EXPECT_ERRNO(vml_irqfd(m->ctx, fd, 5, -1), EBUSY);
	EXPECT_ERRNO(vml_irqfd_deassign(m->ctx, fd, 6), ENOENT);
	EXPECT_ERRNO(vml_irqfd_deassign(m->ctx, other, 5), ENOENT);
	OK(vml_irqfd_deassign(m->ctx, fd, 5));
}

/* Of both kinds together; what is closed makes room. */
TEST_TIMED(linux_eventfds_max, 120)
{
	struct rlimit limit = { VML_EVENTFDS_MAX + 64, VML_EVENTFDS_MAX + 64 };
	struct machine *m = machine_create_bare();
	static int fds[VML_EVENTFDS_MAX + 1];

	OK(setrlimit(RLIMIT_NOFILE, &limit));
	for (int i = 0; i <= VML_EVENTFDS_MAX; i++)
		fds[i] = eventfd_new();
	for (int i = 0; i < VML_EVENTFDS_MAX / 2; i++)
		OK(vml_irqfd(m->ctx, fds[i], i % 32, -1));
	for (int i = VML_EVENTFDS_MAX / 2; i < VML_EVENTFDS_MAX; i++)
		OK(vml_ioeventfd(m->ctx, fds[i], 0, 0xd0000000 + 4 * i, 4, 0));
	EXPECT_ERRNO(vml_irqfd(m->ctx, fds[VML_EVENTFDS_MAX], 3, -1), ENOSPC);
	EXPECT_ERRNO(vml_ioeventfd(m->ctx, fds[VML_EVENTFDS_MAX], 0, 0xd0000000, 4, 0), ENOSPC);
	close(fds[0]);
	EXPECT_WITHIN(10, vml_irqfd(m->ctx, fds[VML_EVENTFDS_MAX], 3, -1) == 0);
}

/* Closing, taking back and the VM's end, all at once with writers. */
static volatile int storm_over;

static void *storm_write(void *arg)
{
	uint64_t one = 1;

	while (!storm_over)
		if (write(*(int *)arg, &one, sizeof(one)) < 0)
			usleep(100);
	return NULL;
}

TEST_TIMED(linux_irqfd_storm, 120)
{
	pthread_t writers[2];
	int kept[2];

	kept[0] = eventfd_new();
	kept[1] = eventfd_new();
	for (int i = 0; i < 2; i++)
		OK(pthread_create(&writers[i], NULL, storm_write, &kept[i]));
	for (int round = 0; round < 10; round++) {
		struct runner r;
		struct machine *m = lines_start(&r, true), *other = machine_open_again(m);

		for (int i = 0; i < 30; i++) {
			int fd = eventfd_new(), resample = eventfd_new();

			OK(vml_irqfd_msi(m->ctx, kept[0], MSI_ADDR, LINE_VECTOR));
			OK(vml_irqfd(m->ctx, kept[1], LINE_PIN, resample));
			OK(vml_irqfd(m->ctx, fd, LINE_PIN, resample));
			kick(fd);
			close(i & 1 ? fd : resample);
			OK(vml_irqfd_msi_deassign(m->ctx, kept[0], MSI_ADDR, LINE_VECTOR));
			OK(vml_irqfd_deassign(m->ctx, kept[1], LINE_PIN));
			close(i & 1 ? resample : fd);
		}
		OK(vml_irqfd(m->ctx, kept[0], LINE_PIN, kept[1]));
		vm_destroy(other->ctx);
		runner_join(&r, 5);
	}
	storm_over = 1;
	for (int i = 0; i < 2; i++)
		pthread_join(writers[i], NULL);
}

/* --- VML_IOEVENTFD ------------------------------------------------------------------------------ */

TEST(linux_ioeventfd)
{
	int any = eventfd_new(), seven = eventfd_new(), wide = eventfd_new(), port = eventfd_new(), byte = eventfd_new();
	struct machine *m = machine_create(1);
	uint64_t left;

	OK(vml_ioeventfd(m->ctx, any, 0, DOORBELL_GPA, 4, 0));
	OK(vml_ioeventfd(m->ctx, seven, VML_IOEVENTFD_DATAMATCH, DOORBELL_GPA, 4, 7));
	OK(vml_ioeventfd(m->ctx, wide, VML_IOEVENTFD_DATAMATCH, DOORBELL_GPA + 8, 8, 0x1122334455667788));
	OK(vml_ioeventfd(m->ctx, port, VML_IOEVENTFD_PIO | VML_IOEVENTFD_DATAMATCH, DOORBELL_PORT, 2, 3));
	OK(vml_ioeventfd(m->ctx, byte, VML_IOEVENTFD_PIO, DOORBELL_PORT + 4, 0, 0));
	vcpu_start_main(m, 0, "doorbells");
	EXPECT_SYNC(m, 0, 1);
	left = stat_get(m, 0, "number of vm exits handled in userspace");
	EXPECT_SYNC(m, 0, 2);
	/* Not 600 times; signals and the scheduler may bring it out. */
	EXPECT(stat_get(m, 0, "number of vm exits handled in userspace") - left < 6 * DOORBELL_ROUNDS / 2);
	EXPECT_EQ(eventfd_take(any), 2 * DOORBELL_ROUNDS);
	EXPECT_EQ(eventfd_take(seven), DOORBELL_ROUNDS);
	EXPECT_EQ(eventfd_take(wide), DOORBELL_ROUNDS);
	EXPECT_EQ(eventfd_take(port), DOORBELL_ROUNDS);
	EXPECT_EQ(eventfd_take(byte), 2 * DOORBELL_ROUNDS);
}

/* Another value, another width, a read: out of VM_RUN as without any eventfd. */
TEST(linux_ioeventfd_others_come_out)
{
	int seven = eventfd_new(), port = eventfd_new();
	struct machine *m = machine_create(1);
	struct vm_exit exit;

	OK(vml_ioeventfd(m->ctx, seven, VML_IOEVENTFD_DATAMATCH, DOORBELL_GPA, 4, 7));
	OK(vml_ioeventfd(m->ctx, port, VML_IOEVENTFD_PIO | VML_IOEVENTFD_DATAMATCH, DOORBELL_PORT, 2, 3));
	vcpu_start_main(m, 0, "doorbells_unwanted");
	for (int i = 0; i < 3; i++) {
		exit = EXPECT_EXIT(m, 0, VM_EXITCODE_INST_EMUL);
		EXPECT_EQ(exit.u.inst_emul.gpa, DOORBELL_GPA);
	}
	exit = EXPECT_EXIT(m, 0, VM_EXITCODE_INOUT);
	EXPECT_EQ(exit.u.inout.port, DOORBELL_PORT);
	EXPECT_EQ(exit.u.inout.eax & 0xffff, 4);
	exit = EXPECT_EXIT(m, 0, VM_EXITCODE_INOUT);
	EXPECT(exit.u.inout.in);
	EXPECT_EQ(eventfd_take(seven), 0);
	EXPECT_EQ(eventfd_take(port), 0);
}

TEST(linux_ioeventfd_deassign)
{
	struct machine *m = machine_create(1);
	int fd = eventfd_new(), other = eventfd_new();

	OK(vml_ioeventfd(m->ctx, fd, 0, DOORBELL_GPA, 4, 0));
	EXPECT_ERRNO(vml_ioeventfd(m->ctx, other, VML_IOEVENTFD_DEASSIGN, DOORBELL_GPA, 4, 0), ENOENT);
	EXPECT_ERRNO(vml_ioeventfd(m->ctx, fd, VML_IOEVENTFD_DEASSIGN, DOORBELL_GPA, 8, 0), ENOENT);
	OK(vml_ioeventfd(m->ctx, fd, VML_IOEVENTFD_DEASSIGN, DOORBELL_GPA, 4, 0));
	EXPECT_ERRNO(vml_ioeventfd(m->ctx, fd, VML_IOEVENTFD_DEASSIGN, DOORBELL_GPA, 4, 0), ENOENT);
	vcpu_start_main(m, 0, "doorbells");
	EXPECT_SYNC(m, 0, 1);
	EXPECT_EXIT(m, 0, VM_EXITCODE_INST_EMUL);
	EXPECT_EQ(eventfd_take(fd), 0);
}

TEST(linux_ioeventfd_errors)
{
	static const uint32_t bad_lengths[] = { 3, 5, 6, 7, 9, 16, 0x80000000 };
	struct machine *m = machine_create(1);
	int fd = eventfd_new(), other = eventfd_new(), no_eventfd = dup(1);
	const uint32_t pio = VML_IOEVENTFD_PIO, match = VML_IOEVENTFD_DATAMATCH;

	EXPECT_ERRNO(vml_ioeventfd(m->ctx, 1000, 0, DOORBELL_GPA, 4, 0), EBADF);
	EXPECT_ERRNO(vml_ioeventfd(m->ctx, no_eventfd, 0, DOORBELL_GPA, 4, 0), EINVAL);
	for (unsigned int i = 0; i < sizeof(bad_lengths) / sizeof(*bad_lengths); i++)
		EXPECT_ERRNO(vml_ioeventfd(m->ctx, fd, 0, DOORBELL_GPA, bad_lengths[i], 0), EINVAL);
	EXPECT_ERRNO(vml_ioeventfd(m->ctx, fd, pio, DOORBELL_PORT, 8, 0), EINVAL);
	EXPECT_ERRNO(vml_ioeventfd(m->ctx, fd, pio, 0xffff, 2, 0), EINVAL);
	EXPECT_ERRNO(vml_ioeventfd(m->ctx, fd, pio, 0x10000, 0, 0), EINVAL);
	EXPECT_ERRNO(vml_ioeventfd(m->ctx, fd, 0, ~0ull, 2, 0), EINVAL);
	EXPECT_ERRNO(vml_ioeventfd(m->ctx, fd, match, DOORBELL_GPA, 0, 0), EINVAL);
	EXPECT_ERRNO(vml_ioeventfd(m->ctx, fd, match, DOORBELL_GPA, 2, 0x10000), EINVAL);
	EXPECT_ERRNO(vml_ioeventfd(m->ctx, fd, 0x8, DOORBELL_GPA, 4, 0), EOPNOTSUPP);
	/* A chip in the kernel: the 8259, the HPET. */
	EXPECT_ERRNO(vml_ioeventfd(m->ctx, fd, pio, 0x20, 1, 0), EEXIST);
	EXPECT_ERRNO(vml_ioeventfd(m->ctx, fd, 0, 0xfed00010, 4, 0), EEXIST);
	OK(vml_ioeventfd(m->ctx, fd, pio, 0xffff, 1, 0));
	OK(vml_ioeventfd(m->ctx, fd, 0, DOORBELL_GPA, 4, 0));
	EXPECT_ERRNO(vml_ioeventfd(m->ctx, other, 0, DOORBELL_GPA, 4, 0), EEXIST);
	OK(vml_ioeventfd(m->ctx, other, match, DOORBELL_GPA, 4, 1));
	OK(vml_ioeventfd(m->ctx, other, match, DOORBELL_GPA, 4, 2));
	EXPECT_ERRNO(vml_ioeventfd(m->ctx, fd, match, DOORBELL_GPA, 4, 2), EEXIST);
}

/* --- VML_DIRTY_LOG ------------------------------------------------------------------------------- */

#define DIRTY_BYTES	(DIRTY_PAGES * 4096ul)

/* Pages of 4 KiB, for the segment is too short for larger ones. */
static uint8_t *dirty_memory(struct machine *m)
{
	uint8_t *mem = vm_create_devmem(m->ctx, VM_BOOTROM, "dirty", DIRTY_BYTES);

	EXPECT(mem != MAP_FAILED);
	OK(vm_mmap_memseg(m->ctx, DIRTY_GPA, VM_BOOTROM, 0, DIRTY_BYTES, VM_PROT_ALL));
	return mem;
}

static uint64_t dirty_take(struct machine *m, uint32_t flags, uint8_t bitmap[DIRTY_PAGES / 8])
{
	uint64_t pages, bits = 0;

	memset(bitmap, 0xff, DIRTY_PAGES / 8);
	OK(vml_dirty_log(m->ctx, DIRTY_GPA, DIRTY_BYTES, flags, bitmap, &pages));
	for (int i = 0; i < DIRTY_PAGES / 8; i++)
		bits += (uint64_t)__builtin_popcount(bitmap[i]);
	EXPECT_EQ(bits, pages);
	return pages;
}

static void expect_strided(const uint8_t *bitmap)
{
	for (int i = 0; i < DIRTY_PAGES; i++)
		if ((bitmap[i / 8] >> i % 8 & 1) != (i % DIRTY_STRIDE == 0))
			FAIL("page %d: dirty %d", i, bitmap[i / 8] >> i % 8 & 1);
}

/* --- VML_RUN -------------------------------------------------------------------------- */

/* Until it is something that the guest does. */
static void answer(struct machine *m, struct vm_exit *exit, int reg, uint64_t val)
{
	struct vm_run run = { .vm_exit = exit };

	OK(vml_run(m->vcpu[0], &run, reg, val));
	while (exit->exitcode == VM_EXITCODE_BOGUS || exit->exitcode == VM_EXITCODE_REQIDLE)
		OK(vcpu_run_once(m, 0, exit));
}

TEST(linux_run)
{
	struct machine *m = machine_create(1);
	struct vm_exit exit;

	vcpu_start_main(m, 0, "answers");
	exit = EXPECT_EXIT(m, 0, VM_EXITCODE_INOUT);
	for (unsigned int i = 0; i < ANSWER_ROUNDS; i++) {
		EXPECT_EQ(exit.exitcode, VM_EXITCODE_INOUT);
		EXPECT_EQ(exit.u.inout.port, ANSWER_PORT);
		answer(m, &exit, VM_REG_GUEST_RAX, ANSWER(i));
	}
	EXPECT_EQ(exit.exitcode, VM_EXITCODE_INST_EMUL);
	EXPECT_EQ(exit.u.inst_emul.gpa, DOORBELL_GPA);
	answer(m, &exit, VM_REG_GUEST_RAX, 0x55667788);
	EXPECT_EQ(exit.exitcode, VM_EXITCODE_INOUT);
	EXPECT_EQ(exit.u.inout.port, PORT_SYNC);
}

/* The errors of VM_SET_REGISTER change nothing; those of VM_RUN come after it. */
TEST(linux_run_errors)
{
	struct machine *m = machine_create(1);
	struct vm_exit exit;
	struct vml_run arg = {
		.size = sizeof(arg), .flags = VML_RUN_SET_REGISTER, .regnum = VM_REG_GUEST_R15, .regval = 5,
		.vm_exit = (uintptr_t)&exit,
	};

	vcpu_start_main(m, 0, "answers");
	reg_set(m, 0, VM_REG_GUEST_R15, 1);
	arg.flags = 2;
	EXPECT_ERRNO(vml(m, VML_RUN, &arg), EOPNOTSUPP);
	arg.flags = VML_RUN_SET_REGISTER;
	arg.regnum = VM_REG_LAST;
	EXPECT_ERRNO(vml(m, VML_RUN, &arg), EINVAL);
	arg.regnum = ~0u;
	EXPECT_ERRNO(vml(m, VML_RUN, &arg), EINVAL);
	arg.regnum = VM_REG_GUEST_R15;
	arg.vcpuid = 1;					/* not active */
	EXPECT_ERRNO(vml(m, VML_RUN, &arg), EINVAL);
	arg.vcpuid = 0x7fffffff;
	EXPECT_ERRNO(vml(m, VML_RUN, &arg), EINVAL);
	arg.vcpuid = 0;
	arg.size = sizeof(arg) - 8;
	EXPECT_ERRNO(vml(m, VML_RUN, &arg), EINVAL);
	arg.size = sizeof(arg);
	EXPECT_EQ(reg_get(m, 0, VM_REG_GUEST_R15), 1);
	OK(vm_suspend(m->ctx, VM_SUSPEND_POWEROFF));
	arg.vm_exit = 8;
	EXPECT_ERRNO(vml(m, VML_RUN, &arg), EFAULT);
	EXPECT_EQ(reg_get(m, 0, VM_REG_GUEST_R15), 5);
}

TEST(linux_dirty_log)
{
	struct machine *m = machine_create(1);
	uint8_t *mem = dirty_memory(m), bitmap[DIRTY_PAGES / 8];
	const uint64_t strided = (DIRTY_PAGES + DIRTY_STRIDE - 1) / DIRTY_STRIDE;

	vcpu_start_main(m, 0, "dirty");
	EXPECT_SYNC(m, 0, 1);
	EXPECT_EQ(dirty_take(m, 0, bitmap), 0);
	/* Programs' writes are not counted. */
	mem[3 * 4096] = 1;
	EXPECT_EQ(pwrite(vm_get_device_fd(m->ctx), "x", 1, DIRTY_GPA + 4 * 4096), 1);
	EXPECT_EQ(dirty_take(m, 0, bitmap), 0);
	EXPECT_SYNC(m, 0, 2);
	/* Asking alone changes nothing. */
	EXPECT_EQ(dirty_take(m, 0, bitmap), strided);
	expect_strided(bitmap);
	EXPECT_EQ(dirty_take(m, VML_DIRTY_CLEAR, bitmap), strided);
	expect_strided(bitmap);
	EXPECT_EQ(dirty_take(m, VML_DIRTY_CLEAR, bitmap), 0);
	/* The emulator's. */
	EXPECT_SYNC(m, 0, 3);
	EXPECT_EQ(dirty_take(m, VML_DIRTY_CLEAR, bitmap), 1);
	EXPECT_EQ(bitmap[0], 1 << 5);
	/* A page that the processor has known as dirty is written again. */
	EXPECT_SYNC(m, 0, 4);
	EXPECT_EQ(dirty_take(m, VML_DIRTY_CLEAR, bitmap), 2);
	EXPECT_EQ(bitmap[0], 1 << 5 | 1);
}

/* With a part of the range, and with bytes that are not full. */
TEST(linux_dirty_log_range)
{
	struct machine *m = machine_create(1);
	uint8_t bitmap[3] = { 0xff, 0xff, 0xff };
	uint64_t pages;

	dirty_memory(m);
	vcpu_start_main(m, 0, "dirty");
	EXPECT_SYNC(m, 0, 1);
	EXPECT_SYNC(m, 0, 2);
	/* Pages 6 to 15, of which 7 and 14 are dirty. */
	OK(vml_dirty_log(m->ctx, DIRTY_GPA + 6 * 4096, 10 * 4096, VML_DIRTY_CLEAR, bitmap, &pages));
	EXPECT_EQ(pages, 2);
	EXPECT_EQ(bitmap[0], 1 << 1);
	EXPECT_EQ(bitmap[1], 1 << 0);
	EXPECT_EQ(bitmap[2], 0xff);
	/* The others are so still, and holes never. */
	OK(vml_dirty_log(m->ctx, DIRTY_GPA - 8 * 4096, 16 * 4096, 0, bitmap, &pages));
	EXPECT_EQ(pages, 1);
	EXPECT_EQ(bitmap[0], 0);
	EXPECT_EQ(bitmap[1], 1);
}

/* Whatever the guest writes beside: with what the log tells, a copy is kept that is right in the end. */
TEST_TIMED(linux_dirty_log_loses_nothing, 120)
{
	struct machine *m = machine_create(2);
	uint8_t *mem = dirty_memory(m), *copy = calloc(1, DIRTY_BYTES), bitmap[DIRTY_PAGES / 8];
	struct runner r[2];
	uint64_t told = 0;
	bool last = false;

	for (int i = 0; i < 2; i++) {
		vcpu_start_main(m, i, "dirty_storm");
		runner_start(&r[i], m, i);
	}
	/* 300 rounds, and more where the guest hardly got to run in them. */
	for (int round = 1; !last; round++) {
		last = round >= 300 && told > 300;
		if (round > 300)
			usleep(1000);
		if (last) {
			*(volatile uint32_t *)(m->mem + ASK_GPA) = 1;
			runner_join(&r[0], 10);
			runner_join(&r[1], 10);
		}
		told += dirty_take(m, VML_DIRTY_CLEAR, bitmap);
		for (int i = 0; i < DIRTY_PAGES; i++)
			if (bitmap[i / 8] >> i % 8 & 1)
				memcpy(copy + i * 4096, mem + i * 4096, 4096);
	}
	EXPECT_EQ(memcmp(copy, mem, DIRTY_BYTES), 0);
	EXPECT_EQ(dirty_take(m, 0, bitmap), 0);
}

/* Pages of a larger mapping are dirty together, and clean when all were told. */
TEST(linux_dirty_log_large)
{
	struct machine *m = machine_create(1);
	static uint8_t bitmap[512 / 8], part[1];
	uint64_t pages, again;

	vcpu_start_main(m, 0, "dirty_large");
	EXPECT_PASS(m, 0);
	OK(vml_dirty_log(m->ctx, LARGE_GPA, 512 * 4096, 0, bitmap, &pages));
	EXPECT(bitmap[0] & 1 << 7);
	EXPECT(pages == 1 || pages == 512);
	OK(vml_dirty_log(m->ctx, LARGE_GPA, 8 * 4096, VML_DIRTY_CLEAR, part, &again));
	EXPECT_EQ(again, pages == 1 ? 1 : 8);
	OK(vml_dirty_log(m->ctx, LARGE_GPA, 512 * 4096, VML_DIRTY_CLEAR, bitmap, &again));
	EXPECT_EQ(again, pages == 1 ? 0 : 512);
	OK(vml_dirty_log(m->ctx, LARGE_GPA, 512 * 4096, 0, bitmap, &again));
	EXPECT_EQ(again, 0);
	if (pages == 1)
		test_skip("the host has not given a page of 2 MiB");
}

TEST(linux_dirty_log_errors)
{
	struct machine *m = machine_create(1);
	uint8_t bitmap[DIRTY_PAGES / 8];
	const uint64_t strided = (DIRTY_PAGES + DIRTY_STRIDE - 1) / DIRTY_STRIDE;

	dirty_memory(m);
	EXPECT_ERRNO(vml_dirty_log(m->ctx, 1, 4096, 0, bitmap, NULL), EINVAL);
	EXPECT_ERRNO(vml_dirty_log(m->ctx, 0, 4095, 0, bitmap, NULL), EINVAL);
	EXPECT_ERRNO(vml_dirty_log(m->ctx, 0, 0, 0, bitmap, NULL), EINVAL);
	EXPECT_ERRNO(vml_dirty_log(m->ctx, -4096ull, 8192, 0, bitmap, NULL), EINVAL);
	EXPECT_ERRNO(vml_dirty_log(m->ctx, 0, (1ull << 40) + 4096, 0, bitmap, NULL), EINVAL);
	EXPECT_ERRNO(vml_dirty_log(m->ctx, 0, 4096, 2, bitmap, NULL), EOPNOTSUPP);
	OK(vml_dirty_log(m->ctx, 1ull << 50, 8 * 4096, VML_DIRTY_CLEAR, bitmap, NULL));
	EXPECT_EQ(bitmap[0], 0);
	/* What could not be told is told next time. */
	vcpu_start_main(m, 0, "dirty");
	EXPECT_SYNC(m, 0, 1);
	EXPECT_SYNC(m, 0, 2);
	EXPECT_ERRNO(vml_dirty_log(m->ctx, DIRTY_GPA, DIRTY_BYTES, VML_DIRTY_CLEAR, NULL, NULL), EFAULT);
	EXPECT_EQ(dirty_take(m, VML_DIRTY_CLEAR, bitmap), strided);
	expect_strided(bitmap);
}

/* --- VML_FEATURE_PVCLOCK -------------------------------------------------------------------------- */

static struct machine *pvclock_machine(int vcpus)
{
	struct machine *m = machine_create(vcpus);
	struct vml_info info;

	OK(vml_info(m->ctx, &info));
	if (!(info.features & VML_FEATURE_PVCLOCK))
		test_skip("the host's TSC is not good enough");
	OK(vml_set_features(m->ctx, VML_FEATURE_PVCLOCK));
	return m;
}

TEST(linux_pvclock_cpuid)
{
	struct machine *m = pvclock_machine(1);
	uint32_t regs[4];

	OK(vml_get_cpuid(m->vcpu[0], 0x40000000, 0, regs));
	EXPECT_EQ(memcmp(&regs[1], "bhyve bhyve ", 12), 0);
	OK(vml_get_cpuid(m->vcpu[0], 0x40000100, 0, regs));
	EXPECT_EQ(regs[0], 0x40000101);
	EXPECT_EQ(memcmp(&regs[1], "KVMKVMKVM\0\0\0", 12), 0);
	OK(vml_get_cpuid(m->vcpu[0], 0x40000101, 0, regs));
	EXPECT_EQ(regs[0], 1u << 3 | 1u << 24);
	OK(vml_set_features(m->ctx, 0));
	OK(vml_get_cpuid(m->vcpu[0], 0x40000100, 0, regs));
	EXPECT_EQ(memcmp(&regs[1], "bhyve bhyve ", 12), 0);
}

/* Off, the MSRs are nobody's in the kernel. */
TEST(linux_pvclock_off)
{
	struct machine *m = machine_create(1);
	struct vm_exit exit;

	vcpu_start_main(m, 0, "pvclock_absent");
	exit = EXPECT_EXIT(m, 0, VM_EXITCODE_RDMSR);
	EXPECT_EQ(exit.u.msr.code, 0x4b564d01);
}

/* The guest's next time. */
static uint64_t pvclock_next(struct machine *m, int id)
{
	m->value_count = 0;
	EXPECT_SYNC(m, id, 1);
	EXPECT_EQ(m->value_count, 1);
	return m->values[0];
}

#define EXPECT_BETWEEN(from, val, to)											\
	do {														\
		unsigned long from_ = (from), val_ = (val), to_ = (to);							\
		if (val_ < from_ || val_ > to_)										\
			FAIL("%s: %lu is not from %lu to %lu", #val, val_, from_, to_);					\
	} while (0)

TEST(linux_pvclock)
{
	struct machine *m = pvclock_machine(1);
	struct vml_info before, after;
	const uint64_t slack = 2000000;
	uint64_t ns, khz;
	time_t day;

	vcpu_start_main(m, 0, "pvclock");
	OK(vml_info(m->ctx, &before));
	EXPECT_SYNC(m, 0, 1);
	OK(vml_info(m->ctx, &after));
	EXPECT_EQ(m->value_count, 4);
	/* The frequency that Linux computes from it. */
	khz = (1000000ull << 32) / m->values[0];
	khz = (int64_t)m->values[1] < 0 ? khz << -(int64_t)m->values[1] : khz >> m->values[1];
	EXPECT_BETWEEN((uint64_t)before.tsc_khz - before.tsc_khz / 100000 - 1, khz,
		       (uint64_t)before.tsc_khz + before.tsc_khz / 100000 + 1);
	/* The time of day at guest time 0. */
	day = time(NULL) - (time_t)(after.time_ns / 1000000000);
	EXPECT_BETWEEN((uint64_t)day - 2, m->values[2], (uint64_t)day + 2);
	EXPECT_BETWEEN(before.time_ns - slack, m->values[3], after.time_ns + slack);
	for (int i = 0; i < 20; i++) {
		/* Other TSCs and pauses in between. */
		m->input = i == 10;
		if (i == 15) {
			OK(vml_pause(m->ctx));
			usleep(500000);
			OK(vml_resume(m->ctx));
		}
		usleep(10000);
		OK(vml_info(m->ctx, &before));
		ns = pvclock_next(m, 0);
		OK(vml_info(m->ctx, &after));
		EXPECT_BETWEEN(before.time_ns - slack, ns, after.time_ns + slack);
	}
}

TEST(linux_pvclock_faults)
{
	struct machine *m = pvclock_machine(1);

	vcpu_start_main(m, 0, "pvclock_faults");
	EXPECT_PASS(m, 0);
}

#endif
