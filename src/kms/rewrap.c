/* SPDX-License-Identifier: Apache-2.0 */
/* Puts objects that are enveloped under older versions of a master key under its primary version,
 * each in a transaction of its own. */
#include <inttypes.h>
#include <stdio.h>

#include "base/os.h"
#include "kms/blob.h"
#include "kms/record.h"
#include "kms/under.h"

#define PASSES 8 /* against others who change the same objects, or rotate the key again */

struct work {
	struct local *l;
	struct call *c;
	uint64_t patience_ms; /* for each object: what the call had for all of it */
	struct master_key key;
	struct object_refs old; /* the objects under an older version */
	const struct rewrap_told *told;
	struct rewrap *ret;
};

static void
work_free(struct work *w)
{
	master_key_free(&w->key);
	object_refs_free(&w->old);
}
#define auto_work __attribute__((cleanup(work_free))) struct work

static void
be_patient(struct work *w)
{
	if (w->patience_ms != 0)
		w->c->deadline_ms = os_monotonic_ms() + w->patience_ms;
}

/* One object goes wrong, and the others go on. */
static void
pass_over(struct work *w)
{
	w->c->error = E_None;
	err_clear(&w->c->err);
}

/* -- what is to be done -- */

/* The key as it is now, NAME's or the same again; it may decrypt, or nothing is begun. */
static enum kms_rc
load_key(struct work *w, struct slice name)
{
	auto_act a = { .l = w->l, .c = w->c, .action = ACTION_Decrypt };
	auto_master_key k = { 0 };

	TRY(act_begin(&a));
	TRY(w->key.revision == 0 ? act_find_key(&a, name, true, &k)
				 : act_load_key(&a, &w->key.id, &k));
	master_key_free(&w->key);
	w->key = k; /* moved */
	k = (struct master_key){ 0 };
	uid_to_text(&w->key.id, w->ret->key);
	uid_to_text(&w->key.primary, w->ret->version);
	return act_permit_key(&a, "kms:Decrypt", &w->key);
}

/* *IS_UNDER the key, by a version that *IS_OLD. KMS_TAMPERED. */
static enum kms_rc
look_at_row(const struct work *w, const struct object *o, struct slice material, bool *is_under,
    bool *is_old)
{
	struct blob b = { 0 };

	*is_under = *is_old = false;
	if ((o->flags & FLAG_ENVELOPED) == 0)
		return KMS_OK;
	if (blob_parse(material, &b) != KMS_OK)
		return KMS_TAMPERED;
	*is_under = uid_eq(&b.key, &w->key.id);
	*is_old = *is_under && !uid_eq(&b.version, &w->key.primary);
	return KMS_OK;
}

static enum kms_rc
look_at(struct work *w, const struct object_ref *ref)
{
	auto_keyring keys = { 0 };
	auto_store_row row = { 0 };
	auto_secret material = { 0 };
	bool is_under = false, is_old = false;
	enum kms_rc rc;

	if ((ref->flags & FLAG_ENVELOPED) == 0)
		return KMS_OK;
	rc = row_get(w->l, w->c, &ref->id, &keys, &row, &material);
	if (rc == KMS_OK)
		rc = look_at_row(w, &row.o, secret_slice(&material), &is_under, &is_old);
	if (rc == KMS_TAMPERED)
		w->ret->damaged++;
	if (rc == KMS_TAMPERED || rc == KMS_NOTFOUND) {
		pass_over(w);
		return KMS_OK;
	}
	TRY(rc);
	w->ret->objects += is_under;
	return is_old ? object_refs_add(&w->old, ref) : KMS_OK;
}

/* All objects of the token: which are under the key, and which of them by an older version. */
static enum kms_rc
look(struct work *w, struct slice name)
{
	struct object_query all = { .private_too = true, .unusable_too = true };
	auto_object_refs refs = { 0 };

	be_patient(w);
	TRY(load_key(w, name));
	object_refs_free(&w->old);
	w->old = (struct object_refs){ 0 };
	w->ret->objects = w->ret->damaged = 0;
	TRY(w->l->store->ops->find(w->l->store, w->c, &all, &refs));
	for (size_t i = 0; i < refs.n; i++) {
		be_patient(w);
		TRY(look_at(w, &refs.v[i]));
	}
	w->ret->left = w->old.n;
	return KMS_OK;
}

/* -- doing it -- */

/* A new revision, so that whoever changes the object at the same time does not bring the old
 * envelope back. *DONE: somebody else had not done it already. */
static enum kms_rc
replace(struct work *w, const struct uid *id, bool *done)
{
	struct store_change change = { .kind = UPDATE_OBJECT };
	auto_keyring keys = { 0 };
	auto_store_row row = { 0 };
	auto_secret material = { 0 };
	bool is_under;

	TRY(row_get(w->l, w->c, id, &keys, &row, &material));
	TRY(look_at_row(w, &row.o, secret_slice(&material), &is_under, done));
	if (!*done)
		return KMS_OK;
	TRY(under_open(w->l, w->c, &row.o, &material, NULL));
	TRY(under_seal(w->l, w->c, &w->key.id, &row.o, &material));
	change.row = &row;
	change.was = row.o.revision++;
	TRY(row_seal(w->c, &keys, &row.o, secret_slice(&material), &row.sealed));
	return local_apply(w->l, w->c, &keys, &change, 1);
}

static enum kms_rc
rewrap_one(struct work *w, const struct uid *id, bool *moved)
{
	bool done = false;
	struct record r;
	enum kms_rc rc;

	be_patient(w);
	TRY(record_ready(w->l, w->c));
	rc = replace(w, id, &done);
	if (rc == KMS_CONFLICT || rc == KMS_NOTFOUND || (rc == KMS_OK && !done)) {
		*moved = true; /* by somebody else */
		pass_over(w);
		return KMS_OK;
	}
	record_begin(&r, w->c, local_role(w->l), "RewrapObject", true);
	record_resource(&r, "Object", id);
	record_param(&r, "KeyId", slice_str(w->ret->key));
	rc = record_end(&r, w->l, w->c, rc);
	if (rc == KMS_TAMPERED) {
		pass_over(w);
		return KMS_OK;
	}
	TRY(rc);
	*moved = true;
	w->ret->done++;
	return KMS_OK;
}

static enum kms_rc
rewrap_all(struct work *w, bool *moved)
{
	*moved = false;
	for (size_t i = 0; i < w->old.n; i++) {
		TRY(rewrap_one(w, &w->old.v[i].id, moved));
		if (w->told != NULL)
			w->told->at(w->told->arg, i + 1, w->old.n);
	}
	return KMS_OK;
}

/* It is done when a look finds nothing to do, or nothing that can be done. */
static enum kms_rc
rewrap(struct work *w, struct slice name)
{
	bool moved = true;

	if (name.len == 0 && w->l->master_key == NULL)
		return call_fail(w->c, KMS_CONFIG,
		    "the token has no master-key: say which key is meant");
	if (name.len == 0)
		name = slice_str(w->l->master_key);
	TRY(look(w, name));
	for (int i = 0; i < PASSES && w->old.n > 0 && moved; i++) {
		TRY(rewrap_all(w, &moved));
		TRY(look(w, name));
	}
	return KMS_OK;
}

/* The refusal of all of it is recorded as well. */
static enum kms_rc
tell(struct work *w, struct slice name, enum kms_rc rc)
{
	char done[24], left[24];
	struct record r;

	(void)snprintf(done, sizeof(done), "%" PRIu64, w->ret->done);
	(void)snprintf(left, sizeof(left), "%" PRIu64, w->ret->left);
	record_begin(&r, w->c, local_role(w->l), "RewrapObjects", true);
	record_param(&r, "KeyId", w->ret->key[0] == '\0' ? name : slice_str(w->ret->key));
	record_param(&r, "Rewrapped", slice_str(done));
	record_param(&r, "Left", slice_str(left));
	if (w->key.revision != 0)
		record_resource(&r, "ACS::KMS::Key", &w->key.id);
	return record_end(&r, w->l, w->c, rc);
}

enum kms_rc
local_rewrap(struct backend *b, struct call *c, struct slice key, const struct rewrap_told *told,
    struct rewrap *ret)
{
	auto_work w = { .l = local_of(b), .c = c, .told = told, .ret = ret };
	uint64_t now = os_monotonic_ms();

	*ret = (struct rewrap){ .objects = 0 };
	c->error = E_None;
	if (c->deadline_ms != 0)
		w.patience_ms = c->deadline_ms > now ? c->deadline_ms - now : 1;
	return tell(&w, key, rewrap(&w, key));
}
