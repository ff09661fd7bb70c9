// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <stdio.h>

#include "answer.h"

static struct json_object *member(struct json_object *object, const char *key,
				  struct json_object *(*make)(void))
{
	struct json_object *value;

	if (!json_object_object_get_ex(object, key, &value)) {
		value = make();
		json_object_object_add(object, key, value);
	}
	return value;
}

struct json_object *answer_object(struct json_object *object, const char *key)
{
	return member(object, key, json_object_new_object);
}

struct json_object *answer_array(struct json_object *object, const char *key)
{
	return member(object, key, json_object_new_array);
}

void answer_hex(struct json_object *object, const char *key, uint64_t value)
{
	char text[2 + 16 + 1];

	snprintf(text, sizeof(text), "0x%016lx", (unsigned long)value);
	answer_text(object, key, text);
}

void answer_number(struct json_object *object, const char *key, uint64_t value)
{
	json_object_object_add(object, key, json_object_new_uint64(value));
}

void answer_text(struct json_object *object, const char *key, const char *text)
{
	json_object_object_add(object, key, text != NULL ? json_object_new_string(text) : NULL);
}
