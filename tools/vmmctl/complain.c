// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <vmm_linux.h>

#include "complain.h"

#define SEE_LOG		"\"dmesg | grep vmm:\" tells why"
#define LOAD_IT		"vmm.ko is not loaded. Try \"modprobe vmm\", or \"insmod vmm.ko\""

int complain(const char *format, ...)
{
	va_list args;

	fputs("vmmctl: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	return -1;
}

int number_parse(const char *option, const char *text, uint64_t max, uint64_t *value)
{
	unsigned long number;
	char *end;

	errno = 0;
	number = strtoul(text, &end, 0);
	if (!isdigit((unsigned char)text[0]) || *end != '\0' || errno != 0 || number > max)
		return complain(
			"--%s=%s: that is no number this option takes. Give 0 to %lu, or in hexadecimal 0x0 to %#lx",
			option, text, (unsigned long)max, (unsigned long)max);
	*value = number;
	return 0;
}

static bool module_loaded(void)
{
	return access(VMM_CTL_PATH, F_OK) == 0 || access("/proc/sys/hw/vmm", F_OK) == 0;
}

/* The machine's vCPU limit, or 0 if that is not to be had. */
static int cpus_max(const struct session *session)
{
	uint16_t sockets, cores, threads, max = 0;

	if (vm_get_topology(session->ctx, &sockets, &cores, &threads, &max) != 0)
		return 0;
	return max;
}

int request_failed(const struct session *session, const char *what)
{
	int error = errno, max;

	switch (error) {
	case ENXIO:
		return complain("%s: the machine %s has been destroyed meanwhile", what, session->name);
	case EIO:
		return complain("%s: the machine %s is dead; " SEE_LOG ". Destroy it with --destroy",
				what, session->name);
	case ENOTTY:
		return complain("%s: this vmm.ko does not have that request", what);
	case EINVAL:
		max = cpus_max(session);
		if (max > 0 && session->cpu >= max)
			return complain("%s: there is no vCPU %d: the machine %s can have 0 to %d",
					what, session->cpu, session->name, max - 1);
		break;
	default:
		break;
	}
	return complain("%s: %s", what, strerror(error));
}

int create_failed(const char *name)
{
	switch (errno) {
	case EEXIST:
		return complain(
			"there is a machine called %s already. Take another name, or destroy it with \"vmmctl --vm=%s --destroy\"",
			name, name);
	case ENOENT:
	case ENODEV:
		return complain("cannot create %s: " LOAD_IT, name);
	case EACCES:
	case EPERM:
		return complain(
			"cannot create %s: no permission for " VMM_CTL_PATH
			". Add yourself to the group vmm (\"usermod -aG vmm USER\", then log in again), or be root",
			name);
	case ENXIO:
		return complain(
			"cannot create %s: this host cannot run virtual machines. " SEE_LOG, name);
	case EBUSY:
		return complain(
			"cannot create %s: another hypervisor holds the processor's virtualization. " SEE_LOG
			"; with KVM, try \"modprobe -r kvm_amd\" or \"modprobe -r kvm_intel\"",
			name);
	case ENOMEM:
		return complain(
			"cannot create %s: no memory, or too many machines of yours. " SEE_LOG
			"; destroy one, or raise \"sysctl hw.vmm.maxvmms\"",
			name);
	case EINVAL:
		return complain("\"%s\" cannot be a machine's name: it becomes a file in /dev/vmm",
				name);
	default:
		return complain("cannot create %s: %s. " SEE_LOG, name, strerror(errno));
	}
}

static int open_refused(const char *name)
{
	char path[sizeof(VMM_DEV_PREFIX) + VM_MAX_NAMELEN];
	struct stat node;

	snprintf(path, sizeof(path), "%s%s", VMM_DEV_PREFIX, name);
	if (stat(path, &node) != 0)
		return complain("no permission for the machine %s. Be its owner, or root", name);
	return complain("no permission for the machine %s, which belongs to uid %u. Be that user, or root",
			name, (unsigned int)node.st_uid);
}

int open_failed(const char *name)
{
	switch (errno) {
	case ENOENT:
		if (!module_loaded())
			return complain("there is no machine %s: " LOAD_IT, name);
		return complain("there is no machine called %s. \"vmmctl list\" lists them", name);
	case ENXIO:
		return complain("the machine %s is being destroyed", name);
	case EACCES:
	case EPERM:
		return open_refused(name);
	default:
		return complain("cannot open the machine %s: %s", name, strerror(errno));
	}
}

int name_check(const char *name)
{
	size_t len = strlen(name);
	const char *c;

	if (len == 0 || len > VM_MAX_NAMELEN)
		return complain("a machine's name has 1 to %d bytes, not %zu", VM_MAX_NAMELEN, len);
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return complain("\"%s\" cannot be a machine's name: it becomes a file in /dev/vmm",
				name);
	for (c = name; *c != '\0'; c++)
		if (iscntrl((unsigned char)*c) || isspace((unsigned char)*c) || strchr("/\"!\\", *c))
			return complain(
				"a machine's name cannot have white space, control characters, /, \", ! or \\ in it: it becomes a file in /dev/vmm");
	return 0;
}
