/* SPDX-License-Identifier: Apache-2.0 */
/* The entities in SQLite: keys, aliases, secrets and whatever else the core keeps, in one table. */
#include "store/sqlite.h"

/* The order of ENTITY_COLUMNS; parameters of SQL_ENTITY_INSERT and SQL_ENTITY_UPDATE are one more.
 */
enum column {
	COL_ID,
	COL_KIND,
	COL_PARENT,
	COL_NAME,
	COL_DUE,
	COL_CREATED,
	COL_REVISION,
	COL_BODY,
	COL_SEALED,
	COL_END,
};
#define PARAM(column) ((column) + 1)

#define NAME_MAX_LEN 1024

static struct sqlite_store *
of(struct store *base)
{
	return (struct sqlite_store *)base;
}

/* -- changes, each one statement -- */

static enum kms_rc
check_sizes(struct call *c, const struct store_entity *e)
{
	if (e->name.len > NAME_MAX_LEN || e->body.len > OBJECT_BODY_MAX ||
	    e->sealed.len > OBJECT_BODY_MAX)
		return call_fail(c, KMS_LIMIT, "the record is too large for the store");
	return KMS_OK;
}

static void
bind_entity(sqlite3_stmt *st, const struct store_entity *e)
{
	bind_bytes(st, PARAM(COL_ID), slice_of(e->id.b, UID_LEN));
	bind_number(st, PARAM(COL_KIND), e->kind);
	bind_uid(st, PARAM(COL_PARENT), &e->parent);
	bind_bytes(st, PARAM(COL_NAME), buf_slice(&e->name));
	bind_number(st, PARAM(COL_DUE), (uint64_t)e->due);
	bind_number(st, PARAM(COL_CREATED), (uint64_t)e->created);
	bind_number(st, PARAM(COL_REVISION), e->revision);
	bind_bytes(st, PARAM(COL_BODY), buf_slice(&e->body));
	bind_bytes(st, PARAM(COL_SEALED), buf_slice(&e->sealed));
}

enum kms_rc
entity_insert(struct conn *k, struct call *c, struct slice serial, const struct store_entity *e)
{
	sqlite3_stmt *st;

	TRY(check_sizes(c, e));
	TRY(conn_statement(k, c, SQL_ENTITY_INSERT, &st));
	bind_entity(st, e);
	bind_bytes(st, PARAM(COL_END), serial);
	TRY(conn_step_done(k, c, st));
	return conn_inserted(k, c);
}

enum kms_rc
entity_update(struct conn *k, struct call *c, const struct store_entity *e, uint64_t was)
{
	sqlite3_stmt *st;

	TRY(check_sizes(c, e));
	TRY(conn_statement(k, c, SQL_ENTITY_UPDATE, &st));
	bind_entity(st, e);
	bind_number(st, PARAM(COL_END), was);
	TRY(conn_step_done(k, c, st));
	return conn_changed(k, c, SQL_ENTITY_REVISION, &e->id);
}

enum kms_rc
entity_remove(struct conn *k, struct call *c, const struct uid *id, uint64_t was)
{
	sqlite3_stmt *st;

	TRY(conn_statement(k, c, SQL_ENTITY_REMOVE, &st));
	bind_bytes(st, 1, slice_of(id->b, UID_LEN));
	bind_number(st, 2, was);
	TRY(conn_step_done(k, c, st));
	return conn_changed(k, c, SQL_ENTITY_REVISION, id);
}

/* -- reading: a row may hold anything, whoever wrote it -- */

static enum kms_rc
read_columns(sqlite3_stmt *st, struct store_entity *e)
{
	uint32_t kind;

	if (!column_uid(st, COL_ID, &e->id) || uid_is_zero(&e->id) ||
	    !column_uid(st, COL_PARENT, &e->parent) ||
	    !column_number(st, COL_KIND, ENTITY_SETTING, &kind))
		return KMS_TAMPERED;
	e->kind = (enum entity_kind)kind;
	e->due = sqlite3_column_int64(st, COL_DUE);
	e->created = sqlite3_column_int64(st, COL_CREATED);
	e->revision = (uint64_t)sqlite3_column_int64(st, COL_REVISION);
	TRY(column_copy(st, COL_NAME, NAME_MAX_LEN, &e->name));
	TRY(column_copy(st, COL_BODY, OBJECT_BODY_MAX, &e->body));
	return column_copy(st, COL_SEALED, OBJECT_BODY_MAX, &e->sealed);
}

/* The row that ST stands on; what was damaged says so. */
static enum kms_rc
read_entity(struct conn *k, struct call *c, sqlite3_stmt *st, struct store_entity *ret)
{
	auto_store_entity e = { 0 };
	enum kms_rc rc = read_columns(st, &e);

	if (rc == KMS_TAMPERED)
		return call_fail(c, rc, "a record in %s has a column that cannot be", k->path);
	if (rc == KMS_OK) {
		*ret = e; /* moved */
		e = (struct store_entity){ 0 };
	}
	return rc;
}

static enum kms_rc
read_one(struct conn *k, struct call *c, sqlite3_stmt *st, struct store_entity *ret)
{
	enum kms_rc rc = conn_step_row(k, c, st);

	if (rc == KMS_OK)
		rc = read_entity(k, c, st, ret);
	(void)sqlite3_reset(st);
	return rc;
}

static enum kms_rc
get_in(struct conn *k, struct call *c, const struct uid *id, struct store_entity *ret)
{
	sqlite3_stmt *st;

	TRY(conn_statement(k, c, SQL_ENTITY_GET, &st));
	bind_bytes(st, 1, slice_of(id->b, UID_LEN));
	return read_one(k, c, st, ret);
}

enum kms_rc
entities_get(struct store *base, struct call *c, const struct uid *id, struct store_entity *ret)
{
	struct conn *k;
	enum kms_rc rc;

	TRY(conn_borrow_filled(of(base), c, &k));
	rc = get_in(k, c, id, ret);
	conn_return(of(base), k);
	return rc;
}

static enum kms_rc
by_name_in(struct conn *k, struct call *c, enum entity_kind kind, struct slice name,
    struct store_entity *ret)
{
	sqlite3_stmt *st;

	TRY(conn_statement(k, c, SQL_ENTITY_BY_NAME, &st));
	bind_number(st, 1, kind);
	bind_bytes(st, 2, name);
	return read_one(k, c, st, ret);
}

enum kms_rc
entities_by_name(struct store *base, struct call *c, enum entity_kind kind, struct slice name,
    struct store_entity *ret)
{
	struct conn *k;
	enum kms_rc rc;

	TRY(conn_borrow_filled(of(base), c, &k));
	rc = by_name_in(k, c, kind, name, ret);
	conn_return(of(base), k);
	return rc;
}

/* -- lists -- */

/* The statement that gives Q's rows, or their number, by the index that fits. */
static enum sql
pick_list(const struct entity_query *q, bool count)
{
	if (!uid_is_zero(&q->parent))
		return count ? SQL_ENTITY_COUNT_PARENT : SQL_ENTITY_LIST_PARENT;
	if (q->due_until != 0)
		return count ? SQL_ENTITY_COUNT_DUE : SQL_ENTITY_LIST_DUE;
	return count ? SQL_ENTITY_COUNT : SQL_ENTITY_LIST;
}

static void
bind_query(sqlite3_stmt *st, const struct entity_query *q)
{
	(void)sqlite3_clear_bindings(st);
	bind_number(st, 1, q->kind);
	if (!uid_is_zero(&q->parent))
		bind_uid(st, 2, &q->parent);
	if (q->due_until != 0)
		bind_number(st, 3, (uint64_t)q->due_until);
	bind_number(st, 4, q->limit == 0 ? UINT64_MAX : q->limit); /* -1: no limit */
	bind_number(st, 5, q->skip);
}

static enum kms_rc
list_in(struct conn *k, struct call *c, const struct entity_query *q, struct store_entities *ret)
{
	sqlite3_stmt *st;
	enum kms_rc rc;

	TRY(conn_statement(k, c, pick_list(q, false), &st));
	bind_query(st, q);
	while ((rc = conn_step_row(k, c, st)) == KMS_OK) {
		auto_store_entity e = { 0 };

		/* What cannot be what anybody sealed comes without its seal: whoever opens it is
		 * told, and it is not in the way of the others. */
		if ((rc = read_columns(st, &e)) == KMS_TAMPERED) {
			buf_free(&e.sealed);
			rc = KMS_OK;
		}
		if (rc != KMS_OK || (rc = store_entities_add(ret, &e)) != KMS_OK)
			break;
	}
	(void)sqlite3_reset(st);
	return rc == KMS_NOTFOUND ? KMS_OK : rc;
}

static enum kms_rc
count_in(struct conn *k, struct call *c, const struct entity_query *q, uint64_t *ret)
{
	sqlite3_stmt *st;
	enum kms_rc rc;

	TRY(conn_statement(k, c, pick_list(q, true), &st));
	bind_query(st, q);
	if ((rc = conn_step_row(k, c, st)) == KMS_OK)
		*ret = (uint64_t)sqlite3_column_int64(st, 0);
	(void)sqlite3_reset(st);
	return rc;
}

enum kms_rc
entities_list(struct store *base, struct call *c, const struct entity_query *q,
    struct store_entities *ret, uint64_t *total)
{
	auto_store_entities l = { 0 };
	uint64_t n = 0;
	struct conn *k;
	enum kms_rc rc = conn_borrow(of(base), c, BORROW_READ, &k);

	if (rc == KMS_OK) {
		if ((rc = list_in(k, c, q, &l)) == KMS_OK && total != NULL)
			rc = count_in(k, c, q, &n);
		conn_return(of(base), k);
	} else if (rc == KMS_NOT_INITIALIZED) {
		rc = KMS_OK;
	}
	if (rc != KMS_OK)
		return rc;
	if (total != NULL)
		*total = n;
	*ret = l; /* moved */
	l = (struct store_entities){ 0 };
	return KMS_OK;
}
