/* SPDX-License-Identifier: Apache-2.0 */
/* The table of actions, and the check of a request at the door. */
#include "api/action.h"

#include "base/codec.h"

#define R(f) { F_##f, true },
#define O(f) { F_##f, false },
#define V(f) F_##f,

static const struct action_row rows[] = {
#define ACTION(name, rw, target, params, results)                          \
	{                                                                  \
		#name,                                                     \
		ACTION_##rw,                                               \
		TARGET_##target,                                           \
		(const struct action_param[]){ params{ F_COUNT, false } }, \
		(const enum field[]){ results F_COUNT },                   \
	},
#include "api/action.def"
#undef ACTION
};

#undef R
#undef O
#undef V

const struct action_row *
action_row(enum action a)
{
	return &rows[a];
}

enum action
action_by_name(struct slice name)
{
	for (enum action a = 0; a < ACTION_COUNT; a++)
		if (slice_eq(slice_str(rows[a].name), name))
			return a;
	return ACTION_COUNT;
}

static enum kms_rc
refuse(enum api_error *e, enum api_error what, struct err *err, enum field name, const char *why)
{
	*e = what;
	return err_set(err, KMS_INVALID, "The parameter \"%s\" %s.", field_row(name)->wire, why);
}

static bool
text_ok(struct slice s)
{
	return utf8_valid(s) && (s.len == 0 || memchr(s.p, 0, s.len) == NULL);
}

/* How much there is of V, in the unit of its limits. */
static int64_t
measure(const struct field_value *v)
{
	switch (field_row(v->name)->kind) {
	case FIELD_TEXT:
	case FIELD_BYTES: return (int64_t)v->u.text.len;
	case FIELD_SECRET_TEXT:
	case FIELD_SECRET_BYTES: return (int64_t)v->u.secret.len;
	case FIELD_NUMBER: return v->u.number;
	case FIELD_BOOL: return 1;
	case FIELD_TEXTS: return (int64_t)v->u.texts.n;
	case FIELD_GROUP:
	case FIELD_GROUPS: return (int64_t)v->u.groups.n;
	}
	return -1;
}

static bool
value_ok(const struct field_value *v)
{
	const struct field_row *row = field_row(v->name);
	int64_t n = measure(v);

	if (n < row->min || n > row->max)
		return false;
	if (row->kind == FIELD_TEXT)
		return text_ok(buf_slice(&v->u.text));
	if (row->kind == FIELD_SECRET_TEXT)
		return text_ok(secret_slice(&v->u.secret));
	for (size_t i = 0; row->kind == FIELD_TEXTS && i < v->u.texts.n; i++)
		if (!text_ok(buf_slice(&v->u.texts.v[i])))
			return false;
	/* The members of a group in a request have limits of their own. */
	for (size_t i = 0; row->kind == FIELD_GROUPS && i < v->u.groups.n; i++)
		for (size_t j = 0; j < v->u.groups.v[i].n; j++)
			if (!value_ok(&v->u.groups.v[i].v[j]))
				return false;
	return true;
}

static bool
takes(const struct action_row *row, enum field name)
{
	for (const struct action_param *p = row->params; p->name != F_COUNT; p++)
		if (p->name == name)
			return true;
	return false;
}

enum kms_rc
action_check(enum action a, const struct fields *req, enum api_error *e, struct err *err)
{
	const struct action_row *row = &rows[a];

	for (const struct action_param *p = row->params; p->name != F_COUNT; p++)
		if (p->required && !fields_has(req, p->name))
			return refuse(e, E_MissingParameter, err, p->name,
			    "is needed but not provided");
	for (size_t i = 0; i < req->n; i++) {
		if (!takes(row, req->v[i].name))
			return refuse(e, E_InvalidParameter, err, req->v[i].name,
			    "is not one that this action takes");
		if (!value_ok(&req->v[i]))
			return refuse(e, E_InvalidParameter, err, req->v[i].name, "is not valid");
	}
	return KMS_OK;
}
