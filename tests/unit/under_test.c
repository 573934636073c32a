/* SPDX-License-Identifier: Apache-2.0 */
/* Objects under a token's master key: they work while the KMS lets that key be used, whichever
 * process says so. */
#define _GNU_SOURCE 1
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/local_fixture.h"

#define MASTER "alias/tde"

/* -- the KMS's side -- */

static void
act(struct backend *b, enum action a, const char *key, enum field more, const char *value)
{
	struct call c = { 0 };
	auto_fields req = { 0 };
	auto_fields res = { 0 };
	enum kms_rc rc;

	CHECK_RC(fields_put_text(&req, F_KeyId, key), KMS_OK);
	if (more == F_PendingWindowInDays)
		CHECK_RC(fields_put_number(&req, more, 7), KMS_OK);
	else if (value != NULL)
		CHECK_RC(fields_put_text(&req, more, value), KMS_OK);
	rc = backend_act(b, &c, a, &req, &res);
	ck_assert_msg(rc == KMS_OK, "%s: %s", action_row(a)->name, c.err.text);
}

/* A master key with the alias NAME; its id. */
static void
new_master(struct backend *b, const char *name, const char *spec, char id[37])
{
	struct call c = { 0 };
	auto_fields req = { 0 };
	auto_fields res = { 0 };
	struct slice s;

	CHECK_RC(fields_put_text(&req, F_KeySpec, spec), KMS_OK);
	CHECK_RC(backend_act(b, &c, ACTION_CreateKey, &req, &res), KMS_OK);
	s = fields_get(&fields_value(&res, F_KeyMetadata)->u.groups.v[0], F_KeyId);
	ck_assert_uint_eq(s.len, 36);
	memcpy(id, s.p, 36);
	id[36] = '\0';
	act(b, ACTION_CreateAlias, id, F_AliasName, name);
}

static char master[37];

/* A token whose objects are under a master key. */
static struct backend *
new_controlled_token(void)
{
	struct backend *b;

	conf.master_key = (char *)(uintptr_t)MASTER;
	b = new_token_with_user();
	new_master(b, MASTER, "Aliyun_AES_256", master);
	return b;
}

static struct object
new_key(struct backend *b)
{
	return new_aes(b, FLAG_PRIVATE | FLAG_ENCRYPT | FLAG_DECRYPT | FLAG_EXTRACTABLE, "data");
}

static bool
is_enveloped(struct backend *b, const struct uid *id)
{
	auto_object o = { 0 };

	CHECK_RC(backend_get(b, NULL, id, &o), KMS_OK);
	return (o.flags & FLAG_ENVELOPED) != 0;
}

static void
id_text(const struct uid *id, char ret[37])
{
	size_t n = 0;

	for (size_t i = 0; i < UID_LEN; i++)
		n += (size_t)snprintf(ret + n, 37 - n, "%s%02x",
		    i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", id->b[i]);
}

/* Encrypt, by the KMS, with the key ID. */
static enum kms_rc
try_encrypt(struct backend *b, const char *id)
{
	struct call c = { 0 };
	auto_fields req = { 0 };
	auto_fields res = { 0 };

	CHECK_RC(fields_put_text(&req, F_KeyId, id), KMS_OK);
	CHECK_RC(fields_put(&req, F_Plaintext, BYTES("plain")), KMS_OK);
	return backend_act(b, &c, ACTION_Encrypt, &req, &res);
}

/* -- tests -- */

START_TEST(what_is_made_works_while_the_master_key_is_enabled)
{
	struct backend *b = new_controlled_token();
	auto_object o = new_key(b);
	struct backend_key *k = open_key(b, &o.id);

	ck_assert(is_enveloped(b, &o.id));
	check_value(b, &o.id, "0123456789abcdef");
	CHECK_RC(try_use(b, k, USE_ENCRYPT), KMS_OK);
	act(b, ACTION_DisableKey, master, F_COUNT, NULL);
	CHECK_RC(try_use(b, k, USE_ENCRYPT), KMS_KEY_STATE);
	CHECK_RC(try_export(b, &o.id), KMS_KEY_STATE);
	act(b, ACTION_EnableKey, master, F_COUNT, NULL);
	CHECK_RC(try_use(b, k, USE_ENCRYPT), KMS_OK);
	act(b, ACTION_ScheduleKeyDeletion, master, F_PendingWindowInDays, NULL);
	CHECK_RC(try_use(b, k, USE_ENCRYPT), KMS_KEY_STATE);
	act(b, ACTION_CancelKeyDeletion, master, F_COUNT, NULL);
	CHECK_RC(try_use(b, k, USE_ENCRYPT), KMS_OK);
	backend_key_close(b, k);
	backend_close(b);
}
END_TEST

START_TEST(what_is_opened_for_the_first_time_stops_too)
{
	struct backend *b = new_controlled_token();
	auto_object o = new_key(b);

	act(b, ACTION_DisableKey, master, F_COUNT, NULL);
	CHECK_RC(try_open_key(b, &o.id), KMS_KEY_STATE);
	act(b, ACTION_EnableKey, master, F_COUNT, NULL);
	CHECK_RC(try_open_key(b, &o.id), KMS_OK);
	backend_close(b);
}
END_TEST

START_TEST(nothing_is_made_while_the_master_key_is_disabled)
{
	struct backend *b = new_controlled_token();
	auto_object o = object_of(OBJECT_DATA, FLAG_PRIVATE, "late");
	struct slice value = BYTES("value");

	act(b, ACTION_DisableKey, master, F_COUNT, NULL);
	CHECK_RC(backend_create(b, NULL, &o, &value, 1), KMS_KEY_STATE);
	ck_assert_uint_eq(count_label(b, "late"), 0);
	backend_close(b);
}
END_TEST

START_TEST(a_denial_by_the_master_keys_policy_stops_them_as_well)
{
	static const char deny[] =
	    "{\"Version\":\"1\",\"Statement\":[{\"Effect\":\"Deny\",\"Action\":[\"kms:Decrypt\"],"
	    "\"Principal\":{\"RAM\":[\"*\"]},\"Resource\":[\"*\"]}]}";
	struct backend *b = new_controlled_token();
	auto_object o = new_key(b);
	struct backend_key *k = open_key(b, &o.id);

	CHECK_RC(try_use(b, k, USE_ENCRYPT), KMS_OK);
	act(b, ACTION_SetKeyPolicy, master, F_Policy, deny);
	CHECK_RC(try_use(b, k, USE_ENCRYPT), KMS_KEY_STATE);
	CHECK_RC(try_export(b, &o.id), KMS_DENIED);
	backend_key_close(b, k);
	backend_close(b);
}
END_TEST

START_TEST(private_data_pairs_and_copies_are_under_it_and_stay_there)
{
	struct backend *b = new_controlled_token();
	auto_object data = new_data(b, FLAG_PRIVATE, "data", "value");
	auto_object priv = { 0 };
	auto_object pub = { 0 };
	auto_object copy = { 0 };
	auto_object other = { 0 };
	struct slice fresh = BYTES("fresh");

	new_pair(b, FLAG_SIGN, &priv, &pub);
	ck_assert(is_enveloped(b, &priv.id));
	ck_assert(!is_enveloped(b, &pub.id));
	/* What another process does, whose configuration names no master key, does not free it. */
	backend_close(b);
	conf.master_key = NULL;
	b = open_local();
	CHECK_RC(login(b, ROLE_USER, PIN), KMS_OK);
	CHECK_RC(object_copy(&data, &copy), KMS_OK);
	CHECK_RC(backend_copy(b, NULL, &data.id, &copy), KMS_OK);
	CHECK_RC(backend_update(b, NULL, &data, &fresh), KMS_OK);
	check_value(b, &data.id, "fresh");
	check_value(b, &copy.id, "value");
	other = new_data(b, FLAG_PRIVATE, "other", "free");
	act(b, ACTION_DisableKey, master, F_COUNT, NULL);
	CHECK_RC(try_export(b, &data.id), KMS_KEY_STATE);
	CHECK_RC(try_export(b, &copy.id), KMS_KEY_STATE);
	CHECK_RC(try_open_key(b, &priv.id), KMS_KEY_STATE);
	check_value(b, &other.id, "free");
	backend_close(b);
}
END_TEST

START_TEST(the_kmss_own_actions_stop_as_well)
{
	struct backend *b = new_controlled_token();
	auto_object o = new_key(b);
	char id[37];

	id_text(&o.key, id);
	CHECK_RC(try_encrypt(b, id), KMS_OK);
	act(b, ACTION_DisableKey, master, F_COUNT, NULL);
	CHECK_RC(try_encrypt(b, id), KMS_KEY_STATE);
	act(b, ACTION_EnableKey, master, F_COUNT, NULL);
	CHECK_RC(try_encrypt(b, id), KMS_OK);
	backend_close(b);
}
END_TEST

START_TEST(a_change_of_label_needs_no_master_key)
{
	struct backend *b = new_controlled_token();
	auto_object o = new_key(b);

	act(b, ACTION_DisableKey, master, F_COUNT, NULL);
	CHECK_RC(buf_set(&o.label, BYTES("renamed")), KMS_OK);
	CHECK_RC(backend_update(b, NULL, &o, NULL), KMS_OK);
	act(b, ACTION_EnableKey, master, F_COUNT, NULL);
	check_value(b, &o.id, "0123456789abcdef");
	backend_close(b);
}
END_TEST

START_TEST(rotation_of_either_key_changes_nothing)
{
	struct backend *b = new_controlled_token();
	auto_object o = object_of(OBJECT_SECRET_KEY,
	    FLAG_PRIVATE | FLAG_LOCAL | FLAG_ENCRYPT | FLAG_DECRYPT, "made");
	struct object_query q = { .has_label = true, .label = BYTES("made"), .private_too = true };
	auto_object_refs refs = { 0 };
	char id[37];
	struct backend_key *k;

	o.spec = (struct key_spec){ .type = KEY_AES, .bits = 256 };
	CHECK_RC(backend_generate(b, NULL, &o, NULL, NO_BYTES), KMS_OK);
	k = open_key(b, &o.id);
	act(b, ACTION_CreateKeyVersion, master, F_COUNT, NULL);
	CHECK_RC(try_use(b, k, USE_DECRYPT), KMS_OK);
	id_text(&o.key, id);
	act(b, ACTION_CreateKeyVersion, id, F_COUNT, NULL);
	CHECK_RC(backend_find(b, NULL, &q, &refs), KMS_OK);
	ck_assert_uint_eq(refs.n, 1);
	ck_assert(!uid_eq(&refs.v[0].id, &o.id));
	ck_assert(is_enveloped(b, &refs.v[0].id));
	CHECK_RC(try_use(b, k, USE_DECRYPT), KMS_OK);
	CHECK_RC(try_use(b, k, USE_ENCRYPT), KMS_DENIED);
	backend_key_close(b, k);
	k = open_key(b, &refs.v[0].id);
	CHECK_RC(try_use(b, k, USE_ENCRYPT), KMS_OK);
	act(b, ACTION_DisableKey, master, F_COUNT, NULL);
	CHECK_RC(try_use(b, k, USE_ENCRYPT), KMS_KEY_STATE);
	backend_key_close(b, k);
	backend_close(b);
}
END_TEST

START_TEST(a_master_key_that_cannot_be_one_is_told_when_it_is_needed)
{
	static const char *const bad[] = { "alias/nobody", "00000000-0000-0000-0000-000000000000",
		"alias/rsa", "alias/under" };
	struct backend *b = new_controlled_token();
	char id[37];
	auto_object under = object_of(OBJECT_SECRET_KEY, FLAG_PRIVATE | FLAG_ENCRYPT, "under");

	new_master(b, "alias/rsa", "RSA_2048", id);
	under.spec = (struct key_spec){ .type = KEY_AES, .bits = 256 };
	CHECK_RC(backend_generate(b, NULL, &under, NULL, NO_BYTES), KMS_OK);
	id_text(&under.key, id);
	act(b, ACTION_CreateAlias, id, F_AliasName, "alias/under");
	backend_close(b);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		auto_object o = object_of(OBJECT_DATA, FLAG_PRIVATE, "x");
		struct slice value = BYTES("value");
		struct call c = { 0 };

		conf.master_key = (char *)(uintptr_t)bad[i];
		b = open_local();
		CHECK_RC(login(b, ROLE_USER, PIN), KMS_OK);
		CHECK_RC(backend_create(b, &c, &o, &value, 1), KMS_CONFIG);
		ck_assert_ptr_nonnull(strstr(c.err.text, "master-key"));
		backend_close(b);
	}
}
END_TEST

START_TEST(an_envelope_opens_for_its_own_object_alone)
{
	struct backend *b = new_controlled_token();
	auto_object o = new_key(b);
	auto_object other = new_key(b);

	ck_assert(is_enveloped(b, &other.id));
	edit("UPDATE object SET flags = flags & ~4194304 WHERE flags & 4194304");
	CHECK_RC(try_export(b, &o.id), KMS_TAMPERED);
	backend_close(b);
}
END_TEST

/* -- rewrapping -- */

static struct rewrap
rewrap(struct backend *b, const char *key, enum kms_rc wanted)
{
	struct call c = { 0 };
	struct rewrap ret;
	enum kms_rc rc = local_rewrap(b, &c, slice_str(key), NULL, &ret);

	ck_assert_msg(rc == wanted, "%s: %s", rc_name(rc), c.err.text);
	return ret;
}

/* Without the version called ID nothing opens that is under it. */
static void
lose_version(const char *id)
{
	char sql[128], hex[33];
	size_t n = 0;

	for (; *id != '\0'; id++) {
		if (*id != '-')
			hex[n++] = *id;
	}
	hex[n] = '\0';
	(void)snprintf(sql, sizeof(sql), "DELETE FROM object WHERE id = x'%s'", hex);
	edit(sql);
}

START_TEST(rewrapped_objects_need_no_older_version)
{
	struct backend *b = new_controlled_token();
	auto_object o = new_key(b);
	auto_object data = new_data(b, FLAG_PRIVATE, "data", "value");
	auto_object open = new_data(b, 0, "open", "not under it");
	struct backend_key *k = open_key(b, &o.id);
	struct rewrap r = rewrap(b, "", KMS_OK);
	char old[37];

	ck_assert_str_eq(r.key, master);
	ck_assert_uint_eq(r.objects, 2);
	ck_assert_uint_eq(r.done, 0);
	memcpy(old, r.version, sizeof(old));
	act(b, ACTION_CreateKeyVersion, master, F_COUNT, NULL);
	r = rewrap(b, MASTER, KMS_OK);
	ck_assert_str_ne(r.version, old);
	ck_assert_uint_eq(r.objects, 2);
	ck_assert_uint_eq(r.done, 2);
	ck_assert_uint_eq(r.left + r.damaged, 0);
	CHECK_RC(try_use(b, k, USE_ENCRYPT), KMS_OK);
	backend_key_close(b, k);
	/* A change that began before would bring the old envelope back. */
	CHECK_RC(backend_update(b, NULL, &data, NULL), KMS_CONFLICT);
	backend_close(b);
	lose_version(old);
	b = open_local();
	CHECK_RC(login(b, ROLE_USER, PIN), KMS_OK);
	check_value(b, &o.id, "0123456789abcdef");
	check_value(b, &data.id, "value");
	r = rewrap(b, "", KMS_OK);
	ck_assert_uint_eq(r.objects, 2);
	ck_assert_uint_eq(r.done + r.left, 0);
	act(b, ACTION_DisableKey, master, F_COUNT, NULL);
	CHECK_RC(try_export(b, &data.id), KMS_KEY_STATE);
	(void)rewrap(b, "", KMS_KEY_STATE);
	backend_close(b);
}
END_TEST

START_TEST(a_disabled_master_key_rewraps_nothing)
{
	struct backend *b = new_controlled_token();
	auto_object o = new_key(b);
	uint64_t was, now;

	CHECK_RC(backend_revision(b, NULL, &o.id, &was), KMS_OK);
	act(b, ACTION_CreateKeyVersion, master, F_COUNT, NULL);
	act(b, ACTION_DisableKey, master, F_COUNT, NULL);
	ck_assert_str_eq(rewrap(b, "", KMS_KEY_STATE).key, master);
	CHECK_RC(backend_revision(b, NULL, &o.id, &now), KMS_OK);
	ck_assert_uint_eq(was, now);
	act(b, ACTION_EnableKey, master, F_COUNT, NULL);
	ck_assert_uint_eq(rewrap(b, "", KMS_OK).done, 1);
	backend_logout(b);
	(void)rewrap(b, "", KMS_LOGIN_NEEDED);
	backend_close(b);
	conf.master_key = NULL;
	b = open_local();
	CHECK_RC(login(b, ROLE_USER, PIN), KMS_OK);
	(void)rewrap(b, "", KMS_CONFIG);
	(void)rewrap(b, "alias/nobody", KMS_NOTFOUND);
	backend_close(b);
}
END_TEST

START_TEST(what_cannot_be_rewrapped_is_counted_and_keeps_nobody_back)
{
	struct backend *b = new_controlled_token();
	auto_object damaged = new_data(b, FLAG_PRIVATE, "damaged", "value");
	auto_object lost = new_data(b, FLAG_PRIVATE, "lost", "value");
	auto_object good = { 0 };
	struct rewrap r = rewrap(b, "", KMS_OK);
	char first[37];

	memcpy(first, r.version, sizeof(first));
	act(b, ACTION_CreateKeyVersion, master, F_COUNT, NULL);
	good = new_data(b, FLAG_PRIVATE, "good", "value");
	act(b, ACTION_CreateKeyVersion, master, F_COUNT, NULL);
	lose_version(first);
	edit("UPDATE object SET revision = revision + 1 WHERE label = CAST('damaged' AS BLOB)");
	r = rewrap(b, "", KMS_OK);
	ck_assert_uint_eq(r.damaged, 1);
	ck_assert_uint_eq(r.objects, 2);
	ck_assert_uint_eq(r.left, 1);
	ck_assert_uint_eq(r.done, 1);
	check_value(b, &good.id, "value");
	CHECK_RC(try_export(b, &lost.id), KMS_TAMPERED);
	CHECK_RC(try_get(b, &damaged.id), KMS_TAMPERED);
	backend_close(b);
}
END_TEST

struct meddler {
	struct backend *b;
	unsigned heard;
};

/* The key is rotated once more while its objects are on their way to the version before. */
static void
meddle(void *arg, uint64_t done, uint64_t total)
{
	struct meddler *m = arg;

	ck_assert_uint_le(done, total);
	if (m->heard++ == 0)
		act(m->b, ACTION_CreateKeyVersion, master, F_COUNT, NULL);
}

START_TEST(a_rotation_meanwhile_is_followed)
{
	struct meddler m = { .b = new_controlled_token() };
	const struct rewrap_told told = { meddle, &m };
	auto_object a = new_key(m.b);
	auto_object z = new_key(m.b);
	struct call c = { .deadline_ms = os_monotonic_ms() + 60000 };
	struct rewrap r;

	act(m.b, ACTION_CreateKeyVersion, master, F_COUNT, NULL);
	CHECK_RC(local_rewrap(m.b, &c, NO_BYTES, &told, &r), KMS_OK);
	ck_assert_uint_eq(m.heard, 3);
	ck_assert_uint_eq(r.objects, 2);
	ck_assert_uint_eq(r.done, 3);
	ck_assert_uint_eq(r.left, 0);
	ck_assert_uint_eq(rewrap(m.b, "", KMS_OK).done, 0);
	backend_close(m.b);
}
END_TEST

/* -- two processes -- */

/* The administrator: another process, which does as it is told by letters and answers each. */
static void
administrate(int from, int to)
{
	struct backend *b = NULL;
	char order;

	while (read(from, &order, 1) == 1) {
		if (b == NULL) {
			b = open_local();
			CHECK_RC(login(b, ROLE_USER, PIN), KMS_OK);
		}
		act(b, order == 'd' ? ACTION_DisableKey : ACTION_EnableKey, master, F_COUNT, NULL);
		if (write(to, &order, 1) != 1)
			break;
	}
	backend_close(b);
	_exit(0);
}

static int to_admin, from_admin;

static void
tell(char order)
{
	ck_assert_int_eq(write(to_admin, &order, 1), 1);
	ck_assert_int_eq(read(from_admin, &order, 1), 1);
}

START_TEST(what_one_process_disables_stops_in_another_within_the_caches_life_without_a_login)
{
	int there[2], back[2], status;
	struct backend *b;
	struct backend_key *k;
	pid_t pid;

	ck_assert(pipe(there) == 0 && pipe(back) == 0);
	if ((pid = fork()) == 0) {
		(void)close(there[1]);
		/* EnableKey and DisableKey take ids alone. */
		ck_assert_int_eq(read(there[0], master, sizeof(master)), sizeof(master));
		administrate(there[0], back[1]);
	}
	(void)close(there[0]);
	(void)close(back[1]);
	to_admin = there[1];
	from_admin = back[0];
	conf.cache_ms = 1000;
	os_fake_clock(1000);
	b = new_controlled_token();
	{
		auto_object o = new_key(b);

		k = open_key(b, &o.id);
	}
	ck_assert_int_eq(write(to_admin, master, sizeof(master)), sizeof(master));
	CHECK_RC(try_use(b, k, USE_ENCRYPT), KMS_OK);
	for (int i = 0; i < 3; i++) {
		tell('d');
		os_fake_clock(1002 + 4 * i);
		CHECK_RC(try_use(b, k, USE_ENCRYPT), KMS_KEY_STATE);
		tell('e');
		os_fake_clock(1004 + 4 * i);
		CHECK_RC(try_use(b, k, USE_ENCRYPT), KMS_OK);
	}
	backend_key_close(b, k);
	backend_close(b);
	(void)close(to_admin);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	(void)close(from_admin);
	os_fake_clock(-1);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
		what_is_made_works_while_the_master_key_is_enabled,
		what_is_opened_for_the_first_time_stops_too,
		nothing_is_made_while_the_master_key_is_disabled,
		a_denial_by_the_master_keys_policy_stops_them_as_well,
		private_data_pairs_and_copies_are_under_it_and_stay_there,
		the_kmss_own_actions_stop_as_well,
		a_change_of_label_needs_no_master_key,
		rotation_of_either_key_changes_nothing,
		a_master_key_that_cannot_be_one_is_told_when_it_is_needed,
		an_envelope_opens_for_its_own_object_alone,
		rewrapped_objects_need_no_older_version,
		a_disabled_master_key_rewraps_nothing,
		what_cannot_be_rewrapped_is_counted_and_keeps_nobody_back,
		a_rotation_meanwhile_is_followed,
		what_one_process_disables_stops_in_another_within_the_caches_life_without_a_login,
	};
	Suite *s = suite_create("under");
	TCase *t = tcase_create("under");

	tcase_add_checked_fixture(t, setup, teardown);
	for (size_t i = 0; i < ARRAY_LEN(tests); i++)
		tcase_add_test(t, tests[i]);
	suite_add_tcase(s, t);
	return unit_main(s);
}
