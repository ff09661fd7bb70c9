/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#ifndef BOOT_H
#define BOOT_H

#include <stdint.h>

#define BOOT_MEMORY_BYTES	0x20000000ul
#define BOOT_PARAMS_GPA		0x90000

/* Places kernel, initial RAM disk and what the kernel is told in the memory of a machine; returns where to start it. */
uint64_t boot_place(uint8_t *mem, const char *kernel, const char *initrd);

#endif /* BOOT_H */
