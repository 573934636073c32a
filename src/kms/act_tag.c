/* SPDX-License-Identifier: Apache-2.0 */
/* Actions on the tags of keys, and on their policies. */
#include "kms/chapters.h"
#include "kms/json.h"

/* -- one resource -- */

/* Loads the one resource that the parameters select; secrets follow their own chapter. */
static enum kms_rc
select_key(struct act *a, const char *what)
{
	struct slice key = fields_get(a->req, F_KeyId);

	if (key.len == 0)
		return call_refuse(a->c, E_MissingParameter,
		    "The parameter \"KeyId\" is needed but not provided.");
	TRY(act_find_key(a, key, false, &a->key));
	return act_permit_key(a, what, &a->key);
}

static enum kms_rc
invalid(struct act *a, enum kms_rc rc, const char *parameter)
{
	char why[sizeof(a->c->err.text)];

	if (rc != KMS_INVALID && rc != KMS_LIMIT)
		return rc;
	memcpy(why, a->c->err.text, sizeof(why));
	err_clear(&a->c->err);
	return call_refuse(a->c, rc == KMS_LIMIT ? E_LimitExceeded : E_InvalidParameter,
	    "The specified parameter \"%s\" is not valid: %s.", parameter, why);
}

enum kms_rc
act_tag_resource(struct act *a)
{
	auto_tags t = { .n = 0 };

	TRY(select_key(a, "kms:TagResource"));
	TRY(invalid(a, json_tags(fields_get(a->req, F_TagsJson), &t, &a->c->err), "Tags"));
	for (size_t i = 0; i < t.n; i++)
		TRY(invalid(a,
		    tags_put(&a->key.tags, buf_slice(&t.v[i].key), buf_slice(&t.v[i].value),
			&a->c->err),
		    "Tags"));
	return act_put_key(a, &a->key);
}

enum kms_rc
act_untag_resource(struct act *a)
{
	auto_strings keys = { 0 };

	TRY(select_key(a, "kms:UntagResource"));
	TRY(invalid(a,
	    json_strings(fields_get(a->req, F_TagKeysJson), TAGS_MAX, TAG_LEN_MAX, &keys,
		&a->c->err),
	    "TagKeys"));
	for (size_t i = 0; i < keys.n; i++)
		tags_drop(&a->key.tags, buf_slice(&keys.v[i]));
	return act_put_key(a, &a->key);
}

enum kms_rc
act_list_resource_tags(struct act *a)
{
	TRY(fields_put_list(a->res, F_Tags));
	for (size_t i = 0; i < a->key.tags.n; i++) {
		struct fields *row;

		TRY(fields_add_group(a->res, F_Tags, &row));
		TRY(act_put_uid(row, F_KeyId, &a->key.id));
		TRY(fields_put(row, F_TagKey, buf_slice(&a->key.tags.v[i].key)));
		TRY(fields_put(row, F_TagValue, buf_slice(&a->key.tags.v[i].value)));
	}
	return KMS_OK;
}
