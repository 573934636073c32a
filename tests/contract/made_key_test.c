/* SPDX-License-Identifier: Apache-2.0 */
/* What applications make as objects is a KMS key too: seen, controlled and destroyed as one. */
#include "tests/contract/contract.h"

#include "crypto/crypto.h"

#define KEY_FLAGS (FLAG_PRIVATE | FLAG_MODIFIABLE | FLAG_COPYABLE | FLAG_DESTROYABLE)
#define USER_PIN  BYTES("1234")

static struct object
object_of(enum object_kind kind, struct key_spec spec, uint32_t flags)
{
	struct object o = { .kind = kind, .spec = spec, .flags = flags };

	CHECK_RC(buf_set(&o.label, BYTES("made")), KMS_OK);
	return o;
}

static const struct key_spec aes256 = { .type = KEY_AES, .bits = 256 };
static const struct key_spec p256 = { .type = KEY_EC, .curve = CURVE_P256, .bits = 256 };

/* A secret key as C_GenerateKey makes it. */
static struct object
made_secret(struct key_spec spec, uint32_t usage)
{
	struct object o = object_of(OBJECT_SECRET_KEY, spec, KEY_FLAGS | FLAG_LOCAL | usage);

	CHECK_RC(backend_generate(kms, NULL, &o, NULL, slice_of(NULL, 0)), KMS_OK);
	return o;
}

static struct object
made_aes(void)
{
	return made_secret(aes256, FLAG_ENCRYPT | FLAG_DECRYPT);
}

static void
made_pair(struct key_spec spec, struct object *priv, struct object *pub)
{
	*priv = object_of(OBJECT_PRIVATE_KEY, spec, KEY_FLAGS | FLAG_LOCAL | FLAG_SIGN);
	*pub = object_of(OBJECT_PUBLIC_KEY, spec, FLAG_VERIFY | FLAG_DESTROYABLE);
	CHECK_RC(backend_generate(kms, NULL, priv, pub, slice_of(NULL, 0)), KMS_OK);
}

static struct object
imported(enum object_kind kind, struct key_spec spec, uint32_t usage, struct slice material)
{
	struct object o = object_of(kind, spec, KEY_FLAGS | usage);

	CHECK_RC(backend_create(kms, NULL, &o, &material, 1), KMS_OK);
	return o;
}

static size_t
found(void)
{
	struct object_query q = { .has_label = true, .label = BYTES("made"), .private_too = true };
	auto_object_refs refs = { 0 };

	CHECK_RC(backend_find(kms, NULL, &q, &refs), KMS_OK);
	return refs.n;
}

/* The ids of keys as the KMS tells them, for about(). */
static const char *
text_of_id(const struct uid *id)
{
	static char text[2 * UID_LEN + 5];
	size_t n = 0;

	for (size_t i = 0; i < UID_LEN; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%02x",
		    i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", id->b[i]);
	return text;
}

static void
about_made(const struct object *o)
{
	about(text_of_id(&o->key));
}

static size_t
keys_listed(void)
{
	request();
	expect(ACTION_ListKeys);
	return count_of(F_Keys);
}

static void
disable(const struct object *o)
{
	about_made(o);
	expect(ACTION_DisableKey);
}

static void
enable(const struct object *o)
{
	about_made(o);
	expect(ACTION_EnableKey);
}

static void
check_told(const struct object *o, const char *spec, const char *usage, const char *origin)
{
	about_made(o);
	expect(ACTION_DescribeKey);
	check_text(F_KeyMetadata, F_KeySpec, spec);
	check_text(F_KeyMetadata, F_KeyUsage, usage);
	check_text(F_KeyMetadata, F_Origin, origin);
	check_text(F_KeyMetadata, F_KeyState, "Enabled");
	check_text(F_KeyMetadata, F_Creator, account_id());
}

/* -- made -- */

START_TEST(a_key_that_an_application_makes_is_listed_described_and_used_as_a_kms_key)
{
	auto_object o = made_aes();
	auto_buf blob = { 0 };

	ck_assert_uint_eq(keys_listed(), 1);
	ck_assert_str_eq(text_in(F_Keys, 0, F_KeyId), text_of_id(&o.key));
	check_told(&o, "Aliyun_AES_256", "ENCRYPT/DECRYPT", "Aliyun_KMS");
	about_made(&o);
	with_bytes(F_Plaintext, BYTES("hello"));
	expect(ACTION_Encrypt);
	CHECK_RC(buf_set(&blob, fields_get(&res, F_CiphertextBlob)), KMS_OK);
	ck_assert_str_eq(text_of(F_COUNT, F_KeyVersionId), text_of_id(&o.id));
	request();
	with_bytes(F_CiphertextBlob, buf_slice(&blob));
	expect(ACTION_Decrypt);
	check_text(F_COUNT, F_Plaintext, "hello");
}
END_TEST

START_TEST(a_pair_is_one_version_of_one_kms_key)
{
	auto_object priv = { 0 };
	auto_object pub = { 0 };

	made_pair(p256, &priv, &pub);
	ck_assert(uid_eq(&priv.key, &pub.key));
	ck_assert_uint_eq(keys_listed(), 1);
	check_told(&priv, "EC_P256", "SIGN/VERIFY", "Aliyun_KMS");
	about_made(&priv);
	expect(ACTION_ListKeyVersions);
	ck_assert_uint_eq(count_of(F_KeyVersions), 1);
	ck_assert_str_eq(text_in(F_KeyVersions, 0, F_KeyVersionId), text_of_id(&priv.id));
}
END_TEST

START_TEST(what_came_from_outside_is_of_origin_external_and_comes_again_only_there)
{
	auto_object o = imported(OBJECT_SECRET_KEY, (struct key_spec){ KEY_AES, CURVE_NONE, 128 },
	    FLAG_ENCRYPT, BYTES("0123456789abcdef"));

	check_told(&o, "Aliyun_AES_128", "ENCRYPT/DECRYPT", "EXTERNAL");
	about_made(&o);
	expect_error(ACTION_DeleteKeyMaterial, E_UnsupportedOperation);
	about_made(&o);
	expect_error(ACTION_CreateKeyVersion, E_UnsupportedOperation);
	ck_assert_uint_eq(found(), 1);
}
END_TEST

START_TEST(what_the_kms_has_no_spec_for_is_told_by_another_name)
{
	auto_object generic =
	    made_secret((struct key_spec){ KEY_GENERIC, CURVE_NONE, 160 }, FLAG_SIGN);
	auto_object priv = { 0 };
	auto_object pub = { 0 };

	check_told(&generic, "HMAC_160", "GENERATE/VERIFY MAC", "Aliyun_KMS");
	made_pair((struct key_spec){ KEY_RSA, CURVE_NONE, 1024 }, &priv, &pub);
	check_told(&priv, "RSA_1024", "SIGN/VERIFY", "Aliyun_KMS");
	disable(&priv);
	ck_assert_uint_eq(found(), 1);
}
END_TEST

/* The private half's PKCS#8, and its public half. */
static void
outside(struct secret *pkcs8, struct object *pub)
{
	auto_ckey *k = NULL;

	CHECK_RC(ckey_generate(&p256, slice_of(NULL, 0), &k), KMS_OK);
	CHECK_RC(ckey_pkcs8(k, pkcs8), KMS_OK);
	*pub = object_of(OBJECT_PUBLIC_KEY, p256, FLAG_VERIFY | FLAG_DESTROYABLE);
	CHECK_RC(ckey_spki(k, &pub->body), KMS_OK);
	CHECK_RC(buf_set(&pub->app_id, BYTES("id")), KMS_OK);
}

START_TEST(halves_that_come_one_after_the_other_are_one_version_in_either_order)
{
	for (int private_first = 0; private_first < 2; private_first++) {
		auto_object priv = object_of(OBJECT_PRIVATE_KEY, p256, KEY_FLAGS | FLAG_SIGN);
		auto_object pub = { 0 };
		auto_object other = { 0 };
		auto_object got = { 0 };
		auto_secret pkcs8 = { 0 };
		auto_secret unused = { 0 };
		struct slice material, none = slice_of(NULL, 0);

		outside(&unused, &other); /* the same id, and not its half */
		outside(&pkcs8, &pub);
		material = secret_slice(&pkcs8);
		CHECK_RC(buf_set(&priv.app_id, BYTES("id")), KMS_OK);
		CHECK_RC(backend_create(kms, NULL, &other, &none, 1), KMS_OK);
		if (private_first)
			CHECK_RC(backend_create(kms, NULL, &priv, &material, 1), KMS_OK);
		CHECK_RC(backend_create(kms, NULL, &pub, &none, 1), KMS_OK);
		if (!private_first)
			CHECK_RC(backend_create(kms, NULL, &priv, &material, 1), KMS_OK);
		ck_assert(!uid_is_zero(&priv.key));
		CHECK_RC(backend_get(kms, NULL, &pub.id, &got), KMS_OK);
		ck_assert(uid_eq(&got.key, &priv.key));
		object_free(&got);
		CHECK_RC(backend_get(kms, NULL, &other.id, &got), KMS_OK);
		ck_assert(uid_is_zero(&got.key));
	}
}
END_TEST

START_TEST(halves_that_come_together_are_one_version)
{
	struct object v[2] = { 0 };
	auto_secret pkcs8 = { 0 };
	struct slice material[2] = { { 0 } };

	outside(&pkcs8, &v[0]);
	v[1] = object_of(OBJECT_PRIVATE_KEY, p256, KEY_FLAGS | FLAG_SIGN);
	material[1] = secret_slice(&pkcs8);
	CHECK_RC(backend_create(kms, NULL, v, material, 2), KMS_OK);
	ck_assert(!uid_is_zero(&v[0].key));
	ck_assert(uid_eq(&v[0].key, &v[1].key));
	object_free(&v[0]);
	object_free(&v[1]);
}
END_TEST

START_TEST(a_key_that_nobody_logged_in_for_is_no_kms_key_and_works)
{
	auto_object o = object_of(OBJECT_SECRET_KEY, aes256, FLAG_ENCRYPT | FLAG_DESTROYABLE);
	struct backend_key *k;

	backend_logout(kms);
	CHECK_RC(backend_generate(kms, NULL, &o, NULL, slice_of(NULL, 0)), KMS_OK);
	ck_assert(uid_is_zero(&o.key));
	CHECK_RC(backend_key_open(kms, NULL, &o.id, &k), KMS_OK);
	backend_key_close(kms, k);
	CHECK_RC(backend_destroy(kms, NULL, &o.id, 1), KMS_OK);
	CHECK_RC(backend_login(kms, NULL, ROLE_USER, slice_of(NULL, 0), USER_PIN), KMS_OK);
	ck_assert_uint_eq(keys_listed(), 0);
}
END_TEST

/* -- controlled -- */

static enum kms_rc
try_sign(struct backend_key *k)
{
	struct alg_params p = { .alg = ALG_ECDSA };
	struct use *u = NULL;
	enum kms_rc rc = backend_begin(kms, NULL, k, USE_SIGN, &p, &u);

	use_free(u);
	return rc;
}

START_TEST(a_disabled_key_is_neither_found_nor_used_until_it_is_enabled)
{
	auto_object priv = { 0 };
	auto_object pub = { 0 };
	struct backend_key *k;

	made_pair(p256, &priv, &pub);
	CHECK_RC(backend_key_open(kms, NULL, &priv.id, &k), KMS_OK);
	CHECK_RC(try_sign(k), KMS_OK);
	disable(&priv);
	CHECK_RC(try_sign(k), KMS_KEY_STATE);
	ck_assert_uint_eq(found(), 0);
	enable(&priv);
	CHECK_RC(try_sign(k), KMS_OK);
	ck_assert_uint_eq(found(), 2);
	backend_key_close(kms, k);
}
END_TEST

START_TEST(a_disabled_key_is_given_to_nobody_and_stays_disabled_whatever_else_is_changed)
{
	auto_object o = imported(OBJECT_SECRET_KEY, aes256, FLAG_ENCRYPT | FLAG_EXTRACTABLE,
	    BYTES("0123456789abcdef0123456789abcdef"));
	auto_object copy = { 0 };
	auto_object now = { 0 };
	auto_secret material = { 0 };

	disable(&o);
	CHECK_RC(backend_export(kms, NULL, &o.id, &material), KMS_KEY_STATE);
	CHECK_RC(object_copy(&o, &copy), KMS_OK);
	CHECK_RC(backend_copy(kms, NULL, &o.id, &copy), KMS_KEY_STATE);
	CHECK_RC(backend_get(kms, NULL, &o.id, &now), KMS_OK);
	now.flags &= ~(uint32_t)FLAG_UNUSABLE;
	now.key = (struct uid){ { 0 } };
	CHECK_RC(backend_update(kms, NULL, &now, NULL), KMS_OK);
	ck_assert_uint_eq(found(), 0);
	enable(&o);
	ck_assert_uint_eq(found(), 1);
}
END_TEST

START_TEST(a_copy_is_a_kms_key_of_its_own)
{
	auto_object o = made_aes();
	auto_object copy = { 0 };

	CHECK_RC(object_copy(&o, &copy), KMS_OK);
	CHECK_RC(backend_copy(kms, NULL, &o.id, &copy), KMS_OK);
	ck_assert(!uid_eq(&o.key, &copy.key));
	ck_assert_uint_eq(keys_listed(), 2);
	disable(&o);
	ck_assert_uint_eq(found(), 1);
}
END_TEST

START_TEST(a_keys_attributes_bind_the_kms_too)
{
	auto_object o = made_secret(aes256, FLAG_ENCRYPT);
	auto_object mac =
	    made_secret((struct key_spec){ KEY_GENERIC, CURVE_NONE, 256 }, FLAG_VERIFY);
	auto_buf blob = { 0 };

	about_made(&o);
	with_bytes(F_Plaintext, BYTES("hello"));
	expect(ACTION_Encrypt);
	CHECK_RC(buf_set(&blob, fields_get(&res, F_CiphertextBlob)), KMS_OK);
	request();
	with_bytes(F_CiphertextBlob, buf_slice(&blob));
	expect_error(ACTION_Decrypt, E_UnsupportedOperation);
	about_made(&mac);
	with(F_Algorithm, "HMAC_SHA_256");
	with_bytes(F_Message, BYTES("message"));
	expect_error(ACTION_GenerateMac, E_UnsupportedOperation);
}
END_TEST

START_TEST(a_key_that_wraps_alone_neither_encrypts_nor_decrypts_what_a_caller_sees)
{
	auto_object o = made_secret(aes256, FLAG_WRAP | FLAG_UNWRAP);
	struct call wrapping = { .wraps = true };
	auto_buf blob = { 0 };

	about_made(&o);
	with_bytes(F_Plaintext, BYTES("a key"));
	expect_error(ACTION_Encrypt, E_UnsupportedOperation);
	about_made(&o);
	with_bytes(F_Plaintext, BYTES("a key"));
	CHECK_RC(backend_act(kms, &wrapping, ACTION_Encrypt, &req, &res), KMS_OK);
	CHECK_RC(buf_set(&blob, fields_get(&res, F_CiphertextBlob)), KMS_OK);
	request();
	with_bytes(F_CiphertextBlob, buf_slice(&blob));
	expect_error(ACTION_Decrypt, E_UnsupportedOperation);
	request();
	with_bytes(F_CiphertextBlob, buf_slice(&blob));
	CHECK_RC(backend_act(kms, &wrapping, ACTION_Decrypt, &req, &res), KMS_OK);
	check_text(F_COUNT, F_Plaintext, "a key");
}
END_TEST

START_TEST(a_made_key_takes_aliases_and_rotates_under_its_label)
{
	auto_object o = made_aes();

	about_made(&o);
	with(F_AliasName, "alias/db");
	expect(ACTION_CreateAlias);
	about("alias/db");
	expect(ACTION_CreateKeyVersion);
	ck_assert_uint_eq(found(), 1);
	about("alias/db");
	with_bytes(F_Plaintext, BYTES("hello"));
	expect(ACTION_Encrypt);
	ck_assert_str_ne(text_of(F_COUNT, F_KeyVersionId), text_of_id(&o.id));
}
END_TEST

START_TEST(a_made_key_is_deleted_when_its_time_has_come)
{
	auto_object priv = { 0 };
	auto_object pub = { 0 };

	made_pair(p256, &priv, &pub);
	about_made(&priv);
	with_number(F_PendingWindowInDays, 7);
	expect(ACTION_ScheduleKeyDeletion);
	ck_assert_uint_eq(found(), 0);
	about_made(&priv);
	expect(ACTION_CancelKeyDeletion);
	enable(&priv);
	ck_assert_uint_eq(found(), 2);
	about_made(&priv);
	with_number(F_PendingWindowInDays, 7);
	expect(ACTION_ScheduleKeyDeletion);
	os_fake_clock(NOW + 8 * 86400);
	ck_assert_uint_eq(keys_listed(), 0);
	CHECK_RC(backend_get(kms, NULL, &priv.id, &pub), KMS_NOTFOUND);
}
END_TEST

/* -- destroyed -- */

START_TEST(destroying_the_object_destroys_the_kms_key_and_its_aliases)
{
	auto_object o = made_aes();

	about_made(&o);
	with(F_AliasName, "alias/db");
	expect(ACTION_CreateAlias);
	CHECK_RC(backend_destroy(kms, NULL, &o.id, 1), KMS_OK);
	ck_assert_uint_eq(keys_listed(), 0);
	request();
	expect(ACTION_ListAliases);
	ck_assert_uint_eq(count_of(F_Aliases), 0);
}
END_TEST

START_TEST(a_public_half_outlives_its_private_one_as_a_key_of_its_own)
{
	auto_object priv = { 0 };
	auto_object pub = { 0 };
	auto_object left = { 0 };

	made_pair(p256, &priv, &pub);
	CHECK_RC(backend_destroy(kms, NULL, &priv.id, 1), KMS_OK);
	ck_assert_uint_eq(keys_listed(), 0);
	CHECK_RC(backend_get(kms, NULL, &pub.id, &left), KMS_OK);
	ck_assert(uid_is_zero(&left.key));
	CHECK_RC(backend_destroy(kms, NULL, &pub.id, 1), KMS_OK);
	ck_assert_uint_eq(found(), 0);
}
END_TEST

START_TEST(both_halves_go_at_once_in_either_order)
{
	for (size_t first = 0; first < 2; first++) {
		auto_object priv = { 0 };
		auto_object pub = { 0 };
		struct uid ids[2];

		made_pair(p256, &priv, &pub);
		ids[first] = priv.id;
		ids[1 - first] = pub.id;
		CHECK_RC(backend_destroy(kms, NULL, ids, 2), KMS_OK);
		ck_assert_uint_eq(found(), 0);
		ck_assert_uint_eq(keys_listed(), 0);
	}
}
END_TEST

START_TEST(past_versions_go_with_the_key_and_alone_they_go_alone)
{
	auto_object o = made_aes();
	auto_object_refs refs = { 0 };
	struct object_query q = { .has_key = true, .key = o.key, .private_too = true };
	size_t primary;

	for (int i = 0; i < 3; i++) {
		about_made(&o);
		expect(ACTION_CreateKeyVersion);
	}
	CHECK_RC(backend_destroy(kms, NULL, &o.id, 1), KMS_OK); /* the first of four by now */
	about_made(&o);
	expect(ACTION_ListKeyVersions);
	ck_assert_uint_eq(count_of(F_KeyVersions), 3);
	CHECK_RC(backend_find(kms, NULL, &q, &refs), KMS_OK);
	ck_assert_uint_eq(refs.n, 3);
	primary = refs.n - 1;
	CHECK_RC(backend_destroy(kms, NULL, &refs.v[primary].id, 1), KMS_OK);
	object_refs_free(&refs);
	CHECK_RC(backend_find(kms, NULL, &q, &refs), KMS_OK);
	ck_assert_uint_eq(refs.n, 0);
	ck_assert_uint_eq(keys_listed(), 0);
}
END_TEST

START_TEST(what_is_protected_from_deletion_or_not_enabled_is_not_destroyed)
{
	auto_object o = made_aes();

	about_made(&o);
	with_bool(F_EnableDeletionProtection, true);
	expect(ACTION_SetDeletionProtection);
	CHECK_RC(backend_destroy(kms, NULL, &o.id, 1), KMS_DENIED);
	about_made(&o);
	with_bool(F_EnableDeletionProtection, false);
	expect(ACTION_SetDeletionProtection);
	disable(&o);
	CHECK_RC(backend_destroy(kms, NULL, &o.id, 1), KMS_KEY_STATE);
	ck_assert_uint_eq(keys_listed(), 1);
	enable(&o);
	CHECK_RC(backend_destroy(kms, NULL, &o.id, 1), KMS_OK);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
		a_key_that_an_application_makes_is_listed_described_and_used_as_a_kms_key,
		a_pair_is_one_version_of_one_kms_key,
		what_came_from_outside_is_of_origin_external_and_comes_again_only_there,
		what_the_kms_has_no_spec_for_is_told_by_another_name,
		halves_that_come_one_after_the_other_are_one_version_in_either_order,
		halves_that_come_together_are_one_version,
		a_key_that_nobody_logged_in_for_is_no_kms_key_and_works,
		a_disabled_key_is_neither_found_nor_used_until_it_is_enabled,
		a_disabled_key_is_given_to_nobody_and_stays_disabled_whatever_else_is_changed,
		a_copy_is_a_kms_key_of_its_own,
		a_keys_attributes_bind_the_kms_too,
		a_key_that_wraps_alone_neither_encrypts_nor_decrypts_what_a_caller_sees,
		a_made_key_takes_aliases_and_rotates_under_its_label,
		a_made_key_is_deleted_when_its_time_has_come,
		destroying_the_object_destroys_the_kms_key_and_its_aliases,
		a_public_half_outlives_its_private_one_as_a_key_of_its_own,
		both_halves_go_at_once_in_either_order,
		past_versions_go_with_the_key_and_alone_they_go_alone,
		what_is_protected_from_deletion_or_not_enabled_is_not_destroyed,
	};
	Suite *s = suite_create("contract: made keys");
	TCase *t = tcase_create("made keys");

	tcase_add_checked_fixture(t, contract_setup, contract_teardown);
	for (size_t i = 0; i < ARRAY_LEN(tests); i++)
		tcase_add_test(t, tests[i]);
	suite_add_tcase(s, t);
	return contract_main(s);
}
