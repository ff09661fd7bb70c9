// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * vmmctl's command line over a machine without kernel: what is refused, with which words, and that
 * nothing happened then; what is answered, as text and as JSON; and what random words do.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <json-c/json.h>
#include <vmlapi.h>

#include "../vmmctl/session.h"

#define ARGS_MAX	300
#define OUTPUT_MAX	65536

/* A sanitizer's report must not look like vmmctl's own exit status 1. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "exitcode=99";
}

static int failures, checks;

#define EXPECT(condition, ...)								\
	do {										\
		checks++;								\
		if (!(condition)) {							\
			failures++;							\
			printf("%s:%d: ", __FILE__, __LINE__);				\
			printf(__VA_ARGS__);						\
			putchar('\n');							\
		}									\
	} while (0)

/* --- the machine ------------------------------------------------------- */

struct vmctx { const char *name; };
struct vcpu { int id; };

/* Shared with the process in which vmmctl runs: what it did. */
static struct fake {
	int		changes;	/* requests that change something */
	uint64_t	regs[VM_REG_LAST];
	uint64_t	desc_base;
	uint32_t	desc_limit, desc_access;
	int		cap, cap_value;
	int		how;
	bool		paused;
	int		created, destroyed;
	int		request_errno;	/* what every request fails with, or 0 */
} *fake;

static struct vmctx fake_ctx = { .name = "m" };
static struct vcpu fake_vcpu;

static int answer(void)
{
	errno = fake->request_errno;
	return fake->request_errno != 0 ? -1 : 0;
}

static int change(void)
{
	fake->changes++;
	return answer();
}

static int fail(int error)
{
	errno = error;
	return -1;
}

int vm_create(const char *name)
{
	static const struct { const char *name; int error; } errors[] = {
		{ "exists", EEXIST }, { "noload", ENOENT }, { "denied", EACCES }, { "nohw", ENXIO },
		{ "held", EBUSY }, { "many", ENOMEM }, { "odd", EDOM },
	};

	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (strcmp(name, errors[i].name) == 0)
			return fail(errors[i].error);
	fake->created++;
	return 0;
}

struct vmctx *vm_open(const char *name)
{
	if (strcmp(name, "gone") == 0)
		errno = ENXIO;
	else if (strcmp(name, "denied") == 0)
		errno = EACCES;
	else if (strcmp(name, "m") == 0 || strcmp(name, "new") == 0)
		return &fake_ctx;
	else
		errno = ENOENT;
	return NULL;
}

void vm_close(struct vmctx *ctx) { (void)ctx; }
void vm_destroy(struct vmctx *ctx) { (void)ctx; fake->destroyed++; }
void vm_vcpu_close(struct vcpu *vcpu) { (void)vcpu; }

struct vcpu *vm_vcpu_open(struct vmctx *ctx, int id)
{
	(void)ctx;
	fake_vcpu.id = id;
	return &fake_vcpu;
}

int vm_get_register(struct vcpu *vcpu, int reg, uint64_t *value)
{
	if (vcpu->id > 3)
		return fail(EINVAL);
	if (reg < 0) {
		*value = (uint64_t)reg;
		return reg == VMCB_ACCESS(0x70, 8) || reg == VMCB_ACCESS(0x78, 8) ||
			reg == VMCB_ACCESS(0x80, 8) || reg == VMCB_ACCESS(0x88, 8) ?
			       answer() : fail(EINVAL);
	}
	*value = fake->regs[reg];
	return answer();
}

int vm_set_register(struct vcpu *vcpu, int reg, uint64_t value)
{
	(void)vcpu;
	fake->regs[reg] = value;
	return change();
}

int vm_get_register_set(struct vcpu *vcpu, unsigned int count, const int *regnums, uint64_t *values)
{
	for (unsigned int i = 0; i < count; i++)
		if (vm_get_register(vcpu, regnums[i], &values[i]) != 0)
			return -1;
	return answer();
}

int vm_get_seg_desc(struct vcpu *vcpu, int reg, struct seg_desc *desc)
{
	(void)vcpu;
	*desc = (struct seg_desc){ .base = (uint64_t)reg, .limit = 0xffff, .access = 0x93 };
	return answer();
}

int vm_set_desc(struct vcpu *vcpu, int reg, uint64_t base, uint32_t limit, uint32_t access)
{
	(void)vcpu;
	(void)reg;
	fake->desc_base = base;
	fake->desc_limit = limit;
	fake->desc_access = access;
	return change();
}

int vm_get_capability(struct vcpu *vcpu, enum vm_cap_type cap, int *value)
{
	(void)vcpu;
	*value = cap == VM_CAP_HALT_EXIT;
	return cap == VM_CAP_MTRAP_EXIT ? fail(ENOENT) : answer();
}

int vm_set_capability(struct vcpu *vcpu, enum vm_cap_type cap, int value)
{
	(void)vcpu;
	fake->cap = cap;
	fake->cap_value = value;
	return change();
}

int vm_get_topology(struct vmctx *ctx, uint16_t *sockets, uint16_t *cores, uint16_t *threads,
		    uint16_t *maxcpus)
{
	(void)ctx;
	*sockets = *cores = *threads = 1;
	*maxcpus = 4;
	return 0;
}

static int cpus(cpuset_t *set)
{
	CPU_ZERO(set);
	CPU_SET(0, set);
	CPU_SET(2, set);
	return answer();
}

int vm_active_cpus(struct vmctx *ctx, cpuset_t *set) { (void)ctx; return cpus(set); }
int vm_suspended_cpus(struct vmctx *ctx, cpuset_t *set) { (void)ctx; return cpus(set); }
int vm_debug_cpus(struct vmctx *ctx, cpuset_t *set) { (void)ctx; return cpus(set); }

uint64_t *vm_get_stats(struct vcpu *vcpu, struct timeval *tv, int *count)
{
	static uint64_t values[3] = { 1, UINT64_MAX, 3 };

	(void)vcpu;
	(void)tv;
	*count = 3;
	return answer() == 0 ? values : NULL;
}

const char *vm_get_stat_desc(struct vmctx *ctx, int index)
{
	static const char *const names[] = { "one", "with \"quotes\" \\", "three" };

	(void)ctx;
	return names[index];
}

int vm_mmap_getnext(struct vmctx *ctx, vm_paddr_t *gpa, int *segid, vm_ooffset_t *segoff,
		    size_t *len, int *prot, int *flags)
{
	(void)ctx;
	if (*gpa > 0)
		return fail(ENOENT);
	*segid = 0;
	*segoff = 0;
	*len = 1 << 20;
	*prot = 7;
	*flags = VM_MEMMAP_F_WIRED;
	return answer();
}

int vm_get_memseg(struct vmctx *ctx, int segid, size_t *len, char *name, size_t size)
{
	(void)ctx;
	*len = segid == 0 ? 1 << 20 : 0;
	if (size > 0)
		name[0] = '\0';
	return answer();
}

int vm_get_gpa_pmap(struct vmctx *ctx, uint64_t gpa, uint64_t *pte, int *num)
{
	(void)ctx;
	pte[0] = gpa;
	*num = 1;
	return answer();
}

int vm_setup_memory(struct vmctx *ctx, size_t len, enum vm_mmap_style style)
{
	(void)ctx;
	(void)style;
	return len == 64 << 20 ? change() : fail(EINVAL);
}

int vm_get_intinfo(struct vcpu *vcpu, uint64_t *i1, uint64_t *i2)
{
	(void)vcpu;
	*i1 = 0x80000b0e;
	*i2 = 0;
	return answer();
}

int vm_get_x2apic_state(struct vcpu *vcpu, enum x2apic_state *state)
{
	(void)vcpu;
	*state = X2APIC_ENABLED;
	return answer();
}

int vm_set_x2apic_state(struct vcpu *vcpu, enum x2apic_state state)
{
	(void)vcpu;
	(void)state;
	return change();
}

int vm_rtc_gettime(struct vmctx *ctx, time_t *secs)
{
	(void)ctx;
	*secs = 86400;
	return answer();
}

int vm_rtc_settime(struct vmctx *ctx, time_t secs)
{
	(void)ctx;
	return secs == 1 ? fail(EBUSY) : change();
}

int vm_rtc_read(struct vmctx *ctx, int offset, uint8_t *value)
{
	(void)ctx;
	*value = (uint8_t)offset;
	return answer();
}

int vm_rtc_write(struct vmctx *ctx, int offset, uint8_t value)
{
	(void)ctx;
	(void)offset;
	(void)value;
	return change();
}

int vm_inject_nmi(struct vcpu *vcpu) { (void)vcpu; return change(); }
int vm_lapic_local_irq(struct vcpu *vcpu, int vector) { (void)vcpu; (void)vector; return change(); }
int vm_activate_cpu(struct vcpu *vcpu) { (void)vcpu; return change(); }

int vm_suspend(struct vmctx *ctx, enum vm_suspend_how how)
{
	(void)ctx;
	fake->how = how;
	return change();
}

int vml_pause(struct vmctx *ctx) { (void)ctx; fake->paused = true; return change(); }
int vml_resume(struct vmctx *ctx) { (void)ctx; fake->paused = false; return change(); }

int vml_info(struct vmctx *ctx, struct vml_info *info)
{
	(void)ctx;
	memset(info, 0, sizeof(*info));
	info->flags = fake->paused ? VML_INFO_PAUSED : 0;
	return answer();
}

int vm_unassign_pptdev(struct vmctx *ctx, int bus, int slot, int func)
{
	(void)ctx;
	(void)bus;
	(void)slot;
	(void)func;
	return change();
}

int vm_run(struct vcpu *vcpu, struct vm_run *vmrun)
{
	(void)vcpu;
	memset(vmrun->vm_exit, 0, sizeof(*vmrun->vm_exit));
	vmrun->vm_exit->exitcode = VM_EXITCODE_INOUT;
	vmrun->vm_exit->rip = 0x1000;
	vmrun->vm_exit->inst_length = 2;
	vmrun->vm_exit->u.inout.port = 0x3f8;
	vmrun->vm_exit->u.inout.bytes = 1;
	return change();
}

/* --- running it -------------------------------------------------------- */

static char out[OUTPUT_MAX], err[OUTPUT_MAX];

static void file_read(int fd, char *text)
{
	ssize_t got = pread(fd, text, OUTPUT_MAX - 1, 0);

	text[got > 0 ? got : 0] = '\0';
	close(fd);
}

/* vmmctl with ARGV, in a process of its own. Its status, or minus the signal that ended it. */
static int run(int argc, char **argv)
{
	int out_fd = memfd_create("out", 0), err_fd = memfd_create("err", 0), status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		dup2(out_fd, STDOUT_FILENO);
		dup2(err_fd, STDERR_FILENO);
		exit(vmmctl(argc, argv));
	}
	waitpid(pid, &status, 0);
	file_read(out_fd, out);
	file_read(err_fd, err);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/* The same, with arguments in one string, a blank between them. */
static int command(const char *line)
{
	char words[4096], *argv[ARGS_MAX] = { "vmmctl" }, *word, *rest;
	int argc = 1, request_errno = fake->request_errno;

	memset(fake, 0, sizeof(*fake));
	fake->request_errno = request_errno;
	snprintf(words, sizeof(words), "%s", line);
	for (word = strtok_r(words, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest))
		argv[argc++] = word;
	argv[argc] = NULL;
	return run(argc, argv);
}

/* --- what is refused --------------------------------------------------- */

/* Command lines that end with status 1, change nothing, and say these words. */
static const struct { const char *line, *words; } refused[] = {
	{ "", "which machine?" },
	{ "--get-all", "which machine?" },
	{ "--json", "which machine?" },
	{ "--cpu=0", "which machine?" },
	{ "--vm=m", "what about the machine m?" },
	{ "--vm=m --json --cpu=1", "what about the machine m?" },
	{ "--vm", "requires an argument" },
	{ "--vm=", "1 to 229 bytes" },
	{ "--vm=a/b --create", "cannot have white space" },
	{ "--vm=../null --destroy", "cannot have white space" },
	{ "--vm=. --destroy", "cannot be a machine's name" },
	{ "--vm=.. --destroy", "cannot be a machine's name" },
	{ "--vm=a\tb --create", "cannot have white space" },
	{ "--vm=a\"b --create", "cannot have white space" },
	{ "--vm=a\nb --create", "cannot have white space" },
	{ "--vm=a!b --create", "cannot have white space" },
	{ "--vm=m --vm=n --get-all", "one machine at a time" },
	{ "--vm=nobody --get-all", "there is no machine" },
	{ "--vm=gone --get-all", "is being destroyed" },
	{ "--vm=denied --get-all", "no permission for the machine denied" },
	{ "--vm=m --frobnicate", "--help" },
	{ "--vm=m --get", "--help" },
	{ "--vm=m --get-all extra", "\"extra\" is no option" },
	{ "destroy", "\"destroy\" is no option" },
	{ "list extra", "\"extra\" is no option" },
	{ "-v", "--help" },
	{ "--vm=m --get-all=1", "--help" },
	{ "--vm=m --inject-nmi=1", "--help" },
	{ "--vm=m --set-rax", "requires an argument" },
	/* Numbers */
	{ "--vm=m --cpu= --get-rax", "--cpu=: that is no number" },
	{ "--vm=m --cpu=-1 --get-rax", "--cpu=-1: that is no number" },
	{ "--vm=m --cpu=1024 --get-rax", "Give 0 to 1023" },
	{ "--vm=m --cpu=+1 --get-rax", "--cpu=+1" },
	{ "--vm=m --cpu=1x --get-rax", "--cpu=1x" },
	{ "--vm=m --cpu=0x --get-rax", "--cpu=0x" },
	{ "--vm=m --cpu=09 --get-rax", "--cpu=09" },
	{ "--vm=m --cpu=1.5 --get-rax", "--cpu=1.5" },
	{ "--vm=m --cpu=\t1 --get-rax", "that is no number" },
	{ "--vm=m --cpu=99999999999999999999 --get-rax", "Give 0 to 1023" },
	{ "--vm=m --cpu=18446744073709551616 --get-rax", "Give 0 to 1023" },
	{ "--vm=m --cpu=4294967296 --get-rax", "Give 0 to 1023" },
	{ "--vm=m --set-rax=18446744073709551616", "--set-rax=18446744073709551616: that is no number" },
	{ "--vm=m --set-rax=-1", "--set-rax=-1" },
	{ "--vm=m --set-rax=", "--set-rax=: that is no number" },
	{ "--vm=m --set-rax=1 --set-rbx=z", "--set-rbx=z" },
	{ "--vm=m --desc-limit=0x100000000 --set-desc-cs", "--desc-limit=0x100000000" },
	{ "--vm=m --desc-access=-1 --set-desc-cs", "--desc-access=-1" },
	{ "--vm=m --setcap=2 --capname=hlt_exit", "--setcap=2" },
	{ "--vm=m --set-x2apic-state=2", "--set-x2apic-state=2" },
	{ "--vm=m --assert-lapic-lvt=7", "Give 0 to 6" },
	{ "--vm=m --assert-lapic-lvt=-1", "--assert-lapic-lvt=-1" },
	{ "--vm=m --set-rtc-time=9223372036854775808", "--set-rtc-time" },
	{ "--vm=m --set-rtc-time=1", "the guest is setting it itself" },
	{ "--vm=m --rtc-nvram-offset=128 --get-rtc-nvram", "Give 0 to 127" },
	{ "--vm=m --get-rtc-nvram", "Give --rtc-nvram-offset=N" },
	{ "--vm=m --set-rtc-nvram=1", "Give --rtc-nvram-offset=N" },
	{ "--vm=m --set-rtc-nvram=256 --rtc-nvram-offset=20", "Give 0 to 255" },
	{ "--vm=m --set-rtc-nvram=1 --rtc-nvram-offset=13", "one of the clock's registers" },
	{ "--vm=m --set-rtc-nvram=1 --rtc-nvram-offset=50", "one of the clock's registers" },
	{ "--vm=m --set-mem=0", "memory of nothing" },
	{ "--vm=m --set-mem=134217729", "--set-mem=134217729" },
	{ "--vm=m --set-mem=65", "another size" },
	{ "--vm=m --get-gpa-pmap=x", "--get-gpa-pmap=x" },
	/* Names and devices */
	{ "--vm=m --setcap=1", "which capability? Name it with --capname, one of: hlt_exit" },
	{ "--vm=m --setcap=1 --capname=frob", "there is no capability \"frob\"" },
	{ "--vm=m --getcap --capname=", "there is no capability \"\"" },
	{ "--vm=m --unassign-pptdev=1/2", "Give bus/slot/function in decimal" },
	{ "--vm=m --unassign-pptdev=1/2/3/4", "Give bus/slot/function in decimal" },
	{ "--vm=m --unassign-pptdev=1/2/8", "Give bus/slot/function in decimal" },
	{ "--vm=m --unassign-pptdev=1/32/0", "Give bus/slot/function in decimal" },
	{ "--vm=m --unassign-pptdev=256/0/0", "Give bus/slot/function in decimal" },
	{ "--vm=m --unassign-pptdev=-1/0/0", "Give bus/slot/function in decimal" },
	{ "--vm=m --unassign-pptdev=0x1/0/0", "Give bus/slot/function in decimal" },
	{ "--vm=m --unassign-pptdev=1/0/0x", "Give bus/slot/function in decimal" },
	{ "--vm=m --unassign-pptdev=99999999999/0/0", "Give bus/slot/function in decimal" },
	{ "--vm=m --unassign-pptdev=//", "Give bus/slot/function in decimal" },
	/* What this processor or this module does not have */
	{ "--vm=m --get-exit-reason", "a field of Intel's VMCS" },
	{ "--vm=m --get-guest-syscall", "a field of AMD's VMCB" },
	{ "--vm=m --get-guest-pat", "this processor does not have it" },
	{ "--vm=m --get-vmcs-procbased-ctls", "hold addresses of the host" },
	{ "--vm=m --get-host-cr3", "hold addresses of the host" },
	{ "--vm=m --get-vmcb-intercept", "hold addresses of the host" },
	{ "--vm=m --cpu=4 --get-rax", "there is no vCPU 4: the machine m can have 0 to 3" },
	/* Creation */
	{ "--vm=exists --create", "destroy it with \"vmmctl --vm=exists --destroy\"" },
	{ "--vm=noload --create", "modprobe vmm" },
	{ "--vm=denied --create", "usermod -aG vmm" },
	{ "--vm=nohw --create", "cannot run virtual machines" },
	{ "--vm=held --create", "modprobe -r kvm_amd" },
	{ "--vm=many --create", "sysctl hw.vmm.maxvmms" },
	{ "--vm=odd --create", "dmesg" },
};

static void test_refused(void)
{
	int status;

	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		status = command(refused[i].line);
		EXPECT(status == 1, "\"%s\": status %d: %s", refused[i].line, status, err);
		EXPECT(strstr(err, refused[i].words) != NULL, "\"%s\" says: %s", refused[i].line, err);
		EXPECT(strncmp(err, "vmmctl: ", 8) == 0, "\"%s\" says: %s", refused[i].line, err);
		EXPECT(err[0] != '\0' && err[strlen(err) - 1] == '\n', "\"%s\": no line end",
		       refused[i].line);
		EXPECT(fake->changes == 0 && fake->created == 0 && fake->destroyed == 0,
		       "\"%s\" changed something", refused[i].line);
	}
}

static void test_name_too_long(void)
{
	char line[600];

	snprintf(line, sizeof(line), "--vm=%0230d --create", 0);
	EXPECT(command(line) == 1 && fake->created == 0, "a name of 230 bytes: %s", err);
	EXPECT(strstr(err, "not 230") != NULL, "%s", err);
	snprintf(line, sizeof(line), "--vm=%0229d --create", 0);
	EXPECT(command(line) == 0 && fake->created == 1, "a name of 229 bytes: %s", err);
}

static void test_too_many_actions(void)
{
	char line[4096] = "--vm=m";

	for (int i = 0; i < 257; i++)
		strcat(line, " --set-rax=1");
	EXPECT(command(line) == 1 && fake->changes == 0, "257 actions: %s", err);
	EXPECT(strstr(err, "more than 256 actions") != NULL, "%s", err);
	line[strlen(line) - strlen(" --set-rax=1")] = '\0';
	EXPECT(command(line) == 0 && fake->changes == 256, "256 actions: %d, %s", fake->changes, err);
}

/* Whatever the kernel answers: status 1, and the errno in words of ours or the system's. */
static void test_kernel_errors(void)
{
	static const struct { int error; const char *words; } errors[] = {
		{ ENXIO, "has been destroyed meanwhile" }, { EIO, "is dead" },
		{ ENOTTY, "does not have that request" }, { EFAULT, "Bad address" },
		{ ENOMEM, "Cannot allocate memory" },
	};
	static const char *const lines[] = {
		"--get-all", "--get-stats", "--get-rax", "--set-rax=1", "--get-desc-cs", "--getcap",
		"--get-lowmem", "--get-memseg", "--get-gpa-pmap=0", "--get-active-cpus", "--get-intinfo",
		"--get-x2apic-state", "--get-rtc-time", "--inject-nmi", "--force-reset", "--run", "--pause", "--resume",
		"--assert-lapic-lvt=0", "--unassign-pptdev=1/0/0", "--activate-cpu",
	};
	char line[100];

	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		for (size_t j = 0; j < sizeof(lines) / sizeof(lines[0]); j++) {
			fake->request_errno = errors[i].error;
			snprintf(line, sizeof(line), "--vm=m %s", lines[j]);
			EXPECT(command(line) == 1, "%s: worked", line);
			EXPECT(strstr(err, errors[i].words) != NULL, "%s, errno %d: %s", line,
			       errors[i].error, err);
		}
	fake->request_errno = EALREADY;
	EXPECT(command("--vm=m --force-poweroff") == 1 && strstr(err, "stopping already") != NULL,
	       "%s", err);
	EXPECT(command("--vm=m --pause") == 1 && strstr(err, "paused already") != NULL, "%s", err);
	EXPECT(command("--vm=m --resume") == 1 && strstr(err, "is not paused") != NULL, "%s", err);
	fake->request_errno = EBUSY;
	EXPECT(command("--vm=m --activate-cpu") == 1 && strstr(err, "active already") != NULL, "%s",
	       err);
	fake->request_errno = EINVAL;
	EXPECT(command("--vm=m --run") == 1 && strstr(err, "--activate-cpu") != NULL, "%s", err);
	fake->request_errno = 0;
}

/* --- what is done ------------------------------------------------------ */

static void test_done(void)
{
	EXPECT(command("--vm=m --set-rax=0x10 --set-r15=18446744073709551615 --get-rax") == 0, "%s", err);
	EXPECT(fake->regs[VM_REG_GUEST_RAX] == 0x10 && fake->regs[VM_REG_GUEST_R15] == UINT64_MAX,
	       "registers");
	EXPECT(strcmp(out, "rax[0]\t\t0x0000000000000010\n") == 0, "%s", out);
	EXPECT(command("--vm=m --set-desc-cs --desc-base=0xf0000 --desc-limit=0xffff --desc-access=0x9b") == 0,
	       "%s", err);
	EXPECT(fake->desc_base == 0xf0000 && fake->desc_limit == 0xffff && fake->desc_access == 0x9b,
	       "descriptor");
	EXPECT(command("--vm=m --setcap=1 --capname=pause_exit") == 0 && fake->cap == VM_CAP_PAUSE_EXIT &&
	       fake->cap_value == 1, "%s", err);
	EXPECT(command("--vm=m --force-reset") == 0 && fake->how == VM_SUSPEND_RESET, "%s", err);
	EXPECT(command("--vm=m --force-poweroff") == 0 && fake->how == VM_SUSPEND_POWEROFF, "%s", err);
	EXPECT(command("--vm=m --pause") == 0 && fake->paused && fake->changes == 1, "%s", err);
	EXPECT(command("--vm=m --pause --resume") == 0 && !fake->paused && fake->changes == 2, "%s", err);
	EXPECT(command("--vm=m --inject-nmi --cpu=3") == 0 && fake->changes == 1, "%s", err);
	EXPECT(command("--vm=m --unassign-pptdev=255/31/7") == 0 && fake->changes == 1, "%s", err);
	EXPECT(command("--vm=m --set-mem=64") == 0 && fake->changes == 1, "%s", err);
	EXPECT(command("--vm=m --set-rtc-nvram=255 --rtc-nvram-offset=127") == 0 && fake->changes == 1, "%s",
	       err);
	EXPECT(command("--vm=new --create") == 0 && fake->created == 1 && fake->destroyed == 0, "%s", err);
	EXPECT(command("--vm=new --destroy --create --inject-nmi") == 0 && fake->created == 1 &&
	       fake->destroyed == 1 && fake->changes == 1, "%s", err);
	EXPECT(command("--vm=m --destroy --vm=m") == 0 && fake->destroyed == 1, "%s", err);
	EXPECT(command("--help") == 0 && strstr(out, "--inject-nmi") != NULL, "%s", err);
	EXPECT(command("--version") == 0 && strncmp(out, "vmmctl ", 7) == 0, "%s", err);
	EXPECT(command("--vm=m --get-vmcb-exit-details") == 0, "%s", err);
	EXPECT(strstr(out, "exitcode[0]") != NULL && strstr(out, "exitintinfo[0]") != NULL, "%s", out);
	EXPECT(command("--vm=m --run") == 0 && strstr(out, "inout (0), rip 0x0000000000001000") != NULL,
	       "%s", out);
	EXPECT(command("--vm=m --getcap") == 0 &&
	       strstr(out, "Capability \"hlt_exit\" is set on vcpu 0\n") != NULL &&
	       strstr(out, "Capability \"mtrap_exit\" is not available on vcpu 0\n") != NULL, "%s", out);
	/* An action that fails keeps what follows from happening, destruction too. */
	EXPECT(command("--vm=m --set-mem=65 --inject-nmi --destroy") == 1 && fake->changes == 0 &&
	       fake->destroyed == 0, "%s", err);
}

/* Nothing that only looks changes anything. */
static void test_looking_changes_nothing(void)
{
	EXPECT(command("--vm=m --get-all") == 0 && fake->changes == 0, "%s", err);
	for (const char *words = "rax[0]\0cs desc[0]\0lowmem\0highmem\0active cpus:\0cpu_topology\0x2apic_state\0"
				 "pending\0Capability\0vcpu0 stats:\0rtc time\0exitcode[0]\0tpr[0]\0gdtr[0]\0";
	     *words != '\0'; words += strlen(words) + 1)
		EXPECT(strstr(out, words) != NULL, "--get-all lacks %s", words);
}

/* --- JSON -------------------------------------------------------------- */

static struct json_object *json_of(const char *line)
{
	struct json_object *json;

	EXPECT(command(line) == 0, "%s: %s", line, err);
	json = json_tokener_parse(out);
	EXPECT(json != NULL, "%s: no JSON: %s", line, out);
	return json;
}

/* The text of the member that PATH leads to, "a.b" and "a[0]". */
static const char *member(struct json_object *json, const char *path)
{
	struct json_object *value = json;
	char copy[100], *part, *rest;

	snprintf(copy, sizeof(copy), "%s", path);
	for (part = strtok_r(copy, "/", &rest); part != NULL; part = strtok_r(NULL, "/", &rest)) {
		if (json_object_is_type(value, json_type_array))
			value = json_object_array_get_idx(value, (size_t)atoi(part));
		else if (!json_object_object_get_ex(value, part, &value))
			return "(missing)";
	}
	return value != NULL ? json_object_get_string(value) : "(null)";
}

static void test_json(void)
{
	static const struct { const char *path, *text; } members[] = {
		{ "vm", "m" }, { "vcpu", "1" }, { "registers/rax", "0x0000000000000000" },
		{ "descriptors/cs/limit", "65535" }, { "descriptors/cs/access", "0x0000000000000093" },
		{ "descriptors/gdtr/limit", "65535" }, { "descriptors/gdtr/access", "(missing)" },
		{ "lowmem/bytes", "1048576" }, { "highmem/bytes", "0" },
		{ "mappings/0/prot", "rwx" }, { "mappings/0/flags", "wired" },
		{ "segments/0/bytes", "1048576" }, { "segments/0/name", "(null)" },
		{ "active_cpus/1", "2" }, { "cpu_topology/maxcpus", "4" }, { "x2apic_state", "1" },
		{ "intinfo/interrupted", "0x0000000080000b0e" }, { "capabilities/hlt_exit", "true" },
		{ "capabilities/pause_exit", "false" }, { "capabilities/mtrap_exit", "(null)" },
		{ "stats/one", "1" }, { "stats/with \"quotes\" \\", "18446744073709551615" },
		{ "rtc_time/seconds", "86400" }, { "rtc_time/date", "1970-01-02 00:00:00 UTC" },
		{ "fields/exitcode", "0xffffffff80080070" },
	};
	struct json_object *json = json_of("--vm=m --cpu=1 --get-all --json");

	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		EXPECT(strcmp(member(json, members[i].path), members[i].text) == 0, "%s is %s, not %s",
		       members[i].path, member(json, members[i].path), members[i].text);
	json_object_put(json);
	json = json_of("--vm=m --get-gpa-pmap=0x1000 --run --get-rtc-nvram --rtc-nvram-offset=20 --json");
	EXPECT(strcmp(member(json, "gpa_pmap/entries/0"), "0x0000000000001000") == 0, "%s", out);
	EXPECT(strcmp(member(json, "exit/name"), "inout") == 0, "%s", out);
	EXPECT(strcmp(member(json, "rtc_nvram/value"), "20") == 0, "%s", out);
	json_object_put(json);
	json = json_of("list --json");
	EXPECT(strcmp(member(json, "vm"), "(missing)") == 0, "%s", out);
	json_object_put(json);
	/* Asked twice, there is one answer. */
	json = json_of("--vm=m --get-memmap --get-memmap --get-all --json");
	EXPECT(strcmp(member(json, "mappings/1/prot"), "(missing)") == 0, "%s", member(json, "mappings"));
	json_object_put(json);
}

/* Every option that answers does so in JSON too: nothing but the document on stdout. */
static void test_json_everywhere(void)
{
	char help[OUTPUT_MAX], line[200], *option, *rest;
	int options = 0;

	command("--help");
	strcpy(help, out);
	for (option = strtok_r(help, " \t\n", &rest); option != NULL; option = strtok_r(NULL, " \t\n", &rest)) {
		if (strncmp(option, "--get", 5) != 0 || strchr(option, '=') != NULL)
			continue;
		snprintf(line, sizeof(line), "--vm=m %s --json --rtc-nvram-offset=20", option);
		if (command(line) != 0)
			continue;
		options++;
		json_object_put(json_of(line));
		EXPECT(out[0] == '{' && strlen(out) > 40, "%s answers %s", line, out);
	}
	EXPECT(options >= 70, "only %d options answer", options);
}

/* --- random words ------------------------------------------------------ */

static const char *const fragments[] = {
	"--vm=m", "--vm=", "--vm", "m", "list", "--list", "--json", "--get-all", "--get-stats", "--cpu=0", "--cpu=3",
	"--cpu=9999999999999999999999", "--cpu=-0", "--cpu", "--set-rax=", "--set-rax=0x", "--set-rax=1", "--set-cr3=0xfffffffffffffffff",
	"--getcap", "--setcap=1", "--capname=hlt_exit", "--capname=%s%n", "--desc-base=1", "--set-desc-cs", "--set-gdtr", "--run",
	"--unassign-pptdev=1/0/0", "--unassign-pptdev=/", "--unassign-pptdev=%d/%d/%d", "--get-rtc-nvram", "--rtc-nvram-offset=127",
	"--rtc-nvram-offset=0xff", "--set-rtc-nvram=255", "--get-gpa-pmap=18446744073709551615", "--", "-", "---", "--=", "--get",
	"--set-mem=64", "--get-vmcs-link", "--get-vmcb-exit-details", "--inject-nmi", "--vm=%n%n%n%s", "\xff\xfe", "--vm=\xff\xfe",
	"--help", "--version", "",
};

static void test_random(void)
{
	unsigned int seed = 20240607;
	char *argv[12] = { "vmmctl" };

	for (int round = 0; round < 600; round++) {
		int argc = 1 + rand_r(&seed) % 10, status;

		memset(fake, 0, sizeof(*fake));
		for (int i = 1; i < argc; i++)
			argv[i] = (char *)(uintptr_t)fragments[(size_t)rand_r(&seed) %
							       (sizeof(fragments) / sizeof(fragments[0]))];
		argv[argc] = NULL;
		status = run(argc, argv);
		EXPECT(status == 0 || status == 1, "round %d: status %d: %s", round, status, err);
		EXPECT((status == 1) == (err[0] != '\0'), "round %d: status %d, message: %s", round, status, err);
	}
}

int main(void)
{
	fake = mmap(NULL, sizeof(*fake), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (fake == MAP_FAILED)
		return 1;
	test_refused();
	test_name_too_long();
	test_too_many_actions();
	test_kernel_errors();
	test_done();
	test_looking_changes_nothing();
	test_json();
	test_json_everywhere();
	test_random();
	printf("%d of %d checks failed\n", failures, checks);
	return failures != 0;
}
