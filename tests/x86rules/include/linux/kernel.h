/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What src/x86/ takes from the kernel's header of this name, for a program. */
#ifndef X86RULES_LINUX_KERNEL_H
#define X86RULES_LINUX_KERNEL_H

#include <assert.h>
#include <linux/types.h>

#define ARRAY_SIZE(array)	(sizeof(array) / sizeof((array)[0]))
#undef static_assert
#define static_assert(expression)	_Static_assert(expression, #expression)

#endif
