/* SPDX-License-Identifier: Apache-2.0 */
/* The soft driver: what it generates or imports opens again, is used, and is of the spec that was
 * asked for. */
#define _GNU_SOURCE 1
#include "hsm/hsm.h"

#include "tests/unit/crypto_keys.h"

#define NONE slice_of(NULL, 0)

static const struct key_spec specs[] = {
	{ .type = KEY_EC, .curve = CURVE_P256, .bits = 256 },
	{ .type = KEY_EDWARDS, .curve = CURVE_ED25519, .bits = 255 },
	{ .type = KEY_AES, .bits = 256 },
	{ .type = KEY_GENERIC, .bits = 160 },
	{ .type = KEY_EC, .curve = CURVE_P256K, .bits = 256 },
	{ .type = KEY_SM2, .curve = CURVE_SM2, .bits = 256 },
	{ .type = KEY_SM4, .bits = 128 },
};

START_TEST(generated_material_opens_with_its_spec_alone)
{
	struct hsm *h = hsm_soft();
	struct call c = { 0 };
	struct hsm_key *k = NULL;
	auto_secret material = { 0 };
	auto_buf spki = { 0 };

	CHECK_RC(h->ops->generate(h, &c, &(struct object){ .spec = specs[_i] }, NONE, &material,
		     &spki),
	    KMS_OK);
	CHECK_RC(h->ops->key_open(h, &c, &specs[_i], secret_slice(&material), &k), KMS_OK);
	h->ops->key_close(h, k);
	k = NULL;
	for (size_t i = 0; i < ARRAY_LEN(specs); i++)
		if (i != (size_t)_i)
			ck_assert_int_ne(h->ops->key_open(h, &c, &specs[i], secret_slice(&material),
					     &k),
			    KMS_OK);
	ck_assert_ptr_null(k);
}
END_TEST

START_TEST(imports_are_checked_against_their_spec)
{
	struct hsm *h = hsm_soft();
	struct call c = { 0 };
	struct object rsa = { .spec = { .type = KEY_RSA, .bits = 1024 } },
		      ec = { .spec = specs[0] }, aes = { .spec = specs[2] };
	auto_secret material = { 0 };
	auto_buf spki = { 0 };

	CHECK_RC(h->ops->import(h, &c, &rsa, hex(RSA_PKCS8), &material, &spki), KMS_OK);
	CHECK_BYTES(secret_slice(&material), hex(RSA_PKCS8));
	ck_assert_uint_gt(spki.len, 128);
	secret_free(&material);
	rsa.spec.bits = 2048;
	CHECK_RC(h->ops->import(h, &c, &rsa, hex(RSA_PKCS8), &material, &spki), KMS_BAD_DATA);
	ck_assert(c.err.text[0] != '\0');
	CHECK_RC(h->ops->import(h, &c, &ec, hex(RSA_PKCS8), &material, &spki), KMS_BAD_DATA);
	CHECK_RC(h->ops->import(h, &c, &aes, BYTES("seventeen bytes !"), &material, &spki),
	    KMS_KEY_SIZE);
	CHECK_RC(h->ops->import(h, &c, &aes, BYTES("sixteen bytes !!"), &material, &spki),
	    KMS_BAD_DATA);
	ck_assert_ptr_null(material.p);
}
END_TEST

START_TEST(an_opened_key_signs_and_derives)
{
	struct hsm *h = hsm_soft();
	struct call c = { 0 };
	struct hsm_key *k = NULL;
	struct ckey *own = ec_key(CURVE_P256);
	struct alg_params sign = { .alg = ALG_ECDSA, .digest = DIGEST_SHA256 },
			  ecdh = { .alg = ALG_ECDH, .u.ecdh.peer = hex(P256_Q) };
	auto_secret p8 = { 0 }, z = { 0 }, z2 = { 0 };
	struct use *u = NULL;
	uint8_t sig[64];
	struct outbuf out = { .p = sig, .cap = sizeof(sig) };
	size_t need;

	CHECK_RC(ckey_pkcs8(own, &p8), KMS_OK);
	CHECK_RC(h->ops->key_open(h, &c, &specs[0], secret_slice(&p8), &k), KMS_OK);
	CHECK_RC(h->ops->begin(h, &c, k, USE_SIGN, &sign, &u), KMS_OK);
	CHECK_RC(use_once(u, BYTES("sample"), &out, &need), KMS_OK);
	ck_assert_uint_eq(out.len, 64);
	CHECK_RC(h->ops->derive(h, &c, k, &ecdh, &z), KMS_OK);
	CHECK_RC(crypto_ecdh(own, hex(P256_Q), &z2), KMS_OK);
	CHECK_BYTES(secret_slice(&z), secret_slice(&z2));
	ecdh.alg = ALG_ECDSA;
	CHECK_RC(h->ops->derive(h, &c, k, &ecdh, &z), KMS_NOTSUP);
	/* A use outlives the key's handle. */
	h->ops->key_close(h, k);
	CHECK_RC(use_restart(u, &sign), KMS_OK);
	CHECK_RC(use_once(u, BYTES("sample"), &out, &need), KMS_OK);
	use_free(u);
	ckey_unref(own);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("soft");
	TCase *c = tcase_create("soft");

	tcase_add_loop_test(c, generated_material_opens_with_its_spec_alone, 0, ARRAY_LEN(specs));
	tcase_add_test(c, imports_are_checked_against_their_spec);
	tcase_add_test(c, an_opened_key_signs_and_derives);
	suite_add_tcase(s, c);
	return unit_main(s);
}
