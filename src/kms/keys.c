/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parsed keys. Each is counted, and shared by all who open the same object; the cache holds one
 * reference to those that were opened last, so that opening again parses nothing. A key's material
 * never changes, its rights may: they are looked at again whenever the store's generation has
 * moved.
 */
#include <stdlib.h>

#include "kms/under.h"

static struct backend_key **
slot_of(struct local *l, const struct uid *id)
{
	/* Ids are random, so any byte spreads. */
	return &l->cached[id->b[0] % CACHED_KEYS];
}

static struct backend_key *
key_ref(struct backend_key *k)
{
	atomic_fetch_add_explicit(&k->refs, 1, memory_order_relaxed);
	return k;
}

void
local_key_close(struct backend *b, struct backend_key *k)
{
	(void)b;
	if (k == NULL || atomic_fetch_sub_explicit(&k->refs, 1, memory_order_acq_rel) != 1)
		return;
	k->hsm->ops->key_close(k->hsm, k->key);
	free(k);
}

void
keys_take_all_locked(struct local *l, struct backend_key *ret[CACHED_KEYS])
{
	memcpy(ret, l->cached, sizeof(l->cached));
	memset(l->cached, 0, sizeof(l->cached));
}

void
keys_close_all(struct backend_key *v[CACHED_KEYS])
{
	for (size_t i = 0; i < CACHED_KEYS; i++)
		local_key_close(NULL, v[i]);
}

void
keys_forget(struct local *l, const struct uid *id)
{
	struct backend_key *taken[CACHED_KEYS] = { 0 };
	struct backend_key **slot;

	pthread_mutex_lock(&l->lock);
	if (id == NULL) {
		keys_take_all_locked(l, taken);
	} else if (*(slot = slot_of(l, id)) != NULL && uid_eq(&(*slot)->id, id)) {
		taken[0] = *slot;
		*slot = NULL;
	}
	pthread_mutex_unlock(&l->lock);
	keys_close_all(taken);
}

static struct backend_key *
find_cached(struct local *l, const struct uid *id)
{
	struct backend_key *k;

	pthread_mutex_lock(&l->lock);
	k = *slot_of(l, id);
	k = k != NULL && uid_eq(&k->id, id) ? key_ref(k) : NULL;
	pthread_mutex_unlock(&l->lock);
	return k;
}

/* Unless whoever may use it has logged out meanwhile: then it would outlive the login. */
static enum kms_rc
put_cached(struct local *l, struct call *c, struct backend_key *k)
{
	struct backend_key **slot = slot_of(l, &k->id), *old = NULL;
	enum kms_rc rc;

	pthread_mutex_lock(&l->lock);
	if ((rc = rights_see(c, local_role(l), k->flags)) == KMS_OK) {
		old = *slot;
		*slot = key_ref(k);
	}
	pthread_mutex_unlock(&l->lock);
	local_key_close(&l->base, old);
	return rc;
}

static enum kms_rc
parse(struct local *l, struct call *c, const struct uid *id, struct backend_key *k)
{
	/* Before the row is read: what changes after this is seen again. */
	uint64_t generation = local_generation(&l->base);
	auto_keyring keys = { 0 };
	auto_store_row row = { 0 };
	auto_secret material = { 0 };

	TRY(row_get(l, c, id, &keys, &row, &material));
	if (!kind_is_key(row.o.kind))
		return call_fail(c, KMS_KEY_TYPE, "this object is no private or secret key");
	TRY(under_open(l, c, &row.o, &material, &k->under));
	TRY(l->hsm->ops->key_open(l->hsm, c, &row.o.spec, secret_slice(&material), &k->key));
	k->hsm = l->hsm;
	k->id = *id;
	k->kind = row.o.kind;
	k->master = row.o.key;
	k->refs = 1;
	k->flags = k->stored = row.o.flags;
	k->revision = row.o.revision;
	k->checked = generation;
	return KMS_OK;
}

enum kms_rc
local_key_open(struct backend *b, struct call *c, const struct uid *id, struct backend_key **ret)
{
	struct local *l = local_of(b);
	struct backend_key *k = find_cached(l, id);
	enum kms_rc rc = KMS_OK;

	if (k != NULL && (rc = gate_usable(l, c, k)) == KMS_NOTFOUND) {
		/* Gone; it may have come again since. */
		keys_forget(l, id);
		local_key_close(b, k);
		k = NULL;
	}
	if (k == NULL) {
		if ((k = calloc(1, sizeof(*k))) == NULL)
			return KMS_NOMEM;
		if ((rc = parse(l, c, id, k)) != KMS_OK) {
			free(k);
			return rc;
		}
		rc = put_cached(l, c, k);
	}
	if (rc != KMS_OK) {
		local_key_close(b, k);
		return rc;
	}
	*ret = k;
	return KMS_OK;
}

/* What a look at K at GENERATION gave. Looks that overtook each other count in the order of the
 * generations, and at the same one by the newer revision. */
static void
note(struct local *l, struct backend_key *k, bool gone, uint64_t revision, uint32_t flags,
    bool held, uint64_t generation)
{
	uint64_t checked;

	pthread_mutex_lock(&l->lock);
	checked = k->checked;
	if (generation > checked || (generation == checked && (gone || revision >= k->revision))) {
		if (!gone) {
			k->stored = flags;
			k->flags = flags | (held ? FLAG_UNUSABLE : 0u);
			k->revision = revision;
		}
		k->gone = gone;
		atomic_store_explicit(&k->checked, generation, memory_order_release);
	}
	pthread_mutex_unlock(&l->lock);
}

enum kms_rc
key_revalidate(struct local *l, struct call *c, struct backend_key *k, uint64_t generation)
{
	auto_keyring keys = { 0 };
	auto_store_row row = { 0 };
	auto_secret material = { 0 };
	uint64_t revision = 0;
	uint32_t flags = 0;
	enum kms_rc rc = l->store->ops->revision(l->store, c, &k->id, &revision, &flags);

	bool held = false;

	/* The columns alone could be anybody's. */
	if (rc == KMS_OK && (revision != k->revision || flags != k->stored) &&
	    (rc = row_get(l, c, &k->id, &keys, &row, &material)) == KMS_OK) {
		revision = row.o.revision;
		flags = row.o.flags;
	}
	if (rc == KMS_OK && !uid_is_zero(&k->under))
		rc = under_held(l, c, &k->under, &held);
	/* Other failures pass, and are asked again. */
	if (rc == KMS_OK || rc == KMS_NOTFOUND)
		note(l, k, rc == KMS_NOTFOUND, revision, flags, held, generation);
	return rc;
}
