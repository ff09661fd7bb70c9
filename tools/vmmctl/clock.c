// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* The machine's real-time clock and its memory. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "answer.h"
#include "complain.h"
#include "session.h"

#define NVRAM_FIRST	14	/* before it are the clock's registers */
#define NVRAM_CENTURY	0x32

static int time_get(struct session *session, int index, const char *arg)
{
	const char *date = NULL;
	char text[64];
	struct tm tm;
	time_t secs;

	(void)index;
	(void)arg;
	if (vm_rtc_gettime(session->ctx, &secs) != 0)
		return request_failed(session, "the clock");
	if (secs != (time_t)-1 && gmtime_r(&secs, &tm) != NULL &&
	    strftime(text, sizeof(text), "%F %T UTC", &tm) > 0)
		date = text;
	if (session->json != NULL) {
		struct json_object *answer = answer_object(session->json, "rtc_time");

		json_object_object_add(answer, "seconds", json_object_new_int64(secs));
		answer_text(answer, "date", date);
	} else {
		printf("rtc time 0x%lx: %s\n", (unsigned long)secs,
		       date != NULL ? date : "no valid date");
	}
	return 0;
}

static int time_set(struct session *session, int index, const char *arg)
{
	uint64_t secs;

	(void)index;
	if (number_parse("set-rtc-time", arg, INT64_MAX, &secs) != 0)
		return -1;
	if (vm_rtc_settime(session->ctx, (time_t)secs) == 0)
		return 0;
	if (errno == EBUSY)
		return complain(
			"the clock: the guest is setting it itself just now. Try again in a second");
	return request_failed(session, "the clock");
}

static int offset_missing(const struct session *session)
{
	return session->rtc_offset >= 0 ? 0 :
		complain("which byte of the clock's memory? Give --rtc-nvram-offset=N, 0 to 127");
}

static int nvram_get(struct session *session, int index, const char *arg)
{
	uint8_t value;

	(void)index;
	(void)arg;
	if (offset_missing(session) != 0)
		return -1;
	if (vm_rtc_read(session->ctx, session->rtc_offset, &value) != 0)
		return request_failed(session, "the clock's memory");
	if (session->json != NULL) {
		struct json_object *answer = answer_object(session->json, "rtc_nvram");

		answer_number(answer, "offset", (uint64_t)session->rtc_offset);
		answer_number(answer, "value", value);
	} else {
		printf("rtc nvram[%03d]: 0x%02x\n", session->rtc_offset, value);
	}
	return 0;
}

static int nvram_set(struct session *session, int index, const char *arg)
{
	uint64_t value;

	(void)index;
	if (offset_missing(session) != 0 ||
	    number_parse("set-rtc-nvram", arg, UINT8_MAX, &value) != 0)
		return -1;
	if (session->rtc_offset < NVRAM_FIRST || session->rtc_offset == NVRAM_CENTURY)
		return complain(
			"--rtc-nvram-offset=%d is one of the clock's registers: set the time with --set-rtc-time",
			session->rtc_offset);
	return vm_rtc_write(session->ctx, session->rtc_offset, (uint8_t)value) == 0 ?
		       0 :
		       request_failed(session, "the clock's memory");
}

int clock_show(struct session *session)
{
	return time_get(session, 0, NULL);
}

const struct action *clock_actions(int *count)
{
	static const struct action actions[] = {
		{ "get-rtc-time", NULL, 0, time_get, 0 },
		{ "set-rtc-time", "SECONDS", INT64_MAX, time_set, 0 },
		{ "get-rtc-nvram", NULL, 0, nvram_get, 0 },
		{ "set-rtc-nvram", "BYTE", UINT8_MAX, nvram_set, 0 },
	};

	*count = (int)(sizeof(actions) / sizeof(actions[0]));
	return actions;
}
