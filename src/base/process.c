/* SPDX-License-Identifier: Apache-2.0 */
/* Runs programs and watches them, by posix_spawn and a clock. */
#define _GNU_SOURCE 1
#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/codec.h"

#define LOOK_MS	 10   /* how often it is asked whether the program has ended */
#define GRACE_MS 2000 /* between SIGTERM and SIGKILL, and then until nobody waits any more */
#define TAIL_MAX 1024

struct child {
	pid_t pid;
	int err;	  /* its standard error; -1 at its end */
	int sent;	  /* the signal that the group was sent last */
	uint64_t next_ms; /* when it is sent the next one */
	bool ended;
	siginfo_t how;
	uint8_t tail[TAIL_MAX];
	size_t tail_len;
};

/* Not os_monotonic_ms: a program takes the time that it takes, whatever clock a test has set. */
static uint64_t
clock_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* -- standard error -- */

static void
keep(struct child *c, const uint8_t *p, size_t len)
{
	if (len >= TAIL_MAX) {
		p += len - TAIL_MAX;
		len = TAIL_MAX;
	}
	if (c->tail_len + len > TAIL_MAX) {
		size_t drop = c->tail_len + len - TAIL_MAX;

		c->tail_len -= drop;
		memmove(c->tail, c->tail + drop, c->tail_len);
	}
	memcpy(c->tail + c->tail_len, p, len);
	c->tail_len += len;
}

/* Takes what is there; a program that writes on and on does not keep us from the clock. */
static void
drain(struct child *c)
{
	uint8_t some[4096];

	for (int i = 0; i < 64 && c->err >= 0; i++) {
		ssize_t n = read(c->err, some, sizeof(some));

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0) {
			close(c->err);
			c->err = -1;
			return;
		}
		keep(c, some, (size_t)n);
	}
}

static struct slice
last_line(const struct child *c)
{
	size_t end = c->tail_len, start;

	while (end > 0 && c->tail[end - 1] <= ' ')
		end--;
	for (start = end; start > 0 && c->tail[start - 1] != '\n'; start--)
		;
	return slice_of(c->tail + start, end - start);
}

static void
put_last(const struct child *c, char ret[PROCESS_LINE_MAX + 1])
{
	struct slice line = last_line(c);
	size_t len = line.len < PROCESS_LINE_MAX ? line.len : PROCESS_LINE_MAX;
	bool utf8;

	/* A character that would be cut in two is left out. */
	while (len < line.len && len > 0 && (line.p[len] & 0xc0) == 0x80)
		len--;
	utf8 = utf8_valid(slice_of(line.p, len));
	for (size_t i = 0; i < len; i++) {
		uint8_t b = line.p[i];

		ret[i] = b < 0x20 || b == 0x7f || (b >= 0x80 && !utf8) ? '?' : (char)b;
	}
	ret[len] = '\0';
}

/* -- starting -- */

/* A pipe whose ends are none of the three standard descriptors, which the caller may have closed.
 */
static bool
open_pipe(int fd[2])
{
	int low[2];

	fd[0] = fd[1] = -1;
	if (pipe2(low, O_CLOEXEC | O_NONBLOCK) != 0)
		return false;
	for (int i = 0; i < 2; i++) {
		fd[i] = fcntl(low[i], F_DUPFD_CLOEXEC, 3);
		close(low[i]);
	}
	return fd[0] >= 0 && fd[1] >= 0;
}

static void
close_pipe(int fd[2])
{
	for (int i = 0; i < 2; i++)
		if (fd[i] >= 0)
			close(fd[i]);
	fd[0] = fd[1] = -1;
}

/*
 * The whole input is in the pipe before anybody reads: writing it can neither wait nor raise
 * SIGPIPE, and nobody needs to write while he watches. The reader's end blocks again, as programs
 * expect.
 */
static bool
fill_pipe(int fd[2], struct slice input)
{
	bool good = input.len <= PROCESS_INPUT_MAX &&
	    write(fd[1], input.p, input.len) == (ssize_t)input.len && fcntl(fd[0], F_SETFL, 0) == 0;

	close(fd[1]);
	fd[1] = -1;
	return good;
}

static int
describe(posix_spawn_file_actions_t *files, posix_spawnattr_t *attr, int in, int err)
{
	sigset_t all, none;
	int e = 0;

	sigfillset(&all);
	sigemptyset(&none);
	if ((e = posix_spawn_file_actions_adddup2(files, in, STDIN_FILENO)) != 0 ||
	    (e = posix_spawn_file_actions_addopen(files, STDOUT_FILENO, "/dev/null", O_WRONLY,
		 0)) != 0 ||
	    (e = posix_spawn_file_actions_adddup2(files, err, STDERR_FILENO)) != 0 ||
	    (e = posix_spawn_file_actions_addclosefrom_np(files, STDERR_FILENO + 1)) != 0 ||
	    (e = posix_spawn_file_actions_addchdir_np(files, "/")) != 0 ||
	    (e = posix_spawnattr_setsigdefault(attr, &all)) != 0 ||
	    (e = posix_spawnattr_setsigmask(attr, &none)) != 0 ||
	    (e = posix_spawnattr_setpgroup(attr, 0)) != 0)
		return e;
	return posix_spawnattr_setflags(attr,
	    POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
}

static int
spawn(struct child *c, char *const argv[], int in, int err)
{
	static char path[] = "PATH=/usr/local/bin:/usr/bin:/bin", locale[] = "LC_ALL=C";
	static char *const env[] = { path, locale, NULL };
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	int e;

	if ((e = posix_spawn_file_actions_init(&files)) != 0)
		return e;
	if ((e = posix_spawnattr_init(&attr)) == 0) {
		if ((e = describe(&files, &attr, in, err)) == 0)
			e = posix_spawn(&c->pid, argv[0], &files, &attr, argv, env);
		posix_spawnattr_destroy(&attr);
	}
	posix_spawn_file_actions_destroy(&files);
	return e;
}

/* 0, or the error number. */
static int
start(struct child *c, char *const argv[], struct slice input)
{
	int in[2], err[2], e;

	if (!open_pipe(in)) {
		e = errno;
	} else if (!open_pipe(err)) {
		e = errno;
		close_pipe(err);
	} else if (!fill_pipe(in, input) || fcntl(err[1], F_SETFL, 0) != 0) {
		e = E2BIG;
		close_pipe(err);
	} else {
		if ((e = spawn(c, argv, in[0], err[1])) == 0) {
			c->err = err[0]; /* moved */
			err[0] = -1;
		}
		close_pipe(err);
	}
	close_pipe(in);
	return e;
}

/* -- watching -- */

/* Leaves the process as it is, so that its number, and its group's, stay its own. */
static bool
has_ended(struct child *c)
{
	if (!c->ended) {
		c->how.si_pid = 0;
		c->ended = waitid(P_PID, (id_t)c->pid, &c->how, WEXITED | WNOHANG | WNOWAIT) == 0 &&
		    c->how.si_pid == c->pid;
	}
	return c->ended;
}

static void
wait_a_little(const struct child *c)
{
	struct pollfd p = { .fd = c->err, .events = POLLIN };

	(void)poll(&p, 1, LOOK_MS);
}

/* Sends what is due to the group. False: it has been killed long ago, and still is there. */
static bool
press(struct child *c)
{
	if (clock_ms() < c->next_ms)
		return true;
	if (c->sent == SIGKILL)
		return false;
	c->sent = c->sent == 0 ? SIGTERM : SIGKILL;
	(void)kill(-c->pid, c->sent);
	c->next_ms = clock_ms() + GRACE_MS;
	return true;
}

static void
watch(struct child *c)
{
	do {
		drain(c);
		if (has_ended(c))
			break;
		wait_a_little(c);
	} while (press(c));
	(void)kill(-c->pid, SIGKILL);
	drain(c);
	if (c->ended)
		(void)waitid(P_PID, (id_t)c->pid, &c->how, WEXITED);
	if (c->err >= 0)
		close(c->err);
}

void
process_run(char *const argv[], struct slice input, uint64_t timeout_ms, struct process_result *ret,
    struct err *err)
{
	struct child c = { .err = -1 };
	int e = start(&c, argv, input);

	*ret = (struct process_result){ .end = PROCESS_NOT_STARTED };
	if (e != 0) {
		errno = e;
		(void)err_set(err, KMS_IO, "%s does not start: %m", argv[0]);
		return;
	}
	c.next_ms = clock_ms() + timeout_ms;
	watch(&c);
	put_last(&c, ret->last);
	ret->status = c.how.si_status;
	if (c.ended && c.how.si_code == CLD_EXITED && (c.sent == 0 || c.how.si_status == 0))
		ret->end = PROCESS_ENDED;
	else
		ret->end = c.sent == 0 ? PROCESS_KILLED : PROCESS_TIMED_OUT;
}
