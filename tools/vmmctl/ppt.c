// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * vmmctl ppt: which devices can be given to machines, and moving them between the host's drivers
 * and ppt. All of it is done in sysfs, as with echo; what this adds are the checks beforehand and the way back when a step fails.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../src/iommu/pptdevs.h"

#include "complain.h"
#include "session.h"

#define DEVICES		"/sys/bus/pci/devices"
#define TEXT_MAX	256
#define NAME_BYTES	64
#define DEPTH_MAX	8		/* of device mapper targets on each other */

struct device {
	char	name[NAME_BYTES];	/* as 0000:01:00.0 */
	char	path[PATH_MAX];		/* in /sys/devices */
	char	driver[NAME_BYTES];	/* empty: none */
	char	override[NAME_BYTES];
	char	group[NAME_BYTES];	/* empty: no IOMMU */
};

/* ---- sysfs ---- */

/* First line of DIR/NAME; empty if there is none. */
static void attr_read(char text[TEXT_MAX], const char *dir, const char *name)
{
	char path[PATH_MAX + TEXT_MAX];
	FILE *file;

	text[0] = '\0';
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	file = fopen(path, "re");
	if (file == NULL)
		return;
	if (fgets(text, TEXT_MAX, file) == NULL)
		text[0] = '\0';
	text[strcspn(text, "\n")] = '\0';
	fclose(file);
}

static int attr_write(const char *dir, const char *name, const char *text)
{
	char path[PATH_MAX + TEXT_MAX];
	ssize_t done;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	done = write(fd, text, strlen(text));
	close(fd);
	return done == (ssize_t)strlen(text) ? 0 : -1;
}

/* Last part of what the link DIR/NAME points to; empty if there is none. */
static void link_read(char *text, size_t size, const char *dir, const char *name)
{
	char path[PATH_MAX + TEXT_MAX], target[PATH_MAX];
	const char *last;
	ssize_t len;

	text[0] = '\0';
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	len = readlink(path, target, sizeof(target) - 1);
	if (len <= 0)
		return;
	target[len] = '\0';
	last = strrchr(target, '/');
	snprintf(text, size, "%.63s", last != NULL ? last + 1 : target);
}

static void state_read(struct device *device)
{
	char text[TEXT_MAX];

	link_read(device->driver, sizeof(device->driver), device->path, "driver");
	link_read(device->group, sizeof(device->group), device->path, "iommu_group");
	attr_read(text, device->path, "driver_override");
	snprintf(device->override, sizeof(device->override), "%.63s", strcmp(text, "(null)") == 0 ? "" : text);
}

/* 0, or -1 if there is no such device. */
static int device_open(struct device *device, const char *name)
{
	char path[PATH_MAX];

	snprintf(device->name, sizeof(device->name), "%.63s", name);
	snprintf(path, sizeof(path), DEVICES "/%.63s", name);
	if (realpath(path, device->path) == NULL)
		return -1;
	state_read(device);
	return 0;
}

static int device_find(struct device *device, const char *text)
{
	struct pptdevs_entry entry;
	const char *cursor = text;
	char name[NAME_BYTES];

	if (pptdevs_next(&cursor, &entry) != 1 || *cursor != '\0')
		return complain("\"%s\" is no PCI function: give bus/slot/func in decimal, or [domain:]bus:slot.func in hexadecimal as lspci does",
				text);
	snprintf(name, sizeof(name), "%04x:%02x:%02x.%x", entry.domain, entry.bus, entry.slot, entry.func);
	if (device_open(device, name) != 0)
		return complain("there is no device %s; lspci lists what there is", name);
	return 0;
}

/* ---- what speaks against it ---- */

static bool is_bridge(const struct device *device)
{
	char text[TEXT_MAX];

	attr_read(text, device->path, "class");
	return strncmp(text, "0x06", 4) == 0;
}

/* The block device at DIR, in /sys, stands on DEVICE: by itself, or by what it is made of. */
static bool block_stands_on(const char *dir, const struct device *device, int depth)
{
	char path[PATH_MAX], slaves[PATH_MAX + 8], slave[PATH_MAX + TEXT_MAX + 8];
	struct dirent *entry;
	bool found = false;
	DIR *list;

	if (realpath(dir, path) == NULL || depth == 0)
		return false;
	if (strncmp(path, device->path, strlen(device->path)) == 0 && path[strlen(device->path)] == '/')
		return true;
	snprintf(slaves, sizeof(slaves), "%s/slaves", path);
	list = opendir(slaves);
	while (list != NULL && !found && (entry = readdir(list)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(slave, sizeof(slave), "%s/%s", slaves, entry->d_name);
		found = block_stands_on(slave, device, depth - 1);
	}
	if (list != NULL)
		closedir(list);
	return found;
}

/* A file system on DEVICE: where it is mounted. */
static bool mounted_on(const struct device *device, char *where, size_t size)
{
	char line[4 * PATH_MAX], dir[PATH_MAX], mount[PATH_MAX], number[NAME_BYTES];
	FILE *file = fopen("/proc/self/mountinfo", "re");
	bool found = false;

	while (file != NULL && !found && fgets(line, sizeof(line), file) != NULL) {
		if (sscanf(line, "%*s %*s %63s %*s %4095s", number, mount) != 2)
			continue;
		snprintf(dir, sizeof(dir), "/sys/dev/block/%s", number);
		found = block_stands_on(dir, device, DEPTH_MAX);
	}
	if (file != NULL)
		fclose(file);
	if (found)
		snprintf(where, size, "mounted %.*s", (int)size - 16, mount);
	return found;
}

static bool swapped_on(const struct device *device, char *where, size_t size)
{
	char line[PATH_MAX + TEXT_MAX], name[PATH_MAX], dir[PATH_MAX + 32];
	FILE *file = fopen("/proc/swaps", "re");
	bool found = false;

	while (file != NULL && !found && fgets(line, sizeof(line), file) != NULL) {
		if (sscanf(line, "/dev/%4000s", name) != 1)
			continue;
		snprintf(dir, sizeof(dir), "/sys/class/block/%s", name);
		found = block_stands_on(dir, device, DEPTH_MAX);
	}
	if (file != NULL)
		fclose(file);
	if (found)
		snprintf(where, size, "swap space");
	return found;
}

/* Network interface NAME is DEVICE's, or is made of one that is. */
static bool net_stands_on(const char *name, const struct device *device, int depth)
{
	char dir[PATH_MAX], path[PATH_MAX];
	struct dirent *entry;
	bool found = false;
	DIR *list;

	snprintf(dir, sizeof(dir), "/sys/class/net/%.255s", name);
	if (depth == 0 || realpath(dir, path) == NULL)
		return false;
	if (strncmp(path, device->path, strlen(device->path)) == 0 && path[strlen(device->path)] == '/')
		return true;
	list = opendir(path);
	while (list != NULL && !found && (entry = readdir(list)) != NULL)
		if (strncmp(entry->d_name, "lower_", 6) == 0)
			found = net_stands_on(entry->d_name + 6, device, depth - 1);
	if (list != NULL)
		closedir(list);
	return found;
}

static bool routed_through(const struct device *device, char *where, size_t size)
{
	FILE *file = fopen("/proc/net/route", "re");
	char line[TEXT_MAX], name[NAME_BYTES];
	unsigned int destination, mask;
	bool found = false;

	while (file != NULL && !found && fgets(line, sizeof(line), file) != NULL) {
		if (sscanf(line, "%63s %x %*s %*s %*s %*s %*s %x", name, &destination, &mask) == 3 &&
		    destination == 0 && mask == 0)
			found = net_stands_on(name, device, DEPTH_MAX);
	}
	if (file != NULL)
		fclose(file);
	if (found)
		snprintf(where, size, "the default route, by %s", name);
	return found;
}

/* Another member of DEVICE's group that a host driver has. */
static bool group_shared(const struct device *device, char *why, size_t size)
{
	char dir[PATH_MAX + 32];
	struct device member;
	struct dirent *entry;
	bool found = false;
	DIR *list;

	snprintf(dir, sizeof(dir), "%s/iommu_group/devices", device->path);
	list = opendir(dir);
	while (list != NULL && !found && (entry = readdir(list)) != NULL) {
		if (entry->d_name[0] == '.' || strcmp(entry->d_name, device->name) == 0 ||
		    device_open(&member, entry->d_name) != 0)
			continue;
		found = member.driver[0] != '\0' && strcmp(member.driver, "ppt") != 0 &&
			strcmp(member.driver, "pcieport") != 0 && strcmp(member.driver, "vfio-pci") != 0;
		if (found)
			snprintf(why, size, "IOMMU group %s also contains %s (%s)", device->group, member.name,
				 member.driver);
	}
	if (list != NULL)
		closedir(list);
	return found;
}

/* Why a machine cannot have DEVICE, whoever has it now. */
static bool is_unfit(const struct device *device, char *why, size_t size)
{
	if (is_bridge(device)) {
		snprintf(why, size, "it is a bridge");
		return true;
	}
	if (device->group[0] == '\0') {
		snprintf(why, size, "no IOMMU: enable VT-d or AMD-Vi in the firmware, or boot with intel_iommu=on");
		return true;
	}
	return group_shared(device, why, size);
}

static bool is_needed(const struct device *device, char *why, size_t size)
{
	return mounted_on(device, why, size) || swapped_on(device, why, size) ||
	       routed_through(device, why, size);
}

/* ---- list ---- */

static void device_show(const struct device *device)
{
	char vendor[TEXT_MAX], id[TEXT_MAX], reset[TEXT_MAX], machine[TEXT_MAX], why[TEXT_MAX] = "";

	attr_read(vendor, device->path, "vendor");
	attr_read(id, device->path, "device");
	attr_read(reset, device->path, "reset_method");
	attr_read(machine, device->path, "ppt_vm");
	if (machine[0] != '\0')
		snprintf(why, sizeof(why), "in use by machine %.200s", machine);
	else if (!is_unfit(device, why, sizeof(why)) && !is_needed(device, why, sizeof(why)))
		snprintf(why, sizeof(why), strcmp(device->driver, "ppt") == 0 ? "ready" : "can be attached");
	printf("%-13s %.4s:%.4s %-12s %-6s %-12s %s\n", device->name, vendor + 2, id + 2,
	       device->driver[0] != '\0' ? device->driver : "-", device->group[0] != '\0' ? device->group : "-",
	       reset[0] != '\0' ? reset : "none", why);
}

static int name_compare(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int list(void)
{
	struct dirent **names;
	struct device device;
	int count = scandir(DEVICES, &names, NULL, name_compare);

	if (count < 0)
		return complain(DEVICES ": %s", strerror(errno));
	printf("%-13s %-9s %-12s %-6s %-12s %s\n", "DEVICE", "ID", "DRIVER", "GROUP", "RESET", "STATE");
	for (int i = 0; i < count; i++) {
		if (names[i]->d_name[0] != '.' && device_open(&device, names[i]->d_name) == 0 &&
		    !is_bridge(&device))
			device_show(&device);
		free(names[i]);
	}
	free(names);
	return 0;
}

/* ---- attach and detach ---- */

static bool dry_run;

/* One step, by the name of what it writes where. */
static int step(const char *dir, const char *name, const char *text)
{
	printf("echo %s > %s/%s\n", text[0] == '\n' ? "" : text, dir, name);
	if (dry_run || attr_write(dir, name, text) == 0)
		return 0;
	return complain("that failed: %s", strerror(errno));
}

/* To the driver that OVERRIDE leads to ("\n": any), away from the one that has it. */
static int move(struct device *device, const char *override)
{
	char driver[PATH_MAX + 8];

	if (step(device->path, "driver_override", override) != 0)
		return -1;
	snprintf(driver, sizeof(driver), "%s/driver", device->path);
	if (device->driver[0] != '\0' && step(driver, "unbind", device->name) != 0)
		return -1;
	if (step("/sys/bus/pci", "drivers_probe", device->name) != 0)
		return -1;
	if (!dry_run)
		state_read(device);
	return 0;
}

static int back(struct device *device, const struct device *before)
{
	complain("%s goes back to %s", device->name, before->driver[0] != '\0' ? before->driver : "no driver");
	state_read(device);
	(void)move(device, before->override[0] != '\0' ? before->override : "\n");
	return -1;
}

static int attach(const char *text)
{
	struct device device, before;
	char why[TEXT_MAX];

	if (device_find(&device, text) != 0)
		return -1;
	if (strcmp(device.driver, "ppt") == 0) {
		printf("%s is attached already\n", device.name);
		return 0;
	}
	if (is_unfit(&device, why, sizeof(why)))
		return complain("%s cannot be given to a machine: %s", device.name, why);
	if (is_needed(&device, why, sizeof(why)))
		return complain("%s is in use by %s (%s): free it first", device.name, device.driver, why);
	if (access("/sys/bus/pci/drivers/ppt", F_OK) != 0)
		return complain("vmm.ko is not loaded: there is no driver ppt. Try \"modprobe vmm\"");
	before = device;
	if (move(&device, "ppt") != 0)
		return dry_run ? -1 : back(&device, &before);
	if (!dry_run && strcmp(device.driver, "ppt") != 0) {
		complain("%s did not bind to ppt; \"dmesg\" may tell why", device.name);
		return back(&device, &before);
	}
	return 0;
}

static int detach(const char *text)
{
	char machine[TEXT_MAX];
	struct device device;

	if (device_find(&device, text) != 0)
		return -1;
	if (strcmp(device.driver, "ppt") != 0 && strcmp(device.override, "ppt") != 0)
		return complain("%s is not attached", device.name);
	attr_read(machine, device.path, "ppt_vm");
	if (machine[0] != '\0')
		return complain("%s is in use by machine %s: end that first, or \"vmmctl --vm=%s --unassign-pptdev=...\"",
				device.name, machine, machine);
	if (move(&device, "\n") != 0)
		return -1;
	if (!dry_run)
		printf("%s: driver %s\n", device.name, device.driver[0] != '\0' ? device.driver : "none");
	return 0;
}

static int usage(FILE *out, int status)
{
	fputs("usage: vmmctl ppt list\n"
	      "       vmmctl ppt [-n] attach DEVICE\n"
	      "       vmmctl ppt [-n] detach DEVICE\n"
	      "\n"
	      "DEVICE is bus/slot/func in decimal, or [domain:]bus:slot.func in hexadecimal.\n"
	      "  -n, --dry-run    check, and say what would be done\n", out);
	return status;
}

int ppt_main(int argc, char **argv)
{
	int at = 1;

	for (; at < argc && argv[at][0] == '-'; at++) {
		if (strcmp(argv[at], "-h") == 0 || strcmp(argv[at], "--help") == 0)
			return usage(stdout, 0);
		if (strcmp(argv[at], "-n") != 0 && strcmp(argv[at], "--dry-run") != 0)
			return usage(stderr, 1);
		dry_run = true;
	}
	if (argc - at == 1 && strcmp(argv[at], "list") == 0)
		return list() == 0 ? 0 : 1;
	if (argc - at == 2 && strcmp(argv[at], "attach") == 0)
		return attach(argv[at + 1]) == 0 ? 0 : 1;
	if (argc - at == 2 && strcmp(argv[at], "detach") == 0)
		return detach(argv[at + 1]) == 0 ? 0 : 1;
	return usage(stderr, 1);
}
