/* SPDX-License-Identifier: Apache-2.0 */
/* Reads members of JSON objects. jansson bounds the depth of what it parses. */
#include "audit/jin.h"

#include "audit/line.h"

json_t *
jin_object(struct slice text)
{
	json_t *j = json_loadb((const char *)text.p, text.len, 0, NULL);

	if (json_is_object(j))
		return j;
	json_decref(j);
	return NULL;
}

const char *
jin_text(const json_t *j, const char *name)
{
	const char *s = json_string_value(json_object_get(j, name));

	return s == NULL ? "" : s;
}

uint64_t
jin_number(const json_t *j, const char *name)
{
	json_int_t v = json_integer_value(json_object_get(j, name));

	return v < 0 ? 0 : (uint64_t)v;
}

bool
jin_hex(const json_t *j, const char *name, uint8_t *ret, size_t len)
{
	const char *s = jin_text(j, name);

	return strlen(s) == 2 * len && line_hex((const uint8_t *)s, ret, len);
}
