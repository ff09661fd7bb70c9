/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* One run of vmmctl: which machine, which vCPU, and what the actions need besides. */
#ifndef VMMCTL_SESSION_H
#define VMMCTL_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include <vmmapi.h>

struct session {
	const char	*name;		/* of the machine */
	int		cpu;		/* --cpu */
	struct vmctx	*ctx;
	struct vcpu	*vcpu;
	uint64_t	desc_base;	/* --desc-base, --desc-limit, --desc-access */
	uint32_t	desc_limit;
	uint32_t	desc_access;
	const char	*capname;	/* --capname, or NULL: all */
	int		rtc_offset;	/* --rtc-nvram-offset */
};

/*
 * Something that an option asks for. ARG is the option's argument, or NULL. 0, or -1 after a
 * message. INDEX tells actions of one family apart: the register for --get-rax.
 */
struct action {
	const char	*option;
	bool		has_arg;
	int		(*run)(struct session *session, int index, const char *arg);
	int		index;
};

/* All actions of a room; *COUNT is their number. */
const struct action *registers_actions(int *count);
const struct action *state_actions(int *count);
const struct action *memory_actions(int *count);

/* Reads a number in C's notation up to MAX. 0, or -1 after a message. */
int number_parse(const char *text, uint64_t max, uint64_t *value);

/* Tells that asking the kernel for WHAT failed, with errno. Always -1. */
int request_failed(const char *what);

/* registers.c, memory.c, state.c: everything, for --get-all. */
int registers_show(struct session *session);
int memory_show(struct session *session);
int state_show(struct session *session);

/* list.c: the machines there are. */
int machines_list(void);

#endif
