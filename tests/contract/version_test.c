/* SPDX-License-Identifier: Apache-2.0 */
/* Versions of keys: made, listed, rotated by hand and by time; and what applications see of it. */
#include "tests/contract/contract.h"

#define DAY 86400

static char *
copy_of(enum field group, enum field name)
{
	char *s = strdup(text_of(group, name));

	ck_assert_ptr_nonnull(s);
	return s;
}

static size_t
n_found(struct object_query q)
{
	auto_object_refs refs = { 0 };

	q.private_too = true;
	CHECK_RC(backend_find(kms, NULL, &q, &refs), KMS_OK);
	return refs.n;
}

static struct object_query
labelled(const char *label)
{
	return (struct object_query){ .has_label = true, .label = slice_str(label) };
}

START_TEST(a_new_version_becomes_primary_and_all_are_listed)
{
	char *id = new_key(NULL, NULL), *first = copy_of(F_KeyMetadata, F_PrimaryKeyVersion);
	char *second;

	os_fake_clock(NOW + 100);
	about(id);
	expect(ACTION_CreateKeyVersion);
	check_text(F_KeyVersion, F_KeyId, id);
	check_text(F_KeyVersion, F_CreationDate, "2023-11-14T22:15:00Z");
	second = copy_of(F_KeyVersion, F_KeyVersionId);
	ck_assert_str_ne(first, second);
	about(id);
	expect(ACTION_DescribeKey);
	check_text(F_KeyMetadata, F_PrimaryKeyVersion, second);
	check_text(F_KeyMetadata, F_LastRotationDate, "2023-11-14T22:15:00Z");
	about(id);
	expect(ACTION_ListKeyVersions);
	ck_assert_int_eq(fields_number(&res, F_TotalCount, 0), 2);
	check_text(F_KeyVersions, F_KeyVersionId, first);
	about(id);
	with(F_KeyVersionId, first);
	expect(ACTION_DescribeKeyVersion);
	check_text(F_KeyVersion, F_CreationDate, "2023-11-14T22:13:20Z");
	about(id);
	with(F_KeyVersionId, id);
	expect_error(ACTION_DescribeKeyVersion, E_KeyVersionNotFound);
	free(id);
	free(first);
	free(second);
}
END_TEST

START_TEST(the_primary_keeps_the_label_and_the_past_one_is_numbered)
{
	char *id = new_key("RSA_2048", NULL), past[80];
	auto_object_refs refs = { 0 };
	auto_object was = { 0 };
	auto_object is = { 0 };
	struct object_query q = labelled(id);

	q.private_too = true;
	q.kind = OBJECT_PRIVATE_KEY;
	CHECK_RC(backend_find(kms, NULL, &q, &refs), KMS_OK);
	ck_assert_uint_eq(refs.n, 1);
	CHECK_RC(backend_get(kms, NULL, &refs.v[0].id, &was), KMS_OK);
	os_fake_clock(NOW + 7 * DAY);
	about(id);
	expect(ACTION_CreateKeyVersion);
	ck_assert_int_lt(snprintf(past, sizeof(past), "%s.v1", id), (int)sizeof(past));
	ck_assert_uint_eq(n_found(labelled(id)), 2);
	ck_assert_uint_eq(n_found(labelled(past)), 2);
	object_refs_free(&refs);
	CHECK_RC(backend_find(kms, NULL, &q, &refs), KMS_OK);
	CHECK_RC(backend_get(kms, NULL, &refs.v[0].id, &is), KMS_OK);
	/* Applications find the new one where the old one was. */
	CHECK_BYTES(buf_slice(&is.app_id), buf_slice(&was.app_id));
	ck_assert_uint_eq(is.flags, was.flags);
	ck_assert(!slice_eq(buf_slice(&is.body), buf_slice(&was.body)));
	object_free(&is);
	/* The old one no longer signs, and has an id of its own. */
	q.label = slice_str(past);
	object_refs_free(&refs);
	CHECK_RC(backend_find(kms, NULL, &q, &refs), KMS_OK);
	ck_assert_uint_eq(refs.n, 1);
	CHECK_RC(backend_get(kms, NULL, &refs.v[0].id, &is), KMS_OK);
	ck_assert_uint_eq(is.flags & FLAG_SIGN, 0);
	ck_assert(!slice_eq(buf_slice(&is.app_id), buf_slice(&was.app_id)));
	CHECK_BYTES(buf_slice(&is.body), buf_slice(&was.body));
	free(id);
}
END_TEST

START_TEST(versions_of_asymmetric_keys_are_a_week_apart)
{
	char *id = new_key("EC_P256", NULL);

	about(id);
	os_fake_clock(NOW + 7 * DAY - 1);
	expect_error(ACTION_CreateKeyVersion, E_UnsupportedOperation);
	os_fake_clock(NOW + 7 * DAY);
	expect(ACTION_CreateKeyVersion);
	expect_error(ACTION_CreateKeyVersion, E_UnsupportedOperation);
	free(id);
}
END_TEST

START_TEST(rotation_is_switched_within_its_limits)
{
	static const char *const bad[] = { "6d", "731d", "0d", "7", "d", "7w", "-7d", "99999999d" };
	char *id = new_key(NULL, NULL);

	about(id);
	with_bool(F_EnableAutomaticRotation, true);
	expect_error(ACTION_UpdateRotationPolicy, E_MissingParameter);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		with(F_RotationInterval, bad[i]);
		expect_error(ACTION_UpdateRotationPolicy, E_InvalidParameter);
	}
	with(F_RotationInterval, "168h");
	expect(ACTION_UpdateRotationPolicy);
	about(id);
	expect(ACTION_DescribeKey);
	check_text(F_KeyMetadata, F_AutomaticRotation, "Enabled");
	check_text(F_KeyMetadata, F_RotationInterval, "604800s");
	check_text(F_KeyMetadata, F_NextRotationDate, "2023-11-21T22:13:20Z");
	about(id);
	expect(ACTION_DisableKey);
	about(id);
	expect(ACTION_DescribeKey);
	check_text(F_KeyMetadata, F_AutomaticRotation, "Suspended");
	free(id);
	id = new_key("RSA_2048", NULL);
	about(id);
	with_bool(F_EnableAutomaticRotation, true);
	with(F_RotationInterval, "30d");
	expect_error(ACTION_UpdateRotationPolicy, E_UnsupportedOperation);
	free(id);
}
END_TEST

START_TEST(an_interval_that_has_passed_rotates_at_once)
{
	char *id = new_key(NULL, NULL);

	os_fake_clock(NOW + 30 * DAY);
	about(id);
	with_bool(F_EnableAutomaticRotation, true);
	with(F_RotationInterval, "7d");
	expect(ACTION_UpdateRotationPolicy);
	about(id);
	expect(ACTION_ListKeyVersions);
	ck_assert_int_eq(fields_number(&res, F_TotalCount, 0), 2);
	free(id);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { a_new_version_becomes_primary_and_all_are_listed,
		the_primary_keeps_the_label_and_the_past_one_is_numbered,
		versions_of_asymmetric_keys_are_a_week_apart,
		rotation_is_switched_within_its_limits,
		an_interval_that_has_passed_rotates_at_once };
	Suite *s = suite_create("contract: versions");
	TCase *t = tcase_create("versions");

	tcase_add_checked_fixture(t, contract_setup, contract_teardown);
	for (size_t i = 0; i < ARRAY_LEN(tests); i++)
		tcase_add_test(t, tests[i]);
	suite_add_tcase(s, t);
	return contract_main(s);
}
