/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One line, one write(2). No lock of ours and none of the C library's on the way to a file, so that
 * a forked child can log whatever the other threads of its parent were doing.
 */
#define _GNU_SOURCE 1
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "base/os.h"

#define LINE_MAX_LEN 1024
#define STAMP_LEN    sizeof("1970-01-01T00:00:00.000Z")

_Atomic int log_threshold = KMS_LOG_NONE;

enum sink_kind { SINK_STDERR, SINK_SYSLOG, SINK_FILE };

/* Where lines go; does not change once it can be seen by others. */
struct sink {
	enum sink_kind kind;
	int fd;
	dev_t dev; /* the file behind fd */
	ino_t ino;
	struct sink *next; /* of the retired */
};

static struct sink *_Atomic current;
static struct sink *_Atomic retired; /* were current while a thread was writing */
static _Atomic int writers;	     /* threads that may be using a sink */

static const struct {
	const char *name;
	int priority;
} levels[] = {
	[KMS_LOG_NONE] = { "none", LOG_DEBUG },
	[KMS_LOG_ERROR] = { "error", LOG_ERR },
	[KMS_LOG_WARNING] = { "warning", LOG_WARNING },
	[KMS_LOG_INFO] = { "info", LOG_INFO },
	[KMS_LOG_DEBUG] = { "debug", LOG_DEBUG },
};

bool
log_level_parse(const char *text, enum log_level *ret)
{
	for (size_t i = 0; i < ARRAY_LEN(levels); i++) {
		if (strcmp(text, levels[i].name) == 0) {
			*ret = (enum log_level)i;
			return true;
		}
	}
	return false;
}

static enum kms_rc
open_file(const char *path, struct sink *ret, struct err *err)
{
	/* O_NONBLOCK: a FIFO must not hold the host up; it is refused below. */
	int fd =
	    open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0600);
	struct stat st;

	if (fd < 0)
		return err_set(err, KMS_IO, "cannot open the log %s: %m", path);
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		close(fd);
		return err_set(err, KMS_IO, "the log %s is not a regular file", path);
	}
	*ret = (struct sink){ .kind = SINK_FILE, .fd = fd, .dev = st.st_dev, .ino = st.st_ino };
	return KMS_OK;
}

static enum kms_rc
sink_open(const char *target, struct sink *ret, struct err *err)
{
	*ret = (struct sink){ .fd = -1 };
	if (strcmp(target, "stderr") == 0) {
		ret->kind = SINK_STDERR;
		return KMS_OK;
	}
	if (strcmp(target, "syslog") == 0) {
		ret->kind = SINK_SYSLOG;
		return KMS_OK;
	}
	if (target[0] == '/')
		return open_file(target, ret, err);
	return err_set(err, KMS_CONFIG,
	    "the log's target is not valid; expected stderr, syslog or an absolute path");
}

/* The file is still the one that was opened: hosts that turn into daemons close all descriptors,
 * and numbers come back. */
static bool
file_still_ours(const struct sink *s)
{
	struct stat st;

	return fstat(s->fd, &st) == 0 && st.st_dev == s->dev && st.st_ino == s->ino;
}

static void
release(struct sink *list)
{
	while (list != NULL) {
		struct sink *s = list;

		list = s->next;
		if (s->kind == SINK_FILE && file_still_ours(s))
			close(s->fd);
		free(s);
	}
}

static void
retire(struct sink *s)
{
	s->next = atomic_load(&retired);
	while (!atomic_compare_exchange_weak(&retired, &s->next, s))
		;
}

/*
 * Puts NEXT (or NULL) in place of the present sink, and releases what nobody can be using: a writer
 * counts itself before it looks for a sink, so that with none counted now, what was retired before
 * is out of reach. Otherwise it waits for the next time.
 */
static void
replace_sink(struct sink *next)
{
	struct sink *old = atomic_exchange(&current, next), *list;

	if (old != NULL)
		retire(old);
	list = atomic_exchange(&retired, NULL);
	if (atomic_load(&writers) == 0) {
		release(list);
		return;
	}
	while (list != NULL) {
		old = list;
		list = list->next;
		retire(old);
	}
}

static enum kms_rc
sink_use(const struct sink *opened, enum log_level level)
{
	struct sink *s = malloc(sizeof(*s));

	if (s == NULL) {
		if (opened->fd >= 0)
			close(opened->fd);
		return KMS_NOMEM;
	}
	*s = *opened;
	replace_sink(s);
	atomic_store(&log_threshold, (int)level);
	return KMS_OK;
}

enum kms_rc
log_open(const char *target, enum log_level level, struct err *err)
{
	const char *env_level = os_env("KMS_PKCS11_LOG"),
		   *env_target = os_env("KMS_PKCS11_LOG_FILE");
	struct sink opened;

	if (env_level != NULL && !log_level_parse(env_level, &level))
		return err_set(err, KMS_CONFIG,
		    "KMS_PKCS11_LOG is not a level; expected none, error, warning, info or debug");
	if (env_target != NULL)
		target = env_target;
	if (level == KMS_LOG_NONE) {
		log_close();
		return KMS_OK;
	}
	TRY(sink_open(target, &opened, err));
	return sink_use(&opened, level);
}

void
log_to_stderr(void)
{
	const struct sink s = { .kind = SINK_STDERR, .fd = -1 };

	if (sink_use(&s, KMS_LOG_ERROR) != KMS_OK)
		log_close();
}

void
log_close(void)
{
	atomic_store(&log_threshold, KMS_LOG_NONE);
	replace_sink(NULL);
}

static bool
leap(int64_t year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* ISO 8601 in UTC. Not gmtime_r: it takes a lock of the C library, which a fork may have left
 * locked. */
static void
stamp(char dst[STAMP_LEN])
{
	static const int month_days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	struct timespec now;
	int64_t days, year = 1970;
	int secs, month = 0;

	clock_gettime(CLOCK_REALTIME, &now);
	days = now.tv_sec / 86400;
	secs = (int)(now.tv_sec % 86400);
	for (; days >= (leap(year) ? 366 : 365) && year < 9999; year++)
		days -= leap(year) ? 366 : 365;
	for (; month < 11; month++) {
		int len = month_days[month] + (month == 1 && leap(year));

		if (days < len)
			break;
		days -= len;
	}
	if (snprintf(dst, STAMP_LEN, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", (int)year, month + 1,
		(int)days + 1, secs / 3600, secs / 60 % 60, secs % 60,
		(int)(now.tv_nsec / 1000000)) < 0)
		dst[0] = '\0';
}

/* The reader of stderr may have gone away, which is no reason for the host to die of SIGPIPE; how
 * it takes that signal, and one that is waiting for it, are left as they are. */
static void
write_stderr(const char *line, size_t len)
{
	static const struct timespec at_once;
	sigset_t pipe_signal, before, pending;

	(void)sigemptyset(&pipe_signal);
	(void)sigaddset(&pipe_signal, SIGPIPE);
	(void)pthread_sigmask(SIG_BLOCK, &pipe_signal, &before);
	(void)sigpending(&pending);
	if (write(STDERR_FILENO, line, len) < 0 && errno == EPIPE &&
	    sigismember(&pending, SIGPIPE) == 0)
		(void)sigtimedwait(&pipe_signal, NULL, &at_once);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void
emit(const struct sink *s, enum log_level level, const char *text)
{
	char line[LINE_MAX_LEN + 96], when[STAMP_LEN];
	int len;

	if (s->kind == SINK_SYSLOG) {
		/* No openlog: ident and facility belong to the host. */
		syslog(LOG_USER | levels[level].priority, "kms-pkcs11: %s: %s", levels[level].name,
		    text);
		return;
	}
	if (s->kind == SINK_FILE && !file_still_ours(s))
		return;
	stamp(when);
	len = snprintf(line, sizeof(line), "%s kms-pkcs11[%ld] %s: %s\n", when, (long)getpid(),
	    levels[level].name, text);
	if (len <= 0 || (size_t)len >= sizeof(line))
		return;
	if (s->kind == SINK_STDERR)
		write_stderr(line, (size_t)len);
	else if (write(s->fd, line, (size_t)len) < 0)
		return; /* the log never breaks a call */
}

void
log_write(enum log_level level, const char *fmt, ...)
{
	char text[LINE_MAX_LEN];
	const struct sink *s;
	int saved = errno;
	va_list ap;

	if ((size_t)level >= ARRAY_LEN(levels) || !log_on(level))
		return;
	va_start(ap, fmt);
	if (vsnprintf(text, sizeof(text), fmt, ap) < 0)
		text[0] = '\0';
	va_end(ap);
	/* A label with a line feed in it must not look like a line of ours. */
	for (char *p = text; *p != '\0'; p++) {
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = '?';
	}
	atomic_fetch_add(&writers, 1);
	if ((s = atomic_load(&current)) != NULL)
		emit(s, level, text);
	atomic_fetch_sub(&writers, 1);
	errno = saved;
}
