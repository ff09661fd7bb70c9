/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What src/x86/ takes from the kernel's header of this name, for a program. */
#ifndef X86RULES_LINUX_MINMAX_H
#define X86RULES_LINUX_MINMAX_H

/* Like the kernel's: both operands of one type. */
#define X86RULES_PICK(a, op, b) ({				\
	__typeof__(a) pick_a = (a);				\
	__typeof__(b) pick_b = (b);				\
	(void)(&pick_a == &pick_b);				\
	pick_a op pick_b ? pick_a : pick_b; })
#define min(a, b)		X86RULES_PICK(a, <, b)
#define max(a, b)		X86RULES_PICK(a, >, b)
#define clamp(value, low, high)	min(max(value, low), high)
#define max_t(type, a, b)	X86RULES_PICK((type)(a), >, (type)(b))

#endif
