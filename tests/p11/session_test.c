/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions and logins: what may be opened when, what each state allows, what a logout and a close
 * take away. */
#include "tests/p11/p11.h"

#include <pthread.h>
#include <stdatomic.h>

static CK_STATE
state_of(CK_SESSION_HANDLE s)
{
	CK_SESSION_INFO info;

	CHECK_OK(p11->C_GetSessionInfo(s, &info));
	ck_assert_uint_eq(info.slotID, p11_slot);
	ck_assert_uint_ne(info.flags & CKF_SERIAL_SESSION, 0);
	return info.state;
}

static CK_RV
create_data(CK_SESSION_HANDLE s, bool token, bool priv, const char *label, CK_OBJECT_HANDLE *ret)
{
	struct tmpl t = { .n = 0 };

	t_ulong(&t, CKA_CLASS, CKO_DATA);
	t_bool(&t, CKA_TOKEN, token);
	t_bool(&t, CKA_PRIVATE, priv);
	t_text(&t, CKA_LABEL, label);
	t_text(&t, CKA_VALUE, "v");
	return create(s, &t, ret);
}

START_TEST(a_session_must_be_serial)
{
	CK_SESSION_HANDLE s;

	CHECK_RV(p11->C_OpenSession(p11_slot, 0, NULL, NULL, &s),
	    CKR_SESSION_PARALLEL_NOT_SUPPORTED);
	CHECK_RV(p11->C_OpenSession(p11_slot, CKF_RW_SESSION, NULL, NULL, &s),
	    CKR_SESSION_PARALLEL_NOT_SUPPORTED);
}
END_TEST

START_TEST(open_session_rejects_bad_arguments)
{
	CK_SESSION_HANDLE s;

	CHECK_RV(p11->C_OpenSession(p11_slot, CKF_SERIAL_SESSION, NULL, NULL, NULL),
	    CKR_ARGUMENTS_BAD);
	CHECK_RV(p11->C_OpenSession(0x7fffffff, CKF_SERIAL_SESSION, NULL, NULL, &s),
	    CKR_SLOT_ID_INVALID);
}
END_TEST

START_TEST(session_handles_are_distinct_and_die_when_closed)
{
	CK_SESSION_HANDLE a = p11_open(false), b = p11_open(true);
	CK_SESSION_INFO info;

	ck_assert_uint_ne(a, b);
	CHECK_OK(p11->C_CloseSession(a));
	CHECK_RV(p11->C_GetSessionInfo(a, &info), CKR_SESSION_HANDLE_INVALID);
	CHECK_RV(p11->C_CloseSession(a), CKR_SESSION_HANDLE_INVALID);
	CHECK_OK(p11->C_GetSessionInfo(b, &info));
}
END_TEST

START_TEST(a_stale_handle_never_names_a_later_session)
{
	CK_SESSION_HANDLE old = p11_open(false);
	CK_SESSION_INFO info;

	CHECK_OK(p11->C_CloseSession(old));
	for (int i = 0; i < 3000; i++) {
		CK_SESSION_HANDLE s = p11_open(false);

		ck_assert_uint_ne(s, old);
		CHECK_RV(p11->C_GetSessionInfo(old, &info), CKR_SESSION_HANDLE_INVALID);
		CHECK_OK(p11->C_CloseSession(s));
	}
}
END_TEST

START_TEST(many_sessions_can_be_open_at_once)
{
	CK_SESSION_HANDLE s[500];
	CK_TOKEN_INFO info;

	for (size_t i = 0; i < N(s); i++)
		s[i] = p11_open(i % 2 == 0);
	CHECK_OK(p11->C_GetTokenInfo(p11_slot, &info));
	if (info.ulSessionCount != CK_UNAVAILABLE_INFORMATION)
		ck_assert_uint_eq(info.ulSessionCount, N(s));
	if (info.ulRwSessionCount != CK_UNAVAILABLE_INFORMATION)
		ck_assert_uint_eq(info.ulRwSessionCount, N(s) / 2);
	for (size_t i = 0; i < N(s); i++)
		CHECK_OK(p11->C_CloseSession(s[i]));
}
END_TEST

START_TEST(close_all_sessions_closes_those_of_the_slot_and_logs_out)
{
	CK_SESSION_HANDLE a = p11_open(true), b = p11_open(false);
	CK_SESSION_INFO info;

	hs = a;
	p11_login(CKU_USER);
	CHECK_RV(p11->C_CloseAllSessions(0x7fffffff), CKR_SLOT_ID_INVALID);
	CHECK_OK(p11->C_CloseAllSessions(p11_slot));
	CHECK_RV(p11->C_GetSessionInfo(a, &info), CKR_SESSION_HANDLE_INVALID);
	CHECK_RV(p11->C_GetSessionInfo(b, &info), CKR_SESSION_HANDLE_INVALID);
	CHECK_OK(p11->C_CloseAllSessions(p11_slot));
	ck_assert_uint_eq(state_of(p11_open(false)), CKS_RO_PUBLIC_SESSION);
}
END_TEST

START_TEST(closing_the_last_session_logs_out)
{
	CK_SESSION_HANDLE a = p11_open(true), b = p11_open(true);

	hs = a;
	p11_login(CKU_USER);
	CHECK_OK(p11->C_CloseSession(a));
	ck_assert_uint_eq(state_of(b), CKS_RW_USER_FUNCTIONS);
	CHECK_OK(p11->C_CloseSession(b));
	ck_assert_uint_eq(state_of(p11_open(true)), CKS_RW_PUBLIC_SESSION);
}
END_TEST

START_TEST(the_state_of_every_session_follows_the_login)
{
	CK_SESSION_HANDLE rw = p11_open(true), ro = p11_open(false);

	ck_assert_uint_eq(state_of(rw), CKS_RW_PUBLIC_SESSION);
	ck_assert_uint_eq(state_of(ro), CKS_RO_PUBLIC_SESSION);
	CHECK_OK(p11_try_login(ro, CKU_USER, USER_PIN));
	ck_assert_uint_eq(state_of(rw), CKS_RW_USER_FUNCTIONS);
	ck_assert_uint_eq(state_of(ro), CKS_RO_USER_FUNCTIONS);
	ck_assert_uint_eq(state_of(p11_open(true)), CKS_RW_USER_FUNCTIONS);
	CHECK_OK(p11->C_Logout(rw));
	ck_assert_uint_eq(state_of(rw), CKS_RW_PUBLIC_SESSION);
	ck_assert_uint_eq(state_of(ro), CKS_RO_PUBLIC_SESSION);
	CHECK_OK(p11->C_CloseSession(ro));
	CHECK_OK(p11->C_CloseAllSessions(p11_slot));
	rw = p11_open(true);
	CHECK_OK(p11_try_login(rw, CKU_SO, SO_PIN));
	ck_assert_uint_eq(state_of(rw), CKS_RW_SO_FUNCTIONS);
	ck_assert_uint_eq(state_of(p11_open(true)), CKS_RW_SO_FUNCTIONS);
}
END_TEST

START_TEST(the_so_cannot_log_in_beside_a_read_only_session)
{
	CK_SESSION_HANDLE rw = p11_open(true), ro = p11_open(false);

	CHECK_RV(p11_try_login(rw, CKU_SO, SO_PIN), CKR_SESSION_READ_ONLY_EXISTS);
	CHECK_IN(p11_try_login(ro, CKU_SO, SO_PIN), CKR_SESSION_READ_ONLY_EXISTS,
	    CKR_SESSION_READ_ONLY);
	CHECK_OK(p11->C_CloseSession(ro));
	CHECK_OK(p11_try_login(rw, CKU_SO, SO_PIN));
}
END_TEST

START_TEST(a_read_only_session_cannot_open_beside_the_so)
{
	CK_SESSION_HANDLE rw = p11_open(true), ro;

	CHECK_OK(p11_try_login(rw, CKU_SO, SO_PIN));
	CHECK_RV(p11->C_OpenSession(p11_slot, CKF_SERIAL_SESSION, NULL, NULL, &ro),
	    CKR_SESSION_READ_WRITE_SO_EXISTS);
	CHECK_OK(p11->C_Logout(rw));
	CHECK_OK(p11->C_OpenSession(p11_slot, CKF_SERIAL_SESSION, NULL, NULL, &ro));
}
END_TEST

START_TEST(a_second_login_is_refused)
{
	hs = p11_open(true);
	p11_login(CKU_USER);
	CHECK_RV(p11_try_login(hs, CKU_USER, USER_PIN), CKR_USER_ALREADY_LOGGED_IN);
	CHECK_RV(p11_try_login(hs, CKU_USER, "wrong-pin"), CKR_USER_ALREADY_LOGGED_IN);
	CHECK_RV(p11_try_login(hs, CKU_SO, SO_PIN), CKR_USER_ANOTHER_ALREADY_LOGGED_IN);
	CHECK_OK(p11->C_Logout(hs));
	p11_login(CKU_SO);
	CHECK_RV(p11_try_login(hs, CKU_SO, SO_PIN), CKR_USER_ALREADY_LOGGED_IN);
	CHECK_RV(p11_try_login(hs, CKU_USER, USER_PIN), CKR_USER_ANOTHER_ALREADY_LOGGED_IN);
}
END_TEST

START_TEST(login_rejects_bad_arguments)
{
	hs = p11_open(true);
	CHECK_RV(p11_try_login(hs, 99, USER_PIN), CKR_USER_TYPE_INVALID);
	CHECK_RV(p11->C_Login(hs, CKU_USER, NULL, 4), CKR_ARGUMENTS_BAD);
	CHECK_RV(p11_try_login(hs + 77, CKU_USER, USER_PIN), CKR_SESSION_HANDLE_INVALID);
	CHECK_IN(p11->C_Login(hs, CKU_USER, NULL, 0), CKR_PIN_INCORRECT, CKR_ARGUMENTS_BAD,
	    CKR_PIN_LEN_RANGE);
	CHECK_RV(p11_try_login(hs, CKU_CONTEXT_SPECIFIC, USER_PIN), CKR_OPERATION_NOT_INITIALIZED);
	p11_login(CKU_USER);
	CHECK_RV(p11_try_login(hs, CKU_CONTEXT_SPECIFIC, USER_PIN), CKR_OPERATION_NOT_INITIALIZED);
}
END_TEST

START_TEST(a_wrong_pin_is_refused)
{
	hs = p11_open(true);
	CHECK_RV(p11_try_login(hs, CKU_USER, "user-1235"), CKR_PIN_INCORRECT);
	CHECK_RV(p11_try_login(hs, CKU_USER, SO_PIN), CKR_PIN_INCORRECT);
	CHECK_RV(p11_try_login(hs, CKU_SO, USER_PIN), CKR_PIN_INCORRECT);
	ck_assert_uint_eq(state_of(hs), CKS_RW_PUBLIC_SESSION);
	p11_login(CKU_USER);
}
END_TEST

START_TEST(logout_needs_a_login)
{
	CK_SESSION_HANDLE s = p11_open(false);

	CHECK_RV(p11->C_Logout(s), CKR_USER_NOT_LOGGED_IN);
	CHECK_OK(p11_try_login(s, CKU_USER, USER_PIN));
	CHECK_OK(p11->C_Logout(s));
	CHECK_RV(p11->C_Logout(s), CKR_USER_NOT_LOGGED_IN);
}
END_TEST

START_TEST(login_user_without_a_name_is_login)
{
	CK_SESSION_HANDLE s = p11_open(true);

	if (p11v3 == NULL)
		return;
	CHECK_RV(p11v3->C_LoginUser(s, CKU_USER, BYTES("wrong-pin"), NULL, 0), CKR_PIN_INCORRECT);
	CHECK_RV(p11v3->C_LoginUser(s, CKU_USER, BYTES(USER_PIN), NULL, 3), CKR_ARGUMENTS_BAD);
	CHECK_RV(p11v3->C_LoginUser(s, CKU_USER, BYTES(USER_PIN), BYTES("name")),
	    CKR_ARGUMENTS_BAD);
	CHECK_OK(p11v3->C_LoginUser(s, CKU_USER, BYTES(USER_PIN), NULL, 0));
	ck_assert_uint_eq(state_of(s), CKS_RW_USER_FUNCTIONS);
	CHECK_RV(p11v3->C_LoginUser(s, CKU_USER, BYTES(USER_PIN), NULL, 0),
	    CKR_USER_ALREADY_LOGGED_IN);
}
END_TEST

START_TEST(a_pin_that_a_context_specific_login_locks_logs_out)
{
	CK_MECHANISM m = { CKM_ECDSA, NULL, 0 };
	struct tmpl t = { .n = 0 }, a = { .n = 0 };
	CK_MECHANISM pair = { CKM_EC_KEY_PAIR_GEN, NULL, 0 };
	CK_OBJECT_HANDLE pub, priv;

	hs = p11_open(true);
	p11_login(CKU_USER);
	t_public(&a, CKK_EC);
	t_bytes(&a, CKA_EC_PARAMS, ec_p256, sizeof(ec_p256));
	t_private(&t, CKK_EC);
	t_set_bool(&t, CKA_PRIVATE, true);
	t_bool(&t, CKA_ALWAYS_AUTHENTICATE, true);
	CHECK_OK(p11->C_GenerateKeyPair(hs, &pair, a.v, a.n, t.v, t.n, &pub, &priv));
	CHECK_OK(p11->C_SignInit(hs, &m, priv));
	for (int i = 0; i < TRIES; i++) {
		CHECK_RV(p11_try_login(hs, CKU_CONTEXT_SPECIFIC, "wrong-pin"), CKR_PIN_INCORRECT);
		ck_assert_uint_eq(state_of(hs), CKS_RW_USER_FUNCTIONS);
	}
	CHECK_RV(p11_try_login(hs, CKU_CONTEXT_SPECIFIC, USER_PIN), CKR_PIN_LOCKED);
	ck_assert_uint_eq(state_of(hs), CKS_RW_PUBLIC_SESSION);
}
END_TEST

/* session: rw x login; object: token x private; the table of 5.6 in the standard's usage guide */
START_TEST(who_may_create_what)
{
	static const struct {
		bool rw;
		int who;	  /* -1: nobody */
		CK_RV want[2][2]; /* token, private */
	} rows[] = {
		{ false, -1,
		    { { CKR_OK, CKR_USER_NOT_LOGGED_IN },
			{ CKR_SESSION_READ_ONLY, CKR_SESSION_READ_ONLY } } },
		{ true, -1,
		    { { CKR_OK, CKR_USER_NOT_LOGGED_IN }, { CKR_OK, CKR_USER_NOT_LOGGED_IN } } },
		{ false, CKU_USER,
		    { { CKR_OK, CKR_OK }, { CKR_SESSION_READ_ONLY, CKR_SESSION_READ_ONLY } } },
		{ true, CKU_USER, { { CKR_OK, CKR_OK }, { CKR_OK, CKR_OK } } },
		{ true, CKU_SO,
		    { { CKR_OK, CKR_USER_NOT_LOGGED_IN }, { CKR_OK, CKR_USER_NOT_LOGGED_IN } } },
	};
	size_t row = (size_t)_i;
	CK_OBJECT_HANDLE o;

	hs = p11_open(rows[row].rw);
	if (rows[row].who >= 0)
		p11_login((CK_USER_TYPE)rows[row].who);
	for (int token = 0; token < 2; token++)
		for (int priv = 0; priv < 2; priv++) {
			CK_RV want = rows[row].want[token][priv];
			CK_RV rv = create_data(hs, token != 0, priv != 0, "who", &o);
			bool either = !rows[row].rw && token && priv && rows[row].who < 0;

			ck_assert_msg(rv == want || (either && rv == CKR_USER_NOT_LOGGED_IN),
			    "token %d private %d: %s, expected %s", token, priv, p11_name(rv),
			    p11_name(want));
		}
}
END_TEST

START_TEST(a_read_only_session_changes_no_token_object)
{
	CK_SESSION_HANDLE ro = p11_open(false);
	struct tmpl t = { .n = 0 };
	CK_OBJECT_HANDLE o, copy;

	hs = p11_open(true);
	p11_login(CKU_USER);
	CHECK_OK(create_data(hs, true, true, "mine", &o));
	t_text(&t, CKA_LABEL, "other");
	CHECK_RV(p11->C_SetAttributeValue(ro, o, t.v, t.n), CKR_SESSION_READ_ONLY);
	CHECK_RV(p11->C_DestroyObject(ro, o), CKR_SESSION_READ_ONLY);
	CHECK_RV(p11->C_CopyObject(ro, o, t.v, t.n, &copy), CKR_SESSION_READ_ONLY);
	t_bool(&t, CKA_TOKEN, false);
	CHECK_OK(p11->C_CopyObject(ro, o, t.v, t.n, &copy));
	ck_assert_uint_eq(find_label(ro, "mine"), 1);
}
END_TEST

START_TEST(generation_obeys_the_session_too)
{
	CK_MECHANISM pair = { CKM_EC_KEY_PAIR_GEN, NULL, 0 };
	struct tmpl t = { .n = 0 }, a = { .n = 0 }, b = { .n = 0 };
	CK_OBJECT_HANDLE k, k2;

	hs = p11_open(false);
	t_secret(&t, CKK_AES);
	t_ulong(&t, CKA_VALUE_LEN, 16);
	t_set_bool(&t, CKA_TOKEN, true);
	CHECK_RV(generate_secret(hs, CKM_AES_KEY_GEN, &t, &k), CKR_SESSION_READ_ONLY);
	t_set_bool(&t, CKA_TOKEN, false);
	t_set_bool(&t, CKA_PRIVATE, true);
	CHECK_RV(generate_secret(hs, CKM_AES_KEY_GEN, &t, &k), CKR_USER_NOT_LOGGED_IN);
	t_set_bool(&t, CKA_PRIVATE, false);
	CHECK_OK(generate_secret(hs, CKM_AES_KEY_GEN, &t, &k));
	t_public(&a, CKK_EC);
	t_bytes(&a, CKA_EC_PARAMS, ec_p256, sizeof(ec_p256));
	t_private(&b, CKK_EC);
	t_set_bool(&b, CKA_TOKEN, true);
	CHECK_RV(p11->C_GenerateKeyPair(hs, &pair, a.v, a.n, b.v, b.n, &k, &k2),
	    CKR_SESSION_READ_ONLY);
	t_drop(&t, CKA_VALUE_LEN);
	t_drop(&t, CKA_DERIVE);
	ck_assert_uint_eq(find_all(hs, &t, NULL), 1);
}
END_TEST

START_TEST(session_objects_die_with_their_session)
{
	CK_SESSION_HANDLE other = p11_open(false);
	CK_OBJECT_HANDLE o, key;

	hs = p11_open(true);
	CHECK_OK(create_data(other, false, false, "short", &o));
	key = make_aes(other, false, "short");
	ck_assert_uint_eq(find_label(hs, "short"), 2);
	CHECK_OK(use_aes(hs, key));
	CHECK_OK(p11->C_CloseSession(other));
	ck_assert_uint_eq(find_label(hs, "short"), 0);
	CHECK_RV(get_rv(o, CKA_LABEL), CKR_OBJECT_HANDLE_INVALID);
	CHECK_RV(use_aes(hs, key), CKR_KEY_HANDLE_INVALID);
}
END_TEST

START_TEST(token_objects_outlive_their_session_and_the_module)
{
	CK_OBJECT_HANDLE o;

	hs = p11_open(true);
	CHECK_OK(create_data(hs, true, false, "long", &o));
	CHECK_OK(p11->C_CloseSession(hs));
	hs = p11_open(true);
	ck_assert_uint_eq(find_label(hs, "long"), 1);
	CHECK_OK(p11->C_Finalize(NULL));
	CHECK_OK(p11_init());
	hs = p11_open(true);
	ck_assert_uint_eq(find_label(hs, "long"), 1);
}
END_TEST

START_TEST(private_objects_are_seen_only_after_login)
{
	CK_OBJECT_HANDLE o, pub;

	hs = p11_open(true);
	p11_login(CKU_USER);
	CHECK_OK(create_data(hs, true, true, "hidden", &o));
	CHECK_OK(create_data(hs, true, false, "plain", &pub));
	CHECK_OK(p11->C_Logout(hs));
	ck_assert_uint_eq(find_label(hs, "hidden"), 0);
	ck_assert_uint_eq(find_label(hs, "plain"), 1);
	CHECK_OK(get_rv(pub, CKA_LABEL));
	CHECK_RV(get_rv(o, CKA_LABEL), CKR_OBJECT_HANDLE_INVALID);
	CHECK_IN(p11->C_DestroyObject(hs, o), CKR_OBJECT_HANDLE_INVALID, CKR_USER_NOT_LOGGED_IN);
	p11_login(CKU_SO);
	ck_assert_uint_eq(find_label(hs, "hidden"), 0);
	CHECK_OK(p11->C_Logout(hs));
	p11_login(CKU_USER);
	ck_assert_uint_eq(find_label(hs, "hidden"), 1);
}
END_TEST

/* What a search has found and somebody has read is out of reach like everything else. */
START_TEST(what_was_found_while_logged_in_is_unknown_after_logout)
{
	struct tmpl t = { .n = 0 };
	CK_OBJECT_HANDLE data, found, pub, priv;

	hs = p11_open(true);
	p11_login(CKU_USER);
	CHECK_OK(create_data(hs, true, true, "hidden", &data));
	make_ec(hs, true, "hidden", &pub, &priv);
	t_text(&t, CKA_LABEL, "hidden");
	t_bool(&t, CKA_PRIVATE, true);
	for (int i = 0; i < 2; i++) {
		ck_assert_uint_eq(find_all(hs, &t, &found), 2);
		CHECK_OK(get_rv(data, CKA_VALUE));
		CHECK_OK(get_rv(priv, CKA_EC_PARAMS));
		CHECK_OK(use_ec(hs, priv));
	}
	ck_assert_uint_eq(find_all(hs, &t, &found), 2);
	CHECK_OK(p11->C_Logout(hs));
	for (int again = 0; again < 2; again++) {
		CHECK_RV(get_rv(data, CKA_LABEL), CKR_OBJECT_HANDLE_INVALID);
		CHECK_RV(get_rv(priv, CKA_LABEL), CKR_OBJECT_HANDLE_INVALID);
		CHECK_RV(use_ec(hs, priv), CKR_KEY_HANDLE_INVALID);
		if (again == 0)
			p11_login(CKU_USER); /* 5.6.10: not even then */
	}
}
END_TEST

START_TEST(logout_destroys_private_session_objects)
{
	CK_OBJECT_HANDLE o;

	hs = p11_open(true);
	p11_login(CKU_USER);
	CHECK_OK(create_data(hs, false, true, "secret", &o));
	CHECK_OK(create_data(hs, false, false, "open", &o));
	CHECK_OK(p11->C_Logout(hs));
	ck_assert_uint_eq(find_label(hs, "secret"), 0);
	ck_assert_uint_eq(find_label(hs, "open"), 1);
	p11_login(CKU_USER);
	ck_assert_uint_eq(find_label(hs, "secret"), 0);
}
END_TEST

START_TEST(a_private_key_stops_working_at_logout)
{
	CK_MECHANISM m = { CKM_ECDSA, NULL, 0 };
	CK_OBJECT_HANDLE pub, priv, aes;
	CK_BYTE hash[32] = { 1 }, sig[64];
	CK_ULONG n = sizeof(sig);

	hs = p11_open(true);
	p11_login(CKU_USER);
	make_ec(hs, true, "ec", &pub, &priv);
	aes = make_aes(hs, true, "aes");
	CHECK_OK(use_ec(hs, priv));
	CHECK_OK(use_aes(hs, aes));
	CHECK_OK(p11->C_SignInit(hs, &m, priv));
	CHECK_OK(p11->C_Logout(hs));
	CHECK_IN(p11->C_Sign(hs, hash, sizeof(hash), sig, &n), CKR_USER_NOT_LOGGED_IN,
	    CKR_OPERATION_NOT_INITIALIZED);
	CHECK_IN(use_ec(hs, priv), CKR_KEY_HANDLE_INVALID, CKR_USER_NOT_LOGGED_IN);
	CHECK_IN(use_aes(hs, aes), CKR_KEY_HANDLE_INVALID, CKR_USER_NOT_LOGGED_IN);
}
END_TEST

static atomic_bool enough;

static void *
open_and_close(void *slot)
{
	CK_SESSION_HANDLE s;

	while (!enough)
		if (p11->C_OpenSession(*(CK_SLOT_ID *)slot, CKF_SERIAL_SESSION, NULL, NULL, &s) ==
		    CKR_OK)
			(void)p11->C_CloseSession(s);
	return NULL;
}

/* Whether it does is for the sanitizers to say; that it ends, and soon, is for every build. */
START_TEST(the_module_goes_down_while_sessions_come_and_go)
{
	CK_C_INITIALIZE_ARGS args = { .flags = CKF_OS_LOCKING_OK };
	CK_SLOT_ID slot = p11_slot;
	pthread_t threads[3];

	for (size_t i = 0; i < N(threads); i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, open_and_close, &slot), 0);
	for (int i = 0; i < 50; i++) {
		CHECK_OK(p11->C_Finalize(NULL));
		CHECK_OK(p11->C_Initialize(&args));
	}
	enough = true;
	for (size_t i = 0; i < N(threads); i++)
		pthread_join(threads[i], NULL);
	hs = p11_open(true);
}
END_TEST

/* -- keys that ask for the PIN at each use -- */

static CK_OBJECT_HANDLE
make_careful_key(void)
{
	CK_MECHANISM gen = { CKM_EC_KEY_PAIR_GEN, NULL, 0 };
	CK_OBJECT_HANDLE pub, priv;
	struct tmpl a = { .n = 0 }, b = { .n = 0 };

	t_bytes(&a, CKA_EC_PARAMS, ec_p256, sizeof(ec_p256));
	t_bool(&a, CKA_TOKEN, true);
	t_bool(&b, CKA_TOKEN, true);
	t_bool(&b, CKA_ALWAYS_AUTHENTICATE, true);
	CHECK_OK(p11->C_GenerateKeyPair(hs, &gen, a.v, a.n, b.v, b.n, &pub, &priv));
	return priv;
}

static CK_RV
sign_init(CK_OBJECT_HANDLE key)
{
	CK_MECHANISM m = { CKM_ECDSA, NULL, 0 };

	return p11->C_SignInit(hs, &m, key);
}

static CK_RV
sign(void)
{
	CK_BYTE hash[32] = { 1 }, sig[64];
	CK_ULONG n = sizeof(sig);

	return p11->C_Sign(hs, hash, sizeof(hash), sig, &n);
}

START_TEST(a_careful_key_wants_the_pin_at_each_use)
{
	CK_OBJECT_HANDLE key;

	hs = p11_open(true);
	p11_login(CKU_USER);
	key = make_careful_key();
	CHECK_RV(p11_try_login(hs, CKU_CONTEXT_SPECIFIC, USER_PIN), CKR_OPERATION_NOT_INITIALIZED);
	CHECK_OK(sign_init(key));
	CHECK_RV(sign(), CKR_USER_NOT_LOGGED_IN);
	CHECK_RV(sign(), CKR_OPERATION_NOT_INITIALIZED);
	CHECK_OK(sign_init(key));
	CHECK_RV(p11_try_login(hs, CKU_CONTEXT_SPECIFIC, "wrong-pin"), CKR_PIN_INCORRECT);
	CHECK_OK(p11_try_login(hs, CKU_CONTEXT_SPECIFIC, USER_PIN));
	CHECK_OK(sign());
	CHECK_OK(sign_init(key));
	CHECK_RV(sign(), CKR_USER_NOT_LOGGED_IN);
	ck_assert_uint_eq(state_of(hs), CKS_RW_USER_FUNCTIONS);
}
END_TEST

/* 4.10 */
START_TEST(a_pin_that_locks_at_a_careful_key_ends_the_login)
{
	CK_OBJECT_HANDLE key;

	hs = p11_open(true);
	p11_login(CKU_USER);
	key = make_careful_key();
	CHECK_OK(sign_init(key));
	for (int i = 0; i < TRIES; i++)
		CHECK_RV(p11_try_login(hs, CKU_CONTEXT_SPECIFIC, "wrong-pin"), CKR_PIN_INCORRECT);
	CHECK_RV(p11_try_login(hs, CKU_CONTEXT_SPECIFIC, USER_PIN), CKR_PIN_LOCKED);
	ck_assert_uint_eq(state_of(hs), CKS_RW_PUBLIC_SESSION);
	CHECK_RV(sign(), CKR_USER_NOT_LOGGED_IN);
}
END_TEST

START_TEST(operations_of_a_closed_session_are_gone)
{
	CK_MECHANISM m = { CKM_SHA256, NULL, 0 };
	CK_BYTE out[32];
	CK_ULONG n = sizeof(out);

	hs = p11_open(true);
	CHECK_OK(p11->C_DigestInit(hs, &m));
	CHECK_OK(p11->C_CloseSession(hs));
	CHECK_RV(p11->C_Digest(hs, BYTES("x"), out, &n), CKR_SESSION_HANDLE_INVALID);
	hs = p11_open(true);
	CHECK_RV(p11->C_Digest(hs, BYTES("x"), out, &n), CKR_OPERATION_NOT_INITIALIZED);
}
END_TEST

START_TEST(a_find_in_one_session_leaves_the_other_alone)
{
	CK_SESSION_HANDLE other = p11_open(false);
	CK_OBJECT_HANDLE o;
	CK_ULONG n;

	hs = p11_open(true);
	CHECK_OK(p11->C_FindObjectsInit(hs, NULL, 0));
	CHECK_RV(p11->C_FindObjectsInit(hs, NULL, 0), CKR_OPERATION_ACTIVE);
	CHECK_RV(p11->C_FindObjects(other, &o, 1, &n), CKR_OPERATION_NOT_INITIALIZED);
	CHECK_OK(p11->C_FindObjectsInit(other, NULL, 0));
	CHECK_OK(p11->C_FindObjectsFinal(hs));
	CHECK_OK(p11->C_FindObjects(other, &o, 1, &n));
	CHECK_OK(p11->C_FindObjectsFinal(other));
	CHECK_RV(p11->C_FindObjectsFinal(hs), CKR_OPERATION_NOT_INITIALIZED);
}
END_TEST

START_TEST(session_cancel_ends_what_its_flags_name)
{
	CK_MECHANISM sha = { CKM_SHA256, NULL, 0 }, ecb = { CKM_AES_ECB, NULL, 0 };
	CK_OBJECT_HANDLE key, o;
	CK_BYTE out[64];
	CK_ULONG n = sizeof(out);

	if (p11v3 == NULL)
		return;
	hs = p11_open(true);
	key = make_aes(hs, false, "k");
	CHECK_OK(p11->C_DigestInit(hs, &sha));
	CHECK_OK(p11->C_EncryptInit(hs, &ecb, key));
	CHECK_OK(p11->C_FindObjectsInit(hs, NULL, 0));
	CHECK_OK(p11v3->C_SessionCancel(hs, CKF_ENCRYPT | CKF_FIND_OBJECTS));
	CHECK_RV(p11->C_EncryptFinal(hs, out, &n), CKR_OPERATION_NOT_INITIALIZED);
	CHECK_RV(p11->C_FindObjects(hs, &o, 1, &n), CKR_OPERATION_NOT_INITIALIZED);
	n = sizeof(out);
	CHECK_OK(p11->C_Digest(hs, BYTES("x"), out, &n));
	CHECK_OK(p11v3->C_SessionCancel(hs, CKF_DIGEST | CKF_SIGN | CKF_VERIFY | CKF_DECRYPT));
	CHECK_OK(p11v3->C_SessionCancel(hs, 0));
	CHECK_RV(p11v3->C_SessionCancel(hs + 99, CKF_DIGEST), CKR_SESSION_HANDLE_INVALID);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("p11 session");
	TCase *t = tcase_create("sessions");

	tcase_add_checked_fixture(t, p11_setup, p11_teardown);
	tcase_add_test(t, a_session_must_be_serial);
	tcase_add_test(t, open_session_rejects_bad_arguments);
	tcase_add_test(t, session_handles_are_distinct_and_die_when_closed);
	tcase_add_test(t, a_stale_handle_never_names_a_later_session);
	tcase_add_test(t, many_sessions_can_be_open_at_once);
	tcase_add_test(t, close_all_sessions_closes_those_of_the_slot_and_logs_out);
	tcase_add_test(t, closing_the_last_session_logs_out);
	tcase_add_test(t, the_state_of_every_session_follows_the_login);
	tcase_add_test(t, the_so_cannot_log_in_beside_a_read_only_session);
	tcase_add_test(t, a_read_only_session_cannot_open_beside_the_so);
	tcase_add_test(t, a_second_login_is_refused);
	tcase_add_test(t, login_rejects_bad_arguments);
	tcase_add_test(t, a_wrong_pin_is_refused);
	tcase_add_test(t, logout_needs_a_login);
	tcase_add_test(t, login_user_without_a_name_is_login);
	tcase_add_test(t, a_pin_that_a_context_specific_login_locks_logs_out);
	tcase_add_loop_test(t, who_may_create_what, 0, 5);
	tcase_add_test(t, a_read_only_session_changes_no_token_object);
	tcase_add_test(t, generation_obeys_the_session_too);
	tcase_add_test(t, session_objects_die_with_their_session);
	tcase_add_test(t, token_objects_outlive_their_session_and_the_module);
	tcase_add_test(t, private_objects_are_seen_only_after_login);
	tcase_add_test(t, what_was_found_while_logged_in_is_unknown_after_logout);
	tcase_add_test(t, logout_destroys_private_session_objects);
	tcase_add_test(t, a_private_key_stops_working_at_logout);
	if (p11_is_ours()) /* the standard does not ask for it */
		tcase_add_test(t, the_module_goes_down_while_sessions_come_and_go);
	tcase_add_test(t, a_careful_key_wants_the_pin_at_each_use);
	tcase_add_test(t, a_pin_that_locks_at_a_careful_key_ends_the_login);
	tcase_add_test(t, operations_of_a_closed_session_are_gone);
	tcase_add_test(t, a_find_in_one_session_leaves_the_other_alone);
	tcase_add_test(t, session_cancel_ends_what_its_flags_name);
	suite_add_tcase(s, t);
	return p11_main(s);
}
