/* SPDX-License-Identifier: Apache-2.0 */
/* What is the same for every action of the KMS, and the table of those that carry them out. */
#include "kms/act.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "base/os.h"
#include "kms/authorise.h"
#include "kms/blob.h"
#include "kms/chapters.h"
#include "kms/json.h"
#include "kms/record.h"
#include "kms/tick.h"

#define TRIES 8 /* against others who change the same key */

/* -- the table -- */

static const struct {
	act_fn *run;
} handlers[ACTION_COUNT] = {
#define HANDLER(action, fn) [ACTION_##action] = { fn },
#include "kms/handlers.def"
#undef HANDLER
};

/* -- finding -- */

enum kms_rc
act_not_found(struct act *a, enum api_error e)
{
	if (strcmp(a->who->account, a->account.id) != 0)
		e = E_NoPermission;
	return call_refuse(a->c, e, "%s", api_error_row(e)->message);
}

enum kms_rc
act_load_key(struct act *a, const struct uid *id, struct master_key *ret)
{
	auto_store_entity e = { 0 };
	enum kms_rc rc = a->l->store->ops->entity_get(a->l->store, a->c, id, &e);

	if (rc == KMS_NOTFOUND || (rc == KMS_OK && e.kind != ENTITY_KEY))
		return act_not_found(a, E_KeyNotFound);
	TRY(rc);
	return master_key_read(a->c, &a->keys, &e, ret);
}

static enum kms_rc
load_alias(struct act *a, struct slice name, struct uid *ret)
{
	auto_store_entity e = { 0 };
	enum kms_rc rc =
	    a->l->store->ops->entity_by_name(a->l->store, a->c, ENTITY_ALIAS, name, &e);

	if (rc == KMS_NOTFOUND)
		return act_not_found(a, E_AliasNotFound);
	TRY(rc);
	TRY(entity_open(a->c, &a->keys, &e, NULL));
	*ret = e.parent;
	return KMS_OK;
}

bool
act_skip_arn(const struct act *a, struct slice *name)
{
	char head[64];

	(void)snprintf(head, sizeof(head), "acs:kms:%s:%s:", a->account.region, a->account.id);
	return slice_skip(name, head);
}

enum kms_rc
act_find_key(struct act *a, struct slice name, bool aliases, struct master_key *ret)
{
	bool arn = act_skip_arn(a, &name);
	struct uid id;

	if (slice_skip(&name, "alias/")) {
		if (!aliases)
			return call_refuse(a->c, E_UnsupportedAlias,
			    "This action takes a key id, not an alias.");
		TRY(load_alias(a, name, &id));
		return act_load_key(a, &id, ret);
	}
	if ((arn && !slice_skip(&name, "key/")) || !uid_from_text(name, &id))
		return act_not_found(a, E_KeyNotFound);
	return act_load_key(a, &id, ret);
}

enum kms_rc
act_check_state(struct act *a, const struct master_key *k)
{
	enum api_error answer = state_answer(a->action, k->state);

	return answer == E_None ? KMS_OK
				: call_refuse(a->c, answer, "%s", api_error_row(answer)->message);
}

enum kms_rc
act_permit_key(struct act *a, const char *what, const struct master_key *k)
{
	char id[UID_TEXT_LEN + 1];
	struct resource r = resource_of_key(k, id);

	TRY(authorise(a, what, &r));
	return act_check_state(a, k);
}

/* Those that are about all keys, aliases or secrets of the account. */
static enum kms_rc
permit_container(struct act *a, const char *what, const char *type)
{
	struct resource r = { .type = type };

	return authorise(a, what, &r);
}

/* Who looks after users and policies could give himself everything, so it is the account's root. */
static enum kms_rc
need_root(struct act *a)
{
	if (a->who->kind == CALLER_ROOT && strcmp(a->who->account, a->account.id) == 0)
		return KMS_OK;
	return call_refuse(a->c, E_NoPermission,
	    "This operation is forbidden by permission system: it is the account's own.");
}

enum kms_rc
act_read_context(struct act *a, enum field name)
{
	enum kms_rc rc;

	buf_clear(&a->context);
	rc = json_context(fields_get(a->req, name), &a->context, NULL);
	return rc == KMS_INVALID ? KMS_OK : rc;
}

/* Finds what the action is about, and asks whether it may go on. */
static enum kms_rc
aim(struct act *a)
{
	const struct action_row *row = action_row(a->action);
	struct blob b;
	char what[64];

	(void)snprintf(what, sizeof(what), "kms:%s", row->name);
	TRY(act_read_context(a, F_EncryptionContext));
	switch (row->target) {
	case TARGET_KEY:
	case TARGET_KEY_OR_ALIAS:
		TRY(act_find_key(a, fields_get(a->req, F_KeyId), row->target == TARGET_KEY_OR_ALIAS,
		    &a->key));
		a->has_key = true;
		return act_permit_key(a, what, &a->key);
	case TARGET_BLOB:
		if (blob_parse(fields_get(a->req, F_CiphertextBlob), &b) != KMS_OK)
			return act_bad(a, F_CiphertextBlob);
		TRY(act_load_key(a, &b.key, &a->key));
		a->has_key = true;
		return act_permit_key(a, what, &a->key);
	case TARGET_SECRET:
		TRY(act_find_secret(a, fields_get(a->req, F_SecretName), &a->secret));
		a->has_secret = true;
		return act_permit_secret(a, what, &a->secret);
	case TARGET_NEW_KEY:
	case TARGET_LIST_KEYS: return permit_container(a, what, "key");
	case TARGET_LIST_ALIASES: return permit_container(a, what, "alias");
	case TARGET_NEW_SECRET:
	case TARGET_LIST_SECRETS: return permit_container(a, what, "secret");
	case TARGET_ROOT: return need_root(a);
	case TARGET_NOTHING:
	case TARGET_ALIAS:
	case TARGET_SELF: break;
	}
	return KMS_OK;
}

/* -- refusals -- */

enum kms_rc
act_bad(struct act *a, enum field name)
{
	return call_refuse(a->c, E_InvalidParameter, "The specified parameter \"%s\" is not valid.",
	    field_row(name)->wire);
}

enum kms_rc
act_parsed(struct act *a, enum field name, enum kms_rc rc)
{
	char why[sizeof(a->c->err.text)];

	if (rc != KMS_INVALID && rc != KMS_LIMIT)
		return rc;
	memcpy(why, a->c->err.text, sizeof(why));
	err_clear(&a->c->err);
	return call_refuse(a->c, rc == KMS_LIMIT ? E_LimitExceeded : E_InvalidParameter,
	    "The specified parameter \"%s\" is not valid: %s.", field_row(name)->wire, why);
}

/* -- results -- */

enum kms_rc
act_put_key(struct act *a, struct master_key *k)
{
	auto_store_entity e = { 0 };
	uint64_t was = k->revision;

	TRY(master_key_write(a->c, &a->keys, k, &e));
	return was == 0 ? changes_insert_entity(&a->changes, &e)
			: changes_update_entity(&a->changes, &e, was);
}

void
time_to_text(int64_t seconds, char ret[TIME_TEXT_LEN + 1])
{
	time_t t = (time_t)seconds;
	struct tm tm;

	if (gmtime_r(&t, &tm) == NULL ||
	    strftime(ret, TIME_TEXT_LEN + 1, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		(void)snprintf(ret, TIME_TEXT_LEN + 1, "9999-12-31T23:59:59Z");
}

enum kms_rc
act_put_time(struct fields *f, enum field name, int64_t seconds)
{
	char text[TIME_TEXT_LEN + 1];

	time_to_text(seconds, text);
	return fields_put_text(f, name, text);
}

enum kms_rc
act_put_uid(struct fields *f, enum field name, const struct uid *id)
{
	char text[UID_TEXT_LEN + 1];

	uid_to_text(id, text);
	return fields_put_text(f, name, text);
}

enum kms_rc
act_arn(const struct act *a, const char *type, struct slice resource, struct buf *ret)
{
	char head[96];

	(void)snprintf(head, sizeof(head), "acs:kms:%s:%s:%s%s", a->account.region, a->account.id,
	    type, resource.len > 0 ? "/" : "");
	TRY(buf_add(ret, slice_str(head)));
	return buf_add(ret, resource);
}

enum kms_rc
act_put_arn(const struct act *a, struct fields *f, enum field name, const char *type,
    struct slice resource)
{
	auto_buf arn = { 0 };

	TRY(act_arn(a, type, resource, &arn));
	return fields_put(f, name, buf_slice(&arn));
}

struct page
act_page(const struct act *a, uint64_t size)
{
	return (struct page){ .number = (uint64_t)fields_number(a->req, F_PageNumber, 1),
		.size = (uint64_t)fields_number(a->req, F_PageSize, (int64_t)size) };
}

enum kms_rc
act_put_page(const struct act *a, struct page p, uint64_t total)
{
	TRY(fields_put_number(a->res, F_PageNumber, (int64_t)p.number));
	TRY(fields_put_number(a->res, F_PageSize, (int64_t)p.size));
	return fields_put_number(a->res, F_TotalCount, (int64_t)total);
}

/* -- the course of an action -- */

void
act_free(struct act *a)
{
	keyring_free(&a->keys);
	master_key_free(&a->key);
	kms_secret_free(&a->secret);
	buf_free(&a->context);
	changes_free(&a->changes);
}

/* The account's number is made of the token's serial, so that it needs no place of its own. */
void
act_account(const uint8_t serial[SERIAL_LEN], struct account *ret)
{
	uint64_t n = 0;

	for (size_t i = 0; i < SERIAL_LEN; i++)
		n = n << 8 | serial[i];
	(void)snprintf(ret->id, sizeof(ret->id), "%016" PRIu64, n % 10000000000000000u);
	ret->region = "local";
}

enum kms_rc
act_begin(struct act *a)
{
	TRY(keyring_get(a->l, a->c, &a->keys));
	if (a->keys.role != ROLE_USER)
		return call_fail(a->c, KMS_LOGIN_NEEDED, "log in as the user to use the KMS");
	act_account(a->keys.serial, &a->account);
	a->root = (struct caller){ .kind = CALLER_ROOT,
		.account = a->account.id,
		.name = "root",
		.principal_id = a->account.id,
		.access_key_id = "",
		.source_ip = "",
		.user_agent = "",
		.uid = (uid_t)-1,
		.secure_transport = true };
	a->who = a->c->who != NULL ? a->c->who : &a->root;
	a->now = os_wall_seconds();
	return KMS_OK;
}

enum kms_rc
act_commit(struct act *a)
{
	enum kms_rc rc = changes_commit(&a->changes, a->l, a->c, &a->keys);

	/* A name that was free is taken, or what was found is gone. */
	return rc == KMS_EXISTS || rc == KMS_NOTFOUND ? KMS_CONFLICT : rc;
}

/* It was the request that was refused, not the KMS that failed. */
static bool
was_refused(const struct call *c)
{
	return c->error != E_None && c->error != E_Throttling &&
	    api_error_row(c->error)->status < 500;
}

/* A dry run is always refused, and says by what how it would have ended. */
static enum kms_rc
dry_run(struct call *c, enum kms_rc rc)
{
	struct err why = c->err;

	if (rc != KMS_OK && !was_refused(c))
		return rc;
	err_clear(&c->err);
	if (rc == KMS_OK)
		return call_refuse(c, E_DryRunOperation, "%s",
		    api_error_row(E_DryRunOperation)->message);
	return call_refuse(c, rc == KMS_DENIED ? E_DryRunAccessDenied : E_DryRunValidation, "%s",
	    why.text[0] == '\0' ? rc_text(rc) : why.text);
}

static enum kms_rc
run(struct act *a)
{
	tick(a->l, os_wall_seconds(), a->c->deadline_ms);
	TRY(act_begin(a));
	TRY(aim(a));
	TRY(handlers[a->action].run(a));
	if (fields_bool(a->req, F_DryRun))
		return KMS_OK;
	return act_commit(a);
}

/* LAST: a conflict is the end, too. */
static enum kms_rc
once(struct local *l, struct call *c, enum action action, const struct fields *req,
    struct fields *res, bool last)
{
	auto_act a = { .l = l, .c = c, .action = action, .req = req, .res = res };
	enum kms_rc rc = run(&a);

	if (rc == KMS_CONFLICT && !last)
		return rc;
	return record_act(&a, fields_bool(req, F_DryRun) ? dry_run(c, rc) : rc);
}

/* What never came as far as being tried. */
static enum kms_rc
check(struct local *l, struct call *c, enum action action, const struct fields *req,
    struct fields *res)
{
	auto_act a = { .l = l, .c = c, .action = action, .req = req, .res = res };
	enum kms_rc rc = action_check(action, req, &c->error, &c->err);

	TRY(rc == KMS_OK ? rc : record_act(&a, rc));
	return action_row(action)->rw == ACTION_WRITE ? record_ready(l, c) : KMS_OK;
}

enum kms_rc
local_act(struct backend *b, struct call *c, enum action action, const struct fields *req,
    struct fields *res)
{
	struct local *l = local_of(b);
	enum kms_rc rc = KMS_CONFLICT;

	if (action >= ACTION_COUNT || handlers[action].run == NULL)
		return call_refuse(c, E_ActionNotFound, "This KMS does not have the action.");
	TRY(check(l, c, action, req, res));
	for (int i = 0; i < TRIES && rc == KMS_CONFLICT; i++) {
		err_clear(&c->err);
		fields_free(res);
		rc = once(l, c, action, req, res, i == TRIES - 1);
	}
	if (rc != KMS_OK)
		fields_free(res);
	return rc;
}
