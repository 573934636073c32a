/* SPDX-License-Identifier: Apache-2.0 */
/* Key material that the customer brings (BYOK), and what time does to keys. */
#include "tests/contract/contract.h"

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#define DAY	 86400
#define MATERIAL BYTES("0123456789abcdef0123456789abcdef")

static char *
external_key(void)
{
	request();
	with(F_Origin, "EXTERNAL");
	expect(ACTION_CreateKey);
	return strdup(text_of(F_KeyMetadata, F_KeyId));
}

/* The customer's side: parameters are fetched, and the material encrypted with openssl. */
struct parcel {
	uint8_t token[256], cipher[256];
	size_t token_len, cipher_len;
};

static struct parcel
pack(const char *key, struct slice material, const char *algorithm)
{
	struct parcel p = { .cipher_len = sizeof(p.cipher) };
	const uint8_t *der;
	EVP_PKEY_CTX *ctx;
	EVP_PKEY *k;

	about(key);
	with(F_WrappingKeySpec, "RSA_2048");
	with(F_WrappingAlgorithm, algorithm);
	expect(ACTION_GetParametersForImport);
	p.token_len = fields_get(&res, F_ImportToken).len;
	memcpy(p.token, fields_get(&res, F_ImportToken).p, p.token_len);
	der = fields_get(&res, F_PublicKeyDer).p;
	k = d2i_PUBKEY(NULL, &der, (long)fields_get(&res, F_PublicKeyDer).len);
	ck_assert_ptr_nonnull(k);
	ctx = EVP_PKEY_CTX_new(k, NULL);
	ck_assert_int_eq(EVP_PKEY_encrypt_init(ctx), 1);
	ck_assert_int_eq(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING), 1);
	ck_assert_int_eq(EVP_PKEY_CTX_set_rsa_oaep_md(ctx,
			     strstr(algorithm, "256") != NULL ? EVP_sha256() : EVP_sha1()),
	    1);
	ck_assert_int_eq(EVP_PKEY_encrypt(ctx, p.cipher, &p.cipher_len, material.p, material.len),
	    1);
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(k);
	return p;
}

static void
send(const char *key, const struct parcel *p, int64_t expire)
{
	about(key);
	with_bytes(F_ImportToken, slice_of(p->token, p->token_len));
	with_bytes(F_EncryptedKeyMaterial, slice_of(p->cipher, p->cipher_len));
	with_number(F_KeyMaterialExpireUnix, expire);
}

static void
import(const char *key, struct slice material, int64_t expire)
{
	struct parcel p = pack(key, material, "RSAES_OAEP_SHA_256");

	send(key, &p, expire);
	expect(ACTION_ImportKeyMaterial);
}

static uint8_t blob[256];
static size_t blob_len;

static void
encrypt(const char *key)
{
	about(key);
	with_bytes(F_Plaintext, BYTES("payload"));
	expect(ACTION_Encrypt);
	blob_len = fields_get(&res, F_CiphertextBlob).len;
	memcpy(blob, fields_get(&res, F_CiphertextBlob).p, blob_len);
}

static void
ask_decrypt(void)
{
	request();
	with_bytes(F_CiphertextBlob, slice_of(blob, blob_len));
}

START_TEST(imported_material_makes_the_key_usable)
{
	static const char *const algorithms[] = { "RSAES_OAEP_SHA_256", "RSAES_OAEP_SHA_1" };

	for (size_t i = 0; i < ARRAY_LEN(algorithms); i++) {
		char *id = external_key();
		struct parcel p = pack(id, MATERIAL, algorithms[i]);

		check_text(F_COUNT, F_TokenExpireTime, "2023-11-15T22:13:20Z");
		check_state(id, "PendingImport");
		send(id, &p, 0);
		expect(ACTION_ImportKeyMaterial);
		check_state(id, "Enabled");
		check_text(F_KeyMetadata, F_Origin, "EXTERNAL");
		encrypt(id);
		ask_decrypt();
		expect(ACTION_Decrypt);
		CHECK_BYTES(fields_get(&res, F_Plaintext), BYTES("payload"));
		/* A token is good once. */
		send(id, &p, 0);
		expect_error(ACTION_ImportKeyMaterial, E_InvalidImportToken);
		free(id);
	}
}
END_TEST

START_TEST(material_that_was_deleted_opens_its_blobs_when_it_comes_again)
{
	char *id = external_key();

	import(id, MATERIAL, 0);
	encrypt(id);
	about(id);
	expect(ACTION_DeleteKeyMaterial);
	check_state(id, "PendingImport");
	ask_decrypt();
	expect_error(ACTION_Decrypt, E_StatePendingImport);
	import(id, MATERIAL, 0);
	ask_decrypt();
	expect(ACTION_Decrypt);
	CHECK_BYTES(fields_get(&res, F_Plaintext), BYTES("payload"));
	free(id);
}
END_TEST

START_TEST(other_material_than_the_first_is_refused)
{
	char *id = external_key();
	struct parcel p;

	import(id, MATERIAL, 0);
	about(id);
	expect(ACTION_DeleteKeyMaterial);
	p = pack(id, BYTES("fedcba9876543210fedcba9876543210"), "RSAES_OAEP_SHA_256");
	send(id, &p, 0);
	expect_error(ACTION_ImportKeyMaterial, E_InvalidKeyMaterial);
	check_state(id, "PendingImport");
	free(id);
}
END_TEST

START_TEST(the_same_material_in_two_keys_makes_different_keys)
{
	char *one = external_key(), *two = external_key();

	import(one, MATERIAL, 0);
	import(two, MATERIAL, 0);
	encrypt(one);
	about(two);
	expect(ACTION_ListKeyVersions);
	/* The blob said to be of the other key, and even of its version. */
	about(two);
	with_bytes(F_Plaintext, BYTES("x"));
	expect(ACTION_Encrypt);
	memcpy(blob, fields_get(&res, F_CiphertextBlob).p, 37);
	ask_decrypt();
	expect_error(ACTION_Decrypt, E_InvalidParameter);
	free(one);
	free(two);
}
END_TEST

START_TEST(tokens_belong_to_their_key_and_day)
{
	char *one = external_key(), *two = external_key();
	struct parcel p = pack(one, MATERIAL, "RSAES_OAEP_SHA_256");

	send(two, &p, 0);
	expect_error(ACTION_ImportKeyMaterial, E_InvalidImportToken);
	p.token[20] ^= 1;
	send(one, &p, 0);
	expect_error(ACTION_ImportKeyMaterial, E_InvalidImportToken);
	p.token[20] ^= 1;
	os_fake_clock(NOW + DAY);
	send(one, &p, 0);
	/* Forgotten or expired, it is not good any more. */
	expect_error(ACTION_ImportKeyMaterial, E_InvalidImportToken);
	free(one);
	free(two);
}
END_TEST

START_TEST(material_has_the_length_of_its_spec_and_is_encrypted_as_agreed)
{
	char *id = external_key();
	struct parcel p = pack(id, BYTES("too short"), "RSAES_OAEP_SHA_256");

	send(id, &p, 0);
	expect_error(ACTION_ImportKeyMaterial, E_InvalidKeyMaterial);
	p = pack(id, MATERIAL, "RSAES_OAEP_SHA_256");
	p.cipher[9] ^= 1;
	send(id, &p, 0);
	expect_error(ACTION_ImportKeyMaterial, E_InvalidKeyMaterial);
	p.cipher[9] ^= 1;
	send(id, &p, NOW);
	expect_error(ACTION_ImportKeyMaterial, E_InvalidParameter);
	/* A failure used nothing up. */
	send(id, &p, 0);
	expect(ACTION_ImportKeyMaterial);
	free(id);
}
END_TEST

START_TEST(only_external_keys_take_material)
{
	char *id = new_key(NULL, NULL);

	about(id);
	with(F_WrappingKeySpec, "RSA_2048");
	with(F_WrappingAlgorithm, "RSAES_OAEP_SHA_256");
	expect_error(ACTION_GetParametersForImport, E_UnsupportedOrigin);
	about(id);
	expect_error(ACTION_DeleteKeyMaterial, E_UnsupportedOrigin);
	free(id);
	id = external_key();
	about(id);
	with(F_WrappingKeySpec, "RSA_2048");
	with(F_WrappingAlgorithm, "RSAES_PKCS1_V1_5");
	expect_error(ACTION_GetParametersForImport, E_InvalidParameter);
	free(id);
}
END_TEST

/* -- time -- */

START_TEST(material_expires_at_its_time)
{
	char *id = external_key();

	import(id, MATERIAL, NOW + 100);
	check_state(id, "Enabled");
	check_text(F_KeyMetadata, F_MaterialExpireTime, "2023-11-14T22:15:00Z");
	encrypt(id);
	os_fake_clock(NOW + 99);
	check_state(id, "Enabled");
	os_fake_clock(NOW + 100);
	check_state(id, "PendingImport");
	ask_decrypt();
	expect_error(ACTION_Decrypt, E_StatePendingImport);
	import(id, MATERIAL, 0);
	ask_decrypt();
	expect(ACTION_Decrypt);
	free(id);
}
END_TEST

START_TEST(a_key_is_gone_when_its_window_ends)
{
	struct object_query all = { .private_too = true, .unusable_too = true };
	auto_object_refs refs = { 0 };
	char *id = new_key("RSA_2048", NULL), *other = new_key(NULL, NULL);

	about(id);
	with(F_AliasName, "alias/gone");
	expect(ACTION_CreateAlias);
	about(id);
	with_number(F_PendingWindowInDays, 7);
	expect(ACTION_ScheduleKeyDeletion);
	os_fake_clock(NOW + 7 * DAY - 1);
	check_state(id, "PendingDeletion");
	os_fake_clock(NOW + 7 * DAY);
	about(id);
	expect_error(ACTION_DescribeKey, E_KeyNotFound);
	about("alias/gone");
	expect_error(ACTION_DescribeKey, E_AliasNotFound);
	request();
	expect(ACTION_ListKeys);
	ck_assert_int_eq(fields_number(&res, F_TotalCount, 0), 1);
	CHECK_RC(backend_find(kms, NULL, &all, &refs), KMS_OK);
	ck_assert_uint_eq(refs.n, 1); /* the other key's */
	free(id);
	free(other);
}
END_TEST

START_TEST(keys_rotate_when_they_are_due_and_only_while_enabled)
{
	char *id = new_key(NULL, NULL);

	about(id);
	with_bool(F_EnableAutomaticRotation, true);
	with(F_RotationInterval, "7d");
	expect(ACTION_UpdateRotationPolicy);
	encrypt(id);
	os_fake_clock(NOW + 7 * DAY);
	about(id);
	expect(ACTION_ListKeyVersions);
	ck_assert_int_eq(fields_number(&res, F_TotalCount, 0), 2);
	about(id);
	expect(ACTION_DisableKey);
	os_fake_clock(NOW + 30 * DAY);
	about(id);
	expect(ACTION_ListKeyVersions);
	ck_assert_int_eq(fields_number(&res, F_TotalCount, 0), 2);
	about(id);
	expect(ACTION_EnableKey);
	os_fake_clock(NOW + 30 * DAY + 1);
	about(id);
	expect(ACTION_ListKeyVersions);
	ck_assert_int_eq(fields_number(&res, F_TotalCount, 0), 3);
	ask_decrypt();
	expect(ACTION_Decrypt);
	free(id);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { imported_material_makes_the_key_usable,
		material_that_was_deleted_opens_its_blobs_when_it_comes_again,
		other_material_than_the_first_is_refused,
		the_same_material_in_two_keys_makes_different_keys,
		tokens_belong_to_their_key_and_day,
		material_has_the_length_of_its_spec_and_is_encrypted_as_agreed,
		only_external_keys_take_material, material_expires_at_its_time,
		a_key_is_gone_when_its_window_ends,
		keys_rotate_when_they_are_due_and_only_while_enabled };
	Suite *s = suite_create("contract: imports and time");
	TCase *t = tcase_create("imports");

	tcase_add_checked_fixture(t, contract_setup, contract_teardown);
	for (size_t i = 0; i < ARRAY_LEN(tests); i++)
		tcase_add_test(t, tests[i]);
	suite_add_tcase(s, t);
	return contract_main(s);
}
