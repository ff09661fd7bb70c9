// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <cpuid.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>

#include "harness.h"
#include "runner.h"

/* image.S, symbols.c */
extern const uint8_t guest_image[], guest_image_end[];
extern const struct guest_symbol guest_symbols[];

#define CR0_PE		0x00000001u
#define CR0_MP		0x00000002u
#define CR0_ET		0x00000010u
#define CR0_NE		0x00000020u
#define CR0_WP		0x00010000u
#define CR0_PG		0x80000000u
#define CR4_PAE		0x00000020u
#define CR4_OSFXSR	0x00000200u
#define CR4_OSXMMEXCPT	0x00000400u
#define EFER_LME	0x00000100u
#define EFER_LMA	0x00000400u

#define PTE_PRESENT	0x01ull
#define PTE_WRITE	0x02ull
#define PTE_USER	0x04ull
#define PTE_LARGE	0x80ull

/* --- saying how it went ------------------------------------------------------------ */

void test_fail(const char *file, int line, const char *format, ...)
{
	const char *base = strrchr(file, '/');
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	verdict_set("%s:%d: %s", base ? base + 1 : file, line, text);
	_exit(VERDICT_FAILED);
}

void test_skip(const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	verdict_set("%s", text);
	_exit(VERDICT_SKIPPED);
}

void expect_errno(const char *file, int line, const char *call, int got, int want)
{
	if (got == want)
		return;
	test_fail(file, line, "%s: %s, should be: %s", call, got ? strerrorname_np(got) : "success", want ? strerrorname_np(want) : "success");
}

uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* --- machines ----------------------------------------------------------------------- */

void machine_name(char *name, size_t size)
{
	static unsigned int serial;

	snprintf(name, size, MACHINE_PREFIX "%d.%d.%u", test_process, getpid(), __atomic_fetch_add(&serial, 1, __ATOMIC_RELAXED));
}

bool machine_exists(const char *name)
{
	char path[256];
	struct stat st;

	snprintf(path, sizeof(path), VMM_DEV_PREFIX "%s", name);
	return stat(path, &st) == 0;
}

uint64_t guest_symbol(const char *name)
{
	for (const struct guest_symbol *s = guest_symbols; s->name; s++)
		if (strcmp(s->name, name) == 0)
			return s->gpa;
	FAIL("the payload has no %s", name);
}

static void page_tables_place(struct machine *m)
{
	uint64_t *pml4 = (uint64_t *)(m->mem + PAGE_TABLES_GPA), *pdpt = pml4 + 512, *pd = pdpt + 512;

	pml4[0] = (PAGE_TABLES_GPA + 0x1000) | PTE_PRESENT | PTE_WRITE | PTE_USER;
	for (uint64_t i = 0; i < 4; i++)
		pdpt[i] = (PAGE_TABLES_GPA + 0x2000 + i * 0x1000) | PTE_PRESENT | PTE_WRITE | PTE_USER;
	for (uint64_t i = 0; i < 4 * 512; i++)
		pd[i] = i << 21 | PTE_PRESENT | PTE_WRITE | PTE_USER | PTE_LARGE;
}

static void gdt_place(struct machine *m)
{
	uint64_t *gdt = (uint64_t *)(m->mem + GDT_GPA);

	gdt[SEL_CODE32 / 8] = 0x00cf9b000000ffffull;
	gdt[SEL_DATA / 8] = 0x00cf93000000ffffull;
	gdt[SEL_CODE64 / 8] = 0x00af9b000000ffffull;
	gdt[SEL_DATA_USER / 8] = 0x00cff3000000ffffull;
	gdt[SEL_CODE64_USER / 8] = 0x00affb000000ffffull;
	gdt[SEL_CODE32_USER / 8] = 0x00cffb000000ffffull;
	gdt[SEL_CODE16 / 8] = 0x00009b000000ffffull;
	for (int id = 0; id < GUEST_VCPUS_MAX; id++) {
		uint64_t tss = TSS_GPA + (uint64_t)id * TSS_STRIDE;
		uint64_t rsp0 = STACK_TOP(id), ist1 = STACK_TOP_IST(id);

		/* Busy for the one that the host starts, available for APs, which load it. */
		gdt[SEL_TSS(id) / 8] = 0x67 | (tss & 0xffffff) << 16 | (id == 0 ? 0x8bull : 0x89ull) << 40 | (tss >> 24) << 56;
		memcpy(m->mem + tss + 4, &rsp0, sizeof(rsp0));
		memcpy(m->mem + tss + 0x24, &ist1, sizeof(ist1));
	}
}

static void vcpus_open(struct machine *m, int vcpus)
{
	m->vcpus = vcpus;
	for (int id = 0; id < vcpus; id++) {
		m->vcpu[id] = vm_vcpu_open(m->ctx, id);
		EXPECT(m->vcpu[id] != NULL);
	}
}

static void vcpus_activate(struct machine *m)
{
	for (int id = 0; id < m->vcpus; id++) {
		OK(vm_activate_cpu(m->vcpu[id]));
		OK(vm_set_capability(m->vcpu[id], VM_CAP_HALT_EXIT, 1));
		OK(vm_set_capability(m->vcpu[id], VM_CAP_UNRESTRICTED_GUEST, 1));
	}
}

static struct machine *machine_new(int flags)
{
	struct machine *m = calloc(1, sizeof(*m));

	EXPECT(m != NULL);
	machine_name(m->name, sizeof(m->name));
	m->ctx = vm_openf(m->name, flags);
	if (m->ctx == NULL)
		FAIL("creating %s: %s", m->name, strerror(errno));
	return m;
}

struct machine *machine_create_bare(void)
{
	return machine_new(VMMAPI_OPEN_CREATE);
}

struct machine *machine_create_flags(int vcpus, int flags)
{
	struct machine *m = machine_new(VMMAPI_OPEN_CREATE | flags);

	OK(vm_setup_memory(m->ctx, MEMORY_BYTES, VM_MMAP_ALL));
	m->mem = vm_map_gpa(m->ctx, 0, MEMORY_BYTES);
	EXPECT(m->mem != NULL);
	page_tables_place(m);
	gdt_place(m);
	memcpy(m->mem + IMAGE_GPA, guest_image, (size_t)(guest_image_end - guest_image));
	vcpus_open(m, vcpus);
	vcpus_activate(m);
	return m;
}

struct machine *machine_create(int vcpus)
{
	return machine_create_flags(vcpus, 0);
}

struct machine *machine_open_again(const struct machine *from)
{
	struct machine *m = calloc(1, sizeof(*m));

	EXPECT(m != NULL);
	strcpy(m->name, from->name);
	m->ctx = vm_open(m->name);
	if (m->ctx == NULL)
		FAIL("opening %s: %s", m->name, strerror(errno));
	m->mem = from->mem;
	vcpus_open(m, from->vcpus);
	return m;
}

void machine_destroy(struct machine *m)
{
	for (int id = 0; id < m->vcpus; id++)
		vm_vcpu_close(m->vcpu[id]);
	vm_destroy(m->ctx);
	free(m);
}

/* --- starting states -------------------------------------------------------------------- */

uint64_t reg_get(struct machine *m, int id, int reg)
{
	uint64_t val;

	if (vm_get_register(m->vcpu[id], reg, &val) != 0)
		FAIL("reading register %d: %s", reg, strerror(errno));
	return val;
}

void reg_set(struct machine *m, int id, int reg, uint64_t val)
{
	if (vm_set_register(m->vcpu[id], reg, val) != 0)
		FAIL("writing %#lx to register %d: %s", (unsigned long)val, reg, strerror(errno));
}

static void segment_set(struct machine *m, int id, int reg, uint16_t selector, uint64_t base, uint32_t limit, uint32_t access)
{
	OK(vm_set_desc(m->vcpu[id], reg, base, limit, access));
	reg_set(m, id, reg, selector);
}

static void segments_set(struct machine *m, int id, enum mode mode)
{
	static const int data[] = { VM_REG_GUEST_DS, VM_REG_GUEST_ES, VM_REG_GUEST_SS, VM_REG_GUEST_FS, VM_REG_GUEST_GS };
	bool real = mode == MODE_REAL;

	for (size_t i = 0; i < sizeof(data) / sizeof(data[0]); i++)
		segment_set(m, id, data[i], real ? 0 : SEL_DATA, 0, real ? 0xffff : 0xffffffff, real ? 0x93 : 0xc093);
	if (real)
		segment_set(m, id, VM_REG_GUEST_CS, 0, 0, 0xffff, 0x9b);
	else if (mode == MODE_PROTECTED)
		segment_set(m, id, VM_REG_GUEST_CS, SEL_CODE32, 0, 0xffffffff, 0xc09b);
	else
		segment_set(m, id, VM_REG_GUEST_CS, SEL_CODE64, 0, 0xffffffff, 0xa09b);
	if (real)
		return;
	segment_set(m, id, VM_REG_GUEST_TR, (uint16_t)SEL_TSS(id), TSS_GPA + (uint64_t)id * TSS_STRIDE, 0x67, 0x8b);
	segment_set(m, id, VM_REG_GUEST_LDTR, 0, 0, 0, 0x10000);
	OK(vm_set_desc(m->vcpu[id], VM_REG_GUEST_GDTR, GDT_GPA, GDT_BYTES - 1, 0));
	OK(vm_set_desc(m->vcpu[id], VM_REG_GUEST_IDTR, 0, 0, 0));
}

void vcpu_start(struct machine *m, int id, enum mode mode, uint64_t rip)
{
	uint64_t cr0 = CR0_ET | CR0_NE;

	OK(vcpu_reset(m->vcpu[id]));
	reg_set(m, id, VM_REG_GUEST_RDX, 0);
	if (mode != MODE_REAL)
		cr0 |= CR0_PE;
	if (mode == MODE_LONG) {
		cr0 |= CR0_PG | CR0_WP | CR0_MP;
		reg_set(m, id, VM_REG_GUEST_EFER, EFER_LME | EFER_LMA);
		reg_set(m, id, VM_REG_GUEST_CR4, CR4_PAE | CR4_OSFXSR | CR4_OSXMMEXCPT);
		reg_set(m, id, VM_REG_GUEST_CR3, PAGE_TABLES_GPA);
	}
	reg_set(m, id, VM_REG_GUEST_CR0, cr0);
	segments_set(m, id, mode);
	reg_set(m, id, VM_REG_GUEST_RSP, mode == MODE_REAL ? 0x7000 : STACK_TOP(id));
	reg_set(m, id, VM_REG_GUEST_RFLAGS, 2);
	reg_set(m, id, VM_REG_GUEST_RIP, rip);
}

static uint64_t main_symbol(const char *name)
{
	char symbol[128];

	snprintf(symbol, sizeof(symbol), "guest_main_%s", name);
	return guest_symbol(symbol);
}

void vcpu_start_main(struct machine *m, int id, const char *name)
{
	vcpu_start(m, id, MODE_LONG, guest_symbol("guest_entry"));
	reg_set(m, id, VM_REG_GUEST_RDI, main_symbol(name));
}

void ap_prepare(struct machine *m, uint64_t gpa, const char *name)
{
	uint64_t begin = guest_symbol("ap_trampoline"), end = guest_symbol("ap_trampoline_end");

	memcpy(m->mem + gpa, m->mem + begin, end - begin);
	*GUEST_VARIABLE(m, uint64_t, "ap_main") = main_symbol(name);
}

void snippet_start_at(struct machine *m, int id, const struct snippet *snippet, uint64_t gpa)
{
	memcpy(m->mem + gpa, snippet->begin, (size_t)(snippet->end - snippet->begin));
	vcpu_start(m, id, snippet->bits == 64 ? MODE_LONG : snippet->bits == 32 ? MODE_PROTECTED : MODE_REAL, gpa);
}

void snippet_start(struct machine *m, int id, const struct snippet *snippet)
{
	snippet_start_at(m, id, snippet, CODE_GPA);
}

/* --- running --------------------------------------------------------------------------------- */

int vcpu_run_once(struct machine *m, int id, struct vm_exit *exit)
{
	struct vm_run run = { .cpuset = &m->ipi_targets, .cpusetsize = sizeof(m->ipi_targets), .vm_exit = exit };

	return vm_run(m->vcpu[id], &run) == 0 ? 0 : errno;
}

static bool is_protocol_port(const struct vm_exit *exit)
{
	const struct vm_inout *io = &exit->u.inout;

	if (exit->exitcode != VM_EXITCODE_INOUT || io->bytes != 4)
		return false;
	return io->in ? io->port == PORT_INPUT : io->port == PORT_RESULT || io->port == PORT_VALUE || io->port == PORT_SYNC;
}

static void guest_failed(struct machine *m, int id)
{
	const struct report *report = (const struct report *)(m->mem + REPORT_GPA);

	FAIL("vCPU %d, in the guest at line %u: %s: got %#llx, should be %#llx", id, report->line, report->text, report->got, report->want);
}

/* Returns true where the run is over for the caller, with *OUTCOME. */
static bool protocol_handle(struct machine *m, int id, const struct vm_exit *exit, enum outcome *outcome)
{
	uint32_t eax = exit->u.inout.eax;

	switch (exit->u.inout.port) {
	case PORT_RESULT:
		if (eax != 0)
			guest_failed(m, id);
		*outcome = GUEST_PASS;
		return true;
	case PORT_SYNC:
		*outcome = GUEST_SYNC;
		return true;
	case PORT_VALUE:
		EXPECT(m->value_count < MACHINE_VALUES_MAX);
		m->values[m->value_count++] = reg_get(m, id, VM_REG_GUEST_RAX);
		return false;
	default:
		reg_set(m, id, VM_REG_GUEST_RAX, m->input);
		return false;
	}
}

enum outcome vcpu_run(struct machine *m, int id, struct vm_exit *exit)
{
	enum outcome outcome;
	int error;

	for (;;) {
		error = vcpu_run_once(m, id, exit);
		if (error != 0)
			FAIL("VM_RUN of vCPU %d: %s, RIP %#lx", id, strerror(error), (unsigned long)reg_get(m, id, VM_REG_GUEST_RIP));
		if (exit->exitcode == VM_EXITCODE_BOGUS || exit->exitcode == VM_EXITCODE_REQIDLE) {
			if (exit->inst_length != 0)
				FAIL("exit %s with inst_length %d", exit_name(exit->exitcode), exit->inst_length);
			continue;
		}
		if (!is_protocol_port(exit))
			return GUEST_EXIT;
		if (protocol_handle(m, id, exit, &outcome))
			return outcome;
	}
}

static const char *const exit_names[VM_EXITCODE_MAX] = {
	"INOUT", "VMX", "BOGUS", "RDMSR", "WRMSR", "HLT", "MTRAP", "PAUSE", "PAGING", "INST_EMUL", "SPINUP_AP", "DEPRECATED1", "RENDEZVOUS",
	"IOAPIC_EOI", "SUSPENDED", "INOUT_STR", "TASK_SWITCH", "MONITOR", "MWAIT", "SVM", "REQIDLE", "DEBUG", "VMINSN", "BPT", "IPI", "DB",
};

const char *exit_name(int exitcode)
{
	return exitcode >= 0 && exitcode < VM_EXITCODE_MAX ? exit_names[exitcode] : "unknown";
}

static const char *outcome_text(enum outcome outcome, const struct vm_exit *exit, char *text, size_t size)
{
	if (outcome == GUEST_PASS)
		return "the payload's end";
	if (outcome == GUEST_SYNC)
		snprintf(text, size, "sync(%u)", exit->u.inout.eax);
	else if (exit->exitcode == VM_EXITCODE_SVM)
		snprintf(text, size, "exit SVM %#lx, %#lx, %#lx at %#lx", (unsigned long)exit->u.svm.exitcode,
			 (unsigned long)exit->u.svm.exitinfo1, (unsigned long)exit->u.svm.exitinfo2, (unsigned long)exit->rip);
	else if (exit->exitcode == VM_EXITCODE_VMX)
		snprintf(text, size, "exit VMX: status %d, reason %u, qualification %#lx at %#lx", exit->u.vmx.status, exit->u.vmx.exit_reason,
			 (unsigned long)exit->u.vmx.exit_qualification, (unsigned long)exit->rip);
	else if (exit->exitcode == VM_EXITCODE_SUSPENDED)
		snprintf(text, size, "exit SUSPENDED, how %d", (int)exit->u.suspended.how);
	else if (exit->exitcode == VM_EXITCODE_INOUT)
		snprintf(text, size, "exit INOUT, %s %d bytes at port %#x, RIP %#lx", exit->u.inout.in ? "in" : "out", exit->u.inout.bytes,
			 exit->u.inout.port, (unsigned long)exit->rip);
	else if (exit->exitcode == VM_EXITCODE_INST_EMUL)
		snprintf(text, size, "exit INST_EMUL, gpa %#lx, RIP %#lx, decoded %d", (unsigned long)exit->u.inst_emul.gpa,
			 (unsigned long)exit->rip, exit->u.inst_emul.vie.decoded);
	else
		snprintf(text, size, "exit %s, RIP %#lx", exit_name(exit->exitcode), (unsigned long)exit->rip);
	return text;
}

void expect_pass(const char *file, int line, struct machine *m, int id)
{
	struct vm_exit exit;
	enum outcome outcome = vcpu_run(m, id, &exit);
	char text[256];

	if (outcome != GUEST_PASS)
		test_fail(file, line, "%s, should be the payload's end", outcome_text(outcome, &exit, text, sizeof(text)));
}

void expect_sync(const char *file, int line, struct machine *m, int id, uint32_t step)
{
	struct vm_exit exit;
	enum outcome outcome = vcpu_run(m, id, &exit);
	char text[256];

	if (outcome != GUEST_SYNC || exit.u.inout.eax != step)
		test_fail(file, line, "%s, should be sync(%u)", outcome_text(outcome, &exit, text, sizeof(text)), step);
}

struct vm_exit expect_exit(const char *file, int line, struct machine *m, int id, enum vm_exitcode code)
{
	struct vm_exit exit;
	enum outcome outcome = vcpu_run(m, id, &exit);
	char text[256];

	if (outcome != GUEST_EXIT || exit.exitcode != code)
		test_fail(file, line, "%s, should be exit %s", outcome_text(outcome, &exit, text, sizeof(text)), exit_name(code));
	return exit;
}

static void *runner_main(void *arg)
{
	struct runner *r = arg;
	enum outcome outcome;

	for (;;) {
		r->error = vcpu_run_once(r->m, r->id, &r->exit);
		if (r->error != 0)
			break;
		if (r->exit.exitcode == VM_EXITCODE_BOGUS || r->exit.exitcode == VM_EXITCODE_REQIDLE)
			continue;
		if (r->exit.exitcode == VM_EXITCODE_DEBUG) {
			usleep(1000);
			continue;
		}
		if (!is_protocol_port(&r->exit) || (protocol_handle(r->m, r->id, &r->exit, &outcome) && outcome == GUEST_PASS))
			break;
	}
	__atomic_store_n(&r->done, 1, __ATOMIC_RELEASE);
	return NULL;
}

void runner_start(struct runner *r, struct machine *m, int id)
{
	memset(r, 0, sizeof(*r));
	r->m = m;
	r->id = id;
	EXPECT_EQ(pthread_create(&r->thread, NULL, runner_main, r), 0);
}

void runner_join(struct runner *r, double seconds)
{
	uint64_t end = now_ns() + (uint64_t)(seconds * 1e9);

	while (!__atomic_load_n(&r->done, __ATOMIC_ACQUIRE)) {
		if (now_ns() > end)
			FAIL("vCPU %d did not come back within %g s", r->id, seconds);
		usleep(1000);
	}
	pthread_join(r->thread, NULL);
}

/* --- the host ---------------------------------------------------------------------------------- */

bool host_is_amd(void)
{
	unsigned int eax, ebx = 0, ecx, edx;

	__get_cpuid(0, &eax, &ebx, &ecx, &edx);
	return ebx == signature_AMD_ebx || ebx == 0x6f677948;	/* "Hygo" */
}

bool host_is_tcg(void)
{
	unsigned int eax, ebx, ecx, edx;

	__cpuid(1, eax, ebx, ecx, edx);
	if (!(ecx & (1u << 31)))
		return false;
	__cpuid(0x40000000, eax, ebx, ecx, edx);
	return ebx == 0x54474354;	/* "TCGT" */
}

uint32_t host_pkru(void)
{
	uint32_t eax, edx;

	asm volatile("rdpkru" : "=a"(eax), "=d"(edx) : "c"(0));
	return eax;
}

uint64_t stat_get(struct machine *m, int id, const char *description)
{
	const char *text;
	uint64_t *values;
	int entries;

	for (int i = 0; (text = vm_get_stat_desc(m->ctx, i)) != NULL; i++) {
		if (strcmp(text, description) != 0)
			continue;
		values = vm_get_stats(m->vcpu[id], NULL, &entries);
		EXPECT(values != NULL);
		EXPECT(i < entries);
		return values[i];
	}
	FAIL("there is no statistic \"%s\"", description);
}

uint64_t host_pa(const void *page)
{
	uint64_t entry = 0;
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return 0;
	if (pread(fd, &entry, sizeof(entry), (off_t)((uintptr_t)page / 4096 * 8)) != sizeof(entry))
		entry = 0;
	close(fd);
	return (entry >> 63) ? (entry & ((1ull << 55) - 1)) * 4096 : 0;
}

int host_msr_open(int cpu)
{
	char path[64];

	snprintf(path, sizeof(path), "/dev/cpu/%d/msr", cpu);
	if (access(path, R_OK) != 0 && system("modprobe msr 2>/dev/null") != 0)
		return -1;
	return open(path, O_RDONLY | O_CLOEXEC);
}

void pin_to_cpu(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((size_t)cpu, &set);
	OK(sched_setaffinity(0, sizeof(set), &set));
}

static int log_fd = -1;

void log_mark(void)
{
	if (log_fd < 0)
		log_fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	EXPECT(log_fd >= 0);
	EXPECT(lseek(log_fd, 0, SEEK_END) >= 0);
}

/* Consumes what it reads: ask for one thing after a mark. */
bool log_contains(const char *text)
{
	char line[8192];
	ssize_t got;

	for (;;) {
		got = read(log_fd, line, sizeof(line) - 1);
		if (got < 0 && errno == EPIPE)
			continue;
		if (got <= 0)
			return false;
		line[got] = 0;
		if (strstr(line, text))
			return true;
	}
}
