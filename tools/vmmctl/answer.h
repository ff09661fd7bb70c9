/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * answer: what goes into the JSON document. Values of registers and addresses are strings of
 * hexadecimal digits, because a JSON reader may make a double of a number; counts are numbers.
 */
#ifndef VMMCTL_ANSWER_H
#define VMMCTL_ANSWER_H

#include <stdint.h>

#include <json-c/json.h>

/* The object or array called KEY in OBJECT, made if it is not there. */
struct json_object *answer_object(struct json_object *object, const char *key);
struct json_object *answer_array(struct json_object *object, const char *key);

/* Sets KEY. A NULL text is null. */
void answer_hex(struct json_object *object, const char *key, uint64_t value);
void answer_number(struct json_object *object, const char *key, uint64_t value);
void answer_text(struct json_object *object, const char *key, const char *text);

#endif
