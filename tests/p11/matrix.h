/* SPDX-License-Identifier: Apache-2.0 */
/* The mechanism matrix: one row for each mechanism the tests know how to use, and libcrypto's
 * answer to each. */
#ifndef KMS_TESTS_P11_MATRIX_H
#define KMS_TESTS_P11_MATRIX_H

#include "tests/p11/p11.h"

enum shape {
	DIGEST,	 /* no key */
	CIPHER,	 /* AES, SM4; libcrypto gives the same bytes */
	CRYPT,	 /* RSA, SM2 encryption */
	MAC,	 /* secret key, libcrypto gives the same bytes */
	SIGN,	 /* private and public key */
	KEYGEN,	 /* C_GenerateKey */
	PAIRGEN, /* C_GenerateKeyPair */
	DERIVE,
};

enum param { P_NONE, P_IV, P_CTR, P_GCM, P_OAEP, P_PSS, P_MAC_LEN, P_ECDH };

struct row {
	CK_MECHANISM_TYPE type;
	const char *name;
	enum shape shape;
	CK_KEY_TYPE key;
	enum param param;
	const char *ref;	/* libcrypto's name of the digest or cipher */
	CK_MECHANISM_TYPE hash; /* of OAEP and PSS parameters */
	bool parts;		/* takes its input in parts */
	bool authentic;		/* notices a changed byte when it decrypts */
	bool any_len;		/* takes any input, also none */
	size_t in_len;		/* of the input that the tests use */
	CK_FLAGS flags;		/* what the standard lets it do */
};

extern const struct row rows[];
extern const size_t n_rows;

/* One row at work: its mechanism with a good parameter, its keys in the session hs. */
struct env {
	const struct row *row;
	CK_FLAGS flags; /* of the module's own info; 0 when it does not list the mechanism */
	CK_MECHANISM mech;
	CK_OBJECT_HANDLE pub,
	    priv; /* encrypt, verify, wrap; decrypt, sign, unwrap. The same for secret keys */
	CK_BYTE in[4096];
	CK_ULONG in_len;
	union {
		CK_BYTE iv[16];
		CK_AES_CTR_PARAMS ctr;
		CK_GCM_PARAMS gcm;
		CK_RSA_PKCS_OAEP_PARAMS oaep;
		CK_RSA_PKCS_PSS_PARAMS pss;
		CK_ULONG mac_len;
		CK_ECDH1_DERIVE_PARAMS ecdh;
	} p;
};

/* Makes the keys that all rows share, in this process only (before the tests are forked). */
void matrix_keys(void);

/* False: the module does not list the mechanism (which is a failure of its own test where it must).
 */
bool env_make(struct env *e, const struct row *row);
/* The same with usages of the keys changed: everything but those of FLAGS is off. */
bool env_make_usage(struct env *e, const struct row *row, bool usage);
/* A key that the row must refuse for its type. */
CK_OBJECT_HANDLE env_wrong_key(const struct env *e);
/* Runs F with each bad parameter; F's argument holds the mechanism. */
void env_each_bad_param(struct env *e, void (*f)(struct env *e, const char *what));

/* libcrypto: the signature (SIGN) or else the cipher text of IN, and its judgement of the module's.
 */
size_t ref_make(const struct env *e, bool sign, const CK_BYTE *in, size_t in_len, CK_BYTE *out,
    size_t cap);
bool ref_check(const struct env *e, bool sign, const CK_BYTE *in, size_t in_len, const CK_BYTE *out,
    size_t out_len);
/* The shared secret of the EC key and the peer, whose point (04 || x || y) is the other. */
size_t ref_derive(CK_BYTE *out, size_t cap);
const CK_BYTE *ref_peer_point(size_t *n);

/* Imported into hs with all usages on or off. */
CK_OBJECT_HANDLE import_public(CK_KEY_TYPE type, bool usage);
CK_OBJECT_HANDLE import_private(CK_KEY_TYPE type, bool usage);
/* The template of it; its byte strings are static. */
void t_known_private(struct tmpl *t, CK_KEY_TYPE type);
void t_known_public(struct tmpl *t, CK_KEY_TYPE type);

/* The digest of a mechanism, as libcrypto names it; its MGF. */
const char *hash_name(CK_MECHANISM_TYPE hash);
CK_ULONG hash_mgf(CK_MECHANISM_TYPE hash);

extern CK_BYTE secret_value[64];

#endif
