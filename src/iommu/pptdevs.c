// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <linux/errno.h>
#include "pptdevs.h"

#define SLOT_MAX	31
#define FUNC_MAX	7
#define BUS_MAX		255

/* Room for any domain that a kernel on x86 makes up (VMD counts from 0x10000). */
#define DOMAIN_DIGITS	8
#define BUS_DIGITS_DEC	3

static int is_separator(char c)
{
	return c == ' ' || c == ',' || c == ';' || c == '\t' || c == '\n';
}

static int digit_of(char c, unsigned int base)
{
	int digit = -1;

	if (c >= '0' && c <= '9')
		digit = c - '0';
	else if (c >= 'a' && c <= 'f')
		digit = c - 'a' + 10;
	else if (c >= 'A' && c <= 'F')
		digit = c - 'A' + 10;
	return digit < (int)base ? digit : -1;
}

/* 1 to @max_digits digits at *@at, before @end. Returns their number, with *@at behind them. */
static unsigned int number_take(const char **at, const char *end, unsigned int base,
				unsigned int max_digits, __u32 *number)
{
	unsigned int digits = 0;

	*number = 0;
	while (*at < end && digits < max_digits && digit_of(**at, base) >= 0) {
		*number = *number * base + (unsigned int)digit_of(**at, base);
		(*at)++;
		digits++;
	}
	return digits;
}

static int char_take(const char **at, const char *end, char c)
{
	if (*at == end || **at != c)
		return 0;
	(*at)++;
	return 1;
}

static int entry_set(struct pptdevs_entry *entry, __u32 domain, __u32 bus, __u32 slot, __u32 func)
{
	if (domain > 0x7fffffff || bus > BUS_MAX || slot > SLOT_MAX || func > FUNC_MAX)
		return -EINVAL;
	entry->domain = domain;
	entry->bus = (__u8)bus;
	entry->slot = (__u8)slot;
	entry->func = (__u8)func;
	return 1;
}

static int decimal_parse(struct pptdevs_entry *entry)
{
	const char *at = entry->text, *end = entry->text + entry->len;
	__u32 bus, slot, func;

	if (!number_take(&at, end, 10, BUS_DIGITS_DEC, &bus) || !char_take(&at, end, '/') ||
	    !number_take(&at, end, 10, 2, &slot) || !char_take(&at, end, '/') ||
	    !number_take(&at, end, 10, 1, &func) || at != end)
		return -EINVAL;
	entry->decimal = 1;
	return entry_set(entry, 0, bus, slot, func);
}

static int hex_parse(struct pptdevs_entry *entry)
{
	const char *at = entry->text, *end = entry->text + entry->len;
	__u32 domain = 0, bus, slot, func;
	unsigned int digits;

	digits = number_take(&at, end, 16, DOMAIN_DIGITS, &bus);
	if (!digits || !char_take(&at, end, ':'))
		return -EINVAL;
	if (!number_take(&at, end, 16, 2, &slot))
		return -EINVAL;
	if (char_take(&at, end, ':')) {
		domain = bus;
		bus = slot;
		if (!number_take(&at, end, 16, 2, &slot))
			return -EINVAL;
	} else if (digits > 2) {
		return -EINVAL;
	}
	if (!char_take(&at, end, '.') || !number_take(&at, end, 16, 1, &func) || at != end)
		return -EINVAL;
	entry->decimal = 0;
	return entry_set(entry, domain, bus, slot, func);
}

int pptdevs_next(const char **cursor, struct pptdevs_entry *entry)
{
	const char *at = *cursor;

	while (is_separator(*at))
		at++;
	entry->text = at;
	while (*at && !is_separator(*at))
		at++;
	entry->len = (unsigned int)(at - entry->text);
	*cursor = at;
	if (!entry->len)
		return 0;
	return decimal_parse(entry) == 1 ? 1 : hex_parse(entry);
}
