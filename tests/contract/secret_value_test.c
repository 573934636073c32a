/* SPDX-License-Identifier: Apache-2.0 */
/* The values of secrets: put, got by version and stage, encrypted under a key that can stop them.
 */
#include "tests/contract/contract.h"
#include "tests/contract/secrets.h"

/* The stages of a version, from the list of all. */
static void
check_stages(const char *name, const char *id, const char *wanted)
{
	secret(name);
	with_bool(F_IncludeDeprecated, true);
	expect(ACTION_ListSecretVersionIds);
	for (size_t i = 0; i < count_of(F_VersionIds); i++) {
		if (strcmp(text_in(F_VersionIds, i, F_VersionId), id) != 0)
			continue;
		ck_assert_str_eq(texts_of(F_VersionIds, i, F_VersionStages), wanted);
		return;
	}
	ck_assert_msg(false, "there is no version %s", id);
}

START_TEST(a_new_value_is_current_and_the_one_before_is_previous)
{
	new_secret("a", "v1", "one");
	check_stages("a", "v1", "ACSCurrent");
	put("a", "v2", "two");
	check_text(F_COUNT, F_VersionId, "v2");
	ck_assert_str_eq(texts_of(F_COUNT, 0, F_VersionStages), "ACSCurrent");
	put("a", "v3", "three");
	check_stages("a", "v1", "");
	check_stages("a", "v2", "ACSPrevious");
	check_stages("a", "v3", "ACSCurrent");
	check_value("a", "three");
	check_text(F_COUNT, F_SecretDataType, "text");
	check_text(F_COUNT, F_SecretType, "Generic");
	check_text(F_COUNT, F_CreateTime, "2023-11-14T22:13:20Z");
	secret("a");
	with(F_VersionStage, "ACSPrevious");
	expect(ACTION_GetSecretValue);
	check_text(F_COUNT, F_SecretData, "two");
	secret("a");
	with(F_VersionId, "v1");
	expect(ACTION_GetSecretValue);
	check_text(F_COUNT, F_SecretData, "one");
	ck_assert_str_eq(texts_of(F_COUNT, 0, F_VersionStages), "");
}
END_TEST

START_TEST(a_version_and_a_stage_that_do_not_go_together_are_not_found)
{
	static const char *const bad[][2] = { { "v1", "ACSCurrent" }, { "v9", NULL },
		{ "v9", "ACSCurrent" }, { NULL, "none" } };

	new_secret("a", "v1", "one");
	put("a", "v2", "two");
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		secret("a");
		if (bad[i][0] != NULL)
			with(F_VersionId, bad[i][0]);
		if (bad[i][1] != NULL)
			with(F_VersionStage, bad[i][1]);
		expect_error(ACTION_GetSecretValue, E_ResourceNotFound);
	}
	secret("a");
	with(F_VersionId, "v2");
	with(F_VersionStage, "ACSCurrent");
	expect(ACTION_GetSecretValue);
	check_text(F_COUNT, F_SecretData, "two");
}
END_TEST

START_TEST(the_longest_value_comes_back_whole_and_a_longer_one_is_refused)
{
	char *longest = calloc(1, 30720 + 2);

	ck_assert_ptr_nonnull(longest);
	for (size_t i = 0; i < 30721; i++)
		longest[i] = (char)('a' + i % 26);
	version("a", "v1", longest);
	expect_error(ACTION_CreateSecret, E_InvalidParameter);
	longest[30720] = '\0';
	new_secret("a", "v1", longest);
	check_value("a", longest);
	free(longest);
}
END_TEST

START_TEST(putting_the_same_again_changes_nothing)
{
	new_secret("a", "v1", "one");
	put("a", "v2", "two");
	os_fake_clock(NOW + 60);
	put("a", "v1", "one");
	ck_assert_str_eq(texts_of(F_COUNT, 0, F_VersionStages), "ACSPrevious");
	check_value("a", "two");
	secret("a");
	expect(ACTION_DescribeSecret);
	check_text(F_COUNT, F_UpdateTime, "2023-11-14T22:13:20Z");
	version("a", "v1", "another");
	expect_error(ACTION_PutSecretValue, E_ResourceExist);
	version("a", "v1", "one");
	with(F_SecretDataType, "binary");
	expect_error(ACTION_PutSecretValue, E_ResourceExist);
}
END_TEST

START_TEST(data_has_a_type)
{
	version("a", "v1", "AAEC");
	with(F_SecretDataType, "octets");
	expect_error(ACTION_CreateSecret, E_InvalidParameter);
	version("a", "v1", "AAEC");
	with(F_SecretDataType, "binary");
	expect(ACTION_CreateSecret);
	check_value("a", "AAEC");
	check_text(F_COUNT, F_SecretDataType, "binary");
	version("a", "v\n2", "x");
	expect_error(ACTION_PutSecretValue, E_InvalidParameter);
}
END_TEST

START_TEST(there_are_at_most_ten_versions_and_the_oldest_without_a_stage_goes)
{
	char id[16], value[16];

	new_secret("a", "v0", "0");
	secret("a");
	with(F_VersionStage, "kept");
	with(F_MoveToVersion, "v0");
	expect(ACTION_UpdateSecretVersionStage);
	for (int i = 1; i <= 12; i++) {
		(void)snprintf(id, sizeof(id), "v%d", i);
		(void)snprintf(value, sizeof(value), "%d", i);
		put("a", id, value);
	}
	secret("a");
	with_bool(F_IncludeDeprecated, true);
	expect(ACTION_ListSecretVersionIds);
	ck_assert_uint_eq(count_of(F_VersionIds), 10);
	ck_assert_int_eq(fields_number(&res, F_TotalCount, 0), 10);
	check_text(F_VersionIds, F_VersionId, "v0");
	ck_assert_str_eq(text_in(F_VersionIds, 1, F_VersionId), "v4");
	ck_assert_str_eq(text_in(F_VersionIds, 9, F_VersionId), "v12");
	secret("a");
	with(F_VersionId, "v3");
	expect_error(ACTION_GetSecretValue, E_ResourceNotFound);
	secret("a");
	with(F_VersionId, "v4");
	expect(ACTION_GetSecretValue);
	check_text(F_COUNT, F_SecretData, "4");
	/* A version that went may come again. */
	put("a", "v3", "again");
	check_value("a", "again");
}
END_TEST

START_TEST(versions_without_stages_are_listed_when_asked_for)
{
	new_secret("a", "v1", "1");
	put("a", "v2", "2");
	put("a", "v3", "3");
	secret("a");
	expect(ACTION_ListSecretVersionIds);
	check_text(F_COUNT, F_SecretName, "a");
	ck_assert_uint_eq(count_of(F_VersionIds), 2);
	check_text(F_VersionIds, F_VersionId, "v2");
	ck_assert_int_eq(fields_number(&res, F_PageSize, 0), 20);
	secret("a");
	with_bool(F_IncludeDeprecated, true);
	with_number(F_PageNumber, 2);
	with_number(F_PageSize, 2);
	expect(ACTION_ListSecretVersionIds);
	ck_assert_uint_eq(count_of(F_VersionIds), 1);
	check_text(F_VersionIds, F_VersionId, "v3");
	ck_assert_int_eq(fields_number(&res, F_TotalCount, 0), 3);
}
END_TEST

/* -- stages -- */

static void
move(const char *stage, const char *to, const char *from)
{
	secret("a");
	with(F_VersionStage, stage);
	if (to != NULL)
		with(F_MoveToVersion, to);
	if (from != NULL)
		with(F_RemoveFromVersion, from);
}

START_TEST(stages_of_ones_own_are_put_moved_and_taken_away)
{
	new_secret("a", "v1", "1");
	version("a", "v2", "2");
	with(F_VersionStagesJson, "[\"blue\",\"green\"]");
	expect(ACTION_PutSecretValue);
	ck_assert_str_eq(texts_of(F_COUNT, 0, F_VersionStages), "blue,green");
	check_value("a", "1");
	move("blue", "v1", NULL);
	expect(ACTION_UpdateSecretVersionStage);
	check_text(F_COUNT, F_SecretName, "a");
	check_stages("a", "v1", "ACSCurrent,blue");
	check_stages("a", "v2", "green");
	move("blue", "v2", "v1");
	expect(ACTION_UpdateSecretVersionStage);
	check_stages("a", "v1", "ACSCurrent");
	move("green", NULL, "v2");
	expect(ACTION_UpdateSecretVersionStage);
	check_stages("a", "v2", "blue");
}
END_TEST

START_TEST(moving_current_back_makes_the_other_previous)
{
	new_secret("a", "v1", "1");
	put("a", "v2", "2");
	move("ACSCurrent", "v1", "v2");
	expect(ACTION_UpdateSecretVersionStage);
	check_stages("a", "v1", "ACSCurrent");
	check_stages("a", "v2", "ACSPrevious");
	check_value("a", "1");
}
END_TEST

START_TEST(what_is_wrong_with_stages_is_refused)
{
	static const struct {
		const char *stage, *to, *from;
		enum api_error answer;
	} rows[] = {
		{ "ACSCurrent", NULL, "v2", E_InvalidParameter },
		{ "ACSPrevious", NULL, "v1", E_InvalidParameter },
		{ "ACSPending", "v1", NULL, E_InvalidParameter },
		{ "ACSOwn", "v1", NULL, E_InvalidParameter },
		{ "blue", NULL, NULL, E_MissingParameter },
		{ "blue", "v9", NULL, E_ResourceNotFound },
		{ "blue", NULL, "v9", E_ResourceNotFound },
		{ "ACSCurrent", "v1", "v1", E_InvalidParameter },
		{ "blue", NULL, "v1", E_InvalidParameter },
	};
	static const char *const lists[] = { "[]", "{}", "[1]", "[\"\"]", "[\"ACSPrevious\"]",
		"[\"ACSPending\"]", "x" };

	new_secret("a", "v1", "1");
	put("a", "v2", "2");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		move(rows[i].stage, rows[i].to, rows[i].from);
		expect_error(ACTION_UpdateSecretVersionStage, rows[i].answer);
	}
	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		version("a", "v3", "3");
		with(F_VersionStagesJson, lists[i]);
		expect_error(ACTION_PutSecretValue, E_InvalidParameter);
	}
	check_stages("a", "v1", "ACSPrevious");
	check_stages("a", "v2", "ACSCurrent");
}
END_TEST

START_TEST(a_secret_has_at_most_eight_stages_and_still_takes_new_values)
{
	char stage[16];

	new_secret("a", "v1", "1");
	for (int i = 1; i <= 8; i++) {
		(void)snprintf(stage, sizeof(stage), "s%d", i);
		move(stage, "v1", NULL);
		if (i < 8)
			expect(ACTION_UpdateSecretVersionStage);
		else
			expect_error(ACTION_UpdateSecretVersionStage, E_LimitExceeded);
	}
	put("a", "v2", "2");
	check_stages("a", "v1", "s1,s2,s3,s4,s5,s6,s7,ACSPrevious");
}
END_TEST

START_TEST(managed_secrets_are_put_by_nobody)
{
	version("db", "v1", "x");
	with(F_SecretType, "Rds");
	expect(ACTION_CreateSecret);
	version("db", "v2", "y");
	expect_error(ACTION_PutSecretValue, E_UnsupportedOperation);
	secret("db");
	with(F_VersionStage, "blue");
	with(F_MoveToVersion, "v1");
	expect_error(ACTION_UpdateSecretVersionStage, E_UnsupportedOperation);
	check_value("db", "x");
}
END_TEST

/* -- the key -- */

START_TEST(a_disabled_key_stops_its_secrets)
{
	char *key = new_key(NULL, NULL);

	version("a", "v1", "1");
	with(F_EncryptionKeyId, key);
	expect(ACTION_CreateSecret);
	secret("a");
	expect(ACTION_DescribeSecret);
	check_text(F_COUNT, F_EncryptionKeyId, key);
	about(key);
	expect(ACTION_DisableKey);
	secret("a");
	expect_error(ACTION_GetSecretValue, E_StateDisabled);
	version("a", "v2", "2");
	expect_error(ACTION_PutSecretValue, E_StateDisabled);
	version("b", "v1", "1");
	with(F_EncryptionKeyId, key);
	expect_error(ACTION_CreateSecret, E_StateDisabled);
	secret("a");
	expect(ACTION_DescribeSecret);
	about(key);
	with_number(F_PendingWindowInDays, 7);
	expect(ACTION_ScheduleKeyDeletion);
	secret("a");
	expect_error(ACTION_GetSecretValue, E_StatePendingDeletion);
	about(key);
	expect(ACTION_CancelKeyDeletion);
	check_value("a", "1");
	put("a", "v2", "2");
	free(key);
}
END_TEST

START_TEST(values_outlive_the_rotation_of_their_key)
{
	char *key = new_key(NULL, NULL);

	version("a", "v1", "1");
	with(F_EncryptionKeyId, key);
	expect(ACTION_CreateSecret);
	about(key);
	expect(ACTION_CreateKeyVersion);
	check_value("a", "1");
	put("a", "v2", "2");
	check_value("a", "2");
	free(key);
}
END_TEST

START_TEST(only_symmetric_keys_encrypt_secrets)
{
	char *pair = new_key("EC_P256", NULL);

	version("a", "v1", "1");
	with(F_EncryptionKeyId, pair);
	expect_error(ACTION_CreateSecret, E_UnsupportedOperation);
	version("a", "v1", "1");
	with(F_EncryptionKeyId, "alias/none");
	expect_error(ACTION_CreateSecret, E_AliasNotFound);
	version("a", "v1", "1");
	with(F_EncryptionKeyId, "x");
	expect_error(ACTION_CreateSecret, E_KeyNotFound);
	secret("a");
	expect_error(ACTION_DescribeSecret, E_ResourceNotFound);
	free(pair);
}
END_TEST

START_TEST(secrets_without_a_key_of_their_own_share_one_that_the_service_makes)
{
	char key[64];

	new_secret("a", "v1", "1");
	new_secret("b", "v1", "1");
	secret("a");
	expect(ACTION_DescribeSecret);
	(void)snprintf(key, sizeof(key), "%s", text_of(F_COUNT, F_EncryptionKeyId));
	secret("b");
	expect(ACTION_DescribeSecret);
	check_text(F_COUNT, F_EncryptionKeyId, key);
	/* It is a key as any other, but nobody's own. */
	request();
	with(F_Filters, "[{\"Key\":\"CreatorType\",\"Values\":[\"Service\"]}]");
	expect(ACTION_ListKeys);
	ck_assert_uint_eq(count_of(F_Keys), 1);
	check_text(F_Keys, F_KeyId, key);
	about(key);
	expect(ACTION_ListAliasesByKeyId);
	check_text(F_Aliases, F_AliasName, "alias/acs/secretsmanager");
	about(key);
	with_bool(F_EnableAutomaticRotation, true);
	with(F_RotationInterval, "30d");
	expect_error(ACTION_UpdateRotationPolicy, E_UnsupportedOperation);
	about(key);
	with(F_AliasName, "alias/acs/mine");
	expect_error(ACTION_CreateAlias, E_InvalidParameter);
	request();
	with(F_AliasName, "alias/acs/secretsmanager");
	expect_error(ACTION_DeleteAlias, E_InvalidParameter);
	about(key);
	expect(ACTION_DisableKey);
	secret("a");
	expect_error(ACTION_GetSecretValue, E_StateDisabled);
}
END_TEST

/* -- several at once -- */

START_TEST(several_values_are_got_at_once_with_what_went_wrong)
{
	new_secret("a", "v1", "1");
	new_secret("b", "v1", "2");
	put("b", "v2", "3");
	new_secret("gone", "v1", "4");
	secret("gone");
	expect(ACTION_DeleteSecret);
	request();
	with(F_SecretsList,
	    "[{\"SecretName\":\"a\"},{\"SecretName\":\"none\"},{\"SecretName\":\"b\",\"VersionStage\":\"ACSPrevious\"},"
	    "{\"SecretName\":\"gone\"},{\"SecretName\":\"b\",\"VersionId\":\"v2\",\"FetchExtendedConfig\":false}]");
	expect(ACTION_BatchGetSecretValue);
	ck_assert_uint_eq(count_of(F_SecretValues), 3);
	ck_assert_str_eq(text_in(F_SecretValues, 0, F_SecretData), "1");
	ck_assert_str_eq(text_in(F_SecretValues, 1, F_SecretData), "2");
	ck_assert_str_eq(text_in(F_SecretValues, 2, F_SecretData), "3");
	ck_assert_str_eq(texts_of(F_SecretValues, 2, F_VersionStages), "ACSCurrent");
	ck_assert_uint_eq(count_of(F_Errors), 2);
	ck_assert_str_eq(text_in(F_Errors, 0, F_SecretName), "none");
	ck_assert_str_eq(text_in(F_Errors, 0, F_Code), "Forbidden.ResourceNotFound");
	ck_assert_str_eq(text_in(F_Errors, 1, F_Code), "Rejected.ResourceInDeleteWindow");
	ck_assert_int_eq(fields_number(&fields_value(&res, F_Errors)->u.groups.v[1], F_HttpStatus,
			     0),
	    409);
}
END_TEST

START_TEST(a_list_of_secrets_has_its_form)
{
	static const char *const bad[] = { "", "[]", "{}", "[1]", "[{}]", "[{\"SecretName\":1}]",
		"[{\"SecretName\":\"a\",\"Colour\":\"red\"}]",
		"[{\"SecretName\":\"a\",\"FetchExtendedConfig\":1}]",
		"[{\"SecretName\":\"a\",\"VersionId\":null}]" };
	char many[1024] = "[";
	size_t used = 1;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		request();
		with(F_SecretsList, bad[i]);
		expect_error(ACTION_BatchGetSecretValue, E_InvalidParameter);
	}
	for (int i = 0; i < 20; i++)
		used += (size_t)snprintf(many + used, sizeof(many) - used,
		    "%s{\"SecretName\":\"a\"}", i == 0 ? "" : ",");
	(void)snprintf(many + used, sizeof(many) - used, "]");
	request();
	with(F_SecretsList, many);
	expect(ACTION_BatchGetSecretValue);
	ck_assert_uint_eq(count_of(F_Errors), 20);
	(void)snprintf(many + used, sizeof(many) - used, ",{\"SecretName\":\"a\"}]");
	request();
	with(F_SecretsList, many);
	expect_error(ACTION_BatchGetSecretValue, E_InvalidParameter);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { a_new_value_is_current_and_the_one_before_is_previous,
		a_version_and_a_stage_that_do_not_go_together_are_not_found,
		the_longest_value_comes_back_whole_and_a_longer_one_is_refused,
		putting_the_same_again_changes_nothing, data_has_a_type,
		there_are_at_most_ten_versions_and_the_oldest_without_a_stage_goes,
		versions_without_stages_are_listed_when_asked_for,
		stages_of_ones_own_are_put_moved_and_taken_away,
		moving_current_back_makes_the_other_previous, what_is_wrong_with_stages_is_refused,
		a_secret_has_at_most_eight_stages_and_still_takes_new_values,
		managed_secrets_are_put_by_nobody, a_disabled_key_stops_its_secrets,
		values_outlive_the_rotation_of_their_key, only_symmetric_keys_encrypt_secrets,
		secrets_without_a_key_of_their_own_share_one_that_the_service_makes,
		several_values_are_got_at_once_with_what_went_wrong,
		a_list_of_secrets_has_its_form };
	Suite *s = suite_create("contract: values of secrets");
	TCase *t = tcase_create("values");

	tcase_add_checked_fixture(t, contract_setup, contract_teardown);
	for (size_t i = 0; i < ARRAY_LEN(tests); i++)
		tcase_add_test(t, tests[i]);
	suite_add_tcase(s, t);
	return contract_main(s);
}
