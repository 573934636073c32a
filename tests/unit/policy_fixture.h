/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of policies share: documents written with ' for ", and people who ask. */
#ifndef KMS_TESTS_UNIT_POLICY_FIXTURE_H
#define KMS_TESTS_UNIT_POLICY_FIXTURE_H

#include "kms/policy.h"

#include "tests/unit/unit.h"

#define OURS   "1000000000000001" /* the account whose key it is */
#define THEIRS "2000000000000002"
#define KEY    "acs:kms:cn-hangzhou:" OURS ":key/key-1"
#define NOW    1704164645 /* 2024-01-02T03:04:05Z */

#define CALLER(kind, account, name)                                                                \
	{                                                                                          \
		(kind), (account), (name), "id", "", "10.1.2.3", "test", (uid_t)-1, 0, true, false \
	}

static const struct caller root = CALLER(CALLER_ROOT, OURS, "root");
static const struct caller bob = CALLER(CALLER_USER, OURS, "bob");
static const struct caller clerk = CALLER(CALLER_ROLE, OURS, "clerk");
static const struct caller their_root = CALLER(CALLER_ROOT, THEIRS, "root");
static const struct caller their_bob = CALLER(CALLER_USER, THEIRS, "bob");
static const struct caller their_clerk = CALLER(CALLER_ROLE, THEIRS, "clerk");

/* The text with " for '. The caller frees. */
static inline UNUSED char *
quoted(const char *text)
{
	char *copy = strdup(text);

	ck_assert_ptr_nonnull(copy);
	for (char *c = copy; (c = strchr(c, '\'')) != NULL;)
		*c = '"';
	return copy;
}

/* A document, or KMS_INVALID and the sentence in ERR. */
static inline UNUSED enum kms_rc
try_document(enum policy_kind kind, const char *document, struct policy **ret, struct err *err)
{
	char *text = quoted(document);
	enum kms_rc rc = policy_parse(kind, guarded(slice_str(text)), ret, err);

	free(text);
	return rc;
}

/* The policy that has these STATEMENTS. */
static inline UNUSED struct policy *
policy_of(enum policy_kind kind, const char *statements)
{
	struct policy *p = NULL;
	struct err err = { 0 };
	char *document;

	ck_assert_int_gt(asprintf(&document, "{'Version':'1','Statement':[%s]}", statements), 0);
	ck_assert_msg(try_document(kind, document, &p, &err) == KMS_OK, "%s: %s", document,
	    err.text);
	free(document);
	return p;
}

/* The request that most tests start from: bob decrypts with the key. */
static inline UNUSED struct policy_request
request_of(const struct caller *who)
{
	return (struct policy_request){
		.caller = who, .action = "kms:Decrypt", .resource = KEY, .owner = OURS, .now = NOW
	};
}

/* Decides with the given statements, NULL for no policy. The Sid of the decision is lost. */
static inline UNUSED struct policy_decision
decide(const struct policy_request *q, const char *resource, const char *identity)
{
	struct policy *of_key = resource == NULL ? NULL : policy_of(POLICY_RESOURCE, resource);
	struct policy *of_user = identity == NULL ? NULL : policy_of(POLICY_IDENTITY, identity);
	const struct policy_attached attached = { "mine", of_user };
	struct policy_decision d = policy_decide(q, of_key, &attached, of_user == NULL ? 0 : 1);

	d.resource.sid = d.identity.sid = NULL;
	policy_free(of_key);
	policy_free(of_user);
	return d;
}

#endif
