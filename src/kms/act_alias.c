/* SPDX-License-Identifier: Apache-2.0 */
/* Actions on aliases: other names of keys, unique in the account. */
#include "kms/authorise.h"
#include "kms/chapters.h"

#define ALIAS_HEAD    "alias/"
#define ALIASES_MAX   10000 /* in one KMS */
#define ALIAS_LEN_MAX 255   /* bytes behind the head */

/* NAME without its head. */
static enum kms_rc
check_name(struct act *a, struct slice name, struct slice *ret)
{
	size_t head = strlen(ALIAS_HEAD);
	bool ok = name.len > head && name.len - head <= ALIAS_LEN_MAX &&
	    memcmp(name.p, ALIAS_HEAD, head) == 0;

	for (size_t i = head; ok && i < name.len; i++) {
		uint8_t b = name.p[i];

		ok = (b >= '0' && b <= '9') || (b >= 'A' && b <= 'Z') || (b >= 'a' && b <= 'z') ||
		    b == '_' || b == '-' || b == '/';
	}
	if (ok && name.len >= head + 3 && memcmp(name.p + head, "acs", 3) == 0)
		ok = false;
	if (!ok)
		return call_refuse(a->c, E_InvalidParameter,
		    "The specified parameter \"AliasName\" is not valid: it begins with alias/, not alias/acs, and goes on with 1 to %d letters, digits, _ - or /.",
		    ALIAS_LEN_MAX);
	*ret = slice_of(name.p + head, name.len - head);
	return KMS_OK;
}

static enum kms_rc
find_alias(struct act *a, struct slice name, struct store_entity *ret)
{
	enum kms_rc rc =
	    a->l->store->ops->entity_by_name(a->l->store, a->c, ENTITY_ALIAS, name, ret);

	if (rc == KMS_NOTFOUND)
		return call_refuse(a->c, E_AliasNotFound, "The specified Alias is not found.");
	TRY(rc);
	return entity_open(a->c, &a->keys, ret, NULL);
}

/* Both the alias and the key must let it be. */
static enum kms_rc
permit_alias(struct act *a, const char *what, struct slice name)
{
	struct resource r = { .type = "alias", .name = name };

	return authorise(a, what, &r);
}

/* The key that is to have the alias. It is put together with it, though nothing of it changes: so
 * who deletes it meanwhile and who names it are not both right. */
static enum kms_rc
target_key(struct act *a, const char *what)
{
	TRY(act_find_key(a, fields_get(a->req, F_KeyId), false, &a->key));
	a->has_key = true;
	return act_permit_key(a, what, &a->key);
}

enum kms_rc
act_create_alias(struct act *a)
{
	struct entity_query all = { .kind = ENTITY_ALIAS, .limit = 1 };
	auto_store_entities some = { 0 };
	auto_store_entity e = { 0 };
	struct slice name;
	uint64_t n;
	enum kms_rc rc;

	TRY(check_name(a, fields_get(a->req, F_AliasName), &name));
	TRY(permit_alias(a, "kms:CreateAlias", name));
	TRY(target_key(a, "kms:CreateAlias"));
	rc = a->l->store->ops->entity_by_name(a->l->store, a->c, ENTITY_ALIAS, name, &e);
	if (rc == KMS_OK)
		return call_refuse(a->c, E_AliasAlreadyExists,
		    "The specified alias already exists.");
	if (rc != KMS_NOTFOUND)
		return rc;
	TRY(a->l->store->ops->entity_list(a->l->store, a->c, &all, &some, &n));
	if (n >= ALIASES_MAX)
		return call_refuse(a->c, E_LimitExceeded, "There are %d aliases already.",
		    ALIASES_MAX);
	TRY(entity_new(ENTITY_ALIAS, a->now, &e));
	e.parent = a->key.id;
	TRY(buf_set(&e.name, name));
	TRY(entity_seal(a->c, &a->keys, &e, slice_of(NULL, 0)));
	TRY(changes_insert_entity(&a->changes, &e));
	return act_put_key(a, &a->key);
}

enum kms_rc
act_update_alias(struct act *a)
{
	auto_store_entity e = { 0 };
	struct slice name;
	uint64_t was;

	TRY(check_name(a, fields_get(a->req, F_AliasName), &name));
	TRY(find_alias(a, name, &e));
	TRY(permit_alias(a, "kms:UpdateAlias", name));
	TRY(target_key(a, "kms:UpdateAlias"));
	e.parent = a->key.id;
	was = e.revision++;
	TRY(entity_seal(a->c, &a->keys, &e, slice_of(NULL, 0)));
	TRY(changes_update_entity(&a->changes, &e, was));
	return act_put_key(a, &a->key);
}

enum kms_rc
act_delete_alias(struct act *a)
{
	auto_store_entity e = { 0 };
	struct slice name;
	enum kms_rc rc;

	TRY(check_name(a, fields_get(a->req, F_AliasName), &name));
	TRY(find_alias(a, name, &e));
	TRY(permit_alias(a, "kms:DeleteAlias", name));
	if ((rc = act_load_key(a, &e.parent, &a->key)) == KMS_NOTFOUND) {
		/* Then nobody else has a say. */
		act_go_on(a);
		return changes_remove_entity(&a->changes, &e.id, e.revision);
	}
	TRY(rc);
	a->has_key = true;
	TRY(act_permit_key(a, "kms:DeleteAlias", &a->key));
	return changes_remove_entity(&a->changes, &e.id, e.revision);
}

static enum kms_rc
list(struct act *a, const struct uid *key)
{
	struct page p = act_page(a, 10);
	struct entity_query q = {
		.kind = ENTITY_ALIAS, .skip = (p.number - 1) * p.size, .limit = p.size
	};
	auto_store_entities l = { 0 };
	uint64_t total;

	if (key != NULL)
		q.parent = *key;
	TRY(a->l->store->ops->entity_list(a->l->store, a->c, &q, &l, &total));
	TRY(fields_put_list(a->res, F_Aliases));
	for (size_t i = 0; i < l.n; i++) {
		auto_buf name = { 0 };
		struct fields *row;

		TRY(entity_open(a->c, &a->keys, &l.v[i], NULL));
		TRY(buf_add(&name, slice_str(ALIAS_HEAD)));
		TRY(buf_add(&name, buf_slice(&l.v[i].name)));
		TRY(fields_add_group(a->res, F_Aliases, &row));
		TRY(act_put_uid(row, F_KeyId, &l.v[i].parent));
		TRY(fields_put(row, F_AliasName, buf_slice(&name)));
		TRY(act_put_arn(a, row, F_AliasArn, "alias", buf_slice(&l.v[i].name)));
	}
	return act_put_page(a, p, total);
}

enum kms_rc
act_list_aliases(struct act *a)
{
	return list(a, NULL);
}

enum kms_rc
act_list_aliases_by_key_id(struct act *a)
{
	return list(a, &a->key.id);
}
