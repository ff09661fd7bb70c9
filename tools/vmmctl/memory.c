// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Guest memory: mappings, segments, nested page tables. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "session.h"

#define HIGHMEM_GPA	(4UL << 30)

/* One mapping, and the place to look for the next one from. */
struct mapping {
	vm_paddr_t	gpa;
	int		segid;
	vm_ooffset_t	segoff;
	size_t		len;
	int		prot, flags;
};

static int mapping_next(struct session *session, struct mapping *mapping)
{
	return vm_mmap_getnext(session->ctx, &mapping->gpa, &mapping->segid, &mapping->segoff,
			       &mapping->len, &mapping->prot, &mapping->flags);
}

/* Bytes of memory mapped at exactly GPA. */
static int mapped_at(struct session *session, vm_paddr_t gpa, size_t *len)
{
	struct mapping mapping = { .gpa = gpa };

	*len = 0;
	if (mapping_next(session, &mapping) != 0)
		return errno == ENOENT ? 0 : request_failed("the memory map");
	if (mapping.gpa == gpa)
		*len = mapping.len;
	return 0;
}

static int lowmem_get(struct session *session, int index, const char *arg)
{
	size_t len;

	(void)index;
	(void)arg;
	if (mapped_at(session, 0, &len) != 0)
		return -1;
	printf("lowmem\t\t0x%016lx/%lu\n", 0UL, (unsigned long)len);
	return 0;
}

static int highmem_get(struct session *session, int index, const char *arg)
{
	size_t len;

	(void)index;
	(void)arg;
	if (mapped_at(session, HIGHMEM_GPA, &len) != 0)
		return -1;
	printf("highmem\t\t0x%016lx/%lu\n", HIGHMEM_GPA, (unsigned long)len);
	return 0;
}

static int memmap_get(struct session *session, int index, const char *arg)
{
	struct mapping mapping = { 0 };

	(void)index;
	(void)arg;
	printf("%-18s %-18s %5s %-18s %4s %s\n", "gpa", "length", "segid", "segment offset", "prot",
	       "flags");
	while (mapping_next(session, &mapping) == 0) {
		printf("0x%016lx 0x%016lx %5d 0x%016lx %c%c%c  %s%s\n", (unsigned long)mapping.gpa,
		       (unsigned long)mapping.len, mapping.segid, (unsigned long)mapping.segoff,
		       mapping.prot & VM_PROT_READ ? 'r' : '-',
		       mapping.prot & VM_PROT_WRITE ? 'w' : '-',
		       mapping.prot & VM_PROT_EXECUTE ? 'x' : '-',
		       mapping.flags & VM_MEMMAP_F_WIRED ? "wired " : "",
		       mapping.flags & VM_MEMMAP_F_IOMMU ? "iommu" : "");
		mapping.gpa += mapping.len;
	}
	return errno == ENOENT ? 0 : request_failed("the memory map");
}

static int memseg_get(struct session *session, int index, const char *arg)
{
	char name[VM_MAX_SUFFIXLEN + 1];
	size_t len;

	(void)index;
	(void)arg;
	printf("%5s %-18s %s\n", "segid", "length", "name");
	for (int segid = 0; segid < VM_MAX_MEMSEGS; segid++) {
		if (vm_get_memseg(session->ctx, segid, &len, name, sizeof(name)) != 0)
			return request_failed("the memory segments");
		if (len != 0)
			printf("%5d 0x%016lx %s\n", segid, (unsigned long)len,
			       name[0] != '\0' ? name : "sysmem");
	}
	return 0;
}

static int pmap_get(struct session *session, int index, const char *arg)
{
	uint64_t gpa, pte[4] = { 0 };
	int count;

	(void)index;
	if (number_parse(arg, UINT64_MAX, &gpa) != 0)
		return -1;
	if (vm_get_gpa_pmap(session->ctx, gpa, pte, &count) != 0)
		return request_failed("the nested page tables");
	printf("gpa 0x%lx:", (unsigned long)gpa);
	for (int i = 0; i < count; i++)
		printf(" 0x%lx", (unsigned long)pte[i]);
	printf("\n");
	return 0;
}

int memory_show(struct session *session)
{
	return memmap_get(session, 0, NULL) | memseg_get(session, 0, NULL) |
	       lowmem_get(session, 0, NULL) | highmem_get(session, 0, NULL);
}

const struct action *memory_actions(int *count)
{
	static const struct action actions[] = {
		{ "get-lowmem", false, lowmem_get, 0 },
		{ "get-highmem", false, highmem_get, 0 },
		{ "get-memmap", false, memmap_get, 0 },
		{ "get-memseg", false, memseg_get, 0 },
		{ "get-gpa-pmap", true, pmap_get, 0 },
	};

	*count = (int)(sizeof(actions) / sizeof(actions[0]));
	return actions;
}
