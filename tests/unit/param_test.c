/* SPDX-License-Identifier: Apache-2.0 */
/* Mechanism parameters: what is taken, what is refused, and that nothing of the caller's is kept.
 */
#define _GNU_SOURCE 1
#include "pkcs11/param.h"

#include "tests/unit/rv.h"

static struct params params;

/* Reads PARAM (LEN bytes) for TYPE. The parameter ends where readable memory ends. */
static CK_RV
read_param(CK_MECHANISM_TYPE type, const void *param, size_t len)
{
	CK_MECHANISM m = { type, NULL, len };

	if (param != NULL)
		memcpy(&m.pParameter, &(const void *){ guarded(slice_of(param, len)).p },
		    sizeof(void *));
	return params_read(&params, mech_find(type), &m);
}

#define READ(type, param) read_param(type, &(param), sizeof(param))

static CK_GCM_PARAMS
gcm(void)
{
	static CK_BYTE iv[12] = "nonce nonce", aad[5] = "aadaa";

	return (CK_GCM_PARAMS){ iv, sizeof(iv), 96, aad, sizeof(aad), 128 };
}

static CK_RSA_PKCS_OAEP_PARAMS
oaep(void)
{
	return (CK_RSA_PKCS_OAEP_PARAMS){ CKM_SHA256, CKG_MGF1_SHA1, 1, NULL, 0 };
}

static CK_RSA_PKCS_PSS_PARAMS
pss(void)
{
	return (CK_RSA_PKCS_PSS_PARAMS){ CKM_SHA256, CKG_MGF1_SHA256, 32 };
}

/* -- no parameter -- */

START_TEST(a_row_without_parameter_takes_none_and_ignores_a_pointer_of_no_bytes)
{
	CHECK_RV(read_param(CKM_RSA_PKCS, NULL, 0), CKR_OK);
	CHECK_RV(read_param(CKM_RSA_PKCS, "", 0), CKR_OK);
	CHECK_RV(read_param(CKM_RSA_PKCS, "x", 1), CKR_MECHANISM_PARAM_INVALID);
	CHECK_RV(read_param(CKM_RSA_PKCS, NULL, 1), CKR_MECHANISM_PARAM_INVALID);
}
END_TEST

START_TEST(algorithm_and_digest_come_from_the_row)
{
	CHECK_RV(read_param(CKM_SHA384_RSA_PKCS, NULL, 0), CKR_OK);
	ck_assert_int_eq(params.p.alg, ALG_RSA_PKCS1);
	ck_assert_int_eq(params.p.digest, DIGEST_SHA384);
}
END_TEST

START_TEST(a_mac_without_parameter_is_of_full_length)
{
	CHECK_RV(read_param(CKM_SHA512_HMAC, NULL, 0), CKR_OK);
	ck_assert_uint_eq(params.p.u.mac.len, 64);
	CHECK_RV(read_param(CKM_AES_CMAC, NULL, 0), CKR_OK);
	ck_assert_uint_eq(params.p.u.mac.len, 16);
}
END_TEST

START_TEST(a_mac_length_is_from_one_to_the_full_length)
{
	const struct {
		CK_MECHANISM_TYPE type;
		CK_ULONG len;
		CK_RV rv;
	} cases[] = {
		{ CKM_SHA_1_HMAC_GENERAL, 0, CKR_MECHANISM_PARAM_INVALID },
		{ CKM_SHA_1_HMAC_GENERAL, 1, CKR_OK },
		{ CKM_SHA_1_HMAC_GENERAL, 20, CKR_OK },
		{ CKM_SHA_1_HMAC_GENERAL, 21, CKR_MECHANISM_PARAM_INVALID },
		{ CKM_AES_CMAC_GENERAL, 16, CKR_OK },
		{ CKM_AES_CMAC_GENERAL, 17, CKR_MECHANISM_PARAM_INVALID },
		/* 1 in the lower half */
		{ CKM_AES_CMAC_GENERAL, 0x100000001, CKR_MECHANISM_PARAM_INVALID },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CHECK_RV(READ(cases[i].type, cases[i].len), cases[i].rv);
		if (cases[i].rv == CKR_OK)
			ck_assert_uint_eq(params.p.u.mac.len, cases[i].len);
	}
}
END_TEST

/* -- initial values -- */

START_TEST(a_cbc_iv_is_sixteen_bytes)
{
	CHECK_RV(read_param(CKM_AES_CBC, "0123456789abcdef", 16), CKR_OK);
	CHECK_BYTES(params.p.u.cipher.iv, BYTES("0123456789abcdef"));
	CHECK_RV(read_param(CKM_AES_CBC_PAD, "0123456789abcde", 15), CKR_MECHANISM_PARAM_INVALID);
	CHECK_RV(read_param(CKM_AES_CBC, "0123456789abcdef0", 17), CKR_MECHANISM_PARAM_INVALID);
	CHECK_RV(read_param(CKM_AES_CBC, NULL, 16), CKR_MECHANISM_PARAM_INVALID);
	CHECK_RV(read_param(CKM_AES_CBC, NULL, 0), CKR_MECHANISM_PARAM_INVALID);
}
END_TEST

START_TEST(a_key_wrap_iv_may_be_absent)
{
	CHECK_RV(read_param(CKM_AES_KEY_WRAP, NULL, 0), CKR_OK);
	ck_assert_uint_eq(params.p.u.cipher.iv.len, 0);
	CHECK_RV(read_param(CKM_AES_KEY_WRAP, "01234567", 8), CKR_OK);
	CHECK_BYTES(params.p.u.cipher.iv, BYTES("01234567"));
	CHECK_RV(read_param(CKM_AES_KEY_WRAP, "0123", 4), CKR_MECHANISM_PARAM_INVALID);
	CHECK_RV(read_param(CKM_AES_KEY_WRAP_KWP, NULL, 0), CKR_OK);
	CHECK_RV(read_param(CKM_AES_KEY_WRAP_KWP, "0123", 4), CKR_OK);
	CHECK_RV(read_param(CKM_AES_KEY_WRAP_KWP, "01234567", 8), CKR_MECHANISM_PARAM_INVALID);
}
END_TEST

START_TEST(ctr_counts_in_1_to_128_bits)
{
	CK_AES_CTR_PARAMS p = { 32, { 7 } };

	CHECK_RV(READ(CKM_AES_CTR, p), CKR_OK);
	ck_assert_uint_eq(params.p.u.cipher.counter_bits, 32);
	CHECK_BYTES(params.p.u.cipher.iv, slice_of(p.cb, 16));
	p.ulCounterBits = 128;
	CHECK_RV(READ(CKM_AES_CTR, p), CKR_OK);
	p.ulCounterBits = 0;
	CHECK_RV(READ(CKM_AES_CTR, p), CKR_MECHANISM_PARAM_INVALID);
	p.ulCounterBits = 129;
	CHECK_RV(READ(CKM_AES_CTR, p), CKR_MECHANISM_PARAM_INVALID);
	CHECK_RV(read_param(CKM_AES_CTR, &p, sizeof(p) - 1), CKR_MECHANISM_PARAM_INVALID);
}
END_TEST

/* -- GCM -- */

START_TEST(gcm_gives_iv_aad_and_tag_length)
{
	CK_GCM_PARAMS p = gcm();

	CHECK_RV(READ(CKM_AES_GCM, p), CKR_OK);
	CHECK_BYTES(params.p.u.gcm.iv, slice_of(p.pIv, p.ulIvLen));
	CHECK_BYTES(params.p.u.gcm.aad, slice_of(p.pAAD, p.ulAADLen));
	ck_assert_uint_eq(params.p.u.gcm.tag_len, 16);
}
END_TEST

START_TEST(gcm_does_not_look_at_the_iv_length_in_bits)
{
	CK_GCM_PARAMS p = gcm();

	p.ulIvBits = 12345;
	CHECK_RV(READ(CKM_AES_GCM, p), CKR_OK);
	ck_assert_uint_eq(params.p.u.gcm.iv.len, 12);
}
END_TEST

START_TEST(gcm_tags_are_those_of_the_standard)
{
	for (CK_ULONG bits = 0; bits <= 256; bits++) {
		CK_GCM_PARAMS p = gcm();
		bool good = bits == 32 || bits == 64 || bits == 96 || bits == 104 || bits == 112 ||
		    bits == 120 || bits == 128;

		p.ulTagBits = bits;
		CHECK_RV(READ(CKM_AES_GCM, p), good ? CKR_OK : CKR_MECHANISM_PARAM_INVALID);
	}
}
END_TEST

START_TEST(gcm_ivs_are_from_1_to_256_bytes)
{
	CK_BYTE iv[257] = { 0 };
	CK_GCM_PARAMS p = gcm();

	p.pIv = iv;
	p.ulIvLen = 256;
	CHECK_RV(READ(CKM_AES_GCM, p), CKR_OK);
	ck_assert_uint_eq(params.p.u.gcm.iv.len, 256);
	p.ulIvLen = 257;
	CHECK_RV(READ(CKM_AES_GCM, p), CKR_MECHANISM_PARAM_INVALID);
	p.ulIvLen = 0;
	CHECK_RV(READ(CKM_AES_GCM, p), CKR_MECHANISM_PARAM_INVALID);
	p.ulIvLen = (CK_ULONG)-1;
	CHECK_RV(READ(CKM_AES_GCM, p), CKR_MECHANISM_PARAM_INVALID);
	p.ulIvLen = 12;
	p.pIv = NULL;
	CHECK_RV(READ(CKM_AES_GCM, p), CKR_MECHANISM_PARAM_INVALID);
}
END_TEST

START_TEST(gcm_aad_may_be_empty_and_must_not_be_endless)
{
	CK_GCM_PARAMS p = gcm();

	p.pAAD = NULL;
	CHECK_RV(READ(CKM_AES_GCM, p), CKR_MECHANISM_PARAM_INVALID);
	p.ulAADLen = 0;
	CHECK_RV(READ(CKM_AES_GCM, p), CKR_OK);
	ck_assert_uint_eq(params.p.u.gcm.aad.len, 0);
	p = gcm();
	p.ulAADLen = PARAM_BYTES_MAX + 1;
	CHECK_RV(READ(CKM_AES_GCM, p), CKR_MECHANISM_PARAM_INVALID);
	p.ulAADLen = (CK_ULONG)-1;
	CHECK_RV(READ(CKM_AES_GCM, p), CKR_MECHANISM_PARAM_INVALID);
}
END_TEST

START_TEST(a_long_aad_is_copied_whole_and_a_short_one_after_it_too)
{
	CK_GCM_PARAMS p = gcm();
	CK_BYTE *aad = malloc(PARAM_BYTES_MAX);

	ck_assert_ptr_nonnull(aad);
	memset(aad, 0x5a, PARAM_BYTES_MAX);
	p.pAAD = aad;
	p.ulAADLen = PARAM_BYTES_MAX;
	CHECK_RV(READ(CKM_AES_GCM, p), CKR_OK);
	CHECK_BYTES(params.p.u.gcm.aad, slice_of(aad, PARAM_BYTES_MAX));
	CHECK_BYTES(params.p.u.gcm.iv, slice_of(p.pIv, p.ulIvLen));
	p.ulAADLen = 100;
	CHECK_RV(READ(CKM_AES_GCM, p), CKR_OK);
	CHECK_BYTES(params.p.u.gcm.aad, slice_of(aad, 100));
	p = gcm();
	CHECK_RV(READ(CKM_AES_GCM, p), CKR_OK);
	CHECK_BYTES(params.p.u.gcm.aad, slice_of(p.pAAD, p.ulAADLen));
	free(aad);
}
END_TEST

START_TEST(what_the_caller_changes_afterwards_changes_nothing)
{
	CK_BYTE iv[12] = "before befo";
	CK_GCM_PARAMS p = { iv, sizeof(iv), 96, NULL, 0, 128 };

	CHECK_RV(READ(CKM_AES_GCM, p), CKR_OK);
	memset(iv, 0, sizeof(iv));
	CHECK_BYTES(params.p.u.gcm.iv, slice_of("before befo", 12));
}
END_TEST

/* -- RSA -- */

START_TEST(oaep_takes_hash_mask_and_label)
{
	CK_RSA_PKCS_OAEP_PARAMS p = oaep();

	CHECK_RV(READ(CKM_RSA_PKCS_OAEP, p), CKR_OK);
	ck_assert_int_eq(params.p.u.oaep.hash, DIGEST_SHA256);
	ck_assert_int_eq(params.p.u.oaep.mgf, DIGEST_SHA1);
	ck_assert_uint_eq(params.p.u.oaep.label.len, 0);
	p.pSourceData = (CK_BYTE[]){ 1, 2, 3 };
	p.ulSourceDataLen = 3;
	CHECK_RV(READ(CKM_RSA_PKCS_OAEP, p), CKR_OK);
	CHECK_BYTES(params.p.u.oaep.label, BYTES("\1\2\3"));
}
END_TEST

START_TEST(oaep_knows_every_hash_by_its_mechanism_and_its_mask)
{
	const struct {
		CK_MECHANISM_TYPE hash;
		CK_ULONG mgf;
		enum digest digest;
	} cases[] = {
		{ CKM_SHA_1, CKG_MGF1_SHA1, DIGEST_SHA1 },
		{ CKM_SHA224, CKG_MGF1_SHA224, DIGEST_SHA224 },
		{ CKM_SHA256, CKG_MGF1_SHA256, DIGEST_SHA256 },
		{ CKM_SHA384, CKG_MGF1_SHA384, DIGEST_SHA384 },
		{ CKM_SHA512, CKG_MGF1_SHA512, DIGEST_SHA512 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CK_RSA_PKCS_OAEP_PARAMS p = { cases[i].hash, cases[i].mgf, 1, NULL, 0 };

		CHECK_RV(READ(CKM_RSA_PKCS_OAEP, p), CKR_OK);
		ck_assert_int_eq(params.p.u.oaep.hash, cases[i].digest);
		ck_assert_int_eq(params.p.u.oaep.mgf, cases[i].digest);
	}
}
END_TEST

START_TEST(oaep_refuses_unknown_hashes_masks_and_sources)
{
	CK_RSA_PKCS_OAEP_PARAMS p = oaep();

	p.hashAlg = CKM_MD5;
	CHECK_RV(READ(CKM_RSA_PKCS_OAEP, p), CKR_MECHANISM_PARAM_INVALID);
	p = oaep();
	p.mgf = 6;
	CHECK_RV(READ(CKM_RSA_PKCS_OAEP, p), CKR_MECHANISM_PARAM_INVALID);
	p = oaep();
	p.source = 2;
	CHECK_RV(READ(CKM_RSA_PKCS_OAEP, p), CKR_MECHANISM_PARAM_INVALID);
	p = oaep();
	p.ulSourceDataLen = 1;
	CHECK_RV(READ(CKM_RSA_PKCS_OAEP, p), CKR_MECHANISM_PARAM_INVALID);
	p.pSourceData = &p;
	p.ulSourceDataLen = (CK_ULONG)-1;
	CHECK_RV(READ(CKM_RSA_PKCS_OAEP, p), CKR_MECHANISM_PARAM_INVALID);
	p = oaep();
	CHECK_RV(read_param(CKM_RSA_PKCS_OAEP, &p, sizeof(p) - 1), CKR_MECHANISM_PARAM_INVALID);
	CHECK_RV(read_param(CKM_RSA_PKCS_OAEP, NULL, 0), CKR_MECHANISM_PARAM_INVALID);
}
END_TEST

START_TEST(oaep_without_label_may_have_source_0)
{
	CK_RSA_PKCS_OAEP_PARAMS p = oaep();
	CK_BYTE label = 1;

	p.source = 0;
	CHECK_RV(READ(CKM_RSA_PKCS_OAEP, p), CKR_OK);
	p.pSourceData = &label;
	p.ulSourceDataLen = 1;
	CHECK_RV(READ(CKM_RSA_PKCS_OAEP, p), CKR_MECHANISM_PARAM_INVALID);
}
END_TEST

START_TEST(pss_takes_hash_mask_and_salt_length)
{
	CK_RSA_PKCS_PSS_PARAMS p = pss();

	CHECK_RV(READ(CKM_RSA_PKCS_PSS, p), CKR_OK);
	ck_assert_int_eq(params.p.digest, DIGEST_NONE);
	ck_assert_int_eq(params.p.u.pss.hash, DIGEST_SHA256);
	ck_assert_int_eq(params.p.u.pss.mgf, DIGEST_SHA256);
	ck_assert_uint_eq(params.p.u.pss.salt_len, 32);
}
END_TEST

START_TEST(pss_with_a_message_digest_takes_no_other_hash)
{
	CK_RSA_PKCS_PSS_PARAMS p = pss();

	CHECK_RV(READ(CKM_SHA256_RSA_PKCS_PSS, p), CKR_OK);
	ck_assert_int_eq(params.p.digest, DIGEST_SHA256);
	CHECK_RV(READ(CKM_SHA384_RSA_PKCS_PSS, p), CKR_MECHANISM_PARAM_INVALID);
}
END_TEST

START_TEST(pss_salts_that_no_key_can_hold_are_refused)
{
	CK_RSA_PKCS_PSS_PARAMS p = pss();

	p.sLen = 0;
	CHECK_RV(READ(CKM_RSA_PKCS_PSS, p), CKR_OK);
	p.sLen = 1024 - 2 - 32;
	CHECK_RV(READ(CKM_RSA_PKCS_PSS, p), CKR_OK);
	p.sLen++;
	CHECK_RV(READ(CKM_RSA_PKCS_PSS, p), CKR_MECHANISM_PARAM_INVALID);
	p.sLen = 0x100000020;
	CHECK_RV(READ(CKM_RSA_PKCS_PSS, p), CKR_MECHANISM_PARAM_INVALID);
}
END_TEST

/* -- EC -- */

/* A point of LEN bytes, raw or in an OCTET STRING, as ECDH1's parameter. */
static CK_RV
read_point(size_t len, bool wrapped)
{
	CK_BYTE point[140] = { 0 };
	size_t head = !wrapped ? 0 : len < 128 ? 2 : 3;
	CK_ECDH1_DERIVE_PARAMS p = { CKD_NULL, 0, NULL, head + len, NULL };
	CK_RV rv;

	point[0] = 4;
	if (wrapped)
		point[1] = head == 2 ? (CK_BYTE)len : 0x81;
	if (head == 3)
		point[2] = (CK_BYTE)len;
	point[head] = 4;
	point[head + 1] = 0x77;
	p.pPublicData = malloc(head + len);
	memcpy(p.pPublicData, point, head + len);
	rv = READ(CKM_ECDH1_DERIVE, p);
	free(p.pPublicData);
	if (rv == CKR_OK) {
		ck_assert_uint_eq(params.p.u.ecdh.peer.len, len);
		ck_assert_uint_eq(params.p.u.ecdh.peer.p[0], 4);
		ck_assert_uint_eq(params.p.u.ecdh.peer.p[1], 0x77);
	}
	return rv;
}

START_TEST(ecdh_takes_points_raw_and_as_octet_strings)
{
	CHECK_RV(read_point(65, false), CKR_OK);
	CHECK_RV(read_point(97, false), CKR_OK);
	CHECK_RV(read_point(133, false), CKR_OK);
	CHECK_RV(read_point(65, true), CKR_OK);
	CHECK_RV(read_point(97, true), CKR_OK);
	CHECK_RV(read_point(133, true), CKR_OK);
}
END_TEST

START_TEST(ecdh_refuses_points_of_other_lengths_and_forms)
{
	CK_BYTE compressed[65] = { 2 };
	CK_ECDH1_DERIVE_PARAMS p = { CKD_NULL, 0, NULL, sizeof(compressed), compressed };

	CHECK_RV(read_point(66, false), CKR_MECHANISM_PARAM_INVALID);
	CHECK_RV(read_point(64, true), CKR_MECHANISM_PARAM_INVALID);
	CHECK_RV(READ(CKM_ECDH1_DERIVE, p), CKR_MECHANISM_PARAM_INVALID);
	p.ulPublicDataLen = 0;
	CHECK_RV(READ(CKM_ECDH1_DERIVE, p), CKR_MECHANISM_PARAM_INVALID);
	p.ulPublicDataLen = (CK_ULONG)-1;
	CHECK_RV(READ(CKM_ECDH1_DERIVE, p), CKR_MECHANISM_PARAM_INVALID);
	p.pPublicData = NULL;
	p.ulPublicDataLen = 65;
	CHECK_RV(READ(CKM_ECDH1_DERIVE, p), CKR_MECHANISM_PARAM_INVALID);
}
END_TEST

START_TEST(ecdh_has_no_kdf_and_no_shared_data)
{
	CK_BYTE point[65] = { 4 };
	CK_ECDH1_DERIVE_PARAMS p = { CKD_SHA256_KDF, 0, NULL, sizeof(point), point };

	CHECK_RV(READ(CKM_ECDH1_DERIVE, p), CKR_MECHANISM_PARAM_INVALID);
	p.kdf = CKD_NULL;
	p.ulSharedDataLen = 1;
	p.pSharedData = point;
	CHECK_RV(READ(CKM_ECDH1_DERIVE, p), CKR_MECHANISM_PARAM_INVALID);
	p.ulSharedDataLen = 0;
	CHECK_RV(READ(CKM_ECDH1_DERIVE, p), CKR_OK);
}
END_TEST

START_TEST(eddsa_is_pure_ed25519_alone)
{
	CK_EDDSA_PARAMS p = { CK_FALSE, 0, NULL };

	CHECK_RV(read_param(CKM_EDDSA, NULL, 0), CKR_OK);
	CHECK_RV(READ(CKM_EDDSA, p), CKR_OK);
	p.phFlag = CK_TRUE;
	CHECK_RV(READ(CKM_EDDSA, p), CKR_MECHANISM_PARAM_INVALID);
	p = (CK_EDDSA_PARAMS){ CK_FALSE, 1, (CK_BYTE *)&p };
	CHECK_RV(READ(CKM_EDDSA, p), CKR_MECHANISM_PARAM_INVALID);
	CHECK_RV(read_param(CKM_EDDSA, &p, 1), CKR_MECHANISM_PARAM_INVALID);
}
END_TEST

/* -- memory -- */

START_TEST(mechanism_and_parameter_may_be_misaligned)
{
	CK_GCM_PARAMS p = gcm();
	CK_BYTE raw[1 + sizeof(p)], mech[1 + sizeof(CK_MECHANISM)];
	CK_MECHANISM m = { CKM_AES_GCM, raw + 1, sizeof(p) };
	CK_MECHANISM *misaligned;

	memcpy(raw + 1, &p, sizeof(p));
	memcpy(mech + 1, &m, sizeof(m));
	memcpy(&misaligned, &(CK_BYTE *){ mech + 1 }, sizeof(misaligned));
	CHECK_RV(params_read(&params, mech_find(CKM_AES_GCM), misaligned), CKR_OK);
	ck_assert_uint_eq(params.p.u.gcm.iv.len, 12);
}
END_TEST

START_TEST(every_row_with_a_parameter_refuses_one_byte_and_a_megabyte_of_it)
{
	size_t n, i;
	const struct mech *rows = mech_rows(&n);
	CK_BYTE byte = 0;

	for (i = 0; i < n; i++) {
		/* One byte is an id. */
		CHECK_RV(read_param(rows[i].type, &byte, 1),
		    rows[i].param == PARAM_SM2_ID ? CKR_OK : CKR_MECHANISM_PARAM_INVALID);
		CHECK_RV(params_read(&params, &rows[i],
			     &(CK_MECHANISM){ rows[i].type, &byte, 1u << 20 }),
		    CKR_MECHANISM_PARAM_INVALID);
	}
}
END_TEST

START_TEST(freed_params_can_be_used_again)
{
	CK_GCM_PARAMS p = gcm();
	CK_BYTE aad[100] = { 1 };

	p.pAAD = aad;
	p.ulAADLen = sizeof(aad);
	CHECK_RV(READ(CKM_AES_GCM, p), CKR_OK);
	params_free(&params);
	params_free(&params);
	params_free(NULL);
	CHECK_RV(READ(CKM_AES_GCM, p), CKR_OK);
	CHECK_BYTES(params.p.u.gcm.aad, slice_of(aad, sizeof(aad)));
}
END_TEST

static void
teardown(void)
{
	params_free(&params);
}

int
main(void)
{
	Suite *s = suite_create("param");
	TCase *c = tcase_create("param");
	const TTest *const tests[] = {
		a_row_without_parameter_takes_none_and_ignores_a_pointer_of_no_bytes,
		algorithm_and_digest_come_from_the_row,
		a_mac_without_parameter_is_of_full_length,
		a_mac_length_is_from_one_to_the_full_length,
		a_cbc_iv_is_sixteen_bytes,
		a_key_wrap_iv_may_be_absent,
		ctr_counts_in_1_to_128_bits,
		gcm_gives_iv_aad_and_tag_length,
		gcm_does_not_look_at_the_iv_length_in_bits,
		gcm_tags_are_those_of_the_standard,
		gcm_ivs_are_from_1_to_256_bytes,
		gcm_aad_may_be_empty_and_must_not_be_endless,
		a_long_aad_is_copied_whole_and_a_short_one_after_it_too,
		what_the_caller_changes_afterwards_changes_nothing,
		oaep_takes_hash_mask_and_label,
		oaep_knows_every_hash_by_its_mechanism_and_its_mask,
		oaep_refuses_unknown_hashes_masks_and_sources,
		oaep_without_label_may_have_source_0,
		pss_takes_hash_mask_and_salt_length,
		pss_with_a_message_digest_takes_no_other_hash,
		pss_salts_that_no_key_can_hold_are_refused,
		ecdh_takes_points_raw_and_as_octet_strings,
		ecdh_refuses_points_of_other_lengths_and_forms,
		ecdh_has_no_kdf_and_no_shared_data,
		eddsa_is_pure_ed25519_alone,
		mechanism_and_parameter_may_be_misaligned,
		every_row_with_a_parameter_refuses_one_byte_and_a_megabyte_of_it,
		freed_params_can_be_used_again,
	};

	tcase_add_checked_fixture(c, NULL, teardown);
	for (size_t i = 0; i < ARRAY_LEN(tests); i++)
		tcase_add_test(c, tests[i]);
	suite_add_tcase(s, c);
	return unit_main(s);
}
