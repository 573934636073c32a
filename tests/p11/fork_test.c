/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a fork leaves: a child that has nothing until it calls C_Initialize and everything after
 * it, and a parent that notices nothing. Forks while other threads are at work are in
 * fork_busy_test.c.
 */
#define _GNU_SOURCE 1
#include "tests/p11/fork.h"

#include <stdio.h>

/* -- before C_Initialize ------------------------------------------------------------------- */

#define REFUSES(...)  CHECK_RV(p11->__VA_ARGS__, CKR_CRYPTOKI_NOT_INITIALIZED)
#define REFUSES3(...) CHECK_RV(p11v3->__VA_ARGS__, CKR_CRYPTOKI_NOT_INITIALIZED)

static CK_MECHANISM some_mech = { CKM_SHA256, NULL, 0 };
static CK_BYTE in[32], out[1024];

static void
refuses_tokens_and_sessions(void)
{
	CK_ULONG n = sizeof(out);
	CK_SLOT_ID slots[4];
	union {
		CK_INFO info;
		CK_SLOT_INFO slot;
		CK_TOKEN_INFO token;
		CK_MECHANISM_INFO mech;
		CK_SESSION_INFO session;
	} u;
	CK_UTF8CHAR label[32] = "label";
	CK_SESSION_HANDLE s;

	REFUSES(C_GetInfo(&u.info));
	REFUSES(C_GetSlotList(CK_TRUE, slots, &n));
	REFUSES(C_GetSlotInfo(p11_slot, &u.slot));
	REFUSES(C_GetTokenInfo(p11_slot, &u.token));
	REFUSES(C_GetMechanismList(p11_slot, NULL, &n));
	REFUSES(C_GetMechanismInfo(p11_slot, CKM_SHA256, &u.mech));
	REFUSES(C_WaitForSlotEvent(CKF_DONT_BLOCK, slots, NULL));
	REFUSES(C_InitToken(p11_slot, BYTES(SO_PIN), label));
	REFUSES(C_OpenSession(p11_slot, CKF_SERIAL_SESSION, NULL, NULL, &s));
	REFUSES(C_CloseAllSessions(p11_slot));
	REFUSES(C_InitPIN(hs, BYTES(USER_PIN)));
	REFUSES(C_SetPIN(hs, BYTES(USER_PIN), BYTES(USER_PIN)));
	REFUSES(C_GetSessionInfo(hs, &u.session));
	REFUSES(C_GetOperationState(hs, out, &n));
	REFUSES(C_SetOperationState(hs, in, sizeof(in), 0, 0));
	REFUSES(C_Login(hs, CKU_USER, BYTES(USER_PIN)));
	REFUSES(C_Logout(hs));
	REFUSES(C_GenerateRandom(hs, out, 8));
	REFUSES(C_SeedRandom(hs, in, 8));
	REFUSES(C_CloseSession(hs));
}

static void
refuses_objects_and_keys(void)
{
	struct tmpl t = { .n = 0 };
	CK_OBJECT_HANDLE o, o2;
	CK_ULONG n = sizeof(out);

	t_ulong(&t, CKA_CLASS, CKO_DATA);
	REFUSES(C_CreateObject(hs, t.v, t.n, &o));
	REFUSES(C_CopyObject(hs, aes, t.v, t.n, &o));
	REFUSES(C_DestroyObject(hs, aes));
	REFUSES(C_GetObjectSize(hs, aes, &n));
	REFUSES(C_GetAttributeValue(hs, aes, t.v, t.n));
	REFUSES(C_SetAttributeValue(hs, aes, t.v, t.n));
	REFUSES(C_FindObjectsInit(hs, t.v, t.n));
	REFUSES(C_FindObjects(hs, &o, 1, &n));
	REFUSES(C_FindObjectsFinal(hs));
	REFUSES(C_GenerateKey(hs, &some_mech, t.v, t.n, &o));
	REFUSES(C_GenerateKeyPair(hs, &some_mech, t.v, t.n, t.v, t.n, &o, &o2));
	REFUSES(C_WrapKey(hs, &some_mech, aes, aes, out, &n));
	REFUSES(C_UnwrapKey(hs, &some_mech, aes, in, sizeof(in), t.v, t.n, &o));
	REFUSES(C_DeriveKey(hs, &some_mech, priv, t.v, t.n, &o));
}

static void
refuses_operations(void)
{
	CK_ULONG n = sizeof(out);

	REFUSES(C_EncryptInit(hs, &some_mech, aes));
	REFUSES(C_Encrypt(hs, in, sizeof(in), out, &n));
	REFUSES(C_EncryptUpdate(hs, in, sizeof(in), out, &n));
	REFUSES(C_EncryptFinal(hs, out, &n));
	REFUSES(C_DecryptInit(hs, &some_mech, aes));
	REFUSES(C_Decrypt(hs, in, sizeof(in), out, &n));
	REFUSES(C_DecryptUpdate(hs, in, sizeof(in), out, &n));
	REFUSES(C_DecryptFinal(hs, out, &n));
	REFUSES(C_DigestInit(hs, &some_mech));
	REFUSES(C_Digest(hs, in, sizeof(in), out, &n));
	REFUSES(C_DigestUpdate(hs, in, sizeof(in)));
	REFUSES(C_DigestKey(hs, aes));
	REFUSES(C_DigestFinal(hs, out, &n));
	REFUSES(C_SignInit(hs, &some_mech, priv));
	REFUSES(C_Sign(hs, in, sizeof(in), out, &n));
	REFUSES(C_SignUpdate(hs, in, sizeof(in)));
	REFUSES(C_SignFinal(hs, out, &n));
	REFUSES(C_SignRecoverInit(hs, &some_mech, priv));
	REFUSES(C_SignRecover(hs, in, sizeof(in), out, &n));
	REFUSES(C_VerifyInit(hs, &some_mech, pub));
	REFUSES(C_Verify(hs, in, sizeof(in), out, 64));
	REFUSES(C_VerifyUpdate(hs, in, sizeof(in)));
	REFUSES(C_VerifyFinal(hs, out, 64));
	REFUSES(C_VerifyRecoverInit(hs, &some_mech, pub));
	REFUSES(C_VerifyRecover(hs, in, sizeof(in), out, &n));
	REFUSES(C_DigestEncryptUpdate(hs, in, sizeof(in), out, &n));
	REFUSES(C_DecryptDigestUpdate(hs, in, sizeof(in), out, &n));
	REFUSES(C_SignEncryptUpdate(hs, in, sizeof(in), out, &n));
	REFUSES(C_DecryptVerifyUpdate(hs, in, sizeof(in), out, &n));
}

static void
refuses_what_3_0_added(void)
{
	CK_ULONG n = sizeof(out);

	REFUSES3(C_LoginUser(hs, CKU_USER, BYTES(USER_PIN), NULL, 0));
	REFUSES3(C_SessionCancel(hs, CKF_SIGN));
	REFUSES3(C_MessageEncryptInit(hs, &some_mech, aes));
	REFUSES3(C_EncryptMessage(hs, NULL, 0, NULL, 0, in, sizeof(in), out, &n));
	REFUSES3(C_EncryptMessageBegin(hs, NULL, 0, NULL, 0));
	REFUSES3(C_EncryptMessageNext(hs, NULL, 0, in, sizeof(in), out, &n, 0));
	REFUSES3(C_MessageEncryptFinal(hs));
	REFUSES3(C_MessageDecryptInit(hs, &some_mech, aes));
	REFUSES3(C_DecryptMessage(hs, NULL, 0, NULL, 0, in, sizeof(in), out, &n));
	REFUSES3(C_DecryptMessageBegin(hs, NULL, 0, NULL, 0));
	REFUSES3(C_DecryptMessageNext(hs, NULL, 0, in, sizeof(in), out, &n, 0));
	REFUSES3(C_MessageDecryptFinal(hs));
	REFUSES3(C_MessageSignInit(hs, &some_mech, priv));
	REFUSES3(C_SignMessage(hs, NULL, 0, in, sizeof(in), out, &n));
	REFUSES3(C_SignMessageBegin(hs, NULL, 0));
	REFUSES3(C_SignMessageNext(hs, NULL, 0, in, sizeof(in), out, &n));
	REFUSES3(C_MessageSignFinal(hs));
	REFUSES3(C_MessageVerifyInit(hs, &some_mech, pub));
	REFUSES3(C_VerifyMessage(hs, NULL, 0, in, sizeof(in), out, 64));
	REFUSES3(C_VerifyMessageBegin(hs, NULL, 0));
	REFUSES3(C_VerifyMessageNext(hs, NULL, 0, in, sizeof(in), out, 64));
	REFUSES3(C_MessageVerifyFinal(hs));
}

static void
call_everything(struct child *up, void *arg)
{
	(void)up;
	(void)arg;
	refuses_tokens_and_sessions();
	refuses_objects_and_keys();
	refuses_operations();
	if (p11v3 != NULL)
		refuses_what_3_0_added();
	CHECK_RV(p11->C_GetFunctionStatus(hs), CKR_FUNCTION_NOT_PARALLEL);
	CHECK_RV(p11->C_CancelFunction(hs), CKR_FUNCTION_NOT_PARALLEL);
	REFUSES(C_Finalize(NULL));
	REFUSES(C_Finalize(out));
	CHECK_RV(p11->C_Finalize(NULL), CKR_CRYPTOKI_NOT_INITIALIZED);
}

START_TEST(every_call_before_initialize_says_that_the_child_is_not_initialized)
{
	in_child(call_everything, NULL);
	go_on();
}
END_TEST

/* The same calls mean something else where nobody has forked, or the test would prove nothing. */
START_TEST(the_same_calls_do_something_else_in_the_parent)
{
	CK_INFO info;
	CK_ULONG n = sizeof(out);

	CHECK_OK(p11->C_GetInfo(&info));
	CHECK_RV(p11->C_GetOperationState(hs, out, &n), CKR_FUNCTION_NOT_SUPPORTED);
	CHECK_RV(p11->C_SignFinal(hs, out, &n), CKR_OPERATION_NOT_INITIALIZED);
}
END_TEST

/* -- idle forks ---------------------------------------------------------------------------- */

static void
begin_and_work(struct child *up, void *arg)
{
	(void)up;
	(void)arg;
	begin_anew();
	work();
	put_data("child's");
	CHECK_OK(p11->C_Finalize(NULL));
}

START_TEST(a_child_initializes_logs_in_and_works)
{
	in_child(begin_and_work, NULL);
	go_on();
}
END_TEST

START_TEST(what_a_child_creates_the_parent_finds)
{
	ck_assert_uint_eq(find_label(hs, "child's"), 0);
	in_child(begin_and_work, NULL);
	ck_assert_uint_eq(find_label(hs, "child's"), 1);
	in_child(begin_and_work, NULL);
	ck_assert_uint_eq(find_label(hs, "child's"), 2);
	go_on();
}
END_TEST

static void
inherit_nothing(struct child *up, void *arg)
{
	CK_SESSION_HANDLE parents = hs;
	CK_OBJECT_HANDLE parents_key = aes;
	CK_SESSION_INFO info;
	CK_TOKEN_INFO token;

	(void)up;
	(void)arg;
	CHECK_OK(p11_init());
	CHECK_RV(p11->C_GetSessionInfo(parents, &info), CKR_SESSION_HANDLE_INVALID);
	CHECK_OK(p11->C_GetTokenInfo(p11_slot, &token));
	ck_assert_uint_eq(token.ulSessionCount, 0);
	hs = p11_open(true);
	ck_assert_uint_ne(hs, parents);
	CHECK_RV(p11->C_GetSessionInfo(parents, &info), CKR_SESSION_HANDLE_INVALID);
	ck_assert_uint_eq(state(), CKS_RW_PUBLIC_SESSION);
	ck_assert_uint_eq(find_label(hs, "aes"), 0);
	CHECK_RV(use_aes(hs, parents_key), CKR_KEY_HANDLE_INVALID);
	CHECK_RV(p11->C_Logout(hs), CKR_USER_NOT_LOGGED_IN);
	CHECK_OK(p11->C_CloseAllSessions(p11_slot));
}

START_TEST(a_child_has_neither_sessions_nor_a_login_nor_handles_of_its_parent)
{
	in_child(inherit_nothing, NULL);
	go_on();
}
END_TEST

static void
finalize_alone(struct child *up, void *arg)
{
	(void)up;
	(void)arg;
	CHECK_RV(p11->C_Finalize(NULL), CKR_CRYPTOKI_NOT_INITIALIZED);
	CHECK_RV(p11->C_Finalize(NULL), CKR_CRYPTOKI_NOT_INITIALIZED);
	begin_anew();
	work();
	CHECK_RV(p11_init(), CKR_CRYPTOKI_ALREADY_INITIALIZED);
	CHECK_OK(p11->C_Finalize(NULL));
	CHECK_RV(p11->C_Finalize(NULL), CKR_CRYPTOKI_NOT_INITIALIZED);
	begin_anew();
	work();
}

START_TEST(a_child_may_finalize_without_initializing_and_initialize_after_it)
{
	in_child(finalize_alone, NULL);
	go_on();
}
END_TEST

/* ARG: how many generations are to follow; every other one uses the module before it forks. */
static void
bear(struct child *up, void *arg)
{
	uintptr_t left = (uintptr_t)arg;

	(void)up;
	if (left % 2 == 0) {
		begin_anew();
		work();
	}
	if (left > 0)
		in_child(bear, (void *)(left - 1));
	if (left % 2 != 0)
		begin_anew();
	work();
	put_data("descendant's");
}

START_TEST(grandchildren_work_whether_their_parents_did_or_not)
{
	in_child(bear, (void *)(uintptr_t)4);
	ck_assert_uint_eq(find_label(hs, "descendant's"), 5);
	go_on();
}
END_TEST

static void
outlive(struct child *up, void *arg)
{
	(void)arg;
	begin_anew();
	work();
	put_data("before");
	child_meet(up); /* the parent finalizes */
	child_meet(up);
	for (int i = 0; i < 20; i++)
		put_data("after");
	work();
}

START_TEST(a_child_goes_on_when_its_parent_finalizes)
{
	struct child c;

	child_start(&c, outlive, NULL);
	child_meet(&c);
	CHECK_OK(p11->C_Finalize(NULL));
	child_meet(&c);
	child_end(&c);
	begin_anew();
	ck_assert_uint_eq(find_label(hs, "before"), 1);
	ck_assert_uint_eq(find_label(hs, "after"), 20);
	work();
}
END_TEST

static void
initialize_late(struct child *up, void *arg)
{
	(void)arg;
	child_meet(up);
	begin_and_work(up, arg);
}

START_TEST(a_child_may_begin_when_its_parent_has_finalized)
{
	struct child c;

	put_data("parent's");
	child_start(&c, initialize_late, NULL);
	CHECK_OK(p11->C_Finalize(NULL));
	child_meet(&c);
	child_end(&c);
	begin_anew();
	ck_assert_uint_eq(find_label(hs, "parent's"), 1);
	ck_assert_uint_eq(find_label(hs, "child's"), 1);
	work();
}
END_TEST

START_TEST(a_parent_goes_on_writing_when_its_child_has_finalized)
{
	for (int i = 0; i < 5; i++) {
		in_child(begin_and_work, NULL);
		put_data("parent's");
	}
	CHECK_OK(p11->C_Finalize(NULL));
	begin_anew();
	ck_assert_uint_eq(find_label(hs, "parent's"), 5);
	ck_assert_uint_eq(find_label(hs, "child's"), 5);
}
END_TEST

START_TEST(threads_of_a_child_may_initialize_at_once)
{
	for (int i = 0; i < 25; i++)
		in_child(start_at_once, out);
	go_on();
}
END_TEST

/* -- exit ---------------------------------------------------------------------------------- */

static void
finalize_at_exit(void)
{
	(void)p11->C_Finalize(NULL);
}

/* ARG: has the child used the module? */
static void
leave_by_exit(struct child *up, void *arg)
{
	(void)up;
	if (arg != NULL) {
		begin_anew();
		work();
		put_data("child's");
	}
	exit(0);
}

START_TEST(a_child_that_exits_and_finalizes_at_exit_harms_nothing)
{
	ck_assert_int_eq(atexit(finalize_at_exit), 0);
	fflush(NULL);
	in_child(leave_by_exit, NULL);
	go_on();
	in_child(leave_by_exit, out);
	go_on();
	ck_assert_uint_eq(find_label(hs, "child's"), 1);
	CHECK_OK(p11->C_Finalize(NULL));
	in_child(leave_by_exit, NULL);
	in_child(leave_by_exit, out);
	begin_anew();
	ck_assert_uint_eq(find_label(hs, "child's"), 2);
	work();
}
END_TEST

/* -- in the middle of operations ----------------------------------------------------------- */

static CK_BYTE text[1000];
static CK_BYTE iv[16];
static CK_MECHANISM sha = { CKM_SHA256, NULL, 0 }, cbc = { CKM_AES_CBC_PAD, iv, sizeof(iv) },
		    ecdsa = { CKM_ECDSA_SHA256, NULL, 0 };
#define HALF 333

/* Everything at once in one session, up to the middle. */
static CK_ULONG
begin_all(CK_BYTE encrypted[1024])
{
	CK_ULONG n = 1024;
	CK_OBJECT_HANDLE o;

	CHECK_OK(p11->C_DigestInit(hs, &sha));
	CHECK_OK(p11->C_DigestUpdate(hs, text, HALF));
	CHECK_OK(p11->C_SignInit(hs, &ecdsa, priv));
	CHECK_OK(p11->C_SignUpdate(hs, text, HALF));
	CHECK_OK(p11->C_EncryptInit(hs, &cbc, aes));
	CHECK_OK(p11->C_EncryptUpdate(hs, text, HALF, encrypted, &n));
	CHECK_OK(p11->C_FindObjectsInit(hs, NULL, 0));
	CHECK_OK(p11->C_FindObjects(hs, &o, 1, &(CK_ULONG){ 0 }));
	return n;
}

static void
end_digest(void)
{
	CK_BYTE parts[32], whole[32];
	CK_ULONG n = sizeof(parts);

	CHECK_OK(p11->C_DigestUpdate(hs, text + HALF, sizeof(text) - HALF));
	CHECK_OK(p11->C_DigestFinal(hs, parts, &n));
	CHECK_OK(p11->C_DigestInit(hs, &sha));
	n = sizeof(whole);
	CHECK_OK(p11->C_Digest(hs, text, sizeof(text), whole, &n));
	ck_assert_mem_eq(parts, whole, sizeof(whole));
}

static void
end_sign(void)
{
	CK_BYTE sig[64];
	CK_ULONG n = sizeof(sig);

	CHECK_OK(p11->C_SignUpdate(hs, text + HALF, sizeof(text) - HALF));
	CHECK_OK(p11->C_SignFinal(hs, sig, &n));
	CHECK_OK(p11->C_VerifyInit(hs, &ecdsa, pub));
	CHECK_OK(p11->C_Verify(hs, text, sizeof(text), sig, n));
}

static void
end_encrypt(CK_BYTE *parts, CK_ULONG have)
{
	CK_BYTE whole[1024];
	CK_ULONG n = sizeof(whole) - have;

	CHECK_OK(p11->C_EncryptUpdate(hs, text + HALF, sizeof(text) - HALF, parts + have, &n));
	have += n;
	n = sizeof(whole) - have;
	CHECK_OK(p11->C_EncryptFinal(hs, parts + have, &n));
	have += n;
	CHECK_OK(p11->C_EncryptInit(hs, &cbc, aes));
	n = sizeof(whole);
	CHECK_OK(p11->C_Encrypt(hs, text, sizeof(text), whole, &n));
	ck_assert_uint_eq(have, n);
	ck_assert_mem_eq(parts, whole, n);
}

/* Three keys and a profile, one of which has been handed out. */
static void
end_find(void)
{
	CK_OBJECT_HANDLE o[10];
	CK_ULONG n;

	CHECK_OK(p11->C_FindObjects(hs, o, N(o), &n));
	ck_assert_uint_eq(n, 3);
	CHECK_OK(p11->C_FindObjectsFinal(hs));
}

/* The same operations, none of which is there. */
static void
miss_operations(struct child *up, void *arg)
{
	CK_ULONG n = sizeof(out);
	CK_OBJECT_HANDLE o;

	(void)up;
	(void)arg;
	begin_anew();
	CHECK_RV(p11->C_DigestFinal(hs, out, &n), CKR_OPERATION_NOT_INITIALIZED);
	CHECK_RV(p11->C_SignFinal(hs, out, &n), CKR_OPERATION_NOT_INITIALIZED);
	CHECK_RV(p11->C_EncryptFinal(hs, out, &n), CKR_OPERATION_NOT_INITIALIZED);
	CHECK_RV(p11->C_FindObjects(hs, &o, 1, &n), CKR_OPERATION_NOT_INITIALIZED);
	aes = find_one(CKO_SECRET_KEY, "aes");
	pub = find_one(CKO_PUBLIC_KEY, "pair");
	priv = find_one(CKO_PRIVATE_KEY, "pair");
	n = begin_all(out);
	end_digest();
	end_sign();
	CHECK_OK(p11->C_FindObjectsFinal(hs));
	CHECK_OK(p11->C_DestroyObject(hs, find_one(CKO_DATA, "doomed")));
}

START_TEST(a_fork_in_the_middle_of_operations_changes_nothing_for_the_parent)
{
	CK_BYTE encrypted[1024];
	CK_ULONG n;

	memset(text, 'x', sizeof(text));
	n = begin_all(encrypted);
	put_data("doomed");
	in_child(miss_operations, NULL);
	end_digest();
	end_sign();
	end_encrypt(encrypted, n);
	end_find();
	ck_assert_uint_eq(find_label(hs, "doomed"), 0);
	go_on();
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("p11 fork");
	TCase *t = tcase_create("fork");

	tcase_add_checked_fixture(t, setup, p11_teardown);
	tcase_add_test(t, every_call_before_initialize_says_that_the_child_is_not_initialized);
	tcase_add_test(t, the_same_calls_do_something_else_in_the_parent);
	tcase_add_test(t, a_child_initializes_logs_in_and_works);
	tcase_add_test(t, what_a_child_creates_the_parent_finds);
	tcase_add_test(t, a_child_has_neither_sessions_nor_a_login_nor_handles_of_its_parent);
	tcase_add_test(t, a_child_may_finalize_without_initializing_and_initialize_after_it);
	tcase_add_test(t, grandchildren_work_whether_their_parents_did_or_not);
	tcase_add_test(t, a_child_goes_on_when_its_parent_finalizes);
	tcase_add_test(t, a_child_may_begin_when_its_parent_has_finalized);
	tcase_add_test(t, a_parent_goes_on_writing_when_its_child_has_finalized);
	tcase_add_test(t, threads_of_a_child_may_initialize_at_once);
	tcase_add_test(t, a_child_that_exits_and_finalizes_at_exit_harms_nothing);
	tcase_add_test(t, a_fork_in_the_middle_of_operations_changes_nothing_for_the_parent);
	suite_add_tcase(s, t);
	return p11_main(s);
}
