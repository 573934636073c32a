/* SPDX-License-Identifier: Apache-2.0 */
/* Asymmetric keys and MACs by the API's algorithms, checked by libcrypto itself. */
#include "tests/contract/contract.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

static char *version;

/* A key and its one version. */
static char *
make(const char *spec, const char *usage)
{
	char *id = new_key(spec, usage);

	about(id);
	expect(ACTION_ListKeyVersions);
	version = strdup(text_of(F_KeyVersions, F_KeyVersionId));
	return id;
}

static void
ask(const char *key, const char *algorithm)
{
	about(key);
	with(F_KeyVersionId, version);
	with(F_Algorithm, algorithm);
}

/* The public key as everybody can have it. */
static EVP_PKEY *
public_key(const char *key)
{
	EVP_PKEY *k;
	BIO *b;

	about(key);
	with(F_KeyVersionId, version);
	expect(ACTION_GetPublicKey);
	b = BIO_new_mem_buf(text_of(F_COUNT, F_PublicKey), -1);
	k = PEM_read_bio_PUBKEY(b, NULL, NULL, NULL);
	ck_assert_ptr_nonnull(k);
	BIO_free(b);
	return k;
}

static const struct {
	const char *spec, *algorithm, *md;
	int padding; /* of RSA; 0: none */
} signing[] = {
	{ "RSA_2048", "RSA_PSS_SHA_256", "SHA256", RSA_PKCS1_PSS_PADDING },
	{ "RSA_2048", "RSA_PKCS1_SHA_256", "SHA256", RSA_PKCS1_PADDING },
	{ "RSA_3072", "RSA_PSS_SHA_256", "SHA256", RSA_PKCS1_PSS_PADDING },
	{ "RSA_4096", "RSA_PKCS1_SHA_256", "SHA256", RSA_PKCS1_PADDING },
	{ "EC_P256", "ECDSA_SHA_256", "SHA256", 0 },
	{ "EC_P256K", "ECDSA_SHA_256", "SHA256", 0 },
	{ "EC_P384", "ECDSA_SHA_384", "SHA384", 0 },
};

START_TEST(signatures_are_those_of_the_standard)
{
	char *id = make(signing[_i].spec, "SIGN/VERIFY");
	EVP_PKEY *k = public_key(id);
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	EVP_PKEY_CTX *ctx;
	uint8_t hash[64], sig[1024];
	unsigned hash_len;
	size_t len;

	ck_assert_int_eq(EVP_Digest("message", 7, hash, &hash_len,
			     EVP_get_digestbyname(signing[_i].md), NULL),
	    1);
	ask(id, signing[_i].algorithm);
	with_bytes(F_Digest, slice_of(hash, hash_len));
	expect(ACTION_AsymmetricSign);
	check_text(F_COUNT, F_KeyVersionId, version);
	len = fields_get(&res, F_Signature).len;
	memcpy(sig, fields_get(&res, F_Signature).p, len);
	ck_assert_int_eq(EVP_DigestVerifyInit(md, &ctx, EVP_get_digestbyname(signing[_i].md), NULL,
			     k),
	    1);
	if (signing[_i].padding != 0)
		ck_assert_int_eq(EVP_PKEY_CTX_set_rsa_padding(ctx, signing[_i].padding), 1);
	ck_assert_int_eq(EVP_DigestVerify(md, sig, len, (const uint8_t *)"message", 7), 1);
	/* The KMS says the same of it, and of none that was changed. */
	ask(id, signing[_i].algorithm);
	with_bytes(F_Digest, slice_of(hash, hash_len));
	with_bytes(F_Signature, slice_of(sig, len));
	expect(ACTION_AsymmetricVerify);
	ck_assert(fields_bool(&res, F_Valid));
	for (size_t i = 0; i < len; i += 7) {
		sig[i] ^= 1;
		with_bytes(F_Signature, slice_of(sig, len));
		expect(ACTION_AsymmetricVerify);
		ck_assert(fields_has(&res, F_Valid) && !fields_bool(&res, F_Valid));
		sig[i] ^= 1;
	}
	with_bytes(F_Signature, slice_of(sig, 3));
	expect(ACTION_AsymmetricVerify);
	ck_assert(!fields_bool(&res, F_Valid));
	with_bytes(F_Digest, slice_of(hash, hash_len - 1));
	expect_error(ACTION_AsymmetricVerify, E_InvalidParameter);
	EVP_MD_CTX_free(md);
	EVP_PKEY_free(k);
	free(id);
	free(version);
}
END_TEST

static const struct {
	const char *spec, *algorithm, *md;
	size_t max;
} encrypting[] = {
	{ "RSA_2048", "RSAES_OAEP_SHA_256", "SHA256", 190 },
	{ "RSA_2048", "RSAES_OAEP_SHA_1", "SHA1", 214 },
	{ "RSA_3072", "RSAES_OAEP_SHA_256", "SHA256", 318 },
	{ "RSA_4096", "RSAES_OAEP_SHA_1", "SHA1", 470 },
};

START_TEST(encryption_is_that_of_the_standard)
{
	char *id = make(encrypting[_i].spec, "ENCRYPT/DECRYPT");
	EVP_PKEY *k = public_key(id);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(k, NULL);
	uint8_t plain[512], cipher[1024];
	size_t len = sizeof(cipher);

	memset(plain, 7, sizeof(plain));
	/* Encrypted outside by the public key alone. */
	ck_assert_int_eq(EVP_PKEY_encrypt_init(ctx), 1);
	ck_assert_int_eq(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING), 1);
	ck_assert_int_eq(EVP_PKEY_CTX_set_rsa_oaep_md(ctx, EVP_get_digestbyname(encrypting[_i].md)),
	    1);
	ck_assert_int_eq(EVP_PKEY_encrypt(ctx, cipher, &len, plain, encrypting[_i].max), 1);
	ask(id, encrypting[_i].algorithm);
	with_bytes(F_CiphertextBlob, slice_of(cipher, len));
	expect(ACTION_AsymmetricDecrypt);
	CHECK_BYTES(fields_get(&res, F_Plaintext), slice_of(plain, encrypting[_i].max));
	/* Encrypted by the KMS. */
	ask(id, encrypting[_i].algorithm);
	with_bytes(F_Plaintext, slice_of(plain, encrypting[_i].max));
	expect(ACTION_AsymmetricEncrypt);
	len = fields_get(&res, F_CiphertextBlob).len;
	memcpy(cipher, fields_get(&res, F_CiphertextBlob).p, len);
	ask(id, encrypting[_i].algorithm);
	with_bytes(F_CiphertextBlob, slice_of(cipher, len));
	expect(ACTION_AsymmetricDecrypt);
	CHECK_BYTES(fields_get(&res, F_Plaintext), slice_of(plain, encrypting[_i].max));
	cipher[5] ^= 1;
	with_bytes(F_CiphertextBlob, slice_of(cipher, len));
	expect_error(ACTION_AsymmetricDecrypt, E_InvalidParameter);
	/* One byte more than fits. */
	ask(id, encrypting[_i].algorithm);
	with_bytes(F_Plaintext, slice_of(plain, encrypting[_i].max + 1));
	expect_error(ACTION_AsymmetricEncrypt, E_InvalidParameter);
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(k);
	free(id);
	free(version);
}
END_TEST

START_TEST(usage_spec_and_algorithm_must_go_together)
{
	static const struct {
		const char *spec, *usage, *algorithm;
		enum action action;
	} bad[] = {
		{ "RSA_2048", "ENCRYPT/DECRYPT", "RSA_PSS_SHA_256", ACTION_AsymmetricSign },
		{ "EC_P256", NULL, "RSA_PSS_SHA_256", ACTION_AsymmetricSign },
		{ "EC_P256", NULL, "ECDSA_SHA_384", ACTION_AsymmetricSign },
		{ "EC_P256", NULL, "ecdsa_sha_256", ACTION_AsymmetricSign },
		{ "Aliyun_AES_256", NULL, "ECDSA_SHA_256", ACTION_AsymmetricSign },
	};
	static const uint8_t hash[32];

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		char *id = make(bad[i].spec, bad[i].usage);

		ask(id, bad[i].algorithm);
		with_bytes(F_Digest, slice_of(hash, sizeof(hash)));
		expect_error(bad[i].action, E_UnsupportedOperation);
		free(id);
		free(version);
	}
}
END_TEST

START_TEST(a_version_of_another_key_is_not_found)
{
	char *one = make("EC_P256", NULL), *two = new_key("EC_P256", NULL);
	static const uint8_t hash[32];

	ask(two, "ECDSA_SHA_256");
	with_bytes(F_Digest, slice_of(hash, sizeof(hash)));
	expect_error(ACTION_AsymmetricSign, E_KeyVersionNotFound);
	about(two);
	with(F_KeyVersionId, version);
	expect_error(ACTION_GetPublicKey, E_KeyVersionNotFound);
	free(one);
	free(two);
	free(version);
}
END_TEST

START_TEST(old_versions_still_sign_when_they_are_named)
{
	char *id = make("EC_P256", NULL);
	static const uint8_t hash[32];

	os_fake_clock(NOW + 7 * 86400);
	about(id);
	expect(ACTION_CreateKeyVersion);
	ask(id, "ECDSA_SHA_256");
	with_bytes(F_Digest, slice_of(hash, sizeof(hash)));
	expect(ACTION_AsymmetricSign);
	check_text(F_COUNT, F_KeyVersionId, version);
	free(id);
	free(version);
}
END_TEST

START_TEST(a_symmetric_key_has_no_public_key)
{
	char *id = make("Aliyun_AES_256", NULL);

	about(id);
	with(F_KeyVersionId, version);
	expect_error(ACTION_GetPublicKey, E_UnsupportedOperation);
	free(id);
	free(version);
}
END_TEST

START_TEST(macs_are_made_and_checked)
{
	static const struct {
		const char *algorithm;
		size_t len;
	} rows[] = { { "HMAC_SHA_224", 28 }, { "HMAC_SHA_256", 32 }, { "HMAC_SHA_384", 48 },
		{ "HMAC_SHA_512", 64 } };
	char *id = new_key("HMAC_SHA_512", NULL); /* long enough for all, as some HSMs want it */

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint8_t mac[64];

		about(id);
		with(F_Algorithm, rows[i].algorithm);
		with_bytes(F_Message, BYTES("message"));
		expect(ACTION_GenerateMac);
		check_text(F_COUNT, F_Algorithm, rows[i].algorithm);
		ck_assert_uint_eq(fields_get(&res, F_Mac).len, rows[i].len);
		memcpy(mac, fields_get(&res, F_Mac).p, rows[i].len);
		with_bytes(F_Mac, slice_of(mac, rows[i].len));
		expect(ACTION_VerifyMac);
		ck_assert(fields_bool(&res, F_Valid));
		mac[3] ^= 1;
		with_bytes(F_Mac, slice_of(mac, rows[i].len));
		expect(ACTION_VerifyMac);
		ck_assert(!fields_bool(&res, F_Valid));
		with_bytes(F_Mac, slice_of(mac, rows[i].len - 1));
		expect(ACTION_VerifyMac);
		ck_assert(!fields_bool(&res, F_Valid));
	}
	about(id);
	with(F_Algorithm, "HMAC_MD5");
	with_bytes(F_Message, BYTES("message"));
	expect_error(ACTION_GenerateMac, E_UnsupportedOperation);
	free(id);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { usage_spec_and_algorithm_must_go_together,
		a_version_of_another_key_is_not_found, old_versions_still_sign_when_they_are_named,
		a_symmetric_key_has_no_public_key, macs_are_made_and_checked };
	Suite *s = suite_create("contract: asymmetric keys and MACs");
	TCase *t = tcase_create("asymmetric");

	tcase_add_checked_fixture(t, contract_setup, contract_teardown);
	tcase_add_loop_test(t, signatures_are_those_of_the_standard, 0, (int)ARRAY_LEN(signing));
	tcase_add_loop_test(t, encryption_is_that_of_the_standard, 0, (int)ARRAY_LEN(encrypting));
	for (size_t i = 0; i < ARRAY_LEN(tests); i++)
		tcase_add_test(t, tests[i]);
	suite_add_tcase(s, t);
	return contract_main(s);
}
