/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys and algorithms in the KMS's words: what kind of key, which algorithm, with which parameters.
 * No PKCS#11, no libcrypto. Everything here is plain data, so that a request can be written to a
 * wire as it stands.
 */
#ifndef KMS_API_ALG_H
#define KMS_API_ALG_H

#include "base/buf.h"

/* Stored in files and sent on wires: values are never reused or renumbered. */
enum key_type {
	KEY_NONE = 0,
	KEY_RSA = 1,
	KEY_EC = 2,	 /* short Weierstrass curves, ECDSA and ECDH */
	KEY_EDWARDS = 3, /* Ed25519 */
	KEY_AES = 4,
	KEY_GENERIC = 5, /* bytes for HMAC and derivation */
	KEY_SM2 = 6,	 /* GB/T 32918 on its own curve */
	KEY_SM4 = 7,	 /* GB/T 32907; 128 bits */
	KEY_TYPE_END,
};

/* One secret of plain bytes; all others but KEY_NONE are pairs. */
static inline bool
key_type_is_secret(enum key_type t)
{
	return t == KEY_AES || t == KEY_GENERIC || t == KEY_SM4;
}

/* A block cipher's key: what encrypts by itself. */
static inline bool
key_type_is_cipher(enum key_type t)
{
	return t == KEY_AES || t == KEY_SM4;
}

static inline bool
key_type_is_pair(enum key_type t)
{
	return t != KEY_NONE && !key_type_is_secret(t);
}

enum curve {
	CURVE_NONE = 0,
	CURVE_P256 = 1,
	CURVE_P384 = 2,
	CURVE_P521 = 3,
	CURVE_ED25519 = 4,
	CURVE_P256K = 5, /* secp256k1 */
	CURVE_SM2 = 6,	 /* sm2p256v1 */
	CURVE_END,
};

/* What tells one kind of key from another. bits: modulus, field or secret length in bits (P-521:
 * 521, Ed25519: 255). */
struct key_spec {
	enum key_type type;
	enum curve curve;
	uint32_t bits;
};

enum digest {
	DIGEST_NONE = 0,
	DIGEST_SHA1 = 1,
	DIGEST_SHA224 = 2,
	DIGEST_SHA256 = 3,
	DIGEST_SHA384 = 4,
	DIGEST_SHA512 = 5,
	DIGEST_SM3 = 6, /* GB/T 32905 */
	DIGEST_END,
};
#define DIGEST_MAX 64 /* bytes of the longest digest */

/* Output length of a digest in bytes; 0 for DIGEST_NONE. */
size_t digest_len(enum digest d);

#define AES_BLOCK 16
/* CTR: bytes until the low BITS bits of the counter block come round; at most UINT64_MAX. */
uint64_t aes_ctr_left(const uint8_t iv[AES_BLOCK], uint32_t bits);
/* PKCS#7 (RFC 5652 §6.3): the bytes of BLOCK that are no padding, or -1; takes the same time for
 * all contents. */
int aes_unpadded(const uint8_t block[AES_BLOCK]);

enum alg {
	ALG_NONE = 0,
	ALG_DIGEST,    /* no key: hashing alone */
	ALG_RSA_PKCS1, /* v1.5. Signing without a digest takes the DigestInfo as it is */
	ALG_RSA_RAW,   /* no padding: input shorter than the modulus is left-filled with zeros */
	ALG_RSA_OAEP,
	ALG_RSA_PSS, /* without a message digest: input is the hash */
	ALG_ECDSA,   /* r||s, each as wide as the order. Without a digest: input is the hash, cut to
			the order's bits */
	ALG_EDDSA,
	ALG_ECDH, /* derive */
	ALG_AES_ECB,
	ALG_AES_CBC,
	ALG_AES_CBC_PAD,
	ALG_AES_CTR,
	ALG_AES_GCM,
	ALG_AES_CMAC,
	ALG_AES_KW,  /* RFC 3394: input a multiple of 8, at least 16 */
	ALG_AES_KWP, /* RFC 5649 */
	ALG_HMAC,
	ALG_SM2DSA, /* r||s, 32 bytes each, of SM3(Z || message) by DIGEST_SM3; without a digest the
		       input is that hash */
	ALG_SM2PKE, /* GM/T 0009: SEQUENCE { x, y, hash, cipher text } in DER */
	ALG_SM4_ECB,
	ALG_SM4_CBC,
	ALG_SM4_CBC_PAD,
	ALG_SM4_CTR,
	ALG_SM4_SEAL, /* CTR with HMAC-SM3, see docs/ciphertext-blob.md: cipher text and tag */
	ALG_KMS, /* the KMS's own Encrypt and Decrypt: cipher text that names its key and version */
	ALG_END,
};

/*
 * An algorithm with its parameters. Slices borrow; whoever keeps the params longer than a call
 * keeps the bytes too. digest: hash of the message (sign, verify, MAC), or DIGEST_NONE when the
 * input is used as it is.
 */
struct alg_params {
	enum alg alg;
	enum digest digest;
	union {
		struct {
			enum digest hash; /* of the label */
			enum digest mgf;
			struct slice label;
		} oaep;
		struct {
			enum digest hash; /* equals `digest` when that is set */
			enum digest mgf;
			uint32_t salt_len; /* bytes */
		} pss;
		struct {
			struct slice iv; /* CBC: 16 bytes; CTR: the first counter block; KW: 8, KWP:
					    4, empty is the RFC's */
			uint32_t counter_bits; /* CTR: 1 to 128 low bits that count */
		} cipher;
		struct {
			struct slice iv; /* 1 to 256 bytes */
			struct slice aad;
			uint32_t tag_len; /* bytes: 4, 8, 12 to 16 */
		} gcm;
		struct {
			uint32_t len; /* bytes of the MAC kept, 1 to the full length */
		} mac;
		struct {
			struct slice id; /* who signs; empty: SM2_DEFAULT_ID */
		} sm2;
		struct {
			struct slice iv; /* SM4_SEAL_IV bytes */
			struct slice aad;
		} seal;
		struct {
			struct slice context; /* JSON, empty: none */
			bool wraps;	      /* a key that is in use for wrapping or unwrapping */
		} kms;
		struct {
			struct slice peer; /* uncompressed point, 04 || x || y */
		} ecdh;
	} u;
};

/* GM/T 0009 §10: the user's id where nobody agreed on another; and the most bytes of one. */
#define SM2_DEFAULT_ID "1234567812345678"
#define SM2_ID_MAX     8191

#define SM4_SEAL_IV  12
#define SM4_SEAL_TAG 16

/* What a key is used for; also the order of operations in a session. */
enum use_kind {
	USE_ENCRYPT,
	USE_DECRYPT,
	USE_DIGEST,
	USE_SIGN,
	USE_VERIFY,
	USE_KINDS,
};

#endif
