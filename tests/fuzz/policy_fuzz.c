/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a policy, and any request: refused with a place and an expectation, or decided by
 * rules that hold for all policies. The input is a document, then the parts of a request, each
 * behind a NUL: action, resource, source address, a tag's value, a value of the encryption context.
 */
#define _GNU_SOURCE 1
#include "kms/policy.h"

#include <jansson.h>

#include "tests/fuzz/fuzz.h"

#define OURS   "1000000000000001"
#define THEIRS "2000000000000002"

static const char allow_all[] =
    "{\"Version\":\"1\",\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\"}}";
static const char deny_all[] =
    "{\"Version\":\"1\",\"Statement\":{\"Effect\":\"Deny\",\"Action\":\"*\",\"Resource\":\"*\"}}";
static const char deny_everybody[] =
    "{\"Version\":\"1\",\"Statement\":["
    "{\"Effect\":\"Deny\",\"Principal\":{\"RAM\":\"*\"},\"Action\":\"kms:*\",\"Resource\":\"*\"},"
    "{\"Effect\":\"Deny\",\"Principal\":{\"RAM\":\"*\"},\"NotAction\":\"kms:*\",\"Resource\":\"*\"}]}";

static struct policy *allow, *deny, *closed;

static struct policy *
parse(enum policy_kind kind, const char *text)
{
	struct policy *p = NULL;

	MUST(policy_parse(kind, slice_str(text), &p, NULL) == KMS_OK);
	return p;
}

int
LLVMFuzzerInitialize(int *argc UNUSED, char ***argv UNUSED)
{
	json_object_seed(1); /* so that a finding comes back */
	allow = parse(POLICY_IDENTITY, allow_all);
	deny = parse(POLICY_IDENTITY, deny_all);
	closed = parse(POLICY_RESOURCE, deny_everybody);
	return 0;
}

/* -- requests -- */

enum { ACTION, RESOURCE, SOURCE, TAG, CONTEXT, FIELDS };

static const struct {
	enum caller_kind kind;
	const char *account, *name;
} people[] = {
	{ CALLER_ROOT, OURS, "root" },
	{ CALLER_USER, OURS, "bob" },
	{ CALLER_ROLE, OURS, "clerk" },
	{ CALLER_ROOT, THEIRS, "root" },
	{ CALLER_USER, THEIRS, "bob" },
};
#define REQUESTS (ARRAY_LEN(people) * 2)

/* What requests are made of; strings end with NUL. */
struct material {
	char *text;
	const char *field[FIELDS];
	struct policy_pair tag, context;
	struct caller caller;
};

static void
material_of(struct material *m, struct slice rest)
{
	static const char *const usual[] = {
		[ACTION] = "kms:Decrypt",
		[RESOURCE] = "acs:kms:cn-hangzhou:" OURS ":key/key-1",
		[SOURCE] = "10.1.2.3",
		[TAG] = "prod",
		[CONTEXT] = "alice",
	};
	char *at;

	MUST((at = m->text = malloc(rest.len + 1)) != NULL);
	if (rest.len > 0)
		memcpy(at, rest.p, rest.len);
	at[rest.len] = '\0';
	for (size_t i = 0; i < FIELDS; i++) {
		m->field[i] = usual[i];
		if (at < m->text + rest.len) {
			m->field[i] = at;
			at += strlen(at) + 1;
		}
	}
	m->tag = (struct policy_pair){ slice_str("env"), slice_str(m->field[TAG]) };
	m->context = (struct policy_pair){ slice_str("tenant"), slice_str(m->field[CONTEXT]) };
}

/* The Ith: each of the people, with everything and with nothing. */
static struct policy_request
request_of(struct material *m, size_t i)
{
	const bool bare = i >= ARRAY_LEN(people);

	i %= ARRAY_LEN(people);
	m->caller = (struct caller){
		.kind = people[i].kind,
		.account = people[i].account,
		.name = people[i].name,
		.source_ip = bare ? "" : m->field[SOURCE],
		.secure_transport = !bare,
		.mfa = bare,
	};
	return (struct policy_request){
		.caller = &m->caller,
		.action = m->field[ACTION],
		.resource = m->field[RESOURCE],
		.owner = OURS,
		.now = 1704164645,
		.tags = &m->tag,
		.context = &m->context,
		.n_tags = bare ? 0 : 1,
		.n_context = bare ? 0 : 1,
	};
}

/* -- decisions -- */

/* P where it belongs; on the other side, nothing or OTHER. */
static struct policy_decision
decide(const struct policy_request *q, enum policy_kind kind, const struct policy *p,
    const struct policy *other)
{
	const struct policy_attached mine = { "p", p }, both[] = { { "p", p }, { "other", other } };

	if (kind == POLICY_RESOURCE)
		return policy_decide(q, p, &(const struct policy_attached){ "other", other },
		    other == NULL ? 0 : 1);
	return other == NULL ? policy_decide(q, NULL, &mine, 1) : policy_decide(q, NULL, both, 2);
}

static bool
allowed(const struct policy_request *q, enum policy_kind kind, const struct policy *p,
    const struct policy *other)
{
	return decide(q, kind, p, other).allowed;
}

static void
check_explanation(const struct policy_request *q, const struct policy *p, enum policy_kind kind)
{
	struct policy_decision d = decide(q, kind, p, NULL);
	const struct policy_attached mine = { "p", p };
	char text[POLICY_TEXT_MAX];

	policy_explain(q, &mine, &d, text);
	MUST(strncmp(text, d.allowed ? "allowed: " : "denied: ", d.allowed ? 9 : 8) == 0);
	MUST((policy_denial_type(&d) == NULL) == d.allowed);
	MUST((policy_denied_by(&d) == NULL) == d.allowed);
}

/* What is true of every policy and every request. */
static void
check_rules(const struct policy_request *q, enum policy_kind kind, const struct policy *p)
{
	const struct policy_attached mine = { "p", p }, denied[] = { { "deny", deny }, mine };
	struct policy_decision of_closed;

	check_explanation(q, p, kind);
	/* One more policy that denies everything denies; one that allows takes nothing away. */
	MUST(!allowed(q, kind, p, deny));
	MUST(!allowed(q, kind, p, NULL) || allowed(q, kind, p, allow));
	if (kind == POLICY_RESOURCE)
		return;
	MUST(!policy_decide(q, NULL, denied, 2).allowed);
	/* Nothing of the caller's opens a resource that is closed, but for its owner. */
	of_closed = policy_decide(q, closed, &mine, 1);
	MUST(!of_closed.allowed || of_closed.why == POLICY_BY_OWNER_ANYWAY);
	MUST(q->caller->kind == CALLER_ROOT || !of_closed.allowed);
}

/* LESS is P without one statement that DENIES or allows. */
static void
check_less(struct material *m, enum policy_kind kind, const struct policy *p,
    const struct policy *less, bool denies)
{
	for (size_t i = 0; i < REQUESTS; i++) {
		struct policy_request q = request_of(m, i);

		for (int other = 0; other < 2; other++) {
			bool with = allowed(&q, kind, p, other == 0 ? NULL : allow);
			bool without = allowed(&q, kind, less, other == 0 ? NULL : allow);

			MUST(denies ? !with || without : !without || with);
		}
	}
}

/* -- the document again, and without each of its statements -- */

static struct policy *
parse_json(enum policy_kind kind, json_t *document)
{
	char *text = json_dumps(document, JSON_COMPACT);
	struct policy *p = NULL;
	enum kms_rc rc;

	MUST(text != NULL);
	rc = policy_parse(kind, slice_str(text), &p, NULL);
	/* Control characters take more bytes when they are written again. */
	MUST(rc == KMS_OK || strlen(text) > POLICY_BYTES_MAX);
	free(text);
	return p;
}

static void
check_same(struct material *m, enum policy_kind kind, const struct policy *p,
    const struct policy *again)
{
	for (size_t i = 0; i < REQUESTS; i++) {
		struct policy_request q = request_of(m, i);
		struct policy_decision a = decide(&q, kind, p, allow);
		struct policy_decision b = decide(&q, kind, again, allow);

		MUST(a.why == b.why && a.resource.says == b.resource.says &&
		    a.resource.statement == b.resource.statement &&
		    a.identity.says == b.identity.says && a.identity.policy == b.identity.policy &&
		    a.identity.statement == b.identity.statement);
	}
}

static void
check_without(struct material *m, enum policy_kind kind, const struct policy *p, struct slice text)
{
	json_t *document = json_loadb((const char *)text.p, text.len, 0, NULL);
	json_t *list = json_object_get(document, "Statement");
	struct policy *again = parse_json(kind, document);

	if (again != NULL)
		check_same(m, kind, p, again);
	policy_free(again);
	for (size_t i = 0; json_is_array(list) && json_array_size(list) > 1 && i < 8; i++) {
		json_t *s = json_incref(json_array_get(list, i));
		bool denies;
		struct policy *less;

		if (s == NULL)
			break;
		denies = strcmp(json_string_value(json_object_get(s, "Effect")), "Deny") == 0;
		MUST(json_array_remove(list, i) == 0);
		if ((less = parse_json(kind, document)) != NULL)
			check_less(m, kind, p, less, denies);
		policy_free(less);
		MUST(json_array_insert_new(list, i, s) == 0);
	}
	json_decref(document);
}

static void
as_policy(enum policy_kind kind, struct slice text, struct material *m)
{
	struct policy *p = NULL;
	struct err err = { 0 };
	enum kms_rc rc = policy_parse(kind, text, &p, &err);

	if (rc != KMS_OK) {
		MUST(rc == KMS_INVALID && p == NULL && strstr(err.text, ": ") != NULL);
		return;
	}
	MUST(err.text[0] == '\0' && text.len <= POLICY_BYTES_MAX);
	for (size_t i = 0; i < REQUESTS; i++) {
		struct policy_request q = request_of(m, i);

		check_rules(&q, kind, p);
	}
	check_without(m, kind, p, text);
	policy_free(p);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *end = size == 0 ? NULL : memchr(data, '\0', size);
	struct slice text = slice_of(data, end == NULL ? size : (size_t)(end - data));
	struct material m;

	material_of(&m, end == NULL ? slice_of(NULL, 0) : slice_of(end + 1, size - text.len - 1));
	as_policy(POLICY_IDENTITY, text, &m);
	as_policy(POLICY_RESOURCE, text, &m);
	free(m.text);
	return 0;
}
