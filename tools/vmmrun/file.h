/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* A file read into memory. */
#ifndef VMMRUN_FILE_H
#define VMMRUN_FILE_H

#include <stddef.h>
#include <stdint.h>

struct file {
	const char	*path;
	uint8_t		*data;
	size_t		size;		/* bytes, never 0 */
};

/* Reads all of PATH, which the user knows as WHAT ("kernel"). 0, or -1 after a complaint. */
int file_read(struct file *file, const char *path, const char *what);

void file_free(struct file *file);

#endif
