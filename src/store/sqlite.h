/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The SQLite store inside: a pool of connections, each used by one thread at a time, with its
 * prepared statements. Only src/store includes this.
 */
#ifndef KMS_STORE_SQLITE_H
#define KMS_STORE_SQLITE_H

#include <pthread.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include "store/store.h"

enum sql {
#define SQL(name, text) name,
#include "store/sql.def"
#undef SQL
	SQL_COUNT,
};

struct conn {
	struct conn *next; /* in the pool */
	sqlite3 *db;
	sqlite3_stmt *st[SQL_COUNT];
	const char *path;     /* the store's */
	struct stat file;     /* what was opened: another file may have taken its place */
	uint64_t deadline_ms; /* of the call that borrows it */
	uint64_t patience_ms; /* left to wait for other writers, in this call */
	int64_t data_version; /* last seen; -1 before the first look */
	bool read_only;
	bool immutable; /* read without locks: the folder cannot be written */
	bool broken;	/* to be closed, not kept */
};

struct sqlite_store {
	struct store base;
	char *path;
	bool want_read_only;
	_Atomic uint64_t generation;
	pthread_mutex_t lock; /* of what follows; never held across a call of SQLite */
	struct conn *idle;
	unsigned n_idle;
	unsigned fork_generation;
	struct sqlite_store *next; /* in the list of open stores */
	bool serial;		   /* the host set SQLite to a single thread */
	pthread_mutex_t one;	   /* then: held while a connection is borrowed */
};

/* What a call asks of a connection. */
enum borrow { BORROW_READ, BORROW_WRITE, BORROW_CREATE };

/*
 * A connection to a store with our schema. KMS_NOT_INITIALIZED: there is none yet (BORROW_CREATE
 * makes it). Give it back with conn_return, whatever happened; a transaction that is still open is
 * rolled back there. In between no fork happens (base/fork.h), as whenever SQLite is called.
 */
enum kms_rc conn_borrow(struct sqlite_store *s, struct call *c, enum borrow how,
    struct conn **ret) MUST_USE;
void conn_return(struct sqlite_store *s, struct conn *k);
/* To read what must be there already: no store yet holds nothing, KMS_NOTFOUND. */
enum kms_rc conn_borrow_filled(struct sqlite_store *s, struct call *c, struct conn **ret) MUST_USE;

/* From now, until the deadline of C. */
void conn_set_deadline(struct conn *k, const struct call *c);
/* A moment, longer with each of the TRIES before, while another connection holds a lock; false when
 * there is no more time. */
bool conn_wait(struct conn *k, int tries);

/* Opens and closes one. KMS_NOT_INITIALIZED: no file, or an empty one. */
enum kms_rc conn_open(struct sqlite_store *s, struct call *c, bool create,
    struct conn **ret) MUST_USE;
void conn_close(struct conn *k);
/* Sets up what K->db has open, and finds what is wrong with it; as migrate. */
enum kms_rc conn_prepare(struct conn *k, struct call *c, bool create) MUST_USE;
/* The file at the store's path is still the one that K has open. */
bool conn_is_current(const struct conn *k);

/* How SQLite's RESULT is called here, with a sentence for a person in C; marks K broken where it
 * must not be used again. */
enum kms_rc conn_fail(struct conn *k, struct call *c, int result);

/* The prepared statement, reset and without parameters. */
enum kms_rc conn_statement(struct conn *k, struct call *c, enum sql name,
    sqlite3_stmt **ret) MUST_USE;
/* Runs a statement without parameters and rows. */
enum kms_rc conn_run(struct conn *k, struct call *c, enum sql name) MUST_USE;
/* Steps a statement that changes and gives no rows. */
enum kms_rc conn_step_done(struct conn *k, struct call *c, sqlite3_stmt *st) MUST_USE;
/* Steps a query: KMS_OK a row, KMS_NOTFOUND none. */
enum kms_rc conn_step_row(struct conn *k, struct call *c, sqlite3_stmt *st) MUST_USE;
/* Parameters by number; bytes are borrowed until the statement is reset. Errors show at the step.
 */
void bind_bytes(sqlite3_stmt *st, int n, struct slice s);
void bind_number(sqlite3_stmt *st, int n, uint64_t v);
/* A column's bytes, borrowed until the next step. */
struct slice column_bytes(sqlite3_stmt *st, int n);

/* Counts a commit of our own. */
void store_moved(struct sqlite_store *s);

/*
 * The file and its folder, refused when others can write them (KMS_CONFIG). *RET is what lies at
 * PATH; KMS_NOTFOUND. The FD that is looked through is O_PATH: closing any other one of the file
 * would drop the locks that SQLite holds on it (POSIX).
 */
enum kms_rc path_check(const char *path, struct call *c, struct stat *ret) MUST_USE;
/* Makes the folder (0700) and an empty file (0600), unless it is there. */
enum kms_rc path_create(const char *path, struct call *c) MUST_USE;
/* KMS_IO for errno at PATH, with what a person can do about it. */
enum kms_rc path_fail(struct call *c, const char *path);
/* The file's folder can be written by this process. */
bool path_folder_writable(const char *path);

/* What the last statement of K did: inserted a row (else KMS_CONFLICT, the token is another), or
 * changed the row of ID (else KMS_CONFLICT if REVISION, a statement, finds it, and KMS_NOTFOUND).
 */
enum kms_rc conn_inserted(struct conn *k, struct call *c) MUST_USE;
enum kms_rc conn_changed(struct conn *k, struct call *c, enum sql revision,
    const struct uid *id) MUST_USE;

/* A zero uid is an empty blob. */
void bind_uid(sqlite3_stmt *st, int n, const struct uid *id);
/* Columns as they must be, whoever wrote them: false, or KMS_TAMPERED. */
bool column_uid(sqlite3_stmt *st, int n, struct uid *ret);
bool column_number(sqlite3_stmt *st, int n, int64_t max, uint32_t *ret);
enum kms_rc column_copy(sqlite3_stmt *st, int n, size_t max, struct buf *ret) MUST_USE;

enum kms_rc row_insert(struct conn *k, struct call *c, struct slice serial,
    const struct store_row *row) MUST_USE;
enum kms_rc row_update(struct conn *k, struct call *c, const struct store_row *row,
    uint64_t was) MUST_USE;
enum kms_rc row_remove(struct conn *k, struct call *c, const struct uid *id, uint64_t was) MUST_USE;
enum kms_rc entity_insert(struct conn *k, struct call *c, struct slice serial,
    const struct store_entity *e) MUST_USE;
enum kms_rc entity_update(struct conn *k, struct call *c, const struct store_entity *e,
    uint64_t was) MUST_USE;
enum kms_rc entity_remove(struct conn *k, struct call *c, const struct uid *id,
    uint64_t was) MUST_USE;

enum kms_rc sqlite_copy(struct store *s, struct call *c, struct store_image *ret) MUST_USE;
enum kms_rc sqlite_replace(struct store *s, struct call *c, struct slice was,
    const struct store_image *image) MUST_USE;
enum kms_rc sqlite_apply(struct store *s, struct call *c, struct slice serial,
    const struct store_change *v, size_t n) MUST_USE;
enum kms_rc entities_get(struct store *s, struct call *c, const struct uid *id,
    struct store_entity *ret) MUST_USE;
enum kms_rc entities_by_name(struct store *s, struct call *c, enum entity_kind kind,
    struct slice name, struct store_entity *ret) MUST_USE;
enum kms_rc entities_list(struct store *s, struct call *c, const struct entity_query *q,
    struct store_entities *ret, uint64_t *total) MUST_USE;
enum kms_rc rows_get(struct store *s, struct call *c, const struct uid *id,
    struct store_row *ret) MUST_USE;
enum kms_rc rows_revision(struct store *s, struct call *c, const struct uid *id, uint64_t *ret,
    uint32_t *flags) MUST_USE;
enum kms_rc rows_find(struct store *s, struct call *c, const struct object_query *q,
    struct object_refs *ret) MUST_USE;

enum kms_rc token_get(struct store *s, struct call *c, struct store_token *ret) MUST_USE;
enum kms_rc token_reset(struct store *s, struct call *c, struct slice was,
    const struct store_token *t) MUST_USE;
enum kms_rc token_pin_put(struct store *s, struct call *c, struct slice serial, enum role role,
    struct slice was, const struct store_pin *pin) MUST_USE;
/* In a transaction: KMS_CONFLICT unless the token is still that of WAS (empty: none). */
enum kms_rc conn_check_serial(struct conn *k, struct call *c, struct slice was) MUST_USE;
enum kms_rc token_pin_count(struct store *s, struct call *c, enum role role, bool right) MUST_USE;

#endif
