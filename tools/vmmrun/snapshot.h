/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A machine in a file.
 *
 * The file is a header and chunks: first what the machine is like, then a chunk for each record of
 * the kernel's, for each of our own devices, and for each run of memory that is not zero; last an
 * empty one. The header tells the file's length, every chunk its own, and checksums cover every
 * byte. All of that is verified before there is a machine; what only the kernel can judge, its
 * records, it judges before the machine runs, and a machine whose record it refuses is destroyed.
 * So a damaged file restores nothing.
 */
#ifndef VMMRUN_SNAPSHOT_H
#define VMMRUN_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct machine;
struct options;

/* A device's share. All vCPU threads are parked, or not started yet. */
struct snapshot_part {
	const char	*name;
	uint32_t	size;		/* bytes */
	void		(*save)(struct machine *machine, void *state);
	bool		(*valid)(const void *state);
	void		(*restore)(struct machine *machine, const void *state);
};

/* A file that was found whole. */
struct snapshot {
	const char	*path;
	const uint8_t	*data;		/* of the file, mapped */
	size_t		size;
	char		*name;		/* of the machine */
	char		*cmdline;	/* of its kernel */
};

/*
 * Saves MACHINE to the file of --save and ends it as MACHINE_SAVED. If that fails there is a
 * complaint, no file, and the machine goes on. Main thread.
 */
void snapshot_save(struct machine *machine);

/*
 * Verifies the file at PATH, and fills in OPTIONS what the machine is like. The strings there
 * belong to SNAPSHOT. 0, or -1 after a complaint.
 */
int snapshot_open(struct snapshot *snapshot, const char *path, struct options *options);

/* Puts the contents into a fresh MACHINE of those options. 0, or -1 after a complaint. */
int snapshot_restore(const struct snapshot *snapshot, struct machine *machine);

void snapshot_close(struct snapshot *snapshot);

#endif
