/* SPDX-License-Identifier: Apache-2.0 */
/* Time, forks, folders and file rights as the rest of the code sees them. */
#define _GNU_SOURCE 1
#include "base/os.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"

static _Atomic int64_t fake_seconds = -1;
static _Atomic unsigned forks;
static pthread_once_t forks_once = PTHREAD_ONCE_INIT;

uint64_t
os_monotonic_ms(void)
{
	int64_t fake = atomic_load_explicit(&fake_seconds, memory_order_relaxed);
	struct timespec t;

	if (fake >= 0)
		return (uint64_t)fake * 1000;
	clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

int64_t
os_wall_seconds(void)
{
	int64_t fake = atomic_load_explicit(&fake_seconds, memory_order_relaxed);

	return fake >= 0 ? fake : (int64_t)time(NULL);
}

int64_t
os_wall_ms(void)
{
	int64_t fake = atomic_load_explicit(&fake_seconds, memory_order_relaxed);
	struct timespec t;

	if (fake >= 0)
		return fake * 1000;
	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void
os_fake_clock(int64_t seconds)
{
	atomic_store(&fake_seconds, seconds < 0 ? -1 : seconds);
}

static void
count_fork(void)
{
	atomic_fetch_add_explicit(&forks, 1, memory_order_relaxed);
}

static void
watch_forks(void)
{
	(void)pthread_atfork(NULL, NULL, count_fork);
}

unsigned
os_fork_generation(void)
{
	(void)pthread_once(&forks_once, watch_forks);
	return atomic_load_explicit(&forks, memory_order_relaxed);
}

char *
os_path_join(const char *dir, const char *name)
{
	size_t a = strlen(dir), b = strlen(name), len;
	bool slash = a > 0 && dir[a - 1] != '/';
	char *p;

	if (!size_add(a, b, &len) || !size_add(len, 2, &len) || (p = malloc(len)) == NULL)
		return NULL;
	memcpy(p, dir, a);
	if (slash)
		p[a++] = '/';
	memcpy(p + a, name, b + 1);
	return p;
}

static enum kms_rc
make_dir(const char *dir, struct err *err)
{
	struct stat st;
	int failed;

	if (mkdir(dir, 0700) == 0)
		return KMS_OK;
	/* What is there may answer EROFS or EACCES instead of EEXIST. */
	failed = errno;
	if (stat(dir, &st) == 0) {
		if (S_ISDIR(st.st_mode))
			return KMS_OK;
		return err_set(err, KMS_IO, "%s is not a folder", dir);
	}
	errno = failed;
	return err_set(err, KMS_IO, "cannot make the folder %s: %m", dir);
}

enum kms_rc
os_make_dirs(const char *dir, struct err *err)
{
	size_t len = strlen(dir);
	enum kms_rc rc = KMS_OK;
	char *path;

	if ((path = strdup(dir)) == NULL)
		return KMS_NOMEM;
	for (size_t i = 1; i < len && rc == KMS_OK; i++) {
		if (path[i] != '/')
			continue;
		path[i] = '\0';
		rc = make_dir(path, err);
		path[i] = '/';
	}
	if (rc == KMS_OK)
		rc = make_dir(path, err);
	free(path);
	return rc;
}

/* Belongs to root or to us, and nobody else can write it. */
static enum kms_rc
check_writers(const struct stat *st, const char *what, struct err *err)
{
	if (st->st_uid != 0 && st->st_uid != geteuid())
		return err_set(err, KMS_CONFIG, "%s belongs to user %lu; expected root or user %lu",
		    what, (unsigned long)st->st_uid, (unsigned long)geteuid());
	if ((st->st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return err_set(err, KMS_CONFIG,
		    "%s can be written by others (mode %03o); chmod go-w it", what,
		    (unsigned)(st->st_mode & 0777));
	return KMS_OK;
}

enum kms_rc
os_check_private(int fd, const char *what, bool secret, struct err *err)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return err_set(err, KMS_IO, "%s: %m", what);
	if (!S_ISREG(st.st_mode))
		return err_set(err, KMS_CONFIG, "%s is not a regular file", what);
	TRY(check_writers(&st, what, err));
	if (secret && (st.st_mode & S_IROTH) != 0)
		return err_set(err, KMS_CONFIG,
		    "%s can be read by others (mode %03o); chmod o-r it", what,
		    (unsigned)(st.st_mode & 0777));
	return KMS_OK;
}

enum kms_rc
os_check_private_dir(int fd, const char *what, struct err *err)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return err_set(err, KMS_IO, "%s: %m", what);
	if (!S_ISDIR(st.st_mode))
		return err_set(err, KMS_CONFIG, "%s is not a folder", what);
	return check_writers(&st, what, err);
}

const char *
os_env(const char *name)
{
	const char *value = secure_getenv(name);

	return value == NULL || value[0] == '\0' ? NULL : value;
}
