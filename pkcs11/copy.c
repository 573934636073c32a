/* SPDX-License-Identifier: Apache-2.0 */
/* C_CopyObject: the four ways between session and token. Key material crosses only where both sides
 * may hold it. */
#include "pkcs11/memory.h"
#include "pkcs11/object.h"
#include "pkcs11/schema.h"

static bool
holds_secret(const struct object *o)
{
	return o->kind == OBJECT_PRIVATE_KEY || o->kind == OBJECT_SECRET_KEY ||
	    o->kind == OBJECT_DATA;
}

/*
 * To the session. A token key stays where it is: the copy is one more view of it, with attributes
 * of its own (what the OpenSSL provider and NSS make of every private key they load). It ends to
 * work when the key is destroyed.
 */
static CK_RV
copy_to_session(struct session *s, struct entry *src, struct object *o, struct slice data,
    CK_OBJECT_HANDLE *ret)
{
	struct call call = token_call(s->token);
	auto_entry *e = NULL;
	struct backend_key *k;
	CK_RV rv;

	if (src->ckey != NULL || (o->kind != OBJECT_PRIVATE_KEY && o->kind != OBJECT_SECRET_KEY))
		return object_keep(s, false, o, src->ckey, data, ret);
	if ((e = entry_new(s->token)) == NULL)
		return CKR_HOST_MEMORY;
	if (crypto_random(o->id.b, UID_LEN) != KMS_OK)
		return CKR_GENERAL_ERROR;
	e->bkey_id = src->bkey_id;
	/* opened now: what cannot be used is not copied */
	if ((rv = entry_backend_key(e, &call, &k)) != CKR_OK)
		return rv == CKR_KEY_HANDLE_INVALID ? CKR_OBJECT_HANDLE_INVALID : rv;
	e->o = *o;
	*o = (struct object){ 0 }; /* moved */
	e->o.revision = 1;
	e->owner = s->handle;
	if ((rv = catalog_add_session(s->token->catalog, e, ret)) == CKR_OK)
		e = NULL; /* moved */
	return rv;
}

static CK_RV
copy_to_token(struct session *s, struct entry *src, struct object *o, struct slice data,
    CK_OBJECT_HANDLE *ret)
{
	struct call call = token_call(s->token);
	enum kms_rc rc;

	if (src->ckey != NULL || (o->kind != OBJECT_PRIVATE_KEY && o->kind != OBJECT_SECRET_KEY))
		return object_keep(s, true, o, src->ckey, data, ret);
	if ((rc = backend_copy(s->token->backend, &call, &src->bkey_id, o)) != KMS_OK)
		return session_fail(s, &call, rc);
	return object_intern(s, o, ret);
}

/* A data object's value, the template's or else the original's, moves between body and sealed value
 * when CKA_PRIVATE changes, so it is read first in either case. */
static CK_RV
copy_data(struct session *s, struct entry *src, const struct attrs *t, struct object *o,
    struct attr_value *v)
{
	const struct attr *value = attrs_get(t, CKA_VALUE);
	struct call call = token_call(s->token);

	if (o->kind != OBJECT_DATA)
		return CKR_OK;
	if (value != NULL)
		v->s = value->value;
	else
		TRY_RV(schema_get(src, &call, CKA_VALUE, v));
	if ((o->flags & FLAG_PRIVATE) != 0) {
		buf_clear(&o->body);
		return CKR_OK;
	}
	return buf_set(&o->body, v->s) == KMS_OK ? CKR_OK : CKR_HOST_MEMORY;
}

static CK_RV
object_copy_to(struct session *s, CK_OBJECT_HANDLE handle, const CK_ATTRIBUTE *templ,
    CK_ULONG count, CK_OBJECT_HANDLE *ret)
{
	auto_attr_value v = { { 0 }, { 0 }, { 0 }, false };
	auto_entry *src = NULL;
	auto_object o = { 0 };
	auto_attrs t;
	struct slice data;
	bool token_object;

	t.mem = (struct secret){ 0 };
	TRY_RV(attrs_read(templ, count, &t));
	TRY_RV(object_lookup(s, handle, &src));
	if (src->profile != 0 || (src->o.flags & FLAG_COPYABLE) == 0)
		return CKR_ACTION_PROHIBITED;
	if (object_copy(&src->o, &o) != KMS_OK)
		return CKR_HOST_MEMORY;
	if (token_role(s->token) !=
	    ROLE_SO) /* 4.3, footnote 10: trust is the SO's to give, a copy too */
		o.flags &= ~(uint32_t)FLAG_TRUSTED;
	TRY_RV(schema_apply(SCHEMA_COPY, &t, token_role(s->token) == ROLE_SO, &o));
	/* a copy that needs no login would open what the PIN protects */
	if ((src->o.flags & FLAG_PRIVATE) != 0 && (o.flags & FLAG_PRIVATE) == 0 && holds_secret(&o))
		return CKR_TEMPLATE_INCONSISTENT;
	TRY_RV(attrs_bool(&t, CKA_TOKEN, src->owner == 0, &token_object));
	TRY_RV(session_may_write(s, token_object, (o.flags & FLAG_PRIVATE) != 0));
	TRY_RV(copy_data(s, src, &t, &o, &v));
	data = o.kind == OBJECT_DATA && (o.flags & FLAG_PRIVATE) != 0 ? v.s : (struct slice){ 0 };
	return (token_object ? copy_to_token : copy_to_session)(s, src, &o, data, ret);
}

CK_RV
C_CopyObject(CK_SESSION_HANDLE hs, CK_OBJECT_HANDLE handle, CK_ATTRIBUTE_PTR templ, CK_ULONG count,
    CK_OBJECT_HANDLE_PTR ret)
{
	auto_session *s = NULL;
	CK_OBJECT_HANDLE made;
	CK_RV rv;

	if ((rv = session_enter(hs, &s)) == CKR_OK && ret == NULL)
		rv = CKR_ARGUMENTS_BAD;
	if (rv == CKR_OK && (rv = object_copy_to(s, handle, templ, count, &made)) == CKR_OK)
		ulong_put(ret, made);
	return rv_trace(__func__, rv);
}
