/* SPDX-License-Identifier: Apache-2.0 */
/* Tags of keys and secrets, one at a time and many at once. */
#include "tests/contract/contract.h"
#include "tests/contract/secrets.h"

/* A request about resources of TYPE; NULL ends their ids. */
static void
resources(const char *type, const char *first, const char *second)
{
	request();
	with(F_RegionId, "cn-hangzhou");
	with(F_ResourceType, type);
	if (first != NULL)
		CHECK_RC(fields_add_text(&req, F_ResourceIds, slice_str(first)), KMS_OK);
	if (second != NULL)
		CHECK_RC(fields_add_text(&req, F_ResourceIds, slice_str(second)), KMS_OK);
}

static void
with_tag(const char *key, const char *value)
{
	struct fields *tag;

	CHECK_RC(fields_add_group(&req, F_TagList, &tag), KMS_OK);
	CHECK_RC(fields_put_text(tag, F_TagListKey, key), KMS_OK);
	if (value != NULL)
		CHECK_RC(fields_put_text(tag, F_TagListValue, value), KMS_OK);
}

static void
with_tag_key(const char *key)
{
	CHECK_RC(fields_add_text(&req, F_TagKeyList, slice_str(key)), KMS_OK);
}

/* All rows of what was listed: "ID KEY=VALUE" with commas between them. */
static void
check_rows(const char *wanted)
{
	char rows[1024] = "";
	size_t used = 0;

	expect(ACTION_ListTagResources);
	for (size_t i = 0; i < count_of(F_TagResources); i++) {
		used += (size_t)snprintf(rows + used, sizeof(rows) - used, "%s%s ",
		    i == 0 ? "" : ",", text_in(F_TagResources, i, F_ResourceId));
		used += (size_t)snprintf(rows + used, sizeof(rows) - used,
		    "%s=", text_in(F_TagResources, i, F_TagKey));
		used += (size_t)snprintf(rows + used, sizeof(rows) - used, "%s",
		    text_in(F_TagResources, i, F_TagValue));
	}
	ck_assert_str_eq(rows, wanted);
}

START_TEST(tags_of_a_secret_are_put_and_taken_away)
{
	new_secret("a", "v", "x");
	secret("a");
	with(F_TagsJson,
	    "[{\"TagKey\":\"team\",\"TagValue\":\"hr\"},{\"TagKey\":\"env\",\"TagValue\":\"test\"}]");
	expect(ACTION_TagResource);
	secret("a");
	with(F_TagKeysJson, "[\"env\"]");
	expect(ACTION_UntagResource);
	secret("a");
	with_bool(F_FetchTags, true);
	expect(ACTION_DescribeSecret);
	ck_assert_uint_eq(count_of(F_Tags), 1);
	check_text(F_Tags, F_TagKey, "team");
	check_value("a", "x");
}
END_TEST

START_TEST(one_resource_is_selected_and_not_two)
{
	char *key = new_key(NULL, NULL);

	new_secret("a", "v", "x");
	request();
	with(F_TagsJson, "[{\"TagKey\":\"k\",\"TagValue\":\"\"}]");
	expect_error(ACTION_TagResource, E_MissingParameter);
	with(F_KeyId, key);
	with(F_SecretName, "a");
	expect_error(ACTION_TagResource, E_InvalidParameter);
	request();
	with(F_TagsJson, "[{\"TagKey\":\"k\",\"TagValue\":\"\"}]");
	with(F_CertificateId, "c");
	expect_error(ACTION_TagResource, E_ResourceNotFound);
	with(F_KeyId, key);
	expect_error(ACTION_TagResource, E_InvalidParameter);
	secret("none");
	with(F_TagsJson, "[{\"TagKey\":\"k\",\"TagValue\":\"\"}]");
	expect_error(ACTION_TagResource, E_ResourceNotFound);
	free(key);
}
END_TEST

START_TEST(many_resources_are_tagged_at_once_or_none)
{
	char *one = new_key(NULL, NULL), *two = new_key(NULL, NULL), rows[256];

	resources("key", one, two);
	with_tag("team", "hr");
	with_tag("env", "");
	expect(ACTION_TagResources);
	resources("key", one, NULL);
	(void)snprintf(rows, sizeof(rows), "%s team=hr,%s env=", one, one);
	check_rows(rows);
	resources("key", one, "12345678-1234-1234-1234-123456789012");
	with_tag("more", "x");
	expect_error(ACTION_TagResources, E_KeyNotFound);
	resources("key", one, NULL);
	check_rows(rows);
	/* The same one twice is one. */
	resources("key", one, one);
	with_tag("env", "prod");
	expect(ACTION_TagResources);
	resources("key", one, two);
	with_tag_key("team");
	with_tag_key("nothing");
	expect(ACTION_UntagResources);
	resources("key", one, NULL);
	(void)snprintf(rows, sizeof(rows), "%s env=prod", one);
	check_rows(rows);
	resources("key", one, two);
	expect_error(ACTION_UntagResources, E_MissingParameter);
	with_bool(F_All, true);
	expect(ACTION_UntagResources);
	resources("key", NULL, NULL);
	check_rows("");
	free(one);
	free(two);
}
END_TEST

START_TEST(secrets_are_tagged_and_listed_by_their_tags)
{
	new_secret("a", "v", "x");
	new_secret("b", "v", "x");
	resources("secret", "a", "b");
	with_tag("team", "hr");
	expect(ACTION_TagResources);
	resources("secret", "b", NULL);
	with_tag("env", "prod");
	expect(ACTION_TagResources);
	resources("secret", NULL, NULL);
	check_rows("a team=hr,b team=hr,b env=prod");
	ck_assert_str_eq(text_of(F_COUNT, F_NextToken), "");
	check_text(F_TagResources, F_ResourceType, "secret");
	resources("secret", NULL, NULL);
	with_tag("team", NULL);
	with_tag("env", "prod");
	check_rows("b team=hr,b env=prod");
	resources("secret", NULL, NULL);
	with_tag("env", "test");
	check_rows("");
	resources("secret", "none", NULL);
	expect_error(ACTION_ListTagResources, E_ResourceNotFound);
	secret("a");
	expect(ACTION_DeleteSecret);
	resources("secret", "a", NULL);
	with_tag("more", "x");
	expect_error(ACTION_TagResources, E_ResourceInDeleteWindow);
}
END_TEST

START_TEST(long_lists_of_tags_go_on_where_they_ended)
{
	char name[16], token[16];

	for (int i = 0; i < 21; i++) {
		(void)snprintf(name, sizeof(name), "s%d", i);
		new_secret(name, "v", "x");
		resources("secret", name, NULL);
		for (int k = 0; k < 10; k++) {
			char tag[16];

			(void)snprintf(tag, sizeof(tag), "k%d", k);
			with_tag(tag, "");
		}
		expect(ACTION_TagResources);
	}
	resources("secret", NULL, NULL);
	expect(ACTION_ListTagResources);
	ck_assert_uint_eq(count_of(F_TagResources), 200);
	(void)snprintf(token, sizeof(token), "%s", text_of(F_COUNT, F_NextToken));
	ck_assert_str_ne(token, "");
	resources("secret", NULL, NULL);
	with(F_NextToken, token);
	expect(ACTION_ListTagResources);
	ck_assert_uint_eq(count_of(F_TagResources), 10);
	ck_assert_str_eq(text_in(F_TagResources, 0, F_ResourceId), "s20");
	ck_assert_str_eq(text_of(F_COUNT, F_NextToken), "");
	resources("secret", NULL, NULL);
	with(F_NextToken, "x");
	expect_error(ACTION_ListTagResources, E_InvalidParameter);
}
END_TEST

START_TEST(what_is_wrong_with_tags_is_refused)
{
	new_secret("a", "v", "x");
	resources("bucket", "a", NULL);
	with_tag("k", "v");
	expect_error(ACTION_TagResources, E_InvalidParameter);
	resources("secret", "a", NULL);
	with_tag("acs:k", "v");
	expect_error(ACTION_TagResources, E_InvalidParameter);
	resources("secret", "a", NULL);
	for (int k = 0; k < 20; k++) {
		char tag[16];

		(void)snprintf(tag, sizeof(tag), "k%d", k);
		with_tag(tag, "");
	}
	expect(ACTION_TagResources);
	resources("secret", "a", NULL);
	with_tag("k", "v");
	expect_error(ACTION_TagResources, E_LimitExceeded);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { tags_of_a_secret_are_put_and_taken_away,
		one_resource_is_selected_and_not_two, many_resources_are_tagged_at_once_or_none,
		secrets_are_tagged_and_listed_by_their_tags,
		long_lists_of_tags_go_on_where_they_ended, what_is_wrong_with_tags_is_refused };
	Suite *s = suite_create("contract: tags");
	TCase *t = tcase_create("tags");

	tcase_add_checked_fixture(t, contract_setup, contract_teardown);
	for (size_t i = 0; i < ARRAY_LEN(tests); i++)
		tcase_add_test(t, tests[i]);
	suite_add_tcase(s, t);
	return contract_main(s);
}
