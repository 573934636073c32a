/* SPDX-License-Identifier: Apache-2.0 */
/* Signatures and RSA: known answers, fixed widths, what raw input is taken, and what is refused. */
#define _GNU_SOURCE 1
#include "tests/unit/crypto_keys.h"

#include <openssl/err.h>

/* Over "sample" with RSA_PKCS8, as openssl(1) signs. */
#define RSA_SHA256                                                         \
	"5b04cdca384af3f4d809c7542438a4efdd3d3f82797da3d4e6f114c812bbcd62" \
	"122ed94cbf325b34b23b85c47a37b5bb826a8a704b42445845d02c7df0e8cf03" \
	"7ba5347c03ab0e997480aa6aafbf4b583e16e83ad5543144033c29c1b59a54d8" \
	"3cfb674399d0a769f0954972d2f139c409e165274dd7c7e0accd6fa4b930b83e"
#define RSA_RAW_PKCS1                                                      \
	"9e93689486f0b2c54565bfef4f5f204058a01b225668e0646452f67582bc4cd5" \
	"5ddf2e9b92411ddb9a95422e0f7171b891efc7fc5e37622320194355ba081cf4" \
	"cfa39c1b0fd8bd0cc351e2dffda71131049fe7f417154b71edd710e12f1b760a" \
	"983879d43db1dc28b2f2eac2340ee4fe82004aa66990a36c9aef698013507195"

/* RFC 6979 A.2.5 to A.2.7, message "sample"; RFC 8032 §7.1 test 2, message 72. */
static const struct {
	enum curve curve;
	enum digest digest;
	const char *point, *msg, *sig;
} curves[] = {
	{ CURVE_P256, DIGEST_SHA256, P256_Q, "73616d706c65",
	    "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
	    "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8" },
	{ CURVE_P384, DIGEST_SHA384, P384_Q, "73616d706c65",
	    "94edbb92a5ecb8aad4736e56c691916b3f88140666ce9fa73d64c4ea95ad133c"
	    "81a648152e44acf96e36dd1e80fabe4699ef4aeb15f178cea1fe40db2603138f"
	    "130e740a19624526203b6351d0a3a94fa329c145786e679e7b82c71a38628ac8" },
	{ CURVE_P521, DIGEST_SHA512, P521_Q, "73616d706c65",
	    "00c328fafcbd79dd77850370c46325d987cb525569fb63c5d3bc53950e6d4c5f"
	    "174e25a1ee9017b5d450606add152b534931d7d4e8455cc91f9b15bf05ec36e3"
	    "77fa00617cce7cf5064806c467f678d3b4080d6f1cc50af26ca209417308281b"
	    "68af282623eaa63e5b5c0723d8b8c37ff0777b1a20f8ccb1dccc43997f1ee0e4"
	    "4da4a67a" },
	{ CURVE_ED25519, DIGEST_NONE, ED25519_Q, "72",
	    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
	    "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00" },
	/* Of "Satoshi Nakamoto", by RFC 6979 for secp256k1. */
	{ CURVE_P256K, DIGEST_SHA256, P256K_Q, "5361746f736869204e616b616d6f746f",
	    "934b1ea10a4b3c1757e2b0c017d0b6143ce3c9a7e6a4a49860d7a6ab210ee3d8"
	    "2442ce9d2b916064108014783e923ec36b49743e2ffa1c4496f01a512aafd9e5" },
	/* GB/T 32918.5 A.2: "message digest", signed by 1234567812345678. */
	{ CURVE_SM2, DIGEST_SM3, SM2_Q, "6d65737361676520646967657374",
	    "f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3"
	    "b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa" },
};

static struct alg_params
curve_alg(int i)
{
	return (struct alg_params){
		.alg = curves[i].curve == CURVE_ED25519 ? ALG_EDDSA
		    : curves[i].curve == CURVE_SM2	? ALG_SM2DSA
							: ALG_ECDSA,
		.digest = curves[i].digest,
	};
}

/* The signature of IN by K; its length. */
static size_t
sign(struct ckey *k, struct alg_params p, struct slice in, uint8_t sig[512])
{
	struct outbuf out = { .p = sig, .cap = 512 };
	struct use *u = NULL;
	size_t need;

	CHECK_RC(crypto_begin(k, USE_SIGN, &p, &u), KMS_OK);
	CHECK_RC(use_once(u, in, &out, &need), KMS_OK);
	ck_assert_uint_eq(use_bound(u, in.len, true), out.len);
	use_free(u);
	return out.len;
}

static enum kms_rc
verify(struct ckey *k, struct alg_params p, struct slice in, struct slice sig)
{
	struct use *u = NULL;
	enum kms_rc rc;

	CHECK_RC(crypto_begin(k, USE_VERIFY, &p, &u), KMS_OK);
	rc = use_check_once(u, in, sig);
	use_free(u);
	return rc;
}

/* The one-shot result of KIND on IN, or the error. */
static enum kms_rc
once(struct ckey *k, enum use_kind kind, struct alg_params p, struct slice in, struct outbuf *out)
{
	struct use *u = NULL;
	enum kms_rc rc;
	size_t need = 0;

	TRY(crypto_begin(k, kind, &p, &u));
	rc = use_once(u, in, out, &need);
	use_free(u);
	return rc;
}

START_TEST(signatures_of_the_rfcs_verify)
{
	struct ckey *k = NULL;

	CHECK_RC(ckey_from_ec(curves[_i].curve, slice_of(NULL, 0), hex(curves[_i].point), &k),
	    KMS_OK);
	CHECK_RC(verify(k, curve_alg(_i), hex(curves[_i].msg), hex(curves[_i].sig)), KMS_OK);
	ckey_unref(k);
}
END_TEST

START_TEST(any_flipped_bit_makes_a_signature_bad)
{
	struct ckey *k = NULL;
	struct slice good = hex(curves[_i].sig);
	uint8_t sig[132];

	CHECK_RC(ckey_from_ec(curves[_i].curve, slice_of(NULL, 0), hex(curves[_i].point), &k),
	    KMS_OK);
	for (size_t bit = 0; bit < good.len * 8; bit += 11) {
		memcpy(sig, good.p, good.len);
		sig[bit / 8] ^= (uint8_t)(1u << bit % 8);
		CHECK_RC(verify(k, curve_alg(_i), hex(curves[_i].msg), slice_of(sig, good.len)),
		    KMS_BAD_SIGNATURE);
	}
	ckey_unref(k);
}
END_TEST

START_TEST(signatures_have_one_width_and_no_other_is_taken)
{
	struct ckey *k = ec_key(curves[_i].curve);
	struct slice msg = hex(curves[_i].msg);
	uint8_t sig[513] = { 0 };
	size_t len = strlen(curves[_i].sig) / 2;

	for (int round = 0; round < 20; round++) {
		ck_assert_uint_eq(sign(k, curve_alg(_i), msg, sig), len);
		CHECK_RC(verify(k, curve_alg(_i), msg, slice_of(sig, len)), KMS_OK);
	}
	CHECK_RC(verify(k, curve_alg(_i), msg, slice_of(sig, len - 1)), KMS_SIGNATURE_LEN);
	CHECK_RC(verify(k, curve_alg(_i), msg, slice_of(sig, len + 1)), KMS_SIGNATURE_LEN);
	CHECK_RC(verify(k, curve_alg(_i), msg, slice_of(NULL, 0)), KMS_SIGNATURE_LEN);
	memset(sig, 0, sizeof(sig));
	CHECK_RC(verify(k, curve_alg(_i), msg, slice_of(sig, len)), KMS_BAD_SIGNATURE);
	memset(sig, 0xff, sizeof(sig));
	CHECK_RC(verify(k, curve_alg(_i), msg, slice_of(sig, len)), KMS_BAD_SIGNATURE);
	ckey_unref(k);
}
END_TEST

START_TEST(ed25519_signs_as_its_rfc_says)
{
	struct ckey *k = ec_key(CURVE_ED25519);
	uint8_t sig[512];
	size_t len = sign(k, curve_alg(3), hex("72"), sig);

	CHECK_BYTES(slice_of(sig, len), hex(curves[3].sig));
	ckey_unref(k);
}
END_TEST

START_TEST(ed25519_signs_in_place)
{
	struct ckey *k = ec_key(CURVE_ED25519);
	uint8_t sig[512], place[512] = { 1, 2, 3 };
	size_t len = sign(k, curve_alg(3), slice_of(place, 100), sig);

	ck_assert_uint_eq(sign(k, curve_alg(3), slice_of(place, 100), place), len);
	ck_assert_mem_eq(sig, place, len);
	ckey_unref(k);
}
END_TEST

START_TEST(ecdsa_takes_hashes_of_any_length_but_none)
{
	struct ckey *k = ec_key(CURVE_P256);
	struct alg_params p = { .alg = ALG_ECDSA };
	uint8_t hash[200], sig[512];
	struct outbuf out = { .p = sig, .cap = sizeof(sig) };

	memset(hash, 0xa5, sizeof(hash));
	for (size_t len = 1; len <= sizeof(hash); len += 19) {
		ck_assert_uint_eq(sign(k, p, slice_of(hash, len), sig), 64);
		CHECK_RC(verify(k, p, slice_of(hash, len), slice_of(sig, 64)), KMS_OK);
	}
	/* Only the order's bits count. */
	ck_assert_uint_eq(sign(k, p, slice_of(hash, 32), sig), 64);
	CHECK_RC(verify(k, p, slice_of(hash, 200), slice_of(sig, 64)), KMS_OK);
	CHECK_RC(once(k, USE_SIGN, p, slice_of(hash, 0), &out), KMS_BAD_LEN);
	CHECK_RC(verify(k, p, slice_of(hash, 0), slice_of(sig, 64)), KMS_BAD_LEN);
	ckey_unref(k);
}
END_TEST

START_TEST(rsa_pkcs1_signs_as_openssl_does)
{
	struct ckey *k = rsa_key();
	uint8_t sig[512];
	size_t len = sign(k, (struct alg_params){ .alg = ALG_RSA_PKCS1, .digest = DIGEST_SHA256 },
	    BYTES("sample"), sig);

	CHECK_BYTES(slice_of(sig, len), hex(RSA_SHA256));
	len = sign(k, (struct alg_params){ .alg = ALG_RSA_PKCS1 }, BYTES("sample"), sig);
	CHECK_BYTES(slice_of(sig, len), hex(RSA_RAW_PKCS1));
	ckey_unref(k);
}
END_TEST

START_TEST(a_digest_info_signed_as_it_is_equals_the_signature_with_the_digest)
{
	struct ckey *k = rsa_key();
	uint8_t info[51], sig[512];
	struct slice head = hex("3031300d060960864801650304020105000420");

	memcpy(info, head.p, head.len);
	CHECK_RC(crypto_digest(DIGEST_SHA256, BYTES("sample"), info + head.len), KMS_OK);
	ck_assert_uint_eq(sign(k, (struct alg_params){ .alg = ALG_RSA_PKCS1 }, slice_of(info, 51),
			      sig),
	    128);
	CHECK_BYTES(slice_of(sig, 128), hex(RSA_SHA256));
	ckey_unref(k);
}
END_TEST

START_TEST(rsa_signs_no_more_than_fits_between_the_padding)
{
	struct ckey *k = rsa_key();
	struct alg_params p = { .alg = ALG_RSA_PKCS1 };
	uint8_t in[129] = { 0 }, sig[512];
	struct outbuf out = { .p = sig, .cap = sizeof(sig) };

	for (size_t len = 0; len <= 117; len += 13) {
		ck_assert_uint_eq(sign(k, p, slice_of(in, len), sig), 128);
		CHECK_RC(verify(k, p, slice_of(in, len), slice_of(sig, 128)), KMS_OK);
		CHECK_RC(verify(k, p, slice_of(in, len + (len < 117 ? 1 : 0)), slice_of(sig, 128)),
		    len < 117 ? KMS_BAD_SIGNATURE : KMS_OK);
	}
	CHECK_RC(once(k, USE_SIGN, p, slice_of(in, 118), &out), KMS_BAD_LEN);
	p.alg = ALG_RSA_RAW;
	CHECK_RC(once(k, USE_SIGN, p, slice_of(in, 129), &out), KMS_BAD_LEN);
	ckey_unref(k);
}
END_TEST

START_TEST(raw_rsa_fills_with_zeros_and_takes_numbers_below_the_modulus)
{
	struct ckey *k = rsa_key();
	struct alg_params p = { .alg = ALG_RSA_RAW };
	uint8_t whole[128] = { 0 }, sig[512], sig2[512];
	struct outbuf out = { .p = sig, .cap = sizeof(sig) };

	memcpy(whole + 122, "sample", 6);
	ck_assert_uint_eq(sign(k, p, BYTES("sample"), sig), 128);
	ck_assert_uint_eq(sign(k, p, slice_of(whole, 128), sig2), 128);
	ck_assert_mem_eq(sig, sig2, 128);
	CHECK_RC(verify(k, p, BYTES("sample"), slice_of(sig, 128)), KMS_OK);
	CHECK_RC(verify(k, p, BYTES("sampl"), slice_of(sig, 128)), KMS_BAD_SIGNATURE);
	memset(whole, 0xff, sizeof(whole));
	CHECK_RC(once(k, USE_SIGN, p, slice_of(whole, 128), &out), KMS_BAD_DATA);
	CHECK_RC(once(k, USE_ENCRYPT, p, slice_of(whole, 128), &out), KMS_BAD_DATA);
	CHECK_RC(once(k, USE_DECRYPT, p, slice_of(whole, 128), &out), KMS_BAD_DATA);
	CHECK_RC(verify(k, p, BYTES("sample"), slice_of(whole, 128)), KMS_BAD_SIGNATURE);
	ckey_unref(k);
}
END_TEST

START_TEST(pss_takes_every_salt_that_fits)
{
	struct ckey *k = rsa_key(), *pub = public_of(k);
	struct alg_params p = { .alg = ALG_RSA_PSS,
		.digest = DIGEST_SHA256,
		.u.pss = { .hash = DIGEST_SHA256, .mgf = DIGEST_SHA1 } };
	static const uint32_t salts[] = { 0, 1, 20, 32, 94 };
	struct use *u = NULL;
	uint8_t sig[512];

	for (size_t i = 0; i < ARRAY_LEN(salts); i++) {
		p.u.pss.salt_len = salts[i];
		ck_assert_uint_eq(sign(k, p, BYTES("sample"), sig), 128);
		CHECK_RC(verify(pub, p, BYTES("sample"), slice_of(sig, 128)), KMS_OK);
		CHECK_RC(verify(pub, p, BYTES("Sample"), slice_of(sig, 128)), KMS_BAD_SIGNATURE);
		p.u.pss.salt_len ^= 2;
		if (p.u.pss.salt_len <= 94)
			CHECK_RC(verify(pub, p, BYTES("sample"), slice_of(sig, 128)),
			    KMS_BAD_SIGNATURE);
	}
	p.u.pss.salt_len = 95;
	CHECK_RC(crypto_begin(k, USE_SIGN, &p, &u), KMS_BAD_PARAM);
	p.u.pss.salt_len = UINT32_MAX;
	CHECK_RC(crypto_begin(k, USE_SIGN, &p, &u), KMS_BAD_PARAM);
	p.u.pss.salt_len = 20;
	p.digest = DIGEST_SHA1;
	CHECK_RC(crypto_begin(k, USE_SIGN, &p, &u), KMS_BAD_PARAM);
	ckey_unref(k);
	ckey_unref(pub);
}
END_TEST

START_TEST(pss_without_a_digest_takes_a_hash_of_the_right_length)
{
	struct ckey *k = rsa_key();
	struct alg_params p = { .alg = ALG_RSA_PSS,
		.u.pss = { .hash = DIGEST_SHA256, .mgf = DIGEST_SHA256, .salt_len = 32 } };
	uint8_t hash[DIGEST_MAX], sig[512];
	struct outbuf out = { .p = sig, .cap = sizeof(sig) };

	CHECK_RC(crypto_digest(DIGEST_SHA256, BYTES("sample"), hash), KMS_OK);
	CHECK_RC(once(k, USE_SIGN, p, slice_of(hash, 31), &out), KMS_BAD_LEN);
	CHECK_RC(once(k, USE_SIGN, p, slice_of(hash, 33), &out), KMS_BAD_LEN);
	ck_assert_uint_eq(sign(k, p, slice_of(hash, 32), sig), 128);
	p.digest = DIGEST_SHA256;
	CHECK_RC(verify(k, p, BYTES("sample"), slice_of(sig, 128)), KMS_OK);
	ckey_unref(k);
}
END_TEST

static const struct {
	struct alg_params p;
	size_t max; /* with 128 bytes of modulus */
} crypters[] = {
	{ { .alg = ALG_RSA_PKCS1 }, 117 },
	{ { .alg = ALG_RSA_OAEP, .u.oaep = { .hash = DIGEST_SHA1, .mgf = DIGEST_SHA1 } }, 86 },
	{ { .alg = ALG_RSA_OAEP, .u.oaep = { .hash = DIGEST_SHA256, .mgf = DIGEST_SHA1 } }, 62 },
	{ { .alg = ALG_RSA_OAEP,
	      .u.oaep = { .hash = DIGEST_SHA256,
		  .mgf = DIGEST_SHA384,
		  .label = { (const uint8_t *)"label", 5 } } },
	    62 },
};

START_TEST(rsa_decrypts_what_it_encrypts_up_to_its_limit)
{
	struct ckey *k = rsa_key(), *pub = public_of(k);
	struct alg_params p = crypters[_i].p;
	uint8_t in[128], ct[128], pt[128];
	struct outbuf cto = { .p = ct, .cap = sizeof(ct) }, pto = { .p = pt, .cap = sizeof(pt) };
	size_t max = crypters[_i].max;

	memset(in, 0x5a, sizeof(in));
	for (size_t len = 0; len <= max; len += len + 7 > max && len < max ? max - len : 7) {
		CHECK_RC(once(pub, USE_ENCRYPT, p, slice_of(in, len), &cto), KMS_OK);
		ck_assert_uint_eq(cto.len, 128);
		CHECK_RC(once(k, USE_DECRYPT, p, slice_of(ct, 128), &pto), KMS_OK);
		CHECK_BYTES(slice_of(pt, pto.len), slice_of(in, len));
	}
	CHECK_RC(once(pub, USE_ENCRYPT, p, slice_of(in, max + 1), &cto), KMS_BAD_LEN);
	CHECK_RC(once(k, USE_DECRYPT, p, slice_of(ct, 127), &pto), KMS_BAD_LEN);
	ckey_unref(k);
	ckey_unref(pub);
}
END_TEST

START_TEST(rsa_tells_nothing_but_that_it_did_not_decrypt)
{
	struct ckey *k = rsa_key();
	struct alg_params p = crypters[_i].p;
	uint8_t ct[128], pt[128];
	struct outbuf cto = { .p = ct, .cap = sizeof(ct) }, pto = { .p = pt, .cap = sizeof(pt) };

	CHECK_RC(once(k, USE_ENCRYPT, p, BYTES("sample"), &cto), KMS_OK);
	ct[127] ^= 1;
	CHECK_RC(once(k, USE_DECRYPT, p, slice_of(ct, 128), &pto), KMS_BAD_DATA);
	memset(ct, 0, sizeof(ct));
	CHECK_RC(once(k, USE_DECRYPT, p, slice_of(ct, 128), &pto), KMS_BAD_DATA);
	memset(ct, 0xff, sizeof(ct));
	CHECK_RC(once(k, USE_DECRYPT, p, slice_of(ct, 128), &pto), KMS_BAD_DATA);
	ckey_unref(k);
}
END_TEST

START_TEST(a_short_buffer_leaves_an_rsa_decryption_usable)
{
	struct ckey *k = rsa_key();
	struct alg_params p = crypters[_i].p;
	uint8_t ct[128], pt[128];
	struct outbuf cto = { .p = ct, .cap = sizeof(ct) }, pto = { .p = pt, .cap = 5 };
	struct use *u = NULL;
	size_t need = 0;

	CHECK_RC(once(k, USE_ENCRYPT, p, BYTES("sample"), &cto), KMS_OK);
	CHECK_RC(crypto_begin(k, USE_DECRYPT, &p, &u), KMS_OK);
	CHECK_RC(use_once(u, slice_of(ct, 128), &pto, &need), KMS_BUFFER_SMALL);
	ck_assert_uint_eq(need, 6);
	pto.cap = need;
	CHECK_RC(use_once(u, slice_of(ct, 128), &pto, &need), KMS_OK);
	CHECK_BYTES(slice_of(pt, pto.len), BYTES("sample"));
	use_free(u);
	ckey_unref(k);
}
END_TEST

START_TEST(another_label_does_not_open_oaep)
{
	struct ckey *k = rsa_key();
	struct alg_params p = crypters[3].p;
	uint8_t ct[128], pt[128];
	struct outbuf cto = { .p = ct, .cap = sizeof(ct) }, pto = { .p = pt, .cap = sizeof(pt) };
	struct use *u = NULL;
	size_t need;

	CHECK_RC(once(k, USE_ENCRYPT, p, BYTES("sample"), &cto), KMS_OK);
	p.u.oaep.label = BYTES("Label");
	CHECK_RC(crypto_begin(k, USE_DECRYPT, &p, &u), KMS_OK);
	CHECK_RC(use_once(u, slice_of(ct, 128), &pto, &need), KMS_BAD_DATA);
	/* The same use with the right label, then with none. */
	p.u.oaep.label = BYTES("label");
	CHECK_RC(use_restart(u, &p), KMS_OK);
	CHECK_RC(use_once(u, slice_of(ct, 128), &pto, &need), KMS_OK);
	p.u.oaep.label = slice_of(NULL, 0);
	CHECK_RC(use_restart(u, &p), KMS_OK);
	CHECK_RC(use_once(u, slice_of(ct, 128), &pto, &need), KMS_BAD_DATA);
	use_free(u);
	ckey_unref(k);
}
END_TEST

START_TEST(failures_leave_the_hosts_error_queue_as_it_was)
{
	struct ckey *k = rsa_key();
	uint8_t ct[128] = { 1 }, pt[128];
	struct outbuf out = { .p = pt, .cap = sizeof(pt) };
	unsigned long mine = ERR_PACK(ERR_LIB_USER, 0, 77);

	ERR_clear_error();
	ERR_put_error(ERR_LIB_USER, 0, 77, "host", 1);
	CHECK_RC(once(k, USE_DECRYPT, crypters[1].p, slice_of(ct, 128), &out), KMS_BAD_DATA);
	CHECK_RC(verify(k, (struct alg_params){ .alg = ALG_RSA_PKCS1, .digest = DIGEST_SHA1 },
		     BYTES("x"), slice_of(ct, 128)),
	    KMS_BAD_SIGNATURE);
	CHECK_RC(ckey_from_ec(CURVE_P256, slice_of(NULL, 0), hex(P256_Q "00"), &k), KMS_BAD_DATA);
	CHECK_RC(ckey_from_ec(CURVE_P256, slice_of(NULL, 0), hex("02" P384_D), &k), KMS_BAD_DATA);
	ck_assert_uint_eq(ERR_get_error(), mine);
	ck_assert_uint_eq(ERR_peek_error(), 0);
	ckey_unref(k);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("crypto_sign");
	TCase *c = tcase_create("crypto_sign");

	tcase_add_loop_test(c, signatures_of_the_rfcs_verify, 0, ARRAY_LEN(curves));
	tcase_add_loop_test(c, any_flipped_bit_makes_a_signature_bad, 0, ARRAY_LEN(curves));
	tcase_add_loop_test(c, signatures_have_one_width_and_no_other_is_taken, 0,
	    ARRAY_LEN(curves));
	tcase_add_test(c, ed25519_signs_as_its_rfc_says);
	tcase_add_test(c, ed25519_signs_in_place);
	tcase_add_test(c, ecdsa_takes_hashes_of_any_length_but_none);
	tcase_add_test(c, rsa_pkcs1_signs_as_openssl_does);
	tcase_add_test(c, a_digest_info_signed_as_it_is_equals_the_signature_with_the_digest);
	tcase_add_test(c, rsa_signs_no_more_than_fits_between_the_padding);
	tcase_add_test(c, raw_rsa_fills_with_zeros_and_takes_numbers_below_the_modulus);
	tcase_add_test(c, pss_takes_every_salt_that_fits);
	tcase_add_test(c, pss_without_a_digest_takes_a_hash_of_the_right_length);
	tcase_add_loop_test(c, rsa_decrypts_what_it_encrypts_up_to_its_limit, 0,
	    ARRAY_LEN(crypters));
	tcase_add_loop_test(c, rsa_tells_nothing_but_that_it_did_not_decrypt, 0,
	    ARRAY_LEN(crypters));
	tcase_add_loop_test(c, a_short_buffer_leaves_an_rsa_decryption_usable, 0,
	    ARRAY_LEN(crypters));
	tcase_add_test(c, another_label_does_not_open_oaep);
	tcase_add_test(c, failures_leave_the_hosts_error_queue_as_it_was);
	suite_add_tcase(s, c);
	return unit_main(s);
}
