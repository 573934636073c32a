/* SPDX-License-Identifier: Apache-2.0 */
/* Objects of every class: making, reading, changing, copying, finding and destroying them, and what
 * each attribute's rules allow. */
#include "tests/p11/matrix.h"

#include <openssl/evp.h>
#include <openssl/x509.h>

/* -- classes ------------------------------------------------------------------------------- */

static void
t_data(struct tmpl *t, const char *label)
{
	t_ulong(t, CKA_CLASS, CKO_DATA);
	t_bool(t, CKA_TOKEN, false);
	t_bool(t, CKA_PRIVATE, false);
	t_text(t, CKA_LABEL, label);
	t_text(t, CKA_APPLICATION, "tests");
	t_bytes(t, CKA_OBJECT_ID, "\x06\x01\x2a", 3);
	t_text(t, CKA_VALUE, "some value");
}

static CK_BYTE cert[2048], cert_subject[300];
static size_t cert_len, cert_subject_len;

/* A self-signed certificate by libcrypto. */
static void
make_cert(void)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x = X509_new();
	X509_NAME *name = X509_get_subject_name(x);
	CK_BYTE *p = cert, *q = cert_subject;

	matrix_keys();
	ASN1_INTEGER_set(X509_get_serialNumber(x), 7);
	X509_gmtime_adj(X509_getm_notBefore(x), 0);
	X509_gmtime_adj(X509_getm_notAfter(x), 86400);
	X509_set_pubkey(x, key);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"tests", -1, -1,
	    0);
	X509_set_issuer_name(x, name);
	X509_sign(x, key, EVP_sha256());
	cert_len = (size_t)i2d_X509(x, &p);
	cert_subject_len = (size_t)i2d_X509_NAME(name, &q);
	X509_free(x);
	EVP_PKEY_free(key);
}

static void
t_cert(struct tmpl *t, const char *label)
{
	t_ulong(t, CKA_CLASS, CKO_CERTIFICATE);
	t_ulong(t, CKA_CERTIFICATE_TYPE, CKC_X_509);
	t_bool(t, CKA_TOKEN, false);
	t_bool(t, CKA_PRIVATE, false);
	t_text(t, CKA_LABEL, label);
	t_bytes(t, CKA_SUBJECT, cert_subject, cert_subject_len);
	t_bytes(t, CKA_ISSUER, cert_subject, cert_subject_len);
	t_bytes(t, CKA_SERIAL_NUMBER, "\x02\x01\x07", 3);
	t_bytes(t, CKA_ID, "id", 2);
	t_bytes(t, CKA_VALUE, cert, cert_len);
}

static void
t_aes(struct tmpl *t, const char *label)
{
	t_secret(t, CKK_AES);
	t_text(t, CKA_LABEL, label);
	t_bytes(t, CKA_ID, "id", 2);
	t_bytes(t, CKA_VALUE, secret_value, 32);
}

enum what {
	DATA,
	CERT,
	AES,
	GENERIC,
	RSA_PUB,
	RSA_PRIV,
	EC_PUB,
	EC_PRIV,
	ED_PUB,
	ED_PRIV,
	CLASSES
};

static void
t_class(struct tmpl *t, enum what what, const char *label)
{
	switch (what) {
	case DATA: t_data(t, label); return;
	case CERT: t_cert(t, label); return;
	case AES: t_aes(t, label); return;
	case GENERIC:
		t_secret(t, CKK_GENERIC_SECRET);
		t_bytes(t, CKA_VALUE, secret_value, 48);
		break;
	case RSA_PUB: t_known_public(t, CKK_RSA); break;
	case RSA_PRIV: t_known_private(t, CKK_RSA); break;
	case EC_PUB: t_known_public(t, CKK_EC); break;
	case EC_PRIV: t_known_private(t, CKK_EC); break;
	case ED_PUB: t_known_public(t, CKK_EC_EDWARDS); break;
	case ED_PRIV:
	case CLASSES: t_known_private(t, CKK_EC_EDWARDS); break;
	}
	t_text(t, CKA_LABEL, label);
	t_bytes(t, CKA_ID, "id", 2);
}

static CK_OBJECT_HANDLE
make(enum what what, const char *label)
{
	struct tmpl t = { .n = 0 };
	CK_OBJECT_HANDLE o = CK_INVALID_HANDLE;

	t_class(&t, what, label);
	CHECK_OK(create(hs, &t, &o));
	return o;
}

static bool
is_private(enum what what)
{
	return what == RSA_PRIV || what == EC_PRIV || what == ED_PRIV;
}

static bool
is_secret(enum what what)
{
	return what == AES || what == GENERIC;
}

static bool
is_key(enum what what)
{
	return what != DATA && what != CERT;
}

/* -- life ---------------------------------------------------------------------------------- */

START_TEST(what_was_given_is_read_back)
{
	struct tmpl t = { .n = 0 };
	CK_BYTE got[4096];

	for (int token = 0; token < 2; token++) {
		CK_OBJECT_HANDLE o;

		t.n = 0;
		t_class(&t, (enum what)_i, "object");
		t_set_bool(&t, CKA_TOKEN, token != 0);
		CHECK_OK(create(hs, &t, &o));
		for (CK_ULONG i = 0; i < t.n; i++) {
			CK_ULONG n = get_bytes(o, t.v[i].type, got, sizeof(got));

			ck_assert_msg(n == t.v[i].ulValueLen && memcmp(got, t.v[i].pValue, n) == 0,
			    "attribute 0x%lx differs", t.v[i].type);
		}
	}
}
END_TEST

START_TEST(an_object_is_found_by_each_of_its_attributes)
{
	struct tmpl t = { .n = 0 };
	CK_OBJECT_HANDLE o, found = 0;

	for (int token = 0; token < 2; token++) {
		t.n = 0;
		t_class(&t, (enum what)_i, "object");
		t_set_bool(&t, CKA_TOKEN, token != 0);
		CHECK_OK(create(hs, &t, &o));
		ck_assert_uint_eq(find_all(hs, &t, &found), 1);
		ck_assert_uint_eq(found, o);
		for (CK_ULONG i = 0; i < t.n; i++) {
			struct tmpl one = { .n = 1 };

			one.v[0] = t.v[i];
			ck_assert_msg(find_all(hs, &one, NULL) >= 1, "not found by 0x%lx",
			    t.v[i].type);
		}
		CHECK_OK(p11->C_DestroyObject(hs, o));
		ck_assert_uint_eq(find_all(hs, &t, NULL), 0);
		CHECK_RV(p11->C_DestroyObject(hs, o), CKR_OBJECT_HANDLE_INVALID);
	}
}
END_TEST

START_TEST(an_object_is_not_found_by_another_value)
{
	CK_OBJECT_HANDLE o = make((enum what)_i, "object");
	struct tmpl t = { .n = 0 };

	t_text(&t, CKA_LABEL, "objecT");
	ck_assert_uint_eq(find_all(hs, &t, NULL), 0);
	t.n = 0;
	t_text(&t, CKA_LABEL, "object");
	t_ulong(&t, CKA_CLASS, CKO_HW_FEATURE);
	ck_assert_uint_eq(find_all(hs, &t, NULL), 0);
	t.n = 0;
	t_text(&t, CKA_LABEL, "objec");
	ck_assert_uint_eq(find_all(hs, &t, NULL), 0);
	t.n = 0;
	t_text(&t, CKA_LABEL, "object");
	t_bool(&t, CKA_TOKEN, true);
	ck_assert_uint_eq(find_all(hs, &t, NULL), 0);
	t_set_bool(&t, CKA_TOKEN, false);
	ck_assert_uint_eq(find_all(hs, &t, &o), 1);
}
END_TEST

START_TEST(sizes_are_told_or_said_to_be_unknown)
{
	CK_OBJECT_HANDLE o = make((enum what)_i, "object");
	CK_ULONG size = 0;

	CHECK_IN(p11->C_GetObjectSize(hs, o, &size), CKR_OK, CKR_INFORMATION_SENSITIVE);
	ck_assert_uint_gt(size, 0);
	CHECK_RV(p11->C_GetObjectSize(hs, o, NULL), CKR_ARGUMENTS_BAD);
	CHECK_RV(p11->C_GetObjectSize(hs, o + 5000, &size), CKR_OBJECT_HANDLE_INVALID);
}
END_TEST

START_TEST(label_and_id_can_be_changed_and_stay_changed)
{
	CK_OBJECT_HANDLE o, again = 0;
	struct tmpl t = { .n = 0 };

	t_class(&t, (enum what)_i, "before");
	t_set_bool(&t, CKA_TOKEN, true);
	CHECK_OK(create(hs, &t, &o));
	CHECK_OK(set_bytes(o, CKA_LABEL, "after", 5));
	if (_i != DATA)
		CHECK_OK(set_bytes(o, CKA_ID, "new-id", 6));
	CHECK_OK(p11->C_Finalize(NULL));
	CHECK_OK(p11_init());
	hs = p11_open(true);
	p11_login(CKU_USER);
	ck_assert_uint_eq(find_label(hs, "before"), 0);
	t.n = 0;
	t_text(&t, CKA_LABEL, "after");
	if (_i != DATA)
		t_text(&t, CKA_ID, "new-id");
	ck_assert_uint_eq(find_all(hs, &t, &again), 1);
}
END_TEST

START_TEST(a_copy_is_an_object_of_its_own)
{
	CK_OBJECT_HANDLE o = make((enum what)_i, "first"), copy;
	struct tmpl t = { .n = 0 };
	CK_BYTE a[4096], b[4096];
	CK_ULONG n;

	t_text(&t, CKA_LABEL, "second");
	t_bool(&t, CKA_TOKEN, true);
	CHECK_OK(p11->C_CopyObject(hs, o, t.v, t.n, &copy));
	ck_assert_uint_ne(o, copy);
	ck_assert_uint_eq(find_label(hs, "first"), 1);
	ck_assert_uint_eq(find_label(hs, "second"), 1);
	ck_assert(get_bool(copy, CKA_TOKEN) && !get_bool(o, CKA_TOKEN));
	n = get_bytes(o, CKA_UNIQUE_ID, a, sizeof(a));
	ck_assert(get_bytes(copy, CKA_UNIQUE_ID, b, sizeof(b)) != n || memcmp(a, b, n) != 0);
	CHECK_OK(p11->C_DestroyObject(hs, o));
	ck_assert_uint_eq(find_label(hs, "second"), 1);
	CHECK_OK(p11->C_CopyObject(hs, copy, NULL, 0, &o));
	CHECK_RV(p11->C_CopyObject(hs, copy, NULL, 0, NULL), CKR_ARGUMENTS_BAD);
	CHECK_RV(p11->C_CopyObject(hs, copy + 5000, NULL, 0, &o), CKR_OBJECT_HANDLE_INVALID);
}
END_TEST

START_TEST(a_copy_of_data_may_have_another_value)
{
	CK_OBJECT_HANDLE o = make(DATA, "first"), copy;
	struct tmpl t = { .n = 0 };
	CK_BYTE got[32];

	t_text(&t, CKA_VALUE, "another one");
	t_bool(&t, CKA_TOKEN, (_i & 1) != 0);
	t_bool(&t, CKA_PRIVATE, (_i & 2) != 0);
	CHECK_OK(p11->C_CopyObject(hs, o, t.v, t.n, &copy));
	ck_assert_uint_eq(get_bytes(copy, CKA_VALUE, got, sizeof(got)), 11);
	ck_assert_mem_eq(got, "another one", 11);
	ck_assert_uint_eq(get_bytes(o, CKA_VALUE, got, sizeof(got)), 10);
}
END_TEST

/* -- creation ------------------------------------------------------------------------------ */

START_TEST(each_required_attribute_is_required)
{
	static const CK_ATTRIBUTE_TYPE need[CLASSES][8] = {
		[DATA] = { CKA_CLASS },
		[CERT] = { CKA_CLASS, CKA_CERTIFICATE_TYPE, CKA_VALUE, CKA_SUBJECT },
		[AES] = { CKA_CLASS, CKA_KEY_TYPE, CKA_VALUE },
		[GENERIC] = { CKA_CLASS, CKA_KEY_TYPE, CKA_VALUE },
		[RSA_PUB] = { CKA_CLASS, CKA_KEY_TYPE, CKA_MODULUS, CKA_PUBLIC_EXPONENT },
		[RSA_PRIV] = { CKA_CLASS, CKA_KEY_TYPE, CKA_MODULUS, CKA_PRIVATE_EXPONENT },
		[EC_PUB] = { CKA_CLASS, CKA_KEY_TYPE, CKA_EC_PARAMS, CKA_EC_POINT },
		[EC_PRIV] = { CKA_CLASS, CKA_KEY_TYPE, CKA_EC_PARAMS, CKA_VALUE },
		[ED_PUB] = { CKA_CLASS, CKA_KEY_TYPE, CKA_EC_PARAMS, CKA_EC_POINT },
		[ED_PRIV] = { CKA_CLASS, CKA_KEY_TYPE, CKA_EC_PARAMS, CKA_VALUE },
	};
	CK_OBJECT_HANDLE o;

	/* CKA_CLASS is 0, so it is looked at by position. */
	for (int i = 0; i < 8 && (i == 0 || need[_i][i] != 0); i++) {
		struct tmpl t = { .n = 0 };
		CK_RV rv;

		t_class(&t, (enum what)_i, "object");
		t_drop(&t, need[_i][i]);
		rv = create(hs, &t, &o);
		ck_assert_msg(rv == CKR_TEMPLATE_INCOMPLETE, "without 0x%lx: %s", need[_i][i],
		    p11_name(rv));
		ck_assert_uint_eq(find_label(hs, "object"), 0);
	}
}
END_TEST

START_TEST(what_only_the_token_knows_cannot_be_given)
{
	static const CK_ATTRIBUTE_TYPE bools[] = { CKA_LOCAL, CKA_ALWAYS_SENSITIVE,
		CKA_NEVER_EXTRACTABLE };
	CK_OBJECT_HANDLE o;

	for (size_t i = 0; i < N(bools); i++) {
		struct tmpl t = { .n = 0 };

		if (!is_key((enum what)_i) ||
		    (i > 0 && !is_private((enum what)_i) && !is_secret((enum what)_i)))
			continue;
		t_class(&t, (enum what)_i, "object");
		t_bool(&t, bools[i], true);
		CHECK_IN(create(hs, &t, &o), CKR_ATTRIBUTE_READ_ONLY, CKR_TEMPLATE_INCONSISTENT);
		o = make((enum what)_i, "made");
		CHECK_RV(set_bool(o, bools[i], true), CKR_ATTRIBUTE_READ_ONLY);
	}
	o = make((enum what)_i, "made");
	CHECK_RV(set_bytes(o, CKA_UNIQUE_ID, "x", 1), CKR_ATTRIBUTE_READ_ONLY);
	CHECK_RV(set_ulong(o, CKA_CLASS, CKO_DATA), CKR_ATTRIBUTE_READ_ONLY);
	CHECK_RV(set_bool(o, CKA_TOKEN, true), CKR_ATTRIBUTE_READ_ONLY);
	CHECK_RV(set_bool(o, CKA_PRIVATE, true), CKR_ATTRIBUTE_READ_ONLY);
	CHECK_RV(set_bool(o, CKA_MODIFIABLE, false), CKR_ATTRIBUTE_READ_ONLY);
	if (is_key((enum what)_i))
		CHECK_RV(set_ulong(o, CKA_KEY_TYPE, CKK_DES), CKR_ATTRIBUTE_READ_ONLY);
}
END_TEST

START_TEST(an_attribute_twice_or_unknown_or_of_another_class_is_refused)
{
	struct tmpl t = { .n = 0 };
	CK_OBJECT_HANDLE o;

	t_class(&t, (enum what)_i, "object");
	t_text(&t, CKA_LABEL, "other");
	CHECK_RV(create(hs, &t, &o), CKR_TEMPLATE_INCONSISTENT);
	t.n = 0;
	t_class(&t, (enum what)_i, "object");
	t_text(&t, 0x7654321, "?");
	CHECK_RV(create(hs, &t, &o), CKR_ATTRIBUTE_TYPE_INVALID);
	t.n = 0;
	t_class(&t, (enum what)_i, "object");
	t_text(&t, CKA_HW_FEATURE_TYPE, "?");
	CHECK_IN(create(hs, &t, &o), CKR_ATTRIBUTE_TYPE_INVALID, CKR_TEMPLATE_INCONSISTENT);
	if (is_key((enum what)_i)) {
		t.n = 0;
		t_class(&t, (enum what)_i, "object");
		t_text(&t, CKA_APPLICATION, "?");
		CHECK_IN(create(hs, &t, &o), CKR_ATTRIBUTE_TYPE_INVALID, CKR_TEMPLATE_INCONSISTENT);
	}
	ck_assert_uint_eq(find_label(hs, "object"), 0);
}
END_TEST

START_TEST(values_of_a_wrong_length_or_range_are_refused)
{
	static const CK_ATTRIBUTE_TYPE types[] = { CKA_TOKEN, CKA_PRIVATE, CKA_CLASS,
		CKA_KEY_TYPE };
	CK_OBJECT_HANDLE o;
	CK_BYTE two = 2;

	for (size_t i = 0; i < N(types); i++) {
		struct tmpl t = { .n = 0 };

		t_class(&t, (enum what)_i, "object");
		for (CK_ULONG j = 0; j < t.n; j++)
			if (t.v[j].type == types[i])
				t.v[j].ulValueLen += 3;
		if (types[i] == CKA_KEY_TYPE && !is_key((enum what)_i))
			continue;
		CHECK_RV(create(hs, &t, &o), CKR_ATTRIBUTE_VALUE_INVALID);
	}
	for (size_t i = 0; i < 2; i++) {
		struct tmpl t = { .n = 0 };

		t_class(&t, (enum what)_i, "object");
		t_drop(&t, types[i]);
		t_bytes(&t, types[i], &two, 1);
		CHECK_IN(create(hs, &t, &o), CKR_ATTRIBUTE_VALUE_INVALID, CKR_OK);
	}
}
END_TEST

START_TEST(a_key_that_is_no_key_is_refused)
{
	static const CK_BYTE junk[65] = { 4, 1, 2, 3 };
	static const CK_ATTRIBUTE_TYPE part[CLASSES] = { [AES] = CKA_VALUE,
		[RSA_PUB] = CKA_MODULUS,
		[RSA_PRIV] = CKA_MODULUS,
		[EC_PUB] = CKA_EC_POINT,
		[EC_PRIV] = CKA_VALUE,
		[ED_PUB] = CKA_EC_POINT,
		[ED_PRIV] = CKA_VALUE,
		[CERT] = CKA_VALUE };
	struct tmpl t = { .n = 0 };
	CK_OBJECT_HANDLE o;

	if (part[_i] == 0)
		return;
	t_class(&t, (enum what)_i, "object");
	t_drop(&t, part[_i]);
	t_bytes(&t, part[_i], junk, sizeof(junk));
	CHECK_IN(create(hs, &t, &o), CKR_ATTRIBUTE_VALUE_INVALID, CKR_TEMPLATE_INCONSISTENT,
	    CKR_KEY_SIZE_RANGE);
	ck_assert_uint_eq(find_label(hs, "object"), 0);
}
END_TEST

START_TEST(classes_and_types_that_are_not_there_are_refused)
{
	struct tmpl t = { .n = 0 };
	CK_OBJECT_HANDLE o;

	t_ulong(&t, CKA_CLASS, CKO_HW_FEATURE);
	CHECK_IN(create(hs, &t, &o), CKR_ATTRIBUTE_VALUE_INVALID, CKR_TEMPLATE_INCONSISTENT,
	    CKR_ATTRIBUTE_READ_ONLY);
	t.n = 0;
	t_ulong(&t, CKA_CLASS, CKO_PROFILE);
	CHECK_IN(create(hs, &t, &o), CKR_ATTRIBUTE_VALUE_INVALID, CKR_TEMPLATE_INCONSISTENT,
	    CKR_ATTRIBUTE_READ_ONLY);
	t.n = 0;
	t_ulong(&t, CKA_CLASS, 0x7777);
	CHECK_RV(create(hs, &t, &o), CKR_ATTRIBUTE_VALUE_INVALID);
	t.n = 0;
	t_secret(&t, CKK_DES3);
	t_bytes(&t, CKA_VALUE, secret_value, 24);
	CHECK_IN(create(hs, &t, &o), CKR_ATTRIBUTE_VALUE_INVALID, CKR_TEMPLATE_INCONSISTENT);
	CHECK_RV(p11->C_CreateObject(hs, NULL, 0, &o), CKR_TEMPLATE_INCOMPLETE);
	CHECK_RV(p11->C_CreateObject(hs, NULL, 3, &o), CKR_ARGUMENTS_BAD);
	t.n = 0;
	t_class(&t, DATA, "object");
	CHECK_RV(p11->C_CreateObject(hs, t.v, t.n, NULL), CKR_ARGUMENTS_BAD);
}
END_TEST

/* -- one-way and protecting attributes ----------------------------------------------------- */

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

/* -- reading ------------------------------------------------------------------------------- */

START_TEST(each_attribute_gets_its_own_answer)
{
	struct tmpl t = { .n = 0 };
	CK_OBJECT_HANDLE o;
	CK_BYTE label[10] = { 0 }, shorter[2], value[64], odd[8];
	CK_BBOOL token = 9;

	t_class(&t, AES, "a label");
	t_set_bool(&t, CKA_SENSITIVE, true);
	CHECK_OK(create(hs, &t, &o));
	{
		/* 5.7.5: 1 sensitive, 2 no such attribute, 3 a length query, 4 fits, 5 does not fit
		 */
		CK_ATTRIBUTE v[] = {
			{ CKA_VALUE, value, sizeof(value) },
			{ CKA_MODULUS, odd, sizeof(odd) },
			{ CKA_ID, NULL, 77 },
			{ CKA_LABEL, label, sizeof(label) },
			{ CKA_LABEL, shorter, sizeof(shorter) },
			{ CKA_TOKEN, &token, sizeof(token) },
		};
		CHECK_IN(p11->C_GetAttributeValue(hs, o, v, N(v)), CKR_ATTRIBUTE_SENSITIVE,
		    CKR_ATTRIBUTE_TYPE_INVALID, CKR_BUFFER_TOO_SMALL);
		ck_assert_uint_eq(v[0].ulValueLen, CK_UNAVAILABLE_INFORMATION);
		ck_assert_uint_eq(v[1].ulValueLen, CK_UNAVAILABLE_INFORMATION);
		ck_assert_uint_eq(v[2].ulValueLen, 2);
		ck_assert_uint_eq(v[3].ulValueLen, 7);
		ck_assert_mem_eq(label, "a label", 7);
		ck_assert_uint_eq(v[4].ulValueLen, CK_UNAVAILABLE_INFORMATION);
		ck_assert_uint_eq(v[5].ulValueLen, 1);
		ck_assert_uint_eq(token, CK_FALSE);
	}
}
END_TEST

START_TEST(each_single_failure_has_its_code)
{
	struct tmpl t = { .n = 0 };
	CK_OBJECT_HANDLE o;
	CK_BYTE room[2];
	CK_ATTRIBUTE a = { CKA_LABEL, room, sizeof(room) };

	t_class(&t, AES, "a label");
	t_set_bool(&t, CKA_SENSITIVE, true);
	CHECK_OK(create(hs, &t, &o));
	CHECK_RV(get_rv(o, CKA_VALUE), CKR_ATTRIBUTE_SENSITIVE);
	CHECK_RV(get_rv(o, CKA_MODULUS), CKR_ATTRIBUTE_TYPE_INVALID);
	CHECK_RV(get_rv(o, 0x7654321), CKR_ATTRIBUTE_TYPE_INVALID);
	CHECK_RV(p11->C_GetAttributeValue(hs, o, &a, 1), CKR_BUFFER_TOO_SMALL);
	ck_assert_uint_eq(a.ulValueLen, CK_UNAVAILABLE_INFORMATION);
	CHECK_RV(p11->C_GetAttributeValue(hs, o, NULL, 1), CKR_ARGUMENTS_BAD);
	CHECK_RV(get_rv(o + 5000, CKA_LABEL), CKR_OBJECT_HANDLE_INVALID);
	CHECK_RV(get_rv(0, CKA_LABEL), CKR_OBJECT_HANDLE_INVALID);
}
END_TEST

START_TEST(templates_and_values_may_be_misaligned)
{
	CK_OBJECT_HANDLE o = make(AES, "askew"), made;
	CK_BYTE room[200], *at = room + 1, value[20];
	CK_ATTRIBUTE a = { CKA_CLASS, value + 3, sizeof(CK_ULONG) };
	CK_ULONG class;
	struct tmpl t = { .n = 0 };
	CK_BYTE *all = malloc(sizeof(t.v) + 1);

	memcpy(at, &a, sizeof(a));
	CHECK_OK(p11->C_GetAttributeValue(hs, o, (CK_ATTRIBUTE *)(void *)at, 1));
	memcpy(&class, value + 3, sizeof(class));
	ck_assert_uint_eq(class, CKO_SECRET_KEY);
	t_class(&t, AES, "askew too");
	memcpy(all + 1, t.v, sizeof(t.v));
	CHECK_OK(p11->C_CreateObject(hs, (CK_ATTRIBUTE *)(void *)(all + 1), t.n, &made));
	ck_assert_uint_eq(find_label(hs, "askew too"), 1);
	free(all);
}
END_TEST

START_TEST(template_attributes_are_read_back_by_two_calls)
{
	CK_BBOOL yes = CK_TRUE;
	CK_KEY_TYPE type = CKK_AES;
	CK_ATTRIBUTE inner[] = { { CKA_EXTRACTABLE, &yes, 1 },
		{ CKA_KEY_TYPE, &type, sizeof(type) } };
	CK_ATTRIBUTE out[2] = { 0 };
	CK_BYTE room[2][16];
	CK_ATTRIBUTE a = { CKA_WRAP_TEMPLATE, NULL, 0 };
	CK_OBJECT_HANDLE o;
	struct tmpl t = { .n = 0 };

	t_class(&t, AES, "wrapper");
	t_bytes(&t, CKA_WRAP_TEMPLATE, inner, sizeof(inner));
	CHECK_OK(create(hs, &t, &o));
	CHECK_OK(p11->C_GetAttributeValue(hs, o, &a, 1));
	ck_assert_uint_eq(a.ulValueLen, sizeof(inner));
	a.pValue = out;
	CHECK_OK(p11->C_GetAttributeValue(hs, o, &a, 1));
	for (int i = 0; i < 2; i++) {
		ck_assert_uint_eq(out[i].ulValueLen,
		    out[i].type == CKA_EXTRACTABLE ? 1 : sizeof(type));
		out[i].pValue = room[i];
	}
	CHECK_OK(p11->C_GetAttributeValue(hs, o, &a, 1));
	ck_assert(out[0].type != out[1].type);
}
END_TEST

/* -- finding ------------------------------------------------------------------------------- */

START_TEST(finds_come_in_pieces_and_all_of_them)
{
	CK_OBJECT_HANDLE some[3], seen[40];
	CK_ULONG n, total = 0;
	struct tmpl t = { .n = 0 };

	for (int i = 0; i < 20; i++)
		(void)make((enum what)(i % CLASSES), "piece");
	t_text(&t, CKA_LABEL, "piece");
	CHECK_OK(p11->C_FindObjectsInit(hs, t.v, t.n));
	do {
		CHECK_OK(p11->C_FindObjects(hs, some, N(some), &n));
		for (CK_ULONG i = 0; i < n; i++) {
			for (CK_ULONG j = 0; j < total; j++)
				ck_assert_uint_ne(seen[j], some[i]);
			seen[total++] = some[i];
		}
	} while (n > 0);
	ck_assert_uint_eq(total, 20);
	CHECK_OK(p11->C_FindObjects(hs, some, N(some), &n));
	ck_assert_uint_eq(n, 0);
	CHECK_OK(p11->C_FindObjectsFinal(hs));
}
END_TEST

START_TEST(unknown_classes_and_attributes_find_nothing)
{
	static const CK_ATTRIBUTE_TYPE odd[] = { 0x7654321, CKA_MODULUS, 0xce534351UL,
		CKA_HW_FEATURE_TYPE };
	struct tmpl t = { .n = 0 };

	(void)make(AES, "a");
	t_ulong(&t, CKA_CLASS, 0xce534353UL); /* NSS's trust objects */
	ck_assert_uint_eq(find_all(hs, &t, NULL), 0);
	for (size_t i = 0; i < N(odd); i++) {
		t.n = 0;
		t_text(&t, odd[i], "?");
		ck_assert_uint_eq(find_all(hs, &t, NULL), 0);
	}
	t.n = 0;
	t_bytes(&t, CKA_CLASS, "abc", 3);
	ck_assert_uint_eq(find_all(hs, &t, NULL), 0);
}
END_TEST

START_TEST(find_rejects_bad_arguments)
{
	CK_OBJECT_HANDLE o;
	CK_ULONG n;

	CHECK_RV(p11->C_FindObjectsInit(hs, NULL, 1), CKR_ARGUMENTS_BAD);
	CHECK_RV(p11->C_FindObjects(hs, &o, 1, &n), CKR_OPERATION_NOT_INITIALIZED);
	CHECK_OK(p11->C_FindObjectsInit(hs, NULL, 0));
	CHECK_RV(p11->C_FindObjects(hs, NULL, 1, &n), CKR_ARGUMENTS_BAD);
	(void)p11->C_FindObjectsFinal(hs);
	CHECK_OK(p11->C_FindObjectsInit(hs, NULL, 0));
	CHECK_RV(p11->C_FindObjects(hs, &o, 1, NULL), CKR_ARGUMENTS_BAD);
	(void)p11->C_FindObjectsFinal(hs);
}
END_TEST

START_TEST(objects_destroyed_during_a_find_do_no_harm)
{
	CK_OBJECT_HANDLE a = make(AES, "going"), found[8];
	CK_ULONG n, live = 0;
	struct tmpl t = { .n = 0 };

	(void)make(EC_PUB, "going");
	t_text(&t, CKA_LABEL, "going");
	CHECK_OK(p11->C_FindObjectsInit(hs, t.v, t.n));
	CHECK_OK(p11->C_DestroyObject(hs, a));
	CHECK_OK(p11->C_FindObjects(hs, found, N(found), &n));
	CHECK_OK(p11->C_FindObjectsFinal(hs));
	ck_assert_uint_le(n, 2);
	for (CK_ULONG i = 0; i < n; i++)
		live += get_rv(found[i], CKA_LABEL) == CKR_OK;
	ck_assert_uint_eq(live, 1);
}
END_TEST

START_TEST(profiles_are_there_and_can_be_read)
{
	CK_OBJECT_HANDLE o = 0;
	struct tmpl t = { .n = 0 };

	t_ulong(&t, CKA_CLASS, CKO_PROFILE);
	ck_assert_uint_ge(find_all(hs, &t, &o), 1);
	ck_assert_uint_ge(get_ulong(o, CKA_PROFILE_ID), CKP_BASELINE_PROVIDER);
	ck_assert_uint_eq(get_ulong(o, CKA_CLASS), CKO_PROFILE);
	ck_assert(p11->C_DestroyObject(hs, o) != CKR_OK);
	ck_assert(set_ulong(o, CKA_PROFILE_ID, 4) != CKR_OK);
	t_ulong(&t, CKA_PROFILE_ID, CKP_BASELINE_PROVIDER);
	ck_assert_uint_le(find_all(hs, &t, NULL), 1);
}
END_TEST

START_TEST(certificates_are_public_unless_asked)
{
	struct tmpl t = { .n = 0 };
	CK_OBJECT_HANDLE o;

	t_cert(&t, "cert");
	t_drop(&t, CKA_PRIVATE);
	CHECK_OK(create(hs, &t, &o));
	ck_assert(!get_bool(o, CKA_PRIVATE));
	ck_assert_uint_eq(get_ulong(o, CKA_CERTIFICATE_TYPE), CKC_X_509);
}
END_TEST

START_TEST(private_data_is_kept_and_read_only_by_the_user)
{
	struct tmpl t = { .n = 0 };
	CK_OBJECT_HANDLE o;
	CK_BYTE big[60000], got[60000];

	for (size_t i = 0; i < sizeof(big); i++)
		big[i] = (CK_BYTE)(i * 31);
	t_data(&t, "data");
	t_set_bool(&t, CKA_PRIVATE, true);
	t_set_bool(&t, CKA_TOKEN, true);
	t_drop(&t, CKA_VALUE);
	t_bytes(&t, CKA_VALUE, big, sizeof(big));
	CHECK_OK(create(hs, &t, &o));
	ck_assert_uint_eq(get_bytes(o, CKA_VALUE, got, sizeof(got)), sizeof(big));
	ck_assert_mem_eq(got, big, sizeof(big));
	CHECK_OK(set_bytes(o, CKA_VALUE, "small", 5));
	ck_assert_uint_eq(get_bytes(o, CKA_VALUE, got, sizeof(got)), 5);
	CHECK_OK(set_bytes(o, CKA_VALUE, "", 0));
	ck_assert_uint_eq(get_bytes(o, CKA_VALUE, got, sizeof(got)), 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("p11 objects");
	TCase *t = tcase_create("objects");

	tcase_add_unchecked_fixture(t, make_cert, NULL);
	tcase_add_checked_fixture(t, p11_setup_user, p11_teardown);
	tcase_add_loop_test(t, what_was_given_is_read_back, 0, CLASSES);
	tcase_add_loop_test(t, an_object_is_found_by_each_of_its_attributes, 0, CLASSES);
	tcase_add_loop_test(t, an_object_is_not_found_by_another_value, 0, CLASSES);
	tcase_add_loop_test(t, sizes_are_told_or_said_to_be_unknown, 0, CLASSES);
	tcase_add_loop_test(t, label_and_id_can_be_changed_and_stay_changed, 0, CLASSES);
	tcase_add_loop_test(t, a_copy_is_an_object_of_its_own, 0, CLASSES);
	tcase_add_loop_test(t, a_copy_of_data_may_have_another_value, 0, 4);
	tcase_add_loop_test(t, each_required_attribute_is_required, 0, CLASSES);
	tcase_add_loop_test(t, what_only_the_token_knows_cannot_be_given, 0, CLASSES);
	tcase_add_loop_test(t, an_attribute_twice_or_unknown_or_of_another_class_is_refused, 0,
	    CLASSES);
	tcase_add_loop_test(t, values_of_a_wrong_length_or_range_are_refused, 0, CLASSES);
	tcase_add_loop_test(t, a_key_that_is_no_key_is_refused, 0, CLASSES);
	tcase_add_loop_test(t, sensitive_and_extractable_go_one_way, 0, CLASSES);
	tcase_add_loop_test(t, an_unextractable_key_tells_nothing_even_when_not_sensitive, 0,
	    CLASSES);
	tcase_add_loop_test(t, objects_that_are_fixed_stay_so, 0, CLASSES);
	tcase_add_loop_test(t, a_failed_change_changes_nothing, 0, CLASSES);
	tcase_add_test(t, little_of_a_certificate_can_be_changed);
	tcase_add_test(t, a_trusted_certificate_cannot_be_changed);
	tcase_add_test(t, a_certificate_has_a_value_or_says_where_it_is);
	tcase_add_test(t, classes_and_types_that_are_not_there_are_refused);
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
	tcase_add_test(t, each_attribute_gets_its_own_answer);
	tcase_add_test(t, each_single_failure_has_its_code);
	tcase_add_test(t, templates_and_values_may_be_misaligned);
	tcase_add_test(t, template_attributes_are_read_back_by_two_calls);
	tcase_add_test(t, finds_come_in_pieces_and_all_of_them);
	tcase_add_test(t, unknown_classes_and_attributes_find_nothing);
	tcase_add_test(t, find_rejects_bad_arguments);
	tcase_add_test(t, objects_destroyed_during_a_find_do_no_harm);
	tcase_add_test(t, profiles_are_there_and_can_be_read);
	tcase_add_test(t, certificates_are_public_unless_asked);
	tcase_add_test(t, private_data_is_kept_and_read_only_by_the_user);
	suite_add_tcase(s, t);
	return p11_main(s);
}
