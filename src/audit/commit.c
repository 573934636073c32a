/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines into the file. Where records are not to wait in memory, threads share one write and, in
 * durable mode, one fdatasync: the first does it for all that is pending, and who comes meanwhile
 * is served by the next. A write that fails takes back every record that is not written, so that
 * nobody finds there what he was told to be not. Buffered records have been accepted; they are
 * kept, and tried again.
 */
#define _GNU_SOURCE 1
#include "audit/core.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/os.h"

#define PENDING_MAX (4u << 20) /* buffered mode: no more bytes wait than this */

void
commit_wait_idle_locked(struct core *c)
{
	while (c->busy)
		pthread_cond_wait(&c->changed, &c->lock);
}

/* Answers those whose records are written, up to SEQ; or, with an error, everybody. */
static void
answer_locked(struct core *c, uint64_t seq, enum kms_rc rc)
{
	while (c->waiters != NULL && (rc != KMS_OK || c->waiters->seq <= seq)) {
		struct waiter *w = c->waiters;

		if ((c->waiters = w->next) == NULL)
			c->waiters_end = &c->waiters;
		w->rc = rc;
		w->done = true;
	}
}

/* As if what is not written had never been asked for. */
static void
take_back_locked(struct core *c, bool clean, enum kms_rc rc)
{
	if (!c->a->through) /* these had been accepted */
		c->lost += c->waiting;
	c->pending.len = c->writing.len = c->done = 0;
	c->waiting = 0;
	c->head = c->written;
	c->lost += c->lost_pending + c->lost_writing;
	c->lost_pending = c->lost_writing = 0;
	answer_locked(c, 0, rc);
	if (!clean)
		lane_leave_locked(c);
}

/* Everything that waits moves to `writing`. */
static enum kms_rc
take_pending_locked(struct core *c)
{
	struct buf empty = c->writing;

	c->waiting = 0;
	if (c->done < c->writing.len)
		TRY(buf_add(&c->writing, buf_slice(&c->pending)));
	else {
		c->writing = c->pending;
		c->pending = empty;
		c->done = 0;
	}
	c->pending.len = 0;
	c->lost_writing += c->lost_pending;
	c->lost_pending = 0;
	return KMS_OK;
}

/* Somebody has deleted the file under us: what is written to it is written to nowhere. */
static bool
is_removed(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && st.st_nlink == 0;
}

enum kms_rc
commit_locked(struct core *c, bool sync, struct err *err)
{
	bool through = c->a->through, clean = true;
	struct chain head = c->head;
	size_t done = 0;
	enum kms_rc rc;
	int fd = c->fd;

	TRY(take_pending_locked(c));
	c->busy = true;
	pthread_mutex_unlock(&c->lock);

	rc = log_file_write(fd, slice_of(c->writing.p + c->done, c->writing.len - c->done), &done);
	if (rc == KMS_OK && sync && fdatasync(fd) != 0) {
		rc = rc_of_errno(errno);
		clean = !through; /* nobody knows what the disk has */
	} else if (rc == KMS_OK && sync && is_removed(fd)) {
		rc = KMS_IO;
		clean = false;
	}
	if (rc != KMS_OK && through && ftruncate(fd, (off_t)c->size) != 0)
		clean = false;

	pthread_mutex_lock(&c->lock);
	c->busy = false;
	if (rc != KMS_OK && (through || !clean))
		take_back_locked(c, clean, rc);
	else {
		c->done += done;
		c->size += done;
	}
	if (rc == KMS_OK) {
		c->written = head;
		c->lost_writing = 0;
		answer_locked(c, head.seq, KMS_OK);
	}
	pthread_cond_broadcast(&c->changed);
	return rc == KMS_OK ? rc : err_set(err, rc, "cannot write the audit log: %s", rc_text(rc));
}

enum kms_rc
commit_add_locked(struct core *c, struct jout *o)
{
	struct chain head = c->head;

	TRY(line_seal(o, c->writer, &head));
	TRY(line_end(o, NULL));
	TRY(buf_add(&c->pending, jout_slice(o)));
	c->head = head;
	return KMS_OK;
}

/* Says in the log that there are records it does not have. */
static enum kms_rc
tell_lost_locked(struct core *c)
{
	char text[512], stamp[STAMP_SIZE];
	struct jout o = jout_of(text, sizeof(text));

	jout_open(&o, NULL, '{');
	jout_text(&o, "audit", "lost");
	stamp_seconds(os_wall_seconds(), stamp);
	jout_text(&o, "time", stamp);
	jout_number(&o, "count", c->lost);
	TRY(commit_add_locked(c, &o));
	c->lost_pending += c->lost;
	c->lost = 0;
	return KMS_OK;
}

/* Whether buffered records have waited enough, or could not be written the last time. */
static bool
flush_due_locked(const struct core *c)
{
	const struct audit_conf *conf = &c->a->conf;

	return !c->a->through &&
	    (c->writing.len > c->done || c->waiting >= conf->batch_records ||
		(c->waiting > 0 && os_monotonic_ms() - c->waiting_ms >= conf->batch_ms));
}

static enum kms_rc
open_locked(struct core *c, struct err *err)
{
	enum kms_rc rc;

	c->paused = true;
	pthread_mutex_unlock(&c->lock);
	rc = lane_open(c, err);
	pthread_mutex_lock(&c->lock);
	c->paused = false;
	pthread_cond_broadcast(&c->changed);
	return rc;
}

/* There is a file, it may grow, and there is room for another record. */
static enum kms_rc
ready_locked(struct core *c, struct err *err)
{
	for (;;) {
		if (c->paused || (c->busy && c->pending.len > PENDING_MAX)) {
			pthread_cond_wait(&c->changed, &c->lock);
		} else if (c->fd < 0) {
			TRY(open_locked(c, err));
		} else if (!c->tending && tend_due_locked(c) == DUE_FILE) {
			pthread_mutex_unlock(&c->lock);
			tend(c);
			pthread_mutex_lock(&c->lock);
		} else if (!c->busy && flush_due_locked(c)) {
			TRY(commit_locked(c, false, err));
		} else {
			return KMS_OK;
		}
	}
}

static enum kms_rc
await_locked(struct core *c, struct err *err)
{
	struct waiter w = { .seq = c->head.seq };

	*c->waiters_end = &w;
	c->waiters_end = &w.next;
	while (!w.done) {
		if (c->busy || c->paused)
			pthread_cond_wait(&c->changed, &c->lock);
		else
			(void)commit_locked(c, c->a->conf.durable, NULL);
	}
	return w.rc == KMS_OK ? KMS_OK
			      : err_set(err, w.rc, "cannot write the audit log: %s", rc_text(w.rc));
}

static enum kms_rc
record_locked(struct core *c, struct jout *o, struct err *err)
{
	TRY(ready_locked(c, err));
	if (c->lost > 0)
		TRY(tell_lost_locked(c));
	TRY(commit_add_locked(c, o));
	c->unsigned_records++;
	if (c->a->through)
		return await_locked(c, err);
	if (c->waiting++ == 0)
		c->waiting_ms = os_monotonic_ms();
	return KMS_OK;
}

enum kms_rc
commit_record(struct core *c, struct jout *o, struct err *err)
{
	enum kms_rc rc;
	enum due due;

	pthread_mutex_lock(&c->lock);
	rc = record_locked(c, o, err);
	due = rc == KMS_OK && !c->tending ? tend_due_locked(c) : DUE_NOTHING;
	pthread_mutex_unlock(&c->lock);
	if (due == DUE_CHECKPOINT)
		tend(c);
	return rc;
}
