/* SPDX-License-Identifier: Apache-2.0 */
/* Does what is due, one key at a time, each in a transaction of its own. */
#include "kms/tick.h"

#include "base/log.h"
#include "base/os.h"
#include "kms/chapters.h"
#include "kms/version.h"

#define PATIENCE_MS 1000
#define AT_ONCE	    100 /* keys looked at in one tick */

/* The key, its versions and its aliases are gone. */
static enum kms_rc
delete_key(struct act *a, const struct master_key *k)
{
	struct entity_query aliases = { .kind = ENTITY_ALIAS, .parent = k->id };
	auto_store_entities l = { 0 };

	TRY(version_remove_all(a, &k->id));
	TRY(a->l->store->ops->entity_list(a->l->store, a->c, &aliases, &l, NULL));
	for (size_t i = 0; i < l.n; i++)
		TRY(changes_remove_entity(&a->changes, &l.v[i].id, 0));
	return changes_remove_entity(&a->changes, &k->id, k->revision);
}

static enum kms_rc
do_key(struct act *a, struct master_key *k)
{
	if (k->state == KEY_PENDING_DELETION && k->delete_at <= a->now)
		return delete_key(a, k);
	if (k->material_expire != 0 && k->material_expire <= a->now)
		return key_drop_material(a, k);
	if (k->rotates && k->state == KEY_ENABLED &&
	    k->rotated + (int64_t)k->rotation_interval <= a->now) {
		TRY(version_rotate(a, k));
		return act_put_key(a, k);
	}
	return KMS_OK;
}

static enum kms_rc
key_due(struct act *a, const struct store_entity *e)
{
	auto_master_key k = { 0 };

	TRY(master_key_read(a->c, &a->keys, e, &k));
	return do_key(a, &k);
}

static enum kms_rc
secret_due(struct act *a, const struct store_entity *e)
{
	auto_kms_secret s = { 0 };

	TRY(kms_secret_read(a->c, &a->keys, e, &s));
	return s.delete_at != 0 && s.delete_at <= a->now ? secret_remove(a, &s) : KMS_OK;
}

/* Parameters for an import that nobody used. */
static enum kms_rc
import_due(struct act *a, const struct store_entity *e)
{
	return changes_remove_entity(&a->changes, &e->id, e->revision);
}

/* What is due, by kind. */
static const struct kind {
	enum entity_kind kind;
	enum kms_rc (*due)(struct act *a, const struct store_entity *e);
} kinds[] = {
	{ ENTITY_KEY, key_due },
	{ ENTITY_SECRET, secret_due },
	{ ENTITY_IMPORT, import_due },
};

static enum kms_rc
do_one(struct local *l, struct call *c, const struct kind *kind, const struct store_entity *e)
{
	auto_act a = { .l = l, .c = c, .action = ACTION_COUNT };
	enum kms_rc rc;

	TRY(act_begin(&a));
	TRY(kind->due(&a, e));
	rc = changes_commit(&a.changes, l, c, &a.keys);
	/* Somebody else was faster. */
	return rc == KMS_CONFLICT || rc == KMS_NOTFOUND ? KMS_OK : rc;
}

static enum kms_rc
do_kind(struct local *l, struct call *c, const struct kind *kind, int64_t now)
{
	struct entity_query q = { .kind = kind->kind, .due_until = now, .limit = AT_ONCE };
	auto_store_entities due = { 0 };

	TRY(l->store->ops->entity_list(l->store, c, &q, &due, NULL));
	for (size_t i = 0; i < due.n && os_monotonic_ms() <= c->deadline_ms; i++)
		TRY(do_one(l, c, kind, &due.v[i]));
	return KMS_OK;
}

static void
do_all(struct local *l, int64_t now)
{
	struct call c = { .deadline_ms = os_monotonic_ms() + PATIENCE_MS };
	enum kms_rc rc = KMS_OK;

	for (size_t i = 0; rc == KMS_OK && i < ARRAY_LEN(kinds); i++)
		rc = do_kind(l, &c, &kinds[i], now);
	if (rc != KMS_OK && rc != KMS_READONLY)
		log_warning("what is due of the token's keys was not done: %s",
		    c.err.text[0] != '\0' ? c.err.text : rc_text(rc));
}

void
tick(struct local *l, int64_t now)
{
	int64_t ticked = atomic_load_explicit(&l->ticked, memory_order_relaxed);

	/* One thread does it, the others go on. */
	if (ticked == now || local_role(l) != ROLE_USER || l->store->read_only ||
	    !atomic_compare_exchange_strong(&l->ticked, &ticked, now))
		return;
	do_all(l, now);
}
