/* SPDX-License-Identifier: Apache-2.0 */
/* Other processes for tests; see the header. */
#define _GNU_SOURCE 1
#include "tests/p11/child.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

uint64_t
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* -- the line ------------------------------------------------------------------------------ */

/* This process's ends of all its lines, one bit a descriptor: a child must not keep them open, or
 * nobody would see when the others close. */
static uint64_t lines;

/* Without libcheck's macros, which allocate: a forked child of a program with threads may come by
 * while a sanitizer's allocator is locked for ever. */
static void
line_add(const struct child *c)
{
	if (c->in >= 64 || c->out >= 64)
		abort();
	lines |= (uint64_t)1 << c->in | (uint64_t)1 << c->out;
}

static void
line_close(int fd)
{
	lines &= ~((uint64_t)1 << fd);
	close(fd);
}

static void
lines_leave(void)
{
	for (int fd = 0; fd < 64; fd++)
		if ((lines >> fd & 1) != 0)
			line_close(fd);
}

/* Something, or the end, can be read at once. */
static void
await(const struct child *c)
{
	struct pollfd p = { .fd = c->in, .events = POLLIN };
	int n;

	do
		n = poll(&p, 1, CHILD_SECONDS * 1000);
	while (n < 0 && errno == EINTR);
	if (n > 0)
		return;
	if (c->pid > 0)
		(void)kill(c->pid, SIGKILL);
	ck_abort_msg("the other process says nothing for %d seconds: a deadlock", CHILD_SECONDS);
}

void
child_tell(const struct child *c, const void *p, size_t len)
{
	ck_assert_msg(write(c->out, p, len) == (ssize_t)len, "the other process is gone");
}

size_t
child_hear_some(const struct child *c, void *p, size_t len)
{
	size_t got = 0;

	while (got < len) {
		ssize_t n;

		await(c);
		n = read(c->in, (char *)p + got, len - got);
		ck_assert_int_ge(n, 0);
		if (n == 0)
			break;
		got += (size_t)n;
	}
	return got;
}

void
child_hear(const struct child *c, void *p, size_t len)
{
	ck_assert_msg(child_hear_some(c, p, len) == len, "the other process has ended too early");
}

void
child_meet(const struct child *c)
{
	char byte = '.';

	child_tell(c, &byte, 1);
	child_hear(c, &byte, 1);
}

/* -- beginning and end --------------------------------------------------------------------- */

void
child_start(struct child *c, void (*body)(struct child *up, void *arg), void *arg)
{
	int up[2], down[2];

	ck_assert_int_eq(pipe2(up, O_CLOEXEC), 0);
	ck_assert_int_eq(pipe2(down, O_CLOEXEC), 0);
	(void)signal(SIGPIPE, SIG_IGN); /* a dead peer is a failed check */
	ck_assert_int_ge(c->pid = fork(), 0);
	if (c->pid == 0) {
		lines_leave();
		close(up[0]);
		close(down[1]);
		*c = (struct child){ .in = down[0], .out = up[1] };
		line_add(c);
		body(c, arg);
		_exit(0);
	}
	close(up[1]);
	close(down[0]);
	c->in = up[0];
	c->out = down[1];
	line_add(c);
}

/* Its status, when its end of the line has closed. */
static int
reap(struct child *c)
{
	char rest[256];
	int status;

	line_close(c->out);
	while (child_hear_some(c, rest, sizeof(rest)) == sizeof(rest))
		;
	line_close(c->in);
	ck_assert_int_eq(waitpid(c->pid, &status, 0), c->pid);
	return status;
}

void
child_end(struct child *c)
{
	int status = reap(c);

	ck_assert_msg(!WIFSIGNALED(status), "the child died of signal %d", WTERMSIG(status));
	ck_assert_msg(WEXITSTATUS(status) == 0, "the child failed (%d)", WEXITSTATUS(status));
}

void
child_kill(const struct child *c, int sig)
{
	ck_assert_int_eq(kill(c->pid, sig), 0);
}

void
child_killed(struct child *c, int sig)
{
	int status = reap(c);

	ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == sig,
	    "the child ended before it was killed (%d)", WEXITSTATUS(status));
}

void
in_child(void (*body)(struct child *up, void *arg), void *arg)
{
	struct child c;

	child_start(&c, body, arg);
	child_end(&c);
}

/* -- peers --------------------------------------------------------------------------------- */

/* Peers are forks of one program, so that a function has one address in all of them. */
struct order {
	void (*function)(uintptr_t arg);
	uintptr_t arg;
};

static void
obey(struct child *up, void *arg)
{
	struct order o;

	(void)arg;
	while (child_hear_some(up, &o, sizeof(o)) == sizeof(o)) {
		o.function(o.arg);
		child_tell(up, "", 1);
	}
}

void
peer_start(struct peer *p)
{
	child_start(&p->c, obey, NULL);
}

void
peer_begin(struct peer *p, void (*function)(uintptr_t arg), uintptr_t arg)
{
	struct order o = { .function = function, .arg = arg };

	child_tell(&p->c, &o, sizeof(o));
}

void
peer_wait(struct peer *p)
{
	char done;

	child_hear(&p->c, &done, 1);
}

void
peer_do(struct peer *p, void (*function)(uintptr_t arg), uintptr_t arg)
{
	peer_begin(p, function, arg);
	peer_wait(p);
}

void
peer_end(struct peer *p)
{
	child_end(&p->c);
}
