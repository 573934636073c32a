/* SPDX-License-Identifier: Apache-2.0 */
/* fork = reopen: for programs that fork without knowing that a module is loaded, the child's first
 * call does what C_Initialize would do. */
#define _GNU_SOURCE 1
#include "tests/p11/fork.h"

#include <stdio.h>

#define REFUSES(...) CHECK_RV(p11->__VA_ARGS__, CKR_CRYPTOKI_NOT_INITIALIZED)

static void
setup_reopen(void)
{
	FILE *f;

	p11_setup_dir();
	ck_assert_ptr_nonnull(f = fopen(p11_conf, "a"));
	ck_assert_int_gt(fprintf(f, "[module]\nfork = reopen\n"), 0);
	ck_assert_int_eq(fclose(f), 0);
	begin_anew();
	aes = make_aes(hs, true, "aes");
	make_ec(hs, true, "pair", &pub, &priv);
	encrypt_zeros(aes, aes_of_zeros);
}

static void
open_and_work(struct child *up, void *arg)
{
	(void)up;
	(void)arg;
	hs = p11_open(true);
	ck_assert_uint_eq(state(), CKS_RW_PUBLIC_SESSION);
	p11_login(CKU_USER);
	work();
	put_data("child's");
}

START_TEST(with_reopen_a_child_works_without_initialize)
{
	in_child(open_and_work, NULL);
	ck_assert_uint_eq(find_label(hs, "child's"), 1);
	go_on();
}
END_TEST

static void
use_inherited_handles(struct child *up, void *arg)
{
	CK_SESSION_HANDLE parents = hs;
	CK_SESSION_INFO info;

	CHECK_RV(p11->C_GetSessionInfo(parents, &info), CKR_SESSION_HANDLE_INVALID);
	CHECK_RV(use_ec(parents, priv), CKR_SESSION_HANDLE_INVALID);
	open_and_work(up, arg);
	CHECK_RV(p11->C_GetSessionInfo(parents, &info), CKR_SESSION_HANDLE_INVALID);
	CHECK_RV(p11_init(), CKR_CRYPTOKI_ALREADY_INITIALIZED);
	CHECK_OK(p11->C_Finalize(NULL));
	CHECK_RV(p11->C_GetSessionInfo(hs, &info), CKR_CRYPTOKI_NOT_INITIALIZED);
	begin_anew();
	work();
}

START_TEST(with_reopen_a_child_has_no_sessions_either)
{
	in_child(use_inherited_handles, NULL);
	go_on();
}
END_TEST

static void
initialize_anyway(struct child *up, void *arg)
{
	(void)up;
	(void)arg;
	begin_anew();
	work();
}

/* Programs that know that they fork must not be punished for it. */
START_TEST(with_reopen_a_child_may_initialize_all_the_same)
{
	in_child(initialize_anyway, NULL);
	go_on();
}
END_TEST

static void
bear_reopened(struct child *up, void *arg)
{
	uintptr_t left = (uintptr_t)arg;

	if (left % 2 == 0)
		open_and_work(up, NULL);
	if (left > 0)
		in_child(bear_reopened, (void *)(left - 1));
	if (left % 2 != 0)
		open_and_work(up, NULL);
	work();
}

START_TEST(with_reopen_grandchildren_work_whether_their_parents_did_or_not)
{
	in_child(bear_reopened, (void *)(uintptr_t)4);
	ck_assert_uint_eq(find_label(hs, "child's"), 5);
	go_on();
}
END_TEST

START_TEST(with_reopen_threads_of_a_child_may_begin_at_once)
{
	for (int i = 0; i < 25; i++)
		in_child(start_at_once, NULL);
	go_on();
}
END_TEST

static void
find_nothing_open(struct child *up, void *arg)
{
	CK_SESSION_HANDLE s;

	(void)up;
	(void)arg;
	REFUSES(C_OpenSession(p11_slot, CKF_SERIAL_SESSION, NULL, NULL, &s));
	REFUSES(C_Finalize(NULL));
}

START_TEST(with_reopen_a_child_of_a_finalized_parent_is_not_initialized)
{
	CHECK_OK(p11->C_Finalize(NULL));
	in_child(find_nothing_open, NULL);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("p11 fork = reopen");
	TCase *t = tcase_create("fork = reopen");

	tcase_add_checked_fixture(t, setup_reopen, p11_teardown);
	tcase_add_test(t, with_reopen_a_child_works_without_initialize);
	tcase_add_test(t, with_reopen_a_child_has_no_sessions_either);
	tcase_add_test(t, with_reopen_a_child_may_initialize_all_the_same);
	tcase_add_test(t, with_reopen_grandchildren_work_whether_their_parents_did_or_not);
	tcase_add_test(t, with_reopen_threads_of_a_child_may_begin_at_once);
	tcase_add_test(t, with_reopen_a_child_of_a_finalized_parent_is_not_initialized);
	suite_add_tcase(s, t);
	return p11_main(s);
}
