/* SPDX-License-Identifier: Apache-2.0 */
/* Makes, joins and removes the KMS keys of what applications make through PKCS#11. */
#include "kms/made_key.h"

#include "kms/act.h"

void
made_free(struct made *m)
{
	store_row_free(&m->row);
	store_entity_free(&m->key);
}

enum kms_rc
made_key(struct local *l, struct call *c, const struct keyring *keys, struct slice material,
    struct made *m)
{
	struct object *o = &m->row.o;
	auto_master_key k = { .created = o->created,
		.rotated = o->created,
		.state = KEY_ENABLED,
		.spec = o->spec,
		.usage = USAGE_ANY,
		.level = key_level_here(l),
		.primary = o->id,
		.material = true };
	struct account account;

	if (keys->role != ROLE_USER)
		return KMS_OK;
	k.origin = (o->flags & FLAG_LOCAL) != 0 ? ORIGIN_KMS : ORIGIN_EXTERNAL;
	if (k.origin == ORIGIN_EXTERNAL)
		TRY(crypto_digest(DIGEST_SHA256, material, k.material_digest));
	act_account(keys->serial, &account);
	TRY(buf_set(&k.creator, slice_str(account.id)));
	TRY(crypto_random(k.id.b, UID_LEN));
	TRY(master_key_write(c, keys, &k, &m->key));
	o->key = k.id;
	return KMS_OK;
}

/* -- public halves -- */

/* The objects of KIND with O's id and its public key, as far as they can be read: TRY_ONE is asked
 * of each. */
static enum kms_rc
each_half(struct local *l, struct call *c, enum object_kind kind, const struct object *o,
    enum kms_rc (*take)(struct call *c, const struct keyring *keys, struct store_row *row,
	void *to),
    void *to)
{
	struct object_query q = { .kind = kind,
		.has_app_id = true,
		.app_id = buf_slice(&o->app_id),
		.private_too = true,
		.unusable_too = true };
	auto_object_refs refs = { 0 };

	if (o->app_id.len == 0)
		return KMS_OK;
	TRY(l->store->ops->find(l->store, c, &q, &refs));
	for (size_t i = 0; i < refs.n; i++) {
		auto_keyring keys = { 0 };
		auto_store_row row = { 0 };
		auto_secret material = { 0 };
		enum kms_rc rc = row_get(l, c, &refs.v[i].id, &keys, &row, &material);

		/* What is damaged or gone by now is no half of anything. */
		if (rc == KMS_TAMPERED || rc == KMS_NOTFOUND || rc == KMS_LOGIN_NEEDED) {
			if (c != NULL)
				err_clear(&c->err);
			continue;
		}
		TRY(rc);
		if (slice_eq(buf_slice(&row.o.body), buf_slice(&o->body)))
			TRY(take(c, &keys, &row, to));
	}
	return KMS_OK;
}

static enum kms_rc
take_key(struct call *c UNUSED, const struct keyring *keys UNUSED, struct store_row *row, void *to)
{
	((struct object *)to)->key = row->o.key;
	return KMS_OK;
}

enum kms_rc
made_key_join(struct local *l, struct call *c, const struct keyring *keys, struct object *pub)
{
	return keys->role == ROLE_USER ? each_half(l, c, OBJECT_PRIVATE_KEY, pub, take_key, pub)
				       : KMS_OK;
}

/* ROW, a public key, becomes part of KEY (zero: of none). */
static enum kms_rc
belong(struct call *c, const struct keyring *keys, struct store_row *row, const struct uid *key,
    struct changes *changes)
{
	auto_buf sealed = { 0 };
	uint64_t was = row->o.revision++;

	row->o.key = *key;
	TRY(row_seal(c, keys, &row->o, slice_of(NULL, 0), &sealed));
	buf_move(&row->sealed, &sealed);
	return changes_update_object(changes, row, was);
}

struct adoption {
	const struct uid *key;
	struct changes *changes;
};

static enum kms_rc
adopt_one(struct call *c, const struct keyring *keys, struct store_row *row, void *to)
{
	const struct adoption *a = to;

	return uid_is_zero(&row->o.key) ? belong(c, keys, row, a->key, a->changes) : KMS_OK;
}

enum kms_rc
made_key_adopt(struct local *l, struct call *c, const struct keyring *keys,
    const struct object *priv, struct changes *changes)
{
	struct adoption a = { .key = &priv->key, .changes = changes };

	return keys->role == ROLE_USER ? each_half(l, c, OBJECT_PUBLIC_KEY, priv, adopt_one, &a)
				       : KMS_OK;
}

/* -- the end -- */

/* Gathered already: with the version that takes all others with it. */
static bool
is_removed(const struct changes *changes, const struct uid *id)
{
	for (size_t i = 0; i < changes->n; i++)
		if (changes->v[i].kind == REMOVE_OBJECT && uid_eq(changes->v[i].id, id))
			return true;
	return false;
}

/* One object of a KMS key that goes: what is secret is removed, a public half is left to itself. */
static enum kms_rc
let_go(struct local *l, struct call *c, const struct uid *id, struct changes *changes)
{
	static const struct uid none;
	auto_keyring keys = { 0 };
	auto_store_row row = { 0 };
	auto_secret material = { 0 };
	enum kms_rc rc;

	if (is_removed(changes, id))
		return KMS_OK;
	rc = row_get(l, c, id, &keys, &row, &material);
	if (rc == KMS_OK && row.o.kind == OBJECT_PUBLIC_KEY)
		return belong(c, &keys, &row, &none, changes);
	return rc == KMS_OK || rc == KMS_TAMPERED ? changes_remove_object(changes, l, c, id, 0)
						  : rc;
}

static enum kms_rc
remove_key(struct local *l, struct call *c, const struct master_key *k, struct changes *changes)
{
	struct object_query versions = {
		.has_key = true, .key = k->id, .private_too = true, .unusable_too = true
	};
	struct entity_query aliases = { .kind = ENTITY_ALIAS, .parent = k->id };
	auto_object_refs refs = { 0 };
	auto_store_entities names = { 0 };

	TRY(l->store->ops->find(l->store, c, &versions, &refs));
	for (size_t i = 0; i < refs.n; i++)
		TRY(let_go(l, c, &refs.v[i].id, changes));
	TRY(l->store->ops->entity_list(l->store, c, &aliases, &names, NULL));
	for (size_t i = 0; i < names.n; i++)
		TRY(changes_remove_entity(changes, &names.v[i].id, 0));
	return changes_remove_entity(changes, &k->id, k->revision);
}

static enum kms_rc
may_destroy(struct call *c, const struct master_key *k)
{
	if (k->deletion_protected)
		return call_fail(c, KMS_DENIED,
		    "the KMS key is protected from deletion; switch that off first");
	return k->state == KEY_ENABLED
	    ? KMS_OK
	    : call_fail(c, KMS_KEY_STATE,
		  "the KMS key is not enabled: the KMS alone may delete it");
}

enum kms_rc
made_key_destroy(struct local *l, struct call *c, const struct keyring *keys,
    const struct object *o, struct changes *changes)
{
	auto_store_entity e = { 0 };
	auto_master_key k = { 0 };
	enum kms_rc rc;

	if (is_removed(changes, &o->id))
		return KMS_OK;
	rc = l->store->ops->entity_get(l->store, c, &o->key, &e);
	if (rc == KMS_OK) {
		TRY(master_key_read(c, keys, &e, &k));
		TRY(may_destroy(c, &k));
	} else if (rc != KMS_NOTFOUND) {
		return rc;
	}
	TRY(changes_remove_object(changes, l, c, &o->id, 0));
	return uid_eq(&k.primary, &o->id) ? remove_key(l, c, &k, changes) : KMS_OK;
}
