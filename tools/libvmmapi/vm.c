// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Machines: creation, opening, destruction, and what concerns a machine as a whole. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <vmm_linux.h>

#include "internal.h"

#define SYSCTL_CREATE_PATH	"/proc/sys/hw/vmm/create"
#define SYSCTL_DESTROY_PATH	"/proc/sys/hw/vmm/destroy"

/* Closing a descriptor on an error path must not hide the error. */
static void close_quietly(int fd)
{
	int saved = errno;

	if (fd >= 0)
		close(fd);
	errno = saved;
}

static int sysctl_write(const char *path, const char *name)
{
	size_t len = strlen(name);
	ssize_t written;
	int fd;

	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	written = write(fd, name, len);
	close_quietly(fd);
	if (written < 0)
		return -1;
	if ((size_t)written != len) {
		errno = EIO;
		return -1;
	}
	return 0;
}

static int name_check(const char *name)
{
	size_t len = strlen(name);

	if (len > 0 && len <= VM_MAX_NAMELEN && strchr(name, '/') == NULL &&
	    strcmp(name, ".") != 0 && strcmp(name, "..") != 0)
		return 0;
	errno = EINVAL;
	return -1;
}

static int ctl_create(int ctl_fd, const char *name, uint32_t flags)
{
	struct vmmctl_vm_create arg;

	memset(&arg, 0, sizeof(arg));
	memcpy(arg.name, name, strlen(name) + 1);
	arg.flags = flags;
	return ioctl(ctl_fd, VMMCTL_VM_CREATE, &arg);
}

static int ctl_destroy(int ctl_fd, const char *name)
{
	struct vmmctl_vm_destroy arg;

	memset(&arg, 0, sizeof(arg));
	memcpy(arg.name, name, strlen(name) + 1);
	return ioctl(ctl_fd, VMMCTL_VM_DESTROY, &arg);
}

/* With FLAGS, *CTL_FD is the descriptor that the machine's life hangs on; without, -1. */
static int machine_create(const char *name, uint32_t flags, int *ctl_fd)
{
	int error, fd;

	*ctl_fd = -1;
	if (name_check(name) != 0)
		return -1;
	fd = open(VMM_CTL_PATH, O_RDWR | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT && flags == 0)
		return sysctl_write(SYSCTL_CREATE_PATH, name);
	if (fd < 0)
		return -1;
	error = ctl_create(fd, name, flags);
	if (error == 0 && flags != 0) {
		*ctl_fd = fd;
		return 0;
	}
	close_quietly(fd);
	return error;
}

static void machine_destroy(const char *name)
{
	int fd = open(VMM_CTL_PATH, O_RDWR | O_CLOEXEC);

	if (fd >= 0) {
		(void)ctl_destroy(fd, name);
		close(fd);
	} else {
		(void)sysctl_write(SYSCTL_DESTROY_PATH, name);
	}
}

int vm_create(const char *name)
{
	int ctl_fd;

	return machine_create(name, 0, &ctl_fd);
}

struct vmctx *vm_open(const char *name)
{
	char path[sizeof(VMM_DEV_PREFIX) + VM_MAX_NAMELEN];
	struct vmctx *ctx;

	if (name_check(name) != 0)
		return NULL;
	ctx = calloc(1, sizeof(*ctx));
	if (ctx == NULL)
		return NULL;
	ctx->ctl_fd = -1;
	ctx->lowmem_limit = LOWMEM_LIMIT_DEFAULT;
	strcpy(ctx->name, name);
	snprintf(path, sizeof(path), "%s%s", VMM_DEV_PREFIX, name);
	ctx->fd = open(path, O_RDWR | O_CLOEXEC);
	if (ctx->fd < 0) {
		free(ctx);
		return NULL;
	}
	return ctx;
}

/* A machine that was there before: opened, and reset if asked. */
static struct vmctx *existing_open(const char *name, int flags)
{
	struct vmctx *ctx = vm_open(name);
	int saved;

	if (ctx != NULL && (flags & VMMAPI_OPEN_REINIT) && vm_reinit(ctx) != 0) {
		saved = errno;
		vm_close(ctx);
		errno = saved;
		return NULL;
	}
	return ctx;
}

struct vmctx *vm_openf(const char *name, int flags)
{
	bool transient = flags & VMMAPI_OPEN_CREATE_DESTROY_ON_CLOSE;
	struct vmctx *ctx;
	int ctl_fd, saved;

	if (flags &
	    ~(VMMAPI_OPEN_CREATE | VMMAPI_OPEN_REINIT | VMMAPI_OPEN_CREATE_DESTROY_ON_CLOSE)) {
		errno = EINVAL;
		return NULL;
	}
	if (!(flags & VMMAPI_OPEN_CREATE))
		return existing_open(name, flags);
	if (machine_create(name, transient ? VMMCTL_CREATE_DESTROY_ON_CLOSE : 0, &ctl_fd) != 0) {
		if (errno == EEXIST && (flags & VMMAPI_OPEN_REINIT))
			return existing_open(name, flags);
		return NULL;
	}
	ctx = vm_open(name);
	if (ctx == NULL) {
		saved = errno;
		if (ctl_fd >= 0)
			close(ctl_fd);
		else
			machine_destroy(name);
		errno = saved;
		return NULL;
	}
	ctx->ctl_fd = ctl_fd;
	return ctx;
}

void vm_close(struct vmctx *ctx)
{
	close(ctx->fd);
	if (ctx->ctl_fd >= 0)
		close(ctx->ctl_fd);
	free(ctx);
}

void vm_destroy(struct vmctx *ctx)
{
	close(ctx->fd);
	if (ctx->ctl_fd >= 0) {
		(void)ctl_destroy(ctx->ctl_fd, ctx->name);
		close(ctx->ctl_fd);
	} else {
		machine_destroy(ctx->name);
	}
	free(ctx);
}

int vm_limit_rights(struct vmctx *ctx)
{
	(void)ctx;
	return 0;
}

int vm_get_device_fd(struct vmctx *ctx)
{
	return ctx->fd;
}

static const cap_ioctl_t monitor_ioctls[] = {
	VM_RUN,
	VM_SUSPEND,
	VM_REINIT,
	VM_ALLOC_MEMSEG,
	VM_GET_MEMSEG,
	VM_MMAP_MEMSEG,
	VM_MUNMAP_MEMSEG,
	VM_MMAP_GETNEXT,
	VM_SET_REGISTER,
	VM_GET_REGISTER,
	VM_SET_SEGMENT_DESCRIPTOR,
	VM_GET_SEGMENT_DESCRIPTOR,
	VM_SET_REGISTER_SET,
	VM_GET_REGISTER_SET,
	VM_SET_KERNEMU_DEV,
	VM_GET_KERNEMU_DEV,
	VM_INJECT_EXCEPTION,
	VM_LAPIC_IRQ,
	VM_LAPIC_LOCAL_IRQ,
	VM_LAPIC_MSI,
	VM_IOAPIC_ASSERT_IRQ,
	VM_IOAPIC_DEASSERT_IRQ,
	VM_IOAPIC_PULSE_IRQ,
	VM_IOAPIC_PINCOUNT,
	VM_ISA_ASSERT_IRQ,
	VM_ISA_DEASSERT_IRQ,
	VM_ISA_PULSE_IRQ,
	VM_ISA_SET_IRQ_TRIGGER,
	VM_SET_CAPABILITY,
	VM_GET_CAPABILITY,
	VM_BIND_PPTDEV,
	VM_UNBIND_PPTDEV,
	VM_MAP_PPTDEV_MMIO,
	VM_PPTDEV_MSI,
	VM_PPTDEV_MSIX,
	VM_UNMAP_PPTDEV_MMIO,
	VM_PPTDEV_DISABLE_MSIX,
	VM_INJECT_NMI,
	VM_STATS,
	VM_STAT_DESC,
	VM_SET_X2APIC_STATE,
	VM_GET_X2APIC_STATE,
	VM_GET_HPET_CAPABILITIES,
	VM_GET_GPA_PMAP,
	VM_GLA2GPA,
	VM_GLA2GPA_NOFAULT,
	VM_ACTIVATE_CPU,
	VM_GET_CPUS,
	VM_SUSPEND_CPU,
	VM_RESUME_CPU,
	VM_SET_INTINFO,
	VM_GET_INTINFO,
	VM_RTC_WRITE,
	VM_RTC_READ,
	VM_RTC_SETTIME,
	VM_RTC_GETTIME,
	VM_RESTART_INSTRUCTION,
	VM_SET_TOPOLOGY,
	VM_GET_TOPOLOGY,
	VM_SNAPSHOT_REQ,
	VM_RESTORE_TIME,
};

const cap_ioctl_t *vm_get_ioctls(size_t *len)
{
	if (len == NULL)
		return monitor_ioctls;
	*len = sizeof(monitor_ioctls) / sizeof(monitor_ioctls[0]);
	return NULL;
}

const char *vm_get_name(struct vmctx *ctx)
{
	return ctx->name;
}

int vm_suspend(struct vmctx *ctx, enum vm_suspend_how how)
{
	struct vm_suspend arg = { .how = how };

	return ioctl(ctx->fd, VM_SUSPEND, &arg);
}

int vm_reinit(struct vmctx *ctx)
{
	return ioctl(ctx->fd, VM_REINIT, 0);
}

int vm_apicid2vcpu(struct vmctx *ctx, int apicid)
{
	(void)ctx;
	return apicid;
}

int vm_set_topology(struct vmctx *ctx, uint16_t sockets, uint16_t cores, uint16_t threads,
		    uint16_t maxcpus)
{
	struct vm_cpu_topology arg = {
		.sockets = sockets, .cores = cores, .threads = threads, .maxcpus = maxcpus
	};

	return ioctl(ctx->fd, VM_SET_TOPOLOGY, &arg);
}

int vm_get_topology(struct vmctx *ctx, uint16_t *sockets, uint16_t *cores, uint16_t *threads,
		    uint16_t *maxcpus)
{
	struct vm_cpu_topology arg = { 0 };

	if (ioctl(ctx->fd, VM_GET_TOPOLOGY, &arg) != 0)
		return -1;
	*sockets = arg.sockets;
	*cores = arg.cores;
	*threads = arg.threads;
	*maxcpus = arg.maxcpus;
	return 0;
}

static int cpus_get(struct vmctx *ctx, int which, cpuset_t *cpus)
{
	struct vm_cpuset arg = { .which = which, .cpusetsize = sizeof(*cpus), .cpus = cpus };

	return ioctl(ctx->fd, VM_GET_CPUS, &arg);
}

int vm_active_cpus(struct vmctx *ctx, cpuset_t *cpus)
{
	return cpus_get(ctx, VM_ACTIVE_CPUS, cpus);
}

int vm_suspended_cpus(struct vmctx *ctx, cpuset_t *cpus)
{
	return cpus_get(ctx, VM_SUSPENDED_CPUS, cpus);
}

int vm_debug_cpus(struct vmctx *ctx, cpuset_t *cpus)
{
	return cpus_get(ctx, VM_DEBUG_CPUS, cpus);
}

int vm_suspend_all_cpus(struct vmctx *ctx)
{
	struct vm_activate_cpu arg = { .vcpuid = -1 };

	return ioctl(ctx->fd, VM_SUSPEND_CPU, &arg);
}

int vm_resume_all_cpus(struct vmctx *ctx)
{
	struct vm_activate_cpu arg = { .vcpuid = -1 };

	return ioctl(ctx->fd, VM_RESUME_CPU, &arg);
}
