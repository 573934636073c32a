/* SPDX-License-Identifier: Apache-2.0 */
/* Keys in and out: every form gives the same key back, what does not belong together is refused,
 * any bytes end well. */
#define _GNU_SOURCE 1
#include "tests/unit/crypto_keys.h"

#define NONE slice_of(NULL, 0)

/* The numbers of rsa_key(). */
struct rsa_numbers {
	struct secret v[8];
	struct rsa_parts parts;
};

static void
rsa_numbers(struct rsa_numbers *r)
{
	static const enum key_part names[8] = { PART_RSA_N, PART_RSA_E, PART_RSA_D, PART_RSA_P,
		PART_RSA_Q, PART_RSA_DP, PART_RSA_DQ, PART_RSA_QINV };
	struct ckey *k = rsa_key();

	memset(r, 0, sizeof(*r));
	for (int i = 0; i < 8; i++)
		CHECK_RC(ckey_part(k, names[i], &r->v[i]), KMS_OK);
	r->parts = (struct rsa_parts){ secret_slice(&r->v[0]), secret_slice(&r->v[1]),
		secret_slice(&r->v[2]), secret_slice(&r->v[3]), secret_slice(&r->v[4]),
		secret_slice(&r->v[5]), secret_slice(&r->v[6]), secret_slice(&r->v[7]) };
	ckey_unref(k);
}

static void
rsa_numbers_free(struct rsa_numbers *r)
{
	for (int i = 0; i < 8; i++)
		secret_free(&r->v[i]);
}

/* K's PKCS#8 is WANTED. */
static void
check_pkcs8(const struct ckey *k, struct slice wanted)
{
	auto_secret s = { 0 };

	CHECK_RC(ckey_pkcs8(k, &s), KMS_OK);
	CHECK_BYTES(secret_slice(&s), wanted);
}

START_TEST(pkcs8_of_openssl_comes_back_byte_by_byte)
{
	struct ckey *k = rsa_key();
	struct key_spec spec = ckey_spec(k);

	ck_assert_int_eq(spec.type, KEY_RSA);
	ck_assert_uint_eq(spec.bits, 1024);
	ck_assert(ckey_is_private(k));
	check_pkcs8(k, hex(RSA_PKCS8));
	ckey_unref(k);
}
END_TEST

static const struct key_spec pairs[] = {
	{ .type = KEY_RSA, .bits = 2048 },
	{ .type = KEY_EC, .curve = CURVE_P256, .bits = 256 },
	{ .type = KEY_EC, .curve = CURVE_P384, .bits = 384 },
	{ .type = KEY_EC, .curve = CURVE_P521, .bits = 521 },
	{ .type = KEY_EDWARDS, .curve = CURVE_ED25519, .bits = 255 },
	{ .type = KEY_EC, .curve = CURVE_P256K, .bits = 256 },
	{ .type = KEY_SM2, .curve = CURVE_SM2, .bits = 256 },
};

START_TEST(generated_pairs_survive_both_encodings)
{
	struct ckey *k = NULL, *again = NULL, *pub = NULL, *pub2 = NULL;
	auto_secret p8 = { 0 };
	auto_buf spki = { 0 }, spki2 = { 0 };
	struct key_spec spec;

	CHECK_RC(ckey_generate(&pairs[_i], NONE, &k), KMS_OK);
	spec = ckey_spec(k);
	ck_assert_mem_eq(&spec, &pairs[_i], sizeof(spec));
	CHECK_RC(ckey_pkcs8(k, &p8), KMS_OK);
	CHECK_RC(ckey_from_pkcs8(guarded(secret_slice(&p8)), &again), KMS_OK);
	check_pkcs8(again, secret_slice(&p8));
	CHECK_RC(ckey_spki(k, &spki), KMS_OK);
	CHECK_RC(ckey_from_spki(guarded(buf_slice(&spki)), &pub), KMS_OK);
	ck_assert(!ckey_is_private(pub));
	CHECK_RC(ckey_public(k, &pub2), KMS_OK);
	CHECK_RC(ckey_spki(pub2, &spki2), KMS_OK);
	CHECK_BYTES(buf_slice(&spki2), buf_slice(&spki));
	secret_free(&p8);
	CHECK_RC(ckey_pkcs8(pub, &p8), KMS_INVALID);
	CHECK_RC(ckey_part(pub, pairs[_i].type == KEY_RSA ? PART_RSA_D : PART_EC_D, &p8),
	    KMS_NOTFOUND);
	ckey_unref(k);
	ckey_unref(again);
	ckey_unref(pub);
	ckey_unref(pub2);
}
END_TEST

START_TEST(no_flipped_bit_of_an_encoded_key_does_harm)
{
	struct ckey *k = NULL;
	auto_secret p8 = { 0 };
	auto_buf spki = { 0 };
	size_t step = pairs[_i].type == KEY_RSA ? 97 : pairs[_i].curve == CURVE_P256 ? 1 : 13;

	CHECK_RC(ckey_generate(&pairs[_i], NONE, &k), KMS_OK);
	CHECK_RC(ckey_pkcs8(k, &p8), KMS_OK);
	CHECK_RC(ckey_spki(k, &spki), KMS_OK);
	ckey_unref(k);
	for (size_t bit = 0; bit < p8.len * 8; bit += step) {
		k = NULL;
		p8.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
		/* Ed25519 seeds are any bytes; version 1 is a version too. Whatever is not refused
		 * is whole. */
		if (ckey_from_pkcs8(secret_slice(&p8), &k) == KMS_OK) {
			auto_secret out = { 0 };

			ck_assert(pairs[_i].type == KEY_EDWARDS || bit / 8 < 10);
			CHECK_RC(ckey_pkcs8(k, &out), KMS_OK);
		}
		ckey_unref(k);
		p8.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	for (size_t bit = 0; bit < spki.len * 8; bit += step) {
		k = NULL;
		spki.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
		if (ckey_from_spki(buf_slice(&spki), &k) == KMS_OK)
			ckey_unref(k);
		spki.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
}
END_TEST

START_TEST(no_truncated_or_longer_encoding_is_taken)
{
	struct ckey *k = NULL;
	auto_secret p8 = { 0 };
	auto_buf spki = { 0 };

	CHECK_RC(ckey_generate(&pairs[_i], NONE, &k), KMS_OK);
	CHECK_RC(ckey_pkcs8(k, &p8), KMS_OK);
	CHECK_RC(ckey_spki(k, &spki), KMS_OK);
	ckey_unref(k);
	k = NULL;
	for (size_t len = 0; len < p8.len; len++)
		ck_assert_int_ne(ckey_from_pkcs8(slice_of(p8.p, len), &k), KMS_OK);
	for (size_t len = 0; len < spki.len; len++)
		ck_assert_int_ne(ckey_from_spki(slice_of(spki.p, len), &k), KMS_OK);
	CHECK_RC(buf_add_byte(&spki, 0), KMS_OK);
	CHECK_RC(ckey_from_spki(buf_slice(&spki), &k), KMS_BAD_DATA);
	CHECK_RC(buf_set(&spki, secret_slice(&p8)), KMS_OK);
	CHECK_RC(buf_add_byte(&spki, 0), KMS_OK);
	CHECK_RC(ckey_from_pkcs8(buf_slice(&spki), &k), KMS_BAD_DATA);
	ck_assert_ptr_null(k);
}
END_TEST

START_TEST(lengths_and_numbers_have_one_spelling)
{
	/* RFC 8410 §10.3's form with P256_D as seed; then the same with lengths and version spelt
	 * otherwise. */
	static const char *const bad[] = {
		"30812e020100300506032b657004220420" P256_D,
		"3082002e020100300506032b657004220420" P256_D,
		"302f02020000300506032b657004220420" P256_D,
		"302e0201ff300506032b657004220420" P256_D,
		"302e020102300506032b657004220420" P256_D,
		"3080020100300506032b657004220420" P256_D "0000",
		"302f020100300506032b65700481220420" P256_D,
	};
	struct ckey *k = NULL;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		CHECK_RC(ckey_from_pkcs8(hex(bad[i]), &k), KMS_BAD_DATA);
	CHECK_RC(ckey_from_pkcs8(hex("302e020100300506032b657004220420" P256_D), &k), KMS_OK);
	ckey_unref(k);
}
END_TEST

START_TEST(keys_of_foreign_types_are_not_supported)
{
	struct ckey *k = NULL;

	/* RFC 8410 X25519, and secp224r1, as SubjectPublicKeyInfo. */
	CHECK_RC(ckey_from_spki(hex("302a300506032b656e032100" P256_D), &k), KMS_NOTSUP);
	CHECK_RC(ckey_from_spki(hex("3036301006072a8648ce3d020106052b81040021032200"
				    "02" P256_D),
		     &k),
	    KMS_NOTSUP);
}
END_TEST

/* -- RSA -- */

START_TEST(rsa_works_out_what_is_absent)
{
	struct rsa_numbers r;
	struct rsa_parts p[7];
	struct ckey *k = NULL;

	rsa_numbers(&r);
	for (size_t i = 0; i < ARRAY_LEN(p); i++)
		p[i] = r.parts;
	p[1].dp = p[1].dq = p[1].qinv = NONE;
	p[2].q = p[2].dp = p[2].dq = p[2].qinv = NONE;
	p[3].p = p[3].dp = p[3].dq = p[3].qinv = NONE;
	p[4].e = NONE;
	p[5].dq = NONE;
	p[6].qinv = NONE;
	for (size_t i = 0; i < ARRAY_LEN(p); i++) {
		CHECK_RC(ckey_from_rsa(&p[i], &k), KMS_OK);
		check_pkcs8(k, hex(RSA_PKCS8));
		ckey_unref(k);
	}
	rsa_numbers_free(&r);
}
END_TEST

START_TEST(rsa_finds_the_factors_from_n_e_and_d)
{
	struct rsa_numbers r;
	struct rsa_parts p;
	struct ckey *k = NULL, *whole = rsa_key();
	struct alg_params alg = { .alg = ALG_RSA_RAW };
	uint8_t one[128], two[128];
	struct outbuf a = { .p = one, .cap = 128 }, b = { .p = two, .cap = 128 };
	struct use *u = NULL;
	size_t need;

	rsa_numbers(&r);
	p = (struct rsa_parts){ .n = r.parts.n, .e = r.parts.e, .d = r.parts.d };
	CHECK_RC(ckey_from_rsa(&p, &k), KMS_OK);
	CHECK_RC(crypto_begin(k, USE_SIGN, &alg, &u), KMS_OK);
	CHECK_RC(use_once(u, BYTES("sample"), &a, &need), KMS_OK);
	CHECK_RC(crypto_begin(whole, USE_SIGN, &alg, &u), KMS_OK);
	CHECK_RC(use_once(u, BYTES("sample"), &b, &need), KMS_OK);
	ck_assert_mem_eq(one, two, 128);
	use_free(u);
	ckey_unref(k);
	ckey_unref(whole);
	rsa_numbers_free(&r);
}
END_TEST

START_TEST(rsa_numbers_that_do_not_belong_together_are_refused)
{
	struct rsa_numbers r;
	struct slice *slots[] = { &r.parts.n, &r.parts.e, &r.parts.d, &r.parts.p, &r.parts.q,
		&r.parts.dp, &r.parts.dq, &r.parts.qinv };
	struct ckey *k = NULL;
	struct rsa_parts p;

	rsa_numbers(&r);
	for (size_t i = 0; i < ARRAY_LEN(slots); i++) {
		uint8_t *b = (uint8_t *)(uintptr_t)slots[i]->p;
		size_t len = slots[i]->len;

		b[len - 1] ^= 2;
		CHECK_RC(ckey_from_rsa(&r.parts, &k), KMS_BAD_DATA);
		b[len - 1] ^= 2;
		if (len > 3) {
			b[len / 2] ^= 0x40;
			CHECK_RC(ckey_from_rsa(&r.parts, &k), KMS_BAD_DATA);
			b[len / 2] ^= 0x40;
		}
	}
	p = (struct rsa_parts){ .n = r.parts.n, .d = r.parts.d };
	CHECK_RC(ckey_from_rsa(&p, &k), KMS_BAD_DATA);
	p = (struct rsa_parts){ .n = r.parts.n, .e = BYTES("\x03"), .d = r.parts.d };
	CHECK_RC(ckey_from_rsa(&p, &k), KMS_BAD_DATA);
	p = (struct rsa_parts){ .d = r.parts.d, .e = r.parts.e };
	CHECK_RC(ckey_from_rsa(&p, &k), KMS_BAD_DATA);
	/* p = n, q = 1 */
	p = r.parts;
	p.p = r.parts.n;
	p.q = BYTES("\x01");
	CHECK_RC(ckey_from_rsa(&p, &k), KMS_BAD_DATA);
	ck_assert_ptr_null(k);
	rsa_numbers_free(&r);
}
END_TEST

START_TEST(rsa_public_keys_have_bounds)
{
	uint8_t n[1025], e[9] = { 1, 0, 0, 0, 0, 0, 0, 0, 1 };
	struct rsa_parts p = { .n = slice_of(n, 128), .e = BYTES("\x01\x00\x01") };
	struct ckey *k = NULL;

	memset(n, 0xff, sizeof(n));
	CHECK_RC(ckey_from_rsa(&p, &k), KMS_OK);
	ckey_unref(k);
	k = NULL;
	p.n = slice_of(n, 127);
	CHECK_RC(ckey_from_rsa(&p, &k), KMS_KEY_SIZE);
	p.n = slice_of(n, 1025);
	CHECK_RC(ckey_from_rsa(&p, &k), KMS_KEY_SIZE);
	p.n = slice_of(n, 1024);
	p.e = slice_of(e, 9);
	CHECK_RC(ckey_from_rsa(&p, &k), KMS_BAD_DATA);
	p.e = BYTES("\x01");
	CHECK_RC(ckey_from_rsa(&p, &k), KMS_BAD_DATA);
	p.e = BYTES("\x04");
	CHECK_RC(ckey_from_rsa(&p, &k), KMS_BAD_DATA);
	p.e = NONE;
	CHECK_RC(ckey_from_rsa(&p, &k), KMS_BAD_DATA);
	p.e = BYTES("\x03");
	n[1023] = 0xfe;
	CHECK_RC(ckey_from_rsa(&p, &k), KMS_BAD_DATA);
	ck_assert_ptr_null(k);
}
END_TEST

START_TEST(rsa_generates_with_the_exponent_asked_for)
{
	struct key_spec spec = { .type = KEY_RSA, .bits = 2048 };
	struct ckey *k = NULL;
	auto_secret e = { 0 };

	CHECK_RC(ckey_generate(&spec, BYTES("\x00\x01\x00\x03"), &k), KMS_OK);
	CHECK_RC(ckey_part(k, PART_RSA_E, &e), KMS_OK);
	CHECK_BYTES(secret_slice(&e), BYTES("\x01\x00\x03"));
	ckey_unref(k);
	k = NULL;
	CHECK_RC(ckey_generate(&spec, BYTES("\x03"), &k), KMS_BAD_PARAM);
	CHECK_RC(ckey_generate(&spec, BYTES("\x01\x00\x00"), &k), KMS_BAD_PARAM);
	CHECK_RC(ckey_generate(&spec, BYTES("\x01\x00\x00\x00\x00\x00\x00\x00\x01"), &k),
	    KMS_BAD_PARAM);
	spec.bits = 1016;
	CHECK_RC(ckey_generate(&spec, NONE, &k), KMS_KEY_SIZE);
	spec.bits = 4104;
	CHECK_RC(ckey_generate(&spec, NONE, &k), KMS_KEY_SIZE);
	ck_assert_ptr_null(k);
}
END_TEST

/* -- EC -- */

static const struct {
	enum curve curve;
	const char *d, *q;
} curves[] = {
	{ CURVE_P256, P256_D, P256_Q },
	{ CURVE_P384, P384_D, P384_Q },
	{ CURVE_P521, P521_D, P521_Q },
	{ CURVE_ED25519, ED25519_D, ED25519_Q },
	{ CURVE_P256K, P256K_D, P256K_Q },
	{ CURVE_SM2, SM2_D, SM2_Q },
};

START_TEST(a_scalar_gives_its_point_and_takes_no_other)
{
	enum curve c = curves[_i].curve;
	struct slice d = hex(curves[_i].d), q = hex(curves[_i].q), other;
	struct ckey *k = NULL, *gen = NULL;
	struct key_spec spec = { .type = curve_key_type(c), .curve = c };
	auto_secret s = { 0 }, t = { 0 };

	CHECK_RC(ckey_from_ec(c, d, NONE, &k), KMS_OK);
	CHECK_RC(ckey_part(k, PART_EC_POINT, &s), KMS_OK);
	CHECK_BYTES(secret_slice(&s), q);
	secret_free(&s);
	CHECK_RC(ckey_part(k, PART_EC_D, &s), KMS_OK);
	CHECK_BYTES(secret_slice(&s), d);
	ckey_unref(k);
	CHECK_RC(ckey_from_ec(c, d, q, &k), KMS_OK);
	ckey_unref(k);
	k = NULL;
	CHECK_RC(ckey_generate(&spec, NONE, &gen), KMS_OK);
	CHECK_RC(ckey_part(gen, PART_EC_POINT, &t), KMS_OK);
	other = secret_slice(&t);
	CHECK_RC(ckey_from_ec(c, d, other, &k), KMS_BAD_DATA);
	ck_assert_ptr_null(k);
	ckey_unref(gen);
}
END_TEST

START_TEST(points_off_the_curve_are_refused)
{
	enum curve c = curves[_i].curve;
	struct slice q = hex(curves[_i].q);
	uint8_t bad[160];
	struct ckey *k = NULL;
	int refused = 0;

	for (size_t i = 0; i < q.len; i++) {
		memcpy(bad, q.p, q.len);
		bad[i] ^= 1;
		if (ckey_from_ec(c, NONE, slice_of(bad, q.len), &k) == KMS_OK)
			ckey_unref(k);
		else
			refused++;
		k = NULL;
	}
	/* Of Ed25519's encodings half are points. */
	ck_assert_int_ge(refused, c == CURVE_ED25519 ? 8 : (int)q.len);
	CHECK_RC(ckey_from_ec(c, NONE, slice_of(q.p, q.len - 1), &k), KMS_BAD_DATA);
	CHECK_RC(ckey_from_ec(c, NONE, BYTES("\0"), &k), KMS_BAD_DATA);
	CHECK_RC(ckey_from_ec(c, NONE, NONE, &k), KMS_BAD_DATA);
	memcpy(bad, q.p, q.len);
	bad[0] = 6; /* hybrid */
	if (c != CURVE_ED25519)
		CHECK_RC(ckey_from_ec(c, NONE, slice_of(bad, q.len), &k), KMS_BAD_DATA);
	ck_assert_ptr_null(k);
}
END_TEST

START_TEST(compressed_points_are_kept_whole)
{
	struct slice q = hex(P256_Q);
	uint8_t c[33];
	struct ckey *k = NULL;
	auto_secret s = { 0 };

	memcpy(c, q.p, 33);
	c[0] = q.p[64] & 1 ? 3 : 2;
	CHECK_RC(ckey_from_ec(CURVE_P256, NONE, slice_of(c, 33), &k), KMS_OK);
	CHECK_RC(ckey_part(k, PART_EC_POINT, &s), KMS_OK);
	CHECK_BYTES(secret_slice(&s), q);
	ckey_unref(k);
}
END_TEST

START_TEST(scalars_out_of_range_are_refused)
{
	/* SP 800-186: the order of P-256. */
	static const char order[] =
	    "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
	static const char below[] =
	    "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632550";
	struct ckey *k = NULL;
	uint8_t zeros[32] = { 0 };

	CHECK_RC(ckey_from_ec(CURVE_P256, hex(order), NONE, &k), KMS_BAD_DATA);
	CHECK_RC(ckey_from_ec(CURVE_P256, slice_of(zeros, 32), NONE, &k), KMS_BAD_DATA);
	CHECK_RC(ckey_from_ec(CURVE_P256, hex("01" P521_D), NONE, &k), KMS_BAD_DATA);
	CHECK_RC(ckey_from_ec(CURVE_ED25519, slice_of(zeros, 31), NONE, &k), KMS_BAD_DATA);
	ck_assert_ptr_null(k);
	CHECK_RC(ckey_from_ec(CURVE_P256, hex(below), NONE, &k), KMS_OK);
	ckey_unref(k);
	/* SM2's order - 1, and - 2: the last d that can sign. */
	k = NULL;
	CHECK_RC(ckey_from_ec(CURVE_SM2,
		     hex("fffffffeffffffffffffffffffffffff7203df6b21c6052b53bbf40939d54122"), NONE,
		     &k),
	    KMS_BAD_DATA);
	ck_assert_ptr_null(k);
	CHECK_RC(ckey_from_ec(CURVE_SM2,
		     hex("fffffffeffffffffffffffffffffffff7203df6b21c6052b53bbf40939d54121"), NONE,
		     &k),
	    KMS_OK);
	ckey_unref(k);
	CHECK_RC(ckey_from_ec(CURVE_P256, hex("0000" P256_D), hex(P256_Q), &k), KMS_OK);
	ckey_unref(k);
}
END_TEST

START_TEST(ecdh_is_as_its_rfc_says)
{
	/* RFC 5903 §8.1 */
	struct ckey *k = NULL;
	auto_secret z = { 0 };

	CHECK_RC(ckey_from_ec(CURVE_P256,
		     hex("c88f01f510d9ac3f70a292daa2316de544e9aab8afe84049c62a9c57862d1433"), NONE,
		     &k),
	    KMS_OK);
	CHECK_RC(crypto_ecdh(k,
		     hex("04d12dfb5289c8d4f81208b70270398c342296970a0bccb74c736fc7554494bf63"
			 "56fbf3ca366cc23e8157854c13c58d6aac23f046ada30f8353e74f33039872ab"),
		     &z),
	    KMS_OK);
	CHECK_BYTES(secret_slice(&z),
	    hex("d6840f6b42f6edafd13116e0e12565202fef8e9ece7dce03812464d04b9442de"));
	secret_free(&z);
	CHECK_RC(crypto_ecdh(k, hex(P384_Q), &z), KMS_BAD_PARAM);
	CHECK_RC(crypto_ecdh(k, NONE, &z), KMS_BAD_PARAM);
	ck_assert_ptr_null(z.p);
	ckey_unref(k);
	k = ec_key(CURVE_ED25519);
	CHECK_RC(crypto_ecdh(k, hex(P256_Q), &z), KMS_KEY_TYPE);
	ckey_unref(k);
}
END_TEST

START_TEST(curves_go_by_their_identifiers_and_names)
{
	for (int c = CURVE_P256; c < CURVE_END; c++)
		ck_assert_int_eq(curve_from_params(curve_params((enum curve)c)), c);
	ck_assert_int_eq(curve_from_params(BYTES("\x13\x0c"
						 "edwards25519")),
	    CURVE_ED25519);
	ck_assert_int_eq(curve_from_params(BYTES("\x13\x0a"
						 "curve25519")),
	    CURVE_NONE);
	ck_assert_int_eq(curve_from_params(NONE), CURVE_NONE);
	ck_assert_uint_eq(curve_bytes(CURVE_P521), 66);
	ck_assert_uint_eq(curve_bits(CURVE_NONE), 0);
}
END_TEST

/* -- secret keys, seals, random bytes -- */

START_TEST(secret_keys_have_the_sizes_of_their_type)
{
	uint8_t bytes[64] = { 0 };
	struct ckey *k = NULL;
	struct key_spec spec = { .type = KEY_AES, .bits = 192 };

	CHECK_RC(ckey_from_secret(KEY_AES, slice_of(bytes, 17), &k), KMS_KEY_SIZE);
	CHECK_RC(ckey_from_secret(KEY_AES, NONE, &k), KMS_KEY_SIZE);
	CHECK_RC(ckey_from_secret(KEY_GENERIC, NONE, &k), KMS_KEY_SIZE);
	CHECK_RC(ckey_from_secret(KEY_RSA, slice_of(bytes, 16), &k), KMS_KEY_TYPE);
	CHECK_RC(ckey_generate(&spec, NONE, &k), KMS_OK);
	ck_assert_uint_eq(ckey_secret(k).len, 24);
	ck_assert(!slice_eq(ckey_secret(k), slice_of(bytes, 24)));
	ckey_unref(k);
	spec = (struct key_spec){ .type = KEY_GENERIC, .bits = 12 };
	CHECK_RC(ckey_generate(&spec, NONE, &k), KMS_KEY_SIZE);
	spec = (struct key_spec){ .type = KEY_AES, .bits = 512 };
	CHECK_RC(ckey_generate(&spec, NONE, &k), KMS_KEY_SIZE);
}
END_TEST

START_TEST(a_seal_opens_with_its_key_and_name_only)
{
	uint8_t key[32] = { 1 };
	struct slice k = slice_of(key, 32);
	auto_buf sealed = { 0 }, other = { 0 };
	auto_secret out = { 0 };

	CHECK_RC(crypto_seal(k, BYTES("material"), BYTES("name"), &sealed), KMS_OK);
	ck_assert_uint_eq(sealed.len, 8 + SEAL_OVERHEAD);
	CHECK_RC(crypto_seal(k, BYTES("material"), BYTES("name"), &other), KMS_OK);
	ck_assert(!slice_eq(buf_slice(&sealed), buf_slice(&other)));
	CHECK_RC(crypto_open(k, buf_slice(&sealed), BYTES("name"), &out), KMS_OK);
	CHECK_BYTES(secret_slice(&out), BYTES("material"));
	secret_free(&out);
	CHECK_RC(crypto_open(k, buf_slice(&sealed), BYTES("Name"), &out), KMS_TAMPERED);
	CHECK_RC(crypto_open(k, buf_slice(&sealed), NONE, &out), KMS_TAMPERED);
	for (size_t i = 0; i < sealed.len; i++) {
		sealed.p[i] ^= 1;
		CHECK_RC(crypto_open(k, buf_slice(&sealed), BYTES("name"), &out), KMS_TAMPERED);
		sealed.p[i] ^= 1;
		CHECK_RC(crypto_open(k, slice_of(sealed.p, i), BYTES("name"), &out), KMS_TAMPERED);
	}
	key[31] = 1;
	CHECK_RC(crypto_open(k, buf_slice(&sealed), BYTES("name"), &out), KMS_TAMPERED);
	CHECK_RC(crypto_open(slice_of(key, 16), buf_slice(&sealed), BYTES("name"), &out),
	    KMS_INVALID);
	ck_assert_ptr_null(out.p);
}
END_TEST

START_TEST(nothing_can_be_sealed_too)
{
	uint8_t key[32] = { 1 };
	auto_buf sealed = { 0 };
	auto_secret out = { 0 };

	CHECK_RC(crypto_seal(slice_of(key, 32), NONE, NONE, &sealed), KMS_OK);
	ck_assert_uint_eq(sealed.len, SEAL_OVERHEAD);
	CHECK_RC(crypto_open(slice_of(key, 32), buf_slice(&sealed), NONE, &out), KMS_OK);
	ck_assert_uint_eq(out.len, 0);
}
END_TEST

START_TEST(random_bytes_do_not_repeat)
{
	static uint8_t seen[4096][8];
	uint8_t big[1000] = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(seen); i++) {
		CHECK_RC(crypto_random(seen[i], 8), KMS_OK);
		for (size_t j = i > 200 ? i - 200 : 0; j < i; j++)
			ck_assert_mem_ne(seen[i], seen[j], 8);
	}
	CHECK_RC(crypto_random(NULL, 0), KMS_OK);
	CHECK_RC(crypto_random(big, sizeof(big)), KMS_OK);
	ck_assert_mem_ne(big + 992, "\0\0\0\0\0\0\0\0", 8);
}
END_TEST

/* What a child does after a fork, with a pipe back. */
static void
child_bytes(int fd, bool afresh)
{
	uint8_t b[32];
	struct ckey *k = NULL;
	struct key_spec spec = { .type = KEY_EC, .curve = CURVE_P256 };

	if (afresh) {
		secret_after_fork();
		crypto_after_fork();
	}
	if (crypto_random(b, sizeof(b)) != KMS_OK ||
	    (afresh && ckey_generate(&spec, NONE, &k) != KMS_OK))
		_exit(1);
	_exit(write(fd, b, sizeof(b)) == sizeof(b) ? 0 : 1);
}

START_TEST(a_forked_child_has_random_bytes_and_keys_of_its_own)
{
	uint8_t mine[32], theirs[2][32];
	int ends[2];

	CHECK_RC(crypto_random(mine, sizeof(mine)),
	    KMS_OK); /* what is left in stock would be shared */
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(pipe(ends), 0);
		if (fork() == 0)
			child_bytes(ends[1], i == 1);
		ck_assert_int_eq(read(ends[0], theirs[i], 32), 32);
		close(ends[0]);
		close(ends[1]);
	}
	CHECK_RC(crypto_random(mine, sizeof(mine)), KMS_OK);
	ck_assert_mem_ne(theirs[0], theirs[1], 32);
	ck_assert_mem_ne(theirs[0], mine, 32);
	ck_assert_mem_ne(theirs[1], mine, 32);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("crypto_key");
	TCase *c = tcase_create("crypto_key");

	tcase_set_timeout(c, 120);
	tcase_add_test(c, pkcs8_of_openssl_comes_back_byte_by_byte);
	tcase_add_loop_test(c, generated_pairs_survive_both_encodings, 0, ARRAY_LEN(pairs));
	tcase_add_loop_test(c, no_flipped_bit_of_an_encoded_key_does_harm, 0, ARRAY_LEN(pairs));
	tcase_add_loop_test(c, no_truncated_or_longer_encoding_is_taken, 0, ARRAY_LEN(pairs));
	tcase_add_test(c, lengths_and_numbers_have_one_spelling);
	tcase_add_test(c, keys_of_foreign_types_are_not_supported);
	tcase_add_test(c, rsa_works_out_what_is_absent);
	tcase_add_test(c, rsa_finds_the_factors_from_n_e_and_d);
	tcase_add_test(c, rsa_numbers_that_do_not_belong_together_are_refused);
	tcase_add_test(c, rsa_public_keys_have_bounds);
	tcase_add_test(c, rsa_generates_with_the_exponent_asked_for);
	tcase_add_loop_test(c, a_scalar_gives_its_point_and_takes_no_other, 0, ARRAY_LEN(curves));
	tcase_add_loop_test(c, points_off_the_curve_are_refused, 0, ARRAY_LEN(curves));
	tcase_add_test(c, compressed_points_are_kept_whole);
	tcase_add_test(c, scalars_out_of_range_are_refused);
	tcase_add_test(c, ecdh_is_as_its_rfc_says);
	tcase_add_test(c, curves_go_by_their_identifiers_and_names);
	tcase_add_test(c, secret_keys_have_the_sizes_of_their_type);
	tcase_add_test(c, a_seal_opens_with_its_key_and_name_only);
	tcase_add_test(c, nothing_can_be_sealed_too);
	tcase_add_test(c, random_bytes_do_not_repeat);
	tcase_add_test(c, a_forked_child_has_random_bytes_and_keys_of_its_own);
	suite_add_tcase(s, c);
	return unit_main(s);
}
