/* SPDX-License-Identifier: Apache-2.0 */
/* What every action answers in every state of its key: the API's page, written down again as a
 * test. */
#include "tests/contract/contract.h"

enum { ENABLED, DISABLED, DELETION, IMPORT, STATES };

/* Brings a fresh key into a state. */
static char *
key_in(int state)
{
	char *id;

	request();
	if (state == IMPORT)
		with(F_Origin, "EXTERNAL");
	expect(ACTION_CreateKey);
	id = strdup(text_of(F_KeyMetadata, F_KeyId));
	about(id);
	if (state == DISABLED)
		expect(ACTION_DisableKey);
	with_number(F_PendingWindowInDays, 7);
	if (state == DELETION)
		expect(ACTION_ScheduleKeyDeletion);
	return id;
}

#define OK  E_None
#define DIS E_StateDisabled
#define DEL E_StatePendingDeletion
#define IMP E_StatePendingImport
#define MOD E_StateModifiedFailed

static const struct {
	enum action action;
	enum api_error answer[STATES];
} rows[] = {
	{ ACTION_DescribeKey, { OK, OK, OK, OK } },
	{ ACTION_ListKeyVersions, { OK, OK, OK, OK } },
	{ ACTION_ListAliasesByKeyId, { OK, OK, OK, OK } },
	{ ACTION_ListResourceTags, { OK, OK, OK, OK } },
	{ ACTION_UpdateKeyDescription, { OK, OK, DEL, OK } },
	{ ACTION_EnableKey, { OK, OK, MOD, MOD } },
	{ ACTION_DisableKey, { OK, OK, MOD, MOD } },
	{ ACTION_ScheduleKeyDeletion, { OK, OK, MOD, OK } },
	{ ACTION_CancelKeyDeletion, { MOD, MOD, OK, MOD } },
	{ ACTION_CreateAlias, { OK, OK, MOD, OK } },
	{ ACTION_UpdateAlias, { OK, OK, DEL, OK } },
	{ ACTION_DeleteAlias, { OK, OK, OK, OK } },
	{ ACTION_CreateKeyVersion, { OK, DIS, DEL, IMP } },
	{ ACTION_UpdateRotationPolicy, { OK, DIS, DEL, IMP } },
	{ ACTION_SetDeletionProtection, { OK, OK, DEL, OK } },
	{ ACTION_TagResource, { OK, OK, DEL, OK } },
};

/* A request that would be good, was it not for the key's state. */
static void
ask(enum action a, const char *key)
{
	request();
	if (a == ACTION_UpdateAlias || a == ACTION_DeleteAlias) {
		char *other = key_in(ENABLED);

		/* The alias is the key's while it can be: of another for UpdateAlias. */
		about(a == ACTION_UpdateAlias ? other : key);
		with(F_AliasName, "alias/moving");
		expect(ACTION_CreateAlias);
		free(other);
	}
	if (a == ACTION_DeleteAlias) {
		request();
		with(F_AliasName, "alias/moving");
		return;
	}
	about(key);
	if (a == ACTION_CreateAlias || a == ACTION_UpdateAlias)
		with(F_AliasName, a == ACTION_CreateAlias ? "alias/new" : "alias/moving");
	if (a == ACTION_UpdateKeyDescription)
		with(F_Description, "d");
	if (a == ACTION_ScheduleKeyDeletion)
		with_number(F_PendingWindowInDays, 30);
	if (a == ACTION_UpdateRotationPolicy)
		with_bool(F_EnableAutomaticRotation, false);
	if (a == ACTION_SetDeletionProtection)
		with_bool(F_EnableDeletionProtection, true);
	if (a == ACTION_TagResource)
		with(F_TagsJson, "[{\"TagKey\":\"k\",\"TagValue\":\"v\"}]");
}

START_TEST(every_action_answers_in_every_state_as_the_api_says)
{
	for (int state = 0; state < STATES; state++) {
		char *id;

		if (rows[_i].action == ACTION_DeleteAlias && state == DELETION)
			continue; /* below */
		id = key_in(state);
		ask(rows[_i].action, id);
		if (rows[_i].answer[state] == E_None)
			expect(rows[_i].action);
		else
			expect_error(rows[_i].action, rows[_i].answer[state]);
		free(id);
		if (rows[_i].action == ACTION_UpdateAlias) {
			request();
			with(F_AliasName, "alias/moving");
			expect(ACTION_DeleteAlias);
		}
		if (rows[_i].action == ACTION_CreateAlias && rows[_i].answer[state] == E_None) {
			request();
			with(F_AliasName, "alias/new");
			expect(ACTION_DeleteAlias);
		}
	}
}
END_TEST

START_TEST(an_alias_of_a_key_that_is_to_be_deleted_can_go_first)
{
	char *id = key_in(ENABLED);

	about(id);
	with(F_AliasName, "alias/last");
	expect(ACTION_CreateAlias);
	about(id);
	with_number(F_PendingWindowInDays, 7);
	expect(ACTION_ScheduleKeyDeletion);
	request();
	with(F_AliasName, "alias/last");
	expect(ACTION_DeleteAlias);
	expect_error(ACTION_DeleteAlias, E_AliasNotFound);
	free(id);
}
END_TEST

START_TEST(states_lead_to_each_other_as_the_api_says)
{
	char *id = key_in(ENABLED), *external = key_in(IMPORT);

	about(id);
	expect(ACTION_DisableKey);
	expect(ACTION_DisableKey);
	check_state(id, "Disabled");
	about(id);
	expect(ACTION_EnableKey);
	check_state(id, "Enabled");
	about(id);
	with_number(F_PendingWindowInDays, 7);
	expect(ACTION_ScheduleKeyDeletion);
	check_state(id, "PendingDeletion");
	check_text(F_KeyMetadata, F_DeleteDate, "2023-11-21T22:13:20Z");
	about(id);
	expect(ACTION_CancelKeyDeletion);
	check_state(id, "Enabled");
	ck_assert_str_eq(text_of(F_KeyMetadata, F_DeleteDate), "");
	check_state(external, "PendingImport");
	about(external);
	with_number(F_PendingWindowInDays, 7);
	expect(ACTION_ScheduleKeyDeletion);
	about(external);
	expect(ACTION_CancelKeyDeletion);
	check_state(external, "PendingImport");
	free(id);
	free(external);
}
END_TEST

START_TEST(a_protected_key_is_not_scheduled_for_deletion)
{
	char *id = key_in(ENABLED);

	about(id);
	with_bool(F_EnableDeletionProtection, true);
	with(F_DeletionProtectionDescription, "payroll");
	expect(ACTION_SetDeletionProtection);
	about(id);
	expect(ACTION_DescribeKey);
	check_text(F_KeyMetadata, F_DeletionProtection, "Enabled");
	check_text(F_KeyMetadata, F_DeletionProtectionDescription, "payroll");
	about(id);
	with_number(F_PendingWindowInDays, 7);
	expect_error(ACTION_ScheduleKeyDeletion, E_UnsupportedOperation);
	about(id);
	with_bool(F_EnableDeletionProtection, false);
	expect(ACTION_SetDeletionProtection);
	about(id);
	with_number(F_PendingWindowInDays, 7);
	expect(ACTION_ScheduleKeyDeletion);
	free(id);
}
END_TEST

START_TEST(only_usable_keys_are_found_by_applications)
{
	struct object_query all = { .private_too = true };
	char *id = key_in(ENABLED);
	size_t n;

	for (int i = 0; i < 3; i++) {
		auto_object_refs refs = { 0 };

		CHECK_RC(backend_find(kms, NULL, &all, &refs), KMS_OK);
		n = refs.n;
		ck_assert_uint_eq(n, i == 1 ? 0 : 1);
		about(id);
		expect(i == 0 ? ACTION_DisableKey : ACTION_EnableKey);
	}
	free(id);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { an_alias_of_a_key_that_is_to_be_deleted_can_go_first,
		states_lead_to_each_other_as_the_api_says,
		a_protected_key_is_not_scheduled_for_deletion,
		only_usable_keys_are_found_by_applications };
	Suite *s = suite_create("contract: states");
	TCase *t = tcase_create("states");

	tcase_add_checked_fixture(t, contract_setup, contract_teardown);
	tcase_add_loop_test(t, every_action_answers_in_every_state_as_the_api_says, 0,
	    (int)ARRAY_LEN(rows));
	for (size_t i = 0; i < ARRAY_LEN(tests); i++)
		tcase_add_test(t, tests[i]);
	suite_add_tcase(s, t);
	return contract_main(s);
}
