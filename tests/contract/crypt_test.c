/* SPDX-License-Identifier: Apache-2.0 */
/* Direct encryption, data keys and what goes from key to key. */
#include "tests/contract/contract.h"

#include <stdlib.h>

#include "crypto/crypto.h"

#define CONTEXT "{\"table\":\"salaries\",\"column\":\"iban\"}"

static uint8_t blob[8192];
static size_t blob_len;

/* Keeps the blob of the last result. */
static struct slice
kept(void)
{
	struct slice s = fields_get(&res, F_CiphertextBlob);

	ck_assert_uint_gt(s.len, 0);
	ck_assert_uint_le(s.len, sizeof(blob));
	memcpy(blob, s.p, s.len);
	blob_len = s.len;
	return slice_of(blob, blob_len);
}

static void
encrypt(const char *key, struct slice plain, const char *context)
{
	about(key);
	with_bytes(F_Plaintext, plain);
	if (context != NULL)
		with(F_EncryptionContext, context);
	expect(ACTION_Encrypt);
	(void)kept();
}

static void
ask_decrypt(struct slice b, const char *context)
{
	request();
	with_bytes(F_CiphertextBlob, b);
	if (context != NULL)
		with(F_EncryptionContext, context);
}

static void
check_opens(struct slice b, const char *context, struct slice plain)
{
	ask_decrypt(b, context);
	expect(ACTION_Decrypt);
	CHECK_BYTES(fields_get(&res, F_Plaintext), plain);
}

START_TEST(what_was_encrypted_is_decrypted_by_the_key_that_the_blob_names)
{
	static const size_t lengths[] = { 0, 1, 15, 16, 17, 4096, 6144 };
	static uint8_t plain[6145];
	char *id = new_key(NULL, NULL), *other = new_key(NULL, NULL);

	for (size_t i = 0; i < sizeof(plain); i++)
		plain[i] = (uint8_t)i;
	for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
		encrypt(id, slice_of(plain, lengths[i]), CONTEXT);
		check_opens(slice_of(blob, blob_len), CONTEXT, slice_of(plain, lengths[i]));
		check_text(F_COUNT, F_KeyId, id);
	}
	about(id);
	with_bytes(F_Plaintext, slice_of(plain, 6145));
	expect_error(ACTION_Encrypt, E_InvalidParameter);
	free(id);
	free(other);
}
END_TEST

START_TEST(every_symmetric_spec_encrypts)
{
	static const char *const specs[] = { "Aliyun_AES_128", "Aliyun_AES_192", "Aliyun_AES_256" };

	for (size_t i = 0; i < ARRAY_LEN(specs); i++) {
		char *id = new_key(specs[i], NULL);

		encrypt(id, BYTES("secret"), NULL);
		check_opens(slice_of(blob, blob_len), NULL, BYTES("secret"));
		free(id);
	}
}
END_TEST

START_TEST(the_context_counts_as_a_set)
{
	static const char *const other[] = { NULL, "{}", "{\"table\":\"salaries\"}",
		"{\"table\":\"salaries\",\"column\":\"name\"}",
		"{\"table\":\"salaries\",\"column\":\"iban\",\"x\":\"\"}",
		"{\"tablecolumn\":\"salariesiban\"}" };
	char *id = new_key(NULL, NULL);

	encrypt(id, BYTES("secret"), CONTEXT);
	check_opens(slice_of(blob, blob_len), " { \"column\" : \"iban\",\n\"table\":\"salaries\"}",
	    BYTES("secret"));
	for (size_t i = 0; i < ARRAY_LEN(other); i++) {
		ask_decrypt(slice_of(blob, blob_len), other[i]);
		expect_error(ACTION_Decrypt, E_InvalidParameter);
	}
	encrypt(id, BYTES("secret"), NULL);
	check_opens(slice_of(blob, blob_len), "{}", BYTES("secret"));
	free(id);
}
END_TEST

START_TEST(contexts_are_objects_of_strings)
{
	static const char *const bad[] = { "x", "[]", "\"a\"", "{\"a\":1}", "{\"a\":null}",
		"{\"a\":{}}", "{\"a\":\"b\",\"a\":\"b\"}", "{\"a\":\"b\"} x",
		"{\"a\":\"b\\u0000\"}", "{\"a\":\"b\"" };
	char *id = new_key(NULL, NULL);

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		about(id);
		with_bytes(F_Plaintext, BYTES("secret"));
		with(F_EncryptionContext, bad[i]);
		expect_error(ACTION_Encrypt, E_InvalidParameter);
	}
	free(id);
}
END_TEST

START_TEST(no_bit_of_a_blob_can_be_changed)
{
	char *id = new_key(NULL, NULL);

	encrypt(id, BYTES("0123456789abcdef"), CONTEXT);
	for (size_t bit = 0; bit < blob_len * 8; bit++) {
		struct call c = { 0 };

		blob[bit / 8] ^= (uint8_t)(1 << bit % 8);
		ask_decrypt(slice_of(blob, blob_len), CONTEXT);
		fields_free(&res);
		ck_assert_int_ne(backend_act(kms, &c, ACTION_Decrypt, &req, &res), KMS_OK);
		/* The key's id is what the blob is about; all else is the blob. */
		ck_assert(c.error == E_InvalidParameter || c.error == E_KeyNotFound);
		blob[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	for (size_t len = 0; len < blob_len; len++) {
		struct call c = { 0 };

		ask_decrypt(slice_of(blob, len), CONTEXT);
		fields_free(&res);
		ck_assert_int_ne(backend_act(kms, &c, ACTION_Decrypt, &req, &res), KMS_OK);
	}
	check_opens(slice_of(blob, blob_len), CONTEXT, BYTES("0123456789abcdef"));
	free(id);
}
END_TEST

START_TEST(a_blob_moved_to_another_key_does_not_open)
{
	char *id = new_key(NULL, NULL), *other = new_key(NULL, NULL);
	uint8_t mine[512];

	encrypt(id, BYTES("secret"), NULL);
	memcpy(mine, blob, blob_len);
	encrypt(other, BYTES("other"), NULL);
	/* The other key's header in front of this key's sealed bytes, and the other way round. */
	memcpy(mine, blob, 4 + 1 + 32);
	ask_decrypt(slice_of(mine, blob_len), NULL);
	expect_error(ACTION_Decrypt, E_InvalidParameter);
	/* This key, and a version of the other. */
	encrypt(id, BYTES("secret"), NULL);
	memcpy(blob + 4 + 1 + 16, mine + 4 + 1 + 16, 16);
	ask_decrypt(slice_of(blob, blob_len), NULL);
	expect_error(ACTION_Decrypt, E_InvalidParameter);
	free(id);
	free(other);
}
END_TEST

START_TEST(old_versions_open_what_they_sealed_and_new_ones_seal)
{
	char *id = new_key(NULL, NULL), *version;
	uint8_t old[512];
	size_t old_len;

	encrypt(id, BYTES("before"), NULL);
	memcpy(old, blob, blob_len);
	old_len = blob_len;
	about(id);
	expect(ACTION_CreateKeyVersion);
	version = strdup(text_of(F_KeyVersion, F_KeyVersionId));
	encrypt(id, BYTES("after"), NULL);
	check_text(F_COUNT, F_KeyVersionId, version);
	check_opens(slice_of(old, old_len), NULL, BYTES("before"));
	ck_assert_str_ne(text_of(F_COUNT, F_KeyVersionId), version);
	check_opens(slice_of(blob, blob_len), NULL, BYTES("after"));
	free(id);
	free(version);
}
END_TEST

START_TEST(a_key_that_is_not_enabled_neither_seals_nor_opens)
{
	char *id = new_key(NULL, NULL);

	encrypt(id, BYTES("secret"), NULL);
	about(id);
	expect(ACTION_DisableKey);
	ask_decrypt(slice_of(blob, blob_len), NULL);
	expect_error(ACTION_Decrypt, E_StateDisabled);
	about(id);
	with_bytes(F_Plaintext, BYTES("x"));
	expect_error(ACTION_Encrypt, E_StateDisabled);
	about(id);
	expect(ACTION_EnableKey);
	check_opens(slice_of(blob, blob_len), NULL, BYTES("secret"));
	about(id);
	with_number(F_PendingWindowInDays, 7);
	expect(ACTION_ScheduleKeyDeletion);
	ask_decrypt(slice_of(blob, blob_len), NULL);
	expect_error(ACTION_Decrypt, E_StatePendingDeletion);
	free(id);
}
END_TEST

START_TEST(data_keys_have_the_length_that_was_asked_for)
{
	static const struct {
		const char *spec;
		int64_t bytes;
		size_t want;
	} rows[] = { { NULL, 0, 32 }, { "AES_256", 0, 32 }, { "AES_128", 0, 16 },
		{ "AES_128", 48, 48 }, { NULL, 1, 1 }, { NULL, 1024, 1024 } };
	char *id = new_key(NULL, NULL);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint8_t plain[1024];

		about(id);
		if (rows[i].spec != NULL)
			with(F_KeySpec, rows[i].spec);
		if (rows[i].bytes != 0)
			with_number(F_NumberOfBytes, rows[i].bytes);
		with(F_EncryptionContext, CONTEXT);
		expect(ACTION_GenerateDataKey);
		ck_assert_uint_eq(fields_get(&res, F_Plaintext).len, rows[i].want);
		memcpy(plain, fields_get(&res, F_Plaintext).p, rows[i].want);
		check_opens(kept(), CONTEXT, slice_of(plain, rows[i].want));
	}
	about(id);
	with(F_KeySpec, "AES_192");
	expect_error(ACTION_GenerateDataKey, E_InvalidParameter);
	about(id);
	with_number(F_NumberOfBytes, 1025);
	expect_error(ACTION_GenerateDataKey, E_InvalidParameter);
	about(id);
	expect(ACTION_GenerateDataKeyWithoutPlaintext);
	ck_assert(!fields_has(&res, F_Plaintext));
	ask_decrypt(kept(), NULL);
	expect(ACTION_Decrypt);
	ck_assert_uint_eq(fields_get(&res, F_Plaintext).len, 32);
	free(id);
}
END_TEST

/* Opens what was exported to K, by libcrypto at hand. */
static struct slice
unwrapped(struct ckey *k, enum digest digest)
{
	static uint8_t out[512];
	struct outbuf o = { .p = out, .cap = sizeof(out) };
	struct alg_params p = { .alg = ALG_RSA_OAEP, .u.oaep = { .hash = digest, .mgf = digest } };
	struct use *u = NULL;

	CHECK_RC(crypto_begin(k, USE_DECRYPT, &p, &u), KMS_OK);
	CHECK_RC(use_once(u, fields_get(&res, F_ExportedDataKey), &o, NULL), KMS_OK);
	use_free(u);
	return slice_of(out, o.len);
}

START_TEST(data_keys_are_exported_to_a_public_key)
{
	struct key_spec spec = { .type = KEY_RSA, .bits = 2048 };
	char *id = new_key(NULL, NULL);
	auto_ckey *k = NULL;
	auto_buf spki = { 0 };
	uint8_t first[32];

	CHECK_RC(ckey_generate(&spec, slice_of(NULL, 0), &k), KMS_OK);
	CHECK_RC(ckey_spki(k, &spki), KMS_OK);
	about(id);
	with_bytes(F_PublicKeyBlob, buf_slice(&spki));
	with(F_WrappingKeySpec, "RSA_2048");
	with(F_WrappingAlgorithm, "RSAES_OAEP_SHA_256");
	expect(ACTION_GenerateAndExportDataKey);
	ck_assert(!fields_has(&res, F_Plaintext));
	ck_assert_uint_eq(unwrapped(k, DIGEST_SHA256).len, 32);
	memcpy(first, unwrapped(k, DIGEST_SHA256).p, 32);
	ask_decrypt(kept(), NULL);
	with_bytes(F_PublicKeyBlob, buf_slice(&spki));
	with(F_WrappingKeySpec, "RSA_2048");
	with(F_WrappingAlgorithm, "RSAES_OAEP_SHA_1");
	expect(ACTION_ExportDataKey);
	CHECK_BYTES(unwrapped(k, DIGEST_SHA1), slice_of(first, 32));
	/* Parameters that do not fit. */
	with(F_WrappingKeySpec, "EC_SM2");
	expect_error(ACTION_ExportDataKey, E_InvalidParameter);
	with(F_WrappingKeySpec, "RSA_2048");
	with_bytes(F_PublicKeyBlob, BYTES("no key"));
	expect_error(ACTION_ExportDataKey, E_InvalidParameter);
	/* More than OAEP takes. */
	about(id);
	with_bytes(F_PublicKeyBlob, buf_slice(&spki));
	with(F_WrappingKeySpec, "RSA_2048");
	with(F_WrappingAlgorithm, "RSAES_OAEP_SHA_256");
	with_number(F_NumberOfBytes, 191);
	expect_error(ACTION_GenerateAndExportDataKey, E_InvalidParameter);
	with_number(F_NumberOfBytes, 190);
	expect(ACTION_GenerateAndExportDataKey);
	free(id);
}
END_TEST

START_TEST(re_encryption_moves_a_blob_to_another_key_and_context)
{
	char *from = new_key(NULL, NULL), *to = new_key(NULL, NULL);

	encrypt(from, BYTES("secret"), CONTEXT);
	request();
	with_bytes(F_CiphertextBlob, slice_of(blob, blob_len));
	with(F_DestinationKeyId, to);
	with(F_SourceEncryptionContext, CONTEXT);
	with(F_DestinationEncryptionContext, "{\"new\":\"context\"}");
	expect(ACTION_ReEncrypt);
	check_text(F_COUNT, F_KeyId, from);
	check_opens(kept(), "{\"new\":\"context\"}", BYTES("secret"));
	check_text(F_COUNT, F_KeyId, to);
	/* The wrong source context, and a destination that is not enabled. */
	request();
	with_bytes(F_CiphertextBlob, slice_of(blob, blob_len));
	with(F_DestinationKeyId, from);
	expect_error(ACTION_ReEncrypt, E_InvalidParameter);
	about(from);
	expect(ACTION_DisableKey);
	request();
	with_bytes(F_CiphertextBlob, slice_of(blob, blob_len));
	with(F_DestinationKeyId, from);
	with(F_SourceEncryptionContext, "{\"new\":\"context\"}");
	expect_error(ACTION_ReEncrypt, E_StateDisabled);
	free(from);
	free(to);
}
END_TEST

START_TEST(keys_of_another_usage_do_not_encrypt)
{
	static const char *const specs[] = { "RSA_2048", "EC_P256", "HMAC_SHA_256" };

	for (size_t i = 0; i < ARRAY_LEN(specs); i++) {
		char *id = new_key(specs[i], NULL);

		about(id);
		with_bytes(F_Plaintext, BYTES("x"));
		expect_error(ACTION_Encrypt, E_UnsupportedOperation);
		about(id);
		expect_error(ACTION_GenerateDataKey, E_UnsupportedOperation);
		free(id);
	}
}
END_TEST

START_TEST(a_dry_run_says_how_it_would_have_ended)
{
	char *id = new_key(NULL, NULL);

	about(id);
	with_bytes(F_Plaintext, BYTES("x"));
	with_bool(F_DryRun, true);
	expect_error(ACTION_Encrypt, E_DryRunOperation);
	with(F_EncryptionContext, "[]");
	expect_error(ACTION_Encrypt, E_DryRunValidation);
	free(id);
}
END_TEST

/* KMS_TEST_BLOBS tries as many as it says. */
static long
how_many_blobs(void)
{
	const char *given = getenv("KMS_TEST_BLOBS");

	return given != NULL ? strtol(given, NULL, 10) : 20000;
}

START_TEST(random_blobs_never_decrypt)
{
	char *id = new_key(NULL, NULL);
	uint64_t state = 88172645463325252u;

	encrypt(id, BYTES("secret"), NULL);
	for (long n = how_many_blobs(), i = 0; i < n; i++) {
		struct call c = { 0 };
		uint8_t random[128];

		for (size_t j = 0; j < sizeof(random); j++) {
			state ^= state << 13;
			state ^= state >> 7;
			state ^= state << 17;
			random[j] = (uint8_t)state;
		}
		/* Half of them with a header that is good. */
		if (i % 2 == 0)
			memcpy(random, blob, 4 + 1 + 32);
		ask_decrypt(slice_of(random, 49 + state % 79), NULL);
		fields_free(&res);
		ck_assert_int_ne(backend_act(kms, &c, ACTION_Decrypt, &req, &res), KMS_OK);
		ck_assert(c.error == E_InvalidParameter || c.error == E_KeyNotFound);
	}
	free(id);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
		what_was_encrypted_is_decrypted_by_the_key_that_the_blob_names,
		every_symmetric_spec_encrypts, the_context_counts_as_a_set,
		contexts_are_objects_of_strings, no_bit_of_a_blob_can_be_changed,
		a_blob_moved_to_another_key_does_not_open,
		old_versions_open_what_they_sealed_and_new_ones_seal,
		a_key_that_is_not_enabled_neither_seals_nor_opens,
		data_keys_have_the_length_that_was_asked_for,
		data_keys_are_exported_to_a_public_key,
		re_encryption_moves_a_blob_to_another_key_and_context,
		keys_of_another_usage_do_not_encrypt, a_dry_run_says_how_it_would_have_ended,
		random_blobs_never_decrypt
	};
	Suite *s = suite_create("contract: encryption");
	TCase *t = tcase_create("encryption");

	tcase_add_checked_fixture(t, contract_setup, contract_teardown);
	for (size_t i = 0; i < ARRAY_LEN(tests); i++)
		tcase_add_test(t, tests[i]);
	suite_add_tcase(s, t);
	return contract_main(s);
}
