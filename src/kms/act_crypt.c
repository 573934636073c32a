/* SPDX-License-Identifier: Apache-2.0 */
/* Actions of symmetric keys: direct encryption, and data keys. */
#include "kms/chapters.h"
#include "kms/envelope.h"
#include "kms/version_use.h"

#define DATA_KEY_LEN 32

/* A key that encrypts with its own primary version. */
static enum kms_rc
need_symmetric(struct act *a, const struct master_key *k)
{
	if (key_type_is_cipher(k->spec.type) &&
	    (k->usage & (USAGE_ENCRYPT_DECRYPT | USAGE_ANY)) != 0)
		return KMS_OK;
	return call_refuse(a->c, E_UnsupportedOperation,
	    "Unsupported operation. The key is no symmetric key for ENCRYPT/DECRYPT.");
}

static enum kms_rc
put_sealed(struct act *a, const struct master_key *k, enum field context, struct slice plain)
{
	auto_buf canonical = { 0 };
	auto_buf blob = { 0 };

	TRY(envelope_context(a, context, &canonical));
	TRY(envelope_seal(a, k, buf_slice(&canonical), plain, &blob));
	return fields_put(a->res, F_CiphertextBlob, buf_slice(&blob));
}

enum kms_rc
act_encrypt(struct act *a)
{
	TRY(need_symmetric(a, &a->key));
	TRY(put_sealed(a, &a->key, F_EncryptionContext, fields_get(a->req, F_Plaintext)));
	return key_put_version(a->res, &a->key.id, &a->key.primary);
}

/* -- opening -- */

static enum kms_rc
refuse_recipient(struct act *a)
{
	if (fields_get(a->req, F_Recipient).len == 0)
		return KMS_OK;
	return call_refuse(a->c, E_InvalidParameter,
	    "The specified parameter \"Recipient\" is not valid: attestation is not supported.");
}

/* The blob in CiphertextBlob of a->key, opened. */
static enum kms_rc
open_request(struct act *a, enum field context, struct blob *b, struct secret *ret)
{
	auto_buf canonical = { 0 };

	TRY(need_symmetric(a, &a->key));
	if (blob_parse(fields_get(a->req, F_CiphertextBlob), b) != KMS_OK)
		return KMS_INTERNAL; /* act.c found the key by it */
	TRY(envelope_context(a, context, &canonical));
	return envelope_open(a, &a->key, b, buf_slice(&canonical), ret);
}

enum kms_rc
act_decrypt(struct act *a)
{
	auto_secret plain = { 0 };
	struct blob b;

	TRY(refuse_recipient(a));
	TRY(open_request(a, F_EncryptionContext, &b, &plain));
	TRY(fields_put(a->res, F_Plaintext, secret_slice(&plain)));
	return key_put_version(a->res, &b.key, &b.version);
}

/* -- data keys -- */

static enum kms_rc
make_data_key(struct act *a, struct secret *ret)
{
	struct slice spec = fields_get(a->req, F_KeySpec);
	int64_t n = DATA_KEY_LEN;

	TRY(need_symmetric(a, &a->key));
	if (fields_has(a->req, F_NumberOfBytes))
		n = fields_number(a->req, F_NumberOfBytes, 0);
	else if (slice_eq(spec, slice_str("AES_128")))
		n = 16;
	else if (spec.len > 0 && !slice_eq(spec, slice_str("AES_256")))
		return call_refuse(a->c, E_InvalidParameter,
		    "The specified parameter \"KeySpec\" is not valid: AES_256 or AES_128.");
	TRY(secret_new((size_t)n, ret));
	return crypto_random(ret->p, ret->len);
}

static enum kms_rc
put_data_key(struct act *a, struct slice data_key)
{
	TRY(put_sealed(a, &a->key, F_EncryptionContext, data_key));
	return key_put_version(a->res, &a->key.id, &a->key.primary);
}

enum kms_rc
act_generate_data_key(struct act *a)
{
	auto_secret data_key = { 0 };

	TRY(refuse_recipient(a));
	TRY(make_data_key(a, &data_key));
	TRY(fields_put(a->res, F_Plaintext, secret_slice(&data_key)));
	return put_data_key(a, secret_slice(&data_key));
}

enum kms_rc
act_generate_data_key_without_plaintext(struct act *a)
{
	auto_secret data_key = { 0 };

	TRY(make_data_key(a, &data_key));
	return put_data_key(a, secret_slice(&data_key));
}

/* -- data keys for somebody's public key -- */

static enum kms_rc
read_public(struct act *a, const struct wrapping *w, struct ckey **ret)
{
	auto_ckey *k = NULL;
	struct key_spec have;
	enum kms_rc rc;

	if ((rc = ckey_from_spki(fields_get(a->req, F_PublicKeyBlob), &k)) != KMS_OK)
		return rc == KMS_NOMEM ? rc : act_bad(a, F_PublicKeyBlob);
	have = ckey_spec(k);
	if (have.type != w->key.type || have.bits != w->key.bits)
		return call_refuse(a->c, E_InvalidParameter,
		    "The parameter \"PublicKeyBlob\" is no key of \"WrappingKeySpec\".");
	*ret = k;
	k = NULL; /* moved */
	return KMS_OK;
}

static enum kms_rc
wrap_data_key(struct act *a, struct slice data_key)
{
	const struct wrapping *w;
	struct alg_params p;
	auto_ckey *k = NULL;
	uint8_t out[WRAPPED_MAX];
	size_t len;
	enum kms_rc rc;

	TRY(key_pick_wrapping(a, &w));
	TRY(read_public(a, w, &k));
	p = wrapping_params(w);
	rc = ckey_use(k, USE_ENCRYPT, &p, data_key, out, sizeof(out), &len);
	if (rc == KMS_BAD_LEN)
		return call_refuse(a->c, E_InvalidParameter,
		    "The data key is too long for \"WrappingAlgorithm\".");
	TRY(rc);
	return fields_put(a->res, F_ExportedDataKey, slice_of(out, len));
}

enum kms_rc
act_export_data_key(struct act *a)
{
	auto_secret data_key = { 0 };
	struct blob b;

	TRY(open_request(a, F_EncryptionContext, &b, &data_key));
	TRY(wrap_data_key(a, secret_slice(&data_key)));
	return key_put_version(a->res, &b.key, &b.version);
}

enum kms_rc
act_generate_and_export_data_key(struct act *a)
{
	auto_secret data_key = { 0 };

	TRY(make_data_key(a, &data_key));
	TRY(wrap_data_key(a, secret_slice(&data_key)));
	return put_data_key(a, secret_slice(&data_key));
}

/* -- from one key to another -- */

/* What the source holds; a->key becomes the source. */
static enum kms_rc
open_source(struct act *a, struct uid *version, struct secret *ret)
{
	struct blob b;

	TRY(act_read_context(a, F_SourceEncryptionContext));
	if (fields_has(a->req, F_SourceKeyId)) {
		TRY(act_find_key(a, fields_get(a->req, F_SourceKeyId), true, &a->key));
		TRY(act_permit_key(a, "kms:ReEncryptFrom", &a->key));
		return asymmetric_open(a, fields_get(a->req, F_SourceKeyVersionId),
		    fields_get(a->req, F_SourceEncryptionAlgorithm), version, ret);
	}
	if (blob_parse(fields_get(a->req, F_CiphertextBlob), &b) != KMS_OK)
		return act_bad(a, F_CiphertextBlob);
	TRY(act_load_key(a, &b.key, &a->key));
	TRY(act_permit_key(a, "kms:ReEncryptFrom", &a->key));
	*version = b.version;
	return open_request(a, F_SourceEncryptionContext, &b, ret);
}

enum kms_rc
act_re_encrypt(struct act *a)
{
	auto_master_key to = { 0 };
	auto_secret plain = { 0 };
	struct uid version;

	TRY(act_find_key(a, fields_get(a->req, F_DestinationKeyId), true, &to));
	TRY(act_read_context(a, F_DestinationEncryptionContext));
	TRY(act_permit_key(a, "kms:ReEncryptTo", &to));
	TRY(need_symmetric(a, &to));
	TRY(open_source(a, &version, &plain));
	TRY(put_sealed(a, &to, F_DestinationEncryptionContext, secret_slice(&plain)));
	return key_put_version(a->res, &a->key.id, &version);
}
