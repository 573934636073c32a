/* SPDX-License-Identifier: Apache-2.0 */
/* ListSecrets and what secrets can be filtered by. */
#define _GNU_SOURCE 1
#include "kms/chapters.h"
#include "kms/list.h"

static bool
by_name(struct listed *l, struct slice value)
{
	return slice_eq(value, buf_slice(&l->secret.name));
}

/* Descriptions are longer than what can be asked for: a part of one is enough. */
static bool
by_description(struct listed *l, struct slice value)
{
	const struct buf *d = &l->secret.description;

	return d->len > 0 && memmem(d->p, d->len, value.p, value.len) != NULL;
}

static bool
by_tag_key(struct listed *l, struct slice value)
{
	return list_tag_key(&l->secret.tags, value);
}

static bool
by_tag_value(struct listed *l, struct slice value)
{
	return list_tag_value(&l->secret.tags, value);
}

/* There is no instance here, so that none has any. */
static bool
by_instance(struct listed *l UNUSED, struct slice value UNUSED)
{
	return false;
}

static bool
by_type(struct listed *l, struct slice value)
{
	return slice_eq(value, slice_str(secret_type_name(l->secret.type)));
}

static bool
by_creator(struct listed *l, struct slice value)
{
	return slice_eq(value, buf_slice(&l->secret.creator));
}

static const struct list_filter secret_filters[] = {
	{ "SecretName", by_name },
	{ "Description", by_description },
	{ "TagKey", by_tag_key },
	{ "TagValue", by_tag_value },
	{ "DKMSInstanceId", by_instance },
	{ "SecretType", by_type },
	{ "Creator", by_creator },
};

static enum kms_rc
put_listed(struct listed *l, struct fields *row)
{
	return secret_put_common(l->a, row, &l->secret);
}

enum kms_rc
act_list_secrets(struct act *a)
{
	static const struct list_form form = {
		.kind = ENTITY_SECRET,
		.rows = F_SecretList,
		.filters = secret_filters,
		.n_filters = ARRAY_LEN(secret_filters),
		.put = put_listed,
	};

	return act_list(a, &form);
}
