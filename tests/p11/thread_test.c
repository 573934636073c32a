/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many threads at once, each with sessions of its own, and every result is looked at: nobody's
 * objects, operations or attributes become another's. What threads do against each other is in
 * thread_race_test.c.
 */
#define _GNU_SOURCE 1
#include "tests/p11/threads.h"

#include <stdio.h>

#define THREADS 8
#define ROUNDS	120 /* of each thread; a round is one of everything */

static CK_OBJECT_HANDLE aes, pub, priv; /* of the token, used by all */
static CK_BYTE text[3000], hash[32];	/* and what SHA-256 makes of it */

/* What a round has to do with. */
struct place {
	CK_SESSION_HANDLE s;
	unsigned thread, round;
};

/* -- operations ---------------------------------------------------------------------------- */

static void
digest(const struct place *p)
{
	CK_MECHANISM m = { CKM_SHA256, NULL, 0 };
	CK_ULONG n = 32, half = 100 * p->thread + p->round;
	CK_BYTE out[32];

	MUST_OK(p11->C_DigestInit(p->s, &m));
	MUST_OK(p11->C_DigestUpdate(p->s, text, half));
	MUST_OK(p11->C_DigestUpdate(p->s, text + half, sizeof(text) - half));
	MUST_OK(p11->C_DigestFinal(p->s, out, &n));
	MUST(memcmp(out, hash, sizeof(hash)) == 0);
}

static void
encrypt_and_decrypt(const struct place *p, CK_OBJECT_HANDLE key)
{
	CK_BYTE iv[16] = { (CK_BYTE)p->thread, (CK_BYTE)p->round };
	CK_MECHANISM m = { CKM_AES_CBC_PAD, iv, sizeof(iv) };
	CK_ULONG len = 1000 + p->thread, n = sizeof(text), last;
	CK_BYTE sealed[sizeof(text)], opened[sizeof(text)];

	MUST_OK(p11->C_EncryptInit(p->s, &m, key));
	MUST_OK(p11->C_EncryptUpdate(p->s, text, len, sealed, &n));
	last = sizeof(sealed) - n;
	MUST_OK(p11->C_EncryptFinal(p->s, sealed + n, &last));
	MUST(n + last == len / 16 * 16 + 16);
	MUST_OK(p11->C_DecryptInit(p->s, &m, key));
	len = sizeof(opened);
	MUST_OK(p11->C_Decrypt(p->s, sealed, n + last, opened, &len));
	MUST(len == 1000 + p->thread && memcmp(opened, text, len) == 0);
}

static void
sign_and_verify(const struct place *p, CK_MECHANISM_TYPE type, CK_OBJECT_HANDLE sign_key,
    CK_OBJECT_HANDLE verify_key)
{
	CK_MECHANISM m = { type, NULL, 0 };
	CK_BYTE sig[64];
	CK_ULONG n = sizeof(sig);

	MUST_OK(p11->C_SignInit(p->s, &m, sign_key));
	MUST_OK(p11->C_SignUpdate(p->s, text, 10 + p->thread));
	MUST_OK(p11->C_SignFinal(p->s, sig, &n));
	MUST_OK(p11->C_VerifyInit(p->s, &m, verify_key));
	MUST_OK(p11->C_Verify(p->s, text, 10 + p->thread, sig, n));
	MUST_OK(p11->C_VerifyInit(p->s, &m, verify_key));
	MUST_RV(p11->C_Verify(p->s, text, 11 + p->thread, sig, n), CKR_SIGNATURE_INVALID);
}

/* -- keys ---------------------------------------------------------------------------------- */

static CK_OBJECT_HANDLE
new_secret(const struct place *p, CK_MECHANISM_TYPE type, CK_KEY_TYPE key_type)
{
	CK_MECHANISM m = { type, NULL, 0 };
	struct tmpl t = { .n = 0 };
	CK_OBJECT_HANDLE o;

	t_secret(&t, key_type);
	t_ulong(&t, CKA_VALUE_LEN, 32);
	MUST_OK(p11->C_GenerateKey(p->s, &m, t.v, t.n, &o));
	return o;
}

static void
block_of(const struct place *p, CK_OBJECT_HANDLE key, CK_BYTE out[16])
{
	CK_MECHANISM m = { CKM_AES_ECB, NULL, 0 };
	CK_ULONG n = 16;

	MUST_OK(p11->C_EncryptInit(p->s, &m, key));
	MUST_OK(p11->C_Encrypt(p->s, text, 16, out, &n));
}

static void
same_key(const struct place *p, CK_OBJECT_HANDLE a, CK_OBJECT_HANDLE b)
{
	CK_BYTE x[16], y[16];

	block_of(p, a, x);
	block_of(p, b, y);
	MUST(memcmp(x, y, sizeof(x)) == 0);
}

static void
wrap_and_unwrap(const struct place *p, CK_OBJECT_HANDLE key)
{
	CK_MECHANISM m = { CKM_AES_KEY_WRAP, NULL, 0 };
	struct tmpl t = { .n = 0 };
	CK_BYTE wrapped[64];
	CK_ULONG n = sizeof(wrapped);
	CK_OBJECT_HANDLE copy;

	MUST_OK(p11->C_WrapKey(p->s, &m, aes, key, wrapped, &n));
	t_secret(&t, CKK_AES);
	MUST_OK(p11->C_UnwrapKey(p->s, &m, aes, wrapped, n, t.v, t.n, &copy));
	same_key(p, key, copy);
	MUST_OK(p11->C_DestroyObject(p->s, copy));
}

static CK_OBJECT_HANDLE
derive(const struct place *p, CK_OBJECT_HANDLE from, CK_OBJECT_HANDLE with)
{
	CK_BYTE point[100];
	CK_ATTRIBUTE a = { CKA_EC_POINT, point, sizeof(point) };
	CK_ECDH1_DERIVE_PARAMS params = { CKD_NULL, 0, NULL, 0, point };
	CK_MECHANISM m = { CKM_ECDH1_DERIVE, &params, sizeof(params) };
	struct tmpl t = { .n = 0 };
	CK_OBJECT_HANDLE o;

	MUST_OK(p11->C_GetAttributeValue(p->s, with, &a, 1));
	params.ulPublicDataLen = a.ulValueLen;
	t_secret(&t, CKK_AES);
	t_ulong(&t, CKA_VALUE_LEN, 32);
	MUST_OK(p11->C_DeriveKey(p->s, &m, from, t.v, t.n, &o));
	return o;
}

/* A pair of this thread alone, and a secret that it shares with the token's. */
static void
generate_and_derive(const struct place *p)
{
	CK_MECHANISM m = { CKM_EC_KEY_PAIR_GEN, NULL, 0 };
	struct tmpl a = { .n = 0 }, b = { .n = 0 };
	CK_OBJECT_HANDLE my_pub, my_priv, one, other;

	t_public(&a, CKK_EC);
	t_private(&b, CKK_EC);
	t_bytes(&a, CKA_EC_PARAMS, ec_p256, sizeof(ec_p256));
	MUST_OK(p11->C_GenerateKeyPair(p->s, &m, a.v, a.n, b.v, b.n, &my_pub, &my_priv));
	sign_and_verify(p, CKM_ECDSA_SHA256, my_priv, my_pub);
	one = derive(p, priv, my_pub);
	other = derive(p, my_priv, pub);
	same_key(p, one, other);
	MUST_OK(p11->C_DestroyObject(p->s, one));
	MUST_OK(p11->C_DestroyObject(p->s, other));
	MUST_OK(p11->C_DestroyObject(p->s, my_pub));
	MUST_OK(p11->C_DestroyObject(p->s, my_priv));
}

/* -- objects ------------------------------------------------------------------------------- */

static CK_ULONG
count(const struct place *p, const char *label)
{
	struct tmpl t = { .n = 0 };
	CK_OBJECT_HANDLE o[4];
	CK_ULONG n;

	t_text(&t, CKA_LABEL, label);
	MUST_OK(p11->C_FindObjectsInit(p->s, t.v, t.n));
	MUST_OK(p11->C_FindObjects(p->s, o, N(o), &n));
	MUST_OK(p11->C_FindObjectsFinal(p->s));
	return n;
}

static void
has_label(const struct place *p, CK_OBJECT_HANDLE o, const char *label)
{
	CK_BYTE room[64];
	CK_ATTRIBUTE a = { CKA_LABEL, room, sizeof(room) };

	MUST_OK(p11->C_GetAttributeValue(p->s, o, &a, 1));
	MUST(a.ulValueLen == strlen(label) && memcmp(room, label, a.ulValueLen) == 0);
}

/* One object from its making to its end, under names that no other thread gives. */
static void
live_and_die(const struct place *p, bool token)
{
	char name[32], other[32];
	struct tmpl t = { .n = 0 };
	CK_ATTRIBUTE a = { CKA_LABEL, other, 0 };
	CK_OBJECT_HANDLE o, copy;

	snprintf(name, sizeof(name), "thread %u round %u", p->thread, p->round);
	a.ulValueLen =
	    (CK_ULONG)snprintf(other, sizeof(other), "renamed %u %u", p->thread, p->round);
	t_ulong(&t, CKA_CLASS, CKO_DATA);
	t_bool(&t, CKA_TOKEN, token);
	t_bool(&t, CKA_PRIVATE, p->round % 2 == 0);
	t_text(&t, CKA_LABEL, name);
	t_bytes(&t, CKA_VALUE, text, 50);
	MUST_OK(p11->C_CreateObject(p->s, t.v, t.n, &o));
	has_label(p, o, name);
	MUST_OK(p11->C_CopyObject(p->s, o, NULL, 0, &copy));
	MUST(count(p, name) == 2);
	MUST_OK(p11->C_SetAttributeValue(p->s, o, &a, 1));
	has_label(p, o, other);
	has_label(p, copy, name);
	MUST(count(p, name) == 1 && count(p, other) == 1);
	MUST_OK(p11->C_DestroyObject(p->s, o));
	MUST(count(p, name) == 1 && count(p, other) == 0);
	MUST_RV(p11->C_GetAttributeValue(p->s, o, &a, 1), CKR_OBJECT_HANDLE_INVALID);
	MUST_OK(p11->C_DestroyObject(p->s, copy));
}

/* -- what is asked of the module ------------------------------------------------------------ */

static void
ask_around(const struct place *p)
{
	CK_TOKEN_INFO token;
	CK_SESSION_INFO session;
	CK_MECHANISM_INFO mech;
	CK_SLOT_ID slots[4];
	CK_BYTE a[32] = { 0 }, b[32] = { 0 };
	CK_ULONG n = N(slots);

	MUST_OK(p11->C_GetSlotList(CK_TRUE, slots, &n));
	MUST(n == 1 && slots[0] == p11_slot);
	MUST_OK(p11->C_GetTokenInfo(p11_slot, &token));
	MUST(token.ulSessionCount >= 1 && token.ulSessionCount <= 2 * THREADS + 1);
	MUST_OK(p11->C_GetMechanismInfo(p11_slot, CKM_AES_GCM, &mech));
	MUST_OK(p11->C_GetSessionInfo(p->s, &session));
	MUST(session.state == CKS_RW_USER_FUNCTIONS);
	MUST_OK(p11->C_GenerateRandom(p->s, a, sizeof(a)));
	MUST_OK(p11->C_GenerateRandom(p->s, b, sizeof(b)));
	MUST(memcmp(a, b, sizeof(a)) != 0);
	MUST_RV(p11->C_Login(p->s, CKU_USER, BYTES(USER_PIN)), CKR_USER_ALREADY_LOGGED_IN);
}

static void
one_of_everything(struct worker *w)
{
	struct place p = { .thread = w->number, .round = w->rounds };
	CK_OBJECT_HANDLE key, mac;

	MUST_OK(p11->C_OpenSession(p11_slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL,
	    &p.s));
	if (w->s == CK_INVALID_HANDLE)
		w->s = p.s; /* the first one stays */
	key = new_secret(&p, CKM_AES_KEY_GEN, CKK_AES);
	mac = new_secret(&p, CKM_GENERIC_SECRET_KEY_GEN, CKK_GENERIC_SECRET);
	digest(&p);
	encrypt_and_decrypt(&p, aes);
	encrypt_and_decrypt(&p, key);
	sign_and_verify(&p, CKM_ECDSA_SHA256, priv, pub);
	sign_and_verify(&p, CKM_SHA256_HMAC, mac, mac);
	wrap_and_unwrap(&p, key);
	generate_and_derive(&p);
	live_and_die(&p, false);
	if ((p.round + p.thread) % 6 == 0)
		live_and_die(&p, true);
	ask_around(&p);
	if (p.s != w->s) {
		MUST_OK(p11->C_CloseSession(p.s));
		MUST_RV(use_aes(p.s, aes), CKR_SESSION_HANDLE_INVALID);
	}
	MUST_OK(use_aes(w->s, aes));
}

static void
setup(void)
{
	CK_MECHANISM m = { CKM_SHA256, NULL, 0 };
	CK_ULONG n = sizeof(hash);

	p11_setup_user();
	aes = make_aes(hs, true, "aes");
	make_ec(hs, true, "pair", &pub, &priv);
	memset(text, 'x', sizeof(text));
	CHECK_OK(p11->C_DigestInit(hs, &m));
	CHECK_OK(p11->C_Digest(hs, text, sizeof(text), hash, &n));
}

START_TEST(threads_that_do_everything_at_once_do_not_meet)
{
	CK_SESSION_INFO info;
	struct worker w[THREADS];

	workers_run(w, THREADS, ROUNDS, one_of_everything);
	/* The token's three, the profile, and the two keys of each session that is still open. */
	ck_assert_uint_eq(find_all(hs, &(struct tmpl){ .n = 0 }, NULL), 4 + 2 * THREADS);
	CHECK_OK(p11->C_CloseAllSessions(p11_slot));
	for (size_t i = 0; i < THREADS; i++)
		CHECK_RV(p11->C_GetSessionInfo(w[i].s, &info), CKR_SESSION_HANDLE_INVALID);
}
END_TEST

/* -- one object, many writers -------------------------------------------------------------- */

static CK_OBJECT_HANDLE shared;
#define WRITERS 4

/* Each writer has an attribute of its own, and an object is changed as a whole. */
static CK_ATTRIBUTE
attribute_of(unsigned thread, unsigned round, char *room, size_t cap)
{
	static const CK_ATTRIBUTE_TYPE types[WRITERS] = { CKA_LABEL, CKA_APPLICATION, CKA_OBJECT_ID,
		CKA_VALUE };
	int n = snprintf(room, cap, "thread %u round %u", thread, round);

	return (CK_ATTRIBUTE){ types[thread], room, (CK_ULONG)n };
}

static void
write_own_attribute(struct worker *w)
{
	char room[48], back[48];
	CK_ATTRIBUTE a = attribute_of(w->number, w->rounds, room, sizeof(room));
	CK_ATTRIBUTE b = { a.type, back, sizeof(back) };

	if (w->s == CK_INVALID_HANDLE)
		MUST_OK(p11->C_OpenSession(p11_slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL,
		    NULL, &w->s));
	MUST_OK(p11->C_SetAttributeValue(w->s, shared, &a, 1));
	MUST_OK(p11->C_GetAttributeValue(w->s, shared, &b, 1));
	MUST(a.ulValueLen == b.ulValueLen && memcmp(room, back, a.ulValueLen) == 0);
}

static void
write_at_once(bool token, unsigned rounds)
{
	struct tmpl t = { .n = 0 };
	struct worker w[WRITERS];
	char room[48], back[48];

	t_ulong(&t, CKA_CLASS, CKO_DATA);
	t_bool(&t, CKA_TOKEN, token);
	t_bool(&t, CKA_PRIVATE, true);
	CHECK_OK(create(hs, &t, &shared));
	workers_run(w, WRITERS, rounds, write_own_attribute);
	for (unsigned i = 0; i < WRITERS; i++) {
		CK_ATTRIBUTE a = attribute_of(i, rounds - 1, room, sizeof(room));

		ck_assert_uint_eq(get_bytes(shared, a.type, back, sizeof(back)), a.ulValueLen);
		ck_assert_mem_eq(back, room, a.ulValueLen);
	}
}

START_TEST(no_change_to_a_session_object_is_lost)
{
	write_at_once(false, 5000);
}
END_TEST

START_TEST(no_change_to_a_token_object_is_lost)
{
	write_at_once(true, 25);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("p11 threads");
	TCase *t = tcase_create("threads");

	tcase_add_checked_fixture(t, setup, p11_teardown);
	tcase_add_test(t, threads_that_do_everything_at_once_do_not_meet);
	tcase_add_test(t, no_change_to_a_session_object_is_lost);
	tcase_add_test(t, no_change_to_a_token_object_is_lost);
	suite_add_tcase(s, t);
	return p11_main(s);
}
