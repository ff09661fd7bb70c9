/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What src/x86/ takes from the kernel's header of this name, for a program. */
#ifndef X86RULES_LINUX_NOSPEC_H
#define X86RULES_LINUX_NOSPEC_H

#define array_index_nospec(index, size)	(index)

#endif
