/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads against each other: what one of them uses another one closes, destroys, logs out of or
 * finalizes. Each call either works, and then its result is right, or says that the other one was
 * faster; and when all is over, everything works.
 */
#define _GNU_SOURCE 1
#include "tests/p11/threads.h"

#include <stdio.h>

#define THREADS 8
#define USERS	6 /* threads that use, when others take away */

static CK_OBJECT_HANDLE aes, pub, priv;

static bool
one_of(CK_RV rv, const CK_RV *set, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (rv == set[i])
			return true;
	return false;
}

/* Worked, or was one of those: gives whether it worked. */
#define MAY(expr, ...)                                   \
	may(expr, #expr, (const CK_RV[]){ __VA_ARGS__ }, \
	    sizeof((const CK_RV[]){ __VA_ARGS__ }) / sizeof(CK_RV))

static bool
may(CK_RV rv, const char *what, const CK_RV *set, size_t n)
{
	if (rv != CKR_OK && !one_of(rv, set, n))
		ck_abort_msg("%s: %s", what, p11_name(rv));
	return rv == CKR_OK;
}

static bool
open_session(CK_SESSION_HANDLE *s)
{
	return MAY(p11->C_OpenSession(p11_slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, s),
	    CKR_CRYPTOKI_NOT_INITIALIZED);
}

/* All that can become of a call when sessions and the library may go at any time. */
#define GONE                                                                                     \
	CKR_CRYPTOKI_NOT_INITIALIZED, CKR_SESSION_HANDLE_INVALID, CKR_OPERATION_NOT_INITIALIZED, \
	    CKR_OBJECT_HANDLE_INVALID, CKR_KEY_HANDLE_INVALID

static void
setup(void)
{
	p11_setup_user();
	aes = make_aes(hs, true, "aes");
	make_ec(hs, true, "pair", &pub, &priv);
}

static void
all_is_well(void)
{
	CHECK_OK(p11_init());
	hs = p11_open(true);
	p11_login(CKU_USER);
	ck_assert_uint_eq(find_label(hs, "aes"), 1);
	ck_assert_uint_eq(find_label(hs, "pair"), 2);
}

/* -- login and logout ---------------------------------------------------------------------- */

static void
verify_now(CK_SESSION_HANDLE s, CK_BYTE *sig, CK_ULONG n)
{
	CK_MECHANISM m = { CKM_ECDSA_SHA256, NULL, 0 };

	MUST_OK(p11->C_VerifyInit(s, &m, pub));
	MUST_OK(p11->C_Verify(s, BYTES("message"), sig, n));
}

/* A signature by a private key that one may see only now and then. */
static void
sign_when_possible(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE key)
{
	CK_MECHANISM m = { CKM_ECDSA_SHA256, NULL, 0 };
	CK_BYTE sig[64];
	CK_ULONG n = sizeof(sig);

	if (MAY(p11->C_SignInit(s, &m, key), CKR_KEY_HANDLE_INVALID, CKR_USER_NOT_LOGGED_IN) &&
	    MAY(p11->C_Sign(s, BYTES("message"), sig, &n), CKR_USER_NOT_LOGGED_IN))
		verify_now(s, sig, n);
}

static void
find_and_sign(CK_SESSION_HANDLE s)
{
	CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
	CK_ATTRIBUTE t = { CKA_CLASS, &class, sizeof(class) };
	CK_OBJECT_HANDLE o[4];
	CK_ULONG n;

	MUST_OK(p11->C_FindObjectsInit(s, &t, 1));
	MUST_OK(p11->C_FindObjects(s, o, N(o), &n));
	MUST_OK(p11->C_FindObjectsFinal(s));
	MUST(n <= 1);
	if (n == 1)
		sign_when_possible(s, o[0]);
}

static void
create_when_possible(CK_SESSION_HANDLE s, const struct worker *w)
{
	struct tmpl t = { .n = 0 };
	CK_OBJECT_HANDLE o;

	t_ulong(&t, CKA_CLASS, CKO_DATA);
	t_bool(&t, CKA_TOKEN, w->rounds % 4 == 0);
	t_bool(&t, CKA_PRIVATE, true);
	t_text(&t, CKA_LABEL, "private");
	if (MAY(p11->C_CreateObject(s, t.v, t.n, &o), CKR_USER_NOT_LOGGED_IN))
		(void)MAY(p11->C_DestroyObject(s, o), CKR_OBJECT_HANDLE_INVALID,
		    CKR_USER_NOT_LOGGED_IN);
}

static void
log_in_and_out(struct worker *w)
{
	CK_SESSION_INFO info;

	if (w->s == CK_INVALID_HANDLE)
		MUST(open_session(&w->s));
	if (w->number < 2) {
		(void)MAY(p11->C_Login(w->s, CKU_USER, BYTES(USER_PIN)),
		    CKR_USER_ALREADY_LOGGED_IN);
		sign_when_possible(w->s, priv);
		(void)MAY(p11->C_Logout(w->s), CKR_USER_NOT_LOGGED_IN);
	}
	MUST_OK(p11->C_GetSessionInfo(w->s, &info));
	MUST(info.state == CKS_RW_USER_FUNCTIONS || info.state == CKS_RW_PUBLIC_SESSION);
	sign_when_possible(w->s, priv);
	find_and_sign(w->s);
	create_when_possible(w->s, w);
}

START_TEST(logins_and_logouts_of_others_only_refuse)
{
	struct worker w[THREADS];

	workers_run(w, THREADS, 15, log_in_and_out);
	(void)p11->C_Logout(hs);
	p11_login(CKU_USER);
	ck_assert_uint_eq(find_label(hs, "aes"), 1);
	CHECK_OK(p11->C_Finalize(NULL));
	all_is_well();
}
END_TEST

/* -- destruction --------------------------------------------------------------------------- */

static CK_OBJECT_HANDLE _Atomic doomed;
static CK_BYTE doomed_value[32], doomed_block[16]; /* and what it makes of a block of zeros */

static CK_OBJECT_HANDLE
import_doomed(CK_SESSION_HANDLE s, bool token)
{
	struct tmpl t = { .n = 0 };
	CK_OBJECT_HANDLE o;

	t_secret(&t, CKK_AES);
	t_set_bool(&t, CKA_TOKEN, token);
	t_bytes(&t, CKA_VALUE, doomed_value, sizeof(doomed_value));
	MUST_OK(p11->C_CreateObject(s, t.v, t.n, &o));
	return o;
}

static void
encrypt_zeros(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE key)
{
	CK_MECHANISM m = { CKM_AES_ECB, NULL, 0 };
	CK_BYTE zeros[16] = { 0 }, out[16];
	CK_ULONG n = sizeof(out);

	if (!MAY(p11->C_EncryptInit(s, &m, key), GONE) ||
	    !MAY(p11->C_Encrypt(s, zeros, sizeof(zeros), out, &n), GONE))
		return;
	MUST(memcmp(out, doomed_block, sizeof(out)) == 0);
}

static void
use_doomed(struct worker *w)
{
	CK_OBJECT_HANDLE o = doomed, copy;
	CK_BBOOL b;
	CK_ATTRIBUTE a = { CKA_ENCRYPT, &b, sizeof(b) };

	if (w->s == CK_INVALID_HANDLE)
		MUST(open_session(&w->s));
	for (int i = 0; i < 20; i++)
		encrypt_zeros(w->s, o);
	if (MAY(p11->C_GetAttributeValue(w->s, o, &a, 1), CKR_OBJECT_HANDLE_INVALID))
		MUST(b == CK_TRUE);
	if (MAY(p11->C_CopyObject(w->s, o, NULL, 0, &copy), CKR_OBJECT_HANDLE_INVALID)) {
		encrypt_zeros(w->s, copy);
		MUST_OK(p11->C_DestroyObject(w->s, copy));
	}
}

static void
destroy_under_users(bool token, unsigned times)
{
	CK_MECHANISM m = { CKM_AES_ECB, NULL, 0 };
	CK_BYTE zeros[16] = { 0 };
	CK_ULONG n = sizeof(doomed_block);
	struct worker w[USERS];

	memset(doomed_value, 'k', sizeof(doomed_value));
	doomed = import_doomed(hs, token);
	CHECK_OK(p11->C_EncryptInit(hs, &m, doomed));
	CHECK_OK(p11->C_Encrypt(hs, zeros, sizeof(zeros), doomed_block, &n));
	for (unsigned i = 0; i < USERS; i++)
		worker_start(&w[i], i, use_doomed);
	for (unsigned i = 0; i < times; i++) {
		CK_OBJECT_HANDLE old = doomed;

		doomed = import_doomed(hs, token);
		MUST_OK(p11->C_DestroyObject(hs, old));
		MUST_RV(use_aes(hs, old), CKR_KEY_HANDLE_INVALID);
	}
	for (unsigned i = 0; i < USERS; i++)
		worker_stop(&w[i]);
}

START_TEST(a_key_destroyed_under_its_users_works_or_is_gone)
{
	destroy_under_users(false, 1500);
	destroy_under_users(true, 40);
}
END_TEST

/* -- sessions ------------------------------------------------------------------------------ */

/* A life of a session, as far as it goes. */
static void
use_session(CK_SESSION_HANDLE s)
{
	CK_MECHANISM gen = { CKM_AES_KEY_GEN, NULL, 0 }, sha = { CKM_SHA256, NULL, 0 };
	struct tmpl t = { .n = 0 };
	CK_OBJECT_HANDLE o, found[8];
	CK_BYTE out[32];
	CK_ULONG n = sizeof(out);

	t_secret(&t, CKK_AES);
	t_ulong(&t, CKA_VALUE_LEN, 32);
	if (MAY(p11->C_GenerateKey(s, &gen, t.v, t.n, &o), GONE)) {
		CK_RV rv = use_aes(s, o);
		const CK_RV gone[] = { GONE };

		MUST(rv == CKR_OK || one_of(rv, gone, N(gone)));
	}
	(void)(MAY(p11->C_DigestInit(s, &sha), GONE) &&
	    MAY(p11->C_DigestUpdate(s, BYTES("abc")), GONE) &&
	    MAY(p11->C_DigestFinal(s, out, &n), GONE));
	(void)(MAY(p11->C_FindObjectsInit(s, NULL, 0), GONE) &&
	    MAY(p11->C_FindObjects(s, found, N(found), &n), GONE) &&
	    MAY(p11->C_FindObjectsFinal(s), GONE));
	(void)MAY(p11->C_GenerateRandom(s, out, sizeof(out)), GONE);
}

static void
open_use_close(struct worker *w)
{
	CK_SESSION_HANDLE s;
	CK_TOKEN_INFO info;

	(void)w;
	(void)MAY(p11->C_GetTokenInfo(p11_slot, &info), CKR_CRYPTOKI_NOT_INITIALIZED);
	if (!open_session(&s))
		return;
	use_session(s);
	(void)MAY(p11->C_CloseSession(s), GONE);
}

START_TEST(close_all_sessions_beside_threads_that_use_them)
{
	struct worker w[USERS];
	CK_TOKEN_INFO info;

	for (unsigned i = 0; i < USERS; i++)
		worker_start(&w[i], i, open_use_close);
	for (int i = 0; i < 600; i++)
		MUST_OK(p11->C_CloseAllSessions(p11_slot));
	for (unsigned i = 0; i < USERS; i++)
		worker_stop(&w[i]);
	CHECK_OK(p11->C_CloseAllSessions(p11_slot));
	CHECK_OK(p11->C_GetTokenInfo(p11_slot, &info));
	ck_assert_uint_eq(info.ulSessionCount, 0);
	ck_assert_uint_eq(info.ulRwSessionCount, 0);
	hs = p11_open(true);
	p11_login(CKU_USER);
	/* Of the session objects, none is left. */
	ck_assert_uint_eq(find_all(hs, &(struct tmpl){ .n = 0 }, NULL), 4);
}
END_TEST

/* One session that all share: calls take turns, and find what the last one left. */
static void
use_shared_session(struct worker *w)
{
	CK_MECHANISM sha = { CKM_SHA256, NULL, 0 };
	CK_BYTE out[32];
	CK_ULONG n = sizeof(out);

	(void)w;
	(void)MAY(p11->C_DigestInit(hs, &sha), CKR_OPERATION_ACTIVE);
	(void)MAY(p11->C_DigestUpdate(hs, BYTES("abc")), CKR_OPERATION_NOT_INITIALIZED);
	(void)MAY(p11->C_Digest(hs, BYTES("abc"), out, &n), CKR_OPERATION_NOT_INITIALIZED,
	    CKR_OPERATION_ACTIVE);
	n = sizeof(out);
	(void)MAY(p11->C_DigestFinal(hs, out, &n), CKR_OPERATION_NOT_INITIALIZED);
	(void)MAY(p11->C_FindObjectsInit(hs, NULL, 0), CKR_OPERATION_ACTIVE);
	(void)MAY(p11->C_FindObjects(hs, &(CK_OBJECT_HANDLE){ 0 }, 1, &n),
	    CKR_OPERATION_NOT_INITIALIZED);
	(void)MAY(p11->C_FindObjectsFinal(hs), CKR_OPERATION_NOT_INITIALIZED);
}

START_TEST(threads_may_share_a_session)
{
	CK_MECHANISM sha = { CKM_SHA256, NULL, 0 };
	struct worker w[THREADS];
	CK_BYTE out[32];
	CK_ULONG n = sizeof(out);

	workers_run(w, THREADS, 500, use_shared_session);
	(void)p11->C_DigestInit(hs, NULL);
	(void)p11->C_FindObjectsFinal(hs);
	CHECK_OK(p11->C_DigestInit(hs, &sha));
	CHECK_OK(p11->C_Digest(hs, BYTES("abc"), out, &n));
	ck_assert_mem_eq(out, "\xba\x78\x16\xbf\x8f\x01\xcf\xea", 8);
}
END_TEST

/* -- finalize ------------------------------------------------------------------------------ */

static void
log_in_when_possible(CK_SESSION_HANDLE s)
{
	CK_MECHANISM m = { CKM_AES_ECB, NULL, 0 };
	struct tmpl t = { .n = 0 };
	CK_OBJECT_HANDLE o;
	CK_ULONG n;

	if (!MAY(p11->C_Login(s, CKU_USER, BYTES(USER_PIN)), GONE, CKR_USER_ALREADY_LOGGED_IN))
		return;
	t_text(&t, CKA_LABEL, "aes");
	if (!MAY(p11->C_FindObjectsInit(s, t.v, t.n), GONE) ||
	    !MAY(p11->C_FindObjects(s, &o, 1, &n), GONE))
		return;
	MUST(n == 1);
	(void)MAY(p11->C_EncryptInit(s, &m, o), GONE);
}

static void
write_when_possible(CK_SESSION_HANDLE s)
{
	struct tmpl t = { .n = 0 };
	CK_OBJECT_HANDLE o;

	t_ulong(&t, CKA_CLASS, CKO_DATA);
	t_bool(&t, CKA_TOKEN, true);
	t_bool(&t, CKA_PRIVATE, false);
	t_text(&t, CKA_LABEL, "written");
	(void)(MAY(p11->C_CreateObject(s, t.v, t.n, &o), GONE) &&
	    MAY(p11->C_DestroyObject(s, o), GONE));
}

static void
use_while_it_lasts(struct worker *w)
{
	CK_SESSION_HANDLE s;
	CK_TOKEN_INFO info;

	(void)MAY(p11->C_GetTokenInfo(p11_slot, &info), CKR_CRYPTOKI_NOT_INITIALIZED);
	if (!open_session(&s))
		return;
	use_session(s);
	if (w->number == 0 && w->rounds % 8 == 0) /* it takes its time, and C_Finalize waits */
		log_in_when_possible(s);
	if (w->number == 1)
		write_when_possible(s);
	if (w->number % 2 == 0) /* the others are closed by C_Finalize */
		(void)MAY(p11->C_CloseSession(s), GONE);
}

START_TEST(finalize_beside_threads_that_are_in_calls)
{
	struct worker w[USERS];

	for (unsigned i = 0; i < USERS; i++)
		worker_start(&w[i], i, use_while_it_lasts);
	for (int i = 0; i < 150; i++) {
		CHECK_OK(p11->C_Finalize(NULL));
		MUST_RV(p11->C_Finalize(NULL), CKR_CRYPTOKI_NOT_INITIALIZED);
		MUST_OK(p11->C_Initialize(NULL));
		for (int k = 0; k < i % 8; k++) { /* some lives are longer */
			CK_SESSION_HANDLE s;

			MUST(open_session(&s));
			use_session(s);
		}
	}
	for (unsigned i = 0; i < USERS; i++)
		worker_stop(&w[i]);
	CHECK_OK(p11->C_Finalize(NULL));
	all_is_well();
}
END_TEST

/* A session with much to clean up when it goes. */
static void
fill_and_close(struct worker *w)
{
	struct tmpl t = { .n = 0 };
	CK_SESSION_HANDLE s;
	CK_OBJECT_HANDLE o;

	(void)w;
	t_ulong(&t, CKA_CLASS, CKO_DATA);
	t_bool(&t, CKA_PRIVATE, false);
	if (!open_session(&s))
		return;
	for (int i = 0; i < 64; i++)
		if (!MAY(p11->C_CreateObject(s, t.v, t.n, &o), GONE))
			return;
	(void)MAY(p11->C_CloseSession(s), GONE);
}

START_TEST(finalize_beside_threads_that_close_their_sessions)
{
	struct worker w[USERS];

	for (unsigned i = 0; i < USERS; i++)
		worker_start(&w[i], i, fill_and_close);
	for (int i = 0; i < 300; i++) {
		CK_SESSION_HANDLE s;

		MUST_OK(p11->C_Finalize(NULL));
		MUST_OK(p11->C_Initialize(NULL));
		MUST(open_session(&s));
		use_session(s);
	}
	for (unsigned i = 0; i < USERS; i++)
		worker_stop(&w[i]);
	CHECK_OK(p11->C_Finalize(NULL));
	all_is_well();
}
END_TEST

static void
initialize_or_finalize(struct worker *w)
{
	CK_SESSION_HANDLE s;

	if (w->number % 2 == 0)
		(void)MAY(p11->C_Initialize(NULL), CKR_CRYPTOKI_ALREADY_INITIALIZED);
	else
		(void)MAY(p11->C_Finalize(NULL), CKR_CRYPTOKI_NOT_INITIALIZED);
	if (open_session(&s))
		use_session(s);
}

START_TEST(initialize_and_finalize_by_many_at_once)
{
	struct worker w[THREADS];

	workers_run(w, THREADS, 60, initialize_or_finalize);
	(void)p11->C_Finalize(NULL);
	all_is_well();
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("p11 thread races");
	TCase *t = tcase_create("races");

	tcase_add_checked_fixture(t, setup, p11_teardown);
	tcase_add_test(t, logins_and_logouts_of_others_only_refuse);
	tcase_add_test(t, a_key_destroyed_under_its_users_works_or_is_gone);
	tcase_add_test(t, close_all_sessions_beside_threads_that_use_them);
	tcase_add_test(t, threads_may_share_a_session);
	tcase_add_test(t, finalize_beside_threads_that_are_in_calls);
	tcase_add_test(t, finalize_beside_threads_that_close_their_sessions);
	tcase_add_test(t, initialize_and_finalize_by_many_at_once);
	suite_add_tcase(s, t);
	return p11_main(s);
}
