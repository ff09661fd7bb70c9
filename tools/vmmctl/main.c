// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* vmmctl: looks into a machine and changes it, with bhyvectl's options. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vmm_linux.h>

#include "session.h"

#define ACTIONS_MAX	256
#define RTC_OFFSET_MAX	127

enum modifier {
	MOD_VM = 1,
	MOD_CPU,
	MOD_CREATE,
	MOD_DESTROY,
	MOD_GET_ALL,
	MOD_LIST,
	MOD_DESC_BASE,
	MOD_DESC_LIMIT,
	MOD_DESC_ACCESS,
	MOD_CAPNAME,
	MOD_RTC_OFFSET,
	MOD_HELP,
	MOD_VERSION,
	MOD_ACTION,			/* + index into the actions */
};

static const struct option modifiers[] = {
	{ "vm", required_argument, NULL, MOD_VM },
	{ "cpu", required_argument, NULL, MOD_CPU },
	{ "create", no_argument, NULL, MOD_CREATE },
	{ "destroy", no_argument, NULL, MOD_DESTROY },
	{ "get-all", no_argument, NULL, MOD_GET_ALL },
	{ "list", no_argument, NULL, MOD_LIST },
	{ "desc-base", required_argument, NULL, MOD_DESC_BASE },
	{ "desc-limit", required_argument, NULL, MOD_DESC_LIMIT },
	{ "desc-access", required_argument, NULL, MOD_DESC_ACCESS },
	{ "capname", required_argument, NULL, MOD_CAPNAME },
	{ "rtc-nvram-offset", required_argument, NULL, MOD_RTC_OFFSET },
	{ "help", no_argument, NULL, MOD_HELP },
	{ "version", no_argument, NULL, MOD_VERSION },
};

#define MODIFIERS	((int)(sizeof(modifiers) / sizeof(modifiers[0])))

/* What the command line asks for. */
struct request {
	struct session	session;
	bool		create, destroy, get_all, list, done;
	int		count;
	struct {
		const struct action	*action;
		const char		*arg;
	} todo[ACTIONS_MAX];
};

static struct action actions[ACTIONS_MAX];
static struct option options[MODIFIERS + ACTIONS_MAX + 1];
static int action_count;

int number_parse(const char *text, uint64_t max, uint64_t *value)
{
	unsigned long number;
	char *end;

	errno = 0;
	number = strtoul(text, &end, 0);
	if (end == text || *end != '\0' || errno != 0 || text[0] == '-' || number > max) {
		fprintf(stderr, "vmmctl: \"%s\" is no number here: give 0 to %#lx\n", text,
			(unsigned long)max);
		return -1;
	}
	*value = number;
	return 0;
}

int request_failed(const char *what)
{
	fprintf(stderr, "vmmctl: %s: %s\n", what, strerror(errno));
	return -1;
}

static void actions_add(const struct action *more, int count)
{
	for (int i = 0; i < count && action_count < ACTIONS_MAX; i++)
		actions[action_count++] = more[i];
}

static void options_build(void)
{
	const struct action *more;
	int count;

	more = registers_actions(&count);
	actions_add(more, count);
	more = memory_actions(&count);
	actions_add(more, count);
	more = state_actions(&count);
	actions_add(more, count);
	memcpy(options, modifiers, sizeof(modifiers));
	for (int i = 0; i < action_count; i++)
		options[MODIFIERS + i] = (struct option){
			actions[i].option,
			actions[i].has_arg ? required_argument : no_argument,
			NULL,
			MOD_ACTION + i,
		};
}

static void usage(void)
{
	int column = 0;

	fputs("usage: vmmctl --vm=NAME [--cpu=N] ACTION...\n"
	      "       vmmctl --list\n"
	      "\n"
	      "Looks into the virtual machine NAME and changes it. Actions are carried out in the order given, --create first and --destroy last.\n"
	      "Those that concern one processor take processor N, 0 unless given.\n"
	      "\n"
	      "  --create  --destroy  --get-all  --list  --help  --version\n"
	      "  --desc-base=N  --desc-limit=N  --desc-access=N	for --set-desc-*, --set-gdtr, --set-idtr\n"
	      "  --capname=NAME		for --getcap and --setcap\n"
	      "  --rtc-nvram-offset=N		for --get-rtc-nvram and --set-rtc-nvram\n",
	      stdout);
	for (int i = 0; i < action_count; i++) {
		if (column > 100) {
			fputs("\n", stdout);
			column = 0;
		}
		column += printf("  --%s%s", actions[i].option, actions[i].has_arg ? "=ARG" : "");
	}
	fputs("\n", stdout);
}

/* Options with a number that other actions use. */
static int modifier_take(struct session *session, int option, const char *arg)
{
	uint64_t value, max = UINT32_MAX;

	if (option == MOD_CPU)
		max = VM_MAXCPU - 1;
	else if (option == MOD_RTC_OFFSET)
		max = RTC_OFFSET_MAX;
	else if (option == MOD_DESC_BASE)
		max = UINT64_MAX;
	if (number_parse(arg, max, &value) != 0)
		return -1;
	switch (option) {
	case MOD_CPU:
		session->cpu = (int)value;
		break;
	case MOD_DESC_BASE:
		session->desc_base = value;
		break;
	case MOD_DESC_LIMIT:
		session->desc_limit = (uint32_t)value;
		break;
	case MOD_DESC_ACCESS:
		session->desc_access = (uint32_t)value;
		break;
	default:
		session->rtc_offset = (int)value;
		break;
	}
	return 0;
}

static int option_take(struct request *request, int option, const char *arg)
{
	switch (option) {
	case MOD_VM:
		request->session.name = arg;
		return 0;
	case MOD_CREATE:
		request->create = true;
		return 0;
	case MOD_DESTROY:
		request->destroy = true;
		return 0;
	case MOD_GET_ALL:
		request->get_all = true;
		return 0;
	case MOD_LIST:
		request->list = true;
		return 0;
	case MOD_CAPNAME:
		request->session.capname = arg;
		return 0;
	case MOD_HELP:
		usage();
		request->done = true;
		return 0;
	case MOD_VERSION:
		puts("vmmctl " TOOLS_VERSION);
		request->done = true;
		return 0;
	default:
		return modifier_take(&request->session, option, arg);
	}
}

static int action_take(struct request *request, const struct action *action, const char *arg)
{
	if (request->count == ACTIONS_MAX) {
		fprintf(stderr, "vmmctl: more than %d actions at once\n", ACTIONS_MAX);
		return -1;
	}
	request->todo[request->count].action = action;
	request->todo[request->count].arg = arg;
	request->count++;
	return 0;
}

static int request_parse(struct request *request, int argc, char **argv)
{
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == '?') {
			fputs("vmmctl: \"vmmctl --help\" lists the options\n", stderr);
			return -1;
		}
		if ((option >= MOD_ACTION ?
			     action_take(request, &actions[option - MOD_ACTION], optarg) :
			     option_take(request, option, optarg)) != 0)
			return -1;
		if (request->done)
			return 0;
	}
	if (optind < argc) {
		fprintf(stderr, "vmmctl: \"%s\" is no option: all of them begin with --\n",
			argv[optind]);
		return -1;
	}
	if (request->session.name == NULL && !request->list) {
		fputs("vmmctl: which machine? Name it with --vm=NAME; \"vmmctl --list\" lists them\n",
		      stderr);
		return -1;
	}
	return 0;
}

static int create(const char *name)
{
	if (vm_create(name) == 0)
		return 0;
	if (errno == EEXIST)
		fprintf(stderr, "vmmctl: there is a machine called %s already\n", name);
	else if (errno == ENOENT || errno == ENODEV)
		fputs("vmmctl: vmm.ko is not loaded: there is no " VMM_CTL_PATH
		      ". Try \"modprobe vmm\", or \"insmod vmm.ko\"\n",
		      stderr);
	else if (errno == EACCES || errno == EPERM)
		fputs("vmmctl: " VMM_CTL_PATH
		      ": permission denied. Add yourself to the group vmm (\"usermod -aG vmm USER\", then log in again), or be root\n",
		      stderr);
	else
		fprintf(stderr,
			"vmmctl: creating %s failed: %s. \"dmesg | grep vmm:\" may tell more\n",
			name, strerror(errno));
	return -1;
}

static int session_open(struct session *session)
{
	session->ctx = vm_open(session->name);
	if (session->ctx == NULL) {
		if (errno == ENOENT)
			fprintf(stderr,
				"vmmctl: there is no machine called %s; \"vmmctl --list\" lists them\n",
				session->name);
		else
			fprintf(stderr, "vmmctl: cannot open the machine %s: %s\n", session->name,
				strerror(errno));
		return -1;
	}
	session->vcpu = vm_vcpu_open(session->ctx, session->cpu);
	return session->vcpu != NULL ? 0 : request_failed("opening the processor");
}

static int request_run(struct request *request)
{
	struct session *session = &request->session;
	int error = 0;

	if (request->create && create(session->name) != 0)
		return -1;
	if (request->count == 0 && !request->get_all && !request->destroy)
		return 0;
	if (session_open(session) != 0)
		return -1;
	for (int i = 0; i < request->count && error == 0; i++)
		error = request->todo[i].action->run(session, request->todo[i].action->index,
						     request->todo[i].arg);
	if (error == 0 && request->get_all)
		error = memory_show(session) | registers_show(session) | state_show(session);
	vm_vcpu_close(session->vcpu);
	if (request->destroy)
		vm_destroy(session->ctx);
	else
		vm_close(session->ctx);
	return error;
}

int main(int argc, char **argv)
{
	static struct request request;
	int error = 0;

	options_build();
	if (request_parse(&request, argc, argv) != 0)
		return 1;
	if (request.done)
		return 0;
	if (request.list)
		error = machines_list();
	if (error == 0 && request.session.name != NULL)
		error = request_run(&request);
	return error == 0 ? 0 : 1;
}
