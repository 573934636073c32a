/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds the password in a value and replaces it. JSON is read here by hand, since a library would
 * leave copies of it in the heap, where secrets are not wiped.
 */
#include "kms/secret_next.h"

#include "kms/password.h"

/* As long as databases take, and of characters that no shell, URL or string makes anything of. */
#define LEN	32
#define WITHOUT "\"#$%&'(),./:;<=>?@[\\]`{|}~"

/* By their rank: the first of them that is there counts. */
static const char *const members[] = { "AccountPassword", "Password", "password" };

/* -- JSON, as much of it as is needed: what is passed over is not checked -- */

static void
skip_blanks(struct slice *s)
{
	while (s->len > 0 && s->p[0] != '\0' && strchr(" \t\r\n", s->p[0]) != NULL)
		*s = slice_of(s->p + 1, s->len - 1);
}

static bool
take(struct slice *s, uint8_t c)
{
	skip_blanks(s);
	if (s->len == 0 || s->p[0] != c)
		return false;
	*s = slice_of(s->p + 1, s->len - 1);
	return true;
}

/* A string, as it stands between its quotes. */
static bool
take_string(struct slice *s, struct slice *ret)
{
	if (!take(s, '"'))
		return false;
	for (size_t i = 0; i < s->len; i++) {
		if (s->p[i] == '\\') {
			i++;
		} else if (s->p[i] == '"') {
			*ret = slice_of(s->p, i);
			*s = slice_of(s->p + i + 1, s->len - i - 1);
			return true;
		}
	}
	return false;
}

/* Anything else, up to the comma or bracket behind it. */
static bool
skip_value(struct slice *s)
{
	size_t depth = 0;

	for (;;) {
		struct slice text;

		skip_blanks(s);
		if (s->len == 0)
			return false;
		if (s->p[0] == '"') {
			if (!take_string(s, &text))
				return false;
			continue;
		}
		if (depth == 0 && (s->p[0] == ',' || s->p[0] == '}'))
			return true;
		if (s->p[0] == '{' || s->p[0] == '[')
			depth++;
		else if (depth > 0 && (s->p[0] == '}' || s->p[0] == ']'))
			depth--;
		*s = slice_of(s->p + 1, s->len - 1);
	}
}

static size_t
rank_of(struct slice name)
{
	size_t i = 0;

	while (i < ARRAY_LEN(members) && !slice_eq(name, slice_str(members[i])))
		i++;
	return i;
}

/* The best of the members of the object that S is inside of. */
static bool
find_member(struct slice s, struct slice *ret)
{
	size_t best = ARRAY_LEN(members);

	do {
		struct slice name, text;
		bool string;

		if (!take_string(&s, &name) || !take(&s, ':'))
			return false;
		string = take_string(&s, &text);
		if (!string && !skip_value(&s))
			return false;
		if (string && rank_of(name) < best) {
			best = rank_of(name);
			*ret = text;
		}
	} while (take(&s, ','));
	return best < ARRAY_LEN(members) && take(&s, '}');
}

/* -- values -- */

enum kms_rc
secret_password(struct slice value, struct slice *ret)
{
	struct slice s = value;

	if (take(&s, '{'))
		return find_member(s, ret) ? KMS_OK : KMS_NOTSUP;
	if (take(&s, '['))
		return KMS_NOTSUP;
	*ret = value;
	return KMS_OK;
}

enum kms_rc
secret_next(struct slice value, struct secret *ret)
{
	const struct password_rules rules = {
		.len = LEN, .classes = PASSWORD_ALL, .without = slice_str(WITHOUT), .each = true
	};
	auto_secret password = { 0 };
	auto_secret next = { 0 };
	struct slice old;
	size_t before, after;

	TRY(secret_password(value, &old));
	TRY(password_make(&rules, &password));
	before = (size_t)(old.p - value.p);
	after = value.len - before - old.len;
	TRY(secret_new(before + LEN + after, &next));
	memcpy(next.p, value.p, before);
	memcpy(next.p + before, password.p, LEN);
	memcpy(next.p + before + LEN, old.p + old.len, after);
	*ret = next; /* moved */
	next = (struct secret){ 0 };
	return KMS_OK;
}
