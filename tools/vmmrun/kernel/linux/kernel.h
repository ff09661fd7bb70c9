/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What src/x86/ takes from the kernel's header of this name, for a program. The C library includes
 * it as well, and gets the real one.
 */
#ifndef VMMRUN_KERNEL_LINUX_KERNEL_H
#define VMMRUN_KERNEL_LINUX_KERNEL_H

#include_next <linux/kernel.h>

#include <linux/types.h>

#define BIT(nr)				(1UL << (nr))
#define ARRAY_SIZE(array)		(sizeof(array) / sizeof((array)[0]))
#define static_assert(condition, ...)	_Static_assert(condition, #condition)
#define min(a, b)			((a) < (b) ? (a) : (b))
#define max(a, b)			((a) > (b) ? (a) : (b))
#define fallthrough			__attribute__((fallthrough))

#endif
