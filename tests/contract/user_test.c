/* SPDX-License-Identifier: Apache-2.0 */
/* Users, access keys, identity policies; and who may do what with a key. */
#include "tests/contract/contract.h"

#define OTHER "1234567890123456"

#define ALLOW(action, resource)                                                        \
	"{\"Version\":\"1\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"" action \
	"\",\"Resource\":\"" resource "\"}]}"

static void
user(const char *account, const char *name)
{
	request();
	with(F_UserName, name);
	if (account != NULL)
		with(F_AccountId, account);
}

static void
make_user(const char *account, const char *name)
{
	user(account, name);
	expect(ACTION_CreateUser);
}

static void
attach(const char *account, const char *name, const char *policy)
{
	user(account, name);
	with(F_PolicyName, policy);
	expect(ACTION_AttachPolicyToUser);
}

static void
make_policy(const char *name, const char *document)
{
	request();
	with(F_PolicyName, name);
	with(F_PolicyDocument, document);
	expect(ACTION_CreatePolicy);
}

/* Whether the one who asks may encrypt with KEY. */
static void
check_encrypts(const char *key, bool may)
{
	about(key);
	with_bytes(F_Plaintext, BYTES("x"));
	if (may)
		expect(ACTION_Encrypt);
	else
		expect_error(ACTION_Encrypt, E_NoPermission);
}

static char *
arn_of(const char *key)
{
	about(key);
	expect(ACTION_DescribeKey);
	return strdup(text_of(F_KeyMetadata, F_Arn));
}

START_TEST(users_are_made_shown_listed_and_deleted)
{
	make_user(NULL, "alice");
	check_text(F_User, F_UserName, "alice");
	check_text(F_User, F_AccountId, account_id());
	make_user(OTHER, "alice");
	user(NULL, "alice");
	expect_error(ACTION_CreateUser, E_UserAlreadyExists);
	expect(ACTION_GetUser);
	request();
	expect(ACTION_ListUsers);
	ck_assert_int_eq(fields_number(&res, F_TotalCount, 0), 2);
	user(NULL, "alice");
	expect(ACTION_DeleteUser);
	expect_error(ACTION_GetUser, E_UserNotExist);
	user(OTHER, "alice");
	expect(ACTION_GetUser);
	user(NULL, "a b");
	expect_error(ACTION_CreateUser, E_InvalidParameter);
	user("123456789012345x", "a");
	expect_error(ACTION_CreateUser, E_InvalidParameter);
}
END_TEST

START_TEST(an_access_key_is_shown_once)
{
	char *id;

	make_user(NULL, "alice");
	user(NULL, "alice");
	expect(ACTION_CreateAccessKey);
	id = strdup(text_of(F_AccessKey, F_AccessKeyId));
	ck_assert_uint_eq(strlen(id), 24);
	ck_assert_uint_eq(strlen(text_of(F_AccessKey, F_AccessKeySecret)), 30);
	expect(ACTION_ListAccessKeys);
	check_text(F_AccessKeys, F_AccessKeyId, id);
	check_text(F_AccessKeys, F_Status, "Active");
	ck_assert_str_eq(text_of(F_AccessKeys, F_AccessKeySecret), "");
	request();
	with(F_UserAccessKeyId, id);
	with(F_Status, "Inactive");
	expect(ACTION_UpdateAccessKey);
	user(NULL, "alice");
	expect(ACTION_ListAccessKeys);
	check_text(F_AccessKeys, F_Status, "Inactive");
	/* Two, so that one can replace the other. */
	expect(ACTION_CreateAccessKey);
	expect_error(ACTION_CreateAccessKey, E_LimitExceeded);
	request();
	with(F_UserAccessKeyId, id);
	expect(ACTION_DeleteAccessKey);
	expect_error(ACTION_DeleteAccessKey, E_AccessKeyNotExist);
	free(id);
}
END_TEST

START_TEST(a_user_may_what_his_policies_allow)
{
	char *key = new_key(NULL, NULL);

	make_user(NULL, "alice");
	as_user(NULL, "alice");
	check_encrypts(key, false);
	as_root();
	attach(NULL, "alice", "AliyunKMSCryptoUserAccess");
	as_user(NULL, "alice");
	check_encrypts(key, true);
	about(key);
	expect_error(ACTION_DisableKey, E_NoPermission);
	request();
	expect_error(ACTION_CreateKey, E_NoPermission);
	expect_error(ACTION_ListKeys, E_NoPermission);
	/* What was taken away is gone at once. */
	as_root();
	user(NULL, "alice");
	with(F_PolicyName, "AliyunKMSCryptoUserAccess");
	expect(ACTION_DetachPolicyFromUser);
	as_user(NULL, "alice");
	check_encrypts(key, false);
	free(key);
}
END_TEST

START_TEST(an_unknown_user_may_nothing)
{
	char *key = new_key(NULL, NULL);

	as_user(NULL, "nobody");
	check_encrypts(key, false);
	request();
	expect_error(ACTION_ListKeys, E_NoPermission);
	free(key);
}
END_TEST

START_TEST(policies_can_name_one_key)
{
	char *one = new_key(NULL, NULL), *two = new_key(NULL, NULL), document[512];

	ck_assert_int_lt(snprintf(document, sizeof(document),
			     ALLOW("kms:Encrypt", "acs:kms:*:*:key/%s"), one),
	    (int)sizeof(document));
	make_policy("one-key", document);
	make_user(NULL, "alice");
	attach(NULL, "alice", "one-key");
	as_user(NULL, "alice");
	check_encrypts(one, true);
	check_encrypts(two, false);
	as_root();
	request();
	with(F_PolicyName, "one-key");
	with(F_PolicyDocument, ALLOW("kms:Decrypt", "*"));
	expect(ACTION_UpdatePolicy);
	as_user(NULL, "alice");
	check_encrypts(one, false);
	free(one);
	free(two);
}
END_TEST

START_TEST(policies_can_ask_for_the_encryption_context)
{
	char *key = new_key(NULL, NULL);

	make_policy("payroll",
	    "{\"Version\":\"1\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"kms:Encrypt\",\"Resource\":\"*\","
	    "\"Condition\":{\"StringEquals\":{\"kms:EncryptionContext:app\":\"payroll\"}}}]}");
	make_user(NULL, "alice");
	attach(NULL, "alice", "payroll");
	as_user(NULL, "alice");
	check_encrypts(key, false);
	about(key);
	with_bytes(F_Plaintext, BYTES("x"));
	with(F_EncryptionContext, "{\"app\":\"payroll\"}");
	expect(ACTION_Encrypt);
	with(F_EncryptionContext, "{\"app\":\"web\"}");
	expect_error(ACTION_Encrypt, E_NoPermission);
	free(key);
}
END_TEST

#define FROM_HERE "{\"app\":\"payroll\"}"
#define TO_THERE  "{\"app\":\"archive\"}"

static void
re_encrypt(struct slice blob, const char *to, const char *from_context, const char *to_context)
{
	request();
	with_bytes(F_CiphertextBlob, blob);
	with(F_DestinationKeyId, to);
	with(F_SourceEncryptionContext, from_context);
	with(F_DestinationEncryptionContext, to_context);
}

START_TEST(each_half_of_a_re_encryption_is_judged_by_its_own_context)
{
	char *key = new_key(NULL, NULL);
	uint8_t bytes[256];
	struct slice blob;

	make_policy("move",
	    "{\"Version\":\"1\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"kms:ReEncryptFrom\",\"Resource\":\"*\","
	    "\"Condition\":{\"StringEquals\":{\"kms:EncryptionContext:app\":\"payroll\"}}},"
	    "{\"Effect\":\"Allow\",\"Action\":\"kms:ReEncryptTo\",\"Resource\":\"*\","
	    "\"Condition\":{\"StringEquals\":{\"kms:EncryptionContext:app\":\"archive\"}}}]}");
	make_user(NULL, "alice");
	attach(NULL, "alice", "move");
	about(key);
	with_bytes(F_Plaintext, BYTES("x"));
	with(F_EncryptionContext, FROM_HERE);
	expect(ACTION_Encrypt);
	blob = fields_get(&res, F_CiphertextBlob);
	ck_assert_uint_le(blob.len, sizeof(bytes));
	memcpy(bytes, blob.p, blob.len);
	blob.p = bytes;
	as_user(NULL, "alice");
	re_encrypt(blob, key, FROM_HERE, TO_THERE);
	expect(ACTION_ReEncrypt);
	re_encrypt(blob, key, FROM_HERE, FROM_HERE);
	expect_error(ACTION_ReEncrypt, E_NoPermission);
	re_encrypt(blob, key, TO_THERE, TO_THERE);
	expect_error(ACTION_ReEncrypt, E_NoPermission);
	/* No context at all is not that of the other half. */
	request();
	with_bytes(F_CiphertextBlob, blob);
	with(F_DestinationKeyId, key);
	with(F_SourceEncryptionContext, FROM_HERE);
	expect_error(ACTION_ReEncrypt, E_NoPermission);
	free(key);
}
END_TEST

START_TEST(policies_can_ask_for_tags)
{
	char *key = new_key(NULL, NULL);

	make_policy("tagged",
	    "{\"Version\":\"1\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"kms:*\",\"Resource\":\"*\","
	    "\"Condition\":{\"StringEquals\":{\"kms:tag/team\":\"hr\"}}}]}");
	make_user(NULL, "alice");
	attach(NULL, "alice", "tagged");
	as_user(NULL, "alice");
	check_encrypts(key, false);
	as_root();
	about(key);
	with(F_TagsJson, "[{\"TagKey\":\"team\",\"TagValue\":\"hr\"}]");
	expect(ACTION_TagResource);
	as_user(NULL, "alice");
	check_encrypts(key, true);
	free(key);
}
END_TEST

START_TEST(a_stranger_is_told_nothing)
{
	char *key = new_key(NULL, NULL), *arn = arn_of(key);

	as_user(OTHER, "eve");
	check_encrypts(arn, false);
	about("12345678-1234-1234-1234-123456789012");
	expect_error(ACTION_DescribeKey, E_NoPermission);
	about("alias/none");
	expect_error(ACTION_DescribeKey, E_NoPermission);
	free(key);
	free(arn);
}
END_TEST

START_TEST(only_the_account_looks_after_users_and_policies)
{
	make_user(NULL, "alice");
	attach(NULL, "alice", "AliyunKMSFullAccess");
	as_user(NULL, "alice");
	user(NULL, "bob");
	expect_error(ACTION_CreateUser, E_NoPermission);
	user(NULL, "alice");
	with(F_PolicyName, "AliyunKMSFullAccess");
	expect_error(ACTION_AttachPolicyToUser, E_NoPermission);
	expect_error(ACTION_CreateAccessKey, E_InvalidParameter);
	user(NULL, "alice");
	expect_error(ACTION_CreateAccessKey, E_NoPermission);
}
END_TEST

START_TEST(policies_are_checked_made_shown_and_deleted)
{
	request();
	with(F_PolicyName, "p");
	with(F_PolicyDocument, "{\"Version\":\"2\"}");
	expect_error(ACTION_CreatePolicy, E_InvalidParameter);
	with(F_PolicyDocument, ALLOW("kms:*", "*"));
	with(F_PolicyName, "AliyunKMSFullAccess");
	expect_error(ACTION_CreatePolicy, E_PolicyAlreadyExists);
	with(F_PolicyName, "a b");
	expect_error(ACTION_CreatePolicy, E_InvalidParameter);
	make_policy("p", ALLOW("kms:*", "*"));
	expect_error(ACTION_CreatePolicy, E_PolicyAlreadyExists);
	request();
	with(F_PolicyName, "p");
	expect(ACTION_GetPolicy);
	check_text(F_COUNT, F_PolicyType, "Custom");
	check_text(F_COUNT, F_PolicyDocument, ALLOW("kms:*", "*"));
	request();
	expect(ACTION_ListPolicies);
	ck_assert_int_eq(fields_number(&res, F_TotalCount, 0), 7);
	make_user(NULL, "alice");
	attach(NULL, "alice", "p");
	user(NULL, "alice");
	expect(ACTION_ListPoliciesForUser);
	check_text(F_Policies, F_PolicyName, "p");
	request();
	with(F_PolicyName, "p");
	expect_error(ACTION_DeletePolicy, E_PolicyAttached);
	user(NULL, "alice");
	with(F_PolicyName, "p");
	expect(ACTION_DetachPolicyFromUser);
	request();
	with(F_PolicyName, "p");
	expect(ACTION_DeletePolicy);
	expect_error(ACTION_DeletePolicy, E_PolicyNotExist);
	request();
	with(F_PolicyName, "AliyunKMSFullAccess");
	expect_error(ACTION_DeletePolicy, E_UnsupportedOperation);
	user(NULL, "alice");
	with(F_PolicyName, "p");
	expect_error(ACTION_AttachPolicyToUser, E_PolicyNotExist);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { users_are_made_shown_listed_and_deleted,
		an_access_key_is_shown_once, a_user_may_what_his_policies_allow,
		an_unknown_user_may_nothing, policies_can_name_one_key,
		policies_can_ask_for_the_encryption_context,
		each_half_of_a_re_encryption_is_judged_by_its_own_context,
		policies_can_ask_for_tags, a_stranger_is_told_nothing,
		only_the_account_looks_after_users_and_policies,
		policies_are_checked_made_shown_and_deleted };
	Suite *s = suite_create("contract: users and permissions");
	TCase *t = tcase_create("users");

	tcase_add_checked_fixture(t, contract_setup, contract_teardown);
	for (size_t i = 0; i < ARRAY_LEN(tests); i++)
		tcase_add_test(t, tests[i]);
	suite_add_tcase(s, t);
	return contract_main(s);
}
