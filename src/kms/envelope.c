/* SPDX-License-Identifier: Apache-2.0 */
/* Encrypts and decrypts under symmetric KMS keys. */
#include "kms/envelope.h"

#include "kms/json.h"
#include "kms/version_use.h"

enum kms_rc
envelope_context(struct act *a, enum field name, struct buf *ret)
{
	return act_parsed(a, name, json_context(fields_get(a->req, name), ret, &a->c->err));
}

static struct alg_params
params(const struct blob *b, struct slice ad)
{
	if (b->alg == BLOB_SM4_SEAL)
		return (struct alg_params){ .alg = ALG_SM4_SEAL,
			.u.seal = { .iv = slice_of(b->nonce, BLOB_NONCE_LEN), .aad = ad } };
	return (struct alg_params){ .alg = ALG_AES_GCM,
		.u.gcm = { .iv = slice_of(b->nonce, BLOB_NONCE_LEN),
		    .aad = ad,
		    .tag_len = BLOB_TAG_LEN } };
}

enum kms_rc
envelope_seal(struct act *a, const struct master_key *k, struct slice context, struct slice plain,
    struct buf *ret)
{
	struct blob b = { .alg = k->spec.type == KEY_SM4 ? BLOB_SM4_SEAL : BLOB_AES_GCM,
		.key = k->id,
		.version = k->primary };
	struct alg_params p;
	auto_buf out = { 0 };
	auto_buf ad = { 0 };
	uint8_t *sealed;
	size_t len;

	TRY(crypto_random(b.nonce, BLOB_NONCE_LEN));
	TRY(blob_ad(&b, context, &ad));
	p = params(&b, buf_slice(&ad));
	TRY(blob_header(&b, &out));
	TRY(buf_extend(&out, plain.len + BLOB_TAG_LEN, &sealed));
	TRY(version_use(a, k, &k->primary, USE_ENCRYPT, &p, plain, sealed, plain.len + BLOB_TAG_LEN,
	    &len));
	if (len != plain.len + BLOB_TAG_LEN)
		return KMS_INTERNAL;
	buf_move(ret, &out);
	return KMS_OK;
}

static enum kms_rc
open_blob(struct act *a, const struct master_key *k, const struct blob *b, struct slice context,
    struct secret *ret)
{
	auto_buf ad = { 0 };
	auto_secret plain = { 0 };
	struct alg_params p;
	size_t len;

	TRY(blob_ad(b, context, &ad));
	p = params(b, buf_slice(&ad));
	TRY(secret_new(b->sealed.len, &plain));
	TRY(version_use(a, k, &b->version, USE_DECRYPT, &p, b->sealed, plain.p, plain.len, &len));
	return secret_copy(slice_of(plain.p, len), ret);
}

enum kms_rc
envelope_open(struct act *a, const struct master_key *k, const struct blob *b, struct slice context,
    struct secret *ret)
{
	auto_keyring keys = { 0 };
	auto_store_row row = { 0 };
	auto_secret material = { 0 };
	enum kms_rc rc = row_get(a->l, a->c, &b->version, &keys, &row, &material);

	/* A version of another key would be another key's cipher text. */
	if (rc == KMS_OK && !uid_eq(&row.o.key, &k->id))
		rc = KMS_NOTFOUND;
	if (rc == KMS_OK)
		rc = open_blob(a, k, b, context, ret);
	switch ((int)rc) {
	case KMS_NOTFOUND:
	case KMS_BAD_DATA:
	case KMS_BAD_LEN:
	case KMS_BAD_SIGNATURE:
	case KMS_KEY_TYPE: err_clear(&a->c->err); return act_bad(a, F_CiphertextBlob);
	default: return rc;
	}
}
