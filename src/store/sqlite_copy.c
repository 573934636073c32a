/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All of a store as one piece of memory, and back. Out goes SQLite's own image of the file at one
 * moment. Back come its rows, into tables of our own making and in one transaction: whatever else
 * an image may hold is left behind, and who is cut off leaves the store as it was.
 */
#include <stdlib.h>

#include "store/migrate.h"

static struct sqlite_store *
of(struct store *s)
{
	return (struct sqlite_store *)s;
}

/* -- images -- */

/* SQLite's own memory, which sqlite3_deserialize wants. */
enum kms_rc
store_image_new(uint64_t len, struct store_image *ret)
{
	uint8_t *p = sqlite3_malloc64(len);

	if (p == NULL)
		return KMS_NOMEM;
	*ret = (struct store_image){ .p = p, .len = (size_t)len };
	return KMS_OK;
}

void
store_image_free(struct store_image *i)
{
	if (i == NULL)
		return;
	sqlite3_free(i->p);
	*i = (struct store_image){ 0 };
}

/* -- out -- */

#define FILE_FORMATS 18 /* where the file says whether it has a WAL beside it, twice */

static enum kms_rc
serialize(struct conn *k, struct call *c, struct store_image *ret)
{
	sqlite3_int64 len = 0;
	uint8_t *p;

	/* A transaction that has read sees one moment, whoever writes meanwhile. */
	if (sqlite3_exec(k->db, "BEGIN; SELECT count(*) FROM token", NULL, NULL, NULL) != SQLITE_OK)
		return conn_fail(k, c, sqlite3_extended_errcode(k->db));
	if ((p = sqlite3_serialize(k->db, "main", &len, 0)) == NULL)
		return KMS_NOMEM;
	*ret = (struct store_image){ .p = p, .len = (size_t)len };
	if (ret->len < FILE_FORMATS + 2)
		return KMS_INTERNAL;
	p[FILE_FORMATS] = p[FILE_FORMATS + 1] = 1; /* an image has none */
	return KMS_OK;
}

enum kms_rc
sqlite_copy(struct store *base, struct call *c, struct store_image *ret)
{
	auto_store_image image = { 0 };
	struct conn *k;
	enum kms_rc rc;

	TRY(conn_borrow(of(base), c, BORROW_READ, &k));
	rc = serialize(k, c, &image);
	conn_return(of(base), k);
	TRY(rc);
	*ret = image;
	image = (struct store_image){ 0 }; /* moved */
	return KMS_OK;
}

/* -- back -- */

/* A copy of IMAGE, brought to our schema. */
static enum kms_rc
open_image(struct conn *k, struct call *c, const struct store_image *image)
{
	auto_store_image own = { 0 };
	int result;

	TRY(store_image_new(image->len, &own));
	memcpy(own.p, image->p, image->len);
	result = sqlite3_open_v2(":memory:", &k->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
	    "unix");
	if (result == SQLITE_OK) {
		result = sqlite3_deserialize(k->db, "main", own.p, (sqlite3_int64)own.len,
		    (sqlite3_int64)own.len,
		    SQLITE_DESERIALIZE_FREEONCLOSE | SQLITE_DESERIALIZE_RESIZEABLE);
		own = (struct store_image){ 0 }; /* moved, even by a call that failed */
	}
	if (result != SQLITE_OK)
		return k->db == NULL ? KMS_NOMEM : conn_fail(k, c, result);
	return conn_prepare(k, c, false);
}

/* All rows of a table; both sides have our columns, in our order. */
static enum kms_rc
move_rows(sqlite3_stmt *from, struct conn *src, sqlite3_stmt *to, struct conn *dst, struct call *c)
{
	enum kms_rc rc;

	while ((rc = conn_step_row(src, c, from)) == KMS_OK) {
		for (int i = 0; i < sqlite3_column_count(from); i++)
			(void)sqlite3_bind_value(to, i + 1, sqlite3_column_value(from, i));
		TRY(conn_step_done(dst, c, to));
	}
	return rc == KMS_NOTFOUND ? KMS_OK : rc;
}

static const struct {
	enum sql clear;
	const char *read, *write;
} tables[] = {
	{ SQL_TOKEN_CLEAR, "SELECT one, serial, label, open_key FROM token",
	    "INSERT INTO token (one, serial, label, open_key) VALUES (?1, ?2, ?3, ?4)" },
	{ SQL_PIN_CLEAR, "SELECT role, log2n, r, p, salt, sealed, failures, max_failures FROM pin",
	    "INSERT INTO pin (role, log2n, r, p, salt, sealed, failures, max_failures)"
	    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)" },
	{ SQL_OBJECT_CLEAR, "SELECT seq, " OBJECT_COLUMNS " FROM object",
	    "INSERT INTO object (seq, " OBJECT_COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8,"
	    " ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)" },
	{ SQL_ENTITY_CLEAR, "SELECT seq, " ENTITY_COLUMNS " FROM entity",
	    "INSERT INTO entity (seq, " ENTITY_COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8,"
	    " ?9, ?10)" },
};

static enum kms_rc
move_table(size_t i, struct conn *src, struct conn *dst, struct call *c)
{
	sqlite3_stmt *from = NULL, *to = NULL;
	enum kms_rc rc;
	int result;

	TRY(conn_run(dst, c, tables[i].clear));
	if ((result = sqlite3_prepare_v2(src->db, tables[i].read, -1, &from, NULL)) != SQLITE_OK)
		rc = conn_fail(src, c, result);
	else if ((result = sqlite3_prepare_v2(dst->db, tables[i].write, -1, &to, NULL)) !=
	    SQLITE_OK)
		rc = conn_fail(dst, c, result);
	else
		rc = move_rows(from, src, to, dst, c);
	sqlite3_finalize(from);
	sqlite3_finalize(to);
	return rc;
}

static enum kms_rc
replace_in_transaction(struct conn *src, struct conn *dst, struct call *c, struct slice was)
{
	TRY(conn_run(dst, c, SQL_BEGIN));
	TRY(conn_check_serial(dst, c, was));
	for (size_t i = 0; i < ARRAY_LEN(tables); i++)
		TRY(move_table(i, src, dst, c));
	return conn_run(dst, c, SQL_COMMIT);
}

/* Within the borrow: no fork may meet SQLite at work on the image either. */
static enum kms_rc
replace(struct conn *dst, struct call *c, struct slice was, const struct store_image *image)
{
	struct conn *src = calloc(1, sizeof(*src));
	enum kms_rc rc;

	if (src == NULL)
		return KMS_NOMEM;
	src->path = "the backup";
	conn_set_deadline(src, c);
	if ((rc = open_image(src, c, image)) == KMS_OK)
		rc = replace_in_transaction(src, dst, c, was);
	conn_close(src);
	return rc;
}

enum kms_rc
sqlite_replace(struct store *base, struct call *c, struct slice was,
    const struct store_image *image)
{
	struct conn *k;
	enum kms_rc rc;

	TRY(conn_borrow(of(base), c, BORROW_CREATE, &k));
	if ((rc = replace(k, c, was, image)) == KMS_OK)
		store_moved(of(base));
	conn_return(of(base), k);
	return rc;
}
