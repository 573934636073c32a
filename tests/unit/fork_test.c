/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A fork and the threads that hold it off: who waits for whom, for how long, and what becomes of a
 * child that could not be waited for. Threads here do no more than say that they are inside.
 */
#define _GNU_SOURCE 1
#include "base/fork.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "crypto/crypto.h"
#include "kms/local.h"
#include "tests/p11/child.h"
#include "tests/unit/store_fixture.h"

static enum fork_hold what;
static sem_t is_inside, may_leave;
static atomic_bool has_left;

static void
linger(void)
{
	struct timespec t = { .tv_nsec = 100 * 1000000 };

	(void)nanosleep(&t, NULL);
}

/* ARG: leaves by itself, or when it is told. */
static void *
be_inside(void *arg)
{
	fork_hold_off(what);
	sem_post(&is_inside);
	if (arg != NULL)
		linger();
	else
		sem_wait(&may_leave);
	atomic_store(&has_left, true);
	fork_allow(what);
	return NULL;
}

static pthread_t
start_inside(void *arg)
{
	pthread_t t;

	ck_assert_int_eq(sem_init(&is_inside, 0, 0), 0);
	ck_assert_int_eq(sem_init(&may_leave, 0, 0), 0);
	ck_assert_int_eq(pthread_create(&t, NULL, be_inside, arg), 0);
	ck_assert_int_eq(sem_wait(&is_inside), 0);
	return t;
}

static void
use_store(struct child *up, void *arg)
{
	struct store *s = open_store(false);

	(void)up;
	(void)arg;
	insert(s, 'c', OBJECT_DATA, "child's", "");
	close_store(s);
}

static void
see_that_it_has_left(struct child *up, void *arg)
{
	ck_assert(atomic_load(&has_left));
	use_store(up, arg);
}

START_TEST(fork_waits_for_whoever_holds_it_off)
{
	struct store *s = new_store();
	pthread_t t;

	what = (enum fork_hold)_i;
	t = start_inside("");
	in_child(see_that_it_has_left, NULL);
	ck_assert_int_eq(pthread_join(t, NULL), 0);
	check_found(s, ALL, "c");
	close_store(s);
}
END_TEST

static void
have_no_token(struct child *up, void *arg)
{
	static const char *const in_text[FORK_HOLDS] = {
		[FORK_HOLD_STORE] = "at work in a store for more than 5 seconds: start it again",
		[FORK_HOLD_CRYPTO] = "at work in libcrypto for more than 5 seconds: start it again",
	};
	struct conf_token conf = { .store = path, .pin_cost = 1, .pin_tries = 4 };
	struct call c = { 0 };
	struct backend *b = NULL;

	(void)up;
	crypto_after_fork();
	CHECK_RC(local_open(&conf, &c, &b), KMS_BUSY);
	ck_assert_ptr_null(b);
	ck_assert_msg(strstr(c.err.text, in_text[what]) != NULL, "%s", c.err.text);
	if (arg != NULL)
		in_child(have_no_token, NULL); /* nor has its child */
}

/* What nobody waits for ends the wait at some time: the child is told, and the parent goes on. */
START_TEST(child_of_a_fork_that_could_not_wait_any_longer_has_no_token_and_is_told_why)
{
	struct store *s = new_store();
	pthread_t t;

	what = (enum fork_hold)_i;
	t = start_inside(NULL);
	in_child(have_no_token, "");
	sem_post(&may_leave);
	ck_assert_int_eq(pthread_join(t, NULL), 0);
	insert(s, 'a', OBJECT_DATA, "x", "");
	in_child(use_store, NULL);
	check_found(s, ALL, "ac");
	close_store(s);
}
END_TEST

static pthread_t late;
static bool host_waits;

/* A fork handler of the host that waits for a thread of its own, which is about to come inside. */
static void
host_before_fork(void)
{
	if (!host_waits)
		return;
	sem_post(&may_leave); /* it need not stay */
	ck_assert_int_eq(pthread_create(&late, NULL, be_inside, NULL), 0);
	ck_assert_int_eq(pthread_join(late, NULL), 0);
}

START_TEST(fork_handler_that_waits_for_a_thread_which_waits_for_the_fork_is_no_deadlock)
{
	uint64_t before = now_ms();
	struct store *s;

	/* Before ours, so that it runs after ours. */
	ck_assert_int_eq(pthread_atfork(host_before_fork, NULL, NULL), 0);
	s = new_store();
	ck_assert_int_eq(sem_init(&is_inside, 0, 0), 0);
	ck_assert_int_eq(sem_init(&may_leave, 0, 0), 0);
	host_waits = true;
	in_child(see_that_it_has_left, NULL);
	check_found(s, ALL, "c");
	close_store(s);
	ck_assert_uint_lt(now_ms() - before, 40000);
}
END_TEST

/* libcheck's macros would take a lock of its own, which a child could inherit. */
static void *
insert_some(void *arg)
{
	struct store *s = arg;
	struct store_row r = { .o = { .revision = 1, .kind = OBJECT_DATA } };
	struct store_change change = { .kind = INSERT_OBJECT, .row = &r };

	for (uint8_t i = 1; i <= 150; i++) {
		r.o.id = uid_of(i);
		if (s->ops->apply(s, NULL, SERIAL, &change, 1) != KMS_OK)
			ck_abort_msg("insert %u failed", i);
	}
	atomic_store(&has_left, true);
	return NULL;
}

static void
do_nothing(struct child *up UNUSED, void *arg UNUSED)
{
}

START_TEST(forks_hold_nobody_up_for_longer_than_they_take)
{
	struct store *s = new_store();
	uint64_t before;
	pthread_t t;

	before = now_ms();
	ck_assert_int_eq(pthread_create(&t, NULL, insert_some, s), 0);
	while (!atomic_load(&has_left))
		in_child(do_nothing, NULL);
	ck_assert_int_eq(pthread_join(t, NULL), 0);
	/* A second for each insert that met a fork and was not woken would be minutes. */
	ck_assert_uint_lt(now_ms() - before, 40000);
	close_store(s);
}
END_TEST

static atomic_bool enough;

static void *
come_and_go(void *arg UNUSED)
{
	while (!atomic_load(&enough)) {
		fork_hold_off(FORK_HOLD_STORE);
		fork_allow(FORK_HOLD_STORE);
	}
	return NULL;
}

static void
see_that_nobody_was_inside(struct child *up UNUSED, void *arg UNUSED)
{
	if (fork_check(FORK_HOLD_STORE, NULL) != KMS_OK) /* without libcheck, which allocates */
		_exit(EXIT_FAILURE);
}

START_TEST(a_thread_that_only_knocks_while_a_fork_is_under_way_is_not_caught_by_it)
{
	pthread_t t[8];

	for (size_t i = 0; i < ARRAY_LEN(t); i++)
		ck_assert_int_eq(pthread_create(&t[i], NULL, come_and_go, NULL), 0);
	for (int i = 0; i < 1500; i++)
		in_child(see_that_nobody_was_inside, NULL);
	atomic_store(&enough, true);
	for (size_t i = 0; i < ARRAY_LEN(t); i++)
		ck_assert_int_eq(pthread_join(t[i], NULL), 0);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
		fork_handler_that_waits_for_a_thread_which_waits_for_the_fork_is_no_deadlock,
		forks_hold_nobody_up_for_longer_than_they_take,
		a_thread_that_only_knocks_while_a_fork_is_under_way_is_not_caught_by_it
	};
	Suite *s = suite_create("fork");
	TCase *t = tcase_create("fork");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 120);
#if !defined(__SANITIZE_ADDRESS__)
	/* The thread ends while the fork goes on, and the sanitizer's own locks then stay locked in
	 * the child. */
	tcase_add_loop_test(t, fork_waits_for_whoever_holds_it_off, 0, FORK_HOLDS);
#else
	(void)fork_waits_for_whoever_holds_it_off;
#endif
	tcase_add_loop_test(t,
	    child_of_a_fork_that_could_not_wait_any_longer_has_no_token_and_is_told_why, 0,
	    FORK_HOLDS);
	for (size_t i = 0; i < ARRAY_LEN(tests); i++)
		tcase_add_test(t, tests[i]);
	suite_add_tcase(s, t);
	return unit_main(s);
}
