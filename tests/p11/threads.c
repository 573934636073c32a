/* SPDX-License-Identifier: Apache-2.0 */
/* Threads of tests; see the header. */
#include "tests/p11/threads.h"

static void *
work(void *arg)
{
	struct worker *w = arg;

	do {
		w->round(w);
		atomic_fetch_add(&w->rounds, 1);
	} while (!atomic_load(&w->stop) && (w->limit == 0 || atomic_load(&w->rounds) < w->limit));
	return NULL;
}

static void
start(struct worker *w, unsigned number, unsigned limit, void (*round)(struct worker *w))
{
	w->number = number;
	w->limit = limit;
	w->round = round;
	atomic_init(&w->stop, false);
	atomic_init(&w->rounds, 0);
	w->s = CK_INVALID_HANDLE;
	MUST(pthread_create(&w->thread, NULL, work, w) == 0);
}

void
worker_start(struct worker *w, unsigned number, void (*round)(struct worker *w))
{
	start(w, number, 0, round);
}

void
worker_stop(struct worker *w)
{
	atomic_store(&w->stop, true);
	MUST(pthread_join(w->thread, NULL) == 0);
}

void
workers_run(struct worker *w, unsigned n, unsigned rounds, void (*round)(struct worker *w))
{
	for (unsigned i = 0; i < n; i++)
		start(&w[i], i, rounds, round);
	for (unsigned i = 0; i < n; i++)
		MUST(pthread_join(w[i].thread, NULL) == 0);
}
