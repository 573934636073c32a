/* SPDX-License-Identifier: Apache-2.0 */
/* Does what is due, one key at a time, each in a transaction of its own. */
#include "kms/tick.h"

#include "base/log.h"
#include "base/os.h"
#include "kms/chapters.h"
#include "kms/secret_rotate.h"
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

/* What the operator's program has to do with: not on the way of somebody's action. */
static enum kms_rc
rotation_due(struct act *a, const struct store_entity *e)
{
	auto_kms_secret s = { 0 };

	TRY(kms_secret_read(a->c, &a->keys, e, &s));
	return s.delete_at == 0 ? secret_rotate_due(a, &s) : KMS_OK;
}

/* What is due, by kind. */
static const struct kind {
	enum entity_kind kind;
	enum kms_rc (*due)(struct act *a, const struct store_entity *e);
} kinds[] = {
	{ ENTITY_KEY, key_due },
	{ ENTITY_SECRET, secret_due },
	{ ENTITY_IMPORT, import_due },
}, rotations = { ENTITY_SECRET, rotation_due };

/* *LEFT: it is as it was, and due still. */
static enum kms_rc
do_one(struct local *l, struct call *c, const struct kind *kind, const struct store_entity *e,
    bool *left)
{
	auto_act a = { .l = l, .c = c, .action = ACTION_RotateSecret };
	enum kms_rc rc;

	TRY(act_begin(&a));
	TRY(kind->due(&a, e));
	*left = a.changes.n == 0;
	rc = changes_commit(&a.changes, l, c, &a.keys);
	/* Somebody else was faster. */
	return rc == KMS_CONFLICT || rc == KMS_NOTFOUND ? KMS_OK : rc;
}

static bool
is_late(const struct call *c)
{
	return c->deadline_ms != 0 && os_monotonic_ms() > c->deadline_ms;
}

/* Some at a time; what is left as it was, such as rotations that are not this process's to do,
 * keeps nobody from what comes behind it. */
static enum kms_rc
do_kind(struct local *l, struct call *c, const struct kind *kind, int64_t now)
{
	struct entity_query q = { .kind = kind->kind, .due_until = now, .limit = AT_ONCE };
	bool more = true;

	while (more) {
		auto_store_entities due = { 0 };

		TRY(l->store->ops->entity_list(l->store, c, &q, &due, NULL));
		for (size_t i = 0; i < due.n && !is_late(c); i++) {
			bool left = false;

			TRY(do_one(l, c, kind, &due.v[i], &left));
			q.skip += left;
		}
		more = due.n == AT_ONCE && !is_late(c);
	}
	return KMS_OK;
}

static void
warn(const struct call *c, enum kms_rc rc)
{
	if (rc != KMS_OK && rc != KMS_READONLY)
		log_warning("what is due of the token's keys was not done: %s",
		    c->err.text[0] != '\0' ? c->err.text : rc_text(rc));
}

static void
do_all(struct local *l, int64_t now)
{
	struct call c = { .deadline_ms = os_monotonic_ms() + PATIENCE_MS };
	enum kms_rc rc = KMS_OK;

	for (size_t i = 0; rc == KMS_OK && i < ARRAY_LEN(kinds); i++)
		rc = do_kind(l, &c, &kinds[i], now);
	warn(&c, rc);
}

/* Each takes as long as its program; one that fails says so itself. */
static void
do_rotations(struct local *l, int64_t now)
{
	struct entity_query q = { .kind = ENTITY_SECRET, .due_until = now };
	auto_store_entities due = { 0 };
	struct call c = { 0 };
	enum kms_rc rc = l->store->ops->entity_list(l->store, &c, &q, &due, NULL);
	bool left;

	for (size_t i = 0; rc == KMS_OK && i < due.n; i++) {
		c = (struct call){ 0 };
		rc = do_one(l, &c, &rotations, &due.v[i], &left);
	}
	warn(&c, rc);
}

static bool
may_change(struct local *l)
{
	return local_role(l) == ROLE_USER && !l->store->read_only;
}

void
tick(struct local *l, int64_t now)
{
	int64_t ticked = atomic_load_explicit(&l->ticked, memory_order_relaxed);

	/* One thread does it, the others go on. */
	if (ticked == now || !may_change(l) ||
	    !atomic_compare_exchange_strong(&l->ticked, &ticked, now))
		return;
	do_all(l, now);
}

void
local_tick(struct backend *b)
{
	struct local *l = local_of(b);
	int64_t now = os_wall_seconds();

	if (!may_change(l))
		return;
	do_all(l, now);
	if (l->rotator.runs && l->rotator.program != NULL)
		do_rotations(l, now);
}
