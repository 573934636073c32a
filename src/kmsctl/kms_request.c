/* SPDX-License-Identifier: Apache-2.0 */
/* From the words of the command line to the fields of a request. */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <time.h>

#include "base/codec.h"
#include "crypto/crypto.h"
#include "kmsctl/kms_verb.h"

bool
kms_takes(enum action a, enum field f)
{
	const struct action_param *p = action_row(a)->params;

	while (p->name != F_COUNT && p->name != f)
		p++;
	return p->name == f;
}

bool
kms_gives(enum action a, enum field f)
{
	const enum field *p = action_row(a)->results;

	while (*p != F_COUNT && *p != f)
		p++;
	return *p == f;
}

/* -- values -- */

/* What ails a value, for a person; the field's own limits are the core's to check. */
static enum kms_rc
wrong(struct ctl *c, const char *fmt, const char *text)
{
	return call_fail(&c->call, KMS_INVALID, fmt, text);
}

static bool
parse_number(const char *text, int64_t *ret)
{
	char *end = NULL;

	errno = 0;
	*ret = strtoll(text, &end, 10);
	return errno == 0 && end != text && *end == '\0' && text[0] >= '0' && text[0] <= '9';
}

static bool
parse_time(const char *text, int64_t *ret)
{
	struct tm tm = { 0 };
	const char *end = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm);

	if (end == NULL || *end != '\0')
		return false;
	*ret = (int64_t)timegm(&tm);
	return true;
}

/* TEXT as a value of F's kind. */
static enum kms_rc
put(struct ctl *c, struct fields *req, enum field f, const char *text)
{
	int64_t n;

	switch (field_row(f)->kind) {
	case FIELD_NUMBER:
		if (f == F_KeyMaterialExpireUnix) {
			if (!parse_time(text, &n))
				return wrong(c, "%s is no time such as 2030-12-31T23:59:59Z", text);
		} else if (!parse_number(text, &n)) {
			return wrong(c, "%s is no number", text);
		}
		return fields_put_number(req, f, n);
	case FIELD_BOOL: return fields_put_bool(req, f, strcmp(text, "true") == 0);
	case FIELD_TEXT:
	case FIELD_BYTES:
	case FIELD_SECRET_TEXT:
	case FIELD_SECRET_BYTES: return fields_put_text(req, f, text);
	case FIELD_TEXTS: return fields_add_text(req, f, slice_str(text));
	case FIELD_GROUP:
	case FIELD_GROUPS: break;
	}
	return KMS_INTERNAL;
}

static enum kms_rc
put_file(struct ctl *c, struct fields *req, enum field f, const char *path)
{
	auto_secret file = { 0 };

	TRY(file_read_secret(path, false, &file, &c->call.err));
	return fields_put(req, f, secret_slice(&file));
}

/* A value that is not text travels in base64. */
static enum kms_rc
put_value(struct ctl *c, struct fields *req, enum field f, const char *path, bool binary)
{
	auto_secret file = { 0 };
	auto_buf base64 = { 0 };

	if (!binary)
		return put_file(c, req, f, path);
	TRY(file_read_secret(path, false, &file, &c->call.err));
	TRY(base64_encode(secret_slice(&file), &base64));
	return fields_put(req, f, buf_slice(&base64));
}

/* Such an id as nobody has given yet. */
static enum kms_rc
put_new_id(struct fields *req, enum field f)
{
	uint8_t random[16];
	char text[2 * sizeof(random) + 1];

	TRY(crypto_random(random, sizeof(random)));
	(void)hex_encode(slice_of(random, sizeof(random)), text, sizeof(text));
	return fields_put_text(req, f, text);
}

/*
 * A key by any of its names. An action that takes no alias gets the id that it stands for today,
 * which the caller must be allowed to see.
 */
static enum kms_rc
put_key(struct ctl *c, enum action a, struct fields *req, enum field f, const char *name)
{
	auto_fields ask = { 0 }, answer = { 0 };

	if (action_row(a)->target == TARGET_KEY_OR_ALIAS || strstr(name, "alias/") == NULL)
		return fields_put_text(req, f, name);
	TRY(fields_put_text(&ask, F_KeyId, name));
	TRY(backend_act(c->backend, ctl_call(c), ACTION_DescribeKey, &ask, &answer));
	return fields_put(req, f, fields_get(fields_group(&answer, F_KeyMetadata), F_KeyId));
}

/* Versions are listed from the oldest; an asymmetric key has no primary one. */
static enum kms_rc
put_newest(struct ctl *c, struct fields *req, enum field f)
{
	auto_fields ask = { 0 }, answer = { 0 };
	const struct field_value *list;

	if (!fields_has(req, F_KeyId))
		return KMS_OK; /* which the core will ask for */
	TRY(fields_put(&ask, F_KeyId, fields_get(req, F_KeyId)));
	TRY(fields_put_number(&ask, F_PageSize, 1));
	TRY(backend_act(c->backend, ctl_call(c), ACTION_ListKeyVersions, &ask, &answer));
	TRY(fields_put_number(&ask, F_PageNumber, fields_number(&answer, F_TotalCount, 1)));
	TRY(backend_act(c->backend, ctl_call(c), ACTION_ListKeyVersions, &ask, &answer));
	list = fields_value(&answer, F_KeyVersions);
	return list->u.groups.n == 0
	    ? KMS_OK
	    : fields_put(req, f, fields_get(&list->u.groups.v[0], F_KeyVersionId));
}

static enum kms_rc
put_alias(struct fields *req, enum field f, const char *name)
{
	auto_buf full = { 0 };

	if (strncmp(name, "alias/", strlen("alias/")) != 0)
		TRY(buf_add(&full, slice_str("alias/")));
	TRY(buf_add(&full, slice_str(name)));
	return fields_put(req, f, buf_slice(&full));
}

enum kms_rc
kms_put_user(struct fields *req, const char *text)
{
	const char *slash = strchr(text, '/');

	if (slash == NULL)
		return fields_put_text(req, F_UserName, text);
	TRY(fields_put(req, F_AccountId, slice_of(text, (size_t)(slash - text))));
	return fields_put_text(req, F_UserName, slash + 1);
}

/* -- JSON in texts -- */

static enum kms_rc
put_json(struct fields *req, enum field f, json_t *j)
{
	auto_text *text = j == NULL ? NULL : json_dumps(j, JSON_COMPACT);

	json_decref(j);
	return text == NULL ? KMS_NOMEM : fields_put_text(req, f, text);
}

/* Adds K=V to J: a member of an object, or an object with a tag's names. */
static enum kms_rc
add_pair(struct ctl *c, json_t *j, const char *word)
{
	const char *equals = strchr(word, '=');
	json_t *key, *value;
	int r;

	if (equals == NULL || equals == word)
		return wrong(c, "%s is no pair K=V", word);
	key = json_stringn(word, (size_t)(equals - word));
	value = json_string(equals + 1);
	if (key == NULL || value == NULL) {
		json_decref(key);
		json_decref(value);
		return wrong(c, "%s is not UTF-8", word);
	}
	if (json_is_array(j)) {
		r = json_array_append_new(j,
		    json_pack("{s:o,s:o}", "TagKey", key, "TagValue", value));
		return r == 0 ? KMS_OK : KMS_NOMEM;
	}
	if (json_object_get(j, json_string_value(key)) != NULL) {
		json_decref(key);
		json_decref(value);
		return wrong(c, "%s: a key stands in a context once", word);
	}
	r = json_object_set_new(j, json_string_value(key), value);
	json_decref(key);
	return r == 0 ? KMS_OK : KMS_NOMEM;
}

static enum kms_rc
put_tags(struct ctl *c, struct fields *req, enum field f, const char *const *words, int n)
{
	json_t *j = json_array();
	enum kms_rc rc = j == NULL ? KMS_NOMEM : KMS_OK;

	for (int i = 0; i < n && rc == KMS_OK; i++)
		rc = add_pair(c, j, words[i]);
	if (rc == KMS_OK)
		return put_json(req, f, j);
	json_decref(j);
	return rc;
}

enum kms_rc
kms_put_pairs(struct ctl *c, struct fields *req, enum field f, enum opt opt)
{
	json_t *j = json_object();
	enum kms_rc rc = j == NULL ? KMS_NOMEM : KMS_OK;

	for (size_t i = 0; i < c->n_pairs && rc == KMS_OK; i++) {
		if (c->pairs[i].opt == opt)
			rc = add_pair(c, j, c->pairs[i].value);
	}
	if (rc == KMS_OK)
		return put_json(req, f, j);
	json_decref(j);
	return rc;
}

static bool
is_among(const struct ctl *c, enum opt opt, const char *text)
{
	for (size_t i = 0; i < c->n_pairs; i++) {
		if (c->pairs[i].opt == opt && strcmp(c->pairs[i].value, text) == 0)
			return true;
	}
	return false;
}

static enum kms_rc
put_words(struct ctl *c, struct fields *req, enum field f, const char *const *words, int n)
{
	json_t *j = json_array();

	for (int i = 0; i < n; i++) {
		json_t *word = json_string(words[i]);

		if (word == NULL || json_array_append_new(j, word) != 0) {
			json_decref(j);
			return wrong(c, "%s is not UTF-8", words[i]);
		}
	}
	return put_json(req, f, j);
}

/* -- the request -- */

static bool
takes_argument(const struct fill *f)
{
	return f->from >= FILL_ARG && f->from <= FILL_WORDS;
}

static bool
given(const struct ctl *c, const struct fill *f, int next)
{
	return takes_argument(f) ? next < c->n_args : f->opt != OPT_END && c->opt[f->opt] != NULL;
}

/* The alternative is meant when something is given that only it has. */
static enum action
choose(const struct ctl *c, const struct kms_verb *v)
{
	int next = 0;

	for (const struct fill *f = v->fills; f->from != FILL_END; f++) {
		bool (*has)(enum action, enum field) =
		    f->from == FILL_TO_FILE ? kms_gives : kms_takes;

		if (f->field != F_COUNT && given(c, f, next) && !has(v->action, f->field) &&
		    has(v->alternative, f->field))
			return v->alternative;
		next += takes_argument(f) ? 1 : 0;
	}
	return v->action;
}

/* NEXT is the argument that comes next, counted up by what takes it. */
static enum kms_rc
fill(struct ctl *c, const struct fill *f, enum action a, int *next, struct fields *req)
{
	const char *const *args = (const char *const *)c->args + *next;
	int left = c->n_args - *next;
	const char *word = takes_argument(f) ? args[0] : f->opt == OPT_END ? NULL : c->opt[f->opt];

	*next += takes_argument(f) ? 1 : 0;
	switch (f->from) {
	case FILL_KEY: return put_key(c, a, req, f->field, word);
	case FILL_ALIAS: return put_alias(req, f->field, word);
	case FILL_USER:
	case FILL_OPT_USER: return kms_put_user(req, word);
	case FILL_FILE_ARG:
	case FILL_OPT_FILE: return put_file(c, req, f->field, word);
	case FILL_VALUE: return put_value(c, req, f->field, word, c->opt[f->opt] != NULL);
	case FILL_TAGS: return put_tags(c, req, f->field, args, left);
	case FILL_WORDS: return put_words(c, req, f->field, args, left);
	case FILL_ARG:
	case FILL_OPT: return put(c, req, f->field, word);
	case FILL_OPT_LIST: return put_words(c, req, f->field, &word, 1);
	case FILL_OR_NEW:
		return word != NULL ? put(c, req, f->field, word) : put_new_id(req, f->field);
	case FILL_OR_NEWEST:
		return word != NULL ? put(c, req, f->field, word) : put_newest(c, req, f->field);
	case FILL_AMONG:
		return is_among(c, f->opt, f->text) ? fields_put_bool(req, f->field, true) : KMS_OK;
	case FILL_PAIRS: return kms_put_pairs(c, req, f->field, f->opt);
	case FILL_WHEN:
	case FILL_FIXED: return put(c, req, f->field, f->text);
	case FILL_UNLESS: return fields_put_bool(req, f->field, word == NULL);
	case FILL_TO_FILE:
	case FILL_ONE_OF:
	case FILL_SOME_OF:
	case FILL_FLAG:
	case FILL_END: break;
	}
	return KMS_OK;
}

/* Of two options as many as there must be. */
static bool
enough(const struct ctl *c, const struct fill *f)
{
	int n = f->other == OPT_END ? 0 : (c->opt[f->opt] != NULL) + (c->opt[f->other] != NULL);

	return f->from == FILL_ONE_OF ? n == 1 : f->from != FILL_SOME_OF || n > 0;
}

enum exit_code
kms_request(struct ctl *c, const struct kms_verb *v, enum action *ret_action, struct fields *req)
{
	enum action a = choose(c, v);
	enum kms_rc rc = KMS_OK;
	int next = 0;

	err_clear(&c->call.err);
	c->call.error = E_None;
	for (const struct fill *f = v->fills; f->from != FILL_END && rc == KMS_OK; f++) {
		bool always = f->from == FILL_UNLESS || f->from == FILL_FIXED ||
		    f->from == FILL_OR_NEW || f->from == FILL_OR_NEWEST;

		if (!enough(c, f))
			return ctl_usage(c, "%s is needed", f->text);
		if (f->field != F_COUNT && f->from != FILL_TO_FILE && given(c, f, next) &&
		    !kms_takes(a, f->field))
			return ctl_usage(c, "%s does not go with %s", field_row(f->field)->wire,
			    action_row(a)->name);
		if ((given(c, f, next) || always) && f->field != F_COUNT && kms_takes(a, f->field))
			rc = fill(c, f, a, &next, req);
	}
	*ret_action = a;
	if (rc != KMS_OK && c->call.error != E_None)
		return kms_refused(c, rc); /* who a key is */
	if (rc == KMS_INVALID)
		return ctl_usage(c, "%s",
		    c->call.err.text[0] != '\0' ? c->call.err.text : rc_text(rc));
	return rc == KMS_OK
	    ? EXIT_DONE
	    : ctl_fail(c, rc, "%s%s%s", c->cmd->noun, c->cmd->verb == NULL ? "" : " ",
		  c->cmd->verb == NULL ? "" : c->cmd->verb);
}
