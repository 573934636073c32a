/* SPDX-License-Identifier: Apache-2.0 */
/* Objects of every class: what becomes of them from their making to their end, and which templates
 * make none. */
#include "tests/p11/classes.h"

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
	tcase_add_test(t, classes_and_types_that_are_not_there_are_refused);
	suite_add_tcase(s, t);
	return p11_main(s);
}
