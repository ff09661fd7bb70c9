// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * Fields of the processor's control structure, Intel's VMCS or AMD's VMCB, by their own numbers.
 * The kernel shows guest state and what an exit has left behind. What else FreeBSD's tool can name
 * holds host addresses and how the host is protected, and is refused with that reason.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "answer.h"
#include "complain.h"
#include "session.h"

#define COUNT(array)	((int)(sizeof(array) / sizeof((array)[0])))

/* One value. An option may have several, in rows next to each other. */
struct field {
	const char	*option;
	const char	*name;
	int		vmcs, vmcb;	/* register numbers; 0: this vendor's has none */
};

static const struct field fields[] = {
	{ "get-exit-reason", "exit_reason", VMCS_IDENT(0x4402), 0 },
	{ "get-vmcs-exit-qualification", "exit_qualification", VMCS_IDENT(0x6400), 0 },
	{ "get-vmcs-exit-interruption-info", "exit_interruption_info", VMCS_IDENT(0x4404), 0 },
	{ "get-vmcs-exit-interruption-error", "exit_interruption_error", VMCS_IDENT(0x4406), 0 },
	{ "get-vmcs-exit-inst-length", "exit_instruction_length", VMCS_IDENT(0x440c), 0 },
	{ "get-vmcs-guest-linear-address", "guest_linear_address", VMCS_IDENT(0x640a), 0 },
	{ "get-vmcs-guest-physical-address", "guest_physical_address", VMCS_IDENT(0x2400), 0 },
	{ "get-inst-err", "instruction_error", VMCS_IDENT(0x4400), 0 },
	{ "get-vmcs-interruptibility", "interruptibility", VMCS_IDENT(0x4824), 0 },
	{ "get-vmcs-activity", "activity", VMCS_IDENT(0x4826), 0 },
	{ "get-vmcs-link", "vmcs_link", VMCS_IDENT(0x2800), 0 },
	{ "get-vmcb-exit-details", "exitcode", 0, VMCB_ACCESS(0x70, 8) },
	{ "get-vmcb-exit-details", "exitinfo1", 0, VMCB_ACCESS(0x78, 8) },
	{ "get-vmcb-exit-details", "exitinfo2", 0, VMCB_ACCESS(0x80, 8) },
	{ "get-vmcb-exit-details", "exitintinfo", 0, VMCB_ACCESS(0x88, 8) },
	{ "get-vmcb-cpl", "cpl", 0, VMCB_ACCESS(0x4cb, 1) },
	{ "get-guest-pat", "guest_pat", VMCS_IDENT(0x2804), VMCB_ACCESS(0x668, 8) },
	{ "get-guest-sysenter", "sysenter_cs", VMCS_IDENT(0x482a), VMCB_ACCESS(0x628, 8) },
	{ "get-guest-sysenter", "sysenter_esp", VMCS_IDENT(0x6824), VMCB_ACCESS(0x630, 8) },
	{ "get-guest-sysenter", "sysenter_eip", VMCS_IDENT(0x6826), VMCB_ACCESS(0x638, 8) },
	{ "get-guest-syscall", "star", 0, VMCB_ACCESS(0x600, 8) },
	{ "get-guest-syscall", "lstar", 0, VMCB_ACCESS(0x608, 8) },
	{ "get-guest-syscall", "cstar", 0, VMCB_ACCESS(0x610, 8) },
	{ "get-guest-syscall", "sfmask", 0, VMCB_ACCESS(0x618, 8) },
};

static const char *const withheld[] = {
	"get-vmcs-pinbased-ctls", "get-vmcs-procbased-ctls", "get-vmcs-procbased-ctls2",
	"get-vmcs-entry-interruption-info", "get-vmcs-eptp", "get-eptp", "get-exception-bitmap",
	"get-tsc-offset", "get-io-bitmap-address", "get-msr-bitmap", "get-msr-bitmap-address",
	"get-cr0-mask", "get-cr0-shadow", "get-cr4-mask", "get-cr4-shadow", "get-cr3-targets",
	"get-apic-access-address", "get-virtual-apic-address", "get-tpr-threshold",
	"get-vpid-asid", "get-ple-gap", "get-ple-window", "get-exit-ctls", "get-entry-ctls",
	"get-host-pat", "get-host-cr0", "get-host-cr3", "get-host-cr4", "get-host-rip",
	"get-host-rsp", "get-vmcb-intercept", "get-vmcb-asid", "get-vmcb-tlb-ctrl",
	"get-vmcb-virq", "get-avic-apic-bar", "get-avic-backing-page", "get-avic-table",
};

/* ENOENT: this processor's control structure does not have it. */
static int field_read(struct session *session, const struct field *field, uint64_t *value)
{
	if (field->vmcs != 0 && vm_get_register(session->vcpu, field->vmcs, value) == 0)
		return 0;
	if (field->vmcs != 0 && errno != EINVAL)
		return -1;
	if (field->vmcb != 0 && vm_get_register(session->vcpu, field->vmcb, value) == 0)
		return 0;
	if (errno == EINVAL)
		errno = ENOENT;
	return -1;
}

static void field_answer(struct session *session, const struct field *field, uint64_t value)
{
	if (session->json != NULL)
		answer_hex(answer_object(session->json, "fields"), field->name, value);
	else
		printf("%s[%d]\t0x%016lx\n", field->name, session->cpu, (unsigned long)value);
}

static int field_missing(const struct session *session, const struct field *field)
{
	if (errno != ENOENT)
		return request_failed(session, field->name);
	if (field->vmcb == 0)
		return complain("--%s: this processor does not have it, it is a field of Intel's VMCS",
				field->option);
	if (field->vmcs == 0)
		return complain("--%s: this processor does not have it, it is a field of AMD's VMCB",
				field->option);
	return complain("--%s: this processor does not have it", field->option);
}

static int fields_get(struct session *session, int index, const char *arg)
{
	const char *option = fields[index].option;
	uint64_t value;

	(void)arg;
	for (; index < COUNT(fields) && strcmp(fields[index].option, option) == 0; index++) {
		if (field_read(session, &fields[index], &value) != 0)
			return field_missing(session, &fields[index]);
		field_answer(session, &fields[index], value);
	}
	return 0;
}

static int field_withheld(struct session *session, int index, const char *arg)
{
	(void)session;
	(void)arg;
	return complain(
		"--%s: vmm.ko does not tell: control and host fields hold addresses of the host. Guest state and the last exit can be read",
		withheld[index]);
}

static int field_number(const struct field *field, bool intel)
{
	return intel ? field->vmcs : field->vmcb;
}

/* All of one vendor's with one request, so that the guest leaves the processor once. EINVAL: not all are there. */
static int vendor_show(struct session *session, bool intel)
{
	int numbers[COUNT(fields)], number, n = 0;
	uint64_t values[COUNT(fields)];

	for (int i = 0; i < COUNT(fields); i++) {
		number = field_number(&fields[i], intel);
		if (number != 0)
			numbers[n++] = number;
	}
	if (vm_get_register_set(session->vcpu, (unsigned int)n, numbers, values) != 0)
		return -1;
	n = 0;
	for (int i = 0; i < COUNT(fields); i++)
		if (field_number(&fields[i], intel) != 0)
			field_answer(session, &fields[i], values[n++]);
	return 0;
}

/* What this processor has of them. */
int fields_show(struct session *session)
{
	uint64_t value;

	for (int intel = 0; intel <= 1; intel++) {
		if (vendor_show(session, intel) == 0)
			return 0;
		if (errno != EINVAL)
			return request_failed(session, "fields of the last exit");
	}
	for (int i = 0; i < COUNT(fields); i++) {
		if (field_read(session, &fields[i], &value) == 0)
			field_answer(session, &fields[i], value);
		else if (errno != ENOENT)
			return request_failed(session, fields[i].name);
	}
	return 0;
}

const struct action *fields_actions(int *count)
{
	static struct action actions[COUNT(fields) + COUNT(withheld)];
	int n = 0;

	for (int i = 0; i < COUNT(fields); i++)
		if (i == 0 || strcmp(fields[i].option, fields[i - 1].option) != 0)
			actions[n++] = (struct action){ fields[i].option, NULL, 0, fields_get, i };
	for (int i = 0; i < COUNT(withheld); i++)
		actions[n++] = (struct action){ withheld[i], NULL, 0, field_withheld, i };
	*count = n;
	return actions;
}
