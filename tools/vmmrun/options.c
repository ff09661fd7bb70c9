// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vmlapi.h>

#include "complain.h"
#include "options.h"

#define MEMORY_DEFAULT	(512UL << 20)
#define MEMORY_MIN	(8UL << 20)
#define MEMORY_MAX	(1UL << 46)		/* guest-physical addresses end at 47 bits */
#define CMDLINE_DEFAULT	"console=ttyS0"

static const char usage_text[] =
	"usage: vmmrun [options] -k KERNEL NAME\n"
	"       vmmrun [options] --restore FILE [NAME]\n"
	"Runs a virtual machine called NAME from a Linux kernel, with this terminal as its serial port.\n"
	"\n"
	"  -c, --cpus N          number of virtual processors (1)\n"
	"  -m, --memory SIZE     memory, as 512M or 3G (512M)\n"
	"  -k, --kernel FILE     bzImage (vmlinuz), or ELF kernel with a PVH entry (vmlinux)\n"
	"  -i, --initrd FILE     initial ramdisk\n"
	"  -a, --append TEXT     kernel command line (" CMDLINE_DEFAULT ")\n"
	"  -x, --x2apic          local APICs in x2APIC mode\n"
	"  -w, --ignore-msrs     unknown MSRs read 0 and ignore writes, instead of a fault in the guest\n"
	"      --plain           show the guest what FreeBSD's vmm shows: no clock of its own, shorter CPUID\n"
	"      --passthru B/S/F  give the guest the host's PCI function; also as [DDDD:]BB:DD.F; up to 8 times\n"
	"      --save FILE       Ctrl-A s, or SIGUSR2, saves the machine to FILE and ends it\n"
	"      --restore FILE    go on with a machine that was saved; no -k, -i, -a, -c, -m, -x, -w or --plain\n"
	"      --stats           print the machine's statistics at its end\n"
	"      --keep            leave the machine in place at its end, for \"vmmctl --vm=NAME\"\n"
	"      --dump-acpi DIR   write the ACPI tables to files in DIR, and run nothing\n"
	"  -h, --help            this text\n"
	"  -V, --version\n"
	"\n"
	"Keys: Ctrl-A x ends the machine, Ctrl-A p presses its power button, Ctrl-A h tells the others.\n"
	"Exit status: 0 guest reset, 1 power-off, 2 halt, 3 triple fault, 4 error, 5 saved.\n";

enum { OPTION_PLAIN = 128, OPTION_STATS = 256, OPTION_KEEP, OPTION_DUMP_ACPI, OPTION_SAVE, OPTION_RESTORE, OPTION_PASSTHRU };

static const char short_options[] = "+c:m:k:i:a:xwhV";

static const struct option long_options[] = {
	{ "cpus", required_argument, NULL, 'c' },
	{ "memory", required_argument, NULL, 'm' },
	{ "kernel", required_argument, NULL, 'k' },
	{ "initrd", required_argument, NULL, 'i' },
	{ "append", required_argument, NULL, 'a' },
	{ "x2apic", no_argument, NULL, 'x' },
	{ "ignore-msrs", no_argument, NULL, 'w' },
	{ "plain", no_argument, NULL, OPTION_PLAIN },
	{ "stats", no_argument, NULL, OPTION_STATS },
	{ "keep", no_argument, NULL, OPTION_KEEP },
	{ "save", required_argument, NULL, OPTION_SAVE },
	{ "restore", required_argument, NULL, OPTION_RESTORE },
	{ "passthru", required_argument, NULL, OPTION_PASSTHRU },
	{ "dump-acpi", required_argument, NULL, OPTION_DUMP_ACPI },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};

static int cpus_parse(struct options *options, const char *text)
{
	char *end;
	long cpus = strtol(text, &end, 10);

	if (end == text || *end != '\0' || cpus < 1 || cpus > VM_MAXCPU)
		return complain("\"%s\" is no number of processors: give 1 to %d", text, VM_MAXCPU);
	options->cpus = (int)cpus;
	return 0;
}

static int memory_parse(struct options *options, const char *text)
{
	size_t memory;

	if (vm_parse_memsize(text, &memory) != 0)
		return complain(
			"\"%s\" is no memory size: give a number with M or G, as 512M or 3G", text);
	if (memory < MEMORY_MIN)
		return complain(
			"%zu KiB of memory are too little for a Linux kernel: give at least %luM",
			memory >> 10, MEMORY_MIN >> 20);
	if (memory > MEMORY_MAX)
		return complain("%s of memory is more than a guest can address: give at most %luT",
				text, MEMORY_MAX >> 40);
	if (memory % 4096 != 0)
		return complain("%s of memory is not a multiple of 4K pages: round it", text);
	options->memory = memory;
	return 0;
}

static int passthru_take(struct options *options, const char *text)
{
	if (options->passthru_count == PASSTHRU_MAX)
		return complain("more than %d devices with --passthru", PASSTHRU_MAX);
	return passthru_parse(text, &options->passthru[options->passthru_count++]);
}

static int option_take(struct options *options, int option, const char *arg)
{
	options->shaped |= option < OPTION_STATS;
	switch (option) {
	case 'c':
		return cpus_parse(options, arg);
	case 'm':
		return memory_parse(options, arg);
	case 'k':
		options->kernel = arg;
		return 0;
	case 'i':
		options->initrd = arg;
		return 0;
	case 'a':
		options->cmdline = arg;
		return 0;
	case 'x':
		options->x2apic = true;
		return 0;
	case 'w':
		options->ignore_msrs = true;
		return 0;
	case OPTION_PLAIN:
		options->features = 0;
		return 0;
	case OPTION_STATS:
		options->stats = true;
		return 0;
	case OPTION_KEEP:
		options->keep = true;
		return 0;
	case OPTION_SAVE:
		options->save = arg;
		return 0;
	case OPTION_RESTORE:
		options->restore = arg;
		return 0;
	case OPTION_PASSTHRU:
		return passthru_take(options, arg);
	case OPTION_DUMP_ACPI:
		options->dump_acpi = arg;
		return 0;
	default:
		return complain("\"vmmrun --help\" lists the options");
	}
}

static int name_check(const char *name)
{
	size_t len = strlen(name);

	if (len == 0 || len > VM_MAX_NAMELEN)
		return complain("a machine's name has 1 to %d bytes", VM_MAX_NAMELEN);
	if (strpbrk(name, "/\" \t\r\n\v\f") != NULL || strcmp(name, ".") == 0 ||
	    strcmp(name, "..") == 0)
		return complain(
			"\"%s\" cannot be a machine's name: it becomes a file in /dev/vmm, so no slash, quote or white space, and not \".\" or \"..\"",
			name);
	return 0;
}

static enum options_verdict operands_take(struct options *options, int count, char **operands)
{
	if (options->dump_acpi != NULL && count == 0)
		return OPTIONS_RUN;
	if (options->passthru_count != 0 && (options->save != NULL || options->restore != NULL)) {
		complain("a machine with a device of the host cannot be saved: leave out --passthru, or --save and --restore");
		return OPTIONS_BAD;
	}
	if (options->restore != NULL && options->shaped) {
		complain(
			"%s says what the machine is like: leave out -k, -i, -a, -c, -m, -x, -w and --plain",
			options->restore);
		return OPTIONS_BAD;
	}
	if (options->restore != NULL && count == 0)
		return OPTIONS_RUN;
	if (count != 1) {
		if (count == 0)
			complain("the machine needs a name, as the last word of the command line");
		else
			complain(
				"\"%s\" is left over after the machine's name \"%s\": options come first",
				operands[1], operands[0]);
		return OPTIONS_BAD;
	}
	options->name = operands[0];
	if (name_check(options->name) != 0)
		return OPTIONS_BAD;
	if (options->kernel == NULL && options->dump_acpi == NULL && options->restore == NULL) {
		complain("no kernel: give one with -k, for example -k /boot/vmlinuz-$(uname -r)");
		return OPTIONS_BAD;
	}
	return OPTIONS_RUN;
}

enum options_verdict options_parse(struct options *options, int argc, char **argv)
{
	int option;

	memset(options, 0, sizeof(*options));
	options->cpus = 1;
	options->memory = MEMORY_DEFAULT;
	options->cmdline = CMDLINE_DEFAULT;
	options->features = VML_FEATURE_PVCLOCK | VML_FEATURE_WIDE_CPUID;
	while ((option = getopt_long(argc, argv, short_options, long_options, NULL)) != -1) {
		if (option == 'h') {
			fputs(usage_text, stdout);
			return OPTIONS_DONE;
		}
		if (option == 'V') {
			puts("vmmrun " TOOLS_VERSION);
			return OPTIONS_DONE;
		}
		if (option_take(options, option, optarg) != 0)
			return OPTIONS_BAD;
	}
	return operands_take(options, argc - optind, argv + optind);
}
