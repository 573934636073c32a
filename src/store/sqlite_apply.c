/* SPDX-License-Identifier: Apache-2.0 */
/* Changes, all of them or none: the one door through which objects and entities are written. */
#include "store/sqlite.h"

static enum kms_rc
apply_one(struct conn *k, struct call *c, struct slice serial, const struct store_change *ch)
{
	switch (ch->kind) {
	case INSERT_OBJECT: return row_insert(k, c, serial, ch->row);
	case UPDATE_OBJECT: return row_update(k, c, ch->row, ch->was);
	case REMOVE_OBJECT: return row_remove(k, c, ch->id, ch->was);
	case INSERT_ENTITY: return entity_insert(k, c, serial, ch->entity);
	case UPDATE_ENTITY: return entity_update(k, c, ch->entity, ch->was);
	case REMOVE_ENTITY: return entity_remove(k, c, ch->id, ch->was);
	}
	return KMS_INVALID;
}

static enum kms_rc
apply_all(struct conn *k, struct call *c, struct slice serial, const struct store_change *v,
    size_t n)
{
	/* One statement is a transaction by itself. */
	if (n == 1)
		return apply_one(k, c, serial, v);
	TRY(conn_run(k, c, SQL_BEGIN));
	for (size_t i = 0; i < n; i++)
		TRY(apply_one(k, c, serial, &v[i]));
	return conn_run(k, c, SQL_COMMIT);
}

enum kms_rc
sqlite_apply(struct store *base, struct call *c, struct slice serial, const struct store_change *v,
    size_t n)
{
	struct sqlite_store *s = (struct sqlite_store *)base;
	struct conn *k;
	enum kms_rc rc;

	if (n == 0)
		return KMS_OK;
	TRY(conn_borrow(s, c, BORROW_WRITE, &k));
	if ((rc = apply_all(k, c, serial, v, n)) == KMS_OK)
		store_moved(s);
	conn_return(s, k);
	return rc;
}
