/* SPDX-License-Identifier: Apache-2.0 */
/* The SQLite store: opening, and the pool of connections that threads borrow from. */
#include "store/sqlite.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/fork.h"
#include "base/os.h"
#include "store/migrate.h"

#define IDLE_MAX 8

/*
 * The open stores of this process, so that a forked child can close what its parent left. SQLite
 * keeps a process-wide account of the locks on each file and copies of it survive the fork, while
 * the locks themselves do not: with the parent's connections still on that account, a new one in
 * the child would take no lock of its own.
 */
static pthread_mutex_t stores_lock = PTHREAD_MUTEX_INITIALIZER;
static struct sqlite_store *stores;

static void
close_idle(struct sqlite_store *s)
{
	struct conn *k;

	pthread_mutex_lock(&s->lock);
	k = s->idle;
	s->idle = NULL;
	s->n_idle = 0;
	pthread_mutex_unlock(&s->lock);
	while (k != NULL) {
		struct conn *next = k->next;

		conn_close(k);
		k = next;
	}
}

/*
 * In a forked child: closes the connections that lay idle in the parent, as all did
 * (fork_hold_off). Closing one descriptor here takes no lock from the parent, and SQLite's
 * last-one-out checkpoint has to win the real exclusive lock first.
 */
static void
leave_parent_locked(unsigned now)
{
	for (struct sqlite_store *s = stores; s != NULL; s = s->next)
		if (s->fork_generation != now)
			close_idle(s);
	stores = NULL;
}

static void
list_store(struct sqlite_store *s)
{
	unsigned now = os_fork_generation();

	pthread_mutex_lock(&stores_lock);
	if (stores != NULL && stores->fork_generation != now)
		leave_parent_locked(now);
	s->fork_generation = now;
	s->next = stores;
	stores = s;
	pthread_mutex_unlock(&stores_lock);
}

static void
unlist_store(struct sqlite_store *s)
{
	pthread_mutex_lock(&stores_lock);
	for (struct sqlite_store **p = &stores; *p != NULL; p = &(*p)->next)
		if (*p == s) {
			*p = s->next;
			break;
		}
	pthread_mutex_unlock(&stores_lock);
}

void
store_moved(struct sqlite_store *s)
{
	atomic_fetch_add_explicit(&s->generation, 1, memory_order_release);
}

/* -- the pool -- */

static struct conn *
take_idle(struct sqlite_store *s)
{
	struct conn *k;

	pthread_mutex_lock(&s->lock);
	if ((k = s->idle) != NULL) {
		s->idle = k->next;
		s->n_idle--;
	}
	pthread_mutex_unlock(&s->lock);
	return k;
}

/* A connection for BORROW_WRITE whose file has been replaced would write to where nobody reads. */
static struct conn *
take_current(struct sqlite_store *s, enum borrow how)
{
	struct conn *k;

	while ((k = take_idle(s)) != NULL) {
		if ((how == BORROW_READ && !k->immutable) || conn_is_current(k))
			return k;
		conn_close(k);
		store_moved(s);
	}
	return NULL;
}

static enum kms_rc
open_new(struct sqlite_store *s, struct call *c, enum borrow how, struct conn **ret)
{
	if (how == BORROW_CREATE)
		TRY(path_create(s->path, c));
	return conn_open(s, c, how == BORROW_CREATE, ret);
}

enum kms_rc
conn_borrow(struct sqlite_store *s, struct call *c, enum borrow how, struct conn **ret)
{
	struct conn *k;
	enum kms_rc rc = KMS_OK;

	if (how != BORROW_READ && s->want_read_only)
		return call_fail(c, KMS_READONLY, "%s is configured as read-only", s->path);
	fork_hold_off(FORK_HOLD_STORE);
	if (s->serial)
		pthread_mutex_lock(&s->one);
	if ((k = take_current(s, how)) == NULL)
		rc = open_new(s, c, how, &k);
	if (rc == KMS_OK && how != BORROW_READ && k->read_only) {
		conn_return(s, k);
		return call_fail(c, KMS_READONLY, "%s cannot be written", s->path);
	}
	if (rc != KMS_OK) {
		if (s->serial)
			pthread_mutex_unlock(&s->one);
		fork_allow(FORK_HOLD_STORE);
		return rc;
	}
	conn_set_deadline(k, c);
	*ret = k;
	return KMS_OK;
}

void
conn_return(struct sqlite_store *s, struct conn *k)
{
	if (sqlite3_get_autocommit(k->db) == 0 &&
	    sqlite3_exec(k->db, "ROLLBACK", NULL, NULL, NULL) != SQLITE_OK)
		k->broken = true;
	pthread_mutex_lock(&s->lock);
	if (!k->broken && s->n_idle < IDLE_MAX) {
		k->next = s->idle;
		s->idle = k;
		s->n_idle++;
		k = NULL;
	}
	pthread_mutex_unlock(&s->lock);
	conn_close(k);
	if (s->serial)
		pthread_mutex_unlock(&s->one);
	fork_allow(FORK_HOLD_STORE);
}

/* -- the store -- */

/* SQLite's own number moves when another connection has committed; ours are counted as we make
 * them. */
static void
look_for_commits(struct sqlite_store *s, struct conn *k)
{
	sqlite3_stmt *st;
	int64_t version = -1;

	if (!conn_is_current(k)) {
		k->broken = true;
		close_idle(s);
		store_moved(s);
		return;
	}
	if (conn_statement(k, NULL, SQL_DATA_VERSION, &st) == KMS_OK) {
		if (conn_step_row(k, NULL, st) == KMS_OK)
			version = sqlite3_column_int64(st, 0);
		(void)sqlite3_reset(st);
	}
	if (version == k->data_version && version != -1)
		return;
	k->data_version = version;
	store_moved(s);
	/* A newer version of this software may have been at work; whoever opens next is told. */
	if (migrate_version(k) != migrate_current())
		k->broken = true;
}

static uint64_t
generation(struct store *base)
{
	struct sqlite_store *s = (struct sqlite_store *)base;
	struct call c = { .deadline_ms = os_monotonic_ms() + 100 };
	struct conn *k;
	enum kms_rc rc = conn_borrow(s, &c, BORROW_READ, &k);

	if (rc == KMS_OK) {
		look_for_commits(s, k);
		conn_return(s, k);
	} else if (rc != KMS_NOT_INITIALIZED) {
		store_moved(s);
	}
	return atomic_load_explicit(&s->generation, memory_order_acquire);
}

enum kms_rc
conn_borrow_filled(struct sqlite_store *s, struct call *c, struct conn **ret)
{
	enum kms_rc rc = conn_borrow(s, c, BORROW_READ, ret);

	return rc == KMS_NOT_INITIALIZED ? KMS_NOTFOUND : rc;
}

static void
close_store(struct store *base)
{
	struct sqlite_store *s = (struct sqlite_store *)base;

	if (s == NULL)
		return;
	fork_hold_off(FORK_HOLD_STORE);
	unlist_store(s);
	close_idle(s);
	fork_allow(FORK_HOLD_STORE);
	pthread_mutex_destroy(&s->lock);
	pthread_mutex_destroy(&s->one);
	free(s->path);
	free(s);
}

static const struct store_ops ops = {
	.name = "sqlite",
	.close = close_store,
	.generation = generation,
	.token_get = token_get,
	.token_reset = token_reset,
	.pin_put = token_pin_put,
	.pin_count = token_pin_count,
	.apply = sqlite_apply,
	.get = rows_get,
	.revision = rows_revision,
	.find = rows_find,
	.entity_get = entities_get,
	.entity_by_name = entities_by_name,
	.entity_list = entities_list,
	.copy = sqlite_copy,
	.replace = sqlite_replace,
};

/* With a host that runs SQLite for one thread alone, a connection is given no mutex even when it
 * asks for one. */
static bool
host_is_single_threaded(void)
{
	sqlite3 *db = NULL;
	bool single = sqlite3_threadsafe() == 0;

	if (!single &&
	    sqlite3_open_v2(":memory:", &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_FULLMUTEX,
		"unix") == SQLITE_OK)
		single = sqlite3_db_mutex(db) == NULL;
	(void)sqlite3_close_v2(db);
	return single;
}

enum kms_rc
store_open_sqlite(const char *path, bool read_only, struct call *c, struct store **ret)
{
	struct sqlite_store *s;
	struct conn *k;
	enum kms_rc rc;

	TRY(fork_check(FORK_HOLD_STORE, c == NULL ? NULL : &c->err));
	s = calloc(1, sizeof(*s));
	if (s == NULL || (s->path = strdup(path)) == NULL) {
		free(s);
		return KMS_NOMEM;
	}
	s->base.ops = &ops;
	atomic_store(&s->base.read_only, read_only);
	s->want_read_only = read_only;
	s->generation = 1;
	pthread_mutex_init(&s->lock, NULL);
	pthread_mutex_init(&s->one, NULL);
	fork_hold_off(FORK_HOLD_STORE);
	list_store(s);
	s->serial = host_is_single_threaded();
	fork_allow(FORK_HOLD_STORE);
	if ((rc = conn_borrow(s, c, BORROW_READ, &k)) == KMS_OK) {
		conn_return(s, k);
	} else if (rc != KMS_NOT_INITIALIZED) {
		close_store(&s->base);
		return rc;
	}
	*ret = &s->base;
	return KMS_OK;
}
