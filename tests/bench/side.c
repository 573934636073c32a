/* SPDX-License-Identifier: Apache-2.0 */
/* The process of one measured side, and its end of the pipe. */
#include "tests/bench/side.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum verb { SETUP, RUN, CLEAR, QUIT };

struct order {
	enum verb verb;
	size_t which;
	unsigned threads, ms;
};

static bool
transfer(int fd, void *p, size_t n, bool out)
{
	uint8_t *b = p;

	while (n > 0) {
		ssize_t k = out ? write(fd, b, n) : read(fd, b, n);

		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0)
			return false;
		b += k;
		n -= (size_t)k;
	}
	return true;
}

/* -- in the side's process ----------------------------------------------------------------- */

static const struct side *self;
static struct worker workers[WORKERS];

static struct side_answer
setup(size_t which)
{
	struct side_answer a = { .good = true };

	for (int i = 0; i < WORKERS && a.good; i++) {
		struct worker *w = &workers[i];

		a.good = worker_buffers(w, &bench_cases[which]) &&
		    (self->module == NULL ? limit_setup(w, self->dir) : module_setup(w));
		a.has_step = w->step != NULL;
		if (!a.good || w->step == NULL)
			snprintf(a.why, sizeof(a.why), "%s: 0x%lx", w->why == NULL ? "?" : w->why,
			    w->rv);
		else if (!(a.good = w->step(w)))
			snprintf(a.why, sizeof(a.why), "%s: 0x%lx", w->why == NULL ? "?" : w->why,
			    w->rv);
		else if (!(a.good = answer_is_right(w)))
			snprintf(a.why, sizeof(a.why), "the answer is wrong");
	}
	return a;
}

static void
clear(void)
{
	for (int i = 0; i < WORKERS; i++) {
		if (self->module == NULL)
			limit_clear(&workers[i]);
		else
			module_clear(&workers[i]);
		worker_free(&workers[i]);
		memset(&workers[i], 0, sizeof(workers[i]));
	}
	if (self->module != NULL)
		module_end_case();
}

static pthread_barrier_t start_line;

struct lane {
	struct worker *w;
	unsigned cpu;
	uint64_t ns;
	double rate;
	bool good;
};

/* Without this the scheduler may leave two workers on one CPU for a whole slice. */
static void
pin(unsigned nth)
{
	cpu_set_t all, one;
	unsigned seen = 0;

	if (sched_getaffinity(getpid(), sizeof(all), &all) != 0)
		return;
	nth %= (unsigned)CPU_COUNT(&all);
	for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &all) && seen++ == nth) {
			CPU_ZERO(&one);
			CPU_SET(cpu, &one);
			(void)pthread_setaffinity_np(pthread_self(), sizeof(one), &one);
			return;
		}
}

/* Looks at the clock about every 50 us, so that it costs nothing that counts. */
static void *
run_lane(void *arg)
{
	struct lane *l = arg;
	uint64_t from, now, n = 0, batch = 1, was;

	pin(l->cpu);
	l->good = true;
	pthread_barrier_wait(&start_line);
	from = now = now_ns();
	do {
		was = now;
		for (uint64_t i = 0; i < batch && l->good; i++)
			l->good = l->w->step(l->w);
		n += batch;
		now = now_ns();
		if (now - was < 50000)
			batch *= 2;
	} while (now - from < l->ns && l->good);
	l->rate = (double)n * 1e9 / (double)(now - from);
	return NULL;
}

static struct side_answer
run(unsigned threads, unsigned ms)
{
	struct side_answer a = { .good = true, .has_step = true };
	struct lane lanes[WORKERS];
	pthread_t ids[WORKERS];

	pthread_barrier_init(&start_line, NULL, threads);
	for (unsigned i = 0; i < threads; i++) {
		lanes[i] =
		    (struct lane){ .w = &workers[i], .cpu = i, .ns = (uint64_t)ms * 1000000u };
		if (pthread_create(&ids[i], NULL, run_lane, &lanes[i]) != 0)
			_exit(1);
	}
	for (unsigned i = 0; i < threads; i++) {
		pthread_join(ids[i], NULL);
		a.rate += lanes[i].rate;
		if (!lanes[i].good) {
			a.good = false;
			snprintf(a.why, sizeof(a.why), "%s: 0x%lx",
			    workers[i].why == NULL ? "?" : workers[i].why, workers[i].rv);
		}
	}
	pthread_barrier_destroy(&start_line);
	return a;
}

static void
serve(int from, int to)
{
	struct side_answer a = { .good = true };
	struct order o;

	if (self->hsm != NULL)
		a.good = module_open_over(self->hsm, self->module, self->dir);
	else if (self->module != NULL)
		a.good = module_open(self->module, self->dir);
	if (!transfer(to, &a, sizeof(a), true) || !a.good)
		return;
	/* Told to go, not left to see the pipe close: sides that came later hold its end open. */
	while (transfer(from, &o, sizeof(o), false) && o.verb != QUIT) {
		memset(&a, 0, sizeof(a));
		if (o.verb == SETUP)
			a = setup(o.which);
		else if (o.verb == RUN)
			a = run(o.threads, o.ms);
		else
			clear();
		if (!transfer(to, &a, sizeof(a), true))
			return;
	}
}

/* -- in the program ------------------------------------------------------------------------ */

bool
side_start(struct side *s)
{
	struct side_answer a = { .good = false };
	int down[2], up[2];

	bench_make_dir(s->dir, sizeof(s->dir));
	if (pipe(down) != 0 || pipe(up) != 0 || (s->pid = fork()) < 0) {
		perror("bench");
		return false;
	}
	if (s->pid == 0) {
		close(down[1]);
		close(up[0]);
		self = s;
		serve(down[0], up[1]);
		_exit(0);
	}
	close(down[0]);
	close(up[1]);
	s->to = down[1];
	s->from = up[0];
	return transfer(s->from, &a, sizeof(a), false) && a.good;
}

void
side_stop(struct side *s)
{
	struct order o = { .verb = QUIT };

	(void)transfer(s->to, &o, sizeof(o), true);
	close(s->to);
	close(s->from);
	(void)waitpid(s->pid, NULL, 0);
	bench_remove_dir(s->dir);
}

static struct side_answer
ask(struct side *s, struct order o)
{
	struct side_answer a = { .good = false };

	if (!transfer(s->to, &o, sizeof(o), true) || !transfer(s->from, &a, sizeof(a), false)) {
		memset(&a, 0, sizeof(a));
		snprintf(a.why, sizeof(a.why), "the process of this side has died");
	}
	return a;
}

struct side_answer
side_setup(struct side *s, size_t which)
{
	return ask(s, (struct order){ .verb = SETUP, .which = which });
}

struct side_answer
side_run(struct side *s, unsigned threads, unsigned ms)
{
	return ask(s, (struct order){ .verb = RUN, .threads = threads, .ms = ms });
}

void
side_clear(struct side *s)
{
	(void)ask(s, (struct order){ .verb = CLEAR });
}
