// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* The command line: which options there are, what they ask for, and in which order it is done. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <vmm_linux.h>

#include "answer.h"
#include "complain.h"
#include "session.h"

#define ACTIONS_MAX	256
#define RTC_OFFSET_MAX	127
#define COUNT(array)	((int)(sizeof(array) / sizeof((array)[0])))

enum modifier {
	MOD_VM = 0x100,		/* beyond getopt_long()'s own '?' */
	MOD_CPU,
	MOD_CREATE,
	MOD_DESTROY,
	MOD_GET_ALL,
	MOD_LIST,
	MOD_JSON,
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
	{ "json", no_argument, NULL, MOD_JSON },
	{ "desc-base", required_argument, NULL, MOD_DESC_BASE },
	{ "desc-limit", required_argument, NULL, MOD_DESC_LIMIT },
	{ "desc-access", required_argument, NULL, MOD_DESC_ACCESS },
	{ "capname", required_argument, NULL, MOD_CAPNAME },
	{ "rtc-nvram-offset", required_argument, NULL, MOD_RTC_OFFSET },
	{ "help", no_argument, NULL, MOD_HELP },
	{ "version", no_argument, NULL, MOD_VERSION },
};

/* What the command line asks for. */
struct request {
	struct session	session;
	bool		create, destroy, get_all, list, json, done;
	int		count;
	struct {
		const struct action	*action;
		const char		*arg;
	} todo[ACTIONS_MAX];
};

static struct action actions[ACTIONS_MAX];
static struct option options[COUNT(modifiers) + ACTIONS_MAX + 1];
static int action_count;

static void options_build(void)
{
	static const struct action *(*const rooms[])(int *count) = {
		registers_actions, memory_actions, state_actions,
		clock_actions,	   run_actions,	   fields_actions,
	};

	action_count = 0;
	for (int room = 0; room < COUNT(rooms); room++) {
		const struct action *more;
		int count;

		more = rooms[room](&count);
		for (int i = 0; i < count && action_count < ACTIONS_MAX; i++)
			actions[action_count++] = more[i];
	}
	memset(options, 0, sizeof(options));
	memcpy(options, modifiers, sizeof(modifiers));
	for (int i = 0; i < action_count; i++)
		options[COUNT(modifiers) + i] = (struct option){
			actions[i].option,
			actions[i].arg != NULL ? required_argument : no_argument,
			NULL,
			MOD_ACTION + i,
		};
}

static void usage(void)
{
	int column = 0;

	fputs("usage: vmmctl --vm=NAME [--cpu=N] [--json] ACTION...\n"
	      "       vmmctl list [--json]\n"
	      "\n"
	      "Looks into the virtual machine NAME and changes it. Actions are carried out in the order given, --create first, --get-all and\n"
	      "--destroy last. Those that concern one processor take processor N, 0 unless given. Numbers are written as in C.\n"
	      "\n"
	      "  --create  --destroy  --get-all  --list  --help  --version\n"
	      "  --json			answer with one JSON document\n"
	      "  --desc-base=N  --desc-limit=N  --desc-access=N	for --set-desc-*, --set-gdtr, --set-idtr\n"
	      "  --capname=NAME		for --getcap and --setcap\n"
	      "  --rtc-nvram-offset=N		for --get-rtc-nvram and --set-rtc-nvram\n",
	      stdout);
	for (int i = 0; i < action_count; i++) {
		if (column > 100) {
			fputs("\n", stdout);
			column = 0;
		}
		column += printf("  --%s%s%s", actions[i].option, actions[i].arg != NULL ? "=" : "",
				 actions[i].arg != NULL ? actions[i].arg : "");
	}
	fputs("\n", stdout);
}

/* Options with a number that other actions use. */
static int modifier_take(struct session *session, int option, const char *arg)
{
	static const uint64_t limits[] = {
		[MOD_CPU - MOD_VM] = VM_MAXCPU - 1,
		[MOD_DESC_BASE - MOD_VM] = UINT64_MAX,
		[MOD_DESC_LIMIT - MOD_VM] = UINT32_MAX,
		[MOD_DESC_ACCESS - MOD_VM] = UINT32_MAX,
		[MOD_RTC_OFFSET - MOD_VM] = RTC_OFFSET_MAX,
	};
	uint64_t value;

	if (number_parse(modifiers[option - MOD_VM].name, arg, limits[option - MOD_VM], &value) != 0)
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

static int vm_take(struct session *session, const char *name)
{
	if (session->name != NULL && strcmp(session->name, name) != 0)
		return complain("--vm=%s and --vm=%s: one machine at a time", session->name, name);
	session->name = name;
	return name_check(name);
}

static int option_take(struct request *request, int option, const char *arg)
{
	switch (option) {
	case MOD_VM:
		return vm_take(&request->session, arg);
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
	case MOD_JSON:
		request->json = true;
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

/* Numbers are looked at before anything is done: a bad one changes nothing. */
static int action_take(struct request *request, const struct action *action, const char *arg)
{
	uint64_t value;

	if (action->max != 0 && number_parse(action->option, arg, action->max, &value) != 0)
		return -1;
	if (request->count == ACTIONS_MAX)
		return complain("more than %d actions at once", ACTIONS_MAX);
	request->todo[request->count].action = action;
	request->todo[request->count].arg = arg;
	request->count++;
	return 0;
}

/* Words that are no options: "list". */
static int words_take(struct request *request, int count, char **words)
{
	for (int i = 0; i < count; i++) {
		if (strcmp(words[i], "list") != 0)
			return complain(
				"\"%s\" is no option: all of them begin with --, as --vm=NAME. \"vmmctl --help\" lists them",
				words[i]);
		request->list = true;
	}
	return 0;
}

/* What is asked for makes sense together. */
static int request_check(const struct request *request)
{
	bool on_machine = request->create || request->destroy || request->get_all ||
			  request->count > 0;

	if (request->session.name == NULL && (on_machine || !request->list))
		return complain(
			"which machine? Name it with --vm=NAME; \"vmmctl list\" lists them, \"vmmctl --help\" the options");
	if (request->session.name != NULL && !on_machine && !request->list)
		return complain("what about the machine %s? \"vmmctl --help\" lists what can be done",
				request->session.name);
	return 0;
}

static int request_parse(struct request *request, int argc, char **argv)
{
	int option;

	optind = 0;
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == '?')
			return complain("\"vmmctl --help\" lists the options");
		if ((option >= MOD_ACTION ?
			     action_take(request, &actions[option - MOD_ACTION], optarg) :
			     option_take(request, option, optarg)) != 0)
			return -1;
		if (request->done)
			return 0;
	}
	if (words_take(request, argc - optind, argv + optind) != 0)
		return -1;
	return request_check(request);
}

static int session_open(struct session *session)
{
	session->ctx = vm_open(session->name);
	if (session->ctx == NULL)
		return open_failed(session->name);
	session->vcpu = vm_vcpu_open(session->ctx, session->cpu);
	if (session->vcpu != NULL)
		return 0;
	complain("no memory");
	vm_close(session->ctx);
	return -1;
}

/* The library does not say whether it worked; the node does. */
static int destroy(struct session *session)
{
	char path[sizeof(VMM_DEV_PREFIX) + VM_MAX_NAMELEN];

	vm_destroy(session->ctx);
	snprintf(path, sizeof(path), "%s%s", VMM_DEV_PREFIX, session->name);
	if (access(path, F_OK) != 0)
		return 0;
	return complain("the machine %s is still there: only its owner and root can destroy it",
			session->name);
}

static int get_all(struct session *session)
{
	return memory_show(session) | registers_show(session) | state_show(session) |
	       clock_show(session) | fields_show(session);
}

static int machine_run(struct request *request)
{
	struct session *session = &request->session;
	int error = 0;

	if (request->create && vm_create(session->name) != 0)
		return create_failed(session->name);
	if (request->count == 0 && !request->get_all && !request->destroy)
		return 0;
	if (session_open(session) != 0)
		return -1;
	for (int i = 0; i < request->count && error == 0; i++)
		error = request->todo[i].action->run(session, request->todo[i].action->index,
						     request->todo[i].arg);
	if (error == 0 && request->get_all)
		error = get_all(session);
	vm_vcpu_close(session->vcpu);
	if (error != 0 || !request->destroy)
		vm_close(session->ctx);
	else
		error = destroy(session);
	return error;
}

static int request_run(struct request *request)
{
	struct session *session = &request->session;
	int error = 0;

	if (request->json)
		session->json = json_object_new_object();
	if (session->json != NULL && session->name != NULL) {
		answer_text(session->json, "vm", session->name);
		answer_number(session->json, "vcpu", (uint64_t)session->cpu);
	}
	if (request->list)
		error = machines_list(session->json);
	if (error == 0 && session->name != NULL)
		error = machine_run(request);
	if (session->json != NULL) {
		puts(json_object_to_json_string_ext(session->json, JSON_C_TO_STRING_PRETTY |
									   JSON_C_TO_STRING_SPACED |
									   JSON_C_TO_STRING_NOSLASHESCAPE));
		json_object_put(session->json);
	}
	return error;
}

/* A full disk or a closed pipe must not look like success. */
static int output_finish(void)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return 0;
	return complain("cannot write the answer: %s", strerror(errno));
}

int vmmctl(int argc, char **argv)
{
	struct request *request = calloc(1, sizeof(*request));
	int error;

	if (request == NULL)
		return complain("no memory") != 0;
	request->session.rtc_offset = -1;
	options_build();
	error = request_parse(request, argc, argv);
	if (error == 0 && !request->done)
		error = request_run(request);
	error |= output_finish();
	free(request);
	return error != 0;
}
