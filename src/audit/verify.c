/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Verification: takes a picture of the folder, then checks the register and every lane against it.
 * Holds the register's lock for the picture only, so that the log may go on meanwhile.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit/verify.h"

void *
vgrow(void **array, size_t *n, size_t size)
{
	uint8_t *v = *array;

	if ((*n & (*n - 1)) == 0) { /* full at each power of two */
		if ((v = reallocarray(v, *n == 0 ? 1 : 2 * *n, size)) == NULL)
			return NULL;
		*array = v;
	}
	memset(v + *n * size, 0, size);
	return v + (*n)++ * size;
}

void
vreport(struct verify *v, enum audit_problem problem, const char *file, uint64_t line, uint64_t seq,
    uint64_t count, const char *fmt, ...)
{
	static const struct {
		enum audit_level level;
		const char *word;
	} problems[] = {
#define PROBLEM(name, level, word) [name] = { level, word },
#include "audit/problems.def"
#undef PROBLEM
	};
	struct audit_finding f = { .problem = problem,
		.level = problems[problem].level,
		.word = problems[problem].word,
		.file = file == NULL ? "" : file,
		.line = line,
		.seq = seq,
		.count = count };
	char text[400];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	f.text = text;
	v->sum->errors += f.level == AUDIT_ERROR ? 1 : 0;
	v->sum->warnings += f.level == AUDIT_WARNING ? 1 : 0;
	if (v->in->report != NULL)
		v->in->report(v->in->arg, &f);
}

/* Whether a process has the lane of this file; asked while nobody can open the log. */
static enum kms_rc
look_if_live(struct verify *v, int fd, unsigned lane)
{
	unsigned *x;

	if (flock(fd, LOCK_SH | LOCK_NB) == 0) {
		(void)flock(fd, LOCK_UN);
		return KMS_OK;
	}
	if (errno != EWOULDBLOCK)
		return KMS_OK; /* a file system without locks has no writers of ours */
	if ((x = vgrow((void **)&v->live, &v->n_live, sizeof(*x))) == NULL)
		return KMS_NOMEM;
	*x = lane;
	return KMS_OK;
}

static enum kms_rc
picture_file(struct verify *v, struct log_file f)
{
	struct vfile *x = vgrow((void **)&v->files, &v->n_files, sizeof(*x));
	auto_fd fd = -1;
	struct stat st;

	if (x == NULL)
		return KMS_NOMEM;
	*x = (struct vfile){ .f = f, .there = true };
	log_file_name(f, x->name);
	TRY(log_file_open(v->dirfd, x->name, O_RDONLY, &fd, v->err));
	if (fstat(fd, &st) != 0)
		return err_set(v->err, KMS_IO, "%s: %m", x->name);
	x->size = st.st_size;
	return look_if_live(v, fd, f.lane);
}

static enum kms_rc
picture(struct verify *v)
{
	auto_file_list l = { 0 };
	auto_fd fd = -1;
	struct stat st;
	enum kms_rc rc;

	rc = log_file_open(v->dirfd, REGISTER_NAME, O_RDONLY, &fd, v->err);
	if (rc != KMS_OK && rc != KMS_NOTFOUND)
		return rc;
	err_clear(v->err);
	v->has_register = rc == KMS_OK;
	if (v->has_register)
		TRY(lock_wait(fd, LOCK_SH, REGISTER_NAME, v->err));
	rc = files_list(v->dirfd, &l, v->err);
	for (size_t i = 0; rc == KMS_OK && i < l.n; i++)
		rc = picture_file(v, l.v[i]);
	if (rc == KMS_OK && v->has_register) {
		rc = fstat(fd, &st) == 0 ? KMS_OK : KMS_IO;
		v->register_size = rc == KMS_OK ? st.st_size : 0;
	}
	if (rc == KMS_OK && v->in->anchor != NULL)
		v->anchor_rc = v->in->anchor->get(v->in->anchor->arg, &v->known, v->err);
	if (v->has_register)
		(void)flock(fd, LOCK_UN);
	return rc;
}

static enum kms_rc
verify(struct verify *v)
{
	TRY(picture(v));
	TRY(vkey_given(v));
	TRY(vregister(v));
	for (size_t i = 0, n; i < v->n_files; i += n) {
		n = 1;
		while (i + n < v->n_files && v->files[i + n].f.lane == v->files[i].f.lane)
			n++;
		TRY(vlane(v, i, n));
	}
	if (v->sum->records == 0 && v->sum->signatures == 0 && v->n_claims == 0)
		return KMS_OK; /* nothing there that could be signed */
	if (v->sum->signatures == 0)
		vreport(v, v->in->n_keys > 0 ? AUDIT_NOT_SIGNED : AUDIT_UNSIGNED, NULL, 0, 0,
		    v->sum->records, "nothing in the log is signed");
	else if (v->in->n_keys == 0)
		vreport(v, AUDIT_OWN_KEY, NULL, 0, 0, 0,
		    "signatures were checked with the key that lies beside the log; give the key to be sure");
	return KMS_OK;
}

enum kms_rc
audit_verify(const struct audit_check *check, struct audit_summary *ret, struct err *err)
{
	struct audit_summary sum = { 0 };
	struct verify v = { .in = check, .sum = &sum, .err = err, .dirfd = -1 };
	enum kms_rc rc;

	if ((rc = dir_open(check->dir, false, &v.dirfd, err)) == KMS_OK)
		rc = verify(&v);
	vkey_free(&v);
	free(v.files);
	free(v.claims);
	free(v.live);
	file_close(&v.dirfd);
	if (rc != KMS_OK)
		return err_set(err, rc, "cannot check the audit log: %s", rc_text(rc));
	*ret = sum;
	return sum.errors > 0 ? KMS_TAMPERED : KMS_OK;
}
