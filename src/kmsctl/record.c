/* SPDX-License-Identifier: Apache-2.0 */
/* Objects as PKCS#11 applications expect them. */
#include "kmsctl/record.h"

#include "base/codec.h"
#include "crypto/cert.h"
#include "pkcs11/cryptoki.h"

#define MANAGED (FLAG_MODIFIABLE | FLAG_COPYABLE | FLAG_DESTROYABLE)

/* What each type of key is for, and how PKCS#11 calls the mechanism that generates it. */
static const struct {
	enum key_type type;
	uint32_t private_use, public_use; /* of secret keys the first */
	CK_MECHANISM_TYPE pair, secret;
} types[] = {
	{ KEY_RSA, FLAG_SIGN | FLAG_DECRYPT | FLAG_UNWRAP, FLAG_VERIFY | FLAG_ENCRYPT | FLAG_WRAP,
	    CKM_RSA_PKCS_KEY_PAIR_GEN, 0 },
	{ KEY_EC, FLAG_SIGN | FLAG_DERIVE, FLAG_VERIFY, CKM_EC_KEY_PAIR_GEN, 0 },
	{ KEY_EDWARDS, FLAG_SIGN, FLAG_VERIFY, CKM_EC_EDWARDS_KEY_PAIR_GEN, 0 },
	{ KEY_AES, FLAG_ENCRYPT | FLAG_DECRYPT | FLAG_WRAP | FLAG_UNWRAP, 0, 0, CKM_AES_KEY_GEN },
	{ KEY_GENERIC, FLAG_SIGN | FLAG_VERIFY, 0, 0, CKM_GENERIC_SECRET_KEY_GEN },
	{ KEY_SM2, FLAG_SIGN | FLAG_DECRYPT | FLAG_UNWRAP, FLAG_VERIFY | FLAG_ENCRYPT | FLAG_WRAP,
	    CKM_KMS_SM2_KEY_PAIR_GEN, 0 },
	{ KEY_SM4, FLAG_ENCRYPT | FLAG_DECRYPT | FLAG_WRAP | FLAG_UNWRAP, 0, 0,
	    CKM_KMS_SM4_KEY_GEN },
};

/* The module's form of an attribute: type, then the value behind its length; in the order of types.
 */
static void
add_attribute(struct writer *w, CK_ATTRIBUTE_TYPE type, struct slice value)
{
	write_u64(w, type);
	write_bytes(w, value);
}

static uint32_t
protection(enum object_kind kind, struct key_origin origin)
{
	uint32_t flags = MANAGED;

	if (origin.local)
		flags |= FLAG_LOCAL;
	if (kind == OBJECT_PUBLIC_KEY)
		return flags;
	flags |= FLAG_PRIVATE | FLAG_SENSITIVE;
	if (origin.extractable)
		flags |= FLAG_EXTRACTABLE;
	if (origin.local) /* §4.9: what was outside once has not always been sensitive */
		flags |= FLAG_ALWAYS_SENSITIVE;
	if (origin.local && !origin.extractable)
		flags |= FLAG_NEVER_EXTRACTABLE;
	return flags;
}

enum kms_rc
record_key(enum object_kind kind, const struct key_spec *spec, struct key_origin origin,
    struct slice label, struct slice id, struct object *o)
{
	auto_object new_key = { .kind = kind, .spec = *spec, .flags = protection(kind, origin) };
	struct writer w = writer_of(&new_key.attrs);

	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		CK_ULONG mechanism = kind == OBJECT_SECRET_KEY ? types[i].secret : types[i].pair;

		if (types[i].type != spec->type)
			continue;
		new_key.flags |=
		    kind == OBJECT_PUBLIC_KEY ? types[i].public_use : types[i].private_use;
		if (origin.local)
			add_attribute(&w, CKA_KEY_GEN_MECHANISM,
			    slice_of(&mechanism, sizeof(mechanism)));
	}
	TRY(w.rc);
	TRY(buf_set(&new_key.label, label));
	TRY(buf_set(&new_key.app_id, id));
	*o = new_key;
	new_key = (struct object){ 0 }; /* moved */
	return KMS_OK;
}

enum kms_rc
record_certificate(struct slice der, struct slice label, struct slice id, struct object *o)
{
	auto_object cert = { .kind = OBJECT_CERTIFICATE, .flags = MANAGED };
	auto_cert_facts facts = { { 0 }, { 0 }, { 0 }, { 0 } };
	struct writer w = writer_of(&cert.attrs);

	TRY(cert_parse(der, &facts));
	add_attribute(&w, CKA_ISSUER, buf_slice(&facts.issuer));
	add_attribute(&w, CKA_SERIAL_NUMBER, buf_slice(&facts.serial));
	TRY(w.rc);
	TRY(buf_set(&cert.body, der));
	TRY(buf_set(&cert.subject, buf_slice(&facts.subject)));
	TRY(buf_set(&cert.label, label));
	TRY(buf_set(&cert.app_id, id));
	*o = cert;
	cert = (struct object){ 0 }; /* moved */
	return KMS_OK;
}
