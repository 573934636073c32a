/* SPDX-License-Identifier: Apache-2.0 */
/* What each attribute's rules allow: those that go one way only, those that protect an object, and
 * those whose value the token itself answers for. */
#include "tests/p11/classes.h"

#include <openssl/evp.h>
#include <openssl/x509.h>

START_TEST(sensitive_and_extractable_go_one_way)
{
	CK_OBJECT_HANDLE o = make((enum what)_i, "key"), copy;
	CK_ATTRIBUTE_TYPE secret_part = _i == RSA_PRIV ? CKA_PRIVATE_EXPONENT : CKA_VALUE;
	struct tmpl t = { .n = 0 };

	if (!is_secret((enum what)_i) && !is_private((enum what)_i))
		return;
	CHECK_OK(get_rv(o, secret_part));
	CHECK_OK(set_bool(o, CKA_SENSITIVE, true));
	CHECK_RV(get_rv(o, secret_part), CKR_ATTRIBUTE_SENSITIVE);
	CHECK_RV(set_bool(o, CKA_SENSITIVE, false), CKR_ATTRIBUTE_READ_ONLY);
	CHECK_OK(set_bool(o, CKA_SENSITIVE, true));
	CHECK_OK(set_bool(o, CKA_EXTRACTABLE, false));
	CHECK_RV(set_bool(o, CKA_EXTRACTABLE, true), CKR_ATTRIBUTE_READ_ONLY);
	CHECK_OK(set_bool(o, CKA_WRAP_WITH_TRUSTED, true));
	CHECK_RV(set_bool(o, CKA_WRAP_WITH_TRUSTED, false), CKR_ATTRIBUTE_READ_ONLY);
	t_bool(&t, CKA_SENSITIVE, false);
	CHECK_RV(p11->C_CopyObject(hs, o, t.v, t.n, &copy), CKR_ATTRIBUTE_READ_ONLY);
	t.n = 0;
	t_bool(&t, CKA_EXTRACTABLE, true);
	CHECK_RV(p11->C_CopyObject(hs, o, t.v, t.n, &copy), CKR_ATTRIBUTE_READ_ONLY);
	CHECK_OK(p11->C_CopyObject(hs, o, NULL, 0, &copy));
	ck_assert(get_bool(copy, CKA_SENSITIVE) && !get_bool(copy, CKA_EXTRACTABLE));
	ck_assert(!get_bool(copy, CKA_ALWAYS_SENSITIVE) && !get_bool(copy, CKA_NEVER_EXTRACTABLE));
}
END_TEST

START_TEST(an_unextractable_key_tells_nothing_even_when_not_sensitive)
{
	struct tmpl t = { .n = 0 };
	CK_OBJECT_HANDLE o;

	if (!is_secret((enum what)_i) && !is_private((enum what)_i))
		return;
	t_class(&t, (enum what)_i, "key");
	t_set_bool(&t, CKA_EXTRACTABLE, false);
	CHECK_OK(create(hs, &t, &o));
	CHECK_RV(get_rv(o, _i == RSA_PRIV ? CKA_PRIME_1 : CKA_VALUE), CKR_ATTRIBUTE_SENSITIVE);
}
END_TEST

START_TEST(secrets_cannot_be_found_by_guessing)
{
	struct tmpl t = { .n = 0 };
	CK_OBJECT_HANDLE o;

	t_class(&t, AES, "key");
	t_set_bool(&t, CKA_SENSITIVE, true);
	CHECK_OK(create(hs, &t, &o));
	t.n = 0;
	t_bytes(&t, CKA_VALUE, secret_value, 32);
	ck_assert_uint_eq(find_all(hs, &t, NULL), 0);
}
END_TEST

START_TEST(import_generate_and_copy_tell_where_a_key_comes_from)
{
	CK_OBJECT_HANDLE imported = make(AES, "a"), generated, copy, pub, priv;
	struct tmpl t = { .n = 0 };

	ck_assert(!get_bool(imported, CKA_LOCAL) && !get_bool(imported, CKA_ALWAYS_SENSITIVE));
	ck_assert(!get_bool(imported, CKA_NEVER_EXTRACTABLE));
	ck_assert_uint_eq(get_ulong(imported, CKA_KEY_GEN_MECHANISM), CK_UNAVAILABLE_INFORMATION);

	t_secret(&t, CKK_AES);
	t_ulong(&t, CKA_VALUE_LEN, 32);
	t_set_bool(&t, CKA_SENSITIVE, true);
	t_set_bool(&t, CKA_EXTRACTABLE, false);
	CHECK_OK(generate_secret(hs, CKM_AES_KEY_GEN, &t, &generated));
	ck_assert(get_bool(generated, CKA_LOCAL) && get_bool(generated, CKA_ALWAYS_SENSITIVE));
	ck_assert(get_bool(generated, CKA_NEVER_EXTRACTABLE));
	ck_assert_uint_eq(get_ulong(generated, CKA_KEY_GEN_MECHANISM), CKM_AES_KEY_GEN);
	CHECK_OK(p11->C_CopyObject(hs, generated, NULL, 0, &copy));
	ck_assert(get_bool(copy, CKA_ALWAYS_SENSITIVE) && get_bool(copy, CKA_NEVER_EXTRACTABLE));

	t_set_bool(&t, CKA_SENSITIVE, false);
	t_set_bool(&t, CKA_EXTRACTABLE, true);
	CHECK_OK(generate_secret(hs, CKM_AES_KEY_GEN, &t, &generated));
	ck_assert(get_bool(generated, CKA_LOCAL) && !get_bool(generated, CKA_ALWAYS_SENSITIVE));
	ck_assert(!get_bool(generated, CKA_NEVER_EXTRACTABLE));
	CHECK_OK(set_bool(generated, CKA_SENSITIVE, true));
	CHECK_OK(set_bool(generated, CKA_EXTRACTABLE, false));
	ck_assert(!get_bool(generated, CKA_ALWAYS_SENSITIVE) &&
	    !get_bool(generated, CKA_NEVER_EXTRACTABLE));

	make_ec(hs, false, "pair", &pub, &priv);
	ck_assert(get_bool(pub, CKA_LOCAL) && get_bool(priv, CKA_LOCAL));
	ck_assert_uint_eq(get_ulong(priv, CKA_KEY_GEN_MECHANISM), CKM_EC_KEY_PAIR_GEN);
}
END_TEST

START_TEST(keys_are_sensitive_and_private_unless_said_otherwise)
{
	CK_MECHANISM m = { CKM_EC_KEY_PAIR_GEN, NULL, 0 };
	CK_OBJECT_HANDLE key, pub, priv;
	struct tmpl t = { .n = 0 };

	t_ulong(&t, CKA_VALUE_LEN, 16);
	CHECK_OK(generate_secret(hs, CKM_AES_KEY_GEN, &t, &key));
	ck_assert(!get_bool(key, CKA_TOKEN) && get_bool(key, CKA_PRIVATE));
	t.n = 0;
	t_bytes(&t, CKA_EC_PARAMS, ec_p256, sizeof(ec_p256));
	CHECK_OK(p11->C_GenerateKeyPair(hs, &m, t.v, t.n, NULL, 0, &pub, &priv));
	ck_assert(!get_bool(pub, CKA_PRIVATE) && get_bool(priv, CKA_PRIVATE));
	ck_assert(get_bool(priv, CKA_SENSITIVE));
	ck_assert(get_bool(pub, CKA_MODIFIABLE) && get_bool(pub, CKA_COPYABLE) &&
	    get_bool(pub, CKA_DESTROYABLE));
}
END_TEST

START_TEST(trusted_is_the_so_s_to_give)
{
	CK_OBJECT_HANDLE o;
	struct tmpl t = { .n = 0 };

	t_class(&t, AES, "trusted");
	t_bool(&t, CKA_TRUSTED, true);
	CHECK_IN(create(hs, &t, &o), CKR_ATTRIBUTE_READ_ONLY, CKR_USER_NOT_LOGGED_IN,
	    CKR_TEMPLATE_INCONSISTENT);
	o = make(AES, "plain");
	CHECK_IN(set_bool(o, CKA_TRUSTED, true), CKR_ATTRIBUTE_READ_ONLY, CKR_USER_NOT_LOGGED_IN);
	t.n = 0;
	t_class(&t, AES, "wrapping");
	t_set_bool(&t, CKA_TOKEN, true);
	CHECK_OK(create(hs, &t, &o));
	CHECK_OK(p11->C_Logout(hs));
	p11_login(CKU_SO);
	CHECK_OK(set_bool(o, CKA_TRUSTED, true));
	ck_assert(get_bool(o, CKA_TRUSTED));
	CHECK_OK(p11->C_Logout(hs));
	p11_login(CKU_USER);
	ck_assert(get_bool(o, CKA_TRUSTED));
	for (int token = 0; token < 2; token++) {
		CK_OBJECT_HANDLE copy;

		t.n = 0;
		t_bool(&t, CKA_TOKEN, token);
		CHECK_OK(p11->C_CopyObject(hs, o, t.v, t.n, &copy));
		ck_assert(!get_bool(copy, CKA_TRUSTED));
		t_bool(&t, CKA_TRUSTED, true);
		CHECK_RV(p11->C_CopyObject(hs, o, t.v, t.n, &copy), CKR_ATTRIBUTE_READ_ONLY);
	}
}
END_TEST

START_TEST(objects_that_are_fixed_stay_so)
{
	CK_OBJECT_HANDLE o, copy;
	struct tmpl t = { .n = 0 };

	t_class(&t, (enum what)_i, "fixed");
	t_bool(&t, CKA_MODIFIABLE, false);
	CHECK_OK(create(hs, &t, &o));
	CHECK_RV(set_bytes(o, CKA_LABEL, "x", 1), CKR_ACTION_PROHIBITED);
	t.n = 0;
	t_class(&t, (enum what)_i, "uncopied");
	t_bool(&t, CKA_COPYABLE, false);
	CHECK_OK(create(hs, &t, &o));
	CHECK_RV(p11->C_CopyObject(hs, o, NULL, 0, &copy), CKR_ACTION_PROHIBITED);
	CHECK_RV(set_bool(o, CKA_COPYABLE, true), CKR_ATTRIBUTE_READ_ONLY);
	t.n = 0;
	t_class(&t, (enum what)_i, "kept");
	t_bool(&t, CKA_DESTROYABLE, false);
	CHECK_OK(create(hs, &t, &o));
	CHECK_RV(p11->C_DestroyObject(hs, o), CKR_ACTION_PROHIBITED);
	CHECK_RV(set_bool(o, CKA_DESTROYABLE, true), CKR_ATTRIBUTE_READ_ONLY);
	t.n = 0;
	t_bool(&t, CKA_DESTROYABLE, true); /* 4.1.3: a copy may have it as it likes */
	CHECK_OK(p11->C_CopyObject(hs, o, t.v, t.n, &copy));
	CHECK_OK(p11->C_DestroyObject(hs, copy));
	ck_assert_uint_eq(find_label(hs, "fixed"), 1);
	ck_assert_uint_eq(find_label(hs, "kept"), 1);
}
END_TEST

/* 4.6.3 */
START_TEST(little_of_a_certificate_can_be_changed)
{
	CK_OBJECT_HANDLE o = make(CERT, "cert");

	CHECK_OK(set_bytes(o, CKA_ID, "other", 5));
	CHECK_OK(set_bytes(o, CKA_ISSUER, cert_subject, cert_subject_len));
	CHECK_OK(set_bytes(o, CKA_SERIAL_NUMBER, "\x02\x01\x08", 3));
	CHECK_RV(set_bytes(o, CKA_SUBJECT, "x", 1), CKR_ATTRIBUTE_READ_ONLY);
	CHECK_RV(set_bytes(o, CKA_VALUE, cert, cert_len), CKR_ATTRIBUTE_READ_ONLY);
	CHECK_RV(set_bytes(o, CKA_START_DATE, "20240229", 8), CKR_ATTRIBUTE_READ_ONLY);
	CHECK_RV(set_bytes(o, CKA_END_DATE, "20240229", 8), CKR_ATTRIBUTE_READ_ONLY);
}
END_TEST

/* 4.6.2 */
START_TEST(a_trusted_certificate_cannot_be_changed)
{
	CK_OBJECT_HANDLE o;
	struct tmpl t = { .n = 0 };

	t_class(&t, CERT, "anchor");
	t_set_bool(&t, CKA_TOKEN, true);
	CHECK_OK(create(hs, &t, &o));
	CHECK_OK(p11->C_Logout(hs));
	p11_login(CKU_SO);
	CHECK_OK(set_bool(o, CKA_TRUSTED, true));
	CHECK_OK(p11->C_Logout(hs));
	p11_login(CKU_USER);
	CHECK_RV(set_bytes(o, CKA_LABEL, "x", 1), CKR_ACTION_PROHIBITED);
	CHECK_RV(set_bool(o, CKA_TRUSTED, false), CKR_ACTION_PROHIBITED);
	CHECK_OK(p11->C_Logout(hs));
	p11_login(CKU_SO);
	CHECK_OK(set_bool(o, CKA_TRUSTED, false));
	CHECK_OK(p11->C_Logout(hs));
	p11_login(CKU_USER);
	CHECK_OK(set_bytes(o, CKA_LABEL, "x", 1));
}
END_TEST

/* 4.6.3: its value may be elsewhere, but not nowhere. */
START_TEST(a_certificate_has_a_value_or_says_where_it_is)
{
	CK_OBJECT_HANDLE o;
	struct tmpl t = { .n = 0 };

	t_class(&t, CERT, "elsewhere");
	t_drop(&t, CKA_VALUE);
	t_bytes(&t, CKA_VALUE, "", 0);
	CHECK_RV(create(hs, &t, &o), CKR_ATTRIBUTE_VALUE_INVALID);
	t_text(&t, CKA_URL, "");
	CHECK_RV(create(hs, &t, &o), CKR_ATTRIBUTE_VALUE_INVALID);
	t_drop(&t, CKA_URL);
	t_text(&t, CKA_URL, "http://ca.example/cert");
	CHECK_OK(create(hs, &t, &o));
}
END_TEST

START_TEST(a_failed_change_changes_nothing)
{
	CK_OBJECT_HANDLE o = make((enum what)_i, "before");
	struct tmpl t = { .n = 0 };

	t_text(&t, CKA_LABEL, "after");
	t_bool(&t, CKA_PRIVATE, true);
	CHECK_RV(p11->C_SetAttributeValue(hs, o, t.v, t.n), CKR_ATTRIBUTE_READ_ONLY);
	ck_assert_uint_eq(find_label(hs, "before"), 1);
	ck_assert_uint_eq(find_label(hs, "after"), 0);
	t.n = 0;
	t_text(&t, CKA_LABEL, "after");
	t_text(&t, 0x7654321, "?");
	CHECK_RV(p11->C_SetAttributeValue(hs, o, t.v, t.n), CKR_ATTRIBUTE_TYPE_INVALID);
	ck_assert_uint_eq(find_label(hs, "before"), 1);
}
END_TEST

/* 4.10 */
START_TEST(only_a_private_key_can_ask_for_the_pin_each_time)
{
	CK_OBJECT_HANDLE o;
	struct tmpl t = { .n = 0 };

	t_class(&t, EC_PRIV, "each time");
	t_bool(&t, CKA_ALWAYS_AUTHENTICATE, true);
	t_set_bool(&t, CKA_PRIVATE, false);
	CHECK_RV(create(hs, &t, &o), CKR_TEMPLATE_INCONSISTENT);
	t_set_bool(&t, CKA_PRIVATE, true);
	CHECK_OK(create(hs, &t, &o));
	ck_assert(get_bool(o, CKA_ALWAYS_AUTHENTICATE));
}
END_TEST

START_TEST(allowed_mechanisms_are_the_only_ones)
{
	CK_MECHANISM_TYPE allowed[] = { CKM_AES_CBC, CKM_AES_CTR };
	CK_OBJECT_HANDLE o;
	struct tmpl t = { .n = 0 };
	CK_BYTE iv[16] = { 0 }, got[64];
	CK_MECHANISM cbc = { CKM_AES_CBC, iv, 16 };

	t_class(&t, AES, "few");
	t_bytes(&t, CKA_ALLOWED_MECHANISMS, allowed, sizeof(allowed));
	CHECK_OK(create(hs, &t, &o));
	CHECK_RV(use_aes(hs, o), CKR_MECHANISM_INVALID);
	CHECK_OK(p11->C_EncryptInit(hs, &cbc, o));
	ck_assert_uint_eq(get_bytes(o, CKA_ALLOWED_MECHANISMS, got, sizeof(got)), sizeof(allowed));
	ck_assert_mem_eq(got, allowed, sizeof(allowed));
	t.n = 0;
	t_class(&t, AES, "odd");
	t_bytes(&t, CKA_ALLOWED_MECHANISMS, allowed, sizeof(allowed) - 3);
	CHECK_RV(create(hs, &t, &o), CKR_ATTRIBUTE_VALUE_INVALID);
}
END_TEST

START_TEST(dates_are_kept_and_nonsense_is_refused)
{
	CK_OBJECT_HANDLE o = make(AES, "dated");
	CK_BYTE got[16];

	ck_assert_uint_eq(get_bytes(o, CKA_START_DATE, got, sizeof(got)), 0);
	CHECK_OK(set_bytes(o, CKA_START_DATE, "20240229", 8));
	ck_assert_uint_eq(get_bytes(o, CKA_START_DATE, got, sizeof(got)), 8);
	ck_assert_mem_eq(got, "20240229", 8);
	CHECK_OK(set_bytes(o, CKA_START_DATE, "", 0));
	CHECK_RV(set_bytes(o, CKA_END_DATE, "2024022", 7), CKR_ATTRIBUTE_VALUE_INVALID);
	CHECK_RV(set_bytes(o, CKA_END_DATE, "202A0229", 8), CKR_ATTRIBUTE_VALUE_INVALID);
	CHECK_RV(set_bytes(o, CKA_END_DATE, "20241301", 8), CKR_ATTRIBUTE_VALUE_INVALID);
}
END_TEST

START_TEST(the_check_value_is_the_standard_s)
{
	CK_OBJECT_HANDLE o = make(AES, "kcv"), other;
	CK_BYTE zeros[16] = { 0 }, full[64], kcv[8];
	unsigned n = sizeof(full);
	int len = 0;
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	struct tmpl t = { .n = 0 };

	EVP_EncryptInit_ex2(c, EVP_aes_256_ecb(), secret_value, NULL, NULL);
	EVP_EncryptUpdate(c, full, &len, zeros, 16);
	EVP_CIPHER_CTX_free(c);
	ck_assert_uint_eq(get_bytes(o, CKA_CHECK_VALUE, kcv, sizeof(kcv)), 3);
	ck_assert_mem_eq(kcv, full, 3);
	t_class(&t, AES, "right");
	t_bytes(&t, CKA_CHECK_VALUE, full, 3);
	CHECK_OK(create(hs, &t, &other));
	t.n = 0;
	t_class(&t, AES, "wrong");
	t_bytes(&t, CKA_CHECK_VALUE, "abc", 3);
	CHECK_IN(create(hs, &t, &other), CKR_ATTRIBUTE_VALUE_INVALID, CKR_TEMPLATE_INCONSISTENT);
	EVP_Digest(secret_value, 48, full, &n, EVP_sha1(), NULL);
	o = make(GENERIC, "kcv");
	ck_assert_uint_eq(get_bytes(o, CKA_CHECK_VALUE, kcv, sizeof(kcv)), 3);
	ck_assert_mem_eq(kcv, full, 3);
}
END_TEST

START_TEST(public_key_info_is_the_same_on_both_halves)
{
	CK_BYTE a[800], b[800];
	CK_ULONG n;
	const CK_BYTE *p = a;
	EVP_PKEY *key;
	CK_OBJECT_HANDLE pub = make((enum what)_i, "pub"), priv = make((enum what)(_i + 1), "priv");

	n = get_bytes(pub, CKA_PUBLIC_KEY_INFO, a, sizeof(a));
	ck_assert_uint_gt(n, 0);
	ck_assert_ptr_nonnull(key = d2i_PUBKEY(NULL, &p, (long)n));
	EVP_PKEY_free(key);
	ck_assert_uint_eq(get_bytes(priv, CKA_PUBLIC_KEY_INFO, b, sizeof(b)), n);
	ck_assert_mem_eq(a, b, n);
}
END_TEST

START_TEST(unique_ids_are_unique)
{
	CK_BYTE ids[40][64];
	CK_ULONG n[40];

	for (size_t i = 0; i < N(ids); i++) {
		CK_OBJECT_HANDLE o = make((enum what)(i % CLASSES), "many");
		struct tmpl t = { .n = 0 };

		n[i] = get_bytes(o, CKA_UNIQUE_ID, ids[i], sizeof(ids[i]));
		ck_assert_uint_gt(n[i], 0);
		for (size_t j = 0; j < i; j++)
			ck_assert(n[i] != n[j] || memcmp(ids[i], ids[j], n[i]) != 0);
		t_bytes(&t, CKA_UNIQUE_ID, ids[i], n[i]);
		ck_assert_uint_eq(find_all(hs, &t, NULL), 1);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("p11 attributes");
	TCase *t = tcase_create("attributes");

	tcase_add_unchecked_fixture(t, make_cert, NULL);
	tcase_add_checked_fixture(t, p11_setup_user, p11_teardown);
	tcase_add_loop_test(t, sensitive_and_extractable_go_one_way, 0, CLASSES);
	tcase_add_loop_test(t, an_unextractable_key_tells_nothing_even_when_not_sensitive, 0,
	    CLASSES);
	tcase_add_loop_test(t, objects_that_are_fixed_stay_so, 0, CLASSES);
	tcase_add_loop_test(t, a_failed_change_changes_nothing, 0, CLASSES);
	tcase_add_test(t, little_of_a_certificate_can_be_changed);
	tcase_add_test(t, a_trusted_certificate_cannot_be_changed);
	tcase_add_test(t, a_certificate_has_a_value_or_says_where_it_is);
	tcase_add_test(t, secrets_cannot_be_found_by_guessing);
	tcase_add_test(t, import_generate_and_copy_tell_where_a_key_comes_from);
	tcase_add_test(t, keys_are_sensitive_and_private_unless_said_otherwise);
	tcase_add_test(t, trusted_is_the_so_s_to_give);
	tcase_add_test(t, only_a_private_key_can_ask_for_the_pin_each_time);
	tcase_add_test(t, allowed_mechanisms_are_the_only_ones);
	tcase_add_test(t, dates_are_kept_and_nonsense_is_refused);
	tcase_add_test(t, the_check_value_is_the_standard_s);
	for (int i = RSA_PUB; i < CLASSES; i += 2)
		tcase_add_loop_test(t, public_key_info_is_the_same_on_both_halves, i, i + 1);
	tcase_add_test(t, unique_ids_are_unique);
	suite_add_tcase(s, t);
	return p11_main(s);
}
