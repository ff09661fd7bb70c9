/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include <asm/nospec-branch.h>
#ifndef VM_CLEAR_CPU_BUFFERS
#error absent
#endif
