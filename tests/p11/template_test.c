/* SPDX-License-Identifier: Apache-2.0 */
/* Templates that claim or combine what cannot be, however an object is made. */
#include "tests/p11/matrix.h"

#include <openssl/evp.h>
#include <openssl/x509.h>

/* -- what follows from the value ------------------------------------------------------------- */

/* The first three bytes of SHA-1 of a generic secret of 16 bytes. */
static void
check_value(CK_BYTE ret[3])
{
	CK_BYTE hash[20];

	EVP_Digest(secret_value, 16, hash, NULL, EVP_sha1(), NULL);
	memcpy(ret, hash, 3);
}

static CK_RV
unwrap_with_check_value(const CK_BYTE *value, size_t n)
{
	CK_MECHANISM m = { CKM_AES_KEY_WRAP, NULL, 0 };
	CK_OBJECT_HANDLE w = import_secret(hs, CKK_AES, secret_value, 32), back;
	CK_OBJECT_HANDLE key = import_secret(hs, CKK_GENERIC_SECRET, secret_value, 16);
	CK_BYTE wrapped[64];
	CK_ULONG len = sizeof(wrapped);
	struct tmpl t = { .n = 0 };

	CHECK_OK(p11->C_WrapKey(hs, &m, w, key, wrapped, &len));
	t_secret(&t, CKK_GENERIC_SECRET);
	t_bytes(&t, CKA_CHECK_VALUE, value, n);
	return p11->C_UnwrapKey(hs, &m, w, wrapped, len, t.v, t.n, &back);
}

START_TEST(an_unwrapped_key_must_have_the_check_value_that_its_template_says)
{
	CK_BYTE right[3];

	check_value(right);
	CHECK_OK(unwrap_with_check_value(right, 3));
	CHECK_OK(unwrap_with_check_value(NULL, 0));
	right[2] ^= 1;
	CHECK_RV(unwrap_with_check_value(right, 3), CKR_ATTRIBUTE_VALUE_INVALID);
	CHECK_RV(unwrap_with_check_value(right, 2), CKR_ATTRIBUTE_VALUE_INVALID);
}
END_TEST

START_TEST(a_derived_key_must_have_the_check_value_that_its_template_says)
{
	CK_ECDH1_DERIVE_PARAMS p = { .kdf = CKD_NULL };
	CK_MECHANISM m = { CKM_ECDH1_DERIVE, &p, sizeof(p) };
	CK_OBJECT_HANDLE base = import_private(CKK_EC, true), key;
	CK_BYTE right[3];
	struct tmpl t = { .n = 0 };
	size_t n;

	p.pPublicData = (CK_BYTE *)(uintptr_t)ref_peer_point(&n);
	p.ulPublicDataLen = n;
	t_secret(&t, CKK_GENERIC_SECRET);
	CHECK_OK(p11->C_DeriveKey(hs, &m, base, t.v, t.n, &key));
	get_bytes(key, CKA_CHECK_VALUE, right, sizeof(right));
	t_bytes(&t, CKA_CHECK_VALUE, right, sizeof(right));
	CHECK_OK(p11->C_DeriveKey(hs, &m, base, t.v, t.n, &key));
	right[0] ^= 1;
	CHECK_RV(p11->C_DeriveKey(hs, &m, base, t.v, t.n, &key), CKR_ATTRIBUTE_VALUE_INVALID);
}
END_TEST

START_TEST(nobody_knows_the_check_value_of_a_key_before_it_is_generated)
{
	struct tmpl t = { .n = 0 };
	CK_OBJECT_HANDLE key;

	for (int token = 0; token < 2; token++) {
		t.n = 0;
		t_secret(&t, CKK_AES);
		t_set_bool(&t, CKA_TOKEN, token != 0);
		t_ulong(&t, CKA_VALUE_LEN, 16);
		t_bytes(&t, CKA_CHECK_VALUE, NULL, 0);
		CHECK_OK(generate_secret(hs, CKM_AES_KEY_GEN, &t, &key));
		t_drop(&t, CKA_CHECK_VALUE);
		t_bytes(&t, CKA_CHECK_VALUE, "abc", 3);
		CHECK_RV(generate_secret(hs, CKM_AES_KEY_GEN, &t, &key),
		    CKR_ATTRIBUTE_VALUE_INVALID);
	}
}
END_TEST

START_TEST(an_unwrapped_key_must_have_the_public_half_that_its_template_says)
{
	CK_MECHANISM m = { CKM_AES_KEY_WRAP_KWP, NULL, 0 };
	CK_OBJECT_HANDLE w = import_secret(hs, CKK_AES, secret_value, 32), back;
	CK_OBJECT_HANDLE key = import_private(CKK_EC, true);
	CK_BYTE wrapped[256], info[128];
	CK_ULONG len = sizeof(wrapped), n = get_bytes(key, CKA_PUBLIC_KEY_INFO, info, sizeof(info));
	struct tmpl t = { .n = 0 };

	CHECK_OK(p11->C_WrapKey(hs, &m, w, key, wrapped, &len));
	t_private(&t, CKK_EC);
	t_bytes(&t, CKA_PUBLIC_KEY_INFO, info, n);
	CHECK_OK(p11->C_UnwrapKey(hs, &m, w, wrapped, len, t.v, t.n, &back));
	info[n - 1] ^= 1;
	CHECK_RV(p11->C_UnwrapKey(hs, &m, w, wrapped, len, t.v, t.n, &back),
	    CKR_ATTRIBUTE_VALUE_INVALID);
}
END_TEST

/* A self-signed certificate by libcrypto. */
static size_t
make_cert(CK_BYTE *der)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x = X509_new();
	int n;

	X509_gmtime_adj(X509_getm_notBefore(x), 0);
	X509_gmtime_adj(X509_getm_notAfter(x), 86400);
	X509_set_pubkey(x, key);
	X509_sign(x, key, EVP_sha256());
	n = i2d_X509(x, &der);
	X509_free(x);
	EVP_PKEY_free(key);
	return (size_t)n;
}

/* A certificate that is elsewhere, or (DER) here. */
static void
t_cert(struct tmpl *t, const CK_BYTE *der, size_t n)
{
	t_ulong(t, CKA_CLASS, CKO_CERTIFICATE);
	t_ulong(t, CKA_CERTIFICATE_TYPE, CKC_X_509);
	t_bytes(t, CKA_SUBJECT, "\x30\x00", 2);
	t_bytes(t, CKA_VALUE, der, n);
	if (n == 0)
		t_text(t, CKA_URL, "https://example.com/cert");
}

START_TEST(what_a_template_says_of_a_certificate_must_be_so)
{
	CK_BYTE der[2048], hash[20], got[8];
	size_t n = make_cert(der);
	CK_OBJECT_HANDLE o;
	struct tmpl t = { .n = 0 };

	EVP_Digest(der, n, hash, NULL, EVP_sha1(), NULL);
	t_cert(&t, der, n);
	t_bytes(&t, CKA_CHECK_VALUE, hash, 3);
	CHECK_OK(create(hs, &t, &o));
	hash[0] ^= 1;
	CHECK_RV(create(hs, &t, &o), CKR_ATTRIBUTE_VALUE_INVALID);
	t.n = 0;
	t_cert(&t, NULL, 0);
	CHECK_OK(create(hs, &t, &o));
	ck_assert_uint_eq(get_bytes(o, CKA_CHECK_VALUE, got, sizeof(got)), 0);
	t_bytes(&t, CKA_CHECK_VALUE, hash, 3);
	CHECK_RV(create(hs, &t, &o), CKR_ATTRIBUTE_VALUE_INVALID);
	t.n = 0;
	t_cert(&t, NULL, 0);
	t_bytes(&t, CKA_PUBLIC_KEY_INFO, "\x30\x00", 2);
	CHECK_RV(create(hs, &t, &o), CKR_ATTRIBUTE_VALUE_INVALID);
}
END_TEST

START_TEST(no_number_of_a_private_key_is_zero)
{
	static const CK_ATTRIBUTE_TYPE numbers[] = { CKA_PRIVATE_EXPONENT, CKA_PRIME_1, CKA_PRIME_2,
		CKA_EXPONENT_1, CKA_EXPONENT_2, CKA_COEFFICIENT };
	static const CK_BYTE zero[32];
	CK_OBJECT_HANDLE o;
	struct tmpl t;

	for (size_t i = 0; i < N(numbers); i++) {
		t.n = 0;
		t_known_private(&t, CKK_RSA);
		t_drop(&t, numbers[i]);
		t_bytes(&t, numbers[i], zero, sizeof(zero));
		CHECK_RV(create(hs, &t, &o), CKR_ATTRIBUTE_VALUE_INVALID);
	}
	t.n = 0;
	t_known_private(&t, CKK_EC);
	t_drop(&t, CKA_VALUE);
	t_bytes(&t, CKA_VALUE, zero, sizeof(zero));
	CHECK_RV(create(hs, &t, &o), CKR_ATTRIBUTE_VALUE_INVALID);
}
END_TEST

/* -- what goes together ---------------------------------------------------------------------- */

START_TEST(only_a_private_object_asks_for_the_pin_each_time)
{
	CK_MECHANISM m = { CKM_EC_KEY_PAIR_GEN, NULL, 0 };
	CK_OBJECT_HANDLE pub, priv;
	struct tmpl t = { .n = 0 }, a = { .n = 0 };

	t_known_private(&t, CKK_EC);
	t_bool(&t, CKA_ALWAYS_AUTHENTICATE, true);
	CHECK_RV(create(hs, &t, &priv), CKR_TEMPLATE_INCONSISTENT);
	t_set_bool(&t, CKA_PRIVATE, true);
	CHECK_OK(create(hs, &t, &priv));
	t_public(&a, CKK_EC);
	t_bytes(&a, CKA_EC_PARAMS, ec_p256, sizeof(ec_p256));
	t.n = 0;
	t_private(&t, CKK_EC);
	t_bool(&t, CKA_ALWAYS_AUTHENTICATE, true);
	CHECK_RV(p11->C_GenerateKeyPair(hs, &m, a.v, a.n, t.v, t.n, &pub, &priv),
	    CKR_TEMPLATE_INCONSISTENT);
}
END_TEST

START_TEST(an_inner_template_names_an_attribute_once)
{
	CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
	CK_ATTRIBUTE inner[] = { { CKA_EXTRACTABLE, &no, 1 }, { CKA_EXTRACTABLE, &yes, 1 } };
	CK_OBJECT_HANDLE o;
	struct tmpl t = { .n = 0 };

	t_secret(&t, CKK_AES);
	t_bytes(&t, CKA_VALUE, secret_value, 32);
	t_bytes(&t, CKA_UNWRAP_TEMPLATE, inner, sizeof(inner));
	CHECK_RV(create(hs, &t, &o), CKR_ATTRIBUTE_VALUE_INVALID);
	inner[1].type = CKA_WRAP;
	CHECK_OK(create(hs, &t, &o));
}
END_TEST

/* -- copying --------------------------------------------------------------------------------- */

START_TEST(a_copy_of_data_takes_the_value_that_its_template_gives)
{
	for (int i = 0; i < 4; i++) {
		bool token = (i & 1) != 0, private = (i & 2) != 0;
		struct tmpl t = { .n = 0 }, change = { .n = 0 };
		CK_OBJECT_HANDLE o, copy;
		CK_BYTE got[16];

		t_ulong(&t, CKA_CLASS, CKO_DATA);
		t_bool(&t, CKA_TOKEN, token);
		t_bool(&t, CKA_PRIVATE, private);
		t_text(&t, CKA_VALUE, "before");
		CHECK_OK(create(hs, &t, &o));
		t_text(&change, CKA_VALUE, "after");
		CHECK_OK(p11->C_CopyObject(hs, o, change.v, change.n, &copy));
		ck_assert_uint_eq(get_bytes(copy, CKA_VALUE, got, sizeof(got)), 5);
		ck_assert_mem_eq(got, "after", 5);
		ck_assert_uint_eq(get_bytes(o, CKA_VALUE, got, sizeof(got)), 6);
	}
}
END_TEST

/* A key pair in the token, and the private half's copy in the session. */
static CK_OBJECT_HANDLE
make_view(CK_OBJECT_HANDLE *priv)
{
	CK_MECHANISM m = { CKM_EC_KEY_PAIR_GEN, NULL, 0 };
	CK_OBJECT_HANDLE pub, view = 0;
	struct tmpl t = { .n = 0 }, a = { .n = 0 }, to_session = { .n = 0 };

	t_public(&a, CKK_EC);
	t_bytes(&a, CKA_EC_PARAMS, ec_p256, sizeof(ec_p256));
	t_private(&t, CKK_EC);
	t_set_bool(&t, CKA_TOKEN, true);
	CHECK_OK(p11->C_GenerateKeyPair(hs, &m, a.v, a.n, t.v, t.n, &pub, priv));
	t_bool(&to_session, CKA_TOKEN, false);
	CHECK_OK(p11->C_CopyObject(hs, *priv, to_session.v, to_session.n, &view));
	return view;
}

START_TEST(a_session_s_copy_of_a_token_key_ends_with_it)
{
	CK_ECDH1_DERIVE_PARAMS p = { .kdf = CKD_NULL };
	CK_MECHANISM kwp = { CKM_AES_KEY_WRAP_KWP, NULL, 0 },
		     ecdh = { CKM_ECDH1_DERIVE, &p, sizeof(p) };
	CK_OBJECT_HANDLE priv, o, view = make_view(&priv);
	CK_OBJECT_HANDLE w = import_secret(hs, CKK_AES, secret_value, 32);
	CK_BYTE out[512];
	CK_ULONG n = sizeof(out);
	size_t len;

	p.pPublicData = (CK_BYTE *)(uintptr_t)ref_peer_point(&len);
	p.ulPublicDataLen = len;
	CHECK_OK(use_ec(hs, view));
	CHECK_OK(p11->C_WrapKey(hs, &kwp, w, view, out, &n));
	CHECK_OK(p11->C_DeriveKey(hs, &ecdh, view, NULL, 0, &o));
	CHECK_OK(p11->C_DestroyObject(hs, priv));
	CHECK_RV(use_ec(hs, view), CKR_KEY_HANDLE_INVALID);
	n = sizeof(out);
	CHECK_RV(p11->C_WrapKey(hs, &kwp, w, view, out, &n), CKR_KEY_HANDLE_INVALID);
	CHECK_RV(p11->C_DeriveKey(hs, &ecdh, view, NULL, 0, &o), CKR_KEY_HANDLE_INVALID);
	CHECK_RV(p11->C_CopyObject(hs, view, NULL, 0, &o), CKR_OBJECT_HANDLE_INVALID);
	CHECK_OK(p11->C_DestroyObject(hs, view));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("p11 template");
	TCase *t = tcase_create("claims");

	tcase_add_unchecked_fixture(t, matrix_keys, NULL);
	tcase_add_checked_fixture(t, p11_setup_user, p11_teardown);
	tcase_add_test(t, an_unwrapped_key_must_have_the_check_value_that_its_template_says);
	tcase_add_test(t, a_derived_key_must_have_the_check_value_that_its_template_says);
	tcase_add_test(t, nobody_knows_the_check_value_of_a_key_before_it_is_generated);
	tcase_add_test(t, an_unwrapped_key_must_have_the_public_half_that_its_template_says);
	tcase_add_test(t, what_a_template_says_of_a_certificate_must_be_so);
	tcase_add_test(t, no_number_of_a_private_key_is_zero);
	tcase_add_test(t, only_a_private_object_asks_for_the_pin_each_time);
	tcase_add_test(t, an_inner_template_names_an_attribute_once);
	tcase_add_test(t, a_copy_of_data_takes_the_value_that_its_template_gives);
	tcase_add_test(t, a_session_s_copy_of_a_token_key_ends_with_it);
	suite_add_tcase(s, t);
	return p11_main(s);
}
