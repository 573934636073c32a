/* SPDX-License-Identifier: Apache-2.0 */
/* Vendor-defined keys and mechanisms, SM2 and SM4: their numbers, templates, signers and wrapping.
 * What they have in common with all mechanisms is in the matrix. */
#include "tests/p11/matrix.h"

static const CK_BYTE ec_sm2[] = { 6, 8, 0x2a, 0x81, 0x1c, 0xcf, 0x55, 1, 0x82, 0x2d };

/* Applications are compiled with them. */
START_TEST(the_numbers_are_those_that_were_published)
{
	static const struct {
		CK_ULONG is, was;
	} numbers[] = {
		{ CKK_KMS_SM2, 0xcb4d0001 },
		{ CKK_KMS_SM4, 0xcb4d0002 },
		{ CKM_KMS_SM3, 0xcb4d0100 },
		{ CKM_KMS_SM3_HMAC, 0xcb4d0101 },
		{ CKM_KMS_SM3_HMAC_GENERAL, 0xcb4d0102 },
		{ CKM_KMS_SM2_KEY_PAIR_GEN, 0xcb4d0110 },
		{ CKM_KMS_SM2DSA, 0xcb4d0111 },
		{ CKM_KMS_SM2DSA_SM3, 0xcb4d0112 },
		{ CKM_KMS_SM2PKE, 0xcb4d0113 },
		{ CKM_KMS_SM4_KEY_GEN, 0xcb4d0120 },
		{ CKM_KMS_SM4_ECB, 0xcb4d0121 },
		{ CKM_KMS_SM4_CBC, 0xcb4d0122 },
		{ CKM_KMS_SM4_CBC_PAD, 0xcb4d0123 },
		{ CKM_KMS_SM4_CTR, 0xcb4d0124 },
	};

	for (size_t i = 0; i < N(numbers); i++)
		ck_assert_uint_eq(numbers[i].is, numbers[i].was);
}
END_TEST

/* -- generation -- */

static CK_RV
generate_pair(CK_MECHANISM_TYPE type, const CK_BYTE *params, size_t len, CK_OBJECT_HANDLE *pub,
    CK_OBJECT_HANDLE *priv)
{
	CK_KEY_TYPE key = type == CKM_EC_KEY_PAIR_GEN ? CKK_EC : CKK_KMS_SM2;
	CK_MECHANISM m = { type, NULL, 0 };
	struct tmpl a = { .n = 0 }, b = { .n = 0 };

	t_public(&a, key);
	t_private(&b, key);
	if (params != NULL)
		t_bytes(&a, CKA_EC_PARAMS, params, len);
	return p11->C_GenerateKeyPair(hs, &m, a.v, a.n, b.v, b.n, pub, priv);
}

START_TEST(an_sm2_pair_need_not_name_its_curve)
{
	CK_OBJECT_HANDLE pub, priv;
	CK_BYTE got[128];

	for (int named = 0; named < 2; named++) {
		CHECK_OK(generate_pair(CKM_KMS_SM2_KEY_PAIR_GEN, named ? ec_sm2 : NULL,
		    sizeof(ec_sm2), &pub, &priv));
		ck_assert_uint_eq(get_ulong(priv, CKA_KEY_TYPE), CKK_KMS_SM2);
		ck_assert_uint_eq(get_bytes(pub, CKA_EC_PARAMS, got, sizeof(got)), sizeof(ec_sm2));
		ck_assert_mem_eq(got, ec_sm2, sizeof(ec_sm2));
		ck_assert_uint_eq(get_bytes(pub, CKA_EC_POINT, got, sizeof(got)), 67);
		ck_assert_uint_eq(get_bytes(priv, CKA_VALUE, got, sizeof(got)), 32);
	}
}
END_TEST

START_TEST(each_curve_belongs_to_its_mechanism)
{
	CK_OBJECT_HANDLE pub, priv;

	CHECK_RV(generate_pair(CKM_KMS_SM2_KEY_PAIR_GEN, ec_p256, sizeof(ec_p256), &pub, &priv),
	    CKR_CURVE_NOT_SUPPORTED);
	CHECK_RV(generate_pair(CKM_EC_KEY_PAIR_GEN, ec_sm2, sizeof(ec_sm2), &pub, &priv),
	    CKR_CURVE_NOT_SUPPORTED);
}
END_TEST

START_TEST(an_sm4_key_has_16_bytes)
{
	CK_OBJECT_HANDLE key = CK_INVALID_HANDLE;
	struct tmpl t = { .n = 0 };

	t_secret(&t, CKK_KMS_SM4);
	t_ulong(&t, CKA_VALUE_LEN, 32);
	CHECK_RV(generate_secret(hs, CKM_KMS_SM4_KEY_GEN, &t, &key), CKR_ATTRIBUTE_VALUE_INVALID);
	t_drop(&t, CKA_VALUE_LEN);
	t_ulong(&t, CKA_VALUE_LEN, 16);
	CHECK_OK(generate_secret(hs, CKM_KMS_SM4_KEY_GEN, &t, &key));
	ck_assert_uint_eq(get_ulong(key, CKA_VALUE_LEN), 16);
	t_drop(&t, CKA_VALUE_LEN);
	t_bytes(&t, CKA_VALUE, secret_value, 32);
	CHECK_RV(create(hs, &t, &key), CKR_ATTRIBUTE_VALUE_INVALID);
}
END_TEST

START_TEST(keys_of_the_token_are_found_and_used_again)
{
	CK_MECHANISM m = { CKM_KMS_SM2DSA_SM3, NULL, 0 };
	CK_OBJECT_HANDLE pub, found;
	struct tmpl t = { .n = 0 }, q = { .n = 0 };
	CK_BYTE sig[64];
	CK_ULONG n = sizeof(sig);

	t_bool(&t, CKA_TOKEN, true);
	t_text(&t, CKA_LABEL, "kept");
	CHECK_OK(p11->C_CopyObject(hs, import_private(CKK_KMS_SM2, true), t.v, t.n, &found));
	CHECK_OK(p11->C_Finalize(NULL));
	CHECK_OK(p11_init());
	hs = p11_open(true);
	CHECK_OK(p11->C_Login(hs, CKU_USER, BYTES(USER_PIN)));
	pub = import_public(CKK_KMS_SM2, true);
	t_text(&q, CKA_LABEL, "kept");
	t_ulong(&q, CKA_KEY_TYPE, CKK_KMS_SM2);
	ck_assert_uint_eq(find_all(hs, &q, &found), 1);
	CHECK_OK(p11->C_SignInit(hs, &m, found));
	CHECK_OK(p11->C_Sign(hs, BYTES("message"), sig, &n));
	CHECK_OK(p11->C_VerifyInit(hs, &m, pub));
	CHECK_OK(p11->C_Verify(hs, BYTES("message"), sig, n));
}
END_TEST

/* -- signers -- */

static CK_RV
verify_by(CK_OBJECT_HANDLE pub, void *id, CK_ULONG id_len, CK_BYTE *sig, CK_ULONG n)
{
	CK_MECHANISM m = { CKM_KMS_SM2DSA_SM3, id, id_len };

	CHECK_OK(p11->C_VerifyInit(hs, &m, pub));
	return p11->C_Verify(hs, BYTES("message"), sig, n);
}

START_TEST(a_signature_is_its_signers)
{
	CK_BYTE alice[] = "ALICE123@YAHOO.COM", nobody[] = "1234567812345678", sig[64];
	CK_MECHANISM m = { CKM_KMS_SM2DSA_SM3, alice, sizeof(alice) - 1 };
	CK_OBJECT_HANDLE priv = import_private(CKK_KMS_SM2, true),
			 pub = import_public(CKK_KMS_SM2, true);
	CK_ULONG n = sizeof(sig);

	CHECK_OK(p11->C_SignInit(hs, &m, priv));
	CHECK_OK(p11->C_Sign(hs, BYTES("message"), sig, &n));
	CHECK_OK(verify_by(pub, alice, sizeof(alice) - 1, sig, n));
	CHECK_RV(verify_by(pub, NULL, 0, sig, n), CKR_SIGNATURE_INVALID);
	/* Nobody is somebody. */
	m = (CK_MECHANISM){ CKM_KMS_SM2DSA_SM3, NULL, 0 };
	CHECK_OK(p11->C_SignInit(hs, &m, priv));
	CHECK_OK(p11->C_Sign(hs, BYTES("message"), sig, &n));
	CHECK_OK(verify_by(pub, nobody, sizeof(nobody) - 1, sig, n));
	CHECK_RV(verify_by(pub, alice, sizeof(alice) - 1, sig, n), CKR_SIGNATURE_INVALID);
}
END_TEST

START_TEST(an_id_without_bytes_or_of_too_many_is_refused)
{
	static CK_BYTE id[8192];
	CK_OBJECT_HANDLE priv = import_private(CKK_KMS_SM2, true);
	CK_MECHANISM m = { CKM_KMS_SM2DSA_SM3, id, sizeof(id) };

	CHECK_RV(p11->C_SignInit(hs, &m, priv), CKR_MECHANISM_PARAM_INVALID);
	m.pParameter = NULL;
	m.ulParameterLen = 5;
	CHECK_RV(p11->C_SignInit(hs, &m, priv), CKR_MECHANISM_PARAM_INVALID);
	m = (CK_MECHANISM){ CKM_KMS_SM2DSA_SM3, id, sizeof(id) - 1 };
	CHECK_OK(p11->C_SignInit(hs, &m, priv));
}
END_TEST

/* -- wrapping -- */

START_TEST(sm2_carries_an_sm4_key)
{
	CK_MECHANISM m = { CKM_KMS_SM2PKE, NULL, 0 };
	CK_OBJECT_HANDLE priv = import_private(CKK_KMS_SM2, true),
			 pub = import_public(CKK_KMS_SM2, true), back = CK_INVALID_HANDLE;
	CK_OBJECT_HANDLE key = import_secret(hs, CKK_KMS_SM4, secret_value, 16);
	CK_BYTE wrapped[512], got[16];
	CK_ULONG n = sizeof(wrapped);
	struct tmpl t = { .n = 0 };

	CHECK_OK(p11->C_WrapKey(hs, &m, pub, key, wrapped, &n));
	t_secret(&t, CKK_KMS_SM4);
	CHECK_OK(p11->C_UnwrapKey(hs, &m, priv, wrapped, n, t.v, t.n, &back));
	ck_assert_uint_eq(get_bytes(back, CKA_VALUE, got, sizeof(got)), 16);
	ck_assert_mem_eq(got, secret_value, 16);
	/* 32 bytes are no SM4 key. */
	key = import_secret(hs, CKK_AES, secret_value, 32);
	n = sizeof(wrapped);
	CHECK_OK(p11->C_WrapKey(hs, &m, pub, key, wrapped, &n));
	CHECK_RV(p11->C_UnwrapKey(hs, &m, priv, wrapped, n, t.v, t.n, &back),
	    CKR_WRAPPED_KEY_LEN_RANGE);
}
END_TEST

START_TEST(an_sm2_key_under_sm4_comes_back_as_sm2_alone)
{
	CK_BYTE iv[16] = { 1 }, wrapped[1024], a[32], b[32];
	CK_MECHANISM m = { CKM_KMS_SM4_CBC_PAD, iv, sizeof(iv) };
	CK_OBJECT_HANDLE priv = import_private(CKK_KMS_SM2, true), back = CK_INVALID_HANDLE;
	CK_OBJECT_HANDLE key = import_secret(hs, CKK_KMS_SM4, secret_value, 16);
	CK_ULONG n = sizeof(wrapped);
	struct tmpl t = { .n = 0 }, as_ec = { .n = 0 };

	CHECK_OK(p11->C_WrapKey(hs, &m, key, priv, wrapped, &n));
	t_private(&t, CKK_KMS_SM2);
	CHECK_OK(p11->C_UnwrapKey(hs, &m, key, wrapped, n, t.v, t.n, &back));
	ck_assert_uint_eq(get_bytes(back, CKA_VALUE, b, sizeof(b)), 32);
	ck_assert_uint_eq(get_bytes(priv, CKA_VALUE, a, sizeof(a)), 32);
	ck_assert_mem_eq(a, b, 32);
	t_private(&as_ec, CKK_EC);
	CHECK_RV(p11->C_UnwrapKey(hs, &m, key, wrapped, n, as_ec.v, as_ec.n, &back),
	    CKR_WRAPPED_KEY_INVALID);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { the_numbers_are_those_that_were_published,
		an_sm2_pair_need_not_name_its_curve, each_curve_belongs_to_its_mechanism,
		an_sm4_key_has_16_bytes, keys_of_the_token_are_found_and_used_again,
		a_signature_is_its_signers, an_id_without_bytes_or_of_too_many_is_refused,
		sm2_carries_an_sm4_key, an_sm2_key_under_sm4_comes_back_as_sm2_alone };
	Suite *s = suite_create("p11 SM family");
	TCase *t = tcase_create("sm");

	tcase_add_unchecked_fixture(t, matrix_keys, NULL);
	tcase_add_checked_fixture(t, p11_setup_user, p11_teardown);
	for (size_t i = 0; i < N(tests); i++)
		tcase_add_test(t, tests[i]);
	suite_add_tcase(s, t);
	return p11_main(s);
}
