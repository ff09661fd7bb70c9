/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What src/x86/ takes from the kernel's header of this name, for a program. */
#ifndef X86_SHIM_LINUX_TYPES_H
#define X86_SHIM_LINUX_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include_next <linux/types.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef unsigned long long u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef long long s64;

#endif
