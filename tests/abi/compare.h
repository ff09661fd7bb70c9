/* SPDX-License-Identifier: BSD-2-Clause */
/* The part of the generated program that does not depend on the tables. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct equal {
	const char	*label;
	long long	actual;
	long long	expected;
};

struct word {
	const char	*name;
	unsigned int	word;
};

static long passed, failed;

static void verdict(int good)
{
	if (good)
		passed++;
	else
		failed++;
}

static void compare_equal(const struct equal *e)
{
	verdict(e->actual == e->expected);
	if (e->actual != e->expected)
		printf("%s: %lld (%#llx), expected %lld (%#llx)\n", e->label, e->actual, e->actual,
		       e->expected, e->expected);
}

/* The field is all ones in a struct of zeros: exactly the bits from first on must be set. */
static void compare_bit_field(const char *label, const unsigned char *actual, size_t size,
			      unsigned int first, unsigned int bits)
{
	size_t i;

	for (i = 0; i < size * 8; i++) {
		int want = i >= first && i < first + bits;

		if (((actual[i / 8] >> (i % 8)) & 1) != want) {
			printf("%s: bit %zu of byte %zu is %s\n", label, i % 8, i / 8,
			       want ? "missing" : "set");
			verdict(0);
			return;
		}
	}
	verdict(1);
}

#define BITS(label, type, field, first, bits) do {						\
	type s;											\
												\
	memset(&s, 0, sizeof(s));								\
	s.field = (1U << (bits)) - 1;								\
	compare_equal(&(struct equal){ label " read", s.field, (1LL << (bits)) - 1 });		\
	compare_bit_field(label, (const unsigned char *)&s, sizeof(s), first, bits);		\
} while (0)

/* Linux's and FreeBSD's words live in one space: no word may stand for two requests. */
static void compare_words(const struct word *words, size_t n)
{
	size_t i, j;

	for (i = 0; i < n; i++) {
		for (j = 0; j < i; j++) {
			if (words[i].word == words[j].word && strcmp(words[i].name, words[j].name)) {
				printf("%s and %s have one word, %#x\n", words[i].name,
				       words[j].name, words[i].word);
				break;
			}
		}
		verdict(j == i);
	}
}

static void start_counts(int argc, char **argv)
{
	if (argc == 3) {
		passed = atol(argv[1]);
		failed = atol(argv[2]);
	}
}

static int finish_counts(int skipped)
{
	printf("%d rows skipped, see skipped.tsv\n%ld passed, %ld failed\n", skipped, passed, failed);
	return failed ? 1 : 0;
}
