/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets as a whole: made, described, listed, changed, deleted and brought back. */
#include "tests/contract/contract.h"
#include "tests/contract/secrets.h"

#define DAY 86400

START_TEST(a_secret_is_made_as_asked_and_described)
{
	char arn[300];

	secret("db/tde");
	with(F_VersionId, "v1");
	with(F_SecretData, "geheim");
	with(F_Description, "of the payroll");
	with(F_TagsJson, "[{\"TagKey\":\"team\",\"TagValue\":\"hr\"}]");
	expect(ACTION_CreateSecret);
	check_text(F_COUNT, F_SecretName, "db/tde");
	check_text(F_COUNT, F_VersionId, "v1");
	check_text(F_COUNT, F_SecretType, "Generic");
	ck_assert_int_lt(snprintf(arn, sizeof(arn), "%s", text_of(F_COUNT, F_Arn)),
	    (int)sizeof(arn));
	ck_assert_ptr_nonnull(strstr(arn, ":secret/db/tde"));
	secret(arn);
	expect(ACTION_DescribeSecret);
	check_text(F_COUNT, F_Arn, arn);
	check_text(F_COUNT, F_SecretName, "db/tde");
	check_text(F_COUNT, F_Description, "of the payroll");
	check_text(F_COUNT, F_CreateTime, "2023-11-14T22:13:20Z");
	check_text(F_COUNT, F_UpdateTime, "2023-11-14T22:13:20Z");
	check_text(F_COUNT, F_AutomaticRotation, "Disabled");
	ck_assert_uint_eq(strlen(text_of(F_COUNT, F_EncryptionKeyId)), 36);
	ck_assert(!fields_has(&res, F_PlannedDeleteTime));
	ck_assert(!fields_has(&res, F_Tags));
	ck_assert(!fields_has(&res, F_SecretData));
	secret("db/tde");
	with_bool(F_FetchTags, true);
	expect(ACTION_DescribeSecret);
	check_text(F_Tags, F_TagKey, "team");
	check_text(F_Tags, F_TagValue, "hr");
}
END_TEST

START_TEST(a_name_is_taken_once)
{
	new_secret("a", "v1", "x");
	secret("a");
	with(F_VersionId, "v2");
	with(F_SecretData, "y");
	expect_error(ACTION_CreateSecret, E_ResourceExist);
}
END_TEST

START_TEST(names_of_secrets_have_their_form)
{
	static const char *const bad[] = { "", "a b", "a:b", "acs/x", "\xc3\xa4", "$Auto" };
	static const char *const good[] = { "A-Za-z0-9_/+=.@", "acs", "-" };
	char longest[193 + 1] = "";

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		secret(bad[i]);
		with(F_VersionId, "v");
		with(F_SecretData, "x");
		expect_error(ACTION_CreateSecret, E_InvalidParameter);
	}
	memset(longest, 'a', 193);
	secret(longest);
	with(F_VersionId, "v");
	with(F_SecretData, "x");
	expect_error(ACTION_CreateSecret, E_InvalidParameter);
	longest[192] = '\0';
	new_secret(longest, "v", "x");
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		new_secret(good[i], "v", "x");
}
END_TEST

START_TEST(each_type_of_secret_has_its_own_names)
{
	static const struct {
		const char *type, *name, *config, *is;
	} rows[] = {
		{ "Rds", "db", "{\"DBInstanceId\":\"rm-1\"}", "db" },
		{ "Redis", "cache", NULL, "cache" },
		{ "PolarDB", "polar", NULL, "polar" },
		{ "ECS", "acs/ecs/login", NULL, "acs/ecs/login" },
		{ "ECS", "login", NULL, NULL },
		{ "Rds", "acs/ecs/x", NULL, NULL },
		{ "RAMCredentials", "$Auto", "{\"UserName\":\"alice\"}", "acs/ram/user/alice" },
		{ "RAMCredentials", "$Auto", "{}", NULL },
		{ "RAMCredentials", "$Auto", NULL, NULL },
		{ "RAMCredentials", "alice", "{\"UserName\":\"alice\"}", NULL },
		{ "generic", "x", NULL, NULL },
		{ "Generic", "x", "{}", NULL },
		{ "Rds", "x", "[]", NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		secret(rows[i].name);
		with(F_SecretType, rows[i].type);
		with(F_VersionId, "v");
		with(F_SecretData, "x");
		if (rows[i].config != NULL)
			with(F_ExtendedConfig, rows[i].config);
		if (rows[i].is == NULL) {
			expect_error(ACTION_CreateSecret, E_InvalidParameter);
			continue;
		}
		expect(ACTION_CreateSecret);
		check_text(F_COUNT, F_SecretName, rows[i].is);
		secret(rows[i].is);
		expect(ACTION_DescribeSecret);
		check_text(F_COUNT, F_SecretType, rows[i].type);
		check_text(F_COUNT, F_ExtendedConfig, rows[i].config == NULL ? "" : rows[i].config);
	}
}
END_TEST

START_TEST(an_unknown_secret_is_not_found_by_any_name)
{
	static const char *const names[] = { "x", "acs:kms:elsewhere:1234567890123456:secret/a",
		"secret/a" };

	new_secret("a", "v", "x");
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		secret(names[i]);
		expect_error(ACTION_DescribeSecret, E_ResourceNotFound);
		expect_error(ACTION_GetSecretValue, E_ResourceNotFound);
		expect_error(ACTION_DeleteSecret, E_ResourceNotFound);
	}
}
END_TEST

START_TEST(secrets_are_listed_by_pages_and_filters)
{
	static const char *const names[] = { "a", "b", "c" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		secret(names[i]);
		with(F_VersionId, "v");
		with(F_SecretData, "x");
		with(F_Description, i == 1 ? "one of the payroll's" : "");
		with(F_TagsJson,
		    i == 2 ? "[{\"TagKey\":\"env\",\"TagValue\":\"prod\"}]"
			   : "[{\"TagKey\":\"env\",\"TagValue\":\"test\"}]");
		expect(ACTION_CreateSecret);
	}
	request();
	with_number(F_PageNumber, 2);
	with_number(F_PageSize, 2);
	with_bool(F_FetchTags, true);
	expect(ACTION_ListSecrets);
	ck_assert_uint_eq(count_of(F_SecretList), 1);
	check_text(F_SecretList, F_SecretName, "c");
	ck_assert_int_eq(fields_number(&res, F_TotalCount, 0), 3);
	filtered("[{\"Key\":\"SecretName\",\"Values\":[\"c\",\"a\"]}]", "a c");
	filtered(
	    "[{\"Key\":\"SecretName\",\"Values\":[\"c\"]},{\"Key\":\"SecretName\",\"Values\":[\"a\"]}]",
	    "a c");
	filtered("[{\"Key\":\"Description\",\"Values\":[\"payroll\"]}]", "b");
	filtered(
	    "[{\"Key\":\"TagKey\",\"Values\":[\"env\"]},{\"Key\":\"TagValue\",\"Values\":[\"prod\"]}]",
	    "c");
	filtered("[{\"Key\":\"SecretType\",\"Values\":[\"Rds\"]}]", "");
	version("elsewhere", "v", "x");
	with(F_DKMSInstanceId, "kst-1");
	expect_error(ACTION_CreateSecret, E_DKMSInstanceNotFound);
	filtered("[{\"Key\":\"DKMSInstanceId\",\"Values\":[\"kst-1\"]}]", "");
	filtered("[{\"Key\":\"SecretName\",\"Values\":[]}]", "a b c");
	request();
	with(F_Filters, "[{\"Key\":\"Colour\",\"Values\":[\"red\"]}]");
	expect_error(ACTION_ListSecrets, E_InvalidParameter);
	/* Pages are those of what is left. */
	request();
	with(F_Filters, "[{\"Key\":\"TagValue\",\"Values\":[\"test\"]}]");
	with_number(F_PageNumber, 2);
	with_number(F_PageSize, 1);
	expect(ACTION_ListSecrets);
	ck_assert_uint_eq(count_of(F_SecretList), 1);
	check_text(F_SecretList, F_SecretName, "b");
	ck_assert_int_eq(fields_number(&res, F_TotalCount, 0), 2);
}
END_TEST

START_TEST(a_description_is_changed_and_the_time_is_told)
{
	new_secret("a", "v", "x");
	os_fake_clock(NOW + 60);
	secret("a");
	with(F_Description, "new");
	expect(ACTION_UpdateSecret);
	check_text(F_COUNT, F_SecretName, "a");
	secret("a");
	expect(ACTION_DescribeSecret);
	check_text(F_COUNT, F_Description, "new");
	check_text(F_COUNT, F_CreateTime, "2023-11-14T22:13:20Z");
	check_text(F_COUNT, F_UpdateTime, "2023-11-14T22:14:20Z");
	secret("a");
	with(F_CustomData, "{\"DBName\":\"a\"}");
	expect_error(ACTION_UpdateSecret, E_InvalidParameter);
}
END_TEST

START_TEST(custom_data_becomes_part_of_the_configuration)
{
	secret("db");
	with(F_SecretType, "Rds");
	with(F_VersionId, "v");
	with(F_SecretData, "x");
	with(F_ExtendedConfig, "{\"DBInstanceId\":\"rm-1\",\"CustomData\":{\"a\":\"1\"}}");
	expect(ACTION_CreateSecret);
	secret("db");
	with(F_CustomData, "{\"Port\":\"3306\"}");
	expect(ACTION_UpdateSecret);
	secret("db");
	expect(ACTION_DescribeSecret);
	check_text(F_COUNT, F_ExtendedConfig,
	    "{\"DBInstanceId\":\"rm-1\",\"CustomData\":{\"Port\":\"3306\"}}");
	secret("db");
	with(F_CustomData, "7");
	expect_error(ACTION_UpdateSecret, E_InvalidParameter);
}
END_TEST

START_TEST(a_deleted_secret_comes_back_within_its_window)
{
	new_secret("a", "v", "x");
	secret("a");
	expect(ACTION_DeleteSecret);
	check_text(F_COUNT, F_PlannedDeleteTime, "2023-12-14T22:13:20Z");
	secret("a");
	expect_error(ACTION_GetSecretValue, E_ResourceInDeleteWindow);
	expect_error(ACTION_UpdateSecret, E_ResourceInDeleteWindow);
	expect_error(ACTION_DeleteSecret, E_ResourceInDeleteWindow);
	expect(ACTION_ListSecretVersionIds);
	expect(ACTION_DescribeSecret);
	check_text(F_COUNT, F_PlannedDeleteTime, "2023-12-14T22:13:20Z");
	with(F_VersionId, "v");
	with(F_SecretData, "x");
	expect_error(ACTION_CreateSecret, E_ResourceInDeleteWindow);
	secret("a");
	expect(ACTION_RestoreSecret);
	os_fake_clock(NOW + 40 * DAY);
	secret("a");
	expect(ACTION_GetSecretValue);
	check_text(F_COUNT, F_SecretData, "x");
}
END_TEST

START_TEST(a_secret_is_gone_when_its_window_ends)
{
	new_secret("a", "v", "x");
	secret("a");
	with_number(F_RecoveryWindowInDays, 6);
	expect_error(ACTION_DeleteSecret, E_InvalidParameter);
	secret("a");
	with_number(F_RecoveryWindowInDays, 31);
	expect_error(ACTION_DeleteSecret, E_InvalidParameter);
	secret("a");
	with_number(F_RecoveryWindowInDays, 7);
	expect(ACTION_DeleteSecret);
	os_fake_clock(NOW + 7 * DAY - 1);
	secret("a");
	expect(ACTION_DescribeSecret);
	os_fake_clock(NOW + 7 * DAY);
	expect_error(ACTION_DescribeSecret, E_ResourceNotFound);
	expect_error(ACTION_RestoreSecret, E_ResourceNotFound);
	new_secret("a", "v", "another");
	check_value("a", "another");
}
END_TEST

START_TEST(a_secret_can_be_deleted_at_once)
{
	new_secret("a", "v", "x");
	secret("a");
	with_bool(F_ForceDeleteWithoutRecovery, true);
	expect(ACTION_DeleteSecret);
	secret("a");
	expect_error(ACTION_DescribeSecret, E_ResourceNotFound);
	new_secret("b", "v", "x");
	secret("b");
	expect(ACTION_DeleteSecret);
	secret("b");
	with_bool(F_ForceDeleteWithoutRecovery, true);
	expect(ACTION_DeleteSecret);
	secret("b");
	expect_error(ACTION_DescribeSecret, E_ResourceNotFound);
}
END_TEST

START_TEST(managed_secrets_tell_how_they_rotate)
{
	secret("db");
	with(F_SecretType, "Rds");
	with(F_VersionId, "v");
	with(F_SecretData, "x");
	with_bool(F_EnableAutomaticRotation, true);
	expect_error(ACTION_CreateSecret, E_MissingParameter);
	with(F_RotationInterval, "5h");
	expect_error(ACTION_CreateSecret, E_InvalidParameter);
	with(F_RotationInterval, "7d");
	expect(ACTION_CreateSecret);
	check_text(F_COUNT, F_AutomaticRotation, "Enabled");
	check_text(F_COUNT, F_RotationInterval, "604800s");
	check_text(F_COUNT, F_NextRotationDate, "2023-11-21T22:13:20Z");
	secret("db");
	with_bool(F_EnableAutomaticRotation, true);
	with(F_RotationInterval, "8761h");
	expect_error(ACTION_UpdateSecretRotationPolicy, E_InvalidParameter);
	with(F_RotationInterval, "6h");
	expect(ACTION_UpdateSecretRotationPolicy);
	secret("db");
	expect(ACTION_GetSecretValue);
	check_text(F_COUNT, F_RotationInterval, "21600s");
	secret("db");
	with_bool(F_EnableAutomaticRotation, false);
	expect(ACTION_UpdateSecretRotationPolicy);
	secret("db");
	expect(ACTION_DescribeSecret);
	check_text(F_COUNT, F_AutomaticRotation, "Disabled");
	ck_assert(!fields_has(&res, F_NextRotationDate));
}
END_TEST

START_TEST(generic_secrets_do_not_rotate)
{
	secret("a");
	with(F_VersionId, "v");
	with(F_SecretData, "x");
	with_bool(F_EnableAutomaticRotation, true);
	with(F_RotationInterval, "7d");
	expect_error(ACTION_CreateSecret, E_UnsupportedOperation);
	new_secret("a", "v", "x");
	secret("a");
	with_bool(F_EnableAutomaticRotation, true);
	with(F_RotationInterval, "7d");
	expect_error(ACTION_UpdateSecretRotationPolicy, E_UnsupportedOperation);
	secret("a");
	with(F_VersionId, "v2");
	expect_error(ACTION_RotateSecret, E_UnsupportedOperation);
}
END_TEST

/* -- passwords -- */

START_TEST(a_password_is_made_as_asked)
{
	const char *password;

	request();
	expect(ACTION_GetRandomPassword);
	ck_assert_uint_eq(strlen(text_of(F_COUNT, F_RandomPassword)), 32);
	request();
	with_number(F_PasswordLength, 128);
	with_bool(F_ExcludePunctuation, true);
	with_bool(F_ExcludeNumbers, true);
	with_bool(F_ExcludeUppercase, true);
	with(F_ExcludeCharacters, "abcdefghijklm");
	with_bool(F_RequireEachIncludedType, true);
	expect(ACTION_GetRandomPassword);
	password = text_of(F_COUNT, F_RandomPassword);
	ck_assert_uint_eq(strlen(password), 128);
	ck_assert_uint_eq(strspn(password, "nopqrstuvwxyz"), 128);
	with_bool(F_ExcludeLowercase, true);
	expect_error(ACTION_GetRandomPassword, E_InvalidParameter);
	request();
	with_number(F_PasswordLength, 7);
	expect_error(ACTION_GetRandomPassword, E_InvalidParameter);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { a_secret_is_made_as_asked_and_described,
		a_name_is_taken_once, names_of_secrets_have_their_form,
		each_type_of_secret_has_its_own_names, an_unknown_secret_is_not_found_by_any_name,
		secrets_are_listed_by_pages_and_filters,
		a_description_is_changed_and_the_time_is_told,
		custom_data_becomes_part_of_the_configuration,
		a_deleted_secret_comes_back_within_its_window,
		a_secret_is_gone_when_its_window_ends, a_secret_can_be_deleted_at_once,
		managed_secrets_tell_how_they_rotate, generic_secrets_do_not_rotate,
		a_password_is_made_as_asked };
	Suite *s = suite_create("contract: secrets");
	TCase *t = tcase_create("secrets");

	tcase_add_checked_fixture(t, contract_setup, contract_teardown);
	for (size_t i = 0; i < ARRAY_LEN(tests); i++)
		tcase_add_test(t, tests[i]);
	suite_add_tcase(s, t);
	return contract_main(s);
}
