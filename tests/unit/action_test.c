/* SPDX-License-Identifier: Apache-2.0 */
/* The actions' table and the check of requests; sets of fields. */
#define _GNU_SOURCE 1
#include "api/action.h"

#include "tests/unit/unit.h"

static enum api_error
checked(enum action a, const struct fields *req, char *why, size_t cap)
{
	struct err err = { "" };
	enum api_error e = E_None;
	enum kms_rc rc = action_check(a, req, &e, &err);

	ck_assert_int_eq(rc, e == E_None ? KMS_OK : KMS_INVALID);
	ck_assert_int_lt(snprintf(why, cap, "%s", err.text), (int)cap);
	return e;
}

START_TEST(every_action_is_found_by_its_name_and_takes_each_parameter_once)
{
	for (enum action a = 0; a < ACTION_COUNT; a++) {
		const struct action_row *row = action_row(a);

		ck_assert_int_eq(action_by_name(slice_str(row->name)), a);
		for (const struct action_param *p = row->params; p->name != F_COUNT; p++)
			for (const struct action_param *q = p + 1; q->name != F_COUNT; q++)
				ck_assert_msg(p->name != q->name &&
					strcmp(field_row(p->name)->wire,
					    field_row(q->name)->wire) != 0,
				    "%s takes %s twice", row->name, field_row(p->name)->wire);
	}
	ck_assert_int_eq(action_by_name(BYTES("encrypt")), ACTION_COUNT);
	ck_assert_int_eq(action_by_name(BYTES("")), ACTION_COUNT);
}
END_TEST

START_TEST(an_action_about_a_key_requires_its_id)
{
	for (enum action a = 0; a < ACTION_COUNT; a++) {
		const struct action_row *row = action_row(a);
		bool key = row->target == TARGET_KEY || row->target == TARGET_KEY_OR_ALIAS;
		bool found = false;

		for (const struct action_param *p = row->params; p->name != F_COUNT; p++)
			found |= p->required &&
			    p->name ==
				(key				       ? F_KeyId
					: row->target == TARGET_SECRET ? F_SecretName
					: row->target == TARGET_BLOB   ? F_CiphertextBlob
								       : p->name);
		ck_assert_msg(found || row->target == TARGET_NOTHING ||
			row->target == TARGET_ROOT || row->target >= TARGET_NEW_KEY ||
			row->target == TARGET_ALIAS,
		    "%s", row->name);
	}
}
END_TEST

START_TEST(what_is_missing_is_named)
{
	auto_fields req = { 0 };
	char why[256];

	ck_assert_int_eq(checked(ACTION_Encrypt, &req, why, sizeof(why)), E_MissingParameter);
	ck_assert_ptr_nonnull(strstr(why, "\"KeyId\""));
	CHECK_RC(fields_put_text(&req, F_KeyId, "alias/a"), KMS_OK);
	ck_assert_int_eq(checked(ACTION_Encrypt, &req, why, sizeof(why)), E_MissingParameter);
	ck_assert_ptr_nonnull(strstr(why, "\"Plaintext\""));
	/* Empty data is data. */
	CHECK_RC(fields_put(&req, F_Plaintext, slice_of(NULL, 0)), KMS_OK);
	ck_assert_int_eq(checked(ACTION_Encrypt, &req, why, sizeof(why)), E_None);
}
END_TEST

START_TEST(what_does_not_belong_is_refused)
{
	auto_fields req = { 0 };
	char why[256];

	CHECK_RC(fields_put_text(&req, F_KeyId, "k"), KMS_OK);
	CHECK_RC(fields_put_text(&req, F_Policy, "{}"), KMS_OK);
	ck_assert_int_eq(checked(ACTION_EnableKey, &req, why, sizeof(why)), E_InvalidParameter);
	ck_assert_ptr_nonnull(strstr(why, "\"Policy\""));
}
END_TEST

START_TEST(lengths_and_ranges_are_the_tables)
{
	static const uint8_t big[6145];
	struct fields req = { 0 };
	char why[256];

	CHECK_RC(fields_put_text(&req, F_KeyId, "k"), KMS_OK);
	CHECK_RC(fields_put(&req, F_Plaintext, slice_of(big, 6144)), KMS_OK);
	ck_assert_int_eq(checked(ACTION_Encrypt, &req, why, sizeof(why)), E_None);
	CHECK_RC(fields_put(&req, F_Plaintext, slice_of(big, 6145)), KMS_OK);
	ck_assert_int_eq(checked(ACTION_Encrypt, &req, why, sizeof(why)), E_InvalidParameter);
	fields_free(&req);
	CHECK_RC(fields_put_text(&req, F_KeyId, "k"), KMS_OK);
	for (int64_t days = 6; days <= 367; days += 361) {
		CHECK_RC(fields_put_number(&req, F_PendingWindowInDays, days), KMS_OK);
		ck_assert_int_eq(checked(ACTION_ScheduleKeyDeletion, &req, why, sizeof(why)),
		    E_InvalidParameter);
	}
	CHECK_RC(fields_put_number(&req, F_PendingWindowInDays, 7), KMS_OK);
	ck_assert_int_eq(checked(ACTION_ScheduleKeyDeletion, &req, why, sizeof(why)), E_None);
	fields_free(&req);
}
END_TEST

START_TEST(text_is_utf8_without_nul)
{
	static const char *const bad[] = { "a\xff", "\xc0\xaf", "a\0b" };
	static const size_t len[] = { 2, 2, 3 };

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		auto_fields req = { 0 };
		char why[256];

		CHECK_RC(fields_put(&req, F_KeyId, slice_of(bad[i], len[i])), KMS_OK);
		ck_assert_int_eq(checked(ACTION_EnableKey, &req, why, sizeof(why)),
		    E_InvalidParameter);
	}
}
END_TEST

START_TEST(members_of_lists_have_limits_of_their_own)
{
	auto_fields req = { 0 };
	struct fields *tag;
	char why[256];

	CHECK_RC(fields_put_text(&req, F_RegionId, "r"), KMS_OK);
	CHECK_RC(fields_put_text(&req, F_ResourceType, "key"), KMS_OK);
	CHECK_RC(fields_add_text(&req, F_ResourceIds, BYTES("k1")), KMS_OK);
	CHECK_RC(fields_add_group(&req, F_TagList, &tag), KMS_OK);
	CHECK_RC(fields_put_text(tag, F_TagListKey, "team"), KMS_OK);
	ck_assert_int_eq(checked(ACTION_TagResources, &req, why, sizeof(why)), E_None);
	CHECK_RC(fields_put_text(tag, F_TagListKey, ""), KMS_OK);
	ck_assert_int_eq(checked(ACTION_TagResources, &req, why, sizeof(why)), E_InvalidParameter);
}
END_TEST

START_TEST(a_value_is_put_once_and_kept_by_its_kind)
{
	auto_fields f = { 0 };
	struct fields *group;

	CHECK_RC(fields_put_text(&f, F_KeyId, "one"), KMS_OK);
	CHECK_RC(fields_put_text(&f, F_KeyId, "two"), KMS_OK);
	ck_assert_uint_eq(f.n, 1);
	CHECK_BYTES(fields_get(&f, F_KeyId), BYTES("two"));
	CHECK_RC(fields_put(&f, F_SecretData, BYTES("s3cret")), KMS_OK);
	CHECK_BYTES(fields_get(&f, F_SecretData), BYTES("s3cret"));
	CHECK_RC(fields_put_number(&f, F_PageSize, 10), KMS_OK);
	ck_assert_int_eq(fields_number(&f, F_PageSize, 1), 10);
	ck_assert_int_eq(fields_number(&f, F_PageNumber, 1), 1);
	CHECK_RC(fields_put_bool(&f, F_Valid, true), KMS_OK);
	ck_assert(fields_bool(&f, F_Valid) && !fields_bool(&f, F_DryRun));
	CHECK_RC(fields_add_group(&f, F_KeyMetadata, &group), KMS_OK);
	CHECK_RC(fields_put_text(group, F_KeyState, "Enabled"), KMS_OK);
	CHECK_BYTES(fields_get(fields_group(&f, F_KeyMetadata), F_KeyState), BYTES("Enabled"));
	ck_assert(!fields_has(&f, F_Keys));
	CHECK_RC(fields_put_list(&f, F_Keys), KMS_OK);
	ck_assert(fields_has(&f, F_Keys));
	CHECK_RC(fields_put_number(&f, F_KeyId, 1), KMS_INVALID);
	CHECK_RC(fields_put_text(&f, F_PageSize, "1"), KMS_INVALID);
	CHECK_RC(fields_add_text(&f, F_KeyId, BYTES("x")), KMS_INVALID);
	CHECK_RC(fields_add_group(&f, F_KeyId, &group), KMS_INVALID);
}
END_TEST

START_TEST(every_error_has_a_code_and_the_rc_that_leads_back_to_an_error)
{
	for (enum api_error e = E_None + 1; e < E_COUNT; e++) {
		const struct api_error_row *row = api_error_row(e);

		ck_assert_str_ne(row->code, "");
		ck_assert_str_ne(row->message, "");
		ck_assert_int_ge(row->status, 400);
		ck_assert_int_ne(row->rc, KMS_OK);
		ck_assert_int_ne(api_error_of_rc(row->rc), E_None);
	}
	ck_assert_str_eq(api_error_row(E_KeyNotFound)->code, "Forbidden.KeyNotFound");
	ck_assert_str_eq(api_error_row(E_COUNT)->code, "InternalFailure");
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
		every_action_is_found_by_its_name_and_takes_each_parameter_once,
		an_action_about_a_key_requires_its_id, what_is_missing_is_named,
		what_does_not_belong_is_refused, lengths_and_ranges_are_the_tables,
		text_is_utf8_without_nul, members_of_lists_have_limits_of_their_own,
		a_value_is_put_once_and_kept_by_its_kind,
		every_error_has_a_code_and_the_rc_that_leads_back_to_an_error
	};
	Suite *s = suite_create("action");
	TCase *t = tcase_create("action");

	for (size_t i = 0; i < ARRAY_LEN(tests); i++)
		tcase_add_test(t, tests[i]);
	suite_add_tcase(s, t);
	return unit_main(s);
}
