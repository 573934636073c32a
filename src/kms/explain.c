/* SPDX-License-Identifier: Apache-2.0 */
/* Tells those who look after policies why an action would be allowed or refused. Nothing is done.
 */
#include <stdio.h>

#include "kms/authorise.h"
#include "kms/json.h"

_Static_assert(EXPLANATION_MAX == POLICY_TEXT_MAX, "one sentence of policy_explain");

/* Permissions that are no actions: ReEncrypt asks its two keys for these. */
static const char *const halves[] = { "ReEncryptFrom", "ReEncryptTo" };

/* What the question comes to. */
struct asked {
	struct act *a;
	char what[64];
	enum action_target target;
};

static enum kms_rc
read_action(struct asked *q, struct slice name)
{
	enum action action;

	(void)slice_skip(&name, "kms:");
	(void)snprintf(q->what, sizeof(q->what), "kms:%.*s", (int)name.len,
	    name.len == 0 ? "" : (const char *)name.p);
	q->target = TARGET_KEY;
	for (size_t i = 0; i < ARRAY_LEN(halves); i++) {
		if (slice_eq(name, slice_str(halves[i])))
			return KMS_OK;
	}
	if ((action = action_by_name(name)) == ACTION_COUNT)
		return call_refuse(q->a->c, E_ActionNotFound, "There is no such action.");
	if (action == ACTION_ReEncrypt)
		return call_refuse(q->a->c, E_InvalidParameter,
		    "ReEncrypt needs ReEncryptFrom of one key and ReEncryptTo of the other.");
	q->target = action_row(action)->target;
	return KMS_OK;
}

/* Which kind of resource an action is about when the resource alone does not tell. */
static const char *
type_of(enum action_target t)
{
	switch (t) {
	case TARGET_SECRET:
	case TARGET_NEW_SECRET:
	case TARGET_LIST_SECRETS: return "secret";
	case TARGET_ALIAS:
	case TARGET_LIST_ALIASES: return "alias";
	case TARGET_NOTHING:
	case TARGET_ROOT:
	case TARGET_KEY:
	case TARGET_KEY_OR_ALIAS:
	case TARGET_BLOB:
	case TARGET_NEW_KEY:
	case TARGET_LIST_KEYS:
	case TARGET_SELF: break;
	}
	return "key";
}

static bool
is_about_all(enum action_target t)
{
	return t == TARGET_NEW_KEY || t == TARGET_LIST_KEYS || t == TARGET_LIST_ALIASES ||
	    t == TARGET_NEW_SECRET || t == TARGET_LIST_SECRETS;
}

static enum kms_rc
decide(struct asked *q, const struct caller *who, const struct resource *r, struct explanation *ret)
{
	q->a->who = who;
	return authorise_explain(q->a, q->what, r, &ret->allowed, ret->text);
}

static enum kms_rc
explain_key(struct asked *q, const struct caller *who, struct slice name, struct explanation *ret)
{
	auto_master_key k = { 0 };
	char id[UID_TEXT_LEN + 1];
	struct resource r;

	TRY(act_find_key(q->a, name, true, &k));
	r = resource_of_key(&k, id);
	return decide(q, who, &r, ret);
}

static enum kms_rc
explain_secret(struct asked *q, const struct caller *who, struct slice name,
    struct explanation *ret)
{
	auto_kms_secret s = { 0 };
	struct resource r;

	TRY(act_find_secret(q->a, name, &s));
	r = resource_of_secret(&s);
	return decide(q, who, &r, ret);
}

static enum kms_rc
explain_resource(struct asked *q, const struct caller *who, struct slice name,
    struct explanation *ret)
{
	struct resource r = { .type = type_of(q->target) };
	struct slice full = name;

	(void)act_skip_arn(q->a, &name);
	if (slice_skip(&name, "secret/"))
		return explain_secret(q, who, name, ret);
	if (slice_skip(&name, "key/"))
		return explain_key(q, who, name, ret);
	if (q->target == TARGET_ALIAS && slice_skip(&name, "alias/")) {
		r.name = name;
		return decide(q, who, &r, ret);
	}
	return q->target == TARGET_SECRET ? explain_secret(q, who, full, ret)
					  : explain_key(q, who, full, ret);
}

/* Of actions that no policy decides. */
static enum kms_rc
explain_fixed(struct asked *q, const struct caller *who, struct explanation *ret)
{
	ret->allowed = q->target == TARGET_NOTHING ||
	    (who->kind == CALLER_ROOT && strcmp(who->account, q->a->account.id) == 0);
	(void)snprintf(ret->text, sizeof(ret->text), "%s: %s", ret->allowed ? "allowed" : "denied",
	    q->target == TARGET_NOTHING
		? "the action needs no permission"
		: "the action is for the root of the account alone, whatever policies say");
	return KMS_OK;
}

static enum kms_rc
explain(struct asked *q, const struct caller *who, const struct explain_question *question,
    struct explanation *ret)
{
	bool about_all;

	TRY(read_action(q, question->action));
	TRY(act_parsed(q->a, F_EncryptionContext,
	    json_context(question->context, &q->a->context, &q->a->c->err)));
	if (q->target == TARGET_NOTHING || q->target == TARGET_ROOT)
		return explain_fixed(q, who, ret);
	about_all = is_about_all(q->target);
	if (about_all != (question->resource.len == 0))
		return call_refuse(q->a->c, E_InvalidParameter, "%s is about %s.", q->what,
		    about_all ? "all of the account: name nothing"
			      : "one key, alias or secret: name it");
	if (about_all) {
		struct resource r = { .type = type_of(q->target) };

		return decide(q, who, &r, ret);
	}
	return explain_resource(q, who, question->resource, ret);
}

enum kms_rc
local_explain(struct backend *b, struct call *c, const struct explain_question *question,
    struct explanation *ret)
{
	auto_act a = { .l = local_of(b), .c = c, .action = ACTION_COUNT };
	struct asked q = { .a = &a };
	struct caller who;
	enum kms_rc rc;

	c->error = E_None;
	TRY(act_begin(&a));
	who = *a.who;
	who.source_ip = question->source_ip;
	/* What there is is found by the account itself: a stranger is told of nothing. */
	a.who = &a.root;
	if ((rc = explain(&q, &who, question, ret)) != KMS_OK && c->error == E_None)
		c->error = api_error_of_rc(rc);
	return rc;
}
