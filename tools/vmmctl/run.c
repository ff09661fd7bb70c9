// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Running a vCPU from here, once: for looking at a machine that nobody else runs. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "answer.h"
#include "complain.h"
#include "session.h"

static const char *exit_name(int code)
{
	static const char *const names[VM_EXITCODE_MAX] = {
		[VM_EXITCODE_INOUT] = "inout",
		[VM_EXITCODE_VMX] = "vmx",
		[VM_EXITCODE_BOGUS] = "bogus",
		[VM_EXITCODE_RDMSR] = "rdmsr",
		[VM_EXITCODE_WRMSR] = "wrmsr",
		[VM_EXITCODE_MTRAP] = "mtrap",
		[VM_EXITCODE_PAUSE] = "pause",
		[VM_EXITCODE_INST_EMUL] = "inst_emul",
		[VM_EXITCODE_SPINUP_AP] = "spinup_ap",
		[VM_EXITCODE_SUSPENDED] = "suspended",
		[VM_EXITCODE_INOUT_STR] = "inout_str",
		[VM_EXITCODE_TASK_SWITCH] = "task_switch",
		[VM_EXITCODE_SVM] = "svm",
		[VM_EXITCODE_REQIDLE] = "reqidle",
		[VM_EXITCODE_DEBUG] = "debug",
		[VM_EXITCODE_BPT] = "bpt",
		[VM_EXITCODE_IPI] = "ipi",
		[VM_EXITCODE_DB] = "db",
	};

	return code >= 0 && code < VM_EXITCODE_MAX && names[code] != NULL ? names[code] : "other";
}

/* The one thing to know about an exit besides where it was. "": nothing. */
static void exit_details(const struct vm_exit *exit, char *text, size_t size)
{
	text[0] = '\0';
	switch (exit->exitcode) {
	case VM_EXITCODE_INOUT:
	case VM_EXITCODE_INOUT_STR:
		snprintf(text, size, "%s port 0x%x, %d bytes, eax 0x%x",
			 exit->u.inout.in ? "in" : "out", exit->u.inout.port, exit->u.inout.bytes,
			 exit->u.inout.eax);
		break;
	case VM_EXITCODE_RDMSR:
	case VM_EXITCODE_WRMSR:
		snprintf(text, size, "msr 0x%x, value 0x%lx", exit->u.msr.code,
			 (unsigned long)exit->u.msr.wval);
		break;
	case VM_EXITCODE_INST_EMUL:
		snprintf(text, size, "gpa 0x%lx", (unsigned long)exit->u.inst_emul.gpa);
		break;
	case VM_EXITCODE_SUSPENDED:
		snprintf(text, size, "how %d", (int)exit->u.suspended.how);
		break;
	case VM_EXITCODE_VMX:
		snprintf(text, size, "status %d, reason 0x%x, qualification 0x%lx, error %d",
			 exit->u.vmx.status, exit->u.vmx.exit_reason,
			 (unsigned long)exit->u.vmx.exit_qualification, exit->u.vmx.inst_error);
		break;
	case VM_EXITCODE_SVM:
		snprintf(text, size, "exitcode 0x%lx, exitinfo1 0x%lx, exitinfo2 0x%lx",
			 (unsigned long)exit->u.svm.exitcode, (unsigned long)exit->u.svm.exitinfo1,
			 (unsigned long)exit->u.svm.exitinfo2);
		break;
	default:
		break;
	}
}

static void exit_answer(struct session *session, const struct vm_exit *exit)
{
	struct json_object *answer;
	char details[160];

	exit_details(exit, details, sizeof(details));
	if (session->json == NULL) {
		printf("exit[%d]\t\t%s (%d), rip 0x%016lx, inst_length %d%s%s\n", session->cpu,
		       exit_name((int)exit->exitcode), (int)exit->exitcode,
		       (unsigned long)exit->rip, exit->inst_length, details[0] != '\0' ? ", " : "",
		       details);
		return;
	}
	answer = answer_object(session->json, "exit");
	answer_number(answer, "code", (uint64_t)exit->exitcode);
	answer_text(answer, "name", exit_name((int)exit->exitcode));
	answer_hex(answer, "rip", exit->rip);
	answer_number(answer, "inst_length", (uint64_t)exit->inst_length);
	answer_text(answer, "details", details);
}

static int run(struct session *session, int index, const char *arg)
{
	struct vm_exit exit;
	cpuset_t targets;
	struct vm_run vmrun = { .vm_exit = &exit, .cpuset = &targets,
				.cpusetsize = sizeof(targets) };

	(void)index;
	(void)arg;
	if (vm_run(session->vcpu, &vmrun) == 0) {
		exit_answer(session, &exit);
		return 0;
	}
	if (errno == EINVAL)
		return complain(
			"vCPU %d cannot run: it is not active (--activate-cpu), or the machine has stopped (see --get-suspended-cpus)",
			session->cpu);
	return request_failed(session, "running the vCPU");
}

static int activate(struct session *session, int index, const char *arg)
{
	(void)index;
	(void)arg;
	if (vm_activate_cpu(session->vcpu) == 0)
		return 0;
	if (errno == EBUSY)
		return complain("vCPU %d is active already", session->cpu);
	return request_failed(session, "activating the vCPU");
}

const struct action *run_actions(int *count)
{
	static const struct action actions[] = {
		{ "activate-cpu", NULL, 0, activate, 0 },
		{ "run", NULL, 0, run, 0 },
	};

	*count = (int)(sizeof(actions) / sizeof(actions[0]));
	return actions;
}
