/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the JSON in the parameters of secrets: SecretsList and ExtendedConfig. */
#include <stdlib.h>

#include "base/secret.h"
#include "kms/json_read.h"

/* -- SecretsList -- */

void
secret_wishes_free(struct secret_wishes *w)
{
	if (w == NULL)
		return;
	for (size_t i = 0; i < w->n; i++) {
		buf_free(&w->v[i].name);
		buf_free(&w->v[i].version);
		buf_free(&w->v[i].stage);
	}
	w->n = 0;
}

/* A member that is a string, if it is there. */
static enum kms_rc
read_text(const json_t *j, const char *member, struct buf *ret, struct err *err)
{
	const json_t *v = json_object_get(j, member);
	struct slice text;

	if (v == NULL)
		return KMS_OK;
	if (!json_text(v, &text))
		return err_set(err, KMS_INVALID, "%s is no string", member);
	return buf_set(ret, text);
}

/* true, or "true" as some clients write it. */
static bool
read_truth(const json_t *j, bool *ret)
{
	struct slice text = { 0 };

	*ret = json_is_true(j) || (json_text(j, &text) && slice_eq(text, slice_str("true")));
	return *ret || j == NULL || json_is_false(j) || slice_eq(text, slice_str("false"));
}

/* How many of the members that a wish may have are there. */
static size_t
count_known(const json_t *j)
{
	static const char *const names[] = { "SecretName", "VersionId", "VersionStage",
		"FetchExtendedConfig" };
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		n += json_object_get(j, names[i]) != NULL;
	return n;
}

static enum kms_rc
read_wish(const json_t *j, struct secret_wish *ret, struct err *err)
{
	if (!json_is_object(j) || count_known(j) != json_object_size(j))
		return err_set(err, KMS_INVALID,
		    "a secret is {\"SecretName\":\"...\",\"VersionId\":\"...\",\"VersionStage\":\"...\",\"FetchExtendedConfig\":true}");
	TRY(read_text(j, "SecretName", &ret->name, err));
	TRY(read_text(j, "VersionId", &ret->version, err));
	TRY(read_text(j, "VersionStage", &ret->stage, err));
	if (!read_truth(json_object_get(j, "FetchExtendedConfig"), &ret->config))
		return err_set(err, KMS_INVALID, "FetchExtendedConfig is neither true nor false");
	return ret->name.len > 0 ? KMS_OK : err_set(err, KMS_INVALID, "a secret has no SecretName");
}

enum kms_rc
json_wishes(struct slice text, struct secret_wishes *ret, struct err *err)
{
	auto_json *j = NULL;
	auto_secret_wishes w = { .n = 0 };

	TRY(json_parse(text, &j, err));
	if (!json_is_array(j) || json_array_size(j) == 0 || json_array_size(j) > SECRET_WISHES_MAX)
		return err_set(err, KMS_INVALID, "a list of 1 to %d secrets is expected",
		    SECRET_WISHES_MAX);
	for (size_t i = 0; i < json_array_size(j); i++) {
		w.v[i] = (struct secret_wish){ 0 };
		w.n = i + 1;
		TRY(read_wish(json_array_get(j, i), &w.v[i], err));
	}
	*ret = w; /* moved */
	w.n = 0;
	return KMS_OK;
}

/* -- ExtendedConfig -- */

static enum kms_rc
parse_object(struct slice text, json_t **ret, struct err *err)
{
	TRY(json_parse(text, ret, err));
	return json_is_object(*ret) ? KMS_OK
				    : err_set(err, KMS_INVALID, "a JSON object is expected");
}

enum kms_rc
json_config(struct slice text, struct err *err)
{
	auto_json *j = NULL;

	return parse_object(text, &j, err);
}

enum kms_rc
json_config_text(struct slice text, const char *name, struct buf *ret, struct err *err)
{
	auto_json *j = NULL;

	TRY(parse_object(text, &j, err));
	return read_text(j, name, ret, err);
}

enum kms_rc
json_config_custom(struct slice config, struct slice custom, struct buf *ret, struct err *err)
{
	auto_json *j = NULL, *data = NULL;
	enum kms_rc rc;
	char *text;

	TRY(parse_object(custom, &data, err));
	TRY(parse_object(config.len == 0 ? slice_str("{}") : config, &j, err));
	if (json_object_set(j, "CustomData", data) != 0 ||
	    (text = json_dumps(j, JSON_COMPACT | JSON_PRESERVE_ORDER)) == NULL)
		return KMS_NOMEM;
	rc = buf_set(ret, slice_str(text));
	free(text);
	return rc;
}
