/* SPDX-License-Identifier: Apache-2.0 */
/* Aliases and tags of keys. */
#include "tests/contract/contract.h"

static void
alias(const char *name, const char *key)
{
	about(key);
	with(F_AliasName, name);
}

START_TEST(an_alias_names_its_key_until_it_is_moved_or_gone)
{
	char *one = new_key(NULL, NULL), *two = new_key(NULL, NULL);

	alias("alias/db/tde", one);
	expect(ACTION_CreateAlias);
	expect_error(ACTION_CreateAlias, E_AliasAlreadyExists);
	about("alias/db/tde");
	expect(ACTION_DescribeKey);
	check_text(F_KeyMetadata, F_KeyId, one);
	alias("alias/db/tde", two);
	expect(ACTION_UpdateAlias);
	about("alias/db/tde");
	expect(ACTION_DescribeKey);
	check_text(F_KeyMetadata, F_KeyId, two);
	request();
	with(F_AliasName, "alias/db/tde");
	expect(ACTION_DeleteAlias);
	about("alias/db/tde");
	expect_error(ACTION_DescribeKey, E_AliasNotFound);
	alias("alias/db/tde", two);
	expect_error(ACTION_UpdateAlias, E_AliasNotFound);
	free(one);
	free(two);
}
END_TEST

START_TEST(names_of_aliases_have_their_form)
{
	static const char *const bad[] = { "db", "alias/", "alias/acs/x", "alias/a b",
		"alias/\xc3\xa4" };
	char *id = new_key(NULL, NULL), longest[6 + 256 + 1] = "alias/";

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		alias(bad[i], id);
		expect_error(ACTION_CreateAlias, E_InvalidParameter);
	}
	memset(longest + 6, 'a', 256);
	alias(longest, id);
	expect_error(ACTION_CreateAlias, E_InvalidParameter);
	longest[6 + 255] = '\0';
	alias(longest, id);
	expect(ACTION_CreateAlias);
	free(id);
}
END_TEST

START_TEST(some_actions_take_no_alias)
{
	char *id = new_key(NULL, NULL);

	alias("alias/a", id);
	expect(ACTION_CreateAlias);
	about("alias/a");
	expect_error(ACTION_EnableKey, E_UnsupportedAlias);
	expect(ACTION_CreateKeyVersion);
	free(id);
}
END_TEST

START_TEST(aliases_are_listed_all_or_by_key)
{
	char *one = new_key(NULL, NULL), *two = new_key(NULL, NULL), arn[300];

	alias("alias/a", one);
	expect(ACTION_CreateAlias);
	alias("alias/b", two);
	expect(ACTION_CreateAlias);
	request();
	expect(ACTION_ListAliases);
	ck_assert_int_eq(fields_number(&res, F_TotalCount, 0), 2);
	check_text(F_Aliases, F_AliasName, "alias/a");
	about(two);
	expect(ACTION_ListAliasesByKeyId);
	ck_assert_int_eq(fields_number(&res, F_TotalCount, 0), 1);
	check_text(F_Aliases, F_AliasName, "alias/b");
	check_text(F_Aliases, F_KeyId, two);
	ck_assert_int_lt(snprintf(arn, sizeof(arn), "%s", text_of(F_Aliases, F_AliasArn)),
	    (int)sizeof(arn));
	about(arn);
	expect(ACTION_DescribeKey);
	check_text(F_KeyMetadata, F_KeyId, two);
	free(one);
	free(two);
}
END_TEST

START_TEST(tags_are_put_replaced_and_taken_away)
{
	char *id;

	request();
	with(F_TagsJson, "[{\"TagKey\":\"team\",\"TagValue\":\"payroll\"}]");
	expect(ACTION_CreateKey);
	id = strdup(text_of(F_KeyMetadata, F_KeyId));
	about(id);
	with(F_TagsJson,
	    "[{\"TagKey\":\"team\",\"TagValue\":\"hr\"},{\"TagKey\":\"env\",\"TagValue\":\"\"}]");
	expect(ACTION_TagResource);
	about(id);
	expect(ACTION_ListResourceTags);
	ck_assert_uint_eq(fields_value(&res, F_Tags)->u.groups.n, 2);
	check_text(F_Tags, F_TagKey, "team");
	check_text(F_Tags, F_TagValue, "hr");
	about(id);
	with(F_TagKeysJson, "[\"team\",\"nothing\"]");
	expect(ACTION_UntagResource);
	about(id);
	expect(ACTION_ListResourceTags);
	ck_assert_uint_eq(fields_value(&res, F_Tags)->u.groups.n, 1);
	check_text(F_Tags, F_TagKey, "env");
	free(id);
}
END_TEST

START_TEST(tags_have_their_form)
{
	static const char *const bad[] = { "", "{}", "[1]", "[{\"TagKey\":\"k\"}]",
		"[{\"TagKey\":\"\",\"TagValue\":\"v\"}]",
		"[{\"TagKey\":\"acs:x\",\"TagValue\":\"v\"}]",
		"[{\"TagKey\":\"aliyunx\",\"TagValue\":\"v\"}]",
		"[{\"TagKey\":\"k\",\"TagValue\":\"*\"}]",
		"[{\"TagKey\":\"k\",\"TagKey\":\"k\",\"TagValue\":\"v\"}]" };
	char *id = new_key(NULL, NULL);

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		about(id);
		with(F_TagsJson, bad[i]);
		expect_error(ACTION_TagResource, E_InvalidParameter);
	}
	for (int i = 0; i < 21; i++) {
		char tag[64];

		about(id);
		ck_assert_int_gt(snprintf(tag, sizeof(tag),
				     "[{\"TagKey\":\"k%d\",\"TagValue\":\"\"}]", i),
		    0);
		with(F_TagsJson, tag);
		if (i < 20)
			expect(ACTION_TagResource);
		else
			expect_error(ACTION_TagResource, E_LimitExceeded);
	}
	free(id);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { an_alias_names_its_key_until_it_is_moved_or_gone,
		names_of_aliases_have_their_form, some_actions_take_no_alias,
		aliases_are_listed_all_or_by_key, tags_are_put_replaced_and_taken_away,
		tags_have_their_form };
	Suite *s = suite_create("contract: aliases and tags");
	TCase *t = tcase_create("aliases");

	tcase_add_checked_fixture(t, contract_setup, contract_teardown);
	for (size_t i = 0; i < ARRAY_LEN(tests); i++)
		tcase_add_test(t, tests[i]);
	suite_add_tcase(s, t);
	return contract_main(s);
}
