/* SPDX-License-Identifier: Apache-2.0 */
/* Reads JSON in parameters, by jansson. */
#include "kms/json_read.h"

#include <stdlib.h>

#include "base/codec.h"

enum kms_rc
json_parse(struct slice text, json_t **ret, struct err *err)
{
	json_error_t why;

	*ret = json_loadb((const char *)text.p, text.len, JSON_REJECT_DUPLICATES, &why);
	if (*ret == NULL)
		return err_set(err, KMS_INVALID, "not valid JSON at byte %d: %s", why.position,
		    why.text);
	return KMS_OK;
}

bool
json_text(const json_t *j, struct slice *ret)
{
	if (!json_is_string(j))
		return false;
	*ret = slice_of(json_string_value(j), json_string_length(j));
	return true;
}

/* -- strings -- */

void
strings_free(struct strings *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; i < s->n; i++)
		buf_free(&s->v[i]);
	free(s->v);
	*s = (struct strings){ 0 };
}

static enum kms_rc
read_strings(const json_t *list, size_t max, size_t len_max, struct strings *ret, struct err *err)
{
	size_t n = json_array_size(list);

	if (!json_is_array(list) || n > max)
		return err_set(err, KMS_INVALID, "a list of at most %zu strings is expected", max);
	if (n > 0 && (ret->v = calloc(n, sizeof(*ret->v))) == NULL)
		return KMS_NOMEM;
	for (size_t i = 0; i < n; i++) {
		struct slice s;

		if (!json_text(json_array_get(list, i), &s) || s.len == 0 || s.len > len_max)
			return err_set(err, KMS_INVALID, "entry %zu is no string of 1 to %zu bytes",
			    i + 1, len_max);
		ret->n = i + 1;
		TRY(buf_set(&ret->v[i], s));
	}
	return KMS_OK;
}

enum kms_rc
json_strings(struct slice text, size_t max, size_t len_max, struct strings *ret, struct err *err)
{
	auto_json *j = NULL;
	auto_strings s = { 0 };

	TRY(json_parse(text, &j, err));
	TRY(read_strings(j, max, len_max, &s, err));
	*ret = s; /* moved */
	s = (struct strings){ 0 };
	return KMS_OK;
}

/* -- tags -- */

static enum kms_rc
read_tag(const json_t *j, struct tags *ret, struct err *err)
{
	struct slice key, value;

	if (!json_is_object(j) || json_object_size(j) != 2 ||
	    !json_text(json_object_get(j, "TagKey"), &key) ||
	    !json_text(json_object_get(j, "TagValue"), &value))
		return err_set(err, KMS_INVALID,
		    "a tag is {\"TagKey\":\"...\",\"TagValue\":\"...\"}");
	return tags_put(ret, key, value, err);
}

enum kms_rc
json_tags(struct slice text, struct tags *ret, struct err *err)
{
	auto_json *j = NULL;
	auto_tags t = { 0 };

	TRY(json_parse(text, &j, err));
	if (!json_is_array(j))
		return err_set(err, KMS_INVALID, "tags are a list");
	for (size_t i = 0; i < json_array_size(j); i++)
		TRY(read_tag(json_array_get(j, i), &t, err));
	*ret = t; /* moved */
	t.n = 0;
	return KMS_OK;
}

/* -- encryption contexts -- */

struct pair {
	struct slice key, value;
};

static int
by_key(const void *a, const void *b)
{
	return slice_cmp(((const struct pair *)a)->key, ((const struct pair *)b)->key);
}

static enum kms_rc
read_pairs(json_t *j, struct pair *v, struct err *err)
{
	void *it = json_object_iter(j);

	for (size_t i = 0; it != NULL; i++, it = json_object_iter_next(j, it)) {
		v[i].key = slice_str(json_object_iter_key(it));
		if (!json_text(json_object_iter_value(it), &v[i].value))
			return err_set(err, KMS_INVALID,
			    "an encryption context maps strings to strings alone");
	}
	return KMS_OK;
}

enum kms_rc
json_context(struct slice text, struct buf *ret, struct err *err)
{
	auto_json *j = NULL;
	auto_buf out = { 0 };
	struct writer w = writer_of(&out);
	struct pair *v;
	size_t n;
	enum kms_rc rc;

	if (text.len == 0)
		return KMS_OK;
	TRY(json_parse(text, &j, err));
	if (!json_is_object(j))
		return err_set(err, KMS_INVALID, "an encryption context is a JSON object");
	if ((n = json_object_size(j)) == 0)
		return KMS_OK;
	if ((v = calloc(n, sizeof(*v))) == NULL)
		return KMS_NOMEM;
	if ((rc = read_pairs(j, v, err)) == KMS_OK) {
		qsort(v, n, sizeof(*v), by_key);
		for (size_t i = 0; i < n; i++) {
			write_bytes(&w, v[i].key);
			write_bytes(&w, v[i].value);
		}
		rc = w.rc;
	}
	free(v);
	if (rc == KMS_OK)
		buf_move(ret, &out);
	return rc;
}

/* -- filters -- */

void
filters_free(struct filters *f)
{
	if (f == NULL)
		return;
	for (size_t i = 0; i < f->n; i++) {
		buf_free(&f->v[i].key);
		strings_free(&f->v[i].values);
	}
	f->n = 0;
}

static enum kms_rc
read_filter(const json_t *j, struct filter *ret, struct err *err)
{
	struct slice key;

	if (!json_is_object(j) || json_object_size(j) != 2 ||
	    !json_text(json_object_get(j, "Key"), &key))
		return err_set(err, KMS_INVALID,
		    "a filter is {\"Key\":\"...\",\"Values\":[\"...\"]}");
	TRY(buf_set(&ret->key, key));
	return read_strings(json_object_get(j, "Values"), FILTERS_MAX, 256, &ret->values, err);
}

enum kms_rc
json_filters(struct slice text, struct filters *ret, struct err *err)
{
	auto_json *j = NULL;
	auto_filters f = { .n = 0 };

	if (text.len == 0) {
		ret->n = 0;
		return KMS_OK;
	}
	TRY(json_parse(text, &j, err));
	if (!json_is_array(j) || json_array_size(j) > FILTERS_MAX)
		return err_set(err, KMS_INVALID, "filters are a list of at most %d", FILTERS_MAX);
	for (size_t i = 0; i < json_array_size(j); i++) {
		f.v[i] = (struct filter){ 0 };
		f.n = i + 1;
		TRY(read_filter(json_array_get(j, i), &f.v[i], err));
	}
	*ret = f; /* moved */
	f.n = 0;
	return KMS_OK;
}
