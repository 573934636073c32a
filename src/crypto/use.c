/* SPDX-License-Identifier: Apache-2.0 */
/* Begins uses: which construction an algorithm is, which keys it takes, and whether a finished use
 * can serve again. */
#include "crypto/uses.h"

#include <stdlib.h>

static const struct row {
	const struct family
	    *family; /* for signing, MACs, digests, and whatever else unless the next is set */
	const struct family *crypter; /* for encrypting and decrypting */
	enum key_type key;
} rows[ALG_END] = {
	[ALG_DIGEST] = { &family_digest, NULL, KEY_NONE },
	[ALG_RSA_PKCS1] = { &family_sign, &family_rsa, KEY_RSA },
	[ALG_RSA_RAW] = { &family_sign, &family_rsa, KEY_RSA },
	[ALG_RSA_OAEP] = { NULL, &family_rsa, KEY_RSA },
	[ALG_RSA_PSS] = { &family_sign, NULL, KEY_RSA },
	[ALG_ECDSA] = { &family_sign, NULL, KEY_EC },
	[ALG_EDDSA] = { &family_sign, NULL, KEY_EDWARDS },
	[ALG_AES_ECB] = { NULL, &family_cipher, KEY_AES },
	[ALG_AES_CBC] = { NULL, &family_cipher, KEY_AES },
	[ALG_AES_CBC_PAD] = { NULL, &family_cipher, KEY_AES },
	[ALG_AES_CTR] = { NULL, &family_cipher, KEY_AES },
	[ALG_AES_GCM] = { NULL, &family_gcm, KEY_AES },
	[ALG_AES_CMAC] = { &family_mac, NULL, KEY_AES },
	[ALG_AES_KW] = { NULL, &family_wrap, KEY_AES },
	[ALG_AES_KWP] = { NULL, &family_wrap, KEY_AES },
	[ALG_HMAC] = { &family_mac, NULL, KEY_GENERIC },
	[ALG_SM2DSA] = { &family_sign, NULL, KEY_SM2 },
	[ALG_SM2PKE] = { NULL, &family_sm2, KEY_SM2 },
	[ALG_SM4_ECB] = { NULL, &family_cipher, KEY_SM4 },
	[ALG_SM4_CBC] = { NULL, &family_cipher, KEY_SM4 },
	[ALG_SM4_CBC_PAD] = { NULL, &family_cipher, KEY_SM4 },
	[ALG_SM4_CTR] = { NULL, &family_cipher, KEY_SM4 },
	[ALG_SM4_SEAL] = { NULL, &family_sm4_seal, KEY_SM4 },
};

void
cuse_release(struct cuse *c, size_t size)
{
	ckey_unref(c->key);
	mem_wipe(c, size);
	free(c);
}

bool
cipher_run(EVP_CIPHER_CTX *ctx, const uint8_t *in, size_t len, uint8_t *out)
{
	while (len > 0) {
		size_t n = len < LIB_CHUNK ? len : LIB_CHUNK;
		int given = 0;

		if (EVP_CipherUpdate(ctx, out, &given, in, (int)n) != 1 || (size_t)given != n)
			return false;
		in += n;
		out += n;
		len -= n;
	}
	return true;
}

static const struct family *
family_of(enum use_kind kind, enum alg alg)
{
	const struct family *f;

	if ((unsigned)alg >= ALG_END || (unsigned)kind >= USE_KINDS)
		return NULL;
	f = kind == USE_ENCRYPT || kind == USE_DECRYPT ? rows[alg].crypter : rows[alg].family;
	return f != NULL && f->ops[kind] != NULL ? f : NULL;
}

static enum kms_rc
check_key(const struct ckey *k, enum use_kind kind, enum alg alg)
{
	enum key_type type = k == NULL ? KEY_NONE : k->spec.type;

	if (type != rows[alg].key)
		return KMS_KEY_TYPE;
	return (kind == USE_SIGN || kind == USE_DECRYPT) && !k->is_private ? KMS_KEY_TYPE : KMS_OK;
}

static enum kms_rc
make(const struct family *f, struct ckey *k, enum use_kind kind, enum alg alg, struct cuse **ret)
{
	struct cuse *c = calloc(1, f->size);
	enum kms_rc rc;

	if (c == NULL)
		return KMS_NOMEM;
	c->u = (struct use){ .ops = f->ops[kind], .kind = kind, .alg = alg, .multipart = true };
	c->key = k == NULL ? NULL : ckey_ref(k);
	auto_errors;
	if ((rc = f->init(c)) != KMS_OK) {
		use_free(&c->u);
		return rc;
	}
	*ret = c;
	return KMS_OK;
}

enum kms_rc
crypto_begin(struct ckey *k, enum use_kind kind, const struct alg_params *p, struct use **usep)
{
	struct cuse *c = (struct cuse *)*usep;
	const struct family *f = family_of(kind, p->alg);
	enum kms_rc rc;

	if (c != NULL &&
	    (f == NULL || c->u.ops != f->ops[kind] || c->u.alg != p->alg || c->key != k)) {
		use_free(*usep);
		c = NULL;
	}
	*usep = NULL;
	if (c == NULL) {
		if (f == NULL)
			return KMS_NOTSUP;
		TRY(check_key(k, kind, p->alg));
		TRY(make(f, k, kind, p->alg, &c));
	}
	if ((rc = use_restart(&c->u, p)) != KMS_OK) {
		use_free(&c->u);
		return rc;
	}
	*usep = &c->u;
	return KMS_OK;
}
