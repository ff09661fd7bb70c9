/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The command line. */
#ifndef VMMRUN_OPTIONS_H
#define VMMRUN_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vmmapi.h>

#include "passthru.h"

struct options {
	const char	*name;		/* of the machine */
	const char	*kernel;	/* path */
	const char	*initrd;	/* path, or NULL */
	const char	*cmdline;	/* of the kernel */
	const char	*save;		/* path of the snapshot that a key or SIGUSR2 makes, or NULL */
	const char	*restore;	/* path of the snapshot to go on from, or NULL */
	const char	*dump_acpi;	/* directory, or NULL; then nothing is run */
	struct vm_ppt_addr passthru[PASSTHRU_MAX];	/* the host's PCI functions */
	unsigned int	passthru_count;
	int		cpus;
	size_t		memory;		/* bytes, a multiple of 4 KiB */
	uint64_t	features;	/* VML_FEATURE_*: wanted where the host has them, or, of a saved machine, needed */
	bool		shaped;		/* one of -k -i -a -c -m -x -w --plain was given */
	bool		x2apic;
	bool		stats;
	bool		keep;		/* the machine outlives the program */
	bool		ignore_msrs;	/* unknown MSRs read 0 and ignore writes */
};

/* What to do after the command line was read. */
enum options_verdict {
	OPTIONS_RUN,
	OPTIONS_DONE,			/* all was said: --help, --version */
	OPTIONS_BAD,			/* complained about */
};

enum options_verdict options_parse(struct options *options, int argc, char **argv);

#endif
