/* SPDX-License-Identifier: Apache-2.0 */
/* Keys as a whole: made, described, listed, enabled and disabled, scheduled for deletion. */
#include "tests/contract/contract.h"

START_TEST(a_key_is_made_as_asked_and_described)
{
	char *id, arn[256];

	request();
	with(F_Description, "for the payroll");
	expect(ACTION_CreateKey);
	id = strdup(text_of(F_KeyMetadata, F_KeyId));
	ck_assert_uint_eq(strlen(id), 36);
	about(id);
	expect(ACTION_DescribeKey);
	check_text(F_KeyMetadata, F_KeyId, id);
	check_text(F_KeyMetadata, F_KeyState, "Enabled");
	check_text(F_KeyMetadata, F_KeySpec, "Aliyun_AES_256");
	check_text(F_KeyMetadata, F_KeyUsage, "ENCRYPT/DECRYPT");
	check_text(F_KeyMetadata, F_Origin, "Aliyun_KMS");
	check_text(F_KeyMetadata, F_Description, "for the payroll");
	check_text(F_KeyMetadata, F_CreationDate, "2023-11-14T22:13:20Z");
	check_text(F_KeyMetadata, F_AutomaticRotation, "Disabled");
	/* The ARN names it too. */
	ck_assert_int_lt(snprintf(arn, sizeof(arn), "%s", text_of(F_KeyMetadata, F_Arn)),
	    (int)sizeof(arn));
	about(arn);
	expect(ACTION_DescribeKey);
	check_text(F_KeyMetadata, F_KeyId, id);
	free(id);
}
END_TEST

START_TEST(specs_and_usages_that_do_not_fit_are_refused)
{
	static const char *const bad[][2] = { { "AES_256", NULL }, { "RSA_1024", NULL },
		{ "EC_P256", "ENCRYPT/DECRYPT" }, { "Aliyun_AES_256", "SIGN/VERIFY" },
		{ "RSA_2048", "sign/verify" } };

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		request();
		with(F_KeySpec, bad[i][0]);
		if (bad[i][1] != NULL)
			with(F_KeyUsage, bad[i][1]);
		expect_error(ACTION_CreateKey, E_InvalidParameter);
	}
}
END_TEST

START_TEST(what_the_keys_of_this_kms_do_not_have_is_refused)
{
	static const struct {
		enum field name;
		const char *value;
		enum api_error answer;
	} rows[] = { { F_ProtectionLevel, "SOFTWARE", E_None },
		{ F_ProtectionLevel, "PAPER", E_InvalidParameter },
		{ F_DKMSInstanceId, "", E_None },
		{ F_DKMSInstanceId, "kst-hzz62ee817bvyyr5x", E_DKMSInstanceNotFound },
		{ F_KeyStorageMechanism, "HsmInternal", E_None },
		{ F_KeyStorageMechanism, "HsmEncryptedDatabase", E_None },
		{ F_KeyStorageMechanism, "Drawer", E_InvalidParameter } };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		request();
		with(rows[i].name, rows[i].value);
		if (rows[i].answer == E_None)
			expect(ACTION_CreateKey);
		else
			expect_error(ACTION_CreateKey, rows[i].answer);
	}
}
END_TEST

START_TEST(an_unknown_key_is_not_found_by_any_name)
{
	static const char *const names[] = { "x", "12345678-1234-1234-1234-123456789012",
		"acs:kms:elsewhere:1234567890123456:key/12345678-1234-1234-1234-123456789012",
		"12345678-1234-1234-1234-12345678901g" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		about(names[i]);
		expect_error(ACTION_DescribeKey, E_KeyNotFound);
	}
	about("alias/none");
	expect_error(ACTION_DescribeKey, E_AliasNotFound);
}
END_TEST

START_TEST(keys_are_listed_by_pages_in_the_order_of_creation)
{
	char *ids[3];

	for (size_t i = 0; i < ARRAY_LEN(ids); i++)
		ids[i] = new_key(NULL, NULL);
	for (int64_t i = 0; i < 3; i++) {
		request();
		with_number(F_PageNumber, i + 1);
		with_number(F_PageSize, 1);
		expect(ACTION_ListKeys);
		check_text(F_Keys, F_KeyId, ids[i]);
		ck_assert_int_eq(fields_number(&res, F_TotalCount, 0), 3);
		ck_assert_int_eq(fields_number(&res, F_PageNumber, 0), i + 1);
	}
	request();
	with_number(F_PageNumber, 4);
	with_number(F_PageSize, 1);
	expect(ACTION_ListKeys);
	ck_assert(fields_has(&res, F_Keys));
	ck_assert_uint_eq(fields_value(&res, F_Keys)->u.groups.n, 0);
	for (size_t i = 0; i < ARRAY_LEN(ids); i++)
		free(ids[i]);
}
END_TEST

/* How many keys FILTERS leave, and that the first of them is ID. */
static void
check_filtered(const char *filters, int64_t n, const char *id)
{
	request();
	with(F_Filters, filters);
	expect(ACTION_ListKeys);
	ck_assert_msg(fields_number(&res, F_TotalCount, -1) == n, "%s leaves %ld keys, wanted %ld",
	    filters, (long)fields_number(&res, F_TotalCount, -1), (long)n);
	if (n > 0)
		check_text(F_Keys, F_KeyId, id);
}

/* Where the keys of this KMS are is known by any of them. */
static bool
has_hsm(const char *key)
{
	about(key);
	expect(ACTION_DescribeKey);
	return strcmp(text_of(F_KeyMetadata, F_ProtectionLevel), "HSM") == 0;
}

START_TEST(a_protection_level_is_asked_for_where_there_is_one)
{
	char *key = new_key(NULL, NULL);
	bool hsm = has_hsm(key);

	request();
	with(F_ProtectionLevel, "HSM");
	if (hsm)
		expect(ACTION_CreateKey);
	else
		expect_error(ACTION_CreateKey, E_UnsupportedProtectionLevel);
	/* More than was asked for is given silently. */
	request();
	with(F_ProtectionLevel, "SOFTWARE");
	expect(ACTION_CreateKey);
	check_text(F_KeyMetadata, F_ProtectionLevel, hsm ? "HSM" : "SOFTWARE");
	request();
	with(F_ProtectionLevel, "HARDWARE");
	expect_error(ACTION_CreateKey, E_InvalidParameter);
	free(key);
}
END_TEST

START_TEST(keys_are_listed_by_filters)
{
	char *aes = new_key(NULL, NULL), *rsa = new_key("RSA_2048", "SIGN/VERIFY"), by_id[128];

	about(aes);
	with(F_AliasName, "alias/mine");
	expect(ACTION_CreateAlias);
	about(aes);
	with(F_TagsJson, "[{\"TagKey\":\"team\",\"TagValue\":\"hr\"}]");
	expect(ACTION_TagResource);
	about(rsa);
	expect(ACTION_DisableKey);
	check_filtered("[{\"Key\":\"KeyState\",\"Values\":[\"Disabled\"]}]", 1, rsa);
	check_filtered("[{\"Key\":\"KeyState\",\"Values\":[\"Disabled\",\"Enabled\"]}]", 2, aes);
	check_filtered("[{\"Key\":\"KeySpec\",\"Values\":[\"RSA_2048\"]}]", 1, rsa);
	check_filtered("[{\"Key\":\"KeyUsage\",\"Values\":[\"ENCRYPT/DECRYPT\"]}]", 1, aes);
	check_filtered("[{\"Key\":\"ProtectionLevel\",\"Values\":[\"HSM\"]}]", has_hsm(aes) ? 2 : 0,
	    aes);
	check_filtered("[{\"Key\":\"CreatorType\",\"Values\":[\"User\"]}]", 2, aes);
	check_filtered("[{\"Key\":\"CreatorType\",\"Values\":[\"Service\"]}]", 0, NULL);
	check_filtered("[{\"Key\":\"DKMSInstanceId\",\"Values\":[\"kst-1\"]}]", 0, NULL);
	check_filtered("[{\"Key\":\"AliasName\",\"Values\":[\"alias/none\",\"alias/mine\"]}]", 1,
	    aes);
	check_filtered("[{\"Key\":\"TagKey\",\"Values\":[\"team\"]}]", 1, aes);
	check_filtered("[{\"Key\":\"TagValue\",\"Values\":[\"it\"]}]", 0, NULL);
	check_filtered("[{\"Key\":\"KeyState\",\"Values\":[\"Enabled\"]},{\"Key\":\"KeySpec\","
		       "\"Values\":[\"RSA_2048\"]}]",
	    0, NULL);
	(void)snprintf(by_id, sizeof(by_id), "[{\"Key\":\"keyId\",\"Values\":[\"%s\"]}]", rsa);
	check_filtered(by_id, 1, rsa);
	free(aes);
	free(rsa);
}
END_TEST

START_TEST(filters_have_their_form)
{
	static const char *const bad[] = { "{}", "[1]", "[{\"Key\":\"KeyState\"}]",
		"[{\"Key\":\"Colour\",\"Values\":[\"red\"]}]",
		"[{\"Key\":\"KeyState\",\"Values\":\"Enabled\"}]",
		"[{\"Key\":\"KeyState\",\"Values\":[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\","
		"\"9\",\"10\",\"11\"]}]" };

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		request();
		with(F_Filters, bad[i]);
		expect_error(ACTION_ListKeys, E_InvalidParameter);
	}
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { a_key_is_made_as_asked_and_described,
		specs_and_usages_that_do_not_fit_are_refused,
		what_the_keys_of_this_kms_do_not_have_is_refused,
		an_unknown_key_is_not_found_by_any_name,
		a_protection_level_is_asked_for_where_there_is_one,
		keys_are_listed_by_pages_in_the_order_of_creation, keys_are_listed_by_filters,
		filters_have_their_form };
	Suite *s = suite_create("contract: keys");
	TCase *t = tcase_create("keys");

	tcase_add_checked_fixture(t, contract_setup, contract_teardown);
	for (size_t i = 0; i < ARRAY_LEN(tests); i++)
		tcase_add_test(t, tests[i]);
	suite_add_tcase(s, t);
	return contract_main(s);
}
