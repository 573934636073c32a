/* SPDX-License-Identifier: Apache-2.0 */
/* A decision for people: one sentence, with the statement that made it or what is missing. */
#include <stdarg.h>
#include <stdio.h>

#include "kms/policy.h"

/* A text of a fixed size that is cut where it ends. */
struct line {
	char *p;
	size_t len;
};

static void add(struct line *l, const char *fmt, ...) PRINTF_LIKE(2, 3);

static void
add(struct line *l, const char *fmt, ...)
{
	size_t room = POLICY_TEXT_MAX - l->len;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(l->p + l->len, room, fmt, ap);
	va_end(ap);
	if (n > 0)
		l->len += (size_t)n < room ? (size_t)n : room - 1;
}

static void
add_caller(struct line *l, const struct caller *c)
{
	static const char *const types[] = {
		[CALLER_ROOT] = "",
		[CALLER_USER] = "user/",
		[CALLER_ROLE] = "role/",
	};

	add(l, "acs:ram::%s:%s%s", c->account, types[c->kind],
	    c->kind == CALLER_ROOT ? "root" : c->name);
}

static void
add_statement(struct line *l, const struct policy_verdict *v)
{
	add(l, "Statement[%zu]", v->statement);
	if (v->sid[0] != '\0')
		add(l, " (Sid %s)", v->sid);
}

/* "Statement[0] of the resource's policy allows it" */
static void
add_resource(struct line *l, const struct policy_decision *d, const char *verb)
{
	add_statement(l, &d->resource);
	add(l, " of the resource's policy %s it", verb);
}

static void
add_identity(struct line *l, const struct policy_attached *identity,
    const struct policy_decision *d, const char *verb)
{
	add_statement(l, &d->identity);
	add(l, " of the caller's policy %s %s it", identity[d->identity.policy].name, verb);
}

static void
add_both(struct line *l, const struct policy_attached *identity, const struct policy_decision *d)
{
	add_resource(l, d, "allows");
	add(l, ", and ");
	if (d->identity.says == POLICY_ALLOWS)
		add_identity(l, identity, d, "allows");
	else
		add(l, "the caller is the root of its account");
}

/* Within the account or from another one. */
static void
add_nobody(struct line *l, const struct policy_decision *d)
{
	add(l, "neither the resource's policy nor any policy of the caller allows it");
	if (d->resource.says == POLICY_ENTRUSTS) {
		add(l, "; ");
		add_statement(l, &d->resource);
		add(l, " of the resource's policy leaves it to the caller's policies");
	}
}

static void
add_why(struct line *l, const struct policy_attached *identity, const struct policy_decision *d)
{
	switch (d->why) {
	case POLICY_BY_OWNER:
		add(l, "the caller is the root of the account whose resource it is");
		return;
	case POLICY_BY_OWNER_ANYWAY:
		add(l,
		    "the root of the account whose resource it is may always see and set its "
		    "policy, though ");
		add_resource(l, d, "denies");
		return;
	case POLICY_BY_RESOURCE: add_resource(l, d, "allows"); return;
	case POLICY_BY_IDENTITY: add_identity(l, identity, d, "allows"); return;
	case POLICY_BY_BOTH: add_both(l, identity, d); return;
	case POLICY_NOT_BY_RESOURCE: add_resource(l, d, "denies"); return;
	case POLICY_NOT_BY_IDENTITY: add_identity(l, identity, d, "denies"); return;
	case POLICY_NOBODY: add_nobody(l, d); return;
	case POLICY_NOT_THEIRS:
		add(l,
		    "the resource is another account's, and no statement of its policy allows it");
		return;
	case POLICY_NOT_OURS:
		add_resource(l, d, "allows");
		add(l,
		    ", but the resource is another account's and no policy of the caller allows "
		    "it as well");
		return;
	}
}

void
policy_explain(const struct policy_request *q, const struct policy_attached *identity,
    const struct policy_decision *d, char text[POLICY_TEXT_MAX])
{
	struct line l = { .p = text };

	add(&l, "%s: ", d->allowed ? "allowed" : "denied");
	add_caller(&l, q->caller);
	add(&l, " asks for %s on %s; ", q->action, q->resource);
	add_why(&l, identity, d);
}

/* -- AccessDeniedDetail -- */

const char *
policy_denial_type(const struct policy_decision *d)
{
	if (d->allowed)
		return NULL;
	return d->why == POLICY_NOT_BY_RESOURCE || d->why == POLICY_NOT_BY_IDENTITY
	    ? "ExplicitDeny"
	    : "ImplicitDeny";
}

const char *
policy_denied_by(const struct policy_decision *d)
{
	if (d->allowed)
		return NULL;
	return d->why == POLICY_NOT_BY_RESOURCE || d->why == POLICY_NOT_THEIRS
	    ? "ResourceBasedPolicy"
	    : "AccountLevelIdentityBasedPolicy";
}
