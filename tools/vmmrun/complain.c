// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <stdarg.h>
#include <stdio.h>

#include "complain.h"

int complain(const char *format, ...)
{
	va_list args;

	flockfile(stderr);
	fputs("vmmrun: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	funlockfile(stderr);
	return -1;
}
