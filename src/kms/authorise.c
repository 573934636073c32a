/* SPDX-License-Identifier: Apache-2.0 */
/* Gathers what a decision depends on. Nothing is decided here: that is policy_decide's alone. */
#include "kms/authorise.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/codec.h"
#include "kms/identity.h"

struct resource
resource_of_key(const struct master_key *k, char id[UID_TEXT_LEN + 1])
{
	uid_to_text(&k->id, id);
	return (struct resource){ .type = "key",
		.name = slice_str(id),
		.tags = &k->tags,
		.policy = buf_slice(&k->policy),
		.has_policy = true,
		.default_policy = POLICY_DEFAULT_KEY };
}

struct resource
resource_of_secret(const struct kms_secret *s)
{
	return (struct resource){ .type = "secret",
		.name = buf_slice(&s->name),
		.tags = &s->tags,
		.policy = buf_slice(&s->policy),
		.has_policy = true,
		.default_policy = POLICY_DEFAULT_SECRET };
}

static void
free_policy(struct policy **p)
{
	policy_free(*p);
}

/* The policy of R, parsed: what is stored was checked at the door, so another result is damage. */
static enum kms_rc
resource_policy(struct act *a, const struct resource *r, struct policy **ret)
{
	auto_buf text = { 0 };
	struct slice document = r->policy;

	*ret = NULL;
	if (!r->has_policy)
		return KMS_OK;
	if (document.len == 0) {
		TRY(policy_default_document(r->default_policy, a->account.id, &text));
		document = buf_slice(&text);
	}
	return policy_parse(POLICY_RESOURCE, document, ret, NULL) == KMS_OK ? KMS_OK : KMS_TAMPERED;
}

#define PAIR_MIN 8 /* bytes of a pair in the canonical form: two lengths */

/* Pairs of the canonical form of an encryption context, borrowed from it; the caller frees *RET. */
static enum kms_rc
read_context(struct slice canonical, struct policy_pair **ret, size_t *n)
{
	struct reader r = reader_of(canonical);
	size_t cap = canonical.len / PAIR_MIN;
	struct policy_pair *v = NULL;

	if (cap > 0 && (v = calloc(cap, sizeof(*v))) == NULL)
		return KMS_NOMEM;
	for (*n = 0; *n < cap && r.rest.len > 0; ++*n) {
		v[*n].name = read_bytes(&r);
		v[*n].value = read_bytes(&r);
	}
	*ret = v;
	return KMS_OK;
}

static enum kms_rc
decide(struct act *a, const char *what, const struct resource *r, struct policy_decision *ret,
    char *text)
{
	struct policy *policy __attribute__((cleanup(free_policy))) = NULL;
	auto_identity who = { .n = 0 };
	struct policy_pair tags[TAGS_MAX], *context;
	struct policy_request q = { .caller = a->who,
		.action = what,
		.owner = a->account.id,
		.now = a->now,
		.tags = tags };
	auto_buf arn = { 0 };

	TRY(act_arn(a, r->type, r->name, &arn));
	TRY(buf_add_byte(&arn, 0));
	q.resource = (const char *)arn.p;
	for (size_t i = 0; r->tags != NULL && i < r->tags->n; i++)
		tags[q.n_tags++] = (struct policy_pair){ buf_slice(&r->tags->v[i].key),
			buf_slice(&r->tags->v[i].value) };
	TRY(resource_policy(a, r, &policy));
	TRY(identity_load(a, a->who, &who));
	TRY(read_context(buf_slice(&a->context), &context, &q.n_context));
	q.context = context;
	*ret = policy_decide(&q, policy, who.v, who.n);
	if (text != NULL)
		policy_explain(&q, who.v, ret, text);
	free(context);
	return KMS_OK;
}

enum kms_rc
authorise(struct act *a, const char *what, const struct resource *r)
{
	struct policy_decision d;

	TRY(decide(a, what, r, &d, NULL));
	if (d.allowed)
		return KMS_OK;
	return call_refuse(a->c, E_NoPermission,
	    "This operation is forbidden by permission system: %s.", what);
}

enum kms_rc
authorise_explain(struct act *a, const char *what, const struct resource *r, bool *allowed,
    char text[POLICY_TEXT_MAX])
{
	struct policy_decision d;

	TRY(decide(a, what, r, &d, text));
	*allowed = d.allowed;
	return KMS_OK;
}
