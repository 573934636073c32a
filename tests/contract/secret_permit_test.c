/* SPDX-License-Identifier: Apache-2.0 */
/* Who may do what with a secret: its own policy, its key's, and the caller's. */
#include "tests/contract/contract.h"
#include "tests/contract/secrets.h"

#define OTHER "1234567890123456"

#define STATEMENT(effect, action, resource, more)                                         \
	"{\"Version\":\"1\",\"Statement\":[{\"Effect\":\"" effect "\",\"Action\":" action \
	",\"Resource\":\"" resource "\"" more "}]}"

/* A user of ACCOUNT (NULL: the KMS's) with an identity policy; the account itself asks again. */
static void
make_user(const char *account, const char *name, const char *document)
{
	as_root();
	for (int i = 0; i < 3; i++) {
		static const enum action actions[] = { ACTION_CreateUser, ACTION_CreatePolicy,
			ACTION_AttachPolicyToUser };

		request();
		if (i != 1)
			with(F_UserName, name);
		if (i != 1 && account != NULL)
			with(F_AccountId, account);
		if (i != 0)
			with(F_PolicyName, name);
		if (i == 1)
			with(F_PolicyDocument, document);
		expect(actions[i]);
	}
}

static void
check_gets(const char *name, bool may)
{
	secret(name);
	if (may)
		expect(ACTION_GetSecretValue);
	else
		expect_error(ACTION_GetSecretValue, E_NoPermission);
}

static void
set_policy(const char *name, const char *document)
{
	secret(name);
	with(F_Policy, document);
	expect(ACTION_SetSecretPolicy);
}

START_TEST(a_user_gets_the_secrets_that_his_policy_names)
{
	new_secret("db/one", "v", "1");
	new_secret("web", "v", "2");
	make_user(NULL, "alice",
	    STATEMENT("Allow", "\"kms:GetSecretValue\"", "acs:kms:*:*:secret/db/*", ""));
	as_user(NULL, "alice");
	check_gets("db/one", true);
	check_gets("web", false);
	secret("db/one");
	expect_error(ACTION_DescribeSecret, E_NoPermission);
	expect_error(ACTION_DeleteSecret, E_NoPermission);
	expect_error(ACTION_GetSecretPolicy, E_NoPermission);
	version("db/one", "v2", "2");
	expect_error(ACTION_PutSecretValue, E_NoPermission);
	version("db/two", "v", "2");
	expect_error(ACTION_CreateSecret, E_NoPermission);
	request();
	expect_error(ACTION_ListSecrets, E_NoPermission);
	request();
	with(F_SecretsList, "[{\"SecretName\":\"web\"},{\"SecretName\":\"db/one\"}]");
	expect(ACTION_BatchGetSecretValue);
	check_text(F_SecretValues, F_SecretData, "1");
	check_text(F_Errors, F_Code, "Forbidden.NoPermission");
}
END_TEST

START_TEST(of_a_secret_under_a_customers_key_the_key_must_be_permitted_too)
{
	char *key = new_key(NULL, NULL);

	version("a", "v", "1");
	with(F_EncryptionKeyId, key);
	expect(ACTION_CreateSecret);
	make_user(NULL, "alice", STATEMENT("Allow", "\"kms:*\"", "acs:kms:*:*:secret/*", ""));
	make_user(NULL, "bob",
	    STATEMENT("Allow", "[\"kms:GetSecretValue\",\"kms:PutSecretValue\",\"kms:Decrypt\"]",
		"*", ""));
	as_user(NULL, "alice");
	check_gets("a", false);
	version("a", "v2", "2");
	expect_error(ACTION_PutSecretValue, E_NoPermission);
	as_user(NULL, "bob");
	check_gets("a", true);
	version("a", "v2", "2");
	expect_error(ACTION_PutSecretValue, E_NoPermission);
	free(key);
}
END_TEST

START_TEST(a_secrets_own_policy_allows_and_denies)
{
	char allow[512], deny[512];

	new_secret("a", "v", "1");
	new_secret("b", "v", "1");
	make_user(NULL, "alice",
	    STATEMENT("Allow", "\"kms:GetSecretValue\"", "acs:kms:*:*:secret/b", ""));
	(void)snprintf(allow, sizeof(allow),
	    STATEMENT("Allow", "\"kms:GetSecretValue\"", "*",
		",\"Principal\":{\"RAM\":\"acs:ram::%s:user/alice\"}"),
	    account_id());
	(void)snprintf(deny, sizeof(deny),
	    STATEMENT("Deny", "\"kms:GetSecretValue\"", "*",
		",\"Principal\":{\"RAM\":\"acs:ram::%s:user/alice\"}"),
	    account_id());
	set_policy("a", allow);
	set_policy("b", deny);
	as_user(NULL, "alice");
	check_gets("a", true);
	check_gets("b", false);
}
END_TEST

START_TEST(tags_of_secrets_count_in_conditions)
{
	new_secret("a", "v", "1");
	new_secret("b", "v", "1");
	secret("a");
	with(F_TagsJson, "[{\"TagKey\":\"env\",\"TagValue\":\"test\"}]");
	expect(ACTION_TagResource);
	make_user(NULL, "alice",
	    STATEMENT("Allow", "\"kms:*\"", "*",
		",\"Condition\":{\"StringEquals\":{\"kms:tag/env\":\"test\"}}"));
	as_user(NULL, "alice");
	check_gets("a", true);
	check_gets("b", false);
	/* What may not be seen is passed over in a list, and refused by name. */
	request();
	with(F_RegionId, "");
	with(F_ResourceType, "secret");
	expect(ACTION_ListTagResources);
	ck_assert_uint_eq(count_of(F_TagResources), 1);
	CHECK_RC(fields_add_text(&req, F_ResourceIds, BYTES("b")), KMS_OK);
	expect_error(ACTION_ListTagResources, E_NoPermission);
}
END_TEST

START_TEST(strangers_are_not_told_which_secrets_there_are)
{
	char arn[300], theirs[512];

	new_secret("a", "v", "1");
	(void)snprintf(arn, sizeof(arn), "%s", text_of(F_COUNT, F_Arn));
	make_user(OTHER, "eve", STATEMENT("Allow", "\"kms:*\"", "*", ""));
	as_user(OTHER, "eve");
	check_gets(arn, false);
	check_gets("none", false);
	as_root();
	(void)snprintf(theirs, sizeof(theirs),
	    STATEMENT("Allow", "\"kms:GetSecretValue\"", "*",
		",\"Principal\":{\"RAM\":\"acs:ram::%s:user/eve\"}"),
	    OTHER);
	set_policy("a", theirs);
	as_user(OTHER, "eve");
	check_gets(arn, true);
	check_gets("none", false);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { a_user_gets_the_secrets_that_his_policy_names,
		of_a_secret_under_a_customers_key_the_key_must_be_permitted_too,
		a_secrets_own_policy_allows_and_denies, tags_of_secrets_count_in_conditions,
		strangers_are_not_told_which_secrets_there_are };
	Suite *s = suite_create("contract: permissions of secrets");
	TCase *t = tcase_create("permissions");

	tcase_add_checked_fixture(t, contract_setup, contract_teardown);
	for (size_t i = 0; i < ARRAY_LEN(tests); i++)
		tcase_add_test(t, tests[i]);
	suite_add_tcase(s, t);
	return contract_main(s);
}
