/* SPDX-License-Identifier: Apache-2.0 */
/* The token's row and its PINs in SQLite. */
#include "store/sqlite.h"

#define SMALL_MAX 1024 /* bytes of any column here */

/* Where the columns of a PIN begin in SQL_TOKEN_GET. */
enum { COL_SERIAL, COL_LABEL, COL_OPEN_KEY, COL_SO, COL_USER = COL_SO + 7 };

static struct sqlite_store *
of(struct store *base)
{
	return (struct sqlite_store *)base;
}

static bool
column_count(sqlite3_stmt *st, int n, unsigned *ret)
{
	int64_t v = sqlite3_column_int64(st, n);

	if (v < 0 || v > INT32_MAX)
		return false;
	*ret = (unsigned)v;
	return true;
}

static enum kms_rc
read_pin(sqlite3_stmt *st, int at, struct store_pin *ret)
{
	if (!column_count(st, at, &ret->log2n) || !column_count(st, at + 1, &ret->r) ||
	    !column_count(st, at + 2, &ret->p) || !column_count(st, at + 5, &ret->failures) ||
	    !column_count(st, at + 6, &ret->max_failures))
		return KMS_TAMPERED;
	TRY(column_copy(st, at + 3, SMALL_MAX, &ret->salt));
	return column_copy(st, at + 4, SMALL_MAX, &ret->sealed);
}

static enum kms_rc
read_columns(sqlite3_stmt *st, struct store_token *t)
{
	TRY(column_copy(st, COL_SERIAL, SMALL_MAX, &t->serial));
	TRY(column_copy(st, COL_LABEL, SMALL_MAX, &t->label));
	TRY(column_copy(st, COL_OPEN_KEY, SMALL_MAX, &t->open_key));
	TRY(read_pin(st, COL_SO, &t->so));
	return read_pin(st, COL_USER, &t->user);
}

static enum kms_rc
read_token(struct conn *k, struct call *c, struct store_token *t)
{
	sqlite3_stmt *st;
	enum kms_rc rc;

	TRY(conn_statement(k, c, SQL_TOKEN_GET, &st));
	if ((rc = conn_step_row(k, c, st)) == KMS_OK)
		rc = read_columns(st, t);
	(void)sqlite3_reset(st);
	return rc;
}

enum kms_rc
token_get(struct store *base, struct call *c, struct store_token *ret)
{
	struct store_token t = { 0 };
	struct conn *k;
	enum kms_rc rc;

	if ((rc = conn_borrow(of(base), c, BORROW_READ, &k)) == KMS_OK) {
		rc = read_token(k, c, &t);
		conn_return(of(base), k);
	}
	if (rc == KMS_OK || rc == KMS_NOTFOUND || rc == KMS_NOT_INITIALIZED) {
		*ret = t; /* moved */
		return KMS_OK;
	}
	store_token_free(&t);
	return rc == KMS_TAMPERED
	    ? call_fail(c, rc, "the token's row in %s is damaged: restore it from a backup",
		  of(base)->path)
	    : rc;
}

static enum kms_rc
put_pin(struct conn *k, struct call *c, enum role role, const struct store_pin *pin)
{
	sqlite3_stmt *st;

	TRY(conn_statement(k, c, SQL_PIN_PUT, &st));
	bind_number(st, 1, role);
	bind_number(st, 2, pin->log2n);
	bind_number(st, 3, pin->r);
	bind_number(st, 4, pin->p);
	bind_bytes(st, 5, buf_slice(&pin->salt));
	bind_bytes(st, 6, buf_slice(&pin->sealed));
	bind_number(st, 7, pin->failures);
	bind_number(st, 8, pin->max_failures);
	return conn_step_done(k, c, st);
}

static enum kms_rc
put_token(struct conn *k, struct call *c, const struct store_token *t)
{
	sqlite3_stmt *st;

	TRY(conn_statement(k, c, SQL_TOKEN_PUT, &st));
	bind_bytes(st, 1, buf_slice(&t->serial));
	bind_bytes(st, 2, buf_slice(&t->label));
	bind_bytes(st, 3, buf_slice(&t->open_key));
	TRY(conn_step_done(k, c, st));
	TRY(put_pin(k, c, ROLE_SO, &t->so));
	return t->user.sealed.len == 0 ? KMS_OK : put_pin(k, c, ROLE_USER, &t->user);
}

enum kms_rc
conn_check_serial(struct conn *k, struct call *c, struct slice was)
{
	auto_store_token now = { 0 };
	enum kms_rc rc = read_token(k, c, &now);

	if (rc != KMS_OK && rc != KMS_NOTFOUND)
		return rc;
	if (!slice_eq(buf_slice(&now.serial), was))
		return call_fail(c, KMS_CONFLICT,
		    "the token was initialised by somebody else meanwhile");
	return KMS_OK;
}

static enum kms_rc
reset_in_transaction(struct conn *k, struct call *c, struct slice was, const struct store_token *t)
{
	TRY(conn_run(k, c, SQL_BEGIN));
	TRY(conn_check_serial(k, c, was));
	TRY(conn_run(k, c, SQL_OBJECT_CLEAR));
	TRY(conn_run(k, c, SQL_ENTITY_CLEAR));
	TRY(conn_run(k, c, SQL_PIN_CLEAR));
	TRY(conn_run(k, c, SQL_TOKEN_CLEAR));
	TRY(put_token(k, c, t));
	return conn_run(k, c, SQL_COMMIT);
}

enum kms_rc
token_reset(struct store *base, struct call *c, struct slice was, const struct store_token *t)
{
	struct conn *k;
	enum kms_rc rc;

	TRY(conn_borrow(of(base), c, BORROW_CREATE, &k));
	if ((rc = reset_in_transaction(k, c, was, t)) == KMS_OK)
		store_moved(of(base));
	conn_return(of(base), k);
	return rc;
}

static enum kms_rc
check_sealed(struct conn *k, struct call *c, enum role role, struct slice was)
{
	sqlite3_stmt *st;
	enum kms_rc rc;

	TRY(conn_statement(k, c, SQL_PIN_SEALED, &st));
	bind_number(st, 1, role);
	if ((rc = conn_step_row(k, c, st)) == KMS_OK && !slice_eq(column_bytes(st, 0), was))
		rc = KMS_CONFLICT;
	(void)sqlite3_reset(st);
	return rc == KMS_NOTFOUND ? KMS_CONFLICT : rc;
}

static enum kms_rc
pin_put_in_transaction(struct conn *k, struct call *c, struct slice serial, enum role role,
    struct slice was, const struct store_pin *pin)
{
	TRY(conn_run(k, c, SQL_BEGIN));
	TRY(conn_check_serial(k, c, serial));
	if (was.p != NULL)
		TRY(check_sealed(k, c, role, was));
	TRY(put_pin(k, c, role, pin));
	return conn_run(k, c, SQL_COMMIT);
}

enum kms_rc
token_pin_put(struct store *base, struct call *c, struct slice serial, enum role role,
    struct slice was, const struct store_pin *pin)
{
	struct conn *k;
	enum kms_rc rc;

	TRY(conn_borrow(of(base), c, BORROW_WRITE, &k));
	if ((rc = pin_put_in_transaction(k, c, serial, role, was, pin)) == KMS_OK)
		store_moved(of(base));
	conn_return(of(base), k);
	return rc;
}

/* Nothing to forget is the usual case, and costs no writing. */
static enum kms_rc
has_failures(struct conn *k, struct call *c, enum role role, bool *ret)
{
	sqlite3_stmt *st;
	enum kms_rc rc;

	TRY(conn_statement(k, c, SQL_PIN_FAILURES, &st));
	bind_number(st, 1, role);
	if ((rc = conn_step_row(k, c, st)) == KMS_OK)
		*ret = sqlite3_column_int64(st, 0) != 0;
	(void)sqlite3_reset(st);
	return rc == KMS_NOTFOUND ? KMS_OK : rc;
}

static enum kms_rc
count_one(struct sqlite_store *s, struct conn *k, struct call *c, enum role role, bool right)
{
	sqlite3_stmt *st;
	bool failures = false;

	if (right) {
		TRY(has_failures(k, c, role, &failures));
		if (!failures)
			return KMS_OK;
	}
	TRY(conn_statement(k, c, right ? SQL_PIN_RIGHT : SQL_PIN_WRONG, &st));
	bind_number(st, 1, role);
	TRY(conn_step_done(k, c, st));
	if (sqlite3_changes(k->db) == 0)
		return KMS_PIN_LOCKED;
	store_moved(s);
	return KMS_OK;
}

enum kms_rc
token_pin_count(struct store *base, struct call *c, enum role role, bool right)
{
	struct conn *k;
	enum kms_rc rc;

	TRY(conn_borrow(of(base), c, BORROW_WRITE, &k));
	rc = count_one(of(base), k, c, role, right);
	conn_return(of(base), k);
	return rc;
}
