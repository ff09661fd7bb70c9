/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What kunit/ takes from the kernel's header of this name, for a program. */
#ifndef X86_SHIM_LINUX_MODULE_H
#define X86_SHIM_LINUX_MODULE_H

#define MODULE_LICENSE(text)
#define MODULE_DESCRIPTION(text)

#endif
