/* SPDX-License-Identifier: Apache-2.0 */
/* The policies of keys and secrets as documents: given, replaced, and refused at the door. */
#include "tests/contract/contract.h"
#include "tests/contract/secrets.h"

#define POLICY                                                                             \
	"{\"Version\":\"1\", \"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{\"RAM\":" \
	"\"acs:ram::1234567890123456:user/alice\"},\"Action\":\"kms:*\",\"Resource\":\"*\"}]}"

/* Two documents that no policy is, and one that is too long to be looked at. */
static const char *const bad[] = { "", "{}", "[]", "{\"Version\":\"2\",\"Statement\":[]}" };

static char *
too_long(void)
{
	char *text = malloc(32768 + 2);

	ck_assert_ptr_nonnull(text);
	memset(text, ' ', 32769);
	memcpy(text, POLICY, strlen(POLICY));
	text[32769] = '\0';
	return text;
}

START_TEST(a_key_without_a_policy_has_the_default_one)
{
	char *id = new_key(NULL, NULL);

	about(id);
	expect(ACTION_GetKeyPolicy);
	ck_assert_ptr_nonnull(strstr(text_of(F_COUNT, F_Policy), "\"kms default key policy\""));
	ck_assert_ptr_nonnull(strstr(text_of(F_COUNT, F_Policy), "acs:ram::"));
	/* It is one that can be set. */
	with(F_Policy, text_of(F_COUNT, F_Policy));
	expect(ACTION_SetKeyPolicy);
	free(id);
}
END_TEST

START_TEST(the_policy_of_a_key_is_kept_as_it_was_given)
{
	char *id, *text = too_long();

	request();
	with(F_Policy, POLICY);
	expect(ACTION_CreateKey);
	id = strdup(text_of(F_KeyMetadata, F_KeyId));
	about(id);
	with(F_PolicyName, "default");
	expect(ACTION_GetKeyPolicy);
	check_text(F_COUNT, F_Policy, POLICY);
	text[32768] = '\0';
	about(id);
	with(F_Policy, text);
	expect(ACTION_SetKeyPolicy);
	about(id);
	expect(ACTION_GetKeyPolicy);
	check_text(F_COUNT, F_Policy, text);
	free(text);
	free(id);
}
END_TEST

START_TEST(what_is_no_policy_is_refused_wherever_it_comes)
{
	char *id = new_key(NULL, NULL), *text = too_long();

	new_secret("a", "v", "x");
	for (size_t i = 0; i <= ARRAY_LEN(bad); i++) {
		const char *policy = i < ARRAY_LEN(bad) ? bad[i] : text;

		request();
		with(F_Policy, policy);
		expect_error(ACTION_CreateKey, E_InvalidParameter);
		about(id);
		with(F_Policy, policy);
		expect_error(ACTION_SetKeyPolicy, E_InvalidParameter);
		version("b", "v", "x");
		with(F_Policy, policy);
		expect_error(ACTION_CreateSecret, E_InvalidParameter);
		secret("a");
		with(F_Policy, policy);
		expect_error(ACTION_SetSecretPolicy, E_InvalidParameter);
	}
	about(id);
	expect(ACTION_GetKeyPolicy);
	ck_assert_ptr_nonnull(strstr(text_of(F_COUNT, F_Policy), "default"));
	free(text);
	free(id);
}
END_TEST

START_TEST(there_is_no_policy_of_another_name)
{
	char *id = new_key(NULL, NULL);

	new_secret("a", "v", "x");
	about(id);
	with(F_PolicyName, "other");
	expect_error(ACTION_GetKeyPolicy, E_ResourceNotFound);
	with(F_Policy, POLICY);
	expect_error(ACTION_SetKeyPolicy, E_ResourceNotFound);
	secret("a");
	with(F_PolicyName, "Default");
	expect_error(ACTION_GetSecretPolicy, E_ResourceNotFound);
	with(F_Policy, POLICY);
	expect_error(ACTION_SetSecretPolicy, E_ResourceNotFound);
	free(id);
}
END_TEST

START_TEST(the_policy_of_a_key_that_is_to_be_deleted_is_seen_and_not_changed)
{
	char *id = new_key(NULL, NULL);

	about(id);
	with_number(F_PendingWindowInDays, 7);
	expect(ACTION_ScheduleKeyDeletion);
	about(id);
	expect(ACTION_GetKeyPolicy);
	about(id);
	with(F_Policy, POLICY);
	expect_error(ACTION_SetKeyPolicy, E_StatePendingDeletion);
	free(id);
}
END_TEST

START_TEST(the_policy_of_a_secret_is_given_and_replaced)
{
	new_secret("a", "v", "x");
	secret("a");
	expect(ACTION_GetSecretPolicy);
	ck_assert_ptr_nonnull(strstr(text_of(F_COUNT, F_Policy), "\"kms default secret policy\""));
	secret("a");
	with(F_Policy, POLICY);
	with(F_PolicyName, "default");
	expect(ACTION_SetSecretPolicy);
	secret("a");
	expect(ACTION_GetSecretPolicy);
	check_text(F_COUNT, F_Policy, POLICY);
	version("b", "v", "x");
	with(F_Policy, POLICY);
	expect(ACTION_CreateSecret);
	secret("b");
	expect(ACTION_GetSecretPolicy);
	check_text(F_COUNT, F_Policy, POLICY);
	secret("b");
	expect(ACTION_DeleteSecret);
	secret("b");
	expect(ACTION_GetSecretPolicy);
	with(F_Policy, POLICY);
	expect_error(ACTION_SetSecretPolicy, E_ResourceInDeleteWindow);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { a_key_without_a_policy_has_the_default_one,
		the_policy_of_a_key_is_kept_as_it_was_given,
		what_is_no_policy_is_refused_wherever_it_comes, there_is_no_policy_of_another_name,
		the_policy_of_a_key_that_is_to_be_deleted_is_seen_and_not_changed,
		the_policy_of_a_secret_is_given_and_replaced };
	Suite *s = suite_create("contract: policies");
	TCase *t = tcase_create("policies");

	tcase_add_checked_fixture(t, contract_setup, contract_teardown);
	for (size_t i = 0; i < ARRAY_LEN(tests); i++)
		tcase_add_test(t, tests[i]);
	suite_add_tcase(s, t);
	return contract_main(s);
}
