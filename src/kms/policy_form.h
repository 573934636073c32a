/* SPDX-License-Identifier: Apache-2.0 */
/* A policy in memory, between those who read documents and those who decide. Only
 * src/kms/policy*.c include this. */
#ifndef KMS_KMS_POLICY_FORM_H
#define KMS_KMS_POLICY_FORM_H

#include "kms/match.h"
#include "kms/policy.h"

struct pattern {
	struct slice text;
	bool wild; /* has * or ? */
};

/* Action or NotAction, Resource or NotResource. */
struct patterns {
	struct pattern *v;
	size_t n;
	bool except; /* all but these */
};

enum principal_kind {
	PRINCIPAL_ANYBODY, /* "*" */
	PRINCIPAL_ACCOUNT, /* acs:ram::ACCOUNT:*, root included */
	PRINCIPAL_ROOT,	   /* acs:ram::ACCOUNT:root, and nobody else of the account */
	PRINCIPAL_USER,
	PRINCIPAL_ROLE,
};

struct principal {
	enum principal_kind kind;
	struct slice account, name;
};

enum condition_type {
	TYPE_TEXT,
	TYPE_NUMBER,
	TYPE_TIME,
	TYPE_BOOL,
	TYPE_ADDRESS,
	TYPE_ABSENCE, /* Null */
};

enum condition_test {
	TEST_EQUAL,
	TEST_EQUAL_FOLD,
	TEST_LIKE,
	TEST_LESS,
	TEST_LESS_EQUAL,
	TEST_GREATER,
	TEST_GREATER_EQUAL,
};

struct condition_operator {
	const char *name;
	enum condition_type type;
	enum condition_test test;
	bool negated; /* holds where the test is true of no value, and where there is no value */
};

enum condition_key {
	KEY_SOURCE_IP,
	KEY_CURRENT_TIME,
	KEY_SECURE_TRANSPORT,
	KEY_MFA_PRESENT,
	KEY_TAG,
	KEY_CONTEXT_KEYS,
	KEY_CONTEXT,
};

/* What the request's value is compared with. */
union operand {
	struct pattern text;
	int64_t number; /* millionths, or seconds */
	bool truth;
	struct match_net net;
};

struct condition {
	const struct condition_operator *op;
	enum condition_key key;
	struct slice name; /* of the tag or the member of the context */
	union operand *v;
	size_t n;
};

struct statement {
	bool deny;
	const char *sid;
	struct patterns actions, resources; /* resources: of identity policies */
	struct principal *principals;	    /* of resource policies */
	size_t n_principals;
	struct condition *conditions;
	size_t n_conditions;
};

struct policy_chunk;

struct policy {
	enum policy_kind kind;
	struct statement *statements;
	size_t n;
	char *text; /* all strings */
	size_t text_len;
	struct policy_chunk *chunks; /* all arrays */
};

/* Every condition of S is true of the request. policy_holds.c */
bool policy_conditions_hold(const struct statement *s, const struct policy_request *q);

#endif
