/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An open log inside: one process's writer. A forked child leaves its parent's as it is and has one
 * of its own. Only src/audit includes this.
 */
#ifndef KMS_AUDIT_CORE_H
#define KMS_AUDIT_CORE_H

#include <pthread.h>
#include <stdatomic.h>

#include "audit/event.h"
#include "audit/files.h"
#include "audit/sign.h"

struct audit {
	struct audit_conf conf; /* with the defaults filled in */
	bool refuse;
	bool through; /* a record is written before the call returns, if not to the disk */
	int dirfd;
	_Atomic(struct core *) core;
};

/* A thread that waits until its record is written. */
struct waiter {
	struct waiter *next;
	uint64_t seq;
	bool done;
	enum kms_rc rc;
};

/*
 * `lock` is held for moments, never across a write, a sync or a signature. What those need is held
 * by the flags instead: `busy` is whoever writes to the file (others may add to what is pending),
 * `paused` is whoever changes the file (nobody adds), `tending` is whoever makes a checkpoint or a
 * new file.
 */
struct core {
	struct audit *a;
	unsigned generation; /* of forks */

	pthread_mutex_t lock;
	pthread_cond_t changed; /* any of the flags, any waiter */
	bool busy, paused, tending;
	_Atomic int fd;	   /* -1: no file yet, or no more. Closed only after it was replaced here */
	unsigned openings; /* counts files taken into use */
	struct log_file file;
	char log[AUDIT_LOG_ID_LEN + 1];
	char writer[WRITER_SIZE];
	int64_t day;	      /* on which the file was begun */
	uint64_t size;	      /* bytes written to the file */
	struct chain head;    /* with what is pending */
	struct chain written; /* what a failed write falls back to, in write-through */
	struct buf pending;   /* lines to be written */
	struct buf writing;   /* being written; `done` of it are */
	size_t done;
	unsigned waiting;    /* records pending */
	uint64_t waiting_ms; /* since when */
	struct waiter *waiters, **waiters_end;
	uint64_t
	    lost; /* records that could not be written, and that the log does not tell of yet */
	uint64_t lost_pending, lost_writing; /* those that lines in the two buffers tell of */
	uint64_t unsigned_records;
	uint64_t checkpoint_ms; /* when the last one was made */
	uint64_t retry_ms;	/* when tending may be tried again */

	pthread_mutex_t folds_lock;
	pthread_cond_t unpinned;
	struct audit_fold *folds;
};

/* -- log.c -- */

/* This process's; NULL when out of memory. */
struct core *core_get(struct audit *a);
/* Writes a record of BODY; counts it as lost (FOLD: all that it stands for) when it cannot be, and
 * says so unless the configuration does not mind. */
enum kms_rc log_record(struct audit *a, struct slice body, const char *request_id,
    const struct event_fold *fold, struct err *err) MUST_USE;

/* -- commit.c: lines into the file -- */

/* O holds the members of a line; seals and adds it. Where records do not wait, waits until it is
 * written. */
enum kms_rc commit_record(struct core *c, struct jout *o, struct err *err) MUST_USE;
/* _locked: the lock is held; commit_locked lets go of it meanwhile, and nobody else may be busy.
 * Its error is also that of all who wait. */
enum kms_rc commit_add_locked(struct core *c, struct jout *o) MUST_USE;
enum kms_rc commit_locked(struct core *c, bool sync, struct err *err);
void commit_wait_idle_locked(struct core *c);
static inline bool
commit_pending_locked(const struct core *c)
{
	return c->pending.len > 0 || c->writing.len > c->done;
}

/* -- lane.c: files -- */

/* Takes a free lane, or a new one. Nobody else uses C's file meanwhile (`paused`). */
enum kms_rc lane_open(struct core *c, struct err *err) MUST_USE;
/* Goes on in a new file; everything is written (`paused`). Without a file afterwards when that
 * failed in the middle. */
enum kms_rc lane_next_file(struct core *c, struct err *err) MUST_USE;
/* Gives the lane free. */
void lane_leave_locked(struct core *c);

/* -- tend.c: checkpoints and rotation -- */

enum due { DUE_NOTHING, DUE_CHECKPOINT, DUE_FILE };
enum due tend_due_locked(const struct core *c);
/* Does what is due, unless somebody does. Errors are logged and tried again a second later. */
void tend(struct core *c);
/* The last checkpoint; then the lane is left. */
enum kms_rc tend_close(struct core *c, struct err *err) MUST_USE;

/* -- fold.c -- */

/* Writes folds: ALL, or those whose second is over. The first error; others are tried all the same.
 */
enum kms_rc folds_flush(struct core *c, bool all, struct err *err) MUST_USE;
/* At the end, those of sessions that were never closed. */
void folds_free(struct core *c);

#endif
