/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Forks while other threads are in the middle of calls: whatever lock they hold, whatever they have
 * half written, the child works at once, and they never notice.
 */
#define _GNU_SOURCE 1
#include "tests/p11/fork.h"

#include <stdio.h>

#include "tests/p11/threads.h"

#define WORKERS 2

static CK_BYTE known_sig[64]; /* of "message" by the pair */

static void
busy_setup(void)
{
	CK_MECHANISM m = { CKM_ECDSA_SHA256, NULL, 0 };
	CK_ULONG n = sizeof(known_sig);

	setup();
	CHECK_OK(p11->C_SignInit(hs, &m, priv));
	CHECK_OK(p11->C_Sign(hs, BYTES("message"), known_sig, &n));
	ck_assert_uint_eq(n, sizeof(known_sig));
}

/* -- what children do ---------------------------------------------------------------------- */

static CK_OBJECT_HANDLE
put_public(CK_SESSION_HANDLE s, const char *label)
{
	struct tmpl t = { .n = 0 };
	CK_OBJECT_HANDLE o;

	t_ulong(&t, CKA_CLASS, CKO_DATA);
	t_bool(&t, CKA_TOKEN, true);
	t_bool(&t, CKA_PRIVATE, false);
	t_text(&t, CKA_LABEL, label);
	MUST_OK(create(s, &t, &o));
	return o;
}

/* Reads, uses and writes without the time that a login takes, so that there can be many. */
static void
work_in_public(struct child *up, void *arg)
{
	CK_MECHANISM m = { CKM_ECDSA_SHA256, NULL, 0 };

	(void)up;
	(void)arg;
	CHECK_OK(p11_init());
	hs = p11_open(true);
	CHECK_OK(p11->C_VerifyInit(hs, &m, find_one(CKO_PUBLIC_KEY, "pair")));
	CHECK_OK(p11->C_Verify(hs, BYTES("message"), known_sig, sizeof(known_sig)));
	put_public(hs, "child's");
	CHECK_OK(p11->C_Finalize(NULL));
}

static void
work_in_full(struct child *up, void *arg)
{
	(void)up;
	(void)arg;
	begin_anew();
	work();
	put_data("child's");
	CHECK_OK(p11->C_Finalize(NULL));
}

static void
do_nothing(struct child *up, void *arg)
{
	(void)up;
	(void)arg;
	CHECK_RV(p11->C_Finalize(NULL), CKR_CRYPTOKI_NOT_INITIALIZED);
	exit(0);
}

/* -- what threads do ----------------------------------------------------------------------- */

static CK_SESSION_HANDLE
session_of(struct worker *w)
{
	if (w->s == CK_INVALID_HANDLE)
		MUST_OK(p11->C_OpenSession(p11_slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL,
		    NULL, &w->s));
	return w->s;
}

static void
sign_on(struct worker *w)
{
	CK_MECHANISM m = { CKM_ECDSA_SHA256, NULL, 0 };
	CK_SESSION_HANDLE s = session_of(w);
	CK_BYTE sig[64];
	CK_ULONG n = sizeof(sig);

	MUST_OK(p11->C_SignInit(s, &m, priv));
	MUST_OK(p11->C_Sign(s, BYTES("message"), sig, &n));
	MUST_OK(p11->C_VerifyInit(s, &m, pub));
	MUST_OK(p11->C_Verify(s, BYTES("message"), sig, n));
}

static void
create_on(struct worker *w)
{
	CK_SESSION_HANDLE s = session_of(w);
	char label[32], other[32];
	CK_OBJECT_HANDLE o;
	CK_ATTRIBUTE a = { CKA_LABEL, other, 0 };

	snprintf(label, sizeof(label), "thread %u, %u", w->number, atomic_load(&w->rounds));
	a.ulValueLen = (CK_ULONG)snprintf(other, sizeof(other), "%s, renamed", label);
	o = put_public(s, label);
	MUST_OK(p11->C_SetAttributeValue(s, o, &a, 1));
	if (atomic_load(&w->rounds) % 2 == 0)
		MUST_OK(p11->C_DestroyObject(s, o));
}

static void
find_on(struct worker *w)
{
	CK_SESSION_HANDLE s = session_of(w);
	struct tmpl t = { .n = 0 };
	CK_OBJECT_HANDLE o[8];
	CK_ULONG n;

	t_text(&t, CKA_LABEL, "pair");
	MUST_OK(p11->C_FindObjectsInit(s, t.v, t.n));
	MUST_OK(p11->C_FindObjects(s, o, N(o), &n));
	MUST(n >= 1 && n <= 2); /* the private half is seen after a login only */
	MUST_OK(p11->C_FindObjectsFinal(s));
}

static void
make_keys_on(struct worker *w)
{
	CK_SESSION_HANDLE s = session_of(w);
	CK_MECHANISM m = { CKM_AES_KEY_GEN, NULL, 0 };
	struct tmpl t = { .n = 0 };
	CK_OBJECT_HANDLE o;
	CK_BYTE random[100];

	t_secret(&t, CKK_AES);
	t_ulong(&t, CKA_VALUE_LEN, 32);
	MUST_OK(p11->C_GenerateKey(s, &m, t.v, t.n, &o));
	MUST_OK(use_aes(s, o));
	MUST_OK(p11->C_DestroyObject(s, o));
	MUST_OK(p11->C_GenerateRandom(s, random, sizeof(random)));
}

/* Most of its time the PIN is being stretched. */
static void
login_on(struct worker *w)
{
	CK_SESSION_HANDLE s = session_of(w);

	MUST_OK(p11->C_Login(s, CKU_USER, BYTES(USER_PIN)));
	MUST_OK(p11->C_Logout(s));
}

static void
initialize_on(struct worker *w)
{
	w->s = CK_INVALID_HANDLE;
	MUST_OK(p11_init());
	find_on(&(struct worker){ .s = CK_INVALID_HANDLE });
	MUST_OK(p11->C_Finalize(NULL));
}

/* -- the tests ----------------------------------------------------------------------------- */

static void
fork_among(struct worker *w, size_t n, unsigned forks, void (*body)(struct child *up, void *arg))
{
	for (unsigned i = 0; i < forks; i++)
		in_child(body, NULL);
	for (size_t i = 0; i < n; i++)
		worker_stop(&w[i]);
}

static void
fork_beside(void (*round)(struct worker *w), unsigned forks,
    void (*body)(struct child *up, void *arg))
{
	struct worker w[WORKERS];

	for (unsigned i = 0; i < WORKERS; i++)
		worker_start(&w[i], i, round);
	fork_among(w, WORKERS, forks, body);
}

START_TEST(a_fork_beside_threads_that_sign)
{
	fork_beside(sign_on, 60, work_in_public);
	fork_beside(sign_on, 6, work_in_full);
	go_on();
}
END_TEST

START_TEST(a_fork_beside_threads_that_create_change_and_destroy)
{
	fork_beside(create_on, 40, work_in_public);
	ck_assert_uint_eq(find_label(hs, "child's"), 40);
	fork_beside(create_on, 4, work_in_full);
	ck_assert_uint_eq(find_label(hs, "child's"), 44);
	go_on();
}
END_TEST

START_TEST(a_fork_beside_threads_that_find)
{
	fork_beside(find_on, 60, work_in_public);
	go_on();
}
END_TEST

START_TEST(a_fork_beside_threads_that_make_keys)
{
	fork_beside(make_keys_on, 60, work_in_public);
	go_on();
}
END_TEST

START_TEST(a_fork_beside_a_thread_that_logs_in)
{
	struct worker w[1];

	CHECK_OK(p11->C_Logout(hs));
	worker_start(&w[0], 0, login_on);
	fork_among(w, 1, 10, work_in_full);
	p11_login(CKU_USER);
	ck_assert_uint_eq(find_label(hs, "child's"), 10);
	work();
}
END_TEST

START_TEST(a_fork_beside_a_thread_that_initializes_and_finalizes)
{
	struct worker w[1];

	CHECK_OK(p11->C_Finalize(NULL));
	worker_start(&w[0], 0, initialize_on);
	fork_among(w, 1, 60, work_in_public);
	begin_anew();
	ck_assert_uint_eq(find_label(hs, "child's"), 60);
	work();
}
END_TEST

START_TEST(a_child_that_does_nothing_beside_threads_that_do)
{
	fflush(NULL);
	fork_beside(create_on, 8, do_nothing);
	fork_beside(sign_on, 8, do_nothing);
	go_on();
}
END_TEST

START_TEST(a_fork_beside_everything_at_once)
{
	static void (*const rounds[])(struct worker * w) = {
		sign_on,
		create_on,
		find_on,
		make_keys_on,
		create_on,
	};
	struct worker w[N(rounds)];

	for (unsigned i = 0; i < N(rounds); i++)
		worker_start(&w[i], i, rounds[i]);
	fork_among(w, N(rounds), 25, work_in_public);
	ck_assert_uint_eq(find_label(hs, "child's"), 25);
	go_on();
}
END_TEST

/* Both have locks of their own, which they do not open in a child and which every thread takes. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define UNDER_SANITIZER true
#elif defined(__has_feature)
#define UNDER_SANITIZER (__has_feature(address_sanitizer) || __has_feature(thread_sanitizer))
#else
#define UNDER_SANITIZER false
#endif

int
main(void)
{
	Suite *s;
	TCase *t;

	if (UNDER_SANITIZER) {
		fprintf(stderr, "skipped: a sanitizer cannot fork beside busy threads\n");
		return 77;
	}
	s = suite_create("p11 fork, busy");
	t = tcase_create("busy");
	tcase_add_checked_fixture(t, busy_setup, p11_teardown);
	tcase_add_test(t, a_fork_beside_threads_that_sign);
	tcase_add_test(t, a_fork_beside_threads_that_create_change_and_destroy);
	tcase_add_test(t, a_fork_beside_threads_that_find);
	tcase_add_test(t, a_fork_beside_threads_that_make_keys);
	tcase_add_test(t, a_fork_beside_a_thread_that_logs_in);
	tcase_add_test(t, a_fork_beside_a_thread_that_initializes_and_finalizes);
	tcase_add_test(t, a_child_that_does_nothing_beside_threads_that_do);
	tcase_add_test(t, a_fork_beside_everything_at_once);
	suite_add_tcase(s, t);
	return p11_main(s);
}
