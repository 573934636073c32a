/* SPDX-License-Identifier: Apache-2.0 */
/* Where keys come from: derivation, generation, import by components, and the sizes they may have.
 */
#include "tests/p11/matrix.h"

/* -- derivation ---------------------------------------------------------------------------- */

static CK_MECHANISM
ecdh(CK_ECDH1_DERIVE_PARAMS *p, CK_BYTE *point, size_t n)
{
	memset(p, 0, sizeof(*p));
	p->kdf = CKD_NULL;
	p->pPublicData = point;
	p->ulPublicDataLen = n;
	return (CK_MECHANISM){ CKM_ECDH1_DERIVE, p, sizeof(*p) };
}

START_TEST(ecdh_agrees_with_libcrypto)
{
	CK_BYTE want[66], got[66], point[200];
	CK_ECDH1_DERIVE_PARAMS p;
	CK_MECHANISM m;
	CK_OBJECT_HANDLE base = import_private(CKK_EC, true), key;
	size_t n;
	const CK_BYTE *peer = ref_peer_point(&n);

	ck_assert_uint_eq(ref_derive(want, sizeof(want)), 32);
	for (int wrapped = 0; wrapped < 2; wrapped++)
		for (CK_ULONG len = 0; len <= 32; len += 16) {
			struct tmpl t = { .n = 0 };

			/* 6.3.18: the point raw or as a DER octet string */
			point[0] = 4;
			point[1] = (CK_BYTE)n;
			memcpy(point + 2 * wrapped, peer, n);
			m = ecdh(&p, point, n + 2 * (size_t)wrapped);
			t_secret(&t, CKK_GENERIC_SECRET);
			if (len > 0)
				t_ulong(&t, CKA_VALUE_LEN, len);
			CHECK_OK(p11->C_DeriveKey(hs, &m, base, t.v, t.n, &key));
			ck_assert_uint_eq(get_bytes(key, CKA_VALUE, got, sizeof(got)),
			    len == 0 ? 32 : len);
			/* 6.3.18: what is too long loses its leading bytes */
			if (len > 0)
				ck_assert_mem_eq(got, want + 32 - len, len);
			else
				ck_assert_mem_eq(got, want, 32);
			ck_assert(!get_bool(key, CKA_LOCAL));
		}
}
END_TEST

START_TEST(a_derived_key_inherits_its_base_s_past)
{
	CK_ECDH1_DERIVE_PARAMS p;
	CK_OBJECT_HANDLE pub, base, key;
	struct tmpl a = { .n = 0 }, b = { .n = 0 }, t = { .n = 0 };
	CK_MECHANISM gen = { CKM_EC_KEY_PAIR_GEN, NULL, 0 }, m;
	size_t n;
	const CK_BYTE *peer = ref_peer_point(&n);

	t_public(&a, CKK_EC);
	t_bytes(&a, CKA_EC_PARAMS, ec_p256, sizeof(ec_p256));
	t_private(&b, CKK_EC);
	t_set_bool(&b, CKA_SENSITIVE, true);
	t_set_bool(&b, CKA_EXTRACTABLE, false);
	CHECK_OK(p11->C_GenerateKeyPair(hs, &gen, a.v, a.n, b.v, b.n, &pub, &base));
	m = ecdh(&p, (CK_BYTE *)(uintptr_t)peer, n);
	t_secret(&t, CKK_AES);
	t_ulong(&t, CKA_VALUE_LEN, 32);
	t_set_bool(&t, CKA_SENSITIVE, true);
	t_set_bool(&t, CKA_EXTRACTABLE, false);
	CHECK_OK(p11->C_DeriveKey(hs, &m, base, t.v, t.n, &key));
	ck_assert(get_bool(key, CKA_ALWAYS_SENSITIVE) && get_bool(key, CKA_NEVER_EXTRACTABLE));
	CHECK_OK(use_aes(hs, key));
	t_set_bool(&t, CKA_SENSITIVE, false);
	t_set_bool(&t, CKA_EXTRACTABLE, true);
	CHECK_OK(p11->C_DeriveKey(hs, &m, base, t.v, t.n, &key));
	ck_assert(!get_bool(key, CKA_ALWAYS_SENSITIVE) && !get_bool(key, CKA_NEVER_EXTRACTABLE));
	CHECK_OK(p11->C_DeriveKey(hs, &m, import_private(CKK_EC, true), t.v, t.n, &key));
	ck_assert(!get_bool(key, CKA_ALWAYS_SENSITIVE) && !get_bool(key, CKA_NEVER_EXTRACTABLE));
}
END_TEST

START_TEST(a_derive_template_is_added_and_must_not_be_contradicted)
{
	CK_ULONG len = 16;
	CK_BBOOL no = CK_FALSE;
	CK_ATTRIBUTE inner[] = { { CKA_VALUE_LEN, &len, sizeof(len) }, { CKA_SIGN, &no, 1 } };
	CK_ECDH1_DERIVE_PARAMS p;
	CK_OBJECT_HANDLE base, key;
	CK_BYTE secret[66], got[66];
	struct tmpl t = { .n = 0 };
	CK_MECHANISM m;
	size_t n;
	const CK_BYTE *peer = ref_peer_point(&n);

	t_known_private(&t, CKK_EC);
	t_bytes(&t, CKA_DERIVE_TEMPLATE, inner, sizeof(inner));
	CHECK_OK(create(hs, &t, &base));
	m = ecdh(&p, (CK_BYTE *)(uintptr_t)peer, n);
	t.n = 0;
	t_secret(&t, CKK_GENERIC_SECRET);
	CHECK_RV(p11->C_DeriveKey(hs, &m, base, t.v, t.n, &key), CKR_TEMPLATE_INCONSISTENT);
	t_drop(&t, CKA_SIGN);
	CHECK_OK(p11->C_DeriveKey(hs, &m, base, t.v, t.n, &key));
	ck_assert(!get_bool(key, CKA_SIGN));
	ck_assert_uint_eq(get_ulong(key, CKA_VALUE_LEN), 16);
	ck_assert_uint_eq(get_bytes(key, CKA_VALUE, got, sizeof(got)), 16);
	ck_assert_uint_eq(ref_derive(secret, sizeof(secret)), 32);
	ck_assert_mem_eq(got, secret + 16, 16); /* cut at the leading end */
	t_ulong(&t, CKA_VALUE_LEN, 32);
	CHECK_RV(p11->C_DeriveKey(hs, &m, base, t.v, t.n, &key), CKR_TEMPLATE_INCONSISTENT);
}
END_TEST

START_TEST(ecdh_refuses_bad_points_keys_and_parameters)
{
	CK_BYTE point[200] = { 4 };
	CK_ECDH1_DERIVE_PARAMS p;
	CK_MECHANISM m;
	CK_OBJECT_HANDLE base = import_private(CKK_EC, true), key;
	struct tmpl t = { .n = 0 };
	size_t n;
	const CK_BYTE *peer = ref_peer_point(&n);

	t_secret(&t, CKK_GENERIC_SECRET);
	memcpy(point, peer, n);
	m = ecdh(&p, point, n - 1);
	CHECK_RV(p11->C_DeriveKey(hs, &m, base, t.v, t.n, &key), CKR_MECHANISM_PARAM_INVALID);
	m = ecdh(&p, NULL, n);
	CHECK_IN(p11->C_DeriveKey(hs, &m, base, t.v, t.n, &key), CKR_MECHANISM_PARAM_INVALID,
	    CKR_ARGUMENTS_BAD);
	m = ecdh(&p, point, (size_t)-1 / 2);
	CHECK_RV(p11->C_DeriveKey(hs, &m, base, t.v, t.n, &key), CKR_MECHANISM_PARAM_INVALID);
	m = ecdh(&p, point, n);
	p.kdf = 0x7777;
	CHECK_RV(p11->C_DeriveKey(hs, &m, base, t.v, t.n, &key), CKR_MECHANISM_PARAM_INVALID);
	m = ecdh(&p, point, n);
	m.ulParameterLen--;
	CHECK_RV(p11->C_DeriveKey(hs, &m, base, t.v, t.n, &key), CKR_MECHANISM_PARAM_INVALID);
	m = ecdh(&p, point, n);
	point[40] ^= 1; /* off the curve */
	CHECK_RV(p11->C_DeriveKey(hs, &m, base, t.v, t.n, &key), CKR_MECHANISM_PARAM_INVALID);
	point[40] ^= 1;
	CHECK_RV(p11->C_DeriveKey(hs, &m, import_private(CKK_EC, false), t.v, t.n, &key),
	    CKR_KEY_FUNCTION_NOT_PERMITTED);
	CHECK_RV(p11->C_DeriveKey(hs, &m, import_private(CKK_RSA, true), t.v, t.n, &key),
	    CKR_KEY_TYPE_INCONSISTENT);
	CHECK_RV(p11->C_DeriveKey(hs, &m, 0, t.v, t.n, &key), CKR_KEY_HANDLE_INVALID);
	CHECK_RV(p11->C_DeriveKey(hs, &m, base, t.v, t.n, NULL), CKR_ARGUMENTS_BAD);
	t_ulong(&t, CKA_VALUE_LEN, 33);
	CHECK_IN(p11->C_DeriveKey(hs, &m, base, t.v, t.n, &key), CKR_TEMPLATE_INCONSISTENT,
	    CKR_KEY_SIZE_RANGE, CKR_ATTRIBUTE_VALUE_INVALID);
}
END_TEST

/* -- generation ---------------------------------------------------------------------------- */

START_TEST(aes_keys_are_generated_in_every_size_and_no_other)
{
	static const struct {
		CK_ULONG len;
		bool good;
	} sizes[] = { { 16, true }, { 24, true }, { 32, true }, { 0, false }, { 8, false },
		{ 33, false }, { (CK_ULONG)-1, false } };

	for (size_t i = 0; i < N(sizes); i++) {
		struct tmpl t = { .n = 0 };
		CK_OBJECT_HANDLE key;

		t_secret(&t, CKK_AES);
		t_ulong(&t, CKA_VALUE_LEN, sizes[i].len);
		if (!sizes[i].good) {
			CHECK_IN(generate_secret(hs, CKM_AES_KEY_GEN, &t, &key),
			    CKR_ATTRIBUTE_VALUE_INVALID, CKR_KEY_SIZE_RANGE,
			    CKR_TEMPLATE_INCONSISTENT);
			continue;
		}
		CHECK_OK(generate_secret(hs, CKM_AES_KEY_GEN, &t, &key));
		ck_assert_uint_eq(get_ulong(key, CKA_VALUE_LEN), sizes[i].len);
		CHECK_OK(use_aes(hs, key));
	}
}
END_TEST

START_TEST(generate_key_checks_its_template)
{
	CK_MECHANISM m = { CKM_AES_KEY_GEN, NULL, 0 };
	struct tmpl t = { .n = 0 };
	CK_OBJECT_HANDLE key;

	t_secret(&t, CKK_AES);
	CHECK_RV(generate_secret(hs, CKM_AES_KEY_GEN, &t, &key), CKR_TEMPLATE_INCOMPLETE);
	t_ulong(&t, CKA_VALUE_LEN, 16);
	t_bytes(&t, CKA_VALUE, secret_value, 16);
	CHECK_IN(generate_secret(hs, CKM_AES_KEY_GEN, &t, &key), CKR_ATTRIBUTE_READ_ONLY,
	    CKR_TEMPLATE_INCONSISTENT);
	t.n = 0;
	t_secret(&t, CKK_GENERIC_SECRET);
	t_ulong(&t, CKA_VALUE_LEN, 16);
	CHECK_RV(generate_secret(hs, CKM_AES_KEY_GEN, &t, &key), CKR_TEMPLATE_INCONSISTENT);
	t.n = 0;
	t_ulong(&t, CKA_CLASS, CKO_PUBLIC_KEY);
	t_ulong(&t, CKA_VALUE_LEN, 16);
	CHECK_RV(generate_secret(hs, CKM_AES_KEY_GEN, &t, &key), CKR_TEMPLATE_INCONSISTENT);
	CHECK_RV(generate_secret(hs, CKM_AES_CBC, &t, &key), CKR_MECHANISM_INVALID);
	CHECK_RV(generate_secret(hs, CKM_EC_KEY_PAIR_GEN, &t, &key), CKR_MECHANISM_INVALID);
	CHECK_RV(p11->C_GenerateKey(hs, NULL, t.v, t.n, &key), CKR_ARGUMENTS_BAD);
	t.n = 0;
	t_ulong(&t, CKA_VALUE_LEN, 16);
	CHECK_RV(p11->C_GenerateKey(hs, &m, t.v, t.n, NULL), CKR_ARGUMENTS_BAD);
	CHECK_RV(p11->C_GenerateKey(hs, &m, NULL, 2, &key), CKR_ARGUMENTS_BAD);
	t_bytes(&t, CKA_CHECK_VALUE, "abc", 3); /* of a key that nobody knows yet */
	CHECK_RV(p11->C_GenerateKey(hs, &m, t.v, t.n, &key), CKR_ATTRIBUTE_VALUE_INVALID);
	t.n = 0;
	t_ulong(&t, CKA_VALUE_LEN, 16);
	ck_assert_uint_eq(find_all(hs, &t, NULL), 0);
}
END_TEST

START_TEST(every_curve_signs_and_verifies)
{
	static const struct {
		const CK_BYTE *oid;
		size_t len;
		CK_ULONG sig;
		CK_MECHANISM_TYPE gen, sign;
	} curves[] = {
		{ ec_p256, sizeof(ec_p256), 64, CKM_EC_KEY_PAIR_GEN, CKM_ECDSA_SHA256 },
		{ ec_p384, sizeof(ec_p384), 96, CKM_EC_KEY_PAIR_GEN, CKM_ECDSA_SHA384 },
		{ ec_p521, sizeof(ec_p521), 132, CKM_EC_KEY_PAIR_GEN, CKM_ECDSA_SHA512 },
		{ ec_p256k, sizeof(ec_p256k), 64, CKM_EC_KEY_PAIR_GEN, CKM_ECDSA_SHA256 },
		{ ec_ed25519_oid, sizeof(ec_ed25519_oid), 64, CKM_EC_EDWARDS_KEY_PAIR_GEN,
		    CKM_EDDSA },
		{ ec_ed25519_name, sizeof(ec_ed25519_name), 64, CKM_EC_EDWARDS_KEY_PAIR_GEN,
		    CKM_EDDSA },
	};
	CK_KEY_TYPE type = curves[_i].sign == CKM_EDDSA ? CKK_EC_EDWARDS : CKK_EC;
	CK_MECHANISM gen = { curves[_i].gen, NULL, 0 }, sign = { curves[_i].sign, NULL, 0 };
	struct tmpl a = { .n = 0 }, b = { .n = 0 };
	CK_OBJECT_HANDLE pub, priv;
	CK_BYTE sig[200], point[200];
	CK_ULONG n;

	t_public(&a, type);
	t_bytes(&a, CKA_EC_PARAMS, curves[_i].oid, curves[_i].len);
	t_private(&b, type);
	CHECK_OK(p11->C_GenerateKeyPair(hs, &gen, a.v, a.n, b.v, b.n, &pub, &priv));
	for (int i = 0; i < 20; i++) { /* short r and s must be padded */
		CK_BYTE msg[2] = { (CK_BYTE)i, 1 };

		n = sizeof(sig);
		CHECK_OK(p11->C_SignInit(hs, &sign, priv));
		CHECK_OK(p11->C_Sign(hs, msg, sizeof(msg), sig, &n));
		ck_assert_uint_eq(n, curves[_i].sig);
		CHECK_OK(p11->C_VerifyInit(hs, &sign, pub));
		CHECK_OK(p11->C_Verify(hs, msg, sizeof(msg), sig, n));
	}
	n = get_bytes(pub, CKA_EC_POINT, point, sizeof(point));
	ck_assert_uint_eq(point[0], 4); /* a DER octet string */
	ck_assert_uint_gt(n, 32);
	CHECK_OK(get_rv(priv, CKA_EC_PARAMS));
}
END_TEST

START_TEST(unknown_curves_are_refused)
{
	static const CK_BYTE secp224r1[] = { 6, 5, 0x2b, 0x81, 4, 0, 33 }, junk[] = { 1, 2, 3 };
	CK_MECHANISM gen = { CKM_EC_KEY_PAIR_GEN, NULL, 0 };
	CK_OBJECT_HANDLE pub, priv;
	struct tmpl a = { .n = 0 }, b = { .n = 0 };

	CHECK_RV(p11->C_GenerateKeyPair(hs, &gen, a.v, a.n, b.v, b.n, &pub, &priv),
	    CKR_TEMPLATE_INCOMPLETE);
	t_bytes(&a, CKA_EC_PARAMS, secp224r1, sizeof(secp224r1));
	CHECK_RV(p11->C_GenerateKeyPair(hs, &gen, a.v, a.n, b.v, b.n, &pub, &priv),
	    CKR_CURVE_NOT_SUPPORTED);
	a.n = 0;
	t_bytes(&a, CKA_EC_PARAMS, junk, sizeof(junk));
	CHECK_RV(p11->C_GenerateKeyPair(hs, &gen, a.v, a.n, b.v, b.n, &pub, &priv),
	    CKR_DOMAIN_PARAMS_INVALID);
	a.n = 0;
	t_bytes(&a, CKA_EC_PARAMS, ec_ed25519_oid, sizeof(ec_ed25519_oid));
	CHECK_RV(p11->C_GenerateKeyPair(hs, &gen, a.v, a.n, b.v, b.n, &pub, &priv),
	    CKR_CURVE_NOT_SUPPORTED);
	ck_assert_uint_eq(find_all(hs,
			      &(struct tmpl){ .n = 1,
				  .v[0] = { CKA_CLASS, &(CK_OBJECT_CLASS){ CKO_PUBLIC_KEY },
				      sizeof(CK_OBJECT_CLASS) } },
			      NULL),
	    0);
}
END_TEST

START_TEST(rsa_pairs_are_generated_as_asked)
{
	CK_MECHANISM gen = { CKM_RSA_PKCS_KEY_PAIR_GEN, NULL, 0 },
		     sign = { CKM_SHA256_RSA_PKCS, NULL, 0 };
	CK_BYTE e3[] = { 3 }, e65537[] = { 0, 1, 0, 1 }, got[600], sig[512];
	CK_ULONG n = sizeof(sig);
	CK_OBJECT_HANDLE pub, priv;
	struct tmpl a = { .n = 0 }, b = { .n = 0 };

	t_public(&a, CKK_RSA);
	t_ulong(&a, CKA_MODULUS_BITS, 2048);
	t_bytes(&a, CKA_PUBLIC_EXPONENT, e65537, sizeof(e65537));
	t_private(&b, CKK_RSA);
	CHECK_OK(p11->C_GenerateKeyPair(hs, &gen, a.v, a.n, b.v, b.n, &pub, &priv));
	ck_assert_uint_eq(get_bytes(pub, CKA_MODULUS, got, sizeof(got)), 256);
	ck_assert_uint_ge(got[0], 0x80);
	ck_assert_uint_eq(get_ulong(pub, CKA_MODULUS_BITS), 2048);
	ck_assert_uint_eq(get_bytes(pub, CKA_PUBLIC_EXPONENT, got, sizeof(got)), 3);
	ck_assert_uint_eq(get_bytes(priv, CKA_PUBLIC_EXPONENT, got, sizeof(got)), 3);
	CHECK_OK(p11->C_SignInit(hs, &sign, priv));
	CHECK_OK(p11->C_Sign(hs, e3, 1, sig, &n));
	CHECK_OK(p11->C_VerifyInit(hs, &sign, pub));
	CHECK_OK(p11->C_Verify(hs, e3, 1, sig, n));

	/* what conformance suites work with */
	a.n = 0;
	t_ulong(&a, CKA_MODULUS_BITS, 1024);
	CHECK_OK(p11->C_GenerateKeyPair(hs, &gen, a.v, a.n, b.v, b.n, &pub, &priv));
	ck_assert_uint_eq(get_bytes(pub, CKA_MODULUS, got, sizeof(got)), 128);
	n = sizeof(sig);
	CHECK_OK(p11->C_SignInit(hs, &sign, priv));
	CHECK_OK(p11->C_Sign(hs, e3, 1, sig, &n));
	ck_assert_uint_eq(n, 128);

	a.n = 0;
	t_ulong(&a, CKA_MODULUS_BITS, 512);
	CHECK_IN(p11->C_GenerateKeyPair(hs, &gen, a.v, a.n, b.v, b.n, &pub, &priv),
	    CKR_KEY_SIZE_RANGE, CKR_ATTRIBUTE_VALUE_INVALID);
	a.n = 0;
	t_ulong(&a, CKA_MODULUS_BITS, 1UL << 40);
	CHECK_IN(p11->C_GenerateKeyPair(hs, &gen, a.v, a.n, b.v, b.n, &pub, &priv),
	    CKR_KEY_SIZE_RANGE, CKR_ATTRIBUTE_VALUE_INVALID);
	a.n = 0;
	CHECK_RV(p11->C_GenerateKeyPair(hs, &gen, a.v, a.n, b.v, b.n, &pub, &priv),
	    CKR_TEMPLATE_INCOMPLETE);
	t_ulong(&a, CKA_MODULUS_BITS, 2048);
	t_bytes(&a, CKA_PUBLIC_EXPONENT, "\x02", 1);
	CHECK_RV(p11->C_GenerateKeyPair(hs, &gen, a.v, a.n, b.v, b.n, &pub, &priv),
	    CKR_TEMPLATE_INCONSISTENT);
	CHECK_RV(p11->C_GenerateKeyPair(hs, &gen, a.v, a.n, b.v, b.n, NULL, &priv),
	    CKR_ARGUMENTS_BAD);
	CHECK_RV(p11->C_GenerateKeyPair(hs, &gen, a.v, a.n, b.v, b.n, &pub, NULL),
	    CKR_ARGUMENTS_BAD);
}
END_TEST

START_TEST(a_pair_is_made_whole_or_not_at_all)
{
	CK_MECHANISM gen = { CKM_EC_KEY_PAIR_GEN, NULL, 0 };
	CK_OBJECT_HANDLE pub, priv;
	struct tmpl a = { .n = 0 }, b = { .n = 0 };

	t_public(&a, CKK_EC);
	t_bytes(&a, CKA_EC_PARAMS, ec_p256, sizeof(ec_p256));
	t_text(&a, CKA_LABEL, "half");
	t_private(&b, CKK_EC);
	t_text(&b, CKA_LABEL, "half");
	t_bool(&b, CKA_LOCAL, true);
	CHECK_IN(p11->C_GenerateKeyPair(hs, &gen, a.v, a.n, b.v, b.n, &pub, &priv),
	    CKR_ATTRIBUTE_READ_ONLY, CKR_TEMPLATE_INCONSISTENT);
	ck_assert_uint_eq(find_label(hs, "half"), 0);
}
END_TEST

START_TEST(rsa_imports_with_all_parts_or_the_least)
{
	static const CK_ATTRIBUTE_TYPE crt[] = { CKA_PRIME_1, CKA_PRIME_2, CKA_EXPONENT_1,
		CKA_EXPONENT_2, CKA_COEFFICIENT };
	CK_MECHANISM sign = { CKM_SHA256_RSA_PKCS, NULL, 0 };
	CK_OBJECT_HANDLE priv, pub = import_public(CKK_RSA, true);
	CK_BYTE sig[512];
	CK_ULONG n = sizeof(sig);
	struct tmpl t = { .n = 0 };

	t_known_private(&t, CKK_RSA);
	for (size_t i = 0; i < N(crt); i++)
		t_drop(&t, crt[i]);
	CHECK_OK(create(hs, &t, &priv));
	CHECK_OK(p11->C_SignInit(hs, &sign, priv));
	CHECK_OK(p11->C_Sign(hs, sig, 3, sig, &n));
	ck_assert_uint_eq(n, 256);
	t.n = 0;
	t_known_private(&t, CKK_RSA);
	CHECK_OK(create(hs, &t, &priv));
	n = sizeof(sig);
	CHECK_OK(p11->C_SignInit(hs, &sign, priv));
	CHECK_OK(p11->C_Sign(hs, BYTES("x"), sig, &n));
	CHECK_OK(p11->C_VerifyInit(hs, &sign, pub));
	CHECK_OK(p11->C_Verify(hs, BYTES("x"), sig, n));
}
END_TEST

START_TEST(parts_of_different_keys_are_refused)
{
	struct tmpl t = { .n = 0 };
	CK_OBJECT_HANDLE o;
	CK_BYTE other[128];

	memset(other, 0xa5, sizeof(other));
	t_known_private(&t, CKK_RSA);
	t_drop(&t, CKA_PRIME_1);
	t_bytes(&t, CKA_PRIME_1, other, sizeof(other));
	CHECK_IN(create(hs, &t, &o), CKR_ATTRIBUTE_VALUE_INVALID, CKR_TEMPLATE_INCONSISTENT);
}
END_TEST

/* -- sizes --------------------------------------------------------------------------------- */

static CK_RV
import_modulus(CK_ULONG bits, CK_OBJECT_HANDLE *ret)
{
	static CK_BYTE n[1100];
	struct tmpl t = { .n = 0 };

	memset(n, 0xff, sizeof(n));
	t_public(&t, CKK_RSA);
	t_bytes(&t, CKA_MODULUS, n, bits / 8);
	t_bytes(&t, CKA_PUBLIC_EXPONENT, "\x01\x00\x01", 3);
	return create(hs, &t, ret);
}

START_TEST(whatever_key_can_be_imported_is_of_a_size_that_can_be_used)
{
	CK_MECHANISM pkcs = { CKM_RSA_PKCS, NULL, 0 }, hmac = { CKM_SHA256_HMAC, NULL, 0 };
	CK_MECHANISM_INFO rsa, mac;
	CK_BYTE *secret = calloc(1, 8193), out[32];
	CK_ULONG n = sizeof(out);
	CK_OBJECT_HANDLE key;
	struct tmpl t = { .n = 0 };

	CHECK_OK(p11->C_GetMechanismInfo(p11_slot, CKM_RSA_PKCS, &rsa));
	CHECK_OK(p11->C_GetMechanismInfo(p11_slot, CKM_SHA256_HMAC, &mac));
	CHECK_RV(import_modulus(rsa.ulMinKeySize - 8, &key), CKR_ATTRIBUTE_VALUE_INVALID);
	CHECK_RV(import_modulus(rsa.ulMaxKeySize + 8, &key), CKR_ATTRIBUTE_VALUE_INVALID);
	CHECK_OK(import_modulus(rsa.ulMinKeySize, &key));
	CHECK_OK(p11->C_VerifyInit(hs, &pkcs, key));
	CHECK_OK(p11->C_VerifyInit(hs, NULL, 0));
	CHECK_OK(import_modulus(rsa.ulMaxKeySize, &key));
	CHECK_OK(p11->C_VerifyInit(hs, &pkcs, key));
	t_secret(&t, CKK_GENERIC_SECRET);
	t_bytes(&t, CKA_VALUE, secret, mac.ulMaxKeySize / 8 + 1);
	CHECK_RV(create(hs, &t, &key), CKR_ATTRIBUTE_VALUE_INVALID);
	key = import_secret(hs, CKK_GENERIC_SECRET, secret, mac.ulMaxKeySize / 8);
	CHECK_OK(p11->C_SignInit(hs, &hmac, key));
	CHECK_OK(p11->C_Sign(hs, BYTES("x"), out, &n));
	free(secret);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("p11 keys");
	TCase *t = tcase_create("keys");

	tcase_add_unchecked_fixture(t, matrix_keys, NULL);
	tcase_add_checked_fixture(t, p11_setup_public, p11_teardown);
	tcase_add_test(t, ecdh_agrees_with_libcrypto);
	tcase_add_test(t, a_derived_key_inherits_its_base_s_past);
	tcase_add_test(t, a_derive_template_is_added_and_must_not_be_contradicted);
	tcase_add_test(t, ecdh_refuses_bad_points_keys_and_parameters);
	tcase_add_test(t, aes_keys_are_generated_in_every_size_and_no_other);
	tcase_add_test(t, generate_key_checks_its_template);
	tcase_add_loop_test(t, every_curve_signs_and_verifies, 0, 6);
	tcase_add_test(t, unknown_curves_are_refused);
	tcase_add_test(t, rsa_pairs_are_generated_as_asked);
	tcase_add_test(t, a_pair_is_made_whole_or_not_at_all);
	tcase_add_test(t, rsa_imports_with_all_parts_or_the_least);
	tcase_add_test(t, parts_of_different_keys_are_refused);
	tcase_add_test(t, whatever_key_can_be_imported_is_of_a_size_that_can_be_used);
	suite_add_tcase(s, t);
	return p11_main(s);
}
