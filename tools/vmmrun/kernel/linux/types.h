/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The kernel's short type names, for the files of src/x86/ in a program. */
#ifndef VMMRUN_KERNEL_LINUX_TYPES_H
#define VMMRUN_KERNEL_LINUX_TYPES_H

#include_next <linux/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;

#endif
