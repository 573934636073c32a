/* SPDX-License-Identifier: Apache-2.0 */
/* The core over an HSM: keys come and go with their objects, none stays that nobody knows, and what
 * is in the HSM already is adopted. */
#define _GNU_SOURCE 1
#include "kms/local.h"

#include <sqlite3.h>

#include "tests/unit/hsm_fixture.h"

#define USER_PIN BYTES("1234")
#define OWN_SO	 BYTES("12345678")

static struct backend *b;

static void
setup_local(void)
{
	struct call c = { 0 };
	enum kms_rc rc;

	setup();
	rc = local_open(&conf, &c, &b);
	ck_assert_msg(rc == KMS_OK, "%s: %s", rc_name(rc), c.err.text);
	CHECK_RC(backend_init_token(b, NULL, BYTES("label"), OWN_SO), KMS_OK);
	CHECK_RC(backend_login(b, NULL, ROLE_SO, NONE, OWN_SO), KMS_OK);
	CHECK_RC(backend_init_pin(b, NULL, USER_PIN), KMS_OK);
	CHECK_RC(backend_login(b, NULL, ROLE_USER, NONE, USER_PIN), KMS_OK);
}

static void
teardown_local(void)
{
	backend_close(b);
	teardown();
}

static size_t
in_hsm(void)
{
	auto_hsm_found l = { 0 };

	CHECK_RC(local_hsm_list(b, NULL, &l), KMS_OK);
	return l.n;
}

static struct object
object_of(enum object_kind kind, const struct key_spec *spec, uint32_t flags)
{
	struct object o = { .kind = kind,
		.spec = *spec,
		.flags = flags | FLAG_MODIFIABLE | FLAG_COPYABLE | FLAG_DESTROYABLE };

	CHECK_RC(buf_set(&o.label, BYTES("name")), KMS_OK);
	return o;
}

static enum kms_rc
generate_pair_in(struct call *c, struct object *priv, struct object *pub)
{
	*priv = object_of(OBJECT_PRIVATE_KEY, &p256_spec, FLAG_PRIVATE | FLAG_SIGN);
	*pub = object_of(OBJECT_PUBLIC_KEY, &p256_spec, FLAG_VERIFY);
	return backend_generate(b, c, priv, pub, NONE);
}

static enum kms_rc
generate_pair(struct object *priv, struct object *pub)
{
	return generate_pair_in(NULL, priv, pub);
}

static struct object
generate_aes(uint32_t flags)
{
	struct object o = object_of(OBJECT_SECRET_KEY, &aes_spec, FLAG_PRIVATE | flags);

	CHECK_RC(backend_generate(b, NULL, &o, NULL, NONE), KMS_OK);
	return o;
}

static enum kms_rc
sign(const struct uid *id, const struct object *pub)
{
	struct backend_key *k = NULL;
	struct use *u = NULL;
	uint8_t sig[64];
	struct outbuf out = { .p = sig, .cap = sizeof(sig) };
	struct made m = { .spki = pub->body }; /* borrowed */
	struct call c = { 0 };
	enum kms_rc rc = backend_key_open(b, &c, id, &k);

	if (rc != KMS_OK)
		return rc;
	if ((rc = backend_begin(b, &c, k, USE_SIGN, &ecdsa, &u)) == KMS_OK)
		rc = use_once(u, HASH, &out, NULL);
	if (rc == KMS_OK)
		CHECK_RC(check_here(&m, &ecdsa, HASH, slice_of(sig, out.len)), KMS_OK);
	use_free(u);
	backend_key_close(b, k);
	return rc;
}

/* Runs SQL behind everybody's back. */
static void
edit(const char *sql)
{
	sqlite3 *db;

	ck_assert_int_eq(sqlite3_open(conf.store, &db), SQLITE_OK);
	sqlite3_busy_timeout(db, 5000);
	ck_assert_msg(sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK, "%s",
	    sqlite3_errmsg(db));
	ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
}

/* Another process is writing, and does not come to an end: calls of a short life fail. */
static sqlite3 *
lock_store(void)
{
	sqlite3 *db;

	ck_assert_int_eq(sqlite3_open(conf.store, &db), SQLITE_OK);
	ck_assert_int_eq(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	return db;
}

static struct call
short_call(void)
{
	return (struct call){ .deadline_ms = os_monotonic_ms() + 20 };
}

START_TEST(a_key_comes_and_goes_with_its_object)
{
	auto_object priv = { 0 }, pub = { 0 };

	CHECK_RC(generate_pair(&priv, &pub), KMS_OK);
	ck_assert_uint_eq(in_hsm(), 1);
	CHECK_RC(sign(&priv.id, &pub), KMS_OK);
	/* The public half is an object, not a key. */
	CHECK_RC(backend_destroy(b, NULL, &pub.id, 1), KMS_OK);
	ck_assert_uint_eq(in_hsm(), 1);
	CHECK_RC(sign(&priv.id, &pub), KMS_OK);
	CHECK_RC(backend_destroy(b, NULL, &priv.id, 1), KMS_OK);
	ck_assert_uint_eq(in_hsm(), 0);
	CHECK_RC(sign(&priv.id, &pub), KMS_NOTFOUND);
}
END_TEST

START_TEST(keys_are_as_sensitive_as_the_hsm_keeps_them)
{
	auto_object k = generate_aes(FLAG_ENCRYPT | FLAG_EXTRACTABLE), seen = { 0 };
	auto_secret out = { 0 };

	ck_assert_uint_eq(k.flags & (FLAG_SENSITIVE | FLAG_ALWAYS_SENSITIVE),
	    FLAG_SENSITIVE | FLAG_ALWAYS_SENSITIVE);
	CHECK_RC(backend_get(b, NULL, &k.id, &seen), KMS_OK);
	ck_assert_uint_eq(seen.flags, k.flags);
	CHECK_RC(backend_export(b, NULL, &k.id, &out), KMS_DENIED);
	ck_assert(backend_caps(b)->inside);
}
END_TEST

START_TEST(what_the_store_does_not_take_is_not_left_in_the_hsm)
{
	auto_object priv = { 0 }, pub = { 0 }, k = { 0 }, copy = { 0 };
	struct slice material = BYTES("thirty-two bytes of an AES key..");
	struct call c;
	sqlite3 *other;

	k = generate_aes(FLAG_ENCRYPT);
	copy =
	    object_of(OBJECT_SECRET_KEY, &aes_spec, FLAG_PRIVATE | FLAG_ENCRYPT | FLAG_SENSITIVE);
	other = lock_store();
	c = short_call();
	CHECK_RC(generate_pair_in(&c, &priv, &pub), KMS_BUSY);
	c = short_call();
	CHECK_RC(backend_create(b, &c, &copy, &material, 1), KMS_BUSY);
	c = short_call();
	CHECK_RC(backend_copy(b, &c, &k.id, &copy), KMS_BUSY);
	sqlite3_close(other);
	ck_assert_uint_eq(in_hsm(), 1);
	CHECK_RC(backend_copy(b, NULL, &k.id, &copy), KMS_OK);
	ck_assert_uint_eq(in_hsm(), 2);
}
END_TEST

START_TEST(what_stays_in_the_store_stays_in_the_hsm)
{
	auto_object k = generate_aes(FLAG_ENCRYPT), l = generate_aes(FLAG_ENCRYPT);
	struct uid both[2] = { k.id, l.id };
	sqlite3 *other = lock_store();
	struct call c = short_call();

	CHECK_RC(backend_destroy(b, &c, both, 2), KMS_BUSY);
	sqlite3_close(other);
	ck_assert_uint_eq(in_hsm(), 2);
	CHECK_RC(backend_destroy(b, NULL, both, 2), KMS_OK);
	ck_assert_uint_eq(in_hsm(), 0);
}
END_TEST

START_TEST(an_object_goes_though_the_hsm_is_away_and_its_key_is_shown)
{
	auto_object k = generate_aes(FLAG_ENCRYPT);
	auto_hsm_found l = { 0 };

	answer("C_DestroyObject", CKR_DEVICE_ERROR, 0);
	CHECK_RC(backend_destroy(b, NULL, &k.id, 1), KMS_OK);
	answer(NULL, CKR_OK, 0);
	CHECK_RC(local_hsm_list(b, NULL, &l), KMS_OK);
	ck_assert_uint_eq(l.n, 1);
	ck_assert_ptr_null(l.v[0].refused);
}
END_TEST

START_TEST(a_copy_outlives_its_original)
{
	auto_object k = generate_aes(FLAG_ENCRYPT), copy = { 0 };
	struct backend_key *open = NULL;

	copy =
	    object_of(OBJECT_SECRET_KEY, &aes_spec, FLAG_PRIVATE | FLAG_ENCRYPT | FLAG_SENSITIVE);
	CHECK_RC(backend_copy(b, NULL, &k.id, &copy), KMS_OK);
	CHECK_RC(backend_destroy(b, NULL, &k.id, 1), KMS_OK);
	CHECK_RC(backend_key_open(b, NULL, &copy.id, &open), KMS_OK);
	backend_key_close(b, open);
}
END_TEST

START_TEST(a_key_of_the_hsm_is_adopted_once)
{
	auto_object priv = { 0 }, pub = { 0 };
	struct object v[2];
	auto_hsm_found l = { 0 };

	CHECK_RC(generate_pair(&priv, &pub), KMS_OK);
	CHECK_RC(local_hsm_list(b, NULL, &l), KMS_OK);
	ck_assert_uint_eq(l.n, 1);
	ck_assert_ptr_nonnull(l.v[0].refused);
	v[0] = object_of(OBJECT_PRIVATE_KEY, &p256_spec, FLAG_PRIVATE | FLAG_SIGN);
	v[1] = object_of(OBJECT_PUBLIC_KEY, &p256_spec, FLAG_VERIFY);
	CHECK_RC(local_hsm_adopt(b, NULL, v, 2, &l.v[0]), KMS_DENIED);
	/* The rows are lost, the key is not. */
	hsm_found_free(&l);
	edit("DELETE FROM object");
	CHECK_RC(local_hsm_list(b, NULL, &l), KMS_OK);
	ck_assert_ptr_null(l.v[0].refused);
	CHECK_BYTES(buf_slice(&l.v[0].o.body), buf_slice(&pub.body));
	CHECK_RC(buf_set(&v[0].body, buf_slice(&l.v[0].o.body)), KMS_OK);
	CHECK_RC(buf_set(&v[1].body, buf_slice(&l.v[0].o.body)), KMS_OK);
	CHECK_RC(local_hsm_adopt(b, NULL, v, 2, &l.v[0]), KMS_OK);
	CHECK_RC(sign(&v[0].id, &v[1]), KMS_OK);
	ck_assert(!uid_is_zero(&v[0].key) && uid_eq(&v[0].key, &v[1].key));
	CHECK_RC(backend_destroy(b, NULL, &v[0].id, 1), KMS_OK);
	ck_assert_uint_eq(in_hsm(), 1);
	object_free(&v[0]);
	object_free(&v[1]);
}
END_TEST

START_TEST(keys_are_wrapped_inside_by_those_who_may)
{
	auto_object w = generate_aes(FLAG_WRAP), no = generate_aes(FLAG_ENCRYPT),
		    k = generate_aes(FLAG_ENCRYPT | FLAG_EXTRACTABLE);
	struct alg_params p = { .alg = ALG_AES_KW };
	struct backend_key *wk = NULL, *nk = NULL, *kk = NULL;
	auto_buf out = { 0 };

	CHECK_RC(backend_key_open(b, NULL, &w.id, &wk), KMS_OK);
	CHECK_RC(backend_key_open(b, NULL, &no.id, &nk), KMS_OK);
	CHECK_RC(backend_key_open(b, NULL, &k.id, &kk), KMS_OK);
	CHECK_RC(backend_wrap(b, NULL, wk, &p, kk, &out), KMS_OK);
	ck_assert_uint_eq(out.len, 40);
	CHECK_RC(backend_wrap(b, NULL, wk, &p, nk, &out), KMS_DENIED);
	CHECK_RC(backend_wrap(b, NULL, nk, &p, kk, &out), KMS_DENIED);
	backend_key_close(b, wk);
	backend_key_close(b, nk);
	backend_key_close(b, kk);
}
END_TEST

START_TEST(the_hsm_is_checked_and_its_keys_need_the_users_login)
{
	auto_hsm_found l = { 0 };
	auto_buf text = { 0 };

	CHECK_RC(local_hsm_check(b, NULL, &text), KMS_OK);
	CHECK_RC(buf_add_byte(&text, 0), KMS_OK);
	ck_assert_ptr_nonnull(strstr((const char *)text.p, "hsm of kms-pkcs11"));
	backend_logout(b);
	CHECK_RC(local_hsm_list(b, NULL, &l), KMS_LOGIN_NEEDED);
	backend_close(b);
	conf.hsm = NULL;
	CHECK_RC(local_open(&conf, NULL, &b), KMS_OK);
	CHECK_RC(local_hsm_check(b, NULL, &text), KMS_NOTSUP);
	CHECK_RC(local_hsm_list(b, NULL, &l), KMS_NOTSUP);
}
END_TEST

/* -- keys of the KMS -- */

static enum kms_rc
create_kms_key(const char *spec, const char *level, struct call *c, struct fields *res)
{
	struct fields req = { 0 };
	enum kms_rc rc;

	CHECK_RC(fields_put_text(&req, F_KeySpec, spec), KMS_OK);
	CHECK_RC(fields_put_text(&req, F_ProtectionLevel, level), KMS_OK);
	rc = backend_act(b, c, ACTION_CreateKey, &req, res);
	fields_free(&req);
	return rc;
}

START_TEST(a_kms_key_is_in_the_hsm_and_says_so)
{
	static const char *const levels[] = { "HSM", "SOFTWARE" };

	for (size_t i = 0; i < ARRAY_LEN(levels); i++) {
		struct fields res = { 0 };
		struct call c = { 0 };
		const struct field_value *v;

		CHECK_RC(create_kms_key("EC_P256", levels[i], &c, &res), KMS_OK);
		ck_assert_ptr_nonnull(v = fields_value(&res, F_KeyMetadata));
		CHECK_BYTES(fields_get(&v->u.groups.v[0], F_ProtectionLevel), BYTES("HSM"));
		ck_assert_uint_eq(in_hsm(), i + 1);
		fields_free(&res);
	}
}
END_TEST

/* ACTION_DescribeKey's level of the KMS key that O is a version of; empty: there is none. */
static void
check_level(const struct object *o, struct slice level)
{
	struct fields req = { 0 }, res = { 0 };
	char id[UID_TEXT_LEN + 1];
	struct call c = { 0 };
	enum kms_rc rc;

	uid_to_text(&o->key, id);
	CHECK_RC(fields_put_text(&req, F_KeyId, id), KMS_OK);
	rc = backend_act(b, &c, ACTION_DescribeKey, &req, &res);
	CHECK_RC(rc, level.len == 0 ? KMS_NOTFOUND : KMS_OK);
	if (rc == KMS_OK)
		CHECK_BYTES(fields_get(&fields_value(&res, F_KeyMetadata)->u.groups.v[0],
				F_ProtectionLevel),
		    level);
	fields_free(&req);
	fields_free(&res);
}

START_TEST(a_key_that_an_application_makes_is_a_kms_key_in_the_hsm)
{
	auto_object priv = { 0 }, pub = { 0 }, copy = { 0 };
	auto_object k = generate_aes(FLAG_ENCRYPT);

	CHECK_RC(generate_pair(&priv, &pub), KMS_OK);
	check_level(&k, BYTES("HSM"));
	check_level(&priv, BYTES("HSM"));
	ck_assert(uid_eq(&pub.key, &priv.key));
	copy =
	    object_of(OBJECT_SECRET_KEY, &aes_spec, FLAG_PRIVATE | FLAG_ENCRYPT | FLAG_SENSITIVE);
	CHECK_RC(backend_copy(b, NULL, &k.id, &copy), KMS_OK);
	check_level(&copy, BYTES("HSM"));
	ck_assert_uint_eq(in_hsm(), 3);
	CHECK_RC(backend_destroy(b, NULL, &k.id, 1), KMS_OK);
	check_level(&k, NONE);
	check_level(&copy, BYTES("HSM"));
	ck_assert_uint_eq(in_hsm(), 2);
}
END_TEST

static char master[UID_TEXT_LEN + 1];

static void
act_on_master(enum action a)
{
	struct fields req = { 0 }, res = { 0 };
	struct call c = { 0 };

	CHECK_RC(fields_put_text(&req, F_KeyId, master), KMS_OK);
	CHECK_RC(backend_act(b, &c, a, &req, &res), KMS_OK);
	fields_free(&req);
	fields_free(&res);
}

/* A token whose objects are under a master key, which is in the HSM too. */
static void
open_under_master(void)
{
	struct fields made = { 0 }, req = { 0 }, res = { 0 };
	struct call c = { 0 };
	struct slice s;

	CHECK_RC(create_kms_key("Aliyun_AES_256", "HSM", &c, &made), KMS_OK);
	s = fields_get(&fields_value(&made, F_KeyMetadata)->u.groups.v[0], F_KeyId);
	ck_assert_uint_eq(s.len, UID_TEXT_LEN);
	memcpy(master, s.p, s.len);
	CHECK_RC(fields_put_text(&req, F_KeyId, master), KMS_OK);
	CHECK_RC(fields_put_text(&req, F_AliasName, "alias/tde"), KMS_OK);
	CHECK_RC(backend_act(b, &c, ACTION_CreateAlias, &req, &res), KMS_OK);
	fields_free(&made);
	fields_free(&req);
	fields_free(&res);
	backend_close(b);
	conf.master_key = (char *)(uintptr_t) "alias/tde";
	CHECK_RC(local_open(&conf, NULL, &b), KMS_OK);
	CHECK_RC(backend_login(b, NULL, ROLE_USER, NONE, USER_PIN), KMS_OK);
	conf.master_key = NULL;
}

START_TEST(a_key_in_the_hsm_stops_and_starts_with_the_master_key)
{
	auto_object priv = { 0 }, pub = { 0 };

	open_under_master();
	CHECK_RC(generate_pair(&priv, &pub), KMS_OK);
	CHECK_RC(sign(&priv.id, &pub), KMS_OK);
	act_on_master(ACTION_DisableKey);
	CHECK_RC(sign(&priv.id, &pub), KMS_KEY_STATE);
	act_on_master(ACTION_EnableKey);
	CHECK_RC(sign(&priv.id, &pub), KMS_OK);
}
END_TEST

START_TEST(a_disabled_master_key_keeps_no_key_in_the_hsm)
{
	auto_object priv = { 0 }, pub = { 0 };
	auto_hsm_found l = { 0 };

	open_under_master();
	CHECK_RC(generate_pair(&priv, &pub), KMS_OK);
	act_on_master(ACTION_DisableKey);
	CHECK_RC(local_hsm_list(b, NULL, &l), KMS_OK);
	ck_assert_uint_eq(l.n, 2);
	for (size_t i = 0; i < l.n; i++)
		ck_assert_ptr_nonnull(l.v[i].refused);
	CHECK_RC(backend_destroy(b, NULL, &priv.id, 1), KMS_OK);
	ck_assert_uint_eq(in_hsm(), 1);
}
END_TEST

/* Another HSM, which has no mechanism of LACKS. */
static void
open_without(const CK_MECHANISM_TYPE lacks[2])
{
	backend_close(b);
	memcpy(fake->lacks, lacks, 2 * sizeof(*lacks));
	CHECK_RC(local_open(&conf, NULL, &b), KMS_OK);
	CHECK_RC(backend_login(b, NULL, ROLE_USER, NONE, USER_PIN), KMS_OK);
}

START_TEST(a_kms_key_of_a_kind_that_the_hsm_lacks_is_refused_with_the_reason)
{
	static const struct {
		const char *spec, *reason;
		CK_MECHANISM_TYPE lacks[2];
	} rows[] = {
		{ "EC_P256", "makes no keys", { CKM_EC_KEY_PAIR_GEN } },
		{ "HMAC_SHA_256", "makes no keys", { CKM_GENERIC_SECRET_KEY_GEN } },
		{ "Aliyun_AES_256", "makes no keys", { CKM_AES_KEY_GEN } },
		{ "Aliyun_AES_256", "AES-GCM", { CKM_AES_GCM } },
	};
	struct fields res = { 0 };
	struct call c = { 0 };

	open_without(rows[_i].lacks);
	CHECK_RC(create_kms_key(rows[_i].spec, "HSM", &c, &res), KMS_NOTSUP);
	ck_assert_int_eq(c.error, E_UnsupportedOperation);
	ck_assert_msg(strstr(c.err.text, rows[_i].reason) != NULL, "%s", c.err.text);
	ck_assert_uint_eq(in_hsm(), 0);
}
END_TEST

START_TEST(a_store_of_soft_keys_does_not_work_over_an_hsm)
{
	struct backend *soft = NULL;
	auto_object priv = { 0 }, pub = { 0 };
	struct backend_key *k = NULL;
	struct call c = { 0 };

	conf.hsm = NULL;
	CHECK_RC(local_open(&conf, NULL, &soft), KMS_OK);
	CHECK_RC(backend_login(soft, NULL, ROLE_USER, NONE, USER_PIN), KMS_OK);
	priv = object_of(OBJECT_PRIVATE_KEY, &p256_spec, FLAG_PRIVATE | FLAG_SIGN);
	pub = object_of(OBJECT_PUBLIC_KEY, &p256_spec, FLAG_VERIFY);
	CHECK_RC(backend_generate(soft, NULL, &priv, &pub, NONE), KMS_OK);
	backend_close(soft);
	CHECK_RC(backend_key_open(b, &c, &priv.id, &k), KMS_TAMPERED);
	ck_assert_ptr_nonnull(strstr(c.err.text, "soft"));
	CHECK_RC(backend_destroy(b, NULL, &priv.id, 1), KMS_OK);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("hsm_local");
	TCase *c = tcase_create("local");

	tcase_add_checked_fixture(c, setup_local, teardown_local);
	tcase_add_test(c, a_key_comes_and_goes_with_its_object);
	tcase_add_test(c, keys_are_as_sensitive_as_the_hsm_keeps_them);
	tcase_add_test(c, what_the_store_does_not_take_is_not_left_in_the_hsm);
	tcase_add_test(c, what_stays_in_the_store_stays_in_the_hsm);
	tcase_add_test(c, an_object_goes_though_the_hsm_is_away_and_its_key_is_shown);
	tcase_add_test(c, a_copy_outlives_its_original);
	tcase_add_test(c, a_key_of_the_hsm_is_adopted_once);
	tcase_add_test(c, keys_are_wrapped_inside_by_those_who_may);
	tcase_add_test(c, the_hsm_is_checked_and_its_keys_need_the_users_login);
	tcase_add_test(c, a_kms_key_is_in_the_hsm_and_says_so);
	tcase_add_test(c, a_key_that_an_application_makes_is_a_kms_key_in_the_hsm);
	tcase_add_test(c, a_key_in_the_hsm_stops_and_starts_with_the_master_key);
	tcase_add_test(c, a_disabled_master_key_keeps_no_key_in_the_hsm);
	tcase_add_loop_test(c, a_kms_key_of_a_kind_that_the_hsm_lacks_is_refused_with_the_reason, 0,
	    4);
	tcase_add_test(c, a_store_of_soft_keys_does_not_work_over_an_hsm);
	suite_add_tcase(s, c);
	return hsm_main(s);
}
