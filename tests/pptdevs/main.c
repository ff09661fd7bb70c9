// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* The parser of pptdevs in user space: what it takes, what it refuses, and random text of which nothing may be made up. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pptdevs.h"

static int passed, failed;

static void check(bool right, const char *what, const char *text)
{
	if (right) {
		passed++;
		return;
	}
	failed++;
	printf("not ok %s: \"%s\"\n", what, text);
}

static const struct {
	const char *text;
	unsigned int domain, bus, slot, func;
} good[] = {
	{ "10/0/0", 0, 10, 0, 0 }, { "0/31/7", 0, 0, 31, 7 }, { "255/1/2", 0, 255, 1, 2 },
	{ "010/00/0", 0, 10, 0, 0 }, { "10:00.0", 0, 0x10, 0, 0 }, { "0a:1f.7", 0, 0x0a, 0x1f, 7 },
	{ "A:1F.3", 0, 0x0a, 0x1f, 3 }, { "0000:01:00.0", 0, 1, 0, 0 }, { "1:02:03.4", 1, 2, 3, 4 },
	{ "10000:e0:06.0", 0x10000, 0xe0, 6, 0 }, { "7fffffff:ff:1f.7", 0x7fffffff, 0xff, 0x1f, 7 },
};

static const char *const bad[] = {
	"x", "1", "1/2", "1/2/", "1/2/3/4", "/1/2", "1//2", "256/0/0", "0/32/0", "0/0/8", "0/0/00", "-1/0/0",
	"a/0/0", "1/2.3", "1:2/3", "1:2", "1:2.", "1:2.8", "1:20.0", "100:0.0", "0:0:0", "0:0:0:0.0",
	"80000000:00:00.0", "123456789:00:00.0", "0000:100:00.0", "0000:00:000.0", "00:00.00", "00:00.0x", "0x10:00.0",
	"00:00.-1", "1/2/3x", "\"1/2/3\"", "8086:1234",
};

static void check_good(const char *text, unsigned int i)
{
	struct pptdevs_entry entry;
	const char *cursor = text;

	memset(&entry, 0xa5, sizeof(entry));
	check(pptdevs_next(&cursor, &entry) == 1 && entry.domain == good[i].domain && entry.bus == good[i].bus &&
	      entry.slot == good[i].slot && entry.func == good[i].func &&
	      entry.decimal == (strchr(good[i].text, '/') != NULL) && entry.len == strlen(good[i].text) &&
	      strncmp(entry.text, good[i].text, entry.len) == 0, "taken", text);
	check(pptdevs_next(&cursor, &entry) == 0, "end", text);
	check(*cursor == '\0', "cursor", text);
}

static void check_tables(void)
{
	struct pptdevs_entry entry;
	char text[128];
	const char *cursor;

	for (unsigned int i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		check_good(good[i].text, i);
		snprintf(text, sizeof(text), " ,;\t%s;, \n", good[i].text);
		check_good(text, i);
	}
	for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		cursor = bad[i];
		check(pptdevs_next(&cursor, &entry) == -EINVAL && entry.len == strlen(bad[i]), "refused", bad[i]);
		check(pptdevs_next(&cursor, &entry) == 0, "end", bad[i]);
	}
}

/* A bad one in the middle costs itself alone. */
static void check_list(void)
{
	const char *text = "1/2/3;bogus,0a:00.1  7/7/7", *cursor = text;
	struct pptdevs_entry entry;
	int results[5];

	for (int i = 0; i < 5; i++)
		results[i] = pptdevs_next(&cursor, &entry);
	check(results[0] == 1 && results[1] == -EINVAL && results[2] == 1 && results[3] == 1 && results[4] == 0,
	      "list", text);
	cursor = "";
	check(pptdevs_next(&cursor, &entry) == 0, "empty", "");
	cursor = " ;, ";
	check(pptdevs_next(&cursor, &entry) == 0, "separators", " ;, ");
}

/* What is taken, written out again in the form that it had, is the same function. In a block of its own, for the sanitizer. */
static void check_random(unsigned int rounds)
{
	static const char alphabet[] = "0123456789abfF/:. ,;x";
	struct pptdevs_entry entry, again;
	char *text, canonical[64];
	const char *cursor, *second;
	int result, entries;

	for (unsigned int round = 0; round < rounds; round++) {
		size_t len = (size_t)(rand() % 24);

		text = malloc(len + 1);
		for (size_t i = 0; i < len; i++)
			text[i] = alphabet[(size_t)rand() % (sizeof(alphabet) - 1)];
		text[len] = '\0';
		cursor = text;
		for (entries = 0; (result = pptdevs_next(&cursor, &entry)) != 0 && entries < 32; entries++) {
			if (result < 0)
				continue;
			snprintf(canonical, sizeof(canonical), entry.decimal ? "%u/%u/%u" : "%x:%x.%x", entry.bus,
				 entry.slot, entry.func);
			if (entry.domain)
				snprintf(canonical, sizeof(canonical), "%x:%x:%x.%x", entry.domain, entry.bus,
					 entry.slot, entry.func);
			second = canonical;
			if (pptdevs_next(&second, &again) != 1 || again.domain != entry.domain ||
			    again.bus != entry.bus || again.slot != entry.slot || again.func != entry.func)
				check(false, canonical, text);
		}
		if (entries == 32)
			check(false, "no end", text);
		free(text);
	}
	check(true, "random", "");
}

int main(void)
{
	check_tables();
	check_list();
	srand(1);
	check_random(2000000);
	printf("%d passed, %d failed\n", passed, failed);
	return failed != 0;
}
