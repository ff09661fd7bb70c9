// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <linux/kernel.h>
#include <linux/string.h>
#include "record.h"

struct record_head {
	u16 id;
	u16 instance;
	u32 bytes;
};

static void record_fail(struct record *record, u16 id, u16 instance, const char *why)
{
	if (record->error)
		return;
	record->error = why;
	record->error_id = id;
	record->error_instance = instance;
}

void record_check(struct record *record, u16 id, u16 instance, bool good, const char *why)
{
	if (record_is_loading(record) && !good)
		record_fail(record, id, instance, why);
}

/* The head of the next field and all of its bytes are there. */
static bool record_peek(struct record *record, struct record_head *head)
{
	size_t left = record->size - record->at;

	if (left < sizeof(*head))
		return false;
	memcpy(head, record->in + record->at, sizeof(*head));
	return head->bytes <= left - sizeof(*head);
}

static void record_skip_optional(struct record *record, u16 id)
{
	struct record_head head;

	while (record_peek(record, &head) && (head.id & RECORD_OPTIONAL) && head.id != id)
		record->at += sizeof(head) + head.bytes;
}

static void *record_take(struct record *record, u16 id, u16 instance, u32 bytes)
{
	struct record_head head;
	const u8 *data;

	record_skip_optional(record, id);
	if (!record_peek(record, &head)) {
		record_fail(record, id, instance, "missing: the record ends before it");
		return NULL;
	}
	if (head.id != id || head.instance != instance) {
		record_fail(record, id, instance, "missing: another field is in its place");
		return NULL;
	}
	if (head.bytes != bytes) {
		record_fail(record, id, instance, "not of the length it has here");
		return NULL;
	}
	data = record->in + record->at + sizeof(head);
	record->at += sizeof(head) + bytes;
	return (void *)data;
}

static void *record_append(struct record *record, u16 id, u16 instance, u32 bytes)
{
	struct record_head head = { .id = id, .instance = instance, .bytes = bytes };
	u8 *at = record->out + record->at;

	record->at += sizeof(head) + bytes;
	if (!record->out)
		return NULL;
	if (record->at > record->size) {
		record_fail(record, id, instance, "longer than it was measured");
		return NULL;
	}
	memcpy(at, &head, sizeof(head));
	return at + sizeof(head);
}

void *record_field(struct record *record, u16 id, u16 instance, u32 bytes)
{
	if (record->error)
		return NULL;
	return record_is_loading(record) ? record_take(record, id, instance, bytes) :
					   record_append(record, id, instance, bytes);
}

void record_bytes(struct record *record, u16 id, u16 instance, void *data, u32 bytes)
{
	void *field = record_field(record, id, instance, bytes);

	if (!field)
		return;
	if (record_is_loading(record))
		memcpy(data, field, bytes);
	else
		memcpy(field, data, bytes);
}

void record_u64(struct record *record, u16 id, u16 instance, u64 *val, u64 max)
{
	u64 number = *val;

	record_bytes(record, id, instance, &number, sizeof(number));
	record_check(record, id, instance, number <= max, "out of range");
	if (!record->error)
		*val = number;
}

bool record_loaded(struct record *record)
{
	if (!record_is_loading(record) || record->error)
		return false;
	record_skip_optional(record, 0);
	if (record->at != record->size)
		record_fail(record, 0, 0, "there is more in it than belongs there");
	return !record->error;
}
