/* SPDX-License-Identifier: Apache-2.0 */
/* Keys of the SM family: SM2 signs and encrypts, SM4 encrypts, SM3 makes MACs, and SM2 carries
 * keys; libcrypto itself checks what it can. */
#include "tests/contract/contract.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "crypto/crypto.h"

#define CONTEXT	  "{\"table\":\"salaries\"}"
#define SIGNER_ID "1234567812345678"

/* The version of KEY, which the caller frees. */
static char *
version_of(const char *key)
{
	about(key);
	expect(ACTION_ListKeyVersions);
	return strdup(text_of(F_KeyVersions, F_KeyVersionId));
}

static void
ask(const char *key, const char *version, const char *algorithm)
{
	about(key);
	with(F_KeyVersionId, version);
	with(F_Algorithm, algorithm);
}

static uint8_t kept[16384];

static struct slice
keep(enum field name)
{
	struct slice s = fields_get(&res, name);

	ck_assert_uint_le(s.len, sizeof(kept));
	memcpy(kept, s.p, s.len);
	return slice_of(kept, s.len);
}

/* -- SM2 -- */

static EVP_PKEY *
public_key(const char *key, const char *version)
{
	EVP_PKEY *k;
	BIO *b;

	about(key);
	with(F_KeyVersionId, version);
	expect(ACTION_GetPublicKey);
	b = BIO_new_mem_buf(text_of(F_COUNT, F_PublicKey), -1);
	k = PEM_read_bio_PUBKEY(b, NULL, NULL, NULL);
	ck_assert_ptr_nonnull(k);
	ck_assert(EVP_PKEY_is_a(k, "SM2"));
	BIO_free(b);
	return k;
}

/* SM3(Z || message) as the caller of AsymmetricSign makes it: with a generic SM2 library. */
static void
hash_for(EVP_PKEY *k, struct slice message, uint8_t ret[32])
{
	static const char facts[] =
	    "fffffffeffffffffffffffffffffffffffffffff00000000fffffffffffffffc"
	    "28e9fa9e9d9f5e344d5a9e4bcf6509a7f39789f515ab8f92ddbcbd414d940e93"
	    "32c4ae2c1f1981195f9904466a39c9948fe30bbff2660be1715a4589334c74c7"
	    "bc3736a2f4f6779c59bdcee36b692153d0a9877cc62a474002df32e52139f0a0";
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	uint8_t z[32], point[65];
	size_t len;
	long n;
	uint8_t *bytes = OPENSSL_hexstr2buf(facts, &n);

	ck_assert_int_eq(EVP_PKEY_get_octet_string_param(k, "pub", point, sizeof(point), &len), 1);
	ck_assert_int_eq(EVP_DigestInit(md, EVP_sm3()), 1);
	ck_assert_int_eq(EVP_DigestUpdate(md, "\0\x80" SIGNER_ID, 18), 1);
	ck_assert_int_eq(EVP_DigestUpdate(md, bytes, (size_t)n), 1);
	ck_assert_int_eq(EVP_DigestUpdate(md, point + 1, 64), 1);
	ck_assert_int_eq(EVP_DigestFinal(md, z, NULL), 1);
	ck_assert_int_eq(EVP_DigestInit(md, EVP_sm3()), 1);
	ck_assert_int_eq(EVP_DigestUpdate(md, z, sizeof(z)), 1);
	ck_assert_int_eq(EVP_DigestUpdate(md, message.p, message.len), 1);
	ck_assert_int_eq(EVP_DigestFinal(md, ret, NULL), 1);
	OPENSSL_free(bytes);
	EVP_MD_CTX_free(md);
}

static bool
good_for_libcrypto(EVP_PKEY *k, struct slice message, struct slice sig)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(k, NULL);
	bool good;

	ck_assert_int_eq(EVP_PKEY_CTX_set1_id(ctx, SIGNER_ID, 16), 1);
	EVP_MD_CTX_set_pkey_ctx(md, ctx);
	ck_assert_int_eq(EVP_DigestVerifyInit(md, NULL, EVP_sm3(), NULL, k), 1);
	good = EVP_DigestVerify(md, sig.p, sig.len, message.p, message.len) == 1;
	EVP_MD_CTX_free(md);
	EVP_PKEY_CTX_free(ctx);
	return good;
}

START_TEST(sm2_signs_as_libcrypto_verifies)
{
	char *id = new_key("EC_SM2", NULL), *version = version_of(id);
	EVP_PKEY *k = public_key(id, version);
	uint8_t hash[32];
	struct slice sig;

	hash_for(k, BYTES("message"), hash);
	ask(id, version, "SM2DSA");
	with_bytes(F_Digest, slice_of(hash, 32));
	expect(ACTION_AsymmetricSign);
	check_text(F_COUNT, F_KeyVersionId, version);
	sig = keep(F_Signature);
	ck_assert(good_for_libcrypto(k, BYTES("message"), sig));
	ask(id, version, "SM2DSA");
	with_bytes(F_Digest, slice_of(hash, 32));
	with_bytes(F_Signature, sig);
	expect(ACTION_AsymmetricVerify);
	ck_assert(fields_bool(&res, F_Valid));
	hash[0] ^= 1;
	with_bytes(F_Digest, slice_of(hash, 32));
	expect(ACTION_AsymmetricVerify);
	ck_assert(!fields_bool(&res, F_Valid));
	with_bytes(F_Signature, slice_of(sig.p, 3));
	expect(ACTION_AsymmetricVerify);
	ck_assert(!fields_bool(&res, F_Valid));
	with_bytes(F_Digest, slice_of(hash, 31));
	expect_error(ACTION_AsymmetricVerify, E_InvalidParameter);
	expect_error(ACTION_AsymmetricSign, E_InvalidParameter);
	EVP_PKEY_free(k);
	free(id);
	free(version);
}
END_TEST

/* PLAIN to K by libcrypto; into kept. */
static struct slice
encrypted(EVP_PKEY *k, struct slice plain)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(k, NULL);
	size_t len = sizeof(kept);

	ck_assert_int_eq(EVP_PKEY_encrypt_init(ctx), 1);
	ck_assert_int_eq(EVP_PKEY_encrypt(ctx, kept, &len, plain.p, plain.len), 1);
	EVP_PKEY_CTX_free(ctx);
	return slice_of(kept, len);
}

START_TEST(sm2_encrypts_up_to_6047_bytes)
{
	static const size_t lengths[] = { 1, 32, 6047 };
	static uint8_t plain[6048];
	char *id = new_key("EC_SM2", "ENCRYPT/DECRYPT"), *version = version_of(id);
	EVP_PKEY *k = public_key(id, version);

	memset(plain, 7, sizeof(plain));
	for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
		struct slice cipher = encrypted(k, slice_of(plain, lengths[i]));

		ask(id, version, "SM2PKE");
		with_bytes(F_CiphertextBlob, cipher);
		expect(ACTION_AsymmetricDecrypt);
		CHECK_BYTES(fields_get(&res, F_Plaintext), slice_of(plain, lengths[i]));
		ask(id, version, "SM2PKE");
		with_bytes(F_Plaintext, slice_of(plain, lengths[i]));
		expect(ACTION_AsymmetricEncrypt);
		cipher = keep(F_CiphertextBlob);
		ask(id, version, "SM2PKE");
		with_bytes(F_CiphertextBlob, cipher);
		expect(ACTION_AsymmetricDecrypt);
		CHECK_BYTES(fields_get(&res, F_Plaintext), slice_of(plain, lengths[i]));
		kept[cipher.len - 1] ^= 1;
		with_bytes(F_CiphertextBlob, cipher);
		expect_error(ACTION_AsymmetricDecrypt, E_InvalidParameter);
	}
	ask(id, version, "SM2PKE");
	with_bytes(F_CiphertextBlob, encrypted(k, slice_of(plain, 6048)));
	expect_error(ACTION_AsymmetricDecrypt, E_InvalidParameter);
	ask(id, version, "SM2PKE");
	with_bytes(F_Plaintext, slice_of(plain, 6048));
	expect_error(ACTION_AsymmetricEncrypt, E_InvalidParameter);
	with_bytes(F_Plaintext, slice_of(plain, 0));
	expect_error(ACTION_AsymmetricEncrypt, E_InvalidParameter);
	EVP_PKEY_free(k);
	free(id);
	free(version);
}
END_TEST

START_TEST(sm_keys_do_what_their_spec_and_usage_say_alone)
{
	static const struct {
		const char *spec, *usage, *algorithm;
	} bad[] = {
		{ "EC_P256", NULL, "SM2DSA" },
		{ "EC_SM2", NULL, "ECDSA_SHA_256" },
		{ "EC_SM2", "ENCRYPT/DECRYPT", "SM2DSA" },
		{ "Aliyun_SM4", NULL, "SM2DSA" },
	};
	static const uint8_t hash[32];

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		char *id = new_key(bad[i].spec, bad[i].usage), *version = version_of(id);

		ask(id, version, bad[i].algorithm);
		with_bytes(F_Digest, slice_of(hash, sizeof(hash)));
		expect_error(ACTION_AsymmetricSign, E_UnsupportedOperation);
		free(id);
		free(version);
	}
	request();
	with(F_KeySpec, "Aliyun_SM4");
	with(F_KeyUsage, "SIGN/VERIFY");
	expect_error(ACTION_CreateKey, E_InvalidParameter);
}
END_TEST

START_TEST(an_sm2_key_is_rotated_by_hand_after_a_week)
{
	char *id = new_key("EC_SM2", NULL), *version = version_of(id);
	static const uint8_t hash[32] = { 1 };

	about(id);
	expect_error(ACTION_CreateKeyVersion, E_UnsupportedOperation);
	os_fake_clock(NOW + 7 * 86400);
	about(id);
	expect(ACTION_CreateKeyVersion);
	ck_assert_str_ne(text_of(F_KeyVersion, F_KeyVersionId), version);
	ask(id, version, "SM2DSA");
	with_bytes(F_Digest, slice_of(hash, sizeof(hash)));
	expect(ACTION_AsymmetricSign);
	check_text(F_COUNT, F_KeyVersionId, version);
	free(id);
	free(version);
}
END_TEST

/* -- SM4 -- */

static struct slice
seal(const char *key, struct slice plain)
{
	about(key);
	with_bytes(F_Plaintext, plain);
	with(F_EncryptionContext, CONTEXT);
	expect(ACTION_Encrypt);
	return keep(F_CiphertextBlob);
}

static void
check_opens(struct slice blob, struct slice plain)
{
	request();
	with_bytes(F_CiphertextBlob, blob);
	with(F_EncryptionContext, CONTEXT);
	expect(ACTION_Decrypt);
	CHECK_BYTES(fields_get(&res, F_Plaintext), plain);
}

START_TEST(sm4_encrypts_what_it_opens_again)
{
	static const size_t lengths[] = { 0, 1, 15, 16, 17, 6144 };
	static uint8_t plain[6144];
	char *id = new_key("Aliyun_SM4", NULL);

	memset(plain, 5, sizeof(plain));
	for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
		struct slice blob = seal(id, slice_of(plain, lengths[i]));

		ck_assert_uint_eq(blob.len, 49 + lengths[i] + 16);
		check_opens(blob, slice_of(plain, lengths[i]));
		check_text(F_COUNT, F_KeyId, id);
	}
	free(id);
}
END_TEST

START_TEST(no_bit_of_an_sm4_blob_can_be_changed)
{
	char *id = new_key("Aliyun_SM4", NULL);
	struct slice blob = seal(id, BYTES("0123456789abcdef"));

	for (size_t bit = 0; bit < blob.len * 8; bit++) {
		struct call c = { 0 };

		kept[bit / 8] ^= (uint8_t)(1 << bit % 8);
		request();
		with_bytes(F_CiphertextBlob, blob);
		with(F_EncryptionContext, CONTEXT);
		ck_assert_int_ne(backend_act(kms, &c, ACTION_Decrypt, &req, &res), KMS_OK);
		ck_assert(c.error == E_InvalidParameter || c.error == E_KeyNotFound);
		kept[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	request();
	with_bytes(F_CiphertextBlob, blob);
	expect_error(ACTION_Decrypt, E_InvalidParameter); /* without its context */
	check_opens(blob, BYTES("0123456789abcdef"));
	free(id);
}
END_TEST

START_TEST(old_versions_of_an_sm4_key_open_what_they_sealed)
{
	char *id = new_key("Aliyun_SM4", NULL);
	struct slice blob = seal(id, BYTES("before"));

	about(id);
	expect(ACTION_CreateKeyVersion);
	check_opens(blob, BYTES("before"));
	check_opens(seal(id, BYTES("after")), BYTES("after"));
	/* By time, too. */
	blob = seal(id, BYTES("third"));
	about(id);
	with_bool(F_EnableAutomaticRotation, true);
	with(F_RotationInterval, "30d");
	expect(ACTION_UpdateRotationPolicy);
	os_fake_clock(NOW + 31 * 86400);
	check_opens(blob, BYTES("third"));
	about(id);
	expect(ACTION_ListKeyVersions);
	ck_assert_int_eq(fields_number(&res, F_TotalCount, 0), 3);
	free(id);
}
END_TEST

/* Opens with K what was exported to it. */
static struct slice
unwrapped(struct ckey *k)
{
	static uint8_t out[2048];
	struct outbuf o = { .p = out, .cap = sizeof(out) };
	struct alg_params p = { .alg = ALG_SM2PKE };
	struct use *u = NULL;

	CHECK_RC(crypto_begin(k, USE_DECRYPT, &p, &u), KMS_OK);
	CHECK_RC(use_once(u, fields_get(&res, F_ExportedDataKey), &o, NULL), KMS_OK);
	use_free(u);
	return slice_of(out, o.len);
}

START_TEST(data_keys_under_sm4_are_exported_to_an_sm2_key)
{
	struct key_spec spec = { .type = KEY_SM2, .curve = CURVE_SM2, .bits = 256 };
	char *id = new_key("Aliyun_SM4", NULL);
	auto_ckey *k = NULL;
	auto_buf spki = { 0 };
	uint8_t first[1024];
	struct slice blob;

	CHECK_RC(ckey_generate(&spec, slice_of(NULL, 0), &k), KMS_OK);
	CHECK_RC(ckey_spki(k, &spki), KMS_OK);
	about(id);
	with_bytes(F_PublicKeyBlob, buf_slice(&spki));
	with(F_WrappingKeySpec, "EC_SM2");
	with(F_WrappingAlgorithm, "SM2PKE");
	with_number(F_NumberOfBytes, 1024);
	expect(ACTION_GenerateAndExportDataKey);
	ck_assert_uint_eq(unwrapped(k).len, 1024);
	memcpy(first, unwrapped(k).p, 1024);
	blob = keep(F_CiphertextBlob);
	request();
	with_bytes(F_CiphertextBlob, blob);
	with_bytes(F_PublicKeyBlob, buf_slice(&spki));
	with(F_WrappingKeySpec, "EC_SM2");
	with(F_WrappingAlgorithm, "SM2PKE");
	expect(ACTION_ExportDataKey);
	CHECK_BYTES(unwrapped(k), slice_of(first, 1024));
	with(F_WrappingKeySpec, "RSA_2048");
	expect_error(ACTION_ExportDataKey, E_InvalidParameter);
	with(F_WrappingAlgorithm, "RSAES_OAEP_SHA_256");
	expect_error(ACTION_ExportDataKey, E_InvalidParameter);
	free(id);
}
END_TEST

START_TEST(re_encryption_goes_from_sm2_to_sm4_and_on_to_aes)
{
	char *sm2 = new_key("EC_SM2", "ENCRYPT/DECRYPT"), *version = version_of(sm2);
	char *sm4 = new_key("Aliyun_SM4", NULL), *aes = new_key(NULL, NULL);
	EVP_PKEY *k = public_key(sm2, version);
	struct slice blob;

	request();
	with_bytes(F_CiphertextBlob, encrypted(k, BYTES("secret")));
	with(F_SourceKeyId, sm2);
	with(F_SourceKeyVersionId, version);
	with(F_SourceEncryptionAlgorithm, "SM2PKE");
	with(F_DestinationKeyId, sm4);
	expect(ACTION_ReEncrypt);
	blob = keep(F_CiphertextBlob);
	request();
	with_bytes(F_CiphertextBlob, blob);
	with(F_DestinationKeyId, aes);
	with(F_DestinationEncryptionContext, CONTEXT);
	expect(ACTION_ReEncrypt);
	check_text(F_COUNT, F_KeyId, sm4);
	check_opens(keep(F_CiphertextBlob), BYTES("secret"));
	check_text(F_COUNT, F_KeyId, aes);
	EVP_PKEY_free(k);
	free(sm2);
	free(version);
	free(sm4);
	free(aes);
}
END_TEST

/* -- imports -- */

START_TEST(material_comes_in_by_sm2)
{
	static const struct {
		const char *spec, *material;
		bool fits;
	} rows[] = {
		{ "Aliyun_SM4", "0123456789abcdef", true },
		{ "Aliyun_SM4", "0123456789abcde", false },
		{ "Aliyun_AES_256", "0123456789abcdef0123456789abcdef", true },
		{ "Aliyun_AES_256", "0123456789abcdef", false },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const uint8_t *der;
		uint8_t token[256];
		size_t token_len;
		EVP_PKEY *k;
		char *id;

		request();
		with(F_KeySpec, rows[i].spec);
		with(F_Origin, "EXTERNAL");
		expect(ACTION_CreateKey);
		id = strdup(text_of(F_KeyMetadata, F_KeyId));
		about(id);
		with(F_WrappingKeySpec, "EC_SM2");
		with(F_WrappingAlgorithm, "SM2PKE");
		expect(ACTION_GetParametersForImport);
		token_len = fields_get(&res, F_ImportToken).len;
		memcpy(token, fields_get(&res, F_ImportToken).p, token_len);
		der = fields_get(&res, F_PublicKeyDer).p;
		k = d2i_PUBKEY(NULL, &der, (long)fields_get(&res, F_PublicKeyDer).len);
		ck_assert_ptr_nonnull(k);
		about(id);
		with_bytes(F_ImportToken, slice_of(token, token_len));
		with_bytes(F_EncryptedKeyMaterial, encrypted(k, slice_str(rows[i].material)));
		with_number(F_KeyMaterialExpireUnix, 0);
		if (rows[i].fits) {
			expect(ACTION_ImportKeyMaterial);
			check_state(id, "Enabled");
			check_opens(seal(id, BYTES("payload")), BYTES("payload"));
		} else {
			expect_error(ACTION_ImportKeyMaterial, E_InvalidKeyMaterial);
			check_state(id, "PendingImport");
		}
		EVP_PKEY_free(k);
		free(id);
	}
}
END_TEST

START_TEST(sm2_wraps_by_its_own_algorithm_alone)
{
	char *id;

	request();
	with(F_Origin, "EXTERNAL");
	expect(ACTION_CreateKey);
	id = strdup(text_of(F_KeyMetadata, F_KeyId));
	about(id);
	with(F_WrappingKeySpec, "EC_SM2");
	with(F_WrappingAlgorithm, "RSAES_OAEP_SHA_256");
	expect_error(ACTION_GetParametersForImport, E_InvalidParameter);
	with(F_WrappingKeySpec, "RSA_2048");
	with(F_WrappingAlgorithm, "SM2PKE");
	expect_error(ACTION_GetParametersForImport, E_InvalidParameter);
	free(id);
}
END_TEST

/* -- SM3 -- */

START_TEST(macs_by_sm3_are_made_and_checked)
{
	char *id;
	uint8_t mac[32];

	id = new_key("HMAC_SHA_256", NULL);
	about(id);
	with(F_Algorithm, "HMAC_SM3");
	with_bytes(F_Message, BYTES("message"));
	expect(ACTION_GenerateMac);
	check_text(F_COUNT, F_Algorithm, "HMAC_SM3");
	ck_assert_uint_eq(fields_get(&res, F_Mac).len, 32);
	memcpy(mac, fields_get(&res, F_Mac).p, 32);
	with_bytes(F_Mac, slice_of(mac, 32));
	expect(ACTION_VerifyMac);
	ck_assert(fields_bool(&res, F_Valid));
	with(F_Algorithm, "HMAC_SHA_256");
	expect(ACTION_VerifyMac);
	ck_assert(!fields_bool(&res, F_Valid));
	free(id);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { sm2_signs_as_libcrypto_verifies,
		sm2_encrypts_up_to_6047_bytes, sm_keys_do_what_their_spec_and_usage_say_alone,
		an_sm2_key_is_rotated_by_hand_after_a_week, sm4_encrypts_what_it_opens_again,
		no_bit_of_an_sm4_blob_can_be_changed,
		old_versions_of_an_sm4_key_open_what_they_sealed,
		data_keys_under_sm4_are_exported_to_an_sm2_key,
		re_encryption_goes_from_sm2_to_sm4_and_on_to_aes, material_comes_in_by_sm2,
		sm2_wraps_by_its_own_algorithm_alone, macs_by_sm3_are_made_and_checked };
	Suite *s = suite_create("contract: the SM family");
	TCase *t = tcase_create("sm");

	tcase_add_checked_fixture(t, contract_setup, contract_teardown);
	for (size_t i = 0; i < ARRAY_LEN(tests); i++)
		tcase_add_test(t, tests[i]);
	suite_add_tcase(s, t);
	return contract_main(s);
}
