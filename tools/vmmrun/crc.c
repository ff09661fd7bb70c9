// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <string.h>

#include "crc.h"

#define POLYNOMIAL	0xedb88320u
#define STEP		8		/* bytes at a time */

/* tables[n][b]: what byte B does to the checksum N bytes later. Filled by the first call. */
static uint32_t tables[STEP][256];

static void tables_fill(void)
{
	for (uint32_t byte = 0; byte < 256; byte++) {
		uint32_t crc = byte;

		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? POLYNOMIAL : 0);
		tables[0][byte] = crc;
	}
	for (int n = 1; n < STEP; n++)
		for (int byte = 0; byte < 256; byte++)
			tables[n][byte] = tables[n - 1][byte] >> 8 ^
					  tables[0][tables[n - 1][byte] & 0xff];
}

uint32_t crc32(uint32_t crc, const void *data, size_t len)
{
	const uint8_t *at = data;

	if (tables[0][1] == 0)
		tables_fill();
	crc = ~crc;
	for (; len >= STEP; len -= STEP, at += STEP) {
		uint32_t next = 0;
		uint8_t word[STEP];

		memcpy(word, at, STEP);
		for (int n = 0; n < 4; n++)
			word[n] ^= (uint8_t)(crc >> (8 * n));
		for (int n = 0; n < STEP; n++)
			next ^= tables[STEP - 1 - n][word[n]];
		crc = next;
	}
	for (; len > 0; len--)
		crc = crc >> 8 ^ tables[0][(crc ^ *at++) & 0xff];
	return ~crc;
}
