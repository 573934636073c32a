/* SPDX-License-Identifier: Apache-2.0 */
/* The table of ways to encrypt keys to a public key. */
#include "kms/wrapping.h"

/* PKCS#1 v1.5 is not among them: whoever may import could use it to find out material that was sent
 * before. */
static const struct wrapping wrappings[] = {
	{ "RSA_2048", "RSAES_OAEP_SHA_256", { KEY_RSA, CURVE_NONE, 2048 }, ALG_RSA_OAEP,
	    DIGEST_SHA256 },
	{ "RSA_2048", "RSAES_OAEP_SHA_1", { KEY_RSA, CURVE_NONE, 2048 }, ALG_RSA_OAEP,
	    DIGEST_SHA1 },
	{ "EC_SM2", "SM2PKE", { KEY_SM2, CURVE_SM2, 256 }, ALG_SM2PKE, DIGEST_SM3 },
};

const struct wrapping *
wrapping_by_name(struct slice spec, struct slice algorithm)
{
	for (size_t i = 0; i < ARRAY_LEN(wrappings); i++)
		if (slice_eq(spec, slice_str(wrappings[i].spec)) &&
		    slice_eq(algorithm, slice_str(wrappings[i].algorithm)))
			return &wrappings[i];
	return NULL;
}

const struct wrapping *
wrapping_by_digest(enum digest digest)
{
	for (size_t i = 0; i < ARRAY_LEN(wrappings); i++)
		if (wrappings[i].digest == digest)
			return &wrappings[i];
	return NULL;
}

struct alg_params
wrapping_params(const struct wrapping *w)
{
	struct alg_params p = { .alg = w->alg };

	if (w->alg == ALG_RSA_OAEP)
		p.u.oaep.hash = p.u.oaep.mgf = w->digest;
	return p;
}
