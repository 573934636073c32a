/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any values in the columns of an object's row: it is refused, or it is the object that was stored.
 * Half of the inputs are sealed as they stand, as one can who has read the open key in the file, so
 * that what lies behind the seal meets arbitrary rows too.
 *
 * Input: a byte of mode, then edits: column, type, length, bytes.
 */
#define _GNU_SOURCE 1
#include <sqlite3.h>
#include <unistd.h>

#include "base/codec.h"
#include "kms/core.h"
#include "tests/fuzz/fuzz.h"

#define COLUMNS 15
#define SEALED	12
#define ID	"x'00112233445566778899aabbccddeeff'"

static const char *const columns[COLUMNS] = { "id", "revision", "kind", "type", "curve", "bits",
	"flags", "label", "app_id", "subject", "attrs", "body", [SEALED] = "sealed", "key",
	"created" };
static const struct uid id = { { 0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa,
    0xbb, 0xcc, 0xdd, 0xee, 0xff } };

static char dir[] = "/tmp/kms-row-XXXXXX", path[64];
static sqlite3 *db;
static struct backend *backend;
static struct object original;

static void
clean_up(void)
{
	static const char *const suffix[] = { "", "-wal", "-shm" };
	char name[80];

	for (size_t i = 0; i < ARRAY_LEN(suffix); i++) {
		(void)snprintf(name, sizeof(name), "%s%s", path, suffix[i]);
		(void)unlink(name);
	}
	(void)rmdir(dir);
}

static void
run(const char *sql)
{
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK) {
		fprintf(stderr, "%s: %s\n", sql, sqlite3_errmsg(db));
		abort();
	}
}

struct value {
	unsigned type;
	struct slice bytes;
};

static void
bind_value(sqlite3_stmt *st, const struct value *v)
{
	struct reader r = reader_of(v->bytes);
	uint64_t number = v->bytes.len >= 8 ? read_u64(&r) : v->bytes.len > 0 ? v->bytes.p[0] : 0;
	double real;

	switch (v->type % 5) {
	case 0: (void)sqlite3_bind_null(st, 1); break;
	case 1: (void)sqlite3_bind_int64(st, 1, (int64_t)number); break;
	case 2:
		memcpy(&real, &number, sizeof(real));
		(void)sqlite3_bind_double(st, 1, real);
		break;
	case 3:
		(void)sqlite3_bind_text(st, 1, (const char *)v->bytes.p, (int)v->bytes.len,
		    SQLITE_TRANSIENT);
		break;
	default:
		(void)sqlite3_bind_blob(st, 1, v->bytes.p, (int)v->bytes.len, SQLITE_TRANSIENT);
		break;
	}
}

static void
set_column(unsigned column, const struct value *v)
{
	char sql[80];
	sqlite3_stmt *st;

	(void)snprintf(sql, sizeof(sql), "UPDATE object SET %s = ?1 WHERE seq = 1",
	    columns[column]);
	MUST(sqlite3_prepare_v2(db, sql, -1, &st, NULL) == SQLITE_OK);
	bind_value(st, v);
	(void)sqlite3_step(st);
	(void)sqlite3_finalize(st);
}

/* Seals the row as the store gives it, with MATERIAL as its secret part. */
static void
seal_as_it_stands(struct slice material)
{
	struct local *l = local_of(backend);
	auto_keyring keys = { 0 };
	auto_store_row row = { 0 };
	auto_buf sealed = { 0 };
	struct value v = { .type = 4 };

	if (l->store->ops->get(l->store, NULL, &id, &row) != KMS_OK)
		return;
	MUST(keyring_get(l, NULL, &keys) == KMS_OK);
	MUST(row_seal(NULL, &keys, &row.o, material, &sealed) == KMS_OK);
	v.bytes = buf_slice(&sealed);
	set_column(SEALED, &v);
}

int
LLVMFuzzerInitialize(int *argc UNUSED, char ***argv UNUSED)
{
	struct conf_token conf = { .store = path, .pin_cost = 1, .pin_tries = 10 };
	struct slice pin = slice_str("1234"), material = slice_str("0123456789abcdef");
	struct object o = { .kind = OBJECT_SECRET_KEY,
		.flags = FLAG_PRIVATE | FLAG_SIGN | FLAG_DESTROYABLE };

	MUST(mkdtemp(dir) != NULL);
	(void)snprintf(path, sizeof(path), "%s/token.db", dir);
	(void)atexit(clean_up);
	MUST(local_open(&conf, NULL, &backend) == KMS_OK);
	MUST(backend_init_token(backend, NULL, slice_str("fuzz"), pin) == KMS_OK);
	MUST(backend_login(backend, NULL, ROLE_SO, slice_of(NULL, 0), pin) == KMS_OK);
	MUST(backend_init_pin(backend, NULL, pin) == KMS_OK);
	MUST(backend_login(backend, NULL, ROLE_USER, slice_of(NULL, 0), pin) == KMS_OK);
	o.spec = (struct key_spec){ .type = KEY_AES, .bits = 128 };
	MUST(buf_set(&o.label, slice_str("label")) == KMS_OK);
	MUST(backend_create(backend, NULL, &o, &material, 1) == KMS_OK);
	MUST(sqlite3_open(path, &db) == SQLITE_OK);
	/* Columns that take values of any type, and a copy of the row under an id that is known. */
	run("PRAGMA synchronous = OFF; PRAGMA secure_delete = OFF;"
	    "ALTER TABLE object RENAME TO strict;"
	    "DROP INDEX object_label; DROP INDEX object_app_id; DROP INDEX object_subject;"
	    "DROP INDEX object_key;"
	    "CREATE TABLE object (seq INTEGER PRIMARY KEY, id UNIQUE, revision, kind, type, curve, bits, flags, label, app_id,"
	    " subject, attrs, body, sealed, key, created);"
	    "CREATE INDEX object_label ON object (label); CREATE INDEX object_app_id ON object (app_id);"
	    "CREATE INDEX object_subject ON object (subject) WHERE subject <> x'';"
	    "CREATE INDEX object_key ON object (key) WHERE key <> x'';"
	    "INSERT INTO object SELECT * FROM strict; UPDATE object SET id = " ID ";");
	seal_as_it_stands(material);
	run("CREATE TABLE good AS SELECT * FROM object");
	MUST(backend_get(backend, NULL, &id, &original) == KMS_OK);
	object_free(&o);
	return 0;
}

static bool
is_original(const struct object *o)
{
	return uid_eq(&o->id, &original.id) && o->revision == original.revision &&
	    o->kind == original.kind && o->spec.type == original.spec.type &&
	    o->spec.curve == original.spec.curve && o->spec.bits == original.spec.bits &&
	    o->flags == original.flags && uid_eq(&o->key, &original.key) &&
	    o->created == original.created &&
	    slice_eq(buf_slice(&o->label), buf_slice(&original.label)) &&
	    slice_eq(buf_slice(&o->app_id), buf_slice(&original.app_id)) &&
	    slice_eq(buf_slice(&o->subject), buf_slice(&original.subject)) &&
	    slice_eq(buf_slice(&o->attrs), buf_slice(&original.attrs)) &&
	    slice_eq(buf_slice(&o->body), buf_slice(&original.body));
}

/* Everything that reads a row. SEALED: it opens, whatever it is. */
static void
use_row(bool sealed)
{
	struct object_query q = {
		.has_label = true, .label = slice_str("label"), .private_too = true
	};
	auto_object o = { 0 };
	auto_object_refs refs = { 0 };
	auto_secret material = { 0 };
	struct backend_key *k = NULL;
	struct alg_params p = { .alg = ALG_HMAC, .digest = DIGEST_SHA256, .u.mac.len = 32 };
	struct use *u = NULL;
	uint64_t revision;
	enum kms_rc rc = backend_get(backend, NULL, &id, &o);

	MUST(rc == KMS_OK || rc == KMS_TAMPERED || rc == KMS_NOTFOUND);
	MUST(rc != KMS_OK || sealed || is_original(&o));
	rc = backend_find(backend, NULL, &q, &refs);
	MUST(rc == KMS_OK || rc == KMS_TAMPERED);
	rc = backend_revision(backend, NULL, &id, &revision);
	MUST(rc == KMS_OK || rc == KMS_NOTFOUND);
	rc = backend_export(backend, NULL, &id, &material);
	MUST(rc != KMS_OK || sealed);
	if (backend_key_open(backend, NULL, &id, &k) == KMS_OK) {
		rc = backend_begin(backend, NULL, k, USE_SIGN, &p, &u);
		MUST((rc == KMS_OK) == (u != NULL));
		use_free(u);
		backend_key_close(backend, k);
	}
	keys_forget(local_of(backend), NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reader r = reader_of(slice_of(data, size));
	uint8_t mode = read_u8(&r);
	struct slice material = slice_of(NULL, 0);

	run("BEGIN; DELETE FROM object; INSERT INTO object SELECT * FROM good");
	while (r.rest.len > 0 && !r.bad) {
		unsigned column = read_u8(&r) % COLUMNS;
		struct value v = { .type = read_u8(&r) };

		v.bytes = read_bytes(&r);
		if (r.bad)
			v.bytes = r.rest;
		set_column(column, &v);
		material = v.bytes;
	}
	run("COMMIT");
	if ((mode & 1) != 0)
		seal_as_it_stands(material);
	use_row((mode & 1) != 0);
	return 0;
}
