/* SPDX-License-Identifier: Apache-2.0 */
/* The objects by which applications see secrets: there while the secret is, and good for nothing
 * but to be found. */
#include "tests/contract/contract.h"
#include "tests/contract/secrets.h"

#define DAY 86400

/* How many objects have the label; *RET (may be NULL) is the last one. */
static size_t
found(const char *label, struct uid *ret)
{
	struct object_query q = { .kind = OBJECT_DATA,
		.has_label = true,
		.label = slice_str(label),
		.private_too = true };
	auto_object_refs refs = { 0 };

	CHECK_RC(backend_find(kms, NULL, &q, &refs), KMS_OK);
	if (ret != NULL && refs.n > 0)
		*ret = refs.v[refs.n - 1].id;
	return refs.n;
}

static struct uid
made(const char *name)
{
	struct uid id;

	new_secret(name, "v1", "value");
	ck_assert_uint_eq(found(name, &id), 1);
	return id;
}

START_TEST(a_generic_secret_has_one_object_that_needs_a_login)
{
	struct uid id = made("db"), again;
	auto_object o = { 0 };

	put("db", "v2", "other");
	ck_assert_uint_eq(found("db", &again), 1);
	ck_assert(uid_eq(&id, &again));
	CHECK_RC(backend_get(kms, NULL, &id, &o), KMS_OK);
	ck_assert(object_is_secret(&o));
	ck_assert_uint_ne(o.flags & FLAG_PRIVATE, 0);
	ck_assert_uint_eq(o.body.len, 0);
	backend_logout(kms);
	ck_assert_uint_eq(found("db", NULL), 0);
}
END_TEST

START_TEST(secrets_of_other_types_have_none)
{
	secret("rds");
	with(F_SecretType, "Rds");
	with(F_VersionId, "v1");
	with(F_SecretData, "{\"Accounts\":[]}");
	with(F_ExtendedConfig, "{\"DBInstanceId\":\"rm-1\"}");
	expect(ACTION_CreateSecret);
	ck_assert_uint_eq(found("rds", NULL), 0);
	secret("rds");
	expect(ACTION_DeleteSecret);
	secret("rds");
	expect(ACTION_RestoreSecret);
	ck_assert_uint_eq(found("rds", NULL), 0);
	secret("rds");
	with_bool(F_ForceDeleteWithoutRecovery, true);
	expect(ACTION_DeleteSecret);
}
END_TEST

START_TEST(the_object_gives_nothing_and_cannot_be_changed)
{
	struct uid id = made("db");
	struct slice value = BYTES("forged");
	auto_secret got = { 0 };
	auto_object o = { 0 };
	auto_object copy = { 0 };

	CHECK_RC(backend_get(kms, NULL, &id, &o), KMS_OK);
	CHECK_RC(object_copy(&o, &copy), KMS_OK);
	CHECK_RC(backend_export(kms, NULL, &id, &got), KMS_INVALID);
	CHECK_RC(backend_update(kms, NULL, &o, &value), KMS_INVALID);
	CHECK_RC(buf_set(&o.label, BYTES("other")), KMS_OK);
	CHECK_RC(backend_update(kms, NULL, &o, NULL), KMS_INVALID);
	CHECK_RC(backend_copy(kms, NULL, &id, &copy), KMS_DENIED);
	CHECK_RC(backend_destroy(kms, NULL, &id, 1), KMS_INVALID);
	check_value("db", "value");
}
END_TEST

START_TEST(the_object_is_not_found_while_the_secret_is_to_be_deleted)
{
	struct uid id = made("db"), again;

	secret("db");
	expect(ACTION_DeleteSecret);
	ck_assert_uint_eq(found("db", NULL), 0);
	secret("db");
	expect(ACTION_RestoreSecret);
	ck_assert_uint_eq(found("db", &again), 1);
	ck_assert(uid_eq(&id, &again));
}
END_TEST

START_TEST(the_object_ends_with_the_secret)
{
	struct uid soon = made("soon"), later = made("later");
	uint64_t revision;

	secret("soon");
	with_bool(F_ForceDeleteWithoutRecovery, true);
	expect(ACTION_DeleteSecret);
	CHECK_RC(backend_revision(kms, NULL, &soon, &revision), KMS_NOTFOUND);
	secret("later");
	with_number(F_RecoveryWindowInDays, 7);
	expect(ACTION_DeleteSecret);
	CHECK_RC(backend_revision(kms, NULL, &later, &revision), KMS_OK);
	os_fake_clock(NOW + 7 * DAY);
	request();
	expect(ACTION_ListSecrets);
	CHECK_RC(backend_revision(kms, NULL, &later, &revision), KMS_NOTFOUND);
}
END_TEST

START_TEST(a_copy_of_the_object_in_a_new_one_is_no_secret)
{
	struct uid id = made("db");
	struct slice value = BYTES("plain");
	auto_object o = { 0 };

	CHECK_RC(backend_get(kms, NULL, &id, &o), KMS_OK);
	CHECK_RC(backend_create(kms, NULL, &o, &value, 1), KMS_OK);
	ck_assert(!object_is_secret(&o));
	ck_assert_uint_eq(found("db", NULL), 2);
	CHECK_RC(backend_destroy(kms, NULL, &o.id, 1), KMS_OK);
	check_value("db", "value");
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
		a_generic_secret_has_one_object_that_needs_a_login,
		secrets_of_other_types_have_none,
		the_object_gives_nothing_and_cannot_be_changed,
		the_object_is_not_found_while_the_secret_is_to_be_deleted,
		the_object_ends_with_the_secret,
		a_copy_of_the_object_in_a_new_one_is_no_secret,
	};
	Suite *s = suite_create("contract: objects of secrets");
	TCase *t = tcase_create("objects of secrets");

	tcase_add_checked_fixture(t, contract_setup, contract_teardown);
	for (size_t i = 0; i < ARRAY_LEN(tests); i++)
		tcase_add_test(t, tests[i]);
	suite_add_tcase(s, t);
	return contract_main(s);
}
