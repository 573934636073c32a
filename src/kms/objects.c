/* SPDX-License-Identifier: Apache-2.0 */
/* Objects in the store: found, read, made, changed and removed. Each change is one transaction of
 * the store. */
#include <stdlib.h>

#include "base/os.h"
#include "kms/made_key.h"
#include "kms/under.h"

/* -- finding and reading -- */

enum kms_rc
local_find(struct backend *b, struct call *c, const struct object_query *q, struct object_refs *ret)
{
	struct local *l = local_of(b);
	struct object_query seen = *q;

	/* A search asks the file that is open; whether it still is the store, this asks. */
	(void)local_generation(b);
	seen.private_too = q->private_too && local_role(l) == ROLE_USER;
	return l->store->ops->find(l->store, c, &seen, ret);
}

enum kms_rc
local_revision(struct backend *b, struct call *c, const struct uid *id, uint64_t *ret)
{
	struct local *l = local_of(b);
	uint64_t revision;
	uint32_t flags;

	TRY(l->store->ops->revision(l->store, c, id, &revision, &flags));
	TRY(rights_see(c, local_role(l), flags));
	*ret = revision;
	return KMS_OK;
}

enum kms_rc
local_get(struct backend *b, struct call *c, const struct uid *id, struct object *ret)
{
	auto_keyring keys = { 0 };
	auto_store_row row = { 0 };
	auto_secret material = { 0 };
	enum kms_rc rc = row_get(local_of(b), c, id, &keys, &row, &material);

	/* Without the root key nobody can tell whether it is rightly trusted, so it is not. */
	if (rc == KMS_LOGIN_NEEDED &&
	    (row.o.flags & (FLAG_TRUSTED | FLAG_PRIVATE)) == FLAG_TRUSTED) {
		row.o.flags &= ~(uint32_t)FLAG_TRUSTED;
		if (c != NULL)
			err_clear(&c->err);
		rc = KMS_OK;
	}
	if (rc == KMS_OK) {
		*ret = row.o; /* moved */
		row.o = (struct object){ 0 };
	}
	return rc;
}

/* A key that is not enabled gives its material to nobody, in no form. */
static enum kms_rc
need_usable(struct call *c, const struct object *o)
{
	return (o->flags & FLAG_UNUSABLE) == 0
	    ? KMS_OK
	    : call_fail(c, KMS_KEY_STATE, "the key is not enabled");
}

/* What a secret is its policy tells, which the actions on secrets ask. */
static enum kms_rc
need_no_secret(struct call *c, const struct object *o)
{
	return !object_is_secret(o)
	    ? KMS_OK
	    : call_fail(c, KMS_INVALID,
		  "this object is a secret: the KMS's actions alone reach it");
}

enum kms_rc
local_export(struct backend *b, struct call *c, const struct uid *id, struct secret *ret)
{
	struct local *l = local_of(b);
	auto_keyring keys = { 0 };
	auto_store_row row = { 0 };
	auto_secret material = { 0 };

	TRY(row_get(l, c, id, &keys, &row, &material));
	TRY(need_usable(c, &row.o));
	TRY(need_no_secret(c, &row.o));
	TRY(under_open(l, c, &row.o, &material, NULL));
	if (kind_is_key(row.o.kind)) {
		if ((row.o.flags & FLAG_EXTRACTABLE) == 0)
			return call_fail(c, KMS_DENIED, "this key is not extractable");
		return l->hsm->ops->export_material(l->hsm, c, &row.o.spec, secret_slice(&material),
		    ret);
	}
	if (row.o.kind != OBJECT_DATA || (row.o.flags & FLAG_PRIVATE) == 0)
		return call_fail(c, KMS_INVALID, "this object has no secret part");
	*ret = material; /* moved */
	material = (struct secret){ 0 };
	return KMS_OK;
}

/* -- making -- */

static void
free_made(struct made *v, size_t n)
{
	for (size_t i = 0; v != NULL && i < n; i++)
		made_free(&v[i]);
	free(v);
}

static enum kms_rc
check_public_key(struct call *c, const struct object *o)
{
	auto_ckey *k = NULL;
	struct key_spec spec;

	TRY(ckey_from_spki(buf_slice(&o->body), &k));
	spec = ckey_spec(k);
	if (spec.type != o->spec.type || spec.curve != o->spec.curve || spec.bits != o->spec.bits)
		return call_fail(c, KMS_BAD_DATA,
		    "the public key is not of the kind that it is said to be");
	return KMS_OK;
}

/* What is kept of MATERIAL, and what goes into O's body. */
static enum kms_rc
take_material(struct hsm_keys *in_hsm, struct local *l, struct call *c, struct object *o,
    struct slice material, struct secret *kept)
{
	auto_buf spki = { 0 };

	switch (o->kind) {
	case OBJECT_PRIVATE_KEY:
	case OBJECT_SECRET_KEY:
		TRY(hsm_import(in_hsm, l, c, o, material, kept, &spki));
		buf_move(&o->body, &spki);
		return KMS_OK;
	case OBJECT_DATA:
		if ((o->flags & FLAG_PRIVATE) == 0)
			break;
		if (o->body.len > 0)
			return call_fail(c, KMS_INVALID,
			    "the value of private data belongs to its secret part");
		return secret_copy(material, kept);
	case OBJECT_PUBLIC_KEY: TRY(check_public_key(c, o)); break;
	case OBJECT_NONE:
	case OBJECT_CERTIFICATE: break;
	}
	return material.len == 0 ? KMS_OK
				 : call_fail(c, KMS_INVALID, "this object has no secret part");
}

/* A copy of O to be stored as a new object: with an id of its own, and of no KMS key yet. */
static enum kms_rc
copy_fresh(const struct object *o, struct object *ret)
{
	TRY(object_copy(o, ret));
	ret->key = (struct uid){ { 0 } };
	return crypto_random(ret->id.b, UID_LEN);
}

/* Seals O, a fresh copy of what is to be stored; a private or secret key is a KMS key too. Takes
 * O's contents in any case. */
static enum kms_rc
make_row(struct local *l, struct call *c, const struct keyring *keys, struct object *o,
    struct slice material, struct made *m)
{
	struct object *made = &m->row.o;
	auto_secret kept = { 0 };

	*made = *o; /* moved */
	*o = (struct object){ 0 };
	made->revision = 1;
	made->created = os_wall_seconds();
	made->flags &= ~(uint32_t)FLAG_UNUSABLE;
	if (kind_is_key(made->kind))
		TRY(made_key(l, c, keys, material, m));
	TRY(secret_copy(material, &kept));
	TRY(under_seal(l, c, &m->under, made, &kept));
	return row_seal(c, keys, made, secret_slice(&kept), &m->row.sealed);
}

/* The KMS key of PUB, if its private half is among the N that are made with it, or in the token. */
static enum kms_rc
join_half(struct local *l, struct call *c, const struct keyring *keys, const struct made *v,
    size_t n, struct object *pub)
{
	for (size_t i = 0; i < n; i++) {
		const struct object *o = &v[i].row.o;

		if (o->kind == OBJECT_PRIVATE_KEY &&
		    slice_eq(buf_slice(&o->body), buf_slice(&pub->body))) {
			pub->key = o->key;
			return KMS_OK;
		}
	}
	return made_key_join(l, c, keys, pub);
}

/* V[N] becomes what is to be stored for O; those before it stand. */
static enum kms_rc
prepare(struct hsm_keys *in_hsm, struct local *l, struct call *c, const struct keyring *keys,
    const struct object *o, struct slice material, struct made *v, size_t n)
{
	auto_object copy = { 0 };
	auto_secret kept = { 0 };

	TRY(rights_make(c, keys->role, o));
	TRY(copy_fresh(o, &copy));
	TRY(take_material(in_hsm, l, c, &copy, material, &kept));
	if (copy.kind == OBJECT_PUBLIC_KEY)
		TRY(join_half(l, c, keys, v, n, &copy));
	return make_row(l, c, keys, &copy, secret_slice(&kept), &v[n]);
}

/* Inserts all of V, and does MORE (may be NULL) in the same transaction. Gives what was decided
 * here back to the caller's objects. */
static enum kms_rc
insert(struct hsm_keys *in_hsm, struct local *l, struct call *c, const struct keyring *keys,
    struct made *v, struct object *const *where, size_t n, const struct changes *more)
{
	size_t n_more = more == NULL ? 0 : more->n, at = 0;
	struct store_change *changes = calloc(2 * n + n_more, sizeof(*changes));
	enum kms_rc rc;

	if (changes == NULL)
		return KMS_NOMEM;
	for (size_t i = 0; i < n; i++) {
		changes[at++] = (struct store_change){ .kind = INSERT_OBJECT, .row = &v[i].row };
		if (v[i].key.kind != ENTITY_NONE)
			changes[at++] =
			    (struct store_change){ .kind = INSERT_ENTITY, .entity = &v[i].key };
	}
	for (size_t i = 0; i < n_more; i++)
		changes[at++] = more->v[i];
	rc = local_apply(l, c, keys, changes, at);
	free(changes);
	TRY(rc);
	hsm_keys_leave(in_hsm);
	for (size_t i = 0; i < n; i++) {
		struct object *made = &v[i].row.o;

		where[i]->id = made->id;
		where[i]->revision = made->revision;
		where[i]->flags = made->flags;
		where[i]->key = made->key;
		buf_move(&where[i]->app_id, &made->app_id);
		buf_move(&where[i]->body, &made->body);
	}
	return KMS_OK;
}

/* Public keys come after the others: they may be halves of them. */
static enum kms_rc
create_each(struct hsm_keys *in_hsm, struct local *l, struct call *c, const struct keyring *keys,
    struct object *v, const struct slice *material, size_t n, struct made *made,
    struct object **where)
{
	size_t at = 0;

	for (int halves = 0; halves < 2; halves++) {
		for (size_t i = 0; i < n; i++) {
			if ((v[i].kind == OBJECT_PUBLIC_KEY) != (halves == 1))
				continue;
			TRY(prepare(in_hsm, l, c, keys, &v[i], material[i], made, at));
			where[at++] = &v[i];
		}
	}
	return KMS_OK;
}

static enum kms_rc
create_all(struct local *l, struct call *c, struct object *v, const struct slice *material,
    size_t n, struct made *made, struct object **where)
{
	auto_keyring keys = { 0 };
	auto_changes adopted = { 0 };
	auto_hsm_made in_hsm = { 0 };

	/* Before the work of making a key that cannot be kept. */
	if (l->store->read_only)
		return call_fail(c, KMS_READONLY, "the token is read-only");
	TRY(keyring_get(l, c, &keys));
	TRY(create_each(&in_hsm, l, c, &keys, v, material, n, made, where));
	for (size_t i = 0; i < n; i++)
		if (made[i].row.o.kind == OBJECT_PRIVATE_KEY)
			TRY(made_key_adopt(l, c, &keys, &made[i].row.o, &adopted));
	return insert(&in_hsm, l, c, &keys, made, where, n, &adopted);
}

enum kms_rc
local_create(struct backend *b, struct call *c, struct object *v, const struct slice *material,
    size_t n)
{
	struct made *made;
	struct object **where;
	enum kms_rc rc = KMS_NOMEM;

	if (n == 0)
		return KMS_OK;
	made = calloc(n, sizeof(*made));
	where = calloc(n, sizeof(struct object *));
	if (made != NULL && where != NULL)
		rc = create_all(local_of(b), c, v, material, n, made, where);
	free_made(made, n);
	free(where);
	return rc;
}

/* The rows of V[0], whose key FOUND is, and of its public half; public keys that are in the token
 * already go to HALVES. */
static enum kms_rc
adopt_each(struct local *l, struct call *c, const struct keyring *keys, const struct object *v,
    size_t n, const struct hsm_found *found, struct made *made, struct changes *halves)
{
	for (size_t i = 0; i < n; i++) {
		struct slice material = i == 0 ? secret_slice(&found->material) : slice_of(NULL, 0);
		auto_object copy = { 0 };

		TRY(rights_make(c, keys->role, &v[i]));
		TRY(copy_fresh(&v[i], &copy));
		copy.key = made[0].row.o.key;
		TRY(make_row(l, c, keys, &copy, material, &made[i]));
	}
	return v[0].kind == OBJECT_PRIVATE_KEY ? made_key_adopt(l, c, keys, &made[0].row.o, halves)
					       : KMS_OK;
}

enum kms_rc
local_hsm_adopt(struct backend *b, struct call *c, struct object *v, size_t n,
    const struct hsm_found *found)
{
	struct local *l = local_of(b);
	struct object *where[2] = { &v[0], n == 2 ? &v[1] : NULL };
	struct made made[2] = { 0 };
	auto_keyring keys = { 0 };
	auto_changes halves = { 0 };
	auto_hsm_made none = { 0 };
	enum kms_rc rc;

	if (n < 1 || n > 2 || v[0].kind != found->o.kind || v[0].spec.type != found->o.spec.type ||
	    (n == 2 && v[1].kind != OBJECT_PUBLIC_KEY))
		return KMS_INVALID;
	if (found->refused != NULL)
		return call_fail(c, KMS_DENIED, "%s", found->refused);
	TRY(keyring_get(l, c, &keys));
	if ((rc = adopt_each(l, c, &keys, v, n, found, made, &halves)) == KMS_OK)
		rc = insert(&none, l, c, &keys, made, where, n, &halves);
	made_free(&made[0]);
	made_free(&made[1]);
	return rc;
}

/* A key that nobody named gets its default id, the same for both halves. */
static enum kms_rc
name_key(struct object *priv, struct object *pub)
{
	if (priv->app_id.len > 0 || (pub != NULL && pub->app_id.len > 0))
		return KMS_OK;
	TRY(key_default_id(priv, &priv->app_id));
	return pub == NULL ? KMS_OK : buf_set(&pub->app_id, buf_slice(&priv->app_id));
}

static enum kms_rc
generate_both(struct hsm_keys *in_hsm, struct local *l, struct call *c, const struct keyring *keys,
    const struct object *priv, const struct object *pub, struct slice e, struct made made[2])
{
	auto_object a = { 0 };
	auto_object z = { 0 };
	auto_secret material = { 0 };
	auto_buf spki = { 0 };

	TRY(rights_make(c, keys->role, priv));
	TRY(copy_fresh(priv, &a));
	if (pub != NULL) {
		TRY(rights_make(c, keys->role, pub));
		TRY(copy_fresh(pub, &z));
	}
	TRY(hsm_generate(in_hsm, l, c, &a, e, &material, &spki));
	TRY(buf_set(&a.body, buf_slice(&spki)));
	TRY(name_key(&a, pub == NULL ? NULL : &z));
	TRY(make_row(l, c, keys, &a, secret_slice(&material), &made[0]));
	if (pub == NULL)
		return KMS_OK;
	z.key = made[0].row.o.key;
	buf_move(&z.body, &spki);
	return make_row(l, c, keys, &z, slice_of(NULL, 0), &made[1]);
}

enum kms_rc
local_generate(struct backend *b, struct call *c, struct object *priv, struct object *pub,
    struct slice e)
{
	struct local *l = local_of(b);
	struct object *where[2] = { priv, pub };
	struct made made[2] = { 0 };
	auto_keyring keys = { 0 };
	auto_hsm_made in_hsm = { 0 };
	enum kms_rc rc;

	if (!kind_is_key(priv->kind) || (pub != NULL) != (priv->kind == OBJECT_PRIVATE_KEY) ||
	    (pub != NULL && pub->kind != OBJECT_PUBLIC_KEY))
		return KMS_INVALID;
	/* Before the work of making a key that cannot be kept. */
	if (l->store->read_only)
		return call_fail(c, KMS_READONLY, "the token is read-only");
	TRY(keyring_get(l, c, &keys));
	if ((rc = generate_both(&in_hsm, l, c, &keys, priv, pub, e, made)) == KMS_OK)
		rc = insert(&in_hsm, l, c, &keys, made, where, pub == NULL ? 1 : 2, NULL);
	made_free(&made[0]);
	made_free(&made[1]);
	return rc;
}

/* -- changing -- */

/* What the KMS says of an object, and nobody else. */
#define KMS_FLAGS ((uint32_t)(FLAG_UNUSABLE | FLAG_ENVELOPED))

/* The new value is under the key that the old one, KEPT, was under. */
static enum kms_rc
replace_value(struct local *l, struct call *c, struct object *o, struct slice material,
    struct secret *kept)
{
	struct uid under;

	TRY(under_key(o, secret_slice(kept), &under));
	secret_free(kept);
	TRY(secret_copy(material, kept));
	return under_seal(l, c, &under, o, kept);
}

/* NEXT becomes what is to be stored for O in place of WAS, with MATERIAL (may be NULL) instead of
 * what was KEPT. */
static enum kms_rc
next_row(struct local *l, struct call *c, const struct keyring *keys, const struct store_row *was,
    const struct object *o, struct secret *kept, const struct slice *material,
    struct store_row *next)
{
	bool open_data = o->kind == OBJECT_DATA && (o->flags & FLAG_PRIVATE) == 0;

	TRY(object_copy(o, &next->o));
	next->o.revision = was->o.revision + 1;
	next->o.key = was->o.key;
	next->o.flags = (o->flags & ~KMS_FLAGS) | (was->o.flags & KMS_FLAGS);
	if (!open_data)
		TRY(buf_set(&next->o.body, buf_slice(&was->o.body)));
	if (material != NULL)
		TRY(replace_value(l, c, &next->o, *material, kept));
	return row_seal(c, keys, &next->o, secret_slice(kept), &next->sealed);
}

static enum kms_rc
update(struct local *l, struct call *c, struct object *o, const struct slice *material)
{
	auto_keyring keys = { 0 };
	auto_store_row was = { 0 };
	auto_store_row next = { 0 };
	auto_secret kept = { 0 };
	struct store_change change;

	TRY(row_get(l, c, &o->id, &keys, &was, &kept));
	TRY(need_no_secret(c, &was.o));
	if (o->revision != was.o.revision)
		return KMS_CONFLICT;
	if ((was.o.flags & FLAG_MODIFIABLE) == 0)
		return call_fail(c, KMS_DENIED, "this object cannot be changed");
	TRY(rights_become(c, keys.role, &was.o, o));
	if (((o->flags ^ was.o.flags) & FLAG_PRIVATE) != 0)
		return call_fail(c, KMS_INVALID,
		    "an object becomes private or public by being copied");
	if (material != NULL && (o->kind != OBJECT_DATA || (o->flags & FLAG_PRIVATE) == 0))
		return call_fail(c, KMS_INVALID,
		    "only the secret part of private data can be replaced");
	TRY(next_row(l, c, &keys, &was, o, &kept, material, &next));
	change =
	    (struct store_change){ .kind = UPDATE_OBJECT, .row = &next, .was = was.o.revision };
	TRY(local_apply(l, c, &keys, &change, 1));
	o->revision = next.o.revision;
	return KMS_OK;
}

enum kms_rc
local_update(struct backend *b, struct call *c, struct object *o, const struct slice *material)
{
	struct local *l = local_of(b);
	enum kms_rc rc = update(l, c, o, material);

	/* Or who tries again would get what it had, for the cache's life. */
	if (rc == KMS_CONFLICT)
		local_look(l);
	return rc;
}

/* Data's value is the body or the secret part, as the copy is public or private. */
static enum kms_rc
place_data(const struct object *src, struct object *copy, struct secret *material)
{
	bool from = (src->flags & FLAG_PRIVATE) != 0, to = (copy->flags & FLAG_PRIVATE) != 0;

	if (from && !to) {
		TRY(buf_set(&copy->body, secret_slice(material)));
		secret_free(material);
	} else if (!from && to) {
		TRY(secret_copy(buf_slice(&src->body), material));
		buf_clear(&copy->body);
	}
	return KMS_OK;
}

static enum kms_rc
copy_row(struct hsm_keys *in_hsm, struct local *l, struct call *c, const struct keyring *keys,
    const struct object *src, const struct object *new_object, struct secret *material,
    struct made *m)
{
	auto_object copy = { 0 };

	TRY(copy_fresh(new_object, &copy));
	TRY(buf_set(&copy.body, buf_slice(&src->body)));
	if (src->kind == OBJECT_DATA)
		TRY(place_data(src, &copy, material));
	else if (kind_is_key(src->kind))
		TRY(hsm_copy(in_hsm, l, c, &copy, material));
	return make_row(l, c, keys, &copy, secret_slice(material), m);
}

enum kms_rc
local_copy(struct backend *b, struct call *c, const struct uid *src, struct object *new_object)
{
	struct local *l = local_of(b);
	auto_keyring keys = { 0 };
	auto_store_row was = { 0 };
	auto_secret material = { 0 };
	auto_hsm_made in_hsm = { 0 };
	struct made made = { 0 };
	enum kms_rc rc;

	TRY(row_get(l, c, src, &keys, &was, &material));
	if ((was.o.flags & FLAG_COPYABLE) == 0)
		return call_fail(c, KMS_DENIED, "this object cannot be copied");
	TRY(need_usable(c, &was.o));
	TRY(rights_make(c, keys.role, new_object));
	TRY(rights_become(c, keys.role, &was.o, new_object));
	TRY(under_open(l, c, &was.o, &material, &made.under));
	if ((rc = copy_row(&in_hsm, l, c, &keys, &was.o, new_object, &material, &made)) == KMS_OK)
		rc = insert(&in_hsm, l, c, &keys, &made, &new_object, 1, NULL);
	made_free(&made);
	return rc;
}

/* A damaged object may be removed: its columns say who may, rightly or not. */
static enum kms_rc
check_destroy(struct local *l, struct call *c, const struct uid *id)
{
	uint64_t revision;
	uint32_t flags;

	TRY(l->store->ops->revision(l->store, c, id, &revision, &flags));
	TRY(rights_see(c, local_role(l), flags));
	if ((flags & FLAG_DESTROYABLE) == 0)
		return call_fail(c, KMS_DENIED, "this object cannot be destroyed");
	return KMS_OK;
}

/* What cannot be read is no version of anything that can be named. */
static enum kms_rc
gather_destruction(struct local *l, struct call *c, const struct keyring *keys,
    const struct uid *id, struct changes *changes)
{
	auto_store_row row = { 0 };
	auto_secret material = { 0 };
	enum kms_rc rc = l->store->ops->get(l->store, c, id, &row);

	if (rc == KMS_OK && kind_is_key(row.o.kind) && !uid_is_zero(&row.o.key)) {
		rc = row_open(c, keys, &row, &material);
		if (rc == KMS_OK)
			return made_key_destroy(l, c, keys, &row.o, changes);
	}
	if (rc == KMS_OK)
		TRY(need_no_secret(c, &row.o));
	return rc == KMS_OK || rc == KMS_TAMPERED ? changes_remove_object(changes, l, c, id, 0)
						  : rc;
}

enum kms_rc
local_destroy(struct backend *b, struct call *c, const struct uid *ids, size_t n)
{
	struct local *l = local_of(b);
	auto_changes changes = { 0 };
	auto_keyring keys = { 0 };

	TRY(keyring_get(l, c, &keys));
	for (size_t i = 0; i < n; i++) {
		TRY(check_destroy(l, c, &ids[i]));
		TRY(gather_destruction(l, c, &keys, &ids[i], &changes));
	}
	return changes_commit(&changes, l, c, &keys);
}
