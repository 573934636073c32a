/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads of tests: each repeats a round until it is told to stop. They check with MUST and not
 * with libcheck's macros, which for every success write a line to one file under one lock: threads
 * would wait for nothing but each other, and a forked child could find the lock taken for ever.
 */
#ifndef KMS_TESTS_P11_THREADS_H
#define KMS_TESTS_P11_THREADS_H

#include <pthread.h>
#include <stdatomic.h>

#include "tests/p11/p11.h"

#define MUST(condition)                                         \
	do {                                                    \
		if (!(condition))                               \
			ck_abort_msg("not so: %s", #condition); \
	} while (0)
#define MUST_RV(expr, want)                                                         \
	do {                                                                        \
		CK_RV must_ = (expr);                                               \
		if (must_ != (CK_RV)(want))                                         \
			ck_abort_msg("%s: %s, expected %s", #expr, p11_name(must_), \
			    p11_name(want));                                        \
	} while (0)
#define MUST_OK(expr) MUST_RV(expr, CKR_OK)

struct worker {
	pthread_t thread;
	unsigned number;
	atomic_bool stop;
	unsigned limit;	    /* of rounds; 0 is none */
	atomic_uint rounds; /* done so far */
	void (*round)(struct worker *w);
	CK_SESSION_HANDLE s; /* for the round's use */
};

void worker_start(struct worker *w, unsigned number, void (*round)(struct worker *w));
/* ... and waits for the end. It has done at least one round. */
void worker_stop(struct worker *w);

/* N of them at once, each ROUNDS rounds and no more. */
void workers_run(struct worker *w, unsigned n, unsigned rounds, void (*round)(struct worker *w));

#endif
