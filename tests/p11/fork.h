/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of forks share: a token with keys on it, and what a process does with it, be it
 * one that has just opened the token or one that had it open before the fork. */
#ifndef KMS_TESTS_P11_FORK_H
#define KMS_TESTS_P11_FORK_H

#include <pthread.h>
#include <stdatomic.h>

#include "tests/p11/child.h"
#include "tests/p11/threads.h"

#define MAY_BE_UNUSED __attribute__((unused))

static CK_OBJECT_HANDLE aes, pub, priv;
static CK_BYTE aes_of_zeros[16]; /* what the AES key makes of a block of zeros */

static inline MAY_BE_UNUSED void
encrypt_zeros(CK_OBJECT_HANDLE key, CK_BYTE out[16])
{
	CK_MECHANISM m = { CKM_AES_ECB, NULL, 0 };
	CK_BYTE zeros[16] = { 0 };
	CK_ULONG n = 16;

	CHECK_OK(p11->C_EncryptInit(hs, &m, key));
	CHECK_OK(p11->C_Encrypt(hs, zeros, sizeof(zeros), out, &n));
	ck_assert_uint_eq(n, 16);
}

static inline MAY_BE_UNUSED void
sign_and_verify(CK_OBJECT_HANDLE sign_key, CK_OBJECT_HANDLE verify_key)
{
	CK_MECHANISM m = { CKM_ECDSA_SHA256, NULL, 0 };
	CK_BYTE sig[64];
	CK_ULONG n = sizeof(sig);

	CHECK_OK(p11->C_SignInit(hs, &m, sign_key));
	CHECK_OK(p11->C_Sign(hs, BYTES("message"), sig, &n));
	CHECK_OK(p11->C_VerifyInit(hs, &m, verify_key));
	CHECK_OK(p11->C_Verify(hs, BYTES("message"), sig, n));
}

static inline MAY_BE_UNUSED CK_OBJECT_HANDLE
find_one(CK_OBJECT_CLASS class, const char *label)
{
	struct tmpl t = { .n = 0 };
	CK_OBJECT_HANDLE o = CK_INVALID_HANDLE;

	t_ulong(&t, CKA_CLASS, class);
	t_text(&t, CKA_LABEL, label);
	ck_assert_uint_eq(find_all(hs, &t, &o), 1);
	return o;
}

static inline MAY_BE_UNUSED void
put_data(const char *label)
{
	struct tmpl t = { .n = 0 };
	CK_OBJECT_HANDLE o;

	t_ulong(&t, CKA_CLASS, CKO_DATA);
	t_bool(&t, CKA_TOKEN, true);
	t_bool(&t, CKA_PRIVATE, true);
	t_text(&t, CKA_LABEL, label);
	CHECK_OK(create(hs, &t, &o));
}

static inline MAY_BE_UNUSED CK_STATE
state(void)
{
	CK_SESSION_INFO info;

	CHECK_OK(p11->C_GetSessionInfo(hs, &info));
	return info.state;
}

/* A token with keys on it, and a user who is logged in. */
static inline MAY_BE_UNUSED void
setup(void)
{
	p11_setup_user();
	aes = make_aes(hs, true, "aes");
	make_ec(hs, true, "pair", &pub, &priv);
	encrypt_zeros(aes, aes_of_zeros);
}

static inline MAY_BE_UNUSED void
begin_anew(void)
{
	CHECK_OK(p11_init());
	hs = p11_open(true);
	p11_login(CKU_USER);
}

/* All that a process wants of a token that it has just opened. */
static inline MAY_BE_UNUSED void
work(void)
{
	CK_BYTE block[16];

	encrypt_zeros(find_one(CKO_SECRET_KEY, "aes"), block);
	ck_assert_mem_eq(block, aes_of_zeros, sizeof(block));
	sign_and_verify(find_one(CKO_PRIVATE_KEY, "pair"), find_one(CKO_PUBLIC_KEY, "pair"));
}

/* And of one that it has had open all the time. */
static inline MAY_BE_UNUSED void
go_on(void)
{
	CK_BYTE block[16];

	ck_assert_uint_eq(state(), CKS_RW_USER_FUNCTIONS);
	encrypt_zeros(aes, block);
	ck_assert_mem_eq(block, aes_of_zeros, sizeof(block));
	sign_and_verify(priv, pub);
	work();
}

/* -- threads of a child -------------------------------------------------------------------- */

#define STARTERS 4

struct start {
	pthread_barrier_t *together;
	bool initialize;
	atomic_uint *first; /* how many of them did the work of initialising */
};

static inline MAY_BE_UNUSED void *
start_and_use(void *arg)
{
	struct start *st = arg;
	CK_MECHANISM m = { CKM_AES_KEY_GEN, NULL, 0 };
	struct tmpl t = { .n = 0 };
	CK_SESSION_HANDLE s;
	CK_OBJECT_HANDLE o;
	CK_RV rv;

	(void)pthread_barrier_wait(st->together);
	if (st->initialize) {
		rv = p11->C_Initialize(NULL);
		MUST(rv == CKR_OK || rv == CKR_CRYPTOKI_ALREADY_INITIALIZED);
		*st->first += rv == CKR_OK;
	}
	MUST_OK(p11->C_OpenSession(p11_slot, CKF_SERIAL_SESSION, NULL, NULL, &s));
	t_secret(&t, CKK_AES);
	t_ulong(&t, CKA_VALUE_LEN, 32);
	MUST_OK(p11->C_GenerateKey(s, &m, t.v, t.n, &o));
	MUST_OK(use_aes(s, o));
	return NULL;
}

/* A child whose threads all come at once; ARG: they call C_Initialize. */
static inline MAY_BE_UNUSED void
start_at_once(struct child *up, void *arg)
{
	pthread_barrier_t together;
	pthread_t t[STARTERS];
	atomic_uint first = 0;
	struct start st = { &together, arg != NULL, &first };

	(void)up;
	ck_assert_int_eq(pthread_barrier_init(&together, NULL, STARTERS), 0);
	for (size_t i = 0; i < STARTERS; i++)
		ck_assert_int_eq(pthread_create(&t[i], NULL, start_and_use, &st), 0);
	for (size_t i = 0; i < STARTERS; i++)
		ck_assert_int_eq(pthread_join(t[i], NULL), 0);
	ck_assert_uint_eq(first, st.initialize ? 1 : 0);
	CHECK_OK(p11->C_Finalize(NULL));
}

#endif
