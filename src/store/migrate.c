/* SPDX-License-Identifier: Apache-2.0 */
/* The schema, as the steps that lead to it: application_id says that a file is ours, user_version
 * how many steps it has seen. */
#include "store/migrate.h"

#include <inttypes.h>

#define APPLICATION_ID 0x4b4d5331 /* "KMS1" */

/*
 * Step i leads from version i to i + 1. A step that has been released is never edited. What
 * searches look at comes before what is long, so that walking a row stays on its first page; what a
 * later step adds lies behind, and is searched by its index. seq is the order of creation.
 */
static const char *const steps[] = {
	"CREATE TABLE token ("
	" one INTEGER PRIMARY KEY CHECK (one = 1),"
	" serial BLOB NOT NULL, label BLOB NOT NULL, open_key BLOB NOT NULL) STRICT;"
	"CREATE TABLE pin ("
	" role INTEGER PRIMARY KEY, log2n INTEGER NOT NULL, r INTEGER NOT NULL, p INTEGER NOT NULL,"
	" salt BLOB NOT NULL, sealed BLOB NOT NULL, failures INTEGER NOT NULL, max_failures INTEGER NOT NULL) STRICT;"
	"CREATE TABLE object ("
	" seq INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, revision INTEGER NOT NULL,"
	" kind INTEGER NOT NULL, type INTEGER NOT NULL, curve INTEGER NOT NULL, bits INTEGER NOT NULL,"
	" flags INTEGER NOT NULL, label BLOB NOT NULL, app_id BLOB NOT NULL, subject BLOB NOT NULL,"
	" attrs BLOB NOT NULL, body BLOB NOT NULL, sealed BLOB NOT NULL) STRICT;"
	"CREATE INDEX object_label ON object (label);"
	"CREATE INDEX object_app_id ON object (app_id);"
	"CREATE INDEX object_subject ON object (subject) WHERE subject <> x'';",
	"ALTER TABLE object ADD COLUMN key BLOB NOT NULL DEFAULT x'';"
	"ALTER TABLE object ADD COLUMN created INTEGER NOT NULL DEFAULT 0;"
	"CREATE INDEX object_key ON object (key) WHERE key <> x'';"
	"CREATE TABLE entity ("
	" seq INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, kind INTEGER NOT NULL, parent BLOB NOT NULL,"
	" name BLOB NOT NULL, due INTEGER NOT NULL, created INTEGER NOT NULL, revision INTEGER NOT NULL,"
	" body BLOB NOT NULL, sealed BLOB NOT NULL) STRICT;"
	"CREATE UNIQUE INDEX entity_name ON entity (kind, name) WHERE name <> x'';"
	"CREATE INDEX entity_parent ON entity (parent, kind) WHERE parent <> x'';"
	"CREATE INDEX entity_due ON entity (kind, due) WHERE due > 0;"
	"CREATE INDEX entity_kind ON entity (kind);",
};

int64_t
migrate_current(void)
{
	return (int64_t)ARRAY_LEN(steps);
}

/* One number out of SQL that is used once. */
static enum kms_rc
ask_number(struct conn *k, struct call *c, const char *sql, int64_t *ret)
{
	sqlite3_stmt *st = NULL;
	int result = sqlite3_prepare_v2(k->db, sql, -1, &st, NULL);
	enum kms_rc rc = KMS_OK;

	if (result == SQLITE_OK)
		result = sqlite3_step(st);
	if (result == SQLITE_ROW)
		*ret = sqlite3_column_int64(st, 0);
	else
		rc = conn_fail(k, c, result);
	sqlite3_finalize(st);
	return rc;
}

int64_t
migrate_version(struct conn *k)
{
	int64_t version;

	return ask_number(k, NULL, "PRAGMA user_version", &version) == KMS_OK ? version : 0;
}

/* What tells whose a file is. */
struct marks {
	int64_t application, version, tables;
};

/* As they are at one moment: another process may be making the schema. */
static enum kms_rc
read_marks(struct conn *k, struct call *c, struct marks *ret)
{
	if (sqlite3_exec(k->db, "SAVEPOINT marks", NULL, NULL, NULL) != SQLITE_OK)
		return conn_fail(k, c, sqlite3_extended_errcode(k->db));
	TRY(ask_number(k, c, "PRAGMA application_id", &ret->application));
	TRY(ask_number(k, c, "PRAGMA user_version", &ret->version));
	TRY(ask_number(k, c, "SELECT count(*) FROM sqlite_schema", &ret->tables));
	if (sqlite3_exec(k->db, "RELEASE marks", NULL, NULL, NULL) != SQLITE_OK)
		return conn_fail(k, c, sqlite3_extended_errcode(k->db));
	return KMS_OK;
}

/* *RET is the version, 0 for an empty file. */
static enum kms_rc
look(struct conn *k, struct call *c, int64_t *ret)
{
	struct marks m;

	TRY(read_marks(k, c, &m));
	if (m.application == 0 && m.version == 0 && m.tables == 0) {
		*ret = 0;
		return KMS_OK;
	}
	if (m.application != APPLICATION_ID || m.version < 1)
		return call_fail(c, KMS_TAMPERED,
		    "%s is a database of another program, no token store: name another file",
		    k->path);
	if (m.version > migrate_current())
		return call_fail(c, KMS_NEWER,
		    "%s has version %" PRId64 " of the store; this software knows up to %" PRId64
		    ": update it",
		    k->path, m.version, migrate_current());
	*ret = m.version;
	return KMS_OK;
}

/* In a transaction; another process may have been faster. */
static enum kms_rc
apply_locked(struct conn *k, struct call *c)
{
	char pragmas[96];
	int64_t version;

	TRY(look(k, c, &version));
	for (int64_t i = version; i < migrate_current(); i++) {
		int result = sqlite3_exec(k->db, steps[i], NULL, NULL, NULL);

		if (result != SQLITE_OK)
			return conn_fail(k, c, result);
	}
	sqlite3_snprintf(sizeof(pragmas), pragmas,
	    "PRAGMA application_id=%d; PRAGMA user_version=%d", APPLICATION_ID,
	    (int)migrate_current());
	if (sqlite3_exec(k->db, pragmas, NULL, NULL, NULL) != SQLITE_OK)
		return conn_fail(k, c, sqlite3_extended_errcode(k->db));
	return conn_run(k, c, SQL_COMMIT);
}

/* Stays in the file; a transaction cannot change it. SQLite itself does not wait here for another
 * process that does the same. */
static enum kms_rc
set_wal(struct conn *k, struct call *c)
{
	int result, tries = 0;

	do
		result = sqlite3_exec(k->db, "PRAGMA journal_mode=WAL", NULL, NULL, NULL);
	while ((result & 0xff) == SQLITE_BUSY && conn_wait(k, tries++));
	return result == SQLITE_OK ? KMS_OK : conn_fail(k, c, sqlite3_extended_errcode(k->db));
}

enum kms_rc
migrate(struct conn *k, struct call *c, bool create)
{
	int64_t version;
	enum kms_rc rc;

	TRY(look(k, c, &version));
	if (version == migrate_current())
		return KMS_OK;
	if (version == 0 && !create)
		return KMS_NOT_INITIALIZED;
	if (k->read_only)
		return call_fail(c, KMS_READONLY,
		    "%s needs an update of its format, but cannot be written", k->path);
	TRY(set_wal(k, c));
	TRY(conn_run(k, c, SQL_BEGIN));
	if ((rc = apply_locked(k, c)) != KMS_OK)
		(void)sqlite3_exec(k->db, "ROLLBACK", NULL, NULL, NULL);
	return rc;
}
