/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of the store share: a store in a folder of its own, rows, and a way to edit it
 * behind its back. */
#ifndef KMS_TESTS_UNIT_STORE_FIXTURE_H
#define KMS_TESTS_UNIT_STORE_FIXTURE_H

#include "store/store.h"

#include <sqlite3.h>

#include "base/os.h"
#include "tests/unit/unit.h"

#define SERIAL BYTES("serial01")

static char *dir, *path;

static inline UNUSED void
setup(void)
{
	dir = temp_dir();
	path = os_path_join(dir, "token.db");
}

static inline UNUSED void
teardown(void)
{
	free(path);
	free(dir);
}

static inline UNUSED void
fill(struct buf *b, const char *text)
{
	CHECK_RC(buf_set(b, slice_str(text)), KMS_OK);
}

static inline UNUSED struct store *
open_store(bool read_only)
{
	struct call c = { 0 };
	struct store *s = NULL;
	enum kms_rc rc = store_open_sqlite(path, read_only, &c, &s);

	ck_assert_msg(rc == KMS_OK, "%s: %s", rc_name(rc), c.err.text);
	return s;
}

static inline UNUSED void
close_store(struct store *s)
{
	s->ops->close(s);
}

/* A token with both PINs. */
static inline UNUSED void
reset(struct store *s, struct slice was)
{
	auto_store_token t = { 0 };
	struct call c = { 0 };

	CHECK_RC(buf_set(&t.serial, SERIAL), KMS_OK);
	fill(&t.label, "label");
	fill(&t.open_key, "open key");
	t.so = (struct store_pin){ .log2n = 15, .r = 8, .p = 1, .max_failures = 10 };
	t.user = (struct store_pin){ .log2n = 14, .r = 9, .p = 2, .max_failures = 3 };
	fill(&t.so.sealed, "so sealed");
	fill(&t.so.salt, "so salt");
	fill(&t.user.sealed, "user sealed");
	CHECK_RC(s->ops->token_reset(s, &c, was, &t), KMS_OK);
}

static inline UNUSED struct store *
new_store(void)
{
	struct store *s = open_store(false);

	reset(s, slice_of(NULL, 0));
	return s;
}

static inline UNUSED struct uid
uid_of(uint8_t v)
{
	struct uid id;

	memset(id.b, v, UID_LEN);
	return id;
}

static inline UNUSED struct store_row
row_of(uint8_t id, enum object_kind kind, const char *label, const char *app_id)
{
	struct store_row r = { .o = { .id = uid_of(id), .revision = 1, .kind = kind } };

	r.o.spec = (struct key_spec){ .type = KEY_EC, .curve = CURVE_P256, .bits = 256 };
	r.o.flags = FLAG_SIGN | (kind == OBJECT_PRIVATE_KEY ? (uint32_t)FLAG_PRIVATE : 0);
	fill(&r.o.label, label);
	fill(&r.o.app_id, app_id);
	fill(&r.o.attrs, "attrs");
	fill(&r.o.body, "body");
	fill(&r.sealed, "sealed");
	return r;
}

/* Single kinds of changes. */
static inline UNUSED enum kms_rc
store_insert(struct store *s, struct call *c, struct slice serial, const struct store_row *v,
    size_t n)
{
	struct store_change changes[4];

	ck_assert_uint_le(n, ARRAY_LEN(changes));
	for (size_t i = 0; i < n; i++)
		changes[i] = (struct store_change){ .kind = INSERT_OBJECT, .row = &v[i] };
	return s->ops->apply(s, c, serial, changes, n);
}

static inline UNUSED enum kms_rc
store_update(struct store *s, struct call *c, const struct store_row *row, uint64_t was)
{
	struct store_change change = { .kind = UPDATE_OBJECT, .row = row, .was = was };

	return s->ops->apply(s, c, slice_of(NULL, 0), &change, 1);
}

static inline UNUSED enum kms_rc
store_remove(struct store *s, struct call *c, const struct uid *id)
{
	struct store_change change = { .kind = REMOVE_OBJECT, .id = id };

	return s->ops->apply(s, c, slice_of(NULL, 0), &change, 1);
}

static inline UNUSED enum kms_rc
try_insert(struct store *s, uint8_t id, const char *label, struct call *c)
{
	auto_store_row r = row_of(id, OBJECT_PUBLIC_KEY, label, "");

	return store_insert(s, c, SERIAL, &r, 1);
}

static inline UNUSED void
insert(struct store *s, uint8_t id, enum object_kind kind, const char *label, const char *app_id)
{
	auto_store_row r = row_of(id, kind, label, app_id);
	struct call c = { 0 };

	CHECK_RC(store_insert(s, &c, SERIAL, &r, 1), KMS_OK);
}

/* The first bytes of the ids that a query finds, as text; what it tells of each is what is stored.
 */
static inline UNUSED void
check_found(struct store *s, struct object_query q, const char *wanted)
{
	auto_object_refs refs = { 0 };
	struct call c = { 0 };

	CHECK_RC(s->ops->find(s, &c, &q, &refs), KMS_OK);
	ck_assert_uint_eq(refs.n, strlen(wanted));
	for (size_t i = 0; i < refs.n; i++) {
		auto_store_row row = { 0 };

		ck_assert_int_eq(refs.v[i].id.b[0], wanted[i]);
		CHECK_RC(s->ops->get(s, &c, &refs.v[i].id, &row), KMS_OK);
		ck_assert_uint_eq(refs.v[i].revision, row.o.revision);
		ck_assert_uint_eq(refs.v[i].flags, row.o.flags);
	}
}

#define ALL	   ((struct object_query){ .private_too = true })
#define BY(f, ...) ((struct object_query){ .has_##f = true, .f = __VA_ARGS__, .private_too = true })

static inline UNUSED bool
exists(const char *name)
{
	struct stat st;

	return lstat(name, &st) == 0;
}

/* Runs SQL behind the store's back. */
static inline UNUSED void
edit(const char *sql)
{
	sqlite3 *db;

	ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
	sqlite3_busy_timeout(db, 5000);
	ck_assert_msg(sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK, "%s",
	    sqlite3_errmsg(db));
	ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
}

#endif
