/* SPDX-License-Identifier: Apache-2.0 */
/* One connection to SQLite: how it is opened and set, what its errors mean here, and its prepared
 * statements. */
#define _GNU_SOURCE 1
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/os.h"
#include "store/migrate.h"

#define DEADLINE_MS  10000 /* of a call that names none */
#define WAIT_STEP_MS 20
#define ROW_MAX	     (4 << 20) /* bytes of a row: beyond what rows_get takes */

static const char *const text[SQL_COUNT] = {
#define SQL(name, sql) [name] = sql,
#include "store/sql.def"
#undef SQL
};

/* Nothing here may come from SQLite's process-wide defaults, which belong to the host. */
static const char settings[] = "PRAGMA trusted_schema=OFF;"
			       "PRAGMA cell_size_check=ON;"
			       "PRAGMA mmap_size=0;"
			       "PRAGMA cache_size=-512;"
			       "PRAGMA temp_store=MEMORY;"
			       "PRAGMA synchronous=FULL;"
			       "PRAGMA secure_delete=ON;"
			       "PRAGMA recursive_triggers=OFF;"
			       "PRAGMA journal_size_limit=4194304;";

/* -- errors -- */

static enum kms_rc
damaged(struct conn *k, struct call *c)
{
	return call_fail(c, KMS_TAMPERED,
	    "%s is damaged or no token store: put a backup in its place, or remove it and "
	    "initialise the token again",
	    k->path);
}

/* A failed read or write: the reason is the system's. SQLite keeps it for some calls only; errno is
 * what the failing one left. */
static enum kms_rc
fail_io(struct conn *k, struct call *c, int left)
{
	int system = sqlite3_system_errno(k->db);

	if (system == 0)
		system = left;
	/* EFBIG: RLIMIT_FSIZE, another way of being full. */
	if (system == ENOSPC || system == EDQUOT || system == EFBIG)
		return call_fail(c, KMS_FULL, "no space left for %s", k->path);
	if (system == 0)
		return call_fail(c, KMS_IO, "%s: %s", k->path, sqlite3_errmsg(k->db));
	errno = system;
	return path_fail(c, k->path);
}

enum kms_rc
conn_fail(struct conn *k, struct call *c, int result)
{
	int left = errno;

	switch (result & 0xff) {
	case SQLITE_NOMEM: return KMS_NOMEM;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return call_fail(c, KMS_BUSY, "%s is locked by another process", k->path);
	case SQLITE_FULL: return call_fail(c, KMS_FULL, "no space left for %s", k->path);
	case SQLITE_TOOBIG: return call_fail(c, KMS_LIMIT, "the object is too large for the store");
	case SQLITE_CONSTRAINT:
		return call_fail(c, KMS_EXISTS, "%s has a row of this name already", k->path);
	default: break;
	}
	k->broken = true;
	switch (result & 0xff) {
	case SQLITE_READONLY:
	case SQLITE_PERM:
	case SQLITE_AUTH:
		return call_fail(c, KMS_READONLY, "%s or its folder cannot be written", k->path);
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_ERROR: /* our own SQL is right, so a table or column of ours is missing */
	case SQLITE_MISMATCH: return damaged(k, c);
	case SQLITE_IOERR:
	case SQLITE_CANTOPEN:
	case SQLITE_PROTOCOL: return fail_io(k, c, left);
	default: return call_fail(c, KMS_INTERNAL, "%s: %s", k->path, sqlite3_errstr(result));
	}
}

bool
conn_wait(struct conn *k, int tries)
{
	uint64_t now = os_monotonic_ms();
	unsigned ms = tries < WAIT_STEP_MS ? 1 + (unsigned)tries / 2 : WAIT_STEP_MS / 2;
	struct timespec t = { .tv_nsec = (long)ms * 1000000 };

	/* Patience too: the clock may stand still (a test's does). */
	if (now >= k->deadline_ms || k->patience_ms < ms)
		return false;
	k->patience_ms -= ms;
	(void)nanosleep(&t, NULL);
	return true;
}

/* SQLite calls this while another connection holds a lock that it needs; 0 gives up. */
static int
wait_for_others(void *k, int tries)
{
	return conn_wait(k, tries) ? 1 : 0;
}

void
conn_set_deadline(struct conn *k, const struct call *c)
{
	uint64_t now = os_monotonic_ms();

	k->deadline_ms = c != NULL && c->deadline_ms != 0 ? c->deadline_ms : now + DEADLINE_MS;
	k->patience_ms = k->deadline_ms > now ? k->deadline_ms - now : 0;
}

/* -- statements -- */

enum kms_rc
conn_statement(struct conn *k, struct call *c, enum sql name, sqlite3_stmt **ret)
{
	if (k->st[name] == NULL) {
		int result = sqlite3_prepare_v3(k->db, text[name], -1, SQLITE_PREPARE_PERSISTENT,
		    &k->st[name], NULL);

		if (result != SQLITE_OK)
			return conn_fail(k, c, result);
	}
	/* Also after an error, which leaves parameters that cannot be bound anew. */
	(void)sqlite3_reset(k->st[name]);
	(void)sqlite3_clear_bindings(k->st[name]);
	*ret = k->st[name];
	return KMS_OK;
}

enum kms_rc
conn_step_row(struct conn *k, struct call *c, sqlite3_stmt *st)
{
	int result;

	errno = 0; /* for fail_io */
	result = sqlite3_step(st);
	if (result == SQLITE_ROW)
		return KMS_OK;
	return result == SQLITE_DONE ? KMS_NOTFOUND : conn_fail(k, c, result);
}

enum kms_rc
conn_step_done(struct conn *k, struct call *c, sqlite3_stmt *st)
{
	enum kms_rc rc;

	do
		rc = conn_step_row(k, c, st);
	while (rc == KMS_OK);
	(void)sqlite3_reset(st);
	return rc == KMS_NOTFOUND ? KMS_OK : rc;
}

enum kms_rc
conn_run(struct conn *k, struct call *c, enum sql name)
{
	sqlite3_stmt *st = NULL;

	TRY(conn_statement(k, c, name, &st));
	return conn_step_done(k, c, st);
}

void
bind_bytes(sqlite3_stmt *st, int n, struct slice s)
{
	/* A NULL pointer would bind NULL. */
	(void)sqlite3_bind_blob64(st, n, s.len == 0 ? "" : (const void *)s.p, s.len, SQLITE_STATIC);
}

void
bind_number(sqlite3_stmt *st, int n, uint64_t v)
{
	(void)sqlite3_bind_int64(st, n, (int64_t)v);
}

struct slice
column_bytes(sqlite3_stmt *st, int n)
{
	const void *p = sqlite3_column_blob(st, n);
	int len = sqlite3_column_bytes(st, n);

	return p == NULL || len <= 0 ? slice_of(NULL, 0) : slice_of(p, (size_t)len);
}

/* -- opening -- */

/* file: URI of PATH, the only way to say immutable; allocated. */
static char *
immutable_uri(const char *path)
{
	static const char head[] = "file:", tail[] = "?immutable=1";
	size_t len = strlen(path), at = sizeof(head) - 1;
	char *uri = len > 65536 ? NULL : malloc(len * 3 + sizeof(head) + sizeof(tail));

	if (uri == NULL)
		return NULL;
	memcpy(uri, head, sizeof(head));
	for (const char *p = path; *p != '\0'; p++) {
		if (strchr("%?#", *p) != NULL)
			at += (size_t)snprintf(uri + at, 4, "%%%02X", (unsigned)*p);
		else
			uri[at++] = *p;
	}
	memcpy(uri + at, tail, sizeof(tail));
	return uri;
}

/* The file itself. "unix": the default VFS may be one that the host has put there. */
static int
open_db(struct conn *k)
{
	int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE |
	    (k->read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE);
	char *uri;
	int result;

	if (!k->immutable)
		return sqlite3_open_v2(k->path, &k->db, flags, "unix");
	if ((uri = immutable_uri(k->path)) == NULL)
		return SQLITE_NOMEM;
	result = sqlite3_open_v2(uri, &k->db, flags | SQLITE_OPEN_URI, "unix");
	free(uri);
	return result;
}

static void
restrict_db(struct conn *k)
{
	(void)sqlite3_extended_result_codes(k->db, 1);
	(void)sqlite3_busy_handler(k->db, wait_for_others, k);
	(void)sqlite3_db_config(k->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	(void)sqlite3_db_config(k->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	(void)sqlite3_db_config(k->db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
	(void)sqlite3_db_config(k->db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
	(void)sqlite3_db_config(k->db, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, NULL);
	(void)sqlite3_limit(k->db, SQLITE_LIMIT_ATTACHED, 0);
	(void)sqlite3_limit(k->db, SQLITE_LIMIT_LENGTH, ROW_MAX);
}

/* The first pragma that reads the file finds what is wrong with it. */
enum kms_rc
conn_prepare(struct conn *k, struct call *c, bool create)
{
	restrict_db(k);
	if (sqlite3_exec(k->db, settings, NULL, NULL, NULL) != SQLITE_OK)
		return conn_fail(k, c, sqlite3_extended_errcode(k->db));
	/* SQLite falls back to reading when the file does not let it write. */
	if (sqlite3_db_readonly(k->db, "main") == 1)
		k->read_only = true;
	return migrate(k, c, create);
}

static enum kms_rc
open_and_set(struct conn *k, struct call *c, bool create)
{
	if (open_db(k) == SQLITE_OK)
		return conn_prepare(k, c, create);
	return k->db == NULL ? KMS_NOMEM : conn_fail(k, c, sqlite3_extended_errcode(k->db));
}

static void
shut(struct conn *k)
{
	for (size_t i = 0; i < SQL_COUNT; i++) {
		(void)sqlite3_finalize(k->st[i]);
		k->st[i] = NULL;
	}
	(void)sqlite3_close_v2(k->db);
	k->db = NULL;
}

void
conn_close(struct conn *k)
{
	if (k == NULL)
		return;
	shut(k);
	free(k);
}

/*
 * WAL needs companions beside the file, even to read. Where they cannot be made there is no writer
 * here either, so the file may be read as it stands; a writer elsewhere is noticed by the file's
 * times (conn_is_current).
 */
static bool
may_be_immutable(const struct conn *k)
{
	struct stat st;
	char *wal;
	bool none;

	if (path_folder_writable(k->path))
		return false;
	if (asprintf(&wal, "%s-wal", k->path) < 0)
		return false;
	none = stat(wal, &st) != 0 || st.st_size == 0;
	free(wal);
	return none;
}

static enum kms_rc
open_checked(struct sqlite_store *s, struct call *c, bool create, struct conn *k)
{
	struct stat after;
	struct call quiet = { 0 };
	enum kms_rc rc;

	TRY(path_check(k->path, c, &k->file));
	k->read_only = s->want_read_only;
	if ((rc = open_and_set(k, &quiet, create)) == KMS_IO || rc == KMS_READONLY) {
		shut(k);
		k->broken = false;
		if (!may_be_immutable(k))
			return call_fail(c, rc, "%s", quiet.err.text);
		k->read_only = k->immutable = true;
		rc = open_and_set(k, c, create);
	}
	if (rc != KMS_OK)
		return quiet.err.text[0] == '\0' ? rc : call_fail(c, rc, "%s", quiet.err.text);
	/* What has been opened is what has been checked, and its companions are nobody else's. */
	TRY(path_check(k->path, c, &after));
	if (after.st_dev != k->file.st_dev || after.st_ino != k->file.st_ino)
		return call_fail(c, KMS_BUSY, "%s was replaced while it was opened", k->path);
	k->file = after;
	return KMS_OK;
}

enum kms_rc
conn_open(struct sqlite_store *s, struct call *c, bool create, struct conn **ret)
{
	struct conn *k = calloc(1, sizeof(*k));
	enum kms_rc rc;

	if (k == NULL)
		return KMS_NOMEM;
	k->path = s->path;
	k->data_version = -1;
	conn_set_deadline(k, c);
	if ((rc = open_checked(s, c, create, k)) != KMS_OK) {
		conn_close(k);
		return rc == KMS_NOTFOUND ? KMS_NOT_INITIALIZED : rc;
	}
	atomic_store(&s->base.read_only, k->read_only);
	*ret = k;
	return KMS_OK;
}

bool
conn_is_current(const struct conn *k)
{
	struct stat st;

	if (stat(k->path, &st) != 0 || st.st_dev != k->file.st_dev || st.st_ino != k->file.st_ino)
		return false;
	return !k->immutable ||
	    (st.st_size == k->file.st_size && st.st_mtim.tv_sec == k->file.st_mtim.tv_sec &&
		st.st_mtim.tv_nsec == k->file.st_mtim.tv_nsec);
}

void
bind_uid(sqlite3_stmt *st, int n, const struct uid *id)
{
	bind_bytes(st, n, slice_of(id->b, uid_is_zero(id) ? 0 : UID_LEN));
}

bool
column_uid(sqlite3_stmt *st, int n, struct uid *ret)
{
	struct slice s = column_bytes(st, n);

	if (s.len != 0 && s.len != UID_LEN)
		return false;
	*ret = (struct uid){ 0 };
	if (s.len > 0)
		memcpy(ret->b, s.p, UID_LEN);
	return true;
}

bool
column_number(sqlite3_stmt *st, int n, int64_t max, uint32_t *ret)
{
	int64_t v = sqlite3_column_int64(st, n);

	if (v < 0 || v > max)
		return false;
	*ret = (uint32_t)v;
	return true;
}

enum kms_rc
column_copy(sqlite3_stmt *st, int n, size_t max, struct buf *ret)
{
	struct slice s = column_bytes(st, n);

	return s.len > max ? KMS_TAMPERED : buf_set(ret, s);
}

enum kms_rc
conn_inserted(struct conn *k, struct call *c)
{
	if (sqlite3_changes(k->db) == 0)
		return call_fail(c, KMS_CONFLICT,
		    "the token was initialised anew by somebody else");
	return KMS_OK;
}

enum kms_rc
conn_changed(struct conn *k, struct call *c, enum sql revision, const struct uid *id)
{
	sqlite3_stmt *st;
	enum kms_rc rc;

	if (sqlite3_changes(k->db) != 0)
		return KMS_OK;
	TRY(conn_statement(k, c, revision, &st));
	bind_bytes(st, 1, slice_of(id->b, UID_LEN));
	rc = conn_step_row(k, c, st);
	(void)sqlite3_reset(st);
	return rc == KMS_OK ? KMS_CONFLICT : rc;
}
