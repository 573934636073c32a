/* SPDX-License-Identifier: Apache-2.0 */
/* What is kept outside our memory: sealed under a key, and keys made from PINs. */
#include "crypto/lib.h"

#include <openssl/core_names.h>
#include <openssl/kdf.h>

#define NONCE 12
#define TAG   16
_Static_assert(NONCE + TAG == SEAL_OVERHEAD, "a sealed value is nonce, cipher text and tag");

static EVP_CIPHER_CTX *
start(struct slice key, const uint8_t *nonce, struct slice ad, int encrypt)
{
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	int n;

	if (c == NULL ||
	    EVP_CipherInit_ex2(c, lib_cipher(CIPHER_GCM, SEAL_KEY_LEN), key.p, nonce, encrypt,
		NULL) != 1 ||
	    (ad.len > 0 && EVP_CipherUpdate(c, NULL, &n, ad.p, (int)ad.len) != 1)) {
		EVP_CIPHER_CTX_free(c);
		return NULL;
	}
	return c;
}

enum kms_rc
crypto_seal(struct slice key, struct slice plain, struct slice ad, struct buf *ret)
{
	auto_cipher_ctx *c = NULL;
	auto_buf b = { 0 };
	uint8_t *p;
	int n = 0, m = 0;

	if (key.len != SEAL_KEY_LEN)
		return KMS_INVALID;
	if (plain.len > BUF_MAX - SEAL_OVERHEAD || ad.len > BUF_MAX)
		return KMS_LIMIT;
	TRY(buf_extend(&b, plain.len + SEAL_OVERHEAD, &p));
	TRY(crypto_random(p, NONCE));
	auto_errors;
	if ((c = start(key, p, ad, 1)) == NULL ||
	    (plain.len > 0 && EVP_CipherUpdate(c, p + NONCE, &n, plain.p, (int)plain.len) != 1) ||
	    EVP_EncryptFinal_ex(c, p + NONCE + n, &m) != 1 || (size_t)n + (size_t)m != plain.len ||
	    EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, TAG, p + NONCE + plain.len) != 1)
		return KMS_INTERNAL;
	buf_move(ret, &b);
	return KMS_OK;
}

enum kms_rc
crypto_open(struct slice key, struct slice sealed, struct slice ad, struct secret *ret)
{
	auto_cipher_ctx *c = NULL;
	auto_secret plain = { 0 };
	uint8_t tag[TAG], none[TAG];
	size_t len;
	int n = 0, m = 0;

	if (key.len != SEAL_KEY_LEN)
		return KMS_INVALID;
	if (sealed.len < SEAL_OVERHEAD)
		return KMS_TAMPERED;
	len = sealed.len - SEAL_OVERHEAD;
	if (len > SECRET_MAX || ad.len > BUF_MAX)
		return KMS_LIMIT;
	if (len > 0)
		TRY(secret_new(len, &plain));
	memcpy(tag, sealed.p + NONCE + len, TAG);
	auto_errors;
	if ((c = start(key, sealed.p, ad, 0)) == NULL)
		return KMS_INTERNAL;
	if ((len > 0 && EVP_CipherUpdate(c, plain.p, &n, sealed.p + NONCE, (int)len) != 1) ||
	    (size_t)n != len || EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, TAG, tag) != 1 ||
	    EVP_DecryptFinal_ex(c, none, &m) != 1)
		return KMS_TAMPERED;
	*ret = plain;
	plain = (struct secret){ 0 }; /* moved */
	return KMS_OK;
}

enum kms_rc
crypto_scrypt(struct slice password, struct slice salt, unsigned log2n, unsigned r, unsigned p,
    uint8_t *out, size_t out_len)
{
	uint64_t n, blocks = r, lanes = p, max;
	OSSL_PARAM params[7], *at = params;
	EVP_KDF *kdf = lib_scrypt();
	EVP_KDF_CTX *c;
	int ok;

	if (log2n < 1 || log2n > 24 || r < 1 || r > 64 || p < 1 || p > 64 || out_len < 1)
		return KMS_BAD_PARAM;
	n = (uint64_t)1 << log2n;
	/* RFC 7914 §2 (N blocks of 128 r bytes, and p more), and some for libcrypto itself. */
	max = 128 * blocks * (n + lanes + 4);
	auto_errors;
	if (kdf == NULL || (c = EVP_KDF_CTX_new(kdf)) == NULL)
		return KMS_NOMEM;
	/* The API's buffers are not const; it only reads them. */
	*at++ = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_PASSWORD,
	    (void *)(uintptr_t)password.p, password.len);
	*at++ = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, (void *)(uintptr_t)salt.p,
	    salt.len);
	*at++ = OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_N, &n);
	*at++ = OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_R, &blocks);
	*at++ = OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_P, &lanes);
	*at++ = OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_MAXMEM, &max);
	*at = OSSL_PARAM_construct_end();
	ok = EVP_KDF_derive(c, out, out_len, params);
	EVP_KDF_CTX_free(c);
	return ok == 1 ? KMS_OK : KMS_NOMEM;
}
