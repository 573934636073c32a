/* SPDX-License-Identifier: Apache-2.0 */
/* The mechanism table: one row each; lists, infos, checks, docs and the test matrix all walk it. */
#ifndef KMS_PKCS11_MECH_H
#define KMS_PKCS11_MECH_H

#include "api/alg.h"
#include "pkcs11/cryptoki.h"
#include "pkcs11/kms-pkcs11.h"

/* Which CK_MECHANISM parameter a row takes. */
enum param_kind {
	PARAM_NONE,
	PARAM_IV16,    /* 16 bytes */
	PARAM_CTR,     /* CK_AES_CTR_PARAMS */
	PARAM_GCM,     /* CK_GCM_PARAMS */
	PARAM_OAEP,    /* CK_RSA_PKCS_OAEP_PARAMS */
	PARAM_PSS,     /* CK_RSA_PKCS_PSS_PARAMS */
	PARAM_MAC_LEN, /* CK_MAC_GENERAL_PARAMS: a CK_ULONG */
	PARAM_KW_IV,   /* absent, or 8 bytes */
	PARAM_KWP_IV,  /* absent, or 4 bytes */
	PARAM_ECDH1,   /* CK_ECDH1_DERIVE_PARAMS */
	PARAM_EDDSA,   /* absent, or CK_EDDSA_PARAMS of pure Ed25519 */
	PARAM_SM2_ID,  /* absent, or the signer's id */
	PARAM_KMS,     /* absent, or JSON: an encryption context */
};

struct mech {
	CK_MECHANISM_TYPE type;
	const char *name;  /* "CKM_SHA256_RSA_PKCS" */
	enum key_type key; /* KEY_NONE: digests */
	enum alg alg;	   /* ALG_NONE: key generation */
	enum digest digest;
	enum param_kind param;
	CK_ULONG min, max; /* key sizes as C_GetMechanismInfo tells them: bits (RSA, EC, generic),
			      bytes (AES, SM4) */
	CK_FLAGS flags;	   /* CKF_ENCRYPT ... and the CKF_EC_* facts */
};

/* NULL when there is no such row. Binary search: rows are sorted by type. */
const struct mech *mech_find(CK_MECHANISM_TYPE type);

/* All rows, in order. */
const struct mech *mech_rows(size_t *n);

/* A key's size in the row's unit, for the check against min and max. */
bool mech_takes_size(const struct mech *m, const struct key_spec *spec);

#endif
