/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Repeated uses, counted. Each session has its own counts behind its own lock, which nobody else
 * takes but whoever flushes all of them: a use that is counted touches nothing that two sessions
 * share, and asks no clock but the coarse one.
 */
#define _GNU_SOURCE 1
#include <stdlib.h>

#include "audit/core.h"
#include "base/log.h"
#include "base/os.h"

#define SLOTS	4    /* kinds of use that a session counts at a time */
#define FOLD_MS 1000 /* how long one is counted */

/* Uses of one key version by one action, since start_ms. */
struct slot {
	bool used;
	unsigned action;
	struct uid version;
	uint64_t start_ms, first_ms, last_ms; /* monotonic */
	int64_t start_wall_ms;
	uint64_t count; /* not recorded yet */
	struct buf body;
};

struct audit_fold {
	struct audit *a;
	unsigned generation;  /* of forks */
	pthread_mutex_t lock; /* for the slots */
	struct slot slots[SLOTS];
	unsigned next_slot; /* to be given up when all are used */
	/* under the core's folds_lock: */
	struct audit_fold *next, *prev;
	unsigned pins; /* flushers at work; it stays while there are any */
};

static void
enlist(struct core *c, struct audit_fold *f)
{
	pthread_mutex_lock(&c->folds_lock);
	f->prev = NULL;
	f->next = c->folds;
	if (f->next != NULL)
		f->next->prev = f;
	c->folds = f;
	pthread_mutex_unlock(&c->folds_lock);
}

static void
delist(struct core *c, struct audit_fold *f)
{
	pthread_mutex_lock(&c->folds_lock);
	while (f->pins > 0)
		pthread_cond_wait(&c->unpinned, &c->folds_lock);
	if (f->next != NULL)
		f->next->prev = f->prev;
	*(f->prev == NULL ? &c->folds : &f->prev->next) = f->next;
	pthread_mutex_unlock(&c->folds_lock);
}

enum kms_rc
audit_fold_open(struct audit *a, struct audit_fold **ret)
{
	struct core *c = core_get(a);
	struct audit_fold *f = c == NULL ? NULL : calloc(1, sizeof(*f));

	if (f == NULL)
		return KMS_NOMEM;
	f->a = a;
	f->generation = c->generation;
	pthread_mutex_init(&f->lock, NULL);
	enlist(c, f);
	*ret = f;
	return KMS_OK;
}

/* In a forked child: what was counted is the parent's to write, and the lock may be held by a
 * thread that does not exist here. */
static enum kms_rc
renew(struct audit_fold *f)
{
	struct core *c = core_get(f->a);

	if (c == NULL)
		return KMS_NOMEM;
	pthread_mutex_init(&f->lock, NULL);
	memset(f->slots, 0, sizeof(f->slots));
	f->pins = 0;
	f->generation = c->generation;
	enlist(c, f);
	return KMS_OK;
}

static inline bool
is_ours(const struct audit_fold *f)
{
	return f->generation == os_fork_generation();
}

static inline struct slot *
find(struct audit_fold *f, const struct uid *version, unsigned action)
{
	for (unsigned i = 0; i < SLOTS; i++) {
		struct slot *s = &f->slots[i];

		if (s->used && s->action == action && uid_eq(&s->version, version))
			return s;
	}
	return NULL;
}

bool
audit_fold_hit(struct audit_fold *f, const struct uid *version, unsigned action)
{
	struct slot *s;
	uint64_t now;

	if (f->a->conf.fold == AUDIT_FOLD_OFF || !is_ours(f))
		return false;
	now = os_monotonic_ms();
	pthread_mutex_lock(&f->lock);
	s = find(f, version, action);
	if (s != NULL && now - s->start_ms >= FOLD_MS)
		s = NULL;
	if (s != NULL) {
		if (s->count++ == 0)
			s->first_ms = now;
		s->last_ms = now;
	}
	pthread_mutex_unlock(&f->lock);
	return s != NULL;
}

/* Writes what S has counted; it counts no more then. Kept for another try when that fails. */
static enum kms_rc
flush_slot(struct audit_fold *f, struct slot *s, struct err *err)
{
	if (s->used && s->count > 0) {
		struct event_fold fold = { .count = s->count,
			.first_ms = s->start_wall_ms + (int64_t)(s->first_ms - s->start_ms),
			.last_ms = s->start_wall_ms + (int64_t)(s->last_ms - s->start_ms) };

		TRY(log_record(f->a, buf_slice(&s->body), NULL, &fold, err));
	}
	s->count = 0;
	s->used = false;
	return KMS_OK;
}

/* The first error; the others are tried all the same. */
static enum kms_rc
flush_locked(struct audit_fold *f, bool all, struct err *err)
{
	uint64_t now = os_monotonic_ms();
	enum kms_rc rc = KMS_OK;

	for (unsigned i = 0; i < SLOTS; i++) {
		struct slot *s = &f->slots[i];
		enum kms_rc one = KMS_OK;

		if (s->used && (all || now - s->start_ms >= FOLD_MS))
			one = flush_slot(f, s, err);
		if (rc == KMS_OK)
			rc = one;
	}
	return rc;
}

/* A slot for another kind of use. */
static enum kms_rc
free_slot_locked(struct audit_fold *f, struct slot **ret, struct err *err)
{
	struct slot *s = &f->slots[f->next_slot];

	for (unsigned i = 0; i < SLOTS; i++) {
		if (!f->slots[i].used)
			s = &f->slots[i];
	}
	if (s->used)
		f->next_slot = (f->next_slot + 1) % SLOTS;
	TRY(flush_slot(f, s, err));
	*ret = s;
	return KMS_OK;
}

static enum kms_rc
begin_locked(struct audit_fold *f, const struct uid *version, unsigned action,
    const struct audit_event *e, struct err *err)
{
	bool all = f->a->conf.fold == AUDIT_FOLD_ALL;
	char text[EVENT_BODY_MAX];
	struct jout body = jout_of(text, sizeof(text));
	struct slot *s;

	TRY(flush_locked(f, false, err));
	TRY(free_slot_locked(f, &s, err));
	event_body(&body, e, &f->a->conf);
	TRY(buf_set(&s->body, jout_slice(&body)));
	if (!all)
		TRY(log_record(f->a, jout_slice(&body), e->request_id, NULL, err));
	s->used = true;
	s->action = action;
	s->version = *version;
	s->start_wall_ms = os_wall_ms();
	s->start_ms = s->first_ms = s->last_ms = os_monotonic_ms();
	s->count = all ? 1 : 0;
	return KMS_OK;
}

enum kms_rc
audit_fold_use(struct audit_fold *f, const struct uid *version, unsigned action,
    const struct audit_event *e, struct err *err)
{
	enum kms_rc rc;

	if (f->a->conf.fold == AUDIT_FOLD_OFF)
		return audit_write(f->a, e, err);
	if (!is_ours(f))
		TRY(renew(f));
	pthread_mutex_lock(&f->lock);
	rc = begin_locked(f, version, action, e, err);
	pthread_mutex_unlock(&f->lock);
	return rc;
}

enum kms_rc
audit_fold_flush(struct audit_fold *f, struct err *err)
{
	enum kms_rc rc;

	if (!is_ours(f))
		return KMS_OK;
	pthread_mutex_lock(&f->lock);
	rc = flush_locked(f, true, err);
	pthread_mutex_unlock(&f->lock);
	return rc;
}

static void
fold_free(struct audit_fold *f)
{
	pthread_mutex_destroy(&f->lock);
	for (unsigned i = 0; i < SLOTS; i++)
		buf_free(&f->slots[i].body);
	free(f);
}

void
folds_free(struct core *c)
{
	while (c->folds != NULL) {
		struct audit_fold *f = c->folds;

		c->folds = f->next;
		fold_free(f);
	}
}

void
audit_fold_close(struct audit_fold *f)
{
	struct err err = { 0 };

	if (f == NULL)
		return;
	if (!is_ours(f)) { /* what is in here is our parent's, in whatever state it was */
		free(f);
		return;
	}
	if (audit_fold_flush(f, &err) != KMS_OK)
		log_warning("audit log: %s", err.text);
	delist(f->a->core, f);
	fold_free(f);
}

enum kms_rc
folds_flush(struct core *c, bool all, struct err *err)
{
	enum kms_rc rc = KMS_OK, one;

	pthread_mutex_lock(&c->folds_lock);
	for (struct audit_fold *f = c->folds; f != NULL; f = f->next) {
		f->pins++;
		pthread_mutex_unlock(&c->folds_lock);
		pthread_mutex_lock(&f->lock);
		one = flush_locked(f, all, err);
		pthread_mutex_unlock(&f->lock);
		if (rc == KMS_OK)
			rc = one;
		pthread_mutex_lock(&c->folds_lock);
		if (--f->pins == 0)
			pthread_cond_broadcast(&c->unpinned);
	}
	pthread_mutex_unlock(&c->folds_lock);
	return rc;
}
