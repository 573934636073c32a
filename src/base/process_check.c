/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a program's file can be trusted: who could have written or replaced it. */
#define _GNU_SOURCE 1
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/process.h"

static enum kms_rc
check_owner(const char *path, const struct stat *st, struct err *err)
{
	if (st->st_uid != 0 && st->st_uid != geteuid())
		return err_set(err, KMS_CONFIG, "%s belongs to user %lu; expected root or user %lu",
		    path, (unsigned long)st->st_uid, (unsigned long)geteuid());
	if ((st->st_mode & (S_IWGRP | S_IWOTH)) != 0 &&
	    !(S_ISDIR(st->st_mode) && (st->st_mode & S_ISVTX) != 0))
		return err_set(err, KMS_CONFIG,
		    "%s can be written by others (mode %03o); chmod go-w it", path,
		    (unsigned)(st->st_mode & 0777));
	return KMS_OK;
}

static enum kms_rc
check_path(const char *path, struct err *err)
{
	struct stat st;

	if (lstat(path, &st) != 0)
		return err_set(err, KMS_CONFIG, "%s: %m", path);
	return check_owner(path, &st, err);
}

/* PATH, without symbolic links, and each folder above it. */
static enum kms_rc
check_way(char *path, struct err *err)
{
	struct stat st;

	TRY(check_path(path, err));
	if (lstat(path, &st) != 0 || !S_ISREG(st.st_mode) || access(path, X_OK) != 0)
		return err_set(err, KMS_CONFIG, "%s is not a file that can be run", path);
	for (char *slash = strrchr(path, '/'); slash != path;) {
		enum kms_rc rc;

		*slash = '\0';
		rc = check_path(path, err);
		slash[0] = '/';
		TRY(rc);
		while (--slash != path && *slash != '/')
			;
	}
	return check_path("/", err);
}

enum kms_rc
process_check(const char *path, char **ret, struct err *err)
{
	char *real;
	enum kms_rc rc;

	if (path[0] != '/')
		return err_set(err, KMS_CONFIG, "%s is not an absolute path", path);
	if ((real = realpath(path, NULL)) == NULL)
		return err_set(err, KMS_CONFIG, "%s: %m", path);
	if ((rc = check_way(real, err)) != KMS_OK) {
		free(real);
		return rc;
	}
	*ret = real;
	return KMS_OK;
}
