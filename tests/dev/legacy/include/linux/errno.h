/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Also what the C library's <errno.h> includes. */
#include <asm-generic/errno.h>
