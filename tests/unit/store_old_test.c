/* SPDX-License-Identifier: Apache-2.0 */
/* A store that the first release wrote, in the hands of this one. store_v1.sql is its contents. */
#define _GNU_SOURCE 1
#include "kms/local.h"

#include "tests/unit/local_fixture.h"

static void
first_release_setup(void)
{
	const char *top = getenv("top_srcdir");
	char *from, *sql;

	setup();
	from = os_path_join(top == NULL ? "." : top, "tests/unit/store_v1.sql");
	ck_assert_ptr_nonnull(from);
	sql = read_file(from);
	write_file(path, "", 0600);
	edit(sql);
	free(sql);
	free(from);
}

static struct backend *
open_as_user(void)
{
	struct backend *b = open_local();

	CHECK_RC(login(b, ROLE_USER, PIN), KMS_OK);
	return b;
}

static struct uid
find_one(struct backend *b, const char *label, enum object_kind kind)
{
	struct object_query q = {
		.has_label = true, .label = slice_str(label), .kind = kind, .private_too = true
	};
	auto_object_refs refs = { 0 };

	CHECK_RC(backend_find(b, NULL, &q, &refs), KMS_OK);
	ck_assert_uint_eq(refs.n, 1);
	return refs.v[0].id;
}

static int64_t
number_of(const char *sql)
{
	sqlite3 *db;
	sqlite3_stmt *st;
	int64_t n;

	ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
	ck_assert_int_eq(sqlite3_prepare_v2(db, sql, -1, &st, NULL), SQLITE_OK);
	ck_assert_int_eq(sqlite3_step(st), SQLITE_ROW);
	n = sqlite3_column_int64(st, 0);
	(void)sqlite3_finalize(st);
	ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
	return n;
}

START_TEST(its_pair_signs_what_its_public_key_verifies)
{
	struct backend *b = open_as_user();
	struct uid priv = find_one(b, "sign key", OBJECT_PRIVATE_KEY),
		   pub = find_one(b, "sign key", OBJECT_PUBLIC_KEY);
	struct alg_params p = { .alg = ALG_ECDSA, .digest = DIGEST_SHA256 };
	struct backend_key *k = open_key(b, &priv);
	auto_object o = { 0 };
	auto_ckey *verify = NULL;
	struct use *u = NULL;
	uint8_t sig[64];
	struct outbuf out = { .p = sig, .cap = sizeof(sig) };
	size_t need;

	CHECK_RC(backend_begin(b, NULL, k, USE_SIGN, &p, &u), KMS_OK);
	CHECK_RC(use_once(u, BYTES("message"), &out, &need), KMS_OK);
	use_free(u);
	u = NULL;
	CHECK_RC(backend_get(b, NULL, &pub, &o), KMS_OK);
	CHECK_RC(ckey_from_spki(buf_slice(&o.body), &verify), KMS_OK);
	CHECK_RC(crypto_begin(verify, USE_VERIFY, &p, &u), KMS_OK);
	CHECK_RC(use_check_once(u, BYTES("message"), slice_of(sig, out.len)), KMS_OK);
	use_free(u);
	backend_key_close(b, k);
	backend_close(b);
}
END_TEST

START_TEST(its_secret_key_has_the_value_that_was_stored)
{
	static const uint8_t wanted[16] = { 0xdb, 0x52, 0xa0, 0x70, 0x84, 0xa5, 0x3d, 0x58, 0x1c,
		0xa4, 0x29, 0xb3, 0xd2, 0xb9, 0x10, 0xcc };
	struct backend *b = open_as_user();
	struct uid id = find_one(b, "cipher key", OBJECT_SECRET_KEY);
	struct alg_params p = { .alg = ALG_AES_ECB };
	struct backend_key *k = open_key(b, &id);
	struct use *u = NULL;
	uint8_t sevens[16], got[16];
	struct outbuf out = { .p = got, .cap = sizeof(got) };
	size_t need;

	memset(sevens, 7, sizeof(sevens));
	CHECK_RC(backend_begin(b, NULL, k, USE_ENCRYPT, &p, &u), KMS_OK);
	CHECK_RC(use_once(u, slice_of(sevens, 16), &out, &need), KMS_OK);
	CHECK_BYTES(slice_of(got, out.len), slice_of(wanted, 16));
	use_free(u);
	backend_key_close(b, k);
	backend_close(b);
}
END_TEST

START_TEST(what_is_changed_and_added_is_there_when_it_is_opened_again)
{
	struct backend *b = open_as_user();
	struct uid old = find_one(b, "cipher key", OBJECT_SECRET_KEY),
		   gone = find_one(b, "sign key", OBJECT_PUBLIC_KEY), again;
	auto_object o = { 0 };
	auto_object added = new_aes(b, FLAG_PRIVATE | FLAG_ENCRYPT, "added");
	struct backend_key *k;

	CHECK_RC(backend_get(b, NULL, &old, &o), KMS_OK);
	CHECK_RC(buf_set(&o.label, BYTES("new name")), KMS_OK);
	CHECK_RC(backend_update(b, NULL, &o, NULL), KMS_OK);
	CHECK_RC(backend_destroy(b, NULL, &gone, 1), KMS_OK);
	backend_close(b);

	b = open_as_user();
	again = find_one(b, "new name", OBJECT_SECRET_KEY);
	ck_assert(uid_eq(&old, &again));
	CHECK_RC(try_get(b, &gone), KMS_NOTFOUND);
	CHECK_RC(try_get(b, &added.id), KMS_OK);
	k = open_key(b, &old);
	CHECK_RC(try_use(b, k, USE_ENCRYPT), KMS_OK);
	backend_key_close(b, k);
	backend_close(b);
	ck_assert_int_eq(number_of("PRAGMA user_version"), 2);
	ck_assert_int_eq(number_of("SELECT count(*) FROM entity WHERE kind = 1"), 1); /* added */
}
END_TEST

/* Neither the absence of a value nor its presence can be edited. */
START_TEST(columns_that_it_did_not_have_are_under_the_seal)
{
	struct backend *b = open_as_user();
	struct uid old = find_one(b, "cipher key", OBJECT_SECRET_KEY);
	auto_object added = new_aes(b, FLAG_PRIVATE | FLAG_ENCRYPT, "added");

	CHECK_RC(try_get(b, &old), KMS_OK);
	edit("UPDATE object SET created = 1 WHERE label = CAST('cipher key' AS BLOB)");
	CHECK_RC(try_get(b, &old), KMS_TAMPERED);
	edit("UPDATE object SET created = 0, key = x''"
	     " WHERE label = CAST('cipher key' AS BLOB)");
	CHECK_RC(try_get(b, &old), KMS_OK);
	edit("UPDATE object SET key = id WHERE label = CAST('cipher key' AS BLOB)");
	CHECK_RC(try_get(b, &old), KMS_TAMPERED);
	CHECK_RC(try_get(b, &added.id), KMS_OK);
	edit("UPDATE object SET created = 0 WHERE label = CAST('added' AS BLOB)");
	CHECK_RC(try_get(b, &added.id), KMS_TAMPERED);
	backend_close(b);
}
END_TEST

START_TEST(without_the_right_to_write_it_is_left_alone_and_says_why)
{
	struct backend *b = NULL;
	struct call c = { 0 };

	conf.read_only = true;
	CHECK_RC(local_open(&conf, &c, &b), KMS_READONLY);
	ck_assert_msg(strstr(c.err.text, "needs an update of its format") != NULL, "%s",
	    c.err.text);
	ck_assert_int_eq(number_of("PRAGMA user_version"), 1);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { its_pair_signs_what_its_public_key_verifies,
		its_secret_key_has_the_value_that_was_stored,
		what_is_changed_and_added_is_there_when_it_is_opened_again,
		columns_that_it_did_not_have_are_under_the_seal,
		without_the_right_to_write_it_is_left_alone_and_says_why };
	Suite *s = suite_create("store-old");
	TCase *t = tcase_create("store of the first release");

	tcase_add_checked_fixture(t, first_release_setup, teardown);
	for (size_t i = 0; i < ARRAY_LEN(tests); i++)
		tcase_add_test(t, tests[i]);
	suite_add_tcase(s, t);
	return unit_main(s);
}
