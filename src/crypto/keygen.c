/* SPDX-License-Identifier: Apache-2.0 */
/* Generates keys. */
#include "crypto/ckey.h"

#include <openssl/bn.h>
#include <openssl/rsa.h>

/* RSA sizes that we generate. Below 2048 bits nobody should, but DNSSEC zones still do, and
 * conformance suites with them. */
#define RSA_GENERATE_MIN 1024
#define RSA_GENERATE_MAX 4096

static enum kms_rc
generate_secret(const struct key_spec *spec, struct ckey **ret)
{
	auto_secret s = { 0 };

	if (spec->bits == 0 || spec->bits % 8 != 0 || spec->bits / 8 > SECRET_MAX ||
	    (spec->type == KEY_AES && spec->bits != 128 && spec->bits != 192 &&
		spec->bits != 256) ||
	    (spec->type == KEY_SM4 && spec->bits != 128))
		return KMS_KEY_SIZE;
	TRY(secret_new(spec->bits / 8, &s));
	TRY(crypto_random(s.p, s.len));
	return ckey_from_secret(spec->type, secret_slice(&s), ret);
}

/* FIPS 186-5 A.1.1 asks for an odd e above 2^16; libcrypto takes no more than 64 bits with large
 * moduli. */
static enum kms_rc
read_exponent(struct slice e, BIGNUM **ret)
{
	auto_bn *n = NULL;

	while (e.len > 0 && e.p[0] == 0)
		e = slice_of(e.p + 1, e.len - 1);
	if (e.len > 8)
		return KMS_BAD_PARAM;
	if ((n = BN_bin2bn(e.p, (int)e.len, NULL)) == NULL ||
	    (e.len == 0 && !BN_set_word(n, RSA_F4)))
		return KMS_NOMEM;
	if (!BN_is_odd(n) || BN_num_bits(n) < 17)
		return KMS_BAD_PARAM;
	*ret = n;
	n = NULL; /* moved */
	return KMS_OK;
}

static enum kms_rc
generate_rsa(const struct key_spec *spec, struct slice exponent, struct ckey **ret)
{
	auto_pkey_ctx *c = NULL;
	auto_bn *e = NULL;
	EVP_PKEY *k = NULL;

	if (spec->bits < RSA_GENERATE_MIN || spec->bits > RSA_GENERATE_MAX || spec->bits % 8 != 0)
		return KMS_KEY_SIZE;
	TRY(read_exponent(exponent, &e));
	if ((c = EVP_PKEY_CTX_new_from_name(lib_ctx(), NAME_RSA, NULL)) == NULL ||
	    EVP_PKEY_keygen_init(c) != 1 ||
	    EVP_PKEY_CTX_set_rsa_keygen_bits(c, (int)spec->bits) != 1 ||
	    EVP_PKEY_CTX_set1_rsa_keygen_pubexp(c, e) != 1 || EVP_PKEY_generate(c, &k) != 1)
		return KMS_INTERNAL;
	return ckey_adopt(k, (struct key_spec){ .type = KEY_RSA, .bits = spec->bits },
	    spec->bits / 8, true, ret);
}

static enum kms_rc
generate_ec(enum curve c, enum key_type type, struct ckey **ret)
{
	struct key_spec spec = { .type = type, .curve = c, .bits = curve_bits(c) };
	auto_pkey_ctx *x = NULL;
	EVP_PKEY *k = NULL;
	const char *name = type == KEY_EC ? NAME_EC : type == KEY_SM2 ? NAME_SM2 : NAME_ED25519;

	if (spec.bits == 0 || curve_key_type(c) != type)
		return KMS_BAD_PARAM;
	auto_drawing;
	x = EVP_PKEY_CTX_new_from_name(lib_ctx(), name, NULL);
	if (x == NULL || EVP_PKEY_keygen_init(x) != 1 ||
	    (type == KEY_EC && EVP_PKEY_CTX_set_group_name(x, lib_curve_name(c)) != 1) ||
	    EVP_PKEY_generate(x, &k) != 1)
		return KMS_INTERNAL;
	return ckey_adopt(k, spec, curve_bytes(c), true, ret);
}

enum kms_rc
ckey_generate(const struct key_spec *spec, struct slice e, struct ckey **ret)
{
	auto_errors;
	switch (spec->type) {
	case KEY_RSA: return generate_rsa(spec, e, ret);
	case KEY_EC:
	case KEY_EDWARDS:
	case KEY_SM2: return generate_ec(spec->curve, spec->type, ret);
	case KEY_AES:
	case KEY_GENERIC:
	case KEY_SM4: return generate_secret(spec, ret);
	case KEY_NONE:
	case KEY_TYPE_END: break;
	}
	return KMS_KEY_TYPE;
}
