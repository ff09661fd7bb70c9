/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* CRC-32 as Ethernet has it. */
#ifndef VMMRUN_CRC_H
#define VMMRUN_CRC_H

#include <stddef.h>
#include <stdint.h>

/* Of LEN bytes at DATA that follow those of which CRC is; 0 for none. */
uint32_t crc32(uint32_t crc, const void *data, size_t len);

#endif
