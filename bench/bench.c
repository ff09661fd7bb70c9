// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * bench kvm|vmm [OPERATION]...: the operations on one hypervisor, whose module is loaded. bench list: what they are called.
 *
 * Prints a line for each: op, its symbol, the id under which count.c knows it, the hypervisor, the fewest ticks of the TSC that it took.
 * Ticks are instructions where the emulator says so, and time everywhere else.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <fcntl.h>
#include <unistd.h>
#include <x86intrin.h>

#include "board.h"
#include "boot.h"
#include "hyper.h"
#include "layout.h"
#include "mark.h"
#include "ops.h"

extern const uint8_t payload_image[], payload_image_end[];	/* image.S */

static const struct hyper *hyper;
static unsigned int id_base;		/* of this hypervisor's operations for count.c */

void die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("bench: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	exit(1);
}

/* --- a guest -------------------------------------------------------------------- */

static void page_tables_place(uint8_t *mem)
{
	uint64_t *pml4 = (uint64_t *)(mem + PAGE_TABLES_GPA), *pdpt = pml4 + 512, *pd = pdpt + 512;

	pml4[0] = (PAGE_TABLES_GPA + 0x1000) | 7;
	for (uint64_t i = 0; i < 4; i++)
		pdpt[i] = (PAGE_TABLES_GPA + 0x2000 + i * 0x1000) | 7;
	for (uint64_t i = 0; i < 4 * 512; i++)
		pd[i] = i << 21 | 0x83;
}

static void guest_tables_place(uint8_t *mem)
{
	uint64_t *gdt = (uint64_t *)(mem + GDT_GPA);

	page_tables_place(mem);
	gdt[SEL_CODE / 8] = GDT_CODE;
	gdt[SEL_DATA / 8] = GDT_DATA;
}

static void guest_place(uint8_t *mem)
{
	guest_tables_place(mem);
	memcpy(mem + PAYLOAD_GPA, payload_image, (size_t)(payload_image_end - payload_image));
}

static void pin_to_cpu(unsigned int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu % (unsigned int)sysconf(_SC_NPROCESSORS_ONLN), &set);
	if (sched_setaffinity(0, sizeof(set), &set) != 0)
		die("sched_setaffinity: %s", strerror(errno));
}

struct thread {
	struct machine *m;
	unsigned int id;
	uint64_t rip, rsi;
	pthread_t thread;
};

static void *vcpu_thread(void *arg)
{
	struct thread *t = arg;

	pin_to_cpu(t->id);
	hyper->start(t->m, t->id, t->rip, STACK_TOP(t->id), t->rsi);
	hyper->run(t->m, t->id);
	return NULL;
}

/* Runs the payload; vCPU 0 on this thread. */
static void guest_run(struct machine *m, unsigned int vcpus)
{
	struct thread threads[VCPUS_MAX];

	for (unsigned int id = 1; id < vcpus; id++) {
		threads[id] = (struct thread){ .m = m, .id = id, .rip = PAYLOAD_GPA };
		if (pthread_create(&threads[id].thread, NULL, vcpu_thread, &threads[id]) != 0)
			die("no thread");
	}
	threads[0] = (struct thread){ .m = m, .rip = PAYLOAD_GPA };
	vcpu_thread(&threads[0]);
	for (unsigned int id = 1; id < vcpus; id++)
		pthread_join(threads[id].thread, NULL);
}

/* Of windows of this program's own that are short. */
static bool is_traced(unsigned int i)
{
	return i >= WARMUP + SAMPLES - TRACED;
}

/* --- operations -------------------------------------------------------------------- */

/* What it takes when nothing comes in between. */
static uint64_t fewest(const uint64_t *ticks, unsigned int count)
{
	uint64_t least = ticks[0];

	for (unsigned int i = 1; i < count; i++)
		if (ticks[i] < least)
			least = ticks[i];
	return least;
}

static void result_print(const char *symbol, unsigned int id, const char *text, uint64_t ticks)
{
	printf("op\t%s\t%u\t%s\t%lu\t%s\n", symbol, id, hyper->name, (unsigned long)ticks, text);
	fflush(stdout);
}

struct guest_op {
	const char *symbol, *text;
	unsigned int vcpus, flags;
};

static const struct guest_op guest_ops[] = {
#define OP_ROW(symbol, text, vcpus, flags) { #symbol, text, vcpus, flags },
	GUEST_OPS(OP_ROW)
#undef OP_ROW
};
enum {
#define OP_INDEX(symbol, text, vcpus, flags) INDEX_##symbol,
	GUEST_OPS(OP_INDEX)
#undef OP_INDEX
};
#define GROW_OP	INDEX_cpuid
#define NGUEST_OPS	(sizeof(guest_ops) / sizeof(guest_ops[0]))

static void guest_op_run(unsigned int index)
{
	const struct guest_op *op = &guest_ops[index];
	struct machine *m = hyper->create(op->vcpus, MEMORY_BYTES, op->flags);
	uint8_t *mem = hyper->memory(m);
	struct shared *shared = (struct shared *)(mem + SHARED_GPA);

	guest_place(mem);
	shared->op = index;
	mark_select(id_base + index);
	guest_run(m, op->vcpus);
	if (shared->count != SAMPLES)
		die("%s: %u samples", op->symbol, shared->count);
	result_print(op->symbol, id_base + index, op->text, fewest(shared->ticks, SAMPLES));
	hyper->destroy(m);
}

#define BOOT_EXITS	125		/* its id; nothing is counted under it */

/* A kernel from its first instruction to that of its first program, which ends the window. */
static void boot_run(unsigned int index, const char *kernel, const char *initrd)
{
	struct machine *m = hyper->create(1, BOOT_MEMORY_BYTES, MACHINE_LINUX);
	uint8_t *mem = hyper->memory(m);
	struct thread thread = { .m = m, .rip = boot_place(mem, kernel, initrd), .rsi = BOOT_PARAMS_GPA };
	uint64_t start;

	guest_tables_place(mem);
	mark_select(id_base + index);
	start = __rdtsc();
	mark_begin();
	vcpu_thread(&thread);
	result_print("boot", id_base + index, "boot Linux to its first program", __rdtsc() - start);
	result_print("boot_exits", id_base + BOOT_EXITS, "its exits", hyper->exits(m));
	hyper->destroy(m);
}

/* Creation and destruction of a machine of one vCPU and 1 GiB, nothing of it touched. */
#define LIFE_BYTES	(1ul << 30)

static void life_run(unsigned int index, bool destroy)
{
	uint64_t ticks[SAMPLES];

	mark_select(id_base + index);
	for (unsigned int i = 0; i < WARMUP + SAMPLES; i++) {
		uint64_t *spent = &ticks[i < WARMUP ? 0 : i - WARMUP], start;
		struct machine *m;

		trace_mark(is_traced(i) && !destroy);
		start = __rdtsc();
		if (!destroy)
			mark_begin();
		m = hyper->create(1, LIFE_BYTES, 0);
		if (!destroy) {
			mark_end();
			*spent = __rdtsc() - start;
		}
		trace_mark(is_traced(i));
		if (destroy) {
			start = __rdtsc();
			mark_begin();
		}
		hyper->destroy(m);
		if (destroy) {
			mark_end();
			*spent = __rdtsc() - start;
		}
		trace_mark(is_traced(i) && destroy);
	}
	result_print(destroy ? "destroy" : "create", id_base + index, destroy ? "destroy it" : "create a VM, 1 vCPU, 1 GiB", fewest(ticks, SAMPLES));
}

/* In bytes. What is on its way to be freed, and the counts of each CPU, have time to come in. */
static uint64_t free_memory(void)
{
	char line[128];
	unsigned long kib = 0, rss = 0;
	FILE *file;

	usleep(500000);
	file = fopen("/proc/sys/vm/stat_refresh", "r");
	if (file) {
		fgets(line, sizeof(line), file);
		fclose(file);
	}
	file = fopen("/proc/meminfo", "r");
	while (file && fgets(line, sizeof(line), file) && sscanf(line, "MemFree: %lu", &kib) != 1)
		;
	if (file)
		fclose(file);
	file = fopen("/proc/self/statm", "r");
	if (file && fscanf(file, "%*u %lu", &rss) != 1)
		rss = 0;
	if (file)
		fclose(file);
	/* What this program itself has taken does not count. */
	return (kib << 10) + rss * 4096;
}

#define MEMORY_MACHINES	32

static void kernel_memory_run(unsigned int index)
{
	struct machine *machines[MEMORY_MACHINES];
	uint64_t before;

	hyper->destroy(hyper->create(1, LIFE_BYTES, 0));
	before = free_memory();
	for (unsigned int i = 0; i < MEMORY_MACHINES; i++)
		machines[i] = hyper->create(1, LIFE_BYTES, 0);
	result_print("kernel_memory", id_base + index, "kernel memory of it, bytes", (before - free_memory()) / MEMORY_MACHINES);
	for (unsigned int i = 0; i < MEMORY_MACHINES; i++)
		hyper->destroy(machines[i]);
}

/* --- how cost grows ------------------------------------------------------------------------ */

#define GROW_SAMPLES	9
#define GROW_VMS_MAX	64

/* Beside whatever machines there are: fewest ticks of a CPUID exit, of creating and of destroying one more. */
static void grow_measure(const char *what, unsigned long amount, unsigned int vcpus, size_t bytes)
{
	uint64_t create[GROW_SAMPLES], destroy[GROW_SAMPLES], start;
	struct machine *m = NULL;
	struct shared *shared;

	for (unsigned int i = 0; i < GROW_SAMPLES; i++) {
		start = __rdtsc();
		m = hyper->create(vcpus, bytes, 0);
		create[i] = __rdtsc() - start;
		start = __rdtsc();
		hyper->destroy(m);
		destroy[i] = __rdtsc() - start;
	}
	m = hyper->create(vcpus, bytes, 0);
	guest_place(hyper->memory(m));
	shared = (struct shared *)(hyper->memory(m) + SHARED_GPA);
	shared->op = GROW_OP;
	guest_run(m, 1);
	printf("grow\t%s\t%lu\t%s\t%lu\t%lu\t%lu\n", what, amount, hyper->name, (unsigned long)fewest(shared->ticks, SAMPLES),
	       (unsigned long)fewest(create, GROW_SAMPLES), (unsigned long)fewest(destroy, GROW_SAMPLES));
	fflush(stdout);
	hyper->destroy(m);
}

static void grow_run(void)
{
	struct machine *others[GROW_VMS_MAX];
	unsigned int vms = 0;

	for (unsigned int n = 1; n <= GROW_VMS_MAX; n *= 4) {
		while (vms < n - 1)
			others[vms++] = hyper->create(1, LIFE_BYTES, 0);
		grow_measure("VMs", n, 1, LIFE_BYTES);
	}
	while (vms)
		hyper->destroy(others[--vms]);
	for (unsigned int n = 1; n <= VCPUS_MAX; n *= 2)
		grow_measure("vCPUs", n, n, LIFE_BYTES);
	for (unsigned long mib = 128; mib <= 65536; mib *= 8)
		grow_measure("MiB", mib, 1, mib << 20);
}

/* A system call that does nothing: the floor of what goes to user space. */
static void syscall_run(unsigned int index)
{
	int fd = open("/dev/null", O_RDWR);
	uint64_t ticks[SAMPLES];

	mark_select(id_base + index);
	for (unsigned int i = 0; i < WARMUP + SAMPLES; i++) {
		uint64_t start;

		trace_mark(is_traced(i));
		start = __rdtsc();
		mark_begin();
		ioctl(fd, 0, 0);
		mark_end();
		ticks[i < WARMUP ? 0 : i - WARMUP] = __rdtsc() - start;
		trace_mark(is_traced(i));
	}
	close(fd);
	result_print("syscall", id_base + index, "ioctl on /dev/null", fewest(ticks, SAMPLES));
}

/* The host program's own first touch of such memory: the floor of the guest's. */
static void fault_run(unsigned int index, bool large)
{
	struct machine *m = hyper->create(1, MEMORY_BYTES, MACHINE_TOUCH);
	volatile uint8_t *at = large ? hyper->memory(m) + TOUCH_LARGE_GPA : hyper->touch(m);
	uint64_t ticks[SAMPLES];

	mark_select(id_base + index);
	for (unsigned int i = 0; i < WARMUP + SAMPLES; i++) {
		uint64_t start;

		trace_mark(is_traced(i) && !large);
		start = __rdtsc();
		mark_begin();
		*at = 1;
		mark_end();
		ticks[i < WARMUP ? 0 : i - WARMUP] = __rdtsc() - start;
		trace_mark(is_traced(i) && !large);
		at += large ? 0x200000 : 0x1000;
	}
	result_print(large ? "fault_2m" : "fault_4k", id_base + index,
		     large ? "the program's own touch, 2 MiB" : "the program's own touch, 4 KiB", fewest(ticks, SAMPLES));
	hyper->destroy(m);
}

static bool wanted(const char *symbol, int argc, char **argv)
{
	for (int i = 2; i < argc; i++)
		if (strcmp(argv[i], symbol) == 0)
			return true;
	return argc <= 2;
}

static void list_print(void)
{
	puts("grow");
	for (unsigned int i = 0; i < NGUEST_OPS; i++)
		puts(guest_ops[i].symbol);
	puts("create\ndestroy\nsyscall\nkernel_memory\nfault_4k\nfault_2m\nboot");
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "list") == 0) {
		list_print();
		return 0;
	}
	if (argc >= 2 && strcmp(argv[1], "kvm") == 0) {
		hyper = &on_kvm;
	} else if (argc >= 2 && strcmp(argv[1], "vmm") == 0) {
		hyper = &on_vmm;
		id_base = MARK_IDS / 2;
	} else {
		die("expected kvm or vmm, then names of operations if not all");
	}
	/* To tell several builds of a module apart in one run. */
	if (getenv("BENCH_FIRST_ID"))
		id_base = (unsigned int)atoi(getenv("BENCH_FIRST_ID"));
	pin_to_cpu(0);
	/* By the TSC alone. */
	mark_select(MARK_NONE);
	if (wanted("grow", argc, argv))
		grow_run();
	for (unsigned int i = 0; i < NGUEST_OPS; i++)
		if (wanted(guest_ops[i].symbol, argc, argv))
			guest_op_run(i);
	if (wanted("create", argc, argv))
		life_run(NGUEST_OPS, false);
	if (wanted("destroy", argc, argv))
		life_run(NGUEST_OPS + 1, true);
	if (wanted("syscall", argc, argv))
		syscall_run(NGUEST_OPS + 2);
	if (wanted("kernel_memory", argc, argv))
		kernel_memory_run(NGUEST_OPS + 3);
	if (wanted("fault_4k", argc, argv))
		fault_run(NGUEST_OPS + 5, false);
	if (wanted("fault_2m", argc, argv))
		fault_run(NGUEST_OPS + 6, true);
	board_console = getenv("BENCH_CONSOLE");
	if (wanted("boot", argc, argv) && getenv("BENCH_KERNEL") && getenv("BENCH_INITRD"))
		boot_run(NGUEST_OPS + 4, getenv("BENCH_KERNEL"), getenv("BENCH_INITRD"));
	return 0;
}
