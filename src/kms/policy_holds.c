/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether the conditions of a statement are true of a request: all keys, for each any of its
 * values. A negated operator is the exact opposite, so it is also true where the request has no
 * such value. What does not read as the number or address it should be equals none.
 */
#include "kms/policy_form.h"

static bool
test_order(enum condition_test test, int64_t have, int64_t want)
{
	switch (test) {
	case TEST_EQUAL: return have == want;
	case TEST_LESS: return have < want;
	case TEST_LESS_EQUAL: return have <= want;
	case TEST_GREATER: return have > want;
	case TEST_GREATER_EQUAL: return have >= want;
	case TEST_EQUAL_FOLD:
	case TEST_LIKE: break;
	}
	return false;
}

static bool
test_text(enum condition_test test, struct slice have, const struct pattern *want)
{
	if (test == TEST_EQUAL_FOLD)
		return match_equal_fold(have, want->text);
	if (want->wild)
		return match_wildcard(want->text, have, false);
	return slice_eq(have, want->text);
}

static bool
any_order(const struct condition *c, int64_t have)
{
	for (size_t i = 0; i < c->n; i++) {
		if (test_order(c->op->test, have, c->v[i].number))
			return true;
	}
	return false;
}

/* Of a value that is a text in the request, as texts or numbers. */
static bool
any_text(const struct condition *c, struct slice have)
{
	int64_t number;

	if (c->op->type == TYPE_NUMBER)
		return match_decimal_read(have, &number) && any_order(c, number);
	for (size_t i = 0; i < c->n; i++) {
		if (test_text(c->op->test, have, &c->v[i].text))
			return true;
	}
	return false;
}

static bool
any_address(const struct condition *c, struct slice have)
{
	uint8_t ip[MATCH_IP_LEN];

	if (!match_ip_read(have, ip))
		return false;
	for (size_t i = 0; i < c->n; i++) {
		if (match_net_has(&c->v[i].net, ip))
			return true;
	}
	return false;
}

static bool
any_bool(const struct condition *c, bool have)
{
	for (size_t i = 0; i < c->n; i++) {
		if (c->v[i].truth == have)
			return true;
	}
	return false;
}

/* Of the pair that the condition names. */
static bool
any_named(const struct condition *c, const struct policy_pair *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (slice_eq(v[i].name, c->name) && any_text(c, v[i].value))
			return true;
	}
	return false;
}

/* The names of the encryption context are many values: one that fits is enough. */
static bool
any_name(const struct condition *c, const struct policy_pair *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (any_text(c, v[i].name))
			return true;
	}
	return false;
}

/* The test is true of the request's value and any of the condition's. */
static bool
any(const struct condition *c, const struct policy_request *q)
{
	struct slice ip = slice_str(q->caller->source_ip);

	switch (c->key) {
	case KEY_SOURCE_IP:
		if (c->op->type == TYPE_ADDRESS)
			return any_address(c, ip);
		return ip.len > 0 && any_text(c, ip);
	case KEY_CURRENT_TIME: return any_order(c, q->now);
	case KEY_SECURE_TRANSPORT: return any_bool(c, q->caller->secure_transport);
	case KEY_MFA_PRESENT: return any_bool(c, q->caller->mfa);
	case KEY_TAG: return any_named(c, q->tags, q->n_tags);
	case KEY_CONTEXT: return any_named(c, q->context, q->n_context);
	case KEY_CONTEXT_KEYS: return any_name(c, q->context, q->n_context);
	}
	return false;
}

static bool
has_name(const struct policy_pair *v, size_t n, struct slice name)
{
	for (size_t i = 0; i < n; i++) {
		if (slice_eq(v[i].name, name))
			return true;
	}
	return false;
}

static bool
is_there(const struct condition *c, const struct policy_request *q)
{
	switch (c->key) {
	case KEY_SOURCE_IP: return slice_str(q->caller->source_ip).len > 0;
	case KEY_TAG: return has_name(q->tags, q->n_tags, c->name);
	case KEY_CONTEXT: return has_name(q->context, q->n_context, c->name);
	case KEY_CONTEXT_KEYS: return q->n_context > 0;
	case KEY_CURRENT_TIME:
	case KEY_SECURE_TRANSPORT:
	case KEY_MFA_PRESENT: break;
	}
	return true;
}

static bool
holds(const struct condition *c, const struct policy_request *q)
{
	if (c->op->type == TYPE_ABSENCE)
		return any_bool(c, !is_there(c, q));
	return any(c, q) != c->op->negated;
}

bool
policy_conditions_hold(const struct statement *s, const struct policy_request *q)
{
	for (size_t i = 0; i < s->n_conditions; i++) {
		if (!holds(&s->conditions[i], q))
			return false;
	}
	return true;
}
