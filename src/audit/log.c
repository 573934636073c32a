/* SPDX-License-Identifier: Apache-2.0 */
/* The open log: configuration, this process's writer, the way of a record. */
#define _GNU_SOURCE 1
#include <stdlib.h>

#include "audit/core.h"
#include "base/log.h"
#include "base/os.h"

/* -- one writer a process ------------------------------------------------------------------ */

static void
core_free(struct core *c)
{
	buf_free(&c->pending);
	buf_free(&c->writing);
	pthread_mutex_destroy(&c->lock);
	pthread_cond_destroy(&c->changed);
	pthread_mutex_destroy(&c->folds_lock);
	pthread_cond_destroy(&c->unpinned);
	free(c);
}

static struct core *
core_new(struct audit *a)
{
	struct core *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->a = a;
	c->generation = os_fork_generation();
	c->fd = -1;
	c->waiters_end = &c->waiters;
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->changed, NULL);
	pthread_mutex_init(&c->folds_lock, NULL);
	pthread_cond_init(&c->unpinned, NULL);
	return c;
}

/*
 * After a fork: the parent's writer is left alone, with its locks as they were and what it has not
 * written yet, which the parent will. Only our copy of its descriptor is closed; its lock stays
 * with the parent's.
 */
static struct core *
core_renew(struct audit *a, struct core *old)
{
	struct core *c = core_new(a);
	int fd;

	if (c == NULL)
		return NULL;
	if (!atomic_compare_exchange_strong(&a->core, &old, c)) {
		core_free(c);
		return old;
	}
	fd = old->fd;
	file_close(&fd);
	return c;
}

struct core *
core_get(struct audit *a)
{
	struct core *c = atomic_load_explicit(&a->core, memory_order_acquire);

	return __builtin_expect(c->generation == os_fork_generation(), 1) ? c : core_renew(a, c);
}

/* -- open and close ------------------------------------------------------------------------ */

static void
fill_in(struct audit_conf *conf)
{
	if (conf->batch_records == 0)
		conf->batch_records = 64;
	if (conf->batch_ms == 0)
		conf->batch_ms = 1000;
	if (conf->file_max == 0)
		conf->file_max = 64u << 20;
	if (conf->checkpoint_records == 0)
		conf->checkpoint_records = 10000;
	if (conf->checkpoint_ms == 0)
		conf->checkpoint_ms = 60000;
}

enum kms_rc
audit_open(const struct audit_conf *conf, struct audit **ret, struct err *err)
{
	struct audit *a = calloc(1, sizeof(*a));
	struct core *c;
	enum kms_rc rc;

	if (a == NULL)
		return KMS_NOMEM;
	a->conf = *conf;
	fill_in(&a->conf);
	a->refuse = conf->refuse == AUDIT_REFUSE_YES ||
	    (conf->refuse == AUDIT_REFUSE_DEFAULT && conf->durable);
	a->through = a->conf.durable || a->conf.batch_records == 1;
	if ((rc = dir_open(conf->dir, true, &a->dirfd, err)) != KMS_OK) {
		free(a);
		return rc;
	}
	if ((c = core_new(a)) == NULL) {
		file_close(&a->dirfd);
		free(a);
		return KMS_NOMEM;
	}
	a->core = c;
	*ret = a;
	return KMS_OK;
}

static enum kms_rc
write_pending(struct core *c, bool sync, struct err *err)
{
	enum kms_rc rc = KMS_OK;

	pthread_mutex_lock(&c->lock);
	while (c->busy || c->paused)
		pthread_cond_wait(&c->changed, &c->lock);
	if (c->fd >= 0 && (sync || commit_pending_locked(c)))
		rc = commit_locked(c, sync, err);
	pthread_mutex_unlock(&c->lock);
	return rc;
}

enum kms_rc
audit_close(struct audit *a, struct err *err)
{
	struct core *c;
	enum kms_rc rc = KMS_OK, closed;

	if (a == NULL)
		return KMS_OK;
	c = a->core;
	if (c->generation == os_fork_generation()) { /* else it is our parent's */
		rc = folds_flush(c, true, err);
		if ((closed = tend_close(c, err)) != KMS_OK && rc == KMS_OK)
			rc = closed;
		folds_free(c);
		core_free(c);
	}
	file_close(&a->dirfd);
	free(a);
	return rc;
}

/* -- records ------------------------------------------------------------------------------- */

static enum kms_rc
not_recorded(struct audit *a, struct core *c, uint64_t n, enum kms_rc rc, struct err *err)
{
	if (c != NULL) {
		pthread_mutex_lock(&c->lock);
		c->lost += n;
		pthread_mutex_unlock(&c->lock);
	}
	if (a->refuse)
		return rc;
	log_warning("audit log: %s", err != NULL && err->text[0] != '\0' ? err->text : rc_text(rc));
	err_clear(err);
	return KMS_OK;
}

enum kms_rc
log_record(struct audit *a, struct slice body, const char *request_id,
    const struct event_fold *fold, struct err *err)
{
	struct core *c = core_get(a);
	char text[LINE_CAP];
	struct jout o = jout_of(text, sizeof(text));
	enum kms_rc rc = c == NULL ? KMS_NOMEM : event_record(&o, body, request_id, fold);

	if (rc == KMS_OK)
		rc = commit_record(c, &o, err);
	if (rc == KMS_OK)
		return KMS_OK;
	if (fold == NULL)
		return not_recorded(a, c, 1, rc, err);
	/* Where this is an error, the fold keeps its count and tries again. */
	return not_recorded(a, c, a->refuse ? 0 : fold->count, rc, err);
}

enum kms_rc
audit_write(struct audit *a, const struct audit_event *e, struct err *err)
{
	char text[EVENT_BODY_MAX];
	struct jout body = jout_of(text, sizeof(text));

	event_body(&body, e, &a->conf);
	return log_record(a, jout_slice(&body), e->request_id, NULL, err);
}

enum kms_rc
audit_flush(struct audit *a, bool sync, struct err *err)
{
	struct core *c = core_get(a);
	enum kms_rc rc, written;

	if (c == NULL)
		return KMS_NOMEM;
	rc = folds_flush(c, true, err);
	written = write_pending(c, sync, err);
	return rc != KMS_OK ? rc : written;
}

void
audit_tick(struct audit *a)
{
	struct core *c = core_get(a);
	struct err err = { 0 };
	bool flush;

	if (c == NULL)
		return;
	if (folds_flush(c, false, &err) != KMS_OK)
		log_warning("audit log: %s", err.text);
	pthread_mutex_lock(&c->lock);
	flush = c->waiting > 0 && os_monotonic_ms() - c->waiting_ms >= a->conf.batch_ms;
	pthread_mutex_unlock(&c->lock);
	if (flush && write_pending(c, false, &err) != KMS_OK)
		log_warning("audit log: %s", err.text);
	tend(c);
}
