/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* One run of vmmctl: which machine, which vCPU, how to answer, and what the actions need besides. */
#ifndef VMMCTL_SESSION_H
#define VMMCTL_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include <vmmapi.h>

struct json_object;

struct session {
	const char	*name;		/* of the machine */
	int		cpu;		/* --cpu */
	struct json_object *json;	/* --json: what is answered, else NULL: text at once */
	struct vmctx	*ctx;
	struct vcpu	*vcpu;
	uint64_t	desc_base;	/* --desc-base, --desc-limit, --desc-access */
	uint32_t	desc_limit;
	uint32_t	desc_access;
	const char	*capname;	/* --capname, or NULL: all */
	int		rtc_offset;	/* --rtc-nvram-offset, or -1 */
};

/*
 * Something that an option asks for. ARG is the option's argument, or NULL. 0, or -1 after a
 * message. INDEX tells actions of one family apart: the register for --get-rax.
 */
struct action {
	const char	*option;
	const char	*arg;		/* what its argument is called, or NULL: it has none */
	uint64_t	max;		/* the argument is a number up to this; 0: it is none */
	int		(*run)(struct session *session, int index, const char *arg);
	int		index;
};

/* All actions of a room; *COUNT is their number. */
const struct action *registers_actions(int *count);
const struct action *fields_actions(int *count);
const struct action *state_actions(int *count);
const struct action *clock_actions(int *count);
const struct action *memory_actions(int *count);
const struct action *run_actions(int *count);

/* registers.c, ...: everything, for --get-all. 0, or -1 after messages. */
int registers_show(struct session *session);
int fields_show(struct session *session);
int memory_show(struct session *session);
int state_show(struct session *session);
int clock_show(struct session *session);

/* list.c: the machines there are, as text, or into JSON unless NULL. 0, or -1 after a message. */
int machines_list(struct json_object *json);

/* command.c: all of it. Returns the exit status: 0, or 1 after a message. */
int vmmctl(int argc, char **argv);

/* ppt.c: the rest of the command line, from "ppt" on. Returns the exit status. */
int ppt_main(int argc, char **argv);

#endif
