/* SPDX-License-Identifier: Apache-2.0 */
/* Inside src/crypto only: what a key is, and the parts of its parsing and writing that differ by
 * type. */
#ifndef KMS_CRYPTO_CKEY_H
#define KMS_CRYPTO_CKEY_H

#include <stdatomic.h>

#include "crypto/der.h"
#include "crypto/lib.h"

struct ckey {
	_Atomic unsigned refs;
	struct key_spec spec;
	bool is_private;
	size_t width;	     /* bytes of the modulus, of the order (Ed25519: 32), of the secret */
	EVP_PKEY *pkey;	     /* of pairs */
	struct secret bytes; /* of secret keys */
	_Atomic(struct ckey *)
	    public_half; /* of a private key, once somebody asked; holds a reference */
};

/* Makes a key of PKEY, which is moved (freed on error). */
enum kms_rc ckey_adopt(EVP_PKEY *pkey, struct key_spec spec, size_t width, bool is_private,
    struct ckey **ret) MUST_USE;

/* The object identifiers of AlgorithmIdentifier (contents, without tag). */
extern const struct slice oid_rsa, oid_ec;

/* RSA: RSAPrivateKey and RSAPublicKey (RFC 8017 A.1), in and out. */
enum kms_rc rsa_read_private(struct slice der, struct ckey **ret) MUST_USE;
enum kms_rc rsa_read_public(struct slice der, struct ckey **ret) MUST_USE;
void rsa_write_private(const struct ckey *k, struct der_out *o);
void rsa_write_public(const struct ckey *k, struct der_out *o);
/* Whether IN, as a number, is below the modulus. */
bool rsa_takes(const struct ckey *k, struct slice in);

/* EC and Ed25519: ECPrivateKey (RFC 5915) or CurvePrivateKey (RFC 8410). */
enum kms_rc ec_read_private(enum curve c, struct slice der, struct ckey **ret) MUST_USE;
void ec_write_private(const struct ckey *k, struct der_out *o);
#define EC_POINT_MAX 133
#define EC_BYTES_MAX 66
/* The public point, as PART_EC_POINT; its length. 0 on failure. */
size_t ec_point(const struct ckey *k, uint8_t ret[EC_POINT_MAX]);

/* The public half as a key of its own. */
enum kms_rc rsa_public(const struct ckey *k, struct ckey **ret) MUST_USE;
enum kms_rc ec_public(const struct ckey *k, struct ckey **ret) MUST_USE;

/* A number of an RSA or EC key by libcrypto's name for it. NULL on failure. The caller frees,
 * wiping. */
BIGNUM *ckey_number(const struct ckey *k, const char *name);

/*
 * Key types by their object identifiers. Given a name, libcrypto 3.0 asks the engines of the
 * process first, which would lead back here where an application has made a PKCS#11 engine its
 * default; an identifier goes to the provider alone.
 */
#define NAME_RSA     "1.2.840.113549.1.1.1"
#define NAME_EC	     "1.2.840.10045.2.1"
#define NAME_ED25519 "1.3.101.112"
#define NAME_SM2     "1.2.156.10197.1.301"

/* Builds libcrypto's key of TYPE (one of the above) from PARAMS. NULL on failure. */
EVP_PKEY *pkey_from_params(const char *type, int selection, OSSL_PARAM *params);

#endif
