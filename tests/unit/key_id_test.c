/* SPDX-License-Identifier: Apache-2.0 */
/* The id of a key that nobody named: its public key's, on both halves. */
#define _GNU_SOURCE 1
#include "crypto/crypto.h"

#include "base/codec.h"
#include "tests/unit/unit.h"

/* The public key of RFC 8410 §10.1, and SHA-1 of its 32 bytes as sha1sum gives it. */
#define SPKI \
	"302a300506032b657003210019bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1"
#define ID "a28cc1f86e5960d3e03ae75c962c97a8d448293c"

static void
check_hex(const uint8_t *id, const char *wanted)
{
	char text[2 * KEY_ID_LEN + 1];

	ck_assert(hex_encode(slice_of(id, KEY_ID_LEN), text, sizeof(text)));
	ck_assert_str_eq(text, wanted);
}

START_TEST(a_public_keys_id_is_the_hash_of_its_bits)
{
	auto_buf der = { 0 };
	auto_ckey *k = NULL;
	uint8_t id[KEY_ID_LEN];

	CHECK_RC(hex_decode(slice_str(SPKI), &der), KMS_OK);
	CHECK_RC(ckey_from_spki(buf_slice(&der), &k), KMS_OK);
	CHECK_RC(ckey_default_id(k, id), KMS_OK);
	check_hex(id, ID);
}
END_TEST

static const struct key_spec pairs[] = {
	{ .type = KEY_RSA, .bits = 2048 },
	{ .type = KEY_EC, .curve = CURVE_P256, .bits = 256 },
	{ .type = KEY_EC, .curve = CURVE_P521, .bits = 521 },
	{ .type = KEY_EDWARDS, .curve = CURVE_ED25519, .bits = 255 },
};

START_TEST(both_halves_have_the_same_id)
{
	auto_ckey *priv = NULL;
	auto_ckey *pub = NULL;
	uint8_t a[KEY_ID_LEN], b[KEY_ID_LEN];

	CHECK_RC(ckey_generate(&pairs[_i], slice_of(NULL, 0), &priv), KMS_OK);
	CHECK_RC(ckey_public(priv, &pub), KMS_OK);
	CHECK_RC(ckey_default_id(priv, a), KMS_OK);
	CHECK_RC(ckey_default_id(pub, b), KMS_OK);
	ck_assert_mem_eq(a, b, KEY_ID_LEN);
}
END_TEST

START_TEST(a_secret_keys_id_tells_nothing_about_it)
{
	auto_ckey *k = NULL;
	uint8_t a[KEY_ID_LEN], b[KEY_ID_LEN];

	CHECK_RC(ckey_from_secret(KEY_AES, BYTES("0123456789abcdef"), &k), KMS_OK);
	CHECK_RC(ckey_default_id(k, a), KMS_OK);
	CHECK_RC(ckey_default_id(k, b), KMS_OK);
	ck_assert_mem_ne(a, b, KEY_ID_LEN);
}
END_TEST

int
main(void)
{
	Suite *s = UNIT_SUITE("key id", a_public_keys_id_is_the_hash_of_its_bits,
	    a_secret_keys_id_tells_nothing_about_it);
	TCase *each = tcase_create("pairs");

	tcase_add_loop_test(each, both_halves_have_the_same_id, 0, ARRAY_LEN(pairs));
	suite_add_tcase(s, each);
	return unit_main(s);
}
