/* SPDX-License-Identifier: Apache-2.0 */
/* Shows an object's attributes: where each value comes from, and what may be seen of it. */
#include "base/codec.h"
#include "crypto/cert.h"
#include "pkcs11/family.h"
#include "pkcs11/kms-pkcs11.h"
#include "pkcs11/kms_fact.h"
#include "pkcs11/kms_secret.h"
#include "pkcs11/rules.h"
#include "pkcs11/rv.h"
#include "pkcs11/schema.h"
#include "pkcs11/slot.h"

void
attr_value_free(struct attr_value *v)
{
	if (v != NULL)
		secret_free(&v->owned);
}

static CK_RV
small(struct attr_value *v, const void *p, size_t len)
{
	memcpy(v->small, p, len); /* callers pass at most 64 bytes */
	v->s = slice_of(v->small, len);
	return CKR_OK;
}

static CK_RV
small_bool(struct attr_value *v, bool b)
{
	CK_BBOOL value = b ? CK_TRUE : CK_FALSE;

	return small(v, &value, sizeof(value));
}

static CK_RV
small_ulong(struct attr_value *v, CK_ULONG n)
{
	return small(v, &n, sizeof(n));
}

static CK_RV
owned(struct attr_value *v)
{
	v->s = secret_slice(&v->owned);
	return CKR_OK;
}

static CK_RV
export_material(struct entry *e, struct call *call, struct secret *ret)
{
	enum kms_rc rc = backend_export(e->token->backend, call, &e->bkey_id, ret);

	if (rc == KMS_DENIED)
		return CKR_ATTRIBUTE_SENSITIVE;
	return rc == KMS_OK ? CKR_OK : token_fail(e->token, call, rc);
}

/* A number of a key: public ones from the public half, secret ones from the key itself. */
static CK_RV
show_part(struct entry *e, struct call *call, const struct attr_rule *rule, struct attr_value *v)
{
	const struct key_family *family = family_of_type(e->o.spec.type);
	auto_secret material = { 0 };
	auto_ckey *key = NULL;
	struct slice stored;
	enum kms_rc rc;

	if (family == NULL)
		return CKR_ATTRIBUTE_TYPE_INVALID;
	if (attr_flat_get(buf_slice(&e->o.attrs), rule->type, &stored)) {
		v->s = stored;
		return CKR_OK;
	}
	if (e->ckey != NULL) {
		key = ckey_ref(e->ckey);
	} else if ((rule->flags & RULE_SECRET) != 0) {
		TRY_RV(export_material(e, call, &material));
		if ((rc = ckey_from_pkcs8(secret_slice(&material), &key)) != KMS_OK)
			return token_fail(e->token, call, rc);
	} else if ((rc = ckey_from_spki(buf_slice(&e->o.body), &key)) != KMS_OK) {
		return token_fail(e->token, call, rc);
	}
	TRY_RV(family->part(key, rule->type, &v->owned));
	return owned(v);
}

static CK_RV
show_value(struct entry *e, struct call *call, struct attr_value *v)
{
	bool in_backend = e->owner == 0;

	switch (e->o.kind) {
	case OBJECT_CERTIFICATE: v->s = buf_slice(&e->o.body); return CKR_OK;
	case OBJECT_DATA:
		if ((e->o.flags & FLAG_PRIVATE) == 0) {
			v->s = buf_slice(&e->o.body);
			return CKR_OK;
		}
		if (!in_backend) {
			v->s = secret_slice(&e->data);
			return CKR_OK;
		}
		TRY_RV((object_is_secret(&e->o) ? kms_secret_get : export_material)(e, call,
		    &v->owned));
		return owned(v);
	case OBJECT_SECRET_KEY:
		if (e->ckey != NULL) {
			v->s = ckey_secret(e->ckey);
			return CKR_OK;
		}
		TRY_RV(export_material(e, call, &v->owned));
		return owned(v);
	case OBJECT_PRIVATE_KEY:
	case OBJECT_PUBLIC_KEY:
	case OBJECT_NONE: break;
	}
	return CKR_ATTRIBUTE_TYPE_INVALID;
}

static CK_RV
show_spki(const struct entry *e, struct attr_value *v)
{
	auto_cert_facts facts = { { 0 }, { 0 }, { 0 }, { 0 } };

	if (e->o.kind != OBJECT_CERTIFICATE) {
		v->s = buf_slice(&e->o.body);
		return CKR_OK;
	}
	if (cert_parse(buf_slice(&e->o.body), &facts) != KMS_OK)
		return CKR_OK; /* what is stored need not be X.509 that libcrypto reads: empty then
				*/
	if (facts.spki.len != 0 && secret_copy(buf_slice(&facts.spki), &v->owned) != KMS_OK)
		return CKR_HOST_MEMORY;
	return owned(v);
}

/* 4.6.2, 4.10.2: the first three bytes of a hash or an encryption of zeros. Of secret keys the body
 * holds it. */
static CK_RV
show_check_value(const struct entry *e, struct attr_value *v)
{
	uint8_t hash[DIGEST_MAX];

	if (e->o.kind == OBJECT_SECRET_KEY) {
		v->s = buf_slice(&e->o.body);
		return CKR_OK;
	}
	if (crypto_digest(DIGEST_SHA1, buf_slice(&e->o.body), hash) != KMS_OK)
		return CKR_GENERAL_ERROR;
	return small(v, hash, e->o.body.len == 0 ? 0 : 3);
}

static CK_RV
show_key_type(const struct entry *e, struct attr_value *v)
{
	const struct key_family *family = family_of_type(e->o.spec.type);

	return family == NULL ? CKR_ATTRIBUTE_TYPE_INVALID : small_ulong(v, family->ckk);
}

static CK_RV
show_unique_id(const struct entry *e, struct attr_value *v)
{
	char hex[2 * UID_LEN + 1];

	(void)hex_encode(slice_of(e->o.id.b, UID_LEN), hex, sizeof(hex));
	return small(v, hex, 2 * UID_LEN);
}

/* What lies in the stored record, or what its absence means. */
static CK_RV
show_stored(const struct entry *e, const struct attr_rule *rule, struct attr_value *v)
{
	if (attr_flat_get(buf_slice(&e->o.attrs), rule->type, &v->s)) {
		v->array = rule->how == HOW_ARRAY;
		return CKR_OK;
	}
	v->s = (struct slice){ 0 };
	if (rule->type == CKA_APPLICATION && object_is_secret(&e->o))
		v->s = slice_str(KMS_SECRET_APPLICATION);
	if (rule->how == HOW_ULONG)
		return small_ulong(v, rule->type == CKA_NAME_HASH_ALGORITHM ? CKM_SHA_1 : 0);
	if (rule->how == HOW_GEN_MECH)
		return small_ulong(v, CK_UNAVAILABLE_INFORMATION);
	/* an empty list would say "no mechanism at all"; an absent one says "no limit" */
	return rule->how == HOW_MECHS || rule->how == HOW_ARRAY ? CKR_ATTRIBUTE_TYPE_INVALID
								: CKR_OK;
}

static CK_RV
show_profile(const struct entry *e, CK_ATTRIBUTE_TYPE type, struct attr_value *v)
{
	switch (type) {
	case CKA_CLASS: return small_ulong(v, CKO_PROFILE);
	case CKA_PROFILE_ID: return small_ulong(v, e->profile);
	case CKA_TOKEN: return small_bool(v, true);
	case CKA_PRIVATE:
	case CKA_MODIFIABLE:
	case CKA_COPYABLE:
	case CKA_DESTROYABLE: return small_bool(v, false);
	case CKA_LABEL: return CKR_OK;
	case CKA_UNIQUE_ID: return show_unique_id(e, v);
	default: return CKR_ATTRIBUTE_TYPE_INVALID;
	}
}

static bool
may_be_read(const struct object *o)
{
	return (o->flags & FLAG_SENSITIVE) == 0 && (o->flags & FLAG_EXTRACTABLE) != 0;
}

CK_RV
schema_get(struct entry *e, struct call *call, CK_ATTRIBUTE_TYPE type, struct attr_value *ret)
{
	const struct attr_rule *rule;
	const struct object *o = &e->o;

	ret->s = (struct slice){ 0 };
	ret->owned = (struct secret){ 0 };
	ret->array = false;
	if (e->profile != 0)
		return show_profile(e, type, ret);
	if ((rule = rule_find(o, type)) == NULL)
		return CKR_ATTRIBUTE_TYPE_INVALID;
	if ((rule->flags & RULE_SECRET) != 0 && !may_be_read(o))
		return CKR_ATTRIBUTE_SENSITIVE;
	switch (rule->how) {
	case HOW_CLASS: return small_ulong(ret, schema_class(o->kind));
	case HOW_TOKEN: return small_bool(ret, e->owner == 0);
	case HOW_FLAG: return small_bool(ret, (o->flags & rule->arg) != 0);
	case HOW_LABEL: ret->s = buf_slice(&o->label); return CKR_OK;
	case HOW_ID: ret->s = buf_slice(&o->app_id); return CKR_OK;
	case HOW_SUBJECT: ret->s = buf_slice(&o->subject); return CKR_OK;
	case HOW_CERT_TYPE: return small_ulong(ret, CKC_X_509);
	case HOW_KEY_TYPE: return show_key_type(e, ret);
	case HOW_BYTES:
	case HOW_ULONG:
	case HOW_DATE:
	case HOW_MECHS:
	case HOW_ARRAY:
	case HOW_GEN_MECH: return show_stored(e, rule, ret);
	case HOW_VALUE: return show_value(e, call, ret);
	case HOW_VALUE_LEN: return small_ulong(ret, o->spec.bits / 8);
	case HOW_PART: return show_part(e, call, rule, ret);
	case HOW_BITS: return small_ulong(ret, o->spec.bits);
	case HOW_SPKI: return show_spki(e, ret);
	case HOW_CHECK_VALUE: return show_check_value(e, ret);
	case HOW_UNIQUE_ID: return show_unique_id(e, ret);
	case HOW_KMS: TRY_RV(kms_fact(e, call, type, &ret->owned)); return owned(ret);
	}
	return CKR_GENERAL_ERROR;
}

bool
schema_matches(struct entry *e, struct call *call, const struct attr *want)
{
	auto_attr_value v = { { 0 }, { 0 }, { 0 }, false };

	if (schema_get(e, call, want->type, &v) != CKR_OK)
		return false;
	/* most are public; values of readable keys may not be, and their length is public */
	return v.s.len == want->value.len && mem_equal_ct(v.s, want->value);
}
