/* SPDX-License-Identifier: Apache-2.0 */
/* The log's folder and its files: names, rights, bytes. */
#define _GNU_SOURCE 1
#include "audit/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/os.h"
#include "crypto/crypto.h"

static void
put_digits(char *p, unsigned v, unsigned n)
{
	while (n-- > 0) {
		p[n] = (char)('0' + v % 10);
		v /= 10;
	}
}

void
log_file_name(struct log_file f, char ret[FILE_NAME_SIZE])
{
	memcpy(ret, "0000-000000.log", FILE_NAME_SIZE);
	put_digits(ret, f.lane, 4);
	put_digits(ret + 5, f.number, 6);
}

bool
file_name_read(const char *name, struct log_file *ret)
{
	char again[FILE_NAME_SIZE];

	*ret = (struct log_file){ 0 };
	if (strlen(name) != FILE_NAME_SIZE - 1)
		return false;
	for (unsigned i = 0; i < 11; i++) {
		unsigned *v = i < 4 ? &ret->lane : &ret->number;

		if (i != 4)
			*v = *v * 10 + (unsigned)(name[i] - '0') % 10;
	}
	log_file_name(*ret, again);
	return strcmp(name, again) == 0 && ret->lane > 0 && ret->number > 0;
}

static int
by_name(const void *a, const void *b)
{
	const struct log_file *x = a, *y = b;

	if (x->lane != y->lane)
		return x->lane < y->lane ? -1 : 1;
	return (x->number > y->number) - (x->number < y->number);
}

void
file_list_free(struct file_list *l)
{
	free(l->v);
	*l = (struct file_list){ 0 };
}

static enum kms_rc
list_add(struct file_list *l, struct log_file f)
{
	struct log_file *v;

	if ((l->n & (l->n - 1)) == 0) { /* full at each power of two */
		v = reallocarray(l->v, l->n == 0 ? 1 : 2 * l->n, sizeof(*v));
		if (v == NULL)
			return KMS_NOMEM;
		l->v = v;
	}
	l->v[l->n++] = f;
	return KMS_OK;
}

enum kms_rc
files_list(int dirfd, struct file_list *ret, struct err *err)
{
	auto_file_list l = { 0 };
	int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent *entry;
	struct log_file f;
	enum kms_rc rc = KMS_OK;
	DIR *d;

	if (fd < 0 || (d = fdopendir(fd)) == NULL) {
		rc = err_set(err, rc_of_errno(errno), "cannot list the audit log's folder: %m");
		file_close(&fd);
		return rc;
	}
	while (rc == KMS_OK && (entry = readdir(d)) != NULL) {
		if (file_name_read(entry->d_name, &f))
			rc = list_add(&l, f);
	}
	closedir(d);
	TRY(rc);
	if (l.n > 1)
		qsort(l.v, l.n, sizeof(*l.v), by_name);
	*ret = l;
	l = (struct file_list){ 0 }; /* moved */
	return KMS_OK;
}

enum kms_rc
rc_of_errno(int e)
{
	switch (e) {
	case ENOSPC:
	case EDQUOT:
	case EFBIG: return KMS_FULL;
	case EROFS:
	case EACCES:
	case EPERM: return KMS_READONLY;
	case ENOMEM: return KMS_NOMEM;
	case ENOENT: return KMS_NOTFOUND;
	default: return KMS_IO;
	}
}

enum kms_rc
dir_open(const char *dir, bool write, int *ret, struct err *err)
{
	auto_fd fd = -1;

	if (write)
		TRY(os_make_dirs(dir, err));
	if ((fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
		return err_set(err, rc_of_errno(errno), "cannot open the audit log's folder %s: %m",
		    dir);
	if (write)
		TRY(os_check_private_dir(fd, dir, err));
	*ret = fd;
	fd = -1; /* moved */
	return KMS_OK;
}

enum kms_rc
log_file_open(int dirfd, const char *name, int flags, int *ret, struct err *err)
{
	/* Not to wait for the other end of a pipe that somebody put there. */
	auto_fd fd = openat(dirfd, name, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	struct stat st;

	if (fd < 0)
		return err_set(err, rc_of_errno(errno), "cannot open the audit log's %s: %m", name);
	if ((flags & O_ACCMODE) != O_RDONLY)
		TRY(os_check_private(fd, name, false, err));
	else if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		return err_set(err, KMS_IO, "the audit log's %s is not a regular file", name);
	*ret = fd;
	fd = -1; /* moved */
	return KMS_OK;
}

void
file_close(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

enum kms_rc
log_file_write(int fd, struct slice s, size_t *done)
{
	*done = 0;
	while (*done < s.len) {
		ssize_t n = write(fd, s.p + *done, s.len - *done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n == 0 ? KMS_IO : rc_of_errno(errno);
		*done += (size_t)n;
	}
	return KMS_OK;
}

/* Up to CAP bytes at AT; 0 at the end of the file, or an error of reading, -1. */
static ssize_t
read_at(int fd, uint8_t *p, size_t cap, off_t at)
{
	ssize_t n;

	do
		n = pread(fd, p, cap, at);
	while (n < 0 && errno == EINTR);
	return n;
}

enum kms_rc
file_digest(int fd, off_t start, off_t end, uint8_t ret[AUDIT_HASH_LEN])
{
	struct alg_params p = { .alg = ALG_DIGEST, .digest = DIGEST_SHA256 };
	struct outbuf out = { .p = ret, .cap = AUDIT_HASH_LEN };
	struct use *u = NULL;
	enum kms_rc rc = crypto_begin(NULL, USE_DIGEST, &p, &u);
	uint8_t block[4096];
	size_t need;

	for (off_t at = start; rc == KMS_OK && at < end;) {
		size_t want = end - at < (off_t)sizeof(block) ? (size_t)(end - at) : sizeof(block);
		ssize_t n = read_at(fd, block, want, at);

		if (n <= 0)
			rc = KMS_IO;
		else
			rc = use_update(u, slice_of(block, (size_t)n), NULL, &need);
		at += n;
	}
	if (rc == KMS_OK)
		rc = use_final(u, &out, &need);
	use_free(u);
	return rc;
}

/* -- line by line -------------------------------------------------------------------------- */

_Static_assert(SCAN_BLOCK > LINE_CAP + 1, "a block holds any line of ours");

enum kms_rc
scan_open(int fd, off_t start, off_t end, struct scan *ret)
{
	*ret = (struct scan){ .fd = fd, .next = start, .end = end };
	return (ret->block = malloc(SCAN_BLOCK)) == NULL ? KMS_NOMEM : KMS_OK;
}

void
scan_close(struct scan *s)
{
	free(s->block);
	s->block = NULL;
}

/* More bytes behind those that are left. False at the end. */
static enum kms_rc
refill(struct scan *s, bool *ret_more)
{
	size_t room;
	ssize_t n;

	*ret_more = false;
	if (s->from > 0) {
		memmove(s->block, s->block + s->from, s->to - s->from);
		s->to -= s->from;
		s->from = 0;
	}
	room = SCAN_BLOCK - s->to;
	if ((off_t)room > s->end - s->next)
		room = s->end > s->next ? (size_t)(s->end - s->next) : 0;
	if (room == 0)
		return KMS_OK;
	if ((n = read_at(s->fd, s->block + s->to, room, s->next)) < 0)
		return KMS_IO;
	s->to += (size_t)n;
	s->next += n;
	*ret_more = n > 0;
	return KMS_OK;
}

enum kms_rc
scan_next(struct scan *s, struct scan_line *ret)
{
	size_t looked = 0; /* bytes without a newline, from `from` on */

	*ret =
	    (struct scan_line){ .number = s->number + 1, .at = s->next - (off_t)(s->to - s->from) };
	for (;;) {
		size_t left = s->to - s->from;
		uint8_t *p = s->block + s->from;
		uint8_t *newline = memchr(p + looked, '\n', left - looked);
		bool more;

		if (newline != NULL) {
			size_t n = (size_t)(newline - p);

			ret->ended = true;
			ret->len += n + 1;
			ret->text = ret->oversize ? slice_of(NULL, 0) : slice_of(p, n);
			s->from += n + 1;
			s->number++;
			return KMS_OK;
		}
		looked = left;
		if (left > LINE_CAP) { /* no line of ours: only its length matters */
			ret->oversize = true;
			ret->len += left;
			s->from = s->to;
			looked = 0;
		}
		TRY(refill(s, &more));
		if (more)
			continue;
		left = s->to - s->from;
		ret->len += left;
		ret->text = ret->oversize ? slice_of(NULL, 0) : slice_of(s->block + s->from, left);
		s->from = s->to;
		if (ret->len == 0)
			return KMS_NOTFOUND;
		s->number++;
		return KMS_OK;
	}
}
