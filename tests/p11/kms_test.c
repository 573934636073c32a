/* SPDX-License-Identifier: Apache-2.0 */
/* The KMS behind the token, through PKCS#11: CKM_KMS_ENCRYPT, envelopes of keys, and the same blobs
 * at kmsctl. */
#include <stdio.h>

#include "pkcs11/kms-pkcs11.h"
#include "tests/p11/p11.h"

#define EXTRA 65 /* bytes that a blob has more than the plain text */

static CK_BYTE context[] = "{\"purpose\":\"backup\"}";
static CK_MECHANISM plain_mech = { CKM_KMS_ENCRYPT, NULL, 0 };
static CK_MECHANISM bound_mech = { CKM_KMS_ENCRYPT, context, sizeof(context) - 1 };

static CK_RV
encrypt(CK_MECHANISM *m, CK_OBJECT_HANDLE key, const void *in, CK_ULONG n, CK_BYTE *out,
    CK_ULONG *len)
{
	CK_RV rv = p11->C_EncryptInit(hs, m, key);

	return rv != CKR_OK ? rv : p11->C_Encrypt(hs, (CK_BYTE *)(uintptr_t)in, n, out, len);
}

static CK_RV
decrypt(CK_MECHANISM *m, CK_OBJECT_HANDLE key, CK_BYTE *in, CK_ULONG n, CK_BYTE *out, CK_ULONG *len)
{
	CK_RV rv = p11->C_DecryptInit(hs, m, key);

	return rv != CKR_OK ? rv : p11->C_Decrypt(hs, in, n, out, len);
}

START_TEST(what_is_encrypted_decrypts_under_the_same_context_alone)
{
	static CK_BYTE swapped[] = "{\"purpose\": \"restore\"}",
		       spaced[] = "{ \"purpose\" : \"backup\" }";
	CK_MECHANISM other = { CKM_KMS_ENCRYPT, swapped, sizeof(swapped) - 1 };
	CK_MECHANISM same = { CKM_KMS_ENCRYPT, spaced, sizeof(spaced) - 1 };
	CK_OBJECT_HANDLE key = make_aes(hs, true, "kms");
	CK_BYTE blob[200], back[200];
	CK_ULONG n = sizeof(blob), len = sizeof(back);

	CHECK_OK(encrypt(&bound_mech, key, "hello", 5, blob, &n));
	ck_assert_uint_eq(n, 5 + EXTRA);
	CHECK_OK(decrypt(&bound_mech, key, blob, n, back, &len));
	ck_assert(len == 5 && memcmp(back, "hello", 5) == 0);
	len = sizeof(back);
	CHECK_OK(decrypt(&same, key, blob, n, back, &len));
	CHECK_RV(decrypt(&other, key, blob, n, back, &len), CKR_ENCRYPTED_DATA_INVALID);
	CHECK_RV(decrypt(&plain_mech, key, blob, n, back, &len), CKR_ENCRYPTED_DATA_INVALID);
	blob[n - 1] ^= 1;
	CHECK_RV(decrypt(&bound_mech, key, blob, n, back, &len), CKR_ENCRYPTED_DATA_INVALID);
}
END_TEST

START_TEST(up_to_6144_bytes_are_taken_and_no_more)
{
	CK_OBJECT_HANDLE key = make_aes(hs, true, "kms");
	CK_BYTE in[KMS_ENCRYPT_MAX + 1], blob[KMS_ENCRYPT_MAX + 100], back[KMS_ENCRYPT_MAX];
	CK_ULONG n = sizeof(blob), len = sizeof(back);

	memset(in, 'x', sizeof(in));
	CHECK_OK(encrypt(&plain_mech, key, in, KMS_ENCRYPT_MAX, blob, &n));
	CHECK_OK(decrypt(&plain_mech, key, blob, n, back, &len));
	ck_assert(len == KMS_ENCRYPT_MAX && memcmp(back, in, len) == 0);
	n = sizeof(blob);
	CHECK_RV(encrypt(&plain_mech, key, in, KMS_ENCRYPT_MAX + 1, blob, &n), CKR_DATA_LEN_RANGE);
	n = sizeof(blob);
	CHECK_OK(encrypt(&plain_mech, key, in, 0, blob, &n));
	len = sizeof(back);
	CHECK_OK(decrypt(&plain_mech, key, blob, n, back, &len));
	ck_assert_uint_eq(len, 0);
	CHECK_RV(decrypt(&plain_mech, key, blob, 0, back, &len), CKR_ENCRYPTED_DATA_LEN_RANGE);
}
END_TEST

START_TEST(lengths_are_told_and_a_short_buffer_ends_nothing)
{
	CK_OBJECT_HANDLE key = make_aes(hs, true, "kms");
	CK_BYTE in[] = "hello", blob[200], back[200];
	CK_ULONG n = 0, len = 0;

	CHECK_OK(p11->C_EncryptInit(hs, &plain_mech, key));
	CHECK_OK(p11->C_Encrypt(hs, in, 5, NULL, &n));
	ck_assert_uint_eq(n, 5 + EXTRA);
	n--;
	CHECK_RV(p11->C_Encrypt(hs, in, 5, blob, &n), CKR_BUFFER_TOO_SMALL);
	ck_assert_uint_eq(n, 5 + EXTRA);
	CHECK_OK(p11->C_Encrypt(hs, in, 5, blob, &n));
	CHECK_OK(p11->C_DecryptInit(hs, &plain_mech, key));
	CHECK_OK(p11->C_Decrypt(hs, blob, n, NULL, &len));
	ck_assert_uint_eq(len, 5);
	len = 4;
	CHECK_RV(p11->C_Decrypt(hs, blob, n, back, &len), CKR_BUFFER_TOO_SMALL);
	CHECK_OK(p11->C_Decrypt(hs, blob, n, back, &len));
	ck_assert(len == 5 && memcmp(back, in, 5) == 0);
	CHECK_OK(p11->C_EncryptInit(hs, &plain_mech, key));
	CHECK_RV(p11->C_EncryptUpdate(hs, in, 5, blob, &n), CKR_FUNCTION_NOT_SUPPORTED);
}
END_TEST

START_TEST(a_context_that_is_none_and_keys_that_are_none_of_the_kms_are_refused)
{
	static CK_BYTE number[] = "{\"a\":1}", text[] = "purpose";
	CK_MECHANISM bad = { CKM_KMS_ENCRYPT, number, sizeof(number) - 1 };
	CK_MECHANISM worse = { CKM_KMS_ENCRYPT, text, sizeof(text) - 1 };
	CK_OBJECT_HANDLE key = make_aes(hs, true, "kms"), session = make_aes(hs, false, "session");
	CK_BYTE blob[200];
	CK_ULONG n = sizeof(blob);

	CHECK_RV(encrypt(&bad, key, "hello", 5, blob, &n), CKR_MECHANISM_PARAM_INVALID);
	CHECK_RV(encrypt(&worse, key, "hello", 5, blob, &n), CKR_MECHANISM_PARAM_INVALID);
	CHECK_RV(encrypt(&plain_mech, session, "hello", 5, blob, &n),
	    CKR_KEY_FUNCTION_NOT_PERMITTED);
}
END_TEST

START_TEST(another_keys_blob_is_refused_whatever_could_open_it)
{
	CK_OBJECT_HANDLE key = make_aes(hs, true, "kms"), other = make_aes(hs, true, "other");
	CK_BYTE blob[200], back[200];
	CK_ULONG n = sizeof(blob), len = sizeof(back);

	CHECK_OK(encrypt(&plain_mech, key, "hello", 5, blob, &n));
	CHECK_RV(decrypt(&plain_mech, other, blob, n, back, &len), CKR_ENCRYPTED_DATA_INVALID);
}
END_TEST

START_TEST(a_session_key_is_enveloped_and_opened_again)
{
	CK_OBJECT_HANDLE key = make_aes(hs, true, "kms"), session = make_aes(hs, false, "session"),
			 again;
	CK_OBJECT_CLASS class = CKO_SECRET_KEY;
	CK_KEY_TYPE type = CKK_AES;
	CK_BBOOL yes = CK_TRUE;
	CK_ATTRIBUTE templ[] = { { CKA_CLASS, &class, sizeof(class) },
		{ CKA_KEY_TYPE, &type, sizeof(type) }, { CKA_ENCRYPT, &yes, sizeof(yes) } };
	CK_MECHANISM ecb = { CKM_AES_ECB, NULL, 0 };
	CK_BYTE envelope[200], one[16], two[16], block[16] = "fifteen letters";
	CK_ULONG n = 0, len = 16;

	CHECK_OK(p11->C_WrapKey(hs, &bound_mech, key, session, NULL, &n));
	ck_assert_uint_le(n, sizeof(envelope));
	CHECK_OK(p11->C_WrapKey(hs, &bound_mech, key, session, envelope, &n));
	CHECK_RV(p11->C_UnwrapKey(hs, &plain_mech, key, envelope, n, templ, N(templ), &again),
	    CKR_WRAPPED_KEY_INVALID);
	CHECK_OK(p11->C_UnwrapKey(hs, &bound_mech, key, envelope, n, templ, N(templ), &again));
	CHECK_OK(p11->C_EncryptInit(hs, &ecb, session));
	CHECK_OK(p11->C_Encrypt(hs, block, 16, one, &len));
	CHECK_OK(p11->C_EncryptInit(hs, &ecb, again));
	CHECK_OK(p11->C_Encrypt(hs, block, 16, two, &len));
	ck_assert(memcmp(one, two, 16) == 0);
}
END_TEST

static void
write_file(const char *name, const void *p, size_t n)
{
	char path[400];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", p11_dir, name);
	ck_assert_ptr_nonnull(f = fopen(path, "wb"));
	ck_assert_uint_eq(fwrite(p, 1, n, f), n);
	ck_assert_int_eq(fclose(f), 0);
}

START_TEST(a_key_that_wraps_alone_envelopes_keys_and_shows_them_to_nobody)
{
	CK_OBJECT_HANDLE session = make_aes(hs, false, "session"), key, again;
	struct tmpl t = { .n = 0 }, opened = { .n = 0 };
	CK_BYTE envelope[200], back[64];
	CK_ULONG n = sizeof(envelope), len = sizeof(back);
	char arguments[900];

	t_secret(&t, CKK_AES);
	t_ulong(&t, CKA_VALUE_LEN, 32);
	t_set_bool(&t, CKA_TOKEN, true);
	t_set_bool(&t, CKA_ENCRYPT, false);
	t_set_bool(&t, CKA_DECRYPT, false);
	t_set_bool(&t, CKA_WRAP, true);
	t_set_bool(&t, CKA_UNWRAP, true);
	CHECK_OK(generate_secret(hs, CKM_AES_KEY_GEN, &t, &key));
	CHECK_OK(p11->C_WrapKey(hs, &plain_mech, key, session, envelope, &n));
	CHECK_RV(decrypt(&plain_mech, key, envelope, n, back, &len),
	    CKR_KEY_FUNCTION_NOT_PERMITTED);
	write_file("blob", envelope, n);
	snprintf(arguments, sizeof(arguments), "decrypt %s/blob -o %s/got 2>/dev/null", p11_dir,
	    p11_dir);
	ck_assert_int_eq(kmsctl(arguments), 1 << 8); /* it has said no */
	t_secret(&opened, CKK_AES);
	CHECK_OK(p11->C_UnwrapKey(hs, &plain_mech, key, envelope, n, opened.v, opened.n, &again));
}
END_TEST

/* -- facts -- */

static void
check_text(CK_OBJECT_HANDLE o, CK_ATTRIBUTE_TYPE type, const char *wanted)
{
	char got[200];
	CK_ULONG n = get_bytes(o, type, got, sizeof(got));

	ck_assert_uint_eq(n, strlen(wanted));
	ck_assert(memcmp(got, wanted, n) == 0);
}

START_TEST(a_key_tells_what_the_kms_knows_of_it)
{
	CK_OBJECT_HANDLE pub, priv, session = make_aes(hs, false, "session");
	char id[37] = "", of_public[37] = "", version[37] = "", arn[200] = "";
	CK_ULONG n;

	make_ec(hs, true, "pair", &pub, &priv);
	ck_assert_uint_eq(get_bytes(priv, CKA_KMS_KEY_ID, id, sizeof(id)), 36);
	ck_assert_uint_eq(get_bytes(pub, CKA_KMS_KEY_ID, of_public, sizeof(of_public)), 36);
	ck_assert_str_eq(id, of_public);
	ck_assert_uint_eq(get_bytes(priv, CKA_KMS_KEY_VERSION_ID, version, sizeof(version)), 36);
	ck_assert_str_ne(id, version);
	CHECK_RV(get_rv(pub, CKA_KMS_KEY_VERSION_ID), CKR_ATTRIBUTE_TYPE_INVALID);
	check_text(priv, CKA_KMS_KEY_STATE, "Enabled");
	check_text(priv, CKA_KMS_KEY_ALIAS, "");
	n = get_bytes(priv, CKA_KMS_KEY_ARN, arn, sizeof(arn) - 1);
	ck_assert(n > 40 && strncmp(arn, "acs:kms:local:", 14) == 0);
	ck_assert_str_eq(arn + n - 36, id);
	CHECK_RV(get_rv(session, CKA_KMS_KEY_ID), CKR_ATTRIBUTE_TYPE_INVALID);
	CHECK_RV(set_bytes(priv, CKA_KMS_KEY_ID, "x", 1), CKR_ATTRIBUTE_READ_ONLY);
	CHECK_OK(p11->C_Logout(hs));
	CHECK_RV(get_rv(pub, CKA_KMS_KEY_STATE), CKR_ATTRIBUTE_SENSITIVE);
}
END_TEST

/* -- beside kmsctl, another process -- */

START_TEST(kmsctl_decrypts_what_the_mechanism_encrypted)
{
	CK_OBJECT_HANDLE key = make_aes(hs, true, "kms");
	CK_BYTE blob[200];
	CK_ULONG n = sizeof(blob);
	char arguments[1500];

	CHECK_OK(encrypt(&bound_mech, key, "hello", 5, blob, &n));
	write_file("blob", blob, n);
	write_file("wanted", "hello", 5);
	snprintf(arguments, sizeof(arguments),
	    "decrypt %s/blob --context purpose=backup -o %s/got && cmp %s/got %s/wanted", p11_dir,
	    p11_dir, p11_dir, p11_dir);
	ck_assert_int_eq(kmsctl(arguments), 0);
}
END_TEST

START_TEST(what_kmsctl_says_of_a_key_is_told_and_binds)
{
	CK_OBJECT_HANDLE key = make_aes(hs, true, "kms");
	CK_BYTE blob[200];
	CK_ULONG n = sizeof(blob);
	char id[37] = "", arguments[200];

	ck_assert_uint_eq(get_bytes(key, CKA_KMS_KEY_ID, id, sizeof(id)), 36);
	snprintf(arguments, sizeof(arguments), "alias create alias/it %s >/dev/null", id);
	ck_assert_int_eq(kmsctl(arguments), 0);
	check_text(key, CKA_KMS_KEY_ALIAS, "alias/it");
	ck_assert_int_eq(kmsctl("key disable alias/it >/dev/null"), 0);
	check_text(key, CKA_KMS_KEY_STATE, "Disabled");
	CHECK_RV(encrypt(&plain_mech, key, "hello", 5, blob, &n), CKR_KEY_FUNCTION_NOT_PERMITTED);
	ck_assert_uint_eq(find_label(hs, "kms"), 0);
	ck_assert_int_eq(kmsctl("key enable alias/it >/dev/null"), 0);
	CHECK_OK(encrypt(&plain_mech, key, "hello", 5, blob, &n));
	ck_assert_uint_eq(find_label(hs, "kms"), 1);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
		what_is_encrypted_decrypts_under_the_same_context_alone,
		up_to_6144_bytes_are_taken_and_no_more,
		lengths_are_told_and_a_short_buffer_ends_nothing,
		a_context_that_is_none_and_keys_that_are_none_of_the_kms_are_refused,
		another_keys_blob_is_refused_whatever_could_open_it,
		a_session_key_is_enveloped_and_opened_again,
		a_key_that_wraps_alone_envelopes_keys_and_shows_them_to_nobody,
		a_key_tells_what_the_kms_knows_of_it,
		kmsctl_decrypts_what_the_mechanism_encrypted,
		what_kmsctl_says_of_a_key_is_told_and_binds,
	};
	Suite *s = suite_create("p11 kms");
	TCase *t = tcase_create("p11 kms");

	tcase_add_checked_fixture(t, p11_setup_user, p11_teardown);
	for (size_t i = 0; i < N(tests); i++)
		tcase_add_test(t, tests[i]);
	suite_add_tcase(s, t);
	return p11_main(s);
}
