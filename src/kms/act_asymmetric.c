/* SPDX-License-Identifier: Apache-2.0 */
/* Actions of asymmetric keys, by the API's names of algorithms; and MACs. */
#include "kms/chapters.h"

#include "base/codec.h"
#include "crypto/ecdsa_der.h"
#include "kms/version.h"
#include "kms/version_use.h"

#define SIGNATURE_MAX 1024
#define SM2PKE_MAX    6047 /* bytes of plain text, as the API has it */
#define CIPHER_MAX    (SM2PKE_MAX + 128)

/* -- algorithms -- */

enum form { FORM_PLAIN, FORM_DIGEST_INFO, FORM_DER };

static const struct algorithm {
	const char *name;
	enum key_usage usage;
	enum key_type type;
	enum curve curve; /* CURVE_NONE: any */
	enum alg alg;
	enum digest digest;
	enum form form; /* what is done to the hash before, or to the signature after */
	size_t max;	/* bytes of plain text; 0: as many as the key takes */
} algorithms[] = {
	{ "RSAES_OAEP_SHA_256", USAGE_ENCRYPT_DECRYPT, KEY_RSA, CURVE_NONE, ALG_RSA_OAEP,
	    DIGEST_SHA256, FORM_PLAIN, 0 },
	{ "RSAES_OAEP_SHA_1", USAGE_ENCRYPT_DECRYPT, KEY_RSA, CURVE_NONE, ALG_RSA_OAEP, DIGEST_SHA1,
	    FORM_PLAIN, 0 },
	{ "RSA_PSS_SHA_256", USAGE_SIGN_VERIFY, KEY_RSA, CURVE_NONE, ALG_RSA_PSS, DIGEST_SHA256,
	    FORM_PLAIN, 0 },
	{ "RSA_PKCS1_SHA_256", USAGE_SIGN_VERIFY, KEY_RSA, CURVE_NONE, ALG_RSA_PKCS1, DIGEST_SHA256,
	    FORM_DIGEST_INFO, 0 },
	{ "ECDSA_SHA_256", USAGE_SIGN_VERIFY, KEY_EC, CURVE_P256, ALG_ECDSA, DIGEST_SHA256,
	    FORM_DER, 0 },
	{ "ECDSA_SHA_256", USAGE_SIGN_VERIFY, KEY_EC, CURVE_P256K, ALG_ECDSA, DIGEST_SHA256,
	    FORM_DER, 0 },
	{ "ECDSA_SHA_384", USAGE_SIGN_VERIFY, KEY_EC, CURVE_P384, ALG_ECDSA, DIGEST_SHA384,
	    FORM_DER, 0 },
	{ "SM2DSA", USAGE_SIGN_VERIFY, KEY_SM2, CURVE_SM2, ALG_SM2DSA, DIGEST_SM3, FORM_DER, 0 },
	{ "SM2PKE", USAGE_ENCRYPT_DECRYPT, KEY_SM2, CURVE_SM2, ALG_SM2PKE, DIGEST_NONE, FORM_PLAIN,
	    SM2PKE_MAX },
};

/* RFC 8017 A.2.4: what stands before a SHA-256 hash in PKCS#1 v1.5. */
static const uint8_t sha256_info[] = { 0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
	0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20 };

static enum kms_rc
find_algorithm(struct act *a, struct slice name, enum key_usage usage, const struct algorithm **ret)
{
	const struct key_spec *spec = &a->key.spec;

	for (size_t i = 0; i < ARRAY_LEN(algorithms); i++) {
		const struct algorithm *row = &algorithms[i];

		if (slice_eq(slice_str(row->name), name) && row->usage == usage &&
		    row->type == spec->type &&
		    (row->curve == CURVE_NONE || row->curve == spec->curve) &&
		    (a->key.usage & (usage | USAGE_ANY)) != 0) {
			*ret = row;
			return KMS_OK;
		}
	}
	return call_refuse(a->c, E_UnsupportedOperation,
	    "Unsupported operation. The key's spec and usage do not go with this action and algorithm.");
}

static struct alg_params
params_of(const struct algorithm *row)
{
	struct alg_params p = { .alg = row->alg };

	if (row->alg == ALG_RSA_OAEP) {
		p.u.oaep.hash = p.u.oaep.mgf = row->digest;
	} else if (row->alg == ALG_RSA_PSS) {
		p.u.pss.hash = p.u.pss.mgf = row->digest;
		p.u.pss.salt_len = (uint32_t)digest_len(row->digest);
	}
	return p;
}

/* -- encryption -- */

enum kms_rc
act_asymmetric_encrypt(struct act *a)
{
	const struct algorithm *row;
	struct version v;
	struct alg_params p;
	auto_ckey *k = NULL;
	struct slice plain = fields_get(a->req, F_Plaintext);
	uint8_t out[CIPHER_MAX];
	size_t len;
	enum kms_rc rc;

	TRY(find_algorithm(a, fields_get(a->req, F_Algorithm), USAGE_ENCRYPT_DECRYPT, &row));
	TRY(version_find(a, &a->key, fields_get(a->req, F_KeyVersionId), &v));
	TRY(version_public(a, &v.id, NULL, &k));
	p = params_of(row);
	rc = row->max != 0 && plain.len > row->max
	    ? KMS_BAD_LEN
	    : ckey_use(k, USE_ENCRYPT, &p, plain, out, sizeof(out), &len);
	if (rc == KMS_BAD_LEN)
		return call_refuse(a->c, E_InvalidParameter,
		    "The specified parameter \"Plaintext\" is not valid: its length does not fit the key and algorithm.");
	TRY(rc);
	TRY(fields_put(a->res, F_CiphertextBlob, slice_of(out, len)));
	return key_put_version(a->res, &a->key.id, &v.id);
}

enum kms_rc
asymmetric_open(struct act *a, struct slice version, struct slice algorithm, struct uid *id,
    struct secret *ret)
{
	const struct algorithm *row;
	struct version v;
	struct alg_params p;
	auto_secret out = { 0 };
	size_t len;
	enum kms_rc rc;

	TRY(find_algorithm(a, algorithm, USAGE_ENCRYPT_DECRYPT, &row));
	TRY(version_find(a, &a->key, version, &v));
	TRY(secret_new(SM2PKE_MAX, &out));
	p = params_of(row);
	rc = version_use(a, &a->key, &v.id, USE_DECRYPT, &p, fields_get(a->req, F_CiphertextBlob),
	    out.p, out.len, &len);
	if (rc == KMS_BAD_DATA || rc == KMS_BAD_LEN || rc == KMS_BUFFER_SMALL) {
		err_clear(&a->c->err);
		return act_bad(a, F_CiphertextBlob);
	}
	TRY(rc);
	*id = v.id;
	return secret_copy(slice_of(out.p, len), ret);
}

enum kms_rc
act_asymmetric_decrypt(struct act *a)
{
	auto_secret plain = { 0 };
	struct uid version;

	TRY(asymmetric_open(a, fields_get(a->req, F_KeyVersionId), fields_get(a->req, F_Algorithm),
	    &version, &plain));
	TRY(fields_put(a->res, F_Plaintext, secret_slice(&plain)));
	return key_put_version(a->res, &a->key.id, &version);
}

/* -- signatures -- */

/* The hash as the algorithm takes it. */
static enum kms_rc
hash_of(struct act *a, const struct algorithm *row, struct buf *ret)
{
	struct slice digest = fields_get(a->req, F_Digest);

	if (digest.len != digest_len(row->digest))
		return call_refuse(a->c, E_InvalidParameter,
		    "The specified parameter \"Digest\" is not valid: %s takes %zu bytes.",
		    row->name, digest_len(row->digest));
	if (row->form == FORM_DIGEST_INFO)
		TRY(buf_add(ret, slice_of(sha256_info, sizeof(sha256_info))));
	return buf_add(ret, digest);
}

enum kms_rc
act_asymmetric_sign(struct act *a)
{
	const struct algorithm *row;
	struct version v;
	struct alg_params p;
	auto_buf hash = { 0 };
	uint8_t out[SIGNATURE_MAX], der[ECDSA_DER_MAX];
	struct slice sig;
	size_t len;

	TRY(find_algorithm(a, fields_get(a->req, F_Algorithm), USAGE_SIGN_VERIFY, &row));
	TRY(hash_of(a, row, &hash));
	TRY(version_find(a, &a->key, fields_get(a->req, F_KeyVersionId), &v));
	p = params_of(row);
	TRY(version_use(a, &a->key, &v.id, USE_SIGN, &p, buf_slice(&hash), out, sizeof(out), &len));
	sig = slice_of(out, len);
	TRY(fields_put(a->res, F_Signature, row->form == FORM_DER ? ecdsa_to_der(sig, der) : sig));
	return key_put_version(a->res, &a->key.id, &v.id);
}

/* Whether SIG is good; what is no signature at all is no good one. */
static enum kms_rc
check(struct act *a, const struct algorithm *row, const struct uid *version, struct slice hash,
    bool *ret)
{
	struct slice sig = fields_get(a->req, F_Signature);
	struct alg_params p = params_of(row);
	struct use *u = NULL;
	auto_ckey *k = NULL;
	uint8_t rs[ECDSA_RS_MAX];
	size_t width = curve_bytes(a->key.spec.curve);
	enum kms_rc rc;

	*ret = false;
	if (row->form == FORM_DER) {
		if (!ecdsa_from_der(sig, width, rs))
			return KMS_OK;
		sig = slice_of(rs, 2 * width);
	}
	TRY(version_public(a, version, NULL, &k));
	TRY(crypto_begin(k, USE_VERIFY, &p, &u));
	rc = use_check_once(u, hash, sig);
	use_free(u);
	if (rc == KMS_BAD_SIGNATURE || rc == KMS_SIGNATURE_LEN)
		return KMS_OK;
	*ret = rc == KMS_OK;
	return rc;
}

enum kms_rc
act_asymmetric_verify(struct act *a)
{
	const struct algorithm *row;
	struct version v;
	auto_buf hash = { 0 };
	bool good;

	TRY(find_algorithm(a, fields_get(a->req, F_Algorithm), USAGE_SIGN_VERIFY, &row));
	TRY(hash_of(a, row, &hash));
	TRY(version_find(a, &a->key, fields_get(a->req, F_KeyVersionId), &v));
	TRY(check(a, row, &v.id, buf_slice(&hash), &good));
	TRY(fields_put_bool(a->res, F_Valid, good));
	return key_put_version(a->res, &a->key.id, &v.id);
}

/* PEM, RFC 7468: lines of 64 characters, LF at their ends. */
static enum kms_rc
put_pem(struct act *a, struct slice der)
{
	auto_buf text = { 0 };
	auto_buf pem = { 0 };

	TRY(base64_encode(der, &text));
	TRY(buf_add(&pem, slice_str("-----BEGIN PUBLIC KEY-----\n")));
	for (size_t i = 0; i < text.len; i += 64) {
		TRY(buf_add(&pem, slice_of(text.p + i, text.len - i < 64 ? text.len - i : 64)));
		TRY(buf_add_byte(&pem, '\n'));
	}
	TRY(buf_add(&pem, slice_str("-----END PUBLIC KEY-----\n")));
	return fields_put(a->res, F_PublicKey, buf_slice(&pem));
}

enum kms_rc
act_get_public_key(struct act *a)
{
	struct version v;
	auto_buf spki = { 0 };

	if (key_type_is_secret(a->key.spec.type))
		return call_refuse(a->c, E_UnsupportedOperation,
		    "Unsupported operation. A symmetric key has no public key.");
	TRY(version_find(a, &a->key, fields_get(a->req, F_KeyVersionId), &v));
	TRY(version_public(a, &v.id, &spki, NULL));
	TRY(put_pem(a, buf_slice(&spki)));
	return key_put_version(a->res, &a->key.id, &v.id);
}

/* -- MACs -- */

static const struct {
	const char *name;
	enum digest digest;
} macs[] = {
	{ "HMAC_SHA_224", DIGEST_SHA224 },
	{ "HMAC_SHA_256", DIGEST_SHA256 },
	{ "HMAC_SHA_384", DIGEST_SHA384 },
	{ "HMAC_SHA_512", DIGEST_SHA512 },
	{ "HMAC_SM3", DIGEST_SM3 },
};

static enum kms_rc
mac_params(struct act *a, struct alg_params *ret)
{
	struct slice name = fields_get(a->req, F_Algorithm);

	for (size_t i = 0; i < ARRAY_LEN(macs); i++) {
		if (!slice_eq(slice_str(macs[i].name), name) || a->key.spec.type != KEY_GENERIC)
			continue;
		*ret = (struct alg_params){ .alg = ALG_HMAC,
			.digest = macs[i].digest,
			.u.mac.len = (uint32_t)digest_len(macs[i].digest) };
		return KMS_OK;
	}
	return call_refuse(a->c, E_UnsupportedOperation,
	    "Unsupported operation. The key's spec does not go with this algorithm.");
}

static enum kms_rc
put_mac_key(struct act *a)
{
	TRY(fields_put(a->res, F_Algorithm, fields_get(a->req, F_Algorithm)));
	return act_put_uid(a->res, F_KeyId, &a->key.id);
}

enum kms_rc
act_generate_mac(struct act *a)
{
	struct alg_params p;
	uint8_t mac[DIGEST_MAX];
	size_t len;

	TRY(mac_params(a, &p));
	TRY(version_use(a, &a->key, &a->key.primary, USE_SIGN, &p, fields_get(a->req, F_Message),
	    mac, sizeof(mac), &len));
	TRY(fields_put(a->res, F_Mac, slice_of(mac, len)));
	return put_mac_key(a);
}

enum kms_rc
act_verify_mac(struct act *a)
{
	struct alg_params p;
	enum kms_rc rc;

	TRY(mac_params(a, &p));
	rc = version_check(a, &a->key, &a->key.primary, &p, fields_get(a->req, F_Message),
	    fields_get(a->req, F_Mac));
	if (rc != KMS_OK && rc != KMS_BAD_SIGNATURE && rc != KMS_SIGNATURE_LEN)
		return rc;
	TRY(fields_put_bool(a->res, F_Valid, rc == KMS_OK));
	return put_mac_key(a);
}
