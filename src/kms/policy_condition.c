/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a Condition: which operators and keys there are, which go together, and their values. */
#include "kms/policy_read.h"

#define KEYS_MAX 50 /* of one operator */
#define NAME_MAX 256

static const struct condition_operator operators[] = {
#define OP(name, type, test, negated) { name, type, test, negated },
#include "kms/policy_ops.def"
#undef OP
};

/* Of a key with NAMED set, the rest of the document's key is the name of a tag or of a member of
 * the encryption context. */
static const struct key_row {
	const char *name;
	enum condition_key key;
	enum condition_type type;
	bool named;
	const char *expected; /* operators */
} keys[] = {
	{ "acs:SourceIp", KEY_SOURCE_IP, TYPE_ADDRESS, false, "IpAddress, a String operator" },
	{ "acs:CurrentTime", KEY_CURRENT_TIME, TYPE_TIME, false, "a Date operator" },
	{ "acs:SecureTransport", KEY_SECURE_TRANSPORT, TYPE_BOOL, false, "Bool" },
	{ "acs:MFAPresent", KEY_MFA_PRESENT, TYPE_BOOL, false, "Bool" },
	{ "kms:tag/", KEY_TAG, TYPE_TEXT, true, "a String or Numeric operator" },
	{ "kms:EncryptionContextKeys", KEY_CONTEXT_KEYS, TYPE_TEXT, false, "a String operator" },
	{ "kms:EncryptionContext:", KEY_CONTEXT, TYPE_TEXT, true, "a String or Numeric operator" },
};

static const struct condition_operator *
find_operator(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(operators); i++) {
		if (strcmp(name, operators[i].name) == 0)
			return &operators[i];
	}
	return NULL;
}

static const struct key_row *
find_key(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		if (keys[i].named ? strncmp(name, keys[i].name, strlen(keys[i].name)) == 0
				  : strcmp(name, keys[i].name) == 0)
			return &keys[i];
	}
	return NULL;
}

/* Addresses are texts too, and texts may tell numbers. */
static bool
go_together(const struct condition_operator *op, const struct key_row *key)
{
	return op->type == key->type || op->type == TYPE_ABSENCE ||
	    (op->type == TYPE_TEXT && key->key == KEY_SOURCE_IP) ||
	    (op->type == TYPE_NUMBER && (key->key == KEY_TAG || key->key == KEY_CONTEXT));
}

/* -- values -- */

/* Wildcards cost time: in the worst case each byte of a pattern meets each byte of a text that the
 * caller chooses, the encryption context. So all of them together have a limit. */
static enum kms_rc
read_pattern(struct policy_reader *r, const json_t *v, enum condition_test test,
    struct pattern *ret)
{
	struct slice s;

	TRY(policy_read_text(r, v, POLICY_VALUE_MAX, &s));
	ret->text = s;
	ret->wild = test == TEST_LIKE && s.len > 0 &&
	    (memchr(s.p, '*', s.len) != NULL || memchr(s.p, '?', s.len) != NULL);
	if (ret->wild && (r->wild += s.len) > POLICY_WILD_MAX)
		return policy_fail(r,
		    "makes the values with wildcards too long; expected at most %d bytes in the "
		    "whole policy",
		    POLICY_WILD_MAX);
	return KMS_OK;
}

static enum kms_rc
read_number(struct policy_reader *r, const json_t *v, int64_t *ret)
{
	const json_int_t limit = INT64_MAX / MATCH_ONE;

	if (json_is_integer(v) && json_integer_value(v) >= -limit &&
	    json_integer_value(v) <= limit) {
		*ret = json_integer_value(v) * MATCH_ONE;
		return KMS_OK;
	}
	/* A number with a point in JSON would be a rounded one. */
	if (json_is_string(v) &&
	    match_decimal_read(slice_of(json_string_value(v), json_string_length(v)), ret))
		return KMS_OK;
	return policy_fail(r,
	    "is not a number; expected a whole number such as 12, or a string such as \"0.5\"");
}

static enum kms_rc
read_bool(struct policy_reader *r, const json_t *v, bool *ret)
{
	if (json_is_boolean(v)) {
		*ret = json_is_true(v);
		return KMS_OK;
	}
	if (json_is_string(v) && strcmp(json_string_value(v), "true") == 0) {
		*ret = true;
		return KMS_OK;
	}
	if (json_is_string(v) && strcmp(json_string_value(v), "false") == 0) {
		*ret = false;
		return KMS_OK;
	}
	return policy_fail(r, "is neither true nor false; expected one of them");
}

static enum kms_rc
read_operand(struct policy_reader *r, const json_t *v, const struct condition_operator *op,
    union operand *ret)
{
	struct slice text = slice_str(json_string_value(v)); /* empty when V is no string */

	switch (op->type) {
	case TYPE_TEXT: return read_pattern(r, v, op->test, &ret->text);
	case TYPE_NUMBER: return read_number(r, v, &ret->number);
	case TYPE_TIME:
		if (match_time_read(text, &ret->number))
			return KMS_OK;
		return policy_fail(r,
		    "is not a time; expected one such as 2030-01-31T08:00:00Z or "
		    "2030-01-31T08:00:00+08:00");
	case TYPE_BOOL:
	case TYPE_ABSENCE: return read_bool(r, v, &ret->truth);
	case TYPE_ADDRESS:
		if (match_net_read(text, &ret->net))
			return KMS_OK;
		return policy_fail(r,
		    "is not an address; expected one such as 10.1.2.3, 10.0.0.0/8 or "
		    "2001:db8::/32");
	}
	return KMS_INTERNAL;
}

/* -- keys, operators, the whole -- */

/* The name behind the prefix of a key such as kms:tag/NAME. */
static enum kms_rc
read_name(struct policy_reader *r, const char *name, struct slice *ret)
{
	struct policy *p = r->p;
	size_t len = strlen(name);

	if (len == 0)
		return policy_fail(r, "names nothing; expected a name behind it");
	if (len > NAME_MAX)
		return policy_fail(r, "names something of %zu bytes; expected at most %d", len,
		    NAME_MAX);
	*ret = slice_of(memcpy(p->text + p->text_len, name, len), len);
	p->text_len += len;
	return KMS_OK;
}

static enum kms_rc
read_key(struct policy_reader *r, const char *name, json_t *v, struct condition *c)
{
	const struct key_row *row = find_key(name);

	if (row == NULL)
		return policy_fail(r,
		    "is not a condition key; expected acs:SourceIp, acs:CurrentTime, "
		    "acs:SecureTransport, acs:MFAPresent, kms:tag/NAME, "
		    "kms:EncryptionContext:NAME or kms:EncryptionContextKeys");
	if (!go_together(c->op, row))
		return policy_fail(r, "cannot be compared by %s; expected %s or Null", c->op->name,
		    row->expected);
	c->key = row->key;
	if (row->named)
		TRY(read_name(r, name + strlen(row->name), &c->name));
	TRY(policy_read_count(r, v, POLICY_LIST_MAX, &c->n));
	if ((c->v = policy_take(r->p, c->n, sizeof(*c->v))) == NULL)
		return KMS_NOMEM;
	for (size_t i = 0; i < c->n; i++) {
		size_t back = policy_enter_element(r, v, i);

		TRY(read_operand(r, policy_element(v, i), c->op, &c->v[i]));
		policy_leave(r, back);
	}
	return KMS_OK;
}

/* The keys of one operator, into RET. */
static enum kms_rc
read_operator(struct policy_reader *r, const char *name, json_t *v, struct condition *ret)
{
	const struct condition_operator *op = find_operator(name);
	const char *key;
	json_t *values;

	if (op == NULL)
		return policy_fail(r,
		    "is not an operator; expected one of the String, Numeric and Date operators, "
		    "Bool, IpAddress, NotIpAddress or Null");
	if (!json_is_object(v) || json_object_size(v) == 0)
		return policy_fail(r, "has no keys; expected an object with at least one");
	if (json_object_size(v) > KEYS_MAX)
		return policy_fail(r, "has %zu keys; expected at most %d", json_object_size(v),
		    KEYS_MAX);
	json_object_foreach(v, key, values)
	{
		size_t back = policy_enter(r, key);

		ret->op = op;
		TRY(read_key(r, key, values, ret++));
		policy_leave(r, back);
	}
	return KMS_OK;
}

enum kms_rc
policy_read_conditions(struct policy_reader *r, json_t *v, struct statement *s)
{
	const char *name;
	json_t *operator_keys;
	size_t n = 0;

	if (!json_is_object(v) || json_object_size(v) == 0)
		return policy_fail(r, "has no operators; expected an object with at least one");
	json_object_foreach(v, name, operator_keys) n += json_object_size(operator_keys);
	/* Without any key the loop below finds what is wrong. */
	if ((s->conditions = policy_take(r->p, n, sizeof(*s->conditions))) == NULL)
		return KMS_NOMEM;
	json_object_foreach(v, name, operator_keys)
	{
		size_t back = policy_enter(r, name);

		TRY(read_operator(r, name, operator_keys, &s->conditions[s->n_conditions]));
		s->n_conditions += json_object_size(operator_keys);
		policy_leave(r, back);
	}
	return KMS_OK;
}
