/* SPDX-License-Identifier: Apache-2.0 */
/* The decision: what each side says of a request, and what follows from both. */
#include "kms/policy_form.h"

/* What the owner's root may always do: without it a policy could lock everybody out for good. */
static const char *const keeps[] = { "kms:GetKeyPolicy", "kms:SetKeyPolicy", "kms:GetSecretPolicy",
	"kms:SetSecretPolicy" };

/* -- one statement -- */

static bool
one_fits(const struct pattern *p, struct slice text, bool fold)
{
	if (p->wild)
		return match_wildcard(p->text, text, fold);
	return fold ? match_equal_fold(p->text, text) : slice_eq(p->text, text);
}

static bool
fits(const struct patterns *p, struct slice text, bool fold)
{
	for (size_t i = 0; i < p->n; i++) {
		if (one_fits(&p->v[i], text, fold))
			return !p->except;
	}
	return p->except;
}

/* *ret_named: one of the principals is the caller, and no account as a whole. */
static bool
is_principal(const struct statement *s, const struct caller *c, bool *ret_named)
{
	static const enum principal_kind named[] = {
		[CALLER_ROOT] = PRINCIPAL_ROOT,
		[CALLER_USER] = PRINCIPAL_USER,
		[CALLER_ROLE] = PRINCIPAL_ROLE,
	};
	bool among = false;

	for (size_t i = 0; i < s->n_principals; i++) {
		const struct principal *p = &s->principals[i];

		if (p->kind == PRINCIPAL_ANYBODY) {
			among = true;
		} else if (!slice_eq(p->account, slice_str(c->account))) {
			continue;
		} else if (p->kind == PRINCIPAL_ACCOUNT) {
			among = true;
		} else if (p->kind == named[c->kind] &&
		    (p->kind == PRINCIPAL_ROOT || slice_eq(p->name, slice_str(c->name)))) {
			*ret_named = true;
			return true;
		}
	}
	*ret_named = false;
	return among;
}

static bool
is_own(const struct policy_request *q)
{
	struct slice account = slice_str(q->caller->account);

	return account.len > 0 && slice_eq(account, slice_str(q->owner));
}

static enum policy_says
statement_says(const struct policy *p, const struct statement *s, const struct policy_request *q)
{
	bool named = true;

	if (!fits(&s->actions, slice_str(q->action), true))
		return POLICY_SILENT;
	if (p->kind == POLICY_RESOURCE && !is_principal(s, q->caller, &named))
		return POLICY_SILENT;
	if (p->kind == POLICY_IDENTITY && !fits(&s->resources, slice_str(q->resource), false))
		return POLICY_SILENT;
	if (!policy_conditions_hold(s, q))
		return POLICY_SILENT;
	if (s->deny)
		return POLICY_DENIES;
	return named || !is_own(q) ? POLICY_ALLOWS : POLICY_ENTRUSTS;
}

/* -- one side -- */

/* Makes V what P says, if that is stronger. */
static void
ask(const struct policy *p, size_t index, const struct policy_request *q, struct policy_verdict *v)
{
	for (size_t i = 0; i < p->n && v->says != POLICY_DENIES; i++) {
		enum policy_says says = statement_says(p, &p->statements[i], q);

		if (says > v->says)
			*v = (struct policy_verdict){ .says = says,
				.policy = index,
				.statement = i,
				.sid = p->statements[i].sid };
	}
}

/* -- both sides -- */

static bool
always_owners(const char *action)
{
	for (size_t i = 0; i < ARRAY_LEN(keeps); i++) {
		if (match_equal_fold(slice_str(action), slice_str(keeps[i])))
			return true;
	}
	return false;
}

static enum policy_why
within(enum policy_says resource, enum policy_says identity, bool root)
{
	if (root)
		return resource == POLICY_DENIES ? POLICY_BY_OWNER_ANYWAY : POLICY_BY_OWNER;
	if (resource == POLICY_ALLOWS)
		return POLICY_BY_RESOURCE;
	return identity == POLICY_ALLOWS ? POLICY_BY_IDENTITY : POLICY_NOBODY;
}

static enum policy_why
across(enum policy_says resource, enum policy_says identity, bool root)
{
	bool ours = root || identity == POLICY_ALLOWS;

	if (resource == POLICY_ALLOWS)
		return ours ? POLICY_BY_BOTH : POLICY_NOT_OURS;
	return ours ? POLICY_NOT_THEIRS : POLICY_NOBODY;
}

struct policy_decision
policy_decide(const struct policy_request *q, const struct policy *resource,
    const struct policy_attached *identity, size_t n)
{
	struct policy_decision d = { .resource.sid = "", .identity.sid = "" };
	const bool root = q->caller->kind == CALLER_ROOT, own = is_own(q);

	if (resource != NULL)
		ask(resource, 0, q, &d.resource);
	for (size_t i = 0; i < n; i++)
		ask(identity[i].policy, i, q, &d.identity);
	if (d.identity.says == POLICY_DENIES)
		d.why = POLICY_NOT_BY_IDENTITY;
	else if (d.resource.says == POLICY_DENIES && !(own && root && always_owners(q->action)))
		d.why = POLICY_NOT_BY_RESOURCE;
	else if (own)
		d.why = within(d.resource.says, d.identity.says, root);
	else
		d.why = across(d.resource.says, d.identity.says, root);
	d.allowed = d.why <= POLICY_BY_BOTH;
	return d;
}
