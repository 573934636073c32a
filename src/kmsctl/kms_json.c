/* SPDX-License-Identifier: Apache-2.0 */
/* Results as JSON under the API's own names, which libsmartcols would write in lower case. */
#include "kmsctl/kms_json.h"

#include "base/codec.h"

static json_t *
json_of_bytes(struct slice s)
{
	auto_buf b = { 0 };

	if (base64_encode(s, &b) != KMS_OK)
		return NULL;
	return json_stringn(b.len == 0 ? "" : (const char *)b.p, b.len);
}

static json_t *
json_of_text(struct slice s)
{
	return json_stringn(s.len == 0 ? "" : (const char *)s.p, s.len);
}

static json_t *
json_of_texts(const struct field_value *v)
{
	json_t *list = json_array();
	int r = list == NULL ? -1 : 0;

	for (size_t i = 0; i < v->u.texts.n && r == 0; i++)
		r = json_array_append_new(list, json_of_text(buf_slice(&v->u.texts.v[i])));
	if (r == 0)
		return list;
	json_decref(list);
	return NULL;
}

static json_t *
json_of(const struct field_value *v)
{
	switch (field_row(v->name)->kind) {
	case FIELD_TEXT: return json_of_text(buf_slice(&v->u.text));
	case FIELD_BYTES: return json_of_bytes(buf_slice(&v->u.text));
	case FIELD_SECRET_TEXT: return json_of_text(secret_slice(&v->u.secret));
	case FIELD_SECRET_BYTES: return json_of_bytes(secret_slice(&v->u.secret));
	case FIELD_NUMBER: return json_integer(v->u.number);
	case FIELD_BOOL: return json_boolean(v->u.truth);
	case FIELD_TEXTS: return json_of_texts(v);
	case FIELD_GROUP:
	case FIELD_GROUPS: break;
	}
	return NULL;
}

bool
kms_json_add(json_t *row, const struct field_value *v)
{
	json_t *value = row == NULL ? NULL : json_of(v);

	/* Takes VALUE over, and fails when it is NULL. */
	return json_object_set_new(row, field_row(v->name)->wire, value) == 0;
}

enum exit_code
kms_json_print(struct ctl *c, const json_t *rows)
{
	if (json_dumpf(rows, stdout, JSON_INDENT(3)) != 0)
		return ctl_fail(c, KMS_NOMEM, "cannot write the result");
	(void)fputc('\n', stdout);
	return EXIT_DONE;
}
