/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any text as each JSON parameter, and as the value of a secret: what is taken is within its limits
 * and means the same when it is written again; what is not taken leaves nothing behind, and has a
 * reason.
 */
#define _GNU_SOURCE 1
#include "kms/json.h"

#include <jansson.h>

#include "base/codec.h"
#include "crypto/crypto.h"
#include "kms/secret_next.h"
#include "tests/fuzz/fuzz.h"

/* A parser's answer: done, or refused with a sentence. */
static bool
taken(enum kms_rc rc, const struct err *err)
{
	MUST(rc == KMS_OK || rc == KMS_INVALID || rc == KMS_LIMIT);
	MUST((rc == KMS_OK) == (err->text[0] == '\0'));
	return rc == KMS_OK;
}

static void
as_tags(struct slice text)
{
	auto_tags t = { .n = 0 }, again = { .n = 0 };
	auto_buf record = { 0 };
	struct writer w = writer_of(&record);
	struct err err = { "" };
	struct reader r;

	if (!taken(json_tags(text, &t, &err), &err)) {
		MUST(t.n == 0);
		return;
	}
	MUST(t.n <= TAGS_MAX);
	for (size_t i = 0; i < t.n; i++) {
		struct slice key = buf_slice(&t.v[i].key), value;

		MUST(key.len >= 1 && key.len <= TAG_LEN_MAX && t.v[i].value.len <= TAG_LEN_MAX);
		MUST(tags_get(&t, key, &value) && slice_eq(value, buf_slice(&t.v[i].value)));
	}
	tags_write(&w, &t);
	MUST(w.rc == KMS_OK);
	r = reader_of(buf_slice(&record));
	MUST(tags_read(&r, &again) == KMS_OK && reader_done(&r) && again.n == t.n);
}

static void
as_strings(struct slice text)
{
	auto_strings s = { 0 };
	struct err err = { "" };

	if (!taken(json_strings(text, 8, 64, &s, &err), &err)) {
		MUST(s.n == 0 && s.v == NULL);
		return;
	}
	MUST(s.n <= 8);
	for (size_t i = 0; i < s.n; i++)
		MUST(s.v[i].len >= 1 && s.v[i].len <= 64);
}

/* Pairs in ascending order, of which a JSON object can be made that means the same. */
static void
as_context(struct slice text)
{
	auto_buf context = { 0 }, again = { 0 };
	struct err err = { "" };
	struct slice before = { 0 };
	json_t *object;
	struct reader r;
	char *json;

	if (!taken(json_context(text, &context, &err), &err)) {
		MUST(context.len == 0);
		return;
	}
	MUST((object = json_object()) != NULL);
	r = reader_of(buf_slice(&context));
	for (bool first = true; r.rest.len > 0; first = false) {
		struct slice key = read_bytes(&r), value = read_bytes(&r);
		char *name = strndup(key.len == 0 ? "" : (const char *)key.p, key.len);

		MUST(!r.bad && name != NULL && strlen(name) == key.len);
		MUST(first || slice_cmp(before, key) < 0);
		MUST(json_object_set_new(object, name,
			 json_stringn(value.len == 0 ? "" : (const char *)value.p, value.len)) ==
		    0);
		before = key;
		free(name);
	}
	MUST((json = json_dumps(object, JSON_COMPACT)) != NULL);
	MUST(json_context(slice_str(json), &again, NULL) == KMS_OK);
	MUST(slice_eq(buf_slice(&context), buf_slice(&again)));
	free(json);
	json_decref(object);
}

static void
as_filters(struct slice text)
{
	auto_filters f = { .n = 0 };
	struct err err = { "" };

	if (!taken(json_filters(text, &f, &err), &err)) {
		MUST(f.n == 0);
		return;
	}
	MUST(f.n <= FILTERS_MAX);
	for (size_t i = 0; i < f.n; i++)
		MUST(f.v[i].values.n <= FILTERS_MAX);
}

static void
as_wishes(struct slice text)
{
	auto_secret_wishes w = { .n = 0 };
	struct err err = { "" };

	if (!taken(json_wishes(text, &w, &err), &err)) {
		MUST(w.n == 0);
		return;
	}
	MUST(w.n >= 1 && w.n <= SECRET_WISHES_MAX);
	for (size_t i = 0; i < w.n; i++)
		MUST(w.v[i].name.len > 0);
}

/* With custom data a configuration is one still, and setting the same again changes nothing. */
static void
as_config(struct slice text)
{
	auto_buf once = { 0 }, twice = { 0 }, user = { 0 };
	struct slice custom = slice_str("{\"Port\":\"1\"}");
	struct err err = { "" };

	if (!taken(json_config(text, &err), &err))
		return;
	MUST(json_config_text(text, "UserName", &user, &err) == KMS_OK || user.len == 0);
	MUST(json_config_custom(text, custom, &once, NULL) == KMS_OK);
	MUST(json_config(buf_slice(&once), NULL) == KMS_OK);
	MUST(json_config_custom(buf_slice(&once), custom, &twice, NULL) == KMS_OK);
	MUST(slice_eq(buf_slice(&once), buf_slice(&twice)));
}

/* -- the value of a secret -- */

static json_t *
load(struct slice text)
{
	return json_loadb((const char *)text.p, text.len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL,
	    NULL);
}

/* Of what really is JSON the next value is JSON, the same but for one member of the three. */
static void
check_next(struct slice value, struct slice next)
{
	static const char *const members[] = { "AccountPassword", "Password", "password" };
	json_t *was = load(value), *is = load(next);
	size_t changed = 0;

	if (!json_is_object(was)) {
		json_decref(was);
		json_decref(is);
		return;
	}
	MUST(json_is_object(is) && json_object_size(was) == json_object_size(is));
	for (size_t i = 0; i < ARRAY_LEN(members); i++) {
		if (json_equal(json_object_get(was, members[i]), json_object_get(is, members[i])) ||
		    json_object_get(was, members[i]) == NULL)
			continue;
		MUST(json_string_length(json_object_get(is, members[i])) == 32);
		changed++;
		MUST(json_object_set(was, members[i], json_object_get(is, members[i])) == 0);
	}
	MUST(changed == 1 && json_equal(was, is));
	json_decref(was);
	json_decref(is);
}

static void
as_value(struct slice value)
{
	auto_secret next = { 0 };
	struct slice password, again;

	if (secret_password(value, &password) != KMS_OK) {
		MUST(secret_next(value, &next) == KMS_NOTSUP && next.p == NULL);
		return;
	}
	MUST(password.len <= value.len &&
	    (password.len == 0 ||
		(password.p >= value.p && password.p + password.len <= value.p + value.len)));
	MUST(secret_next(value, &next) == KMS_OK);
	MUST(next.len == value.len - password.len + 32);
	MUST(secret_password(secret_slice(&next), &again) == KMS_OK && again.len == 32);
	check_next(value, secret_slice(&next));
}

int
LLVMFuzzerInitialize(int *argc UNUSED, char ***argv UNUSED)
{
	MUST(crypto_start(NULL) == KMS_OK);
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = slice_of(data, size);

	as_tags(text);
	as_strings(text);
	as_context(text);
	as_filters(text);
	as_wishes(text);
	as_config(text);
	if (size > 0)
		as_value(text);
	return 0;
}
