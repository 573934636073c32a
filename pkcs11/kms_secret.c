/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets of the KMS as data objects. Text stays text; other bytes travel in base64, as the API has
 * them. */
#include "pkcs11/kms_secret.h"

#include "base/codec.h"
#include "pkcs11/kms-pkcs11.h"
#include "pkcs11/rv.h"

bool
kms_secret_wanted(const struct attrs *t, const struct object *o)
{
	const struct attr *a = attrs_get(t, CKA_APPLICATION);

	return o->kind == OBJECT_DATA && a != NULL &&
	    slice_eq(a->value, slice_str(KMS_SECRET_APPLICATION));
}

static bool
is_text(struct slice value)
{
	return utf8_valid(value) && (value.len == 0 || memchr(value.p, 0, value.len) == NULL);
}

static enum kms_rc
put_data(struct fields *req, struct slice value)
{
	auto_buf base64 = { 0 };

	if (is_text(value))
		return fields_put(req, F_SecretData, value);
	TRY(base64_encode(value, &base64));
	TRY(fields_put_text(req, F_SecretDataType, "binary"));
	return fields_put(req, F_SecretData, buf_slice(&base64));
}

/* A new version of the secret NAME, or (CreateSecret) its first one. */
static enum kms_rc
act_with_value(struct session *s, struct call *call, enum action action, struct slice name,
    struct slice value)
{
	char version[UID_TEXT_LEN + 1];
	auto_fields req = { 0 };
	auto_fields res = { 0 };
	struct uid id;

	TRY(crypto_random(id.b, UID_LEN));
	uid_to_text(&id, version);
	TRY(fields_put(&req, F_SecretName, name));
	TRY(fields_put_text(&req, F_VersionId, version));
	TRY(put_data(&req, value));
	return backend_act(s->token->backend, call, action, &req, &res);
}

/* What is wrong with a name or a value is wrong with the attribute. */
static CK_RV
fail(struct session *s, const struct call *call, enum kms_rc rc)
{
	CK_RV rv = session_fail(s, call, rc);

	return rc == KMS_INVALID ? CKR_ATTRIBUTE_VALUE_INVALID : rv;
}

/* -- making -- */

static CK_RV
check_template(const struct attrs *t, const struct object *o)
{
	const uint32_t always = FLAG_PRIVATE | FLAG_MODIFIABLE | FLAG_DESTROYABLE;
	const struct attr *oid = attrs_get(t, CKA_OBJECT_ID);
	bool copyable;

	TRY_RV(attrs_bool(t, CKA_COPYABLE, false, &copyable));
	if (copyable || (o->flags & always) != always || (oid != NULL && oid->value.len > 0))
		return CKR_TEMPLATE_INCONSISTENT;
	return attrs_get(t, CKA_LABEL) == NULL || attrs_get(t, CKA_VALUE) == NULL
	    ? CKR_TEMPLATE_INCOMPLETE
	    : CKR_OK;
}

/* There is one secret of a name, and any number of other objects of that label. */
static CK_RV
find(struct session *s, struct call *call, struct slice name, CK_OBJECT_HANDLE *ret)
{
	struct object_query q = {
		.kind = OBJECT_DATA, .has_label = true, .label = name, .private_too = true
	};
	auto_object_refs refs = { 0 };
	enum kms_rc rc = backend_find(s->token->backend, call, &q, &refs);

	for (size_t i = 0; rc == KMS_OK && i < refs.n; i++) {
		auto_object o = { 0 };

		rc = backend_get(s->token->backend, call, &refs.v[i].id, &o);
		if (rc == KMS_OK && object_is_secret(&o))
			return object_intern(s, &o, ret);
		if (rc == KMS_NOTFOUND)
			rc = KMS_OK;
	}
	/* Somebody has deleted it already. */
	return rc == KMS_OK ? CKR_FUNCTION_FAILED : session_fail(s, call, rc);
}

CK_RV
kms_secret_create(struct session *s, const struct attrs *t, const struct object *o,
    CK_OBJECT_HANDLE *ret)
{
	struct call call = token_call(s->token);
	const struct attr *value = attrs_get(t, CKA_VALUE);
	enum kms_rc rc;

	TRY_RV(check_template(t, o));
	rc = act_with_value(s, &call, ACTION_CreateSecret, buf_slice(&o->label), value->value);
	return rc == KMS_OK ? find(s, &call, buf_slice(&o->label), ret) : fail(s, &call, rc);
}

/* -- using -- */

static enum kms_rc
get_data(const struct fields *res, struct secret *ret)
{
	struct slice data = fields_get(res, F_SecretData);
	auto_buf bytes = { 0 };

	if (!slice_eq(fields_get(res, F_SecretDataType), slice_str("binary")))
		return secret_copy(data, ret);
	/* Whoever put what is no base64 gets it as it is, as kmsctl does. */
	if (base64_decode(data, &bytes) != KMS_OK)
		return secret_copy(data, ret);
	return secret_copy(buf_slice(&bytes), ret);
}

CK_RV
kms_secret_get(struct entry *e, struct call *call, struct secret *ret)
{
	auto_fields req = { 0 };
	auto_fields res = { 0 };
	enum kms_rc rc = fields_put(&req, F_SecretName, buf_slice(&e->o.label));

	if (rc == KMS_OK)
		rc = backend_act(e->token->backend, call, ACTION_GetSecretValue, &req, &res);
	if (rc == KMS_OK)
		rc = get_data(&res, ret);
	if (rc == KMS_DENIED)
		return CKR_ATTRIBUTE_SENSITIVE;
	return rc == KMS_OK ? CKR_OK : token_fail(e->token, call, rc);
}

CK_RV
kms_secret_put(struct session *s, struct entry *e, const struct attrs *t)
{
	struct call call = token_call(s->token);
	enum kms_rc rc;

	/* All else follows from its being a secret. */
	for (size_t i = 0; i < t->n; i++)
		if (t->v[i].type != CKA_VALUE)
			return CKR_ATTRIBUTE_READ_ONLY;
	if (t->n == 0)
		return CKR_OK;
	rc = act_with_value(s, &call, ACTION_PutSecretValue, buf_slice(&e->o.label), t->v[0].value);
	return rc == KMS_OK ? CKR_OK : fail(s, &call, rc);
}

enum kms_rc
kms_secret_delete(struct entry *e, struct call *call)
{
	auto_fields req = { 0 };
	auto_fields res = { 0 };

	TRY(fields_put(&req, F_SecretName, buf_slice(&e->o.label)));
	TRY(fields_put_bool(&req, F_ForceDeleteWithoutRecovery, true));
	return backend_act(e->token->backend, call, ACTION_DeleteSecret, &req, &res);
}
