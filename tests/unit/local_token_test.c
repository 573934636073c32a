/* SPDX-License-Identifier: Apache-2.0 */
/* The local backend: the token, its PINs and its logins. */
#define _GNU_SOURCE 1
#include "kms/local.h"

#include "tests/unit/local_fixture.h"

START_TEST(token_that_is_not_initialised_refuses_and_stays_nothing)
{
	struct backend *b = open_local();
	struct token_status st = status_of(b);
	auto_object o = object_of(OBJECT_DATA, 0, "x");
	struct slice none = NO_BYTES;
	struct stat at;

	ck_assert(!st.initialized);
	CHECK_RC(login(b, ROLE_USER, PIN), KMS_NOT_INITIALIZED);
	CHECK_RC(backend_create(b, NULL, &o, &none, 1), KMS_NOT_INITIALIZED);
	ck_assert_uint_eq(count_label(b, "x"), 0);
	ck_assert_int_ne(stat(path, &at), 0);
	backend_close(b);
}
END_TEST

START_TEST(token_tells_its_label_and_serial_and_which_pins_are_set)
{
	struct backend *b = open_local();
	struct token_status st, again;

	CHECK_RC(backend_init_token(b, NULL, BYTES("label"), SO_PIN), KMS_OK);
	st = status_of(b);
	ck_assert(st.initialized);
	ck_assert(!st.user_pin_set);
	ck_assert_str_eq(st.label, "label");
	ck_assert_uint_eq(strlen(st.serial), 16);
	CHECK_RC(login(b, ROLE_USER, PIN), KMS_PIN_NOT_SET);
	CHECK_RC(backend_init_pin(b, NULL, PIN), KMS_LOGIN_NEEDED);
	CHECK_RC(login(b, ROLE_SO, SO_PIN), KMS_OK);
	CHECK_RC(backend_init_pin(b, NULL, PIN), KMS_OK);
	ck_assert(status_of(b).user_pin_set);
	backend_close(b);
	b = open_local();
	again = status_of(b);
	ck_assert_str_eq(again.serial, st.serial);
	backend_close(b);
}
END_TEST

START_TEST(status_comes_from_memory_while_nothing_has_changed)
{
	struct backend *b;
	char *away = os_path_join(dir, "away");

	conf.cache_ms = 60000;
	b = new_token();
	(void)status_of(b);
	ck_assert_int_eq(rename(path, away), 0);
	ck_assert_str_eq(status_of(b).label, "label");
	free(away);
	backend_close(b);
}
END_TEST

START_TEST(pins_have_4_to_255_bytes)
{
	struct backend *b = open_local();
	uint8_t pin[256];

	memset(pin, 'p', sizeof(pin));
	CHECK_RC(backend_init_token(b, NULL, NO_BYTES, slice_of(pin, 3)), KMS_PIN_LEN);
	CHECK_RC(backend_init_token(b, NULL, NO_BYTES, slice_of(pin, 256)), KMS_PIN_LEN);
	CHECK_RC(backend_init_token(b, NULL, NO_BYTES, slice_of(pin, 255)), KMS_OK);
	CHECK_RC(login(b, ROLE_SO, slice_of(pin, 255)), KMS_OK);
	CHECK_RC(backend_init_pin(b, NULL, slice_of(pin, 3)), KMS_PIN_LEN);
	CHECK_RC(backend_init_pin(b, NULL, slice_of(pin, 4)), KMS_OK);
	CHECK_RC(backend_set_pin(b, NULL, ROLE_USER, slice_of(pin, 4), slice_of(pin, 256)),
	    KMS_PIN_LEN);
	backend_close(b);
}
END_TEST

START_TEST(pins_are_bytes_and_belong_to_their_role)
{
	struct backend *b = new_token();

	CHECK_RC(backend_set_pin(b, NULL, ROLE_USER, PIN, BYTES("a\0bc")), KMS_OK);
	CHECK_RC(login(b, ROLE_USER, BYTES("a\0bd")), KMS_PIN_INCORRECT);
	CHECK_RC(login(b, ROLE_USER, PIN), KMS_PIN_INCORRECT);
	CHECK_RC(login(b, ROLE_USER, SO_PIN), KMS_PIN_INCORRECT);
	CHECK_RC(login(b, ROLE_USER, BYTES("a\0bc")), KMS_OK);
	CHECK_RC(backend_set_pin(b, NULL, ROLE_SO, SO_PIN, BYTES("so pin")), KMS_OK);
	CHECK_RC(login(b, ROLE_SO, SO_PIN), KMS_PIN_INCORRECT);
	CHECK_RC(login(b, ROLE_SO, BYTES("so pin")), KMS_OK);
	CHECK_RC(backend_login(b, NULL, ROLE_USER, BYTES("name"), PIN), KMS_NOTSUP);
	backend_close(b);
}
END_TEST

START_TEST(what_was_sealed_under_one_pin_opens_under_the_next)
{
	struct backend *b = new_token_with_user();
	auto_object o = new_data(b, FLAG_PRIVATE, "d", "value");

	CHECK_RC(backend_set_pin(b, NULL, ROLE_USER, PIN, BYTES("another")), KMS_OK);
	check_value(b, &o.id, "value");
	backend_logout(b);
	CHECK_RC(login(b, ROLE_SO, SO_PIN), KMS_OK);
	CHECK_RC(backend_init_pin(b, NULL, BYTES("third")), KMS_OK);
	backend_close(b);
	b = open_local();
	CHECK_RC(login(b, ROLE_USER, BYTES("third")), KMS_OK);
	check_value(b, &o.id, "value");
	backend_close(b);
}
END_TEST

START_TEST(reauthentication_asks_the_users_pin_and_changes_nothing)
{
	struct backend *b = new_token();

	CHECK_RC(backend_reauthenticate(b, NULL, PIN), KMS_LOGIN_NEEDED);
	CHECK_RC(login(b, ROLE_USER, PIN), KMS_OK);
	CHECK_RC(backend_reauthenticate(b, NULL, SO_PIN), KMS_PIN_INCORRECT);
	ck_assert(status_of(b).user_count_low);
	CHECK_RC(backend_reauthenticate(b, NULL, PIN), KMS_OK);
	ck_assert(!status_of(b).user_count_low);
	backend_close(b);
}
END_TEST

START_TEST(making_a_token_anew_needs_its_so_pin_and_empties_it)
{
	struct backend *b = new_token_with_user();
	auto_object o = new_data(b, 0, "d", "value");
	struct token_status was = status_of(b);

	CHECK_RC(backend_init_token(b, NULL, BYTES("new"), BYTES("wrong")), KMS_PIN_INCORRECT);
	ck_assert_uint_eq(count_label(b, "d"), 1);
	CHECK_RC(backend_init_token(b, NULL, BYTES("new"), SO_PIN), KMS_OK);
	ck_assert_uint_eq(count_label(b, "d"), 0);
	ck_assert_str_eq(status_of(b).label, "new");
	ck_assert_str_ne(status_of(b).serial, was.serial);
	CHECK_RC(login(b, ROLE_USER, PIN), KMS_PIN_NOT_SET);
	backend_close(b);
}
END_TEST

START_TEST(token_made_anew_elsewhere_logs_out_and_takes_nothing_sealed_for_the_old)
{
	struct backend *b = new_token_with_user(), *other = open_local();
	auto_object o = new_aes(b, FLAG_PRIVATE | FLAG_ENCRYPT, "k");
	struct backend_key *k = open_key(b, &o.id);
	auto_object late = object_of(OBJECT_DATA, FLAG_PRIVATE, "late");
	struct slice value = BYTES("v");

	CHECK_RC(backend_init_token(other, NULL, BYTES("new"), SO_PIN), KMS_OK);
	CHECK_RC(backend_create(b, NULL, &late, &value, 1), KMS_LOGIN_NEEDED);
	ck_assert_int_ne(try_use(b, k, USE_ENCRYPT), KMS_OK);
	CHECK_RC(try_get(b, &o.id), KMS_NOTFOUND);
	backend_key_close(b, k);
	backend_close(b);
	backend_close(other);
}
END_TEST

static void
check_user_pin(struct slice pin)
{
	struct backend *b = open_local();

	CHECK_RC(login(b, ROLE_USER, pin), KMS_OK);
	backend_close(b);
}

/* Whatever stops the second half undoes the first, and the same may be asked for again. */
START_TEST(token_and_user_pin_are_made_at_once_or_not_at_all)
{
	struct backend *b = open_local();

	CHECK_RC(local_make_token(b, NULL, BYTES("first"), SO_PIN, BYTES("123")), KMS_PIN_LEN);
	ck_assert(!status_of(b).initialized);
	CHECK_RC(local_make_token(b, NULL, BYTES("first"), SO_PIN, PIN), KMS_OK);
	ck_assert_int_eq(backend_role(b), ROLE_NONE);
	check_user_pin(PIN);
	edit("ALTER TABLE pin RENAME TO kept;"
	     "CREATE TABLE pin (role INTEGER PRIMARY KEY CHECK (role <> 1), log2n, r, p, salt,"
	     " sealed, failures, max_failures);"
	     "INSERT INTO pin SELECT * FROM kept WHERE role <> 1");
	ck_assert_int_ne(local_make_token(b, NULL, BYTES("second"), SO_PIN, BYTES("5678")), KMS_OK);
	edit("DROP TABLE pin; ALTER TABLE kept RENAME TO pin");
	ck_assert_str_eq(status_of(b).label, "first");
	check_user_pin(PIN);
	CHECK_RC(local_make_token(b, NULL, BYTES("second"), SO_PIN, BYTES("5678")), KMS_OK);
	ck_assert_str_eq(status_of(b).label, "second");
	check_user_pin(BYTES("5678"));
	backend_close(b);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { token_that_is_not_initialised_refuses_and_stays_nothing,
		token_tells_its_label_and_serial_and_which_pins_are_set,
		status_comes_from_memory_while_nothing_has_changed, pins_have_4_to_255_bytes,
		pins_are_bytes_and_belong_to_their_role,
		what_was_sealed_under_one_pin_opens_under_the_next,
		reauthentication_asks_the_users_pin_and_changes_nothing,
		token_and_user_pin_are_made_at_once_or_not_at_all,
		making_a_token_anew_needs_its_so_pin_and_empties_it,
		token_made_anew_elsewhere_logs_out_and_takes_nothing_sealed_for_the_old };
	Suite *s = suite_create("local-token");
	TCase *t = tcase_create("local-token");

	tcase_add_checked_fixture(t, setup, teardown);
	for (size_t i = 0; i < ARRAY_LEN(tests); i++)
		tcase_add_test(t, tests[i]);
	suite_add_tcase(s, t);
	return unit_main(s);
}
