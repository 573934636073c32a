/* SPDX-License-Identifier: Apache-2.0 */
/* Reading attributes and finding objects: each answer has its code and its length, and a search
 * gives everything that matches once. */
#include "tests/p11/classes.h"

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

	t_class(&t, CERT, "cert");
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
	t_class(&t, DATA, "data");
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
	Suite *s = suite_create("p11 object reading");
	TCase *t = tcase_create("reading");

	tcase_add_unchecked_fixture(t, make_cert, NULL);
	tcase_add_checked_fixture(t, p11_setup_user, p11_teardown);
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
