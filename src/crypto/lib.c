/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Our own libcrypto context and what is fetched from it. It has no lock: whatever is made first
 * stays, a loser of a race frees its own. In a forked child all of it is left behind untouched,
 * since another thread may have held a lock inside.
 */
#include "crypto/lib.h"

#include <openssl/crypto.h>
#include <openssl/kdf.h>
#include <openssl/provider.h>
#include <stdatomic.h>
#include <stdlib.h>

struct lib {
	OSSL_LIB_CTX *ctx;
	_Atomic(void *) md[DIGEST_END];	       /* EVP_MD */
	_Atomic(void *) cipher[CIPHER_END][3]; /* EVP_CIPHER by key length */
	_Atomic(void *) mac[MAC_END];	       /* EVP_MAC */
	_Atomic(void *) scrypt;		       /* EVP_KDF */
	_Atomic(void *) group[CURVE_END];      /* EC_GROUP */
	struct lib *parents; /* what a forked child left behind; kept reachable, never touched */
};

static _Atomic(struct lib *) the_lib;
static struct lib *left_behind;

static void
free_new(struct lib *l)
{
	OSSL_LIB_CTX_free(l->ctx);
	free(l);
}

static struct lib *
make(void)
{
	struct lib *l = calloc(1, sizeof *l), *seen = NULL;

	if (l == NULL)
		return NULL;
	/* No atexit handler: the host may call C_Finalize from one of its own, which runs later. */
	if (OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, NULL) != 1 ||
	    (l->ctx = OSSL_LIB_CTX_new()) == NULL ||
	    OSSL_PROVIDER_load(l->ctx, "default") == NULL) {
		free_new(l);
		return NULL;
	}
	l->parents = left_behind;
	if (!atomic_compare_exchange_strong(&the_lib, &seen, l)) {
		free_new(l);
		return seen;
	}
	return l;
}

static struct lib *
lib(void)
{
	struct lib *l = atomic_load_explicit(&the_lib, memory_order_acquire);

	if (__builtin_expect(l != NULL, 1))
		return l;
	auto_errors;
	return make();
}

enum kms_rc
crypto_start(struct err *err)
{
	TRY(fork_check(FORK_HOLD_CRYPTO, err));
	return lib() == NULL ? err_set(err, KMS_INTERNAL, "libcrypto cannot be set up") : KMS_OK;
}

void
crypto_after_fork(void)
{
	struct lib *l = atomic_exchange(&the_lib, NULL);

	if (l != NULL)
		left_behind = l;
}

bool
crypto_ended(void)
{
	return OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, NULL) != 1;
}

OSSL_LIB_CTX *
lib_ctx(void)
{
	struct lib *l = lib();

	return l == NULL ? NULL : l->ctx;
}

static void *
slot_get(_Atomic(void *) *slot)
{
	return atomic_load_explicit(slot, memory_order_acquire);
}

/* Puts MADE there unless something stands there already; gives what stands there. The caller frees
 * what was not kept. */
static void *
slot_keep(_Atomic(void *) *slot, void *made)
{
	void *seen = NULL;

	if (made == NULL || atomic_compare_exchange_strong(slot, &seen, made))
		return made;
	return seen;
}

const char *
lib_digest_name(enum digest d)
{
	static const char *const names[DIGEST_END] = {
		[DIGEST_SHA1] = "SHA1",
		[DIGEST_SHA224] = "SHA2-224",
		[DIGEST_SHA256] = "SHA2-256",
		[DIGEST_SHA384] = "SHA2-384",
		[DIGEST_SHA512] = "SHA2-512",
		[DIGEST_SM3] = "SM3",
	};

	return (unsigned)d < DIGEST_END ? names[d] : NULL;
}

EVP_MD *
lib_md(enum digest d)
{
	struct lib *l = lib();
	const char *name = lib_digest_name(d);
	EVP_MD *kept, *made;

	if (l == NULL || name == NULL)
		return NULL;
	if ((kept = slot_get(&l->md[d])) != NULL)
		return kept;
	auto_errors;
	made = EVP_MD_fetch(l->ctx, name, NULL);
	if ((kept = slot_keep(&l->md[d], made)) != made)
		EVP_MD_free(made);
	return kept;
}

EVP_CIPHER *
lib_cipher(enum lib_cipher c, size_t key_len)
{
	static const char *const names[CIPHER_END][3] = {
		[CIPHER_ECB] = { "AES-128-ECB", "AES-192-ECB", "AES-256-ECB" },
		[CIPHER_CBC] = { "AES-128-CBC", "AES-192-CBC", "AES-256-CBC" },
		[CIPHER_CTR] = { "AES-128-CTR", "AES-192-CTR", "AES-256-CTR" },
		[CIPHER_GCM] = { "AES-128-GCM", "AES-192-GCM", "AES-256-GCM" },
		[CIPHER_KW] = { "AES-128-WRAP", "AES-192-WRAP", "AES-256-WRAP" },
		[CIPHER_KWP] = { "AES-128-WRAP-PAD", "AES-192-WRAP-PAD", "AES-256-WRAP-PAD" },
		[CIPHER_SM4_ECB] = { "SM4-ECB" },
		[CIPHER_SM4_CBC] = { "SM4-CBC" },
		[CIPHER_SM4_CTR] = { "SM4-CTR" },
	};
	struct lib *l = lib();
	size_t i = key_len / 8 - 2;
	EVP_CIPHER *kept, *made;

	if (l == NULL || (key_len != 16 && key_len != 24 && key_len != 32) || names[c][i] == NULL)
		return NULL;
	if ((kept = slot_get(&l->cipher[c][i])) != NULL)
		return kept;
	auto_errors;
	made = EVP_CIPHER_fetch(l->ctx, names[c][i], NULL);
	if ((kept = slot_keep(&l->cipher[c][i], made)) != made)
		EVP_CIPHER_free(made);
	return kept;
}

EVP_MAC *
lib_mac(enum lib_mac m)
{
	static const char *const names[MAC_END] = { [MAC_HMAC] = "HMAC", [MAC_CMAC] = "CMAC" };
	struct lib *l = lib();
	EVP_MAC *kept, *made;

	if (l == NULL)
		return NULL;
	if ((kept = slot_get(&l->mac[m])) != NULL)
		return kept;
	auto_errors;
	made = EVP_MAC_fetch(l->ctx, names[m], NULL);
	if ((kept = slot_keep(&l->mac[m], made)) != made)
		EVP_MAC_free(made);
	return kept;
}

EVP_KDF *
lib_scrypt(void)
{
	struct lib *l = lib();
	EVP_KDF *kept, *made;

	if (l == NULL)
		return NULL;
	if ((kept = slot_get(&l->scrypt)) != NULL)
		return kept;
	auto_errors;
	made = EVP_KDF_fetch(l->ctx, "SCRYPT", NULL);
	if ((kept = slot_keep(&l->scrypt, made)) != made)
		EVP_KDF_free(made);
	return kept;
}

static int
curve_nid(enum curve c)
{
	switch (c) {
	case CURVE_P256: return NID_X9_62_prime256v1;
	case CURVE_P384: return NID_secp384r1;
	case CURVE_P521: return NID_secp521r1;
	case CURVE_P256K: return NID_secp256k1;
	case CURVE_SM2: return NID_sm2;
	case CURVE_NONE:
	case CURVE_END:
	case CURVE_ED25519: break;
	}
	return NID_undef;
}

const char *
lib_curve_name(enum curve c)
{
	static const char *const names[CURVE_END] = {
		[CURVE_P256] = "P-256",
		[CURVE_P384] = "P-384",
		[CURVE_P521] = "P-521",
		[CURVE_ED25519] = "ED25519",
		[CURVE_P256K] = "secp256k1",
		[CURVE_SM2] = "SM2",
	};

	return (unsigned)c < CURVE_END ? names[c] : NULL;
}

EC_GROUP *
lib_group(enum curve c)
{
	struct lib *l = lib();
	int nid = curve_nid(c);
	EC_GROUP *kept, *made;

	if (l == NULL || nid == NID_undef)
		return NULL;
	if ((kept = slot_get(&l->group[c])) != NULL)
		return kept;
	auto_errors;
	made = EC_GROUP_new_by_curve_name_ex(l->ctx, NULL, nid);
	if ((kept = slot_keep(&l->group[c], made)) != made)
		EC_GROUP_free(made);
	return kept;
}
