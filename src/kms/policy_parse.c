/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A policy document into its form in memory. Whatever is not understood is refused here, with its
 * place: a statement that silently means less, or more, than its author thinks is worse than none.
 */
#include <stdlib.h>

#include "kms/policy_read.h"

#define SID_MAX	   128
#define ACTION_MAX 128
#define ARN_MAX	   512
#define NAME_MAX   64 /* of a user or role */

/* -- characters -- */

static bool
is_letter(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool
is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

/* Only letters, digits and OTHERS. */
static bool
made_of(struct slice s, const char *others)
{
	for (size_t i = 0; i < s.len; i++) {
		if (!is_letter(s.p[i]) && !is_digit(s.p[i]) &&
		    (s.p[i] == '\0' || strchr(others, s.p[i]) == NULL))
			return false;
	}
	return true;
}

static bool
has(struct slice s, uint8_t c)
{
	return s.len > 0 && memchr(s.p, c, s.len) != NULL;
}

static bool
starts(struct slice s, const char *prefix)
{
	size_t len = strlen(prefix);

	return s.len >= len && memcmp(s.p, prefix, len) == 0;
}

static bool
is(struct slice s, const char *text)
{
	return slice_eq(s, slice_str(text));
}

/* What stands before the next colon; S is what stands behind it, or empty. */
static struct slice
take_part(struct slice *s)
{
	const uint8_t *colon = s->len == 0 ? NULL : memchr(s->p, ':', s->len);
	struct slice part = *s;

	if (colon == NULL) {
		*s = slice_of(NULL, 0);
		return part;
	}
	part.len = (size_t)(colon - part.p);
	*s = slice_of(colon + 1, s->len - part.len - 1);
	return part;
}

/* -- members that hold lists -- */

static enum kms_rc
check_action(struct policy_reader *r, struct slice s)
{
	if (!made_of(s, "*?:._-"))
		return policy_fail(r,
		    "is not an action; expected letters, digits and * ? : . _ - only");
	if (r->p->kind == POLICY_RESOURCE &&
	    (s.len < 4 || !match_equal_fold(slice_of(s.p, 4), slice_str("kms:"))))
		return policy_fail(r,
		    "is not an action of a key or secret; expected one such as kms:Decrypt or kms:*");
	if (!is(s, "*") && !has(s, ':'))
		return policy_fail(r,
		    "names no service; expected an action such as kms:Decrypt, kms:* or *");
	return KMS_OK;
}

static bool
digits_or_wild(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (!is_digit(s.p[i]) && s.p[i] != '*' && s.p[i] != '?')
			return false;
	}
	return s.len > 0;
}

/* What follows the account in the name of a key, secret or alias, or of all of them. */
static bool
is_resource_pattern(struct slice s)
{
	static const char *const types[] = { "key", "secret", "alias" };

	if (s.len == 0)
		return false;
	if (s.p[0] == '*' || s.p[0] == '?')
		return true;
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		size_t len = strlen(types[i]);

		if (starts(s, types[i]) &&
		    (s.len == len || s.p[len] == '/' || s.p[len] == '*' || s.p[len] == '?'))
			return true;
	}
	return false;
}

static enum kms_rc
check_resource(struct policy_reader *r, struct slice s)
{
	struct slice acs, service, region, account;

	if (is(s, "*"))
		return KMS_OK;
	if (r->p->kind == POLICY_RESOURCE)
		return policy_fail(r,
		    "names a resource; expected *, which is the one that has "
		    "this policy");
	acs = take_part(&s);
	service = take_part(&s);
	region = take_part(&s);
	account = take_part(&s);
	if (!is(acs, "acs") || !is(service, "kms") || region.len == 0 || !made_of(region, "*?-") ||
	    !digits_or_wild(account) || !is_resource_pattern(s))
		return policy_fail(r,
		    "is not a resource; expected * or acs:kms:REGION:ACCOUNT: with key, key/ID, "
		    "secret, secret/NAME, alias or alias/NAME behind it; * and ? stand for anything");
	return KMS_OK;
}

/* NAME, or else NOT_NAME (NULL where that has no place), as TO. */
static enum kms_rc
read_patterns(struct policy_reader *r, const json_t *statement, const char *name,
    const char *not_name, size_t max, enum kms_rc (*check)(struct policy_reader *r, struct slice s),
    struct patterns *to)
{
	const json_t *list = json_object_get(statement, name);
	size_t back;

	if (list != NULL && json_object_get(statement, not_name) != NULL)
		return policy_fail(r, "has both %s and %s; expected one of them", name, not_name);
	if (list == NULL && (list = json_object_get(statement, not_name)) == NULL)
		return policy_fail(r, "has no %s; expected %s%s%s", name, name,
		    not_name == NULL ? "" : " or ", not_name == NULL ? "" : not_name);
	to->except = json_object_get(statement, name) == NULL;
	back = policy_enter(r, to->except ? not_name : name);
	TRY(policy_read_count(r, list, POLICY_LIST_MAX, &to->n));
	if ((to->v = policy_take(r->p, to->n, sizeof(*to->v))) == NULL)
		return KMS_NOMEM;
	for (size_t i = 0; i < to->n; i++) {
		size_t outside = policy_enter_element(r, list, i);

		TRY(policy_read_text(r, policy_element(list, i), max, &to->v[i].text));
		TRY(check(r, to->v[i].text));
		to->v[i].wild = has(to->v[i].text, '*') || has(to->v[i].text, '?');
		policy_leave(r, outside);
	}
	policy_leave(r, back);
	return KMS_OK;
}

/* -- principals -- */

/* The part behind the account. */
static bool
read_principal_name(struct slice s, struct principal *to)
{
	to->name = slice_of(NULL, 0);
	if (is(s, "*")) {
		to->kind = PRINCIPAL_ACCOUNT;
		return true;
	}
	if (is(s, "root")) {
		to->kind = PRINCIPAL_ROOT;
		return true;
	}
	if (!starts(s, "user/") && !starts(s, "role/"))
		return false;
	to->kind = starts(s, "user/") ? PRINCIPAL_USER : PRINCIPAL_ROLE;
	to->name = slice_of(s.p + 5, s.len - 5);
	return to->name.len > 0 && to->name.len <= NAME_MAX && made_of(to->name, "._-");
}

static enum kms_rc
read_principal(struct policy_reader *r, const json_t *v, struct principal *to)
{
	struct slice s, acs, ram, region;

	TRY(policy_read_text(r, v, ARN_MAX, &s));
	if (is(s, "*")) {
		to->kind = PRINCIPAL_ANYBODY;
		return KMS_OK;
	}
	acs = take_part(&s);
	ram = take_part(&s);
	region = take_part(&s);
	to->account = take_part(&s);
	if (!is(acs, "acs") || !is(ram, "ram") || region.len > 0 || to->account.len != 16 ||
	    has(to->account, '*') || has(to->account, '?') || !digits_or_wild(to->account) ||
	    !read_principal_name(s, to))
		return policy_fail(r,
		    "is not a principal; expected acs:ram::ACCOUNT: with *, root, user/NAME or "
		    "role/NAME behind it, or * for anybody; ACCOUNT has 16 digits");
	return KMS_OK;
}

static enum kms_rc
read_principals(struct policy_reader *r, json_t *v, struct statement *s)
{
	const json_t *list = json_object_get(v, "RAM");
	size_t back;

	if (list == NULL || json_object_size(v) != 1)
		return policy_fail(r, "is not {\"RAM\": [...]}; expected that");
	back = policy_enter(r, "RAM");
	TRY(policy_read_count(r, list, POLICY_LIST_MAX, &s->n_principals));
	if ((s->principals = policy_take(r->p, s->n_principals, sizeof(*s->principals))) == NULL)
		return KMS_NOMEM;
	for (size_t i = 0; i < s->n_principals; i++) {
		size_t outside = policy_enter_element(r, list, i);

		TRY(read_principal(r, policy_element(list, i), &s->principals[i]));
		policy_leave(r, outside);
	}
	policy_leave(r, back);
	return KMS_OK;
}

/* -- statements -- */

/* Letters, digits and _ / + = . @ - are what the vendor says; the Sid of its own default policy has
 * blanks, so they are taken as well. */
static enum kms_rc
read_sid(struct policy_reader *r, const json_t *v, struct statement *s)
{
	struct slice sid;

	TRY(policy_read_text(r, v, SID_MAX, &sid));
	if (!made_of(sid, "_/+=.@- "))
		return policy_fail(r,
		    "has a character that it cannot have; expected letters, digits, blanks and "
		    "_ / + = . @ -");
	s->sid = (const char *)sid.p;
	return KMS_OK;
}

static enum kms_rc
read_effect(struct policy_reader *r, const json_t *v, struct statement *s)
{
	const char *effect = json_string_value(v);

	if (effect == NULL || (strcmp(effect, "Allow") != 0 && strcmp(effect, "Deny") != 0))
		return policy_fail(r, "is not an effect; expected Allow or Deny");
	s->deny = strcmp(effect, "Deny") == 0;
	return KMS_OK;
}

/* The members that are no lists of patterns. */
static enum kms_rc
read_member(struct policy_reader *r, const char *name, json_t *v, struct statement *s)
{
	const bool of_resource = r->p->kind == POLICY_RESOURCE;

	if (strcmp(name, "Sid") == 0)
		return read_sid(r, v, s);
	if (strcmp(name, "Effect") == 0)
		return read_effect(r, v, s);
	if (strcmp(name, "Condition") == 0)
		return policy_read_conditions(r, v, s);
	if (strcmp(name, "Principal") == 0 && of_resource)
		return read_principals(r, v, s);
	if (strcmp(name, "Principal") == 0)
		return policy_fail(r,
		    "has no place in an identity policy, whose principal is who has it; expected none");
	if (strcmp(name, "NotResource") == 0 && of_resource)
		return policy_fail(r,
		    "has no place in a resource's policy; expected Resource, which is *");
	if (strcmp(name, "Action") == 0 || strcmp(name, "NotAction") == 0 ||
	    strcmp(name, "Resource") == 0 || strcmp(name, "NotResource") == 0)
		return KMS_OK;
	return policy_fail(r,
	    "is not a member of a statement; expected Sid, Effect, %sAction, NotAction, Resource, "
	    "%sCondition",
	    of_resource ? "Principal, " : "", of_resource ? "" : "NotResource, ");
}

static enum kms_rc
read_statement(struct policy_reader *r, json_t *v, struct statement *s)
{
	const char *name;
	json_t *member;

	s->sid = "";
	if (!json_is_object(v))
		return policy_fail(r, "is not a statement; expected an object");
	json_object_foreach(v, name, member)
	{
		size_t back = policy_enter(r, name);

		TRY(read_member(r, name, member, s));
		policy_leave(r, back);
	}
	if (json_object_get(v, "Effect") == NULL)
		return policy_fail(r, "has no Effect; expected Allow or Deny");
	if (r->p->kind == POLICY_RESOURCE && s->n_principals == 0)
		return policy_fail(r, "has no Principal; expected {\"RAM\": [...]}");
	TRY(read_patterns(r, v, "Action", "NotAction", ACTION_MAX, check_action, &s->actions));
	return read_patterns(r, v, "Resource", r->p->kind == POLICY_RESOURCE ? NULL : "NotResource",
	    ARN_MAX, check_resource, &s->resources);
}

static enum kms_rc
read_statements(struct policy_reader *r, const json_t *list)
{
	struct policy *p = r->p;
	size_t n;

	TRY(policy_read_count(r, list, POLICY_STATEMENTS_MAX, &n));
	if ((p->statements = policy_take(p, n, sizeof(*p->statements))) == NULL)
		return KMS_NOMEM;
	for (p->n = 0; p->n < n; p->n++) {
		size_t back = policy_enter_element(r, list, p->n);

		TRY(read_statement(r, policy_element(list, p->n), &p->statements[p->n]));
		policy_leave(r, back);
	}
	return KMS_OK;
}

/* -- the document -- */

static enum kms_rc
read_document(struct policy_reader *r, json_t *v)
{
	const char *version = json_string_value(json_object_get(v, "Version")), *name;
	json_t *member;

	if (!json_is_object(v))
		return policy_fail(r, "is not an object; expected one with Version and Statement");
	json_object_foreach(v, name, member)
	{
		if (strcmp(name, "Version") == 0 || strcmp(name, "Statement") == 0)
			continue;
		policy_enter(r, name);
		return policy_fail(r,
		    "is not a member of a policy; expected Version and Statement");
	}
	if (version == NULL || strcmp(version, "1") != 0) {
		policy_enter(r, "Version");
		return policy_fail(r, "is not \"1\"; expected that");
	}
	policy_enter(r, "Statement");
	if (json_object_get(v, "Statement") == NULL)
		return policy_fail(r, "is not there; expected at least one");
	return read_statements(r, json_object_get(v, "Statement"));
}

enum kms_rc
policy_parse(enum policy_kind kind, struct slice text, struct policy **ret, struct err *err)
{
	struct policy_reader r = { .err = err };
	json_t *document = NULL;
	enum kms_rc rc;

	TRY(policy_read_json(&r, text, &document));
	/* A string of the document takes more bytes there than its copy and a NUL. */
	if ((r.p = calloc(1, sizeof(*r.p))) == NULL || (r.p->text = malloc(text.len)) == NULL) {
		rc = KMS_NOMEM;
	} else {
		r.p->kind = kind;
		rc = read_document(&r, document);
	}
	json_decref(document);
	if (rc != KMS_OK) {
		policy_free(r.p);
		return rc;
	}
	*ret = r.p;
	return KMS_OK;
}
