/* SPDX-License-Identifier: Apache-2.0 */
/* Finds secrets, asks whether an action may go on with them, and puts them back. */
#include "kms/authorise.h"

static enum kms_rc
read_found(struct act *a, enum kms_rc rc, const struct store_entity *e, struct kms_secret *ret)
{
	if (rc == KMS_NOTFOUND || (rc == KMS_OK && e->kind != ENTITY_SECRET))
		return act_not_found(a, E_ResourceNotFound);
	TRY(rc);
	return kms_secret_read(a->c, &a->keys, e, ret);
}

enum kms_rc
act_load_secret(struct act *a, const struct uid *id, struct kms_secret *ret)
{
	auto_store_entity e = { 0 };
	enum kms_rc rc = a->l->store->ops->entity_get(a->l->store, a->c, id, &e);

	return read_found(a, rc, &e, ret);
}

enum kms_rc
act_find_secret(struct act *a, struct slice name, struct kms_secret *ret)
{
	auto_store_entity e = { 0 };
	enum kms_rc rc = KMS_NOTFOUND;

	/* No name has the colons of an ARN, so that what is none of ours is not found. */
	if (!act_skip_arn(a, &name) || slice_skip(&name, "secret/"))
		rc = a->l->store->ops->entity_by_name(a->l->store, a->c, ENTITY_SECRET, name, &e);
	return read_found(a, rc, &e, ret);
}

/* What goes on with a secret that is to be deleted. */
static const enum action in_window[] = { ACTION_DescribeSecret, ACTION_ListSecretVersionIds,
	ACTION_DeleteSecret, ACTION_RestoreSecret, ACTION_GetSecretPolicy,
	ACTION_ListTagResources };

static bool
goes_on(enum action action)
{
	for (size_t i = 0; i < ARRAY_LEN(in_window); i++)
		if (in_window[i] == action)
			return true;
	return false;
}

enum kms_rc
act_permit_secret(struct act *a, const char *what, const struct kms_secret *s)
{
	struct resource r = resource_of_secret(s);

	TRY(authorise(a, what, &r));
	if (s->delete_at != 0 && !goes_on(a->action))
		return call_refuse(a->c, E_ResourceInDeleteWindow,
		    "The secret is scheduled for deletion; RestoreSecret brings it back.");
	return KMS_OK;
}

enum kms_rc
act_put_secret(struct act *a, struct kms_secret *s)
{
	auto_store_entity e = { 0 };
	uint64_t was = s->revision;

	s->updated = a->now;
	TRY(kms_secret_write(a->c, &a->keys, s, &e));
	return was == 0 ? changes_insert_entity(&a->changes, &e)
			: changes_update_entity(&a->changes, &e, was);
}
