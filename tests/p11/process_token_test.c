/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What processes that share a token do to it as a whole: PINs, the count of wrong ones, making it
 * anew; and what they say when the store is taken away or another one lies in its place.
 */
#define _GNU_SOURCE 1
#include "tests/p11/process.h"

#include <sys/stat.h>
#include <unistd.h>

static void
setup(void)
{
	setup_processes("cache-ms = 50");
}

static CK_FLAGS
token_flags(void)
{
	CK_TOKEN_INFO info;

	CHECK_OK(p11->C_GetTokenInfo(p11_slot, &info));
	return info.flags;
}

static bool
flagged(CK_FLAGS flags)
{
	return (token_flags() & flags) == flags;
}

static CK_STATE
state(void)
{
	CK_SESSION_INFO info;

	CHECK_OK(p11->C_GetSessionInfo(hs, &info));
	return info.state;
}

static CK_RV
log_in(const char *pin)
{
	return p11_try_login(hs, CKU_USER, pin);
}

static void
log_out(uintptr_t arg)
{
	(void)arg;
	CHECK_OK(p11->C_Logout(hs));
}

/* -- PINs ---------------------------------------------------------------------------------- */

static void
change_pin(uintptr_t new_pin)
{
	const char *pin = TEXT(new_pin);

	CHECK_OK(p11->C_SetPIN(hs, BYTES(USER_PIN), (CK_UTF8CHAR *)new_pin, strlen(pin)));
}

START_TEST(a_pin_changed_by_one_is_changed_for_all)
{
	put_aes(ARG("aes"));
	peer_do(&other, change_pin, ARG("new-pin-1"));
	/* Who is in stays in. */
	CHECK_OK(use_aes(hs, named("aes")));
	put(ARG("data"));
	log_out(0);
	CHECK_RV(log_in(USER_PIN), CKR_PIN_INCORRECT);
	CHECK_OK(log_in("new-pin-1"));
	CHECK_OK(use_aes(hs, named("aes")));
	ck_assert_uint_eq(find_label(hs, "data"), 1);
}
END_TEST

static void
try_wrong_pin(uintptr_t times)
{
	for (uintptr_t i = 0; i < times; i++)
		CHECK_RV(log_in("wrong-pin"), CKR_PIN_INCORRECT);
}

static void
log_in_well(uintptr_t pin)
{
	CHECK_OK(log_in(TEXT(pin)));
}

static void
be_locked_out(uintptr_t arg)
{
	(void)arg;
	CHECK_RV(log_in(USER_PIN), CKR_PIN_LOCKED);
	SOON(flagged(CKF_USER_PIN_LOCKED), true);
}

START_TEST(wrong_pins_are_counted_for_all_together)
{
	put_aes(ARG("aes"));
	peer_do(&other, log_out, 0);
	peer_do(&other, try_wrong_pin, TRIES - 1);
	SOON(flagged(CKF_USER_PIN_COUNT_LOW | CKF_USER_PIN_FINAL_TRY), true);
	log_out(0);
	try_wrong_pin(1);
	be_locked_out(0);
	peer_do(&other, be_locked_out, 0);
}
END_TEST

START_TEST(a_right_pin_forgives_the_wrong_ones_of_all)
{
	log_out(0);
	peer_do(&other, log_out, 0);
	for (int i = 0; i < 3; i++) {
		peer_do(&other, try_wrong_pin, TRIES - 1);
		log_in_well(ARG(USER_PIN));
		log_out(0);
	}
	SOON(flagged(CKF_USER_PIN_COUNT_LOW), false);
}
END_TEST

/* Of many that try at the same time nobody is told that a wrong PIN is right, and it ends locked.
 */
static void
try_until_locked(uintptr_t arg)
{
	CK_RV rv;

	(void)arg;
	while ((rv = log_in("wrong-pin")) == CKR_PIN_INCORRECT)
		;
	ck_assert_msg(rv == CKR_PIN_LOCKED, "%s", p11_name(rv));
}

START_TEST(wrong_pins_at_once_lock_as_well)
{
	log_out(0);
	peer_do(&other, log_out, 0);
	peer_begin(&other, try_until_locked, 0);
	try_until_locked(0);
	peer_wait(&other);
	be_locked_out(0);
}
END_TEST

static void
set_user_pin_as_so(uintptr_t pin)
{
	const char *text = TEXT(pin);

	log_out(0);
	CHECK_OK(p11_try_login(hs, CKU_SO, SO_PIN));
	CHECK_OK(p11->C_InitPIN(hs, (CK_UTF8CHAR *)pin, strlen(text)));
}

START_TEST(the_so_of_one_process_unlocks_the_user_of_another)
{
	put_aes(ARG("aes"));
	log_out(0);
	try_wrong_pin(TRIES);
	be_locked_out(0);
	peer_do(&other, set_user_pin_as_so, ARG("new-pin-2"));
	CHECK_OK(log_in("new-pin-2"));
	CHECK_OK(use_aes(hs, named("aes")));
}
END_TEST

/* -- the token made anew ------------------------------------------------------------------- */

static CK_UTF8CHAR anew[33] = "anew                            ";

/* Sessions forbid it in the process that has them; those of others cannot be known. */
static void
make_anew(uintptr_t arg)
{
	(void)arg;
	CHECK_RV(p11->C_InitToken(p11_slot, BYTES(SO_PIN), anew), CKR_SESSION_EXISTS);
	CHECK_OK(p11->C_CloseAllSessions(p11_slot));
	CHECK_OK(p11->C_InitToken(p11_slot, BYTES(SO_PIN), anew));
	hs = p11_open(true);
	CHECK_OK(p11_try_login(hs, CKU_SO, SO_PIN));
	CHECK_OK(p11->C_InitPIN(hs, BYTES("anew-pin")));
	CHECK_OK(p11->C_Logout(hs));
	CHECK_OK(log_in("anew-pin"));
	put_aes(ARG("new"));
}

static void
put_in_session(const char *label)
{
	struct tmpl t = { .n = 0 };
	CK_OBJECT_HANDLE o;

	t_ulong(&t, CKA_CLASS, CKO_DATA);
	t_bool(&t, CKA_PRIVATE, true);
	t_text(&t, CKA_LABEL, label);
	CHECK_OK(create(hs, &t, &o));
}

START_TEST(a_token_that_another_makes_anew_is_another_token)
{
	CK_TOKEN_INFO before, after;
	CK_OBJECT_HANDLE aes, priv;
	struct tmpl t = { .n = 0 };

	put_aes(ARG("old"));
	put_pair(ARG("pair"));
	put_in_session("session");
	aes = named("old");
	priv = private_half("pair");
	CHECK_OK(use_aes(hs, aes));
	CHECK_OK(p11->C_GetTokenInfo(p11_slot, &before));
	peer_do(&other, make_anew, 0);
	/* Nothing of the old one is found, nothing of the new one shown to who is not logged in
	 * there. */
	ck_assert_uint_eq(find_label(hs, "old"), 0);
	ck_assert_uint_eq(find_label(hs, "pair"), 0);
	SOON(use_aes(hs, aes), CKR_KEY_HANDLE_INVALID);
	SOON(use_ec(hs, priv), CKR_KEY_HANDLE_INVALID);
	CHECK_OK(p11->C_GetTokenInfo(p11_slot, &after));
	ck_assert_mem_ne(before.serialNumber, after.serialNumber, sizeof(after.serialNumber));
	ck_assert_mem_eq(after.label, anew, 32);
	/* The login was one to the old token. */
	t_ulong(&t, CKA_CLASS, CKO_DATA);
	t_bool(&t, CKA_TOKEN, true);
	t_bool(&t, CKA_PRIVATE, true);
	CHECK_RV(create(hs, &t, &aes), CKR_USER_NOT_LOGGED_IN);
	ck_assert_uint_eq(state(), CKS_RW_PUBLIC_SESSION);
	CHECK_RV(p11->C_Logout(hs), CKR_USER_NOT_LOGGED_IN);
	CHECK_RV(log_in(USER_PIN), CKR_PIN_INCORRECT);
	CHECK_OK(log_in("anew-pin"));
	CHECK_OK(use_aes(hs, named("new")));
	/* What that login had made for itself has gone with it. */
	ck_assert_uint_eq(find_label(hs, "session"), 0);
}
END_TEST

static void
init_blank(uintptr_t label)
{
	CHECK_IN(p11->C_InitToken(p11_slot, BYTES(SO_PIN), (CK_UTF8CHAR *)label), CKR_OK,
	    CKR_FUNCTION_FAILED);
}

static void
init_only(uintptr_t arg)
{
	(void)arg;
	CHECK_OK(p11_init());
}

START_TEST(processes_that_make_a_token_at_once_make_one)
{
	static CK_UTF8CHAR a[33] = "one                             ",
			   b[33] = "other                           ";
	CK_TOKEN_INFO info;

	for (int i = 0; i < 12; i++) {
		p11_setup_blank();
		CHECK_OK(p11->C_Finalize(NULL));
		peer_start(&other);
		CHECK_OK(p11_init());
		peer_do(&other, init_only, 0);
		peer_begin(&other, init_blank, (uintptr_t)b);
		init_blank((uintptr_t)a);
		peer_wait(&other);
		hs = p11_open(true);
		CHECK_OK(p11_try_login(hs, CKU_SO, SO_PIN));
		CHECK_OK(p11->C_GetTokenInfo(p11_slot, &info));
		ck_assert(memcmp(info.label, a, 32) == 0 || memcmp(info.label, b, 32) == 0);
		peer_end(&other);
		p11_teardown();
	}
}
END_TEST

/* -- the store taken away ------------------------------------------------------------------ */

static const char *const companions[] = { "", "-wal", "-shm" };

static void
store_path(char *path, size_t cap, const char *dir, const char *suffix)
{
	ck_assert_int_lt(snprintf(path, cap, "%s/token.db%s", dir, suffix), (int)cap);
}

static void
remove_store(void)
{
	char path[400];

	for (size_t i = 0; i < N(companions); i++) {
		store_path(path, sizeof(path), p11_dir, companions[i]);
		ck_assert(unlink(path) == 0 || i > 0);
	}
}

/* As a backup that is put back, or a store that is moved, must be: with its companions. */
static void
move_store(const char *from, const char *to)
{
	char a[400], b[400];

	for (size_t i = 0; i < N(companions); i++) {
		store_path(a, sizeof(a), from, companions[i]);
		store_path(b, sizeof(b), to, companions[i]);
		ck_assert(rename(a, b) == 0 || i > 0);
	}
}

START_TEST(a_store_that_is_removed_is_a_token_that_nobody_has_initialised)
{
	CK_OBJECT_HANDLE aes;
	struct tmpl t = { .n = 0 };

	put_aes(ARG("aes"));
	aes = named("aes");
	CHECK_OK(use_aes(hs, aes));
	remove_store();
	SOON(use_aes(hs, aes), CKR_TOKEN_NOT_RECOGNIZED);
	SOON(flagged(CKF_TOKEN_INITIALIZED), false);
	ck_assert_uint_eq(find_label(hs, "aes"), 0);
	t_ulong(&t, CKA_CLASS, CKO_DATA);
	t_bool(&t, CKA_TOKEN, true);
	t_bool(&t, CKA_PRIVATE, false);
	CHECK_RV(create(hs, &t, &aes), CKR_TOKEN_NOT_RECOGNIZED);
	CHECK_RV(log_in(USER_PIN), CKR_TOKEN_NOT_RECOGNIZED);
	/* And can be one again. */
	CHECK_OK(p11->C_CloseAllSessions(p11_slot));
	CHECK_OK(p11->C_InitToken(p11_slot, BYTES(SO_PIN), anew));
	ck_assert(flagged(CKF_TOKEN_INITIALIZED));
}
END_TEST

START_TEST(a_store_that_is_moved_away_and_back_is_the_same_again)
{
	char away[300];

	put_aes(ARG("aes"));
	snprintf(away, sizeof(away), "%s/away", p11_dir);
	ck_assert_int_eq(mkdir(away, 0700), 0);
	move_store(p11_dir, away);
	SOON(flagged(CKF_TOKEN_INITIALIZED), false);
	move_store(away, p11_dir);
	SOON(flagged(CKF_TOKEN_INITIALIZED), true);
	if (state() == CKS_RW_PUBLIC_SESSION)
		CHECK_OK(log_in(USER_PIN));
	CHECK_OK(use_aes(hs, named("aes")));
	put(ARG("data"));
	ck_assert_uint_eq(find_label(hs, "data"), 1);
}
END_TEST

static void
write_store(const char *text)
{
	char path[400];
	FILE *f;

	store_path(path, sizeof(path), p11_dir, "");
	ck_assert_ptr_nonnull(f = fopen(path, "w"));
	ck_assert_int_ge(fputs(text, f), 0);
	ck_assert_int_eq(fclose(f), 0);
	ck_assert_int_eq(chmod(path, 0600), 0);
}

/* A person must be told what the number cannot say. */
static void
log_says(const char *what)
{
	char path[300], line[1024];
	bool said = false;
	FILE *f;

	snprintf(path, sizeof(path), "%s/log", p11_dir);
	ck_assert_ptr_nonnull(f = fopen(path, "r"));
	while (fgets(line, sizeof(line), f) != NULL)
		said = said || strstr(line, what) != NULL;
	fclose(f);
	ck_assert_msg(said, "the log does not say \"%s\"", what);
}

static void
log_to_file(void)
{
	char path[300];

	snprintf(path, sizeof(path), "%s/log", p11_dir);
	setenv("KMS_PKCS11_LOG_FILE", path, 1);
	CHECK_OK(p11->C_Finalize(NULL));
	begin(0);
}

START_TEST(a_store_that_is_no_store_any_more_is_an_error_that_says_so)
{
	CK_OBJECT_HANDLE aes;
	CK_TOKEN_INFO info;

	log_to_file();
	put_aes(ARG("aes"));
	aes = named("aes");
	CHECK_OK(use_aes(hs, aes));
	remove_store();
	write_store("this is no token");
	SOON(use_aes(hs, aes), CKR_DEVICE_ERROR);
	log_says("token.db is damaged or no token store");
	CHECK_RV(p11->C_GetTokenInfo(p11_slot, &info), CKR_DEVICE_ERROR);
	CHECK_RV(p11->C_FindObjectsInit(hs, NULL, 0), CKR_DEVICE_ERROR);
	remove_store();
	SOON(flagged(CKF_TOKEN_INITIALIZED), false);
}
END_TEST

/* In a folder of its own, with PINs of its own. */
static void
make_second(uintptr_t arg)
{
	char dir[300];

	(void)arg;
	CHECK_OK(p11->C_Finalize(NULL));
	snprintf(dir, sizeof(dir), "%s/second", p11_dir);
	p11_use_dir(dir);
	CHECK_OK(p11_init());
	CHECK_OK(p11->C_InitToken(p11_slot, BYTES(SO_PIN), anew));
	hs = p11_open(true);
	CHECK_OK(p11_try_login(hs, CKU_SO, SO_PIN));
	CHECK_OK(p11->C_InitPIN(hs, BYTES("second-pin")));
	CHECK_OK(p11->C_Logout(hs));
	CHECK_OK(log_in("second-pin"));
	put_aes(ARG("second"));
	CHECK_OK(p11->C_Finalize(NULL));
}

START_TEST(another_token_in_the_place_of_the_store_needs_a_login_of_its_own)
{
	char second[300], away[300];
	CK_OBJECT_HANDLE aes;

	snprintf(second, sizeof(second), "%s/second", p11_dir);
	snprintf(away, sizeof(away), "%s/away", p11_dir);
	ck_assert_int_eq(mkdir(second, 0700) | mkdir(away, 0700), 0);
	peer_do(&other, make_second, 0);
	put_aes(ARG("aes"));
	aes = named("aes");
	CHECK_OK(use_aes(hs, aes));

	move_store(p11_dir, away);
	move_store(second, p11_dir);
	SOON(use_aes(hs, aes), CKR_KEY_HANDLE_INVALID);
	ck_assert_uint_eq(find_label(hs, "aes"), 0);
	ck_assert_uint_eq(find_label(hs, "second"), 0);
	ck_assert_uint_eq(state(), CKS_RW_PUBLIC_SESSION);
	CHECK_RV(log_in(USER_PIN), CKR_PIN_INCORRECT);
	CHECK_OK(log_in("second-pin"));
	CHECK_OK(use_aes(hs, named("second")));

	move_store(p11_dir, second);
	move_store(away, p11_dir);
	SOON(find_label(hs, "second"), 0);
	SOON(log_in(USER_PIN), CKR_OK);
	CHECK_OK(use_aes(hs, named("aes")));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("p11 processes, token");
	TCase *t = tcase_create("token"), *blank = tcase_create("blank");

	tcase_add_checked_fixture(t, setup, teardown_processes);
	tcase_add_test(t, a_pin_changed_by_one_is_changed_for_all);
	tcase_add_test(t, wrong_pins_are_counted_for_all_together);
	tcase_add_test(t, a_right_pin_forgives_the_wrong_ones_of_all);
	tcase_add_test(t, wrong_pins_at_once_lock_as_well);
	tcase_add_test(t, the_so_of_one_process_unlocks_the_user_of_another);
	tcase_add_test(t, a_token_that_another_makes_anew_is_another_token);
	tcase_add_test(t, a_store_that_is_removed_is_a_token_that_nobody_has_initialised);
	tcase_add_test(t, a_store_that_is_moved_away_and_back_is_the_same_again);
	tcase_add_test(t, a_store_that_is_no_store_any_more_is_an_error_that_says_so);
	tcase_add_test(t, another_token_in_the_place_of_the_store_needs_a_login_of_its_own);
	suite_add_tcase(s, t);

	tcase_add_test(blank, processes_that_make_a_token_at_once_make_one);
	suite_add_tcase(s, blank);
	return p11_main(s);
}
