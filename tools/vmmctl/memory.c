// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Guest memory: mappings, segments, nested page tables. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "answer.h"
#include "complain.h"
#include "session.h"

#define HIGHMEM_GPA	(4UL << 30)
#define MEM_MIB_MAX	((1UL << 47) >> 20)	/* a guest's addresses have 47 bits */

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

/* The mapping at exactly GPA, as FreeBSD's tool has it: low memory, or high memory. */
static int mem_get(struct session *session, const char *name, vm_paddr_t gpa)
{
	struct mapping mapping = { .gpa = gpa };
	size_t len = 0;

	if (mapping_next(session, &mapping) == 0)
		len = mapping.gpa == gpa ? mapping.len : 0;
	else if (errno != ENOENT)
		return request_failed(session, "the memory map");
	if (session->json != NULL) {
		struct json_object *answer = answer_object(session->json, name);

		answer_hex(answer, "gpa", gpa);
		answer_number(answer, "bytes", len);
	} else {
		printf("%s\t\t0x%016lx/%lu\n", name, (unsigned long)gpa, (unsigned long)len);
	}
	return 0;
}

static int lowmem_get(struct session *session, int index, const char *arg)
{
	(void)index;
	(void)arg;
	return mem_get(session, "lowmem", 0);
}

static int highmem_get(struct session *session, int index, const char *arg)
{
	(void)index;
	(void)arg;
	return mem_get(session, "highmem", HIGHMEM_GPA);
}

static void mapping_text(const struct mapping *mapping, char *prot, const char **flags)
{
	prot[0] = mapping->prot & VM_PROT_READ ? 'r' : '-';
	prot[1] = mapping->prot & VM_PROT_WRITE ? 'w' : '-';
	prot[2] = mapping->prot & VM_PROT_EXECUTE ? 'x' : '-';
	prot[3] = '\0';
	switch (mapping->flags & (VM_MEMMAP_F_WIRED | VM_MEMMAP_F_IOMMU)) {
	case VM_MEMMAP_F_WIRED:
		*flags = "wired";
		break;
	case VM_MEMMAP_F_IOMMU:
		*flags = "iommu";
		break;
	case VM_MEMMAP_F_WIRED | VM_MEMMAP_F_IOMMU:
		*flags = "wired iommu";
		break;
	default:
		*flags = "";
		break;
	}
}

static void mapping_answer(struct session *session, const struct mapping *mapping)
{
	struct json_object *answer;
	const char *flags;
	char prot[4];

	mapping_text(mapping, prot, &flags);
	if (session->json == NULL) {
		printf("0x%016lx 0x%016lx %5d 0x%016lx %s  %s\n", (unsigned long)mapping->gpa,
		       (unsigned long)mapping->len, mapping->segid,
		       (unsigned long)mapping->segoff, prot, flags);
		return;
	}
	answer = json_object_new_object();
	answer_hex(answer, "gpa", mapping->gpa);
	answer_number(answer, "bytes", mapping->len);
	answer_number(answer, "segment", (uint64_t)mapping->segid);
	answer_hex(answer, "segment_offset", (uint64_t)mapping->segoff);
	answer_text(answer, "prot", prot);
	answer_text(answer, "flags", flags);
	json_object_array_add(answer_array(session->json, "mappings"), answer);
}

static int memmap_get(struct session *session, int index, const char *arg)
{
	struct mapping mapping = { 0 };

	(void)index;
	(void)arg;
	if (session->json != NULL)
		json_object_object_add(session->json, "mappings", json_object_new_array());
	else
		printf("%-18s %-18s %5s %-18s %4s %s\n", "gpa", "length", "segid",
		       "segment offset", "prot", "flags");
	while (mapping_next(session, &mapping) == 0) {
		mapping_answer(session, &mapping);
		mapping.gpa += mapping.len;
	}
	return errno == ENOENT ? 0 : request_failed(session, "the memory map");
}

static void memseg_answer(struct session *session, int segid, size_t len, const char *name)
{
	struct json_object *answer;

	if (session->json == NULL) {
		printf("%5d 0x%016lx %s\n", segid, (unsigned long)len,
		       name[0] != '\0' ? name : "sysmem");
		return;
	}
	answer = json_object_new_object();
	answer_number(answer, "segment", (uint64_t)segid);
	answer_number(answer, "bytes", len);
	answer_text(answer, "name", name[0] != '\0' ? name : NULL);
	json_object_array_add(answer_array(session->json, "segments"), answer);
}

static int memseg_get(struct session *session, int index, const char *arg)
{
	char name[VM_MAX_SUFFIXLEN + 1];
	size_t len;

	(void)index;
	(void)arg;
	if (session->json != NULL)
		json_object_object_add(session->json, "segments", json_object_new_array());
	else
		printf("%5s %-18s %s\n", "segid", "length", "name");
	for (int segid = 0; segid < VM_MAX_MEMSEGS; segid++) {
		if (vm_get_memseg(session->ctx, segid, &len, name, sizeof(name)) != 0)
			return request_failed(session, "the memory segments");
		if (len != 0)
			memseg_answer(session, segid, len, name);
	}
	return 0;
}

static void pmap_answer(struct session *session, uint64_t gpa, const uint64_t *pte, int count)
{
	struct json_object *answer, *entries;
	char text[2 + 16 + 1];

	answer = answer_object(session->json, "gpa_pmap");
	answer_hex(answer, "gpa", gpa);
	entries = json_object_new_array();
	json_object_object_add(answer, "entries", entries);
	for (int i = 0; i < count; i++) {
		snprintf(text, sizeof(text), "0x%016lx", (unsigned long)pte[i]);
		json_object_array_add(entries, json_object_new_string(text));
	}
}

static int pmap_get(struct session *session, int index, const char *arg)
{
	uint64_t gpa, pte[4] = { 0 };
	int count;

	(void)index;
	if (number_parse("get-gpa-pmap", arg, UINT64_MAX, &gpa) != 0)
		return -1;
	if (vm_get_gpa_pmap(session->ctx, gpa, pte, &count) != 0)
		return request_failed(session, "the nested page tables");
	if (session->json != NULL) {
		pmap_answer(session, gpa, pte, count);
		return 0;
	}
	printf("gpa 0x%lx:", (unsigned long)gpa);
	for (int i = 0; i < count; i++)
		printf(" 0x%lx", (unsigned long)pte[i]);
	printf("\n");
	return 0;
}

static int mem_set(struct session *session, int index, const char *arg)
{
	uint64_t mib;

	(void)index;
	if (number_parse("set-mem", arg, MEM_MIB_MAX, &mib) != 0)
		return -1;
	if (mib == 0)
		return complain("--set-mem=%s: memory of nothing. Give MiB, 1 to %lu", arg,
				(unsigned long)MEM_MIB_MAX);
	if (vm_setup_memory(session->ctx, mib << 20, VM_MMAP_ALL) == 0)
		return 0;
	if (errno == EINVAL)
		return complain("--set-mem=%s: the machine %s has memory of another size already",
				arg, session->name);
	return request_failed(session, "giving the machine memory");
}

int memory_show(struct session *session)
{
	return memmap_get(session, 0, NULL) | memseg_get(session, 0, NULL) |
	       lowmem_get(session, 0, NULL) | highmem_get(session, 0, NULL);
}

const struct action *memory_actions(int *count)
{
	static const struct action actions[] = {
		{ "set-mem", "MIB", MEM_MIB_MAX, mem_set, 0 },
		{ "get-lowmem", NULL, 0, lowmem_get, 0 },
		{ "get-highmem", NULL, 0, highmem_get, 0 },
		{ "get-memmap", NULL, 0, memmap_get, 0 },
		{ "get-memseg", NULL, 0, memseg_get, 0 },
		{ "get-gpa-pmap", "GPA", UINT64_MAX, pmap_get, 0 },
	};

	*count = (int)(sizeof(actions) / sizeof(actions[0]));
	return actions;
}
