/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of objects in SQLite: written, read back with every column checked, and found by index.
 */
#include "store/sqlite.h"

/* The order of OBJECT_COLUMNS; parameters of SQL_INSERT and SQL_UPDATE are one more. */
enum column {
	COL_ID,
	COL_REVISION,
	COL_KIND,
	COL_TYPE,
	COL_CURVE,
	COL_BITS,
	COL_FLAGS,
	COL_LABEL,
	COL_APP_ID,
	COL_SUBJECT,
	COL_KEY,
	COL_CREATED,
	COL_ATTRS,
	COL_BODY,
	COL_SEALED,
	COL_END,
};
#define PARAM(column) ((column) + 1)

#define SEALED_MAX (OBJECT_BODY_MAX + 1024)

static struct sqlite_store *
of(struct store *base)
{
	return (struct sqlite_store *)base;
}

static void
bind_row(sqlite3_stmt *st, const struct store_row *row)
{
	const struct object *o = &row->o;

	bind_bytes(st, PARAM(COL_ID), slice_of(o->id.b, UID_LEN));
	bind_number(st, PARAM(COL_REVISION), o->revision);
	bind_number(st, PARAM(COL_KIND), o->kind);
	bind_number(st, PARAM(COL_TYPE), o->spec.type);
	bind_number(st, PARAM(COL_CURVE), o->spec.curve);
	bind_number(st, PARAM(COL_BITS), o->spec.bits);
	bind_number(st, PARAM(COL_FLAGS), o->flags);
	bind_bytes(st, PARAM(COL_LABEL), buf_slice(&o->label));
	bind_bytes(st, PARAM(COL_APP_ID), buf_slice(&o->app_id));
	bind_bytes(st, PARAM(COL_SUBJECT), buf_slice(&o->subject));
	bind_uid(st, PARAM(COL_KEY), &o->key);
	bind_number(st, PARAM(COL_CREATED), (uint64_t)o->created);
	bind_bytes(st, PARAM(COL_ATTRS), buf_slice(&o->attrs));
	bind_bytes(st, PARAM(COL_BODY), buf_slice(&o->body));
	bind_bytes(st, PARAM(COL_SEALED), buf_slice(&row->sealed));
}

static enum kms_rc
check_sizes(struct call *c, const struct store_row *row)
{
	const struct object *o = &row->o;

	if (o->label.len > OBJECT_NAME_MAX || o->app_id.len > OBJECT_NAME_MAX ||
	    o->subject.len > OBJECT_BODY_MAX || o->attrs.len > OBJECT_ATTRS_MAX ||
	    o->body.len > OBJECT_BODY_MAX || row->sealed.len > SEALED_MAX)
		return call_fail(c, KMS_LIMIT, "the object is too large for the store");
	return KMS_OK;
}

/* -- changes, each one statement -- */

enum kms_rc
row_insert(struct conn *k, struct call *c, struct slice serial, const struct store_row *row)
{
	sqlite3_stmt *st;

	TRY(check_sizes(c, row));
	TRY(conn_statement(k, c, SQL_INSERT, &st));
	bind_row(st, row);
	bind_bytes(st, PARAM(COL_END), serial);
	TRY(conn_step_done(k, c, st));
	return conn_inserted(k, c);
}

static enum kms_rc
ask_revision(struct conn *k, struct call *c, const struct uid *id, uint64_t *ret, uint32_t *flags)
{
	sqlite3_stmt *st;
	enum kms_rc rc;

	TRY(conn_statement(k, c, SQL_REVISION, &st));
	bind_bytes(st, 1, slice_of(id->b, UID_LEN));
	if ((rc = conn_step_row(k, c, st)) == KMS_OK) {
		*ret = (uint64_t)sqlite3_column_int64(st, 0);
		*flags = (uint32_t)sqlite3_column_int64(st, 1);
	}
	(void)sqlite3_reset(st);
	return rc;
}

enum kms_rc
row_update(struct conn *k, struct call *c, const struct store_row *row, uint64_t was)
{
	sqlite3_stmt *st;

	TRY(check_sizes(c, row));
	TRY(conn_statement(k, c, SQL_UPDATE, &st));
	bind_row(st, row);
	bind_number(st, PARAM(COL_END), was);
	TRY(conn_step_done(k, c, st));
	return conn_changed(k, c, SQL_REVISION, &row->o.id);
}

enum kms_rc
row_remove(struct conn *k, struct call *c, const struct uid *id, uint64_t was)
{
	sqlite3_stmt *st;

	TRY(conn_statement(k, c, SQL_REMOVE, &st));
	bind_bytes(st, 1, slice_of(id->b, UID_LEN));
	bind_number(st, 2, was);
	TRY(conn_step_done(k, c, st));
	return conn_changed(k, c, SQL_REVISION, id);
}

/* -- reading: a row may hold anything, whoever wrote it -- */

static enum kms_rc
read_row(sqlite3_stmt *st, struct store_row *row)
{
	struct object *o = &row->o;
	uint32_t kind, type, curve;

	if (!column_uid(st, COL_ID, &o->id) || uid_is_zero(&o->id) ||
	    !column_uid(st, COL_KEY, &o->key) || !column_number(st, COL_KIND, OBJECT_DATA, &kind) ||
	    !column_number(st, COL_TYPE, KEY_TYPE_END - 1, &type) ||
	    !column_number(st, COL_CURVE, CURVE_END - 1, &curve) ||
	    !column_number(st, COL_BITS, UINT32_MAX, &o->spec.bits) ||
	    !column_number(st, COL_FLAGS, UINT32_MAX, &o->flags))
		return KMS_TAMPERED;
	o->revision = (uint64_t)sqlite3_column_int64(st, COL_REVISION);
	o->created = sqlite3_column_int64(st, COL_CREATED);
	o->kind = (enum object_kind)kind;
	o->spec.type = (enum key_type)type;
	o->spec.curve = (enum curve)curve;
	TRY(column_copy(st, COL_LABEL, OBJECT_NAME_MAX, &o->label));
	TRY(column_copy(st, COL_APP_ID, OBJECT_NAME_MAX, &o->app_id));
	TRY(column_copy(st, COL_SUBJECT, OBJECT_BODY_MAX, &o->subject));
	TRY(column_copy(st, COL_ATTRS, OBJECT_ATTRS_MAX, &o->attrs));
	TRY(column_copy(st, COL_BODY, OBJECT_BODY_MAX, &o->body));
	return column_copy(st, COL_SEALED, SEALED_MAX, &row->sealed);
}

static enum kms_rc
get_one(struct conn *k, struct call *c, const struct uid *id, struct store_row *ret)
{
	struct store_row row = { 0 };
	sqlite3_stmt *st;
	enum kms_rc rc;

	TRY(conn_statement(k, c, SQL_GET, &st));
	bind_bytes(st, 1, slice_of(id->b, UID_LEN));
	if ((rc = conn_step_row(k, c, st)) == KMS_OK)
		rc = read_row(st, &row);
	(void)sqlite3_reset(st);
	if (rc == KMS_OK) {
		*ret = row; /* moved */
		return KMS_OK;
	}
	store_row_free(&row);
	return rc == KMS_TAMPERED
	    ? call_fail(c, rc,
		  "an object in %s has a column that cannot be: restore it from a backup", k->path)
	    : rc;
}

enum kms_rc
rows_get(struct store *base, struct call *c, const struct uid *id, struct store_row *ret)
{
	struct conn *k;
	enum kms_rc rc = conn_borrow_filled(of(base), c, &k);

	if (rc != KMS_OK)
		return rc;
	rc = get_one(k, c, id, ret);
	conn_return(of(base), k);
	return rc;
}

enum kms_rc
rows_revision(struct store *base, struct call *c, const struct uid *id, uint64_t *ret,
    uint32_t *flags)
{
	struct conn *k;
	enum kms_rc rc = conn_borrow_filled(of(base), c, &k);

	if (rc != KMS_OK)
		return rc;
	rc = ask_revision(k, c, id, ret, flags);
	conn_return(of(base), k);
	return rc;
}

/* The index that is likely to leave the fewest rows. An empty subject is not in its index. */
static enum sql
pick_search(const struct object_query *q)
{
	if (q->has_key)
		return SQL_FIND_KEY;
	if (q->has_app_id)
		return SQL_FIND_APP_ID;
	if (q->has_label)
		return SQL_FIND_LABEL;
	return q->has_subject && q->subject.len > 0 ? SQL_FIND_SUBJECT : SQL_FIND_ALL;
}

static void
bind_query(sqlite3_stmt *st, const struct object_query *q)
{
	if (q->has_label)
		bind_bytes(st, 1, q->label);
	if (q->has_app_id)
		bind_bytes(st, 2, q->app_id);
	if (q->has_subject)
		bind_bytes(st, 3, q->subject);
	bind_number(st, 4, q->kind);
	bind_number(st, 5, q->type);
	bind_number(st, 6,
	    (q->private_too ? 0 : FLAG_PRIVATE) | (q->unusable_too ? 0 : FLAG_UNUSABLE));
	if (q->has_key)
		bind_bytes(st, 7, slice_of(q->key.b, UID_LEN));
}

static enum kms_rc
find_all(struct conn *k, struct call *c, const struct object_query *q, struct object_refs *refs)
{
	sqlite3_stmt *st;
	enum kms_rc rc;

	TRY(conn_statement(k, c, pick_search(q), &st));
	bind_query(st, q);
	while ((rc = conn_step_row(k, c, st)) == KMS_OK) {
		/* in the order of OBJECT_REFS */
		struct object_ref ref = { .revision = (uint64_t)sqlite3_column_int64(st, 1),
			.flags = (uint32_t)sqlite3_column_int64(st, 2) };

		if (!column_uid(st, 0, &ref.id))
			rc = call_fail(c, KMS_TAMPERED,
			    "an object in %s has an id that cannot be: restore it from a backup",
			    k->path);
		else
			rc = object_refs_add(refs, &ref);
		if (rc != KMS_OK)
			break;
	}
	(void)sqlite3_reset(st);
	return rc == KMS_NOTFOUND ? KMS_OK : rc;
}

enum kms_rc
rows_find(struct store *base, struct call *c, const struct object_query *q, struct object_refs *ret)
{
	auto_object_refs refs = { 0 };
	struct conn *k;
	enum kms_rc rc;

	if ((rc = conn_borrow(of(base), c, BORROW_READ, &k)) == KMS_OK) {
		rc = find_all(k, c, q, &refs);
		conn_return(of(base), k);
	} else if (rc == KMS_NOT_INITIALIZED) {
		rc = KMS_OK;
	}
	if (rc == KMS_OK) {
		*ret = refs; /* moved */
		refs = (struct object_refs){ 0 };
	}
	return rc;
}
