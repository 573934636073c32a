/* SPDX-License-Identifier: Apache-2.0 */
/* ListKeys and what keys can be filtered by. */
#include "kms/chapters.h"
#include "kms/list.h"

static bool
is_text(struct slice value, const char *text)
{
	return slice_eq(value, slice_str(text));
}

static bool
by_state(struct listed *l, struct slice value)
{
	return is_text(value, state_name(l->key.state));
}

static bool
by_spec(struct listed *l, struct slice value)
{
	char spec[SPEC_NAME_MAX];

	master_spec_name(&l->key.spec, spec);
	return is_text(value, spec);
}

static bool
by_usage(struct listed *l, struct slice value)
{
	return is_text(value, usage_name(l->key.usage, l->key.spec.type));
}

static bool
by_level(struct listed *l, struct slice value)
{
	return is_text(value, key_level_name(l->key.level));
}

static bool
by_creator_type(struct listed *l, struct slice value)
{
	return is_text(value, master_key_is_service(&l->key) ? "Service" : "User");
}

static bool
by_creator(struct listed *l, struct slice value)
{
	return slice_eq(value, buf_slice(&l->key.creator));
}

/* There is no instance here, so that none has any. */
static bool
by_instance(struct listed *l UNUSED, struct slice value UNUSED)
{
	return false;
}

static bool
by_id(struct listed *l, struct slice value)
{
	struct uid id;

	return uid_from_text(value, &id) && uid_eq(&id, &l->key.id);
}

static bool
by_alias(struct listed *l, struct slice value)
{
	auto_store_entity e = { 0 };
	struct store *store = l->a->l->store;
	enum kms_rc rc;

	if (!slice_skip(&value, "alias/"))
		return false;
	rc = store->ops->entity_by_name(store, l->a->c, ENTITY_ALIAS, value, &e);
	if (rc == KMS_OK)
		rc = entity_open(l->a->c, &l->a->keys, &e, NULL);
	if (rc != KMS_OK && rc != KMS_NOTFOUND)
		l->rc = rc;
	return rc == KMS_OK && uid_eq(&e.parent, &l->key.id);
}

static bool
by_tag_key(struct listed *l, struct slice value)
{
	return list_tag_key(&l->key.tags, value);
}

static bool
by_tag_value(struct listed *l, struct slice value)
{
	return list_tag_value(&l->key.tags, value);
}

static const struct list_filter key_filters[] = {
	{ "KeyState", by_state },
	{ "KeySpec", by_spec },
	{ "KeyUsage", by_usage },
	{ "ProtectionLevel", by_level },
	{ "CreatorType", by_creator_type },
	{ "Creator", by_creator },
	{ "DKMSInstanceId", by_instance },
	{ "KeyId", by_id },
	{ "keyId", by_id },
	{ "AliasName", by_alias },
	{ "TagKey", by_tag_key },
	{ "TagValue", by_tag_value },
};

static enum kms_rc
put_listed(struct listed *l, struct fields *row)
{
	TRY(act_put_uid(row, F_KeyId, &l->key.id));
	return key_put_arn(l->a, row, F_KeyArn, &l->key.id);
}

enum kms_rc
act_list_keys(struct act *a)
{
	static const struct list_form form = {
		.kind = ENTITY_KEY,
		.rows = F_Keys,
		.filters = key_filters,
		.n_filters = ARRAY_LEN(key_filters),
		.put = put_listed,
	};

	return act_list(a, &form);
}
