/* SPDX-License-Identifier: Apache-2.0 */
/* Makes versions of KMS keys, and lets or does not let them be used. */
#include "kms/version.h"

/* The KMS manages them, so PKCS#11 neither changes nor destroys them. */
#define MANAGED_PRIVATE                                                                   \
	(FLAG_PRIVATE | FLAG_SENSITIVE | FLAG_ALWAYS_SENSITIVE | FLAG_NEVER_EXTRACTABLE | \
	    FLAG_LOCAL)

static bool
is_secret(enum key_type type)
{
	return type == KEY_AES || type == KEY_GENERIC;
}

static enum kms_rc
name_object(struct object *o, struct slice label, struct slice app_id)
{
	TRY(buf_set(&o->label, label));
	return buf_set(&o->app_id, app_id);
}

/* Seals O, whose fields stand, and gathers it. Takes O's contents. */
static enum kms_rc
insert(struct act *a, struct object *o, struct slice material)
{
	auto_store_row row = { 0 };

	row.o = *o; /* moved */
	*o = (struct object){ 0 };
	row.o.revision = 1;
	row.o.created = a->now;
	TRY(row_seal(a->c, &a->keys, &row.o, material, &row.sealed));
	return changes_insert_object(&a->changes, &row);
}

/* The id that PKCS#11 shows when nobody chose one: of the key itself, or random. */
static enum kms_rc
default_id(const struct object *o, struct buf *ret)
{
	auto_ckey *public = NULL;
	uint8_t id[KEY_ID_LEN];

	if (is_secret(o->spec.type)) {
		TRY(crypto_random(id, sizeof(id)));
	} else {
		TRY(ckey_from_spki(buf_slice(&o->body), &public));
		TRY(ckey_default_id(public, id));
	}
	return buf_set(ret, slice_of(id, sizeof(id)));
}

static enum kms_rc
insert_public(struct act *a, const struct master_key *k, const struct object *private)
{
	auto_object o = { .kind = OBJECT_PUBLIC_KEY, .spec = k->spec, .key = k->id };

	o.flags = FLAG_LOCAL | usage_flags(k->usage, k->spec.type, true);
	TRY(crypto_random(o.id.b, UID_LEN));
	TRY(name_object(&o, buf_slice(&private->label), buf_slice(&private->app_id)));
	TRY(buf_set(&o.body, buf_slice(&private->body)));
	return insert(a, &o, slice_of(NULL, 0));
}

enum kms_rc
version_generate(struct act *a, struct master_key *k, struct slice label, struct slice app_id)
{
	struct hsm *h = a->l->hsm;
	auto_secret material = { 0 };
	auto_object o = { .spec = k->spec, .key = k->id };

	o.kind = is_secret(k->spec.type) ? OBJECT_SECRET_KEY : OBJECT_PRIVATE_KEY;
	o.flags = MANAGED_PRIVATE | usage_flags(k->usage, k->spec.type, false);
	TRY(crypto_random(o.id.b, UID_LEN));
	TRY(h->ops->generate(h, a->c, &k->spec, slice_of(NULL, 0), &material, &o.body));
	TRY(name_object(&o, label, app_id));
	if (app_id.len == 0)
		TRY(default_id(&o, &o.app_id));
	if (o.kind == OBJECT_PRIVATE_KEY)
		TRY(insert_public(a, k, &o));
	k->primary = o.id;
	k->rotated = a->now;
	return insert(a, &o, secret_slice(&material));
}

enum kms_rc
version_objects(struct act *a, const struct uid *key, struct object_refs *ret)
{
	struct object_query q = {
		.has_key = true, .key = *key, .private_too = true, .unusable_too = true
	};

	return a->l->store->ops->find(a->l->store, a->c, &q, ret);
}

static enum kms_rc
set_usable(struct act *a, const struct uid *id, bool usable)
{
	auto_keyring keys = { 0 };
	auto_store_row row = { 0 };
	auto_buf sealed = { 0 };
	auto_secret material = { 0 };
	uint64_t was;

	TRY(row_get(a->l, a->c, id, &keys, &row, &material));
	if (((row.o.flags & FLAG_UNUSABLE) == 0) == usable)
		return KMS_OK;
	row.o.flags ^= FLAG_UNUSABLE;
	was = row.o.revision++;
	TRY(row_seal(a->c, &keys, &row.o, secret_slice(&material), &sealed));
	buf_move(&row.sealed, &sealed);
	return changes_update_object(&a->changes, &row, was);
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
