/* SPDX-License-Identifier: Apache-2.0 */
/* SM2, SM3 and SM4 beyond the answers of their standards: who signs, cipher texts, and what is
 * refused. */
#define _GNU_SOURCE 1
#include "tests/unit/crypto_keys.h"

/* GB/T 32918.5 A.2: e = SM3(Z || "message digest"), and its signature. */
#define DIGEST_TEXT "6d65737361676520646967657374"
#define E_TEXT	    "f0b43e94ba45accaace692ed534382eb17e6ab5a19ce7b31f4486fdfc0d28640"
#define SIGNATURE                                                          \
	"f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3" \
	"b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa"

/* A.3: "encryption standard", as GM/T 0009 writes it. */
#define CIPHER_TEXT                                                                \
	"307c022004ebfc718e8d1798620432268e77feb6415e2ede0e073c0f4f640ecd2e149a73" \
	"022100e858f9d81e5430a57b36daab8f950a3c64e6ee6a63094d99283aff767e124df0"   \
	"042059983c18f809e262923c53aec295d30383b54e39d609d160afcb1908d0bd8766"     \
	"041321886ca989ca9c7d58087307ca93092d651efa"

static const struct alg_params signs = { .alg = ALG_SM2DSA, .digest = DIGEST_SM3 };
static const struct alg_params signs_hash = { .alg = ALG_SM2DSA };
static const struct alg_params encrypts = { .alg = ALG_SM2PKE };

static struct ckey *sm2;

static void
setup(void)
{
	sm2 = ec_key(CURVE_SM2);
}

static void
teardown(void)
{
	ckey_unref(sm2);
	sm2 = NULL;
}

static enum kms_rc
run(struct ckey *k, enum use_kind kind, const struct alg_params *p, struct slice in,
    struct outbuf *out)
{
	struct use *u = NULL;
	enum kms_rc rc;

	TRY(crypto_begin(k, kind, p, &u));
	rc = use_once(u, in, out, NULL);
	use_free(u);
	return rc;
}

static enum kms_rc
check(const struct alg_params *p, struct slice in, struct slice sig)
{
	struct use *u = NULL;
	enum kms_rc rc;

	TRY(crypto_begin(sm2, USE_VERIFY, p, &u));
	rc = use_check_once(u, in, sig);
	use_free(u);
	return rc;
}

/* -- signatures -- */

START_TEST(the_standards_signature_is_good_by_message_and_by_hash)
{
	CHECK_RC(check(&signs, hex(DIGEST_TEXT), hex(SIGNATURE)), KMS_OK);
	CHECK_RC(check(&signs_hash, hex(E_TEXT), hex(SIGNATURE)), KMS_OK);
}
END_TEST

START_TEST(a_signature_is_good_for_its_signers_id_alone)
{
	struct alg_params named = signs, other = signs;
	uint8_t sig[64];
	struct outbuf out = { .p = sig, .cap = sizeof(sig) };

	named.u.sm2.id = BYTES("1234567812345678");
	other.u.sm2.id = BYTES("ALICE123@YAHOO.COM");
	CHECK_RC(check(&named, hex(DIGEST_TEXT), hex(SIGNATURE)), KMS_OK);
	CHECK_RC(check(&other, hex(DIGEST_TEXT), hex(SIGNATURE)), KMS_BAD_SIGNATURE);
	CHECK_RC(run(sm2, USE_SIGN, &other, BYTES("m"), &out), KMS_OK);
	CHECK_RC(check(&other, BYTES("m"), slice_of(sig, out.len)), KMS_OK);
	CHECK_RC(check(&signs, BYTES("m"), slice_of(sig, out.len)), KMS_BAD_SIGNATURE);
}
END_TEST

START_TEST(a_restart_may_name_another_signer)
{
	struct alg_params other = signs;
	struct use *u = NULL;

	other.u.sm2.id = BYTES("x");
	CHECK_RC(crypto_begin(sm2, USE_VERIFY, &signs, &u), KMS_OK);
	CHECK_RC(use_check_once(u, hex(DIGEST_TEXT), hex(SIGNATURE)), KMS_OK);
	CHECK_RC(use_restart(u, &other), KMS_OK);
	CHECK_RC(use_check_once(u, hex(DIGEST_TEXT), hex(SIGNATURE)), KMS_BAD_SIGNATURE);
	CHECK_RC(use_restart(u, &signs), KMS_OK);
	CHECK_RC(use_check_once(u, hex(DIGEST_TEXT), hex(SIGNATURE)), KMS_OK);
	use_free(u);
}
END_TEST

START_TEST(an_id_has_its_greatest_length)
{
	static uint8_t id[SM2_ID_MAX + 1];
	struct alg_params p = signs;
	struct use *u = NULL;

	p.u.sm2.id = slice_of(id, SM2_ID_MAX);
	CHECK_RC(crypto_begin(sm2, USE_SIGN, &p, &u), KMS_OK);
	use_free(u);
	u = NULL;
	p.u.sm2.id = slice_of(id, SM2_ID_MAX + 1);
	CHECK_RC(crypto_begin(sm2, USE_SIGN, &p, &u), KMS_BAD_PARAM);
	ck_assert_ptr_null(u);
}
END_TEST

START_TEST(sm2_signs_no_other_hash)
{
	struct alg_params p = { .alg = ALG_SM2DSA, .digest = DIGEST_SHA256 };
	uint8_t sig[64], in[33] = { 1 };
	struct outbuf out = { .p = sig, .cap = sizeof(sig) };

	CHECK_RC(run(sm2, USE_SIGN, &p, BYTES("m"), &out), KMS_BAD_PARAM);
	CHECK_RC(run(sm2, USE_SIGN, &signs_hash, slice_of(in, 31), &out), KMS_BAD_LEN);
	CHECK_RC(run(sm2, USE_SIGN, &signs_hash, slice_of(in, 33), &out), KMS_BAD_LEN);
	CHECK_RC(run(sm2, USE_SIGN, &signs_hash, slice_of(in, 32), &out), KMS_OK);
}
END_TEST

START_TEST(an_sm2_key_takes_no_ecdsa_and_an_ec_key_no_sm2)
{
	struct alg_params ecdsa = { .alg = ALG_ECDSA };
	struct ckey *p256 = ec_key(CURVE_P256);
	auto_secret z = { 0 };
	struct use *u = NULL;

	CHECK_RC(crypto_begin(sm2, USE_SIGN, &ecdsa, &u), KMS_KEY_TYPE);
	CHECK_RC(crypto_begin(p256, USE_SIGN, &signs, &u), KMS_KEY_TYPE);
	CHECK_RC(crypto_begin(p256, USE_ENCRYPT, &encrypts, &u), KMS_KEY_TYPE);
	CHECK_RC(crypto_ecdh(sm2, hex(SM2_Q), &z), KMS_KEY_TYPE);
	ckey_unref(p256);
}
END_TEST

/* -- SM2 encrypting -- */

START_TEST(the_standards_cipher_text_decrypts)
{
	uint8_t plain[64];
	struct outbuf out = { .p = plain, .cap = sizeof(plain) };

	CHECK_RC(run(sm2, USE_DECRYPT, &encrypts, guarded(hex(CIPHER_TEXT)), &out), KMS_OK);
	CHECK_BYTES(slice_of(plain, out.len), BYTES("encryption standard"));
}
END_TEST

START_TEST(no_changed_bit_and_no_cut_cipher_text_decrypts)
{
	struct slice good = hex(CIPHER_TEXT);
	uint8_t bad[256], plain[256];
	struct outbuf out = { .p = plain, .cap = sizeof(plain) };

	for (size_t bit = 0; bit < good.len * 8; bit++) {
		memcpy(bad, good.p, good.len);
		bad[bit / 8] ^= (uint8_t)(1u << bit % 8);
		CHECK_RC(run(sm2, USE_DECRYPT, &encrypts, slice_of(bad, good.len), &out),
		    KMS_BAD_DATA);
	}
	for (size_t len = 0; len < good.len; len++)
		CHECK_RC(run(sm2, USE_DECRYPT, &encrypts, guarded(slice_of(good.p, len)), &out),
		    KMS_BAD_DATA);
}
END_TEST

START_TEST(sm2_encrypts_from_one_byte_to_its_limit)
{
	static uint8_t in[65537], sealed[66000], back[66000];
	static const size_t lens[] = { 1, 127, 128, 255, 256, 6047, 65535, 65536 };
	struct ckey *pub = public_of(sm2);

	for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
		struct outbuf out = { .p = sealed, .cap = sizeof(sealed) };
		struct outbuf again = { .p = back, .cap = lens[i] };

		CHECK_RC(run(pub, USE_ENCRYPT, &encrypts, slice_of(in, lens[i]), &out), KMS_OK);
		CHECK_RC(run(sm2, USE_DECRYPT, &encrypts, slice_of(sealed, out.len), &again),
		    KMS_OK);
		CHECK_BYTES(slice_of(back, again.len), slice_of(in, lens[i]));
	}
	CHECK_RC(run(pub, USE_ENCRYPT, &encrypts, slice_of(in, 0),
		     &(struct outbuf){ .p = sealed, .cap = sizeof(sealed) }),
	    KMS_BAD_LEN);
	CHECK_RC(run(pub, USE_ENCRYPT, &encrypts, slice_of(in, 65537),
		     &(struct outbuf){ .p = sealed, .cap = sizeof(sealed) }),
	    KMS_BAD_LEN);
	ckey_unref(pub);
}
END_TEST

/* -- SM4 -- */

START_TEST(an_sm4_key_has_16_bytes)
{
	static const uint8_t bytes[32];
	struct key_spec spec = { .type = KEY_SM4, .bits = 256 };
	struct ckey *k = NULL;

	CHECK_RC(ckey_from_secret(KEY_SM4, slice_of(bytes, 15), &k), KMS_KEY_SIZE);
	CHECK_RC(ckey_from_secret(KEY_SM4, slice_of(bytes, 32), &k), KMS_KEY_SIZE);
	CHECK_RC(ckey_generate(&spec, slice_of(NULL, 0), &k), KMS_KEY_SIZE);
	ck_assert_ptr_null(k);
}
END_TEST

START_TEST(an_sm4_check_value_is_the_start_of_zeros_encrypted)
{
	struct ckey *k = NULL;
	uint8_t v[3];

	CHECK_RC(ckey_from_secret(KEY_SM4, hex("0123456789abcdeffedcba9876543210"), &k), KMS_OK);
	CHECK_RC(ckey_check_value(k, v), KMS_OK);
	/* openssl enc -sm4-ecb -nopad of 16 zeros */
	CHECK_BYTES(slice_of(v, 3), hex("2677f4"));
	ckey_unref(k);
}
END_TEST

START_TEST(a_seal_opens_with_what_was_bound_to_it_alone)
{
	struct ckey *k = secret_key(KEY_SM4, 16);
	uint8_t iv[SM4_SEAL_IV] = { 7 }, sealed[64], back[64];
	struct alg_params p = { .alg = ALG_SM4_SEAL,
		.u.seal = { .iv = { iv, sizeof(iv) }, .aad = BYTES("context") } };
	struct outbuf out = { .p = sealed, .cap = sizeof(sealed) };
	struct outbuf again = { .p = back, .cap = sizeof(back) };

	CHECK_RC(run(k, USE_ENCRYPT, &p, BYTES("plain text"), &out), KMS_OK);
	CHECK_RC(run(k, USE_DECRYPT, &p, slice_of(sealed, out.len), &again), KMS_OK);
	CHECK_BYTES(slice_of(back, again.len), BYTES("plain text"));
	for (size_t bit = 0; bit < out.len * 8; bit++) {
		sealed[bit / 8] ^= (uint8_t)(1u << bit % 8);
		CHECK_RC(run(k, USE_DECRYPT, &p, slice_of(sealed, out.len), &again), KMS_BAD_DATA);
		sealed[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	p.u.seal.aad = BYTES("contexT");
	CHECK_RC(run(k, USE_DECRYPT, &p, slice_of(sealed, out.len), &again), KMS_BAD_DATA);
	p.u.seal.aad = BYTES("context");
	iv[0] = 8;
	CHECK_RC(run(k, USE_DECRYPT, &p, slice_of(sealed, out.len), &again), KMS_BAD_DATA);
	CHECK_RC(run(k, USE_DECRYPT, &p, slice_of(sealed, SM4_SEAL_TAG - 1), &again), KMS_BAD_LEN);
	p.u.seal.iv.len = 11;
	CHECK_RC(run(k, USE_ENCRYPT, &p, BYTES("plain text"), &out), KMS_BAD_PARAM);
	ckey_unref(k);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("crypto_sm");
	TCase *c = tcase_create("crypto_sm");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, the_standards_signature_is_good_by_message_and_by_hash);
	tcase_add_test(c, a_signature_is_good_for_its_signers_id_alone);
	tcase_add_test(c, a_restart_may_name_another_signer);
	tcase_add_test(c, an_id_has_its_greatest_length);
	tcase_add_test(c, sm2_signs_no_other_hash);
	tcase_add_test(c, an_sm2_key_takes_no_ecdsa_and_an_ec_key_no_sm2);
	tcase_add_test(c, the_standards_cipher_text_decrypts);
	tcase_add_test(c, no_changed_bit_and_no_cut_cipher_text_decrypts);
	tcase_add_test(c, sm2_encrypts_from_one_byte_to_its_limit);
	tcase_add_test(c, an_sm4_key_has_16_bytes);
	tcase_add_test(c, an_sm4_check_value_is_the_start_of_zeros_encrypted);
	tcase_add_test(c, a_seal_opens_with_what_was_bound_to_it_alone);
	suite_add_tcase(s, c);
	return unit_main(s);
}
