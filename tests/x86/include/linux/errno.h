/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The C library's <errno.h> includes this name as well: hand both the real one. */
#include_next <linux/errno.h>
