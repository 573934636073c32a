/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys at hand and what is done with them, on libcrypto in a library context of our own (the
 * default provider alone, so that an application that reaches us through its own libcrypto is never
 * re-entered). Used by the soft HSM and by the face for session and public keys.
 */
#ifndef KMS_CRYPTO_CRYPTO_H
#define KMS_CRYPTO_CRYPTO_H

#include "api/alg.h"
#include "api/use.h"
#include "base/secret.h"

/* The library context, made at the first call and kept for the process's life; algorithms are
 * fetched once. KMS_INTERNAL; KMS_BUSY in the child of a fork that caught a thread inside. */
enum kms_rc crypto_start(struct err *err) MUST_USE;

/* In a forked child before anything else here: keeps what is safe over fork (libcrypto reseeds
 * itself), forgets the rest. */
void crypto_after_fork(void);

/* Whether the process ends and libcrypto has cleaned up: nothing that uses it may be called. */
bool crypto_ended(void);

/* -- keys -- */

/* A parsed key, immutable and counted; safe to use from many threads at once. Secret bytes lie in
 * the secret arena or libcrypto. */
struct ckey;

struct ckey *ckey_ref(struct ckey *k);
/* Drops a reference; the last one wipes and frees. Takes NULL. */
void ckey_unref(struct ckey *k);
#define auto_ckey __attribute__((cleanup(ckey_unref_p))) struct ckey
static inline void
ckey_unref_p(struct ckey **k)
{
	ckey_unref(*k);
}

struct key_spec ckey_spec(const struct ckey *k);
/* Holds the private half or is a secret key. */
bool ckey_is_private(const struct ckey *k);

/* Secret key of TYPE (AES: 16, 24 or 32 bytes, SM4: 16, generic: 1 to SECRET_MAX): KMS_KEY_SIZE.
 * Bytes are copied. */
enum kms_rc ckey_from_secret(enum key_type type, struct slice bytes, struct ckey **ret) MUST_USE;

/* PKCS#8 PrivateKeyInfo and SubjectPublicKeyInfo, DER, nothing after it. KMS_BAD_DATA; KMS_NOTSUP
 * for keys of other types. */
enum kms_rc ckey_from_pkcs8(struct slice der, struct ckey **ret) MUST_USE;
enum kms_rc ckey_from_spki(struct slice der, struct ckey **ret) MUST_USE;

/* Numbers of a key, big-endian, leading zeros allowed. Empty slices are absent. */
struct rsa_parts {
	struct slice n, e, d, p, q, dp, dq, qinv;
};
/* Public (d empty) or private: needs n and d; e and the CRT values are worked out when absent.
 * KMS_BAD_DATA, KMS_KEY_SIZE. */
enum kms_rc ckey_from_rsa(const struct rsa_parts *parts, struct ckey **ret) MUST_USE;
/* POINT uncompressed (or the 32 bytes of Ed25519), may be empty when D is given: then worked out.
 * KMS_BAD_DATA: not on the curve. */
enum kms_rc ckey_from_ec(enum curve curve, struct slice d, struct slice point,
    struct ckey **ret) MUST_USE;

/* The public half as a key of its own (shared, counted). KMS_INVALID for secret keys. */
enum kms_rc ckey_public(struct ckey *k, struct ckey **ret) MUST_USE;

/* The ways out. Public parts go to bufs, secret ones to the arena. */
enum kms_rc ckey_spki(const struct ckey *k, struct buf *ret) MUST_USE;
enum kms_rc ckey_pkcs8(const struct ckey *k, struct secret *ret) MUST_USE;
/* A secret key's bytes; borrowed from K. Empty for others. */
struct slice ckey_secret(const struct ckey *k);

enum key_part {
	PART_RSA_N,
	PART_RSA_E,
	PART_EC_POINT, /* uncompressed; Ed25519: 32 bytes */
	PART_RSA_D,
	PART_RSA_P,
	PART_RSA_Q,
	PART_RSA_DP,
	PART_RSA_DQ,
	PART_RSA_QINV,
	PART_EC_D, /* as wide as the order; Ed25519: the 32-byte seed */
};
/* One number, big-endian without leading zeros (EC: fixed width). KMS_NOTFOUND when the key has no
 * such part. */
enum kms_rc ckey_part(const struct ckey *k, enum key_part part, struct secret *ret) MUST_USE;

/* Generates. RSA: E is the public exponent, big-endian, odd, > 2^16 (empty: 65537). KMS_KEY_SIZE,
 * KMS_BAD_PARAM. */
enum kms_rc ckey_generate(const struct key_spec *spec, struct slice e, struct ckey **ret) MUST_USE;

/* Curve by DER ECParameters (named curve OID, or PrintableString "edwards25519" and friends);
 * CURVE_NONE when not one of ours. */
enum curve curve_from_params(struct slice der);
/* The DER OID of a curve; static storage. */
struct slice curve_params(enum curve c);
/* Bits of the field, 255 of Ed25519; and bytes of one coordinate. */
uint32_t curve_bits(enum curve c);
size_t curve_bytes(enum curve c);
/* Of which type keys on the curve are; KEY_NONE for CURVE_NONE. */
enum key_type curve_key_type(enum curve c);

/* -- uses -- */

/*
 * Begins using K (NULL for USE_DIGEST). Checks type, private half, parameters and sizes:
 * KMS_KEY_TYPE, KMS_KEY_SIZE, KMS_BAD_PARAM, KMS_NOTSUP. *USEP may hold a finished use made with
 * the same key, kind and alg: it is restarted, or freed and replaced. On error *USEP is NULL. The
 * use holds its own reference to K.
 */
enum kms_rc crypto_begin(struct ckey *k, enum use_kind kind, const struct alg_params *p,
    struct use **usep) MUST_USE;

/* The raw ECDH secret, as wide as the field. KMS_BAD_PARAM: the peer's point is not on the curve.
 */
enum kms_rc crypto_ecdh(struct ckey *k, struct slice peer, struct secret *ret) MUST_USE;

/* What is in EM, which RSA alone gave for an OAEP cipher text; P holds OAEP's parameters. An empty
 * message gives { 0 }. KMS_BAD_DATA, told by nothing but this. */
enum kms_rc crypto_oaep_decode(struct slice em, const struct alg_params *p,
    struct secret *ret) MUST_USE;

/* -- helpers -- */

/* Cryptographic random bytes (a small buffer per thread, refilled; emptied over fork). */
enum kms_rc crypto_random(uint8_t *dst, size_t len) MUST_USE;

/* H(S) into OUT (at least digest_len(D) bytes). */
enum kms_rc crypto_digest(enum digest d, struct slice s, uint8_t *out) MUST_USE;

/* First three bytes of the key's check value (AES, SM4: of E(0); others: of SHA-1 of the bytes).
 * PKCS#11 §4.10 CKA_CHECK_VALUE. */
enum kms_rc ckey_check_value(const struct ckey *k, uint8_t ret[3]) MUST_USE;

/*
 * The id of a key that nobody named: of a public or private key SHA-1 of its public key bits (RFC
 * 5280 4.2.1.2, method 1), so that both halves and the certificate agree; of a secret key random
 * bytes.
 */
#define KEY_ID_LEN 20
enum kms_rc ckey_default_id(const struct ckey *k, uint8_t ret[KEY_ID_LEN]) MUST_USE;

/* scrypt, RFC 7914, N = 2^LOG2N. OUT_LEN bytes. KMS_NOMEM when the memory it needs is not there. */
enum kms_rc crypto_scrypt(struct slice password, struct slice salt, unsigned log2n, unsigned r,
    unsigned p, uint8_t *out, size_t out_len) MUST_USE;

/* AES-256-GCM under a 32-byte key with a fresh random nonce: nonce || cipher text || tag, 28 bytes
 * longer than PLAIN. */
#define SEAL_OVERHEAD 28
#define SEAL_KEY_LEN  32
enum kms_rc crypto_seal(struct slice key, struct slice plain, struct slice ad,
    struct buf *ret) MUST_USE;
/* KMS_TAMPERED when key, associated data or bytes are not those that were sealed. An empty
 * plaintext gives { 0 }. */
enum kms_rc crypto_open(struct slice key, struct slice sealed, struct slice ad,
    struct secret *ret) MUST_USE;

#endif
