/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which file a process writes to. A lane's newest file is locked by its writer; the kernel frees it
 * when the process ends, however it ends. The next process goes on in the first free lane, with the
 * chain as it finds it, so that there are as many lanes as there were writers at one time.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit/core.h"
#include "audit/register.h"
#include "base/codec.h"
#include "base/log.h"
#include "base/os.h"

#define DAY	  86400
#define START_MAX 1024

/* -- taking a lane ------------------------------------------------------------------------- */

/* Makes file *F, or the next whose name was never used: locked, known to the disk. */
static enum kms_rc
create(const struct reg *r, int dirfd, struct log_file *f, int *ret, struct err *err)
{
	char name[FILE_NAME_SIZE];
	auto_fd fd = -1;
	bool used = true;

	while (used && f->number <= NUMBER_MAX) {
		log_file_name(*f, name);
		TRY(reg_mentions(r, name, &used));
		f->number += used ? 1 : 0;
	}
	if (f->lane > LANE_MAX || f->number > NUMBER_MAX)
		return err_set(err, KMS_LIMIT, "the audit log has too many files");
	TRY(log_file_open(dirfd, name, O_RDWR | O_APPEND | O_CREAT | O_EXCL, &fd, err));
	if (flock(fd, LOCK_EX | LOCK_NB) != 0 || fsync(dirfd) != 0) {
		enum kms_rc rc = rc_of_errno(errno);

		(void)unlinkat(dirfd, name, 0);
		return err_set(err, rc, "cannot begin the audit log's %s: %m", name);
	}
	*ret = fd;
	fd = -1; /* moved */
	return KMS_OK;
}

/* Opens and locks F. KMS_BUSY: somebody writes there; KMS_READONLY: it is another user's. */
static enum kms_rc
take(int dirfd, struct log_file f, int *ret, struct err *err)
{
	char name[FILE_NAME_SIZE];
	struct err why = { 0 };
	auto_fd fd = -1;
	enum kms_rc rc;

	log_file_name(f, name);
	if ((rc = log_file_open(dirfd, name, O_RDWR | O_APPEND, &fd, &why)) != KMS_OK)
		return rc == KMS_READONLY ? rc : err_set(err, rc, "%s", why.text);
	if (flock(fd, LOCK_EX | LOCK_NB) != 0)
		return KMS_BUSY;
	*ret = fd;
	fd = -1; /* moved */
	return KMS_OK;
}

/* A lane for us: *RET is its newest file, locked; *IS_NEW: there was none. */
static enum kms_rc
take_any(const struct reg *r, int dirfd, const struct file_list *l, struct log_file *ret, int *fd,
    bool *is_new, struct err *err)
{
	char front[FILE_NAME_SIZE];
	bool used = true;
	enum kms_rc rc;

	*is_new = false;
	for (size_t i = 0; i < l->n; i++) {
		if (i + 1 < l->n && l->v[i + 1].lane == l->v[i].lane)
			continue;
		*ret = l->v[i];
		if ((rc = take(dirfd, *ret, fd, err)) != KMS_BUSY && rc != KMS_READONLY)
			return rc;
	}
	*is_new = true;
	*ret = (struct log_file){ .lane = l->n == 0 ? 1 : l->v[l->n - 1].lane + 1, .number = 1 };
	while (used && ret->lane <= LANE_MAX) {
		lane_name(ret->lane, front);
		TRY(reg_mentions(r, front, &used));
		ret->lane += used ? 1 : 0;
	}
	return create(r, dirfd, ret, fd, err);
}

/* -- going on with a chain ----------------------------------------------------------------- */

/*
 * F has no good line: the chain's end is in the last file before it that has one. What is torn
 * there is for F's first line to tell, unless something is torn in F itself.
 */
static enum kms_rc
tail_before(int dirfd, const struct file_list *l, struct log_file f, struct tail *ret,
    struct err *err)
{
	char name[FILE_NAME_SIZE];
	struct tail t;

	for (size_t i = l->n; i-- > 0;) {
		auto_fd fd = -1;

		if (l->v[i].lane != f.lane || l->v[i].number >= f.number)
			continue;
		log_file_name(l->v[i], name);
		TRY(log_file_open(dirfd, name, O_RDONLY, &fd, err));
		TRY(tail_find(fd, &t));
		ret->head = t.head;
		if (ret->torn.len == 0) {
			ret->torn = t.torn;
			ret->torn.open = false; /* it ends with its file */
		}
		if (t.found)
			return KMS_OK;
	}
	return KMS_OK;
}

/* The day of a file's first line; 0 when that cannot be told. */
static int64_t
file_day(int fd)
{
	static const char mark[] = "\"time\":\"";
	char text[START_MAX];
	ssize_t n = pread(fd, text, sizeof(text), 0);
	const char *p = n <= 0 ? NULL : memmem(text, (size_t)n, mark, sizeof(mark) - 1);
	int64_t ms;

	if (p == NULL)
		return 0;
	p += sizeof(mark) - 1;
	if ((size_t)(text + n - p) < STAMP_SIZE - 1 ||
	    !stamp_parse(slice_of(p, STAMP_SIZE - 1), &ms))
		return 0;
	return ms / 1000 / DAY;
}

static bool
is_full(const struct core *c, int fd, uint64_t size)
{
	return size >= c->a->conf.file_max || file_day(fd) != os_wall_seconds() / DAY;
}

/* The first line of a writer, and of each of its files. Its bytes go straight to the file: what
 * waits in memory must not stand before it. */
static enum kms_rc
write_start(struct core *c, int fd, const char *log, const char *writer, struct log_file f,
    const struct torn *torn, struct chain *head, uint64_t *ret_len)
{
	char text[1 + START_MAX] = "\n", name[FILE_NAME_SIZE], stamp[STAMP_SIZE], lane[5];
	bool own_line = torn != NULL && torn->open;
	struct jout o = jout_of(text + 1, START_MAX);
	size_t skip = own_line ? 0 : 1, done;
	enum kms_rc rc;

	log_file_name(f, name);
	lane_name(f.lane, lane);
	stamp_seconds(os_wall_seconds(), stamp);
	jout_open(&o, NULL, '{');
	jout_text(&o, "audit", "start");
	jout_number(&o, "version", 1);
	jout_text(&o, "log", log);
	jout_text(&o, "lane", lane);
	jout_text(&o, "file", name);
	jout_text(&o, "time", stamp);
	o.string_max = 128;
	jout_text_if(&o, "program", c->a->conf.program);
	jout_number(&o, "pid", (uint64_t)getpid());
	jout_number(&o, "uid", geteuid());
	if (torn != NULL)
		torn_write(&o, torn);
	TRY(line_seal(&o, writer, head));
	TRY(line_end(&o, NULL));
	rc = log_file_write(fd, slice_of(text + skip, 1 + o.len - skip), &done);
	*ret_len = done;
	return rc;
}

/* FD is C's file from now on. WRITER is NULL where it stays the same. */
static void
use_file(struct core *c, int fd, struct log_file f, const struct chain *head, uint64_t size,
    const char *log, const char *writer)
{
	int old;

	pthread_mutex_lock(&c->lock);
	old = c->fd;
	c->file = f;
	c->head = c->written = *head;
	c->size = size;
	c->day = os_wall_seconds() / DAY;
	c->openings++;
	if (writer != NULL) {
		memcpy(c->log, log, sizeof(c->log));
		memcpy(c->writer, writer, sizeof(c->writer));
		c->unsigned_records = 0;
		c->checkpoint_ms = os_monotonic_ms();
	}
	c->fd = fd; /* before the old one is closed: a child that is forked now closes this */
	pthread_mutex_unlock(&c->lock);
	if (old >= 0)
		(void)flock(old, LOCK_UN);
	file_close(&old);
}

void
lane_leave_locked(struct core *c)
{
	int old = c->fd;

	c->fd = -1;
	c->openings++;
	if (old >= 0) /* not by closing alone: a forked child has the same lock */
		(void)flock(old, LOCK_UN);
	file_close(&old);
}

/* Takes off what a failed write has left. A file that is empty then is one that nobody got as far
 * as writing to. */
static enum kms_rc
start_failed(int fd, off_t size, enum kms_rc rc, struct err *err)
{
	if (ftruncate(fd, size) != 0)
		log_warning("audit log: a torn line stays behind");
	return err_set(err, rc, "cannot write the audit log: %s", rc_text(rc));
}

static enum kms_rc
new_writer(unsigned lane, char ret[WRITER_SIZE])
{
	uint8_t b[6];
	char random[13], name[5];

	TRY(crypto_random(b, sizeof(b)));
	if (!hex_encode(slice_of(b, sizeof(b)), random, sizeof(random)))
		return KMS_INTERNAL;
	lane_name(lane, name);
	(void)snprintf(ret, WRITER_SIZE, "%s-%s", name, random);
	return KMS_OK;
}

/* The lane's files so far end with TAIL, in *F: if that file is full, goes on in a new one. */
static enum kms_rc
renew(struct core *c, const struct reg *r, struct log_file *f, int *fd, bool *is_new,
    struct torn *torn, struct err *err)
{
	auto_fd old = -1;
	struct stat st;
	struct log_file next = { .lane = f->lane, .number = f->number + 1 };

	if (fstat(*fd, &st) != 0)
		return err_set(err, KMS_IO, "the audit log: %m");
	if (st.st_size == 0 || !is_full(c, *fd, (uint64_t)st.st_size))
		return KMS_OK;
	old = *fd;
	*fd = -1;
	TRY(create(r, c->a->dirfd, &next, fd, err));
	(void)flock(old, LOCK_UN);
	*f = next;
	*is_new = true;
	torn->open = false; /* what is torn ends with its file */
	return KMS_OK;
}

static void
forget_file(struct core *c, struct log_file f)
{
	char name[FILE_NAME_SIZE];

	log_file_name(f, name);
	(void)unlinkat(c->a->dirfd, name, 0);
}

enum kms_rc
lane_open(struct core *c, struct err *err)
{
	const struct audit_conf *conf = &c->a->conf;
	auto_reg r = { .fd = -1 };
	auto_file_list l = { 0 };
	auto_fd fd = -1;
	struct log_file f;
	struct tail t;
	struct stat st;
	char writer[WRITER_SIZE];
	uint64_t len;
	bool is_new;
	enum kms_rc rc;

	TRY(reg_lock(c->a->dirfd, conf, &r, err));
	if (conf->signer != NULL && conf->signer->public_key.len > 0)
		TRY(key_file_write(c->a->dirfd, conf->signer->public_key, err));
	TRY(files_list(c->a->dirfd, &l, err));
	TRY(take_any(&r, c->a->dirfd, &l, &f, &fd, &is_new, err));
	if ((rc = tail_find(fd, &t)) != KMS_OK)
		return err_set(err, rc, "cannot read the audit log");
	if (!t.found)
		TRY(tail_before(c->a->dirfd, &l, f, &t, err));
	if (!is_new)
		TRY(renew(c, &r, &f, &fd, &is_new, &t.torn, err));
	rc = new_writer(f.lane, writer);
	if (rc == KMS_OK)
		rc = reg_append(&r,
		    &(struct claim){ .what = "writer",
			.file = f,
			.at = t.head,
			.opened = writer,
			.found = &t.torn },
		    err);
	if (rc != KMS_OK) {
		if (is_new)
			forget_file(c, f);
		return rc;
	}
	if (fstat(fd, &st) != 0)
		return err_set(err, KMS_IO, "the audit log: %m");
	if ((rc = write_start(c, fd, r.log, writer, f, &t.torn, &t.head, &len)) != KMS_OK)
		return start_failed(fd, st.st_size, rc, err);
	use_file(c, fd, f, &t.head, (uint64_t)st.st_size + len, r.log, writer);
	fd = -1; /* moved */
	return KMS_OK;
}

enum kms_rc
lane_next_file(struct core *c, struct err *err)
{
	struct log_file f = { .lane = c->file.lane, .number = c->file.number + 1 };
	struct chain head = c->head;
	auto_reg r = { .fd = -1 };
	auto_fd fd = -1;
	uint64_t len;
	enum kms_rc rc;

	TRY(reg_lock(c->a->dirfd, &c->a->conf, &r, err));
	TRY(create(&r, c->a->dirfd, &f, &fd, err));
	rc = reg_append(&r, &(struct claim){ .what = "file", .file = f, .at = head }, err);
	if (rc != KMS_OK) {
		forget_file(c, f);
		return rc;
	}
	if ((rc = write_start(c, fd, c->log, c->writer, f, NULL, &head, &len)) != KMS_OK) {
		/* The register knows the new file, and so the lane goes on there: as soon as there
		 * is room, with a new writer. */
		pthread_mutex_lock(&c->lock);
		lane_leave_locked(c);
		pthread_mutex_unlock(&c->lock);
		return start_failed(fd, 0, rc, err);
	}
	use_file(c, fd, f, &head, len, NULL, NULL);
	fd = -1; /* moved */
	return KMS_OK;
}
