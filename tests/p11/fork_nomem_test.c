/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A forked child without memory for a table of sessions of its own: it has none of its parent's
 * all the same. The linker puts a calloc before the C library's that fails when it is told to.
 */
#define _GNU_SOURCE 1
#include "tests/p11/fork.h"

#define TABLE_MIN (16u << 10) /* nothing else in a child's start is as large */

void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);

static bool failing;
static unsigned n_failed;

void *
__wrap_calloc(size_t n, size_t size)
{
	if (failing && size >= TABLE_MIN) {
		n_failed++;
		return NULL;
	}
	return __real_calloc(n, size);
}

static void
begin_without_memory(void)
{
	CK_SESSION_HANDLE parents = hs;
	CK_SESSION_INFO info;

	failing = true;
	CHECK_OK(p11_init());
	failing = false;
	ck_assert_uint_eq(n_failed, 1);
	CHECK_RV(p11->C_GetSessionInfo(parents, &info), CKR_SESSION_HANDLE_INVALID);
	hs = p11_open(true);
	ck_assert_uint_ne(hs, parents);
	CHECK_RV(p11->C_GetSessionInfo(parents, &info), CKR_SESSION_HANDLE_INVALID);
	p11_login(CKU_USER);
	work();
	n_failed = 0;
}

static void
have_no_sessions(struct child *up, void *arg)
{
	(void)up;
	begin_without_memory();
	if (arg != NULL)
		in_child(have_no_sessions, NULL); /* nor has its child of its own */
	work();
	CHECK_OK(p11->C_Finalize(NULL));
}

START_TEST(a_child_without_memory_has_no_sessions_of_its_parent)
{
	if (getenv("KMS_MODULE") != NULL) /* whose calloc is out of reach */
		return;
	in_child(have_no_sessions, "");
	go_on();
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("fork-nomem");
	TCase *t = tcase_create("a fork without memory");

	tcase_add_checked_fixture(t, setup, p11_teardown);
	tcase_add_test(t, a_child_without_memory_has_no_sessions_of_its_parent);
	suite_add_tcase(s, t);
	return p11_main(s);
}
