/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of api/use.h, over a table of every algorithm and kind of use: parts, lengths, short
 * buffers, restarts. */
#define _GNU_SOURCE 1
#include "tests/unit/crypto_uses.h"

/* kind is USE_ENCRYPT for what also decrypts, USE_SIGN for what also verifies. */
static const struct subject {
	const char *name;
	enum use_kind kind;
	struct alg_params p;
	enum key_type key;
	enum curve curve;
	size_t len;  /* of an input that suits */
	bool random; /* no two outputs are alike */
	bool parts;
} subjects[] = {
	{ "SHA-1", USE_DIGEST, { .alg = ALG_DIGEST, .digest = DIGEST_SHA1 }, KEY_NONE, 0, 150,
	    false, true },
	{ "SHA-512", USE_DIGEST, { .alg = ALG_DIGEST, .digest = DIGEST_SHA512 }, KEY_NONE, 0, 150,
	    false, true },
	{ "ECB", USE_ENCRYPT, { .alg = ALG_AES_ECB }, KEY_AES, 0, 96, false, true },
	{ "CBC", USE_ENCRYPT, { .alg = ALG_AES_CBC, CIPHER(16) }, KEY_AES, 0, 96, false, true },
	{ "CBC_PAD 95", USE_ENCRYPT, { .alg = ALG_AES_CBC_PAD, CIPHER(16) }, KEY_AES, 0, 95, false,
	    true },
	{ "CBC_PAD 96", USE_ENCRYPT, { .alg = ALG_AES_CBC_PAD, CIPHER(16) }, KEY_AES, 0, 96, false,
	    true },
	{ "CBC_PAD 1", USE_ENCRYPT, { .alg = ALG_AES_CBC_PAD, CIPHER(16) }, KEY_AES, 0, 1, false,
	    true },
	{ "CBC_PAD 9000", USE_ENCRYPT, { .alg = ALG_AES_CBC_PAD, CIPHER(16) }, KEY_AES, 0, 9000,
	    false, true },
	{ "CTR", USE_ENCRYPT, { .alg = ALG_AES_CTR, CIPHER(16) }, KEY_AES, 0, 99, false, true },
	{ "GCM", USE_ENCRYPT, { .alg = ALG_AES_GCM, GCM(16) }, KEY_AES, 0, 99, false, true },
	{ "GCM tag 4", USE_ENCRYPT, { .alg = ALG_AES_GCM, GCM(4) }, KEY_AES, 0, 5, false, true },
	{ "KW", USE_ENCRYPT, { .alg = ALG_AES_KW, CIPHER(8) }, KEY_AES, 0, 40, false, false },
	{ "KWP", USE_ENCRYPT, { .alg = ALG_AES_KWP, CIPHER(4) }, KEY_AES, 0, 37, false, false },
	{ "CMAC", USE_SIGN, { .alg = ALG_AES_CMAC, MAC(16) }, KEY_AES, 0, 75, false, true },
	{ "HMAC", USE_SIGN, { .alg = ALG_HMAC, .digest = DIGEST_SHA256, MAC(32) }, KEY_GENERIC, 0,
	    75, false, true },
	{ "HMAC cut", USE_SIGN, { .alg = ALG_HMAC, .digest = DIGEST_SHA512, MAC(1) }, KEY_GENERIC,
	    0, 75, false, true },
	{ "RSA PKCS1 raw", USE_SIGN, { .alg = ALG_RSA_PKCS1 }, KEY_RSA, 0, 30, false, false },
	{ "RSA PKCS1", USE_SIGN, { .alg = ALG_RSA_PKCS1, .digest = DIGEST_SHA384 }, KEY_RSA, 0, 60,
	    false, true },
	{ "RSA", USE_SIGN, { .alg = ALG_RSA_RAW }, KEY_RSA, 0, 100, false, false },
	{ "PSS raw", USE_SIGN, { .alg = ALG_RSA_PSS, PSS }, KEY_RSA, 0, 32, true, false },
	{ "PSS", USE_SIGN, { .alg = ALG_RSA_PSS, .digest = DIGEST_SHA256, PSS }, KEY_RSA, 0, 60,
	    true, true },
	{ "ECDSA raw", USE_SIGN, { .alg = ALG_ECDSA }, KEY_EC, CURVE_P256, 32, true, false },
	{ "ECDSA", USE_SIGN, { .alg = ALG_ECDSA, .digest = DIGEST_SHA256 }, KEY_EC, CURVE_P521, 60,
	    true, true },
	{ "Ed25519", USE_SIGN, { .alg = ALG_EDDSA }, KEY_EDWARDS, CURVE_ED25519, 60, false, true },
	{ "RSA PKCS1 encrypting", USE_ENCRYPT, { .alg = ALG_RSA_PKCS1 }, KEY_RSA, 0, 40, true,
	    false },
	{ "RSA OAEP", USE_ENCRYPT, { .alg = ALG_RSA_OAEP, OAEP }, KEY_RSA, 0, 40, true, false },
	{ "SM3", USE_DIGEST, { .alg = ALG_DIGEST, .digest = DIGEST_SM3 }, KEY_NONE, 0, 150, false,
	    true },
	{ "HMAC-SM3", USE_SIGN, { .alg = ALG_HMAC, .digest = DIGEST_SM3, MAC(32) }, KEY_GENERIC, 0,
	    75, false, true },
	{ "ECDSA P-256K", USE_SIGN, { .alg = ALG_ECDSA, .digest = DIGEST_SHA256 }, KEY_EC,
	    CURVE_P256K, 60, true, true },
	{ "SM2DSA raw", USE_SIGN, { .alg = ALG_SM2DSA }, KEY_SM2, CURVE_SM2, 32, true, false },
	{ "SM2DSA", USE_SIGN, { .alg = ALG_SM2DSA, .digest = DIGEST_SM3 }, KEY_SM2, CURVE_SM2, 60,
	    true, true },
	{ "SM2PKE", USE_ENCRYPT, { .alg = ALG_SM2PKE }, KEY_SM2, CURVE_SM2, 200, true, false },
	{ "SM4-ECB", USE_ENCRYPT, { .alg = ALG_SM4_ECB }, KEY_SM4, 0, 96, false, true },
	{ "SM4-CBC", USE_ENCRYPT, { .alg = ALG_SM4_CBC, CIPHER(16) }, KEY_SM4, 0, 96, false, true },
	{ "SM4-CBC_PAD", USE_ENCRYPT, { .alg = ALG_SM4_CBC_PAD, CIPHER(16) }, KEY_SM4, 0, 95, false,
	    true },
	{ "SM4-CTR", USE_ENCRYPT, { .alg = ALG_SM4_CTR, CIPHER(16) }, KEY_SM4, 0, 99, false, true },
	{ "SM4 seal", USE_ENCRYPT, { .alg = ALG_SM4_SEAL, SEAL }, KEY_SM4, 0, 99, false, false },
	{ "RSA encrypting", USE_ENCRYPT, { .alg = ALG_RSA_RAW }, KEY_RSA, 0, 128, false, false },
};

static struct ckey *
key_of(const struct subject *s)
{
	switch (s->key) {
	case KEY_RSA: return rsa_key();
	case KEY_EC:
	case KEY_EDWARDS:
	case KEY_SM2: return ec_key(s->curve);
	case KEY_AES: return secret_key(KEY_AES, 32);
	case KEY_SM4: return secret_key(KEY_SM4, 16);
	case KEY_GENERIC: return secret_key(KEY_GENERIC, 40);
	case KEY_NONE:
	case KEY_TYPE_END: break;
	}
	return NULL;
}

/* One direction of a subject: how it is used, what goes in, what comes out (empty: not known). */
struct direction {
	enum use_kind kind;
	struct slice in, out;
};

/* The whole input in one call, into a buffer that just fits, behind it a dead page. */
static size_t
once(const struct subject *s, struct ckey *k, enum use_kind kind, struct slice in,
    uint8_t room[ROOM])
{
	struct outbuf out = { .p = room, .cap = ROOM };
	struct use *u = NULL;
	size_t need;

	CHECK_RC(crypto_begin(k, kind, &s->p, &u), KMS_OK);
	CHECK_RC(use_once(u, in, &out, &need), KMS_OK);
	use_free(u);
	return out.len;
}

/* The directions that give output: forth, and back where there is a way back. */
static size_t
directions(const struct subject *s, struct ckey *k, struct direction d[2])
{
	static uint8_t forth[ROOM], back[ROOM];
	size_t len = once(s, k, s->kind, slice_of(message, s->len), forth);

	d[0] = (struct direction){ s->kind, slice_of(message, s->len),
		s->random ? slice_of(NULL, 0) : slice_of(forth, len) };
	if (s->kind != USE_ENCRYPT)
		return 1;
	d[1] = (struct direction){ USE_DECRYPT, slice_of(forth, len), slice_of(message, s->len) };
	ck_assert_uint_eq(once(s, k, USE_DECRYPT, d[1].in, back), s->len);
	return 2;
}

static void
check_out(const struct subject *s, const struct direction *d, struct slice got)
{
	if (d->out.len == 0)
		return;
	ck_assert_msg(slice_eq(got, d->out), "%s, %s: other bytes", s->name,
	    d->kind == USE_DECRYPT ? "back" : "forth");
}

/* Feeds D's input as [0, a) and [a, b) and the rest, with no more room than each call asks for. */
static void
in_three_parts(const struct subject *s, struct use *u, const struct direction *d, size_t a,
    size_t b, bool in_place)
{
	static uint8_t room[ROOM], place[ROOM];
	const size_t cuts[] = { 0, a, b, d->in.len };
	size_t at = 0, need = 0;

	for (int i = 0; i < 4; i++) {
		bool final = i == 3;
		struct slice in =
		    final ? slice_of(NULL, 0) : slice_of(d->in.p + cuts[i], cuts[i + 1] - cuts[i]);
		struct outbuf none = { .p = room + at, .cap = 0 }, out = none;
		enum kms_rc rc;

		if (in_place && !final && in.len > 0) {
			memcpy(place, in.p, in.len);
			in = slice_of(place, in.len);
		}
		rc = final ? use_final(u, &none, &need) : use_update(u, in, &none, &need);
		if (rc == KMS_BUFFER_SMALL) {
			ck_assert_uint_eq(none.len, 0);
			ck_assert_uint_le(need, use_bound(u, in.len, final));
			out.cap = need;
			if (in_place && !final)
				out.p = place;
			rc = final ? use_final(u, &out, &need) : use_update(u, in, &out, &need);
		}
		ck_assert_msg(rc == KMS_OK, "%s: %s at part %d", s->name, rc_name(rc), i);
		if (out.p == place)
			memcpy(room + at, place, out.len);
		at += out.len;
	}
	check_out(s, d, slice_of(room, at));
}

START_TEST(every_split_gives_what_the_whole_gives)
{
	const struct subject *s = &subjects[_i];
	struct ckey *k = key_of(s);
	struct direction d[2];
	size_t n = directions(s, k, d),
	       step = s->len > 1000		    ? 1471
	    : s->key == KEY_RSA || s->key == KEY_EC ? 17
						    : 5;

	for (size_t i = 0; i < n && s->parts; i++) {
		struct use *u = NULL;

		for (size_t a = 0; a <= d[i].in.len; a += step)
			for (size_t b = a; b <= d[i].in.len; b += step + 2) {
				CHECK_RC(crypto_begin(k, d[i].kind, &s->p, &u), KMS_OK);
				in_three_parts(s, u, &d[i], a, b, false);
				CHECK_RC(use_restart(u, &s->p), KMS_OK);
				in_three_parts(s, u, &d[i], a, b, true);
			}
		use_free(u);
	}
	ckey_unref(k);
}
END_TEST

START_TEST(a_short_buffer_changes_nothing_and_the_need_told_suffices)
{
	const struct subject *s = &subjects[_i];
	struct ckey *k = key_of(s);
	struct direction d[2];
	size_t n = directions(s, k, d);

	for (size_t i = 0; i < n; i++) {
		uint8_t *room = malloc(ROOM);
		struct outbuf out = { .p = room, .cap = 0 };
		struct use *u = NULL;
		size_t need = 0, bound;

		CHECK_RC(crypto_begin(k, d[i].kind, &s->p, &u), KMS_OK);
		bound = use_bound(u, d[i].in.len, true);
		CHECK_RC(use_once(u, d[i].in, &out, &need), KMS_BUFFER_SMALL);
		ck_assert_uint_eq(out.len, 0);
		ck_assert_uint_le(need, bound);
		if (d[i].kind != USE_DECRYPT)
			ck_assert_uint_eq(need, bound);
		for (size_t cap = need > 40 ? need - 40 : 0; cap < need; cap++) {
			size_t again = 0;

			out.cap = cap;
			CHECK_RC(use_once(u, d[i].in, &out, &again), KMS_BUFFER_SMALL);
			ck_assert_uint_eq(again, need);
		}
		free(room);
		/* Exactly as much as was asked for: ASan sees one byte more. */
		ck_assert_ptr_nonnull(room = malloc(need));
		out = (struct outbuf){ .p = room, .cap = need };
		CHECK_RC(use_once(u, guarded(d[i].in), &out, &need), KMS_OK);
		check_out(s, &d[i], slice_of(room, out.len));
		free(room);
		use_free(u);
	}
	ckey_unref(k);
}
END_TEST

START_TEST(a_use_serves_again_after_a_restart_and_only_then)
{
	const struct subject *s = &subjects[_i];
	struct ckey *k = key_of(s);
	struct direction d[2];
	size_t n = directions(s, k, d);
	static uint8_t room[ROOM];

	for (size_t i = 0; i < n; i++) {
		struct outbuf out = { .p = room, .cap = ROOM };
		struct use *u = NULL, *first;
		size_t need;

		CHECK_RC(crypto_begin(k, d[i].kind, &s->p, &u), KMS_OK);
		first = u;
		for (int round = 0; round < 3; round++) {
			CHECK_RC(use_once(u, d[i].in, &out, &need), KMS_OK);
			check_out(s, &d[i], slice_of(room, out.len));
			CHECK_RC(use_once(u, d[i].in, &out, &need), KMS_INVALID);
			CHECK_RC(crypto_begin(k, d[i].kind, &s->p, &u), KMS_OK);
			ck_assert_ptr_eq(u, first);
		}
		/* Half-way, too. */
		if (s->parts) {
			CHECK_RC(use_update(u, slice_of(d[i].in.p, 1), &out, &need), KMS_OK);
			CHECK_RC(use_once(u, d[i].in, &out, &need), KMS_INVALID);
			CHECK_RC(use_restart(u, &s->p), KMS_OK);
			CHECK_RC(use_once(u, d[i].in, &out, &need), KMS_OK);
			check_out(s, &d[i], slice_of(room, out.len));
			CHECK_RC(use_final(u, &out, &need), KMS_INVALID);
			CHECK_RC(use_update(u, d[i].in, &out, &need), KMS_INVALID);
		} else {
			ck_assert(!u->multipart);
			CHECK_RC(use_update(u, d[i].in, &out, &need), KMS_NOTSUP);
			CHECK_RC(use_final(u, &out, &need), KMS_NOTSUP);
		}
		use_free(u);
	}
	ckey_unref(k);
}
END_TEST

START_TEST(whole_inputs_are_done_in_place)
{
	const struct subject *s = &subjects[_i];
	struct ckey *k = key_of(s);
	struct direction d[2];
	size_t n = directions(s, k, d);
	static uint8_t room[ROOM];

	for (size_t i = 0; i < n; i++) {
		memcpy(room, d[i].in.p, d[i].in.len);
		check_out(s, &d[i],
		    slice_of(room, once(s, k, d[i].kind, slice_of(room, d[i].in.len), room)));
	}
	ckey_unref(k);
}
END_TEST

START_TEST(verifying_takes_the_signature_whole_or_in_parts_and_no_other)
{
	const struct subject *s = &subjects[_i];
	struct ckey *k;
	static uint8_t sig[ROOM];
	struct use *u = NULL;
	size_t len;

	if (s->kind != USE_SIGN)
		return;
	k = key_of(s);
	len = once(s, k, USE_SIGN, slice_of(message, s->len), sig);
	CHECK_RC(crypto_begin(k, USE_VERIFY, &s->p, &u), KMS_OK);
	CHECK_RC(use_check_once(u, guarded(slice_of(message, s->len)), guarded(slice_of(sig, len))),
	    KMS_OK);
	CHECK_RC(use_check_once(u, slice_of(message, s->len), slice_of(sig, len)), KMS_INVALID);
	for (size_t cut = 0; s->parts && cut <= s->len; cut += 13) {
		CHECK_RC(use_restart(u, &s->p), KMS_OK);
		CHECK_RC(use_update(u, slice_of(message, cut), NULL, NULL), KMS_OK);
		CHECK_RC(use_update(u, slice_of(message + cut, s->len - cut), NULL, NULL), KMS_OK);
		CHECK_RC(use_check(u, slice_of(sig, len)), KMS_OK);
	}
	CHECK_RC(use_restart(u, &s->p), KMS_OK);
	CHECK_RC(use_check_once(u, slice_of(message, s->len), slice_of(sig, len - 1)),
	    KMS_SIGNATURE_LEN);
	CHECK_RC(use_restart(u, &s->p), KMS_OK);
	CHECK_RC(use_check_once(u, slice_of(message, s->len), slice_of(sig, len + 1)),
	    KMS_SIGNATURE_LEN);
	sig[len - 1] ^= 0x10;
	CHECK_RC(use_restart(u, &s->p), KMS_OK);
	CHECK_RC(use_check_once(u, slice_of(message, s->len), slice_of(sig, len)),
	    KMS_BAD_SIGNATURE);
	use_free(u);
	ckey_unref(k);
}
END_TEST

START_TEST(keys_of_other_types_are_refused)
{
	const struct subject *s = &subjects[_i];
	struct use *u = NULL;

	for (size_t i = 0; i < ARRAY_LEN(subjects); i++) {
		struct ckey *k = key_of(&subjects[i]);

		if (subjects[i].key != s->key)
			CHECK_RC(crypto_begin(k, s->kind, &s->p, &u), KMS_KEY_TYPE);
		ck_assert_ptr_null(u);
		ckey_unref(k);
	}
}
END_TEST

START_TEST(public_keys_neither_sign_nor_decrypt)
{
	const struct subject *s = &subjects[_i];
	struct ckey *k, *pub;
	struct use *u = NULL;

	if (s->key != KEY_RSA && s->key != KEY_EC && s->key != KEY_EDWARDS)
		return;
	k = key_of(s);
	pub = public_of(k);
	CHECK_RC(crypto_begin(pub, s->kind == USE_SIGN ? USE_SIGN : USE_DECRYPT, &s->p, &u),
	    KMS_KEY_TYPE);
	CHECK_RC(crypto_begin(pub, s->kind == USE_SIGN ? USE_VERIFY : USE_ENCRYPT, &s->p, &u),
	    KMS_OK);
	use_free(u);
	ckey_unref(k);
	ckey_unref(pub);
}
END_TEST

START_TEST(kinds_that_an_algorithm_has_not_are_not_supported)
{
	const struct subject *s = &subjects[_i];
	struct ckey *k = key_of(s);
	struct use *u = NULL;

	if (s->kind != USE_DIGEST)
		CHECK_RC(crypto_begin(k, USE_DIGEST, &s->p, &u), KMS_NOTSUP);
	if (s->key == KEY_AES && s->kind == USE_ENCRYPT)
		CHECK_RC(crypto_begin(k, USE_SIGN, &s->p, &u), KMS_NOTSUP);
	ck_assert_ptr_null(u);
	ckey_unref(k);
}
END_TEST

START_TEST(a_use_of_another_key_or_algorithm_is_replaced)
{
	struct ckey *a = secret_key(KEY_AES, 32), *b = secret_key(KEY_AES, 16);
	struct alg_params ecb = { .alg = ALG_AES_ECB }, cbc = { .alg = ALG_AES_CBC, CIPHER(16) },
			  bad = { .alg = ALG_AES_CBC, CIPHER(15) };
	uint8_t one[16], two[16];
	struct outbuf out = { .p = one, .cap = 16 };
	struct use *u = NULL;
	size_t need;

	CHECK_RC(crypto_begin(a, USE_ENCRYPT, &ecb, &u), KMS_OK);
	CHECK_RC(use_once(u, slice_of(message, 16), &out, &need), KMS_OK);
	CHECK_RC(crypto_begin(b, USE_ENCRYPT, &ecb, &u), KMS_OK);
	out.p = two;
	CHECK_RC(use_once(u, slice_of(message, 16), &out, &need), KMS_OK);
	ck_assert_mem_ne(one, two, 16);
	CHECK_RC(crypto_begin(b, USE_DECRYPT, &ecb, &u), KMS_OK);
	CHECK_RC(crypto_begin(b, USE_DECRYPT, &cbc, &u), KMS_OK);
	ck_assert_int_eq(u->alg, ALG_AES_CBC);
	CHECK_RC(crypto_begin(b, USE_DECRYPT, &bad, &u), KMS_BAD_PARAM);
	ck_assert_ptr_null(u);
	ckey_unref(a);
	ckey_unref(b);
}
END_TEST

START_TEST(a_restart_may_bring_another_digest_or_length)
{
	struct ckey *k = secret_key(KEY_GENERIC, 40);
	struct alg_params p = { .alg = ALG_HMAC };
	uint8_t kept[DIGEST_MAX], fresh[DIGEST_MAX];
	struct use *u = NULL;
	size_t need;

	for (int round = 0; round < 2 * DIGEST_END; round++) {
		struct outbuf a = { .p = kept, .cap = DIGEST_MAX },
			      b = { .p = fresh, .cap = DIGEST_MAX };
		struct use *other = NULL;

		p.digest = (enum digest)(DIGEST_SHA1 + round % (DIGEST_END - 1));
		p.u.mac.len = (uint32_t)digest_len(p.digest) - (uint32_t)round / 2;
		CHECK_RC(crypto_begin(k, USE_SIGN, &p, &u), KMS_OK);
		CHECK_RC(use_once(u, slice_of(message, 50), &a, &need), KMS_OK);
		CHECK_RC(crypto_begin(k, USE_SIGN, &p, &other), KMS_OK);
		CHECK_RC(use_once(other, slice_of(message, 50), &b, &need), KMS_OK);
		CHECK_BYTES(slice_of(kept, a.len), slice_of(fresh, b.len));
		use_free(other);
	}
	p.u.mac.len = (uint32_t)digest_len(p.digest) + 1;
	CHECK_RC(use_restart(u, &p), KMS_BAD_PARAM);
	p.u.mac.len = 0;
	CHECK_RC(use_restart(u, &p), KMS_BAD_PARAM);
	p.digest = DIGEST_NONE;
	CHECK_RC(use_restart(u, &p), KMS_BAD_PARAM);
	use_free(u);
	ckey_unref(k);
}
END_TEST

START_TEST(parts_gathered_beyond_the_limit_are_refused)
{
	struct ckey *k = ec_key(CURVE_ED25519);
	struct alg_params p = { .alg = ALG_EDDSA };
	size_t big = BUF_MAX / 2 + 1;
	uint8_t *in = calloc(1, big);
	struct use *u = NULL;

	CHECK_RC(crypto_begin(k, USE_SIGN, &p, &u), KMS_OK);
	CHECK_RC(use_update(u, slice_of(in, big), NULL, NULL), KMS_OK);
	CHECK_RC(use_update(u, slice_of(in, big), NULL, NULL), KMS_LIMIT);
	CHECK_RC(use_update(u, slice_of(in, 1), NULL, NULL), KMS_INVALID);
	use_free(u);
	free(in);
	ckey_unref(k);
}
END_TEST

START_TEST(bounds_of_impossible_lengths_do_not_wrap)
{
	for (size_t i = 0; i < ARRAY_LEN(subjects); i++) {
		const struct subject *s = &subjects[i];
		struct ckey *k = key_of(s);
		struct use *u = NULL;

		CHECK_RC(crypto_begin(k, s->kind, &s->p, &u), KMS_OK);
		if (s->kind == USE_ENCRYPT && s->key == KEY_AES)
			ck_assert_uint_ge(use_bound(u, SIZE_MAX, true), SIZE_MAX - 15);
		(void)use_bound(u, SIZE_MAX, false);
		use_free(u);
		ckey_unref(k);
	}
}
END_TEST

int
main(void)
{
	const TTest *const over_all[] = {
		every_split_gives_what_the_whole_gives,
		a_short_buffer_changes_nothing_and_the_need_told_suffices,
		a_use_serves_again_after_a_restart_and_only_then,
		whole_inputs_are_done_in_place,
		verifying_takes_the_signature_whole_or_in_parts_and_no_other,
		keys_of_other_types_are_refused,
		public_keys_neither_sign_nor_decrypt,
		kinds_that_an_algorithm_has_not_are_not_supported,
	};
	const TTest *const single[] = {
		a_use_of_another_key_or_algorithm_is_replaced,
		a_restart_may_bring_another_digest_or_length,
		parts_gathered_beyond_the_limit_are_refused,
		bounds_of_impossible_lengths_do_not_wrap,
	};
	Suite *s = suite_create("crypto_use");
	TCase *c = tcase_create("crypto_use");

	tcase_add_checked_fixture(c, setup, NULL);
	tcase_set_timeout(c, 60);
	for (size_t i = 0; i < ARRAY_LEN(over_all); i++)
		tcase_add_loop_test(c, over_all[i], 0, ARRAY_LEN(subjects));
	for (size_t i = 0; i < ARRAY_LEN(single); i++)
		tcase_add_test(c, single[i]);
	suite_add_tcase(s, c);
	return unit_main(s);
}
