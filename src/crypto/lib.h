/* SPDX-License-Identifier: Apache-2.0 */
/* Inside src/crypto only: our libcrypto context, the algorithms fetched from it, and how its errors
 * are kept from the host. */
#ifndef KMS_CRYPTO_LIB_H
#define KMS_CRYPTO_LIB_H

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include "base/fork.h"
#include "crypto/crypto.h"

enum lib_cipher {
	CIPHER_ECB,
	CIPHER_CBC,
	CIPHER_CTR,
	CIPHER_GCM,
	CIPHER_KW,
	CIPHER_KWP,
	CIPHER_SM4_ECB,
	CIPHER_SM4_CBC,
	CIPHER_SM4_CTR,
	CIPHER_END,
};

enum lib_mac { MAC_HMAC, MAC_CMAC, MAC_END };

/*
 * Each is made at the first call and lives as long as the process; borrowed. NULL when libcrypto
 * cannot give it, which is KMS_INTERNAL for whoever asked.
 */
OSSL_LIB_CTX *lib_ctx(void);
EVP_MD *lib_md(enum digest d);
EVP_CIPHER *lib_cipher(enum lib_cipher c, size_t key_len);
EVP_MAC *lib_mac(enum lib_mac m);
EVP_KDF *lib_scrypt(void);
EC_GROUP *lib_group(enum curve c);

/* libcrypto's name of a curve or digest; static storage. NULL for those it has none for. */
const char *lib_curve_name(enum curve c);
const char *lib_digest_name(enum digest d);

/*
 * The error queue belongs to the thread, and so to the host too: what is pushed between the two is
 * taken off again, and nothing else. `auto_errors` at the top of a function does both.
 */
static inline int
errors_mark(void)
{
	return ERR_set_mark();
}

static inline void
errors_drop(int *marked)
{
	(void)marked;
	(void)ERR_pop_to_mark();
}
#define auto_errors __attribute__((cleanup(errors_drop), unused)) int errors_ = errors_mark()

/*
 * libcrypto draws random bytes under one lock of the whole process (RAND_get_rand_method), which a
 * fork would leave locked in the child: `auto_drawing` at the top of a function keeps forks away
 * while what follows may draw. Not around the making of an RSA key: it takes seconds.
 */
static inline int
drawing_begin(void)
{
	fork_hold_off(FORK_HOLD_CRYPTO);
	return 0;
}

static inline void
drawing_end(int *begun)
{
	(void)begun;
	fork_allow(FORK_HOLD_CRYPTO);
}
#define auto_drawing __attribute__((cleanup(drawing_end), unused)) int drawing_ = drawing_begin()

/* libcrypto's lengths are int: longer inputs go in pieces of this, a multiple of every block. */
#define LIB_CHUNK ((size_t)1 << 30)

/* No key of ours is longer, nor any of its numbers. */
#define RSA_BITS_MIN  1024
#define RSA_BITS_MAX  8192
#define RSA_BYTES_MAX (RSA_BITS_MAX / 8)

static inline void
md_ctx_free_p(EVP_MD_CTX **c)
{
	EVP_MD_CTX_free(*c);
}
#define auto_md_ctx __attribute__((cleanup(md_ctx_free_p))) EVP_MD_CTX

static inline void
cipher_ctx_free_p(EVP_CIPHER_CTX **c)
{
	EVP_CIPHER_CTX_free(*c);
}
#define auto_cipher_ctx __attribute__((cleanup(cipher_ctx_free_p))) EVP_CIPHER_CTX

static inline void
pkey_ctx_free_p(EVP_PKEY_CTX **c)
{
	EVP_PKEY_CTX_free(*c);
}
#define auto_pkey_ctx __attribute__((cleanup(pkey_ctx_free_p))) EVP_PKEY_CTX

static inline void
pkey_free_p(EVP_PKEY **k)
{
	EVP_PKEY_free(*k);
}
#define auto_pkey __attribute__((cleanup(pkey_free_p))) EVP_PKEY

static inline void
bn_free_p(BIGNUM **n)
{
	BN_clear_free(*n);
}
#define auto_bn __attribute__((cleanup(bn_free_p))) BIGNUM

#endif
