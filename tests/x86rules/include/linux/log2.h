/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What src/x86/ takes from the kernel's header of this name, for a program. */
#ifndef X86RULES_LINUX_LOG2_H
#define X86RULES_LINUX_LOG2_H

/* Exponent of the power of two at or above @value, which is 2 or more. */
#define order_base_2(value)	(64 - __builtin_clzll((unsigned long long)(value) - 1))

#endif
