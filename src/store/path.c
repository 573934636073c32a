/* SPDX-License-Identifier: Apache-2.0 */
/* The store's file and folder: whether others could have written them, and how they are made. */
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/os.h"
#include "store/sqlite.h"

static void
free_text(char **p)
{
	free(*p);
}
#define auto_text __attribute__((cleanup(free_text))) char

static void
close_fd(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}
#define auto_fd __attribute__((cleanup(close_fd))) int

enum kms_rc
path_fail(struct call *c, const char *path)
{
	if (errno == EACCES || errno == EPERM)
		return call_fail(c, KMS_IO,
		    "user %lu has no access to %s; run this as its owner, or change its rights",
		    (unsigned long)geteuid(), path);
	return call_fail(c, KMS_IO, "%s: %m", path);
}

/* The folder part of PATH, allocated. */
static char *
folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (slash == NULL)
		return strdup(".");
	return slash == path ? strdup("/") : strndup(path, (size_t)(slash - path));
}

/*
 * Nobody else may put another file in the place of ours: the folder is ours or root's, and others
 * cannot write it, unless it is sticky and the file is ours.
 */
static enum kms_rc
check_folder(const char *path, uid_t file_owner, struct call *c, bool *ret_shared)
{
	auto_text *dir = folder_of(path);
	struct stat st;

	if (dir == NULL)
		return KMS_NOMEM;
	if (stat(dir, &st) != 0)
		return errno == ENOENT ? KMS_NOTFOUND : path_fail(c, dir);
	if (st.st_uid != 0 && st.st_uid != geteuid())
		return call_fail(c, KMS_CONFIG,
		    "the folder %s belongs to user %lu; expected root or user %lu", dir,
		    (unsigned long)st.st_uid, (unsigned long)geteuid());
	*ret_shared = (st.st_mode & (S_IWGRP | S_IWOTH)) != 0;
	if (!*ret_shared)
		return KMS_OK;
	if ((st.st_mode & S_ISVTX) == 0)
		return call_fail(c, KMS_CONFIG,
		    "the folder %s can be written by others (mode %03o); chmod go-w it", dir,
		    (unsigned)(st.st_mode & 0777));
	if (file_owner != geteuid())
		return call_fail(c, KMS_CONFIG,
		    "%s is not yours, in a folder that others can write; expected a folder of its own",
		    path);
	return KMS_OK;
}

/* In a folder that others can write, they could have laid SQLite's companions beside the file. */
static enum kms_rc
check_companions(const char *path, struct call *c)
{
	static const char *const suffix[] = { "-wal", "-shm", "-journal" };

	for (size_t i = 0; i < ARRAY_LEN(suffix); i++) {
		auto_text *name = NULL;
		struct stat st;

		if (asprintf(&name, "%s%s", path, suffix[i]) < 0) {
			name = NULL;
			return KMS_NOMEM;
		}
		if (lstat(name, &st) != 0)
			continue;
		if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() ||
		    (st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
			return call_fail(c, KMS_CONFIG,
			    "%s was put there by somebody else; remove it", name);
	}
	return KMS_OK;
}

enum kms_rc
path_check(const char *path, struct call *c, struct stat *ret)
{
	auto_fd fd = open(path, O_PATH | O_CLOEXEC);
	auto_text *real = NULL;
	bool shared;

	if (fd < 0)
		return errno == ENOENT ? KMS_NOTFOUND : path_fail(c, path);
	TRY(os_check_private(fd, path, true, c == NULL ? NULL : &c->err));
	if (fstat(fd, ret) != 0 || (real = realpath(path, NULL)) == NULL)
		return path_fail(c, path);
	TRY(check_folder(path, ret->st_uid, c, &shared));
	TRY(check_folder(real, ret->st_uid, c, &shared));
	return shared ? check_companions(real, c) : KMS_OK;
}

/* An empty file, private from its first moment, appears under PATH at once, and no descriptor of it
 * is closed afterwards. */
static enum kms_rc
create_file(const char *path, struct call *c)
{
	auto_text *name = NULL;
	enum kms_rc rc = KMS_OK;
	int fd;

	if (asprintf(&name, "%s.XXXXXX", path) < 0) {
		name = NULL;
		return KMS_NOMEM;
	}
	if ((fd = mkostemp(name, O_CLOEXEC)) < 0) {
		rc = errno == EACCES || errno == EROFS	 ? KMS_READONLY
		    : errno == ENOSPC || errno == EDQUOT ? KMS_FULL
							 : KMS_IO;
		return call_fail(c, rc, "cannot make %s: %m", path);
	}
	close(fd);
	if (link(name, path) != 0 && errno != EEXIST)
		rc = call_fail(c, KMS_IO, "cannot make %s: %m", path);
	(void)unlink(name);
	return rc;
}

enum kms_rc
path_create(const char *path, struct call *c)
{
	auto_text *dir = folder_of(path);
	struct stat st;
	bool shared;

	if (dir == NULL)
		return KMS_NOMEM;
	TRY(os_make_dirs(dir, c == NULL ? NULL : &c->err));
	if (lstat(path, &st) == 0)
		return KMS_OK;
	TRY(check_folder(path, geteuid(), c, &shared));
	return create_file(path, c);
}

bool
path_folder_writable(const char *path)
{
	auto_text *dir = folder_of(path);

	return dir != NULL && access(dir, W_OK) == 0;
}
