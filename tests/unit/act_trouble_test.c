/* SPDX-License-Identifier: Apache-2.0 */
/* Actions of the KMS where the store is damaged, and where others work beside them. */
#include "kms/chapters.h"
#include "kms/version.h"
#include "tests/contract/contract.h"
#include "tests/unit/local_fixture.h"

#define DAY 86400

static void
setup_kms(void)
{
	setup();
	os_fake_clock(NOW);
	kms = new_token_with_user();
	as_root();
}

static void
teardown_kms(void)
{
	request();
	backend_close(kms);
	os_fake_clock(-1);
	teardown();
}

static char *
primary_of(const char *key)
{
	about(key);
	expect(ACTION_DescribeKey);
	return strdup(text_of(F_KeyMetadata, F_PrimaryKeyVersion));
}

/* "x'0123...'", the id as SQL has it; until the next call. */
static const char *
sql_id(const char *text)
{
	static char sql[40];
	struct uid id;
	char hex[2 * UID_LEN + 1];

	ck_assert(uid_from_text(slice_str(text), &id));
	ck_assert(hex_encode(slice_of(id.b, UID_LEN), hex, sizeof(hex)));
	(void)snprintf(sql, sizeof(sql), "x'%s'", hex);
	return sql;
}

/* Writes over the body of a row of TABLE. */
static void
damage(const char *table, const char *id)
{
	char sql[128];

	(void)snprintf(sql, sizeof(sql), "UPDATE %s SET body = x'00' WHERE id = %s", table,
	    sql_id(id));
	edit(sql);
}

/* The store of B goes through a table that tests may change: what it was is `real`. */
static const struct store_ops *real;

static struct store_ops *
slow_down(struct backend *b)
{
	static struct store_ops slow;
	struct store *s = local_of(b)->store;

	real = s->ops;
	slow = *real;
	s->ops = &slow;
	return &slow;
}

/* -- versions -- */

START_TEST(a_damaged_version_is_not_in_the_way_of_the_others)
{
	char *key = new_key(NULL, NULL), *first = primary_of(key), *second;

	about(key);
	expect(ACTION_CreateKeyVersion);
	second = primary_of(key);
	damage("object", first);
	about(key);
	with(F_KeyVersionId, second);
	expect(ACTION_DescribeKeyVersion);
	with(F_KeyVersionId, first);
	expect_error(ACTION_DescribeKeyVersion, E_InternalFailure);
	free(key);
	free(first);
	free(second);
}
END_TEST

/* An action under way without a request, for what no request reaches. */
static struct call call;

static struct act
begin_act(void)
{
	struct act a = { .l = local_of(kms), .c = &call, .action = ACTION_CreateKeyVersion };

	call = (struct call){ 0 };
	CHECK_RC(act_begin(&a), KMS_OK);
	return a;
}

static struct master_key
some_key(enum material_origin origin)
{
	struct master_key k = { .state = KEY_ENABLED,
		.usage = USAGE_ENCRYPT_DECRYPT,
		.origin = origin,
		.level = LEVEL_SOFTWARE,
		.spec = { .type = KEY_AES, .bits = 128 } };

	CHECK_RC(crypto_random(k.id.b, UID_LEN), KMS_OK);
	return k;
}

static void
commit(struct act *a)
{
	CHECK_RC(changes_commit(&a->changes, a->l, a->c, &a->keys), KMS_OK);
}

static void
put_and_commit(struct act *a, struct master_key *k)
{
	CHECK_RC(act_put_key(a, k), KMS_OK);
	commit(a);
}

/* A key with a version that PKCS#11 shows as LABEL; and then another version. */
static void
make_and_rotate(struct slice label)
{
	auto_act a = begin_act();
	auto_master_key k = some_key(ORIGIN_KMS);

	CHECK_RC(version_generate(&a, &k, label, NO_BYTES), KMS_OK);
	put_and_commit(&a, &k);
	CHECK_RC(version_rotate(&a, &k), KMS_OK);
	put_and_commit(&a, &k);
}

START_TEST(the_number_of_a_past_version_has_room_behind_the_longest_label)
{
	char label[OBJECT_NAME_MAX + 1], past[OBJECT_NAME_MAX + 1];

	memset(label, 'a', sizeof(label));
	label[OBJECT_NAME_MAX] = '\0';
	memcpy(past, label, sizeof(past));
	memcpy(past + OBJECT_NAME_MAX - 3, ".v1", 4);
	make_and_rotate(slice_str(label));
	ck_assert_uint_eq(count_label(kms, label), 1);
	ck_assert_uint_eq(count_label(kms, past), 1);
	/* A character of two bytes is not cut in half. */
	memcpy(label + OBJECT_NAME_MAX - 4, "\u00e9", 2);
	memcpy(past + OBJECT_NAME_MAX - 4, ".v1", 4);
	make_and_rotate(slice_str(label));
	ck_assert_uint_eq(count_label(kms, label), 1);
	ck_assert_uint_eq(count_label(kms, past), 1);
}
END_TEST

static void
import(struct act *a, struct master_key *k)
{
	CHECK_RC(version_import(a, k, BYTES("external"), BYTES("0123456789abcdef")), KMS_OK);
	put_and_commit(a, k);
}

START_TEST(material_that_comes_again_is_newer_and_serves_who_held_the_key)
{
	auto_act a = begin_act();
	auto_master_key k = some_key(ORIGIN_EXTERNAL);
	struct backend *other = open_local();
	struct backend_key *key;
	uint64_t before, after;

	CHECK_RC(login(other, ROLE_USER, PIN), KMS_OK);
	import(&a, &k);
	CHECK_RC(backend_revision(kms, NULL, &k.primary, &before), KMS_OK);
	key = open_key(other, &k.primary);
	CHECK_RC(gate_usable(local_of(other), NULL, key), KMS_OK);
	CHECK_RC(key_drop_material(&a, &k), KMS_OK);
	commit(&a);
	CHECK_RC(gate_usable(local_of(other), NULL, key), KMS_NOTFOUND);
	CHECK_RC(gate_usable(local_of(other), NULL, key), KMS_NOTFOUND);
	import(&a, &k);
	CHECK_RC(backend_revision(kms, NULL, &k.primary, &after), KMS_OK);
	ck_assert_uint_gt(after, before);
	/* Also the second time, when nothing is asked of the store. */
	CHECK_RC(gate_usable(local_of(other), NULL, key), KMS_OK);
	CHECK_RC(gate_usable(local_of(other), NULL, key), KMS_OK);
	ck_assert_uint_eq(key->revision, after);
	backend_key_close(other, key);
	backend_close(other);
}
END_TEST

/* The KMS opened once more, as an application has it. */
static struct backend *application;

/* A look that takes long: what it reads is old when it comes back. */
static struct backend_key *looked_at;

static enum kms_rc
slow_get(struct store *s, struct call *c, const struct uid *id, struct store_row *ret)
{
	struct backend_key *k = looked_at;
	enum kms_rc rc = real->get(s, c, id, ret);

	looked_at = NULL;
	if (k != NULL) {
		expect(ACTION_DisableKey);
		CHECK_RC(gate_usable(local_of(application), NULL, k), KMS_OK);
		ck_assert_uint_ne(k->flags & FLAG_UNUSABLE, 0);
	}
	return rc;
}

START_TEST(a_look_that_was_overtaken_does_not_put_back_what_it_saw)
{
	char *id = new_key(NULL, NULL), *version = primary_of(id);
	struct backend_key *k;
	struct uid uid;

	ck_assert(uid_from_text(slice_str(version), &uid));
	application = open_local();
	CHECK_RC(login(application, ROLE_USER, PIN), KMS_OK);
	k = open_key(application, &uid);
	about(id);
	expect(ACTION_DisableKey);
	CHECK_RC(gate_usable(local_of(application), NULL, k), KMS_OK);
	ck_assert_uint_ne(k->flags & FLAG_UNUSABLE, 0);
	expect(ACTION_EnableKey);
	slow_down(application)->get = slow_get;
	looked_at = k;
	CHECK_RC(gate_usable(local_of(application), NULL, k), KMS_OK);
	ck_assert_ptr_null(looked_at);
	ck_assert_uint_ne(k->flags & FLAG_UNUSABLE, 0);
	backend_key_close(application, k);
	backend_close(application);
	free(id);
	free(version);
}
END_TEST

START_TEST(a_secret_key_that_nobody_named_has_an_id_made_of_its_own)
{
	struct object o = object_of(OBJECT_SECRET_KEY, FLAG_PRIVATE, "k");
	uint8_t wanted[DIGEST_MAX];
	auto_act a = begin_act();
	auto_master_key k = some_key(ORIGIN_EXTERNAL);
	auto_object version = { 0 };

	o.spec = (struct key_spec){ .type = KEY_AES, .bits = 256 };
	CHECK_RC(backend_generate(kms, NULL, &o, NULL, NO_BYTES), KMS_OK);
	CHECK_RC(crypto_digest(DIGEST_SHA1, slice_of(o.id.b, UID_LEN), wanted), KMS_OK);
	CHECK_BYTES(buf_slice(&o.app_id), slice_of(wanted, KEY_ID_LEN));
	/* So material that comes again is found where it was. */
	import(&a, &k);
	CHECK_RC(backend_get(kms, NULL, &k.primary, &version), KMS_OK);
	CHECK_RC(crypto_digest(DIGEST_SHA1, slice_of(k.primary.b, UID_LEN), wanted), KMS_OK);
	CHECK_BYTES(buf_slice(&version.app_id), slice_of(wanted, KEY_ID_LEN));
	object_free(&o);
}
END_TEST

/* -- what is due -- */

/* A key whose last day is the 7th from now. */
static char *
leaving_key(void)
{
	char *key = new_key(NULL, NULL);

	about(key);
	with_number(F_PendingWindowInDays, 7);
	expect(ACTION_ScheduleKeyDeletion);
	return key;
}

START_TEST(what_is_damaged_keeps_nobody_from_what_is_due_behind_it)
{
	char *body = leaving_key(), *column = leaving_key(), *good = leaving_key(), sql[128];

	damage("entity", body);
	(void)snprintf(sql, sizeof(sql), "UPDATE entity SET parent = x'01' WHERE id = %s",
	    sql_id(column));
	edit(sql);
	os_fake_clock(NOW + 7 * DAY);
	about(good);
	expect_error(ACTION_DescribeKey, E_KeyNotFound);
	free(body);
	free(column);
	free(good);
}
END_TEST

START_TEST(material_expires_for_who_uses_keys_and_never_acts)
{
	auto_act a = begin_act();
	auto_master_key k = some_key(ORIGIN_EXTERNAL);
	struct backend_key *key;

	application = open_local();
	k.material_expire = NOW + 100;
	import(&a, &k);
	CHECK_RC(login(application, ROLE_USER, PIN), KMS_OK);
	key = open_key(application, &k.primary);
	os_fake_clock(NOW + 99);
	CHECK_RC(gate_usable(local_of(application), NULL, key), KMS_OK);
	os_fake_clock(NOW + 100);
	CHECK_RC(gate_usable(local_of(application), NULL, key), KMS_NOTFOUND);
	backend_key_close(application, key);
	backend_close(application);
}
END_TEST

START_TEST(a_key_that_is_due_has_rotated_when_it_is_looked_for)
{
	char *key = new_key(NULL, NULL), past[80];

	application = open_local();
	about(key);
	with_bool(F_EnableAutomaticRotation, true);
	with(F_RotationInterval, "7d");
	expect(ACTION_UpdateRotationPolicy);
	CHECK_RC(login(application, ROLE_USER, PIN), KMS_OK);
	(void)snprintf(past, sizeof(past), "%s.v1", key);
	ck_assert_uint_eq(count_label(application, past), 0);
	os_fake_clock(NOW + 7 * DAY);
	ck_assert_uint_eq(count_label(application, past), 1);
	backend_close(application);
	free(key);
}
END_TEST

static uint64_t latest; /* of the deadlines that lists of entities were asked for with */

static enum kms_rc
noting_list(struct store *s, struct call *c, const struct entity_query *q,
    struct store_entities *ret, uint64_t *total)
{
	if (c->deadline_ms == 0 || c->deadline_ms > latest)
		latest = c->deadline_ms == 0 ? UINT64_MAX : c->deadline_ms;
	return real->entity_list(s, c, q, ret, total);
}

START_TEST(what_is_due_waits_no_longer_than_the_caller_does)
{
	char *key = leaving_key();
	struct call c = { 0 };

	slow_down(kms)->entity_list = noting_list;
	os_fake_clock(NOW + 7 * DAY);
	about(key);
	c.deadline_ms = os_monotonic_ms() + 5;
	CHECK_RC(backend_act(kms, &c, ACTION_DescribeKey, &req, &res), KMS_NOTFOUND);
	ck_assert_uint_eq(latest, os_monotonic_ms() + 5);
	/* And not for ever with one who does. */
	latest = 0;
	os_fake_clock(NOW + 8 * DAY);
	expect_error(ACTION_DescribeKey, E_KeyNotFound);
	ck_assert_uint_le(latest, os_monotonic_ms() + 1000);
	ck_assert_uint_gt(latest, os_monotonic_ms());
	free(key);
}
END_TEST

/* -- dry runs -- */

START_TEST(a_dry_run_does_not_blame_the_caller_for_what_is_not_his)
{
	char *key = new_key(NULL, NULL), *version = primary_of(key);

	damage("object", version);
	about(key);
	with_bytes(F_Plaintext, BYTES("x"));
	with_bool(F_DryRun, true);
	expect_error(ACTION_Encrypt, E_InternalFailure);
	free(key);
	free(version);
}
END_TEST

/* -- others who are faster: what they do happens just before our transaction -- */

static struct backend *other;
static enum action meanwhile;
static struct fields theirs;

static enum kms_rc
slow_apply(struct store *s, struct call *c, struct slice serial, const struct store_change *v,
    size_t n)
{
	enum action a = meanwhile;
	auto_fields done = { 0 };
	struct call their_call = { 0 };

	meanwhile = ACTION_COUNT;
	if (a != ACTION_COUNT) {
		enum kms_rc rc = backend_act(other, &their_call, a, &theirs, &done);

		ck_assert_msg(rc == KMS_OK, "%s: %s", action_row(a)->name, their_call.err.text);
	}
	return real->apply(s, c, serial, v, n);
}

/* Somebody else does A, with what WITH_THEIRS put, before our next transaction. */
static void
others_do(enum action a)
{
	if (other == NULL) {
		other = open_local();
		CHECK_RC(login(other, ROLE_USER, PIN), KMS_OK);
		slow_down(kms)->apply = slow_apply;
	}
	meanwhile = a;
}

static void
with_theirs(enum field name, const char *text)
{
	CHECK_RC(fields_put_text(&theirs, name, text), KMS_OK);
}

static void
teardown_race(void)
{
	fields_free(&theirs);
	backend_close(other);
	other = NULL;
	teardown_kms();
}

#define ALL \
	"{\"Version\":\"1\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"kms:*\",\"Resource\":\"*\"}]}"

/* What is made by name: by whom first, is refused to the other as if it had been there before. */
START_TEST(of_two_who_make_the_same_the_second_is_told_by_its_name)
{
	static const struct {
		enum action action;
		enum api_error answer;
		enum field names[4];
		const char *values[4]; /* NULL: a key's id */
	} rows[] = { { ACTION_CreateAlias, E_AliasAlreadyExists, { F_AliasName, F_KeyId, F_COUNT },
			 { "alias/a", NULL } },
		{ ACTION_CreateUser, E_UserAlreadyExists, { F_UserName, F_COUNT }, { "alice" } },
		{ ACTION_CreatePolicy, E_PolicyAlreadyExists,
		    { F_PolicyName, F_PolicyDocument, F_COUNT }, { "p", ALL } },
		{ ACTION_CreateSecret, E_ResourceExist,
		    { F_SecretName, F_VersionId, F_SecretData, F_COUNT }, { "s", "v", "x" } } };
	char *key = new_key(NULL, NULL);

	/* The service's key is there. */
	request();
	with(F_SecretName, "first");
	with(F_VersionId, "v");
	with(F_SecretData, "x");
	expect(ACTION_CreateSecret);
	request();
	for (size_t i = 0; rows[_i].names[i] != F_COUNT; i++) {
		const char *value = rows[_i].values[i] == NULL ? key : rows[_i].values[i];

		with(rows[_i].names[i], value);
		with_theirs(rows[_i].names[i], value);
	}
	others_do(rows[_i].action);
	expect_error(rows[_i].action, rows[_i].answer);
	free(key);
}
END_TEST

START_TEST(an_alias_is_not_given_to_a_key_that_is_being_deleted)
{
	char *key = new_key(NULL, NULL);

	with_theirs(F_KeyId, key);
	CHECK_RC(fields_put_number(&theirs, F_PendingWindowInDays, 7), KMS_OK);
	others_do(ACTION_ScheduleKeyDeletion);
	about(key);
	with(F_AliasName, "alias/a");
	expect_error(ACTION_CreateAlias, E_StateModifiedFailed);
	free(key);
}
END_TEST

static void
make_user(const char *name)
{
	request();
	with(F_UserName, name);
	expect(ACTION_CreateUser);
}

static void
make_policy(const char *name)
{
	request();
	with(F_PolicyName, name);
	with(F_PolicyDocument, ALL);
	expect(ACTION_CreatePolicy);
}

START_TEST(an_access_key_is_not_given_to_a_user_who_is_being_deleted)
{
	make_user("alice");
	with_theirs(F_UserName, "alice");
	others_do(ACTION_DeleteUser);
	request();
	with(F_UserName, "alice");
	expect_error(ACTION_CreateAccessKey, E_UserNotExist);
}
END_TEST

START_TEST(a_policy_is_either_attached_or_deleted)
{
	make_user("alice");
	make_policy("p");
	with_theirs(F_PolicyName, "p");
	others_do(ACTION_DeletePolicy);
	request();
	with(F_UserName, "alice");
	with(F_PolicyName, "p");
	expect_error(ACTION_AttachPolicyToUser, E_PolicyNotExist);
	make_policy("p");
	with_theirs(F_UserName, "alice");
	others_do(ACTION_AttachPolicyToUser);
	request();
	with(F_PolicyName, "p");
	expect_error(ACTION_DeletePolicy, E_PolicyAttached);
}
END_TEST

START_TEST(an_alias_without_its_key_can_be_deleted)
{
	char *key = new_key(NULL, NULL);

	about(key);
	with(F_AliasName, "alias/a");
	expect(ACTION_CreateAlias);
	edit("DELETE FROM entity WHERE kind = 1");
	request();
	with(F_AliasName, "alias/a");
	expect(ACTION_DeleteAlias);
	expect_error(ACTION_DeleteAlias, E_AliasNotFound);
	free(key);
}
END_TEST

/* A policy might deny; without it nobody knows. */
START_TEST(a_user_whose_policy_is_lost_may_nothing)
{
	char *key = new_key(NULL, NULL);

	make_user("alice");
	make_policy("p");
	request();
	with(F_UserName, "alice");
	with(F_PolicyName, "p");
	expect(ACTION_AttachPolicyToUser);
	with(F_PolicyName, "AliyunKMSFullAccess");
	expect(ACTION_AttachPolicyToUser);
	as_user(NULL, "alice");
	about(key);
	expect(ACTION_DescribeKey);
	edit("DELETE FROM entity WHERE kind = 7");
	expect_error(ACTION_DescribeKey, E_InternalFailure);
	free(key);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { a_damaged_version_is_not_in_the_way_of_the_others,
		the_number_of_a_past_version_has_room_behind_the_longest_label,
		material_that_comes_again_is_newer_and_serves_who_held_the_key,
		a_look_that_was_overtaken_does_not_put_back_what_it_saw,
		a_secret_key_that_nobody_named_has_an_id_made_of_its_own,
		what_is_damaged_keeps_nobody_from_what_is_due_behind_it,
		material_expires_for_who_uses_keys_and_never_acts,
		a_key_that_is_due_has_rotated_when_it_is_looked_for,
		what_is_due_waits_no_longer_than_the_caller_does,
		a_dry_run_does_not_blame_the_caller_for_what_is_not_his,
		an_alias_without_its_key_can_be_deleted, a_user_whose_policy_is_lost_may_nothing };
	const TTest *const races[] = { an_alias_is_not_given_to_a_key_that_is_being_deleted,
		an_access_key_is_not_given_to_a_user_who_is_being_deleted,
		a_policy_is_either_attached_or_deleted };
	Suite *s = suite_create("actions in trouble");
	TCase *t = tcase_create("trouble");
	TCase *r = tcase_create("races");

	tcase_add_checked_fixture(t, setup_kms, teardown_kms);
	for (size_t i = 0; i < ARRAY_LEN(tests); i++)
		tcase_add_test(t, tests[i]);
	suite_add_tcase(s, t);
	tcase_add_checked_fixture(r, setup_kms, teardown_race);
	tcase_add_loop_test(r, of_two_who_make_the_same_the_second_is_told_by_its_name, 0, 4);
	for (size_t i = 0; i < ARRAY_LEN(races); i++)
		tcase_add_test(r, races[i]);
	suite_add_tcase(s, r);
	return unit_main(s);
}
