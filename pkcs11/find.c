/* SPDX-License-Identifier: Apache-2.0 */
/* C_FindObjects*: the backend's indexes answer, the template's other attributes filter.
 * PKCS#11 5.7.7 to 5.7.9. */
#include <stdlib.h>

#include "pkcs11/family.h"
#include "pkcs11/memory.h"
#include "pkcs11/object.h"
#include "pkcs11/schema.h"

/* A template as a question to the backend. nothing: no token object can match. */
struct question {
	struct object_query q;
	bool nothing;
	struct attr filter[ATTR_COUNT_MAX]; /* what the query cannot ask */
	size_t n_filter;
};

static void
ask_class(const struct attr *a, struct question *w)
{
	CK_ULONG class = 0;

	w->q.kind = attr_ulong(a, &class) == CKR_OK ? schema_kind(class) : OBJECT_NONE;
	w->nothing |= w->q.kind == OBJECT_NONE;
}

static void
ask_key_type(const struct attr *a, struct question *w)
{
	const struct key_family *family = NULL;
	CK_ULONG ckk;

	if (attr_ulong(a, &ckk) == CKR_OK)
		family = family_of_ckk(ckk);
	if (family == NULL)
		w->nothing = true;
	else
		w->q.type = family->type;
}

/* The columns of objects that have no id or no subject are empty too: there a second look is
 * needed. */
static void
filter_empty(const struct attr *a, struct question *w)
{
	if (a->value.len == 0)
		w->filter[w->n_filter++] = *a;
}

static void
ask(const struct session *s, const struct attrs *t, struct question *w)
{
	size_t i;
	bool flag;

	*w = (struct question){ .q = { .private_too = token_user(s->token) } };
	for (i = 0; i < t->n; i++) {
		const struct attr *a = &t->v[i];

		switch (a->type) {
		case CKA_CLASS: ask_class(a, w); break;
		case CKA_KEY_TYPE: ask_key_type(a, w); break;
		case CKA_TOKEN: w->nothing |= attr_bool(a, &flag) != CKR_OK || !flag; break;
		case CKA_LABEL:
			w->q.has_label = true;
			w->q.label = a->value;
			break;
		case CKA_ID:
			w->q.has_app_id = true;
			w->q.app_id = a->value;
			filter_empty(a, w);
			break;
		case CKA_SUBJECT:
			w->q.has_subject = true;
			w->q.subject = a->value;
			filter_empty(a, w);
			break;
		default: w->filter[w->n_filter++] = *a; break;
		}
	}
}

static bool
entry_matches(struct session *s, CK_OBJECT_HANDLE handle, const struct attr *v, size_t n)
{
	struct call call = token_call(s->token);
	auto_entry *e = NULL;
	size_t i;

	if (catalog_get(s->token->catalog, &call, handle, &e) != CKR_OK)
		return false;
	for (i = 0; i < n; i++)
		if (!schema_matches(e, &call, &v[i]))
			return false;
	return true;
}

static CK_RV
find_in_token(struct session *s, const struct question *w, struct find *f)
{
	struct call call = token_call(s->token);
	auto_object_refs refs = { 0 };
	enum kms_rc rc;
	size_t i, kept = 0;

	if (w->nothing)
		return CKR_OK;
	if ((rc = backend_find(s->token->backend, &call, &w->q, &refs)) != KMS_OK)
		return rc == KMS_NOT_INITIALIZED ? CKR_OK : session_fail(s, &call, rc);
	if (refs.n == 0)
		return CKR_OK;
	if ((f->v = calloc(refs.n, sizeof(*f->v))) == NULL)
		return CKR_HOST_MEMORY;
	TRY_RV(catalog_intern(s->token->catalog, &refs, f->v));
	for (i = 0; i < refs.n; i++)
		if (w->n_filter == 0 || entry_matches(s, f->v[i], w->filter, w->n_filter))
			f->v[kept++] = f->v[i];
	f->n = kept;
	return CKR_OK;
}

/* Session objects and profiles: there are few, and all are at hand. */
static CK_RV
find_in_memory(struct session *s, const struct attrs *t, struct find *f)
{
	CK_OBJECT_HANDLE *v, *all;
	size_t n, i;
	CK_RV rv;

	if ((rv = catalog_session_objects(s->token->catalog, token_user(s->token), &v, &n)) !=
	    CKR_OK)
		return rv;
	if (n == 0 || (all = reallocarray(f->v, f->n + n, sizeof(*all))) == NULL) {
		free(v);
		return n == 0 ? CKR_OK : CKR_HOST_MEMORY;
	}
	f->v = all;
	for (i = 0; i < n; i++)
		if (entry_matches(s, v[i], t->v, t->n))
			f->v[f->n++] = v[i];
	free(v);
	return CKR_OK;
}

static CK_RV
find_init(struct session *s, const CK_ATTRIBUTE *templ, CK_ULONG count)
{
	struct find f = { .active = true };
	struct question w;
	auto_attrs t;
	CK_RV rv;

	t.mem = (struct secret){ 0 };
	if (s->find.active)
		return CKR_OPERATION_ACTIVE;
	/* 5.7.7: this function has no code for what is inconsistent */
	if ((rv = attrs_read(templ, count, &t)) != CKR_OK)
		return rv == CKR_TEMPLATE_INCONSISTENT ? CKR_ARGUMENTS_BAD : rv;
	ask(s, &t, &w);
	if ((rv = find_in_token(s, &w, &f)) != CKR_OK ||
	    (rv = find_in_memory(s, &t, &f)) != CKR_OK) {
		free(f.v);
		return rv;
	}
	s->find = f;
	return CKR_OK;
}

CK_RV
C_FindObjectsInit(CK_SESSION_HANDLE hs, CK_ATTRIBUTE_PTR templ, CK_ULONG count)
{
	auto_session *s = NULL;
	CK_RV rv;

	if ((rv = session_enter(hs, &s)) == CKR_OK)
		rv = find_init(s, templ, count);
	return rv_trace(__func__, rv);
}

CK_RV
C_FindObjects(CK_SESSION_HANDLE hs, CK_OBJECT_HANDLE_PTR objects, CK_ULONG max, CK_ULONG_PTR count)
{
	auto_session *s = NULL;
	size_t n;
	CK_RV rv;

	if ((rv = session_enter(hs, &s)) == CKR_OK && !s->find.active)
		rv = CKR_OPERATION_NOT_INITIALIZED;
	if (rv == CKR_OK && (count == NULL || (objects == NULL && max != 0)))
		rv = CKR_ARGUMENTS_BAD;
	if (rv != CKR_OK)
		return rv_trace(__func__, rv);
	n = s->find.n - s->find.next < max ? s->find.n - s->find.next : max;
	if (n != 0)
		memcpy((void *)objects, s->find.v + s->find.next, n * sizeof(*objects));
	s->find.next += n;
	ulong_put(count, n);
	return rv_trace(__func__, CKR_OK);
}

CK_RV
C_FindObjectsFinal(CK_SESSION_HANDLE hs)
{
	auto_session *s = NULL;
	CK_RV rv;

	if ((rv = session_enter(hs, &s)) == CKR_OK && !s->find.active)
		rv = CKR_OPERATION_NOT_INITIALIZED;
	if (rv == CKR_OK) {
		free(s->find.v);
		s->find = (struct find){ 0 };
	}
	return rv_trace(__func__, rv);
}
