/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of the local backend share: a token in a folder of its own, objects and keys in
 * it. */
#ifndef KMS_TESTS_UNIT_LOCAL_FIXTURE_H
#define KMS_TESTS_UNIT_LOCAL_FIXTURE_H

#include <sqlite3.h>

#include "base/os.h"
#include "crypto/crypto.h"
#include "kms/local.h"
#include "tests/unit/unit.h"

#define SO_PIN	 BYTES("12345678")
#define PIN	 BYTES("1234")
#define NO_BYTES slice_of(NULL, 0)

static char *dir, *path;
static struct conf_token conf;

static void
setup(void)
{
	dir = temp_dir();
	path = os_path_join(dir, "token.db");
	/* PINs at next to no cost, and every change of others seen at once. */
	conf = (struct conf_token){
		.store = path, .pin_cost = 1, .pin_tries = 4, .timeout_ms = 10000
	};
}

static void
teardown(void)
{
	free(path);
	free(dir);
}

static inline UNUSED struct backend *
open_local(void)
{
	struct backend *b = NULL;
	struct call c = { 0 };
	enum kms_rc rc = local_open(&conf, &c, &b);

	ck_assert_msg(rc == KMS_OK, "%s: %s", rc_name(rc), c.err.text);
	return b;
}

static inline UNUSED enum kms_rc
login(struct backend *b, enum role role, struct slice pin)
{
	return backend_login(b, NULL, role, NO_BYTES, pin);
}

/* A token with both PINs; nobody is logged in. */
static inline UNUSED struct backend *
new_token(void)
{
	struct backend *b = open_local();

	CHECK_RC(backend_init_token(b, NULL, BYTES("label"), SO_PIN), KMS_OK);
	CHECK_RC(login(b, ROLE_SO, SO_PIN), KMS_OK);
	CHECK_RC(backend_init_pin(b, NULL, PIN), KMS_OK);
	backend_logout(b);
	return b;
}

static inline UNUSED struct backend *
new_token_with_user(void)
{
	struct backend *b = new_token();

	CHECK_RC(login(b, ROLE_USER, PIN), KMS_OK);
	return b;
}

static inline UNUSED struct token_status
status_of(struct backend *b)
{
	struct token_status st;

	CHECK_RC(backend_status(b, NULL, &st), KMS_OK);
	return st;
}

static inline UNUSED struct object
object_of(enum object_kind kind, uint32_t flags, const char *label)
{
	struct object o = { .kind = kind,
		.flags = flags | FLAG_MODIFIABLE | FLAG_COPYABLE | FLAG_DESTROYABLE };

	CHECK_RC(buf_set(&o.label, slice_str(label)), KMS_OK);
	return o;
}

static inline UNUSED struct object
new_object(struct backend *b, struct object o, struct slice material)
{
	struct call c = { 0 };
	enum kms_rc rc = backend_create(b, &c, &o, &material, 1);

	ck_assert_msg(rc == KMS_OK, "%s: %s", rc_name(rc), c.err.text);
	return o;
}

/* An AES key with the bytes of TEXT. */
static inline UNUSED struct object
new_aes(struct backend *b, uint32_t flags, const char *label)
{
	struct object o = object_of(OBJECT_SECRET_KEY, flags, label);

	o.spec = (struct key_spec){ .type = KEY_AES, .bits = 128 };
	return new_object(b, o, BYTES("0123456789abcdef"));
}

static inline UNUSED struct object
new_data(struct backend *b, uint32_t flags, const char *label, const char *value)
{
	struct object o = object_of(OBJECT_DATA, flags, label);

	if ((flags & FLAG_PRIVATE) != 0)
		return new_object(b, o, slice_str(value));
	CHECK_RC(buf_set(&o.body, slice_str(value)), KMS_OK);
	return new_object(b, o, NO_BYTES);
}

static inline UNUSED void
new_pair(struct backend *b, uint32_t flags, struct object *priv, struct object *pub)
{
	*priv = object_of(OBJECT_PRIVATE_KEY, FLAG_PRIVATE | flags, "pair");
	*pub = object_of(OBJECT_PUBLIC_KEY, FLAG_VERIFY, "pair");
	priv->spec = pub->spec =
	    (struct key_spec){ .type = KEY_EC, .curve = CURVE_P256, .bits = 256 };
	CHECK_RC(backend_generate(b, NULL, priv, pub, NO_BYTES), KMS_OK);
}

static inline UNUSED size_t
count_label(struct backend *b, const char *label)
{
	struct object_query q = {
		.has_label = true, .label = slice_str(label), .private_too = true
	};
	auto_object_refs refs = { 0 };

	CHECK_RC(backend_find(b, NULL, &q, &refs), KMS_OK);
	return refs.n;
}

static inline UNUSED enum kms_rc
try_get(struct backend *b, const struct uid *id)
{
	auto_object o = { 0 };

	return backend_get(b, NULL, id, &o);
}

static inline UNUSED enum kms_rc
try_export(struct backend *b, const struct uid *id)
{
	auto_secret s = { 0 };

	return backend_export(b, NULL, id, &s);
}

static inline UNUSED void
check_value(struct backend *b, const struct uid *id, const char *wanted)
{
	auto_secret s = { 0 };

	CHECK_RC(backend_export(b, NULL, id, &s), KMS_OK);
	CHECK_BYTES(secret_slice(&s), slice_str(wanted));
}

static inline UNUSED struct backend_key *
open_key(struct backend *b, const struct uid *id)
{
	struct backend_key *k = NULL;

	CHECK_RC(backend_key_open(b, NULL, id, &k), KMS_OK);
	return k;
}

static inline UNUSED enum kms_rc
try_open_key(struct backend *b, const struct uid *id)
{
	struct backend_key *k = NULL;
	enum kms_rc rc = backend_key_open(b, NULL, id, &k);

	if (rc == KMS_OK)
		backend_key_close(b, k);
	return rc;
}

/* One block of AES under the key, begun anew. */
static inline UNUSED enum kms_rc
try_use(struct backend *b, struct backend_key *k, enum use_kind kind)
{
	struct alg_params p = { .alg = ALG_AES_ECB };
	struct use *u = NULL;
	uint8_t out[16];
	struct outbuf o = { .p = out, .cap = sizeof(out) };
	size_t need;
	enum kms_rc rc = backend_begin(b, NULL, k, kind, &p, &u);

	if (rc == KMS_OK)
		rc = use_once(u, BYTES("plain text block"), &o, &need);
	else
		ck_assert_ptr_null(u);
	use_free(u);
	return rc;
}

/* Runs SQL behind everybody's back. */
static inline UNUSED void
edit(const char *sql)
{
	sqlite3 *db;

	ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
	sqlite3_busy_timeout(db, 5000);
	ck_assert_msg(sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK, "%s: %s", sql,
	    sqlite3_errmsg(db));
	ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
}

#endif
