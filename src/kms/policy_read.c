/* SPDX-License-Identifier: Apache-2.0 */
/* Policy documents as JSON with bounds, and errors that tell the place. */
#include "kms/policy_read.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#define MEMBER_MAX 40 /* bytes of a member's name that are told */

/* -- the place -- */

size_t
policy_enter(struct policy_reader *r, const char *member)
{
	size_t back = r->at_len, n = 0;

	if (r->at_len > 0 && r->at_len + 1 < sizeof(r->at))
		r->at[r->at_len++] = '.';
	/* The name is the document's: it may be anything, and the sentence must stay readable. */
	for (; member[n] != '\0' && n < MEMBER_MAX && r->at_len + 1 < sizeof(r->at); n++)
		r->at[r->at_len++] = member[n] < 0x20 || member[n] > 0x7e ? '?' : member[n];
	r->at[r->at_len] = '\0';
	return back;
}

size_t
policy_enter_element(struct policy_reader *r, const json_t *list, size_t i)
{
	size_t back = r->at_len, room = sizeof(r->at) - r->at_len;
	int n;

	if (!json_is_array(list))
		return back;
	n = snprintf(r->at + r->at_len, room, "[%zu]", i);
	if (n < 0 || (size_t)n >= room)
		r->at[r->at_len] = '\0';
	else
		r->at_len += (size_t)n;
	return back;
}

void
policy_leave(struct policy_reader *r, size_t back)
{
	r->at_len = back;
	r->at[back] = '\0';
}

enum kms_rc
policy_fail(struct policy_reader *r, const char *fmt, ...)
{
	char text[sizeof(r->err->text)];
	va_list ap;

	va_start(ap, fmt);
	if (vsnprintf(text, sizeof(text), fmt, ap) < 0)
		text[0] = '\0';
	va_end(ap);
	return err_set(r->err, KMS_INVALID, "%s: %s", r->at_len == 0 ? "the policy" : r->at, text);
}

/* -- the document -- */

/* How deep brackets stand in each other, seen before a parser that recurses sees them. */
static size_t
nesting(struct slice text)
{
	size_t depth = 0, deepest = 0;
	bool quoted = false;

	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.p[i];

		if (quoted && c == '\\')
			i++;
		else if (c == '"')
			quoted = !quoted;
		else if (!quoted && (c == '{' || c == '['))
			deepest = ++depth > deepest ? depth : deepest;
		else if (!quoted && (c == '}' || c == ']') && depth > 0)
			depth--;
	}
	return deepest;
}

enum kms_rc
policy_read_json(struct policy_reader *r, struct slice text, json_t **ret)
{
	json_error_t why = { 0 };
	json_t *v;

	if (text.len > POLICY_BYTES_MAX)
		return policy_fail(r, "has %zu bytes; expected at most %d", text.len,
		    POLICY_BYTES_MAX);
	if (nesting(text) > POLICY_DEPTH_MAX)
		return policy_fail(r, "is nested too deeply; expected at most %d levels",
		    POLICY_DEPTH_MAX);
	v = json_loadb(text.len == 0 ? "" : (const char *)text.p, text.len, JSON_REJECT_DUPLICATES,
	    &why);
	if (v != NULL) {
		*ret = v;
		return KMS_OK;
	}
	/* Without memory jansson says nothing, if it does not take a half read token for a bad one.
	 */
	if (json_error_code(&why) == json_error_unknown ||
	    json_error_code(&why) == json_error_out_of_memory)
		return KMS_NOMEM;
	if (json_error_code(&why) == json_error_duplicate_key)
		return policy_fail(r,
		    "line %d, column %d: a member stands here that the object has already; "
		    "expected each member once",
		    why.line, why.column);
	if (json_error_code(&why) == json_error_numeric_overflow)
		return policy_fail(r,
		    "line %d, column %d: a number is too large; expected a smaller one", why.line,
		    why.column);
	return policy_fail(r, "line %d, column %d: not JSON; expected an object", why.line,
	    why.column);
}

/* -- values -- */

enum kms_rc
policy_read_count(struct policy_reader *r, const json_t *list, size_t max, size_t *ret)
{
	size_t n = json_is_array(list) ? json_array_size(list) : 1;

	if (n == 0)
		return policy_fail(r, "is empty; expected at least one");
	if (n > max)
		return policy_fail(r, "has %zu elements; expected at most %zu", n, max);
	*ret = n;
	return KMS_OK;
}

json_t *
policy_element(const json_t *list, size_t i)
{
	return json_is_array(list) ? json_array_get(list, i) : (json_t *)list;
}

enum kms_rc
policy_read_text(struct policy_reader *r, const json_t *v, size_t max, struct slice *ret)
{
	struct policy *p = r->p;
	size_t len;
	char *to = p->text + p->text_len;

	if (!json_is_string(v))
		return policy_fail(r, "is not a string; expected one");
	if ((len = json_string_length(v)) > max)
		return policy_fail(r, "has %zu bytes; expected at most %zu", len, max);
	/* The quotes have made room for the NUL. */
	memcpy(to, json_string_value(v), len);
	to[len] = '\0';
	p->text_len += len + 1;
	*ret = slice_of(to, len);
	return KMS_OK;
}

/* -- memory -- */

struct policy_chunk {
	struct policy_chunk *next;
	max_align_t things[];
};

void *
policy_take(struct policy *p, size_t n, size_t size)
{
	struct policy_chunk *c;
	size_t len;

	if (!size_mul(n, size, &len) || !size_add(len, sizeof(*c), &len) ||
	    (c = calloc(1, len)) == NULL)
		return NULL;
	c->next = p->chunks;
	p->chunks = c;
	return c->things;
}

void
policy_free(struct policy *p)
{
	if (p == NULL)
		return;
	while (p->chunks != NULL) {
		struct policy_chunk *c = p->chunks;

		p->chunks = c->next;
		free(c);
	}
	free(p->text);
	free(p);
}
