/* SPDX-License-Identifier: Apache-2.0 */
/* What is particular to ciphers: the parameters and lengths they take, padding, counters, and what
 * is not authentic. */
#define _GNU_SOURCE 1
#include <openssl/err.h>

#include "tests/unit/crypto_uses.h"

/* The result of one use of an AES key. */
static enum kms_rc
aes(enum use_kind kind, struct alg_params p, struct slice in, struct outbuf *out)
{
	struct ckey *k = secret_key(KEY_AES, 32);
	struct use *u = NULL;
	enum kms_rc rc = crypto_begin(k, kind, &p, &u);
	size_t need;

	if (rc == KMS_OK)
		rc = use_once(u, in, out, &need);
	use_free(u);
	ckey_unref(k);
	return rc;
}

START_TEST(parameters_out_of_range_are_refused)
{
	static const struct alg_params bad[] = {
		{ .alg = ALG_AES_CBC, CIPHER(0) },
		{ .alg = ALG_AES_CBC_PAD, CIPHER(12) },
		{ .alg = ALG_AES_CTR, .u.cipher = { IV(16), .counter_bits = 0 } },
		{ .alg = ALG_AES_CTR, .u.cipher = { IV(16), .counter_bits = 129 } },
		{ .alg = ALG_AES_CTR, .u.cipher = { IV(15), .counter_bits = 32 } },
		{ .alg = ALG_AES_GCM, .u.gcm = { .tag_len = 16 } },
		{ .alg = ALG_AES_GCM, .u.gcm = { .iv = { message, 257 }, .tag_len = 16 } },
		{ .alg = ALG_AES_GCM, GCM(0) },
		{ .alg = ALG_AES_GCM, GCM(11) },
		{ .alg = ALG_AES_GCM, GCM(17) },
		{ .alg = ALG_AES_KW, CIPHER(4) },
		{ .alg = ALG_AES_KWP, CIPHER(8) },
	};
	uint8_t room[64];
	struct outbuf out = { .p = room, .cap = sizeof(room) };

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		CHECK_RC(aes(USE_ENCRYPT, bad[i], slice_of(message, 16), &out), KMS_BAD_PARAM);
}
END_TEST

START_TEST(lengths_that_an_algorithm_cannot_have_are_refused)
{
	static const struct {
		enum use_kind kind;
		struct alg_params p;
		size_t len;
		enum kms_rc rc;
	} bad[] = {
		{ USE_ENCRYPT, { .alg = ALG_AES_ECB }, 17, KMS_BAD_LEN },
		{ USE_DECRYPT, { .alg = ALG_AES_CBC, CIPHER(16) }, 15, KMS_BAD_LEN },
		{ USE_DECRYPT, { .alg = ALG_AES_CBC_PAD, CIPHER(16) }, 0, KMS_BAD_LEN },
		{ USE_DECRYPT, { .alg = ALG_AES_CBC_PAD, CIPHER(16) }, 17, KMS_BAD_LEN },
		{ USE_DECRYPT, { .alg = ALG_AES_GCM, GCM(16) }, 15, KMS_BAD_LEN },
		{ USE_DECRYPT, { .alg = ALG_AES_GCM, GCM(16) }, 16, KMS_BAD_DATA },
		{ USE_ENCRYPT, { .alg = ALG_AES_KW }, 8, KMS_BAD_LEN },
		{ USE_ENCRYPT, { .alg = ALG_AES_KW }, 20, KMS_BAD_LEN },
		{ USE_DECRYPT, { .alg = ALG_AES_KW }, 16, KMS_BAD_LEN },
		{ USE_DECRYPT, { .alg = ALG_AES_KW }, 32, KMS_BAD_DATA },
		{ USE_ENCRYPT, { .alg = ALG_AES_KWP }, 0, KMS_BAD_LEN },
		{ USE_DECRYPT, { .alg = ALG_AES_KWP }, 8, KMS_BAD_LEN },
		{ USE_DECRYPT, { .alg = ALG_AES_KWP }, 16, KMS_BAD_DATA },
	};
	uint8_t room[64];
	struct outbuf out = { .p = room, .cap = sizeof(room) };

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		CHECK_RC(aes(bad[i].kind, bad[i].p, slice_of(message, bad[i].len), &out),
		    bad[i].rc);
}
END_TEST

START_TEST(a_rest_of_a_block_is_refused_at_the_end)
{
	struct ckey *k = secret_key(KEY_AES, 32);
	struct alg_params p = { .alg = ALG_AES_CBC, CIPHER(16) };
	uint8_t room[64];
	struct outbuf out = { .p = room, .cap = sizeof(room) };
	struct use *u = NULL;
	size_t need;

	for (int kind = USE_ENCRYPT; kind <= USE_DECRYPT; kind++) {
		CHECK_RC(crypto_begin(k, (enum use_kind)kind, &p, &u), KMS_OK);
		CHECK_RC(use_update(u, slice_of(message, 17), &out, &need), KMS_OK);
		ck_assert_uint_eq(out.len, 16);
		CHECK_RC(use_final(u, &out, &need), KMS_BAD_LEN);
		CHECK_RC(use_final(u, &out, &need), KMS_INVALID);
	}
	use_free(u);
	ckey_unref(k);
}
END_TEST

START_TEST(every_wrong_padding_is_refused_and_nothing_of_it_is_left)
{
	struct alg_params ecb = { .alg = ALG_AES_CBC, CIPHER(16) },
			  pad = { .alg = ALG_AES_CBC_PAD, CIPHER(16) };
	uint8_t block[32], ct[32], pt[32];
	struct outbuf cto = { .p = ct, .cap = 32 }, pto = { .p = pt, .cap = 32 };

	for (int last = 0; last < 256; last++) {
		bool good;

		memset(block, 7, sizeof(block));
		block[31] = (uint8_t)last;
		good = last == 1 || last == 7;
		CHECK_RC(aes(USE_ENCRYPT, ecb, slice_of(block, 32), &cto), KMS_OK);
		memset(pt, 0xee, sizeof(pt));
		for (pto.cap = 32; pto.cap >= 31; pto.cap--) {
			CHECK_RC(aes(USE_DECRYPT, pad, slice_of(ct, 32), &pto),
			    good ? KMS_OK : KMS_BAD_DATA);
			ck_assert(good || pt[20] != 7);
		}
	}
}
END_TEST

START_TEST(a_counter_never_runs_into_the_nonce)
{
	static const struct {
		const char *iv;
		uint32_t bits;
		size_t max;
	} rows[] = {
		{ "000000000000000000000000fffffffe", 32, 32 },
		{ "00000000000000000000000000000000", 1, 32 },
		{ "00000000000000000000000000000001", 1, 16 },
		{ "000000000000000000000000000000ff", 8, 16 },
		{ "0000000000000000fffffffffffffffd", 64, 48 },
		{ "a5a5a5a5a5a5a5a5a5a5a5a5fffffffd", 32, 48 },
		{ "fffffffffffffffffffffffffffffffe", 128, 32 },
	};
	struct ckey *k = secret_key(KEY_AES, 16);
	uint8_t room[64];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct alg_params p = { .alg = ALG_AES_CTR,
			.u.cipher = { .iv = hex(rows[i].iv), .counter_bits = rows[i].bits } };
		struct outbuf out = { .p = room, .cap = sizeof(room) };
		struct use *u = NULL;
		size_t need;

		CHECK_RC(crypto_begin(k, USE_ENCRYPT, &p, &u), KMS_OK);
		CHECK_RC(use_once(u, slice_of(message, rows[i].max), &out, &need), KMS_OK);
		CHECK_RC(use_restart(u, &p), KMS_OK);
		memset(room, 0xee, sizeof(room));
		CHECK_RC(use_once(u, slice_of(message, rows[i].max + 1), &out, &need), KMS_BAD_LEN);
		ck_assert_uint_eq(room[0], 0xee);
		CHECK_RC(use_restart(u, &p), KMS_OK);
		CHECK_RC(use_update(u, slice_of(message, rows[i].max - 1), &out, &need), KMS_OK);
		CHECK_RC(use_update(u, slice_of(message, 1), &out, &need), KMS_OK);
		CHECK_RC(use_update(u, slice_of(message, 1), &out, &need), KMS_BAD_LEN);
		use_free(u);
	}
	ckey_unref(k);
}
END_TEST

START_TEST(gcm_gives_nothing_of_what_is_not_authentic)
{
	struct alg_params p = { .alg = ALG_AES_GCM, GCM(16) };
	struct ckey *k = secret_key(KEY_AES, 32);
	uint8_t ct[80], pt[80];
	struct outbuf cto = { .p = ct, .cap = sizeof(ct) }, pto = { .p = pt, .cap = sizeof(pt) };
	struct use *u = NULL;
	size_t need;

	CHECK_RC(aes(USE_ENCRYPT, p, slice_of(message + 1, 64), &cto), KMS_OK);
	for (size_t bit = 0; bit < 80 * 8; bit += 7) {
		ct[bit / 8] ^= (uint8_t)(1u << bit % 8);
		memset(pt, 0xee, sizeof(pt));
		CHECK_RC(crypto_begin(k, USE_DECRYPT, &p, &u), KMS_OK);
		CHECK_RC(use_once(u, slice_of(ct, 80), &pto, &need), KMS_BAD_DATA);
		ck_assert_uint_eq(pto.len, 0);
		for (size_t i = 0; i < 64; i++)
			ck_assert(pt[i] == 0 || pt[i] == 0xee);
		CHECK_RC(use_restart(u, &p), KMS_OK);
		CHECK_RC(use_update(u, slice_of(ct, 79), &pto, &need), KMS_OK);
		ck_assert_uint_eq(pto.len, 0);
		CHECK_RC(use_update(u, slice_of(ct + 79, 1), NULL, NULL), KMS_OK);
		CHECK_RC(use_final(u, &pto, &need), KMS_BAD_DATA);
		ct[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	p.u.gcm.aad = slice_of(message, 16);
	CHECK_RC(use_restart(u, &p), KMS_OK);
	CHECK_RC(use_once(u, slice_of(ct, 80), &pto, &need), KMS_BAD_DATA);
	use_free(u);
	ckey_unref(k);
}
END_TEST

START_TEST(gcm_restarts_with_ivs_of_every_length)
{
	struct ckey *k = secret_key(KEY_AES, 24);
	uint8_t ct[80], pt[80];
	struct outbuf cto = { .p = ct, .cap = sizeof(ct) }, pto = { .p = pt, .cap = sizeof(pt) };
	struct alg_params p = { .alg = ALG_AES_GCM, GCM(12) };
	struct use *e = NULL, *d = NULL, *fresh = NULL;
	size_t need;

	for (size_t len = 1; len <= 256; len++) {
		p.u.gcm.iv = slice_of(message, len * 131 % 257);
		if (p.u.gcm.iv.len == 0)
			continue;
		CHECK_RC(crypto_begin(k, USE_ENCRYPT, &p, &e), KMS_OK);
		CHECK_RC(use_once(e, slice_of(message, 61), &cto, &need), KMS_OK);
		CHECK_RC(crypto_begin(k, USE_DECRYPT, &p, &d), KMS_OK);
		CHECK_RC(use_once(d, slice_of(ct, 73), &pto, &need), KMS_OK);
		CHECK_BYTES(slice_of(pt, pto.len), slice_of(message, 61));
		CHECK_RC(crypto_begin(k, USE_DECRYPT, &p, &fresh), KMS_OK);
		CHECK_RC(use_once(fresh, slice_of(ct, 73), &pto, &need), KMS_OK);
		use_free(fresh);
		fresh = NULL;
	}
	use_free(e);
	use_free(d);
	ckey_unref(k);
}
END_TEST

START_TEST(gcm_beyond_its_limit_is_refused_and_leaves_the_hosts_errors_alone)
{
	/* 64 GiB that are never looked at: the construction counts before it reads. */
	const size_t too_long = (size_t)1 << 36;
	struct ckey *k = secret_key(KEY_AES, 16);
	struct alg_params p = { .alg = ALG_AES_GCM, GCM(12) };
	struct outbuf out = { .p = (uint8_t[16]){ 0 }, .cap = 2 * too_long };
	struct use *u = NULL;
	size_t need;

	p.u.gcm.iv = slice_of(message, 129); /* the way of long IVs */
	ERR_raise(ERR_LIB_USER, 77);
	CHECK_RC(crypto_begin(k, USE_ENCRYPT, &p, &u), KMS_OK);
	CHECK_RC(use_once(u, slice_of(message, too_long), &out, &need), KMS_BAD_LEN);
	ck_assert_int_eq(ERR_GET_REASON(ERR_get_error()), 77);
	CHECK_RC(use_restart(u, &p), KMS_OK);
	CHECK_RC(use_update(u, slice_of(message, too_long), &out, &need), KMS_BAD_LEN);
	ck_assert_uint_eq(ERR_get_error(), 0);
	use_free(u);
	ckey_unref(k);
}
END_TEST

START_TEST(what_is_wrapped_with_an_iv_opens_with_that_alone)
{
	struct alg_params own[] = { { .alg = ALG_AES_KW, CIPHER(8) },
		{ .alg = ALG_AES_KWP, CIPHER(4) } };
	uint8_t wrapped[40], plain[40];

	for (size_t i = 0; i < ARRAY_LEN(own); i++) {
		struct outbuf out = { .p = wrapped, .cap = 40 }, back = { .p = plain, .cap = 40 };
		struct alg_params none = { .alg = own[i].alg };

		CHECK_RC(aes(USE_ENCRYPT, own[i], slice_of(message, 32), &out), KMS_OK);
		CHECK_RC(aes(USE_DECRYPT, own[i], slice_of(wrapped, 40), &back), KMS_OK);
		CHECK_BYTES(slice_of(plain, back.len), slice_of(message, 32));
		CHECK_RC(aes(USE_DECRYPT, none, slice_of(wrapped, 40), &back), KMS_BAD_DATA);
	}
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
		parameters_out_of_range_are_refused,
		lengths_that_an_algorithm_cannot_have_are_refused,
		a_rest_of_a_block_is_refused_at_the_end,
		every_wrong_padding_is_refused_and_nothing_of_it_is_left,
		a_counter_never_runs_into_the_nonce,
		gcm_gives_nothing_of_what_is_not_authentic,
		gcm_restarts_with_ivs_of_every_length,
		gcm_beyond_its_limit_is_refused_and_leaves_the_hosts_errors_alone,
		what_is_wrapped_with_an_iv_opens_with_that_alone,
	};
	Suite *s = suite_create("crypto_cipher");
	TCase *c = tcase_create("crypto_cipher");

	tcase_add_checked_fixture(c, setup, NULL);
	tcase_set_timeout(c, 60);
	for (size_t i = 0; i < ARRAY_LEN(tests); i++)
		tcase_add_test(c, tests[i]);
	suite_add_tcase(s, c);
	return unit_main(s);
}
