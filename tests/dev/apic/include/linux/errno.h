/* SPDX-License-Identifier: BSD-2-Clause */
/* The C library's own <errno.h> comes through here. */
#include_next <linux/errno.h>
#include <linux/shim.h>
