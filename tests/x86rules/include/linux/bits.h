/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What src/x86/ takes from the kernel's header of this name, for a program. */
#ifndef X86RULES_LINUX_BITS_H
#define X86RULES_LINUX_BITS_H

#define BIT(nr)			(1UL << (nr))
#define BIT_ULL(nr)		(1ULL << (nr))
#define GENMASK(high, low)	((~0UL << (low)) & (~0UL >> (63 - (high))))
#define GENMASK_ULL(high, low)	((~0ULL << (low)) & (~0ULL >> (63 - (high))))

#endif
