// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Registers, selectors, and the hidden parts of segment registers. */
#include <stdio.h>
#include <string.h>

#include "answer.h"
#include "complain.h"
#include "session.h"

#define COUNT(array)	(sizeof(array) / sizeof((array)[0]))

struct reg {
	const char	*name;
	int		number;
};

static const struct reg registers[] = {
	{ "efer", VM_REG_GUEST_EFER },
	{ "cr0", VM_REG_GUEST_CR0 },
	{ "cr2", VM_REG_GUEST_CR2 },
	{ "cr3", VM_REG_GUEST_CR3 },
	{ "cr4", VM_REG_GUEST_CR4 },
	{ "dr0", VM_REG_GUEST_DR0 },
	{ "dr1", VM_REG_GUEST_DR1 },
	{ "dr2", VM_REG_GUEST_DR2 },
	{ "dr3", VM_REG_GUEST_DR3 },
	{ "dr6", VM_REG_GUEST_DR6 },
	{ "dr7", VM_REG_GUEST_DR7 },
	{ "rsp", VM_REG_GUEST_RSP },
	{ "rip", VM_REG_GUEST_RIP },
	{ "rax", VM_REG_GUEST_RAX },
	{ "rbx", VM_REG_GUEST_RBX },
	{ "rcx", VM_REG_GUEST_RCX },
	{ "rdx", VM_REG_GUEST_RDX },
	{ "rsi", VM_REG_GUEST_RSI },
	{ "rdi", VM_REG_GUEST_RDI },
	{ "rbp", VM_REG_GUEST_RBP },
	{ "r8", VM_REG_GUEST_R8 },
	{ "r9", VM_REG_GUEST_R9 },
	{ "r10", VM_REG_GUEST_R10 },
	{ "r11", VM_REG_GUEST_R11 },
	{ "r12", VM_REG_GUEST_R12 },
	{ "r13", VM_REG_GUEST_R13 },
	{ "r14", VM_REG_GUEST_R14 },
	{ "r15", VM_REG_GUEST_R15 },
	{ "rflags", VM_REG_GUEST_RFLAGS },
	{ "tpr", VM_REG_GUEST_TPR },
	{ "fsbase", VM_REG_GUEST_FS_BASE },
	{ "gsbase", VM_REG_GUEST_GS_BASE },
	{ "kgsbase", VM_REG_GUEST_KGS_BASE },
	{ "cs", VM_REG_GUEST_CS },
	{ "ds", VM_REG_GUEST_DS },
	{ "es", VM_REG_GUEST_ES },
	{ "fs", VM_REG_GUEST_FS },
	{ "gs", VM_REG_GUEST_GS },
	{ "ss", VM_REG_GUEST_SS },
	{ "tr", VM_REG_GUEST_TR },
	{ "ldtr", VM_REG_GUEST_LDTR },
	{ "intr-shadow", VM_REG_GUEST_INTR_SHADOW },
};

static const struct reg descriptors[] = {
	{ "ds", VM_REG_GUEST_DS },     { "es", VM_REG_GUEST_ES },     { "fs", VM_REG_GUEST_FS },
	{ "gs", VM_REG_GUEST_GS },     { "ss", VM_REG_GUEST_SS },     { "cs", VM_REG_GUEST_CS },
	{ "tr", VM_REG_GUEST_TR },     { "ldtr", VM_REG_GUEST_LDTR }, { "gdtr", VM_REG_GUEST_GDTR },
	{ "idtr", VM_REG_GUEST_IDTR },
};

static void register_answer(struct session *session, int index, uint64_t value)
{
	if (session->json != NULL)
		answer_hex(answer_object(session->json, "registers"), registers[index].name, value);
	else
		printf("%s[%d]\t\t0x%016lx\n", registers[index].name, session->cpu,
		       (unsigned long)value);
}

static int register_get(struct session *session, int index, const char *arg)
{
	uint64_t value;

	(void)arg;
	if (vm_get_register(session->vcpu, registers[index].number, &value) != 0)
		return request_failed(session, registers[index].name);
	register_answer(session, index, value);
	return 0;
}

static int register_set(struct session *session, int index, const char *arg)
{
	char option[32];
	uint64_t value;

	snprintf(option, sizeof(option), "set-%s", registers[index].name);
	if (number_parse(option, arg, UINT64_MAX, &value) != 0)
		return -1;
	if (vm_set_register(session->vcpu, registers[index].number, value) != 0)
		return request_failed(session, registers[index].name);
	return 0;
}

static bool descriptor_is_table(int index)
{
	return descriptors[index].number == VM_REG_GUEST_GDTR ||
	       descriptors[index].number == VM_REG_GUEST_IDTR;
}

static void descriptor_answer(struct session *session, int index, const struct seg_desc *desc)
{
	struct json_object *answer = answer_object(answer_object(session->json, "descriptors"),
						   descriptors[index].name);

	answer_hex(answer, "base", desc->base);
	answer_number(answer, "limit", desc->limit);
	if (!descriptor_is_table(index))
		answer_hex(answer, "access", desc->access);
}

static int descriptor_get(struct session *session, int index, const char *arg)
{
	struct seg_desc desc;

	(void)arg;
	if (vm_get_seg_desc(session->vcpu, descriptors[index].number, &desc) != 0)
		return request_failed(session, descriptors[index].name);
	if (session->json != NULL)
		descriptor_answer(session, index, &desc);
	else if (descriptor_is_table(index))
		printf("%s[%d]\t\t0x%016lx/0x%08x\n", descriptors[index].name, session->cpu,
		       (unsigned long)desc.base, desc.limit);
	else
		printf("%s desc[%d]\t0x%016lx/0x%08x/0x%08x\n", descriptors[index].name,
		       session->cpu, (unsigned long)desc.base, desc.limit, desc.access);
	return 0;
}

static int descriptor_set(struct session *session, int index, const char *arg)
{
	(void)arg;
	if (vm_set_desc(session->vcpu, descriptors[index].number, session->desc_base,
			session->desc_limit, session->desc_access) != 0)
		return request_failed(session, descriptors[index].name);
	return 0;
}

/* One request for all registers: of one moment, and the guest leaves the processor once. */
int registers_show(struct session *session)
{
	int numbers[COUNT(registers)], error = 0;
	uint64_t values[COUNT(registers)];

	for (int i = 0; i < (int)COUNT(descriptors); i++)
		error |= descriptor_get(session, i, NULL);
	for (int i = 0; i < (int)COUNT(registers); i++)
		numbers[i] = registers[i].number;
	if (vm_get_register_set(session->vcpu, COUNT(registers), numbers, values) != 0)
		return request_failed(session, "the registers");
	for (int i = 0; i < (int)COUNT(registers); i++)
		register_answer(session, i, values[i]);
	return error;
}

/* Two actions for each row above, under names made from it. */
const struct action *registers_actions(int *count)
{
	static struct action actions[2 * (COUNT(registers) + COUNT(descriptors))];
	static char names[COUNT(actions)][24];
	int n = 0;

	for (int i = 0; i < (int)COUNT(registers); i++, n += 2) {
		snprintf(names[n], sizeof(names[n]), "get-%s", registers[i].name);
		snprintf(names[n + 1], sizeof(names[n]), "set-%s", registers[i].name);
		actions[n] = (struct action){ names[n], NULL, 0, register_get, i };
		actions[n + 1] = (struct action){ names[n + 1], "VALUE", UINT64_MAX,
						register_set, i };
	}
	for (int i = 0; i < (int)COUNT(descriptors); i++, n += 2) {
		const char *format = descriptor_is_table(i) ? "%s-%s" : "%s-desc-%s";

		snprintf(names[n], sizeof(names[n]), format, "get", descriptors[i].name);
		snprintf(names[n + 1], sizeof(names[n]), format, "set", descriptors[i].name);
		actions[n] = (struct action){ names[n], NULL, 0, descriptor_get, i };
		actions[n + 1] = (struct action){ names[n + 1], NULL, 0, descriptor_set, i };
	}
	*count = n;
	return actions;
}
