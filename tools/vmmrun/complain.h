/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What went wrong, told to the user: the cause, and the way out. */
#ifndef VMMRUN_COMPLAIN_H
#define VMMRUN_COMPLAIN_H

/* One line on stderr, after the program's name. Always -1, so that it can be returned. */
int complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
