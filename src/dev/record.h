/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * record: the inside of a snapshot record, a sequence of tagged fields.
 *
 * A field is {u16 id, u16 instance, u32 bytes} and that many bytes, everything
 * little-endian and unaligned. The instance tells apart what there is several
 * of: timers, channels, vCPUs. Fields come in the order in which the code names
 * them, once each, so a duplicate, a missing and a foreign field are the same
 * mistake. An id with RECORD_OPTIONAL may be skipped by a reader that does not
 * know it.
 *
 * One function a chip names its fields, for both directions: saving, each call
 * appends a field; loading, it takes the field into a copy of the state and
 * checks its range. The first mistake sticks and makes all later calls do
 * nothing, so it is asked for once, at the end: only if record_loaded() says
 * that everything was there, and nothing else, may the copy be put to use.
 */
#ifndef VMM_DEV_RECORD_H
#define VMM_DEV_RECORD_H

#include <linux/types.h>

#define RECORD_OPTIONAL		0x8000	/* in an id */

struct record {
	const u8 *in;		/* loading: the fields; else NULL */
	u8 *out;		/* saving: where they go; NULL: they are only measured */
	size_t size;		/* bytes at in or out */
	size_t at;		/* bytes taken or appended */
	const char *error;	/* what was found wrong first, or NULL */
	u16 error_id;		/* in which field; 0: in none */
	u16 error_instance;
};

static inline bool record_is_loading(const struct record *record)
{
	return record->in;
}

/**
 * record_field() - the next field, as it lies in the record
 * @record: in either direction
 * @id: which, not 0
 * @instance: of what there is several of, else 0
 * @bytes: its length; a field of another length is a mistake
 * Return: loading: its bytes. Saving: where they are to be put. NULL after a mistake, or where
 * nothing is to be put because the record is only measured. Any context.
 */
void *record_field(struct record *record, u16 id, u16 instance, u32 bytes);

/* The same, copied between the record and @data. */
void record_bytes(struct record *record, u16 id, u16 instance, void *data, u32 bytes);

/* A number of 8 bytes from 0 to @max. */
void record_u64(struct record *record, u16 id, u16 instance, u64 *val, u64 max);

/* The same for a variable of any integer type or bool that holds @max. */
#define record_number(record, id, instance, var, max)				\
do {										\
	u64 number = (u64)(var);						\
										\
	record_u64(record, id, instance, &number, max);				\
	(var) = (typeof(var))number;						\
} while (0)

#define record_flag(record, id, instance, var)	record_number(record, id, instance, var, 1)

/* Loading: @why is a mistake in field @id unless @good. */
void record_check(struct record *record, u16 id, u16 instance, bool good, const char *why);

/* True if this was loading, no mistake was found, and nothing is left over. */
bool record_loaded(struct record *record);

#endif
