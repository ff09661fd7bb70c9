/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What src/x86/ takes from the kernel's header of this name, for a program. */
#ifndef X86_SHIM_LINUX_KERNEL_H
#define X86_SHIM_LINUX_KERNEL_H

#include <linux/types.h>

#define ARRAY_SIZE(array)	(sizeof(array) / sizeof((array)[0]))
#define BIT(n)			(1UL << (n))

#endif
