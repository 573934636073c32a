/* SPDX-License-Identifier: Apache-2.0 */
/* Sets of named values: putting, looking and releasing. */
#include "api/fields.h"

#include <stdlib.h>

static const struct field_row rows[] = {
#define FIELD(name, wire, kind, min, max) { wire, FIELD_##kind, min, max },
#include "api/field.def"
#undef FIELD
};

const struct field_row *
field_row(enum field f)
{
	return &rows[f];
}

/* -- releasing -- */

static void
value_free(struct field_value *v)
{
	switch (rows[v->name].kind) {
	case FIELD_TEXT:
	case FIELD_BYTES: buf_free(&v->u.text); break;
	case FIELD_SECRET_TEXT:
	case FIELD_SECRET_BYTES: secret_free(&v->u.secret); break;
	case FIELD_NUMBER:
	case FIELD_BOOL: break;
	case FIELD_TEXTS:
		for (size_t i = 0; i < v->u.texts.n; i++)
			buf_free(&v->u.texts.v[i]);
		free(v->u.texts.v);
		break;
	case FIELD_GROUP:
	case FIELD_GROUPS:
		for (size_t i = 0; i < v->u.groups.n; i++)
			fields_free(&v->u.groups.v[i]);
		free(v->u.groups.v);
		break;
	}
}

void
fields_free(struct fields *f)
{
	if (f == NULL)
		return;
	for (size_t i = 0; i < f->n; i++)
		value_free(&f->v[i]);
	free(f->v);
	*f = (struct fields){ 0 };
}

/* -- looking -- */

static struct field_value *
look(const struct fields *f, enum field name)
{
	for (size_t i = 0; i < f->n; i++)
		if (f->v[i].name == name)
			return &f->v[i];
	return NULL;
}

bool
fields_has(const struct fields *f, enum field name)
{
	return look(f, name) != NULL;
}

const struct field_value *
fields_value(const struct fields *f, enum field name)
{
	return look(f, name);
}

struct slice
fields_get(const struct fields *f, enum field name)
{
	const struct field_value *v = look(f, name);

	if (v == NULL)
		return slice_of(NULL, 0);
	switch (rows[name].kind) {
	case FIELD_TEXT:
	case FIELD_BYTES: return buf_slice(&v->u.text);
	case FIELD_SECRET_TEXT:
	case FIELD_SECRET_BYTES: return secret_slice(&v->u.secret);
	case FIELD_NUMBER:
	case FIELD_BOOL:
	case FIELD_TEXTS:
	case FIELD_GROUP:
	case FIELD_GROUPS: break;
	}
	return slice_of(NULL, 0);
}

int64_t
fields_number(const struct fields *f, enum field name, int64_t absent)
{
	const struct field_value *v = look(f, name);

	return v == NULL || rows[name].kind != FIELD_NUMBER ? absent : v->u.number;
}

bool
fields_bool(const struct fields *f, enum field name)
{
	const struct field_value *v = look(f, name);

	return v != NULL && rows[name].kind == FIELD_BOOL && v->u.truth;
}

const struct fields *
fields_group(const struct fields *f, enum field name)
{
	const struct field_value *v = look(f, name);

	return v == NULL || rows[name].kind != FIELD_GROUP || v->u.groups.n == 0 ? NULL
										 : v->u.groups.v;
}

/* -- putting -- */

/* The place of NAME: an empty value, new or in place of the one that is there unless KEEP. */
static enum kms_rc
place(struct fields *f, enum field name, bool keep, struct field_value **ret)
{
	struct field_value *v = look(f, name);

	if (v != NULL && !keep) {
		value_free(v);
		*v = (struct field_value){ .name = name };
	}
	if (v == NULL) {
		if (f->n == f->cap) {
			size_t cap = f->cap == 0 ? 8 : f->cap * 2;

			if ((v = reallocarray(f->v, cap, sizeof(*v))) == NULL)
				return KMS_NOMEM;
			f->v = v;
			f->cap = cap;
		}
		v = &f->v[f->n++];
		*v = (struct field_value){ .name = name };
	}
	*ret = v;
	return KMS_OK;
}

enum kms_rc
fields_put(struct fields *f, enum field name, struct slice s)
{
	struct field_value *v;

	switch (rows[name].kind) {
	case FIELD_TEXT:
	case FIELD_BYTES: TRY(place(f, name, false, &v)); return buf_set(&v->u.text, s);
	case FIELD_SECRET_TEXT:
	case FIELD_SECRET_BYTES:
		TRY(place(f, name, false, &v));
		return secret_copy(s, &v->u.secret);
	case FIELD_NUMBER:
	case FIELD_BOOL:
	case FIELD_TEXTS:
	case FIELD_GROUP:
	case FIELD_GROUPS: break;
	}
	return KMS_INVALID;
}

enum kms_rc
fields_put_text(struct fields *f, enum field name, const char *s)
{
	return fields_put(f, name, slice_str(s));
}

enum kms_rc
fields_put_number(struct fields *f, enum field name, int64_t n)
{
	struct field_value *v;

	if (rows[name].kind != FIELD_NUMBER)
		return KMS_INVALID;
	TRY(place(f, name, false, &v));
	v->u.number = n;
	return KMS_OK;
}

enum kms_rc
fields_put_bool(struct fields *f, enum field name, bool truth)
{
	struct field_value *v;

	if (rows[name].kind != FIELD_BOOL)
		return KMS_INVALID;
	TRY(place(f, name, false, &v));
	v->u.truth = truth;
	return KMS_OK;
}

enum kms_rc
fields_add_text(struct fields *f, enum field name, struct slice s)
{
	struct field_value *v;
	struct buf *grown;

	if (rows[name].kind != FIELD_TEXTS)
		return KMS_INVALID;
	TRY(place(f, name, true, &v));
	if ((grown = reallocarray(v->u.texts.v, v->u.texts.n + 1, sizeof(*grown))) == NULL)
		return KMS_NOMEM;
	v->u.texts.v = grown;
	grown[v->u.texts.n] = (struct buf){ 0 };
	return buf_set(&grown[v->u.texts.n++], s);
}

enum kms_rc
fields_put_list(struct fields *f, enum field name)
{
	struct field_value *v;

	if (rows[name].kind != FIELD_TEXTS && rows[name].kind != FIELD_GROUPS)
		return KMS_INVALID;
	return place(f, name, true, &v);
}

enum kms_rc
fields_add_group(struct fields *f, enum field name, struct fields **ret)
{
	struct field_value *v;
	struct fields *grown;

	if (rows[name].kind != FIELD_GROUP && rows[name].kind != FIELD_GROUPS)
		return KMS_INVALID;
	TRY(place(f, name, rows[name].kind == FIELD_GROUPS, &v));
	if ((grown = reallocarray(v->u.groups.v, v->u.groups.n + 1, sizeof(*grown))) == NULL)
		return KMS_NOMEM;
	v->u.groups.v = grown;
	grown[v->u.groups.n] = (struct fields){ 0 };
	*ret = &grown[v->u.groups.n++];
	return KMS_OK;
}
