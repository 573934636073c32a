/* SPDX-License-Identifier: Apache-2.0 */
/* The token's own life: initialising it, its PINs, how wrong ones are counted and lock, what its
 * info tells. */
#include "tests/p11/p11.h"

#include <stdio.h>
#include <sys/stat.h>

static CK_FLAGS
flags(void)
{
	CK_TOKEN_INFO info;

	CHECK_OK(p11->C_GetTokenInfo(p11_slot, &info));
	return info.flags;
}

/* How many wrong PINs in a row lock; the module's own number where the configuration cannot say it.
 */
static void
wrong_logins(CK_USER_TYPE who, int n)
{
	for (int i = 0; i < n; i++)
		CHECK_IN(p11_try_login(hs, who, "wrong-pin"), CKR_PIN_INCORRECT, CKR_PIN_LOCKED);
}

/* What conformance suites pass to see it refused; a path is ours alone to take. */
START_TEST(initialize_refuses_a_reserved_argument_that_cannot_be_read)
{
	CK_C_INITIALIZE_ARGS args = { .pReserved = (void *)1 };

	CHECK_RV(p11->C_Initialize(&args), CKR_ARGUMENTS_BAD);
	args.pReserved = NULL;
	CHECK_OK(p11->C_Initialize(&args));
}
END_TEST

/* libp11 gives up on all slots when a slot with a token cannot tell its token's info. */
START_TEST(a_token_that_cannot_be_opened_is_not_there_and_the_others_are)
{
	CK_SLOT_ID all[8], present[8];
	CK_ULONG n_all = N(all), n_present = N(present);
	CK_SESSION_HANDLE s;
	CK_SLOT_INFO info;
	CK_TOKEN_INFO token;
	char broken[300];
	FILE *f = fopen(p11_conf, "w");

	ck_assert_ptr_nonnull(f);
	fprintf(f, "[token broken]\nstore = %s/broken.db\n[token test]\nstore = %s/token.db\n",
	    p11_dir, p11_dir);
	fclose(f);
	snprintf(broken, sizeof(broken), "%s/broken.db", p11_dir);
	ck_assert_ptr_nonnull(f = fopen(broken, "w"));
	fclose(f);
	ck_assert_int_eq(chmod(broken, 0666), 0); /* others can write it: refused */
	CHECK_OK(p11->C_Initialize(NULL));
	CHECK_OK(p11->C_GetSlotList(CK_FALSE, all, &n_all));
	ck_assert_uint_eq(n_all, 2);
	CHECK_OK(p11->C_GetSlotList(CK_TRUE, present, &n_present));
	ck_assert_uint_eq(n_present, 1);
	ck_assert_uint_eq(present[0], all[1]);
	CHECK_OK(p11->C_GetSlotInfo(all[0], &info));
	ck_assert_uint_eq(info.flags & CKF_TOKEN_PRESENT, 0);
	CHECK_RV(p11->C_GetTokenInfo(all[0], &token), CKR_TOKEN_NOT_PRESENT);
	CHECK_RV(p11->C_OpenSession(all[0], CKF_SERIAL_SESSION, NULL, NULL, &s),
	    CKR_TOKEN_NOT_PRESENT);
	CHECK_OK(p11->C_GetSlotInfo(all[1], &info));
	ck_assert_uint_ne(info.flags & CKF_TOKEN_PRESENT, 0);
	CHECK_OK(p11->C_GetTokenInfo(all[1], &token));
	CHECK_OK(p11->C_OpenSession(all[1], CKF_SERIAL_SESSION, NULL, NULL, &s));
}
END_TEST

START_TEST(token_info_tells_label_limits_and_state)
{
	CK_TOKEN_INFO info;

	CHECK_OK(p11->C_GetTokenInfo(p11_slot, &info));
	ck_assert_mem_eq(info.label, "test                            ", 32);
	ck_assert_uint_ne(info.flags & CKF_TOKEN_INITIALIZED, 0);
	ck_assert_uint_ne(info.flags & CKF_USER_PIN_INITIALIZED, 0);
	ck_assert_uint_ne(info.flags & CKF_LOGIN_REQUIRED, 0);
	ck_assert_uint_ne(info.flags & CKF_RNG, 0);
	ck_assert_uint_eq(info.flags & CKF_WRITE_PROTECTED, 0);
	ck_assert_uint_le(info.ulMinPinLen, 4);
	ck_assert_uint_ge(info.ulMaxPinLen, 64);
	ck_assert(info.ulMaxSessionCount == CK_EFFECTIVELY_INFINITE ||
	    info.ulMaxSessionCount == CK_UNAVAILABLE_INFORMATION || info.ulMaxSessionCount >= 500);
	for (size_t i = 0; i < sizeof(info.manufacturerID); i++)
		ck_assert_uint_ne(info.manufacturerID[i], 0);
	for (size_t i = 0; i < sizeof(info.serialNumber); i++)
		ck_assert_uint_ne(info.serialNumber[i], 0);
}
END_TEST

START_TEST(slots_are_listed_by_the_two_call_rule)
{
	CK_SLOT_ID slots[64];
	CK_SLOT_INFO info;
	CK_ULONG n = 99, with_token;

	CHECK_OK(p11->C_GetSlotList(CK_FALSE, NULL, &n));
	ck_assert_uint_ge(n, 1);
	CHECK_OK(p11->C_GetSlotList(CK_TRUE, NULL, &with_token));
	ck_assert_uint_le(with_token, n);
	n = 0;
	CHECK_RV(p11->C_GetSlotList(CK_FALSE, slots, &n), CKR_BUFFER_TOO_SMALL);
	ck_assert_uint_ge(n, 1);
	CHECK_OK(p11->C_GetSlotList(CK_FALSE, slots, &n));
	for (CK_ULONG i = 0; i < n; i++)
		CHECK_OK(p11->C_GetSlotInfo(slots[i], &info));
	CHECK_RV(p11->C_GetSlotList(CK_TRUE, NULL, NULL), CKR_ARGUMENTS_BAD);
	CHECK_RV(p11->C_GetSlotInfo(0x7fffffff, &info), CKR_SLOT_ID_INVALID);
	CHECK_RV(p11->C_GetSlotInfo(p11_slot, NULL), CKR_ARGUMENTS_BAD);
	CHECK_RV(p11->C_GetTokenInfo(p11_slot, NULL), CKR_ARGUMENTS_BAD);
	CHECK_IN(p11->C_GetTokenInfo(0x7fffffff, NULL), CKR_ARGUMENTS_BAD, CKR_SLOT_ID_INVALID);
}
END_TEST

START_TEST(mechanisms_are_listed_by_the_two_call_rule)
{
	CK_MECHANISM_TYPE list[256];
	CK_MECHANISM_INFO info;
	CK_ULONG n, few;

	CHECK_OK(p11->C_GetMechanismList(p11_slot, NULL, &n));
	ck_assert_uint_gt(n, 40);
	ck_assert_uint_le(n, N(list));
	few = n - 1;
	CHECK_RV(p11->C_GetMechanismList(p11_slot, list, &few), CKR_BUFFER_TOO_SMALL);
	ck_assert_uint_eq(few, n);
	CHECK_OK(p11->C_GetMechanismList(p11_slot, list, &n));
	for (CK_ULONG i = 0; i < n; i++)
		for (CK_ULONG j = 0; j < i; j++)
			ck_assert_uint_ne(list[i], list[j]);
	CHECK_RV(p11->C_GetMechanismInfo(p11_slot, 0x7fffff00, &info), CKR_MECHANISM_INVALID);
	CHECK_RV(p11->C_GetMechanismInfo(p11_slot, CKM_SHA256, NULL), CKR_ARGUMENTS_BAD);
	CHECK_RV(p11->C_GetMechanismInfo(0x7fffffff, CKM_SHA256, &info), CKR_SLOT_ID_INVALID);
	CHECK_RV(p11->C_GetMechanismList(p11_slot, NULL, NULL), CKR_ARGUMENTS_BAD);
}
END_TEST

START_TEST(a_blank_token_takes_no_login_until_it_is_initialised)
{
	CK_UTF8CHAR label[33] = "fresh                           ";
	CK_SESSION_HANDLE s = CK_INVALID_HANDLE;
	CK_RV rv;

	ck_assert_uint_eq(flags() & CKF_TOKEN_INITIALIZED, 0);
	rv = p11->C_OpenSession(p11_slot, CKF_SERIAL_SESSION, NULL, NULL, &s);
	if (rv == CKR_OK)
		CHECK_IN(p11_try_login(s, CKU_USER, USER_PIN), CKR_USER_PIN_NOT_INITIALIZED,
		    CKR_TOKEN_NOT_RECOGNIZED);
	else
		CHECK_RV(rv, CKR_TOKEN_NOT_RECOGNIZED);
	(void)p11->C_CloseAllSessions(p11_slot);
	CHECK_OK(p11->C_InitToken(p11_slot, BYTES(SO_PIN), label));
	ck_assert_uint_ne(flags() & CKF_TOKEN_INITIALIZED, 0);
	ck_assert_uint_eq(flags() & CKF_USER_PIN_INITIALIZED, 0);
	hs = p11_open(true);
	CHECK_RV(p11_try_login(hs, CKU_USER, USER_PIN), CKR_USER_PIN_NOT_INITIALIZED);
	p11_login(CKU_SO);
	CHECK_OK(p11->C_InitPIN(hs, BYTES(USER_PIN)));
	ck_assert_uint_ne(flags() & CKF_USER_PIN_INITIALIZED, 0);
	CHECK_OK(p11->C_Logout(hs));
	p11_login(CKU_USER);
}
END_TEST

START_TEST(init_token_rejects_bad_arguments)
{
	CK_UTF8CHAR label[33] = "fresh                           ";

	CHECK_RV(p11->C_InitToken(0x7fffffff, BYTES(SO_PIN), label), CKR_SLOT_ID_INVALID);
	CHECK_RV(p11->C_InitToken(p11_slot, NULL, 4, label), CKR_ARGUMENTS_BAD);
	CHECK_RV(p11->C_InitToken(p11_slot, BYTES(SO_PIN), NULL), CKR_ARGUMENTS_BAD);
	CHECK_IN(p11->C_InitToken(p11_slot, BYTES("123"), label), CKR_PIN_LEN_RANGE,
	    CKR_PIN_INCORRECT, CKR_PIN_INVALID);
	ck_assert_uint_eq(flags() & CKF_TOKEN_INITIALIZED, 0);
}
END_TEST

START_TEST(init_token_needs_all_sessions_closed)
{
	CK_UTF8CHAR label[33] = "again                           ";

	CHECK_RV(p11->C_InitToken(p11_slot, BYTES(SO_PIN), label), CKR_SESSION_EXISTS);
	CHECK_OK(p11->C_CloseSession(hs));
	CHECK_OK(p11->C_InitToken(p11_slot, BYTES(SO_PIN), label));
}
END_TEST

START_TEST(initialising_again_needs_the_so_pin_and_wipes_everything)
{
	CK_UTF8CHAR label[33] = "again                           ";
	CK_TOKEN_INFO before, after;
	CK_OBJECT_HANDLE pub, priv;

	CHECK_OK(p11->C_GetTokenInfo(p11_slot, &before));
	hs = p11_open(true);
	p11_login(CKU_USER);
	make_ec(hs, true, "gone", &pub, &priv);
	CHECK_OK(p11->C_CloseAllSessions(p11_slot));
	CHECK_RV(p11->C_InitToken(p11_slot, BYTES("not-the-pin"), label), CKR_PIN_INCORRECT);
	hs = p11_open(true);
	ck_assert_uint_eq(find_label(hs, "gone"), 1);
	CHECK_OK(p11->C_CloseAllSessions(p11_slot));
	CHECK_OK(p11->C_InitToken(p11_slot, BYTES(SO_PIN), label));
	CHECK_OK(p11->C_GetTokenInfo(p11_slot, &after));
	ck_assert_mem_eq(after.label, label, 32);
	ck_assert_uint_eq(after.flags & CKF_USER_PIN_INITIALIZED, 0);
	hs = p11_open(true);
	ck_assert_uint_eq(find_label(hs, "gone"), 0);
	CHECK_RV(p11_try_login(hs, CKU_USER, USER_PIN), CKR_USER_PIN_NOT_INITIALIZED);
	p11_login(CKU_SO);
}
END_TEST

START_TEST(only_the_so_sets_the_first_user_pin)
{
	CHECK_RV(p11->C_InitPIN(hs, BYTES("other-pin")), CKR_USER_NOT_LOGGED_IN);
	p11_login(CKU_USER);
	CHECK_RV(p11->C_InitPIN(hs, BYTES("other-pin")), CKR_USER_NOT_LOGGED_IN);
	CHECK_OK(p11->C_Logout(hs));
	p11_login(CKU_SO);
	CHECK_RV(p11->C_InitPIN(hs, NULL, 5), CKR_ARGUMENTS_BAD);
	CHECK_RV(p11->C_InitPIN(hs, BYTES("123")), CKR_PIN_LEN_RANGE);
	CHECK_OK(p11->C_InitPIN(hs, BYTES("other-pin")));
	CHECK_OK(p11->C_Logout(hs));
	CHECK_RV(p11_try_login(hs, CKU_USER, USER_PIN), CKR_PIN_INCORRECT);
	CHECK_OK(p11_try_login(hs, CKU_USER, "other-pin"));
}
END_TEST

START_TEST(the_user_changes_the_pin_and_keys_stay)
{
	CK_OBJECT_HANDLE pub, priv;

	p11_login(CKU_USER);
	make_ec(hs, true, "stays", &pub, &priv);
	CHECK_RV(p11->C_SetPIN(hs, BYTES("wrong-pin"), BYTES("new-pin-1")), CKR_PIN_INCORRECT);
	CHECK_RV(p11->C_SetPIN(hs, BYTES(USER_PIN), BYTES("123")), CKR_PIN_LEN_RANGE);
	CHECK_RV(p11->C_SetPIN(hs, NULL, 4, BYTES("new-pin-1")), CKR_ARGUMENTS_BAD);
	CHECK_RV(p11->C_SetPIN(hs, BYTES(USER_PIN), NULL, 6), CKR_ARGUMENTS_BAD);
	CHECK_OK(p11->C_SetPIN(hs, BYTES(USER_PIN), BYTES("new-pin-1")));
	CHECK_OK(use_ec(hs, priv));
	CHECK_OK(p11->C_Logout(hs));
	CHECK_RV(p11_try_login(hs, CKU_USER, USER_PIN), CKR_PIN_INCORRECT);
	CHECK_OK(p11_try_login(hs, CKU_USER, "new-pin-1"));
	ck_assert_uint_eq(find_label(hs, "stays"), 2);
}
END_TEST

START_TEST(set_pin_without_login_changes_the_users_pin)
{
	CHECK_OK(p11->C_SetPIN(hs, BYTES(USER_PIN), BYTES("new-pin-2")));
	CHECK_OK(p11_try_login(hs, CKU_USER, "new-pin-2"));
}
END_TEST

START_TEST(the_so_changes_the_so_pin)
{
	p11_login(CKU_SO);
	CHECK_OK(p11->C_SetPIN(hs, BYTES(SO_PIN), BYTES("new-so-pin")));
	CHECK_OK(p11->C_Logout(hs));
	CHECK_RV(p11_try_login(hs, CKU_SO, SO_PIN), CKR_PIN_INCORRECT);
	CHECK_OK(p11_try_login(hs, CKU_SO, "new-so-pin"));
	CHECK_OK(p11->C_Logout(hs));
	p11_login(CKU_USER);
}
END_TEST

START_TEST(set_pin_needs_a_read_write_session)
{
	CK_SESSION_HANDLE ro = p11_open(false);

	CHECK_RV(p11->C_SetPIN(ro, BYTES(USER_PIN), BYTES("new-pin-3")), CKR_SESSION_READ_ONLY);
	CHECK_OK(p11_try_login(ro, CKU_USER, USER_PIN));
	CHECK_RV(p11->C_SetPIN(ro, BYTES(USER_PIN), BYTES("new-pin-3")), CKR_SESSION_READ_ONLY);
}
END_TEST

START_TEST(pins_take_every_length_between_the_limits)
{
	CK_TOKEN_INFO info;
	CK_UTF8CHAR pin[1025];

	memset(pin, 'p', sizeof(pin));
	CHECK_OK(p11->C_GetTokenInfo(p11_slot, &info));
	ck_assert_uint_lt(info.ulMaxPinLen, sizeof(pin));
	p11_login(CKU_SO);
	CHECK_RV(p11->C_InitPIN(hs, pin, info.ulMinPinLen - 1), CKR_PIN_LEN_RANGE);
	CHECK_RV(p11->C_InitPIN(hs, pin, info.ulMaxPinLen + 1), CKR_PIN_LEN_RANGE);
	CHECK_OK(p11->C_InitPIN(hs, pin, info.ulMaxPinLen));
	CHECK_OK(p11->C_Logout(hs));
	CHECK_OK(p11->C_Login(hs, CKU_USER, pin, info.ulMaxPinLen));
	CHECK_OK(p11->C_SetPIN(hs, pin, info.ulMaxPinLen, pin, info.ulMinPinLen));
	CHECK_OK(p11->C_Logout(hs));
	CHECK_RV(p11->C_Login(hs, CKU_USER, pin, info.ulMaxPinLen), CKR_PIN_INCORRECT);
	CHECK_OK(p11->C_Login(hs, CKU_USER, pin, info.ulMinPinLen));
}
END_TEST

START_TEST(wrong_user_pins_are_counted_and_lock)
{
	const CK_FLAGS all = CKF_USER_PIN_COUNT_LOW | CKF_USER_PIN_FINAL_TRY | CKF_USER_PIN_LOCKED;

	ck_assert_uint_eq(flags() & all, 0);
	wrong_logins(CKU_USER, 1);
	ck_assert_uint_eq(flags() & all, CKF_USER_PIN_COUNT_LOW);
	wrong_logins(CKU_USER, TRIES - 2);
	ck_assert_uint_eq(flags() & (CKF_USER_PIN_FINAL_TRY | CKF_USER_PIN_LOCKED),
	    CKF_USER_PIN_FINAL_TRY);
	wrong_logins(CKU_USER, 1);
	ck_assert_uint_ne(flags() & CKF_USER_PIN_LOCKED, 0);
	CHECK_RV(p11_try_login(hs, CKU_USER, USER_PIN), CKR_PIN_LOCKED);
	CHECK_RV(p11_try_login(hs, CKU_USER, "wrong-pin"), CKR_PIN_LOCKED);
}
END_TEST

START_TEST(a_lock_outlives_the_process_and_the_so_takes_it_away)
{
	wrong_logins(CKU_USER, TRIES);
	CHECK_OK(p11->C_Finalize(NULL));
	CHECK_OK(p11_init());
	hs = p11_open(true);
	CHECK_RV(p11_try_login(hs, CKU_USER, USER_PIN), CKR_PIN_LOCKED);
	CHECK_RV(p11->C_SetPIN(hs, BYTES(USER_PIN), BYTES("new-pin-4")), CKR_PIN_LOCKED);
	p11_login(CKU_SO);
	CHECK_OK(p11->C_InitPIN(hs, BYTES("fresh-pin")));
	CHECK_OK(p11->C_Logout(hs));
	ck_assert_uint_eq(flags() &
		(CKF_USER_PIN_COUNT_LOW | CKF_USER_PIN_FINAL_TRY | CKF_USER_PIN_LOCKED),
	    0);
	CHECK_OK(p11_try_login(hs, CKU_USER, "fresh-pin"));
}
END_TEST

START_TEST(a_right_pin_clears_the_count)
{
	for (int i = 0; i < 3; i++) {
		wrong_logins(CKU_USER, TRIES - 1);
		p11_login(CKU_USER);
		ck_assert_uint_eq(flags() & (CKF_USER_PIN_COUNT_LOW | CKF_USER_PIN_FINAL_TRY), 0);
		CHECK_OK(p11->C_Logout(hs));
	}
}
END_TEST

START_TEST(wrong_old_pins_of_set_pin_are_counted_too)
{
	for (int i = 0; i < TRIES; i++)
		CHECK_IN(p11->C_SetPIN(hs, BYTES("wrong-pin"), BYTES("new-pin-5")),
		    CKR_PIN_INCORRECT, CKR_PIN_LOCKED);
	CHECK_RV(p11_try_login(hs, CKU_USER, USER_PIN), CKR_PIN_LOCKED);
}
END_TEST

START_TEST(wrong_so_pins_lock_the_so_alone)
{
	CK_UTF8CHAR label[33] = "again                           ";

	wrong_logins(CKU_SO, TRIES - 1);
	ck_assert_uint_eq(flags() & (CKF_SO_PIN_FINAL_TRY | CKF_SO_PIN_LOCKED),
	    CKF_SO_PIN_FINAL_TRY);
	wrong_logins(CKU_SO, 1);
	ck_assert_uint_ne(flags() & CKF_SO_PIN_LOCKED, 0);
	CHECK_RV(p11_try_login(hs, CKU_SO, SO_PIN), CKR_PIN_LOCKED);
	p11_login(CKU_USER);
	CHECK_OK(p11->C_CloseAllSessions(p11_slot));
	CHECK_RV(p11->C_InitToken(p11_slot, BYTES(SO_PIN), label), CKR_PIN_LOCKED);
}
END_TEST

START_TEST(random_is_given_in_any_amount)
{
	CK_BYTE a[4096] = { 0 }, b[4096] = { 0 };

	CHECK_OK(p11->C_GenerateRandom(hs, a, sizeof(a)));
	CHECK_OK(p11->C_GenerateRandom(hs, b, sizeof(b)));
	ck_assert_mem_ne(a, b, sizeof(a));
	CHECK_OK(p11->C_GenerateRandom(hs, a, 1));
	CHECK_RV(p11->C_GenerateRandom(hs, NULL, 8), CKR_ARGUMENTS_BAD);
	CHECK_IN(p11->C_SeedRandom(hs, a, 8), CKR_OK, CKR_RANDOM_SEED_NOT_SUPPORTED);
	CHECK_RV(p11->C_GenerateRandom(hs + 9, a, 8), CKR_SESSION_HANDLE_INVALID);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("p11 token");
	TCase *blank = tcase_create("blank"), *t = tcase_create("token"),
	      *m = tcase_create("module"), *l = tcase_create("loaded");

	tcase_add_checked_fixture(l, p11_setup_dir, p11_teardown);
	tcase_add_test(l, initialize_refuses_a_reserved_argument_that_cannot_be_read);
	if (p11_is_ours())
		tcase_add_test(l, a_token_that_cannot_be_opened_is_not_there_and_the_others_are);
	suite_add_tcase(s, l);

	tcase_add_checked_fixture(blank, p11_setup_blank, p11_teardown);
	tcase_add_test(blank, a_blank_token_takes_no_login_until_it_is_initialised);
	tcase_add_test(blank, init_token_rejects_bad_arguments);
	suite_add_tcase(s, blank);

	tcase_add_checked_fixture(m, p11_setup, p11_teardown);
	tcase_add_test(m, token_info_tells_label_limits_and_state);
	tcase_add_test(m, slots_are_listed_by_the_two_call_rule);
	tcase_add_test(m, mechanisms_are_listed_by_the_two_call_rule);
	tcase_add_test(m, initialising_again_needs_the_so_pin_and_wipes_everything);
	suite_add_tcase(s, m);

	tcase_add_checked_fixture(t, p11_setup_public, p11_teardown);
	tcase_add_test(t, init_token_needs_all_sessions_closed);
	tcase_add_test(t, only_the_so_sets_the_first_user_pin);
	tcase_add_test(t, the_user_changes_the_pin_and_keys_stay);
	tcase_add_test(t, set_pin_without_login_changes_the_users_pin);
	tcase_add_test(t, the_so_changes_the_so_pin);
	tcase_add_test(t, set_pin_needs_a_read_write_session);
	tcase_add_test(t, pins_take_every_length_between_the_limits);
	tcase_add_test(t, wrong_user_pins_are_counted_and_lock);
	tcase_add_test(t, a_lock_outlives_the_process_and_the_so_takes_it_away);
	tcase_add_test(t, a_right_pin_clears_the_count);
	tcase_add_test(t, wrong_old_pins_of_set_pin_are_counted_too);
	tcase_add_test(t, wrong_so_pins_lock_the_so_alone);
	tcase_add_test(t, random_is_given_in_any_amount);
	suite_add_tcase(s, t);
	return p11_main(s);
}
