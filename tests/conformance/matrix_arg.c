// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Arguments of requests, in memory of every kind. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "matrix.h"

#define PAGE	4096u

const char *const ptr_names[PTRS] = { "NULL", "a page", "a read-only page", "an unmapped page", "the kernel", "a non-canonical address",
	"the last 8 bytes of a page", "the end of the address space" };

/* Each of its own: a writable page with an unmapped one behind it; a page and its read-only alias; and an unmapped page. */
static uint8_t *argument, *scratch, *content_rw, *content_ro, *zero_ro, *unmapped;

static uint8_t *page_before_hole(void)
{
	uint8_t *page = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	/* PROT_NONE, not unmapped: a thread's stack must not come there. */
	if (page == MAP_FAILED || mprotect(page + PAGE, PAGE, PROT_NONE) != 0) {
		perror("matrix: mmap");
		exit(2);
	}
	return page;
}

void arg_setup(void)
{
	int fd = memfd_create("argument", MFD_CLOEXEC);

	argument = page_before_hole();
	scratch = page_before_hole();
	if (fd < 0 || ftruncate(fd, PAGE) != 0) {
		perror("matrix: memfd_create");
		exit(2);
	}
	content_rw = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	content_ro = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
	zero_ro = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	/* Far from everything that mmap gives out by itself. */
	unmapped = (uint8_t *)0x5a0000000000;
	if (content_rw == MAP_FAILED || content_ro == MAP_FAILED || zero_ro == MAP_FAILED || msync(unmapped, PAGE, MS_ASYNC) == 0) {
		perror("matrix: mmap");
		exit(2);
	}
	close(fd);
}

void *arg_ptr(int kind)
{
	switch (kind) {
	case PTR_RW:
		memset(scratch, 0, PAGE);
		return scratch;
	case PTR_END8:
		memset(scratch, 0, PAGE);
		return scratch + PAGE - 8;
	case PTR_RO:
		return zero_ro;
	case PTR_BAD:
		return unmapped;
	case PTR_KERNEL:
		return (void *)0xffff888000000000;
	case PTR_ODD:
		return (void *)0x0000800000000000;
	case PTR_WRAP:
		return (void *)-8;
	default:
		return NULL;
	}
}

void arg_build(uint8_t *arg, const struct poke *pokes)
{
	void *ptr;

	memset(arg, 0, ARG_MAX);
	for (const struct poke *p = pokes; p->kind != POKE_END; p++) {
		if (p->kind == POKE_PTR) {
			ptr = arg_ptr((int)p->value);
			memcpy(arg + p->offset, &ptr, sizeof(ptr));
		} else if (p->kind == POKE_STR) {
			memcpy(arg + p->offset, p->text, strlen(p->text));
		} else {
			memcpy(arg + p->offset, &p->value, p->kind);
		}
	}
}

bool arg_matches(const uint8_t *arg, const struct poke *pokes)
{
	for (const struct poke *p = pokes; p->kind != POKE_END; p++) {
		if (p->kind == POKE_STR && memcmp(arg + p->offset, p->text, strlen(p->text) + 1) != 0)
			return false;
		if (p->kind <= 8 && memcmp(arg + p->offset, &p->value, p->kind) != 0)
			return false;
	}
	return true;
}

uint8_t *arg_writable(void)
{
	return argument;
}

uint8_t *arg_read_only(const uint8_t *content)
{
	memcpy(content_rw, content, ARG_MAX);
	return content_ro;
}

uint8_t *arg_straddling(size_t bytes)
{
	return argument + PAGE - bytes;
}
