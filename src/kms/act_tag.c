/* SPDX-License-Identifier: Apache-2.0 */
/* Actions on the tags of keys and secrets. */
#include "kms/chapters.h"
#include "kms/json.h"

/* A key or a secret, whose tags are to be looked at or changed. */
struct tagged {
	bool is_secret;
	struct master_key key;
	struct kms_secret secret;
};

static void
tagged_free(struct tagged *t)
{
	master_key_free(&t->key);
	kms_secret_free(&t->secret);
}
#define auto_tagged __attribute__((cleanup(tagged_free))) struct tagged

static struct tags *
tags_of(struct tagged *t)
{
	return t->is_secret ? &t->secret.tags : &t->key.tags;
}

static const struct uid *
id_of(const struct tagged *t)
{
	return t->is_secret ? &t->secret.id : &t->key.id;
}

/* The resource called NAME, to which the caller may do WHAT. */
static enum kms_rc
find(struct act *a, bool is_secret, struct slice name, const char *what, struct tagged *ret)
{
	ret->is_secret = is_secret;
	if (!is_secret) {
		TRY(act_find_key(a, name, false, &ret->key));
		return act_permit_key(a, what, &ret->key);
	}
	TRY(act_find_secret(a, name, &ret->secret));
	return act_permit_secret(a, what, &ret->secret);
}

static enum kms_rc
put(struct act *a, struct tagged *t)
{
	return t->is_secret ? act_put_secret(a, &t->secret) : act_put_key(a, &t->key);
}

/* -- one resource: TagResource, UntagResource, ListResourceTags -- */

static enum kms_rc
find_selected(struct act *a, const char *what, struct tagged *ret)
{
	bool key = fields_has(a->req, F_KeyId), secret = fields_has(a->req, F_SecretName);
	bool certificate = fields_has(a->req, F_CertificateId);

	if (key + secret + certificate > 1)
		return call_refuse(a->c, E_InvalidParameter,
		    "One of the parameters \"KeyId\", \"SecretName\" and \"CertificateId\" is expected.");
	if (key || secret)
		return find(a, secret, fields_get(a->req, key ? F_KeyId : F_SecretName), what, ret);
	if (certificate)
		return call_refuse(a->c, E_ResourceNotFound, "There are no certificates here.");
	return call_refuse(a->c, E_MissingParameter,
	    "The parameter \"KeyId\" or \"SecretName\" is needed but not provided.");
}

static enum kms_rc
add_tags(struct act *a, enum field from, struct tags *to, const struct tags *tags)
{
	for (size_t i = 0; i < tags->n; i++)
		TRY(act_parsed(a, from,
		    tags_put(to, buf_slice(&tags->v[i].key), buf_slice(&tags->v[i].value),
			&a->c->err)));
	return KMS_OK;
}

enum kms_rc
act_tag_resource(struct act *a)
{
	auto_tagged t = { 0 };
	auto_tags tags = { .n = 0 };

	TRY(find_selected(a, "kms:TagResource", &t));
	TRY(act_parsed(a, F_TagsJson,
	    json_tags(fields_get(a->req, F_TagsJson), &tags, &a->c->err)));
	TRY(add_tags(a, F_TagsJson, tags_of(&t), &tags));
	return put(a, &t);
}

enum kms_rc
act_untag_resource(struct act *a)
{
	auto_tagged t = { 0 };
	auto_strings keys = { 0 };

	TRY(find_selected(a, "kms:UntagResource", &t));
	TRY(act_parsed(a, F_TagKeysJson,
	    json_strings(fields_get(a->req, F_TagKeysJson), TAGS_MAX, TAG_LEN_MAX, &keys,
		&a->c->err)));
	for (size_t i = 0; i < keys.n; i++)
		tags_drop(tags_of(&t), buf_slice(&keys.v[i]));
	return put(a, &t);
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

/* -- several resources: TagResources, UntagResources -- */

enum kms_rc
tag_read_type(struct act *a, bool *is_secret)
{
	struct slice type = fields_get(a->req, F_ResourceType);

	*is_secret = slice_eq(type, slice_str("secret"));
	return *is_secret || slice_eq(type, slice_str("key")) ? KMS_OK : act_bad(a, F_ResourceType);
}

enum kms_rc
tag_read_list(struct act *a, struct tags *ret)
{
	const struct field_value *list = fields_value(a->req, F_TagList);

	for (size_t i = 0; list != NULL && i < list->u.groups.n; i++) {
		const struct fields *tag = &list->u.groups.v[i];

		TRY(act_parsed(a, F_TagList,
		    tags_put(ret, fields_get(tag, F_TagListKey), fields_get(tag, F_TagListValue),
			&a->c->err)));
	}
	return KMS_OK;
}

/* What is done to each resource's tags. */
struct change {
	const char *what;
	const struct tags *put;
	const struct field_value *drop; /* keys; NULL: all */
};

static enum kms_rc
change_one(struct act *a, const struct change *c, struct tagged *t)
{
	if (c->put != NULL)
		TRY(add_tags(a, F_TagList, tags_of(t), c->put));
	else if (c->drop == NULL)
		tags_free(tags_of(t));
	for (size_t i = 0; c->drop != NULL && i < c->drop->u.texts.n; i++)
		tags_drop(tags_of(t), buf_slice(&c->drop->u.texts.v[i]));
	return put(a, t);
}

/* T is among the N, maybe by another name. */
static bool
is_among(const struct uid *ids, size_t n, const struct tagged *t)
{
	for (size_t i = 0; i < n; i++)
		if (uid_eq(&ids[i], id_of(t)))
			return true;
	return false;
}

static enum kms_rc
change_all(struct act *a, const struct change *c)
{
	const struct field_value *names = fields_value(a->req, F_ResourceIds);
	struct uid ids[50]; /* as many as the field takes */
	bool is_secret;

	TRY(tag_read_type(a, &is_secret));
	if (names->u.texts.n > ARRAY_LEN(ids))
		return act_bad(a, F_ResourceIds);
	for (size_t i = 0; i < names->u.texts.n; i++) {
		auto_tagged t = { 0 };

		TRY(find(a, is_secret, buf_slice(&names->u.texts.v[i]), c->what, &t));
		if (!is_among(ids, i, &t))
			TRY(change_one(a, c, &t));
		ids[i] = *id_of(&t);
	}
	return KMS_OK;
}

enum kms_rc
act_tag_resources(struct act *a)
{
	auto_tags tags = { .n = 0 };
	struct change c = { .what = "kms:TagResources", .put = &tags };

	TRY(tag_read_list(a, &tags));
	return change_all(a, &c);
}

enum kms_rc
act_untag_resources(struct act *a)
{
	struct change c = { .what = "kms:UntagResources",
		.drop = fields_value(a->req, F_TagKeyList) };

	if (c.drop == NULL && !fields_bool(a->req, F_All))
		return call_refuse(a->c, E_MissingParameter,
		    "The parameter \"TagKey\" or \"All\" is needed but not provided.");
	return change_all(a, &c);
}
