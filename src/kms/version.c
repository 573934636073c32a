/* SPDX-License-Identifier: Apache-2.0 */
/* Makes versions of KMS keys, retires them, and lets or does not let them be used. */
#include "kms/version.h"

#include <stdio.h>
#include <stdlib.h>

#include "kms/under.h"

/* The KMS manages them, so PKCS#11 neither changes nor destroys them. */
#define MANAGED_PRIVATE                                                                   \
	(FLAG_PRIVATE | FLAG_SENSITIVE | FLAG_ALWAYS_SENSITIVE | FLAG_NEVER_EXTRACTABLE | \
	    FLAG_LOCAL)

static enum kms_rc
name_object(struct object *o, struct slice label, struct slice app_id)
{
	TRY(buf_set(&o->label, label));
	return buf_set(&o->app_id, app_id);
}

/*
 * Seals O, whose fields stand, as part of K, and gathers it. Takes O's contents. Its revision is
 * beyond all that were under its id before, so that who knows one of those notices.
 */
static enum kms_rc
insert(struct act *a, const struct master_key *k, struct object *o, struct slice material)
{
	auto_store_row row = { 0 };

	row.o = *o; /* moved */
	*o = (struct object){ 0 };
	row.o.revision = k->revision + 1;
	row.o.created = a->now;
	TRY(row_seal(a->c, &a->keys, &row.o, material, &row.sealed));
	return changes_insert_object(&a->changes, &row);
}

static enum kms_rc
insert_public(struct act *a, const struct master_key *k, const struct object *private)
{
	auto_object o = { .kind = OBJECT_PUBLIC_KEY, .spec = k->spec, .key = k->id };

	o.flags = FLAG_LOCAL | usage_flags(k->usage, k->spec.type, true);
	TRY(crypto_random(o.id.b, UID_LEN));
	TRY(name_object(&o, buf_slice(&private->label), buf_slice(&private->app_id)));
	TRY(buf_set(&o.body, buf_slice(&private->body)));
	return insert(a, k, &o, slice_of(NULL, 0));
}

enum kms_rc
version_generate(struct act *a, struct master_key *k, struct slice label, struct slice app_id)
{
	auto_secret material = { 0 };
	auto_object o = { .spec = k->spec, .key = k->id };

	o.kind = key_type_is_secret(k->spec.type) ? OBJECT_SECRET_KEY : OBJECT_PRIVATE_KEY;
	o.flags = MANAGED_PRIVATE | usage_flags(k->usage, k->spec.type, false);
	TRY(crypto_random(o.id.b, UID_LEN));
	TRY(name_object(&o, label, app_id));
	TRY(hsm_generate(&a->changes.made, a->l, a->c, &o, slice_of(NULL, 0), &material, &o.body));
	if (app_id.len == 0)
		TRY(key_default_id(&o, &o.app_id));
	if (o.kind == OBJECT_PRIVATE_KEY)
		TRY(insert_public(a, k, &o));
	k->primary = o.id;
	k->material = true;
	k->rotated = a->now;
	return insert(a, k, &o, secret_slice(&material));
}

enum kms_rc
version_import(struct act *a, struct master_key *k, struct slice label, struct slice outside)
{
	auto_secret material = { 0 };
	auto_object o = { .spec = k->spec, .key = k->id };

	o.kind = OBJECT_SECRET_KEY;
	/* It was outside once. */
	o.flags = FLAG_PRIVATE | FLAG_SENSITIVE | usage_flags(k->usage, k->spec.type, false);
	if (uid_is_zero(&k->primary))
		TRY(crypto_random(k->primary.b, UID_LEN));
	o.id = k->primary;
	TRY(name_object(&o, label, slice_of(NULL, 0)));
	TRY(hsm_import(&a->changes.made, a->l, a->c, &o, outside, &material, &o.body));
	TRY(key_default_id(&o, &o.app_id));
	k->material = true;
	k->rotated = a->now;
	return insert(a, k, &o, secret_slice(&material));
}

enum kms_rc
version_remove_all(struct act *a, const struct uid *key)
{
	auto_object_refs refs = { 0 };

	TRY(version_objects(a, key, &refs));
	for (size_t i = 0; i < refs.n; i++)
		TRY(changes_remove_object(&a->changes, a->l, a->c, &refs.v[i].id, 0));
	return KMS_OK;
}

enum kms_rc
version_objects(struct act *a, const struct uid *key, struct object_refs *ret)
{
	struct object_query q = {
		.has_key = true, .key = *key, .private_too = true, .unusable_too = true
	};

	return a->l->store->ops->find(a->l->store, a->c, &q, ret);
}

/* -- looking -- */

void
versions_free(struct versions *v)
{
	if (v == NULL)
		return;
	free(v->v);
	*v = (struct versions){ 0 };
}

enum kms_rc
version_list(struct act *a, const struct uid *key, struct versions *ret)
{
	auto_object_refs refs = { 0 };
	auto_versions l = { 0 };

	TRY(version_objects(a, key, &refs));
	if (refs.n > 0 && (l.v = calloc(refs.n, sizeof(*l.v))) == NULL)
		return KMS_NOMEM;
	for (size_t i = 0; i < refs.n; i++) {
		auto_keyring keys = { 0 };
		auto_store_row row = { 0 };
		auto_secret material = { 0 };

		TRY(row_get(a->l, a->c, &refs.v[i].id, &keys, &row, &material));
		if (kind_is_key(row.o.kind))
			l.v[l.n++] = (struct version){ .id = row.o.id, .created = row.o.created };
	}
	*ret = l; /* moved */
	l = (struct versions){ 0 };
	return KMS_OK;
}

enum kms_rc
version_find(struct act *a, const struct master_key *k, struct slice name, struct version *ret)
{
	auto_keyring keys = { 0 };
	auto_store_row row = { 0 };
	auto_secret material = { 0 };
	struct uid id;
	enum kms_rc rc = KMS_NOTFOUND;

	if (uid_from_text(name, &id))
		rc = row_get(a->l, a->c, &id, &keys, &row, &material);
	if (rc == KMS_NOTFOUND ||
	    (rc == KMS_OK && !(kind_is_key(row.o.kind) && uid_eq(&row.o.key, &k->id))))
		return call_refuse(a->c, E_KeyVersionNotFound,
		    "The specified key version is not found.");
	TRY(rc);
	*ret = (struct version){ .id = id, .created = row.o.created };
	return KMS_OK;
}

/* -- rotation -- */

/* What a version that is no longer primary may still do. */
#define PAST (FLAG_DECRYPT | FLAG_UNWRAP | FLAG_VERIFY | FLAG_VERIFY_RECOVER | FLAG_DERIVE)
#define USES                                                                         \
	(FLAG_ENCRYPT | FLAG_DECRYPT | FLAG_SIGN | FLAG_VERIFY | FLAG_SIGN_RECOVER | \
	    FLAG_VERIFY_RECOVER | FLAG_WRAP | FLAG_UNWRAP | FLAG_DERIVE)

static enum kms_rc
update(struct act *a, const struct keyring *keys, struct store_row *row, struct slice material)
{
	auto_buf sealed = { 0 };
	uint64_t was = row->o.revision++;

	TRY(row_seal(a->c, keys, &row->o, material, &sealed));
	buf_move(&row->sealed, &sealed);
	return changes_update_object(&a->changes, row, was);
}

/* LABEL with TAIL behind it, as much of it as leaves room: whole characters. */
static enum kms_rc
add_tail(struct buf *label, const char *tail)
{
	size_t room = OBJECT_NAME_MAX - strlen(tail);

	if (label->len > room) {
		while (room > 0 && (label->p[room] & 0xc0) == 0x80)
			room--;
		label->len = room;
	}
	return buf_add(label, slice_str(tail));
}

/* One object of the version that was primary until now. */
static enum kms_rc
retire(struct act *a, struct store_row *row, const struct keyring *keys, struct slice material,
    size_t number, struct slice app_id)
{
	char tail[24];

	(void)snprintf(tail, sizeof(tail), ".v%zu", number);
	row->o.flags &= ~(uint32_t)(USES & ~PAST);
	if (row->o.label.len > 0)
		TRY(add_tail(&row->o.label, tail));
	TRY(buf_set(&row->o.app_id, app_id));
	return update(a, keys, row, material);
}

/* The new version's object of the same kind: what the old one showed, with new material, under the
 * master key that the old one is under. */
static enum kms_rc
succeed(struct act *a, const struct master_key *k, const struct object *old,
    const struct uid *under, const struct uid *id, struct slice body, struct slice material)
{
	auto_object o = { 0 };
	auto_secret kept = { 0 };

	TRY(object_copy(old, &o));
	o.id = *id;
	o.flags |= FLAG_LOCAL;
	TRY(buf_set(&o.body, body));
	TRY(secret_copy(material, &kept));
	if (!uid_is_zero(under))
		TRY(under_seal(a->l, a->c, under, &o, &kept));
	return insert(a, k, &o, secret_slice(&kept));
}

static enum kms_rc
rotate_object(struct act *a, const struct master_key *k, const struct uid *object,
    const struct uid *id, size_t number, struct slice past_id, struct slice body,
    struct slice material)
{
	auto_keyring keys = { 0 };
	auto_store_row row = { 0 };
	auto_secret old = { 0 };
	struct uid under;

	TRY(row_get(a->l, a->c, object, &keys, &row, &old));
	TRY(under_key(&row.o, secret_slice(&old), &under));
	TRY(succeed(a, k, &row.o, &under, id, body, material));
	return retire(a, &row, &keys, secret_slice(&old), number, past_id);
}

/* The public half of the version whose private object is PRIVATE: the one with the same body. */
static enum kms_rc
rotate_public(struct act *a, const struct master_key *k, const struct object *private,
    size_t number, struct slice past_id, struct slice body)
{
	auto_object_refs refs = { 0 };

	TRY(version_objects(a, &k->id, &refs));
	for (size_t i = 0; i < refs.n; i++) {
		auto_keyring keys = { 0 };
		auto_store_row row = { 0 };
		auto_secret none = { 0 };
		struct uid id;

		TRY(row_get(a->l, a->c, &refs.v[i].id, &keys, &row, &none));
		if (row.o.kind != OBJECT_PUBLIC_KEY ||
		    !slice_eq(buf_slice(&row.o.body), buf_slice(&private->body)))
			continue;
		TRY(crypto_random(id.b, UID_LEN));
		TRY(rotate_object(a, k, &row.o.id, &id, number, past_id, body, slice_of(NULL, 0)));
	}
	return KMS_OK;
}

enum kms_rc
version_rotate(struct act *a, struct master_key *k)
{
	auto_keyring keys = { 0 };
	auto_store_row old = { 0 };
	auto_secret old_material = { 0 };
	auto_secret material = { 0 };
	auto_buf body = { 0 };
	auto_buf past_id = { 0 };
	auto_versions past = { 0 };
	struct uid id;

	TRY(version_list(a, &k->id, &past));
	TRY(row_get(a->l, a->c, &k->primary, &keys, &old, &old_material));
	TRY(crypto_random(id.b, UID_LEN));
	TRY(hsm_generate(&a->changes.made, a->l, a->c, &old.o, slice_of(NULL, 0), &material,
	    &body));
	TRY(key_default_id(&old.o, &past_id));
	/* A key that nobody named has its own id still: the past one then gets another. */
	if (slice_eq(buf_slice(&past_id), buf_slice(&old.o.app_id)))
		TRY(buf_set(&past_id, slice_of(old.o.id.b, UID_LEN)));
	if (old.o.kind == OBJECT_PRIVATE_KEY)
		TRY(rotate_public(a, k, &old.o, past.n, buf_slice(&past_id), buf_slice(&body)));
	TRY(rotate_object(a, k, &k->primary, &id, past.n, buf_slice(&past_id), buf_slice(&body),
	    secret_slice(&material)));
	k->primary = id;
	k->rotated = a->now;
	return KMS_OK;
}

/* -- usability -- */

static enum kms_rc
set_usable(struct act *a, const struct uid *id, bool usable)
{
	auto_keyring keys = { 0 };
	auto_store_row row = { 0 };
	auto_secret material = { 0 };

	TRY(row_get(a->l, a->c, id, &keys, &row, &material));
	if (((row.o.flags & FLAG_UNUSABLE) == 0) == usable)
		return KMS_OK;
	row.o.flags ^= FLAG_UNUSABLE;
	return update(a, &keys, &row, secret_slice(&material));
}

enum kms_rc
version_set_usable(struct act *a, const struct master_key *k, bool usable)
{
	auto_object_refs refs = { 0 };

	TRY(version_objects(a, &k->id, &refs));
	for (size_t i = 0; i < refs.n; i++)
		TRY(set_usable(a, &refs.v[i].id, usable));
	return KMS_OK;
}
