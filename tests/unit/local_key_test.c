/* SPDX-License-Identifier: Apache-2.0 */
/* The local backend: keys at work, and what a handle on one follows. */
#define _GNU_SOURCE 1
#include "kms/local.h"

#include "tests/unit/local_fixture.h"

START_TEST(generated_pair_signs_and_shares_its_public_key_and_id)
{
	struct backend *b = new_token_with_user();
	auto_object priv = { 0 }, pub = { 0 };
	struct alg_params p = { .alg = ALG_ECDSA, .digest = DIGEST_SHA256 };
	auto_ckey *verify = NULL;
	struct use *u = NULL;
	uint8_t sig[64];
	struct outbuf out = { .p = sig, .cap = sizeof(sig) };
	struct backend_key *k;
	size_t need;

	new_pair(b, FLAG_SIGN, &priv, &pub);
	CHECK_BYTES(buf_slice(&priv.body), buf_slice(&pub.body));
	ck_assert_uint_eq(priv.app_id.len, KEY_ID_LEN);
	CHECK_BYTES(buf_slice(&priv.app_id), buf_slice(&pub.app_id));
	k = open_key(b, &priv.id);
	CHECK_RC(backend_begin(b, NULL, k, USE_SIGN, &p, &u), KMS_OK);
	CHECK_RC(use_once(u, BYTES("message"), &out, &need), KMS_OK);
	use_free(u);
	u = NULL;
	CHECK_RC(ckey_from_spki(buf_slice(&pub.body), &verify), KMS_OK);
	CHECK_RC(crypto_begin(verify, USE_VERIFY, &p, &u), KMS_OK);
	CHECK_RC(use_check_once(u, BYTES("message"), slice_of(sig, out.len)), KMS_OK);
	use_free(u);
	CHECK_RC(try_open_key(b, &pub.id), KMS_KEY_TYPE);
	backend_key_close(b, k);
	backend_close(b);
}
END_TEST

START_TEST(generate_keeps_the_id_that_was_given_and_refuses_odd_pairs)
{
	struct backend *b = new_token_with_user();
	auto_object priv = object_of(OBJECT_PRIVATE_KEY, FLAG_PRIVATE, "x");
	auto_object pub = object_of(OBJECT_PUBLIC_KEY, 0, "x");

	priv.spec = pub.spec =
	    (struct key_spec){ .type = KEY_EC, .curve = CURVE_P256, .bits = 256 };
	CHECK_RC(buf_set(&priv.app_id, BYTES("mine")), KMS_OK);
	CHECK_RC(backend_generate(b, NULL, &priv, NULL, NO_BYTES), KMS_INVALID);
	CHECK_RC(backend_generate(b, NULL, &pub, &priv, NO_BYTES), KMS_INVALID);
	CHECK_RC(backend_generate(b, NULL, &priv, &pub, NO_BYTES), KMS_OK);
	CHECK_BYTES(buf_slice(&priv.app_id), BYTES("mine"));
	ck_assert_uint_eq(count_label(b, "x"), 2);
	backend_close(b);
}
END_TEST

START_TEST(gate_lets_each_use_through_by_its_flag_alone)
{
	static const struct {
		uint32_t flag;
		bool encrypt, decrypt;
	} rows[] = {
		{ FLAG_ENCRYPT, true, false },
		{ FLAG_WRAP, true, false },
		{ FLAG_DECRYPT, false, true },
		{ FLAG_UNWRAP, false, true },
		{ FLAG_SIGN | FLAG_VERIFY | FLAG_DERIVE, false, false },
	};
	struct backend *b = new_token_with_user();

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_object o = new_aes(b, FLAG_PRIVATE | rows[i].flag, "k");
		struct backend_key *k = open_key(b, &o.id);

		CHECK_RC(try_use(b, k, USE_ENCRYPT), rows[i].encrypt ? KMS_OK : KMS_DENIED);
		CHECK_RC(try_use(b, k, USE_DECRYPT), rows[i].decrypt ? KMS_OK : KMS_DENIED);
		CHECK_RC(try_use(b, k, USE_DIGEST), KMS_DENIED);
		backend_key_close(b, k);
	}
	backend_close(b);
}
END_TEST

START_TEST(derivation_needs_its_flag)
{
	struct backend *b = new_token_with_user();
	auto_object with = { 0 }, with_pub = { 0 }, without = { 0 }, without_pub = { 0 };
	auto_ckey *peer = NULL;
	auto_secret point = { 0 }, shared = { 0 };
	struct alg_params p = { .alg = ALG_ECDH };
	struct backend_key *k, *refused;

	new_pair(b, FLAG_DERIVE, &with, &with_pub);
	new_pair(b, FLAG_SIGN, &without, &without_pub);
	CHECK_RC(ckey_from_spki(buf_slice(&without_pub.body), &peer), KMS_OK);
	CHECK_RC(ckey_part(peer, PART_EC_POINT, &point), KMS_OK);
	p.u.ecdh.peer = secret_slice(&point);
	k = open_key(b, &with.id);
	refused = open_key(b, &without.id);
	CHECK_RC(backend_derive(b, NULL, k, &p, &shared), KMS_OK);
	ck_assert_uint_eq(shared.len, 32);
	secret_free(&shared);
	CHECK_RC(backend_derive(b, NULL, refused, &p, &shared), KMS_DENIED);
	backend_key_close(b, k);
	backend_key_close(b, refused);
	backend_close(b);
}
END_TEST

START_TEST(handle_rests_while_its_user_is_logged_out)
{
	struct backend *b = new_token_with_user();
	auto_object o = new_aes(b, FLAG_PRIVATE | FLAG_ENCRYPT, "k");
	auto_object open = new_aes(b, FLAG_ENCRYPT, "public");
	struct backend_key *k = open_key(b, &o.id), *free_one = open_key(b, &open.id);

	backend_logout(b);
	CHECK_RC(try_use(b, k, USE_ENCRYPT), KMS_LOGIN_NEEDED);
	CHECK_RC(try_use(b, free_one, USE_ENCRYPT), KMS_OK);
	CHECK_RC(login(b, ROLE_SO, SO_PIN), KMS_OK);
	CHECK_RC(try_use(b, k, USE_ENCRYPT), KMS_LOGIN_NEEDED);
	backend_logout(b);
	CHECK_RC(login(b, ROLE_USER, PIN), KMS_OK);
	CHECK_RC(try_use(b, k, USE_ENCRYPT), KMS_OK);
	backend_key_close(b, k);
	backend_key_close(b, free_one);
	backend_close(b);
}
END_TEST

START_TEST(refused_begin_frees_the_use_that_it_was_given)
{
	struct backend *b = new_token_with_user();
	auto_object o = new_aes(b, FLAG_PRIVATE | FLAG_ENCRYPT, "k");
	struct backend_key *k = open_key(b, &o.id);
	struct alg_params p = { .alg = ALG_AES_ECB };
	struct use *u = NULL;

	CHECK_RC(backend_begin(b, NULL, k, USE_ENCRYPT, &p, &u), KMS_OK);
	backend_logout(b);
	CHECK_RC(backend_begin(b, NULL, k, USE_ENCRYPT, &p, &u), KMS_LOGIN_NEEDED);
	ck_assert_ptr_null(u);
	backend_key_close(b, k);
	backend_close(b);
}
END_TEST

START_TEST(handle_follows_what_becomes_of_its_key_elsewhere)
{
	struct backend *b = new_token_with_user(), *other = open_local();
	auto_object o = new_aes(b, FLAG_PRIVATE | FLAG_ENCRYPT | FLAG_DECRYPT, "k");
	struct backend_key *k = open_key(b, &o.id);

	CHECK_RC(login(other, ROLE_USER, PIN), KMS_OK);
	CHECK_RC(try_use(b, k, USE_DECRYPT), KMS_OK);
	o.flags &= ~(uint32_t)FLAG_DECRYPT;
	CHECK_RC(backend_update(other, NULL, &o, NULL), KMS_OK);
	CHECK_RC(try_use(b, k, USE_DECRYPT), KMS_DENIED);
	CHECK_RC(try_use(b, k, USE_ENCRYPT), KMS_OK);
	CHECK_RC(backend_destroy(other, NULL, &o.id, 1), KMS_OK);
	CHECK_RC(try_use(b, k, USE_ENCRYPT), KMS_NOTFOUND);
	CHECK_RC(try_use(b, k, USE_ENCRYPT), KMS_NOTFOUND);
	CHECK_RC(try_open_key(b, &o.id), KMS_NOTFOUND);
	backend_key_close(b, k);
	backend_close(b);
	backend_close(other);
}
END_TEST

START_TEST(opening_a_key_twice_parses_it_once)
{
	struct backend *b = new_token_with_user();
	auto_object o = new_aes(b, FLAG_PRIVATE | FLAG_ENCRYPT, "k");
	struct backend_key *k = open_key(b, &o.id), *again = open_key(b, &o.id);

	ck_assert_ptr_eq(k, again);
	backend_key_close(b, k);
	CHECK_RC(try_use(b, again, USE_ENCRYPT), KMS_OK);
	backend_key_close(b, again);
	backend_close(b);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { generated_pair_signs_and_shares_its_public_key_and_id,
		generate_keeps_the_id_that_was_given_and_refuses_odd_pairs,
		gate_lets_each_use_through_by_its_flag_alone, derivation_needs_its_flag,
		handle_rests_while_its_user_is_logged_out,
		refused_begin_frees_the_use_that_it_was_given,
		handle_follows_what_becomes_of_its_key_elsewhere,
		opening_a_key_twice_parses_it_once };
	Suite *s = suite_create("local-key");
	TCase *t = tcase_create("local-key");

	tcase_add_checked_fixture(t, setup, teardown);
	for (size_t i = 0; i < ARRAY_LEN(tests); i++)
		tcase_add_test(t, tests[i]);
	suite_add_tcase(s, t);
	return unit_main(s);
}
