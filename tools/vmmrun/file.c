// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "complain.h"
#include "file.h"

#define FILE_ROOM_FIRST	(1UL << 20)

/* Pipes have no size to ask for, so the room doubles until the end is found. */
static int file_slurp(struct file *file, int fd)
{
	size_t room = 0;
	ssize_t got;
	void *grown;

	do {
		if (file->size == room) {
			room = room == 0 ? FILE_ROOM_FIRST : room * 2;
			grown = realloc(file->data, room);
			if (grown == NULL)
				return -1;
			file->data = grown;
		}
		got = read(fd, file->data + file->size, room - file->size);
		if (got > 0)
			file->size += (size_t)got;
	} while (got > 0 || (got < 0 && errno == EINTR));
	return got < 0 ? -1 : 0;
}

static int file_open(const char *path, const char *what)
{
	struct stat st;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return complain("cannot open the %s %s: %s", what, path, strerror(errno));
	if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) {
		close(fd);
		return complain("the %s %s is a directory: give a file", what, path);
	}
	return fd;
}

int file_read(struct file *file, const char *path, const char *what)
{
	int error, fd;

	memset(file, 0, sizeof(*file));
	file->path = path;
	fd = file_open(path, what);
	if (fd < 0)
		return -1;
	error = file_slurp(file, fd);
	if (error != 0)
		complain("cannot read the %s %s: %s", what, path, strerror(errno));
	else if (file->size == 0)
		error = complain("the %s %s is empty: was it downloaded or copied to its end?",
				 what, path);
	close(fd);
	if (error != 0)
		file_free(file);
	return error;
}

void file_free(struct file *file)
{
	free(file->data);
	file->data = NULL;
	file->size = 0;
}
