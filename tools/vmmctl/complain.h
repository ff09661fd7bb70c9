/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* complain: what went wrong and what to do about it, on stderr. All but number_parse return -1. */
#ifndef VMMCTL_COMPLAIN_H
#define VMMCTL_COMPLAIN_H

#include "session.h"

int complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Reads the number TEXT of OPTION, in C's notation, 0 to MAX. 0, or -1 after a message. */
int number_parse(const char *option, const char *text, uint64_t max, uint64_t *value);

/* Why the kernel did not do WHAT, as errno tells. */
int request_failed(const struct session *session, const char *what);
int create_failed(const char *name);
int open_failed(const char *name);

/* NAME can be a machine's: 0, or -1 after a message. */
int name_check(const char *name);

#endif
