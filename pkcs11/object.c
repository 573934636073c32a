/* SPDX-License-Identifier: Apache-2.0 */
/* Object management: PKCS#11 5.7 but for finding (find.c) and the making of keys (keys.c). */
#include "pkcs11/object.h"

#include "base/os.h"
#include "crypto/cert.h"
#include "pkcs11/family.h"
#include "pkcs11/kms_secret.h"
#include "pkcs11/memory.h"
#include "pkcs11/schema.h"

CK_RV
object_lookup(struct session *s, CK_OBJECT_HANDLE handle, struct entry **ret)
{
	struct call call = token_call(s->token);

	return catalog_get(s->token->catalog, &call, handle, ret);
}

CK_RV
object_place(const struct session *s, const struct attrs *t, const struct object *o,
    bool *token_object)
{
	/* 4.10: what a login protects is not seen without one */
	if ((o->flags & FLAG_ALWAYS_AUTHENTICATE) != 0 && (o->flags & FLAG_PRIVATE) == 0)
		return CKR_TEMPLATE_INCONSISTENT;
	TRY_RV(attrs_bool(t, CKA_TOKEN, false, token_object));
	return session_may_write(s, *token_object, (o->flags & FLAG_PRIVATE) != 0);
}

void
object_default_private(const struct session *s, const struct attrs *t, struct object *o)
{
	const struct attr *token = attrs_get(t, CKA_TOKEN);
	bool token_object = token != NULL && token->value.len == 1 && token->value.p[0] == CK_TRUE;

	if (attrs_get(t, CKA_PRIVATE) == NULL && !token_object && !token_user(s->token))
		o->flags &= ~(uint32_t)FLAG_PRIVATE;
}

/* What a template says of facts that follow from the value must be so; empty means "you tell". */
static CK_RV
check_claim(const struct attrs *t, CK_ATTRIBUTE_TYPE type, struct slice fact)
{
	const struct attr *a = attrs_get(t, type);

	return a == NULL || a->value.len == 0 || slice_eq(a->value, fact)
	    ? CKR_OK
	    : CKR_ATTRIBUTE_VALUE_INVALID;
}

CK_RV
object_check_claims(const struct attrs *t, const struct object *o)
{
	return check_claim(t, o->kind == OBJECT_SECRET_KEY ? CKA_CHECK_VALUE : CKA_PUBLIC_KEY_INFO,
	    buf_slice(&o->body));
}

CK_RV
object_describe(struct object *o, const struct ckey *key)
{
	uint8_t check[3], id[KEY_ID_LEN];
	enum kms_rc rc;

	o->spec = ckey_spec(key);
	if (o->kind == OBJECT_SECRET_KEY) {
		if ((rc = ckey_check_value(key, check)) == KMS_OK)
			rc = buf_set(&o->body, slice_of(check, sizeof(check)));
	} else {
		rc = ckey_spki(key, &o->body);
	}
	if (rc == KMS_OK && o->app_id.len == 0 && (rc = ckey_default_id(key, id)) == KMS_OK)
		rc = buf_set(&o->app_id, slice_of(id, sizeof(id)));
	return rv_of(rc);
}

CK_RV
object_intern(struct session *s, const struct object *o, CK_OBJECT_HANDLE *ret)
{
	struct object_ref ref = { .id = o->id, .revision = o->revision, .flags = o->flags };
	const struct object_refs refs = { .v = &ref, .n = 1 };

	return catalog_intern(s->token->catalog, &refs, ret);
}

static CK_RV
keep_in_session(struct session *s, struct object *o, struct ckey *key, struct slice data,
    CK_OBJECT_HANDLE *ret)
{
	auto_entry *e = entry_new(s->token);
	CK_RV rv;

	if (e == NULL || secret_copy(data, &e->data) != KMS_OK)
		return CKR_HOST_MEMORY;
	if (crypto_random(o->id.b, UID_LEN) != KMS_OK)
		return CKR_GENERAL_ERROR;
	e->o = *o;
	*o = (struct object){ 0 }; /* moved */
	e->o.revision = 1;
	e->owner = s->handle;
	e->ckey = key == NULL ? NULL : ckey_ref(key);
	if ((rv = catalog_add_session(s->token->catalog, e, ret)) == CKR_OK)
		e = NULL; /* moved */
	return rv;
}

static CK_RV
keep_in_token(struct session *s, struct object *o, struct ckey *key, struct slice data,
    CK_OBJECT_HANDLE *ret)
{
	struct call call = token_call(s->token);
	auto_secret pkcs8 = { 0 };
	struct slice material = data;
	enum kms_rc rc = KMS_OK;

	if (o->kind == OBJECT_PRIVATE_KEY) {
		rc = ckey_pkcs8(key, &pkcs8);
		material = secret_slice(&pkcs8);
	} else if (o->kind == OBJECT_SECRET_KEY) {
		material = ckey_secret(key);
	}
	if (rc == KMS_OK)
		rc = backend_create(s->token->backend, &call, o, &material, 1);
	return rc == KMS_OK ? object_intern(s, o, ret) : session_fail(s, &call, rc);
}

CK_RV
object_keep(struct session *s, bool token_object, struct object *o, struct ckey *key,
    struct slice data, CK_OBJECT_HANDLE *ret)
{
	return (token_object ? keep_in_token : keep_in_session)(s, o, key, data, ret);
}

static CK_RV
create_key(struct session *s, const struct attrs *t, struct object *o, CK_OBJECT_HANDLE *ret)
{
	const struct key_family *family;
	const struct attr *params = attrs_get(t, CKA_EC_PARAMS);
	auto_ckey *key = NULL;
	CK_ULONG ckk;
	bool token_object;

	if (attrs_get(t, CKA_KEY_TYPE) == NULL)
		return CKR_TEMPLATE_INCOMPLETE;
	TRY_RV(attrs_ulong(t, CKA_KEY_TYPE, 0, &ckk));
	if ((family = family_of_ckk(ckk)) == NULL)
		return CKR_ATTRIBUTE_VALUE_INVALID;
	if (!family_makes(family, o->kind))
		return CKR_TEMPLATE_INCONSISTENT;
	o->spec.type = family->type;
	schema_defaults(o);
	TRY_RV(schema_apply(SCHEMA_CREATE, t, token_role(s->token) == ROLE_SO, o));
	object_default_private(s, t, o);
	TRY_RV(object_place(s, t, o, &token_object));
	TRY_RV(family->create(o->kind, t, &key));
	TRY_RV(object_describe(o, key));
	TRY_RV(object_check_claims(t, o));
	if (params != NULL && !slice_eq(params->value, curve_params(o->spec.curve)))
		TRY_RV(schema_store(o,
		    params)); /* another spelling of the curve: shown as it was given */
	return object_keep(s, token_object, o, key, (struct slice){ 0 }, ret);
}

/* 4.6.2: of a certificate that is elsewhere there is no sum. */
static CK_RV
check_certificate_sum(const struct attrs *t, struct slice der)
{
	uint8_t hash[DIGEST_MAX];

	if (crypto_digest(DIGEST_SHA1, der, hash) != KMS_OK)
		return CKR_GENERAL_ERROR;
	return check_claim(t, CKA_CHECK_VALUE, slice_of(hash, der.len == 0 ? 0 : 3));
}

/* What the certificate itself says and the template leaves out: issuer, serial number, and the id
 * of its public key. */
static CK_RV
complete_certificate(const struct attrs *t, struct object *o)
{
	auto_cert_facts f = { { 0 }, { 0 }, { 0 }, { 0 } };
	const struct attr *url = attrs_get(t, CKA_URL);
	auto_ckey *key = NULL;
	uint8_t id[KEY_ID_LEN];

	if (o->body.len != 0 && cert_parse(buf_slice(&o->body), &f) != KMS_OK)
		return CKR_ATTRIBUTE_VALUE_INVALID;
	/* of a certificate that is elsewhere nobody here knows these */
	TRY_RV(check_claim(t, CKA_PUBLIC_KEY_INFO, buf_slice(&f.spki)));
	TRY_RV(check_certificate_sum(t, buf_slice(&o->body)));
	if (o->body.len == 0) /* 4.6.3: then there must be a place to fetch it from */
		return url == NULL || url->value.len == 0 ? CKR_ATTRIBUTE_VALUE_INVALID : CKR_OK;
	if (attrs_get(t, CKA_ISSUER) == NULL)
		TRY_RV(schema_store(o,
		    &(struct attr){ .type = CKA_ISSUER, .value = buf_slice(&f.issuer) }));
	if (attrs_get(t, CKA_SERIAL_NUMBER) == NULL)
		TRY_RV(schema_store(o,
		    &(struct attr){ .type = CKA_SERIAL_NUMBER, .value = buf_slice(&f.serial) }));
	/* a key of a kind that we do not have leaves the id empty: nothing here could be matched
	 * with it */
	if (o->app_id.len == 0 && ckey_from_spki(buf_slice(&f.spki), &key) == KMS_OK &&
	    ckey_default_id(key, id) == KMS_OK &&
	    buf_set(&o->app_id, slice_of(id, sizeof(id))) != KMS_OK)
		return CKR_HOST_MEMORY;
	return CKR_OK;
}

static CK_RV
create_other(struct session *s, const struct attrs *t, struct object *o, CK_OBJECT_HANDLE *ret)
{
	const struct attr *value = attrs_get(t, CKA_VALUE);
	struct slice data = { 0 };
	bool token_object;

	schema_defaults(o);
	TRY_RV(schema_apply(SCHEMA_CREATE, t, token_role(s->token) == ROLE_SO, o));
	TRY_RV(object_place(s, t, o, &token_object));
	if (token_object && kms_secret_wanted(t, o))
		return kms_secret_create(s, t, o, ret);
	if (o->kind == OBJECT_DATA && (o->flags & FLAG_PRIVATE) != 0)
		data = value == NULL ? data : value->value;
	else if (value != NULL && buf_set(&o->body, value->value) != KMS_OK)
		return CKR_HOST_MEMORY;
	if (o->kind == OBJECT_CERTIFICATE)
		TRY_RV(complete_certificate(t, o));
	return object_keep(s, token_object, o, NULL, data, ret);
}

static CK_RV
object_create(struct session *s, const CK_ATTRIBUTE *templ, CK_ULONG count, CK_OBJECT_HANDLE *ret)
{
	auto_object o = { 0 };
	auto_attrs t;
	CK_ULONG class;

	t.mem = (struct secret){ 0 };
	TRY_RV(attrs_read(templ, count, &t));
	if (attrs_get(&t, CKA_CLASS) == NULL)
		return CKR_TEMPLATE_INCOMPLETE;
	TRY_RV(attrs_ulong(&t, CKA_CLASS, 0, &class));
	switch (o.kind = schema_kind(class)) {
	case OBJECT_PRIVATE_KEY:
	case OBJECT_PUBLIC_KEY:
	case OBJECT_SECRET_KEY: return create_key(s, &t, &o, ret);
	case OBJECT_CERTIFICATE:
	case OBJECT_DATA: return create_other(s, &t, &o, ret);
	case OBJECT_NONE: break;
	}
	return CKR_ATTRIBUTE_VALUE_INVALID;
}

CK_RV
C_CreateObject(CK_SESSION_HANDLE hs, CK_ATTRIBUTE_PTR templ, CK_ULONG count,
    CK_OBJECT_HANDLE_PTR ret)
{
	auto_session *s = NULL;
	CK_OBJECT_HANDLE made;
	CK_RV rv;

	if ((rv = session_enter(hs, &s)) == CKR_OK && ret == NULL)
		rv = CKR_ARGUMENTS_BAD;
	if (rv == CKR_OK && (rv = object_create(s, templ, count, &made)) == CKR_OK)
		ulong_put(ret, made);
	return rv_trace(__func__, rv);
}

CK_RV
C_DestroyObject(CK_SESSION_HANDLE hs, CK_OBJECT_HANDLE handle)
{
	auto_session *s = NULL;
	auto_entry *e = NULL;
	struct call call;
	enum kms_rc rc = KMS_OK;
	CK_RV rv;

	if ((rv = session_enter(hs, &s)) != CKR_OK || (rv = object_lookup(s, handle, &e)) != CKR_OK)
		return rv_trace(__func__, rv);
	if ((rv = session_may_write(s, e->owner == 0, (e->o.flags & FLAG_PRIVATE) != 0)) != CKR_OK)
		return rv_trace(__func__, rv);
	if (e->profile != 0 || (e->o.flags & FLAG_DESTROYABLE) == 0)
		return rv_trace(__func__, CKR_ACTION_PROHIBITED);
	call = token_call(s->token);
	if (e->owner == 0)
		rc = object_is_secret(&e->o)
		    ? kms_secret_delete(e, &call)
		    : backend_destroy(s->token->backend, &call, &e->o.id, 1);
	if (rc == KMS_OK || rc == KMS_NOTFOUND)
		catalog_remove(s->token->catalog, handle);
	return rv_trace(__func__, rc == KMS_OK ? CKR_OK : session_fail(s, &call, rc));
}

/* What the object takes in the store, near enough: the standard leaves the measure to the token. */
CK_RV
C_GetObjectSize(CK_SESSION_HANDLE hs, CK_OBJECT_HANDLE handle, CK_ULONG_PTR size)
{
	auto_session *s = NULL;
	auto_entry *e = NULL;
	CK_RV rv;

	if ((rv = session_enter(hs, &s)) == CKR_OK && size == NULL)
		rv = CKR_ARGUMENTS_BAD;
	if (rv == CKR_OK && (rv = object_lookup(s, handle, &e)) == CKR_OK)
		ulong_put(size,
		    sizeof(e->o) + e->o.label.len + e->o.app_id.len + e->o.subject.len +
			e->o.body.len + e->o.attrs.len + e->o.spec.bits / 8);
	return rv_trace(__func__, rv);
}

/* 5.7.5: every attribute is answered, whatever became of the others; the first error is the result.
 */
static CK_RV
get_attributes(struct session *s, struct entry *e, CK_ATTRIBUTE *templ, CK_ULONG count)
{
	struct call call = token_call(s->token);
	CK_RV rv = CKR_OK;
	CK_ULONG i;

	for (i = 0; i < count; i++) {
		CK_ATTRIBUTE *t = (CK_ATTRIBUTE *)((unsigned char *)templ + i * sizeof(*templ));
		auto_attr_value v = { { 0 }, { 0 }, { 0 }, false };
		CK_ATTRIBUTE_TYPE type;
		CK_RV one;

		memcpy(&type, (unsigned char *)t + offsetof(CK_ATTRIBUTE, type), sizeof(type));
		if ((one = schema_get(e, &call, type, &v)) != CKR_OK)
			one = attr_out_unavailable(t, one);
		else
			one = v.array ? attr_out_array(t, v.s) : attr_out_bytes(t, v.s);
		if (rv == CKR_OK)
			rv = one;
	}
	return rv;
}

CK_RV
C_GetAttributeValue(CK_SESSION_HANDLE hs, CK_OBJECT_HANDLE handle, CK_ATTRIBUTE_PTR templ,
    CK_ULONG count)
{
	auto_session *s = NULL;
	auto_entry *e = NULL;
	CK_RV rv;

	if ((rv = session_enter(hs, &s)) == CKR_OK &&
	    (count > ATTR_ASK_MAX || (templ == NULL && count != 0)))
		rv = CKR_ARGUMENTS_BAD;
	if (rv == CKR_OK && (rv = object_lookup(s, handle, &e)) == CKR_OK)
		rv = get_attributes(s, e, templ, count);
	return rv_trace(__func__, rv);
}

/* A session object's new state: the same key and value under changed attributes. */
static CK_RV
set_in_session(struct session *s, struct entry *e, struct object *o, const struct slice *value)
{
	struct entry *n = entry_new(s->token);

	if (n == NULL)
		return CKR_HOST_MEMORY;
	if (secret_copy(value != NULL ? *value : secret_slice(&e->data), &n->data) != KMS_OK) {
		entry_unref(n);
		return CKR_HOST_MEMORY;
	}
	n->o = *o;
	*o = (struct object){ 0 }; /* moved */
	n->o.revision++;
	n->owner = e->owner;
	n->ckey = e->ckey == NULL ? NULL : ckey_ref(e->ckey);
	n->bkey_id = e->bkey_id;
	return catalog_replace(s->token->catalog, e, n);
}

/* 4.4.1; 4.6.2: what is trusted stays what it is, until the SO takes the trust away. */
static bool
may_be_changed(const struct session *s, const struct entry *e)
{
	bool trusted = e->o.kind == OBJECT_CERTIFICATE && (e->o.flags & FLAG_TRUSTED) != 0;

	return e->profile == 0 && (e->o.flags & FLAG_MODIFIABLE) != 0 &&
	    (!trusted || token_role(s->token) == ROLE_SO);
}

/* One try; CKR_FUNCTION_CANCELED when another thread or process changed the object between reading
 * and writing. */
static CK_RV
set_once(struct session *s, const struct attrs *t, CK_OBJECT_HANDLE handle)
{
	const struct attr *value = attrs_get(t, CKA_VALUE);
	struct call call = token_call(s->token);
	auto_entry *e = NULL;
	auto_object o = { 0 };
	struct object_ref ref;
	struct object_refs refs = { .v = &ref, .n = 1 };
	bool private_value;
	enum kms_rc rc;

	TRY_RV(object_lookup(s, handle, &e));
	TRY_RV(session_may_write(s, e->owner == 0, (e->o.flags & FLAG_PRIVATE) != 0));
	if (!may_be_changed(s, e))
		return CKR_ACTION_PROHIBITED;
	if (object_is_secret(&e->o))
		return kms_secret_put(s, e, t);
	if (object_copy(&e->o, &o) != KMS_OK)
		return CKR_HOST_MEMORY;
	TRY_RV(schema_apply(SCHEMA_SET, t, token_role(s->token) == ROLE_SO, &o));
	private_value = value != NULL && (o.flags & FLAG_PRIVATE) != 0;
	if (value != NULL && !private_value && buf_set(&o.body, value->value) != KMS_OK)
		return CKR_HOST_MEMORY;
	if (e->owner != 0)
		return set_in_session(s, e, &o, private_value ? &value->value : NULL);
	rc = backend_update(s->token->backend, &call, &o, private_value ? &value->value : NULL);
	if (rc == KMS_CONFLICT)
		return CKR_FUNCTION_CANCELED;
	if (rc != KMS_OK)
		return session_fail(s, &call, rc);
	ref = (struct object_ref){ .id = o.id, .revision = o.revision, .flags = o.flags };
	return catalog_intern(s->token->catalog, &refs, &handle);
}

static CK_RV
object_set(struct session *s, CK_OBJECT_HANDLE handle, const CK_ATTRIBUTE *templ, CK_ULONG count)
{
	const uint64_t deadline_ms = token_call(s->token).deadline_ms;
	auto_attrs t;
	CK_RV rv;

	t.mem = (struct secret){ 0 };
	TRY_RV(attrs_read(templ, count, &t));
	do /* each try that fails is somebody else's that did not */
		rv = set_once(s, &t, handle);
	while (rv == CKR_FUNCTION_CANCELED && os_monotonic_ms() < deadline_ms);
	return rv == CKR_FUNCTION_CANCELED ? CKR_FUNCTION_FAILED : rv;
}

CK_RV
C_SetAttributeValue(CK_SESSION_HANDLE hs, CK_OBJECT_HANDLE handle, CK_ATTRIBUTE_PTR templ,
    CK_ULONG count)
{
	auto_session *s = NULL;
	CK_RV rv;

	if ((rv = session_enter(hs, &s)) == CKR_OK)
		rv = object_set(s, handle, templ, count);
	return rv_trace(__func__, rv);
}
