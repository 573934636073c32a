/* SPDX-License-Identifier: Apache-2.0 */
/* Does what is due, one key at a time, each in a transaction of its own. */
#include "kms/tick.h"

#include "base/log.h"
#include "base/os.h"
#include "kms/chapters.h"
#include "kms/record.h"
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

	a->due = "DeleteKey";
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
	if (k->material_expire != 0 && k->material_expire <= a->now) {
		a->due = "DeleteKeyMaterial";
		return key_drop_material(a, k);
	}
	if (k->rotates && k->state == KEY_ENABLED &&
	    k->rotated + (int64_t)k->rotation_interval <= a->now) {
		a->due = "CreateKeyVersion";
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
	if (s.delete_at == 0 || s.delete_at > a->now)
		return KMS_OK;
	a->due = "DeleteSecret";
	return secret_remove(a, &s);
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

/* What is due is not at fault: whatever comes next would fail as well. */
static bool
is_general(enum kms_rc rc)
{
	static const enum kms_rc general[] = { KMS_NOMEM, KMS_BUSY, KMS_TIMEOUT, KMS_IO, KMS_FULL,
		KMS_READONLY, KMS_CONFIG, KMS_UNAVAILABLE, KMS_LOGIN_NEEDED, KMS_NOT_INITIALIZED };

	for (size_t i = 0; i < ARRAY_LEN(general); i++)
		if (rc == general[i])
			return true;
	return false;
}

static void
warn(struct call *c, const char *what, enum kms_rc rc)
{
	if (rc != KMS_OK && rc != KMS_READONLY)
		log_warning("what is due of %s was not done: %s", what,
		    c->err.text[0] != '\0' ? c->err.text : rc_text(rc));
	c->error = E_None;
	err_clear(&c->err);
}

/* *DONE: something was changed. */
static enum kms_rc
do_one(struct local *l, struct call *c, const struct kind *kind, const struct store_entity *e,
    bool *done)
{
	auto_act a = { .l = l, .c = c, .action = ACTION_RotateSecret };
	enum kms_rc rc;

	TRY(act_begin(&a));
	TRY(kind->due(&a, e));
	*done = a.changes.n > 0;
	rc = changes_commit(&a.changes, l, c, &a.keys);
	/* Somebody else was faster. */
	if (rc == KMS_CONFLICT || rc == KMS_NOTFOUND)
		return KMS_CONFLICT;
	if (a.due != NULL)
		record_due(&a, e->kind == ENTITY_SECRET, &e->id, buf_slice(&e->name), rc);
	return rc;
}

/* The same, where what one entity alone cannot do is told and no more. *LEFT: it may be due still.
 */
static enum kms_rc
try_one(struct local *l, struct call *c, const struct kind *kind, const struct store_entity *e,
    bool *left)
{
	bool done = false;
	enum kms_rc rc = do_one(l, c, kind, e, &done);
	char id[UID_TEXT_LEN + 1];

	*left = rc != KMS_OK || !done;
	if (is_general(rc))
		return rc;
	uid_to_text(&e->id, id);
	warn(c, id, rc == KMS_CONFLICT ? KMS_OK : rc);
	return KMS_OK;
}

static bool
is_late(const struct call *c)
{
	return c->deadline_ms != 0 && os_monotonic_ms() > c->deadline_ms;
}

/* Some at a time; what is left as it was, such as rotations that are not this process's to do, or
 * what is damaged, keeps nobody from what comes behind it. */
static enum kms_rc
do_kind(struct local *l, struct call *c, const struct kind *kind, int64_t now)
{
	struct entity_query q = { .kind = kind->kind, .due_until = now, .limit = AT_ONCE };
	bool more = true;

	while (more) {
		auto_store_entities due = { 0 };

		TRY(l->store->ops->entity_list(l->store, c, &q, &due, NULL));
		for (size_t i = 0; i < due.n && !is_late(c); i++) {
			bool left;

			TRY(try_one(l, c, kind, &due.v[i], &left));
			q.skip += left;
		}
		more = due.n == AT_ONCE && !is_late(c);
	}
	return KMS_OK;
}

/* One thread at a time. What it calls looks at the store, and so comes here again. */
static void
do_all(struct local *l, int64_t now, uint64_t until_ms)
{
	struct call c = { .deadline_ms = until_ms };
	enum kms_rc rc = KMS_OK;

	if (atomic_exchange(&l->ticking, true))
		return;
	for (size_t i = 0; rc == KMS_OK && i < ARRAY_LEN(kinds); i++)
		rc = do_kind(l, &c, &kinds[i], now);
	warn(&c, "the token's keys", rc);
	atomic_store(&l->ticking, false);
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

	for (size_t i = 0; rc == KMS_OK && i < due.n; i++)
		rc = try_one(l, &c, &rotations, &due.v[i], &left);
	warn(&c, "the token's secrets", rc);
}

static bool
may_change(struct local *l)
{
	return local_role(l) == ROLE_USER && !l->store->read_only;
}

void
tick(struct local *l, int64_t now, uint64_t deadline_ms)
{
	uint64_t until = os_monotonic_ms() + PATIENCE_MS;

	if (atomic_load_explicit(&l->ticked, memory_order_relaxed) == now || !may_change(l))
		return;
	atomic_store_explicit(&l->ticked, now, memory_order_relaxed);
	do_all(l, now, deadline_ms != 0 && deadline_ms < until ? deadline_ms : until);
}

void
local_tick(struct backend *b)
{
	struct local *l = local_of(b);
	int64_t now = os_wall_seconds();

	if (!may_change(l))
		return;
	do_all(l, now, os_monotonic_ms() + PATIENCE_MS);
	if (l->rotator.runs && l->rotator.program != NULL)
		do_rotations(l, now);
}
