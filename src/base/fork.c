/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A fork waits until no thread holds it off, and threads that want to wait for the fork. Both have
 * bounds, since a fork handler of the host may wait for a thread that waits here. Threads count
 * themselves on different cache lines; the lock is for those who wait.
 */
#include "base/fork.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <time.h>

#define FORK_PATIENCE_S 5
#define HOLD_PATIENCE_S 1
#define STRIPES		16

struct stripe {
	_Alignas(64) atomic_uint holds[FORK_HOLDS];
};

static struct stripe stripes[STRIPES];
static atomic_uint next_stripe;
static _Thread_local struct stripe *own_stripe;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed;
static atomic_uint forks; /* that wait or are under way; changes under the lock */
static bool overrun;	  /* one of these forks, or a hold, has stopped waiting; under the lock */
static atomic_bool caught[FORK_HOLDS];

static bool
held(enum fork_hold what)
{
	for (size_t i = 0; i < STRIPES; i++)
		if (stripes[i].holds[what] != 0)
			return true;
	return false;
}

static bool
fork_is_held_off(void)
{
	return held(FORK_HOLD_STORE) || held(FORK_HOLD_CRYPTO);
}

static bool
fork_under_way(void)
{
	return forks != 0;
}

static void
make_condition(void)
{
	pthread_condattr_t a;

	(void)pthread_condattr_init(&a);
	(void)pthread_condattr_setclock(&a, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&changed, &a);
	(void)pthread_condattr_destroy(&a);
}

static void
wait_while_locked(bool (*reason)(void), time_t seconds)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += seconds;
	while (reason())
		if (pthread_cond_timedwait(&changed, &lock, &until) != 0) {
			overrun = true;
			break;
		}
}

/* -- the three handlers -- */

static void
before_fork(void)
{
	pthread_mutex_lock(&lock);
	forks++;
	wait_while_locked(fork_is_held_off, FORK_PATIENCE_S);
	pthread_mutex_unlock(&lock);
}

static void
after_fork_in_parent(void)
{
	pthread_mutex_lock(&lock);
	if (--forks == 0)
		overrun = false;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
}

/* Unless somebody stopped waiting, who is counted here had only come to see that there is a fork.
 */
static void
after_fork_in_child(void)
{
	for (int what = 0; what < FORK_HOLDS; what++) {
		if (overrun && held((enum fork_hold)what))
			caught[what] = true;
		for (size_t i = 0; i < STRIPES; i++)
			stripes[i].holds[what] = 0;
	}
	forks = 0;
	overrun = false;
	lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
	make_condition();
}

static void
watch_forks(void)
{
	make_condition();
	(void)pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}

/* -- holding off -- */

static void
tell_waiting(void)
{
	pthread_mutex_lock(&lock);
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
}

void
fork_hold_off(enum fork_hold what)
{
	atomic_uint *n;

	(void)pthread_once(&once, watch_forks);
	if (own_stripe == NULL)
		own_stripe = &stripes[next_stripe++ % STRIPES];
	n = &own_stripe->holds[what];
	/* First counted, then looked, and a fork does it the other way round: one of them sees. */
	(*n)++;
	if (__builtin_expect(!fork_under_way(), 1))
		return;
	(*n)--;
	pthread_mutex_lock(&lock);
	pthread_cond_broadcast(&changed);
	wait_while_locked(fork_under_way, HOLD_PATIENCE_S);
	(*n)++;
	pthread_mutex_unlock(&lock);
}

void
fork_allow(enum fork_hold what)
{
	own_stripe->holds[what]--;
	if (__builtin_expect(fork_under_way(), 0))
		tell_waiting();
}

enum kms_rc
fork_check(enum fork_hold what, struct err *err)
{
	static const char *const where[FORK_HOLDS] = {
		[FORK_HOLD_STORE] = "a store",
		[FORK_HOLD_CRYPTO] = "libcrypto",
	};

	if (!caught[what])
		return KMS_OK;
	return err_set(err, KMS_BUSY,
	    "this process was forked while another thread was at work in %s for more than %d seconds: start it again",
	    where[what], FORK_PATIENCE_S);
}
